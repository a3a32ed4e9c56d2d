"""How the course's pictures look: colours, sizes, and matplotlib's settings."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, product
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
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


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """The colour mixed with white; strength 1 is the colour itself."""
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def ink_on(colour: Any) -> str:
    """Black or white, whichever can be read on the colour."""
    luminance = np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722))
    return INK if luminance > 0.5 else "white"


def signed_norm(arrays: Iterable[ArrayLike]) -> Normalize:
    """One colour scale for all the arrays, with zero in its middle."""
    finite = [np.abs(a[np.isfinite(a)]) for a in (np.asarray(a, dtype=float) for a in arrays)]
    largest = max((float(a.max()) for a in finite if a.size), default=0.0) or 1.0
    return Normalize(-largest, largest)


def panel_axes(
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
    wide, tall = sum(widths) * high + 0.1 * columns + beside, rows * (high + gap) + above
    # Placed by hand: matplotlib's own layout takes as long as all the drawing.
    figure = plt.figure(figsize=(wide, tall), layout="none")
    axes = []
    for row, column in islice(product(range(rows), range(columns)), n):
        left = sum(widths[:column]) * high + 0.1 * column + 0.05
        bottom = (rows - 1 - row) * (high + gap) + 0.05
        ax = figure.add_axes((left / wide, bottom / tall, widths[column] * high / wide, high / tall))
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color=LINE)
        axes.append(ax)
    return axes
