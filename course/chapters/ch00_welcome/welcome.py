# %% [markdown]
"""
# 0 · Welcome

**After this chapter you can** work in these notebooks: run cells, write an answer, read what a failed check tells you,
and hand your work in. On the way you write three functions that stand at the front door of nearly every convolutional
network.

**You need** Python functions and a little numpy: indexing, slices, `.mean()`. Nothing about neural networks.
**Time:** about 60 minutes. It is a warm-up.

To begin, click into the grey cell below and press **Shift+Enter**. That runs it and moves you on to the next one.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from course.kit import CheckFailedError, Checks, call, figures, images

check = Checks("ch00_welcome")
figures.use_style()

# %% [markdown]
"""
## Where this goes

A convolutional network looks at the world through small windows: a few samples of a signal, a few pixels of an image.
In every window it does the same simple thing, an inner product: multiply, then add up. That is all. The rest is knowing
where the windows are, what to multiply with, and how to learn it; twelve chapters, one window each. At the end, layers
that you wrote yourself, every line of them, read handwriting.
"""

# %% tags=["figure"]
photo = images.camera(64)
fig = plt.figure(figsize=(8.8, 6.8), layout="none")
board = fig.add_axes((0, 0, 1, 1))
board.set(xlim=(0, 8.8), ylim=(6.8, 0))
board.set_axis_off()
corners = [
    (0.45 + 2.15 * (i if row % 2 == 0 else 3 - i), 0.1 + 2.3 * row) for row in range(3) for i in range(4)
]
board.plot(
    [x + 0.75 for x, _ in corners],
    [y + 0.75 for _, y in corners],
    color=figures.tint(figures.KERNEL, 0.45),
    lw=9,
)
stops = [
    ("Welcome", "you are here"),
    ("Signals", "one kernel slides along"),
    ("Images", "windows with two axes"),
    ("Shapes", "padding, stride, depth"),
    ("Detectors", "edges, boxes, templates"),
    ("Pooling", "a window in one number"),
    ("Backwards", "what a kernel learns from"),
    ("Variants", "dilated, grouped, ..."),
    ("Layers", "between convolutions"),
    ("Architectures", "from LeNet to ResNet"),
    ("Training", "your layers learn to read"),
    ("Understanding", "what have they learned?"),
]
frames = []
for number, ((x, y), (name, line)) in enumerate(zip(corners, stops, strict=True)):
    ax = fig.add_axes((x / 8.8, 1 - (y + 1.5) / 6.8, 1.5 / 8.8, 1.5 / 6.8), xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=figures.KERNEL, lw=2.4)
    board.add_patch(plt.Rectangle((x, y + 1.58), 1.5, 0.42, fc="white", zorder=2))
    words = {"ha": "center", "va": "center", "zorder": 3}
    board.text(x + 0.75, y + 1.69, f"{number} · {name}", fontsize=10.5, weight="bold", **words)
    board.text(x + 0.75, y + 1.89, line, fontsize=9, **words)
    frames.append(ax)
frames[0].text(0.5, 0.48, "✓", ha="center", va="center", fontsize=54, color=figures.OUTPUT)
frames[1].plot(images.eeg()[0][1, :90], color=figures.INPUT, lw=1.3)
frames[1].axvspan(38, 56, color=figures.KERNEL, alpha=0.3, lw=0)
frames[2].imshow(photo)
frames[2].add_patch(plt.Rectangle((24, 8), 17, 17, fill=False, ec=figures.KERNEL, lw=2.4))
padded = np.pad(np.full((5, 5), 0.5), 1, constant_values=0.12)
frames[3].pcolormesh(padded, cmap="Blues", vmin=0, vmax=1, edgecolors="white", lw=1.5)
frames[4].imshow(np.hypot(*np.gradient(images.coins()[:180, 150:330])), cmap="gray", vmax=0.15)
frames[5].imshow(photo.reshape(16, 4, 16, 4).max(axis=(1, 3)))
for row in (-1, 0, 1):
    frames[6].annotate(
        "",
        (0.18, 0.5 + 0.3 * row),
        (0.82, 0.5),
        arrowprops={"arrowstyle": "-|>", "color": figures.OUTPUT, "lw": 1.8},
    )
frames[6].plot(0.82, 0.5, "o", color=figures.OUTPUT, ms=11)
frames[6].plot([0.12] * 3, [0.2, 0.5, 0.8], "s", color=figures.INPUT, ms=11)
frames[6].set(xlim=(0, 1), ylim=(0, 1))
taps = np.zeros((7, 7))
taps[1::2, 1::2] = 0.6
frames[7].pcolormesh(taps, cmap="Oranges", vmin=0, vmax=1, edgecolors=figures.LINE, lw=0.6)
line = np.linspace(-3, 3, 61)
frames[8].plot(line, np.maximum(line, 0), color=figures.KERNEL)
frames[8].plot(line, np.tanh(line), color=figures.INPUT)
for k, size in enumerate((0.72, 0.56, 0.42, 0.3, 0.2)):
    box = (0.08 + 0.17 * k, 0.5 - size / 2)
    frames[9].add_patch(
        plt.Rectangle(box, 0.1, size, fc=figures.tint(figures.INPUT, 0.25 + 0.15 * k), ec=figures.INK, lw=0.8)
    )
frames[10].imshow(
    np.block([[np.pad(images.digits()[0][3 * i + j], 1) for j in range(3)] for i in range(3)]), cmap="gray_r"
)
face = images.faces()[0][1].copy()
face[6:13, 9:16] = 0.5
frames[11].imshow(face)
plt.show()

# %% [markdown]
"""
## How a chapter works

