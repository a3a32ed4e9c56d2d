"""What is banned is found however it is reached, and nothing else is."""

import numpy as np
import pytest

from course.kit import CheckFailedError, Checks, call

check = Checks("ch01_conv1d")
ALLOWED = """
def helper(x, w):
    "np.convolve and torch may be named in strings"  # and in comments: np.correlate
    return [float(np.dot(x[i:i + len(w)], w)) for i in range(len(x) - len(w) + 1)]
"""

BANNED = {
    "np.convolve": "def f(x, w, stride=1):\n    return np.convolve(x, w[::-1], 'valid')[::stride]",
    "np.correlate": "def f(x, w, stride=1):\n    return np.correlate(x, w, 'valid')[::stride]",
    "an alias of numpy": "import numpy as xp\ndef f(x, w, stride=1):\n    return xp.correlate(x, w)[::stride]",
    "from numpy": "from numpy import correlate as c\ndef f(x, w, stride=1):\n    return c(x, w)[::stride]",
    "an import inside": "def f(x, w, stride=1):\n    from numpy import correlate\n    return correlate(x, w)[::stride]",
    "getattr": "def f(x, w, stride=1):\n    return getattr(np, 'corr' + 'elate')(x, w)[::stride]",
    "the module's dict": "def f(x, w, stride=1):\n    return vars(np)['correlate'](x, w)[::stride]",
    "a helper": "def g(x, w):\n    return np.correlate(x, w)\ndef f(x, w, stride=1):\n    return g(x, w)[::stride]",
    "a lambda": "f = lambda x, w, stride=1: np.correlate(x, w)[::stride]",
    "a partial": "import functools\nf = functools.partial(np.correlate, mode='valid')",
    "a default": "def f(x, w, stride=1, c=np.correlate):\n    return c(x, w)[::stride]",
    "a closure": "def make(c):\n    return lambda x, w, stride=1: c(x, w)[::stride]\nf = make(np.correlate)",
    "a callable object": (
        "class C:\n    def __init__(self): self.c = np.correlate\n"
        "    def __call__(self, x, w, stride=1): return self.c(x, w)[::stride]\nf = C()"
    ),
    "a table": "TABLE = {'c': [np.correlate]}\ndef f(x, w, stride=1):\n    return TABLE['c'][0](x, w)[::stride]",
    "the error swallowed": (
        "def f(x, w, stride=1):\n    try:\n        np.correlate(x, w)\n    except Exception:\n        pass\n"
        "    return np.array(helper(x, w))[::stride]"
    ),
    "torch": (
        "import torch\ndef f(x, w, stride=1):\n"
        "    return torch.nn.functional.conv1d(torch.tensor(x)[None], torch.tensor(w)[None, None])[0].numpy()[::stride]"
    ),
    "torch inside": (
        "def f(x, w, stride=1):\n    import torch\n"
        "    return torch.nn.functional.conv1d(torch.tensor(x)[None], torch.tensor(w)[None, None])[0].numpy()[::stride]"
    ),
    "a function of torch": (
        "from torch.nn.functional import conv1d as c\nfrom torch import tensor as t\n"
        "def f(x, w, stride=1):\n    return c(t(x)[None], t(w)[None, None])[0].numpy()[::stride]"
    ),
    "scipy": "from scipy.signal import correlate as c\ndef f(x, w, stride=1):\n    return c(x, w, 'valid')[::stride]",
    "the course's own oracle": (
        "from course.kit.exercise import load\ndef f(x, w, stride=1):\n"
        "    return load('ch01_conv1d')['cross_correlate'].expected(call(x, w, stride))"
    ),
}
FINE = {
    "words": "def f(x, w, stride=1):\n    return np.array(helper(x, w))[::stride]",
    "an own function of that name": (
        "def convolve(x, w):\n    return np.array(helper(x, w))\n"
        "def f(x, w, stride=1):\n    return convolve(x, w)[::stride]"
    ),
    "an own method of that name": (
        "class C:\n    def correlate(self, x, w): return np.array(helper(x, w))\n"
        "def f(x, w, stride=1):\n    return C().correlate(x, w)[::stride]"
    ),
    "an attribute called as a part of the course": (
        "import types\nfrom course.kit import images\n"
        "def f(x, w, stride=1):\n    return types.SimpleNamespace(images=np.array(helper(x, w))).images[::stride]"
    ),
    "a comparison elsewhere in the cell": (
        "def f(x, w, stride=1):\n    return np.array(helper(x, w))[::stride]\nnp.correlate(np.ones(3), np.ones(2))"
    ),
    "polymul": (
        "def f(x, w, stride=1):\n"
        "    return np.polymul(np.r_[1, x], w[::-1])[len(w):-len(w) + 1 or None][::stride]"
    ),
}
x, w = np.array([1.0, 2, 0, 3, 5]), np.array([1.0, 0, -1])


def answer(source):
    space = {"__name__": "__main__", "np": np, "call": call}
    exec(compile(ALLOWED + source, "<cell>", "exec"), space)
    return space["f"]


@pytest.mark.parametrize("way", BANNED)
def test_what_is_banned_gets_no_marks_and_a_reason(way):
    with pytest.raises(CheckFailedError, match="this exercise asks you to build that yourself"):
        check.hidden("cross_correlate", answer(BANNED[way]), "stride 1", call(x, w))


@pytest.mark.parametrize("way", FINE)
def test_what_is_allowed_passes(way):
    check.hidden("cross_correlate", answer(FINE[way]), "stride 1", call(x, w))


def test_numpy_is_whole_again_after_a_check():
    before = np.correlate, np.convolve, __import__
    test_what_is_allowed_passes("words")
    assert (np.correlate, np.convolve, __import__) == before
