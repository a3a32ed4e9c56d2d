# %% [markdown]
"""
# 6 · Backpropagation: the same windows, walked backwards

**After this chapter you can** derive and build the three gradients of a convolutional layer and those of pooling,
with stride and padding, say why the flip that deep learning left out of the forward step comes back here, and prove a
backward step right in three independent ways.

**You need** the forward layer of [chapter 2](../ch02_conv2d/conv2d.ipynb), stride and padding of [chapter
3](../ch03_shapes/shapes.ipynb), pooling of [chapter 5](../ch05_pooling/pooling.ipynb), and what a derivative is.
**Time:** about 115 minutes.

The rule is the old one: *you build it from inner products, then torch agrees.* Torch, scipy, `np.convolve` and
`np.correlate` are off limits in your answers.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, animate, call, figures, images

check = Checks("ch06_backprop")
figures.use_style()

# %% [markdown]
"""
The forward step is given: `conv2d` with stride and padding, as you built it in chapters 2 and 3. Your answers may
call it, and `pair` as well. The three small arrays are the layer that this chapter takes apart.
"""


# %% nbgrader={"grade_id": "given", "locked": true} tags=["setup"]
def pair(value):
    """An int or a pair, as a pair (rows, columns)."""
    return (value, value) if np.ndim(value) == 0 else tuple(value)


def conv2d(x, w, b=None, stride=1, padding=0):
    """The forward layer: x (N, C, H, W), w (D, C, kH, kW), b (D,) -> (N, D, Ho, Wo), in float64."""
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))).astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::sh, ::sw]
    y = np.einsum("nchwij,dcij->ndhw", windows, w)
    return y if b is None else y + np.reshape(b, (-1, 1, 1))


tiny_x = np.array([[1, 2, 0, 1], [3, 1, 2, 0], [0, 1, 1, 2]])  # an image of 3 x 4
tiny_w = np.array([[1, 2], [0, -1]])  # a kernel of 2 x 2
tiny_g = np.array([[1, 0, 2], [-1, 1, 0]])  # what comes back to its 2 x 3 outputs

# %% [markdown]
r"""
## What a layer is asked on the way back

A network ends in one number, the **loss** $L$. To learn, every weight has to know which way is down: how much does
$L$ change if I change a little? Backpropagation answers from the last layer to the first. Each layer is handed the
**upstream gradient** $G = \partial L/\partial y$, an array of the shape of its output that says how fast the loss
grows with each output element. From it the layer works out what its own parameters need, and what to hand on to the
layer below.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8.6, 2.7), layout="none")
fig.subplots_adjust(0, 0, 1, 1)
ax.set(xlim=(0, 19.6), ylim=(0, 6.2))
ax.set_axis_off()
forward = {"arrowprops": {"arrowstyle": "->", "color": figures.INPUT, "lw": 2}}
backward = {"arrowprops": {"arrowstyle": "->", "color": figures.KERNEL, "lw": 2}}
for left, name in ((2.4, "convolution"), (8.4, "convolution"), (14.4, "loss")):
    ax.add_patch(plt.Rectangle((left, 2.2), 3.2, 1.8, fc="#F4F4F4", ec=figures.FAINT))
    ax.text(left + 1.6, 3.1, name, ha="center", va="center")
for left, above, below in ((0.2, "$x$", r"$\partial L/\partial x$"), (5.8, "$y = x'$", r"$\partial L/\partial y = G$"),
                           (11.8, "$y'$", r"$\partial L/\partial y'$"), (17.8, "$L$", "1")):  # fmt: skip
    width = 1.6 if left == 17.8 else 2.4 if left > 1 else 2.1
    ax.annotate("", (left + width, 3.6), (left, 3.6), **forward)
    ax.annotate("", (left, 2.6), (left + width, 2.6), **backward)
    ax.text(left + width / 2, 4.25, above, ha="center", va="center", color=figures.INPUT)
    ax.text(left + width / 2, 1.75, below, ha="center", va="center", color=figures.KERNEL)
for left in (4.0, 10.0):
    ax.annotate("", (left, 0.9), (left, 2.2), **backward)
    ax.text(
        left,
        0.5,
        r"$\partial L/\partial w,\ \partial L/\partial b$",
        ha="center",
        va="center",
        color=figures.KERNEL,
    )
ax.text(9.8, 5.7, "forward: values", color=figures.INPUT, ha="right", va="center")
ax.text(10.4, 5.7, "backward: gradients", color=figures.KERNEL, ha="left", va="center")
plt.show()

# %% [markdown]
r"""
Whatever $\theta$ is, a weight, a bias or a pixel, the chain rule gives the same recipe. *Find every output that
$\theta$ touches. Each passes back its own gradient, times how strongly $\theta$ touched it. Add up.*

$$\frac{\partial L}{\partial \theta} \;=\; \sum_{\text{outputs } o} \frac{\partial L}{\partial y_o}\;\frac{\partial y_o}{\partial \theta}$$

That is an inner product, and for a convolution both of its sides will turn out to be windows. So the one question of
this chapter is: **which outputs does it touch?**

## Slopes without any theory

First you need something to check your theory by. Nudge one number by a small $\varepsilon$ and see what the loss
does. Nudge it to *both* sides, since the errors of the two sides nearly cancel:

$$\frac{\partial f}{\partial x_i} \;\approx\; \frac{f(x + \varepsilon e_i) - f(x - \varepsilon e_i)}{2\,\varepsilon}$$

where $e_i$ is 1 in place $i$ and 0 elsewhere.

### Exercise 6.1 · `numerical_gradient`
●●○○ · 10 min

Return this **central difference** for every element of `x`. Your function knows nothing about `f` except that it can
call it, with arrays of the shape of `x`. So be careful with what is not yours: `f` may be looking at `x` while you
work, so `x` must not change, not even for a moment. And `x` may hold integers, or be a single number in an array of
shape `()`.

<details><summary>Hint 1: a nudge</summary>

Visit every index of `x`, in however many dimensions: `np.ndindex(x.shape)` gives them all as tuples, and exactly one,
the empty tuple, for shape `()`.
</details>

<details><summary>Hint 2: what goes wrong with x[i] += eps</summary>

It changes the caller's array. On a copy of an array of integers, the step is cut off; in float32, it drowns in
rounding. An array `step` of zeros from `np.zeros` is float64, and so is the new array `x + step`.
</details>

<details><summary>Hint 3: nearly the answer</summary>

For each index `at`: make `step`, all zeros but `step[at] = eps`, and take `f(x + step)` and `f(x - step)`. numpy
turns the sum of two arrays of shape `()` into a plain number; `np.array(...)` makes it an array again.
</details>
"""


# %% nbgrader={"grade_id": "numerical_gradient", "solution": true}
def numerical_gradient(f, x, eps=1e-5):
    """Central differences of a function at x, one element at a time, in float64.

    f: function of an array of x's shape that returns a number.
    x: array of any shape, () included, of any real type. Never changed. eps: step, above 0.
    Returns an array of x's shape, float64: (f(x + eps e) - f(x - eps e)) / (2 eps) for each element.
    """
    ### BEGIN SOLUTION
    gradient = np.zeros(np.shape(x))
    for at in np.ndindex(gradient.shape):
        step = np.zeros(gradient.shape)
        step[at] = eps
        gradient[at] = (f(np.array(x + step)) - f(np.array(x - step))) / (2 * eps)
    return gradient
    ### END SOLUTION


# %% nbgrader={"grade_id": "numerical_gradient-examples", "points": 4}
from course.chapters.ch06_backprop.exercises import watched  # noqa: E402 - a call whose f watches x


def squares(z):
    return (z**2).sum()


def cubes(z):
    return (z**3).sum()


def top_times_bottom(z):
    return (z[0] * z[1]).sum()


check.examples(
    "numerical_gradient",
    numerical_gradient,
    call(squares, np.array([1.0, -2.0, 0.5])).gives([2, -4, 1]),
    call(top_times_bottom, np.array([[1.0, 2, 3], [4, 5, 6]])).gives([[4, 5, 6], [1, 2, 3]]),
    call(cubes, np.array([1, 2, 3])).gives([3, 12, 27]),  # integers
    call(cubes, np.array(2.0)).gives(12),  # one number, shape ()
    call(cubes, np.array([1.0, 2.0]), eps=1.0).gives([4, 13]),  # (2³ - 0³) / 2: with a large step, 3x² + eps²
    watched(cubes, np.array([0.1, 0.2])),
)

# %% nbgrader={"grade_id": "numerical_gradient-hidden", "points": 3}
# The first half of the hidden tests of `numerical_gradient`: values. They run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6011)
table = rng.standard_normal((3, 4))


def curved(z):
    return (z**3 * table[: z.shape[0]]).sum() + (z[0] * z[-1]).sum()


def peak(z):
    return 1 / (1 + (z * z).sum())


check.hidden(
    "numerical_gradient",
    numerical_gradient,
    "several axes",
    call(curved, rng.standard_normal((3, 4))),
    call(curved, rng.standard_normal((2, 4))),
    call(peak, rng.standard_normal((2, 1, 3))),
    call(f=peak, x=rng.standard_normal(5)),
)
check.hidden(
    "numerical_gradient",
    numerical_gradient,
    "other steps",
    call(curved, rng.standard_normal((2, 4)), 0.25),
    call(peak, rng.standard_normal(3), eps=0.5),
    call(peak, rng.standard_normal(3), eps=1e-4),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "numerical_gradient-hidden-inputs", "points": 3}
