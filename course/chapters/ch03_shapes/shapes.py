# %% [markdown]
"""
# 3 · Shapes: padding, stride, dilation

**After this chapter you can** say which shape comes out of any convolutional layer, which pixels it never looks at, how
far one output value sees and how many parameters all that takes. And you will have built the whole of torch's `conv2d`, with
padding, stride and dilation.

**You need** the layer of [chapter 2](../ch02_conv2d/conv2d.ipynb): kernels of shape $(D, C, k_H, k_W)$ that slide over images
$(N, C, H, W)$. You write it afresh here, so nothing has to be copied. **Time:** about 115 minutes.

The rule is the old one: *you build it from inner products, then torch agrees.*
"""

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from course.kit import Checks, call, explore, figures, images

check = Checks("ch03_shapes")
figures.use_style()

# %% [markdown]
r"""
## Five numbers

Along one axis, five numbers say where the windows are:

| number | name | what it does |
|---|---|---|
| $n$ | input size | how many values there are |
| $k$ | kernel size | how many taps the kernel has |
| $s$ | stride | windows start at $0, s, 2s, \dots$ |
| $p$ | padding | $p$ extra cells, mostly zeros, at *both* ends |
| $d$ | dilation | neighbouring taps are $d$ cells apart, so $d-1$ cells lie between them |

Play with them before you read on. A signal is on the left, with each window in a row of its own and the output it makes at
the right; an image with the same numbers on both axes is beside it. Pink is what no tap ever meets. (Where sliders can't run, you
see a still picture.)

- With $n = 8$ and $k = 3$, which strides leave something unseen?
- For $k = 3$, $5$ and $7$ at stride 1, which padding gives as many outputs as there are inputs?
- How many cells does a kernel of 3 taps span at dilation 4?

<details><summary>Answers</summary>

All from 2 to 5: stride 2 misses 7, stride 3 misses 6 and 7, stride 4 misses 3 and 7, stride 5 misses 3 and 4. The paddings are 1, 2 and
3. Nine cells.
</details>
"""

# %%
explore.shapes(n=8, k=3, stride=2, padding=0, dilation=1)

# %% [markdown]
"""
One after the other, in motion. **Stride 2**: the window jumps, and here it leaves the last value over.
"""

# %%
explore.film(8, 3, stride=2)

# %% [markdown]
"""
**Padding 1**: a cell more at each end, so a kernel of 3 taps can stand on the first value and on the last.
"""

# %%
explore.film(6, 3, padding=1)

# %% [markdown]
r"""
**Dilation 2**: the same three taps, spread out. The output is $z_h = \sum_i w_i\, x_{h + i d}$, and from its first tap to its
last the kernel now spans $d(k-1) + 1$ cells. At $d = 4$, three cells lie between neighbouring taps.
"""

# %%
explore.film(8, 3, dilation=2)

# %% [markdown]
"""
On an image each axis goes by its own numbers. A kernel of 3 rows and 1 column, stride 2, on 5 rows and 7 columns:
"""

# %%
explore.film((5, 7), (3, 1), stride=2)

# %% [markdown]
r"""
So how many windows are there? With padding the axis has $n + 2p$ cells. The kernel spans $d(k-1)+1$ of them, and the
window at the start always fits if any does. What is left over, $n + 2p - d(k-1) - 1$ cells, has room for one more window for each
*whole* stride:

$$n_{out} \;=\; \left\lfloor \frac{n + 2p - d(k-1) - 1}{s} \right\rfloor + 1$$

### Exercise 3.1 · `output_size`
●●○○ · 10 min

Return the number of windows on one axis. Where not a single one fits, raise a `ValueError`. (In chapter 1 you counted 0
there. A layer without any output is nearly always a mistake, so here it has to be heard.)

<details><summary>Hint 1: in steps</summary>

Give the parts names: how long is the padded axis, how many cells does the kernel span, how many are left over?
</details>

<details><summary>Hint 2: nothing fits</summary>

`raise ValueError("...")` before you divide. Which comparison of the two lengths says that nothing fits? A kernel as long as the padded axis still does.
</details>

<details><summary>Hint 3: the floor</summary>

`//` rounds down and gives an int. The `+ 1` comes after it: it stands for the window at the start, which needs no stride.
</details>
"""


# %% nbgrader={"grade_id": "output_size", "solution": true}
def output_size(n, k, stride=1, padding=0, dilation=1):
    """How many windows fit on one axis.

    n, k, stride, dilation: ints, at least 1. padding: int, at least 0, the cells added at each end.
    Returns an int, at least 1; raises ValueError where no window fits.
    """
    ### BEGIN SOLUTION
    left_over = n + 2 * padding - dilation * (k - 1) - 1
    if left_over < 0:
        raise ValueError("the kernel is longer than the padded input")
    return left_over // stride + 1
    ### END SOLUTION


# %% nbgrader={"grade_id": "output_size-examples", "points": 4}
check.examples(
    "output_size",
    output_size,
    call(7, 3).gives(5),
    call(7, 3, padding=1).gives(7),
    call(7, 3, stride=2).gives(3),
    call(8, 3, stride=2).gives(3),  # the first film: one value is left over
    call(62, 3, stride=10).gives(6),  # room for 5.9 strides: five windows after the first
    call(8, 3, dilation=2).gives(4),
    call(5, 3, 2).gives(2),  # 5 rows, 3 taps, stride 2
    call(7, 1, 2).gives(4),  # and 7 columns, 1 tap: the film with 2 x 4 outputs
    call(32, 2, stride=2).gives(16),  # pooling windows, 2 x 2 with stride 2: 32x32x16 becomes 16x16x16
    call(32, 5).gives(28),  # six 5x5x3 filters make 28x28x6 of 32x32x3
    call(32, 5, padding=2).gives(32),
    call(63, 7, stride=2).gives(29),
    call(10, 3).gives(8),  # a 3x3 filter makes 8x8 of 10x10
    call(5, 3, dilation=3).raises(ValueError),
)

