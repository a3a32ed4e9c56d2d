"""Chapter 1: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

import numpy as np
import torch
import torch.nn.functional as F

from course.kit.common import common_mistakes
from course.kit.exercise import Exercise, call, draw, shared_mistake


def _bytes(seed, *shape):
    return draw(seed, *shape, low=100, high=200, dtype="uint8")


def _count(n, k, stride=1):
    return len(torch.arange(n).unfold(0, k, stride)) if k <= n else 0


def _correlate(x, w, stride=1):
    return F.conv1d(x[None], w[None, None], stride=stride)[0]


def _best_window(x, pattern, score):
    """Start of the first window with the best score(windows, pattern), up to rounding."""
    scores = score(x.unfold(0, len(pattern), 1), pattern)
    return int((scores >= scores.max() - 1e-9).nonzero()[0])


def _normalised_correlation(windows, pattern):
    windows = windows - windows.mean(-1, keepdim=True)
    pattern = pattern - pattern.mean()
    norms = windows.norm(dim=-1) * pattern.norm()
    return torch.where(norms > 1e-9, windows @ pattern / norms.clamp_min(1e-9), 0.0)


similarity = Exercise(
    oracle=lambda w, window: (w * window).sum(),
    probes=[
        call(draw(1, 5), draw(2, 5)),
        call(draw(3, 3, 4), draw(4, 3, 4)),
        call(_bytes(5, 4), _bytes(6, 4)),
    ],
)

count_windows = Exercise(
    oracle=_count,
    probes=[
        call(7, 3),
        call(7, 3, 2),
        call(8, 3, stride=2),
        call(5, 5, stride=3),
        call(11, 4, stride=3),
        call(2, 5),
        call(9, 1, 4),
    ],
)

cross_correlate = Exercise(
    oracle=_correlate,
    probes=[
        call(draw(11, 7), draw(12, 3)),
        call(draw(13, 8), draw(14, 3), stride=2),
        call(draw(15, 4), draw(16, 4)),
        call(draw(17, 11), draw(18, 2), 3),
        call(_bytes(19, 6), draw(20, 3)),
        call(_bytes(31, 6), _bytes(32, 3)),
    ],
)

convolve = Exercise(
    oracle=lambda x, w: F.conv1d(x[None], w.flip(0)[None, None], padding=len(w) - 1)[0],
    probes=[
        call(draw(21, 6), draw(22, 3)),
        call(draw(23, 2), draw(24, 5)),
        call(draw(25, 4), draw(26, 4)),
        call(draw(27, 1), draw(28, 3)),
        call(_bytes(29, 5), draw(30, 2)),
        call(_bytes(33, 5), _bytes(34, 2)),
    ],
)

conv1d = Exercise(
    oracle=lambda x, w, b=None, stride=1: F.conv1d(x, w, b, stride),
    probes=[
        call(draw(41, 1, 7), draw(42, 1, 1, 3)),
        call(draw(43, 3, 9), draw(44, 2, 3, 3), draw(45, 2)),
        call(draw(46, 2, 10), draw(47, 2, 2, 3), draw(48, 2), stride=2),
        call(draw(49, 2, 11), draw(50, 4, 2, 2), stride=3),
        call(draw(51, 3, 4), draw(52, 3, 3, 4), draw(53, 3)),
        call(_bytes(54, 2, 6), draw(55, 2, 2, 3), draw(56, 2)),
        call(_bytes(57, 2, 6), _bytes(58, 2, 2, 3)),
    ],
)

parameter_counts = Exercise(
    oracle=lambda n_in, n_out, k: (n_in * n_out, k * n_out, k),
    probes=[call(10, 8, 3), call(7, 7, 1), call(100, 20, 5)],
)

find_pattern = Exercise(
    oracle=lambda x, pattern: _best_window(x, pattern, _normalised_correlation),
    probes=[
        # a loud stretch, a high flat stretch, and the pattern itself, quiet, at the end
        call(np.array([0, 9.0, 8, 0, 0, 7, 7, 7, 7, 0, 0.1, 0.3, 0.2, 0, 0]), np.array([1, 3, 2])),
        # upside down first, and then the right way up
        call(np.array([0, 0, -1.0, -3, -2, 0, 0, 0, 2, 6, 4, 0]), np.array([1, 3, 2])),
        # the pattern twice, on different floors
        call(np.array([5, 5, 6.0, 5, 6, 5, 0, 2, 0, 2, 0, 0]), np.array([1, 0, 1, 0])),
        # falls everywhere but for a flat stretch
        call(np.array([9.0, 7, 4, 4, 4, 4, 2, 1]), np.array([1.0, 2, 3])),
        call(draw(61, 20), draw(62, 4)),
        call(draw(63, 20) + 3, draw(64, 5) - 3),
        call(draw(65, 4), draw(66, 4)),
    ],
)

common_mistakes(cross_correlate, convolve, conv1d)


# ---------------------------------------------------------------- similarity


@similarity.mistake("Your result is smaller by the number of elements: is it a sum or a mean that you want?")
def averages_instead_of_sums(w, window):
    """Takes the mean of the products."""
    return (w * window).mean()


@similarity.mistake(
    "You return one product for each element. The inner product is one number: what is missing?"
)
def forgets_the_sum(w, window):
    """Returns the elementwise product."""
    return w * window


@similarity.mistake(
    "Your result matches the product divided by both norms: a cosine, always between -1 and 1."
)
def divides_by_the_norms(w, window):
    """Computes the cosine instead of the inner product."""
    return (w * window).sum() / (w.norm() * window.norm())


@similarity.mistake(
    "Your result is a distance, 0 where both agree. An inner product is large where they agree."
)
def measures_a_distance(w, window):
    """Sums squared differences."""
    return ((w - window) ** 2).sum()


@similarity.mistake("With several axes you return one sum for each column. Do you sum over every axis?")
def sums_one_axis_only(w, window):
    """Sums over the first axis alone, as Python's own sum does."""
    return (w * window).sum(0)


