"""Chapter 8: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

import copy
import functools

import numpy as np
import torch
import torch.nn.functional as F

from course.kit import common
from course.kit.common import common_mistakes
from course.kit.compare import Difference, difference
from course.kit.exercise import Exercise, call, draw, on_arrays, shared_mistake

_EXTREME = np.array([-1000.0, -90.0, -3.0, -0.5, 0.0, 0.5, 3.0, 90.0, 1000.0])
_WHOLE = np.array([[-3, -2, -1, 0], [1, 2, 3, 40]])
_BYTES = np.array([[0, 1, 2, 3], [5, 40, 200, 240]], dtype=np.uint8)


def _wide(seed, *shape):
    return 3 * draw(seed, *shape)


def _bytes(seed, *shape):
    return draw(seed, *shape, low=100, high=200, dtype="uint8")


def _halved(x):
    """What numpy's exp and tanh make of bytes before they begin: half precision."""
    return x.half() if x.dtype == torch.uint8 else x


# ---------------------------------------------------------------- activations

_ACTIVATION_PROBES = [_EXTREME, _wide(1, 3, 4), _wide(2, 2, 3, 2, 5), _WHOLE, _BYTES]

relu = Exercise(oracle=lambda x: F.relu(x), probes=[call(x) for x in _ACTIVATION_PROBES])

leaky_relu = Exercise(
    oracle=lambda x, slope=0.01: F.leaky_relu(x, slope),
    probes=[
        *[call(x) for x in _ACTIVATION_PROBES],
        call(_wide(3, 4, 5), 0.2),
        call(_wide(4, 6), slope=0.5),
        call(_wide(5, 2, 3), slope=0.0),
    ],
)


def _prelu(x, a):
    return F.prelu(x, torch.as_tensor(a, dtype=x.dtype).reshape(-1))


def _slopes(x, a):
    """a for each element of x."""
    return _prelu(-torch.ones_like(x), a).neg()


prelu = Exercise(
    oracle=_prelu,
    probes=[
        call(_wide(11, 7), 0.25),
        call(_wide(12, 3, 4), np.array([0.3])),
        call(_wide(13, 3, 3, 3, 3), np.array([0.5, 2.0, -1.5])),
        call(_wide(14, 2, 3, 4), np.array([0.1, 3.0, 0.0])),
        call(_wide(15, 4, 2), np.array([-0.4, 0.7])),
        call(_wide(16, 5), 2.0),
        call(_EXTREME, -0.5),
        call(_WHOLE, 0.3),
    ],
)

elu = Exercise(
    oracle=lambda x, alpha=1.0: F.elu(x, alpha),
    probes=[*[call(x) for x in _ACTIVATION_PROBES], call(_wide(21, 4, 5), 0.5), call(_EXTREME, alpha=2.0)],
)

selu = Exercise(oracle=lambda x: F.selu(x), probes=[call(x) for x in _ACTIVATION_PROBES])
sigmoid = Exercise(oracle=lambda x: x.sigmoid(), probes=[call(x) for x in _ACTIVATION_PROBES])
tanh = Exercise(oracle=lambda x: x.tanh(), probes=[call(x) for x in _ACTIVATION_PROBES])

_FUNCTIONS = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


def _slope(name, x):
    if name not in _FUNCTIONS:
        raise ValueError(f"no activation is called {name!r}")
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(_FUNCTIONS[name](x).sum(), x)[0]


activation_grad = Exercise(
    oracle=_slope,
    probes=[
        *[call(name, x) for name in _FUNCTIONS for x in (_EXTREME, _wide(31, 3, 4), _WHOLE, _BYTES)],
        call("prelu", _wide(32, 3)).raises(ValueError),
        call("swish", _wide(33, 3)).raises(ValueError),
    ],
)

_CURVED = (elu, selu, sigmoid, tanh)

_CHANGES = (
    "Your function changes its input array, as x[x < 0] = ... does. Make a new array, or work on a copy."
)
_KEEPS = "Your function returns the same array each time, so a later call changes an earlier result. Make a new one."

shared_mistake(_CHANGES, relu, leaky_relu, prelu, *_CURVED, own_types=True)(common.changes_its_input)
shared_mistake(_KEEPS, relu, leaky_relu, prelu, *_CURVED)(common.keeps_a_result_between_calls)
shared_mistake(
    "Your results have lost what follows the decimal point: does your output array hold integers?",
    relu,
    leaky_relu,
    prelu,
    *_CURVED,
)(common.truncates_to_int)
shared_mistake(
    "For an input of integers your results are cut to integers: which type does your output array have?",
    leaky_relu,
    prelu,
    *_CURVED,
    own_types=True,
)(common.takes_the_type_of_its_input)


@relu.mistake("You keep the negative inputs and drop the positive ones.")
def minimum_for_maximum(x):
    """min(x, 0)."""
    return x.clamp_max(0)


@relu.mistake("Negative inputs come out positive. What should a unit say to an input below 0?")
def takes_the_absolute_value(x):
    """|x|."""
    return x.abs()


@relu.mistake("Your result says whether the input is positive. How large is a positive input at the output?")
def steps(x):
    """Returns the mask x > 0 as numbers."""
    return (x > 0).double()


@relu.mistake("Large inputs are cut off. A ReLU has a floor and no ceiling.")
def clips_at_one(x):
    """Clips to 0 ... 1."""
    return x.clamp(0, 1)


@leaky_relu.mistake("Positive inputs are multiplied by the slope, too. Where does the slope belong?")
def leaky_slope_everywhere(x, slope=0.01):
    """slope * x for all x."""
    return slope * x


@leaky_relu.mistake("Your result is the same for every slope.")
def ignores_slope(x, slope=0.01):
    """0.01 written into the formula."""
    return F.leaky_relu(x)


@leaky_relu.mistake("Negative inputs come out as 0: that is a ReLU that does not leak.")
def does_not_leak(x, slope=0.01):
    """A plain ReLU."""
    return F.relu(x)


@leaky_relu.mistake("For negative inputs you return the slope itself. It has to be multiplied by something.")
def slope_as_value(x, slope=0.01):
    """np.where(x > 0, x, slope)."""
    return torch.where(x > 0, x, torch.full_like(x, slope))


@leaky_relu.mistake("Negative inputs come out positive: look at the sign of what leaks.")
def leaks_upwards(x, slope=0.01):
    """slope * |x|."""
    return torch.where(x > 0, x, -slope * x)


@prelu.mistake(
    "Your result is the larger of a x and x. For which values of a is that another function than the two cases?"
)
def takes_the_maximum(x, a):
    """max(a x, x), which lectures print; right for a <= 1 only."""
    return torch.maximum(x, _slopes(x, a) * x)


@prelu.mistake("All channels get the slope of the first one.")
def first_slope_for_all(x, a):
    """a[0] for a[c]."""
    return _prelu(x, torch.as_tensor(a, dtype=x.dtype).reshape(-1)[:1])


@prelu.mistake(
    "The slopes run along the last axis. Channels are axis 1 of (N, C, ...): how must the shape of a look so that "
    "it broadcasts along that one?"
)
def slope_on_the_last_axis(x, a):
    """a * x with a of shape (C,): numpy lines it up with the last axis."""
    return torch.where(x > 0, x, _broadcast(torch.as_tensor(a, dtype=x.dtype), x) * x)


@prelu.mistake("Positive inputs are multiplied by the slope, too. Where does it belong?")
def leaky_slope_everywhere(x, a):
    """a * x for all x."""
    return _slopes(x, a) * x


@prelu.mistake("For negative inputs you return the slope itself. It has to be multiplied by something.")
def slope_as_value(x, a):
    """np.where(x > 0, x, a)."""
    return torch.where(x > 0, x, _slopes(x, a))


@prelu.mistake("Your result is the same for every slope a.")
def ignores_slope(x, a):
    """torch's first value of the parameter, 0.25, written into the formula."""
    return F.leaky_relu(x, 0.25)


def _broadcast(a, x):
    """a as numpy would broadcast it against x, with numpy's exception."""
    try:
        return a.expand_as(x)
    except RuntimeError as error:
        raise ValueError("operands could not be broadcast together") from error


@elu.mistake("At 0 your curve jumps. Which value has the exponential part there, and which must it have?")
def elu_unshifted(x, alpha=1.0):
    """alpha * exp(x), without - 1."""
    return torch.where(x > 0, x, alpha * x.exp())


@elu.mistake("Your result is the same for every alpha.")
def ignores_alpha(x, alpha=1.0):
    """exp(x) - 1 without alpha."""
    return F.elu(x)


@elu.mistake("Your alpha multiplies the exponential alone. What belongs inside the bracket?")
def alpha_before_the_shift(x, alpha=1.0):
    """alpha * exp(x) - 1."""
    return torch.where(x > 0, x, alpha * x.exp() - 1)


