"""The rule against loops: work that grows with the arrays is found in any disguise, and honest numpy is not."""

import pytest

from course.kit.exercise import Exercise, call, draw

PRODUCTS = Exercise(
    oracle=lambda x, w: x @ w,  # samples (N, K, L), weights (L, D)
    probes=[call(draw(1, 3, 2, 4), draw(2, 4, 3))],
    same_work=(call(draw(3, 2, 2, 3), draw(4, 3, 2)), call(draw(5, 14, 15, 16), draw(6, 16, 17))),
)
HEAD = """
import functools, itertools, operator
import numpy as np
from functools import reduce
from itertools import starmap
def f(x, w):
"""
HONEST = {
    "matmul": "return x @ w",
    "einsum": "return np.einsum('nkl,ld->nkd', x, w)",
    "einsum with a path": "return np.einsum('nkl,ld->nkd', x, w, optimize='optimal')",
    "three operands": "return np.einsum('nkl,ld,n->nkd', x, w, np.ones(len(x)), optimize=True)",
    "tensordot": "return np.tensordot(x, w, 1)",
    "broadcasting": "return (x[..., None] * w).sum(-2)",
    "apply_over_axes": "return np.apply_over_axes(np.sum, x[..., None] * w, 2)[:, :, 0]",
    "an import inside": "import fractions, statistics\n return x @ w",
    "a loop over what stays the same": "y = 0\n for _ in range(3): y = y + x @ w / 3\n return y",
    "map over what stays the same": "return sum(map(lambda _: x @ w / 3, range(3)))",
}
LOOPS = {
    "for": "y = np.zeros((*x.shape[:2], w.shape[1]))\n for n in range(len(x)): y[n] = x[n] @ w\n return y",
    "while": "y, n = [], 0\n while n < len(x): y.append(x[n] @ w); n += 1\n return np.array(y)",
    "comprehension": "return np.array([v @ w for v in x])",
    "generator": "return np.stack(list(v @ w for v in x))",
    "map": "return np.array(list(map(lambda v: v @ w, x)))",
    "map of a C function": "return np.array(list(map(w.T.__matmul__, x.swapaxes(1, 2)))).swapaxes(1, 2)",
    "starmap": "return np.array(list(itertools.starmap(np.matmul, zip(x, itertools.repeat(w)))))",
    "starmap by name": "return np.array(list(starmap(np.matmul, zip(x, itertools.repeat(w)))))",
    "reduce": "return functools.reduce(operator.add, (x[..., None] * w).swapaxes(0, 2)).swapaxes(0, 1)",
    "reduce by name": "return reduce(operator.add, (x[..., None] * w).swapaxes(0, 2)).swapaxes(0, 1)",
    "sum over an axis": "return sum((x[..., None] * w).swapaxes(0, 2)).swapaxes(0, 1)",
    "accumulate": (
        "return list(itertools.accumulate((x[..., None] * w).swapaxes(0, 2), operator.add))[-1].swapaxes(0, 1)"
    ),
    "vectorize": "return np.vectorize(lambda v: v @ w, signature='(k,l)->(k,d)')(x)",
    "frompyfunc": (
        "g = np.frompyfunc(lambda n, d: float(x.reshape(-1, len(w))[n] @ w[:, d]), 2, 1)\n"
        " y = g(*np.indices((x.shape[0] * x.shape[1], w.shape[1])))\n"
        " return y.astype(float).reshape(*x.shape[:2], -1)"
    ),
    "apply_along_axis": "return np.apply_along_axis(lambda v: v @ w, 2, x)",
    "ndindex": (
        "y = np.zeros((*x.shape[:2], w.shape[1]))\n for i in np.ndindex(*x.shape[:2]): y[i] = x[i] @ w\n return y"
    ),
    "recursion": "return x @ w if len(x) == 1 else np.concatenate([f(x[:1], w), f(x[1:], w)])",
    "a helper": "def g(v): return [u @ w for u in v]\n return np.array(g(x))",
}


def answer(body):
    space = {"__name__": "__main__"}
    exec(compile(HEAD + " " + body, "<cell>", "exec"), space)
    return space["f"]


@pytest.mark.parametrize("style", HONEST)
def test_honest_numpy_passes(style):
    function = answer(HONEST[style])
    assert PRODUCTS.broken_rule(function) is None
    assert PRODUCTS.verdict(PRODUCTS.probes[0], PRODUCTS.outcome(function, PRODUCTS.probes[0])) is None


@pytest.mark.parametrize("style", LOOPS)
def test_a_loop_is_found_though_its_values_are_right(style):
    function = answer(LOOPS[style])
    assert "there is a loop" in PRODUCTS.broken_rule(function)
    assert PRODUCTS.verdict(PRODUCTS.probes[0], PRODUCTS.outcome(function, PRODUCTS.probes[0])) is None
