# %% [markdown]
"""
# 2 · Windows over images

**After this chapter you can** build a convolutional layer for colour images from nothing but inner products, tell
convolution from correlation by a glance at its output, turn a whole layer into one matrix product, and say why that is
hundreds of times faster than loops.

**You need** numpy indexing and loops, and what a kernel, a stride and a channel are
([chapter 1](../ch01_conv1d/conv1d.ipynb)). **Time:** about 120 minutes; the first half ends with a working layer.

The rule stays: *you build it from inner products, then torch agrees.* torch, scipy, `np.convolve` and `np.correlate`
are off limits in your answers; everything else in numpy is yours, and any correct style gets full marks.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import importlib
import time

import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, animate, call, figures, images

check = Checks("ch02_conv2d")
figures.use_style()

# %% [markdown]
r"""
## The window gets a second dimension

In chapter 1 a kernel asked every stretch of a signal *how alike are we?* On an image it asks every **rectangle**. Let
$x$ be an image of $H$ rows and $W$ columns, $w$ a kernel of $k_H$ rows and $k_W$ columns. The window at row $i$,
column $j$ has its **top left corner** there, and the answer is again one inner product:

$$y_{i,j} \;=\; \sum_{u=0}^{k_H-1}\; \sum_{v=0}^{k_W-1} w_{u,v}\; x_{i+u,\,j+v},
\qquad i = 0 \dots H - k_H, \quad j = 0 \dots W - k_W$$

Rows and columns don't interfere: each axis has its own count of windows, by the rule of chapter 1, so the output has
$H - k_H + 1$ rows and $W - k_W + 1$ columns. Here are an image of 7 × 7 numbers and a kernel that subtracts what is
below from what is above. Keep an eye on them: this chapter comes back to them again and again.
"""

# %% nbgrader={"grade_id": "setup-example", "locked": true} tags=["setup"]
seven = np.array(
    [
        [1, 3, 0, 1, 4, 3, 2],
        [2, 1, 1, 2, 5, 0, 1],
        [5, 3, 2, 2, 5, 3, 2],
        [4, 5, 6, 1, 0, 2, 3],
        [2, 1, 3, 4, 1, 5, 1],
        [2, 0, 3, 2, 6, 5, 8],
        [4, 6, 2, 1, 2, 3, 2],
    ]
)
above_below = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
left_right = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
nine = np.arange(1, 10).reshape(3, 3)

# %%
animate.sliding_window(seven, above_below)

# %% [markdown]
"""
One output element, held still. Check it by hand once; it is the last time you need to.
"""

# %%
figures.window(seven, above_below, at=(1, 2))

# %% [markdown]
"""
### Exercise 2.1 · `cross_correlate2d`
●●○○ · 10 min

Slide the kernel $w$ of shape $(k_H, k_W)$ over the image $x$ of shape $(H, W)$, one row or column at a time, and return
all inner products, as the formula above says. Only windows that fit entirely count.

<details><summary>Hint 1: the windows</summary>

A window is a slice in both axes at once: `x[rows, columns]`. Where does the slice of rows start for output row `i`, and
where does it end?
</details>

<details><summary>Hint 2: the array of results</summary>

Its shape follows from the formula: $i$ runs from 0 to $H - k_H$, both included. `np.zeros` makes an array of floats,
and that is what you want, also when `x` holds integers.
</details>

<details><summary>Hint 3: nearly the answer</summary>

```python
for i in range(...):
    for j in range(...):
        y[i, j] = np.sum(w * x[i : i + kH, ...])
```

Images often come as `uint8`, which wraps around at 256: convert one factor with `.astype(float)`.
</details>
"""


# %% nbgrader={"grade_id": "cross_correlate2d", "solution": true}
def cross_correlate2d(x, w):
    """Cross-correlation of an image with a kernel, windows that fit only, stride 1.

    x: image (H, W), any real type. w: kernel (kH, kW), kH <= H and kW <= W.
    Returns (H - kH + 1, W - kW + 1). Leaves x and w as they are.
    """
    ### BEGIN SOLUTION
    kH, kW = w.shape
    y = np.zeros((x.shape[0] - kH + 1, x.shape[1] - kW + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = np.sum(w * x[i : i + kH, j : j + kW].astype(float))
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "cross_correlate2d-examples", "points": 4}
patch = np.array([[200, 150, 150], [100, 50, 100], [25, 25, 10]], dtype=np.uint8)

check.examples(
    "cross_correlate2d",
    cross_correlate2d,
    call(patch, left_right).gives([[65]]),  # a single window: 200 - 150 + 2 (100 - 100) + 25 - 10
    call(patch, -left_right).gives([[-65]]),
    call(patch, np.full((3, 3), 1 / 9)).gives([[90]]),  # nine equal weights: the mean of the patch
    call(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 10]])).gives([[21, 32], [54, 65]]),
    call(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1], [10]])).gives([[41, 52, 63]]),
    call(seven, above_below).gives(  # the animation above
        [
            [-6, -5, -5, -3, -1],
            [-15, -13, 2, 9, -1],
            [6, -2, -1, 4, 1],
            [15, 10, -5, -16, -17],
            [-11, 0, 6, 3, 2],
        ]
    ),
)

# %% nbgrader={"grade_id": "cross_correlate2d-hidden", "points": 6}
# The hidden tests of `cross_correlate2d` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2011)
x, w = rng.standard_normal((9, 12)), rng.standard_normal((3, 3))
check.hidden(
    "cross_correlate2d",
    cross_correlate2d,
    "square kernels on images that are wider than high, or higher than wide",
    call(x, w),
    call(x.T, w),
    call(x[:4, :6], w[:2, :2]),
    call(x=x[:5], w=w),
)
w = rng.standard_normal((2, 5))
check.hidden(
    "cross_correlate2d",
    cross_correlate2d,
    "kernels that are not square",
    call(x, w),
    call(x, w.T),
    call(x[:5, :5], w.T),
    call(x, w[:1]),
    call(x, w[:, :1]),
)
check.hidden(
    "cross_correlate2d",
    cross_correlate2d,
    "kernels of one element, and as large as the image",
    call(x, w[:1, :1]),
    call(x[:2, :5], w),
    call(x[:2], w),
    call(x[:, :5], w),
    call(x[:1], w[:1]),
    call(x[:, :1], w[:, :1]),
)
check.hidden(
    "cross_correlate2d",
    cross_correlate2d,
    "read-only arrays, views and float32",
    *call(x[:6, :7], w).in_every_form(),
)
whole = rng.integers(100, 250, (5, 7)).astype(np.uint8)
check.hidden(
    "cross_correlate2d",
    cross_correlate2d,
    "integers",
    call(whole, w),
    call(whole, whole[1:4, 2:4]),
    call(whole.astype(int) - 170, whole[:3, :3]),
    call(x, whole[:2, :2]),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on a photograph. Three kernels of 3 × 3 numbers ask three questions: is it brighter
above than below, brighter on the left than on the right, and is this pixel brighter than its neighbours? Orange is a
strong yes, blue is a strong "no, the other way round", white is *nothing to report*, which is what most of the
picture answers.
"""

# %%
camera = images.camera(128)
spot = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]) / 2
figures.pictures([camera], ["input"], columns=3)
figures.feature_maps(
    [cross_correlate2d(camera, w) for w in (above_below, left_right, spot)],
    ["above − below", "left − right", "centre − around"],
)

# %% [markdown]
r"""
The inner product is one way to sum up a window, and not the only one. For the patch of the examples it gave 65, and
with nine equal weights the mean, 90. The *maximum* of the patch, 200, is no inner product with any fixed kernel: it
comes in chapter 5.

## Correlation or convolution?

As in one dimension, the **true convolution** of mathematics differs from what deep learning calls by that name. Its
indices run against each other,

$$(w * x)_{i,j} \;=\; \sum_u \sum_v w_{u,v}\; x_{\,i-u,\,j-v},$$

so the window meets the kernel reversed along *both* axes. To reverse rows and columns is to **rotate by 180 degrees**.
It is not to transpose, and not to mirror:
"""

