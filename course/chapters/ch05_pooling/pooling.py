# %% [markdown]
"""
# 5 · Pooling: summaries, invariance and equivariance

**After this chapter you can** build every pooling layer that matters, to torch's last rule about borders and divisors;
measure how far a network's output moves, or stays, when its input moves; and make a detector that finds a digit however
it is turned.

**You need** windows, stride and padding from [chapter 3](../ch03_shapes/shapes.ipynb), and a feeling for kernels as
detectors from [chapter 4](../ch04_detectors/detectors.ipynb). **Time:** about 110 minutes.

The rule is the same as ever: *you build it, then torch agrees.* torch, scipy, `np.convolve` and `np.correlate` are off
limits in your answers; everything else in numpy is yours.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, animate, call, figures, images

check = Checks("ch05_pooling")
figures.use_style()

# %% [markdown]
"""
## One number for a neighbourhood

A convolution with a detector's kernel gives a map of answers: *here it looks like an edge, here it doesn't*. The map is
as fine as the image, finer than most questions need. To tell a cat from a dog you want to know *that* there is a
pointed ear in this region, not on which pixel it sits.

**Pooling** slides a window over each map and keeps one number for it, a **summary**: the largest value, the mean, the
sum, a norm. There is nothing to learn in it, so it has no parameters. Each channel is pooled on its own, so the
depth stays as it is. Usually the windows stand side by side: kernel size 2, stride 2.
"""

# %% tags=["figure"]
P = np.array([[4, 1, 5, 2, 2, 6], [1, 2, 9, 0, 2, 4], [2, 2, 6, 4, 0, 2], [3, 1, 0, 3, 3, 1]])
BLOCKS = [figures.INPUT, figures.KERNEL, figures.OUTPUT, figures.EXTRA, figures.WRONG, figures.FAINT]


def draw_cells(ax, values, colours, title, left=0.0, top=0.0):
    """Cells with their numbers; colours maps (row, column) to a colour."""
    for (row, column), value in np.ndenumerate(values):
        corner = (left + column, top + row)
        ax.add_patch(plt.Rectangle(corner, 1, 1, fc=colours(row, column), ec=figures.LINE, lw=0.8))
        ax.text(corner[0] + 0.5, corner[1] + 0.5, figures.number(value), ha="center", va="center")
    ax.text(left + values.shape[1] / 2, top - 0.35, title, ha="center", va="center")


def block_colour(row, column):
    return figures.tint(BLOCKS[3 * row + column], 0.28)


blocks = P.reshape(2, 2, 3, 2).transpose(0, 2, 1, 3).reshape(2, 3, 4)
fig, ax = plt.subplots(figsize=(8.6, 2.5))
draw_cells(ax, P, lambda row, column: block_colour(row // 2, column // 2), "a map P, windows of 2 × 2")
for n, (name, summary) in enumerate({"max": np.max, "mean": np.mean, "sum": np.sum}.items()):
    draw_cells(ax, summary(blocks, axis=2), block_colour, name, left=7.2 + 3.9 * n, top=1)
ax.set(xlim=(-0.1, 18.2), ylim=(4.1, -0.8), aspect="equal")
ax.set_axis_off()
plt.show()

# %% [markdown]
r"""
Shapes follow chapter 3's formula, on each axis on its own: $\lfloor (n + 2p - k)/s \rfloor + 1$. A stack of 64 maps
of 400 × 290 pixels becomes, with kernel 2 and stride 2, 64 maps of 200 × 145: a quarter of the values, no weight spent.
"""

# %%
pooled_shape = (64, (400 - 2) // 2 + 1, (290 - 2) // 2 + 1)
print("64 x 400 x 290 =", 64 * 400 * 290, "values  ->", *pooled_shape, "=", np.prod(pooled_shape), "values")

# %% [markdown]
r"""
## Max pooling

$$y_{n,c,i,j} \;=\; \max_{0\le a<k_H,\; 0\le b<k_W} \; x_{n,\,c,\; i s_H + a - p_H,\; j s_W + b - p_W}$$

Three rules make this torch's max pooling.

**The stride.** `stride=None`, the default, means: as large as the kernel. (A convolution's default is 1.)

**The padding is $-\infty$.** A lecture may tell you that pooling pads with zeros. Think of a map without a ReLU
whose values are all negative, with a $-3$ in its corner: a window that covers the corner and three zeros of padding
would answer 0, a value that occurs nowhere in the map. $-\infty$ never wins a maximum, so a padded window answers with
the largest value *that is really there*. That is a convenient fact: padding for max pooling moves the first window
outwards, and its values may be left out altogether.

**The last window.** Six detectors in a row, windows of width 3, stride 2: windows start at 0 and 2, and the next one,
at 4, would hang over the end. By default it is dropped, and detector 5 has no say. With `ceil_mode=True` (the number
of windows is rounded *up*) it counts, cut short. There is one exception: a window must **start on a real value or in
the padding before it**. One that starts in the padding on the far side, or beyond, is dropped also in `ceil_mode`.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.7, 2.7), width_ratios=[6.6, 6.0])
cases = (
    (6, 3, 2, 0, ("counts", "counts", "only with ceil_mode")),
    (3, 2, 2, 1, ("counts", "counts", "never")),
)
for ax, (n, k, s, p, verdicts) in zip(axes, cases, strict=True):
    for cell in range(-p, n + p):
        real = 0 <= cell < n
        fill = figures.tint(figures.INPUT, 0.25) if real else "white"
        ax.add_patch(plt.Rectangle((cell, 0), 1, 0.8, fc=fill, ec=figures.LINE))
        ax.text(cell + 0.5, 0.4, cell if real else "−∞", ha="center", va="center")
    for row, verdict in enumerate(verdicts):
        start = row * s - p
        shown = min(start + k, n + p) - start
        colour = figures.WRONG if verdict == "never" else figures.KERNEL
        style = {"ls": "-" if verdict == "counts" else "--", "lw": 1.6, "ec": colour}
        fill = figures.tint(colour, 0.3 if verdict == "counts" else 0.0)
        ax.add_patch(plt.Rectangle((start + 0.06, 1.1 + row * 0.75), shown - 0.12, 0.5, fc=fill, **style))
        ax.text(n + p + 0.2, 1.35 + row * 0.75, verdict, va="center", fontsize=10)
    ax.set(xlim=(-p - 0.1, n + p + 3.6), ylim=(3.4, -0.1))
    ax.set_title(f"{n} values, width {k}, stride {s}, padding {p}")
    ax.set_axis_off()
plt.show()

# %% [markdown]
"""
Sizes, strides and paddings come as an int or as a pair (height, width). This little helper is given, for all your
answers:
"""


# %%
def pair(value):
    """(value, value) for a number; a pair stays as it is."""
    return (value, value) if np.ndim(value) == 0 else tuple(value)


print(pair(2), pair((3, 1)))

# %% [markdown]
"""
### Exercise 5.1 · `max_pool2d`
●●●○ · 25 min

Build max pooling, equal to `torch.nn.functional.max_pool2d`. The hidden tests climb a ladder, with marks for each rung:
windows side by side, then the stride, the padding, `ceil_mode`. Get one rung working and go on from there.

<details><summary>Hint 1: one axis at a time</summary>

The rows of a window depend on $i$ alone and its columns on $j$ alone. So write down, for one axis, where each window
starts and stops, and use that for both.
</details>

<details><summary>Hint 2: the padding without any padding</summary>

With padding $p$ window $i$ starts at $i s - p$, which may be negative. What is outside never wins: cut the window to
what lies inside, from `max(start, 0)` to `min(start + k, n)`. (A negative start in a slice would count from the end.)
</details>

<details><summary>Hint 3: how many windows</summary>

With `room = n + 2 * p - k`, there are `room // s + 1` windows, or `-(-room // s) + 1` with `ceil_mode`, which rounds
up. Of these keep the ones whose start `i * s - p` is less than `n`.
</details>
"""


