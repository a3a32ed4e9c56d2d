# %% [markdown]
"""
# 8 · Everything between the convolutions

**After this chapter you can** build, forward and backward, the layers that a convolutional network is made of besides
its convolutions: activations, softmax with cross-entropy, the fully connected layer, batch norm, local response norm
and dropout. You can say what each does to the numbers that flow through it, which of them behave differently in
training and in evaluation, and how large the first random weights have to be.

**You need** upstream gradients from [chapter 6](../ch06_backprop/backprop.ipynb). **Time:** about 120 minutes; the many
exercises at the start are small.

The rule is the same as ever: *you build it, then torch agrees.* torch, scipy, `np.convolve` and `np.correlate` are off
limits in your answers; everything else in numpy is yours.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, call, figures, images

check = Checks("ch08_layers")
figures.use_style()

# %% [markdown]
"""
## A bend after every sum

A convolution is linear: twice the input gives twice the output. Two linear layers in a row are one linear layer, with
the product of their matrices. So are twenty.
"""

# %%
rng = np.random.default_rng(0)
first, second, v = rng.standard_normal((5, 8)), rng.standard_normal((3, 5)), rng.standard_normal(8)
gap = np.abs(second @ (first @ v) - (second @ first) @ v).max()
print(
    f"two layers against the one layer that is their product: they differ by less than {max(gap, 1e-12):.0g}"
)

# %% [markdown]
r"""
Depth pays only if something bends between the layers. That something is the **activation**, a function of one number,
applied to each element on its own. Here are seven that you will meet, each with its own small exercise:

| function | for $x > 0$ | for $x \le 0$ | |
|---|---|---|---|
| `relu(x)` | $x$ | $0$ | a threshold: AlexNet's, and most networks' since |
| `leaky_relu(x, slope=0.01)` | $x$ | $\text{slope} \cdot x$ | never quite silent |
| `prelu(x, a)` | $x$ | $a_c\, x$ | a slope for each channel $c$, learned |
| `elu(x, alpha=1.0)` | $x$ | $\alpha\,(e^x - 1)$ | smooth, down to $-\alpha$ |
| `selu(x)` | $\lambda x$ | $\lambda\alpha\,(e^x - 1)$ | constants chosen to keep mean 0 and variance 1 |
| `sigmoid(x)` | $\dfrac{1}{1 + e^{-x}}$ | the same | from 0 to 1: a probability |
| `tanh(x)` | $\dfrac{e^x - e^{-x}}{e^x + e^{-x}}$ | the same | from −1 to 1: LeNet's |

Each takes an array of any shape and returns one of the same shape. Three traps are the same for all:

- **Infinity is harmless, nan is not.** Inputs up to ±1000 are tested, and $e^{710}$ is already infinite in float64.
  $1/\infty = 0$ is right. But $\infty/\infty$ and $0 \cdot \infty$ are nan. Don't blend two sides with masks of 0 and
  1; `np.where(x > 0, one, other)` computes both and *chooses*, so an infinity on the side that is not chosen does no
  harm. (Warnings about overflow are ignored.)
- **Bytes.** For `uint8` numpy computes `np.exp` and `np.tanh` in half precision, right to three digits; and `-x`
  wraps around, so that −5 becomes 251. Begin with `x = x.astype(float)`.
- **Your input stays as it is.** `x[x < 0] = 0` changes the caller's array.

### Exercise 8.1 · `relu`
●○○○ · 2 min

Return $\max(x, 0)$ for each element.

<details><summary>Hint 1</summary>

`np.maximum` compares two things element by element. (`np.max` finds the largest of all.)
</details>
"""


# %% nbgrader={"grade_id": "relu", "solution": true}
def relu(x):
    """Rectified linear unit, element by element.

    x: array of any shape and real type. Returns an array of x's shape. Leaves x as it is.
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0.0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "relu-examples", "points": 1}
check.examples(
    "relu",
    relu,
    call(np.array([-2.0, -0.5, 0.0, 0.5, 3.0])).gives([0, 0, 0, 0.5, 3]),
    call(np.array([[-1000, 1000], [7, -7]])).gives([[0, 1000], [7, 0]]),
)

# %% nbgrader={"grade_id": "relu-hidden", "points": 1}
# The hidden tests of `relu` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8011)
x = 3 * rng.standard_normal((2, 3, 4))
check.hidden("relu", relu, "real numbers", call(x), call(x[0, 0]), call(x=x[0]), *call(x).in_every_form())
whole = rng.integers(-9, 10, (3, 5))
check.hidden("relu", relu, "integers, also bytes", call(whole), call(np.abs(20 * whole).astype(np.uint8)))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** bends once. Sums of such bends make any shape: here three of them make a detector that
answers to one band of brightness only, and eight of them something close to a sine.
"""

# %% tags=["figure"]
grid = np.linspace(-3, 3, 601)
hat = relu(grid + 1) - 2 * relu(grid) + relu(grid - 1)
knots = np.linspace(-3, 2.25, 8)
bends = relu(grid[:, None] - knots)
heights, *_ = np.linalg.lstsq(np.c_[bends, np.ones(601)], np.sin(2 * grid), rcond=None)
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.5))
for shift, height in ((1, 1), (0, -2), (-1, 1)):
    axes[0].plot(grid, height * relu(grid + shift), color=figures.INPUT, lw=1, alpha=0.6)
axes[0].plot(grid, hat, color=figures.OUTPUT, lw=2.4)
axes[0].set(title="three ReLUs (blue) and their sum (green)", ylim=(-2.2, 2.2), xlabel="input")
axes[1].plot(grid, np.sin(2 * grid), color=figures.FAINT, ls="--", label="sin 2x")
axes[1].plot(
    grid, bends @ heights[:-1] + heights[-1], color=figures.OUTPUT, label="eight ReLUs and a constant"
)
axes[1].set(title="eight bends", ylim=(-1.5, 2.4), xlabel="input")
axes[1].legend(loc="upper right", ncols=2)
plt.show()

# %% [markdown]
r"""
### Exercise 8.2 · `leaky_relu`
●○○○ · 2 min

A ReLU that is 0 for all inputs gets no gradient and never wakes up. Let a little through: return $x$ where $x > 0$
and $\text{slope} \cdot x$ elsewhere.

<details><summary>Hint 1</summary>

`np.where(condition, a, b)` takes from `a` where the condition holds, and from `b` elsewhere.
</details>
"""


# %% nbgrader={"grade_id": "leaky_relu", "solution": true}
def leaky_relu(x, slope=0.01):
    """ReLU with a small slope for negative inputs.

    x: array of any shape and real type. slope: a number.
    Returns an array of x's shape.
    """
    ### BEGIN SOLUTION
    return np.where(x > 0, x, slope * x)
    ### END SOLUTION


# %% nbgrader={"grade_id": "leaky_relu-examples", "points": 1}
check.examples(
    "leaky_relu",
    leaky_relu,
    call(np.array([-100.0, -2.0, 0.0, 3.0])).gives([-1, -0.02, 0, 3]),
    call(np.array([[-10, 10]]), 0.2).gives([[-2, 10]]),
)

# %% nbgrader={"grade_id": "leaky_relu-hidden", "points": 1}
# The hidden tests of `leaky_relu` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8021)
x = 3 * rng.standard_normal((2, 3, 4))
check.hidden(
    "leaky_relu",
    leaky_relu,
    "several slopes",
    call(x),
    call(x[0], 0.3),
    call(x[0, 0], slope=0.0),
    *call(x, slope=0.1).in_every_form(),
)
whole = rng.integers(-9, 10, (3, 5))
check.hidden(
    "leaky_relu",
    leaky_relu,
    "integers and large inputs",
    call(whole),
    call(np.abs(20 * whole).astype(np.uint8), 0.5),
    call(np.array([-1000.0, 1000.0])),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
### Exercise 8.3 · `prelu`
●●○○ · 4 min

How much should leak? Let the network learn it, with one slope $a_c$ for each channel. Return $x$ where $x > 0$ and
$a_c\, x$ elsewhere, the channels being axis 1 of $(N, C, \dots)$. The slope may turn out to be anything: above 1, or
negative.

<details><summary>Hint 1: a slope for each channel</summary>

numpy lines shapes up from the right, so an `a` of shape $(C,)$ would run along the last axis. Give it axes of length
1 on the right until its $C$ stands under the $C$ of $(N, C, H, W)$.
</details>

<details><summary>Hint 2: any number of axes</summary>

`np.reshape(a, (1, -1, 1, 1))` fits four axes. For `x.ndim` of them there are `x.ndim - 2` ones at the end. A plain
number, or an array of one, needs no care.
</details>
"""


# %% nbgrader={"grade_id": "prelu", "solution": true}
def prelu(x, a):
    """ReLU with learned slopes for negative inputs.

    x: (N, C, ...) or, where a is one number, any shape. a: a number, (1,), or (C,), one slope for each channel;
    may be above 1 or negative.
    Returns an array of x's shape.
    """
    ### BEGIN SOLUTION
    if np.size(a) > 1:
        a = np.reshape(a, (1, -1) + (1,) * (x.ndim - 2))
    return np.where(x > 0, x, a * x)
    ### END SOLUTION


# %% nbgrader={"grade_id": "prelu-examples", "points": 1}
two_channels = np.array([[[-4, 2], [-2, 1]]])  # one sample, two channels of two values

check.examples(
    "prelu",
    prelu,
    call(np.array([-4.0, 0.0, 2.0]), 0.25).gives([-1, 0, 2]),
    call(two_channels, np.array([0.5, 2.0])).gives([[[-2, 2], [-4, 1]]]),  # a slope above 1
    call(np.array([-3.0, 2.0]), np.array([-1.0])).gives([3, 2]),  # a = -1: the absolute value
    call(np.sin(np.arange(48.0)).reshape(2, 3, 4, 2), np.array([0.1, -0.5, 3.0])),  # torch is asked
)

