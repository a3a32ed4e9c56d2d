"""Chapter 4: what each exercise is, in torch, and what goes wrong. No numpy solution stands here."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

from course.kit.common import common_mistakes
from course.kit.compare import Difference
from course.kit.exercise import Exercise, Outcome, call, draw, shared_mistake

SOBEL = torch.tensor(
    [[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]], dtype=torch.float64
)


def _bytes(seed, *shape):
    return draw(seed, *shape, low=0, high=256, dtype="uint8")


def _correlate(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def _frame(image, width, mode="constant"):
    return F.pad(image[None, None], (width,) * 4, mode=mode)[0, 0]


def _gradient(image, mode="replicate", kernels=SOBEL):
    """Both Sobel answers, (2, H, W): x, then y."""
    return torch.stack([_correlate(_frame(image, 1, mode), kernel) for kernel in kernels])


def _sobel(image):
    return tuple(_gradient(image))


sobel = Exercise(
    oracle=_sobel,
    probes=[
        call(draw(1, 5, 7)),
        call(draw(2, 2, 3)),
        call(draw(3, 6, 2)),
        call(_bytes(4, 4, 6)),
        call(np.repeat([[0, 0, 3, 3, 3]], 4, axis=0)),
    ],
)


def _strength(gx, gy, norm="l2"):
    if norm not in ("l1", "l2"):
        raise ValueError(f"there is no norm {norm!r}")
    return torch.hypot(gx, gy) if norm == "l2" else gx.abs() + gy.abs()


edge_strength = Exercise(
    oracle=_strength,
    probes=[
        call(draw(11, 3, 4), draw(12, 3, 4)),
        call(draw(13, 4, 2), draw(14, 4, 2), norm="l1"),
        call(draw(15, 2, 3), draw(16, 2, 3), "l1"),
        call(draw(17, 3, 3, low=-9, high=9, dtype="int64"), draw(18, 3, 3, low=-9, high=9, dtype="int64")),
        call(_bytes(19, 3, 4), _bytes(20, 3, 4)),
        call(_bytes(21, 3, 4), _bytes(22, 3, 4), norm="l1"),
        call(draw(23, 2, 2), draw(24, 2, 2), norm="l3"),
    ],
)

edge_direction = Exercise(
    oracle=lambda gx, gy: torch.atan2(gy, gx),
    probes=[
        call(draw(31, 3, 5), draw(32, 3, 5)),
        call(np.array([[3, -3, 0], [0, 0, 0]]), np.array([[0, 0, 2], [-2, 0, 0]])),
        call(np.array([[3.0, -3.0], [-4.0, 4.0]]), np.array([[3.0, 4.0], [-3.0, -4.0]])),
        call(np.zeros((2, 2)), np.zeros((2, 2))),
    ],
)

conv_separable = Exercise(
    oracle=lambda image, column, row: _correlate(image, torch.outer(column, row)),
    probes=[
        call(draw(41, 6, 8), draw(42, 3), draw(43, 3)),
        call(draw(44, 7, 5), draw(45, 2), draw(46, 4)),
        call(draw(47, 5, 6), draw(48, 4), draw(49, 1)),
        call(_bytes(50, 5, 6), draw(51, 3), draw(52, 2)),
        call(_bytes(53, 5, 6), _bytes(54, 2), _bytes(55, 3)),
        call(draw(56, 3, 5), draw(57, 3), draw(58, 5)),
    ],
)


def _kernels(size=5):
    kernels = torch.zeros(1, 2, size, size, dtype=torch.float64)
    kernels[0, 0, 0], kernels[0, 0, -1] = -1, 1
    kernels[0, 1, :, 0], kernels[0, 1, :, -1] = 1, -1
    return kernels


box_kernels = Exercise(oracle=_kernels, probes=[call(), call(size=3), call(4), call(7)])


def _answer(gradient, size=5, kernels=None):
    """The box detector on a gradient (2, H, W): x, then y."""
    kernels = _kernels(size) if kernels is None else kernels
    return F.conv2d(gradient.flip(0)[None], kernels, padding=size // 2)[0, 0]


def _response(image, size=5, mode="constant"):
    return _answer(_gradient(image, mode), size)


box_response = Exercise(
    oracle=_response,
    probes=[
        call(draw(61, 8, 9)),
        call(draw(62, 6, 5), 3),
        call(draw(63, 9, 10), size=7),
        call(_bytes(64, 7, 8)),
        call(draw(65, 6, 7, low=-9, high=9, dtype="int64"), size=3),
        call(np.pad(np.ones((5, 5)), 2)),
    ],
)


def _page(height, width, *shapes):
    """A dark page with shapes, each (row, column, array), put on it."""
    page = np.zeros((height, width))
    for row, column, shape in shapes:
        page[row : row + shape.shape[0], column : column + shape.shape[1]] = shape
    return page


def _hollow(size):
    return np.pad(np.zeros((size - 2, size - 2)), 1, constant_values=1)


def _found(image, size, threshold, change=None, answer=None):
    """Where the answer, changed, exceeds the threshold."""
    answer = _response(image, size) if answer is None else answer
    answer = answer if change is None else change(answer)
    return [tuple(place) for place in (answer > threshold).nonzero().tolist()]


def _peaks(answer):
    """The answer with everything but the local maxima made small."""
    highest = F.max_pool2d(answer[None], 3, stride=1, padding=1)[0]
    return torch.where(answer >= highest - 1e-9, answer, -1e9)


def _default(size, threshold):
    return 16 * size - 11 if threshold is None else threshold


find_boxes = Exercise(
    oracle=lambda image, size=5, threshold=None: _found(image, size, _default(size, threshold)),
    probes=[
        # two boxes, of which the lower one is further to the left
        call(_page(24, 30, (3, 17, np.ones((5, 5))), (13, 2, np.ones((5, 5))))),
        # every near miss, and a box
        call(_page(17, 16, (2, 2, np.ones((4, 5))), (10, 9, np.ones((5, 5))))),
        call(_page(18, 17, (2, 2, np.ones((6, 6))), (11, 9, np.ones((5, 5))))),
        call(_page(17, 18, (2, 2, _hollow(5)), (10, 9, np.ones((5, 5))))),
        call(1 - _page(15, 17, (4, 6, np.ones((5, 5))))),
        call(_page(16, 15, (0, 9, np.ones((3, 3))), (8, 3, np.ones((3, 3)))), size=3),
        call(_page(20, 32, (5, 4, np.ones((7, 7))), (11, 20, np.ones((5, 5)))), 7),
        call(_page(14, 25, (4, 4, np.ones((5, 5))), (4, 15, np.ones((3, 5)))), threshold=53),
        call(_page(14, 15, (4, 4, np.ones((5, 5)))), threshold=100),
    ],
)


def _windows(image, template):
    return image.unfold(0, template.shape[0], 1).unfold(1, template.shape[1], 1).flatten(2)


def _norm(values):
    return values.norm(dim=-1)


def _centred(values):
    return values - values.mean(-1, keepdim=True)


def _cosines(windows, pattern):
    """Inner products divided by both norms; 0 where one of them is 0."""
    norms = _norm(windows) * _norm(pattern)
    return torch.where(norms > 1e-9, windows @ pattern / norms.clamp_min(1e-9), 0.0)


match_template = Exercise(
    oracle=lambda image, template: _cosines(
        _centred(_windows(image, template)), _centred(template.flatten())
    ),
    probes=[
        call(draw(71, 6, 8), draw(72, 2, 3)),
        call(draw(73, 7, 5) + 4, draw(74, 4, 2) - 3),
        call(_page(8, 9, (1, 1, np.full((3, 3), 9.0)), (4, 5, np.eye(3))), np.eye(3)[:2]),
        call(_bytes(75, 5, 7), _bytes(76, 3, 2)),
        call(draw(77, 6, 5, low=-9, high=9, dtype="int64"), draw(78, 2, 2)),
        call(draw(79, 3, 4), draw(80, 3, 4)),
    ],
)


# ---------------------------------------------------------------- outline_detector: judged by what it does

MARGIN = 8
OUTLINE = np.pad(_hollow(4), 1)


def _picture(on):
    """A 0/1 picture, from rows of text or an array, with its dark margin."""
    if isinstance(on, tuple):
        on = torch.tensor([[float(letter == "#") for letter in row] for row in on])
    return _frame(torch.as_tensor(on, dtype=torch.float64), MARGIN)


def _places(fires):
    """How many places fire: what is nearer than 8 pixels is one place."""
    left, count = fires.clone(), 0
    while left.any():
        row, column = left.nonzero()[0].tolist()
        left[row : row + 8, max(0, column - 7) : column + 8] = False
        count += 1
    return count


def _complaint(layers):
    """What is wrong with the form of a list of layers; None where nothing is."""
    if not isinstance(layers, list | tuple) or not layers:
        return "a list of layers (w, b) is expected"
    channels = 1
    for number, layer in enumerate(layers, start=1):
        if not isinstance(layer, list | tuple) or len(layer) != 2:
            return f"layer {number} is not a pair (w, b)"
        try:
            w, b = (np.asarray(part, dtype=np.float64) for part in layer)
        except (TypeError, ValueError):
            return f"layer {number}: w and b must be arrays of real numbers"
        if w.ndim != 4:
            return f"layer {number}: w has {w.ndim} axes; four are expected, (D, C, kH, kW)"
        if max(w.shape[2:]) > 3:
            return f"layer {number}: its kernels are {w.shape[2]} x {w.shape[3]}; at most 3 x 3 is allowed"
        if min(w.shape) < 1:
            return f"layer {number}: w is empty"
        if w.shape[1] != channels:
            return f"layer {number}: its kernels have {w.shape[1]} channels, and {channels} come in"
        if b.shape != (w.shape[0],):
            return f"layer {number}: b has shape {b.shape}; one bias a kernel is expected, ({w.shape[0]},)"
        if not (np.isfinite(w).all() and np.isfinite(b).all()):
            return f"layer {number}: w or b holds something that is not a finite number"
        channels = w.shape[0]
    return None if channels == 1 else f"the last layer has {channels} kernels; one output channel is expected"


def _run(layers, on):
    """At how many places the layers fire, or a complaint about them."""
    if complaint := _complaint(layers):
        return complaint
    x = _picture(on)[None]
    for number, layer in enumerate(layers, start=1):
        w, b = (torch.from_numpy(np.array(part, dtype=np.float64)) for part in layer)
        if any(n < k for n, k in zip(x.shape[1:], w.shape[2:], strict=True)):
            return f"layer {number}: nothing of the picture is left for its kernels; use fewer layers"
        x = F.relu(F.conv2d(x[None], w, b)[0])
    return _places(x[0] > 1e-9)  # more than 0, up to rounding


class Network(Exercise):
    """An exercise whose answer is a network without arguments; a call says on which picture it is run."""

    def outcome(self, function, given, again=True):
        """Make the layers and run them; a mistake answers for a picture by itself."""
        if self._is_ours(function):
            return super().outcome(function, given, again)
        made = super().outcome(function, call(), again)
        if made.error is not None or made.refused or made.stale:
            return made
        return Outcome(_run(made.value, *given.args, **given.kwargs), printed=made.printed)

    def verdict(self, given, outcome):
        """Say what is wrong without numbers that would mean something else for every network."""
        if isinstance(outcome.value, str):
            return Difference("layers", outcome.value)
        if outcome.stale:
            return Difference("again", outcome.stale)
        found = super().verdict(given, outcome)
        if found is None or found.kind != "values":
            return found
        expected = self.expected(given)
        if not outcome.value:
            return Difference("silent", "your layers stay silent where a 4 x 4 outline stands alone")
        if not expected:
            return Difference("fires", "your layers fire where no 4 x 4 outline stands alone")
        return Difference("count", "your layers do not fire once for each 4 x 4 outline that stands alone")


def _off(picture, target=OUTLINE, care=None):
    """In how many pixels each window differs from the target, counting those where `care` is 1."""
    target = torch.as_tensor(target, dtype=torch.float64)
    care = torch.ones_like(target) if care is None else torch.as_tensor(care, dtype=torch.float64)
    windows = _windows(picture, target)
    return ((windows - target.flatten()).abs() * care.flatten()).sum(-1)


def _count(on, care=None, allowed=0, target=OUTLINE):
    return _places(_off(_picture(on), target, care) <= allowed)


def _corners(on):
    """Which of the four 3 x 3 corners of the target each window holds, (4, H, W)."""
    care = np.zeros((2, 2, 6, 6))
    for down, right in itertools.product((0, 1), repeat=2):
        care[down, right, 3 * down : 3 * down + 3, 3 * right : 3 * right + 3] = 1
    return torch.stack([_off(_picture(on), care=c) == 0 for c in care.reshape(4, 6, 6)])


def _text(*rows):
    return call(on=rows)


outline_detector = Network(
    oracle=_count,
    probes=[
        _text("####", "#..#", "#..#", "####"),
        _text("####", "####", "####", "####"),
        _text("####", "##.#", "#..#", "####"),
        _text("###", "#.#", "###"),
        _text("#####", "#...#", "#...#", "#...#", "#####"),
        _text("####", "#..#", "#..#", "#..#", "####"),
        _text("####", "...#", "#..#", "####"),
        _text("####.", "#..#.", "#..##", "####."),
        _text(".####", ".#..#", ".#..#", ".####", "#...."),
        _text("####", "#..#", "#...", "##.."),
        _text("#..", "...", "..."),
        call(on=np.kron(np.eye(2), np.pad(_hollow(4), 8))),
        call(on=draw(91, 20, 23, low=0, high=2)),
    ],
)

common_mistakes(edge_strength, conv_separable, box_response, match_template)


# ---------------------------------------------------------------- sobel


@sobel.mistake("You return (gy, gx). The change from left to right, gx, comes first.")
def swaps_gx_gy(image):
    """Exchanges the two results."""
    return _sobel(image)[::-1]


@sobel.mistake("Both of your results have the wrong sign: is a kernel rotated, as in true convolution?")
def sign_flipped(image):
    """Rotates the kernels by 180 degrees, which for Sobel's is a change of sign."""
    return tuple(-_gradient(image))


