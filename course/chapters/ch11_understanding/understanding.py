# %% [markdown]
"""
# 11 · What has it learned?

**After this chapter you can** look inside a trained network: see what its layers make of an image, find filters that
died or do the same work twice, ask a unit for its favourite images, and find out *which pixels* a decision hangs on,
by covering them and by following slopes. You will catch a network that is right for the wrong reason. And you will
carry convolution over to sound and to text.

**You need** the idea of a convolutional network and of its backward step: [chapter 8](../ch08_layers/layers.ipynb) and
[chapter 10](../ch10_training/training.ipynb). The network itself is given here, so nothing from earlier chapters has to
be at hand. **Time:** about 115 minutes.

The rule is the old one: *you build it from inner products, then torch agrees.* Torch, scipy, `np.convolve` and
`np.correlate` are off limits in your answers.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from course.kit import Checks, call, figures, images

check = Checks("ch11_understanding")
figures.use_style()

# %% [markdown]
r"""
## The network on the table

This is the network of chapter 10, in the same words: `params` is a dict of arrays, `forward` runs the layers

$$x \to \texttt{conv1} \to \texttt{relu1} \to \texttt{conv2} \to \texttt{relu2} \to \texttt{pool} \to \text{flatten} \to \texttt{fc} \to \text{scores},$$