# %% nbgrader={"grade_id": "output_size-hidden", "points": 6}
# The hidden tests of `output_size` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3011)
check.hidden(
    "output_size",
    output_size,
    "stride",
    *[call(n + k, k, s) for n, k, s in rng.integers(1, 20, (8, 3)).tolist()],
    call(9, 9, 4),
    call(17, 3, stride=3),
    call(19, 3, stride=3),
)
check.hidden(
    "output_size",
    output_size,
    "padding",
    *[call(n + k, k, s, p) for n, k, s, p in rng.integers(1, 9, (8, 4)).tolist()],
    call(3, 5, padding=1),
    call(20, 4, 3, padding=2),
)
check.hidden(
    "output_size",
    output_size,
    "dilation",
    *[call(n + d * k, k, s, p, d) for n, k, s, p, d in rng.integers(1, 7, (8, 5)).tolist()],
    call(21, 4, dilation=5),
    call(9, 5, 2, dilation=2),
    call(12, 1, dilation=9),
    call(23, 3, dilation=4),
)
check.hidden(
    "output_size",
    output_size,
    "a ValueError where nothing fits",
    call(4, 7).raises(ValueError),
    call(3, 8, 2, 2).raises(ValueError),
    call(8, 3, dilation=4).raises(ValueError),
    call(9, 4, 5, 1, 4).raises(ValueError),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is the one formula that everybody who works with convolutional networks knows by heart. Its floor matters:
a window either fits or it does not, and $5.9$ strides are 5 strides.
"""

# %%
for n, k, s in ((15, 3, 5), (36, 3, 10), (62, 3, 10), (13, 3, 2), (12, 3, 3)):
    print(f"({n} - {k}) / {s} = {(n - k) / s}: the last window starts {output_size(n, k, s) - 1} strides in")

# %% [markdown]
r"""
**Question.** Two lectures print $(n - k + 2p)/s + 1$, without the floor. And the paper on AlexNet lets kernels of $11 \times 11$
with stride 4 meet images of $224 \times 224$ pixels, and goes on with maps of $55 \times 55$. Without padding, can that be?

<details><summary>Answer</summary>

$(224 - 11)/4 + 1 = 54.25$. There is no quarter of a window, so the floor gives 54. Maps of 55 need 227 pixels, or 224 with
a padding of 2. Chapter 9 takes 227.
</details>
"""

# %%
for n, p in ((224, 0), (227, 0), (224, 2)):
    print(f"{n} pixels, padding {p}: {output_size(n, 11, stride=4, padding=p)}")

# %% [markdown]
r"""
One choice of padding makes life simple. For an odd kernel $k = 2r+1$, pad by $r$: then $n_{out} = \lfloor (n-1)/s \rfloor + 1$,
*whatever the kernel*. At stride 1 the size stays, at stride 2 it is halved (rounded up).
"""

# %%
for n, s in ((32, 1), (32, 2), (33, 2), (31, 3)):
    sizes = [output_size(n, 2 * r + 1, stride=s, padding=r) for r in range(1, 6)]
    print(f"n = {n}, stride {s}, k = 3, 5, 7, 9, 11: {sizes}, (n - 1) // s + 1 = {(n - 1) // s + 1}")

# %% [markdown]
"""
## What no window sees

A stride can leave input over: at the end, where no further window fits, and between windows when it is longer than the kernel.
Nothing that happens there can change the output. Here, all a layer makes of 25 pixels comes from 9 of them:
"""

# %% tags=["figure"]
explore.picture((5, 5), (3, 3), stride=3)
explore.picture(11, 2, stride=4)

# %% [markdown]
"""
### Exercise 3.2 · `unseen`
●●○○ · 8 min

Return the indices on an axis of $n$ values that no window covers, for a kernel of $k$ taps (no padding, no dilation) and a
stride, as a sorted list. Where $k > n$ there is no window at all, so every index is unseen.

<details><summary>Hint 1: turn it round</summary>

It is easier to collect what *is* seen. A Python `set` is made for that.
</details>

<details><summary>Hint 2: the windows</summary>

They start at `range(0, n - k + 1, stride)`, which is empty for k > n, and each covers `range(start, start + k)`.
</details>
"""


# %% nbgrader={"grade_id": "unseen", "solution": true}
def unseen(n, k, stride):
    """The indices that no window covers.

    n, k, stride: ints, at least 1.
    Returns a sorted list of ints out of 0 ... n - 1; all of them where k > n.
    """
    ### BEGIN SOLUTION
    seen = set()
    for start in range(0, n - k + 1, stride):
        seen.update(range(start, start + k))
    return [i for i in range(n) if i not in seen]
    ### END SOLUTION


# %% nbgrader={"grade_id": "unseen-examples", "points": 3}
check.examples(
    "unseen",
    unseen,
    call(5, 3, 3).gives([3, 4]),
    call(11, 2, 4).gives([2, 3, 6, 7, 10]),  # the pictures above
    call(8, 3, 2).gives([7]),
    call(7, 3, 2).gives([]),
    call(2, 3, 1).gives([0, 1]),
)

# %% nbgrader={"grade_id": "unseen-hidden", "points": 4}
# The hidden tests of `unseen` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3021)
check.hidden(
    "unseen",
    unseen,
    "windows that touch or overlap",
    *[call(n + k, k, s) for n, k, s in rng.integers(1, 12, (6, 3)).tolist() if s <= k],
    call(12, 4, 4),
    call(14, 4, stride=4),
    call(23, 5, 4),
)
check.hidden(
    "unseen", unseen, "gaps between windows", call(12, 2, 5), call(17, 3, 7), call(16, 1, 4), call(19, 4, 6)
)
check.hidden(
    "unseen", unseen, "one window, or none", call(6, 6, 1), call(9, 6, 5), call(4, 9, 1), call(1, 2, 3)
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** finds a real waste. In the residual networks of chapter 9, some shortcuts are $1 \times 1$ convolutions with stride
2 on maps of $56 \times 56$. Half of the rows are never seen, and half of the columns. On the right is all that such a
shortcut looks at:
"""

# %%
photo = images.camera(56)
rows = unseen(56, 1, 2)
looked_at = photo.copy()
looked_at[rows] = looked_at[:, rows] = 0
share = 1 - (1 - len(rows) / 56) ** 2
figures.pictures([photo, looked_at], ["a map of 56 x 56", f"1x1, stride 2: {share:.0%} unseen"])

# %% [markdown]
"""
## Padding: what stands outside?

Padding needs values. Zeros are the usual ones, but not the only ones. Take the row `a b c d`; each mode is a rule that says which
value *outside* equals which value *inside*:

| mode | outside | inside | outside | rule |
|---|---:|:---:|:---|---|
| `zeros` | `0 0 0` | `a b c d` | `0 0 0` | nothing but zeros |
| `reflect` | `d c b` | `a b c d` | `c b a` | a mirror *on* the last value, which is not repeated |
| `replicate` | `a a a` | `a b c d` | `d d d` | the last value goes on |
| `circular` | `b c d` | `a b c d` | `a b c` | the other end comes round |

Images are padded on their last two axes only. How much is said in one of three forms: an int for all four sides; a pair
$(p_H, p_W)$, rows above and below, columns left and right; or four numbers (left, right, top, bottom). The last form starts with the
*last* axis, as in torch.
"""

# %% tags=["figure"]
fig, axes = plt.subplots(1, 4, figsize=(8.6, 2.6))
small = np.arange(12).reshape(3, 4)
named = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
for ax, (mode, numpy_name) in zip(axes, named.items(), strict=True):
    padded = np.pad(small, 2, mode=numpy_name)
    inside = np.pad(np.ones_like(small), 2)
    for (i, j), value in np.ndenumerate(padded):
        colour = figures.tint(figures.INPUT, 0.3) if inside[i, j] else "#F1F1F1"
        ax.add_patch(plt.Rectangle((j, i), 1, 1, fc=colour, ec=figures.LINE))
        ax.text(j + 0.5, i + 0.52, value, ha="center", va="center", fontsize=8.5)
    ax.set(xlim=(-0.1, 8.1), ylim=(7.1, -0.1), xticks=[], yticks=[], aspect="equal", title=mode)
    ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
"""
### Exercise 3.3 · `pad2d`
●●●○ · 20 min

Pad the last two axes of $(N, C, H, W)$ in the four modes, for each of the three forms of `padding`. A mode of another
name must raise a `ValueError`. `np.pad` is off limits here: it would be the answer. The hidden tests have marks for each mode, so
start with zeros.

<details><summary>Hint 1: zeros</summary>

Bring the three forms of `padding` into four numbers first. Then make an array of zeros of the larger size, and write `x` into its middle:
rows `top` to `top + H`. (`top:-bottom` would be empty for `bottom = 0`.)
</details>

<details><summary>Hint 2: one idea for the other modes</summary>

Number the padded rows as the image's rows are numbered: `i = np.arange(-top, H + bottom)`. Each mode turns those `i` that lie
outside into indices that lie inside. Then `x[:, :, i]` picks the rows, and the columns go the same way. Corners come out right by themselves.
</details>

<details><summary>Hint 3: the three rules</summary>

replicate: `np.clip`. circular: `i % n`. reflect: `abs(i)` mirrors what lies before 0; for the other end, mirror the distance to the last index, $(n-1) - i$, in the same way.
</details>
"""


# %% nbgrader={"grade_id": "pad2d", "solution": true}
def pad2d(x, padding, mode="zeros"):
    """Pad images on their last two axes.

    x: images (N, C, H, W). padding: int, or (pH, pW), or (left, right, top, bottom); ints, at least 0.
    mode: "zeros", "reflect" (padding < size of the axis), "replicate" or "circular" (padding <= size of the axis);
    another one raises ValueError. Returns (N, C, top + H + bottom, left + W + right). Leaves x as it is.
    """
    ### BEGIN SOLUTION
    if isinstance(padding, int):
        padding = (padding, padding)
    if len(padding) == 2:
        padding = (padding[1], padding[1], padding[0], padding[0])
    left, right, top, bottom = padding
    N, C, H, W = x.shape
    if mode == "zeros":
        y = np.zeros((N, C, top + H + bottom, left + W + right))
        y[:, :, top : top + H, left : left + W] = x
        return y
    rules = {
        "reflect": lambda i, n: (n - 1) - abs((n - 1) - abs(i)),
        "replicate": lambda i, n: np.clip(i, 0, n - 1),
        "circular": lambda i, n: i % n,
    }
    if mode not in rules:
        raise ValueError(f"no such mode: {mode}")
    rows = rules[mode](np.arange(-top, H + bottom), H)
    columns = rules[mode](np.arange(-left, W + right), W)
    return x[:, :, rows][:, :, :, columns]
    ### END SOLUTION


# %% nbgrader={"grade_id": "pad2d-examples", "points": 6}
tiny = np.array([[[[1, 2, 3], [4, 5, 6]]]])  # one image, one channel, 2 rows, 3 columns

check.examples(
    "pad2d",
    pad2d,
    call(tiny, 1).gives([[[[0, 0, 0, 0, 0], [0, 1, 2, 3, 0], [0, 4, 5, 6, 0], [0, 0, 0, 0, 0]]]]),
    # half of it, and two columns on either side
    call(tiny / 2, (0, 2)).gives([[[[0, 0, 0.5, 1, 1.5, 0, 0], [0, 0, 2, 2.5, 3, 0, 0]]]]),
    call(tiny, (1, 2, 0, 1)).gives([[[[0, 1, 2, 3, 0, 0], [0, 4, 5, 6, 0, 0], [0, 0, 0, 0, 0, 0]]]]),
    call(tiny, (0, 2), "reflect").gives([[[[3, 2, 1, 2, 3, 2, 1], [6, 5, 4, 5, 6, 5, 4]]]]),
    call(tiny, (1, 0), "reflect").gives([[[[4, 5, 6], [1, 2, 3], [4, 5, 6], [1, 2, 3]]]]),
    call(tiny, (0, 2), "replicate").gives([[[[1, 1, 1, 2, 3, 3, 3], [4, 4, 4, 5, 6, 6, 6]]]]),
    call(tiny, (0, 2), "circular").gives([[[[2, 3, 1, 2, 3, 1, 2], [5, 6, 4, 5, 6, 4, 5]]]]),
    call(tiny, (1, 1, 1, 0), mode="circular").gives([[[[6, 4, 5, 6, 4], [3, 1, 2, 3, 1], [6, 4, 5, 6, 4]]]]),
    call(np.ones((1, 1, 7, 6)), 2),  # torch is asked: 11 x 10
    call(np.ones((1, 8, 15, 15)), 2),  # 15x15x8 becomes 19x19x8: channels are not padded
    call(tiny, 1, "mirror").raises(ValueError),
)

# %% nbgrader={"grade_id": "pad2d-hidden", "points": 2}
# The first rung: zeros, the same on opposite sides. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3031)
x = rng.standard_normal((2, 3, 4, 6))
whole = rng.integers(100, 250, (1, 2, 3, 4))
check.hidden(
    "pad2d", pad2d, "zeros, an int", call(x, 1), call(x, 5), call(x[:1, :1], 2), *call(x, 3).in_every_form()
)
check.hidden(
    "pad2d", pad2d, "no padding at all", call(x, 0), call(x, (0, 0)), call(x[:, :2], padding=(0, 0, 0, 0))
)
check.hidden("pad2d", pad2d, "zeros, a pair", call(x, (1, 2)), call(x, (3, 0)), call(x, padding=(0, 1)))
check.hidden("pad2d", pad2d, "integers", call(whole, 2), call(whole.astype(np.uint8), (1, 3)))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "pad2d-hidden-sides", "points": 2}
# The second rung: zeros, four sides, four numbers.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3032)
x = rng.standard_normal((2, 2, 5, 3))
check.hidden(
    "pad2d",
    pad2d,
    "zeros, four numbers",
    call(x, (1, 2, 3, 4)),
    call(x, (4, 0, 1, 2)),
    call(x, (0, 3, 0, 0)),
    call(x[:1], padding=(0, 0, 0, 2)),
    *call(x, (2, 1, 0, 3)).in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "pad2d-hidden-reflect", "points": 2}
