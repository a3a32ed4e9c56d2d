"""Chapter 6: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from course.kit.common import common_mistakes
from course.kit.exercise import Exercise, call, draw, shared_mistake


class _Watched:
    """A function that minds its manners: it wants arrays of x's shape, and x itself untouched meanwhile."""

    def __init__(self, function, x):
        self.unwatched, self.__name__ = function, function.__name__
        self.remember(x)

    def remember(self, x):
        """Copy x for the answer to work with, and keep an eye on that very copy."""
        self.x, self.before = x.copy(), x.copy()
        return self.x

    def __call__(self, z):
        if not np.array_equal(self.x, self.before):
            raise ValueError("f looks at x while it is called, and x is not what it was")
        if np.shape(z) != self.x.shape:
            raise ValueError(f"f is called with shape {np.shape(z)}, but x has shape {self.x.shape}")
        return self.unwatched(z)


def watched(f, x, **options):
    """A call of numerical_gradient whose f raises ValueError when x has been changed, even for a moment."""
    f = _Watched(f, x)
    return replace(call(f, x, **options), disguise=f.remember)


def _bytes(seed, *shape):
    return draw(seed, *shape, low=100, high=200, dtype="uint8")


def _whole(seed, *shape):
    """Few different integers, so that windows have ties."""
    return draw(seed, *shape, low=-2, high=2, dtype="int64")


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _differences(f, x, ahead, behind, dtype=torch.float64):
    """f(x + ahead e) - f(x - behind e) for each direction e, in x's shape."""
    x = torch.tensor(x.tolist(), dtype=dtype)
    directions = torch.eye(x.numel(), dtype=dtype).view(-1, *x.shape)
    rises = [float(f((x + ahead * e).numpy())) - float(f((x - behind * e).numpy())) for e in directions]
    return torch.tensor(rises, dtype=torch.float64).view(x.shape).numpy()


def _slope(f, x, eps=1e-5):
    return _differences(f, x, eps, eps) / (2 * eps)


def _to_weights(x, grad, kernel_size, stride=1, padding=0):
    size = (grad.shape[1], x.shape[1], *_pair(kernel_size))
    return torch.nn.grad.conv2d_weight(x, size, grad, stride, padding)


def _to_inputs(grad, w, input_size, stride=1, padding=0):
    return torch.nn.grad.conv2d_input((len(grad), w.shape[1], *input_size), w, grad, stride, padding)


def _spread(grad, stride):
    dot = torch.ones(1, 1, 1, 1, dtype=grad.dtype)
    y = F.conv_transpose2d(grad.reshape(-1, 1, *grad.shape[-2:]), dot, stride=stride)
    return y.reshape(*grad.shape[:-2], *y.shape[-2:])


def _back_matrix(w, size):
    outputs = [n - k + 1 for n, k in zip(size, w.shape, strict=True)]
    each = torch.eye(outputs[0] * outputs[1], dtype=w.dtype).view(-1, 1, *outputs)
    return F.conv_transpose2d(each, w[None, None]).flatten(1).T


def _inner(a, b):
    a, b = (torch.from_numpy(np.array(each, dtype=np.float64, order="C")) for each in (a, b))
    return float((a * b).sum())


def _gap(f, f_transpose, x, g):
    return abs(_inner(f(x), g) - _inner(x, f_transpose(g)))


def _back_through(pool, x, grad):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(pool(x), x, grad)[0]


def _max_back(x, grad, kernel_size, stride=None):
    return _back_through(lambda z: F.max_pool2d(z, kernel_size, stride), x, grad)


def _avg_back(grad, input_size, kernel_size, stride=None):
    x = torch.zeros(*grad.shape[:2], *input_size, dtype=grad.dtype)
    return _back_through(lambda z: F.avg_pool2d(z, kernel_size, stride), x, grad)


# ---------------------------------------------------------------- probes


def _cubes(z):
    return (z**3).sum()


def _mixed(z):
    """Every element has a slope of its own, which depends on its neighbour."""
    z = np.ravel(z)
    return float((z**3 + z * np.roll(z, 1) * np.arange(1, z.size + 1)).sum())


def _upstream(seed, x, w, stride=1, padding=0):
    """A random gradient of the shape that the forward layer's output has."""
    sizes = [
        (n + 2 * p - k) // s + 1
        for n, k, s, p in zip(x.shape[2:], w.shape[2:], _pair(stride), _pair(padding), strict=True)
    ]
    return draw(seed, len(x), len(w), *sizes)


_LAYERS = [  # x, w, stride, padding
    (draw(1, 1, 1, 5, 8), draw(2, 1, 1, 3, 2), 1, 0),
    (draw(3, 2, 3, 7, 10), draw(4, 4, 3, 2, 3), (2, 3), (1, 2)),
    (draw(5, 2, 2, 8, 6), draw(6, 2, 2, 3, 3), 2, 0),  # a row and a column left over
    (draw(7, 1, 1, 8, 8), draw(8, 2, 1, 3, 3), 2, 1),  # left over, and in the padding
    (draw(9, 1, 2, 3, 4), draw(10, 1, 2, 2, 2), 1, 3),  # padding > k - 1
    (draw(11, 3, 1, 6, 9), draw(12, 2, 1, 2, 2), (3, 1), (0, 1)),
]

numerical_gradient = Exercise(
    oracle=lambda f, x, eps=1e-5: _slope(getattr(f, "unwatched", f), x, eps),
    in_numpy=True,  # f takes numpy arrays
    probes=[
        call(_cubes, np.array([1.5, -0.7, 0.3])),
        call(_mixed, draw(21, 2, 3)),
        call(_mixed, draw(22, 4), eps=0.25),
        call(_cubes, np.array(1.3)),
        call(_mixed, np.array([3, 1, 2])),
        call(_mixed, draw(23, 3, 2).astype(np.float32)),
        watched(_mixed, draw(24, 2, 2)),
    ],
)

conv2d_grad_bias = Exercise(
    oracle=lambda grad: grad.sum((0, 2, 3)),
    probes=[
        call(draw(31, 2, 3, 4, 5)),
        call(draw(32, 1, 2, 3, 2)),
        call(draw(33, 3, 3, 1, 2)),
        call(_bytes(34, 2, 2, 2, 3)),
    ],
)

conv2d_grad_weight = Exercise(
    oracle=_to_weights,
    probes=[
        *[
            call(x, _upstream(40 + i, x, w, s, p), w.shape[2:], s, p)
            for i, (x, w, s, p) in enumerate(_LAYERS)
        ],
        call(_bytes(47, 1, 1, 5, 7), draw(48, 1, 2, 2, 2), (2, 3), (2, 3)),  # room for swapped pairs
        call(_bytes(49, 2, 1, 4, 5), _bytes(50, 2, 1, 3, 4), 2),
    ],
)