A chapter is a notebook of cells. Run them **in order**, each with Shift+Enter: a later cell uses what an earlier one
has made. If you have lost track, choose *Kernel → Restart Kernel and Run All Cells* from the menu; that also is the
best last test.

| what you see | what it is |
|---|---|
| an **answer cell** with `raise NotImplementedError()` | yours: replace that line with your code |
| an **examples cell**, `check.examples(...)` | run it as often as you like; it tries your answer and explains what is wrong. About 40 % of the marks |
| a **hidden tests cell**, only a comment | does nothing here; when your work is graded, it tries your answer on inputs that you have not seen. About 60 % |
| a **written question** | a few sentences of yours, read by a person (in self-study: by you) |
| ▸ Hint | folded away. Try first, then unfold them one by one; they go from a nudge to nearly the answer |
| a grey line that ends in ••• | the code of the picture below it, folded away; click on it if you are curious |
| ●○○○ to ●●●● · 10 min | how hard, and how long it takes most people |

The test cells are locked. Should you change one all the same, grading puts the original back. Add as many cells of your
own as you like.

## What a failed check looks like

You will fail checks. Everyone does; that is what they are for. So let us fail one now, on purpose. Exercise 0.1 asks for
channels with mean 0 and variance 1. Here is somebody who only makes them less loud:
"""

# %% nbgrader={"grade_id": "setup-two-channels", "locked": true} tags=["setup"]
two_channels = np.array([[1.0, 3.0], [10.0, 30.0]])


# %%
def too_simple(x):
    return x / np.abs(x).max()


try:
    check.examples("normalise", too_simple, call(two_channels).gives([[-1, 1], [-1, 1]]))
except CheckFailedError as failure:  # so that the notebook runs on: we fail on purpose
    print(failure)

# %% [markdown]
"""
Read it from the top. **call** is what your function was asked, so you can ask it the same yourself. **expected** and
**got** are what should have come back, and what did. **problem** says what differs first. **likely** appears when your
results agree, on several inputs, with a mistake that we know: it is a strong hint, but not a proof. The picture
shows the same as numbers or, for large arrays, as images; what is wrong is pink.

Now fail in other ways: let `too_simple` return `x[0]`, or nothing at all, and run the cell again.

A *hidden* test says less: only which property failed ("a constant channel"), and perhaps the likely cause. So when a
hidden test fails, make an example of that kind, in a cell of your own. A call that states no result asks torch:

`check.examples("window", window, call(np.arange(5), 1, 3))`

## The one rule

*You build it from inner products, then torch agrees.* Torch has all of this ready made, fast and well tested. That is why
the checks ask torch what is right. And that is why it is off limits **in your answers**, as are scipy, skimage, sklearn,
`np.convolve` and `np.correlate`: whoever calls them has learned their names. Everything else in Python and numpy is
yours, and any right answer gets full marks, be it four loops or one line.
"""


# %%
def borrowed(x):
    import torch

    return torch.nn.functional.instance_norm(torch.tensor(x[None]))[0].numpy()


try:
    check.examples("normalise", borrowed, call(two_channels))
except CheckFailedError as failure:
    print(failure)

# %% [markdown]
"""
Two rules of courtesy go with it, and the checks know them. A function **leaves its inputs as they are**: `x = x - 1`
makes a new array, while `x -= 1` changes the caller's. And it does **not hang on what kind of numbers** come in:
floats, integers, the `uint8` of an image file. That's all. Let us build something.

## Every channel on an equal footing

