"""Chapter 2 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# %% cross_correlate2d: four loops over Python numbers, a list of lists
import numpy as np


def cross_correlate2d(x, w):
    x, w = x.tolist(), w.tolist()
    kH, kW = len(w), len(w[0])
    return [
        [
            float(sum(w[u][v] * x[i + u][j + v] for u in range(kH) for v in range(kW)))
            for j in range(len(x[0]) - kW + 1)
        ]
        for i in range(len(x) - kH + 1)
    ]


# %% cross_correlate2d: one tap at a time
def cross_correlate2d(x, w):
    rows, columns = np.array(x.shape) - w.shape + 1
    y = np.zeros((rows, columns))
    for (u, v), tap in np.ndenumerate(w):
        y += float(tap) * x[u : u + rows, v : v + columns]
    return y


# %% cross_correlate2d: einsum over a view
def cross_correlate2d(x, w):
    views = np.lib.stride_tricks.sliding_window_view(x, w.shape)
    return np.einsum("ijuv,uv->ij", views.astype(float), w)


# %% cross_correlate2d: FFT
def cross_correlate2d(x, w):
    spectrum = np.fft.rfft2(x) * np.conj(np.fft.rfft2(w, x.shape))
    return np.fft.irfft2(spectrum, x.shape)[: len(x) - len(w) + 1, : x.shape[1] - w.shape[1] + 1]


# %% cross_correlate2d: a callable object that keeps float32, Fortran order
class _Slider:
    def __call__(self, x, w):
        dtype = np.float32 if np.float32 in (x.dtype, w.dtype) else np.float64
        (H, W), (kH, kW) = x.shape, w.shape
        y = np.empty((H - kH + 1, W - kW + 1), dtype, order="F")
        for i, j in np.ndindex(y.shape):
            y[i, j] = np.vdot(x[i : i + kH, j : j + kW].astype(dtype), w.astype(dtype))
        return y


cross_correlate2d = _Slider()


# %% rotate180: rot90 twice
def rotate180(w):
    return np.rot90(w, k=2, axes=(-2, -1))


# %% rotate180: flip, a partial
from functools import partial


def _turned(w, axes):
    return np.flip(w, axis=axes)


rotate180 = partial(_turned, axes=(-2, -1))


# %% rotate180: all numbers of a kernel back to front, a lambda
rotate180 = lambda w: w.reshape(-1, w.shape[-2] * w.shape[-1])[:, ::-1].reshape(w.shape)


# %% rotate180: element by element, in floats
def rotate180(w):
    turned = np.empty(w.shape)
    for index in np.ndindex(w.shape):
        *front, u, v = index
        turned[(*front, -1 - u, -1 - v)] = w[index]
    return turned


# %% convolve2d: indices that run against each other
def convolve2d(x, w):
    (H, W), (kH, kW) = x.shape, w.shape
    y = np.zeros((H - kH + 1, W - kW + 1))
    for i in range(len(y)):
        for j in range(len(y[0])):
            for u in range(kH):
                for v in range(kW):
                    y[i, j] += float(w[u, v]) * float(x[i + kH - 1 - u, j + kW - 1 - v])
    return y


# %% convolve2d: stamps, then the middle
def convolve2d(x, w):
    (H, W), (kH, kW) = x.shape, w.shape
    full = np.zeros((H + kH - 1, W + kW - 1))
    for (i, j), pixel in np.ndenumerate(x):
        full[i : i + kH, j : j + kW] += float(pixel) * w
    return full[kH - 1 : H, kW - 1 : W]


# %% convolve2d: FFT
def convolve2d(x, w):
    y = np.fft.ifft2(np.fft.fft2(x) * np.fft.fft2(w, x.shape)).real
    return y[w.shape[0] - 1 :, w.shape[1] - 1 :]


# %% convolve2d: the image and the result turned instead
def convolve2d(x, w):
    views = np.lib.stride_tricks.sliding_window_view(x[::-1, ::-1].astype(float), w.shape)
    return np.tensordot(views, w, axes=2)[::-1, ::-1]


# %% conv2d: einsum over a view
def conv2d(x, w, b=None, stride=1):
    sH, sW = np.broadcast_to(stride, 2)
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), w.shape[2:], axis=(2, 3))
    y = np.einsum("ncijuv,dcuv->ndij", views[:, :, ::sH, ::sW], w)
    return y if b is None else y + b[:, None, None]


# %% conv2d: seven loops
def conv2d(x, w, b=None, stride=1):
    sH, sW = stride if isinstance(stride, tuple) else (stride, stride)
    N, C, H, W = x.shape
    D, _, kH, kW = w.shape
    y = np.zeros((N, D, (H - kH) // sH + 1, (W - kW) // sW + 1))
    for n in range(N):
        for d in range(D):
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    y[n, d, i, j] = 0.0 if b is None else b[d]
                    for c in range(C):
                        for u in range(kH):
                            for v in range(kW):
                                y[n, d, i, j] += float(w[d, c, u, v]) * float(x[n, c, i * sH + u, j * sW + v])
    return y


# %% conv2d: FFT at stride 1, then every s-th
def conv2d(x, w, b=None, stride=1):
    sH, sW = (stride,) * 2 if np.isscalar(stride) else stride
    size = x.shape[2:]
    spectrum = np.einsum("ncij,dcij->ndij", np.fft.rfft2(x), np.conj(np.fft.rfft2(w, size)))
    y = np.fft.irfft2(spectrum, size)[..., : size[0] - w.shape[2] + 1, : size[1] - w.shape[3] + 1]
    y = y[..., ::sH, ::sW]
    return y + (0.0 if b is None else np.reshape(b, (1, -1, 1, 1)))


# %% conv2d: float32 kept, channels last in memory, each window against all kernels
def conv2d(x, w, b=None, stride=1):
    dtype = np.float32 if np.float32 in (x.dtype, w.dtype) else np.float64
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    kH, kW = w.shape[2:]
    rows = range(0, x.shape[2] - kH + 1, sH)
    columns = range(0, x.shape[3] - kW + 1, sW)
    y = np.array(
        [
            [
                np.tensordot(x[:, :, i : i + kH, j : j + kW].astype(dtype), w, ([1, 2, 3], [1, 2, 3]))
                for j in columns
            ]
            for i in rows
        ]
    )
    return (y if b is None else y + b).transpose(2, 3, 0, 1)


# %% conv2d: a generator of samples, with recursion for the stride
def conv2d(x, w, b=None, stride=1):
    if stride not in (1, (1, 1)):
        sH, sW = (stride, stride) if isinstance(stride, int) else stride
        return conv2d(x, w, b)[:, :, ::sH, ::sW]

    def one(sample):
        H, W = sample.shape[1] - w.shape[2] + 1, sample.shape[2] - w.shape[3] + 1
        total = sum(
            np.multiply.outer(w[:, c, u, v].astype(float), sample[c, u : u + H, v : v + W])
            for c, u, v in np.ndindex(w.shape[1:])
        )
        return total if b is None else total + b.reshape(-1, 1, 1)

    return np.stack([one(sample) for sample in x])


# %% im2col: a window view, transposed
def im2col(x, kernel_size, stride=1):
    kH, kW = np.broadcast_to(kernel_size, 2)
    sH, sW = np.broadcast_to(stride, 2)
    views = np.lib.stride_tricks.sliding_window_view(x, (kH, kW), axis=(2, 3))[:, :, ::sH, ::sW]
    return views.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kH * kW, -1)


# %% im2col: window by window, stacked
def im2col(x, kernel_size, stride=1):
    kH, kW = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    sH, sW = stride if isinstance(stride, tuple) else (stride, stride)
    windows = [
        x[:, :, i : i + kH, j : j + kW].reshape(len(x), -1)
        for i in range(0, x.shape[2] - kH + 1, sH)
        for j in range(0, x.shape[3] - kW + 1, sW)
    ]
    return np.stack(windows, axis=-1)


# %% im2col: index arrays
def im2col(x, kernel_size, stride=1):
    kH, kW = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    sH, sW = (stride,) * 2 if isinstance(stride, int) else stride
    C, H, W = x.shape[1:]
    c, u, v = (a.reshape(-1, 1) for a in np.mgrid[:C, :kH, :kW])
    i, j = (a.reshape(1, -1) for a in np.mgrid[0 : H - kH + 1 : sH, 0 : W - kW + 1 : sW])
    return x[:, c, u + i, v + j]


# %% im2col: as_strided on a contiguous copy
def im2col(x, kernel_size, stride=1):
    kH, kW = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    sH, sW = (stride,) * 2 if isinstance(stride, int) else stride
    x = np.ascontiguousarray(x)
    N, C, H, W = x.shape
    n, c, h, w = x.strides
    shape = (N, C, kH, kW, (H - kH) // sH + 1, (W - kW) // sW + 1)
    views = np.lib.stride_tricks.as_strided(x, shape, (n, c, h, w, h * sH, w * sW), writeable=False)
    return views.reshape(N, C * kH * kW, shape[4] * shape[5])


# %% conv2d_matmul: tensordot over a view
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), w.shape[2:], axis=(2, 3))
    y = np.tensordot(views[:, :, ::sH, ::sW], w, axes=([1, 4, 5], [1, 2, 3]))
    return np.moveaxis(y if b is None else y + b, 3, 1)


# %% conv2d_matmul: einsum, optimised
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::sH, ::sW]
    y = np.einsum("ncijuv,dcuv->ndij", views.astype(np.float64), w, optimize=True)
    return y if b is None else y + b.reshape(-1, 1, 1)


# %% conv2d_matmul: one product for each tap
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    D, C, kH, kW = w.shape
    Ho, Wo = (x.shape[2] - kH) // sH + 1, (x.shape[3] - kW) // sW + 1
    y = np.zeros((len(x), D, Ho * Wo))
    for u in range(kH):
        for v in range(kW):
            seen = x[:, :, u : u + (Ho - 1) * sH + 1 : sH, v : v + (Wo - 1) * sW + 1 : sW]
            y += w[:, :, u, v].astype(float) @ seen.reshape(len(x), C, Ho * Wo)
    return (y if b is None else y + np.expand_dims(b, 1)).reshape(len(x), D, Ho, Wo)


# %% conv2d_matmul: index arrays, one product for all samples, the bias as a weight
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    (N, C, H, W), (D, _, kH, kW) = x.shape, w.shape
    i, j, u, v = np.ix_(
        np.arange(0, H - kH + 1, sH), np.arange(0, W - kW + 1, sW), np.arange(kH), np.arange(kW)
    )
    rows = x[:, :, i + u, j + v].transpose(0, 2, 3, 1, 4, 5).reshape(-1, C * kH * kW)
    rows = np.hstack([rows, np.ones((len(rows), 1))])
    weights = np.c_[w.reshape(D, -1), np.zeros(D) if b is None else b]
    return (rows @ weights.T).reshape(N, i.size, j.size, D).transpose(0, 3, 1, 2)


# %% conv2d_matmul: map and reduce over the taps, float32 kept
import operator
from functools import reduce
from itertools import product


def conv2d_matmul(x, w, b=None, stride=1):
    dtype = np.float32 if np.float32 in (x.dtype, w.dtype) else np.float64
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    Ho, Wo = (x.shape[2] - w.shape[2]) // sH + 1, (x.shape[3] - w.shape[3]) // sW + 1
    part = lambda u, v: np.einsum(
        "nchw,dc->ndhw", x[:, :, u:, v:][:, :, : Ho * sH : sH, : Wo * sW : sW].astype(dtype), w[:, :, u, v]
    )
    y = reduce(operator.add, (part(*tap) for tap in product(*map(range, w.shape[2:]))))
    return y if b is None else y + b[None, :, None, None]


# %% conv2d_matmul: add.reduce over a product of views
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, None, :, ::sH, ::sW]
    y = np.add.reduce(views * w[None, :, :, None, None].astype(float), axis=(2, 5, 6))
    return y if b is None else y + b[:, None, None]


# %% conv1x1: einsum
def conv1x1(x, w, b=None):
    y = np.einsum("nchw,dc->ndhw", x.astype(float), w)
    return y if b is None else y + b[:, None, None]


# %% conv1x1: pixel by pixel
def conv1x1(x, w, b=None):
    y = np.zeros((len(x), len(w), *x.shape[2:]))
    for n, i, j in np.ndindex(len(x), *x.shape[2:]):
        y[n, :, i, j] = w.astype(float) @ x[n, :, i, j]
        if b is not None:
            y[n, :, i, j] += b
    return y


# %% conv1x1: tensordot and axes moved
def conv1x1(x, w, b=None):
    y = np.tensordot(x, w.astype(float), axes=(1, 1))
    return np.rollaxis(y if b is None else y + b, 3, 1)


# %% conv1x1: channel by channel, a list of samples
def conv1x1(x, w, b=None):
    biases = [0] * len(w) if b is None else b.tolist()
    return [
        [
            sum(float(a) * plane for a, plane in zip(row, sample, strict=True)) + bias
            for row, bias in zip(w, biases, strict=True)
        ]
        for sample in x.astype(float)
    ]


# %% conv_matrix: correlations of unit images
def conv_matrix(w, size):
    units = np.eye(size[0] * size[1]).reshape(-1, *size)
    views = np.lib.stride_tricks.sliding_window_view(units, w.shape, axis=(1, 2))
    return (views * w).sum((3, 4)).reshape(len(units), -1).T


# %% conv_matrix: four loops over indices
def conv_matrix(w, size):
    (H, W), (kH, kW) = size, w.shape
    Wo = W - kW + 1
    M = np.zeros(((H - kH + 1) * Wo, H * W), dtype=w.dtype)
    for i in range(H - kH + 1):
        for j in range(Wo):
            for u in range(kH):
                for v in range(kW):
                    M[i * Wo + j, (i + u) * W + j + v] = w[u, v]
    return M


# %% conv_matrix: sums of Kronecker products of shifts
def conv_matrix(w, size):
    (H, W), (kH, kW) = size, w.shape
    return sum(
        np.kron(np.eye(H - kH + 1, H, u), w[u, v] * np.eye(W - kW + 1, W, v)) for u, v in np.ndindex(kH, kW)
    )


# %% conv_matrix: a list of rows that are one row moved on
def conv_matrix(w, size):
    H, W = size
    first = np.zeros((H, W))
    first[: w.shape[0], : w.shape[1]] = w
    starts = (np.arange(H - w.shape[0] + 1)[:, None] * W + np.arange(W - w.shape[1] + 1)).ravel()
    return [np.roll(first.ravel(), start).tolist() for start in starts]


# %% cross_correlate2d wrong: flips_the_kernel
def cross_correlate2d(x, w):
    flipped = w[::-1, ::-1].astype(float)
    y = np.zeros((x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1))
    for i, j in np.ndindex(y.shape):
        y[i, j] = np.sum(flipped * x[i : i + w.shape[0], j : j + w.shape[1]])
    return y


# %% cross_correlate2d wrong: height_for_width
def cross_correlate2d(x, w):
    H = len(x)
    y = np.zeros((H - w.shape[0] + 1, H - w.shape[1] + 1))
    for i, j in np.ndindex(y.shape):
        y[i, j] = np.sum(w.astype(float) * x[i : i + w.shape[0], j : j + w.shape[1]])
    return y


# %% cross_correlate2d wrong: window_end_is_size
def cross_correlate2d(x, w):
    y = np.zeros((x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1))
    for i, j in np.ndindex(y.shape):
        y[i, j] = np.sum(w.astype(float) * x[i : w.shape[0], j : w.shape[1]])
    return y


# %% cross_correlate2d wrong: truncates_to_int
def cross_correlate2d(x, w):
    y = np.zeros((x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1), dtype=int)
    for i, j in np.ndindex(y.shape):
        y[i, j] = np.sum(w.astype(float) * x[i : i + w.shape[0], j : j + w.shape[1]])
    return y


# %% rotate180 wrong: transposes_instead_of_rotating
def rotate180(w):
    return np.swapaxes(w, -1, -2)


# %% rotate180 wrong: rotates_all_axes
def rotate180(w):
    return np.flip(w)


# %% rotate180 wrong: rotates_the_first_axes
def rotate180(w):
    return np.rot90(w, 2)


# %% rotate180 wrong: rotates_one_axis_only
def rotate180(w):
    return w[..., ::-1, :]


# %% convolve2d wrong: forgets_to_flip
def convolve2d(x, w):
    views = np.lib.stride_tricks.sliding_window_view(x, w.shape)
    return np.einsum("ijuv,uv->ij", views.astype(float), w)


# %% convolve2d wrong: transposes_instead_of_rotating
def convolve2d(x, w):
    views = np.lib.stride_tricks.sliding_window_view(x, w.T.shape)
    return np.einsum("ijuv,uv->ij", views.astype(float), w.T)


# %% convolve2d wrong: keeps_partial_overlaps
def convolve2d(x, w):
    y = np.zeros((x.shape[0] + w.shape[0] - 1, x.shape[1] + w.shape[1] - 1))
    for (i, j), pixel in np.ndenumerate(x):
        y[i : i + w.shape[0], j : j + w.shape[1]] += float(pixel) * w
    return y


# %% conv2d wrong: last_channel_overwrites
def conv2d(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    N, C, H, W = x.shape
    D, _, kH, kW = w.shape
    y = np.zeros((N, D, (H - kH) // sH + 1, (W - kW) // sW + 1))
    for n, d, i, j in np.ndindex(y.shape):
        for c in range(C):
            y[n, d, i, j] = np.sum(
                w[d, c] * x[n, c, i * sH : i * sH + kH, j * sW : j * sW + kW].astype(float)
            )
        if b is not None:
            y[n, d, i, j] += b[d]
    return y


# %% conv2d wrong: bias_per_channel_in
def conv2d(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    N, C, H, W = x.shape
    D, _, kH, kW = w.shape
    y = np.zeros((N, D, (H - kH) // sH + 1, (W - kW) // sW + 1))
    for n, d, i, j in np.ndindex(y.shape):
        for c in range(C):
            y[n, d, i, j] += np.sum(
                w[d, c] * x[n, c, i * sH : i * sH + kH, j * sW : j * sW + kW].astype(float)
            )
            if b is not None:
                y[n, d, i, j] += b[d]
    return y


# %% conv2d wrong: swaps_stride_pair
def conv2d(x, w, b=None, stride=1):
    sW, sH = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), w.shape[2:], axis=(2, 3))
    y = np.einsum("ncijuv,dcuv->ndij", views[:, :, ::sH, ::sW], w)
    return y if b is None else y + b[:, None, None]


# %% conv2d wrong: takes_no_stride_pair
def conv2d(x, w, b=None, stride=1):
    N, _, H, W = x.shape
    D, _, kH, kW = w.shape
    y = np.zeros((N, D, (H - kH) // stride + 1, (W - kW) // stride + 1))
    for n, d, i, j in np.ndindex(y.shape):
        i0, j0 = i * stride, j * stride
        y[n, d, i, j] = np.sum(w[d] * x[n, :, i0 : i0 + kH, j0 : j0 + kW].astype(float))
        y[n, d, i, j] += 0 if b is None else b[d]
    return y


# %% conv2d wrong: bias_on_the_columns
def conv2d(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), w.shape[2:], axis=(2, 3))
    y = np.einsum("ncijuv,dcuv->ndij", views[:, :, ::sH, ::sW], w)
    return y if b is None else y + b


# %% im2col wrong: im2col_rows_for_columns
def im2col(x, kernel_size, stride=1):
    kH, kW = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    sH, sW = (stride,) * 2 if isinstance(stride, int) else stride
    windows = [
        x[:, :, i : i + kH, j : j + kW].reshape(len(x), -1)
        for i in range(0, x.shape[2] - kH + 1, sH)
        for j in range(0, x.shape[3] - kW + 1, sW)
    ]
    return np.stack(windows, axis=1)


# %% im2col wrong: reshape_for_transpose
def im2col(x, kernel_size, stride=1):
    kH, kW = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    sH, sW = (stride,) * 2 if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x, (kH, kW), axis=(2, 3))[:, :, ::sH, ::sW]
    return views.reshape(len(x), x.shape[1] * kH * kW, -1)


# %% im2col wrong: im2col_order
def im2col(x, kernel_size, stride=1):
    kH, kW = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    sH, sW = (stride,) * 2 if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x, (kH, kW), axis=(2, 3))[:, :, ::sH, ::sW]
    return views.transpose(0, 4, 5, 1, 2, 3).reshape(len(x), x.shape[1] * kH * kW, -1)


# %% im2col wrong: strides_over_the_list
def im2col(x, kernel_size, stride=1):
    kH, kW = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    sH, sW = (stride,) * 2 if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x, (kH, kW), axis=(2, 3))
    return views.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kH * kW, -1)[:, :, :: sH * sW]


# %% conv2d_matmul wrong: reshape_for_transpose
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), w.shape[2:], axis=(2, 3))[
        :, :, ::sH, ::sW
    ]
    y = np.tensordot(views, w, axes=([1, 4, 5], [1, 2, 3]))
    return (y if b is None else y + b).reshape(len(x), len(w), *views.shape[2:4])


# %% conv2d_matmul wrong: reshape_mixes_samples
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), w.shape[2:], axis=(2, 3))[
        :, :, ::sH, ::sW
    ]
    columns = views.transpose(1, 4, 5, 0, 2, 3).reshape(w[0].size, -1)
    y = w.reshape(len(w), -1) @ columns
    return (y if b is None else y + b[:, None]).reshape(len(x), len(w), *views.shape[2:4])


# %% conv2d_matmul wrong: im2col_order
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), w.shape[2:], axis=(2, 3))[
        :, :, ::sH, ::sW
    ]
    columns = views.transpose(0, 4, 5, 1, 2, 3).reshape(len(x), w[0].size, -1)
    y = w.reshape(len(w), -1) @ columns
    return (y if b is None else y + b[:, None]).reshape(len(x), len(w), *views.shape[2:4])


# %% conv2d_matmul wrong: channels_last_output
def conv2d_matmul(x, w, b=None, stride=1):
    sH, sW = (stride, stride) if isinstance(stride, int) else stride
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), w.shape[2:], axis=(2, 3))[
        :, :, ::sH, ::sW
    ]
    y = np.tensordot(views, w, axes=([1, 4, 5], [1, 2, 3]))
    return y if b is None else y + b


# %% conv1x1 wrong: reshapes_the_input
def conv1x1(x, w, b=None):
    N, C, H, W = x.shape
    y = x.reshape(N, H * W, C) @ w.T.astype(float)
    y = y if b is None else y + b
    return y.transpose(0, 2, 1).reshape(N, len(w), H, W)


# %% conv1x1 wrong: swaps_in_and_out_channels
def conv1x1(x, w, b=None):
    N, C, H, W = x.shape
    y = w.T.astype(float) @ x.reshape(N, C, H * W)
    return (y if b is None else y + b[:, None]).reshape(N, len(w), H, W)


# %% conv1x1 wrong: uint8_overflow
def conv1x1(x, w, b=None):
    N, C, H, W = x.shape
    y = w @ x.reshape(N, C, H * W)
    return (y if b is None else y + b[:, None]).reshape(N, len(w), H, W)


# %% conv_matrix wrong: windows_wrap_around
def conv_matrix(w, size):
    (H, W), (kH, kW) = size, w.shape
    M = np.zeros(((H - kH + 1) * (W - kW + 1), H * W))
    for row in range(len(M)):
        for u in range(kH):
            M[row, row + u * W : row + u * W + kW] = w[u]
    return M


# %% conv_matrix wrong: matrix_transposed
def conv_matrix(w, size):
    (H, W), (kH, kW) = size, w.shape
    columns = []
    for i in range(H - kH + 1):
        for j in range(W - kW + 1):
            column = np.zeros((H, W))
            column[i : i + kH, j : j + kW] = w
            columns.append(column.ravel())
    return np.stack(columns, axis=1)


# %% conv_matrix wrong: output_width_for_input_width
def conv_matrix(w, size):
    (H, W), (kH, kW) = size, w.shape
    Ho, Wo = H - kH + 1, W - kW + 1
    M = np.zeros((Ho * Wo, H * W))
    for i, j, u, v in np.ndindex(Ho, Wo, kH, kW):
        M[i * Wo + j, (i + u) * Wo + j + v] = w[u, v]
    return M