@sobel.mistake("gx is right and gy has the wrong sign: here gy is positive where it gets darker downwards.")
def sign_flipped_in_gy(image):
    """Takes [-1 -2 -1; 0 0 0; 1 2 1] for Sobel y, as many libraries do."""
    gx, gy = _sobel(image)
    return gx, -gy


@sobel.mistake("gy is right and gx has the wrong sign: gx is positive where it gets brighter to the right.")
def sign_flipped_in_gx(image):
    """Takes [1 0 -1; 2 0 -2; 1 0 -1] for Sobel x."""
    gx, gy = _sobel(image)
    return -gx, gy


@sobel.mistake("Along the border you find edges that are not there: you pad with zeros, not by replication.")
def zero_border_edges(image):
    """Pads with zeros, so the end of the image looks like an edge."""
    return tuple(_gradient(image, "constant"))


@sobel.mistake(
    "Inside all is right; on the border you mirror the image. Repeat the outermost pixels instead."
)
def reflects_the_border(image):
    """Pads by reflection."""
    return tuple(_gradient(image, "reflect"))


@sobel.mistake("Your result is smaller than the image: pad it first, by one pixel on each side.")
def keeps_the_valid_part(image):
    """Does not pad; for an image of 2 x 2 nothing is left."""
    return tuple(g[1:-1, 1:-1] for g in _gradient(image))


