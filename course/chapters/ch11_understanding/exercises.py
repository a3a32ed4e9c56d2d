"""Chapter 11: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

import numpy as np
import torch
import torch.nn.functional as F

from course.kit import common
from course.kit.common import common_mistakes
from course.kit.exercise import Exercise, call, draw, shared_mistake


def _net(seed, size, channels=(2, 3), classes=3, channels_in=1):
    """Random weights and biases of the chapter's network for images of this size."""
    (H, W), (c1, c2) = size, channels
    shapes = {
        "conv1.w": (c1, channels_in, 3, 3),
        "conv1.b": (c1,),
        "conv2.w": (c2, c1, 3, 3),
        "conv2.b": (c2,),
        "fc.w": (classes, c2 * (H // 2) * (W // 2)),
        "fc.b": (classes,),
    }
    return {name: draw(seed + i, *shape) / 2 for i, (name, shape) in enumerate(shapes.items())}


def _maps(params, x, activation=F.relu, padding=1):
    """Every layer's output by name."""
    p, maps = params, {}
    maps["conv1"] = F.conv2d(x, p["conv1.w"], p["conv1.b"], padding=padding)
    maps["relu1"] = activation(maps["conv1"])
    maps["conv2"] = F.conv2d(maps["relu1"], p["conv2.w"], p["conv2.b"], padding=padding)
    maps["relu2"] = activation(maps["conv2"])
    maps["pool"] = F.max_pool2d(maps["relu2"], 2)
    return maps


def _scores(params, x, activation=F.relu):
    return F.linear(_maps(params, x, activation)["pool"].flatten(1), params["fc.w"], params["fc.b"])


def _layer(params, x, layer):
    maps = _maps(params, x)
    if layer not in maps:
        raise ValueError(layer)
    return maps[layer]


_LAYERS = ("conv1", "relu1", "conv2", "relu2", "pool")

activation_maps = Exercise(
    oracle=_layer,
    probes=[
        *[call(_net(10, (4, 6)), draw(16, 2, 1, 4, 6), layer) for layer in _LAYERS],
        *[call(_net(20, (5, 3), (3, 2)), draw(26, 3, 1, 5, 3), layer) for layer in _LAYERS],
        call(_net(30, (2, 5)), draw(36, 1, 1, 2, 5), layer="relu2"),
        call(_net(40, (4, 2)), draw(46, 2, 1, 4, 2), "fc"),
        call(_net(40, (4, 2)), draw(46, 2, 1, 4, 2), "relu"),
        call(_net(50, (4, 6)), draw(56, 2, 1, 4, 6, low=0, high=9, dtype="int64"), "pool"),
    ],
)


def _dead_share(activations):
    return (activations.amax((2, 3)) <= 0).double().mean(0)


def _where(mask):
    return mask.nonzero()[:, 0]


def _some_dead(seed, share, *shape, dtype="float64"):
    """Rectified maps; whole maps are 0 where `share`, a row an image, says so."""
    values = np.maximum(draw(seed, *shape), 0)
    values[..., -1, 0] += 0.5
    return (values * (1 - np.array(share))[..., None, None]).astype(dtype)


_SHARES = [[0, 1, 1, 0, 1], [0, 1, 0, 0, 1], [0, 1, 1, 0, 1], [0, 1, 0, 1, 1]]
_FAINT = np.stack([np.full((4, 2, 3), 1e-9), np.zeros((4, 2, 3)), np.ones((4, 2, 3))], axis=1)

dead_filters = Exercise(
    oracle=lambda activations, threshold: _where(_dead_share(activations) >= threshold),
    probes=[
        *[call(_some_dead(101, _SHARES, 4, 5, 3, 2), threshold) for threshold in (0.25, 0.5, 0.75, 1.0)],
        call(_some_dead(102, np.transpose(_SHARES)[:4], 4, 4, 2, 4), threshold=0.5),
        call(_some_dead(103, np.zeros((3, 4)), 3, 4, 2, 2), 0.5),
        call(_FAINT, 1.0),
        call(_some_dead(104, np.ones((2, 3)), 2, 3, 2, 2), 1.0),
        call((4 * _some_dead(105, _SHARES, 4, 5, 3, 3)).astype("uint8"), 0.5),
    ],
)


def _rows(activations):
    """One row of values a channel."""
    return activations.transpose(0, 1).flatten(1)


def _pearson(rows):
    centred = rows - rows.mean(1, keepdim=True)
    constant = rows.amax(1) == rows.amin(1)
    unit = torch.where(constant[:, None], 0.0, centred / centred.norm(dim=1, keepdim=True))
    return (unit @ unit.T).fill_diagonal_(1.0)


def _with_constants(seed, *shape):
    values = draw(seed, *shape)
    values[:, 1], values[:, -1] = 0.5, 0
    return values


map_correlation = Exercise(
    oracle=lambda activations: _pearson(_rows(activations)),
    probes=[
        call(draw(201, 3, 4, 2, 3) + np.arange(4)[:, None, None]),
        call(draw(202, 4, 3, 3, 2) * np.array([1, 1e-4, 100])[:, None, None]),
        call(draw(203, 3, 3, 2, 2) + 5 * np.arange(3)[:, None, None, None]),
        call(_with_constants(204, 3, 4, 2, 3)),
        call(draw(205, 1, 2, 3, 4)),
        call(draw(206, 2, 3, 2, 4, low=0, high=9, dtype="int64")),
        call(draw(207, 2, 3, 2, 4, low=100, high=200, dtype="uint8")),
    ],
)

common_mistakes(map_correlation)


def _order(responses):
    return torch.argsort(responses, descending=True, stable=True)


def _top(images, responses, k, order=_order):
    chosen = order(responses)[:k]
    return images[chosen], chosen


top_activating = Exercise(
    oracle=_top,
    probes=[
        call(draw(301, 6, 2, 3), draw(302, 6), 3),
        call(draw(303, 5, 1, 2, 2), draw(304, 5), k=5),
        call(draw(305, 7, 3, 2), np.array([1.0, 3, 2, 3, -4, 3, 2]), 4),
        call(draw(306, 6, 4), np.array([-1.0, -5, -2, -7, -3, -3]), 2),
        call(draw(307, 4, 2, 2), np.array([0.0, 2, 0, 0]), 3),
        call(draw(308, 5, 2, 3), draw(309, 5), 1),
        call(draw(310, 5, 2, 2), np.array([0, 7, 200, 7, 0], dtype="uint8"), 4),
    ],
)


class _Linear:
    """A classifier of images that weighs every pixel: softmax of a random linear map."""

    __name__ = "predict"

    def __init__(self, seed, *size, classes=3):
        self.w = draw(seed, int(np.prod(size)), classes) / np.sqrt(np.prod(size))
        self.size = size

    def __call__(self, images):
        if np.ndim(images) != 4 or np.shape(images)[1:] != self.size:
            raise ValueError(f"predict takes images (M, C, H, W), not an array of shape {np.shape(images)}")
        z = np.reshape(images, (len(images), -1)) @ self.w
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)


def _masks(image, size, stride=1):
    """One mask a window, (windows, 1, H, W), 1 inside; and how many windows there are down and across."""
    H, W = image.shape[1:]
    rows, columns = (H - size) // stride + 1, (W - size) // stride + 1
    n = rows * columns
    blocks = torch.eye(n)[:, None].expand(n, size * size, n)
    return F.fold(blocks, (H, W), size, stride=stride).numpy(), (rows, columns)


def _asked(predict, masks, image, fill):
    return predict(np.where(masks > 0, fill, image[None]))


def _occluded(predict, image, label, size, stride=1, fill=0.0, change=lambda masks: masks):
    masks, shape = _masks(image, size, stride)
    return _asked(predict, change(masks), image, fill)[:, label].reshape(shape)


def _case(seed, *size, dtype="float64"):
    image = draw(seed, *size) if dtype == "float64" else draw(seed, *size, low=1, high=9, dtype=dtype)
    return _Linear(seed + 1, *size), image


occlusion_map = Exercise(
    oracle=_occluded,
    probes=[
        call(*_case(401, 1, 4, 6), 1, 2),
        call(*_case(403, 2, 5, 4), 0, size=2, stride=1, fill=0.5),
        call(*_case(405, 3, 6, 9), 2, 3, 2, -1.0),
        call(*_case(407, 1, 7, 4), 2, 2, stride=3),
        call(*_case(409, 2, 4, 4), 1, 4, fill=2.0),
        call(*_case(411, 1, 3, 5, dtype="int64"), 1, 2, fill=0.5),
        call(*_case(413, 2, 4, 5, dtype="uint8"), 0, 3, 1, 0.25),
        call(*_case(415, 2, 3, 5), 0, 2).in_every_form()[0],
    ],
    in_numpy=True,
)


def _slope(params, x, target, activation=F.relu):
    """d target(scores) / dx for one image (C, H, W)."""
    x = x.detach().clone()[None].requires_grad_()
    return torch.autograd.grad(target(_scores(params, x, activation)), x)[0][0]


def _strongest(gradient):
    return gradient.abs().amax(0)


saliency = Exercise(
    oracle=lambda params, x, label: _strongest(_slope(params, x, lambda s: s[0, label])),
    probes=[
        call(_net(501, (4, 6)), draw(507, 1, 4, 6), 0),
        call(_net(511, (5, 4), (3, 4), 4), draw(517, 1, 5, 4), label=3),
        call(_net(521, (6, 3), (4, 3), 2), draw(527, 1, 6, 3), 1),
        call(_net(531, (4, 5), channels_in=3), draw(537, 3, 4, 5), 2),
        call(_net(541, (4, 4), channels_in=2), draw(547, 2, 4, 4), 1),
        call(_net(551, (3, 4)), draw(557, 1, 3, 4, low=0, high=9, dtype="int64"), 1),
    ],
)

_WEIGHTS = ("conv1.w", "conv2.w", "fc.w")


def _gradients(params, x, y, names=_WEIGHTS, reduction="mean"):
    params = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
    loss = F.cross_entropy(_scores(params, x), y.long(), reduction=reduction)
    return list(zip(names, torch.autograd.grad(loss, [params[n] for n in names]), strict=True))


def _norms(pairs, norm=torch.linalg.vector_norm):
    return [(name, norm(g)) for name, g in pairs]


def _shuffled(params):
    return {name: params[name] for name in ("fc.b", "conv2.w", "fc.w", "conv1.b", "conv1.w", "conv2.b")}


gradient_norms = Exercise(
    oracle=lambda params, x, y: _norms(_gradients(params, x, y)),
    probes=[
        call(_net(601, (4, 6)), draw(607, 4, 1, 4, 6), np.array([0, 2, 1, 2])),
        call(_net(611, (5, 4), (3, 4), 4), draw(617, 3, 1, 5, 4), np.array([3, 3, 0])),
        call(_shuffled(_net(621, (2, 5))), draw(627, 5, 1, 2, 5), np.array([1, 0, 2, 1, 1])),
        call(_net(631, (4, 4)), draw(637, 1, 1, 4, 4), np.array([2])),
        call(
            _net(641, (4, 3)),
            draw(647, 2, 1, 4, 3, low=0, high=4, dtype="int64"),
            np.array([1, 0], dtype="uint8"),
        ),
    ],
)


# ---------------------------------------------------------------- several exercises


@shared_mistake(
    "Your function returns the same array each time, so a later call changes an earlier result. Make a new one.",
    activation_maps,
    saliency,
)
def keeps_a_result_between_calls(oracle, *args, **kwargs):
    """Fills one array, made once, on every call."""
    return common.keeps_a_result_between_calls(oracle, *args, **kwargs)


@shared_mistake(
    "Your results have lost what follows the decimal point: does your output array hold integers?",
    activation_maps,
    saliency,
)
def truncates_to_int(oracle, *args, **kwargs):
    """Writes the results to an array made with an integer type."""
    return oracle(*args, **kwargs).trunc()


@shared_mistake(
    "Your function changes its input. Work on a copy, or write y = np.maximum(y, 0) for y[y < 0] = 0.",
    activation_maps,
    saliency,
)
def changes_its_input(oracle, params, x, *rest, **options):
    """Rectifies in place, on the caller's array."""
    y = oracle(params, x.clone(), *rest, **options)
    x.mul_(2)
    return y


# ---------------------------------------------------------------- activation_maps


def _called(name, maps, hint, explanation):
    """Record a mistake that returns other maps: maps(params, x) -> dict."""

    def mistaken(params, x, layer):
        _layer(params, x, layer)
        return maps(params, x)[layer]

    mistaken.__name__, mistaken.__doc__ = name, explanation
    activation_maps.mistake(hint)(mistaken)


def _reversed_kernels(params):
    return {n: p.flip((2, 3)) if n.startswith("conv") and n.endswith("w") else p for n, p in params.items()}


def _without_bias(params):
    return {n: torch.zeros_like(p) if n.endswith(".b") else p for n, p in params.items()}


def _renamed(**names):
    return lambda params, x: (m := _maps(params, x)) | {a: m[b] for a, b in names.items()}


_called(
    "flips_the_kernel",
    lambda params, x: _maps(_reversed_kernels(params), x),
    "Your result matches kernels rotated by 180 degrees. The layers of this network are cross-correlations.",
    "True convolution.",
)
_called(
    "no_bias",
    lambda params, x: _maps(_without_bias(params), x),
    "Your result is right for a network whose biases are 0: where are conv1.b and conv2.b added?",
    "Leaves the biases out.",
)
_called(
    "before_the_relu",
    _renamed(relu1="conv1", relu2="conv2"),
    'For "relu1" and "relu2" you return the maps as they go into the ReLU. Its output is asked for.',
    "Returns what goes into the ReLU for what comes out of it.",
)
_called(
    "rectifies_too_early",
    _renamed(conv1="relu1", conv2="relu2"),
    'For "conv1" and "conv2" you return maps after the ReLU. Does the ReLU overwrite what it is given?',
    "Returns rectified maps under the convolutions' names, for instance after a ReLU in place.",
)
_called(
    "no_relu_between",
    lambda params, x: (
        _maps(params, x, lambda z: z)
        | {"relu1": _maps(params, x)["relu1"]}
        | {
            "relu2": F.relu(_maps(params, x, lambda z: z)["conv2"]),
            "pool": F.relu(_maps(params, x, lambda z: z)["pool"]),
        }
    ),
    "Your second convolution sees the maps of the first before their ReLU.",
    "Feeds conv1's output to conv2 without the ReLU.",
)
_called(
    "pools_before_the_relu",
    lambda params, x: (m := _maps(params, x)) | {"pool": F.max_pool2d(m["conv2"], 2)},
    'Your "pool" holds negative numbers: it comes behind the second ReLU.',
    "Pools conv2's output and forgets relu2.",
)
_called(
    "average_for_max",
    lambda params, x: (m := _maps(params, x)) | {"pool": F.avg_pool2d(m["relu2"], 2)},
    'Your "pool" takes the mean of each 2 x 2 block. The network takes the largest value.',
    "Average pooling.",
)
_called(
    "pool_stride_is_one",
    lambda params, x: (m := _maps(params, x)) | {"pool": F.max_pool2d(m["relu2"], 2, 1)},
    "Your pooled maps are too large: the 2 x 2 blocks do not overlap.",
    "Pools with stride 1.",
)
_called(
    "short_window_kept",
    lambda params, x: (m := _maps(params, x)) | {"pool": F.max_pool2d(m["relu2"], 2, ceil_mode=True)},
    "For an odd number of rows or columns your pooled maps are one too large: a last odd one is left out.",
    "Pools a last row or column on its own.",
)
_called(
    "flattens_the_pool",
    lambda params, x: (m := _maps(params, x)) | {"pool": m["pool"].flatten(1)},
    'Your "pool" is flattened already. Maps are asked for, (N, C, h, w).',
    "Returns what goes into the fully connected layer.",
)
_called(
    "first_sample_only",
    lambda params, x: {n: m[:1] for n, m in _maps(params, x).items()},
    "Your result holds the maps of the first image only.",
    "x[:1] for x.",
)


@activation_maps.mistake(
    'For an unknown name you return None. Raise a ValueError: a typing error like "Relu1" must be heard.'
)
def unknown_name_gives_nothing(params, x, layer):
    """A chain of ifs without an else, or dict.get."""
    return _maps(params, x).get(layer)


@activation_maps.mistake(
    "For an unknown name you return the pooled maps: check the name, then raise a ValueError."
)
def unknown_name_gives_the_last_layer(params, x, layer):
    """Returns early where a name fits, and the last layer's output otherwise."""
    maps = _maps(params, x)
    return maps.get(layer, maps["pool"])


@activation_maps.mistake(
    "An unknown name raises another exception than ValueError. Which one does a dict raise?"
)
def unknown_name_is_a_key_error(params, x, layer):
    """Looks the name up in a dict."""
    return _maps(params, x)[layer]


# ---------------------------------------------------------------- dead_filters


@dead_filters.mistake("You list channels that are dead on a single image. On which fraction of the images?")
def dead_for_one_image(activations, threshold):
    """any for "at least this fraction"."""
    return _where(_dead_share(activations) > 0)


@dead_filters.mistake("You list only channels that are dead on every image, whatever the threshold.")
def dead_for_every_image(activations, threshold):
    """all for "at least this fraction"."""
    return _where(_dead_share(activations) >= 1)


@dead_filters.mistake("A channel that is dead on exactly the fraction `threshold` of the images counts, too.")
def threshold_strict(activations, threshold):
    """> for >=."""
    return _where(_dead_share(activations) > threshold)


@dead_filters.mistake("You count single zeros. A filter is dead on an image when its whole map is 0 there.")
def counts_zero_pixels(activations, threshold):
    """The fraction of zeros among all values of a channel."""
    return _where((activations <= 0).double().mean((0, 2, 3)) >= threshold)


@dead_filters.mistake("One 0 somewhere in a map is enough for you. The whole map has to be 0.")
def one_zero_is_enough(activations, threshold):
    """any over the pixels for all."""
    return _where((activations.amin((2, 3)) <= 0).double().mean(0) >= threshold)


@dead_filters.mistake("A value above 0 is a value above 0, however small: 1e-9 is alive.")
def small_counts_as_dead(activations, threshold):
    """np.isclose or a tolerance of its own."""
    return _where((activations.amax((2, 3)) <= 1e-6).double().mean(0) >= threshold)


@dead_filters.mistake(
    "You return a mask, or one number for each channel. The indices of the dead ones are asked for."
)
def returns_a_mask(activations, threshold):
    """The mask, as numbers."""
    return (_dead_share(activations) >= threshold).long()


@dead_filters.mistake(
    "You return the fraction of images for each channel. The indices of the dead ones are asked for."
)
def returns_the_fractions(activations, threshold):
    """Forgets to compare with the threshold."""
    return _dead_share(activations)


@dead_filters.mistake("You list the channels that are alive.")
def lists_the_living(activations, threshold):
    """The comparison the wrong way round."""
    return _where(_dead_share(activations) < threshold)


@dead_filters.mistake("Your numbers belong to images, not to channels: over which axis do you take the mean?")
def images_for_channels(activations, threshold):
    """The mean over channels: images on which most filters are dead."""
    return _where((activations.amax((2, 3)) <= 0).double().mean(1) >= threshold)


@dead_filters.mistake(
    "Your indices stand in a column, or a tuple. A 1-d array is asked for: np.flatnonzero makes one."
)
def indices_in_a_column(activations, threshold):
    """np.argwhere."""
    return (_dead_share(activations) >= threshold).nonzero()


@dead_filters.mistake("You ask how often a channel is alive, and compare that with the threshold from below.")
def dead_share_of_the_living(activations, threshold):
    """Dead where the share of living images is at most the threshold, rather than one minus it."""
    return _where(1 - _dead_share(activations) <= threshold)


# ---------------------------------------------------------------- map_correlation


@map_correlation.mistake(
    "Your rows mix channels: images come first in memory, so a reshape cuts across them. Move the channel axis first."
)
def correlation_over_maps_flattened_wrongly(activations):
    """reshape(C, -1) without bringing the channels to the front."""
    return _pearson(activations.reshape(activations.shape[1], -1))


@map_correlation.mistake(
    "You average the correlations of single images. One correlation over all images at once is asked for."
)
def mean_over_images(activations):
    """A correlation for each image, then their mean."""
    return torch.stack([_pearson(image.flatten(1)) for image in activations]).mean(0)


@map_correlation.mistake(
    "You correlate the mean of each map. Positions count, too: every pixel of every map is a value."
)
def averages_the_maps_first(activations):
    """Reduces each map to one number."""
    return _pearson(_rows(activations.mean((2, 3), keepdim=True)))


@map_correlation.mistake("Your diagonal is not 1: that is a covariance. Divide by both standard deviations.")
def covariance_for_correlation(activations):
    """Forgets the standard deviations."""
    return torch.cov(_rows(activations), correction=0)


@map_correlation.mistake(
    "Your diagonal is n / (n - 1): one of your two sums is divided by n, the other by n - 1."
)
def mixes_n_and_n_minus_one(activations):
    """np.cov divides by n - 1, np.std by n."""
    n = activations[:, 0].numel()
    y = _pearson(_rows(activations))
    varied = (_rows(activations).std(1) > 1e-12).double()
    return torch.where(varied[:, None] * varied > 0, y * n / (n - 1), y)


@map_correlation.mistake(
    "Your result is a cosine: two channels that are merely both bright look alike. Remove the means."
)
def without_means(activations):
    """Divides by the norms without removing the means."""
    rows = _rows(activations)
    unit = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-300)
    y = unit @ unit.T
    constant = rows.amax(1) == rows.amin(1)
    y[constant], y[:, constant] = 0.0, 0.0
    return y.fill_diagonal_(1.0)


