"""Chapter 7 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# %%
import numpy as np


def pair(value):
    """The notebook's helper."""
    return (value, value) if np.ndim(value) == 0 else tuple(value)


# %% dilate_kernel: tap by tap, in the kernel's own type
def dilate_kernel(w, dilation):
    dH, dW = (dilation, dilation) if isinstance(dilation, int) else dilation
    kH, kW = w.shape[-2:]
    holed = np.zeros((*w.shape[:-2], dH * kH - dH + 1, dW * kW - dW + 1), dtype=w.dtype)
    for u in range(kH):
        for v in range(kW):
            holed[..., u * dH, v * dW] = w[..., u, v]
    return holed


# %% dilate_kernel: Kronecker product, cropped
def dilate_kernel(w, dilation):
    dH, dW = np.broadcast_to(dilation, 2)
    lone = np.zeros((dH, dW))
    lone[0, 0] = 1
    holed = np.kron(w, lone)
    return holed[..., : holed.shape[-2] - dH + 1, : holed.shape[-1] - dW + 1]


# %% dilate_kernel: selection matrices from both sides
class _Dilation:
    def __call__(self, w, dilation):
        down, across = dilation if np.ndim(dilation) else (dilation, dilation)
        rows = np.eye(down * (w.shape[-2] - 1) + 1)[:, ::down]
        columns = np.eye(across * (w.shape[-1] - 1) + 1)[::across]
        return rows @ w.astype(float) @ columns


dilate_kernel = _Dilation()


