"""Chapter 4 as others would answer it: right in other styles, which must get full marks, and wrong in known ways.

Each cell is what a student might have in the answer cell. Its title says the exercise and the style, or the exercise,
"wrong" and the id of the mistake. For instructors: never released.
"""
# ruff: noqa: F821 - the notebook gives correlate2d

# %% sobel: slices of a padded image
import numpy as np


def sobel(image):
    p = np.pad(image.astype(float), 1, mode="edge")
    across = p[:, 2:] - p[:, :-2]
    down = p[:-2] - p[2:]
    return (
        across[:-2] + 2 * across[1:-1] + across[2:],
        down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:],
    )


# %% sobel: clipped indices, loops, nested lists
def sobel(image):
    H, W = image.shape
    S = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    gx = [[0.0] * W for _ in range(H)]
    gy = [[0.0] * W for _ in range(H)]
    for i in range(H):
        for j in range(W):
            for a in range(3):
                for b in range(3):
                    value = float(image[min(max(i + a - 1, 0), H - 1), min(max(j + b - 1, 0), W - 1)])
                    gx[i][j] += S[a][b] * value
                    gy[i][j] -= S[b][a] * value
    return gx, gy


# %% sobel: einsum over windows, float32 kept
def sobel(image):
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    padded = np.pad(image.astype(dtype), 1, "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    x = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype)
    return tuple(np.einsum("hwij,cij->chw", windows, np.stack([x, -x.T])))


# %% sobel: FFT
def sobel(image):
    p = np.pad(image.astype(float), 1, mode="edge")
    x = np.zeros(p.shape)
    x[:3, :3] = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    y = np.zeros(p.shape)
    y[:3, :3] = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
    both = [np.fft.ifft2(np.fft.fft2(p) * np.conj(np.fft.fft2(k))).real[:-2, :-2] for k in (x, y)]
    return tuple(both)


# %% edge_strength: complex numbers
def edge_strength(gx, gy, norm="l2"):
    if norm == "l2":
        return np.abs(gx.astype(float) + 1j * gy)
    if norm != "l1":
        raise ValueError("norm?")
    return abs(gx.astype(float)) + abs(gy.astype(float))


# %% edge_strength: a table of lambdas
_NORMS = {
    "l1": lambda gx, gy: np.abs(gx) + np.abs(gy),
    "l2": lambda gx, gy: np.hypot(gx, gy),
}


def edge_strength(gx, gy, norm="l2"):
    try:
        return _NORMS[norm](gx * 1.0, gy * 1.0)
    except KeyError:
        raise ValueError(norm) from None


# %% edge_strength: numpy's norm, float32 kept
def edge_strength(gx, gy, norm="l2"):
    if norm not in ("l1", "l2"):
        raise ValueError("only l1 and l2")
    g = np.stack([gx, gy])
    g = g if g.dtype.kind == "f" else g.astype(np.float64)
    return np.linalg.norm(g, ord=int(norm[1]), axis=0)


# %% edge_direction: math.atan2, nested lists
import math


def edge_direction(gx, gy):
    return [
        [math.atan2(float(v), float(u)) for u, v in zip(*rows, strict=True)]
        for rows in zip(gx, gy, strict=True)
    ]


# %% edge_direction: the angle of a complex number
edge_direction = lambda gx, gy: np.angle(gx.astype(np.float64) + 1j * gy.astype(np.float64))


# %% edge_direction: arctan by quadrants
def edge_direction(gx, gy):
    gx, gy = gx.astype(float), gy.astype(float)
    angle = np.zeros(gx.shape)
    right, left, upright = gx > 0, gx < 0, gx == 0
    angle[right] = np.arctan(gy[right] / gx[right])
    angle[left] = np.arctan(gy[left] / gx[left]) + np.where(gy[left] >= 0, np.pi, -np.pi)
    angle[upright] = np.sign(gy[upright]) * np.pi / 2
    return angle


# %% conv_separable: matrices on both sides
def conv_separable(image, column, row):
    def sliding(taps, n):
        return sum(float(tap) * np.eye(n - len(taps) + 1, n, k) for k, tap in enumerate(taps))

    return sliding(column, image.shape[0]) @ image.astype(float) @ sliding(row, image.shape[1]).T


# %% conv_separable: the outer product after all
def conv_separable(image, column, row):
    kernel = np.outer(column.astype(float), row)
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.tensordot(windows.astype(float), kernel, axes=2)


# %% conv_separable: one tap at a time, column first
def conv_separable(image, column, row):
    H, W = image.shape
    down = sum(float(c) * image[i : H - len(column) + 1 + i] for i, c in enumerate(column))
    return sum(float(r) * down[:, j : W - len(row) + 1 + j] for j, r in enumerate(row))


# %% conv_separable: FFT
def conv_separable(image, column, row):
    h, w = image.shape
    y = np.fft.fft(image.astype(float), axis=1) * np.conj(np.fft.fft(row, w))
    y = np.fft.fft(np.fft.ifft(y, axis=1), axis=0) * np.conj(np.fft.fft(column, h))[:, None]
    return np.fft.ifft(y, axis=0).real[: h - len(column) + 1, : w - len(row) + 1]


# %% box_kernels: outer products
def box_kernels(size=5):
    sides = np.zeros(size)
    sides[0], sides[-1] = 1, -1
    return np.stack([np.outer(-sides, np.ones(size)), np.outer(np.ones(size), sides)])[None]


# %% box_kernels: nested lists of Python ints
def box_kernels(size=5):
    last = size - 1
    h = [[(i == last) - (i == 0) for _ in range(size)] for i in range(size)]
    v = [[(j == 0) - (j == last) for j in range(size)] for _ in range(size)]
    return [[h, v]]


# %% box_kernels: indices, int8, Fortran order
def box_kernels(size=5):
    i, j = np.indices((size, size))
    w = np.zeros((1, 2, size, size), dtype=np.int8, order="F")
    w[0, 0] = np.where(i == 0, -1, np.where(i == size - 1, 1, 0))
    w[0, 1] = np.where(j == 0, 1, np.where(j == size - 1, -1, 0))
    return w


# %% box_response: sums along the sides
def box_response(image, size=5):
    r = size // 2
    p = np.pad(image.astype(float), 1)
    x, y = p[:, 2:] - p[:, :-2], p[:-2] - p[2:]
    gx = np.pad(x[:-2] + 2 * x[1:-1] + x[2:], r)
    gy = np.pad(y[:, :-2] + 2 * y[:, 1:-1] + y[:, 2:], r)
    H, W = image.shape
    out = np.zeros((H, W))
    for i in range(H):
        for j in range(W):
            top, bottom = gy[i, j : j + size].sum(), gy[i + size - 1, j : j + size].sum()
            left, right = gx[i : i + size, j].sum(), gx[i : i + size, j + size - 1].sum()
            out[i, j] = bottom - top + left - right
    return out


# %% box_response: einsum over both channels, float32 where the image is
def box_response(image, size=5):
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    view = np.lib.stride_tricks.sliding_window_view
    sobel_x = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype)
    maps = np.einsum(
        "hwij,cij->chw", view(np.pad(image.astype(dtype), 1), (3, 3)), np.stack([-sobel_x.T, sobel_x])
    )
    maps = np.pad(maps, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
    kernels = np.zeros((2, size, size), dtype)
    kernels[0, 0], kernels[0, -1], kernels[1, :, 0], kernels[1, :, -1] = -1, 1, 1, -1
    return np.einsum("chwij,cij->hw", view(maps, (size, size), axis=(1, 2)), kernels)


# %% box_response: scattering, a callable object
class _Box:
    def __call__(self, image, size=5):
        H, W = image.shape
        r = size // 2
        padded = np.zeros((H + 2, W + 2))
        padded[1:-1, 1:-1] = image
        smooth = np.array([1.0, 2.0, 1.0])
        gx, gy = np.zeros((H, W)), np.zeros((H, W))
        for a in range(3):
            for b in range(3):
                part = padded[a : a + H, b : b + W]
                gx += smooth[a] * (b - 1) * part
                gy += smooth[b] * (1 - a) * part
        big = np.zeros((H + 2 * r, W + 2 * r))
        for k in range(size):
            big[2 * r : 2 * r + H, k : k + W] -= gy  # a top side lies r above its centre
            big[0:H, k : k + W] += gy
            big[k : k + H, 2 * r : 2 * r + W] += gx
            big[k : k + H, 0:W] -= gx
        return big[r : r + H, r : r + W]


box_response = _Box()


# %% find_boxes: argwhere to a plain array
def find_boxes(image, size=5, threshold=None):
    threshold = 16 * size - 9 if threshold is None else threshold
    return np.argwhere(box_response(image, size) > threshold)


# %% find_boxes: loops, another threshold
def find_boxes(image, size=5, threshold=None):
    limit = (16 * size - 13.5) if threshold is None else threshold
    answer = box_response(image, size)
    return [(i, j) for i in range(len(answer)) for j in range(answer.shape[1]) if answer[i, j] > limit]


# %% find_boxes: local maxima, lists of numpy ints
def find_boxes(image, size=5, threshold=None):
    answer = box_response(image, size)
    best = np.lib.stride_tricks.sliding_window_view(np.pad(answer, 1, constant_values=-1e9), (3, 3)).max(
        axis=(2, 3)
    )
    limit = 16 * size - 11 if threshold is None else threshold
    return list(zip(*np.nonzero((answer >= best) & (answer > limit)), strict=True))


# %% match_template: all windows at once
def match_template(image, template):
    v = np.lib.stride_tricks.sliding_window_view(image, template.shape).astype(float)
    v = v - v.mean(axis=(2, 3), keepdims=True)
    t = template - template.mean()
    norms = np.sqrt((v**2).sum(axis=(2, 3)) * (t**2).sum())
    return np.divide((v * t).sum(axis=(2, 3)), norms, out=np.zeros(norms.shape), where=norms > 1e-12)


# %% match_template: sums of squares from running sums
def match_template(image, template):
    x, t = image.astype(float), template.astype(float)
    x = x - np.round(x.mean())
    t = t - t.mean()

    def window_sums(a):
        s = np.pad(a.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        (h, w) = t.shape
        return s[h:, w:] - s[:-h, w:] - s[h:, :-w] + s[:-h, :-w]

    variance = window_sums(x**2) - window_sums(x) ** 2 / t.size
    top = np.tensordot(np.lib.stride_tricks.sliding_window_view(x, t.shape), t, axes=2)
    flat = variance < 1e-7
    return np.where(flat, 0, top / np.sqrt(np.where(flat, 1, variance) * (t**2).sum()))


# %% match_template: corrcoef
def match_template(image, template):
    h, w = template.shape
    rows = []
    for i in range(image.shape[0] - h + 1):
        row = []
        for j in range(image.shape[1] - w + 1):
            v = image[i : i + h, j : j + w].astype(float)
            row.append(
                0.0 if v.max() == v.min() else np.corrcoef(v.ravel(), template.astype(float).ravel())[0, 1]
            )
        rows.append(row)
    return rows


# %% match_template: a matrix product of unit vectors, float32 where the image is
def match_template(image, template):
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    v = np.lib.stride_tricks.sliding_window_view(image.astype(dtype), template.shape)
    shape = v.shape[:2]
    v = v.reshape(-1, template.size)
    v = v - v.mean(axis=1, keepdims=True)
    t = (template.astype(dtype) - template.astype(dtype).mean()).ravel()
    norms = np.linalg.norm(v, axis=1)
    return (v @ (t / np.linalg.norm(t)) / np.where(norms > 1e-6, norms, np.inf)).reshape(shape)


# %% outline_detector: nine 2 x 2 tiles, each exact, brought together in steps of 2
def outline_detector():
    picture = np.zeros((6, 6))
    picture[1:5, 1:5] = 1
    picture[2:4, 2:4] = 0
    tiles = [picture[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] for i in range(3) for j in range(3)]
    w1 = np.stack([2 * tile - 1 for tile in tiles])[:, None]
    b1 = np.array([1 - tile.sum() for tile in tiles])
    w2, w3 = np.zeros((9, 9, 3, 3)), np.zeros((1, 9, 3, 3))
    for c in range(9):
        i, j = divmod(c, 3)
        w2[c, c, i, j] = 1  # i + i = 2 i
        w3[0, c, i, j] = 1
    return [(w1, b1), (w2, np.zeros(9)), (w3, np.array([-8.0]))]


# %% outline_detector: delay lines that copy all 36 pixels, then one weighted sum with half-way threshold
def outline_detector():
    copy3 = np.zeros((9, 1, 3, 3), dtype=np.float32)
    for c in range(9):
        copy3[c, 0, c // 3, c % 3] = 1
    bring = np.zeros((36, 9, 3, 3), dtype=np.float32)
    places = {}
    for row in range(6):
        for column in range(6):
            d = 6 * row + column
            near_row, near_column = min(row, 2), min(column, 2)
            far_row, far_column = min(row - near_row, 2), min(column - near_column, 2)
            bring[d, 3 * near_row + near_column, far_row, far_column] = 1
            places[d] = (row - near_row - far_row, column - near_column - far_column)
    last = np.zeros((1, 36, 2, 2), dtype=np.float32)
    for d, (i, j) in places.items():
        row, column = divmod(d, 6)
        ring = 1 <= row <= 4 and 1 <= column <= 4 and not (2 <= row <= 3 and 2 <= column <= 3)
        last[0, d, i, j] = 1 if ring else -1
    return ((copy3, np.zeros(9)), (bring, np.zeros(36)), (last, np.array([-11.5])))


# %% outline_detector: separable thinking, rows of six pixels first, seven layers
def outline_detector():
    kinds = [(0, 0, 0, 0, 0, 0), (0, 1, 1, 1, 1, 0), (0, 1, 0, 0, 1, 0)]
    wanted = [0, 1, 2, 2, 1, 0]
    w1, b1 = [], []
    for kind in kinds:
        for half in (kind[:3], kind[3:]):
            w1.append([[[1.0 if bit else -1.0 for bit in half]]])
            b1.append(1.0 - sum(half))
    # halves that lie three apart: move by two, then by one
    move, join = np.zeros((6, 6, 1, 3)), np.zeros((3, 6, 1, 2))
    for k in range(3):
        move[2 * k, 2 * k, 0, 0] = move[2 * k + 1, 2 * k + 1, 0, 2] = 1
        join[k, 2 * k, 0, 0] = join[k, 2 * k + 1, 0, 1] = 1
    # then the rows, upper three and lower three
    halves = np.zeros((2, 3, 3, 1))
    for i in range(3):
        halves[0, wanted[i], i, 0] = halves[1, wanted[3 + i], i, 0] = 1
    down2, down1 = np.zeros((2, 2, 3, 1)), np.zeros((1, 2, 2, 1))
    down2[0, 0, 0, 0] = down2[1, 1, 2, 0] = 1
    down1[0, 0, 0, 0] = down1[0, 1, 1, 0] = 1
    return [
        (np.array(w1), np.array(b1)),
        (move, np.zeros(6)),
        (join, np.full(3, -1.0)),
        (halves, np.full(2, -2.0)),
        (down2, np.zeros(2)),
        (down1, np.array([-1.0])),
        (np.array([[[[1000.0]]]]), np.array([0.0])),
    ]


# %% outline_detector: counts mistakes instead of matches, and looks a pixel further than it must
def outline_detector():
    bracket = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 0]])
    w, b = [], []
    for turn in range(4):
        pattern = np.rot90(bracket, turn)
        w += [[np.where(pattern, 0.3, -0.3)]]
        b += [-0.3 * (pattern.sum() - 0.5)]
    turns = [(0, 0), (1, 0), (1, 1), (0, 1)]  # where the corner goes when it is turned anticlockwise
    spread, gather = np.zeros((4, 4, 3, 3)), np.zeros((1, 4, 3, 3))
    for c, (down, right) in enumerate(turns):
        spread[c, c, 1 + down, 1 + right] = 1
        gather[0, c, 2 * down, 2 * right] = 1 / 0.15
    return [(np.array(w), np.array(b)), (spread, np.zeros(4)), (gather, np.array([-3.5]))]


