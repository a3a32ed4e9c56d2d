# %% [markdown]
"""
# 4 · Kernels that look for something

**After this chapter you can** read a kernel as a question about an image, find edges with their strength and direction,
make a detector for a shape and work out its threshold on paper, find a word on a photographed page, and combine small
kernels, biases and ReLUs into a network that recognises one shape and nothing else. You will also know how each of these
detectors fails, which is why later chapters *learn* theirs.

**You need** cross-correlation of images ([chapter 2](../ch02_conv2d/conv2d.ipynb)) and padding and receptive fields
([chapter 3](../ch03_shapes/shapes.ipynb)). **Time:** about 120 minutes.

In your answers torch, scipy, scikit-image, `np.convolve` and `np.correlate` are off limits; everything else in numpy, `np.pad` included,
is yours.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import time
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import hsv_to_rgb

from course.kit import Checks, animate, call, figures, images

check = Checks("ch04_detectors")
figures.use_style()

# %% [markdown]
"""
From earlier chapters you get two small tools. You may use both in your answers: `correlate2d` is chapter 2's cross-correlation (windows that
fit only), and `framed` puts a shape on a dark page.
"""


# %% nbgrader={"grade_id": "given-correlation", "locked": true} tags=["setup"]
def correlate2d(image, kernel):
    """Cross-correlation (H, W), (kH, kW) -> (H - kH + 1, W - kW + 1), one tap of the kernel after the other."""
    (H, W), (kH, kW) = image.shape, kernel.shape
    y = np.zeros((H - kH + 1, W - kW + 1))
    for i in range(kH):
        for j in range(kW):
            y += float(kernel[i, j]) * image[i : i + H - kH + 1, j : j + W - kW + 1]
    return y


def framed(shape, margin=4):
    """A shape in the middle of a dark page."""
    return np.pad(shape, margin)


# %% [markdown]
"""
## A kernel is a question

Each output of a cross-correlation is an inner product, and an inner product says how much a window looks like the kernel.
So to read a kernel, ask: *for which windows is the answer large, and for which is it 0?* Two sums tell most of it. If the
weights add up to 1, a flat area keeps its brightness. If they add up to 0, a flat area gives 0: the kernel asks about *change*.

Three classics to begin with. Change a number, run the cell again, and say beforehand what will happen.
"""

# %%
kernels = {
    "blur": np.ones((5, 5)) / 25,
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "Laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
}
camera = images.camera(256)
answers = {name: correlate2d(camera, kernel) for name, kernel in kernels.items()}

ramp = np.tile(np.arange(5.0), (5, 1))
for name, kernel in kernels.items():
    k = len(kernel)
    on_ramp = correlate2d(ramp[:k, :k], kernel)[0, 0]
    print(f"{name:9}  sum of weights: {kernel.sum():g}  in the middle of a {k} x {k} ramp: {on_ramp:.3g}")

figures.pictures([camera, answers["blur"], answers["sharpen"]], ["camera", "blur", "sharpen"])
figures.pictures(
    [0.5 + 2 * answers["Laplacian"][60:124, 80:208]],
    ["Laplacian of head and camera: grey is 0, bright positive"],
)

# %% [markdown]
r"""
The **blur** asks for the mean of its window. The **Laplacian** compares a pixel with its four neighbours and
answers 0 on flat areas *and* on ramps: it reacts to curvature alone. **Sharpen** is the image minus its Laplacian: look at the
weights, $5 = 1 + 4$.

## Edges

An edge is where brightness changes quickly in one direction and hardly in the other. **Sobel**'s kernels take the
difference across the edge and, against noise, a weighted mean $[1, 2, 1]$ along it:

$$S_x = \begin{bmatrix} -1 & 0 & 1 \\ -2 & 0 & 2 \\ -1 & 0 & 1\end{bmatrix}, \qquad
S_y = \begin{bmatrix} 1 & 2 & 1 \\ 0 & 0 & 0 \\ -1 & -2 & -1\end{bmatrix}$$

$g_x$, the answer of $S_x$, is positive where it gets *brighter to the right*. $g_y$, the answer of $S_y$, is positive where it gets *brighter
upwards*, that is, darker downwards. (Many libraries turn $S_y$ upside down, so mind the sign when you compare.)
"""

# %%
step = np.repeat([[0, 0, 4, 4, 4, 0]], 5, axis=0)
sobel_x = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
animate.sliding_window(step, sobel_x)

# %% [markdown]
"""
Positive at the left side of the bright stripe, negative at its right side, and 0 where nothing changes.

What about the border of the image? We want one answer for each pixel, so a frame of one pixel has to be added first. Which
values? Look what zeros do to a photograph:
"""

# %% tags=["figure"]
small = images.camera(64)
figures.feature_maps(
    [correlate2d(np.pad(small, 1, mode=mode), sobel_x) for mode in ("constant", "edge")],
    ["$g_x$, padded with zeros", "$g_x$, outermost pixels repeated"],
)

# %% [markdown]
"""
Zeros make the end of the image look like the end of a bright object: a frame of edges that nobody painted. **Replicate**
padding repeats the outermost pixels, so that nothing changes across the border and no edge is made up.

### Exercise 4.1 · `sobel`
●●○○ · 10 min

Return $g_x$ and $g_y$ of an image, each as large as the image: replicate padding by one pixel, then cross-correlation with
$S_x$ and $S_y$.

<details><summary>Hint 1: where to start</summary>

Two steps: make the image larger by one pixel on each side, then slide both kernels. What comes out is as large as the image was.
</details>

<details><summary>Hint 2: the padding</summary>

`np.pad` has a `mode`. `"constant"`, the default, puts zeros; `"edge"` repeats the outermost pixels.
</details>

<details><summary>Hint 3: nearly the answer</summary>

Pad once, then `correlate2d` the padded image with each of the two kernels, and return the pair `gx, gy`. With `uint8` images, don't
subtract pixels before they are floats (`correlate2d` sees to that).
</details>
"""


# %% nbgrader={"grade_id": "sobel", "solution": true}
def sobel(image):
    """Both answers of the Sobel kernels, with replicate padding.

    image: (H, W), at least 2 x 2, any real type.
    Returns a tuple (gx, gy), each (H, W): gx is positive where it gets brighter to the right,
    gy where it gets darker downwards.
    """
    ### BEGIN SOLUTION
    sobel_x = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    sobel_y = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    padded = np.pad(image, 1, mode="edge")
    return correlate2d(padded, sobel_x), correlate2d(padded, sobel_y)
    ### END SOLUTION


# %% nbgrader={"grade_id": "sobel-examples", "points": 5}
upright = np.array([[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4]])  # brighter to the right
spot = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
photograph = np.array([[200, 150, 150], [100, 50, 100], [25, 25, 10]], dtype=np.uint8)

check.examples(
    "sobel",
    sobel,
    call(upright).gives((np.tile([0, 16, 16, 0], (3, 1)), np.zeros((3, 4)))),
    call(upright.T).gives(
        (np.zeros((4, 3)), np.tile([[0], [-16], [-16], [0]], (1, 3)))
    ),  # brighter downwards
    call(spot).gives(([[1, 0, -1], [2, 0, -2], [1, 0, -1]], [[-1, -2, -1], [0, 0, 0], [1, 2, 1]])),
    call(photograph).gives(
        (
            [[-200, -150, 50], [-150, -65, 85], [-50, -45, 5]],
            [[400, 350, 250], [650, 565, 545], [250, 215, 295]],
        )
    ),
    call(np.full((2, 3), 7.0)).gives((np.zeros((2, 3)), np.zeros((2, 3)))),  # nothing changes, no edge
)

# %% nbgrader={"grade_id": "sobel-hidden", "points": 7}
# The hidden tests of `sobel` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4011)
x = rng.standard_normal((6, 9))
check.hidden("sobel", sobel, "images of real numbers", call(x), call(x[:5, :3]), *call(x[1:]).in_every_form())
check.hidden("sobel", sobel, "very small and narrow images", call(x[:2, :2]), call(x[:2]), call(x[:, :2]))
check.hidden(
    "sobel",
    sobel,
    "integers and uint8",
    call(rng.integers(0, 256, (5, 4)).astype(np.uint8)),
    call(rng.integers(-50, 50, (4, 6))),
)
bright = np.full((4, 5), 200.0)
bright[1:3, 2:] = 90
check.hidden("sobel", sobel, "edges that run into the border", call(bright), call(bright.T + 0.5))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on a page that is lit from one side. No single brightness separates ink from paper: on the left the
*paper* is as dark as the *ink* on the right. But a letter's edge is an edge in any light.
"""

# %% nbgrader={"grade_id": "setup-page", "locked": true} tags=["setup"]
page = images.page()

# %% tags=["figure"]
gx, gy = sobel(page)
figures.pictures(
    [shown[:136] for shown in (page, page > 0.5, np.abs(gx) + np.abs(gy) > 0.6)],
    ["the page", "brighter than 0.5", "$|g_x| + |g_y|$ above 0.6"],
    columns=1,
)

# %% [markdown]
r"""
## How strong, and which way?

$(g_x, g_y)$ is an arrow: the **gradient**, which points to where it gets brighter, across the edge. Its length is the edge's strength, and its angle the
direction. Two lengths are in use,

$$\text{l1:}\;\; |g_x| + |g_y| \qquad\qquad \text{l2:}\;\; \sqrt{g_x^2 + g_y^2}$$

### Exercise 4.2 · `edge_strength`
●○○○ · 5 min

Return the strength of the edge at each pixel, in the norm `"l1"` or `"l2"`. Any other norm is a mistake of the caller: raise a `ValueError`.

<details><summary>Hint 1</summary>

Three cases: `if`, `elif`, and an `else` that raises. Where can a minus sign do harm, and what must be added before the root is taken?
</details>

<details><summary>Hint 2: small integers</summary>

Squares of `uint8` or `int8` wrap around, and so do their sums. Convert to float first, or use `np.hypot`, which does.
</details>
"""


