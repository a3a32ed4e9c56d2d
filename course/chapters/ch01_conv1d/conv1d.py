# %% [markdown]
"""
# 1 · One kernel, slid along a signal

**After this chapter you can** build a convolutional layer for signals from nothing but inner products, say exactly how
it differs from the convolution of signal processing and from a fully connected layer, and use it to find a pattern in
a noisy recording.

**You need** numpy indexing and loops; [chapter 0](../ch00_welcome/welcome.ipynb) shows how checking and submitting
work. **Time:** about 100 minutes.

The course has one rule: *you build it from inner products, then torch agrees.* So torch, scipy, `np.convolve` and
`np.correlate` are off limits in your answers; everything else in numpy is yours, and any correct style gets full marks.
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, animate, call, figures, images

check = Checks("ch01_conv1d")
figures.use_style()

# %% [markdown]
r"""
## How alike are two patterns?

A convolutional network asks one question, millions of times: *how much does this small piece of the input look like
the pattern I know?* The pattern is called the **kernel** $w$, the piece of the input the **window** $v$, and the answer
is their **inner product**: multiply elementwise, then add everything up.

$$\langle w, v \rangle \;=\; \sum_i w_i\, v_i \;=\; \lVert w\rVert\,\lVert v\rVert \cos\theta$$

The right-hand side says why this measures likeness. For windows of the same norm, the inner product is largest when
$v$ points the way $w$ does ($\theta = 0$), zero when the two have nothing in common ($\theta = 90°$), and most
negative when $v$ is $w$ upside down ($\theta = 180°$).
"""

# %% tags=["figure"]
pattern = np.array([1.0, 2.0, 0.0, -2.0, -1.0])
windows = {
    "the pattern itself": pattern,
    "half as loud": pattern / 2,
    "something unrelated": np.array([2.0, 0.0, 3.0, 0.0, 2.0]),
    "upside down": -pattern,
}
fig, axes = plt.subplots(1, 4, figsize=(8.4, 2.2), sharey=True)
for ax, (name, v) in zip(axes, windows.items(), strict=True):
    ax.axhline(0, color=figures.LINE, lw=1)
    ax.plot(pattern, "o--", color=figures.KERNEL, label="kernel $w$", ms=4, lw=1)
    ax.plot(v, "o-", color=figures.INPUT, label="window $v$", ms=4)
    ax.set_title(f"{name}\n$\\langle w, v\\rangle$ = {(pattern * v).sum():g}")
    ax.set_xticks([])
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %% [markdown]
r"""
The same works in any number of dimensions: for images, $w$ and $v$ are small rectangles, and the sum runs over all
their cells.

### Exercise 1.1 · `similarity`
●○○○ · 5 min

Return the inner product of a kernel and a window of equal shape, with any number of axes:
$\langle w, v\rangle = \sum w_i v_i$ over all elements.

<details><summary>Hint 1: a nudge</summary>

Two steps: an elementwise product, and a sum of what it gives.
</details>

<details><summary>Hint 2: several axes</summary>

For an array with two axes, Python's own `sum` adds up rows and returns a row. numpy's sum, without `axis`, adds up everything.
</details>

<details><summary>Hint 3: small integers</summary>

Images often come as `uint8`, whole numbers from 0 to 255. In numpy `uint8` times `uint8` stays `uint8` and wraps
around at 256: 16 · 16 gives 0. Convert one factor with `.astype(float)` first.
</details>
"""


# %% nbgrader={"grade_id": "similarity", "solution": true}
def similarity(w, window):
    """Inner product of a kernel and a window.

    w, window: arrays of equal shape, any number of axes, any real type.
    Returns a number.
    """
    ### BEGIN SOLUTION
    return float(np.sum(w.astype(float) * window))
    ### END SOLUTION


# %% nbgrader={"grade_id": "similarity-examples", "points": 2}
wedge = np.array([1, 2, 3])
image_patch = np.array([[200, 150, 150], [100, 50, 100], [25, 25, 10]], dtype=np.uint8)
sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])

check.examples(
    "similarity",
    similarity,
    call(wedge, np.array([1, 2, 3])).gives(14),  # the pattern itself
    call(wedge, np.array([3, 0, -1])).gives(0),  # orthogonal: nothing in common
    call(wedge, np.array([-1, -2, -3])).gives(-14),  # upside down
    call(sobel, image_patch).gives(65),  # 200 - 150 + 2 (100 - 100) + 25 - 10
    call(np.array([0.5, 0.25]), np.array([1, 1])).gives(0.75),
)

# %% nbgrader={"grade_id": "similarity-hidden", "points": 3}
# The hidden tests of `similarity` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1011)
w, v = rng.standard_normal((2, 6))
check.hidden(
    "similarity", similarity, "vectors of real numbers", call(w, v), *call(w[:4], v[2:]).in_every_form()
)
w, v = rng.standard_normal((2, 3, 4, 2))
check.hidden("similarity", similarity, "arrays with several axes", call(w, v), call(w[0], v[1]))
w, v = rng.integers(100, 250, (2, 4, 5)).astype(np.uint8)
check.hidden(
    "similarity", similarity, "images of type uint8", call(w, v), call(w, v / 7), call(w.astype(int) - 150, v)
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** is the single operation this whole course is made of. A layer of AlexNet computes it 290 400
times for one image; the rest of the course is about *which* windows meet *which* kernels, and how to learn the kernels.

## Where does a window fit?

Now let the window move. A kernel with $K$ taps looks at $x_0 \dots x_{K-1}$, then at $x_1 \dots x_K$, and so on until
the last window that still fits. The step between neighbouring windows is the **stride** $s$.
"""

