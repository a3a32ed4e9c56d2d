"""The animations: a frame for each output element, small, deterministic, and shown as a PNG."""

import io
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from course.kit import animate

X = np.arange(49).reshape(7, 7) % 5
W = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])


def frames(picture) -> list[Image.Image]:
    with Image.open(io.BytesIO(picture.data)) as film:
        return [(film.seek(step), film.convert("RGB"))[1] for step in range(film.n_frames)]


def test_an_image_gives_a_frame_for_each_output_element_and_stays_small():
    picture = animate.sliding_window(X, W)
    assert len(picture.data) < 350_000
    shots = frames(picture)
    assert len(shots) == 25
    assert shots[0].width <= 900
    assert shots[0].getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("picture", "count"),
    [
        (lambda: animate.sliding_window(X, W, stride=(2, 3), b=1), 3 * 2),
        (lambda: animate.sliding_window([1, 2, 0, -1, 3], [1, -1]), 4),
        (lambda: animate.sliding_window([1, 2, 0, -1, 3], [1, -1], stride=3), 2),
        (lambda: animate.sliding_window([1, 2], [1, -1]), 1),
        (lambda: animate.conv_full([1, 2, 0, -1], [1, 2, -3]), 6),
    ],
)
def test_frames_are_outputs_and_bytes_repeat(picture, count):
    first = picture()
    assert len(frames(first)) == count
    assert picture().data == first.data
    assert not plt.get_fignums()  # else Jupyter would draw the figure as well


def test_it_loops_for_ever_and_rests_at_the_end():
    with Image.open(
        io.BytesIO(animate.sliding_window([1, 2, 0], [1, -1], seconds_per_step=0.5).data)
    ) as film:
        assert film.info["loop"] == 0
        durations = [(film.seek(step), film.info["duration"])[1] for step in range(film.n_frames)]
    assert durations == [500, 2500]


def test_jupyter_gets_a_png_with_a_text_instead():
    data, metadata = DisplayFormatter().format(animate.conv_full([1, 2, 3], [1, -1]))
    assert "image/png" in data
    assert "4 outputs" in metadata["image/png"]["alt"]


def test_the_last_frame_of_a_full_convolution_is_not_the_first():
    shots = frames(animate.conv_full([1, 2, 3], [1, -1]))
    assert len({shot.tobytes() for shot in shots}) == 4


def test_the_stepper_shows_the_frame_of_its_slider():
    box = animate.stepper([1, 2, 0, -1], [1, -1])
    slider, picture = box.children
    assert slider.max == 2
    first = picture.value
    slider.value = 2
    assert picture.value != first
    slider.value = 0
    assert picture.value == first


def test_without_ipywidgets_the_stepper_is_an_animation(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert len(frames(animate.stepper([1, 2, 0, -1], [1, -1]))) == 3
