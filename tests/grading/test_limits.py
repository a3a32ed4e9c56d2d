"""What a limit costs: its own exercise and no other. What it says: which limit, where, and what to do."""

import ast
import dataclasses
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from course.grading.isolation import limits as limits_module
from course.grading.isolation import session as session_module
from course.grading.isolation.limits import MB, Limits
from course.grading.isolation.outputs import Collector
from course.grading.isolation.session import Nursery, Session
from course.kit.exercise import StoppedError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")

SHORT = Limits(cell_seconds=2, call_seconds=1, memory_bytes=384 * MB, files_bytes=24 * MB, file_bytes=8 * MB)


@pytest.fixture(scope="module")
def nursery():
    server = Nursery()
    yield server
    server.close()


def shown(output):
    if output.output_type == "error":
        return output.evalue + "".join(output.traceback)
    return output.get("text") or str(output.data)


class Notebook:
    """Cells run one after the other, as the examiner does."""

    def __init__(self, nursery, limits=SHORT, files=None):
        self.nursery = nursery
        self.session, self.collector = Session(nursery, limits, files or {}), Collector()
        self.count = 0

    def run(self, source):
        """The text that a cell shows; what stopped it, where something did."""
        self.count += 1
        self.collector.begin(self.count)
        try:
            self.session.run(source, self.count, self.collector)
        except StoppedError as error:
            return f"stopped: {error}"
        return "".join(map(shown, self.collector.finished()))

    def __getitem__(self, name):
        self.session.begin_test()
        return self.session.look([name])[name]

    def close(self):
        self.session.close()
        self.nursery.end()


@pytest.fixture
def notebook(nursery):
    made = []

    def make(limits=SHORT, files=None, **changed):
        made.append(Notebook(nursery, dataclasses.replace(limits, **changed), files))
        return made[-1]

    yield make
    for nb in made:
        nb.close()


def stopped(function, *args):
    with pytest.raises(StoppedError) as caught:
        function(*args)
    return str(caught.value)


# ---------------------------------------------------------------- each limit

IN_A_CELL = {
    "cell_seconds": (
        "while True: pass",
        {},
        "this cell was stopped after 2 s: is there a loop that never ends",
    ),
    "cpu_seconds": (
        "import threading, numpy as np\n"
        "def burn():\n    while True: np.ones((300, 300)) @ np.ones((300, 300))\n"
        "for _ in range(2): threading.Thread(target=burn, daemon=True).start()\nburn()",
        {"cpu_seconds": 1, "cell_seconds": 60},
        "used 1 s of processor time; is there a loop that never ends, perhaps in a thread?",
    ),
    "cpu_seconds, with SIGXCPU ignored": (
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        {"cpu_seconds": 1, "cell_seconds": 60},
        "used 1 s of processor time",
    ),
    "submission_seconds": (
        "while True: pass",
        {"submission_seconds": 0.5},
        "is there a loop that never ends",
    ),
    "output_bytes": (
        "print('x' * 10**6)",
        {"output_bytes": 1000},
        "[cut off: a cell may print 1,000 characters]",
    ),
    "picture_bytes": (
        "from IPython.display import HTML, display\nfor _ in range(50): display(HTML('x' * 10**5))",
        {"output_bytes": 1000, "picture_bytes": MB},
        "MB, pictures included, is all that this cell may show",
    ),
    "memory_bytes": (
        "x = bytearray(10**9)",
        {},
        "(a notebook may use 384 MB: is an array larger than it has to be?)",
    ),
    "file_bytes": ("open('f', 'wb').write(bytes(10**8))", {}, "File too large"),
    "files_bytes": (
        "for i in range(100): open(f'f{i}', 'wb').write(bytes(10**6))",
        {},
        "No space left on device",
    ),
    "open_files": ("x = [open('/dev/null') for _ in range(1000)]", {}, "Too many open files"),
    "threads": (
        "import threading, time\n"
        "for _ in range(1000): threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
        {"threads": 8},
        "can't start new thread",
    ),
}