# The third rung: reflect.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3033)
x = rng.standard_normal((2, 2, 4, 5))
check.hidden(
    "pad2d",
    pad2d,
    "reflect",
    call(x, 1, "reflect"),
    call(x, (3, 4), mode="reflect"),
    call(x, (1, 3, 0, 2), "reflect"),
    call(x, 0, mode="reflect"),
    call(rng.integers(100, 250, (1, 1, 3, 4)).astype(np.uint8), 2, "reflect"),
    *call(x, (2, 1), "reflect").in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "pad2d-hidden-replicate", "points": 2}
# The fourth rung: replicate.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3034)
x = rng.standard_normal((2, 3, 5, 4))
check.hidden(
    "pad2d",
    pad2d,
    "replicate",
    call(x, 1, "replicate"),
    call(x, (2, 7), mode="replicate"),
    call(x, (3, 1, 0, 2), "replicate"),
    call(x, 0, mode="replicate"),
    call(rng.integers(100, 250, (1, 1, 3, 4)).astype(np.uint8), 2, "replicate"),
    *call(x, (1, 2), "replicate").in_every_form(),
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "pad2d-hidden-circular", "points": 2}
# The last rung: circular, and an error for any other mode.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3035)
x = rng.standard_normal((1, 3, 4, 5))
check.hidden(
    "pad2d",
    pad2d,
    "circular",
    call(x, 1, "circular"),
    call(x, (4, 5), mode="circular"),
    call(x, (3, 1, 0, 2), "circular"),
    call(x, 0, mode="circular"),
    call(rng.integers(100, 250, (1, 1, 3, 4)).astype(np.uint8), 2, "circular"),
    *call(x, (1, 3), "circular").in_every_form(),
)
check.hidden(
    "pad2d",
    pad2d,
    "a ValueError for any other mode",
    call(x, 1, "constant").raises(ValueError),
    call(x, (1, 2), mode="edge").raises(ValueError),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built**, on a photograph of coins. Each mode is a guess about the world outside the picture. Zeros guess that it is
black, and so they draw an edge around it that is not there.
"""

# %%
coins = images.coins((60, 76))
modes = ["zeros", "reflect", "replicate", "circular"]
padded = [pad2d(coins[None, None], 18, mode)[0, 0] for mode in modes]
figures.pictures(padded, modes, columns=4)

# %% [markdown]
"""
## How much padding?

Three amounts have names. With $m = d(k-1)$, the number of cells that the kernel spans *beyond* its first:

| kind | padding | output at stride 1 | in words |
|---|---|---|---|
| valid | none | $n - m$ | only windows that lie inside |
| same | $m$ in all, half on each side | $n$ | as many outputs as inputs |
| full | $m$ on each side | $n + m$ | every window that touches the input |

For $d = 1$ the sizes are $n - k + 1$, $n$ and $n + k - 1$.
"""

# %% tags=["figure"]
for padding, kind in enumerate(("valid", "same", "full")):
    explore.picture(5, 3, padding=padding, title=kind)

# %% [markdown]
"""
### Exercise 3.4 · `padding_for`
●●○○ · 8 min

Return how many cells to add before and after an axis, as a tuple, for `"valid"`, `"same"` and `"full"`. An even kernel makes
the total for "same" odd (with $d = 1$): then the one extra cell comes *after* the input, as in torch. Another kind must raise a `ValueError`.

<details><summary>Hint 1</summary>

The output has $n + before + after - m$ values, with $m = d(k-1)$. Which total makes that $n$?
</details>

<details><summary>Hint 2: an odd total</summary>

`total // 2` is the smaller half. What is left of the total is the other one; you need no case distinction.
</details>
"""


# %% nbgrader={"grade_id": "padding_for", "solution": true}
def padding_for(kind, k, dilation=1):
    """How many cells to add on each side of an axis.

    kind: "valid", "same" or "full"; another one raises ValueError. k, dilation: ints, at least 1.
    Returns two ints (before, after), for stride 1; for "same" the extra cell of an odd total comes after.
    """
    ### BEGIN SOLUTION
    total = dilation * (k - 1)
    if kind == "valid":
        return 0, 0
    if kind == "same":
        return total // 2, total - total // 2
    if kind == "full":
        return total, total
    raise ValueError(f"no such kind: {kind}")
    ### END SOLUTION


# %% nbgrader={"grade_id": "padding_for-examples", "points": 2}
check.examples(
    "padding_for",
    padding_for,
    call("valid", 3).gives((0, 0)),
    call("same", 3).gives((1, 1)),
    call("same", 6).gives((2, 3)),  # five zeros, shared unevenly
    call("same", 3, dilation=4).gives((4, 4)),
    call("full", 3).gives((2, 2)),  # the pictures above
    call("half", 3).raises(ValueError),
)

# %% nbgrader={"grade_id": "padding_for-hidden", "points": 4}
# The hidden tests of `padding_for` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3041)
sizes = rng.integers(2, 12, 5).tolist()
pairs = rng.integers(2, 9, (5, 2)).tolist()
for kind in ("valid", "same", "full"):
    check.hidden("padding_for", padding_for, kind, call(kind, 1), *[call(kind, k) for k in (*sizes, 8, 9)])
    check.hidden(
        "padding_for",
        padding_for,
        f"{kind}, with dilation",
        *[call(kind, k, d) for k, d in (*pairs, (2, 3), (6, 5))],
        call(kind, k=10, dilation=2),
    )
check.hidden(
    "padding_for", padding_for, "a ValueError for any other kind", call("causal", 3).raises(ValueError)
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** decides how much each input value counts. In how many windows does it lie? With "valid", the
values at the ends lie in one window only; with "full" every value lies in $k$. In two dimensions a corner lies in 1 window of
$k^2$, and every further layer makes it worse.
"""

# %% tags=["figure"]
n, k = 12, 5
fig, axes = plt.subplots(1, 3, figsize=(8.6, 2.4), sharey=True)
for ax, kind in zip(axes, ("valid", "same", "full"), strict=True):
    before, after = padding_for(kind, k)
    starts = range(-before, n + after - k + 1)
    counts = [sum(start <= i < start + k for start in starts) for i in range(n)]
    ax.bar(range(n), counts, color=figures.INPUT)
    ax.set(title=f"{kind}: {len(starts)} windows", xlabel="index of the input", xticks=range(0, n, 2))
axes[0].set_ylabel("windows that see it")
fig.suptitle(f"n = {n}, k = {k}", fontsize=11)
plt.show()

# %% [markdown]
"""
**Question.** Some lecture notes explain the three kinds like this:

1. *Valid*: just enough zeros are added to keep the size of the output equal to the size of the input.
2. *Same*: enough zeros are added for every input value to be visited $k$ times in each direction.
3. *Full*: no zeros are added at all, and the output shrinks.

All three sentences describe something real. What is wrong?

<details><summary>Answer</summary>

Each name stands at another's text: 1 describes *same*, 2 describes *full*, 3 describes *valid*. The pictures above tell
them apart: in the bars on the right, every value is seen $k = 5$ times.
</details>

## How deep can you go without padding?

A valid layer with stride 1 takes $k - 1$ values away. Stack such layers, and the signal shrinks until the kernel no longer fits.
"""

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8.2, 2.7))
sizes, k = (16, 11, 6, 1), 6
for level, size in enumerate(sizes):
    x = np.arange(size) + (16 - size) / 2
    if level:
        for start in (0, size - 1) if size > 1 else (0,):
            below = np.array([start, start + k - 1]) + (16 - sizes[level - 1]) / 2
            ax.fill(
                [below[0], below[1], x[start]],
                [level - 1, level - 1, level],
                color=figures.KERNEL,
                alpha=0.2,
                lw=0,
            )
    ax.scatter(x, np.full(size, level), s=90, color=figures.OUTPUT if level else figures.INPUT, zorder=3)
    ax.text(16.1, level, f"{size}", va="center")
