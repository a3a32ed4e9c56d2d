"""Chapter 5: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

import functools

import numpy as np
import torch
import torch.nn.functional as F

from course.kit import common
from course.kit.exercise import Exercise, call, draw, shared_mistake


def _positive(seed, *shape):
    return draw(seed, *shape, low=1, high=50)


def _negative(seed, *shape):
    return -_positive(seed, *shape)


def _bytes(seed, *shape, low=100, high=250):
    return draw(seed, *shape, low=low, high=high, dtype="uint8")


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _max(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    return F.max_pool2d(x, kernel_size, stride, padding, 1, ceil_mode)


def _mean(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor=None):
    return F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)


def _sum(x, kernel_size, stride=None):
    return _mean(x, kernel_size, stride, divisor=1)


def _lp(x, p, kernel_size, stride=None):
    return F.lp_pool2d(x.abs(), float(p), kernel_size, stride)


# Every map is at least as wide as high, and kernels fit either way round.
max_pool2d = Exercise(
    oracle=_max,
    probes=[
        call(draw(1, 2, 3, 5, 8), 2),
        call(_negative(2, 2, 2, 4, 6), 2),
        call(draw(3, 2, 3, 7, 11), (3, 2)),
        call(draw(4, 1, 2, 7, 10), (2, 3), stride=(2, 1)),
        call(draw(5, 2, 2, 6, 9), 3, 2),
        call(_negative(6, 2, 2, 5, 7), 3, 2, padding=1),
        call(_negative(7, 1, 2, 6, 6), (3, 3), (2, 2), (0, 1)),
        call(_positive(8, 2, 2, 6, 8), 3, 2, ceil_mode=True),
        call(_positive(9, 1, 2, 5, 7), 2, 2, 1, True),
        call(_positive(10, 1, 1, 4, 5), 3, 3, 1, True),
        call(1e13 * _negative(11, 1, 1, 4, 6), 3, padding=1),
        call(draw(12, 1, 2, 4, 6, low=1, high=50, dtype="int64"), 3, 2, 1),
        call(_bytes(13, 1, 1, 4, 6), 3, 2, 1),
    ],
)

avg_pool2d = Exercise(
    oracle=lambda x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True: _mean(
        x, kernel_size, stride, padding, ceil_mode, count_include_pad
    ),
    probes=[
        call(draw(21, 2, 3, 5, 8), 2),
        call(draw(22, 2, 3, 7, 11), (3, 2)),
        call(draw(23, 1, 2, 7, 10), (2, 3), stride=(2, 1)),
        call(draw(24, 2, 2, 6, 9), 3, 2),
        call(draw(25, 2, 2, 5, 7), 3, 2, padding=1),
        call(draw(26, 2, 2, 5, 7), 3, 2, padding=1, count_include_pad=False),
        call(draw(27, 1, 2, 6, 6), (3, 3), (2, 2), (0, 1)),
        call(draw(28, 2, 2, 6, 8), 3, 2, ceil_mode=True),
        call(draw(29, 1, 2, 6, 8), 3, 2, 1, True),
        call(draw(30, 1, 2, 5, 7), 2, 2, 1, True),
        call(draw(31, 1, 2, 6, 8), 3, 2, 1, True, False),
        call(_positive(32, 1, 2, 4, 6), 2),
        call(draw(33, 1, 2, 4, 6, low=1, high=50, dtype="int64"), 3, 1),
        call(_bytes(34, 1, 1, 4, 6), 2),
    ],
)

sum_pool2d = Exercise(
    oracle=_sum,
    probes=[
        call(draw(41, 2, 3, 5, 8), 2),
        call(_negative(42, 2, 2, 4, 6), 2),
        call(draw(43, 2, 3, 7, 11), (3, 2)),
        call(draw(44, 1, 2, 7, 10), (2, 3), stride=(2, 1)),
        call(draw(45, 2, 2, 6, 9), 3, 2),
        call(_bytes(46, 1, 1, 4, 6), 2),
    ],
)

lp_pool2d = Exercise(
    oracle=_lp,
    probes=[
        call(_positive(61, 2, 3, 5, 8), 2, 2),
        call(draw(62, 2, 3, 5, 8), 3, 2),
        call(draw(63, 2, 3, 7, 11), 1, (3, 2)),
        call(draw(64, 1, 2, 7, 10), 2, (2, 3), stride=(2, 1)),
        call(draw(65, 2, 2, 6, 9), 4, 3, 2),
        call(_positive(66, 1, 1, 4, 6), 2.5, 2),
        call(draw(67, 1, 2, 4, 6, low=-9, high=9, dtype="int64"), 2, 2),
        call(_bytes(68, 1, 1, 4, 6, low=20, high=60), 2, 2),
    ],
)

global_avg_pool = Exercise(
    oracle=lambda x: x.mean((2, 3)),
    probes=[
        call(draw(81, 2, 3, 4, 5)),
        call(draw(82, 3, 3, 2, 6)),
        call(draw(83, 1, 2, 1, 3)),
        call(_negative(84, 2, 3, 4, 5)),
        call(draw(85, 2, 2, 3, 4, low=1, high=50, dtype="int64")),
        call(_bytes(86, 1, 2, 3, 4)),
    ],
)

pool_as_conv = Exercise(
    oracle=lambda kernel_size, channels: torch.full(
        (channels, 1, *_pair(kernel_size)), 1 / int(np.prod(_pair(kernel_size))), dtype=torch.float64
    ),
    probes=[call(2, 3), call((2, 4), 3), call(3, channels=1), call((3, 1), 2)],
)


def _unchanged_map(x):
    return x


def _running_max(x):
    return np.maximum(x[..., 1:], x[..., :-1])


def _weighed(x):
    return x * np.arange(x.shape[-1])


def _close_to_one(x):
    return 1 + x * 2.0**-40


def _one_number_a_row(x):
    return x[..., ::2].sum(axis=-1)


def _shifted(f, x, shift):
    """What f gives for x and for x rolled along its last axis, as tensors."""
    t = torch.from_numpy(np.array(x, order="C"))
    return [torch.as_tensor(np.array(f(each.numpy()))) for each in (t, t.roll(shift, -1))]


def _share(a, b):
    return (a != b).double().mean().item()


changed_by_shift = Exercise(
    oracle=lambda f, x, shift: _share(*_shifted(f, x, shift)),
    probes=[
        call(_unchanged_map, draw(101, 3, 6, low=0, high=3), 1),
        call(_running_max, draw(102, 4, 7, low=0, high=4), 2),
        call(_running_max, draw(103, 2, 3, 5, low=0, high=4), -1),
        call(_weighed, draw(104, 2, 8, low=0, high=3), 3),
        call(_close_to_one, draw(105, 2, 6, low=0, high=3), 1),
        call(_one_number_a_row, draw(106, 6, 8, low=0, high=2), 1),
        call(_running_max, draw(107, 12, low=0, high=3), shift=4),
    ],
    in_numpy=True,
)

maxout = Exercise(
    oracle=lambda x, groups: x.unflatten(1, (groups, -1)).amax(2),
    probes=[
        call(draw(121, 2, 6, 3, 4), 2),
        call(draw(122, 2, 6, 3, 4), 3),
        call(_negative(123, 1, 4, 2, 5), 2),
        call(draw(124, 2, 4, 3, 3), 1),
        call(draw(125, 3, 9, 2, 3), 3),
    ],
)

rotation_tolerant = Exercise(
    oracle=lambda image, templates: (image * templates).sum((1, 2)).max(),
    probes=[
        call(draw(141, 4, 5), draw(142, 6, 4, 5)),
        call(draw(143, 3, 3), np.abs(draw(144, 3, 3)) * -draw(143, 3, 3)[None] * np.ones((2, 1, 1))),
        call(draw(145, 3, 4), np.stack([k * draw(145, 3, 4) for k in (0.1, 5.0, -9.0, 1.0)])),
        call(draw(146, 5, 5), draw(147, 1, 5, 5)),
        call(_bytes(148, 3, 4), _bytes(149, 3, 3, 4)),
        call(draw(150, 3, 4, low=-9, high=9, dtype="int64"), draw(151, 3, 3, 4)),
    ],
)


# ---------------------------------------------------------------- types, inputs, memory

# A maximum of integers is an integer, and a mean of bytes fits in a byte, so not every exercise has every one of these.
for _exercises, _function, _hint, _own_types in (
    (
        (max_pool2d, avg_pool2d, sum_pool2d, lp_pool2d, global_avg_pool, maxout),
        common.truncates_to_int,
        "Your results have lost what follows the decimal point: does your output array hold integers?",
        False,
    ),
    (
        (avg_pool2d, lp_pool2d, global_avg_pool),
        common.takes_the_type_of_its_input,
        "For an input of integers your results are cut to integers: which type does your output array have?",
        True,
    ),
    (
        (sum_pool2d,),
        common.uint8_overflow,
        "Numbers of type uint8 wrap around at 256: convert to float before you add.",
        True,
    ),
    (
        (max_pool2d, avg_pool2d, sum_pool2d, lp_pool2d, global_avg_pool, maxout, rotation_tolerant),
        common.changes_its_input,
        "Your function changes its input array. Work on a copy, or write y = x * ... for x *= ...",
        False,
    ),
    (
        (max_pool2d, avg_pool2d, sum_pool2d, lp_pool2d, global_avg_pool, maxout),
        common.keeps_a_result_between_calls,
        "Your function returns the same array each time, so a later call changes an earlier result. Make a new one.",
        False,
    ),
):
    shared_mistake(_hint, *_exercises, own_types=_own_types)(_function)


@avg_pool2d.mistake(
    "Numbers of type uint8 wrap around at 256: convert to float before you add.", own_types=True
)
def uint8_overflow(x, kernel_size, *args, **options):
    """Adds the window up in uint8, and divides then."""
    y = avg_pool2d.oracle(x.double(), kernel_size, *args, **options)
    n = np.prod(_pair(kernel_size))
    return y if x.is_floating_point() else y * n % 256 / n


@lp_pool2d.mistake(
    "Numbers of type uint8 wrap around at 256: convert to float before you take the power.", own_types=True
)
def uint8_overflow(x, p, kernel_size, stride=None):
    """uint8 to the power of p is uint8."""
    powers = x.double().abs() ** p
    powers = powers if x.is_floating_point() else powers % 256
    return _sum(powers, kernel_size, stride) ** (1 / p)


@global_avg_pool.mistake(
    "Numbers of type uint8 wrap around at 256: convert to float before you add.", own_types=True
)
def uint8_overflow(x):
    """Adds the map up in uint8, and divides then."""
    n = x[0, 0].numel()
    return x.double().mean((2, 3)) if x.is_floating_point() else x.double().sum((2, 3)) % 256 / n


@rotation_tolerant.mistake(
    "Numbers of type uint8 wrap around at 256: convert to float before you multiply.", own_types=True
)
def uint8_overflow(image, templates):
    """Multiplies uint8 by uint8, which wraps around."""
    return (image * templates).double().sum((1, 2)).max()


@max_pool2d.mistake(
    "An array of integers has no room for -inf. Convert to float first, or leave out what lies in the padding.",
    own_types=True,
)
def puts_infinity_into_integers(x, *args, **options):
    """np.full_like(x, -np.inf), or np.pad of an integer array with -np.inf."""
    if not x.is_floating_point():
        raise OverflowError("cannot convert float infinity to integer")
    return _max(x, *args, **options)


# ---------------------------------------------------------------- windows: the four poolings


def _windows_mistake(hint, *exercises):
    """Record one mistake for poolings with windows. The function gets oracle, x, kernel_size, stride, ...: no p."""

    def record(function):
        @functools.wraps(function)
        def with_p(oracle, x, p, *args, **options):
            return function(lambda x, *a, **o: oracle(x, p, *a, **o), x, *args, **options)

        for exercise in exercises:
            shared_mistake(hint, exercise)(with_p if exercise is lp_pool2d else function)
        return function

    return record


_all_four = (max_pool2d, avg_pool2d, sum_pool2d, lp_pool2d)


@_windows_mistake(
    "Without a stride your windows start one apart. What does stride=None stand for?", *_all_four
)
def stride_is_one(oracle, x, kernel_size, stride=None, *rest, **options):
    """Takes the default stride for 1, as in a convolution."""
    return oracle(x, kernel_size, 1 if stride is None else stride, *rest, **options)


@_windows_mistake(
    "Your result is the same for every stride: the windows always stand side by side.", *_all_four
)
def stride_is_kernel(oracle, x, kernel_size, stride=None, *rest, **options):
    """Ignores the stride and moves by the kernel size."""
    return oracle(x, kernel_size, None, *rest, **options)


@_windows_mistake(
    "Your columns do not follow the stride. It holds for both axes: an int means (int, int).", *_all_four
)
def stride_on_one_axis_only(oracle, x, kernel_size, stride=None, *rest, **options):
    """Uses the stride for the rows; columns move by the kernel size."""
    stride = None if stride is None else (_pair(stride)[0], _pair(kernel_size)[1])
    return oracle(x, kernel_size, stride, *rest, **options)


@_windows_mistake(
    "The two strides are exchanged: a pair is (height, width), first the step from row to row.", *_all_four
)
def swaps_stride_pair(oracle, x, kernel_size, stride=None, *rest, **options):
    """Reads a stride as (width, height)."""
    return oracle(x, kernel_size, None if stride is None else _pair(stride)[::-1], *rest, **options)


@_windows_mistake("The two sizes of the kernel are exchanged: a pair is (height, width).", *_all_four)
def swaps_kernel_pair(oracle, x, kernel_size, stride=None, *rest, **options):
    """Reads a kernel size as (width, height)."""
    return oracle(x, _pair(kernel_size)[::-1], stride, *rest, **options)


@_windows_mistake(
    "Kernel and stride are both read as (width, height). All pairs are (height, width), rows first.",
    *_all_four,
)
def pairs_as_width_and_height(oracle, x, kernel_size, stride=None, *rest, **options):
    """Reads kernel size and stride as (width, height)."""
    stride = None if stride is None else _pair(stride)[::-1]
    return oracle(x, _pair(kernel_size)[::-1], stride, *rest, **options)


@_windows_mistake(
    "The last columns are missing: you count the windows of a row by the height of the map.", *_all_four
)
def height_for_width(oracle, *args, **options):
    """Computes the output's width from the height of the input."""
    y = oracle(*args, **options)
    return y[..., : y.shape[-2]]


