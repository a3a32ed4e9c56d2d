"""Chapter 7: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

import torch
import torch.nn.functional as F

from course.kit.common import (
    changes_its_input,
    common_mistakes,
    keeps_a_result_between_calls,
    truncates_to_int,
)
from course.kit.exercise import Exercise, call, draw, shared_mistake


def _bytes(seed, *shape):
    return draw(seed, *shape, low=100, high=200, dtype="uint8")


def _whole(seed, *shape):
    return draw(seed, *shape, low=-9, high=10, dtype="int64")


def _pair(size):
    return (size, size) if isinstance(size, int) else tuple(size)


def _dilate(w, dilation):
    """A transposed convolution with a kernel of a single 1 puts zeros between the elements."""
    one = torch.ones(1, 1, 1, 1, dtype=w.dtype)
    spread = F.conv_transpose2d(w.reshape(-1, 1, *w.shape[-2:]), one, stride=dilation)
    return spread.reshape(*w.shape[:-2], *spread.shape[-2:])


def _conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(x, w, b, stride, padding, dilation, groups)


def _separable(x, depthwise, pointwise):
    return F.conv2d(F.conv2d(x, depthwise, groups=x.shape[1]), pointwise)


def _saving(c_in, c_out, k):
    return 1 - 1 / c_out - 1 / k**2


def _transposed(x, w, b=None, stride=1, padding=0, output_padding=0):
    return F.conv_transpose2d(x, w, b, stride, padding, output_padding)


def _sizes(n_out, k, stride, padding, lowest=1, size=None):
    """Every input size that gives n_out, found by trying them all."""
    size = size or (lambda free: len(torch.empty(free + k).unfold(0, k, stride)) if free >= 0 else 0)
    largest = (n_out + 1) * stride + k
    return [n for n in range(lowest, largest) if size(n + 2 * padding - k) == n_out]


def _unshared(x, w, b):
    windows = F.unfold(x, w.shape[-2:])
    y = torch.einsum("nkl,dlk->ndl", windows, w.flatten(3).flatten(1, 2))
    return y.unflatten(2, w.shape[1:3]) + b


def _woven(x, w, b, down=lambda i, t: i % t, across=lambda j, t: j % t, bias=lambda b: b, unshared=_unshared):
    """An unshared layer whose kernels are picked from w by the functions `down` and `across` of the position."""
    t, (height, width) = len(w), (n - k + 1 for n, k in zip(x.shape[-2:], w.shape[-2:], strict=True))
    rows, columns = down(torch.arange(height), t), across(torch.arange(width), t)
    kernels, b = w[rows][:, columns], bias(b)[rows][:, columns]
    return unshared(x, kernels.permute(2, 0, 1, 3, 4, 5), b.permute(2, 0, 1))


def _wrapped_products(x, kernel_size, kernels):
    """Windows (N, K, L) times kernels (D, K, L), each product modulo 256 as in uint8, then summed."""
    windows = F.unfold(x.double(), kernel_size).unsqueeze(1)
    return (windows * kernels.double() % 256).sum(2)


def _are_bytes(*arrays):
    return all(a.dtype == torch.uint8 for a in arrays)


def _layer(c_in, c_out, kernel_size, groups=1, bias=True):
    """Weights and biases of torch's own layer, made without memory."""
    layer = torch.nn.Conv2d(c_in, c_out, kernel_size, groups=groups, bias=bias, device="meta")
    return layer.weight.numel(), layer.bias.numel() if bias else 0


def _parameters(kind, c_in, c_out, kernel_size, *, groups=1, out_size=None, t=None):
    plain = _layer(c_in, c_out, kernel_size)
    if kind in ("conv", "transposed"):
        return plain
    if kind == "grouped":
        return _layer(c_in, c_out, kernel_size, groups)
    if kind == "pointwise":
        return _layer(c_in, c_out, 1)
    if kind == "depthwise_separable":
        depthwise = _layer(c_in, c_in, kernel_size, c_in, bias=False)
        return tuple(a + b for a, b in zip(depthwise, _layer(c_in, c_out, 1), strict=True))
    if kind in ("unshared", "tiled"):
        copies = torch.empty(out_size if kind == "unshared" else (t, t), device="meta").numel()
        return tuple(copies * count for count in plain)
    raise ValueError(kind)


dilate_kernel = Exercise(
    oracle=_dilate,
    probes=[
        call(draw(1, 2, 3), 2),
        call(draw(2, 3, 2), (3, 2)),
        call(draw(3, 3, 3), (1, 4)),
        call(draw(4, 4, 2, 3, 2), (2, 3)),
        call(draw(5, 2, 2, 2), dilation=3),
        call(draw(6, 3, 2), 1),
        call(_whole(7, 2, 2), 2),
    ],
)

conv2d_grouped = Exercise(
    oracle=_conv2d,
    probes=[
        call(draw(11, 1, 1, 5, 8), draw(12, 1, 1, 3, 2)),
        call(draw(13, 2, 3, 7, 10), draw(14, 4, 3, 2, 3), draw(15, 4), (2, 3), (1, 2)),
        call(draw(16, 2, 3, 6, 8), draw(17, 3, 3, 3, 2), draw(18, 3)),
        call(draw(19, 1, 2, 9, 11), draw(20, 3, 2, 3, 2), draw(21, 3), dilation=(2, 3)),
        call(draw(22, 2, 4, 6, 8), draw(23, 6, 2, 3, 2), draw(24, 6), groups=2),
        call(draw(25, 1, 6, 8, 7), draw(26, 6, 1, 2, 3), draw(27, 6), dilation=(2, 1), groups=6),
        call(draw(28, 2, 6, 9, 8), draw(29, 6, 2, 2, 3), draw(30, 6), (2, 1), (1, 2), (3, 2), 3),
        call(draw(31, 1, 2, 8, 7), draw(32, 4, 1, 2, 2), b=draw(33, 4), stride=3, padding=2, groups=2),
        call(_bytes(34, 1, 2, 4, 5), draw(35, 2, 2, 2, 3), draw(36, 2)),
        call(_bytes(37, 1, 2, 4, 5), _bytes(38, 2, 2, 2, 3)),
    ],
)