@sobel.mistake("Your results have lost their negative values: an edge from bright to dark is negative.")
def clips_negatives(image):
    """Takes the positive part, as if the result had to be a picture."""
    return tuple(_gradient(image).clamp_min(0))


@sobel.mistake("Your results are never negative: keep the sign, the strength comes later.")
def takes_the_absolute_value(image):
    """Returns |gx| and |gy|."""
    return tuple(_gradient(image).abs())


@sobel.mistake("You weigh all three rows alike; in Sobel's kernels the middle one counts twice.")
def equal_weights(image):
    """Prewitt's kernels, [-1 0 1] three times."""
    return tuple(_gradient(image, kernels=SOBEL.clamp(-1, 1)))


@sobel.mistake(
    "Your results are too small by one factor everywhere. The kernels are used as they are printed."
)
def divides_by_eight(image):
    """Normalises the kernels, so that a ramp gives its slope."""
    return tuple(_gradient(image) / 8)


@sobel.mistake(
    "Numbers of type uint8 wrap around at 256: convert to float before you calculate.", own_types=True
)
def uint8_overflow(image):
    """Subtracts uint8 from uint8, which wraps around."""
    g = _gradient(image.double())
    return tuple(g if image.is_floating_point() else g % 256)


@sobel.mistake("Your function changes its input array. Work on a copy.")
def changes_its_input(image):
    """Works in place."""
    g = _sobel(image)
    image.mul_(2)
    return g


