"""Chapter 2: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

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


def _correlate(x, w):
    return F.conv2d(x[None, None], w[None, None])[0, 0]


def _conv2d(x, w, b=None, stride=1):
    return F.conv2d(x, w, b, stride)


def _unfold(x, kernel_size, stride=1):
    return F.unfold(x, kernel_size, stride=stride)


def _out(x, kernel_size, stride=1):
    """Output height and width."""
    return [(n - k) // s + 1 for n, k, s in zip(x.shape[-2:], _pair(kernel_size), _pair(stride), strict=True)]


def _stride(rest, options):
    """The stride among the arguments after x and w."""
    return options.get("stride", rest[1] if len(rest) > 1 else 1)


def _matrix(w, size):
    """Each column is what one input element alone brings about."""
    height, width = size
    units = torch.eye(height * width, dtype=w.dtype).reshape(-1, 1, height, width)
    return F.conv2d(units, w[None, None]).reshape(height * width, -1).T.contiguous()


def _work(n, c, d, height, width):
    return call(
        draw(91, n, c, height, width), draw(92, d, c, 2, 3), draw(93, d), (1, 2)
    )  # equal kernels: a loop over taps may stay


cross_correlate2d = Exercise(
    oracle=_correlate,
    probes=[
        call(draw(1, 5, 8), draw(2, 3, 4)),
        call(draw(3, 8, 6), draw(4, 4, 3)),
        call(draw(5, 6, 7), draw(6, 3, 3)),
        call(draw(7, 3, 4), draw(8, 3, 4)),
        call(_bytes(9, 5, 6), draw(10, 3, 3)),
        call(_bytes(11, 5, 6), _bytes(12, 3, 3)),
    ],
)

rotate180 = Exercise(
    oracle=lambda w: w.flip(-2, -1),
    probes=[
        call(draw(21, 3, 3)),
        call(draw(22, 2, 4)),
        call(draw(23, 3, 2, 3, 3)),
        call(draw(24, 2, 3, 4)),
    ],
)

convolve2d = Exercise(
    oracle=lambda x, w: _correlate(x, w.flip(0, 1)),
    probes=[
        call(draw(31, 5, 8), draw(32, 3, 4)),
        call(draw(33, 8, 6), draw(34, 4, 3)),
        call(draw(35, 6, 7), draw(36, 3, 3)),
        call(draw(37, 4, 5), draw(38, 4, 4)),
        call(_bytes(39, 5, 6), draw(40, 3, 3)),
        call(_bytes(41, 5, 6), _bytes(42, 3, 3)),
    ],
)

_LAYERS = [
    call(draw(51, 1, 1, 5, 8), draw(52, 1, 1, 3, 4)),
    call(draw(53, 2, 3, 7, 10), draw(54, 4, 3, 2, 3), draw(55, 4), (2, 3)),
    call(draw(56, 2, 3, 7, 8), draw(57, 3, 3, 3, 3), draw(58, 3), 2),
    call(draw(59, 3, 2, 6, 7), draw(60, 2, 2, 3, 2), draw(61, 2)),
    call(draw(62, 1, 2, 9, 7), draw(63, 4, 2, 3, 4), b=draw(64, 4), stride=(1, 2)),
    call(draw(65, 2, 2, 5, 6), draw(66, 4, 2, 3, 3), draw(67, 4)),  # as many kernels as columns
    call(draw(68, 2, 2, 3, 4), draw(69, 3, 2, 3, 4), _whole(70, 3), stride=3),
    call(_bytes(71, 1, 2, 4, 5), draw(72, 2, 2, 2, 3), draw(73, 2)),
    call(_bytes(74, 1, 2, 4, 5), _bytes(75, 2, 2, 2, 3)),
]

conv2d = Exercise(oracle=_conv2d, probes=_LAYERS)

im2col = Exercise(
    oracle=_unfold,
    probes=[
        call(draw(81, 1, 1, 4, 6), 2),
        call(draw(82, 2, 3, 5, 7), (2, 3)),
        call(draw(83, 2, 2, 7, 10), (2, 3), (2, 3)),
        call(draw(84, 3, 2, 6, 8), 3, stride=2),
        call(draw(85, 1, 2, 8, 6), (4, 3)),
        call(draw(86, 2, 3, 3, 3), 3, stride=4),
        call(_whole(87, 1, 2, 4, 5), (2, 3)),
    ],
)

conv2d_matmul = Exercise(
    oracle=_conv2d,
    probes=_LAYERS,
    same_work=(_work(2, 2, 2, 4, 7), _work(15, 14, 16, 17, 33)),
)

conv1x1 = Exercise(
    oracle=lambda x, w, b=None: F.conv2d(x, w[:, :, None, None], b),
    probes=[
        call(draw(101, 1, 3, 4, 5), draw(102, 2, 3)),
        call(draw(103, 2, 3, 4, 5), draw(104, 3, 3), draw(105, 3)),
        call(draw(106, 3, 2, 5, 4), draw(107, 4, 2), b=draw(108, 4)),
        call(draw(109, 2, 4, 3, 3), draw(110, 1, 4), draw(111, 1)),
        call(draw(112, 1, 1, 2, 6), draw(113, 3, 1), _whole(114, 3)),
        call(_bytes(115, 1, 2, 3, 4), draw(116, 3, 2), draw(117, 3)),
        call(_bytes(118, 1, 2, 3, 4), _bytes(119, 3, 2)),
    ],
)

conv_matrix = Exercise(
    oracle=_matrix,
    probes=[
        call(draw(121, 2, 3), (4, 5)),
        call(draw(122, 3, 2), (5, 4)),
        call(draw(123, 2, 2), (3, 6)),
        call(draw(124, 3, 3), size=(4, 5)),
        call(draw(125, 2, 2), (2, 3)),
        call(_whole(126, 2, 2), (4, 3)),
    ],
)

common_mistakes(cross_correlate2d, convolve2d, conv2d, conv2d_matmul, conv1x1)


# ---------------------------------------------------------------- what moves numbers and calculates nothing


shared_mistake(
    "Your results have lost what follows the decimal point: does your array hold integers?",
    rotate180,
    im2col,
    conv_matrix,
)(truncates_to_int)

shared_mistake(
    "Your function changes its input array. Work on a copy, or build a new array.",
    rotate180,
    im2col,
    conv_matrix,
)(changes_its_input)

shared_mistake(
    "Your function returns the same array each time, so a later call changes an earlier result. Make a new one.",
    rotate180,
    im2col,
    conv_matrix,
)(keeps_a_result_between_calls)


# ---------------------------------------------------------------- one kernel on one image


@shared_mistake(
    "Your result matches a kernel rotated by 180 degrees: that would be a true convolution.",
    cross_correlate2d,
    conv2d,
    conv2d_matmul,
)
def flips_the_kernel(oracle, x, w, *rest, **options):
    """True convolution; deep learning's "convolution" is cross-correlation."""
    return oracle(x, w.flip(-2, -1), *rest, **options)