# %% conv2d_grouped: einsum over windows, groups as an axis
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sH, sW), (pH, pW), (dH, dW) = (np.broadcast_to(v, 2) for v in (stride, padding, dilation))
    x = np.pad(x, ((0, 0), (0, 0), (pH, pH), (pW, pW))).astype(float)
    (N, C, _, _), (D, _, kH, kW) = x.shape, w.shape
    reach = (dH * (kH - 1) + 1, dW * (kW - 1) + 1)
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(2, 3))[:, :, ::sH, ::sW, ::dH, ::dW]
    windows = windows.reshape(N, groups, C // groups, *windows.shape[2:])
    y = np.einsum("ngchwuv,gdcuv->ngdhw", windows, w.reshape(groups, D // groups, -1, kH, kW))
    y = y.reshape(N, D, *y.shape[3:])
    return y if b is None else y + b.reshape(1, -1, 1, 1)


# %% conv2d_grouped: tap by tap, float32 kept
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    def two(v):
        return v if isinstance(v, tuple) else (v, v)

    (sH, sW), (pH, pW), (dH, dW) = two(stride), two(padding), two(dilation)
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    N, C, H, W = x.shape
    D, per, kH, kW = w.shape
    padded = np.zeros((N, C, H + 2 * pH, W + 2 * pW), dtype)
    padded[:, :, pH : pH + H, pW : pW + W] = x
    Ho = (H + 2 * pH - dH * (kH - 1) - 1) // sH + 1
    Wo = (W + 2 * pW - dW * (kW - 1) - 1) // sW + 1
    y = np.zeros((N, D, Ho, Wo), dtype)
    for g in range(groups):
        ins, outs = slice(g * per, (g + 1) * per), slice(g * D // groups, (g + 1) * D // groups)
        for u in range(kH):
            for v in range(kW):
                seen = padded[:, ins, u * dH :: sH, v * dW :: sW][:, :, :Ho, :Wo]
                y[:, outs] += np.einsum("nchw,dc->ndhw", seen, w[outs, :, u, v].astype(dtype))
    if b is not None:
        y += b.astype(dtype)[:, None, None]
    return y


# %% conv2d_grouped: zeros between groups, zeros between taps, FFT
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sH, sW), (pH, pW), (dH, dW) = (np.broadcast_to(v, 2) for v in (stride, padding, dilation))
    (D, per, kH, kW), C = w.shape, x.shape[1]
    full = np.zeros((D, C, dH * (kH - 1) + 1, dW * (kW - 1) + 1))
    for d in range(D):
        g = d * groups // D
        full[d, g * per : g * per + per, ::dH, ::dW] = w[d]
    x = np.pad(x, ((0, 0), (0, 0), (pH, pH), (pW, pW)))
    size = tuple(int(n) for n in np.add(x.shape[2:], full.shape[2:]) - 1)
    product = np.fft.rfft2(x, size)[:, None] * np.fft.rfft2(full[..., ::-1, ::-1], size)
    y = np.fft.irfft2(product.sum(2), size)
    y = y[..., full.shape[2] - 1 : x.shape[2] : sH, full.shape[3] - 1 : x.shape[3] : sW]
    return y if b is None else y + np.asarray(b)[None, :, None, None]


# %% conv2d_grouped: every loop there is
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    sH, sW = stride if isinstance(stride, tuple) else (stride,) * 2
    pH, pW = padding if isinstance(padding, tuple) else (padding,) * 2
    dH, dW = dilation if isinstance(dilation, tuple) else (dilation,) * 2
    N, C, H, W = x.shape
    D, _, kH, kW = w.shape
    image, kernel = x.tolist(), w.tolist()

    def element(n, d, i, j):
        total = 0.0 if b is None else float(b[d])
        for c in range(C // groups):
            plane = image[n][d // (D // groups) * (C // groups) + c]
            for u in range(kH):
                for v in range(kW):
                    r, s = i * sH - pH + u * dH, j * sW - pW + v * dW
                    if 0 <= r < H and 0 <= s < W:
                        total += plane[r][s] * kernel[d][c][u][v]
        return total

    Ho, Wo = (H + 2 * pH - dH * (kH - 1) - 1) // sH + 1, (W + 2 * pW - dW * (kW - 1) - 1) // sW + 1
    return [
        [[[element(n, d, i, j) for j in range(Wo)] for i in range(Ho)] for d in range(D)] for n in range(N)
    ]


# %% depthwise_separable: einsum
def depthwise_separable(x, depthwise, pointwise):
    windows = np.lib.stride_tricks.sliding_window_view(x, depthwise.shape[2:], axis=(2, 3)).astype(float)
    return np.einsum(
        "nchwuv,cuv,dc->ndhw", windows, depthwise[:, 0].astype(float), pointwise[:, :, 0, 0].astype(float)
    )


# %% depthwise_separable: as the plain convolution that it is, with the kernels multiplied out
def depthwise_separable(x, depthwise, pointwise):
    w = pointwise.astype(float) * depthwise[:, 0]
    D, _, kH, kW = w.shape
    N, _, H, W = x.shape
    y = np.zeros((N, D, H - kH + 1, W - kW + 1))
    for i in range(H - kH + 1):
        for j in range(W - kW + 1):
            y[:, :, i, j] = np.tensordot(x[:, :, i : i + kH, j : j + kW], w, axes=([1, 2, 3], [1, 2, 3]))
    return y


# %% depthwise_separable: channels mixed first, float32 kept
def depthwise_separable(x, depthwise, pointwise):
    dtype = np.result_type(x, depthwise, np.float32) if x.dtype.kind == "f" else float
    N, C, H, W = x.shape
    kH, kW = depthwise.shape[-2:]
    h = np.zeros((N, C, H - kH + 1, W - kW + 1), dtype)
    for u in range(kH):
        for v in range(kW):
            h = (
                h
                + x[:, :, u : u + H - kH + 1, v : v + W - kW + 1]
                * depthwise[:, 0, u, v].astype(dtype)[:, None, None]
            )
    return np.moveaxis(np.tensordot(pointwise[:, :, 0, 0].astype(dtype), h, axes=(1, 1)), 0, 1)


# %% separable_saving: the short formula
separable_saving = lambda c_in, c_out, k: c_in / c_in - 1 / c_out - 1 / k**2


# %% separable_saving: difference over plain, a numpy number
def separable_saving(c_in, c_out, k):
    plain = np.prod([c_in, c_out, k, k])
    return (plain - (c_in * k * k + c_in * c_out)) / plain


# %% separable_saving: a fraction, and a partial
from fractions import Fraction
from functools import partial


def _saving(number, c_in, c_out, k):
    return float(1 - number(k * k + c_out, k * k * c_out))


separable_saving = partial(_saving, Fraction)


# %% possible_input_sizes: trying them all
def possible_input_sizes(n_out, k, stride, padding):
    found = []
    for n in range(1, n_out * stride + k + 1):
        if n + 2 * padding >= k and (n + 2 * padding - k) // stride + 1 == n_out:
            found.append(n)
    return found


# %% possible_input_sizes: an arange, filtered
def possible_input_sizes(n_out, k, stride, padding):
    n = np.arange(stride) + (n_out - 1) * stride + k - 2 * padding
    return n[n > 0].tolist()


# %% possible_input_sizes: between two ends
def possible_input_sizes(n_out, k, stride, padding):
    lowest = stride * (n_out - 1) + k - 2 * padding
    return list(range(max(1, lowest), max(1, lowest + stride)))


# %% possible_input_sizes: counting windows
def possible_input_sizes(n_out, k, stride, padding):
    def count(n):
        return len(range(0, n + 2 * padding - k + 1, stride))

    return sorted(n for n in range(1, 1 + n_out * stride + k) if count(n) == n_out)


# %% conv_transpose2d: spread, pad, and correlate with the rotated kernel
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = (np.broadcast_to(v, 2) for v in (stride, padding, output_padding))
    (N, C, H, W), (*_, kH, kW) = x.shape, w.shape
    wide = np.zeros((N, C, (H - 1) * sH + 2 * kH - 1 + oH, (W - 1) * sW + 2 * kW - 1 + oW))
    wide[:, :, kH - 1 : kH + (H - 1) * sH : sH, kW - 1 : kW + (W - 1) * sW : sW] = x
    windows = np.lib.stride_tricks.sliding_window_view(wide, (kH, kW), axis=(2, 3))
    y = np.einsum("nchwuv,cduv->ndhw", windows, w[..., ::-1, ::-1].astype(float))
    y = y[:, :, pH : y.shape[2] - pH, pW : y.shape[3] - pW]
    return y if b is None else y + b[:, None, None]


# %% conv_transpose2d: tap by tap into a strided slice, float32 kept
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    two = lambda v: (v, v) if np.ndim(v) == 0 else v
    (sH, sW), (pH, pW), (oH, oW) = two(stride), two(padding), two(output_padding)
    dtype = np.float32 if x.dtype == np.float32 else float
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    y = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW), dtype)
    for u in range(kH):
        for v in range(kW):
            part = np.einsum("nchw,cd->ndhw", x.astype(dtype), w[:, :, u, v].astype(dtype))
            y[:, :, u : u + (H - 1) * sH + 1 : sH, v : v + (W - 1) * sW + 1 : sW] += part
    if b is not None:
        y += b.astype(dtype).reshape(-1, 1, 1)
    return y[:, :, pH : y.shape[2] - pH, pW : y.shape[3] - pW]


# %% conv_transpose2d: the transposed matrix of a convolution
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = (np.broadcast_to(v, 2) for v in (stride, padding, output_padding))
    (_, C, H, W), (_, D, kH, kW) = x.shape, w.shape
    Ho, Wo = (H - 1) * sH - 2 * pH + kH + oH, (W - 1) * sW - 2 * pW + kW + oW
    M = np.zeros((C, H, W, D, Ho, Wo))
    for i, j, u, v in np.ndindex(H, W, kH, kW):
        r, s = i * sH - pH + u, j * sW - pW + v
        if 0 <= r < Ho and 0 <= s < Wo:
            M[:, i, j, :, r, s] = w[:, :, u, v]
    y = np.tensordot(x.astype(float), M, axes=3)
    return y if b is None else (y.transpose(0, 2, 3, 1) + b).transpose(0, 3, 1, 2)


# %% conv_transpose2d: a callable object, one product at a time
class _Stamper:
    def __call__(self, x, w, b=None, stride=1, padding=0, output_padding=0):
        (sH, pH, oH), (sW, pW, oW) = (
            [v[axis] if isinstance(v, tuple | list) else v for v in (stride, padding, output_padding)]
            for axis in (0, 1)
        )
        (N, C, H, W), (_, D, kH, kW) = x.shape, w.shape
        shape = (N, D, (H - 1) * sH - 2 * pH + kH + oH, (W - 1) * sW - 2 * pW + kW + oW)
        y = np.zeros(shape) if b is None else np.ones(shape) * b[:, None, None]
        for d, c, u, v, i, j in np.ndindex(D, C, kH, kW, H, W):
            r, s = i * sH + u - pH, j * sW + v - pW
            if 0 <= r < shape[2] and 0 <= s < shape[3]:
                y[:, d, r, s] += x[:, c, i, j] * float(w[c, d, u, v])
        return y


conv_transpose2d = _Stamper()


# %% locally_connected2d: einsum
def locally_connected2d(x, w, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[-2:], axis=(2, 3)).astype(float)
    return np.einsum("ncijuv,dijcuv->ndij", windows, w) + b


# %% locally_connected2d: tap by tap
def locally_connected2d(x, w, b):
    D, Ho, Wo, C, kH, kW = w.shape
    y = np.zeros((x.shape[0], D, Ho, Wo)) + b
    for c, u, v in np.ndindex(C, kH, kW):
        y = y + x[:, None, c, u : u + Ho, v : v + Wo].astype(float) * w[..., c, u, v]
    return y


# %% locally_connected2d: one matrix product a position, float32 kept, in another memory order
def locally_connected2d(x, w, b):
    dtype = np.float32 if x.dtype == np.float32 else float
    D, Ho, Wo, *_, kH, kW = w.shape
    y = np.empty((Ho, Wo, len(x), D), dtype)
    for i, j in np.ndindex(Ho, Wo):
        window = x[:, :, i : i + kH, j : j + kW].reshape(len(x), -1).astype(dtype)
        y[i, j] = window @ w[:, i, j].reshape(D, -1).T.astype(dtype) + b[:, i, j]
    return y.transpose(2, 3, 0, 1)


# %% tiled_conv2d: strided convolutions, woven
def tiled_conv2d(x, w, b):
    t, _, D, _, kH, kW = w.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (kH, kW), axis=(2, 3)).astype(float)
    y = np.zeros((len(x), D, *windows.shape[2:4]))
    for i in range(t):
        for j in range(t):
            part = np.einsum("nchwuv,dcuv->ndhw", windows[:, :, i::t, j::t], w[i, j])
            y[:, :, i::t, j::t] = part + b[i, j][:, None, None]
    return y


# %% tiled_conv2d: as an unshared layer, with np.resize
def tiled_conv2d(x, w, b):
    t, k = len(w), w.shape[-2:]
    windows = np.lib.stride_tricks.sliding_window_view(x, k, axis=(2, 3)).astype(float)
    rows, columns = (np.resize(np.arange(t), n) for n in windows.shape[2:4])
    at = np.ix_(rows, columns)
    return np.einsum("ncijuv,ijdcuv->ndij", windows, w[at]) + b[at].transpose(2, 0, 1)


# %% tiled_conv2d: nested lists
def tiled_conv2d(x, w, b):
    t, _, D, _, kH, kW = w.shape
    N, _, H, W = x.shape

    def element(n, d, i, j):
        window, kernel = x[n, :, i : i + kH, j : j + kW].astype(float), w[i % t, j % t, d]
        return float(np.vdot(window, kernel.astype(float))) + float(b[i % t, j % t, d])

    return [
        [[[element(n, d, i, j) for j in range(W - kW + 1)] for i in range(H - kH + 1)] for d in range(D)]
        for n in range(N)
    ]


# %% variant_parameters: sizes of arrays, numpy integers
def variant_parameters(kind, c_in, c_out, kernel_size, *, groups=1, out_size=None, t=None):
    k = tuple(np.broadcast_to(kernel_size, 2))
    shapes = {
        "conv": [(c_out, c_in, *k)],
        "transposed": [(c_in, c_out, *k)],
        "grouped": [(c_out, c_in // groups, *k)],
        "depthwise_separable": [(c_in, 1, *k), (c_out, c_in, 1, 1)],
        "pointwise": [(c_out, c_in, 1, 1)],
        "unshared": [(c_out, *(out_size or ()), c_in, *k)],
        "tiled": [(t or 1, t or 1, c_out, c_in, *k)],
    }
    if kind not in shapes:
        raise ValueError(kind)
    biases = {"unshared": (c_out, *(out_size or ())), "tiled": (t or 1, t or 1, c_out)}.get(kind, (c_out,))
    return sum(np.prod(shape) for shape in shapes[kind]), np.prod(biases)


# %% variant_parameters: copies of a layer
def variant_parameters(kind, c_in, c_out, kernel_size, *, groups=1, out_size=None, t=None):
    area = kernel_size**2 if isinstance(kernel_size, int) else kernel_size[0] * kernel_size[1]
    match kind:
        case "conv" | "transposed":
            layer, copies = c_in * area, 1
        case "grouped":
            layer, copies = c_in // groups * area, 1
        case "pointwise":
            layer, copies = c_in, 1
        case "depthwise_separable":
            return (area + c_out) * c_in, c_out
        case "unshared":
            layer, copies = c_in * area, out_size[0] * out_size[1]
        case "tiled":
            layer, copies = c_in * area, t**2
        case _:
            raise ValueError("no such kind")
    return [copies * c_out * layer, copies * c_out]


# %% variant_parameters: a table of exponents
_TABLE = {  # kernels of C * k, of C and of k; copies
    "conv": (1, 0, 0),
    "transposed": (1, 0, 0),
    "grouped": (1, 0, 0),
    "depthwise_separable": (0, 1, 1),
    "pointwise": (0, 1, 0),
    "unshared": (1, 0, 0),
    "tiled": (1, 0, 0),
}


def variant_parameters(kind, c_in, c_out, kernel_size, *, groups=1, out_size=(1, 1), t=1):
    try:
        plain, point, depth = _TABLE[kind]
    except KeyError:
        raise ValueError(f"unknown kind {kind}") from None
    k = int(np.prod(np.broadcast_to(kernel_size, 2)))
    copies = {"unshared": int(np.prod(out_size)), "tiled": t * t}.get(kind, 1)
    weights = (
        plain * c_out * c_in * k // (groups if kind == "grouped" else 1)
        + point * c_out * c_in
        + depth * c_in * k
    )
    return copies * weights, copies * c_out


# %% dilate_kernel wrong: dilates_with_d_zeros
def dilate_kernel(w, dilation):
    dH, dW = pair(dilation)
    kH, kW = w.shape[-2:]
    holed = np.zeros((*w.shape[:-2], kH + dH * (kH - 1), kW + dW * (kW - 1)))
    holed[..., :: dH + 1, :: dW + 1] = w
    return holed


# %% dilate_kernel wrong: dilated_extent_is_d_times_k
def dilate_kernel(w, dilation):
    dH, dW = pair(dilation)
    holed = np.zeros((*w.shape[:-2], dH * w.shape[-2], dW * w.shape[-1]))
    holed[..., ::dH, ::dW] = w
    return holed


# %% dilate_kernel wrong: truncates_to_int
def dilate_kernel(w, dilation):
    dH, dW = pair(dilation)
    holed = np.zeros((*w.shape[:-2], dH * (w.shape[-2] - 1) + 1, dW * (w.shape[-1] - 1) + 1), int)
    holed[..., ::dH, ::dW] = w
    return holed


# %% conv2d_grouped wrong: all_groups_see_all_inputs
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sH, sW), (pH, pW), (dH, dW) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pH, pH), (pW, pW)))
    D, per, kH, kW = w.shape
    rH, rW = dH * (kH - 1) + 1, dW * (kW - 1) + 1
    y = np.zeros((len(x), D, (x.shape[2] - rH) // sH + 1, (x.shape[3] - rW) // sW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        for c in range(x.shape[1]):
            window = x[:, c, i * sH : i * sH + rH : dH, j * sW : j * sW + rW : dW]
            y[:, d, i, j] += np.sum(window * w[d, c % per], axis=(1, 2))
    return y if b is None else y + b[:, None, None]


# %% conv2d_grouped wrong: groups_interleaved
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sH, sW), (pH, pW), (dH, dW) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pH, pH), (pW, pW)))
    D, per, kH, kW = w.shape
    rH, rW = dH * (kH - 1) + 1, dW * (kW - 1) + 1
    y = np.zeros((len(x), D, (x.shape[2] - rH) // sH + 1, (x.shape[3] - rW) // sW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        g = d % groups
        window = x[:, g * per : (g + 1) * per, i * sH : i * sH + rH : dH, j * sW : j * sW + rW : dW]
        y[:, d, i, j] = np.sum(window * w[d], axis=(1, 2, 3))
    return y if b is None else y + b[:, None, None]


# %% conv2d_grouped wrong: groups_ignored
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sH, sW), (pH, pW), (dH, dW) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pH, pH), (pW, pW)))
    D, _, kH, kW = w.shape
    rH, rW = dH * (kH - 1) + 1, dW * (kW - 1) + 1
    y = np.zeros((len(x), D, (x.shape[2] - rH) // sH + 1, (x.shape[3] - rW) // sW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        window = x[:, :, i * sH : i * sH + rH : dH, j * sW : j * sW + rW : dW]
        y[:, d, i, j] = np.sum(window * w[d], axis=(1, 2, 3))
    return y if b is None else y + b[:, None, None]


# %% conv2d_grouped wrong: dilated_extent_is_d_times_k
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sH, sW), (pH, pW), (dH, dW) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pH, pH), (pW, pW)))
    D, per, kH, kW = w.shape
    rH, rW = dH * kH, dW * kW
    y = np.zeros((len(x), D, (x.shape[2] - rH) // sH + 1, (x.shape[3] - rW) // sW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        g = d // (D // groups)
        window = x[:, g * per : (g + 1) * per, i * sH : i * sH + rH : dH, j * sW : j * sW + rW : dW]
        y[:, d, i, j] = np.sum(window * w[d], axis=(1, 2, 3))
    return y if b is None else y + b[:, None, None]


# %% conv2d_grouped wrong: group_bias_missing
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    if groups > 1:
        per, outs = w.shape[1], len(w) // groups
        parts = [
            conv2d_grouped(
                x[:, g * per : (g + 1) * per],
                w[g * outs : (g + 1) * outs],
                stride=stride,
                padding=padding,
                dilation=dilation,
            )
            for g in range(groups)
        ]
        return np.concatenate(parts, axis=1)
    (sH, sW), (pH, pW), (dH, dW) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (pH, pH), (pW, pW)))
    rH, rW = dH * (w.shape[2] - 1) + 1, dW * (w.shape[3] - 1) + 1
    y = np.zeros((len(x), len(w), (x.shape[2] - rH) // sH + 1, (x.shape[3] - rW) // sW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        window = x[:, :, i * sH : i * sH + rH : dH, j * sW : j * sW + rW : dW]
        y[:, d, i, j] = np.sum(window * w[d], axis=(1, 2, 3))
    return y if b is None else y + b[:, None, None]


# %% depthwise_separable wrong: depthwise_mixes_channels
def depthwise_separable(x, depthwise, pointwise):
    filtered = conv2d_grouped(x, np.repeat(depthwise.astype(float), x.shape[1], axis=1))
    return conv2d_grouped(filtered, pointwise)


# %% depthwise_separable wrong: sums_channels_without_weights
def depthwise_separable(x, depthwise, pointwise):
    filtered = conv2d_grouped(x, depthwise, groups=x.shape[1])
    return np.repeat(filtered.sum(axis=1, keepdims=True), len(pointwise), axis=1)


# %% depthwise_separable wrong: swaps_in_and_out_channels
def depthwise_separable(x, depthwise, pointwise):
    filtered = conv2d_grouped(x, depthwise, groups=x.shape[1])
    return np.einsum("nchw,cd->ndhw", filtered, pointwise[:, :, 0, 0])


# %% separable_saving wrong: share_that_is_left
def separable_saving(c_in, c_out, k):
    return (k * k * c_in + c_in * c_out) / (k * k * c_in * c_out)


# %% separable_saving wrong: clips_at_zero
def separable_saving(c_in, c_out, k):
    return max(0.0, 1 - (k * k * c_in + c_in * c_out) / (k * k * c_in * c_out))


# %% separable_saving wrong: counts_bias_in
def separable_saving(c_in, c_out, k):
    return 1 - (k * k * c_in + c_in * c_out + c_out) / (k * k * c_in * c_out + c_out)


# %% possible_input_sizes wrong: one_input_size_only
def possible_input_sizes(n_out, k, stride, padding):
    return [(n_out - 1) * stride - 2 * padding + k]


# %% possible_input_sizes wrong: negative_sizes
def possible_input_sizes(n_out, k, stride, padding):
    lowest = (n_out - 1) * stride - 2 * padding + k
    return list(range(lowest, lowest + stride))


# %% possible_input_sizes wrong: rounds_towards_zero
def possible_input_sizes(n_out, k, stride, padding):
    return [n for n in range(1, n_out * stride + k + 1) if int((n + 2 * padding - k) / stride) + 1 == n_out]


# %% possible_input_sizes wrong: forgets_two_sides
def possible_input_sizes(n_out, k, stride, padding):
    lowest = (n_out - 1) * stride - padding + k
    return [n for n in range(lowest, lowest + stride) if n >= 1]


# %% conv_transpose2d wrong: transposed_overlap_overwritten
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW))
    for i, j in np.ndindex(H, W):
        stamps = np.tensordot(x[:, :, i, j].astype(float), w, axes=1)
        full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] = stamps
    y = full[:, :, pH : full.shape[2] - pH, pW : full.shape[3] - pW]
    return y if b is None else y + b[:, None, None]


