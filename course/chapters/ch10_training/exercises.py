"""Chapter 10: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

import copy
import functools
import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from course.kit.compare import Difference, describe, difference
from course.kit.exercise import Exercise, call, draw, on_arrays


def _plainly(function, *args, **kwargs):
    return function(*args, **kwargs)


@dataclass
class Asked(Exercise):
    """An exercise whose answer is asked by way of `ask(answer, *args)`, and the oracle and the mistakes as well.

    Also where a notebook's test puts a function of its own around the answer, with functools.wraps.
    """

    ask: Callable = _plainly

    def expected(self, given):
        return self.ask(on_arrays(self.oracle), *given.args, **given.kwargs)

    def outcome(self, function, given, again=True):
        return super().outcome(functools.wraps(function)(functools.partial(self.ask, function)), given, again)

    def verdict(self, given, outcome):
        if isinstance(outcome.value, str):  # what `ask` complains about
            return Difference("form", outcome.value)
        return super().verdict(given, outcome)

    def _is_ours(self, function):
        return super()._is_ours(inspect.unwrap(function))


# ---------------------------------------------------------------- the network


def _conv(x, w, b):
    return F.conv2d(x, w, b, padding=1)


def _net(params, x, relu1=F.relu, relu2=F.relu, conv2=_conv, pool=lambda a: F.max_pool2d(a, 2), flat=None):
    """The chapter's network, with any of its layers exchanged."""
    a = relu1(_conv(x, params["conv1.w"], params["conv1.b"]))
    a = pool(relu2(conv2(a, params["conv2.w"], params["conv2.b"])))
    return F.linear((flat or torch.flatten)(a, 1), params["fc.w"], params["fc.b"])


