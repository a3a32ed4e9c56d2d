"""The course's pictures.

How a notebook calls them: as plain statements, `figures.feature_maps(maps)`. Each function draws into a
pyplot figure and returns None, so Jupyter shows each picture exactly once, at the end of the cell, in the
order of the calls, also when the cell fails. `plt.gcf()` is the figure that was drawn last. Nothing here
changes global settings but `use_style()`, which gives a notebook's own plots the course's look.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

# Paul Tol's "vibrant" colours, which colour-blind readers can tell apart; one role each, all through.
INPUT = "#0077BB"
KERNEL = "#EE7733"
OUTPUT = "#009988"
WRONG = "#CC3377"
INK = "#222222"
FAINT = "#8A8A8A"
LINE = "#C4C9CE"
EXTRA = "#332288"  # a fourth curve, which has no role
# Kernel taps in `convolution_matrix`: Tol's "muted" colours; a larger kernel takes a ramp.
TAPS = ("#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499")

SIGNED = LinearSegmentedColormap.from_list(
    "signed", ["#00395C", INPUT, "#A9D3EA", "#FFFFFF", "#FBCFAF", KERNEL, "#8A3300"]
).with_extremes(bad="#D9D9D9")

STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "figure.figsize": (7.5, 3.6),
    "figure.constrained_layout.use": True,
    "figure.max_open_warning": 0,  # a warning in a graded cell costs the marks
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # matplotlib ships it: the same picture on every machine
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.6,
    "image.cmap": "gray",
    "axes.prop_cycle": cycler(color=[INPUT, KERNEL, OUTPUT, EXTRA, "#33BBEE", FAINT]),
}

MAX_WIDTH = 8.8  # inches: a notebook's column at 100 dpi
MAX_CELL = 0.45  # inches
TEXT = 11.0  # points


@contextmanager
def style() -> Iterator[None]:
    """The course's look for a while.

    Not matplotlib's rc_context: around a session's first figure that would also undo interactive mode, which
    Jupyter's backend switches on when it is loaded, and no figure would be shown from then on.
    """
    before = {name: mpl.rcParams[name] for name in STYLE}
    mpl.rcParams.update(STYLE)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


def use_style() -> None:
    """Give every later plot of this session the course's look."""
    mpl.rcParams.update(STYLE)


# -- cells -----------------------------------------------------------------------------------------------


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """The colour mixed with white; strength 1 is the colour itself."""
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def ink_on(colour: Any) -> str:
    """Black or white, whichever can be read on the colour."""
    luminance = np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722))
    return INK if luminance > 0.5 else "white"


def number(value: Any, decimals: int | None = None) -> str:
    """A number with so many decimals, or in about five characters: 3, −0.25, 1e−9, nan."""
    value = float(value) + 0.0  # no −0
    if value.is_integer() and abs(value) < 10_000 and (value == 0 or not decimals):
        text = str(int(value))
    elif decimals is not None:
        text = f"{value:.{decimals}f}"
    else:
        text = _shortest(value)
    return text.replace("-", "−")


def _shortest(value: float) -> str:
    """Three significant digits if five characters hold them, else fewer."""
    texts = [re.sub(r"e([-+])0?", lambda sign: "e" + sign[1].strip("+"), f"{value:.{n}g}") for n in (3, 2, 1)]
    return next((text for text in texts if len(text) <= 5), texts[-1])


def decimals(values: ArrayLike) -> int | None:
    """How many decimals show a whole matrix alike; None where its values are too different for that."""
    values = np.asarray(values, dtype=float)
    size = np.abs(values[values != 0])
    if not size.size or not np.isfinite(size).all() or size.max() >= 1000:
        return None
    most = 2 if size.max() < 9.995 else 1 if size.max() < 99.95 else 0
    few = next((n for n in range(most) if (values == values.round(n)).all()), most)
    return few if np.median(size) >= 0.5 * 10.0**-few else None  # else it would show little but 0.00