# %% sobel wrong: zero_border_edges
def sobel(image):
    p = np.pad(image, 1)
    x = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return correlate2d(p, x), correlate2d(p, -x.T)


# %% sobel wrong: sign_flipped_in_gy
def sobel(image):
    p = np.pad(image, 1, mode="edge")
    x = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return correlate2d(p, x), correlate2d(p, x.T)


# %% sobel wrong: reflects_the_border
def sobel(image):
    p = np.pad(image, 1, mode="reflect")
    return (
        correlate2d(p, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])),
        correlate2d(p, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])),
    )


# %% sobel wrong: uint8_overflow
def sobel(image):
    p = np.pad(image, 1, mode="edge")
    x, y = p[:, 2:] - p[:, :-2], p[:-2] - p[2:]
    return x[:-2] + 2 * x[1:-1] + x[2:], y[:, :-2] + 2 * y[:, 1:-1] + y[:, 2:]


# %% edge_strength wrong: strength_without_root
def edge_strength(gx, gy, norm="l2"):
    gx, gy = gx.astype(float), gy.astype(float)
    if norm == "l1":
        return np.abs(gx) + np.abs(gy)
    if norm == "l2":
        return gx**2 + gy**2
    raise ValueError(norm)


# %% edge_strength wrong: accepts_any_norm
def edge_strength(gx, gy, norm="l2"):
    if norm == "l1":
        return np.abs(gx.astype(float)) + np.abs(gy.astype(float))
    return np.hypot(gx, gy)