# %% tags=["figure"]
n, k, s = 8, 3, 2
fig, ax = plt.subplots(figsize=(7.5, 2.6))
for row, start in enumerate(range(0, n, s)):
    fits = start + k <= n
    ax.barh(
        row,
        k - 0.12,
        left=start + 0.06,
        height=0.62,
        color=figures.KERNEL if fits else "none",
        edgecolor=figures.KERNEL if fits else figures.WRONG,
        ls="-" if fits else "--",
    )
    ax.text(start + k + 0.15, row, f"starts at {start}" + ("" if fits else ": does not fit"), va="center")
ax.set(
    xlim=(0, n + 5),
    ylim=(3.6, -0.6),
    xticks=np.arange(n) + 0.5,
    xticklabels=range(n),
    yticks=[],
    xlabel="index of the signal",
)
ax.axvspan(0, n, color=figures.INPUT, alpha=0.1, lw=0)
ax.set_title(f"n = {n}, k = {k}, stride {s}: windows start at 0, 2 and 4")
plt.show()

# %% [markdown]
r"""
### Exercise 1.2 · `count_windows`
●○○○ · 10 min

How many windows of size $k$ fit into a signal of $n$ values at stride $s$? They start at $0, s, 2s, \dots$, and the
last must end inside: the largest start index is at most $n - k$. For $k > n$ none fits.

<details><summary>Hint 1: count start indices</summary>

Write down the start indices for n = 8, k = 3, s = 2. How would `range` produce them?
</details>

<details><summary>Hint 2: the largest one</summary>

The start indices are the multiples of $s$ from 0 to $n - k$, both ends included.
</details>

<details><summary>Hint 3: nearly the answer</summary>

There are $\lfloor (n-k)/s \rfloor$ steps after the first window, and one more window than steps. `//` rounds down; mind $k > n$.
</details>
"""


# %% nbgrader={"grade_id": "count_windows", "solution": true}
def count_windows(n, k, stride=1):
    """How many windows of size k fit into n values.

    n, k, stride: ints, at least 1.
    Returns an int; 0 where k > n.
    """
    ### BEGIN SOLUTION
    return len(range(0, n - k + 1, stride))
    ### END SOLUTION


# %% nbgrader={"grade_id": "count_windows-examples", "points": 4}
check.examples(
    "count_windows",
    count_windows,
    call(7, 3).gives(5),
    call(3, 3).gives(1),
    call(8, 3, stride=2).gives(3),  # the picture above
    call(15, 3, stride=5).gives(3),  # (15 - 3) / 5 = 2.4: the largest start is 2 strides in
    call(62, 3, stride=10).gives(6),  # 5.9 steps: 5 of them, and the window at 0
    call(2, 3).gives(0),
)