def _canvas(new: Callable[..., Figure], width: float, height: float) -> Axes:
    """Empty axes with one cell as the unit, y downwards, sized so that a notebook has room for them."""
    unit = min(MAX_CELL, MAX_WIDTH / width)
    figure = new(figsize=(width * unit, height * unit), layout="none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    return ax


def _points(ax: Axes) -> float:
    """How many points wide a cell of the canvas is."""
    left, right = ax.get_xlim()
    return 72 * ax.figure.get_figwidth() / (right - left)


def _ems(text: str) -> float:
    """How wide the text is, in units of its font size."""
    return sum({"−": 0.84, ".": 0.32}.get(letter, 0.64) for letter in text)


class Cells:
    """A matrix of square cells with numbers, its top left corner at (left, top) of a canvas.

    `values` are all that the cells will ever show: they decide on the font size and the decimals.
    """

    def __init__(
        self,
        ax: Axes,
        shape: tuple[int, int],
        left: float,
        top: float,
        values: ArrayLike,
        fill: Any = "white",
    ):
        self.ax, self.shape, self.left, self.top = ax, shape, left, top
        self.decimals = decimals(values)
        widest = max((_ems(number(value, self.decimals)) for value in np.ravel(values)), default=1)
        self.size = min(12.0, 0.46 * _points(ax), 0.86 * _points(ax) / widest)
        self.colours = np.tile(to_rgba(fill), (shape[0] * shape[1], 1))
        self.squares = PolyCollection(
            self._corners(), facecolors=self.colours, edgecolors=LINE, linewidths=0.8
        )
        ax.add_collection(self.squares, autolim=False)
        middle = {"ha": "center", "va": "center_baseline"}
        self.texts = [ax.text(0, 0, "", fontsize=self.size, **middle) for _ in self.colours]
        self.move(left, top)

    def _corners(self) -> np.ndarray:
        down, right = np.indices(self.shape).reshape(2, -1, 1)
        return np.stack([self.left + right + [0, 1, 1, 0], self.top + down + [0, 0, 1, 1]], axis=-1)

    def move(self, left: float, top: float) -> None:
        """Put the top left corner elsewhere."""
        self.left, self.top = left, top
        corners = self._corners()
        self.squares.set_verts(corners)
        for text, corner in zip(self.texts, corners, strict=True):
            text.set_position(corner[0] + 0.5)

    def write(self, values: ArrayLike, hidden: ArrayLike = False) -> None:
        """Print the values (rows, columns), but not the hidden ones."""
        values, hidden = np.asarray(values), np.broadcast_to(hidden, self.shape)
        for text, value, hide in zip(self.texts, values.flat, hidden.flat, strict=True):
            text.set_text("" if hide else number(value, self.decimals))

    def paint(self, where: ArrayLike, colour: Any, ink: str | None = None) -> None:
        """Fill the cells where the mask (rows, columns) holds, with one colour or with one for each cell."""
        colours = np.broadcast_to(
            to_rgba(colour) if np.ndim(colour) < 2 else colour, (*self.shape, 4)
        ).reshape(-1, 4)
        for at in np.flatnonzero(np.broadcast_to(where, self.shape)):
            self.colours[at] = colours[at]
            self.texts[at].set_color(ink or ink_on(colours[at, :3]))
        self.squares.set_facecolors(self.colours)

    def frame(
        self, row: float, column: float, rows: float, columns: float, colour: str, width: float = 2.4
    ) -> Rectangle:
        """Outline rows x columns cells from (row, column) on."""
        corner = (self.left + column, self.top + row)
        box = Rectangle(corner, columns, rows, fill=False, ec=colour, lw=width, joinstyle="round", zorder=4)
        return self.ax.add_patch(box)

    def outline(self, colour: str) -> Rectangle:
        """Outline the whole matrix."""
        return self.frame(0, 0, *self.shape, colour, width=1.6)

    def title(self, text: str, gap: float = 0.75) -> None:
        """Write a text above the middle."""
        self.ax.text(
            self.left + self.shape[1] / 2, self.top - gap, text, ha="center", va="center", fontsize=TEXT
        )

    def indices(self, rows: bool = True, first: int = 0) -> None:
        """Number the columns above the cells, and the rows to their left."""
        style = {"fontsize": min(8.5, 0.3 * _points(self.ax)), "color": FAINT, "ha": "center", "va": "center"}
        for column in range(self.shape[1]):
            self.ax.text(
                self.left + column + 0.5, self.top - 0.22, str(column + first).replace("-", "−"), **style
            )
        for row in range(self.shape[0] if rows else 0):
            self.ax.text(self.left - 0.28, self.top + row + 0.5, str(row), **style)


@style()
def grid(
    values: ArrayLike, title: str | None = None, marked: Iterable[tuple[int, int]] = (), signed: bool = False
) -> None:
    """A matrix (H, W), or a vector (L,), as cells with its numbers.

    `marked` cells (row, column) are outlined; `signed` colours negative cells blue and positive ones orange.
    """
    values = np.atleast_2d(values)
    rows, columns = values.shape
    ax = _canvas(plt.figure, columns + 0.8, rows + (1.4 if title else 0.6))
    cells = Cells(ax, values.shape, 0.6, 1.2 if title else 0.45, values)
    cells.write(values)
    cells.indices(rows=rows > 1)
    if signed:
        cells.paint(True, SIGNED(_signed_norm([values])(np.ma.masked_invalid(values.astype(float)))))
    for row, column in marked:
        cells.frame(row, column, 1, 1, KERNEL)
    if title:
        cells.title(title)


# -- one kernel on one input -----------------------------------------------------------------------------


class Scene:
    """A kernel somewhere on its input: the window, the products, their sum. `show` moves it.

    Signals are drawn as matrices of one row; `outputs` lists the elements as (row, column).
    """

    def __init__(
        self, new: Callable[..., Figure], x: np.ndarray, w: np.ndarray, stride: tuple[int, int], b: Any
    ):
        if any(k > n or k < 1 for k, n in zip(w.shape, x.shape, strict=True)):
            raise ValueError(f"a kernel of shape {w.shape} does not fit an input of shape {x.shape}")
        self.x, self.w, self.stride, self.b = x, w, stride, b
        self.products = sliding_window_view(x, w.shape)[:: stride[0], :: stride[1]] * w
        self.y = self.products.sum(axis=(2, 3)) + (0 if b is None else b)
        self.outputs = list(np.ndindex(self.y.shape))
        self.ax = self.layout(new)
        self.figure = self.ax.figure
        self.frame = self.inputs.frame(0, 0, *w.shape, KERNEL)
        self.target = self.results.frame(0, 0, 1, 1, OUTPUT)

    def layout(self, new: Callable[..., Figure]) -> Axes:
        """Make the canvas and the cells: `inputs`, `kernel`, `product`, `results`, and the `formula` text."""
        raise NotImplementedError

    def follow(self, at: tuple[int, int], row: int, column: int) -> None:
        """Move what moves with the window, whose corner is now at (row, column)."""
        raise NotImplementedError

    def show(self, at: tuple[int, int], done: Iterable[tuple[int, int]] = ()) -> None:
        """Draw the output element `at`; the elements in `done` are filled in already."""
        row, column = (i * s for i, s in zip(at, self.stride, strict=True))
        window, known = np.zeros(self.x.shape, bool), np.zeros(self.y.shape, bool)
        window[row : row + self.w.shape[0], column : column + self.w.shape[1]] = True
        for each in (*done, at):
            known[each] = True
        self.inputs.paint(~window, tint(INPUT, 0.07))
        self.inputs.paint(window, tint(INPUT, 0.32))
        self.frame.set_xy((self.inputs.left + column, self.inputs.top + row))
        self.product.write(self.products[at])
        self.results.write(self.y, hidden=~known)
        self.results.paint(~known, "white")
        self.results.paint(known, tint(OUTPUT, 0.2))
        self.follow(at, row, column)
        self.formula.set_text(self.sentence(at))

    def sentence(self, at: tuple[int, int]) -> str:
        """The sum in words, short enough for the canvas: y[1] = 2 + 0 − 3 = −1."""
        start = f"y[{self.index(at)}] = "
        bias = "" if self.b is None else " " + _term(self.b) + " (bias)"
        end = f"{bias} = {number(self.y[at])}"
        terms = self.products[at].ravel()
        full = start + _sum(terms, self.product.decimals) + end
        fits = TEXT * _ems(full) < _points(self.ax) * (self.ax.get_xlim()[1] - self.formula.get_position()[0])
        return full if fits else f"{start}sum of the {terms.size} products{end}"

    def index(self, at: tuple[int, int]) -> str:
        """How a reader writes the index of the element."""
        return f"{at[0]}, {at[1]}"


def _term(value: Any, digits: int | None = None) -> str:
    """A summand after the first: + 3, − 2."""
    return f"− {number(-value, digits)}" if value < 0 else f"+ {number(value, digits)}"


def _sum(values: np.ndarray, digits: int | None) -> str:
    return " ".join([number(values[0], digits), *(_term(value, digits) for value in values[1:])])


def _beam(ax: Axes, colour: str, zorder: float) -> Polygon:
    """A pale area that leads the eye from one block to the next."""
    return ax.add_patch(Polygon([(0, 0)] * 4, fc=colour, alpha=0.13, ec="none", zorder=zorder))


class ImageScene(Scene):
    """Input on the left, kernel above the product, output on the right."""

    def layout(self, new: Callable[..., Figure]) -> Axes:
        (high, wide), (kh, kw), (oh, ow) = self.x.shape, self.w.shape, self.y.shape
        middle = max(kw, 4.2 if wide > 8 else 3.4)  # room for the words above the product
        column, top = 0.7 + wide + 1.3, 1.4
        right = column + middle + 1.5
        below = max(high, 2 * kh + 1.7, oh) + top
        ax = _canvas(new, right + max(ow, 1.4) + 0.3, below + 1.3)
        self.beams = _beam(ax, INPUT, 3.5), _beam(ax, OUTPUT, 3.5)  # over the cells
        self.inputs = Cells(ax, self.x.shape, 0.7, top, self.x)
        self.kernel = Cells(ax, self.w.shape, column + (middle - kw) / 2, top, self.w, tint(KERNEL, 0.2))
        self.product = Cells(ax, self.w.shape, self.kernel.left, top + kh + 1.7, self.products, "#F4F4F4")
        self.results = Cells(ax, self.y.shape, right, top, self.y)
        self.inputs.write(self.x)
        self.kernel.write(self.w)
        self.kernel.outline(KERNEL)
        self.kernel.title("kernel", gap=0.95)
        self.product.title("window × kernel")
        for cells, name in ((self.inputs, "input x"), (self.results, "output y")):
            cells.indices()
            cells.title(name, gap=0.95)
        self.formula = ax.text(0.7, below + 0.75, "", fontsize=TEXT, va="center")
        return ax

    def follow(self, at: tuple[int, int], row: int, column: int) -> None:
        kh, kw = self.w.shape
        left, top = self.inputs.left + column + kw, self.inputs.top + row
        start, end = self.product.top, self.product.top + kh
        right, goal = self.results.left + at[1], self.results.top + at[0]
        self.beams[0].set_xy(
            [(left, top), (self.product.left, start), (self.product.left, end), (left, top + kh)]
        )
        edge = self.product.left + kw
        self.beams[1].set_xy([(edge, start), (right, goal), (right, goal + 1), (edge, end)])
        self.target.set_xy((right, goal))


class SignalScene(Scene):
    """Input, kernel, product and output below one another, the kernel under its window."""

    gutter = 3.0  # cells for the names of the rows
    top = 0.75  # of the input
    names = ("input x", "kernel w", "product", "output y")
    padding = 0
    lines = 1  # of the formula

    def layout(self, new: Callable[..., Figure]) -> Axes:
        n, k = self.x.shape[1], self.w.shape[1]
        ax = _canvas(new, self.gutter + max(n, 7) + 0.3, self.top + 6.9 + 0.6 * self.lines)
        self.beams = _beam(ax, INPUT, 0), _beam(ax, OUTPUT, 0)  # under the cells
        tops = [self.top + down for down in (0, 1.45, 2.9, 4.95)]
        for name, top in zip(self.names, tops, strict=True):
            ax.text(self.gutter - 0.4, top + 0.5, name, ha="right", va="center_baseline", fontsize=TEXT)
        self.inputs = Cells(ax, self.x.shape, self.gutter, tops[0], self.x)
        self.kernel = Cells(ax, (1, k), self.gutter, tops[1], self.w, tint(KERNEL, 0.2))
        self.product = Cells(ax, (1, k), self.gutter, tops[2], self.products, "#F4F4F4")
        self.results = SpacedCells(ax, self.y.shape, self.output_left(0), tops[3], self.y, self.stride[1])
        self.inputs.write(self.x)
        self.kernel.write(self.w)
        self.border = self.kernel.outline(KERNEL)
        self.inputs.indices(rows=False, first=-self.padding)
        self.results.indices(rows=False)
        self.formula = ax.text(self.gutter, tops[3] + 1.7, "", fontsize=TEXT, va="top", linespacing=1.5)
        return ax

    def output_left(self, column: int) -> float:
        """Where the output element of the window at `column` is drawn: below the window's middle."""
        return self.gutter + column + (self.w.shape[1] - 1) / 2

    def follow(self, at: tuple[int, int], row: int, column: int) -> None:  # noqa: ARG002
        left, right = self.gutter + column, self.gutter + column + self.w.shape[1]
        for cells in (self.kernel, self.product):
            cells.move(left, cells.top)
        self.border.set_xy((left, self.kernel.top))
        goal, bottom = self.output_left(column), self.product.top + 1
        self.beams[0].set_xy(
            [(left, self.inputs.top), (right, self.inputs.top), (right, bottom), (left, bottom)]
        )
        self.beams[1].set_xy(
            [(left, bottom), (right, bottom), (goal + 1, self.results.top), (goal, self.results.top)]
        )
        self.target.set_xy((goal, self.results.top))

    def index(self, at: tuple[int, int]) -> str:
        return str(at[1])


class SpacedCells(Cells):
    """A row of cells `stride` apart, so that each output element stands below its window."""

    def __init__(
        self, ax: Axes, shape: tuple[int, int], left: float, top: float, values: ArrayLike, stride: int
    ):
        self.stride = stride
        super().__init__(ax, shape, left, top, values)

    def _corners(self) -> np.ndarray:
        corners = super()._corners()
        corners[..., 0] += (self.stride - 1) * np.arange(self.shape[1])[:, None]
        return corners

    def indices(self, rows: bool = True, first: int = 0) -> None:  # noqa: ARG002
        size = min(8.5, 0.3 * _points(self.ax))
        for column, corner in enumerate(self._corners()):
            x, y = corner[0] + [0.5, 1.24]
            self.ax.text(x, y, str(column + first), fontsize=size, color=FAINT, ha="center", va="center")


class FullConvolutionScene(SignalScene):
    """The kernel read back to front, sliding in over the edge of the input."""

    gutter = 3.6
    top = 2.65
    lines = 2
    names = ("input x", "w reversed", "product", "output y")

    def __init__(self, new: Callable[..., Figure], x: np.ndarray, w: np.ndarray):
        self.padding = w.shape[1] - 1
        self.taps = w
        padded = np.pad(x, ((0, 0), (self.padding, self.padding)))
        super().__init__(new, padded, w[:, ::-1], (1, 1), None)

    def layout(self, new: Callable[..., Figure]) -> Axes:
        ax = super().layout(new)
        k = self.taps.shape[1]
        original = Cells(ax, (1, k), self.gutter + self.padding, 0.75, self.taps)
        original.write(self.taps)
        original.indices(rows=False)
        original.outline(KERNEL)
        for tap in range(k):  # a tap keeps its shade, so that the reversal can be seen
            shade = tint(KERNEL, 0.12 + 0.5 * tap / max(k - 1, 1))
            original.paint(np.arange(k) == tap, shade)
            self.kernel.paint(np.arange(k)[::-1] == tap, shade)
        ax.text(self.gutter - 0.4, 1.25, "kernel w", ha="right", va="center_baseline", fontsize=TEXT)
        return ax

    def output_left(self, column: int) -> float:
        """Below x[k], the newest value that y[k] sees."""
        return self.gutter + column + self.padding

    def show(self, at: tuple[int, int], done: Iterable[tuple[int, int]] = ()) -> None:
        super().show(at, done)
        columns = np.arange(self.x.shape[1])
        outside = (columns < self.padding) | (columns >= columns.size - self.padding)
        window = (columns >= at[1]) & (columns <= at[1] + self.padding)
        self.inputs.paint(outside & ~window, "#F7F7F7", ink=LINE)
        self.inputs.paint(outside & window, "#E6E6E6", ink=FAINT)

    def sentence(self, at: tuple[int, int]) -> str:
        n, k = self.x.shape[1] - 2 * self.padding, self.padding + 1
        inside = [tap for tap in range(k) if 0 <= at[1] - tap < n]
        products = np.array([self.products[at][0, k - 1 - tap] for tap in inside])
        symbols = f"y[{at[1]}] = " + " + ".join(f"w[{tap}] x[{at[1] - tap}]" for tap in inside)
        numbers = "= " + _sum(products, self.product.decimals)
        numbers += f" = {number(self.y[at])}" if len(inside) > 1 else ""
        room = _points(self.ax) * (self.ax.get_xlim()[1] - self.gutter)
        return f"{symbols}\n{numbers}" if TEXT * _ems(symbols) < room else f"y[{at[1]}] {numbers}"


def scene(
    new: Callable[..., Figure],
    x: ArrayLike,
    w: ArrayLike,
    stride: int | tuple[int, int] = 1,
    b: float | None = None,
) -> Scene:
    """The scene of a signal (L,) with a kernel (K,), or of an image (H, W) with a kernel (kH, kW)."""
    x, w = np.asarray(x), np.asarray(w)
    if x.ndim != w.ndim or x.ndim not in (1, 2):
        raise ValueError(
            f"input and kernel must both be 1-d or both 2-d, not of shapes {x.shape} and {w.shape}"
        )
    if x.ndim == 1:
        return SignalScene(new, x[None], w[None], (1, int(stride)), b)
    pair = (stride, stride) if np.ndim(stride) == 0 else tuple(stride)
    return ImageScene(new, x, w, pair, b)


@style()
def window(
    x: ArrayLike,
    w: ArrayLike,
    at: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    b: float | None = None,
) -> None:
    """How one output element comes about: window times kernel, summed, plus the bias.

    x (L,), w (K,), `at` an output index; or x (H, W), w (kH, kW), `at` an index pair. The numbers can be read
    up to a length of 20, or 12 x 12.
    """
    at = (0, at) if np.ndim(at) == 0 else tuple(at)
    picture = scene(plt.figure, x, w, stride, b)
    if at not in picture.outputs:
        plt.close(picture.figure)
        raise IndexError(f"the output has shape {picture.y.shape}: there is no element {at}")
    picture.show(at)


# -- maps, pictures, signals -----------------------------------------------------------------------------


def _signed_norm(arrays: Iterable[ArrayLike]) -> Normalize:
    """One colour scale for all the arrays, with zero in its middle."""
    finite = [np.abs(a[np.isfinite(a)]) for a in (np.asarray(a, dtype=float) for a in arrays)]
    largest = max((float(a.max()) for a in finite if a.size), default=0.0) or 1.0
    return Normalize(-largest, largest)


def _panels(
    shapes: Sequence[tuple[int, ...]],
    columns: int | None,
    titled: bool,
    beside: float = 0.0,
    above: float = 0.0,
) -> list[Axes]:
    """One frame a picture, in rows of one height; `beside` and `above` them, so many inches stay free."""
    n = len(shapes)
    columns = min(columns or -(-n // -(-n // 5)), n)
    rows = -(-n // columns)
    aspects = [min(max(shape[1] / shape[0], 0.4), 8.0) for shape in shapes]
    widths = [max(aspects[column::columns]) for column in range(columns)]
    gap = 0.36 if titled else 0.1
    high = min(3.4, (MAX_WIDTH - beside - 0.1 * columns) / sum(widths))
    size = (sum(widths) * high + 0.1 * columns + beside, rows * (high + gap) + above)
    _, axes = plt.subplots(rows, columns, figsize=size, width_ratios=widths, squeeze=False)
    for ax in axes.flat[n:]:
        ax.set_visible(False)
    for ax in axes.flat[:n]:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color=LINE)
    return list(axes.flat[:n])


def _titles(axes: Sequence[Axes], titles: Sequence[str] | None) -> None:
    for ax, title in zip(axes, titles or [], strict=False):
        ax.set_title(title)


@style()
def feature_maps(
    maps: ArrayLike | Sequence[ArrayLike], titles: Sequence[str] | None = None, columns: int | None = None
) -> None:
    """Maps side by side on one colour scale: blue is negative, white 0, orange positive.

    `maps` is (C, H, W), or a list of (H, W) of any sizes.
    """
    maps = [np.asarray(each, dtype=float) for each in maps]
    norm = _signed_norm(maps)
    axes = _panels([each.shape for each in maps], columns, bool(titles), beside=0.8)
    for ax, each in zip(axes, maps, strict=True):
        ax.imshow(np.ma.masked_invalid(each), cmap=SIGNED, norm=norm)
    _titles(axes, titles)
    bar = axes[0].figure.colorbar(axes[0].images[0], ax=axes, aspect=22, pad=0.02, shrink=0.94)
    bar.outline.set_edgecolor(LINE)
    bar.set_ticks([norm.vmin, 0, norm.vmax], labels=["−" + number(norm.vmax), "0", number(norm.vmax)])


@style()
def pictures(
    images: Sequence[ArrayLike], titles: Sequence[str] | None = None, columns: int | None = None
) -> None:
    """Images side by side, grey (H, W) or colour (H, W, 3): floats from 0 to 1, integers from 0 to 255.

    Values outside are cut off; what has negative values is a job for `feature_maps`.
    """
    images = [_unit_range(np.asarray(image)) for image in images]
    axes = _panels([image.shape for image in images], columns, bool(titles))
    for ax, image in zip(axes, images, strict=True):
        ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    _titles(axes, titles)


def _unit_range(image: np.ndarray) -> np.ndarray:
    scale = 255.0 if image.dtype.kind in "iu" else 1.0
    return np.clip(np.nan_to_num(image.astype(float)) / scale, 0, 1)


@style()
def signals(
    series: ArrayLike | Sequence[ArrayLike],
    labels: Sequence[str] | None = None,
    spans: Iterable[tuple[float, float]] = (),
    rate: float | None = None,
    title: str | None = None,
) -> None:
    """One signal (L,), or several (n, L) or a list, below one another on one time axis.

    Up to 40 samples are drawn as stems. `spans` are half-open ranges of samples (start, stop), such as window
    positions, shaded in every signal as long as the first. With `rate`, in samples per second, the axis is in
    seconds.
    """
    rows = [np.asarray(row, dtype=float) for row in (series if np.ndim(series[0]) else [series])]
    size = (8.2, 0.7 + len(rows) * (2.2 if len(rows) == 1 else 1.3))
    figure, axes = plt.subplots(len(rows), 1, sharex=True, squeeze=False, figsize=size)
    per_sample = 1 / rate if rate else 1.0
    for ax, row, colour in zip(axes.flat, rows, cycle([INPUT, OUTPUT, KERNEL, EXTRA]), strict=False):
        _signal(ax, np.arange(row.size) * per_sample, row, colour)
        for start, stop in spans if row.size == rows[0].size else ():
            ax.axvspan(
                (start - 0.5) * per_sample,
                (stop - 0.5) * per_sample,
                color=KERNEL,
                alpha=0.22,
                lw=0,
                zorder=0,
            )
    for ax, label in zip(axes.flat, labels or [], strict=False):
        ax.set_ylabel(label)
    figure.align_ylabels()
    axes.flat[-1].set_xlabel("time in seconds" if rate else "sample")
    if title:
        figure.suptitle(title, fontsize=12)


def _signal(ax: Axes, times: np.ndarray, values: np.ndarray, colour: str) -> None:
    """A line through many samples, a stem for each of a few."""
    ax.axhline(0, color=LINE, lw=0.8, zorder=0)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.margins(x=0.02, y=0.12)
    if values.size > 40:
        ax.plot(times, values, color=colour, lw=1.2)
        return
    ax.vlines(times, 0, values, color=colour, lw=1.8)
    ax.plot(times, values, "o", color=colour, ms=6)


# -- a failed check --------------------------------------------------------------------------------------


@dataclass
class Panel:
    """One part of a comparison: a matrix (H, W), or a text where there is nothing to draw."""

    title: str
    values: np.ndarray | str
    wrong: np.ndarray | None = None
    box: tuple[int, int, int, int] | None = None  # row, column, rows, columns of what to outline
    colour: str = WRONG

    @property
    def shape(self) -> tuple[int, int]:
        return (3, 6) if isinstance(self.values, str) else self.values.shape


@style()
def comparison(
    expected: ArrayLike, got: Any, window: tuple[ArrayLike, Sequence[int], Sequence[int]] | None = None
) -> None:
    """What a failed check expected, what it got, and the difference, with the first wrong element outlined.

    Arrays of any shape; of more than two dimensions the matrix that holds the first wrong element is drawn.
    `got` may be anything at all. `window` = (x, kernel size, stride), x as the kernel meets it (padded), adds
    the input with the window of that element; size and stride are tuples, a number for each dimension.
    """
    want, have = _plain(expected), _plain(got)
    if isinstance(want, str) or isinstance(have, str) or want.shape != have.shape:
        panels = [_alone("expected", want), _alone("yours", have)]
        named = not isinstance(want, str) and not isinstance(have, str)
        headline = "The shapes differ" if named else "Not an array of numbers"
    else:
        panels, headline = _side_by_side(want, have, window)
    drawn = [panel.values for panel in panels if not isinstance(panel.values, str)]
    rows_only = all(values.shape[0] == 1 for values in drawn)
    if all(max(values.shape) <= 12 or (rows_only and values.size <= 20) for values in drawn):
        _draw_cells(panels, headline)
    elif rows_only:
        _draw_lines(panels, headline)
    else:
        _draw_images(panels, headline)


def _plain(values: Any) -> np.ndarray | str:
    """The values as float64, or what they are in words."""
    try:
        with warnings.catch_warnings(action="ignore"):
            array = np.asarray(values)
    except Exception:  # a student's object may do anything
        return f"not an array:\n{type(values).__name__}"
    if array.dtype.kind not in "biuf":
        return "None" if values is None else f"not real numbers:\n{type(values).__name__}, {array.dtype}"
    with np.errstate(all="ignore"):
        return array.astype(np.float64)


def _alone(name: str, values: np.ndarray | str) -> Panel:
    """A panel with nothing to compare with: the first matrix of the array."""
    if isinstance(values, str):
        return Panel(name, values)
    title = f"{name}, shape {values.shape}"
    if not values.size:
        return Panel(title, "empty")
    return Panel(title, _matrix(values, (0,) * values.ndim))


def _matrix(values: np.ndarray, at: tuple[int, ...]) -> np.ndarray:
    """The last two dimensions around the element."""
    return np.atleast_2d(values[at[:-2]])


def _side_by_side(want: np.ndarray, have: np.ndarray, window: Any) -> tuple[list[Panel], str]:
    if not want.size:
        return [_alone("expected", want), _alone("yours", have)], "Nothing to compare"
    with np.errstate(all="ignore"):
        difference = np.where((want == have) | (np.isnan(want) & np.isnan(have)), 0.0, have - want)
        wrong = ~np.isclose(want, have, rtol=1e-7, atol=1e-9, equal_nan=True)
    if not wrong.any():  # the check was stricter than this picture, or about a dtype
        wrong = np.abs(difference) == np.abs(difference).max() if difference.any() else wrong
    if not wrong.any():
        first, box, headline = (0,) * want.ndim, None, "All values agree"
    else:
        first = tuple(int(i) for i in np.unravel_index(np.argmax(wrong), wrong.shape))
        box = (*((0, 0, *first)[-2:]), 1, 1)
        headline = f"Wrong: {wrong.sum()} of {wrong.size} values, the first at {_bracket(first)}"
    slice_name = f", slice {_bracket(first[:-2])}" if want.ndim > 2 else ""
    flags = _matrix(wrong, first)
    panels = [
        Panel("expected" + slice_name, _matrix(want, first), None, box),
        Panel("yours" + slice_name, _matrix(have, first), flags, box),
        Panel("yours − expected", _matrix(difference, first), flags, box),
    ]
    return (panels if box is None or window is None else [*panels, _window_panel(first, *window)]), headline


def _bracket(index: tuple[int, ...]) -> str:
    return "[" + ", ".join(map(str, index)) + "]"


def _window_panel(first: tuple[int, ...], x: ArrayLike, size: Sequence[int], stride: Sequence[int]) -> Panel:
    """The input around the window of the element `first`; of several channels, the first one."""
    x, sliding = np.asarray(x, dtype=float), len(size)
    sample = first[:1] if x.ndim - sliding == 2 else ()
    lead = (*sample, *(0,) * (x.ndim - sliding - len(sample)))
    starts = [i * s for i, s in zip(first[len(first) - sliding :], stride, strict=True)]
    title = "the window it comes from" + (f", in x{_bracket(lead)}" if lead else "")
    box = (*((0, *starts)[-2:]), *((1, *size)[-2:]))
    return Panel(title, np.atleast_2d(x[lead]), None, box, KERNEL)


def _flow(panels: Sequence[Panel]) -> tuple[list[tuple[float, float]], float, float]:
    """Corners of the panels, left to right and wrapped, and the width and height they take."""
    stacked = all(panel.shape[0] == 1 for panel in panels)
    corners: list[tuple[float, float]] = []
    left, top, right, bottom = 0.8, 2.2, 0.0, 0.0
    for panel in panels:
        rows, columns = panel.shape
        wide = max(columns, 0.2 * len(panel.title) * (1.25 if columns > 8 else 1.0))
        if corners and (stacked or left + wide > 27):
            left, top = 0.8, bottom + 1.9
        corners.append((left + (wide - columns) / 2, top))
        right, bottom = max(right, left + wide), max(bottom, top + rows)
        left += wide + 1.4
    if stacked:
        corners = [(0.8, top) for _, top in corners]
    return corners, right + 0.4, bottom + 0.3


def _draw_cells(panels: Sequence[Panel], headline: str) -> None:
    corners, width, height = _flow(panels)
    ax = _canvas(plt.figure, max(width, 11), height)
    for panel, (left, top) in zip(panels, corners, strict=True):
        if isinstance(panel.values, str):
            ax.text(left + 3, top + 1.5, panel.values, ha="center", va="center", fontsize=TEXT, color=WRONG)
        else:
            cells = Cells(ax, panel.shape, left, top, panel.values)
            cells.write(panel.values)
            cells.indices(rows=panel.shape[0] > 1)
            _mark(cells, panel)
        ax.text(left if panel.shape[0] == 1 else left + panel.shape[1] / 2, top - 0.8, panel.title,
                ha="left" if panel.shape[0] == 1 else "center", va="center", fontsize=TEXT)  # fmt: skip
    ax.text(0.8, 0.5, headline, fontsize=12, va="center", weight="bold")


def _mark(cells: Cells, panel: Panel) -> None:
    if panel.wrong is not None:
        cells.paint(panel.wrong, tint(WRONG, 0.2))
    if panel.colour == KERNEL:
        cells.paint(np.ones(panel.shape, bool), tint(INPUT, 0.1))
    if panel.box is not None:
        cells.frame(*panel.box, panel.colour)


def _drawable(values: np.ndarray) -> np.ndarray:
    """Without what matplotlib can't scale: nothing infinite, nothing near the ends of the float range."""
    return np.clip(np.where(np.isfinite(values), values, np.nan), -1e30, 1e30)


def _draw_lines(panels: Sequence[Panel], headline: str) -> None:
    same = len({panel.shape for panel in panels}) == 1
    figure, axes = plt.subplots(
        len(panels), 1, squeeze=False, sharex=same, figsize=(8.2, 0.8 + 1.55 * len(panels))
    )
    figure.suptitle(headline, fontsize=12, weight="bold")
    for ax, panel in zip(axes.flat, panels, strict=True):
        ax.set_title(panel.title, loc="left")
        if isinstance(panel.values, str):
            _say(ax, panel.values)
            continue
        values = _drawable(panel.values[0])
        ax.axhline(0, color=LINE, lw=0.8, zorder=0)
        ax.plot(values, color=INPUT, lw=1.2)
        if panel.box is not None:
            _, start, _, size = panel.box
            ax.axvspan(start - 0.5, start + size - 0.5, color=panel.colour, alpha=0.25, lw=0)
            ax.axvline(start, color=panel.colour, lw=1, ls=":")


def _draw_images(panels: Sequence[Panel], headline: str) -> None:
    axes = _panels([panel.shape for panel in panels], 3 if len(panels) == 3 else 2, titled=True, above=0.45)
    axes[0].figure.suptitle(headline, fontsize=12, weight="bold")
    both = [_drawable(panel.values) for panel in panels[:2] if not isinstance(panel.values, str)]
    for position, (ax, panel) in enumerate(zip(axes, panels, strict=True)):
        ax.set_title(panel.title, fontsize=10.5)
        if isinstance(panel.values, str):
            _say(ax, panel.values)
            continue
        image = _drawable(panel.values)
        colours = (
            {"cmap": SIGNED, "norm": _signed_norm([image])}
            if position == 2
            else _shades(both if position < 2 else [image])
        )
        aspect = "equal" if 0.4 <= image.shape[1] / image.shape[0] <= 8 else "auto"
        ax.imshow(np.ma.masked_invalid(image), aspect=aspect, interpolation="nearest", **colours)
        if panel.box is not None:
            _ring(ax, panel)


def _shades(images: Sequence[np.ndarray]) -> dict[str, Any]:
    """One colour scale for the images: grey, or signed where there is anything negative."""
    norm = _signed_norm(images)
    if any((image < 0).any() for image in images):
        return {"cmap": SIGNED, "norm": norm}
    return {"cmap": mpl.colormaps["gray"].with_extremes(bad="#E8C6D8"), "norm": Normalize(0, norm.vmax)}


def _ring(ax: Axes, panel: Panel) -> None:
    """Outline the box, and never so small that it can't be seen."""
    corner, sides = [], []
    for start, size, length in zip(panel.box[:2], panel.box[2:], panel.shape, strict=True):
        side = max(size, length / 16)
        corner.append(min(max(start + size / 2 - side / 2, 0), length - side) - 0.5)
        sides.append(side)
    box = Rectangle(corner[::-1], sides[1], sides[0], fill=False, ec=panel.colour, lw=2, clip_on=False)
    ax.add_patch(box)


def _say(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center")
    ax.set_axis_off()


# -- matrices and times ----------------------------------------------------------------------------------


@style()
def convolution_matrix(M: ArrayLike, w: ArrayLike) -> None:
    """A convolution as a matrix M (outputs, inputs): zeros blank, the rest in the colour of its tap of w.

    w is (K,) or (kH, kW); taps of one value share a colour. What is no tap at all is drawn in WRONG.
    """
    M, w = np.asarray(M, dtype=float), np.asarray(w, dtype=float)
    taps = list(dict.fromkeys(w[w != 0].tolist()))
    colours = (
        TAPS[: len(taps)]
        if len(taps) <= len(TAPS)
        else mpl.colormaps["turbo"](np.linspace(0.05, 0.95, len(taps)))
    )
    legend = w[:, None] if w.ndim == 1 else w
    wide = 0.42 * legend.shape[1]
    room = MAX_WIDTH - wide - 0.9
    side = min(0.3, room / M.shape[1], 6.5 / M.shape[0])
    size = (side * M.shape[1] + wide + 0.9, max(side * M.shape[0], 0.42 * legend.shape[0]) + 1.0)
    figure, (ax, key) = plt.subplots(1, 2, figsize=size, width_ratios=[side * M.shape[1], wide])
    ax.imshow(_coloured(M, taps, colours), interpolation="nearest")
    ax.set(xlabel="input element", ylabel="output element")
    ax.spines[:].set(visible=True, color=LINE)
    for axis, n in ((ax.xaxis, M.shape[1]), (ax.yaxis, M.shape[0])):
        axis.set_major_locator(MaxNLocator(8, integer=True))
        if side > 0.12:
            axis.set_ticks(np.arange(n + 1) - 0.5, minor=True)
    ax.grid(which="minor", color=LINE, lw=0.5)
    ax.tick_params(which="minor", length=0)
    share = np.count_nonzero(M) / max(M.size, 1)
    distinct = np.unique(M[M != 0]).size
    words = f"{100 * share:.3g} % of the cells are not 0, {distinct} distinct weights"
    figure.suptitle(f"{M.shape[0]} × {M.shape[1]}: {words}", fontsize=12)
    _tap_legend(key, legend, _coloured(legend, taps, colours))


def _coloured(values: np.ndarray, taps: Sequence[float], colours: Sequence[Any]) -> np.ndarray:
    """RGBA cells (rows, columns, 4): transparent zeros, each tap its colour, WRONG elsewhere."""
    cells = np.zeros((*values.shape, 4))
    cells[values != 0] = to_rgba(WRONG)
    for tap, colour in zip(taps, colours, strict=True):
        cells[np.isclose(values, tap, atol=0)] = to_rgba(colour)
    return cells


def _tap_legend(ax: Axes, w: np.ndarray, colours: np.ndarray) -> None:
    ax.imshow(colours, interpolation="nearest")
    ax.set(xticks=[], yticks=[], title="kernel", anchor="N")
    ax.spines[:].set(visible=True, color=LINE)
    texts = np.vectorize(number, otypes=[object])(w, decimals(w))
    size = min(10.0, 0.8 * 0.42 * 72 / max(map(_ems, texts.flat)))
    for row, column in np.ndindex(w.shape):
        ink = ink_on(colours[row, column, :3]) if colours[row, column, 3] else INK
        ax.text(column, row, texts[row, column], ha="center", va="center_baseline", color=ink, fontsize=size)


@style()
def speeds(seconds: Mapping[str, float], title: str | None = None) -> None:
    """Bars of {name: seconds} on a logarithmic axis, each with its time and its factor to the fastest."""
    names, times = list(seconds), np.array(list(seconds.values()), dtype=float)
    fastest = times.min()
    _, ax = plt.subplots(figsize=(8.2, 0.75 + 0.42 * len(names) + (0.3 if title else 0)))
    ax.barh(names, times, height=0.62, color=[OUTPUT if time == fastest else INPUT for time in times])
    ax.set_xscale("log")
    low = fastest / 3
    ax.set_xlim(low, times.max() * (times.max() / low) ** 0.38)  # room for the texts
    ax.invert_yaxis()
    for row, time in enumerate(times):
        factor = "fastest" if time == fastest else f"{float(f'{time / fastest:.2g}'):g} ×"
        ax.annotate(
            f"{_duration(time)}   {factor}",
            (time, row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    ax.xaxis.set_major_formatter(EngFormatter("s"))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if times.max() < 20 * low else (1,)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y", length=0)
    if title:
        ax.set_title(title, loc="left")


def _duration(seconds: float) -> str:
    """3.1 ms, 120 µs"""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{seconds / 1e-9:.2g} ns"