# %% edge_strength wrong: forgets_the_absolute_value
def edge_strength(gx, gy, norm="l2"):
    gx, gy = gx.astype(float), gy.astype(float)
    if norm == "l1":
        return gx + gy
    if norm == "l2":
        return np.sqrt(gx**2 + gy**2)
    raise ValueError(norm)


# %% edge_direction wrong: arctan_not_arctan2
def edge_direction(gx, gy):
    return np.arctan(gy / gx)


# %% edge_direction wrong: swaps_arctan_arguments
def edge_direction(gx, gy):
    return np.arctan2(gx, gy)


# %% edge_direction wrong: nan_on_flat
def edge_direction(gx, gy):
    length = np.sqrt(gx**2.0 + gy**2.0)
    return np.where(gy < 0, -1, 1) * np.arccos(np.clip(gx / length, -1, 1))


# %% conv_separable wrong: unseparated_outer
def conv_separable(image, column, row):
    return correlate2d(image, np.outer(row.astype(float), column))


# %% conv_separable wrong: row_only
def conv_separable(image, column, row):
    correlate2d(image, column[:, None])
    return correlate2d(image, row[None, :])


# %% conv_separable wrong: adds_the_two_passes
def conv_separable(image, column, row):
    down, across = correlate2d(image, column[:, None]), correlate2d(image, row[None, :])
    h, w = down.shape[0], across.shape[1]
    return down[:, :w] + across[:h]