# ---------------------------------------------------------------- edge_strength and edge_direction


@edge_strength.mistake("Your l2 strength is the square of the right one.")
def strength_without_root(gx, gy, norm="l2"):
    """Forgets the square root."""
    return _strength(gx, gy, norm) ** (2 if norm == "l2" else 1)


@edge_strength.mistake("Your result is the same for both norms.")
def ignores_the_norm(gx, gy, norm="l2"):
    """Always l2, whatever is asked."""
    return _strength(gx, gy)


@edge_strength.mistake("You have exchanged the norms: l1 adds absolute values, l2 adds squares.")
def swaps_the_norms(gx, gy, norm="l2"):
    """l1 for l2."""
    return _strength(gx, gy, {"l1": "l2", "l2": "l1"}.get(norm, norm))


@edge_strength.mistake("Your l1 strength can be negative, or 0 on an edge: do gx and gy cancel each other?")
def forgets_the_absolute_value(gx, gy, norm="l2"):
    """gx + gy."""
    return gx + gy if norm == "l1" else _strength(gx, gy, norm)


@edge_strength.mistake("Your l1 strength takes the absolute value of the sum, so gx and gy may cancel.")
def absolute_value_of_the_sum(gx, gy, norm="l2"):
    """|gx + gy|."""
    return (gx + gy).abs() if norm == "l1" else _strength(gx, gy, norm)


@edge_strength.mistake("A norm that is neither l1 nor l2 must raise a ValueError.")
def accepts_any_norm(gx, gy, norm="l2"):
    """An else for elif."""
    return _strength(gx, gy, norm if norm == "l1" else "l2")


@edge_strength.mistake("Your l1 strength is the larger of the two. Add them.")
def larger_of_the_two(gx, gy, norm="l2"):
    """The maximum norm."""
    return torch.maximum(gx.abs(), gy.abs()) if norm == "l1" else _strength(gx, gy, norm)


