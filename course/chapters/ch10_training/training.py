# %% [markdown]
"""
# 10 · Your own layers learn to read

**After this chapter you can** compose a convolutional network of your own layers, send gradients back through all of it,
update its weights as torch's SGD does, and train it, in seconds and in nothing but numpy, until it reads more than 97 of 100
handwritten digits that it has never seen. You will also know how to tell a healthy training run from a sick one, and what
a test score does and does not promise.

**You need** chapters 6 and 8, where you built these layers and their gradients. **Time:** about 115 minutes.

As always: no torch, scipy, `np.convolve` or `np.correlate` in your answers; everything else in numpy is yours.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import functools
import itertools
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, call, figures, images

check = Checks("ch10_training")
figures.use_style()

# %% [markdown]
r"""
## The pieces

You have built all of these in chapters 2 to 8. Here they are again, short and fast, so that this chapter can be about
putting them together. Convolutions are $3\times3$ with stride 1 and padding 1, as one matrix product (`windows` is
chapter 2's im2col); pools are $2\times2$. Two things are worth a second look:

- `conv_backward` computes the gradient of its *input* with `conv` itself: kernels rotated by 180°, channels exchanged. That is
  chapter 6 in one line.
- ReLU has no backward function here. It needs a single expression, and you will write it where it belongs.
"""


# %% nbgrader={"grade_id": "pieces", "locked": true} tags=["setup"]
def windows(x):
    """All 3 x 3 windows of x (N, C, H, W), zero padding 1, as columns (N, C*9, H*W)."""
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return views.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * 9, H * W)


def conv(x, w, b):
    """x (N, C, H, W), w (D, C, 3, 3), b (D,) -> (N, D, H, W)."""
    N, _, H, W = x.shape
    return (w.reshape(len(w), -1) @ windows(x)).reshape(N, len(w), H, W) + b[:, None, None]


def conv_backward(x, w, grad):
    """x and w as they went into conv, grad (N, D, H, W) -> the gradients of x, w and b."""
    grad_w = (grad.reshape(*grad.shape[:2], -1) @ windows(x).transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
    rotated = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    return conv(grad, rotated, np.zeros(w.shape[1])), grad_w, grad.sum(axis=(0, 2, 3))


def relu(x):
    return np.maximum(x, 0)


def corners(x):
    """Views of the four corners of all 2 x 2 windows; an odd last row or column is left out."""
    H, W = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    return [x[:, :, i:H:2, j:W:2] for i in (0, 1) for j in (0, 1)]


def max_pool(x):
    """(N, C, H, W) -> (N, C, H // 2, W // 2)."""
    return np.max(corners(x), axis=0)


def max_pool_backward(x, grad):
    """x as it went into max_pool, grad (N, C, H // 2, W // 2) -> the gradient of x; a tie goes to the first."""
    grad_x, largest = np.zeros(x.shape), max_pool(x)
    free = np.ones(largest.shape, dtype=bool)
    for corner, grad_corner in zip(corners(x), corners(grad_x), strict=True):
        hit = free & (corner == largest)
        grad_corner[...] = grad * hit
        free &= ~hit
    return grad_x


def linear(x, w, b):
    """x (N, n_in), w (n_out, n_in), b (n_out,) -> (N, n_out)."""
    return x @ w.T + b


def linear_backward(x, w, grad):
    """x and w as they went into linear, grad (N, n_out) -> the gradients of x, w and b."""
    return grad @ w, grad.T @ x, grad.sum(axis=0)


def cross_entropy(scores, labels):
    """scores (N, K) before softmax, labels (N,) ints -> the mean loss, and its gradient (N, K)."""
    z = scores - scores.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), grad / len(labels)


def he_init(shape, rng):
    """Normal numbers with standard deviation sqrt(2 / fan-in)."""
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))