@pytest.mark.parametrize("limit", IN_A_CELL)
def test_a_cell_over_its_limit(limit, notebook):
    source, changed, said = IN_A_CELL[limit]
    nb = notebook(**changed)
    if limit != "submission_seconds":
        assert nb.run("x = 5") == ""
    told = nb.run(source)
    if limit == "files_bytes" and nb.nursery.level != "full":
        said = "its files take more than 24 MB, all together; write fewer or smaller ones"
    assert said in told
    if limit != "submission_seconds":
        assert nb.run("x + 1 if isinstance(x, int) else 6") == "{'text/plain': '6'}"


IN_A_CALL = {
    "call_seconds": (
        "def f():\n    while True: pass",
        {},
        "your function was stopped after 1 s: is there a loop that never ends, or one that is very slow?",
    ),
    "call_seconds, in C": ("def f():\n    return 10 ** 10 ** 9", {}, "stopped after 1 s"),
    "cell_seconds": (
        "def f():\n    while True: pass",
        {"cell_seconds": 0.3, "call_seconds": 9},
        "stopped after",
    ),
    "memory_bytes": (
        "import numpy as np\ndef f():\n    return np.ones(10**9)",
        {},
        "it needs more than the 384 MB of memory that there are; is an array far larger than it has to be?",
    ),
    "message_bytes": (
        "import numpy as np\ndef f():\n    return np.ones(10**6)",
        {"message_bytes": 4 * MB},
        "bytes at once, and 4,194,304 are allowed: is a result far too large?",
    ),
    "the process": (
        "import os\ndef f():\n    os._exit(0)",
        {},
        "your code ended the process it ran in, as os._exit does; leave that out",
    ),
    "the process, by a signal": (
        "import ctypes\ndef f():\n    ctypes.string_at(0)",
        {},
        "your code ended the process it ran in (SIGSEGV)",
    ),
}


@pytest.mark.parametrize("limit", IN_A_CALL)
def test_a_call_over_its_limit(limit, notebook):
    source, changed, said = IN_A_CALL[limit]
    nb = notebook(**changed)
    nb.run(f"{source}\ndef right(a):\n    return a + 1")
    assert said in stopped(nb["f"])
    assert nb["right"](41) == 42


def test_every_limit_is_tested():
    tested = {name.partition(",")[0] for name in {**IN_A_CELL, **IN_A_CALL}} | {"notebook_bytes", "restarts"}
    assert {field.name for field in dataclasses.fields(Limits)} <= tested


def test_every_limit_says_what_it_is():
    source = Path(limits_module.__file__).read_text()
    lines = {
        n.target.id: source.splitlines()[n.lineno - 1]
        for n in ast.walk(ast.parse(source))
        if isinstance(n, ast.AnnAssign)
    }
    silent = {n for n, line in lines.items() if "#" not in line}
    assert silent <= {"open_files", "threads"}  # these say it by their names


def test_all_cells_together(notebook):
    nb = notebook(notebook_bytes=MB)
    cell = "from IPython.display import HTML, display\nfor _ in range(4): display(HTML('x' * 10**5))"
    told = [nb.run(cell) for _ in range(5)]
    assert "cut off" not in told[0] + told[1]
    assert "[cut off:" in told[3]
    assert len("".join(told)) < 2 * MB
    assert nb.run("1") != ""


def test_restarts(notebook):
    nb = notebook(restarts=3)
    nb.run("import os\ndef f():\n    os._exit(0)\ndef g():\n    return 1")
    for _ in range(2):
        assert "os._exit" in stopped(nb["f"])
    assert "your code was stopped 3 times; the rest was not run" in stopped(lambda: nb["g"]())


# ---------------------------------------------------------------- what is there after a stop


def test_later_cells_have_the_names_of_earlier_ones(notebook):
    nb = notebook(files={"data/x.txt": b"7"})
    nb.run("import numpy as np\nx = int(open('data/x.txt').read())")
    nb.run("class Model:\n    def __init__(self): self.w = np.arange(3.0)\nmodel = Model()")
    nb.run("model.w += x; open('mine', 'w').write('y')")
    assert "os._exit" in nb.run("import os\nos._exit(1)")
    assert nb.run("model.w.sum(), open('mine').read(), x") == "{'text/plain': \"(np.float64(24.0), 'y', 7)\"}"