# %% tags=["figure"]
letter = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])
versions = {
    "kernel": letter,
    "transposed": letter.T,
    "rows reversed": letter[::-1],
    "columns reversed": letter[:, ::-1],
    "rotated by 180°": np.rot90(letter, 2),
}
fig, axes = plt.subplots(1, 5, figsize=(8.4, 2.3))
for ax, (name, shown) in zip(axes, versions.items(), strict=True):
    colour = figures.KERNEL if name in ("kernel", "rotated by 180°") else figures.FAINT
    for i, j in np.ndindex(shown.shape):
        face = figures.tint(colour, 0.85) if shown[i, j] else "white"
        ax.add_patch(plt.Rectangle((j, i), 1, 1, fc=face, ec=figures.LINE))
    ax.set(xlim=(-0.1, 5.1), ylim=(5.1, -0.1), xticks=[], yticks=[], aspect="equal")
    ax.set_title(name, color=colour if colour == figures.FAINT else figures.INK)
    ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
"""
### Exercise 2.2 · `rotate180`
●○○○ · 5 min

Return the kernel rotated by 180 degrees. It may also be a stack of kernels, such as a layer's weights: rotate each in
its place, so that only the **last two axes** are reversed.

<details><summary>Hint 1: a sheet of paper</summary>

Write 1 to 9 on a sheet, row by row, and turn it upside down. Which row is on top now, and in which order are its
numbers?
</details>

<details><summary>Hint 2: in numpy</summary>

A slice with step −1 reverses an axis. An ellipsis, `...`, stands for all the axes in front.
</details>
"""


# %% nbgrader={"grade_id": "rotate180", "solution": true}
def rotate180(w):
    """A kernel, or each kernel of a stack, rotated by 180 degrees.

    w: (..., kH, kW), any number of axes in front.
    Returns the same shape, the last two axes reversed.
    """
    ### BEGIN SOLUTION
    return w[..., ::-1, ::-1]
    ### END SOLUTION


# %% nbgrader={"grade_id": "rotate180-examples", "points": 2}
check.examples(
    "rotate180",
    rotate180,
    call(nine).gives([[9, 8, 7], [6, 5, 4], [3, 2, 1]]),
    call(np.array([[1, 2, 3], [4, 5, 6]])).gives([[6, 5, 4], [3, 2, 1]]),
    call(np.array([[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]])).gives([[[[4, 3], [2, 1]]], [[[8, 7], [6, 5]]]]),
)

# %% nbgrader={"grade_id": "rotate180-hidden", "points": 3}
# The hidden tests of `rotate180` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2021)
w = rng.standard_normal((3, 4))
check.hidden(
    "rotate180", rotate180, "one kernel", call(w), call(w[:3, :3]), call(w[:1]), *call(w[:2]).in_every_form()
)
w = rng.standard_normal((2, 3, 3, 4))
check.hidden("rotate180", rotate180, "a layer's weights", call(w), call(w[..., :3]), call(w[:, :1]))
check.hidden("rotate180", rotate180, "a stack of kernels", call(w[0]), call(w[None]), call(w=w[:, 0, :2, :2]))
### END HIDDEN TESTS

# %% [markdown]
"""
### Exercise 2.3 · `convolve2d`
●○○○ · 5 min

Return the true convolution of an image with a kernel: slide the kernel *rotated by 180 degrees*. As in exercise 2.1,
only windows that fit entirely count.

<details><summary>Hint 1</summary>

You have written both parts already. Which of the two arrays is rotated, the image or the kernel?
</details>
"""


# %% nbgrader={"grade_id": "convolve2d", "solution": true}
def convolve2d(x, w):
    """True convolution of an image with a kernel, windows that fit only.

    x: image (H, W). w: kernel (kH, kW), kH <= H and kW <= W.
    Returns (H - kH + 1, W - kW + 1).
    """
    ### BEGIN SOLUTION
    return cross_correlate2d(x, rotate180(w))
    ### END SOLUTION


# %% nbgrader={"grade_id": "convolve2d-examples", "points": 2}
one_pixel = np.zeros((5, 5))
one_pixel[2, 2] = 1

check.examples(
    "convolve2d",
    convolve2d,
    call(one_pixel, nine).gives([[1, 2, 3], [4, 5, 6], [7, 8, 9]]),  # the kernel itself
    call(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 10]])).gives([[12, 23], [45, 56]]),
    call(seven, above_below).gives(
        [
            [6, 5, 5, 3, 1],
            [15, 13, -2, -9, 1],
            [-6, 2, 1, -4, -1],
            [-15, -10, 5, 16, 17],
            [11, 0, -6, -3, -2],
        ]
    ),
)

# %% nbgrader={"grade_id": "convolve2d-hidden", "points": 3}
# The hidden tests of `convolve2d` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2031)
x, w = rng.standard_normal((8, 10)), rng.standard_normal((3, 3))
check.hidden(
    "convolve2d", convolve2d, "square kernels", call(x, w), call(x.T, w), *call(x[:5], w).in_every_form()
)
w = rng.standard_normal((4, 2))
check.hidden(
    "convolve2d",
    convolve2d,
    "kernels that are not square, and as large as the image",
    call(x, w),
    call(x, w.T),
    call(x[:4, :2], w),
    call(x=x[:4], w=w),
)
whole = rng.integers(100, 250, (5, 6)).astype(np.uint8)
check.hidden("convolve2d", convolve2d, "integers", call(whole, w), call(whole, whole[:3, :2]))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** answers the question *what does a single bright pixel do?* Convolution **stamps** the
kernel on it, the right way up; correlation stamps it upside down. (As detectors they trade places: correlation
answers most strongly to a window that looks *like* its kernel, convolution to one that is the kernel upside down.)
"""

# %%
dots = np.zeros((22, 34))
dots[[7, 13, 6, 15], [6, 13, 22, 27]] = 1
figures.pictures(
    [dots, convolve2d(dots, letter), cross_correlate2d(dots, letter)],
    ["four bright pixels", "convolution", "correlation"],
)

# %% [markdown]
r"""
### Two kernels, one after the other

Why do mathematicians insist on the flip? Because it makes convolution behave like a product. Apply a kernel $G$ to an
image, then a kernel $F$ to the result. One single kernel does the same, and it is found by convolving the two kernels:

$$F * (G * I) \;=\; (F * G) * I$$

On the right, $F * G$ must keep *every* overlap of the two kernels, so zeros go around $F$ first: two kernels of 2 × 2
make one of 3 × 3. In small numbers:
"""

# %%
image = np.array([[1, 3, 0, 2, 1], [2, 0, 1, 4, 0], [0, 5, 2, 1, 3], [1, 1, 0, 2, 2]])
F, G = np.array([[1, 2], [0, 1]]), np.array([[1, 0], [-1, 3]])
both = convolve2d(np.pad(F, 1), G)
print("F * G, one kernel for both:", both.astype(int), sep="\n")
print("\nG first, then F:", convolve2d(convolve2d(image, G), F).astype(int), sep="\n")
print("\nF * G at once:", convolve2d(image, both).astype(int), sep="\n")

# %% [markdown]
"""
Correlation has no such rule. Correlate the image with $G$ and the result with $F$: the single kernel for that is
*not* the correlation of $F$ and $G$. Curiously, it is again their convolution $F * G$. A network that correlates
still composes by convolving.
"""

# %%
in_turn = cross_correlate2d(cross_correlate2d(image, G), F)
correlated = cross_correlate2d(image, cross_correlate2d(np.pad(F, 1), G))
convolved = cross_correlate2d(image, both)
print("correlate with G, then with F:", in_turn.astype(int), sep="\n")
print("\ncorrelate with the correlation of F and G:", correlated.astype(int), sep="\n")
print("\ncorrelate with the convolution of F and G:", convolved.astype(int), sep="\n")

# %% [markdown]
"""
The same on a photograph. To blur first and take a difference afterwards is a classic cascade: it finds outlines without
answering to every grain. One 7 × 7 kernel, the blur convolved with the difference, does it in one go.
"""

# %%
blur = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
blurred_difference = convolve2d(np.pad(blur, 2), above_below)
in_two_steps = cross_correlate2d(cross_correlate2d(camera, blur), above_below)
in_one_step = cross_correlate2d(camera, blurred_difference)
figures.feature_maps([in_two_steps, in_one_step], ["blur, then above − below", "one 7 × 7 kernel"])
figures.feature_maps([blurred_difference], ["the 7 × 7 kernel"], columns=3)
print("the same everywhere:", np.allclose(in_two_steps, in_one_step))

# %% [markdown]
"""
Remember this when layers are stacked: **two convolutions with nothing in between are one convolution** with a larger
kernel. Depth alone adds nothing. It pays only with something between the layers that is *not* a sum of products
(chapter 8).