@map_correlation.mistake(
    "A constant channel has standard deviation 0, and 0 / 0 is nan. Which values are asked for there?"
)
def nan_on_constant(activations):
    """np.corrcoef as it is."""
    rows = _rows(activations)
    y = _pearson(rows)
    constant = rows.amax(1) == rows.amin(1)
    y[constant], y[:, constant] = torch.nan, torch.nan
    return y


@map_correlation.mistake("A constant channel has correlation 1 with itself, 0 with all others.")
def constant_has_no_self(activations):
    """np.nan_to_num sets the diagonal to 0, too."""
    rows = _rows(activations)
    return _pearson(rows) * (1 - torch.diag((rows.amax(1) == rows.amin(1)).double()))


@map_correlation.mistake(
    "A small number added to your denominator spoils channels with small values: treat 0 apart."
)
def epsilon_in_the_denominator(activations):
    """+ 1e-5 in the denominator against division by 0."""
    s = _rows(activations).std(1, correction=0)
    both = s[:, None] * s
    return (_pearson(_rows(activations)) * both / (both + 1e-5)).fill_diagonal_(1.0)


@map_correlation.mistake("Your result has one row for each image. One row for each channel is asked for.")
def correlates_images(activations):
    """np.corrcoef of activations.reshape(N, -1)."""
    return _pearson(activations.flatten(1))


