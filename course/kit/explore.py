"""Where windows go: stride, padding and dilation as pictures, as films and with sliders to play with.

`picture` draws into a pyplot figure, as the functions of `figures` do; `film` is an animated PNG, as those of
`animate`. `shapes` has a slider for each number where a person sits in front of the notebook, and is one still
picture where nobody does: when notebooks are built, graded or exported.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from . import animate
from .cells import Cells, points
from .look import FAINT, INK, INPUT, KERNEL, MAX_WIDTH, OUTPUT, TEXT, WRONG, style, tint

Size = int | tuple[int, int]

SLIDERS = {"n": (1, 16), "k": (1, 7), "stride": (1, 5), "padding": (0, 3), "dilation": (1, 4)}
PADDING = "#E9E9E9"
CELL = 0.36  # inches, at most
ROW = 0.8  # height of a window in the staircase, in cells
BOARD = (8.8, 4.3)  # inches: the picture with sliders keeps its size while they move


@dataclass(frozen=True)
class Axis:
    """One axis of an input and the windows on it. Positions count from the first cell of padding."""

    n: int
    k: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def length(self) -> int:
        return self.n + 2 * self.padding

    @property
    def span(self) -> int:
        """From the first tap to the last."""
        return self.dilation * (self.k - 1) + 1

    @property
    def starts(self) -> range:
        return range(0, max(0, self.length - self.span + 1), self.stride)

    def taps(self, window: int) -> range:
        """The positions that the kernel meets in a window."""
        start = self.starts[window]
        return range(start, start + self.span, self.dilation)

    def touched(self, windows: Iterable[int]) -> np.ndarray:
        """Which positions a tap meets in any of the windows, as a mask."""
        mask = np.zeros(self.length, bool)
        for window in windows:
            mask[list(self.taps(window))] = True
        return mask

    @property
    def inside(self) -> np.ndarray:
        """Which positions are input and not padding, as a mask."""
        at = np.arange(self.length) - self.padding
        return (at >= 0) & (at < self.n)

    @property
    def unseen(self) -> list[int]:
        """The indices of the input that no tap ever meets."""
        missed = self.inside & ~self.touched(range(len(self.starts)))
        return (np.flatnonzero(missed) - self.padding).tolist()

    @property
    def sentence(self) -> str:
        """The output size with the numbers filled in, or why there is none."""
        if not self.starts:
            return f"nothing fits: the kernel spans {self.span} cells, and there are {self.length}"
        free = self.length - self.span
        size = f"({self.n} + 2·{self.padding} − {self.dilation}·({self.k} − 1) − 1) / {self.stride}"
        return f"output size = ⌊{size}⌋ + 1 = ⌊{free} / {self.stride}⌋ + 1 = {len(self.starts)}"

    @property
    def loss(self) -> str:
        """Which input is never seen, in words."""
        return _loss([""], (self,))


class Line:
    """A signal and its windows below one another, each with its output element at the right."""

    def __init__(self, ax: Axes, axis: Axis, left: float, top: float):
        self.axis = axis
        self.outputs = list(range(len(axis.starts)))
        self.cells = _input_cells(ax, (1, axis.length), left, top, ~axis.inside[None])
        _indices(ax, self.cells, across=axis)
        right = left + axis.length + 1
        tops = [top + 1.5 + ROW * window for window in self.outputs]
        self.spans = [
            ax.plot(
                [left + axis.taps(i)[0] + 0.5, left + axis.taps(i)[-1] + 0.5],
                [tops[i] + 0.3] * 2,
                color=KERNEL,
                lw=1.2,
                zorder=1,
            )[0]
            for i in self.outputs
        ]
        self.taps = [[_box(ax, left + tap, tops[i]) for tap in axis.taps(i)] for i in self.outputs]
        self.results = [_box(ax, right, tops[i], width=0.9) for i in self.outputs]
        if self.outputs and points(ax) > 16:
            ax.text(right + 0.5, top + 0.5, "output", ha="center", va="center", fontsize=_letters(ax))

    @staticmethod
    def size(axis: Axis) -> tuple[float, float]:
        """Width and height in cells, indices and the output's column included."""
        return axis.length + 2.0, 1.5 + ROW * len(axis.starts)

    def show(self, at: int | None, done: Iterable[int]) -> None:
        """Draw the window `at` strongly and those `done` faintly; the others are still to come."""
        shown = [*done, *([] if at is None else [at])]
        _paint_input(
            self.cells,
            self.axis.inside[None],
            self.axis.touched(shown)[None],
            self.axis.touched([] if at is None else [at])[None],
            over=len(shown) == len(self.outputs),
        )
        for i in self.outputs:
            for patch in (self.spans[i], self.results[i], *self.taps[i]):
                patch.set_visible(i in shown)
            self.results[i].set_facecolor(tint(OUTPUT, 0.75 if i == at else 0.3))
            for tap in self.taps[i]:
                tap.set_facecolor(tint(KERNEL, 1 if i == at else 0.4))