ax.set(
    title="k = 6: two layers can still move their kernel, the third can't",
    yticks=range(4),
    xticks=[],
    ylim=(-0.4, 3.4),
)
ax.set_yticklabels(["input", "layer 1", "layer 2", "layer 3"])
ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
r"""
### Exercise 3.5 · `depth_until_one`
●○○○ · 5 min

Return the sizes of the signal, the input's own first, as valid layers with stride 1 and a kernel of $k \ge 2$ are stacked until the
kernel no longer fits. (The name says what a full stack ends in; some end a little earlier.) Where it does not fit even once, the list is `[n]`.

<details><summary>Hint 1</summary>

A `while` loop: as long as the kernel fits the last size of the list, append the next. A kernel as long as its input fits.
</details>
"""


# %% nbgrader={"grade_id": "depth_until_one", "solution": true}
def depth_until_one(n, k):
    """Sizes of a signal through valid stride-1 layers.

    n: int, at least 1. k: int, at least 2.
    Returns a list of ints: n first, then the size after each layer, until it is smaller than k.
    """
    ### BEGIN SOLUTION
    sizes = [n]
    while sizes[-1] >= k:
        sizes.append(output_size(sizes[-1], k))
    return sizes
    ### END SOLUTION


# %% nbgrader={"grade_id": "depth_until_one-examples", "points": 2}
check.examples(
    "depth_until_one",
    depth_until_one,
    call(16, 6).gives([16, 11, 6, 1]),  # the picture above
    call(7, 3).gives([7, 5, 3, 1]),
    call(8, 3).gives([8, 6, 4, 2]),  # 3 does not fit into 2
    call(5, 6).gives([5]),
)