# As many outputs as inputs: what exchanges the two then gives a wrong result, not an exception of some kind.
depthwise_separable = Exercise(
    oracle=_separable,
    probes=[
        call(draw(41, 2, 3, 5, 7), draw(42, 3, 1, 2, 3), draw(43, 3, 3, 1, 1)),
        call(draw(44, 1, 2, 6, 5), draw(45, 2, 1, 3, 2), draw(46, 2, 2, 1, 1)),
        call(draw(47, 3, 4, 4, 4), draw(48, 4, 1, 3, 3), draw(49, 4, 4, 1, 1)),
        call(_bytes(50, 1, 2, 4, 5), draw(51, 2, 1, 2, 3), draw(52, 2, 2, 1, 1)),
        call(_bytes(53, 1, 2, 4, 5), _bytes(54, 2, 1, 2, 2), _bytes(55, 2, 2, 1, 1)),
    ],
)

separable_saving = Exercise(
    oracle=_saving,
    probes=[call(2, 4, 3), call(64, 128, 3), call(3, 8, 5), call(16, 1, 3), call(8, 5, 1), call(6, 3, 2)],
)

possible_input_sizes = Exercise(
    oracle=_sizes,
    probes=[
        call(3, 3, 2, 0),
        call(4, 5, 3, 2),
        call(7, 3, 1, 1),
        call(1, 4, 3, 0),
        call(1, 3, 4, 2),
        call(2, 3, 2, 2),
        call(1, 2, 2, 3),
        call(2, 1, 5, 0),
    ],
)

# As many outputs as inputs, for the same reason as above.
conv_transpose2d = Exercise(
    oracle=_transposed,
    probes=[
        call(draw(61, 1, 1, 4, 5), draw(62, 1, 1, 3, 2)),
        call(draw(63, 1, 1, 3, 4), draw(64, 1, 1, 3, 4), None, (2, 3)),
        call(draw(65, 2, 2, 5, 4), draw(66, 2, 2, 3, 2), draw(67, 2)),
        call(draw(68, 2, 3, 4, 5), draw(69, 3, 3, 3, 4), draw(70, 3), (2, 3), (1, 2)),
        call(draw(71, 1, 2, 5, 6), draw(72, 2, 2, 3, 4), draw(73, 2), (2, 3), (2, 1), (1, 2)),
        call(draw(74, 2, 2, 4, 5), draw(75, 2, 2, 3, 2), draw(76, 2), stride=(3, 2), output_padding=(2, 1)),
        call(draw(77, 1, 1, 3, 4), draw(78, 1, 1, 2, 3), draw(79, 1), stride=4),
        call(draw(80, 1, 1, 6, 7), draw(81, 1, 1, 2, 2), padding=2),
        call(_bytes(82, 1, 2, 3, 4), draw(83, 2, 2, 2, 3), draw(84, 2)),
        call(_bytes(85, 1, 1, 3, 4), _bytes(86, 1, 1, 2, 3)),
    ],
)

# As many rows of outputs as columns, for the same reason.
locally_connected2d = Exercise(
    oracle=_unshared,
    probes=[
        call(draw(91, 1, 1, 5, 6), draw(92, 1, 4, 4, 1, 2, 3), draw(93, 1, 4, 4)),
        call(draw(94, 2, 3, 6, 5), draw(95, 2, 3, 3, 3, 4, 3), draw(96, 2, 3, 3)),
        call(draw(97, 3, 2, 4, 5), draw(98, 3, 3, 3, 2, 2, 3), draw(99, 3, 3, 3)),
        call(_bytes(100, 1, 2, 3, 4), draw(101, 2, 2, 2, 2, 2, 3), draw(102, 2, 2, 2)),
        call(_bytes(103, 1, 2, 3, 4), _bytes(104, 2, 2, 2, 2, 2, 3), _bytes(105, 2, 2, 2)),
    ],
)

# No more than t * t rows or columns, so that j // t is still an index.
tiled_conv2d = Exercise(
    oracle=_woven,
    probes=[
        call(draw(111, 1, 1, 5, 5), draw(112, 2, 2, 1, 1, 3, 2), draw(113, 2, 2, 1)),
        call(draw(114, 2, 3, 5, 5), draw(115, 2, 2, 2, 3, 2, 3), draw(116, 2, 2, 2)),
        call(draw(117, 2, 2, 9, 7), draw(118, 3, 3, 3, 2, 2, 3), draw(119, 3, 3, 3)),
        call(draw(120, 1, 2, 5, 6), draw(121, 2, 2, 2, 2, 2, 3), draw(122, 2, 2, 2)),
        call(_bytes(123, 1, 2, 4, 5), draw(124, 2, 2, 2, 2, 2, 3), draw(125, 2, 2, 2)),
        call(_bytes(126, 1, 2, 4, 5), _bytes(127, 2, 2, 2, 2, 2, 3), _bytes(128, 2, 2, 2)),
    ],
)

variant_parameters = Exercise(
    oracle=_parameters,
    probes=[
        call("conv", 3, 8, 5),
        call("transposed", 6, 4, (3, 2)),
        call("grouped", 12, 8, 3, groups=4),
        call("depthwise_separable", 6, 10, (3, 5)),
        call("pointwise", 6, 9, 3),
        call("unshared", 3, 2, (2, 3), out_size=(5, 7)),
        call("tiled", 3, 4, (3, 2), t=3),
        call("dense", 3, 4, 3).raises(ValueError),
    ],
)

_CONVOLUTIONS = (conv2d_grouped, depthwise_separable, conv_transpose2d, locally_connected2d, tiled_conv2d)
_LAYERS = (conv2d_grouped, conv_transpose2d)
_OWN_WEIGHTS = (locally_connected2d, tiled_conv2d)

common_mistakes(*_CONVOLUTIONS)

# Zeros between integers are exact, so types can't go wrong there.
shared_mistake(
    "Your results have lost what follows the decimal point: does your output array hold integers?",
    dilate_kernel,
)(truncates_to_int)
shared_mistake(
    "Your function changes its input array. Fill a new array of zeros instead.", dilate_kernel, own_types=True
)(changes_its_input)
shared_mistake(
    "Your function returns the same array each time, so a later call changes an earlier result. Make a new one.",
    dilate_kernel,
)(keeps_a_result_between_calls)


# ---------------------------------------------------------------- dilate_kernel