# %% nbgrader={"grade_id": "edge_strength", "solution": true}
def edge_strength(gx, gy, norm="l2"):
    """The length of the gradient at each pixel.

    gx, gy: arrays of equal shape (H, W), any real type.
    norm: "l1" for |gx| + |gy|, "l2" for the root of the sum of squares.
    Returns (H, W). Raises ValueError for any other norm.
    """
    ### BEGIN SOLUTION
    gx, gy = gx.astype(float), gy.astype(float)
    if norm == "l1":
        return np.abs(gx) + np.abs(gy)
    if norm == "l2":
        return np.sqrt(gx**2 + gy**2)
    raise ValueError(f"norm must be 'l1' or 'l2', not {norm!r}")
    ### END SOLUTION


# %% nbgrader={"grade_id": "edge_strength-examples", "points": 2}
across, up = np.array([[3, 0, -6]]), np.array([[4, -2, -8]])

check.examples(
    "edge_strength",
    edge_strength,
    call(across, up).gives([[5, 2, 10]]),
    call(across, up, norm="l1").gives([[7, 2, 14]]),
    call(across, -up, norm="l1").gives([[7, 2, 14]]),
    call(across, up, norm="l7").raises(ValueError),
)

# %% nbgrader={"grade_id": "edge_strength-hidden", "points": 3}
# The hidden tests of `edge_strength` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4021)
gx, gy = rng.standard_normal((2, 4, 7))
check.hidden("edge_strength", edge_strength, "the l2 norm", call(gx, gy), *call(gx, gy, "l2").in_every_form())
check.hidden(
    "edge_strength",
    edge_strength,
    "the l1 norm",
    call(gx, gy, "l1"),
    *call(gx, gy, norm="l1").in_every_form(),
)
gx, gy = rng.integers(-90, 90, (2, 3, 4))
small_x, small_y = rng.integers(100, 256, (2, 3, 4)).astype(np.uint8)
check.hidden(
    "edge_strength",
    edge_strength,
    "integers",
    call(gx, gy),
    call(gx, gy, norm="l1"),
    call(small_x, small_y),
    call(small_x, small_y, norm="l1"),
)
check.hidden(
    "edge_strength",
    edge_strength,
    "norms that do not exist",
    call(gx, gy, norm="max").raises(ValueError),
    call(gx, gy, "L3").raises(ValueError),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** draws: a strong edge is dark, no edge is white.
"""

# %% tags=["figure"]
figures.pictures(
    [
        1 - edge_strength(*sobel(image)) / 2
        for image in (images.astronaut(256), images.camera(256), images.coins()[20:276, 60:316])
    ],
    ["astronaut", "camera", "coins"],
)

# %% [markdown]
r"""
### Exercise 4.3 · `edge_direction`
●○○○ · 5 min

Return the angle of the arrow $(g_x, g_y)$ in radians, from $-\pi$ to $\pi$: 0 where it gets brighter to the right, $\pi/2$ where it gets brighter upwards.
Flat areas have no direction: return 0 there, as `np.arctan2` does, never nan.

<details><summary>Hint 1: why not gy / gx?</summary>

The arrows (1, 1) and (-1, -1) have the same quotient, but point in opposite directions. And $g_x$ may be 0.
</details>

<details><summary>Hint 2: nearly the answer</summary>

`np.arctan2` takes two arrays and looks at both signs. Which of its arguments comes first? Look it up.
</details>
"""


# %% nbgrader={"grade_id": "edge_direction", "solution": true}
def edge_direction(gx, gy):
    """The direction in which it gets brighter, at each pixel.

    gx, gy: arrays of equal shape (H, W), any real type.
    Returns (H, W): the angle of (gx, gy) in radians, -pi to pi, as np.arctan2; 0 where both are 0, never nan.
    """
    ### BEGIN SOLUTION
    return np.arctan2(gy, gx)
    ### END SOLUTION


# %% nbgrader={"grade_id": "edge_direction-examples", "points": 2}
check.examples(
    "edge_direction",
    edge_direction,
    call(np.array([[2, 0, -2, 0]]), np.array([[0, 2, 0, -2]])).gives([[0, np.pi / 2, np.pi, -np.pi / 2]]),
    call(np.array([[1.0, -1.0]]), np.array([[1.0, -1.0]])).gives([[np.pi / 4, -3 * np.pi / 4]]),
    call(np.zeros((2, 2)), np.zeros((2, 2))).gives([[0, 0], [0, 0]]),  # flat
)

# %% nbgrader={"grade_id": "edge_direction-hidden", "points": 3}
# The hidden tests of `edge_direction` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4031)
gx, gy = rng.standard_normal((2, 5, 8))
check.hidden(
    "edge_direction", edge_direction, "arrows in all directions", call(gx, gy), *call(gx, gy).in_every_form()
)
gx, gy = rng.integers(1, 9, (2, 3, 4))
check.hidden(
    "edge_direction", edge_direction, "integers", call(gx, gy), call(-gx, gy), call(gx, -gy), call(-gx, -gy)
)
gx[1], gy[:, 2] = 0, 0
check.hidden(
    "edge_direction",
    edge_direction,
    "upright and level edges, and flat areas",
    call(gx, gy),
    call(gx - 4, gy),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**: the colour below is the direction, the brightness the strength. The disc is the legend: its left side is
where it gets brighter to the *right*.
"""


# %% tags=["figure"]
def coloured(image, full):
    """Direction as hue, strength as brightness, full brightness at strength `full`."""
    gx, gy = sobel(image)
    hue = (edge_direction(gx, gy) / (2 * np.pi)) % 1
    return hsv_to_rgb(
        np.stack([hue, np.full(hue.shape, 0.9), np.clip(edge_strength(gx, gy) / full, 0, 1)], axis=-1)
    )


rows, columns = np.indices((152, 152)) - 75.5
disc = 1 / (1 + np.exp((np.hypot(rows, columns) - 50) / 5))
coins = images.coins((152, 192))
figures.pictures(
    [coloured(disc, 0.4), coins, coloured(coins, 1.2)], ["a bright disc", "coins", "their edges"]
)

# %% [markdown]
"""
Is the strength of an edge the same whichever way the edge runs? That would be *rotation invariance*. Turn a soft, straight
edge step by step and measure in its middle:
"""

# %% tags=["figure"]
angles = np.radians(np.arange(0, 361, 5))
rows, columns = np.indices((9, 9)) - 4
strengths, errors = {"l1": [], "l2": []}, []
for angle in angles:
    edge = 1 / (1 + np.exp(-(columns * np.cos(angle) - rows * np.sin(angle))))
    gx, gy = sobel(edge)
    for norm, values in strengths.items():
        values.append(edge_strength(gx, gy, norm)[4, 4])
    errors.append(np.degrees(np.angle(np.exp(1j * (edge_direction(gx, gy)[4, 4] - angle)))))
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.8))
for (norm, values), colour in zip(strengths.items(), (figures.WRONG, figures.OUTPUT), strict=True):
    axes[0].plot(np.degrees(angles), np.array(values) / values[0], color=colour, label=norm)
axes[0].set(
    title="strength, upright edge = 1",
    xlabel="direction of the edge's gradient, degrees",
    xticks=range(0, 361, 90),
)
axes[0].set_ylim(0.9, 1.5)
axes[0].legend(loc="upper right", ncols=2)
axes[1].axhline(0, color=figures.LINE, lw=1)
axes[1].plot(np.degrees(angles), np.round(errors, 9), color=figures.OUTPUT)  # no rounding errors around 0
axes[1].set(
    title="error of the direction, degrees", xlabel="true direction, degrees", xticks=range(0, 361, 90)
)
plt.show()
print(
    f"l1 varies by {np.ptp(strengths['l1']) / strengths['l1'][0]:.0%}, l2 by {np.ptp(strengths['l2']) / strengths['l2'][0]:.1%};"
    f" the direction is right to {np.abs(errors).max():.1f} degrees"
)

# %% [markdown]
"""
l1 is cheaper and overrates diagonal edges; l2 is nearly fair.

**How edge detectors fail.** An edge in brightness need not be the edge of a thing. Texture is full of edges, and noise
is, too: the detector takes differences, which is what noise is made of. Smoothing first helps, at the price of blurred edges.
"""

# %% tags=["figure"]
rng = np.random.default_rng(41)
clean = images.camera(256)
noisy = clean + 0.1 * rng.standard_normal(clean.shape)
smoothed = correlate2d(np.pad(noisy, 2, mode="edge"), np.ones((5, 5)) / 25)
cases = {
    "a brick wall": images.brick(256),
    "camera": clean,
    "with noise": noisy,
    "noise, then blur": smoothed,
}
figures.pictures(
    [*cases.values(), *(edge_strength(*sobel(image)) for image in cases.values())],
    [*cases, *["strength"] * 4],
    columns=4,
)

# %% [markdown]
r"""
## Two passes for the price of less than one

Look at $S_x$ again. It is a column times a row:

$$\begin{bmatrix} -1 & 0 & 1 \\ -2 & 0 & 2 \\ -1 & 0 & 1\end{bmatrix} = \begin{bmatrix} 1 \\ 2 \\ 1\end{bmatrix}
\begin{bmatrix} -1 & 0 & 1\end{bmatrix}, \qquad w_{ij} = c_i\, r_j$$

Such a kernel is called **separable**, and its sum falls apart into two small ones:

$$y_{mn} = \sum_i \sum_j c_i\, r_j\, x_{m+i,\,n+j} = \sum_i c_i \Big( \sum_j r_j\, x_{m+i,\,n+j} \Big)$$

Slide the row across, then the column down over what that gave. A $k \times k$ kernel takes $k^2$ multiplications at
each position, the two passes take $2k$. Which kernels are separable? Those whose matrix has **rank 1**: all rows are multiples of one row.
"""

# %%
blob = np.exp(-0.5 * (np.arange(-7, 8) / 3) ** 2)
candidates = {
    "Sobel x": sobel_x,
    "Sobel y": np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]),
    "blur 5 x 5": kernels["blur"],
    "Gaussian 15 x 15": np.outer(blob, blob),
    "Laplacian": kernels["Laplacian"],
    "sharpen": kernels["sharpen"],
}
for name, kernel in candidates.items():
    print(f"{name:16} rank {np.linalg.matrix_rank(kernel)}")