@elu.mistake("Your alpha multiplies the positive side, too.")
def alpha_on_both_sides(x, alpha=1.0):
    """alpha * elu(x)."""
    return alpha * F.elu(x)


@shared_mistake(
    "A large positive input gives nan: its exponential is infinite, and infinity times a 0 in a mask is nan. "
    "Choose between the two sides (np.where), or keep the exponent from growing.",
    elu,
    selu,
)
def masks_by_multiplying(oracle, x, *rest, **options):
    """x * (x > 0) + alpha * (exp(x) - 1) * (x <= 0): inf * 0."""
    return oracle(x, *rest, **options) + 0 * x.exp()


@selu.mistake("The scale belongs to both sides, and you apply it to the positive side only.")
def selu_scale_on_one_side(x):
    """scale * x for x > 0, alpha * (exp(x) - 1) below."""
    return torch.where(x > 0, F.selu(x), F.elu(x, 1.6732632423543772))


@selu.mistake("Your result is an ELU with the right alpha: where is the scale?")
def selu_without_scale(x):
    """Leaves the scale out."""
    return F.elu(x, 1.6732632423543772)


@selu.mistake("Scale and alpha have changed places: compare a positive input with your result.")
def swaps_scale_and_alpha(x):
    """1.67 outside, 1.05 inside."""
    return 1.6732632423543772 * F.elu(x, 1.0507009873554805)


@selu.mistake("You are close, to about two decimals: use all digits of the two constants.")
def rounded_constants(x):
    """1.0507 and 1.6733."""
    return 1.0507 * F.elu(x, 1.6733)


@selu.mistake("At 0 your curve jumps. Which value has the exponential part there, and which must it have?")
def elu_unshifted(x):
    """scale * alpha * exp(x), without - 1."""
    return torch.where(x > 0, F.selu(x), F.selu(x) + 1.7580993408473766)


@shared_mistake(
    "Your result goes the wrong way: it falls as the input rises. Look at the sign in the exponent.", sigmoid
)
def sign_in_the_exponent(oracle, x):
    """1 / (1 + exp(x))."""
    return oracle(-x)


@sigmoid.mistake(
    "A large input gives nan: the exponential overflows above and below the line, and infinity / infinity is nan. "
    "Can you write the formula so that this happens in one place at most?"
)
def sigmoid_overflows(x):
    """exp(x) / (1 + exp(x)): right to 709, nan beyond."""
    return x.exp() / (1 + x.exp())


@sigmoid.mistake(
    "With bytes your result is wrong where the input is not 0: -x of a uint8 wraps around, -5 becomes 251.",
    own_types=True,
)
def uint8_negation_wraps(x):
    """np.exp(-x) of uint8, which has no negative numbers."""
    return 1 / (1 + (-x).double().exp())


@sigmoid.mistake("Your result runs from -1 to 1; a sigmoid runs from 0 to 1.")
def tanh_for_sigmoid(x):
    """tanh instead of the logistic function."""
    return x.tanh()


@tanh.mistake(
    "A large input gives nan: the exponentials overflow above and below the line, and infinity / infinity is nan."
)
def tanh_overflows(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))."""
    return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())


@tanh.mistake(
    "Your curve is too flat at 0: its slope there should be 1. What happens to x inside the sigmoid?"
)
def sigmoid_not_doubled(x):
    """2 sigmoid(x) - 1, which is tanh(x / 2)."""
    return 2 * x.sigmoid() - 1


@tanh.mistake("Your result runs from 0 to 1; tanh runs from -1 to 1.")
def sigmoid_for_tanh(x):
    """The logistic function instead of tanh."""
    return x.sigmoid()


@tanh.mistake(
    "With bytes you are right to three digits only: numpy computes uint8 in half precision. Convert to float first.",
    own_types=True,
)
def half_precision_for_bytes(x):
    """np.tanh of uint8 gives float16."""
    return _halved(x).float().tanh().half().double() if x.dtype == torch.uint8 else x.double().tanh()


# ---------------------------------------------------------------- activation_grad


def _but(*names):
    """Record a wrong slope for some names; for all others the slope is right."""

    def wrap(function):
        @functools.wraps(function)
        def whole(name, x):
            return function(name, x) if name in names else _slope(name, x)

        return whole

    return wrap


@activation_grad.mistake("Your ReLU lets the gradient of negative inputs pass. How steep is it there?")
@_but("relu")
def relu_grad_at_negative(name, x):
    """1 everywhere."""
    return torch.ones_like(x)


@activation_grad.mistake("At exactly 0 torch takes the slope of the left side: compare x > 0 with x >= 0.")
@_but("relu", "leaky_relu", "elu", "selu")
def kink_on_the_other_side(name, x):
    """x >= 0 for x > 0."""
    return _slope(name, torch.where(x == 0, 1.0, x))


@activation_grad.mistake("At exactly 0 the slope of the ReLU is 0 in torch: compare x > 0 with x >= 0.")
@_but("relu")
def one_at_zero_for_relu(name, x):
    """x >= 0 for x > 0, for relu alone."""
    return (x >= 0).double()


@activation_grad.mistake("At exactly 0 you take the mean of both sides; torch takes the left one.")
@_but("relu", "leaky_relu")
def averages_at_zero(name, x):
    """A subgradient in the middle, as np.sign gives."""
    return torch.where(x == 0, (1 + _slope(name, -torch.ones_like(x))) / 2, _slope(name, x))


@activation_grad.mistake("Your leaky ReLU has the small slope on the positive side, too.")
@_but("leaky_relu")
def leaky_slope_everywhere(name, x):
    """0.01 everywhere."""
    return torch.full_like(x, 0.01)


@activation_grad.mistake("Your leaky ReLU has slope 0 for negative inputs: what leaks?")
@_but("leaky_relu")
def does_not_leak(name, x):
    """The slope of a plain ReLU."""
    return _slope("relu", x)


@activation_grad.mistake("For negative inputs you return the value of the ELU, not its slope.")
@_but("elu", "selu")
def value_for_slope(name, x):
    """exp(x) - 1: the - 1 does not survive the derivative."""
    return torch.where(x > 0, _slope(name, x), _FUNCTIONS[name](x))


@activation_grad.mistake("The slope of the SELU lacks its scale.")
@_but("selu")
def selu_without_scale(name, x):
    """The slope of an ELU with the right alpha."""
    return _slope(name, x) / 1.0507009873554805


@activation_grad.mistake(
    "You put x where the formula in terms of the output wants the output: sigmoid(x) or tanh(x)."
)
@_but("sigmoid", "tanh")
def grad_at_the_output(name, x):
    """x (1 - x) and 1 - x^2, with x for y."""
    return x * (1 - x) if name == "sigmoid" else 1 - x**2


@activation_grad.mistake("The slope of tanh at 0 is 1, and it falls on both sides alike: yours does not.")
@_but("tanh")
def tanh_not_squared(name, x):
    """1 - tanh(x)."""
    return 1 - x.tanh()


@activation_grad.mistake(
    "A large positive input gives nan: its exponential is infinite, and infinity times a 0 in a mask is nan."
)
@_but("elu", "selu")
def masks_by_multiplying(name, x):
    """(x > 0) + (x <= 0) * exp(x): 0 * inf."""
    return _slope(name, x) + 0 * x.exp()


@activation_grad.mistake(
    "The slope of the sigmoid is nan for large inputs: infinity / infinity. Write it with the sigmoid itself."
)
@_but("sigmoid")
def sigmoid_overflows(name, x):
    """exp(-x) / (1 + exp(-x))^2."""
    return (-x).exp() / (1 + (-x).exp()) ** 2


@activation_grad.mistake("You return the activation itself. Its slope is asked for.")
def returns_the_function(name, x):
    """f(x) for f'(x)."""
    return _FUNCTIONS[name](x) if name in _FUNCTIONS else _slope(name, x)


@activation_grad.mistake("For a name that is not on the list you return something; raise a ValueError.")
def accepts_any_name(name, x):
    """A chain of ifs without an else returns None."""
    return _slope(name, x) if name in _FUNCTIONS else None


@activation_grad.mistake(
    "A dict raises a KeyError for a name that it does not hold. A ValueError is asked for."
)
def key_error_for_other_names(name, x):
    """A lookup that fails by itself."""
    if name not in _FUNCTIONS:
        raise KeyError(name)
    return _slope(name, x)


@activation_grad.mistake(_CHANGES)
def changes_its_input(name, x):
    """x[x > 0] = 1."""
    slope = _slope(name, x)
    x.mul_(2)
    return slope