Here are three seconds of brain waves from four electrodes, as an amplifier might deliver them. (The waves are real. The
gains and offsets are made up: the file that we use has had them removed already.)
"""

# %% nbgrader={"grade_id": "setup-recording", "locked": true} tags=["setup"]
recording, rate, electrodes = images.eeg()
gains, offsets = np.array([[12.0], [3.0], [45.0], [7.0]]), np.array([[-30.0], [55.0], [160.0], [10.0]])
raw = gains * recording + offsets

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8.2, 3.0))
for trace, electrode in zip(raw[:, :240], electrodes, strict=True):
    ax.plot(np.arange(240) / rate, trace, label=electrode, lw=1.2)
ax.set(xlabel="time in seconds", ylabel="microvolts")
ax.legend(ncols=4, loc="upper right", bbox_to_anchor=(1, 1.14))
plt.show()

# %% [markdown]
r"""
One channel shouts, the others seem to whisper, and no two have the same zero. An inner product adds up over all
channels, so here it would hear little but the loudest. The cure is to **normalise** each channel: take its mean away,
and divide by its standard deviation.

$$y_{c,i} = \frac{x_{c,i} - \mu_c}{\sigma_c}, \qquad \mu_c = \frac1n \sum_{i} x_{c,i}, \qquad \sigma_c^2 = \frac1n \sum_{i} (x_{c,i} - \mu_c)^2$$

The sums run over all $n$ values of channel $c$: the samples of a signal $(C, L)$, or all the pixels of an image
$(C, H, W)$. After that, every channel has mean 0 and variance 1. Note the $1/n$: some books and libraries divide by
$n-1$, which estimates the variance of a population from a sample. Here we only describe the values that we have.

And an electrode that has come loose gives the same value all the time? Its $\sigma_c$ is 0, and 0 / 0 is `nan`, which
then spreads through everything it touches. Such a channel shall become all zeros. But beware of asking whether
$\sigma_c$ is exactly 0:
"""

# %%
for value in (3.0, 0.1):
    print(f"the standard deviation of three times {value}: {np.full(3, value).std():.1e}")

# %% [markdown]
r"""
(0.1 has no exact form in binary, and a third of 0.1 + 0.1 + 0.1 is off in the last digit.)

### Exercise 0.1 · `normalise`
●●○○ · 15 min

Return $x$ with mean 0 and variance 1 in each channel, as the formula says, for signals $(C, L)$ and for images
$(C, H, W)$. A constant channel becomes zeros, also when rounding makes its $\sigma_c$ a speck like the one above.

<details><summary>Hint 1: one channel</summary>

Do it for a single channel `x[c]` first. numpy's `.mean()` and `.std()` run over all axes when you don't name one, and
`.std()` divides by $n$.
</details>

<details><summary>Hint 2: all channels</summary>

Make the result with `np.zeros(x.shape)`, which holds floats and already is what a constant channel should become. Then
loop over the channels.
</details>

<details><summary>Hint 3: constant channels</summary>

