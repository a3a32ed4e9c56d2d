"""Chapter 3: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

from dataclasses import replace
from itertools import accumulate, pairwise

import torch
import torch.nn.functional as F
from torch import nn

from course.kit.common import (
    changes_its_input,
    common_mistakes,
    keeps_a_result_between_calls,
    truncates_to_int,
)
from course.kit.compare import Difference, difference
from course.kit.exercise import Call, Exercise, Mistake, Outcome, call, draw, shared_mistake


class Questions(Exercise):
    """An exercise whose result is a dict of answers. A call that states some of them asks for these alone.

    So each group of questions has marks of its own, and a mistake is known by the answers that it gets wrong, whatever
    the others are. An answer to no question is wrong in every group: most likely a misspelt key.
    """

    _asked = None  # the keys of the group that was found wrong last, until the mistake is looked for

    def expected(self, given: Call) -> dict:
        answers = super().expected(given)
        return {key: answers[key] for key in given.stated} if given.stated else answers

    def outcome(self, function, given: Call, again: bool = True) -> Outcome:
        found = super().outcome(function, given, again)
        if not given.stated or not isinstance(found.value, dict):
            return found
        others = self.oracle().keys() - given.stated.keys()
        return replace(found, value={k: v for k, v in found.value.items() if k not in others})

    def verdict(self, given: Call, outcome: Outcome) -> Difference | None:
        """As ever, but a key that is missing or unknown is named: keys are no secret."""
        found = super().verdict(given, outcome)
        self._asked = given.stated.keys() if found and given.stated else None
        if found and given.stated and isinstance(outcome.value, dict):
            if missing := [key for key in given.stated if key not in outcome.value]:
                return Difference("key", f"your dict has no answer to {missing[0]!r} yet")
            if unknown := [key for key in outcome.value if key not in given.stated]:
                return Difference("key", f"{unknown[0]!r} is not one of the keys that are asked for")
        return found

    def diagnose(self, function) -> Mistake | None:
        """The mistake that explains most of the answers there are, at least one of them in the group asked for."""
        probe, right = self.probes[0], self.oracle()
        asked, self._asked = self._asked or right.keys(), None
        got = self.outcome(function, probe).value
        if not isinstance(got, dict):
            return super().diagnose(function)
        likely = []
        for mistake in self.mistakes.values():
            told = self._mistaken_outcome(mistake, probe).value
            slips = {key for key in right if told[key] != right[key]}
            given = slips & got.keys()
            if given & asked and all(difference(told[key], got[key]) is None for key in given):
                likely.append((len(given), -len(slips), mistake))
        return max(likely, key=lambda row: row[:2])[2] if likely else None


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _bytes(seed, *shape):
    return draw(seed, *shape, low=100, high=200, dtype="uint8")


def _size(n, k, stride=1, padding=0, dilation=1):
    """Ask torch's convolution how many values it gives, without any values."""
    x, w = torch.empty(1, 1, n, device="meta"), torch.empty(1, 1, k, device="meta")
    try:
        return F.conv1d(x, w, None, stride, padding, dilation).shape[-1]
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def _sides(padding):
    """(left, right, top, bottom), as torch pads."""
    if isinstance(padding, int) or len(padding) == 2:
        height, width = _pair(padding)
        return width, width, height, height
    return tuple(padding)


_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def _pad(x, padding, mode="zeros"):
    if mode not in _MODES:
        raise ValueError(f"no such mode: {mode}")
    return F.pad(x, _sides(padding), mode=_MODES[mode])


