"""Chapter 11 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""

# ruff: noqa: F821 - the network stands in the notebook

# %% activation_maps: the cache of forward
import numpy as np


def activation_maps(params, x, layer):
    _, (_, z1, a1, z2, a2, _) = forward(params, x)
    if layer == "conv1":
        return z1
    if layer == "relu1":
        return a1
    if layer == "conv2":
        return z2
    if layer == "relu2":
        return a2
    if layer == "pool":
        return max_pool(a2)
    raise ValueError(layer)


# %% activation_maps: nothing of what is given, einsum over windows
def _layer3x3(x, w, b):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.einsum("nchwij,dcij->ndhw", windows, w) + b.reshape(1, -1, 1, 1)


def _blocks(x):
    N, C, H, W = x.shape
    return x[:, :, : H - H % 2, : W - W % 2].reshape(N, C, H // 2, 2, W // 2, 2)


def activation_maps(params, x, layer):
    names = ["conv1", "relu1", "conv2", "relu2", "pool"]
    y = x
    for name in names[: names.index(layer) + 1]:  # index raises a ValueError of its own
        if name.startswith("conv"):
            y = _layer3x3(y, params[name + ".w"], params[name + ".b"])
        elif name.startswith("relu"):
            y = y * (y > 0)
        else:
            y = _blocks(y).max((3, 5))
    return y


# %% activation_maps: plain loops over taps, float32 kept
def _taps(x, w, b):
    N, C, H, W = x.shape
    padded = np.zeros((N, C, H + 2, W + 2), np.result_type(x, np.float32))
    padded[:, :, 1:-1, 1:-1] = x
    y = np.zeros((N, len(w), H, W), padded.dtype) + b[:, None, None]
    for i in range(3):
        for j in range(3):
            for c in range(C):
                y = y + padded[:, None, c, i : i + H, j : j + W] * w[None, :, c, i, j, None, None]
    return y


def activation_maps(params, x, layer):
    conv1 = _taps(x, params["conv1.w"], params["conv1.b"])
    relu1 = np.where(conv1 > 0, conv1, 0)
    conv2 = _taps(relu1, params["conv2.w"], params["conv2.b"])
    relu2 = np.clip(conv2, 0, None)
    rows, columns = relu2.shape[2] // 2, relu2.shape[3] // 2
    pool = np.zeros((*relu2.shape[:2], rows, columns), relu2.dtype)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        pool = np.maximum(pool, relu2[:, :, i : i + 2 * rows - 1 : 2, j : j + 2 * columns - 1 : 2])
    match layer:
        case "conv1" | "relu1" | "conv2" | "relu2" | "pool":
            return {"conv1": conv1, "relu1": relu1, "conv2": conv2, "relu2": relu2, "pool": pool}[layer]
        case _:
            raise ValueError("no such layer")


# %% activation_maps: a callable object with a table of functions
class _Maps:
    def __init__(self):
        self.made = ("conv1", "relu1", "conv2", "relu2", "pool")

    def __call__(self, params, x, layer):
        if layer not in self.made:
            raise ValueError(f"{layer}?")
        for name in self.made[: 1 + self.made.index(layer)]:
            if name + ".w" in params:
                x = conv(x, params[name + ".w"], params[name + ".b"])
            else:
                x = {"relu1": relu, "relu2": relu, "pool": max_pool}[name](x)
        return x


activation_maps = _Maps()


# %% dead_filters: any and all
def dead_filters(activations, threshold):
    silent = ~np.any(activations > 0, axis=(2, 3))
    return np.where(np.mean(silent, 0) >= threshold)[0]


# %% dead_filters: plain loops, a list
def dead_filters(activations, threshold):
    N, C = activations.shape[:2]
    dead = []
    for c in range(C):
        silent = 0
        for n in range(N):
            if all(value == 0 for value in activations[n, c].ravel().tolist()):
                silent += 1
        if silent >= threshold * N:
            dead.append(c)
    return dead


# %% dead_filters: count_nonzero and einsum
def dead_filters(activations, threshold):
    lit = np.einsum("nchw->nc", (activations > 0).astype(int))
    share = np.count_nonzero(lit == 0, axis=0) / len(activations)
    return np.arange(lit.shape[1])[share >= threshold]


# %% dead_filters: a lambda with set and sorted
dead_filters = lambda activations, threshold: np.array(
    sorted({c for c in range(activations.shape[1]) if 1 - activations[:, c].any((1, 2)).mean() >= threshold}),
    dtype=int,
)


# %% map_correlation: corrcoef, constants treated apart
def map_correlation(activations):
    C = activations.shape[1]
    rows = activations.transpose(1, 0, 2, 3).reshape(C, -1).astype(float)
    varied = np.flatnonzero(np.ptp(rows, axis=1) > 0)
    r = np.eye(C)
    if len(varied):
        r[np.ix_(varied, varied)] = np.corrcoef(rows[varied])
    return r


# %% map_correlation: pair by pair, in Python
import math


def map_correlation(activations):
    channels = [activations[:, c].ravel().tolist() for c in range(activations.shape[1])]

    def pearson(a, b):
        ma, mb = math.fsum(a) / len(a), math.fsum(b) / len(b)
        saa = math.fsum((p - ma) ** 2 for p in a)
        sbb = math.fsum((q - mb) ** 2 for q in b)
        return math.fsum((p - ma) * (q - mb) for p, q in zip(a, b, strict=True)) / math.sqrt(saa * sbb)

    return [
        [
            1.0 if i == j else 0.0 if min(a) == max(a) or min(b) == max(b) else pearson(a, b)
            for j, b in enumerate(channels)
        ]
        for i, a in enumerate(channels)
    ]


# %% map_correlation: einsum over the four axes
def map_correlation(activations):
    a = activations - activations.mean((0, 2, 3), keepdims=True, dtype=float)
    cov = np.einsum("nchw,ndhw->cd", a, a)
    std = np.sqrt(np.diag(cov))
    scale = np.abs(activations.astype(float)).max((0, 2, 3)) * np.sqrt(activations[:, 0].size)
    flat = std <= 1e-12 * scale
    r = cov / np.where(flat, 1, std)[:, None] / np.where(flat, 1, std)
    r[flat] = 0
    r[:, flat] = 0
    return np.where(np.eye(len(r), dtype=bool), 1, r)


# %% map_correlation: z-scores, a callable object
class _Correlation:
    def __call__(self, activations):
        columns = np.stack([activations[:, c].ravel() for c in range(activations.shape[1])], 1).astype(
            np.float64
        )
        spread = columns.std(0)
        spread[columns.max(0) == columns.min(0)] = np.inf
        z = (columns - columns.mean(0)) / spread
        r = z.T @ z / len(z)
        r[np.diag_indices_from(r)] = 1
        return r


map_correlation = _Correlation()


# %% top_activating: Python's sorted
def top_activating(images, responses, k):
    order = sorted(range(len(responses)), key=lambda i: (-float(responses[i]), i))[:k]
    return images[order], np.array(order)


# %% top_activating: lexsort
def top_activating(images, responses, k):
    order = np.lexsort((np.arange(len(responses)), -1.0 * responses))[:k]
    return np.take(images, order, axis=0), order


# %% top_activating: the best, k times, as lists
def top_activating(images, responses, k):
    left = responses.astype(np.float64)
    order = []
    for _ in range(k):
        order.append(int(np.argmax(left)))
        left[order[-1]] = -np.inf
    return [images[i].tolist() for i in order], order


# %% top_activating: reversed twice
def top_activating(images, responses, k):
    n = len(responses)
    order = n - 1 - np.argsort(responses[::-1], kind="stable")[::-1][:k]
    return images[order], order


# %% occlusion_map: all at once, by a mask
def occlusion_map(predict, image, label, size, stride=1, fill=0.0):
    _, H, W = image.shape
    tops, lefts = np.arange(0, H - size + 1, stride), np.arange(0, W - size + 1, stride)
    in_rows = (np.arange(H) >= tops[:, None]) & (np.arange(H) < tops[:, None] + size)
    in_columns = (np.arange(W) >= lefts[:, None]) & (np.arange(W) < lefts[:, None] + size)
    mask = in_rows[:, None, :, None] & in_columns[None, :, None, :]  # (rows, columns, H, W)
    covered = np.where(mask[:, :, None], fill, image).reshape(-1, *image.shape)
    return predict(covered)[:, label].reshape(len(tops), len(lefts))


# %% occlusion_map: while loops and nested lists
def occlusion_map(predict, image, label, size, stride=1, fill=0.0):
    result, i = [], 0
    while i + size <= image.shape[1]:
        row, j = [], 0
        while j + size <= image.shape[2]:
            batch = np.array([image], dtype=float)
            for channel in batch[0]:
                for r in range(i, i + size):
                    for c in range(j, j + size):
                        channel[r, c] = fill
            row.append(float(predict(batch)[0][label]))
            j += stride
        result.append(row)
        i += stride
    return result


# %% occlusion_map: one copy, restored each time, in float32 where the image is
def occlusion_map(predict, image, label, size, stride=1, fill=0.0):
    work = image.astype(np.result_type(image, np.float32))
    _, H, W = work.shape
    result = np.empty(((H - size) // stride + 1, (W - size) // stride + 1))
    for i, j in np.ndindex(*result.shape):
        patch = np.s_[:, i * stride : i * stride + size, j * stride : j * stride + size]
        saved = work[patch].copy()
        work[patch] = fill
        result[i, j] = predict(work[np.newaxis]).ravel()[label]
        work[patch] = saved
    return result


# %% occlusion_map: one row of patches a batch, every window a view
from functools import partial


def _rows_of_patches(predict, image, label, size, stride=1, fill=0.0, *, dtype):
    lefts = range(0, image.shape[2] - size + 1, stride)
    rows = []
    for top in range(0, image.shape[1] - size + 1, stride):
        batch = np.tile(image.astype(dtype), (len(lefts), 1, 1, 1))
        views = np.lib.stride_tricks.sliding_window_view(batch, (size, size), axis=(2, 3), writeable=True)
        for m, left in enumerate(lefts):
            views[m, :, top, left] = fill
        rows.append(np.asarray(predict(batch)).T[label])
    return np.vstack(rows)


occlusion_map = partial(_rows_of_patches, dtype=np.float64)


# %% saliency: one-hot from eye
def saliency(params, x, label):
    scores, cache = forward(params, np.expand_dims(x, 0))
    slopes = backward(params, cache, np.eye(scores.shape[1])[label : label + 1])[1]
    return np.maximum(slopes, -slopes)[0].max(0)


# %% saliency: by hand, from the last layer to the image
def saliency(params, x, label):
    x = x[np.newaxis]
    z1 = conv(x, params["conv1.w"], params["conv1.b"])
    z2 = conv(relu(z1), params["conv2.w"], params["conv2.b"])
    a2 = relu(z2)
    grad = params["fc.w"][label].reshape(max_pool(a2).shape)
    grad = max_pool_backward(a2, grad) * (z2 > 0)
    grad = conv_backward(relu(z1), params["conv2.w"], grad)[0] * (z1 > 0)
    grad = conv_backward(x, params["conv1.w"], grad)[0]
    return np.amax(np.absolute(grad), axis=(0, 1))


# %% saliency: an explicit linear map for each layer
def saliency(params, x, label):
    C, H, W = x.shape

    def matrix(f, shape):
        n = int(np.prod(shape))
        return f(np.eye(n).reshape(n, *shape)).reshape(n, -1)  # rows: inputs, columns: outputs

    w1, w2 = params["conv1.w"], params["conv2.w"]
    M1 = matrix(lambda v: conv(v, w1, np.zeros(len(w1))), (C, H, W))
    M2 = matrix(lambda v: conv(v, w2, np.zeros(len(w2))), (len(w1), H, W))
    z1 = x.ravel() @ M1 + np.repeat(params["conv1.b"], H * W)
    z2 = np.maximum(z1, 0) @ M2 + np.repeat(params["conv2.b"], H * W)
    maps = np.maximum(z2, 0).reshape(1, len(w2), H, W)
    up = max_pool_backward(maps, params["fc.w"][label].reshape(1, len(w2), H // 2, W // 2)).ravel()
    grad = M1 @ ((M2 @ (up * (z2 > 0))) * (z1 > 0))
    return np.abs(grad).reshape(C, H, W).max(0)


# %% saliency: a lambda, and a batch of the image for each class
saliency = lambda params, x, label: np.abs(
    (lambda out: backward(params, out[1], np.eye(out[0].shape[1]))[1][label])(
        forward(params, np.stack([x] * len(params["fc.b"])))
    )
).max(axis=0)


# %% gradient_norms: ravel and linalg.norm
def gradient_norms(params, x, y):
    scores, cache = forward(params, x)
    grads = backward(params, cache, cross_entropy(scores, y)[1])[0]
    return [(k, np.linalg.norm(grads[k])) for k in sorted(grads) if k.endswith("w")]


# %% gradient_norms: the mean of single gradients
def gradient_norms(params, x, y):
    total = {}
    for i in range(len(x)):
        scores, cache = forward(params, x[i : i + 1])
        p = softmax(scores)
        p[0, y[i]] -= 1
        for name, g in backward(params, cache, p)[0].items():
            total[name] = total.get(name, 0) + g / len(x)
    return tuple(
        (name, sum(v * v for v in total[name].ravel().tolist()) ** 0.5)
        for name in ("conv1.w", "conv2.w", "fc.w")
    )


# %% gradient_norms: sums of losses divided afterwards, lists in a list
def gradient_norms(params, x, y):
    scores, cache = forward(params, x)
    onehot = np.arange(scores.shape[1]) == np.asarray(y)[:, None]
    grads, _ = backward(params, cache, softmax(scores) - onehot)
    return [
        [f"{name}.w", np.sqrt(np.einsum("i,i->", *[grads[f"{name}.w"].ravel()] * 2)) / len(y)]
        for name in ("conv1", "conv2", "fc")
    ]


# %% gradient_norms: hypot and reduce, a generator in a list
import functools


def gradient_norms(params, x, y):
    scores, cache = forward(params, x)
    _, up = cross_entropy(scores, y.astype(int))
    grads = backward(params, cache, up)[0]
    weights = ((name, grads[name]) for name in ("conv1.w", "conv2.w", "fc.w"))
    return [(name, functools.reduce(np.hypot, g.ravel(), 0.0)) for name, g in weights]


# %% activation_maps wrong: unknown_name_is_a_key_error
def activation_maps(params, x, layer):
    _, (_, z1, a1, z2, a2, _) = forward(params, x)
    return {"conv1": z1, "relu1": a1, "conv2": z2, "relu2": a2, "pool": max_pool(a2)}[layer]


# %% activation_maps wrong: unknown_name_gives_the_last_layer
def activation_maps(params, x, layer):
    y = conv(x, params["conv1.w"], params["conv1.b"])
    if layer == "conv1":
        return y
    y = relu(y)
    if layer == "relu1":
        return y
    y = conv(y, params["conv2.w"], params["conv2.b"])
    if layer == "conv2":
        return y
    y = relu(y)
    if layer == "relu2":
        return y
    return max_pool(y)


# %% activation_maps wrong: rectifies_too_early
def activation_maps(params, x, layer):
    maps = {"conv1": conv(x, params["conv1.w"], params["conv1.b"])}
    maps["relu1"] = np.maximum(maps["conv1"], 0, out=maps["conv1"])
    maps["conv2"] = conv(maps["relu1"], params["conv2.w"], params["conv2.b"])
    maps["relu2"] = np.maximum(maps["conv2"], 0, out=maps["conv2"])
    maps["pool"] = max_pool(maps["relu2"])
    if layer not in maps:
        raise ValueError(layer)
    return maps[layer]


# %% activation_maps wrong: pools_before_the_relu
def activation_maps(params, x, layer):
    _, (_, z1, a1, z2, a2, _) = forward(params, x)
    maps = {"conv1": z1, "relu1": a1, "conv2": z2, "relu2": a2, "pool": max_pool(z2)}
    if layer not in maps:
        raise ValueError(layer)
    return maps[layer]


# %% dead_filters wrong: dead_for_one_image
def dead_filters(activations, threshold):
    return np.flatnonzero((activations.max((2, 3)) == 0).any(0))


# %% dead_filters wrong: threshold_strict
def dead_filters(activations, threshold):
    return np.flatnonzero((activations.max((2, 3)) == 0).mean(0) > threshold)


# %% dead_filters wrong: counts_zero_pixels
def dead_filters(activations, threshold):
    return np.flatnonzero((activations == 0).mean((0, 2, 3)) >= threshold)


# %% dead_filters wrong: indices_in_a_column
def dead_filters(activations, threshold):
    return np.argwhere((activations.max((2, 3)) == 0).mean(0) >= threshold)


# %% map_correlation wrong: correlation_over_maps_flattened_wrongly
def map_correlation(activations):
    rows = activations.reshape(activations.shape[1], -1).astype(float)
    constant = np.ptp(rows, axis=1) == 0
    rows = rows - rows.mean(1, keepdims=True)
    norms = np.where(constant, 1, np.linalg.norm(rows, axis=1))
    r = rows @ rows.T / norms / norms[:, None]
    r[constant], r[:, constant] = 0, 0
    np.fill_diagonal(r, 1)
    return r


# %% map_correlation wrong: nan_on_constant
def map_correlation(activations):
    rows = np.moveaxis(activations, 1, 0).reshape(activations.shape[1], -1)
    return np.atleast_2d(np.corrcoef(rows))


# %% map_correlation wrong: constant_has_no_self
def map_correlation(activations):
    rows = np.moveaxis(activations, 1, 0).reshape(activations.shape[1], -1).astype(float)
    rows = rows - rows.mean(1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.where(norms > 1e-12, rows / np.maximum(norms, 1e-12), 0)
    return rows @ rows.T


# %% top_activating wrong: sorts_ascending
def top_activating(images, responses, k):
    order = np.argsort(responses, kind="stable")[-k:]
    return images[order], order


# %% top_activating wrong: ties_reversed
def top_activating(images, responses, k):
    order = np.argsort(responses, kind="stable")[::-1][:k]
    return images[order], order


# %% top_activating wrong: negates_unsigned
def top_activating(images, responses, k):
    order = np.argsort(-responses, kind="stable")[:k]
    return images[order], order


# %% occlusion_map wrong: occlusion_keeps_last_patch
def occlusion_map(predict, image, label, size, stride=1, fill=0.0):
    covered = image.astype(float)
    rows, columns = range(0, image.shape[1] - size + 1, stride), range(0, image.shape[2] - size + 1, stride)
    result = np.zeros((len(rows), len(columns)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            covered[:, r : r + size, c : c + size] = fill
            result[i, j] = predict(covered[None])[0, label]
    return result


# %% occlusion_map wrong: occlusion_skips_the_border
def occlusion_map(predict, image, label, size, stride=1, fill=0.0):
    rows, columns = range(0, image.shape[1] - size, stride), range(0, image.shape[2] - size, stride)
    result = np.zeros((len(rows), len(columns)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            covered = image.astype(float)
            covered[:, r : r + size, c : c + size] = fill
            result[i, j] = predict(covered[None])[0, label]
    return result


# %% occlusion_map wrong: fill_cut_to_int
def occlusion_map(predict, image, label, size, stride=1, fill=0.0):
    rows, columns = range(0, image.shape[1] - size + 1, stride), range(0, image.shape[2] - size + 1, stride)
    result = np.zeros((len(rows), len(columns)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            covered = image.copy()
            covered[:, r : r + size, c : c + size] = fill
            result[i, j] = predict(covered[None])[0, label]
    return result


# %% occlusion_map wrong: returns_the_drop
def occlusion_map(predict, image, label, size, stride=1, fill=0.0):
    rows, columns = range(0, image.shape[1] - size + 1, stride), range(0, image.shape[2] - size + 1, stride)
    result = np.full((len(rows), len(columns)), predict(image[None])[0, label])
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            covered = image.astype(float)
            covered[:, r : r + size, c : c + size] = fill
            result[i, j] -= predict(covered[None])[0, label]
    return result


# %% saliency wrong: saliency_sums_channels_signed
def saliency(params, x, label):
    scores, cache = forward(params, x[None])
    grad = np.zeros(scores.shape)
    grad[0, label] = 1
    return np.abs(backward(params, cache, grad)[1][0].sum(0))


# %% saliency wrong: loss_for_score
def saliency(params, x, label):
    scores, cache = forward(params, x[None])
    _, grad = cross_entropy(scores, np.array([label]))
    return np.abs(backward(params, cache, grad)[1][0]).max(0)


# %% saliency wrong: all_scores
def saliency(params, x, label):
    scores, cache = forward(params, x[None])
    return np.abs(backward(params, cache, np.ones(scores.shape))[1][0]).max(0)


# %% saliency wrong: keeps_the_channel_axis
def saliency(params, x, label):
    scores, cache = forward(params, x[None])
    grad = np.zeros(scores.shape)
    grad[0, label] = 1
    return np.abs(backward(params, cache, grad)[1][0])


# %% gradient_norms wrong: gradient_norm_per_batch
def gradient_norms(params, x, y):
    scores, cache = forward(params, x)
    grad = softmax(scores)
    grad[np.arange(len(y)), y] -= 1
    grads, _ = backward(params, cache, grad)
    return [(name, np.linalg.norm(grads[name])) for name in ("conv1.w", "conv2.w", "fc.w")]


# %% gradient_norms wrong: order_of_the_dict
def gradient_norms(params, x, y):
    scores, cache = forward(params, x)
    grads, _ = backward(params, cache, cross_entropy(scores, y)[1])
    return [(name, np.linalg.norm(grads[name])) for name in params if name.endswith(".w")]


# %% gradient_norms wrong: includes_biases
def gradient_norms(params, x, y):
    scores, cache = forward(params, x)
    grads, _ = backward(params, cache, cross_entropy(scores, y)[1])
    names = [f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc") for kind in "wb"]
    return [(name, np.linalg.norm(grads[name])) for name in names]


# %% gradient_norms wrong: averages_twice
def gradient_norms(params, x, y):
    scores, cache = forward(params, x)
    grads, _ = backward(params, cache, cross_entropy(scores, y)[1] / len(x))
    return [(name, np.linalg.norm(grads[name])) for name in ("conv1.w", "conv2.w", "fc.w")]