@activation_grad.mistake(
    "With bytes you are right to three digits only: numpy computes uint8 in half precision. Convert to float first.",
    own_types=True,
)
def half_precision_for_bytes(name, x):
    """1 - np.tanh(x) ** 2 of uint8, in float16."""
    if name == "tanh" and x.dtype == torch.uint8:
        y = x.double().tanh().half()
        return (1 - (y * y)).double()
    return _slope(name, x.double())


# ---------------------------------------------------------------- softmax and cross-entropy

softmax = Exercise(
    oracle=lambda z: z.softmax(-1),
    probes=[
        call(draw(41, 5)),
        call(_wide(42, 3, 4)),
        call(_wide(43, 3, 3)),
        call(np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -1000.0], [0.0, 0.0, 3.0]])),
        call(np.array([1, 2, 4])),
        call(_BYTES),
    ],
)


def _cross_entropy(scores, labels):
    labels = labels.long()
    return F.cross_entropy(scores, labels), (scores.softmax(1) - _one_hot(scores, labels)) / len(scores)


def _one_hot(scores, labels):
    return F.one_hot(labels.long(), scores.shape[1]).double()


_LABELS = [np.array([2, 0, 2, 1, 3]), np.array([0, 2]), np.array([1, 1, 0])]

cross_entropy = Exercise(
    oracle=_cross_entropy,
    probes=[
        call(_wide(51, 5, 4), _LABELS[0]),
        call(draw(52, 2, 3), _LABELS[1]),
        call(_wide(53, 3, 3), _LABELS[2]),
        call(np.array([[1000.0, 0.0, -1000.0], [0.0, 1000.0, 999.0]]), np.array([2, 2])),
        call(np.array([[25.0, 0.0, 1.0], [30.0, 2.0, 5.0]]), np.array([1, 2])),
        call(np.array([[744.3, 0.0]]), np.array([1])),  # p is the smallest number there is, with one bit
        call(np.array([[3, 1, 2], [0, 4, 4]]), _LABELS[1]),
    ],
)

shared_mistake(_CHANGES, softmax, cross_entropy, own_types=True)(common.changes_its_input)
shared_mistake(_KEEPS, softmax)(common.keeps_a_result_between_calls)
shared_mistake(
    "Your results have lost what follows the decimal point: does your output array hold integers?", softmax
)(common.truncates_to_int)
shared_mistake(
    "For an input of integers your results are cut to integers: which type does your output array have?",
    softmax,
    own_types=True,
)(common.takes_the_type_of_its_input)


@softmax.mistake(
    "With scores of 1000 your result is nan: the exponential overflows. What may you subtract first?"
)
def softmax_overflows(z):
    """exp(z) / sum of exp(z)."""
    return z.exp() / z.exp().sum(-1, keepdim=True)


@softmax.mistake("Your columns add up to 1. Which axis holds the classes?")
def softmax_over_batch(z):
    """Normalises over axis 0."""
    return z.softmax(0)


@softmax.mistake("All samples together add up to 1; each row should, on its own.")
def softmax_over_everything(z):
    """The sum without axis."""
    return z.ravel().softmax(0).reshape(z.shape)


@softmax.mistake(
    "A row whose scores are all far below those of another row gives 0 / 0. Whose maximum do you subtract?"
)
def subtracts_the_global_maximum(z):
    """z.max() without axis."""
    e = (z - z.max()).exp()
    return e / e.sum(-1, keepdim=True)


@softmax.mistake("Your result is a softmax of a softmax: much too even.")
def double_softmax(z):
    """Applies it twice."""
    return z.softmax(-1).softmax(-1)


@softmax.mistake("Your rows don't add up to 1: what do you divide by?")
def forgets_to_normalise(z):
    """exp(z - max)."""
    return (z - z.amax(-1, keepdim=True)).exp()


@softmax.mistake("You divide the scores by their sum. Where is the exponential?")
def divides_the_scores(z):
    """z / sum of z."""
    return z / z.sum(-1, keepdim=True)


@softmax.mistake("Your largest score gets the smallest probability: look at the sign in the exponent.")
def sign_in_the_exponent(z):
    """exp(-z)."""
    return (-z).softmax(-1)


@softmax.mistake(
    "With bytes your result is wrong: a uint8 minus the maximum wraps around, 3 - 5 becomes 254. Convert first.",
    own_types=True,
)
def uint8_overflow(z):
    """z - z.max() in uint8."""
    e = (z - z.amax(-1, keepdim=True)).double().exp()
    return e / e.sum(-1, keepdim=True)


@cross_entropy.mistake("Your loss grows with the number of samples: is it a sum or a mean?")
def loss_summed(scores, labels):
    """The sum over the samples, and its gradient."""
    loss, grad = _cross_entropy(scores, labels)
    return loss * len(scores), grad * len(scores)


@cross_entropy.mistake(
    "Your loss is a mean, but your gradient is that of a sum: what does the mean divide by?"
)
def loss_gradient_not_averaged(scores, labels):
    """p - 1 at the label, without 1 / N."""
    loss, grad = _cross_entropy(scores, labels)
    return loss, grad * len(scores)


@cross_entropy.mistake(
    "Your loss is infinite where a probability underflows to 0. Take the logarithm on paper, before you compute."
)
def log_of_zero(scores, labels):
    """log(softmax(scores))."""
    loss = -(scores.softmax(1).log() * _one_hot(scores, labels)).nan_to_num(nan=0.0, neginf=-torch.inf).sum()
    return loss / len(scores), _cross_entropy(scores, labels)[1]


@cross_entropy.mistake(
    "A small number inside the logarithm hides the worst mistakes of a network: a score gap of 1000 should cost 1000."
)
def adds_epsilon_in_log(scores, labels):
    """log(p + 1e-12)."""
    p = (scores.softmax(1) * _one_hot(scores, labels)).sum(1)
    return -(p + 1e-12).log().mean(), _cross_entropy(scores, labels)[1]


@cross_entropy.mistake("Scores of 1000 give nan: the exponential overflows before you take its logarithm.")
def softmax_overflows(scores, labels):
    """A softmax without subtracting the maximum, and its logarithm."""
    p = scores.exp() / scores.exp().sum(1, keepdim=True)
    hit = _one_hot(scores, labels)
    return -torch.where(hit > 0, p, 1.0).log().sum() / len(p), (p - hit) / len(p)


@cross_entropy.mistake("You take a softmax of the softmax: scores are what comes in, before any softmax.")
def double_softmax(scores, labels):
    """Hands probabilities to the formula for scores."""
    return _cross_entropy(scores.softmax(1), labels)


@cross_entropy.mistake("You normalise over the samples. Which axis holds the classes?")
def softmax_over_batch(scores, labels):
    """Softmax over axis 0."""
    hit = _one_hot(scores, labels)
    return -(scores.log_softmax(0) * hit).sum() / len(scores), (scores.softmax(0) - hit) / len(scores)


@cross_entropy.mistake("Your gradient is the probabilities alone: what happens at the label?")
def gradient_without_label(scores, labels):
    """p / N."""
    return _cross_entropy(scores, labels)[0], scores.softmax(1) / len(scores)


@cross_entropy.mistake(
    "You subtract 1 at every label in every row. To pick one element in each row, numpy wants an index for the rows, too."
)
def every_label_in_every_row(scores, labels):
    """grad[:, labels] -= 1."""
    hit = (_one_hot(scores, labels).sum(0) > 0).double()
    return _cross_entropy(scores, labels)[0], (scores.softmax(1) - hit) / len(scores)


@cross_entropy.mistake(
    "Your loss mixes the labels of all samples: p[:, labels] is a table. To pick one element in each row, numpy wants an "
    "index for the rows, too."
)
def loss_of_every_label(scores, labels):
    """mean of log p[:, labels]."""
    return -scores.log_softmax(1)[:, labels.long()].mean(), _cross_entropy(scores, labels)[1]


@cross_entropy.mistake("Your gradient points uphill: a step against it should make the loss smaller.")
def gradient_sign(scores, labels):
    """y - p."""
    loss, grad = _cross_entropy(scores, labels)
    return loss, -grad


@cross_entropy.mistake("The sign of your loss is wrong: a loss is never negative.")
def loss_sign(scores, labels):
    """mean of log p."""
    loss, grad = _cross_entropy(scores, labels)
    return -loss, grad


@cross_entropy.mistake("You divide by the number of classes, too.")
def averages_over_classes(scores, labels):
    """The mean over all N K values."""
    loss, grad = _cross_entropy(scores, labels)
    return loss / scores.shape[1], grad / scores.shape[1]


@cross_entropy.mistake("You return one loss for each sample: their mean is asked for.")
def loss_per_sample(scores, labels):
    """reduction="none"."""
    return F.cross_entropy(scores, labels.long(), reduction="none"), _cross_entropy(scores, labels)[1]


# ---------------------------------------------------------------- flatten, linear