Does it matter to a network which of the two it computes? No: kernels are *learned*, and a network that flips them
learns flipped kernels. So from here on we say convolution, as everyone does, and compute cross-correlation.

## A layer: the inner product in three dimensions

A colour image has three channels, so a window of it is a small *box*: 5 × 5 pixels in each of 3 channels are 75
numbers. A kernel for it has 75 weights, and one output value is one inner product of 75 terms, plus a bias. The
kernel does not slide through the channels. It always takes all of them, and its answers form **one** flat map. Six
kernels make six maps.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8.6, 3.9))
step = 1.6


def cards(left, size, colours, depth_shift=0.0):
    """Square cards one behind the other, the first one in front."""
    for c in reversed(range(len(colours))):
        corner = (left + step * c, depth_shift + step * c)
        ax.add_patch(
            plt.Rectangle(corner, size, size, fc=figures.tint(colours[c], 0.22), ec=colours[c], lw=1.2)
        )


cards(0, 32, [figures.INPUT] * 3)
window_at, taps_at, value_at = (8, 14), (50, 12), (82, 13)
for c in reversed(range(3)):
    for left, bottom in (window_at, taps_at):
        corner = (left + step * c, bottom + step * c)
        face = figures.tint(figures.INPUT, 0.6) if left < 40 else figures.tint(figures.KERNEL, 0.5)
        edge = figures.KERNEL
        ax.add_patch(plt.Rectangle(corner, 5, 5, fc=face, ec=edge, lw=1.6, zorder=3 + (3 - c) / 10))
cards(66, 28, [figures.OUTPUT] * 6, 1.0)
ax.add_patch(plt.Rectangle(value_at, 1.3, 1.3, fc=figures.OUTPUT, ec=figures.OUTPUT, zorder=4))
for start, end in (((17.5, 18), (49, 16)), ((59.5, 16), (81.3, 13.8))):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": figures.INK, "lw": 1.2}, zorder=5)
ax.text(17, -2.6, "image x: 3 × 32 × 32", ha="center", va="top")
ax.text(54, 9.8, "one kernel: 3 × 5 × 5\n75 weights", ha="center", va="top")
ax.text(84, -2.6, "maps y: 6 × 28 × 28", ha="center", va="top")
ax.text(54, 25.5, "75 products,\none sum, + bias", ha="center", va="center", color=figures.INK)
ax.set(xlim=(-1, 104), ylim=(-7, 38), aspect="equal", xticks=[], yticks=[])
ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
r"""
A layer takes a whole **batch** of images, $N$ samples at once, and treats each alike. Its stride may differ between
the axes, $s = (s_H, s_W)$: so many rows down, so many columns to the right. All of it in one formula:

$$y_{n,d,i,j} \;=\; b_d + \sum_{c=0}^{C-1} \sum_{u=0}^{k_H-1} \sum_{v=0}^{k_W-1} w_{d,c,u,v}\; x_{n,\,c,\,i s_H + u,\,j s_W + v}$$

| thing | shape | example |
|---|---|---|
| samples `x` | $(N, C, H, W)$ | one colour image: (1, 3, 32, 32) |
| one kernel | $(C, k_H, k_W)$ | (3, 5, 5): 75 weights |
| layer's weights `w` | $(D, C, k_H, k_W)$ | six such kernels: (6, 3, 5, 5) |
| bias `b` | $(D,)$ | (6,) |
| output | $(N, D, H_o, W_o)$ | (1, 6, 28, 28) |

with $H_o = \lfloor (H - k_H)/s_H \rfloor + 1$ and $W_o = \lfloor (W - k_W)/s_W \rfloor + 1$, each axis on its own.

### Exercise 2.4 · `conv2d`
●●●○ · 25 min

Build the layer: the formula above, equal to `torch.nn.functional.conv2d`. The hidden tests climb a ladder, with marks
for each rung: one kernel on one channel, then several channels, several kernels, several samples, the bias, the
stride. So get one rung working and go on from there. Loops are fine; the speed comes later.

<details><summary>Hint 1: one window at a time</summary>

Choose a sample `n`. A window of all channels at once, `x[n, :, rows, columns]`, has the shape of one kernel `w[d]`, and
`np.sum` without `axis` adds up everything: channels, rows and columns.
</details>

<details><summary>Hint 2: the stride</summary>

Make a pair of it first: `sH, sW = (stride, stride) if isinstance(stride, int) else stride`. The window of output row
`i` starts at input row `i * sH`. It still ends `kH` rows later.
</details>

<details><summary>Hint 3: nearly the answer</summary>

```python
y = np.zeros((N, D, ..., ...))
for n in range(N):
    for d in range(D):
        for i in range(...):
            for j in range(...):
                y[n, d, i, j] = np.sum(w[d] * x[n, :, i * sH : i * sH + kH, ...])
```

Then `b[d]`, once for each value, and only where `b` is not `None`.
</details>
"""