# %% nbgrader={"grade_id": "max_pool2d", "solution": true}
def max_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """Max pooling, as torch.nn.functional.max_pool2d (no dilation).

    x: maps (N, C, H, W), any real type. kernel_size, stride, padding: ints or pairs (height, width).
    stride None means kernel_size. padding: -inf on all sides, at most half of the kernel.
    ceil_mode: short windows at the end count, if they start before the end of the map.
    Returns (N, C, Ho, Wo). Leaves x as it is.
    """
    ### BEGIN SOLUTION
    sizes, steps, pads = pair(kernel_size), pair(kernel_size if stride is None else stride), pair(padding)

    def spans(n, k, s, p):
        """Where the windows along one axis start and stop, cut to the map."""
        room = n + 2 * p - k
        count = (-(-room // s) if ceil_mode else room // s) + 1
        starts = [i * s - p for i in range(count) if i * s - p < n]
        return [(max(start, 0), min(start + k, n)) for start in starts]

    rows, columns = (spans(*axis) for axis in zip(x.shape[2:], sizes, steps, pads, strict=True))
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            y[:, :, i, j] = x[:, :, top:bottom, left:right].max(axis=(2, 3))
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "max_pool2d-examples", "points": 8}
P = np.array([[4, 1, 5, 2, 2, 6], [1, 2, 9, 0, 2, 4], [2, 2, 6, 4, 0, 2], [3, 1, 0, 3, 3, 1]])
maps = np.stack([P, -P])[None]  # one sample, two channels
row = np.array([[[[3, 0, 1, 5, 2, 7]]]])  # six detectors
negative = np.array([[[[-3, -1], [-2, -5]]]])

check.examples(
    "max_pool2d",
    max_pool2d,
    call(maps, 2).gives([[[[4, 9, 6], [3, 6, 3]], [[-1, 0, -2], [-1, 0, 0]]]]),
    call(maps[:, :1], 3).gives([[[[9, 6]]]]),  # the fourth row fits no whole window
    call(maps[:, :1], (2, 3), stride=(1, 3)).gives([[[[9, 6], [9, 4], [6, 4]]]]),
    call(row, (1, 3), stride=(1, 2)).gives([[[[3, 5]]]]),
    call(row, (1, 3), stride=(1, 2), ceil_mode=True).gives([[[[3, 5, 7]]]]),
    call(negative, 2, padding=1).gives([[[[-3, -1], [-2, -5]]]]),  # no window answers 0
    call(row[..., :3], (1, 2), padding=(0, 1), ceil_mode=True).gives(
        [[[[3, 1]]]]
    ),  # the picture on the right
    call(np.sin(np.arange(240.0)).reshape(2, 3, 5, 8), 3, 2, 1),  # torch is asked
)

# %% nbgrader={"grade_id": "max_pool2d-hidden", "points": 3}
# The first rung: windows side by side. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5011)
x = rng.standard_normal((2, 3, 6, 9))
check.hidden(
    "max_pool2d",
    max_pool2d,
    "windows side by side",
    call(x, 3),
    call(x, 2),
    call(x, (3, 2)),
    call(x, kernel_size=(2, 3)),
    call(x[:1, :1], (6, 9)),
    call(x[:, :, :1], (1, 4)),
    call(np.swapaxes(x, 2, 3).copy(), (4, 2)),
    call(x, 1),
)
check.hidden(
    "max_pool2d",
    max_pool2d,
    "maps whose values are all negative",
    call(-np.abs(x) - 1, 2),
    call(-np.abs(x) - 1, (2, 4)),
)
check.hidden("max_pool2d", max_pool2d, "read-only arrays, views and float32", *call(x, 2).in_every_form())
whole = rng.integers(100, 250, (1, 2, 5, 6))
check.hidden(
    "max_pool2d",
    max_pool2d,
    "integers",
    call(whole.astype(np.uint8), 2),
    call(170 - whole, 2),
    call(whole, 3),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "max_pool2d-hidden-stride", "points": 3}
# The second rung: the stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5012)
x = rng.standard_normal((2, 2, 7, 10))
check.hidden(
    "max_pool2d",
    max_pool2d,
    "windows that overlap",
    call(x, 3, 1),
    call(x, 3, stride=2),
    call(x, (4, 3), stride=(3, 2)),
    call(x, (2, 3), (1, 2)),
)
check.hidden(
    "max_pool2d",
    max_pool2d,
    "windows with gaps between them",
    call(x, 2, 3),
    call(x, 1, (3, 2)),
    call(x, (1, 2), stride=(2, 5)),
    call(x, 2, 20),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "max_pool2d-hidden-padding", "points": 3}
# The third rung: padding.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5013)
x = rng.standard_normal((2, 2, 5, 8))
check.hidden(
    "max_pool2d",
    max_pool2d,
    "padding",
    call(x, 3, 1, 1),
    call(x, 3, stride=2, padding=1),
    call(x, (4, 3), (2, 1), padding=(2, 1)),
    call(x, 3, padding=(0, 1)),
    call(x, (3, 5), 2, (1, 2)),
    *call(x, (3, 2), 2, padding=1).in_every_form(),
)
below = -np.abs(x) - 1
check.hidden(
    "max_pool2d",
    max_pool2d,
    "padding around negative values, also very negative ones",
    call(below, 3, 2, 1),
    call(below, 2, padding=1),
    call(below * 2.0**60, (3, 2), 1, (1, 0)),
)
whole = rng.integers(1, 250, (1, 2, 4, 7))
check.hidden(
    "max_pool2d",
    max_pool2d,
    "padding around integers",
    call(whole.astype(np.uint8), 3, 2, 1),
    call(-whole, 2, padding=1),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "max_pool2d-hidden-ceil", "points": 3}
# The last rung: ceil_mode.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5014)
x = rng.standard_normal((2, 2, 6, 9)) - 1
check.hidden(
    "max_pool2d",
    max_pool2d,
    "ceil_mode without padding",
    call(x, 2, ceil_mode=True),
    call(x, 3, 2, 0, True),
    call(x, (4, 2), (3, 2), ceil_mode=True),
    call(x[:, :, :5], (2, 5), (2, 3), ceil_mode=True),
    call(x, 3, ceil_mode=True),
)
check.hidden(
    "max_pool2d",
    max_pool2d,
    "ceil_mode with gaps: no window starts beyond the end",
    call(x, 1, 4, ceil_mode=True),
    call(x, (2, 1), (5, 3), ceil_mode=True),
)
check.hidden(
    "max_pool2d",
    max_pool2d,
    "ceil_mode with padding",
    call(x, 3, 2, 1, ceil_mode=True),
    call(x, 2, padding=1, ceil_mode=True),
    call(x[..., :5, :7], 2, 2, 1, True),
    call(x[..., :4, :5], 3, 3, 1, True),
    call(x[..., :4], (2, 2), (3, 3), (1, 1), True),
    call(x, (4, 3), (3, 2), (2, 0), True),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on edges. Below is a photograph, and where its brightness changes sharply from left to
right (the Sobel kernel of chapter 4, then the absolute value; `correlate` is chapter 2's, given). Two ways to make
that map eight times smaller: keep every eighth pixel, or keep the largest of each 8 × 8. The first loses whatever
happens to fall between; the second keeps *that* there was an edge and forgets exactly *where*.
"""


# %%
def correlate(x, w):
    """Valid cross-correlation of maps (N, C, H, W) with kernels (D, C, kH, kW), as in chapter 2."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,dcij->ndhw", windows, w, optimize=True)


sobel_x = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])

# %% tags=["figure"]
photo = images.camera(256)
edges = np.abs(correlate(photo[None, None], sobel_x[None, None]))
pooled = max_pool2d(edges, 8)[0, 0]
figures.pictures(
    [photo, edges[0, 0] / 2, edges[0, 0, 4::8, 4::8] / 2, pooled / 2],
    ["photograph", "its edges", "every eighth pixel", "max pooling"],
)
plt.show()

# %% [markdown]
r"""
## Average pooling, and what to divide by

$$y_{n,c,i,j} \;=\; \frac{1}{m_{i,j}} \sum_{a, b} \; x_{n,\,c,\; i s_H + a - p_H,\; j s_W + b - p_W}$$

Windows are the same as before, and the padding is 0, as it should be in a sum. The question is the divisor
$m_{i,j}$: does a cell of the padding count as a value that happens to be 0, or does it not count?

- `count_include_pad=True`, the default: padding counts. $m$ is the number of cells of the window inside the *padded*
  map.
- `count_include_pad=False`: it does not. $m$ is the number of cells inside the map itself, so $y$ is the mean of what
  is really there.

What hangs over the *padded* map, in the short windows of `ceil_mode`, never counts.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7.6, 3.5))
for r in range(-1, 6):
    for c in range(-1, 8):
        real, padded = 0 <= r < 4 and 0 <= c < 6, -1 <= r < 5 and -1 <= c < 7
        if real or padded:
            fill = figures.tint(figures.INPUT, 0.25) if real else "#F2F2F2"
            ax.add_patch(plt.Rectangle((c, r), 1, 1, fc=fill, ec=figures.LINE, lw=0.8))
            ax.text(c + 0.5, r + 0.5, P[r, c] if real else 0, ha="center", va="center", color=figures.INK)
windows = {
    (-1, -1): ("9 cells with padding\n4 real ones", (-1.25, 0.5), "right"),
    (3, 5): ("4 cells with padding\n1 real one", (8.25, 4.5), "left"),
    (-1, 3): ("9 cells with padding\n6 real ones", (8.25, 0.5), "left"),
}
for (r, c), (text, at, side) in windows.items():
    ax.add_patch(plt.Rectangle((c, r), 3, 3, fill=False, ec=figures.KERNEL, lw=2.4, zorder=3))
    ax.text(*at, text, ha=side, va="center", fontsize=10)
ax.set(xlim=(-5.6, 12.4), ylim=(6.2, -1.2), aspect="equal")
ax.set_title("Kernel 3, stride 2, padding 1, ceil_mode: three of the twelve windows")
ax.set_axis_off()
plt.show()

# %% [markdown]
"""
### Exercise 5.2 · `avg_pool2d`
●●●○ · 20 min