def init_params(rng, channels=(8, 16), image=(8, 8), classes=10):
    """A fresh network: he_init, the last layer a hundredth of it, and biases of zero."""
    c1, c2 = channels
    features = c2 * (image[0] // 2) * (image[1] // 2)
    return {
        "conv1.w": he_init((c1, 1, 3, 3), rng),
        "conv1.b": np.zeros(c1),
        "conv2.w": he_init((c2, c1, 3, 3), rng),
        "conv2.b": np.zeros(c2),
        "fc.w": 0.01 * he_init((classes, features), rng),
        "fc.b": np.zeros(classes),
    }


# %% [markdown]
r"""
And here is what it shall learn to read: 1797 digits of $8\times8$ pixels, written by people on paper forms. A random third is
put aside at once. The network will never train on it, and only that third can tell how well it reads.
"""

# %% nbgrader={"grade_id": "digits", "locked": true} tags=["setup"]
pictures, y = images.digits()
x = pictures[:, None]  # (N, 1, 8, 8): one channel
shuffled = np.random.default_rng(10).permutation(len(x))
held_out, training = shuffled[:599], shuffled[599:]

# %%
print(f"{len(training)} digits to train on, {len(held_out)} held out")
figures.pictures(x[training[:16], 0], [str(label) for label in y[training[:16]]], columns=8)

# %% [markdown]
"""
## Forward, and a note on the way

A network is a function of an image *and* of its parameters. We keep the parameters in a dict of arrays, and write the network as
a plain function of both. One thing is new: the gradients on the way back need arrays from the way forward (chapter 6: the
gradient of the weights is made of the *input*). So `forward` also returns a **cache**, a note to itself: whatever
`backward` will want to know, in any form it likes.

Here is the pattern, complete, for a network without any convolution, a **multilayer perceptron** (MLP):
"""


# %%
def mlp_forward(params, x):
    """Flatten, linear, ReLU, linear -> scores (N, K), and what mlp_backward wants to know."""
    flat = x.reshape(len(x), -1)
    hidden = relu(linear(flat, params["hidden.w"], params["hidden.b"]))
    return linear(hidden, params["out.w"], params["out.b"]), (x.shape, flat, hidden)


def mlp_backward(params, cache, grad):
    """grad = dL/dscores -> the gradients of the params, by name, and the gradient of x."""
    shape, flat, hidden = cache
    grads = {}
    grad, grads["out.w"], grads["out.b"] = linear_backward(hidden, params["out.w"], grad)
    grad = grad * (hidden > 0)
    grad, grads["hidden.w"], grads["hidden.b"] = linear_backward(flat, params["hidden.w"], grad)
    return grads, grad.reshape(shape)


# %% [markdown]
r"""
Read `mlp_backward` from top to bottom: it undoes `mlp_forward` from bottom to top. At every line, `grad` is $\partial L/\partial$ of
what `mlp_forward` had at that point, and has its shape. A layer turns the gradient of its output into the gradient of its input, and,
in passing, into those of its weights. That is the chain rule, and the whole of backpropagation.

Now the network of this chapter:
"""

# %% tags=["figure"]
stages = [
    ("x", (1, 8, 8)),
    ("conv1\n+ relu", (8, 8, 8)),
    ("conv2\n+ relu", (16, 8, 8)),
    ("max pool\n2 × 2", (16, 4, 4)),
    ("flatten", (256,)),
    ("fc", (10,)),
]
fig, ax = plt.subplots(figsize=(8.6, 2.9))
for i, (name, shape) in enumerate(stages):
    depth, height = (shape[0], 0.22 * shape[1]) if len(shape) == 3 else (1, 0.0075 * shape[0] + 0.35)
    layers = min(depth, 5)
    colour = figures.INPUT if i == 0 else figures.OUTPUT if i == len(stages) - 1 else figures.KERNEL
    for k in range(layers):
        shift = 0.07 * (layers - 1 - k)
        width = height * 0.45 if len(shape) == 3 else 0.16
        ax.add_patch(
            plt.Rectangle(
                (1.9 * i + shift - width / 2, -height / 2 + shift),
                width,
                height,
                fc=figures.tint(colour, 0.3),
                ec=colour,
                lw=1,
            )
        )
    ax.text(1.9 * i + 0.1, -1.45, name, ha="center", va="center", linespacing=1.2)
    ax.text(
        1.9 * i + 0.1, -1.95, "(" + ", ".join(map(str, shape)) + ")", ha="center", va="center", fontsize=10
    )
    if i:
        ax.annotate(
            "",
            xy=(1.9 * i - 0.62, 0.25),
            xytext=(1.9 * i - 1.2, 0.25),
            arrowprops={"arrowstyle": "->", "color": figures.INK},
        )
        ax.annotate(
            "",
            xy=(1.9 * i - 1.2, -0.25),
            xytext=(1.9 * i - 0.62, -0.25),
            arrowprops={"arrowstyle": "->", "color": figures.WRONG},
        )
ax.text(0.95, 1.55, "forward: values", ha="left", color=figures.INK)
ax.text(4.2, 1.55, "backward: gradients, in the same shapes", ha="left", color=figures.WRONG)
ax.set(xlim=(-0.9, 10.6), ylim=(-2.2, 1.9))
ax.set_axis_off()
plt.show()
fresh = init_params(np.random.default_rng(0))
for name, array in fresh.items():
    print(f"{name:<8} {array.shape!s:<14} {array.size:>5}")
print(sum(array.size for array in fresh.values()), "parameters")

# %% [markdown]
r"""
The worked examples below use a network so small that you can follow it by eye, on images of $4\times4$. Its kernels copy: one number in the middle, zeros
around it. conv1 subtracts 1 by its bias, conv2 doubles. The last layer reads two scores off the four pooled numbers: the one at the top left; and the sum of the two on
the right, plus 10.
"""

# %% nbgrader={"grade_id": "tiny", "locked": true} tags=["setup"]
copy = np.zeros((1, 1, 3, 3))
copy[0, 0, 1, 1] = 1
tiny = {
    "conv1.w": copy,
    "conv1.b": np.array([-1.0]),
    "conv2.w": 2 * copy,
    "conv2.b": np.array([0.0]),
    "fc.w": np.array([[1.0, 0, 0, 0], [0, 1, 0, 1]]),  # score 0 looks top left, score 1 on the right
    "fc.b": np.array([0.0, 10.0]),
}
small_image = np.array([[[[1, 2, 0, 1], [3, 1, 1, 0], [0, 0, 2, 2], [1, 0, 1, 4]]]])

# %% tags=["figure"]
steps = [
    ("x", small_image[0, 0], figures.INPUT),
    ("relu(x − 1)", [[0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 3]], figures.KERNEL),
    ("doubled, relu", [[0, 2, 0, 0], [4, 0, 0, 0], [0, 0, 2, 2], [0, 0, 0, 6]], figures.KERNEL),
    ("max pool", [[4, 0], [0, 6]], figures.KERNEL),
    ("scores", [[4, 16]], figures.OUTPUT),
]
fig, axes = plt.subplots(1, 5, figsize=(8.6, 2.1), width_ratios=[4, 4, 4, 2.4, 2.4])
for ax, (name, values, colour) in zip(axes, steps, strict=True):
    values = np.array(values)
    rows, columns = values.shape
    for (i, j), value in np.ndenumerate(values):
        ax.add_patch(
            plt.Rectangle((j, i), 1, 1, fc=figures.tint(colour, 0.35 if value else 0.06), ec=figures.LINE)
        )
        ax.text(j + 0.5, i + 0.5, value, ha="center", va="center")
    top = (4 - rows) / 2
    ax.set(xlim=(-0.05, columns + 0.05), ylim=(4.05 - top, -0.05 - top), aspect="equal", title=name)
    ax.set_axis_off()
plt.show()

# %% [markdown]
r"""
### Exercise 10.1 · `forward`
●●○○ · 15 min

Compute the scores of a batch of images: conv1, ReLU, conv2, ReLU, $2\times2$ max pool, flatten, fc. No softmax: `cross_entropy`
brings its own. Return `(scores, cache)`; the cache is your own business, so decide what goes in when you write `backward`, and
come back here. Take all sizes from `params` and `x`: the tests bring other images than $8\times8$, with odd sides, too.

<details><summary>Hint 1: layer by layer</summary>

Seven lines, each of which takes what the line before it made. Give every result a name of its own; you will be glad of them in `backward`.
</details>

<details><summary>Hint 2: flatten</summary>

`(N, C, h, w)` becomes `(N, C*h*w)`, row by row as torch does it. With `reshape`, the second size may be `-1`.
</details>

<details><summary>Hint 3: what to note down</summary>

Look at which arguments `conv_backward`, `max_pool_backward` and `linear_backward` want: the input that each layer had. And the
ReLUs want to know where they were on.
</details>
"""


# %% nbgrader={"grade_id": "forward", "solution": true}
def forward(params, x):
    """The scores of a batch of images.

    params: dict of arrays "conv1.w" (C1, 1, 3, 3), "conv1.b" (C1,), "conv2.w" (C2, C1, 3, 3), "conv2.b" (C2,),
    "fc.w" (K, C2 * (H//2) * (W//2)), "fc.b" (K,). x: (N, 1, H, W), H and W at least 2, any real type.
    Returns (scores, cache): scores (N, K) before softmax; cache: whatever your backward needs.
    """
    ### BEGIN SOLUTION
    a1 = relu(conv(x, params["conv1.w"], params["conv1.b"]))
    a2 = relu(conv(a1, params["conv2.w"], params["conv2.b"]))
    flat = max_pool(a2).reshape(len(x), -1)
    scores = linear(flat, params["fc.w"], params["fc.b"])
    return scores, (x, a1, a2, flat)
    ### END SOLUTION


# %% nbgrader={"grade_id": "forward-examples", "points": 8}
check.examples(
    "forward",
    forward,
    call(tiny, small_image).gives([[4, 16]]),  # 4 at the top left; 0 + 6 on the right, and the bias 10
    call(tiny, np.concatenate([small_image, 0 * small_image])).gives([[4, 16], [0, 10]]),  # two images
    call(tiny | {"conv2.b": np.array([-5.0])}, small_image).gives([[0, 11]]),
    call(init_params(np.random.default_rng(1)), x[:3]),
    call(init_params(np.random.default_rng(2), channels=(2, 3), image=(5, 7), classes=4), x[:2, :, :5, :7]),
)

# %% nbgrader={"grade_id": "forward-hidden", "points": 5}
# The hidden tests of `forward` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10011)


def _network(channels, image, classes):
    drawn = init_params(rng, channels, image, classes)
    return {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}


params = _network((2, 3), (4, 6), 5)
check.hidden(
    "forward",
    forward,
    "random networks and images",
    call(params, rng.standard_normal((3, 1, 4, 6))),
    call(params, rng.standard_normal((1, 1, 4, 6))),
    call(_network((8, 16), (8, 8), 10), rng.standard_normal((2, 1, 8, 8))),
    call(params=_network((3, 1), (2, 8), 2), x=rng.standard_normal((2, 1, 2, 8))),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "forward-hidden-odd", "points": 3}
# Images with an odd height or width, of which the pool leaves out the last row or column.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10012)


def _network(channels, image, classes):
    drawn = init_params(rng, channels, image, classes)
    return {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}


check.hidden(
    "forward",
    forward,
    "odd heights and widths",
    call(_network((2, 2), (5, 6), 3), rng.standard_normal((2, 1, 5, 6))),
    call(_network((2, 3), (4, 7), 3), rng.standard_normal((3, 1, 4, 7))),
    call(_network((1, 2), (3, 3), 2), rng.standard_normal((2, 1, 3, 3))),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "forward-hidden-forms", "points": 4}
# Integers, float32 and read-only arrays.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10013)
drawn = init_params(rng, (2, 3), (4, 6), 4)
params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
check.hidden(
    "forward",
    forward,
    "read-only arrays, views and float32",
    *call(params, rng.standard_normal((2, 1, 4, 6))).in_every_form(),
)
check.hidden(
    "forward",
    forward,
    "images of integers",
    call(params, rng.integers(0, 17, (2, 1, 4, 6))),
    call(params, rng.integers(0, 256, (3, 1, 4, 6)).astype(np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** has an opinion already, without having learned anything. What should it be? None: all ten digits equally
likely, each with probability $\tfrac1{10}$, so that the loss is $-\log \tfrac1{10} = \log 10 = 2.303$. A start far from that is the first
thing to check in any training run. It means a bug, or a last layer that shouts before it knows anything.

That is why `init_params` makes the last layer a hundredth of what `he_init` says. If the scores of an image spread around their mean
with variance $\sigma^2$, the mean loss over all labels is about $\log K + \tfrac12\sigma^2$ while $\sigma$ is small: noise in the scores costs, and buys nothing.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7.5, 3))
spans = {}
for factor, colour, name in ((100, figures.WRONG, "he_init"), (1, figures.OUTPUT, "a hundredth of it")):
    variances, starts = [], []
    for seed in range(30):
        params = init_params(np.random.default_rng(seed))
        scores, _ = forward(params | {"fc.w": factor * params["fc.w"]}, x[training[:300]])
        variances.append(scores.var(axis=1).mean())
        starts.append(cross_entropy(scores, y[training[:300]])[0])
    ax.plot(variances, starts, "o", color=colour, label=f"last layer: {name}", alpha=0.8, mew=0)
    spans[name] = f"{min(starts):.3f} to {max(starts):.3f}"
line = np.array([0, 1.5])
ax.plot(line, np.log(10) + line / 2, color=figures.FAINT, lw=1, label=r"$\log 10 + \sigma^2/2$")
ax.set(xlabel=r"variance $\sigma^2$ of the ten scores of an image", ylabel="initial loss", xlim=(-0.05, None))
ax.legend(loc="upper left")
plt.show()
for name, span in spans.items():
    print(f"initial loss over 30 seeds, last layer {name}: {span}")

# %% [markdown]
r"""
## Backward: the chain rule, all the way

You have every piece: each layer's own gradients, and the pattern of `mlp_backward`. What is left is to put them in the right order, with
the right input for each. Every function turns a gradient in the shape of its output into one in the shape of its input:

| way forward, from top to bottom | way back, from bottom to top |
|---|---|
| `x` | $\partial L/\partial x$ |
| conv1 | `conv_backward`, and the gradients of conv1 |
| ReLU | ? |
| conv2 | `conv_backward`, and the gradients of conv2 |
| ReLU | ? |
| max pool | `max_pool_backward` |
| flatten | back to the shape of the pooled maps |
| fc | `linear_backward`, and the gradients of fc |
| scores | `grad` $= \partial L/\partial\,$scores comes in here |

For the tiny network above, and a gradient of $(1, -2)$ that comes in at the scores, it looks like this. Each number says what the loss would do if
that value grew: follow the 1 and the $-2$ back, through the corners that won in the pool, doubled by conv2, to the pixels.
"""

# %% tags=["figure"]
back = [
    ("at x", [[0, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, -4]]),
    ("at relu(x − 1)", [[0, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, -4]]),
    ("before the pool", [[0, 0, -2, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, -2]]),
    ("at the pool", [[1, -2], [0, -2]]),
    ("at the scores", [[1, -2]]),
]
fig, axes = plt.subplots(1, 5, figsize=(8.6, 2.1), width_ratios=[4, 4, 4, 2.4, 2.4])
for ax, (name, values) in zip(axes, back, strict=True):
    values = np.array(values)
    rows, columns = values.shape
    for (i, j), value in np.ndenumerate(values):
        colour = figures.KERNEL if value > 0 else figures.INPUT
        ax.add_patch(
            plt.Rectangle((j, i), 1, 1, fc=figures.tint(colour, 0.35 if value else 0.03), ec=figures.LINE)
        )
        ax.text(j + 0.5, i + 0.5, figures.number(value), ha="center", va="center")
    top = (4 - rows) / 2
    ax.set(xlim=(-0.05, columns + 0.05), ylim=(4.05 - top, -0.05 - top), aspect="equal", title=name)
    ax.set_axis_off()
plt.show()

# %% [markdown]
"""
The $-2$ at the top right reaches the pool and goes no further. Its window was all zeros, so it lands on the first of them, and there
the ReLU was off: if the input of that ReLU grew a little, its output would still be 0.

### Exercise 10.2 · `backward`
●●●○ · 30 min

Return `(grads, grad_x)`: the gradients of all parameters, in a dict with the keys and shapes of `params`, and the gradient of the
images, in the shape of `x` (chapter 11 will look at it). Sum over the batch: the $1/N$ of the mean is in `grad` already. The
slope of ReLU at exactly 0 is 0. Start from an empty dict on every call, and leave the cache as it is: it may be used twice.

The tests run *your* `forward` and hand its cache to *your* `backward`. They never look inside it. Their messages name the `x` that
went in, and with `of=` the one result that is compared; each layer earns its own marks, so begin with `fc` and work backwards.

<details><summary>Hint 1: what ReLU does to a gradient</summary>

Where ReLU's output is positive, it passed its input on, and its slope is 1. Elsewhere its slope is 0. Multiply by that.
</details>

<details><summary>Hint 2: undoing flatten</summary>

Flatten only changes the shape, so on the way back it only changes the shape: to `(N, C2, H // 2, W // 2)`, that of the maps after the pool.
</details>

<details><summary>Hint 3: nearly the answer</summary>

```python
grad, grads["fc.w"], grads["fc.b"] = linear_backward(flat, params["fc.w"], grad)
grad = max_pool_backward(..., grad.reshape(...))
grad = grad * (...)
grad, grads["conv2.w"], grads["conv2.b"] = conv_backward(...)
```

and the same once more for the first layer.
</details>
"""


# %% nbgrader={"grade_id": "backward", "solution": true}
def backward(params, cache, grad):
    """The gradients of the loss, from that of the scores.

    params: as in forward. cache: what your forward returned; it may be used again. grad: (N, K) = dL/dscores.
    Returns (grads, grad_x): a dict with the keys and shapes of params, and an array of the shape of x.
    """
    ### BEGIN SOLUTION
    x, a1, a2, flat = cache
    grads = {}
    grad, grads["fc.w"], grads["fc.b"] = linear_backward(flat, params["fc.w"], grad)
    N, C, H, W = a2.shape
    grad = max_pool_backward(a2, grad.reshape(N, C, H // 2, W // 2))
    grad = grad * (a2 > 0)
    grad, grads["conv2.w"], grads["conv2.b"] = conv_backward(a1, params["conv2.w"], grad)
    grad = grad * (a1 > 0)
    grad, grads["conv1.w"], grads["conv1.b"] = conv_backward(x, params["conv1.w"], grad)
    return grads, grad
    ### END SOLUTION


# %% nbgrader={"grade_id": "backward-examples", "points": 12}
@functools.wraps(backward)
def there_and_back(params, x, grad, of=None):
    """Your forward, then your backward, twice with one cache; `of` says which of the results is wanted."""
    cache = forward(params, x)[1]
    backward(params, cache, 2 * grad)
    result = backward(params, cache, grad)
    return result if of is None else result[1] if of == "x" else result[0][of]


up = np.array([[1, -2]])
check.examples(
    "backward",
    there_and_back,
    call(tiny, small_image, up, of="fc.b").gives([1, -2]),
    call(tiny, small_image, up, of="fc.w").gives([[4, 0, 0, 6], [-8, 0, 0, -12]]),
    call(tiny, small_image, up, of="conv2.b").gives([-1]),  # 1 - 2, and nothing from the window of zeros
    call(tiny, small_image, up, of="conv2.w").gives([[[[-2, -2, 1], [0, -4, 0], [0, 0, 0]]]]),
    call(tiny, small_image, up, of="conv1.b").gives([-2]),
    call(tiny, small_image, up, of="conv1.w").gives([[[[-8, -6, 4], [-4, -10, 2], [0, 0, 0]]]]),
    call(tiny, small_image, up, of="x").gives([[[[0, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, -4]]]]),
    call(init_params(np.random.default_rng(3), (2, 3), (5, 6), 4), x[:2, :, :5, :6], np.eye(4)[:2] - 0.25),
)

# %% nbgrader={"grade_id": "backward-hidden-fc", "points": 3}
# The hidden tests of `backward`, layer by layer, on the way back: first fc.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10021)


@functools.wraps(backward)
def there_and_back(params, x, grad, of=None):
    result = backward(params, forward(params, x)[1], grad)
    return result if of is None else result[1] if of == "x" else result[0][of]


def _task(n, channels, image, classes):
    drawn = init_params(rng, channels, image, classes)
    params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
    return params, rng.standard_normal((n, 1, *image)), rng.standard_normal((n, classes))


one, two = _task(3, (2, 3), (4, 6), 4), _task(2, (3, 2), (5, 7), 3)
check.hidden(
    "backward",
    there_and_back,
    "the weights and biases of fc",
    *[call(*arrays, of=name) for arrays in (one, two) for name in ("fc.w", "fc.b")],
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "backward-hidden-conv2", "points": 4}
# Then conv2, behind the pool and a ReLU.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10022)


@functools.wraps(backward)
def there_and_back(params, x, grad, of=None):
    result = backward(params, forward(params, x)[1], grad)
    return result if of is None else result[1] if of == "x" else result[0][of]


def _task(n, channels, image, classes):
    drawn = init_params(rng, channels, image, classes)
    params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
    return params, rng.standard_normal((n, 1, *image)), rng.standard_normal((n, classes))


one, two = _task(3, (2, 3), (4, 6), 4), _task(2, (3, 2), (5, 7), 3)
check.hidden(
    "backward",
    there_and_back,
    "the weights and biases of conv2",
    *[call(*arrays, of=name) for arrays in (one, two) for name in ("conv2.b", "conv2.w")],
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "backward-hidden-conv1", "points": 4}
# Then conv1, behind another ReLU.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10023)


@functools.wraps(backward)
def there_and_back(params, x, grad, of=None):
    result = backward(params, forward(params, x)[1], grad)
    return result if of is None else result[1] if of == "x" else result[0][of]


def _task(n, channels, image, classes):
    drawn = init_params(rng, channels, image, classes)
    params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
    return params, rng.standard_normal((n, 1, *image)), rng.standard_normal((n, classes))


one, two = _task(3, (2, 3), (4, 6), 4), _task(2, (3, 2), (5, 7), 3)
check.hidden(
    "backward",
    there_and_back,
    "the weights and biases of conv1",
    *[call(*arrays, of=name) for arrays in (one, two) for name in ("conv1.b", "conv1.w")],
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "backward-hidden-input", "points": 3}
# And the images themselves, all together, in every form.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10024)


@functools.wraps(backward)
def there_and_back(params, x, grad, of=None):
    result = backward(params, forward(params, x)[1], grad)
    return result if of is None else result[1] if of == "x" else result[0][of]


def _task(n, channels, image, classes):
    drawn = init_params(rng, channels, image, classes)
    params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
    return params, rng.standard_normal((n, 1, *image)), rng.standard_normal((n, classes))


one, two = _task(3, (2, 3), (4, 6), 4), _task(1, (3, 2), (5, 7), 3)
check.hidden("backward", there_and_back, "the gradient of the images", call(*one, of="x"), call(*two, of="x"))
check.hidden(
    "backward",
    there_and_back,
    "all gradients together, of read-only arrays, views and float32",
    call(*one),
    call(*_task(2, (8, 16), (8, 8), 10)),
    *call(*two).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "backward-hidden-ties", "points": 2}
# Zeros before the ReLUs and ties in the pool.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10025)


@functools.wraps(backward)
def there_and_back(params, x, grad, of=None):
    result = backward(params, forward(params, x)[1], grad)
    return result if of is None else result[1] if of == "x" else result[0][of]


def _whole_task(n, image):
    drawn = init_params(rng, (2, 3), image, 3)
    params = {name: rng.integers(-1, 2, array.shape).astype(float) for name, array in drawn.items()}
    return params, rng.integers(-1, 2, (n, 1, *image)), rng.integers(-2, 3, (n, 3)).astype(float)


check.hidden(
    "backward",
    there_and_back,
    "small integers: the slope of ReLU at 0, and equal maxima in the pool",
    call(*_whole_task(3, (4, 6))),
    call(*_whole_task(2, (6, 5))),
    call(*_whole_task(2, (4, 4))),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "backward-hidden-cache", "points": 2}
# The cache belongs to its own call of forward, and may be used again.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10026)


@functools.wraps(backward)
def second_time(params, x, grad, of=None):
    cache = forward(params, x)[1]
    backward(params, cache, 3 * grad)
    backward(params, cache, -grad)
    result = backward(params, cache, grad)
    return result if of is None else result[1] if of == "x" else result[0][of]


@functools.wraps(backward)
def first_of_two(params, x, grad, of=None):
    cache = forward(params, x)[1]
    forward(params, x[::-1] - 1)
    result = backward(params, cache, grad)
    return result if of is None else result[1] if of == "x" else result[0][of]


def _task(n, channels, image, classes):
    drawn = init_params(rng, channels, image, classes)
    params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
    return params, rng.standard_normal((n, 1, *image)), rng.standard_normal((n, classes))


one = _task(3, (2, 3), (4, 6), 4)
check.hidden("backward", second_time, "a cache that is used three times", call(*one))
check.hidden("backward", first_of_two, "the cache of a forward with another forward after it", call(*one))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** deserves the oldest test there is: wiggle a parameter, and see what the loss does. The numerical gradient
of chapter 6 needs two forward passes for every single number; yours gets all 3818 of them in one pass back.
"""

# %%
params = init_params(np.random.default_rng(4))
batch, labels = x[training[:20]], y[training[:20]]
scores, cache = forward(params, batch)
grads, grad_x = backward(params, cache, cross_entropy(scores, labels)[1])
print("                      backward    wiggled")
for name, g in reversed(grads.items()):
    index = np.unravel_index(np.abs(g).argmax(), g.shape)  # where the gradient is largest
    losses = []
    for wiggle in (1e-5, -1e-5):
        nudged = params[name].copy()
        nudged[index] += wiggle
        losses.append(cross_entropy(forward(params | {name: nudged}, batch)[0], labels)[0])
    spot = f"{name}[{', '.join(map(str, index))}]"
    print(f"{spot:<20} {g[index]:>9.6f}  {(losses[0] - losses[1]) / 2e-5:>9.6f}")

# %% [markdown]
r"""
## The step

The gradient says in which direction the loss grows fastest, so a step against it makes the loss smaller. **Stochastic** gradient
descent (SGD) takes that gradient from a small batch of images: a rough estimate, but hundreds of steps for the price of one exact one.
Two additions make it work well:

- **Momentum.** Steps zigzag across narrow valleys. So let a **velocity** $v$ remember the gradients, and step along the velocity:
  what points to and fro cancels, what keeps pointing one way adds up. Under a constant gradient $g$ the velocity grows towards
  $g\,(1 + m + m^2 + \dots) = g/(1-m)$: with $m = 0.9$, steps become ten times as long.
- **Weight decay.** A pull towards 0 on every parameter $p$, the stronger, the larger $p$ is: $\lambda\, p$, the gradient of a penalty $\tfrac{\lambda}{2} p^2$ on the loss.

In the order and with the signs of `torch.optim.SGD`, for every array $p$ with gradient $\partial L/\partial p$:

$$g = \frac{\partial L}{\partial p} + \lambda\, p \qquad\qquad v \leftarrow m\, v + g \qquad\qquad p \leftarrow p - \mathrm{lr}\cdot v$$

with $v = 0$ before the first step.

### Exercise 10.3 · `sgd_step`
●●○○ · 15 min

Take one step. Parameters and gradients are dicts with the same keys; `state` holds the velocity of each array under the same keys, and is
`{}` before the first step. Return new parameters and the new state, both as new dicts of new arrays: what came in stays as it was.
Weight decay acts on all arrays, on biases as well. (Any keys will do, not just those of our network.)

<details><summary>Hint 1: one array</summary>

Write the three formulas for one array first, three lines; then put them in a loop over the names.
</details>

<details><summary>Hint 2: the first step</summary>

`state.get(name, 0)` is the velocity where there is one, and 0 before the first step.
</details>

<details><summary>Hint 3: new arrays</summary>

`p -= lr * v` changes the caller's array in place. `p - lr * v` makes a new one.
</details>
"""


# %% nbgrader={"grade_id": "sgd_step", "solution": true}
def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """One step of SGD, as torch.optim.SGD takes it.

    params, grads: dicts of arrays with the same keys. state: {} before the first step, later what the step before returned.
    lr, momentum, weight_decay: numbers.
    Returns (new_params, new_state), dicts of new arrays with the keys of params; new_state holds the velocities v,
    also with momentum 0. Leaves what came in as it is.
    """
    ### BEGIN SOLUTION
    new_params, new_state = {}, {}
    for name, p in params.items():
        g = grads[name] + weight_decay * p
        v = momentum * state.get(name, 0) + g
        new_params[name] = p - lr * v
        new_state[name] = v
    return new_params, new_state
    ### END SOLUTION


# %% nbgrader={"grade_id": "sgd_step-examples", "points": 6}
p, g = {"w": np.array([1.0, 2.0])}, {"w": np.array([1.0, -1.0])}

check.examples(
    "sgd_step",
    sgd_step,
    call(p, g, {}, 0.5).gives(({"w": [0.5, 2.5]}, {"w": [1, -1]})),
    call(p, g, {}, 0.5, momentum=0.9).gives(({"w": [0.5, 2.5]}, {"w": [1, -1]})),  # the first step: v = g
    call(p, g, {"w": np.array([1.0, -1.0])}, 0.5, momentum=0.9).gives(
        ({"w": [0.05, 2.95]}, {"w": [1.9, -1.9]})
    ),
    call(p, g, {}, 0.5, weight_decay=0.1).gives(({"w": [0.45, 2.4]}, {"w": [1.1, -0.8]})),
    call({"b": np.array([10.0])}, {"b": np.array([0.0])}, {}, 1.0, 0.0, 0.01).gives(
        ({"b": [9.9]}, {"b": [0.1]})
    ),
)

# %% nbgrader={"grade_id": "sgd_step-hidden", "points": 3}
# The hidden tests of `sgd_step` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10031)
p, g = ({"a.w": rng.standard_normal((2, 3)), "a.b": rng.standard_normal(2)} for _ in range(2))
check.hidden(
    "sgd_step",
    sgd_step,
    "plain steps",
    call(p, g, {}, 0.1),
    call(params=p, grads=g, state={}, lr=2.0),
    *call(p, g, {}, 0.3).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "sgd_step-hidden-momentum", "points": 4}
# Momentum, with and without a velocity from before.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10032)
p, g, v = ({"a.w": rng.standard_normal((2, 1, 3)), "a.b": rng.standard_normal(2)} for _ in range(3))
check.hidden(
    "sgd_step",
    sgd_step,
    "momentum",
    call(p, g, {}, 0.1, 0.9),
    call(p, g, v, 0.1, momentum=0.5),
    call(p, g, v, lr=0.2, momentum=0.9),
    *call(p, g, v, 0.3, 0.8).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "sgd_step-hidden-decay", "points": 3}
# Weight decay, alone and with momentum.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10033)
p, g, v = ({"a.w": rng.standard_normal((3, 2)), "a.b": rng.standard_normal(3)} for _ in range(3))
check.hidden(
    "sgd_step",
    sgd_step,
    "weight decay",
    call(p, g, {}, 0.1, weight_decay=0.3),
    call(p, g, v, 0.2, 0.9, 0.05),
    call(p, g, v, lr=0.1, momentum=0.5, weight_decay=0.5),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built**, on a valley 25 times as steep across as along, $L = \tfrac12(p_0^2 + 25\,p_1^2)$. Both walkers take 40 steps of
`lr=0.03` from the same point.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8.4, 2.9))
east, north = np.meshgrid(np.linspace(-4.4, 2.2, 200), np.linspace(-1.3, 1.3, 100))
ax.contour(
    east, north, (east**2 + 25 * north**2) / 2, levels=[0.3, 2, 6, 12, 20], colors=figures.LINE, linewidths=1
)
for momentum, colour in ((0.0, figures.INPUT), (0.8, figures.KERNEL)):
    point, state, path = {"p": np.array([-4.0, 1.0])}, {}, [[-4.0, 1.0]]
    for _ in range(40):
        point, state = sgd_step(point, {"p": point["p"] * [1, 25]}, state, 0.03, momentum)
        path.append(point["p"])
    end = f"{path[-1][0]:.2f}, {path[-1][1]:.2f}".replace("-", "−")
    ax.plot(
        *np.transpose(path), "o-", ms=3, lw=1, color=colour, label=f"momentum {momentum}: ends at ({end})"
    )
ax.plot(0, 0, "*", ms=13, color=figures.OUTPUT, label="the minimum")
ax.set(xlabel="$p_0$", ylabel="$p_1$", xlim=(-4.4, 2.2))
fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
r"""
Without momentum, a step that is right across the valley is far too short along it. With momentum the walk swings from side to side, and arrives.
It does the same for our 3818 parameters, whose valleys nobody can draw.

## The loop

Now everything runs in a circle: take a batch, go forward, compare, go back, step. One round through all images is an **epoch**. Before each epoch
the images are shuffled, so that no two epochs see the same batches; images and labels must be shuffled *together*.

### Exercise 10.4 · `train`
●●●○ · 20 min

Train a network with your `forward`, `backward` and `sgd_step`, starting from `params`. In each epoch:

- `order = rng.permutation(N)`, or $0, 1, \dots, N-1$ where `rng` is None;
- batches are `order[0:B]`, `order[B:2B]`, and so on; the last one may be shorter;
- if `augment` is given, a batch's images become `augment(x_batch, rng)` first;
- the loss is the mean cross-entropy of the batch; note it down, *then* take the step.

The velocity lasts for the whole training, from batch to batch and from epoch to epoch. Return the trained parameters and the list of all losses, one a
batch: `epochs` times $\lceil N/B \rceil$ numbers. The parameters passed in do not change.

<details><summary>Hint 1: the frame</summary>

Two loops: over epochs, and over `range(0, len(x), batch_size)`. A slice that reaches past the end is just shorter, which is what the last batch wants.
</details>

<details><summary>Hint 2: one order for both</summary>

With `batch = order[start : start + batch_size]`, an array of indices, `x[batch]` and `y[batch]` are the images and their own labels.
</details>

<details><summary>Hint 3: one batch</summary>

```python
scores, cache = forward(params, ...)
loss, grad = cross_entropy(...)
grads, _ = backward(...)
params, state = sgd_step(...)
```

`state` begins as `{}`, once. Where?
</details>
"""


# %% nbgrader={"grade_id": "train", "solution": true}
def train(params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None):
    """Train a network by SGD.

    params: where to start; stays as it is. x: (N, 1, H, W). y: (N,) ints. epochs, batch_size: ints.
    lr, momentum, weight_decay: as in sgd_step. rng: np.random.Generator for a new order each epoch, None for file order.
    augment: None, or a function (x_batch, rng) -> images of the same shape.
    Returns (params, losses): the trained parameters, and the mean cross-entropy of each batch before its step, a list.
    """
    ### BEGIN SOLUTION
    state, losses = {}, []
    for _ in range(epochs):
        order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            x_batch = x[batch] if augment is None else augment(x[batch], rng)
            scores, cache = forward(params, x_batch)
            loss, grad = cross_entropy(scores, y[batch])
            losses.append(loss)
            grads, _ = backward(params, cache, grad)
            params, state = sgd_step(params, grads, state, lr, momentum, weight_decay)
    return params, losses
    ### END SOLUTION


# %% [markdown]
"""
The last example is the real thing, compared with torch: the same start, the same digits in the same order, all in float64. Your first twenty losses
must agree with those of its twin to $10^{-8}$.
"""

# %% nbgrader={"grade_id": "train-examples", "points": 7}
start = init_params(np.random.default_rng(5), channels=(2, 3), image=(4, 4), classes=2)
four, sides = np.zeros((4, 1, 4, 4)), np.array([0, 1, 1, 0])
four[[0, 3], :, :, 0] = 1  # a bar on the left is a 0
four[[1, 2], :, :, 3] = 1  # a bar on the right is a 1

check.examples(
    "train",
    train,
    call(start, four, sides, epochs=2, lr=0.1, batch_size=2),
    call(start, four, sides, epochs=1, lr=0.1, batch_size=3),  # batches of 3 and 1
    call(start, four, sides, epochs=3, lr=0.1, batch_size=2, momentum=0.0, rng=np.random.default_rng(6)),
    call(start, four, sides, epochs=2, lr=0.1, batch_size=2, weight_decay=0.5, augment=lambda x, _: x + 0.5),
    call(init_params(np.random.default_rng(7)), x[training[:640]], y[training[:640]], epochs=1, lr=0.05),
)

# %% nbgrader={"grade_id": "train-hidden", "points": 4}
# The hidden tests of `train` run here when your work is graded. First in file order.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10041)
drawn = init_params(rng, (2, 3), (4, 5), 3)
params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
x_few, y_few = rng.standard_normal((11, 1, 4, 5)), rng.integers(0, 3, 11)
check.hidden(
    "train",
    train,
    "one epoch in file order, without momentum",
    call(params, x_few[:8], y_few[:8], 1, 0.2, batch_size=4, momentum=0.0),
    call(params, x_few[:6], y_few[:6], epochs=1, lr=0.1, batch_size=6, momentum=0.0),
    call(params, x_few[:4], y_few[:4], epochs=1, lr=0.1, batch_size=1, momentum=0.0),
)
check.hidden(
    "train",
    train,
    "several epochs, with a last batch that is shorter",
    call(params, x_few, y_few, 3, 0.1, batch_size=4, momentum=0.0),
    call(params, x_few[:3], y_few[:3], 2, 0.1, momentum=0.0),
    call(params, np.round(4 * x_few).astype(int), y_few, 2, 0.02, batch_size=5, momentum=0.0),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "train-hidden-momentum", "points": 4}
# Momentum and weight decay, over several epochs.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10042)
drawn = init_params(rng, (2, 3), (4, 5), 3)
params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
x_few, y_few = rng.standard_normal((9, 1, 4, 5)), rng.integers(0, 3, 9)
check.hidden(
    "train",
    train,
    "momentum, from batch to batch and from epoch to epoch",
    call(params, x_few, y_few, 3, 0.1, batch_size=4, momentum=0.5),
    call(params, x_few, y_few, 2, 0.05, 3),
)
check.hidden(
    "train",
    train,
    "weight decay, and read-only arrays, views and float32",
    call(params, x_few, y_few, 2, 0.1, 4, 0.0, 0.3),
    *call(params, x_few[:4], y_few[:4], 2, 0.05, batch_size=3, weight_decay=0.1).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "train-hidden-random", "points": 3}
# Shuffled epochs and augmentation.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10043)
drawn = init_params(rng, (2, 3), (4, 5), 3)
params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
x_few, y_few = rng.standard_normal((9, 1, 4, 5)), rng.integers(0, 3, 9)
check.hidden(
    "train",
    train,
    "a new order in each epoch",
    call(params, x_few, y_few, 3, 0.1, batch_size=4, rng=np.random.default_rng(1)),
    call(params, x_few[:5], y_few[:5], 4, 0.1, 2, 0.5, 0.0, np.random.default_rng(2)),
)
check.hidden(
    "train",
    train,
    "augmentation of each batch",
    call(params, x_few, y_few, 2, 0.1, batch_size=4, augment=lambda x, _: x[:, :, :, ::-1]),
    call(
        params,
        x_few,
        y_few,
        epochs=3,
        lr=0.1,
        batch_size=4,
        rng=np.random.default_rng(3),
        augment=lambda x, rng: x + 0.2 * rng.standard_normal(x.shape),
    ),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** gets a test that costs a second and that every new training code should pass before anything else: let it learn *ten* digits by
heart. It has 3818 parameters for them. If the loss does not go to 0, there is a bug, and no amount of data would help.
"""

# %% tags=["figure"]
ten = training[:10]
memorised, losses = train(
    init_params(np.random.default_rng(8)), x[ten], y[ten], epochs=60, lr=0.05, batch_size=10
)
fig, ax = plt.subplots(figsize=(7.5, 2.5))
ax.semilogy(losses, color=figures.KERNEL)
ax.axhline(np.log(10), color=figures.FAINT, lw=1, ls="--")
ax.text(60, np.log(10) * 0.8, "log 10", ha="right", va="top", color=figures.FAINT)
ax.set(xlabel="step", ylabel="loss on the ten", title=f"from {losses[0]:.3f} to below 0.0001 in 60 steps")
plt.show()
print("read:  ", *forward(memorised, x[ten])[0].argmax(axis=1))
print("labels:", *y[ten])

# %% [markdown]
"""
### Exercise 10.5 · `accuracy`
●○○○ · 5 min

Return the fraction of images that a network reads right: those whose largest score stands at the index of their label.

<details><summary>Hint 1</summary>

`argmax` along the axis of the classes gives one index an image. The mean of a comparison is the fraction that holds.
</details>
"""


# %% nbgrader={"grade_id": "accuracy", "solution": true}
def accuracy(params, x, y):
    """The fraction of images read right.

    params: as in forward. x: (N, 1, H, W). y: (N,) ints.
    Returns a number from 0 to 1.
    """
    ### BEGIN SOLUTION
    scores, _ = forward(params, x)
    return float(np.mean(scores.argmax(axis=1) == y))
    ### END SOLUTION


# %% nbgrader={"grade_id": "accuracy-examples", "points": 3}
pair = np.concatenate([small_image, 0 * small_image])

check.examples(
    "accuracy",
    accuracy,
    call(tiny, pair, np.array([1, 1])).gives(1.0),  # the scores are (4, 16) and (0, 10)
    call(tiny, pair, np.array([1, 0])).gives(0.5),
    call(tiny, pair, np.array([0, 0])).gives(0.0),
    call(init_params(np.random.default_rng(9)), x[:50], y[:50]),
)

# %% nbgrader={"grade_id": "accuracy-hidden", "points": 5}
# The hidden tests of `accuracy` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(10051)
drawn = init_params(rng, (2, 3), (5, 4), 4)
params = {name: rng.standard_normal(array.shape) / 2 for name, array in drawn.items()}
x_few, y_few = rng.standard_normal((17, 1, 5, 4)), rng.integers(0, 4, 17)
check.hidden(
    "accuracy",
    accuracy,
    "random networks",
    call(params, x_few, y_few),
    call(params=params, x=x_few[:7], y=y_few[:7]),
    call(params, x_few[3:4], y_few[3:4]),
    *call(params, x_few[:9], y_few[:9]).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
## It reads

This is the moment that ten chapters have led to. A network of your own inner products, from a random start: twelve epochs on 1198 digits, the
last four with a smaller step to settle down. After each epoch we look at the third that it never trains on.
"""


# %%
def learn(x, y, training, seed, augment=None, lrs=8 * [0.05] + 4 * [0.01]):
    """Twelve epochs; the params after each of them, and the losses of all batches."""
    rng = np.random.default_rng(seed)
    params, after, losses = init_params(rng), [], []
    for lr in lrs:
        params, new = train(
            params, x[training], y[training], 1, lr, weight_decay=0.001, rng=rng, augment=augment
        )
        after.append(params)
        losses += new
    return after, losses


after, losses = learn(x, y, training, seed=0)
reader = after[-1]
print(f"read right: {100 * accuracy(reader, x[training], y[training]):.1f} % of the digits it trained on,")
print(f"            {100 * accuracy(reader, x[held_out], y[held_out]):.1f} % of the digits it has never seen")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.9))
axes[0].semilogy(losses, color=figures.KERNEL, lw=0.6, alpha=0.5, label="each batch")
smooth = [np.mean(losses[max(0, i - 18) : i + 19]) for i in range(len(losses))]
axes[0].semilogy(smooth, color=figures.KERNEL, label="mean of an epoch")
axes[0].axhline(np.log(10), color=figures.FAINT, lw=1, ls="--")
axes[0].set(xlabel="step", ylabel="loss in training", ylim=(1e-3, 5))
axes[0].legend(loc="lower left")
epochs = range(1, len(after) + 1)
for part, colour, name in ((training, figures.KERNEL, "in training"), (held_out, figures.OUTPUT, "held out")):
    axes[1].plot(
        epochs, [100 * accuracy(p, x[part], y[part]) for p in after], "o-", ms=4, color=colour, label=name
    )
axes[1].axhline(97, color=figures.FAINT, lw=1, ls="--")
axes[1].set(xlabel="epoch", ylabel="read right, %", ylim=(90, 100.5), xticks=[1, 4, 8, 12])
axes[1].legend(loc="lower right")
plt.show()

# %% [markdown]
"""
How to read such a picture: the loss falls steeply, then ever more slowly, and the two accuracies part. That gap is **overfitting**: what the network knows about
its training digits and about no others. Here it is small. Were the training accuracy low as well, the network would be too small or trained too
briefly; were the gap wide, it would need more data, augmentation, or more weight decay.

Which digits does it still misread, and would you have done better?
"""

# %% tags=["figure"]
read = forward(reader, x[held_out])[0].argmax(axis=1)
wrong = np.flatnonzero(read != y[held_out])[:12]
figures.pictures(x[held_out[wrong], 0], [f"{y[held_out[i]]}, read as {read[i]}" for i in wrong], columns=6)

# %% [markdown]
"""
And this is what the eight kernels of the first layer have become. Several answer to edges, orange on one side and blue on the other. Nobody told them to.
"""

# %%
figures.feature_maps(reader["conv1.w"][:, 0], columns=8)

# %% [markdown]
"""
## When it does not learn

You will see more sick runs than healthy ones, so learn their faces. Here is the same training, three epochs of it, with one thing changed at a time.
"""

# %% tags=["figure"]
runs = {
    "lr 0.05": (0.05, y[training], figures.OUTPUT),
    "lr 0.001: too small": (0.001, y[training], figures.INPUT),
    "lr 0.5: too large": (0.5, y[training], figures.WRONG),
    "images shuffled, labels not": (0.05, np.random.default_rng(1).permutation(y[training]), figures.KERNEL),
}
fig, axes = plt.subplots(1, 4, figsize=(8.6, 2.5), sharey=True)
for ax, (name, (lr, labels, colour)) in zip(axes, runs.items(), strict=True):
    rng = np.random.default_rng(1)
    sick, curve = train(init_params(rng), x[training], labels, 3, lr, rng=rng)
    ax.plot(curve, color=colour, lw=1)
    ax.axhline(np.log(10), color=figures.FAINT, lw=1, ls="--")
    ax.set_title(name, fontsize=10.5)
    ax.set(xlabel="step", ylim=(0, 3))
    maps = relu(conv(x[training], sick["conv1.w"], sick["conv1.b"]))
    print(f"{name:<28} ReLUs of layer 1 that are on: {100 * np.mean(maps > 0):.0f} %")
axes[0].set_ylabel("loss")
plt.show()

# %% [markdown]
r"""
- A loss that creeps down in a straight line wants a larger step.
- A loss that jumps, then lies flat at $\log 10$, has seen too large a step. One leap threw the weights so far that the ReLUs are off, all of them, for every
  image. Where all slopes are 0, nothing can bring them back.
- A loss that stays at $\log 10$ from the beginning, although the gradients are right, often means that images and labels don't belong together.
- A loss that *rises* steadily walks uphill: look for a wrong sign.

## Two honest numbers

We drew the held-out third at random. Suppose you had simply cut the file: the first two thirds to train, the last third to test.
"""

# %%
in_order = np.arange(len(x))
by_file, _ = learn(x, y, in_order[:1198], seed=0)
print(f"a random third:  {100 * accuracy(reader, x[held_out], y[held_out]):.1f} %")
print(f"the last third:  {100 * accuracy(by_file[-1], x[1198:], y[1198:]):.1f} %")

# %% [markdown]
"""
Two runs prove little, but it is no accident: with other seeds, the random third gives about 97 to 99 %, the last third about 93 to 96 %. What is different
about the end of the file? Look at the labels in the order in which they stand:
"""

# %%
print("from   0:", "".join(map(str, y[:60])))
print("from 130:", "".join(map(str, y[130:190])))
same = np.mean(y[130:] == y[:-130])
print(f"{100 * same:.0f} % of the labels are repeated 130 places later; by chance it would be 10 %")

# %% [markdown] nbgrader={"grade_id": "why-two-scores-question", "locked": true}
"""
People filled in copies of one form! The documentation of this data set says that thirteen of them wrote these digits. The file, it seems, is sorted by writer.

### Written question 10.6 · which number is true?
●●○○ · 10 min

You are to deliver a reader for the forms of a clinic, where many people will write. A colleague says: "The random third says 98 %, the last third says
95 %. Both are held-out digits, so both are fair tests, and I report the higher one. By the way, I chose the learning rate and the number of epochs
so that the held-out accuracy came out best, and I shift the test images about a little, as in training, to have more of them."

In four to eight sentences: why do the two numbers differ, what does each of them measure, and which one should be reported here? What is
wrong with the colleague's two by-the-ways, and what should be done instead?

<details><summary>Hint 1</summary>

For a digit of the random third: who else wrote digits that the network trained on? And for a digit at the end of the file?
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- Why they differ: with a random third every writer is on both sides, so the network has trained on the hands that it is tested on; the last third is
  written (mostly) by people whom it has never seen.
- What each measures, and the choice: new digits by known writers against digits by new writers. A clinic's forms come from new writers, so the lower
  number is the honest one (better still: hold out writers on purpose, several times, and report the spread).
- Choosing the learning rate and epochs by the held-out third makes that third a part of the training: its number is then too good. Choose on a
  separate validation set (or by cross-validation), and use the test set once, at the end.
- Augmentation belongs to training only. Shifted copies of the test images are no new evidence, and answer another question than the
  one asked; test on the images as they will come. (A test on shifted images may be reported as what it is, beside the plain one.)
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-two-scores", "solution": true, "points": 8}
"""
In the random third every writer stands on both sides: the network trained on other digits by the very hands that it is tested on. The last third was written, mostly,
by people whom it has never met. So the first number measures how well it reads new digits by known writers, and the second how well it reads the digits of
new writers. A clinic's forms come from new writers, so the lower number is the one to report; better still, one would hold out whole writers on
purpose, each group in turn, and report the spread as well. Choosing the learning rate and the epochs by the held-out accuracy makes these digits a part of the training, and
the number too good: such choices belong on a third set, for validation, and the test set is used once, at the end. Augmenting the test images is wrong as well. Shifted copies
are no new evidence, and they answer another question than the one asked; the test should look like the forms that will come in.
"""

# %% [markdown]
"""
## One pixel to the left

A convolution moves along with its input, and the pool forgives small shifts. So surely a digit that moves by one pixel is read just as well? Shift all held-out digits, in nine ways:
"""


# %%
def shifted(x, down, right):
    """All images moved by -1, 0 or 1 pixel each way, zeros coming in."""
    H, W = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return padded[:, :, 1 - down : 1 - down + H, 1 - right : 1 - right + W]


def jitter(x_batch, rng):
    """Augmentation: every image of the batch moves at random."""
    moves = rng.integers(-1, 2, (len(x_batch), 2))
    return np.concatenate([shifted(x_batch[i : i + 1], *move) for i, move in enumerate(moves)])


steady, _ = learn(x, y, training, seed=0, augment=jitter)
tables = {}
for name, params in {"trained as above": reader, "trained with random shifts": steady[-1]}.items():
    tables[name] = np.array(
        [
            [100 * accuracy(params, shifted(x[held_out], down, right), y[held_out]) for right in (-1, 0, 1)]
            for down in (-1, 0, 1)
        ]
    )

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.1))
for ax, (name, table) in zip(axes, tables.items(), strict=True):
    ax.imshow(table, cmap="Blues", vmin=0, vmax=115)
    for (i, j), value in np.ndenumerate(table):
        ax.text(
            j, i, f"{value:.0f} %", ha="center", va="center", color="white" if value > 70 else figures.INK
        )
    ax.set(
        xticks=range(3), xticklabels=["left", "", "right"], yticks=range(3), yticklabels=["up", "", "down"]
    )
    ax.set_title(name)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
fig.suptitle("held-out digits read right, moved by one pixel (middle: not moved)", fontsize=11.5)
plt.show()

# %% [markdown]
"""
It falls apart. The features do move along, but the fully connected layer at the end has a weight of its own for every position, and all it ever saw were centred digits: *equivariant*
layers do not make an *invariant* network. It can be taught, though. **Augmentation** shows it every image somewhere else in every epoch. A thousand digits become
nine thousand, for free, and the unmoved ones are read as well as before. The test images above were moved to ask a new question; to *improve* a score by changing the
test images would be cheating.

## What is the convolution worth?

Convolution assumes that neighbours belong together and that a pattern means the same wherever it stands. Put that to the test: apply one fixed, random permutation to the 64 pixels of
*all* images. No information is lost, but neighbours are torn apart. An MLP cannot care: its first layer has a weight for each pixel anyway, in whatever order. To make the difference show, both
learn from 300 digits only, and three seeds are averaged. Your `train` calls whatever is named `forward` and `backward`, so we can lend it another network:
"""


# %%
@contextmanager
def instead(other_forward, other_backward):
    """Inside `with instead(...)`, train and accuracy work on another network."""
    global forward, backward
    yours = forward, backward
    forward, backward = other_forward, other_backward
    try:
        yield
    finally:
        forward, backward = yours


def mlp_params(rng, hidden=50):
    """64 pixels, 50 hidden units, 10 scores: 3760 parameters, about as many as the CNN's."""
    return {
        "hidden.w": he_init((hidden, 64), rng),
        "hidden.b": np.zeros(hidden),
        "out.w": 0.01 * he_init((10, hidden), rng),
        "out.b": np.zeros(10),
    }


def contest(x, seed):
    """Held-out accuracy of CNN and MLP after 20 epochs on 300 digits."""
    few, found = training[:300], []
    for make, functions in ((init_params, (forward, backward)), (mlp_params, (mlp_forward, mlp_backward))):
        rng = np.random.default_rng(seed)
        with instead(*functions):
            params, _ = train(make(rng), x[few], y[few], 20, 0.05, rng=rng)
            found.append(accuracy(params, x[held_out], y[held_out]))
    return found


scrambled = x.reshape(-1, 64)[:, np.random.default_rng(11).permutation(64)].reshape(x.shape)
results = {
    name: 100 * np.mean([contest(pixels, seed) for seed in range(3)], axis=0)
    for name, pixels in (("natural", x), ("permuted", scrambled))
}
for name, (cnn, mlp) in results.items():
    print(f"{name:>8} pixels: CNN {cnn:.1f} %, MLP {mlp:.1f} %")

# %% tags=["figure"]
figures.pictures(
    [x[training[0], 0], x[training[5], 0], scrambled[training[0], 0], scrambled[training[5], 0]],
    ["natural", "natural", "permuted", "permuted"],
)

# %% [markdown]
r"""
The lead of the CNN is gone. It was never in the convolution as such, but in the fit between its assumption and the data. Where neighbours mean nothing, such as columns of a table in some arbitrary order, a
convolution has nothing to offer.

## Deeper

If two convolutions are good, are twenty better? Take a network with a first convolution, a pool, and then a tower of 2 to 24 convolutions of 8 channels on $4 \times 4$ maps: once **plain**, one convolution after the
other, and once **residual**, where every pair of convolutions only computes a correction to what it gets (chapter 9):

$$\text{plain: } h \leftarrow \mathrm{relu}(F(h)) \qquad\qquad \text{residual: } h \leftarrow \mathrm{relu}(h + F(h)) \qquad\qquad F(h) = \mathrm{conv}(\mathrm{relu}(\mathrm{conv}(h)))$$

A residual block has an easy way to do nothing: $F = 0$. So we start with the second convolution of each block at zero, and the tower begins as if it were not there.
"""


# %% tags=["figure"]
def tower_params(rng, depth, residual):
    sizes = [("in", 1)] + [(f"{i}", 8) for i in range(depth)]
    params = {}
    for name, channels in sizes:
        params[f"{name}.w"], params[f"{name}.b"] = he_init((8, channels, 3, 3), rng), np.zeros(8)
        if residual and name.isdigit() and int(name) % 2:
            params[f"{name}.w"] *= 0
    return params | {"fc.w": 0.01 * he_init((10, 128), rng), "fc.b": np.zeros(10)}


def tower(depth, residual):
    """The forward and backward functions of a tower of convolutions. They also note the sizes of what passes by."""

    def there(params, x):
        first = relu(conv(x, params["in.w"], params["in.b"]))
        maps = [max_pool(first)]
        for i in range(0, depth, 2):
            middle = relu(conv(maps[-1], params[f"{i}.w"], params[f"{i}.b"]))
            out = conv(middle, params[f"{i + 1}.w"], params[f"{i + 1}.b"])
            maps += [middle, relu(maps[-1] + out if residual else out)]
        flat = maps[-1].reshape(len(x), -1)
        return linear(flat, params["fc.w"], params["fc.b"]), (x, first, maps, flat)

    def back(params, cache, grad):
        x, first, maps, flat = cache
        grads, sizes = {}, []
        grad, grads["fc.w"], grads["fc.b"] = linear_backward(flat, params["fc.w"], grad)
        grad = grad.reshape(maps[-1].shape)
        for i in reversed(range(0, depth, 2)):
            sizes.append(np.linalg.norm(grad))
            skip = grad = grad * (maps[i + 2] > 0)
            for j in (i + 1, i):
                grad = grad * (maps[j + 1] > 0) if j == i else grad
                grad, grads[f"{j}.w"], grads[f"{j}.b"] = conv_backward(maps[j], params[f"{j}.w"], grad)
            grad = grad + skip if residual else grad
        sizes.append(np.linalg.norm(grad))
        grad = max_pool_backward(first, grad) * (first > 0)
        grad, grads["in.w"], grads["in.b"] = conv_backward(x, params["in.w"], grad)
        there.sizes = [np.linalg.norm(m) for m in maps[::2]], sizes[::-1]
        return grads, grad

    return there, back


fig, axes = plt.subplots(1, 3, figsize=(8.8, 3))
depths, part = (2, 8, 16, 24), training[:600]
for residual, colour, name in ((False, figures.WRONG, "plain"), (True, figures.OUTPUT, "residual")):
    finals = np.zeros((2, len(depths)))
    for seed, (i, depth) in itertools.product(range(2), enumerate(depths)):
        rng = np.random.default_rng(seed)
        begin, functions = tower_params(rng, depth, residual), tower(depth, residual)
        with instead(*functions):
            _, losses = train(begin, x[part], y[part], 3, 0.03, rng=rng)
        finals[seed, i] = np.mean(losses[-20:])
    axes[0].plot(depths, finals.T, "o", color=colour, ms=4, alpha=0.6, mew=0)
    axes[0].plot(depths, finals.mean(axis=0), color=colour, label=name)
    scores, cache = functions[0](begin, x[part[:64]])
    functions[1](begin, cache, cross_entropy(scores, y[part[:64]])[1])
    values, slopes = functions[0].sizes
    axes[1].semilogy(range(0, 25, 2), values, "o-", ms=3, color=colour)
    axes[2].semilogy(range(0, 25, 2), slopes, "o-", ms=3, color=colour)
axes[0].axhline(np.log(10), color=figures.FAINT, lw=1, ls="--")
axes[0].set(title="loss after three epochs", xlabel="convolutions in the tower", xticks=depths, ylim=(0, 2.6))
axes[1].set(title="forward: norm of the maps", xlabel="after so many convolutions", xticks=[0, 8, 16, 24])
axes[2].set(
    title="backward: norm of the gradient", xlabel="after so many convolutions", xticks=[0, 8, 16, 24]
)
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %% [markdown]
r"""
Dots are two different starts. The deeper the plain tower, the worse it learns, and with 16 convolutions or more it hardly learns at all in this time; the residual one does not mind. The two panels on the right show why, at the start
of training, for 24 convolutions. On average, a plain layer makes whatever passes through it a little smaller, values on the way forward and gradients on the way back, and a factor a little below 1 to the power of 24 is a
small number. The first layers hear next to nothing from the loss, and the loss next to nothing from the image: **vanishing gradients**. Along the skip connections of the residual tower both pass almost undiminished, through any depth.

Better starts and batch normalisation (chapter 8) let plain networks go deeper than this one. But even with them, He and others found in 2015 that a plain network of 56 layers trained *worse* than one of 20, although it could
have copied the smaller one and done nothing in the rest. Doing nothing is hard to learn for a plain layer, and free for a residual one.

## If you have a network connection: MNIST

The $8 \times 8$ digits have a famous big sister: 70 000 digits of $28 \times 28$ pixels. Set `DOWNLOAD = True`, and this cell fetches them (11 MB), checks that they arrived intact, and trains the same code on the first 12 000 for two
epochs, which takes about a minute. Nothing after it depends on it. For comparison: LeNet-5 misread 0.95 % of its 10 000 test digits in 1998, trained on all 60 000.
"""

# %%
DOWNLOAD = False


def mnist(name, md5):
    """One of the four files, as an array: images (N, 28, 28) or labels (N,)."""
    import gzip
    import hashlib
    from urllib.request import urlopen

    with urlopen(f"https://ossci-datasets.s3.amazonaws.com/mnist/{name}-ubyte.gz", timeout=60) as reply:
        packed = reply.read()
    if hashlib.md5(packed).hexdigest() != md5:
        raise OSError(f"{name} did not arrive intact: try again")
    raw = np.frombuffer(gzip.decompress(packed), dtype=np.uint8)
    axes = raw[3]  # the header: two zeros, the type, the number of axes, and then each size in four bytes
    sizes = raw[4 : 4 + 4 * axes].copy().view(">i4")
    return raw[4 + 4 * axes :].reshape(sizes)


if DOWNLOAD:
    x_big = mnist("train-images-idx3", "f68b3c2dcbeaaa9fbdd348bbdeb94873")[:12_000, None] / 255
    y_big = mnist("train-labels-idx1", "d53e105ee54ea40749a09fcbcd1e9432")[:12_000]
    x_new = mnist("t10k-images-idx3", "9fb629c4189551a2d022fa330f9573f3")[:, None] / 255
    y_new = mnist("t10k-labels-idx1", "ec29112dd5afa0611ce80d1b7f02629c")
    rng = np.random.default_rng(0)
    params = init_params(rng, image=(28, 28))
    for lr in (0.02, 0.005):
        params, losses = train(params, x_big, y_big, 1, lr, rng=rng)
        right = np.mean(
            [accuracy(params, x_new[i : i + 250], y_new[i : i + 250]) for i in range(0, 10_000, 250)]
        )
        print(f"loss {np.mean(losses[-100:]):.3f}, test digits read right: {100 * right:.1f} %")

# %% [markdown]
r"""
## Find the error in the lecture

A lecture on convolutional networks ends its tour of the layers like this: "*At the end the maps are flattened, and a fully connected layer follows. Once they are flattened, there is no way back: nothing convolutional
can come after a fully connected layer, and the network is tied to one size of image for ever.*"

Both halves of the last sentence are wrong. Why? Think of the fully connected layer of this chapter's network, and of what its 256 weights for one digit see.

<details><summary>Answer</summary>

A fully connected layer on top of maps *is* a convolution: its kernels are as large as the whole map, here $16 \times 4 \times 4$, so that exactly one window fits, and the output is a map of $1 \times 1$ with 10 channels. Anything convolutional may follow, for instance
$1 \times 1$ kernels (chapter 9 says the same with `fc_as_conv`). And if the image is larger, more than one window fits: the network that you trained on single digits slides along a whole line of them, without any further training. Run the cell below: the
scores of the ten digits, at each position of the window.
</details>
"""

# %% tags=["figure"]
known = held_out[read == y[held_out]]  # digits that it reads right when they stand alone
line = [known[y[known] == digit][k] for k, digit in enumerate((3, 1, 4, 1, 5, 9))]
strip = np.concatenate([x[i : i + 1] for i in line], axis=3)  # (1, 1, 8, 48)
maps = max_pool(
    relu(conv(relu(conv(strip, reader["conv1.w"], reader["conv1.b"])), reader["conv2.w"], reader["conv2.b"]))
)
kernels = reader["fc.w"].reshape(10, 16, 4, 4)
slid = np.lib.stride_tricks.sliding_window_view(maps[0], (4, 4), axis=(1, 2))[:, 0]  # (16, positions, 4, 4)
response = np.einsum("kcij,cpij->kp", kernels, slid) + reader["fc.b"][:, None]
fig, axes = plt.subplots(2, 1, figsize=(8.2, 4.6), height_ratios=[1.3, 2.4])
axes[0].imshow(strip[0, 0], aspect="equal")
axes[0].set_axis_off()
axes[1].imshow(
    response, cmap=figures.SIGNED, vmin=-abs(response).max(), vmax=abs(response).max(), aspect="auto"
)
best = response.argmax(axis=0)
axes[1].plot(range(0, 21, 4), best[::4], "s", ms=17, mfc="none", mec=figures.INK, mew=1.5)
axes[1].set(
    yticks=range(10),
    xticks=range(0, 21, 4),
    xlabel="position of the window, in pooled columns (squares: a digit fills the window)",
    ylabel="score of digit",
)
plt.show()
print("read at every fourth position:", *best[::4])

# %% [markdown]
r"""
## Summary

- A network is a function of parameters and images. `forward` leaves a note for `backward`, which applies the chain rule layer by layer, last layer first.
- Before learning, a classifier's loss should be $\log K$. Before training on everything, it should learn ten examples by heart. And two numbers of the gradient should pass the wiggle test.
- SGD with momentum steps along a velocity that remembers gradients; weight decay pulls every parameter towards 0.
- 3818 parameters, twelve epochs, a few seconds of numpy: about 98 of 100 held-out digits read right, and the first losses are torch's to $10^{-8}$.
- A held-out score is true for new data *like* the held-out data: a random third shares its writers with the training digits; the last third does not.
- Equivariant layers do not make an invariant network. Augmentation teaches what the architecture does not guarantee.
- Convolution's lead comes from neighbours that belong together. Permute the pixels, and it is gone.
- Plain depth makes gradients vanish; a residual path lets them pass.

**Read on:** LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition* (1998), the paper of LeNet-5 and MNIST, still a pleasure; He, Zhang, Ren and Sun, *Deep residual learning for image
recognition* (2015), for the 56 layers; Goodfellow, Bengio and Courville, *Deep Learning*, chapter 8, on optimisation. Now that it reads, what has it learned? [Chapter 11](../ch11_understanding/understanding.ipynb) opens it up.
"""