class Plane:
    """An image on the left with one window, its output on the right."""

    def __init__(self, ax: Axes, rows: Axis, columns: Axis, left: float, top: float):
        self.axes = rows, columns
        self.outputs = list(np.ndindex(len(rows.starts), len(columns.starts)))
        self.inside = np.outer(rows.inside, columns.inside)
        self.cells = _input_cells(ax, self.inside.shape, left, top, ~self.inside)
        _indices(ax, self.cells, across=columns, down=rows)
        self.frame = self.cells.frame(0, 0, rows.span, columns.span, KERNEL, width=2)
        self.frame.set_visible(bool(self.outputs))
        self.results = None
        if self.outputs:
            shape, right = (len(rows.starts), len(columns.starts)), left + columns.length + 1.4
            self.results = Cells(ax, shape, right, top, 0)
            text = f"output {shape[0]} × {shape[1]}"
            ax.text(right, top + shape[0] + 0.6, text, va="center", fontsize=_letters(ax))

    @staticmethod
    def size(rows: Axis, columns: Axis) -> tuple[float, float]:
        """Width and height in cells."""
        out = max(len(columns.starts), 4) + 0.4 if rows.starts and columns.starts else 0
        return columns.length + 1 + out, max(rows.length, len(rows.starts) + 1.0)

    def show(self, at: tuple[int, int] | None, done: Iterable[tuple[int, int]]) -> None:
        """Draw the window `at`, and the output up to it."""
        rows, columns = self.axes
        shown = [*done, *([] if at is None else [at])]
        touched = np.zeros(self.inside.shape, bool)
        for i, j in shown:
            touched |= self._taps(i, j)
        current = np.zeros_like(touched) if at is None else self._taps(*at)
        _paint_input(self.cells, self.inside, touched, current, over=len(shown) == len(self.outputs))
        if at is None or self.results is None:
            return
        corner = rows.starts[at[0]], columns.starts[at[1]]
        self.frame.set_xy((self.cells.left + corner[1], self.cells.top + corner[0]))
        known, here = np.zeros(self.results.shape, bool), np.zeros(self.results.shape, bool)
        known[tuple(np.array(shown).T)] = here[at] = True
        self.results.paint(~known, "white")
        self.results.paint(known, tint(OUTPUT, 0.3))
        self.results.paint(here, tint(OUTPUT, 0.75))

    def _taps(self, i: int, j: int) -> np.ndarray:
        rows, columns = self.axes
        return np.outer(rows.touched([i]), columns.touched([j]))


class Scene:
    """What a film shows: a Line or a Plane on a canvas of its own."""

    def __init__(self, new: Callable[..., Figure], axes: tuple[Axis, ...], title: str | None = None):
        board = Line if len(axes) == 1 else Plane
        if not all(axis.starts for axis in axes):
            raise ValueError(next(axis.sentence for axis in axes if not axis.starts))
        width, height = board.size(*axes)
        names = (
            [""] if len(axes) == 1 else ["rows and columns"] if axes[0] == axes[1] else ["rows", "columns"]
        )
        lines = [
            f"{name}: {axis.sentence}".removeprefix(": ") for name, axis in zip(names, axes, strict=False)
        ]
        lines.append(_loss(names, axes))
        unit = min(CELL, MAX_WIDTH / (width + 1.2))
        head = 0.9 if title else 0.0  # cells
        widest = 0.092 * max(map(len, lines)) + 0.3  # inches
        whole = max((width + 1.2) * unit, widest), (height + 1.4 + head) * unit + 0.3 * len(lines) + 0.1
        ax = _canvas(new, whole, unit)
        self.board = board(ax, *axes, 0.8, 0.9 + head)
        if title:
            ax.text(0.8, 0.5, title, fontsize=12, va="center", weight="bold")
        for row, line in enumerate(lines):
            y = whole[1] / unit - (0.3 * (len(lines) - row) - 0.08) / unit
            lost = row == len(names) and any(axis.unseen for axis in axes)
            ax.text(0.8, y, line, fontsize=TEXT, va="center", color=WRONG if lost else INK)
        self.figure, self.outputs = ax.figure, self.board.outputs
        self.show = self.board.show


