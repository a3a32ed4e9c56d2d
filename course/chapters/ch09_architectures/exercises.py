"""Chapter 9: what each exercise is, in torch, and what goes wrong. No numpy solution stands here.

Networks are torch modules on the device "meta", whose weights have a shape but take no memory: VGG-16 costs nothing.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course.kit.common import common_mistakes
from course.kit.compare import describe
from course.kit.exercise import Exercise, call, draw, shared_mistake

# ---------------------------------------------------------------- layers as torch modules

IN_PLACE = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softmax": nn.Softmax,
    "lrn": lambda: nn.LocalResponseNorm(5),
    "dropout": nn.Dropout,
}
POOLS = {"max_pool": nn.MaxPool2d, "avg_pool": nn.AvgPool2d}
IN_PLACE_TYPES = tuple(type(make()) for make in IN_PLACE.values())
OPTIONS = {
    "conv": {"out", "kernel_size", "stride", "padding", "dilation", "groups", "bias"},
    "linear": {"out", "bias"},
    **{kind: {"kernel_size", "stride", "padding", "ceil_mode"} for kind in POOLS},
}


class Step(NamedTuple):
    """A layer, its torch module, and the shapes before and after it."""

    layer: dict
    module: nn.Module
    before: tuple
    after: tuple


def _module(layer, shape):
    """The torch module of a layer, given as a dict, for inputs of that shape."""
    kind, given = layer["kind"], {k: v for k, v in layer.items() if k not in ("name", "kind", "out")}
    with torch.device("meta"):
        if kind == "conv":
            return nn.Conv2d(shape[0], layer["out"], **given)
        if kind == "linear":
            return nn.Linear(shape[0], layer["out"], **given)
        if kind == "batch_norm":
            return nn.BatchNorm2d(shape[0])
    if kind in POOLS:
        return POOLS[kind](**given)
    others = {"global_avg_pool": lambda: nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten, **IN_PLACE}
    return others[kind]()


def _after(module, shape):
    """The shape after a module: one channel of zeros goes through it. ValueError where a kernel does not fit."""
    if isinstance(module, nn.Linear):
        return (int(module.out_features),)
    if isinstance(module, nn.Flatten):
        return (math.prod(shape),)
    if isinstance(module, nn.AdaptiveAvgPool2d):
        return shape[:1]
    try:
        if isinstance(module, nn.Conv2d):
            y = F.conv2d(
                torch.zeros(1, 1, *shape[1:]),
                torch.zeros(1, 1, *module.kernel_size),
                None,
                module.stride,
                module.padding,
                module.dilation,
            )
            return (int(module.out_channels), *y.shape[2:])
        if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
            return (shape[0], *module(torch.zeros(1, 1, *shape[1:])).shape[2:])
    except RuntimeError as error:
        raise ValueError("the kernel does not fit") from error
    return tuple(shape)


def _parameters(step):
    return sum(p.numel() for p in step.module.parameters())


def _positions(step):
    return math.prod(step.after[1:])


def _multiply_adds(step):
    counted = isinstance(step.module, nn.Conv2d | nn.Linear)
    return step.module.weight.numel() * _positions(step) if counted else 0


def _in_place(step):
    return isinstance(step.module, nn.Flatten | nn.BatchNorm2d) or step.layer.get("kind") in IN_PLACE


def _bytes(step):
    return 0 if _in_place(step) else 4 * math.prod(step.after)


def _steps(layers, input_shape, after=_after, seen=lambda _layer, before, _first: before):
    before = tuple(input_shape)
    for layer in layers:
        module = _module(layer, seen(layer, before, input_shape))
        yield Step(layer, module, before, after(module, before))
        before = after(module, before)


def _by_formula(module, shape, sides=2):
    """The shape after a convolution or pool as the bare formula gives it, whether the kernel fits or not."""
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        return _after(module, shape)
    stride, padding, kernel, dilation = (
        value if isinstance(value, tuple) else (value, value)
        for value in (module.stride, module.padding, module.kernel_size, getattr(module, "dilation", 1))
    )
    rounded = math.ceil if getattr(module, "ceil_mode", False) else math.floor
    sizes = [
        rounded((n + sides * p - d * (k - 1) - 1) / s) + 1
        for n, s, p, k, d in zip(shape[1:], stride, padding, kernel, dilation, strict=True)
    ]
    return (getattr(module, "out_channels", shape[0]), *sizes)


def _table(
    layers,
    input_shape,
    parameters=_parameters,
    macs=_multiply_adds,
    bytes_=_bytes,
    shape=lambda s: s.after,
    **how,
):
    """The oracle of layer_table; the other arguments replace one column's rule, for the mistakes."""
    return [
        (s.layer["name"], shape(s), parameters(s), macs(s), bytes_(s))
        for s in _steps(layers, input_shape, **how)
    ]


def _with(layers, *kinds, **options):
    """The same layers, those of the given kinds with other options."""
    return [{**layer, **options} if layer["kind"] in kinds else layer for layer in layers]


def _without(layers, *options):
    return [{k: v for k, v in layer.items() if k not in options} for layer in layers]


def _layer(kind, out=None, *, name=None, **options):
    """A layer as layer_table takes it, for probes."""
    return {"name": name or f"{kind}1", "kind": kind, **({} if out is None else {"out": out}), **options}


layer_table = Exercise(
    oracle=_table,
    probes=[
        call([_layer("conv", 6, kernel_size=5), _layer("conv", 4, kernel_size=(3, 2))], (2, 14, 19)),
        call([_layer("conv", 3, kernel_size=3, stride=(3, 2), padding=(0, 1))], (2, 10, 13)),
        call([_layer("conv", 5, kernel_size=3, stride=2, padding=1, bias=False)], (3, 8, 11)),
        call([_layer("conv", 6, kernel_size=3, groups=2, dilation=2)], (4, 9, 12)),
        call([_layer("max_pool", kernel_size=2), _layer("avg_pool", kernel_size=3, stride=2)], (3, 15, 18)),
        call([_layer("max_pool", kernel_size=3, stride=2, padding=1, ceil_mode=True)], (2, 8, 12)),
        call([_layer("avg_pool", kernel_size=2, padding=1, ceil_mode=True)], (2, 7, 11)),
        call([_layer("flatten"), _layer("linear", 5), _layer("linear", 3, bias=False)], (2, 3, 4)),
        call([_layer("linear", 10)], (84,)),
        call(
            [_layer("conv", 3, kernel_size=1), *map(_layer, ("batch_norm", "relu", "global_avg_pool"))],
            (2, 4, 5),
        ),
        call([*map(_layer, IN_PLACE)], (3, 4, 6)),
        call([_layer("tanh"), _layer("sigmoid")], (7,)),
        call([_layer("conv", 3, kernel_size=5)], (2, 4, 9)),
        call([_layer("conv", 3, kernel_size=7)], (2, 4, 9)),
        call([_layer("max_pool", kernel_size=4)], (2, 9, 2)),
        call([_layer("conv", 3, kernel_size=5, padding=1), _layer("relu")], (2, 3, 3)),
    ],
)


# ---------------------------------------------------------------- networks: what counts, in words


