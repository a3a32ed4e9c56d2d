"""Chapter 6 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# ruff: noqa: F821 - pair, conv2d and spread stand in the notebook

# %% numerical_gradient: one copy, stepped and restored
import numpy as np


def numerical_gradient(f, x, eps=1e-5):
    z = np.array(x, dtype=np.float64)
    slopes = np.empty_like(z)
    for at in np.ndindex(z.shape):
        old = z[at]
        z[at] = old + eps
        above = f(z)
        z[at] = old - eps
        below = f(z)
        z[at] = old
        slopes[at] = (above - below) / (2 * eps)
    return slopes


# %% numerical_gradient: rows of an identity matrix
def numerical_gradient(f, x, eps=1e-5):
    flat = np.asarray(x, dtype=np.float64).ravel()

    def at(v):
        return f(v.reshape(x.shape))

    rows = eps * np.eye(flat.size)
    return np.array([at(flat + row) - at(flat - row) for row in rows]).reshape(x.shape) / eps / 2


# %% numerical_gradient: the flat iterator, divided by the step really taken
def numerical_gradient(f, x, eps=1e-5):
    slopes = np.zeros(x.shape)
    for i in range(x.size):
        up, down = (np.array(x, dtype=float, order="C") for _ in range(2))
        up.flat[i] += eps
        down.flat[i] -= eps
        slopes.flat[i] = (f(up) - f(down)) / (up.flat[i] - down.flat[i])
    return slopes


# %% numerical_gradient: a callable object and nditer, 0-d arrays as numbers
class _Slopes:
    def __call__(self, f, x, eps=1e-5):
        x = np.asarray(x) * 1.0 if x.dtype == np.float64 else x.astype(np.float64)
        walk = np.nditer(np.zeros(np.shape(x)), flags=["multi_index", "zerosize_ok"])
        found = [self._one(f, x, walk.multi_index, eps) for _ in walk]
        return np.reshape(found, np.shape(x))

    def _one(self, f, x, at, eps):
        step = np.zeros(np.shape(x))
        step[at] = eps
        return float(f(x + step) - f(x - step)) / (2 * eps)


numerical_gradient = _Slopes()


# %% conv2d_grad_bias: einsum
def conv2d_grad_bias(grad):
    return np.einsum("ndij->d", grad.astype(float))


# %% conv2d_grad_bias: loops
def conv2d_grad_bias(grad):
    db = [0.0] * grad.shape[1]
    for n, d, i, j in np.ndindex(grad.shape):
        db[d] += float(grad[n, d, i, j])
    return db


# %% conv2d_grad_bias: a product with ones, float32 kept
def conv2d_grad_bias(grad):
    rows = np.moveaxis(grad, 1, 0).reshape(grad.shape[1], -1)
    return rows @ np.ones(rows.shape[1], np.float32 if rows.dtype == np.float32 else float)


# %% conv2d_grad_bias: a partial
from functools import partial

conv2d_grad_bias = partial(lambda grad, axes: np.sum(grad, axis=axes), axes=(0, 2, 3))


# %% conv2d_grad_weight: slices and einsum, one tap at a time
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride), pair(padding)
    rows, columns = grad.shape[2:]
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dw = np.zeros((grad.shape[1], x.shape[1], kh, kw))
    for a in range(kh):
        for b in range(kw):
            part = padded[:, :, a : a + (rows - 1) * sh + 1 : sh, b : b + (columns - 1) * sw + 1 : sw]
            dw[:, :, a, b] = np.einsum("ndij,ncij->dc", grad, part)
    return dw


# %% conv2d_grad_weight: loops over everything
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    _, C, H, W = x.shape
    dw = np.zeros((grad.shape[1], C, kh, kw))
    for n, d, i, j in np.ndindex(grad.shape):
        for c, a, b in np.ndindex(C, kh, kw):
            p, q = i * sh + a - ph, j * sw + b - pw
            if 0 <= p < H and 0 <= q < W:
                dw[d, c, a, b] += float(grad[n, d, i, j]) * float(x[n, c, p, q])
    return dw


# %% conv2d_grad_weight: strided windows, one tensordot, float32 kept
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    (kh, kw), (sh, sw), (ph, pw) = map(pair, (kernel_size, stride, padding))
    dtype = np.result_type(np.float32, x, grad)
    padded = np.pad(x.astype(dtype), [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return np.tensordot(grad.astype(dtype), windows, axes=([0, 2, 3], [0, 2, 3]))


# %% conv2d_grad_weight: one window at a time, a lambda
def _windows(x, kernel_size, stride, padding, outputs):
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride), pair(padding)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    return [(i, j, x[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]) for i, j in np.ndindex(outputs)]


conv2d_grad_weight = lambda x, grad, kernel_size, stride=1, padding=0: sum(
    np.tensordot(grad[:, :, i, j], window, axes=(0, 0))
    for i, j, window in _windows(x, kernel_size, stride, padding, grad.shape[2:])
)


# %% conv2d_grad_weight: FFT
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))).astype(float)
    g = spread(grad, stride)
    size = [m + n for m, n in zip(padded.shape[2:], g.shape[2:], strict=True)]
    X, G = np.fft.rfft2(padded, size), np.fft.rfft2(g, size)
    dw = np.fft.irfft2(np.einsum("ncuv,nduv->dcuv", X, G.conj()), size)
    return dw[:, :, :kh, :kw]


# %% spread: a kron with a single one
def spread(grad, stride):
    sh, sw = pair(stride)
    dot = np.zeros((sh, sw))
    dot[0, 0] = 1
    wide = np.kron(grad, dot)
    return wide[..., : wide.shape[-2] - sh + 1, : wide.shape[-1] - sw + 1]


# %% spread: loops
def spread(grad, stride):
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    rows, columns = grad.shape[-2:]
    out = np.zeros((*grad.shape[:-2], (rows - 1) * sh + 1, (columns - 1) * sw + 1), grad.dtype)
    for i in range(rows):
        for j in range(columns):
            out[..., i * sh, j * sw] = grad[..., i, j]
    return out


# %% spread: insert
def spread(grad, stride):
    sh, sw = pair(stride)
    down = np.repeat(np.arange(1, grad.shape[-2]), sh - 1)
    out = np.insert(grad, down, 0, axis=-2)
    return np.insert(out, np.repeat(np.arange(1, grad.shape[-1]), sw - 1), 0, axis=-1)


# %% spread: matrices from both sides
def spread(grad, stride):
    sh, sw = pair(stride)
    rows, columns = grad.shape[-2:]
    up = np.eye((rows - 1) * sh + 1)[:, ::sh]
    right = np.eye((columns - 1) * sw + 1)[::sw]
    return up @ grad @ right


# %% conv2d_grad_input: sending, one output position at a time
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (sh, sw), (ph, pw), (H, W) = pair(stride), pair(padding), input_size
    kh, kw = w.shape[2:]
    dx = np.zeros((len(grad), w.shape[1], H + 2 * ph, W + 2 * pw))
    for i in range(grad.shape[2]):
        for j in range(grad.shape[3]):
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += np.einsum(
                "nd,dcab->ncab", grad[:, :, i, j], w.astype(float)
            )
    return dx[:, :, ph : ph + H, pw : pw + W]


# %% conv2d_grad_input: sending, one tap at a time, float32 kept
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (sh, sw), (ph, pw), (H, W) = pair(stride), pair(padding), input_size
    rows, columns = grad.shape[2:]
    dtype = np.result_type(np.float32, grad, w)
    dx = np.zeros((len(grad), w.shape[1], H + 2 * ph, W + 2 * pw), dtype)
    for a, b in np.ndindex(w.shape[2:]):
        part = dx[:, :, a : a + sh * (rows - 1) + 1 : sh, b : b + sw * (columns - 1) + 1 : sw]
        part += np.tensordot(grad.astype(dtype), w[:, :, a, b].astype(dtype), axes=(1, 0)).transpose(
            0, 3, 1, 2
        )
    return dx[:, :, ph : H + ph, pw : W + pw]


# %% conv2d_grad_input: collecting, pixel by pixel
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (sh, sw), (ph, pw), (H, W) = pair(stride), pair(padding), input_size
    (N, _, rows, columns), (_, C, kh, kw) = grad.shape, w.shape
    grad, w = grad.astype(float), w.astype(float)
    dx = np.zeros((N, C, H, W))
    for p in range(H):
        for q in range(W):
            for i in range(rows):
                for j in range(columns):
                    a, b = p + ph - i * sh, q + pw - j * sw
                    if 0 <= a < kh and 0 <= b < kw:
                        dx[:, :, p, q] += grad[:, :, i, j] @ w[:, :, a, b]
    return dx


# %% conv2d_grad_input: one big matrix, built from the forward step
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    H, W = input_size
    C = w.shape[1]
    pixels = np.eye(C * H * W).reshape(-1, C, H, W)
    M = conv2d(pixels, w, None, stride, padding).reshape(C * H * W, -1)
    return (grad.reshape(len(grad), -1) @ M.T).reshape(-1, C, H, W)


# %% conv2d_grad_input: FFT
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (ph, pw), (H, W) = pair(padding), input_size
    g = spread(grad, stride)
    size = [
        max(m + k - 1, n + 2 * p)
        for m, k, n, p in zip(g.shape[2:], w.shape[2:], (H, W), (ph, pw), strict=True)
    ]
    product = np.einsum("nduv,dcuv->ncuv", np.fft.fft2(g, size), np.fft.fft2(w, size))
    return np.fft.ifft2(product).real[:, :, ph : ph + H, pw : pw + W]


# %% conv_transpose_matrix: column by column, by index arithmetic
def conv_transpose_matrix(w, size):
    H, W = size
    kh, kw = w.shape
    columns = W - kw + 1
    T = np.zeros((H * W, (H - kh + 1) * columns))
    for o in range(T.shape[1]):
        i, j = divmod(o, columns)
        for a in range(kh):
            for b in range(kw):
                T[(i + a) * W + j + b, o] = w[a, b]
    return T


# %% conv_transpose_matrix: the forward matrix, transposed
def conv_transpose_matrix(w, size):
    H, W = size
    pixels = np.eye(H * W).reshape(-1, 1, H, W)
    return conv2d(pixels, w[None, None]).reshape(H * W, -1)


# %% conv_transpose_matrix: sums of krons, in float32 where w is
def conv_transpose_matrix(w, size):
    (H, W), (kh, kw) = size, w.shape
    rows, columns = H - kh + 1, W - kw + 1
    return sum(
        w[a, b] * np.kron(np.eye(H, rows, -a, dtype=w.dtype), np.eye(W, columns, -b, dtype=w.dtype))
        for a in range(kh)
        for b in range(kw)
    )


# %% conv_transpose_matrix: nested lists
def conv_transpose_matrix(w, size):
    kh, kw = w.shape
    outputs = [(i, j) for i in range(size[0] - kh + 1) for j in range(size[1] - kw + 1)]
    return [
        [float(w[p - i, q - j]) if 0 <= p - i < kh and 0 <= q - j < kw else 0.0 for i, j in outputs]
        for p in range(size[0])
        for q in range(size[1])
    ]


# %% adjoint_gap: vdot
def adjoint_gap(f, f_transpose, x, g):
    return abs(
        np.vdot(f(x).astype(float), g.astype(float)) - np.vdot(x.astype(float), f_transpose(g).astype(float))
    )


# %% adjoint_gap: math.fsum
import math


def adjoint_gap(f, f_transpose, x, g):
    def inner(a, b):
        return math.fsum(float(p) * float(q) for p, q in zip(a.ravel(), b.ravel(), strict=True))

    return math.fabs(inner(f(x), g) - inner(x, f_transpose(g)))


# %% adjoint_gap: a lambda with tensordot, a 0-d array
adjoint_gap = lambda f, f_transpose, x, g: np.abs(
    np.tensordot(f(x), g * 1.0, axes=g.ndim) - np.tensordot(x * 1.0, f_transpose(g), axes=x.ndim)
)


# %% adjoint_gap: floats before the calls
def adjoint_gap(f, f_transpose, x, g):
    x, g = np.array(x, dtype=float), np.array(g, dtype=float)
    return float(np.abs((f(x) * g).sum() - (x * f_transpose(g)).sum()))


# %% max_pool2d_backward: windows as rows and np.add.at
def max_pool2d_backward(x, grad, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(stride if stride is not None else kernel_size)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    best = windows.reshape(*windows.shape[:4], kh * kw).argmax(-1)
    n, c, i, j = np.indices(grad.shape)
    dx = np.zeros(x.shape)
    np.add.at(dx, (n, c, i * sh + best // kw, j * sw + best % kw), grad)
    return dx


# %% max_pool2d_backward: loops and a strict comparison
import math


def max_pool2d_backward(x, grad, kernel_size, stride=None):
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    stride = (kh, kw) if stride is None else stride
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    N, C, rows, columns = grad.shape
    dx = np.zeros(x.shape, np.float32 if grad.dtype == np.float32 else np.float64)
    for n in range(N):
        for c in range(C):
            for i in range(rows):
                for j in range(columns):
                    best, where = -math.inf, None
                    for p in range(i * sh, i * sh + kh):
                        for q in range(j * sw, j * sw + kw):
                            if x[n, c, p, q] > best:
                                best, where = x[n, c, p, q], (p, q)
                    dx[n, c, *where] += grad[n, c, i, j]
    return dx


# %% max_pool2d_backward: tap by tap, last to first
def max_pool2d_backward(x, grad, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    rows, columns = grad.shape[2:]

    def part(of, tap):
        a, b = divmod(tap, kw)
        return of[:, :, a : a + (rows - 1) * sh + 1 : sh, b : b + (columns - 1) * sw + 1 : sw]

    winner = np.full(grad.shape, kh * kw - 1)
    for tap in range(kh * kw - 2, -1, -1):
        highest = part(x, tap)
        for other in range(tap + 1, kh * kw):
            highest = np.maximum(highest, part(x, other))
        winner = np.where(part(x, tap) == highest, tap, winner)
    dx = np.zeros(x.shape)
    for tap in range(kh * kw):
        part(dx, tap)[...] += np.where(winner == tap, grad, 0)
    return dx


# %% max_pool2d_backward: bincount on flat indices
def max_pool2d_backward(x, grad, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    index = np.arange(x.size).reshape(x.shape)
    where = [
        index[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw].flat[
            x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw].argmax()
        ]
        for n, c, i, j in np.ndindex(grad.shape)
    ]
    return np.bincount(where, weights=grad.ravel(), minlength=x.size).reshape(x.shape)


# %% avg_pool2d_backward: the backward step of a convolution with equal weights
def avg_pool2d_backward(grad, input_size, kernel_size, stride=None):
    w = np.full((1, 1, *pair(kernel_size)), 1 / np.prod(pair(kernel_size)))
    stride = kernel_size if stride is None else stride
    maps = grad.reshape(-1, 1, *grad.shape[2:])
    return conv2d_grad_input(maps, w, input_size, stride).reshape(*grad.shape[:2], *input_size)


# %% avg_pool2d_backward: tap by tap
def avg_pool2d_backward(grad, input_size, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    rows, columns = grad.shape[2:]
    dx = np.zeros(grad.shape[:2] + tuple(input_size), np.result_type(grad, np.float32))
    for a in range(kh):
        for b in range(kw):
            dx[:, :, a : a + (rows - 1) * sh + 1 : sh, b : b + (columns - 1) * sw + 1 : sw] += grad
    return dx / (kh * kw)


# %% avg_pool2d_backward: matrices from both sides
def avg_pool2d_backward(grad, input_size, kernel_size, stride=None):
    def shares(n, outputs, k, s):
        p = np.arange(n)[:, None] - s * np.arange(outputs)
        return ((p >= 0) & (p < k)) / k

    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    down = shares(input_size[0], grad.shape[2], kh, sh)
    across = shares(input_size[1], grad.shape[3], kw, sw)
    return down @ grad @ across.T


# %% avg_pool2d_backward: a callable object, pixel by pixel
class _Shares:
    def __call__(self, grad, input_size, kernel_size, stride=None):
        (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
        dx = np.zeros((*grad.shape[:2], *input_size))
        for p, q in np.ndindex(*input_size):
            for i, j in np.ndindex(grad.shape[2:]):
                if 0 <= p - i * sh < kh and 0 <= q - j * sw < kw:
                    dx[:, :, p, q] += grad[:, :, i, j] / (kh * kw)
        return dx


avg_pool2d_backward = _Shares()


# %% numerical_gradient wrong: forward_difference
def numerical_gradient(f, x, eps=1e-5):
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        z = np.array(x, dtype=float)
        z[at] += eps
        slopes[at] = (f(z) - f(np.array(x, dtype=float))) / eps
    return slopes


# %% numerical_gradient wrong: eps_not_divided_by_two
def numerical_gradient(f, x, eps=1e-5):
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[at] = eps
        slopes[at] = (f(np.array(x + step)) - f(np.array(x - step))) / eps
    return slopes


# %% numerical_gradient wrong: borrows_its_input
def numerical_gradient(f, x, eps=1e-5):
    x = np.asarray(x, dtype=float)
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        old = float(x[at])
        x[at] = old + eps
        up = f(x)
        x[at] = old - eps
        down = f(x)
        x[at] = old
        slopes[at] = (up - down) / (2 * eps)
    return slopes


# %% numerical_gradient wrong: numeric_check_in_float32
def numerical_gradient(f, x, eps=1e-5):
    kind = np.float32 if x.dtype == np.float32 else np.float64
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        step = np.zeros(x.shape, kind)
        step[at] = eps
        slopes[at] = (f(np.array(x + step, kind)) - f(np.array(x - step, kind))) / (2 * eps)
    return slopes


# %% numerical_gradient wrong: steps_in_integers
def numerical_gradient(f, x, eps=1e-5):
    slopes = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        up, down = (np.array(x, dtype=None if x.dtype.kind in "iu" else float) for _ in range(2))
        up[at] = up[at] + eps
        down[at] = down[at] - eps
        slopes[at] = (f(up.astype(float)) - f(down.astype(float))) / (2 * eps)
    return slopes


# %% conv2d_grad_bias wrong: grad_bias_over_batch_only
def conv2d_grad_bias(grad):
    return np.sum(grad, axis=0)


# %% conv2d_grad_bias wrong: averages_over_batch
def conv2d_grad_bias(grad):
    return grad.astype(float).mean(axis=0).sum(axis=(1, 2))


# %% conv2d_grad_bias wrong: upstream_ignored
def conv2d_grad_bias(grad):
    N, D, rows, columns = grad.shape
    return np.full(D, N * rows * columns)


# %% conv2d_grad_weight wrong: stride_missing_in_weight_grad
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dw = np.zeros((grad.shape[1], x.shape[1], kh, kw))
    for a in range(kh):
        for b in range(kw):
            part = padded[:, :, a : a + grad.shape[2], b : b + grad.shape[3]]
            dw[:, :, a, b] = np.einsum("ndij,ncij->dc", grad.astype(float), part)
    return dw


# %% conv2d_grad_weight wrong: keeps_the_extra_taps
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    return conv2d(x.swapaxes(0, 1), spread(grad, stride).swapaxes(0, 1), padding=padding).swapaxes(0, 1)


# %% conv2d_grad_weight wrong: weight_grad_swaps_channels
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    kh, kw = pair(kernel_size)
    return conv2d(x.swapaxes(0, 1), spread(grad, stride).swapaxes(0, 1), padding=padding)[:, :, :kh, :kw]


# %% conv2d_grad_weight wrong: weight_grad_with_flipped_gradient
def conv2d_grad_weight(x, grad, kernel_size, stride=1, padding=0):
    kh, kw = pair(kernel_size)
    g = spread(grad, stride)[..., ::-1, ::-1]
    return conv2d(x.swapaxes(0, 1), g.swapaxes(0, 1), padding=padding).swapaxes(0, 1)[:, :, :kh, :kw]


# %% spread wrong: zeros_after_the_last
def spread(grad, stride):
    sh, sw = pair(stride)
    out = np.zeros((*grad.shape[:-2], grad.shape[-2] * sh, grad.shape[-1] * sw))
    out[..., ::sh, ::sw] = grad
    return out


# %% spread wrong: spreads_one_too_far
def spread(grad, stride):
    sh, sw = (s + 1 for s in pair(stride))
    out = np.zeros((*grad.shape[:-2], (grad.shape[-2] - 1) * sh + 1, (grad.shape[-1] - 1) * sw + 1))
    out[..., ::sh, ::sw] = grad
    return out


# %% spread wrong: swaps_stride_pair
def spread(grad, stride):
    sw, sh = pair(stride)
    out = np.zeros((*grad.shape[:-2], (grad.shape[-2] - 1) * sh + 1, (grad.shape[-1] - 1) * sw + 1))
    out[..., ::sh, ::sw] = grad
    return out


# %% conv2d_grad_input wrong: input_grad_without_flip
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (ph, pw), (H, W), (kh, kw) = pair(padding), input_size, w.shape[2:]
    full = conv2d(spread(grad, stride), w.swapaxes(0, 1), padding=(kh - 1, kw - 1))
    padded = np.zeros((len(grad), w.shape[1], H + 2 * ph, W + 2 * pw))
    padded[:, :, : full.shape[2], : full.shape[3]] = full
    return padded[:, :, ph : ph + H, pw : pw + W]


# %% conv2d_grad_input wrong: slices_pad_to_minus_pad
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (ph, pw), (sh, sw), (H, W), (kh, kw) = pair(padding), pair(stride), input_size, w.shape[2:]
    padded = np.zeros((len(grad), w.shape[1], H + 2 * ph, W + 2 * pw))
    for i, j in np.ndindex(grad.shape[2:]):
        padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += np.einsum(
            "nd,dcab->ncab", grad[:, :, i, j].astype(float), w
        )
    return padded[:, :, ph:-ph, pw:-pw]


# %% conv2d_grad_input wrong: overlap_overwritten
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (ph, pw), (sh, sw), (H, W), (kh, kw) = pair(padding), pair(stride), input_size, w.shape[2:]
    padded = np.zeros((len(grad), w.shape[1], H + 2 * ph, W + 2 * pw))
    for i, j in np.ndindex(grad.shape[2:]):
        padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] = np.einsum(
            "nd,dcab->ncab", grad[:, :, i, j].astype(float), w
        )
    return padded[:, :, ph : ph + H, pw : pw + W]


# %% conv2d_grad_input wrong: crops_before_filling
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (ph, pw), (kh, kw) = pair(padding), w.shape[2:]
    full = conv2d(spread(grad, stride), w[:, :, ::-1, ::-1].swapaxes(0, 1), padding=(kh - 1, kw - 1))
    cut = full[:, :, ph : full.shape[2] - ph, pw : full.shape[3] - pw]
    dx = np.zeros((*cut.shape[:2], *input_size))
    dx[:, :, : cut.shape[2], : cut.shape[3]] = cut
    return dx


# %% conv2d_grad_input wrong: flips_every_axis
def conv2d_grad_input(grad, w, input_size, stride=1, padding=0):
    (ph, pw), (H, W), (kh, kw) = pair(padding), input_size, w.shape[2:]
    full = conv2d(spread(grad, stride), np.flip(w).swapaxes(0, 1), padding=(kh - 1, kw - 1))
    padded = np.zeros((len(grad), w.shape[1], H + 2 * ph, W + 2 * pw))
    padded[:, :, : full.shape[2], : full.shape[3]] = full
    return padded[:, :, ph : ph + H, pw : pw + W]


# %% conv_transpose_matrix wrong: returns_the_forward_matrix
def conv_transpose_matrix(w, size):
    (H, W), (kh, kw) = size, w.shape
    M = np.zeros((H - kh + 1, W - kw + 1, H, W))
    for i, j in np.ndindex(M.shape[:2]):
        M[i, j, i : i + kh, j : j + kw] = w
    return M.reshape(M.shape[0] * M.shape[1], H * W)


# %% conv_transpose_matrix wrong: flips_the_kernel
def conv_transpose_matrix(w, size):
    (H, W), (kh, kw) = size, w.shape
    T = np.zeros((H, W, H - kh + 1, W - kw + 1))
    for i, j in np.ndindex(T.shape[2:]):
        T[i : i + kh, j : j + kw, i, j] = w[::-1, ::-1]
    return T.reshape(H * W, -1)


# %% adjoint_gap wrong: forgets_the_absolute_value
def adjoint_gap(f, f_transpose, x, g):
    return np.sum(f(x) * g.astype(float)) - np.sum(x.astype(float) * f_transpose(g))


# %% adjoint_gap wrong: uint8_overflow
def adjoint_gap(f, f_transpose, x, g):
    return abs(float(np.sum(f(x) * g)) - float(np.sum(x * f_transpose(g))))


# %% adjoint_gap wrong: averages_instead_of_sums
def adjoint_gap(f, f_transpose, x, g):
    return abs(np.mean(f(x) * g.astype(float)) - np.mean(x.astype(float) * f_transpose(g)))


# %% max_pool2d_backward wrong: overlap_overwritten
def max_pool2d_backward(x, grad, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(grad.shape):
        a, b = divmod(x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw].argmax(), kw)
        dx[n, c, i * sh + a, j * sw + b] = grad[n, c, i, j]
    return dx


# %% max_pool2d_backward wrong: ties_all
def max_pool2d_backward(x, grad, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(grad.shape):
        here = (n, c, slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw))
        dx[here] += (x[here] == x[here].max()) * grad[n, c, i, j].astype(float)
    return dx


# %% max_pool2d_backward wrong: ties_share
def max_pool2d_backward(x, grad, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(grad.shape):
        here = (n, c, slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw))
        best = x[here] == x[here].max()
        dx[here] += best * float(grad[n, c, i, j]) / best.sum()
    return dx


# %% max_pool2d_backward wrong: window_argmax_as_global
def max_pool2d_backward(x, grad, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(grad.shape):
        a, b = divmod(x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw].argmax(), kw)
        dx[n, c, a, b] += grad[n, c, i, j]
    return dx


# %% avg_pool2d_backward wrong: average_grad_not_divided
def avg_pool2d_backward(grad, input_size, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    dx = np.zeros((*grad.shape[:2], *input_size))
    for i, j in np.ndindex(grad.shape[2:]):
        dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += grad[:, :, i, j, None, None]
    return dx


# %% avg_pool2d_backward wrong: left_over_rows_lost
def avg_pool2d_backward(grad, input_size, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    rows, columns = grad.shape[2:]
    dx = np.zeros((*grad.shape[:2], (rows - 1) * sh + kh, (columns - 1) * sw + kw))
    for i, j in np.ndindex(rows, columns):
        dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += grad[:, :, i, j, None, None] / (kh * kw)
    return dx


# %% avg_pool2d_backward wrong: takes_the_type_of_its_input
def avg_pool2d_backward(grad, input_size, kernel_size, stride=None):
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    dx = np.zeros((*grad.shape[:2], *input_size))
    for i, j in np.ndindex(grad.shape[2:]):
        dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += grad[:, :, i, j, None, None] / (kh * kw)
    return dx.astype(grad.dtype)
