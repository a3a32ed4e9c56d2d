"""Every name is at hand in the process that needs it when a notebook is graded."""

import pytest

from course.build import rules, text
from course.names import names_of

LOCKED = '# %% nbgrader={{"grade_id": "given-{0}", "locked": true}}\n{1}\n\n'
ANSWER = '# %% nbgrader={{"grade_id": "answer-{0}", "solution": true}}\n{1}\n\n'
TEST = '# %% nbgrader={{"grade_id": "test-{0}", "points": 1}}\n{1}\n\n'
PLAIN = "# %%\n{1}\n\n"


def reasons(*cells):
    """What the two rules say about cells, each a kind and its code."""
    nb = text.read("".join(kind.format(number, code) for number, (kind, code) in enumerate(cells)))
    both = (rules._names_are_at_hand_when_graded, rules._given_names_mean_one_thing)
    return [f"{cell}: {reason}" for rule in both for cell, reason in rule(nb)]


REFUSED = {
    "a test reads what a plain cell defines": (
        [(PLAIN, "x = 1"), (TEST, "assert x")],
        "test-1: this test reads 'x' of cell 1, which is not there when tests are graded: "
        "define it in a locked cell, or in a test",
    ),
    "inside a function, too": (
        [(PLAIN, "import math"), (TEST, "def root(n):\n    return math.sqrt(n)\n\n\nassert root(4) == 2")],
        "test-1: this test reads 'math' of cell 1",
    ),
    "a test reads what a plain cell has made of a given name": (
        [(LOCKED, "x = 1"), (PLAIN, "x = 2"), (TEST, "assert x == 2")],
        "test-2: this test reads 'x' of cell 2",
    ),
    "a plain cell reads what only a test defines": (
        [(TEST, "x = 1"), (PLAIN, "y = x")],
        "2: reads 'x', which only a test (test-0) defines, and tests are graded in another process: "
        "define it here, or in a locked cell",
    ),
    "an answer does": (
        [(TEST, "x = 1"), (ANSWER, "def f():\n    return x")],
        "answer-1: reads 'x', which only a test (test-0) defines",
    ),
    "a locked cell reads a plain one's": (
        [(PLAIN, "x = 1"), (LOCKED, "y = x")],
        "given-1: this locked cell reads 'x' of cell 1, but runs before it when tests are graded: "
        "define it in a locked cell",
    ),
    "a locked cell reads an answer": (
        [(ANSWER, "def f():\n    return 1"), (LOCKED, "y = f()")],
        "given-1: this locked cell reads 'f' of cell answer-0",
    ),
    "a test gives a locked cell's name another value": (
        [(LOCKED, "x = 1"), (TEST, "x = 2")],
        "test-1: defines 'x' anew, which given-0 defines",
    ),
    "two locked cells give one name two values": (
        [(LOCKED, "x = 1"), (LOCKED, "x = 2")],
        "given-1: defines 'x' anew, which given-0 defines",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_name_out_of_reach_is_refused(case):
    cells, reason = REFUSED[case]
    [said] = reasons(*cells)
    assert said.startswith(reason)


ALLOWED = {
    "a test reads given names, answers, earlier tests and its own": [
        (LOCKED, "import math"),
        (ANSWER, "def f(n):\n    return n"),
        (TEST, "x = 4"),
        (TEST, "y = 2\nassert math.sqrt(f(x)) == y"),
    ],
    "a plain cell reads everything else": [
        (LOCKED, "x = 1"),
        (PLAIN, "y = x"),
        (ANSWER, "def f():\n    return y"),
        (PLAIN, "z = f() + y"),
    ],
    "a plain cell and a test each define it": [(PLAIN, "x = 1"), (TEST, "x = 1\nassert x"), (PLAIN, "y = x")],
    "a plain cell reuses a name that no test reads": [(LOCKED, "x = 1"), (PLAIN, "x = 2"), (PLAIN, "y = x")],
    "names inside functions are their own": [
        (PLAIN, "x = 1"),
        (TEST, "def same(x):\n    return x\n\n\nassert [x for x in [same(1)]] and (lambda x: x)(1)"),
    ],
    "Python's own names": [(PLAIN, "lengths = [len(w) for w in ('a', 'b')]"), (TEST, "assert len('a') == 1")],
}


@pytest.mark.parametrize("case", ALLOWED)
def test_a_name_at_hand_is_fine(case):
    assert reasons(*ALLOWED[case]) == []


def test_names_of_every_form():
    code = """
        %matplotlib inline
        import numpy as np, os.path
        from math import pi as turn
        a, (b, *c) = d
        for i in e: pass
        with f as g: pass
        def h(p=j, *, q: k = 1):
            global made
            made = l + p + q
            own = [m for n in o]
        class R:
            inner = s
        """
    code = "\n".join(line[8:] for line in code.splitlines())
    names = names_of(code)
    assert names.bound == {*"abcgihR", "np", "os", "turn", "made"}
    assert names.imported == {"np", "os", "turn"}
    assert names.free >= {*"defjklmos"}
    assert not names.free & {*"pqn", "own", "inner"}


@pytest.mark.parametrize("code", ["x = = 1", "%%bash\nls", "x = 1\nfor"])
def test_what_is_not_python_could_be_anything(code):
    names = names_of(code)
    assert names.opaque
    assert not names.bound


@pytest.mark.parametrize(
    ("code", "bound", "free"),
    [
        ("x = x + 1", "x", "x"),
        ("x = 1; y = x", "xy", ""),
        ("x += 1", "x", "x"),
        ("x[0] = y", "x", "xy"),
        ("x.y.z = 1", "x", "x"),
        ("del x", "x", "x"),
        ("for i in x:\n    j = i", "ij", "x"),
        ("[i for i in x]", "", "x"),
        ("def f(a):\n    b = a + c\n    return b", "f", "c"),
        ("f = lambda a: a + b", "f", "b"),
        ("x.append(y)", "", "xy"),
    ],
)
def test_names_in_order(code, bound, free):
    names = names_of(code)
    assert (names.bound, names.free) == ({*bound}, {*free})


def test_calls_for_their_effect_are_told():
    assert names_of("x.append(1)\ny = x.pop()").called == {"x"}
