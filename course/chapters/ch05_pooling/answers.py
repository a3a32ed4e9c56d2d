"""Chapter 5 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# %%
import numpy as np


def pair(value):  # the chapter gives it
    return (value, value) if np.ndim(value) == 0 else tuple(value)


# %% max_pool2d: six loops over Python numbers
import math


def max_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    def two(v):
        return (v, v) if isinstance(v, int) else v

    (kh, kw), (ph, pw) = two(kernel_size), two(padding)
    sh, sw = two(stride or kernel_size)
    n, c, h, w = x.shape
    rounding = math.ceil if ceil_mode else math.floor
    ho, wo = rounding((h + 2 * ph - kh) / sh) + 1, rounding((w + 2 * pw - kw) / sw) + 1
    if (ho - 1) * sh >= h + ph:
        ho -= 1
    if (wo - 1) * sw >= w + pw:
        wo -= 1
    y = np.empty((n, c, ho, wo))
    for s in range(n):
        for d in range(c):
            for i in range(ho):
                for j in range(wo):
                    best = -math.inf
                    for r in range(i * sh - ph, i * sh - ph + kh):
                        for q in range(j * sw - pw, j * sw - pw + kw):
                            if 0 <= r < h and 0 <= q < w and x[s, d, r, q] > best:
                                best = x[s, d, r, q]
                    y[s, d, i, j] = best
    return y


# %% max_pool2d: padded with -inf, strided views, float32 kept
def max_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    k, p = np.broadcast_to(kernel_size, 2), np.broadcast_to(padding, 2)
    s = k if stride is None else np.broadcast_to(stride, 2)
    size = np.array(x.shape[2:])
    room = size + 2 * p - k
    count = (-(-room // s) if ceil_mode else room // s) + 1
    count -= (count - 1) * s >= size + p
    after = np.maximum((count - 1) * s + k - size - p, 0)
    kind = x.dtype if x.dtype.kind == "f" else float
    padded = np.pad(
        x.astype(kind), ((0, 0), (0, 0), (p[0], after[0]), (p[1], after[1])), constant_values=-np.inf
    )
    views = np.lib.stride_tricks.sliding_window_view(padded, tuple(k), axis=(2, 3))
    return views[:, :, :: s[0], :: s[1]][:, :, : count[0], : count[1]].max(axis=(-2, -1))


# %% max_pool2d: rows first, then columns, a list at the end
def max_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    stride = kernel_size if stride is None else stride

    def along(axis, y):
        k, s, p = (v if isinstance(v, int) else v[axis - 2] for v in (kernel_size, stride, padding))
        n, parts, start = y.shape[axis], [], -p
        while start < n and (start + k <= n + p or (ceil_mode and start - s + k < n + p)):
            parts.append(y.take(range(max(start, 0), min(start + k, n)), axis).max(axis))
            start += s
        return np.stack(parts, axis)

    return along(3, along(2, x)).tolist()


# %% max_pool2d: one tap at a time, a callable object
class _Pool:
    def __call__(self, x, kernel_size, stride=None, padding=0, ceil_mode=False):
        size = x.shape[2:]
        k, p = np.ones(2, int) * kernel_size, np.ones(2, int) * padding
        s = k if stride is None else np.ones(2, int) * stride
        starts = []
        for n, a, b, c in zip(size, k, s, p, strict=True):
            last = n + 2 * c - a + (b - 1 if ceil_mode else 0)
            starts.append(np.array([t for t in range(0, last + 1, b) if t < n + c]) - c)
        y = np.full((*x.shape[:2], len(starts[0]), len(starts[1])), -np.inf)
        for i in range(k[0]):
            for j in range(k[1]):
                r, q = starts[0] + i, starts[1] + j
                tap = x[:, :, r.clip(0, size[0] - 1)][..., q.clip(0, size[1] - 1)]
                real = ((r >= 0) & (r < size[0]))[:, None] & ((q >= 0) & (q < size[1]))
                y = np.where(real, np.maximum(y, tap), y)
        return np.asfortranarray(y)


max_pool2d = _Pool()


# %% avg_pool2d: two matrices, one for each axis
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    def matrix(n, k, s, p):
        room = n + 2 * p - k
        starts = np.arange(0, room + (s if ceil_mode and room % s else 1), s)
        starts = starts[starts < n + p]
        at = np.arange(n + 2 * p)
        M = ((at >= starts[:, None]) & (at < starts[:, None] + k)).astype(float)
        real = M[:, p : p + n]
        return real / (M if count_include_pad else real).sum(1, keepdims=True)

    stride = kernel_size if stride is None else stride
    k, s, p = (np.broadcast_to(v, 2).tolist() for v in (kernel_size, stride, padding))
    A, B = (matrix(x.shape[2 + a], k[a], s[a], p[a]) for a in (0, 1))
    return np.einsum("ih,nchw,jw->ncij", A, x.astype(float), B, optimize=True)


# %% avg_pool2d: integral image
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    H, W = x.shape[2:]
    table = np.zeros((*x.shape[:2], H + 1, W + 1))
    table[:, :, 1:, 1:] = x.astype(float).cumsum(2).cumsum(3)

    def ends(n, axis):
        k, p = (v if np.isscalar(v) else v[axis] for v in (kernel_size, padding))
        s = k if stride is None else (stride if np.isscalar(stride) else stride[axis])
        count = (n + 2 * p - k + (s - 1 if ceil_mode else 0)) // s + 1
        start = np.arange(count) * s - p
        start = start[start < n]
        a, b = np.maximum(start, 0), np.minimum(start + k, n)
        return a, b, (np.minimum(start + k, n + p) - start if count_include_pad else b - a)

    (top, bottom, h), (left, right, w) = ends(H, 0), ends(W, 1)
    rows = table[:, :, bottom] - table[:, :, top]
    return (rows[..., right] - rows[..., left]) / np.outer(h, w)


# %% avg_pool2d: pad, mark what counts, and slice; nested lists
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    (kh, kw), (ph, pw) = (v if isinstance(v, tuple) else (v, v) for v in (kernel_size, padding))
    sh, sw = (kh, kw) if stride is None else stride if isinstance(stride, tuple) else (stride, stride)
    frame = ((0, 0), (0, 0), (ph, ph), (pw, pw))
    padded = np.pad(x.astype(np.float64), frame)
    counts = np.pad(np.ones(x.shape[2:]), frame[2:], constant_values=float(count_include_pad))
    h, w = counts.shape
    last_row = h - kh if not ceil_mode else min(h - kh + sh - 1, h - ph - 1)
    last_column = w - kw if not ceil_mode else min(w - kw + sw - 1, w - pw - 1)
    out = [
        [
            padded[:, :, r : r + kh, c : c + kw].sum((2, 3)) / counts[r : r + kh, c : c + kw].sum()
            for c in range(0, last_column + 1, sw)
        ]
        for r in range(0, last_row + 1, sh)
    ]
    return np.moveaxis(np.array(out), (2, 3), (0, 1)).tolist()


# %% avg_pool2d: float32 where the input is, a partial
from functools import partial


def _avg(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, *, big=10**6):
    kind = x.dtype if x.dtype == np.float32 else np.float64
    k, p = np.zeros(2, int) + kernel_size, np.zeros(2, int) + padding
    s = k if stride is None else np.zeros(2, int) + stride
    spans = []
    for n, a, b, c in zip(x.shape[2:], k, s, p, strict=True):
        windows = [range(t, min(t + a, n + c)) for t in range(-c, n, b) if ceil_mode or t + a <= n + c]
        while len(windows) > 1 and windows[-2].start + a >= n + c:  # the one before reached the end already
            windows.pop()
        spans.append(windows)
    y = np.zeros((*x.shape[:2], len(spans[0]), len(spans[1])), kind)
    for i, rows in enumerate(spans[0]):
        for j, columns in enumerate(spans[1]):
            inside = [(r, q) for r in rows for q in columns if 0 <= r < x.shape[2] and 0 <= q < x.shape[3]]
            total = sum(x[:, :, r, q].astype(kind) for r, q in inside)
            y[:, :, i, j] = total / (len(rows) * len(columns) if count_include_pad else len(inside))
    return y


avg_pool2d = partial(_avg, big=None)


# %% sum_pool2d: one tap at a time
def sum_pool2d(x, kernel_size, stride=None):
    kh, kw = pair(kernel_size)
    sh, sw = pair(stride) if stride is not None else (kh, kw)
    h, w = x.shape[2] - kh + 1, x.shape[3] - kw + 1
    return sum(x[:, :, i : i + h : sh, j : j + w : sw] * 1.0 for i in range(kh) for j in range(kw))


# %% sum_pool2d: einsum over views
def sum_pool2d(x, kernel_size, stride=None):
    k = tuple(np.broadcast_to(kernel_size, 2))
    s = np.broadcast_to(k if stride is None else stride, 2)
    views = np.lib.stride_tricks.sliding_window_view(x, k, axis=(2, 3))[:, :, :: s[0], :: s[1]]
    return np.einsum("ncijab->ncij", views.astype(float))


# %% sum_pool2d: differences of cumulative sums
def sum_pool2d(x, kernel_size, stride=None):
    y = x.astype(float)
    for axis in (2, 3):
        k = kernel_size if np.isscalar(kernel_size) else kernel_size[axis - 2]
        s = k if stride is None else stride if np.isscalar(stride) else stride[axis - 2]
        start = np.arange(0, y.shape[axis] - k + 1, s)
        zero = np.zeros_like(y.take([0], axis))
        total = np.concatenate([zero, y.cumsum(axis)], axis)
        y = total.take(start + k, axis) - total.take(start, axis)
    return y


# %% sum_pool2d: FFT
def sum_pool2d(x, kernel_size, stride=None):
    (kh, kw), (H, W) = np.broadcast_to(kernel_size, 2), x.shape[2:]
    sh, sw = (kh, kw) if stride is None else np.broadcast_to(stride, 2)
    box = np.zeros((H, W))
    box[:kh, :kw] = 1
    y = np.fft.ifft2(np.fft.fft2(x) * np.conj(np.fft.fft2(box))).real
    return y[:, :, : H - kh + 1 : sh, : W - kw + 1 : sw]


# %% lp_pool2d: np.linalg.norm
def lp_pool2d(x, p, kernel_size, stride=None):
    k = tuple(np.broadcast_to(kernel_size, 2))
    s = np.broadcast_to(k if stride is None else stride, 2)
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), k, axis=(2, 3))[:, :, :: s[0], :: s[1]]
    return np.linalg.norm(views.reshape(*views.shape[:4], -1), ord=p, axis=-1)


# %% lp_pool2d: loops and Python floats
def lp_pool2d(x, p, kernel_size, stride=None):
    (kh, kw), (H, W) = pair(kernel_size), x.shape[2:]
    sh, sw = pair(stride or kernel_size)

    def norm(values):
        return sum(abs(float(v)) ** p for v in values) ** (1.0 / p)

    return [
        [
            [
                [norm(plane[i : i + kh, j : j + kw].ravel()) for j in range(0, W - kw + 1, sw)]
                for i in range(0, H - kh + 1, sh)
            ]
            for plane in sample
        ]
        for sample in x
    ]


# %% lp_pool2d: scaled by the largest value, float32 kept
def lp_pool2d(x, p, kernel_size, stride=None):
    x = x if x.dtype == np.float32 else x.astype(float)
    k = np.broadcast_to(kernel_size, 2)
    s = k if stride is None else np.broadcast_to(stride, 2)
    i = np.arange(0, x.shape[2] - k[0] + 1, s[0])[:, None] + np.arange(k[0])
    j = np.arange(0, x.shape[3] - k[1] + 1, s[1])[:, None] + np.arange(k[1])
    v = np.abs(x[:, :, i[:, None, :, None], j[None, :, None, :]])
    m = v.max((-2, -1), keepdims=True) + np.float32(1e-30)
    return (m * ((v / m) ** p).sum((-2, -1), keepdims=True) ** (1 / p))[..., 0, 0]


# %% global_avg_pool: einsum
def global_avg_pool(x):
    return np.einsum("nchw->nc", x.astype(float)) / (x.shape[2] * x.shape[3])


# %% global_avg_pool: flattened, times a vector
def global_avg_pool(x):
    flat = x.reshape(*x.shape[:2], -1).astype(np.float32 if x.dtype == np.float32 else float)
    return flat @ np.full(flat.shape[2], 1 / flat.shape[2], flat.dtype)


# %% global_avg_pool: nested lists
global_avg_pool = lambda x: [[float(sum(map(float, plane.flat))) / plane.size for plane in s] for s in x]


# %% pool_as_conv: a broadcast view
def pool_as_conv(kernel_size, channels):
    h, w = np.broadcast_to(kernel_size, 2)
    return np.broadcast_to(np.float64(1) / (h * w), (channels, 1, h, w))


# %% pool_as_conv: nested lists
def pool_as_conv(kernel_size, channels):
    h, w = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    return [[[[1 / h / w] * w] * h]] * channels


# %% pool_as_conv: outer product, repeated
def pool_as_conv(kernel_size, channels):
    h, w = pair(kernel_size)
    kernel = np.outer(np.ones(h) / h, np.ones(w) / w)
    return np.stack([kernel[None]] * channels)


# %% changed_by_shift: counting
def changed_by_shift(f, x, shift):
    a, b = np.asarray(f(x)), np.asarray(f(np.roll(x, shift, -1)))
    return np.count_nonzero(a != b) / a.size


# %% changed_by_shift: indices modulo the length
def changed_by_shift(f, x, shift):
    n = x.shape[-1]
    rolled = x[..., [(i - shift) % n for i in range(n)]]
    pairs = list(zip(np.ravel(f(x)).tolist(), np.ravel(f(rolled)).tolist(), strict=True))
    return sum(a != b for a, b in pairs) / len(pairs)


# %% changed_by_shift: one minus the share that stays
def changed_by_shift(f, x, shift):
    cut = -shift % x.shape[-1]
    rolled = np.concatenate([x[..., cut:], x[..., :cut]], axis=-1)
    return 1.0 - np.equal(f(x), f(rolled)).mean(dtype=np.float64)


# %% changed_by_shift: a callable object
class _Share:
    def __init__(self, compare):
        self.compare = compare

    def __call__(self, f, x, shift):
        return self.compare(np.copy(f(x)), f(np.roll(x.copy(), shift, axis=x.ndim - 1))).sum() / np.size(f(x))


changed_by_shift = _Share(np.not_equal)


# %% maxout: a loop over groups
def maxout(x, groups):
    k = x.shape[1] // groups
    return np.stack([x[:, g * k : (g + 1) * k].max(axis=1) for g in range(groups)], axis=1)


# %% maxout: strided slices
def maxout(x, groups):
    k = x.shape[1] // groups
    y = x[:, ::k]
    for m in range(1, k):
        y = np.maximum(y, x[:, m::k])
    return y.copy(order="F")


# %% maxout: reduceat
maxout = lambda x, groups: np.maximum.reduceat(x, np.arange(groups) * (x.shape[1] // groups), axis=1)


# %% maxout: split, from -inf
def maxout(x, groups):
    y = np.full((x.shape[0], groups, *x.shape[2:]), -np.inf)
    for c in range(x.shape[1]):
        y[:, c * groups // x.shape[1]] = np.fmax(y[:, c * groups // x.shape[1]], x[:, c])
    return y


# %% rotation_tolerant: a matrix product
def rotation_tolerant(image, templates):
    return np.max(templates.reshape(len(templates), -1).astype(float) @ image.ravel())


# %% rotation_tolerant: Python's max over a generator
def rotation_tolerant(image, templates):
    pixels = image.astype(float).ravel().tolist()
    return max(
        sum(a * b for a, b in zip(t.astype(float).ravel().tolist(), pixels, strict=True)) for t in templates
    )


# %% rotation_tolerant: tensordot, float32 kept, a 0-d array
def rotation_tolerant(image, templates):
    kind = np.float32 if image.dtype == np.float32 else np.float64
    return np.asarray(np.tensordot(templates.astype(kind), image.astype(kind), axes=2).max())


# %% rotation_tolerant: from -inf
def rotation_tolerant(image, templates):
    best = -float("inf")
    for t in templates:
        best = max(best, np.einsum("ij,ij->", t, image, dtype=float))
    return best


# %% max_pool2d wrong: zero_padding_for_max
def max_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride or kernel_size), pair(padding)
    H, W = x.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    up = (sh - 1, sw - 1) if ceil_mode else (0, 0)
    rows = [r for r in range(0, x.shape[2] - kh + 1 + up[0], sh) if r < H + ph]
    columns = [c for c in range(0, x.shape[3] - kw + 1 + up[1], sw) if c < W + pw]
    return np.stack(
        [np.stack([x[:, :, r : r + kh, c : c + kw].max((2, 3)) for c in columns], -1) for r in rows], -2
    )


# %% max_pool2d wrong: starts_max_at_zero
def max_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride or kernel_size), pair(padding)
    N, C, H, W = x.shape
    rows = range(-ph, H + ph - kh + 1 + (sh - 1) * ceil_mode, sh)
    columns = range(-pw, W + pw - kw + 1 + (sw - 1) * ceil_mode, sw)
    rows, columns = [r for r in rows if r < H], [c for c in columns if c < W]
    y = np.zeros((N, C, len(rows), len(columns)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            for a in range(max(r, 0), min(r + kh, H)):
                for b in range(max(c, 0), min(c + kw, W)):
                    y[:, :, i, j] = np.maximum(y[:, :, i, j], x[:, :, a, b])
    return y


# %% max_pool2d wrong: ceil_window_starts_in_padding
def max_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride or kernel_size), pair(padding)
    H, W = x.shape[2:]
    ends = ((0, 0), (0, 0), (ph, ph + sh * ceil_mode), (pw, pw + sw * ceil_mode))
    padded = np.pad(x.astype(float), ends, constant_values=-np.inf)
    rounded = np.ceil if ceil_mode else np.floor
    ho, wo = int(rounded((H + 2 * ph - kh) / sh)) + 1, int(rounded((W + 2 * pw - kw) / sw)) + 1
    y = np.zeros((*x.shape[:2], ho, wo))
    for i in range(ho):
        for j in range(wo):
            y[:, :, i, j] = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw].max(axis=(2, 3))
    return y


# %% max_pool2d wrong: ceil_mode_ignored
def max_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride or kernel_size), pair(padding)
    padded = np.full((*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw), -np.inf)
    padded[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    views = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))
    return views[:, :, ::sh, ::sw].max(axis=(4, 5))


# %% avg_pool2d wrong: padding_never_counted
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride or kernel_size), pair(padding)
    H, W = x.shape[2:]
    rows = [r for r in range(-ph, H + ph - kh + 1 + (sh - 1) * ceil_mode, sh) if r < H]
    columns = [c for c in range(-pw, W + pw - kw + 1 + (sw - 1) * ceil_mode, sw) if c < W]
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            y[:, :, i, j] = x[:, :, max(r, 0) : r + kh, max(c, 0) : c + kw].mean(axis=(2, 3))
    return y


# %% avg_pool2d wrong: always_divides_by_the_kernel
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride or kernel_size), pair(padding)
    H, W = x.shape[2:]
    rows = [r for r in range(-ph, H + ph - kh + 1 + (sh - 1) * ceil_mode, sh) if r < H]
    columns = [c for c in range(-pw, W + pw - kw + 1 + (sw - 1) * ceil_mode, sw) if c < W]
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            y[:, :, i, j] = x[:, :, max(r, 0) : r + kh, max(c, 0) : c + kw].sum(axis=(2, 3)) / (kh * kw)
    return y


# %% avg_pool2d wrong: stride_is_one
def avg_pool2d(x, kernel_size, stride=1, padding=0, ceil_mode=False, count_include_pad=True):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride), pair(padding)
    H, W = x.shape[2:]
    rows = [r for r in range(-ph, H + ph - kh + 1 + (sh - 1) * ceil_mode, sh) if r < H]
    columns = [c for c in range(-pw, W + pw - kw + 1 + (sw - 1) * ceil_mode, sw) if c < W]
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            window = x[:, :, max(r, 0) : r + kh, max(c, 0) : c + kw].astype(float)
            m = (min(r + kh, H + ph) - r) * (min(c + kw, W + pw) - c)
            y[:, :, i, j] = window.sum((2, 3)) / m if count_include_pad else window.mean((2, 3))
    return y


# %% sum_pool2d wrong: averages_instead_of_sums
def sum_pool2d(x, kernel_size, stride=None):
    return avg_pool2d(x, kernel_size, stride)


# %% sum_pool2d wrong: uint8_overflow
def sum_pool2d(x, kernel_size, stride=None):
    kh, kw = pair(kernel_size)
    sh, sw = pair(stride or kernel_size)
    h, w = x.shape[2] - kh + 1, x.shape[3] - kw + 1
    y = x[:, :, :h:sh, :w:sw].copy()
    for i in range(kh):
        for j in range(kw):
            if i or j:
                y = y + x[:, :, i : i + h : sh, j : j + w : sw]
    return y


# %% lp_pool2d wrong: lp_without_root
def lp_pool2d(x, p, kernel_size, stride=None):
    return sum_pool2d(np.abs(x.astype(float)) ** p, kernel_size, stride)


# %% lp_pool2d wrong: abs_forgotten_in_lp
def lp_pool2d(x, p, kernel_size, stride=None):
    return sum_pool2d(x.astype(float) ** p, kernel_size, stride) ** (1 / p)


# %% lp_pool2d wrong: always_the_square_root
def lp_pool2d(x, p, kernel_size, stride=None):
    return np.sqrt(sum_pool2d(np.abs(x.astype(float)) ** p, kernel_size, stride))


# %% lp_pool2d wrong: uint8_overflow
def lp_pool2d(x, p, kernel_size, stride=None):
    return sum_pool2d(np.abs(x) ** p, kernel_size, stride) ** (1 / p)


# %% global_avg_pool wrong: global_mean_over_channels
def global_avg_pool(x):
    return x.mean(axis=(1, 2, 3))


# %% global_avg_pool wrong: keeps_the_axes
def global_avg_pool(x):
    return x.mean(axis=(2, 3), keepdims=True)


# %% global_avg_pool wrong: divides_by_height_squared
def global_avg_pool(x):
    return x.sum(axis=(2, 3)) / len(x[0, 0]) ** 2


# %% pool_as_conv wrong: forgets_to_divide
def pool_as_conv(kernel_size, channels):
    return np.ones((channels, 1, *pair(kernel_size)))


# %% pool_as_conv wrong: divides_by_channels
def pool_as_conv(kernel_size, channels):
    shape = (channels, 1, *pair(kernel_size))
    return np.ones(shape) / np.prod(shape)


# %% pool_as_conv wrong: weights_without_groups
def pool_as_conv(kernel_size, channels):
    kh, kw = pair(kernel_size)
    w = np.zeros((channels, channels, kh, kw))
    for c in range(channels):
        w[c, c] = 1 / (kh * kw)
    return w


# %% changed_by_shift wrong: share_that_stays
def changed_by_shift(f, x, shift):
    return np.mean(f(x) == f(np.roll(x, shift, axis=-1)))


# %% changed_by_shift wrong: shifts_across_rows
def changed_by_shift(f, x, shift):
    return np.mean(f(x) != f(np.roll(x, shift)))


# %% changed_by_shift wrong: tolerates_small_differences
def changed_by_shift(f, x, shift):
    return float(1 - np.isclose(f(x), f(np.roll(x, shift, axis=-1))).mean())


# %% changed_by_shift wrong: compares_along_the_shift
def changed_by_shift(f, x, shift):
    return np.mean(np.roll(f(x), shift, axis=-1) != f(np.roll(x, shift, axis=-1)))


# %% changed_by_shift wrong: divides_by_input_size
def changed_by_shift(f, x, shift):
    return (f(x) != f(np.roll(x, shift, axis=-1))).sum() / x.size


# %% maxout wrong: maxout_across_groups
def maxout(x, groups):
    N, C, H, W = x.shape
    return x.reshape(N, C // groups, groups, H, W).max(axis=1)


# %% maxout wrong: average_for_maxout
def maxout(x, groups):
    N, C, H, W = x.shape
    return x.reshape(N, groups, C // groups, H, W).mean(axis=2)


# %% maxout wrong: groups_is_the_size
def maxout(x, groups):
    return np.stack([x[:, c : c + groups].max(axis=1) for c in range(0, x.shape[1], groups)], axis=1)


# %% rotation_tolerant wrong: maximum_at_each_pixel
def rotation_tolerant(image, templates):
    return (templates.astype(float) * image).max(axis=0).sum()


# %% rotation_tolerant wrong: starts_max_at_zero
def rotation_tolerant(image, templates):
    best = 0.0
    for template in templates:
        best = max(best, float((template.astype(float) * image).sum()))
    return best


# %% rotation_tolerant wrong: uint8_overflow
def rotation_tolerant(image, templates):
    return float((templates * image).sum(axis=(1, 2)).max())


# %% rotation_tolerant wrong: average_for_maximum
def rotation_tolerant(image, templates):
    return np.mean([np.sum(template.astype(float) * image) for template in templates])