flatten = Exercise(
    oracle=lambda x: torch.flatten(x, 1),
    probes=[
        call(draw(61, 2, 3, 4, 5)),
        call(draw(62, 3, 3, 3)),
        call(draw(63, 4, 2)),
        call(draw(64, 1, 2, 2, 3)),
    ],
)

linear = Exercise(
    oracle=lambda x, w, b: F.linear(x, w, b),
    probes=[
        call(draw(71, 3, 4), draw(72, 2, 4), draw(73, 2)),
        call(draw(74, 3, 3), draw(75, 3, 3), draw(76, 3)),
        call(draw(77, 1, 5), draw(78, 4, 5), draw(79, 4)),
        call(_bytes(80, 2, 3), _bytes(81, 2, 3), _bytes(82, 2)),
        call(_bytes(83, 2, 3), draw(84, 4, 3), draw(85, 4)),
    ],
)


def _linear_backward(x, w, grad):
    return grad @ w, grad.T @ x, grad.sum(0)


linear_backward = Exercise(
    oracle=_linear_backward,
    probes=[
        call(draw(91, 3, 4), draw(92, 2, 4), draw(93, 3, 2)),
        call(draw(94, 3, 3), draw(95, 3, 3), draw(96, 3, 3)),
        call(draw(97, 1, 5), draw(98, 4, 5), draw(99, 1, 4)),
        call(_bytes(100, 3, 2), _bytes(101, 4, 2), _bytes(102, 3, 4)),
    ],
)

common_mistakes(linear)
shared_mistake(_CHANGES, linear_backward, own_types=True)(common.changes_its_input)


@flatten.mistake("Your rows mix values of different samples. Does the first axis stay what it is?")
def flatten_mixes_samples(x):
    """x.reshape(-1, N).T."""
    return x.reshape(-1, x.shape[0]).T


@flatten.mistake("The samples are gone: one row a sample is asked for.")
def flattens_everything(x):
    """x.ravel()."""
    return x.ravel()


@flatten.mistake("The channels still have an axis of their own: everything but the samples should be flat.")
def keeps_the_channels(x):
    """(N, C, H*W)."""
    return x.reshape(*x.shape[:2], -1)


@flatten.mistake(
    "The values of each row stand in another order than torch's: the last axis changes fastest, then the one before it."
)
def first_axis_fastest(x):
    """order="F", or channels last, for a row-major copy."""
    return x.permute(0, *range(x.ndim - 1, 0, -1)).reshape(len(x), -1)


@flatten.mistake("Samples run along the columns of your result: one row a sample is asked for.")
def samples_as_columns(x):
    """reshape(N, -1).T."""
    return torch.flatten(x, 1).T


@flatten.mistake(
    "Your function changes its argument: x.shape = ... reshapes the caller's array. Return a new one."
)
def changes_its_input(x):
    """Assigns to x.shape."""
    y = torch.flatten(x, 1).clone()
    x.mul_(2)
    return y


@linear.mistake("w has one row for each output, as in torch: you use its rows for the inputs.")
def weight_not_transposed(x, w, b):
    """x @ w, which fits where n_in equals n_out."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("matmul: mismatch in core dimension")
    return x @ w + b


@linear.mistake("Your result is right without the bias.")
def no_bias(x, w, b):
    """Leaves b out."""
    return F.linear(x, w)


@linear.mistake("The bias goes down the rows: each output, not each sample, has one of its own.")
def bias_per_sample(x, w, b):
    """b[:, None]."""
    return F.linear(x, w) + _broadcast(b[:, None], F.linear(x, w))


@linear.mistake("Your result has its axes exchanged: (N, n_out) is asked for, one row a sample.")
def swaps_output_axes(x, w, b):
    """(w @ x.T + b[:, None]): one column a sample."""
    return F.linear(x, w, b).T


@linear.mistake("Every output gets the bias of the first one.")
def first_bias_for_all(x, w, b):
    """b[0]."""
    return F.linear(x, w) + b[0]


@linear_backward.mistake("grad_w has its axes exchanged: it must have the shape of w, (n_out, n_in).")
def linear_weight_transposed_grad(x, w, grad):
    """x.T @ grad."""
    grad_x, grad_w, grad_b = _linear_backward(x, w, grad)
    return grad_x, grad_w.T, grad_b


@linear_backward.mistake("The bias met every sample, and so its gradient is a sum: over what?")
def bias_grad_unsummed(x, w, grad):
    """grad itself."""
    return (*_linear_backward(x, w, grad)[:2], grad)


@linear_backward.mistake("grad_b has one number a sample; the bias has one an output.")
def bias_grad_over_units(x, w, grad):
    """Sums over axis 1."""
    return (*_linear_backward(x, w, grad)[:2], grad.sum(1))


@linear_backward.mistake(
    "You divide by the number of samples. The mean over the batch is the loss's business: its gradient has the 1 / N."
)
def averages_over_batch(x, w, grad):
    """A second 1 / N."""
    grad_x, grad_w, grad_b = _linear_backward(x, w, grad)
    return grad_x, grad_w / len(x), grad_b / len(x)


@linear_backward.mistake("grad_x uses the weights the other way round: what did output d do with input i?")
def input_grad_transposed(x, w, grad):
    """grad @ w.T, which fits where n_in equals n_out."""
    if w.shape[0] != w.shape[1]:
        raise ValueError("matmul: mismatch in core dimension")
    return (grad @ w.T, *_linear_backward(x, w, grad)[1:])


@linear_backward.mistake("grad_x takes no notice of the upstream gradient.")
def upstream_ignored(x, w, grad):
    """The column sums of w for each sample."""
    return (torch.ones_like(grad) @ w, *_linear_backward(x, w, grad)[1:])


@linear_backward.mistake("The three gradients stand in another order: first x, then w, then b.")
def swaps_the_results(x, w, grad):
    """(grad_w, grad_b, grad_x), weights first."""
    grad_x, grad_w, grad_b = _linear_backward(x, w, grad)
    return grad_w, grad_b, grad_x


@linear_backward.mistake(
    "Numbers of type uint8 wrap around at 256: convert to float before you multiply.", own_types=True
)
def uint8_overflow(x, w, grad):
    """uint8 matrix products."""
    results = _linear_backward(x.double(), w.double(), grad.double())
    floats = x.is_floating_point() or w.is_floating_point() or grad.is_floating_point()
    return results if floats else (results[0] % 256, results[1] % 256, results[2])


# ---------------------------------------------------------------- he_init: random, so judged by facts


def _fans(shape):
    """Inputs and outputs of one unit."""
    positions = int(np.prod(shape[2:]))
    return shape[1] * positions, shape[0] * positions


def _rules(shape):
    """Standard deviations that some rule or other gives, the right one first."""
    fan_in, fan_out = _fans(shape)
    return [
        *[(2 / n) ** 0.5 for n in (fan_in, fan_out, fan_in + fan_out, shape[1], shape[0], np.prod(shape))],
        *[(1 / fan_in) ** 0.5, 2 / fan_in, (2 / 3 / fan_in) ** 0.5, 1.0, 0.01, 2 / fan_in**0.5],
    ]


def _named(spread, shape):
    """A measured standard deviation as text; that of a rule which it meets within 5 %, so that chance doesn't show."""
    met = [rule for rule in _rules(shape) if abs(spread / rule - 1) < 0.05]
    right = met[:1] if met[:1] == _rules(shape)[:1] else []
    nearest = sorted(met, key=lambda rule: abs(spread / rule - 1))
    return f"{[*right, *nearest, spread][0]:.2g}"


def _form(values):
    """Which distribution, by its fourth moment: 3 for a normal one, 1.8 for a uniform one."""
    z = (values - values.mean()) / max(values.std(), 1e-300)
    moment = (z**4).mean()
    return "normal" if 2.6 < moment < 3.6 else "uniform" if 1.6 < moment < 2.0 else "neither"


def _facts(function, *args, **kwargs):
    """What is the same for every right answer, whatever numbers it draws."""
    named = dict(zip(("shape", "rng"), args, strict=False)) | kwargs

    def drawn(rng):
        new = {"rng": rng} if "rng" in kwargs else {}
        return function(*(rng if a is named["rng"] else a for a in args), **(kwargs | new))

    before = np.random.get_state(legacy=True)
    first, again = (drawn(copy.deepcopy(named["rng"])) for _ in range(2))
    other = drawn(np.random.default_rng(20250))
    untouched = all(
        np.array_equal(a, b) for a, b in zip(before, np.random.get_state(legacy=True), strict=True)
    )
    np.random.set_state(before)
    shape = tuple(named["shape"])
    if found := difference(np.zeros(shape), first, 1e300):
        return {"result": found.detail}
    values = np.asarray(first, dtype=np.float64)
    facts = {
        "result": "an array",
        "repeats": np.array_equal(first, again),
        "another seed": not np.array_equal(first, other),
        "own": untouched,
        "distinct": bool(np.unique(values).size > 0.9 * values.size),
    }
    if facts["distinct"]:
        facts["centred"] = bool(abs(values.mean()) < 0.1 * values.std())
    if facts.get("centred"):
        facts |= {"spread": _named(values.std(), shape), "form": _form(values)}
    return facts