# %% [markdown]
r"""
### Exercise 4.4 · `conv_separable`
●●○○ · 10 min

Return the cross-correlation (windows that fit only) of an image with the kernel whose entries are $c_i\, r_j$, that is,
`np.outer(column, row)`, by two one-dimensional passes. `column` and `row` may have different lengths.

<details><summary>Hint 1: the shapes on the way</summary>

(H, W) goes in. After the row has been slid across: (H, W - kW + 1). After the column has been slid down over that: (H - kH + 1, W - kW + 1).
</details>

<details><summary>Hint 2: a row is a matrix, too</summary>

`row[None, :]` has shape (1, kW), `column[:, None]` has shape (kH, 1). `correlate2d` takes both.
</details>

<details><summary>Hint 3: nearly the answer</summary>

The second pass must work on the result of the first, not on the image: one call of `correlate2d` inside another.
</details>
"""


# %% nbgrader={"grade_id": "conv_separable", "solution": true}
def conv_separable(image, column, row):
    """Cross-correlation with the kernel np.outer(column, row), in two passes, windows that fit only.

    image: (H, W). column: (kH,), kH <= H. row: (kW,), kW <= W. Any real types.
    Returns (H - kH + 1, W - kW + 1).
    """
    ### BEGIN SOLUTION
    across = correlate2d(image, row[None, :])
    return correlate2d(across, column[:, None])
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv_separable-examples", "points": 4}
stairs = np.array([[0, 1, 2, 4], [0, 1, 2, 4], [0, 1, 2, 4], [8, 8, 8, 8]])

check.examples(
    "conv_separable",
    conv_separable,
    call(stairs, np.array([1, 2, 1]), np.array([-1, 0, 1])).gives([[8, 12], [6, 9]]),  # Sobel x
    call(stairs, np.array([1, 0, -1]), np.array([1, 2, 1])).gives([[0, 0], [-28, -23]]),  # Sobel y
    call(stairs, np.array([1, 1, 1, 1]), np.array([0.5])).gives(
        [[4, 5.5, 7, 10]]
    ),  # a column of 4, a row of 1
    call(stairs, np.array([0, 1]), np.array([0, 0, 1])).gives([[2, 4], [2, 4], [8, 8]]),  # picks one pixel
)

