# %% [markdown]
"""
# 7 · Variants: dilated, grouped, transposed, unshared, tiled

**After this chapter you can** build the relatives of the convolution that networks use, say what each one keeps of the
original and what it gives up, count its weights and operations, and put it to work: to look further without more
weights, to spend less, to make a picture larger, to let positions differ.

**You need** the convolution with stride, padding and dilation of [chapter 3](../ch03_shapes/shapes.ipynb), and a glance at
[chapter 6](../ch06_backprop/backprop.ipynb), where one of the variants already carried the gradients. **Time:** about
120 minutes.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, animate, call, figures, images

check = Checks("ch07_variants")
figures.use_style()

# %% [markdown]
"""
Many arguments of this chapter are one int for both axes, or a pair (rows, columns). This helper makes a pair of either;
use it in your answers if you like.
"""


# %%
def pair(value):
    """2 -> (2, 2) and (2, 3) -> (2, 3)."""
    return (value, value) if np.ndim(value) == 0 else tuple(value)


# %% [markdown]
"""
## What a convolution promises

A convolutional layer is a fully connected layer that gave up most of its freedom. Three promises say what is left:

- **local**: an output reads a small window of neighbours, not the whole input;
- **shared**: every window meets the same weights, so a shifted input gives a shifted output;
- **all channels**: every output channel reads every input channel.

Each variant changes one thing and keeps the rest:

| variant | what changes | what stays |
|---|---|---|
| strided | windows start $s$ apart | local, shared; equivariant to shifts by multiples of $s$ |
| dilated | the taps of a window lie $d$ apart | the number of weights, shared, all channels |
| grouped | an output channel reads its own group of channels | local, shared |
| depthwise separable | first space, channel by channel; then channels, pixel by pixel | local, shared, all channels (in two steps) |
| pointwise, 1x1 | the window is one pixel | shared, all channels |
| transposed | the arrows turn round: one *input* feeds a window of *outputs* | local, shared, all channels |
| unshared | every position has weights of its own | local, all channels |
| tiled | $t$ kernels take turns along each axis | local, all channels, shared by every $t$-th position |

In the pictures of this chapter inputs are at the bottom, outputs at the top, and lines of one colour are one weight.
"""

# %% tags=["figure"]
SHARED = [figures.TAPS[tap] for tap in (0, 2, 6)]  # the colours of three taps


def rainbow(count):
    """A colour for each of so many weights."""
    return [plt.colormaps["turbo"](0.04 + 0.92 * i / max(count - 1, 1)) for i in range(count)]


def connect(ax, links, inputs, outputs, title):
    """Lines (input, output, colour) between dots at the places `inputs`, below, and `outputs`, above."""
    for j, i, colour in links:
        ax.plot([inputs[j], outputs[i]], [0, 1], color=colour, lw=1.4, zorder=1)
    ax.scatter(inputs, np.zeros(len(inputs)), s=75, color=figures.INPUT, zorder=2)
    ax.scatter(outputs, np.ones(len(outputs)), s=75, color=figures.OUTPUT, zorder=2)
    ax.set(title=title, xticks=[], yticks=[], ylim=(-0.2, 1.2))
    ax.margins(x=0.09)
    ax.spines[:].set_visible(False)


fig, axes = plt.subplots(1, 3, figsize=(8.6, 2.2))
for ax, (name, s, d) in zip(axes, (("plain", 1, 1), ("stride 2", 2, 1), ("dilation 2", 1, 2)), strict=True):
    starts = range(0, 9 - 2 * d, s)
    links = [(start + tap * d, i, SHARED[tap]) for i, start in enumerate(starts) for tap in range(3)]
    connect(ax, links, range(9), [start + d for start in starts], f"{name}: 3 weights, {len(starts)} outputs")
plt.show()

# %% [markdown]
r"""
## Dilated: the same weights, further apart

With **dilation** $d$ the taps of a window lie $d$ apart. In one dimension

$$z_i \;=\; \sum_{j=0}^{k-1} w_j\; x_{\,i + j d}\,.$$

You may see it in two ways: a window that skips inputs, or an ordinary convolution whose kernel has $d-1$ **zeros between
two taps**. The kernel then reaches over $d\,(k-1)+1$ inputs, and still has $k$ weights. ("Atrous" is the same word: French
*à trous*, with holes.)

### Exercise 7.1 · `dilate_kernel`
●○○○ · 5 min

Return the kernel with holes: put $d_H - 1$ rows of zeros between two rows of taps, and $d_W - 1$ columns of zeros between two
columns. Rows and columns are the last two axes; axes before them (kernels, channels) stay as they are.

<details><summary>Hint 1: a nudge</summary>

How large is the result? For 3 taps and dilation 4, count: tap, three zeros, tap, three zeros, tap. It ends with a tap.
</details>

<details><summary>Hint 2: where the taps go</summary>

Start from zeros of the right shape. Tap $(u, v)$ belongs to row $u\,d_H$, column $v\,d_W$: every $d_H$-th row and every $d_W$-th column.
</details>

<details><summary>Hint 3: nearly the answer</summary>

A slice with a step can stand on the left of `=`: `y[..., ::2, ::3] = ...` fills every second row and every third column,
whatever axes come before.
</details>
"""


# %% nbgrader={"grade_id": "dilate_kernel", "solution": true}
def dilate_kernel(w, dilation):
    """A kernel with zeros between its taps.

    w: (..., kH, kW), any number of axes before the last two. dilation: int or (dH, dW), at least 1.
    Returns (..., dH * (kH - 1) + 1, dW * (kW - 1) + 1). Leaves w as it is.
    """
    ### BEGIN SOLUTION
    (dH, dW), (kH, kW) = pair(dilation), w.shape[-2:]
    holed = np.zeros((*w.shape[:-2], dH * (kH - 1) + 1, dW * (kW - 1) + 1))
    holed[..., ::dH, ::dW] = w
    return holed
    ### END SOLUTION


# %% nbgrader={"grade_id": "dilate_kernel-examples", "points": 2}
corners = np.array([[1, 2], [3, 4]])

check.examples(
    "dilate_kernel",
    dilate_kernel,
    call(corners, 2).gives([[1, 0, 2], [0, 0, 0], [3, 0, 4]]),
    call(np.array([[1, 2, 3]]), 4).gives([[1, 0, 0, 0, 2, 0, 0, 0, 3]]),  # three zeros between two taps
    call(corners, (1, 3)).gives([[1, 0, 0, 2], [3, 0, 0, 4]]),  # rows stay neighbours
    call(corners, 1).gives([[1, 2], [3, 4]]),
    call(np.arange(24.0).reshape(2, 3, 2, 2), dilation=2),  # two kernels for three channels: torch is asked
)

# %% nbgrader={"grade_id": "dilate_kernel-hidden", "points": 3}
# The hidden tests of `dilate_kernel` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7011)
w = rng.standard_normal((3, 4))
check.hidden(
    "dilate_kernel", dilate_kernel, "one dilation for both axes", call(w, 2), call(w, 5), call(w[:1, :1], 3)
)
check.hidden(
    "dilate_kernel",
    dilate_kernel,
    "a dilation for each axis",
    call(w, (1, 2)),
    call(w, (4, 1)),
    call(w, dilation=(3, 2)),
    *call(w, (2, 3)).in_every_form(),
)
check.hidden("dilate_kernel", dilate_kernel, "dilation 1", call(w, 1), call(w, (1, 1)))
w = rng.standard_normal((3, 2, 2, 3))
check.hidden(
    "dilate_kernel",
    dilate_kernel,
    "axes before the last two",
    call(w, 2),
    call(w[0], (3, 2)),
    call(w, (1, 4)),
)
w = rng.integers(0, 250, (2, 3)).astype(np.uint8)
check.hidden("dilate_kernel", dilate_kernel, "integers", call(w, 2), call(w.astype(int) - 99, (2, 3)))
### END HIDDEN TESTS

# %% [markdown]
"""
Slide such a kernel along a signal. The taps 1, −2, 1 ask "is there a bend?", and with dilation 2 they ask it of every second
value:
"""

# %%
ramp = np.array([0.0, 0, 0, 1, 2, 3, 3, 3, 3, 3])
animate.sliding_window(ramp, dilate_kernel(np.array([[1.0, -2.0, 1.0]]), 2)[0])

# %% [markdown]
"""
**What you have just built** is how a network for *segmentation*, a class for each pixel, sees context without shrinking
the image. DeepLab lays four 3x3 kernels with dilations 6, 12, 18 and 24 over the same spot: nine weights each, and
windows up to 49 pixels wide.
"""

# %% tags=["figure"]
photo = images.camera(128)
fig, axes = plt.subplots(1, 4, figsize=(8.7, 2.6))
for ax, rate in zip(axes, (6, 12, 18, 24), strict=True):
    holed = dilate_kernel(np.ones((3, 3)), rate)
    top, left = 44 - len(holed) // 2, 66 - len(holed) // 2
    rows, columns = np.nonzero(holed)
    ax.imshow(photo, cmap="gray")
    ax.add_patch(plt.Rectangle((left, top), *holed.shape, fill=False, ec=figures.KERNEL, lw=1.5))
    ax.scatter(left + columns, top + rows, s=26, color=figures.KERNEL, edgecolors="white", lw=0.8)
    ax.set(title=f"dilation {rate}: {len(holed)} × {len(holed)}", xticks=[], yticks=[])
plt.show()

# %% [markdown]
r"""
## Grouped: not every channel meets every other

When AlexNet was trained in 2012, it did not fit on one graphics card. Its authors cut some layers in half: one card kept
half of the channels, the other card the rest, and they met only now and then. That is a **grouped convolution**. The $C$
input channels are split into $G$ groups of $C/G$ neighbours, the $D$ kernels into $G$ groups of $D/G$, and kernels of one
group read the channels of that group alone:

$$y_{d} \;=\; b_d + \sum_{c=0}^{C/G-1} w_{d,c} \star x_{\,g\,C/G \,+\, c}\,, \qquad g = \left\lfloor \frac{d}{D/G} \right\rfloor$$

where $\star$ slides one kernel slice over one channel, with stride, padding and dilation as in chapter 3.