@_windows_mistake(
    "A row and a column are missing at the end. What is the largest start index whose window fits?",
    *_all_four,
)
def drops_the_last_window(oracle, *args, **options):
    """range(n - k) for range(n - k + 1)."""
    return oracle(*args, **options)[..., :-1, :-1]


@_windows_mistake(
    "You give the right number of results, but your windows start one apart, not a stride apart.", *_all_four
)
def stride_on_output_but_not_on_start(oracle, x, kernel_size, stride=None, *rest, **options):
    """The output gets smaller, the windows still start at 0, 1, 2, ..."""
    height, width = oracle(x, kernel_size, stride, *rest, **options).shape[-2:]
    return oracle(x, kernel_size, 1, *rest, **options)[..., :height, :width]


@_windows_mistake("Your rows and columns are exchanged.", *_all_four)
def swaps_output_axes(oracle, *args, **options):
    """Fills y[..., j, i]."""
    return oracle(*args, **options).mT


@_windows_mistake("Your result holds the first channel alone. Each channel is pooled on its own.", *_all_four)
def first_channel_only(oracle, *args, **options):
    """Pools x[:, :1]."""
    return oracle(*args, **options)[:, :1]


@_windows_mistake(
    "Your result holds the first sample alone. Each sample of the batch is pooled on its own.", *_all_four
)
def first_sample_only(oracle, *args, **options):
    """Pools x[:1]."""
    return oracle(*args, **options)[:1]