def test_a_stopped_cell_is_not_run_again(notebook):
    nb = notebook()
    nb.run("x = 1")
    nb.run("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nx = 2\nwhile True: pass")
    begun = time.monotonic()
    assert nb.run("x") == "{'text/plain': '1'}"
    assert time.monotonic() - begun < 1.9


def test_a_cell_that_answers_to_an_interrupt_keeps_what_it_has_done(notebook):
    nb = notebook()
    assert "stopped after 2 s" in nb.run("x = 1\nwhile True: x += 1")
    assert nb.run("x > 1000") == "{'text/plain': 'True'}"


def test_a_cell_that_ends_only_the_first_time_costs_itself(notebook):
    """Replayed, it would hold up the rest for ever."""
    nb = notebook(restarts=9)
    nb.run("x = 1")
    nb.run(
        "import sys, time\nf = sys._getframe()\nwhile f:\n"
        "    if f.f_code.co_name == 'replay': time.sleep(99)\n    f = f.f_back"
    )
    nb.run("y = 2")
    nb.run("import os\nos._exit(0)")
    assert nb.run("x, y") == "{'text/plain': '(1, 2)'}"


def test_an_object_that_was_lost_says_so(notebook):
    nb = notebook()
    nb.run("import os\nclass Model:\n    def end(self): os._exit(0)\n    w = 5\ndef make(): return Model()")
    model = nb["make"]()
    assert model.w == 5
    assert "os._exit" in stopped(model.end)
    assert "was lost" in stopped(lambda: model.w)
    assert nb["make"]().w == 5


def test_a_process_that_somebody_else_kills_costs_nothing(notebook):
    nb = notebook(cell_seconds=20, call_seconds=20)
    nb.run("import time\ndef slow(a):\n    time.sleep(0.5)\n    return a + 1")
    slow = nb["slow"]
    killer = threading.Timer(0.2, lambda: os.kill(nb.session.pid, signal.SIGKILL))
    killer.start()
    assert slow(np.float64(1)) == 2
    killer = threading.Timer(0.2, lambda: os.kill(nb.session.pid, signal.SIGKILL))
    killer.start()
    assert nb.run("time.sleep(0.5)\nprint('once')") == "once\n"
    os.kill(nb.session.pid, signal.SIGKILL)
    assert nb["slow"](2) == 3


def test_results_that_are_remembered_are_bounded(notebook, monkeypatch):
    monkeypatch.setattr(session_module, "REMEMBERED", MB)
    nb = notebook()
    nb.run("import numpy as np\ndef f(n):\n    return np.full(20_000, n)")
    results = [nb["f"](n) for n in range(30)]
    assert [int(r[0]) for r in results] == list(range(30))
    assert nb.session.remembered <= MB
    assert sum(len(packed) for _, _, packed in nb.session.origins.values()) == nb.session.remembered


def test_a_flood_of_output_ends_with_the_cell(notebook):
    nb = notebook()
    begun = time.monotonic()
    nb.run("while True: print('x' * 1000)")
    assert time.monotonic() - begun < 6
    assert nb.run("1") == "{'text/plain': '1'}"


def test_threads_of_an_earlier_cell_do_not_hold_up_a_later_one(notebook):
    nb = notebook()
    nb.run(
        "import threading\ndef flood():\n    while True: print('x' * 100, flush=True)\n"
        "def burn():\n    while True: pass\n"
        "for f in (flood, burn): threading.Thread(target=f, daemon=True).start()\ndef right(a): return a + 1"
    )
    assert [nb["right"](n) for n in range(5)] == [1, 2, 3, 4, 5]


def test_the_time_of_earlier_cells_is_not_that_of_the_next(notebook):
    nb = notebook()
    nb.run("import os, time\ntime.sleep(1.5)")
    assert "os._exit" in nb.run("os._exit(0)")
    assert nb.run("time.sleep(1); 'on'") == "{'text/plain': \"'on'\"}"
