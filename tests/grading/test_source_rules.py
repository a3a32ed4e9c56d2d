"""The rules of an exercise are read off a notebook's text, whatever the student's process says."""

import pytest
from walk import code_cells, grade_id, read

from course.build.answers import read_answers
from course.grading.isolation.limits import Limits
from course.grading.isolation.session import Nursery, Session
from course.grading.isolation.source import banned_in_source
from course.kit.exercise import load
from course.kit.rules import BANNED_NAMES
from course.paths import chapters

SETUP = "import numpy as np\nfrom course.kit import figures, images"

BROKEN = {
    "plainly": ("def f(x):\n    return np.convolve(x, x)", "numpy.convolve"),
    "by another name": ("import numpy as n\ndef f(x):\n    return n.convolve(x, x)", "numpy.convolve"),
    "imported by name": ("from numpy import convolve as c\ndef f(x):\n    return c(x, x)", "numpy.convolve"),
    "inside": ("def f(x):\n    from numpy import correlate\n    return correlate(x, x)", "numpy.correlate"),
    "by an alias": ("slide = np.convolve\ndef f(x):\n    return slide(x, x)", "numpy.convolve"),
    "as a value": ("f = np.convolve", "numpy.convolve"),
    "in a helper": ("def g(x):\n    return np.convolve(x, x)\ndef f(x):\n    return g(x)", "numpy.convolve"),
    "in a class": (
        "class F:\n    def __call__(self, x):\n        return np.convolve(x, x)\nf = F()",
        "numpy.convolve",
    ),
    "by getattr": ("def f(x):\n    return getattr(np, 'convolve')(x, x)", "numpy.convolve"),
    "torch": ("def f(x):\n    import torch\n    return torch.relu(x)", "torch"),
    "part of scipy": ("from scipy.signal import convolve\ndef f(x):\n    return convolve(x, x)", "scipy"),
    "by import_module": (
        "import importlib\ndef f(x):\n    return importlib.import_module('scipy.signal')",
        "scipy",
    ),
    "by __import__": ("def f(x):\n    return __import__('torch')", "torch"),
    "the course's pictures": ("def f(x):\n    return figures.window(x)", "course"),
}
FINE = {
    "numpy otherwise": "def f(x):\n    return np.lib.stride_tricks.sliding_window_view(x, 3)",
    "a parameter called as a module": "def f(images):\n    return images[0]",
    "a variable called so": "def f(x):\n    torch = x\n    return torch.sum()",
    "elsewhere in the notebook": "def other(x):\n    return np.convolve(x, x)\ndef f(x):\n    return x",
    "a method of that name": "def f(x):\n    return x.convolve(x)",
    "text that isn't Python": "%%time\ndef f(x):\n    return x",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_found(case):
    source, name = BROKEN[case]
    assert banned_in_source("f", [SETUP, source], BANNED_NAMES) == name


@pytest.mark.parametrize("case", FINE)
def test_what_is_allowed_is_not(case):
    assert banned_in_source("f", [SETUP, FINE[case]], BANNED_NAMES) is None


def test_what_is_known_of_an_answer_is_forgotten_with_the_next_cell():
    nursery = Nursery()
    session = Session(nursery, Limits(), {})

    def answer():
        session.begin_test()
        return session.look(["f"])["f"]

    try:
        session.run("import numpy as np\ndef f(x):\n    return x", 1, lambda _: None)
        first = answer()
        assert answer() is first
        session.run("def f(x):\n    return np.convolve(x, x)", 2, lambda _: None)
        assert answer() is not first
        assert answer().memo == {}
    finally:
        session.close()
        nursery.close()


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_no_right_answer_breaks_a_rule(chapter):
    cells, exercises = code_cells(read(chapter)), load(chapter.id)
    given = [c.source for c in cells if not grade_id(c).partition("-")[2].startswith(("examples", "hidden"))]
    for answer in read_answers(chapter):
        names = exercises[answer.exercise].banned_names
        found = banned_in_source(answer.exercise, [*given, answer.source], names)
        assert found is None or not answer.right, answer.name