# %% nbgrader={"grade_id": "count_windows-hidden", "points": 6}
# The hidden tests of `count_windows` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1021)
check.hidden(
    "count_windows",
    count_windows,
    "stride 1",
    *[call(int(n), int(k)) for n, k in rng.integers(5, 40, (6, 2)) if k <= n],
    call(9, 9),
    call(9, 1),
)
check.hidden(
    "count_windows",
    count_windows,
    "strides that divide n - k",
    *[call(k + m * s, k, s) for k, m, s in rng.integers(2, 9, (6, 3)).tolist()],
)
check.hidden(
    "count_windows",
    count_windows,
    "strides that leave values over",
    *[call(k + m * s + 1, k, stride=s) for k, m, s in rng.integers(2, 9, (8, 3)).tolist()],
)
check.hidden(
    "count_windows", count_windows, "a stride longer than the signal", call(5, 2, 9), call(6, 6, stride=7)
)
check.hidden(
    "count_windows",
    count_windows,
    "a window that does not fit",
    call(4, 7),
    call(1, 2, 3),
    call(3, 20, stride=4),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** is half of every shape formula in deep learning. Books write it in two ways,

$$\left\lfloor \frac{n-k}{s} \right\rfloor + 1 \qquad\text{and}\qquad \left\lceil \frac{n-(k-1)}{s} \right\rceil,$$

and they are the same number for every $n \ge k$. Don't take it on trust:
"""

# %%
cases = [(n, k, s) for n in range(1, 40) for k in range(1, n + 1) for s in range(1, 12)]
agree = sum((n - k) // s + 1 == -(-(n - (k - 1)) // s) for n, k, s in cases)
print(f"{agree} of {len(cases)} cases agree")

# %% [markdown]
r"""
## Sliding: cross-correlation

Put the two together. At each position take the inner product of the kernel with the window that starts there:

$$y_i \;=\; \sum_{j=0}^{K-1} w_j \; x_{\,i\,s + j}, \qquad i = 0, 1, \dots, \left\lfloor \tfrac{L-K}{s} \right\rfloor$$

This is **cross-correlation**, and it is what deep learning libraries call "convolution". Watch one kernel slide; the
kernel $[-1, 0, 1]$ asks "does the signal rise here?".
"""

# %%
ramp = np.array([1.0, 1.0, 2.0, 4.0, 4.0, 3.0, 1.0, 1.0])
animate.sliding_window(ramp, np.array([-1.0, 0.0, 1.0]))

# %% [markdown]
"""
And one output element, held still:
"""

# %%
figures.window(ramp, np.array([-1.0, 0.0, 1.0]), at=2)

# %% [markdown]
"""
### Exercise 1.3 · `cross_correlate`
●●○○ · 15 min

Slide the kernel $w$ of shape $(K,)$ along the signal $x$ of shape $(L,)$ with the given stride, and return all inner
products, as the formula above says.

<details><summary>Hint 1: the windows</summary>

The window of output $i$ starts at $i s$ and has $K$ elements: which slice of `x` is that? Where does it end?
</details>

<details><summary>Hint 2: the array of results</summary>

You know how long the output is, from exercise 1.2. An array from `np.zeros` holds floats, and that is what you want, also when `x` holds integers.
</details>

<details><summary>Hint 3: nearly the answer</summary>

For each `i` in `range(count_windows(len(x), len(w), stride))`, store `similarity(w, x[i * stride : ...])`.
</details>
"""


# %% nbgrader={"grade_id": "cross_correlate", "solution": true}
def cross_correlate(x, w, stride=1):
    """Cross-correlation of a signal with a kernel, windows that fit only.

    x: signal (L,). w: kernel (K,), K <= L. stride: int, the step between windows.
    Returns (Lout,), Lout = (L - K) // stride + 1. Leaves x and w as they are.
    """
    ### BEGIN SOLUTION
    n_out = count_windows(len(x), len(w), stride)
    y = np.zeros(n_out)
    for i in range(n_out):
        start = i * stride
        y[i] = similarity(w, x[start : start + len(w)])
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "cross_correlate-examples", "points": 6}
signal = np.array([1, 2, 0, 3, 5, 1])

check.examples(
    "cross_correlate",
    cross_correlate,
    call(signal, np.array([1, 0, -1])).gives([1, -1, -5, 2]),
    call(signal, np.array([1, 0, -1]), stride=2).gives([1, -5]),
    call(signal, np.array([1, 0, -1]), stride=3).gives([1, 2]),
    call(signal, np.array([0.5, 0.5])).gives([1.5, 1.0, 1.5, 4.0, 3.0]),
    call(signal, signal).gives([40]),  # one window: the signal meets itself
)

# %% nbgrader={"grade_id": "cross_correlate-hidden", "points": 9}
# The hidden tests of `cross_correlate` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1031)
x, w = rng.standard_normal(13), rng.standard_normal(4)
check.hidden(
    "cross_correlate", cross_correlate, "stride 1", call(x, w), call(x, w[:1]), call(x[:4], w), call(x[:5], w)
)
check.hidden(
    "cross_correlate", cross_correlate, "strides that divide L - K", call(x, w, 3), call(x, w[:3], stride=5)
)
check.hidden(
    "cross_correlate",
    cross_correlate,
    "strides that leave values over",
    call(x, w, stride=2),
    call(x[:12], w, stride=3),
    call(x[:6], w, 7),
)
check.hidden(
    "cross_correlate",
    cross_correlate,
    "read-only arrays, views and float32",
    *call(x, w, stride=2).in_every_form(),
)
whole = rng.integers(100, 250, 9).astype(np.uint8)
check.hidden(
    "cross_correlate",
    cross_correlate,
    "integers",
    call(whole, w),
    call(whole, whole[2:5]),
    call(whole.astype(int) - 170, whole[:4], stride=2),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on real data. Here are five seconds of a person's brain waves (an electroencephalogram, 80
samples a second) and what two kernels make of them. A kernel of equal positive weights *smooths*; the kernel
$[-1, 1]$ takes the *difference* of neighbours, so it answers to change and ignores the level.
"""

# %% nbgrader={"grade_id": "setup-recording", "locked": true} tags=["setup"]
recording, rate, electrodes = images.eeg()

# %%
trace = recording[0, :400]
smooth = cross_correlate(trace, np.ones(9) / 9)
change = cross_correlate(trace, np.array([-1.0, 1.0]))
figures.signals([trace, smooth, change], ["EEG", "mean of 9", "difference"], rate=rate)

# %% [markdown]
"""
Several kernels side by side are a **battery of detectors**: each row of the picture below answers its own question
about the same signal. That is a convolutional layer in all but name.
"""

# %%
battery = {
    "rises": np.array([-1.0, -1.0, 0.0, 1.0, 1.0]),
    "peaks": np.array([-1.0, 0.5, 1.0, 0.5, -1.0]),
    "oscillates": np.array([1.0, -1.0, 1.0, -1.0, 1.0]),
}
bumps = np.concatenate(
    [np.zeros(8), [0, 1, 2, 3, 3, 3], np.full(4, 3.0), [1, 3, 1], np.ones(6), [2, 0, 2, 0, 2], np.ones(6)]
)
figures.signals([bumps, *(cross_correlate(bumps, w) for w in battery.values())], ["signal", *battery])

# %% [markdown]
r"""
## The convolution of signal processing

Engineers use the word *convolution* for something slightly different. A sound in a hall is heard as itself plus its
echoes: if $w_n$ is the strength of the echo that arrives $n$ samples late, then

$$y_k \;=\; \sum_n w_n\, x_{k-n}: \qquad y_0 = w_0x_0, \quad y_1 = w_0x_1 + w_1x_0, \quad y_2 = w_0x_2 + w_1x_1 + w_2x_0, \;\dots$$

Two things differ from cross-correlation. The index of $x$ runs *backwards* as that of $w$ runs forwards, so the window
meets the kernel **flipped**. And every partial overlap counts, $x$ being zero outside: the result, called *full*, has
$L + K - 1$ values.
"""

# %%
animate.conv_full(np.array([1.0, 2.0, 0.0, 1.0]), np.array([3.0, 2.0, 1.0]))

# %% [markdown]
r"""
### Exercise 1.4 · `convolve`
●●○○ · 15 min

Return the full convolution $y_k = \sum_n w_n x_{k-n}$ of a signal $(L,)$ with a kernel $(K,)$: all $L + K - 1$ values.
Either may be the longer one.

<details><summary>Hint 1: two ways to see it</summary>

*Collect:* flip the kernel, put $K-1$ zeros on both sides of the signal, and cross-correlate. *Scatter:* every $x_i$
sends a copy of the kernel, multiplied by $x_i$, into the output, starting at index $i$. Both are right; one needs no flip.
</details>

<details><summary>Hint 2: scattering</summary>

Start from `L + K - 1` zeros. Which slice of the output does the copy that starts at index `i` cover?
</details>

<details><summary>Hint 3: nearly the answer</summary>

For each `i`, add `x[i] * w` to `y[i : i + len(w)]`. With integers in `x` or `w`, convert to float first.
</details>
"""


# %% nbgrader={"grade_id": "convolve", "solution": true}
def convolve(x, w):
    """Full convolution of signal processing, y_k = sum over n of w_n x_(k-n), zeros outside.

    x: (L,). w: (K,), shorter or longer than x.
    Returns (L + K - 1,).
    """
    ### BEGIN SOLUTION
    y = np.zeros(len(x) + len(w) - 1)
    for i in range(len(x)):
        y[i : i + len(w)] += float(x[i]) * w
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "convolve-examples", "points": 6}
check.examples(
    "convolve",
    convolve,
    call(np.array([1, 2, 0, 1]), np.array([3, 2, 1])).gives([3, 8, 5, 5, 2, 1]),  # the animation above
    call(np.array([0, 0, 1, 0]), np.array([3, 2, 1])).gives(
        [0, 0, 3, 2, 1, 0]
    ),  # one click: the echoes themselves
    call(np.array([1, 1]), np.array([1, 2, 3, 4])).gives([1, 3, 5, 7, 4]),  # the kernel is the longer one
    call(np.array([2.5]), np.array([2.0])).gives([5.0]),
)