conv2d_grad_input = Exercise(
    oracle=_to_inputs,
    probes=[
        *[
            call(_upstream(51 + i, x, w, s, p), w, x.shape[2:], s, p)
            for i, (x, w, s, p) in enumerate(_LAYERS)
        ],
        call(_bytes(57, 1, 1, 3, 4), draw(58, 1, 1, 2, 2), (4, 5)),
        call(_bytes(59, 1, 2, 3, 4), _bytes(60, 2, 1, 2, 2), (4, 5)),
    ],
)

spread = Exercise(
    oracle=_spread,
    probes=[
        call(draw(61, 2, 3), 2),
        call(draw(62, 2, 3, 2, 4), (3, 2)),
        call(draw(63, 3, 2, 2), (1, 3)),
        call(draw(64, 3, 4), 1),
        call(_bytes(65, 1, 2, 3, 2), 3),
    ],
)

conv_transpose_matrix = Exercise(
    oracle=_back_matrix,
    probes=[
        call(draw(71, 2, 3), (4, 6)),
        call(draw(72, 2, 2), (3, 3)),
        call(draw(73, 3, 1), (5, 2)),
        call(draw(74, 3, 2), (3, 2)),
        call(_bytes(75, 2, 2), (3, 4)),
    ],
)


def _turn(z):
    """A quarter turn of a square, values as they are."""
    return np.rot90(z)


def _turn_back(z):
    return np.rot90(z, -1)


def _matrix_72(x):
    return draw(72, 3, 4) @ x


def _matrix_72_transposed(g):
    return draw(72, 3, 4).T @ g


adjoint_gap = Exercise(
    oracle=_gap,
    in_numpy=True,  # f and f_transpose take numpy arrays
    probes=[
        call(_turn, _turn_back, draw(81, 3, 3), draw(82, 3, 3)),
        call(_turn, _turn, draw(83, 3, 3), draw(84, 3, 3)),  # no adjoints
        call(_turn, _turn, draw(85, 2, 2), 3 * draw(86, 2, 2)),
        call(_matrix_72, _matrix_72_transposed, draw(87, 4), draw(88, 3)),
        call(_turn, _turn, _bytes(89, 2, 2), _bytes(90, 2, 2)),
    ],
)

max_pool2d_backward = Exercise(
    oracle=_max_back,
    probes=[
        call(draw(91, 1, 1, 4, 6), draw(92, 1, 1, 2, 3), 2),
        call(draw(93, 2, 3, 5, 7), draw(94, 2, 3, 3, 5), 3, 1),
        call(draw(95, 1, 2, 7, 8), draw(96, 1, 2, 2, 3), (3, 2), (4, 3)),
        call(draw(97, 2, 2, 5, 7), draw(98, 2, 2, 2, 2), (2, 3), (2, 3)),  # room for swapped pairs
        call(_whole(99, 2, 2, 5, 6), draw(100, 2, 2, 4, 5), 2, 1),
        call(-np.abs(draw(101, 1, 1, 4, 4)), draw(102, 1, 1, 2, 2), 2),
        call(_bytes(103, 1, 1, 4, 4), _bytes(104, 1, 1, 2, 2), 3, 1),
    ],
)

avg_pool2d_backward = Exercise(
    oracle=_avg_back,
    probes=[
        call(draw(111, 1, 1, 2, 3), (4, 6), 2),
        call(draw(112, 2, 3, 3, 5), (5, 7), 3, 1),
        call(draw(113, 1, 2, 2, 3), (7, 8), (3, 2), (4, 3)),
        call(draw(114, 1, 1, 2, 2), (5, 7), (2, 3), (2, 3)),  # room for swapped pairs
        call(_bytes(115, 1, 2, 2, 2), (5, 4), 2),
    ],
)

_GRADIENTS = (conv2d_grad_bias, conv2d_grad_weight, conv2d_grad_input, max_pool2d_backward)

common_mistakes(*_GRADIENTS, avg_pool2d_backward, spread, conv_transpose_matrix)
del conv2d_grad_bias.mistakes["uint8_overflow"]  # the same as takes_the_type_of_its_input
del avg_pool2d_backward.mistakes["uint8_overflow"]  # a mean of bytes is a byte
for _moved in (spread.mistakes, conv_transpose_matrix.mistakes):  # values only move: integers stay integers
    del _moved["uint8_overflow"], _moved["takes_the_type_of_its_input"]


# ---------------------------------------------------------------- numerical_gradient


@numerical_gradient.mistake(
    "Your result matches the difference ahead, f(x + eps) - f(x). Step to both sides: the error is far smaller."
)
def forward_difference(f, x, eps=1e-5):
    """(f(x + eps) - f(x)) / eps."""
    return _differences(f, x, eps, 0) / eps


@numerical_gradient.mistake(
    "Your result matches the difference behind, f(x) - f(x - eps). Step to both sides: the error is far smaller."
)
def backward_difference(f, x, eps=1e-5):
    """(f(x) - f(x - eps)) / eps."""
    return _differences(f, x, 0, eps) / eps


@numerical_gradient.mistake(
    "Your slopes are twice what they should be. How far apart are x + eps and x - eps?"
)
def eps_not_divided_by_two(f, x, eps=1e-5):
    """Divides by eps, but the two points are 2 eps apart."""
    return _differences(f, x, eps, eps) / eps


@numerical_gradient.mistake("Your slopes have the wrong sign: which of the two values is subtracted?")
def sign_flipped(f, x, eps=1e-5):
    """f(x - eps) - f(x + eps)."""
    return -_slope(f, x, eps)


@numerical_gradient.mistake("Your result is the same whatever eps is.")
def ignores_eps(f, x, eps=1e-5):
    """A step written as a number instead of the argument."""
    return _slope(f, x)


@numerical_gradient.mistake(
    "For integers your slopes are far off: x plus a small step, stored in an integer array, is x again."
)
def steps_in_integers(f, x, eps=1e-5):
    """A copy of x's own type: an integer copy cuts the step off."""

    def cut(z):
        return f(np.trunc(z) if x.dtype.kind in "iu" else z)

    return _slope(cut, x, eps)


@numerical_gradient.mistake(
    "For an input of float32 your slopes are noise: such a small step is lost in seven digits. Which type is x + eps?"
)
def numeric_check_in_float32(f, x, eps=1e-5):
    """Keeps x's own float32, where a step of 1e-5 drowns in rounding."""
    if x.dtype != np.float32:
        return _slope(f, x, eps)
    return _differences(f, x, eps, eps, torch.float32) / (2 * eps)