| | plain, $G=1$ | $G$ groups | depthwise, $G=C$ |
|---|---|---|---|
| shape of `w` | $(D, C, k_H, k_W)$ | $(D, C/G, k_H, k_W)$ | $(D, 1, k_H, k_W)$ |
| channels an output reads | all $C$ | $C/G$ | one |
| 64 to 64 channels, 3x3 | 36 864 weights | $G=8$: 4 608 | 576 |

Weights, memory and operations shrink by the factor $G$, and fewer weights need fewer examples to be learned from. The price: groups know nothing of one another.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 4, figsize=(8.7, 2.2))
for ax, groups in zip(axes, (1, 2, 3, 6), strict=True):
    size = 6 // groups
    pairs = [(c, d) for d in range(6) for c in range(6) if c // size == d // size]
    links = [(c, d, colour) for (c, d), colour in zip(pairs, rainbow(len(pairs)), strict=True)]
    connect(ax, links, range(6), range(6), f"groups={groups}\n{len(pairs)} kernel slices")
fig.supxlabel("channels: each line is a kernel slice of its own", fontsize=11)
plt.show()

# %% [markdown]
r"""
### Exercise 7.2 · `conv2d_grouped`
●●●○ · 20 min

Build the whole thing, equal to `torch.nn.functional.conv2d`: bias, stride, zero padding, dilation and groups. The hidden
tests climb a ladder: a plain layer, stride and padding, dilation, groups. If you have a `conv2d` from chapter 3, start from
its code: three rungs are done, and the groups are one line more.

<details><summary>Hint 1: one rung at a time</summary>

Pad `x` with zeros on the last two axes first, and forget about padding. The window of output $(i, j)$ starts at row $i\,s_H$,
column $j\,s_W$; its inner product with `w[d]`, plus `b[d]`, is `y[:, d, i, j]`.
Pixels may be `uint8`: convert to float on the way.
</details>

<details><summary>Hint 2: dilation</summary>

The taps of a window are a slice with a step: from `i * sH` to `i * sH + dH * (kH - 1) + 1`, in steps of `dH`. That reach,
not `kH`, belongs in the formula of the output size, too. (Or dilate the kernel, and use it as if it were a plain one.)
</details>

<details><summary>Hint 3: groups</summary>

`w[d]` has `w.shape[1]` channels, $C/G$ of them. Output `d` belongs to group `d // (D // groups)`, and the channels of group
`g` start at `g * (C // groups)`. Cut these channels out of `x`; everything else stays as it was.
</details>
"""


# %% nbgrader={"grade_id": "conv2d_grouped", "solution": true}
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """A convolutional layer, as torch.nn.functional.conv2d.

    x: images (N, C, H, W). w: kernels (D, C // groups, kH, kW). b: biases (D,), or None for none.
    stride, padding (zeros), dilation: int or (rows, columns). groups: int that divides C and D.
    Returns (N, D, Ho, Wo), Ho = (H + 2 * pH - dH * (kH - 1) - 1) // sH + 1, Wo alike. Leaves x, w and b as they are.
    Out of scope: dilated kernels larger than the padded input.
    """
    ### BEGIN SOLUTION
    (sH, sW), (pH, pW), (dH, dW) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pH, pH), (pW, pW)))
    D, channels, kH, kW = w.shape
    reach_h, reach_w = dH * (kH - 1) + 1, dW * (kW - 1) + 1
    y = np.zeros((len(x), D, (x.shape[2] - reach_h) // sH + 1, (x.shape[3] - reach_w) // sW + 1))
    for d in range(D):
        first = d // (D // groups) * channels
        read = x[:, first : first + channels]
        for i in range(y.shape[2]):
            for j in range(y.shape[3]):
                window = read[:, :, i * sH : i * sH + reach_h : dH, j * sW : j * sW + reach_w : dW]
                y[:, d, i, j] = np.sum(window * w[d], axis=(1, 2, 3))
        if b is not None:
            y[:, d] += b[d]
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv2d_grouped-examples", "points": 8}
one = np.arange(1, 10).reshape(3, 3)  # 1 2 3 / 4 5 6 / 7 8 9
x = np.stack([one, 10 * one])[None]  # (1, 2, 3, 3): the second channel is ten times the first
w = np.array([[[[1, 0], [0, -1]]], [[[0, 1], [1, 0]]]])  # (2, 1, 2, 2): falling diagonal, rising diagonal
row = np.arange(1, 8).reshape(1, 1, 1, 7)

check.examples(
    "conv2d_grouped",
    conv2d_grouped,
    call(x[:, :1], w).gives([[[[-4, -4], [-4, -4]], [[6, 8], [12, 14]]]]),  # two kernels on one channel
    call(x, w.reshape(1, 2, 2, 2)).gives([[[[56, 76], [116, 136]]]]),  # one kernel on two channels: their sum
    call(row, np.array([[[[1, 1]]]]), stride=(1, 2), padding=(0, 1)).gives([[[[1, 5, 9, 13]]]]),
    call(row, np.array([[[[1, 10, 100]]]]), dilation=2).gives([[[[531, 642, 753]]]]),  # 1 + 10*3 + 100*5
    call(x, w, groups=2).gives(
        [[[[-4, -4], [-4, -4]], [[60, 80], [120, 140]]]]
    ),  # each kernel its own channel
    call(x, w, np.array([0.5, 1]), groups=2).gives([[[[-3.5] * 2] * 2, [[61, 81], [121, 141]]]]),
    call(
        np.sin(np.arange(480)).reshape(2, 6, 5, 8),
        np.cos(np.arange(48)).reshape(4, 3, 2, 2),
        np.arange(4.0),
        (2, 1),
        (1, 0),
        (1, 3),
        2,
    ),  # everything at once: torch is asked
)

# %% nbgrader={"grade_id": "conv2d_grouped-hidden", "points": 3}
# The first rung: a plain layer. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7021)
x, w, b = rng.standard_normal((2, 3, 5, 7)), rng.standard_normal((4, 3, 2, 3)), rng.standard_normal(4)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "a plain layer, with and without bias",
    call(x, w, b),
    call(x, w),
    call(x[:1, :1], w[:1, :1], b=b[:1]),
    call(x[..., :2, :3], w, b),
    *call(x, w[:2], b[:2]).in_every_form(),
)
whole, taps = rng.integers(100, 250, (1, 2, 3, 5)).astype(np.uint8), rng.integers(100, 250, (3, 2, 2, 2))
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "integers",
    call(whole, w[:2, :2, :, :2], b[:2]),
    call(whole, taps.astype(np.uint8)),
    call(whole.astype(int) - 170, taps, np.array([3, -2, 7])),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grouped-hidden-stride-padding", "points": 3}
# The second rung: stride and padding.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7022)
x, w, b = rng.standard_normal((2, 2, 6, 8)), rng.standard_normal((3, 2, 3, 2)), rng.standard_normal(3)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "stride",
    call(x, w, b, 2),
    call(x, w, stride=(1, 3)),
    call(x, w, b, stride=(4, 1)),
    call(x, w, b, stride=9),
)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "padding",
    call(x, w, b, 1, 1),
    call(x, w, padding=(2, 0)),
    call(x, w, b, padding=(0, 3)),
)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "stride and padding together",
    call(x, w, b, (2, 3), (1, 2)),
    *call(x, w, b, stride=(3, 2), padding=(0, 1)).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grouped-hidden-dilation", "points": 3}
# The third rung: dilation.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7023)
x, w, b = rng.standard_normal((2, 2, 9, 8)), rng.standard_normal((3, 2, 3, 2)), rng.standard_normal(3)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "dilation",
    call(x, w, b, dilation=2),
    call(x, w, dilation=(1, 5)),
    call(x, w, b, 1, 0, (4, 3)),
    *call(x, w, b, dilation=(3, 2)).in_every_form(),
)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "dilation with stride and padding",
    call(x, w, b, 2, 1, 2),
    call(x, w, b, stride=(1, 2), padding=(2, 0), dilation=(2, 3)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grouped-hidden-groups", "points": 3}
# The last rung: groups.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7024)
x, w, b = rng.standard_normal((2, 6, 5, 6)), rng.standard_normal((12, 6, 2, 3)), rng.standard_normal(12)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "two and three groups",
    call(x, w[:4, :3], b[:4], groups=2),
    call(x, w[:9, :2], groups=3),
    *call(x, w[:6, :2], b[:6], groups=3).in_every_form(),
)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "one group for each channel, with one kernel and with two",
    call(x, w[:6, :1], b[:6], groups=6),
    call(x, w[:, :1], b, groups=6),
)
check.hidden(
    "conv2d_grouped",
    conv2d_grouped,
    "groups with stride, padding and dilation",
    call(x, w[:4, :3], b[:4], (2, 1), (1, 2), (1, 3), 2),
    call(x, w[:, :2], b, stride=2, padding=1, dilation=(3, 2), groups=3),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is all of `torch.nn.Conv2d`. Two things to try with it. First, AlexNet: its second, fourth and
fifth layers have two groups. How many weights did the two cards save?
"""

# %%
saved = 0
for name, c_in, c_out, k in (("conv2", 96, 256, 5), ("conv4", 384, 384, 3), ("conv5", 384, 256, 3)):
    plain, grouped = c_out * c_in * k * k, c_out * (c_in // 2) * k * k
    saved += plain - grouped
    print(f"{name}: {plain:9,} weights, with two groups {grouped:9,}")
print(f"AlexNet: 62,378,344 parameters, with groups {62_378_344 - saved:,}")

# %% [markdown]
"""
A grouped layer is a plain one whose weights between groups are *fixed at zero*. Fill in these zeros, and the plain layer gives the
same result, at twice the work:
"""

# %%
rng = np.random.default_rng(1)
maps, halves = rng.standard_normal((1, 4, 6, 6)), rng.standard_normal((4, 2, 3, 3))
filled = np.zeros((4, 4, 3, 3))
filled[:2, :2] = halves[:2]  # the first two outputs read channels 0 and 1
filled[2:, 2:] = halves[2:]  # the others read channels 2 and 3
gap = np.abs(conv2d_grouped(maps, filled) - conv2d_grouped(maps, halves, groups=2)).max()
print("the two agree:", gap < 1e-12)

# %% [markdown]
r"""
Second, dilation in a stack. A stack of stride-1 layers sees $1 + \sum d_l\,(k-1)$ inputs. Plain 3x3 layers grow by 2 each time;
with dilations 1, 2, 4, ... the field *doubles*, for the same weights. Below, an output in the middle is followed back
through three layers, and each pixel is coloured by the number of ways that lead to it. The third picture shows the trap: when
all dilations are 2, an output reads every second pixel and none between, however many layers you stack. This is called **gridding**.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 4, figsize=(8.7, 2.75))
for ax, dilations in zip(axes, ((1, 1, 1), (1, 2, 4), (2, 2, 2), (4, 4, 4)), strict=True):
    ways = np.zeros((1, 1, 27, 27))
    ways[0, 0, 13, 13] = 1
    for d in dilations:
        ways = conv2d_grouped(ways, np.ones((1, 1, 3, 3)), padding=d, dilation=d)
    ways = ways[0, 0]
    reach = np.count_nonzero(ways.any(axis=0).cumsum() * ways.any(axis=0)[::-1].cumsum()[::-1])
    ax.imshow(np.ma.masked_less(ways, 0.5), cmap="YlOrBr", vmin=-3)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=figures.LINE)
    ax.set_title(
        "dilations {}, {}, {}\n{} × {}, reads {} of {}".format(
            *dilations, reach, reach, np.count_nonzero(ways), reach**2
        ),
        fontsize=10.5,
    )