and `backward` takes the gradient of the scores back to every weight *and to the image*. Both convolutions are 3 × 3
with a border of zeros, the pool takes the largest value of each 2 × 2 block and leaves out a last odd row or column.
All of it is given: read it once, and use its functions in your answers as you like.
"""


# %% nbgrader={"grade_id": "given", "locked": true} tags=["setup"]
class Params(dict):
    """A dict of arrays that is printed as their shapes."""

    def __repr__(self):
        return "{" + ", ".join(f"{name} {p.shape}" for name, p in self.items()) + "}"


def columns(x):
    """The 3 x 3 windows around all pixels, zeros outside: (N, C, H, W) -> (N, C*9, H*W)."""
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * 9, H * W)


def conv(x, w, b):
    """3 x 3 convolution, stride 1, padding 1: (N, C, H, W), (D, C, 3, 3), (D,) -> (N, D, H, W)."""
    N, _, H, W = x.shape
    return (w.reshape(len(w), -1) @ columns(x)).reshape(N, -1, H, W) + b[:, None, None]


def conv_backward(x, w, grad):
    """-> the gradients (grad_x, grad_w, grad_b)."""
    grad_w = (grad.reshape(*grad.shape[:2], -1) @ columns(x).transpose(0, 2, 1)).sum(0).reshape(w.shape)
    turned = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    return conv(grad, turned, np.zeros(len(turned))), grad_w, grad.sum((0, 2, 3))


def relu(x):
    return np.maximum(x, 0)


def corners(x):
    """The four pixels of all 2 x 2 blocks, as four views (N, C, H//2, W//2)."""
    H, W = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    return [x[:, :, i:H:2, j:W:2] for i in (0, 1) for j in (0, 1)]


def max_pool(x):
    """(N, C, H, W) -> (N, C, H//2, W//2)."""
    return np.maximum.reduce(corners(x))


def max_pool_backward(x, grad):
    """Each gradient goes to the first largest pixel of its block."""
    grad_x, best = np.zeros(x.shape), max_pool(x)
    free = np.ones(best.shape, bool)
    for values, places in zip(corners(x), corners(grad_x), strict=True):
        hit = free & (values == best)
        places[...] = grad * hit
        free &= ~hit
    return grad_x


def softmax(scores):
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def cross_entropy(scores, labels):
    """(N, K), (N,) -> the mean loss over the N samples, and its gradient (N, K), which carries the 1/N."""
    p, at = softmax(scores), (np.arange(len(labels)), labels)
    grad = p.copy()
    grad[at] -= 1
    return -np.log(p[at]).mean(), grad / len(labels)


def forward(params, x):
    """(N, C, H, W) -> scores (N, K) before softmax, and what `backward` needs."""
    z1 = conv(x, params["conv1.w"], params["conv1.b"])
    a1 = relu(z1)
    z2 = conv(a1, params["conv2.w"], params["conv2.b"])
    a2 = relu(z2)
    flat = max_pool(a2).reshape(len(x), -1)
    return flat @ params["fc.w"].T + params["fc.b"], (x, z1, a1, z2, a2, flat)


def backward(params, cache, grad):
    """grad = dL/dscores (N, K) -> (grads, a dict like params; grad_x, in the shape of x)."""
    x, z1, a1, z2, a2, flat = cache
    grads = {"fc.w": grad.T @ flat, "fc.b": grad.sum(0)}
    N, C, H, W = a2.shape
    grad = max_pool_backward(a2, (grad @ params["fc.w"]).reshape(N, C, H // 2, W // 2)) * (z2 > 0)
    grad, grads["conv2.w"], grads["conv2.b"] = conv_backward(a1, params["conv2.w"], grad)
    grad, grads["conv1.w"], grads["conv1.b"] = conv_backward(x, params["conv1.w"], grad * (z1 > 0))
    return grads, grad


def he(rng, *shape):
    """Normal weights with variance 2 / fan-in."""
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))


def init_params(rng, channels=(8, 16), image=(8, 8), classes=10):
    """A network that has learned nothing yet: small weights in the last layer, biases 0."""
    (c1, c2), (H, W) = channels, image
    params = {
        "conv1.w": he(rng, c1, 1, 3, 3),
        "conv1.b": np.zeros(c1),
        "conv2.w": he(rng, c2, c1, 3, 3),
        "conv2.b": np.zeros(c2),
        "fc.w": 0.01 * he(rng, classes, c2 * (H // 2) * (W // 2)),
        "fc.b": np.zeros(classes),
    }
    return Params(params)


def random_params(rng, image, channels=(2, 3), classes=3, channels_in=1):
    """Weights and biases all drawn at random: no use for anything but trying functions out."""
    params = init_params(rng, channels, image, classes)
    params["conv1.w"] = np.zeros((channels[0], channels_in, 3, 3))
    return {name: rng.standard_normal(p.shape) / 2 for name, p in params.items()}


def train(params, x, y, epochs, lr, rng, batch_size=32, momentum=0.9):
    """Gradient descent with momentum -> new params.

    After each step everything is rounded to six decimals: differences in the sixteenth, which depend on the
    processor, can't grow, and your network is the same as the one in these pages.
    """
    speed = {name: np.zeros(p.shape) for name, p in params.items()}
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            scores, cache = forward(params, x[batch])
            grads, _ = backward(params, cache, cross_entropy(scores, y[batch])[1])
            speed = {name: np.round(momentum * speed[name] - lr * grads[name], 6) for name in params}
            params = {name: np.round(params[name] + speed[name], 6) for name in params}
    return Params(params)


def accuracy(params, x, y):
    return float((forward(params, x)[0].argmax(1) == y).mean())


# %% [markdown]
"""
Train it on two thirds of the 1797 handwritten digits, for four epochs; that takes a second. The last third stays
hidden from training, and everything below is shown on it.
"""

# %% nbgrader={"grade_id": "setup-network", "locked": true} tags=["setup"]
digits, digit_labels = images.digits()
digits = digits[:, None]  # (1797, 1, 8, 8)
order = np.random.default_rng(0).permutation(len(digits))
unseen, seen = order[:599], order[599:]

start = init_params(np.random.default_rng(1))
params = train(start, digits[seen], digit_labels[seen], epochs=4, lr=0.05, rng=np.random.default_rng(2))
test_x, test_y = digits[unseen], digit_labels[unseen]

# %%
print(f"right on digits it never saw: {accuracy(params, test_x, test_y):.1%}")

# %% [markdown]
"""
The first things to look at are the kernels of the first layer, because they still speak the language of pixels: blue
is negative, orange positive.
"""

# %%
both = [*start["conv1.w"][:, 0], *params["conv1.w"][:, 0]]
figures.feature_maps(both, [f"start {c}" for c in range(8)] + [f"trained {c}" for c in range(8)], columns=8)

# %% [markdown]
"""
Look for kernels with a positive and a negative side: those are edge detectors like the ones you built by hand in
[chapter 4](../ch04_detectors/detectors.ipynb), tilted this way or that. Compare with the row above, too: much of the
random start is left. Four epochs moved these kernels only as far as the task needed, and 97 % is possible without
beautiful filters. On large sets of colour photographs it goes further: about half of AlexNet's first-layer kernels
became grey edge detectors, the other half detectors of colours, divided between the two graphics cards that it was
trained on.

From the second layer on, a kernel looks at *maps*, not at pixels, and its picture says little. So look at the maps.

## Activation maps

A **feature map** or **activation map** is what one filter answers at every position of one image. A layer with eight
filters turns an image into eight maps. In the tiny network below, filter 0 copies the image, filter 1 takes the pixel
to the right minus the one to the left, and the second layer subtracts the one from the other.
"""

# %% nbgrader={"grade_id": "setup-tiny", "locked": true} tags=["setup"]
tiny = Params(
    {
        "conv1.w": np.array([[[[0, 0, 0], [0, 1, 0], [0, 0, 0]]], [[[0, 0, 0], [-1, 0, 1], [0, 0, 0]]]]),
        "conv1.b": np.array([0, -1]),
        "conv2.w": np.array([[[[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, -1, 0], [0, 0, 0]]]]),
        "conv2.b": np.array([0.5]),
        "fc.w": np.array([[1, -1], [2, 1]]),
        "fc.b": np.array([0, 1]),
    }
)
tiny_x = np.array([[[[1, 2, 0, 3], [0, 1, 4, 1]]]])  # one image (1, 1, 2, 4)

# %%
figures.grid(tiny_x[0, 0], "the image")
figures.grid(
    conv(tiny_x, tiny["conv1.w"], tiny["conv1.b"])[0, 1], "conv1, filter 1, with its bias −1", signed=True
)

# %% [markdown]
"""
### Exercise 11.1 · `activation_maps`
●●○○ · 15 min

Return the output of the layer that is called `layer`, one of `"conv1"`, `"relu1"`, `"conv2"`, `"relu2"` and `"pool"`,
for a batch of images. Raise a `ValueError` for any other name: a typing error should be heard, not answered.

<details><summary>Hint 1: a nudge</summary>

`forward` computes every one of these maps on its way to the scores. Walk the same way, and stop where you are asked to.
</details>

<details><summary>Hint 2: the pieces</summary>

`conv`, `relu` and `max_pool` are given. Keep each output under its name, in a dict for instance. `relu` makes a new
array, so the map before it stays as it was.
</details>

<details><summary>Hint 3: an unknown name</summary>

`if layer not in maps: raise ValueError(f"no layer is called {layer!r}")`. Looking it up in a dict alone would raise a
`KeyError`.
</details>
"""


# %% nbgrader={"grade_id": "activation_maps", "solution": true}
def activation_maps(params, x, layer):
    """What one layer of the network makes of a batch of images.

    params: dict of arrays, as above. x: images (N, C, H, W). layer: "conv1", "relu1", "conv2", "relu2" or "pool".
    Returns that layer's output (N, channels, h, w). Another name raises ValueError.
    """
    ### BEGIN SOLUTION
    maps = {}
    maps["conv1"] = conv(x, params["conv1.w"], params["conv1.b"])
    maps["relu1"] = relu(maps["conv1"])
    maps["conv2"] = conv(maps["relu1"], params["conv2.w"], params["conv2.b"])
    maps["relu2"] = relu(maps["conv2"])
    maps["pool"] = max_pool(maps["relu2"])
    if layer not in maps:
        raise ValueError(f"no layer is called {layer!r}")
    return maps[layer]
    ### END SOLUTION


# %% nbgrader={"grade_id": "activation_maps-examples", "points": 6}
check.examples(
    "activation_maps",
    activation_maps,
    # filter 1 at the top left: 2 - 0 - 1 = 1; beside it: 0 - 1 - 1 = -2
    call(tiny, tiny_x, "conv1").gives([[[[1, 2, 0, 3], [0, 1, 4, 1]], [[1, -2, 0, -1], [0, 3, -1, -5]]]]),
    call(tiny, tiny_x, "relu1").gives([[[[1, 2, 0, 3], [0, 1, 4, 1]], [[1, 0, 0, 0], [0, 3, 0, 0]]]]),
    call(tiny, tiny_x, "conv2").gives([[[[0.5, 2.5, 0.5, 3.5], [0.5, -1.5, 4.5, 1.5]]]]),
    call(tiny, tiny_x, "relu2").gives([[[[0.5, 2.5, 0.5, 3.5], [0.5, 0, 4.5, 1.5]]]]),
    call(tiny, tiny_x, layer="pool").gives([[[[2.5, 4.5]]]]),
    call(params, test_x[:2], "pool"),
    call(tiny, tiny_x, "Relu1").raises(ValueError),
    call(tiny, tiny_x, "fc").raises(ValueError),
)

# %% nbgrader={"grade_id": "activation_maps-hidden", "points": 5}
# The hidden tests of `activation_maps` run here when your work is graded. First the first layer, and unknown names.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11011)
p, x = random_params(rng, (4, 6), (3, 2)), rng.standard_normal((2, 1, 4, 6))
check.hidden(
    "activation_maps", activation_maps, "the first convolution", call(p, x, "conv1"), call(p, x[:1], "conv1")
)
check.hidden(
    "activation_maps",
    activation_maps,
    "the first ReLU",
    call(p, x, layer="relu1"),
    *call(p, x, "relu1").in_every_form(),
)
check.hidden(
    "activation_maps",
    activation_maps,
    "names that no layer has",
    *[call(p, x, name).raises(ValueError) for name in ("conv3", "relu", "POOL", "", "conv1.w", "scores")],
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "activation_maps-hidden-deeper", "points": 5}
# The next rung: the second convolution, its ReLU and the pool.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11012)
p, x = random_params(rng, (5, 4), (2, 4)), rng.standard_normal((3, 1, 5, 4))
check.hidden(
    "activation_maps", activation_maps, "the second convolution", call(p, x, "conv2"), call(p, x[1:], "conv2")
)
check.hidden("activation_maps", activation_maps, "the second ReLU", *call(p, x, "relu2").in_every_form())
q, v = random_params(rng, (6, 8), (3, 2)), rng.standard_normal((2, 1, 6, 8))
check.hidden(
    "activation_maps", activation_maps, "the pool", call(q, v, "pool"), call(q, layer="pool", x=v[:1])
)
check.hidden(
    "activation_maps",
    activation_maps,
    "the pool of maps with an odd number of rows or columns",
    call(p, x, "pool"),
    call(random_params(rng, (4, 7)), rng.standard_normal((1, 1, 4, 7)), "pool"),
)
check.hidden(
    "activation_maps",
    activation_maps,
    "images of integers",
    call(q, rng.integers(0, 17, (2, 1, 6, 8)), "conv2"),
    call(q, rng.integers(0, 255, (2, 1, 6, 8)).astype(np.uint8), "pool"),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is a window into the network. Here is one digit that it had never seen, and what the
eight filters of the first layer and the sixteen of the second make of it. The first maps are still pictures of the
digit, each with other edges lit. The later ones are sparser: most pixels are 0, and what is lit says *here is
something like this*.
"""

# %% tags=["figure"]
example = int(np.flatnonzero(test_y == 5)[0])
fig, ax = plt.subplots(figsize=(1.6, 1.7))
ax.imshow(-test_x[example, 0], cmap="gray")
ax.set(title="the image", xticks=[], yticks=[])
ax.spines[:].set_visible(True)
plt.show()
first, second = (
    activation_maps(params, test_x[example : example + 1], name)[0] for name in ("relu1", "relu2")
)
figures.feature_maps(first, [f"relu1, {c}" for c in range(8)], columns=8)
figures.feature_maps(second, [f"relu2, {c}" for c in range(16)], columns=8)
print(f"zeros in relu1: {np.mean(first == 0):.0%}, in relu2: {np.mean(second == 0):.0%}")

# %% [markdown]
r"""
## Dead filters

A ReLU that is never on teaches nothing. If a filter's map is 0 at every position of every image, its gradient is 0,
too: $\partial L/\partial z = \partial L/\partial a \cdot [z > 0]$. So its weights never move again. The filter is
**dead**. The usual cause is one step that was too long: a **learning rate too high** throws the weights or the bias
so far that $z$ is negative for everything there is.

A filter that is silent on one image is doing its job: it looks for something that is not there. Only silence on *many*
images is suspicious, and how many is for you to say: the threshold is a fraction of the images.

### Exercise 11.2 · `dead_filters`
●●○○ · 10 min

Return the indices of the channels whose whole map is 0 on at least the fraction `threshold` of the images.

<details><summary>Hint 1: two questions, one after the other</summary>

First, for every image and channel: is this map 0 everywhere? That is an array (N, C). Then, for every channel: on which
fraction of the images?
</details>

<details><summary>Hint 2: the axes</summary>

The maximum of a map over its last two axes is above 0 exactly when the filter is alive on that image. The mean of an
array of bools over the axis of the images is a fraction.
</details>

<details><summary>Hint 3: indices</summary>

`np.flatnonzero(mask)` lists the places where a 1-d mask is true, in rising order; an empty array where there is none.
</details>
"""


# %% nbgrader={"grade_id": "dead_filters", "solution": true}
def dead_filters(activations, threshold):
    """Channels that are silent on many images.

    activations: (N, C, H, W), maps after a ReLU, so none of their values is negative.
    threshold: 0 < threshold <= 1, a fraction of the images.
    Returns the channels, a sorted 1-d array of ints (maybe empty), whose whole map is 0 (no value above 0, however
    small) on at least this fraction of the N images.
    """
    ### BEGIN SOLUTION
    silent = activations.max(axis=(2, 3)) == 0  # (N, C)
    return np.flatnonzero(silent.mean(axis=0) >= threshold)
    ### END SOLUTION


# %% nbgrader={"grade_id": "dead_filters-examples", "points": 5}
nothing, spot = [[0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 2, 0]]
four_images = np.array(
    [
        [spot, nothing, nothing, spot],  # image 0: channels 1 and 2 are silent
        [spot, nothing, spot, spot],
        [spot, nothing, nothing, spot],
        [spot, nothing, spot, nothing],
    ]
)

check.examples(
    "dead_filters",
    dead_filters,
    call(four_images, 1.0).gives([1]),
    call(four_images, 0.75).gives([1]),
    call(four_images, 0.5).gives([1, 2]),  # channel 2 is silent on exactly half of them
    call(four_images, threshold=0.25).gives([1, 2, 3]),
    call(four_images / 1e9, 0.5).gives([1, 2]),  # faint is not dead
    call(four_images[:, :1], 0.5).gives(np.array([], dtype=int)),
)

# %% nbgrader={"grade_id": "dead_filters-hidden", "points": 7}
# The hidden tests of `dead_filters` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11021)
maps = np.maximum(rng.standard_normal((8, 6, 3, 4)), 0)
maps[..., 0, 1] += 0.25
for channel, silent in enumerate((0, 2, 4, 5, 6, 8)):  # on so many of the 8 images
    maps[rng.permutation(8)[:silent], channel] = 0
mixed = maps[:, rng.permutation(6)]
check.hidden(
    "dead_filters",
    dead_filters,
    "thresholds that some channel meets exactly",
    *[call(mixed, threshold) for threshold in (0.25, 0.5, 0.625, 0.75, 1.0)],
)
check.hidden(
    "dead_filters",
    dead_filters,
    "thresholds in between",
    *[call(mixed, threshold) for threshold in (0.1, 0.3, 0.55, 0.7, 0.9)],
    call(activations=mixed[:4], threshold=0.6),
)
check.hidden(
    "dead_filters", dead_filters, "read-only arrays, views and float32", *call(maps, 0.5).in_every_form()
)
check.hidden(
    "dead_filters", dead_filters, "no dead channel at all", call(maps[:, :1], 0.25), call(maps + 1, 0.125)
)
check.hidden(
    "dead_filters",
    dead_filters,
    "faint channels, and integers",
    call(mixed * 1e-9, 0.5),
    call(np.ceil(mixed).astype(int), 0.5),
    call(np.ceil(40 * mixed).astype(np.uint8), 0.75),
)
check.hidden("dead_filters", dead_filters, "a single image", call(mixed[:1], 0.5), call(mixed[:1, :2], 1.0))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is an alarm. Train the same network from the same start at five learning rates, and count:
"""

# %%
print("learning rate   accuracy   dead in relu1   dead in relu2")
nets = {}
for lr in (0.05, 0.1, 0.17, 0.22, 0.4):
    nets[lr] = train(start, digits[seen], digit_labels[seen], 4, lr, np.random.default_rng(2))
    dead = [len(dead_filters(activation_maps(nets[lr], test_x, name), 1.0)) for name in ("relu1", "relu2")]
    print(f"{lr:13} {accuracy(nets[lr], test_x, test_y):10.1%} {dead[0]:10} of 8 {dead[1]:9} of 16")

# %% [markdown]
"""
And dead is dead. Take the network of rate 0.22, in which some filters died and some did not, and ask for the gradient
of the loss with respect to each filter of its second layer. Lowering the learning rate now would help the living
only:
"""

# %% tags=["figure"]
hurt = nets[0.22]
dead = dead_filters(activation_maps(hurt, test_x, "relu2"), 1.0)
scores, cache = forward(hurt, test_x)
grads, _ = backward(hurt, cache, cross_entropy(scores, test_y)[1])
size = np.sqrt((grads["conv2.w"] ** 2).sum((1, 2, 3)))
fig, ax = plt.subplots(figsize=(7.5, 2.4))
ax.bar(range(16), size, color=figures.OUTPUT)
ax.plot(
    dead, np.zeros(len(dead)), "x", color=figures.WRONG, ms=9, mew=2.5, clip_on=False, zorder=3, label="dead"
)
ax.set(
    xticks=range(16),
    xlabel="filter of conv2",
    ylabel="size of its gradient",
    title="A dead filter hears nothing",
)
ax.legend()
plt.show()

# %% [markdown]
r"""
The remedy is a new start with a smaller rate (or a leaky ReLU, which is never quite off). Filters can also die of a bad
design: Zeiler and Fergus looked at AlexNet's first layer, saw dead filters and coarse ones, and changed its 11 × 11
kernels with stride 4 to 7 × 7 with stride 2; fewer died, and the network got better. They found it by looking.

## Do two filters do the same work?

Filters can also waste their place by agreeing. If two maps always rise and fall together, the second one tells the
next layer nothing new: **feature maps should be uncorrelated.** Take all values of channel $c$, over all images and
positions, as one long vector $v_c$ of $n = N \cdot H \cdot W$ numbers. The Pearson correlation of two channels is the
cosine of the two vectors after their means are removed, as in chapter 1:

$$r_{cd} = \frac{\langle v_c - \bar v_c,\; v_d - \bar v_d\rangle}{\lVert v_c - \bar v_c\rVert\;\lVert v_d - \bar v_d\rVert}$$

### Exercise 11.3 · `map_correlation`
●●●○ · 15 min

Return the matrix of all $r_{cd}$. A channel that is constant, such as a dead one, has no direction: let it have
correlation 0 with every other channel, and 1 with itself.

<details><summary>Hint 1: one row a channel</summary>

In memory the images come first. Bring the channel axis to the front before you reshape to (C, N·H·W); a reshape alone
would cut across images and channels.
</details>

<details><summary>Hint 2: all at once</summary>

With each row centred and divided by its norm, the matrix is `rows @ rows.T`.
</details>

<details><summary>Hint 3: constant channels</summary>

Their norm is 0, or by rounding something like 1e-16, also where all values are 0.1. Find them by their largest and
smallest value, set their rows to 0, and the diagonal to 1 in the end.
</details>
"""


# %% nbgrader={"grade_id": "map_correlation", "solution": true}
def map_correlation(activations):
    """Pearson correlations between channels, over all images and positions at once.

    activations: (N, C, H, W).
    Returns (C, C), from -1 to 1. A constant channel, of whatever value, has 0 with the others and 1 with itself.
    """
    ### BEGIN SOLUTION
    rows = np.moveaxis(activations, 1, 0).reshape(activations.shape[1], -1).astype(float)
    constant = rows.max(axis=1) == rows.min(axis=1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows[constant] = 0
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    norms[constant] = 1
    rows = rows / norms
    correlation = rows @ rows.T
    np.fill_diagonal(correlation, 1)
    return correlation
    ### END SOLUTION


# %% nbgrader={"grade_id": "map_correlation-examples", "points": 6}
stripes = np.array([[1, 0, 1, 0], [1, 0, 1, 0]])
halves = np.array([[1, 1, 0, 0], [1, 1, 0, 0]])

check.examples(
    "map_correlation",
    map_correlation,
    # the same map, louder and on a higher floor; and one that has nothing to do with it
    call(np.stack([stripes, 3 * stripes + 5, halves])[None]).gives([[1, 1, 0], [1, 1, 0], [0, 0, 1]]),
    # opposites
    call(np.stack([stripes, 1 - stripes])[None]).gives([[1, -1], [-1, 1]]),
    # a constant channel
    call(np.stack([stripes, np.full((2, 4), 7)])[None]).gives([[1, 0], [0, 1]]),
    # two images, each of which is flat: together they are not
    call(np.array([[[[0, 0]], [[1, 1]]], [[[2, 2]], [[5, 5]]]])).gives([[1, 1], [1, 1]]),
    call(activation_maps(params, test_x[:5], "relu1")),
)

# %% nbgrader={"grade_id": "map_correlation-hidden", "points": 4}
# The hidden tests of `map_correlation` run here when your work is graded. First channels that all vary.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11031)
maps = rng.standard_normal((3, 4, 2, 5)) + rng.standard_normal((3, 1, 2, 5)) + np.arange(4)[:, None, None]
check.hidden(
    "map_correlation",
    map_correlation,
    "several images and channels",
    call(maps),
    call(maps[:, :2]),
    call(maps[:1]),
)
check.hidden(
    "map_correlation", map_correlation, "read-only arrays, views and float32", *call(maps).in_every_form()
)
check.hidden(
    "map_correlation",
    map_correlation,
    "images of different brightness",
    call(maps + np.array([0, 5, -9])[:, None, None, None]),
)
check.hidden(
    "map_correlation",
    map_correlation,
    "channels of very different size",
    call(maps * np.array([1e-4, 1, 1e3, 1e-3])[:, None, None]),
)
check.hidden(
    "map_correlation",
    map_correlation,
    "integers",
    call(rng.integers(0, 9, (2, 3, 4, 3))),
    call(rng.integers(100, 250, (3, 3, 2, 3)).astype(np.uint8)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "map_correlation-hidden-constant", "points": 4}
# The next rung: channels that do not vary.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11032)
maps = rng.standard_normal((2, 5, 3, 4)) + 1
maps[:, 1], maps[:, 3] = 0, -2
check.hidden(
    "map_correlation",
    map_correlation,
    "constant channels",
    call(maps),
    call(maps[:, 1:2]),
    call(maps[:, 1:4]),
)
tenths = rng.standard_normal((3, 3, 3, 3))
tenths[:, 0], tenths[:, 2] = 0.1, 0.7
check.hidden(
    "map_correlation",
    map_correlation,
    "constant channels of 0.1 or 0.7, whose standard deviation is 0 up to rounding",
    call(tenths),
)
steps = np.zeros((2, 2, 2, 3))
steps[1, 0], steps[:, 1, 0] = 1, 4
check.hidden(
    "map_correlation", map_correlation, "channels that are constant on each image, but vary", call(steps)
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** compares filters by what they *do*, not by how their weights look. Below are the eight
filters of the first layer, on 599 unseen digits: before training, after it, and after training from a start in which
filters 0 and 1 were **twins**, with equal weights in and equal weights out. Twins get equal gradients, so they stay
twins for ever: one filter wasted. That is why networks are started at random.
"""

# %% tags=["figure"]
twins = {name: p.copy() for name, p in start.items()}
twins["conv1.w"][1], twins["conv2.w"][:, 1] = twins["conv1.w"][0], twins["conv2.w"][:, 0]
twins = train(twins, digits[seen], digit_labels[seen], 4, 0.05, np.random.default_rng(2))

fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.1))
for ax, (title, net) in zip(
    axes, (("before training", start), ("trained", params), ("born as twins", twins)), strict=True
):
    r = map_correlation(activation_maps(net, test_x, "conv1"))
    drawn = ax.imshow(r, cmap=figures.SIGNED, vmin=-1, vmax=1)
    ax.set(title=f"{title}\n$r_{{01}}$ = {r[0, 1]:.2f}", xticks=range(8), yticks=range(8), xlabel="filter")
axes[0].set_ylabel("filter")
fig.colorbar(drawn, ax=axes, label="correlation", shrink=0.8)
plt.show()

# %% [markdown]
"""
## What excites a unit?

Another way to ask a filter what it looks for: show it everything you have, and keep what it likes most. Sort the
images by the filter's response, for instance by the largest value of its map, and look at the first few. It takes no
mathematics and works for any unit of any network.

### Exercise 11.4 · `top_activating`
●○○○ · 10 min

Return the `k` images with the largest responses, the largest first, and their indices. Of equal responses, the image
with the smaller index comes first.

<details><summary>Hint 1: a nudge</summary>

`np.argsort` gives the order that would sort an array, from small to large. You want it from large to small.
</details>

<details><summary>Hint 2: ties</summary>

Reversing the order also reverses ties. Sort the negated responses instead, with `kind="stable"`, which leaves equals
in their old order.
</details>

<details><summary>Hint 3: small integers</summary>

For `uint8`, −1 is 255 and −0 is 0: convert to float before you negate.
</details>
"""


# %% nbgrader={"grade_id": "top_activating", "solution": true}
def top_activating(images, responses, k):
    """The k images with the largest responses.

    images: (N, ...). responses: (N,), any real type. k: int, 1 <= k <= N.
    Returns (images[order], order), order an int array (k,): the largest response first, ties by index.
    """
    ### BEGIN SOLUTION
    order = np.argsort(-responses.astype(float), kind="stable")[:k]
    return images[order], order
    ### END SOLUTION


# %% nbgrader={"grade_id": "top_activating-examples", "points": 4}
letters = np.arange(5)[:, None] * 11  # five "images" of one pixel: 0, 11, 22, 33, 44

check.examples(
    "top_activating",
    top_activating,
    call(letters, np.array([0.5, 2, 1, 3, 0]), 2).gives(([[33], [11]], [3, 1])),
    call(letters, np.array([0.5, 2, 1, 3, 0]), k=1).gives(([[33]], [3])),
    call(letters, np.array([1, 4, 1, 4, 2]), 4).gives(
        ([[11], [33], [44], [0]], [1, 3, 4, 0])
    ),  # ties by index
    call(letters, np.array([-1, -3, -2, -5, -4]), 2).gives(([[0], [22]], [0, 2])),
    call(letters, np.array([0, 1, 200, 1, 0], dtype=np.uint8), 3).gives(([[22], [11], [33]], [2, 1, 3])),
)

# %% nbgrader={"grade_id": "top_activating-hidden", "points": 6}
# The hidden tests of `top_activating` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11041)
pics, r = rng.standard_normal((9, 2, 3, 4)), rng.standard_normal(9)
check.hidden(
    "top_activating",
    top_activating,
    "real responses, all different",
    *[call(pics, r, k) for k in (1, 4, 9)],
    call(images=pics[:, 0], responses=r - 5, k=3),
)
check.hidden(
    "top_activating", top_activating, "read-only arrays, views and float32", *call(pics, r, 5).in_every_form()
)
ties = np.array([2.0, 5, 2, 0, 5, 5, 0, 2, 1])
check.hidden(
    "top_activating",
    top_activating,
    "equal responses",
    *[call(pics, ties, k) for k in (2, 5, 8)],
    call(pics, -ties, 4),
    call(pics[:6], np.zeros(6), 4),
)
check.hidden(
    "top_activating",
    top_activating,
    "responses of integers",
    call(pics, rng.integers(-9, 9, 9), 6),
    call(pics, np.array([3, 0, 250, 7, 0, 7, 129, 1, 0], dtype=np.uint8), 9),
)
check.hidden("top_activating", top_activating, "images without a channel axis", call(pics[:, 0, 0], r, 4))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** lets the filters introduce themselves. Each row belongs to one filter of the second layer
and shows the eight unseen digits that make it answer most strongly anywhere. Rows in which one kind of stroke, or
even one digit, returns again and again belong to filters whose meaning you can put into words; others seem to mix
things.
"""

# %% tags=["figure"]
strongest = activation_maps(params, test_x, "relu2").max((2, 3))  # (599, 16)
favourites = [top_activating(test_x[:, 0], strongest[:, c], 8) for c in range(5)]
fig, axes = plt.subplots(5, 8, figsize=(7.6, 4.9))
for c, (row, (pictures, order)) in enumerate(zip(axes, favourites, strict=True)):
    for ax, picture in zip(row, pictures, strict=True):
        ax.imshow(-picture, cmap="gray")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    row[0].set_ylabel(f"filter {c}", rotation=0, ha="right", va="center")
    print(f"filter {c} likes the digits", *test_y[order])
plt.show()

# %% [markdown]
r"""
## Cover it up

So far you have asked what *filters* do. The more important question is about *decisions*: which part of this image
made the network say so? An experimenter's answer: cover a part, and look whether the decision suffers. Slide a grey
patch over the image, and record at each position **the probability of the true class**. Where it falls, something
important was hidden. This is **occlusion sensitivity**. It treats the network as a black box and works with anything
that returns probabilities.

### Exercise 11.5 · `occlusion_map`
●●●○ · 20 min

`predict` is a function that takes a batch of images $(M, C, H, W)$ and returns probabilities $(M, K)$. Entry $(i, j)$
of your map is the probability of `label` when rows $i s \dots i s + \text{size} - 1$ and the like columns, on all
channels, are set to `fill`; $s$ is the stride, and only patches that lie inside the image count.

<details><summary>Hint 1: a nudge</summary>

Two loops over the positions of a window, as in chapter 2. How many windows fit? For each one: a fresh copy of the
image, a slice set to `fill`, one call of `predict`.
</details>

<details><summary>Hint 2: what predict wants</summary>

A batch, also of one image: `predict(covered[None])` has shape (1, K). You may also collect all the covered images and
call it once, which is faster.
</details>

<details><summary>Hint 3: types</summary>

A copy of an image of integers cuts a fill of 0.5 to 0. Copy with `image.astype(float)`.
</details>
"""


# %% nbgrader={"grade_id": "occlusion_map", "solution": true}
def occlusion_map(predict, image, label, size, stride=1, fill=0.0):
    """The probability of a class while a patch covers each part of the image in turn.

    predict: function, (M, C, H, W) -> probabilities (M, K), for any M >= 1; it accepts no other shape.
    image: (C, H, W), any real type, at least size x size; it stays as it is, even during the call.
    label: int, the class to watch. size, stride: ints, side and step of the square patch. fill: number.
    Returns ((H - size) // stride + 1, (W - size) // stride + 1).
    """
    ### BEGIN SOLUTION
    _, H, W = image.shape
    rows, columns = range(0, H - size + 1, stride), range(0, W - size + 1, stride)
    result = np.zeros((len(rows), len(columns)))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            covered = image.astype(float)
            covered[:, top : top + size, left : left + size] = fill
            result[i, j] = predict(covered[None])[0, label]
    return result
    ### END SOLUTION


# %% nbgrader={"grade_id": "occlusion_map-examples", "points": 6}
def brighter_half(batch):
    """A black box: the shares of the light in the left and in the right half of each image."""
    if np.ndim(batch) != 4:
        raise ValueError(f"a batch (M, C, H, W) is expected, not an array of shape {np.shape(batch)}")
    light = np.sum(batch, axis=(1, 2), dtype=float)  # (M, W)
    half = light.shape[1] // 2
    shares = np.stack([light[:, :half].sum(1), light[:, half:].sum(1)], axis=1)
    return shares / shares.sum(1, keepdims=True)


lamp = np.array([[[1, 1, 0, 0], [1, 1, 0, 4]]])  # light: 4 on the left, 4 on the right

check.examples(
    "occlusion_map",
    occlusion_map,
    # hide the lamp of 4 and only the left half shines; hide all of the left half and only the right one does
    call(brighter_half, lamp, 1, 2).gives([[1, 4 / 6, 0]]),
    call(brighter_half, lamp, label=0, size=2).gives([[0, 2 / 6, 1]]),
    call(brighter_half, lamp, 1, 2, stride=2).gives([[1, 0]]),
    call(brighter_half, lamp, 1, 1).gives([[4 / 7, 4 / 7, 0.5, 0.5], [4 / 7, 4 / 7, 0.5, 0]]),
    call(brighter_half, lamp, 1, 2, fill=0.5).gives([[4 / 6, 5 / 8, 2 / 6]]),
    call(brighter_half, np.concatenate([lamp, 1 - lamp % 2]), 1, 2, stride=2),
)

# %% nbgrader={"grade_id": "occlusion_map-hidden", "points": 5}
# The hidden tests of `occlusion_map` run here when your work is graded. First stride 1.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11051)


def box(rng, size, classes=3):
    """A black box that weighs every pixel, and is strict about the shape of what it gets."""
    weights = rng.standard_normal((int(np.prod(size)), classes)) / 2

    def predict(batch):
        if np.ndim(batch) != 4 or np.shape(batch)[1:] != size:
            raise ValueError("predict takes a batch (M, C, H, W)")
        return softmax(np.asarray(batch, dtype=float).reshape(len(batch), -1) @ weights)

    return predict


f, x = box(rng, (1, 4, 6)), rng.standard_normal((1, 4, 6))
check.hidden(
    "occlusion_map", occlusion_map, "one channel", call(f, x, 2, 2), call(f, x, 0, 3), call(f, x, 1, size=1)
)
check.hidden(
    "occlusion_map",
    occlusion_map,
    "a patch as large as the image",
    call(f, x, 0, 4),
    call(f, x, label=2, size=4),
)
f, x = box(rng, (3, 5, 4), 4), rng.standard_normal((3, 5, 4))
check.hidden(
    "occlusion_map",
    occlusion_map,
    "several channels and another fill",
    call(f, x, 3, 2, fill=0.5),
    call(f, x, 1, 3, 1, -2.0),
)
check.hidden(
    "occlusion_map",
    occlusion_map,
    "read-only arrays, views and float32",
    *call(f, x, 2, 2, fill=0.25).in_every_form(),
)
check.hidden(
    "occlusion_map",
    occlusion_map,
    "an image of integers",
    call(f, rng.integers(0, 5, (3, 5, 4)), 0, 2, fill=0.5),
    call(f, rng.integers(0, 5, (3, 5, 4)).astype(np.uint8), 2, 3, fill=0.25),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "occlusion_map-hidden-stride", "points": 5}
# The next rung: strides.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11052)
weights = rng.standard_normal((2 * 6 * 9, 3)) / 2


def judge(batch):
    if np.ndim(batch) != 4 or np.shape(batch)[1:] != (2, 6, 9):
        raise ValueError("predict takes a batch (M, C, H, W)")
    return softmax(np.asarray(batch, dtype=float).reshape(len(batch), -1) @ weights)


x = rng.standard_normal((2, 6, 9))
check.hidden(
    "occlusion_map",
    occlusion_map,
    "strides that reach the border",
    call(judge, x, 0, 3, stride=3),
    call(judge, x, 2, 2, 1, 0.5),
    call(judge, x, 1, 6, stride=3),
)
check.hidden(
    "occlusion_map",
    occlusion_map,
    "strides that leave pixels over",
    call(judge, x, 1, 2, stride=3, fill=0.75),
    call(judge, x, 0, 3, 2),
    call(judge, x, 2, 4, stride=7),
)
check.hidden(
    "occlusion_map",
    occlusion_map,
    "strides, in every memory layout",
    *call(judge, x, 2, 3, stride=2, fill=-1.0).in_every_form(),
)
check.hidden(
    "occlusion_map",
    occlusion_map,
    "strides, and an image of integers",
    call(judge, rng.integers(-3, 9, (2, 6, 9)), 1, 2, stride=2, fill=0.5),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** points a finger at the decisive stroke. Below are six unseen digits, and the probability
of their true class while 3 × 3 pixels are erased. Each patch is drawn at its centre; **pink is where the cover
hurts**.
"""


# %% tags=["figure"]
def show_occlusion(net, pictures, labels, size, stride, fill=None):
    """Each image above its occlusion map; fill None is the mean of the image."""
    hurt = LinearSegmentedColormap.from_list("hurt", [figures.WRONG, "white"])
    fig, axes = plt.subplots(2, len(pictures), figsize=(8.6, 3.4))
    for (above, below), picture, label in zip(axes.T, pictures, labels, strict=True):
        cover = picture.mean() if fill is None else fill
        p = occlusion_map(lambda x: softmax(forward(net, x)[0]), picture, label, size, stride, cover)
        first, (rows, columns) = (size - stride) / 2 - 0.5, p.shape
        place = (first, first + columns * stride, first + rows * stride, first)
        above.imshow(picture[0], cmap="gray", vmin=0, vmax=1)
        drawn = below.imshow(p, cmap=hurt, vmin=0, vmax=1, extent=place)
        below.set(xlim=above.get_xlim(), ylim=above.get_ylim(), title=f"lowest {p.min():.2f}")
        for ax in (above, below):
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(True)
    fig.colorbar(drawn, ax=axes, label="probability of its class", shrink=0.8)
    plt.show()


six = [int(np.flatnonzero(test_y == digit)[1]) for digit in (0, 3, 4, 6, 8, 9)]
show_occlusion(params, test_x[six], test_y[six], size=3, stride=1, fill=0.0)

# %% [markdown]
"""
Larger images tell more. Here is a **face detector**: the same architecture, trained to tell 100 faces from 100
cut-outs of photographs that show none, 25 × 25 pixels each. A third is kept for testing.
"""

# %% tags=["figure"]
faces, is_face = images.faces()
faces = faces[:, None]  # (200, 1, 25, 25)
order = np.random.default_rng(1).permutation(200)
kept, used = order[:66], order[66:]
blank = init_params(np.random.default_rng(1), image=(25, 25), classes=2)
detector = train(blank, faces[used], is_face[used], 12, 0.02, np.random.default_rng(3), batch_size=16)
print(f"right on the {len(kept)} images it never saw: {accuracy(detector, faces[kept], is_face[kept]):.0%}")
face_ids, other_ids = kept[is_face[kept] == 1], kept[is_face[kept] == 0]
figures.pictures(
    [faces[i, 0] for i in [*face_ids[:5], *other_ids[:5]]], ["face"] * 5 + ["no face"] * 5, columns=10
)

# %% [markdown]
"""
Cover 7 × 7 pixels at a time with the image's mean grey, and see how far the probability of *face* falls at worst.
`top_activating` picks the six unseen faces that suffer most:
"""

# %% tags=["figure"]
worst = [
    occlusion_map(lambda x: softmax(forward(detector, x)[0]), faces[i], 1, 7, 3, faces[i].mean()).min()
    for i in face_ids
]
_, frail = top_activating(faces[face_ids], -np.array(worst), 6)
print(
    f"{np.mean(np.array(worst) < 0.5):.0%} of the {len(face_ids)} unseen faces can be hidden by one grey patch"
)
show_occlusion(detector, faces[face_ids[frail]], [1] * 6, size=7, stride=1)

# %% [markdown]
"""
For most faces no single patch matters: what speaks for *face* is spread over the picture, and the rest is enough. Now
the same six under a **black** patch:
"""

# %% tags=["figure"]
show_occlusion(detector, faces[face_ids[frail]], [1] * 6, size=7, stride=1, fill=0.0)

# %% [markdown]
"""
That hurts more, and elsewhere. A black square is not only a lack of eyes or mouth; it is *something*, with edges that
no face has. The cover is part of the experiment: choose one that says as little as possible, and try a second before
you believe the first.
"""

# %% [markdown]
"""
## Right for the wrong reason

Suppose that the faces come from an agency that stamps a little sign into the corner of its pictures, and the other
images don't. Nobody notices. A network is trained, and tested on images it has never seen, from the same source:
"""


# %%
def stamped(pictures):
    """With the agency's sign, 3 x 3 pixels, in the lower right corner."""
    marked = pictures.copy()
    marked[:, :, 21:24, 21:24] = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    return marked


source = faces.copy()
source[is_face == 1] = stamped(faces[is_face == 1])
fooled = train(blank, source[used], is_face[used], 12, 0.02, np.random.default_rng(3), batch_size=16)

print(f"on unseen images of this source: {accuracy(fooled, source[kept], is_face[kept]):.0%} right")
print(f"faces without the sign:          {accuracy(fooled, faces[face_ids], is_face[face_ids]):.0%} right")
print(
    f"other things with the sign:      {accuracy(fooled, stamped(faces[other_ids]), is_face[other_ids]):.0%} right"
)

# %% [markdown]
"""
The test could not tell, because it had the same flaw as the training. The occlusion map can:
"""

# %% tags=["figure"]
show_occlusion(fooled, source[face_ids[frail]], [1] * 6, size=7, stride=1)

# %% [markdown]
r"""
This is no toy problem. Networks have recognised horses by a photographer's copyright line, and pneumonia by the marks
that a hospital puts on its X-ray images. **Look before you trust.**

## Follow the slope

Occlusion takes one run of the network for each patch. Backpropagation gives an answer for *all pixels in one step*:
how fast does the score of a class change as I change this pixel a little? For an image $x$ and a class $\ell$,

$$S_{r,c} \;=\; \max_{\text{channels } k}\; \left| \frac{\partial\, \text{score}_\ell}{\partial\, x_{k,r,c}} \right|$$

is the **saliency map**. It takes the score *before* the softmax: the probability of a network that is sure hardly
changes, whatever you do, and rises also where the scores of *others* fall.

### Exercise 11.6 · `saliency`
●●●○ · 15 min

Return the saliency map of one image. The weights stay as they are: for once, the gradient goes to the image.

<details><summary>Hint 1: a nudge</summary>

`backward` turns the gradient of *something* with respect to the scores into the gradient of that something with
respect to the image. The something here is one of the scores.
</details>

<details><summary>Hint 2: where it starts</summary>

The gradient of score $\ell$ with respect to all scores is 1 at $\ell$ and 0 elsewhere. `forward` and `backward` work
on batches, so it has shape (1, K), and your image `x[None]`.
</details>

<details><summary>Hint 3: nearly the answer</summary>

`_, grad_x = backward(params, cache, grad)` has shape (1, C, H, W). Take the absolute value first, then the maximum
over channels.
</details>
"""


# %% nbgrader={"grade_id": "saliency", "solution": true}
def saliency(params, x, label):
    """How fast the score of a class changes with each pixel.

    params: dict of arrays, as above. x: one image (C, H, W). label: int, the class.
    Returns (H, W): the absolute slope of the label's score (before softmax), the largest over channels.
    """
    ### BEGIN SOLUTION
    scores, cache = forward(params, x[None])
    grad = np.zeros(scores.shape)
    grad[0, label] = 1
    _, grad_x = backward(params, cache, grad)
    return np.abs(grad_x[0]).max(axis=0)
    ### END SOLUTION


# %% [markdown]
"""
In the tiny network, score 0 is pool₀ − pool₁, and the pool took its values from the pixels (0, 1) and (1, 2) of
`relu2`. There the second layer is pixel − edge + 0.5, and the edge filter was off, so a slope of 1 arrives at exactly
these two pixels of the image. Score 1 is 2 pool₀ + pool₁ + 1.
"""

# %% nbgrader={"grade_id": "saliency-examples", "points": 6}
tiny_two = Params({**tiny, "conv1.w": np.concatenate([tiny["conv1.w"], -3 * tiny["conv1.w"]], axis=1)})

check.examples(
    "saliency",
    saliency,
    call(tiny, tiny_x[0], 0).gives([[0, 1, 0, 0], [0, 0, 1, 0]]),
    call(tiny, tiny_x[0], label=1).gives([[0, 2, 0, 0], [0, 0, 1, 0]]),
    # two channels: the second counts −3 times, so it has the steeper slopes
    call(tiny_two, np.concatenate([tiny_x[0], np.zeros((1, 2, 4))]), 1).gives([[0, 6, 0, 0], [0, 0, 3, 0]]),
    call(params, test_x[0], 3),
    call(params, test_x[0], 8),
)

# %% nbgrader={"grade_id": "saliency-hidden", "points": 8}
# The hidden tests of `saliency` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11061)
p, x = random_params(rng, (4, 6), (3, 4), 4), rng.standard_normal((1, 4, 6))
check.hidden("saliency", saliency, "each class of one image", *[call(p, x, label) for label in range(4)])
check.hidden("saliency", saliency, "read-only arrays, views and float32", *call(p, x, 2).in_every_form())
q, v = random_params(rng, (5, 3), (2, 4), 2), rng.standard_normal((1, 5, 3))
check.hidden(
    "saliency", saliency, "an odd number of rows and columns", call(q, v, 0), call(params=q, x=v, label=1)
)
check.hidden(
    "saliency",
    saliency,
    "images with several channels",
    *[
        call(random_params(rng, (4, 5), channels_in=c), rng.standard_normal((c, 4, 5)), label)
        for c, label in ((2, 0), (3, 1), (4, 2))
    ],
)
check.hidden(
    "saliency",
    saliency,
    "an image of integers",
    call(p, rng.integers(-4, 9, (1, 4, 6)), 1),
    call(p, rng.integers(0, 9, (1, 4, 6)).astype(np.uint8), 3),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on the three networks: one that has learned nothing, the detector, and the fooled one.
The first row shows the slopes of the score of *face* for one unseen face; the second row their mean over all unseen
faces. A single saliency map is noisy: neighbouring pixels can have slopes far apart. The mean shows what the network
is after. Always compare with an **untrained** network: what its map shows too has not been learned.
"""

# %% tags=["figure"]
three = {
    "untrained": (blank, faces),
    "face detector": (detector, faces),
    "fooled by a sign": (fooled, source),
}
fig, axes = plt.subplots(2, 4, figsize=(8.4, 4.4))
axes[0, 0].imshow(source[face_ids[0], 0], cmap="gray", vmin=0, vmax=1)
axes[0, 0].set_title("one face")
axes[1, 0].imshow(source[face_ids, 0].mean(0), cmap="gray", vmin=0, vmax=1)
axes[1, 0].set_title("mean of all")
for column, (title, (net, pictures)) in zip(axes.T[1:], three.items(), strict=True):
    each = np.array([saliency(net, pictures[i], 1) for i in face_ids])
    for ax, slopes in zip(column, (each[0], each.mean(0)), strict=True):
        ax.imshow(slopes, cmap="gray", vmin=0, vmax=slopes.max())
    column[0].set_title(title)
for ax in axes.ravel():
    ax.set(xticks=[], yticks=[])
plt.show()

# %% [markdown] nbgrader={"grade_id": "why-saliency-question", "locked": true}
"""
### Written question 11.7 · why not trust a score?
●●○○ · 10 min

A colleague reports: "Our network is right on 99 % of the test images. I also looked at one saliency map, and the face
lights up nicely. So it has learned what a face is."

In three to six sentences: why do the 99 % not show it, why does the one map not show it, and what would you do to
find out? Say also what an occlusion map tells that a saliency map does not.

<details><summary>Hint 1</summary>

Where did the test images of the fooled network come from? What did the untrained network's map show? And what does a
slope say about a large change?
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- Accuracy: test images from the same source share its flaws (a sign, a background), so a shortcut scores as well as
  the real thing.
- One map: an example chosen by hand; maps are noisy, and an untrained network's map can look plausible, too, since it
  also follows the image's edges. Needs many images and a comparison with an untrained (or randomised) network.
- An experiment that intervenes: test on another source, remove or transplant the suspected cue, cover regions, look
  at the errors.
- Occlusion against saliency: occlusion makes a large, real change and records what happens to the decision; saliency
  is the slope for tiny changes, one backward step for all pixels, and may be 0 where the network is saturated or a
  ReLU is off.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-saliency", "solution": true, "points": 8}
"""
The test images come from the same source as the training images, so whatever shortcut the source offers, a sign in
the corner or a typical background, works on both: 99 % says that the network has found something that separates these
images, not what. One map is an anecdote: it was chosen by hand, single maps are noisy, and an untrained network's map
follows the image as well, so without that comparison it proves little. I would average maps over many images and
compare them with those of an untrained network, then intervene: cover regions, cut suspected cues out or paste them
into images of the other class, and test on images from another source. An occlusion map belongs to such experiments:
it makes a real, large change and shows what becomes of the decision, while a saliency map gives the slope for changes
that are infinitely small, and can be close to 0 where the network is merely saturated.
"""

# %% [markdown]
r"""
## Does every layer learn?

One more thing to watch, this time during training: how strongly the loss pulls at each layer. If the gradient of the
first layer is a millionth of the last one's, the first layer does not learn, however long you wait. The measure is
the norm of the gradient, one number a layer:
$\lVert \partial L / \partial W \rVert = \sqrt{\sum (\partial L / \partial w)^2}$.

### Exercise 11.8 · `gradient_norms`
●●○○ · 10 min

Return a list of pairs (name, norm) for the three weight arrays, from the first layer to the last: the L2 norms of the
gradients of the *mean* cross-entropy over the batch.

<details><summary>Hint 1: a nudge</summary>

One training step without the step: `forward`, `cross_entropy`, `backward`.
</details>

<details><summary>Hint 2: the mean</summary>

The second result of `cross_entropy` carries 1/N already.
</details>

<details><summary>Hint 3: the norm</summary>

`np.sqrt(np.sum(g**2))` does for any number of axes. The names are "conv1.w", "conv2.w" and "fc.w", in this order, in
whatever order the dict is.
</details>
"""


# %% nbgrader={"grade_id": "gradient_norms", "solution": true}
def gradient_norms(params, x, y):
    """How strongly the loss pulls at each layer's weights.

    params: dict of arrays, as above, its names in any order. x: images (N, C, H, W). y: labels (N,), ints.
    Returns [("conv1.w", norm), ("conv2.w", norm), ("fc.w", norm)]: the L2 norms of the gradients of the mean
    cross-entropy.
    """
    ### BEGIN SOLUTION
    scores, cache = forward(params, x)
    _, grad = cross_entropy(scores, y)
    grads, _ = backward(params, cache, grad)
    return [(name, float(np.sqrt(np.sum(grads[name] ** 2)))) for name in ("conv1.w", "conv2.w", "fc.w")]
    ### END SOLUTION


# %% [markdown]
"""
An example by hand: with all weights of the last layer 0, both of two classes have probability ½, and the gradient of
the scores is (−½, ½) for an image of class 0. No slope gets past weights of 0, so the first two norms are 0. The
pooled values are 2.5 and 4.5, so the last layer's gradient has the rows −½ (2.5, 4.5) and ½ (2.5, 4.5).
"""

# %% nbgrader={"grade_id": "gradient_norms-examples", "points": 4}
no_head = Params({**tiny, "fc.w": np.zeros((2, 2)), "fc.b": np.zeros(2)})
norm = np.sqrt((2.5**2 + 4.5**2) / 2)  # 3.64

check.examples(
    "gradient_norms",
    gradient_norms,
    call(no_head, tiny_x, np.array([0])).gives([("conv1.w", 0.0), ("conv2.w", 0.0), ("fc.w", norm)]),
    # the same image twice: the mean is the same
    call(no_head, tiny_x.repeat(2, 0), np.array([0, 0])).gives(
        [("conv1.w", 0.0), ("conv2.w", 0.0), ("fc.w", norm)]
    ),
    # once in each class: the two pull in opposite directions
    call(no_head, tiny_x.repeat(2, 0), np.array([0, 1])).gives(
        [("conv1.w", 0.0), ("conv2.w", 0.0), ("fc.w", 0.0)]
    ),
    call(start, test_x[:20], test_y[:20]),
)

# %% nbgrader={"grade_id": "gradient_norms-hidden", "points": 6}
# The hidden tests of `gradient_norms` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11081)
p, x = random_params(rng, (4, 6), (3, 2), 4), rng.standard_normal((5, 1, 4, 6))
y = np.array([3, 0, 1, 1, 2])
check.hidden(
    "gradient_norms",
    gradient_norms,
    "a batch of images",
    call(p, x, y),
    call(p, x[:2], y[:2]),
    call(params=p, x=x[2:], y=y[2:]),
)
check.hidden("gradient_norms", gradient_norms, "a single image", call(p, x[:1], y[:1]), call(p, x[4:], y[4:]))
check.hidden(
    "gradient_norms", gradient_norms, "read-only arrays, views and float32", *call(p, x, y).in_every_form()
)
mixed = {name: p[name] for name in rng.permutation(sorted(p)).tolist()}
back_to_front = dict(reversed(p.items()))
check.hidden(
    "gradient_norms", gradient_norms, "a dict in another order", call(mixed, x, y), call(back_to_front, x, y)
)
check.hidden(
    "gradient_norms",
    gradient_norms,
    "images and labels of other integer types",
    call(p, rng.integers(0, 5, (3, 1, 4, 6)), np.array([0, 3, 3], dtype=np.int32)),
    call(random_params(rng, (5, 3)), rng.standard_normal((2, 1, 5, 3)), np.array([2, 0], dtype=np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, for the network at its start and after training:
"""

# %%
for title, net in (("start", start), ("trained", params)):
    print(
        f"{title:8}", "   ".join(f"{name} {norm:.3f}" for name, norm in gradient_norms(net, test_x, test_y))
    )

# %% [markdown]
"""
Remember that `fc.w` starts at a hundredth of the usual size: little gets through it to the convolutions at first, and
that changes as soon as `fc.w` has grown.

Three layers are no test of depth, however. Below, the same measure for a stack of 24 convolutions of 8 channels,
before any training, in four versions. With a **sigmoid**, whose slope is at most ¼, the gradient fades on its way
down, until the first layer has none left. **ReLU** with He's weights keeps it alive. With weights of half that size
the curve is level, too, but far too low: each layer's gradient has the weights of all the *other* layers as factors,
and 23 halves are about $10^{-7}$. With **residual** connections, $y = x + F(x)$ with $F$ starting small, the skip
carries the gradient down as it is.
"""


# %% tags=["figure"]
def depth_norms(rng, x, y, depth=24, act="relu", scale=1.0, skip=False, width=8):
    """Norms of the gradients of `depth` convolutions on one batch, by the same forward and backward steps."""

    def slope(z):
        s = 1 / (1 + np.exp(-z))
        return (z > 0) * 1.0 if act == "relu" else s * (1 - s)

    zero = np.zeros(width)
    weights = [scale * he(rng, width, width, 3, 3) for _ in range(depth)]
    h, steps = conv(x, he(rng, width, 1, 3, 3), zero), []
    for w in weights:
        z = conv(h, w, zero)
        steps.append((h, w, z))
        h = (relu(z) if act == "relu" else 1 / (1 + np.exp(-z))) + (h if skip else 0)
    flat = h.reshape(len(x), -1)
    head = he(rng, 10, flat.shape[1])
    grad = (cross_entropy(flat @ head.T, y)[1] @ head).reshape(h.shape)
    norms = []
    for h, w, z in reversed(steps):
        grad_h, grad_w, _ = conv_backward(h, w, grad * slope(z))
        grad = grad_h + (grad if skip else 0)
        norms.append(np.sqrt((grad_w**2).sum()))
    return norms[::-1]


versions = {
    "residual": ({"scale": 0.1, "skip": True}, figures.INPUT),
    "ReLU, He's weights": ({}, figures.OUTPUT),
    "ReLU, half of them": ({"scale": 0.5}, figures.KERNEL),
    "sigmoid": ({"act": "sigmoid"}, figures.WRONG),
}
fig, ax = plt.subplots(figsize=(7.8, 3.6))
for name, (options, colour) in versions.items():
    norms = depth_norms(np.random.default_rng(4), test_x[:64], test_y[:64], **options)
    ax.semilogy(range(1, 25), norms, "o-", ms=3.5, color=colour, label=name)
    print(f"{name:20} first layer's gradient / last layer's: {norms[0] / norms[-1]:.1g}")
ax.set(xlabel="layer", ylabel="norm of the gradient", xlim=(0.5, 24.5))
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
"""
## Not only images: sound

Nothing in a convolution asks for pixels; it asks for inputs laid out so that *neighbours belong together*. Sound
becomes a picture by the **spectrogram**: cut the signal into short overlapping pieces, and take from each how strong
every frequency is (with `np.fft.rfft`, itself a set of inner products with sines and cosines). Time runs to the
right, pitch upwards. A whistle that rises is a line that climbs, and a 3 × 3 kernel with a bright diagonal finds it,
whenever it comes and however high it is.
"""

# %% tags=["figure"]
rate, piece, hop = 8000, 256, 128
t = np.arange(rate // 2) / rate  # half a second
slope = rate / piece / (hop / rate)  # Hz per second: one frequency bin a frame
rising = np.sin(2 * np.pi * (500 * t + slope * t**2 / 2))
falling = np.sin(2 * np.pi * (1600 * t - slope * t**2 / 2))
pause, steady = np.zeros(rate // 5), np.sin(2 * np.pi * 900 * t)
sound = np.concatenate([pause, rising, pause, steady, pause, falling, pause])
sound = sound + 0.05 * np.random.default_rng(7).standard_normal(len(sound))

pieces = np.lib.stride_tricks.sliding_window_view(sound, piece)[::hop] * np.hanning(piece)
spectrogram = np.log10(np.abs(np.fft.rfft(pieces, axis=1)).T + 1)[:64]  # up to 2 kHz
diagonal = np.eye(3) - 1 / 3
answers = relu(conv(spectrogram[None, None], np.array([[diagonal], [diagonal[:, ::-1]]]), np.full(2, -0.6)))[
    0
]

fig, axes = plt.subplots(4, 1, figsize=(8.4, 6.6), sharex=True, height_ratios=(1, 2, 2, 2))
axes[0].plot(np.arange(len(sound)) / rate, sound, color=figures.INPUT, lw=0.3)
axes[0].set(title="the sound", ylabel="pressure", yticks=[])
shown = (
    ("spectrogram", spectrogram),
    ("kernel with a rising diagonal, ReLU", answers[0]),
    ("falling diagonal, ReLU", answers[1]),
)
for ax, (title, picture) in zip(axes[1:], shown, strict=True):
    ax.imshow(
        picture,
        cmap=figures.SIGNED,
        vmin=-picture.max(),
        vmax=picture.max(),
        origin="lower",
        aspect="auto",
        extent=(0, len(sound) / rate, 0, 2),
    )
    ax.set(title=title, ylabel="kHz")
axes[-1].set_xlabel("seconds")
plt.show()

# %% [markdown]
"""
One caution: a picture's two axes are of one kind, a spectrogram's are not. The same word spoken later is the same
pattern elsewhere. The same word spoken *higher* is only roughly that, because its overtones move apart. So many
networks for sound slide along time only, and take the frequencies as channels.

What does it save? A lecture's speech recogniser takes a frame of 21 × 40 numbers and tells 138 sounds apart, with
three hidden layers of 128 units, fully connected:
"""

# %%
widths = [21 * 40, 128, 128, 128, 138]
weights = sum(a * b for a, b in itertools.pairwise(widths))
print(f"21 x 40 -> 128 -> 128 -> 128 -> 138: {weights:,} weights, {weights + sum(widths[1:]):,} with biases")

# %% [markdown]
"""
## And text

A letter is not a number: "b" is not more than "a". So each letter gets an axis of its own, **one-hot**: a column with
a single 1. A text of $L$ letters from an alphabet of $C$ becomes a signal $(C, L)$ with $C$ channels, and a kernel
$(C, K)$ slides along it, as in chapter 1. If the kernel is itself a one-hot word, its inner product with a window is
the *number of letters that agree*, and a bias of $-(K-1)$ followed by a ReLU leaves exact matches only. Trained
kernels are softer: they accept several letters at one place, and give other places less weight.
"""

# %% tags=["figure"]
alphabet = " abcdefghijklmnopqrstuvwxyz"
message, word = "a convolution net learns a net of nets", "net"


def one_hot(text):
    return (np.array(list(text)) == np.array(list(alphabet))[:, None]).astype(float)


windows = np.lib.stride_tricks.sliding_window_view(one_hot(message), len(word), axis=1)  # (27, positions, 3)
agree = np.einsum("clk,ck->l", windows, one_hot(word))
fig, axes = plt.subplots(2, 1, figsize=(8.6, 5.4), sharex=True, height_ratios=(3, 1))
axes[0].imshow(one_hot(message), cmap=figures.SIGNED, vmin=-1, vmax=1, aspect="auto")
axes[0].set(
    yticks=range(27), yticklabels=["␣", *alphabet[1:]], title=f"“{message}” as a signal with 27 channels"
)
axes[0].tick_params(axis="y", labelsize=6.5)
axes[1].vlines(range(len(agree)), 0, agree, color=figures.OUTPUT, lw=2.5)
axes[1].plot(np.flatnonzero(agree == 3), agree[agree == 3], "o", color=figures.KERNEL, ms=8)
axes[1].set(
    xticks=range(len(message)),
    xticklabels=list(message),
    yticks=range(4),
    ylim=(0, 3.6),
    ylabel="letters",
    title=f"inner product with the kernel “{word}”: letters that agree",
)
plt.show()

# %% [markdown]
"""
A text of 1000 letters from an alphabet of 100 signs, turned into another 1000 × 100 array: one fully connected layer
against one convolution with 100 kernels of width 5.
"""

# %%
units = 1000 * 100
print(f"fully connected: {units * units + units:>14,} weights and biases")
print(f"convolution:     {(100 * 5 + 1) * 100:>14,}")

# %% [markdown]
r"""
## Find the error in the lecture

The same lecture replaces its recogniser for 21 × 40 inputs by a convolutional network "of 10 layers": ten
convolutions of 3 × 3, without padding, with 3 channels each, and a fully connected layer to the 138 sounds. It counts
the weights so:

$$\underbrace{3\cdot 3\cdot 3}_{\text{first}} + \underbrace{9 \cdot (3\cdot 3\cdot 3\cdot 3)}_{\text{nine more}} + \underbrace{19 \cdot 38 \cdot 138}_{\text{fully connected}} \;=\; 100\,392 \;\approx\; 100\,\text{k}$$

"and that is fewer than the 157,952 of the fully connected network". The conclusion is right, the number is wrong by a
factor of eleven. There are two slips in one term.

<details><summary>Answer</summary>

$19 \times 38$ is the size after *one* valid 3 × 3 layer, not after ten: each takes two rows and two columns, so ten
leave $21 - 20 = 1$ by $40 - 20 = 20$. And there are 3 channels, which all go into the fully connected layer:
$1 \cdot 20 \cdot 3 = 60$ numbers, so $60 \cdot 138 = 8280$ weights there, and $27 + 729 + 8280 = 9036$ in all (9204
with biases).

The two slips work against each other. A network that really stopped after one layer would have
$19 \cdot 38 \cdot 3 \cdot 138 + 27 = 298\,935$ weights, almost twice as many as the fully connected one: it is the
*shrinking* that saves, not the word "convolution".
</details>
"""


# %%
def audio_weights(layers, channels=3, sounds=138):
    rows, columns, count, biases, c_in = 21, 40, 0, 0, 1
    for _ in range(layers):
        count, biases, c_in = count + 9 * c_in * channels, biases + channels, channels
        rows, columns = rows - 2, columns - 2
    return rows, columns, count + rows * columns * channels * sounds, biases + sounds


for layers in (1, 10):
    rows, columns, count, biases = audio_weights(layers)
    print(f"after {layers:2}: {rows} x {columns} x 3; {count:,} weights, {count + biases:,} with biases")

# %% [markdown]
"""
## What you have built

Eleven chapters ago there was one inner product. Here is one training step of a convolutional network, with the
functions *you* wrote: the way forward in blue, the way back in orange.
"""

# %% tags=["figure"]
steps = [
    ("image", "to_nchw\nnormalise", ""),
    ("convolution", "im2col\nconv2d\npad2d", "conv2d_grad_\nweight, bias,\ninput"),
    ("normalisation", "batch\n_norm2d", "batch_norm2d\n_backward"),
    ("activation", "relu", "activation\n_grad"),
    ("pooling", "max_pool2d", "max_pool2d\n_backward"),
    ("scores", "flatten\nlinear", "linear\n_backward"),
    ("loss", "softmax\ncross_entropy", "cross_entropy\n(its gradient)"),
]
fig, ax = plt.subplots(figsize=(8.8, 3.7))
ax.set(xlim=(-0.55, 6.55), ylim=(-0.5, 3.2))
ax.set_axis_off()
for i, (title, ahead, back) in enumerate(steps):
    ax.text(i, 2.95, title, ha="center", weight="bold", fontsize=9.5)
    for y, text, colour in ((2.1, ahead, figures.INPUT), (0.75, back, figures.KERNEL)):
        if text:
            box = {"boxstyle": "round,pad=0.35", "fc": figures.tint(colour, 0.15), "ec": colour}
            ax.text(i, y, text, ha="center", va="center", fontsize=8.5, bbox=box)
    if i:
        ax.annotate(
            "",
            (i - 0.40, 2.1),
            (i - 0.60, 2.1),
            arrowprops={"arrowstyle": "->", "color": figures.INPUT, "lw": 1.6},
        )
    if i > 1:
        ax.annotate(
            "",
            (i - 0.60, 0.75),
            (i - 0.40, 0.75),
            arrowprops={"arrowstyle": "->", "color": figures.KERNEL, "lw": 1.6},
        )
ax.annotate("", (6, 1.1), (6, 1.7), arrowprops={"arrowstyle": "->", "color": figures.KERNEL, "lw": 1.6})
ax.text(
    3,
    -0.3,
    "he_init → train: sgd_step, again and again → accuracy → activation_maps, occlusion_map, saliency",
    ha="center",
    fontsize=9.5,
)
plt.show()

# %% [markdown]
"""
And the whole list, chapter by chapter:

| chapter | what you wrote |
|---|---|
| [0 · Welcome](../ch00_welcome/welcome.ipynb) | `normalise`, `window`, `to_nchw` |
| [1 · One kernel, one signal](../ch01_conv1d/conv1d.ipynb) | `similarity`, `count_windows`, `cross_correlate`, `convolve`, `conv1d`, `parameter_counts`, `find_pattern` |
| [2 · Windows over images](../ch02_conv2d/conv2d.ipynb) | `cross_correlate2d`, `rotate180`, `convolve2d`, `conv2d`, `im2col`, `conv2d_matmul`, `conv1x1`, `conv_matrix` |
| [3 · Shapes](../ch03_shapes/shapes.ipynb) | `output_size`, `pad2d`, `padding_for`, `conv2d` with everything, `unseen`, `depth_until_one`, `receptive_fields`, `conv_parameters`, `linear_parameters`, `lecture_answers` |
| [4 · Detectors](../ch04_detectors/detectors.ipynb) | `sobel`, `edge_strength`, `edge_direction`, `conv_separable`, `box_kernels`, `box_response`, `find_boxes`, `match_template`, `outline_detector` |
| [5 · Pooling](../ch05_pooling/pooling.ipynb) | `max_pool2d`, `avg_pool2d`, `sum_pool2d`, `lp_pool2d`, `global_avg_pool`, `pool_as_conv`, `changed_by_shift`, `maxout`, `rotation_tolerant` |
| [6 · Backpropagation](../ch06_backprop/backprop.ipynb) | `numerical_gradient`, `conv2d_grad_bias`, `conv2d_grad_weight`, `conv2d_grad_input`, `spread`, `conv_transpose_matrix`, `adjoint_gap`, `max_pool2d_backward`, `avg_pool2d_backward` |
| [7 · Variants](../ch07_variants/variants.ipynb) | `dilate_kernel`, `conv2d_grouped`, `depthwise_separable`, `separable_saving`, `conv_transpose2d`, `possible_input_sizes`, `locally_connected2d`, `tiled_conv2d`, `variant_parameters` |
| [8 · Layers](../ch08_layers/layers.ipynb) | `relu`, `leaky_relu`, `prelu`, `elu`, `selu`, `sigmoid`, `tanh`, `activation_grad`, `softmax`, `cross_entropy`, `linear`, `linear_backward`, `flatten`, `batch_norm2d`, `batch_norm2d_backward`, `local_response_norm`, `dropout`, `he_init` |
| [9 · Architectures](../ch09_architectures/architectures.ipynb) | `layer_table`, `lenet5`, `alexnet`, `vgg`, `small_cnn`, `inception_module`, `residual_block`, `bottleneck_block`, `resnet_table`, `top_k_error`, `fc_as_conv` |
| [10 · Training](../ch10_training/training.ipynb) | `forward`, `backward`, `sgd_step`, `train`, `accuracy` |
| 11 · Understanding | `activation_maps`, `dead_filters`, `map_correlation`, `top_activating`, `occlusion_map`, `saliency`, `gradient_norms` |

### A project: read a whole page

Your network reads one digit, centred, 8 × 8. Make it read a page: a large image on which ten digits lie about at
random places.

1. **Data.** Paste digits of the test set on a 60 × 90 canvas, without overlap, and keep their places and labels. Add
   noise later.
2. **Slide the whole network.** Turn its last layer into a convolution with `fc_as_conv`. It then takes an image of
   any size and returns a *map* of scores for each digit, in one pass. How far apart are its windows, given the pool?
   `receptive_fields` knows.
3. **Teach it silence.** It has never seen "no digit". Add an eleventh class: empty patches, halves of digits, two
   halves side by side.
4. **One answer a digit.** Neighbouring windows see the same digit. Keep local maxima only, as in `find_boxes`.
5. **Measure** how many digits are found, and how many are invented. Draw the one against the other as the threshold
   moves.
6. **Look inside.** Which mistakes does it make? What do `occlusion_map` and `saliency` say about them? Are filters
   dead?
7. **Break it on purpose:** twice the size, white on black, another person's hand. What would you change: data,
   layers, or the training?

Everything you need is in the table above; nothing in it is a black box to you any more.

## Summary

- Kernels of the first layer can be looked at; deeper down, look at **activation maps**.
- A filter whose map is 0 on all images is **dead**: its gradient is 0, so it stays dead. The usual cause is a
  learning rate too high.
- Filters whose maps are **correlated** do the same work twice; twins never part.
- **Top activating** images tell in examples what a unit is after.
- **Occlusion** changes the image and watches the probability; **saliency** is the slope of the score, all pixels in
  one backward step.
- A test set from the same source can't expose a shortcut. Look inside, compare with an untrained network, intervene.
- **Gradient norms** by depth show which layers learn; He's weights and residual connections keep the gradient alive.
- Sound (spectrogram) and text (one-hot) are signals with neighbours, too. Shrinking maps, not the word "convolution",
  keep a network small.

**Read on:** Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks* (2014), on maps and occlusion;
Simonyan, Vedaldi and Zisserman, *Deep Inside Convolutional Networks* (2013), on saliency; Adebayo and others, *Sanity
Checks for Saliency Maps* (2018); Lapuschkin and others, *Unmasking Clever Hans Predictors* (2019), on the horses;
Zech and others (2018) on the X-rays; Zhang, Zhao and LeCun, *Character-level Convolutional Networks for Text
Classification* (2015); Olah, Mordvintsev and Schubert, *Feature Visualization* (Distill, 2017).

This was the last chapter. If you want to see how far you have come, go back to [the first
one](../ch00_welcome/welcome.ipynb).
"""