def _costs(input_shape: tuple, any_pool: bool = False) -> Callable[[Any], list[str]]:
    """A view of networks, whether modules or lists of dicts: one text a layer that stores or learns something.

    Names and layers that work in place don't count. any_pool: nor does the kind of pooling.
    """

    def view(net):
        if net is None:
            return None
        lines = list(_described(net, input_shape, any_pool))
        return lines + ["no more layers"] * (
            32 - len(lines)
        )  # so that the first odd layer is named, not the number

    return view


def _described(net: Any, shape: tuple, any_pool: bool) -> Iterator[str]:
    if not isinstance(net, list | tuple):
        yield f"a list of layers is expected, not {describe(net)}"
        return
    for number, layer in enumerate(net, start=1):
        try:
            module = layer if isinstance(layer, nn.Module) else _module(_usable(layer), shape)
            if isinstance(module, nn.Linear) and len(shape) > 1:
                raise ValueError("a linear layer takes (units,): is there a flatten before it?")
            if not isinstance(module, (nn.Linear, nn.Flatten, *IN_PLACE_TYPES)) and len(shape) == 1:
                raise ValueError("this kind takes (channels, height, width)")
            step = Step(layer if isinstance(layer, dict) else {}, module, shape, _after(module, shape))
        except Exception as error:
            yield f"layer {number} can't be used: {error}"
            return
        shape = step.after
        if not isinstance(module, (nn.Flatten, *IN_PLACE_TYPES)):
            costs = f"{_parameters(step)} parameters, {_multiply_adds(step)} multiply-adds"
            yield f"{_called(module, any_pool)} -> {shape}: {costs}"


def _usable(layer: Any) -> dict:
    """The layer, if layer_table could read it."""
    if not isinstance(layer, dict):
        raise TypeError(f"a dict is expected, not {describe(layer)}")
    if missing := [key for key in ("name", "kind") if key not in layer]:
        raise ValueError(f"it has no {missing[0]!r}")
    if layer["kind"] not in {*OPTIONS, *IN_PLACE, "flatten", "batch_norm", "global_avg_pool"}:
        raise ValueError(f"there is no kind {layer['kind']!r}")
    known = OPTIONS.get(layer["kind"], set())
    if missing := [key for key in ("out", "kernel_size") if key in known and key not in layer]:
        raise ValueError(f"a layer of kind {layer['kind']!r} needs {missing[0]!r}")
    for key, value in layer.items():
        if key in ("name", "kind"):
            continue
        if key not in known:
            raise ValueError(f"a layer of kind {layer['kind']!r} has no option {key!r}")
        if key not in ("out", "groups", "bias", "ceil_mode") and not np.all(np.abs(value) <= 512):
            raise ValueError(f"{key} is {value!r}")
    return {k: tuple(v) if isinstance(v, list) else v for k, v in layer.items()}


def _called(module: nn.Module, any_pool: bool) -> str:
    if not isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return {nn.Conv2d: "conv", nn.Linear: "linear"}.get(type(module), type(module).__name__)
    (high, wide), (down, right) = (
        v if isinstance(v, tuple) else (v, v) for v in (module.kernel_size, module.stride)
    )
    kind = "pool" if any_pool else {v: k for k, v in POOLS.items()}[type(module)]
    return f"{kind} {high}x{wide} with stride {down if down == right else (down, right)}"


def _net(shape, *makers):
    """A network of modules; each maker gets the number of channels or units that come in."""
    modules = []
    with torch.device("meta"):
        for make in makers:
            modules.append(make(shape[0]))
            shape = _after(modules[-1], shape)
    return modules


def _conv(out, *rest, **options):
    return lambda channels: nn.Conv2d(channels, out, *rest, **options)


def _fully(out, bias=True):
    return lambda units: nn.Linear(units, out, bias)


def _as_it_is(module):
    return lambda _: module


FLATTEN = _as_it_is(nn.Flatten())


def _no_biases(net):
    for module in net:
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.bias = None
    return net


def _no_flatten(net):
    return [module for module in net if not isinstance(module, nn.Flatten)]


def _small(maps=(8, 16), units=(120, 84, 10), padding=0, pool=2):
    convs = [m for n in maps for m in (_conv(n, 5, padding=padding), _as_it_is(nn.MaxPool2d(pool)))]
    return _net((3, 32, 32), *convs, FLATTEN, *map(_fully, units))


def _lenet(maps=(6, 16), units=(120, 84, 10), padding=0, pool=lambda: nn.AvgPool2d(2)):
    convs = [m for n in maps for m in (_conv(n, 5, padding=padding), _as_it_is(pool()))]
    return _net((1, 32, 32), *convs, FLATTEN, *map(_fully, units))


def _alexnet(
    groups=1, grouped=(2, 4, 5), pad=0, pool=3, last_pool=True, maps=(96, 256, 384, 384, 256), same=1, fc=4096
):
    in_groups = [groups if n in grouped else 1 for n in range(1, 6)]
    sizes, paddings = (11, 5, 3, 3, 3), (pad, 2 * same, same, same, same)
    convs = [
        _conv(n, k, 4 if k == 11 else 1, p, groups=g)
        for n, k, p, g in zip(maps, sizes, paddings, in_groups, strict=True)
    ]
    smaller = _as_it_is(nn.MaxPool2d(pool, 2))
    layers = [convs[0], smaller, convs[1], smaller, *convs[2:], *[smaller] * last_pool]
    return _net((3, 227, 227), *layers, FLATTEN, _fully(fc), _fully(fc), _fully(1000))