def _network(seed, channels=(2, 3), image=(4, 6), classes=3):
    """Random params, biases included."""
    c1, c2 = channels
    shapes = {
        "conv1.w": (c1, 1, 3, 3),
        "conv1.b": (c1,),
        "conv2.w": (c2, c1, 3, 3),
        "conv2.b": (c2,),
        "fc.w": (classes, c2 * (image[0] // 2) * (image[1] // 2)),
        "fc.b": (classes,),
    }
    return {name: draw(seed + i, *shape) / 2 for i, (name, shape) in enumerate(shapes.items())}


def _whole_network(seed, **sizes):
    """Small integers, so that there are zeros before the ReLUs and ties in the pool, whatever the order of sums."""
    return {name: np.round(1.4 * p) for name, p in _network(seed, **sizes).items()}


def _images(seed, n, *image):
    return draw(seed, n, 1, *image)


def _whole_images(seed, n, *image):
    return draw(seed, n, 1, *image, low=-1, high=2, dtype="int64")


_SMALL = _network(100)
_ODD = _network(110, channels=(3, 2), image=(5, 7), classes=4)
_SQUARE = _network(120, channels=(2, 2), image=(4, 4), classes=2)
_DIGITS = _network(130, channels=(8, 16), image=(8, 8), classes=10)
_WHOLE = _whole_network(140)


# ---------------------------------------------------------------- forward


def _scores_of(forward, params, x):
    """The scores alone: what is in the cache is the answer's own business."""
    result = forward(params, x)
    if isinstance(result, tuple | list) and len(result) == 2:
        return result[0]
    return f"a pair is expected, (scores, cache), not {describe(result)}"


forward = Asked(
    oracle=lambda params, x: (_net(params, x), None),
    ask=_scores_of,
    probes=[
        call(_SMALL, _images(1, 2, 4, 6)),
        call(_ODD, _images(2, 3, 5, 7)),
        call(_SQUARE, _images(3, 1, 4, 4)),
        call(_DIGITS, _images(4, 2, 8, 8)),
        call(_WHOLE, _whole_images(5, 3, 4, 6)),
    ],
)


@forward.mistake("You return the scores alone. `backward` will need what you computed on the way, too.")
def forgets_the_cache(params, x):
    """Returns scores, not (scores, cache)."""
    return _net(params, x)


@forward.mistake("Each row of your result adds up to 1: is there a softmax? `cross_entropy` brings its own.")
def double_softmax(params, x):
    """Softmax in the network and again in the loss."""
    return _net(params, x).softmax(1), None


@forward.mistake(
    "Your result has no negative numbers: is there a ReLU after the last layer? Scores may be negative."
)
def relu_on_scores(params, x):
    """A ReLU after every layer, the last one included."""
    return _net(params, x).relu(), None


@forward.mistake("Your result matches a network without any ReLU: which steps follow each convolution?")
def no_relu(params, x):
    """Convolution upon convolution: one linear map."""
    return _net(params, x, torch.clone, torch.clone), None


@forward.mistake("Your result matches a network whose first convolution is not followed by a ReLU.")
def forgets_the_first_relu(params, x):
    """No ReLU after conv1."""
    return _net(params, x, relu1=torch.clone), None


@forward.mistake("Your result matches a network whose second convolution is not followed by a ReLU.")
def forgets_the_second_relu(params, x):
    """No ReLU after conv2."""
    return _net(params, x, relu2=torch.clone), None


@forward.mistake("Your result is right without the biases: which parameters do you never use?")
def no_bias(params, x):
    """Leaves all biases out."""
    return _net({k: p * k.endswith("w") for k, p in params.items()}, x), None


@forward.mistake("Your result is right without the last layer's bias.")
def no_bias_in_the_last_layer(params, x):
    """flat @ w.T."""
    return _net(params | {"fc.b": 0 * params["fc.b"]}, x), None


@forward.mistake("Your result matches pooling by the mean. Which pooling does this network have?")
def average_for_max(params, x):
    """Average pooling."""
    return _net(params, x, pool=lambda a: F.avg_pool2d(a, 2)), None


@forward.mistake(
    "Your flatten puts the channels last; as in torch, they come first: all positions of channel 0, then of channel 1."
)
def flatten_order(params, x):
    """Flattens (N, H, W, C)."""
    return _net(params, x, flat=lambda a, _: a.permute(0, 2, 3, 1).flatten(1)), None


@forward.mistake("Your flatten mixes the samples: row n of the result must come from image n alone.")
def flatten_mixes_samples(params, x):
    """reshape(-1, N).T for reshape(N, -1)."""
    return _net(params, x, flat=lambda a, _: a.reshape(-1, len(a)).T), None


@forward.mistake("Your result has its axes exchanged: one row an image is asked for, (N, K).")
def scores_transposed(params, x):
    """(K, N)."""
    return _net(params, x).T, None


@forward.mistake(
    "It only works for one size of image: read H, W and the channels from x and params, don't write 8 or 256."
)
def sizes_written_in(params, x):
    """reshape(N, 256)."""
    if params["fc.w"].shape[1] != 256:
        raise ValueError("cannot reshape array")
    return _net(params, x), None


@forward.mistake(
    "Your function changes an array that it was given. Does something like `a *= ...` work on x?"
)
def changes_its_input(params, x):
    """A ReLU in place, on x itself."""
    y = _net(params, x)
    x.relu_()
    return y, None


# ---------------------------------------------------------------- backward


def _gradients(params, x, grad, of=None, **layers):
    """(grads, grad_x) by autograd; or one of them: a parameter's name or "x"."""
    params = {name: p.clone().requires_grad_() for name, p in params.items()}
    x = x.clone().requires_grad_()
    _net(params, x, **layers).backward(grad)
    return _part({name: p.grad for name, p in params.items()}, x.grad, of)


def _part(grads, grad_x, of):
    return (grads, grad_x) if of is None else grad_x if of == "x" else grads[of]


def _input(cache):
    """The x of a cache. Probes bring x itself; tests with the chapter's own solution its cache, which starts with x."""
    return cache if isinstance(cache, torch.Tensor) else cache[0]


def _there_and_back(params, seed, x):
    return call(params, x, draw(seed, len(x), len(params["fc.b"])))


backward = Asked(
    oracle=_gradients,
    probes=[
        _there_and_back(_SMALL, 21, _images(11, 2, 4, 6)),
        _there_and_back(_ODD, 22, _images(12, 3, 5, 7)),
        _there_and_back(_SQUARE, 23, _images(13, 1, 4, 4)),
        _there_and_back(_DIGITS, 24, _images(14, 2, 8, 8)),
        _there_and_back(_WHOLE, 25, _whole_images(15, 3, 4, 6)),
        _there_and_back(_whole_network(150, image=(6, 6)), 26, _whole_images(16, 2, 6, 6)),
    ],
)


def _through(z):
    """ReLU forwards, the identity backwards."""
    return z + (z.relu() - z).detach()


@backward.mistake(
    "Your gradients pass the ReLUs unchanged. Where a ReLU gave 0, what happens when its input grows a little?"
)
def no_zero_of_mask(params, cache, grad, of=None):
    """Doesn't set the gradient to 0 where the ReLU was off."""
    return _gradients(params, _input(cache), grad, of, relu1=_through, relu2=_through)


@backward.mistake("Everything up to conv2 is right; the gradient passes the first ReLU unchanged.")
def no_mask_at_the_first_relu(params, cache, grad, of=None):
    """Masks after the pool only."""
    return _gradients(params, _input(cache), grad, of, relu1=_through)


@backward.mistake("The gradient passes the second ReLU unchanged: what lies between the pool and conv2?")
def no_mask_at_the_second_relu(params, cache, grad, of=None):
    """Goes from the pool straight to conv2."""
    return _gradients(params, _input(cache), grad, of, relu2=_through)


def _clipped(z):
    y = _through(z)
    if y.requires_grad:
        y.register_hook(lambda g: g.relu())
    return y


@backward.mistake(
    "You apply the ReLU to the gradient. What counts is where the *activation* was positive, on the way forward."
)
def relu_of_the_gradient(params, cache, grad, of=None):
    """relu(grad) for grad * (z > 0)."""
    return _gradients(params, _input(cache), grad, of, relu1=_clipped, relu2=_clipped)


def _one_at_zero(z):
    return torch.where(z >= 0, z, 0)


@backward.mistake("Where the input of a ReLU is exactly 0, you let the gradient through: >= for > ?")
def slope_one_at_zero(params, cache, grad, of=None):
    """Mask z >= 0, or a >= 0 (which is everywhere, and then masks nothing)."""
    return _gradients(params, _input(cache), grad, of, relu1=_one_at_zero, relu2=_one_at_zero)


def _windows(a):
    return a.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)


@backward.mistake(
    "Of several equal maxima in a pooling window, each gets the whole gradient. As in torch, the first one gets it."
)
def ties_all(params, cache, grad, of=None):
    """grad * (a == max), everywhere."""

    def pool(a):
        windows = _windows(a)
        top = windows.amax(-1, keepdim=True)
        return ((windows - windows.detach()) * (windows == top)).sum(-1) + top[..., 0].detach()

    return _gradients(params, _input(cache), grad, of, pool=pool)


@backward.mistake(
    "Of several equal maxima in a pooling window, each gets a share of the gradient. As in torch, the first gets it all."
)
def ties_share(params, cache, grad, of=None):
    """Splits the gradient among the maxima."""
    return _gradients(params, _input(cache), grad, of, pool=lambda a: _windows(a).amax(-1))


@backward.mistake(
    "The gradient of conv2's weights uses what came *before* the first ReLU. What did conv2 see as its input?"
)
def uses_pre_activations(params, cache, grad, of=None):
    """z1 for a1 in the gradient of conv2.w."""
    x = _input(cache)
    seen = _conv(x, params["conv1.w"], params["conv1.b"])

    def conv2(a, w, b):
        other = F.conv2d(seen, w, padding=1)
        return _conv(a, w.detach(), b) + other - other.detach()

    return _gradients(params, x, grad, of, conv2=conv2)


def _each(result, change):
    grads, grad_x = result
    return {name: change(g) for name, g in grads.items()}, change(grad_x)


@backward.mistake(
    "Your gradients are divided by the number of images. `grad` has that 1/N already, from the loss: just sum."
)
def averages_over_batch(params, cache, grad, of=None):
    """A 1/N of its own."""
    x = _input(cache)
    return _part(*_each(_gradients(params, x, grad), lambda g: g / len(x)), of)


@backward.mistake("Your gradients have the opposite sign. The minus of gradient descent belongs in the step.")
def downhill_already(params, cache, grad, of=None):
    """Returns -grads."""
    return _part(*_each(_gradients(params, _input(cache), grad), torch.neg), of)


@backward.mistake("Your result does not depend on `grad`: where does the gradient that comes in enter?")
def upstream_ignored(params, cache, grad, of=None):
    """Starts with ones."""
    return _gradients(params, _input(cache), torch.ones_like(grad), of)


@backward.mistake("You return the gradients of the parameters alone; grad_x, the images' own, is missing.")
def forgets_the_input(params, cache, grad, of=None):
    """Returns grads, not (grads, grad_x)."""
    return _gradients(params, _input(cache), grad)[0]


@backward.mistake(
    "Your grad_x is the gradient at conv1's output. One more step back: what does conv_backward return first?"
)
def stops_before_the_first_layer(params, cache, grad, of=None):
    """Returns the gradient that goes into conv1's backward."""
    x = _input(cache)
    kept = []

    def relu1(z):
        z.retain_grad()
        kept.append(z)
        return z.relu()

    grads, _ = _gradients(params, x, grad, relu1=relu1)
    return _part(grads, kept[0].grad, of)


@backward.mistake("There are no gradients for the biases: grads needs a key for every key of params.")
def forgets_the_biases(params, cache, grad, of=None):
    """Weights only."""
    grads, grad_x = _gradients(params, _input(cache), grad)
    return _part({k: g for k, g in grads.items() if k.endswith("w")}, grad_x, of)


@backward.mistake(
    "The gradients of an earlier call are still in your result: start with an empty dict each time."
)
def gradients_accumulate(params, cache, grad, of=None):
    """+= into a dict that outlives the call."""
    grads, grad_x = _gradients(params, _input(cache), grad)
    sums = _SUMS.setdefault(tuple(g.shape for g in grads.values()), {})
    for name, g in grads.items():
        sums[name] = sums.get(name, 0) + g
    return _part(dict(sums), grad_x, of)


_SUMS: dict[tuple, dict] = {}


# ---------------------------------------------------------------- sgd_step


def _sgd(params, grads, state, lr, momentum=0.0, weight_decay=0.0, **options):
    """One step of the real torch.optim.SGD, its momentum buffers being the state."""
    params = {name: p.detach().clone() for name, p in params.items()}
    optimiser = torch.optim.SGD(list(params.values()), lr, momentum, weight_decay=weight_decay, **options)
    for name, p in params.items():
        p.grad = grads[name].clone()
        if name in state:
            optimiser.state[p]["momentum_buffer"] = state[name].clone()
    velocity = {name: grads[name] + weight_decay * p for name, p in params.items()}
    optimiser.step()
    if momentum:
        velocity = {name: optimiser.state[p]["momentum_buffer"] for name, p in params.items()}
    return params, velocity


def _arrays(seed):
    return {"conv.w": draw(seed, 2, 1, 3), "conv.b": draw(seed + 1, 2), "fc.w": draw(seed + 2, 3, 4)}


sgd_step = Exercise(
    oracle=_sgd,
    probes=[
        call(_arrays(31), _arrays(34), {}, 0.1),
        call(_arrays(31), _arrays(34), {}, 0.1, momentum=0.9),
        call(_arrays(37), _arrays(40), _arrays(43), 0.2, 0.5),
        call(_arrays(37), _arrays(40), {}, 0.3, weight_decay=0.1),
        call(_arrays(46), _arrays(49), _arrays(52), 0.05, 0.9, 0.2),
    ],
)


@sgd_step.mistake("You walk uphill: a step goes against the velocity.")
def uphill(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """p + lr * v."""
    new, velocity = _sgd(params, grads, state, lr, momentum, weight_decay)
    return {name: 2 * params[name] - p for name, p in new.items()}, velocity


@sgd_step.mistake("The momentum has the wrong sign: the old velocity carries on in its own direction.")
def momentum_sign(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """v = grad - momentum * v."""
    return _sgd(params, grads, {k: -v for k, v in state.items()}, lr, momentum, weight_decay)


@sgd_step.mistake(
    "Your parameters are right, but the velocity has the opposite sign: it adds gradients up, and the step subtracts it."
)
def velocity_downhill(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """v = momentum * v - g, p + lr * v: the sign in the other place. From a velocity of ours it starts the wrong way."""
    downhill = {k: -g - weight_decay * params[k] for k, g in grads.items()}
    velocity = _sgd(params, downhill, state, lr, momentum)[1]
    return {k: p + lr * velocity[k] for k, p in params.items()}, velocity


@sgd_step.mistake(
    "Without momentum your state is empty. The velocity, which is g then, must come back all the same."
)
def no_state_without_momentum(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """torch's own optimiser keeps no buffer then."""
    new, velocity = _sgd(params, grads, state, lr, momentum, weight_decay)
    return new, velocity if momentum else {}


@sgd_step.mistake("Your step forgets the velocity that comes in with `state`.")
def velocity_reset(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """v = grad, every time."""
    return _sgd(params, grads, {}, lr, momentum, weight_decay)


@sgd_step.mistake("Your new state is not the new velocity: is it the one that came in?")
def returns_the_old_state(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """return new_params, state."""
    return _sgd(params, grads, state, lr, momentum, weight_decay)[0], state


@sgd_step.mistake("You step with the velocity of the step before: first the new velocity, then the step.")
def steps_with_the_old_velocity(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """p - lr * state, then the update of the state."""
    velocity = _sgd(params, grads, state, lr, momentum, weight_decay)[1]
    return {k: p - lr * state.get(k, torch.zeros_like(p)) for k, p in params.items()}, velocity


@sgd_step.mistake(
    "Your velocity is weighed as a mean, with 1 - momentum. In torch's rule the gradient enters in full."
)
def dampened(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """v = momentum * v + (1 - momentum) * grad."""
    zeros = {k: torch.zeros_like(p) for k, p in params.items()}
    return _sgd(params, grads, state or zeros, lr, momentum, weight_decay, dampening=momentum)


@sgd_step.mistake(
    "The learning rate is inside your velocity. In torch's rule it enters once, when p takes its step."
)
def learning_rate_in_the_velocity(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """v = momentum * v + lr * g; p - v: the rule of Sutskever and others."""
    scaled = {k: lr * (g + weight_decay * params[k]) for k, g in grads.items()}
    return _sgd(params, scaled, state, 1.0, momentum)


@sgd_step.mistake("Your step looks ahead, as Nesterov's does. Here a step is lr times the velocity, no more.")
def nesterov(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """p - lr * (g + momentum * v)."""
    return _sgd(params, grads, state, lr, momentum, weight_decay, nesterov=momentum > 0)


@sgd_step.mistake("Your step is the same for every momentum.")
def ignores_momentum(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """v = v + g, or momentum taken for 1."""
    return _sgd(params, grads, state, lr, 1.0, weight_decay)


@sgd_step.mistake("Your step is the same for every weight_decay.")
def ignores_weight_decay(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """Leaves the decay out."""
    return _sgd(params, grads, state, lr, momentum)


@sgd_step.mistake("Your weight decay makes the parameters grow.")
def weight_growth(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """grad - weight_decay * p."""
    scaled = {k: g - weight_decay * params[k] for k, g in grads.items()}
    return _sgd(params, scaled, state, lr, momentum)


@sgd_step.mistake("Your weight decay is twice as strong as asked for. Use the formula as it stands.")
def weight_decay_doubled(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """2 * weight_decay * p, the derivative of weight_decay * p^2."""
    return _sgd(params, grads, state, lr, momentum, 2 * weight_decay)


@sgd_step.mistake("The biases don't decay in your step. In torch's rule every array does.")
def weight_decay_spares_the_biases(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """A common habit, and no part of torch.optim.SGD's rule."""
    scaled = {k: g + weight_decay * params[k] * (not k.endswith("b")) for k, g in grads.items()}
    return _sgd(params, scaled, state, lr, momentum)


@sgd_step.mistake(
    "You shrink the parameters beside the velocity, as AdamW does. Here the decay is a part of the gradient."
)
def weight_decay_beside_the_velocity(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """p - lr * v - lr * weight_decay * p, with v from the gradient alone."""
    new, velocity = _sgd(params, grads, state, lr, momentum)
    return {k: p - lr * weight_decay * params[k] for k, p in new.items()}, velocity


@sgd_step.mistake(
    "Your step changes what it is given: p -= ... works in place, and so does state[name] = ... Make new ones."
)
def changes_its_input(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """p -= lr * v on the caller's arrays."""
    new, velocity = _sgd(params, grads, state, lr, momentum, weight_decay)
    for name, p in params.items():
        p.copy_(new[name])
    return params, velocity


@sgd_step.mistake("Your step returns the new parameters alone; the velocity must come back, too.")
def forgets_the_state(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    """return new_params."""
    return _sgd(params, grads, state, lr, momentum, weight_decay)[0]


# ---------------------------------------------------------------- train


def _orders(n, epochs, rng):
    """The order of the samples in each epoch."""
    for _epoch in range(epochs):
        yield torch.arange(n) if rng is None else torch.from_numpy(rng.permutation(n))


def _picked(x, y, orders, size, rng=None, augment=None):
    """Images and labels, batch by batch."""
    for order in orders:
        for batch in order.split(size):
            images = x[batch]
            if augment is not None:
                images = torch.from_numpy(np.array(augment(images.numpy().copy(), rng), dtype=np.float64))
            yield images, y[batch]


def _descend(
    params,
    batches,
    lr,
    momentum,
    decay,
    begin=torch.optim.SGD.zero_grad,
    loss=F.cross_entropy,
    record=lambda error, _: error.item(),
):
    """New params, and the loss of each batch before its step."""
    params = {name: p.clone().requires_grad_() for name, p in params.items()}
    optimiser = torch.optim.SGD(list(params.values()), lr, momentum, weight_decay=decay)
    losses = []
    for images, labels in batches:
        begin(optimiser)
        error = loss(_net(params, images), labels.long())
        losses.append(record(error, params))
        error.backward()
        optimiser.step()
    return {name: p.detach() for name, p in params.items()}, losses


def _train(
    params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None, **slips
):
    batches = _picked(x, y, _orders(len(x), epochs, rng), batch_size, rng, augment)
    return _descend(params, batches, lr, momentum, weight_decay, **slips)


def _with_a_fresh_rng(train, *args, **kwargs):
    """Each run gets a copy of the call's generator, so that a call means the same every time."""

    def fresh(value):
        return copy.deepcopy(value) if isinstance(value, np.random.Generator) else value

    return train(*map(fresh, args), **{name: fresh(value) for name, value in kwargs.items()})


def _far_from_torch(given, value):
    """The first 20 losses of float64 arrays agree to 1e-8: nothing but the order of sums differs."""
    expected = train.expected(given)[1][:20]
    if given.tolerance > 1e-6 or difference(expected, list(value[1])[:20], 1e-8) is None:
        return None
    return "the first losses differ from torch's by more than 1e-8: is something rounded, or in float32?"


def _noisy(x, rng):
    return x + 0.3 * rng.standard_normal(x.shape)


def _upside_down(x, rng):
    return x[:, :, ::-1]


def _task(seed, n, classes=3):
    return _images(seed, n, 4, 6), draw(seed + 1, n, low=0, high=classes, dtype="int64")


train = Asked(
    oracle=_train,
    ask=_with_a_fresh_rng,
    also=_far_from_torch,
    probes=[
        call(_SMALL, *_task(61, 6), epochs=2, lr=0.1, batch_size=3, momentum=0.0),
        call(_SMALL, *_task(63, 7), 2, 0.2, batch_size=3, momentum=0.5),
        call(_SMALL, *_task(65, 7), 3, 0.1, batch_size=3, rng=np.random.default_rng(1)),
        call(_SMALL, *_task(67, 5), 2, 0.1, batch_size=2, weight_decay=0.3, rng=np.random.default_rng(2)),
        call(_SMALL, *_task(69, 5), 2, 0.1, batch_size=2, rng=np.random.default_rng(31), augment=_noisy),
        call(_SMALL, *_task(71, 5), 2, 0.1, batch_size=2, augment=_upside_down),
        call(_SMALL, *_task(73, 40), 2, 0.05, rng=np.random.default_rng(4)),
    ],
)


@train.mistake(
    "Your step is as many times too long as there are images in a batch: is it the gradient of a mean or of a sum?"
)
def learning_rate_times_batch(params, x, y, epochs, lr, *rest, **options):
    """The gradient of the summed loss, or lr multiplied by the batch size."""

    def loss(scores, labels):
        total = F.cross_entropy(scores, labels, reduction="sum")
        return total + (total / len(labels) - total).detach()

    return _train(params, x, y, epochs, lr, *rest, loss=loss, **options)


@train.mistake("Your losses are sums over the batch: a mean is asked for.")
def loss_summed(params, x, y, epochs, lr, batch_size=32, *rest, **options):
    """Records loss * len(batch)."""
    new, losses = _train(params, x, y, epochs, lr, batch_size, *rest, **options)
    sizes = [len(batch) for batch in torch.arange(len(x)).split(batch_size)] * epochs
    return new, [loss * size for loss, size in zip(losses, sizes, strict=True)]


def _unzeroed(optimiser):
    """Leaves the gradients of the batch before where they are."""


@train.mistake("Each step adds the gradients of all batches before it: start afresh for each batch.")
def gradients_accumulate(params, x, y, epochs, lr, *rest, **options):
    """grads += for grads =, or no zero_grad."""
    return _train(params, x, y, epochs, lr, *rest, begin=_unzeroed, **options)


def _forgetful(optimiser):
    optimiser.zero_grad()
    optimiser.state.clear()


@train.mistake(
    "Momentum has no effect: is it handed to sgd_step, and what becomes of the state that comes back?"
)
def velocity_reset(params, x, y, epochs, lr, *rest, **options):
    """sgd_step(params, grads, {}, ...) in the loop; or sgd_step's own default momentum, 0."""
    return _train(params, x, y, epochs, lr, *rest, begin=_forgetful, **options)


@train.mistake("The velocity starts again with each epoch. It should last for the whole training.")
def velocity_reset_each_epoch(
    params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None
):
    """state = {} inside the loop over epochs."""
    losses = []
    for order in _orders(len(x), epochs, rng):
        batches = _picked(x, y, [order], batch_size, rng, augment)
        params, new = _descend(params, batches, lr, momentum, weight_decay)
        losses += new
    return params, losses


@train.mistake("You shuffle the images, but not the labels along with them.")
def shuffle_images_not_labels(
    params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None
):
    """x[batch] with y[i : i + B]."""

    def batches():
        for order in _orders(len(x), epochs, rng):
            pairs = _picked(x, y, [order], batch_size, rng, augment)
            for (images, _), labels in zip(pairs, y.split(batch_size), strict=True):
                yield images, labels

    return _descend(params, batches(), lr, momentum, weight_decay)


def _reordered(orders):
    """The mistake of taking batches in another order."""

    def wrong(
        params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None
    ):
        batches = _picked(x, y, orders(len(x), epochs, rng, batch_size), batch_size, rng, augment)
        return _descend(params, batches, lr, momentum, weight_decay)

    return wrong


@train.mistake("The last batch is missing where the batch size does not divide the number of images.")
def drops_the_last_batch(*args, **options):
    """for i in range(N // B)."""
    return _reordered(lambda n, epochs, rng, b: (o[: n // b * b] for o in _orders(n, epochs, rng)))(
        *args, **options
    )


@train.mistake("You never shuffle, although rng is given.")
def never_shuffles(*args, **options):
    """Ignores rng for the order."""
    return _reordered(lambda n, epochs, *_: _orders(n, epochs, None))(*args, **options)


@train.mistake("You shuffle once, before the first epoch. Each epoch should have an order of its own.")
def same_order_each_epoch(*args, **options):
    """rng.permutation outside the loop over epochs."""
    return _reordered(lambda n, epochs, rng, _: list(_orders(n, 1, rng)) * epochs)(*args, **options)


def _shuffled_again(n, epochs, rng, batch_size):
    order = torch.arange(n)
    for new in _orders(n, epochs, rng):
        order = order[new]
        yield order


@train.mistake("From the second epoch on, you shuffle the order of the epoch before instead of 0, 1, 2, ...")
def shuffles_what_is_shuffled(*args, **options):
    """x, y = x[order], y[order] in each epoch, or rng.shuffle of one and the same order."""
    return _reordered(_shuffled_again)(*args, **options)


def _with_repeats(n, epochs, rng, batch_size):
    for _epoch in range(epochs):
        yield torch.arange(n) if rng is None else torch.from_numpy(rng.integers(0, n, n))


@train.mistake("Your batches are drawn with repeats: an epoch should see each image exactly once.")
def draws_with_repeats(*args, **options):
    """rng.integers for rng.permutation."""
    return _reordered(_with_repeats)(*args, **options)


_TURNS = itertools.count()


def _another_order(n, epochs, rng, batch_size):
    """Surely another one on each call, so that the laws hold on every day."""
    for order in _orders(n, epochs, rng):
        yield order.roll(next(_TURNS)) if rng is None else order


@train.mistake("Without an rng the images come in file order, and nothing is random.")
def shuffles_unasked(*args, **options):
    """np.random.permutation where rng is None."""
    return _reordered(_another_order)(*args, **options)


@train.mistake(
    "Your losses are those after the step. What is asked for is the loss of a batch before its step."
)
def loss_after_the_step(
    params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None
):
    """Evaluates the batch again with the new parameters."""
    batches = list(_picked(x, y, _orders(len(x), epochs, rng), batch_size, rng, augment))
    losses = []
    for count, (images, labels) in enumerate(batches, start=1):
        new, _ = _descend(params, batches[:count], lr, momentum, weight_decay)
        losses.append(F.cross_entropy(_net(new, images), labels.long()).item())
    return new, losses


@train.mistake("You return one loss for each epoch: one for each batch is asked for.")
def loss_for_each_epoch(params, x, y, epochs, *rest, **options):
    """The mean of an epoch's losses."""
    new, losses = _train(params, x, y, epochs, *rest, **options)
    return new, np.reshape(losses, (epochs, -1)).mean(1).tolist()


@train.mistake("Your training ends after one epoch: where does the `return` stand?")
def one_epoch_only(params, x, y, epochs, *rest, **options):
    """return inside the loop."""
    return _train(params, x, y, 1, *rest, **options)


@train.mistake("Your training ends after one batch: where does the `return` stand?")
def one_batch_only(
    params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None
):
    """return inside both loops."""
    batches = _picked(x, y, _orders(len(x), epochs, rng), batch_size, rng, augment)
    return _descend(params, [next(batches)], lr, momentum, weight_decay)


@train.mistake("Your parameters never change: what becomes of what sgd_step returns?")
def never_updates(params, x, y, epochs, lr, *rest, **options):
    """Throws the new parameters away."""
    return _train(params, x, y, epochs, 0.0, *rest, **options)


@train.mistake("Your training is the same for every weight_decay: do you pass it on to sgd_step?")
def forgets_weight_decay(params, x, y, epochs, lr, *rest, weight_decay=0.0, **options):
    """sgd_step's own default, 0."""
    return _train(params, x, y, epochs, lr, *rest, **options)


@train.mistake(
    "A penalty for large weights is in your losses, but not in your steps. The losses are cross-entropy alone."
)
def weight_decay_on_loss_only(params, x, y, epochs, lr, *rest, weight_decay=0.0, **options):
    """Adds weight_decay / 2 * p^2 to the loss and forgets its gradient."""

    def record(error, params):
        return error.item() + weight_decay / 2 * sum((p**2).sum().item() for p in params.values())

    return _train(params, x, y, epochs, lr, *rest, record=record, **options)


@train.mistake("`augment` is never called.")
def ignores_augment(params, x, y, epochs, lr, *rest, augment=None, **options):
    """Trains on the images as they are."""
    return _train(params, x, y, epochs, lr, *rest, **options)


@train.mistake("You augment all images once, before the first epoch. Each batch should be augmented afresh.")
def augments_once(params, x, y, epochs, lr, *rest, rng=None, augment=None, **options):
    """x = augment(x, rng) at the top."""
    if augment is not None:
        x = torch.from_numpy(np.array(augment(x.numpy().copy(), rng)))
    return _train(params, x, y, epochs, lr, *rest, rng=rng, **options)


@train.mistake("Your function changes the parameters that it was given. Train copies.")
def changes_its_input(params, *rest, **options):
    """Updates the caller's arrays in place."""
    new, losses = _train(params, *rest, **options)
    for name, p in params.items():
        p.copy_(new[name])
    return new, losses


# ---------------------------------------------------------------- accuracy


def _hits(params, x, y):
    return _net(params, x).argmax(1) == y


accuracy = Exercise(
    oracle=lambda params, x, y: _hits(params, x, y).double().mean(),
    probes=[
        call(_SMALL, *_task(81, 7)),
        call(_ODD, _images(83, 9, 5, 7), draw(84, 9, low=0, high=4, dtype="int64")),
        call(_SMALL, *_task(85, 12)),
        call(_SMALL, *_task(87, 3)),
    ],
)


@accuracy.mistake("You count the hits. The fraction is asked for.")
def counts_the_hits(params, x, y):
    """Forgets to divide by N."""
    return _hits(params, x, y).double().sum()


@accuracy.mistake("Your result is in percent. A fraction from 0 to 1 is asked for.")
def in_percent(params, x, y):
    """Times 100."""
    return 100 * _hits(params, x, y).double().mean()


@accuracy.mistake("Your result is the fraction that is wrong.")
def error_rate(params, x, y):
    """!= for ==."""
    return (~_hits(params, x, y)).double().mean()


@accuracy.mistake("You take the class with the lowest score.")
def takes_the_lowest(params, x, y):
    """argmin, or argsort's first column."""
    return (_net(params, x).argmin(1) == y).double().mean()


@accuracy.mistake("A hit counts for you if the label is among the two highest scores.")
def among_the_best_two(params, x, y):
    """Top-2."""
    return (_net(params, x).topk(2).indices == y[:, None].long()).any(1).double().mean()


@accuracy.mistake("Your result has lost what follows the decimal point: // for / ?")
def truncates_to_int(params, x, y):
    """Whole division."""
    return _hits(params, x, y).double().mean().trunc()