_BATCH = "Your result mixes the samples of the batch. Each sample is treated on its own."
_DEPTH = "Your result mixes the channels. Each channel is pooled on its own, so the depth stays as it is."


@shared_mistake(_BATCH, max_pool2d, maxout)
def pools_batch_together(oracle, *args, **options):
    """Takes the maximum over axis 0, too."""
    return oracle(*args, **options).amax(0, keepdim=True)


@shared_mistake(_BATCH, avg_pool2d)
def pools_batch_together(oracle, *args, **options):
    """Averages over axis 0, too."""
    return oracle(*args, **options).mean(0, keepdim=True)


@shared_mistake(_BATCH, sum_pool2d)
def pools_batch_together(oracle, *args, **options):
    """Sums over axis 0, too."""
    return oracle(*args, **options).sum(0, keepdim=True)


@lp_pool2d.mistake(_BATCH)
def pools_batch_together(x, p, kernel_size, stride=None):
    """Sums over axis 0, too."""
    return (_lp(x, p, kernel_size, stride) ** p).sum(0, keepdim=True) ** (1 / p)


@max_pool2d.mistake(_DEPTH)
def max_over_channels(x, *args, **options):
    """Takes the maximum over axis 1, too."""
    return _max(x, *args, **options).amax(1, keepdim=True)


@avg_pool2d.mistake(_DEPTH)
def averages_over_channels(x, *args, **options):
    """Averages over axis 1, too."""
    return avg_pool2d.oracle(x, *args, **options).mean(1, keepdim=True)