def _padding_for(kind, k, dilation=1):
    total = dilation * (k - 1)
    return {"valid": (0, 0), "same": (total // 2, total - total // 2), "full": (total, total)}[kind]


def _padding_or_error(kind, k, dilation=1):
    if kind not in ("valid", "same", "full"):
        raise ValueError(f"no such kind: {kind}")
    return _padding_for(kind, k, dilation)


def _starts(n, k, stride):
    return torch.arange(n).unfold(0, k, stride)[:, 0].tolist() if k <= n else []


def _covered(starts, k):
    return {start + tap for start in starts for tap in range(k)}


def _unseen(n, k, stride):
    return sorted(set(range(n)) - _covered(_starts(n, k, stride), k))


def _depth(n, k):
    sizes = [n]
    while sizes[-1] >= k:
        sizes.append(_size(sizes[-1], k))
    return sizes


def _field(layers):
    """The input that one output value reaches, found by sending it back through the layers."""
    y = torch.ones(1, 1, 1)
    for k, stride, dilation in reversed(layers):
        y = F.conv_transpose1d(y, torch.ones(1, 1, k), stride=stride, dilation=dilation)
    return y.shape[-1]


def _fields(layers):
    return [_field(layers[: i + 1]) for i in range(len(layers))]


def _count(module):
    return sum(p.numel() for p in module.parameters())


def _conv_count(c_in, c_out, kernel_size, bias=True):
    return _count(nn.Conv2d(c_in, c_out, kernel_size, bias=bias, device="meta"))


def _linear_count(n_in, n_out, bias=True):
    return _count(nn.Linear(n_in, n_out, bias=bias, device="meta"))


def _answers(conv=_conv_count, linear=_linear_count, flat=(5 * 5 * 16, 20 * 3), depth=9, hidden=3, pools=0):
    """All answers, from the two ways to count and what a lecture's slip can change."""
    rows = (conv(3, 8, 5), conv(8, 16, 5), linear(flat[0], 120), linear(120, 84), linear(84, 10))
    widths = [21 * 40, *[128] * hidden, 138]
    mlp = list(pairwise(widths))
    return {
        "rgb_300x300_dense_100": linear(300 * 300 * 3, 100),
        "rgb_300x300_conv_100_5x5": conv(3, 100, 5),
        "conv_63x63x16_32_7x7_stride2": (29, 29, 32),
        "padding_for_same_7x7": 3,
        "conv_32x32x3_ten_5x5_pad2": (32, 32, 10),
        "conv_32x32x3_ten_5x5_parameters": conv(3, 10, 5),
        "pixels_400x290": 400 * 290,
        "audio_mlp_weights": sum(a * b for a, b in mlp),
        "audio_mlp_parameters": sum(linear(a, b) for a, b in mlp),
        "text_dense": linear(1000 * 100, 1000 * 100),
        "text_conv_k5": conv(100, 100, (5, 1)),
        "filters_4_3x3x3": conv(3, 4, 3),
        "small_cnn_rows": rows,
        "small_cnn_total": sum(rows) + pools,
        "audio_ten_layer_cnn_parameters": conv(1, 3, 3) + depth * conv(3, 3, 3) + linear(flat[1], 138),
    }


output_size = Exercise(
    oracle=_size,
    probes=[
        call(7, 3),
        call(7, 3, padding=1),
        call(9, 3, 2),
        call(10, 3, 3),
        call(11, 3, stride=3),
        call(12, 4, 3, 2, 1),
        call(9, 3, 3, 2, 2),
        call(13, 2, 4, 1, dilation=3),
        call(15, 3, dilation=2),
        call(3, 5).raises(ValueError),
        call(6, 3, dilation=3).raises(ValueError),
        call(2, 5, 2, 1).raises(ValueError),
    ],
)

pad2d = Exercise(
    oracle=_pad,
    probes=[
        call(draw(1, 2, 3, 4, 5), 2),
        call(draw(2, 1, 2, 4, 5), (1, 2)),
        call(draw(3, 1, 2, 3, 5), (1, 2, 0, 3)),
        call(draw(4, 1, 1, 4, 5), (2, 3), mode="reflect"),
        call(draw(5, 2, 1, 4, 6), (3, 1, 2, 1), "reflect"),
        call(draw(6, 1, 2, 4, 5), 2, "replicate"),
        call(draw(7, 1, 1, 4, 5), (1, 2, 3, 0), "replicate"),
        call(draw(8, 1, 2, 4, 5), (2, 1), "circular"),
        call(draw(9, 1, 1, 3, 4), (0, 4, 3, 1), mode="circular"),
        call(draw(10, 1, 1, 3, 4), 1, "constant").raises(ValueError),
        call(draw(11, 1, 2, 3, 4), 0),
        call(_bytes(12, 1, 1, 3, 4), 1),
    ],
    banned=("numpy.pad",),
)

padding_for = Exercise(
    oracle=_padding_or_error,
    probes=[
        call("valid", 3),
        call("same", 3),
        call("same", 4),
        call("same", 6),
        call("same", 5, 2),
        call("same", 4, dilation=3),
        call("same", 4, 2),
        call("full", 3),
        call("full", 4, dilation=2),
        call("none", 3).raises(ValueError),
    ],
)

conv2d = Exercise(
    oracle=lambda x, w, b=None, stride=1, padding=0, dilation=1: F.conv2d(x, w, b, stride, padding, dilation),
    probes=[
        call(draw(21, 1, 1, 5, 8), draw(22, 1, 1, 3, 2)),
        call(draw(23, 2, 3, 7, 10), draw(24, 4, 3, 2, 3), draw(25, 4), stride=(2, 3), padding=(1, 2)),
        call(draw(26, 2, 2, 9, 8), draw(27, 3, 2, 3, 2), draw(28, 3), dilation=(2, 3)),
        call(draw(29, 1, 2, 9, 7), draw(30, 2, 2, 3, 3), None, 2, 1),
        call(draw(31, 2, 2, 8, 9), draw(32, 2, 2, 2, 3), draw(33, 2), padding=(2, 1), dilation=2),
        call(draw(34, 1, 2, 3, 4), draw(35, 2, 2, 3, 4), draw(36, 2)),
        call(draw(37, 1, 2, 10, 11), draw(38, 3, 2, 2, 3), stride=3, padding=1, dilation=2),
        call(_bytes(39, 1, 2, 5, 6), draw(40, 2, 2, 3, 2), draw(41, 2), padding=1),
        call(_bytes(42, 1, 2, 5, 6), _bytes(43, 2, 2, 3, 2)),
    ],
)

unseen = Exercise(
    oracle=_unseen,
    probes=[
        call(7, 3, 1),
        call(8, 3, 2),
        call(5, 3, 3),
        call(10, 2, 4),
        call(11, 2, stride=4),
        call(13, 3, 4),
        call(3, 5, 1),
        call(9, 1, 3),
        call(6, 6, 2),
    ],
)

depth_until_one = Exercise(
    oracle=_depth,
    probes=[
        call(16, 6),
        call(15, 6),
        call(14, 6),
        call(7, 3),
        call(8, 3),
        call(3, 5),
        call(5, 5),
        call(6, k=2),
    ],
)

receptive_fields = Exercise(
    oracle=_fields,
    probes=[
        call([(3, 1, 1), (3, 1, 1), (3, 1, 1)]),
        call([(3, 2, 1), (3, 1, 1)]),
        call([(5, 1, 1), (2, 2, 1), (3, 3, 1), (2, 1, 1), (3, 1, 1)]),
        call([(3, 1, 1), (3, 1, 2), (3, 1, 4)]),
        call([(5, 2, 2), (2, 2, 1), (3, 1, 3), (1, 1, 1)]),
        call([(1, 2, 1), (3, 1, 1)]),
    ],
)

conv_parameters = Exercise(
    oracle=_conv_count,
    probes=[
        call(3, 4, 3),
        call(2, 5, (3, 2)),
        call(6, 1, (1, 4), bias=False),
        call(7, 3, 1),
        call(2, 4, 3, False),
    ],
)

linear_parameters = Exercise(
    oracle=_linear_count,
    probes=[call(5, 3), call(3, 7), call(4, 6, False), call(1, 9), call(9, 1)],
)

lecture_answers = Questions(oracle=_answers, probes=[call()])


# ---------------------------------------------------------------- output_size


@output_size.mistake("You add the padding once, but there are two sides to pad.")
def forgets_two_sides(n, k, stride=1, padding=0, dilation=1):
    """n + p for n + 2p."""
    return _size(n + padding, k, stride, 0, dilation)


@output_size.mistake("Your result is the same for every padding.")
def ignores_padding(n, k, stride=1, padding=0, dilation=1):
    """Leaves the padding out."""
    return _size(n, k, stride, 0, dilation)


@output_size.mistake("Your result is the same for every stride.")
def ignores_stride(n, k, stride=1, padding=0, dilation=1):
    """Leaves the stride out."""
    return _size(n, k, 1, padding, dilation)


@output_size.mistake(
    "Your result is the same for every dilation. From first to last tap, how long is the kernel?"
)
def ignores_dilation(n, k, stride=1, padding=0, dilation=1):
    """Leaves the dilation out."""
    return _size(n, k, stride, padding)


@output_size.mistake(
    "You divide the number of windows of stride 1 by the stride. The window at the start needs no step: "
    "where does the + 1 belong?"
)
def adds_one_inside_the_floor(n, k, stride=1, padding=0, dilation=1):
    """floor((n + 2p - d(k-1)) / s)."""
    return _size(n, k, 1, padding, dilation) // stride


@output_size.mistake("You refuse strides that leave values over. The windows that do fit are still there.")
def rejects_non_divisible(n, k, stride=1, padding=0, dilation=1):
    """Raises where the stride does not divide, as some libraries of 2013 did."""
    if (_size(n, k, 1, padding, dilation) - 1) % stride:
        raise ValueError("the stride does not divide")
    return _size(n, k, stride, padding, dilation)


@output_size.mistake(
    "You round to the nearest number of steps: a window that hangs over the end then counts."
)
def rounds(n, k, stride=1, padding=0, dilation=1):
    """round() for //."""
    return round((_size(n, k, 1, padding, dilation) - 1) / stride) + 1


@output_size.mistake("When the stride leaves values over, you count a window that hangs over the end.")
def ceil_for_floor(n, k, stride=1, padding=0, dilation=1):
    """Rounds up."""
    return -((1 - _size(n, k, 1, padding, dilation)) // stride) + 1


@output_size.mistake(
    "Your count is a number with a decimal point. A count is an integer: round down, with //."
)
def divides_without_rounding(n, k, stride=1, padding=0, dilation=1):
    """/ for //."""
    return (_size(n, k, 1, padding, dilation) - 1) / stride + 1


@output_size.mistake("Your result is one too small: the window at the start counts, too.")
def length_minus_k(n, k, stride=1, padding=0, dilation=1):
    """The + 1 at the end forgotten."""
    return _size(n, k, stride, padding, dilation) - 1


@output_size.mistake("For a kernel that just fills the input there is one window. Do you get two?")
def forgets_the_minus_one(n, k, stride=1, padding=0, dilation=1):
    """The - 1 inside the floor forgotten: the kernel is a cell too short."""
    return _size(n + 1, k, stride, padding, dilation)


@output_size.mistake(
    "The dilated kernel is too long: after its last tap no gap follows. Draw k = 2, dilation 3."
)
def dilated_extent_is_d_times_k(n, k, stride=1, padding=0, dilation=1):
    """dk for d(k-1) + 1."""
    return _size(n, dilation * k, stride, padding)


@output_size.mistake("With dilation d there are d - 1 cells between neighbouring taps; you leave d.")
def dilates_with_d_zeros(n, k, stride=1, padding=0, dilation=1):
    """Gaps of d for d - 1; dilation 1 is left alone."""
    return _size(n, k, stride, padding, dilation + (dilation > 1))


@output_size.mistake("Where nothing fits you return 0; a ValueError is asked for.")
def zero_where_nothing_fits(n, k, stride=1, padding=0, dilation=1):
    """0, as in the exercise count_windows."""
    fits = n + 2 * padding > dilation * (k - 1)
    return _size(n, k, stride, padding, dilation) if fits else 0


@output_size.mistake("Where nothing fits you return what the formula gives; a ValueError is asked for.")
def number_where_nothing_fits(n, k, stride=1, padding=0, dilation=1):
    """The formula without a check: nought or a negative number."""
    far = 100 * stride
    return _size(n + far, k, stride, padding, dilation) - 100


# ---------------------------------------------------------------- pad2d

shared_mistake(
    "Your results have lost what follows the decimal point: does your array hold integers?", pad2d
)(truncates_to_int)
shared_mistake("Your function changes its input array. Write into a new array instead.", pad2d)(
    changes_its_input
)
shared_mistake(
    "Your function returns the same array each time, so a later call changes an earlier result. Make a new one.",
    pad2d,
)(keeps_a_result_between_calls)


def _joined(x, padding, before, after):
    """x with before(x, axis, size) and after(x, axis, size) at its sides."""
    left, right, top, bottom = _sides(padding)
    for axis, sizes in ((-1, (left, right)), (-2, (top, bottom))):
        x = torch.cat([before(x, axis, sizes[0]), x, after(x, axis, sizes[1])], axis)
    return x


def _first_cells(x, axis, size):
    return x.narrow(axis, 0, size)


def _last_cells(x, axis, size):
    return x.narrow(axis, x.shape[axis] - size, size)


@pad2d.mistake("Only height and width are padded: the first two axes, samples and channels, keep their size.")
def pads_batch_and_channels(x, padding, mode="zeros"):
    """All four axes padded, as np.pad(x, p) does."""
    if isinstance(padding, int) and mode == "zeros":
        return F.pad(x, (padding,) * 8)
    return _pad(x, padding, mode)


@pad2d.mistake("Padding is missing below and at the right.")
def pads_one_side(x, padding, mode="zeros"):
    """Pads before, not after."""
    left, _, top, _ = _sides(padding)
    return _pad(x, (left, 0, top, 0), mode)


@pad2d.mistake("A pair is (pH, pW): the first number is for the rows above and below.")
def swaps_pad_axes(x, padding, mode="zeros"):
    """Reads a pair as (pW, pH)."""
    swapped = not isinstance(padding, int) and len(padding) == 2
    return _pad(x, padding[::-1] if swapped else padding, mode)


def _reordered(x, padding, mode, order):
    """Four numbers in another order."""
    four = not isinstance(padding, int) and len(padding) == 4
    return _pad(x, tuple(padding[i] for i in order) if four else padding, mode)


@pad2d.mistake("Four numbers are (left, right, top, bottom). Which side gets the first one?")
def swaps_left_right(x, padding, mode="zeros"):
    """Reads four numbers as (right, left, top, bottom)."""
    return _reordered(x, padding, mode, (1, 0, 2, 3))


@pad2d.mistake("Four numbers are (left, right, top, bottom): the width comes first, as in torch.")
def reads_top_bottom_first(x, padding, mode="zeros"):
    """Reads four numbers as (top, bottom, left, right), the order of the axes."""
    return _reordered(x, padding, mode, (2, 3, 0, 1))


@pad2d.mistake("Four numbers are (left, right, top, bottom), not two corners.")
def reads_two_corners(x, padding, mode="zeros"):
    """Reads four numbers as (left, top, right, bottom), the order of bounding boxes."""
    return _reordered(x, padding, mode, (0, 2, 1, 3))


@pad2d.mistake(
    "Your mirror repeats the edge. With reflect the edge is the mirror itself: what is next to it?"
)
def reflect_repeats_the_edge(x, padding, mode="zeros"):
    """numpy's "symmetric" for "reflect"."""
    if mode != "reflect":
        return _pad(x, padding, mode)
    return _joined(
        x,
        padding,
        lambda x, axis, size: _first_cells(x, axis, size).flip(axis),
        lambda x, axis, size: _last_cells(x, axis, size).flip(axis),
    )


@pad2d.mistake("replicate repeats the edge pixel; you mirror the image.")
def replicate_is_reflect(x, padding, mode="zeros"):
    """Mirrors where the edge is to be repeated."""
    return _pad(x, padding, "reflect" if mode == "replicate" else mode)


@pad2d.mistake("circular continues on the other side: what stands left of the first column is the last one.")
def circular_backwards(x, padding, mode="zeros"):
    """Copies the side that it stands on."""
    return _joined(x, padding, _first_cells, _last_cells) if mode == "circular" else _pad(x, padding, mode)


@pad2d.mistake("Your result is the same for every mode.")
def ignores_mode(x, padding, mode="zeros"):
    """Zeros always."""
    _pad(x, 0, mode)  # another mode is an error still
    return _pad(x, padding)


@pad2d.mistake("A mode that doesn't exist must raise a ValueError; you pad with zeros.")
def accepts_any_mode(x, padding, mode="zeros"):
    """Zeros unless it is one of the others."""
    return _pad(x, padding, mode if mode in _MODES else "zeros")


@pad2d.mistake("A mode that doesn't exist must raise a ValueError; you take it for the last one.")
def other_modes_are_circular(x, padding, mode="zeros"):
    """else: for elif mode == "circular":."""
    return _pad(x, padding, mode if mode in _MODES else "circular")


@pad2d.mistake(
    "The corners are still 0. They are filled from the image, too: pad one axis, then the result's other."
)
def corners_stay_zero(x, padding, mode="zeros"):
    """Rows and columns are padded from the image, each on its own."""
    y, (left, right, top, bottom) = _pad(x, padding, mode).clone(), _sides(padding)
    high, wide = y.shape[-2:]
    for rows in (slice(0, top), slice(high - bottom, high)):
        for columns in (slice(0, left), slice(wide - right, wide)):
            y[..., rows, columns] = 0
    return y


@pad2d.mistake(
    "With padding 0, y[p:-p] is y[0:0], which is empty. Where does the image end in the padded one?"
)
def slices_pad_to_minus_pad(x, padding, mode="zeros"):
    """y[..., top:-bottom, left:-right] = x fails where bottom or right is 0."""
    _, right, _, bottom = _sides(padding)
    if right == 0 or bottom == 0:
        raise ValueError("could not broadcast")
    return _pad(x, padding, mode)


# ---------------------------------------------------------------- padding_for


@padding_for.mistake("For 'same' you return the total for each side. It is shared between the two.")
def total_padding_per_side(kind, k, dilation=1):
    """The total on both sides: twice too much."""
    return _padding_or_error("full" if kind == "same" else kind, k, dilation)


@padding_for.mistake(
    "For 'same' and an even kernel your output is longer than the input. Do the two sides differ?"
)
def same_for_odd_only(kind, k, dilation=1):
    """k // 2 on both sides, right for odd k only."""
    return (dilation * (k // 2),) * 2 if kind == "same" else _padding_or_error(kind, k, dilation)


@padding_for.mistake(
    "For 'same' and an odd total your output is shorter than the input: one value is missing."
)
def half_on_both_sides(kind, k, dilation=1):
    """Half of the total, rounded down, on both sides."""
    before, after = _padding_or_error(kind, k, dilation)
    return (before, before) if kind == "same" else (before, after)


@padding_for.mistake(
    "For 'same' and an odd total, the one extra value belongs after the input, not before it."
)
def same_extra_before(kind, k, dilation=1):
    """The larger half comes first."""
    return _padding_or_error(kind, k, dilation)[::-1]


@padding_for.mistake("For 'same' you refuse even kernels. Their total is odd: one side gets one more.")
def rejects_even_kernels(kind, k, dilation=1):
    """Raises for even k."""
    if kind == "same" and k % 2 == 0:
        raise ValueError("k must be odd")
    return _padding_or_error(kind, k, dilation)


@padding_for.mistake(
    "'full' goes on as long as one tap meets the input. With k of padding the first window meets none."
)
def full_is_k(kind, k, dilation=1):
    """dk for d(k-1)."""
    return (dilation * k,) * 2 if kind == "full" else _padding_or_error(kind, k, dilation)


@padding_for.mistake("Your result is the same for every dilation. How long is the dilated kernel?")
def ignores_dilation(kind, k, dilation=1):
    """k - 1 for d(k-1)."""
    return _padding_or_error(kind, k)


@padding_for.mistake("The dilated kernel is too long: after its last tap no gap follows.")
def dilated_extent_is_d_times_k(kind, k, dilation=1):
    """dk - 1 for d(k-1)."""
    return _padding_or_error(kind, dilation * k)


@padding_for.mistake("Your 'valid' and 'full' are exchanged: which of them needs no padding?")
def swaps_valid_and_full(kind, k, dilation=1):
    """Takes one for the other, as a lecture's captions do."""
    return _padding_or_error({"valid": "full", "full": "valid"}.get(kind, kind), k, dilation)


@padding_for.mistake("A kind that doesn't exist must raise a ValueError.")
def accepts_any_kind(kind, k, dilation=1):
    """No padding for anything unknown."""
    return _padding_or_error(kind if kind in ("same", "full") else "valid", k, dilation)


@padding_for.mistake("Two numbers are asked for: how many values come before, and how many after.")
def returns_one_side(kind, k, dilation=1):
    """One number for both sides."""
    return _padding_or_error(kind, k, dilation)[0]


# ---------------------------------------------------------------- conv2d

common_mistakes(conv2d)


def _conv(x, w, b=None, stride=1, padding=0, dilation=1):
    return F.conv2d(x, w, b, stride, padding, dilation)


def _cut(y, x, w, stride, padding, dilation, size):
    """y cut down to another output size, which size(n, k, stride, padding, dilation) gives."""
    numbers = (_pair(stride), _pair(padding), _pair(dilation))
    high, wide = (size(x.shape[2 + a], w.shape[2 + a], *(pair[a] for pair in numbers)) for a in (0, 1))
    return y[..., :high, :wide]


@conv2d.mistake(
    "Your result matches a kernel turned by 180 degrees. Which corner meets the window's first pixel?"
)
def flips_the_kernel(x, w, *rest, **options):
    """Signal-processing convolution."""
    return _conv(x, w.flip(-1, -2), *rest, **options)


@conv2d.mistake("The last row and column of results are missing. What is the largest start index that fits?")
def drops_the_last_window(x, w, *rest, **options):
    """range(H - k) for range(H - k + 1)."""
    return _conv(x, w, *rest, **options)[..., :-1, :-1]


@conv2d.mistake("All windows but the first have the wrong size. Where does a window that starts at i end?")
def window_end_is_size(x, w, *rest, **options):
    """x[i:k] for x[i:i+k]."""
    y = _conv(x, w, *rest, **options)
    if y[0, 0].numel() > 1:
        raise ValueError("operands could not be broadcast together")
    return y


@conv2d.mistake("Your output has height and width exchanged.")
def swaps_output_axes(x, w, *rest, **options):
    """(N, D, Wo, Ho)."""
    return _conv(x, w, *rest, **options).transpose(-1, -2)


@conv2d.mistake("Your output is square. Its width comes from the input's width.")
def height_for_width(x, w, *rest, **options):
    """Wo from H."""
    y = _conv(x, w, *rest, **options)
    if y.shape[2] > y.shape[3]:
        raise ValueError("operands could not be broadcast together")
    return y[..., : y.shape[2]]


@conv2d.mistake("Your result is the same for every stride.")
def ignores_stride(x, w, b=None, stride=1, padding=0, dilation=1):
    """Leaves the stride out."""
    return _conv(x, w, b, 1, padding, dilation)


@conv2d.mistake("The stride works on one axis only.")
def stride_on_one_axis_only(x, w, b=None, stride=1, padding=0, dilation=1):
    """Rows only."""
    return _conv(x, w, b, (_pair(stride)[0], 1), padding, dilation)


@conv2d.mistake("A stride of two numbers is (rows, columns); yours are exchanged.")
def swaps_stride_pair(x, w, b=None, stride=1, padding=0, dilation=1):
    """(sW, sH)."""
    return _conv(x, w, b, _pair(stride)[::-1], padding, dilation)


@conv2d.mistake(
    "The output has the right size, but neighbouring windows start one apart, not a stride apart."
)
def stride_on_output_but_not_on_start(x, w, b=None, stride=1, padding=0, dilation=1):
    """The output gets smaller, the windows start at 0, 1, 2, ..."""
    return _cut(_conv(x, w, b, 1, padding, dilation), x, w, stride, padding, dilation, _size)


@conv2d.mistake(
    "You refuse strides that leave pixels over, or read past the end. Use the windows that do fit."
)
def rejects_non_divisible(x, w, b=None, stride=1, padding=0, dilation=1):
    """Raises where the stride does not divide; a size rounded up does, too, when the last window is cut short."""
    _cut(x, x, w, stride, padding, dilation, output_size.mistakes["rejects_non_divisible"].function)
    return _conv(x, w, b, stride, padding, dilation)


@conv2d.mistake("Your result is the same for every padding.")
def ignores_padding(x, w, b=None, stride=1, padding=0, dilation=1):
    """Leaves the padding out."""
    return _conv(x, w, b, stride, 0, dilation)


@conv2d.mistake("Below and at the right the padding is missing, in the image or in the size of your output.")
def pads_one_side(x, w, b=None, stride=1, padding=0, dilation=1):
    """Pads before, not after."""
    high, wide = _pair(padding)
    return _conv(F.pad(x, (wide, 0, high, 0)), w, b, stride, 0, dilation)


@conv2d.mistake("A padding of two numbers is (rows, columns); yours are exchanged.")
def swaps_pad_axes(x, w, b=None, stride=1, padding=0, dilation=1):
    """(pW, pH)."""
    return _conv(x, w, b, stride, _pair(padding)[::-1], dilation)


@conv2d.mistake("The border is padded with copies of the edge; zeros are asked for.")
def pads_with_the_edge(x, w, b=None, stride=1, padding=0, dilation=1):
    """Replicate padding."""
    return _conv(_pad(x, _pair(padding), "replicate"), w, b, stride, 0, dilation)


@conv2d.mistake("Your result is the same for every dilation.")
def ignores_dilation(x, w, b=None, stride=1, padding=0, dilation=1):
    """Leaves the dilation out."""
    return _conv(x, w, b, stride, padding)


@conv2d.mistake("The output has the right size, but your taps stand side by side: take every d-th pixel.")
def dilation_on_size_only(x, w, b=None, stride=1, padding=0, dilation=1):
    """The output gets smaller, the windows are not spread."""
    return _cut(_conv(x, w, b, stride, padding), x, w, stride, padding, dilation, _size)


@conv2d.mistake("The dilation works on one axis only.")
def dilation_on_one_axis_only(x, w, b=None, stride=1, padding=0, dilation=1):
    """Rows only."""
    return _conv(x, w, b, stride, padding, (_pair(dilation)[0], 1))


@conv2d.mistake("A dilation of two numbers is (rows, columns); yours are exchanged.")
def swaps_dilation_pair(x, w, b=None, stride=1, padding=0, dilation=1):
    """(dW, dH)."""
    return _conv(x, w, b, stride, padding, _pair(dilation)[::-1])


@conv2d.mistake("With dilation your output is too small: after the kernel's last tap no gap follows.")
def dilated_extent_is_d_times_k(x, w, b=None, stride=1, padding=0, dilation=1):
    """dk for d(k-1) + 1 in the output size."""
    size = output_size.mistakes["dilated_extent_is_d_times_k"].function
    return _cut(_conv(x, w, b, stride, padding, dilation), x, w, stride, padding, dilation, size)


@conv2d.mistake("Your result uses the first channel only.")
def first_channel_only(x, w, *rest, **options):
    """x[:, 0]."""
    return _conv(x[:, :1], w[:, :1], *rest, **options)


@conv2d.mistake("Your result holds the last channel alone: each channel overwrites the ones before it.")
def last_channel_overwrites(x, w, *rest, **options):
    """= for += in the loop over channels."""
    return _conv(x[:, -1:], w[:, -1:], *rest, **options)


@conv2d.mistake("You add the channels up before you weigh them. Each channel has kernel weights of its own.")
def sums_channels_without_weights(x, w, *rest, **options):
    """Sums the channels and applies the weights of the first."""
    return _conv(x.sum(1, keepdim=True), w[:, :1], *rest, **options)


@conv2d.mistake(
    "The first two axes of w are exchanged: w is (D, C, kH, kW), the kernel first, then the channel."
)
def swaps_in_and_out_channels(x, w, *rest, **options):
    """Reads w as (C, D, kH, kW)."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("shapes do not match")
    return _conv(x, w.transpose(0, 1), *rest, **options)


@conv2d.mistake("Every map of your result comes from the first kernel.")
def one_kernel_for_all(x, w, *rest, **options):
    """w[0] for w[d]."""
    return _conv(x, w[:1].expand_as(w), *rest, **options)


@conv2d.mistake("Only the first sample is in your result.")
def first_sample_only(x, w, *rest, **options):
    """x[0] for every sample."""
    return _conv(x[:1], w, *rest, **options)


@conv2d.mistake("Your result is right without the bias: where is b added?")
def no_bias(x, w, b=None, *rest, **options):
    """Leaves b out."""
    return _conv(x, w, None, *rest, **options)


@conv2d.mistake("Every map gets the bias of the first kernel.")
def first_bias_for_all(x, w, b=None, *rest, **options):
    """b[0] for b[d]."""
    return _conv(x, w, None if b is None else b[:1].expand_as(b), *rest, **options)


@conv2d.mistake("The bias is added once for each weight. It belongs outside the sum.")
def bias_inside_the_sum(x, w, b=None, *rest, **options):
    """Adds b to each of the C kH kW products."""
    return _conv(x, w, None if b is None else b * w[0].numel(), *rest, **options)


@conv2d.mistake("The bias is added once for each tap. It belongs outside the loop over taps.")
def bias_per_tap(x, w, b=None, *rest, **options):
    """Adds b in the loop over the kH kW taps."""
    return _conv(x, w, None if b is None else b * w[0, 0].numel(), *rest, **options)


@conv2d.mistake("The bias is added once for each input channel. It belongs outside the loop over channels.")
def bias_per_channel_in(x, w, b=None, *rest, **options):
    """Adds b in the loop over channels."""
    return _conv(x, w, None if b is None else b * w.shape[1], *rest, **options)


@conv2d.mistake("Your results are smaller by the size of the kernel: is it a sum or a mean that you want?")
def averages_instead_of_sums(x, w, *rest, **options):
    """Takes the mean of the products."""
    return _conv(x, w / w[0].numel(), *rest, **options)


# ---------------------------------------------------------------- unseen


@unseen.mistake(
    "You list what is left over at the end. With a stride longer than the kernel there are gaps as well."
)
def misses_the_gaps(n, k, stride):
    """The tail after the last window only."""
    return list(range(max(_covered(_starts(n, k, stride), k), default=-1) + 1, n))


@unseen.mistake("You list the gaps between windows. What is left over after the last window?")
def misses_the_tail(n, k, stride):
    """Nothing after the last window."""
    last = max(_covered(_starts(n, k, stride), k), default=n)
    return [i for i in _unseen(n, k, stride) if i < last]


@unseen.mistake("Where the kernel is longer than the input there is no window. So what is seen?")
def empty_for_long_kernels(n, k, stride):
    """Nothing is unseen where nothing is looked at."""
    return _unseen(n, k, stride) if k <= n else []


@unseen.mistake("Your last window hangs over the end of the input. Only windows that fit count.")
def one_window_too_many(n, k, stride):
    """Start indices up to n - 1."""
    return sorted(set(range(n)) - _covered(range(0, n, stride), k))


@unseen.mistake("One window is missing: the largest start index is n - k, that one included.")
def drops_the_last_window(n, k, stride):
    """range(0, n - k, stride): n - k itself never comes up."""
    return sorted(set(range(n)) - _covered([i for i in _starts(n, k, stride) if i != n - k], k))


@unseen.mistake("A window sees all its k values, not only the one at which it starts.")
def sees_starts_only(n, k, stride):
    """Marks the start of each window."""
    return sorted(set(range(n)) - set(_starts(n, k, stride)))


@unseen.mistake("Your windows are one value too long: the one that starts at i ends before i + k.")
def window_end_included(n, k, stride):
    """Marks start ... start + k."""
    return sorted(set(range(n)) - _covered(_starts(n, k, stride), k + 1))


@unseen.mistake("You list what the windows see; what they don't see is asked for.")
def returns_the_seen(n, k, stride):
    """The complement."""
    return sorted(_covered(_starts(n, k, stride), k))


@unseen.mistake("You return how many there are; a list of their indices is asked for.")
def counts_instead_of_listing(n, k, stride):
    """len() of the right list."""
    return len(_unseen(n, k, stride))


@unseen.mistake("Your result is the same for every stride.")
def ignores_stride(n, k, stride):
    """Stride 1."""
    return _unseen(n, k, 1)


# ---------------------------------------------------------------- depth_until_one


@depth_until_one.mistake("The list starts with the input's own size.")
def leaves_out_the_input(n, k):
    """The sizes after each layer only."""
    return _depth(n, k)[1:]


@depth_until_one.mistake("A kernel as long as its input still fits, once.")
def stops_too_early(n, k):
    """while n > k."""
    sizes = _depth(n, k)
    return sizes[:-1] if len(sizes) > 1 and sizes[-2] == k else sizes


@depth_until_one.mistake("You apply the kernel to an input that is shorter than it is.")
def shrinks_below_the_kernel(n, k):
    """while n > 1: gives 0 and less."""
    sizes = _depth(n, k)
    return sizes if sizes[-1] == 1 else [*sizes, sizes[-1] - k + 1]


@depth_until_one.mistake("Each layer takes k - 1 values away, not k.")
def length_minus_k(n, k):
    """n - k for n - k + 1."""
    sizes = [n]
    while sizes[-1] >= k:
        sizes.append(sizes[-1] - k)
    return sizes


@depth_until_one.mistake("You return how many layers there are; a list of the sizes is asked for.")
def counts_the_layers(n, k):
    """The length of the list."""
    return len(_depth(n, k)) - 1


@depth_until_one.mistake("You return the last size; a list of all of them is asked for.")
def last_size_only(n, k):
    """The end of the list."""
    return _depth(n, k)[-1]


# ---------------------------------------------------------------- receptive_fields


def _with_steps(layers, steps):
    """The fields where neighbours at each layer's input are so many pixels apart."""
    grown = [_field([(1, step, 1), (k, 1, d)]) - 1 for (k, _, d), step in zip(layers, steps, strict=True)]
    return [1 + total for total in accumulate(grown)]


@receptive_fields.mistake(
    "A layer's own stride does not widen what it sees, only what the layers after it see."
)
def own_stride_in_receptive_field(layers):
    """The product of strides includes the layer's own."""
    strides = [stride for _, stride, _ in layers]
    shifted = [(k, after, d) for (k, _, d), after in zip(layers, [*strides[1:], 1], strict=True)]
    return _fields([(1, strides[0], 1), *shifted])[1:]


@receptive_fields.mistake(
    "Your result is the same for every stride: after a stride of 2, neighbours are 2 pixels apart."
)
def ignores_stride(layers):
    """All strides 1."""
    return _fields([(k, 1, d) for k, _, d in layers])


@receptive_fields.mistake("Each layer adds k - 1 steps, not k.")
def adds_kernels(layers):
    """k for k - 1."""
    return _fields([(k + 1, s, d) for k, s, d in layers])


@receptive_fields.mistake("Before any layer a value sees itself: one pixel, not none.")
def starts_at_zero(layers):
    """R_0 = 0."""
    return [size - 1 for size in _fields(layers)]


@receptive_fields.mistake(
    "Strides multiply: a stride of 2 after a stride of 3 makes neighbours 6 pixels apart."
)
def stride_added_not_multiplied(layers):
    """The step grows by += s for *= s."""
    return _with_steps(layers, list(accumulate((s for _, s, _ in layers[:-1]), initial=1)))


@receptive_fields.mistake(
    "Only the stride of the layer just before counts in your result. What of the earlier ones?"
)
def previous_stride_only(layers):
    """The stride of layer k - 1 for the product of all before k."""
    return _with_steps(layers, [1, *(s for _, s, _ in layers[:-1])])


@receptive_fields.mistake(
    "Your result is the same for every dilation: the taps of a dilated kernel are d apart."
)
def ignores_dilation_in_field(layers):
    """All dilations 1."""
    return _fields([(k, s, 1) for k, s, _ in layers])


@receptive_fields.mistake("The dilated kernel is too long: after its last tap no gap follows.")
def dilated_extent_is_d_times_k(layers):
    """dk for d(k-1) + 1."""
    return _fields([(d * k, s, 1) for k, s, d in layers])


@receptive_fields.mistake(
    "Dilation spreads a layer's own taps. Unlike a stride, it leaves the layers after it alone."
)
def dilation_acts_as_stride(layers):
    """The step is multiplied by the dilation as well."""
    return _fields([(k, s * d, d) for k, s, d in layers])


@receptive_fields.mistake("You return the last field only; one for each layer is asked for.")
def last_field_only(layers):
    """A number for a list."""
    return _fields(layers)[-1]


@receptive_fields.mistake(
    "One number for each layer is asked for; the single pixel before the first is not in the list."
)
def lists_the_pixel(layers):
    """Starts with R_0 = 1."""
    return [1, *_fields(layers)]


# ---------------------------------------------------------------- parameters


def _with_bias(bias, oracle, n_in, n_out, rest):
    """The oracle's count with or without biases, whatever the call said."""
    return oracle(n_in, n_out, *(r for r in rest if not isinstance(r, bool)), bias=bias)


@conv_parameters.mistake("Each kernel has weights for every input channel.")
def parameters_without_in_channels(c_in, c_out, kernel_size, bias=True):
    """(kH kW + 1) D."""
    return _conv_count(1, c_out, kernel_size, bias)


@conv_parameters.mistake("You count one kernel; there are as many as output channels.")
def one_kernel_for_all(c_in, c_out, kernel_size, bias=True):
    """C kH kW, and D biases."""
    return _conv_count(c_in, 1, kernel_size, False) + (c_out if bias else 0)


@conv_parameters.mistake("You count a bias for every weight; a kernel has one.")
def bias_per_weight(c_in, c_out, kernel_size, bias=True):
    """Twice the weights."""
    return _conv_count(c_in, c_out, kernel_size, False) * (2 if bias else 1)


@conv_parameters.mistake("You count a bias for every input channel of every kernel; a kernel has one.")
def bias_per_channel_in(c_in, c_out, kernel_size, bias=True):
    """(kH kW + 1) C D."""
    return c_in * _conv_count(1, c_out, kernel_size, bias)


@shared_mistake(
    "There is one bias for each output; you count one for each input.", conv_parameters, linear_parameters
)
def output_layer_bias_of_inputs(oracle, n_in, n_out, *rest, **options):
    """A lecture's slip: 84 biases for 10 outputs."""
    weights = _with_bias(False, oracle, n_in, n_out, rest)
    return weights + (n_in if oracle(n_in, n_out, *rest, **options) > weights else 0)


@shared_mistake("You count no biases.", conv_parameters, linear_parameters)
def no_bias(oracle, n_in, n_out, *rest, **options):
    """Weights only, always."""
    return _with_bias(False, oracle, n_in, n_out, rest)


@shared_mistake("You count biases also where bias=False.", conv_parameters, linear_parameters)
def ignores_the_bias_flag(oracle, n_in, n_out, *rest, **options):
    """Biases always."""
    return _with_bias(True, oracle, n_in, n_out, rest)


@shared_mistake(
    "You count one bias for the whole layer; every output has its own.", conv_parameters, linear_parameters
)
def one_bias_for_all(oracle, n_in, n_out, *rest, **options):
    """+ 1 for + D."""
    weights = _with_bias(False, oracle, n_in, n_out, rest)
    return weights + (1 if oracle(n_in, n_out, *rest, **options) > weights else 0)


@conv_parameters.mistake("A kernel of two numbers (kH, kW) need not be square.")
def square_kernels_only(c_in, c_out, kernel_size, bias=True):
    """kH kH for kH kW."""
    return _conv_count(c_in, c_out, _pair(kernel_size)[0], bias)


@conv_parameters.mistake(
    "A kernel of kH rows and kW columns has kH times kW weights a channel, not kH plus kW."
)
def adds_for_multiplies(c_in, c_out, kernel_size, bias=True):
    """kH + kW for kH kW."""
    return _conv_count(c_in, c_out, (1, sum(_pair(kernel_size))), bias)


@linear_parameters.mistake("Every output has a weight for every input: multiply.")
def adds_for_multiplies(n_in, n_out, bias=True):
    """n_in + n_out."""
    return n_in + n_out + (n_out if bias else 0)


@linear_parameters.mistake("You count a bias for every weight; an output has one.")
def bias_per_weight(n_in, n_out, bias=True):
    """Twice the weights."""
    return n_in * n_out * (2 if bias else 1)


# ---------------------------------------------------------------- lecture_answers


@lecture_answers.mistake("An RGB image has three values a pixel: count the inputs of the dense layer again.")
def forgets_the_colours():
    """300 * 300 inputs."""
    return _answers() | {"rgb_300x300_dense_100": _linear_count(300 * 300, 100)}


@lecture_answers.mistake(
    "Each kernel has weights for every channel of its input: colours, maps or columns of a text."
)
def parameters_without_in_channels():
    """k k + 1 weights a kernel, whatever the channels."""
    return _answers(conv=lambda _, c_out, k: _conv_count(1, c_out, k))


@lecture_answers.mistake("You count weights only. Where parameters are asked for, the biases belong to them.")
def no_bias():
    """Biases left out everywhere."""
    return _answers(lambda *a: _conv_count(*a, bias=False), lambda *a: _linear_count(*a, bias=False))


@lecture_answers.mistake("For audio_mlp_weights the biases do not count; they do for audio_mlp_parameters.")
def counts_bias_in():
    """The same number twice."""
    return _answers() | {"audio_mlp_weights": _answers()["audio_mlp_parameters"]}


@lecture_answers.mistake(
    "The ten kernels have one bias each: they share it over all positions, as they share weights."
)
def bias_per_position():
    """32 * 32 * 10 biases."""
    weights = _conv_count(3, 10, 5, bias=False)
    return _answers() | {"conv_32x32x3_ten_5x5_parameters": weights + 32 * 32 * 10}


@lecture_answers.mistake("Padding is given for each side: that total is shared by two sides.")
def total_padding_per_side():
    """6 for 3."""
    return _answers() | {"padding_for_same_7x7": 6}


@lecture_answers.mistake("padding_for_same_7x7 is one int, the padding on each side.")
def padding_as_a_pair():
    """(3, 3) for 3."""
    return _answers() | {"padding_for_same_7x7": (3, 3)}


@lecture_answers.mistake("The sizes are asked for as (height, width, channels).")
def sizes_channel_first():
    """(C, H, W)."""
    return _answers() | {
        "conv_63x63x16_32_7x7_stride2": (32, 29, 29),
        "conv_32x32x3_ten_5x5_pad2": (10, 32, 32),
    }


@lecture_answers.mistake("63 x 63 with a 7 x 7 kernel at stride 2: the window at the start counts, too.")
def length_minus_k():
    """28 steps are 29 windows."""
    return _answers() | {"conv_63x63x16_32_7x7_stride2": (28, 28, 32)}


@lecture_answers.mistake(
    "A layer gives one channel for each of its filters, whatever the channels of its input."
)
def keeps_the_input_channels():
    """16 and 3 channels out."""
    return _answers() | {
        "conv_63x63x16_32_7x7_stride2": (29, 29, 16),
        "conv_32x32x3_ten_5x5_pad2": (32, 32, 3),
    }


@lecture_answers.mistake("conv_32x32x3_ten_5x5_pad2 has a padding of 2.")
def ignores_padding():
    """28 x 28."""
    return _answers() | {"conv_32x32x3_ten_5x5_pad2": (28, 28, 10)}


@lecture_answers.mistake(
    "Three hidden layers stand between input and output: how many weight matrices are there?"
)
def three_matrices_for_three_layers():
    """840-128-128-138."""
    return _answers(hidden=2)


@lecture_answers.mistake(
    "In the text, the 100 columns are channels: the kernel slides along the words alone."
)
def text_as_one_channel():
    """One channel in."""
    return _answers() | {"text_conv_k5": _conv_count(1, 100, (5, 1))}


@lecture_answers.mistake(
    "The text's kernel covers 5 words and slides in one direction only: it is not 5 x 5."
)
def text_kernel_is_square():
    """5 x 5 taps."""
    return _answers() | {"text_conv_k5": _conv_count(100, 100, 5)}


@lecture_answers.mistake("The text's dense layer has 1000 * 100 inputs and as many outputs.")
def text_dense_for_each_word():
    """100 inputs and outputs."""
    return _answers() | {"text_dense": _linear_count(100, 100)}


@lecture_answers.mistake("The last layer has 84 inputs and 10 outputs: how many biases?")
def output_layer_bias_of_inputs():
    """84 * 10 + 84, as the lecture prints."""
    right = _answers()
    rows = (*right["small_cnn_rows"][:-1], 84 * 10 + 84)
    return right | {"small_cnn_rows": rows, "small_cnn_total": sum(rows)}


@lecture_answers.mistake(
    "Pooling halves the maps before the first dense layer of the small CNN. Do they still shrink?"
)
def ignores_pooling_layers():
    """24 x 24 x 16 features."""
    return _answers(flat=(24 * 24 * 16, 60))


@lecture_answers.mistake("The second pooling layer of the small CNN comes before the first dense one.")
def forgets_the_last_pool():
    """10 x 10 x 16 features."""
    return _answers(flat=(10 * 10 * 16, 60))


@lecture_answers.mistake("The small CNN flattens all 16 maps, not one of them.")
def flattens_one_map():
    """5 x 5 features."""
    return _answers(flat=(5 * 5, 60))


@lecture_answers.mistake("Your total counts parameters for pooling. What would it learn?")
def pooling_has_parameters():
    """A 2 x 2 kernel for each pair of channels."""
    return _answers(pools=_conv_count(8, 8, 2) + _conv_count(16, 16, 2))


@lecture_answers.mistake("Ten layers without padding shrink the frame ten times. What is left to flatten?")
def flattens_the_input_size():
    """21 x 40 x 3 features."""
    return _answers(flat=(400, 21 * 40 * 3))


@lecture_answers.mistake(
    "You flatten what one layer leaves. There are ten of them, and each shrinks the frame."
)
def flattens_after_one_layer():
    """19 x 38 x 3 features."""
    return _answers(flat=(400, 19 * 38 * 3))


@lecture_answers.mistake("The last of the ten layers has three channels, and all of them are flattened.")
def flattens_one_channel():
    """20 features."""
    return _answers(flat=(400, 20))


@lecture_answers.mistake("From its second layer on, the ten-layer CNN has three input channels.")
def one_channel_throughout():
    """Ten times 30 parameters."""
    right = _answers()
    wrong = 10 * _conv_count(1, 3, 3) + _linear_count(60, 138)
    return right | {"audio_ten_layer_cnn_parameters": wrong}


@lecture_answers.mistake(
    "Ten convolutions, the first of them on the frame itself: how many have three input channels?"
)
def one_layer_too_many():
    """1 + 10 layers."""
    return _answers(depth=10)