plt.show()

# %% [markdown]
"""
On a picture gridding looks like this. Each result is the mean over three layers of 3x3 means. Neighbouring outputs of the
last one were computed from pixels that have nothing to do with one another, so what should be smooth comes out ragged.
"""

# %%
words = images.page()[60:140, 120:216]
blurred = []
for dilations in ((1, 2, 4), (4, 4, 4)):
    y = words[None, None]
    for d in dilations:
        y = conv2d_grouped(y, np.ones((1, 1, 3, 3)) / 9, dilation=d)
    blurred.append(y[0, 0])
figures.pictures([words, *blurred], ["a printed page", "dilations 1, 2, 4", "dilations 4, 4, 4"])

# %% [markdown]
r"""
## Depthwise separable: space first, then channels

Drive grouping to its end, a group for each channel, and every channel is filtered by itself: a **depthwise** convolution.
What it lacks is any exchange between channels, and that is exactly what a **1x1** convolution does and nothing else: at
each pixel it mixes the channels, as a small fully connected layer. One after the other they make a **depthwise separable**
convolution:

$$h_c = w^{\text{depth}}_{c} \star x_c\,, \qquad\qquad y_{d,i,j} \;=\; \sum_{c=0}^{C-1} w^{\text{point}}_{d,c}\; h_{c,i,j}$$

Put the second into the first, and you see which plain convolution this is: one whose kernel slices are
$w_{d,c} = w^{\text{point}}_{d,c}\, w^{\text{depth}}_c$. All outputs look at channel $c$ through the *same* little kernel; they
differ only in how much of it they take.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.2, 2.6))
C, D = 4, 5
places = np.linspace(0, 5, C)
colours = rainbow(C * D)
connect(
    axes[0],
    [(c, d, colours[d * C + c]) for d in range(D) for c in range(C)],
    places,
    np.linspace(0, 5, D),
    f"plain: {C * D} kernels of 3 × 3 = {C * D * 9} weights",
)
ax = axes[1]
for c in range(C):
    ax.plot([places[c]] * 2, [0, 0.5], color=rainbow(C)[c], lw=4, zorder=1)
    for d in range(D):
        ax.plot([places[c], np.linspace(0, 5, D)[d]], [0.5, 1], color=figures.LINE, lw=1.2, zorder=1)
ax.scatter(places, np.full(C, 0.5), s=75, color=figures.KERNEL, zorder=2)
connect(
    ax,
    [],
    places,
    np.linspace(0, 5, D),
    f"separable: {C} kernels of 3 × 3, {C * D} numbers = {C * 9 + C * D}",
)
plt.show()

# %% [markdown]
"""
### Exercise 7.3 · `depthwise_separable`
●●○○ · 10 min

Compute both steps, with stride 1, no padding, no bias, and nothing between them. The weights have torch's layouts,
`(C, 1, kH, kW)` and `(D, C, 1, 1)`.

<details><summary>Hint 1: a nudge</summary>

You have just built a function that can do either step, with the right number of groups.
</details>

<details><summary>Hint 2: nearly the answer</summary>

The first step has as many groups as channels, the second has one: `conv2d_grouped(conv2d_grouped(x, depthwise, groups=...), ...)`.
Without it: filter each channel with its kernel, then, for each `d`, add up the results times `pointwise[d, c, 0, 0]`.
</details>
"""


# %% nbgrader={"grade_id": "depthwise_separable", "solution": true}
def depthwise_separable(x, depthwise, pointwise):
    """A depthwise convolution, then a pointwise one; stride 1, no padding, no bias, nothing in between.

    x: (N, C, H, W). depthwise: (C, 1, kH, kW), a kernel for each channel. pointwise: (D, C, 1, 1).
    Returns (N, D, H - kH + 1, W - kW + 1). Leaves its arguments as they are.
    """
    ### BEGIN SOLUTION
    filtered = conv2d_grouped(x, depthwise, groups=x.shape[1])
    return conv2d_grouped(filtered, pointwise)
    ### END SOLUTION


# %% nbgrader={"grade_id": "depthwise_separable-examples", "points": 3}
one = np.arange(1, 10).reshape(3, 3)
x = np.stack([one, 10 * one])[None]
depthwise = np.array([[[[1, 0], [0, -1]]], [[[0, 1], [1, 0]]]])  # gives [-4 -4; -4 -4] and [60 80; 120 140]
pointwise = np.array([[1, 1], [1, 0], [0, 0.5]]).reshape(3, 2, 1, 1)

check.examples(
    "depthwise_separable",
    depthwise_separable,
    call(x, depthwise, pointwise[:1]).gives([[[[56, 76], [116, 136]]]]),  # the sum of both
    call(x, depthwise, pointwise[1:]).gives([[[[-4, -4], [-4, -4]], [[30, 40], [60, 70]]]]),
    call(np.sin(np.arange(120)).reshape(2, 3, 4, 5), np.ones((3, 1, 2, 3)), np.eye(3)[:, :, None, None]),
)

# %% nbgrader={"grade_id": "depthwise_separable-hidden", "points": 5}
# The hidden tests of `depthwise_separable` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7031)
x, w, p = (
    rng.standard_normal((2, 4, 5, 7)),
    rng.standard_normal((4, 1, 2, 3)),
    rng.standard_normal((6, 4, 1, 1)),
)
check.hidden(
    "depthwise_separable",
    depthwise_separable,
    "more outputs than channels, fewer, and as many",
    call(x, w, p),
    call(x, w, p[:2]),
    call(x, w, p[:4]),
    *call(x, w, p[:3]).in_every_form(),
)
check.hidden(
    "depthwise_separable",
    depthwise_separable,
    "one channel, one output, a kernel as large as the image",
    call(x[:, :1], w[:1], p[:, :1]),
    call(x, w, p[:1]),
    call(x[..., :2, :3], depthwise=w, pointwise=p),
)
whole = rng.integers(100, 250, (1, 3, 3, 4)).astype(np.uint8)
tiny = rng.integers(100, 250, (5, 2, 2)).astype(np.uint8)
check.hidden(
    "depthwise_separable",
    depthwise_separable,
    "integers",
    call(whole, w[:3], p[:2, :3]),
    call(whole, tiny[:3, None], tiny[3:5].reshape(2, 4, 1, 1)[:, :3]),
    call(whole.astype(int) - 170, rng.integers(-9, 9, (3, 1, 2, 2)), rng.integers(-9, 9, (5, 3, 1, 1))),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on a colour photograph. The depthwise step blurs red, green and blue, each by itself; the
pointwise step turns them into brightness, red against green, and blue against yellow, roughly the three signals that
the human eye sends on.
"""

# %%
flower = images.flower((60, 90), colour=True).transpose(2, 0, 1)[None]
bell = np.array([1, 4, 6, 4, 1]) / 16
blur = np.tile(np.outer(bell, bell), (3, 1, 1, 1))  # the same blur for each colour
opponents = np.array([[1 / 3, 1 / 3, 1 / 3], [1, -1, 0], [-0.5, -0.5, 1]])[:, :, None, None]
seen = depthwise_separable(flower, blur, opponents)[0]
blurred = conv2d_grouped(flower, blur, groups=3)[0].transpose(1, 2, 0)
figures.pictures(
    [flower[0].transpose(1, 2, 0), blurred], ["a dahlia, 60 × 90", "after the depthwise step, 56 × 86"]
)
figures.feature_maps(seen, ["brightness", "red − green", "blue − yellow"])

# %%
plain = opponents * blur.transpose(1, 0, 2, 3)  # w[d, c] = pointwise[d, c] * depthwise[c]
gap = np.abs(conv2d_grouped(flower, plain)[0] - seen).max()
print(f"plain: {plain.size} weights, separable: {blur.size + opponents.size}, the same result: {gap < 1e-12}")

# %% [markdown]
r"""
### Exercise 7.4 · `separable_saving`
●○○○ · 5 min

Which fraction of the weights does a depthwise separable layer save, compared with a plain $k \times k$ layer from $c_{in}$ to
$c_{out}$ channels? Count weights only, no biases. Where separating costs more, the saving is negative.

<details><summary>Hint 1: a nudge</summary>

Count three things: the weights of the plain layer, of the depthwise kernels, and of the 1x1 layer.
</details>

<details><summary>Hint 2: nearly the answer</summary>

The plain layer has $k^2 c_{in} c_{out}$ weights; what is left is $k^2 c_{in} + c_{in} c_{out}$. The saving is 1 minus their quotient.
</details>
"""


