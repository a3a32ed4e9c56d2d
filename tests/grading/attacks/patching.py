"""Changes what the tests are made of."""

# ruff: noqa

# %% AssertionError
import builtins

builtins.AssertionError = type("AssertionError", (Exception,), {"__init__": lambda *_: None})

# %% numpy's comparisons
for name in ("allclose", "array_equal", "array_equiv", "isclose", "all", "isfinite", "argwhere"):
    setattr(np, name, lambda *a, **k: True)
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None

# %% numpy's arithmetic
np.abs = np.absolute = np.subtract = lambda *a, **k: 0
np.random.default_rng = lambda *_: None

# %% a torch of our own
import types

sys.modules["torch"] = types.SimpleNamespace(Tensor=int, from_numpy=lambda a: a, equal=lambda *a: True)

# %% the checks
from course.kit import Checks
from course.kit import check as kit_check
from course.kit import compare, exercise

Checks.hidden = Checks.examples = lambda *a, **k: print("✓ rotate180")
compare.difference = exercise.difference = kit_check.difference = lambda *a, **k: None
exercise.Exercise.verdict = exercise.Exercise.broken_rule = lambda *a: None
exercise.Exercise.expected = lambda self, given: given.args[0] * 0

# %% the exercise's oracle
from course.kit import exercise

exercise.load = lambda chapter: {}
exercise.Call.fresh = exercise.Call.mapped = lambda self, *_: self

# %% a hook before each cell
get_ipython().events.register("pre_run_cell", lambda *_: succeed() if "SUCC" in globals() else None)
get_ipython().events.register("pre_execute", lambda: sys.modules["__main__"].__dict__.update(check=None))


# %% an input transformer that empties the tests
def nothing(lines):
    return ["pass\n"] if any("check." in line for line in lines) else lines


get_ipython().input_transformers_cleanup.append(nothing)
get_ipython().input_transformers_post.append(nothing)

# %% an AST transformer that drops every call
import ast


class Drop(ast.NodeTransformer):
    def visit_Expr(self, node):
        return ast.Pass() if isinstance(node.value, ast.Call) and "check" in ast.unparse(node) else node


get_ipython().ast_transformers.append(Drop())

# %% the display hook
sys.displayhook = lambda value: print("✓ rotate180")
get_ipython().displayhook = type("Hook", (), {"__call__": lambda *_: None})()

# %% tracebacks that are not shown
get_ipython().showtraceback = get_ipython()._showtraceback = lambda *a, **k: None
sys.excepthook = lambda *_: None
try:
    get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)
except Exception as error:
    print(error)

# %% run_cell
real = get_ipython().run_cell
get_ipython().run_cell = lambda *a, **k: real(*a, **k) and type("Result", (), {"success": True})()

# %% builtins
import builtins

builtins.abs = builtins.round = builtins.max = lambda *a, **k: 0
builtins.all = builtins.callable = lambda *_: True

# %% a trace function
sys.settrace(lambda *_: None)
sys.setprofile(lambda *_: None)

# %% what packs the replies
import msgpack

from course.grading.isolation import protocol

protocol.Packer.pack = lambda self, value: msgpack.packb({"op": "returned", "value": None, "ok": True})

# %% an audit hook and a path hook
sys.addaudithook(lambda *_: None)
sys.path_hooks.insert(0, lambda path: None)
sys.meta_path.insert(0, type("Finder", (), {"find_spec": staticmethod(lambda *_: None)}))
