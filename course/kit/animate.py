"""The sliding window in motion.

`sliding_window` and `conv_full` return an animated PNG, which plays wherever a PNG can be seen (JupyterLab,
also untrusted and offline; VS Code; exported HTML), with no JavaScript; on paper its first frame stands in.
Call one as the last expression of a cell of its own. A frame takes 60 ms and 8 KB: keep to 50.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from IPython.display import Image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image as Pillow

from . import scenes
from .look import style

COLOURS = 64  # enough for flat tints and smooth letters, and a fraction of the bytes


def sliding_window(
    x: ArrayLike,
    w: ArrayLike,
    stride: int | tuple[int, int] = 1,
    b: float | None = None,
    seconds_per_step: float = 0.7,
) -> Image:
    """The kernel w (K,) or (kH, kW) slides over x (L,) or (H, W) and the output fills up."""
    with style():
        scene = scenes.scene(Figure, x, w, stride, b)
        alt = (
            f"Animation: a kernel of shape {np.shape(w)} slides over an input of shape {np.shape(x)} "
            f"with stride {stride}; window times kernel, summed, fills the output element by element."
        )
        return film(scene, seconds_per_step, alt)


def conv_full(x: ArrayLike, w: ArrayLike, seconds_per_step: float = 0.9) -> Image:
    """Signal processing's convolution of x (L,) with w (K,): the kernel reversed, sliding in."""
    with style():
        scene = scenes.FullConvolutionScene(Figure, np.asarray(x)[None], np.asarray(w)[None])
        alt = (
            f"Animation: the kernel of {np.size(w)} taps is reversed and slides over a signal of "
            f"{np.size(x)} values, from first to last overlap: {len(scene.outputs)} outputs."
        )
        return film(scene, seconds_per_step, alt)


def stepper(x: ArrayLike, w: ArrayLike, stride: int | tuple[int, int] = 1) -> Any:
    """The same pictures, one at a time, by a slider; without ipywidgets, the animation."""
    try:
        import ipywidgets
    except ImportError:
        return sliding_window(x, w, stride)
    with style():
        frames = [png([frame]) for frame in stills(scenes.scene(Figure, x, w, stride))]
    picture = ipywidgets.Image(value=frames[0], format="png")
    step = ipywidgets.IntSlider(min=0, max=len(frames) - 1, description="step")
    step.observe(lambda change: setattr(picture, "value", frames[change["new"]]), names="value")
    return ipywidgets.VBox([step, picture])


def stills(scene: scenes.Scene) -> Iterator[Pillow.Image]:
    """The scene at each output element in turn, all frames in the same few colours."""
    n = len(scene.outputs)
    palette = _palette([_draw(scene, step) for step in (0, n // 2, n - 1)])
    for step in range(n):
        yield _paletted(_draw(scene, step), palette)


def _draw(scene: scenes.Scene, step: int) -> np.ndarray:
    """The colours of all pixels (height, width), each as one number."""
    scene.show(scene.outputs[step], scene.outputs[:step])
    canvas = FigureCanvasAgg(scene.figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()) @ np.array([1 << 16, 1 << 8, 1, 0])


def _parts(colours: np.ndarray) -> np.ndarray:
    """Red, green and blue of colours that are one number each."""
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1)


def _palette(frames: list[np.ndarray]) -> np.ndarray:
    """The most frequent colours, unmixed, so that white stays white."""
    colours, counts = np.unique(frames, return_counts=True)
    return colours[np.argsort(-counts, kind="stable")[:COLOURS]]


def _paletted(frame: np.ndarray, palette: np.ndarray) -> Pillow.Image:
    """Each pixel in the nearest colour of the palette."""
    colours, where = np.unique(frame, return_inverse=True)
    distances = ((_parts(colours)[:, None] - _parts(palette)) ** 2).sum(axis=-1)
    image = Pillow.fromarray(distances.argmin(axis=1).astype(np.uint8)[where])
    image.putpalette(_parts(palette).astype(np.uint8).tobytes())
    return image


def film(scene: scenes.Scene, seconds_per_step: float, alt: str) -> Image:
    frames = list(stills(scene))
    step = round(1000 * seconds_per_step)
    durations = [step] * (len(frames) - 1) + [step + 2000]  # time to look at the whole output
    return Image(data=png(frames, duration=durations, loop=0), format="png", alt=alt)


def png(frames: list[Pillow.Image], **timing: Any) -> bytes:
    file = io.BytesIO()
    film = {"save_all": True, "append_images": frames[1:], **timing} if len(frames) > 1 else {}
    frames[0].save(file, "PNG", optimize=True, **film)
    return file.getvalue()