# %% nbgrader={"grade_id": "separable_saving", "solution": true}
def separable_saving(c_in, c_out, k):
    """The fraction of weights (no biases) saved by a depthwise separable layer against a plain k x k one.

    c_in, c_out, k: ints. Returns a float: 0.5 for half of them; negative where it costs more.
    """
    ### BEGIN SOLUTION
    plain = k * k * c_in * c_out
    separable = k * k * c_in + c_in * c_out
    return 1 - separable / plain
    ### END SOLUTION


# %% nbgrader={"grade_id": "separable_saving-examples", "points": 1}
check.examples(
    "separable_saving",
    separable_saving,
    call(2, 4, 2).gives(0.5),  # 32 weights, or 8 + 8
    call(3, 3, 5).gives(0.6266666666666667),  # the blur above: 225 weights, or 75 + 9
    call(64, 64, 3).gives(0.8732638888888888),  # 36 864 weights, or 576 + 4 096
    call(10, 1, 2).gives(-0.25),  # a single output: 40 weights, or 40 + 10
)

# %% nbgrader={"grade_id": "separable_saving-hidden", "points": 2}
# The hidden tests of `separable_saving` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7041)
check.hidden(
    "separable_saving",
    separable_saving,
    "layers that gain",
    *[call(c, d, k) for c, d, k in rng.integers(3, 300, (6, 3)).tolist()],
    call(c_in=3, c_out=8, k=3),
)
check.hidden(
    "separable_saving",
    separable_saving,
    "layers that lose: one output, or one tap",
    call(5, 1, 3),
    call(7, 9, 1),
    call(1, 1, 1),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built**: the saving is $1 - \tfrac{1}{c_{out}} - \tfrac{1}{k^2}$. The number of inputs does not matter, and
with many outputs a 3x3 layer comes close to saving 8/9. MobileNet, made for telephones, consists of little else.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7.5, 2.8))
outputs = np.arange(1, 65)
for k, colour in ((1, figures.WRONG), (2, figures.OUTPUT), (3, figures.KERNEL), (5, figures.INPUT)):
    ax.plot(outputs, [100 * separable_saving(16, d, k) for d in outputs], color=colour, label=f"{k} × {k}")
ax.axhline(0, color=figures.LINE, lw=1)
ax.set(xlabel="output channels", ylabel="weights saved in %", ylim=(-60, 100), xlim=(1, 64))
fig.legend(loc="outside right center", reverse=True)
plt.show()

# %% [markdown]
"""
## Transposed: the arrows turn round

A convolution with stride makes maps smaller. A network that paints needs the opposite: to label every pixel, to generate
images, or to reconstruct a picture from the few numbers an *autoencoder* has squeezed it into. Take the connections of a
convolution, weights and all, and let everything flow **from the outputs to the inputs**:
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.2, 2.2))
forward = [(2 * i + tap, i, SHARED[tap]) for i in range(3) for tap in range(3)]
connect(axes[0], forward, range(7), [1, 3, 5], "convolution, stride 2: 7 inputs, 3 outputs")
connect(
    axes[1],
    [(i, j, c) for j, i, c in forward],
    [1, 3, 5],
    range(7),
    "transposed, stride 2: 3 inputs, 7 outputs",
)
plt.show()

# %% [markdown]
r"""
You met this map in chapter 6: it carries gradients back through a convolution. If the convolution is a matrix $M$, this is
$M^\top$; hence **transposed convolution**. (Also *fractionally strided*: for one step of its input it moves $s$ steps in its
output, so its stride is $1/s$. "Deconvolution" is a misnomer: the shape comes back, the values do not.)

Which shape should come back, though? Because of its floor the output size does not tell the input size: with $k = 3$ and
$s = 2$, inputs of 7 *and* of 8 give 3.

### Exercise 7.5 · `possible_input_sizes`
●●○○ · 10 min

Return all input sizes $n$ of one axis that a convolution maps to $n_{out}$, in ascending order: the whole numbers $n \ge 1$ with
$n + 2p \ge k$ (the kernel fits) and

$$\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1 \;=\; n_{out}\,.$$

<details><summary>Hint 1: a nudge</summary>

You could just try: which $n$ come into question at all, and which condition must each meet? Or turn the formula round.
</details>

<details><summary>Hint 2: turning it round</summary>

$\lfloor a / s \rfloor = m$ holds for exactly $s$ whole numbers $a$: $m\,s,\; m\,s + 1,\; \dots,\; m\,s + s - 1$. Here $m = n_{out} - 1$.
</details>

<details><summary>Hint 3: nearly the answer</summary>

The smallest candidate is $(n_{out} - 1)\,s + k - 2p$; the others are the next $s - 1$ numbers. With much padding some of them
can be 0 or negative: leave these out.
</details>
"""


# %% nbgrader={"grade_id": "possible_input_sizes", "solution": true}
def possible_input_sizes(n_out, k, stride, padding):
    """All sizes of an input axis from which a convolution makes n_out.

    n_out, k, stride: ints, at least 1. padding: int, at least 0.
    Returns the ascending list of ints n >= 1 with n + 2 * padding >= k and
    (n + 2 * padding - k) // stride + 1 == n_out; it may be empty.
    """
    ### BEGIN SOLUTION
    smallest = (n_out - 1) * stride + k - 2 * padding
    return [n for n in range(smallest, smallest + stride) if n >= 1]
    ### END SOLUTION


# %% nbgrader={"grade_id": "possible_input_sizes-examples", "points": 3}
check.examples(
    "possible_input_sizes",
    possible_input_sizes,
    call(3, 3, 2, 0).gives([7, 8]),  # as above
    call(7, 3, 1, 1).gives([7]),  # stride 1: only one
    call(55, 11, 4, 0).gives([227, 228, 229, 230]),  # AlexNet's first layer
    call(1, 4, 3, 0).gives([4, 5, 6]),  # not 2 or 3: the kernel must fit
    call(1, 3, 4, 2).gives([1, 2]),  # not 0 or -1
    call(1, 2, 1, 2).gives([]),  # one element, padded with two zeros on each side, gives 4
)

# %% nbgrader={"grade_id": "possible_input_sizes-hidden", "points": 4}
# The hidden tests of `possible_input_sizes` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7051)
check.hidden(
    "possible_input_sizes",
    possible_input_sizes,
    "no padding",
    *[call(n, k, s, 0) for n, k, s in rng.integers(2, 9, (6, 3)).tolist()],
)
check.hidden(
    "possible_input_sizes",
    possible_input_sizes,
    "padding",
    *[call(n + 3, k, s, p) for n, k, s, p in rng.integers(1, 7, (6, 4)).tolist()],
    call(n_out=4, k=3, stride=3, padding=1),
)
check.hidden(
    "possible_input_sizes",
    possible_input_sizes,
    "stride 1",
    call(9, 4, 1, 0),
    call(1, 6, 1, 0),
    call(5, 3, 1, 2),
)
check.hidden(
    "possible_input_sizes",
    possible_input_sizes,
    "a single output",
    call(1, 5, 4, 0),
    call(1, 2, 6, 0),
    call(1, 7, 5, 1),
)
check.hidden(
    "possible_input_sizes",
    possible_input_sizes,
    "so much padding that some candidates, or all, are below 1",
    call(1, 3, 5, 3),
    call(2, 3, 3, 3),
    call(1, 2, 2, 3),
    call(1, 5, 3, 2),
    call(2, 1, 4, 3),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** explains an argument that puzzles many who meet it. There are $s$ possible sizes, so the
transposed convolution must be told which one is meant: that is its `output_padding`, from $0$ (the smallest) to $s-1$.

$$H_{out} \;=\; (H - 1)\,s \;-\; 2p \;+\; k \;+\; o\,, \qquad 0 \le o < s$$

## Stamping

The transposed convolution in one sentence: **every input element stamps the kernel, multiplied by its value, into the
output**, neighbours $s$ apart, and where stamps overlap they add up. Padding then *crops*: $p$ rows and columns go from each
side of the full result, just those that belong to zeros when the convolution runs forwards.
"""

# %% tags=["figure"]
numbers, stamp = np.array([[1, 2], [3, 4]]), np.array([[1, 10], [100, 1000]])
tints = {0: figures.INPUT, 1: figures.KERNEL, 2: figures.OUTPUT, 3: figures.EXTRA}


def board(ax, cells, title, fills):
    """A matrix of numbers on coloured cells; 0 stays blank."""
    for (r, c), value in np.ndenumerate(cells):
        ax.add_patch(plt.Rectangle((c, r), 1, 1, fc=fills.get((r, c), "white"), ec=figures.LINE))
        if value:
            ax.text(c + 0.5, r + 0.5, f"{value:g}", ha="center", va="center", fontsize=9.5)
    ax.set(xlim=(-0.05, cells.shape[1] + 0.05), ylim=(cells.shape[0] + 0.05, -0.05), aspect="equal")
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