# %% box_kernels wrong: sign_flipped_in_v
def box_kernels(size=5):
    w = np.zeros((1, 2, size, size))
    w[0, 0, 0, :], w[0, 0, -1, :] = -1, 1
    w[0, 1, :, 0], w[0, 1, :, -1] = -1, 1
    return w


# %% box_kernels wrong: forgets_the_kernel_axis
def box_kernels(size=5):
    h = np.zeros((size, size))
    h[0], h[-1] = -1, 1
    return np.stack([h, -h.T])


# %% box_kernels wrong: swaps_gx_gy
def box_kernels(size=5):
    h = np.zeros((size, size))
    h[0], h[-1] = -1, 1
    return np.stack([-h.T, h])[None]


# %% box_response wrong: replicates_the_border
def box_response(image, size=5):
    gx, gy = sobel(image)
    h, v = box_kernels(size)[0]
    return correlate2d(np.pad(gy, size // 2), h) + correlate2d(np.pad(gx, size // 2), v)


# %% box_response wrong: magnitude_before_sign
def box_response(image, size=5):
    p = np.pad(image, 1)
    gx = np.abs(correlate2d(p, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])))
    gy = np.abs(correlate2d(p, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])))
    h, v = box_kernels(size)[0]
    return correlate2d(np.pad(gy, size // 2), h) + correlate2d(np.pad(gx, size // 2), v)


# %% box_response wrong: pads_once
def box_response(image, size=5):
    p = np.pad(image, 1 + size // 2)
    gx = correlate2d(p, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
    gy = correlate2d(p, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]))
    h, v = box_kernels(size)[0]
    return correlate2d(gy, h) + correlate2d(gx, v)


# %% box_response wrong: last_channel_overwrites
def box_response(image, size=5):
    p = np.pad(image, 1)
    maps = [
        correlate2d(p, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])),
        correlate2d(p, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])),
    ]
    for c in range(2):
        y = correlate2d(np.pad(maps[c], size // 2), box_kernels(size)[0, c])
    return y


# %% find_boxes wrong: accepts_smaller_box
def find_boxes(image, size=5, threshold=None):
    answer = box_response(image, size)
    if threshold is None:
        return [(int(i), int(j)) for i, j in np.argwhere(answer >= 16 * size - 14)]
    return [(int(i), int(j)) for i, j in np.argwhere(answer > threshold)]


# %% find_boxes wrong: reports_neighbours
def find_boxes(image, size=5, threshold=None):
    threshold = 8 * size - 4 if threshold is None else threshold
    return [(int(i), int(j)) for i, j in np.argwhere(box_response(image, size) > threshold)]


# %% find_boxes wrong: accepts_dark
def find_boxes(image, size=5, threshold=None):
    if threshold is None:
        threshold = 16 * size - 10
    return [(int(i), int(j)) for i, j in np.argwhere(np.abs(box_response(image, size)) > threshold)]


# %% find_boxes wrong: swaps_row_and_column
def find_boxes(image, size=5, threshold=None):
    threshold = 16 * size - 11 if threshold is None else threshold
    rows, columns = np.nonzero(box_response(image, size) > threshold)
    return [(int(x), int(y)) for x, y in zip(columns, rows, strict=True)]


# %% match_template wrong: template_without_norm
def match_template(image, template):
    t = template - template.mean()
    v = np.lib.stride_tricks.sliding_window_view(image, template.shape).astype(float)
    return ((v - v.mean(axis=(2, 3), keepdims=True)) * t).sum(axis=(2, 3))


# %% match_template wrong: nan_on_flat
def match_template(image, template):
    v = np.lib.stride_tricks.sliding_window_view(image, template.shape).astype(float)
    v = v - v.mean(axis=(2, 3), keepdims=True)
    t = template - template.mean()
    return (v * t).sum(axis=(2, 3)) / np.sqrt((v * v).sum(axis=(2, 3)) * (t * t).sum())


# %% match_template wrong: window_without_mean
def match_template(image, template):
    v = np.lib.stride_tricks.sliding_window_view(image, template.shape).astype(float)
    t = template - template.mean()
    norms = np.sqrt((v * v).sum(axis=(2, 3)) * (t * t).sum())
    return np.divide((v * t).sum(axis=(2, 3)), norms, out=np.zeros(norms.shape), where=norms > 1e-9)


# %% match_template wrong: template_without_mean
def match_template(image, template):
    v = np.lib.stride_tricks.sliding_window_view(image, template.shape).astype(float)
    v = v - v.mean(axis=(2, 3), keepdims=True)
    t = template.astype(float)
    norms = np.sqrt((v * v).sum(axis=(2, 3)) * (t * t).sum())
    return np.divide((v * t).sum(axis=(2, 3)), norms, out=np.zeros(norms.shape), where=norms > 1e-9)


# %% outline_detector wrong: accepts_solid
def outline_detector():
    corner = np.array([[-1, -1, -1], [-1, 1, 1], [-1, 1, 0]])
    w1 = np.stack([corner, corner[:, ::-1], corner[::-1], corner[::-1, ::-1]])[:, None]
    w2, w3 = np.zeros((4, 4, 3, 3)), np.zeros((1, 4, 2, 2))
    for c in range(4):
        w2[c, c, 2 * (c // 2), 2 * (c % 2)] = w3[0, c, c // 2, c % 2] = 1
    return [(w1, np.full(4, -2)), (w2, np.zeros(4)), (w3, np.array([-3]))]


# %% outline_detector wrong: any_corner_will_do
def outline_detector():
    corner = np.array([[-1, -1, -1], [-1, 1, 1], [-1, 1, -1]])
    w1 = np.stack([corner, corner[:, ::-1], corner[::-1], corner[::-1, ::-1]])[:, None]
    w2, w3 = np.zeros((4, 4, 3, 3)), np.zeros((1, 4, 2, 2))
    for c in range(4):
        w2[c, c, 2 * (c // 2), 2 * (c % 2)] = w3[0, c, c // 2, c % 2] = 1
    return [(w1, np.full(4, -2)), (w2, np.zeros(4)), (w3, np.zeros(1))]


# %% outline_detector wrong: never_fires
def outline_detector():
    corner = np.array([[-1, -1, -1], [-1, 1, 1], [-1, 1, -1]])
    w1 = np.stack([corner, corner[:, ::-1], corner[::-1], corner[::-1, ::-1]])[:, None]
    w2, w3 = np.zeros((4, 4, 3, 3)), np.zeros((1, 4, 2, 2))
    for c in range(4):
        w2[c, c, 2 * (c // 2), 2 * (c % 2)] = w3[0, c, c // 2, c % 2] = 1
    return [(w1, np.full(4, -3)), (w2, np.zeros(4)), (w3, np.array([-4]))]


# %% outline_detector wrong: one_pixel_too_near
def outline_detector():
    corner = np.array([[-1, -1, -1], [-1, 1, 1], [-1, 1, -1]])
    w1 = np.stack([corner, corner[:, ::-1], corner[::-1], corner[::-1, ::-1]])[:, None]
    w2 = np.zeros((1, 4, 3, 3))
    for c in range(4):
        w2[0, c, 2 * (c // 2), 2 * (c % 2)] = 1
    return [(w1, np.full(4, -2)), (w2, np.array([-3]))]


# %% outline_detector wrong: kernel_too_large
def outline_detector():
    w = np.full((1, 1, 6, 6), -1)
    w[0, 0, 1:5, 1:5] = 1
    w[0, 0, 2:4, 2:4] = -1
    return [(w, np.array([-11]))]