@numerical_gradient.mistake("Your function calls f with another shape than x has.")
def flattens_x(f, x, eps=1e-5):
    """Ravels x once and for all."""
    return _slope(f, x.reshape(-1), eps).reshape(x.shape)


@numerical_gradient.mistake("Your values are right, but flat: the result has the shape of x.")
def returns_a_flat_list(f, x, eps=1e-5):
    """Collects the slopes in a vector."""
    return _slope(f, x, eps).reshape(-1)


@numerical_gradient.mistake(
    "All your slopes are equal: you nudge every element at once. Nudge one, leave the others as they are."
)
def moves_all_at_once(f, x, eps=1e-5):
    """f(x + eps) - f(x - eps) with the whole array moved."""
    z = np.float64(x)
    return np.full(x.shape, (f(np.array(z + eps)) - f(np.array(z - eps))) / (2 * eps))


@numerical_gradient.mistake(
    "You nudge a whole row at a time: with several axes, `for i in range(len(x))` is not every element."
)
def one_axis_only(f, x, eps=1e-5):
    """x[i] += eps, where x[i] is a row."""
    slopes = _slope(f, x, eps)
    return slopes if x.ndim < 2 else _row_slopes(f, x, eps)


def _row_slopes(f, x, eps):
    rows = [
        np.where(np.arange(len(x)) == i, eps, 0.0).reshape(-1, *[1] * (x.ndim - 1)) for i in range(len(x))
    ]
    slopes = np.array([(f(x + row) - f(x - row)) / (2 * eps) for row in rows])
    return np.broadcast_to(slopes.reshape(-1, *[1] * (x.ndim - 1)), x.shape).copy()


@numerical_gradient.mistake(
    "An array without axes (shape ()) makes your function fail. It has one element, but no len() and no rows."
)
def needs_an_axis(f, x, eps=1e-5):
    """len(x), or item assignment on what x + 0.0 gives for a 0-d array, a number."""
    if x.ndim == 0:
        raise TypeError("len() of unsized object")
    return _slope(f, x, eps)


@numerical_gradient.mistake(
    "Your steps pile up: each element is nudged while the ones before it are still nudged. Take the step back."
)
def keeps_earlier_steps(f, x, eps=1e-5):
    """Works on a copy, but leaves each element at x - eps when it moves on to the next."""
    return _walk(f, np.array(x, dtype=np.float64), eps, "moved")


@numerical_gradient.mistake(
    "Your function changes its input: it steps on the caller's array and does not step back. Work on a copy."
)
def differentiates_in_place(f, x, eps=1e-5):
    """x[i] += eps, f, x[i] -= 2 * eps, f, on x itself, and on to the next."""
    return _walk(f, _own(x), eps, "moved")


@numerical_gradient.mistake(
    "Your function changes its input for a moment. It puts the old value back, but f may look at x meanwhile: work on a copy."
)
def borrows_its_input(f, x, eps=1e-5):
    """Steps on x itself and puts the old value back afterwards, as many published gradient checks do."""
    return _walk(f, _own(x), eps, "restored")


@numerical_gradient.mistake(
    "Your function changes its input a little: adding eps, taking 2 eps off and adding eps back rounds. Work on a copy."
)
def leaves_rounding_behind(f, x, eps=1e-5):
    """x[i] += eps, -= 2 * eps, += eps: the last bit of x is another one afterwards."""
    return _walk(f, _own(x), eps, "moved back")


def _own(x):
    """The caller's array itself where it is float64."""
    x = np.asarray(x, dtype=np.float64)
    if not x.flags.writeable:  # torch would write to it all the same
        raise ValueError("assignment destination is read-only")
    return x


def _walk(f, z, eps, leave):
    """Steps through z itself by a tensor that shares its memory, and leaves each element in the state given."""
    shared, values = torch.from_numpy(z), []
    for old, step in zip(shared.flatten().tolist(), torch.eye(z.size, dtype=torch.float64), strict=True):
        step = eps * step.view(shared.shape)
        values.append(f(shared.add_(step).numpy()) - f(shared.sub_(2 * step).numpy()))
        if leave == "restored":
            shared[step != 0] = old
        if leave == "moved back":
            shared.add_(step)
    return np.reshape(values, z.shape) / (2 * eps)


# ---------------------------------------------------------------- gradients: shared


@shared_mistake(
    "Your result is smaller by the number of samples: the loss adds them up, so the gradient does, too.",
    conv2d_grad_bias,
    conv2d_grad_weight,
    conv2d_grad_input,
)
def averages_over_batch(oracle, *args, **options):
    """Divides by N. Whoever averages the loss has the 1/N in the upstream gradient already."""
    grad = args[0] if oracle is not _to_weights else args[1]
    return oracle(*args, **options) / len(grad)


@conv2d_grad_bias.mistake("Your result does not depend on the upstream gradient: where does `grad` come in?")
def upstream_ignored(grad):
    """dy/db for dL/db: counts the outputs."""
    return torch.ones_like(grad).sum((0, 2, 3))


@conv2d_grad_weight.mistake(
    "Your result does not depend on the upstream gradient: where does `grad` come in?"
)
def upstream_ignored(x, grad, *rest, **options):
    """dy/dw for dL/dw: as if every element of grad were 1."""
    return _to_weights(x, torch.ones_like(grad), *rest, **options)


@max_pool2d_backward.mistake(
    "Each winner gets 1. It should get what its output was sent: where does `grad` come in?"
)
def upstream_ignored(x, grad, *rest, **options):
    """Marks the winners."""
    return _max_back(x, torch.ones_like(grad), *rest, **options)


@shared_mistake(
    "Your result does not depend on the upstream gradient: where does `grad` come in?",
    conv2d_grad_input,
    avg_pool2d_backward,
)
def upstream_ignored(oracle, grad, *rest, **options):
    """As if every element of grad were 1."""
    return oracle(torch.ones_like(grad), *rest, **options)


# ---------------------------------------------------------------- conv2d_grad_bias


@conv2d_grad_bias.mistake(
    "You sum over the samples only. The same bias is added at every position, so it hears from every position."
)
def grad_bias_over_batch_only(grad):
    """sum(axis=0), as for a fully connected layer."""
    return grad.sum(0)


@conv2d_grad_bias.mistake(
    "You sum over the positions only. The same bias is used for every sample, so it hears from every sample."
)
def grad_bias_over_positions_only(grad):
    """sum over the last two axes."""
    return grad.sum((2, 3))


@conv2d_grad_bias.mistake("You sum over the kernels, too: each kernel has a bias of its own.")
def sums_everything(grad):
    """One number for the whole layer."""
    return grad.sum()