fig, axes = plt.subplots(1, 4, figsize=(8.8, 2.7), width_ratios=[2, 2, 3, 4])
board(axes[0], numbers, "input x", {(n // 2, n % 2): figures.tint(tints[n], 0.35) for n in range(4)})
board(axes[1], stamp, "kernel w", {})
for ax, s in ((axes[2], 1), (axes[3], 2)):
    total, owners = np.zeros((s + 2, s + 2)), {}
    for n, value in enumerate(numbers.flat):
        r, c = n // 2 * s, n % 2 * s
        total[r : r + 2, c : c + 2] += value * stamp
        for cell in np.ndindex(2, 2):
            owners.setdefault((r + cell[0], c + cell[1]), []).append(n)
    fills = {
        at: figures.tint(tints[who[0]], 0.35) if len(who) == 1 else "#E4E4E4" for at, who in owners.items()
    }
    board(ax, total, f"stride {s}" + (": grey cells are sums" if s == 1 else ": stamps side by side"), fills)
plt.show()

# %% [markdown]
r"""
With several channels input channel $c$ stamps the kernel slice $w_{c,d}$ into output map $d$. The weights of a convolution
from $D$ to $C$ channels are used as they are, so the first axis of `w` now belongs to the *inputs*:

$$\text{full}_{\,n,d,\; i s + u,\; j s + v} \;\mathrel{+}=\; x_{n,c,i,j}\; w_{c,d,u,v} \qquad\text{for all } c, i, j, u, v$$

### Exercise 7.6 · `conv_transpose2d`
●●●● · 30 min

Build it, equal to `torch.nn.functional.conv_transpose2d`. The hidden tests climb a ladder: stride 1, stride, padding,
output_padding, and then several channels, samples and a bias. About the extra rows and columns of `output_padding`: they come
after the last ones. They are no frame of zeros, but the next rows of the full result, which the padding would have cropped; beyond the
full result there are zeros. Like all others they get the bias.

<details><summary>Hint 1: the full result</summary>

Forget padding at first. How large is the full result for $H$ inputs, stride $s$ and kernel $k$? Which slice of it does the stamp of
input $(i, j)$ cover? Use `+=` there.
</details>

<details><summary>Hint 2: padding and output_padding</summary>

Make the full array $o$ rows longer from the start: they stay zero where no stamp reaches. Then `p` rows go from the start and `p` from
the end, and the rest has the right size by itself. (Write the end as a number: `y[p:-p]` is empty for $p = 0$.)
</details>

<details><summary>Hint 3: several channels</summary>

For one position, all samples and channels at once: `np.tensordot(x[:, :, i, j], w, axes=1)` sums over $c$ and gives the stamps
`(N, D, kH, kW)`. Or write two more loops, over $c$ and $d$. The bias comes last, once, after cropping.
</details>
"""


# %% nbgrader={"grade_id": "conv_transpose2d", "solution": true}
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    """A transposed convolution, as torch.nn.functional.conv_transpose2d (no dilation, no groups).

    x: (N, C, H, W). w: (C, D, kH, kW), input channels first. b: biases (D,), or None for none.
    stride, padding, output_padding: int or (rows, columns); output_padding < stride; padding may exceed k - 1.
    Returns (N, D, (H - 1) * sH - 2 * pH + kH + oH, (W - 1) * sW - 2 * pW + kW + oW). Leaves x, w and b as they are.
    """
    ### BEGIN SOLUTION
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW))
    for i in range(H):
        for j in range(W):
            stamps = np.tensordot(x[:, :, i, j].astype(float), w, axes=1)
            full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += stamps
    y = full[:, :, pH : full.shape[2] - pH, pW : full.shape[3] - pW]
    return y if b is None else y + b[:, None, None]
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv_transpose2d-examples", "points": 10}
x = np.array([[1, 2], [3, 4]]).reshape(1, 1, 2, 2)
w = np.array([[1, 10], [100, 1000]]).reshape(1, 1, 2, 2)  # the picture above

check.examples(
    "conv_transpose2d",
    conv_transpose2d,
    call(x, w).gives([[[[1, 12, 20], [103, 1234, 2040], [300, 3400, 4000]]]]),
    call(x, w, stride=2).gives(
        [[[[1, 10, 2, 20], [100, 1000, 200, 2000], [3, 30, 4, 40], [300, 3000, 400, 4000]]]]
    ),
    call(x, w, padding=1).gives([[[[1234]]]]),
    call(x, w, stride=2, padding=1).gives([[[[1000, 200], [30, 4]]]]),
    # one row and one column more of the same full result
    call(x, w, stride=2, padding=1, output_padding=1).gives(
        [[[[1000, 200, 2000], [30, 4, 40], [3000, 400, 4000]]]]
    ),
    # without padding there is nothing left but zeros; they get the bias
    call(x[..., :1], w[..., :1], np.array([0.5]), stride=2, output_padding=(1, 0)).gives(
        [[[[1.5], [100.5], [3.5], [300.5], [0.5]]]]
    ),
    # two channels stamp into three maps: 5*0 + 7*3 = 21, 5*1 + 7*4 = 33, 5*2 + 7*5 = 45, and each map has its bias
    call(
        np.array([5, 7]).reshape(1, 2, 1, 1), np.arange(6).reshape(2, 3, 1, 1), np.array([0.5, 100, 0])
    ).gives([[[[21.5]], [[133]], [[45]]]]),
    call(np.sin(np.arange(48)).reshape(2, 2, 3, 4), np.cos(np.arange(36)).reshape(2, 3, 3, 2), stride=(3, 2)),
)

# %% nbgrader={"grade_id": "conv_transpose2d-hidden", "points": 3}
# The first rung: stride 1, one channel. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7061)
x, w = rng.standard_normal((1, 1, 4, 6)), rng.standard_normal((1, 1, 3, 2))
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "stride 1, one channel",
    call(x, w),
    call(x, w[..., :1, :]),
    call(x, rng.standard_normal((1, 1, 3, 5))),
    *call(x[..., :4], w).in_every_form(),
)
whole = rng.integers(100, 250, (1, 1, 4, 3)).astype(np.uint8)
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "integers",
    call(whole, w),
    call(whole, whole[..., :2, :]),
    call(whole.astype(int) - 170, whole[..., :2]),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv_transpose2d-hidden-stride", "points": 3}
# The second rung: the stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7062)
x, w = rng.standard_normal((1, 1, 4, 5)), rng.standard_normal((1, 1, 3, 4))
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "a stride smaller than the kernel",
    call(x, w, stride=2),
    call(x, w, None, (1, 3)),
    *call(x, w, stride=(2, 3)).in_every_form(),
)
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "a stride as large as the kernel, or larger",
    call(x, w, stride=(3, 4)),
    call(x, w[..., :2, :], stride=(4, 5)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv_transpose2d-hidden-padding", "points": 3}
# The third rung: padding.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7063)
x, w = rng.standard_normal((1, 1, 5, 6)), rng.standard_normal((1, 1, 4, 3))
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "padding",
    call(x, w, padding=1),
    call(x, w, None, 1, (2, 0)),
    *call(x, w, padding=(0, 2)).in_every_form(),
)
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "padding and stride",
    call(x, w, stride=2, padding=1),
    call(x, w, stride=(3, 2), padding=(1, 2)),
)
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "padding larger than the kernel minus 1",
    call(x, w[..., :2, :2], padding=2),
    call(x, w[..., :1, :], stride=2, padding=(1, 3)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv_transpose2d-hidden-output-padding", "points": 3}
# The fourth rung: output_padding.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7064)
x, w = rng.standard_normal((1, 1, 4, 3)), rng.standard_normal((1, 1, 3, 4))
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "output_padding with as much padding or more",
    call(x, w, stride=2, padding=1, output_padding=1),
    call(x, w, None, (3, 2), (2, 1), (2, 0)),
    *call(x, w, stride=(2, 3), padding=(1, 2), output_padding=(0, 2)).in_every_form(),
)
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "output_padding with less padding, or none",
    call(x, w, stride=3, output_padding=2),
    call(x, w, stride=3, padding=1, output_padding=2),
    call(x, w, stride=(4, 5), output_padding=(3, 1)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv_transpose2d-hidden-channels", "points": 3}
# The last rung: several samples and channels, and the bias.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7065)
x, w, b = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((3, 4, 3, 2)), rng.standard_normal(4)
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "several channels and samples",
    call(x, w),
    call(x, w[:, :2], stride=2),
    call(x[:, :1], w[:1], stride=(1, 2)),
    call(x, w[:, :3], padding=1),
)
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "the bias, wherever an output is, once",
    call(x, w, b),
    call(x, w, b, stride=(3, 4)),
    call(x, w, b=np.array([3, 0, -2, 7]), stride=2, padding=(1, 0)),
)
check.hidden(
    "conv_transpose2d",
    conv_transpose2d,
    "everything at once",
    call(x, w, b, (2, 3), (1, 1), (1, 2)),
    call(x, w, b, stride=3, padding=0, output_padding=(2, 1)),
    *call(x, w, b, stride=(3, 2), padding=(2, 1), output_padding=1).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** brings shapes back. Here go inputs of 7 and of 8 through a convolution, and back again:
"""

# %%
w = np.ones((1, 1, 3, 3))
for n in possible_input_sizes(3, 3, 2, 0):
    smaller = conv2d_grouped(np.ones((1, 1, n, n)), w, stride=2)
    back = conv_transpose2d(smaller, w, stride=2, output_padding=n - 7)
    print(f"{n} x {n} -> {smaller.shape[2]} x {smaller.shape[3]} -> {back.shape[2]} x {back.shape[3]}")

# %% [markdown]
r"""
Shapes, but not values. Still, with a good kernel it is a good *guess*: it paints between the numbers it has. Below, a
convolution with stride 2 shrinks a photograph to a quarter of its pixels, the mean of each 2x2 block. Three transposed convolutions with
stride 2 enlarge it again: a stamp of 2x2 ones (each pixel becomes a block), one of 3x3 ones, and a tent of 4x4
taps, $\frac14, \frac34, \frac34, \frac14$ along each axis.
"""

# %%
head = images.shrink(images.camera()[30:174, 150:294], 72)
small = conv2d_grouped(head[None, None], np.ones((1, 1, 2, 2)) / 4, stride=2)
tent = np.array([0.25, 0.75, 0.75, 0.25])
enlarged = {
    "2 × 2 ones": conv_transpose2d(small, np.ones((1, 1, 2, 2)), stride=2),
    "3 × 3 ones": conv_transpose2d(
        small, np.ones((1, 1, 3, 3)) / 2.25, stride=2, padding=1, output_padding=1
    ),
    "4 × 4 tent": conv_transpose2d(small, np.outer(tent, tent)[None, None], stride=2, padding=1),
}
figures.pictures(
    [head, small[0, 0], *(y[0, 0] for y in enlarged.values())], ["72 × 72", "36 × 36", *enlarged], columns=5
)
for name, y in enlarged.items():
    print(f"{name}: mean error {np.abs(y[0, 0] - head).mean():.3f}")

# %% [markdown]
"""
In mean error the blocks win, for the small picture holds exactly their means; to the eye the tent does. And the picture between them is
covered with a **checkerboard**. It does not come from the photograph: count how many stamps
reach each output. When the stride does not divide the kernel size, some pixels get more than their neighbours, whatever the
input.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 5, figsize=(8.8, 2.2))
for ax, (k, s) in zip(axes, ((2, 2), (3, 2), (4, 2), (5, 2), (4, 3)), strict=True):
    count = conv_transpose2d(np.ones((1, 1, 6, 6)), np.ones((1, 1, k, k)), stride=s)[0, 0]
    count = count[k - 1 : k + 8, k - 1 : k + 8]  # far from the border
    ax.imshow(count, cmap="YlOrBr", vmin=0, vmax=9)
    for (r, c), value in np.ndenumerate(count):
        ax.text(c, r, f"{value:g}", ha="center", va="center", fontsize=7, color=figures.INK)
    ax.set(title=f"k = {k}, s = {s}", xticks=[], yticks=[])