@sum_pool2d.mistake(_DEPTH)
def sums_over_channels(x, *args, **options):
    """Sums over axis 1, too, as a convolution does."""
    return _sum(x, *args, **options).sum(1, keepdim=True)


@lp_pool2d.mistake(_DEPTH)
def sums_over_channels(x, p, kernel_size, stride=None):
    """Sums over axis 1, too, as a convolution does."""
    return (_lp(x, p, kernel_size, stride) ** p).sum(1, keepdim=True) ** (1 / p)


@sum_pool2d.mistake("You return the mean of each window. Here its values are added up.")
def averages_instead_of_sums(x, kernel_size, stride=None):
    """Divides by the size of the window."""
    return _mean(x, kernel_size, stride)


@sum_pool2d.mistake("You return the largest value of each window. Here they are added up.")
def max_for_sum(x, kernel_size, stride=None):
    """Max pooling."""
    return _max(x, kernel_size, stride)


@shared_mistake(
    "Your result holds the last element of each window: it overwrites the ones before it.",
    max_pool2d,
    sum_pool2d,
)
def last_element_of_window(oracle, x, *args, **options):
    """= for max or += in the loop over the window."""
    at = _max(torch.arange(x[0, 0].numel(), dtype=x.dtype).view(1, 1, *x.shape[2:]), *args, **options)
    return x.flatten(2)[..., at[0, 0].long()]


# ---------------------------------------------------------------- windows: padding and ceil_mode


@_windows_mistake(
    "A short window at the end counts without ceil_mode, too. By default only windows that fit count.",
    max_pool2d,
    avg_pool2d,
)
def ceil_for_floor(oracle, x, kernel_size, stride=None, padding=0, ceil_mode=False, *rest, **options):
    """Always rounds the number of windows up."""
    return oracle(x, kernel_size, stride, padding, True, *rest, **options)


@_windows_mistake(
    "A short window at the end counts. Here only windows that fit entirely count.", sum_pool2d, lp_pool2d
)
def ceil_for_floor(oracle, x, kernel_size, stride=None):
    """Rounds the number of windows up; slices past the end are silently shorter."""
    steps = _pair(kernel_size if stride is None else stride)
    down, right = (-(n - k) % s for n, k, s in zip(x.shape[2:], _pair(kernel_size), steps, strict=True))
    return oracle(F.pad(x, (0, right, 0, down)), kernel_size, stride)


@_windows_mistake(
    "One row and one column too many: your last windows read past the end of the map.", sum_pool2d, lp_pool2d
)
def one_window_too_many(oracle, x, kernel_size, stride=None):
    """A slice past the end is silently shorter, or empty."""
    down, right = _pair(kernel_size if stride is None else stride)
    return oracle(F.pad(x, (0, right, 0, down)), kernel_size, stride)


@_windows_mistake(
    "All windows but the first have the wrong size. Where does a window that starts at row r end?",
    sum_pool2d,
    lp_pool2d,
)
def window_end_is_size(oracle, x, kernel_size, stride=None):
    """x[r:k] for x[r:r+k]: short windows, and soon empty ones."""
    height, width = _pair(kernel_size)
    seen = torch.zeros_like(x)
    seen[..., :height, :width] = x[..., :height, :width]
    return oracle(seen, kernel_size, stride)


@_windows_mistake(
    "Right as long as the windows stand side by side. Next comes the stride, then padding and ceil_mode.",
    max_pool2d,
    avg_pool2d,
)
def stops_at_the_first_rung(oracle, x, kernel_size, *args, **options):
    """Right for kernel_size alone: all other arguments are ignored."""
    return oracle(x, kernel_size)


@_windows_mistake(
    "Right without padding and ceil_mode, which make no difference yet. They are the next rungs.",
    max_pool2d,
    avg_pool2d,
)
def stops_at_the_stride(oracle, x, kernel_size, stride=None, *args, **options):
    """Right for kernel_size and stride: padding and ceil_mode are ignored."""
    return oracle(x, kernel_size, stride)