@map_correlation.mistake(
    "Your result has no negative numbers. Channels can also be each other's opposite: keep the sign."
)
def takes_the_absolute_value(activations):
    """|r|."""
    return _pearson(_rows(activations)).abs()


@map_correlation.mistake("Only the first image counts in your result.")
def first_sample_only(activations):
    """activations[0] for all of them."""
    return _pearson(activations[0].flatten(1))


# ---------------------------------------------------------------- top_activating


@top_activating.mistake("You have the right images, but the smallest response comes first.")
def sorts_ascending(images, responses, k):
    """argsort()[-k:]: the last k, in rising order."""
    chosen = torch.argsort(responses, stable=True)[-k:]
    return images[chosen], chosen


@top_activating.mistake("You return the images with the smallest responses.")
def returns_the_weakest(images, responses, k):
    """argsort()[:k]."""
    return _top(images, responses, k, lambda r: torch.argsort(r, stable=True))


@top_activating.mistake(
    "Of equal responses the one with the smaller index comes first. Reversing an order reverses ties."
)
def ties_reversed(images, responses, k):
    """argsort()[::-1]: equal responses come out back to front."""
    return _top(images, responses, k, lambda r: torch.argsort(r, stable=True).flip(0))


@top_activating.mistake("You sort by absolute value: a strongly negative response is no excitement.")
def sorts_by_absolute_value(images, responses, k):
    """argsort(-abs(responses))."""
    return _top(images, responses, k, lambda r: _order(r.abs()))


