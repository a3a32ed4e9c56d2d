"""Chapter 8 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# %% relu: where, integers stay integers
import numpy as np


def relu(x):
    return np.where(x > 0, x, 0)


# %% relu: a mask, in the input's own type
def relu(x):
    return x * (x > 0)


# %% relu: half of x and its absolute value, a lambda
relu = lambda x: (x.astype(float) + np.abs(x)) / 2


# %% relu: lists of Python floats
def relu(x):
    def bent(v):
        return [bent(each) for each in v] if isinstance(v, list) else max(0.0, float(v))

    return bent(x.tolist())


# %% leaky_relu: maximum
def leaky_relu(x, slope=0.01):
    return np.maximum(x, slope * x)


# %% leaky_relu: two parts added
def leaky_relu(x, slope=0.01):
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


# %% leaky_relu: one value at a time
def leaky_relu(x, slope=0.01):
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        y[at] = x[at] if x[at] > 0 else slope * float(x[at])
    return y


# %% leaky_relu: a copy, written through a mask, float32 kept
def leaky_relu(x, slope=0.01):
    y = x.astype(np.float32 if x.dtype == np.float32 else np.float64)
    y[y < 0] *= slope
    return y


# %% prelu: two parts added, channels moved to the end
def prelu(x, a):
    if np.size(a) == 1:
        return np.maximum(x, 0) + np.min(a) * np.minimum(x, 0)
    last = np.moveaxis(x, 1, -1)
    return np.moveaxis(np.maximum(last, 0) + a * np.minimum(last, 0), -1, 1)


# %% prelu: channel by channel
def prelu(x, a):
    y = x.astype(float)
    a = np.ravel(a)
    if len(a) == 1:
        return np.where(y > 0, y, y * a[0])
    for c, slope in enumerate(a):
        y[:, c] = np.where(y[:, c] > 0, y[:, c], y[:, c] * slope)
    return y


# %% prelu: select, a callable object
class _Leaky:
    def __call__(self, x, a):
        a = np.asarray(a, dtype=float)
        if a.size > 1:
            a = np.expand_dims(a, tuple(range(1, x.ndim - 1)))
        return np.select([x > 0], [x], default=a * x)


prelu = _Leaky()


# %% elu: expm1
def elu(x, alpha=1.0):
    x = np.asarray(x, dtype=np.float64)
    return np.where(x > 0, x, alpha * np.expm1(x))


# %% elu: with overflow on the side that is not chosen
def elu(x, alpha=1.0):
    x = x + 0.0
    return np.where(x >= 0, x, alpha * (np.exp(x) - 1.0))


# %% elu: one value at a time
import math


def elu(x, alpha=1.0):
    flat = [float(v) if v > 0 else alpha * (math.exp(float(v)) - 1) for v in x.ravel()]
    return np.array(flat).reshape(x.shape)


# %% elu: two parts added, float32 kept
def elu(x, alpha=1.0):
    x = x.astype(np.result_type(x.dtype, np.float32)) if x.dtype != np.uint8 else x.astype(float)
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


# %% selu: constants in full, expm1
def selu(x):
    x = x.astype(float)
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


# %% selu: piecewise
def selu(x):
    scale, alpha = 1.05070098, 1.67326324
    x = x.astype(float)
    return np.piecewise(x, [x > 0], [lambda v: scale * v, lambda v: scale * alpha * (np.exp(v) - 1)])


# %% selu: a partial
from functools import partial


def _scaled_elu(x, scale, alpha):
    x = 1.0 * x
    return scale * (np.maximum(x, 0.0) + alpha * (np.exp(np.minimum(x, 0.0)) - 1))


selu = partial(_scaled_elu, scale=1.0507009873554805, alpha=1.6732632423543772)


# %% sigmoid: as printed, with overflow to infinity
def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(float)))


# %% sigmoid: a hyperbolic tangent
sigmoid = lambda x: 0.5 + 0.5 * np.tanh(0.5 * x.astype(np.float64))


# %% sigmoid: logaddexp
def sigmoid(x):
    return np.exp(-np.logaddexp(0.0, -1.0 * x))


# %% sigmoid: clipped, float32 kept
def sigmoid(x):
    x = x if x.dtype == np.float32 else x.astype(float)
    return np.reciprocal(1 + np.exp(-np.clip(x, -80, 80)))


# %% tanh: two sigmoids
def tanh(x):
    return 2 / (1 + np.exp(-2.0 * x)) - 1


# %% tanh: one value at a time
import math


def tanh(x):
    return np.reshape([math.tanh(v) for v in x.ravel().tolist()], x.shape)


# %% tanh: by the sign, expm1
def tanh(x):
    t = np.expm1(-2 * np.abs(x.astype(float)))
    return np.sign(x.astype(float)) * -t / (t + 2)


# %% tanh: numpy's own, float32 kept
tanh = lambda x: np.tanh(x, dtype=np.float32 if x.dtype == np.float32 else np.float64)


# %% activation_grad: a dict of functions
def activation_grad(name, x):
    x = x.astype(float)
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    e = np.exp(np.clip(x, None, 0))
    s = 1 / (1 + np.exp(-x))
    slopes = {
        "relu": lambda: (x > 0) * 1.0,
        "leaky_relu": lambda: np.where(x > 0, 1, 0.01),
        "elu": lambda: np.where(x > 0, 1, e),
        "selu": lambda: scale * np.where(x > 0, 1, alpha * e),
        "sigmoid": lambda: s - s**2,
        "tanh": lambda: np.cosh(np.clip(x, -300, 300)) ** -2,
    }
    if name not in slopes:
        raise ValueError(name)
    return slopes[name]()


# %% activation_grad: match, a mask as integers
def activation_grad(name, x):
    x = x + 0.0
    match name:
        case "relu":
            return (x > 0).astype(int)
        case "leaky_relu":
            return 0.01 + 0.99 * (x > 0)
        case "elu":
            return np.exp(np.minimum(x, 0))
        case "selu":
            y = np.full(x.shape, 1.0507009873554805)
            y[x <= 0] *= 1.6732632423543772 * np.exp(x[x <= 0])
            return y
        case "sigmoid":
            return np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))) ** 2
        case "tanh":
            return (1 - np.tanh(x)) * (1 + np.tanh(x))
        case _:
            raise ValueError("unknown")


# %% activation_grad: one value at a time
import math


def _slope_at(name, v):
    if name in ("relu", "leaky_relu", "elu", "selu") and v > 0:
        return 1.0507009873554805 if name == "selu" else 1.0
    if name == "relu":
        return 0.0
    if name == "leaky_relu":
        return 0.01
    if name == "elu":
        return math.exp(v)
    if name == "selu":
        return 1.7580993408473766 * math.exp(v)
    if name == "sigmoid":
        return 0.25 * (1 - math.tanh(v / 2) ** 2)
    if name == "tanh":
        return 1 - math.tanh(v) ** 2
    raise ValueError(f"{name} is not on the list")


def activation_grad(name, x):
    return np.array([_slope_at(name, v) for v in x.ravel().tolist()]).reshape(x.shape)


# %% softmax: log-sum-exp
def softmax(z):
    z = z.astype(float)
    top = np.max(z, axis=-1, keepdims=True)
    return np.exp(z - top - np.log(np.sum(np.exp(z - top), axis=-1, keepdims=True)))


# %% softmax: logaddexp.reduce
softmax = lambda z: np.exp(z.astype(float) - np.logaddexp.reduce(z.astype(float), axis=-1)[..., None])


# %% softmax: differences of all pairs
def softmax(z):
    z = 1.0 * z
    return 1 / np.exp(z[..., None, :] - z[..., :, None]).sum(-1)


# %% softmax: row by row, in lists
import math


def softmax(z):
    if z.ndim == 2:
        return [softmax(row) for row in z]
    row = [float(v) for v in z]
    weights = [math.exp(v - max(row)) for v in row]
    return [weight / sum(weights) for weight in weights]


# %% cross_entropy: one-hot
def cross_entropy(scores, labels):
    z = np.asarray(scores, dtype=np.float64)
    N, K = z.shape
    hot = np.eye(K)[labels]
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    return -np.sum(hot * log_p) / N, (np.exp(log_p) - hot) / N


# %% cross_entropy: sample by sample
import math


def cross_entropy(scores, labels):
    grad, loss = np.zeros(scores.shape), 0.0
    for n in range(len(labels)):
        row = [float(v) for v in scores[n]]
        total = sum(math.exp(v - max(row)) for v in row)
        loss += math.log(total) + max(row) - row[labels[n]]
        for k, v in enumerate(row):
            grad[n, k] = (math.exp(v - max(row)) / total - (k == labels[n])) / len(labels)
    return loss / len(labels), grad


# %% cross_entropy: differences to the right score, take_along_axis, a list
def cross_entropy(scores, labels):
    z = scores.astype(np.float32 if scores.dtype == np.float32 else float)
    labels = labels.astype(int)[:, None]
    gaps = z - np.take_along_axis(z, labels, axis=1)
    top = gaps.max(axis=1, keepdims=True)
    losses = top + np.log(np.exp(gaps - top).sum(axis=1, keepdims=True))
    p = np.exp(gaps - losses)
    np.put_along_axis(p, labels, np.take_along_axis(p, labels, axis=1) - 1, axis=1)
    return [losses.mean(), p / len(z)]


# %% flatten: concatenation of rows
def flatten(x):
    return np.stack([sample.ravel() for sample in x])


# %% flatten: the product of the shape
flatten = lambda x: np.reshape(x, (x.shape[0], int(np.prod(x.shape[1:]))))


# %% flatten: lists
def flatten(x):
    def values(v):
        return [w for each in v for w in values(each)] if isinstance(v, list) else [v]

    return [values(sample) for sample in x.tolist()]


# %% flatten: flattened copies, Fortran order
def flatten(x):
    return np.asfortranarray([each.flatten() for each in x])


# %% linear: einsum
def linear(x, w, b):
    return np.einsum("ni,di->nd", x.astype(float), w) + b


# %% linear: three loops
def linear(x, w, b):
    y = np.zeros((len(x), len(w)))
    for n in range(len(x)):
        for d in range(len(w)):
            y[n, d] = b[d]
            for i in range(x.shape[1]):
                y[n, d] += float(x[n, i]) * float(w[d, i])
    return y


# %% linear: the bias as one more weight
def linear(x, w, b):
    more = np.hstack([x, np.ones((len(x), 1), dtype=np.float32 if x.dtype == np.float32 else float)])
    return more @ np.hstack([w, b[:, None]]).T


# %% linear: tensordot, a lambda
linear = lambda x, w, b: (np.tensordot(w * 1.0, x, axes=(1, 1)).T + b).astype(float)


# %% linear_backward: einsum
def linear_backward(x, w, grad):
    g = grad.astype(float)
    return np.einsum("nd,di->ni", g, w), np.einsum("nd,ni->di", g, x), np.einsum("nd->d", g)


# %% linear_backward: sample by sample
def linear_backward(x, w, grad):
    grad_x, grad_w, grad_b = np.zeros(x.shape), np.zeros(w.shape), np.zeros(len(w))
    for n in range(len(x)):
        for d in range(len(w)):
            grad_x[n] += float(grad[n, d]) * w[d]
            grad_w[d] += float(grad[n, d]) * x[n]
            grad_b[d] += grad[n, d]
    return grad_x, grad_w, grad_b


# %% linear_backward: the bias as one more weight, a list
def linear_backward(x, w, grad):
    g = grad * 1.0
    both = g.T @ np.c_[x, np.ones(len(x))]
    return [np.dot(w.T.astype(float), g.T).T, both[:, :-1], both[:, -1]]


# %% linear_backward: outer products, a callable object
class _Backward:
    def __call__(self, x, w, grad):
        g = np.asarray(grad, dtype=np.float64)
        return (g[:, :, None] * w).sum(1), (g[:, :, None] * x[:, None, :]).sum(0), np.add.reduce(g)


linear_backward = _Backward()


# %% he_init: standard normal, scaled
def he_init(shape, rng):
    fan_in = 1
    for n in shape[1:]:
        fan_in *= n
    return rng.standard_normal(shape) * (2 / fan_in) ** 0.5


# %% he_init: one weight at a time
def he_init(shape, rng):
    w = np.empty(shape)
    s = np.sqrt(2.0 / w[0].size)
    for at in np.ndindex(*shape):
        w[at] = rng.normal(0, s)
    return w


# %% he_init: Box and Muller from uniform numbers
def he_init(shape, rng):
    radius = np.sqrt(-2 * np.log(1 - rng.random(shape)))
    return radius * np.cos(2 * np.pi * rng.random(shape)) * np.sqrt(2 / np.prod(shape[1:]))


# %% he_init: float32, kernel by kernel
def he_init(shape, rng):
    kernels = [rng.standard_normal(shape[1:], dtype=np.float32) for _ in range(shape[0])]
    return np.stack(kernels) / np.float32(np.sqrt(np.prod(shape[1:]) / 2))


# %% he_init: a generator made from the given one
def he_init(shape, rng):
    child = np.random.default_rng(rng.integers(2**32))
    return child.normal(scale=np.sqrt(2 / np.prod(shape[1:])), size=shape)


# %% batch_norm2d: channel by channel
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    y = np.zeros(x.shape)
    new_mean, new_var = np.array(running_mean, dtype=float), np.array(running_var, dtype=float)
    for c in range(x.shape[1]):
        values = x[:, c].astype(float)
        mean, var = running_mean[c], running_var[c]
        if training:
            mean = values.mean()
            var = ((values - mean) ** 2).mean()
            n = values.size
            new_mean[c] += momentum * (mean - running_mean[c])
            new_var[c] += momentum * (var * n / (n - 1) - running_var[c])
        y[:, c] = gamma[c] * (values - mean) / np.sqrt(var + eps) + beta[c]
    return y, new_mean, new_var


# %% batch_norm2d: keepdims and einsum
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    if not training:
        a = gamma * (running_var + eps) ** -0.5
        return (
            np.einsum("nchw,c->nchw", x, a) + (beta - running_mean * a)[None, :, None, None],
            running_mean,
            running_var,
        )
    axes, count = (0, 2, 3), x.size / x.shape[1]
    mean = x.mean(axes, keepdims=True)
    centred = x - mean
    square = np.einsum("nchw,nchw->c", centred, centred)
    y = centred * np.reshape(gamma / np.sqrt(square / count + eps), (1, -1, 1, 1)) + beta.reshape(1, -1, 1, 1)
    old = 1 - momentum
    return (
        y,
        old * running_mean + momentum * mean.ravel(),
        old * running_var + momentum * square / (count - 1),
    )


# %% batch_norm2d: one row a channel, a list
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    N, C, H, W = x.shape
    rows = np.moveaxis(x, 1, 0).reshape(C, -1).astype(float)
    mean, var = (rows.mean(1), rows.var(1)) if training else (running_mean, running_var)
    normalised = (rows - np.c_[mean]) / np.c_[np.sqrt(var + eps)]
    y = np.moveaxis((normalised * np.c_[gamma] + np.c_[beta]).reshape(C, N, H, W), 0, 1)
    if training:
        running_mean = running_mean * (1 - momentum) + mean * momentum
        running_var = running_var * (1 - momentum) + np.var(rows, axis=1, ddof=1) * momentum
    return [y, running_mean, running_var]


# %% batch_norm2d: channels at the end
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    last = x.transpose(0, 2, 3, 1)
    flat = last.reshape(-1, x.shape[1])
    if training:
        mean = np.mean(flat, axis=0, dtype=np.float64)
        var = np.mean((flat - mean) ** 2, axis=0)
        unbiased = np.sum((flat - mean) ** 2, axis=0) / (len(flat) - 1)
        new = (
            (1 - momentum) * running_mean + momentum * mean,
            (1 - momentum) * running_var + momentum * unbiased,
        )
    else:
        mean, var = running_mean, running_var
        new = (running_mean + 0, running_var + 0)
    return (gamma * ((last - mean) / np.sqrt(var + eps)) + beta).transpose(0, 3, 1, 2), *new


# %% batch_norm2d_backward: three paths, one by one
def batch_norm2d_backward(x, gamma, grad, eps=1e-5):
    axes, m = (0, 2, 3), x[:, 0].size
    gamma = gamma[None, :, None, None]
    mean = x.mean(axes, keepdims=True)
    var = x.var(axes, keepdims=True)
    hat = (x - mean) / np.sqrt(var + eps)
    d_hat = grad * gamma
    d_var = (d_hat * (x - mean)).sum(axes, keepdims=True) * -0.5 * (var + eps) ** -1.5
    d_mean = -d_hat.sum(axes, keepdims=True) / np.sqrt(var + eps)
    d_x = d_hat / np.sqrt(var + eps) + d_var * 2 * (x - mean) / m + d_mean / m
    return d_x, (grad * hat).sum(axes), grad.sum(axes)


# %% batch_norm2d_backward: the Jacobian of each channel
def batch_norm2d_backward(x, gamma, grad, eps=1e-5):
    rows, g = (np.moveaxis(v, 1, 0).reshape(x.shape[1], -1).astype(float) for v in (x, grad))
    m, grad_rows, grad_gamma = rows.shape[1], np.zeros(rows.shape), np.zeros(len(rows))
    for c, row in enumerate(rows):
        sigma = np.sqrt(row.var() + eps)
        hat = (row - row.mean()) / sigma
        jacobian = (np.eye(m) - 1 / m - np.outer(hat, hat) / m) * gamma[c] / sigma
        grad_rows[c] = jacobian @ g[c]
        grad_gamma[c] = hat @ g[c]
    shape = (x.shape[1], x.shape[0], *x.shape[2:])
    return np.moveaxis(grad_rows.reshape(shape), 0, 1), grad_gamma, g.sum(1)


# %% batch_norm2d_backward: einsum, a list
def batch_norm2d_backward(x, gamma, grad, eps=1e-5):
    x = x.astype(float)
    m = x.size / x.shape[1]
    x = x - (np.einsum("nchw->c", x) / m)[:, None, None]
    scale = (np.einsum("nchw,nchw->c", x, x) / m + eps) ** -0.5
    hat = np.einsum("nchw,c->nchw", x, scale)
    d_gamma, d_beta = np.einsum("nchw,nchw->c", grad, hat), np.einsum("nchw->c", grad)
    inner = m * grad - d_beta[:, None, None] - np.einsum("nchw,c->nchw", hat, d_gamma)
    return [np.einsum("nchw,c->nchw", inner, gamma * scale / m), d_gamma, d_beta]


# %% local_response_norm: a band matrix
def local_response_norm(x, size, alpha, beta, k):
    c = np.arange(x.shape[1])
    ahead = c - c[:, None]
    band = ((ahead >= -(size // 2)) & (ahead <= (size - 1) // 2)).astype(float)
    return x / (k + alpha / size * np.einsum("dc,nchw->ndhw", band, x.astype(float) ** 2)) ** beta


# %% local_response_norm: cumulative sums
def local_response_norm(x, size, alpha, beta, k):
    squares = np.square(x, dtype=float)
    padded = np.pad(squares, ((0, 0), (size // 2 + 1, (size - 1) // 2), (0, 0), (0, 0)))
    sums = np.cumsum(padded, axis=1)
    return x * (k + (sums[:, size:] - sums[:, :-size]) * (alpha / size)) ** -beta


# %% local_response_norm: windows
def local_response_norm(x, size, alpha, beta, k):
    padded = np.pad(x.astype(float), ((0, 0), (size // 2, (size - 1) // 2), (0, 0), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)
    return x / np.power(k + alpha * (windows**2).mean(-1), beta)


# %% local_response_norm: loops
def local_response_norm(x, size, alpha, beta, k):
    N, C, H, W = x.shape
    y = np.zeros((N, C, H, W))
    for n, c, i, j in np.ndindex(N, C, H, W):
        s = 0.0
        for other in range(c - size // 2, c + (size - 1) // 2 + 1):
            if 0 <= other < C:
                s += float(x[n, other, i, j]) ** 2
        y[n, c, i, j] = x[n, c, i, j] / (k + alpha / size * s) ** beta
    return y


# %% dropout: where
def dropout(x, p, mask):
    return np.where(mask, x / (1 - p), 0.0)


# %% dropout: a copy with zeros written into it, float32 kept
def dropout(x, p, mask):
    y = x / np.asarray(1 - p, dtype=np.float32 if x.dtype == np.float32 else np.float64)
    y[np.logical_not(mask)] = 0
    return y


# %% dropout: lists, a lambda
dropout = lambda x, p, mask: np.reshape(
    [float(v) / (1 - p) if keep else 0.0 for v, keep in zip(x.ravel(), mask.ravel(), strict=True)], x.shape
)


# %% relu wrong: changes_its_input
def relu(x):
    x[x < 0] = 0
    return x


# %% relu wrong: minimum_for_maximum
def relu(x):
    return np.where(x > 0, 0, x)


# %% relu wrong: steps
def relu(x):
    return np.heaviside(x, 0.0)


# %% leaky_relu wrong: slope_as_value
def leaky_relu(x, slope=0.01):
    return np.where(x > 0, x, slope)


# %% leaky_relu wrong: ignores_slope
def leaky_relu(x, slope=0.01):
    return np.where(x > 0, x, 0.01 * x)


# %% leaky_relu wrong: takes_the_type_of_its_input
def leaky_relu(x, slope=0.01):
    y = np.zeros_like(x)
    y[x > 0] = x[x > 0]
    y[x <= 0] = slope * x[x <= 0]
    return y


# %% prelu wrong: takes_the_maximum
def prelu(x, a):
    if np.size(a) > 1:
        a = np.reshape(a, (1, -1) + (1,) * (x.ndim - 2))
    return np.maximum(a * x, x)


# %% prelu wrong: slope_on_the_last_axis
def prelu(x, a):
    return np.where(x > 0, x, a * x)


# %% prelu wrong: first_slope_for_all
def prelu(x, a):
    return np.where(x > 0, x, np.ravel(a)[0] * x)


# %% elu wrong: elu_unshifted
def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.exp(np.minimum(x.astype(float), 0)))


# %% elu wrong: masks_by_multiplying
def elu(x, alpha=1.0):
    x = x.astype(float)
    return x * (x > 0) + alpha * (np.exp(x) - 1) * (x <= 0)


# %% elu wrong: alpha_before_the_shift
def elu(x, alpha=1.0):
    x = x.astype(float)
    return np.where(x > 0, x, alpha * np.exp(x) - 1)


# %% selu wrong: selu_scale_on_one_side
def selu(x):
    x = x.astype(float)
    return np.where(x > 0, 1.0507009873554805 * x, 1.6732632423543772 * (np.exp(x) - 1))


# %% selu wrong: rounded_constants
def selu(x):
    x = x.astype(float)
    return 1.0507 * np.where(x > 0, x, 1.6733 * (np.exp(x) - 1))


# %% selu wrong: masks_by_multiplying
def selu(x):
    x = x.astype(float)
    return 1.0507009873554805 * ((x > 0) * x + (x <= 0) * 1.6732632423543772 * (np.exp(x) - 1))


# %% sigmoid wrong: sigmoid_overflows
def sigmoid(x):
    e = np.exp(x.astype(float))
    return e / (1 + e)


# %% sigmoid wrong: sign_in_the_exponent
def sigmoid(x):
    return 1 / (1 + np.exp(x.astype(float)))


# %% sigmoid wrong: tanh_for_sigmoid
def sigmoid(x):
    return np.tanh(x.astype(float))


# %% tanh wrong: tanh_overflows
def tanh(x):
    up, down = np.exp(x.astype(float)), np.exp(-x.astype(float))
    return (up - down) / (up + down)


# %% tanh wrong: half_precision_for_bytes
def tanh(x):
    return np.tanh(x)


# %% tanh wrong: sigmoid_not_doubled
def tanh(x):
    return 2 / (1 + np.exp(-x.astype(float))) - 1


# %% activation_grad wrong: kink_on_the_other_side
def activation_grad(name, x):
    x = x.astype(float)
    e = np.exp(np.minimum(x, 0))
    if name == "relu":
        return np.where(x >= 0, 1.0, 0.0)
    if name == "leaky_relu":
        return np.where(x >= 0, 1.0, 0.01)
    if name == "elu":
        return np.where(x >= 0, 1.0, e)
    if name == "selu":
        return 1.0507009873554805 * np.where(x >= 0, 1.0, 1.6732632423543772 * e)
    if name == "sigmoid":
        return 1 / (1 + np.exp(-x)) * (1 - 1 / (1 + np.exp(-x)))
    if name == "tanh":
        return 1 - np.tanh(x) ** 2
    raise ValueError(name)


# %% activation_grad wrong: accepts_any_name
def activation_grad(name, x):
    x = x.astype(float)
    e = np.exp(np.minimum(x, 0))
    if name == "relu":
        return np.where(x > 0, 1.0, 0.0)
    if name == "leaky_relu":
        return np.where(x > 0, 1.0, 0.01)
    if name == "elu":
        return np.where(x > 0, 1.0, e)
    if name == "selu":
        return 1.0507009873554805 * np.where(x > 0, 1.0, 1.6732632423543772 * e)
    if name == "sigmoid":
        return 1 / (1 + np.exp(-x)) * (1 - 1 / (1 + np.exp(-x)))
    if name == "tanh":
        return 1 - np.tanh(x) ** 2
    return None


# %% activation_grad wrong: key_error_for_other_names
def activation_grad(name, x):
    x = x.astype(float)
    e = np.exp(np.minimum(x, 0))
    return {
        "relu": np.where(x > 0, 1.0, 0.0),
        "leaky_relu": np.where(x > 0, 1.0, 0.01),
        "elu": np.where(x > 0, 1.0, e),
        "selu": 1.0507009873554805 * np.where(x > 0, 1.0, 1.6732632423543772 * e),
        "sigmoid": np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))) ** 2,
        "tanh": 1 - np.tanh(x) ** 2,
    }[name]


# %% activation_grad wrong: grad_at_the_output
def activation_grad(name, x):
    x = x.astype(float)
    e = np.exp(np.minimum(x, 0))
    if name == "relu":
        return np.where(x > 0, 1.0, 0.0)
    if name == "leaky_relu":
        return np.where(x > 0, 1.0, 0.01)
    if name == "elu":
        return np.where(x > 0, 1.0, e)
    if name == "selu":
        return 1.0507009873554805 * np.where(x > 0, 1.0, 1.6732632423543772 * e)
    if name == "sigmoid":
        return x * (1 - x)
    if name == "tanh":
        return 1 - x**2
    raise ValueError(name)


# %% softmax wrong: softmax_overflows
def softmax(z):
    e = np.exp(z.astype(float))
    return e / e.sum(axis=-1, keepdims=True)


# %% softmax wrong: subtracts_the_global_maximum
def softmax(z):
    e = np.exp(z.astype(float) - z.max())
    return e / e.sum(axis=-1, keepdims=True)


# %% softmax wrong: softmax_over_batch
def softmax(z):
    e = np.exp(z.astype(float) - z.max(axis=0))
    return e / e.sum(axis=0)


# %% softmax wrong: uint8_overflow
def softmax(z):
    e = np.exp((z - z.max(axis=-1, keepdims=True)).astype(float))
    return e / e.sum(axis=-1, keepdims=True)


# %% cross_entropy wrong: log_of_zero
def cross_entropy(scores, labels):
    z = scores.astype(float)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    grad = p.copy()
    grad[rows, labels] -= 1
    return -np.log(p[rows, labels]).mean(), grad / len(labels)


# %% cross_entropy wrong: adds_epsilon_in_log
def cross_entropy(scores, labels):
    z = scores.astype(float)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    hot = np.eye(z.shape[1])[labels]
    return -np.mean(np.log((p * hot).sum(axis=1) + 1e-12)), (p - hot) / len(z)


# %% cross_entropy wrong: loss_gradient_not_averaged
def cross_entropy(scores, labels):
    z = scores - scores.max(axis=1, keepdims=True).astype(float)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return -log_p[rows, labels].mean(), grad


# %% cross_entropy wrong: every_label_in_every_row
def cross_entropy(scores, labels):
    z = scores - scores.max(axis=1, keepdims=True).astype(float)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    grad = np.exp(log_p)
    grad[:, labels] -= 1
    return -log_p[np.arange(len(labels)), labels].mean(), grad / len(labels)


# %% flatten wrong: flatten_mixes_samples
def flatten(x):
    return x.reshape(-1, len(x)).T


# %% flatten wrong: keeps_the_channels
def flatten(x):
    return x.reshape(x.shape[0], x.shape[1], -1)


# %% flatten wrong: first_axis_fastest
def flatten(x):
    return np.array([sample.ravel(order="F") for sample in x])


# %% linear wrong: uint8_overflow
def linear(x, w, b):
    return x @ w.T + b


# %% linear wrong: weight_not_transposed
def linear(x, w, b):
    return x.astype(float) @ w + b


# %% linear wrong: no_bias
def linear(x, w, b):
    return x.astype(float) @ w.T


# %% linear_backward wrong: linear_weight_transposed_grad
def linear_backward(x, w, grad):
    return grad.astype(float) @ w, x.T.astype(float) @ grad, grad.sum(axis=0)


# %% linear_backward wrong: bias_grad_unsummed
def linear_backward(x, w, grad):
    return grad.astype(float) @ w, grad.T.astype(float) @ x, grad


# %% linear_backward wrong: averages_over_batch
def linear_backward(x, w, grad):
    grad = grad.astype(float)
    return grad @ w, grad.T @ x / len(x), grad.mean(axis=0)


# %% linear_backward wrong: uint8_overflow
def linear_backward(x, w, grad):
    return grad @ w, grad.T @ x, grad.sum(axis=0)


# %% he_init wrong: fan_out
def he_init(shape, rng):
    return rng.normal(0, np.sqrt(2 / (shape[0] * np.prod(shape[2:]))), shape)


# %% he_init wrong: xavier
def he_init(shape, rng):
    positions = np.prod(shape[2:])
    return rng.standard_normal(shape) * np.sqrt(2 / (positions * (shape[0] + shape[1])))


# %% he_init wrong: variance_for_standard_deviation
def he_init(shape, rng):
    return rng.normal(0, 2 / np.prod(shape[1:]), size=shape)


# %% he_init wrong: global_generator
def he_init(shape, rng):
    return np.random.randn(*shape) * np.sqrt(2 / np.prod(shape[1:]))


# %% he_init wrong: uniform_instead_of_normal
def he_init(shape, rng):
    bound = np.sqrt(6 / np.prod(shape[1:]))
    return rng.uniform(-bound, bound, shape)


# %% he_init wrong: fixed_seed_inside
def he_init(shape, rng):
    rng = np.random.default_rng(42)
    return rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)


# %% he_init wrong: makes_its_own_generator
def he_init(shape, rng):
    rng = np.random.default_rng()
    return rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)


# %% he_init wrong: seeds_the_global_generator
def he_init(shape, rng):
    np.random.seed(rng.integers(1000))
    return np.random.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)


# %% he_init wrong: one_for_two
def he_init(shape, rng):
    return rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape)


# %% he_init wrong: same_kernel_for_all
def he_init(shape, rng):
    kernel = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape[1:])
    return np.stack([kernel] * shape[0])


# %% batch_norm2d wrong: unbiased_in_training
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    hat = (x - mean[:, None, None]) / np.sqrt(var + eps)[:, None, None]
    return gamma[:, None, None] * hat + beta[:, None, None], running_mean, running_var


# %% batch_norm2d wrong: running_variance_biased
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    hat = (x - mean[:, None, None]) / np.sqrt(var + eps)[:, None, None]
    return gamma[:, None, None] * hat + beta[:, None, None], running_mean, running_var


# %% batch_norm2d wrong: momentum_inverted
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * x.var(axis=(0, 2, 3), ddof=1)
    hat = (x - mean[:, None, None]) / np.sqrt(var + eps)[:, None, None]
    return gamma[:, None, None] * hat + beta[:, None, None], running_mean, running_var


# %% batch_norm2d wrong: statistics_over_everything
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean[:, None, None], running_var[:, None, None]
    if training:
        mean, var = x.mean(), x.var()
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(ddof=1)
    hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * hat + beta[:, None, None], running_mean, running_var


# %% batch_norm2d wrong: epsilon_outside_root
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(axis=(0, 2, 3), ddof=1)
    hat = (x - mean[:, None, None]) / (np.sqrt(var) + eps)[:, None, None]
    return gamma[:, None, None] * hat + beta[:, None, None], running_mean, running_var


# %% batch_norm2d wrong: updates_the_running_statistics_in_place
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        running_mean *= 1 - momentum
        running_mean += momentum * mean
        running_var *= 1 - momentum
        running_var += momentum * x.var(axis=(0, 2, 3), ddof=1)
    hat = (x - mean[:, None, None]) / np.sqrt(var + eps)[:, None, None]
    return gamma[:, None, None] * hat + beta[:, None, None], running_mean, running_var


# %% batch_norm2d_backward wrong: backward_treats_both_as_constant
def batch_norm2d_backward(x, gamma, grad, eps=1e-5):
    sigma = np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + eps)
    hat = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / sigma
    return gamma[:, None, None] / sigma * grad, (grad * hat).sum(axis=(0, 2, 3)), grad.sum(axis=(0, 2, 3))


# %% batch_norm2d_backward wrong: backward_treats_variance_as_constant
def batch_norm2d_backward(x, gamma, grad, eps=1e-5):
    axes = (0, 2, 3)
    sigma = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    hat = (x - x.mean(axis=axes, keepdims=True)) / sigma
    bracket = grad - grad.mean(axis=axes, keepdims=True)
    return gamma[:, None, None] / sigma * bracket, (grad * hat).sum(axis=axes), grad.sum(axis=axes)


# %% batch_norm2d_backward wrong: backward_treats_mean_as_constant
def batch_norm2d_backward(x, gamma, grad, eps=1e-5):
    axes = (0, 2, 3)
    sigma = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    hat = (x - x.mean(axis=axes, keepdims=True)) / sigma
    bracket = grad - hat * (grad * hat).mean(axis=axes, keepdims=True)
    return gamma[:, None, None] / sigma * bracket, (grad * hat).sum(axis=axes), grad.sum(axis=axes)


# %% batch_norm2d_backward wrong: counts_samples_only
def batch_norm2d_backward(x, gamma, grad, eps=1e-5):
    axes, N = (0, 2, 3), len(x)
    sigma = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    hat = (x - x.mean(axis=axes, keepdims=True)) / sigma
    sums = grad.sum(axis=axes, keepdims=True), (grad * hat).sum(axis=axes, keepdims=True)
    bracket = N * grad - sums[0] - hat * sums[1]
    return gamma[:, None, None] / (N * sigma) * bracket, sums[1].ravel(), sums[0].ravel()


# %% local_response_norm wrong: lrn_size_not_divided
def local_response_norm(x, size, alpha, beta, k):
    y = np.zeros(x.shape)
    for c in range(x.shape[1]):
        part = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1].astype(float)
        y[:, c] = x[:, c] / (k + alpha * (part**2).sum(axis=1)) ** beta
    return y


# %% local_response_norm wrong: lrn_divides_by_what_is_there
def local_response_norm(x, size, alpha, beta, k):
    y = np.zeros(x.shape)
    for c in range(x.shape[1]):
        part = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1].astype(float)
        y[:, c] = x[:, c] / (k + alpha * (part**2).mean(axis=1)) ** beta
    return y


# %% local_response_norm wrong: lrn_window_one_too_many
def local_response_norm(x, size, alpha, beta, k):
    y = np.zeros(x.shape)
    for c in range(x.shape[1]):
        part = x[:, max(0, c - size // 2) : c + size // 2 + 1].astype(float)
        y[:, c] = x[:, c] / (k + alpha / size * (part**2).sum(axis=1)) ** beta
    return y


# %% local_response_norm wrong: negative_start_counts_from_the_end
def local_response_norm(x, size, alpha, beta, k):
    y = np.zeros(x.shape)
    for c in range(x.shape[1]):
        part = x[:, c - size // 2 : c + (size - 1) // 2 + 1].astype(float)
        y[:, c] = x[:, c] / (k + alpha / size * (part**2).sum(axis=1)) ** beta
    return y


# %% dropout wrong: dropout_not_scaled
def dropout(x, p, mask):
    return x * mask


# %% dropout wrong: divides_by_p
def dropout(x, p, mask):
    return x * mask / p


# %% dropout wrong: divisor_from_the_mask
def dropout(x, p, mask):
    return x * mask / np.mean(mask)


# %% dropout wrong: draws_its_own_mask
def dropout(x, p, mask):
    return x * (np.random.rand(*x.shape) >= p) / (1 - p)