@avg_pool2d.mistake("Right without ceil_mode and count_include_pad=False. They are the next rungs.")
def stops_at_the_padding(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Right for kernel_size, stride and padding: ceil_mode and count_include_pad are ignored."""
    return _mean(x, kernel_size, stride, padding)


@_windows_mistake(
    "Your result is the same with ceil_mode as without: the short windows at the end are missing.",
    max_pool2d,
    avg_pool2d,
)
def ceil_mode_ignored(oracle, x, kernel_size, stride=None, padding=0, ceil_mode=False, *rest, **options):
    """Always rounds the number of windows down."""
    return oracle(x, kernel_size, stride, padding, False, *rest, **options)


@_windows_mistake(
    "With ceil_mode your output has room for the short windows, but nothing is written there.",
    max_pool2d,
    avg_pool2d,
)
def short_window_dropped(oracle, x, kernel_size, stride=None, padding=0, ceil_mode=False, *rest, **options):
    """Skips a window that hangs over the end, so that the zeros of the empty output stay."""
    height, width = oracle(x, kernel_size, stride, padding, False, *rest, **options).shape[-2:]
    y = oracle(x, kernel_size, stride, padding, ceil_mode, *rest, **options).clone()
    y[..., height:, :] = 0
    y[..., width:] = 0
    return y


def _all_windows(y, fill, x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """y with the rows and columns of windows that hold nothing but padding."""
    sizes = zip(x.shape[2:], _pair(kernel_size), _pair(stride or kernel_size), _pair(padding), strict=True)
    down, right = (
        (-((k - n - 2 * p) // s) if ceil_mode else (n + 2 * p - k) // s) + 1 - have
        for (n, k, s, p), have in zip(sizes, y.shape[2:], strict=True)
    )
    return F.pad(y, (0, right, 0, down), value=fill)


_IN_PADDING = "With ceil_mode and padding you count a window that starts beyond the last real value."


@max_pool2d.mistake(_IN_PADDING)
def ceil_window_starts_in_padding(x, *args, **options):
    """Rounds up, and keeps a window that starts in the padding on the right or below."""
    return _all_windows(_max(x, *args, **options), -torch.inf, x, *args, **options)


@avg_pool2d.mistake(_IN_PADDING)
def ceil_window_starts_in_padding(x, *args, **options):
    """Rounds up, and keeps a window that starts in the padding on the right or below."""
    return _all_windows(avg_pool2d.oracle(x, *args, **options), 0.0, x, *args, **options)


@_windows_mistake("Your result is the same for every padding.", max_pool2d, avg_pool2d)
def ignores_padding(oracle, x, kernel_size, stride=None, padding=0, *rest, **options):
    """Leaves the padding out."""
    return oracle(x, kernel_size, stride, 0, *rest, **options)


@_windows_mistake(
    "The two paddings are exchanged: a pair is (height, width), first the rows above and below.",
    max_pool2d,
    avg_pool2d,
)
def swaps_pad_axes(oracle, x, kernel_size, stride=None, padding=0, *rest, **options):
    """Reads a padding as (width, height)."""
    return oracle(x, kernel_size, stride, _pair(padding)[::-1], *rest, **options)


def _padded(x, padding, value, both_sides=True):
    down, right = _pair(padding)
    return F.pad(x, (right, right * both_sides, down, down * both_sides), value=value)


def _max_of_padded(value, x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """Max pooling where the padding holds a value of its own."""
    y = _max(x, kernel_size, stride, padding, ceil_mode)
    padded = _max(_padded(x, padding, value), kernel_size, stride, 0, ceil_mode)
    return padded[..., : y.shape[-2], : y.shape[-1]]


@max_pool2d.mistake("Where all values of a window are negative, your padding wins with a 0. What never wins?")
def zero_padding_for_max(x, *args, **options):
    """Pads with zeros."""
    return _max_of_padded(0.0, x, *args, **options)


@max_pool2d.mistake(
    "Your padding is a negative number, but not negative enough: a window may hold smaller ones."
)
def pads_with_a_finite_number(x, *args, **options):
    """Pads with -1e9 for -inf."""
    return _max_of_padded(-1e9, x, *args, **options)


@max_pool2d.mistake("You pad above and on the left only: padding p adds p on both sides.")
def pads_one_side(x, kernel_size, stride=None, padding=0, ceil_mode=False):
    """p for 2p."""
    return _max(_padded(x, padding, -torch.inf, both_sides=False), kernel_size, stride, 0, ceil_mode)


@avg_pool2d.mistake("You pad above and on the left only: padding p adds p on both sides.")
def pads_one_side(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """p for 2p."""
    return _mean(_padded(x, padding, 0.0, both_sides=False), kernel_size, stride, 0, ceil_mode)


# ---------------------------------------------------------------- max_pool2d


@max_pool2d.mistake("Where all values of a window are negative you return 0: with what do you start?")
def starts_max_at_zero(x, *args, **options):
    """best = 0 before the loop, or a maximum with an array of zeros."""
    return _max(x, *args, **options).clamp_min(0)


@max_pool2d.mistake("You return a mean. The largest value of each window is asked for.")
def average_for_max(x, *args, **options):
    """Average pooling."""
    return _mean(x, *args, **options)


@max_pool2d.mistake("A large negative value wins: an absolute value hides the sign.")
def takes_the_absolute_value(x, *args, **options):
    """The largest |x|."""
    return _max(x.abs(), *args, **options)


@max_pool2d.mistake(
    "All windows but the first have the wrong size. Where does a window that starts at row r end?"
)
def window_end_is_size(x, kernel_size, *args, **options):
    """x[r:k] for x[r:r+k]: short windows, and soon empty ones."""
    seen = torch.full_like(x, -torch.inf)
    height, width = _pair(kernel_size)
    seen[..., :height, :width] = x[..., :height, :width]
    y = _max(seen, kernel_size, *args, **options)
    if y.isinf().any():
        raise ValueError("zero-size array to reduction operation maximum which has no identity")
    return y


# ---------------------------------------------------------------- avg_pool2d: the divisor


@avg_pool2d.mistake("count_include_pad works the wrong way round: True, the default, counts the padding.")
def wrong_divisor(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Counts the padding where it shouldn't, and doesn't where it should."""
    return _mean(x, kernel_size, stride, padding, ceil_mode, not count_include_pad)


@avg_pool2d.mistake("With count_include_pad=False you still divide by a count that includes the padding.")
def padding_always_counted(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Ignores count_include_pad=False."""
    return _mean(x, kernel_size, stride, padding, ceil_mode, True)


@avg_pool2d.mistake(
    "You divide by the number of real values. By default the zeros of the padding count, too."
)
def padding_never_counted(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Takes the mean of what is left of the window inside the map."""
    return _mean(x, kernel_size, stride, padding, ceil_mode, False)


@avg_pool2d.mistake(
    "A short window of ceil_mode is divided by the size of a whole one. What hangs over the padding does not count."
)
def short_window_full_divisor(
    x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    """Divides by kH * kW where the window hangs over the padded map."""
    whole = int(np.prod(_pair(kernel_size)))
    divisor = whole if count_include_pad else None
    return _mean(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)


@avg_pool2d.mistake(
    "You always divide by the size of the kernel. Look at count_include_pad and at short windows."
)
def always_divides_by_the_kernel(
    x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    """Divides by kH * kW everywhere."""
    return _mean(x, kernel_size, stride, padding, ceil_mode, divisor=int(np.prod(_pair(kernel_size))))


@avg_pool2d.mistake("You divide by the number of outputs. A mean is divided by the size of its own window.")
def divides_by_output_size(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Divides by Ho * Wo."""
    y = _mean(x, kernel_size, stride, padding, ceil_mode)
    return _mean(x, kernel_size, stride, padding, ceil_mode, divisor=y[0, 0].numel())


@avg_pool2d.mistake("You return the sum of each window: divide it.")
def forgets_to_divide(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Sum pooling."""
    return _mean(x, kernel_size, stride, padding, ceil_mode, divisor=1)


@avg_pool2d.mistake("A kernel that is not square is divided by the wrong number: it has kH * kW cells.")
def divides_by_height_squared(
    x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    """k ** 2 with k = kernel_size[0]."""
    height, width = _pair(kernel_size)
    return _mean(x, kernel_size, stride, padding, ceil_mode, count_include_pad) * width / height


@avg_pool2d.mistake("You return the largest value of each window. Here the mean is asked for.")
def max_for_average(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Max pooling."""
    return _max(x, kernel_size, stride, padding, ceil_mode)


# ---------------------------------------------------------------- lp_pool2d


@lp_pool2d.mistake("You return the sum of the powers. One step is missing: the p-th root.")
def lp_without_root(x, p, kernel_size, stride=None):
    """Sum of |x|^p."""
    return _lp(x, p, kernel_size, stride) ** p


@lp_pool2d.mistake("Negative values go wrong for an odd p: a norm takes absolute values first.")
def abs_forgotten_in_lp(x, p, kernel_size, stride=None):
    """Sum of x^p, whose root is nan where it is negative."""
    return _sum(x**p, kernel_size, stride) ** (1 / p)


@lp_pool2d.mistake("You take the absolute value of the sum; it belongs to each element, before the power.")
def absolute_value_of_the_sum(x, p, kernel_size, stride=None):
    """|sum of x^p|: values of opposite sign cancel."""
    return _sum(x**p, kernel_size, stride).abs() ** (1 / p)


@lp_pool2d.mistake("You divide by the size of the window. A norm is the root of a sum, not of a mean.")
def averages_instead_of_sums(x, p, kernel_size, stride=None):
    """The power mean."""
    return _mean(x.abs() ** p, kernel_size, stride) ** (1 / p)


@lp_pool2d.mistake("Your root is right for p = 2 alone.")
def always_the_square_root(x, p, kernel_size, stride=None):
    """np.sqrt for the p-th root."""
    return _sum(x.abs() ** p, kernel_size, stride).sqrt()


@lp_pool2d.mistake("Your result is the same for every p.")
def ignores_p(x, p, kernel_size, stride=None):
    """The Euclidean norm."""
    return _lp(x, 2, kernel_size, stride)


@lp_pool2d.mistake("You take the root of each element, before the sum. It belongs after it.")
def root_before_the_sum(x, p, kernel_size, stride=None):
    """Sum of (|x|^p)^(1/p), which is the sum of |x|."""
    return _lp(x, 1, kernel_size, stride)


@lp_pool2d.mistake("You multiply by p. A power is asked for, ** and not *.")
def multiplies_by_p(x, p, kernel_size, stride=None):
    """p |x| for |x|^p."""
    return _sum(x.abs() * p, kernel_size, stride) ** (1 / p)


# ---------------------------------------------------------------- global_avg_pool


@global_avg_pool.mistake("You average over the channels, too: one number for each channel is asked for.")
def global_mean_over_channels(x):
    """Averages over axes 1, 2 and 3."""
    return x.mean((1, 2, 3))


@global_avg_pool.mistake("You average over the batch, too. Each sample is pooled on its own.")
def pools_batch_together(x):
    """Averages over axes 0, 2 and 3."""
    return x.mean((0, 2, 3))


@global_avg_pool.mistake(
    "Your values are right, but two axes of length 1 are left over: (N, C) is asked for."
)
def keeps_the_axes(x):
    """keepdims=True, torch's AdaptiveAvgPool2d(1)."""
    return x.mean((2, 3), keepdim=True)


@global_avg_pool.mistake("You average over one axis of the map only; a map has two.")
def pools_one_axis_only(x):
    """Averages over the last axis."""
    return x.mean(3)


@global_avg_pool.mistake("You return sums: divide by the number of values in a map.")
def forgets_to_divide(x):
    """Global sum pooling."""
    return x.sum((2, 3))


@global_avg_pool.mistake("You divide by the wrong number. How many values does one map have?")
def divides_by_output_size(x):
    """Divides by N * C."""
    return x.sum((2, 3)) / x[..., 0, 0].numel()


@global_avg_pool.mistake("A map that is not square is divided by the wrong number: it has H * W values.")
def divides_by_height_squared(x):
    """H ** 2 for H * W."""
    return x.sum((2, 3)) / x.shape[2] ** 2


@global_avg_pool.mistake("You return the largest value of each map. Here the mean is asked for.")
def max_for_average(x):
    """Global max pooling."""
    return x.amax((2, 3))


@global_avg_pool.mistake("Your axes are exchanged: (N, C), one row a sample.")
def swaps_output_axes(x):
    """(C, N)."""
    return x.mean((2, 3)).T


# ---------------------------------------------------------------- pool_as_conv


@pool_as_conv.mistake("With weights of 1 the convolution gives sums. What makes a mean of them?")
def forgets_to_divide(kernel_size, channels):
    """Ones: sum pooling."""
    return torch.ones(channels, 1, *_pair(kernel_size))


@pool_as_conv.mistake("Your kernels read every channel. In a grouped convolution each reads its own alone.")
def averages_over_channels(kernel_size, channels):
    """(C, C, kH, kW), all equal: it averages over the channels, too."""
    return torch.full((channels, channels, *_pair(kernel_size)), 1 / np.prod((channels, *_pair(kernel_size))))


@pool_as_conv.mistake(
    "These are the weights without groups, with zeros for all other channels. With groups the zeros go away."
)
def weights_without_groups(kernel_size, channels):
    """(C, C, kH, kW) with zeros off the diagonal: right for groups=1."""
    return torch.einsum(
        "cd,cbhw->cdhw", torch.eye(channels).double(), pool_as_conv.oracle(kernel_size, channels)
    )


@pool_as_conv.mistake(
    "Your first two axes are exchanged: there are as many kernels as channels, each of depth 1."
)
def swaps_in_and_out_channels(kernel_size, channels):
    """(1, C, kH, kW)."""
    return pool_as_conv.oracle(kernel_size, channels).transpose(0, 1)


@pool_as_conv.mistake("The two sizes of the kernel are exchanged: a pair is (height, width).")
def swaps_kernel_pair(kernel_size, channels):
    """(C, 1, kW, kH)."""
    return pool_as_conv.oracle(kernel_size, channels).mT


@pool_as_conv.mistake("A kernel that is not square has the wrong weights: it has kH * kW of them.")
def divides_by_height_squared(kernel_size, channels):
    """1 / k ** 2 with k = kernel_size[0]."""
    height, width = _pair(kernel_size)
    return pool_as_conv.oracle(kernel_size, channels) * width / height


@pool_as_conv.mistake("You divide by the number of channels, too, but each kernel reads one channel alone.")
def divides_by_channels(kernel_size, channels):
    """1 / (C * kH * kW)."""
    return pool_as_conv.oracle(kernel_size, channels) / channels


@pool_as_conv.mistake("An axis is missing: weights are (kernels, depth of a kernel, kH, kW).")
def drops_an_axis(kernel_size, channels):
    """(C, kH, kW)."""
    return pool_as_conv.oracle(kernel_size, channels)[:, 0]


@pool_as_conv.mistake("Your weights are all 0: do they lose what follows the decimal point?")
def truncates_to_int(kernel_size, channels):
    """1 // n, or an array of integers."""
    return pool_as_conv.oracle(kernel_size, channels).trunc()


# ---------------------------------------------------------------- changed_by_shift


@changed_by_shift.mistake("You return the share that stays the same. The share that differs is asked for.")
def share_that_stays(f, x, shift):
    """== for !=."""
    return 1 - changed_by_shift.oracle(f, x, shift)


@changed_by_shift.mistake("You compare x with the shifted x: f is never asked.")
def compares_the_inputs(f, x, shift):
    """Leaves f out."""
    return changed_by_shift.oracle(_unchanged_map, x, shift)


@changed_by_shift.mistake("You shift the output of f. The input is shifted, and f computes anew.")
def shifts_the_output(f, x, shift):
    """Compares f(x) with f(x) rolled."""
    return changed_by_shift.oracle(_unchanged_map, np.asarray(f(x)), shift)


@changed_by_shift.mistake(
    "You compare with an output that has moved along: that measures equivariance. Compare in place."
)
def compares_along_the_shift(f, x, shift):
    """Compares f(rolled x) with f(x) rolled."""
    a, b = _shifted(f, x, shift)
    return _share(a.roll(shift, -1), b)


@changed_by_shift.mistake("You shift in the wrong direction. np.roll moves values to higher indices.")
def shifts_the_other_way(f, x, shift):
    """np.roll(x, -shift)."""
    return changed_by_shift.oracle(f, x, -shift)


@changed_by_shift.mistake("You shift along the first axis; the last one is asked for.")
def shifts_the_first_axis(f, x, shift):
    """axis=0."""
    t = torch.from_numpy(np.array(x, order="C"))
    return _share(*(torch.as_tensor(np.array(f(each.numpy()))) for each in (t, t.roll(shift, 0))))


@changed_by_shift.mistake("Values run over from one row into the next: np.roll without an axis does that.")
def shifts_across_rows(f, x, shift):
    """np.roll without axis."""
    t = torch.from_numpy(np.array(x, order="C"))
    return _share(*(torch.as_tensor(np.array(f(each.numpy()))) for each in (t, t.roll(shift))))


@changed_by_shift.mistake("What leaves the array on one side must come back in on the other; you lose it.")
def shifts_in_zeros(f, x, shift):
    """Fills up with zeros."""
    t = torch.from_numpy(np.array(x, order="C"))
    rolled = t.roll(shift, -1)
    rolled[..., slice(None, shift) if shift > 0 else slice(shift, None)] = 0
    return _share(*(torch.as_tensor(np.array(f(each.numpy()))) for each in (t, rolled)))


@changed_by_shift.mistake("Your result is the same for every shift.")
def always_shifts_by_one(f, x, shift):
    """Ignores the shift."""
    return changed_by_shift.oracle(f, x, 1)


@changed_by_shift.mistake("You return how many values differ. Which share of all values is that?")
def counts_instead_of_share(f, x, shift):
    """Doesn't divide."""
    a, b = _shifted(f, x, shift)
    return float((a != b).sum())


@changed_by_shift.mistake("You divide by the number of values in x. The values of f(x) may be fewer.")
def divides_by_input_size(f, x, shift):
    """x.size for f(x).size."""
    a, b = _shifted(f, x, shift)
    return float((a != b).sum()) / x.size


@changed_by_shift.mistake("Your result is 1 as soon as one value differs. A share is asked for.")
def any_for_share(f, x, shift):
    """np.any for np.mean."""
    return float(changed_by_shift.oracle(f, x, shift) > 0)


@changed_by_shift.mistake("Small differences count, too: the comparison is exact.")
def tolerates_small_differences(f, x, shift):
    """np.isclose."""
    a, b = _shifted(f, x, shift)
    return _share(torch.isclose(a * 1.0, b * 1.0), torch.tensor(True))


@changed_by_shift.mistake("You return how much the values differ. How many of them do is asked for.")
def mean_difference(f, x, shift):
    """Mean of |a - b|."""
    a, b = _shifted(f, x, shift)
    return (a - b).abs().double().mean().item()


@changed_by_shift.mistake("Values that get smaller count as changes, too.")
def counts_one_direction(f, x, shift):
    """f(rolled x) > f(x)."""
    a, b = _shifted(f, x, shift)
    return (b > a).double().mean().item()


@changed_by_shift.mistake("Your function changes its input array: np.roll already gives a new one.")
def changes_its_input(f, x, shift):
    """x[:] = np.roll(x, shift)."""
    a, b = _shifted(f, x, shift)
    x *= 2
    return _share(a, b)


# ---------------------------------------------------------------- maxout


@maxout.mistake("Your groups are interleaved: group g holds neighbours, the channels g*k to g*k + k - 1.")
def maxout_across_groups(x, groups):
    """Channels g, g + G, g + 2G, ... for g*k ... g*k + k - 1."""
    return x.unflatten(1, (-1, groups)).amax(1)


@maxout.mistake("You return a mean. The largest value of each group is asked for.")
def average_for_maxout(x, groups):
    """Mean over the group."""
    return x.unflatten(1, (groups, -1)).mean(2)


@maxout.mistake(
    "You compare channels of different groups. Which axis of the reshaped array runs inside a group?"
)
def maximum_over_the_groups(x, groups):
    """Reshapes to (N, G, k, H, W) and takes the maximum over G."""
    return x.unflatten(1, (groups, -1)).amax(1)


@maxout.mistake("You read groups as the size of a group. It is the number of groups, and of output channels.")
def groups_is_the_size(x, groups):
    """k for G."""
    return x.unflatten(1, (-1, groups)).amax(2)


@maxout.mistake("You return one map, the maximum over all channels. Each group has a map of its own.")
def max_over_all_channels(x, groups):
    """Ignores the groups."""
    return x.amax(1, keepdim=True)


@maxout.mistake("You return the sum of each group. Its largest value is asked for.")
def sum_for_maxout(x, groups):
    """Sum over the group."""
    return x.unflatten(1, (groups, -1)).sum(2)


@maxout.mistake("You return the first channel of each group, whatever the others hold.")
def first_of_group(x, groups):
    """x[:, ::k]."""
    return x.unflatten(1, (groups, -1))[:, :, 0]


@maxout.mistake("You return the last channel of each group: it overwrites the ones before it.")
def last_of_group(x, groups):
    """= for np.maximum in a loop."""
    return x.unflatten(1, (groups, -1))[:, :, -1]


@maxout.mistake("Where a whole group is negative you return 0: with what do you start?")
def starts_max_at_zero(x, groups):
    """np.zeros before np.maximum, or a ReLU."""
    return maxout.oracle(x, groups).clamp_min(0)


@maxout.mistake("An axis of length 1 is left over: (N, G, H, W) is asked for.")
def keeps_the_axes(x, groups):
    """keepdims=True."""
    return maxout.oracle(x, groups).unsqueeze(2)


@maxout.mistake("You pool over positions, too. Maxout looks across channels at one position.")
def pools_positions(x, groups):
    """Maximum over the map as well."""
    return maxout.oracle(x, groups).amax((2, 3))


# ---------------------------------------------------------------- rotation_tolerant


@rotation_tolerant.mistake("You ask the first template only.")
def first_template_only(image, templates):
    """templates[0]."""
    return (image * templates[0]).sum()


@rotation_tolerant.mistake("Your result is that of the last template: it overwrites the ones before it.")
def last_template_only(image, templates):
    """= for max in the loop."""
    return (image * templates[-1]).sum()


@rotation_tolerant.mistake("You average over the templates. One that fits is enough: which one counts?")
def average_for_maximum(image, templates):
    """Mean of the inner products."""
    return (image * templates).sum((1, 2)).mean()


@rotation_tolerant.mistake("You add the answers of all templates up. One that fits is enough.")
def sums_over_templates(image, templates):
    """Sum of the inner products."""
    return (image * templates).sum()


@rotation_tolerant.mistake("You return the largest product of two pixels. First sum, then take the maximum.")
def maximum_before_the_sum(image, templates):
    """Maximum over everything."""
    return (image * templates).max()


@rotation_tolerant.mistake(
    "You take the maximum pixel by pixel, so pieces of several templates are mixed. First sum, then take it."
)
def maximum_at_each_pixel(image, templates):
    """Sum of the maxima."""
    return (image * templates).amax(0).sum()


@rotation_tolerant.mistake("Where no template fits you return 0: with what do you start?")
def starts_max_at_zero(image, templates):
    """best = 0 before the loop."""
    return rotation_tolerant.oracle(image, templates).clamp_min(0)


@rotation_tolerant.mistake(
    "A template upside down in brightness counts as a fit: an absolute value hides the sign."
)
def takes_the_absolute_value(image, templates):
    """The largest |inner product|."""
    return (image * templates).sum((1, 2)).abs().max()


@rotation_tolerant.mistake("You return which template fits best. How well it fits is asked for.")
def returns_the_index(image, templates):
    """argmax for max."""
    return (image * templates).sum((1, 2)).argmax()


@rotation_tolerant.mistake("Your result is divided by the norms. Here the plain inner product is asked for.")
def divides_by_the_norms(image, templates):
    """The largest cosine."""
    return ((image * templates).sum((1, 2)) / templates.flatten(1).norm(dim=1)).max() / image.norm()


@rotation_tolerant.mistake("Your result is smaller by the number of pixels: a sum is asked for, not a mean.")
def averages_instead_of_sums(image, templates):
    """Mean of the products."""
    return (image * templates).mean((1, 2)).max()


@rotation_tolerant.mistake("You return one answer for each template. Which of them counts?")
def forgets_the_maximum(image, templates):
    """All inner products."""
    return (image * templates).sum((1, 2))