@shared_mistake(
    "Your result matches a kernel whose rows and columns are exchanged. Which index of w moves down?",
    cross_correlate2d,
    conv2d,
    conv2d_matmul,
)
def swaps_kernel_axes(oracle, x, w, *rest, **options):
    """Reads w[v, u] for w[u, v]: only a square kernel survives it."""
    if w.shape[-1] != w.shape[-2]:
        raise ValueError("shapes do not match")
    return oracle(x, w.mT, *rest, **options)


@shared_mistake(
    "The last row and the last column of your result are missing. What is the largest start that still fits?",
    cross_correlate2d,
    convolve2d,
    conv2d,
    conv2d_matmul,
)
def drops_the_last_window(oracle, *args, **options):
    """range(H - kH) for range(H - kH + 1), and the same for W."""
    return oracle(*args, **options)[..., :-1, :-1]


@shared_mistake(
    "You have one window too many in each direction: the last ones hang over the edge of the image.",
    cross_correlate2d,
    convolve2d,
    conv2d,
    conv2d_matmul,
)
def one_window_too_many(oracle, x, w, *rest, **options):
    """H - kH + 2 rows: the last window is cut short, or meets zeros."""
    down, right = _pair(_stride(rest, options))
    return oracle(F.pad(x, (0, right, 0, down)), w, *rest, **options)