Build average pooling, equal to `torch.nn.functional.avg_pool2d`. The ladder: windows side by side, stride, padding,
`ceil_mode`, and `count_include_pad=False`.

<details><summary>Hint 1: what you have already</summary>

Everything about where windows start and which of them count is as in exercise 5.1. What is new is one number for each
window.
</details>

<details><summary>Hint 2: the divisor, one axis at a time</summary>

The number of cells in a window is its number of rows times its number of columns. On one axis, a window from `start`
to `start + k` has `min(start + k, n) - max(start, 0)` real cells. It can't start before the padding does: how many
cells does it have up to the end of the padding, `n + p`?
</details>

<details><summary>Hint 3: nearly the answer</summary>

Along one axis keep three things for each window: first real index, end of the real ones, and the count. The count is
`min(start + k, n + p) - start` if the padding counts, else end minus first. Then
`y = sum / (count of rows * count of columns)`.
</details>
"""


# %% nbgrader={"grade_id": "avg_pool2d", "solution": true}
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Average pooling, as torch.nn.functional.avg_pool2d.

    x: maps (N, C, H, W), any real type. kernel_size, stride, padding: ints or pairs (height, width).
    stride None means kernel_size. padding: zeros on all sides, at most half of the kernel.
    ceil_mode: short windows at the end count, if they start before the end of the map.
    count_include_pad: divide by the cells inside the padded map (True) or inside the map itself (False).
    Returns (N, C, Ho, Wo). Leaves x as it is.
    """
    ### BEGIN SOLUTION
    sizes, steps, pads = pair(kernel_size), pair(kernel_size if stride is None else stride), pair(padding)

    def spans(n, k, s, p):
        """First and end index of the real cells of each window along one axis, and how many cells count."""
        room = n + 2 * p - k
        count = (-(-room // s) if ceil_mode else room // s) + 1
        starts = [i * s - p for i in range(count) if i * s - p < n]
        real = [(max(start, 0), min(start + k, n)) for start in starts]
        padded = [min(start + k, n + p) - start for start in starts]
        return [(a, b, m if count_include_pad else b - a) for (a, b), m in zip(real, padded, strict=True)]

    rows, columns = (spans(*axis) for axis in zip(x.shape[2:], sizes, steps, pads, strict=True))
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for i, (top, bottom, height) in enumerate(rows):
        for j, (left, right, width) in enumerate(columns):
            window = x[:, :, top:bottom, left:right].astype(float)
            y[:, :, i, j] = window.sum(axis=(2, 3)) / (height * width)
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "avg_pool2d-examples", "points": 10}
P = np.array([[4, 1, 5, 2, 2, 6], [1, 2, 9, 0, 2, 4], [2, 2, 6, 4, 0, 2], [3, 1, 0, 3, 3, 1]])
maps = np.stack([P, -P])[None]  # one sample, two channels
row = np.array([[[[3, 0, 3, 5, 4, 8]]]])

check.examples(
    "avg_pool2d",
    avg_pool2d,
    call(maps, 2).gives([[[[2, 4, 3.5], [2, 3.25, 1.5]], [[-2, -4, -3.5], [-2, -3.25, -1.5]]]]),
    call(row, (1, 3), stride=(1, 2)).gives([[[[2, 4]]]]),
    call(row, (1, 3), stride=(1, 2), ceil_mode=True).gives([[[[2, 4, 6]]]]),  # (4 + 8) / 2
    call(row, (1, 2), padding=(0, 1)).gives([[[[1.5, 1.5, 4.5, 4]]]]),  # (0 + 3) / 2 ... (8 + 0) / 2
    call(row, (1, 2), padding=(0, 1), count_include_pad=False).gives([[[[3, 1.5, 4.5, 8]]]]),
    # the picture above: 8 / 9 and 8 / 4 in the first corner, 1 / 4 and 1 / 1 in the last
    call(maps[:, :1], 3, 2, 1, ceil_mode=True),
    call(maps[:, :1], 3, 2, 1, ceil_mode=True, count_include_pad=False),
)

# %% nbgrader={"grade_id": "avg_pool2d-hidden", "points": 3}
# The first rung: windows side by side. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5021)
x = rng.standard_normal((2, 3, 6, 9))
check.hidden(
    "avg_pool2d",
    avg_pool2d,
    "windows side by side",
    call(x, 3),
    call(x, 2),
    call(x, (3, 2)),
    call(x, kernel_size=(2, 3)),
    call(x[:1, :1], (6, 9)),
    call(x[:, :, :1], (1, 4)),
    call(np.swapaxes(x, 2, 3).copy(), (4, 2)),
    *call(x, (2, 3)).in_every_form(),
)
whole = rng.integers(100, 250, (1, 2, 5, 6))
check.hidden(
    "avg_pool2d",
    avg_pool2d,
    "integers",
    call(whole.astype(np.uint8), 2),
    call(170 - whole, 3),
    call(whole, 2),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "avg_pool2d-hidden-stride", "points": 3}
# The second rung: the stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5022)
x = rng.standard_normal((2, 2, 7, 10))
check.hidden(
    "avg_pool2d",
    avg_pool2d,
    "windows that overlap, or with gaps between them",
    call(x, 3, 1),
    call(x, (4, 3), stride=(3, 2)),
    call(x, (2, 3), (1, 2)),
    call(x, 2, 3),
    call(x, (1, 2), stride=(2, 5)),
    call(x, 2, 20),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "avg_pool2d-hidden-padding", "points": 3}
# The third rung: padding, which counts by default.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5023)
x = rng.standard_normal((2, 2, 5, 8))
whole = rng.integers(1, 250, (1, 2, 4, 7))
check.hidden(
    "avg_pool2d",
    avg_pool2d,
    "padding",
    call(x, 3, 1, 1),
    call(x, 3, stride=2, padding=1),
    call(x, (4, 3), (2, 1), padding=(2, 1)),
    call(x, 3, padding=(0, 1)),
    call(x, (3, 5), 2, (1, 2)),
    call(whole.astype(np.uint8), 3, 2, 1),
    *call(x, (3, 2), 2, padding=1).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "avg_pool2d-hidden-ceil", "points": 3}
# The fourth rung: ceil_mode.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5024)
x = rng.standard_normal((2, 2, 6, 9))
check.hidden(
    "avg_pool2d",
    avg_pool2d,
    "ceil_mode without padding",
    call(x, 2, ceil_mode=True),
    call(x, 3, 2, 0, True),
    call(x, (4, 2), (3, 2), ceil_mode=True),
    call(x[:, :, :5], (2, 5), (2, 3), ceil_mode=True),
    call(x, 1, 4, ceil_mode=True),
    call(x, (2, 1), (5, 3), ceil_mode=True),
)
check.hidden(
    "avg_pool2d",
    avg_pool2d,
    "ceil_mode with padding",
    call(x, 3, 2, 1, ceil_mode=True),
    call(x[..., :5, :7], 2, 2, 1, True),
    call(x[..., :4, :5], 3, 3, 1, True),
    call(x[..., :4], (2, 2), (3, 3), (1, 1), True),
    call(x, (4, 3), (3, 2), (2, 0), True),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "avg_pool2d-hidden-divisor", "points": 3}
# The last rung: padding that does not count.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5025)
x = rng.standard_normal((2, 2, 6, 9))
check.hidden(
    "avg_pool2d",
    avg_pool2d,
    "padding that does not count",
    call(x, 3, 2, 1, count_include_pad=False),
    call(x, 2, padding=1, count_include_pad=False),
    call(x, (4, 3), (2, 1), (2, 1), False, False),
    call(x, 3, count_include_pad=False),
)
check.hidden(
    "avg_pool2d",
    avg_pool2d,
    "padding that does not count, with ceil_mode",
    call(x, 3, 2, 1, True, False),
    call(x[..., :5, :7], 2, 2, 1, ceil_mode=True, count_include_pad=False),
    call(x, (4, 3), (3, 2), (2, 0), True, count_include_pad=False),
    call(x, 3, 2, ceil_mode=True, count_include_pad=False),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is also how to make a photograph smaller. A brick wall has lines only a few pixels wide.
Keep every eighth pixel, and lines appear and vanish as the grid happens to hit or miss them: **aliasing**. The mean
lets every pixel have its say. The maximum does so, too, but it is a matter of taste: bright mortar grows fat. On a
printed page the same maximum eats the letters, because they are dark.
"""

# %% tags=["figure"]
wall, page = images.brick(), images.page()
for picture in (wall, page):
    each = picture[None, None]
    figures.pictures(
        [picture, picture[4::8, 4::8], max_pool2d(each, 8)[0, 0], avg_pool2d(each, 8)[0, 0]],
        ["original", "every eighth pixel", "max pooling", "average pooling"],
    )
plt.show()

# %% [markdown]
r"""
## Sums and norms: from the mean to the maximum

Leave out the division and you have **sum pooling**. It tells *how much* of a pattern there is: two edges count twice
as much as one. Between the sum and the maximum lies a whole family, the **p-norms** of the window $V$:

$$y \;=\; \Big(\sum_{v \in V} |v|^p\Big)^{1/p}$$

For $p=1$ it is the sum of absolute values, for $p=2$ the length of the window as a vector. The larger $p$, the more
the largest value dominates, and for $p\to\infty$ nothing else is left: $\max |v|$. Both exercises are in floor mode
and without padding.

### Exercise 5.3 · `sum_pool2d`
●○○○ · 5 min

Return the sum of each window.

<details><summary>Hint 1</summary>

A window's mean times its number of cells is its sum. Or take your loop and leave the division out.
</details>
"""


# %% nbgrader={"grade_id": "sum_pool2d", "solution": true}
def sum_pool2d(x, kernel_size, stride=None):
    """Sum pooling: the sum of each window that fits.

    x: maps (N, C, H, W), any real type. kernel_size, stride: ints or pairs; stride None means kernel_size.
    Returns (N, C, Ho, Wo).
    """
    ### BEGIN SOLUTION
    height, width = pair(kernel_size)
    return avg_pool2d(x, kernel_size, stride) * (height * width)
    ### END SOLUTION


# %% nbgrader={"grade_id": "sum_pool2d-examples", "points": 2}
P = np.array([[4, 1, 5, 2, 2, 6], [1, 2, 9, 0, 2, 4], [2, 2, 6, 4, 0, 2], [3, 1, 0, 3, 3, 1]])
maps = np.stack([P, -P])[None]  # one sample, two channels

check.examples(
    "sum_pool2d",
    sum_pool2d,
    call(maps, 2).gives([[[[8, 16, 14], [8, 13, 6]], [[-8, -16, -14], [-8, -13, -6]]]]),
    call(maps[:, :1], (4, 2), stride=(1, 3)).gives([[[[16, 16]]]]),  # columns 0, 1 and 3, 4
    call(maps[:, :1] / 4, (4, 6)).gives([[[[16.25]]]]),  # 65 / 4
)

# %% nbgrader={"grade_id": "sum_pool2d-hidden", "points": 3}
# The hidden tests of `sum_pool2d` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5031)
x = rng.standard_normal((2, 3, 6, 9))
check.hidden(
    "sum_pool2d",
    sum_pool2d,
    "windows side by side",
    call(x, 2),
    call(x, (3, 2)),
    call(-np.abs(x), 4),
    *call(x, (2, 3)).in_every_form(),
)
check.hidden(
    "sum_pool2d",
    sum_pool2d,
    "strides",
    call(x, 3, 1),
    call(x, (2, 3), stride=(2, 1)),
    call(x, (1, 2), (2, 4)),
    call(x, 3, stride=2),
)
whole = rng.integers(100, 250, (1, 2, 5, 6))
check.hidden("sum_pool2d", sum_pool2d, "integers", call(whole.astype(np.uint8), 2), call(170 - whole, 3, 1))
### END HIDDEN TESTS

# %% [markdown]
r"""
### Exercise 5.4 · `lp_pool2d`
●●○○ · 10 min

Return the p-norm of each window: the formula above, for any $p \ge 1$, also one that is no integer.

<details><summary>Hint 1: three steps</summary>

Something for each element, then something for each window, then something for each result. For the second you have a
function.
</details>

<details><summary>Hint 2: negative values</summary>

$(-2)^3$ is negative, and a fractional power of a negative number is nan. The formula has bars: $|v|$.
</details>

<details><summary>Hint 3: integers</summary>

For an array of type `uint8`, a power is `uint8` again: 20 ** 2 gives 144. Convert to float before the power.
</details>
"""


# %% nbgrader={"grade_id": "lp_pool2d", "solution": true}
def lp_pool2d(x, p, kernel_size, stride=None):
    """Lp pooling: (sum of |v|^p)^(1/p) over each window that fits.

    x: maps (N, C, H, W), any real type. p: a number, at least 1.
    kernel_size, stride: ints or pairs; stride None means kernel_size.
    Returns (N, C, Ho, Wo).
    """
    ### BEGIN SOLUTION
    powers = np.abs(x.astype(float)) ** p
    return sum_pool2d(powers, kernel_size, stride) ** (1 / p)
    ### END SOLUTION


# %% nbgrader={"grade_id": "lp_pool2d-examples", "points": 3}
signs = np.array([[[[3, -4, 0, -1], [0, 0, -2, 2]]]])

check.examples(
    "lp_pool2d",
    lp_pool2d,
    call(signs, 2, 2).gives([[[[5, 3]]]]),  # 9 + 16 = 25, 1 + 4 + 4 = 9
    call(signs, 1, 2).gives([[[[7, 5]]]]),
    call(signs[..., 2:], 3, (2, 1), stride=1).gives([[[[2, 9 ** (1 / 3)]]]]),  # (0 + 8), (1 + 8)
    call(signs, 2, (1, 2), (1, 1)).gives([[[[5, 4, 1], [0, 2, 8**0.5]]]]),
    call(signs / 2, 2.5, (2, 3)),  # torch is asked
)

# %% nbgrader={"grade_id": "lp_pool2d-hidden", "points": 5}
# The hidden tests of `lp_pool2d` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5041)
x = rng.standard_normal((2, 3, 5, 8))
check.hidden(
    "lp_pool2d",
    lp_pool2d,
    "several p, negative values too",
    call(x, 2, 2),
    call(x, 3, 2),
    call(x, 1, 3),
    call(x, p=5, kernel_size=(2, 4)),
    *call(x, 3, (2, 3)).in_every_form(),
)
check.hidden("lp_pool2d", lp_pool2d, "p that is no integer", call(x, 1.5, 2), call(x, 2.5, (3, 2)))
check.hidden(
    "lp_pool2d",
    lp_pool2d,
    "strides",
    call(x, 3, 3, 1),
    call(x, 2, (2, 3), stride=(2, 1)),
    call(x, 4, (1, 2), (2, 4)),
    call(x, 2, 3, stride=2),
)
whole = rng.integers(20, 200, (1, 2, 4, 6))
check.hidden(
    "lp_pool2d",
    lp_pool2d,
    "integers",
    call(whole.astype(np.uint8), 2, 2),
    call(90 - whole, 3, 2),
    call(whole, 1, 3),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is a dial. The norm itself shrinks from the sum to the maximum as $p$ grows. Divide by the
number of cells under the root, and the same dial runs from the *mean* up to the maximum:
"""

# %% tags=["figure"]
powers = np.array([1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32])
window = np.array([[[[0.5, 2.0, -3.0], [1.0, -0.5, 1.5], [2.5, 0.0, -1.0]]]])
norms = np.array([lp_pool2d(window, p, 3).item() for p in powers])
fig, (ax, view) = plt.subplots(1, 2, figsize=(8.2, 3.0), width_ratios=[3, 1.3])
ax.plot(powers, norms, "o-", ms=4, color=figures.KERNEL, label="norm, $(\\sum |v|^p)^{1/p}$")
ax.plot(powers, norms / 9 ** (1 / powers), "o-", ms=4, color=figures.OUTPUT, label="mean instead of sum")
for height, text in (
    (np.abs(window).sum(), "sum"),
    (np.abs(window).max(), "max"),
    (np.abs(window).mean(), "mean"),
):
    ax.axhline(height, color=figures.LINE, lw=1, zorder=0)
    ax.text(36, height, f"{text} of |v|", va="center")
ax.set(xscale="log", xlabel="p", xticks=[1, 2, 4, 8, 16, 32], xlim=(0.95, 33), ylim=(0, 12.7))
ax.set_xticklabels([1, 2, 4, 8, 16, 32])
ax.minorticks_off()
ax.legend(loc="upper center")
draw_cells(view, window[0, 0], lambda *_: figures.tint(figures.INPUT, 0.2), "the window")
view.set(xlim=(-1.6, 3.2), ylim=(3.2, -0.8), aspect="equal")
view.set_axis_off()
plt.show()

# %% [markdown]
"""
## The whole map at once

Let the window grow until it covers the map: **global pooling**. $C$ maps become $C$ numbers, *how much of each pattern
is in the picture*, whatever the picture's size. It replaces the layer at the end of a network that used to hold most
of its weights. Take 256 maps of 6 × 6 and 1000 classes:
"""

# %%
flattened = 6 * 6 * 256 * 1000 + 1000
averaged = 256 * 1000 + 1000
print(f"flatten, then fully connected: {flattened} parameters")
print(f"global average, then fully connected: {averaged} parameters, at any size of the maps")

# %% [markdown]
r"""
### Exercise 5.5 · `global_avg_pool`
●○○○ · 5 min

Return the mean of each map: $(N, C, H, W) \to (N, C)$.

<details><summary>Hint 1</summary>

Which two axes go away? numpy's `mean` takes a tuple of axes.
</details>
"""


# %% nbgrader={"grade_id": "global_avg_pool", "solution": true}
def global_avg_pool(x):
    """Global average pooling: one mean for each map.

    x: maps (N, C, H, W), any real type.
    Returns (N, C).
    """
    ### BEGIN SOLUTION
    return x.mean(axis=(2, 3), dtype=float)
    ### END SOLUTION


# %% nbgrader={"grade_id": "global_avg_pool-examples", "points": 2}
P = np.array([[4, 1, 5, 2, 2, 6], [1, 2, 9, 0, 2, 4], [2, 2, 6, 4, 0, 2], [3, 1, 0, 3, 3, 1]])

check.examples(
    "global_avg_pool",
    global_avg_pool,
    call(np.stack([P[:2, :2], P[:2, 2:4], -P[2:, 4:]])[None]).gives([[2, 4, -1.5]]),  # one sample, three maps
    call(np.arange(16).reshape(2, 2, 1, 4)).gives([[1.5, 5.5], [9.5, 13.5]]),  # two samples, two maps
)

# %% nbgrader={"grade_id": "global_avg_pool-hidden", "points": 3}
# The hidden tests of `global_avg_pool` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5051)
x = rng.standard_normal((2, 3, 4, 7))
check.hidden(
    "global_avg_pool",
    global_avg_pool,
    "maps of several sizes",
    call(x),
    call(x[:1]),
    call(x[:, :2]),
    call(x[:, :, :, :4]),
    call(x[:, :, :1, :1]),
    call(-np.abs(x[:, :, 1:])),
    *call(x).in_every_form(),
)
whole = rng.integers(100, 250, (2, 2, 3, 5))
check.hidden("global_avg_pool", global_avg_pool, "integers", call(whole.astype(np.uint8)), call(170 - whole))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** describes a *texture*, which is a thing that has no position. Cut pieces of many sizes out
of three pictures, standardise them, ask two detectors (how much upright edge? how much level edge?), and average each
map. Two numbers are enough to tell a wall from a page from coins, but for one small piece of a coin that strays to the
page, and pieces of 48 and of 120 pixels land in the same heap.
"""

# %% tags=["figure"]
rng = np.random.default_rng(8)
detectors = np.stack([sobel_x, sobel_x.T])[:, None]
fig, ax = plt.subplots(figsize=(6.4, 3.4))
sources = {
    "brick wall": (images.brick(256), figures.INPUT),
    "printed page": (images.page(), figures.KERNEL),
    "coins": (images.coins(), figures.OUTPUT),
}
for name, (picture, colour) in sources.items():
    for n, size in enumerate(rng.integers(48, 121, 14)):
        top, left = (rng.integers(0, length - size) for length in picture.shape)
        piece = picture[None, None, top : top + size, left : left + size]
        piece = (piece - piece.mean()) / piece.std()
        upright, level = global_avg_pool(np.abs(correlate(piece, detectors)))[0]
        ax.scatter(upright, level, s=size, color=colour, alpha=0.75, lw=0, label=name if n == 0 else None)
ax.set(
    xlabel="upright edges, mean",
    ylabel="level edges, mean",
    title="Each dot is a piece, as large as its size",
)
ax.legend(loc="upper left", markerscale=0.8)
plt.show()

# %% [markdown]
"""
## Is pooling a convolution?

Average pooling is: an inner product of each window with the kernel whose weights are all $1/(k_H k_W)$, at a stride.
Only, a convolution adds up all channels, and pooling keeps them apart. A **grouped** convolution with as many groups as
channels does that: each kernel reads one channel alone, so the weights have the shape $(C, 1, k_H, k_W)$.
"""

# %%
animate.sliding_window(P, np.full((2, 2), 0.25), stride=2)

# %% [markdown]
"""
### Exercise 5.6 · `pool_as_conv`
●○○○ · 5 min

Return the fixed weights with which a grouped convolution, `groups=channels`, is average pooling.

<details><summary>Hint 1</summary>

How many weights does one kernel have? They are equal, and a mean of ones is 1.
</details>
"""


# %% nbgrader={"grade_id": "pool_as_conv", "solution": true}
def pool_as_conv(kernel_size, channels):
    """Weights of the grouped convolution (groups=channels) that is average pooling.

    kernel_size: int or pair (height, width). channels: int.
    Returns (channels, 1, kH, kW).
    """
    ### BEGIN SOLUTION
    height, width = pair(kernel_size)
    return np.full((channels, 1, height, width), 1 / (height * width))
    ### END SOLUTION


# %% nbgrader={"grade_id": "pool_as_conv-examples", "points": 2}
check.examples(
    "pool_as_conv",
    pool_as_conv,
    call(2, 1).gives([[[[0.25, 0.25], [0.25, 0.25]]]]),
    call((1, 4), 2).gives([[[[0.25, 0.25, 0.25, 0.25]]], [[[0.25, 0.25, 0.25, 0.25]]]]),
)

# %% nbgrader={"grade_id": "pool_as_conv-hidden", "points": 3}
# The hidden tests of `pool_as_conv` run here when your work is graded.
### BEGIN HIDDEN TESTS
check.hidden(
    "pool_as_conv",
    pool_as_conv,
    "kernels and channels of several numbers",
    call(3, 2),
    call((2, 3), 4),
    call(kernel_size=(5, 1), channels=3),
    call(1, 2),
    call((1, 3), 1),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, tried out: one kernel for each channel, slid at stride 1 and then every second output
kept, is average pooling with stride 2. Max pooling has no such weights, because it is not linear: what it makes of a
sum is not the sum of what it makes of the parts.
"""

# %%
rng = np.random.default_rng(4)
x = rng.standard_normal((1, 3, 6, 8))
weights = pool_as_conv(2, 3)
grouped = np.concatenate([correlate(x[:, c : c + 1], weights[c : c + 1]) for c in range(3)], axis=1)
print(
    "average pooling - grouped convolution:",
    np.abs(avg_pool2d(x, 2) - grouped[:, :, ::2, ::2]).max().round(12),
)

a, b = np.array([[[[5.0, 0.0]]]]), np.array([[[[0.0, 3.0]]]])
print("max of a + b:", max_pool2d(a + b, (1, 2)).item())
print("max of a plus max of b:", max_pool2d(a, (1, 2)).item() + max_pool2d(b, (1, 2)).item())

# %% [markdown]
r"""
## Moved along, or unmoved

Shift an image by $T$ and give it to $f$. Two things one may wish for:

$$\textbf{equivariance:}\quad f(T x) = T f(x) \qquad\qquad \textbf{invariance:}\quad f(T x) = f(x)$$

An equivariant map *moves along* with its input; an invariant one *does not move at all*. They exclude each other,
unless nothing is left that could move. A convolution is equivariant. Pooling is said to add invariance; how much, you
are going to measure.

### Exercise 5.7 · `changed_by_shift`
●●○○ · 10 min

Given a function `f`, an array `x` and a `shift`: roll `x` along its last axis (`np.roll`: what leaves on one side
comes back in on the other), and return the share of the values of `f` that are no longer what they were, compared in
place, exactly.

<details><summary>Hint 1: a function as an argument</summary>

`f` is called like any function: `f(x)`. You need it twice.
</details>

<details><summary>Hint 2: a share</summary>

Comparing two arrays with `!=` gives an array of True and False. Its mean is the share of True.
</details>
"""


# %% nbgrader={"grade_id": "changed_by_shift", "solution": true}
def changed_by_shift(f, x, shift):
    """Which share of the values of f(x) changes when x is rolled along its last axis.

    f: a function from an array to an array. x: an array, any shape. shift: an int, may be negative.
    Returns a float from 0 to 1: the share of values of f(np.roll(x, shift, axis=-1)) that differ from f(x) in
    place, exactly. Leaves x as it is.
    """
    ### BEGIN SOLUTION
    before, after = f(x), f(np.roll(x, shift, axis=-1))
    return float(np.mean(before != after))
    ### END SOLUTION


# %% nbgrader={"grade_id": "changed_by_shift-examples", "points": 4}
def detectors_alone(x):
    return x


def pooled_by_three(x):
    """Max pooling with width 3, stride 1; the ends are neighbours."""
    return np.maximum(np.maximum(np.roll(x, 1, axis=-1), x), np.roll(x, -1, axis=-1))


def first_and_last(x):
    return x[..., [0, -1]]


answers = np.array([1, 9, 2, 8, 3, 7, 4, 6])  # of eight detectors in a row
table = np.array([[1, 2, 3, 4], [5, 5, 5, 5]])

check.examples(
    "changed_by_shift",
    changed_by_shift,
    call(detectors_alone, answers, 1).gives(1.0),  # every detector's answer changes,
    call(pooled_by_three, answers, 1).gives(0.5),  # but only half of 9 9 9 8 8 7 7 6 do
    call(pooled_by_three, answers, 2).gives(0.875),
    call(detectors_alone, answers, 8).gives(0.0),  # all the way round
    call(detectors_alone, table, -1).gives(0.5),  # each row is rolled on its own
    call(first_and_last, np.array([4, 4, 1, 3]), 1).gives(1.0),  # 4 3 becomes 3 1
    call(np.sum, answers, 3).gives(0.0),  # one number, and it is invariant
)

# %% nbgrader={"grade_id": "changed_by_shift-hidden", "points": 6}
# The hidden tests of `changed_by_shift` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5071)


def largest_neighbour(x):
    return np.maximum(x[..., 2:], np.maximum(x[..., 1:-1], x[..., :-2]))


def every_second(x):
    return x[..., ::2]


def ramp(x):
    return np.cumsum(x, axis=-1)


def nearly_flat(x):
    return 1 + x * 2.0**-45


def row_sums(x):
    return x.sum(axis=-1)


x = rng.integers(0, 4, (3, 11))
check.hidden(
    "changed_by_shift",
    changed_by_shift,
    "functions that look at neighbours",
    call(largest_neighbour, x, 1),
    call(largest_neighbour, x, 3),
    call(largest_neighbour, rng.standard_normal(12), 2),
    *call(largest_neighbour, x / 4, 2).in_every_form(),
)
check.hidden(
    "changed_by_shift",
    changed_by_shift,
    "negative shifts, and shifts longer than the array",
    call(ramp, x, -2),
    call(largest_neighbour, x, -1),
    call(ramp, x, 15),
    call(ramp, x, shift=0),
)
check.hidden(
    "changed_by_shift",
    changed_by_shift,
    "arrays with several axes: only the last one is rolled",
    call(ramp, rng.integers(0, 3, (2, 2, 4, 5)), 2),
    call(every_second, rng.integers(0, 3, (4, 3, 6)), 1),
)
check.hidden(
    "changed_by_shift",
    changed_by_shift,
    "outputs of another shape than the input",
    call(every_second, x, 1),
    call(row_sums, x, 4),
    call(every_second, rng.integers(0, 200, (2, 9)).astype(np.uint8), 3),
)
check.hidden(
    "changed_by_shift",
    changed_by_shift,
    "tiny changes count",
    call(nearly_flat, x, 1),
    call(nearly_flat, x, 4),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** measures invariance. Take a row of detectors with random answers and shift by one: every
detector's value changes, but about half of the pooled ones, with width 3, do not. Why half? Before and after the shift
by $s$, a window of width $k$ sees $k+s$ values in all, of which $k-s$ are seen both times. The maximum stays just when
the largest of the $k+s$ is one of those, so it changes with probability $2s/(k+s)$: a half for $k=3$, $s=1$. Averages
gain nothing: every mean changes, if only a little.
"""

# %% tags=["figure"]
rng = np.random.default_rng(6)
random_row = rng.standard_normal((1, 1, 1, 800))
shifts = range(9)
fig, ax = plt.subplots(figsize=(7.6, 3.4))
ax.plot(shifts, [changed_by_shift(lambda x: x, random_row, s) for s in shifts], "s", ms=7, mfc="none",
        color=figures.INPUT, label="no pooling")  # fmt: skip
ax.plot(shifts, [changed_by_shift(lambda x: avg_pool2d(x, (1, 3), 1), random_row, s) for s in shifts], "x",
        color=figures.WRONG, label="mean of 3")  # fmt: skip
for k, colour in ((3, figures.KERNEL), (5, figures.OUTPUT), (9, figures.EXTRA)):
    measured = [changed_by_shift(lambda x, k=k: max_pool2d(x, (1, k), 1), random_row, s) for s in shifts]
    exact = np.linspace(0, 8.3, 100)
    ax.plot(exact, np.minimum(2 * exact / (k + exact), 1), color=colour, lw=1)
    ax.plot(shifts, measured, "o", ms=5, color=colour, label=f"maximum of {k}")
ax.set(xlabel="shift s", ylabel="share that changes", title="Dots: measured. Lines: $2s/(k+s)$")
ax.legend(loc="lower right", ncols=2)
plt.show()

# %% [markdown]
"""
Now for a small network on a real digit: a layer of four edge detectors with a ReLU, one of the poolings after it, and
then a whole stack (convolution, ReLU, pooling; twice). The digit is moved to the right, pixel by pixel.

*Invariance:* how far is $f(Tx)$ from $f(x)$, in place? *Equivariance:* how far is $f(Tx)$ from the nearest **moved
copy** of $f(x)$? Both are relative to the size of $f(x)$, so 0 is perfect.
"""

# %% tags=["figure"]
rng = np.random.default_rng(2)
digits, labels = images.digits()
canvas = np.zeros((1, 1, 16, 36))
canvas[0, 0, 4:12, 8:16] = digits[labels == 5][3]

edge_kernels = np.stack([sobel_x, -sobel_x, sobel_x.T, -sobel_x.T])[:, None]
second_kernels = rng.standard_normal((8, 4, 3, 3))


def first_layer(x):
    return np.maximum(correlate(x, edge_kernels), 0)


def stack(x):
    return max_pool2d(np.maximum(correlate(max_pool2d(first_layer(x), 2), second_kernels), 0), 2)


networks = {
    "convolution": (first_layer, figures.INPUT, "-"),
    "+ max pooling 3, stride 1": (lambda x: max_pool2d(first_layer(x), 3, 1), figures.KERNEL, "-"),
    "+ max pooling 2, stride 2": (lambda x: max_pool2d(first_layer(x), 2), figures.KERNEL, "--"),
    "+ mean pooling 2, stride 2": (lambda x: avg_pool2d(first_layer(x), 2), figures.EXTRA, "--"),
    "two layers, stride 4 in all": (stack, figures.OUTPUT, "--"),
    "two layers, then global": (lambda x: global_avg_pool(stack(x))[..., None], figures.WRONG, "-"),
}


def gaps(f):
    """Distance of f(shifted x) from f(x) in place, and from its nearest moved copy, for each shift."""
    base, outputs = f(canvas), [f(np.roll(canvas, s, axis=-1)) for s in range(13)]
    copies = [np.roll(base, s, axis=-1) for s in range(base.shape[-1])]
    size = np.linalg.norm(base)
    in_place = [np.linalg.norm(y - base) / size for y in outputs]
    moved = [min(np.linalg.norm(y - copy) for copy in copies) / size for y in outputs]
    return in_place, moved


measured = {name: gaps(f) for name, (f, *_) in networks.items()}
fig, axes = plt.subplots(1, 2, figsize=(8.7, 3.9), sharex=True)
for ax, which, title in zip(axes, (0, 1), ("change in place", "distance from a moved copy"), strict=True):
    for name, (_, colour, line) in networks.items():
        ax.plot(measured[name][which], line, color=colour, marker="o", ms=3.5, label=name)
    ax.set(title=f"{'Invariance' if which == 0 else 'Equivariance'}: {title}", xlabel="shift in pixels")
    ax.set_ylim(-0.05, 1.55 if which == 0 else 0.8)
    ax.set_xticks(range(0, 13, 2))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
"""
Read it from left to right.

- **The convolution** is as far from invariant as can be (1.41, the root of 2, is what two maps without any overlap
  give), and exactly equivariant: its gap on the right is 0 at every shift.
- **Pooling with stride 1** lowers the curve on the left for small shifts, and stays equivariant. It costs nothing on
  the right.
- **Pooling with stride 2** is equivariant to shifts by 2, 4, 6, ... only: after a shift by 1 the windows cut the map
  elsewhere. Two such layers leave shifts by multiples of 4.
- **Global average pooling** at the end leaves nothing that could move. So at multiples of 4 the
  network is exactly invariant, and in between only as good as its strides allow.

So pooling buys *some* invariance, to shifts about as large as its windows, and pays with position; and its stride
costs equivariance, which is often forgotten.
"""

# %% [markdown] nbgrader={"grade_id": "why-pooling-question", "locked": true}
"""
### Written question 5.8 · what does pooling buy?
●●○○ · 10 min

Two colleagues want to build a network out of convolutions and max pooling with stride 2. One wants to know *whether* a
photograph shows a dog; the other wants to know *where* in an X-ray image a fracture is, to a few pixels. A third says:
"Fine for both: convolution is translation invariant, pooling makes it even more so, and nothing important is lost."

In four to seven sentences: what is wrong in what the third one says? What does pooling do for the first task, and to
the second? What would you change for the second?

<details><summary>Hint 1</summary>

Look at the two panels above, and decide which of them each colleague should look at.
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- Convolution is equivariant, not invariant: its output moves along with the input.
- Pooling adds approximate invariance to small shifts only (about the window's size), not to all; exact invariance
  comes from global pooling, and with strides only for multiples of the total stride. (Naming the loss of equivariance
  by stride counts here.)
- The first task: a class does not depend on position, so invariance helps: fewer values, the presence counts, small
  shifts do not matter, e.g. global pooling at the end.
- The second task: the answer must move along (equivariance), and pooling with stride throws the position away. A
  sensible change: fewer or no strided poolings, stride 1, dilation for the field of view, upsampling with skip
  connections, or the like.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-pooling", "solution": true, "points": 8}
"""
Convolution is not invariant but equivariant: when the dog moves, the map of answers moves along. Max pooling makes the
result insensitive to shifts that are small against its windows, not to all shifts, and with stride 2 in every layer it
is not even exactly equivariant any more, except for multiples of the total stride. For the first task that is welcome:
the class of a photograph does not depend on the dog's position, so it is enough to keep that a pattern occurred
nearby, and a global pooling at the end forgets the rest. For the second task the position *is* the answer, and each
pooling with stride 2 halves the precision with which it can be given. There I would keep the resolution: few or no
strided poolings, stride 1 with dilated kernels for the larger field of view, or a way back up with connections that
carry the fine maps over.
"""

# %% [markdown]
r"""
## Invariance to other things: pool across detectors

Pooling over *positions* makes a unit care less about position. Nothing says that the values in a pool must come from
one detector at several places. They can come from *several detectors at one place*: if each knows one version of a
pattern, the maximum knows them all. Let the detectors be a 5 upright, a 5 tilted left and a 5 tilted right, and the
maximum answers to a 5 in any of these attitudes. In a network the kernels are learned, so *which* invariance a pool
has is learned as well.

**Maxout** does this with channels. Its $C = G\cdot k$ input channels form $G$ groups of $k$ neighbours, and each group
becomes one channel:

$$y_{n,g,i,j} \;=\; \max_{0\le m<k} \; x_{n,\; g k + m,\; i,\, j}$$
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(6.6, 2.3))
for c in range(6):
    colour = figures.tint((figures.INPUT, figures.KERNEL)[c // 3], 0.35)
    ax.add_patch(plt.Rectangle((c * 1.15, 0), 1, 1, fc=colour, ec=figures.LINE))
    ax.text(c * 1.15 + 0.5, 0.5, f"channel\n{c}", ha="center", va="center", fontsize=9.5)
    ax.plot([c * 1.15 + 0.5, (1 + 3 * (c // 3)) * 1.15 + 0.5], [1.05, 1.95], color=figures.FAINT, lw=1.2)
for g in range(2):
    left = (1 + 3 * g) * 1.15
    colour = figures.tint((figures.INPUT, figures.KERNEL)[g], 0.7)
    ax.add_patch(plt.Rectangle((left, 2), 1, 1, fc=colour, ec=figures.LINE))
    ax.text(left + 0.5, 2.5, f"max,\ngroup {g}", ha="center", va="center", fontsize=9.5)
ax.set(xlim=(-0.1, 7), ylim=(-0.1, 3.1), aspect="equal", title="6 channels, groups=2: k = 3 channels a group")
ax.set_axis_off()
plt.show()

# %% [markdown]
"""
### Exercise 5.9 · `maxout`
●●○○ · 10 min

Return the maximum over each group of neighbouring channels. `groups` is the number of groups $G$, and divides the
number of channels.

<details><summary>Hint 1: the size of a group</summary>

There are `x.shape[1] // groups` channels in each group. Group 0 is the first so many channels, group 1 the next.
</details>

<details><summary>Hint 2: without a loop</summary>

Reshape the axis of $G k$ channels to two axes. In row-major order the last index runs fastest, so is it $(G, k)$ or
$(k, G)$?
</details>
"""


# %% nbgrader={"grade_id": "maxout", "solution": true}
def maxout(x, groups):
    """Maximum across groups of neighbouring channels.

    x: maps (N, G * k, H, W). groups: int, the number of groups G; it divides the number of channels.
    Returns (N, G, H, W): group g is the maximum over the channels g * k ... g * k + k - 1.
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    return x.reshape(N, groups, C // groups, H, W).max(axis=2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "maxout-examples", "points": 3}
four = np.array([[[[1, 5]], [[3, 2]], [[-4, -1]], [[-2, -6]]]])  # one sample, four channels of 1 x 2

check.examples(
    "maxout",
    maxout,
    call(four, 2).gives([[[[3, 5]], [[-2, -1]]]]),
    call(four, 1).gives([[[[3, 5]]]]),
    call(four, 4).gives([[[[1, 5]], [[3, 2]], [[-4, -1]], [[-2, -6]]]]),
    call(np.sin(np.arange(144.0)).reshape(2, 6, 3, 4), groups=2),  # torch is asked
)

# %% nbgrader={"grade_id": "maxout-hidden", "points": 4}
# The hidden tests of `maxout` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5091)
x = rng.standard_normal((2, 12, 3, 5))
check.hidden(
    "maxout",
    maxout,
    "groups of several sizes",
    call(x, 3),
    call(x, 4),
    call(x, groups=2),
    call(x[:1, :9], 3),
    call(-np.abs(x), 6),
    *call(x, 4).in_every_form(),
)
check.hidden("maxout", maxout, "one group, and groups of one", call(x, 1), call(x, 12))
whole = rng.integers(0, 250, (2, 6, 2, 3))
check.hidden("maxout", maxout, "integers", call(whole.astype(np.uint8), 2), call(100 - whole, 3))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, with detectors for an edge in eight directions. A kernel that looks for upright edges
sees the left side of a coin; the maximum over all directions sees its whole outline, whichever way it runs. To turn a
kernel we need its values *between* pixels, and take them from the four pixels around (bilinear interpolation):
"""


# %%
def rotated(image, degrees):
    """An image (H, W) turned anticlockwise about its centre; zeros come in from outside."""
    angle, middle = np.deg2rad(degrees), (np.array(image.shape) - 1) / 2
    rows, columns = np.indices(image.shape) - middle[:, None, None]
    from_row = (
        np.cos(angle) * rows + np.sin(angle) * columns + middle[0] + 1
    )  # + 1: a frame of zeros comes next
    from_column = np.cos(angle) * columns - np.sin(angle) * rows + middle[1] + 1
    framed = np.pad(image, 1)
    r = np.clip(from_row, 0, framed.shape[0] - 1.001)
    c = np.clip(from_column, 0, framed.shape[1] - 1.001)
    i, j = r.astype(int), c.astype(int)
    u, v = r - i, c - j
    upper = (1 - v) * framed[i, j] + v * framed[i, j + 1]
    lower = (1 - v) * framed[i + 1, j] + v * framed[i + 1, j + 1]
    return (1 - u) * upper + u * lower


print(rotated(np.array([[0.0, 0, 0], [1, 2, 3], [0, 0, 0]]), 90).round(6))

# %% tags=["figure"]
edge = np.zeros((7, 7))
edge[1:6, 2], edge[1:6, 4] = -1, 1
directions = np.stack([rotated(edge, 45 * n) for n in range(8)])[:, None]
coins = images.coins()[None, None, 40:140, 200:340]
answers_by_direction = correlate(coins, directions)
figures.feature_maps(list(directions[:, 0]), [f"{45 * n}°" for n in range(8)], columns=8)
figures.pictures(
    [coins[0, 0], answers_by_direction[0, 0] / 2.5, maxout(answers_by_direction, 1)[0, 0] / 2.5],
    ["coins", "one detector, 0°", "maxout over eight"],
)
plt.show()

# %% [markdown]
r"""
### Exercise 5.10 · `rotation_tolerant`
●●○○ · 10 min

Now for the digit 5. Given an image and a set of templates of the same shape (the rows of a bank: a 5 at several
angles), return the largest of the inner products of the image with each template,

$$r(x) \;=\; \max_t \; \langle w_t, x\rangle .$$

<details><summary>Hint 1: one template</summary>

You built it in chapter 1: multiply, then sum over both axes. Here there is one such number for each template.
</details>

<details><summary>Hint 2: all at once</summary>

`templates * image` broadcasts over the first axis. Which axes do you sum over, and over which do you take the maximum?
The order of the two matters. With `uint8`, convert to float first.
</details>
"""


# %% nbgrader={"grade_id": "rotation_tolerant", "solution": true}
def rotation_tolerant(image, templates):
    """Response of a detector that knows several versions of a pattern: the largest inner product.

    image: (H, W), any real type. templates: (T, H, W), T at least 1.
    Returns a number; it may be negative.
    """
    ### BEGIN SOLUTION
    products = templates.astype(float) * image
    return float(products.sum(axis=(1, 2)).max())
    ### END SOLUTION


# %% nbgrader={"grade_id": "rotation_tolerant-examples", "points": 3}
bar = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]])
bars = np.stack(
    [bar, bar.T, np.eye(3, dtype=int), np.eye(3, dtype=int)[::-1]]
)  # level, upright, two diagonals

check.examples(
    "rotation_tolerant",
    rotation_tolerant,
    call(bar, bars).gives(3.0),
    call(bar.T, bars).gives(3.0),  # another template answers, as loudly
    call(bar.T, bars[:1]).gives(1.0),  # the level one alone hardly does
    call(-bar, bars).gives(-1.0),  # -3, -1, -1, -1
    call(bars[3] / 2, bars).gives(1.5),
)

# %% nbgrader={"grade_id": "rotation_tolerant-hidden", "points": 4}
# The hidden tests of `rotation_tolerant` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5101)
image, bank = rng.standard_normal((5, 6)), rng.standard_normal((4, 5, 6))
check.hidden(
    "rotation_tolerant",
    rotation_tolerant,
    "several templates",
    call(image, bank),
    call(image, bank[::-1].copy()),
    call(image, np.concatenate([bank, 3 * image[None]])),
    call(image, np.concatenate([-9 * image[None], image[None], bank])),
    *call(image[:4], bank[:, :4]).in_every_form(),
)
away = np.abs(image)
check.hidden(
    "rotation_tolerant",
    rotation_tolerant,
    "an image that no template fits, and a single template",
    call(away, -np.abs(bank)),
    call(image, bank[2:3]),
    call(-away, np.abs(bank[:1])),
)
whole = rng.integers(100, 250, (4, 4, 5)).astype(np.uint8)
check.hidden(
    "rotation_tolerant",
    rotation_tolerant,
    "integers",
    call(whole[0], whole[1:]),
    call(whole[3].astype(int) - 170, whole[:3].astype(int) - 150),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built**, on handwritten digits. The template is the mean of ninety handwritten fives; the bank
holds it turned by $-60°, -45°, \dots, 60°$. Images and templates have their mean removed and norm 1, so that 1 is a
perfect fit. The test uses the other fives, which had no part in the template, each turned by an angle of its own.
"""


# %%
def standardised(image):
    centred = image - image.mean()
    return centred / np.linalg.norm(centred)


digits, labels = images.digits()
framed = np.pad(digits, ((0, 0), (2, 2), (2, 2)))  # room to turn
fives = framed[labels == 5]
angles = np.arange(-60, 61, 15)
bank = np.stack([standardised(rotated(fives[:90].mean(axis=0), angle)) for angle in angles])
upright = bank[angles == 0]
figures.feature_maps(bank, [f"{angle}°".replace("-", "−") for angle in angles], columns=9)

# %% tags=["figure"]
turns = np.arange(-120, 121, 10)
held_out = fives[90:150]
answers_to_turned = np.array(
    [
        [
            [rotation_tolerant(seen, upright), rotation_tolerant(seen, bank)]
            for seen in (standardised(rotated(five, turn)) for five in held_out)
        ]
        for turn in turns
    ]
)
fig, ax = plt.subplots(figsize=(7.6, 3.3))
for n, (name, colour) in enumerate(
    (("one template, upright", figures.INPUT), ("bank of nine", figures.KERNEL))
):
    mean, low, high = (
        answers_to_turned[..., n].mean(1),
        *np.quantile(answers_to_turned[..., n], (0.1, 0.9), axis=1),
    )
    ax.fill_between(turns, low, high, color=colour, alpha=0.18, lw=0)
    ax.plot(turns, mean, color=colour, marker="o", ms=3.5, label=name)
ax.axvspan(-60, 60, color=figures.LINE, alpha=0.25, lw=0, zorder=0)
ax.set(
    xlabel="the test fives are turned by (degrees)",
    ylabel="response",
    ylim=(-0.25, 1.05),
    xticks=range(-120, 121, 30),
)
ax.set_title("60 fives, mean and the middle 80 %; shaded: the angles in the bank")
ax.legend(loc="lower center")
plt.show()

# %% [markdown]
"""
Inside the range of the bank the response hardly falls. But a detector must also be *silent* for other digits, and nine
templates have nine chances to be wrong. So the fair question is: if we accept that one in twenty *other* digits raises
a false alarm, which share of the fives is found?
"""

# %% tags=["figure"]
rng = np.random.default_rng(11)
others = framed[labels != 5][rng.permutation((labels != 5).sum())[:300]]
held_out = fives[90:]
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.1), sharey=True)
found = {}
for ax, largest_turn, title in ((axes[0], 0, "as written"), (axes[1], 60, "turned by up to 60°")):
    for n, (name, templates) in enumerate((("one template", upright), ("bank of nine", bank))):
        five, other = (
            np.array(
                [
                    rotation_tolerant(
                        standardised(rotated(d, rng.uniform(-largest_turn, largest_turn))), templates
                    )
                    for d in some
                ]
            )
            for some in (held_out, others)
        )
        threshold = np.quantile(other, 0.95)
        found[title, name] = (five > threshold).mean()
        for k, (values, colour) in enumerate(((five, figures.KERNEL), (other, figures.INPUT))):
            y = n + 0.16 - 0.32 * k + rng.uniform(-0.11, 0.11, len(values))
            ax.scatter(
                values,
                y,
                s=9,
                color=colour,
                alpha=0.5,
                lw=0,
                label=("a five", "another digit")[k] if n == 0 else None,
            )
        ax.plot([threshold, threshold], [n - 0.36, n + 0.36], color=figures.INK, lw=1.4)
        ax.text(threshold, n + 0.43, f"{found[title, name]:.0%} found", ha="center", va="center", fontsize=10)
    ax.set(
        title=title,
        xlabel="response",
        yticks=[0, 1],
        yticklabels=["one template", "bank of nine"],
        ylim=(-0.6, 1.65),
    )
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, markerscale=2)
plt.show()

# %% [markdown]
"""
The black lines leave 5 % of the other digits on their right. For digits as they were written one template does as well
as nine. Turned, it fails, and the bank goes on as if nothing had happened. That is *learned* invariance in miniature:
here we made the templates by hand, a maxout layer learns them.

By the way, you have built `rotation_tolerant` twice: templates as kernels as large as the image, one inner product
each, and then `maxout` with one group.
"""

# %%
five = standardised(rotated(fives[100], 35))
as_network = maxout(correlate(five[None, None], bank[:, None]), groups=1)
print("network:", round(as_network.item(), 6), " rotation_tolerant:", round(rotation_tolerant(five, bank), 6))

# %% [markdown]
r"""
## Find the error in the lecture

A lecture pools this chapter's matrix with 2 × 2 windows and stride 2, and prints the means as

$$\begin{bmatrix} 4&1&5&2&2&6\\ 1&2&9&0&2&4\\ 2&2&6&4&0&2\\ 3&1&0&3&3&1 \end{bmatrix}
\;\longrightarrow\;
\begin{bmatrix} 2 & 4 & 3.5\\ 2 & 3.25 & 1.25 \end{bmatrix}$$

One of the six is wrong. First find out *that* one is wrong without computing a single window's mean: windows side by
side cover every value once. Then find which.

<details><summary>Answer</summary>

Equal windows that stand side by side give means whose mean is that of the whole map: four times their sum must be the
sum of the map. The map's sum is 65, four times the sum of the lecture's means is 64, so one mean is too small by a
quarter. It is the last: $(0+2+3+1)/4 = 6/4 = 1.5$, not 1.25.
</details>
"""

# %%
printed = np.array([[2, 4, 3.5], [2, 3.25, 1.25]])
print("sum of the map:", P.sum(), "  4 x the lecture's means:", 4 * printed.sum())
print("means - the lecture's:", (avg_pool2d(P[None, None], 2)[0, 0] - printed).tolist())

# %% [markdown]
r"""
## Summary

- Pooling keeps one number of each window: max, mean, sum or a norm. It has no parameters, and each channel is pooled
  on its own.
- torch's rules: stride `None` is the kernel size; max pooling pads with $-\infty$; `ceil_mode` keeps short windows that
  start before the end of the map; the divisor of a mean counts padding, or doesn't, but never what hangs over it.
- The p-norms lead from the sum to the maximum, and their means from the mean to the maximum.
- Global average pooling turns maps of any size into one number a channel, and replaces a large fully connected layer.
- Average pooling is a grouped convolution with fixed weights. Max pooling is no convolution.
- Convolution is **equivariant** to shifts. Pooling adds **some invariance**, to shifts that are small against its
  window: a maximum over $k$ random values changes with probability $2s/(k+s)$. Its stride leaves equivariance only to
  multiples of the stride.
- A maximum *across detectors* is invariant to whatever tells the detectors apart, such as rotation. If they are
  learned, so is the invariance.

**Read on:** Goodfellow, Bengio and Courville, *Deep Learning*, section 9.3, on pooling as an infinitely strong prior;
Lin, Chen and Yan, *Network in Network* (2013), where global average pooling comes from; Goodfellow et al., *Maxout
Networks* (2013); Zhang, *Making Convolutional Networks Shift-Invariant Again* (2019), on the price of strides and a
cure. Next, gradients flow back through all of this: [chapter 6](../ch06_backprop/backprop.ipynb).
"""
