"""Real images and signals, from packages that ship them: nothing is downloaded.

Images are float64 from 0 to 1. `size`, a number or (height, width), shrinks an image to exactly that size:
the largest centred part that square blocks can tile is kept, and each block becomes its mean.
"""

import functools
import gzip
import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

Size = int | tuple[int, int] | None

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of red, green and blue, as television weighs them


def shrink(image: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Block means of an image (H, W) or (H, W, 3): (512, 512) to size 64 takes the mean of 8 x 8 pixels."""
    height, width = (size, size) if isinstance(size, int) else size
    block = min(image.shape[0] // height, image.shape[1] // width) if min(height, width) > 0 else 0
    if block == 0:
        raise ValueError(
            f"an image of {image.shape[0]} x {image.shape[1]} can't be shrunk to {height} x {width}"
        )
    top, left = (image.shape[0] - block * height) // 2, (image.shape[1] - block * width) // 2
    part = image[top : top + block * height, left : left + block * width]
    return part.reshape(height, block, width, block, *image.shape[2:]).mean(axis=(1, 3))


def _prepared(pixels: np.ndarray, size: Size, colour: bool = False) -> np.ndarray:
    image = pixels / 255.0
    if image.ndim == 3 and not colour:
        image = image @ LUMINANCE
    return image if size is None else shrink(image, size)


def _file_of(package: str, *parts: str) -> Path:
    """A file that a package ships; importing scikit-image or scikit-learn for it would take up to half a second."""
    return Path(importlib.util.find_spec(package).origin).parent.joinpath(*parts)


@functools.cache
def _pixels(package: str, *parts: str) -> np.ndarray:
    """An image file's uint8 values; a test may ask for the same one many times."""
    return np.asarray(Image.open(_file_of(package, *parts)))


_of_skimage = functools.partial(_pixels, "skimage", "data")
_of_sklearn = functools.partial(_pixels, "sklearn", "datasets", "images")


def load() -> None:
    """Read the images that chapters use often, for all who are forked from this process."""
    for name in ("camera", "coins", "page", "brick", "astronaut"):
        _of_skimage(f"{name}.png")


def camera(size: Size = None) -> np.ndarray:
    """A photographer with his camera (512, 512), from scikit-image."""
    return _prepared(_of_skimage("camera.png"), size)


def coins(size: Size = None) -> np.ndarray:
    """Greek coins from Pompeii (303, 384), from scikit-image."""
    return _prepared(_of_skimage("coins.png"), size)


def page(size: Size = None) -> np.ndarray:
    """A printed page, unevenly lit (191, 384), from scikit-image."""
    return _prepared(_of_skimage("page.png"), size)


def brick(size: Size = None) -> np.ndarray:
    """A brick wall, a regular texture (512, 512), from scikit-image."""
    return _prepared(_of_skimage("brick.png"), size)


def astronaut(size: Size = None, colour: bool = False) -> np.ndarray:
    """Eileen Collins, astronaut (512, 512), in colour (512, 512, 3), from scikit-image."""
    return _prepared(_of_skimage("astronaut.png"), size, colour)


def china(size: Size = None, colour: bool = False) -> np.ndarray:
    """The Summer Palace in Beijing (427, 640), in colour (427, 640, 3), from scikit-learn."""
    return _prepared(_of_sklearn("china.jpg"), size, colour)


def flower(size: Size = None, colour: bool = False) -> np.ndarray:
    """A dahlia (427, 640), in colour (427, 640, 3), from scikit-learn."""
    return _prepared(_of_sklearn("flower.jpg"), size, colour)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits (1797, 8, 8) and their labels 0 to 9 (1797,), from scikit-learn."""
    with gzip.open(_file_of("sklearn", "datasets", "data", "digits.csv.gz"), "rt") as file:
        rows = np.loadtxt(file, delimiter=",")
    return rows[:, :-1].reshape(-1, 8, 8) / 16.0, rows[:, -1].astype(int)


def faces() -> tuple[np.ndarray, np.ndarray]:
    """100 faces, then 100 things that are none (200, 25, 25), labels 1 and 0 (200,), from scikit-image."""
    images = np.load(_file_of("skimage", "data", "lfw_subset.npy")).astype(np.float64)
    return images, np.repeat([1, 0], 100)


def eeg() -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Ten seconds of brain waves (4, 800), the samples per second and the electrodes, from matplotlib.

    The file holds 800 rows of 4 float64; each channel has mean 0 and variance 1. Rate and names are those of
    matplotlib's own example.
    """
    from matplotlib.cbook import get_sample_data

    with get_sample_data("eeg.dat") as file:
        rows = np.frombuffer(file.read(), dtype="<f8").reshape(800, 4)
    return rows.T.astype(np.float64), 80.0, ("PG3", "PG5", "PG7", "PG9")