@shared_mistake(
    "You pad the image so that the result stays as large. Here only windows that fit entirely count.",
    cross_correlate2d,
    convolve2d,
    conv2d,
    conv2d_matmul,
)
def same_length_output(oracle, x, w, *rest, **options):
    """Pads so that the output is as large as the input ("same")."""
    (top, left), (rows, columns) = [(k - 1) // 2 for k in w.shape[-2:]], w.shape[-2:]
    return oracle(F.pad(x, (left, columns - 1 - left, top, rows - 1 - top)), w, *rest, **options)


@shared_mistake(
    "Your result is right, but lies on its side: rows and columns are exchanged.",
    cross_correlate2d,
    convolve2d,
    conv2d,
    conv2d_matmul,
)
def swaps_output_axes(oracle, *args, **options):
    """Stores the window at row i, column j as y[j, i]."""
    return oracle(*args, **options).mT


@shared_mistake(
    "The width of your result is calculated from the height of the image.",
    cross_correlate2d,
    convolve2d,
    conv2d,
    conv2d_matmul,
)
def height_for_width(oracle, x, w, *rest, **options):
    """x.shape[-2] for x.shape[-1] in the output's width: too few columns, or windows past the edge."""
    y = oracle(x, w, *rest, **options)
    columns = (x.shape[-2] - w.shape[-1]) // _pair(_stride(rest, options))[1] + 1
    if columns > y.shape[-1]:
        raise ValueError("operands could not be broadcast together")
    return y[..., :columns]


@shared_mistake(
    "Your results are smaller by the size of the kernel: is it a sum or a mean that you want?",
    cross_correlate2d,
    convolve2d,
    conv2d,
    conv2d_matmul,
)
def averages_instead_of_sums(oracle, x, w, *rest, **options):
    """Takes the mean of the products."""
    return oracle(x, w / w.shape[-3:].numel(), *rest, **options)


@shared_mistake(
    "Square kernels work, others raise an exception: where does the width of the window come from?",
    cross_correlate2d,
    convolve2d,
    conv2d,
    conv2d_matmul,
)
def square_kernels_only(oracle, x, w, *rest, **options):
    """Takes the kernel's height for its width."""
    if w.shape[-1] != w.shape[-2]:
        raise ValueError("operands could not be broadcast together")
    return oracle(x, w, *rest, **options)


@cross_correlate2d.mistake(
    "All windows but the first have the wrong size. Where does a window that starts at row i end?"
)
def window_end_is_size(x, w):
    """x[i:kH, j:kW] for x[i:i+kH, j:j+kW]."""
    if x.shape != w.shape:
        raise ValueError("operands could not be broadcast together")
    return _correlate(x, w)


@cross_correlate2d.mistake(
    "Only the first row of the kernel counts in your result. Over which axes of the window do you sum?"
)
def first_kernel_row_only(x, w):
    """Slides along the columns with the first row of taps, as in one dimension."""
    return F.conv2d(x[None, None, : len(x) - len(w) + 1], w[None, None, :1])[0, 0]


# ---------------------------------------------------------------- rotate180 and convolve2d


@rotate180.mistake(
    "You exchange rows and columns. Turn a sheet of paper by half a turn: where does row 0 go?"
)
def transposes_instead_of_rotating(w):
    """Transposes the last two axes."""
    return w.mT


@rotate180.mistake("You reverse all the axes' order, which exchanges rows and columns. Half a turn does not.")
def transposes_all_axes(w):
    """w.T, which on a layer's weights turns (D, C, kH, kW) into (kW, kH, C, D)."""
    return w.permute(*range(w.ndim - 1, -1, -1))


@rotate180.mistake("You reverse the rows only: that is a mirror image. Half a turn reverses columns as well.")
def rotates_one_axis_only(w):
    """Flips axis -2 alone."""
    return w.flip(-2)


@rotate180.mistake(
    "You reverse the first axis only. Half a turn reverses rows and columns, and of a layer's weights these come last."
)
def reverses_the_first_axis(w):
    """w[::-1], or np.flipud."""
    return w.flip(0)


@rotate180.mistake("You reverse the columns only: that is a mirror image. Half a turn reverses rows as well.")
def mirrors_left_and_right(w):
    """Flips axis -1 alone."""
    return w.flip(-1)


@rotate180.mistake("That is a quarter of a turn, and half a turn is asked for.")
def rotates_by_90(w):
    """np.rot90 once."""
    return w.rot90(1, (-2, -1))


@rotate180.mistake(
    "A single kernel comes out right, but in a layer's weights the kernels change places: reverse the last two axes only."
)
def rotates_all_axes(w):
    """np.flip without axes."""
    return w.flip(tuple(range(w.ndim)))


@rotate180.mistake(
    "A single kernel comes out right, but of a layer's weights you reverse the first two axes, not the last two."
)
def rotates_the_first_axes(w):
    """w[::-1, ::-1], or np.rot90(w, 2) with its default axes."""
    return w.flip(0, 1)


@convolve2d.mistake("Your result matches a kernel that was not rotated: that is the cross-correlation.")
def forgets_to_flip(x, w):
    """Cross-correlation."""
    return _correlate(x, w)


@convolve2d.mistake(
    "Your result matches a kernel that was transposed. A rotation by 180 degrees is not that."
)
def transposes_instead_of_rotating(x, w):
    """Transposes the kernel."""
    return _correlate(x, w.T)


@convolve2d.mistake("Only the rows of the kernel are reversed in your result: that mirrors it.")
def rotates_one_axis_only(x, w):
    """Flips the kernel over one axis."""
    return _correlate(x, w.flip(0))


@convolve2d.mistake("Only the columns of the kernel are reversed in your result: that mirrors it.")
def mirrors_left_and_right(x, w):
    """Flips the kernel over the other axis."""
    return _correlate(x, w.flip(1))


@convolve2d.mistake("The values are right, but the result itself is upside down: rotate the kernel alone.")
def flips_the_result(x, w):
    """Rotates the result or the image."""
    return convolve2d.oracle(x, w).flip(0, 1)


@convolve2d.mistake("You keep the partial overlaps. Here only windows that fit entirely count.")
def keeps_partial_overlaps(x, w):
    """The full convolution, as in the signals of chapter 1."""
    rows, columns = w.shape
    return convolve2d.oracle(F.pad(x, (columns - 1, columns - 1, rows - 1, rows - 1)), w)


# ---------------------------------------------------------------- stride


_STRIDED = (conv2d, conv2d_matmul)


@shared_mistake("Your result is the same for every stride.", *_STRIDED)
def ignores_stride(oracle, x, w, b=None, stride=1):
    """Leaves the stride out."""
    return oracle(x, w, b)


@shared_mistake("The stride counts in one direction only: columns have one, too.", *_STRIDED)
def stride_on_one_axis_only(oracle, x, w, b=None, stride=1):
    """Steps down by the stride and to the right by 1."""
    return oracle(x, w, b, (_pair(stride)[0], 1))


@shared_mistake("With a pair of strides your result uses the first number in both directions.", *_STRIDED)
def first_stride_for_both(oracle, x, w, b=None, stride=1):
    """stride[0] for rows and columns."""
    return oracle(x, w, b, _pair(stride)[0])


@shared_mistake(
    "With a pair of strides your result has them exchanged: the first number is for the rows, downwards.",
    *_STRIDED,
)
def swaps_stride_pair(oracle, x, w, b=None, stride=1):
    """(sW, sH) for (sH, sW)."""
    return oracle(x, w, b, _pair(stride)[::-1])


@shared_mistake(
    "You give the right number of results, but neighbouring windows start one apart, not a stride apart.",
    *_STRIDED,
)
def stride_on_output_but_not_on_start(oracle, x, w, b=None, stride=1):
    """The output gets smaller, the windows still start at 0, 1, 2, ..."""
    rows, columns = oracle(x, w, b, stride).shape[-2:]
    return oracle(x, w, b)[..., :rows, :columns]


@shared_mistake(
    "Where the stride does not divide H - kH or W - kW, your last windows hang over the edge of the image.",
    *_STRIDED,
)
def ceil_for_floor(oracle, x, w, b=None, stride=1):
    """Rounds the number of windows up; the last ones meet zeros."""
    down, right = (-(n - k) % s for n, k, s in zip(x.shape[-2:], w.shape[-2:], _pair(stride), strict=True))
    return oracle(F.pad(x, (0, right, 0, down)), w, b, stride)


@shared_mistake(
    "With a stride your result has one row or column too many or too few: count the starts 0, s, 2s, ...",
    *_STRIDED,
)
def divides_the_count(oracle, x, w, b=None, stride=1):
    """(H - kH + 1) // s windows."""
    rows, columns = (n // s for n, s in zip(oracle(x, w).shape[-2:], _pair(stride), strict=True))
    return oracle(x, w, b, stride)[..., :rows, :columns]


@shared_mistake("Your function works with a number as stride, but raises an exception for a pair.", *_STRIDED)
def takes_no_stride_pair(oracle, x, w, b=None, stride=1):
    """Multiplies an index by a tuple, or divides by one."""
    if not isinstance(stride, int):
        raise TypeError("unsupported operand type(s) for //: 'int' and 'tuple'")
    return oracle(x, w, b, stride)


# ---------------------------------------------------------------- samples, channels, kernels, bias


@shared_mistake("Every sample of your result is made from the first one.", *_STRIDED)
def first_sample_only(oracle, x, w, b=None, stride=1):
    """x[0] for x[n]."""
    return oracle(x[:1].expand_as(x), w, b, stride)


@shared_mistake(
    "The samples are added up in your result. Each one is a picture of its own, on axis 0.",
    *_STRIDED,
    conv1x1,
)
def sums_samples(oracle, *args, **options):
    """An einsum or a sum that loses n."""
    return oracle(*args, **options).sum(0)


@shared_mistake("Your result uses the first channel only.", *_STRIDED)
def first_channel_only(oracle, x, w, b=None, stride=1):
    """Slides over x[:, 0]."""
    return oracle(x[:, :1], w[:, :1], b, stride)


@shared_mistake(
    "Your result holds the last channel alone: each channel overwrites the ones before it.", *_STRIDED
)
def last_channel_overwrites(oracle, x, w, b=None, stride=1):
    """= for += in the loop over channels."""
    return oracle(x[:, -1:], w[:, -1:], b, stride)


@shared_mistake(
    "You add the channels up before you weigh them. Each channel has kernel weights of its own.", *_STRIDED
)
def sums_channels_without_weights(oracle, x, w, b=None, stride=1):
    """Sums the channels and applies the weights of the first."""
    return oracle(x.sum(1, keepdim=True), w[:, :1], b, stride)


@shared_mistake(
    "The first two axes of w are exchanged: w is (D, C, kH, kW), the kernel first and then the channel.",
    *_STRIDED,
)
def swaps_in_and_out_channels(oracle, x, w, b=None, stride=1):
    """Reads w as (C, D, kH, kW)."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("shapes do not match")
    return oracle(x, w.transpose(0, 1), b, stride)


@shared_mistake("Every map of your result comes from the first kernel.", *_STRIDED)
def one_kernel_for_all(oracle, x, w, b=None, stride=1):
    """w[0] for w[d]."""
    return oracle(x, w[:1].expand_as(w), b, stride)


@shared_mistake("Your result is right without the bias: where is b added?", *_STRIDED, conv1x1)
def no_bias(oracle, x, w, b=None, stride=1):
    """Leaves b out."""
    return oracle(x, w, None, stride) if oracle is _conv2d else oracle(x, w)


def _rebiased(oracle, x, w, b, stride):
    return oracle(x, w, b, stride) if oracle is _conv2d else oracle(x, w, b)


@shared_mistake("Every map gets the bias of the first kernel.", *_STRIDED, conv1x1)
def first_bias_for_all(oracle, x, w, b=None, stride=1):
    """b[0] for b[d]."""
    return _rebiased(oracle, x, w, None if b is None else b[:1].expand_as(b), stride)


@shared_mistake("The bias is added once for each weight. It belongs outside the sum.", *_STRIDED)
def bias_inside_the_sum(oracle, x, w, b=None, stride=1):
    """Adds b to each of the C*kH*kW products."""
    return oracle(x, w, None if b is None else b * w[0].numel(), stride)


@shared_mistake(
    "The bias is added once for each input channel. It belongs outside the sum over channels.",
    *_STRIDED,
    conv1x1,
)
def bias_per_channel_in(oracle, x, w, b=None, stride=1):
    """Adds b in the loop over channels."""
    return _rebiased(oracle, x, w, None if b is None else b * w.shape[1], stride)


@shared_mistake(
    "The bias lies along the last axis, the columns. It belongs to the kernels, axis 1: give it axes of size 1.",
    *_STRIDED,
    conv1x1,
)
def bias_on_the_columns(oracle, x, w, b=None, stride=1):
    """y + b: numpy lines up the last axes."""
    y = _rebiased(oracle, x, w, None, stride)
    if b is not None and len(b) not in (1, y.shape[-1]):
        raise ValueError("operands could not be broadcast together")
    return y if b is None else y + b


@shared_mistake(
    "Your values are right, but channels come last: the shape is (N, D, Ho, Wo), with the kernels on axis 1.",
    *_STRIDED,
    conv1x1,
)
def channels_last_output(oracle, *args, **options):
    """(N, Ho, Wo, D), as a matrix product with the channels at the end leaves it."""
    return oracle(*args, **options).movedim(1, -1)


@shared_mistake(
    "The right values are in the wrong places: reshape does not exchange axes, it only reads on in the same order.",
    *_STRIDED,
    conv1x1,
)
def reshape_for_transpose(oracle, *args, **options):
    """Turns (N, Ho, Wo, D) into (N, D, Ho, Wo) by reshape."""
    y = oracle(*args, **options)
    return y.movedim(1, -1).reshape(y.shape)


@shared_mistake(
    "With several samples, kernels and samples are mixed: reshape does not exchange axes.",
    conv2d_matmul,
    conv1x1,
)
def reshape_mixes_samples(oracle, *args, **options):
    """Turns (D, N, Ho, Wo), from one product for all samples, into (N, D, Ho, Wo) by reshape."""
    y = oracle(*args, **options)
    return y.transpose(0, 1).reshape(y.shape)


@conv2d_matmul.mistake(
    "Weights and columns are not in the same order: a column counts channel, row, column, and so must w."
)
def im2col_order(x, w, b=None, stride=1):
    """Columns with the channels last meet weights with the channels first."""
    return _conv2d(x, w.reshape(len(w), *w.shape[2:], w.shape[1]).movedim(-1, 1), b, stride)


# ---------------------------------------------------------------- im2col


@im2col.mistake(
    "You put the windows into rows: shape (N, L, C*kH*kW). Here each window is a column: (N, C*kH*kW, L)."
)
def im2col_rows_for_columns(x, kernel_size, stride=1):
    """Patches as rows."""
    return _unfold(x, kernel_size, stride).mT


@im2col.mistake(
    "In each of your columns the channels run fastest. They run slowest: all taps of channel 0 first."
)
def im2col_order(x, kernel_size, stride=1):
    """Rows in the order (kH, kW, C): channels last."""
    columns = _unfold(x, kernel_size, stride)
    return columns.unflatten(1, (x.shape[1], -1)).transpose(1, 2).flatten(1, 2)


@im2col.mistake(
    "The right values are in the wrong places: reshape does not exchange axes. Bring positions behind taps first."
)
def reshape_for_transpose(x, kernel_size, stride=1):
    """Reshapes windows (N, C, Ho, Wo, kH, kW) to (N, C*kH*kW, Ho*Wo): positions before taps."""
    columns = _unfold(x, kernel_size, stride)
    return columns.unflatten(1, (x.shape[1], -1)).mT.reshape(columns.shape)


@im2col.mistake(
    "Your numbers are those of windows in rows, read on in the same order: to exchange two axes, transpose."
)
def reshapes_rows_to_columns(x, kernel_size, stride=1):
    """Reshapes patches as rows (N, L, C*kH*kW) to (N, C*kH*kW, L)."""
    columns = _unfold(x, kernel_size, stride)
    return columns.mT.reshape(columns.shape)


@im2col.mistake("The taps of each window are read column by column. Read them row by row.")
def taps_column_by_column(x, kernel_size, stride=1):
    """Rows in the order (C, kW, kH)."""
    columns = _unfold(x, kernel_size, stride)
    return columns.unflatten(1, (-1, *_pair(kernel_size))).transpose(2, 3).flatten(1, 3)


@im2col.mistake("The windows are in the wrong order: take them row by row, as one reads.")
def swaps_output_axes(x, kernel_size, stride=1):
    """Positions column by column."""
    return _unfold(x, kernel_size, stride).unflatten(2, _out(x, kernel_size, stride)).mT.flatten(2)


@im2col.mistake(
    "The samples are side by side in one matrix. Keep them apart: the result has an axis N in front."
)
def samples_in_the_columns(x, kernel_size, stride=1):
    """(C*kH*kW, N*L), as some courses do."""
    return _unfold(x, kernel_size, stride).movedim(0, -1).flatten(1)


@im2col.mistake("The kernel's height and width are exchanged: kernel_size is (kH, kW).")
def swaps_kernel_size(x, kernel_size, stride=1):
    """(kW, kH) for (kH, kW)."""
    return _unfold(x, _pair(kernel_size)[::-1], stride)


@im2col.mistake("With a pair as kernel_size your windows are square.")
def first_kernel_size_for_both(x, kernel_size, stride=1):
    """kernel_size[0] for height and width."""
    return _unfold(x, _pair(kernel_size)[0], stride)


@im2col.mistake("Your function takes a pair as kernel_size, but raises an exception for a number, such as 3.")
def takes_no_single_size(x, kernel_size, stride=1):
    """Unpacks an int."""
    if isinstance(kernel_size, int):
        raise TypeError("cannot unpack non-iterable int object")
    return _unfold(x, kernel_size, stride)


@im2col.mistake("Your function works with a number as stride, but raises an exception for a pair.")
def takes_no_stride_pair(x, kernel_size, stride=1):
    """Multiplies an index by a tuple, or divides by one."""
    if not isinstance(stride, int):
        raise TypeError("unsupported operand type(s) for //: 'int' and 'tuple'")
    return _unfold(x, kernel_size, stride)


@im2col.mistake("Every window is read back to front. That belongs to true convolution.")
def flips_the_kernel(x, kernel_size, stride=1):
    """Taps in reverse order."""
    return _unfold(x, kernel_size, stride).unflatten(1, (x.shape[1], -1)).flip(2).flatten(1, 2)


@im2col.mistake("Your columns hold the first channel only.")
def first_channel_only(x, kernel_size, stride=1):
    """(N, kH*kW, L)."""
    return _unfold(x[:, :1], kernel_size, stride)


@im2col.mistake("Every sample of your result is the first one.")
def first_sample_only(x, kernel_size, stride=1):
    """x[0] for x[n]."""
    return _unfold(x[:1].expand_as(x), kernel_size, stride)


@im2col.mistake("Windows are missing at the right and lower edge. What is the largest start that still fits?")
def drops_the_last_window(x, kernel_size, stride=1):
    """range(H - kH) for range(H - kH + 1), and the same for W."""
    return (
        _unfold(x, kernel_size, stride).unflatten(2, _out(x, kernel_size, stride))[..., :-1, :-1].flatten(2)
    )


@im2col.mistake("Your result is the same for every stride.")
def ignores_stride(x, kernel_size, stride=1):
    """Leaves the stride out."""
    return _unfold(x, kernel_size)


@im2col.mistake("The stride counts in one direction only: columns have one, too.")
def stride_on_one_axis_only(x, kernel_size, stride=1):
    """Steps down by the stride and to the right by 1."""
    return _unfold(x, kernel_size, (_pair(stride)[0], 1))


@im2col.mistake("With a pair of strides your result uses the first number in both directions.")
def first_stride_for_both(x, kernel_size, stride=1):
    """stride[0] for rows and columns."""
    return _unfold(x, kernel_size, _pair(stride)[0])


@im2col.mistake(
    "With a pair of strides your result has them exchanged: the first number is for the rows, downwards."
)
def swaps_stride_pair(x, kernel_size, stride=1):
    """(sW, sH) for (sH, sW)."""
    return _unfold(x, kernel_size, _pair(stride)[::-1])


@im2col.mistake("There are as many windows as there should be, but they start one apart, not a stride apart.")
def stride_on_output_but_not_on_start(x, kernel_size, stride=1):
    """The output gets smaller, the windows still start at 0, 1, 2, ..."""
    rows, columns = _out(x, kernel_size, stride)
    return _unfold(x, kernel_size).unflatten(2, _out(x, kernel_size))[..., :rows, :columns].flatten(2)


@im2col.mistake(
    "With a stride you keep every s-th window of the list, which wraps from one row of windows to the next."
)
def strides_over_the_list(x, kernel_size, stride=1):
    """Makes all columns and takes [:, :, ::s]: right for one row of windows only."""
    down, right = _pair(stride)
    return _unfold(x, kernel_size)[..., :: down * right]


@im2col.mistake("The width of your result is calculated from the height of the image.")
def height_for_width(x, kernel_size, stride=1):
    """x.shape[2] for x.shape[3] in the number of windows in a row."""
    columns = (x.shape[2] - _pair(kernel_size)[1]) // _pair(stride)[1] + 1
    there = _unfold(x, kernel_size, stride).unflatten(2, _out(x, kernel_size, stride))
    if columns > there.shape[-1]:
        raise ValueError("could not broadcast")
    return there[..., :columns].flatten(2)


# ---------------------------------------------------------------- conv1x1


@conv1x1.mistake("The axes of w are exchanged: w is (D, C), a row of weights for each output map.")
def swaps_in_and_out_channels(x, w, b=None):
    """w.T for w."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("shapes do not match")
    return conv1x1.oracle(x, w.T, b)


@conv1x1.mistake(
    "The pixels you mix are not at one place: x.reshape(-1, C) reads on along the rows. Exchange axes first."
)
def reshapes_the_input(x, w, b=None):
    """x.reshape(N, H, W, C), or (-1, C), of an array that is NCHW."""
    mixed = x.reshape(x.shape[0], *x.shape[2:], x.shape[1]).movedim(-1, 1)
    return conv1x1.oracle(mixed, w, b)


@conv1x1.mistake("Your result uses the first channel only.")
def first_channel_only(x, w, b=None):
    """x[:, 0] for a sum over channels."""
    return conv1x1.oracle(x[:, :1], w[:, :1], b)


@conv1x1.mistake("Your result holds the last channel alone: each channel overwrites the ones before it.")
def last_channel_overwrites(x, w, b=None):
    """= for += in the loop over channels."""
    return conv1x1.oracle(x[:, -1:], w[:, -1:], b)


@conv1x1.mistake("You add the channels up before you weigh them. Each channel has a weight of its own.")
def sums_channels_without_weights(x, w, b=None):
    """Sums the channels and multiplies by the first weight."""
    return conv1x1.oracle(x.sum(1, keepdim=True), w[:, :1], b)


@conv1x1.mistake("Every map of your result comes from the first row of w.")
def one_kernel_for_all(x, w, b=None):
    """w[0] for w[d]."""
    return conv1x1.oracle(x, w[:1].expand_as(w), b)


@conv1x1.mistake("Every sample of your result is made from the first one.")
def first_sample_only(x, w, b=None):
    """x[0] for x[n]."""
    return conv1x1.oracle(x[:1].expand_as(x), w, b)


@conv1x1.mistake("Your results are smaller by the number of channels: is it a sum or a mean that you want?")
def averages_instead_of_sums(x, w, b=None):
    """Takes the mean over channels."""
    return conv1x1.oracle(x, w / w.shape[1], b)


@conv1x1.mistake("Your result is right, but lies on its side: rows and columns are exchanged.")
def swaps_output_axes(x, w, b=None):
    """(N, D, W, H)."""
    return conv1x1.oracle(x, w, b).mT


# ---------------------------------------------------------------- conv_matrix


@conv_matrix.mistake(
    "Your matrix is transposed: one row for each output element, one column for each input element."
)
def matrix_transposed(w, size):
    """(H*W, Ho*Wo)."""
    return _matrix(w, size).T


@conv_matrix.mistake("In your matrix the kernel is rotated: M @ x.ravel() would be a true convolution.")
def flips_the_kernel(w, size):
    """True convolution."""
    return _matrix(w.flip(0, 1), size)


@conv_matrix.mistake(
    "Your windows run over the right edge and go on at the left of the next row. Where does output row 1 start?"
)
def windows_wrap_around(w, size):
    """Each row of the matrix is the one before, moved by 1: forgets the jump at the end of an output row."""
    matrix = _matrix(w, size)
    return torch.stack([matrix[0].roll(row) for row in range(len(matrix))])


@conv_matrix.mistake(
    "The taps of one kernel row are right, but the next ones lie in the wrong image row: how long is one?"
)
def output_width_for_input_width(w, size):
    """i * Wo + j for i * W + j when an input element is looked up."""
    matrix, columns = _matrix(w, size), torch.arange(size[0] * size[1])
    short = columns - columns // size[1] * (w.shape[1] - 1)
    return torch.zeros_like(matrix).index_add(1, short, matrix)


@conv_matrix.mistake("Height and width are exchanged: size is (H, W).")
def swaps_size(w, size):
    """(W, H) for (H, W)."""
    return _matrix(w, size[::-1])


@conv_matrix.mistake(
    "The rows of your matrix are in the wrong order: output elements are counted row by row."
)
def swaps_output_axes(w, size):
    """Output elements column by column."""
    rows, columns = (n - k + 1 for n, k in zip(size, w.shape, strict=True))
    return _matrix(w, size).unflatten(0, (rows, columns)).transpose(0, 1).flatten(0, 1)


@conv_matrix.mistake(
    "The columns of your matrix are in the wrong order: x.ravel() counts the input row by row."
)
def swaps_input_axes(w, size):
    """Input elements column by column."""
    return _matrix(w, size).unflatten(1, tuple(size)).mT.flatten(1)


@conv_matrix.mistake("In every row of your matrix only the first row of the kernel is there.")
def first_kernel_row_only(w, size):
    """Writes w[0] and forgets the others."""
    first = torch.zeros_like(w)
    first[0] = w[0]
    return _matrix(first, size)


@conv_matrix.mistake(
    "Your result has four axes: it is a matrix that is asked for, so ravel outputs and inputs."
)
def keeps_four_axes(w, size):
    """(Ho, Wo, H, W)."""
    rows, columns = (n - k + 1 for n, k in zip(size, w.shape, strict=True))
    return _matrix(w, size).reshape(rows, columns, *size)


@conv_matrix.mistake("Your matrix has a row for every pixel. Only windows that fit entirely count.")
def same_length_output(w, size):
    """H*W rows: zero padding, so that the output is as large as the input."""
    (height, width), (rows, columns) = size, w.shape
    units = torch.eye(height * width, dtype=w.dtype).reshape(-1, 1, height, width)
    top, left = (rows - 1) // 2, (columns - 1) // 2
    padded = F.pad(units, (left, columns - 1 - left, top, rows - 1 - top))
    return F.conv2d(padded, w[None, None]).reshape(height * width, -1).T


@conv_matrix.mistake(
    "Every row and column of windows has one too few. What is the largest start that still fits?"
)
def drops_the_last_window(w, size):
    """range(H - kH) for range(H - kH + 1), and the same for W."""
    rows, columns = (n - k + 1 for n, k in zip(size, w.shape, strict=True))
    return _matrix(w, size).unflatten(0, (rows, columns))[:-1, :-1].flatten(0, 1)