@style()
def picture(
    n: Size,
    k: Size,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    at: int | tuple[int, int] | None = None,
    title: str | None = None,
) -> None:
    """All windows on a signal (n and k ints), or one on an image (pairs), and what no window sees.

    at: the output element whose window is drawn strongly, the first if not said.
    """
    scene = Scene(plt.figure, _axes(n, k, stride, padding, dilation), title)
    at = scene.outputs[0] if at is None else at
    scene.show(at, [other for other in scene.outputs if other != at])


def film(
    n: Size,
    k: Size,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    seconds_per_step: float = 0.7,
) -> Image:
    """The windows of a signal (n and k ints) or of an image (pairs) one after the other; unseen input at the end."""
    with style():
        scene = Scene(Figure, _axes(n, k, stride, padding, dilation))
        size = f"{len(scene.outputs)} windows of size {k} on an input of size {n}"
        alt = f"Animation: {size}, stride {stride}, padding {padding}, dilation {dilation}."
        return animate.film(scene, seconds_per_step, alt)


def shapes(n: int = 7, k: int = 3, stride: int = 2, padding: int = 1, dilation: int = 1) -> Any:
    """Sliders for all five numbers and the window, with the picture of a signal and of an image.

    Without a person in front of it, or without ipywidgets, the picture for the numbers given.
    """
    start = {"n": n, "k": k, "stride": stride, "padding": padding, "dilation": dilation}
    still = board(**start)
    if not _someone_watches():
        return Image(data=still, format="png", alt=f"{Axis(**start).sentence}; {Axis(**start).loss}")
    try:
        return _with_sliders(start, still)
    except ImportError:
        return Image(data=still, format="png")


def board(n: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1, window: int = 0) -> bytes:
    """The picture of `shapes` as a PNG: the signal, the image, the sentence; numbers that don't fit say so."""
    axis = Axis(n, k, stride, padding, dilation)
    with style():
        (wide, high), (wide2, high2) = Line.size(axis), Plane.size(axis, axis)
        head = 0.75  # inches for the sentence
        unit = min(CELL, BOARD[0] / (wide + wide2 + 3.4), (BOARD[1] - head) / (max(high, high2) + 1.2))
        ax = _canvas(Figure, BOARD, unit)
        below = head / unit + 0.8
        line = Line(ax, axis, 0.9, below)
        plane = Plane(ax, axis, axis, 0.9 + wide + 1.4, below)
        window = min(window, max(len(axis.starts) - 1, 0))
        if axis.starts:
            line.show(window, [i for i in line.outputs if i != window])
            plane.show((window, window), [at for at in plane.outputs if at != (window, window)])
        else:
            line.show(None, [])
            plane.show(None, [])
        ink = INK if axis.starts else WRONG
        ax.text(0.6, 0.24 / unit, axis.sentence, fontsize=12, va="center", color=ink)
        if axis.starts:
            ink = WRONG if axis.unseen else INK
            ax.text(0.6, 0.52 / unit, axis.loss, fontsize=12, va="center", color=ink)
        return animate.png(list(_stills(ax.figure)))


def _stills(figure: Figure) -> Iterator[Any]:
    """The figure as a film of one frame, in few colours."""
    still = type("Still", (), {"figure": figure, "outputs": [0], "show": lambda *_: None})()
    return animate.stills(still)


