"""The data: shapes, ranges, and nothing from the network."""

import socket

import numpy as np
import pytest

from course.kit import images

SHAPES = {
    images.camera: (512, 512),
    images.coins: (303, 384),
    images.page: (191, 384),
    images.brick: (512, 512),
    images.astronaut: (512, 512),
    images.china: (427, 640),
    images.flower: (427, 640),
}


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def is_picture(image: np.ndarray) -> bool:
    return image.dtype == np.float64 and 0 <= image.min() < 0.3 and 0.7 < image.max() <= 1


@pytest.mark.parametrize("load", SHAPES, ids=lambda load: load.__name__)
def test_grey_images(load):
    image = load()
    assert image.shape == SHAPES[load]
    assert is_picture(image)
    assert load(size=(20, 30)).shape == (20, 30)


@pytest.mark.parametrize(
    "load", [images.astronaut, images.china, images.flower], ids=lambda load: load.__name__
)
def test_colour_images(load):
    image = load(colour=True)
    assert image.shape == (*SHAPES[load], 3)
    assert is_picture(image)
    assert load(size=16, colour=True).shape == (16, 16, 3)


def test_scikit_images_data_are_what_it_loads_itself():
    from skimage import data

    for picture in (images.camera, images.coins, images.page, images.brick):
        assert np.array_equal(picture(), getattr(data, picture.__name__)() / 255)
    assert np.array_equal(images.astronaut(colour=True), data.astronaut() / 255)
    assert np.array_equal(images.faces()[0], data.lfw_subset())


def test_a_caller_cannot_spoil_an_image_for_the_next():
    for picture in SHAPES:
        before = picture()
        picture()[:] = 0
        assert np.array_equal(picture(), before)


def test_scikit_learns_data_are_what_it_loads_itself():
    from sklearn.datasets import load_digits, load_sample_image

    shown, labels = images.digits()
    assert np.array_equal(shown, load_digits().images / 16)
    assert np.array_equal(labels, load_digits().target)
    for picture, name in ((images.china, "china.jpg"), (images.flower, "flower.jpg")):
        assert np.array_equal(picture(colour=True), load_sample_image(name) / 255)


def test_shrinking_takes_exact_block_means():
    image = np.arange(48.0).reshape(6, 8)
    assert images.shrink(image, 3).tolist() == [
        [image[row : row + 2, column : column + 2].mean() for column in (1, 3, 5)] for row in (0, 2, 4)
    ]
    assert images.camera(64)[0, 0] == pytest.approx(images.camera()[:8, :8].mean(), abs=1e-15)


@pytest.mark.parametrize("size", [600, (10, 1000), 0])
def test_an_impossible_size_is_named(size):
    with pytest.raises(ValueError, match="can't be shrunk to"):
        images.camera(size)


def test_digits():
    digits, labels = images.digits()
    assert digits.shape == (1797, 8, 8)
    assert is_picture(digits)
    assert labels[:10].tolist() == list(range(10))


def test_faces_come_first_and_are_more_alike_than_the_rest():
    faces, labels = images.faces()
    assert faces.shape == (200, 25, 25)
    assert is_picture(faces)
    assert np.bincount(labels).tolist() == [100, 100]
    flat = faces.reshape(200, -1)
    alike = np.corrcoef(flat)
    assert alike[:100, :100].mean() > alike[100:, 100:].mean()
    assert labels[0] == 1


def test_the_eeg_is_four_smooth_channels_of_ten_seconds():
    signal, rate, names = images.eeg()
    assert signal.shape == (4, 800)
    assert len(names) == 4
    assert signal.shape[1] / rate == 10
    assert signal.std(axis=1) == pytest.approx(1, abs=0.01)
    neighbours = [np.corrcoef(channel[:-1], channel[1:])[0, 1] for channel in signal]
    assert min(neighbours) > 0.8  # read in the wrong order, neighbouring samples would have nothing in common