# %% nbgrader={"grade_id": "convolve-hidden", "points": 9}
# The hidden tests of `convolve` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1041)
x, w = rng.standard_normal(9), rng.standard_normal(4)
check.hidden(
    "convolve", convolve, "a kernel shorter than the signal", call(x, w), call(x, w[:1]), call(x[:5], w)
)
check.hidden(
    "convolve", convolve, "a kernel longer than the signal", call(w, x), call(x[:1], w), call(x[:3], w)
)
check.hidden("convolve", convolve, "signal and kernel of equal length", call(x[:4], w), call(x[:1], w[:1]))
check.hidden("convolve", convolve, "read-only arrays, views and float32", *call(x, w).in_every_form())
whole = rng.integers(100, 250, 6).astype(np.uint8)
check.hidden(
    "convolve",
    convolve,
    "integers",
    call(whole, w),
    call(whole, whole[:3]),
    call(w, whole),
    call(whole.astype(int) - 170, whole[:2]),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** has a property that cross-correlation lacks: signal and kernel may trade places,
$x * w = w * x$. (Correlation only gives the same numbers back to front.) It also tells **causal** from **centred**
kernels: an echo can use only the past, so a causal kernel delays what it smooths. A kernel that looks both ways keeps
peaks in place, but it needs to see the future.
"""

# %%
print("x * w:", convolve(np.array([1.0, 2, 4]), np.array([1.0, 0, -1])))
print("w * x:", convolve(np.array([1.0, 0, -1]), np.array([1.0, 2, 4])))

# %% tags=["figure"]
clean = np.exp(-0.5 * ((np.arange(120) - 60) / 6) ** 2)
hall = np.ones(15) / 15
full = convolve(clean, hall)
fig, ax = plt.subplots(figsize=(7.5, 2.8))
ax.plot(clean, color=figures.INPUT, label="signal")
ax.plot(full[: len(clean)], color=figures.KERNEL, label="causal: mean of this and the 14 before")
ax.plot(full[7 : 7 + len(clean)], color=figures.OUTPUT, label="centred: 7 on either side")
ax.axvline(60, color=figures.LINE, lw=1, zorder=0)
ax.set(xlabel="sample", ylim=(-0.05, 1.75))
ax.legend(loc="upper left")
plt.show()

# %% [markdown]
r"""
Why does it not matter to a network which of the two it computes? Because the kernel is *learned*: a network that
flips its kernels simply learns flipped kernels. From here on we say convolution, as everyone does, and compute
cross-correlation. The flip comes back in chapter 6, where it carries the gradients.

## A layer: channels, kernels, bias

Real signals have several **channels**: left and right, or the four electrodes of the EEG. A kernel then has one row of
taps *per channel*, and the inner product runs over channels and taps alike. A layer has $D$ such kernels, each with a
number of its own to add, its **bias**:

$$y_{d,i} \;=\; b_d + \sum_{c=0}^{C-1} \sum_{j=0}^{K-1} w_{d,c,j}\; x_{c,\,i\,s+j}$$

| thing | shape | example |
|---|---|---|
| signal `x` | $(C, L)$ | 2 channels, 50 samples: (2, 50) |
| one kernel | $(C, K)$ | 2 channels, 3 taps: (2, 3); 4 channels: (4, 3) |
| layer's weights `w` | $(D, C, K)$ | 5 such kernels: (5, 2, 3) |
| bias `b` | $(D,)$ | (5,) |
| output | $(D, L_{out})$ | (5, 48) |

Channels are not slid over. They are summed, every time, and each kernel makes one new channel.
"""

# %% tags=["figure"]
rng = np.random.default_rng(2)
x_shown, w_shown = rng.integers(-2, 3, (2, 6)), rng.integers(-1, 2, (2, 3))
fig, axes = plt.subplots(2, 3, figsize=(8.4, 2.4), width_ratios=[6, 3, 3])
for c in range(2):
    for ax, row, colour in (
        (axes[c, 0], x_shown[c], figures.INPUT),
        (axes[c, 1], w_shown[c], figures.KERNEL),
        (axes[c, 2], x_shown[c, 1:4] * w_shown[c], figures.OUTPUT),
    ):
        for j, value in enumerate(row):
            inside = ax is not axes[c, 0] or 1 <= j < 4
            ax.add_patch(
                plt.Rectangle(
                    (j, 0), 1, 1, fc=figures.tint(colour, 0.35 if inside else 0.08), ec=figures.LINE
                )
            )
            ax.text(j + 0.5, 0.5, value, ha="center", va="center")
        ax.set(xlim=(-0.05, len(row) + 0.05), ylim=(-0.05, 1.05), xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
    axes[c, 0].set_ylabel(f"channel {c}", rotation=0, ha="right", va="center")
total = int((x_shown[:, 1:4] * w_shown).sum())
for ax, title in zip(
    axes[0], ("x (2, 6), window at 1", "one kernel (2, 3)", f"products: sum = {total}"), strict=True
):
    ax.set_title(title)

# %% [markdown]
"""
### Exercise 1.5 · `conv1d`
●●●○ · 25 min

Build the layer: the formula above, equal to `torch.nn.functional.conv1d`. The hidden tests climb a ladder, with marks
for each rung: one kernel on one channel, then several channels, several kernels, the bias, the stride. So get one rung
working and go on from there.

<details><summary>Hint 1: one rung at a time</summary>

One output row needs one kernel `w[d]` of shape (C, K). Its row is the *sum over channels* of what `cross_correlate` gives for `x[c]` and `w[d, c]`.
</details>

<details><summary>Hint 2: or one window at a time</summary>

A window of all channels at once, `x[:, start : start + K]`, has the shape of one kernel. `similarity` takes arrays with two axes.
</details>

<details><summary>Hint 3: nearly the answer</summary>

```python
for d in range(D):
    for c in range(C):
        y[d] += ...
    if b is not None:
        ...
```
</details>
"""


# %% nbgrader={"grade_id": "conv1d", "solution": true}
def conv1d(x, w, b=None, stride=1):
    """A convolutional layer for signals, as torch.nn.functional.conv1d (no padding, no dilation, no groups).

    x: signal (C, L). w: kernels (D, C, K), K <= L. b: biases (D,), or None for none. stride: int.
    Returns (D, Lout), Lout = (L - K) // stride + 1.
    """
    ### BEGIN SOLUTION
    D, C, K = w.shape
    y = np.zeros((D, count_windows(x.shape[1], K, stride)))
    for d in range(D):
        for c in range(C):
            y[d] += cross_correlate(x[c], w[d, c], stride)
        if b is not None:
            y[d] += b[d]
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv1d-examples", "points": 10}
x = np.array([[1, 2, 0, 3], [0, 1, 1, 0]])  # two channels of four samples
w = np.array([[[1, 0], [0, 1]], [[1, 1], [-1, 0]], [[0, 0], [2, 2]]])  # three kernels, two channels, two taps
b = np.array([0, 10, 100])

check.examples(
    "conv1d",
    conv1d,
    call(x[:1], w[:1, :1]).gives([[1, 2, 0]]),  # one kernel on one channel
    call(x, w[:1]).gives([[2, 3, 0]]),  # one kernel on both channels
    call(x, w).gives([[2, 3, 0], [3, 1, 2], [2, 4, 2]]),  # three kernels
    call(x, w, b).gives([[2, 3, 0], [13, 11, 12], [102, 104, 102]]),
    call(x, w, b, stride=2).gives([[2, 0], [13, 12], [102, 102]]),
    call(recording[:, :60], np.sin(np.arange(60)).reshape(3, 4, 5), stride=3),  # torch is asked
)

# %% nbgrader={"grade_id": "conv1d-hidden", "points": 3}
# The first rung: one kernel on one channel. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1051)
x, w = rng.standard_normal((1, 11)), rng.standard_normal((1, 1, 4))
check.hidden(
    "conv1d",
    conv1d,
    "one kernel on one channel",
    call(x, w),
    call(x, w[..., :1]),
    call(x[:, :4], w),
    *call(x, w[..., 1:]).in_every_form(),
)
whole = rng.integers(100, 250, (1, 8)).astype(np.uint8)
check.hidden("conv1d", conv1d, "integers", call(whole, w), call(whole, whole[None, :, :3]))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv1d-hidden-channels", "points": 3}
# The second rung: one kernel on several channels.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1052)
x, w = rng.standard_normal((4, 9)), rng.standard_normal((1, 4, 3))
check.hidden(
    "conv1d", conv1d, "one kernel on several channels", call(x, w), call(x[:2], w[:, :2]), call(x[:, :3], w)
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv1d-hidden-kernels", "points": 3}
# The third rung: several kernels.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1053)
x, w = rng.standard_normal((3, 10)), rng.standard_normal((5, 3, 2))
check.hidden(
    "conv1d",
    conv1d,
    "several kernels",
    call(x, w),
    call(x, w[:3]),
    call(x[:1], w[:2, :1]),
    *call(x, w[:2]).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv1d-hidden-bias", "points": 3}
# The fourth rung: the bias.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1054)
x, w, b = rng.standard_normal((3, 10)), rng.standard_normal((4, 3, 3)), rng.standard_normal(4)
check.hidden(
    "conv1d",
    conv1d,
    "a bias for each kernel",
    call(x, w, b),
    call(x, w=w, b=b),
    call(x, w[:1], b[:1]),
    call(x, w, np.array([3, 0, -2, 7])),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv1d-hidden-stride", "points": 3}
# The last rung: the stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1055)
x, w, b = rng.standard_normal((2, 12)), rng.standard_normal((3, 2, 3)), rng.standard_normal(3)
check.hidden(
    "conv1d",
    conv1d,
    "stride 2 and more",
    call(x, w, stride=3),
    call(x, w, b, 2),
    call(x, w, b, stride=5),
    call(x[:, :4], w, stride=9),
    *call(x, w, stride=2).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is `torch.nn.Conv1d`. It has a property that makes it right for signals: if the input
arrives three samples later, the output is the same, three samples later. Convolution is **equivariant** to shifts:
*shift, then convolve* equals *convolve, then shift*. (Many lectures say "invariant", which would mean that the output
does not change at all. It does: it moves along.) A fully connected layer knows nothing of the kind.
"""

# %% tags=["figure"]
rng = np.random.default_rng(3)
short = np.zeros((1, 40))
short[0, 12:18] = [1, 3, 2, -2, -3, -1]
later = np.roll(short, 8, axis=1)
kernel, dense = rng.standard_normal((1, 1, 5)), rng.standard_normal((36, 40)) / 4

fig, axes = plt.subplots(1, 3, figsize=(8.6, 2.5), sharex=True)
for x_shifted, colour, name in ((short, figures.INPUT, "signal"), (later, figures.KERNEL, "8 samples later")):
    axes[0].plot(x_shifted[0], color=colour, label=name)
    axes[1].plot(conv1d(x_shifted, kernel)[0], color=colour)
    axes[2].plot(dense @ x_shifted[0], color=colour)
for ax, title in zip(
    axes, ("input", "convolution: moves along", "fully connected: all different"), strict=True
):
    ax.set_title(title)
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
gap = np.abs(np.roll(conv1d(short, kernel), 8, axis=1) - conv1d(later, kernel)).max()
print(f"largest difference between the two orders: {gap:.1g}")

# %% [markdown]
"""
## Not a convolution: what sharing saves

Take $n_{in}$ inputs and $n_{out}$ outputs. A **fully connected** layer has a weight from every input to every output. A
**locally connected** one lets each output see a window of $k$ inputs only, with weights of its own. A **convolution** lets
every output use the *same* $k$ weights. Below, lines of one colour are one weight.
"""

# %% tags=["figure"]
n_in, n_out, k = 7, 5, 3
fig, axes = plt.subplots(1, 3, figsize=(8.6, 2.6))
rainbow = plt.colormaps["turbo"]
kinds = {
    "fully connected": lambda i, j: rainbow((i * n_in + j) / (n_in * n_out)),
    "locally connected": lambda i, j: rainbow((i * k + j - i) / (n_out * k)) if 0 <= j - i < k else None,
    "convolution": lambda i, j: figures.TAPS[(0, 2, 6)[j - i]] if 0 <= j - i < k else None,
}
for ax, (name, colour) in zip(axes, kinds.items(), strict=True):
    links = [(i, j, colour(i, j)) for i in range(n_out) for j in range(n_in) if colour(i, j) is not None]
    for i, j, c in links:
        ax.plot([j, i + 1], [0, 1], color=c, lw=1.3, zorder=1)
    ax.scatter(range(n_in), np.zeros(n_in), s=90, color=figures.INPUT, zorder=2)
    ax.scatter(np.arange(n_out) + 1, np.ones(n_out), s=90, color=figures.OUTPUT, zorder=2)
    ax.set(title=f"{name}: {len({c for *_, c in links})} weights", xticks=[], yticks=[], ylim=(-0.2, 1.2))
    ax.spines[:].set_visible(False)

# %% [markdown]
"""
### Exercise 1.6 · `parameter_counts`
●○○○ · 5 min

Return how many weights each kind has, without biases, as a tuple (fully connected, locally connected, convolution).

<details><summary>Hint 1</summary>

Count the lines that end in one output in the pictures above. How many outputs are there, and do they share?
</details>
"""


# %% nbgrader={"grade_id": "parameter_counts", "solution": true}
def parameter_counts(n_in, n_out, k):
    """Weights, without biases, of three kinds of layers from n_in inputs to n_out outputs with windows of k.

    n_in, n_out, k: ints.
    Returns three ints: (fully connected, locally connected, convolution).
    """
    ### BEGIN SOLUTION
    return n_in * n_out, k * n_out, k
    ### END SOLUTION


# %% nbgrader={"grade_id": "parameter_counts-examples", "points": 4}
check.examples(
    "parameter_counts",
    parameter_counts,
    call(7, 5, 3).gives((35, 15, 3)),  # the pictures above
    call(100, 96, 5).gives((9600, 480, 5)),
)

# %% nbgrader={"grade_id": "parameter_counts-hidden", "points": 6}
# The hidden tests of `parameter_counts` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1061)
sizes = [call(n + k - 1, n, k) for n, k in rng.integers(2, 200, (5, 2)).tolist()]
check.hidden(
    "parameter_counts",
    parameter_counts,
    "layers of several sizes",
    *sizes,
    call(1, 1, 1),
    call(n_in=50, n_out=25, k=4),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, drawn for a second of sound: 16 000 inputs, windows of 25, as many outputs as fit.
"""

# %% tags=["figure"]
names = ["fully connected", "locally connected", "convolution"]
counts = parameter_counts(16_000, count_windows(16_000, 25), 25)
fig, ax = plt.subplots(figsize=(7.5, 1.9))
ax.barh(names, counts, color=[figures.INPUT, figures.OUTPUT, figures.KERNEL])
ax.set_xscale("log")
ax.set_xlim(1, 3e10)
ax.invert_yaxis()
for row, count in enumerate(counts):
    ax.text(count * 1.4, row, f"{count:,}".replace(",", " "), va="center")
ax.set_xlabel("weights")
plt.show()

# %% [markdown] nbgrader={"grade_id": "why-shared-weights-question", "locked": true}
"""
### Written question 1.7 · why shared weights?
●●○○ · 10 min

A colleague says: "Sharing weights is only a trick to save memory. With enough memory, a locally connected layer would be
at least as good, because it can learn everything that a convolution can."

In three to six sentences: what is right about this, what does sharing assume about the data, and what does it give you
besides memory? Name one kind of input for which the assumption is wrong.

<details><summary>Hint 1</summary>

Think of a spoken word that begins a tenth of a second later than in all your training examples.
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- The first half is right: a locally connected layer contains the convolution (all its kernels equal), so it can represent it.
- The assumption: a pattern means the same wherever it occurs (stationarity); what is worth detecting here is worth detecting there.
- What sharing gives: equivariance to shifts by construction; each weight learns from every position, so fewer examples
  are needed (statistical efficiency); it also works on inputs of another length.
- A fitting counterexample: inputs whose positions have fixed, different roles, e.g. a form with fields, aligned and
  centred faces, columns of a table, the bins of one spectrum.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-shared-weights", "solution": true, "points": 8}
"""
It is right that a locally connected layer can represent every convolution: it only has to make its kernels equal. But
sharing states an assumption, that a pattern means the same wherever it occurs. Where that holds, equal kernels need not
be learned: a shifted input gives a shifted output by construction, and every position in every example trains the same few
weights, so the layer needs far fewer examples and copes with signals of another length. A locally connected layer would
have to see the same word at every possible time. The assumption is wrong where positions have fixed roles, such as the
columns of a table or faces that are always centred, with the eyes in the same place.
"""

# %% [markdown]
r"""
## Finding a pattern

As a detector, the plain inner product has a weakness: it grows with loudness. A loud stretch of anything can beat a
quiet copy of the very pattern you look for, and so can a constant offset. The cure is to compare *shapes*: take the mean
away from window and pattern, and divide by their norms. What is left is the cosine, from $-1$ to $1$:

$$r_i = \frac{\langle v_i - \bar v_i,\; p - \bar p\rangle}{\lVert v_i - \bar v_i\rVert \; \lVert p - \bar p\rVert}, \qquad v_i = (x_i, \dots, x_{i+K-1})$$

It is 1 exactly where the window is the pattern, made louder or quieter and moved up or down.
"""

# %% nbgrader={"grade_id": "setup-noisy-signal", "locked": true} tags=["setup"]
wave = np.array([0.0, 1, 3, 1, -2, -1, 0])
noisy = 0.15 * np.random.default_rng(12).standard_normal(70)
noisy[10:17] += wave
noisy[40:50] += 6
noisy[56:63] += 0.4 * wave

# %% tags=["figure"]
plain = cross_correlate(noisy, wave)
figures.signals(
    [noisy, plain],
    ["signal", "inner product"],
    spans=[(10, 17), (56, 63)],
    title="The pattern is where it is shaded; the edges of the step win",
)

# %% [markdown]
"""
### Exercise 1.8 · `find_pattern`
●●●○ · 15 min

Return the start of the window with the largest normalised correlation $r_i$. A flat window has norm 0 and counts as
$r_i = 0$. Of several equally good windows, return the first.

<details><summary>Hint 1: one window</summary>

Write the value for one window first: subtract the means, then one `similarity` and two norms. A norm is the root of an array's similarity with itself.
</details>

<details><summary>Hint 2: flat windows</summary>

0 / 0 is nan in numpy, and `np.argmax` takes nan for the largest value of all. Treat a norm of (almost) 0 before you divide.
</details>

<details><summary>Hint 3: the first of equals</summary>

Collect all $r_i$ in an array: `np.argmax` returns the first of equal maxima. In a loop of your own, use `>`, not `>=`.
</details>
"""


# %% nbgrader={"grade_id": "find_pattern", "solution": true}
def find_pattern(x, pattern):
    """Where a pattern is in a signal, by normalised correlation.

    x: signal (L,). pattern: (K,), K <= L, not flat.
    Returns the start (int) of the window with the largest correlation after the means are removed and the norms
    divided out; flat windows count 0; the first of equals.
    """
    ### BEGIN SOLUTION
    pattern = pattern - np.mean(pattern)
    scores = []
    for start in range(count_windows(len(x), len(pattern))):
        window = x[start : start + len(pattern)]
        window = window - np.mean(window)
        norm = np.sqrt(similarity(window, window) * similarity(pattern, pattern))
        scores.append(similarity(window, pattern) / norm if norm > 1e-9 else 0.0)
    return int(np.argmax(scores))
    ### END SOLUTION


# %% nbgrader={"grade_id": "find_pattern-examples", "points": 5}
bump = np.array([0, 2, 0])

check.examples(
    "find_pattern",
    find_pattern,
    call(np.array([0, 0, 0, 2, 0, 0]), bump).gives(2),
    call(np.array([0, 9, 9, 0, 0, 1, 0]), bump).gives(4),  # quiet, but the right shape
    call(np.array([7, 7, 7, 0, 0, 1, 0]), bump).gives(4),  # not the flat stretch on a high floor
    call(np.array([4, 0, 4, 4, 0, 3, 0, 3, 0]), bump).gives(4),  # upside down at 0; then the first of two
    call(noisy, wave).gives(10),
)

# %% nbgrader={"grade_id": "find_pattern-hidden", "points": 7}
# The hidden tests of `find_pattern` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(1081)
x, p = rng.standard_normal(40), rng.standard_normal(6)
hit = x.copy()
hit[21:27] = 0.3 * p + 2
last = x.copy()
last[34:] = 5 * p
check.hidden(
    "find_pattern",
    find_pattern,
    "a signal that holds the pattern, louder, quieter and moved up",
    call(hit, p),
    call(last, p),
    *call(hit, p).in_every_form(),
)
check.hidden(
    "find_pattern",
    find_pattern,
    "a signal that holds something like it",
    call(x, p),
    call(x, p + 3),
    call(x[:6], p),
    call(x - 4, p[:4]),
)
steps = np.zeros(30)
steps[3:12], steps[20:24] = 50, [1, 2, 0, 1]
check.hidden(
    "find_pattern",
    find_pattern,
    "flat and loud stretches",
    call(steps, np.array([1.0, 2, 0, 1])),
    call(np.array([5, 5, 5, 5, 6, 5, 5]), np.array([2, 4, 2])),
)
check.hidden(
    "find_pattern",
    find_pattern,
    "a flat window that is the best there is",
    call(np.array([5, 4, 3, 3, 3, 2, 1]), np.array([1, 2, 3])),
)
twice = np.array([0, 0, 2, -2, 2, -2, 0, 0, 4, -4, 4, -4, 0])
check.hidden(
    "find_pattern",
    find_pattern,
    "the first of equals, and not the one upside down",
    call(twice, np.array([1, -1, 1, -1])),
    call(np.array([3, 2, 2, 0, 1, 0]), np.array([-1, 1])),
)
check.hidden(
    "find_pattern",
    find_pattern,
    "integers",
    call(rng.integers(0, 250, 30).astype(np.uint8), np.array([10, 200, 90], dtype=np.uint8)),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** finds things in real recordings. Cut half a second out of one electrode, hide it in the
recording of another, and look for it:
"""

# %%
rng = np.random.default_rng(5)
snippet = recording[0, 300:340]
haystack = 0.5 * recording[3] + 0.1 * rng.standard_normal(800)
haystack[500:540] += 0.8 * snippet
found = find_pattern(haystack, snippet)
figures.signals(
    [haystack, snippet],
    ["another electrode", "the snippet"],
    spans=[(found, found + len(snippet))],
    rate=rate,
    title=f"hidden at sample 500, found at {found}",
)

# %% [markdown]
r"""
## Find the error in the lecture

A lecture prints the output of a kernel of size $k$ as

$$z[h] \;=\; \sum_{i=0}^{k} w[i]\; x[h+i].$$

One character is wrong. Find it before you unfold the answer; if in doubt, count the terms for $k = 3$.

<details><summary>Answer</summary>

The sum has $k+1$ terms, but a kernel of size $k$ has the taps $w[0] \dots w[k-1]$: the upper limit is $k-1$. With
indices that start at 0, the last of $k$ things has index $k-1$. The same slip makes the flipped kernel $w[k-i]$, which
reads $w[k]$ for $i = 0$; right is $w[k-1-i]$. In numpy you would notice:
</details>
"""

# %%
taps, signal = [3, 2, 1], [1, 2, 0, 3, 5, 1]
try:
    print(sum(taps[i] * signal[i] for i in range(len(taps) + 1)))
except IndexError as error:
    print("IndexError:", error)

# %% [markdown]
r"""
## Summary

- A kernel asks each window *how alike are we?* The answer is an inner product.
- $\lfloor (n-k)/s \rfloor + 1$ windows of size $k$ fit into $n$ values at stride $s$.
- Deep learning's convolution is cross-correlation. Signal processing flips the kernel and keeps partial overlaps.
- A layer has weights $(D, C, K)$ and biases $(D,)$: it sums over channels and taps, and each kernel makes one channel.
- Sharing weights makes the layer small, and **equivariant** to shifts: the output moves along with the input.
- Removing means and norms turns likeness into a correlation from $-1$ to $1$ that ignores loudness and offset.

**Read on:** Goodfellow, Bengio and Courville, *Deep Learning*, chapter 9, on sparse interactions and parameter sharing;
Steven Smith, *The Scientist and Engineer's Guide to Digital Signal Processing*, chapter 6, on convolution as echoes.
Next, the window gets a second dimension: [chapter 2](../ch02_conv2d/conv2d.ipynb).
"""
