"""Chapter 0 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# %% normalise: all channels at once, flat rows
import numpy as np


def normalise(x):
    rows = x.reshape(len(x), -1).astype(np.float64)
    rows = rows - rows.mean(axis=1, keepdims=True)
    std = rows.std(axis=1, keepdims=True)
    return np.where(std > 1e-9, rows / np.where(std > 1e-9, std, 1), 0).reshape(x.shape)


# %% normalise: plain Python loops, nested lists
import math


def normalise(x):
    def of(values):
        mean = math.fsum(values) / len(values)
        std = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
        return [(v - mean) / std if std > 1e-8 else 0.0 for v in values]

    flat = [of(channel.ravel().tolist()) for channel in x]
    return np.array(flat).reshape(x.shape).tolist()


# %% normalise: axes, keepdims and an epsilon beside the deviation
def normalise(x):
    axes = tuple(range(1, x.ndim))
    return (x - x.mean(axis=axes, keepdims=True)) / (x.std(axis=axes, keepdims=True) + 1e-8)


# %% normalise: inner products, in float32 where the input is
def normalise(x):
    v = x.reshape(x.shape[0], -1)
    v = v if v.dtype == np.float32 else v.astype(float)
    n, ones = v.shape[1], np.ones(v.shape[1], v.dtype)
    v = v - (v @ ones)[:, None] / n
    norm = np.sqrt(np.einsum("ci,ci->c", v, v) / n)
    small = norm < 1e-6
    v[small], norm[small] = 0, 1
    return (v / norm[:, None]).reshape(x.shape)


# %% normalise: a lambda
normalise = lambda x: np.stack(
    [np.zeros(c.shape) if np.ptp(c) == 0 else (c - c.mean()) / np.std(c) for c in x]
)


# %% normalise: nan turned into 0, constants by comparing with the first value
def normalise(x):
    axes = tuple(range(1, x.ndim))
    with np.errstate(all="ignore"):
        y = (x - x.mean(axis=axes, keepdims=True)) / x.std(axis=axes, keepdims=True)
    first = x.reshape(len(x), -1)[:, 0].reshape(-1, *[1] * (x.ndim - 1))
    y = y * (x != first).any(axis=axes, keepdims=True)
    return np.nan_to_num(y)


# %% normalise: a callable object
class _Normaliser:
    def __call__(self, x):
        y = x.astype(float).copy()
        for channel in y:
            constant = np.allclose(channel, channel.flat[0], rtol=1e-12, atol=0)
            channel -= np.average(channel)
            channel *= 0 if constant else np.average(channel**2) ** -0.5
        return y


normalise = _Normaliser()


# %% window: two cases
def window(x, start, size):
    if x.ndim == 1:
        if not 0 <= start <= len(x) - size:
            raise ValueError("does not fit")
        return x[start : start + size]
    (row, column), (height, width) = start, size
    if row < 0 or column < 0 or row + height > x.shape[0] or column + width > x.shape[1]:
        raise ValueError("does not fit")
    return x[row : row + height, column : column + width]


# %% window: np.take, axis by axis, a recursion
def window(x, start, size):
    if np.ndim(start) == 0:
        start, size = (start,), (size,)
    for axis, (i, k) in enumerate(zip(start, size, strict=True)):
        wanted = range(i, i + k)
        if not set(wanted) <= set(range(x.shape[axis])):
            raise ValueError(f"axis {axis}: {list(wanted)} is not inside")
        x = np.take(x, wanted, axis=axis)
    return x


# %% window: sliding windows, its own kind of ValueError
class DoesNotFitError(ValueError):
    pass


def window(x, start, size):
    if np.min(start) < 0:
        raise DoesNotFitError(f"negative start {start}")
    try:
        return np.lib.stride_tricks.sliding_window_view(x, size)[start]
    except (IndexError, ValueError) as error:
        raise DoesNotFitError(str(error)) from error


# %% window: cut, then look at the shape; a list of Python numbers
def window(x, start, size):
    starts, sizes = np.atleast_1d(start), np.atleast_1d(size)
    y = x[tuple(slice(i, i + k) for i, k in zip(starts, sizes, strict=True))]
    if y.shape != tuple(sizes) or (starts < 0).any():
        raise ValueError(f"{y.shape} is left of {size}")
    return y.tolist()


# %% window: a partial, open mesh
from functools import partial


def _window(mesh, x, start, size):
    starts, sizes = np.array(start, ndmin=1), np.array(size, ndmin=1)
    if (starts < 0).any() or (starts + sizes > np.array(x.shape)).any():
        raise ValueError(f"no window of {size} at {start} in {x.shape}")
    return x[mesh(*[i + np.arange(k) for i, k in zip(starts, sizes, strict=True)])]


window = partial(_window, np.ix_)


# %% to_nchw: moveaxis
def to_nchw(images):
    y = np.moveaxis(images, -1, -3)
    return y[np.newaxis] if y.ndim == 3 else y


# %% to_nchw: loops into an array of the same type
def to_nchw(images):
    batch = images if images.ndim == 4 else images.reshape(1, *images.shape)
    N, H, W, C = batch.shape
    y = np.empty((N, C, H, W), dtype=images.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H):
                for j in range(W):
                    y[n, c, i, j] = batch[n, i, j, c]
    return y


# %% to_nchw: einsum, a lambda
to_nchw = lambda images: np.einsum("...hwc->...chw", images if images.ndim > 3 else np.expand_dims(images, 0))


# %% to_nchw: stacked channels
def to_nchw(images):
    if images.ndim == 3:
        return to_nchw(images[None])
    return np.stack([images[..., c] for c in range(images.shape[-1])], axis=1)


# %% to_nchw: two exchanges, a contiguous copy
def to_nchw(images):
    y = np.array(images, ndmin=4)
    return np.ascontiguousarray(y.swapaxes(2, 3).swapaxes(1, 2))


# %% to_nchw: a reshape that is right
def to_nchw(images):
    H, W, C = images.shape[-3:]
    flat = images.reshape(-1, H * W, C)
    return np.array([image.T for image in flat], dtype=images.dtype).reshape(len(flat), C, H, W)


# %% normalise wrong: statistics_over_everything
def normalise(x):
    return (x - x.mean()) / x.std()


# %% normalise wrong: unbiased_variance
def normalise(x):
    y = np.zeros(x.shape)
    for c in range(len(x)):
        std = x[c].std(ddof=1)
        if std > 1e-9:
            y[c] = (x[c] - x[c].mean()) / std
    return y


# %% normalise wrong: divides_by_zero
def normalise(x):
    axes = tuple(range(1, x.ndim))
    return (x - x.mean(axis=axes, keepdims=True)) / x.std(axis=axes, keepdims=True)


# %% normalise wrong: trusts_rounding
def normalise(x):
    y = np.zeros(x.shape)
    for c in range(len(x)):
        if np.std(x[c]) != 0:
            y[c] = (x[c] - np.mean(x[c])) / np.std(x[c])
    return y


# %% normalise wrong: variance_for_std
def normalise(x):
    y = []
    for channel in x:
        centred = channel - channel.mean()
        variance = (centred**2).mean()
        y.append(centred / variance if variance > 1e-12 else 0 * centred)
    return np.array(y)


# %% normalise wrong: works_in_place
def normalise(x):
    for c in range(len(x)):
        x[c] -= x[c].mean()
        if x[c].std() > 1e-9:
            x[c] /= x[c].std()
    return x


# %% normalise wrong: writes_into_its_input
def normalise(x):
    for c in range(len(x)):
        constant = x[c].max() == x[c].min()
        x[c] = 0 if constant else (x[c] - x[c].mean()) / x[c].std()
    return x


# %% normalise wrong: epsilon_too_small
def normalise(x):
    axes = tuple(range(1, x.ndim))
    return (x - x.mean(axis=axes, keepdims=True)) / (x.std(axis=axes, keepdims=True) + 1e-12)


# %% normalise wrong: forgets_keepdims
def normalise(x):
    axes = tuple(range(1, x.ndim))
    return (x - x.mean(axis=axes)) / x.std(axis=axes)


# %% window wrong: one_axis_only
def window(x, start, size):
    if start < 0 or start + size > len(x):
        raise ValueError(f"{size} values from {start} do not fit")
    return x[start : start + size]


# %% window wrong: window_end_is_size
def window(x, start, size):
    starts, sizes = np.atleast_1d(start), np.atleast_1d(size)
    if np.any(starts < 0) or np.any(starts + sizes > x.shape):
        raise ValueError("does not fit")
    return x[start:size] if x.ndim == 1 else x[start[0] : size[0], start[1] : size[1]]


# %% window wrong: no_check
def window(x, start, size):
    if x.ndim == 1:
        return x[start : start + size]
    return x[start[0] : start[0] + size[0], start[1] : start[1] + size[1]]


# %% window wrong: negative_starts_accepted
def window(x, start, size):
    if x.ndim == 1:
        if start + size > len(x):
            raise ValueError(f"{start + size} > {len(x)}")
        return x[start : start + size]
    row, column = start
    if row + size[0] > x.shape[0] or column + size[1] > x.shape[1]:
        raise ValueError("too far right or too far down")
    return x[row : row + size[0], column : column + size[1]]


# %% window wrong: slices_rows_twice
def window(x, start, size):
    starts, sizes = np.atleast_1d(start), np.atleast_1d(size)
    if np.any(starts < 0) or np.any(starts + sizes > x.shape):
        raise ValueError("does not fit")
    if x.ndim == 1:
        return x[start : start + size]
    return x[start[0] : start[0] + size[0]][start[1] : start[1] + size[1]]


# %% to_nchw wrong: reshape_for_transpose
def to_nchw(images):
    if images.ndim == 3:
        images = images[None]
    n, h, w, c = images.shape
    return images.reshape(n, c, h, w)


# %% to_nchw wrong: swaps_height_and_width
def to_nchw(images):
    return np.swapaxes(images[None] if images.ndim == 3 else images, 1, 3)


# %% to_nchw wrong: forgets_the_batch_axis
def to_nchw(images):
    return np.moveaxis(images, -1, -3)


# %% to_nchw wrong: scales_to_one
def to_nchw(images):
    if images.ndim == 3:
        images = images[None]
    return np.transpose(images, (0, 3, 1, 2)) / 255