@conv2d_grad_bias.mistake(
    "You sum over the kernels and keep the samples. It is the other way round: (D,) is asked for."
)
def keeps_the_samples(grad):
    """sum(axis=(1, 2, 3))."""
    return grad.sum((1, 2, 3))


@conv2d_grad_bias.mistake(
    "Your result is smaller by the number of outputs: is it a sum or a mean that you want?"
)
def averages_instead_of_sums(grad):
    """Takes the mean over samples and positions."""
    return grad.mean((0, 2, 3))


@conv2d_grad_bias.mistake("Your values are right, but the result has too many axes: (D,) is asked for.")
def keeps_the_axes(grad):
    """keepdims=True."""
    return grad.sum((0, 2, 3), keepdim=True)


# ---------------------------------------------------------------- conv2d_grad_weight


def _met(padded, grad, kernel_size, stride=1):
    """dL/dw for an input that is padded already; what no window reaches is cut off."""
    sizes = zip(grad.shape[2:], _pair(stride), _pair(kernel_size), strict=True)
    rows, columns = [(n - 1) * s + k for n, s, k in sizes]
    if rows > padded.shape[2] or columns > padded.shape[3]:
        raise ValueError("operands could not be broadcast together")
    return _to_weights(padded[..., :rows, :columns], grad, kernel_size, stride)


def _padded(x, padding):
    (ph, pw) = _pair(padding)
    return F.pad(x, (pw, pw, ph, ph))


@conv2d_grad_weight.mistake(
    "Your result matches an input read back to front. y is a correlation of x with w, and dL/dw one of x with grad: no flip."
)
def weight_grad_with_flipped_input(x, grad, *rest, **options):
    """Rotates x by 180 degrees, as if the flip belonged to both gradients."""
    return _to_weights(x.flip(2, 3), grad, *rest, **options)


@conv2d_grad_weight.mistake(
    "Your result matches a true convolution of x with grad. The flip belongs to the other gradient, dL/dx."
)
def weight_grad_with_flipped_gradient(x, grad, *rest, **options):
    """Rotates grad by 180 degrees."""
    return _to_weights(x, grad.flip(2, 3), *rest, **options)


@conv2d_grad_weight.mistake("Your values are right, but every kernel is rotated by 180 degrees.")
def rotates_the_result(x, grad, *rest, **options):
    """A flip at the end."""
    return _to_weights(x, grad, *rest, **options).flip(2, 3)


@conv2d_grad_weight.mistake(
    "The first two axes of your result are exchanged: it has the shape of w, (D, C, kH, kW), the kernel first."
)
def weight_grad_swaps_channels(x, grad, *rest, **options):
    """Returns (C, D, kH, kW)."""
    return _to_weights(x, grad, *rest, **options).transpose(0, 1)


@conv2d_grad_weight.mistake(
    "Your result is the same for every stride: where are the pixels that one weight meets, when windows start s apart?"
)
def stride_missing_in_weight_grad(x, grad, kernel_size, stride=1, padding=0):
    """Multiplies neighbours of x where the windows started s apart."""
    return _met(_padded(x, padding), grad, kernel_size)


@conv2d_grad_weight.mistake(
    "With a stride above 1 your result is too large: slide the spread gradient over x, not the gradient as it is."
)
def no_spreading(x, grad, kernel_size, stride=1, padding=0):
    """Slides grad as it is, with all the windows that fit."""
    x = _padded(x, padding)
    return _met(x, grad, [n - m + 1 for n, m in zip(x.shape[2:], grad.shape[2:], strict=True)])


@conv2d_grad_weight.mistake(
    "Where rows are left over, your result has more taps than the kernel: keep the first kH and kW of them."
)
def keeps_the_extra_taps(x, grad, kernel_size, stride=1, padding=0):
    """Slides the spread gradient over all of x: rows that no window reached make room for taps that don't exist."""
    x = _padded(x, padding)
    sizes = zip(x.shape[2:], grad.shape[2:], _pair(stride), strict=True)
    return _met(x, grad, [n - (m - 1) * s for n, m, s in sizes], stride)


@conv2d_grad_weight.mistake(
    "Your result is smaller by the number of positions: is it a sum or a mean that you want?"
)
def averages_over_positions(x, grad, *rest, **options):
    """Takes the mean over the output positions."""
    return _to_weights(x, grad, *rest, **options) / grad[0, 0].numel()


@conv2d_grad_weight.mistake(
    "Your result uses the first sample only. Every sample has used the weights: sum over them."
)
def first_sample_only(x, grad, *rest, **options):
    """x[0] and grad[0]."""
    return _to_weights(x[:1], grad[:1], *rest, **options)


@conv2d_grad_weight.mistake(
    "Your result holds the last sample alone: each sample overwrites the ones before it."
)
def last_sample_overwrites(x, grad, *rest, **options):
    """= for += in the loop over samples."""
    return _to_weights(x[-1:], grad[-1:], *rest, **options)


@conv2d_grad_weight.mistake("All input channels get the gradient of the first.")
def first_channel_only(x, grad, *rest, **options):
    """x[:, 0] for x[:, c]."""
    return _to_weights(x[:, :1].expand_as(x), grad, *rest, **options)


@conv2d_grad_weight.mistake("All kernels get the gradient of the first: grad[:, d] belongs to kernel d.")
def one_kernel_for_all(x, grad, *rest, **options):
    """grad[:, 0] for grad[:, d]."""
    return _to_weights(x, grad[:, :1].expand_as(grad), *rest, **options)


@conv2d_grad_weight.mistake(
    "With padding your function fails: the windows of the forward layer lay on the padded input."
)
def ignores_padding(x, grad, kernel_size, stride=1, padding=0):
    """Takes the unpadded x: some windows are cut short."""
    return _met(x, grad, kernel_size, stride)


@conv2d_grad_weight.mistake("The two numbers of the stride are exchanged: (rows, columns).")
def swaps_stride_pair(x, grad, kernel_size, stride=1, padding=0):
    """Steps of sW down and sH to the right."""
    return _met(_padded(x, padding), grad, kernel_size, _pair(stride)[::-1])


@conv2d_grad_weight.mistake("The two numbers of the padding are exchanged: (rows, columns).")
def swaps_pad_axes(x, grad, kernel_size, stride=1, padding=0):
    """pW zeros above and below, pH left and right."""
    return _met(_padded(x, _pair(padding)[::-1]), grad, kernel_size, stride)


# ---------------------------------------------------------------- conv2d_grad_input


def _full(grad, w, stride=1):
    """All that grad sends back, to the padded input, without the rows that no window reached."""
    sizes = zip(grad.shape[2:], _pair(stride), w.shape[2:], strict=True)
    return _to_inputs(grad, w, [(n - 1) * s + k for n, s, k in sizes], stride)


