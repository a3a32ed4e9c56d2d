"""The course's pictures.

How a notebook calls them: as plain statements, `figures.feature_maps(maps)`. Each function draws into a
pyplot figure and returns None, so Jupyter shows each picture exactly once, at the end of the cell, in the
order of the calls, also when the cell fails. `plt.gcf()` is the figure that was drawn last. Nothing here
changes global settings but `use_style()`, which gives a notebook's own plots the course's look.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from .cells import Cells, canvas, decimals, ems, number
from .comparison import comparison
from .look import (
    EXTRA,
    FAINT,
    INK,
    INPUT,
    KERNEL,
    LINE,
    MAX_WIDTH,
    OUTPUT,
    SIGNED,
    TAPS,
    WRONG,
    ink_on,
    panel_axes,
    signed_norm,
    style,
    tint,
    use_style,
)
from .scenes import scene

__all__ = [
    "EXTRA",
    "FAINT",
    "INK",
    "INPUT",
    "KERNEL",
    "LINE",
    "OUTPUT",
    "SIGNED",
    "TAPS",
    "WRONG",
    "Cells",
    "comparison",
    "convolution_matrix",
    "feature_maps",
    "grid",
    "number",
    "pictures",
    "signals",
    "speeds",
    "style",
    "tint",
    "use_style",
    "window",
]


@style()
def grid(
    values: ArrayLike, title: str | None = None, marked: Iterable[tuple[int, int]] = (), signed: bool = False
) -> None:
    """A matrix (H, W), or a vector (L,), as cells with its numbers.

    `marked` cells (row, column) are outlined; `signed` colours negative cells blue and positive ones orange.
    """
    values = np.atleast_2d(values)
    rows, columns = values.shape
    ax = canvas(plt.figure, columns + 0.8, rows + (1.4 if title else 0.6))
    cells = Cells(ax, values.shape, 0.6, 1.2 if title else 0.45, values)
    cells.write(values)
    cells.indices(rows=rows > 1)
    if signed:
        cells.paint(True, SIGNED(signed_norm([values])(np.ma.masked_invalid(values.astype(float)))))
    for row, column in marked:
        cells.frame(row, column, 1, 1, KERNEL)
    if title:
        cells.title(title)


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
    norm = signed_norm(maps)
    # Zero up to rounding is zero: its sign, and so its shade, would differ from one processor to the next.
    maps = [np.where(np.abs(each) < 1e-9 * norm.vmax, 0.0, each) for each in maps]
    axes = panel_axes([each.shape for each in maps], columns, bool(titles), beside=0.8)
    for ax, each in zip(axes, maps, strict=True):
        ax.imshow(np.ma.masked_invalid(each), cmap=SIGNED, norm=norm)
    _titles(axes, titles)
    bar = axes[0].figure.colorbar(axes[0].images[0], cax=_beside(axes))
    bar.outline.set_edgecolor(LINE)
    bar.set_ticks([norm.vmin, 0, norm.vmax], labels=["−" + number(norm.vmax), "0", number(norm.vmax)])


def _beside(axes: Sequence[Axes]) -> Axes:
    """A narrow frame for a colour scale, on the right of all the others."""
    figure, places = axes[0].figure, [ax.get_position() for ax in axes]
    right = max(place.x1 for place in places)
    low, high = min(place.y0 for place in places), max(place.y1 for place in places)
    tall = 0.94 * (high - low)
    wide, tall_inches = figure.get_size_inches()
    return figure.add_axes(
        (right + 0.12 / wide, (low + high - tall) / 2, max(tall * tall_inches / 22, 0.08) / wide, tall)
    )


@style()
def pictures(
    images: Sequence[ArrayLike], titles: Sequence[str] | None = None, columns: int | None = None
) -> None:
    """Images side by side, grey (H, W) or colour (H, W, 3): floats from 0 to 1, integers from 0 to 255.

    Values outside are cut off; what has negative values is a job for `feature_maps`.
    """
    images = [_unit_range(np.asarray(image)) for image in images]
    axes = panel_axes([image.shape for image in images], columns, bool(titles))
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
    key_size = 0.42 * np.array(legend.shape)
    side = min(0.3, (MAX_WIDTH - key_size[1] - 0.9) / M.shape[1], 6.5 / M.shape[0])
    ax, key = _side_by_side(side * np.array(M.shape), key_size)
    ax.imshow(_coloured(M, taps, colours), interpolation="nearest")
    ax.set(xlabel="input element", ylabel="output element")
    ax.spines[:].set(visible=True, color=LINE)
    for axis, n in ((ax.xaxis, M.shape[1]), (ax.yaxis, M.shape[0])):
        axis.set_major_locator(MaxNLocator(8, integer=True))
        if side > 0.12:
            lines = ax.vlines if axis is ax.xaxis else ax.hlines
            lines(np.arange(n + 1) - 0.5, -0.5, sum(M.shape) - n - 0.5, color=LINE, lw=0.5)
    share = np.count_nonzero(M) / max(M.size, 1)
    distinct = np.unique(M[M != 0]).size
    words = f"{100 * share:.3g} % of the cells are not 0, {distinct} distinct weights"
    ax.figure.suptitle(f"{M.shape[0]} × {M.shape[1]}: {words}", fontsize=12)
    _tap_legend(key, legend, _coloured(legend, taps, colours))


def _side_by_side(size: np.ndarray, key_size: np.ndarray) -> list[Axes]:
    """Frames for a matrix and its key, of sizes (height, width) in inches; placed by hand, as in `panel_axes`."""
    tall, wide = max(size[0], key_size[0]), size[1] + key_size[1]
    whole = np.array([wide + 0.9, tall + 1.0])
    figure = plt.figure(figsize=whole, layout="none")
    places = [(0.6, size), (0.75 + size[1], key_size)]
    return [
        figure.add_axes((*(left, 0.45 + tall - height) / whole, *(width, height) / whole))
        for left, (height, width) in places
    ]


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
    size = min(10.0, 0.8 * 0.42 * 72 / max(map(ems, texts.flat)))
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