@top_activating.mistake("Your images come in another order than your indices.")
def images_not_in_order(images, responses, k):
    """A mask picks the images in their old order."""
    chosen = _order(responses)[:k]
    return images[chosen.sort().values], chosen


@top_activating.mistake("The order of your pair is exchanged: the images first, then their indices.")
def pair_exchanged(images, responses, k):
    """(order, images)."""
    return _top(images, responses, k)[::-1]


@top_activating.mistake("You return the responses where their indices are asked for.")
def responses_for_indices(images, responses, k):
    """Returns the sorted responses."""
    chosen = _order(responses)[:k]
    return images[chosen], responses[chosen]


@top_activating.mistake("You return all images, in order. The first k are asked for.")
def returns_all(images, responses, k):
    """Forgets [:k]."""
    return _top(images, responses, len(images))


@top_activating.mistake(
    "For uint8 responses 0 comes first: -x of an unsigned x wraps around. Convert to float before you negate.",
    own_types=True,
)
def negates_unsigned(images, responses, k):
    """argsort(-responses) of uint8: -0 is 0, and -1 is 255."""
    return _top(images, responses, k, lambda r: torch.argsort(-r, stable=True))


@top_activating.mistake("You return each image once for every distinct response: ties are lost.")
def ties_lost(images, responses, k):
    """np.unique(responses, return_index=True), or a dict by response."""
    chosen = torch.tensor([int((responses == r).nonzero()[0]) for r in responses.unique().flip(0)])[:k]
    return images[chosen], chosen


