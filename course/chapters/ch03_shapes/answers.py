"""Chapter 3 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# %% output_size: counting start indices
import numpy as np


def output_size(n, k, stride=1, padding=0, dilation=1):
    count = start = 0
    while start + dilation * (k - 1) < n + 2 * padding:
        count, start = count + 1, start + stride
    if not count:
        raise ValueError
    return count


# %% output_size: a numpy integer, rounded up the other way
def output_size(n, k, stride=1, padding=0, dilation=1):
    windows = np.arange(n + 2 * padding)[: max(0, n + 2 * padding - dilation * (k - 1))]
    if windows.size == 0:
        raise ValueError("too short")
    return np.int64(np.ceil(windows.size / stride))


# %% output_size: recursion, one knob at a time
def output_size(n, k, stride=1, padding=0, dilation=1):
    if padding:
        return output_size(n + 2 * padding, k, stride, 0, dilation)
    if dilation > 1:
        return output_size(n, k + (k - 1) * (dilation - 1), stride)
    steps, _ = divmod(n - k, stride)
    if steps < 0:
        raise ValueError(f"{k} into {n}")
    return steps + 1


# %% output_size: a view that is never filled
def output_size(n, k, stride=1, padding=0, dilation=1):
    line = np.broadcast_to(np.uint8(0), (n + 2 * padding,))
    return len(np.lib.stride_tricks.sliding_window_view(line, (k - 1) * dilation + 1)[::stride])


# %% pad2d: np.take with modes of its own
def pad2d(x, padding, mode="zeros"):
    p = (padding, padding) if np.ndim(padding) == 0 else padding
    left, right, top, bottom = p if len(p) == 4 else (p[1], p[1], p[0], p[0])
    if mode not in ("zeros", "reflect", "replicate", "circular"):
        raise ValueError(mode)
    y = x
    for axis, before, after in ((2, top, bottom), (3, left, right)):
        n = y.shape[axis]
        i = np.arange(-before, n + after)
        if mode == "reflect":
            period = max(2 * (n - 1), 1)
            i = np.minimum(i % period, -i % period)
        outside = (i < 0) | (i >= n)
        y = np.take(y, i, axis=axis, mode="wrap" if mode == "circular" else "clip")
        if mode == "zeros":
            keep = np.expand_dims(~outside, tuple(a for a in range(4) if a != axis))
            y = y * keep
    return y


# %% pad2d: concatenation, one side after the other
def pad2d(x, padding, mode="zeros"):
    match padding:
        case int():
            left = right = top = bottom = padding
        case (height, width):
            left, right, top, bottom = width, width, height, height
        case (left, right, top, bottom):
            pass

    def sides(y, before, after):  # along the last axis
        n = y.shape[-1]
        if mode == "zeros":
            parts = np.zeros((*y.shape[:-1], before)), np.zeros((*y.shape[:-1], after))
        elif mode == "reflect":
            parts = y[..., 1 : before + 1][..., ::-1], y[..., n - 1 - after : n - 1][..., ::-1]
        elif mode == "replicate":
            parts = np.repeat(y[..., :1], before, -1), np.repeat(y[..., -1:], after, -1)
        elif mode == "circular":
            parts = y[..., n - before :], y[..., :after]
        else:
            raise ValueError(mode)
        return np.concatenate([parts[0], y, parts[1]], axis=-1)

    return sides(sides(x, left, right).swapaxes(2, 3), top, bottom).swapaxes(2, 3)


# %% pad2d: pixel by pixel, as nested lists
def pad2d(x, padding, mode="zeros"):
    p = [padding] * 4 if isinstance(padding, int) else list(padding)
    left, right, top, bottom = p if len(p) == 4 else (p[1], p[1], p[0], p[0])
    H, W = x.shape[2:]

    def source(i, n):
        if 0 <= i < n or mode == "zeros":
            return i
        if mode == "reflect":
            return -i if i < 0 else 2 * (n - 1) - i
        if mode == "replicate":
            return 0 if i < 0 else n - 1
        if mode == "circular":
            return i + n if i < 0 else i - n
        raise ValueError("mode")

    def pixel(image, i, j):
        i, j = source(i, H), source(j, W)
        return image[i][j] if 0 <= i < H and 0 <= j < W else 0

    return [
        [
            [[pixel(channel, i, j) for j in range(-left, W + right)] for i in range(-top, H + bottom)]
            for channel in sample
        ]
        for sample in x.tolist()
    ]


# %% pad2d: selection matrices, float32 where the input is
def pad2d(x, padding, mode="zeros"):
    padding = (padding,) * 2 if isinstance(padding, int) else padding
    left, right, top, bottom = padding if len(padding) == 4 else [padding[1]] * 2 + [padding[0]] * 2
    if mode not in {"zeros", "reflect", "replicate", "circular"}:
        raise ValueError

    def matrix(n, before, after):
        M = np.zeros((before + n + after, n), np.float32 if x.dtype == np.float32 else np.float64)
        for row in range(len(M)):
            i = row - before
            if mode == "circular":
                i %= n
            if mode == "replicate":
                i = min(max(i, 0), n - 1)
            if mode == "reflect":
                i = abs(i) if i < n else 2 * n - 2 - i
            if 0 <= i < n:
                M[row, i] = 1
        return M

    return matrix(x.shape[2], top, bottom) @ x @ matrix(x.shape[3], left, right).T


# %% padding_for: match, a list
def padding_for(kind, k, dilation=1):
    match kind:
        case "valid":
            return [0, 0]
        case "same":
            return [(dilation * (k - 1)) >> 1, -(-dilation * (k - 1) // 2)]
        case "full":
            return [dilation * k - dilation] * 2
        case _:
            raise ValueError(kind)


# %% padding_for: numpy integers
def padding_for(kind, k, dilation=1):
    if kind not in ("valid", "same", "full"):
        raise ValueError
    total = np.arange(k)[-1] * dilation
    return {
        "valid": np.zeros(2, int),
        "same": np.array([total, total + 1]) // 2,
        "full": np.array([total, total]),
    }[kind]


# %% padding_for: growing until it fits
def padding_for(kind, k, dilation=1):
    wanted = {"valid": 0, "same": 1, "full": 2}
    if kind not in wanted:
        raise ValueError("kind is valid, same or full")
    before = after = 0
    while before + after < wanted[kind] * dilation * (k - 1):
        before, after = (before + 1, after) if before < after else (before, after + 1)
    return before, after


# %% padding_for: a lambda that raises on its own
padding_for = lambda kind, k, dilation=1: (
    lambda m, part=("valid", "same", "full").index(kind): (m * part // 2, m * part - m * part // 2)
)(dilation * (k - 1))


# %% conv2d: seven loops
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    sh, sw = np.broadcast_to(stride, 2)
    ph, pw = np.broadcast_to(padding, 2)
    dh, dw = np.broadcast_to(dilation, 2)
    N, C, H, W = x.shape
    D, _, kH, kW = w.shape
    Ho = (H + 2 * ph - dh * (kH - 1) - 1) // sh + 1
    Wo = (W + 2 * pw - dw * (kW - 1) - 1) // sw + 1
    xs, ws = x.tolist(), w.tolist()
    y = np.zeros((N, D, Ho, Wo))
    for n in range(N):
        for d in range(D):
            for i in range(Ho):
                for j in range(Wo):
                    total = 0.0 if b is None else float(b[d])
                    for c in range(C):
                        for u in range(kH):
                            for v in range(kW):
                                r, q = i * sh + u * dh - ph, j * sw + v * dw - pw
                                if 0 <= r < H and 0 <= q < W:
                                    total += ws[d][c][u][v] * xs[n][c][r][q]
                    y[n, d, i, j] = total
    return y


# %% conv2d: einsum over strided windows
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    both = lambda v: (v, v) if isinstance(v, int) else v
    (sh, sw), (ph, pw), (dh, dw) = both(stride), both(padding), both(dilation)
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (w.shape[2] - 1) + 1, dw * (w.shape[3] - 1) + 1)
    v = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    y = np.einsum("ncijuv,dcuv->ndij", v, w)
    return y if b is None else y + b[:, None, None]


# %% conv2d: one tap at a time, on a map of the whole image
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = (np.ones(2, int) * v for v in (stride, padding, dilation))
    N, C, H, W = x.shape
    canvas = np.zeros(
        (N, C, H + 2 * ph, W + 2 * pw), np.float32 if x.dtype == w.dtype == np.float32 else float
    )
    canvas[:, :, ph : ph + H, pw : pw + W] = x
    y = 0.0
    kH, kW = w.shape[2:]
    high, wide = canvas.shape[2] - dh * (kH - 1), canvas.shape[3] - dw * (kW - 1)
    for u, v in np.ndindex(kH, kW):
        part = canvas[:, :, u * dh : u * dh + high : sh, v * dw : v * dw + wide : sw]
        y = y + np.tensordot(part, w[:, :, u, v], axes=(1, 1))
    if b is not None:
        y = y + b
    return np.moveaxis(y, -1, 1)


# %% conv2d: FFT with a dilated kernel
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    def two(value):
        return (value, value) if np.isscalar(value) else value

    (sh, sw), (ph, pw), (dh, dw) = two(stride), two(padding), two(dilation)
    wide = np.zeros((*w.shape[:2], dh * (w.shape[2] - 1) + 1, dw * (w.shape[3] - 1) + 1))
    wide[:, :, ::dh, ::dw] = w
    kH, kW = wide.shape[2:]
    H, W = x.shape[2] + 2 * ph, x.shape[3] + 2 * pw
    f = np.zeros((*x.shape[:2], H + kH, W + kW))
    f[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
    product = np.einsum("ncij,dcij->ndij", np.fft.fft2(f), np.conj(np.fft.fft2(wide, f.shape[2:])))
    y = np.fft.ifft2(product).real[:, :, : H - kH + 1 : sh, : W - kW + 1 : sw]
    return y if b is None else y + np.reshape(b, (1, -1, 1, 1))


# %% conv2d: a callable object that gathers columns
class _Layer:
    def __call__(self, x, w, b=None, stride=1, padding=0, dilation=1):
        rows = self._index(
            x.shape[2], w.shape[2], *(np.broadcast_to(v, 2)[0] for v in (stride, padding, dilation))
        )
        columns = self._index(
            x.shape[3], w.shape[3], *(np.broadcast_to(v, 2)[1] for v in (stride, padding, dilation))
        )
        taps = self._taken(self._taken(x.astype(np.float64), rows, 2), columns, 4)
        y = np.tensordot(w, taps, axes=([1, 2, 3], [1, 3, 5])).swapaxes(0, 1)
        return y if b is None else (y.T + b[:, None]).T if False else y + b[None, :, None, None]

    @staticmethod
    def _index(n, k, stride, padding, dilation):
        last = n + 2 * padding - dilation * (k - 1)
        return np.arange(0, last, stride)[:, None] + np.arange(k) * dilation - padding

    @staticmethod
    def _taken(x, index, axis):
        inside = (index >= 0) & (index < x.shape[axis])
        shape = [1] * axis + list(index.shape) + [1] * (x.ndim - axis - 1)
        return np.take(x, np.where(inside, index, 0), axis=axis) * inside.reshape(shape)


conv2d = _Layer()


# %% unseen: a mask
def unseen(n, k, stride):
    mask = np.ones(n, bool)
    for i in range(n):
        if i % stride == 0 and i + k <= n:
            mask[i : i + k] = False
    return np.flatnonzero(mask).tolist()


# %% unseen: arithmetic only
def unseen(n, k, stride):
    last = (n - k) // stride * stride
    return [i for i in range(n) if k > n or i >= last + k or (i % stride >= k and i < last)]


# %% unseen: counting windows that see each, a list of numpy integers
def unseen(n, k, stride):
    times = np.zeros(n, int)
    if n >= k:
        np.add.at(times, np.add.outer(np.arange(0, n - k + 1, stride), np.arange(k)), 1)
    return list(np.nonzero(times == 0)[0])


# %% unseen: sets
unseen = lambda n, k, stride: sorted(
    set(range(n)).difference(*[range(s, s + k) for s in range(0, n - k + 1, stride)])
)


# %% depth_until_one: recursion
def depth_until_one(n, k):
    return [n] if n < k else [n, *depth_until_one(n - k + 1, k)]


# %% depth_until_one: a range
def depth_until_one(n, k):
    return list(range(n, 0, 1 - k)) if n >= k else [n]


# %% depth_until_one: a numpy array
def depth_until_one(n, k):
    layers = max(0, (n - 1) // (k - 1)) if n >= k else 0
    return n - (k - 1) * np.arange(layers + 1)


# %% depth_until_one: really sliding
def depth_until_one(n, k):
    signal, sizes = np.ones(n), [n]
    while len(signal) >= k:
        signal = np.lib.stride_tricks.sliding_window_view(signal, k).mean(1)
        sizes.append(signal.size)
    return tuple(sizes)


# %% receptive_fields: backwards from one value
def receptive_fields(layers):
    def seen(stack):
        size = 1
        for k, stride, dilation in stack[::-1]:
            size = (size - 1) * stride + dilation * (k - 1) + 1
        return size

    return [seen(layers[: i + 1]) for i in range(len(layers))]


# %% receptive_fields: cumulative products
def receptive_fields(layers):
    k, s, d = np.array(layers).T
    steps = np.concatenate([[1], np.cumprod(s)[:-1]])
    return 1 + np.cumsum(steps * d * (k - 1))


# %% receptive_fields: sets of pixels
def receptive_fields(layers):
    fields = []
    for depth in range(1, len(layers) + 1):
        pixels = {0}
        for k, stride, dilation in reversed(layers[:depth]):
            pixels = {p * stride + t * dilation for p in pixels for t in range(k)}
        fields.append(max(pixels) - min(pixels) + 1)
    return fields


# %% receptive_fields: accumulate
import itertools
import math


def receptive_fields(layers):
    grown = (d * (k - 1) * math.prod(s for _, s, _ in layers[:i]) for i, (k, _, d) in enumerate(layers))
    return list(itertools.accumulate(grown, initial=1))[1:]


# %% conv_parameters: the size of an array that is never made
def conv_parameters(c_in, c_out, kernel_size, bias=True):
    kernel = np.broadcast_to(kernel_size, 2)
    return int(np.prod([c_out, c_in, *kernel], dtype=np.int64)) + bool(bias) * c_out


# %% conv_parameters: kernel by kernel
def conv_parameters(c_in, c_out, kernel_size, bias=True):
    rows, columns = kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * 2
    count = 0
    for _ in range(c_out):
        for _ in range(c_in):
            count += rows * columns
        if bias:
            count += 1
    return count


# %% conv_parameters: a partial
from functools import partial


def _count(ones, c_in, c_out, kernel_size, bias=True):
    return ones(
        (c_out, c_in) + (kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size))
    ).size + (c_out if bias else 0)


conv_parameters = partial(_count, np.ones)


# %% linear_parameters: a lambda
linear_parameters = lambda n_in, n_out, bias=True: n_out * (n_in + bool(bias))


# %% linear_parameters: a numpy integer
def linear_parameters(n_in, n_out, bias=True):
    return np.int64(n_in) * n_out + np.where(bias, n_out, 0)


# %% linear_parameters: as a 1x1 convolution
def linear_parameters(n_in, n_out, bias=True):
    return conv_parameters(n_in, n_out, 1, bias)


# %% lecture_answers: by hand
def lecture_answers():
    return {
        "rgb_300x300_dense_100": 300 * 300 * 3 * 100 + 100,
        "rgb_300x300_conv_100_5x5": (5 * 5 * 3 + 1) * 100,
        "conv_63x63x16_32_7x7_stride2": (29, 29, 32),
        "padding_for_same_7x7": 3,
        "conv_32x32x3_ten_5x5_pad2": (32, 32, 10),
        "conv_32x32x3_ten_5x5_parameters": 760,
        "pixels_400x290": 116_000,
        "audio_mlp_weights": 840 * 128 + 2 * 128**2 + 128 * 138,
        "audio_mlp_parameters": 840 * 128 + 2 * 128**2 + 128 * 138 + 3 * 128 + 138,
        "text_dense": 10**10 + 10**5,
        "text_conv_k5": (5 * 100 + 1) * 100,
        "filters_4_3x3x3": 112,
        "small_cnn_rows": (608, 3216, 48120, 10164, 850),
        "small_cnn_total": 608 + 3216 + 48120 + 10164 + 850,
        "audio_ten_layer_cnn_parameters": 30 + 9 * 84 + 61 * 138,
    }


# %% lecture_answers: arrays and lists
def lecture_answers():
    def layer(*shape):
        return np.prod(shape, dtype=np.int64) + shape[0]

    a = {"rgb_300x300_dense_100": layer(100, 3, 300, 300), "rgb_300x300_conv_100_5x5": layer(100, 3, 5, 5)}
    a["conv_63x63x16_32_7x7_stride2"] = [*np.arange(63 - 6)[::2, None].repeat(2, 1).shape[:1] * 2, 32]
    a["padding_for_same_7x7"] = np.int64(7) // 2
    a["conv_32x32x3_ten_5x5_pad2"] = np.array([32, 32, 10])
    a["conv_32x32x3_ten_5x5_parameters"] = layer(10, 3, 5, 5)
    a["pixels_400x290"] = np.multiply(400, 290)
    widths = np.array([21 * 40, 128, 128, 128, 138])
    a["audio_mlp_weights"] = widths[1:] @ widths[:-1]
    a["audio_mlp_parameters"] = a["audio_mlp_weights"] + widths[1:].sum()
    a["text_dense"], a["text_conv_k5"] = layer(100_000, 100_000), layer(100, 100, 5)
    a["filters_4_3x3x3"] = layer(4, 3, 3, 3)
    rows = [layer(8, 3, 5, 5), layer(16, 8, 5, 5), layer(120, 16, 5, 5), layer(84, 120), layer(10, 84)]
    a["small_cnn_rows"], a["small_cnn_total"] = rows, sum(rows)
    a["audio_ten_layer_cnn_parameters"] = layer(3, 1, 3, 3) + 9 * layer(3, 3, 3, 3) + layer(138, 3, 1, 20)
    return a


# %% lecture_answers: with the chapter's functions, built in steps
from collections import OrderedDict


def lecture_answers():
    answers = OrderedDict()
    answers.update(
        rgb_300x300_dense_100=linear_parameters(270_000, 100), pixels_400x290=len(range(400 * 290))
    )
    answers.update(
        rgb_300x300_conv_100_5x5=conv_parameters(3, 100, 5), filters_4_3x3x3=conv_parameters(3, 4, (3, 3))
    )
    answers["conv_63x63x16_32_7x7_stride2"] = (*[output_size(63, 7, 2)] * 2, 32)
    answers["padding_for_same_7x7"] = max(padding_for("same", 7))
    answers["conv_32x32x3_ten_5x5_pad2"] = conv2d(
        np.zeros((1, 3, 32, 32)), np.zeros((10, 3, 5, 5)), padding=2
    )[0].T.shape
    answers["conv_32x32x3_ten_5x5_parameters"] = conv_parameters(3, 10, 5)
    answers["audio_mlp_weights"] = answers["audio_mlp_parameters"] = 0
    for a, b in ((840, 128), (128, 128), (128, 128), (128, 138)):
        answers["audio_mlp_weights"] += linear_parameters(a, b, False)
        answers["audio_mlp_parameters"] += linear_parameters(a, b)
    answers["text_dense"] = linear_parameters(10**5, 10**5)
    answers["text_conv_k5"] = conv_parameters(100, 100, (1, 5))
    rows = [conv_parameters(3, 8, 5), conv_parameters(8, 16, 5)]
    rows += [linear_parameters(a, b) for a, b in ((400, 120), (120, 84), (84, 10))]
    answers.update(small_cnn_rows=tuple(rows), small_cnn_total=sum(rows))
    convs = sum(conv_parameters(c, 3, 3) for c in [1] + [3] * 9)
    answers["audio_ten_layer_cnn_parameters"] = convs + linear_parameters((21 - 20) * (40 - 20) * 3, 138)
    return answers


# %% output_size wrong: forgets_two_sides
def output_size(n, k, stride=1, padding=0, dilation=1):
    free = n + padding - dilation * (k - 1) - 1
    if free < 0:
        raise ValueError("nothing fits")
    return free // stride + 1


# %% output_size wrong: adds_one_inside_the_floor
def output_size(n, k, stride=1, padding=0, dilation=1):
    span = dilation * (k - 1) + 1
    if span > n + 2 * padding:
        raise ValueError("nothing fits")
    return (n + 2 * padding - span + 1) // stride


# %% output_size wrong: number_where_nothing_fits
def output_size(n, k, stride=1, padding=0, dilation=1):
    return (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1


# %% output_size wrong: dilated_extent_is_d_times_k
def output_size(n, k, stride=1, padding=0, dilation=1):
    if dilation * k > n + 2 * padding:
        raise ValueError("nothing fits")
    return (n + 2 * padding - dilation * k) // stride + 1


# %% output_size wrong: rejects_non_divisible
def output_size(n, k, stride=1, padding=0, dilation=1):
    free = n + 2 * padding - dilation * (k - 1) - 1
    if free < 0 or free % stride:
        raise ValueError("does not fit")
    return free // stride + 1


# %% pad2d wrong: slices_pad_to_minus_pad
def pad2d(x, padding, mode="zeros"):
    if isinstance(padding, int):
        padding = (padding,) * 4
    if len(padding) == 2:
        padding = (padding[1], padding[1], padding[0], padding[0])
    left, right, top, bottom = padding
    N, C, H, W = x.shape
    y = np.zeros((N, C, H + top + bottom, W + left + right))
    y[:, :, top:-bottom, left:-right] = x
    if mode == "zeros":
        return y
    rows, columns = np.arange(-top, H + bottom), np.arange(-left, W + right)
    if mode == "reflect":
        rows, columns = H - 1 - abs(H - 1 - abs(rows)), W - 1 - abs(W - 1 - abs(columns))
    elif mode == "replicate":
        rows, columns = rows.clip(0, H - 1), columns.clip(0, W - 1)
    elif mode == "circular":
        rows, columns = rows % H, columns % W
    else:
        raise ValueError(mode)
    return x[:, :, rows][..., columns]


# %% pad2d wrong: reflect_repeats_the_edge
def pad2d(x, padding, mode="zeros"):
    if isinstance(padding, int):
        padding = (padding, padding)
    if len(padding) == 2:
        padding = (padding[1], padding[1], padding[0], padding[0])
    left, right, top, bottom = padding
    H, W = x.shape[2:]
    rows, columns = np.arange(-top, H + bottom), np.arange(-left, W + right)
    if mode == "zeros":
        y = np.zeros((*x.shape[:2], len(rows), len(columns)))
        y[:, :, top : top + H, left : left + W] = x
        return y
    if mode == "reflect":
        rows = np.where(rows < 0, -rows - 1, np.where(rows >= H, 2 * H - 1 - rows, rows))
        columns = np.where(columns < 0, -columns - 1, np.where(columns >= W, 2 * W - 1 - columns, columns))
    elif mode == "replicate":
        rows, columns = rows.clip(0, H - 1), columns.clip(0, W - 1)
    elif mode == "circular":
        rows, columns = rows % H, columns % W
    else:
        raise ValueError(mode)
    return x[:, :, rows][..., columns]


# %% pad2d wrong: swaps_pad_axes
def pad2d(x, padding, mode="zeros"):
    if isinstance(padding, int):
        padding = (padding, padding)
    if len(padding) == 2:
        padding = (padding[0], padding[0], padding[1], padding[1])
    left, right, top, bottom = padding
    H, W = x.shape[2:]
    rows, columns = np.arange(-top, H + bottom), np.arange(-left, W + right)
    if mode == "zeros":
        y = np.zeros((*x.shape[:2], len(rows), len(columns)))
        y[:, :, top : top + H, left : left + W] = x
        return y
    if mode not in ("reflect", "replicate", "circular"):
        raise ValueError(mode)
    for_mode = {
        "reflect": lambda i, n: n - 1 - abs(n - 1 - abs(i)),
        "replicate": lambda i, n: i.clip(0, n - 1),
        "circular": lambda i, n: i % n,
    }[mode]
    return x[:, :, for_mode(rows, H)][..., for_mode(columns, W)]


# %% padding_for wrong: same_extra_before
def padding_for(kind, k, dilation=1):
    total = dilation * (k - 1)
    if kind == "same":
        return (total + 1) // 2, total // 2
    if kind in ("valid", "full"):
        return (0, 0) if kind == "valid" else (total, total)
    raise ValueError(kind)


# %% padding_for wrong: same_for_odd_only
def padding_for(kind, k, dilation=1):
    if kind == "same":
        return dilation * (k // 2), dilation * (k // 2)
    if kind in ("valid", "full"):
        return (0, 0) if kind == "valid" else (dilation * (k - 1), dilation * (k - 1))
    raise ValueError(kind)


# %% padding_for wrong: full_is_k
def padding_for(kind, k, dilation=1):
    total = dilation * (k - 1)
    if kind == "valid":
        return 0, 0
    if kind == "same":
        return total // 2, total - total // 2
    if kind == "full":
        return dilation * k, dilation * k
    raise ValueError(kind)


# %% conv2d wrong: ignores_dilation
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    v = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::sh, ::sw]
    y = np.einsum("ncijuv,dcuv->ndij", v, w)
    return y if b is None else y + b[:, None, None]


# %% conv2d wrong: pads_one_side
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding, dilation))
    N, _, H, W = x.shape
    D, _, kH, kW = w.shape
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    Ho = (H + ph - dh * (kH - 1) - 1) // sh + 1  # one side
    Wo = (W + pw - dw * (kW - 1) - 1) // sw + 1
    y = np.zeros((N, D, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            window = padded[:, :, i * sh :: dh, j * sw :: dw][:, :, :kH, :kW]
            y[:, :, i, j] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3]))
    return y if b is None else y + b[:, None, None]


# %% conv2d wrong: swaps_stride_pair
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    (sw, sh), (ph, pw), (dh, dw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding, dilation))
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (w.shape[2] - 1) + 1, dw * (w.shape[3] - 1) + 1)
    v = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    y = np.einsum("ncijuv,dcuv->ndij", v, w)
    return y if b is None else y + b[:, None, None]


# %% conv2d wrong: bias_per_tap
def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = ((v, v) if isinstance(v, int) else v for v in (stride, padding, dilation))
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    kH, kW = w.shape[2:]
    high, wide = x.shape[2] - dh * (kH - 1), x.shape[3] - dw * (kW - 1)
    y = 0
    for u in range(kH):
        for v in range(kW):
            part = x[:, :, u * dh : u * dh + high : sh, v * dw : v * dw + wide : sw]
            y = y + np.einsum("ncij,dc->ndij", part, w[:, :, u, v])
            if b is not None:
                y = y + b[:, None, None]
    return y


# %% unseen wrong: misses_the_gaps
def unseen(n, k, stride):
    if k > n:
        return list(range(n))
    last = (n - k) // stride * stride
    return list(range(last + k, n))


# %% unseen wrong: one_window_too_many
def unseen(n, k, stride):
    seen = set()
    for start in range(0, n, stride):
        seen |= set(range(start, start + k))
    return [i for i in range(n) if i not in seen]


# %% unseen wrong: empty_for_long_kernels
def unseen(n, k, stride):
    if k > n:
        return []
    seen = {i for start in range(0, n - k + 1, stride) for i in range(start, start + k)}
    return sorted(set(range(n)) - seen)


# %% unseen wrong: sees_starts_only
def unseen(n, k, stride):
    return [i for i in range(n) if i not in range(0, n - k + 1, stride)]


# %% depth_until_one wrong: shrinks_below_the_kernel
def depth_until_one(n, k):
    sizes = [n]
    while sizes[-1] > 1:
        sizes.append(sizes[-1] - (k - 1))
    return sizes


# %% depth_until_one wrong: stops_too_early
def depth_until_one(n, k):
    sizes = [n]
    while sizes[-1] > k:
        sizes.append(sizes[-1] - k + 1)
    return sizes


# %% depth_until_one wrong: leaves_out_the_input
def depth_until_one(n, k):
    sizes = []
    while n >= k:
        n = n - k + 1
        sizes.append(n)
    return sizes


# %% receptive_fields wrong: own_stride_in_receptive_field
def receptive_fields(layers):
    field, step, fields = 1, 1, []
    for k, stride, dilation in layers:
        step *= stride
        field += step * dilation * (k - 1)
        fields.append(field)
    return fields


# %% receptive_fields wrong: starts_at_zero
def receptive_fields(layers):
    field, step, fields = 0, 1, []
    for k, stride, dilation in layers:
        field += step * dilation * (k - 1)
        fields.append(field)
        step *= stride
    return fields


# %% receptive_fields wrong: stride_added_not_multiplied
def receptive_fields(layers):
    field, step, fields = 1, 1, []
    for k, stride, dilation in layers:
        field += step * dilation * (k - 1)
        fields.append(field)
        step += stride
    return fields


# %% receptive_fields wrong: dilated_extent_is_d_times_k
def receptive_fields(layers):
    field, step, fields = 1, 1, []
    for k, stride, dilation in layers:
        field += step * (dilation * k - 1)
        fields.append(field)
        step *= stride
    return fields


# %% receptive_fields wrong: adds_kernels
def receptive_fields(layers):
    field, step, fields = 1, 1, []
    for k, stride, dilation in layers:
        field += step * dilation * k
        fields.append(field)
        step *= stride
    return fields


# %% conv_parameters wrong: parameters_without_in_channels
def conv_parameters(c_in, c_out, kernel_size, bias=True):
    kH, kW = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (kH * kW + bias) * c_out


# %% conv_parameters wrong: output_layer_bias_of_inputs
def conv_parameters(c_in, c_out, kernel_size, bias=True):
    kH, kW = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return c_in * kH * kW * c_out + (c_in if bias else 0)


# %% conv_parameters wrong: ignores_the_bias_flag
def conv_parameters(c_in, c_out, kernel_size, bias=True):
    kH, kW = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return (c_in * kH * kW + 1) * c_out


# %% linear_parameters wrong: output_layer_bias_of_inputs
def linear_parameters(n_in, n_out, bias=True):
    return n_in * n_out + (n_in if bias else 0)


# %% linear_parameters wrong: no_bias
def linear_parameters(n_in, n_out, bias=True):
    return n_in * n_out


# %% linear_parameters wrong: one_bias_for_all
def linear_parameters(n_in, n_out, bias=True):
    return n_in * n_out + int(bias)


# %% lecture_answers wrong: flattens_after_one_layer
def lecture_answers():
    return {
        "rgb_300x300_dense_100": 27_000_100,
        "rgb_300x300_conv_100_5x5": 7_600,
        "conv_63x63x16_32_7x7_stride2": (29, 29, 32),
        "padding_for_same_7x7": 3,
        "conv_32x32x3_ten_5x5_pad2": (32, 32, 10),
        "conv_32x32x3_ten_5x5_parameters": 760,
        "pixels_400x290": 116_000,
        "audio_mlp_weights": 157_952,
        "audio_mlp_parameters": 158_474,
        "text_dense": 10_000_100_000,
        "text_conv_k5": 50_100,
        "filters_4_3x3x3": 112,
        "small_cnn_rows": (608, 3216, 48120, 10164, 850),
        "small_cnn_total": 62_958,
        "audio_ten_layer_cnn_parameters": 30 + 9 * 84 + (19 * 38 * 3 + 1) * 138,
    }


# %% lecture_answers wrong: output_layer_bias_of_inputs
def lecture_answers():
    rows = (608, 3216, 48120, 10164, 84 * 10 + 84)
    return {
        "rgb_300x300_dense_100": 27_000_100,
        "rgb_300x300_conv_100_5x5": 7_600,
        "conv_63x63x16_32_7x7_stride2": (29, 29, 32),
        "padding_for_same_7x7": 3,
        "conv_32x32x3_ten_5x5_pad2": (32, 32, 10),
        "conv_32x32x3_ten_5x5_parameters": 760,
        "pixels_400x290": 116_000,
        "audio_mlp_weights": 157_952,
        "audio_mlp_parameters": 158_474,
        "text_dense": 10_000_100_000,
        "text_conv_k5": 50_100,
        "filters_4_3x3x3": 112,
        "small_cnn_rows": rows,
        "small_cnn_total": sum(rows),
        "audio_ten_layer_cnn_parameters": 9_204,
    }


# %% lecture_answers wrong: ignores_pooling_layers
def lecture_answers():
    rows = (608, 3216, 24 * 24 * 16 * 120 + 120, 10164, 850)
    return {
        "rgb_300x300_dense_100": 27_000_100,
        "rgb_300x300_conv_100_5x5": 7_600,
        "conv_63x63x16_32_7x7_stride2": (29, 29, 32),
        "padding_for_same_7x7": 3,
        "conv_32x32x3_ten_5x5_pad2": (32, 32, 10),
        "conv_32x32x3_ten_5x5_parameters": 760,
        "pixels_400x290": 116_000,
        "audio_mlp_weights": 157_952,
        "audio_mlp_parameters": 158_474,
        "text_dense": 10_000_100_000,
        "text_conv_k5": 50_100,
        "filters_4_3x3x3": 112,
        "small_cnn_rows": rows,
        "small_cnn_total": sum(rows),
        "audio_ten_layer_cnn_parameters": 9_204,
    }