@similarity.mistake(
    "Numbers of type uint8 wrap around at 256: convert to float before you multiply.", own_types=True
)
def uint8_overflow(w, window):
    """Multiplies uint8 by uint8, which wraps around."""
    return (w * window).double().sum()


@similarity.mistake("Your result has lost what follows the decimal point: does an int come in somewhere?")
def truncates_to_int(w, window):
    """Adds up in an integer."""
    return (w * window).sum().trunc()


@similarity.mistake(
    "Your function changes its input array. Work on a copy, or write p = w * window for w *= window."
)
def changes_its_input(w, window):
    """Multiplies in place."""
    return w.mul_(window).sum()


# ---------------------------------------------------------------- count_windows


@count_windows.mistake(
    "Count on your fingers for n = 3, k = 3: the window that starts at index 0 counts, too."
)
def length_minus_k(n, k, stride=1):
    """(n - k) // stride: the fencepost forgotten."""
    return _count(n, k, stride) - 1 if k <= n else 0


@count_windows.mistake(
    "Your last window reads past the end of the signal. What is the largest start index that fits?"
)
def one_window_too_many(n, k, stride=1):
    """Counts a start index whose window hangs over the end."""
    return _count(n, k, stride) + 1 if k <= n else 0


@count_windows.mistake("When the stride does not divide n - k, you count a window that hangs over the end.")
def ceil_for_floor(n, k, stride=1):
    """Rounds up."""
    return -((k - n) // stride) + 1 if k <= n else 0


@count_windows.mistake("Your result is the same for every stride.")
def ignores_stride(n, k, stride=1):
    """Counts the windows of stride 1."""
    return _count(n, k)


@count_windows.mistake("For a kernel longer than the signal your count is not 0. How many windows fit then?")
def negative_for_long_kernels(n, k, stride=1):
    """The formula without the case k > n."""
    return (n - k) // stride + 1


@count_windows.mistake(
    "You divide the number of windows by the stride. List the start indices instead: 0, s, 2s, ..."
)
def divides_the_count(n, k, stride=1):
    """(n - k + 1) // stride."""
    return _count(n, k) // stride


@count_windows.mistake(
    "Your count is a number with a decimal point. A count is an integer: round down, with //."
)
def divides_without_rounding(n, k, stride=1):
    """/ for //."""
    return (n - k) / stride + 1 if k <= n else 0


# ---------------------------------------------------------------- sliding: cross_correlate and conv1d


@shared_mistake(
    "Your result matches a kernel read back to front. Which end of the kernel meets the window first?",
    cross_correlate,
    conv1d,
)
def flips_the_kernel(oracle, x, w, *rest, **options):
    """Signal-processing convolution; deep learning's "convolution" is cross-correlation."""
    return oracle(x, w.flip(-1), *rest, **options)


@shared_mistake(
    "One result is missing at the end. What is the largest start index whose window still fits?",
    cross_correlate,
    conv1d,
)
def drops_the_last_window(oracle, *args, **options):
    """range(L - K) for range(L - K + 1)."""
    return oracle(*args, **options)[..., :-1]


@shared_mistake(
    "Your last window reads past the end of the signal and is cut short.", cross_correlate, conv1d
)
def one_window_too_many(oracle, x, w, *rest, **options):
    """A slice past the end is silently shorter, and so is the inner product."""
    one_more = oracle(F.pad(x, (0, x.shape[-1])), w, *rest, **options)
    return one_more[..., : oracle(x, w, *rest, **options).shape[-1] + 1]


@shared_mistake(
    "When the stride does not divide L - K, your last window hangs over the end of the signal.",
    cross_correlate,
    conv1d,
)
def ceil_for_floor(oracle, x, w, *rest, **options):
    """Rounds the number of windows up."""
    stride = options.get("stride", rest[-1] if rest and isinstance(rest[-1], int) else 1)
    return oracle(F.pad(x, (0, -(x.shape[-1] - w.shape[-1]) % stride)), w, *rest, **options)


@shared_mistake("Your result is the same for every stride.", cross_correlate, conv1d)
def ignores_stride(oracle, x, w, *rest, stride=1):
    """Leaves the stride out."""
    return oracle(x, w, *(r for r in rest if not isinstance(r, int)))


@shared_mistake(
    "You give the right number of results, but neighbouring windows start one apart, not a stride apart.",
    cross_correlate,
    conv1d,
)
def stride_on_output_but_not_on_start(oracle, x, w, *rest, **options):
    """The output gets shorter, the windows still start at 0, 1, 2, ..."""
    return ignores_stride(oracle, x, w, *rest)[..., : oracle(x, w, *rest, **options).shape[-1]]


@shared_mistake(
    "Your results are smaller by the size of the kernel: is it a sum or a mean that you want?",
    cross_correlate,
    conv1d,
)
def averages_instead_of_sums(oracle, x, w, *rest, **options):
    """Takes the mean of the products."""
    size = w.numel() if w.ndim == 1 else w[0].numel()
    return oracle(x, w / size, *rest, **options)


@shared_mistake(
    "You pad the signal so that the result stays as long. Here only windows that fit entirely count.",
    cross_correlate,
    conv1d,
)
def same_length_output(oracle, x, w, *rest, **options):
    """Pads so that the output is as long as the input ("same")."""
    before = (w.shape[-1] - 1) // 2
    return oracle(F.pad(x, (before, w.shape[-1] - 1 - before)), w, *rest, **options)


@cross_correlate.mistake(
    "All windows but the first have the wrong length. Where does a window that starts at i end?"
)
def window_end_is_size(x, w, stride=1):
    """x[i:k] for x[i:i+k]."""
    if len(x) >= len(w) + stride:
        raise ValueError("operands could not be broadcast together")
    return _correlate(x, w, stride)


# ---------------------------------------------------------------- convolve


@convolve.mistake("Your result matches a kernel that was not flipped: that is the full cross-correlation.")
def forgets_to_flip(x, w):
    """Cross-correlation, padded on both sides."""
    return F.conv1d(x[None], w[None, None], padding=len(w) - 1)[0]


@convolve.mistake(
    "You keep only windows that fit entirely. The full convolution starts as soon as the two touch."
)
def keeps_the_valid_part(x, w):
    """The valid part, of length |L - K| + 1."""
    y, n = convolve.oracle(x, w), min(len(x), len(w))
    return y[n - 1 : len(y) - n + 1]


@convolve.mistake(
    "Your result is as long as the signal; the full convolution has L + K - 1 values. Which are missing?"
)
def same_length_output(x, w):
    """The middle part."""
    return convolve.oracle(x, w)[(len(w) - 1) // 2 :][: len(x)]


@convolve.mistake("One value is missing at the end: y has L + K - 1 of them.")
def drops_the_last_window(x, w):
    """L + K - 2 values."""
    return convolve.oracle(x, w)[:-1]


@convolve.mistake("Your values are right, but back to front: flip the kernel, not the result.")
def flips_the_result(x, w):
    """Flips the wrong thing."""
    return convolve.oracle(x, w).flip(0)


@convolve.mistake(
    "With a kernel longer than the signal your result is back to front. Which of the two do you flip then?"
)
def swaps_operands_when_kernel_is_longer(x, w):
    """Exchanges signal and kernel where K > L, after the flip instead of before."""
    return convolve.oracle(x, w).flip(0) if len(w) > len(x) else convolve.oracle(x, w)


# ---------------------------------------------------------------- conv1d: channels, kernels, bias


@conv1d.mistake("Your result uses the first channel only.")
def first_channel_only(x, w, b=None, stride=1):
    """Slides over x[0]."""
    return F.conv1d(x[:1], w[:, :1], b, stride)


@conv1d.mistake("Your result holds the last channel alone: each channel overwrites the ones before it.")
def last_channel_overwrites(x, w, b=None, stride=1):
    """= for += in the loop over channels."""
    return F.conv1d(x[-1:], w[:, -1:], b, stride)


@conv1d.mistake("You add the channels up before you weigh them. Each channel has kernel weights of its own.")
def sums_channels_without_weights(x, w, b=None, stride=1):
    """Sums the channels and applies the weights of the first."""
    return F.conv1d(x.sum(0, keepdim=True), w[:, :1], b, stride)


@conv1d.mistake(
    "The first two axes of w are exchanged: w is (D, C, K), the kernel first and then the channel."
)
def swaps_in_and_out_channels(x, w, b=None, stride=1):
    """Reads w as (C, D, K)."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("shapes do not match")
    return F.conv1d(x, w.transpose(0, 1), b, stride)


@conv1d.mistake("Every row of your result comes from the first kernel.")
def one_kernel_for_all(x, w, b=None, stride=1):
    """w[0] for w[d]."""
    return F.conv1d(x, w[:1].expand_as(w), b, stride)


@conv1d.mistake("Your result is right without the bias: where is b added?")
def no_bias(x, w, b=None, stride=1):
    """Leaves b out."""
    return F.conv1d(x, w, None, stride)


@conv1d.mistake("Every row gets the bias of the first kernel.")
def first_bias_for_all(x, w, b=None, stride=1):
    """b[0] for b[d]."""
    return F.conv1d(x, w, None if b is None else b[:1].expand_as(b), stride)


@conv1d.mistake("The bias is added once for each weight. It belongs outside the sum.")
def bias_inside_the_sum(x, w, b=None, stride=1):
    """Adds b to each of the C*K products."""
    return F.conv1d(x, w, None if b is None else b * w[0].numel(), stride)


@conv1d.mistake("The bias is added once for each input channel. It belongs outside the loop over channels.")
def bias_per_channel_in(x, w, b=None, stride=1):
    """Adds b in the loop over channels."""
    return F.conv1d(x, w, None if b is None else b * w.shape[1], stride)


@conv1d.mistake("Your result has its axes exchanged: (D, L) is asked for, one row a kernel.")
def swaps_output_axes(x, w, b=None, stride=1):
    """Collects one row a position."""
    return F.conv1d(x, w, b, stride).T


# ---------------------------------------------------------------- parameter_counts


@parameter_counts.mistake("You count biases, too. Only weights are asked for.")
def counts_bias_in(n_in, n_out, k):
    """Adds one bias an output, or one for the shared kernel."""
    return (n_in + 1) * n_out, (k + 1) * n_out, k + 1


@parameter_counts.mistake("A convolution uses the same k weights at every position: they count once.")
def multiplies_by_positions(n_in, n_out, k):
    """Forgets that weights are shared."""
    return n_in * n_out, k * n_out, k * n_out


@parameter_counts.mistake(
    "In a locally connected layer each output has k weights of its own. How many outputs are there?"
)
def local_counts_inputs(n_in, n_out, k):
    """k * n_in for k * n_out."""
    return n_in * n_out, k * n_in, k


@parameter_counts.mistake("In a fully connected layer every output has a weight for every input: multiply.")
def adds_for_multiplies(n_in, n_out, k):
    """n_in + n_out."""
    return n_in + n_out, k * n_out, k


# ---------------------------------------------------------------- find_pattern


@find_pattern.mistake("Your result is the loudest window, not the most similar one: divide by its norm.")
def unnormalised_match(x, pattern):
    """Removes the means but doesn't divide by the norms."""
    return _best_window(x, pattern, lambda v, p: (v - v.mean(-1, keepdim=True)) @ (p - p.mean()))


@find_pattern.mistake(
    "Your result is the largest plain inner product: a high floor wins over the right shape."
)
def plain_inner_product(x, pattern):
    """Neither removes the means nor divides by the norms."""
    return _best_window(x, pattern, lambda v, p: v @ p)


@find_pattern.mistake("A window on a high floor wins over the right shape: remove the mean first.")
def match_without_mean(x, pattern):
    """Divides by the norms but doesn't remove the means."""
    return _best_window(x, pattern, lambda v, p: v @ p / v.norm(dim=-1).clamp_min(1e-9))


@find_pattern.mistake(
    "Your result is off by half the length of the pattern: the start of the window is asked for."
)
def centre_for_start(x, pattern):
    """Returns the centre of the window."""
    return find_pattern.oracle(x, pattern) + len(pattern) // 2


@find_pattern.mistake("Of several equally good windows you return the last one; the first is asked for.")
def last_of_equals(x, pattern):
    """>= for > in the search for the maximum."""
    scores = _normalised_correlation(x.unfold(0, len(pattern), 1), pattern)
    return int((scores >= scores.max() - 1e-9).nonzero()[-1])


@find_pattern.mistake("A pattern upside down counts as found: an absolute value or a square hides the sign.")
def takes_the_absolute_value(x, pattern):
    """Squares the correlation or takes its absolute value."""
    return _best_window(x, pattern, lambda v, p: _normalised_correlation(v, p).abs())


@find_pattern.mistake(
    "Your result is the window at the smallest distance: the right shape on another scale is far away."
)
def smallest_distance(x, pattern):
    """Compares values, not shapes."""
    return _best_window(x, pattern, lambda v, p: -((v - p) ** 2).sum(-1))


@find_pattern.mistake(
    "A flat window has norm 0, and 0 / 0 is nan, which argmax takes for the largest. Let it count 0."
)
def nan_on_flat(x, pattern):
    """argmax returns the first nan."""
    windows = x.unfold(0, len(pattern), 1)
    flat = (windows - windows.mean(-1, keepdim=True)).norm(dim=-1) < 1e-9
    return int(flat.nonzero()[0]) if flat.any() else find_pattern.oracle(x, pattern)


@find_pattern.mistake(
    "A flat window counts 0, which is more than a negative correlation: it can be the best of all."
)
def flat_windows_never_win(x, pattern):
    """Skips flat windows, or gives them -1."""

    def score(windows, p):
        flat = (windows - windows.mean(-1, keepdim=True)).norm(dim=-1) < 1e-9
        return torch.where(flat, -2.0, _normalised_correlation(windows, p))

    return _best_window(x, pattern, score)