def _placed(full, input_size, padding=0):
    """Cut the input out of what was sent to the padded input, with zeros where nothing was sent."""
    (ph, pw), (h, w) = _pair(padding), input_size
    return F.pad(full, (0, w + 2 * pw, 0, h + 2 * ph))[..., ph : ph + h, pw : pw + w]


def _sized_by_grad(grad, w, stride, padding):
    """What the windows reached, with the padding cut off both ends of it."""
    full, (ph, pw) = _full(grad, w, stride), _pair(padding)
    return full[..., ph : full.shape[2] - ph, pw : full.shape[3] - pw]


@conv2d_grad_input.mistake(
    "Your result matches a kernel that was not rotated: which weight does a pixel meet in the window that starts earlier?"
)
def input_grad_without_flip(grad, w, *rest, **options):
    """Correlates the padded gradient with w instead of w rotated by 180 degrees."""
    return _to_inputs(grad, w.flip(2, 3), *rest, **options)


@conv2d_grad_input.mistake(
    "Your kernel is flipped along its rows only: a rotation by 180 degrees flips both axes."
)
def rotates_one_axis_only(grad, w, *rest, **options):
    """w[:, :, ::-1] for w[:, :, ::-1, ::-1]."""
    return _to_inputs(grad, w.flip(3), *rest, **options)


@conv2d_grad_input.mistake(
    "With several kernels or channels these are exchanged: flip the last two axes of w, and leave the first two in order."
)
def flips_every_axis(grad, w, *rest, **options):
    """np.flip(w) without axis reverses kernels and channels, too."""
    return _to_inputs(grad, w.flip(0, 1), *rest, **options)


@conv2d_grad_input.mistake(
    "Your rotation turns kernels and channels and leaves the taps as they are: which axes does np.rot90 turn?"
)
def rotates_the_first_axes(grad, w, *rest, **options):
    """np.rot90(w, 2) without axes=(2, 3)."""
    return _to_inputs(grad, w.flip(0, 1, 2, 3), *rest, **options)


@conv2d_grad_input.mistake(
    "Your result is too small: the first pixel is in one window only, so the kernel has to hang over the edge of grad."
)
def input_grad_valid(grad, w, input_size, stride=1, padding=0):
    """The rotated kernel slides inside the gradient, with no zeros around it."""
    spread_out = _spread(grad, stride)
    if any(n < k for n, k in zip(spread_out.shape[2:], w.shape[2:], strict=True)):
        raise ValueError("window shape cannot be larger than input array shape")
    return F.conv2d(spread_out, w.flip(2, 3).transpose(0, 1))


@conv2d_grad_input.mistake(
    "The first two axes of w are exchanged. On the way back, sum over the kernels d; one result for each channel c."
)
def input_grad_swaps_channels(grad, w, *rest, **options):
    """Reads w as (C, D, kH, kW)."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("shapes do not match")
    return _to_inputs(grad, w.transpose(0, 1), *rest, **options)


@conv2d_grad_input.mistake(
    "Your result is the same for every stride: the window of output i starts at row i * stride."
)
def stride_missing_in_input_grad(grad, w, input_size, stride=1, padding=0):
    """Sends each output's share to the place where its window would be at stride 1."""
    return _placed(_full(grad, w), input_size, padding)


@conv2d_grad_input.mistake(
    "With a stride above 1 your result is too small: spread the gradient before you convolve it."
)
def no_spreading(grad, w, input_size, stride=1, padding=0):
    """Full convolution of the gradient as it is."""
    return _sized_by_grad(grad, w, 1, padding)


@conv2d_grad_input.mistake("The gradient is spread too far: between neighbours belong s - 1 zeros.")
def spreads_one_too_far(grad, w, input_size, stride=1, padding=0):
    """s zeros between neighbours."""
    return _placed(_full(grad, w, [s + 1 for s in _pair(stride)]), input_size, padding)


@conv2d_grad_input.mistake(
    "With padding your result is too large: that is the gradient of the padded input. The padding is no pixel of x."
)
def returns_padded_gradient(grad, w, input_size, stride=1, padding=0):
    """Doesn't cut the padding off."""
    size = [n + 2 * p for n, p in zip(input_size, _pair(padding), strict=True)]
    return _placed(_full(grad, w, stride), size)


@conv2d_grad_input.mistake("Without padding your result is empty: what does a[p:-p] give for p = 0?")
def slices_pad_to_minus_pad(grad, w, input_size, stride=1, padding=0):
    """[p:-p] is everything but the padding, except for p = 0."""
    (ph, pw) = _pair(padding)
    return returns_padded_gradient(grad, w, input_size, stride, padding)[..., ph:-ph, pw:-pw]


@conv2d_grad_input.mistake(
    "Rows or columns that no window reached are missing. Their gradient is 0, and the result has the size of the input."
)
def left_over_rows_lost(grad, w, input_size, stride=1, padding=0):
    """Takes the size from the gradient instead of input_size."""
    return _sized_by_grad(grad, w, stride, padding)


@conv2d_grad_input.mistake(
    "With padding and a row left over, the last row is wrong: what the windows did not reach is part of the padding."
)
def crops_before_filling(grad, w, input_size, stride=1, padding=0):
    """Cuts the padding off both ends of what the windows reached, and fills up with zeros after that."""
    return _placed(_sized_by_grad(grad, w, stride, padding), input_size)


@conv2d_grad_input.mistake("The rows that no window reached are the last ones; you fill up at the front.")
def left_over_rows_first(grad, w, input_size, stride=1, padding=0):
    """Puts the zeros before the rest."""
    reached = _sized_by_grad(grad, w, stride, padding)
    rows, columns = (n - m for n, m in zip(input_size, reached.shape[2:], strict=True))
    return F.pad(reached, (columns, 0, rows, 0))


def _stays(grad, backward, covers, backwards=False):
    """Window after window writes its share with =, so that where windows overlap the last one written stays."""
    at = list(np.ndindex(grad.shape[2:]))
    result = torch.zeros_like(backward(grad))
    for row, column in reversed(at) if backwards else at:
        one = torch.zeros_like(grad)
        one[..., row, column] = 1
        result = torch.where(covers(one) != 0, backward(grad * one), result)
    return result


@conv2d_grad_input.mistake(
    "Where windows overlap, the last one overwrites the others. A pixel hears from all the windows it is in: add."
)
def overlap_overwritten(grad, w, *rest, **options):
    """= for += in the loop over windows."""
    return _stays(
        grad,
        lambda g: _to_inputs(g, w, *rest, **options),
        lambda one: _to_inputs(one, torch.ones_like(w), *rest, **options),
    )


