"""The pictures: the same bytes every time, one scale for all maps, no input that breaks a comparison."""

import io
import json
import os
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.colors import to_rgba

from course.kit import figures

X = np.arange(49).reshape(7, 7) % 5
W = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
M = np.array([[1, 2, 0, 0], [0, 1, 2, 0], [0, 0, 1, 2]])

CALLS = {
    "window 1-d": lambda: figures.window([1, 2, 0, -1, 3], [1, 0.5], 1, stride=2, b=1),
    "window 2-d": lambda: figures.window(X, W, (1, 2)),
    "grid": lambda: figures.grid(X - 2.5, title="a", marked=[(0, 1)], signed=True),
    "feature_maps": lambda: figures.feature_maps([X - 2, W], titles=["a", "b"]),
    "pictures": lambda: figures.pictures([X / 4, np.zeros((4, 6, 3))], titles=["a", "b"]),
    "signals": lambda: figures.signals([X[0], X[1]], labels=["a", "b"], spans=[(1, 3)], rate=2.0, title="t"),
    "comparison": lambda: figures.comparison(X, X.T, window=(np.zeros((9, 9)), (3, 3), (1, 1))),
    "convolution_matrix": lambda: figures.convolution_matrix(M, [1, 2]),
    "speeds": lambda: figures.speeds({"loops": 2.5, "matmul": 0.004}, title="t"),
}


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


def png() -> bytes:
    """The figure drawn last, as Jupyter saves it."""
    file = io.BytesIO()
    plt.gcf().savefig(file, bbox_inches="tight", metadata={"Software": None})
    plt.close("all")
    return file.getvalue()


def texts() -> set[str]:
    return {text.get_text() for text in plt.gcf().findobj(plt.Text)}


@pytest.mark.parametrize("name", CALLS)
def test_is_one_figure_narrow_enough_and_the_same_to_the_byte(name):
    settings_before = dict(plt.rcParams)
    assert CALLS[name]() is None
    assert len(plt.get_fignums()) == 1
    first = png()
    width = int.from_bytes(first[16:20])
    CALLS[name]()
    assert png() == first
    assert width <= 920
    assert dict(plt.rcParams) == settings_before


def test_the_window_shows_the_products_and_the_sum():
    figures.window([1, 2, 0, -1, 3], [2, 5], 2, b=10)
    assert {"y[2] = 0 − 5 + 10 (bias) = 5", "−5"} <= texts()


def test_the_window_of_a_strided_image_is_the_right_one():
    figures.window(X, W, (2, 1), stride=(2, 3))
    value = (X[4:7, 3:6] * W).sum()
    assert any(text.startswith("y[2, 1] = ") and text.endswith(figures.number(value)) for text in texts())


@pytest.mark.parametrize("at", [(5, 0), (0, -1)])
def test_no_window_outside_the_output(at):
    with pytest.raises(IndexError, match=r"shape \(5, 5\)"):
        figures.window(X, W, at)
    assert not plt.get_fignums()


def test_a_kernel_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="does not fit"):
        figures.window([1, 2], [1, 2, 3], 0)


def test_feature_maps_share_one_scale_with_zero_in_the_middle():
    figures.feature_maps([np.full((2, 3), 0.5), np.array([[-4.0, 1.0], [np.nan, 0.0]])])
    images = [image for ax in plt.gcf().axes for image in ax.images]
    norms = {id(image.norm) for image in images}
    norm = images[0].norm
    assert len(images) == 2
    assert len(norms) == 1
    assert (norm.vmin, norm.vmax, norm(0)) == (-4, 4, 0.5)
    assert figures.SIGNED(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)


def test_maps_of_zeros_are_white():
    figures.feature_maps(np.zeros((2, 3, 3)))
    assert plt.gcf().axes[0].images[0].norm(0) == 0.5


def test_pictures_scale_integers_by_255_and_cut_off_the_rest():
    figures.pictures([np.array([[0, 51, 255]], np.uint8), np.array([[-1.0, 0.2, np.inf]])])
    assert [ax.images[0].get_array().tolist() for ax in plt.gcf().axes] == [[[0, 0.2, 1]]] * 2


def test_spans_mark_signals_of_the_input_s_length_only():
    figures.signals([np.zeros(9), np.zeros(7)], spans=[(2, 5)])
    x, y = plt.gcf().axes
    assert [patch.get_extents().width > 0 for patch in x.patches] == [True]
    assert not y.patches