_COMPLAINTS = {
    "result": "an array of real, finite numbers in the shape asked for is expected",
    "repeats": "two generators in the same state give different values: the same seed must give the same weights",
    "another seed": "a generator with another seed gives the same values",
    "own": "numpy's global random state (np.random) is used or changed",
    "distinct": "many of the values are equal: every weight should be drawn for itself",
    "centred": "the mean of your values is not near 0",
    "spread": "the mean is right, the standard deviation is not: it is about {}",
    "form": "mean and standard deviation are right, but the values are not normally distributed",
}


class _Drawn(Exercise):
    """An exercise whose answer draws random numbers: what is compared are facts, and never the numbers.

    Each run of the answer gets a copy of the call's generator, so that a call means the same every time.
    """

    def outcome(self, function, given, again=True):
        return super().outcome(functools.wraps(function)(functools.partial(_facts, function)), given, again)

    def expected(self, given):
        return _facts(on_arrays(self.oracle), *given.args, **given.kwargs)

    def verdict(self, given, outcome):
        found = super().verdict(given, outcome)
        if found is None or found.kind not in ("values", "shape", "type"):
            return found
        expected = self.expected(given)
        wrong = next(name for name in expected if outcome.value.get(name) != expected[name])
        return Difference("facts", _COMPLAINTS[wrong].format(outcome.value.get(wrong)))

    def _is_ours(self, function):
        return super()._is_ours(getattr(function, "__wrapped__", function))


def _generator(rng):
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def _he(shape, rng):
    empty = torch.empty(tuple(shape), dtype=torch.float64)
    return torch.nn.init.kaiming_normal_(empty, nonlinearity="relu", generator=_generator(rng))


def _scaled_to(spread, shape, rng):
    """Normal weights with another standard deviation."""
    return _he(shape, rng) * (spread / (2 / _fans(shape)[0]) ** 0.5)


he_init = _Drawn(
    oracle=_he,
    probes=[
        call((8, 32, 4, 4), np.random.default_rng(1)),
        call((64, 4, 4, 4), np.random.default_rng(2)),
        call((128, 32), np.random.default_rng(3)),
        call((16, 64, 4), np.random.default_rng(4)),
    ],
)


@he_init.mistake(
    "Your standard deviation counts what leaves a unit. How many numbers does one output add up?"
)
def fan_out(shape, rng):
    """sqrt(2 / (D kH kW)): PyTorch's mode="fan_out"."""
    return _scaled_to((2 / _fans(shape)[1]) ** 0.5, shape, rng)


@he_init.mistake("Your standard deviation is Xavier's, with inputs and outputs: He's has the inputs alone.")
def xavier(shape, rng):
    """sqrt(2 / (fan_in + fan_out)), Glorot and Bengio's."""
    return _scaled_to((2 / sum(_fans(shape))) ** 0.5, shape, rng)


@he_init.mistake(
    "Your weights are too small by a factor of 1.4: which half of its inputs does a ReLU let through?"
)
def one_for_two(shape, rng):
    """sqrt(1 / fan_in), LeCun's."""
    return _scaled_to((1 / _fans(shape)[0]) ** 0.5, shape, rng)


@he_init.mistake("Your standard deviation is 2 / n itself. That is the variance.")
def variance_for_standard_deviation(shape, rng):
    """rng.normal(0, 2 / fan_in): the root is missing."""
    return _scaled_to(2 / _fans(shape)[0], shape, rng)


@he_init.mistake("You count channels only. One output of a convolution adds up C kH kW products.")
def forgets_the_kernel_size(shape, rng):
    """sqrt(2 / C)."""
    return _scaled_to((2 / shape[1]) ** 0.5, shape, rng)


@he_init.mistake("You divide by the number of all weights. How many of them meet in one output?")
def counts_all_weights(shape, rng):
    """sqrt(2 / prod(shape))."""
    return _scaled_to((2 / np.prod(shape)) ** 0.5, shape, rng)


@he_init.mistake("You divide by the first axis. Which axes of w does one output sum over?")
def first_axis_for_fan_in(shape, rng):
    """sqrt(2 / D)."""
    return _scaled_to((2 / shape[0]) ** 0.5, shape, rng)


@he_init.mistake("Your values have standard deviation 1: the scale is missing.")
def unscaled(shape, rng):
    """rng.standard_normal(shape)."""
    return _scaled_to(1.0, shape, rng)


@he_init.mistake("Your weights are too large by a factor of 1.4: does the 2 stand inside the root?")
def two_outside_the_root(shape, rng):
    """2 / sqrt(fan_in)."""
    return _scaled_to(2 / _fans(shape)[0] ** 0.5, shape, rng)


@he_init.mistake(
    "Mean and standard deviation are right, but the distribution is flat: a normal one is asked for."
)
def uniform_instead_of_normal(shape, rng):
    """Kaiming's uniform variant, PyTorch's default for its layers."""
    empty = torch.empty(tuple(shape), dtype=torch.float64)
    return torch.nn.init.kaiming_uniform_(empty, nonlinearity="relu", generator=_generator(rng))


@he_init.mistake("Your values are spread evenly between plus and minus the standard deviation.")
def uniform_within_one_deviation(shape, rng):
    """rng.uniform(-s, s)."""
    return uniform_instead_of_normal(shape, rng) / 3**0.5


@he_init.mistake(
    "You draw from np.random, numpy's global generator. Draw from `rng`: otherwise nobody can repeat your weights."
)
def global_generator(shape, rng):
    """np.random.randn(*shape)."""
    return _he(shape, _Global())


class _Global:
    """numpy's global generator, asked as a Generator is."""

    def integers(self, high):
        return np.random.randint(high)


@he_init.mistake(
    "You set the seed of np.random, numpy's global generator, under everybody's feet. Draw from `rng` itself."
)
def seeds_the_global_generator(shape, rng):
    """np.random.seed(...), then np.random.randn."""
    np.random.seed(int(rng.integers(2**31)))
    return global_generator(shape, rng)


@he_init.mistake(
    "You make a generator of your own, different each time. Draw from the one that you are given."
)
def makes_its_own_generator(shape, rng):
    """np.random.default_rng() inside the function."""
    return _he(shape, np.random.default_rng())


@he_init.mistake(
    "Your weights are the same whatever generator comes in: is there a seed inside your function?"
)
def fixed_seed_inside(shape, rng):
    """np.random.default_rng(0) inside the function."""
    return _he(shape, np.random.default_rng(0))


@he_init.mistake(
    "All your kernels are equal, so they will learn the same thing for ever. Draw each for itself."
)
def same_kernel_for_all(shape, rng):
    """Draws one kernel and copies it."""
    return _he(shape, rng)[:1].expand(*shape).clone()


@he_init.mistake("Your weights are never negative: the mean should be 0.")
def positive_weights(shape, rng):
    """|normal|."""
    return _he(shape, rng).abs()


# ---------------------------------------------------------------- batch norm