@conv2d_grad_input.mistake(
    "Each weight overwrites what the weights before it have sent to a pixel. A pixel hears from all of them: add."
)
def taps_overwrite(grad, w, *rest, **options):
    """= for += in the loop over the kernel's taps."""
    return _stays(
        grad,
        lambda g: _to_inputs(g, w, *rest, **options),
        lambda one: _to_inputs(one, torch.ones_like(w), *rest, **options),
        backwards=True,
    )


@conv2d_grad_input.mistake(
    "Your result uses the first kernel only: every kernel has seen the pixel, so sum over them."
)
def first_kernel_only(grad, w, *rest, **options):
    """grad[:, 0] and w[0]."""
    return _to_inputs(grad[:, :1], w[:1], *rest, **options)


@conv2d_grad_input.mistake(
    "Your result holds the last kernel alone: each kernel overwrites the ones before it."
)
def last_kernel_overwrites(grad, w, *rest, **options):
    """= for += in the loop over kernels."""
    return _to_inputs(grad[:, -1:], w[-1:], *rest, **options)


@conv2d_grad_input.mistake(
    "Your result is the same for every padding: the first window began in the padding, p rows above the first pixel."
)
def ignores_padding(grad, w, input_size, stride=1, padding=0):
    """Takes the first row of the padded input for the first row of the input."""
    return _placed(_full(grad, w, stride), input_size)


@conv2d_grad_input.mistake(
    "Your function fails where the padding is larger than k - 1. Let the padded input be the target, then cut it."
)
def needs_padding_below_k(grad, w, input_size, stride=1, padding=0):
    """np.pad by k - 1 - p, which is negative then."""
    if any(p > k - 1 for p, k in zip(_pair(padding), w.shape[2:], strict=True)):
        raise ValueError("index can't contain negative values")
    return _to_inputs(grad, w, input_size, stride, padding)


@conv2d_grad_input.mistake("The two numbers of the stride are exchanged: (rows, columns).")
def swaps_stride_pair(grad, w, input_size, stride=1, padding=0):
    """Windows sW apart down and sH apart to the right."""
    return _placed(_full(grad, w, _pair(stride)[::-1]), input_size, padding)


@conv2d_grad_input.mistake("The two numbers of the padding are exchanged: (rows, columns).")
def swaps_pad_axes(grad, w, input_size, stride=1, padding=0):
    """Cuts pW rows and pH columns off."""
    return _placed(_full(grad, w, stride), input_size, _pair(padding)[::-1])


# ---------------------------------------------------------------- spread


@spread.mistake("Your result is the gradient as it came in: where are the zeros?")
def no_spreading(grad, stride):
    """Returns grad."""
    return grad.clone()


@spread.mistake("You put one zero too many between neighbours: at stride 1 there are none, at stride 2 one.")
def spreads_one_too_far(grad, stride):
    """s zeros between neighbours for s - 1."""
    return _spread(grad, [s + 1 for s in _pair(stride)])


@spread.mistake(
    "Your result has zeros after the last element. It ends with that element: (n - 1) * s + 1 values."
)
def zeros_after_the_last(grad, stride):
    """n * s values an axis."""
    (sh, sw) = _pair(stride)
    return F.pad(_spread(grad, stride), (0, sw - 1, 0, sh - 1))


@spread.mistake("Your result starts with zeros. The first element stays the first.")
def zeros_before_the_first(grad, stride):
    """The zeros of each element stand before it."""
    (sh, sw) = _pair(stride)
    return F.pad(_spread(grad, stride), (sw - 1, 0, sh - 1, 0))


@spread.mistake("Between neighbours you repeat the values. Zeros belong there.")
def repeats_instead(grad, stride):
    """np.repeat, cut to size."""
    (sh, sw) = _pair(stride)
    y = grad.repeat_interleave(sh, -2).repeat_interleave(sw, -1)
    return y[..., : y.shape[-2] - sh + 1, : y.shape[-1] - sw + 1]


@spread.mistake("You spread the columns only. Rows are moved apart, too.")
def stride_on_one_axis_only(grad, stride):
    """The last axis alone."""
    return _spread(grad, (1, _pair(stride)[1]))


@spread.mistake("The two numbers of the stride are exchanged: (rows, columns).")
def swaps_stride_pair(grad, stride):
    """sW between rows and sH between columns."""
    return _spread(grad, _pair(stride)[::-1])


# ---------------------------------------------------------------- conv_transpose_matrix


@conv_transpose_matrix.mistake(
    "Your result is the matrix of the forward step. On the way back its rows and columns trade places."
)
def returns_the_forward_matrix(w, size):
    """conv_matrix(w, size), not transposed."""
    return _back_matrix(w, size).T


@conv_transpose_matrix.mistake(
    "Your kernels stand in the matrix rotated. Transposing is all the flip there is: the weights stay as they are."
)
def flips_the_kernel(w, size):
    """Flips the kernel and transposes: twice, that is."""
    return _back_matrix(w.flip(0, 1), size)


@conv_transpose_matrix.mistake("`size` is the size of the forward step's input, not of its output.")
def takes_size_for_the_outputs(w, size):
    """Reads size as (Ho, Wo)."""
    return _back_matrix(w, [n + k - 1 for n, k in zip(size, w.shape, strict=True)])


@conv_transpose_matrix.mistake("Height and width are exchanged: size is (H, W).")
def height_for_width(w, size):
    """Reads size as (W, H)."""
    if w.shape[0] > size[1] or w.shape[1] > size[0]:
        raise ValueError("negative dimensions are not allowed")
    return _back_matrix(w, size[::-1])


@conv_transpose_matrix.mistake(
    "The rows of your matrix are in another order: ravel() goes along the rows of an image, so pixel (p, q) is p * W + q."
)
def counts_down_the_columns(w, size):
    """Pixel (p, q) at q * H + p."""
    order = torch.arange(size[0] * size[1]).view(size).T.flatten()
    return _back_matrix(w, size)[order]


@conv_transpose_matrix.mistake(
    "The kernel is mirrored along its diagonal. Transpose the matrix, not the kernel."
)
def transposes_the_kernel(w, size):
    """w.T for M.T."""
    if w.shape[0] > size[1] or w.shape[1] > size[0]:
        raise ValueError("negative dimensions are not allowed")
    return _back_matrix(w.T, size)


# ---------------------------------------------------------------- adjoint_gap


@adjoint_gap.mistake("Your result can be negative. The gap is a distance: it has no sign.")
def forgets_the_absolute_value(f, f_transpose, x, g):
    """The plain difference."""
    return _inner(f(x), g) - _inner(x, f_transpose(g))