A channel is constant when its largest value equals its smallest. No rounding is involved in that question.
</details>
"""


# %% nbgrader={"grade_id": "normalise", "solution": true}
def normalise(x):
    """Each channel with mean 0 and variance 1 (divide by n, not n - 1).

    x: signals (C, L) or an image (C, H, W), of any real type.
    Returns an array of the same shape; a constant channel becomes zeros. Leaves x as it is.
    """
    ### BEGIN SOLUTION
    y = np.zeros(x.shape)
    for c in range(len(x)):
        if x[c].max() > x[c].min():
            y[c] = (x[c] - x[c].mean()) / x[c].std()
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "normalise-examples", "points": 14}
image = np.array([[[0, 2], [2, 0]], [[5, 5], [15, 15]]])  # two channels of 2 x 2 pixels

check.examples(
    "normalise",
    normalise,
    call(two_channels).gives([[-1, 1], [-1, 1]]),  # means 2 and 20, deviations 1 and 10
    call(np.array([[2, 4, 4, 4, 5, 5, 7, 9]])).gives(
        [[-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2]]
    ),  # mean 5, deviation 2
    call(image).gives([[[-1, 1], [1, -1]], [[-1, -1], [1, 1]]]),
    call(np.array([[7, 7], [0, 4]])).gives([[0, 0], [-1, 1]]),  # a constant channel
    call(np.array([[0.1, 0.1, 0.1]])).gives([[0, 0, 0]]),  # constant, whatever its deviation looks like
    call(raw),  # torch is asked
)

# %% nbgrader={"grade_id": "normalise-hidden", "points": 7}
# The hidden tests of `normalise` run here when your work is graded: first signals.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1)
x = rng.standard_normal((3, 11)) * [[2.0], [9.0], [0.5]] + [[5.0], [-3.0], [0.0]]
check.hidden("normalise", normalise, "signals", call(x), call(x[:1, :4]), *call(x[:, :7]).in_every_form())
whole = rng.integers(0, 256, (4, 9)).astype(np.uint8)
check.hidden("normalise", normalise, "signals of integers", call(whole), call(whole.astype(int) - 300))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "normalise-hidden-images", "points": 7}
# The second rung: images.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(2)
x = rng.standard_normal((3, 4, 6)) * rng.uniform(0.5, 8, (3, 1, 1)) + rng.uniform(-9, 9, (3, 1, 1))
check.hidden(
    "normalise",
    normalise,
    "images",
    call(x),
    call(x[:1]),
    call(x[:2, :, :1]),
    *call(x[:, 1:]).in_every_form(),
)
whole = rng.integers(0, 256, (3, 5, 4)).astype(np.uint8)
check.hidden("normalise", normalise, "images of type uint8", call(whole), call(whole[:, :1]))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "normalise-hidden-constant", "points": 7}
# The third rung: constant channels.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3)
x = rng.standard_normal((4, 6)) * 3 + 1
x[2] = -7
check.hidden(
    "normalise",
    normalise,
    "a constant channel among others",
    call(x),
    call(x[2:3]),
    *call(x[1:]).in_every_form(),
)
pixels = rng.integers(0, 256, (3, 4, 5)).astype(np.uint8)
pixels[0], pixels[1] = 200, 0
check.hidden("normalise", normalise, "constant channels in an image", call(pixels), call(pixels / 8.0))
tenths = [np.full((2, n), value) for n in (3, 6, 7, 10) for value in (0.1, 0.7, -2.3)]
mixed = rng.standard_normal((3, 3))
mixed[1] = 0.1
check.hidden(
    "normalise",
    normalise,
    "a constant channel such as 0.1, whose deviation is not 0 by rounding",
    *map(call, tenths),
    call(mixed),
    call(np.full((2, 3, 1), 0.1)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** makes the four electrodes comparable. How much of the sum of all squares comes from each of
them? Before, most of it is PG7's; after, each has an equal say.
"""


# %%
def shares(x):
    return " ".join(f"{share:5.1%}" for share in (x**2).sum(axis=1) / (x**2).sum())


print("electrodes        ", "   ".join(electrodes))
print("shares, raw       ", shares(raw))
print("shares, normalised", shares(normalise(raw)))

# %% tags=["figure"]
fig, axes = plt.subplots(4, 1, figsize=(8.2, 4.2), sharex=True, sharey=True)
colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
for ax, trace, electrode, colour in zip(axes, normalise(raw)[:, :240], electrodes, colours, strict=False):
    ax.axhline(0, color=figures.LINE, lw=0.8)
    ax.plot(np.arange(240) / rate, trace, color=colour, lw=1.2)
    ax.set_ylabel(electrode)
axes[-1].set_xlabel("time in seconds")
axes[0].set_title("normalised: the burst of PG5 at half a second was hardly a ripple before")
plt.show()

# %% [markdown]
"""
Torch calls this operation *instance normalisation*. With means and deviations taken over many images at once, and a
scale and a shift that are learned, it becomes batch normalisation, which you will build in chapter 8.

## A window

Now the thing that the course is named after. A **window** is a part of an array: `size` elements from index `start` on.
In an image, both are pairs: (row, column) and (height, width). In this picture every number is 10 · row + column.
"""

# %% nbgrader={"grade_id": "setup-numbers", "locked": true} tags=["setup"]
numbers = 10 * np.arange(5)[:, None] + np.arange(7)

# %% tags=["figure"]
inside = [(r, c) for r in (1, 2) for c in (3, 4, 5)]
figures.grid(numbers, "start (1, 3), size (2, 3)", marked=inside)

# %% [markdown]
"""
In numpy a window is a slice, `x[start:end]`, and the element at `end` is no longer part of it. There is a trap, though.
A list index that is out of range raises an error, but a slice never complains:
"""

# %% nbgrader={"grade_id": "setup-digits", "locked": true} tags=["setup"]
digits = np.array([3, 1, 4, 1, 5, 9, 2, 6])

# %%
print("three from index 2: ", digits[2 : 2 + 3])
print("three from index 6: ", digits[6 : 6 + 3])
print("three from index -1:", digits[-1 : -1 + 3])

