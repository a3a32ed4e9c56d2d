"""Where windows go: counted right, the same bytes every time, sliders only where somebody can move them."""

import io
import itertools
import sys

import matplotlib.pyplot as plt
import pytest
import torch
from IPython.display import Image as Shown
from matplotlib.colors import to_rgba
from PIL import Image
from torch.nn import functional as F  # noqa: N812

from course.kit import explore, figures

NUMBERS = list(itertools.product((1, 5, 8, 11), (1, 2, 3), (1, 2, 4), (0, 1, 2), (1, 3)))


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


def texts() -> set[str]:
    return {text.get_text() for text in plt.gcf().findobj(plt.Text)}


def frames(data: bytes) -> list[Image.Image]:
    with Image.open(io.BytesIO(data)) as film:
        return [(film.seek(step), film.convert("RGB"))[1] for step in range(film.n_frames)]


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_windows_are_those_of_torch(numbers):
    n, k, stride, padding, dilation = numbers
    axis = explore.Axis(*numbers)
    if not axis.starts:
        with pytest.raises(RuntimeError):
            F.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, k), None, stride, padding, dilation)
        assert axis.unseen == list(range(n))
        return
    x = torch.zeros(1, 1, n, requires_grad=True)
    y = F.conv1d(x, torch.ones(1, 1, k), None, stride, padding, dilation)
    y.sum().backward()
    assert len(axis.starts) == y.shape[-1]
    assert axis.unseen == (x.grad[0, 0] == 0).nonzero()[:, 0].tolist()
    assert axis.sentence.endswith(f"= {y.shape[-1]}")


def test_the_sentences():
    assert (
        explore.Axis(8, 3, 2).sentence
        == "output size = ⌊(8 + 2·0 − 1·(3 − 1) − 1) / 2⌋ + 1 = ⌊5 / 2⌋ + 1 = 3"
    )
    assert explore.Axis(8, 3, 2).loss == "unseen: 7"
    assert explore.Axis(7, 3, 2).loss == "unseen: none"
    assert "spans 5 cells, and there are 4" in explore.Axis(4, 3, dilation=2).sentence


@pytest.mark.parametrize(
    "draw",
    [
        lambda: explore.picture(8, 3, stride=2),
        lambda: explore.picture(5, 3, padding=2, at=3, title="full"),
        lambda: explore.picture((5, 7), (3, 1), stride=2, padding=(1, 0)),
    ],
)
def test_a_picture_is_one_figure_narrow_enough_and_the_same_to_the_byte(draw):
    shots = []
    for _ in range(2):
        assert draw() is None
        assert len(plt.get_fignums()) == 1
        file = io.BytesIO()
        plt.gcf().savefig(file, bbox_inches="tight", metadata={"Software": None})
        plt.close("all")
        shots.append(file.getvalue())
    assert shots[0] == shots[1]
    assert int.from_bytes(shots[0][16:20]) <= 920


def test_a_picture_marks_what_no_window_sees():
    explore.picture((5, 5), (3, 3), stride=3)
    assert "unseen: rows and columns 3, 4" in texts()
    cells = plt.gcf().axes[0].collections[0].get_facecolors()
    pink = [tuple(colour) == pytest.approx(to_rgba(figures.tint(figures.WRONG, 0.75))) for colour in cells]
    assert sum(pink) == 25 - 9


def test_a_picture_of_nothing_says_why():
    with pytest.raises(ValueError, match="the kernel spans 5 cells, and there are 4"):
        explore.picture(4, 5)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("film", "count"),
    [
        (lambda: explore.film(8, 3, stride=2), 3),
        (lambda: explore.film(6, 3, padding=1), 6),
        (lambda: explore.film(8, 3, dilation=2), 4),
        (lambda: explore.film(3, 3), 1),
        (lambda: explore.film((6, 7), 3, stride=(1, 2), padding=1, dilation=2), 4 * 3),
    ],
)
def test_a_film_has_a_frame_for_each_output_and_bytes_repeat(film, count):
    first = film()
    shots = frames(first.data)
    assert len({shot.tobytes() for shot in shots}) == count
    assert shots[0].width <= 900
    assert len(first.data) < 100_000
    assert film().data == first.data
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    "numbers", [(7, 3, 2, 1, 1), (16, 1, 1, 3, 1), (1, 7, 5, 0, 4), (3, 5, 1, 0, 1)], ids=str
)
def test_the_board_keeps_its_size_and_takes_any_numbers(numbers):
    data = explore.board(*numbers, window=99)
    (still,) = frames(data)
    assert still.size == tuple(round(100 * inches) for inches in explore.BOARD)
    assert explore.board(*numbers, window=99) == data


def test_without_a_person_shapes_is_a_still_picture():
    shown = explore.shapes(8, 3)
    assert isinstance(shown, Shown)
    assert shown.data == explore.board(8, 3, 2, 1, 1)


def test_with_a_person_there_are_sliders(monkeypatch):
    monkeypatch.setattr(explore, "_someone_watches", lambda: True)
    box = explore.shapes(8, 3, stride=1, padding=0)
    columns, picture = box.children
    sliders = {slider.description: slider for column in columns.children for slider in column.children}
    assert list(sliders) == ["n", "k", "stride", "padding", "dilation", "window"]
    assert sliders["window"].max == 5
    sliders["window"].value = 4
    assert picture.value == explore.board(8, 3, window=4)
    sliders["stride"].value = 3
    assert sliders["window"].max == 1
    assert picture.value == explore.board(8, 3, 3, window=1)
    sliders["k"].value, sliders["dilation"].value = 7, 4
    assert picture.value == explore.board(8, 7, 3, 0, 4)


def test_without_ipywidgets_shapes_is_a_still_picture(monkeypatch):
    monkeypatch.setattr(explore, "_someone_watches", lambda: True)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert isinstance(explore.shapes(), Shown)


@pytest.mark.parametrize(("metadata", "watched"), [({"cellId": "a"}, True), ({}, False)])
def test_a_front_end_says_which_cell_it_runs(monkeypatch, metadata, watched):
    class Kernel:
        def get_parent(self, _channel):
            return {"metadata": metadata}

    class Shell:
        kernel = Kernel()

    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: Shell())
    assert explore._someone_watches() == watched