@adjoint_gap.mistake(
    "Your result is smaller by the number of elements: an inner product is a sum, not a mean."
)
def averages_instead_of_sums(f, f_transpose, x, g):
    """Means of the products."""
    return abs(_inner(f(x), g) / g.size - _inner(x, f_transpose(g)) / x.size)


@adjoint_gap.mistake("You send f(x) back. What goes back is g, another array than what came out.")
def sends_the_output_back(f, f_transpose, x, g):
    """<x, f_transpose(f(x))> for <x, f_transpose(g)>."""
    return abs(_inner(f(x), g) - _inner(x, f_transpose(f(x))))


@adjoint_gap.mistake("Your result matches the first inner product alone: where does the second come in?")
def first_product_only(f, f_transpose, x, g):
    """|<f(x), g>|."""
    return abs(_inner(f(x), g))


@adjoint_gap.mistake(
    "Your result is divided by the size of the inner products. The plain difference is asked for."
)
def relative_gap(f, f_transpose, x, g):
    """|a - b| / (|a| + |b|)."""
    a, b = _inner(f(x), g), _inner(x, f_transpose(g))
    return abs(a - b) / (abs(a) + abs(b))


@adjoint_gap.mistake(
    "You add up absolute values: sum the products first, then take the absolute value of one number."
)
def absolute_values_inside(f, f_transpose, x, g):
    """Sums |products| where it should take the absolute value of a sum."""
    return abs(_inner(abs(f(x)), abs(g)) - _inner(abs(x), abs(f_transpose(g))))


@adjoint_gap.mistake("Numbers of type uint8 wrap around at 256: convert to float before you multiply.")
def uint8_overflow(f, f_transpose, x, g):
    """Multiplies uint8 by uint8."""
    return abs(float((f(x) * g).sum()) - float((x * f_transpose(g)).sum()))


# ---------------------------------------------------------------- pooling


@shared_mistake(
    "Where windows overlap, the last one overwrites the others. A pixel hears from all the windows it is in: add.",
    max_pool2d_backward,
)
def overlap_overwritten(oracle, x, grad, *rest, **options):
    """= for += in the loop over windows."""
    return _stays(
        grad, lambda g: oracle(x, g, *rest, **options), lambda one: oracle(x, one, *rest, **options)
    )


@avg_pool2d_backward.mistake(
    "Where windows overlap, the last one overwrites the others. A pixel hears from all the windows it is in: add."
)
def overlap_overwritten(grad, *rest, **options):
    """= for += in the loop over windows."""
    return _stays(
        grad, lambda g: _avg_back(g, *rest, **options), lambda one: _avg_back(one, *rest, **options)
    )


def _pools(kernel_size, stride):
    return _pair(kernel_size), _pair(kernel_size if stride is None else stride)