# %% [markdown]
r"""
The second window hangs over the end and comes back too short. The third starts at the *last* element, since negative
indices count from the end, and comes back empty. In a network such a slip shows up far from where it happened, or not
at all. So we want a function that either returns exactly what was asked for, or says why not:

$$\text{in each axis of length } n\text{:}\qquad 0 \le \text{start} \quad\text{and}\quad \text{start} + \text{size} \le n$$

### Exercise 0.2 · `window`
●●○○ · 15 min

Return the window of the given size that starts at the given index, of an array with one axis (ints) or two axes
(pairs). Where it does not fit, raise a `ValueError` whose text says what does not fit into what. You will meet it again.

<details><summary>Hint 1: where it ends</summary>

`size` elements from `start` on: the last has the index `start + size - 1`, and a slice names the one after the last.
</details>

<details><summary>Hint 2: two axes</summary>

`x.ndim` is 1 or 2. A pair comes apart with `row, column = start`. One pair of brackets holds two slices: `x[a:b, c:d]`.
</details>

<details><summary>Hint 3: nearly the answer</summary>

Each axis must pass `0 <= start` and `start + size <= n`, where `n` is `x.shape[0]` or `x.shape[1]`. Otherwise:

```python
raise ValueError(f"a window of size {size} at {start} does not fit into shape {x.shape}")
```
</details>
"""


# %% nbgrader={"grade_id": "window", "solution": true}
def window(x, start, size):
    """The part of an array that starts at `start` and has the given size.

    x: (L,), with start and size ints; or (H, W), with start (row, column) and size (height, width). Sizes are >= 1.
    Returns an array of that size, a view or a copy.
    Raises ValueError where the window does not fit; a negative start never does.
    """
    ### BEGIN SOLUTION
    starts, sizes = ((start,), (size,)) if x.ndim == 1 else (start, size)
    for n, first, length in zip(x.shape, starts, sizes, strict=True):
        if first < 0 or first + length > n:
            raise ValueError(f"a window of size {size} at {start} does not fit into shape {x.shape}")
    return x[tuple(slice(first, first + length) for first, length in zip(starts, sizes, strict=True))]
    ### END SOLUTION


# %% nbgrader={"grade_id": "window-examples", "points": 12}
check.examples(
    "window",
    window,
    call(digits, 2, 3).gives([4, 1, 5]),
    call(digits, 5, 3).gives([9, 2, 6]),  # the last one that fits
    call(digits, start=0, size=8).gives([3, 1, 4, 1, 5, 9, 2, 6]),
    call(digits, 6, 3).raises(ValueError),  # hangs over the end
    call(digits, -1, 3).raises(ValueError),
    call(numbers, (1, 3), (2, 3)).gives([[13, 14, 15], [23, 24, 25]]),  # the picture above
    call(numbers, (4, 0), (1, 7)).gives([[40, 41, 42, 43, 44, 45, 46]]),
    call(numbers, (4, 0), (2, 7)).raises(ValueError),  # no room below
    call(numbers, (0, 5), (2, 3)).raises(ValueError),  # no room on the right
)

# %% nbgrader={"grade_id": "window-hidden", "points": 6}
# The hidden tests of `window` run here when your work is graded: first windows of signals.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4)
x = rng.standard_normal(12)
check.hidden(
    "window",
    window,
    "windows of a signal",
    call(x, 4, 5),
    call(x, 7, 2),
    call(x, 0, 3),
    call(x, 9, 3),
    call(x, 11, 1),
    call(x, start=0, size=12),
    *call(x, 6, 4).in_every_form(),
)
check.hidden("window", window, "integers", call(rng.integers(0, 256, 9).astype(np.uint8), 3, 5))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "window-hidden-images", "points": 6}
# The second rung: windows of images.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5)
x = rng.standard_normal((6, 10))
check.hidden(
    "window",
    window,
    "windows of an image",
    call(x, (1, 4), (3, 2)),
    call(x, (3, 1), (2, 5)),
    call(x, (0, 7), (5, 3)),
    call(x, (2, 0), (4, 1)),
    call(x, start=(0, 0), size=(6, 10)),
    call(x, (5, 9), (1, 1)),
    *call(x, (2, 3), (2, 4)).in_every_form(),
)
check.hidden(
    "window",
    window,
    "an image of type uint8",
    call(rng.integers(0, 256, (7, 5)).astype(np.uint8), (4, 1), (3, 3)),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "window-hidden-misfits", "points": 6}