@edge_direction.mistake("Opposite directions give you the same angle: gy / gx has lost both signs.")
def arctan_not_arctan2(gx, gy):
    """arctan(gy / gx): half a turn is lost, and 0 / 0 is nan."""
    return torch.atan(gy / gx)


@edge_direction.mistake("Your angles start at the wrong axis: which argument of arctan2 comes first?")
def swaps_arctan_arguments(gx, gy):
    """arctan2(gx, gy)."""
    return torch.atan2(gx, gy)


@edge_direction.mistake("Where both gx and gy are 0 your angle is nan; it must be a finite number.")
def nan_on_flat(gx, gy):
    """Divides by the strength."""
    return torch.atan2(gy, gx) + 0 / torch.hypot(gx, gy)


@edge_direction.mistake("Your angles are degrees; radians are asked for.")
def degrees(gx, gy):
    """Converts to degrees."""
    return torch.rad2deg(torch.atan2(gy, gx))


@edge_direction.mistake("Your angles run from 0 to 2π; arctan2 gives them from -π to π.")
def from_zero_to_two_pi(gx, gy):
    """Adds a turn to the negative ones."""
    return torch.atan2(gy, gx) % (2 * torch.pi)


@edge_direction.mistake("Your angle has the wrong sign: gy is already positive towards the top.")
def measures_clockwise(gx, gy):
    """arctan2(-gy, gx), to correct for rows that run downwards."""
    return torch.atan2(-gy, gx)


@edge_direction.mistake("Your angle runs along the edge, a quarter turn away from the gradient.")
def along_the_edge(gx, gy):
    """Adds a quarter turn."""
    return torch.atan2(gy, gx) + torch.pi / 2


# ---------------------------------------------------------------- conv_separable


@conv_separable.mistake(
    "Your result matches np.outer(row, column): the column runs down the image, the row across it."
)
def unseparated_outer(image, column, row):
    """Exchanges the two kernels."""
    if column.numel() > image.shape[1] or row.numel() > image.shape[0]:
        raise ValueError("the kernel does not fit")
    return _correlate(image, torch.outer(row, column))


@conv_separable.mistake("Your result matches kernels read back to front: no flip, please.")
def flips_the_kernel(image, column, row):
    """True convolution."""
    return _correlate(image, torch.outer(column.flip(0), row.flip(0)))


@conv_separable.mistake("Your column is right; your row is read back to front.")
def flips_the_row(image, column, row):
    """Flips one of the two."""
    return _correlate(image, torch.outer(column, row.flip(0)))


@conv_separable.mistake(
    "Only the column has been applied: the second pass is missing or starts from the image."
)
def column_only(image, column, row):
    """Forgets the second pass."""
    return _correlate(image, column[:, None])


@conv_separable.mistake(
    "Only the row has been applied: the second pass must start from what the first one gives."
)
def row_only(image, column, row):
    """The second pass reads the image and overwrites the first."""
    return _correlate(image, row[None])


@conv_separable.mistake("You add the two passes. The second one works on the result of the first.")
def adds_the_two_passes(image, column, row):
    """Column plus row instead of row after column."""
    down, across = _correlate(image, column[:, None]), _correlate(image, row[None])
    return down[:, : across.shape[1]] + across[: down.shape[0]]