def _batch_norm(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    new_mean, new_var = running_mean.clone(), running_var.clone()
    y = F.batch_norm(x, new_mean, new_var, gamma, beta, training, momentum, eps)
    return y, new_mean, new_var


def _statistics(seed, channels):
    return draw(seed, channels), draw(seed + 1, channels) ** 2 + 0.5


def _batch_norm_call(seed, shape, training, **options):
    x = draw(seed, *shape) * 2 + draw(seed + 1, shape[1], 1, 1)
    return call(
        x,
        draw(seed + 2, shape[1]),
        draw(seed + 3, shape[1]),
        *_statistics(seed + 4, shape[1]),
        training,
        **options,
    )


batch_norm2d = Exercise(
    oracle=_batch_norm,
    probes=[
        _batch_norm_call(200, (2, 3, 4, 5), True),
        _batch_norm_call(210, (3, 4, 3, 4), True),  # W equals C
        _batch_norm_call(220, (4, 2, 1, 1), True, momentum=0.3),
        _batch_norm_call(230, (2, 3, 2, 3), True, momentum=0.4, eps=0.5),
        _batch_norm_call(240, (1, 2, 3, 2), True, momentum=0.0),
        _batch_norm_call(250, (2, 3, 4, 5), False),
        _batch_norm_call(260, (2, 3, 2, 3), False, momentum=0.4, eps=0.5),
        call(_BYTES.reshape(2, 2, 1, 2), *_statistics(270, 2), *_statistics(272, 2), True),
    ],
)


def _mean(x, axes=(0, 2, 3)):
    return x.mean(axes)


def _var(x, correction, axes=(0, 2, 3)):
    return x.var(axes, correction=correction)


def _column(v):
    return v[:, None, None]


def _mistaken_batch_norm(hint):
    """Record a function of (training, what is right, x, gamma, ...) as a mistake of batch_norm2d."""

    def record(function):
        @functools.wraps(function)
        def whole(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
            given = (x, gamma, beta, running_mean, running_var, training, momentum, eps)
            return function(_batch_norm(*given), *given)

        return batch_norm2d.mistake(hint)(whole)

    return record


@_mistaken_batch_norm(
    "Your mean and variance are taken over the samples alone, one for each pixel. Whose statistics are they?"
)
def statistics_over_batch_only(right, x, gamma, beta, mean, var, training, momentum, eps):
    """mean(axis=0): one statistic a position."""
    if not training:
        return right
    new = [
        (1 - momentum) * old[:, None, None] + momentum * batch
        for old, batch in ((mean, x.mean(0)), (var, x.var(0, correction=1)))
    ]
    normalised = (x - x.mean(0)) / (x.var(0, correction=0) + eps).sqrt()
    return (_column(gamma) * normalised + _column(beta), *new)


@_mistaken_batch_norm("One mean and one variance for all channels: each channel should have its own.")
def statistics_over_everything(right, x, gamma, beta, mean, var, training, momentum, eps):
    """x.mean(), x.var()."""
    if not training:
        return right
    normalised = (x - x.mean()) / (x.var(correction=0) + eps).sqrt()
    new_mean = (1 - momentum) * mean + momentum * x.mean()
    new_var = (1 - momentum) * var + momentum * x.var(correction=1)
    return _column(gamma) * normalised + _column(beta), new_mean, new_var


@_mistaken_batch_norm(
    "Each sample is normalised on its own (that is called instance norm). In a batch, samples share statistics."
)
def statistics_per_sample(right, x, gamma, beta, mean, var, training, momentum, eps):
    """mean(axis=(2, 3)), averaged over the samples for the running statistics."""
    if not training:
        return right
    y = F.instance_norm(x, weight=gamma, bias=beta, eps=eps) if x[0, 0].numel() > 1 else _column(beta) + 0 * x
    return (y, *right[1:])


@_mistaken_batch_norm("Where does epsilon belong: to the variance, or to its root?")
def epsilon_outside_root(right, x, gamma, beta, mean, var, training, momentum, eps):
    """sqrt(var) + eps."""
    m, v = (_mean(x), _var(x, 0)) if training else (mean, var)
    return (F.batch_norm(x, m, (v.sqrt() + eps) ** 2, gamma, beta, eps=0.0), *right[1:])


@_mistaken_batch_norm("Your result does not depend on eps.")
def ignores_epsilon(right, x, gamma, beta, mean, var, training, momentum, eps):
    """The default 1e-5 written into the formula."""
    return (_batch_norm(x, gamma, beta, mean, var, training, momentum)[0], *right[1:])


@_mistaken_batch_norm("You leave epsilon out: what would a constant channel give?")
def no_epsilon(right, x, gamma, beta, mean, var, training, momentum, eps):
    """(x - mean) / sqrt(var)."""
    return (_batch_norm(x, gamma, beta, mean, var, training, momentum, 0.0)[0], *right[1:])


@_mistaken_batch_norm(
    "You divide y by the unbiased variance (n - 1). torch normalises with the biased one, and keeps the other for later."
)
def unbiased_in_training(right, x, gamma, beta, mean, var, training, momentum, eps):
    """var(ddof=1) in y."""
    return (F.batch_norm(x, _mean(x), _var(x, 1), gamma, beta, eps=eps), *right[1:]) if training else right


@_mistaken_batch_norm(
    "Your running variance takes in the biased variance (divided by n). torch's takes in the unbiased one, n - 1."
)
def running_variance_biased(right, x, gamma, beta, mean, var, training, momentum, eps):
    """The same variance for y and for the running average."""
    return (*right[:2], (1 - momentum) * var + momentum * _var(x, 0)) if training else right


@_mistaken_batch_norm(
    "The samples are counted without their positions: n in n / (n - 1) is the number of values in a channel."
)
def counts_samples_only(right, x, gamma, beta, mean, var, training, momentum, eps):
    """N / (N - 1) for the unbiased variance."""
    if not training:
        return right
    n = len(x)
    return (*right[:2], (1 - momentum) * var + momentum * _var(x, 0) * (n / (n - 1) if n > 1 else torch.inf))


@_mistaken_batch_norm("Old and new are weighed the wrong way round: with momentum 0.1, nine tenths stay old.")
def momentum_inverted(right, x, gamma, beta, mean, var, training, momentum, eps):
    """momentum * old + (1 - momentum) * batch."""
    if not training:
        return right
    return right[0], *_batch_norm(x, gamma, beta, mean, var, True, 1 - momentum, eps)[1:]


@_mistaken_batch_norm("Your running statistics don't depend on momentum.")
def ignores_momentum(right, x, gamma, beta, mean, var, training, momentum, eps):
    """The default 0.1 written into the formula."""
    return _batch_norm(x, gamma, beta, mean, var, training, eps=eps)


@_mistaken_batch_norm(
    "Your running statistics are those of this batch alone: they should remember older ones."
)
def forgets_the_past(right, x, gamma, beta, mean, var, training, momentum, eps):
    """new = batch."""
    return _batch_norm(x, gamma, beta, mean, var, training, 1.0, eps)


@_mistaken_batch_norm("The running statistics come back unchanged from training.")
def never_updates(right, x, gamma, beta, mean, var, training, momentum, eps):
    """Returns the old ones."""
    return right[0], mean.clone(), var.clone()


@_mistaken_batch_norm(
    "In evaluation you still normalise with the batch: a result must not depend on who else is in the batch."
)
def batch_statistics_in_eval(right, x, gamma, beta, mean, var, training, momentum, eps):
    """The batch's mean and variance in both modes."""
    return (_batch_norm(x, gamma, beta, mean, var, True, momentum, eps)[0], *right[1:])


@_mistaken_batch_norm("In training you normalise with the running statistics: the batch has its own.")
def running_statistics_in_training(right, x, gamma, beta, mean, var, training, momentum, eps):
    """Updates the running statistics and normalises with them."""
    return (F.batch_norm(x, *right[1:], gamma, beta, eps=eps), *right[1:])


@_mistaken_batch_norm("In evaluation the running statistics must come back as they were.")
def updates_in_eval(right, x, gamma, beta, mean, var, training, momentum, eps):
    """The update outside of the if."""
    return right[0], *_batch_norm(x, gamma, beta, mean, var, True, momentum, eps)[1:]


@_mistaken_batch_norm("gamma and beta run along the last axis: they belong to the channels, axis 1.")
def gamma_on_wrong_axis(right, x, gamma, beta, mean, var, training, momentum, eps):
    """gamma * x with gamma of shape (C,): numpy lines it up with the last axis."""
    plain = _batch_norm(
        x, torch.ones_like(gamma), torch.zeros_like(beta), mean, var, training, momentum, eps
    )[0]
    return (_broadcast(gamma, x) * plain + beta, *right[1:])


@_mistaken_batch_norm("Normalised, but without gamma and beta.")
def no_scale_and_shift(right, x, gamma, beta, mean, var, training, momentum, eps):
    """Leaves both out."""
    return _batch_norm(x, torch.ones_like(gamma), torch.zeros_like(beta), mean, var, training, momentum, eps)


@_mistaken_batch_norm("You divide by the variance: what has the unit of x, the variance or its root?")
def divides_by_the_variance(right, x, gamma, beta, mean, var, training, momentum, eps):
    """(x - mean) / (var + eps)."""
    m, v = (_mean(x), _var(x, 0)) if training else (mean, var)
    return (F.batch_norm(x, m, (v + eps) ** 2, gamma, beta, eps=0.0), *right[1:])


@_mistaken_batch_norm(
    "You return a pair with a pair inside: y, the new mean and the new variance side by side are asked for."
)
def nested_pair(right, x, gamma, beta, mean, var, training, momentum, eps):
    """(y, (new_mean, new_var))."""
    return right[0], right[1:]


@_mistaken_batch_norm("Your running variance averages standard deviations: keep the variance.")
def keeps_the_deviation(right, x, gamma, beta, mean, var, training, momentum, eps):
    """std for var in the running average."""
    return (*right[:2], (1 - momentum) * var + momentum * _var(x, 1).sqrt()) if training else right


@batch_norm2d.mistake(
    "Your function changes the running statistics that it is given: running_mean *= ... works on the caller's array."
)
def updates_the_running_statistics_in_place(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """As torch's own function does."""
    y = F.batch_norm(x, running_mean, running_var, gamma, beta, training, momentum, eps)
    return y, running_mean, running_var


shared_mistake(_CHANGES.replace("x[x < 0] = ...", "x -= ..."), batch_norm2d, own_types=True)(
    common.changes_its_input
)


@batch_norm2d.mistake(
    "For an input of integers your results are cut to integers: which type does your output array have?",
    own_types=True,
)
def takes_the_type_of_its_input(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """np.zeros_like(x) or np.empty_like(x) for y."""
    y, *new = _batch_norm(x.double(), gamma, beta, running_mean, running_var, training, momentum, eps)
    return (y if x.is_floating_point() else y.trunc(), *new)


# ---------------------------------------------------------------- batch norm, backward


def _gradients(x, gamma, grad, eps=1e-5, mean_moves=True, var_moves=True, correction=0):
    """Gradients of batch norm by torch's own differentiation; what does not move counts as a constant."""
    x, gamma = x.detach().clone().requires_grad_(), gamma.detach().clone().requires_grad_()
    beta = torch.zeros_like(gamma, requires_grad=True)
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=correction)
    mean, var = mean if mean_moves else mean.detach(), var if var_moves else var.detach()
    y = _column(gamma) * (x - _column(mean)) / (_column(var) + eps).sqrt() + _column(beta)
    return torch.autograd.grad((y * grad).sum(), (x, gamma, beta))


def _backward_call(seed, shape, **options):
    x = draw(seed, *shape) * 2 + draw(seed + 1, shape[1], 1, 1)
    return call(x, draw(seed + 2, shape[1]) + 2, draw(seed + 3, *shape) + 0.5, **options)


batch_norm2d_backward = Exercise(
    oracle=_gradients,
    probes=[
        _backward_call(300, (2, 3, 4, 5)),
        _backward_call(310, (3, 4, 3, 4)),
        _backward_call(320, (5, 2, 1, 1)),
        _backward_call(330, (2, 3, 2, 3), eps=0.5),
        _backward_call(340, (1, 2, 3, 2)),
        call(_BYTES.reshape(2, 2, 1, 2), np.array([1.0, 2.0]), draw(350, 2, 2, 1, 2)),
    ],
)

shared_mistake(_CHANGES, batch_norm2d_backward, own_types=True)(common.changes_its_input)


@batch_norm2d_backward.mistake(
    "You treat the mean as a constant. Move one input up: the mean moves up as well, and with it all other outputs."
)
def backward_treats_mean_as_constant(x, gamma, grad, eps=1e-5):
    """Forgets the path through the mean."""
    return _gradients(x, gamma, grad, eps, mean_moves=False)


@batch_norm2d_backward.mistake(
    "You treat the variance as a constant. An input that moves away from the mean makes all others shrink."
)
def backward_treats_variance_as_constant(x, gamma, grad, eps=1e-5):
    """Forgets the path through the variance."""
    return _gradients(x, gamma, grad, eps, var_moves=False)


@batch_norm2d_backward.mistake(
    "You treat mean and variance as constants, as in evaluation. In training both depend on x."
)
def backward_treats_both_as_constant(x, gamma, grad, eps=1e-5):
    """gamma / sqrt(var + eps) * grad."""
    return _gradients(x, gamma, grad, eps, mean_moves=False, var_moves=False)


@batch_norm2d_backward.mistake("Your grad_x lacks gamma.")
def forgets_gamma(x, gamma, grad, eps=1e-5):
    """The gradient with respect to the normalised x."""
    return (_gradients(x, torch.ones_like(gamma), grad, eps)[0], *_gradients(x, gamma, grad, eps)[1:])


@batch_norm2d_backward.mistake(
    "gamma runs along the last axis: it belongs to the channels, axis 1. How must its shape look to broadcast there?"
)
def gamma_on_wrong_axis(x, gamma, grad, eps=1e-5):
    """gamma * ... with gamma of shape (C,)."""
    _, grad_gamma, grad_beta = _gradients(x, gamma, grad, eps)
    return _gradients(x, torch.ones_like(gamma), _broadcast(gamma, x) * grad, eps)[0], grad_gamma, grad_beta


@batch_norm2d_backward.mistake("gamma multiplied the normalised x, not x: what is its gradient?")
def gamma_grad_without_normalising(x, gamma, grad, eps=1e-5):
    """sum of grad * x."""
    grad_x, _, grad_beta = _gradients(x, gamma, grad, eps)
    return grad_x, (grad * x).sum((0, 2, 3)), grad_beta


@batch_norm2d_backward.mistake(
    "Your gradients of gamma and beta are means. The loss's gradient has its 1 / N already: sums are asked for."
)
def averages_parameter_gradients(x, gamma, grad, eps=1e-5):
    """mean(axis=(0, 2, 3))."""
    grad_x, *rest = _gradients(x, gamma, grad, eps)
    return (grad_x, *(g * x.shape[1] / x.numel() for g in rest))


@batch_norm2d_backward.mistake(
    "Your gradients of gamma and beta are summed over the samples only: each channel should get one number."
)
def sums_over_batch_only(x, gamma, grad, eps=1e-5):
    """sum(axis=0)."""
    normalised = _batch_norm(x, torch.ones_like(gamma), 0 * gamma, 0 * gamma, 0 * gamma, True, eps=eps)[0]
    return _gradients(x, gamma, grad, eps)[0], (grad * normalised).sum(0), grad.sum(0)


@batch_norm2d_backward.mistake("Gradients of gamma and beta have changed places.")
def swaps_gamma_and_beta(x, gamma, grad, eps=1e-5):
    """(grad_x, grad_beta, grad_gamma)."""
    grad_x, grad_gamma, grad_beta = _gradients(x, gamma, grad, eps)
    return grad_x, grad_beta, grad_gamma


@batch_norm2d_backward.mistake(
    "You count the samples where the values of a channel count: the mean is over N H W of them."
)
def counts_samples_only(x, gamma, grad, eps=1e-5):
    """1 / N for 1 / (N H W) in the two mean terms."""
    grad_x, grad_gamma, grad_beta = _gradients(x, gamma, grad, eps)
    local = _gradients(x, gamma, grad, eps, mean_moves=False, var_moves=False)[0]
    return local + (grad_x - local) * x.shape[2] * x.shape[3], grad_gamma, grad_beta


@batch_norm2d_backward.mistake("The sums over a channel are not divided by the number of its values.")
def sums_for_means(x, gamma, grad, eps=1e-5):
    """Subtracts sums where means belong."""
    grad_x, grad_gamma, grad_beta = _gradients(x, gamma, grad, eps)
    local = _gradients(x, gamma, grad, eps, mean_moves=False, var_moves=False)[0]
    return local + (grad_x - local) * x.numel() / x.shape[1], grad_gamma, grad_beta


@batch_norm2d_backward.mistake(
    "You use the unbiased variance (n - 1): forward normalises with the biased one."
)
def unbiased_in_backward(x, gamma, grad, eps=1e-5):
    """var(ddof=1)."""
    return _gradients(x, gamma, grad, eps, correction=1)


@batch_norm2d_backward.mistake("Your result does not depend on eps.")
def ignores_epsilon(x, gamma, grad, eps=1e-5):
    """The default written into the formula."""
    return _gradients(x, gamma, grad)


@batch_norm2d_backward.mistake("Where does epsilon belong: to the variance, or to its root?")
def epsilon_outside_root(x, gamma, grad, eps=1e-5):
    """sqrt(var) + eps, in the forward formula and in all that follows from it."""
    deviation = _column(_var(x, 0).sqrt())
    normalised = (x - _column(_mean(x))) / (deviation + eps)
    terms = grad - _column(_mean(grad)) - normalised * _column(_mean(grad * normalised))
    return (
        _column(gamma) / (deviation + eps) * terms,
        (grad * normalised).sum((0, 2, 3)),
        grad.sum((0, 2, 3)),
    )


# ---------------------------------------------------------------- local response norm

local_response_norm = Exercise(
    oracle=lambda x, size, alpha, beta, k: F.local_response_norm(x, size, alpha, beta, k),
    probes=[
        call(draw(401, 2, 6, 2, 3), 5, 2.0, 0.75, 1.0),
        call(draw(402, 1, 5, 3, 2), 3, 1.0, 0.5, 2.0),
        call(draw(403, 2, 4, 5, 5), 2, 3.0, 0.75, 1.5),
        call(draw(404, 1, 6, 2, 2), size=4, alpha=1.5, beta=1.0, k=0.5),
        call(draw(405, 1, 2, 2, 3), 7, 2.0, 0.75, 1.0),
        call(draw(406, 2, 3, 1, 2), 1, 1.0, 2.0, 1.0),
        call(_bytes(407, 1, 4, 2, 2), 3, 0.01, 0.75, 2.0),
        call(draw(408, 1, 5, 2, 2, low=-3, high=4, dtype="int64"), 3, 1.0, 0.75, 1.0),
    ],
)

shared_mistake(_CHANGES, local_response_norm, own_types=True)(common.changes_its_input)
shared_mistake(_KEEPS, local_response_norm)(common.keeps_a_result_between_calls)
shared_mistake(
    "Your results have lost what follows the decimal point: does your output array hold integers?",
    local_response_norm,
)(common.truncates_to_int)
shared_mistake(
    "For an input of integers your results are cut to integers: which type does your output array have?",
    local_response_norm,
    own_types=True,
)(common.takes_the_type_of_its_input)


def _window_sums(squares, before, after):
    """Sums over the channels c - before ... c + after, zeros outside."""
    padded = F.pad(squares, (0, 0, 0, 0, before, after))
    return padded.unfold(1, before + after + 1, 1).sum(-1)


def _squares(x, size):
    return _window_sums(x**2, size // 2, (size - 1) // 2)


@local_response_norm.mistake("Your windows run over pixels. Here neighbours are neighbouring channels.")
def lrn_over_space(x, size, alpha, beta, k):
    """The window along the last axis."""
    return F.local_response_norm(x.transpose(1, 3), size, alpha, beta, k).transpose(1, 3)


@local_response_norm.mistake(
    "Your sum of squares enters in full: torch divides it by the size of the window. (AlexNet's paper does not.)"
)
def lrn_size_not_divided(x, size, alpha, beta, k):
    """alpha for alpha / size, as in the paper."""
    return F.local_response_norm(x, size, alpha * size, beta, k)


@local_response_norm.mistake(
    "At the first and last channels you divide by the number of channels that are there. torch divides by size everywhere."
)
def lrn_divides_by_what_is_there(x, size, alpha, beta, k):
    """The mean over the short window."""
    there = _squares(torch.ones_like(x), size)
    return x / (k + alpha / there * _squares(x, size)) ** beta


@local_response_norm.mistake(
    "For an even size your window leans the wrong way: the extra channel is before c, not after."
)
def lrn_window_leans_forward(x, size, alpha, beta, k):
    """c - (size - 1) // 2 ... c + size // 2."""
    return x / (k + alpha / size * _window_sums(x**2, (size - 1) // 2, size // 2)) ** beta


@local_response_norm.mistake("Your window has one channel too many for an even size.")
def lrn_window_one_too_many(x, size, alpha, beta, k):
    """c - size // 2 ... c + size // 2."""
    return x / (k + alpha / size * _window_sums(x**2, size // 2, size // 2)) ** beta


@local_response_norm.mistake("One channel is missing at the end of your window: where does a slice stop?")
def drops_the_last_of_the_window(x, size, alpha, beta, k):
    """x[:, lo : c + (size - 1) // 2] without + 1."""
    sums = _squares(x, size) - F.pad(x, (0, 0, 0, 0, 0, size))[:, (size - 1) // 2 :][:, : x.shape[1]] ** 2
    return x / (k + alpha / size * sums) ** beta


@local_response_norm.mistake(
    "Near channel 0 your window comes out wrong or empty: a negative start in a slice counts from the end."
)
def negative_start_counts_from_the_end(x, size, alpha, beta, k):
    """x[:, c - size // 2 : ...] with a start below 0."""
    square, n = x**2, x.shape[1]
    sums = [square[:, c - size // 2 : c + (size - 1) // 2 + 1].sum(1) for c in range(n)]
    return x / (k + alpha / size * torch.stack(sums, 1)) ** beta


@local_response_norm.mistake(
    "Each channel's neighbours are there, but the channel itself belongs to the sum, too."
)
def leaves_the_channel_out(x, size, alpha, beta, k):
    """The sum over the neighbours only."""
    return x / (k + alpha / size * (_squares(x, size) - x**2)) ** beta


@local_response_norm.mistake("All channels are in your sum, not only the neighbours.")
def sums_all_channels(x, size, alpha, beta, k):
    """sum(axis=1)."""
    return x / (k + alpha / size * (x**2).sum(1, keepdim=True)) ** beta


@local_response_norm.mistake("You add the values themselves: it is their squares that are summed.")
def lrn_without_squares(x, size, alpha, beta, k):
    """Absolute values for squares."""
    return x / (k + alpha / size * _window_sums(x.abs(), size // 2, (size - 1) // 2)) ** beta


@local_response_norm.mistake("The exponent beta belongs to the whole bracket, k included.")
def k_outside_the_power(x, size, alpha, beta, k):
    """k + (alpha / size * s) ** beta."""
    return x / (k + (alpha / size * _squares(x, size)) ** beta)


@local_response_norm.mistake("Your result does not depend on beta.")
def ignores_beta(x, size, alpha, beta, k):
    """x / (k + ...)."""
    return x / (k + alpha / size * _squares(x, size))


@local_response_norm.mistake(
    "You multiply by the bracket. A loud neighbourhood should make a channel quieter."
)
def multiplies_for_divides(x, size, alpha, beta, k):
    """x * (...) ** beta."""
    return x * (k + alpha / size * _squares(x, size)) ** beta


@local_response_norm.mistake(
    "Numbers of type uint8 wrap around at 256 when they are squared: convert to float first.", own_types=True
)
def uint8_overflow(x, size, alpha, beta, k):
    """x ** 2 in uint8."""
    squares = (x * x).double()
    return x.double() / (k + alpha / size * _window_sums(squares, size // 2, (size - 1) // 2)) ** beta


# ---------------------------------------------------------------- dropout


def _mask(seed, *shape, dtype="bool"):
    return (draw(seed, *shape) > -0.3).astype(dtype)


dropout = Exercise(
    oracle=lambda x, p, mask: x * mask / (1 - p),
    probes=[
        call(draw(501, 4, 6), 0.25, _mask(502, 4, 6)),
        call(draw(503, 3, 5), 0.5, _mask(504, 3, 5, dtype="int64")),
        call(draw(505, 2, 3, 4), p=0.2, mask=_mask(506, 2, 3, 4, dtype="float64")),
        call(draw(507, 3, 4), 0.75, np.ones((3, 4), dtype=bool)),
        call(draw(508, 12), 0.0, np.ones(12, dtype=bool)),
        call(_bytes(509, 3, 5), 0.5, _mask(510, 3, 5, dtype="uint8")),
        call(draw(511, 3, 5, low=-3, high=4, dtype="int64"), 0.7, _mask(512, 3, 5)),
    ],
)

_hints = {
    common.changes_its_input: (_CHANGES.replace("x[x < 0] = ...", "x[~mask] = 0"), True),
    common.keeps_a_result_between_calls: (_KEEPS, False),
    common.truncates_to_int: (
        "Your results have lost what follows the decimal point: does your output array hold integers?",
        False,
    ),
    common.takes_the_type_of_its_input: (
        "For an input of integers your results are cut to integers: which type does your output array have?",
        True,
    ),
}
for _function, (_hint, _own) in _hints.items():
    shared_mistake(_hint, dropout, own_types=_own)(_function)


@dropout.mistake("What is kept has to grow, so that the sum stays what it was on average.")
def dropout_not_scaled(x, p, mask):
    """x * mask."""
    return x * mask


@dropout.mistake(
    "You multiply by 1 - p. That belongs to the old recipe, at evaluation; what is kept in training has to grow."
)
def dropout_scaled_in_eval(x, p, mask):
    """x * mask * (1 - p): the factor by which the first version of dropout scaled in evaluation."""
    return x * mask * (1 - p)


@dropout.mistake("You keep what the mask drops: 1 means keep.")
def mask_inverted(x, p, mask):
    """x * (1 - mask) / (1 - p)."""
    return x * (1 - mask) / (1 - p)


@dropout.mistake("You divide by p, the probability of dropping. What is the probability of being kept?")
def divides_by_p(x, p, mask):
    """x * mask / p."""
    return x * mask / p


@dropout.mistake(
    "Your divisor is counted from the mask. It comes from p: what holds on average over all masks, not for this one."
)
def divisor_from_the_mask(x, p, mask):
    """x * mask / mask.mean()."""
    return x * mask / mask.mean()


@dropout.mistake("The mask has no effect on your result.")
def ignores_the_mask(x, p, mask):
    """x / (1 - p)."""
    return x / (1 - p)


@dropout.mistake(
    "You draw a mask of your own. Use the one that is given, so that the same call gives the same result."
)
def draws_its_own_mask(x, p, mask):
    """np.random.rand(...) > p inside the function."""
    return x * (torch.rand(x.shape) >= p) / (1 - p)