# Numbers of 3x3 kernels, 1 for 1x1 of as many kernels as the layer before, M for a pool.
VGG = {
    "A": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "B": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "C": "64 64 M 128 128 M 256 256 1 M 512 512 1 M 512 512 1 M",
    "D": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "E": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def _vgg(config, plan=None, units=(4096, 4096, 1000), padding=1, padding_of_1x1=0):
    def make(word):
        if word == "M":
            return _as_it_is(nn.MaxPool2d(2))
        if word == "1":
            return lambda channels: nn.Conv2d(channels, channels, 1, padding=padding_of_1x1)
        return _conv(int(word), 3, padding=padding)

    return _net((3, 224, 224), *map(make, (plan or VGG[config]).split()), FLATTEN, *map(_fully, units))


small_cnn = Exercise(oracle=_small, probes=[call()], view=_costs((3, 32, 32), any_pool=True))
lenet5 = Exercise(oracle=_lenet, probes=[call()], view=_costs((1, 32, 32)))
alexnet = Exercise(oracle=_alexnet, probes=[call(), call(1), call(groups=2)], view=_costs((3, 227, 227)))
vgg = Exercise(oracle=_vgg, probes=[call(config) for config in VGG], view=_costs((3, 224, 224)))


# ---------------------------------------------------------------- heads: top k, fully connected as convolution


def _bytes_drawn(seed, *shape):
    return draw(seed, *shape, low=0, high=50, dtype="uint8")


def _ranked(seed, n, classes, dtype="int64"):
    """Scores without ties in any row, smallest 0: classes in random order, three apart."""
    rng = np.random.default_rng(seed)
    return np.array([3 * rng.permutation(classes) for _ in range(n)]).astype(dtype)


def _found(scores, labels, k):
    return (scores.topk(k).indices == labels.long()[:, None]).any(1)


top_k_error = Exercise(
    oracle=lambda scores, labels, k: 1 - _found(scores, labels, k).double().mean(),
    probes=[
        call(draw(1, 40, 7), draw(2, 40, low=0, high=7, dtype="int64"), 1),
        call(draw(3, 40, 7), draw(4, 40, low=0, high=7, dtype="int64"), 3),
        call(draw(5, 25, 6), draw(6, 25, low=0, high=6, dtype="int64"), k=5),
        call(_ranked(7, 30, 6), draw(8, 30, low=0, high=6, dtype="int64"), 2),
        call(_ranked(9, 60, 6, "uint8"), draw(10, 60, low=0, high=6, dtype="int64"), 2),
        call(draw(11, 1, 4), np.array([2]), 4),
        call(draw(12, 8, 8), np.arange(8), 2),
    ],
)

fc_as_conv = Exercise(
    oracle=lambda w, b, size: (w.unflatten(1, tuple(size)), b),
    probes=[
        call(draw(1, 3, 24), draw(2, 3), (2, 3, 4)),
        call(draw(3, 5, 18), draw(4, 5), (2, 3, 3)),
        call(draw(5, 4, 4), draw(6, 4), (1, 2, 2)),
        call(draw(7, 2, 6, low=0, high=9, dtype="int64"), draw(8, 2), size=(6, 1, 1)),
    ],
)


# ---------------------------------------------------------------- blocks


def _convolved(x, pair, stride=1, padding=0):
    return F.conv2d(x, *pair, stride=stride if isinstance(stride, int) else tuple(stride), padding=padding)


def _same(x):
    return x


def _inception(
    x,
    params,
    relu=torch.relu,
    reduced=torch.relu,
    pool=lambda maps: F.max_pool2d(maps, 3, 1, 1),
    reducers=(0, 0),
    names=("3x3_reduce", "5x5_reduce"),
    paddings=(1, 2),
    projected=None,
    join=1,
    order=(0, 1, 2, 3),
):
    """The oracle of inception_module; the other arguments change one thing, for the mistakes."""
    small, large = (reduced(_convolved(x, params[n], 1, p)) for n, p in zip(names, reducers, strict=True))
    branches = [
        relu(_convolved(x, params["1x1"])),
        relu(_convolved(small, params["3x3"], 1, paddings[0] - reducers[0])),
        relu(_convolved(large, params["5x5"], 1, paddings[1] - reducers[1])),
        projected(x) if projected else relu(_convolved(pool(x), params["pool_proj"])),
    ]
    return torch.cat([branches[i] for i in order], join)


def _in_numpy_words(function):
    """What torch refuses with a RuntimeError, numpy refuses with a ValueError."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except RuntimeError as error:
            raise ValueError("operands could not be broadcast together") from error

    return run


def _block(names, strided, paddings):
    """The oracle of a residual block; its keyword arguments change one thing, for the mistakes."""

    @_in_numpy_words
    def block(x, params, stride=1, *, strided=strided, paddings=paddings, between=torch.relu, last=_same, add=None, skip=None, end=torch.relu):  # fmt: skip
        y = x
        for name, padding in zip(names, paddings, strict=True):
            y = _convolved(y, params[name], stride if name in strided else 1, padding)
            y = between(y) if name != names[-1] else last(y)
        aside = skip(x) if skip else _convolved(x, params["skip"], stride) if "skip" in params else x
        return end(y + aside if add is None else add(y, aside))

    return block


def _pairs(seed, **shapes):
    """Random (w, b) pairs by name, small enough that sums of many stay near 1."""
    sizes = {name: math.prod(shape[1:]) for name, shape in shapes.items()}
    return {
        name: (draw(seed + i, *shape) / math.sqrt(sizes[name]), draw(seed + 50 + i, shape[0]) / 2)
        for i, (name, shape) in enumerate(shapes.items())
    }


def _inception_params(seed, c, one, small_in, small, large_in, large, pool):
    return _pairs(
        seed,
        **{
            "1x1": (one, c, 1, 1),
            "3x3_reduce": (small_in, c, 1, 1),
            "3x3": (small, small_in, 3, 3),
            "5x5_reduce": (large_in, c, 1, 1),
            "5x5": (large, large_in, 5, 5),
            "pool_proj": (pool, c, 1, 1),
        },
    )


def _basic_params(seed, c, d, skip=False):
    shapes = {"conv1": (d, c, 3, 3), "conv2": (d, d, 3, 3)}
    return _pairs(seed, **shapes, **({"skip": (d, c, 1, 1)} if skip else {}))


def _bottleneck_params(seed, c, m, d, skip=False):
    shapes = {"conv1": (m, c, 1, 1), "conv2": (m, m, 3, 3), "conv3": (d, m, 1, 1)}
    return _pairs(seed, **shapes, **({"skip": (d, c, 1, 1)} if skip else {}))


inception_module = Exercise(
    oracle=_inception,
    probes=[
        call(draw(1, 2, 3, 5, 6), _inception_params(100, 3, 2, 3, 4, 2, 3, 1)),
        call(draw(2, 1, 2, 7, 4), _inception_params(200, 2, 3, 2, 3, 2, 3, 3)),
        call(draw(3, 1, 2, 4, 4) - 2, _inception_params(300, 2, 1, 2, 1, 2, 1, 1)),
        call(
            draw(4, 1, 2, 5, 5, low=100, high=200, dtype="uint8"), _inception_params(400, 2, 1, 2, 2, 1, 2, 1)
        ),
    ],
)

residual_block = Exercise(
    oracle=_block(("conv1", "conv2"), ("conv1",), (1, 1)),
    probes=[
        call(draw(1, 2, 3, 5, 6), _basic_params(100, 3, 3)),
        call(draw(2, 1, 2, 6, 7), _basic_params(200, 2, 4, skip=True)),
        call(draw(3, 2, 2, 8, 7), _basic_params(300, 2, 3, skip=True), 2),
        call(draw(4, 1, 3, 7, 6), _basic_params(400, 3, 3, skip=True), stride=2),
        call(draw(5, 1, 2, 3, 3), _basic_params(500, 2, 2, skip=True), stride=2),
        call(draw(6, 1, 2, 4, 5, low=100, high=200, dtype="uint8"), _basic_params(600, 2, 2)),
    ],
)

bottleneck_block = Exercise(
    oracle=_block(("conv1", "conv2", "conv3"), ("conv2",), (0, 1, 0)),
    probes=[
        call(draw(1, 2, 4, 5, 6), _bottleneck_params(100, 4, 2, 4)),
        call(draw(2, 1, 2, 6, 7), _bottleneck_params(200, 2, 3, 5, skip=True)),
        call(draw(3, 2, 2, 8, 7), _bottleneck_params(300, 2, 2, 3, skip=True), 2),
        call(draw(4, 1, 3, 7, 6), _bottleneck_params(400, 3, 2, 3, skip=True), stride=2),
        call(draw(5, 1, 2, 3, 3), _bottleneck_params(500, 2, 2, 2, skip=True), stride=2),
        call(draw(6, 1, 2, 4, 5, low=200, high=255, dtype="uint8"), _bottleneck_params(609, 2, 2, 2)),
    ],
)


# ---------------------------------------------------------------- ResNets

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def _resnet(
    depth,
    blocks=BLOCKS,
    needs_projection=lambda c, d, s, _stage: c != d or s != 1,
    strided=1,
    first_stride=1,
    pool_padding=1,
    bias=False,
    head_bias=True,
    per_norm=2,
    times=1,
    stored=lambda step: step.after,
):
    """The oracle of resnet_table; the other arguments change one thing, for the mistakes."""
    if depth not in blocks:
        raise ValueError(f"there is no ResNet-{depth} here")

    def conv(c, d, k, stride=1, padding=None):
        return [
            nn.Conv2d(c, d, k, stride, k // 2 if padding is None else padding, bias=bias),
            nn.BatchNorm2d(d),
        ]

    def cost(modules, shape):
        steps = []
        for module in modules:
            steps.append(Step({}, module, shape, _after(module, shape)))
            shape = steps[-1].after
        norms = sum(s.module.num_features for s in steps if isinstance(s.module, nn.BatchNorm2d))
        learned = sum(map(_parameters, steps)) + (per_norm - 2) * norms
        return shape, learned, times * sum(map(_multiply_adds, steps))

    def block(c, width, stride, stage):
        wide = 4 * width if depth == 50 else width
        strides = [stride if i == strided else 1 for i in range(2)]
        main = (
            [*conv(c, width, 1, strides[0]), *conv(width, width, 3, strides[1]), *conv(width, wide, 1)]
            if depth == 50
            else [*conv(c, width, 3, stride), *conv(width, width, 3)]
        )
        return main, conv(c, wide, 1, stride) if needs_projection(c, wide, stride, stage) else []

    rows, shape = [], (3, 224, 224)
    with torch.device("meta"):
        stages = [("conv1", conv(3, 64, 7, 2)), ("pool1", [nn.MaxPool2d(3, 2, pool_padding)])]
        for name, modules in stages:
            shape, learned, macs = cost(modules, shape)
            rows.append((name, shape, learned, macs, 4 * math.prod(shape)))
        for stage, count in enumerate(blocks[depth]):
            learned = macs = 0
            for i in range(count):
                stride = (2 if stage else first_stride) if i == 0 else 1
                main, aside = block(shape[0], 64 * 2**stage, stride, stage)
                costs = [cost(path, shape) for path in (main, aside)]
                shape = costs[0][0]
                learned, macs = learned + sum(c[1] for c in costs), macs + sum(c[2] for c in costs)
            rows.append((f"conv{stage + 2}_x", shape, learned, macs, 4 * math.prod(shape)))
        rows.append(("avgpool", shape[:1], 0, 0, 4 * shape[0]))
        shape, learned, macs = cost([nn.Linear(shape[0], 1000, bias=head_bias)], shape[:1])
        rows.append(("fc", shape, learned, macs, 4 * math.prod(shape)))
    return rows


resnet_table = Exercise(oracle=_resnet, probes=[call(18), call(34), call(50), call(101), call(depth=0)])

common_mistakes(inception_module, residual_block, bottleneck_block)


# ---------------------------------------------------------------- layer_table: multiply-adds, parameters, memory


@layer_table.mistake(
    "Your multiply-adds are twice what is asked: a multiplication and its addition count as one."
)
def multiply_adds_doubled(layers, input_shape):
    """Counts multiplications and additions apart."""
    return _table(layers, input_shape, macs=lambda s: 2 * _multiply_adds(s))


@layer_table.mistake("Your multiply-adds are those of one output position. How often is each weight used?")
def multiply_adds_without_positions(layers, input_shape):
    """Takes the number of weights for the number of operations."""
    return _table(layers, input_shape, macs=lambda s: _multiply_adds(s) // max(1, _positions(s)))


@layer_table.mistake(
    "You count a kernel's uses by the positions of its input. At how many places does it stand?"
)
def positions_of_the_input(layers, input_shape):
    """H * W of the input for Ho * Wo."""
    return _table(
        layers,
        input_shape,
        macs=lambda s: _multiply_adds(s) // max(1, _positions(s)) * math.prod(s.before[1:]),
    )


@layer_table.mistake("Your multiply-adds include the biases. A bias is added, but nothing is multiplied.")
def biases_in_multiply_adds(layers, input_shape):
    """All parameters times the positions."""
    counted = lambda s: _parameters(s) * _positions(s) if _multiply_adds(s) else 0  # noqa: E731
    return _table(layers, input_shape, macs=counted)


@layer_table.mistake(
    "With groups, a kernel sees only the channels of its own group: how many weights has it?"
)
def groups_forgotten(layers, input_shape):
    """Every kernel sees all input channels."""
    return _table(_with(layers, "conv", groups=1), input_shape)


@layer_table.mistake("Your parameters know of groups, your multiply-adds don't.")
def groups_forgotten_in_multiply_adds(layers, input_shape):
    """Divides by the groups in one column only."""
    return _table(layers, input_shape, macs=lambda s: _multiply_adds(s) * s.layer.get("groups", 1))


@layer_table.mistake("Your parameters are right but for the biases: one for each kernel or unit.")
def bias_left_out(layers, input_shape):
    """Counts weights only."""
    return _table(_with(layers, "conv", "linear", bias=False), input_shape)


@layer_table.mistake('A layer with "bias": False still gets biases in your table.')
def bias_counted_anyway(layers, input_shape):
    """Ignores the flag."""
    return _table(_with(layers, "conv", "linear", bias=True), input_shape)


@layer_table.mistake(
    "Your linear layer has as many biases as inputs. Which of its two sides do they belong to?"
)
def output_layer_bias_of_inputs(layers, input_shape):
    """84 * 10 + 84 for 84 * 10 + 10."""
    slip = lambda s: s.before[0] if s.layer["kind"] == "linear" and s.layer.get("bias", True) else None  # noqa: E731
    return _table(
        layers,
        input_shape,
        parameters=lambda s: _parameters(s) - s.after[0] + slip(s) if slip(s) else _parameters(s),
    )


@layer_table.mistake(
    "You give layers without weights their outputs as parameters. What would training change there?"
)
def activations_counted_as_parameters(layers, input_shape):
    """Puts the number of outputs into the column of parameters."""
    return _table(
        layers,
        input_shape,
        parameters=lambda s: _parameters(s) or (0 if _in_place(s) else math.prod(s.after)),
    )


@layer_table.mistake("Your pools have parameters. A maximum or a mean has nothing to learn.")
def pooling_has_parameters(layers, input_shape):
    """Treats a pool as a convolution of each channel."""
    window = lambda s: math.prod((s.module.kernel_size,) * 2 if isinstance(s.module.kernel_size, int) else s.module.kernel_size)  # noqa: E731  # fmt: skip
    weights = lambda s: s.after[0] * window(s) if s.layer["kind"] in POOLS else _parameters(s)  # noqa: E731
    return _table(layers, input_shape, parameters=weights)


@layer_table.mistake(
    "Your batch norm has no parameters. Each channel has a scale and a shift that are learned."
)
def batch_norm_without_parameters(layers, input_shape):
    """Forgets gamma and beta."""
    return _table(
        layers, input_shape, parameters=lambda s: 0 if s.layer["kind"] == "batch_norm" else _parameters(s)
    )


@layer_table.mistake(
    "Your batch norm has four numbers a channel. Which of them does training by gradients change?"
)
def batch_norm_counts_running_statistics(layers, input_shape):
    """Counts the running mean and variance, which are no parameters."""
    twice = lambda s: (1 + (s.layer["kind"] == "batch_norm")) * _parameters(s)  # noqa: E731
    return _table(layers, input_shape, parameters=twice)


@layer_table.mistake(
    "You count memory for layers that can overwrite their input: relu, batch norm, flatten, ..."
)
def counts_layers_in_place(layers, input_shape):
    """4 bytes for each output of every layer."""
    return _table(layers, input_shape, bytes_=lambda s: 4 * math.prod(s.after))


@layer_table.mistake("Your last column counts values. How many bytes has a float32?")
def bytes_not_multiplied(layers, input_shape):
    """Forgets the factor 4."""
    return _table(layers, input_shape, bytes_=lambda s: _bytes(s) // 4)


@layer_table.mistake("Your last column is the memory of each layer's input. The output's is asked for.")
def bytes_of_the_input(layers, input_shape):
    """Reads the shape before it is updated."""
    return _table(layers, input_shape, bytes_=lambda s: 4 * math.prod(s.before) if _bytes(s) else 0)


# ---------------------------------------------------------------- layer_table: shapes and rows


@layer_table.mistake("Your table starts with the input. One row for each layer is asked for.")
def input_as_a_row(layers, input_shape):
    """Adds a row for the input."""
    return [("input", tuple(input_shape), 0, 0, 4 * math.prod(input_shape)), *_table(layers, input_shape)]


@layer_table.mistake('Your rows are called by the kind of the layer. Its "name" is asked for.')
def kind_for_name(layers, input_shape):
    """Reads the wrong key."""
    return _table([{**layer, "name": layer["kind"]} for layer in layers], input_shape)


@layer_table.mistake("Your shapes have the channels last; here they come first: (C, H, W).")
def height_width_channels(layers, input_shape):
    """The order of image files."""
    return _table(layers, input_shape, shape=lambda s: (*s.after[1:], s.after[0]))


@layer_table.mistake(
    "Every convolution takes the channels of the network's input. What does the second one get?"
)
def channels_of_the_input(layers, input_shape):
    """Updates height and width, but not the channels."""
    return _table(
        layers,
        input_shape,
        seen=lambda layer, before, first: first[:1] + before[1:] if layer["kind"] == "conv" else before,
    )


@layer_table.mistake("Your pools ignore ceil_mode, which lets a last, short window count.")
def pooling_floor_for_ceil(layers, input_shape):
    """Always rounds down."""
    return _table(_with(layers, *POOLS, ceil_mode=False), input_shape)


@layer_table.mistake("Your pools always count a last, short window. By default they round down.")
def ceil_for_floor(layers, input_shape):
    """Always rounds up."""
    return _table(_with(layers, *POOLS, ceil_mode=True), input_shape)


@layer_table.mistake(
    "With ceil_mode you count a window that starts in the padding behind the last value; drop it."
)
def ceil_window_starts_in_padding(layers, input_shape):
    """Rounds up without torch's condition on the last window."""
    return _table(layers, input_shape, after=_by_formula)


@layer_table.mistake("A pool without a stride moves on by its kernel size; yours moves on by one.")
def pool_stride_is_one(layers, input_shape):
    """Takes the convolution's default for the pool's."""
    return _table(
        [{"stride": 1, **layer} if layer["kind"] in POOLS else layer for layer in layers], input_shape
    )


@layer_table.mistake("Your shapes are the same for every stride of a convolution.")
def ignores_stride(layers, input_shape):
    """Leaves the stride of convolutions out."""
    return _table(_with(layers, "conv", stride=1), input_shape)


@layer_table.mistake("Your shapes are the same for every padding.")
def ignores_padding(layers, input_shape):
    """Leaves the padding out."""
    return _table(_without(layers, "padding"), input_shape)


@layer_table.mistake("Padding comes on both sides: how much longer does each axis get?")
def forgets_two_sides(layers, input_shape):
    """+ p for + 2 p."""
    return _table(layers, input_shape, after=lambda module, shape: _by_formula(module, shape, sides=1))


@layer_table.mistake("Your shapes are the same for every dilation. How far does a dilated kernel reach?")
def ignores_dilation(layers, input_shape):
    """Leaves the dilation out."""
    return _table(_without(layers, "dilation"), input_shape)


@layer_table.mistake("A pair is (height, width); you read it the other way round.")
def swaps_height_and_width(layers, input_shape):
    """Applies the first of a pair to the width."""
    turned = [{k: v[::-1] if isinstance(v, tuple) else v for k, v in layer.items()} for layer in layers]
    return _table(turned, input_shape)


@layer_table.mistake("Your maps are always square: the width has a size of its own.")
def height_for_width(layers, input_shape):
    """Computes one size and uses it twice."""

    def square(module, shape):
        after = _after(module, shape)
        return (after[0], after[1], after[1]) if len(after) == 3 and after != tuple(shape) else after

    return _table(layers, input_shape, after=square)


@layer_table.mistake("You flatten one channel only: all C * H * W values stand in a row.")
def flattens_one_channel(layers, input_shape):
    """H * W for C * H * W."""
    one = lambda module, shape: (math.prod(shape[1:]),) if isinstance(module, nn.Flatten) else _after(module, shape)  # noqa: E731  # fmt: skip
    return _table(layers, input_shape, after=one)


@layer_table.mistake("After global average pooling the shape is (C,): no height and width are left.")
def global_average_keeps_axes(layers, input_shape):
    """(C, 1, 1) for (C,)."""
    return _table(
        layers,
        input_shape,
        shape=lambda s: (*s.after, 1, 1) if isinstance(s.module, nn.AdaptiveAvgPool2d) else s.after,
    )


@layer_table.mistake(
    "A kernel that does not fit must raise ValueError; your sizes get 0 or negative instead."
)
def negative_sizes(layers, input_shape):
    """The formula without a check."""

    def unchecked(module, shape):
        with contextlib.suppress(ValueError, RuntimeError):
            return _after(module, shape)
        return _by_formula(module, shape)

    return _table(layers, input_shape, after=unchecked)


@layer_table.mistake("A size of 0 passes your check: with no position left, the kernel does not fit.")
def zero_is_no_error(layers, input_shape):
    """Checks for < 0 in place of < 1."""

    def half_checked(module, shape):
        if all(n >= 0 for n in _by_formula(module, shape)):
            return negative_sizes_after(module, shape)
        return _after(module, shape)

    def negative_sizes_after(module, shape):
        with contextlib.suppress(ValueError, RuntimeError):
            return _after(module, shape)
        return _by_formula(module, shape)

    return _table(layers, input_shape, after=half_checked)


@layer_table.mistake("You refuse a kernel that fits once the padding is there.")
def checks_before_padding(layers, input_shape):
    """Compares the kernel with the input before it is padded."""

    def strict(module, shape):
        size = getattr(module, "kernel_size", 1)
        high, wide = size if isinstance(size, tuple) else (size, size)
        if len(shape) == 3 and (high > shape[1] or wide > shape[2]):
            raise ValueError("the kernel does not fit")
        return _after(module, shape)

    return _table(layers, input_shape, after=strict)


# ---------------------------------------------------------------- small_cnn and lenet5


@small_cnn.mistake("The first fully connected layer takes a row of numbers: what makes one of the maps?")
def no_flatten():
    """Leaves the flatten out."""
    return _no_flatten(_small())


@small_cnn.mistake("Your layers have weights but no biases.")
def bias_left_out():
    """bias=False everywhere."""
    return _no_biases(_small())


@small_cnn.mistake("Your maps keep their size in the convolutions; without padding 32 becomes 28.")
def same_padding():
    """Pads by 2."""
    return _small(padding=2)


@small_cnn.mistake("Your first layer has 6 kernels, as LeNet-5 has. Here it is 8.")
def six_maps_as_in_lenet():
    """Takes LeNet's numbers."""
    return _small(maps=(6, 16))


@small_cnn.mistake("The output layer is missing: ten classes need ten scores.")
def no_output_layer():
    """Stops at the last hidden layer."""
    return _small(units=(120, 84))


@small_cnn.mistake("A fully connected layer is missing: there are three, of 120, 84 and 10 units.")
def drops_a_layer():
    """Goes from 120 units to the output."""
    return _small(units=(120, 10))


@small_cnn.mistake("The pools are missing: both halve their maps.")
def no_pools():
    """Leaves both pools out."""
    return [m for m in _small(pool=1) if not isinstance(m, nn.MaxPool2d)]


@lenet5.mistake("The first fully connected layer takes a row of numbers: what makes one of the maps?")
def no_flatten():
    """Leaves the flatten out."""
    return _no_flatten(_lenet())


@lenet5.mistake("Your layers have weights but no biases.")
def bias_left_out():
    """bias=False everywhere."""
    return _no_biases(_lenet())


@lenet5.mistake(
    "You pad the maps. The 28 x 28 digit has its border already: that is why the input is 32 x 32."
)
def pads_the_padded_image():
    """padding=2, as for an input of 28 x 28."""
    return _lenet(padding=2)


@lenet5.mistake("LeNet-5 takes means; the maximum came later.")
def max_for_average():
    """max_pool for avg_pool."""
    return _lenet(pool=lambda: nn.MaxPool2d(2))


@lenet5.mistake("Your pools move on by one. Which stride has a 2 x 2 pool that halves its maps?")
def pool_stride_is_one():
    """Windows that overlap."""
    return _lenet(pool=lambda: nn.AvgPool2d(2, 1))


@lenet5.mistake("A fully connected layer is missing: there are three, of 120, 84 and 10 units.")
def drops_a_layer():
    """Goes from 120 units to the output."""
    return _lenet(units=(120, 10))


@lenet5.mistake("Your first layer has 8 kernels, as the small CNN above has. LeNet-5 has 6.")
def eight_maps():
    """Takes the small CNN's numbers."""
    return _lenet(maps=(8, 16))


# ---------------------------------------------------------------- alexnet


@alexnet.mistake(
    "With groups=2 you get the same network as without. Which three convolutions split their channels?"
)
def groups_forgotten(groups=1):
    """62.4 million parameters for 61.0."""
    return _alexnet()


@alexnet.mistake("conv3 sees both halves: at that layer, the two GPUs exchange their maps.")
def groups_in_conv3_too(groups=1):
    """Groups in conv2 to conv5."""
    return _alexnet(groups, grouped=(2, 3, 4, 5))


@alexnet.mistake("Your conv1 pads. With an input of 227 it needs no padding; 224 is the slip of the paper.")
def alexnet_224(groups=1):
    """Pads conv1 by 2, as one must for an input of 224."""
    return _alexnet(groups, pad=2)


@alexnet.mistake("AlexNet's pools overlap: the kernel is larger than the stride.")
def pools_do_not_overlap(groups=1):
    """2 x 2 for 3 x 3."""
    return _alexnet(groups, pool=2)


@alexnet.mistake("Your layers have weights but no biases.")
def bias_left_out(groups=1):
    """bias=False everywhere."""
    return _no_biases(_alexnet(groups))


@alexnet.mistake("The pool after conv5 is missing: fc6 takes 6 x 6 x 256 values.")
def no_last_pool(groups=1):
    """Flattens 13 x 13 maps."""
    return _alexnet(groups, last_pool=False)


@alexnet.mistake("conv2 to conv5 keep the size of their maps: how much padding does that take?")
def convs_unpadded(groups=1):
    """padding 0 throughout."""
    return _alexnet(groups, same=0)


@alexnet.mistake("Those are the widths of the later one-GPU version. The paper's are 96, 256, 384, 384, 256.")
def widths_of_the_later_version(groups=1):
    """64, 192, 384, 256, 256, as in torchvision."""
    return _alexnet(groups, maps=(64, 192, 384, 256, 256))


@alexnet.mistake(
    "Your widths are those of one GPU. The paper draws both: two times 48 kernels in conv1, and so on."
)
def one_gpu_only(groups=1):
    """48, 128, 192, 192, 128 and 2048 units."""
    return _alexnet(groups, maps=(48, 128, 192, 192, 128), fc=2048)


@alexnet.mistake("The first fully connected layer takes a row of numbers: what makes one of the maps?")
def no_flatten(groups=1):
    """Leaves the flatten out."""
    return _no_flatten(_alexnet(groups))


# ---------------------------------------------------------------- vgg


@vgg.mistake(
    "Your VGG-E has five convolutions in its last block. Count its weight layers: its name is VGG-19."
)
def five_convs_in_vgg_e(config):
    """One conv3-512 too many."""
    return _vgg(config, VGG["E"].removesuffix("M") + "512 M" if config == "E" else None)


@vgg.mistake("Configuration C is not D: the last convolution of its later blocks is smaller than 3 x 3.")
def c_is_d(config):
    """3x3 for 1x1 in C."""
    return _vgg({"C": "D"}.get(config, config))


@vgg.mistake("The 1 x 1 convolutions of C make your maps grow: how much padding does a 1 x 1 kernel need?")
def pads_the_1x1(config):
    """padding=1 for every convolution."""
    return _vgg(config, padding_of_1x1=1)


@vgg.mistake("Your network is the same for every configuration.")
def always_d(config):
    """Ignores its argument."""
    return _vgg("D")


@vgg.mistake("Your last block has 1024 kernels a layer. The doubling stops at 512.")
def doubles_once_more(config):
    """64, 128, 256, 512, 1024."""
    head, _, tail = VGG[config].removesuffix(" M").rpartition("M")
    return _vgg(config, f"{head}M{tail.replace('512', '1024')} M")


@vgg.mistake("Your convolutions shrink the maps; VGG pads by 1, so that only pools do.")
def convs_unpadded(config):
    """padding 0 throughout."""
    return _vgg(config, padding=0)


@vgg.mistake("Your layers have weights but no biases.")
def bias_left_out(config):
    """bias=False everywhere."""
    return _no_biases(_vgg(config))


@vgg.mistake("A fully connected layer is missing: 4096, 4096 and 1000 units.")
def drops_a_layer(config):
    """Goes from fc6 to fc8."""
    return _vgg(config, units=(4096, 1000))


@vgg.mistake("The pool after the last block is missing: fc6 takes 7 x 7 x 512 values.")
def no_last_pool(config):
    """Flattens 14 x 14 maps."""
    return _vgg(config, VGG[config].removesuffix(" M"))


@vgg.mistake("The first fully connected layer takes a row of numbers: what makes one of the maps?")
def no_flatten(config):
    """Leaves the flatten out."""
    return _no_flatten(_vgg(config))


# ---------------------------------------------------------------- top_k_error and fc_as_conv


@top_k_error.mistake("Your result is the same for every k: a label may be any of the k highest.")
def top_k_is_top_1(scores, labels, k):
    """Looks at the highest score only."""
    return top_k_error.oracle(scores, labels, 1)


@top_k_error.mistake("You look among the k lowest scores: numpy sorts upwards.")
def top_k_smallest(scores, labels, k):
    """argsort without turning it round."""
    return top_k_error.oracle(-scores, labels, k)


@top_k_error.mistake("That is the accuracy. The error is the rest.")
def accuracy_for_error(scores, labels, k):
    """Counts the hits."""
    return _found(scores, labels, k).double().mean()


@top_k_error.mistake("You count samples; a fraction from 0 to 1 is asked for.")
def counts_samples(scores, labels, k):
    """Forgets to divide by N."""
    return (~_found(scores, labels, k)).sum().item()


@top_k_error.mistake("That is a percentage; a fraction from 0 to 1 is asked for.")
def percentage(scores, labels, k):
    """Times 100."""
    return 100 * top_k_error.oracle(scores, labels, k)


@top_k_error.mistake("You look at one class too many. How many elements has your slice?")
def one_class_too_many(scores, labels, k):
    """k + 1 classes."""
    return top_k_error.oracle(scores, labels, min(k + 1, scores.shape[1]))


@top_k_error.mistake("You look at one class too few. How many elements has your slice?")
def one_class_too_few(scores, labels, k):
    """k - 1 classes."""
    return 1 - _found(scores, labels, k - 1).double().mean()


@top_k_error.mistake("Scores may be of an unsigned type: turning their sign wraps around. Convert to float first.", own_types=True)  # fmt: skip
def negates_unsigned(scores, labels, k):
    """Sorts -scores, which for uint8 leaves 0 the smallest number: it comes first."""
    return top_k_error.oracle(-(-scores).double(), labels, k)


@fc_as_conv.mistake(
    "Your kernels read the flattened map in the order (H, W, C). It was flattened from (C, H, W)."
)
def fc_as_conv_order(w, b, size):
    """Channels last."""
    c, high, wide = size
    return w.reshape(-1, high, wide, c).permute(0, 3, 1, 2), b


@fc_as_conv.mistake("Height and width trade places in your kernels.")
def swaps_height_and_width(w, b, size):
    """Reads each channel column by column."""
    c, high, wide = size
    return w.reshape(-1, c, wide, high).transpose(2, 3), b


@fc_as_conv.mistake(
    "Your kernels are rotated by 180 degrees. The course's conv2d does not flip, so neither should you."
)
def flips_the_kernel(w, b, size):
    """Prepares the kernels for a true convolution."""
    return w.unflatten(1, tuple(size)).flip(2, 3), b


@fc_as_conv.mistake(
    "Your kernels are 1 x 1 with a channel for each value. That fits the flattened map, not the map."
)
def kernels_of_1x1(w, b, size):
    """(D, C*H*W, 1, 1)."""
    return w[:, :, None, None], b


@fc_as_conv.mistake("The bias stays as it was, of shape (D,): conv2d spreads it over the positions.")
def bias_with_axes(w, b, size):
    """(D, 1, 1) or the like."""
    return w.unflatten(1, tuple(size)), b[:, None, None]


@fc_as_conv.mistake("You return the kernels alone; the bias belongs to the result, too.")
def bias_left_out(w, b, size):
    """Forgets b."""
    return w.unflatten(1, tuple(size))


# ---------------------------------------------------------------- inception_module


@inception_module.mistake("You concatenate along the width. Which axis holds the channels?")
@_in_numpy_words
def concat_over_width(x, params):
    """axis=3."""
    return _inception(x, params, join=3)


@inception_module.mistake("The branches are right, but in another order: 1x1, 3x3, 5x5, pool.")
def branches_in_another_order(x, params):
    """The pooled branch first."""
    return _inception(x, params, order=(3, 0, 1, 2))


@inception_module.mistake(
    "Your branches come out in different sizes: each keeps H x W. How much padding is that?"
)
@_in_numpy_words
def branches_unpadded(x, params):
    """No padding for 3x3 and 5x5."""
    return _inception(x, params, paddings=(0, 0))


@inception_module.mistake(
    "You pad before the 1x1 reducer, so its bias fills the frame. Pad for the 5x5 kernel instead."
)
def reducer_is_5x5(x, params):
    """The reducer gets the padding of the kernel that follows it."""
    return _inception(x, params, reducers=(1, 2))


@inception_module.mistake(
    "The 5x5 convolution gets the output of the other branch's reducer. Each has its own."
)
@_in_numpy_words
def one_reducer_for_both(x, params):
    """3x3_reduce in both branches."""
    return _inception(x, params, names=("3x3_reduce", "3x3_reduce"))


@inception_module.mistake(
    "Your pool takes the zeros of the frame for values: where all are negative, they win."
)
def zero_padding_for_max(x, params):
    """Pads the pool with 0 in place of -inf."""
    return _inception(x, params, pool=lambda maps: F.max_pool2d(F.pad(maps, (1, 1, 1, 1)), 3, 1))


@inception_module.mistake("Your pooled branch takes means. The module takes the maximum.")
def average_for_max(x, params):
    """Average pooling."""
    return _inception(x, params, pool=lambda maps: F.avg_pool2d(maps, 3, 1, 1))


@inception_module.mistake("The pooled branch projects first and pools then. The pool comes first.")
def pools_after_the_projection(x, params):
    """The two steps in the other order."""
    project = lambda maps: torch.relu(_convolved(maps, params["pool_proj"]))  # noqa: E731
    return _inception(x, params, projected=lambda maps: F.max_pool2d(project(maps), 3, 1, 1))


@inception_module.mistake("Your fourth branch leaves out the pool.")
def no_pool(x, params):
    """Only the projection."""
    return _inception(x, params, pool=_same)


@inception_module.mistake("No ReLU follows your reducers. Each of the six convolutions has one.")
def no_relu_after_reducers(x, params):
    """Two convolutions without anything between them."""
    return _inception(x, params, reduced=_same)


@inception_module.mistake("Your result has negative values: a ReLU follows each of the six convolutions.")
def no_relu_at_the_end(x, params):
    """ReLUs after the reducers only."""
    return _inception(x, params, relu=_same)


@inception_module.mistake("Your result is right without the biases: params holds pairs (w, b).")
def no_bias(x, params):
    """Leaves b out."""
    return _inception(x, {name: (w, None) for name, (w, _) in params.items()})


# ---------------------------------------------------------------- residual blocks


def _both(hint):
    """A mistake of both blocks: a function of the oracle and the call."""
    return shared_mistake(hint, residual_block, bottleneck_block)


@_both("You apply the ReLU before the addition. It comes after: a block must be able to subtract, too.")
def relu_before_addition(oracle, x, params, stride=1):
    """relu(F(x)) + skip(x)."""
    return oracle(x, params, stride, last=torch.relu, end=_same)


@_both("There is a ReLU too many: none stands between the last convolution and the addition.")
def relu_before_and_after_addition(oracle, x, params, stride=1):
    """relu(relu(F(x)) + skip(x))."""
    return oracle(x, params, stride, last=torch.relu)


@_both("Your result has negative values: a ReLU follows the addition.")
def no_relu_after_addition(oracle, x, params, stride=1):
    """F(x) + skip(x)."""
    return oracle(x, params, stride, end=_same)


@_both("Between the convolutions of the branch a ReLU is missing.")
def no_relu_between(oracle, x, params, stride=1):
    """Convolutions in a row, which are one convolution."""
    return oracle(x, params, stride, between=_same)


@_both('You ask for a projection in every block. Where params has no "skip", x itself is added.')
def projection_always(oracle, x, params, stride=1):
    """params["skip"] without a look whether it is there."""
    _ = params["skip"]
    return oracle(x, params, stride)


@_both('You add x itself although its shape does not fit. What is params["skip"] for?')
def projection_never(oracle, x, params, stride=1):
    """The identity always."""
    return oracle(x, params, stride, skip=_same)


@_both("You decide by the channels whether to project. With a stride the shapes differ, too.")
def projection_by_channels_only(oracle, x, params, stride=1):
    """The identity where the numbers of channels agree."""
    last = [name for name in params if name.startswith("conv")][-1]
    return oracle(x, params, stride, skip=_same if params[last][0].shape[0] == x.shape[1] else None)


@_both("Nothing is added to your branch: where does x come in again?")
def no_skip(oracle, x, params, stride=1):
    """A plain block."""
    return oracle(x, params, stride, add=lambda branch, _: branch)


@_both("Your skip has a ReLU of its own. Nothing may stand in its way but the projection.")
def relu_on_the_skip(oracle, x, params, stride=1):
    """relu(F(x) + relu(skip(x)))."""
    return oracle(x, params, stride, add=lambda branch, aside: branch + aside.relu())


@_both("Your result is the same for every stride.")
def ignores_stride(oracle, x, params, stride=1):
    """Stride 1 in the branch and on the skip."""
    return oracle(x, params, 1)


@_both("Your branch and your skip come out in different sizes: the projection strides, too.")
def skip_without_stride(oracle, x, params, stride=1):
    """Strides in the branch only."""
    aside = (lambda maps: _convolved(maps, params["skip"])) if "skip" in params else None
    return oracle(x, params, stride, skip=aside)


@_both("More than one convolution of your branch strides. One is enough.")
def stride_on_both_convs(oracle, x, params, stride=1):
    """The stride twice, so that the branch is smaller than the skip."""
    return oracle(x, params, stride, strided=("conv1", "conv2"))


@_both("Your result is right without the biases: params holds pairs (w, b).")
def no_bias(oracle, x, params, stride=1):
    """Leaves b out."""
    return oracle(x, {name: (w, None) for name, (w, _) in params.items()}, stride)


@_both("Your 3x3 convolutions are not padded, so the branch is smaller than x.")
def branch_unpadded(oracle, x, params, stride=1):
    """padding 0 throughout."""
    return oracle(x, params, stride, paddings=(0, 0, 0)[: len([n for n in params if n != "skip"])])


@residual_block.mistake("The stride stands on your second convolution. The first one takes it.")
def stride_on_the_second_conv(x, params, stride=1):
    """conv1 at stride 1."""
    return residual_block.oracle(x, params, stride, strided=("conv2",))


@bottleneck_block.mistake(
    "The stride stands on your first 1x1, as in the paper of 2015. Here the 3x3 takes it."
)
def stride_on_the_first_1x1(x, params, stride=1):
    """The original form, which skips three of four positions."""
    return bottleneck_block.oracle(x, params, stride, strided=("conv1",))


# ---------------------------------------------------------------- resnet_table


@resnet_table.mistake(
    "Your ResNet-50 strides on the first 1x1 of a block, as the paper did. Here the 3x3 takes the stride."
)
def stride_on_the_first_1x1(depth):
    """3,857,973,248 multiply-adds for 4,089,184,256."""
    return _resnet(depth, strided=0)


@resnet_table.mistake("No block of yours has a projection. What is added where the shapes differ?")
def projection_never(depth):
    """Leaves the skips' convolutions out."""
    return _resnet(depth, needs_projection=lambda *_: False)


@resnet_table.mistake("Every block of yours has a projection. Most of them add x itself.")
def projection_always(depth):
    """A 1x1 convolution on each skip."""
    return _resnet(depth, needs_projection=lambda *_: True)


@resnet_table.mistake(
    "You project where a stage strides. The first block of conv2_x does not, but do its shapes agree?"
)
def projection_by_stride_only(depth):
    """Forgets that a bottleneck turns 64 channels into 256 at stride 1."""
    return _resnet(depth, needs_projection=lambda _c, _d, s, _stage: s != 1)


@resnet_table.mistake(
    "The first block of each stage projects in your table, conv2_x too. Does it need to for this depth?"
)
def projection_in_every_stage(depth):
    """A projection in conv2_x of ResNet-18 and 34, where the identity does."""
    return _resnet(
        depth, needs_projection=lambda c, d, s, stage: c != d or s != 1 or (stage == 0 and c == d == 64)
    )


@resnet_table.mistake("conv2_x of yours strides. The pool before it has halved the maps already.")
def strides_in_conv2(depth):
    """Stride 2 in all four stages."""
    return _resnet(depth, first_stride=2)


@resnet_table.mistake("Your pool1 makes 55 x 55 maps: it is padded by 1.")
def pool_unpadded(depth):
    """max_pool 3, stride 2, padding 0."""
    return _resnet(depth, pool_padding=0)


@resnet_table.mistake(
    "Your convolutions have biases. The shift of the batch norm behind them does their work."
)
def counts_bias_in(depth):
    """bias=True."""
    return _resnet(depth, bias=True)


@resnet_table.mistake("Your table leaves out the parameters of batch norm: two for each channel.")
def batch_norm_without_parameters(depth):
    """Convolutions and fc only."""
    return _resnet(depth, per_norm=0)


@resnet_table.mistake(
    "Your batch norm has four numbers a channel. Which of them does training by gradients change?"
)
def batch_norm_counts_running_statistics(depth):
    """Counts the running mean and variance, which are no parameters."""
    return _resnet(depth, per_norm=4)


@resnet_table.mistake(
    "Your multiply-adds are twice what is asked: a multiplication and its addition count as one."
)
def multiply_adds_doubled(depth):
    """Counts multiplications and additions apart."""
    return _resnet(depth, times=2)


@resnet_table.mistake("fc has biases, too: one for each class.")
def bias_left_out(depth):
    """512,000 for 513,000."""
    return _resnet(depth, head_bias=False)


@resnet_table.mistake(
    "Your ResNet-34 has as many blocks as ResNet-18. Count: 1 + 2 (3 + 4 + 6 + 3) + 1 = 34."
)
def eighteen_for_all(depth):
    """(2, 2, 2, 2) for 34."""
    return _resnet(depth, {**BLOCKS, 34: BLOCKS[18]})


@resnet_table.mistake("For a depth that is not in the table a ValueError is asked for, not a KeyError.")
def key_error(depth):
    """Lets the dict's own error out."""
    _ = BLOCKS[depth]
    return _resnet(depth)


@resnet_table.mistake("A depth that is not in the table must raise ValueError; you return a table.")
def any_depth(depth):
    """An else for all that is not 18 or 34."""
    return _resnet(depth if depth in BLOCKS else 50)