@dilate_kernel.mistake(
    "You put d zeros between two taps. For d = 1 nothing may change: how many zeros are that?"
)
def dilates_with_d_zeros(w, dilation):
    """d zeros for d - 1."""
    return _dilate(w, tuple(d + 1 for d in _pair(dilation)))


@dilate_kernel.mistake(
    "The rows have moved apart, but the columns have not: which axes does the dilation concern?"
)
def dilation_between_rows_only(w, dilation):
    """Leaves the last axis as it is."""
    return _dilate(w, (_pair(dilation)[0], 1))


@dilate_kernel.mistake("The two numbers of the dilation are exchanged: rows come first.")
def swaps_dilation_pair(w, dilation):
    """(dW, dH) for (dH, dW)."""
    return _dilate(w, _pair(dilation)[::-1])


@dilate_kernel.mistake(
    "There are zeros after the last tap, too. Zeros stand between taps: the kernel ends with one."
)
def dilated_extent_is_d_times_k(w, dilation):
    """d k for d (k - 1) + 1."""
    down, across = _pair(dilation)
    return F.pad(_dilate(w, dilation), (0, across - 1, 0, down - 1))


@dilate_kernel.mistake("Your taps are repeated. Between two taps there are zeros.")
def repeats_the_taps(w, dilation):
    """np.repeat or np.kron with ones."""
    down, across = _pair(dilation)
    return w.repeat_interleave(down, -2).repeat_interleave(across, -1)[
        ..., : 1 - down or None, : 1 - across or None
    ]


@dilate_kernel.mistake(
    "With more than two axes you spread kernels or channels apart. Rows and columns are the last two axes."
)
def dilates_the_first_two_axes(w, dilation):
    """y[::d, ::d] for y[..., ::d, ::d]."""
    if w.ndim == 2:
        return _dilate(w, dilation)
    return _dilate(w.movedim((0, 1), (-2, -1)), dilation).movedim((-2, -1), (0, 1))


# ---------------------------------------------------------------- what goes wrong in every variant


@shared_mistake(
    "Your result matches kernels rotated by 180 degrees: which corner of the kernel meets which of the window?",
    conv2d_grouped,
    depthwise_separable,
    *_OWN_WEIGHTS,
)
def flips_the_kernel(oracle, x, w, *rest, **options):
    """Signal-processing convolution; deep learning's is cross-correlation."""
    return oracle(x, w.flip(-2, -1), *rest, **options)


@shared_mistake("Every sample of your result is made from the first one.", *_CONVOLUTIONS)
def first_sample_only(oracle, x, *rest, **options):
    """x[0] for x[n]."""
    return oracle(x[:1].expand_as(x), *rest, **options)


@shared_mistake("Your result is right without the bias: where is b added?", *_LAYERS, *_OWN_WEIGHTS)
def no_bias(oracle, x, w, b=None, *rest, **options):
    """Leaves b out."""
    return oracle(x, w, b if b is None else torch.zeros_like(b), *rest, **options)


@shared_mistake(
    "The biases lie along the columns of your result. numpy aligns last axes; a bias belongs to a map, axis 1.",
    *_LAYERS,
)
def bias_along_columns(oracle, x, w, b=None, *rest, **options):
    """y + b for y + b[:, None, None]."""
    y = oracle(x, w, None, *rest, **options)
    if b is not None and y.shape[-1] != len(b) and 1 not in (y.shape[-1], len(b)):
        raise ValueError("operands could not be broadcast together")
    return y if b is None else y + b


@shared_mistake("Every map of your result gets the bias of the first one.", *_LAYERS)
def first_bias_for_all(oracle, x, w, b=None, *rest, **options):
    """b[0] for b[d]."""
    return oracle(x, w, b if b is None else b[:1].expand_as(b), *rest, **options)


@shared_mistake("Every map of your result comes from the first kernel.", conv2d_grouped, locally_connected2d)
def one_kernel_for_all(oracle, x, w, *rest, **options):
    """w[0] for w[d]."""
    return oracle(x, w[:1].expand_as(w), *rest, **options)


@shared_mistake(
    "Of the channels that an output reads, you use the first one only.", conv2d_grouped, *_OWN_WEIGHTS
)
def first_channel_only(oracle, x, w, *rest, **options):
    """Takes the first channel alone."""
    kept = torch.zeros_like(w)
    kept[..., :1, :, :] = w[..., :1, :, :]
    return oracle(x, kept, *rest, **options)


@shared_mistake(
    "Of the channels that an output reads, only the last one is left: each overwrites those before it.",
    conv2d_grouped,
    *_OWN_WEIGHTS,
)
def last_channel_overwrites(oracle, x, w, *rest, **options):
    """= for += in the loop over channels."""
    kept = torch.zeros_like(w)
    kept[..., -1:, :, :] = w[..., -1:, :, :]
    return oracle(x, kept, *rest, **options)


@shared_mistake("The two numbers of the padding are exchanged: rows come first.", *_LAYERS)
def swaps_pad_axes(oracle, x, w, b=None, stride=1, padding=0, *rest, **options):
    """(pW, pH) for (pH, pW)."""
    return oracle(x, w, b, stride, _pair(padding)[::-1], *rest, **options)


@shared_mistake("Your result is the same for every padding.", *_LAYERS)
def ignores_padding(oracle, x, w, b=None, stride=1, padding=0, *rest, **options):
    """Leaves the padding out."""
    return oracle(x, w, b, stride, 0, *rest, **options)


# ---------------------------------------------------------------- conv2d_grouped

_UINT8 = "A product of two uint8 wraps around at 256, and summing comes too late: convert to float before you multiply."


@conv2d_grouped.mistake(_UINT8, own_types=True)
def uint8_products_overflow(x, w, b=None, *rest, **options):
    """(window * w[d]).sum() in uint8: each product wraps around, the sum does not."""
    if not _are_bytes(x, w):
        return _conv2d(x.double(), w.double(), b if b is None else b.double(), *rest, **options)
    y = _wrapped_products(x, w.shape[-2:], w.flatten(1).unsqueeze(-1))
    y = y.unflatten(-1, _conv2d(x.double(), w.double()).shape[-2:])
    return y if b is None else y + b[:, None, None]


@conv2d_grouped.mistake("The bias is added once for each channel that is read. It belongs outside that loop.")
def bias_per_channel_in(x, w, b=None, *rest, **options):
    """Adds b in the loop over channels."""
    return _conv2d(x, w, b if b is None else b * w.shape[1], *rest, **options)