# %% nbgrader={"grade_id": "conv2d", "solution": true}
def conv2d(x, w, b=None, stride=1):
    """A convolutional layer, as torch.nn.functional.conv2d (no padding, no dilation, no groups).

    x: samples (N, C, H, W). w: kernels (D, C, kH, kW), kH <= H and kW <= W. b: biases (D,), or None for none.
    stride: int, or a pair (sH, sW).
    Returns (N, D, Ho, Wo), Ho = (H - kH) // sH + 1, Wo = (W - kW) // sW + 1.
    """
    ### BEGIN SOLUTION
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    N, _, H, W = x.shape
    D, _, kH, kW = w.shape
    y = np.zeros((N, D, (H - kH) // sH + 1, (W - kW) // sW + 1))
    for n in range(N):
        for d in range(D):
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    window = x[n, :, i * sH : i * sH + kH, j * sW : j * sW + kW]
                    y[n, d, i, j] = np.sum(w[d] * window.astype(float))
            if b is not None:
                y[n, d] += b[d]
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv2d-examples", "points": 12}
x = np.array([[[[1, 2, 0], [0, 1, 3]], [[2, 0, 1], [1, 1, 0]]]])  # one sample, two channels of 2 x 3
w = np.array([[[[1, 0], [0, 1]], [[0, 1], [1, 0]]], [[[0, 2], [0, 0]], [[1, 1], [1, 1]]]])  # two kernels
b = np.array([10, 100])

check.examples(
    "conv2d",
    conv2d,
    call(x[:, :1], w[:1, :1]).gives([[[[2, 5]]]]),  # one kernel on one channel
    call(x, w[:1]).gives([[[[3, 7]]]]),  # on both channels: 2 + 1, 5 + 2
    call(x, w).gives([[[[3, 7]], [[8, 2]]]]),  # two kernels, two maps
    call(np.concatenate([x, 10 * x]), w).gives(  # two samples
        [[[[3, 7]], [[8, 2]]], [[[30, 70]], [[80, 20]]]]
    ),
    call(x, w, b).gives([[[[13, 17]], [[108, 102]]]]),
    call(seven[None, None], above_below[None, None], stride=2).gives(
        [[[[-6, -5, -1], [6, -1, 1], [-11, 6, 2]]]]
    ),
    call(seven[None, None], above_below[None, None], stride=(4, 1)).gives(
        [[[[-6, -5, -5, -3, -1], [-11, 0, 6, 3, 2]]]]
    ),
    call(np.ones((1, 3, 5, 5)), np.ones((1, 3, 5, 5))).gives([[[[75]]]]),  # ones meet ones: 75 terms
    call(  # six 5x5x3 filters on a colour image of 32 x 32; torch is asked
        images.astronaut(32, colour=True).transpose(2, 0, 1)[None],
        np.cos(np.arange(450.0)).reshape(6, 3, 5, 5),
        np.arange(6.0),
    ),
)

# %% nbgrader={"grade_id": "conv2d-hidden", "points": 3}
# The first rung: one kernel on one channel. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2041)
x, w = rng.standard_normal((1, 1, 7, 9)), rng.standard_normal((1, 1, 3, 2))
check.hidden(
    "conv2d",
    conv2d,
    "one kernel on one channel",
    call(x, w),
    call(x, w.transpose(0, 1, 3, 2)),
    call(x.transpose(0, 1, 3, 2), w),
    call(x[..., :3, :2], w),
    call(x[:, :, :4], w[..., :1, :1]),
    *call(x[..., :5], w).in_every_form(),
)
w = rng.standard_normal((1, 1, 3, 3))
check.hidden("conv2d", conv2d, "a square kernel", call(x, w), call(x[..., :7], w), call(x=x[..., :4], w=w))
whole = rng.integers(100, 250, (1, 1, 5, 6)).astype(np.uint8)
check.hidden("conv2d", conv2d, "integers", call(whole, w), call(whole, whole[..., :3, :2]))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-channels", "points": 3}
# The second rung: one kernel on several channels.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2042)
x, w = rng.standard_normal((1, 4, 6, 8)), rng.standard_normal((1, 4, 3, 2))
check.hidden(
    "conv2d",
    conv2d,
    "one kernel on several channels",
    call(x, w),
    call(x[:, :2], w[:, 1:3]),
    call(x[..., :3, :2], w),
    call(x, w[..., :1, :1]),
)
whole = rng.integers(0, 250, (1, 3, 5, 6)).astype(np.uint8)
check.hidden("conv2d", conv2d, "a colour image of type uint8", call(whole, w[:, :3]))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-kernels", "points": 3}
# The third rung: several kernels.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2043)
x, w = rng.standard_normal((1, 3, 6, 7)), rng.standard_normal((5, 3, 2, 3))
check.hidden(
    "conv2d",
    conv2d,
    "several kernels",
    call(x, w),
    call(x, w[:3]),
    call(x[:, :1], w[:2, :1]),
    call(x[..., :2, :], w[:4]),
    *call(x[..., :5], w[:2]).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-samples", "points": 3}
# The fourth rung: several samples.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2044)
x, w = rng.standard_normal((4, 2, 5, 6)), rng.standard_normal((3, 2, 3, 2))
check.hidden(
    "conv2d",
    conv2d,
    "several samples",
    call(x, w),
    call(x[:3], w),
    call(x[:2], w[:1]),
    call(x[..., :3, :2], w),
    *call(x[:2], w).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-bias", "points": 3}
# The fifth rung: the bias.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2045)
x, w, b = rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((4, 3, 2, 3)), rng.standard_normal(4)
check.hidden(
    "conv2d",
    conv2d,
    "a bias for each kernel",
    call(x, w, b),  # Wo = 4 = D
    call(x[..., :5], w, b=b),
    call(x, w[:1], b[:1]),
    call(x, w[:2], np.array([3, -7])),
    call(x, w[:3], np.array([0.0, 0.0, 2.5])),
    *call(x[:1], w, b).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-stride", "points": 3}
# The last rung: the stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2046)
x, w, b = rng.standard_normal((2, 2, 9, 11)), rng.standard_normal((3, 2, 3, 2)), rng.standard_normal(3)
check.hidden(
    "conv2d",
    conv2d,
    "the same stride for rows and columns",
    call(x, w, stride=3),
    call(x, w, b, 2),
    call(x[..., :8, :10], w, b, stride=2),
    call(x[..., :5, :7], w, None, 9),
)
check.hidden(
    "conv2d",
    conv2d,
    "a pair of strides",
    call(x, w, b, (2, 3)),
    call(x, w, stride=(3, 1)),
    call(x, w, b, stride=(1, 4)),
    call(x[..., :6, :6], w, None, (2, 5)),
    *call(x, w, b, stride=(3, 2)).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is `torch.nn.Conv2d`, the workhorse of computer vision. Each kernel makes a **feature
map**: a picture of *where* its question is answered with yes. Here are four kernels of shape (3, 3, 3) on a colour
photograph. Two ask for edges in the sum of all channels; two ask about colour alone. *Redder than the rest?* The suit
says yes. *Bluer than red?* The suit says no, more firmly than anything else.
"""

# %%
astronaut = images.astronaut(128, colour=True)
edges = np.stack([above_below, left_right])[:, None].repeat(3, axis=1) / 3
mean = np.ones((3, 3)) / 9
colours = np.stack([[mean, -0.5 * mean, -0.5 * mean], [-mean, 0 * mean, mean]])
maps = conv2d(astronaut.transpose(2, 0, 1)[None], np.concatenate([edges, 3 * colours]))
figures.pictures([astronaut], ["input (3, 128, 128)"], columns=4)
figures.feature_maps(maps[0], ["above − below", "left − right", "red − others", "blue − red"])

# %% [markdown]
"""
### What a stride keeps

A convolution with stride $s$ gives what stride 1 gives, if you then keep only every $s$-th row and column. The
results are equal; the work is not. Stride 1 computes every value and throws most away.
"""

# %%
coins = images.coins((100, 128))[None, None]
outline = np.stack([blurred_difference, blurred_difference.T])[:, None]
full = conv2d(coins, outline)
for stride in ((2, 2), (4, 4), (3, 5)):
    strided, kept = conv2d(coins, outline, stride=stride), full[:, :, :: stride[0], :: stride[1]]
    share = strided.size / full.size
    print(f"stride {stride}: equal: {np.allclose(strided, kept)}, {share:.1%} of the work of stride 1")
figures.feature_maps(
    [full[0, 1], conv2d(coins, outline, stride=2)[0, 1], conv2d(coins, outline, stride=4)[0, 1]],
    ["stride 1", "stride 2", "stride 4"],
)

# %% [markdown]
r"""
## From windows to columns

Your layer is right, and slow: every window costs a few microseconds of Python for a handful of products. The six
filters on one image of 32 × 32 make 6 · 784 = 4704 inner products; the first layer of VGG, a network of chapter 9,
makes 64 · 224 · 224 = 3 211 264. numpy is fast when it gets *much work in one call*, and its fastest call is the
matrix product.

So line the windows up. Each window, with all its channels, becomes one **column** of $C\,k_H\,k_W$ numbers; there are
$L = H_o W_o$ of them. Each kernel becomes one **row** of as many weights. Row times column is an inner product, so
one matrix product of all rows with all columns is the whole layer:

$$\underbrace{Y_n}_{D \times L} \;=\; \underbrace{W}_{D \times C k_H k_W}\;\; \underbrace{\operatorname{im2col}(x)_n}_{C k_H k_W \times L}$$

The order is a matter of convention. Ours is torch's `unfold`: within a column first the channel, then the row, then
the column of the tap, as in `w[d].ravel()`; the columns themselves follow the windows as you read, row by row.
"""

# %% tags=["figure"]
channels = np.array([[[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[10, 20, 30], [40, 50, 60], [70, 80, 90]]])
unrolled = np.array([channels[:, i : i + 2, j : j + 2].ravel() for i in range(2) for j in range(2)]).T
fig = plt.figure(figsize=(8.6, 4.3), layout="none")
ax = fig.add_axes((0, 0, 1, 1))
ax.set(xlim=(0, 18), ylim=(9, 0))
ax.set_axis_off()
shades = (figures.tint(figures.INPUT, 0.12), figures.tint(figures.INPUT, 0.34))
for c in range(2):
    plane = figures.Cells(ax, (3, 3), 1.5, 1.1 + 4.0 * c, channels)
    plane.write(channels[c])
    plane.paint(True, shades[c])
    plane.frame(0, 1, 2, 2, figures.KERNEL)
    ax.text(1.1, 2.6 + 4.0 * c, f"channel {c}", rotation=90, ha="center", va="center")
matrix = figures.Cells(ax, (8, 4), 9.5, 0.8, unrolled)
matrix.write(unrolled)
for c in range(2):
    matrix.paint(np.arange(8)[:, None] // 4 == c, shades[c])
matrix.frame(0, 1, 8, 1, figures.KERNEL)
for column, at in enumerate(("0, 0", "0, 1", "1, 0", "1, 1")):
    ax.text(10.0 + column, 0.45, f"({at})", ha="center", va="center", fontsize=9, color=figures.FAINT)
for row in range(8):
    name = f"channel {row // 4}, tap ({row % 4 // 2}, {row % 2})"
    ax.text(13.7, 1.3 + row, name, va="center", fontsize=9.5, color=figures.INK)
ax.annotate("", (9.2, 4.5), (5.2, 4.5), arrowprops={"arrowstyle": "->", "color": figures.INK, "lw": 1.2})
ax.text(7.1, 3.9, "im2col, 2 × 2", ha="center", va="center")
ax.text(7.1, 5.2, "window (0, 1) is\ncolumn 1", ha="center", va="center", color=figures.KERNEL)
plt.show()

# %% [markdown]
r"""
### Exercise 2.5 · `im2col`
●●●○ · 20 min

Return all windows of each sample as columns, shape $(N,\; C\,k_H\,k_W,\; H_o W_o)$, in the order above. It equals
`torch.nn.functional.unfold`. Loops are allowed here. But a loop over the *taps* (there are only $k_H k_W$) is much
faster than one over the *positions*, and you will be glad of it in the next exercise.

<details><summary>Hint 1: window by window</summary>

The window `x[:, :, rows, columns]` of all samples has the shape (N, C, kH, kW). Reshaped to (N, C·kH·kW), it is
column number `i * Wo + j` of the result, for every sample.
</details>

<details><summary>Hint 2: tap by tap</summary>

Turn it round. The tap in row `u`, column `v` of *all* windows together is one strided slice of `x`: it starts at `u`
and `v`, and has `Ho` rows, `sH` apart, and `Wo` columns, `sW` apart. Where does the slice end?
</details>

<details><summary>Hint 3: nearly the answer</summary>

```python
columns = np.zeros((N, C, kH, kW, Ho, Wo))
for u in range(kH):
    for v in range(kW):
        columns[:, :, u, v] = x[:, :, u : u + sH * (Ho - 1) + 1 : sH, ...]
```

The axes already stand in the right order: one `reshape` joins the first three after N, and the last two.
</details>
"""


# %% nbgrader={"grade_id": "im2col", "solution": true}
def im2col(x, kernel_size, stride=1):
    """All windows as columns, as torch.nn.functional.unfold (no padding, no dilation).

    x: samples (N, C, H, W). kernel_size: int, or a pair (kH, kW); it fits. stride: int, or a pair (sH, sW).
    Returns (N, C*kH*kW, Ho*Wo): row c*kH*kW + u*kW + v holds tap (u, v) of channel c,
    column i*Wo + j the window of output (i, j).
    """
    ### BEGIN SOLUTION
    kH, kW = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    N, C, H, W = x.shape
    Ho, Wo = (H - kH) // sH + 1, (W - kW) // sW + 1
    columns = np.zeros((N, C, kH, kW, Ho, Wo))
    for u in range(kH):
        for v in range(kW):
            columns[:, :, u, v] = x[:, :, u : u + sH * (Ho - 1) + 1 : sH, v : v + sW * (Wo - 1) + 1 : sW]
    return columns.reshape(N, C * kH * kW, Ho * Wo)
    ### END SOLUTION


# %% nbgrader={"grade_id": "im2col-examples", "points": 5}
three = np.arange(1, 10).reshape(1, 1, 3, 3)

check.examples(
    "im2col",
    im2col,
    call(three, 2).gives([[[1, 2, 4, 5], [2, 3, 5, 6], [4, 5, 7, 8], [5, 6, 8, 9]]]),
    call(three, (1, 2)).gives([[[1, 2, 4, 5, 7, 8], [2, 3, 5, 6, 8, 9]]]),
    call(three, (2, 1), stride=(1, 2)).gives([[[1, 3, 4, 6], [4, 6, 7, 9]]]),
    call(np.concatenate([three, 10 * three], axis=1), 2).gives(  # the picture above
        [
            [
                [1, 2, 4, 5],
                [2, 3, 5, 6],
                [4, 5, 7, 8],
                [5, 6, 8, 9],
                [10, 20, 40, 50],
                [20, 30, 50, 60],
                [40, 50, 70, 80],
                [50, 60, 80, 90],
            ]
        ]
    ),
    call(np.concatenate([three, 10 * three]), (3, 2)).gives(  # two samples
        [
            [[1, 2], [2, 3], [4, 5], [5, 6], [7, 8], [8, 9]],
            [[10, 20], [20, 30], [40, 50], [50, 60], [70, 80], [80, 90]],
        ]
    ),
    call(images.coins((12, 16))[None, None], 5, stride=3),  # torch is asked
)

# %% nbgrader={"grade_id": "im2col-hidden", "points": 4}
# The hidden tests of `im2col` with stride 1 run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2051)
x = rng.standard_normal((1, 1, 5, 7))
check.hidden(
    "im2col",
    im2col,
    "one sample of one channel",
    call(x, 3),
    call(x, (2, 4)),
    call(x.transpose(0, 1, 3, 2), kernel_size=(4, 2)),
    call(x, 1),
    call(x, (5, 7)),
)
x = rng.standard_normal((3, 2, 5, 6))
check.hidden(
    "im2col",
    im2col,
    "several samples of several channels",
    call(x, 2),
    call(x[:1], (3, 2)),
    call(x, (2, 3)),
    call(x[:, :1], (3, 3)),
    call(x[:2], (5, 1)),
    *call(x[:2], (3, 2)).in_every_form(),
)
whole = rng.integers(0, 250, (2, 2, 4, 5)).astype(np.uint8)
check.hidden("im2col", im2col, "integers", call(whole, (2, 3)), call(whole.astype(int) - 99, 3))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "im2col-hidden-stride", "points": 4}
# With a stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2052)
x = rng.standard_normal((2, 3, 8, 11))
check.hidden(
    "im2col",
    im2col,
    "the same stride for rows and columns",
    call(x, 3, 2),
    call(x[:1], (2, 3), stride=3),
    call(x[..., :5, :5], 2, stride=7),
)
check.hidden(
    "im2col",
    im2col,
    "a pair of strides",
    call(x, 3, (2, 3)),
    call(x, (3, 2), stride=(1, 4)),
    call(x, kernel_size=(2, 2), stride=(3, 1)),
    *call(x[:1], 2, (3, 2)).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** costs memory: neighbouring windows overlap, so almost every pixel stands in many columns.
For the colour image of 32 × 32 and kernels of 5 × 5:
"""

# %%
small = images.astronaut(32, colour=True).transpose(2, 0, 1)[None]
columns = im2col(small, 5)
print(f"image {small.shape}: {small.size} numbers")
print(f"columns {columns.shape}: {columns.size} numbers, {columns.size / small.size:.1f} times as many")

# %% [markdown]
"""
But it also gives you something new. The columns are *data*: 62 500 little pictures of 7 × 7, taken from one
photograph of 256 × 256. Which patterns do they vary in most? Statistics answers with the principal components of the
columns, here the first ten. Nobody has designed or trained anything, and yet you see what every vision system starts
with: brightness, then slopes in all directions, then bars and corners.
"""

# %%
columns = im2col(images.camera(256)[None, None], 7)[0]
centred = columns - columns.mean(axis=1, keepdims=True)
variances, directions = np.linalg.eigh(centred @ centred.T)
patterns = directions.T[::-1][:10]
signs = np.sign(patterns @ np.sin(np.arange(1, 50)))  # a direction has no sign of its own: choose one
patterns = signs[:, None] * patterns
figures.feature_maps(patterns.reshape(10, 7, 7), columns=5)

# %% [markdown]
"""
### Exercise 2.6 · `conv2d_matmul`
●●●○ · 15 min

Build the layer once more, the same as `conv2d`, but with the loops gone into matrix products. **One rule:** no Python
loop over positions, channels, kernels or samples; a loop over the $k_H k_W$ taps is allowed. `map`, comprehensions,
`np.vectorize` and recursion count as loops, and so does a loop inside a function that you call.

The rule is checked by counting: your function runs on small and on large arrays with kernels of the same size, and
may not take more steps *of Python* for the large ones. What numpy does inside one call is not counted.

<details><summary>Hint 1: reshape and multiply</summary>

`w.reshape(D, -1)` has one kernel in each row. What is its product with the columns of one sample, and which shape has
it? `@` with a stack of matrices, (D, M) @ (N, M, L), multiplies each of the N, without a loop.
</details>

<details><summary>Hint 2: the last step</summary>

The product has shape (N, D, Ho·Wo) and only needs a reshape. The bias has to lie along axis 1: as an array of shape
(D, 1) it fits (N, D, Ho·Wo), one number for each kernel.
</details>

<details><summary>Hint 3: if the check finds a loop</summary>

Does your `im2col` loop over positions? Then write the version with a loop over taps (see the hints there), or gather
all windows with `np.lib.stride_tricks.sliding_window_view(x, (kH, kW), axis=(2, 3))`, which has the shape (N, C,
rows, columns, kH, kW) for stride 1, and keep every `sH`-th row and `sW`-th column of it.
</details>
"""


# %% nbgrader={"grade_id": "conv2d_matmul", "solution": true}
def conv2d_matmul(x, w, b=None, stride=1):
    """The same layer as conv2d, with no Python loop over positions, channels, kernels or samples.

    x: samples (N, C, H, W). w: kernels (D, C, kH, kW), kH <= H and kW <= W. b: biases (D,), or None for none.
    stride: int, or a pair (sH, sW).
    Returns (N, D, Ho, Wo), Ho = (H - kH) // sH + 1, Wo = (W - kW) // sW + 1.
    """
    ### BEGIN SOLUTION
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    D, C, kH, kW = w.shape
    y = w.reshape(D, C * kH * kW) @ im2col(x, (kH, kW), (sH, sW))
    if b is not None:
        y = y + b[:, None]
    return y.reshape(len(x), D, (x.shape[2] - kH) // sH + 1, (x.shape[3] - kW) // sW + 1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv2d_matmul-examples", "points": 5}
x = np.array([[[[1, 2, 0], [0, 1, 3]], [[2, 0, 1], [1, 1, 0]]]])  # as for conv2d
w = np.array([[[[1, 0], [0, 1]], [[0, 1], [1, 0]]], [[[0, 2], [0, 0]], [[1, 1], [1, 1]]]])
b = np.array([10, 100])

check.examples(
    "conv2d_matmul",
    conv2d_matmul,
    call(x[:, :1], w[:1, :1]).gives([[[[2, 5]]]]),
    call(x, w).gives([[[[3, 7]], [[8, 2]]]]),
    call(x, w, b).gives([[[[13, 17]], [[108, 102]]]]),
    call(np.concatenate([x, 10 * x]), w).gives([[[[3, 7]], [[8, 2]]], [[[30, 70]], [[80, 20]]]]),
    call(seven[None, None], above_below[None, None], stride=2).gives(
        [[[[-6, -5, -1], [6, -1, 1], [-11, 6, 2]]]]
    ),
    call(  # torch is asked
        images.astronaut(32, colour=True).transpose(2, 0, 1)[None],
        np.cos(np.arange(450.0)).reshape(6, 3, 5, 5),
        np.arange(6.0),
        stride=(2, 3),
    ),
)

# %% nbgrader={"grade_id": "conv2d_matmul-hidden", "points": 4}
# The hidden tests of `conv2d_matmul` with stride 1 run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2061)
x, w, b = rng.standard_normal((3, 2, 5, 7)), rng.standard_normal((4, 2, 3, 2)), rng.standard_normal(4)
check.hidden(
    "conv2d_matmul",
    conv2d_matmul,
    "samples, channels and kernels",
    call(x, w),
    call(x[:1], w[:2]),
    call(x[:, :1], w[:1, :1]),
    call(x, rng.standard_normal((2, 2, 3, 3))),
    call(x, w[..., :1, :1]),
    call(x[..., :3, :2], w),
    call(x=x[:2, :, :4], w=w),
)
check.hidden(
    "conv2d_matmul",
    conv2d_matmul,
    "a bias for each kernel",
    call(x, w, b),
    call(x[..., :5], w, b=b),  # Wo = 4 = D
    call(x, w[:1], b[:1]),
    call(x, w[:2], np.array([3, -7])),
)
check.hidden(
    "conv2d_matmul",
    conv2d_matmul,
    "read-only arrays, views and float32",
    *call(x, w, b).in_every_form(),
    *call(x, w[..., :1, :1], b).in_every_form(),
)
whole = rng.integers(100, 250, (2, 2, 4, 5)).astype(np.uint8)
check.hidden(
    "conv2d_matmul", conv2d_matmul, "integers", call(whole, w), call(whole, whole[..., :3, :2], b[:2])
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_matmul-hidden-stride", "points": 4}
# With a stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2062)
x, w, b = rng.standard_normal((2, 3, 9, 11)), rng.standard_normal((4, 3, 2, 3)), rng.standard_normal(4)
check.hidden(
    "conv2d_matmul",
    conv2d_matmul,
    "the same stride for rows and columns",
    call(x, w, stride=3),
    call(x, w, b, 2),
    call(x[..., :5, :5], w, None, 7),
)
check.hidden(
    "conv2d_matmul",
    conv2d_matmul,
    "a pair of strides",
    call(x, w, b, (2, 3)),
    call(x, w, stride=(3, 1)),
    call(x[:1], w[:3], b[:3], stride=(1, 4)),
    *call(x, w, b, (3, 2)).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is the way Caffe, a library of the first deep networks, computed its layers. Both of
yours do exactly the same multiplications. Measure what the loops cost, and how near you are to torch. *Stride tricks*
are a third way: numpy can present all windows as a view with six axes, without a copy, and sum over three of them.
"""


# %% tags=["timing"]
def best_time(run, tries=5):
    """The shortest of a few runs, in seconds."""
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def conv2d_strided(x, w):
    """Stride tricks: a view of all windows, summed over channel, row and column at once."""
    views = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwuv,dcuv->ndhw", views, w)


def torch_seconds(x, w):
    """torch's time for the same layer, None where torch is not to be had."""
    try:
        torch = importlib.import_module("torch")
        x, w = torch.tensor(x), torch.tensor(w)
    except (ImportError, OSError, AttributeError):
        return None
    return best_time(lambda: torch.nn.functional.conv2d(x, w), tries=20)


rng = np.random.default_rng(1)
batch, layer = rng.standard_normal((4, 3, 32, 32)), rng.standard_normal((16, 3, 5, 5))
seconds = {
    "loops: conv2d": best_time(lambda: conv2d(batch, layer), tries=1),
    "stride tricks, einsum": best_time(lambda: conv2d_strided(batch, layer)),
    "im2col and matmul": best_time(lambda: conv2d_matmul(batch, layer), tries=20),
    "torch": torch_seconds(batch, layer),
}
figures.speeds(
    {name: s for name, s in seconds.items() if s is not None},
    "16 filters of 5 × 5 on 4 colour images of 32 × 32",
)
plt.show()

# %% [markdown]
"""
The times are your machine's. All four make the same 4 · 16 · 784 · 75 = 3 763 200 multiplications. The loops spend their
time on Python; einsum, in a compiled but general loop over six axes; and only the last two hand the work to a matrix
product that is tuned to the processor.
"""

# %% [markdown] nbgrader={"grade_id": "why-im2col-question", "locked": true}
"""
### Written question 2.7 · why copy everything?
●●○○ · 10 min

A colleague says: "im2col is absurd. It does not save a single multiplication, and it makes the input nineteen times
as large before it even starts. It can't be faster than going through the windows where they are."

In three to six sentences: what is right about this, why is im2col with a matrix product nevertheless so much faster
than loops in Python, when does its memory become a problem, and what could one do then? Name one case in which im2col
needs no copy at all.

<details><summary>Hint 1</summary>

What does Python do, besides multiplying, for every single window? And how often does it do so in `conv2d_matmul`?
</details>

<details><summary>Hint 2</summary>

For the last question, think of the smallest possible kernel.
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- What is right: the number of multiplications is the same, and the columns hold up to kH*kW copies of each pixel
  (here 58 800 numbers for 3 072).
- Why it is faster: loops pay Python's overhead (slicing, calling, allocating) for each window, thousands of times;
  im2col pays it once a tap and the product once a layer; one large matrix product runs in compiled code that uses
  caches, vector instructions and several cores. One good reason of these in clear words is enough for full marks.
- The memory: it grows with kH*kW times batch and image size, so large kernels, images or batches exhaust memory (or the
  cache, which makes it slow). Remedies: some samples or rows at a time, a larger stride, one tap at a time (add kH*kW
  products), views instead of copies, or an algorithm that reads the windows in place in compiled code, FFT for large kernels.
- No copy: a 1x1 kernel (columns are a reshape of the input); or windows that don't overlap need each pixel only once
  (a rearrangement, no enlargement): accept either.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-im2col", "solution": true, "points": 8}
"""
The colleague counts correctly: the products are the same, and the columns hold each inner pixel up to $k_H k_W$
times. But in Python the multiplications are not what costs time. Every window in a loop pays for slicing, calling and
making small arrays, a few microseconds for 75 products, and pays it thousands of times. im2col pays once for each tap
and then hands the whole layer to one matrix product, compiled code that keeps its operands in the cache and
multiplies several numbers with one instruction. The price is memory, which grows with the kernel's area, the images
and the batch; when it gets too much, one treats a few samples or rows at a time, or adds up one matrix product per
tap without ever storing the columns. A 1 × 1 kernel needs no copy: its columns are the input itself, reshaped.
"""

# %% [markdown]
r"""
## Kernels of one pixel

The smallest kernel has a single tap in each channel: $k_H = k_W = 1$. It sees no neighbours at all. At every pixel,
it mixes the channels, with the same weights everywhere:

$$y_{n,d,i,j} \;=\; b_d + \sum_{c=0}^{C-1} w_{d,c}\; x_{n,c,i,j}$$

For a colour image this is a new choice of colours. Deep in a network, where a layer may have 128 maps, it is an inner
product of 128 terms for each pixel, and the cheapest way to make 32 maps of 128. The windows don't overlap, so the
columns are the input itself with its pixels in a row, and the layer is one matrix product.

### Exercise 2.8 · `conv1x1`
●●○○ · 5 min

Return the 1 × 1 convolution of $x$ $(N, C, H, W)$ with weights $w$ of shape $(D, C)$, without the two axes of size 1.
You are marked by values alone, but it can be done with one `@`.

<details><summary>Hint 1: which axis is summed</summary>

A matrix product sums over the last axis of the left factor and the last but one of the right: (D, C) @ (C, L).
</details>

<details><summary>Hint 2: nearly the answer</summary>

Reshape `x` to (N, C, H·W): joining the last two axes moves no number. Multiply, add the bias along axis 1, reshape
back.
</details>
"""


# %% nbgrader={"grade_id": "conv1x1", "solution": true}
def conv1x1(x, w, b=None):
    """A convolution with kernels of one pixel: mixes the channels, pixel by pixel.

    x: samples (N, C, H, W). w: weights (D, C). b: biases (D,), or None for none.
    Returns (N, D, H, W).
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    y = w.astype(float) @ x.reshape(N, C, H * W)
    if b is not None:
        y = y + b[:, None]
    return y.reshape(N, len(w), H, W)
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv1x1-examples", "points": 2}
x = np.array([[[[1, 2, 3], [4, 5, 6]], [[10, 20, 30], [40, 50, 60]]]])  # one sample, two channels of 2 x 3

check.examples(
    "conv1x1",
    conv1x1,
    call(x, np.array([[1, 1], [0, 2], [-10, 1]])).gives(
        [[[[11, 22, 33], [44, 55, 66]], [[20, 40, 60], [80, 100, 120]], [[0, 0, 0], [0, 0, 0]]]]
    ),
    call(x, np.array([[0.5, 0], [0, 1]]), np.array([1, -10])).gives(
        [[[[1.5, 2, 2.5], [3, 3.5, 4]], [[0, 10, 20], [30, 40, 50]]]]
    ),
    call(np.ones((1, 128, 1, 2)), np.ones((1, 128))).gives([[[[128, 128]]]]),  # 128 terms
)

# %% nbgrader={"grade_id": "conv1x1-hidden", "points": 4}
# The hidden tests of `conv1x1` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2081)
x, w, b = rng.standard_normal((3, 4, 3, 5)), rng.standard_normal((5, 4)), rng.standard_normal(5)
check.hidden(
    "conv1x1",
    conv1x1,
    "samples, channels and kernels",
    call(x, w),
    call(x, w[:4]),
    call(x[:1], w[:1]),
    call(x[:, :1], w[:3, :1]),
    call(x=x[:2].transpose(0, 1, 3, 2), w=w[:2]),
)
check.hidden(
    "conv1x1",
    conv1x1,
    "a bias for each kernel",
    call(x, w, b),  # W = 5 = D
    call(x, w[:3], b=b[:3]),
    call(x, w[:1], b[:1]),
    call(x, w[:2], np.array([3, -7])),
)
whole = rng.integers(100, 250, (2, 3, 2, 4)).astype(np.uint8)
check.hidden(
    "conv1x1",
    conv1x1,
    "read-only arrays, views, float32 and integers",
    *call(x, w, b).in_every_form(),
    call(whole, w[:, :3], b),
    call(whole, whole[0, :2, 0, :3]),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on colours. Three rows of weights turn red, green and blue into what television sends
instead: one map of brightness, which carries all the shapes, and two of colour difference.
"""

# %%
to_television = np.array([[0.21, 0.72, 0.07], [0.5, -0.45, -0.05], [-0.1, -0.4, 0.5]])
brightness, red_difference, blue_difference = conv1x1(astronaut.transpose(2, 0, 1)[None], to_television)[0]
figures.pictures([astronaut, brightness], ["red, green, blue", "brightness"], columns=4)
figures.feature_maps([red_difference, blue_difference], ["reddish", "bluish"], columns=4)

# %% [markdown]
r"""
## A convolution is a matrix

One more view, and the most revealing. Every output is a sum of inputs times fixed numbers, so the whole convolution
is a **linear map**: there is a matrix $M$ with

$$y_{\text{raveled}} \;=\; M\, x_{\text{raveled}}, \qquad M \text{ of shape } (H_o W_o,\; H W).$$

*Raveled* means laid out in one long row, row after row, as `x.ravel()` does. Row $r$ of $M$ says how output number
$r$ is made: it holds the weights where its window lies, and zeros everywhere else. This turns im2col round: there the
input was copied so that the kernel could stay small; here the *kernel* is copied, and the input stays as it is.

### Exercise 2.9 · `conv_matrix`
●●●○ · 15 min

Return this matrix for a kernel $w$ $(k_H, k_W)$ and images of the given size $(H, W)$: one row for each output
element, one column for each input element, such that `M @ x.ravel()` equals `cross_correlate2d(x, w).ravel()`.

<details><summary>Hint 1: where is an element?</summary>

In `x.ravel()`, the element in row `r` and column `c` has the index `r * W + c`. In the raveled output it is
`i * Wo + j`: the rows of the output are shorter.
</details>

<details><summary>Hint 2: one row of the matrix</summary>

Make an image of zeros of the full size, lay the kernel into it where the window of output (i, j) is, and ravel it.
</details>

<details><summary>Hint 3: or one column</summary>

Multiply a matrix by a unit vector, and you get one of its columns. What is the correlation of the kernel with an
image that is zero but for a single 1?
</details>
"""


# %% nbgrader={"grade_id": "conv_matrix", "solution": true}
def conv_matrix(w, size):
    """The matrix of a valid cross-correlation, stride 1: M @ x.ravel() = cross_correlate2d(x, w).ravel().

    w: kernel (kH, kW). size: the pair (H, W), the image's height and width, kH <= H and kW <= W.
    Returns (Ho*Wo, H*W), Ho = H - kH + 1, Wo = W - kW + 1, zeros included.
    """
    ### BEGIN SOLUTION
    H, W = size
    kH, kW = w.shape
    rows = []
    for i in range(H - kH + 1):
        for j in range(W - kW + 1):
            row = np.zeros((H, W))
            row[i : i + kH, j : j + kW] = w
            rows.append(row.ravel())
    return np.array(rows)
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv_matrix-examples", "points": 4}
two_by_two = np.array([[1, 2], [3, 4]])

check.examples(
    "conv_matrix",
    conv_matrix,
    call(np.array([[1, -1]]), (1, 4)).gives([[1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 1, -1]]),
    call(two_by_two, (2, 3)).gives([[1, 2, 0, 3, 4, 0], [0, 1, 2, 0, 3, 4]]),
    call(two_by_two, (3, 3)).gives(
        [
            [1, 2, 0, 3, 4, 0, 0, 0, 0],
            [0, 1, 2, 0, 3, 4, 0, 0, 0],  # the window at the end of the first row
            [0, 0, 0, 1, 2, 0, 3, 4, 0],  # two columns on, not one
            [0, 0, 0, 0, 1, 2, 0, 3, 4],
        ]
    ),
)

# %% nbgrader={"grade_id": "conv_matrix-hidden", "points": 6}
# The hidden tests of `conv_matrix` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2091)
w = rng.standard_normal((3, 2))
check.hidden(
    "conv_matrix",
    conv_matrix,
    "images of several sizes",
    call(w, (4, 6)),
    call(w, size=(6, 3)),
    call(w.T, (5, 5)),
    call(w[:2], (3, 5)),
)
check.hidden(
    "conv_matrix",
    conv_matrix,
    "kernels of one row, one column, one element, and as large as the image",
    call(w[:1], (3, 4)),
    call(w[:, :1], (4, 3)),
    call(w[:1, :1], (2, 3)),
    call(w, (3, 2)),
    call(w, (3, 4)),
    call(w, (5, 2)),
)
check.hidden(
    "conv_matrix",
    conv_matrix,
    "read-only kernels, views, float32 and integers",
    *call(w, (4, 4)).in_every_form(),
    call(rng.integers(-9, 9, (2, 2)), (3, 4)),
    call(rng.integers(100, 250, (2, 3)).astype(np.uint8), (3, 4)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, drawn for a 3 × 3 kernel on a 7 × 7 image. Zeros are left blank and each weight has its
own colour. The picture says what a convolution *is*: a fully connected layer in which most weights are zero (each
output sees its window alone) and the rest repeat (every row holds the same nine numbers, moved along).
"""

# %%
M = conv_matrix(nine, seven.shape)
figures.convolution_matrix(M, nine)
print("M @ x is the correlation:", np.array_equal(M @ seven.ravel(), cross_correlate2d(seven, nine).ravel()))

# %% [markdown]
"""
For an image of 32 × 32 and a 5 × 5 kernel the matrix is nearly empty, and the convolution needs 25 numbers where a
fully connected layer of the same size would have more than 800 000:
"""

# %%
M = conv_matrix(np.arange(1.0, 26).reshape(5, 5), (32, 32))
print(
    f"matrix {M.shape}: {M.size} cells, {np.count_nonzero(M)} of them not zero ({np.count_nonzero(M) / M.size:.1%})"
)
print(f"different weights: {len(np.unique(M[M != 0]))}")

# %% [markdown]
r"""
Nobody computes a convolution with this matrix: it is for thinking. What is linear can be transposed, and $M^\top$,
which takes an output back to the shape of an input, will carry the gradients in chapter 6.

## Find the error in the lecture

A lecture shows the 7 × 7 image of this chapter and the kernel `above_below`, and prints, side by side, its
correlation and its true convolution:

```
correlation                 true convolution
 -6   -5   -5   -3   -1       6    5    5    3    1
-15  -13    2    9   -1      15   13   -2    9   -1
  6   -2   -1    4    1      -6    2    1   -4   -1
 15   10   -5  -16  -17     -15  -10    5   16   17
-11    0    6    3    2      11    0   -6   -3   -2
```

One row on the right is wrong, although the left side is right throughout. Find it without calculating a single inner
product, and say how you did.

<details><summary>Answer</summary>

Rotate this kernel by 180 degrees: the row 1 2 1 comes to the bottom and −1 −2 −1 to the top. The rotated kernel is
the kernel times −1, so the convolution must be the correlation times −1, *everywhere*. In the second row the last two
numbers are 9 and −1, as on the left; right is −9 and 1. Someone copied them and forgot the sign.
</details>
"""

# %%
print("the rotated kernel is the negative one:", np.array_equal(rotate180(above_below), -above_below))
print("second row of the convolution:", convolve2d(seven, above_below)[1].astype(int))

# %% [markdown]
r"""
## Summary

- A kernel of $k_H \times k_W$ gives $H - k_H + 1$ rows and $W - k_W + 1$ columns: each axis counts on its own.
- True convolution rotates the kernel by 180 degrees and stamps it on every bright pixel; correlation finds what looks like it.
- Two kernels in turn are one kernel, their convolution. Without something nonlinear in between, depth adds nothing.
- A layer has weights $(D, C, k_H, k_W)$: inner products over channels *and* taps, and one map for each kernel.
- Stride $s$ keeps every $s$-th row and column of stride 1, and spares the rest.
- im2col turns windows into columns and the layer into one matrix product: more memory, far less time.
- A 1 × 1 convolution mixes channels pixel by pixel. Every convolution is a sparse matrix with repeated weights.

**Read on:** Goodfellow, Bengio and Courville, *Deep Learning*, sections 9.1 and 9.2, on convolution as a sparse
matrix with shared entries; Chellapilla, Puri and Simard, *High Performance Convolutional Neural Networks for Document
Processing* (2006), where layers became matrix products; Dumoulin and Visin, *A guide to convolution arithmetic for
deep learning* (2016), for the pictures. Next, what happens at the edges, and how large a layer's output gets:
[chapter 3](../ch03_shapes/shapes.ipynb).
"""
