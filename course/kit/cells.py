"""A matrix drawn as cells with numbers."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from .look import (
    FAINT,
    LINE,
    MAX_CELL,
    MAX_WIDTH,
    TEXT,
    ink_on,
)


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


def canvas(new: Callable[..., Figure], width: float, height: float) -> Axes:
    """Empty axes with one cell as the unit, y downwards, sized so that a notebook has room for them."""
    unit = min(MAX_CELL, MAX_WIDTH / width)
    figure = new(figsize=(width * unit, height * unit), layout="none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    return ax


def points(ax: Axes) -> float:
    """How many points wide a cell of the canvas is."""
    left, right = ax.get_xlim()
    return 72 * ax.figure.get_figwidth() / (right - left)


def ems(text: str) -> float:
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
        widest = max((ems(number(value, self.decimals)) for value in np.ravel(values)), default=1)
        self.size = min(12.0, 0.46 * points(ax), 0.86 * points(ax) / widest)
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
        style = {"fontsize": min(8.5, 0.3 * points(self.ax)), "color": FAINT, "ha": "center", "va": "center"}
        for column in range(self.shape[1]):
            self.ax.text(
                self.left + column + 0.5, self.top - 0.22, str(column + first).replace("-", "−"), **style
            )
        for row in range(self.shape[0] if rows else 0):
            self.ax.text(self.left - 0.28, self.top + row + 0.5, str(row), **style)


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
        size = min(8.5, 0.3 * points(self.ax))
        for column, corner in enumerate(self._corners()):
            x, y = corner[0] + [0.5, 1.24]
            self.ax.text(x, y, str(column + first), fontsize=size, color=FAINT, ha="center", va="center")
