"""What a failed check draws: expected, got, and the difference."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from .cells import Cells, canvas
from .look import INPUT, KERNEL, LINE, SIGNED, TEXT, WRONG, panel_axes, signed_norm, style, tint


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
    ax = canvas(plt.figure, max(width, 11), height)
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
    axes = panel_axes(
        [panel.shape for panel in panels], 3 if len(panels) == 3 else 2, titled=True, above=0.45
    )
    axes[0].figure.suptitle(headline, fontsize=12, weight="bold")
    both = [_drawable(panel.values) for panel in panels[:2] if not isinstance(panel.values, str)]
    for position, (ax, panel) in enumerate(zip(axes, panels, strict=True)):
        ax.set_title(panel.title, fontsize=10.5)
        if isinstance(panel.values, str):
            _say(ax, panel.values)
            continue
        image = _drawable(panel.values)
        colours = (
            {"cmap": SIGNED, "norm": signed_norm([image])}
            if position == 2
            else _shades(both if position < 2 else [image])
        )
        aspect = "equal" if 0.4 <= image.shape[1] / image.shape[0] <= 8 else "auto"
        ax.imshow(np.ma.masked_invalid(image), aspect=aspect, interpolation="nearest", **colours)
        if panel.box is not None:
            _ring(ax, panel)


def _shades(images: Sequence[np.ndarray]) -> dict[str, Any]:
    """One colour scale for the images: grey, or signed where there is anything negative."""
    norm = signed_norm(images)
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