# %% conv_transpose2d wrong: output_padding_as_zero_frame
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH, (W - 1) * sW + kW))
    for i, j in np.ndindex(H, W):
        stamps = np.tensordot(x[:, :, i, j].astype(float), w, axes=1)
        full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += stamps
    y = full[:, :, pH : full.shape[2] - pH, pW : full.shape[3] - pW]
    y = y if b is None else y + b[:, None, None]
    return np.pad(y, ((0, 0), (0, 0), (0, oH), (0, oW)))


# %% conv_transpose2d wrong: transposed_weight_as_conv
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    (N, _, H, W), (D, _, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW))
    for i, j in np.ndindex(H, W):
        stamps = np.einsum("nc,dcuv->nduv", x[:, :, i, j].astype(float), w)
        full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += stamps
    y = full[:, :, pH : full.shape[2] - pH, pW : full.shape[3] - pW]
    return y if b is None else y + b[:, None, None]


# %% conv_transpose2d wrong: slices_pad_to_minus_pad
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW))
    for i, j in np.ndindex(H, W):
        stamps = np.tensordot(x[:, :, i, j].astype(float), w, axes=1)
        full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += stamps
    y = full[:, :, pH:-pH, pW:-pW]
    return y if b is None else y + b[:, None, None]


# %% conv_transpose2d wrong: bias_per_stamp
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW))
    for i, j in np.ndindex(H, W):
        stamps = np.tensordot(x[:, :, i, j].astype(float), w, axes=1)
        if b is not None:
            stamps = stamps + b[:, None, None]
        full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += stamps
    return full[:, :, pH : full.shape[2] - pH, pW : full.shape[3] - pW]