@conv_separable.mistake("Your result is as large as the image; only windows that fit entirely count here.")
def same_size_output(image, column, row):
    """Pads so that the output is as large as the input."""
    pads = [((n - 1) // 2, n // 2) for n in (row.numel(), column.numel())]
    return conv_separable.oracle(F.pad(image, (*pads[0], *pads[1])), column, row)


@conv_separable.mistake("The last row and the last column of your result are missing.")
def drops_the_last_window(image, column, row):
    """range(H - K) for range(H - K + 1)."""
    return conv_separable.oracle(image, column, row)[:-1, :-1]


@conv_separable.mistake("Rows and columns of your result are exchanged: was it transposed back?")
def swaps_output_axes(image, column, row):
    """Transposes to slide downwards, and forgets to transpose back."""
    return conv_separable.oracle(image, column, row).T


# ---------------------------------------------------------------- box_kernels


@box_kernels.mistake("All signs are the wrong way round: these kernels look for a dark box.")
def sign_flipped(size=5):
    """Detects dark boxes."""
    return -_kernels(size)


@box_kernels.mistake("H is right, V has the wrong sign: what is gx at the left side of a bright box?")
def sign_flipped_in_v(size=5):
    """Left column -1, right column +1."""
    return _kernels(size) * torch.tensor([1, -1])[:, None, None]


@box_kernels.mistake("V is right, H has the wrong sign: what is gy at the top of a bright box?")
def sign_flipped_in_h(size=5):
    """Top row +1, bottom row -1."""
    return _kernels(size) * torch.tensor([-1, 1])[:, None, None]


@box_kernels.mistake("The channels are exchanged: H, for gy, is channel 0, and V, for gx, is channel 1.")
def swaps_gx_gy(size=5):
    """Channels (V, H)."""
    return _kernels(size).flip(1)


@box_kernels.mistake(
    "The kernel of H must weigh its top and bottom rows, that of V its left and right columns."
)
def transposes_the_kernels(size=5):
    """Rows for columns in both."""
    return _kernels(size).transpose(2, 3)


@box_kernels.mistake("Your kernels are 5 x 5 whatever size is asked for.")
def ignores_size(size=5):
    """Writes 5 for size."""
    return _kernels()


@box_kernels.mistake("The shape is (1, 2, size, size): one kernel, and it has two channels.")
def forgets_the_kernel_axis(size=5):
    """(2, size, size)."""
    return _kernels(size)[0]


@box_kernels.mistake("You return two kernels of one channel each; it is one kernel on two channels.")
def two_kernels(size=5):
    """(2, 1, size, size)."""
    return _kernels(size).transpose(0, 1)


@box_kernels.mistake("Some of the cells between the two sides are not 0 in your kernels.")
def fills_the_halves(size=5):
    """Everything above the middle -1, everything below +1, and the like for the columns."""
    middle = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    rows = middle.sign()[:, None].expand(size, size)
    return torch.stack([rows, -rows.T])[None]


# ---------------------------------------------------------------- box_response


@box_response.mistake(
    "The signs are gone before the second step: a side of the box is told from its opposite by them."
)
def magnitude_before_sign(image, size=5):
    """Box kernels on |gx| and |gy|."""
    return _answer(_gradient(image, "constant").abs(), size)


@box_response.mistake(
    "Negative edges are lost before the second step: two sides of a bright box are negative."
)
def clips_negatives(image, size=5):
    """A ReLU after the Sobel step."""
    return _answer(_gradient(image, "constant").clamp_min(0), size)


@box_response.mistake("Your response is largest at the corner of a box; it belongs to the box's centre.")
def corner_for_centre(image, size=5):
    """Pads after instead of around: the response stands at the box's top left corner."""
    half = size // 2
    inner = _response(image, size)[half:, half:]
    return F.pad(inner, (0, half, 0, half))


@box_response.mistake("The result has lost a frame: pad by size // 2 before the box kernels, too.")
def keeps_the_valid_part(image, size=5):
    """No padding in the second step."""
    half = size // 2
    return _response(image, size)[half:-half, half:-half]


@box_response.mistake("Only horizontal edges count in your response: add the answers on both channels.")
def one_channel_box(image, size=5):
    """H alone."""
    return _answer(_gradient(image, "constant"), size, _kernels(size) * torch.tensor([1, 0])[:, None, None])


@box_response.mistake("The second channel overwrites the first: only vertical edges count in your response.")
def last_channel_overwrites(image, size=5):
    """V alone."""
    return _answer(_gradient(image, "constant"), size, _kernels(size) * torch.tensor([0, 1])[:, None, None])


@box_response.mistake("The channels meet the wrong kernels: H goes with gy, V with gx.")
def swaps_gx_gy(image, size=5):
    """(gx, gy) for (gy, gx)."""
    return _answer(_gradient(image, "constant").flip(0), size)


@box_response.mistake("Your response has the wrong sign throughout: dark boxes win.")
def sign_flipped(image, size=5):
    """One flip too many."""
    return -_response(image, size)


@box_response.mistake(
    "Inside all is right, on the border not: here the image is padded with zeros, not by replication."
)
def replicates_the_border(image, size=5):
    """Uses `sobel`, which pads by replication."""
    return _response(image, size, "replicate")


@box_response.mistake(
    "Near the border your response differs: pad by 1, take the edges, and only then pad by size // 2."
)
def pads_once(image, size=5):
    """Pads the image by 1 + size // 2 at the start, which lets edges outside the image count."""
    g = torch.stack([_correlate(_frame(image, 1 + size // 2), kernel) for kernel in SOBEL])
    return F.conv2d(g.flip(0)[None], _kernels(size))[0, 0]


@box_response.mistake("Your response is the same for every size.")
def ignores_size(image, size=5):
    """Always 5."""
    return _response(image)


@box_response.mistake(
    "Your response is too small by one factor everywhere: is it a sum or a mean that you want?"
)
def averages_instead_of_sums(image, size=5):
    """Takes the mean over the two channels."""
    return _response(image, size) / 2


# ---------------------------------------------------------------- find_boxes


@find_boxes.mistake(
    "A box with one side shorter by one pixel passes: it answers 16 size - 14, so where must the threshold be?"
)
def accepts_smaller_box(image, size=5, threshold=None):
    """A default threshold under 16 size - 14."""
    return _found(image, size, 16 * size - 15 if threshold is None else threshold)


@find_boxes.mistake(
    "Every local maximum above half of the box's answer passes, larger boxes among them: that is too low."
)
def accepts_larger_box(image, size=5, threshold=None):
    """Half of the answer as the default, with a search for local maxima."""
    return _found(image, size, (16 * size - 8) / 2 if threshold is None else threshold, _peaks)


@find_boxes.mistake("A hollow box passes: your threshold lets everything in that has two or three sides.")
def accepts_hollow(image, size=5, threshold=None):
    """A quarter of the answer as the default, with a search for local maxima."""
    return _found(image, size, (16 * size - 8) / 4 if threshold is None else threshold, _peaks)


@find_boxes.mistake("A dark box passes: its response is large, but negative.")
def accepts_dark(image, size=5, threshold=None):
    """Compares |response| with the threshold."""
    return _found(image, size, _default(size, threshold), torch.abs)


@find_boxes.mistake("You report several places for one box: around its centre the response is still high.")
def reports_neighbours(image, size=5, threshold=None):
    """A threshold so low that it needs a search for local maxima, and none is made."""
    return _found(image, size, (16 * size - 8) / 2 if threshold is None else threshold)


@find_boxes.mistake("You report corners. The centre is size // 2 further down and to the right.")
def corner_for_centre(image, size=5, threshold=None):
    """The top left corner."""
    return [(r - size // 2, c - size // 2) for r, c in find_boxes.oracle(image, size, threshold)]


@find_boxes.mistake("Rows and columns are exchanged in your pairs: (row, column) is asked for.")
def swaps_row_and_column(image, size=5, threshold=None):
    """(x, y) pairs."""
    return [(c, r) for r, c in find_boxes.oracle(image, size, threshold)]


@find_boxes.mistake("All boxes are there, but in another order: sort by rows, and within a row by columns.")
def column_major_order(image, size=5, threshold=None):
    """Sorts by columns."""
    return sorted(find_boxes.oracle(image, size, threshold), key=lambda place: place[::-1])


@find_boxes.mistake("A threshold that is passed in makes no difference to your result.")
def ignores_threshold(image, size=5, threshold=None):
    """Always the default."""
    return find_boxes.oracle(image, size)


@find_boxes.mistake("Your default threshold is the same for every size; larger boxes have longer sides.")
def one_threshold_for_all_sizes(image, size=5, threshold=None):
    """69 for every size."""
    return _found(image, size, 69 if threshold is None else threshold)


@find_boxes.mistake("Only the largest response is reported; there may be several boxes, or none.")
def largest_only(image, size=5, threshold=None):
    """argmax."""
    found = find_boxes.oracle(image, size, threshold)
    return found[:1] or [divmod(int(_response(image, size).argmax()), image.shape[1])]


@find_boxes.mistake("Your result depends on signs that are lost: bright and dark edges count alike.")
def magnitude_before_sign(image, size=5, threshold=None):
    """Box kernels on |gx| and |gy|."""
    return _found(
        image, size, _default(size, threshold), answer=_answer(_gradient(image, "constant").abs(), size)
    )


# ---------------------------------------------------------------- match_template


@match_template.mistake("The norm of your template still holds its mean: remove it first.")
def template_without_mean(image, template):
    """Centres the windows only."""
    return _cosines(_centred(_windows(image, template)), template.flatten())


@match_template.mistake("The norms of your windows still hold their means: remove each window's own first.")
def window_without_mean(image, template):
    """Centres the template only."""
    return _cosines(_windows(image, template), _centred(template.flatten()))


@match_template.mistake("No mean is removed: a bright window looks like any bright template.")
def match_without_mean(image, template):
    """The cosine of what comes in."""
    return _cosines(_windows(image, template), template.flatten())


@match_template.mistake("Your values grow with contrast: divide by the norm of each window.")
def template_without_norm(image, template):
    """Inner products of centred windows, divided by nothing or by the template's norm alone."""
    return _centred(_windows(image, template)) @ _centred(template.flatten())


@match_template.mistake("A flat window has norm 0, and 0 / 0 is nan: let it count 0.")
def nan_on_flat(image, template):
    """Divides 0 by 0."""
    windows, pattern = _centred(_windows(image, template)), _centred(template.flatten())
    return torch.where(_norm(windows) > 1e-9, _cosines(windows, pattern), torch.nan)


@match_template.mistake("Every window is divided by one number: each has a norm of its own.")
def norm_of_whole_image(image, template):
    """The norm of the whole image for that of the window."""
    pattern = _centred(template.flatten())
    return (
        _centred(_windows(image, template))
        @ pattern
        / (_norm(image.flatten() - image.mean()) * _norm(pattern))
    )


@match_template.mistake("The mean of the whole image is removed from each window: take each window's own.")
def mean_of_whole_image(image, template):
    """One mean for all windows."""
    return _cosines(_windows(image, template) - image.mean(), _centred(template.flatten()))


@match_template.mistake("Your result matches a template turned by 180 degrees.")
def flips_the_kernel(image, template):
    """True convolution."""
    return match_template.oracle(image, template.flip(0, 1))


@match_template.mistake(
    "Your values are never negative: a window with dark and bright exchanged must give -1."
)
def takes_the_absolute_value(image, template):
    """Squares, or takes the absolute value."""
    return match_template.oracle(image, template).abs()


@match_template.mistake("Your values are too small by the number of pixels: a mean and a norm are mixed.")
def divides_by_the_size(image, template):
    """The mean of the products over the norms, instead of the sum (or over standard deviations)."""
    return match_template.oracle(image, template) / template.numel()


@match_template.mistake("The last row and the last column of your result are missing.")
def drops_the_last_window(image, template):
    """range(H - h) for range(H - h + 1)."""
    return match_template.oracle(image, template)[:-1, :-1]


@match_template.mistake("Your result is as large as the image; only windows that fit entirely count here.")
def same_size_output(image, template):
    """Keeps zeros where no window fits."""
    found = match_template.oracle(image, template)
    return F.pad(found, (0, image.shape[1] - found.shape[1], 0, image.shape[0] - found.shape[0]))


# ---------------------------------------------------------------- outline_detector: (picture) -> how many places


@outline_detector.mistake("A filled 4 x 4 square fires, too: nothing asks for a dark inside.")
def accepts_solid(on):
    """Weight 0 on the four pixels inside."""
    return _count(on, care=1 - np.pad(np.ones((2, 2)), 2))


@outline_detector.mistake(
    "An outline that touches something fires: nothing asks for the dark pixels around it."
)
def accepts_company(on):
    """Looks at 4 x 4 pixels only."""
    return _count(on, care=np.pad(np.ones((4, 4)), 1))


@outline_detector.mistake("A pixel that touches the outline at a corner, diagonally, is not noticed.")
def misses_diagonal_company(on):
    """Weight 0 on the four corners of the dark frame."""
    care = np.ones((6, 6))
    care[::5, ::5] = 0
    return _count(on, care=care)


@outline_detector.mistake("An outline with one wrong pixel still fires: is a bias too high by one?")
def accepts_one_wrong_pixel(on):
    """The bias lets one mismatch pass."""
    return _count(on, allowed=1)


@outline_detector.mistake("Rectangles that are too tall fire: what asks for the lower corners?")
def accepts_larger_box(on):
    """Combines the two upper corners only."""
    return _places(_corners(on)[:2].all(0))


@outline_detector.mistake(
    "One corner of the outline is enough: in the last layer, a bias must ask for all parts at once."
)
def any_corner_will_do(on):
    """OR for AND: no bias in the last layer."""
    return _places(_corners(on).any(0))


@outline_detector.mistake("Three good corners are enough for your layers: is the last bias too high by one?")
def three_corners_will_do(on):
    """The last bias is -2 for -3."""
    return _places(_corners(on).sum(0) >= 3)


@outline_detector.mistake(
    "Your layers never fire: a perfect match gives exactly 0, or the parts never meet in one place."
)
def never_fires(on):
    """A bias of minus the number of ones, so that a match gives 0; or parts fetched from the wrong places."""
    return 0


@outline_detector.mistake("Your layers fire everywhere, in the dark, too: has a bias the wrong sign?")
def fires_everywhere(on):
    """A positive bias."""
    return _places(_off(_picture(on)) >= 0)


@outline_detector.mistake(
    "Your layers look for a 3 x 3 outline: from which distance must the parts be fetched?"
)
def one_pixel_too_near(on):
    """Corners two apart instead of three."""
    return _count(on, target=np.pad(_hollow(3), 1))


@outline_detector.mistake(
    "Your layers look for a 5 x 5 outline: from which distance must the parts be fetched?"
)
def one_pixel_too_far(on):
    """Corners four apart instead of three, so that what lies between them isn't looked at."""
    care = np.ones((7, 7))
    care[3], care[:, 3] = 0, 0
    return _count(on, target=np.pad(_hollow(5), 1), care=care)


@outline_detector.mistake(
    "One kernel that sees it all would be easy. With 3 x 3, it takes several layers: how many to see 6 x 6?"
)
def kernel_too_large(on):
    """One 6 x 6 kernel."""
    return _run([(np.zeros((1, 1, 6, 6)), np.zeros(1))], on)


@shared_mistake(
    "Your function returns the same arrays each time, so a later call changes an earlier result. Make new ones.",
    sobel,
)
def keeps_a_result_between_calls(oracle, image):
    """Fills two arrays, made once, on every call."""
    g = oracle(image)
    kept = _KEPT.setdefault(tuple(image.shape), g)
    for buffer, new in zip(kept, g, strict=True):
        buffer[...] = new
    return kept


_KEPT = {}