def test_a_convolution_matrix_colours_by_tap_and_shows_strangers():
    wrong = np.where(M == 2, 7, M)
    figures.convolution_matrix(wrong, [1, 2])
    colours = plt.gcf().axes[0].images[0].get_array()
    assert tuple(colours[0, 0]) == tuple(colours[2, 2]) == to_rgba(figures.TAPS[0])
    assert tuple(colours[0, 1]) == to_rgba(figures.WRONG)
    assert colours[0, 3, 3] == 0
    assert "3 × 4: 50 % of the cells are not 0, 2 distinct weights" in texts()


def test_speeds_are_labelled_with_the_factor():
    figures.speeds({"loops": 2.5, "matmul": 0.005})
    assert {"2.5 s   500 ×", "5 ms   fastest"} <= texts()


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (-0.25, "−0.25"), (1e-9, "1e-9".replace("-", "−")), (-0.0, "0"), (True, "1"), (np.nan, "nan"),
     (np.float32(1.5), "1.5"), (123456, "1.2e5"), (-np.inf, "−inf"), (0.123456, "0.123")],
)  # fmt: skip
def test_numbers_are_short(value, text):
    assert figures.number(value) == text


def test_a_comparison_outlines_the_first_wrong_element_of_its_slice():
    expected = np.zeros((2, 3, 4, 5))
    got = expected.copy()
    got[1, 0, 2, 3] = got[1, 2, 0, 0] = 1
    figures.comparison(expected, got)
    assert {"Wrong: 2 of 120 values, the first at [1, 0, 2, 3]", "expected, slice [1, 0]"} <= texts()
    boxes = [patch for patch in plt.gcf().axes[0].patches if to_rgba(figures.WRONG) == patch.get_edgecolor()]
    assert len(boxes) == 3


def test_a_comparison_of_shapes_names_them():
    figures.comparison(np.zeros((3, 3)), np.zeros(4))
    assert {"expected, shape (3, 3)", "yours, shape (4,)"} <= texts()


def test_equal_infinities_and_nans_are_no_difference():
    values = [np.inf, -np.inf, np.nan, 1.0]
    figures.comparison(values, values)
    assert "All values agree" in texts()


CELLS = [
    "from course.kit import animate, figures",
    "figures.window([1, 2, 3], [1, -1], 0)",
    "for _ in range(2):\n    figures.grid([1, 2])",
    "figures.comparison([1, 2], [1, 3])\nraise ValueError",
    "animate.sliding_window([1, 2, 3], [1, -1])",
    "import matplotlib.pyplot as plt; plt.plot([1, 2]);",
]
SHELL = f"""
import json
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(display_pub_class=CapturingDisplayPublisher)
shell.showtraceback = lambda *_, **__: None
shown = []
for cell in {CELLS!r}:
    shell.run_cell(cell)
    shown.append(sum("image/png" in output["data"] for output in shell.display_pub.outputs))
    shell.display_pub.outputs.clear()
print(json.dumps(shown))
"""


def test_jupyter_shows_each_figure_once_at_the_end_of_its_cell():
    environment = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    run = subprocess.run(
        [sys.executable, "-c", SHELL], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout.splitlines()[-1]) == [0, 1, 2, 1, 0, 1], run.stderr
    assert not run.stderr


class Hostile:
    def __array__(self, *args, **kwargs):
        raise KeyError("no")


@pytest.mark.parametrize(
    "got",
    [
        None,
        "text",
        [[1, 2], [3]],
        {},
        Hostile(),
        1 + 2j,
        [None, 1],
        object(),
        np.array("2020", "M8"),
        10**400,
    ],
)
@pytest.mark.parametrize("expected", [np.zeros((3, 4)), np.zeros((30, 40)), np.zeros(100), 1.5])
def test_a_comparison_takes_anything_for_an_answer(expected, got):
    figures.comparison(expected, got)
    png()


def arrays(shapes):
    dtypes = st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.int8, np.bool_])
    return dtypes.flatmap(lambda dtype: hnp.arrays(dtype, shapes))


SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5) | st.sampled_from(
    [(30,), (200,), (1, 70), (70, 1), (2, 15, 3), (13, 13), (12, 12), (1, 20), (21,)]
)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), same=st.booleans())
def test_a_comparison_never_raises_or_warns(data, same):
    expected = data.draw(arrays(SHAPES))
    figures.comparison(expected, data.draw(arrays(st.just(expected.shape) if same else SHAPES)))
    png()


@pytest.mark.parametrize("large", [1e308, 5e-324, 1e-300])
@pytest.mark.parametrize("shape", [(3, 4), (40,), (20, 20)])
def test_a_comparison_reaches_the_ends_of_the_float_range(large, shape):
    expected = np.full(shape, large)
    figures.comparison(expected, -expected)
    png()