# %% conv_transpose2d wrong: transposed_crops_input
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    x = x[:, :, pH : x.shape[2] - pH, pW : x.shape[3] - pW]
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW))
    for i, j in np.ndindex(H, W):
        stamps = np.tensordot(x[:, :, i, j].astype(float), w, axes=1)
        full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += stamps
    return full if b is None else full + b[:, None, None]


# %% locally_connected2d wrong: unshared_reads_shared
def locally_connected2d(x, w, b):
    return conv2d_grouped(x, w[:, 0, 0]) + b


# %% locally_connected2d wrong: unshared_bias_per_map
def locally_connected2d(x, w, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[-2:], axis=(2, 3)).astype(float)
    return np.einsum("ncijuv,dijcuv->ndij", windows, w) + b[:, :1, :1]


# %% locally_connected2d wrong: unshared_axes_swapped
def locally_connected2d(x, w, b):
    D, Ho, Wo, _, kH, kW = w.shape
    y = np.zeros((len(x), D, Ho, Wo))
    for d, i, j in np.ndindex(D, Ho, Wo):
        window = x[:, :, i : i + kH, j : j + kW].astype(float)
        y[:, d, i, j] = np.sum(window * w[d, j, i], axis=(1, 2, 3)) + b[d, i, j]
    return y


