"""One kernel on one input, drawn so that the window can move: for still pictures and for animations."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from .cells import Cells, SpacedCells, canvas, ems, number, points
from .look import FAINT, INPUT, KERNEL, LINE, OUTPUT, TEXT, tint


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
        fits = TEXT * ems(full) < points(self.ax) * (self.ax.get_xlim()[1] - self.formula.get_position()[0])
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
        ax = canvas(new, right + max(ow, 1.4) + 0.3, below + 1.3)
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
        ax = canvas(new, self.gutter + max(n, 7) + 0.3, self.top + 6.9 + 0.6 * self.lines)
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
        room = points(self.ax) * (self.ax.get_xlim()[1] - self.gutter)
        return f"{symbols}\n{numbers}" if TEXT * ems(symbols) < room else f"y[{at[1]}] {numbers}"


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