plt.show()

# %% [markdown]
r"""
So many generators of images take $k = 4$, $s = 2$, or first enlarge by copying pixels and then convolve. A kernel with the
right weights can hide the pattern (the tent does: each pixel gets a total weight of 1), but a network has to *learn* that.

## Unshared: every position its own kernel

Now give up the second promise. In a **locally connected** layer, also called *unshared convolution*, every output has its own window
and its own weights: six axes, output map, row, column, input channel, and row and column of the tap. Every output also has its own bias.

$$y_{d,i,j} \;=\; b_{d,i,j} + \sum_{c,u,v} w_{d,\,i,\,j,\,c,\,u,\,v}\; x_{c,\,i+u,\,j+v}$$

On a 4x4 image with 2x2 windows at stride 2, sharing makes do with 4 weights where an unshared layer has 16:
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(6.4, 2.6))
for ax, name, colours in (
    (axes[0], "shared: 4 weights", rainbow(4)),
    (axes[1], "unshared: 16 weights", rainbow(16)),
):
    for r, c in np.ndindex(4, 4):
        tap, position = r % 2 * 2 + c % 2, r // 2 * 2 + c // 2
        colour = colours[tap if len(colours) == 4 else position * 4 + tap]
        ax.add_patch(plt.Rectangle((c, r), 1, 1, fc=colour, ec="white"))
    for r, c in np.ndindex(2, 2):
        ax.add_patch(plt.Rectangle((2 * c, 2 * r), 2, 2, fill=False, ec=figures.INK, lw=2.5))
    ax.set(xlim=(-0.1, 4.1), ylim=(4.1, -0.1), aspect="equal", title=name, xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
"""
### Exercise 7.7 · `locally_connected2d`
●●○○ · 10 min

Compute the formula above for all samples: stride 1, no padding. Output `(d, i, j)` uses the kernel `w[d, i, j]` and the bias `b[d, i, j]`.

<details><summary>Hint 1: a nudge</summary>

It is the plain loop over positions. Only one thing differs: which kernel meets the window at $(i, j)$?
</details>

<details><summary>Hint 2: nearly the answer</summary>

In a loop over `d`, `i` and `j`: `w[d, i, j]` has the shape `(C, kH, kW)`, that of the window `x[n, :, i : i + kH, j : j + kW]`.
Add `b[d, i, j]` to their inner product.
</details>
"""


# %% nbgrader={"grade_id": "locally_connected2d", "solution": true}
def locally_connected2d(x, w, b):
    """An unshared convolution: every output element has a kernel and a bias of its own; stride 1, no padding.

    x: (N, C, H, W). w: (D, Ho, Wo, C, kH, kW) with Ho = H - kH + 1, Wo = W - kW + 1. b: (D, Ho, Wo).
    Returns (N, D, Ho, Wo). Leaves its arguments as they are.
    """
    ### BEGIN SOLUTION
    D, Ho, Wo, _, kH, kW = w.shape
    y = np.zeros((len(x), D, Ho, Wo))
    for d in range(D):
        for i in range(Ho):
            for j in range(Wo):
                window = x[:, :, i : i + kH, j : j + kW].astype(float)
                y[:, d, i, j] = np.sum(window * w[d, i, j], axis=(1, 2, 3)) + b[d, i, j]
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "locally_connected2d-examples", "points": 3}
x = np.arange(1, 10).reshape(1, 1, 3, 3)
w = np.eye(4, dtype=int).reshape(1, 2, 2, 1, 2, 2)  # each position takes another corner of its window
zero = np.zeros((1, 2, 2))

check.examples(
    "locally_connected2d",
    locally_connected2d,
    call(x, w, zero).gives([[[[1, 3], [7, 9]]]]),  # upper left, upper right, lower left, lower right
    call(x, np.ones_like(w), zero).gives([[[[12, 16], [24, 28]]]]),  # all kernels equal: a convolution
    call(x, w, np.array([[[0, 0.5], [10, 100]]])).gives([[[[1, 3.5], [17, 109]]]]),  # a bias for each output
    call(
        np.sin(np.arange(48)).reshape(2, 2, 3, 4),
        np.cos(np.arange(144)).reshape(3, 2, 3, 2, 2, 2),
        np.ones((3, 2, 3)),
    ),
)

# %% nbgrader={"grade_id": "locally_connected2d-hidden", "points": 5}
# The hidden tests of `locally_connected2d` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7071)
x = rng.standard_normal((2, 3, 5, 6))
w, b = rng.standard_normal((4, 4, 4, 3, 2, 3)), rng.standard_normal((4, 4, 4))
check.hidden(
    "locally_connected2d",
    locally_connected2d,
    "several samples, channels and maps",
    call(x, w, b),
    call(x[:1], w[:1], b=b[:1]),
    *call(x, w[:2], b[:2]).in_every_form(),
)
tall = rng.standard_normal((3, 2, 4, 2, 3, 1)), rng.standard_normal((3, 2, 4))
check.hidden(
    "locally_connected2d",
    locally_connected2d,
    "maps that are not square, or a single element",
    call(x[:, :2, :4, :4], *tall),
    call(x[..., :2, :3], w[:, :1, :1], b[:, :1, :1]),
    call(x[..., :4], w[:, :, :2], b[..., :2]),
)
whole = rng.integers(100, 250, (1, 2, 3, 4)).astype(np.uint8)
taps, shifts = rng.integers(100, 250, (2, 2, 2, 2, 2, 3)), rng.integers(0, 200, (2, 2, 2))
check.hidden(
    "locally_connected2d",
    locally_connected2d,
    "integers",
    call(whole, rng.standard_normal(taps.shape), rng.standard_normal(shifts.shape)),
    call(whole, taps.astype(np.uint8), shifts.astype(np.uint8)),
    call(whole.astype(int) - 170, taps - 170, shifts - 99),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** is right where positions have *roles*. In photographs of aligned faces the eyes are always
in the same place, and a mouth detector there is wasted. (DeepFace, 2014, had three such layers, on faces turned to the front.)
The price shows in the shape of `w`: on large maps millions of weights, each used once per image.

## Tiled: kernels that take turns

Between the two extremes lies **tiled** convolution. A set of $t \times t$ kernels takes turns: along each axis every
$t$-th output uses the same one. For $t = 1$ it is the plain convolution; when $t$ is the size of the output, every
position has its own, and it is the unshared layer. Biases are tiled as kernels are.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 4, figsize=(8.8, 2.2))
for ax, (name, t) in zip(
    axes, (("plain, t = 1", 1), ("tiled, t = 2", 2), ("tiled, t = 3", 3), ("unshared, t = 6", 6)), strict=True
):
    colours = SHARED if t == 1 else rainbow(3 * t)
    links = [(i + tap, i, colours[i % t * 3 + tap]) for i in range(6) for tap in range(3)]
    connect(ax, links, range(8), range(1, 7), f"{name}\n{3 * t} weights")
plt.show()

# %% [markdown]
"""
### Exercise 7.8 · `tiled_conv2d`
●●○○ · 10 min

Output $(i, j)$ of every map uses the kernels `w[i % t, j % t]`, of shape `(D, C, kH, kW)`, and the biases `b[i % t, j % t]`, of shape
`(D,)`. Stride 1, no padding. The output's height and width need not be multiples of $t$: the last tile is cut off then.

<details><summary>Hint 1: a nudge</summary>

The loop of the last exercise again; only the index of the kernel is another.
</details>

<details><summary>Hint 2: nearly the answer</summary>

