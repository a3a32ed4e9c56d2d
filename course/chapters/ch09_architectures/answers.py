"""Chapter 9 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# ruff: noqa: C408, F821, RUF005, SIM905, B905 - students write as they like; pair, conv2d, relu, ... stand in the notebook

# %% layer_table: defaults merged in, match on the kind
import math

import numpy as np


def layer_table(layers, input_shape):
    defaults = {"stride": None, "padding": 0, "dilation": 1, "groups": 1, "bias": True, "ceil_mode": False}

    def two(v):
        return (v, v) if isinstance(v, int) else tuple(v)

    def slid(shape, o):
        out = []
        for n, k, s, p, d in zip(
            shape[1:], *(two(o[x]) for x in ("kernel_size", "stride", "padding", "dilation"))
        ):
            span = n + 2 * p - (d * (k - 1) + 1)
            if span < 0:
                raise ValueError("does not fit")
            m = span // s + 1
            if o["ceil_mode"] and span % s and m * s < n + p:
                m += 1
            out.append(m)
        return out

    table, shape = [], input_shape
    for layer in layers:
        o = defaults | layer
        w = b = uses = 0
        keep = True
        match o["kind"]:
            case "conv":
                o["stride"] = o["stride"] or 1
                w = o["out"] * shape[0] * math.prod(two(o["kernel_size"])) // o["groups"]
                b = o["out"] * bool(o["bias"])
                h, v = slid(shape, o)
                shape, uses = (o["out"], h, v), h * v
            case "linear":
                w, b, uses, shape = shape[0] * o["out"], o["out"] * bool(o["bias"]), 1, (o["out"],)
            case "max_pool" | "avg_pool":
                o["stride"] = o["stride"] or o["kernel_size"]
                shape = (shape[0], *slid(shape, o))
            case "global_avg_pool":
                shape = (shape[0],)
            case "flatten":
                shape, keep = (math.prod(shape),), False
            case "batch_norm":
                b, keep = 2 * shape[0], False
            case _:
                keep = False
        table.append((o["name"], tuple(shape), w + b, w * uses, 4 * math.prod(shape) * keep))
    return table


# %% layer_table: lists and numpy integers, sizes by counting windows
def _starts(n, k, s, p, d, ceil):
    reach = d * (k - 1) + 1
    starts = [i for i in range(-p, n + p, s) if i + reach <= n + p]
    if not starts:
        raise ValueError("no window fits")
    if ceil and starts[-1] + reach < n + p and starts[-1] + s < n:
        starts.append(starts[-1] + s)
    return len(starts)


def layer_table(layers, input_shape):
    rows, shape = [], np.array(input_shape)
    for layer in layers:
        get, kind = layer.get, layer["kind"]
        learned, macs, stored = 0, 0, 1
        if "kernel_size" in layer:
            k = np.broadcast_to(layer["kernel_size"], 2)
            s = np.broadcast_to(get("stride", 1 if kind == "conv" else k), 2)
            p, d = np.broadcast_to(get("padding", 0), 2), np.broadcast_to(get("dilation", 1), 2)
            size = [
                _starts(*map(int, (shape[1 + a], k[a], s[a], p[a], d[a])), get("ceil_mode", False))
                for a in (0, 1)
            ]
            if kind == "conv":
                weights = np.int64(layer["out"]) * (shape[0] // get("groups", 1)) * np.prod(k)
                learned, macs = weights + (layer["out"] if get("bias", True) else 0), weights * np.prod(size)
            shape = np.array([layer.get("out", shape[0]), *size])
        elif kind == "linear":
            macs = shape[0] * layer["out"]
            learned = macs + (layer["out"] if get("bias", True) else 0)
            shape = np.array([layer["out"]])
        elif kind == "global_avg_pool":
            shape = shape[:1]
        else:
            stored = 0
            learned = 2 * shape[0] if kind == "batch_norm" else 0
            shape = shape.prod(keepdims=True) if kind == "flatten" else shape
        rows.append([layer["name"], list(shape), learned, macs, 4 * stored * shape.prod()])
    return rows


# %% layer_table: a callable object with a method for each kind
import math


class _Table:
    def conv(self, shape, out, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True):
        after = (out, *self.size(shape, kernel_size, stride, padding, dilation))
        weights = out * shape[0] // groups * math.prod(pair(kernel_size))
        return after, weights + out * int(bias), weights * after[1] * after[2], True

    def linear(self, shape, out, bias=True):
        (n,) = shape
        return (out,), (n + int(bias)) * out, n * out, True

    def max_pool(self, shape, kernel_size, stride=None, padding=0, ceil_mode=False):
        stride = kernel_size if stride is None else stride
        return (shape[0], *self.size(shape, kernel_size, stride, padding, 1, ceil_mode)), 0, 0, True

    avg_pool = max_pool

    def global_avg_pool(self, shape):
        return shape[:1], 0, 0, True

    def flatten(self, shape):
        return (math.prod(shape),), 0, 0, False

    def batch_norm(self, shape):
        return shape, 2 * shape[0], 0, False

    def relu(self, shape):
        return shape, 0, 0, False

    tanh = sigmoid = softmax = lrn = dropout = relu

    def size(self, shape, *options):
        *options, ceil = options if len(options) == 5 else (*options, False)
        return [self.one(n, *[pair(o)[i] for o in options], ceil) for i, n in enumerate(shape[1:])]

    def one(self, n, k, s, p, d, ceil):
        if d * (k - 1) + 1 > n + 2 * p:
            raise ValueError(f"{k} > {n}")
        count = (n + 2 * p - d * (k - 1) - 1) / s
        count = int(np.ceil(count) if ceil else np.floor(count))
        return count if ceil and count * s >= n + p else count + 1

    def __call__(self, layers, input_shape):
        shape = tuple(input_shape)
        for layer in layers:
            options = {k: v for k, v in layer.items() if k not in ("name", "kind")}
            shape, parameters, macs, stored = getattr(self, layer["kind"])(shape, **options)
            self.rows.append((layer["name"], shape, parameters, macs, 4 * math.prod(shape) if stored else 0))
        return self.rows


def layer_table(layers, input_shape, _kind=_Table):
    table = _kind()
    table.rows = []
    return table(layers, input_shape)


# %% small_cnn: bare minimum, no activations, a tuple
def small_cnn():
    conv = [{"name": "c", "kind": "conv", "out": n, "kernel_size": (5, 5)} for n in (8, 16)]
    pool = {"name": "p", "kind": "avg_pool", "kernel_size": 2, "stride": 2}
    fc = [{"name": f"fc{n}", "kind": "linear", "out": n, "bias": True} for n in (120, 84, 10)]
    return (conv[0], pool, conv[1], pool, {"name": "row", "kind": "flatten"}, *fc)


# %% small_cnn: a helper, ReLU after the pool, dropout and softmax
def _layer(kind, **options):
    return dict(name=kind, kind=kind, **options)


def small_cnn():
    net = []
    for out in (8, 16):
        net += [_layer("conv", out=out, kernel_size=5), _layer("max_pool", kernel_size=2), _layer("relu")]
    net += [_layer("flatten"), _layer("linear", out=120), _layer("relu"), _layer("dropout")]
    return net + [_layer("linear", out=84), _layer("relu"), _layer("linear", out=10), _layer("softmax")]


# %% small_cnn: parsed from a line, numpy integers, lists for pairs
def small_cnn():
    net = []
    for word in "c8 r p c16 r p f l120 r l84 r l10".split():
        kind = {"c": "conv", "r": "relu", "p": "max_pool", "f": "flatten", "l": "linear"}[word[0]]
        layer = {"kind": kind, "name": word}
        if word[1:]:
            layer["out"] = np.int64(word[1:])
        if kind in ("conv", "max_pool"):
            layer["kernel_size"] = [5, 5] if kind == "conv" else [2, 2]
        net.append(layer)
    return net


# %% lenet5: a lambda, no activations
lenet5 = lambda: [
    {"name": n, "kind": k, **o}
    for n, k, o in [
        ("C1", "conv", {"out": 6, "kernel_size": 5}),
        ("S2", "avg_pool", {"kernel_size": 2}),
        ("C3", "conv", {"out": 16, "kernel_size": 5, "groups": 1, "dilation": 1}),
        ("S4", "avg_pool", {"kernel_size": (2, 2), "stride": (2, 2), "padding": 0, "ceil_mode": False}),
        ("flat", "flatten", {}),
        ("C5", "linear", {"out": 120}),
        ("F6", "linear", {"out": 84}),
        ("out", "linear", {"out": 10}),
    ]
]


# %% lenet5: from another network, sigmoid in place of tanh
def lenet5():
    net = [dict(layer) for layer in small_cnn()]
    for layer in net:
        if layer["kind"] == "max_pool":
            layer["kind"] = "avg_pool"
        if layer["kind"] == "relu":
            layer["kind"] = "sigmoid"
    net[0]["out"] = 6
    return net


# %% lenet5: explicit defaults everywhere
def lenet5():
    conv = {
        "kind": "conv",
        "kernel_size": 5,
        "stride": 1,
        "padding": (0, 0),
        "dilation": 1,
        "groups": 1,
        "bias": True,
    }
    pool = {"kind": "avg_pool", "kernel_size": 2, "stride": 2}
    body = [
        conv | {"out": 6},
        {"kind": "tanh"},
        pool,
        conv | {"out": 16},
        {"kind": "tanh"},
        pool,
        {"kind": "flatten"},
    ]
    head = [{"kind": "linear", "out": 120}, {"kind": "tanh"}, {"kind": "linear", "out": 84}, {"kind": "tanh"}]
    net = [*body, *head, {"kind": "linear", "out": 10}, {"kind": "softmax"}]
    return [{"name": f"{i}: {layer['kind']}", **layer} for i, layer in enumerate(net)]


# %% alexnet: a table of rows
def alexnet(groups=1):
    net = []
    for out, k, s, p, g, pool in (
        (96, 11, 4, 0, 1, 1),
        (256, 5, 1, 2, groups, 1),
        (384, 3, 1, 1, 1, 0),
        (384, 3, 1, 1, groups, 0),
        (256, 3, 1, 1, groups, 1),
    ):
        net.append(dict(name="conv", kind="conv", out=out, kernel_size=k, stride=s, padding=p, groups=g))
        net.append(dict(name="relu", kind="relu"))
        if pool:
            net.append(dict(name="pool", kind="max_pool", kernel_size=(3, 3), stride=2))
    net.append(dict(name="flatten", kind="flatten"))
    return net + [dict(name="fc", kind="linear", out=n) for n in (4096, 4096, 1000)]


# %% alexnet: normalises after the pool, pairs throughout
def alexnet(groups=1):
    def conv(n, out, k, s=1, p=0, g=1):
        return {
            "name": f"conv{n}",
            "kind": "conv",
            "out": out,
            "kernel_size": (k, k),
            "stride": (s, s),
            "padding": (p, p),
            "groups": g,
        }

    pool = {"name": "pool", "kind": "max_pool", "kernel_size": (3, 3), "stride": (2, 2)}
    relu, lrn, drop = ({"name": kind, "kind": kind} for kind in ("relu", "lrn", "dropout"))
    fc = [{"name": f"fc{i}", "kind": "linear", "out": n} for i, n in ((6, 4096), (7, 4096), (8, 1000))]
    net = [conv(1, 96, 11, 4), relu, pool, lrn, conv(2, 256, 5, 1, 2, groups), relu, pool, lrn]
    net += [
        conv(3, 384, 3, 1, 1),
        relu,
        conv(4, 384, 3, 1, 1, groups),
        relu,
        conv(5, 256, 3, 1, 1, groups),
        relu,
        pool,
    ]
    return [*net, {"name": "flat", "kind": "flatten"}, drop, fc[0], relu, drop, fc[1], relu, fc[2]]


# %% alexnet: ungrouped first, then changed; ceil mode, which makes no difference here
def alexnet(groups=1):
    text = "c96/11/4/0 p c256/5/1/2 p c384/3/1/1 c384/3/1/1 c256/3/1/1 p f l4096 l4096 l1000"
    net = []
    for i, word in enumerate(text.split()):
        numbers = [int(n) for n in word[1:].split("/")] if word[1:] else []
        net.append(
            {
                "name": f"{i}{word}",
                "kind": {"c": "conv", "p": "max_pool", "f": "flatten", "l": "linear"}[word[0]],
            }
        )
        net[-1].update(dict(zip(("out", "kernel_size", "stride", "padding"), numbers, strict=False)))
        if word == "p":
            net[-1].update(kernel_size=3, stride=2, ceil_mode=True)
    convs = [layer for layer in net if layer["kind"] == "conv"]
    for i in (1, 3, 4):
        convs[i]["groups"] = groups
    return net


# %% vgg: the list of numbers and letters
def vgg(config):
    plans = {
        "A": [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
        "B": [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
        "C": [64, 64, "M", 128, 128, "M", 256, 256, -256, "M", 512, 512, -512, "M", 512, 512, -512, "M"],
        "D": [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
        "E": [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
    }
    net = []
    for item in plans[config]:
        if item == "M":
            net.append({"name": "pool", "kind": "max_pool", "kernel_size": 2, "stride": 2})
        elif item < 0:
            net.append({"name": "conv", "kind": "conv", "out": -item, "kernel_size": 1})
        else:
            net.append({"name": "conv", "kind": "conv", "out": item, "kernel_size": 3, "padding": 1})
    net.append({"name": "flatten", "kind": "flatten"})
    return net + [{"name": "fc", "kind": "linear", "out": n} for n in (4096, 4096, 1000)]


# %% vgg: recursion from A upwards
def vgg(config):
    extra = {"A": "", "B": "12", "C": "12345", "D": "12345", "E": "1234534 5".replace(" ", "")}[config]
    net = []
    for block, out in enumerate((64, 128, 256, 512, 512), 1):
        conv = {"kind": "conv", "out": out, "kernel_size": 3, "padding": (1, 1)}
        convs = [conv] * (1 + (block > 2) + extra.count(str(block)))
        if config == "C" and block > 2:
            convs[-1] = {**conv, "kernel_size": (1, 1), "padding": (0, 0)}
        for i, layer in enumerate(convs, 1):
            net += [{"name": f"conv{block}_{i}", **layer}, {"name": "relu", "kind": "relu"}]
        net.append({"name": f"pool{block}", "kind": "max_pool", "kernel_size": (2, 2)})
    net.append({"name": "flatten", "kind": "flatten"})
    for i, out in ((6, 4096), (7, 4096), (8, 1000)):
        net += [{"name": f"fc{i}", "kind": "linear", "out": out}, {"name": "relu", "kind": "relu"}]
    net[-1] = {"name": "prob", "kind": "softmax"}
    return net


# %% vgg: a generator's list, depth by arithmetic, keyword argument
def vgg(config="D"):
    def layers():
        for block in range(5):
            deep = {
                "A": 1 + (block > 1),
                "B": 2,
                "C": 2 + (block > 1),
                "D": 2 + (block > 1),
                "E": 2 + 2 * (block > 1),
            }
            for i in range(deep[config]):
                small = config == "C" and i == 2
                yield dict(
                    name="c",
                    kind="conv",
                    out=min(512, 64 << block),
                    kernel_size=3 - 2 * small,
                    padding=1 - small,
                )
            yield dict(name="p", kind="max_pool", kernel_size=2)
        yield dict(name="f", kind="flatten")
        yield from (dict(name="l", kind="linear", out=n) for n in (4096, 4096, 1000))

    return list(layers())


# %% top_k_error: ranks
def top_k_error(scores, labels, k):
    own = scores[np.arange(len(labels)), labels][:, None]
    return np.mean((scores > own).sum(axis=1) >= k)


# %% top_k_error: argpartition of float64, a numpy scalar
def top_k_error(scores, labels, k):
    order = np.argpartition(-np.asarray(scores, dtype=float), k - 1, axis=1)[:, :k]
    return 1 - (order == labels[:, None]).any(axis=1).mean()


# %% top_k_error: Python's sorted
def top_k_error(scores, labels, k):
    wrong = 0
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        wrong += label not in sorted(range(len(row)), key=row.__getitem__, reverse=True)[:k]
    return wrong / len(labels)


# %% fc_as_conv: one weight at a time
def fc_as_conv(w, b, size):
    C, H, W = size
    kernels = np.zeros((len(b), C, H, W))
    for n in range(C * H * W):
        kernels[:, n // (H * W), n // W % H, n % W] = w[:, n]
    return kernels, np.array(b)


# %% fc_as_conv: unravel_index, a list
def fc_as_conv(w, b, size):
    kernels = np.empty((w.shape[0], *size), dtype=w.dtype)
    kernels[(slice(None), *np.unravel_index(np.arange(w.shape[1]), size))] = w
    return [kernels, b.copy()]


# %% fc_as_conv: a lambda, Fortran order
fc_as_conv = lambda w, b, size: (np.reshape(w.T, (*size, -1)).transpose(3, 0, 1, 2), b + 0)


# %% inception_module: einsum and slices
def inception_module(x, params):
    def conv(x, name):
        w, b = (np.asarray(a, dtype=np.float64) for a in params[name])
        k = w.shape[-1]
        p = k // 2
        padded = np.zeros((*x.shape[:2], x.shape[2] + 2 * p, x.shape[3] + 2 * p))
        padded[:, :, p : p + x.shape[2], p : p + x.shape[3]] = x
        y = b[:, None, None] + np.zeros((len(x), len(b), *x.shape[2:]))
        for i in range(k):
            for j in range(k):
                part = padded[:, :, i : i + x.shape[2], j : j + x.shape[3]]
                y = y + np.einsum("nchw,dc->ndhw", part, w[:, :, i, j])
        return y * (y > 0)

    H, W = x.shape[2:]
    around = np.full((*x.shape[:2], H + 2, W + 2), -np.inf)
    around[:, :, 1:-1, 1:-1] = x
    pooled = np.max([around[:, :, i : i + H, j : j + W] for i in range(3) for j in range(3)], axis=0)
    first = conv(x, "1x1")
    return np.hstack(
        (
            first,
            conv(conv(x, "3x3_reduce"), "3x3"),
            conv(conv(x, "5x5_reduce"), "5x5"),
            conv(pooled, "pool_proj"),
        )
    )


# %% inception_module: one output array filled in, ReLU at the end of each branch by clip
def inception_module(x, params):
    widths = [params[name][0].shape[0] for name in ("1x1", "3x3", "5x5", "pool_proj")]
    y = np.zeros((x.shape[0], sum(widths), x.shape[2], x.shape[3]))
    a, b, c, _ = np.cumsum(widths)
    y[:, :a] = conv2d(x, *params["1x1"])
    y[:, a:b] = conv2d(relu(conv2d(x, *params["3x3_reduce"])), *params["3x3"], padding=1)
    y[:, b:c] = conv2d(np.clip(conv2d(x, *params["5x5_reduce"]), 0, None), *params["5x5"], padding=(2, 2))
    y[:, c:] = conv2d(max_pool2d(x, 3, 1, 1), *params["pool_proj"])
    return np.clip(y, 0, None)


# %% inception_module: the first layers of three branches as one convolution
def inception_module(x, params):
    names = ("1x1", "3x3_reduce", "5x5_reduce")
    w, b = (np.concatenate([params[n][i] for n in names]) for i in (0, 1))
    cuts = np.cumsum([len(params[n][1]) for n in names])[:-1]
    one, three, five = np.split(relu(conv2d(x, w, b)), cuts, axis=1)
    branches = [one, relu(conv2d(three, *params["3x3"], 1, 1)), relu(conv2d(five, *params["5x5"], 1, 2))]
    return np.concatenate([*branches, relu(conv2d(max_pool2d(x, 3, 1, 1), *params["pool_proj"]))], 1)


# %% residual_block: decides by the shape
def residual_block(x, params, stride=1):
    first, second = params["conv1"], params["conv2"]
    branch = conv2d(np.maximum(0, conv2d(x, first[0], first[1], stride, 1)), second[0], second[1], 1, 1)
    if branch.shape == x.shape and "skip" not in params:
        return np.maximum(0, branch + x)
    return np.maximum(0, branch + conv2d(x, params["skip"][0], params["skip"][1], stride))


# %% residual_block: the projection by slicing
def residual_block(x, params, stride=1):
    sh, sw = pair(stride)
    aside = x.astype(float)
    if "skip" in params:
        w, b = params["skip"]
        aside = np.einsum("nchw,dc->ndhw", aside[:, :, ::sh, ::sw], w[:, :, 0, 0]) + b.reshape(1, -1, 1, 1)
    for name, s in (("conv1", stride), ("conv2", 1)):
        x = relu(conv2d(x, *params[name], s, 1)) if name == "conv1" else conv2d(x, *params[name], s, 1)
    aside += x
    aside[aside < 0] = 0
    return aside


# %% residual_block: the identity as a convolution inside the branch, float32 kept
def residual_block(x, params, stride=1):
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    w2, b2 = params["conv2"]
    inner = relu(conv2d(x, *params["conv1"], stride=stride, padding=1))
    if "skip" in params:
        inner = np.concatenate([inner, conv2d(x, *params["skip"], stride=stride)], axis=1)
    else:
        inner = np.concatenate([inner, x], axis=1)
    copy = np.zeros((len(w2), len(w2), 3, 3))
    copy[np.arange(len(w2)), np.arange(len(w2)), 1, 1] = 1
    return relu(conv2d(inner, np.concatenate([w2, copy], axis=1), b2, padding=1)).astype(dtype)


# %% bottleneck_block: matrices for the 1 x 1 convolutions
def bottleneck_block(x, params, stride=1):
    def mix(x, pair_of):
        w, b = pair_of
        return np.moveaxis(np.moveaxis(x, 1, -1) @ w[:, :, 0, 0].T + b, -1, 1)

    sh, sw = pair(stride)
    y = relu(mix(x.astype(float), params["conv1"]))
    y = mix(relu(conv2d(y, *params["conv2"], stride, 1)), params["conv3"])
    return relu(y + (mix(x[:, :, ::sh, ::sw].astype(float), params["skip"]) if "skip" in params else x))


# %% bottleneck_block: the stride on the last 1 x 1, which is the same and wastes three of four positions
def bottleneck_block(x, params, stride=1):
    y = relu(conv2d(x, *params["conv1"]))
    y = relu(conv2d(y, *params["conv2"], padding=1))
    y = conv2d(y, *params["conv3"], stride=stride)
    return relu(y + (conv2d(x, *params["skip"], stride=stride) if "skip" in params else x))


# %% bottleneck_block: one sample at a time, a loop over the layers
def bottleneck_block(x, params, stride=1):
    out = []
    for image in x:
        y = image[None]
        for i, (s, p) in enumerate(((1, 0), (stride, 1), (1, 0)), 1):
            w, b = params[f"conv{i}"]
            y = conv2d(y, w, b, s, p)
            if i < 3:
                y = relu(y)
        skip = params.get("skip")
        out.append(y[0] + (image if skip is None else conv2d(image[None], *skip, stride)[0]))
    return relu(np.array(out))


# %% resnet_table: all arithmetic, no layer_table
def resnet_table(depth):
    blocks = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]}.get(depth)
    if blocks is None:
        raise ValueError(depth)
    rows = [("conv1", (64, 112, 112), 64 * 147 + 128, 64 * 147 * 112**2, 4 * 64 * 112**2)]
    rows.append(("pool1", (64, 56, 56), 0, 0, 4 * 64 * 56 * 56))
    c, n = 64, 56
    for i, count in enumerate(blocks):
        m = 64 * 2**i
        d = 4 * m if depth == 50 else m
        p = a = 0
        for j in range(count):
            before = n
            if i and not j:
                n //= 2
            if depth == 50:
                a += c * m * before**2 + (9 * m * m + m * d) * n**2
                p += c * m + 9 * m * m + m * d + 4 * m + 2 * d
            else:
                a += (9 * c * m + 9 * m * m) * n**2
                p += 9 * c * m + 9 * m * m + 4 * m
            if c != d or before != n:
                a += c * d * n**2
                p += c * d + 2 * d
            c = d
        rows.append((f"conv{i + 2}_x", (c, n, n), p, a, 4 * c * n * n))
    return rows + [("avgpool", (c,), 0, 0, 4 * c), ("fc", (1000,), 1000 * c + 1000, 1000 * c, 4000)]


# %% resnet_table: a small class that walks, rows as lists
class _Walk:
    def __init__(self):
        self.shape, self.p, self.m = (3, 224, 224), 0, 0

    def conv(self, shape, out, k, s=1):
        h = (shape[1] - 1) // s + 1
        self.p += shape[0] * out * k * k + 2 * out
        self.m += shape[0] * out * k * k * h * h
        return out, h, h

    def row(self, name):
        row = [name, self.shape, self.p, self.m, 4 * int(np.prod(self.shape))]
        self.p = self.m = 0
        return row


def resnet_table(depth):
    if depth not in (18, 34, 50):
        raise ValueError("18, 34 or 50")
    walk, table = _Walk(), []
    walk.shape = walk.conv(walk.shape, 64, 7, 2)
    table.append(walk.row("conv1"))
    walk.shape = (64, 56, 56)
    table.append(walk.row("pool1"))
    for stage, count in zip((2, 3, 4, 5), (2, 2, 2, 2) if depth == 18 else (3, 4, 6, 3), strict=True):
        width = 2 ** (stage + 4)
        plan = [(width, 1), (width, 3), (4 * width, 1)] if depth == 50 else [(width, 3), (width, 3)]
        for i in range(count):
            s = 1 + (i == 0 and stage > 2)
            y = walk.shape
            strided = False
            for out, k in plan:
                y = walk.conv(y, out, k, s if k == 3 and not strided else 1)
                strided = strided or k == 3
            if y != walk.shape:
                walk.conv(walk.shape, y[0], 1, s)
            walk.shape = y
        table.append(walk.row(f"conv{stage}_x"))
    walk.shape = walk.shape[:1]
    table.append(walk.row("avgpool"))
    walk.p, walk.m = walk.shape[0] * 1000 + 1000, walk.shape[0] * 1000
    walk.shape = (1000,)
    return table + [walk.row("fc")]


# %% resnet_table: layer_table on one long list a stage, identity skips apart
import math


def resnet_table(depth):
    try:
        counts = dict(zip((18, 34, 50), ((2,) * 4, (3, 4, 6, 3), (3, 4, 6, 3)), strict=True))[depth]
    except KeyError:
        raise ValueError("no such network") from None

    def unit(out, k, s=1):
        conv = {
            "name": "",
            "kind": "conv",
            "out": out,
            "kernel_size": k,
            "stride": s,
            "padding": (k - 1) // 2,
        }
        return [{**conv, "bias": False}, {"name": "", "kind": "batch_norm"}]

    def block(m, s):
        return unit(m, 1) + unit(m, 3, s) + unit(4 * m, 1) if depth == 50 else unit(m, 3, s) + unit(m, 3)

    pool = {"name": "", "kind": "max_pool", "kernel_size": 3, "stride": 2, "padding": 1}
    stages = [("conv1", unit(64, 7, 2), []), ("pool1", [pool], [])]
    for i, count in enumerate(counts):
        m, s = 64 * 2**i, 2 if i else 1
        needed = i > 0 or depth == 50
        skip = unit(4 * m if depth == 50 else m, 1, s) if needed else []
        stages.append((f"conv{i + 2}_x", block(m, s) + (count - 1) * block(m, 1), skip))
    stages.append(("avgpool", [{"name": "", "kind": "global_avg_pool"}], []))
    stages.append(("fc", [{"name": "", "kind": "linear", "out": 1000}], []))
    rows, shape = [], (3, 224, 224)
    for name, layers, skip in stages:
        both = layer_table(layers, shape) + layer_table(skip, shape)
        shape = layer_table(layers, shape)[-1][1]
        rows.append((name, shape, sum(r[2] for r in both), sum(r[3] for r in both), 4 * math.prod(shape)))
    return rows


# %% layer_table wrong: groups_forgotten
import math


def _size(n, k, s, p, d=1, ceil=False):
    if n + 2 * p < d * (k - 1) + 1:
        raise ValueError("too large")
    m = (n + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil else 0)) // s + 1
    return m - 1 if ceil and (m - 1) * s >= n + p else m


def _walk(layers, shape, weights, c_out=lambda layer: layer["out"]):
    """The table of a student; weights(layer, shape) -> (weights, biases)."""
    rows = []
    for layer in layers:
        kind = layer["kind"]
        w = b = positions = 0
        if "kernel_size" in layer:
            k = pair(layer["kernel_size"])
            s = pair(layer.get("stride", 1 if kind == "conv" else k))
            p, d = pair(layer.get("padding", 0)), pair(layer.get("dilation", 1))
            size = tuple(
                _size(shape[1 + i], k[i], s[i], p[i], d[i], layer.get("ceil_mode", False)) for i in (0, 1)
            )
            if kind == "conv":
                (w, b), positions = weights(layer, shape), size[0] * size[1]
            shape = (layer["out"] if kind == "conv" else shape[0], *size)
        elif kind == "linear":
            (w, b), positions, shape = weights(layer, shape), 1, (layer["out"],)
        elif kind == "global_avg_pool":
            shape = shape[:1]
        elif kind == "flatten":
            shape = (math.prod(shape),)
        elif kind == "batch_norm":
            b = 2 * shape[0]
        stored = kind in ("conv", "linear", "max_pool", "avg_pool", "global_avg_pool")
        rows.append((layer["name"], shape, w + b, w * positions, 4 * math.prod(shape) if stored else 0))
    return rows


def layer_table(layers, input_shape):
    def weights(layer, shape):
        bias = layer["out"] if layer.get("bias", True) else 0
        return layer["out"] * shape[0] * math.prod(pair(layer.get("kernel_size", 1))), bias

    return _walk(layers, tuple(input_shape), weights)


# %% layer_table wrong: bias_counted_anyway
import math


def _size(n, k, s, p, d=1, ceil=False):
    if n + 2 * p < d * (k - 1) + 1:
        raise ValueError("too large")
    m = (n + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil else 0)) // s + 1
    return m - 1 if ceil and (m - 1) * s >= n + p else m


def layer_table(layers, input_shape):
    rows, shape = [], tuple(input_shape)
    for layer in layers:
        kind, parameters, macs, memory = layer["kind"], 0, 0, 0
        if kind == "conv":
            k, s = pair(layer["kernel_size"]), pair(layer.get("stride", 1))
            p, d = pair(layer.get("padding", 0)), pair(layer.get("dilation", 1))
            h, w = (_size(shape[1 + i], k[i], s[i], p[i], d[i]) for i in (0, 1))
            macs = layer["out"] * (shape[0] // layer.get("groups", 1)) * k[0] * k[1]
            parameters = macs + layer["out"]
            macs, shape = macs * h * w, (layer["out"], h, w)
        elif kind == "linear":
            macs = shape[0] * layer["out"]
            parameters, shape = macs + layer["out"], (layer["out"],)
        elif kind in ("max_pool", "avg_pool"):
            k = pair(layer["kernel_size"])
            s, p = pair(layer.get("stride", k)), pair(layer.get("padding", 0))
            shape = (
                shape[0],
                *(_size(shape[1 + i], k[i], s[i], p[i], 1, layer.get("ceil_mode")) for i in (0, 1)),
            )
        elif kind == "global_avg_pool":
            shape = shape[:1]
        elif kind == "flatten":
            shape = (math.prod(shape),)
        elif kind == "batch_norm":
            parameters = 2 * shape[0]
        if kind in ("conv", "linear", "max_pool", "avg_pool", "global_avg_pool"):
            memory = 4 * math.prod(shape)
        rows.append((layer["name"], shape, parameters, macs, memory))
    return rows


# %% layer_table wrong: negative_sizes
import math


def _size(n, k, s, p, d=1, ceil=False):
    m = (n + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil else 0)) // s + 1
    return m - 1 if ceil and (m - 1) * s >= n + p else m


def layer_table(layers, input_shape):
    rows, shape = [], tuple(input_shape)
    for layer in layers:
        kind, w, b, uses, memory = layer["kind"], 0, 0, 1, 0
        if kind in ("conv", "max_pool", "avg_pool"):
            k = pair(layer["kernel_size"])
            s = pair(layer.get("stride", 1 if kind == "conv" else k))
            p, d = pair(layer.get("padding", 0)), pair(layer.get("dilation", 1))
            size = [_size(shape[1 + i], k[i], s[i], p[i], d[i], layer.get("ceil_mode")) for i in (0, 1)]
            if kind == "conv":
                w = layer["out"] * (shape[0] // layer.get("groups", 1)) * k[0] * k[1]
                b, uses = layer["out"] * layer.get("bias", True), size[0] * size[1]
            shape = (layer.get("out", shape[0]), *size)
        elif kind == "linear":
            w, b, shape = shape[0] * layer["out"], layer["out"] * layer.get("bias", True), (layer["out"],)
        elif kind == "global_avg_pool":
            shape = shape[:1]
        elif kind == "flatten":
            shape = (math.prod(shape),)
        elif kind == "batch_norm":
            b = 2 * shape[0]
        if kind in ("conv", "linear", "max_pool", "avg_pool", "global_avg_pool"):
            memory = 4 * math.prod(shape)
        rows.append((layer["name"], shape, w + b, w * uses, memory))
    return rows


# %% small_cnn wrong: no_flatten
def small_cnn():
    net = []
    for out in (8, 16):
        net.append({"name": "conv", "kind": "conv", "out": out, "kernel_size": 5})
        net.append({"name": "pool", "kind": "max_pool", "kernel_size": 2})
    return net + [{"name": "fc", "kind": "linear", "out": n} for n in (120, 84, 10)]


# %% small_cnn wrong: same_padding
def small_cnn():
    net = []
    for out in (8, 16):
        net.append({"name": "conv", "kind": "conv", "out": out, "kernel_size": 5, "padding": 2})
        net.append({"name": "pool", "kind": "max_pool", "kernel_size": 2})
    return [
        *net,
        {"name": "f", "kind": "flatten"},
        *({"name": "fc", "kind": "linear", "out": n} for n in (120, 84, 10)),
    ]


# %% lenet5 wrong: max_for_average
def lenet5():
    net = []
    for out in (6, 16):
        net.append({"name": "conv", "kind": "conv", "out": out, "kernel_size": 5})
        net.append({"name": "relu", "kind": "relu"})
        net.append({"name": "pool", "kind": "max_pool", "kernel_size": 2})
    return [
        *net,
        {"name": "f", "kind": "flatten"},
        *({"name": "fc", "kind": "linear", "out": n} for n in (120, 84, 10)),
    ]


# %% lenet5 wrong: pads_the_padded_image
def lenet5():
    net = []
    for out in (6, 16):
        net.append({"name": "conv", "kind": "conv", "out": out, "kernel_size": 5, "padding": 2})
        net.append({"name": "pool", "kind": "avg_pool", "kernel_size": 2})
    return [
        *net,
        {"name": "f", "kind": "flatten"},
        *({"name": "fc", "kind": "linear", "out": n} for n in (120, 84, 10)),
    ]


# %% alexnet wrong: groups_forgotten
def alexnet(groups=1):
    pool = {"name": "pool", "kind": "max_pool", "kernel_size": 3, "stride": 2}
    net = [{"name": "conv1", "kind": "conv", "out": 96, "kernel_size": 11, "stride": 4}, pool]
    net += [{"name": "conv2", "kind": "conv", "out": 256, "kernel_size": 5, "padding": 2}, pool]
    net += [
        {"name": f"conv{i}", "kind": "conv", "out": n, "kernel_size": 3, "padding": 1}
        for i, n in ((3, 384), (4, 384), (5, 256))
    ]
    net += [pool, {"name": "flatten", "kind": "flatten"}]
    return net + [{"name": "fc", "kind": "linear", "out": n} for n in (4096, 4096, 1000)]


# %% alexnet wrong: pools_do_not_overlap
def alexnet(groups=1):
    pool = {"name": "pool", "kind": "max_pool", "kernel_size": 2}
    net = [{"name": "conv1", "kind": "conv", "out": 96, "kernel_size": 11, "stride": 4}, pool]
    net += [
        {"name": "conv2", "kind": "conv", "out": 256, "kernel_size": 5, "padding": 2, "groups": groups},
        pool,
    ]
    for out, g in ((384, 1), (384, groups), (256, groups)):
        net.append({"name": "conv", "kind": "conv", "out": out, "kernel_size": 3, "padding": 1, "groups": g})
    net += [pool, {"name": "flatten", "kind": "flatten"}]
    return net + [{"name": "fc", "kind": "linear", "out": n} for n in (4096, 4096, 1000)]


# %% alexnet wrong: alexnet_224
def alexnet(groups=1):
    pool = {"name": "pool", "kind": "max_pool", "kernel_size": 3, "stride": 2}
    net = [{"name": "conv1", "kind": "conv", "out": 96, "kernel_size": 11, "stride": 4, "padding": 2}, pool]
    net += [
        {"name": "conv2", "kind": "conv", "out": 256, "kernel_size": 5, "padding": 2, "groups": groups},
        pool,
    ]
    for out, g in ((384, 1), (384, groups), (256, groups)):
        net.append({"name": "conv", "kind": "conv", "out": out, "kernel_size": 3, "padding": 1, "groups": g})
    net += [pool, {"name": "flatten", "kind": "flatten"}]
    return net + [{"name": "fc", "kind": "linear", "out": n} for n in (4096, 4096, 1000)]


# %% vgg wrong: five_convs_in_vgg_e
def vgg(config):
    plan = {
        "A": (1, 1, 2, 2, 2),
        "B": (2,) * 5,
        "C": (2, 2, 3, 3, 3),
        "D": (2, 2, 3, 3, 3),
        "E": (2, 2, 4, 4, 5),
    }
    net = []
    for n, out in zip(plan[config], (64, 128, 256, 512, 512), strict=True):
        for i in range(n):
            k = 1 if config == "C" and i == 2 else 3
            net.append({"name": "conv", "kind": "conv", "out": out, "kernel_size": k, "padding": k // 2})
        net.append({"name": "pool", "kind": "max_pool", "kernel_size": 2})
    net.append({"name": "flatten", "kind": "flatten"})
    return net + [{"name": "fc", "kind": "linear", "out": n} for n in (4096, 4096, 1000)]


# %% vgg wrong: pads_the_1x1
def vgg(config):
    plan = {
        "A": (1, 1, 2, 2, 2),
        "B": (2,) * 5,
        "C": (2, 2, 3, 3, 3),
        "D": (2, 2, 3, 3, 3),
        "E": (2, 2, 4, 4, 4),
    }
    net = []
    for n, out in zip(plan[config], (64, 128, 256, 512, 512), strict=True):
        for i in range(n):
            k = 1 if config == "C" and i == 2 else 3
            net.append({"name": "conv", "kind": "conv", "out": out, "kernel_size": k, "padding": 1})
        net.append({"name": "pool", "kind": "max_pool", "kernel_size": 2})
    net.append({"name": "flatten", "kind": "flatten"})
    return net + [{"name": "fc", "kind": "linear", "out": n} for n in (4096, 4096, 1000)]


# %% top_k_error wrong: top_k_smallest
def top_k_error(scores, labels, k):
    best = np.argsort(scores, axis=1)[:, :k]
    return float(np.mean([t not in row for t, row in zip(labels, best, strict=True)]))


# %% top_k_error wrong: negates_unsigned
def top_k_error(scores, labels, k):
    best = np.argsort(-scores, axis=1)[:, :k]
    return 1 - float(np.mean((best == labels[:, None]).any(axis=1)))


# %% top_k_error wrong: accuracy_for_error
def top_k_error(scores, labels, k):
    best = np.argsort(scores, axis=1)[:, -k:]
    return float(np.mean((best == labels[:, None]).any(axis=1)))


# %% fc_as_conv wrong: fc_as_conv_order
def fc_as_conv(w, b, size):
    c, h, wide = size
    return w.reshape(len(w), h, wide, c).transpose(0, 3, 1, 2), b


# %% fc_as_conv wrong: flips_the_kernel
def fc_as_conv(w, b, size):
    return w.reshape(len(w), *size)[:, :, ::-1, ::-1], b


# %% inception_module wrong: zero_padding_for_max
def inception_module(x, params):
    def layer(x, name, padding=0):
        return relu(conv2d(x, *params[name], padding=padding))

    framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    three = layer(layer(x, "3x3_reduce"), "3x3", 1)
    five = layer(layer(x, "5x5_reduce"), "5x5", 2)
    return np.concatenate(
        [layer(x, "1x1"), three, five, layer(max_pool2d(framed, 3, 1), "pool_proj")], axis=1
    )


# %% inception_module wrong: no_relu_after_reducers
def inception_module(x, params):
    three = conv2d(conv2d(x, *params["3x3_reduce"]), *params["3x3"], padding=1)
    five = conv2d(conv2d(x, *params["5x5_reduce"]), *params["5x5"], padding=2)
    pooled = conv2d(max_pool2d(x, 3, 1, 1), *params["pool_proj"])
    return relu(np.concatenate([conv2d(x, *params["1x1"]), three, five, pooled], axis=1))


# %% inception_module wrong: concat_over_width
def inception_module(x, params):
    def layer(x, name, padding=0):
        return relu(conv2d(x, *params[name], padding=padding))

    three = layer(layer(x, "3x3_reduce"), "3x3", 1)
    five = layer(layer(x, "5x5_reduce"), "5x5", 2)
    return np.concatenate([layer(x, "1x1"), three, five, layer(max_pool2d(x, 3, 1, 1), "pool_proj")], axis=-1)


# %% residual_block wrong: relu_before_addition
def residual_block(x, params, stride=1):
    y = relu(conv2d(x, *params["conv1"], stride, 1))
    y = relu(conv2d(y, *params["conv2"], 1, 1))
    return y + (conv2d(x, *params["skip"], stride) if "skip" in params else x)


# %% residual_block wrong: projection_always
def residual_block(x, params, stride=1):
    y = relu(conv2d(x, *params["conv1"], stride, 1))
    y = conv2d(y, *params["conv2"], 1, 1)
    return relu(y + conv2d(x, *params["skip"], stride))


# %% residual_block wrong: projection_never
def residual_block(x, params, stride=1):
    y = relu(conv2d(x, *params["conv1"], stride, 1))
    return relu(conv2d(y, *params["conv2"], 1, 1) + x)


# %% residual_block wrong: stride_on_both_convs
def residual_block(x, params, stride=1):
    y = relu(conv2d(x, *params["conv1"], stride, 1))
    y = conv2d(y, *params["conv2"], stride, 1)
    return relu(y + (conv2d(x, *params["skip"], stride) if "skip" in params else x))


# %% bottleneck_block wrong: stride_on_the_first_1x1
def bottleneck_block(x, params, stride=1):
    y = relu(conv2d(x, *params["conv1"], stride))
    y = relu(conv2d(y, *params["conv2"], 1, 1))
    y = conv2d(y, *params["conv3"])
    return relu(y + (conv2d(x, *params["skip"], stride) if "skip" in params else x))


# %% bottleneck_block wrong: no_relu_after_addition
def bottleneck_block(x, params, stride=1):
    y = relu(conv2d(x, *params["conv1"]))
    y = relu(conv2d(y, *params["conv2"], stride, 1))
    y = conv2d(y, *params["conv3"])
    return y + (conv2d(x, *params["skip"], stride) if "skip" in params else x)


# %% resnet_table wrong: stride_on_the_first_1x1
def _resnet(depth, first=False, norm=2, blocks=None):
    blocks = blocks or {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]}
    if depth not in blocks:
        raise ValueError(depth)
    rows = [("conv1", (64, 112, 112), 64 * 147 + norm * 64, 64 * 147 * 112**2, 4 * 64 * 112**2)]
    rows.append(("pool1", (64, 56, 56), 0, 0, 4 * 64 * 56 * 56))
    c, n = 64, 56
    for i, count in enumerate(blocks[depth]):
        m = 64 * 2**i
        d = 4 * m if depth == 50 else m
        p = a = 0
        for j in range(count):
            before = n
            n = n // 2 if i and not j else n
            if depth == 50:
                a += c * m * (n if first else before) ** 2 + (9 * m * m + m * d) * n**2
                p += c * m + 9 * m * m + m * d + norm * (2 * m + d)
            else:
                a += (9 * c * m + 9 * m * m) * n**2
                p += 9 * c * m + 9 * m * m + norm * 2 * m
            if c != d or before != n:
                a, p = a + c * d * n**2, p + c * d + norm * d
            c = d
        rows.append((f"conv{i + 2}_x", (c, n, n), p, a, 4 * c * n * n))
    return rows + [("avgpool", (c,), 0, 0, 4 * c), ("fc", (1000,), 1000 * c + 1000, 1000 * c, 4000)]


def resnet_table(depth):
    return _resnet(depth, first=True)


# %% resnet_table wrong: key_error
import math


def resnet_table(depth):
    def conv(out, k, stride=1):
        layer = {
            "name": "",
            "kind": "conv",
            "out": out,
            "kernel_size": k,
            "stride": stride,
            "padding": k // 2,
        }
        return [{**layer, "bias": False}, {"name": "", "kind": "batch_norm"}]

    def total(layers, shape):
        table = layer_table(layers, shape)
        return table[-1][1], sum(r[2] for r in table), sum(r[3] for r in table)

    counts = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}[depth]
    shape, p, m = total(conv(64, 7, 2), (3, 224, 224))
    rows = [("conv1", shape, p, m, 4 * math.prod(shape))]
    shape = (64, 56, 56)
    rows.append(("pool1", shape, 0, 0, 4 * math.prod(shape)))
    for stage, count in enumerate(counts):
        width, p, m = 64 * 2**stage, 0, 0
        for i in range(count):
            s = 2 if stage and not i else 1
            main = (
                conv(width, 1) + conv(width, 3, s) + conv(4 * width, 1)
                if depth == 50
                else conv(width, 3, s) + conv(width, 3)
            )
            after, dp, dm = total(main, shape)
            p, m = p + dp, m + dm
            if after != shape:
                _, dp, dm = total(conv(after[0], 1, s), shape)
                p, m = p + dp, m + dm
            shape = after
        rows.append((f"conv{stage + 2}_x", shape, p, m, 4 * math.prod(shape)))
    rows.append(("avgpool", shape[:1], 0, 0, 4 * shape[0]))
    return [*rows, ("fc", (1000,), shape[0] * 1000 + 1000, shape[0] * 1000, 4000)]


# %% resnet_table wrong: batch_norm_without_parameters
def resnet_table(depth):
    blocks = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]}
    if depth not in blocks:
        raise ValueError(depth)
    rows = [("conv1", (64, 112, 112), 64 * 147, 64 * 147 * 112**2, 4 * 64 * 112**2)]
    rows.append(("pool1", (64, 56, 56), 0, 0, 4 * 64 * 56 * 56))
    c, n = 64, 56
    for i, count in enumerate(blocks[depth]):
        m = 64 * 2**i
        d = 4 * m if depth == 50 else m
        p = a = 0
        for j in range(count):
            before = n
            n = n // 2 if i and not j else n
            if depth == 50:
                a += c * m * before**2 + (9 * m * m + m * d) * n**2
                p += c * m + 9 * m * m + m * d
            else:
                a += (9 * c * m + 9 * m * m) * n**2
                p += 9 * c * m + 9 * m * m
            if c != d or before != n:
                a, p = a + c * d * n**2, p + c * d
            c = d
        rows.append((f"conv{i + 2}_x", (c, n, n), p, a, 4 * c * n * n))
    return rows + [("avgpool", (c,), 0, 0, 4 * c), ("fc", (1000,), 1000 * c + 1000, 1000 * c, 4000)]
