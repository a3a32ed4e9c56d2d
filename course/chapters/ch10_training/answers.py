"""Chapter 10 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# ruff: noqa: F821 - the notebook gives these layers

# %% forward: einsum over windows, a dict for a cache
import numpy as np


def forward(params, x):
    def layer(x, w, b):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))).astype(float)
        views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        return np.einsum("nchwij,dcij->ndhw", views, w) + b[None, :, None, None]

    z1 = layer(x, params["conv1.w"], params["conv1.b"])
    z2 = layer(z1 * (z1 > 0), params["conv2.w"], params["conv2.b"])
    N, C, H, W = z2.shape
    a2 = np.where(z2 > 0, z2, 0.0)[:, :, : H - H % 2, : W - W % 2]
    pooled = a2.reshape(N, C, H // 2, 2, W // 2, 2).max(axis=(3, 5))
    scores = np.einsum("nf,kf->nk", pooled.reshape(N, -1), params["fc.w"]) + params["fc.b"]
    return scores, {"z1": z1, "z2": z2, "pooled": pooled, "x": x}


# %% forward: one image at a time, pool before ReLU, a closure for a cache
def forward(params, x):
    rows = []
    for image in x:
        a1 = relu(conv(image[None], params["conv1.w"], params["conv1.b"]))
        pooled = max_pool(conv(a1, params["conv2.w"], params["conv2.b"]))  # both only ever keep the larger
        rows.append(params["fc.w"] @ relu(pooled).ravel() + params["fc.b"])
    return np.array(rows), lambda: (params, x)


# %% forward: FFT, a list of a list and a generator
def forward(params, x):
    def layer(x, w, b):
        H, W = x.shape[2] + 2, x.shape[3] + 2
        spectrum = np.einsum(
            "nchw,dchw->ndhw", np.fft.rfft2(x, (H, W)), np.fft.rfft2(w[..., ::-1, ::-1], (H, W))
        )
        return np.fft.irfft2(spectrum, (H, W))[:, :, 1:-1, 1:-1] + b[:, None, None]

    a = np.maximum(0, layer(x, params["conv1.w"], params["conv1.b"]))
    a = np.maximum(0, layer(a, params["conv2.w"], params["conv2.b"]))
    a = np.maximum.reduceat(a[:, :, : a.shape[2] // 2 * 2], range(0, a.shape[2] // 2 * 2, 2), axis=2)
    a = np.maximum.reduceat(a[:, :, :, : a.shape[3] // 2 * 2], range(0, a.shape[3] // 2 * 2, 2), axis=3)
    scores = a.reshape(len(x), -1) @ params["fc.w"].T + params["fc.b"]
    return [scores.tolist(), (row for row in a)]


# %% forward: a callable object, float32 where it can be
class _Network:
    def __call__(self, params, x):
        dtype = np.result_type(np.float32, x, *params.values())
        maps = [np.asarray(x, dtype)]
        for name in ("conv1", "conv2"):
            maps.append(relu(conv(maps[-1], params[name + ".w"], params[name + ".b"])).astype(dtype))
        flat = max_pool(maps[-1]).reshape(len(x), -1)
        return linear(flat, params["fc.w"], params["fc.b"]).astype(dtype), (maps, flat, self)


forward = _Network()


# %% backward: the cache is x, and everything is computed again
def forward(params, x):
    a1 = relu(conv(x, params["conv1.w"], params["conv1.b"]))
    pooled = max_pool(relu(conv(a1, params["conv2.w"], params["conv2.b"])))
    return linear(pooled.reshape(len(x), -1), params["fc.w"], params["fc.b"]), x


def backward(params, cache, grad):
    z1 = conv(cache, params["conv1.w"], params["conv1.b"])
    z2 = conv(relu(z1), params["conv2.w"], params["conv2.b"])
    flat = max_pool(relu(z2)).reshape(len(cache), -1)
    d_flat, fc_w, fc_b = linear_backward(flat, params["fc.w"], grad)
    d_pooled = d_flat.reshape(max_pool(z2).shape)
    d_a1, conv2_w, conv2_b = conv_backward(
        relu(z1), params["conv2.w"], np.where(z2 > 0, max_pool_backward(z2, d_pooled), 0)
    )
    d_x, conv1_w, conv1_b = conv_backward(cache, params["conv1.w"], np.where(z1 > 0, d_a1, 0))
    names = ("conv1.w", "conv1.b", "conv2.w", "conv2.b", "fc.w", "fc.b")
    return dict(zip(names, (conv1_w, conv1_b, conv2_w, conv2_b, fc_w, fc_b), strict=True)), d_x


# %% backward: a tape of closures
def forward(params, x):
    tape = []

    def layer(function, function_backward, name, x):
        w = params[name + ".w"]

        def back(grad, grads):
            grad, grads[name + ".w"], grads[name + ".b"] = function_backward(x, w, grad)
            return grad

        tape.append(back)
        return function(x, w, params[name + ".b"])

    def rectified(x):
        tape.append(lambda grad, _: grad * (x > 0))
        return relu(x)

    a = rectified(layer(conv, conv_backward, "conv1", x))
    a = rectified(layer(conv, conv_backward, "conv2", a))
    pooled = max_pool(a)
    tape.append(lambda grad, _: max_pool_backward(a, grad.reshape(pooled.shape)))
    return layer(linear, linear_backward, "fc", pooled.reshape(len(x), -1)), tape


def backward(params, cache, grad):
    grads = {}
    for back in reversed(cache):
        grad = back(grad, grads)
    return grads, grad


# %% backward: one image and one tap at a time, from the cache of the solution
def backward(params, cache, grad):
    x, a1, a2, flat = cache
    grads = {name: np.zeros(array.shape) for name, array in params.items()}
    grad_x = np.zeros(x.shape)
    for n in range(len(x)):
        grads["fc.w"] += np.outer(grad[n], flat[n])
        grads["fc.b"] += grad[n]
        upper = grad[n] @ params["fc.w"]
        C, H, W = a2[n].shape
        d2 = np.zeros((C, H, W))
        for k, (c, i, j) in enumerate(np.ndindex(C, H // 2, W // 2)):
            window = a2[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            row, column = divmod(int(window.argmax()), 2)
            if window[row, column] > 0:
                d2[c, 2 * i + row, 2 * j + column] = upper[k]
        d1 = np.zeros(a1[n].shape)
        for below, above, name, out in ((a1[n], d2, "conv2", d1), (x[n], d1, "conv1", grad_x[n])):
            if name == "conv1":
                d1 *= a1[n] > 0
            H, W = below.shape[1:]
            padded = np.pad(below, ((0, 0), (1, 1), (1, 1)))
            spread = np.zeros(padded.shape)
            for i, j in np.ndindex(3, 3):
                grads[name + ".w"][:, :, i, j] += np.einsum(
                    "dhw,chw->dc", above, padded[:, i : i + H, j : j + W]
                )
                spread[:, i : i + H, j : j + W] += np.einsum(
                    "dhw,dc->chw", above, params[name + ".w"][:, :, i, j]
                )
            grads[name + ".b"] += above.sum((1, 2))
            out += spread[:, 1:-1, 1:-1]
    return grads, grad_x


# %% backward: a named tuple for a cache, einsum, a callable object
from collections import namedtuple

_Note = namedtuple("_Note", "below first second features")


def forward(params, x):
    first = relu(conv(x, params["conv1.w"], params["conv1.b"]))
    second = relu(conv(first, params["conv2.w"], params["conv2.b"]))
    features = max_pool(second).reshape(len(x), -1)
    return linear(features, params["fc.w"], params["fc.b"]), _Note(x, first, second, features)


class _Backward:
    def conv(self, below, w, above):
        padded = np.pad(below, ((0, 0), (0, 0), (1, 1), (1, 1)))
        views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        around = np.lib.stride_tricks.sliding_window_view(
            np.pad(above, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), axis=(2, 3)
        )
        return np.einsum("ndhwij,dcij->nchw", around, w[..., ::-1, ::-1]), {
            "w": np.einsum("ndhw,nchwij->dcij", above, views),
            "b": np.einsum("ndhw->d", above),
        }

    def __call__(self, params, cache, grad):
        features = np.einsum("nk,kf->nf", grad, params["fc.w"])
        H, W = cache.second.shape[2:]
        pooled = features.reshape(*cache.second.shape[:2], H // 2, W // 2)
        top = max_pool_backward(cache.second, pooled) * np.sign(cache.second)
        middle, conv2 = self.conv(cache.first, params["conv2.w"], top)
        images, conv1 = self.conv(cache.below, params["conv1.w"], middle * np.sign(cache.first))
        fc = {"w": np.einsum("nk,nf->kf", grad, cache.features), "b": grad.sum(0)}
        layers = {"fc": fc, "conv2": conv2, "conv1": conv1}
        return {f"{a}.{b}": array for a, layer in layers.items() for b, array in layer.items()}, images


backward = _Backward()


# %% sgd_step: comprehensions
def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    velocity = {
        k: grads[k] + weight_decay * p + (momentum * state[k] if k in state else 0) for k, p in params.items()
    }
    return {k: p - lr * velocity[k] for k, p in params.items()}, velocity


# %% sgd_step: one long vector
def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    state = state or {name: np.zeros(p.shape) for name, p in params.items()}
    p, g, v = (np.concatenate([d[name].ravel() for name in params]) for d in (params, grads, state))
    v = momentum * v + g + weight_decay * p
    p = p - lr * v
    ends = np.cumsum([array.size for array in params.values()])[:-1]
    unpacked = [
        {
            name: part.reshape(array.shape)
            for (name, array), part in zip(params.items(), np.split(vector, ends), strict=True)
        }
        for vector in (p, v)
    ]
    return tuple(unpacked)


# %% sgd_step: copies, changed in place
from copy import deepcopy


def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    params, new = deepcopy(dict(params)), {}
    for name in params:
        new[name] = np.zeros_like(params[name], dtype=float)
        if name in state:
            new[name] += momentum * state[name]
        new[name] += grads[name]
        new[name] += weight_decay * params[name]
        params[name] = np.subtract(params[name], lr * new[name])
    return [params, new]


# %% sgd_step: a callable object, shrinking first
class _Step:
    def __call__(self, params, grads, state, lr, momentum=0.0, weight_decay=0.0):
        new_params, new_state = {}, {}
        for name in sorted(params, reverse=True):
            old = state[name] if state else np.float32(0)
            new_state[name] = momentum * old + grads[name] + weight_decay * params[name]
            new_params[name] = (1 - lr * weight_decay) * params[name] - lr * momentum * old - lr * grads[name]
        return new_params, new_state


sgd_step = _Step()


# %% train: array_split at the right places
def train(params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None):
    state, losses = {}, []
    for _ in range(epochs):
        order = rng.permutation(len(y)) if rng else np.arange(len(y))
        for batch in np.split(order, range(batch_size, len(y), batch_size)):
            images = augment(x[batch], rng) if augment else x[batch]
            scores, cache = forward(params, images)
            loss, grad = cross_entropy(scores, y[batch])
            params, state = sgd_step(
                params, backward(params, cache, grad)[0], state, lr, momentum, weight_decay
            )
            losses.append(loss)
    return params, losses


# %% train: a generator of batches, an array of losses
def _pairs(x, y, epochs, batch_size, rng, augment):
    for _ in range(epochs):
        order = list(range(len(x)))
        if rng is not None:
            order = rng.permutation(len(x)).tolist()
        while order:
            batch, order = order[:batch_size], order[batch_size:]
            yield (x[batch] if augment is None else augment(x[batch], rng)), y[batch]


def train(params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None):
    losses, velocity = np.zeros(0), {}
    for images, labels in _pairs(x, y, epochs, batch_size, rng, augment):
        scores, cache = forward(params, images)
        loss, grad = cross_entropy(scores, labels)
        losses = np.append(losses, loss)
        grads, _ = backward(params, cache, grad)
        params, velocity = sgd_step(params, grads, velocity, lr, momentum, weight_decay)
    return params, losses


# %% train: epochs by recursion, its own step in place on copies
def train(params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None):
    params = {name: array.copy() for name, array in params.items()}
    velocity = {name: np.zeros_like(array) for name, array in params.items()}

    def epoch(left):
        if left == 0:
            return []
        order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
        found = []
        for k in range(-(-len(x) // batch_size)):
            here = order[k * batch_size : (k + 1) * batch_size]
            images = x.take(here, axis=0)
            if augment is not None:
                images = augment(images, rng)
            scores, cache = forward(params, images)
            p = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
            hot = np.eye(scores.shape[1])[y[here]]
            found.append(-np.log((p * hot).sum(1)).mean())
            for name, g in backward(params, cache, (p - hot) / len(here))[0].items():
                velocity[name] *= momentum
                velocity[name] += g + weight_decay * params[name]
            for name in params:
                params[name] -= lr * velocity[name]
        return found + epoch(left - 1)

    losses = epoch(epochs)
    return params, losses


# %% train: a callable object
class _Trainer:
    def __call__(
        self, params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None
    ):
        def step(state, batch):
            params, velocity, losses = state
            images = (augment or (lambda images, _: images))(x[batch], rng)
            scores, cache = forward(params, images)
            loss, grad = cross_entropy(scores, y[batch])
            new = sgd_step(params, backward(params, cache, grad)[0], velocity, lr, momentum, weight_decay)
            return *new, (*losses, loss)

        state = (params, {}, ())
        for _ in range(epochs):
            order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
            for start in range(0, len(x), batch_size):
                state = step(state, order[start : start + batch_size])
        return state[0], list(state[2])


train = _Trainer()


# %% accuracy: counting
def accuracy(params, x, y):
    hits = 0
    for row, label in zip(forward(params, x)[0], y, strict=True):
        hits += max(range(len(row)), key=row.__getitem__) == label
    return hits / len(y)


# %% accuracy: sorting, one image at a time
def accuracy(params, x, y):
    read = [np.argsort(forward(params, x[i : i + 1])[0][0])[-1] for i in range(len(x))]
    return np.float32(np.count_nonzero(np.equal(read, y)) / np.size(y))


# %% accuracy: a lambda
accuracy = lambda params, x, y: 1 - np.mean(np.argmax(forward(params, x)[0], -1) != y)


# %% forward wrong: double_softmax
def forward(params, x):
    a1 = relu(conv(x, params["conv1.w"], params["conv1.b"]))
    a2 = relu(conv(a1, params["conv2.w"], params["conv2.b"]))
    flat = max_pool(a2).reshape(len(x), -1)
    scores = linear(flat, params["fc.w"], params["fc.b"])
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True), (x, a1, a2, flat)


# %% forward wrong: forgets_the_cache
def forward(params, x):
    a1 = relu(conv(x, params["conv1.w"], params["conv1.b"]))
    a2 = relu(conv(a1, params["conv2.w"], params["conv2.b"]))
    return linear(max_pool(a2).reshape(len(x), -1), params["fc.w"], params["fc.b"])


# %% forward wrong: forgets_the_second_relu
def forward(params, x):
    a1 = relu(conv(x, params["conv1.w"], params["conv1.b"]))
    a2 = conv(a1, params["conv2.w"], params["conv2.b"])
    flat = max_pool(a2).reshape(len(x), -1)
    return linear(flat, params["fc.w"], params["fc.b"]), (x, a1, a2, flat)


# %% forward wrong: sizes_written_in
def forward(params, x):
    a1 = relu(conv(x, params["conv1.w"], params["conv1.b"]))
    a2 = relu(conv(a1, params["conv2.w"], params["conv2.b"]))
    flat = max_pool(a2).reshape(len(x), 16 * 4 * 4)
    return linear(flat, params["fc.w"], params["fc.b"]), (x, a1, a2, flat)


# %% backward wrong: no_zero_of_mask
def backward(params, cache, grad):
    x, a1, a2, flat = cache
    grads = {}
    grad, grads["fc.w"], grads["fc.b"] = linear_backward(flat, params["fc.w"], grad)
    grad = max_pool_backward(a2, grad.reshape(max_pool(a2).shape))
    grad, grads["conv2.w"], grads["conv2.b"] = conv_backward(a1, params["conv2.w"], grad)
    grad, grads["conv1.w"], grads["conv1.b"] = conv_backward(x, params["conv1.w"], grad)
    return grads, grad


# %% backward wrong: relu_of_the_gradient
def backward(params, cache, grad):
    x, a1, a2, flat = cache
    grads = {}
    grad, grads["fc.w"], grads["fc.b"] = linear_backward(flat, params["fc.w"], grad)
    grad = relu(max_pool_backward(a2, grad.reshape(max_pool(a2).shape)))
    grad, grads["conv2.w"], grads["conv2.b"] = conv_backward(a1, params["conv2.w"], grad)
    grad, grads["conv1.w"], grads["conv1.b"] = conv_backward(x, params["conv1.w"], relu(grad))
    return grads, grad


# %% backward wrong: gradients_accumulate
_collected = {}


def backward(params, cache, grad):
    x, a1, a2, flat = cache
    new = {}
    grad, new["fc.w"], new["fc.b"] = linear_backward(flat, params["fc.w"], grad)
    grad = max_pool_backward(a2, grad.reshape(max_pool(a2).shape)) * (a2 > 0)
    grad, new["conv2.w"], new["conv2.b"] = conv_backward(a1, params["conv2.w"], grad)
    grad, new["conv1.w"], new["conv1.b"] = conv_backward(x, params["conv1.w"], grad * (a1 > 0))
    grads = _collected.setdefault(new["fc.w"].shape, {})
    for name in new:
        grads[name] = grads.get(name, 0) + new[name]
    return dict(grads), grad


# %% backward wrong: forgets_the_input
def backward(params, cache, grad):
    x, a1, a2, flat = cache
    grads = {}
    grad, grads["fc.w"], grads["fc.b"] = linear_backward(flat, params["fc.w"], grad)
    grad = max_pool_backward(a2, grad.reshape(max_pool(a2).shape)) * (a2 > 0)
    grad, grads["conv2.w"], grads["conv2.b"] = conv_backward(a1, params["conv2.w"], grad)
    _, grads["conv1.w"], grads["conv1.b"] = conv_backward(x, params["conv1.w"], grad * (a1 > 0))
    return grads


# %% sgd_step wrong: momentum_sign
def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    v = {k: grads[k] + weight_decay * p - momentum * state.get(k, 0) for k, p in params.items()}
    return {k: p - lr * v[k] for k, p in params.items()}, v


# %% sgd_step wrong: velocity_downhill
def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    v = {k: momentum * state.get(k, 0) - (grads[k] + weight_decay * p) for k, p in params.items()}
    return {k: p + lr * v[k] for k, p in params.items()}, v


# %% sgd_step wrong: changes_its_input
def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    new_state = {}
    for name, p in params.items():
        new_state[name] = momentum * state.get(name, 0) + grads[name] + weight_decay * p
        p -= lr * new_state[name]
    return params, new_state


# %% sgd_step wrong: weight_decay_spares_the_biases
def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    new_params, new_state = {}, {}
    for name, p in params.items():
        g = grads[name]
        if name.endswith(".w"):
            g = g + weight_decay * p
        new_state[name] = momentum * state.get(name, 0) + g
        new_params[name] = p - lr * new_state[name]
    return new_params, new_state


# %% sgd_step wrong: learning_rate_in_the_velocity
def sgd_step(params, grads, state, lr, momentum=0.0, weight_decay=0.0):
    v = {k: momentum * state.get(k, 0) + lr * (grads[k] + weight_decay * p) for k, p in params.items()}
    return {k: p - v[k] for k, p in params.items()}, v


# %% train wrong: velocity_reset_each_epoch
def train(params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None):
    losses = []
    for _ in range(epochs):
        state = {}
        order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            scores, cache = forward(params, x[batch] if augment is None else augment(x[batch], rng))
            loss, grad = cross_entropy(scores, y[batch])
            losses.append(loss)
            params, state = sgd_step(
                params, backward(params, cache, grad)[0], state, lr, momentum, weight_decay
            )
    return params, losses


# %% train wrong: shuffle_images_not_labels
def train(params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None):
    state, losses = {}, []
    for _ in range(epochs):
        order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
        shuffled = x[order]
        for start in range(0, len(x), batch_size):
            images = shuffled[start : start + batch_size]
            if augment is not None:
                images = augment(images, rng)
            scores, cache = forward(params, images)
            loss, grad = cross_entropy(scores, y[start : start + batch_size])
            losses.append(loss)
            params, state = sgd_step(
                params, backward(params, cache, grad)[0], state, lr, momentum, weight_decay
            )
    return params, losses


# %% train wrong: shuffles_what_is_shuffled
def train(params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None):
    state, losses = {}, []
    for _ in range(epochs):
        if rng is not None:
            order = rng.permutation(len(x))
            x, y = x[order], y[order]
        for start in range(0, len(x), batch_size):
            images, labels = x[start : start + batch_size], y[start : start + batch_size]
            scores, cache = forward(params, images if augment is None else augment(images, rng))
            loss, grad = cross_entropy(scores, labels)
            losses.append(loss)
            params, state = sgd_step(
                params, backward(params, cache, grad)[0], state, lr, momentum, weight_decay
            )
    return params, losses


# %% train wrong: learning_rate_times_batch
def train(params, x, y, epochs, lr, batch_size=32, momentum=0.9, weight_decay=0.0, rng=None, augment=None):
    state, losses = {}, []
    for _ in range(epochs):
        order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            scores, cache = forward(params, x[batch] if augment is None else augment(x[batch], rng))
            loss, grad = cross_entropy(scores, y[batch])
            losses.append(loss)
            grads, _ = backward(params, cache, grad * len(batch))
            params, state = sgd_step(params, grads, state, lr, momentum, weight_decay)
    return params, losses


# %% accuracy wrong: in_percent
def accuracy(params, x, y):
    return 100 * np.mean(forward(params, x)[0].argmax(axis=1) == y)


# %% accuracy wrong: counts_the_hits
def accuracy(params, x, y):
    return float((forward(params, x)[0].argmax(axis=1) == y).sum())


# %% accuracy wrong: takes_the_lowest
def accuracy(params, x, y):
    return float(np.mean(forward(params, x)[0].argsort(axis=1)[:, 0] == y))