def _with_sliders(start: dict[str, int], still: bytes) -> Any:
    import ipywidgets

    sliders = {
        name: ipywidgets.IntSlider(
            start[name], *SLIDERS[name], description=name, layout=ipywidgets.Layout(width="280px")
        )
        for name in SLIDERS
    }
    last = max(len(Axis(**start).starts) - 1, 0)
    sliders["window"] = ipywidgets.IntSlider(
        0, 0, last, description="window", layout=ipywidgets.Layout(width="280px")
    )
    width = ipywidgets.Layout(width=f"{int(100 * BOARD[0])}px")
    shown = ipywidgets.Image(value=still, format="png", layout=width)

    def redraw(_: Any) -> None:
        numbers = {name: slider.value for name, slider in sliders.items()}
        window = numbers.pop("window")
        sliders["window"].max = max(len(Axis(**numbers).starts) - 1, 0)
        shown.value = board(**numbers, window=min(window, sliders["window"].max))

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    columns = [ipywidgets.VBox([sliders[a], sliders[b]]) for a, b in _PAIRS]
    return ipywidgets.VBox([ipywidgets.HBox(columns), shown])


_PAIRS = (("n", "k"), ("stride", "padding"), ("dilation", "window"))


def _loss(names: Iterable[str], axes: Iterable[Axis]) -> str:
    """What is never seen on each axis: "unseen: rows 3, 4; columns none"."""
    lists = [
        f"{name} {', '.join(map(str, axis.unseen)) or 'none'}".strip()
        for name, axis in zip(names, axes, strict=False)
    ]
    return "unseen: " + "; ".join(lists)


def _someone_watches() -> bool:
    """Is there a front end in which widgets would live? It says which cell it runs; nbclient and nbgrader don't."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    try:
        return "cellId" in shell.kernel.get_parent("shell").get("metadata", {})
    except AttributeError:  # no notebook at all
        return False


def _axes(n: Size, k: Size, stride: Size, padding: Size, dilation: Size) -> tuple[Axis, ...]:
    """One Axis for ints, two for an image."""
    numbers = n, k, stride, padding, dilation
    if isinstance(n, int) and isinstance(k, int):
        return (Axis(*numbers),)
    pairs = [(number, number) if isinstance(number, int) else tuple(number) for number in numbers]
    return Axis(*(first for first, _ in pairs)), Axis(*(second for _, second in pairs))


def _canvas(new: Callable[..., Figure], inches: tuple[float, float], unit: float) -> Axes:
    """Empty axes on a whole figure: the unit is a cell of so many inches, y downwards."""
    figure = new(figsize=inches, layout="none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, inches[0] / unit), ylim=(inches[1] / unit, 0))
    ax.set_axis_off()
    return ax


def _letters(ax: Axes) -> float:
    """A font size for words beside cells."""
    return min(TEXT, max(7.0, 0.42 * points(ax)))


def _box(ax: Axes, left: float, top: float, width: float = 0.86) -> Rectangle:
    box = Rectangle((left + (1 - width) / 2, top), width, 0.6, fc="white", ec=FAINT, lw=0.6, zorder=2)
    return ax.add_patch(box)


def _input_cells(ax: Axes, shape: tuple[int, int], left: float, top: float, padding: np.ndarray) -> Cells:
    """The cells of an input, a 0 in each of the padding."""
    cells = Cells(ax, shape, left, top, 0)
    cells.write(np.zeros(shape), hidden=~padding)
    return cells


def _paint_input(
    cells: Cells, inside: np.ndarray, touched: np.ndarray, current: np.ndarray, over: bool
) -> None:
    """Colour the input: what the window meets now, what some window has met, and, at the end, what none has."""
    cells.paint(inside & ~touched, tint(INPUT, 0.1))
    cells.paint(inside & touched, tint(INPUT, 0.3))
    cells.paint(~inside, PADDING, ink=FAINT)
    if over:
        cells.paint(inside & ~touched, tint(WRONG, 0.75))
    cells.paint(current, tint(KERNEL, 0.75), ink=INK)


def _indices(ax: Axes, cells: Cells, across: Axis, down: Axis | None = None) -> None:
    """Number the cells as the input is numbered: padding has none."""
    wide = points(ax)
    if wide < 12:
        return
    look = {"fontsize": min(9.0, 0.36 * wide), "color": FAINT, "ha": "center", "va": "center"}
    for i in range(across.n):
        ax.text(cells.left + across.padding + i + 0.5, cells.top - 0.35, str(i), **look)
    for i in range(down.n if down else 0):
        ax.text(cells.left - 0.35, cells.top + down.padding + i + 0.5, str(i), **look)