def _reached(size, kernel_size, stride):
    """How many rows and columns the windows reach."""
    kernel, stride = _pools(kernel_size, stride)
    return [(n - k) // s * s + k for n, k, s in zip(size, kernel, stride, strict=True)]


@max_pool2d_backward.mistake(
    "Rows or columns that no window reached are missing. Their gradient is 0, and the result has the shape of x."
)
def left_over_rows_lost(x, grad, kernel_size, stride=None):
    """The result ends with the last window."""
    h, w = _reached(x.shape[2:], kernel_size, stride)
    return _max_back(x, grad, kernel_size, stride)[..., :h, :w]


@avg_pool2d_backward.mistake(
    "Rows or columns that no window reached are missing. Their gradient is 0, and the result has the size input_size."
)
def left_over_rows_lost(grad, input_size, kernel_size, stride=None):
    """The result ends with the last window."""
    h, w = _reached(input_size, kernel_size, stride)
    return _avg_back(grad, input_size, kernel_size, stride)[..., :h, :w]


def _shares(x, grad, kernel_size, stride, share):
    """Sends grad back window by window, as share(windows) says: (N, C, kH*kW, windows) -> weights of that shape."""
    (n, c), size = x.shape[:2], x.shape[2:]
    kernel, stride = _pools(kernel_size, stride)
    windows = F.unfold(x.reshape(n * c, 1, *size), kernel, stride=stride)
    sent = share(windows) * grad.reshape(n * c, 1, -1)
    return F.fold(sent, size, kernel, stride=stride).reshape(x.shape)


@max_pool2d_backward.mistake(
    "Where a window has several maxima you share the gradient among them. The first one takes it all."
)
def ties_share(x, grad, kernel_size, stride=None):
    """Divides by the number of maxima."""

    def share(windows):
        best = (windows == windows.amax(1, keepdim=True)).double()
        return best / best.sum(1, keepdim=True)

    return _shares(x, grad, kernel_size, stride, share)


@max_pool2d_backward.mistake(
    "Where a window has several maxima you give each the whole gradient. One of them takes it all: the first."
)
def ties_all(x, grad, kernel_size, stride=None):
    """The mask window == window.max()."""
    return _shares(
        x, grad, kernel_size, stride, lambda windows: (windows == windows.amax(1, keepdim=True)).double()
    )


@max_pool2d_backward.mistake(
    "Of several maxima in a window you take the last one. The first one counts, row by row."
)
def ties_last(x, grad, kernel_size, stride=None):
    """>= for > in the search for the maximum."""

    def share(windows):
        last = windows.shape[1] - 1 - windows.flip(1).argmax(1)
        return F.one_hot(last, windows.shape[1]).movedim(-1, 1).double()

    return _shares(x, grad, kernel_size, stride, share)


@max_pool2d_backward.mistake(
    "Of several maxima you take the topmost of the first column. The order is row by row."
)
def ties_by_columns(x, grad, kernel_size, stride=None):
    """Searches each window column by column."""
    kernel, step = _pools(kernel_size, stride)
    turned = _max_back(x.transpose(2, 3), grad.transpose(2, 3), kernel[::-1], step[::-1])
    return turned.transpose(2, 3)


@max_pool2d_backward.mistake(
    "All the gradient lands in the top left corner: argmax counts inside the window, and the window starts elsewhere."
)
def window_argmax_as_global(x, grad, kernel_size, stride=None):
    """Takes the place within the window for the place in the image."""
    kernel, _ = _pools(kernel_size, stride)
    corner = torch.zeros_like(x)
    for row, column in np.ndindex(grad.shape[2:]):
        one = torch.zeros_like(grad)
        one[..., row, column] = grad[..., row, column]
        here = _max_back(x, one, kernel_size, stride)
        top, left = (i * s for i, s in zip((row, column), _pools(kernel_size, stride)[1], strict=True))
        corner[..., : kernel[0], : kernel[1]] += here[..., top : top + kernel[0], left : left + kernel[1]]
    return corner


@max_pool2d_backward.mistake(
    "You share the gradient among the whole window. Only the largest value has decided the output."
)
def average_for_max(x, grad, kernel_size, stride=None):
    """The backward step of average pooling."""
    return _avg_back(grad, x.shape[2:], kernel_size, stride)


@max_pool2d_backward.mistake(
    "You multiply the gradient by the maximum. The slope of a maximum along its winner is 1."
)
def multiplies_by_the_maximum(x, grad, kernel_size, stride=None):
    """x * grad at the winner."""
    return _max_back(x, grad, kernel_size, stride) * x


@max_pool2d_backward.mistake(
    "Windows without a positive value send nothing back. Their maximum is negative, but it is a maximum."
)
def starts_max_at_zero(x, grad, kernel_size, stride=None):
    """best = 0 at the start of the search."""
    return _max_back(x, grad * (F.max_pool2d(x, kernel_size, stride) > 0), kernel_size, stride)


@max_pool2d_backward.mistake(
    "Your winners are the largest absolute values: a strong negative value is not a maximum."
)
def takes_the_absolute_value(x, grad, kernel_size, stride=None):
    """argmax of |x|."""
    return _max_back(x.abs(), grad, kernel_size, stride)


@max_pool2d_backward.mistake(
    "The winners of the first channel are taken for all channels: each has winners of its own."
)
def first_channel_only(x, grad, kernel_size, stride=None):
    """argmax in x[:, 0] for all."""
    return _max_back(x[:, :1].expand_as(x), grad, kernel_size, stride)


@max_pool2d_backward.mistake(
    "Your result uses the stride of a pool whose windows touch: its stride is the kernel size."
)
def stride_is_kernel(x, grad, kernel_size, stride=None):
    """Ignores the stride."""
    return _pool_elsewhere(_max_back, x, grad, kernel_size, kernel_size)


@max_pool2d_backward.mistake(
    "Without a stride the windows stand side by side: None means the kernel size, not 1."
)
def stride_is_one(x, grad, kernel_size, stride=None):
    """1 for None."""
    return _pool_elsewhere(_max_back, x, grad, kernel_size, 1 if stride is None else stride)


def _pool_elsewhere(back, x, grad, kernel_size, stride):
    """Windows that start elsewhere than they should, one for each element of grad; those outside are refused."""
    sizes = zip(x.shape[2:], grad.shape[2:], *_pools(kernel_size, stride), strict=True)
    ends = [((m - 1) * s + k, n) for n, m, k, s in sizes]
    if any(end > n for end, n in ends):
        raise ValueError("attempt to get argmax of an empty sequence")
    (h, _), (w, _) = ends
    sent = back(x[..., :h, :w], grad, kernel_size, stride)
    return F.pad(sent, (0, x.shape[3] - w, 0, x.shape[2] - h))


def _avg_elsewhere(grad, input_size, kernel_size, stride):
    x = torch.zeros(*grad.shape[:2], *input_size, dtype=grad.dtype)
    return _pool_elsewhere(lambda x, g, k, s: _avg_back(g, x.shape[2:], k, s), x, grad, kernel_size, stride)


@avg_pool2d_backward.mistake(
    "Your result uses the stride of a pool whose windows touch: its stride is the kernel size."
)
def stride_is_kernel(grad, input_size, kernel_size, stride=None):
    """Ignores the stride."""
    return _avg_elsewhere(grad, input_size, kernel_size, kernel_size)


@avg_pool2d_backward.mistake(
    "Without a stride the windows stand side by side: None means the kernel size, not 1."
)
def stride_is_one(grad, input_size, kernel_size, stride=None):
    """1 for None."""
    return _avg_elsewhere(grad, input_size, kernel_size, 1 if stride is None else stride)


@avg_pool2d_backward.mistake(
    "Each element of a window gets the whole gradient: what share does it have in a mean?"
)
def average_grad_not_divided(grad, input_size, kernel_size, stride=None):
    """The backward step of sum pooling."""
    kernel, _ = _pools(kernel_size, stride)
    return _avg_back(grad, input_size, kernel_size, stride) * (kernel[0] * kernel[1])


@avg_pool2d_backward.mistake(
    "You divide by the number of windows. A mean divides by the number of elements that it is taken over."
)
def average_grad_per_output(grad, input_size, kernel_size, stride=None):
    """Divides by Ho * Wo."""
    return average_grad_not_divided(grad, input_size, kernel_size, stride) / grad[0, 0].numel()


@avg_pool2d_backward.mistake("You divide by one side of the window. How many elements does it have?")
def divides_by_one_side(grad, input_size, kernel_size, stride=None):
    """Divides by kH for kH * kW."""
    kernel, _ = _pools(kernel_size, stride)
    return _avg_back(grad, input_size, kernel_size, stride) * kernel[1]


@avg_pool2d_backward.mistake(
    "Where windows overlap you take the mean of what they send. What they send adds up."
)
def averages_overlaps(grad, input_size, kernel_size, stride=None):
    """Divides by the number of windows that a pixel is in."""
    windows = average_grad_not_divided(torch.ones_like(grad), input_size, kernel_size, stride)
    return _avg_back(grad, input_size, kernel_size, stride) / windows.clamp_min(1)


@shared_mistake("The two numbers of the stride are exchanged: (rows, columns).", max_pool2d_backward)
def swaps_stride_pair(oracle, x, grad, kernel_size, stride=None):
    """Steps of sW down and sH to the right."""
    kernel, stride = _pools(kernel_size, stride)
    return _pool_elsewhere(_max_back, x, grad, kernel, stride[::-1])


@avg_pool2d_backward.mistake("The two numbers of the stride are exchanged: (rows, columns).")
def swaps_stride_pair(grad, input_size, kernel_size, stride=None):
    """Steps of sW down and sH to the right."""
    kernel, stride = _pools(kernel_size, stride)
    return _avg_elsewhere(grad, input_size, kernel, stride[::-1])


@max_pool2d_backward.mistake("The two numbers of the kernel size are exchanged: (rows, columns).")
def swaps_kernel_pair(x, grad, kernel_size, stride=None):
    """Windows of kW rows and kH columns."""
    kernel, stride = _pools(kernel_size, stride)
    return _pool_elsewhere(_max_back, x, grad, kernel[::-1], stride)


@avg_pool2d_backward.mistake("The two numbers of the kernel size are exchanged: (rows, columns).")
def swaps_kernel_pair(grad, input_size, kernel_size, stride=None):
    """Windows of kW rows and kH columns."""
    kernel, stride = _pools(kernel_size, stride)
    return _avg_elsewhere(grad, input_size, kernel[::-1], stride)