For `i`, `j` and `d`: `kernel = w[i % t, j % t, d]` and its bias `b[i % t, j % t, d]`, with `t = w.shape[0]`.
</details>
"""


# %% nbgrader={"grade_id": "tiled_conv2d", "solution": true}
def tiled_conv2d(x, w, b):
    """A tiled convolution: t x t kernels take turns along both axes; stride 1, no padding.

    x: (N, C, H, W). w: (t, t, D, C, kH, kW). b: (t, t, D).
    Returns (N, D, H - kH + 1, W - kW + 1), where output (i, j) uses w[i % t, j % t] and b[i % t, j % t]; neither
    size needs to be a multiple of t. Leaves its arguments as they are.
    """
    ### BEGIN SOLUTION
    t, _, D, _, kH, kW = w.shape
    N, _, H, W = x.shape
    y = np.zeros((N, D, H - kH + 1, W - kW + 1))
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            kernels, window = w[i % t, j % t], x[:, :, i : i + kH, j : j + kW].astype(float)
            for d in range(D):
                y[:, d, i, j] = np.sum(window * kernels[d], axis=(1, 2, 3)) + b[i % t, j % t, d]
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "tiled_conv2d-examples", "points": 4}
ones = np.ones((1, 1, 3, 5), dtype=int)
w = np.array([[1, 10], [100, 1000]]).reshape(2, 2, 1, 1, 1, 1)
zero = np.zeros((2, 2, 1))

check.examples(
    "tiled_conv2d",
    tiled_conv2d,
    call(ones, w, zero).gives([[[[1, 10, 1, 10, 1], [100, 1000, 100, 1000, 100], [1, 10, 1, 10, 1]]]]),
    call(ones[:, :, :2, :3], w, w[..., 0, 0, 0] / 2).gives([[[[1.5, 15, 1.5], [150, 1500, 150]]]]),
    call(ones, w[:1, :1], zero[:1, :1] + 4).gives([[[[5] * 5] * 3]]),  # t = 1: a convolution
    call(
        np.sin(np.arange(70)).reshape(1, 2, 5, 7),
        np.cos(np.arange(216)).reshape(3, 3, 3, 2, 2, 2),
        np.ones((3, 3, 3)),
    ),
)

# %% nbgrader={"grade_id": "tiled_conv2d-hidden", "points": 5}
# The hidden tests of `tiled_conv2d` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7081)
x, w, b = (
    rng.standard_normal((2, 3, 7, 6)),
    rng.standard_normal((3, 3, 4, 3, 2, 3)),
    rng.standard_normal((3, 3, 4)),
)
check.hidden(
    "tiled_conv2d",
    tiled_conv2d,
    "sizes that are multiples of t",
    call(x[..., :5], w, b),
    call(x[..., :5, :4], w[:2, :2, :2], b=b[:2, :2, :2]),
)
check.hidden(
    "tiled_conv2d",
    tiled_conv2d,
    "sizes that are not",
    call(x, w, b),
    call(x, w[:2, :2], b[:2, :2]),
    *call(x[:1], w[:2, :2, :2], b[:2, :2, :2]).in_every_form(),
)
check.hidden(
    "tiled_conv2d",
    tiled_conv2d,
    "t = 1, and t larger than the output",
    call(x, w[:1, :1], b[:1, :1]),
    call(x[..., :3, :4], w, b),
    call(x[..., :2, :3], w, b),
)
long = (
    rng.standard_normal((1, 1, 9, 12)),
    rng.standard_normal((2, 2, 1, 1, 2, 2)),
    rng.standard_normal((2, 2, 1)),
)
check.hidden("tiled_conv2d", tiled_conv2d, "maps much larger than a tile", call(*long))
whole = rng.integers(100, 250, (1, 2, 4, 4)).astype(np.uint8)
taps, shifts = rng.integers(100, 250, (2, 2, 2, 2, 2, 2)), rng.integers(0, 200, (2, 2, 2))
check.hidden(
    "tiled_conv2d",
    tiled_conv2d,
    "integers",
    call(whole, rng.standard_normal(taps.shape), rng.standard_normal(shifts.shape)),
    call(whole, taps.astype(np.uint8), shifts.astype(np.uint8)),
    call(whole.astype(int) - 170, taps - 170, shifts - 99),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** contains both of its neighbours:
"""

# %%
rng = np.random.default_rng(4)
x, w, b = (
    rng.standard_normal((1, 2, 7, 7)),
    rng.standard_normal((5, 5, 3, 2, 3, 3)),
    rng.standard_normal((5, 5, 3)),
)
plain = conv2d_grouped(x, w[0, 0], b[0, 0])
unshared = locally_connected2d(x, w.transpose(2, 0, 1, 3, 4, 5), b.transpose(2, 0, 1))
print("t = 1 is the convolution:  ", np.allclose(tiled_conv2d(x, w[:1, :1], b[:1, :1]), plain))
print("t = 5 is the unshared layer:", np.allclose(tiled_conv2d(x, w, b), unshared))

# %% [markdown]
"""
And it is $t^2$ *strided* convolutions, woven into one map. With four edge detectors on coins, the output is
a speckled mixture. Take every second row and every second column, and out come four clean maps, each with its own kind of edges.
"""

# %%
coins = images.coins((76, 96))[None, None]
edge = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
slant = np.array([[0.0, 1, 2], [-1, 0, 1], [-2, -1, 0]])
four = np.array([[edge, edge.T], [slant, slant[:, ::-1]]])[:, :, None, None]
woven = tiled_conv2d(coins, four, np.zeros((2, 2, 1)))[0, 0]
parts = {f"[{i}::2, {j}::2]": woven[i::2, j::2] for i in (0, 1) for j in (0, 1)}
figures.feature_maps([woven, *parts.values()], ["woven", *parts], columns=3)

# %% [markdown]
r"""
What sharing was good for shows when the camera moves. If it moves by $\Delta$ pixels, the output of a convolution moves by $\Delta$ and
is otherwise the same. With $t$ kernels that take turns this holds for multiples of $t$ only, and without sharing never. Below
is how far *move, then compute* differs from *compute, then move*, as a share of the output's own size:
"""

# %% tags=["figure"]
rng = np.random.default_rng(8)
scene = images.coins((60, 76))[20:36, :36]
own = rng.standard_normal((1, 14, 22, 1, 3, 3))
turns = {t: rng.standard_normal((t, t, 1, 1, 3, 3)) for t in (1, 2, 3)}
layers = {
    "plain": lambda x: tiled_conv2d(x, turns[1], np.zeros((1, 1, 1))),
    "tiled, t = 2": lambda x: tiled_conv2d(x, turns[2], np.zeros((2, 2, 1))),
    "tiled, t = 3": lambda x: tiled_conv2d(x, turns[3], np.zeros((3, 3, 1))),
    "unshared": lambda x: locally_connected2d(x, own, np.zeros((1, 14, 22))),
}
fig, ax = plt.subplots(figsize=(7.8, 3))
shifts = range(9)
for (name, layer), colour, marker in zip(
    layers.items(), (figures.OUTPUT, figures.KERNEL, figures.INPUT, figures.WRONG), "os^D", strict=True
):
    still = layer(scene[None, None, :, :24])[0, 0]
    gaps = []
    for shift in shifts:
        moved = layer(scene[None, None, :, shift : shift + 24])[0, 0]
        there, here = still[:, shift:], moved[:, : still.shape[1] - shift]
        gaps.append(np.linalg.norm(here - there) / np.linalg.norm(there))
    ax.plot(shifts, gaps, color=colour, marker=marker, ms=5, label=name)
ax.set(
    xlabel="the camera moves by so many pixels",
    ylabel="relative difference",
    xticks=shifts,
    ylim=(-0.1, None),
)
fig.legend(loc="outside right center")
plt.show()

# %% [markdown]
r"""
## What it all costs

### Exercise 7.9 · `variant_parameters`
●●○○ · 10 min

Return the number of weights and the number of biases of a layer from $C$ = `c_in` to $D$ = `c_out` channels, two ints. The kinds:

| `kind` | option | weights | biases |
|---|---|---|---|
| `"conv"` (strided and dilated, too), `"transposed"` | | a kernel for each pair of channels | one a map |
| `"grouped"` | `groups` | an output channel reads $C$ / groups channels | one a map |
| `"depthwise_separable"` | | both steps | in the second step only, one a map |
| `"pointwise"` | | 1x1, whatever `kernel_size` says | one a map |
| `"unshared"` | `out_size=(Ho, Wo)` | a kernel for every output element | one an output element |
| `"tiled"` | `t` | $t \times t$ sets of kernels | $t \times t$ sets of biases |

Any other kind raises `ValueError`.

<details><summary>Hint 1: a nudge</summary>

The shapes of `w` and `b` in the exercises above say it all: multiply their sizes.
</details>

<details><summary>Hint 2: two at once</summary>

Unshared and tiled layers are the plain layer several times over, weights and biases alike. How many times?
</details>

<details><summary>Hint 3: another kind</summary>

End with `raise ValueError(f"there is no layer of the kind {kind!r}")`.
</details>
"""


# %% nbgrader={"grade_id": "variant_parameters", "solution": true}
def variant_parameters(kind, c_in, c_out, kernel_size, *, groups=1, out_size=None, t=None):
    """How many weights and biases a layer has.

    kind: "conv", "transposed", "grouped", "depthwise_separable", "pointwise", "unshared" or "tiled".
    c_in, c_out: ints. kernel_size: int or (kH, kW). groups: for "grouped". out_size: (Ho, Wo), for "unshared".
    t: for "tiled".
    Returns (weights, biases), two ints. Another kind raises ValueError.
    """
    ### BEGIN SOLUTION
    kH, kW = pair(kernel_size)
    weights = c_out * c_in * kH * kW
    if kind in ("conv", "transposed"):
        return weights, c_out
    if kind == "grouped":
        return weights // groups, c_out
    if kind == "depthwise_separable":
        return c_in * kH * kW + c_out * c_in, c_out
    if kind == "pointwise":
        return c_out * c_in, c_out
    if kind == "unshared":
        return out_size[0] * out_size[1] * weights, out_size[0] * out_size[1] * c_out
    if kind == "tiled":
        return t * t * weights, t * t * c_out
    raise ValueError(f"there is no layer of the kind {kind!r}")
    ### END SOLUTION


# %% nbgrader={"grade_id": "variant_parameters-examples", "points": 3}
check.examples(
    "variant_parameters",
    variant_parameters,
    call("conv", 1, 1, 2).gives((4, 1)),
    call("unshared", 1, 1, 2, out_size=(2, 2)).gives((16, 4)),  # the 4 x 4 image above
    call("tiled", 1, 1, 2, t=2).gives((16, 4)),  # as many: t is the width of that output
    call("conv", 96, 256, 5).gives((614400, 256)),
    call("grouped", 96, 256, 5, groups=2).gives((307200, 256)),  # AlexNet's second layer
    call("depthwise_separable", 64, 128, 3).gives((8768, 128)),  # 576 + 8 192
    call("pointwise", 128, 10, 3).gives((1280, 10)),
    call("transposed", 2, 3, (4, 5)).gives((120, 3)),
    call("dense", 2, 3, 4).raises(ValueError),
)