@top_activating.mistake(
    "Your indices say at which place each image comes. Asked for: which image comes at each place."
)
def ranks_for_indices(images, responses, k):
    """argsort of argsort."""
    return _top(images, responses, k, lambda r: torch.argsort(_order(r)))


# ---------------------------------------------------------------- occlusion_map


@occlusion_map.mistake(
    "Patches stay covered: by the end of your loop most of the image is. Start from a fresh copy each time."
)
def occlusion_keeps_last_patch(predict, image, label, size, stride=1, fill=0.0):
    """One copy, made before the loop."""
    return _occluded(predict, image, label, size, stride, fill, lambda masks: masks.cumsum(0))


@occlusion_map.mistake("Your function covers patches in the caller's image, and they stay. Work on a copy.")
def occlusion_changes_image(predict, image, label, size, stride=1, fill=0.0):
    """covered = image makes a second name, not a copy."""
    y = occlusion_keeps_last_patch(predict, image, label, size, stride, fill)
    image[...] = np.where(_masks(image, size, stride)[0].max(0) > 0, fill, image)
    return y


@occlusion_map.mistake(
    "Your function writes to the caller's image, if only for a moment; it may be read-only. Work on a copy."
)
def occlusion_writes_and_restores(predict, image, label, size, stride=1, fill=0.0):
    """Covers the patch in the image itself, and puts it back."""
    image[...] = image
    return _occluded(predict, image, label, size, stride, fill)