# The second half: what x may be, and that it stays as it is.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6012)
check.hidden(
    "numerical_gradient",
    numerical_gradient,
    "integers, and float32",
    call(peak, rng.integers(-3, 4, (2, 3))),
    call(curved, rng.integers(0, 9, (3, 4)).astype(np.uint8)),
    call(curved, rng.standard_normal((3, 4)).astype(np.float32)),
)
check.hidden(
    "numerical_gradient",
    numerical_gradient,
    "an array without axes",
    call(peak, np.array(0.7)),
    call(cubes, np.array(-3)),
    watched(cubes, np.array(0.3)),
)
check.hidden(
    "numerical_gradient",
    numerical_gradient,
    "an x that must not change, also while f runs",
    watched(curved, rng.standard_normal((3, 4))),
    watched(peak, rng.standard_normal(3)),
    *call(curved, rng.standard_normal((3, 4))).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** checks any gradient, if the step is right, and both ends are wrong. A large $\varepsilon$
leaves the straight part of the curve: one-sided differences are off in proportion to $\varepsilon$, central ones to
$\varepsilon^2$. A tiny $\varepsilon$ asks for the difference of two almost equal numbers, and their rounding errors,
some $10^{-16}$, are divided by $\varepsilon$. Below is the error for a small convolution followed by a loss of third
degree, whose true gradient is known.
"""

# %% tags=["figure"]
heard = np.array([0.5, -1.25, 2.0, 0.75, -0.5, 1.5, 1.0, -2.0])
taps = np.array([0.3, -0.7, 0.9])


def cubic_loss(w, x=heard):
    y = w[0] * x[:-2] + w[1] * x[1:-1] + w[2] * x[2:]
    return (y * y * y).sum()


outputs = taps[0] * heard[:-2] + taps[1] * heard[1:-1] + taps[2] * heard[2:]
exact = np.array([(3 * outputs * outputs * heard[j : j + 6]).sum() for j in range(3)])
steps = 2.0 ** -np.arange(1, 46)
ahead = [np.array([(cubic_loss(taps + e * one) - cubic_loss(taps)) / e for one in np.eye(3)]) for e in steps]
single = heard.astype(np.float32)
curves = {
    "one side, float64": (ahead, figures.INPUT),
    "both sides, float32": (
        [
            numerical_gradient(lambda w: float(cubic_loss(w.astype(np.float32), single)), taps, e)
            for e in steps
        ],
        figures.WRONG,
    ),
    "both sides, float64": ([numerical_gradient(cubic_loss, taps, e) for e in steps], figures.OUTPUT),
}
fig, ax = plt.subplots(figsize=(8.2, 3.7))
for name, (slopes, colour) in curves.items():
    errors = [np.abs(slope - exact).max() / np.abs(exact).max() for slope in slopes]
    ax.loglog(steps, np.maximum(errors, 1e-17), color=colour, label=name)
ax.axvline(1e-5, color=figures.LINE, lw=1, zorder=0)
ax.text(1.15e-5, 3, "1e−5", va="top")
ax.set(xlabel="step ε", ylabel="relative error", ylim=(1e-13, 10))
ax.set_yticks(10.0 ** np.arange(-12, 1, 3))
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
"""
The bottom of the central difference lies close to $10^{-5}$, at an error of about $10^{-11}$; from one side you never
get below $10^{-8}$. That is where the default comes from. In float32 the same step gives two digits, so *check
gradients in float64*.

Why not train with it? Because it asks $f$ twice for every number. AlexNet's 62 378 344 parameters would take 124 756
688 forward passes for one step downhill; the gradients of this chapter take about as long as two.

## One layer, small enough to hold in your hand

Here is the layer that you take apart: image $x$, kernel $w$, output $y$, and some upstream gradient $G$, one number
for each output. Read it like this: if $y_{0,2}$ grows by 0.01, the loss grows by 0.02; if $y_{1,0}$ grows, the loss
falls; $y_{0,1}$ doesn't matter to it.
"""


# %% tags=["figure"]
def board(width, height):
    """Empty axes with a cell as the unit, y downwards."""
    unit = min(0.45, 8.8 / width)
    ax = plt.figure(figsize=(width * unit, height * unit), layout="none").add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    return ax


def block(ax, values, left, top, colour, title=None, strength=0.13, indices=True):
    """A matrix of numbers on a board."""
    cells = figures.Cells(ax, values.shape, left, top, values)
    cells.write(values)
    cells.paint(True, figures.tint(colour, strength))
    if indices:
        cells.indices()
    if title:
        cells.title(title, gap=0.95)
    return cells


ax = board(19, 4.8)
tiny_y = conv2d(tiny_x[None, None], tiny_w[None, None])[0, 0]
for values, left, colour, name in (
    (tiny_x, 0.8, figures.INPUT, "input x"),
    (tiny_w, 6.6, figures.KERNEL, "kernel w"),
    (tiny_y, 10.4, figures.OUTPUT, "output y"),
    (tiny_g, 15.2, figures.KERNEL, "gradient G"),
):
    block(ax, values, left, 1.5, colour, name)
for left, sign in ((5.7, "★"), (9.4, "=")):
    ax.text(left, 2.6, sign, ha="center", va="center", fontsize=14)
plt.show()

# %% [markdown]
r"""
### The bias

Start with the easiest parameter. The bias $b_d$ is added to *every* output of channel $d$, at every position and in
every sample. It touches them all, each with strength 1. So the recipe says: add up what they pass back.

$$\frac{\partial L}{\partial b_d} \;=\; \sum_{n}\sum_{i,j} G_{n,d,i,j}$$

### Exercise 6.2 · `conv2d_grad_bias`
●○○○ · 5 min

Return the gradient of the biases, one number for each kernel.

<details><summary>Hint 1</summary>

Which of the four axes of `grad` is left in the result? numpy's `sum` takes a tuple of axes.
</details>
"""


# %% nbgrader={"grade_id": "conv2d_grad_bias", "solution": true}
def conv2d_grad_bias(grad):
    """Gradient of the loss with respect to the biases of a convolutional layer.

    grad: upstream gradient dL/dy (N, D, Ho, Wo).
    Returns dL/db (D,): summed over the samples, not averaged.
    """
    ### BEGIN SOLUTION
    return grad.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv2d_grad_bias-examples", "points": 2}
check.examples(
    "conv2d_grad_bias",
    conv2d_grad_bias,
    call(tiny_g[None, None]).gives([3]),
    call(np.array([[[[1, 2]], [[10, 20]]]])).gives([3, 30]),  # two kernels
    call(np.array([[[[1, 2]], [[10, 20]]], [[[3, 4]], [[0, -30]]]])).gives([10, 0]),  # two samples as well
)

# %% nbgrader={"grade_id": "conv2d_grad_bias-hidden", "points": 3}
# The hidden tests of `conv2d_grad_bias` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6021)
g = rng.standard_normal((3, 4, 2, 5))
check.hidden(
    "conv2d_grad_bias",
    conv2d_grad_bias,
    "several samples, kernels and positions",
    call(g),
    call(grad=g[:1]),
    call(g[:, :3]),
    call(g[:, :1, :1]),
    *call(g[:2, :, :, :3]).in_every_form(),
)
check.hidden(
    "conv2d_grad_bias",
    conv2d_grad_bias,
    "integers",
    call(rng.integers(-9, 9, (2, 3, 2, 2))),
    call(rng.integers(100, 250, (2, 3, 4, 2)).astype(np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** already shows the pattern of all that follows. Forward, one bias is *copied* to many
places; backward, what comes from those places is *added*. Copying and adding are each other's mirror image, in this
layer and in every other.

### One weight at a time

Take one weight, say $w_{0,1}$, and follow it while the kernel slides. It touches **every** output, for it is part of
every window. In window $(i, j)$ it is multiplied by the pixel $x_{i,\,j+1}$, and that pixel is how strongly it
touches $y_{i,j}$. Over all positions, $w_{0,1}$ meets the pixels of a rectangle of $x$: a rectangle of exactly the
size of the output.
"""

# %% tags=["figure"]
ax = board(19.4, 10.8)
for a, b in np.ndindex(2, 2):
    left, top = 0.8 + 9.9 * b, 1.5 + 5.4 * a
    kernel = block(ax, tiny_w, left, top + 0.5, figures.KERNEL, indices=False)
    kernel.paint(np.arange(4).reshape(2, 2) == 2 * a + b, figures.tint(figures.KERNEL, 0.75))
    kernel.title(f"$w_{{{a},{b}}}$ meets", gap=0.6)
    pixels = block(ax, tiny_x, left + 3.4, top, figures.INPUT, strength=0.07)
    met = np.zeros((3, 4), bool)
    met[a : a + 2, b : b + 3] = True
    pixels.paint(met, figures.tint(figures.INPUT, 0.35))
    pixels.frame(a, b, 2, 3, figures.KERNEL)
    part = tiny_x[a : a + 2, b : b + 3]
    terms = " + ".join(f"{figures.number(g)}·{v}" for g, v in zip(tiny_g.flat, part.flat, strict=True) if g)
    terms = terms.replace("+ −", "− ")
    total = figures.number((tiny_g * part).sum())
    ax.text(left, top + 3.7, f"times G and summed: {terms} = {total}", va="center", fontsize=10)
plt.show()

# %% [markdown]
r"""
Four weights, four rectangles, four inner products with $G$. But four rectangles of the size of $G$, each one step
from the next, are nothing but *$G$ sliding over $x$*. The upstream gradient has become the kernel:

$$\frac{\partial L}{\partial w_{a,b}} \;=\; \sum_{i,j} G_{i,j}\; x_{i+a,\,j+b} \qquad\text{that is}\qquad \frac{\partial L}{\partial w} = \operatorname{corr}(x, G)$$

The algebra says the same in one line: $y_{i,j} = \sum_{a,b} w_{a,b}\, x_{i+a,j+b}$, so
$\partial y_{i,j}/\partial w_{a,b} = x_{i+a,j+b}$. Compare it with the forward step: the same products $x_{i+a,j+b}$
appear, summed over $i, j$ instead of $a, b$. No flip.
"""

# %%
animate.sliding_window(tiny_x, tiny_g)

# %% [markdown]
r"""
### Stride: the gradient is spread

With stride $s$, window $(i, j)$ starts at $(is, js)$, so weight $w_{a,b}$ meets the pixels $x_{is+a,\,js+b}$, which
lie $s$ apart. To see a sliding window again, put the elements of $G$ equally far apart, with $s - 1$ zeros between
neighbours. The zeros rub out the pixels that the weight has never met.
"""

# %% tags=["figure"]
ax = board(17, 6.6)
wide_x = np.array([[1, 0, 2, 1, 3, 0], [2, 1, 0, 0, 1, 2], [0, 3, 1, 2, 0, 1], [1, 0, 0, 1, 2, 2]])
wide_g = np.array([[1, -2, 3], [4, 0, 2]])
pixels = block(
    ax, wide_x, 0.8, 1.5, figures.INPUT, "the pixels that $w_{0,1}$ meets at stride 2", strength=0.07
)
met = np.zeros(wide_x.shape, bool)
met[0:3:2, 1:6:2] = True
pixels.paint(met, figures.tint(figures.INPUT, 0.45))
pixels.frame(0, 1, 3, 5, figures.KERNEL)
apart, taken = np.zeros((3, 5), int), np.zeros((3, 5), bool)
apart[::2, ::2], taken[::2, ::2] = wide_g, True
cells = block(ax, apart, 10.4, 1.5, figures.KERNEL, "G spread for stride 2", strength=0.35)
cells.paint(~taken, figures.tint(figures.KERNEL, 0.06), ink=figures.FAINT)
ax.text(
    0.8,
    6.1,
    f"inner product of the framed part with the spread gradient: {(wide_x[0:3, 1:6] * apart).sum()}",
    va="center",
)
plt.show()

# %% [markdown]
"""
### Exercise 6.3 · `spread`
●○○○ · 5 min

Move the elements of the last two axes apart: $s_h - 1$ rows and $s_w - 1$ columns of zeros between neighbours, and
nothing after the last. So $n$ elements take $(n-1)s + 1$ places.

<details><summary>Hint 1: the other way round</summary>

Taking every $s$-th element of an array is one slice. A slice can also stand on the left of `=`.
</details>

<details><summary>Hint 2: nearly the answer</summary>

Make zeros of the right shape, `(*grad.shape[:-2], ...)`, and assign `grad` to `out[..., ::sh, ::sw]`. `pair(stride)`
gives you `sh, sw`.
</details>
"""


# %% nbgrader={"grade_id": "spread", "solution": true}
def spread(grad, stride):
    """The last two axes with zeros put between neighbours.

    grad: (..., Ho, Wo), any number of axes before. stride: int or (rows, columns), at least 1.
    Returns (..., (Ho-1)*sH + 1, (Wo-1)*sW + 1): grad[..., i, j] at (i*sH, j*sW), zeros elsewhere.
    """
    ### BEGIN SOLUTION
    sh, sw = pair(stride)
    *before, rows, columns = grad.shape
    out = np.zeros((*before, (rows - 1) * sh + 1, (columns - 1) * sw + 1))
    out[..., ::sh, ::sw] = grad
    return out
    ### END SOLUTION


# %% nbgrader={"grade_id": "spread-examples", "points": 2}
check.examples(
    "spread",
    spread,
    call(tiny_g, 1).gives(tiny_g),
    call(tiny_g, 2).gives([[1, 0, 0, 0, 2], [0, 0, 0, 0, 0], [-1, 0, 1, 0, 0]]),
    call(np.array([[1, 2], [3, 4]]), (1, 3)).gives([[1, 0, 0, 2], [3, 0, 0, 4]]),
    call(np.array([[[5.5]]]), 4).gives([[[5.5]]]),
)

# %% nbgrader={"grade_id": "spread-hidden", "points": 3}
# The hidden tests of `spread` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6031)
g = rng.standard_normal((2, 3, 4, 3))
check.hidden("spread", spread, "one matrix", call(g[0, 0], 2), call(g[1, 2], stride=3), call(g[1, 0], 1))
check.hidden(
    "spread",
    spread,
    "more axes before the last two",
    call(g, 2),
    call(g[0], 4),
    call(g[None, :, :1], 2),
    *call(g, 3).in_every_form(),
)
check.hidden(
    "spread", spread, "two strides", call(g, (3, 2)), call(grad=g, stride=(1, 2)), call(g[:, :, :2], (4, 1))
)
check.hidden("spread", spread, "integers", call(rng.integers(0, 250, (2, 3, 2)).astype(np.uint8), 2))
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** undoes a stride as far as that can be undone: it puts every value back to where its
window began. What the stride threw away comes back as zeros.

### All weights of a layer

Now with everything: padding (the windows lay on the padded $x$), $C$ channels, $D$ kernels, $N$ samples. A weight
$w_{d,c,a,b}$ touches the outputs of its own kernel $d$ only, through channel $c$ only, in *every* sample:

$$\frac{\partial L}{\partial w_{d,c,a,b}} \;=\; \sum_{n} \sum_{i,j} G_{n,d,i,j}\;\; x^{\text{padded}}_{n,c,\;i s_h+a,\;j s_w+b}$$

Rows that no window reached are met by no weight; the sum never gets there.

### Exercise 6.4 · `conv2d_grad_weight`
●●●○ · 20 min

Return $\partial L/\partial w$ of shape $(D, C, k_H, k_W)$, as a cross-correlation of $x$ with the (spread) upstream
gradient or in any other way that is right. The hidden tests climb a ladder, with marks for each rung: one kernel on
one channel, then channels and kernels, samples, stride, padding, and different numbers for rows and columns.

<details><summary>Hint 1: one weight at a time</summary>

Loop over `a` and `b`. The pixels that $w_{a,b}$ meets are a slice of the padded `x` with start, stop and step: the
start is `a`, there are `Ho` of them, `sh` apart. Multiply by `grad` and sum over samples and positions; kernels and
channels stay.
</details>

<details><summary>Hint 2: that sum in numpy</summary>

`np.einsum("ndij,ncij->dc", grad, part)` multiplies and sums over the letters that are missing on the right. The stop
of the slice is `a + (Ho - 1) * sh + 1`.
</details>

<details><summary>Hint 3: or all at once, with the forward layer</summary>

`conv2d` sums over its second axis, the channels. Here it is the *samples* that are summed, so exchange the first two
axes of `x` and of `spread(grad, stride)` and call `conv2d` with them. Exchange the axes of the result back, and keep
the first `kh` and `kw` taps: rows that were left over give more.
</details>
"""


# %% nbgrader={"grade_id": "conv2d_grad_weight", "solution": true}
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    """Gradient of the loss with respect to the weights of a convolutional layer.

    x: the layer's input (N, C, H, W). grad: upstream gradient dL/dy (N, D, Ho, Wo).
    kernel_size, stride, padding: of the forward layer, each an int or (rows, columns).
    Returns dL/dw (D, C, kH, kW): summed over the samples, not averaged.
    """
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size)
    taps = conv2d(x.swapaxes(0, 1), spread(grad, stride).swapaxes(0, 1), padding=padding)
    return taps.swapaxes(0, 1)[:, :, :kh, :kw]
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv2d_grad_weight-examples", "points": 8}
row = np.array([[[[1, 2, 3, 4, 5]]]])  # one sample, one channel, 1 x 5 pixels

check.examples(
    "conv2d_grad_weight",
    conv2d_grad_weight,
    call(tiny_x[None, None], tiny_g[None, None], 2).gives([[[[-1, 5], [8, 1]]]]),  # the pictures above
    call(row, np.array([[[[10, 1]]]]), (1, 2), stride=2).gives([[[[13, 24]]]]),  # 10·1 + 1·3 and 10·2 + 1·4
    call(row, np.array([[[[1, 10, 100]]]]), (1, 2), stride=2, padding=(0, 1)).gives([[[[420, 531]]]]),
    call(row, np.array([[[[1, 0, 0, 0]], [[0, 0, 0, 1]]]]), (1, 2)).gives(
        [[[[1, 2]]], [[[4, 5]]]]
    ),  # two kernels
    call(np.concatenate([row, 10 * row]), np.ones((2, 1, 1, 4)), (1, 2)).gives(
        [[[[110, 154]]]]
    ),  # two samples
    call(
        np.sin(np.arange(210.0)).reshape(1, 3, 7, 10),
        np.cos(np.arange(32.0)).reshape(1, 2, 4, 4),
        (2, 3),
        (2, 3),
        (1, 2),
    ),
)

# %% nbgrader={"grade_id": "conv2d_grad_weight-hidden", "points": 2}
# The first rung: one kernel on one channel, one sample. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6041)
x, g = rng.standard_normal((1, 1, 5, 7)), rng.standard_normal((1, 1, 3, 6))
check.hidden(
    "conv2d_grad_weight",
    conv2d_grad_weight,
    "one kernel on one channel",
    call(x, g, (3, 2)),
    call(x, rng.standard_normal((1, 1, 5, 7)), 1),
    call(x, rng.standard_normal((1, 1, 1, 1)), (5, 7)),
    *call(x, g, (3, 2)).in_every_form(),
)
whole = rng.integers(100, 250, (1, 1, 4, 5)).astype(np.uint8)
check.hidden(
    "conv2d_grad_weight",
    conv2d_grad_weight,
    "integers",
    call(whole, rng.standard_normal((1, 1, 2, 4)), (3, 2)),
    call(whole, whole[:, :, :3, 1:4], (2, 3)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_weight-hidden-channels", "points": 2}
# The second rung: several channels and kernels.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6042)
x, g = rng.standard_normal((1, 3, 4, 6)), rng.standard_normal((1, 4, 3, 4))
check.hidden(
    "conv2d_grad_weight",
    conv2d_grad_weight,
    "several channels and kernels",
    call(x, g, (2, 3)),
    call(x, g[:, :3], (2, 3)),
    call(x, g[:, :1], (2, 3)),
    call(x[:, :1], g, kernel_size=(2, 3)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_weight-hidden-batch", "points": 2}
# The third rung: several samples.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6043)
x, g = rng.standard_normal((3, 2, 5, 4)), rng.standard_normal((3, 3, 3, 3))
check.hidden(
    "conv2d_grad_weight",
    conv2d_grad_weight,
    "several samples",
    call(x, g, (3, 2)),
    call(x[:2], g[:2], (3, 2)),
    call(x[:2, :1], g[:2, :1], (3, 2)),
    *call(x, g[:, :2], (3, 2)).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_weight-hidden-stride", "points": 2}
# The fourth rung: the stride, and rows that it leaves over.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6044)
x = rng.standard_normal((2, 2, 9, 8))
check.hidden(
    "conv2d_grad_weight",
    conv2d_grad_weight,
    "strides, also with rows left over",
    call(x[:, :, :7, :5], rng.standard_normal((2, 3, 3, 2)), 3, 2),
    call(x, rng.standard_normal((2, 3, 4, 3)), 3, stride=2),  # a column left over
    call(x, rng.standard_normal((2, 1, 2, 2)), (2, 1), 4),  # three rows
    call(x[:, :, :5], rng.standard_normal((2, 2, 1, 2)), 4, stride=3),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_weight-hidden-padding", "points": 2}
# The fifth rung: the padding.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6045)
x = rng.standard_normal((2, 2, 4, 6))
check.hidden(
    "conv2d_grad_weight",
    conv2d_grad_weight,
    "padding, also wider than the kernel",
    call(x, rng.standard_normal((2, 3, 4, 6)), 3, padding=1),
    call(x, rng.standard_normal((2, 1, 7, 9)), 2, 1, 2),
    call(x, rng.standard_normal((2, 2, 2, 3)), 3, 2, 1),
    call(x[:, :1], rng.standard_normal((2, 2, 10, 12)), 1, padding=3),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_weight-hidden-pairs", "points": 2}
# The last rung: different numbers for rows and columns.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6046)
x, g = rng.standard_normal((2, 3, 8, 9)), rng.standard_normal((2, 4, 4, 4))
check.hidden(
    "conv2d_grad_weight",
    conv2d_grad_weight,
    "pairs for kernel, stride and padding",
    call(x, g, (4, 2), (2, 3), (1, 2)),
    call(x[:, :, :5, :7], rng.standard_normal((2, 2, 2, 2)), (2, 3), stride=(2, 3)),
    call(x, rng.standard_normal((2, 1, 8, 5)), (1, 5), padding=(0, 0)),
    call(x, rng.standard_normal((2, 1, 10, 3)), (1, 3), (1, 3), (1, 0)),
    *call(x=x, grad=g, kernel_size=(4, 2), stride=(2, 3), padding=(1, 2)).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** lets a kernel *learn*. Someone has filtered a photograph of a brick wall with an unknown
kernel and shows you the wall and the result, nothing else. Start from a kernel of zeros; the loss is half the mean
squared difference to the result, so its upstream gradient is the difference, divided by the number of outputs; and go
downhill:
"""

# %%
wall = images.brick(24)[None, None]
wall = (wall - wall.mean()) / wall.std()
unknown = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
filtered = conv2d(wall, unknown[None, None])

kernel = np.zeros((1, 1, 3, 3))
history = []
for _ in range(61):
    history.append(kernel[0, 0])
    difference = conv2d(wall, kernel) - filtered
    kernel = kernel - 0.15 * conv2d_grad_weight(wall, difference / difference.size, 3)

shown = {"the wall": wall[0, 0], "the result": filtered[0, 0]}
shown |= {f"kernel, step {step}": history[step] for step in (0, 2, 10, 60)}
fig, axes = plt.subplots(1, 6, figsize=(8.8, 1.9))
for ax, (title, values) in zip(axes, shown.items(), strict=True):
    limit = 2 if "kernel" in title else np.abs(values).max()
    ax.imshow(values, cmap=figures.SIGNED, vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=10)
    ax.spines[:].set_visible(True)
plt.show()
print(np.round(history[60], 1) + 0.0)

# %% [markdown]
"""
A Sobel filter. Nobody told it: sixty times, the map of its own errors slid over the wall.

### One pixel at a time

Now the other question: what does the layer below need to hear? A pixel, unlike a weight, is *not* part of every
window. Which windows is it in, and with which weight does it meet each? Below, a pixel of $x$ and, in the grid of the
outputs, the weight by which it touches each of them.
"""

# %% tags=["figure"]
ax = board(19.6, 9.9)
for number, (p, q) in enumerate([(0, 0), (0, 2), (1, 1)]):
    left = 0.8 + 6.6 * number
    pixels = block(ax, tiny_x, left, 1.5, figures.INPUT, f"pixel $x_{{{p},{q}}}$ ...", strength=0.07)
    pixels.paint(np.arange(12).reshape(3, 4) == 4 * p + q, figures.tint(figures.INPUT, 0.6))
    touched = block(ax, tiny_g, left + 0.5, 6.2, figures.OUTPUT, "... touches these outputs", strength=0.05)
    terms, total = [], 0
    for at, (i, j) in enumerate(np.ndindex(2, 3)):
        a, b = p - i, q - j
        inside = 0 <= a < 2 and 0 <= b < 2
        touched.texts[at].set_text(f"$w_{{{a},{b}}}$" if inside else "")
        if inside:
            pixels.frame(
                i + 0.06 * len(terms), j + 0.06 * len(terms), 2 - 0.1, 2 - 0.1, figures.KERNEL, width=1.3
            )
            touched.paint(np.arange(6).reshape(2, 3) == at, figures.tint(figures.KERNEL, 0.4))
            weight = figures.number(tiny_w[a, b])
            terms.append(f"{figures.number(tiny_g[i, j])}·" + (f"({weight})" if tiny_w[a, b] < 0 else weight))
            total += tiny_g[i, j] * tiny_w[a, b]
    text = " + ".join(terms).replace("+ −", "− ")
    ax.text(
        left, 9.2, text + (f" = {figures.number(total)}" if len(terms) > 1 else ""), va="center", fontsize=10
    )
plt.show()

# %% [markdown]
r"""
Look at the right-hand picture. The window that starts at the pixel itself, further down and to the right, meets it
with the *first* weight, $w_{0,0}$; the window that starts earlier, with the *last*, $w_{1,1}$. A later window means
an earlier weight, so around a pixel the kernel lies **rotated by 180 degrees**. That is the flip which the forward
step left out.

At the corner, only one window contains the pixel. The rotated kernel hangs over the edge of $G$, and where there is
no output, nothing comes back: $G$ is **zero outside**. So every partial overlap counts: it is a *full*, *true*
convolution.

The algebra agrees. Output $i$ meets pixel $p$ with the weight $a$ for which $is + a = p$, if there is one:

$$\frac{\partial L}{\partial x_{p,q}} \;=\; \sum_{i,j} G_{i,j}\; w_{\,p-is,\;q-js} \qquad (G \text{ and } w \text{ are zero outside})$$

The index of $w$ runs backwards as that of $G$ runs forwards: by chapter 1's definition a convolution. Watch it: $G$
with a frame of $k-1$ zeros, and the rotated kernel sliding over it. The result has the size of $x$ again.
"""

# %%
animate.sliding_window(np.pad(tiny_g, 1), tiny_w[::-1, ::-1])

# %% [markdown]
"""
You can read the same sum from the other end. Each output $(i, j)$ **sends back** a copy of the kernel, *not* rotated,
multiplied by $G_{i,j}$, to the very window it came from; where windows overlap, what arrives adds up. *Collect with
the flip* or *send without it*: both are right.

### How large was the input?

With stride, $G$ is spread first, and then the full convolution has $(n_{out}-1)s + k$ rows. That need not be the
input's size. Inputs of 7 and of 8 rows both give 3 outputs for $k = 3$, $s = 2$; the gradient alone can't tell which
it was. So the backward step has to be told, and rows that no window reached get 0: changing them would change
nothing.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.3), sharey=True)
for ax, n in zip(axes, (7, 8), strict=True):
    for index in range(n):
        lost = index >= 7
        ax.add_patch(plt.Rectangle((index, 3), 1, 0.8, fc="white" if lost else figures.tint(figures.INPUT, 0.25),
                                   ec=figures.WRONG if lost else figures.FAINT, lw=2 if lost else 1))  # fmt: skip
        ax.text(index + 0.5, 3.4, index, ha="center", va="center")
    for output in range(3):
        ax.barh(
            2.2 - 0.8 * output,
            2.9,
            left=2 * output + 0.05,
            height=0.5,
            color=figures.tint(figures.KERNEL, 0.7),
        )
        ax.text(
            2 * output + 1.5, 2.2 - 0.8 * output, f"output {output}", ha="center", va="center", fontsize=9.5
        )
    if n == 8:
        ax.text(
            8.0, 2.2, "in no window:\ngradient 0", ha="right", va="center", color=figures.WRONG, fontsize=9.5
        )
    ax.set(xlim=(-0.2, 8.4), ylim=(0.1, 4.0), xticks=[], yticks=[], title=f"{n} inputs, 3 outputs")
    ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
r"""
### Exercise 6.5 · `conv2d_grad_input`
●●●● · 25 min

Return $\partial L/\partial x$ of shape $(N, C, H, W)$, where `input_size` is $(H, W)$. Each pixel hears from all $D$
kernels, so sum over $d$:

$$\frac{\partial L}{\partial x^{\text{padded}}_{n,c,p,q}} \;=\; \sum_{d} \sum_{i,j} G_{n,d,i,j}\; w_{d,c,\;p-i s_h,\;q-j s_w}$$

and then cut the padding off: it is no pixel. The padding may be any number, larger than the kernel too. Again a
ladder: one channel, channels with kernels and samples, stride, rows left over, padding, wide padding, pairs.

<details><summary>Hint 1: a plan</summary>

Make an array of zeros for the *padded* input, $(N, C, H + 2p_h, W + 2p_w)$. Put in what each output sends back. Rows
at the end that nobody writes to stay 0. Cut out the middle: row `ph` to row `ph + H`. (Mind `[ph:-ph]`: what is it
for `ph = 0`?)
</details>

<details><summary>Hint 2: sending</summary>

For each output position `i, j`: the window is rows `i*sh` to `i*sh + kh`, and likewise the columns. Add to it
`np.einsum("nd,dcab->ncab", grad[:, :, i, j], w)`. No flip, no spreading.
</details>

<details><summary>Hint 3: collecting, with the forward layer</summary>

`conv2d(spread(grad, stride), ..., padding=(kh - 1, kw - 1))` with the kernels rotated, `w[:, :, ::-1, ::-1]`, and
their first two axes exchanged, since now $D$ is summed and $C$ remains. It gives the first $(H_o-1)s_h + k_H$ rows of
the padded input's gradient.
</details>
"""


# %% nbgrader={"grade_id": "conv2d_grad_input", "solution": true}
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    """Gradient of the loss with respect to the input of a convolutional layer.

    grad: upstream gradient dL/dy (N, D, Ho, Wo). w: the layer's kernels (D, C, kH, kW).
    input_size: (H, W) of the forward input, without padding.
    stride, padding: of the forward layer, each an int or (rows, columns); any padding >= 0.
    Returns dL/dx (N, C, H, W); 0 for rows and columns that no window reached.
    """
    ### BEGIN SOLUTION
    (ph, pw), (height, width) = pair(padding), input_size
    kh, kw = w.shape[2:]
    rotated = w[:, :, ::-1, ::-1].swapaxes(0, 1)
    full = conv2d(spread(grad, stride), rotated, padding=(kh - 1, kw - 1))
    padded = np.zeros((*full.shape[:2], height + 2 * ph, width + 2 * pw))
    padded[:, :, : full.shape[2], : full.shape[3]] = full
    return padded[:, :, ph : ph + height, pw : pw + width]
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv2d_grad_input-examples", "points": 9}
marks = np.array([[[[1, 10, 100]]]])  # upstream gradients that can be told apart
w3 = np.array([[[[3, 2, 1]]]])  # one kernel, one channel, 1 x 3
w2 = np.array([[[[3, 2]]]])

check.examples(
    "conv2d_grad_input",
    conv2d_grad_input,
    call(tiny_g[None, None], tiny_w[None, None], (3, 4)).gives(
        [[[[1, 2, 2, 4], [-1, -2, 2, -2], [0, 1, -1, 0]]]]
    ),
    call(marks, w2, (1, 4)).gives([[[[3, 32, 320, 200]]]]),
    call(marks, w3, (1, 7), stride=2).gives([[[[3, 2, 31, 20, 310, 200, 100]]]]),
    call(marks, w3, (1, 8), stride=2).gives([[[[3, 2, 31, 20, 310, 200, 100, 0]]]]),  # a column left over
    call(marks, w3, (1, 3), padding=(0, 1)).gives([[[[32, 321, 210]]]]),  # 3 and 100 went to the padding
    call(marks, w2, (1, 2), stride=(1, 2), padding=(0, 2)).gives([[[[30, 20]]]]),  # wider than k - 1
    call(marks, np.concatenate([w2, 4 * w2], axis=1), (1, 4)).gives(
        [[[[3, 32, 320, 200]], [[12, 128, 1280, 800]]]]
    ),
    call(
        np.cos(np.arange(64.0)).reshape(1, 4, 4, 4),
        np.sin(np.arange(72.0)).reshape(4, 3, 2, 3),
        (7, 10),
        (2, 3),
        (1, 2),
    ),
)

# %% nbgrader={"grade_id": "conv2d_grad_input-hidden", "points": 2}
# The first rung: one kernel on one channel, one sample. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6051)
g, w = rng.standard_normal((1, 1, 3, 6)), rng.standard_normal((1, 1, 3, 2))
check.hidden(
    "conv2d_grad_input",
    conv2d_grad_input,
    "one kernel on one channel",
    call(g, w, (5, 7)),
    call(g, w[:, :, :1, :1], (3, 6)),
    call(g[:, :, :1, :1], w, (3, 2)),
    call(g[:, :, :1], rng.standard_normal((1, 1, 4, 5)), (4, 10)),
    *call(g, w, (5, 7)).in_every_form(),
)
whole = rng.integers(100, 250, (1, 1, 3, 4)).astype(np.uint8)
check.hidden(
    "conv2d_grad_input",
    conv2d_grad_input,
    "integers",
    call(whole, w[:, :, :2], (4, 5)),
    call(whole, whole[:, :, 1:, 1:], (4, 6)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_input-hidden-channels", "points": 2}
# The second rung: several channels, kernels and samples.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6052)
g, w = rng.standard_normal((2, 4, 3, 4)), rng.standard_normal((4, 3, 2, 3))
check.hidden(
    "conv2d_grad_input",
    conv2d_grad_input,
    "several channels, kernels and samples",
    call(g, w, (4, 6)),
    call(g[:, :3], w[:3], (4, 6)),
    call(g[:1, :1], w[:1], input_size=(4, 6)),
    call(g, w[:, :1], (4, 6)),
    *call(g[:, :2], w[:2], (4, 6)).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_input-hidden-stride", "points": 2}
# The third rung: the stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6053)
g, w = rng.standard_normal((2, 2, 3, 2)), rng.standard_normal((2, 3, 3, 3))
check.hidden(
    "conv2d_grad_input",
    conv2d_grad_input,
    "strides",
    call(g, w, (7, 5), 2),
    call(g, w, (9, 6), stride=3),
    call(g, w[:, :, :1, :2], (9, 6), stride=4),  # windows with gaps between them
    call(g, rng.standard_normal((2, 1, 4, 5)), (8, 7), 2),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_input-hidden-left-over", "points": 2}
# The fourth rung: rows and columns that no window reached.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6054)
g, w = rng.standard_normal((2, 2, 3, 2)), rng.standard_normal((2, 3, 3, 3))
check.hidden(
    "conv2d_grad_input",
    conv2d_grad_input,
    "rows and columns left over",
    call(g, w, (8, 5), 2),
    call(g, w, (7, 6), 2),
    call(g, w, (8, 6), 2),
    call(g[:, :, :1, :1], w, (5, 4), stride=3),
    call(g, w[:, :, :2, :1], (12, 8), stride=4),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_input-hidden-padding", "points": 2}
# The fifth rung: the padding.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6055)
g, w = rng.standard_normal((2, 2, 4, 4)), rng.standard_normal((2, 3, 3, 3))
check.hidden(
    "conv2d_grad_input",
    conv2d_grad_input,
    "padding, also with rows left over",
    call(g, w, (4, 4), padding=1),
    call(g, w, (2, 2), 1, 2),
    call(g, w, (7, 7), 2, 1),
    call(g, w, (8, 8), stride=2, padding=1),  # the row left over is padding
    call(g, rng.standard_normal((2, 1, 5, 4)), (11, 10), 3, 2),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_input-hidden-wide-padding", "points": 2}
# The sixth rung: padding wider than k - 1.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6056)
g, w = rng.standard_normal((2, 2, 7, 6)), rng.standard_normal((2, 3, 2, 2))
check.hidden(
    "conv2d_grad_input",
    conv2d_grad_input,
    "padding wider than k - 1",
    call(g, w, (4, 3), padding=2),
    call(g, w, (2, 1), padding=3),
    call(g, w[:, :, :1, :1], (5, 4), 1, 1),
    call(g[:, :, :4, :4], w, (2, 2), 2, 3),
    call(g[:, :, :4, :4], w, (3, 2), stride=2, padding=3),  # a row left over as well
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d_grad_input-hidden-pairs", "points": 2}
# The last rung: different numbers for rows and columns.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6057)
g, w = rng.standard_normal((2, 4, 4, 4)), rng.standard_normal((4, 3, 4, 2))
check.hidden(
    "conv2d_grad_input",
    conv2d_grad_input,
    "pairs for stride and padding",
    call(g, w, (8, 9), (2, 3), (1, 2)),
    call(g[:, :2, :2, :2], w[:2, :, :2], (5, 7), stride=(2, 3)),
    call(g, w, (7, 1), padding=(0, 2)),
    call(g, w, (3, 5), (1, 1), (2, 0)),
    *call(grad=g, w=w, input_size=(8, 9), stride=(2, 3), padding=(1, 2)).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** turns the layer round. Before, image and result were known and the kernel was learned.
Now kernel and result are known, and you learn the *image*. Someone has photographed a page with a shaking hand: seven
exposures along a diagonal, each weaker than the one before. You know how the hand shook. Start from plain grey and go
downhill in the pixels (with momentum: nine tenths of the last step are kept):
"""


# %%
def unblur(blurred, shake, size, steps, kernel_back):
    """Descend from grey to an image whose blurred version is `blurred`; kernel_back is sent through the backward step."""
    image, step = np.full((1, 1, *size), blurred.mean()), np.zeros((1, 1, *size))
    for _ in range(steps):
        difference = conv2d(image, shake) - blurred
        step = 0.9 * step - 0.8 * conv2d_grad_input(difference, kernel_back, size)
        image = image + step
    return image[0, 0]


shake = np.diag([7.0, 6, 5, 4, 3, 2, 1])[None, None] / 28
page = images.page()[46:80, 20:140]
blurred = conv2d(page[None, None], shake)
figures.pictures(
    [blurred[0, 0], *(unblur(blurred, shake, page.shape, steps, shake) for steps in (5, 50)), page],
    ["what you are given", "after 5 steps", "after 50 steps", "what it really was"],
    columns=2,
)

# %% [markdown]
r"""
Only at the far edges, where few windows reach, does it have to guess.

## The same as a matrix

[Chapter 2](../ch02_conv2d/conv2d.ipynb) wrote a convolution as a matrix: with the image raveled into a vector,
$y = M x$. Row $o$ of $M$ holds the kernel where window $o$ lies, so the entry $M_{o,p}$ says how strongly pixel $p$
touches output $o$. The recipe of this chapter, sum over all outputs that pixel $p$ touches, then goes *down a
column*:

$$\frac{\partial L}{\partial x_p} = \sum_o G_o\, M_{o,p} \qquad\text{that is}\qquad \frac{\partial L}{\partial x} = M^{\mathsf T} G$$

The backward step of every linear map is its transpose. So all that you did above, flip, frame of zeros and spreading,
must be what transposing does to this matrix.

### Exercise 6.6 · `conv_transpose_matrix`
●●○○ · 10 min

Return the matrix $T = M^{\mathsf T}$ of shape $(HW, H_oW_o)$ for one image and one kernel, stride 1, no padding:
`T @ grad.ravel()` is $\partial L/\partial x$, raveled. `size` is $(H, W)$, the size of the forward input.

<details><summary>Hint 1: one column</summary>

Column $o = (i, j)$ says what output $(i, j)$ sends back: an image of zeros with the kernel in window $(i, j)$,
raveled. Not rotated: you are sending, not collecting.
</details>

<details><summary>Hint 2: nearly the answer</summary>

With four axes there is no index arithmetic: make zeros of shape (H, W, Ho, Wo), set
`T[i : i + kh, j : j + kw, i, j] = w` for each output, and reshape once at the end.
</details>
"""


# %% nbgrader={"grade_id": "conv_transpose_matrix", "solution": true}
def conv_transpose_matrix(w, size):
    """The matrix that takes the upstream gradient of a valid cross-correlation back to its input.

    w: kernel (kH, kW). size: (H, W) of the forward input. Stride 1, no padding.
    Returns T (H*W, Ho*Wo), dense, with T @ grad.ravel() = dL/dx raveled; T.T @ x.ravel() is the forward step.
    """
    ### BEGIN SOLUTION
    (height, width), (kh, kw) = size, w.shape
    rows, columns = height - kh + 1, width - kw + 1
    T = np.zeros((height, width, rows, columns))
    for i, j in np.ndindex(rows, columns):
        T[i : i + kh, j : j + kw, i, j] = w
    return T.reshape(height * width, rows * columns)
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv_transpose_matrix-examples", "points": 2}
check.examples(
    "conv_transpose_matrix",
    conv_transpose_matrix,
    call(np.array([[1, 2], [3, 4]]), (2, 3)).gives([[1, 0], [2, 1], [0, 2], [3, 0], [4, 3], [0, 4]]),
    call(np.array([[5, 6, 7]]), (1, 4)).gives([[5, 0], [6, 5], [7, 6], [0, 7]]),
    call(np.array([[1, 2], [3, 4]]), (2, 2)).gives([[1], [2], [3], [4]]),  # one window
    call(tiny_w, (3, 4)),
)

# %% nbgrader={"grade_id": "conv_transpose_matrix-hidden", "points": 3}
# The hidden tests of `conv_transpose_matrix` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6061)
w = rng.standard_normal((3, 2))
check.hidden(
    "conv_transpose_matrix",
    conv_transpose_matrix,
    "kernels and images of several shapes",
    call(w, (4, 5)),
    call(w=w, size=(6, 3)),
    call(w.T, (3, 4)),
    call(w[:1, :1], (2, 3)),
    call(w, (3, 2)),
    *call(w[:2], (4, 4)).in_every_form(),
)
check.hidden(
    "conv_transpose_matrix",
    conv_transpose_matrix,
    "integers",
    call(rng.integers(100, 250, (2, 3)).astype(np.uint8), (3, 5)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, drawn for an image of 3 × 4 as above. One colour is one weight; a column is what one
output sends, a row is what one pixel collects. Read along row 5, a pixel in the middle, the weights come in the order
4, 3, 2, 1: last first. That is the flip, made by nothing but transposing.
"""

# %%
four = np.array([[1, 2], [3, 4]])
figures.convolution_matrix(conv_transpose_matrix(four, (3, 4)), four)
plt.gcf().axes[0].set(xlabel="output element", ylabel="input element")

T = conv_transpose_matrix(tiny_w, (3, 4))
collected = conv2d_grad_input(tiny_g[None, None], tiny_w[None, None], (3, 4))
print("T @ G:", (T @ tiny_g.ravel()).astype(int))
print("dL/dx:", collected.ravel().astype(int))

# %% [markdown]
r"""
## A check without any step

Transposes give you a second check, sharper than the numerical one. For every matrix, all $x$ and all $g$,

$$\langle M x,\; g\rangle \;=\; \langle x,\; M^{\mathsf T} g\rangle ,$$

for both sides are the same double sum $\sum_{o,p} g_o M_{o,p} x_p$. Two maps with this property are called
**adjoint**. Nobody needs to have the matrix: feed any *linear* forward step and its backward step with random arrays,
and compare two numbers. There is no step to choose, no cancellation, and one trial looks at all weights at once.
Geophysicists call it the dot-product test and don't trust a code that has not passed it.

### Exercise 6.7 · `adjoint_gap`
●○○○ · 5 min

Return $|\langle f(x), g\rangle - \langle x, f^{\mathsf T}(g)\rangle|$ for two given functions. Arrays may have any
number of axes; the inner product is the sum over all of them.

<details><summary>Hint 1</summary>

`f(x)` has the shape of `g`, and `f_transpose(g)` the shape of `x`. Mind what `f(x) * g` gives if both are `uint8`.
</details>
"""


# %% nbgrader={"grade_id": "adjoint_gap", "solution": true}
def adjoint_gap(f, f_transpose, x, g):
    """How far two linear maps are from being adjoint, seen by one pair of arrays.

    f: function from arrays of x's shape to arrays of g's shape. f_transpose: the other way.
    x, g: arrays, any number of axes, any real type.
    Returns the number |<f(x), g> - <x, f_transpose(g)>|.
    """
    ### BEGIN SOLUTION
    forth = np.sum(f(x) * g.astype(float))
    back = np.sum(x.astype(float) * f_transpose(g))
    return abs(forth - back)
    ### END SOLUTION


# %% nbgrader={"grade_id": "adjoint_gap-examples", "points": 2}
def steps_between(x):  # 4 values -> 3 differences of neighbours
    return x[1:] - x[:-1]


def steps_back(g):  # each value hears from the step before it and the step after it
    return np.append(0, g) - np.append(g, 0)


def doubled(x):
    return 2 * x


def as_it_is(g):
    return g


check.examples(
    "adjoint_gap",
    adjoint_gap,
    call(steps_between, steps_back, np.array([1, 4, 2, 7]), np.array([2, -1, 3])).gives(0.0),  # 23 and 23
    call(doubled, as_it_is, np.array([1, 2]), np.array([1, 1])).gives(3.0),  # 6 and 3: no adjoints
    call(as_it_is, doubled, np.array([1, 2]), np.array([1, 1])).gives(3.0),  # 3 and 6
    call(np.transpose, np.transpose, tiny_x, tiny_x.T).gives(0.0),
)

# %% nbgrader={"grade_id": "adjoint_gap-hidden", "points": 3}
# The hidden tests of `adjoint_gap` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6071)
M = rng.standard_normal((4, 6))


def by_matrix(x):
    return (M @ x.ravel()).reshape(2, 2)


def by_matrix_back(g):
    return (M.T @ g.ravel()).reshape(2, 3)


def by_wrong_matrix_back(g):
    return (M[::-1].T @ g.ravel()).reshape(2, 3)


def backwards(x):
    return x[..., ::-1]


def half(x):
    return x / 2


x, g = rng.standard_normal((2, 3)), rng.standard_normal((2, 2))
square = rng.standard_normal((2, 3, 3))
check.hidden(
    "adjoint_gap",
    adjoint_gap,
    "adjoint maps",
    call(by_matrix, by_matrix_back, x, g),
    call(backwards, backwards, square, square[:, ::-1]),
)
check.hidden(
    "adjoint_gap",
    adjoint_gap,
    "maps that are not adjoint",
    call(by_matrix, by_wrong_matrix_back, x, g),
    call(f=by_matrix, f_transpose=by_wrong_matrix_back, x=-x, g=g),
    call(half, doubled, square, square**2),
    call(doubled, half, square, square**2),
    *call(by_matrix, by_wrong_matrix_back, x, g).in_every_form(),
)
whole, other = rng.integers(100, 250, (2, 2, 3)).astype(np.uint8)
check.hidden(
    "adjoint_gap",
    adjoint_gap,
    "integers",
    call(backwards, backwards, whole, other),
    call(backwards, as_it_is, whole, other),
    call(by_matrix, by_matrix_back, whole, other[:, :2]),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** completes the tools. Here are all three checks on one layer with stride 2 and padding. A
trick makes the first one easy: with the loss $L = \langle y, G\rangle$, the upstream gradient *is* $G$, any $G$ you
like.
"""

# %%
rng = np.random.default_rng(6)
x, w, b = rng.standard_normal((2, 3, 7, 6)), rng.standard_normal((4, 3, 2, 3)), rng.standard_normal(4)
options = {"stride": (2, 1), "padding": (1, 0)}
G = rng.standard_normal(conv2d(x, w, b, **options).shape)
dx = conv2d_grad_input(G, w, (7, 6), **options)
dw = conv2d_grad_weight(x, G, (2, 3), **options)
db = conv2d_grad_bias(G)

print("1. against nudges of every number, twice", x.size + w.size + b.size, "forward passes")
for name, slope, ours in (
    ("dL/dx", numerical_gradient(lambda v: (conv2d(v, w, b, **options) * G).sum(), x), dx),
    ("dL/dw", numerical_gradient(lambda v: (conv2d(x, v, b, **options) * G).sum(), w), dw),
    ("dL/db", numerical_gradient(lambda v: (conv2d(x, w, v, **options) * G).sum(), b), db),
):
    print(f"   {name}: all {ours.size} agree to 1e-7:", bool(np.abs(slope - ours).max() < 1e-7))

print("2. adjoints, two calls each")
to_x = adjoint_gap(
    lambda v: conv2d(v, w, **options), lambda g: conv2d_grad_input(g, w, (7, 6), **options), x, G
)
to_w = adjoint_gap(
    lambda v: conv2d(x, v, **options), lambda g: conv2d_grad_weight(x, g, (2, 3), **options), w, G
)
print("   gaps below 1e-11:", bool(to_x < 1e-11), bool(to_w < 1e-11))

print("3. torch's automatic differentiation")
check.examples("conv2d_grad_input", conv2d_grad_input, call(G, w, (7, 6), **options))
check.examples("conv2d_grad_weight", conv2d_grad_weight, call(x, G, (2, 3), **options))
check.examples("conv2d_grad_bias", conv2d_grad_bias, call(G))

# %% [markdown]
r"""
| check | needs | works for | finds |
|---|---|---|---|
| numerical | two forward passes a number | any function without a kink at $x$ | errors above about $10^{-8}$ |
| adjoint | one pass each way | linear steps (convolution, average pooling) | errors down to rounding |
| torch | a twin in torch | whatever torch has | that you differ from torch |

## The duality

Forward, back to the weights, back to the input: look at what slides over what, and at what is summed.

| step | slides over | the kernel is | summed over | result |
|---|---|---|---|---|
| forward, $y$ | $x$ | $w$ | channels and taps | $(N, D, H_o, W_o)$ |
| to the weights, $\partial L/\partial w$ | $x$ | $G$, spread | samples and positions | $(D, C, k_H, k_W)$ |
| to the input, $\partial L/\partial x$ | $G$, spread, with $k-1$ zeros around | $w$, rotated | kernels and taps | $(N, C, H, W)$ |
| to the bias, $\partial L/\partial b$ | $G$ | ones, as large as $G$ | samples and positions | $(D,)$ |

One operation, three times: whichever two of $x$, $w$ and $G$ you have, convolving them gives what the third needs.
With three calls a layer you can train a stack of any depth, each layer handing $\partial L/\partial x$ to the one
below as its $G$. Written with taps and slices, the three are the same line with the letters exchanged:

```python
part = padded[:, :, a : a + (Ho - 1) * sh + 1 : sh, b : b + (Wo - 1) * sw + 1 : sw] # under tap (a, b)
y              += np.einsum("ncij,dc->ndij", part, w[:, :, a, b])  # forward
dw[:, :, a, b]  = np.einsum("ncij,ndij->dc", part, G)              # to the weights
dpart          += np.einsum("ndij,dc->ncij", G, w[:, :, a, b])     # to the input: the slice of dL/dx
```

## What if you forget the flip?

Deep learning computes correlations, and its forward step never flips. Here are two runs with a backward step that
does not flip either. On the left, the unblurring from above: the steps no longer point downhill, and the image blows
up. On the right, a network of three convolutions that learns to imitate another one.
"""


# %% tags=["figure"]
def upside_down(w):  # once more rotated, so that the flip in the backward step is undone
    return w[:, :, ::-1, ::-1]


def imitate(turn, steps=120):
    """Losses of a 3-layer net that learns to imitate another; `turn` is applied to the kernels on the way back."""
    rng = np.random.default_rng(4)
    shapes = [(3, 1, 3, 3), (3, 3, 3, 3), (1, 3, 3, 3)]
    teacher, w = ([rng.standard_normal(s) * np.sqrt(2 / np.prod(s[1:])) for s in shapes] for _ in range(2))
    x = images.brick(18)[None, None]
    x = (x - x.mean()) / x.std()
    target = conv2d(np.maximum(conv2d(np.maximum(conv2d(x, teacher[0]), 0), teacher[1]), 0), teacher[2])
    losses = []
    for _ in range(steps):
        a0 = conv2d(x, w[0])
        a1 = conv2d(np.maximum(a0, 0), w[1])
        error = conv2d(np.maximum(a1, 0), w[2]) - target
        losses.append((error**2).mean() / target.var())
        g2 = 2 * error / error.size
        g1 = conv2d_grad_input(g2, turn(w[2]), a1.shape[2:]) * (a1 > 0)
        g0 = conv2d_grad_input(g1, turn(w[1]), a0.shape[2:]) * (a0 > 0)
        inputs = x, np.maximum(a0, 0), np.maximum(a1, 0)
        w = [v - 0.03 * conv2d_grad_weight(h, g, 3) for v, h, g in zip(w, inputs, (g0, g1, g2), strict=True)]
    return losses


fig, axes = plt.subplots(2, 2, figsize=(8.6, 3.4), width_ratios=[1.25, 1])
for ax, kernel_back, name in (
    (axes[0, 0], shake, "with the flip"),
    (axes[1, 0], upside_down(shake), "without"),
):
    ax.imshow(unblur(blurred, shake, page.shape, 12, kernel_back), cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[], title=f"12 steps {name}")
for ax in axes[:, 1]:
    ax.remove()
ax = fig.add_subplot(axes[0, 1].get_gridspec()[:, 1])
for turn, name, colour in (
    (np.array, "with the flip", figures.OUTPUT),
    (upside_down, "without", figures.WRONG),
):
    ax.semilogy(imitate(turn), color=colour, label=name)
ax.set(xlabel="step", title="loss of the imitator")
ax.set_yticks([0.2, 0.5, 1], ["0.2", "0.5", "1"])
ax.minorticks_off()
ax.legend()
plt.show()

# %% [markdown]
"""
The picture on the right is the more important one. *The network learns with wrong gradients as well*, only worse: its
last layer hears the truth, and makes the best of whatever the others send up. So a falling loss proves nothing about
a backward step, and such errors can live in real code for a long time. A check finds them at once:
"""


# %%
def back_without_flip(g):
    return conv2d_grad_input(g, w[:, :, ::-1, ::-1], (7, 6), **options)


wrong_gap = adjoint_gap(lambda v: conv2d(v, w, **options), back_without_flip, x, G)
print("adjoint gap without the flip above 1:", bool(wrong_gap > 1))

# %% [markdown] nbgrader={"grade_id": "why-convolution-matters-question", "locked": true}
"""
### Written question 6.8 · why does convolution matter?
●●○○ · 10 min

A colleague says: "Deep learning computes cross-correlation. Flipped kernels and the mathematics of true convolution
are history; nobody who trains networks needs them."

In three to six sentences: what is right about this? Where does the true convolution come back, and *why* is it
flipped there? Who in the network would notice if the flip were left out, who wouldn't, and with which kernels would
no test notice?

<details><summary>Hint 1</summary>

Take one pixel and two windows that contain it, an earlier and a later one. Then think of a stack of layers: whose
gradients pass through the flipped kernel of which layer?
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- Right: for the forward step it doesn't matter, since kernels are learned; a network that flips would learn flipped
  kernels.
- Where and why: the gradient to the input is a full true convolution of the upstream gradient with the kernel. A
  pixel p meets window i with weight p - i, so a later window means an earlier weight; equivalently, transposing the
  matrix of a correlation gives that of a convolution. (Had the forward step flipped, the backward step would not: one
  of the two always does.)
- Who notices: a layer's own weight and bias gradients need no flip and stay right; every layer *below* gets a wrong
  gradient. The loss may still fall, so only a check (numerical, adjoint, or against a library) shows it.
- Which kernels hide it: those equal to themselves rotated by 180 degrees (1x1, box, Gaussian, Laplacian). Test with
  asymmetric ones.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-convolution-matters", "solution": true, "points": 8}
"""
In the forward step it is right: kernels are learned, and a network that flips them would learn flipped ones. But a
pixel meets an early window with a late weight and a late window with an early weight, so what it collects on the way
back is a full convolution of the upstream gradient with the kernel, a true one, with the flip. In terms of matrices:
the backward step is the transpose, and the transpose of a correlation is a convolution. A layer's own weights and
biases wouldn't notice a missing flip, because their gradients are correlations; every layer below would get a wrong
gradient, and as the last layers still learn, the loss may fall all the same. Kernels that look the same after half a
turn, such as 1x1, box or Gaussian kernels, hide the error, so gradients must be tested with asymmetric ones.
"""

# %% [markdown]
"""
## Back through pooling

Pooling has no weights, so one question remains: which outputs does a pixel touch?

**Max pooling** is a switch. In each window only the largest value decides, so the whole gradient goes to that pixel,
and none to the others. **Average pooling** is a convolution with equal weights $1/(k_H k_W)$: each pixel of the
window gets that share. Both add up where windows overlap, and pixels in no window get 0.
"""

# %% tags=["figure"]
P = np.array([[4, 1, 5, 2, 2, 6], [1, 2, 9, 0, 2, 4], [2, 2, 6, 4, 0, 2], [3, 1, 0, 3, 3, 1]])
arriving = np.array([[4, 8, 12], [16, 20, 24]])
won = np.zeros(P.shape, bool)
for i, j in np.ndindex(2, 3):
    part = P[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
    won[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = part == part.max()
ax = board(30.5, 6)
shares = np.repeat(np.repeat(arriving, 2, 0), 2, 1)
for left, values, title, colour in (
    (0.8, P, "input, the winners marked", figures.INPUT),
    (9.0, arriving, "gradient", figures.KERNEL),
    (14.2, shares * won, "back through max", figures.OUTPUT),
    (22.4, shares / 4, "back through average", figures.OUTPUT),
):
    cells = block(ax, values, left, 1.5, colour, title, strength=0.06)
    if values.shape == P.shape:
        for i, j in np.ndindex(2, 3):
            cells.frame(2 * i, 2 * j, 2, 2, figures.FAINT, width=1.2)
        cells.paint(won if left < 20 else True, figures.tint(colour, 0.4 if left < 20 else 0.15))
plt.show()

# %% [markdown]
"""
A **tie** is a kink: two pixels share the maximum, and the slope is not defined. Nudging one of them up raises the
output, nudging it down does not. A central difference sees half a slope for each; torch gives everything to the
*first* maximum, row by row, and so do you.
"""

# %%
print("numerical:", numerical_gradient(np.max, np.array([3.0, 3.0])))

# %% [markdown]
r"""
### Exercise 6.9 · `max_pool2d_backward`
●●●○ · 15 min

Return $\partial L/\partial x$ of max pooling without padding: each element of `grad` goes to the first maximum, in
row order, of its window. `stride=None` means the kernel size. The rungs: windows side by side, windows that overlap,
ties, pairs.

<details><summary>Hint 1: one window</summary>

For each sample, channel and output position, cut out the window of `x` and find the place of its maximum. `np.argmax`
returns the first maximum in row order, as one number, counted within the window.
</details>

<details><summary>Hint 2: from the window to the image</summary>

`np.unravel_index(number, (kh, kw))` makes row and column of it, or `divmod(number, kw)`. The window itself starts at
row `i * sh`.
</details>

<details><summary>Hint 3: three traps</summary>

Overlapping windows may have the same winner: use `+=`. `x` may hold integers, and `np.zeros_like(x)` would, too. And
the result has the shape of `x`, with zeros in rows that no window reached.
</details>
"""


# %% nbgrader={"grade_id": "max_pool2d_backward", "solution": true}
def max_pool2d_backward(x, grad, kernel_size, stride=None):
    """Gradient of the loss with respect to the input of max pooling (no padding, no ceil mode).

    x: the forward input (N, C, H, W), integers allowed. grad: upstream gradient (N, C, Ho, Wo).
    kernel_size, stride: int or (rows, columns); stride None means kernel_size.
    Returns (N, C, H, W), float: each gradient at the first maximum of its window in row order; overlaps add.
    """
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size)
    sh, sw = pair(kernel_size if stride is None else stride)
    result = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(grad.shape):
        top, left = i * sh, j * sw
        row, column = divmod(np.argmax(x[n, c, top : top + kh, left : left + kw]), kw)
        result[n, c, top + row, left + column] += grad[n, c, i, j]
    return result
    ### END SOLUTION


# %% nbgrader={"grade_id": "max_pool2d_backward-examples", "points": 4}
P = np.array([[4, 1, 5, 2, 2, 6], [1, 2, 9, 0, 2, 4], [2, 2, 6, 4, 0, 2], [3, 1, 0, 3, 3, 1]])[None, None]

check.examples(
    "max_pool2d_backward",
    max_pool2d_backward,
    call(P, np.array([[[[1, 2, 3], [4, 5, 6]]]]), 2).gives(
        [[[[1, 0, 0, 0, 0, 3], [0, 0, 2, 0, 0, 0], [0, 0, 5, 0, 0, 0], [4, 0, 0, 0, 6, 0]]]]
    ),
    call(np.array([[[[1, 5, 2, 4]]]]), np.array([[[[1, 10, 100]]]]), (1, 2), stride=1).gives(
        [[[[0, 11, 0, 100]]]]  # 5 wins twice
    ),
    call(np.array([[[[3, 1], [3, 3]]]]), np.array([[[[0.5]]]]), 2).gives([[[[0.5, 0], [0, 0]]]]),  # a tie
    call(np.array([[[[1, 3], [3, 0]]]]), np.array([[[[7]]]]), 2).gives([[[[0, 7], [0, 0]]]]),  # row by row
    call(np.array([[[[-3, -1, 9]]]]), np.array([[[[2]]]]), (1, 2)).gives(
        [[[[0, 2, 0]]]]
    ),  # 9 is in no window
)

# %% nbgrader={"grade_id": "max_pool2d_backward-hidden", "points": 2}
# The first rung: windows side by side. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6091)
x, g = rng.standard_normal((2, 3, 6, 9)), rng.standard_normal((2, 3, 3, 4))
check.hidden(
    "max_pool2d_backward",
    max_pool2d_backward,
    "windows side by side, with or without rows left over",
    call(x, g, 2),
    call(x[:, :, :, :8], g, 2),
    call(x, g[:, :, :2, :3], 3),
    call(x=x, grad=g[:, :, :1, :2], kernel_size=4),
    call(-np.abs(x), g, 2),
    *call(x, g, 2, 2).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "max_pool2d_backward-hidden-stride", "points": 2}
# The second rung: a stride of its own, windows that overlap or leave gaps.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6092)
x, g = rng.standard_normal((2, 2, 6, 7)), rng.standard_normal((2, 2, 4, 5))
check.hidden(
    "max_pool2d_backward",
    max_pool2d_backward,
    "windows that overlap, and windows with gaps",
    call(x, g, 3, 1),
    call(x, g[:, :, :2, :3], 3, stride=2),
    call(x, g[:, :, :2, :2], 2, 4),
    call(x, rng.standard_normal((2, 2, 6, 7)), 1, 1),
    *call(x, g, 3, 1).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "max_pool2d_backward-hidden-ties", "points": 2}
# The third rung: integers, and with them ties.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6093)
x, g = rng.integers(-1, 2, (2, 2, 6, 5)), rng.standard_normal((2, 2, 4, 3))
check.hidden(
    "max_pool2d_backward",
    max_pool2d_backward,
    "integers and ties",
    call(x, g, 3, 1),
    call(x, g[:, :, :3, :2], 2),
    call(x[:1] * 0, g[:1], 3, 1),
    call(x.astype(float), g, 3, 1),
    call(
        rng.integers(240, 243, (1, 2, 4, 4)).astype(np.uint8),
        rng.integers(100, 250, (1, 2, 3, 3)).astype(np.uint8),
        2,
        1,
    ),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "max_pool2d_backward-hidden-pairs", "points": 2}
# The last rung: different numbers for rows and columns.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6094)
x = rng.standard_normal((2, 2, 7, 9))
check.hidden(
    "max_pool2d_backward",
    max_pool2d_backward,
    "pairs for kernel and stride",
    call(x, rng.standard_normal((2, 2, 3, 3)), (2, 3)),
    call(x, rng.standard_normal((2, 2, 2, 4)), (3, 2), stride=(4, 2)),
    call(x[:, :, :5, :7], rng.standard_normal((2, 2, 2, 2)), (2, 3), (2, 3)),
    call(x, rng.standard_normal((2, 2, 6, 3)), (2, 4), (1, 2)),
    call(x=x[:, :1], grad=rng.standard_normal((2, 1, 5, 4)), kernel_size=(3, 2), stride=(1, 2)),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** is a router: it passes gradients on unchanged, to one address each. Its counterpart
shares everything equally.

### Exercise 6.10 · `avg_pool2d_backward`
●●○○ · 10 min

Return $\partial L/\partial x$ of average pooling without padding. The values of $x$ don't matter here, only its size
$(H, W)$.

<details><summary>Hint 1: one window</summary>

An output is the mean of $k_H k_W$ pixels. By how much does it grow if one of them grows by 1?
</details>

<details><summary>Hint 2: nearly the answer</summary>

For each output position, add `grad[:, :, i, j] / (kh * kw)` to the whole window of the result, in all samples and
channels at once: give it two more axes, `[:, :, None, None]`, so that it fits.
</details>
"""


# %% nbgrader={"grade_id": "avg_pool2d_backward", "solution": true}
def avg_pool2d_backward(grad, input_size, kernel_size, stride=None):
    """Gradient of the loss with respect to the input of average pooling (no padding, no ceil mode).

    grad: upstream gradient (N, C, Ho, Wo). input_size: (H, W) of the forward input.
    kernel_size, stride: int or (rows, columns); stride None means kernel_size.
    Returns (N, C, H, W): equal shares in each window; overlaps add; 0 where no window reached.
    """
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size)
    sh, sw = pair(kernel_size if stride is None else stride)
    result = np.zeros((*grad.shape[:2], *input_size))
    for i, j in np.ndindex(grad.shape[2:]):
        window = result[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
        window += grad[:, :, i, j, None, None] / (kh * kw)
    return result
    ### END SOLUTION


# %% nbgrader={"grade_id": "avg_pool2d_backward-examples", "points": 3}
check.examples(
    "avg_pool2d_backward",
    avg_pool2d_backward,
    call(np.array([[[[4, 8]]]]), (2, 4), 2).gives([[[[1, 1, 2, 2], [1, 1, 2, 2]]]]),
    call(np.array([[[[4, 8]]]]), (2, 5), 2).gives(
        [[[[1, 1, 2, 2, 0], [1, 1, 2, 2, 0]]]]
    ),  # a column left over
    call(np.array([[[[3, 30, 300]]]]), (1, 5), (1, 3), stride=1).gives([[[[1, 11, 111, 110, 100]]]]),
    call(np.array([[[[1, 2]]]]), (1, 5), (1, 2), stride=(1, 3)).gives([[[[0.5, 0.5, 0, 1, 1]]]]),
)

# %% nbgrader={"grade_id": "avg_pool2d_backward-hidden", "points": 2}
# The first rung: windows side by side. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6101)
g = rng.standard_normal((2, 3, 3, 4))
check.hidden(
    "avg_pool2d_backward",
    avg_pool2d_backward,
    "windows side by side, with or without rows left over",
    call(g, (6, 8), 2),
    call(grad=g, input_size=(7, 9), kernel_size=2),
    call(g[:, :, :2, :3], (8, 10), 3),
    call(g, (6, 12), (2, 3)),
    call(g, (3, 4), 1),
    *call(g, (7, 8), 2).in_every_form(),
)
check.hidden(
    "avg_pool2d_backward",
    avg_pool2d_backward,
    "integers",
    call(rng.integers(100, 250, (1, 2, 2, 3)).astype(np.uint8), (4, 7), 2),
    call(rng.integers(-9, 9, (2, 1, 2, 2)), (4, 4), 2),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "avg_pool2d_backward-hidden-stride", "points": 2}
# The second rung: a stride of its own, windows that overlap or leave gaps, pairs.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6102)
g = rng.standard_normal((2, 2, 4, 5))
check.hidden(
    "avg_pool2d_backward",
    avg_pool2d_backward,
    "windows that overlap, windows with gaps, and pairs",
    call(g, (6, 7), 3, 1),
    call(g, (10, 12), 3, stride=2),
    call(g[:, :, :2, :2], (8, 7), 2, 4),
    call(g[:, :, :2, :2], (5, 7), (2, 3), (2, 3)),
    call(g, (9, 6), (3, 2), stride=(2, 1)),
    *call(g, (6, 11), (3, 2), (1, 2)).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on a photograph. A Sobel kernel looks for edges with the dark side on the left; a 4 × 4
pool summarises its answers. Let the loss be half the sum of the squares of all pooled values, so that the upstream
gradient of each is the value itself, and go all the way back, through the pool and through the convolution. Which
pixels would make the detector answer more strongly?
"""

# %%
photo = images.camera(66)[None, None]
sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[None, None]
edges = conv2d(photo, sobel)  # 64 x 64
blocks = edges.reshape(1, 1, 16, 4, 16, 4)
through_max = max_pool2d_backward(edges, blocks.max(axis=(3, 5)), 4)
through_avg = avg_pool2d_backward(blocks.mean(axis=(3, 5)), (64, 64), 4)

fig, axes = plt.subplots(1, 3, figsize=(8.8, 3.2))
axes[0].imshow(photo[0, 0], cmap="gray")
for ax, sent in zip(axes[1:], (through_max, through_avg), strict=True):
    back = conv2d_grad_input(sent, sobel, (66, 66))[0, 0]
    ax.imshow(back, cmap=figures.SIGNED, vmin=-np.abs(back).max(), vmax=np.abs(back).max())
for ax, title in zip(axes, ("photograph", "back through max", "back through average"), strict=True):
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(True)
plt.show()

# %% [markdown]
r"""
Through the maximum, the gradient points at single edges: *darker here (blue), brighter there (orange)*. Through the
average, each block of the photograph is sent equal shares; inside a block, what neighbouring windows want cancels,
and only the left and right borders of the blocks remain.

## Find the error in the lecture

A lecture gives the gradient for the layer below as

$$\frac{\partial L}{\partial x_{r,c}} \;=\; \sum_{a=0}^{k_H-1}\; \sum_{b=0}^{k_W-1} G_{\,r-a,\;c-b}\;\; w_{a,b} \qquad\text{for every pixel } (r, c).$$

The indices are right, the flip is there. Yet whoever types it into numpy gets wrong numbers along two edges of the
image, without any message. Which few words are missing? Try the pixel $(0, 0)$ before you unfold the answer.

<details><summary>Answer</summary>

*"... where $G$ is zero outside the output."* For $r = 0$, $a = 1$ the sum asks for $G_{-1,\dots}$: there is no such
output, so it has to count as 0. numpy knows index −1 very well, however: it is the last row. The gradient of the top
edge gets what belongs to the bottom. On the other side, $r - a$ is too large, and numpy does complain.
</details>
"""

# %%
terms = [(a, b) for a in range(2) for b in range(2)]
print("as printed:", sum(tiny_g[0 - a, 0 - b] * tiny_w[a, b] for a, b in terms))
print("with zeros outside:", sum(tiny_g[0 - a, 0 - b] * tiny_w[a, b] for a, b in terms if a <= 0 and b <= 0))
try:
    print(sum(tiny_g[2 - a, 3 - b] * tiny_w[a, b] for a, b in terms))
except IndexError as error:
    print("IndexError:", error)

# %% [markdown]
r"""
## Summary

- One recipe: find the outputs that it touches; each passes back its gradient times how strongly it was touched; add
  up.
- $\partial L/\partial w = \operatorname{corr}(x, G)$: a weight touches every output. $\partial L/\partial b$ is the
  sum of $G$.
- $\partial L/\partial x$ is the full *true* convolution of $G$ with $w$: a later window meets a pixel with an earlier
  weight. Or: every output sends the kernel back to its window.
- Stride: spread $G$ with $s - 1$ zeros. Padding: compute for the padded input, then cut. The input's size has to be
  told.
- In matrices, the backward step is the transpose; correlation and convolution are adjoint,
  $\langle f(x), g\rangle = \langle x, f^{\mathsf T}(g)\rangle$.
- Max pooling routes, average pooling shares; overlaps add; a tie goes to the first.
- Check every gradient: by nudges (float64, both sides, $\varepsilon \approx 10^{-5}$), by adjoints, against a
  library. A falling loss is no check.

**Read on:** Goodfellow, Bengio and Courville, *Deep Learning*, sections 6.5 and 9.5; Dumoulin and Visin, *A guide to
convolution arithmetic for deep learning* (2016), with pictures of every stride and padding; Claerbout, *Earth
Soundings Analysis*, on the dot-product test; Press and others, *Numerical Recipes*, section 5.7, on the best step for
a numerical derivative. Next, the backward step becomes a layer of its own: [chapter
7](../ch07_variants/variants.ipynb).
"""
