# %% [markdown]
"""
# 9 · Architectures: LeNet to ResNet

**After this chapter you can** read the plan of any convolutional network and say, layer by layer, what it computes, what it
has to learn and how much memory it fills; rebuild LeNet-5, AlexNet, VGG and ResNet so that their totals agree with the published ones to
the last parameter; and build the two blocks that made deep networks trainable and affordable.

**You need** the shape formula of [chapter 3](../ch03_shapes/shapes.ipynb), pooling of
[chapter 5](../ch05_pooling/pooling.ipynb), groups of [chapter 7](../ch07_variants/variants.ipynb), and the layers of
[chapter 8](../ch08_layers/layers.ipynb). **Time:** about 120 minutes.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, call, figures, images

check = Checks("ch09_architectures")
figures.use_style()

# %% [markdown]
"""
The layers of earlier chapters are given: use them in your answers wherever they help.
"""


# %% nbgrader={"grade_id": "given", "locked": true} tags=["setup"]
def pair(value):
    """An int or a pair, as a pair (height, width)."""
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def windows(x, size, stride, padding, fill=0.0):
    """All windows of the padded maps, (N, C, Ho, Wo, kH, kW), in float64."""
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))[:, :, ::sh, ::sw]


def conv2d(x, w, b=None, stride=1, padding=0):
    """x (N, C, H, W), w (D, C, kH, kW), b (D,) or None -> (N, D, Ho, Wo). stride, padding: ints or pairs."""
    y = np.tensordot(windows(x, w.shape[2:], stride, padding), w, axes=((1, 4, 5), (1, 2, 3)))
    return (y if b is None else y + b).transpose(0, 3, 1, 2)


def max_pool2d(x, kernel_size, stride=None, padding=0):
    """x (N, C, H, W) -> (N, C, Ho, Wo); the frame is -inf, so it never wins. stride None: the kernel's size."""
    stride = kernel_size if stride is None else stride
    return windows(x, pair(kernel_size), stride, padding, fill=-np.inf).max(axis=(4, 5))


def relu(x):
    """max(x, 0), element by element."""
    return np.maximum(x, 0)