# %% nbgrader={"grade_id": "prelu-hidden", "points": 2}
# The hidden tests of `prelu` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8031)
x = 3 * rng.standard_normal((2, 4, 3, 4))
check.hidden(
    "prelu",
    prelu,
    "one slope for all",
    call(x, 0.3),
    call(x[0, 0], np.array([0.1])),
    call(x[:, :, 0], a=0.7),
    call(rng.integers(-9, 10, (3, 5)), 0.5),
)
check.hidden(
    "prelu",
    prelu,
    "a slope for each channel",
    call(x, np.array([0.1, 0.2, 0.3, 0.4])),
    call(x[:, :, 0], np.array([0.1, 0.2, 0.3, 0.4])),
    call(x[:, :, 0, 0], np.array([0.1, 0.2, 0.3, 0.4])),
    *call(x[:, :3], np.array([0.5, 0.25, 0.0])).in_every_form(),
)
check.hidden(
    "prelu",
    prelu,
    "slopes above 1, and negative ones",
    call(x, np.array([1.5, -0.5, 4.0, 1.0])),
    call(x, -2.0),
    call(np.array([-1000.0, 1000.0]), 3.0),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
### Exercise 8.4 · `elu`
●○○○ · 3 min

Return $x$ where $x > 0$ and $\alpha\,(e^x - 1)$ elsewhere: a ReLU without the sharp bend, whose negative side settles
at $-\alpha$.

<details><summary>Hint 1</summary>

`np.where` again. If you want no overflow at all, hand the exponential `np.minimum(x, 0)`, which changes nothing where
it counts.
</details>
"""


# %% nbgrader={"grade_id": "elu", "solution": true}
def elu(x, alpha=1.0):
    """Exponential linear unit.

    x: array of any shape and real type. alpha: a number.
    Returns an array of x's shape, finite for any finite x.
    """
    ### BEGIN SOLUTION
    x = x.astype(float)
    return np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))
    ### END SOLUTION


# %% nbgrader={"grade_id": "elu-examples", "points": 1}
log2 = np.log(2)

check.examples(
    "elu",
    elu,
    call(np.array([-log2, 0.0, 2.0])).gives([-0.5, 0, 2]),  # e^(-log 2) - 1 = 1/2 - 1
    call(np.array([[-log2], [-1000.0], [1000.0]]), alpha=3.0).gives([[-1.5], [-3], [1000]]),
    call(np.array([0, 5, 250], dtype=np.uint8)).gives([0, 5, 250]),
)

# %% nbgrader={"grade_id": "elu-hidden", "points": 2}
# The hidden tests of `elu` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8041)
x = 3 * rng.standard_normal((2, 3, 4))
check.hidden("elu", elu, "alpha = 1", call(x), call(x[0, 0]), *call(x).in_every_form())
check.hidden("elu", elu, "another alpha", call(x, 0.25), call(x[0], alpha=2.5), call(x[0], 0.0))
check.hidden(
    "elu",
    elu,
    "large inputs and integers",
    call(np.array([1000.0, -1000.0, 700.0, -700.0, 720.0])),
    call(rng.integers(-9, 10, (3, 5))),
    call(rng.integers(0, 250, 6).astype(np.uint8), 2.0),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
### Exercise 8.5 · `selu`
●○○○ · 2 min

Return $\lambda x$ where $x > 0$ and $\lambda\alpha\,(e^x - 1)$ elsewhere. The two constants come from an equation:
with just these, inputs of mean 0 and variance 1 leave a layer with mean 0 and variance 1.
"""

# %%
SELU_SCALE = 1.0507009873554805  # lambda
SELU_ALPHA = 1.6732632423543772

# %% [markdown]
r"""
<details><summary>Hint 1</summary>

It is an ELU with this $\alpha$, and all of it, both sides, times $\lambda$.
</details>
"""


# %% nbgrader={"grade_id": "selu", "solution": true}
def selu(x):
    """Scaled exponential linear unit, with torch's constants.

    x: array of any shape and real type. Returns an array of x's shape, finite for any finite x.
    """
    ### BEGIN SOLUTION
    return SELU_SCALE * elu(x, SELU_ALPHA)
    ### END SOLUTION


# %% nbgrader={"grade_id": "selu-examples", "points": 1}
log2 = np.log(2)

check.examples(
    "selu",
    selu,
    call(np.array([0.0, 1.0, -1000.0])).gives([0, 1.0507, -1.7581]),  # 1.0507 times 1.6733 = 1.7581
    call(np.array([[-log2, 1000.0]])).gives([[-0.87905, 1050.701]]),
)

# %% nbgrader={"grade_id": "selu-hidden", "points": 2}
# The hidden tests of `selu` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8051)
x = 3 * rng.standard_normal((2, 3, 4))
check.hidden("selu", selu, "real numbers", call(x), call(x[0, 0]), call(x=x[1]), *call(x).in_every_form())
check.hidden(
    "selu",
    selu,
    "large inputs and integers",
    call(np.array([1000.0, -1000.0, 700.0, -700.0, 720.0])),
    call(rng.integers(-9, 10, (3, 5))),
    call(rng.integers(0, 250, 6).astype(np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** keeps its promise: feed a deep stack with normal numbers, draw the weights with variance
$1/n$, and look at the mean and the variance after each layer.
"""

# %%
rng = np.random.default_rng(4)
h = rng.standard_normal((400, 200))
for layer in range(1, 31):
    h = selu(h @ rng.standard_normal((200, 200)) / np.sqrt(200))
    if layer in (1, 5, 10, 20, 30):
        print(f"after {layer:2} layers of SELU: mean {h.mean():5.2f}, variance {h.var():.2f}")

# %% [markdown]
r"""
### Exercise 8.6 · `sigmoid`
●●○○ · 4 min

Return $1 / (1 + e^{-x})$: 0.5 at 0, rising from 0 to 1. Multiplied above and below by $e^x$ it is $e^x / (1 + e^x)$:
the same on paper, but not in a computer.

<details><summary>Hint 1: the two forms</summary>

Try each at $x = 1000$ and at $x = -1000$: where does infinity / infinity appear? One of the forms is right at both
ends, if only with a warning.
</details>

<details><summary>Hint 2: without any overflow</summary>

$e^{-|x|}$ never exceeds 1. Use it in the first form where $x \ge 0$, and in the second one elsewhere.
</details>
"""


# %% nbgrader={"grade_id": "sigmoid", "solution": true}
def sigmoid(x):
    """The logistic function 1 / (1 + exp(-x)), element by element.

    x: array of any shape and real type. Returns an array of x's shape, finite for any finite x.
    """
    ### BEGIN SOLUTION
    x = x.astype(float)
    small = np.exp(-np.abs(x))  # at most 1
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))
    ### END SOLUTION


# %% nbgrader={"grade_id": "sigmoid-examples", "points": 1}
log3 = np.log(3)

check.examples(
    "sigmoid",
    sigmoid,
    call(np.array([0.0, log3, -log3])).gives([0.5, 0.75, 0.25]),  # 1 / (1 + 1/3) = 3/4
    call(np.array([[1000.0, -1000.0]])).gives([[1, 0]]),
    call(np.array([0, 1, 2], dtype=np.uint8)).gives([0.5, 0.7310586, 0.8807971]),
)

# %% nbgrader={"grade_id": "sigmoid-hidden", "points": 2}
# The hidden tests of `sigmoid` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8061)
x = 3 * rng.standard_normal((2, 3, 4))
check.hidden("sigmoid", sigmoid, "real numbers", call(x), call(x[0, 0]), *call(x).in_every_form())
check.hidden(
    "sigmoid", sigmoid, "large inputs", call(np.array([1000.0, -1000.0, 700.0, -700.0, 720.0, -36.5]))
)
check.hidden(
    "sigmoid",
    sigmoid,
    "integers, also bytes",
    call(rng.integers(-9, 10, (3, 5))),
    call(rng.integers(1, 12, 8).astype(np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
### Exercise 8.7 · `tanh`
●○○○ · 2 min

Return $(e^x - e^{-x}) / (e^x + e^{-x})$. numpy has it, and you may use it; or notice that it is a sigmoid in other
units, $\tanh x = 2\,\sigma(2x) - 1$.

<details><summary>Hint 1</summary>

Mind the bytes, as the third example does: what does numpy make of `np.tanh` of `uint8`?
</details>
"""


# %% nbgrader={"grade_id": "tanh", "solution": true}
def tanh(x):
    """Hyperbolic tangent, element by element.

    x: array of any shape and real type. Returns an array of x's shape, finite for any finite x.
    """
    ### BEGIN SOLUTION
    return np.tanh(x.astype(float))
    ### END SOLUTION


# %% nbgrader={"grade_id": "tanh-examples", "points": 1}
log2 = np.log(2)

check.examples(
    "tanh",
    tanh,
    call(np.array([0.0, log2, -log2])).gives([0, 0.6, -0.6]),  # (2 - 1/2) / (2 + 1/2) = 3/5
    call(np.array([[1000.0], [-1000.0]])).gives([[1], [-1]]),
    call(np.array([0, 1, 2], dtype=np.uint8)).gives([0, 0.7615942, 0.9640276]),
)

# %% nbgrader={"grade_id": "tanh-hidden", "points": 1}
# The hidden tests of `tanh` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8071)
x = 3 * rng.standard_normal((2, 3, 4))
check.hidden("tanh", tanh, "real numbers", call(x), call(x[0, 0]), *call(x).in_every_form())
check.hidden(
    "tanh", tanh, "large inputs", call(np.array([1000.0, -1000.0, 700.0, -700.0, 720.0, -360.0, 18.5]))
)
check.hidden(
    "tanh",
    tanh,
    "integers, also bytes",
    call(rng.integers(-9, 10, (3, 5))),
    call(rng.integers(1, 12, 8).astype(np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
## Their slopes

Backward, an activation multiplies the upstream gradient by its own slope, element by element:
$\dfrac{\partial L}{\partial x} = \dfrac{\partial L}{\partial y}\, f'(x)$. So all that learning needs to know about
$f$ is $f'$. Two slopes can be had from the output alone, which is still in memory from the way forward:

$$\sigma'(x) = \sigma(x)\,\bigl(1 - \sigma(x)\bigr), \qquad \tanh'(x) = 1 - \tanh^2(x)$$

At exactly 0 the functions with a bend have no slope, and a convention decides. torch takes the slope of the **left**
side, $x \le 0$, as the table above does: 0 for `relu`, 0.01 for `leaky_relu`, 1 for `elu`, and
$\lambda\alpha = 1.7581$ for `selu`.

### Exercise 8.8 · `activation_grad`
●●○○ · 10 min

Return $f'(x)$ for the activation with the given name, with default parameters. The hidden tests have a mark for each
family, so an answer that knows some of the names counts.

<details><summary>Hint 1: one name at a time</summary>

A chain of `if name == ...: return ...`, and a `raise ValueError(...)` below it for all other names.
</details>

<details><summary>Hint 2: the exponentials</summary>

What is the derivative of $\alpha\,(e^x - 1)$? The $-1$ is gone. As in `elu`, `np.minimum(x, 0)` keeps the exponential
small.
</details>

<details><summary>Hint 3: at 0</summary>

`x > 0` for the right side, everything else for the left: `np.where(x > 0, 1.0, 0.01)`.
</details>
"""


# %% nbgrader={"grade_id": "activation_grad", "solution": true}
def activation_grad(name, x):
    """Slope of an activation at its input.

    name: "relu", "leaky_relu" (slope 0.01), "elu" (alpha 1), "selu", "sigmoid" or "tanh"; another: ValueError.
    x: the activation's input, any shape and real type.
    Returns dy/dx, an array of x's shape, finite for any finite x; at 0 the slope of the left side.
    """
    ### BEGIN SOLUTION
    x = x.astype(float)
    if name == "relu":
        return np.where(x > 0, 1.0, 0.0)
    if name == "leaky_relu":
        return np.where(x > 0, 1.0, 0.01)
    if name == "elu":
        return np.where(x > 0, 1.0, np.exp(np.minimum(x, 0)))
    if name == "selu":
        return SELU_SCALE * np.where(x > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(x, 0)))
    if name == "sigmoid":
        return sigmoid(x) * (1 - sigmoid(x))
    if name == "tanh":
        return 1 - tanh(x) ** 2
    raise ValueError(f"no activation is called {name!r}")
    ### END SOLUTION


# %% nbgrader={"grade_id": "activation_grad-examples", "points": 3}
log2, log3 = np.log(2), np.log(3)

check.examples(
    "activation_grad",
    activation_grad,
    call("relu", np.array([-2.0, 0.0, 3.0])).gives([0, 0, 1]),
    call("leaky_relu", np.array([-2.0, 0.0, 3.0])).gives([0.01, 0.01, 1]),
    call("elu", np.array([-log2, 0.0, 3.0])).gives([0.5, 1, 1]),
    call("selu", np.array([-log2, 0.0, 3.0])).gives([0.87905, 1.7580993, 1.0507]),
    call("sigmoid", np.array([0.0, log3, 1000.0])).gives([0.25, 0.1875, 0]),
    call("tanh", np.array([[0.0, log2, -1000.0]])).gives([[1, 0.64, 0]]),
    call("swish", np.array([1.0])).raises(ValueError),
)

# %% nbgrader={"grade_id": "activation_grad-hidden", "points": 1}
# The first family: relu and leaky_relu. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8081)
x = 3 * rng.standard_normal((2, 3, 4))
ends = np.array([1000.0, -1000.0, 700.0, -700.0, 720.0, 0.0])
whole, small = rng.integers(-5, 6, (3, 5)), rng.integers(0, 9, 7).astype(np.uint8)
check.hidden(
    "activation_grad",
    activation_grad,
    "relu and leaky_relu",
    *[call(name, v) for name in ("relu", "leaky_relu") for v in (x, ends, whole, small)],
    *call("relu", x).in_every_form(),
    *call("leaky_relu", x[0]).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "activation_grad-hidden-exponential", "points": 1}
# The second family: elu and selu.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8082)
x = 3 * rng.standard_normal((2, 3, 4))
ends = np.array([1000.0, -1000.0, 700.0, -700.0, 720.0, 0.0])
whole, small = rng.integers(-5, 6, (3, 5)), rng.integers(0, 9, 7).astype(np.uint8)
check.hidden(
    "activation_grad",
    activation_grad,
    "elu and selu",
    *[call(name, v) for name in ("elu", "selu") for v in (x, ends, whole, small)],
    *call("elu", x).in_every_form(),
    *call("selu", x[0]).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "activation_grad-hidden-squashing", "points": 1}
# The third family: sigmoid and tanh.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8083)
x = 3 * rng.standard_normal((2, 3, 4))
ends = np.array([1000.0, -1000.0, 700.0, -700.0, 720.0, 0.0])
whole, small = rng.integers(-5, 6, (3, 5)), rng.integers(1, 7, 7).astype(np.uint8)
check.hidden(
    "activation_grad",
    activation_grad,
    "sigmoid and tanh",
    *[call(name, v) for name in ("sigmoid", "tanh") for v in (x, ends, whole, small)],
    *call("sigmoid", x).in_every_form(),
    *call("tanh", x[0]).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "activation_grad-hidden-names", "points": 1}
# Names that are not on the list.
### BEGIN HIDDEN TESTS
check.hidden(
    "activation_grad",
    activation_grad,
    "names that are not on the list",
    call("prelu", np.array([1.0, -1.0])).raises(ValueError),
    call("ReLU", np.array([1.0, -1.0])).raises(ValueError),
    call("", np.array([2.0])).raises(ValueError),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built**, on one plate: each activation with its slope. The last panel is why networks were
shallow for so long. Through $L$ layers the gradient is multiplied by $L$ slopes, and a sigmoid's is 0.25 *at most*:
after ten layers no more than $0.25^{10} \approx 10^{-6}$ is left of it by the activations alone. An active ReLU
passes everything on, at any depth.
"""

# %% tags=["figure"]
grid = np.linspace(-4, 4, 401)
plotted = {f.__name__: f for f in (relu, leaky_relu, elu, selu, sigmoid, tanh)}
fig, axes = plt.subplots(2, 4, figsize=(8.8, 4.6))
for ax, (name, f) in zip(axes.flat, plotted.items(), strict=False):
    ax.plot(grid, f(grid), color=figures.INPUT, label="value")
    ax.plot(grid, activation_grad(name, grid), color=figures.KERNEL, ls="--", label="slope")
    ax.set(title=name, ylim=(-2.1, 3.1))
for a, colour, at in (
    (0.25, figures.INPUT, (-4, -1.75)),
    (2.0, figures.OUTPUT, (-0.5, -1.75)),
    (-0.5, figures.EXTRA, (-4, 2.3)),
):
    axes[1, 2].plot(grid, prelu(grid, a), color=colour, lw=1.4)
    axes[1, 2].text(*at, f"a = {figures.number(a)}", color=colour, fontsize=9)
axes[1, 2].set(title="prelu", ylim=(-2.1, 3.1))
for ax in axes.flat[:7]:
    ax.set_xticks([-3, 0, 3])
    ax.axhline(0, color=figures.LINE, lw=0.8, zorder=0)
    ax.axvline(0, color=figures.LINE, lw=0.8, zorder=0)
depth = np.arange(1, 21)
for name, colour in (("relu", figures.INPUT), ("tanh", figures.OUTPUT), ("sigmoid", figures.WRONG)):
    slope = activation_grad(name, np.array([1.0]))[0]
    axes[1, 3].plot(depth, slope**depth, color=colour)
    axes[1, 3].text(21, slope**20, name, color=colour, va="center", fontsize=9)
axes[1, 3].set(
    title="slopes at x = 1, multiplied", yscale="log", ylim=(1e-16, 1e2), xlim=(0, 34), xlabel="layers"
)
axes[1, 3].set_xticks([1, 10, 20])
axes[1, 3].set_yticks([1, 1e-5, 1e-10, 1e-15])
axes[1, 3].title.set_fontsize(10)
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %% [markdown]
r"""
## From scores to probabilities

The last layer of a classifier gives one **score** for each class, any real numbers. The **softmax** makes
probabilities of them: positive, and adding up to 1.

$$p_k \;=\; \frac{e^{z_k}}{\sum_j e^{z_j}}$$

Only differences count: adding a constant $c$ to all scores multiplies numerator and denominator by $e^c$. That is the
key to computing it. $e^{1000}$ is infinite, but you may first subtract whatever you like.

### Exercise 8.9 · `softmax`
●●○○ · 6 min

Return the softmax over the last axis of scores $(K,)$ or $(N, K)$, each row on its own, for finite scores of any size.

<details><summary>Hint 1: what to subtract</summary>

Subtract the largest score of the row: the largest exponent is then 0, and nothing overflows. Why not the largest of
*all* rows? Think of a row that is 1000 below it.
</details>

<details><summary>Hint 2: one number for each row</summary>

`z.max(axis=-1, keepdims=True)` has shape $(N, 1)$ and broadcasts against $(N, K)$; for $(K,)$ it works as well.
</details>

<details><summary>Hint 3: bytes</summary>

In `uint8`, 3 − 5 is 254. Convert to float first.
</details>
"""


# %% nbgrader={"grade_id": "softmax", "solution": true}
def softmax(z):
    """Probabilities from scores, over the last axis.

    z: scores (K,) or (N, K), finite, of any size and real type.
    Returns an array of z's shape; each row is positive or 0 and adds up to 1.
    """
    ### BEGIN SOLUTION
    z = z.astype(float)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"grade_id": "softmax-examples", "points": 2}
log2, log3 = np.log(2), np.log(3)

check.examples(
    "softmax",
    softmax,
    call(np.array([0.0, log2, log3])).gives([1 / 6, 1 / 3, 1 / 2]),  # 1 : 2 : 3
    call(np.array([[0.0, log3], [5.0, 5.0]])).gives([[0.25, 0.75], [0.5, 0.5]]),
    call(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]])).gives([[0.5, 0.5], [0.5, 0.5]]),
    call(np.array([3, 5, 4], dtype=np.uint8)).gives([0.09003057, 0.66524096, 0.24472847]),
)

# %% nbgrader={"grade_id": "softmax-hidden", "points": 4}
# The hidden tests of `softmax` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8091)
z = 3 * rng.standard_normal((4, 5))
check.hidden(
    "softmax",
    softmax,
    "rows of scores, and one row",
    call(z),
    call(z[0]),
    call(z=z[:, :1]),
    call(z[:4, :4]),
    *call(z).in_every_form(),
)
far = np.array([[0.0], [900.0], [-900.0], [1e5]])
check.hidden(
    "softmax",
    softmax,
    "large scores, and rows far apart",
    call(z + 1000),
    call(z[0] - 1000),
    call(z + far),
    call(300 * z),
    call(1e300 * np.array([1.0, -1.0, 0.5])),
)
check.hidden(
    "softmax",
    softmax,
    "integers, also bytes",
    call(rng.integers(-4, 5, (3, 4))),
    call(rng.integers(0, 6, (3, 4)).astype(np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** has a dial. Divide the scores by a **temperature** $T$ first: a small $T$ makes the
winner take all, a large one makes all classes equal. (Language models are sampled with it.) On the right, the
probability of the first of two scores, $c$ and $c - 1$, as $c$ grows: 0.731 whatever $c$ is. The formula as printed
stops with nan at $c = 710$.
"""

# %% tags=["figure"]
z = np.array([2.0, 1.0, 0.0, -1.0])
fig, axes = plt.subplots(1, 4, figsize=(8.8, 2.5), width_ratios=[1, 1, 1, 1.7])
for ax, temperature in zip(axes, (0.4, 1.0, 5.0), strict=False):
    p = softmax(z / temperature)
    ax.bar(range(4), p, color=figures.OUTPUT)
    for k, value in enumerate(p):
        ax.text(k, value + 0.02, f"{value:.2f}", ha="center", fontsize=9)
    ax.set(title=f"T = {temperature:g}", ylim=(0, 1.12), xticks=range(4))
    ax.set_xticklabels([figures.number(s) for s in z])
    ax.set_yticks([])
axes[1].set_xlabel("score")
c = np.arange(690.0, 730.0)
with np.errstate(all="ignore"):
    naive = np.exp(c) / (np.exp(c) + np.exp(c - 1))
axes[3].plot(
    c, softmax(np.stack([c, c - 1], axis=1))[:, 0], color=figures.OUTPUT, lw=5, alpha=0.4, label="yours"
)
axes[3].plot(c, naive, color=figures.WRONG, label="as printed")
axes[3].plot(c[np.isnan(naive)], np.full(np.isnan(naive).sum(), 0.45), "x", color=figures.WRONG, ms=4)
axes[3].text(719.5, 0.49, "nan", color=figures.WRONG, ha="center")
axes[3].set(title="scores c and c − 1", ylim=(0.4, 1.05), xlabel="c")
axes[3].legend(loc="upper left")
plt.show()

# %% [markdown]
r"""
## The loss, and why its gradient is so simple

How bad are these probabilities, if class $t$ is right? The **cross-entropy** is $-\log p_t$: 0 for certainty, and
without limit for a confident error. A batch has the mean of it:

$$L \;=\; -\frac1N \sum_{n} \log p_{n,\,t_n}, \qquad \log p_k \;=\; z_k - \max_j z_j - \log \sum_j e^{\,z_j - \max z}$$

The second formula is the first one with the logarithm taken *on paper*. It matters: with scores 1000 and 0, $p$ of
the loser underflows to 0 and its logarithm is infinite; the right loss is 1000.

Now the gradient. Softmax and logarithm look tangled, but together they leave

$$\frac{\partial L}{\partial z_{n,k}} \;=\; \frac1N \bigl(p_{n,k} - [k = t_n]\bigr):$$

what you said, minus what you should have said. Every row adds up to 0: what the right class gains in score, the
others lose.

### Exercise 8.10 · `cross_entropy`
●●●○ · 10 min

Return the mean loss and the gradient of that mean with respect to the scores, as a pair. `scores` come *before* any
softmax.

<details><summary>Hint 1: the logarithm</summary>

Shift each row by its maximum, as in `softmax`. Then $\log p$ is the shifted score minus the logarithm of a sum that
is at least 1.
</details>

<details><summary>Hint 2: picking the right class</summary>

`log_p[np.arange(N), labels]` takes one element from each row. `log_p[:, labels]` is something else: an $N \times N$
table.
</details>

<details><summary>Hint 3: the gradient</summary>

Copy the probabilities, subtract 1 at `[np.arange(N), labels]`, divide by $N$: it is the gradient of a mean.
</details>
"""


# %% nbgrader={"grade_id": "cross_entropy", "solution": true}
def cross_entropy(scores, labels):
    """Softmax cross-entropy of a batch, and its gradient.

    scores: (N, K), before any softmax, finite, any size and real type. labels: (N,) ints from 0 to K-1.
    Returns (loss, grad): the mean over the samples, a float, and dloss/dscores (N, K), which carries the 1/N.
    """
    ### BEGIN SOLUTION
    scores = scores.astype(float)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), grad / len(labels)
    ### END SOLUTION


# %% nbgrader={"grade_id": "cross_entropy-examples", "points": 3}
log3 = np.log(3)

check.examples(
    "cross_entropy",
    cross_entropy,
    call(np.array([[0.0, log3]]), np.array([1])).gives((0.2876821, [[0.25, -0.25]])),  # -log 0.75
    call(np.zeros((2, 4)), np.array([0, 3])).gives(
        (1.3862944, [[-0.375, 0.125, 0.125, 0.125], [0.125, 0.125, 0.125, -0.375]])
    ),  # four equal classes: log 4
    call(np.array([[1000.0, 0.0]]), np.array([1])).gives((1000.0, [[1, -1]])),  # as wrong as can be
    call(np.array([[5, 2, 3], [0, 1, 0], [4, 4, 0]], dtype=np.uint8), np.array([0, 2, 1])),  # torch is asked
)

# %% nbgrader={"grade_id": "cross_entropy-hidden", "points": 5}
# The hidden tests of `cross_entropy` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8101)
scores, labels = 3 * rng.standard_normal((6, 5)), rng.integers(0, 5, 6)
check.hidden(
    "cross_entropy",
    cross_entropy,
    "a batch of samples, and one sample",
    call(scores, labels),
    call(scores[:5], labels[1:]),
    call(scores[:1], labels=labels[:1]),
    call(scores, np.full(6, 2)),
    call(scores=scores[:, :2], labels=labels % 2),
    *call(scores[:4], labels[:4].astype(np.uint8)).in_every_form(),
)
check.hidden(
    "cross_entropy",
    cross_entropy,
    "large scores",
    call(scores + 1000, labels),
    call(400 * scores, labels),
    call(scores - np.array([[0.0], [900.0], [-900.0], [1e4], [0.0], [3.0]]), labels),
)
check.hidden(
    "cross_entropy",
    cross_entropy,
    "integers, also bytes, which wrap around at 256",
    call(rng.integers(-4, 5, (6, 4)), labels % 4),
    call(rng.integers(0, 7, (6, 5)).astype(np.uint8), labels),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** is the loss of nearly every classifier. Two numbers to remember: a network that knows
nothing about ten classes has a loss of $\log 10 = 2.303$, and a loss above that means it is confidently wrong. In the
middle, the gradient as a tug of war on one sample; on the right your gradient against differences of your own loss.
"""

# %% tags=["figure"]
margin = np.linspace(-6, 6, 121)
lost = [cross_entropy(np.array([[m, 0.0]]), np.array([0]))[0] for m in margin]
z, right = np.array([[2.0, 1.0, 0.2, -1.0]]), np.array([1])
_, pull = cross_entropy(z, right)
rng = np.random.default_rng(8)
tried, truth = rng.standard_normal((5, 6)), rng.integers(0, 6, 5)
slopes, nudge = np.zeros((5, 6)), 1e-5
for at in np.ndindex(5, 6):
    step = np.zeros((5, 6))
    step[at] = nudge
    slopes[at] = (cross_entropy(tried + step, truth)[0] - cross_entropy(tried - step, truth)[0]) / (2 * nudge)
fig, axes = plt.subplots(1, 3, figsize=(8.8, 2.7))
axes[0].plot(margin, lost, color=figures.INPUT)
axes[0].axhline(np.log(2), color=figures.LINE, ls="--", lw=1)
axes[0].text(6, np.log(2) + 0.15, "log 2: undecided", ha="right", fontsize=9)
axes[0].set(title="loss, two classes", xlabel="right score minus wrong score")
axes[1].bar(range(4), -pull[0], color=[figures.OUTPUT if k == right[0] else figures.WRONG for k in range(4)])
axes[1].axhline(0, color=figures.FAINT, lw=0.8)
axes[1].set(title="a step down the loss", xlabel="score (class 1 is right)", ylabel="−gradient")
axes[1].set_xticks(range(4), [figures.number(s) for s in z[0]])
axes[2].plot(slopes.ravel(), cross_entropy(tried, truth)[1].ravel(), "o", color=figures.OUTPUT, ms=4)
axes[2].plot([-0.2, 0.1], [-0.2, 0.1], color=figures.LINE, zorder=0)
axes[2].set(title="your gradient", xlabel="by central differences", ylabel="by the formula")
plt.show()

# %% [markdown]
r"""
## The fully connected layer

After the last convolution there is a stack of maps, and the classifier wants a row of numbers for each sample.
**Flatten** does it: sample by sample, all values in row-major order, the last axis changing fastest. A **linear**
layer then takes $n_{out}$ inner products with the whole row:

$$y_{n,d} \;=\; b_d + \sum_i w_{d,i}\, x_{n,i}$$

### Exercise 8.11 · `flatten`
●○○○ · 2 min

Return $x$ of shape $(N, \dots)$ as $(N, \text{product of the rest})$.

<details><summary>Hint 1</summary>

`reshape` works out one length by itself if you give it −1. Keep the first axis. Assigning to `x.shape` would change
the caller's array.
</details>
"""


# %% nbgrader={"grade_id": "flatten", "solution": true}
def flatten(x):
    """One row for each sample, as torch.flatten(x, 1).

    x: (N, ...), with at least one more axis. Returns (N, product of the rest), row-major; a view will do.
    """
    ### BEGIN SOLUTION
    return x.reshape(len(x), -1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "flatten-examples", "points": 1}
check.examples(
    "flatten",
    flatten,
    call(np.arange(8).reshape(2, 2, 2)).gives([[0, 1, 2, 3], [4, 5, 6, 7]]),
    call(np.arange(6).reshape(3, 1, 1, 2)).gives([[0, 1], [2, 3], [4, 5]]),
)

# %% nbgrader={"grade_id": "flatten-hidden", "points": 1}
# The hidden tests of `flatten` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8111)
x = rng.standard_normal((3, 2, 4, 5))
check.hidden(
    "flatten",
    flatten,
    "arrays with two to five axes",
    call(x),
    call(x[:, :, 0]),
    call(x=x[:, 0, 0]),
    call(x[:1]),
    call(x[:, None]),
    call(rng.integers(0, 250, (2, 3, 2)).astype(np.uint8)),
    *call(x).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
### Exercise 8.12 · `linear`
●○○○ · 3 min

Return $y$ for a batch, with torch's layout of the weights, $(n_{out}, n_{in})$: one row for each output.

<details><summary>Hint 1</summary>

Each row of `x` meets each row of `w`. As a matrix product one of the two must be transposed. Bytes overflow in
products: convert to float first.
</details>
"""


# %% nbgrader={"grade_id": "linear", "solution": true}
def linear(x, w, b):
    """A fully connected layer, as torch.nn.functional.linear.

    x: (N, n_in). w: (n_out, n_in). b: (n_out,). Any real types. Returns (N, n_out).
    """
    ### BEGIN SOLUTION
    return x.astype(float) @ w.T + b
    ### END SOLUTION


# %% nbgrader={"grade_id": "linear-examples", "points": 1}
x = np.array([[1, 2, 3], [0, 1, 0]])  # two samples
w = np.array([[1, 0, -1], [2, 2, 2]])  # two outputs

check.examples(
    "linear",
    linear,
    call(x[:1], w, np.array([10, 100])).gives([[8, 112]]),  # 1 - 3 + 10 and 2 (1 + 2 + 3) + 100
    call(x, w, np.array([0.5, 0])).gives([[-1.5, 12], [0.5, 2]]),
)

# %% nbgrader={"grade_id": "linear-hidden", "points": 2}
# The hidden tests of `linear` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8121)
x, w, b = rng.standard_normal((4, 5)), rng.standard_normal((3, 5)), rng.standard_normal(3)
check.hidden(
    "linear",
    linear,
    "several sizes",
    call(x, w, b),
    call(x[:1], w, b),
    call(x[:3, :3], w[:, :3], b=b),
    call(x=x, w=w[:1], b=b[:1]),
    *call(x, w, b).in_every_form(),
)
whole = rng.integers(100, 250, (4, 3)).astype(np.uint8)
check.hidden(
    "linear", linear, "integers, also bytes", call(whole, whole[:2], whole[0, :2]), call(whole, w[:, :3], b)
)
### END HIDDEN TESTS

# %% [markdown]
r"""
### Exercise 8.13 · `linear_backward`
●●○○ · 8 min

Given the forward arrays and the upstream gradient $g = \partial L/\partial y$ of shape $(N, n_{out})$, return the
three gradients $(\partial L/\partial x,\ \partial L/\partial w,\ \partial L/\partial b)$.

Ask of each number where it went. $x_{n,i}$ went into all outputs $d$ of its own sample, by way of $w_{d,i}$.
$w_{d,i}$ met $x_{n,i}$ in every sample. $b_d$ was added in every sample. Add up all the ways:

$$\frac{\partial L}{\partial x_{n,i}} = \sum_d g_{n,d}\, w_{d,i}, \qquad \frac{\partial L}{\partial w_{d,i}} = \sum_n g_{n,d}\, x_{n,i}, \qquad \frac{\partial L}{\partial b_d} = \sum_n g_{n,d}$$

<details><summary>Hint 1: sums are matrix products</summary>

Which index is summed, and in which place does it stand in each factor? A matrix product sums over the last axis of
the left one and the first axis of the right one.
</details>

<details><summary>Hint 2: let the shapes decide</summary>

A gradient has the shape of what it belongs to. From $(N, n_{out})$ and $(N, n_{in})$ only one product gives
$(n_{out}, n_{in})$.
</details>

<details><summary>Hint 3: the batch</summary>

Sums over the samples, not means: the mean's $1/N$ is in $g$ already, put there by `cross_entropy`.
</details>
"""


# %% nbgrader={"grade_id": "linear_backward", "solution": true}
def linear_backward(x, w, grad):
    """Gradients of a fully connected layer.

    x: (N, n_in) and w: (n_out, n_in), as in linear. grad: upstream gradient (N, n_out). Any real types.
    Returns (grad_x, grad_w, grad_b) with the shapes of x, w and b; summed over the batch.
    """
    ### BEGIN SOLUTION
    grad = grad.astype(float)
    return grad @ w, grad.T @ x, grad.sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "linear_backward-examples", "points": 2}
x = np.array([[1, 2, 3], [0, 1, 0]])
w = np.array([[1, 0, -1], [2, 2, 2]])

check.examples(
    "linear_backward",
    linear_backward,
    call(x[:1], w, np.array([[1, 0]])).gives(([[1, 0, -1]], [[1, 2, 3], [0, 0, 0]], [1, 0])),
    call(x, w, np.array([[1, 0], [0, 10]])).gives(
        ([[1, 0, -1], [20, 20, 20]], [[1, 2, 3], [0, 10, 0]], [1, 10])
    ),
    call(np.sin(np.arange(15.0)).reshape(3, 5), np.cos(np.arange(20.0)).reshape(4, 5), np.ones((3, 4))),
)

# %% nbgrader={"grade_id": "linear_backward-hidden", "points": 4}
# The hidden tests of `linear_backward` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8131)
x, w, g = rng.standard_normal((4, 5)), rng.standard_normal((3, 5)), rng.standard_normal((4, 3))
check.hidden(
    "linear_backward",
    linear_backward,
    "several sizes",
    call(x, w, g),
    call(x[:1], w, g[:1]),
    call(x, w[:1], grad=g[:, :1]),
    call(x=x[:3, :3], w=w[:, :3], grad=g[:3]),
    *call(x, w, g).in_every_form(),
)
whole = rng.integers(100, 250, (4, 4)).astype(np.uint8)
check.hidden(
    "linear_backward",
    linear_backward,
    "integers, also bytes",
    call(whole, whole[:3], whole[:, :3]),
    call(whole, w[:, :4], g),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** can learn. Flatten, linear, cross-entropy, and back: with these four functions a
classifier reads handwritten digits. It starts at 2.303, as it must. Its ten rows of weights, drawn as images, are ten
templates: orange says *ink here speaks for this digit*, blue says *against it*.
"""

# %%
digits, digit_labels = images.digits()
order = np.random.default_rng(0).permutation(len(digits))
train, held_out = order[:1200], order[1200:]
rows = flatten(digits[:, None])
w, b, losses = np.zeros((10, 64)), np.zeros(10), []
for _ in range(200):
    loss, grad = cross_entropy(linear(rows[train], w, b), digit_labels[train])
    _, grad_w, grad_b = linear_backward(rows[train], w, grad)
    w, b = w - 1.0 * grad_w, b - 1.0 * grad_b
    losses.append(loss)
hits = linear(rows[held_out], w, b).argmax(axis=1) == digit_labels[held_out]
print(
    f"loss from {losses[0]:.3f} to {losses[-1]:.3f}; {100 * hits.mean():.0f} % of the held-out digits are read right"
)

# %% tags=["figure"]
figures.feature_maps(w.reshape(10, 8, 8), [str(k) for k in range(10)], columns=5)
plt.show()

# %% [markdown]
r"""
## How large should the first weights be?

Zeros did for one layer. In a deep network they would never do: all units would compute the same, and get the same
gradient, for ever. So weights start at random. How large?

Each output adds up $n$ products, $n$ being the **fan-in**: $C\,k_H\,k_W$ for a convolution, $n_{in}$ for a linear
layer. With independent weights of mean 0,

$$\operatorname{Var}(y) \;=\; n \cdot \operatorname{Var}(w) \cdot \mathrm{E}[x^2].$$

And $x$ was a ReLU's output: it kept the positive half of something symmetric, so $\mathrm{E}[x^2]$ is *half* that
something's variance. To keep the variance the same from layer to layer,

$$n \cdot \operatorname{Var}(w) \cdot \tfrac12 = 1 \qquad\Longrightarrow\qquad \text{standard deviation of } w = \sqrt{2/n}.$$

That is He's initialisation. A factor of 2 off may seem a detail. After twenty layers it is a factor of $2^{20}$, a
million.

### Exercise 8.14 · `he_init`
●●○○ · 6 min

Draw weights of the given shape, $(D, C, k_H, k_W)$, $(D, C, K)$ or $(n_{out}, n_{in})$, from a normal distribution
with mean 0 and standard deviation $\sqrt{2/n}$. All randomness comes from `rng`, a generator such as
`np.random.default_rng(3)`: whoever hands you the same one must get the same weights. Your numbers are not compared
one by one; their mean, spread and shape are, and whether they repeat.

<details><summary>Hint 1: the fan-in</summary>

Which axes does one output sum over? All but the first: `np.prod(shape[1:])`.
</details>

<details><summary>Hint 2: drawing</summary>

`rng.normal(mean, deviation, size=shape)`, or `rng.standard_normal(shape)` times something. It wants a standard
deviation, not a variance. (`np.random.normal` would draw from another, global generator.)
</details>
"""


# %% nbgrader={"grade_id": "he_init", "solution": true}
def he_init(shape, rng):
    """Random weights for a layer that follows a ReLU.

    shape: (D, C, kH, kW), (D, C, K) or (n_out, n_in). rng: a np.random.Generator, the only source of randomness.
    Returns an array of that shape: normal, mean 0, standard deviation sqrt(2 / fan-in).
    """
    ### BEGIN SOLUTION
    return rng.normal(0.0, np.sqrt(2 / np.prod(shape[1:])), size=shape)
    ### END SOLUTION


# %% nbgrader={"grade_id": "he_init-examples", "points": 3}
check.examples(
    "he_init",
    he_init,
    call((128, 32), np.random.default_rng(10)),  # standard deviation sqrt(2 / 32) = 0.25
    call((16, 32, 4, 2), np.random.default_rng(11)),  # sqrt(2 / 256) = 0.088
    call((100, 8, 5), np.random.default_rng(12)),  # sqrt(2 / 40) = 0.22
)
drawn = he_init((128, 32), np.random.default_rng(10))
print(f"(128, 32): mean {drawn.mean():.3f}, standard deviation {drawn.std():.3f}")

# %% nbgrader={"grade_id": "he_init-hidden", "points": 4}
# The hidden tests of `he_init` run here when your work is graded.
### BEGIN HIDDEN TESTS
check.hidden("he_init", he_init, "a linear layer", call((50, 100), np.random.default_rng(8141)))
check.hidden("he_init", he_init, "a convolution for signals", call((20, 40, 5), np.random.default_rng(8142)))
check.hidden(
    "he_init",
    he_init,
    "a convolution for images",
    call((12, 30, 3, 5), np.random.default_rng(8143)),
    call((64, 8, 3, 3), rng=np.random.default_rng(8144)),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** decides whether a deep network can begin to learn. Twenty layers of 256 ReLU units,
started with He's weights, with the $\sqrt{1/n}$ that was usual before, and with half and twice He's. On the left the
spread of what flows forward, on the right that of the gradient that flows back.
"""


# %%
def deep_stack(scale, depth=20, width=256):
    """Standard deviations, layer by layer, of the sums going forward and of their gradients coming back."""
    rng = np.random.default_rng(0)
    weights = [scale * he_init((width, width), rng) for _ in range(depth)]
    sums, h = [], rng.standard_normal((64, width))
    for w in weights:
        sums.append(linear(h, w, np.zeros(width)))
        h = relu(sums[-1])
    grads, grad = [], rng.standard_normal(h.shape)
    for w, z in zip(weights[::-1], sums[::-1], strict=True):
        grad = grad * activation_grad("relu", z)
        grads.append(grad.std())
        grad = grad @ w  # the first of linear_backward's three
    return [z.std() for z in sums], grads[::-1]


starts = {"twice": 2.0, "He": 1.0, "sqrt(1/n)": np.sqrt(0.5), "half": 0.5}
spreads = {name: deep_stack(scale) for name, scale in starts.items()}
for name, (forward, backward) in spreads.items():
    print(f"{name:>9}: forward {forward[-1]:8.1e} in layer 20, backward {backward[0]:8.1e} in layer 1")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharey=True)
layers = np.arange(1, 21)
colours = (figures.WRONG, figures.OUTPUT, figures.INPUT, figures.EXTRA)
for (name, both), colour in zip(spreads.items(), colours, strict=True):
    for ax, values in zip(axes, both, strict=True):
        ax.plot(layers, values, "o-", ms=3, color=colour, label=name)
axes[0].set(yscale="log", title="forward: spread of the sums", xlabel="layer", ylabel="standard deviation")
axes[1].set(title="backward: spread of the gradients", xlabel="layer")
for ax in axes:
    ax.set_xticks([1, 5, 10, 15, 20])
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
plt.show()

# %% [markdown]
r"""
## Batch norm: keep it that way

A good start does not last: every step of training changes all layers at once, and with them the distribution of what
the later ones get. **Batch norm** measures and repairs it in every step. For each channel $c$ it takes mean and
variance over **all samples and all positions**, $m = N H W$ values, and standardises with them. Two learned numbers,
$\gamma_c$ and $\beta_c$, can stretch and move the result, so that nothing is lost:

$$\hat x_{n,c,i,j} = \frac{x_{n,c,i,j} - \mu_c}{\sqrt{v_c + \varepsilon}}, \qquad y = \gamma_c\, \hat x + \beta_c, \qquad \mu_c = \frac1m \sum_{n,i,j} x_{n,c,i,j}, \quad v_c = \frac1m \sum_{n,i,j} (x_{n,c,i,j} - \mu_c)^2$$

Why over positions? Because a convolution uses the same kernel at every position: a channel is *one* detector, whose
answers belong together. The $\varepsilon$ stands **inside** the root; a channel that is constant would otherwise
divide by 0.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.2))
hues = (figures.INPUT, figures.KERNEL, figures.OUTPUT)
shades = plt.colormaps["turbo"](np.linspace(0.05, 0.95, 36)).reshape(3, 4, 3, 4)
for ax, title in zip(
    axes, ("batch norm: 3 means, one for each channel", "over the samples alone: 36 means"), strict=True
):
    for n in range(3):
        for c in range(3):
            for i in range(4):
                for j in range(3):
                    fill = figures.tint(hues[c], 0.55) if ax is axes[0] else shades[c, i, j]
                    ax.add_patch(plt.Rectangle((c * 4.2 + j, n * 5 + i), 1, 1, fc=fill, ec="white", lw=0.6))
    for c in range(3):
        ax.text(c * 4.2 + 1.5, -0.5, f"channel {c}", ha="center", fontsize=9)
    for n in range(3):
        ax.text(-0.4, n * 5 + 2, f"sample {n}", ha="right", va="center", fontsize=9)
    ax.set(xlim=(-3.2, 11.8), ylim=(14.3, -1.6), aspect="equal", title=title)
    ax.set_axis_off()
plt.show()

# %% [markdown]
r"""
**Two modes.** In *training* the batch's own statistics normalise, and a running average of them is kept:

$$\text{new} \;=\; (1 - \text{momentum}) \cdot \text{old} \;+\; \text{momentum} \cdot \text{batch}$$

For the mean, "batch" is $\mu_c$. For the variance it is the **unbiased** estimate $\frac{m}{m-1} v_c$, which divides
by $m - 1$: torch normalises with one variance and remembers the other. In *evaluation* the running statistics
normalise, whatever the batch holds, and come back unchanged: the answer for one image must not depend on its
neighbours.

### Exercise 8.15 · `batch_norm2d`
●●●○ · 15 min

Return $y$, the new running mean and the new running variance: three arrays side by side. The hidden tests climb a
ladder with marks for each rung: the output in training, the running statistics, evaluation, and another momentum and
$\varepsilon$.

<details><summary>Hint 1: one number for each channel</summary>

`x.mean(axis=(0, 2, 3))` has shape $(C,)$. To meet $(N, C, H, W)$ it must become $(1, C, 1, 1)$ or $(C, 1, 1)$, and so
must $\gamma$ and $\beta$: index with `[:, None, None]`.
</details>

<details><summary>Hint 2: two variances</summary>

`x.var(axis=...)` divides by $m$, `x.var(axis=..., ddof=1)` by $m - 1$. Which of them goes where?
</details>

<details><summary>Hint 3: one formula, two modes</summary>

The modes differ only in where mean and variance come from, and in what is returned as new. Choose first, then write
the formula for $y$ once. Don't update `running_mean` in place: it is the caller's.
</details>
"""


# %% nbgrader={"grade_id": "batch_norm2d", "solution": true}
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """Batch normalisation of maps, as torch.nn.BatchNorm2d.

    x: maps (N, C, H, W), any real type. gamma, beta, running_mean, running_var: (C,). training: True or False.
    momentum: the weight of the new batch in the running statistics. eps: added to the variance, under the root.
    In training N * H * W is at least 2.
    Returns (y, new_mean, new_var): (N, C, H, W), (C,), (C,). Leaves all inputs as they are.
    """
    ### BEGIN SOLUTION
    axes = (0, 2, 3)
    if training:
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        new_mean = (1 - momentum) * running_mean + momentum * mean
        new_var = (1 - momentum) * running_var + momentum * x.var(axis=axes, ddof=1)
    else:
        mean, var = running_mean, running_var
        new_mean, new_var = running_mean.copy(), running_var.copy()
    scale = gamma / np.sqrt(var + eps)
    y = scale[:, None, None] * (x - mean[:, None, None]) + beta[:, None, None]
    return y, new_mean, new_var
    ### END SOLUTION


# %% nbgrader={"grade_id": "batch_norm2d-examples", "points": 5}
x = np.array([[[[1, 1]], [[-2, 2]]], [[[5, 5]], [[-2, 2]]]])  # two samples, two channels of 1 x 2 values
one, zero = np.ones(2), np.zeros(2)
photos = np.stack([images.astronaut(16, colour=True), images.china(16, colour=True)]).transpose(0, 3, 1, 2)
three = (
    np.array([1.0, 2.0, 0.5]),
    np.array([0.1, 0.0, -3.0]),
    np.array([0.4, 0.5, 0.6]),
    np.array([0.1, 0.2, 0.3]),
)

check.examples(
    "batch_norm2d",
    batch_norm2d,
    # channel 0 holds 1, 1, 5, 5: mean 3, variance 16 / 4 = 4 in y, 16 / 3 in the running average
    call(x, one, zero, zero, one, True).gives(
        ([[[[-1, -1]], [[-1, 1]]], [[[1, 1]], [[-1, 1]]]], [0.3, 0], [1.4333333, 1.4333333])
    ),
    call(x, 10 * one, one, zero, one, True, momentum=1.0).gives(
        ([[[[-9, -9]], [[-9, 11]]], [[[11, 11]], [[-9, 11]]]], [3, 0], [5.3333333, 5.3333333])
    ),
    call(x, 3 * one, zero, zero, one, True, momentum=0.0, eps=5.0).gives(
        ([[[[-2, -2]], [[-2, 2]]], [[[2, 2]], [[-2, 2]]]], [0, 0], [1, 1])
    ),  # sqrt(4 + 5) = 3
    call(x[:1], one, zero, one, 4 * one, False).gives(
        ([[[[0, 0]], [[-1.5, 0.5]]]], [1, 1], [4, 4])
    ),  # one sample
    call(photos, *three, True),  # two photographs in colour: torch is asked, in both modes
    call(photos, *three, False),
)

# %% nbgrader={"grade_id": "batch_norm2d-hidden", "points": 2}
# The first rung: the output in training. (The running statistics are the batch's own here, and momentum is 0.)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8151)


def settled(x, gamma, beta, **options):
    """A call in training whose running statistics stay as they are."""
    old = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)
    return call(x, gamma, beta, *old, True, momentum=0.0, **options)


x = 2 * rng.standard_normal((3, 4, 5, 4)) + rng.standard_normal((4, 1, 1))
gamma, beta = rng.standard_normal((2, 4))
flat = x[:, :3].copy()
flat[:, 1] = 0.5
check.hidden(
    "batch_norm2d",
    batch_norm2d,
    "the output in training",
    settled(x, gamma, beta),
    settled(x[:1], gamma, beta),
    settled(x[:, :1, :1, :1], gamma[:1], beta[:1]),
    settled(x[:2, :3, :, :3], gamma[:3], beta[:3]),
    *settled(x, gamma, beta).in_every_form(),
)
check.hidden("batch_norm2d", batch_norm2d, "a constant channel", settled(flat, gamma[:3], beta[:3]))
whole = rng.integers(100, 250, (2, 3, 2, 4))
check.hidden(
    "batch_norm2d",
    batch_norm2d,
    "integers, also bytes",
    settled(whole - 170, gamma[:3], beta[:3]),
    settled(whole.astype(np.uint8), gamma[1:], beta[1:]),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "batch_norm2d-hidden-running", "points": 2}
# The second rung: the running statistics.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8152)
x = 2 * rng.standard_normal((2, 3, 4, 3)) + rng.standard_normal((3, 1, 1))
gamma, beta, old_mean = rng.standard_normal((3, 3))
old_var = rng.uniform(0.5, 2, 3)
check.hidden(
    "batch_norm2d",
    batch_norm2d,
    "running statistics after training on a batch",
    call(x, gamma, beta, old_mean, old_var, True),
    call(x[:, :, :1, :1], gamma, beta, old_mean, old_var, True),
    call(x[:1], gamma=gamma, beta=beta, running_mean=old_mean, running_var=old_var, training=True),
    *call(x, gamma, beta, old_mean, old_var, training=True).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "batch_norm2d-hidden-evaluation", "points": 2}
# The third rung: evaluation.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8153)
x = 2 * rng.standard_normal((3, 4, 5, 4)) + rng.standard_normal((4, 1, 1))
gamma, beta, old_mean = rng.standard_normal((3, 4))
old_var = rng.uniform(0.5, 2, 4)
check.hidden(
    "batch_norm2d",
    batch_norm2d,
    "evaluation",
    call(x, gamma, beta, old_mean, old_var, False),
    call(x[:1], gamma, beta, old_mean, old_var, training=False),
    call(x[:1, :, :1, :1], gamma, beta, old_mean, old_var, False),
    call(x[:, :2], gamma[:2], beta[:2], old_mean[:2], old_var[:2], False),
    *call(x, gamma, beta, old_mean, old_var, False).in_every_form(),
)
whole = rng.integers(100, 250, (2, 4, 2, 3)).astype(np.uint8)
check.hidden(
    "batch_norm2d", batch_norm2d, "evaluation of bytes", call(whole, gamma, beta, old_mean, old_var, False)
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "batch_norm2d-hidden-options", "points": 2}
# The last rung: another momentum and another epsilon, in both modes.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8154)
x = 2 * rng.standard_normal((2, 3, 3, 4)) + rng.standard_normal((3, 1, 1))
gamma, beta, old_mean = rng.standard_normal((3, 3))
old_var = rng.uniform(0.5, 2, 3)
check.hidden(
    "batch_norm2d",
    batch_norm2d,
    "another momentum",
    call(x, gamma, beta, old_mean, old_var, True, 0.3),
    call(x, gamma, beta, old_mean, old_var, True, momentum=1.0),
    call(x, gamma, beta, old_mean, old_var, False, momentum=0.9),
)
check.hidden(
    "batch_norm2d",
    batch_norm2d,
    "another epsilon",
    call(x, gamma, beta, old_mean, old_var, True, 0.2, 0.7),
    call(x, gamma, beta, old_mean, old_var, True, eps=0.1),
    call(x, gamma, beta, old_mean, old_var, False, eps=2.0),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** forgives a bad start. Here is the stack from before, twelve layers of ReLUs whose weights
start at half He's size and at twice He's size, without and with batch norm before every ReLU. The histograms show the
inputs of the ReLUs in four of the layers; with batch norm it makes no difference how the stack started.
"""


# %%
def relu_inputs(scale, normalised, depth=12, width=128):
    """What the ReLUs of a deep stack get, layer by layer."""
    rng = np.random.default_rng(1)
    h, seen = rng.standard_normal((256, width)), []
    for _ in range(depth):
        z = linear(h, scale * he_init((width, width), rng), np.zeros(width))
        if normalised:
            one, zero = np.ones(width), np.zeros(width)
            z = batch_norm2d(z[:, :, None, None], one, zero, zero, one, True)[0][:, :, 0, 0]
        seen.append(z)
        h = relu(z)
    return seen


stacks = {(s, bn): relu_inputs(s, bn) for bn in (False, True) for s in (0.5, 2.0)}
for (scale, normalised), seen in stacks.items():
    spread = "  ".join(f"{seen[layer - 1].std():7.3g}" for layer in (1, 4, 8, 12))
    print(
        f"{scale:3g} x He, {'with   ' if normalised else 'without'} batch norm: spread {spread}  in layers 1, 4, 8, 12"
    )

# %% tags=["figure"]
fig, axes = plt.subplots(3, 4, figsize=(8.8, 4.8), sharex=True)
names = {
    (0.5, False): "half He",
    (2.0, False): "twice He",
    (0.5, True): "batch norm",
}
colours = (figures.EXTRA, figures.WRONG, figures.OUTPUT)
for row, ((which, name), colour) in enumerate(zip(names.items(), colours, strict=True)):
    for ax, layer in zip(axes[row], (1, 4, 8, 12), strict=True):
        values = stacks[which][layer - 1].ravel()
        ax.hist(values.clip(-5, 5), bins=np.linspace(-5, 5, 61), color=colour)
        ax.set_yticks([])
        ax.text(
            0.97,
            0.9,
            f"spread {figures.number(values.std())}",
            transform=ax.transAxes,
            ha="right",
            va="top",
            fontsize=9,
        )
        ax.margins(y=0.25)
        if row == 0:
            ax.set_title(f"layer {layer}")
    axes[row, 0].set_ylabel(name, fontsize=9.5)
fig.supxlabel("input of the ReLU (beyond ±5: in the outermost bars)", fontsize=10)
plt.show()

# %% [markdown]
"""
The running statistics need time: after $t$ batches a share of $0.9^t$ of their arbitrary start is left, 35 % after
ten batches, 0.5 % after fifty. Below they follow a channel with mean 3 and variance 4, in batches of eight values.
And in evaluation batch norm is only a scale and a shift for each channel, constants by then: it can be folded into
the convolution before it, and costs nothing.
"""

# %%
rng = np.random.default_rng(6)
mean, var, track = np.zeros(1), np.ones(1), []
for _ in range(80):
    batch = 3 + 2 * rng.standard_normal((8, 1, 1, 1))
    _, mean, var = batch_norm2d(batch, np.ones(1), np.zeros(1), mean, var, True)
    track.append((mean[0], var[0]))

kernel, bias, patches = rng.standard_normal((3, 12)), rng.standard_normal(3), rng.standard_normal((50, 12))
gamma, beta, mu, v = rng.standard_normal((4, 3)) ** 2 + 0.1
sums = linear(patches, kernel, bias)[:, :, None, None]
apart = batch_norm2d(sums, gamma, beta, mu, v, False)[0][:, :, 0, 0]
factor = gamma / np.sqrt(v + 1e-5)
folded = linear(patches, kernel * factor[:, None], (bias - mu) * factor + beta)
print(f"folded into the layer before: differs by less than {max(np.abs(apart - folded).max(), 1e-12):.0g}")

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7.5, 2.5))
for values, target, colour, name in zip(
    np.transpose(track), (3, 4), (figures.INPUT, figures.KERNEL), ("mean", "variance"), strict=True
):
    ax.plot(range(1, 81), values, color=colour, label=f"running {name}")
    ax.axhline(target, color=colour, lw=1, ls=":")
ax.set(xlabel="batches of eight values (dotted: the truth)", ylim=(0, 6.4))
ax.legend(loc="upper left", ncols=2)
plt.show()

# %% [markdown]
r"""
## Batch norm, backward

Push one input $x_i$ up a little. Its own $\hat x_i$ rises. But the mean of the channel rises too, so *all* $\hat x_j$
sink a little; and the variance changes, so all of them are squeezed or stretched. An input reaches the loss by
**three paths**, and the gradient is their sum. Write $\sigma = \sqrt{v + \varepsilon}$, $g = \partial L / \partial y$
and $m = NHW$; everything below is for one channel.

1. **Directly.** $y_i = \gamma (x_i - \mu)/\sigma + \beta$ gives $\dfrac{\gamma}{\sigma}\, g_i$.
2. **Through the mean.** $\mu$ rises by $1/m$ for each unit of $x_i$, and every $\hat x_j$ sinks by $1/\sigma$ for
   each unit of $\mu$: together $-\dfrac{\gamma}{\sigma} \cdot \dfrac1m \sum_j g_j$.
3. **Through the variance.** $\dfrac{\partial v}{\partial x_i} = \dfrac{2 (x_i - \mu)}{m}$ and
   $\dfrac{\partial \hat x_j}{\partial v} = -\dfrac{\hat x_j}{2 \sigma^2}$. Multiply, add up over $j$, and write
   $\hat x_i$ for $(x_i - \mu)/\sigma$: it becomes as short as the second.

Here are the three for one channel of eight values, and what they add up to. The bars say how fast each of the eight
outputs changes when the input marked by the dot moves ($\gamma = 1$).
"""

# %% tags=["figure"]
values = np.array([-1.5, -1.0, -0.6, -0.1, 0.3, 0.7, 1.0, 1.9])
i, m = 7, 8
hat = (values - values.mean()) / values.std()
direct = np.eye(m)[i] / values.std()
by_mean = np.full(m, -1 / m / values.std())
by_variance = -hat * hat[i] / m / values.std()
fig, axes = plt.subplots(1, 4, figsize=(8.8, 2.5), sharey=True)
for ax, (title, change) in zip(
    axes,
    {
        "1 directly": direct,
        "2 by the mean": by_mean,
        "3 by the variance": by_variance,
        "all three": direct + by_mean + by_variance,
    }.items(),
    strict=True,
):
    ax.bar(range(m), change, color=figures.OUTPUT if title == "all three" else figures.INPUT)
    ax.plot(i, 0, "o", color=figures.KERNEL, ms=6)
    ax.axhline(0, color=figures.FAINT, lw=0.8)
    ax.set(title=title, xticks=range(m), xlabel="output")
axes[0].set_ylabel("slope")
plt.show()

# %% [markdown]
r"""
### Exercise 8.16 · `batch_norm2d_backward`
●●●● · 18 min

Return $(\partial L/\partial x,\ \partial L/\partial\gamma,\ \partial L/\partial\beta)$ in training mode, with the
statistics computed from $x$ anew. The hidden tests have two rungs: the gradients of $\gamma$ and $\beta$, then that
of $x$.

<details><summary>Hint 1: gamma and beta first</summary>

$y = \gamma \hat x + \beta$ at every position of the channel. So $\partial L/\partial\beta$ is the sum of $g$ over
samples and positions, and $\partial L/\partial\gamma$ the sum of $g \hat x$.
</details>

<details><summary>Hint 2: the third path</summary>

$\sum_j \gamma g_j \cdot \Bigl(-\dfrac{\hat x_j}{2\sigma^2}\Bigr) \cdot \dfrac{2(x_i - \mu)}{m} \;=\; -\dfrac{\gamma}{\sigma}\, \hat x_i \cdot \dfrac1m \sum_j g_j \hat x_j$
</details>

<details><summary>Hint 3: nearly the answer</summary>

All three paths share $\gamma/\sigma$. In front of it stands a bracket: the gradient, minus its mean over the channel,
minus $\hat x$ times the mean of $g \hat x$. The two means are your sums from hint 1, divided by $m$.
</details>
"""


# %% nbgrader={"grade_id": "batch_norm2d_backward", "solution": true}
def batch_norm2d_backward(x, gamma, grad, eps=1e-5):
    """Gradients of batch_norm2d in training mode.

    x: forward's input (N, C, H, W), N * H * W at least 2. gamma: (C,). grad: upstream gradient (N, C, H, W).
    eps: as in forward. The statistics are computed from x.
    Returns (grad_x, grad_gamma, grad_beta): (N, C, H, W), (C,), (C,). Sums, no means.
    """
    ### BEGIN SOLUTION
    axes = (0, 2, 3)
    m = x.size // x.shape[1]
    mean, sigma = x.mean(axis=axes)[:, None, None], np.sqrt(x.var(axis=axes) + eps)[:, None, None]
    normalised = (x - mean) / sigma
    grad_gamma, grad_beta = (grad * normalised).sum(axis=axes), grad.sum(axis=axes)
    bracket = grad - grad_beta[:, None, None] / m - normalised * grad_gamma[:, None, None] / m
    return gamma[:, None, None] / sigma * bracket, grad_gamma, grad_beta
    ### END SOLUTION


# %% nbgrader={"grade_id": "batch_norm2d_backward-examples", "points": 4}
x = np.array([-1.0, -1.0, 1.0, 1.0]).reshape(4, 1, 1, 1)  # mean 0, variance 1: already normalised
g = np.array([4.0, 0.0, 0.0, 0.0]).reshape(4, 1, 1, 1)
photos = np.stack([images.astronaut(16, colour=True), images.china(16, colour=True)]).transpose(0, 3, 1, 2)
upstream = np.cos(np.arange(photos.size)).reshape(photos.shape)

check.examples(
    "batch_norm2d_backward",
    batch_norm2d_backward,
    # directly 4 0 0 0; by the mean -1 -1 -1 -1; by the variance -1 -1 1 1
    call(x, np.ones(1), g).gives((np.array([2.0, -2, 0, 0]).reshape(4, 1, 1, 1), [-4], [4])),
    call(x, 10 * np.ones(1), g).gives((np.array([20.0, -20, 0, 0]).reshape(4, 1, 1, 1), [-4], [4])),
    # of two values one is always normalised to -1, the other to 1, so there is no slope at all
    call(x[1:3], np.ones(1), g[:2]).gives((np.zeros((2, 1, 1, 1)), [-4], [4])),
    call(photos, np.array([1.0, 2.0, 0.5]), upstream),  # torch is asked
    call(photos, np.array([1.0, 2.0, 0.5]), upstream, eps=0.2),
)

# %% nbgrader={"grade_id": "batch_norm2d_backward-hidden", "points": 3}
# The first rung: the gradients of gamma and beta. (gamma is 0 here, and so is the gradient of x.)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8161)
x = 2 * rng.standard_normal((3, 4, 5, 4)) + rng.standard_normal((4, 1, 1))
g = rng.standard_normal((3, 4, 5, 4)) + 0.3
check.hidden(
    "batch_norm2d_backward",
    batch_norm2d_backward,
    "gradients of gamma and beta",
    call(x, np.zeros(4), g),
    call(x[:1], np.zeros(4), g[:1]),
    call(x[:, :2, :1, :1], np.zeros(2), g[:, :2, :1, :1]),
    call(x, np.zeros(4), g, eps=0.5),
    call(rng.integers(0, 250, (3, 4, 5, 4)).astype(np.uint8), np.zeros(4), g),
    *call(x, np.zeros(4), g).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "batch_norm2d_backward-hidden-input", "points": 3}
# The second rung: the gradient of x.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8162)
x = 2 * rng.standard_normal((3, 4, 3, 4)) + rng.standard_normal((4, 1, 1))
g = rng.standard_normal((3, 4, 3, 4)) + 0.3
gamma = rng.standard_normal(4)
check.hidden(
    "batch_norm2d_backward",
    batch_norm2d_backward,
    "the gradient of x",
    call(x, gamma, g),
    call(x[:1], gamma, g[:1]),
    call(x[:, :2, :1, :1], gamma[:2], g[:, :2, :1, :1]),
    call(x=x[:2, :3], gamma=gamma[1:], grad=g[:2, :3]),
    *call(x, gamma, g).in_every_form(),
)
check.hidden(
    "batch_norm2d_backward",
    batch_norm2d_backward,
    "the gradient of x with another epsilon",
    call(x, gamma, g, 0.5),
    call(x, gamma, grad=g, eps=0.01),
)
check.hidden(
    "batch_norm2d_backward",
    batch_norm2d_backward,
    "the gradient of integers",
    call(rng.integers(-9, 10, (3, 4, 3, 4)), gamma, g),
    call(rng.integers(0, 250, (3, 4, 3, 4)).astype(np.uint8), gamma, g),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** removes two things from the gradient of each channel: its mean, and its part along
$\hat x$. It must: moving all inputs up together, or stretching them all, changes nothing in the output (but for
$\varepsilon$), so no gradient may point that way. (In evaluation mean and variance are constants. Then only the first
path is left, and nothing is removed.) Your gradient against differences of your own forward layer, and the two
directions:
"""

# %%
rng = np.random.default_rng(9)
x, g = rng.standard_normal((2, 2, 3, 3)), rng.standard_normal((2, 2, 3, 3))
gamma, beta, old = np.array([1.5, -0.7]), np.array([0.2, 0.4]), (np.zeros(2), np.ones(2))


def loss_of(x):
    """A loss whose upstream gradient is g."""
    return (g * batch_norm2d(x, gamma, beta, *old, True)[0]).sum()


slopes, nudge = np.zeros(x.shape), 1e-5
for at in np.ndindex(x.shape):
    step = np.zeros(x.shape)
    step[at] = nudge
    slopes[at] = (loss_of(x + step) - loss_of(x - step)) / (2 * nudge)
grad_x = batch_norm2d_backward(x, gamma, g)[0]
centred = x - x.mean(axis=(0, 2, 3), keepdims=True)
print(f"largest difference to central differences: below {max(np.abs(slopes - grad_x).max(), 1e-7):.0g}")
print("all inputs up together:", np.round(grad_x.sum(axis=(0, 2, 3)), 3) + 0.0)
print("all inputs stretched:  ", np.round((grad_x * centred).sum(axis=(0, 2, 3)), 3) + 0.0)

# %% [markdown]
r"""
## Local response norm

Before batch norm, AlexNet tamed its ReLUs in another way, borrowed from nerve cells, which inhibit their neighbours.
At each pixel a channel is divided by how loud the **neighbouring channels** are at that pixel:

$$y_c \;=\; \frac{x_c}{\Bigl(k + \dfrac{\alpha}{\text{size}} \displaystyle\sum_{c'} x_{c'}^2\Bigr)^{\beta}}, \qquad c' = c - \lfloor \text{size}/2 \rfloor \;\dots\; c + \lfloor (\text{size}-1)/2 \rfloor$$

Channels outside count as 0. Mind $\alpha/\text{size}$, torch's convention: the divisor is `size` for every channel,
also at the borders where fewer neighbours exist. AlexNet's paper has no such division, so its $\alpha = 10^{-4}$ with
5 neighbours is torch's $5 \cdot 10^{-4}$. (Nothing is learned here.)

### Exercise 8.17 · `local_response_norm`
●●○○ · 8 min

Return $y$ for maps $(N, C, H, W)$, equal to `torch.nn.functional.local_response_norm`.

<details><summary>Hint 1: squares first</summary>

Square all of `x` once, in float. Then for each channel $c$ add up a slice of the squares along axis 1. An even size
reaches one further back than forward.
</details>

<details><summary>Hint 2: the slice</summary>

From `max(c - size // 2, 0)` to `c + (size - 1) // 2 + 1`: a negative start would count from the end, but a stop
beyond the end is harmless.
</details>
"""


# %% nbgrader={"grade_id": "local_response_norm", "solution": true}
def local_response_norm(x, size, alpha, beta, k):
    """Divides each channel by the loudness of its neighbours, as torch.nn.functional.local_response_norm.

    x: maps (N, C, H, W), any real type. size: int, how many neighbouring channels, the channel itself included; may
    be even, and larger than C. alpha, beta, k: numbers.
    Returns (N, C, H, W).
    """
    ### BEGIN SOLUTION
    squares = x.astype(float) ** 2
    sums = np.zeros(x.shape)
    for c in range(x.shape[1]):
        neighbours = slice(max(c - size // 2, 0), c + (size - 1) // 2 + 1)
        sums[:, c] = squares[:, neighbours].sum(axis=1)
    return x / (k + alpha / size * sums) ** beta
    ### END SOLUTION


# %% nbgrader={"grade_id": "local_response_norm-examples", "points": 3}
four = np.array([1, 2, 0, 3]).reshape(1, 4, 1, 1)  # one pixel, four channels
portrait = images.astronaut(16, colour=True).transpose(2, 0, 1)[None]

check.examples(
    "local_response_norm",
    local_response_norm,
    # sums of squares 1 + 4, 1 + 4 + 0, 4 + 0 + 9, 0 + 9
    call(four, 3, alpha=3.0, beta=1.0, k=1.0).gives(np.array([1 / 6, 2 / 6, 0, 3 / 10]).reshape(1, 4, 1, 1)),
    # size 2: the channel and the one before it
    call(four, 2, alpha=2.0, beta=1.0, k=1.0).gives(np.array([1 / 2, 2 / 6, 0, 3 / 10]).reshape(1, 4, 1, 1)),
    call(four, 1, alpha=1.0, beta=0.5, k=0.0625).gives(
        np.array([0.9701425, 0.9922779, 0, 0.9965458]).reshape(1, 4, 1, 1)
    ),
    call(100 * portrait, 5, 5e-4, 0.75, 2.0),  # AlexNet's constants; torch is asked
)

# %% nbgrader={"grade_id": "local_response_norm-hidden", "points": 4}
# The hidden tests of `local_response_norm` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8171)
x = 2 * rng.standard_normal((2, 7, 3, 2))
check.hidden(
    "local_response_norm",
    local_response_norm,
    "odd sizes",
    call(x, 3, 1.0, 0.75, 1.0),
    call(x, 5, 2.0, 0.5, 2.0),
    call(x, 1, 1.0, 1.0, 1.0),
    *call(x, 5, 1.0, 0.75, k=2.0).in_every_form(),
)
check.hidden(
    "local_response_norm",
    local_response_norm,
    "even sizes",
    call(x, 2, 1.0, 0.75, 1.0),
    call(x, size=4, alpha=2.0, beta=0.5, k=1.5),
    call(x, 6, 3.0, 0.75, 1.0),
)
check.hidden(
    "local_response_norm",
    local_response_norm,
    "more neighbours than channels",
    call(x[:, :2], 5, 1.0, 0.75, 1.0),
    call(x[:, :3], 8, 1.0, 0.75, 1.0),
    call(x[:, :1], 4, 2.0, 0.75, 1.0),
)
check.hidden(
    "local_response_norm",
    local_response_norm,
    "integers, also bytes",
    call(rng.integers(-5, 6, (1, 4, 2, 3)), 3, 1.0, 0.75, 1.0),
    call(rng.integers(0, 250, (1, 4, 2, 3)).astype(np.uint8), 3, 1e-3, 0.75, 2.0),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** makes detectors compete. Below, the answers of 40 channels at one pixel, before and
after: one channel that stands out keeps more of its height than each of a group that shouts together.
"""

# %% tags=["figure"]
answers = np.full(40, 0.4)
answers[8], answers[24:32] = 5.0, 5.0
after = local_response_norm(answers.reshape(1, 40, 1, 1), 5, 1.0, 0.75, 1.0).ravel()
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.4))
for ax, heights, title in zip(axes, (answers, after), ("before", "after"), strict=True):
    ax.bar(range(40), heights, color=figures.INPUT if title == "before" else figures.OUTPUT)
    ax.set(title=f"{title}: alone {heights[8]:.2f}, inside the group {heights[28]:.2f}", xlabel="channel")
plt.show()

# %% [markdown]
r"""
## Dropout

A network can lean on a few clever units. **Dropout** prevents it: in every training step each value is set to 0 with
probability $p$, so no unit can rely on another's being there. What is kept is divided by $1 - p$:

$$y = \frac{x \cdot \text{mask}}{1 - p}$$

Why? A value survives with probability $1 - p$, so on average $y$ is $(1-p) \cdot \frac{x}{1-p} = x$. Later layers see
the same level in training as in evaluation, where dropout does *nothing at all*. (The first version of dropout scaled
in evaluation instead; torch scales in training, which is called *inverted* dropout.) The average is over all masks
that might have been drawn, so the divisor comes from $p$ and not from this one mask. Backward it is the same
function: the upstream gradient, masked and scaled.

### Exercise 8.18 · `dropout`
●○○○ · 4 min

Return $y$ for a given mask, in which 1 or True means *keep*.

<details><summary>Hint 1</summary>

A bool counts as 0 or 1 in a product. How large does `x` become where it is kept, if three of four values are dropped?
</details>
"""


# %% nbgrader={"grade_id": "dropout", "solution": true}
def dropout(x, p, mask):
    """Inverted dropout with a given mask.

    x: array of any shape and real type. p: the probability of dropping, 0 <= p < 1.
    mask: an array of x's shape, bool or 0 and 1; 1 means keep.
    Returns an array of x's shape.
    """
    ### BEGIN SOLUTION
    return x * mask / (1 - p)
    ### END SOLUTION


# %% nbgrader={"grade_id": "dropout-examples", "points": 2}
check.examples(
    "dropout",
    dropout,
    call(np.array([1, 2, 3, 4]), 0.5, np.array([1, 0, 0, 1])).gives([2, 0, 0, 8]),
    call(np.array([[1.0, 2.0]]), 0.75, np.array([[True, False]])).gives([[4, 0]]),
    call(np.array([1.0, 2.0, 4.0]), 0.2, np.array([True, True, True])).gives([1.25, 2.5, 5]),  # all survived
    call(np.array([1.0, 2.0, 4.0]), 0.0, np.array([True, True, True])).gives([1, 2, 4]),
)

# %% nbgrader={"grade_id": "dropout-hidden", "points": 3}
# The hidden tests of `dropout` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8181)
x, kept_at = rng.standard_normal((3, 4, 5)), rng.random((3, 4, 5)) > 0.4
check.hidden(
    "dropout",
    dropout,
    "masks of bools",
    call(x, 0.4, kept_at),
    call(x[0], p=0.1, mask=kept_at[0]),
    call(x[0, 0], 0.9, ~kept_at[0, 0]),
    call(x, 0.4, np.zeros(x.shape, dtype=bool)),
    *call(x, 0.3, kept_at).in_every_form(),
)
check.hidden(
    "dropout",
    dropout,
    "masks of numbers",
    call(x, 0.4, kept_at.astype(int)),
    call(x, 0.6, kept_at.astype(float)),
    call(x, 0.0, kept_at.astype(np.uint8)),
)
check.hidden(
    "dropout",
    dropout,
    "integers, also bytes",
    call(rng.integers(-9, 10, (4, 5)), 0.3, kept_at[0]),
    call(rng.integers(100, 250, (4, 5)).astype(np.uint8), 0.8, kept_at[1].astype(np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on a photograph, with half of the pixels dropped. One mask leaves noise; the mean of
many is the photograph again, at its own brightness. That is the promise of the divisor.
"""

# %%
rng = np.random.default_rng(7)
photo = images.camera(128)
total, shown = np.zeros(photo.shape), {}
for count in range(1, 401):
    total += dropout(photo, 0.5, rng.random(photo.shape) >= 0.5)
    if count in (1, 10, 100, 400):
        shown[count] = total / count
for count, mean in shown.items():
    off = np.sqrt(np.mean((mean - photo) ** 2))
    print(
        f"mean of {count:3} masks: brightness {mean.mean():.3f} (photograph {photo.mean():.3f}), typical error {off:.3f}"
    )

# %% tags=["figure"]
figures.pictures(
    [photo, shown[1], shown[10], shown[400]], ["photograph", "one mask, p = 0.5", "mean of 10", "mean of 400"]
)
plt.show()

# %% [markdown] nbgrader={"grade_id": "why-two-modes-question", "locked": true}
"""
### Written question 8.19 · why two modes?
●●○○ · 8 min

A colleague has trained a network with batch norm and dropout. It is 97 % right on the validation set. In the finished
program, which gets one photograph at a time, it is much worse, and the same photograph gives another answer each
time. It turns out that the network was left in training mode.

In four to six sentences: what does each of the two layers do wrong here, and which of them explains that answers
*change*? Why do both layers need the other behaviour in training?

<details><summary>Hint 1</summary>

What are mean and variance of a channel, if the batch is a single photograph? And after the last pooling, where each
channel has a single value?
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- Batch norm: in training mode it normalises with the statistics of the current batch, here of one image (over its
  positions only), not with those of the training set; brightness or contrast that is particular to this image is
  removed, so the layers after it see other values than those they were trained on (with one value in a channel the
  variance is 0 or undefined).
- Dropout: units are still dropped at random, so part of the evidence is missing.
- The changing answers come from dropout, which draws a new mask each time; batch norm gives the same answer for the
  same batch (but another one if the image shares a batch with others).
- Why training differs: batch statistics keep activations in a good range while all weights change, and the gradient
  must go through them; running averages would lag behind. Random dropping keeps units from relying on each other. In
  evaluation a fixed, deterministic function of the one image is wanted: running statistics, and no dropping, at the
  same level thanks to the divisor 1 - p.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-two-modes", "solution": true, "points": 8}
"""
Left in training mode, batch norm normalises each channel with the mean and variance of the one photograph, not with
those collected in training: what is special about this photograph, such as its brightness or contrast, is removed,
and the later layers get values of a kind that they were not trained on. Dropout still sets random units to 0, so part
of the evidence is missing. It is dropout that makes the answers change, since it draws a new mask for every call;
batch norm alone would repeat its answer for the same batch, though it would change it if other photographs came
along. In training both are wanted: all weights change all the time, so only the current batch knows the current
statistics, and the gradient must take into account that they depend on the inputs; and random dropping keeps units
from relying on one another. In evaluation we want one fixed function of one image: the running statistics, and no
dropping, at the same level on average because training divided by 1 - p.
"""

# %% [markdown]
r"""
## Find the error in the lecture

A lecture on layers prints these two formulas:

$$\textbf{PReLU:}\quad f(x) = \max(a x,\, x) \qquad\qquad \textbf{batch norm:}\quad \hat x^{(k)} = \frac{x^{(k)} - \mathrm{E}[x^{(k)}]}{\sqrt{\operatorname{Var}[x^{(k)}]}}$$

with mean and variance "over the batch".

Both are right in some cases only. Which cases are missing? One of the formulas has two gaps.

<details><summary>Answer</summary>

*PReLU:* $a$ is learned, and nothing keeps it below 1. For $a > 1$ and negative $x$, $ax$ is the *smaller* of the two,
and for positive $x$ the larger one: the maximum puts the slope on the wrong side. The definition by cases, or
$\max(x, 0) + a \min(x, 0)$, is right for every $a$.

*Batch norm:* there is no $\varepsilon$ under the root, so a constant channel gives 0 / 0. And in a convolutional
network mean and variance run over samples *and positions*. Over the batch alone, a batch of one image would have
variance 0 everywhere, and every pixel would have statistics of its own: the layer would no longer treat a pattern
alike wherever it occurs. In numpy you would notice:
</details>
"""

# %%
z = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
print("a = 2, by cases: ", prelu(z, 2.0))
print("a = 2, max(ax, x):", np.maximum(2.0 * z, z))

channel = np.full((4, 1, 2, 2), 3.0)
with np.errstate(invalid="ignore"):
    print("constant channel without epsilon:", ((channel - channel.mean()) / channel.std()).ravel()[:3])
print(
    "constant channel with epsilon:   ",
    batch_norm2d(channel, *np.array([[1.0], [0], [0], [1]]), True)[0].ravel()[:3],
)
print("one photograph, variance over the batch alone:", photo[None].var(axis=0).max())

# %% [markdown]
r"""
## Summary

- Without a bend between them, linear layers collapse into one. Backward, an activation multiplies by its slope;
  slopes below 1 vanish with depth.
- Subtract the row's maximum before you exponentiate, and take logarithms on paper. The gradient of softmax with
  cross-entropy is *what you said minus what you should have said*, over $N$.
- A gradient has the shape of what it belongs to, and sums over the batch.
- He's initialisation, standard deviation $\sqrt{2/\text{fan-in}}$, keeps the spread through any number of ReLU
  layers; a factor $c$ too much is $c^L$ after $L$ of them.
- Batch norm: per channel, over samples *and* positions, $\varepsilon$ inside the root; biased variance in $y$,
  unbiased in the running average; batch statistics in training, running ones in evaluation. Backward, three paths.
- Local response norm makes channels compete. Dropout drops at random in training, divides by $1 - p$, and does
  nothing in evaluation.

**Read on:** Ioffe and Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift* (2015), and Santurkar and others, *How Does Batch Normalization Help Optimization?* (2018), which
doubts that title; He and others, *Delving Deep into Rectifiers* (2015), for PReLU and the initialisation; Srivastava
and others, *Dropout* (2014); Goodfellow, Bengio and Courville, *Deep Learning*, sections 6.2, 7.12 and 8.7.1. Next,
all layers come together: [chapter 9](../ch09_architectures/architectures.ipynb).
"""