@conv2d_grouped.mistake("Your result is the same for every stride.")
def ignores_stride(x, w, b=None, stride=1, *rest, **options):
    """Leaves the stride out."""
    return _conv2d(x, w, b, 1, *rest, **options)


@conv2d_grouped.mistake("The two numbers of the stride are exchanged: rows come first.")
def swaps_stride_pair(x, w, b=None, stride=1, *rest, **options):
    """(sW, sH) for (sH, sW)."""
    return _conv2d(x, w, b, _pair(stride)[::-1], *rest, **options)


@conv2d_grouped.mistake("Your rows step with the stride, but your columns step by one.")
def stride_on_one_axis_only(x, w, b=None, stride=1, *rest, **options):
    """(sH, 1) for (sH, sW)."""
    return _conv2d(x, w, b, (_pair(stride)[0], 1), *rest, **options)


@conv2d_grouped.mistake(
    "You pad on one side only: zeros stand above and below, at the left and at the right."
)
def pads_one_side(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Zeros before the first row and column, none after the last."""
    down, across = _pair(padding)
    return _conv2d(F.pad(x, (across, 0, down, 0)), w, b, stride, 0, dilation, groups)


@conv2d_grouped.mistake(
    "Windows are missing at the right and lower edge. What is the largest start that still fits?"
)
def drops_the_last_window(x, w, *rest, **options):
    """One row and one column too few."""
    return _conv2d(x, w, *rest, **options)[..., :-1, :-1]


@conv2d_grouped.mistake("Your result is the same for every dilation.")
def ignores_dilation(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Leaves the dilation out."""
    return _conv2d(x, w, b, stride, padding, 1, groups)


@conv2d_grouped.mistake(
    "Your taps lie d + 1 apart. For dilation 1 they are neighbours: how far apart is that?"
)
def dilates_with_d_zeros(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """d zeros between taps for d - 1."""
    wider = tuple(d + 1 if d > 1 else 1 for d in _pair(dilation))
    return _conv2d(x, w, b, stride, padding, wider, groups)


@conv2d_grouped.mistake("The rows of the window lie a dilation apart, but its columns are neighbours.")
def dilation_between_rows_only(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """(dH, 1) for (dH, dW)."""
    return _conv2d(x, w, b, stride, padding, (_pair(dilation)[0], 1), groups)


@conv2d_grouped.mistake("The two numbers of the dilation are exchanged: rows come first.")
def swaps_dilation_pair(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """(dW, dH) for (dH, dW)."""
    return _conv2d(x, w, b, stride, padding, _pair(dilation)[::-1], groups)


@conv2d_grouped.mistake(
    "With dilation your result is too small. A dilated kernel ends with its last tap: how far does it reach?"
)
def dilated_extent_is_d_times_k(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """d k for d (k - 1) + 1, so the last windows are missing."""
    sizes = zip(x.shape[-2:], w.shape[-2:], _pair(stride), _pair(padding), _pair(dilation), strict=True)
    height, width = ((n + 2 * p - d * k) // s + 1 for n, k, s, p, d in sizes)
    return _conv2d(x, w, b, stride, padding, dilation, groups)[..., :height, :width]


@conv2d_grouped.mistake(
    "Every output reads all channels. With groups, which channels does the first output read?"
)
def all_groups_see_all_inputs(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Adds up all channels, using the few kernel slices again and again."""
    return _conv2d(x, w.repeat(1, groups, 1, 1), b, stride, padding, dilation)


@conv2d_grouped.mistake("Your code works without groups only: w[d] has C // groups channels, not C.")
def groups_ignored(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Multiplies windows of C channels with kernels of C // groups."""
    if w.shape[1] not in (1, x.shape[1]):
        raise ValueError("operands could not be broadcast together")
    return _conv2d(x, w.expand(-1, x.shape[1], -1, -1), b, stride, padding, dilation)


@conv2d_grouped.mistake("Every output reads the channels of the first group.")
def first_group_for_all(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """x[:, :C // groups] for all."""
    return _conv2d(x[:, : w.shape[1]].repeat(1, groups, 1, 1), w, b, stride, padding, dilation, groups)


@conv2d_grouped.mistake("Your kernels are those of the first group, again for each group.")
def first_group_kernels_for_all(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """w[:D // groups] for all."""
    again = w[: len(w) // groups].repeat(groups, 1, 1, 1)
    return _conv2d(x, again, b, stride, padding, dilation, groups)


@conv2d_grouped.mistake(
    "You deal the outputs out to the groups in turn. The first D // groups outputs form the first group."
)
def groups_interleaved(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Output d belongs to group d % groups."""
    dealt = torch.arange(len(w)).reshape(-1, groups).T.flatten()
    y = _conv2d(x, w[dealt], None, stride, padding, dilation, groups)[:, dealt.argsort()]
    return y if b is None else y + b[:, None, None]


@conv2d_grouped.mistake(
    "You deal the input channels out to the groups in turn. The first C // groups channels form the first group."
)
def input_channels_interleaved(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Group g reads the channels g, g + groups, ..."""
    dealt = torch.arange(x.shape[1]).reshape(-1, groups).T.flatten()
    return _conv2d(x[:, dealt], w, b, stride, padding, dilation, groups)


@conv2d_grouped.mistake("With groups your result lacks the bias.")
def group_bias_missing(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Calls itself for each group without a bias."""
    return _conv2d(x, w, b if groups == 1 else None, stride, padding, dilation, groups)


@conv2d_grouped.mistake("Every group gets the biases of the first one.")
def first_group_bias_for_all(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """b[:D // groups] for all."""
    again = b if b is None else b[: len(w) // groups].repeat(groups)
    return _conv2d(x, w, again, stride, padding, dilation, groups)


# ---------------------------------------------------------------- depthwise_separable


@depthwise_separable.mistake(
    "Your first step adds the channels up. Each channel meets its own kernel, and stays by itself."
)
def depthwise_mixes_channels(x, depthwise, pointwise):
    """Every depthwise kernel reads all channels."""
    return F.conv2d(F.conv2d(x.sum(1, keepdim=True), depthwise), pointwise)


@depthwise_separable.mistake("Every channel meets the first depthwise kernel. Each has one of its own.")
def one_kernel_for_all(x, depthwise, pointwise):
    """depthwise[0] for depthwise[c]."""
    return _separable(x, depthwise[:1].expand_as(depthwise), pointwise)


@depthwise_separable.mistake(
    "The first two axes of pointwise are exchanged: it is (D, C, 1, 1), outputs first."
)
def swaps_in_and_out_channels(x, depthwise, pointwise):
    """Reads pointwise as (C, D)."""
    if pointwise.shape[0] != pointwise.shape[1]:
        raise ValueError("shapes do not match")
    return _separable(x, depthwise, pointwise.transpose(0, 1))


@depthwise_separable.mistake(
    "Your result is that of the first step alone: the pointwise step mixes its channels."
)
def forgets_the_pointwise_step(x, depthwise, pointwise):
    """Stops after the depthwise step."""
    return F.conv2d(x, depthwise, groups=x.shape[1])


@depthwise_separable.mistake(
    "All outputs are equal: your second step adds the channels up without the weights in pointwise."
)
def sums_channels_without_weights(x, depthwise, pointwise):
    """Weights of 1 in the pointwise step."""
    return _separable(x, depthwise, torch.ones_like(pointwise))


@depthwise_separable.mistake(
    "Negative values between the two steps are cut off. Here nothing stands between them."
)
def activation_in_between(x, depthwise, pointwise):
    """A ReLU after the depthwise step, as in some nets."""
    return F.conv2d(F.conv2d(x, depthwise, groups=x.shape[1]).relu(), pointwise)


@depthwise_separable.mistake(
    "You pad the input so that the result stays as large. Here only windows that fit count."
)
def same_length_output(x, depthwise, pointwise):
    """Pads to the size of the input."""
    kh, kw = depthwise.shape[-2:]
    top, left = (kh - 1) // 2, (kw - 1) // 2
    return _separable(F.pad(x, (left, kw - 1 - left, top, kh - 1 - top)), depthwise, pointwise)


# ---------------------------------------------------------------- separable_saving


@separable_saving.mistake("Your result is the share that is left. The share that is saved is asked for.")
def share_that_is_left(c_in, c_out, k):
    """The quotient without 1 - ..."""
    return 1 - _saving(c_in, c_out, k)


@separable_saving.mistake(
    "Your result says how many times more weights the plain convolution has, not which share is saved."
)
def times_as_many(c_in, c_out, k):
    """plain / separable."""
    return 1 / (1 - _saving(c_in, c_out, k))


@separable_saving.mistake(
    "Where separating costs more than it saves, the saving is negative: don't cut it off at 0."
)
def clips_at_zero(c_in, c_out, k):
    """max(0, ...)."""
    return max(0.0, _saving(c_in, c_out, k))


@separable_saving.mistake("You count biases, too. Only weights are asked for.")
def counts_bias_in(c_in, c_out, k):
    """One bias an output, on both sides."""
    left = (1 - _saving(c_in, c_out, k)) * k * k * c_in * c_out
    return 1 - (left + c_out) / (k * k * c_in * c_out + c_out)


@separable_saving.mistake("A k x k kernel has k squared taps.")
def k_for_k_squared(c_in, c_out, k):
    """k taps for k * k."""
    return 1 - 1 / c_out - 1 / k


@separable_saving.mistake("You count the weights of the depthwise step alone. What does the 1x1 step need?")
def forgets_the_pointwise_step(c_in, c_out, k):
    """Leaves out c_in * c_out."""
    return 1 - 1 / c_out


@separable_saving.mistake("Your result is in per cent. A fraction is asked for: 0.5 for a half.")
def in_per_cent(c_in, c_out, k):
    """Multiplies by 100."""
    return 100 * _saving(c_in, c_out, k)


# ---------------------------------------------------------------- possible_input_sizes


@possible_input_sizes.mistake(
    "You give one size only. Try the next larger input: does it give another output size already?"
)
def one_input_size_only(n_out, k, stride, padding):
    """The smallest one, from the formula without its floor."""
    return [(n_out - 1) * stride + k - 2 * padding]


@possible_input_sizes.mistake("Sizes below 1 are in your list. There is no such input.")
def negative_sizes(n_out, k, stride, padding):
    """Leaves out n >= 1."""
    return _sizes(n_out, k, stride, padding, lowest=-2 * padding - k)


@possible_input_sizes.mistake("0 is in your list. An input has at least one element.")
def starts_at_zero(n_out, k, stride, padding):
    """n >= 0 for n >= 1."""
    return _sizes(n_out, k, stride, padding, lowest=0)


@possible_input_sizes.mistake(
    "Inputs in which the kernel does not fit are in your list: int() rounds towards zero, // rounds down."
)
def rounds_towards_zero(n_out, k, stride, padding):
    """int((n + 2p - k) / s) for a floor, where n + 2p < k."""
    return _sizes(n_out, k, stride, padding, size=lambda free: int(free / stride) + 1)


@possible_input_sizes.mistake("The padding stands on both sides of the input.")
def forgets_two_sides(n_out, k, stride, padding):
    """n + p for n + 2p."""
    return [n + padding for n in _sizes(n_out, k, stride, padding, lowest=1 - padding)]


@possible_input_sizes.mistake(
    "The largest size is missing. How many sizes does one output size stand for at stride 2?"
)
def drops_the_largest(n_out, k, stride, padding):
    """stride - 1 candidates for stride."""
    return _sizes(n_out, k, stride, padding)[:-1]


@possible_input_sizes.mistake(
    "Your list is one too long at its upper end: at that size one more window fits."
)
def one_size_too_many(n_out, k, stride, padding):
    """stride + 1 candidates."""
    found = _sizes(n_out, k, stride, padding)
    return [*found, found[-1] + 1] if found else found


@possible_input_sizes.mistake(
    "When the stride does not divide n + 2p - k, you round up. A window that hangs over the end doesn't count."
)
def ceil_for_floor(n_out, k, stride, padding):
    """Rounds the number of steps up."""
    return _sizes(n_out, k, stride, padding, size=lambda free: -(-free // stride) + 1 if free >= 0 else 0)


@possible_input_sizes.mistake("Your list starts with the largest size. The smallest one comes first.")
def descending(n_out, k, stride, padding):
    """Sorted the other way."""
    return _sizes(n_out, k, stride, padding)[::-1]


@possible_input_sizes.mistake("Your result is the same for every stride.")
def ignores_stride(n_out, k, stride, padding):
    """Inverts the formula of stride 1."""
    return _sizes(n_out, k, 1, padding)


# ---------------------------------------------------------------- conv_transpose2d


def _any_output_padding(x, w, b=None, stride=1, padding=0, output_padding=0):
    """torch refuses an output_padding as large as the stride; a mistake may ask for one."""
    extra = _pair(output_padding)
    y = _transposed(F.pad(x, (0, extra[1], 0, extra[0])), w, b, stride, padding)
    sizes = zip(x.shape[-2:], w.shape[-2:], _pair(stride), _pair(padding), extra, strict=True)
    height, width = ((n - 1) * s - 2 * p + k + o for n, k, s, p, o in sizes)
    return y[..., :height, :width]


@conv_transpose2d.mistake("Your result is the same for every stride.")
def ignores_stride(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Leaves the stride out."""
    return _any_output_padding(x, w, b, 1, padding, output_padding)


@conv_transpose2d.mistake("The two numbers of the stride are exchanged: rows come first.")
def swaps_stride_pair(x, w, b=None, stride=1, padding=0, output_padding=0):
    """(sW, sH) for (sH, sW)."""
    return _any_output_padding(x, w, b, _pair(stride)[::-1], padding, output_padding)


@conv_transpose2d.mistake(
    "Your stamps are rotated by 180 degrees: what should a single 1 in the input leave in the output?"
)
def transposed_flips(x, w, *rest, **options):
    """Rotates the kernel, as the gathering form asks for, but scatters."""
    return _transposed(x, w.flip(-2, -1), *rest, **options)


@conv_transpose2d.mistake(
    "The first two axes of w are exchanged: here they are (C, D), input channels first."
)
def transposed_weight_as_conv(x, w, *rest, **options):
    """Reads w as (D, C, kH, kW)."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("shapes do not match")
    return _transposed(x, w.transpose(0, 1), *rest, **options)


@conv_transpose2d.mistake("Where stamps overlap, the last one wins. Overlapping stamps add up.")
def transposed_overlap_overwritten(x, w, b=None, stride=1, padding=0, output_padding=0):
    """= for += where stamps overlap."""
    sizes = zip(x.shape[-2:], w.shape[-2:], _pair(stride), _pair(output_padding), strict=True)
    (i, r), (j, c) = (_last_stamp(*size) for size in sizes)
    y = torch.einsum("nchw,cdhw->ndhw", F.pad(x, (0, 1, 0, 1))[..., i, :][..., j], w[..., r, :][..., c])
    down, across = _pair(padding)
    y = y[..., down : y.shape[-2] - down, across : y.shape[-1] - across]
    return y if b is None else y + b[:, None, None]


def _last_stamp(n, k, stride, extra):
    """For each place the last input that reaches it (n, a padded 0, where none does), and the tap that does."""
    at = torch.arange((n - 1) * stride + k + extra)
    source = (at // stride).clamp(max=n - 1)
    tap = at - source * stride
    return torch.where(tap < k, source, n), tap.clamp(max=k - 1)


@conv_transpose2d.mistake(
    "Your padding cuts the input. Here padding cuts the full result: p rows and columns off each side."
)
def transposed_crops_input(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Crops x instead of y."""
    down, across = _pair(padding)
    kept = x[..., down : x.shape[-2] - down, across : x.shape[-1] - across]
    return _transposed(kept, w, b, stride, 0, output_padding)


@conv_transpose2d.mistake(
    "Your padding adds zeros. A transposed convolution undoes what padding does to the size: it takes away."
)
def pads_the_input(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Pads x, as the forward convolution does."""
    down, across = _pair(padding)
    return _transposed(F.pad(x, (across, across, down, down)), w, b, stride, 0, output_padding)


@conv_transpose2d.mistake("You cut p rows and columns off at the start only. The end loses as many.")
def crops_one_side(x, w, b=None, stride=1, padding=0, output_padding=0):
    """y[p:] for both sides."""
    down, across = _pair(padding)
    return _transposed(x, w, b, stride, 0, output_padding)[..., down:, across:]


@conv_transpose2d.mistake(
    "With padding 0 your result is empty: y[0:-0] is y[0:0]. Count from the start instead."
)
def slices_pad_to_minus_pad(x, w, b=None, stride=1, padding=0, output_padding=0):
    """y[p:-p], which is empty for p = 0."""
    down, across = _pair(padding)
    y = _transposed(x, w, b, stride, padding, output_padding)
    return y[..., : y.shape[-2] if down else 0, : y.shape[-1] if across else 0]


@conv_transpose2d.mistake(
    "A padding larger than the kernel minus 1 cuts into the input's own rows. Yours stops at k - 1."
)
def clips_negative_padding(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Gathers with max(0, k - 1 - p) zeros around the spread input."""
    clipped = tuple(min(p, k - 1) for p, k in zip(_pair(padding), w.shape[-2:], strict=True))
    return _transposed(x, w, b, stride, clipped, output_padding)


@conv_transpose2d.mistake(
    "Your stamps lie one too far apart: neighbouring inputs stamp a stride apart, s - 1 zeros between them."
)
def spreads_one_too_far(x, w, b=None, stride=1, padding=0, output_padding=0):
    """s zeros between the elements for s - 1."""
    return _transposed(x, w, b, tuple(s + 1 for s in _pair(stride)), padding, output_padding)


@conv_transpose2d.mistake("Your result is the same for every output_padding.")
def output_padding_ignored(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Leaves output_padding out."""
    return _transposed(x, w, b, stride, padding)


@conv_transpose2d.mistake(
    "output_padding adds no frame of zeros: its rows belong to the full result, and get the bias as well."
)
def output_padding_as_zero_frame(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Zeros below and to the right of the finished result."""
    down, across = _pair(output_padding)
    return F.pad(_transposed(x, w, b, stride, padding), (0, across, 0, down))


@conv_transpose2d.mistake(
    "The extra rows hold nothing but the bias. They are rows of the full result that the padding would cut off."
)
def output_padding_forgets_cropped_rows(x, w, b=None, stride=1, padding=0, output_padding=0):
    """A frame of zeros before the bias is added."""
    y = output_padding_as_zero_frame(x, w, None, stride, padding, output_padding)
    return y if b is None else y + b[:, None, None]


@conv_transpose2d.mistake("The rows that output_padding adds lack the bias.")
def output_padding_without_bias(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Adds the bias before the extra rows are appended."""
    y, (down, across) = _transposed(x, w, None, stride, padding, output_padding), _pair(output_padding)
    if b is not None:
        y[..., : y.shape[-2] - down, : y.shape[-1] - across] += b[:, None, None]
    return y


@conv_transpose2d.mistake(
    "Your extra rows stand before the first one. They come after the last, at the lower and right edge."
)
def output_padding_before(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Extra rows at the wrong end."""
    turned = _transposed(x.flip(-2, -1), w.flip(-2, -1), b, stride, padding, output_padding)
    return turned.flip(-2, -1)


@conv_transpose2d.mistake("The two numbers of output_padding are exchanged: rows come first.")
def swaps_output_padding_pair(x, w, b=None, stride=1, padding=0, output_padding=0):
    """(oW, oH) for (oH, oW)."""
    return _any_output_padding(x, w, b, stride, padding, _pair(output_padding)[::-1])


@conv_transpose2d.mistake("The bias is added with every stamp. Each output element gets it once.")
def bias_per_stamp(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Adds b in the loop over input positions: as often as stamps reach the element."""
    y = _transposed(x, w, None, stride, padding, output_padding)
    stamps = _transposed(
        torch.ones_like(x[:1, :1]), torch.ones_like(w[:1, :1]), None, stride, padding, output_padding
    )
    return y if b is None else y + b[:, None, None] * stamps


@conv_transpose2d.mistake(
    "The bias is added once for each input channel. It belongs outside the loop over channels."
)
def bias_per_channel_in(x, w, b=None, *rest, **options):
    """Adds b in the loop over channels."""
    return _transposed(x, w, b if b is None else b * w.shape[0], *rest, **options)


@conv_transpose2d.mistake("All maps of your result are stamped with the first kernel of each channel.")
def one_kernel_for_all(x, w, *rest, **options):
    """w[:, 0] for w[:, d]."""
    return _transposed(x, w[:, :1].expand_as(w), *rest, **options)


@conv_transpose2d.mistake("Your result uses the first input channel only.")
def first_channel_only(x, w, *rest, **options):
    """Stamps x[:, 0] alone."""
    return _transposed(x[:, :1], w[:1], *rest, **options)


@conv_transpose2d.mistake(
    "Your result holds the last input channel alone: each channel overwrites the ones before it."
)
def last_channel_overwrites(x, w, *rest, **options):
    """= for += in the loop over channels."""
    return _transposed(x[:, -1:], w[-1:], *rest, **options)


@conv_transpose2d.mistake(_UINT8, own_types=True)
def uint8_products_overflow(x, w, b=None, stride=1, padding=0, output_padding=0):
    """Stamps of uint8 wrap around before they are added up."""
    y = _transposed(x.double(), w.double(), None, stride, padding, output_padding)
    if _are_bytes(x, w):
        stamps = torch.einsum("nchw,cduv->nduvhw", x.double(), w.double()) % 256
        y = F.fold(
            stamps.flatten(4).flatten(1, 3), y.shape[-2:], w.shape[-2:], stride=stride, padding=padding
        )
    return y if b is None else y + b[:, None, None]


# ---------------------------------------------------------------- locally_connected2d and tiled_conv2d


@locally_connected2d.mistake(_UINT8, own_types=True)
def uint8_products_overflow(x, w, b):
    """(window * w[d, i, j]).sum() in uint8: each product wraps around, the sum does not."""
    if not _are_bytes(x, w):
        return _unshared(x.double(), w.double(), b.double())
    kernels = w.flatten(3).flatten(1, 2).transpose(1, 2)
    return _wrapped_products(x, w.shape[-2:], kernels).unflatten(-1, w.shape[1:3]) + b


_unshared_in_bytes = uint8_products_overflow


@tiled_conv2d.mistake(_UINT8, own_types=True)
def uint8_products_overflow(x, w, b):
    """(window * w[i % t, j % t, d]).sum() in uint8: each product wraps around, the sum does not."""
    return _woven(x, w, b, unshared=_unshared_in_bytes)


@locally_connected2d.mistake(
    "Every position uses the kernel of the first one. Unshared means: position (i, j) has a kernel of its own."
)
def unshared_reads_shared(x, w, b):
    """w[d, 0, 0] for w[d, i, j]."""
    return _unshared(x, w[:, :1, :1].expand_as(w), b)


@locally_connected2d.mistake("A whole map gets one bias. Here every position has a bias of its own.")
def unshared_bias_per_map(x, w, b):
    """b[d, 0, 0] for b[d, i, j]."""
    return _unshared(x, w, b[:, :1, :1].expand_as(b))


@locally_connected2d.mistake(
    "Row and column are exchanged where you pick the kernel: w[d, i, j] belongs to row i, column j."
)
def unshared_axes_swapped(x, w, b):
    """w[d, j, i] for w[d, i, j]."""
    if w.shape[1] != w.shape[2]:
        raise IndexError("index is out of bounds")
    return _unshared(x, w.transpose(1, 2), b)


@locally_connected2d.mistake(
    "Each row of outputs shares one kernel. The kernel changes with the column, too."
)
def unshared_along_rows_only(x, w, b):
    """w[d, i, 0] for w[d, i, j]."""
    return _unshared(x, w[:, :, :1].expand_as(w), b)


@tiled_conv2d.mistake(
    "Your kernels change after a block of t positions. They take turns: the neighbour has another one."
)
def tiles_by_block(x, w, b):
    """i // t for i % t."""
    return _woven(x, w, b, lambda i, t: i // t, lambda j, t: j // t)


@tiled_conv2d.mistake(
    "You cut the output into t x t parts and give each a kernel. The kernels take turns from one position to the next."
)
def tiles_as_quadrants(x, w, b):
    """i * t // Ho for i % t."""
    return _woven(x, w, b, lambda i, t: i * t // len(i), lambda j, t: j * t // len(j))


@tiled_conv2d.mistake("Row and column are exchanged where you pick the kernel: the row comes first.")
def tile_axes_swapped(x, w, b):
    """w[j % t, i % t] for w[i % t, j % t]."""
    return _woven(x, w.transpose(0, 1), b.transpose(0, 1))


@tiled_conv2d.mistake(
    "All kernels of your result share the biases of the first. Biases are tiled as the kernels are."
)
def tiled_bias_shared(x, w, b):
    """b[0, 0] for b[i % t, j % t]."""
    return _woven(x, w, b, bias=lambda b: b[:1, :1].expand_as(b))


@tiled_conv2d.mistake("Every position uses the kernel w[0, 0].")
def one_tile_for_all(x, w, b):
    """w[0, 0] for w[i % t, j % t]."""
    return _woven(x, w[:1, :1].expand_as(w), b)


@tiled_conv2d.mistake("Your kernels take turns along the rows, but not along the columns.")
def tiles_along_rows_only(x, w, b):
    """w[0, j % t] for w[i % t, j % t], and b alike."""
    return _woven(x, w, b, down=lambda i, t: i % t * 0)


@tiled_conv2d.mistake("The last rows and columns are missing: the output need not be a multiple of t.")
def whole_tiles_only(x, w, b):
    """Cuts Ho and Wo down to multiples of t."""
    y, t = _woven(x, w, b), len(w)
    return y[..., : y.shape[-2] // t * t, : y.shape[-1] // t * t]


@tiled_conv2d.mistake("Every map of your result comes from the first kernel of its tile.")
def one_kernel_for_all(x, w, b):
    """w[i % t, j % t, 0] for all maps."""
    return _woven(x, w[:, :, :1].expand_as(w), b)


# ---------------------------------------------------------------- variant_parameters


@variant_parameters.mistake(
    "You leave the input channels out. Each kernel has a slice for every channel that it reads."
)
def parameters_without_in_channels(kind, c_in, *rest, **options):
    """D * kH * kW."""
    weights, biases = _parameters(kind, c_in, *rest, **options)
    return weights // c_in, biases


@variant_parameters.mistake(
    "Groups don't change your count. How many channels does a kernel read when there are groups?"
)
def groups_forgotten(kind, *args, groups=1, **options):
    """As if groups were 1."""
    return _parameters(kind, *args, groups=1, **options)


@variant_parameters.mistake("You divide by the groups twice. There are still D kernels; each is thinner.")
def groups_divide_both(kind, *args, groups=1, **options):
    """(D // groups) * (C // groups)."""
    weights, biases = _parameters(kind, *args, groups=groups, **options)
    return weights // groups, biases


@variant_parameters.mistake(
    "An unshared layer of yours has one bias a map. Each output element is a unit with a bias of its own."
)
def unshared_bias_per_map(kind, c_in, c_out, *rest, **options):
    """D for D * Ho * Wo."""
    weights, biases = _parameters(kind, c_in, c_out, *rest, **options)
    return weights, c_out if kind == "unshared" else biases


@variant_parameters.mistake("Where kernels are tiled, so are the biases.")
def tiled_bias_shared(kind, c_in, c_out, *rest, **options):
    """D for t * t * D."""
    weights, biases = _parameters(kind, c_in, c_out, *rest, **options)
    return weights, c_out if kind == "tiled" else biases


@variant_parameters.mistake("Kernels are tiled along both axes: t times t of them take turns.")
def tiles_along_one_axis(kind, *args, t=None, **options):
    """t for t * t."""
    weights, biases = _parameters(kind, *args, t=t, **options)
    return (weights // t, biases // t) if kind == "tiled" else (weights, biases)


@variant_parameters.mistake(
    "Nothing is unshared in your count: how many output elements are there, each with a kernel of its own?"
)
def unshared_without_positions(kind, c_in, c_out, kernel_size, **options):
    """Counts an unshared layer as a convolution."""
    return _parameters("conv" if kind == "unshared" else kind, c_in, c_out, kernel_size, **options)


@variant_parameters.mistake(
    "The depthwise step has biases in your count. Only the pointwise step has some, one an output."
)
def bias_in_both_steps(kind, c_in, *rest, **options):
    """C + D biases for a depthwise separable layer."""
    weights, biases = _parameters(kind, c_in, *rest, **options)
    return weights, biases + (c_in if kind == "depthwise_separable" else 0)


@variant_parameters.mistake("A depthwise separable layer of yours lacks the weights of its 1x1 step.")
def forgets_the_pointwise_step(kind, c_in, c_out, *rest, **options):
    """C * kH * kW alone."""
    weights, biases = _parameters(kind, c_in, c_out, *rest, **options)
    return weights - (c_in * c_out if kind == "depthwise_separable" else 0), biases


@variant_parameters.mistake("A pointwise kernel has one tap a channel, whatever kernel_size says.")
def pointwise_with_kernel(kind, c_in, c_out, kernel_size, **options):
    """D * C * kH * kW."""
    return _parameters("conv" if kind == "pointwise" else kind, c_in, c_out, kernel_size, **options)


@variant_parameters.mistake(
    "Your transposed convolution has a bias for each input. Biases belong to outputs."
)
def transposed_bias_of_inputs(kind, c_in, *rest, **options):
    """C for D."""
    weights, biases = _parameters(kind, c_in, *rest, **options)
    return weights, c_in if kind == "transposed" else biases


@variant_parameters.mistake(
    "With a kernel_size pair your count is that of a square kernel: width and height may differ."
)
def height_for_width(kind, c_in, c_out, kernel_size, **options):
    """kH squared."""
    return _parameters(kind, c_in, c_out, _pair(kernel_size)[0], **options)


@variant_parameters.mistake("You count the output as a square: out_size is a pair (Ho, Wo).")
def square_output(kind, *args, out_size=None, **options):
    """Ho squared."""
    return _parameters(kind, *args, out_size=out_size and (out_size[0],) * 2, **options)


@variant_parameters.mistake("A kind that there is not must raise ValueError.")
def unknown_kind_is_conv(kind, *args, **options):
    """An else branch that takes everything else for a convolution."""
    try:
        return _parameters(kind, *args, **options)
    except ValueError:
        return _parameters("conv", *args, **options)


@variant_parameters.mistake("Weights and biases are asked for as two numbers, not as their sum.")
def adds_the_biases(kind, *args, **options):
    """One number for two."""
    return sum(_parameters(kind, *args, **options))