def one_tap(size, value):
    """A kernel (1, 1, size, size) that is zero but for its middle, and a bias of 0: for small examples."""
    w = np.zeros((1, 1, size, size))
    w[0, 0, size // 2, size // 2] = value
    return w, np.zeros(1)


def random_pairs(rng, **shapes):
    """A pair (w, b) for each name, given the shape of w."""
    return {
        name: (rng.standard_normal(shape), rng.standard_normal(shape[0])) for name, shape in shapes.items()
    }


# %% [markdown]
"""
## A family, not a zoo

Every network of this chapter is made of the parts you have built already. What changed over the decades is how many
there are, how wide, and how they are joined:

| year | network | what was new |
|---|---|---|
| 1980 | **Neocognitron** (Fukushima) | layers of *S-cells*, which look for the same pattern everywhere, alternate with *C-cells*, which forgive small shifts: convolution and pooling, trained without backpropagation |
| 1989 | zip code reader (LeCun and others) | the shared weights are learned by backpropagation |
| 1998 | **LeNet-5** | conv, pool, conv, pool, fully connected: the plan that all later ones start from |
| 2012 | **AlexNet** | the same, a thousand times larger: ReLU, dropout, two GPUs, 1.2 million photographs |
| 2014 | **VGG** | only 3 x 3 convolutions, but up to 16 of them |
| 2014 | **GoogLeNet** | parallel branches, and 1 x 1 convolutions that make them cheap |
| 2015 | **ResNet** | skip connections: 50, 101, 152 layers that train |

To compare them we need a common currency, and there are three.

- **Parameters** are what the network must learn, and what its file on disk holds.
- **Multiply-adds** are its time: one multiplication and the addition that goes with it count as *one*. (Some papers count two, and
  arrive at twice the number of "operations".)
- **Activations** are what the layers put out. In training all of them must be kept until the gradients come back, so they are the
  memory.

One convolution, eight kernels of 5 x 5 on a small colour image, shows how differently the three behave:
"""


# %% tags=["figure"]
def draw_net(shapes, names, width=8.6, height=2.6):
    """Maps as blocks: the height and depth of a block say how large its maps are, its width how many there are."""
    fig, ax = plt.subplots(figsize=(width, height), layout="none")
    fig.subplots_adjust(0, 0, 1, 1)
    x = 0.4
    for shape, name in zip(shapes, names, strict=True):
        c, h, w = shape if len(shape) == 3 else (1, shape[0] ** 0.6, 1)
        high, deep, wide = 0.45 * np.log2(h + 1), 0.13 * np.log2(w + 1), 0.1 + 0.14 * np.log2(c)
        low, colour = -high / 2, figures.INPUT if len(shape) == 3 else figures.OUTPUT
        if x == 0.4:
            colour = figures.FAINT
        corner = np.array([x, low])
        for corners, strength in (
            ([(0, 0), (wide, 0), (wide, high), (0, high)], 0.35),
            ([(0, high), (wide, high), (wide + deep, high + deep), (deep, high + deep)], 0.2),
            ([(wide, 0), (wide + deep, deep), (wide + deep, high + deep), (wide, high)], 0.55),
        ):
            ax.add_patch(plt.Polygon(corner + corners, fc=figures.tint(colour, strength), ec=colour, lw=0.9))
        label = "×".join(map(str, shape))
        ax.text(x + wide / 2, -2.75, f"{name}\n{label}", ha="center", va="top", fontsize=9)
        x += max(wide + deep, 0.13 * max(len(label), len(name))) + 0.55
    ax.set(xlim=(0, x - 0.2), ylim=(-4.0, 3.6))
    ax.set_axis_off()
    return ax


ax = draw_net([(3, 32, 32), (8, 28, 28)], ["input", "conv1"], width=8.6, height=2.7)
ax.set_xlim(-0.5, 11)
text = """weights      8 kernels × 3 × 5 × 5  =      600
parameters   600 weights + 8 biases =      608
multiply-adds     600 × 28 × 28 uses =  470,400
activations           8 × 28 × 28 =    6,272
memory             4 bytes a value =   25,088 bytes"""
for i, line in enumerate(text.splitlines()):
    left, _, right = line.partition("=")
    name, _, how = left.strip().partition("  ")
    ax.text(4.1, 2.3 - 1.1 * i, name, va="center")
    ax.text(8.6, 2.3 - 1.1 * i, how.strip(), va="center", ha="right", color=figures.FAINT)
    ax.text(10.9, 2.3 - 1.1 * i, right.strip(), va="center", ha="right", weight="bold")
plt.show()

# %% [markdown]
r"""
Each weight is used at every position of its output: few parameters, many operations. In a fully connected layer each weight is
used once.

## A network as a list

We write a network as a list of layers, each a dict with a name, a kind, and the options of that kind:

```python
net = [
    {"name": "conv1", "kind": "conv", "out": 8, "kernel_size": 5},
    {"name": "relu1", "kind": "relu"},
    {"name": "pool1", "kind": "max_pool", "kernel_size": 2},
]
```

Nothing in it says how many channels come in: that follows from the layer before, and working it out is your job. For a layer that
gets $(C, H, W)$ and puts out $(D, H_o, W_o)$, or gets $n$ units and puts out $m$:

| kind | options (default in brackets) | output | parameters | multiply-adds |
|---|---|---|---|---|
| `conv` | out, kernel_size, stride [1], padding [0], dilation [1], groups [1], bias [True] | $(D, H_o, W_o)$ | $D\,\frac{C}{groups}\,k_H k_W$ + $D$ biases | $D\,H_o W_o\,\frac{C}{groups}\,k_H k_W$ |
| `linear` | out, bias [True] | $(m,)$ | $n\,m$ + $m$ biases | $n\,m$ |
| `max_pool`, `avg_pool` | kernel_size, stride [kernel_size], padding [0], ceil_mode [False] | $(C, H_o, W_o)$ | 0 | 0 |
| `global_avg_pool` | | $(C,)$ | 0 | 0 |
| `flatten` | | $(C\,H\,W,)$ | 0 | 0 |
| `batch_norm` | | as the input | $2\,C$ | 0 |
| `relu`, `tanh`, `sigmoid`, `softmax`, `lrn`, `dropout` | | as the input | 0 | 0 |

Sizes come from chapter 3, $\lfloor (n + 2p - d(k-1) - 1)/s \rfloor + 1$ on each axis. A pool with `ceil_mode` rounds up instead, and
then drops a last window that would start in the padding behind the values: where $(n_o - 1)\,s \ge n + p$, take one off $n_o$.

The last column of our table is the **memory**: 4 bytes for each output value of `conv`, `linear`, the pools and `global_avg_pool`. All other
kinds can overwrite their input (or, for `flatten`, only look at it in another way), so they cost 0.

### Exercise 9.1 · `layer_table`
●●●○ · 25 min

Return one tuple (name, output shape, parameters, multiply-adds, bytes) for each layer, in order. A kernel that does not fit
its padded input raises a ValueError. The hidden tests climb a ladder, with marks for each rung: convolutions, pools, linear layers,
groups and dilation, the other kinds, errors. Get one rung working, then go on.

<details><summary>Hint 1: what to carry along</summary>

Go through the layers with one variable `shape` that starts as `input_shape`. Each layer reads it, and replaces it by its own output's.
`layer.get("stride", 1)` reads an option that may not be there, and leaves the dict as it is.
</details>

<details><summary>Hint 2: convolutions and pools</summary>

Both need the same two sizes, so write a helper for one axis, size(n, k, s, p, d), and call it for height and width. `pair` (in the cell
above) makes a pair of an int. A pool is a convolution with dilation 1 as far as shapes go; its default stride is its kernel_size. Less than
one position means that the kernel does not fit.
</details>

<details><summary>Hint 3: the costs</summary>

Count the weights first. Parameters are the weights and, unless `bias` is False, one bias for each output channel or unit.
Multiply-adds are the weights times the positions $H_o W_o$ (for `linear`: one position). `//` keeps integers integers.

```python
for layer in layers:
    weights = biases = positions = 0
    stored = layer["kind"] in ("conv", "linear", ...)
    if layer["kind"] == "conv":
        ...
        weights = layer["out"] * (shape[0] // groups) * ...
        shape = (layer["out"], ...)
```
</details>
"""


# %% nbgrader={"grade_id": "layer_table", "solution": true}
def layer_table(layers, input_shape):
    """What each layer of a network puts out and costs.

    layers: list of dicts with "name", "kind" and the options of the table above; sizes are ints or
        pairs (H, W). The dicts stay as they are. A linear layer takes (units,) only: a flatten or a
        global_avg_pool stands before it.
    input_shape: (C, H, W), or (units,); no batch axis.
    Returns a list of tuples (name, output_shape, parameters, macs, bytes), one for each layer:
        output_shape a tuple of ints, (C, H, W) or (units,); the other three ints.
    Raises ValueError where a kernel does not fit.
    """

    ### BEGIN SOLUTION
    def size(n, k, s, p, d=1, ceil=False):
        steps = n + 2 * p - d * (k - 1) - 1
        if steps < 0:
            raise ValueError(f"a kernel of {k} does not fit an input of {n}")
        count = (steps + s - 1 if ceil else steps) // s + 1
        return count - 1 if ceil and (count - 1) * s >= n + p else count

    rows, shape = [], tuple(input_shape)
    for layer in layers:
        kind = layer["kind"]
        weights = biases = 0
        positions = 1
        if kind == "conv":
            k, s = pair(layer["kernel_size"]), pair(layer.get("stride", 1))
            p, d = pair(layer.get("padding", 0)), pair(layer.get("dilation", 1))
            high, wide = (size(shape[1 + i], k[i], s[i], p[i], d[i]) for i in range(2))
            weights = layer["out"] * (shape[0] // layer.get("groups", 1)) * k[0] * k[1]
            biases = layer["out"] if layer.get("bias", True) else 0
            positions = high * wide
            shape = (layer["out"], high, wide)
        elif kind == "linear":
            weights = shape[0] * layer["out"]
            biases = layer["out"] if layer.get("bias", True) else 0
            shape = (layer["out"],)
        elif kind in ("max_pool", "avg_pool"):
            k = pair(layer["kernel_size"])
            s, p = pair(layer.get("stride", k)), pair(layer.get("padding", 0))
            ceil = layer.get("ceil_mode", False)
            shape = (shape[0], *(size(shape[1 + i], k[i], s[i], p[i], 1, ceil) for i in range(2)))
        elif kind == "global_avg_pool":
            shape = (shape[0],)
        elif kind == "flatten":
            shape = (int(np.prod(shape)),)
        parameters = 2 * shape[0] if kind == "batch_norm" else weights + biases
        stored = kind in ("conv", "linear", "max_pool", "avg_pool", "global_avg_pool")
        memory = 4 * int(np.prod(shape)) if stored else 0
        rows.append((layer["name"], shape, parameters, weights * positions, memory))
    return rows
    ### END SOLUTION


# %% nbgrader={"grade_id": "layer_table-examples", "points": 8}
conv1 = {"name": "conv1", "kind": "conv", "out": 8, "kernel_size": 5}
pool1 = {"name": "pool1", "kind": "max_pool", "kernel_size": 2}
short = {"name": "pool1", "kind": "max_pool", "kernel_size": 3, "stride": 2, "ceil_mode": True}
tall = {"name": "tall", "kind": "conv", "out": 2, "kernel_size": (3, 1), "stride": 2, "bias": False}
split = {"name": "conv2", "kind": "conv", "out": 256, "kernel_size": 5, "padding": 2, "groups": 2}
head = [
    {"name": "flat", "kind": "flatten"},
    {"name": "fc1", "kind": "linear", "out": 120},
    {"name": "fc2", "kind": "linear", "out": 84},
]
rest = [{"name": kind, "kind": kind} for kind in ("batch_norm", "relu", "global_avg_pool", "softmax")]

check.examples(
    "layer_table",
    layer_table,
    call([conv1], (3, 32, 32)).gives([("conv1", (8, 28, 28), 608, 470_400, 25_088)]),  # the picture above
    call([conv1, conv1], (3, 32, 32)).gives(
        [("conv1", (8, 28, 28), 608, 470_400, 25_088), ("conv1", (8, 24, 24), 1_608, 921_600, 18_432)]
    ),
    call([tall], (1, 5, 7)).gives([("tall", (2, 2, 4), 6, 48, 64)]),
    call([pool1], (8, 28, 28)).gives([("pool1", (8, 14, 14), 0, 0, 6_272)]),
    call([short], (2, 8, 8)).gives(
        [("pool1", (2, 4, 4), 0, 0, 128)]
    ),  # three windows fit, a short one counts
    call(head, (16, 5, 5)).gives(
        [("flat", (400,), 0, 0, 0), ("fc1", (120,), 48_120, 48_000, 480), ("fc2", (84,), 10_164, 10_080, 336)]
    ),
    call([split], (96, 27, 27)).gives([("conv2", (256, 27, 27), 307_456, 223_948_800, 746_496)]),
    call(rest, (5, 4, 4)).gives(
        [
            ("batch_norm", (5, 4, 4), 10, 0, 0),
            ("relu", (5, 4, 4), 0, 0, 0),
            ("global_avg_pool", (5,), 0, 0, 20),
            ("softmax", (5,), 0, 0, 0),
        ]
    ),
    call([conv1], (3, 4, 9)).raises(ValueError),  # 5 rows don't fit into 4
)

# %% nbgrader={"grade_id": "layer_table-hidden", "points": 2}
# The first rung: convolutions with stride and padding. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9011)
c, d, e, h, w = rng.integers([2, 3, 4, 11, 15], [5, 8, 9, 15, 22]).tolist()
check.hidden(
    "layer_table",
    layer_table,
    "convolutions at stride 1",
    call([{"name": "a", "kind": "conv", "out": d, "kernel_size": 3}], (c, h, w)),
    call([{"name": "b", "kind": "conv", "out": e, "kernel_size": (2, 5)}], input_shape=(c, h, w)),
    call([{"name": "c", "kind": "conv", "out": 1, "kernel_size": (h, w)}], (c, h, w)),
)
check.hidden(
    "layer_table",
    layer_table,
    "convolutions with stride and padding, ints and pairs",
    call([{"name": "a", "kind": "conv", "out": d, "kernel_size": 3, "stride": 2, "padding": 1}], (c, h, w)),
    call(
        [{"name": "b", "kind": "conv", "out": d, "kernel_size": (3, 4), "stride": (3, 2), "padding": (0, 2)}],
        (c, h, w),
    ),
    call([{"name": "c", "kind": "conv", "out": d, "kernel_size": 1, "stride": 5}], (c, h, w)),
)
check.hidden(
    "layer_table",
    layer_table,
    "several convolutions: each takes what the one before puts out",
    call(
        [
            {"name": "first", "kind": "conv", "out": d, "kernel_size": 3},
            {"name": "second", "kind": "conv", "out": e, "kernel_size": 2, "stride": 2},
            {"name": "third", "kind": "conv", "out": c, "kernel_size": (1, 3), "padding": 1},
        ],
        (c, h, w),
    ),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "layer_table-hidden-pools", "points": 2}
# The second rung: pools.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9012)
c, h, w = (2 * rng.integers([2, 5, 8], [5, 8, 12]) + 1).tolist()
check.hidden(
    "layer_table",
    layer_table,
    "pools, their default stride, strides that leave values over",
    call([{"name": "p", "kind": "max_pool", "kernel_size": 2}], (c, h, w)),
    call([{"name": "p", "kind": "avg_pool", "kernel_size": (2, 3)}], (c, h, w)),
    call([{"name": "p", "kind": "avg_pool", "kernel_size": 3, "stride": (2, 3)}], (c, h + 1, w)),
    call([{"name": "p", "kind": "max_pool", "kernel_size": 3, "stride": 2, "padding": 1}], (c, h, w)),
    call(
        [{"name": "p", "kind": "max_pool", "kernel_size": (3, 4), "stride": 1, "padding": (1, 2)}], (c, h, w)
    ),
)
check.hidden(
    "layer_table",
    layer_table,
    "pools in ceil mode",
    call([{"name": "p", "kind": "max_pool", "kernel_size": 2, "ceil_mode": True}], (c, h, w + 1)),
    call(
        [{"name": "p", "kind": "avg_pool", "kernel_size": 3, "stride": 2, "ceil_mode": True}], (c, h + 1, w)
    ),
    call([{"name": "p", "kind": "max_pool", "kernel_size": 2, "padding": 1, "ceil_mode": True}], (c, h, w)),
    call([{"name": "p", "kind": "max_pool", "kernel_size": 2, "stride": 3, "ceil_mode": True}], (c, 9, 10)),
    call([{"name": "p", "kind": "max_pool", "kernel_size": 2, "ceil_mode": False}], (c, h, w)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "layer_table-hidden-linear", "points": 2}
# The third rung: flatten and linear layers.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9013)
c, h, w, m, n = rng.integers([2, 3, 6, 7, 30], [5, 6, 9, 20, 60]).tolist()
check.hidden(
    "layer_table",
    layer_table,
    "flatten and linear layers",
    call([{"name": "fc", "kind": "linear", "out": m}], (n,)),
    call([{"name": "fc", "kind": "linear", "out": n, "bias": False}], (m,)),
    call(
        [
            {"name": "to a row", "kind": "flatten"},
            {"name": "fc1", "kind": "linear", "out": n},
            {"name": "fc2", "kind": "linear", "out": m, "bias": False},
            {"name": "fc3", "kind": "linear", "out": c},
        ],
        (c, h, w),
    ),
    call([{"name": "again", "kind": "flatten"}], (n,)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "layer_table-hidden-groups", "points": 2}
# The fourth rung: groups, dilation, no bias.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9014)
g, h, w = rng.integers([2, 9, 13], [5, 12, 19]).tolist()
check.hidden(
    "layer_table",
    layer_table,
    "groups",
    call([{"name": "g", "kind": "conv", "out": 3 * g, "kernel_size": 3, "groups": g}], (2 * g, h, w)),
    call([{"name": "g", "kind": "conv", "out": 6, "kernel_size": (1, 2), "groups": 6}], (6, h, w)),
)
check.hidden(
    "layer_table",
    layer_table,
    "dilation",
    call([{"name": "d", "kind": "conv", "out": g, "kernel_size": 3, "dilation": 2}], (2, h, w)),
    call(
        [
            {
                "name": "d",
                "kind": "conv",
                "out": g,
                "kernel_size": (2, 3),
                "dilation": (3, 4),
                "padding": 1,
                "stride": 2,
            }
        ],
        (3, h, w),
    ),
)
check.hidden(
    "layer_table",
    layer_table,
    "convolutions with and without bias",
    call([{"name": "b", "kind": "conv", "out": g, "kernel_size": 3, "bias": False}], (2, h, w)),
    call([{"name": "b", "kind": "conv", "out": g, "kernel_size": 3, "bias": True}], (2, h, w)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "layer_table-hidden-rest", "points": 2}
# The fifth rung: the kinds that have no weights, and batch norm.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9015)
c, h, w = rng.integers([3, 4, 7], [6, 7, 12]).tolist()
plain = [{"name": f"{k} {c}", "kind": k} for k in ("relu", "tanh", "sigmoid", "lrn", "dropout", "softmax")]
check.hidden(
    "layer_table", layer_table, "batch norm", call([{"name": "bn", "kind": "batch_norm"}], (c, h, w))
)
check.hidden(
    "layer_table",
    layer_table,
    "global average pooling",
    call([{"name": "gap", "kind": "global_avg_pool"}, {"name": "out", "kind": "softmax"}], (c, h, w)),
)
check.hidden(
    "layer_table",
    layer_table,
    "layers that work in place, on maps and on units",
    call(plain, (c, h, w)),
    call([row for row in plain if row["kind"] != "lrn"], (h * w,)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "layer_table-hidden-errors", "points": 2}
# The last rung: kernels that don't fit.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9016)
k = int(rng.integers(4, 7))
check.hidden(
    "layer_table",
    layer_table,
    "a kernel that does not fit raises ValueError",
    call([{"name": "c", "kind": "conv", "out": 2, "kernel_size": k}], (1, k - 1, 9)).raises(ValueError),
    call([{"name": "c", "kind": "conv", "out": 2, "kernel_size": k}], (1, 9, k - 2)).raises(ValueError),
    call([{"name": "c", "kind": "conv", "out": 2, "kernel_size": k, "padding": 1}], (1, 9, k - 3)).raises(
        ValueError
    ),
    call([{"name": "c", "kind": "conv", "out": 2, "kernel_size": 3, "dilation": k}], (1, 20, 2 * k)).raises(
        ValueError
    ),
    call([{"name": "p", "kind": "max_pool", "kernel_size": 3}], (1, 9, 2)).raises(ValueError),
    call(
        [
            {"name": "c", "kind": "conv", "out": 4, "kernel_size": 5},
            {"name": "p", "kind": "max_pool", "kernel_size": 2},
            {"name": "d", "kind": "conv", "out": 4, "kernel_size": 5},
        ],
        (3, 12, 32),
    ).raises(ValueError),
)
check.hidden(
    "layer_table",
    layer_table,
    "a kernel that just fits does not",
    call([{"name": "c", "kind": "conv", "out": 2, "kernel_size": k, "padding": 1}], (1, k - 2, k - 1)),
    call([{"name": "p", "kind": "avg_pool", "kernel_size": 4, "padding": 2}], (1, 2, 1)),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** is the page that every paper on architectures starts from. The rest of the chapter reads networks with it.

## Two small networks

Warm up with a network for colour images of 32 x 32:

| layer | output | parameters |
|---|---|---|
| convolution, 8 kernels of 5 x 5 | 8 x 28 x 28 | 608 |
| pool, 2 x 2 | 8 x 14 x 14 | 0 |
| convolution, 16 kernels of 5 x 5 | 16 x 10 x 10 | 3,216 |
| pool, 2 x 2 | 16 x 5 x 5 | 0 |
| fully connected, 120 units | 120 | 48,120 |
| fully connected, 84 units | 84 | 10,164 |
| fully connected, 10 units | 10 | **?** |

No padding, stride 1; a ReLU after each layer but the pools and the last. A slide gives the last row as "84·10 + 84". Before you go on: what
is right?

<details><summary>Answer</summary>

84·10 + 10 = 850. A bias belongs to an *output*: ten units have ten. That makes 62,958 in all.
</details>

### Exercise 9.2 · `small_cnn`
●○○○ · 5 min

Return this network as a list of layers. In this and the next three exercises, torch gets your list: it is made into the
modules of `torch.nn`, and each of them must have the output, the parameters and the multiply-adds that it should have. Names are
yours to choose, and so is how you write activations down: layers that cost nothing are not compared.

<details><summary>Hint 1</summary>

Start from the example list above. Between the maps and the first linear layer something must turn $16 \\times 5 \\times 5$ into 400.
</details>
"""


# %% nbgrader={"grade_id": "small_cnn", "solution": true}
def small_cnn():
    """A small network for inputs of shape (3, 32, 32), 62,958 parameters.

    Returns a list of layers, as layer_table takes it.
    """
    ### BEGIN SOLUTION
    return [
        {"name": "conv1", "kind": "conv", "out": 8, "kernel_size": 5},
        {"name": "relu1", "kind": "relu"},
        {"name": "pool1", "kind": "max_pool", "kernel_size": 2},
        {"name": "conv2", "kind": "conv", "out": 16, "kernel_size": 5},
        {"name": "relu2", "kind": "relu"},
        {"name": "pool2", "kind": "max_pool", "kernel_size": 2},
        {"name": "flatten", "kind": "flatten"},
        {"name": "fc3", "kind": "linear", "out": 120},
        {"name": "relu3", "kind": "relu"},
        {"name": "fc4", "kind": "linear", "out": 84},
        {"name": "relu4", "kind": "relu"},
        {"name": "fc5", "kind": "linear", "out": 10},
    ]
    ### END SOLUTION


# %% nbgrader={"grade_id": "small_cnn-examples", "points": 2}
check.examples("small_cnn", small_cnn, call())

# %% nbgrader={"grade_id": "small_cnn-hidden", "points": 3}
# The hidden tests of `small_cnn` run here when your work is graded.
### BEGIN HIDDEN TESTS
check.hidden("small_cnn", small_cnn, "every layer, and the same list each time", call(), call())
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, through your own table:
"""


# %%
def totals(table):
    """(parameters, multiply-adds, bytes) of a whole network."""
    return tuple(sum(row[i] for row in table) for i in (2, 3, 4))


def show(table, which=("conv", "fc", "pool")):
    """Print the rows whose names start with one of these, and the totals."""
    for name, shape, parameters, macs, _ in table:
        if name.startswith(which):
            print(f"{name:10} {'×'.join(map(str, shape)):>12} {parameters:12,} {macs:14,}")
    print(f"{'in all':10} {'':12} {totals(table)[0]:12,} {totals(table)[1]:14,}")


print("layer            output   parameters  multiply-adds")
show(layer_table(small_cnn(), (3, 32, 32)))

# %% [markdown]
"""
The convolutions do 93 % of the work with 6 % of the parameters. In larger networks it gets more extreme.

### LeNet-5

LeNet-5 read the digits on cheques. It was trained on MNIST: 60,000 images for training and 10,000 for testing, of 28 x 28 pixels, padded to
32 x 32 so that even strokes at the border come to lie in the middle of some window. Two details were given up later: in the
original, each of the 16 kernels of the second convolution saw only some of the 6 maps, and the subsampling layers had a weight and a
bias for each map. The modern form has full kernels and plain means:

- convolution, 6 kernels of 5 x 5; tanh; average pool 2 x 2, stride 2
- convolution, 16 kernels of 5 x 5; tanh; average pool 2 x 2, stride 2
- fully connected, 120; tanh; 84; tanh; 10

### Exercise 9.3 · `lenet5`
●○○○ · 5 min

Return LeNet-5 in the modern form for inputs of shape (1, 32, 32). It has 61,706 parameters.

<details><summary>Hint 1</summary>

It differs from `small_cnn` in its first layer, its pools and its activations only.
</details>
"""


# %% nbgrader={"grade_id": "lenet5", "solution": true}
def lenet5():
    """LeNet-5 in its modern form, for inputs of shape (1, 32, 32), 61,706 parameters.

    Returns a list of layers, as layer_table takes it.
    """
    ### BEGIN SOLUTION
    return [
        {"name": "conv1", "kind": "conv", "out": 6, "kernel_size": 5},
        {"name": "tanh1", "kind": "tanh"},
        {"name": "pool2", "kind": "avg_pool", "kernel_size": 2},
        {"name": "conv3", "kind": "conv", "out": 16, "kernel_size": 5},
        {"name": "tanh3", "kind": "tanh"},
        {"name": "pool4", "kind": "avg_pool", "kernel_size": 2},
        {"name": "flatten", "kind": "flatten"},
        {"name": "fc5", "kind": "linear", "out": 120},
        {"name": "tanh5", "kind": "tanh"},
        {"name": "fc6", "kind": "linear", "out": 84},
        {"name": "tanh6", "kind": "tanh"},
        {"name": "fc7", "kind": "linear", "out": 10},
    ]
    ### END SOLUTION


# %% nbgrader={"grade_id": "lenet5-examples", "points": 2}
check.examples("lenet5", lenet5, call())

# %% nbgrader={"grade_id": "lenet5-hidden", "points": 3}
# The hidden tests of `lenet5` run here when your work is graded.
### BEGIN HIDDEN TESTS
check.hidden("lenet5", lenet5, "every layer, and the same list each time", call(), call())
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, drawn from your table in the way that every textbook draws it. Maps get smaller and more numerous, until they
are so small that a row of units takes over.

<details><summary>The same network in torch</summary>

```python
torch.nn.Sequential(
    nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
    nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
    nn.Flatten(),
    nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
)
```
</details>
"""

# %% tags=["figure"]
lenet_table = layer_table(lenet5(), (1, 32, 32))
drawn = [row for row in lenet_table if row[4]]
draw_net([(1, 32, 32), *(row[1] for row in drawn)], ["input", *(row[0] for row in drawn)])
plt.show()
print(f"{totals(lenet_table)[0]:,} parameters, {totals(lenet_table)[1]:,} multiply-adds")

# %% [markdown]
"""
## AlexNet, twice

ImageNet's competition set 1.2 million photographs of 1000 kinds of things for training and 100,000 for testing. In 2012 one entry made 15.3 % errors
(counting five guesses) where the next best made 26.2 %. It was LeNet's plan, scaled up:

| layer | kernels | output |
|---|---|---|
| input | | 3 x 227 x 227 |
| conv1 | 96 of 11 x 11, stride 4 | 96 x 55 x 55 |
| pool1 | 3 x 3, stride 2 | 96 x 27 x 27 |
| conv2 | 256 of 5 x 5, padding 2 | 256 x 27 x 27 |
| pool2 | 3 x 3, stride 2 | 256 x 13 x 13 |
| conv3, conv4 | 384 of 3 x 3, padding 1 | 384 x 13 x 13 |
| conv5 | 256 of 3 x 3, padding 1 | 256 x 13 x 13 |
| pool5 | 3 x 3, stride 2 | 256 x 6 x 6 |
| fc6, fc7 | | 4096 |
| fc8 | | 1000 |

The pools take maxima, and their windows overlap. A ReLU follows every layer with weights but the last; local response normalisation follows the ReLU of conv1 and
conv2 (before the pool, in the paper); dropout stands at fc6 and fc7.

Two numbers of parameters are in use, 62.4 and 61.0 million, and both are right. The network did not fit into the 3 GB of one GPU, so each of
two held half of the maps of every layer. In conv2, conv4 and conv5 the kernels see the maps on their own GPU only: these are **grouped**
convolutions, with `groups=2`. Ungrouped reimplementations have the larger number.

The paper gives its input as 224 x 224. Does an 11 x 11 kernel at stride 4 without padding end flush with it?
"""

# %%
for n in (224, 227):
    print(f"input {n}: ({n} - 11) / 4 + 1 = {(n - 11) / 4 + 1} positions")

# %% [markdown]
"""
So it must have been 227, or padding that nobody wrote down.

### Exercise 9.4 · `alexnet`
●●○○ · 10 min

Return AlexNet for inputs of shape (3, 227, 227), with 62,378,344 parameters for `groups=1` and 60,965,224 for `groups=2`.

<details><summary>Hint 1: where the groups go</summary>

Only conv2, conv4 and conv5 take `"groups": groups`. conv1 sees the image, and in conv3 the two GPUs exchange their maps.
</details>

<details><summary>Hint 2: if a number does not fit</summary>

Look at your own table: `show(layer_table(alexnet(), (3, 227, 227)))`. The first row whose output is not the one above is the one to change.
</details>
"""


# %% nbgrader={"grade_id": "alexnet", "solution": true}
def alexnet(groups=1):
    """AlexNet (2012) for inputs of shape (3, 227, 227).

    groups: 1, or 2 for the two GPUs of the paper, in conv2, conv4 and conv5.
    Returns a list of layers, as layer_table takes it.
    """

    ### BEGIN SOLUTION
    def named(name, kind, **options):
        return {"name": name, "kind": kind, **options}

    pool = {"kernel_size": 3, "stride": 2}
    layers = [
        named("conv1", "conv", out=96, kernel_size=11, stride=4),
        named("relu1", "relu"),
        named("norm1", "lrn"),
        named("pool1", "max_pool", **pool),
        named("conv2", "conv", out=256, kernel_size=5, padding=2, groups=groups),
        named("relu2", "relu"),
        named("norm2", "lrn"),
        named("pool2", "max_pool", **pool),
        named("conv3", "conv", out=384, kernel_size=3, padding=1),
        named("relu3", "relu"),
        named("conv4", "conv", out=384, kernel_size=3, padding=1, groups=groups),
        named("relu4", "relu"),
        named("conv5", "conv", out=256, kernel_size=3, padding=1, groups=groups),
        named("relu5", "relu"),
        named("pool5", "max_pool", **pool),
        named("flatten", "flatten"),
    ]
    for i in (6, 7):
        layers += [
            named(f"fc{i}", "linear", out=4096),
            named(f"relu{i}", "relu"),
            named(f"dropout{i}", "dropout"),
        ]
    return [*layers, named("fc8", "linear", out=1000), named("prob", "softmax")]
    ### END SOLUTION


# %% nbgrader={"grade_id": "alexnet-examples", "points": 3}
check.examples("alexnet", alexnet, call(), call(2))

# %% nbgrader={"grade_id": "alexnet-hidden", "points": 5}
# The hidden tests of `alexnet` run here when your work is graded.
### BEGIN HIDDEN TESTS
check.hidden("alexnet", alexnet, "without groups", call(), call(1))
check.hidden("alexnet", alexnet, "two groups in three layers", call(groups=2), call(2))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, layer by layer. The first picture is where a network learns, the second what it must remember, the third where
its time goes.
"""


# %% tags=["figure"]
def draw_costs(table, title):
    """Bars for each layer that stores something: parameters, memory, multiply-adds, all in millions."""
    shown = [row for row in table if row[4]]
    fig, axes = plt.subplots(3, 1, figsize=(8.6, 5.2), sharex=True)
    names = ("parameters", "memory in bytes", "multiply-adds")
    for ax, column, name, colour in zip(
        axes, (2, 4, 3), names, (figures.KERNEL, figures.INPUT, figures.OUTPUT), strict=True
    ):
        values = [row[column] / 1e6 for row in shown]
        ax.bar(range(len(shown)), values, color=colour, width=0.7)
        for i, value in enumerate(values):
            if value >= 0.005 * max(values):
                label = (
                    f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.095 else f"{value:.2f}"
                )
                ax.text(i, value, label, ha="center", va="bottom", fontsize=9)
        ax.set_ylim(0, 1.22 * max(values))
        ax.set_yticks([])
        ax.set_title(f"{name}: {sum(values):,.1f} million", loc="left", color=colour)
        ax.spines["left"].set_visible(False)
    axes[-1].set_xticks(range(len(shown)), [row[0] for row in shown], rotation=60, ha="right")
    fig.suptitle(title)
    plt.show()


draw_costs(layer_table(alexnet(2), (3, 227, 227)), "AlexNet, two groups")

# %%
alex = {groups: layer_table(alexnet(groups), (3, 227, 227)) for groups in (1, 2)}
for groups, table in alex.items():
    print(f"groups={groups}: {totals(table)[0]:,} parameters, {totals(table)[1]:,} multiply-adds")
fc = sum(row[2] for row in alex[2] if row[0].startswith("fc"))
print(f"fully connected: {fc / totals(alex[2])[0]:.1%} of the parameters")

# %% [markdown]
r"""
## VGG: nothing but 3 x 3

Two 3 x 3 convolutions in a row see windows of 5 x 5, as one 5 x 5 convolution does, with a ReLU more. With $C$ channels in and out they have
$2 \cdot 9\,C^2 = 18\,C^2$ weights against $25\,C^2$. VGG takes this to its end: 3 x 3 kernels, stride 1, padding 1 throughout, so only the
pools (max, 2 x 2, stride 2) change the size. After each pool the number of kernels doubles, up to 512:

| block | kernels | A | B | C | D | E |
|---|---|---|---|---|---|---|
| 1 | 64 | 1 | 2 | 2 | 2 | 2 |
| 2 | 128 | 1 | 2 | 2 | 2 | 2 |
| 3 | 256 | 2 | 2 | 2 + one 1 x 1 | 3 | 4 |
| 4 | 512 | 2 | 2 | 2 + one 1 x 1 | 3 | 4 |
| 5 | 512 | 2 | 2 | 2 + one 1 x 1 | 3 | 4 |
| weight layers with fc6, fc7, fc8 | | 11 | 13 | 16 | 16 | 19 |

A pool ends each block. C ends its last three blocks with a convolution of 1 x 1 kernels (as many as its neighbours have, padding 0). Then come fully connected
layers of 4096, 4096 and 1000 units. D is known as VGG-16, E as VGG-19.

### Exercise 9.5 · `vgg`
●●○○ · 10 min

Return the network of a configuration "A" to "E" for inputs of shape (3, 224, 224), with a ReLU after each layer with weights but the last.
Parameters: A 132,863,336, B 133,047,848, C 133,638,952, D 138,357,544, E 143,667,240.

<details><summary>Hint 1: a plan and two loops</summary>

Write each column of the table as a tuple, such as `(1, 1, 2, 2, 2)` for A. One loop goes over the blocks, one over the convolutions in a block; an
f-string such as `f"conv{block}_{i}"` makes the names of the paper, `conv1_1`, `conv1_2`, ...
</details>

<details><summary>Hint 2: the 1 x 1 convolutions of C</summary>

In C, blocks 3 to 5 have three convolutions like D's, but the third has `"kernel_size": 1` and `"padding": 0`.
</details>
"""


# %% nbgrader={"grade_id": "vgg", "solution": true}
def vgg(config):
    """VGG (2014) for inputs of shape (3, 224, 224).

    config: "A", "B", "C", "D" (VGG-16) or "E" (VGG-19).
    Returns a list of layers, as layer_table takes it.
    """
    ### BEGIN SOLUTION
    plans = {
        "A": (1, 1, 2, 2, 2),
        "B": (2, 2, 2, 2, 2),
        "C": (2, 2, 3, 3, 3),
        "D": (2, 2, 3, 3, 3),
        "E": (2, 2, 4, 4, 4),
    }
    layers = []
    for block, (count, out) in enumerate(zip(plans[config], (64, 128, 256, 512, 512), strict=True), start=1):
        for i in range(1, count + 1):
            k = 1 if config == "C" and i == 3 else 3
            conv = {
                "name": f"conv{block}_{i}",
                "kind": "conv",
                "out": out,
                "kernel_size": k,
                "padding": k // 2,
            }
            layers += [conv, {"name": f"relu{block}_{i}", "kind": "relu"}]
        layers += [{"name": f"pool{block}", "kind": "max_pool", "kernel_size": 2}]
    layers += [{"name": "flatten", "kind": "flatten"}]
    for i in (6, 7):
        layers += [{"name": f"fc{i}", "kind": "linear", "out": 4096}, {"name": f"relu{i}", "kind": "relu"}]
        layers += [{"name": f"dropout{i}", "kind": "dropout"}]
    return [*layers, {"name": "fc8", "kind": "linear", "out": 1000}]
    ### END SOLUTION


# %% nbgrader={"grade_id": "vgg-examples", "points": 3}
check.examples("vgg", vgg, call("A"), call("D"))

# %% nbgrader={"grade_id": "vgg-hidden", "points": 5}
# The hidden tests of `vgg` run here when your work is graded.
### BEGIN HIDDEN TESTS
check.hidden("vgg", vgg, "configurations B and E", call("B"), call("E"))
check.hidden("vgg", vgg, "configuration C", call("C"))
check.hidden("vgg", vgg, "configurations A and D", call("A"), call(config="D"))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** shows the rule of this generation at its clearest: *most of the memory is in the first convolutions, most of the
parameters are in the fully connected layers, and the time is in the convolutions throughout.*
"""

# %% tags=["figure"]
vgg16 = layer_table(vgg("D"), (3, 224, 224))
draw_costs(vgg16, "VGG-16")

# %%
for config in "ABCDE":
    parameters, macs, memory = totals(layer_table(vgg(config), (3, 224, 224)))
    print(f"{config}: {parameters:12,} parameters {macs:15,} multiply-adds")

weights = totals(
    layer_table([{**row, "bias": False} if "out" in row else row for row in vgg("D")], (3, 224, 224))
)[0]
fc_weights = sum(row[3] for row in vgg16 if row[0].startswith("fc"))
conv_macs = sum(row[3] for row in vgg16 if row[0].startswith("conv"))
values = totals(vgg16)[2] // 4
print(
    f"\nVGG-16: {weights:,} weights without biases, {fc_weights:,} of them ({fc_weights / weights:.1%}) fully connected"
)
print(f"        {conv_macs:,} multiply-adds in the convolutions")
print(f"        {values:,} activations, {values + 3 * 224 * 224:,} with the input")

# %% [markdown]
r"""
The last line settles a question. A well-known course page adds up the activations of VGG-16 and arrives at 24 million values; the number is
quoted everywhere. The sum is 15.2 million with the input, or 61 MB. It pays to let a program add.

## A fully connected layer is a convolution

Nine tenths of VGG-16's weights sit in three layers. What is fc6, really? It takes the inner product of each of its 4096 rows with *all* of a
map of $512 \times 7 \times 7$. That is a convolution with kernels of 7 x 7 that happen to fit at one position only:

$$\sum_{n} W_{d,n}\,\mathrm{flatten}(x)_n \;=\; \sum_{c,i,j} K_{d,c,i,j}\; x_{c,i,j}, \qquad n = (c\,H + i)\,W + j$$

Chapter 7 ended with this. Here is its use: on a *larger* image the kernel has room to slide.

### Exercise 9.6 · `fc_as_conv`
●●○○ · 10 min

Turn the weights and biases of a fully connected layer on a flattened map of shape `size` into those of the convolution that does the same.

<details><summary>Hint 1: which order?</summary>

The map was flattened in the order of its axes, channel by channel and row by row: $n = (c\,H + i)\,W + j$. What undoes a flatten?
</details>

<details><summary>Hint 2: nearly the answer</summary>

`reshape` fills the new axes in just that order. The kernels are `w` in a shape of four axes; the bias stays as it is.
</details>
"""


# %% nbgrader={"grade_id": "fc_as_conv", "solution": true}
def fc_as_conv(w, b, size):
    """The convolution that a fully connected layer on a flattened map is.

    w: weights (D, C*H*W). b: biases (D,). size: (C, H, W), the shape of the map that was flattened.
    Returns (kernels, bias) of shapes (D, C, H, W) and (D,).
    """
    ### BEGIN SOLUTION
    return w.reshape(len(w), *size), b
    ### END SOLUTION


# %% nbgrader={"grade_id": "fc_as_conv-examples", "points": 2}
rows = np.array([[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]])  # two units on six values

check.examples(
    "fc_as_conv",
    fc_as_conv,
    call(rows, np.array([0.5, -1]), (1, 2, 3)).gives(
        ([[[[1, 2, 3], [4, 5, 6]]], [[[7, 8, 9], [10, 11, 12]]]], [0.5, -1])
    ),
    call(rows, np.array([0.5, -1]), (3, 1, 2)).gives(
        ([[[[1, 2]], [[3, 4]], [[5, 6]]], [[[7, 8]], [[9, 10]], [[11, 12]]]], [0.5, -1])
    ),
    call(np.arange(48.0).reshape(2, 24), np.array([1, 2]), (2, 3, 4)),
)

# %% nbgrader={"grade_id": "fc_as_conv-hidden", "points": 4}
# The hidden tests of `fc_as_conv` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9061)
w, b = rng.standard_normal((4, 30)), rng.standard_normal(4)
check.hidden(
    "fc_as_conv",
    fc_as_conv,
    "maps of several shapes",
    call(w, b, (2, 3, 5)),
    call(w, b, (5, 2, 3)),
    call(w[:, :18], b, size=(2, 3, 3)),
    call(w[:1], b[:1], (30, 1, 1)),
    call(w, b, (1, 5, 6)),
)
check.hidden(
    "fc_as_conv", fc_as_conv, "read-only arrays, views and float32", *call(w, b, (3, 5, 2)).in_every_form()
)
check.hidden(
    "fc_as_conv",
    fc_as_conv,
    "integers",
    call(rng.integers(0, 250, (3, 12)).astype(np.uint8), np.array([3, 0, -2]), (2, 2, 3)),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** turns a classifier of small images into a detector on large ones. Here is a complete network, trained in a second: 48
*random* 3 x 3 kernels that nobody trains, ReLU, a 2 x 2 pool, and a fully connected layer from $48 \times 3 \times 3$ values to 11 scores, ten digits and "none of these",
found by least squares. It learns from windows of 8 x 8 with a digit in the middle, or one pixel off, or with only a piece of one.
"""


# %%
def head_by_least_squares(features, targets, classes, ridge=1.0):
    """Weights (classes, F) and biases (classes,) of the linear layer that comes closest to +1 and -1."""
    features = np.c_[features, np.ones(len(features))]
    wanted = 2 * np.eye(classes)[targets] - 1
    both = np.linalg.solve(features.T @ features + ridge * np.eye(features.shape[1]), features.T @ wanted).T
    return both[:, :-1], both[:, -1]


def random_features(x, w, b, pool=2):
    """Random convolution, ReLU, max pool."""
    return max_pool2d(relu(conv2d(x, w, b)), pool)


digits, labels = images.digits()
rng = np.random.default_rng(1)
shuffled = rng.permutation(len(digits))
train, test = shuffled[:1198], shuffled[1198:]

crops, answers = [], []
for i in train:
    framed = np.pad(digits[i], 6)
    for far in (0, 1, 1, 3, 4, 5):
        down, right = rng.permutation([far, rng.integers(0, far + 1)]) * rng.choice([-1, 1], 2)
        crops.append(framed[6 + down : 14 + down, 6 + right : 14 + right])
        answers.append(labels[i] if far < 2 else 10)
kernels, offsets = rng.standard_normal((48, 1, 3, 3)), 0.5 * rng.standard_normal(48)
maps = random_features(np.array(crops)[:, None], kernels, offsets)
fc_w, fc_b = head_by_least_squares(maps.reshape(len(maps), -1), answers, 11)
print("maps of one window:", maps.shape[1:], "  fully connected weights:", fc_w.shape)

# %% [markdown]
"""
Now the fully connected layer becomes a convolution, and the same network runs on a street sign that it has never seen the like of, with digits
of the other set. Each number stands where the network has found a digit.
"""

# %%
wide_image = np.zeros((1, 1, 18, 92))
for place, i in enumerate(test[:8]):
    top, left = rng.integers(0, 10), 2 + 11 * place
    wide_image[0, 0, top : top + 8, left : left + 8] = digits[i]

scores = conv2d(random_features(wide_image, kernels, offsets), *fc_as_conv(fc_w, fc_b, (48, 3, 3)))[0]
print("a map of answers:", scores.shape)

# %% tags=["figure"]
best = scores[:10].max(axis=0) - scores[10]
fig, axes = plt.subplots(2, 1, figsize=(8.6, 4.1))
axes[0].imshow(wide_image[0, 0], cmap="gray")
axes[1].imshow(best, cmap=figures.SIGNED, vmin=-2, vmax=2)
found = []
for i, j in np.argwhere(best > 0):
    around = best[max(0, i - 3) : i + 4, max(0, j - 3) : j + 4]
    if best[i, j] == around.max():
        found.append((int(j), int(scores[:10, i, j].argmax())))
        axes[0].text(
            2 * j + 3.5,
            2 * i + 3.5,
            found[-1][1],
            color=figures.KERNEL,
            size=17,
            weight="bold",
            ha="center",
            va="center",
        )
        axes[1].plot(j, i, "o", mfc="none", mec=figures.INK, ms=13)
for ax, title in zip(
    axes,
    ("the image, and what was found", "best digit against “none of these”, one value for each window"),
    strict=True,
):
    ax.set(xticks=[], yticks=[], title=title)
plt.show()
print("found:  ", *(digit for _, digit in sorted(found)))
print("written:", *labels[test[:8]])

# %% [markdown]
"""
The same step makes AlexNet a network for images of any size. Its first fully connected layer becomes a 6 x 6 convolution, the
other two become 1 x 1 convolutions; not one parameter changes.
"""


# %%
def fully_convolutional(layers, size):
    """The layers with every linear one as a convolution; size: of the map that was flattened."""
    result = []
    for layer in layers:
        if layer["kind"] == "linear":
            result.append({**layer, "kind": "conv", "kernel_size": size})
            size = 1
        elif layer["kind"] != "flatten":
            result.append(layer)
    return result


slid = fully_convolutional(alexnet(2), 6)
one, many = (totals(layer_table(slid, (3, n, n))) for n in (227, 451))
print("parameters:", f"{one[0]:,}", f"{many[0]:,}")
print("scores for an image of 451 × 451:", layer_table(slid, (3, 451, 451))[-1][1])
print(f"cost against one window: {many[1] / one[1]:.1f} times, for {8 * 8} windows")

# %% [markdown]
r"""
Sixty-four windows for the price of nine: neighbouring windows share almost all of their convolutions.

## How good is good? Top-5 error

A photograph of a dog on a sofa may be labelled "sofa". ImageNet therefore lets a network make five guesses, and counts an error where the label is not
among them. The **top-$k$ error** of $N$ samples with scores $s$ and labels $t$ is

$$\frac{1}{N}\,\bigl|\{\,n : t_n \text{ is not among the } k \text{ highest of } s_{n,0}, \dots, s_{n,K-1}\}\bigr|$$

### Exercise 9.7 · `top_k_error`
●○○○ · 5 min

Return this fraction. With $k = 1$ it is the ordinary error, with $k = K$ it is 0.

<details><summary>Hint 1: rank of the label</summary>

A label is among the $k$ highest where fewer than $k$ scores of its row are larger than its own.
</details>

<details><summary>Hint 2: or sort</summary>

`np.argsort` sorts upwards: the last $k$ columns are the classes with the highest scores. (Sorting `-scores` goes wrong for
unsigned integers, which have no negatives.)
</details>
"""


# %% nbgrader={"grade_id": "top_k_error", "solution": true}
def top_k_error(scores, labels, k):
    """The fraction of samples whose label is not among the k highest scores.

    scores: (N, K), any real type, no ties within a row. labels: ints (N,), 0 ... K-1. k: int, 1 <= k <= K.
    Returns a number from 0 to 1.
    """
    ### BEGIN SOLUTION
    best = np.argsort(scores, axis=1)[:, -k:]
    hits = [label in row for label, row in zip(labels, best, strict=True)]
    return 1 - float(np.mean(hits))
    ### END SOLUTION


# %% nbgrader={"grade_id": "top_k_error-examples", "points": 2}
scores_of_3 = np.array([[5, 1, 3], [2, 9, 4], [0, 6, 7], [8, 2, 1]])
labels_of_3 = np.array([0, 2, 0, 1])  # ranks: first, second, third, second

check.examples(
    "top_k_error",
    top_k_error,
    call(scores_of_3, labels_of_3, 1).gives(0.75),
    call(scores_of_3, labels_of_3, 2).gives(0.25),
    call(scores_of_3, labels_of_3, 3).gives(0.0),
    call(-scores_of_3 / 2, labels_of_3, 1).gives(0.75),
)

# %% nbgrader={"grade_id": "top_k_error-hidden", "points": 3}
# The hidden tests of `top_k_error` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9071)
s, t = rng.standard_normal((45, 9)), rng.integers(0, 9, 45)
check.hidden(
    "top_k_error",
    top_k_error,
    "real scores, several k",
    *[call(s, t, k) for k in (1, 2, 5, 8, 9)],
    call(s[:1], t[:1], k=3),
    call(s[:9], t[:9], 2),
)
check.hidden(
    "top_k_error", top_k_error, "read-only arrays, views and float32", *call(s, t, 3).in_every_form()
)
whole = np.array([rng.permutation(9) * 20 for _ in range(60)])
t = rng.integers(0, 9, 60)
check.hidden(
    "top_k_error",
    top_k_error,
    "integers",
    call(whole - 70, t, 2),
    call(whole.astype(np.uint8), t, 3),
    call(whole.astype(np.uint8), t.astype(np.uint8), 1),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on held-out digits, for networks of 2 to 32 random kernels. Even where the first guess is often wrong,
the second or third is right: the mistakes are between look-alikes.
"""

# %% tags=["figure"]
rng = np.random.default_rng(4)
fig, ax = plt.subplots(figsize=(7.5, 3))
for n, colour in ((2, figures.WRONG), (4, figures.KERNEL), (8, figures.INPUT), (32, figures.OUTPUT)):
    w, b = rng.standard_normal((n, 1, 3, 3)), 0.5 * rng.standard_normal(n)
    flat = random_features(digits[:, None], w, b).reshape(len(digits), -1)
    fc_w, fc_b = head_by_least_squares(flat[train], labels[train], 10)
    guesses = flat[test] @ fc_w.T + fc_b
    errors = [100 * top_k_error(guesses, labels[test], k) for k in range(1, 6)]
    ax.plot(range(1, 6), errors, "o-", color=colour, label=f"{n} kernels")
ax.set(xlabel="guesses k", ylabel="top-k error in %", xticks=range(1, 6), ylim=(0, None))
ax.legend()
plt.show()

# %% [markdown]
"""
## Inception: let the network choose

Which kernel size is right, 1, 3 or 5? GoogLeNet (2014) does not choose: its **inception module** runs all of them side by side on the same
maps, with a pooled branch besides, and puts the results together along the channels. So that the sum of branches does not explode, **1 x 1 convolutions** reduce the
number of channels before the expensive kernels.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8.6, 2.9), layout="none")
fig.subplots_adjust(0, 0, 1, 1)
ax.set(xlim=(0, 17.6), ylim=(-0.4, 5.6))
ax.set_axis_off()


def box(x, y, text, colour, wide=2.6):
    ax.add_patch(plt.Rectangle((x, y - 0.42), wide, 0.84, fc=figures.tint(colour, 0.25), ec=colour))
    ax.text(x + wide / 2, y, text, ha="center", va="center", fontsize=10)


def arrow(start, end):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": figures.FAINT, "lw": 1.2})


box(0.2, 2.5, "x\n(N, C, H, W)", figures.INPUT, 2.3)
box(14.6, 2.5, "concatenate\non axis 1", figures.OUTPUT, 2.8)
branches = [
    [(9.6, "1x1")],
    [(4.6, "3x3_reduce\n1 × 1"), (9.6, "3x3\npadding 1")],
    [(4.6, "5x5_reduce\n1 × 1"), (9.6, "5x5\npadding 2")],
    [(4.6, "max pool 3 × 3\nstride 1, padding 1"), (9.6, "pool_proj\n1 × 1")],
]
for y, branch in zip((4.9, 3.3, 1.7, 0.1), branches, strict=True):
    at = (2.5, 2.5)
    if len(branch) == 1:  # around the box below it
        ax.plot([1.35, 1.35, 4], [2.92, y, y], color=figures.FAINT, lw=1.2)
        at = (4, y)
    for x, text in branch:
        box(x, y, text, figures.FAINT if "max" in text else figures.KERNEL, 3.4)
        arrow(at, (x, y))
        at = (x + 3.4, y)
    arrow(at, (14.6, 2.5))
plt.show()

# %% [markdown]
r"""
### Exercise 9.8 · `inception_module`
●●○○ · 10 min

Build the module. Every branch keeps $H \times W$; a ReLU follows each of the six convolutions (also the reducers); the four results are concatenated along
the channels in the order of the picture: 1x1, 3x3, 5x5, pool.

<details><summary>Hint 1: one layer</summary>

Six times the same thing happens: take a pair `(w, b)` out of `params`, convolve, apply the ReLU. Write a helper for it that takes a name and a padding.
</details>

<details><summary>Hint 2: the pool</summary>

The given `max_pool2d(x, 3, stride=1, padding=1)` keeps the size, and pads with $-\infty$, so that the frame never wins.
</details>

<details><summary>Hint 3: nearly the answer</summary>

The second branch is `layer(layer(x, "3x3_reduce"), "3x3", padding=1)`. `np.concatenate(..., axis=1)` joins.
</details>
"""


# %% nbgrader={"grade_id": "inception_module", "solution": true}
def inception_module(x, params):
    """The inception module of GoogLeNet, without batch norm.

    x: (N, C, H, W). params: dict of pairs (w, b), w (D, C, kH, kW) and b (D,), with the keys "1x1",
        "3x3_reduce", "3x3", "5x5_reduce", "5x5" and "pool_proj".
    Returns (N, the sum of the four branches' channels, H, W).
    """

    ### BEGIN SOLUTION
    def layer(x, name, padding=0):
        w, b = params[name]
        return relu(conv2d(x, w, b, padding=padding))

    branches = [
        layer(x, "1x1"),
        layer(layer(x, "3x3_reduce"), "3x3", padding=1),
        layer(layer(x, "5x5_reduce"), "5x5", padding=2),
        layer(max_pool2d(x, 3, stride=1, padding=1), "pool_proj"),
    ]
    return np.concatenate(branches, axis=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "inception_module-examples", "points": 4}
simple = {
    "1x1": one_tap(1, 1),
    "3x3_reduce": one_tap(1, 2),
    "3x3": (np.ones((1, 1, 3, 3)), np.zeros(1)),
    "5x5_reduce": one_tap(1, -1),
    "5x5": one_tap(5, 1),
    "pool_proj": one_tap(1, 1),
}
rng = np.random.default_rng(98)
drawn = random_pairs(
    rng,
    **{"1x1": (2, 3, 1, 1), "3x3_reduce": (3, 3, 1, 1), "3x3": (4, 3, 3, 3)},
    **{"5x5_reduce": (2, 3, 1, 1), "5x5": (1, 2, 5, 5), "pool_proj": (2, 3, 1, 1)},
)

check.examples(
    "inception_module",
    inception_module,
    # the image itself; twice the sum of 3 x 3; minus it, cut off by a ReLU; the largest neighbour
    call(np.array([[[[1, 2], [3, -4]]]]), simple).gives(
        [[[[1, 2], [3, 0]], [[12, 12], [12, 12]], [[0, 0], [0, 4]], [[3, 3], [3, 3]]]]
    ),
    call(np.array([[[[-1, -2, -3]]]]), simple).gives([[[[0, 0, 0]], [[0, 0, 0]], [[1, 2, 3]], [[0, 0, 0]]]]),
    call(rng.standard_normal((2, 3, 4, 6)), drawn),
)

# %% nbgrader={"grade_id": "inception_module-hidden", "points": 6}
# The hidden tests of `inception_module` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9081)


def drawn_params(c, one, small_in, small, large_in, large, pool):
    reducers = {"3x3_reduce": (small_in, c, 1, 1), "5x5_reduce": (large_in, c, 1, 1)}
    kernels = {"3x3": (small, small_in, 3, 3), "5x5": (large, large_in, 5, 5)}
    return random_pairs(rng, **{"1x1": (one, c, 1, 1), "pool_proj": (pool, c, 1, 1)}, **reducers, **kernels)


x = rng.standard_normal((2, 3, 6, 5))
check.hidden(
    "inception_module",
    inception_module,
    "branches of different widths",
    call(x, drawn_params(3, 2, 1, 4, 3, 2, 1)),
    call(x[:1, :1], drawn_params(1, 1, 2, 1, 1, 2, 3)),
    call(x=x[:, :2], params=drawn_params(2, 3, 2, 3, 2, 3, 3)),
    call(x[:, :2], drawn_params(2, 2, 2, 2, 2, 2, 2)),
)
check.hidden(
    "inception_module",
    inception_module,
    "inputs that are negative everywhere, and inputs smaller than a kernel",
    call(-3 - np.abs(x), drawn_params(3, 1, 2, 1, 2, 1, 4)),
    call(x[:, :, :2, :3], drawn_params(3, 2, 2, 1, 1, 2, 2)),
)
check.hidden(
    "inception_module",
    inception_module,
    "read-only arrays, views and float32",
    *call(x[:1], drawn_params(3, 1, 2, 1, 2, 1, 2)).in_every_form(),
)
check.hidden(
    "inception_module",
    inception_module,
    "integers",
    call(rng.integers(100, 250, (1, 2, 4, 5)).astype(np.uint8), drawn_params(2, 2, 1, 2, 1, 2, 2)),
    call(rng.integers(-9, 9, (1, 2, 4, 5)), drawn_params(2, 1, 1, 1, 1, 1, 1)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is affordable thanks to its reducers. GoogLeNet's first module, called 3a, takes 192 maps of 28 x 28 and puts out 256. Its paper
says "params 159K, ops 128M". Your table says what that is, exactly, and what the module would cost without the three inner 1 x 1 convolutions:
"""


# %%
def branch(*sizes):
    """Convolutions (kernels, size) in a row, without biases."""
    return [
        {"name": "conv", "kind": "conv", "out": out, "kernel_size": k, "padding": k // 2, "bias": False}
        for out, k in sizes
    ]


module_3a = [branch((64, 1)), branch((96, 1), (128, 3)), branch((16, 1), (32, 5)), branch((32, 1))]
naive_3a = [branch((64, 1)), branch((128, 3)), branch((32, 5))]  # and 192 pooled maps as they are
for name, branches in (("3a", module_3a), ("without reducers", naive_3a)):
    costs = [totals(layer_table(layers, (192, 28, 28))) for layers in branches]
    weights, macs = (sum(cost[i] for cost in costs) for i in (0, 1))
    print(f"{name:17} {weights:8,} weights = {weights / 1024:.1f} × 1024, {macs:12,} multiply-adds")

# %% [markdown]
r"""
The paper's K is 1024. The naive module costs more than twice as much, and since it passes all 192 pooled maps on, it would put out 416 maps for the next
module to chew. GoogLeNet stacks nine modules, ends in global average pooling rather than in large fully connected layers, and had
classifiers on the way, after its modules 4a and 4d, that fed gradients into the middle of the network. ResNet found a better way.

## Residual blocks: doing nothing is easy

After VGG, deeper should have been better. But a plain network of 56 layers came out *worse* than one of 20, and already on the training set, so it wasn't overfitting. That is
odd: the deeper one could copy the shallow one, if its other layers did nothing. The trouble is that a stack of convolutions and ReLUs finds "do nothing" hard to
learn. A **residual block** turns this round: it learns only what to *add* to its input.

$$y \;=\; \mathrm{relu}\bigl(x + F(x)\bigr), \qquad F(x) = \mathrm{conv}_2\bigl(\mathrm{relu}(\mathrm{conv}_1(x))\bigr)$$

With all weights of $F$ at zero the block does nothing (to the non-negative output of a ReLU). And where the last ReLU is open,
$\partial y/\partial x = 1 + \partial F/\partial x$: the 1 lets gradients pass, however small the second term is.

Where a block halves the maps or changes the number of channels, $x$ does not fit $F(x)$, and a **projection** makes it fit: a 1 x 1 convolution with the same stride, the
`"skip"`. (In ResNet a batch norm follows each convolution. Once trained it is a scale and a shift, which fold into $w$ and $b$; here it is left out.)

### Exercise 9.9 · `residual_block`
●●○○ · 10 min

Build the block: `conv1` is 3 x 3 with the stride and padding 1, `conv2` 3 x 3 with stride 1 and padding 1. Without `"skip"` in `params` $x$ itself is
added; with it, its convolution at the given stride and padding 0. Mind where the two ReLUs stand.

<details><summary>Hint 1: two ways that meet</summary>

Compute the branch $F(x)$ and what comes along the skip apart, then add, then apply the last ReLU. There is none between conv2 and the addition.
</details>

<details><summary>Hint 2: with or without projection</summary>

`if "skip" in params`: a convolution of **x** with the same stride as conv1. The shapes then agree, because 3 x 3 with padding 1 and 1 x 1 with
padding 0 give the same sizes at any stride.
</details>
"""


# %% nbgrader={"grade_id": "residual_block", "solution": true}
def residual_block(x, params, stride=1):
    """The basic block of ResNet-18 and 34, without batch norm: relu(F(x) + skip(x)).

    x: (N, C, H, W). params: dict of pairs (w, b): "conv1" (D, C, 3, 3), "conv2" (D, D, 3, 3) and,
        where the shapes differ, "skip" (D, C, 1, 1). stride: int or pair, of conv1 and skip.
    Returns (N, D, Ho, Wo).
    """
    ### BEGIN SOLUTION
    y = relu(conv2d(x, *params["conv1"], stride=stride, padding=1))
    y = conv2d(y, *params["conv2"], padding=1)
    aside = conv2d(x, *params["skip"], stride=stride) if "skip" in params else x
    return relu(y + aside)
    ### END SOLUTION


# %% nbgrader={"grade_id": "residual_block-examples", "points": 4}
nothing = {"conv1": (np.zeros((1, 1, 3, 3)), np.zeros(1)), "conv2": (np.zeros((1, 1, 3, 3)), np.zeros(1))}
minus_one = {"conv1": nothing["conv1"], "conv2": (np.zeros((1, 1, 3, 3)), np.array([-1.0]))}
blur = {"conv1": one_tap(3, 1), "conv2": (np.ones((1, 1, 3, 3)), np.zeros(1))}
tripled = np.array([[[[3]]], [[[-3]]]])  # two channels out of one: three times it, minus three times it
wider = {
    "conv1": (np.zeros((2, 1, 3, 3)), np.zeros(2)),
    "conv2": (np.zeros((2, 2, 3, 3)), np.zeros(2)),
    "skip": (tripled, np.array([0, 20])),
}
tiny = np.array([[[[1, 2], [0, 4]]]])
rng = np.random.default_rng(99)
drawn = random_pairs(rng, conv1=(4, 3, 3, 3), conv2=(4, 4, 3, 3), skip=(4, 3, 1, 1))

check.examples(
    "residual_block",
    residual_block,
    call(tiny, nothing).gives(tiny.tolist()),  # doing nothing
    call(tiny, minus_one).gives([[[[0, 1], [0, 3]]]]),  # F(x) = -1 everywhere
    call(tiny, blur).gives([[[[8, 9], [7, 11]]]]),  # x + 7
    call(np.array([[[[-5, 1]]]]), blur).gives([[[[0, 2]]]]),  # the ReLU in the branch, and the last one
    call(tiny, wider).gives([[[[3, 6], [0, 12]], [[17, 14], [20, 8]]]]),
    call(tiny, wider, stride=2).gives([[[[3]], [[17]]]]),
    call(rng.standard_normal((2, 3, 5, 6)), drawn),
    call(rng.standard_normal((2, 3, 5, 6)), drawn, stride=2),
)

# %% nbgrader={"grade_id": "residual_block-hidden", "points": 3}
# The hidden tests of `residual_block` without a projection run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9091)


def basic(c, d, skip=False):
    shapes = {"conv1": (d, c, 3, 3), "conv2": (d, d, 3, 3)} | ({"skip": (d, c, 1, 1)} if skip else {})
    return random_pairs(rng, **shapes)


x = rng.standard_normal((2, 3, 7, 6))
check.hidden(
    "residual_block",
    residual_block,
    "the identity as skip",
    call(x, basic(3, 3)),
    call(x[:, :1], basic(1, 1), 1),
    call(x[:1, :2, :3, :5], params=basic(2, 2), stride=1),
    *call(x[:1], basic(3, 3)).in_every_form(),
)
check.hidden(
    "residual_block",
    residual_block,
    "integers",
    call(rng.integers(150, 250, (1, 2, 4, 5)).astype(np.uint8), basic(2, 2)),
    call(rng.integers(-9, 9, (1, 2, 4, 5)), basic(2, 2)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "residual_block-hidden-skip", "points": 3}
# The second rung: a projection where the shapes differ.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9092)


def basic(c, d, skip=False):
    shapes = {"conv1": (d, c, 3, 3), "conv2": (d, d, 3, 3)} | ({"skip": (d, c, 1, 1)} if skip else {})
    return random_pairs(rng, **shapes)


x = rng.standard_normal((2, 3, 7, 6))
check.hidden(
    "residual_block",
    residual_block,
    "a projection to other channels",
    call(x, basic(3, 5, skip=True)),
    call(x, basic(3, 2, skip=True)),
)
check.hidden(
    "residual_block",
    residual_block,
    "a projection with a stride",
    call(x, basic(3, 4, skip=True), 2),
    call(x, basic(3, 3, skip=True), stride=2),
    call(x[:1, :, :3, :3], basic(3, 3, skip=True), stride=2),
    call(x, basic(3, 4, skip=True), stride=(1, 2)),
    call(x, basic(3, 4, skip=True), stride=3),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** keeps information alive. Below, the photographer goes through 30 blocks with small random weights: above without skips, below with
them. The weights are the same.
"""

# %% tags=["figure"]
rng = np.random.default_rng(0)
photo = images.camera(64)
channels, depths = 8, (1, 3, 6, 15, 30)
plain = residual = np.repeat(photo[None, None], channels, axis=1)
touched = plain.copy()
touched[0, :, 32, 32] += 0.01
plain_touched = residual_touched = touched
effects, seen = [], {}
for depth in range(1, 31):
    pairs = [(0.3 * np.sqrt(2 / (9 * channels)) * rng.standard_normal((channels, channels, 3, 3)), np.zeros(channels)) for _ in range(2)]  # fmt: skip
    block = {"conv1": pairs[0], "conv2": pairs[1]}

    def without_skip(x, block=block):
        return relu(conv2d(relu(conv2d(x, *block["conv1"], padding=1)), *block["conv2"], padding=1))

    plain, plain_touched = without_skip(plain), without_skip(plain_touched)
    residual, residual_touched = residual_block(residual, block), residual_block(residual_touched, block)
    change = [np.linalg.norm(b - a) for a, b in ((plain, plain_touched), (residual, residual_touched))]
    effects.append(
        np.array(change) / np.linalg.norm(touched - np.repeat(photo[None, None], channels, axis=1))
    )
    if depth in depths:
        seen[depth] = plain[0].mean(axis=0), residual[0].mean(axis=0)

fig, axes = plt.subplots(2, 5, figsize=(8.6, 3.7))
for column, depth in enumerate(depths):
    for row in range(2):
        axes[row, column].imshow(seen[depth][row], cmap="gray")
        axes[row, column].set(xticks=[], yticks=[])
    axes[0, column].set_title(f"{depth} block{'s' * (depth > 1)}")
for row, name in enumerate(("plain", "residual")):
    axes[row, 0].set_ylabel(name)
plt.show()

# %% [markdown]
"""
(Each picture is stretched to its own brightest and darkest value, otherwise the upper row would be black.) The same in numbers: change one pixel of the photograph a
little; how large is the change that arrives? What arrives on the way forward is what gradients find on the way back.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7.5, 2.8))
for column, (name, colour) in enumerate((("plain", figures.WRONG), ("residual", figures.OUTPUT))):
    ax.semilogy(range(1, 31), [effect[column] for effect in effects], color=colour, label=name)
ax.axhline(1, color=figures.LINE, lw=1, zorder=0)
ax.set(xlabel="blocks", ylabel="change that arrives", ylim=(1e-36, 1e4))
ax.legend(loc="lower left")
plt.show()

# %% [markdown]
"""
### Exercise 9.10 · `bottleneck_block`
●●○○ · 5 min

In ResNet-50 and deeper, a block is a **bottleneck**: a 1 x 1 convolution to fewer channels, the 3 x 3 convolution there, and a 1 x 1 convolution back up. Build it: `conv1` 1 x 1 with
stride 1, `conv2` 3 x 3 with the stride and padding 1, `conv3` 1 x 1 with stride 1; ReLUs after conv1, after conv2 and after the addition; `"skip"` as before.

<details><summary>Hint 1</summary>

Start from your `residual_block`. The stride has moved to the second convolution; the 1 x 1 convolutions need no padding.
</details>
"""


# %% nbgrader={"grade_id": "bottleneck_block", "solution": true}
def bottleneck_block(x, params, stride=1):
    """The block of ResNet-50, without batch norm: relu(F(x) + skip(x)), the stride on the 3 x 3.

    x: (N, C, H, W). params: dict of pairs (w, b): "conv1" (M, C, 1, 1), "conv2" (M, M, 3, 3),
        "conv3" (D, M, 1, 1) and, where the shapes differ, "skip" (D, C, 1, 1). stride: int or pair, of
        conv2 and skip.
    Returns (N, D, Ho, Wo).
    """
    ### BEGIN SOLUTION
    y = relu(conv2d(x, *params["conv1"]))
    y = relu(conv2d(y, *params["conv2"], stride=stride, padding=1))
    y = conv2d(y, *params["conv3"])
    aside = conv2d(x, *params["skip"], stride=stride) if "skip" in params else x
    return relu(y + aside)
    ### END SOLUTION


# %% nbgrader={"grade_id": "bottleneck_block-examples", "points": 2}
rng = np.random.default_rng(910)
half = {"conv1": one_tap(1, 1), "conv2": (np.ones((1, 1, 3, 3)), np.zeros(1)), "conv3": one_tap(1, 0.5)}
drawn = random_pairs(rng, conv1=(2, 4, 1, 1), conv2=(2, 2, 3, 3), conv3=(6, 2, 1, 1), skip=(6, 4, 1, 1))
tiny = np.array([[[[1, 2], [0, 4]]]])

check.examples(
    "bottleneck_block",
    bottleneck_block,
    call(tiny, half).gives([[[[4.5, 5.5], [3.5, 7.5]]]]),  # x + 7 / 2
    call(np.array([[[[-5, 1]]]]), half).gives([[[[0, 1.5]]]]),
    call(rng.standard_normal((2, 4, 5, 6)), drawn),
    call(rng.standard_normal((2, 4, 5, 6)), drawn, stride=2),
)

# %% nbgrader={"grade_id": "bottleneck_block-hidden", "points": 3}
# The hidden tests of `bottleneck_block` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9101)


def narrow(c, m, d, skip=False):
    shapes = {"conv1": (m, c, 1, 1), "conv2": (m, m, 3, 3), "conv3": (d, m, 1, 1)}
    return random_pairs(rng, **shapes, **({"skip": (d, c, 1, 1)} if skip else {}))


x = rng.standard_normal((2, 4, 7, 6))
check.hidden(
    "bottleneck_block",
    bottleneck_block,
    "the identity as skip",
    call(x, narrow(4, 2, 4)),
    call(x[:, :1], params=narrow(1, 3, 1), stride=1),
    *call(x[:1], narrow(4, 2, 4)).in_every_form(),
)
check.hidden(
    "bottleneck_block",
    bottleneck_block,
    "a projection, with and without a stride",
    call(x, narrow(4, 2, 7, skip=True)),
    call(x, narrow(4, 2, 5, skip=True), 2),
    call(x, narrow(4, 3, 4, skip=True), stride=2),
    call(x[:1, :, :3, :3], narrow(4, 2, 4, skip=True), stride=2),
    call(x, narrow(4, 2, 3, skip=True), stride=(3, 1)),
)
check.hidden(
    "bottleneck_block",
    bottleneck_block,
    "integers",
    call(rng.integers(200, 255, (1, 2, 4, 5)).astype(np.uint8), narrow(2, 2, 2)),
    call(rng.integers(200, 255, (1, 2, 4, 5)).astype(np.uint8), narrow(2, 3, 2)),
    call(rng.integers(-9, 9, (1, 2, 4, 5)), narrow(2, 2, 2)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** makes wide maps affordable. On 256 maps, two 3 x 3 convolutions against a bottleneck down to 64:
"""

# %%
for name, layers in (
    ("two 3 × 3", branch((256, 3), (256, 3))),
    ("bottleneck", branch((64, 1), (64, 3), (256, 1))),
):
    weights, macs, _ = totals(layer_table(layers, (256, 56, 56)))
    print(f"{name:11} {weights:10,} weights {macs:14,} multiply-adds on maps of 56 × 56")

# %% [markdown]
"""
## ResNet-18, 34, 50

A ResNet is a first convolution, a pool, four stages of blocks, and a short head:

| stage | 18 | 34 | 50 | output |
|---|---|---|---|---|
| conv1 | 64 of 7 x 7, stride 2, padding 3 | same | same | 64 x 112 x 112 |
| pool1 | max, 3 x 3, stride 2, padding 1 | same | same | 64 x 56 x 56 |
| conv2_x | 2 basic, width 64 | 3 basic | 3 bottleneck | 64 (50: 256) x 56 x 56 |
| conv3_x | 2 basic, width 128 | 4 basic | 4 bottleneck | 128 (512) x 28 x 28 |
| conv4_x | 2 basic, width 256 | 6 basic | 6 bottleneck | 256 (1024) x 14 x 14 |
| conv5_x | 2 basic, width 512 | 3 basic | 3 bottleneck | 512 (2048) x 7 x 7 |
| avgpool | global average | same | same | 512 (2048) |
| fc | 1000 units | same | same | 1000 |

- A basic block of width $m$ has two 3 x 3 convolutions to $m$ channels; a bottleneck goes down to $m$ and back up to $4m$.
- The first block of conv3_x, conv4_x and conv5_x has stride 2 (on the 3 x 3 of a bottleneck).
- A projection, 1 x 1 with the stride, stands where a block changes the shape, and nowhere else.
- Every convolution, projections too, has no bias but a batch norm (2 parameters for each channel it puts out). fc has biases.

### Exercise 9.11 · `resnet_table`
●●●○ · 15 min

Return the table of a ResNet on (3, 224, 224), one row for each stage above, as `layer_table` does: the stage's name, its output shape, all its parameters, its multiply-adds, and the bytes of its *last* output.
You should arrive at 11,689,512, 21,797,672 and 25,557,032 parameters. Another depth raises ValueError.

<details><summary>Hint 1: a block is two lists</summary>

`layer_table` reads a list without branches. So give it the branch of a block as one list, its projection (if any) as another, both with the
block's input shape, and add up what it says. The block's output shape is that of its branch.
</details>

<details><summary>Hint 2: where is a projection?</summary>

Where the stride is 2, or where the channels that come in are not those that go out. Look hard at the first block of conv2_x: in ResNet-18 and
34, 64 channels come in and go out; in ResNet-50 64 come in and 256 go out.
</details>

<details><summary>Hint 3: a sketch</summary>

```python
for stage, count in enumerate(counts):
    width = 64 * 2**stage
    for i in range(count):
        stride = 2 if stage > 0 and i == 0 else 1
        main = [...]        # convolutions, each followed by a batch norm
        skip = [...]        # a 1 x 1 convolution and a batch norm, or an empty list
        ...
```
If a total is wrong, compare with the parameters that a stage should have: conv2_x has 147,968 in ResNet-18 and 215,808 in ResNet-50.
</details>
"""


# %% nbgrader={"grade_id": "resnet_table", "solution": true}
def resnet_table(depth):
    """The stages of ResNet-18, 34 or 50 on an image of shape (3, 224, 224).

    depth: 18, 34 or 50; ValueError for another.
    Returns a list of tuples (name, output_shape, parameters, macs, bytes) for "conv1", "pool1", "conv2_x",
        "conv3_x", "conv4_x", "conv5_x", "avgpool" and "fc": parameters with those of batch norm, macs of
        convolutions and fc, bytes = 4 for each value of the stage's last output.
    """
    ### BEGIN SOLUTION
    counts = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
    if depth not in counts:
        raise ValueError(f"depth must be 18, 34 or 50, not {depth}")

    def conv(out, k, stride=1):
        layer = {"name": "conv", "kind": "conv", "out": out, "kernel_size": k, "stride": stride}
        return [{**layer, "padding": k // 2, "bias": False}, {"name": "norm", "kind": "batch_norm"}]

    def cost(layers, shape):
        """Output shape, parameters and multiply-adds of layers in a row."""
        table = layer_table(layers, shape)
        return table[-1][1], sum(row[2] for row in table), sum(row[3] for row in table)

    rows, shape = [], (3, 224, 224)

    def add(name, parameters, macs):
        rows.append((name, shape, parameters, macs, 4 * int(np.prod(shape))))

    shape, parameters, macs = cost(conv(64, 7, stride=2), shape)
    add("conv1", parameters, macs)
    pool = {"name": "pool", "kind": "max_pool", "kernel_size": 3, "stride": 2, "padding": 1}
    shape, parameters, macs = cost([pool], shape)
    add("pool1", parameters, macs)
    for stage, count in enumerate(counts[depth]):
        width = 64 * 2**stage
        stage_parameters = stage_macs = 0
        for i in range(count):
            stride = 2 if stage > 0 and i == 0 else 1
            if depth == 50:
                main = conv(width, 1) + conv(width, 3, stride) + conv(4 * width, 1)
            else:
                main = conv(width, 3, stride) + conv(width, 3)
            after, parameters, macs = cost(main, shape)
            if after != shape:  # the block needs a projection
                _, more_parameters, more_macs = cost(conv(after[0], 1, stride), shape)
                parameters, macs = parameters + more_parameters, macs + more_macs
            stage_parameters, stage_macs = stage_parameters + parameters, stage_macs + macs
            shape = after
        add(f"conv{stage + 2}_x", stage_parameters, stage_macs)
    shape, parameters, macs = cost([{"name": "avgpool", "kind": "global_avg_pool"}], shape)
    add("avgpool", parameters, macs)
    shape, parameters, macs = cost([{"name": "fc", "kind": "linear", "out": 1000}], shape)
    add("fc", parameters, macs)
    return rows
    ### END SOLUTION


# %% nbgrader={"grade_id": "resnet_table-examples", "points": 4}
check.examples(
    "resnet_table",
    resnet_table,
    call(18).gives(
        [
            ("conv1", (64, 112, 112), 9_536, 118_013_952, 3_211_264),
            ("pool1", (64, 56, 56), 0, 0, 802_816),
            ("conv2_x", (64, 56, 56), 147_968, 462_422_016, 802_816),
            ("conv3_x", (128, 28, 28), 525_568, 411_041_792, 401_408),
            ("conv4_x", (256, 14, 14), 2_099_712, 411_041_792, 200_704),
            ("conv5_x", (512, 7, 7), 8_393_728, 411_041_792, 100_352),
            ("avgpool", (512,), 0, 0, 2_048),
            ("fc", (1000,), 513_000, 512_000, 4_000),
        ]
    ),
    call(19).raises(ValueError),
)

# %% nbgrader={"grade_id": "resnet_table-hidden", "points": 3}
# The hidden tests of `resnet_table` with basic blocks run here when your work is graded.
### BEGIN HIDDEN TESTS
check.hidden("resnet_table", resnet_table, "basic blocks: ResNet-34", call(34), call(depth=18))
check.hidden(
    "resnet_table",
    resnet_table,
    "other depths raise ValueError",
    call(20).raises(ValueError),
    call(101).raises(ValueError),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "resnet_table-hidden-bottleneck", "points": 3}
# The second rung: bottlenecks.
### BEGIN HIDDEN TESTS
check.hidden("resnet_table", resnet_table, "bottlenecks: ResNet-50", call(50))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** completes the family. All their totals, from your tables:
"""

# %%
family = {
    "LeNet-5": lenet_table,
    "AlexNet": alex[2],
    **{
        f"VGG-{n}": layer_table(vgg(c), (3, 224, 224))
        for n, c in ((11, "A"), (13, "B"), (16, "D"), (19, "E"))
    },
    **{f"ResNet-{depth}": resnet_table(depth) for depth in (18, 34, 50)},
}
print("network       parameters    multiply-adds")
for name, table in family.items():
    parameters, macs, _ = totals(table)
    print(f"{name:10} {parameters:13,} {macs:16,}")

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8.2, 3.8))
colours = {"AlexNet": figures.INPUT, "VGG": figures.KERNEL, "ResNet": figures.OUTPUT}
places = {"ResNet-18": (-72, -2), "ResNet-34": (-76, 2), "AlexNet": (9, -3)}
for name, table in family.items():
    if name == "LeNet-5":
        continue  # it would sit in the corner: 0.06 million, 0.0004 billion
    x, y = totals(table)[0] / 1e6, totals(table)[1] / 1e9
    ax.plot(x, y, "o", ms=9, color=colours[name.partition("-")[0]])
    ax.annotate(name, (x, y), xytext=places.get(name, (10, -4)), textcoords="offset points", fontsize=10)
for uses, end in ((10, 165), (50, 165), (100, 165), (200, 107)):
    ax.plot([0, end], [0, uses * end / 1000], color=figures.LINE, lw=1, zorder=0)
    ax.text(end + 1, uses * end / 1000, f"{uses} ×", fontsize=9, color=figures.FAINT, va="center")
ax.set(
    xlabel="parameters, in millions", ylabel="multiply-adds, in billions", xlim=(-22, 178), ylim=(-0.7, 22)
)
plt.show()

# %% [markdown]
"""
Networks on a grey line use each of their parameters that many times, on average. VGG moved up, with more work from each parameter, but it kept its enormous head. ResNet dropped the head, so
ResNet-50 has a fifth of VGG-16's parameters and a quarter of its operations. Was it worth it? Here are the top-5 errors on ImageNet of the networks that ship with torchvision (one central crop
of 224 x 224, as its documentation lists them), against your multiply-adds:
"""

# %% tags=["figure"]
top5 = {"VGG-11": 11.37, "VGG-13": 10.75, "VGG-16": 9.62, "VGG-19": 9.12}
top5 |= {"ResNet-18": 10.92, "ResNet-34": 8.58, "ResNet-50": 7.13}
fig, ax = plt.subplots(figsize=(7.5, 3.2))
for kind in ("VGG", "ResNet"):
    points = [(totals(family[name])[1] / 1e9, error) for name, error in top5.items() if name.startswith(kind)]
    ax.plot(*zip(*points, strict=True), "o-", color=colours[kind], ms=8)
for name, error in top5.items():
    ax.annotate(name, (totals(family[name])[1] / 1e9, error), xytext=(8, 4), textcoords="offset points")
ax.set(
    xlabel="multiply-adds for one image, in billions",
    ylabel="top-5 error in %",
    xlim=(0, 23),
    ylim=(6.5, 12.2),
)
plt.show()

# %% [markdown] nbgrader={"grade_id": "why-skip-connections-question", "locked": true}
"""
### Written question 9.12 · why skip connections?
●●○○ · 10 min

A colleague says: "A plain network of 56 layers can represent everything that one of 20 layers can. So if it does worse, it must be overfitting, and a skip connection must be a kind of
regularisation."

In three to six sentences: what is right about this, which observation speaks against overfitting, what do skip connections change instead, and why is it easier for a residual block than for
a plain one to do nothing?

<details><summary>Hint 1</summary>

On which set was the error of the deeper plain network larger? And what does a block compute when all of its weights are zero?
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- Right: the deeper network contains the shallower one (extra layers that pass on what they get), so it could do at least as well; its capacity is not smaller.
- Against overfitting: its error on the *training* set is larger, too. Overfitting would show as a small training and a large test error. It is a problem of optimisation.
- What changes: the way of signals and gradients through depth. dy/dx = 1 + dF/dx: the skip passes gradients on unchanged, where in a plain stack they are multiplied, layer by layer, by
  factors that shrink (or blow up) with depth.
- Doing nothing: a residual block with F = 0, i.e. weights (near) zero, is the identity; a plain block must learn a kernel that copies each channel through two convolutions and a ReLU. So each block only learns a correction.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-skip-connections", "solution": true, "points": 8}
"""
It is right that the deeper network contains the shallower one: 36 of its layers would only have to pass on what they get. But the deeper plain network has the larger error on the training
set as well, so it does not overfit; gradient descent fails to find even a solution that is known to exist. Skip connections change the optimisation: since y = x + F(x), the derivative is 1 +
dF/dx, and gradients reach the early layers unchanged along the skips, where a plain stack multiplies them by one small factor after another. And doing nothing is where a residual block starts:
with weights at zero F(x) = 0 and y = x. A plain block would have to learn kernels that copy every channel exactly. So a residual block learns only a correction to what it gets, and an extra
block can do little harm.
"""

# %% [markdown]
"""
## Must people design networks? Search and pruning

**Architecture search** lets a program choose. It needs a space of networks (learned *cells* that are stacked, rather than whole networks), a way to judge a candidate without training it for weeks, and a price for
operations. A cheap judge was found early: give the convolutions *random* kernels and train only the last layer; architectures that do well so also tend to do well when trained in full (Saxe and others,
2011). The network of the street sign is of this kind, so we can hold a search right here: all combinations of kernel size, number of kernels, and pool, judged on a validation set, priced by your
`layer_table`.
"""

# %% tags=["figure"]
rng = np.random.default_rng(7)
third = len(train) // 3
fit_on, judge_on = train[third:], train[:third]
candidates = []
for size in (2, 3, 4, 5):
    for n in (2, 4, 8, 16, 32):
        for pool in (1, 2):
            plan = [
                {"name": "conv", "kind": "conv", "out": n, "kernel_size": size},
                {"name": "pool", "kind": "max_pool", "kernel_size": pool},
                {"name": "flatten", "kind": "flatten"},
                {"name": "fc", "kind": "linear", "out": 10},
            ]
            w, b = rng.standard_normal((n, 1, size, size)), 0.5 * rng.standard_normal(n)
            flat = random_features(digits[:, None], w, b, pool).reshape(len(digits), -1)
            if flat.shape[1] > 600:
                continue  # the head alone would have more than 6000 weights
            fc_w, fc_b = head_by_least_squares(flat[fit_on], labels[fit_on], 10)
            guesses = flat @ fc_w.T + fc_b
            error = top_k_error(guesses[judge_on], labels[judge_on], 1)
            candidates.append((totals(layer_table(plan, (1, 8, 8)))[1], 100 * error, size, n, pool, flat))
candidates.sort(key=lambda c: c[:2])
front = [c for i, c in enumerate(candidates) if all(c[1] < d[1] for d in candidates[:i])]

fig, ax = plt.subplots(figsize=(8.2, 3.6))
for size, colour in zip(
    (2, 3, 4, 5), (figures.INPUT, figures.KERNEL, figures.OUTPUT, figures.EXTRA), strict=True
):
    points = [c for c in candidates if c[2] == size]
    ax.loglog(
        [c[0] for c in points], [c[1] for c in points], "o", color=colour, label=f"{size} × {size} kernels"
    )
ax.step(
    [c[0] for c in front],
    [c[1] for c in front],
    where="post",
    color=figures.WRONG,
    lw=1,
    label="best for its price",
)
ax.set(
    xlabel="multiply-adds",
    ylabel="validation error in %",
    yticks=(1, 2, 5, 10, 20, 50),
    yticklabels=(1, 2, 5, 10, 20, 50),
)
ax.legend(ncols=2)
plt.show()
print(
    f"{len(candidates)} networks tried; best: {front[-1][3]} kernels of {front[-1][2]} × {front[-1][2]}, pool {front[-1][4]}"
)

# %% [markdown]
"""
Real searches look the same with more zeros. NASNet (2018) searched a cell on small images and stacked it for large ones; EfficientNet (2019) found one ratio by which depth, width and image size should grow
together. The front is what one is after: for every price the best network known.

**Pruning** starts at the other end. Train a network that is too large, set its smallest weights to zero, train the rest again. In 2015 Han and others took AlexNet from 61 to 6.7 million parameters and VGG-16 from 138 to 10.3 million without loss
of accuracy; after the pictures above you will not be surprised *where* they were taken from. The same on the head of the best network of our search, judged on digits it has never seen:
"""

# %% tags=["figure"]
flat = front[-1][5]
fc_w, fc_b = head_by_least_squares(flat[train], labels[train], 10)
order = np.argsort(np.abs(fc_w), axis=None)
shares, kept_only, refitted = (1, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03), [], []
for share in shares:
    keep = np.ones(fc_w.size, dtype=bool)
    keep[order[: round((1 - share) * fc_w.size)]] = False
    keep = keep.reshape(fc_w.shape)
    pruned = np.where(keep, fc_w, 0)
    again, again_b = np.zeros_like(fc_w), np.zeros(10)
    for digit in range(10):
        w2, b2 = head_by_least_squares(flat[train][:, keep[digit]], (labels[train] == digit).astype(int), 2)
        again[digit, keep[digit]], again_b[digit] = w2[1], b2[1]
    kept_only.append(100 * top_k_error(flat[test] @ pruned.T + fc_b, labels[test], 1))
    refitted.append(100 * top_k_error(flat[test] @ again.T + again_b, labels[test], 1))
fig, ax = plt.subplots(figsize=(7.5, 3))
ax.semilogx(shares, kept_only, "o-", color=figures.WRONG, label="smallest weights set to 0")
ax.semilogx(shares, refitted, "o-", color=figures.OUTPUT, label="and the rest fitted again")
ax.set(
    xlabel="share of the weights that is kept",
    ylabel="test error in %",
    xticks=shares[::2],
    xticklabels=shares[::2],
)
ax.minorticks_off()
ax.invert_xaxis()
ax.legend()
plt.show()
print(
    "kept, error without and with a second fit:",
    [(s, round(a, 1), round(r, 1)) for s, a, r in zip(shares, kept_only, refitted, strict=True)][2::3],
)

# %% [markdown]
r"""
## Find the error in the lecture

A lecture shows the largest VGG, configuration E, with these convolutions:

| block | convolutions |
|---|---|
| 1 | conv3-64, conv3-64 |
| 2 | conv3-128, conv3-128 |
| 3 | conv3-256, conv3-256, conv3-256, conv3-256 |
| 4 | conv3-512, conv3-512, conv3-512, conv3-512 |
| 5 | conv3-512, conv3-512, conv3-512, conv3-512, conv3-512 |

Three fully connected layers follow. One entry is wrong; which? The network's other name gives it away.

<details><summary>Answer</summary>

Block 5 has four convolutions, not five. With five there would be 17 convolutions and 3 fully connected layers, 20 with weights, but E is **VGG-19**. The table of totals shows it, too: a
layer more would add $512 \cdot 512 \cdot 9 + 512 = 2{,}359{,}808$ parameters to the published 143,667,240.
</details>
"""

# %%
with_five = vgg("E")
last = max(i for i, layer in enumerate(with_five) if layer["kind"] == "conv")
with_five.insert(last + 1, {**with_five[last], "name": "conv5_5"})
for layers in (vgg("E"), with_five):
    weighted = sum(layer["kind"] in ("conv", "linear") for layer in layers)
    print(f"{weighted} layers with weights, {totals(layer_table(layers, (3, 224, 224)))[0]:,} parameters")

# %% [markdown]
"""
## Summary

- Three currencies: **parameters** (what is learned), **multiply-adds** (time), **activations** (memory). A convolution uses each weight once for each position, a fully connected layer once.
- LeNet to VGG is one plan, grown: memory sits in the early convolutions, parameters in the fully connected head, time in between.
- A fully connected layer **is** a convolution over its whole input; slid over a larger image it gives a map of answers, at a fraction of the price of separate windows.
- **Inception** runs several kernel sizes in parallel and pays for it with 1 x 1 reducers; **bottlenecks** use the same trick.
- **Residual blocks** learn what to add. Doing nothing is their zero, and gradients pass the skip unchanged, so depth stops hurting.
- Published totals are a test of understanding: if your table hits 25,557,032, you know the network.

**Read on:** Fukushima, *Neocognitron* (1980); LeCun, Bottou, Bengio and Haffner, *Gradient-Based Learning Applied to Document Recognition* (1998); Krizhevsky, Sutskever and Hinton, *ImageNet Classification with Deep
Convolutional Neural Networks* (2012); Simonyan and Zisserman, *Very Deep Convolutional Networks* (2014); Szegedy and others, *Going Deeper with Convolutions* (2014); He, Zhang, Ren and Sun, *Deep
Residual Learning* (2015); Saxe and others, *On Random Weights and Unsupervised Feature Learning* (2011); Han, Pool, Tran and Dally, *Learning both Weights and Connections* (2015).
Now let one of these networks learn, with your own layers only: [chapter 10](../ch10_training/training.ipynb).
"""