# %% nbgrader={"grade_id": "conv_separable-hidden", "points": 6}
# The hidden tests of `conv_separable` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4041)
x, c, r = rng.standard_normal((7, 10)), rng.standard_normal(3), rng.standard_normal(3)
check.hidden(
    "conv_separable",
    conv_separable,
    "column and row of one length",
    call(x, c, r),
    call(x[:3, :3], c, r),
    *call(x, column=r, row=c).in_every_form(),
)
c, r = rng.standard_normal(2), rng.standard_normal(5)
check.hidden(
    "conv_separable",
    conv_separable,
    "column and row of different lengths",
    call(x, c, r),
    call(x, r, c),
    call(x, c[:1], r),
    call(x, r, c[:1]),
    call(x[:, :5], c, r),
)
whole = rng.integers(100, 256, (5, 6)).astype(np.uint8)
check.hidden(
    "conv_separable",
    conv_separable,
    "integers and uint8",
    call(whole, c, r),
    call(whole, whole[:3, 0], whole[0, :2]),
    call(whole.astype(int) - 180, np.array([1, -2, 5]), np.array([3, 1])),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is how image software blurs: a Gaussian of 31 x 31 costs 62 multiplications a pixel instead of 961. Measured
on your computer, on the astronaut:
"""

# %% tags=["figure", "timing"]
astronaut = images.astronaut(256)
sizes, seconds = [3, 7, 11, 15, 21, 31], {"one pass, k x k": [], "two passes": []}
for k in sizes:
    bell = np.exp(-0.5 * (np.linspace(-2.5, 2.5, k)) ** 2)
    start = time.perf_counter()
    correlate2d(astronaut, np.outer(bell, bell))
    between = time.perf_counter()
    conv_separable(astronaut, bell, bell)
    end = time.perf_counter()
    seconds["one pass, k x k"].append(1000 * (between - start))
    seconds["two passes"].append(1000 * (end - between))
fig, ax = plt.subplots(figsize=(7.5, 2.8))
for (name, values), colour in zip(seconds.items(), (figures.KERNEL, figures.OUTPUT), strict=True):
    ax.plot(sizes, values, "o-", color=colour, label=name)
ax.set(xlabel="kernel size k", ylabel="milliseconds", ylim=(0, None))
ax.legend()
plt.show()

# %% tags=["figure"]
bell = np.exp(-0.5 * np.linspace(-2.5, 2.5, 31) ** 2)
bell /= bell.sum()
astronaut = images.astronaut(256)
blurred = conv_separable(np.pad(astronaut, 15, mode="edge"), bell, bell)
figures.pictures(
    [astronaut, blurred, np.clip(0.5 + astronaut - blurred, 0, 1)],
    ["astronaut", "31 x 31 Gaussian, two passes", "the difference: fine detail"],
)

# %% [markdown]
"""
## A detector made of detectors: the box

Edges are parts. Put parts together and you detect a *thing*. Take a bright square on a dark page, and look at its
gradients: the top of the box answers in $g_y$ with one sign, the bottom with the other; left and right do the same in $g_x$.
"""

# %% tags=["figure"]
square = framed(np.ones((5, 5)))
gx, gy = sobel(square)
figures.feature_maps(
    [4 * square, gy, gx], ["a 5 x 5 box", "$g_y$: top −, bottom +", "$g_x$: left +, right −"]
)

# %% [markdown]
r"""
So let a second layer look at the two maps as **channels**, $H = g_y$ (horizontal edges) and $V = g_x$ (vertical edges), and
ask for exactly this arrangement: along the four sides of an $n \times n$ window it weighs the maps with the sign that the
edges of a bright box have.

### Exercise 4.5 · `box_kernels`
●○○○ · 5 min

Return the weights of that layer, one kernel on two channels, shape $(1, 2, n, n)$. On channel 0, $H$: the top row is $-1$, the bottom row $+1$. On
channel 1, $V$: the left column is $+1$, the right column $-1$. All else is 0.

<details><summary>Hint 1</summary>

Start from zeros of the full shape. `w[0, 0]` is a matrix: which rows of it are set? `w[0, 1]` is another: which columns?
</details>
"""


# %% nbgrader={"grade_id": "box_kernels", "solution": true}
def box_kernels(size=5):
    """The second layer of the box detector: one kernel on the channels (H, V) = (gy, gx).

    size: int, at least 2, the side of the box.
    Returns (1, 2, size, size).
    """
    ### BEGIN SOLUTION
    w = np.zeros((1, 2, size, size))
    w[0, 0, 0], w[0, 0, -1] = -1, 1
    w[0, 1, :, 0], w[0, 1, :, -1] = 1, -1
    return w
    ### END SOLUTION


# %% nbgrader={"grade_id": "box_kernels-examples", "points": 2}
check.examples(
    "box_kernels",
    box_kernels,
    call(3).gives([[[[-1, -1, -1], [0, 0, 0], [1, 1, 1]], [[1, 0, -1], [1, 0, -1], [1, 0, -1]]]]),
    call(size=2).gives([[[[-1, -1], [1, 1]], [[1, -1], [1, -1]]]]),
    call(),
)

# %% nbgrader={"grade_id": "box_kernels-hidden", "points": 3}
# The hidden tests of `box_kernels` run here when your work is graded.
### BEGIN HIDDEN TESTS
check.hidden("box_kernels", box_kernels, "the default size", call())
check.hidden("box_kernels", box_kernels, "odd sizes", call(3), call(size=9), call(11))
check.hidden("box_kernels", box_kernels, "even sizes", call(2), call(6), call(size=8))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is the arrangement in the pictures above, as weights. (The edges there are two pixels wide, because Sobel's windows see a side
from both its banks. The kernel sits on the inner one.)
"""

# %% tags=["figure"]
h, v = box_kernels()[0]
figures.feature_maps([h, v], ["kernel on $H = g_y$", "kernel on $V = g_x$"])

# %% [markdown]
"""
### Exercise 4.6 · `box_response`
●●○○ · 15 min

Return the response of the two-layer detector at every pixel, as large as the image:

1. Pad the image with **zeros** by 1 and correlate with $S_x$ and $S_y$. (Zeros, and not `sobel`'s replication: beyond
   the page it is dark, so a box at the very border counts as a whole box.)
2. Pad $g_y$ and $g_x$ with zeros by `size // 2`, correlate each with its box kernel, and add the two answers.

The response at a pixel then tells how well a box would sit *centred* there.

<details><summary>Hint 1: the shapes on the way</summary>

(H, W), padded by 1, under a 3 x 3 kernel: (H, W) again. Padded by `size // 2`, under a kernel of odd `size`: (H, W) again.
</details>

<details><summary>Hint 2: which with which</summary>

`w = box_kernels(size)`: `w[0, 0]` belongs to `gy` and `w[0, 1]` to `gx`. No absolute values on the way: the signs are what tells a top side from a bottom side.
</details>

<details><summary>Hint 3: nearly the answer</summary>

```python
padded = np.pad(image, 1)
gx, gy = ...
h, v = box_kernels(size)[0]
return correlate2d(np.pad(gy, ...), h) + ...
```
</details>
"""


# %% nbgrader={"grade_id": "box_response", "solution": true}
def box_response(image, size=5):
    """How well a bright box of size x size pixels sits at each pixel.

    image: (H, W), any real type. size: odd int, the side of the box.
    Returns (H, W): zero padding 1 for the Sobel step, zero padding size // 2 for the box kernels.
    """
    ### BEGIN SOLUTION
    padded = np.pad(image, 1)
    gx = correlate2d(padded, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
    gy = correlate2d(padded, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]))
    h, v = box_kernels(size)[0]
    return correlate2d(np.pad(gy, size // 2), h) + correlate2d(np.pad(gx, size // 2), v)
    ### END SOLUTION


# %% nbgrader={"grade_id": "box_response-examples", "points": 5}
check.examples(
    "box_response",
    box_response,
    call(framed(np.ones((5, 5)), 1)).gives(
        [
            [0, 0, 8, 16, 8, 0, 0],
            [0, 0, 12, 24, 12, 0, 0],
            [8, 12, 32, 50, 32, 12, 8],
            [16, 24, 50, 72, 50, 24, 16],  # 72 in the centre of the box
            [8, 12, 32, 50, 32, 12, 8],
            [0, 0, 12, 24, 12, 0, 0],
            [0, 0, 8, 16, 8, 0, 0],
        ]
    ),
    call(framed(np.ones((3, 3)), 1), size=3).gives(
        [
            [-8, -4, -2, -4, -8],
            [-4, 16, 26, 16, -4],
            [-2, 26, 40, 26, -2],
            [-4, 16, 26, 16, -4],
            [-8, -4, -2, -4, -8],
        ]
    ),
    call(np.ones((3, 3)), size=3).gives(
        [[0, 14, 0], [14, 40, 14], [0, 14, 0]]
    ),  # up to the border: 40 in the centre, too
    call(images.coins((30, 38))),  # torch is asked
)

# %% nbgrader={"grade_id": "box_response-hidden", "points": 8}
# The hidden tests of `box_response` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4061)
x = rng.standard_normal((9, 12))
check.hidden(
    "box_response",
    box_response,
    "images of real numbers, boxes of 5",
    call(x),
    call(x[:, :7]),
    *call(x[:7]).in_every_form(),
)
check.hidden(
    "box_response", box_response, "other sizes", call(x, 3), call(x, size=7), call(x[:4, :3], size=3)
)
check.hidden(
    "box_response",
    box_response,
    "integers and uint8",
    call(rng.integers(0, 256, (7, 8)).astype(np.uint8)),
    call(rng.integers(-9, 9, (8, 6)), size=3),
)
corner = np.zeros((11, 10))
corner[:5, 5:], corner[8:, :2] = 1, 0.5
check.hidden(
    "box_response", box_response, "boxes at the border", call(corner), call(1 - corner), call(corner, size=3)
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** answers loudest to the box it was made for. First in numbers, for bright squares of $n \times n$ pixels and some near
misses, then as a plot:
"""

# %% nbgrader={"grade_id": "setup-hollow-box", "locked": true} tags=["setup"]
hollow = np.ones((5, 5))
hollow[1:-1, 1:-1] = 0

# %%
pierced = np.ones((5, 5))
pierced[2, 2] = 0
largest = {n: box_response(framed(np.ones((n, n)), 6)).max() for n in range(2, 10)}
print("n x n box, n = 2 ... 9:", " ".join(f"{value:g}" for value in largest.values()))
print(f"4 x 5 box: {box_response(framed(np.ones((4, 5)))).max():g}")
print(f"hollow 5 x 5 box: {box_response(framed(hollow)).max():g}")
print(f"dark 5 x 5 box, at its centre: {box_response(-framed(np.ones((5, 5))))[6, 6]:g}")
print(f"5 x 5 box at half the brightness: {box_response(0.5 * framed(np.ones((5, 5)))).max():g}")
print(f"5 x 5 box with its centre pixel missing: {box_response(framed(pierced)).max():g}")
seven = box_response(framed(np.ones((7, 7)), 6))
print(
    "7 x 7 box, largest at",
    [(int(i), int(j)) for i, j in np.argwhere(seven == seven.max())],
    "(its centre is (9, 9))",
)

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7.5, 3))
ax.axhspan(66, 72, color=figures.KERNEL, alpha=0.25, lw=0)
ax.text(9.4, 69, "any threshold\nin here will do", va="center", ha="right")
ax.bar(
    list(largest),
    list(largest.values()),
    width=0.55,
    color=[figures.OUTPUT if n == 5 else figures.INPUT for n in largest],
)
for n, value in largest.items():
    ax.text(n, value + 1.5, f"{value:g}", ha="center")
ax.set(xlabel="side of the bright square", ylabel="largest response", ylim=(0, 88), xticks=list(largest))
plt.show()

# %% [markdown]
r"""
From 7 on, a square is large enough for its *corners* to be all that the detector sees: it answers there, always with 38.

### Where must the threshold be?

You can work it out. On the side of a bright box of side $s$, the gradient is 4 at each pixel but the two ends, where one of the
three rows of the Sobel kernel already lies outside: 3. So a side adds up to $4(s-2) + 2\cdot 3 = 4s - 2$, and the box to four times that:

$$\text{response} = 4\,(4s - 2) = 16\,s - 8, \qquad s = 5: \; 72$$

The most dangerous impostor among rectangles has one side shorter by one, $s \times (s-1)$: three sides still fit, and it answers
$16\,s - 14$, which is 66 for $s = 5$. (With both sides shorter it is $16\,s - 20$, or 60.) A threshold between the two accepts the box and no other rectangle. Check it:
"""

# %%
print("  s    s x s    s x (s-1)    (s-1) x (s-1)")
for s in (3, 5, 7, 9, 11):
    shapes = [np.ones((s, s)), np.ones((s, s - 1)), np.ones((s - 1, s - 1))]
    values = [box_response(framed(shape, s), s).max() for shape in shapes]
    same = values == [16 * s - 8, 16 * s - 14, 16 * s - 20]
    print(f"{s:3} {values[0]:8g} {values[1]:12g} {values[2]:16g}    as the formulas say: {same}")

sides = [(a, b) for a in range(1, 13) for b in range(1, 13) if (a, b) != (5, 5)]
most = max(box_response(framed(np.ones(shape))).max() for shape in sides)
print(f"s = 5, the largest answer to any of {len(sides)} other rectangles: {most:g}")

# %% [markdown]
"""
### Exercise 4.7 · `find_boxes`
●●○○ · 10 min

Return the centres of all bright boxes of exactly `size` x `size` pixels on a page of 0 and 1, as a list of pairs (row, column) of ints, from top to bottom and, within a
row of pixels, from left to right. A pixel is a centre where the response is *above* the threshold; without a threshold in the call, use one that works for every size.

<details><summary>Hint 1: the default</summary>

Anything from `16 * size - 14` up to, but not including, `16 * size - 8` is right, and the middle is safest. Test for `threshold is None`.
</details>

<details><summary>Hint 2: from a mask to pairs</summary>

`np.argwhere(mask)` lists the indices where a mask is true, in row-major order, as the rows of an array.
</details>

<details><summary>Hint 3: ints</summary>

Turn each row into a tuple of Python ints: `[(int(i), int(j)) for i, j in ...]`.
</details>
"""


# %% nbgrader={"grade_id": "find_boxes", "solution": true}
def find_boxes(image, size=5, threshold=None):
    """The centres of bright boxes of exactly size x size pixels.

    image: (H, W), shapes of ones on zeros, at least `size` pixels apart. size: odd int.
    threshold: responses above it count; None for one that follows from size. (Thresholds so low that
    the pixels beside a box's centre answer, too, are out of scope.)
    Returns a list of (row, column) pairs of ints in row-major order, maybe empty.
    """
    ### BEGIN SOLUTION
    if threshold is None:
        threshold = 16 * size - 11
    return [(int(row), int(column)) for row, column in np.argwhere(box_response(image, size) > threshold)]
    ### END SOLUTION


# %% nbgrader={"grade_id": "find_boxes-examples", "points": 5}
two = np.zeros((20, 26))
two[2:7, 15:20] = two[12:17, 3:8] = 1

check.examples(
    "find_boxes",
    find_boxes,
    call(framed(np.ones((5, 5)))).gives([(6, 6)]),
    call(two).gives([(4, 17), (14, 5)]),
    call(framed(np.ones((4, 4)))).gives([]),
    call(framed(np.ones((4, 5)))).gives([]),  # 66
    call(framed(np.ones((6, 6)))).gives([]),
    call(framed(hollow)).gives([]),
    call(1 - framed(np.ones((5, 5)))).gives([]),  # dark on bright
    call(framed(np.ones((3, 3))), size=3).gives([(5, 5)]),
    call(two, threshold=80).gives([]),
)

# %% nbgrader={"grade_id": "find_boxes-hidden", "points": 3}
# The hidden tests of `find_boxes`: boxes, anywhere on the page.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4071)


def page_of(shapes, cell, across=3):
    """One shape to a cell of a grid, at a random place in it that leaves enough room to the next."""
    sheet = np.zeros((-(-len(shapes) // across) * cell, across * cell))
    for at, shape in enumerate(shapes):
        top, left = (at // across) * cell, (at % across) * cell
        top, left = (start + rng.integers(0, 4) for start in (top, left))
        sheet[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
    return sheet


box = np.ones((5, 5))
flush = np.zeros((17, 19))
flush[:5, 14:] = flush[12:, :5] = 1
check.hidden(
    "find_boxes",
    find_boxes,
    "one box",
    call(page_of([box], 14, 1)),
    *call(page_of([box], 12, 1)).in_every_form(),
)
check.hidden(
    "find_boxes", find_boxes, "several boxes", call(page_of([box] * 4, 14, 2)), call(page_of([box] * 6, 13))
)
check.hidden("find_boxes", find_boxes, "boxes at the border", call(flush), call(flush[:, 1:].T))
check.hidden("find_boxes", find_boxes, "an empty page", call(np.zeros((9, 12))))
check.hidden(
    "find_boxes",
    find_boxes,
    "pages of integers",
    call(page_of([box] * 3, 14).astype(np.uint8)),
    call(page_of([box], 14, 1).astype(int)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "find_boxes-hidden-impostors", "points": 3}
# Near misses among the boxes.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4072)
box, hollow_box = np.ones((5, 5)), np.pad(np.zeros((3, 3)), 1, constant_values=1)


def among_boxes(*impostors):
    """A page with the impostors and two boxes, shuffled."""
    shapes = [*impostors, box, box]
    sheet = np.zeros((len(shapes) * 13, 13))
    for place, shape in zip(rng.permutation(len(shapes)), shapes, strict=True):
        top, left = 13 * place + rng.integers(1, 6), rng.integers(0, 6)
        sheet[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
    return call(sheet)


check.hidden(
    "find_boxes",
    find_boxes,
    "smaller squares and rectangles",
    *[among_boxes(np.ones(s)) for s in ((4, 4), (4, 5), (5, 4), (3, 5))],
)
check.hidden(
    "find_boxes",
    find_boxes,
    "larger squares and rectangles",
    *[among_boxes(np.ones(s)) for s in ((6, 6), (5, 6), (7, 5), (7, 7))],
)
check.hidden(
    "find_boxes", find_boxes, "hollow boxes", among_boxes(hollow_box), among_boxes(hollow_box, hollow_box)
)
dark = np.ones((26, 30))
dark[9:14, 12:17] = 0
check.hidden(
    "find_boxes",
    find_boxes,
    "dark boxes",
    call(dark),
    call(np.pad(dark, 6)),
    among_boxes(-box),
    call(-np.pad(box, 5)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "find_boxes-hidden-sizes", "points": 3}
# Other sizes and thresholds.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4073)


def sheet_with(height, width, *shapes):
    """A page with shapes: (row, column, height, width)."""
    sheet = np.zeros((height, width))
    for top, left, h, w in shapes:
        sheet[top : top + h, left : left + w] = 1
    return sheet


check.hidden(
    "find_boxes",
    find_boxes,
    "boxes of 3, 7 and 9 pixels",
    call(sheet_with(15, 20, (2, 3, 3, 3), (9, 12, 3, 3), (9, 2, 2, 3), (2, 13, 4, 4)), size=3),
    call(sheet_with(20, 34, (3, 2, 7, 7), (9, 19, 7, 7)), 7),
    call(sheet_with(20, 34, (3, 2, 7, 6), (9, 19, 7, 7)), 7),
    call(sheet_with(24, 38, (2, 4, 9, 8), (11, 23, 9, 9)), size=9),
)
check.hidden(
    "find_boxes",
    find_boxes,
    "a threshold in the call",
    call(sheet_with(16, 28, (3, 4, 5, 5), (4, 16, 3, 5)), threshold=55),
    call(sheet_with(16, 28, (3, 4, 5, 5), (4, 16, 3, 5)), 5, 65),
    call(sheet_with(16, 28, (3, 4, 5, 5)), threshold=90),
    call(sheet_with(20, 34, (3, 2, 7, 7), (9, 19, 7, 7)), size=7, threshold=120),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on a page of boxes, near misses and noise. Two numbers say how good a detector is: **recall**, the share of the
boxes that it finds, and **precision**, the share of its finds that are boxes.
"""


# %%
def make_page(noise, seed):
    """A noisy page of 60 shapes, boxes and impostors, and the set of the centres of the boxes."""
    rng = np.random.default_rng(seed)
    solid = [np.ones(s) for s in ((5, 5), (4, 5), (5, 4), (4, 4), (6, 6), (3, 3), (5, 7))]
    shapes = [*solid, hollow]
    sheet, centres = np.zeros((6 * 12, 10 * 12)), set()
    for cell in range(60):
        shape = shapes[rng.choice(8, p=[0.3] + [0.1] * 7)]
        top, left = 12 * (cell // 10) + rng.integers(0, 5), 12 * (cell % 10) + rng.integers(0, 5)
        sheet[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
        if shape is shapes[0]:
            centres.add((int(top) + 2, int(left) + 2))
    return sheet + noise * rng.standard_normal(sheet.shape), centres


def recall_and_precision(found, centres):
    """The share of the centres that were found, and of the finds that are centres (1 if none)."""
    found = {(int(row), int(column)) for row, column in found}
    hits = len(centres & found)
    return hits / len(centres), hits / len(found) if found else 1.0


for noise in (0.0, 0.1, 0.2, 0.3):
    sheet, centres = make_page(noise, seed=7)
    recall, precision = recall_and_precision(find_boxes(sheet), centres)
    print(f"noise {noise:g}: {len(centres)} boxes, recall {recall:.2f}, precision {precision:.2f}")

# %% tags=["figure"]
sheet, centres = make_page(0.2, seed=7)
found = [(int(row), int(column)) for row, column in find_boxes(sheet)]
fig, ax = plt.subplots(figsize=(8.4, 5.2))
ax.imshow(sheet, cmap="gray", vmin=-0.4, vmax=1.4)
marks = {
    "found": ([c for c in found if c in centres], figures.OUTPUT),
    "missed": ([c for c in centres if c not in found], figures.KERNEL),
    "false alarm": ([c for c in found if c not in centres], figures.WRONG),
}
for name, (places, colour) in marks.items():
    for row, column in places:
        ax.add_patch(plt.Rectangle((column - 3, row - 3), 6, 6, fill=False, ec=colour, lw=2))
    ax.plot([], [], "s", mfc="none", mec=colour, mew=2, ms=9, label=f"{name}: {len(places)}")
ax.set(
    xticks=[],
    yticks=[],
    xlim=(-1.5, sheet.shape[1] + 0.5),
    ylim=(sheet.shape[0] + 0.5, -1.5),
    title="noise 0.2",
)
ax.spines[:].set_visible(False)
fig.legend(loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
"""
One number on a page of shapes is luck. Here is every threshold from 40 to 80, each averaged over ten pages:
"""

# %% tags=["figure"]
thresholds = np.arange(40, 81, 2)
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharey=True)
for noise, colour in ((0.05, figures.OUTPUT), (0.15, figures.INPUT), (0.3, figures.WRONG)):
    curves = np.mean(
        [
            [recall_and_precision(find_boxes(sheet, threshold=t), centres) for t in thresholds]
            for sheet, centres in (make_page(noise, seed) for seed in range(10))
        ],
        axis=0,
    )
    axes[0].plot(thresholds, curves[:, 0], color=colour, label=f"noise {noise:g}")
    axes[1].plot(thresholds, curves[:, 1], color=colour)
for ax, title in zip(axes, ("recall", "precision"), strict=True):
    ax.axvspan(66, 72, color=figures.KERNEL, alpha=0.2, lw=0)
    ax.set(title=title, xlabel="threshold", ylim=(0, 1.05))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
"""
A higher threshold gives up recall for precision, and noise closes the gap between 66 and 72 in which both were perfect. That
trade is behind every detector there is.

**How it fails.** A box at half the brightness answers 36, less than many things that are no box. A box with a hole in its centre answers
72, as if it were whole. Why? All layers so far are linear, so the two of them act as *one* kernel. You can see it by asking for the response to a single pixel (turned by
180 degrees, because correlation answers a spot with the kernel flipped):
"""

# %% tags=["figure"]
impulse = np.zeros((9, 9))
impulse[4, 4] = 1
figures.grid(
    np.rot90(box_response(impulse), 2)[1:-1, 1:-1].astype(int),
    "the box detector as one 7 x 7 kernel",
    signed=True,
)

# %% [markdown]
"""
The weight in the centre is 0: the detector never looks there. It looks at sides, and what a detector doesn't look at can't
change its mind. It also wants its sides upright and level:
"""

# %% tags=["figure"]
turns = np.arange(0, 91, 3)
rows, columns = (np.indices((17 * 8, 17 * 8)) + 0.5) / 8 - 8.5
tops = []
for turn in np.radians(turns):
    along, beside = columns * np.cos(turn) + rows * np.sin(turn), rows * np.cos(turn) - columns * np.sin(turn)
    fine = (np.abs(along) < 2.5) & (np.abs(beside) < 2.5)
    tops.append(box_response(fine.reshape(17, 8, 17, 8).mean(axis=(1, 3))).max())
fig, ax = plt.subplots(figsize=(7.5, 2.6))
ax.axhspan(66, 72, color=figures.KERNEL, alpha=0.25, lw=0)
ax.plot(turns, tops, "o-", color=figures.OUTPUT, ms=4)
ax.set(
    xlabel="the 5 x 5 box, turned by so many degrees",
    ylabel="largest response",
    ylim=(0, 80),
    xticks=range(0, 91, 15),
)
plt.show()
print("turned by 3, 6, 9 and 45 degrees:", ", ".join(f"{tops[i]:.1f}" for i in (1, 2, 3, 15)))

# %% [markdown]
r"""
## Any pattern: normalised cross-correlation

Sides and thresholds were made for boxes on a clean page. For *any* pattern, a word on a page, say, use the pattern itself as
the kernel. But a plain inner product grows with brightness: on the unevenly lit page the winner is not the word but the brightest
corner. The cure is the same as for signals in chapter 1. Take away the mean, divide by the norms, and compare shapes only:

$$r_{mn} = \frac{\langle v - \bar v,\; t - \bar t\rangle}{\lVert v - \bar v\rVert\;\lVert t - \bar t\rVert}, \qquad
v = \text{the window at } (m, n), \quad t = \text{the template}$$

$r$ lies between $-1$ and $1$. It is 1 where the window is the template at any contrast and brightness, and $-1$ at its
negative.

### Exercise 4.8 · `match_template`
●●○○ · 15 min

Return the map of $r_{mn}$, one number for each window that fits. A flat window, whose pixels are all equal, has norm 0 and gets 0.

<details><summary>Hint 1: one window</summary>

First a value for one window: subtract its own mean, multiply with the template without its mean, sum, and divide by the two norms.
</details>

<details><summary>Hint 2: flat windows</summary>

0 / 0 is nan. Look at the norm before you divide, and leave a 0 where it is 0 (up to rounding: compare with something like 1e-9).
</details>

<details><summary>Hint 3: nearly the answer</summary>

Two loops, `for i in range(H - h + 1)` and `for j in range(W - w + 1)`. The window is `image[i : i + h, j : j + w]`. The template needs its mean removed only once, before the loops.
</details>
"""


# %% nbgrader={"grade_id": "match_template", "solution": true}
def match_template(image, template):
    """Normalised cross-correlation: how alike window and template are, whatever the light.

    image: (H, W). template: (h, w), h <= H, w <= W, not flat. Any real types.
    Returns (H - h + 1, W - w + 1), values from -1 to 1; 0 for flat windows.
    """
    ### BEGIN SOLUTION
    h, w = template.shape
    t = template.astype(float) - np.mean(template)
    r = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for i in range(r.shape[0]):
        for j in range(r.shape[1]):
            v = image[i : i + h, j : j + w].astype(float)
            v = v - np.mean(v)
            norms = np.sqrt(np.sum(v * v) * np.sum(t * t))
            if norms > 1e-9:
                r[i, j] = np.sum(v * t) / norms
    return r
    ### END SOLUTION


# %% nbgrader={"grade_id": "match_template-examples", "points": 5}
stroke = np.array([[1, 0], [0, 1]])
scene = np.array([[9, 9, 9, 0], [9, 9, 9, 0], [3, 2, 9, 9], [2, 3, 0, 0]])

check.examples(
    "match_template",
    match_template,
    call(scene, stroke).gives(
        [[0, 0, 0], [-0.0765, 0.5774, 0.5774], [1, -0.7454, 0]]  # 1 at the faint copy
    ),
    call(scene, 5 - 2 * stroke),  # upside down: all signs change
    call(100 + 0.5 * scene, stroke),  # brighter and paler: no change
    call(stroke, stroke).gives([[1]]),
    call(page[60:90:2, 200:240:2], page[64:74:2, 210:222:2]),
)

# %% nbgrader={"grade_id": "match_template-hidden", "points": 4}
# The hidden tests of `match_template` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4081)
x, t = rng.standard_normal((7, 9)), rng.standard_normal((3, 2))
check.hidden(
    "match_template",
    match_template,
    "images and templates of real numbers",
    call(x, t),
    call(x, t.T),
    call(x[:3, :2], t),
)
check.hidden(
    "match_template",
    match_template,
    "bright, dark, loud and quiet ones",
    call(x + 9, t),
    call(x, t - 5),
    call(30 * x, t / 8 + 2),
    call(-x, t),
)
check.hidden(
    "match_template",
    match_template,
    "read-only arrays, views and float32",
    *call(x + 1, t + 1).in_every_form(),
)
copies = rng.standard_normal((8, 11))
copies[1:4, 2:4], copies[4:7, 7:9] = 0.25 * t + 3, 1 - 4 * t
check.hidden("match_template", match_template, "an image with copies of the template", call(copies, t))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "match_template-hidden-flat", "points": 4}
# Flat areas and integers.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4082)
t = rng.standard_normal((2, 3))
blocks = np.kron(rng.integers(1, 9, (3, 3)), np.ones((4, 4)))
check.hidden(
    "match_template",
    match_template,
    "images with flat areas",
    call(blocks, t),
    call(blocks, t + 4),
    call(np.zeros((4, 5)), t),
    call(blocks / 4, t.T),
)
whole = rng.integers(0, 256, (6, 7)).astype(np.uint8)
check.hidden(
    "match_template",
    match_template,
    "integers and uint8",
    call(whole, whole[2:5, 3:5]),
    call(whole, t),
    call(whole.astype(int) - 120, np.array([[3, -2], [0, 7]])),
    call(blocks.astype(np.uint8), whole[:3, :2]),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** reads, a little. Take the word *markers* from the first line of the page and look for it:
"""

# %%
paragraph = page[40:130]
word = paragraph[10:25, 166:222]
r = match_template(paragraph, word)
finds = [
    (int(i), int(j))
    for i, j in np.argwhere(r > 0.6)
    if r[i, j] == r[max(i - 5, 0) : i + 6, max(j - 5, 0) : j + 6].max()
]
for i, j in finds:
    print(f"row {i}, column {j}: r = {r[i, j]:.2f}")
plain = correlate2d(paragraph, word)
brightest = tuple(int(i) for i in np.unravel_index(plain.argmax(), plain.shape))
print("the plain inner product is largest at", brightest)

# %% tags=["figure"]
fig, axes = plt.subplots(3, 1, figsize=(8.6, 7))
axes[0].imshow(paragraph, vmin=0, vmax=1)
for places, colour in ((finds, figures.OUTPUT), ([brightest], figures.WRONG)):
    for i, j in places:
        axes[0].add_patch(
            plt.Rectangle((j - 0.5, i - 0.5), word.shape[1], word.shape[0], fill=False, ec=colour, lw=2)
        )
axes[0].set_title("green: $r$ above 0.6; red: where the plain inner product is largest")
axes[1].imshow(plain)
axes[1].set_title("plain inner product: white is large")
axes[2].imshow(r, cmap=figures.SIGNED, vmin=-1, vmax=1)
axes[2].set_title("$r$: blue −1, white 0, orange 1")
for ax in axes:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=figures.LINE)
plt.show()

# %% [markdown]
"""
It finds all three, and the third with 0.66 only: there the line of print slopes. **That is how templates fail**: they know nothing of rotation or
scale. Turn a coin under its own template:
"""

# %% tags=["figure"]
coin = images.coins()[170:220, 76:126]
template = coin[10:40, 10:40]


def turned(image, degrees, scale=1.0):
    """The image turned about its centre and enlarged, each pixel taken from the nearest one."""
    centre = (np.array(image.shape) - 1) / 2
    rows, columns = np.indices(image.shape) - centre[:, None, None]
    cos, sin = np.cos(np.radians(degrees)) / scale, np.sin(np.radians(degrees)) / scale
    places = np.stack([rows * cos - columns * sin, rows * sin + columns * cos]) + centre[:, None, None]
    i, j = np.clip(np.rint(places).astype(int), 0, len(image) - 1)
    return image[i, j]


degrees, scales = np.arange(-60, 61, 6), np.linspace(0.7, 1.4, 15)
by_turn = [match_template(turned(coin, d), template)[5:16, 5:16].max() for d in degrees]
by_scale = [match_template(turned(coin, 0, s), template)[5:16, 5:16].max() for s in scales]
fig, axes = plt.subplots(1, 4, figsize=(8.6, 2.5), width_ratios=[1, 1, 1.7, 1.7])
axes[0].imshow(template, vmin=0, vmax=1)
axes[0].set(title="template", xticks=[], yticks=[])
axes[1].imshow(turned(coin, 30), vmin=0, vmax=1)
axes[1].set(title="turned by 30°", xticks=[], yticks=[])
for ax, xs, ys, label in ((axes[2], degrees, by_turn, "degrees"), (axes[3], scales, by_scale, "scale")):
    ax.plot(xs, ys, "o-", color=figures.OUTPUT, ms=3)
    ax.set(xlabel=label, ylim=(0, 1.05), title="best $r$")
plt.show()

# %% [markdown]
r"""
## Similarity, bias, ReLU: a neuron is a threshold

`find_boxes` compared a response with a threshold outside the network. A layer can do it itself. With a bias $b$ and a **ReLU**, which keeps what is
positive and sets the rest to 0,

$$y = \mathrm{ReLU}\big(\langle w, v\rangle + b\big) = \max\big(0,\; \langle w, v\rangle + b\big),$$

the unit is silent unless the similarity exceeds $-b$. *The bias is the threshold, the ReLU enforces it.* The box detector with $b = -69$ fires in
the centre of its box, with $72 - 69 = 3$, and nowhere else.

With pixels of 0 and 1 this can be made **exact**. Take a pattern, weigh its ones with $+1$ and its zeros with $-1$. A window that is the pattern gives $p$, the number of ones. Each wrong
pixel, missing or too many, costs 1:

$$\langle w, v \rangle = p - (\text{number of wrong pixels}), \qquad b = -(p - 1) \;\Rightarrow\; y = \begin{cases} 1 & \text{no pixel is wrong} \\ 0 & \text{otherwise.}\end{cases}$$

Not a promise: there are only $2^9 = 512$ windows of 3 x 3 pixels, so try them all.
"""

# %%
bracket = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 0]])
weights = np.where(bracket == 1, 1, -1)
every_window = (np.arange(512)[:, None] >> np.arange(9) & 1).reshape(512, 3, 3)
similarity = (every_window * weights).sum(axis=(1, 2))
for bias in (0, -1, -2, -3):
    fires = np.maximum(0, similarity + bias) > 0
    print(f"bias {bias:2}: {fires.sum():3} of 512 windows fire")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.4, 2.8), width_ratios=[1, 2.6])
axes[0].imshow(bracket, cmap="gray", vmin=0, vmax=1)
for (i, j), weight in np.ndenumerate(weights):
    axes[0].text(
        j, i, f"{weight:+d}".replace("-", "−"), ha="center", va="center", color=figures.KERNEL, weight="bold"
    )
axes[0].set(title="pattern and weights", xticks=[], yticks=[])
values, counts = np.unique(similarity, return_counts=True)
axes[1].bar(values, counts, color=[figures.OUTPUT if v == 3 else figures.INPUT for v in values], width=0.7)
for v, count in zip(values, counts, strict=True):
    axes[1].text(v, count + 3, str(count), ha="center")
axes[1].axvline(2.5, color=figures.KERNEL, lw=2)
axes[1].text(2.6, 90, "with bias −2\nonly what is\nabove 2 fires", color=figures.KERNEL, va="center")
axes[1].set(
    xlabel="similarity of a window and the pattern",
    ylabel="windows",
    ylim=(0, 150),
    xticks=values,
    xlim=(-6.7, 5.2),
)
plt.show()

# %% [markdown]
"""
For larger windows nobody can try them all. But there is a way to find out what *any* detector detects, a learned one too: show it many images, and look at the
windows that it likes best. Here is a small **filter bank**, with the eight windows that get the highest answers, out of a quarter of a million from four photographs.
"""

# %% tags=["figure"]
down, right_ = np.indices((9, 9)) - 4
bump = np.exp(-(down**2 + right_**2) / 8)
bank = {
    "upright edge": np.sign(right_) * bump,
    "diagonal edge": np.sign(right_ + down) * bump,
    "spot": np.where(down**2 + right_**2 <= 5, 1.0, 0.0),
    "bright corner": np.where((down > 0) & (right_ > 0), 1.0, 0.0),
}
photographs = [images.camera(256), images.brick(256), images.astronaut(256), images.coins()[20:276, 60:316]]
fig, axes = plt.subplots(4, 9, figsize=(8.6, 4.2))
for row, (name, kernel) in zip(axes, bank.items(), strict=True):
    kernel = kernel - kernel.mean()
    response = np.stack([correlate2d(image, kernel) for image in photographs])
    row[0].imshow(
        kernel, cmap=figures.SIGNED, norm=plt.Normalize(-np.abs(kernel).max(), np.abs(kernel).max())
    )
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for ax in row[1:]:
        which, i, j = np.unravel_index(response.argmax(), response.shape)
        ax.imshow(photographs[which][i : i + 9, j : j + 9], vmin=0, vmax=1)
        response[
            which, max(0, i - 12) : i + 13, max(0, j - 12) : j + 13
        ] = -np.inf  # not its neighbours again
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
plt.show()
print(f"{response.size:,} windows".replace(",", " "))

# %% [markdown]
"""
## A network that knows one shape

Now the open task of this chapter. The shape is the **4 x 4 outline**: a hollow square of ones, one pixel thick. It must stand **alone**: the frame of pixels
around it, diagonal neighbours included, is dark. Your network may use

- kernels of at most **3 x 3**, stride 1, no padding, as many layers and channels as you like,
- a bias for each kernel, and a ReLU after *every* layer, the last one included,
- **one** output channel at the end.

It fires on a picture if its largest output is above 0. It must fire where an outline stands alone, and stay silent on
everything else: solid squares, smaller and larger outlines, outlines with a pixel missing or one too many, outlines that
touch something. Pictures consist of 0 and 1 and have a dark margin of at least 8 pixels, so a few layers without padding
lose nothing. Whatever else is in a picture either touches an outline or keeps 8 pixels away from it.

There are many right designs; only the behaviour counts. To experiment, use `run_layers`:
"""


# %% nbgrader={"grade_id": "given-layers", "locked": true} tags=["setup"]
def run_layers(layers, image):
    """Run a list of layers (w, b), each followed by a ReLU, on an image (H, W).

    Returns the maps after each layer, a list of arrays (D, H', W'). The last one is the output.
    """
    x, maps = np.asarray(image, dtype=float)[None], []
    for w, b in layers:
        (D, C, kH, kW), (channels, H, W) = w.shape, x.shape
        assert channels == C, f"the kernels have {C} channels, and {channels} come in"
        assert max(kH, kW) <= 3, f"the kernels are {kH} x {kW}; at most 3 x 3 is allowed"
        y = np.zeros((D, H - kH + 1, W - kW + 1)) + np.reshape(b, (D, 1, 1))
        for i in range(kH):
            for j in range(kW):
                y += np.tensordot(w[:, :, i, j], x[:, i : i + H - kH + 1, j : j + W - kW + 1], axes=1)
        x = np.maximum(y, 0)
        maps.append(x)
    return maps


def drawn(*rows, margin=8):
    """A picture from rows of text, # for 1, with a dark margin: drawn("###", "#.#", "###")."""
    return np.pad(np.array([[float(letter == "#") for letter in row] for row in rows]), margin)


# %% tags=["figure"]
gallery = {
    "fire: alone": ("####", "#..#", "#..#", "####"),
    "solid": ("####", "####", "####", "####"),
    "too small": ("###", "#.#", "###"),
    "too large": ("#####", "#...#", "#...#", "#...#", "#####"),
    "too wide": ("#####", "#...#", "#...#", "#####"),
    "a pixel missing": ("####", "#...", "#..#", "####"),
    "one too many": ("####", "##.#", "#..#", "####"),
    "not alone": ("####.", "#..#.", "#..#.", "####.", "....#"),
}
figures.pictures([drawn(*rows, margin=3) for rows in gallery.values()], list(gallery), columns=4)

# %% [markdown]
"""
### Exercise 4.9 · `outline_detector`
●●●● · 25 min

Return the layers, a list of pairs `(w, b)`: `w` of shape (D, C, kH, kW) and `b` of shape (D,). The first layer has C = 1, the last one D = 1. In the checks, `outline_detector(on=...)`
means: your layers, run on that picture with a dark margin of 8 around it; the result is at how many places they fire.

<details><summary>Hint 1: how far must the last unit see?</summary>

To know that an outline is there *and alone*, a unit must see 6 x 6 pixels. Receptive fields grow by $k - 1$ a layer: two layers of 3 x 3 see 5 x 5, which is
not enough, whatever their weights. So at least three.
</details>

<details><summary>Hint 2: parts that you can detect exactly</summary>

Cut the 6 x 6 picture (the outline with its dark frame) into four 3 x 3 corners. Each of them is a pattern for an exact detector like the one above, with 3 ones. That is a first layer with four kernels,
whose outputs are 0 or 1.
</details>

<details><summary>Hint 3: bringing the parts together</summary>

The outline is there if the upper left corner is found at (i, j), the upper right one at (i, j + 3), and the lower two at (i + 3, j) and (i + 3, j + 3). A 3 x 3 kernel reaches only 2 further. But a kernel
with a single 1 in it *moves* a map: let the second layer fetch each channel from 0 or 2 pixels further on, and the third one from 0 or 1 more. There, add all four, with a bias that lets only
four out of four pass.
</details>
"""


# %% nbgrader={"grade_id": "outline_detector", "solution": true}
def outline_detector():
    """A network that fires exactly where a 4 x 4 outline, one pixel thick, stands alone.

    Returns a list of layers (w, b): w (D, C, kH, kW) with kH, kW <= 3, b (D,). Stride 1, no padding,
    a ReLU after every layer, one output channel. For pictures of 0 and 1 with a dark margin of at
    least 8: the largest output is above 0 if there is such an outline, else 0.
    """
    ### BEGIN SOLUTION
    # Layer 1: the four corners of the 6 x 6 picture, upper left, upper right, lower left, lower right; exact.
    corner = np.array([[-1, -1, -1], [-1, 1, 1], [-1, 1, -1]])
    corners = np.stack([corner, corner[:, ::-1], corner[::-1, :], corner[::-1, ::-1]])[:, None]
    # Layers 2 and 3: fetch each corner from 0 or 2 + 1 pixels further down and to the right, then ask for all four.
    move, gather = np.zeros((4, 4, 3, 3)), np.zeros((1, 4, 2, 2))
    for c, (down, right) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        move[c, c, 2 * down, 2 * right] = 1
        gather[0, c, down, right] = 1
    return [(corners, np.full(4, -2)), (move, np.zeros(4)), (gather, np.array([-3]))]
    ### END SOLUTION


# %% nbgrader={"grade_id": "outline_detector-examples", "points": 6}
check.examples(
    "outline_detector",
    outline_detector,
    call(on=("####", "#..#", "#..#", "####")).gives(1),
    call(on=("....", "....", "....", "....")).gives(0),  # nothing there
    call(on=("####", "####", "####", "####")).gives(0),
    call(on=("###", "#.#", "###")).gives(0),
    call(on=("#####", "#...#", "#...#", "#...#", "#####")).gives(0),
    call(on=("#####", "#...#", "#...#", "#####")).gives(0),
    call(on=("####", "#...", "#..#", "####")).gives(0),  # a pixel missing
    call(on=("####", "##.#", "#..#", "####")).gives(0),  # one too many inside
    call(on=("####.", "#..##", "#..#.", "####.")).gives(0),  # one that touches
    call(on=("####.", "#..#.", "#..#.", "####.", "....#")).gives(0),  # one that touches at a corner
    call(
        on=("####...........####", "#..#...........#..#", "#..#...........#..#", "####...........####")
    ).gives(2),
)

# %% nbgrader={"grade_id": "outline_detector-hidden", "points": 3}
# Outlines that stand alone, wherever they are.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4091)
ring = np.pad(np.zeros((2, 2)), 1, constant_values=1)


def at(height, width, *corners):
    """A picture with an outline at each of the corners."""
    picture = np.zeros((height, width))
    for row, column in corners:
        picture[row : row + 4, column : column + 4] = ring
    return call(on=picture)


check.hidden(
    "outline_detector",
    outline_detector,
    "one outline, anywhere",
    *[at(4 + down, 4 + right, (down, right)) for down, right in rng.integers(0, 9, (5, 2)).tolist()],
    at(21, 5, (9, 1)),
)
check.hidden(
    "outline_detector",
    outline_detector,
    "several outlines, far apart",
    at(4, 17, (0, 0), (0, 13)),
    at(30, 19, (1, 2), (14, 0), (26, 15)),
    at(28, 28, (0, 0), (0, 24), (12, 12), (24, 0), (24, 24)),
)
check.hidden(
    "outline_detector",
    outline_detector,
    "an empty picture, points and lines",
    call(on=np.zeros((7, 9))),
    call(on=np.pad(np.ones((1, 1)), 2)),
    call(on=np.pad(np.ones((1, 12)), 2)),
    call(on=np.pad(np.ones((12, 1)), 2)),
    call(on=np.eye(9)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "outline_detector-hidden-sizes", "points": 3}
# Squares and outlines of other sizes.
### BEGIN HIDDEN TESTS
ring = np.pad(np.zeros((2, 2)), 1, constant_values=1)


def beside(shape):
    """A picture of the shape, with an outline far away from it."""
    picture = np.zeros((max(len(shape), 4), shape.shape[1] + 14))
    picture[: len(shape), : shape.shape[1]], picture[:4, -4:] = shape, ring
    return [call(on=shape), call(on=picture)]


def outline(height, width):
    """A hollow rectangle."""
    return np.pad(np.zeros((height - 2, width - 2)), 1, constant_values=1)


check.hidden(
    "outline_detector",
    outline_detector,
    "solid squares",
    *[c for n in (2, 3, 4, 5, 6, 9) for c in beside(np.ones((n, n)))],
)
check.hidden(
    "outline_detector",
    outline_detector,
    "smaller outlines",
    *beside(outline(3, 3)),
    *beside(outline(3, 4)),
    *beside(outline(4, 3)),
)
check.hidden(
    "outline_detector",
    outline_detector,
    "larger outlines",
    *[c for s in ((5, 5), (6, 6), (4, 5), (5, 4), (7, 4), (4, 9), (12, 11)) for c in beside(outline(*s))],
)
check.hidden(
    "outline_detector",
    outline_detector,
    "outlines within outlines",
    call(on=np.pad(np.pad(np.zeros((2, 2)), 1, constant_values=1), 1, constant_values=1)),
    *beside(1 - np.pad(ring, 1)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "outline_detector-hidden-pixels", "points": 3}
# Outlines with wrong pixels, and in company.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4092)
ring = np.pad(np.zeros((2, 2)), 1, constant_values=1)
whole = np.pad(ring, 1)


def with_wrong(*pixels):
    """The outline in its frame with some of the 36 pixels changed, and a right one far away."""
    picture = np.zeros((6, 19))
    picture[:, :6], picture[1:5, 15:] = whole, ring
    for row, column in pixels:
        picture[row, column] = 1 - picture[row, column]
    return call(on=picture)


places = [(row, column) for row in range(6) for column in range(6)]
check.hidden(
    "outline_detector", outline_detector, "a pixel is missing", *[with_wrong(p) for p in places if whole[p]]
)
check.hidden(
    "outline_detector",
    outline_detector,
    "a pixel too many inside",
    *[with_wrong(p) for p in places if p in [(2, 2), (2, 3), (3, 2), (3, 3)]],
)
check.hidden(
    "outline_detector",
    outline_detector,
    "a pixel touches",
    *[with_wrong(p) for p in places if 0 in p or 5 in p],
)
check.hidden(
    "outline_detector",
    outline_detector,
    "several wrong pixels",
    *[with_wrong(*(places[i] for i in rng.choice(36, n, replace=False))) for n in (2, 2, 3, 4, 5, 6)],
)
pair = np.zeros((10, 9))
pair[:4, :4], pair[4:8, 4:8] = ring, ring
check.hidden(
    "outline_detector",
    outline_detector,
    "outlines that touch each other or something else",
    call(on=np.hstack([ring, ring])),
    call(on=np.vstack([ring, ring[1:]])),
    call(on=pair),
    call(on=np.hstack([ring, np.ones((4, 3))])),
    call(on=np.vstack([np.ones((1, 14)), np.pad(ring, ((0, 0), (5, 5)))])),
)
noise = [(rng.random((24, 27)) < share).astype(float) for share in (0.2, 0.4, 0.6, 0.8)]
for picture in noise:
    picture[10:14, 12:16] = ring
    picture[9, rng.integers(11, 17)] = 1
with_one = np.zeros((24, 44))
with_one[:, :27], with_one[10:14, 40:] = noise[1], ring
check.hidden(
    "outline_detector", outline_detector, "noise", *[call(on=picture) for picture in (*noise, with_one)]
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is a deep network that you understand completely. Put it through every picture that differs from the
outline in its frame in one or two of the 36 pixels:
"""

# %%
layers = outline_detector()
right = np.pad(drawn("####", "#..#", "#..#", "####", margin=1), 7)
print(
    "weights:", sum(w.size for w, _ in layers), "of which not 0:", sum(np.count_nonzero(w) for w, _ in layers)
)
for wrong in (0, 1, 2):
    fired = total = 0
    for chosen in combinations([(7 + k // 6, 7 + k % 6) for k in range(36)], wrong):
        picture = right.copy()
        for place in chosen:
            picture[place] = 1 - picture[place]
        fired, total = fired + (run_layers(layers, picture)[-1].max() > 0), total + 1
    print(f"wrong pixels: {wrong}   pictures: {total:3}   fire: {fired}")

# %% [markdown]
"""
And look inside. Here is a page of shapes, and behind it the largest value of all channels at each place, layer by layer. What happens on the way is your design's own business; in the end there is
one spot for each of the three outlines that stand alone.
"""

# %% tags=["figure"]
shapes = [drawn(*rows, margin=0) for rows in gallery.values()]
shapes = [shapes[i] for i in (0, 1, 2, 0, 3, 5, 4, 6, 0, 7)]
board = np.zeros((2 * 13 + 8, 5 * 13 + 8))
for place, shape in enumerate(shapes):
    top, left = 8 + 13 * (place // 5), 8 + 13 * (place % 5)
    board[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
maps = run_layers(outline_detector(), board)
fig, axes = plt.subplots(-(-(len(maps) + 1) // 2), 2, figsize=(8.6, 2.2 * -(-(len(maps) + 1) // 2)))
for ax in axes.flat[len(maps) + 1 :]:
    ax.set_visible(False)
axes.flat[0].imshow(board, cmap="gray")
axes.flat[0].set_title(f"page, {board.shape[0]} x {board.shape[1]}")
for number, (ax, each) in enumerate(zip(axes.flat[1:], maps, strict=False), start=1):
    ax.imshow(each.max(axis=0), cmap="gray_r", vmin=0)
    ax.set_title(
        f"layer {number}: {len(each)} channel{'s' * (len(each) > 1)}, {(each > 0).any(axis=0).sum()} places above 0"
    )
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=figures.LINE)
plt.show()

# %% [markdown]
"""
**How it fails.** Let the pixels be a little noisy. Left: the share of outlines that the network still finds, of 60. Right: the share of near misses, outlines with one pixel
missing, on which it fires. A unit that answers a near miss with exactly 0 stands on the edge, and the slightest noise tips it over. It helps to ask for more than 0, say for half of what a clean outline gives.
That is one more bias, and another trade of recall for precision.
"""

# %% tags=["figure"]
rng = np.random.default_rng(49)
good = drawn("####", "#..#", "#..#", "####")
levels = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3]
clean = run_layers(layers, good)[-1].max()
rates = np.zeros((2, 2, len(levels)))  # whole or broken, threshold, level
for number, level in enumerate(levels):
    for _ in range(60):
        broken = good.copy()
        broken[tuple(rng.permutation(np.argwhere(good))[0])] = 0
        for kind, picture in enumerate((good, broken)):
            answer = run_layers(layers, picture + level * rng.standard_normal(picture.shape))[-1].max()
            rates[kind, :, number] += [answer > 1e-9, answer > clean / 2]
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.8), sharey=True)
for ax, title, (low, high) in zip(axes, ("outlines found", "near misses that fire"), rates / 60, strict=True):
    ax.plot(levels, low, "o-", color=figures.WRONG, label="above 0")
    ax.plot(levels, high, "o-", color=figures.OUTPUT, label="above half of the clean answer")
    ax.set(title=title, xlabel="noise on each pixel", ylim=(-0.05, 1.08))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %% [markdown]
"""
Which weights and biases would be best for *noisy* outlines? For handwritten ones? Nobody can work that out on paper, and that is why
networks learn them, from examples. What you have designed by hand is the *form* that they fill.
"""

# %% [markdown] nbgrader={"grade_id": "why-thresholds-question", "locked": true}
"""
### Written question 4.10 · why a bias?
●●○○ · 10 min

A colleague builds a detector for 5 x 5 boxes from your two layers and puts a ReLU behind them, without a bias: "The ReLU removes what is negative, so what is left must be boxes. And if it misses some, I
make the kernel's weights ten times as large, so that it becomes more sensitive."

In three to six sentences: what does this detector do on a page with boxes and other shapes? What does the bias add, and what does one trade when choosing it? Does the factor of ten help? Name one change in
the photograph that spoils any fixed bias, and a remedy.

<details><summary>Hint 1</summary>

You have measured what other shapes answer. Which of these numbers are above 0? What becomes of all of them, and of the best threshold, when the weights are multiplied by ten?
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- Without a bias the threshold is 0, so nearly everything bright fires: smaller boxes (48, 60), larger ones (38), hollow ones (24), and many pixels around a box's centre.
- The bias is the threshold: only similarities above -b pass (for the box: b between -72 and -66). A higher threshold trades recall for precision, above all in noise.
- Ten times the weights multiply all responses alike; their order and the set of pixels above 0 stay the same. Only weights relative to the bias matter.
- A change of lighting or contrast (or a dimmer box) scales the responses but not the bias; remedy: normalise windows
  (normalised cross-correlation; also accept normalising the image or its contrast). An added constant alone does not
  matter here, as the kernel's weights add up to 0.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-thresholds", "solution": true, "points": 8}
"""
Without a bias, the threshold is 0, and everything that has something of a box fires: 3 x 3 and 4 x 4 boxes (48 and 60), larger ones at their
corners (38), hollow ones (24), and the pixels around every centre. A positive answer only says "more like the kernel than unlike it". The bias sets how
much likeness is enough: with b = -69 the box alone remains, with 3. Raising the threshold trades recall for precision, and in noise one can't have both. Ten times the weights give ten times all the responses, so
the same pixels fire, in the same order; only weights relative to the bias matter. And a dimmer photograph scales the responses but not the bias, so at half the contrast a perfect box (36) is missed: normalise each window by its own
norm, and the threshold holds in any light.
"""

# %% [markdown]
"""
## Find the error in the lecture

A lecture on detectors says: "*Convolution is translation invariant: when the object moves, the output of the detector does not change.*" One word is wrong,
and the half-sentence after it. Which word should stand there, and which small step would make the sentence true?

<details><summary>Answer</summary>

Convolution is **equivariant**: when the object moves, the output *moves along*. Shift, then detect, gives the same as detect, then shift. Invariant would mean the same output wherever the object is. For this, add a step that
throws the place away: the *largest* value of the whole map, for one, which is a pooling over all positions. Chapter 5 is about such steps. The cell below moves a page by 3 rows and 5 columns:
</details>
"""

# %%
two = np.zeros((20, 26))
two[2:7, 15:20] = two[12:17, 3:8] = 1
roomy = framed(two, 6)
moved = np.roll(roomy, (3, 5), axis=(0, 1))
before, after = box_response(roomy), box_response(moved)
print("centres before:", find_boxes(roomy))
print("centres after: ", find_boxes(moved))
print("the output does not change:", np.array_equal(before, after))
print("the output moves along:    ", np.array_equal(np.roll(before, (3, 5), axis=(0, 1)), after))
print(f"its largest value: {before.max():g} before, {after.max():g} after")

# %% [markdown]
"""
## Summary

- A kernel is a question. Weights that add up to 0 ask about change: Sobel about edges, the Laplacian about curvature.
- $(g_x, g_y)$ is an arrow across the edge. l2 is its length whichever way it points; its angle needs `arctan2`.
- Zero padding paints edges along the border; replicate padding does not.
- A kernel of rank 1 can be slid as a row and a column: $2k$ multiplications instead of $k^2$.
- Parts make wholes: two layers detect a box, which answers $16s - 8$, and its nearest impostor $16s - 14$.
- The bias is the threshold and the ReLU enforces it. Choosing it trades recall for precision.
- Normalised correlation compares shapes in any light, but neither turned nor enlarged ones.
- Small kernels, biases and ReLUs can recognise a shape exactly. They detect *equivariantly*: the answer moves along with the thing.

**Read on:** Rafael Gonzalez and Richard Woods, *Digital Image Processing*, chapters 3 and 10, on spatial filters and edges; Richard Szeliski, *Computer Vision:
Algorithms and Applications*, chapter 3; John Canny, "A Computational Approach to Edge Detection" (1986), on what makes an edge detector good. Next: what to do with a map of detections,
[chapter 5](../ch05_pooling/pooling.ipynb).
"""