# %% nbgrader={"grade_id": "variant_parameters-hidden", "points": 4}
# The hidden tests of `variant_parameters` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7091)
c, d, k, m, g, t = rng.integers(2, 12, 6).tolist()
check.hidden(
    "variant_parameters",
    variant_parameters,
    "convolutions and transposed ones",
    call("conv", c, d + 12, k),
    call("conv", c_in=c, c_out=d, kernel_size=(k, k + 2)),
    call("transposed", d + 9, c, k),
    call("transposed", c, d + 12, (k + 1, k)),
)
check.hidden(
    "variant_parameters",
    variant_parameters,
    "groups, and one group for each channel",
    call("grouped", 4 * c, 4 * d, k, groups=4),
    call("grouped", 15, 30, (k, k + 3), groups=15),
    call("grouped", c, d, k),
)
check.hidden(
    "variant_parameters",
    variant_parameters,
    "separable and pointwise layers",
    call("depthwise_separable", c, d + 12, k),
    call("depthwise_separable", d + 12, c, (k, k + 1)),
    call("pointwise", c, d, k),
    call("pointwise", c, d + 1, (2, 3)),
)
check.hidden(
    "variant_parameters",
    variant_parameters,
    "unshared and tiled layers",
    call("unshared", c, d, k, out_size=(m, m + 3)),
    call("unshared", c, d, (k + 1, k), out_size=(m + 2, 1)),
    call("tiled", c, d, k, t=t),
    call("tiled", c, d, (k, k + 2), t=1),
)
check.hidden(
    "variant_parameters",
    variant_parameters,
    "a kind that there is not",
    call("fully connected", c, d, k).raises(ValueError),
    call("separable", c, d, k, groups=2).raises(ValueError),
    call("", c, d, 1).raises(ValueError),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** fills a column of the table below: one layer from 64 to 64 channels with 3x3 kernels on maps of
32x32, padded so that they keep their size (the strided layer makes 16x16 of it, the transposed one 64x64). Operations are
multiply-adds; *reuse* says how often a weight is used for one image; the last column is what an output sees of each
channel that it reads, counted below.
"""

# %% tags=["figure"]
c, n, k = 64, 32, 3
rows = {  # name: kind, options, multiply-adds for each weight, input pixels seen
    "plain": ("conv", {}, n * n, "3 × 3"),
    "strided, s = 2": ("conv", {}, n * n // 4, "3 × 3"),
    "dilated, d = 2": ("conv", {}, n * n, "9 in 5 × 5"),
    "grouped, 8 groups": ("grouped", {"groups": 8}, n * n, "3 × 3"),
    "depthwise separable": ("depthwise_separable", {}, n * n, "3 × 3"),
    "pointwise": ("pointwise", {}, n * n, "1"),
    "transposed, s = 2": ("transposed", {}, n * n, "1, 2 or 4"),
    "tiled, t = 2": ("tiled", {"t": 2}, n * n // 4, "3 × 3"),
    "unshared": ("unshared", {"out_size": (n, n)}, 1, "3 × 3"),
}
costs = {}
print(f"{'layer':<20}{'weights':>12}{'biases':>9}{'operations':>13}{'reuse':>7}   sees")
for name, (kind, options, reuse, seen) in rows.items():
    weights, biases = variant_parameters(kind, c, c, k, **options)
    costs[name] = weights, weights * reuse
    print(f"{name:<20}{weights:>12,}{biases:>9,}{weights * reuse:>13,}{reuse:>7,}   {seen}")
dense = (c * n * n) ** 2
print(f"{'fully connected':<20}{dense:>12.2e}{c * n * n:>9,}{dense:>13.2e}{1:>7}   32 × 32")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.7, 3.2), sharey=True)
for ax, column, title in ((axes[0], 0, "weights"), (axes[1], 1, "operations")):
    values = [cost[column] for cost in costs.values()]
    ax.barh(list(costs), values, color=figures.KERNEL if column == 0 else figures.OUTPUT, height=0.65)
    ax.set(xscale="log", xlabel=title, xlim=(1e3, 4e8))
    for place, value in enumerate(values):
        ax.text(value * 1.25, place, f"{value / values[0]:,.4g} ×".replace(",", " "), va="center", fontsize=9)
axes[0].invert_yaxis()
fig.suptitle("Relative to the plain layer", fontsize=11.5)
plt.show()

# %% [markdown]
"""
The two pictures tell the families apart. Stride saves operations, and no weights. Dilation costs nothing at all. Groups and
separable layers save both. Unshared and tiled layers cost weights, but not one operation more.

What an output sees needs no formula: put a single 1 at each input pixel in turn, and look what arrives at one output in
the middle. The kernel has the taps 1 to 9 (tiled and unshared layers: random ones).
"""

# %%
n = 9
clicks = np.eye(n * n).reshape(n * n, 1, n, n)  # 81 images, each with a 1 at another pixel
taps = np.arange(1.0, 10).reshape(1, 1, 3, 3)
twice = conv_transpose2d(clicks, taps, stride=2, padding=1, output_padding=1)
rng = np.random.default_rng(9)
turns = rng.uniform(1, 9, (2, 2, 1, 1, 3, 3))
own = rng.uniform(1, 9, (1, 7, 7, 1, 3, 3))
answers = {
    "plain": conv2d_grouped(clicks, taps, padding=1)[:, 0, 4, 4],
    "stride 2": conv2d_grouped(clicks, taps, stride=2, padding=1)[:, 0, 2, 2],
    "dilation 2": conv2d_grouped(clicks, taps, padding=2, dilation=2)[:, 0, 4, 4],
    "pointwise": conv2d_grouped(clicks, taps[..., 1:2, 1:2])[:, 0, 4, 4],
    "transposed, (8, 8)": twice[:, 0, 8, 8],
    "transposed, (9, 9)": twice[:, 0, 9, 9],
    "tiled, t = 2": tiled_conv2d(clicks, turns, np.zeros((2, 2, 1)))[:, 0, 3, 3],
    "unshared": locally_connected2d(clicks, own, np.zeros((1, 7, 7)))[:, 0, 3, 3],
}
figures.feature_maps([seen.reshape(n, n) for seen in answers.values()], list(answers), columns=4)
for name, seen in answers.items():
    print(f"{name:<20}{np.count_nonzero(seen)} pixels")

# %% [markdown] nbgrader={"grade_id": "why-separable-question", "locked": true}
"""
### Written question 7.10 · why not always separable?
●●○○ · 10 min

A colleague replaces every 3x3 convolution of a network, 256 to 256 channels, by a depthwise separable one. "It is the same layer at
a ninth of the price, so plain convolutions are a waste."

In three to six sentences: how much does it save? Is it the same layer, that is, which plain convolutions can it not
express? Why does it often work all the same? Name a layer for which the change would not pay.

<details><summary>Hint 1</summary>

Write down the kernel slice through which output 0 sees channel 5, and the one through which output 1 sees channel 5.
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- The saving: 1 - 1/256 - 1/9, 88.5 % of the weights (and of the operations): close to a ninth of the price is right.
- Not the same layer: w[d, c] = p[d, c] k[c], so all outputs see a channel through one and the same kernel up to a factor; a
  plain layer may look for a vertical edge of channel c in one output and for a horizontal one in another.
- Why it works: kernels of trained layers are redundant (nearly of this form); the saved weights can be spent on more
  channels or layers (or several depthwise kernels a channel); fewer weights need fewer examples; 1x1 still mixes all channels.
- Where it does not pay: few outputs (c_out = 1 loses), 1x1 kernels (lose), a first layer on grey or RGB images, where
  one kernel for each of 1 to 3 channels is too few and little is saved.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-separable", "solution": true, "points": 8}
"""
The saving is real: 1 - 1/256 - 1/9, about 88.5 % of the weights and of the operations. But it is not the same layer. Its kernel slices
are p[d, c] k[c], so every output looks at channel c through the same spatial kernel, only more or less of it; a plain layer can let one
output look for vertical and another for horizontal edges in that channel. It works all the same because kernels of
trained layers resemble one another, because the 1x1 step still mixes all channels, and because what is saved buys more channels and more layers,
which bring more kinds of kernels. It does not pay where there are few outputs or 1x1 kernels, where it even costs more, or
in the first layer, where three colour channels would have three spatial kernels in all.
"""

# %% [markdown]
r"""
## Find the error in the lecture

A lecture puts the fully connected layers at the end of a network and explains that nothing convolutional can follow a fully
connected layer.

What is wrong? Think of the fully connected layer as a layer of this chapter before you unfold the answer.

<details><summary>Answer</summary>

A fully connected layer *is* a convolution: one whose kernel is as large as its whole input. Its $D$ outputs are a map of size $1 \times 1$
with $D$ channels, and any convolution may follow: a 1x1 convolution is then the next fully connected layer, and a
*transposed* convolution paints a new grid from it, as generators and the second half of autoencoders do. Seen this way, the layer
even takes larger images: its kernel slides, and gives a map of answers.
</details>
"""

# %%
rng = np.random.default_rng(6)
maps, dense = rng.standard_normal((1, 2, 4, 4)), rng.standard_normal((5, 32))
code = conv2d_grouped(maps, dense.reshape(5, 2, 4, 4))
print("fully connected layer and convolution agree:", np.allclose(dense @ maps.ravel(), code.ravel()))
print("as a map:", code.shape, "-> a transposed convolution paints", end=" ")
print(conv_transpose2d(code, rng.standard_normal((5, 3, 4, 4))).shape)
print(
    "on a larger input:", conv2d_grouped(rng.standard_normal((1, 2, 6, 7)), dense.reshape(5, 2, 4, 4)).shape
)

# %% [markdown]
r"""
## Summary

- **Dilation** puts $d-1$ zeros between taps: reach $d(k-1)+1$, not one weight more. Stacks should mix dilations, or they read a grid.
- **Groups** cut the connections between channels: $1/G$ of weights and operations. **Depthwise separable** layers filter each channel, then
  mix: they save $1 - 1/c_{out} - 1/k^2$, and give up kernels that differ from output to output.
- **Transposed** convolution stamps: one input feeds a window of outputs. Padding crops, and `output_padding` says which of $s$ possible
  sizes is meant. Where the stride does not divide the kernel size, stamps overlap unevenly: checkerboards.
- **Unshared** layers give every output its own kernel and bias; **tiled** layers let $t \times t$ kernels take turns. Both cost weights, no operations,
  and equivariance (to all shifts; to shifts that are no multiples of $t$).
- A fully connected layer is a convolution over its whole input.

**Read on:** Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016), with pictures of every case; Odena, Dumoulin and
Olah, *Deconvolution and Checkerboard Artifacts* (Distill, 2016); Yu and Koltun, *Multi-Scale Context Aggregation by Dilated
Convolutions* (2016); Howard and others, *MobileNets* (2017); Goodfellow, Bengio and Courville, *Deep Learning*, section 9.5,
on unshared and tiled convolution. Next come the layers that stand between convolutions: [chapter 8](../ch08_layers/layers.ipynb).
"""