# %% tiled_conv2d wrong: tiles_by_block
def tiled_conv2d(x, w, b):
    t, _, D, _, kH, kW = w.shape
    y = np.zeros((len(x), D, x.shape[2] - kH + 1, x.shape[3] - kW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        window = x[:, :, i : i + kH, j : j + kW].astype(float)
        y[:, d, i, j] = np.sum(window * w[i // t, j // t, d], axis=(1, 2, 3)) + b[i // t, j // t, d]
    return y


# %% tiled_conv2d wrong: tile_axes_swapped
def tiled_conv2d(x, w, b):
    t, _, D, _, kH, kW = w.shape
    y = np.zeros((len(x), D, x.shape[2] - kH + 1, x.shape[3] - kW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        window = x[:, :, i : i + kH, j : j + kW].astype(float)
        y[:, d, i, j] = np.sum(window * w[j % t, i % t, d], axis=(1, 2, 3)) + b[j % t, i % t, d]
    return y


# %% tiled_conv2d wrong: tiled_bias_shared
def tiled_conv2d(x, w, b):
    t, _, D, _, kH, kW = w.shape
    y = np.zeros((len(x), D, x.shape[2] - kH + 1, x.shape[3] - kW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        window = x[:, :, i : i + kH, j : j + kW].astype(float)
        y[:, d, i, j] = np.sum(window * w[i % t, j % t, d], axis=(1, 2, 3)) + b[0, 0, d]
    return y


# %% tiled_conv2d wrong: whole_tiles_only
def tiled_conv2d(x, w, b):
    t, _, D, _, kH, kW = w.shape
    Ho, Wo = (x.shape[2] - kH + 1) // t * t, (x.shape[3] - kW + 1) // t * t
    y = np.zeros((len(x), D, Ho, Wo))
    for d, i, j in np.ndindex(D, Ho, Wo):
        window = x[:, :, i : i + kH, j : j + kW].astype(float)
        y[:, d, i, j] = np.sum(window * w[i % t, j % t, d], axis=(1, 2, 3)) + b[i % t, j % t, d]
    return y


# %% variant_parameters wrong: groups_divide_both
def variant_parameters(kind, c_in, c_out, kernel_size, *, groups=1, out_size=None, t=None):
    kH, kW = pair(kernel_size)
    plain, copies = (
        c_out * c_in * kH * kW,
        {"unshared": out_size and out_size[0] * out_size[1], "tiled": t and t * t},
    )
    if kind in ("conv", "transposed"):
        return plain, c_out
    if kind == "grouped":
        return (c_out // groups) * (c_in // groups) * kH * kW, c_out
    if kind == "depthwise_separable":
        return c_in * (kH * kW + c_out), c_out
    if kind == "pointwise":
        return c_in * c_out, c_out
    if kind in copies:
        return copies[kind] * plain, copies[kind] * c_out
    raise ValueError(kind)


# %% variant_parameters wrong: tiled_bias_shared
def variant_parameters(kind, c_in, c_out, kernel_size, *, groups=1, out_size=None, t=None):
    kH, kW = pair(kernel_size)
    plain = c_out * c_in * kH * kW
    if kind in ("conv", "transposed"):
        return plain, c_out
    if kind == "grouped":
        return plain // groups, c_out
    if kind == "depthwise_separable":
        return c_in * (kH * kW + c_out), c_out
    if kind == "pointwise":
        return c_in * c_out, c_out
    if kind == "unshared":
        return out_size[0] * out_size[1] * plain, out_size[0] * out_size[1] * c_out
    if kind == "tiled":
        return t * t * plain, c_out
    raise ValueError(kind)


# %% variant_parameters wrong: unknown_kind_is_conv
def variant_parameters(kind, c_in, c_out, kernel_size, *, groups=1, out_size=None, t=None):
    kH, kW = pair(kernel_size)
    if kind == "grouped":
        c_in = c_in // groups
    if kind == "depthwise_separable":
        return c_in * (kH * kW + c_out), c_out
    if kind == "pointwise":
        kH = kW = 1
    copies = out_size[0] * out_size[1] if kind == "unshared" else t * t if kind == "tiled" else 1
    return copies * c_out * c_in * kH * kW, copies * c_out


# %% conv2d_grouped wrong: uint8_products_overflow
def conv2d_grouped(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    (sH, sW), (pH, pW), (dH, dW) = pair(stride), pair(padding), pair(dilation)
    x = np.pad(x, ((0, 0), (0, 0), (pH, pH), (pW, pW)))
    D, per, kH, kW = w.shape
    rH, rW = dH * (kH - 1) + 1, dW * (kW - 1) + 1
    y = np.zeros((len(x), D, (x.shape[2] - rH) // sH + 1, (x.shape[3] - rW) // sW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        g = d // (D // groups)
        window = x[:, g * per : (g + 1) * per, i * sH : i * sH + rH : dH, j * sW : j * sW + rW : dW]
        y[:, d, i, j] = np.sum(window * w[d], axis=(1, 2, 3))
    return y if b is None else y + b[:, None, None]


# %% conv_transpose2d wrong: uint8_products_overflow
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW))
    for i, j in np.ndindex(H, W):
        stamps = np.tensordot(x[:, :, i, j], w, axes=1)
        full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += stamps
    y = full[:, :, pH : full.shape[2] - pH, pW : full.shape[3] - pW]
    return y if b is None else y + b[:, None, None]


# %% conv_transpose2d wrong: bias_along_columns
def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0):
    (sH, sW), (pH, pW), (oH, oW) = pair(stride), pair(padding), pair(output_padding)
    (N, _, H, W), (_, D, kH, kW) = x.shape, w.shape
    full = np.zeros((N, D, (H - 1) * sH + kH + oH, (W - 1) * sW + kW + oW))
    for i, j in np.ndindex(H, W):
        stamps = np.tensordot(x[:, :, i, j].astype(float), w, axes=1)
        full[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += stamps
    y = full[:, :, pH : full.shape[2] - pH, pW : full.shape[3] - pW]
    return y if b is None else y + b


# %% locally_connected2d wrong: uint8_products_overflow
def locally_connected2d(x, w, b):
    D, Ho, Wo, _, kH, kW = w.shape
    y = np.zeros((len(x), D, Ho, Wo))
    for d, i, j in np.ndindex(D, Ho, Wo):
        y[:, d, i, j] = np.sum(x[:, :, i : i + kH, j : j + kW] * w[d, i, j], axis=(1, 2, 3)) + b[d, i, j]
    return y


# %% tiled_conv2d wrong: uint8_products_overflow
def tiled_conv2d(x, w, b):
    t, _, D, _, kH, kW = w.shape
    y = np.zeros((len(x), D, x.shape[2] - kH + 1, x.shape[3] - kW + 1))
    for d, i, j in np.ndindex(*y.shape[1:]):
        window = x[:, :, i : i + kH, j : j + kW]
        y[:, d, i, j] = np.sum(window * w[i % t, j % t, d], axis=(1, 2, 3)) + b[i % t, j % t, d]
    return y
