"""Chapter 0: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

import numpy as np
import torch

from course.kit.common import common_mistakes
from course.kit.exercise import Exercise, call, draw


def _of_channels(x):
    """The axes of a channel: all but the first."""
    return tuple(range(1, x.ndim))


def _of_everything(x):
    return tuple(range(x.ndim))


def _mean(x, axes):
    return x.mean(axes, keepdim=True)


def _deviation(x, axes):
    return (x - _mean(x, axes)).square().mean(axes, keepdim=True).sqrt()


def _flat(x, axes):
    return x.amax(axes, keepdim=True) == x.amin(axes, keepdim=True)


def _scaled(x, mean, spread, axes=None):
    """(x - mean) / spread; zeros where x is constant along the axes (a channel's own, if none are given)."""
    return torch.where(_flat(x, axes or _of_channels(x)), 0.0, (x - mean) / spread)


def _normalised(x, axes):
    return _scaled(x, _mean(x, axes), _deviation(x, axes), axes)


def _sliced(
    x, start, size, misfit=lambda i, k, n: i < 0 or i + k > n, end=lambda i, k: i + k, error=ValueError
):
    """The window by slices, or the error where misfit(start, size, length) of an axis says so."""
    starts, sizes = ((start,), (size,)) if x.ndim == 1 else (start, size)
    if any(map(misfit, starts, sizes, x.shape)):
        raise error(f"a window of {size} from {start} does not fit {tuple(x.shape)}")
    return x[tuple(map(slice, starts, map(end, starts, sizes)))]


def _anything_fits(i, k, n):
    return False


def _keeps_the_type(given, value):
    wanted = given.arrays[0].dtype
    if not isinstance(value, np.ndarray):
        return (
            f"the values are right, but an array of type {wanted} is expected, not a {type(value).__name__}"
        )
    if value.dtype != wanted:
        return (
            f"the values are right, but not their type: the images are {wanted}, your result is {value.dtype}"
        )
    return None


def _batch(images):
    return images if images.ndim == 4 else images[None]


_GAINS = np.array([[1.0], [7.0], [0.5]])

normalise = Exercise(
    oracle=lambda x: _normalised(x, _of_channels(x)),
    probes=[
        call(draw(1, 3, 7) * _GAINS + 4),
        call(draw(6, 3, 3) * _GAINS - 1),
        call(draw(2, 3, 4, 5) * _GAINS[:, None] - 2),
        call(draw(3, 1, 8) + 3),
        call(np.array([[3.0, 3, 3, 3], [1, 2, 4, 9]])),
        call(np.array([[1.0, 2, 4], [0.1, 0.1, 0.1]])),
        call(draw(4, 2, 5, low=0, high=256, dtype="uint8")),
        call(draw(5, 2, 2, 3, low=0, high=256, dtype="uint8")),
    ],
)

window = Exercise(
    oracle=_sliced,
    probes=[
        call(draw(11, 9), 2, 4),
        call(draw(12, 9), 3, 2),
        call(draw(13, 9), 5, 4),
        call(draw(14, 9), 0, 9),
        call(draw(15, 9), 6, 4).raises(ValueError),
        call(draw(16, 9), 9, 1).raises(ValueError),
        call(draw(17, 9), -3, 2).raises(ValueError),
        call(draw(18, 9), -2, 2).raises(ValueError),
        call(draw(21, 7, 9), (1, 4), (3, 2)),
        call(draw(22, 7, 9), start=(0, 0), size=(7, 9)),
        call(draw(23, 7, 9), (4, 1), (3, 4)),
        call(draw(24, 7, 9), (2, 7), (1, 2)),
        call(draw(25, 7, 9), (5, 0), (3, 2)).raises(ValueError),
        call(draw(26, 7, 9), (0, 8), (3, 2)).raises(ValueError),
        call(draw(27, 7, 9), (-1, 2), (2, 2)).raises(ValueError),
        call(draw(28, 7, 9), (2, -4), (2, 3)).raises(ValueError),
    ],
)

to_nchw = Exercise(
    oracle=lambda images: _batch(images).permute(0, 3, 1, 2),
    probes=[
        call(draw(31, 4, 5, 3)),
        call(draw(32, 2, 4, 5, 3)),
        call(draw(33, 3, 2, 2)),
        call(draw(34, 1, 3, 4, 1)),
        call(draw(35, 3, 4, 4, 3, low=0, high=256, dtype="uint8")),
    ],
    also=_keeps_the_type,
)

common_mistakes(normalise)


# ---------------------------------------------------------------- normalise


@normalise.mistake(
    "Your result has one mean and one deviation for the whole array. Each channel needs its own."
)
def statistics_over_everything(x):
    """x.mean() and x.std() without axis."""
    return _normalised(x, _of_everything(x))


@normalise.mistake(
    "Your means run over the channels, one for each position. Wanted: over the positions, one for each channel."
)
def statistics_over_channels(x):
    """axis=0."""
    return _normalised(x, (0,))


@normalise.mistake(
    "In an image you normalise each row by itself: a channel has two axes, and the mean runs over both."
)
def statistics_over_rows(x):
    """axis=-1, right for signals only."""
    return _normalised(x, (-1,))


@normalise.mistake(
    "In an image you normalise each column by itself: a channel has two axes, and the mean runs over both."
)
def statistics_over_columns(x):
    """axis=1, right for signals only."""
    return _normalised(x, (1,))


@normalise.mistake("Your results come from the mean and deviation of the first channel, for all channels.")
def first_channel_statistics(x):
    """The statistics of x[0]."""
    axes = _of_channels(x)
    return _scaled(x, _mean(x[:1], axes), _deviation(x[:1], axes))


@normalise.mistake(
    "Your values are a little too small: do you divide the sum of squares by n - 1? Here it is n."
)
def unbiased_variance(x):
    """ddof=1, the default of pandas, MATLAB and torch."""
    axes = _of_channels(x)
    return _scaled(x, _mean(x, axes), x.std(axes, correction=1, keepdim=True))


@normalise.mistake("You divide by the variance. Which power of it makes the variance of the result 1?")
def variance_for_std(x):
    """The root forgotten."""
    axes = _of_channels(x)
    return _scaled(x, _mean(x, axes), _deviation(x, axes) ** 2)


@normalise.mistake("Your result has the right spread, but where is its mean?")
def forgets_the_mean(x):
    """x / std."""
    return x / torch.where(_flat(x, _of_channels(x)), 1.0, _deviation(x, _of_channels(x)))


@normalise.mistake("Your result has mean 0, but the spread of the input: the second step is missing.")
def forgets_the_deviation(x):
    """x - mean."""
    return x - _mean(x, _of_channels(x))


@normalise.mistake("Your channels have norm 1, not variance 1: the variance is a mean of squares, not a sum.")
def norm_for_deviation(x):
    """Divides by the root of the sum of squares."""
    centred = x - _mean(x, _of_channels(x))
    return _scaled(x, x - centred, centred.square().sum(_of_channels(x), keepdim=True).sqrt())


@normalise.mistake(
    "Your deviation is measured from 0. Measure it from the mean: take the mean away first, then square."
)
def deviation_from_zero(x):
    """The root mean square of x instead of x - mean."""
    axes = _of_channels(x)
    return _scaled(x, _mean(x, axes), x.square().mean(axes, keepdim=True).sqrt())


@normalise.mistake("You divide by the mean of the absolute deviations. Wanted: the root of the mean square.")
def mean_absolute_deviation(x):
    """|x - mean| averaged."""
    centred = x - _mean(x, _of_channels(x))
    return _scaled(x, x - centred, centred.abs().mean(_of_channels(x), keepdim=True))


@normalise.mistake(
    "Your channels run from 0 to 1. That is another kind of normalising; wanted: mean 0, variance 1."
)
def range_for_deviation(x):
    """(x - min) / (max - min)."""
    low, high = (f(_of_channels(x), keepdim=True) for f in (x.amin, x.amax))
    return _scaled(x, low, high - low)


@normalise.mistake(
    "Your result is x over its largest absolute value: that keeps the mean, and one loud channel decides for all."
)
def divides_by_the_largest(x):
    """x / abs(x).max(): between -1 and 1, which many call normalised."""
    return x / x.abs().max()


@normalise.mistake(
    "A constant channel has deviation 0, and 0 / 0 is nan. What is the result to be for such a channel?"
)
def divides_by_zero(x):
    """No thought of constant channels."""
    axes = _of_channels(x)
    return (x - _mean(x, axes)) / _deviation(x, axes)


@normalise.mistake(
    "You look for a deviation of exactly 0. Print np.full(3, 0.1).std(): constant, and yet not 0 on a computer."
)
def trusts_rounding(x):
    """std == 0, which a constant 0.1 need not pass."""
    axes = _of_channels(x)
    spread = _deviation(x, axes)
    return torch.where(spread == 0, 0.0, (x - _mean(x, axes)) / spread)


@normalise.mistake("Your constant channels keep their value. Without its mean, what is left of a constant?")
def leaves_constant_channels(x):
    """Skips them."""
    return torch.where(_flat(x, _of_channels(x)), x, normalise.oracle(x))


@normalise.mistake("One constant channel turns all your channels into zeros. Decide for each by itself.")
def one_constant_channel_zeroes_all(x):
    """`if std.min() == 0: return zeros`."""
    return normalise.oracle(x) * (not _flat(x, _of_channels(x)).any())


@normalise.mistake("A small number added under the root changes every result. Treat constant channels apart.")
def epsilon_in_the_root(x):
    """sqrt(variance + 1e-5), as in batch normalisation."""
    axes = _of_channels(x)
    return (x - _mean(x, axes)) / (_deviation(x, axes) ** 2 + 1e-5).sqrt()


@normalise.mistake(
    "What you add to the deviation does not save a constant 0.1: its speck over 1e-12 is no zero. Treat it apart."
)
def epsilon_too_small(x):
    """std + 1e-12: the rest of 1e-17 that rounding leaves becomes 1e-5."""
    axes = _of_channels(x)
    return (x - _mean(x, axes)) / (_deviation(x, axes) + 1e-12)


@normalise.mistake(
    "Your means have lost an axis, so numpy lines them up with the last axis of x, not the first: see keepdims."
)
def forgets_keepdims(x):
    """x - x.mean(axis) broadcasts along the wrong axis, or not at all."""
    mean, spread = (f(x, _of_channels(x)).flatten() for f in (_mean, _deviation))
    if len(mean) not in (1, x.shape[-1]):
        raise ValueError("operands could not be broadcast together")
    return (x - mean) / spread


@normalise.mistake(
    "In uint8 a number below 0 wraps around to 255: convert to float before you take the mean away.",
    own_types=True,
)
def uint8_overflow(x):
    """Rounds the mean to the type of x, and subtracts in it."""
    axes, wide = _of_channels(x), x.double()
    if x.is_floating_point():
        return normalise.oracle(x)
    centred = x - _mean(wide, axes).to(x.dtype)
    return _scaled(centred.double(), 0, _deviation(wide, axes))


@normalise.mistake(
    "x -= ... and x /= ... work on the caller's array, and numpy refuses them for integers: write y = x - ...",
    own_types=True,
)
def works_in_place(x):
    """Augmented assignments; for integers numpy raises an error of its own."""
    if not x.is_floating_point():
        np.ones(1, dtype=int).__isub__(0.5)
    return x.copy_(normalise.oracle(x))


@normalise.mistake(
    "You store your results in the caller's array. Make one of your own for them, one that holds floats.",
    own_types=True,
)
def writes_into_its_input(x):
    """x[c] = ...; integers cut the results."""
    return x.copy_(normalise.oracle(x.double()))


# ---------------------------------------------------------------- window


@window.mistake("Your windows end at index `size`. Where does one end that begins at `start`?")
def window_end_is_size(x, start, size):
    """x[start:size]."""
    return _sliced(x, start, size, end=lambda _, k: k)


@window.mistake("Your windows are one element too long: the end of a slice is not part of it.")
def includes_the_end(x, start, size):
    """x[start : start + size + 1]."""
    return _sliced(x, start, size, end=lambda i, k: i + k + 1)


@window.mistake("Your windows are one element too short: the end of a slice is not part of it.")
def leaves_out_the_last(x, start, size):
    """x[start : start + size - 1]."""
    return _sliced(x, start, size, end=lambda i, k: i + k - 1)


@window.mistake("A window that hangs over the end by one gets through, and comes back too short.")
def one_window_too_many(x, start, size):
    """Compares start + size - 1 with n: one too generous."""
    return _sliced(x, start, size, misfit=lambda i, k, n: i < 0 or i + k > n + 1)


@window.mistake("You refuse a window that ends with the last element. It fits.")
def rejects_the_last_window(x, start, size):
    """start + size >= n."""
    return _sliced(x, start, size, misfit=lambda i, k, n: i < 0 or i + k >= n)


@window.mistake("Nothing stops a window that does not fit. A slice never complains, so you have to.")
def no_check(x, start, size):
    """Leaves it to the slice, which is cut short, or counts from the end."""
    return _sliced(x, start, size, _anything_fits)


@window.mistake("A negative start gets through, and numpy counts it from the end.")
def negative_starts_accepted(x, start, size):
    """Checks start + size alone."""
    return _sliced(x, start, size, misfit=lambda i, k, n: i + k > n)


@window.mistake("You check where the window starts, not where it ends: one that hangs over comes back short.")
def checks_the_start_only(x, start, size):
    """0 <= start < n."""
    return _sliced(x, start, size, misfit=lambda i, _, n: i < 0 or i >= n)


@window.mistake("In an array with two axes you check the rows only. Do the columns fit, too?")
def checks_rows_only(x, start, size):
    """Compares with len(x) and no more."""
    if x.ndim == 1:
        return window.oracle(x, start, size)
    _sliced(x[:, 0], start[0], size[0])
    return _sliced(x, start, size, _anything_fits)


@window.mistake("For a window that does not fit you return something. Wanted is a ValueError: raise it.")
def returns_none_where_it_does_not_fit(x, start, size):
    """Prints a message, or `return None`, instead of raising."""
    try:
        return window.oracle(x, start, size)
    except ValueError:
        return None


@window.mistake("You raise an IndexError. Wanted is a ValueError, so that callers know what to catch.")
def raises_an_index_error(x, start, size):
    """Another exception."""
    return _sliced(x, start, size, error=IndexError)


@window.mistake("An assert raises AssertionError. Wanted is a ValueError: use `if` and `raise`.")
def asserts_instead_of_raising(x, start, size):
    """assert 0 <= start."""
    return _sliced(x, start, size, error=AssertionError)


@window.mistake("For an array with two axes, start and size are pairs: take them apart before you calculate.")
def one_axis_only(x, start, size):
    """start + size, which joins pairs, and start < 0, which no pair can answer."""
    if x.ndim == 2:
        raise TypeError("slice indices must be integers")
    return window.oracle(x, start, size)


@window.mistake("Rows and columns are exchanged: pairs are (row, column), and (height, width).")
def swaps_rows_and_columns(x, start, size):
    """x[column:..., row:...]."""
    return window.oracle(x, start, size) if x.ndim == 1 else window.oracle(x, start[::-1], size[::-1])


@window.mistake("Your windows are as wide as they are high: which of the two sizes belongs to the columns?")
def height_for_width(x, start, size):
    """size[0] for both."""
    return window.oracle(x, start, size if x.ndim == 1 else (size[0], size[0]))


@window.mistake("Your columns begin where the rows begin: which of the two starts belongs to the columns?")
def row_start_for_both(x, start, size):
    """start[0] for both."""
    return window.oracle(x, start if x.ndim == 1 else (start[0], start[0]), size)


@window.mistake("Your windows hold whole rows: the columns need a slice, too.")
def slices_rows_only(x, start, size):
    """x[row : row + height]."""
    whole = window.oracle(x, start, size)
    return whole if x.ndim == 1 else _sliced(x, (start[0], 0), (size[0], x.shape[1]))


@window.mistake(
    "x[a:b][c:d] takes rows, and then rows of those. How does numpy write two axes in one bracket?"
)
def slices_rows_twice(x, start, size):
    """x[r : r + h][c : c + w]."""
    whole = window.oracle(x, start, size)
    return whole if x.ndim == 1 else x[start[0] :][: size[0]][start[1] :][: size[1]]


# ---------------------------------------------------------------- to_nchw


@to_nchw.mistake(
    "The shape is right, the picture is in pieces: reshape keeps the order in memory. You need to exchange axes."
)
def reshape_for_transpose(images):
    """reshape(N, C, H, W)."""
    images = _batch(images)
    return images.reshape(to_nchw.oracle(images).shape)


@to_nchw.mistake("Your pictures lie on their sides: height comes before width, before and after.")
def swaps_height_and_width(images):
    """(N, C, W, H)."""
    return _batch(images).permute(0, 3, 2, 1)


@to_nchw.mistake("You reverse the order of all axes, as .T does. Which axes have to keep their order?")
def reverses_all_axes(images):
    """images.T, with a batch axis where there was none."""
    return _batch(images.permute(*reversed(range(images.ndim))))


@to_nchw.mistake("The batch axis is missing for a single image: one image is a batch of one, (1, C, H, W).")
def forgets_the_batch_axis(images):
    """(C, H, W) for one image."""
    return images.movedim(-1, -3)


@to_nchw.mistake("Channels come before samples in your result: (C, N, H, W). The batch axis is the first.")
def channels_before_samples(images):
    """np.moveaxis(images, -1, 0)."""
    return _batch(images).permute(3, 0, 1, 2)


@to_nchw.mistake("Your result has an axis too many for a batch: it has its batch axis already.")
def adds_a_batch_axis_always(images):
    """images[None] without looking at ndim."""
    return images.movedim(-1, -3)[None]


@to_nchw.mistake("You add the batch axis, but the channels are still last.")
def leaves_channels_last(images):
    """(N, H, W, C)."""
    return _batch(images)


@to_nchw.mistake("Only the first image of the batch comes back.")
def first_sample_only(images):
    """images[0] of a batch."""
    return to_nchw.oracle(images)[:1]


@to_nchw.mistake("You refuse a batch (N, H, W, C): ndim tells you which of the two kinds came in.")
def one_image_only(images):
    """transpose(2, 0, 1), which raises for four axes."""
    if images.ndim == 4:
        raise ValueError("axes don't match array")
    return to_nchw.oracle(images)


@to_nchw.mistake("You refuse a single image (H, W, C): ndim tells you which of the two kinds came in.")
def batches_only(images):
    """transpose(0, 3, 1, 2), which raises for three axes."""
    if images.ndim == 3:
        raise ValueError("axes don't match array")
    return to_nchw.oracle(images)


@to_nchw.mistake("The channels come out in reverse order: red has become blue.")
def reverses_the_channels(images):
    """A negative step, or BGR."""
    return to_nchw.oracle(images).flip(1)


@to_nchw.mistake(
    "Your values are divided by 255. Only the axes are to move here; every value stays as it is."
)
def scales_to_one(images):
    """/ 255."""
    return to_nchw.oracle(images) / 255


@to_nchw.mistake(
    "Your values have lost what follows the decimal point: does an integer type come in somewhere?"
)
def truncates_to_int(images):
    """An array of integers for the result, or astype(np.uint8)."""
    return to_nchw.oracle(images).trunc()