@occlusion_map.mistake(
    "The last window of each row and column is missing. What is the largest start that still fits?"
)
def occlusion_skips_the_border(predict, image, label, size, stride=1, fill=0.0):
    """range(0, H - size, stride) for range(0, H - size + 1, stride)."""
    y = _occluded(predict, image, label, size, stride, fill)
    H, W = image.shape[1:]
    return y[: -((size - H) // stride), : -((size - W) // stride)]


@occlusion_map.mistake("Your map runs over the border: its last patches hang over the edge of the image.")
def occlusion_hangs_over(predict, image, label, size, stride=1, fill=0.0):
    """range(0, H, stride): slices past the end are silently shorter."""
    H, W = image.shape[1:]
    rows, columns = range(0, H, stride), range(0, W, stride)
    wide = np.zeros((len(rows) * len(columns), 1, H + size, W + size))
    for mask, (i, j) in zip(wide, ((i, j) for i in rows for j in columns), strict=True):
        mask[:, i : i + size, j : j + size] = 1
    p = _asked(predict, wide[..., :H, :W], image, fill)
    return p[:, label].reshape(len(rows), len(columns))


@occlusion_map.mistake("You return how much the probability changes. The probability itself is asked for.")
def probability_drop_sign(predict, image, label, size, stride=1, fill=0.0):
    """p(covered) - p(whole): a drop with its sign reversed."""
    return _occluded(predict, image, label, size, stride, fill) - predict(image[None])[0, label]


@occlusion_map.mistake(
    "You return how far the probability falls. The probability itself, low where it matters, is asked for."
)
def returns_the_drop(predict, image, label, size, stride=1, fill=0.0):
    """p(whole) - p(covered)."""
    return predict(image[None])[0, label] - _occluded(predict, image, label, size, stride, fill)


@occlusion_map.mistake(
    "Your values are logarithms of odds. `predict` gives probabilities: take them as they are."
)
def logit_for_probability(predict, image, label, size, stride=1, fill=0.0):
    """The score behind the probability."""
    p = _occluded(predict, image, label, size, stride, fill)
    return np.log(p / (1 - p))


@occlusion_map.mistake("`predict` returns probabilities already: a second softmax flattens them.")
def double_softmax(predict, image, label, size, stride=1, fill=0.0):
    """Softmax of probabilities."""
    return _occluded(
        lambda v: torch.from_numpy(predict(v)).softmax(1).numpy(), image, label, size, stride, fill
    )


@occlusion_map.mistake(
    "You follow whichever class wins under the patch. The label's probability is asked for."
)
def follows_the_winner(predict, image, label, size, stride=1, fill=0.0):
    """max over classes."""
    masks, shape = _masks(image, size, stride)
    return _asked(predict, masks, image, fill).max(1).reshape(shape)


@occlusion_map.mistake("Your patch covers the first channel only. A cover hides all channels.")
def first_channel_only(predict, image, label, size, stride=1, fill=0.0):
    """covered[0, ...] = fill."""
    one = np.arange(len(image))[:, None, None] == 0
    return _occluded(predict, image, label, size, stride, fill, lambda masks: masks * one)


@occlusion_map.mistake("Your result is the same for every stride.")
def ignores_stride(predict, image, label, size, stride=1, fill=0.0):
    """Moves by one pixel."""
    return _occluded(predict, image, label, size, 1, fill)


@occlusion_map.mistake("Your map has the right size, but your patches move by one pixel, not by the stride.")
def stride_on_output_but_not_on_start(predict, image, label, size, stride=1, fill=0.0):
    """covered[:, i:i+size] for i*stride."""
    rows, columns = _masks(image, size, stride)[1]
    return _occluded(predict, image, label, size, 1, fill)[:rows, :columns]


@occlusion_map.mistake("You cover with zeros, whatever `fill` says.")
def ignores_fill(predict, image, label, size, stride=1, fill=0.0):
    """0 for fill."""
    return _occluded(predict, image, label, size, stride)


@occlusion_map.mistake("An image of integers cuts your fill to an integer: make the copy a float one.")
def fill_cut_to_int(predict, image, label, size, stride=1, fill=0.0):
    """image.copy() of integers."""
    return _occluded(predict, image, label, size, stride, np.array(fill).astype(image.dtype))


@occlusion_map.mistake("You add `fill` to the pixels. The patch hides them.")
def adds_the_fill(predict, image, label, size, stride=1, fill=0.0):
    """+= for =."""
    masks, shape = _masks(image, size, stride)
    return predict(image + masks * fill)[:, label].reshape(shape)


@occlusion_map.mistake("You cover everything but the patch.")
def keeps_only_the_patch(predict, image, label, size, stride=1, fill=0.0):
    """The mask the wrong way round."""
    return _occluded(predict, image, label, size, stride, fill, lambda masks: 1 - masks)


@occlusion_map.mistake("The axes of your map are exchanged: rows of the map are rows of the image.")
def swaps_output_axes(predict, image, label, size, stride=1, fill=0.0):
    """Filled column by column."""
    return _occluded(predict, image, label, size, stride, fill).T


@occlusion_map.mistake("Your map has as many columns as rows. How wide is the image?")
def height_for_width(predict, image, label, size, stride=1, fill=0.0):
    """The number of columns from H: too few, or patches beyond the edge that cover nothing."""
    y = _occluded(predict, image, label, size, stride, fill)
    extra = max(0, y.shape[0] - y.shape[1])
    whole = predict(image[None])[0, label]
    return np.pad(y, ((0, 0), (0, extra)), constant_values=whole)[:, : y.shape[0]]


@occlusion_map.mistake("`predict` wants a batch, (M, C, H, W), also for one image: it lacks the first axis.")
def batch_axis_missing(predict, image, label, size, stride=1, fill=0.0):
    """predict(covered) for predict(covered[None])."""
    predict(image)


@occlusion_map.mistake("Your patches have twice the size: `size` is the side of the square.")
def size_is_a_radius(predict, image, label, size, stride=1, fill=0.0):
    """Covers i - size ... i + size around each place."""
    masks, shape = _masks(image, size, stride)
    grown = F.max_pool2d(torch.from_numpy(masks), 2 * size - 1, 1, size - 1).numpy()
    return _asked(predict, grown, image, fill)[:, label].reshape(shape)


# ---------------------------------------------------------------- saliency


@saliency.mistake(
    "With several channels you add up slopes of different signs, and they cancel. Take absolute values first."
)
def saliency_sums_channels_signed(params, x, label):
    """|sum over channels|."""
    return _slope(params, x, lambda s: s[0, label]).sum(0).abs()


@saliency.mistake("With several channels you add up. The largest of them is asked for.")
def sums_channels(params, x, label):
    """Sum of absolute values."""
    return _slope(params, x, lambda s: s[0, label]).abs().sum(0)


@saliency.mistake(
    "With several channels you take the largest slope, and then its absolute value: a steep fall gets lost."
)
def max_before_abs(params, x, label):
    """|max over channels|."""
    return _slope(params, x, lambda s: s[0, label]).amax(0).abs()


@saliency.mistake("Your result has negative values: how much, not which way, is asked for.")
def signed_saliency(params, x, label):
    """Forgets the absolute value."""
    return _slope(params, x, lambda s: s[0, label]).amax(0)


@saliency.mistake(
    "You differentiate the probability. A sure network's probability is flat; the score is asked for."
)
def probability_for_score(params, x, label):
    """The gradient through the softmax."""
    return _strongest(_slope(params, x, lambda s: s.softmax(1)[0, label]))


@saliency.mistake(
    "You differentiate the loss. The label's score alone is asked for: which gradient of the scores says that?"
)
def loss_for_score(params, x, label):
    """Starts from the gradient of the cross-entropy."""
    return _strongest(_slope(params, x, lambda s: -s.log_softmax(1)[0, label]))


@saliency.mistake("You differentiate the sum of all scores. Only the label's score is asked for.")
def all_scores(params, x, label):
    """Starts from ones."""
    return _strongest(_slope(params, x, lambda s: s.sum()))


@saliency.mistake("You follow the class that the network prefers. The label is given.")
def follows_the_winner(params, x, label):
    """argmax of the scores for label."""
    return _strongest(_slope(params, x, lambda s: s.max()))


@saliency.mistake("You start from the score itself. The slope of the score with respect to itself is 1.")
def starts_from_the_score(params, x, label):
    """grad[0, label] = scores[0, label]: the slope of half the square."""
    return _strongest(_slope(params, x, lambda s: s[0, label] ** 2 / 2))


@saliency.mistake("Your result still has an axis for the channels. A map (H, W) is asked for.")
def keeps_the_channel_axis(params, x, label):
    """(C, H, W)."""
    return _slope(params, x, lambda s: s[0, label]).abs()


@saliency.mistake("You look at the first channel only.")
def first_channel_only(params, x, label):
    """gradient[0]."""
    return _slope(params, x, lambda s: s[0, label])[0].abs()


@saliency.mistake("You average over channels. The largest is asked for.")
def averages_channels(params, x, label):
    """Mean of absolute values."""
    return _slope(params, x, lambda s: s[0, label]).abs().mean(0)


@saliency.mistake(
    "You multiply the slope by the pixel: dark pixels then never matter. The slope alone is asked for."
)
def times_the_input(params, x, label):
    """Gradient times input."""
    return _strongest(_slope(params, x, lambda s: s[0, label]) * x)


@saliency.mistake("Your map is scaled so that its largest value is 1. The slopes themselves are asked for.")
def scaled_to_one(params, x, label):
    """Divides by the maximum."""
    y = saliency.oracle(params, x, label)
    return y / y.max()


@saliency.mistake("You square the slopes.")
def squares(params, x, label):
    """** 2 for abs."""
    return _strongest(_slope(params, x, lambda s: s[0, label])) ** 2


@saliency.mistake(
    "Your gradient passes the ReLUs unhindered. Where a ReLU's input was negative, nothing may pass."
)
def relu_ignored(params, x, label):
    """Forgets * (z > 0) on the way back."""
    return _strongest(_slope(params, x, lambda s: s[0, label], lambda z: z + (F.relu(z) - z).detach()))


@saliency.mistake(
    "You drop negative gradients at the ReLUs. It is the ReLU's input that decides what passes."
)
def drops_negative_gradients(params, x, label):
    """The mask from the gradient's own sign besides: "guided" backpropagation."""

    def guided(z):
        y = F.relu(z)
        y.register_hook(lambda g: g.clamp(min=0))
        return y

    return _strongest(_slope(params, x, lambda s: s[0, label], guided))


# ---------------------------------------------------------------- gradient_norms


@gradient_norms.mistake(
    "Your norms grow with the number of images: the mean of their losses is asked for, not the sum."
)
def gradient_norm_per_batch(params, x, y):
    """The gradient of the summed loss."""
    return _norms(_gradients(params, x, y, reduction="sum"))


@gradient_norms.mistake(
    "Your norms are divided by the number of images twice. Does the gradient of the mean carry 1/N already?"
)
def averages_twice(params, x, y):
    """Divides the gradients by N although the loss's gradient did."""
    return [(name, norm / len(y)) for name, norm in gradient_norms.oracle(params, x, y)]


@gradient_norms.mistake(
    "You average the norms of single images. Average the gradients first: they partly cancel."
)
def mean_of_norms(params, x, y):
    """The mean over images of the norm, for the norm of the mean."""
    each = [gradient_norms.oracle(params, x[i : i + 1], y[i : i + 1]) for i in range(len(y))]
    return [(rows[0][0], sum(norm for _, norm in rows) / len(y)) for rows in zip(*each, strict=True)]


@gradient_norms.mistake("Your list holds biases, too. Only weights are asked for.")
def includes_biases(params, x, y):
    """All six arrays."""
    names = [f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc") for kind in "wb"]
    return _norms(_gradients(params, x, y, names))


@gradient_norms.mistake("You add up absolute values. The L2 norm is the root of the sum of squares.")
def l1_norm(params, x, y):
    """Sum of absolute values."""
    return _norms(_gradients(params, x, y), lambda g: g.abs().sum())


@gradient_norms.mistake("Your values are squares of norms: a root is missing.")
def norm_without_root(params, x, y):
    """Sum of squares."""
    return _norms(_gradients(params, x, y), lambda g: (g**2).sum())


@gradient_norms.mistake(
    "You divide by the number of weights. The norm is the root of the sum, not of the mean, of squares."
)
def root_mean_square(params, x, y):
    """RMS."""
    return _norms(_gradients(params, x, y), lambda g: (g**2).mean().sqrt())


@gradient_norms.mistake("Your values are the largest slopes, not norms.")
def largest_slope(params, x, y):
    """The maximum norm."""
    return _norms(_gradients(params, x, y), lambda g: g.abs().max())


@gradient_norms.mistake(
    "For the fully connected layer your norm is a matrix norm of another kind: flatten the gradient first."
)
def matrix_norm(params, x, y):
    """np.linalg.norm(g, 2): the largest singular value of a matrix."""
    pairs = _gradients(params, x, y)
    return [
        (n, torch.linalg.vector_norm(g) if g.ndim > 2 else torch.linalg.matrix_norm(g, 2)) for n, g in pairs
    ]


@gradient_norms.mistake("These are the norms of the weights themselves. Their gradients' are asked for.")
def norms_of_the_weights(params, x, y):
    """params for grads."""
    return _norms([(name, params[name]) for name in _WEIGHTS])


@gradient_norms.mistake("Your list starts with the last layer.")
def last_layer_first(params, x, y):
    """In the order in which backpropagation meets them."""
    return gradient_norms.oracle(params, x, y)[::-1]


@gradient_norms.mistake(
    "Your list is in the order of the dict. From the first layer to the last is asked for, however the dict is ordered."
)
def order_of_the_dict(params, x, y):
    """for name in params."""
    norms = dict(gradient_norms.oracle(params, x, y))
    return [(name, norms[name]) for name in params if name in norms]


@gradient_norms.mistake('You name the layers. The names of the arrays are asked for, such as "conv1.w".')
def names_of_layers(params, x, y):
    """ "conv1" for "conv1.w"."""
    return [(name[:-2], norm) for name, norm in gradient_norms.oracle(params, x, y)]


@gradient_norms.mistake("You return a dict. A list of pairs (name, norm) is asked for.")
def dict_for_list(params, x, y):
    """A dict comprehension."""
    return dict(gradient_norms.oracle(params, x, y))


@gradient_norms.mistake("You return the norms without their names.")
def norms_without_names(params, x, y):
    """A list of numbers."""
    return [norm for _, norm in gradient_norms.oracle(params, x, y)]


@gradient_norms.mistake(
    "Your gradient starts from the scores as if all were the loss. Start from the cross-entropy's gradient."
)
def no_loss(params, x, y):
    """Starts the backward step from the scores of the labels instead of the loss."""
    params = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
    score = _scores(params, x)[torch.arange(len(y)), y.long()].mean()
    grads = torch.autograd.grad(score, [params[n] for n in _WEIGHTS])
    return _norms(zip(_WEIGHTS, grads, strict=True))