# %% nbgrader={"grade_id": "depth_until_one-hidden", "points": 3}
# The hidden tests of `depth_until_one` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3051)
check.hidden(
    "depth_until_one",
    depth_until_one,
    "stacks that end in one value",
    *[call(1 + m * (k - 1), k) for m, k in rng.integers(2, 9, (5, 2)).tolist()],
)
check.hidden(
    "depth_until_one",
    depth_until_one,
    "stacks that end earlier",
    *[call(2 + m * (k - 1), k) for m, k in rng.integers(3, 9, (5, 2)).tolist()],
    call(23, 7),
    call(40, k=9),
)
check.hidden(
    "depth_until_one", depth_until_one, "a kernel that fits once or never", call(9, 9), call(4, 7), call(1, 2)
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** shows the price of staying valid: an image of 32 pixels carries a stack of fifteen $3 \times 3$ layers, no more.

**Question.** The stack above has three layers. Some say that it holds only *two true convolutions*. Why? And how many zeros a layer would keep all 16
values?

<details><summary>Answer</summary>

The third kernel has as many taps as its input has values, so it never moves: it shares no weight between positions, and is a
fully connected layer. Five zeros a layer keep the size, and as 5 is odd, they are shared unevenly: 2 before and 3 after.
</details>
"""

# %%
print("3x3 layers on 32 pixels:", len(depth_until_one(32, 3)) - 1)
print("zeros before and after, to keep 16 with k = 6:", padding_for("same", 6))

# %% [markdown]
r"""
## The whole layer

Now all of it together. With $x$ padded by zeros, so that $\hat x_{n,c,i,j} = x_{n,c,\,i-p_H,\,j-p_W}$ inside and 0 outside,

$$y_{n,d,i,j} \;=\; b_d + \sum_{c=0}^{C-1} \sum_{u=0}^{k_H-1} \sum_{v=0}^{k_W-1} w_{d,c,u,v}\;\; \hat x_{n,\;c,\;i\,s_H + u\,d_H,\;\;j\,s_W + v\,d_W}$$

Stride, padding and dilation are each an int, or a pair (rows, columns). Watch dilation 2 and padding 1 on an image:
"""

# %%
explore.film((6, 7), (3, 3), stride=(1, 2), padding=1, dilation=2)

# %% [markdown]
r"""
Numbers to check yourself by: six filters of $5 \times 5 \times 3$ make $28 \times 28 \times 6$ of an image of $32 \times 32 \times 3$, and each of those values
is an inner product of 75 terms, plus a bias. A $1 \times 1$ filter over 128 maps is an inner product of 128 terms.

This turns an int or a pair into a pair, for your use:
"""


# %%
def pair(value):
    """3 -> (3, 3); (2, 3) -> (2, 3)."""
    return (value, value) if isinstance(value, int) else tuple(value)


# %% [markdown]
"""
### Exercise 3.6 · `conv2d`
●●●○ · 20 min

Build the formula above, equal to `torch.nn.functional.conv2d`. There are marks for each rung: the plain layer, then stride, padding,
dilation, and all of them together.

<details><summary>Hint 1: a plan</summary>

Two `output_size`, one `pad2d` (or `np.pad`, which is allowed here). Then take one window for each output position, of all samples and channels at once: `padded[:, :, rows, columns]` with two slices.
</details>

<details><summary>Hint 2: a dilated window</summary>

A slice can do it: `start : start + span : dilation` with `span = dilation * (k - 1) + 1` has exactly k elements.
</details>

<details><summary>Hint 3: nearly the answer</summary>

The window has shape (N, C, kH, kW), and every kernel w[d] has (C, kH, kW). So `np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3]))`
gives all inner products of one position, (N, D); or sum `window * w[d]` over its last three axes, for one d after the other. Convert small integer types to float first.
</details>
"""


# %% nbgrader={"grade_id": "conv2d", "solution": true}
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    """A convolutional layer for images, as torch.nn.functional.conv2d without groups.

    x: images (N, C, H, W). w: kernels (D, C, kH, kW). b: biases (D,), or None for none.
    stride, padding, dilation: int, or pair (rows, columns); the padding is with zeros.
    Returns (N, D, Hout, Wout). Out of scope: kernels that do not fit the padded image.
    """
    ### BEGIN SOLUTION
    (sH, sW), (pH, pW), (dH, dW) = pair(stride), pair(padding), pair(dilation)
    D, _, kH, kW = w.shape
    H_out = output_size(x.shape[2], kH, sH, pH, dH)
    W_out = output_size(x.shape[3], kW, sW, pW, dW)
    padded = pad2d(x, (pH, pW))
    y = np.zeros((len(x), D, H_out, W_out))
    for i in range(H_out):
        for j in range(W_out):
            rows = slice(i * sH, i * sH + dH * (kH - 1) + 1, dH)
            columns = slice(j * sW, j * sW + dW * (kW - 1) + 1, dW)
            y[:, :, i, j] = np.tensordot(padded[:, :, rows, columns], w, axes=([1, 2, 3], [1, 2, 3]))
    if b is not None:
        y += b.reshape(-1, 1, 1)
    return y
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv2d-examples", "points": 6}
image = np.array([[[[1, 2, 0, 1], [0, 1, 3, 1], [2, 0, 1, 1]]]])  # 3 rows, 4 columns
kernel = np.array([[[[1, 2], [0, -1]]]])
two = np.array(
    [[[[1, 0], [2, 1]], [[0, 3], [1, 1]]], [[[2, 2], [0, 1]], [[1, 0], [0, 4]]]]
)  # images, channels

check.examples(
    "conv2d",
    conv2d,
    call(image, kernel).gives([[[[4, -1, 1], [2, 6, 4]]]]),
    call(image, kernel, stride=2).gives([[[[4, 1]]]]),
    call(image, kernel, stride=(1, 2)).gives([[[[4, 1], [2, 4]]]]),  # rows, then columns
    call(image, kernel, padding=(1, 0)).gives([[[[-2, 0, -1], [4, -1, 1], [2, 6, 4], [2, 2, 3]]]]),
    call(image, kernel, dilation=2).gives([[[[0, 3]]]]),  # 1 + 2*0 - 1 and 2 + 2*1 - 1
    call(image, kernel, np.array([10]), dilation=(1, 2)).gives([[[[8, 13], [15, 12]]]]),
    call(image, np.array([[[[1]]], [[[-2]]]]), np.array([0, 5]), stride=3).gives([[[[1, 1]], [[3, 3]]]]),
    call(two, np.array([[[[1]], [[10]]]]), np.array([0.5])).gives(
        [[[[1.5, 30.5], [12.5, 11.5]]], [[[12.5, 2.5], [0.5, 41.5]]]]  # channel 0 + 10 times channel 1 + 0.5
    ),
    call(np.ones((1, 128, 1, 2)), np.ones((1, 128, 1, 1))).gives([[[[128, 128]]]]),  # 1x1 over 128 maps
    call(np.arange(35.0).reshape(1, 1, 5, 7), np.ones((1, 1, 3, 1)), stride=2).gives(
        [[[[21, 27, 33, 39], [63, 69, 75, 81]]]]  # the film with the 2 x 4 outputs
    ),
)

# %% nbgrader={"grade_id": "conv2d-hidden", "points": 2}
# The first rung: stride 1, no padding, no dilation. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3061)
x, w, b = rng.standard_normal((2, 3, 5, 7)), rng.standard_normal((4, 3, 3, 2)), rng.standard_normal(4)
whole = rng.integers(100, 250, (1, 2, 4, 5)).astype(np.uint8)
check.hidden("conv2d", conv2d, "one kernel, one channel, one sample", call(x[:1, :1], w[:1, :1]))
check.hidden(
    "conv2d",
    conv2d,
    "samples, channels and kernels",
    call(x, w),
    call(x[:1], w[:3]),
    *call(x, w).in_every_form(),
)
check.hidden(
    "conv2d", conv2d, "the bias", call(x, w, b), call(x[:, :2], w[:, :2], b=b), call(x, w, np.arange(4))
)
check.hidden("conv2d", conv2d, "a kernel as large as the image", call(x[:, :, :3, :2], w, b))
check.hidden("conv2d", conv2d, "integers", call(whole, w[:, :2], b), call(whole, whole[..., :2, :3]))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-stride", "points": 2}
# The second rung: stride.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3062)
x, w, b = rng.standard_normal((2, 2, 7, 9)), rng.standard_normal((3, 2, 2, 3)), rng.standard_normal(3)
check.hidden(
    "conv2d", conv2d, "stride", call(x, w, stride=2), call(x, w, b, 3), *call(x, w, b, 2).in_every_form()
)
check.hidden("conv2d", conv2d, "a pair of strides", call(x, w, stride=(1, 2)), call(x, w, b, (4, 1)))
check.hidden("conv2d", conv2d, "a stride longer than the image", call(x, w, stride=11), call(x, w, b, (8, 2)))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-padding", "points": 2}
# The third rung: padding.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3063)
x, w, b = rng.standard_normal((2, 2, 4, 6)), rng.standard_normal((3, 2, 3, 2)), rng.standard_normal(3)
whole = rng.integers(100, 250, (1, 2, 4, 3)).astype(np.uint8)
check.hidden(
    "conv2d",
    conv2d,
    "padding",
    call(x, w, padding=1),
    call(x, w, b, 1, 4),
    *call(x, w, b, padding=2).in_every_form(),
)
check.hidden(
    "conv2d", conv2d, "a pair of paddings", call(x, w, padding=(0, 2)), call(x, w, b, padding=(3, 1))
)
check.hidden("conv2d", conv2d, "a kernel larger than the image alone", call(x[:, :, :2], w, padding=1))
check.hidden("conv2d", conv2d, "padding of integers", call(whole, w, b, padding=1))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-dilation", "points": 2}
# The fourth rung: dilation.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3064)
x, w, b = rng.standard_normal((2, 2, 8, 7)), rng.standard_normal((3, 2, 2, 3)), rng.standard_normal(3)
check.hidden(
    "conv2d",
    conv2d,
    "dilation",
    call(x, w, dilation=2),
    call(x, w, b, dilation=3),
    *call(x, w, b, dilation=2).in_every_form(),
)
check.hidden(
    "conv2d", conv2d, "a pair of dilations", call(x, w, dilation=(4, 1)), call(x, w, b, 1, 0, (1, 3))
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "conv2d-hidden-all", "points": 2}
# The last rung: everything together.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3065)
x, w, b = rng.standard_normal((2, 3, 9, 8)), rng.standard_normal((2, 3, 3, 2)), rng.standard_normal(2)
check.hidden(
    "conv2d",
    conv2d,
    "stride, padding and dilation",
    call(x, w, b, 2, 1, 2),
    call(x, w, b, (2, 3), (1, 0), (3, 2)),
    call(x, w, stride=(3, 1), padding=(2, 4), dilation=(1, 5)),
    call(x, w, b, stride=4, padding=3, dilation=3),
    *call(x, w, b, stride=(1, 2), padding=(2, 1), dilation=2).in_every_form(),
)
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** is `torch.nn.Conv2d`. Dilation lets the same nine weights look for larger things. Here a Sobel
kernel, which answers to vertical edges, with taps 1, 3 and 6 pixels apart; the padding equals the dilation, so the size stays:
"""

# %%
photo = images.camera(72)
sobel = np.array([[[[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]]])
maps = [conv2d(photo[None, None], sobel, padding=d, dilation=d)[0, 0] for d in (1, 3, 6)]
figures.feature_maps(maps, [f"dilation {d}" for d in (1, 3, 6)])

# %% [markdown]
"""
The frame around the maps is the black world outside that zero padding invents. With the photograph mirrored outside, by your `pad2d`,
it disappears:
"""

# %%
mirrored = conv2d(pad2d(photo[None, None], 6, "reflect"), sobel, dilation=6)[0, 0]
figures.feature_maps([maps[2], mirrored], ["zeros", "reflect"])

# %% [markdown]
r"""
## How far does one value see?

One value of the first layer sees $k$ pixels. One of the second layer sees $k$ values of the first, and through them more pixels.
The **receptive field** of a value is the stretch of input that it can see. A pixel sees itself, so $R_0 = 1$. And layer $j$, with $F_j$ taps, dilation $d_j$ and stride $s_j$,
widens the field by as many steps as its kernel spans beyond its first tap, each as long as all *earlier* strides together:

$$R_0 = 1, \qquad R_j \;=\; R_{j-1} \;+\; d_j\,(F_j - 1) \prod_{i=1}^{j-1} s_i$$
"""

# %% tags=["figure"]
stacks = {
    "three layers of 3": [(3, 1, 1)] * 3,
    "3 with stride 2, then 3": [(3, 2, 1), (3, 1, 1)],
    "dilations 1, 2, 4": [(3, 1, 1), (3, 1, 2), (3, 1, 4)],
}


def below(layers, values):
    """What the values of the last layer come from, layer by layer, down to the input."""
    found = [values]
    for k, stride, dilation in reversed(layers):
        values = sorted({value * stride + tap * dilation for value in values for tap in range(k)})
        found.append(values)
    return found


fig, axes = plt.subplots(1, 3, figsize=(8.8, 2.8), width_ratios=[7, 7, 13])
for ax, (title, layers) in zip(axes, stacks.items(), strict=True):
    lower = {}
    for level, values in enumerate(reversed(below(layers, [0]))):
        centres = {}  # each value stands above the middle of what it sees
        for value in values:
            pixels = below(layers[:level], [value])[-1]
            centres[value] = (pixels[0] + pixels[-1]) / 2
            if level:
                k, stride, dilation = layers[level - 1]
                for tap in range(k):
                    ends = [centres[value], lower[value * stride + tap * dilation]]
                    ax.plot(ends, [level, level - 1], color=figures.KERNEL, lw=1, zorder=1)
        colour = figures.OUTPUT if level else figures.INPUT
        ax.scatter(list(centres.values()), [level] * len(centres), s=50, color=colour, zorder=2)
        lower = centres
    last = max(lower.values()) * 2
    ax.set(title=f"{title}\nR = {last + 1:g}", xticks=[], yticks=[], ylim=(-0.3, 3.3))
    ax.spines[:].set_visible(False)
plt.show()

# %% [markdown]
"""
Two famous networks as lists of (kernel size, stride, dilation):
"""

# %% nbgrader={"grade_id": "setup-famous-networks", "locked": true} tags=["setup"]
lenet = [(5, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)]  # convolution, pooling, convolution, pooling
alexnet = [(11, 4, 1), (3, 2, 1), (5, 1, 1), (3, 2, 1), (3, 1, 1), (3, 1, 1), (3, 1, 1), (3, 2, 1)]

# %% [markdown]
"""
### Exercise 3.7 · `receptive_fields`
●●●○ · 12 min

For a list of layers (kernel size, stride, dilation), from first to last, return the receptive field after each of them, in pixels
along one axis. Pooling layers count like any other: they have a window and a stride.

<details><summary>Hint 1: two numbers to carry along</summary>

Go through the layers once, with the field so far (1 at the start) and the *step*: how many pixels apart neighbouring values are at this layer's input (also 1 at the start).
</details>

<details><summary>Hint 2: which comes first?</summary>

A layer's own stride spreads the values that it *makes*. So it only matters to the layers after it: first widen the field, then update the step.
</details>

<details><summary>Hint 3: nearly the answer</summary>

`field += step * ...`, store it, `step *= stride`.
</details>
"""


# %% nbgrader={"grade_id": "receptive_fields", "solution": true}
def receptive_fields(layers):
    """How many pixels, along one axis, a value sees after each layer.

    layers: list of tuples (k, stride, dilation) of ints, from first to last.
    Returns a list of ints, one for each layer (R_0 = 1 is not in it).
    """
    ### BEGIN SOLUTION
    field, step, fields = 1, 1, []
    for k, stride, dilation in layers:
        field += step * dilation * (k - 1)
        fields.append(field)
        step *= stride
    return fields
    ### END SOLUTION


# %% nbgrader={"grade_id": "receptive_fields-examples", "points": 4}
check.examples(
    "receptive_fields",
    receptive_fields,
    call([(5, 1, 1)]).gives([5]),
    call([(3, 1, 1), (3, 1, 1), (3, 1, 1)]).gives([3, 5, 7]),  # the pictures above, from the left
    call([(3, 2, 1), (3, 1, 1)]).gives([3, 7]),
    call([(3, 1, 1), (3, 1, 2), (3, 1, 4)]).gives([3, 7, 15]),
    call(lenet).gives([5, 6, 14, 16]),
    call(alexnet).gives([11, 19, 51, 67, 99, 131, 163, 195]),
)

# %% nbgrader={"grade_id": "receptive_fields-hidden", "points": 6}
# The hidden tests of `receptive_fields` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3071)


def stack(depth, strides=(1, 2), dilations=(1, 2)):
    ranges = ((2, 7), strides, dilations)
    return [tuple(int(rng.integers(*r)) for r in ranges) for _ in range(depth)]


check.hidden("receptive_fields", receptive_fields, "stride 1", call(stack(4)), call(stack(6)))
check.hidden(
    "receptive_fields",
    receptive_fields,
    "strides",
    call([(3, 2, 1), (3, 2, 1), (3, 2, 1)]),
    call([(4, 3, 1), (2, 2, 1), (5, 1, 1), (1, 2, 1), (3, 1, 1)]),
    call(stack(4, strides=(1, 4))),
)
check.hidden(
    "receptive_fields",
    receptive_fields,
    "dilation",
    call([(4, 1, 3), (3, 1, 1)]),
    call(stack(5, dilations=(1, 5))),
)
check.hidden(
    "receptive_fields",
    receptive_fields,
    "strides and dilation",
    call([(3, 2, 3), (3, 1, 2), (2, 3, 1), (3, 1, 4)]),
    call(stack(5, strides=(1, 4), dilations=(1, 4))),
    call([(1, 1, 1)]),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**What you have just built** says what a network *can* know. A value that sees 11 pixels of a face can't know that it is a face. Below, the fields
of AlexNet's eight layers, from the first convolution to the last pooling layer, drawn on an image of $227 \times 227$ pixels.
"""

# %% tags=["figure"]
face = images.astronaut(227)
fields = receptive_fields(alexnet)
names = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"]
fig, ax = plt.subplots(figsize=(5.6, 4.4))
ax.imshow(face, cmap="gray", vmin=0, vmax=1.5)
shades = plt.colormaps["plasma"](np.linspace(0.15, 0.95, len(fields)))
for field, name, shade in zip(fields, names, shades, strict=True):
    ax.add_patch(plt.Rectangle((113 - field / 2, 113 - field / 2), field, field, fill=False, ec=shade, lw=2))
    ax.plot([], [], color=shade, lw=2, label=f"{name}: {field}")
ax.set(xticks=[], yticks=[])
ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
plt.show()

# %% [markdown]
r"""
VGG-16 goes further with nothing but $3 \times 3$ convolutions and $2 \times 2$ pooling. Why so small? Two layers of $3 \times 3$ see as far as
one of $5 \times 5$, with $2 \cdot 9\,C^2 = 18\,C^2$ weights in place of $25\,C^2$ ($C$ channels in and out), and with a nonlinearity in between.
"""

# %%
conv, pool = (3, 1, 1), (2, 2, 1)
vgg16 = [conv, conv, pool, conv, conv, pool, *[conv, conv, conv, pool] * 3]
fields = receptive_fields(vgg16)
print("VGG-16:", fields)
print("conv5_3 sees", fields[-2], "pixels, pool5", fields[-1], "of 224")
print("two 3x3:", receptive_fields([conv, conv])[-1], "  one 5x5:", receptive_fields([(5, 1, 1)])[-1])

# %% [markdown]
r"""
## What does it cost? Counting parameters

Take an image of $M$ pixels, one channel, and $N$ values to compute from it, by windows of $K_1 \times K_2$ pixels where there are windows.
With the biases:

| layer | parameters | $M = 40\,000$ (200 x 200), $N = 100$, $5 \times 5$ |
|---|---|---|
| fully connected | $M N + N$ | 4 000 100 |
| locally connected, weights of its own for each value | $(K_1 K_2 + 1)\, N$ | 2 600 |
| convolution, one kernel for all values | $K_1 K_2 + 1$ | 26 |
| convolution, $D$ kernels | $(K_1 K_2 + 1)\, D$ | 2 600 for $D = 100$ |
| convolution, $C$ channels in | $(C K_1 K_2 + 1)\, D$ | 7 600 for $C = 3$, $D = 100$ |

Shared weights don't depend on the size of the image; that is the point of them. On a $4 \times 4$ image, a $2 \times 2$ filter with stride 2 has four
windows: 16 weights if each has its own, 4 if they share. In one dimension, with a window of 5: $N_{in} N_{out}$ weights when fully
connected, $5 N_{out}$ when locally connected, 5 as a convolution.

### Exercise 3.8 · `conv_parameters`
●○○○ · 5 min

Return the number of parameters of a convolutional layer, weights and biases; weights only with `bias=False`.

<details><summary>Hint 1</summary>

How many numbers are in an array of shape $(D, C, k_H, k_W)$? And in one of shape $(D,)$? `pair` helps with the kernel's size.
</details>
"""


# %% nbgrader={"grade_id": "conv_parameters", "solution": true}
def conv_parameters(c_in, c_out, kernel_size, bias=True):
    """How many numbers a convolutional layer learns.

    c_in, c_out: ints. kernel_size: int or pair (kH, kW). bias: bool.
    Returns an int.
    """
    ### BEGIN SOLUTION
    kH, kW = pair(kernel_size)
    return (c_in * kH * kW + (1 if bias else 0)) * c_out
    ### END SOLUTION


# %% nbgrader={"grade_id": "conv_parameters-examples", "points": 2}
check.examples(
    "conv_parameters",
    conv_parameters,
    call(1, 1, 3).gives(10),  # one 3x3 filter on a grey image
    call(3, 6, 5).gives(456),  # six filters of 75 weights and a bias
    call(1, 1, 2, bias=False).gives(4),
    call(2, 3, (1, 4)).gives(27),  # a signal is an image of one row
    call(10, 10, 5, bias=False).gives(2500),  # 25 C^2, C = 10
    call(10, 10, 3, False).gives(900),  # 9 C^2, and twice 9 is 18
)

# %% nbgrader={"grade_id": "conv_parameters-hidden", "points": 3}
# The hidden tests of `conv_parameters` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3081)
check.hidden(
    "conv_parameters",
    conv_parameters,
    "square kernels",
    *[call(c, d, k) for c, d, k in rng.integers(2, 30, (5, 3)).tolist()],
)
check.hidden(
    "conv_parameters",
    conv_parameters,
    "kernels of two sizes",
    *[call(c, d, (a, b)) for c, d, a, b in rng.integers(2, 12, (5, 4)).tolist()],
    call(5, 2, kernel_size=(1, 7)),
)
check.hidden(
    "conv_parameters",
    conv_parameters,
    "without biases",
    call(4, 9, 3, bias=False),
    call(6, 5, (2, 3), False),
    call(3, 8, 1, bias=True),
)
### END HIDDEN TESTS

# %% [markdown]
"""
### Exercise 3.9 · `linear_parameters`
●○○○ · 3 min

And the number of parameters of a fully connected layer.

<details><summary>Hint 1</summary>

Every output has a weight for each input, and one bias.
</details>
"""


# %% nbgrader={"grade_id": "linear_parameters", "solution": true}
def linear_parameters(n_in, n_out, bias=True):
    """How many numbers a fully connected layer learns.

    n_in, n_out: ints. bias: bool.
    Returns an int.
    """
    ### BEGIN SOLUTION
    return (n_in + (1 if bias else 0)) * n_out
    ### END SOLUTION


# %% nbgrader={"grade_id": "linear_parameters-examples", "points": 1}
check.examples(
    "linear_parameters",
    linear_parameters,
    call(3, 2).gives(8),
    call(3, 2, bias=False).gives(6),
    call(200 * 200, 100).gives(4_000_100),
)

# %% nbgrader={"grade_id": "linear_parameters-hidden", "points": 2}
# The hidden tests of `linear_parameters` run here when your work is graded.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(3091)
check.hidden(
    "linear_parameters",
    linear_parameters,
    "weights and biases",
    *[call(n, m) for n, m in rng.integers(2, 500, (5, 2)).tolist()],
    call(n_in=100_000, n_out=77),
)
check.hidden(
    "linear_parameters",
    linear_parameters,
    "weights only",
    call(12, 31, False),
    call(40, 9, bias=False),
    call(9, 40, True),
)
### END HIDDEN TESTS

# %% [markdown]
r"""
**Question.** A lecture counts its last layer, 84 inputs and 10 outputs, as $84 \cdot 10 + 84$ parameters. What do you say?

<details><summary>Answer</summary>

$84 \cdot 10 + 10 = 850$: a bias belongs to an output, and there are ten. In doubt, think of the shapes: weights (10, 84), biases (10,).
</details>

## The lectures' exercises

You now have every tool for the exercises that lectures on convolutional networks set. Here are fifteen numbers that five of them ask for. *Parameters* are weights and
biases. Sizes are tuples (height, width, channels), everything else is ints.

**Images**

- `rgb_300x300_dense_100`: a 300 x 300 RGB image feeds a fully connected layer of 100 units. How many parameters?
- `rgb_300x300_conv_100_5x5`: the same image, a convolutional layer of 100 filters, 5 x 5. How many parameters?
- `pixels_400x290`: a grey image of 400 x 290 pixels feeds a fully connected layer. How many inputs has each of its units?
- `filters_4_3x3x3`: four filters of 3 x 3 x 3. How many parameters?

**Shapes**

- `conv_63x63x16_32_7x7_stride2`: input 63 x 63 x 16; 32 filters 7 x 7, stride 2, no padding. Which size comes out?
- `padding_for_same_7x7`: 7 x 7 filters at stride 1. Which padding, on each side, keeps the size? (One int.)
- `conv_32x32x3_ten_5x5_pad2`: input 32 x 32 x 3; ten filters 5 x 5, stride 1, padding 2. Which size comes out?
- `conv_32x32x3_ten_5x5_parameters`: and how many parameters has that layer?

**Sound and text**

- `audio_mlp_weights`: a piece of sound, 21 time steps of 40 coefficients, is flattened and goes through three hidden layers of 128 units each to 138 outputs, all
  fully connected. How many weights, *without* biases?
- `audio_mlp_parameters`: and how many parameters?
- `text_dense`: a text of 1000 words, each a row of 100 numbers, becomes another table of 1000 x 100 numbers, each connected to all numbers of the first. How many parameters?
- `text_conv_k5`: the same by a convolution along the words. The 100 numbers of a word are 100 channels, in and out; the kernel covers 5 words. How many parameters?

**A small CNN** on 32 x 32 x 3: convolution with 8 filters 5 x 5; pooling 2 x 2, stride 2; convolution with 16 filters 5 x 5; pooling 2 x 2, stride 2; fully connected layers
of 120, 84 and 10 units. No padding; pooling takes maxima, and has nothing to learn.

- `small_cnn_rows`: the parameters of the five layers that have any, in order, as a tuple.
- `small_cnn_total`: their sum.

**A deep one for sound**

- `audio_ten_layer_cnn_parameters`: the 21 x 40 values from above as an image of one channel; ten convolutional layers of three 3 x 3 filters each, stride 1,
  no padding; what is left is flattened, and a fully connected layer leads to the 138 outputs. How many parameters in all?

### Exercise 3.10 · `lecture_answers`
●●○○ · 15 min

Return a dict with these fifteen keys. Let your functions do the arithmetic. Each of the five groups has its own marks, and you need not do them all
at once: leave out the keys that you have no answer to yet. The examples check one answer in each of the first three groups.

<details><summary>Hint 1: text</summary>

A signal is an image of one column. So the convolution along the words has kernels of (5, 1), and as many channels as a word has numbers.
</details>

<details><summary>Hint 2: the small CNN</summary>

Follow the size, one layer at a time: `output_size(32, 5)`, then `output_size(..., 2, stride=2)`, and so on. The first fully connected layer
has all values of the last pooling layer as inputs: height · width · channels.
</details>

<details><summary>Hint 3: ten layers</summary>

`depth_until_one(21, 3)[10]` is the height that is left after ten layers; the width goes the same way. The first convolution has one channel as its input, the other nine have three.
</details>
"""


# %% nbgrader={"grade_id": "lecture_answers", "solution": true}
def lecture_answers():
    """The fifteen numbers that are asked for above.

    Returns a dict: its keys are the names above. Sizes are tuples (H, W, C), `small_cnn_rows` is a tuple of
    five ints, all others are ints.
    """
    ### BEGIN SOLUTION
    mlp = [21 * 40, 128, 128, 128, 138]
    side = output_size(output_size(32, 5), 2, stride=2)  # after the first convolution and pooling
    side = output_size(output_size(side, 5), 2, stride=2)
    small_cnn = (
        conv_parameters(3, 8, 5),
        conv_parameters(8, 16, 5),
        linear_parameters(side * side * 16, 120),
        linear_parameters(120, 84),
        linear_parameters(84, 10),
    )
    features = depth_until_one(21, 3)[10] * depth_until_one(40, 3)[10] * 3
    return {
        "rgb_300x300_dense_100": linear_parameters(300 * 300 * 3, 100),
        "rgb_300x300_conv_100_5x5": conv_parameters(3, 100, 5),
        "pixels_400x290": 400 * 290,
        "filters_4_3x3x3": conv_parameters(3, 4, 3),
        "conv_63x63x16_32_7x7_stride2": (output_size(63, 7, 2), output_size(63, 7, 2), 32),
        "padding_for_same_7x7": padding_for("same", 7)[0],
        "conv_32x32x3_ten_5x5_pad2": (output_size(32, 5, 1, 2), output_size(32, 5, 1, 2), 10),
        "conv_32x32x3_ten_5x5_parameters": conv_parameters(3, 10, 5),
        "audio_mlp_weights": sum(linear_parameters(mlp[i], mlp[i + 1], bias=False) for i in range(4)),
        "audio_mlp_parameters": sum(linear_parameters(mlp[i], mlp[i + 1]) for i in range(4)),
        "text_dense": linear_parameters(1000 * 100, 1000 * 100),
        "text_conv_k5": conv_parameters(100, 100, (5, 1)),
        "small_cnn_rows": small_cnn,
        "small_cnn_total": sum(small_cnn),
        "audio_ten_layer_cnn_parameters": conv_parameters(1, 3, 3)
        + 9 * conv_parameters(3, 3, 3)
        + linear_parameters(features, 138),
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "lecture_answers-examples", "points": 4}
check.examples(
    "lecture_answers",
    lecture_answers,
    call().gives({"rgb_300x300_conv_100_5x5": 7_600}),
    call().gives({"conv_32x32x3_ten_5x5_pad2": (32, 32, 10)}),
    call().gives({"audio_mlp_weights": 157_952}),
)

# %% nbgrader={"grade_id": "lecture_answers-hidden", "points": 2}
# Images. Hidden tests run here when your work is graded.
### BEGIN HIDDEN TESTS
group = {"rgb_300x300_dense_100": 27_000_100, "rgb_300x300_conv_100_5x5": 7_600}
group |= {"pixels_400x290": 116_000, "filters_4_3x3x3": 112}
check.hidden("lecture_answers", lecture_answers, "images", call().gives(group))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "lecture_answers-hidden-shapes", "points": 2}
# Shapes.
### BEGIN HIDDEN TESTS
group = {"conv_63x63x16_32_7x7_stride2": (29, 29, 32), "padding_for_same_7x7": 3}
group |= {"conv_32x32x3_ten_5x5_pad2": (32, 32, 10), "conv_32x32x3_ten_5x5_parameters": 760}
check.hidden("lecture_answers", lecture_answers, "shapes", call().gives(group))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "lecture_answers-hidden-sound", "points": 2}
# Sound and text.
### BEGIN HIDDEN TESTS
group = {"audio_mlp_weights": 157_952, "audio_mlp_parameters": 158_474}
group |= {"text_dense": 10_000_100_000, "text_conv_k5": 50_100}
check.hidden("lecture_answers", lecture_answers, "sound and text", call().gives(group))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "lecture_answers-hidden-small", "points": 2}
# The small CNN.
### BEGIN HIDDEN TESTS
group = {"small_cnn_rows": (608, 3_216, 48_120, 10_164, 850), "small_cnn_total": 62_958}
check.hidden("lecture_answers", lecture_answers, "the small CNN", call().gives(group))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "lecture_answers-hidden-deep", "points": 2}
# Ten layers for sound.
### BEGIN HIDDEN TESTS
group = {"audio_ten_layer_cnn_parameters": 9_204}
check.hidden("lecture_answers", lecture_answers, "ten layers for sound", call().gives(group))
### END HIDDEN TESTS

# %% [markdown]
"""
**What you have just built** shows where a network's parameters lie. In the small CNN, the two convolutions hold few of them, and the first fully connected layer most:
"""

# %% tags=["figure"]
rows = lecture_answers()["small_cnn_rows"]
names = ["conv 8@5x5", "conv 16@5x5", "fully connected 120", "fully connected 84", "output 10"]
fig, ax = plt.subplots(figsize=(7.8, 2.4))
ax.barh(names, rows, color=[figures.KERNEL] * 2 + [figures.INPUT] * 3)
ax.invert_yaxis()
for i, count in enumerate(rows):
    ax.text(count + 400, i, f"{count:,}  ({count / sum(rows):.0%})".replace(",", " "), va="center")
ax.set(xlim=(0, 58_000), xlabel="parameters")
plt.show()

# %% [markdown] nbgrader={"grade_id": "why-padding-question", "locked": true}
"""
### Written question 3.11 · why padding?
●●○○ · 10 min

A colleague says: "Zero padding invents data. In my networks every convolution is valid; that is the honest choice."

In three to six sentences: what is right about this? Name two prices that a deep network pays for it. And name one task for which you would use padding (which kind, which
values?) and one for which valid convolutions are the better choice.

<details><summary>Hint 1</summary>

Look again at the picture of the shrinking stack, at the bars that count windows, and at the frame around the edge map.
</details>

=== BEGIN MARK SCHEME ===
8 points, 2 for each:
- What is right: outputs near the border are computed from values that nobody measured; zeros make an artificial edge there (the
  output is no longer equivariant near the border). Other modes invent as well, less visibly.
- First price: each valid layer takes k - 1 off each axis, which limits the depth (16, 11, 6, 1 for k = 6; fifteen 3x3 layers on 32 pixels)
  or asks for smaller kernels; sizes are harder to plan, and skip connections no longer match.
- Second price: values near the border lie in fewer windows, a corner in one of k^2, so what is there counts less, the more so the deeper the network.
- A fitting choice of each, with a reason: "same" (zeros or reflect) for a deep classifier or where the output must be as large as the
  input; valid for template matching, measurements, or tiles cut from a larger image, where every output must rest on real data.
=== END MARK SCHEME ===
"""

# %% [markdown] nbgrader={"grade_id": "why-padding", "solution": true, "points": 8}
"""
It is right that zeros are not data: near the border the outputs answer partly to an edge that the padding has drawn, and a pattern
there gets another answer than the same pattern in the middle. But valid layers have their price. Each takes k - 1 values off every axis, so the size of the image limits the depth: a
32-pixel image carries fifteen 3x3 layers. And values near the border lie in fewer windows, a corner in a single one, so that what happens there
hardly counts after a few layers. For a deep classifier of small photographs I would pad to keep the size, with zeros or, where the frame disturbs, by
reflection. For finding a template, or for measuring in tiles that are cut from a larger image with some overlap, I would stay valid, because every single output must rest on real pixels.
"""

# %% [markdown]
r"""
## Find the error in the lecture

A lecture wants to show how small convolutional networks are. Sound comes in pieces of $21 \times 40$ values, one channel; there are 138 classes. It counts a
network of **ten** layers with three $3 \times 3$ filters each, no padding, and one fully connected layer at the end:

> "The convolutions cost next to nothing. The last layer has $19 \cdot 38 \cdot 138 = 99\,636$ weights. So a 10-layer CNN has about 100 thousand parameters."

Two things went wrong. Find them before you unfold the answer; you have counted this network yourself.

<details><summary>Answer</summary>

$19 \times 38$ is what *one* valid layer leaves of $21 \times 40$. Ten of them leave $1 \times 20$. And three filters make three channels, all of which are
flattened: $1 \cdot 20 \cdot 3 = 60$ features, not 722. The head has $60 \cdot 138 = 8\,280$ weights, and with the $27 + 9 \cdot 81$ weights of the convolutions the network has
9 036, or your number with the biases. The true answer is eleven times smaller than the printed one, and serves the lecture's point even better. A network of *one* such layer really is large:
$19 \cdot 38 \cdot 3 \cdot 138 + 27 = 298\,935$ weights.
</details>
"""

# %%
print("heights:", depth_until_one(21, 3))
print("widths: ", depth_until_one(40, 3)[:11])
print("printed:", 19 * 38 * 138, "  counted:", lecture_answers()["audio_ten_layer_cnn_parameters"])

# %% [markdown]
r"""
## Summary

- Per axis, $n_{out} = \lfloor (n + 2p - d(k-1) - 1)/s \rfloor + 1$. The floor leaves input over; a stride longer than the kernel leaves gaps.
- A dilated kernel spans $d(k-1)+1$ cells: the same number of weights, a wider view.
- *Valid* pads nothing and shrinks, *same* keeps the size, *full* keeps every window that touches the input. An even kernel needs one more cell on one side.
- Zeros, mirrors, copies of the edge, the other side: padding is a guess about the world outside.
- The receptive field starts at 1 and grows by $d(k-1)$ times the product of all *earlier* strides.
- A convolutional layer has $(C k_H k_W + 1) D$ parameters, whatever the size of the image. Flattening is what makes networks large.

**Read on:** Vincent Dumoulin and Francesco Visin, *A guide to convolution arithmetic for deep learning* (2016), with all cases in pictures; André Araujo, Wade Norris and Jack Sim, *Computing Receptive
Fields of Convolutional Neural Networks* (Distill, 2019); Karen Simonyan and Andrew Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition* (2015), on small kernels; Goodfellow, Bengio and
Courville, *Deep Learning*, section 9.5, on valid, same and full.
Next, kernels become detectors: [chapter 4](../ch04_detectors/detectors.ipynb).
"""