# The third rung: windows that don't fit.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(6)
x, image = rng.standard_normal(8), rng.standard_normal((6, 9))
check.hidden(
    "window",
    window,
    "windows that hang over the end of a signal",
    *[call(x, start, size).raises(ValueError) for start, size in ((6, 3), (0, 9), (8, 1), (7, 2), (20, 3))],
)
check.hidden(
    "window",
    window,
    "negative starts",
    *[
        call(x, start, size).raises(ValueError)
        for start, size in ((-1, 1), (-3, 2), (-2, 2), (-8, 8), (-1, 4))
    ],
    *[call(image, start, (2, 3)).raises(ValueError) for start in ((-1, 2), (2, -4), (-3, -5), (-2, 0))],
)
misfits = [
    ((5, 0), (2, 3)),
    ((0, 7), (2, 3)),
    ((0, 0), (7, 9)),
    ((0, 0), (6, 10)),
    ((6, 0), (1, 1)),
    ((0, 9), (1, 1)),
    ((2, 6), (3, 4)),
    ((4, 6), (3, 3)),
]
check.hidden(
    "window",
    window,
    "windows that hang over an edge of an image",
    *[call(image, start, size).raises(ValueError) for start, size in misfits],
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** cuts things out. Here is a table of ancient coins, cut into 24 windows, side by side.
"""

# %%
coins = images.coins()
height, width = 75, 64
parts = [
    window(coins, (row, column), (height, width))
    for row in range(0, 300, height)
    for column in range(0, 384, width)
]
figures.pictures(parts, columns=6)

try:
    window(coins, (300, 0), (height, width))
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
"""
Some windows frame a coin well; others cut theirs in half, because the cuts fall where they fall. That is why in
chapter 1 the window begins to *slide*: if it stops at every position, one of them is right.

## Axes: pictures that torch can read

A colour image, as files and cameras give it, is an array $(H, W, C)$: at each pixel, three numbers. A batch of $N$ of
them is $(N, H, W, C)$. Torch, and this course, put the channels before the positions: $(N, C, H, W)$, **NCHW** for
short. A single image is a batch of one.

So the axes have to trade places, and there are two ways in numpy to get that shape. Only one of them is right. Look at
an image of 2 × 3 pixels, in memory one long row of numbers, R0 for the red of pixel 0:
"""

# %% tags=["figure"]
hues = {"R": "#CC3311", "G": "#228833", "B": "#4477AA"}
stored = [f"{hue}{pixel}" for pixel in range(6) for hue in hues]
gathered = [f"{hue}{pixel}" for hue in hues for pixel in range(6)]
rows = [
    ("in memory, (H, W, C): pixel after pixel", stored, 3),
    ("reshape to (C, H, W): the same row, cut elsewhere", stored, 6),
    ("transpose to (C, H, W): the reds, the greens, the blues", gathered, 6),
]
fig, axes = plt.subplots(3, 1, figsize=(8.4, 2.9))
for ax, (title, cells, block) in zip(axes, rows, strict=True):
    for i, name in enumerate(cells):
        left = i + 0.5 * (i // block)
        ax.add_patch(plt.Rectangle((left, 0), 1, 1, fc=figures.tint(hues[name[0]], 0.45), ec="white", lw=1.5))
        ax.text(left + 0.5, 0.47, name, ha="center", va="center", fontsize=10)
    ax.set(xlim=(-0.1, 21.1), ylim=(-0.05, 1.05), xticks=[], yticks=[], aspect="equal")
    ax.set_title(title, loc="left")
    ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
"""
`reshape` never moves a number past another: it cuts the same row into other pieces, and what it calls the first channel
is R0 G0 B0 R1 G1 B1. A **transposition** exchanges axes: what was found at `[i, j, c]` is then found at `[c, i, j]`.
That is what we want:

$$y_{n,c,i,j} = x_{n,i,j,c}$$

### Exercise 0.3 · `to_nchw`
●○○○ · 10 min

Turn one image $(H, W, C)$ into $(1, C, H, W)$, and a batch $(N, H, W, C)$ into $(N, C, H, W)$. Only the axes
move: the values and their type (`uint8` stays `uint8`) remain what they were.

<details><summary>Hint 1: which of the two?</summary>

`images.ndim` is 3 for one image and 4 for a batch. `images[None]` has a new axis of length 1 in front.
</details>

<details><summary>Hint 2: exchanging axes</summary>

`x.transpose(...)` takes the old axes in their new order: `x.transpose(1, 0)` exchanges rows and columns.
`np.moveaxis(x, source, destination)` moves one axis, and the others keep their order.
</details>

<details><summary>Hint 3: nearly the answer</summary>

In a batch the old axes are 0 = N, 1 = H, 2 = W, 3 = C. You want N, C, H, W: write down their numbers in that order.
</details>
"""


# %% nbgrader={"grade_id": "to_nchw", "solution": true}
def to_nchw(images):
    """Images with their channels last, as torch wants them: channels before rows and columns.

    images: one image (H, W, C) or a batch (N, H, W, C), of any real type.
    Returns (1, C, H, W) or (N, C, H, W), a view or a copy, with the same values and the same dtype.
    """
    ### BEGIN SOLUTION
    if images.ndim == 3:
        images = images[None]
    return images.transpose(0, 3, 1, 2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "to_nchw-examples", "points": 12}
strip = np.array([[[1, 10, 100], [2, 20, 200]]], dtype=np.uint8)  # one row, two pixels, three channels
tile = np.array([[[1, 10], [2, 20], [3, 30]], [[4, 40], [5, 50], [6, 60]]])  # 2 x 3 pixels, two channels

check.examples(
    "to_nchw",
    to_nchw,
    call(strip).gives([[[[1, 2]], [[10, 20]], [[100, 200]]]]),
    call(tile).gives([[[[1, 2, 3], [4, 5, 6]], [[10, 20, 30], [40, 50, 60]]]]),
    call(np.stack([strip, strip + 5])).gives(
        [[[[1, 2]], [[10, 20]], [[100, 200]]], [[[6, 7]], [[15, 25]], [[105, 205]]]]
    ),
    call(images.astronaut(32, colour=True)),  # torch is asked
)

# %% nbgrader={"grade_id": "to_nchw-hidden", "points": 5}
# The hidden tests of `to_nchw` run here when your work is graded: first single images.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(7)
x = rng.standard_normal((4, 6, 3))
check.hidden(
    "to_nchw",
    to_nchw,
    "one image",
    call(x),
    call(x[..., :1]),
    call(x[:1, :, :2]),
    call(x[:3, :3]),
    call(images=x[:, :5]),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "to_nchw-hidden-batch", "points": 5}
# The second rung: batches.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(8)
x = rng.standard_normal((5, 4, 6, 3))
check.hidden("to_nchw", to_nchw, "a batch", call(x), call(x[:1]), call(x[:3, :3, :3]), call(x[:2, :, :1, :2]))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "to_nchw-hidden-types", "points": 5}
# The third rung: values and types.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9)
x = rng.standard_normal((3, 4, 5, 2)) * 90
check.hidden(
    "to_nchw",
    to_nchw,
    "values and their types stay as they are",
    *[call(x.astype(t)) for t in ("float64", "float32", "int64", "int16")],
    *[call(x[0].astype(t)) for t in ("float32", "int32")],
)
pixels = rng.integers(0, 256, (2, 3, 4, 3)).astype(np.uint8)
check.hidden("to_nchw", to_nchw, "images of type uint8", call(pixels), call(pixels[1]))
check.hidden(
    "to_nchw",
    to_nchw,
    "read-only arrays, views and float32",
    *call(x[0]).in_every_form(),
    *call(x).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** keeps pictures whole. Here is an astronaut, Eileen Collins, brought to NCHW in three ways,
and shown as whatever each of them takes for red, green and blue. All three results have the same shape,
$(1, 3, 512, 512)$, and none raises an error.
"""

# %%
astronaut = images.astronaut(colour=True)
results = {
    "your to_nchw": to_nchw(astronaut),
    "reshape": astronaut.reshape(1, 3, 512, 512),
    "height and width exchanged": astronaut.transpose(2, 1, 0)[None],
}
for name, result in results.items():
    print(f"{name:26} {result.shape}")
figures.pictures([np.moveaxis(result[0], 0, -1) for result in results.values()], list(results))

# %% [markdown]
"""
The one in the middle is handsome, but no longer an astronaut: `reshape` takes the top third of the photo for red, the
middle third for green, the bottom third for blue, and cuts each row of pixels into three. A test of shapes would never
have noticed; this is why the checks compare values. And it is why test pictures should not be square: with 300 × 500
pixels the third picture would have a shape of its own.

All together now, the front door of a network: bring a photo to NCHW, cut out a window, and normalise it.
"""

# %%
channels = to_nchw(astronaut)[0]
badge = np.stack([window(channel, (340, 125), (90, 90)) for channel in channels])
figures.pictures([astronaut, np.moveaxis(badge, 0, -1)], ["the photo", "a window of 90 × 90"])
figures.feature_maps(normalise(badge), ["red", "green", "blue"])

# %% [markdown] nbgrader={"grade_id": "why-transpose-question", "locked": true}
"""
### Written question 0.4 · why transpose?
●●○○ · 10 min

A colleague loads photos as (N, H, W, 3) and feeds `photos.reshape(N, 3, H, W)` to a convolutional network, in training
and afterwards alike. "The shape is right," she says, "there is no error, and every number is still there. A network can
learn from numbers in any order."

In three to six sentences: what is right about this, what has happened to the pictures, and why does it harm a network
that looks through windows? Name one way to notice such a slip.

<details><summary>Hint 1</summary>

Two numbers that are neighbours in the reshaped array: what were they in the photo? And what do all the numbers of one
channel have in common?
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- Right: no number is lost and the reordering is the same for every photo, so it could be undone; a fully connected layer,
  which treats all inputs alike, would not mind.
- What has happened: the numbers keep their order in memory and are cut elsewhere; a "channel" mixes red, green and blue of a third of
  the photo, and pixels that touched lie apart.
- The harm: a window assumes that neighbours in the array are neighbours in the picture, and that a channel means the same
  everywhere; both are now wrong, so the patterns that kernels could find are torn up (statistics per channel mix colours, too).
- A way to notice: look at the picture; compare one value, y[n, c, i, j] with x[n, i, j, c]; a picture of one pure colour must
  give constant channels; back and forth must give the photo. (The shape alone is not enough.)
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-transpose", "solution": true, "points": 8}
"""
She is right that nothing is lost: it is the same reordering for every photo, and a fully connected layer, which treats
all its inputs alike, could learn from it just as well. But reshape leaves the numbers in their order in memory and only
cuts that row elsewhere, so each "channel" mixes the reds, greens and blues of one third of the photo, and pixels that
touched now lie apart. A convolutional network looks through windows: it relies on neighbours in the array being
neighbours in the picture, and on a channel meaning the same everywhere. Both are destroyed, so an edge or an eye no
longer is a pattern that fits into a window. One look at the pictures shows it, or one test of values: `y[n, c, i, j]`
must equal `x[n, i, j, c]`, for example for a photo of pure red.
"""

# %% [markdown]
r"""
## Hand it in

1. *Kernel → Restart Kernel and Run All Cells.* What only works in the order in which you happened to run it fails here.
   (It stops at the first exercise that isn't right yet.)
2. Save, then press **Validate** in the notebook's toolbar. It runs your notebook afresh, from top to bottom, and tells
   you which visible checks fail. It doesn't know the hidden ones. (No such button? Step 1 tells you much the same.)
3. Keep the name `welcome.ipynb`. To submit, bring that file to where your instructor collects it, in the course folder
   `submitted/<your name>/ch00_welcome/welcome.ipynb`, or hand it in the way your site does.

An unfinished notebook is welcome, too: each exercise is marked by its own tests, which use no other answer of yours,
and most of them in several steps. What comes back tells you, test by test, what held and what did not.

**Studying on your own?** `solutions/` holds every chapter with its answers, run. Ours is one right answer among many;
it is worth most after yours passes its examples.

## Find the error in the lecture

The layers of a network hand each other maps of $H \times W$ numbers. A lecture draws one as a rectangle and writes in
the indices of two of its corners: $(0, 0)$ at the top left, and $(H, W)$ at the bottom right.

One of the two does not exist. Which, and what should it be?

<details><summary>Answer</summary>

Indices start at 0, so the last of $H$ rows has the index $H - 1$, and the bottom right corner is $(H-1, W-1)$. A map
whose indices run from $(0, 0)$ to $(H, W)$ has $(H+1)(W+1)$ elements: a row and a column too many. The same holds for
windows: one of size $k$ that starts at $i$ ends with the element $i + k - 1$, and $i + k$ is the first that is *not* in
it.
</details>
"""

# %%
H, W = numbers.shape
print("bottom right corner:", numbers[H - 1, W - 1])
try:
    print(numbers[H, W])
except IndexError as error:
    print("IndexError:", error)
print("indices 0 to H and 0 to W:", (H + 1) * (W + 1), "elements; the map has", numbers.size)

# %% [markdown]
"""
## Summary

- Run cells in order; examples explain what is wrong, hidden tests name the property, and *Restart and Run All* is the
  last test.
- You build it, torch agrees. Ready-made operations are off limits in answers; every right style gets full marks.
- Normalised channels have mean 0 and variance 1, each by itself. A constant one becomes zeros, and rounding must not
  hide that it is constant.
- A window has a start and a size; it ends *before* start + size. Slices never complain, so your function does.
- Transposing exchanges axes; reshaping keeps the order in memory. A right shape is no proof of right values.
- Of $n$ things the last has the index $n - 1$.

**Read on:** Harris and others, "Array programming with NumPy", *Nature* 585 (2020), six pages on axes, views and
slices; Nicolas Rougier, *From Python to Numpy* (free online), on thinking in whole arrays; LeCun, Bottou, Orr and Müller,
"Efficient BackProp" (1998), section 4.3, on why inputs are normalised.
Next, the window begins to slide: [chapter 1](../ch01_conv1d/conv1d.ipynb).
"""
