"""What a cell shows, as a kernel would have left it: the same notebook run by a kernel, and by a student's process."""

import base64
import io
import re
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from course.grading.isolation.limits import Limits
from course.grading.isolation.outputs import Collector
from course.grading.isolation.session import Nursery, Session

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
SAME = {  # outputs must be equal
    "nothing": "x = 1",
    "a result": "1 + 1",
    "the last result": "_ + 40",
    "results by number": "Out[2], len(In), _2",
    "no result": "None",
    "a semicolon": "5;",
    "text": "print('a'); print('b', end=''); print('c')",
    "both streams": "import sys\nprint('out'); print('err', file=sys.stderr); print('out again')",
    "text without an end of line": "print('x', end='')",
    "unicode": "print('é 漢字 🙂 −')\n'é 漢字 🙂 −'",
    "text and a result": "print('first')\n[1, 2, 3]",
    "a long result": "list(range(300))",
    "a dict": "{'b': 1, 'a': {'nested': [1, 2, (3,)]}}",
    "an array": "import numpy as np\nnp.arange(12.0).reshape(3, 4) / 7",
    "several displays": "from IPython.display import display\ndisplay(1, 'two', [3])",
    "rich text": "from IPython.display import HTML, JSON, Latex, Markdown, SVG\n"
    "display(HTML('<b>x</b>'), Latex('$x$'), Markdown('*x*'), JSON({'a': [1, None, 2.5]}), "
    "SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>'))",
    "a rich result": "HTML('<i>y</i>')",
    "own representations": "class Rich:\n    def _repr_html_(self):\n        return '<p>'\n    def __repr__(self):\n"
    "        return 'Rich'\n    def _repr_mimebundle_(self, include=None, exclude=None):\n"
    "        return {'text/x-own': 'own'}, {'text/x-own': {'a': 1}}\nRich()",
    "a representation that fails": "class Bad:\n    def __repr__(self):\n        return 1 / 0\nBad()",
    "metadata": "from IPython.display import Image\nimport base64\n"
    f"Image(base64.b64decode('{PIXEL}'), width=30)",
    "a figure": "%matplotlib inline\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(3, 2))\n"
    "ax.plot([1, 3, 2]); ax.set_title('é $x_1$'); ax.imshow([[0, 1], [2, 3]])\nplt.show()",
    "a figure that nobody shows": "plt.figure(figsize=(2, 2)); plt.plot([1, 2])\nprint('before')",
    "a figure as a result": "fig",
    "a figure with all that lies outside its axes": "fig, ax = plt.subplots(figsize=(4, 3))\n"
    "image = ax.imshow(np.arange(12.0).reshape(3, 4) * 1e6); fig.colorbar(image, label='much')\n"
    "ax.annotate('outside', (0, 0), (-3, 3.5), arrowprops={'arrowstyle': '->'}); fig.suptitle('above', x=0.9)\n"
    "ax.set(xlabel='x', ylabel='two\\nlines', xticks=[0, 3], xticklabels=['a long label', 'b']);",
    "a legend where there is room": "for k in range(3):\n    plt.plot(np.arange(9) ** k, label=f'power {k}')\n"
    "plt.legend(); plt.twinx().plot([1e9, 2e9]);",
    "other projections": "fig = plt.figure(figsize=(5, 2)); fig.add_subplot(121, polar=True).plot([0, 1], [1, 2])\n"
    "fig.add_subplot(122, projection='3d').plot([0, 1], [0, 1], [0, 1]);",
    "a figure laid out by matplotlib": "fig, axes = plt.subplots(2, 2, layout='constrained', figsize=(4, 3))\n"
    "fig.colorbar(axes[0, 0].imshow([[0, 1]]), ax=axes); axes[1, 1].set(title='t', ylabel='y')",
    "a figure that has not been pyplot's": "from matplotlib.figure import Figure\nown = Figure(figsize=(2, 2))\n"
    "own.add_subplot().plot([1, 2], label='a')\nown",
    "two figures and text": "for i in range(2):\n"
    "    plt.figure(figsize=(1, 1)); plt.plot([i, 1]); plt.show(); print(i)",
    "await": "import asyncio\nawait asyncio.sleep(0.01)\nprint('awaited')\nawait asyncio.sleep(0, result=7)",
    "async for": "async def count():\n    for i in range(3):\n        yield i\n[i async for i in count()]",
    "tasks": "r = await asyncio.gather(*[asyncio.sleep(0.01, i) for i in range(3)])\nr",
    "a display that is updated": "h = display('old', display_id='x1'); display('x', display_id='x2')\nh.update('new')",
    "a display that is updated by a later cell": "from IPython.display import update_display\n"
    "update_display('newer', display_id='x2')",
    "cleared": "from IPython.display import clear_output\nprint('gone'); clear_output(); print('stays')",
    "cleared before the next": "for i in range(4):\n    clear_output(wait=True); print(i)\nprint('end')",
    "cleared before nothing": "print('stays'); clear_output(wait=True)",
    "an error": "def f(x):\n    return 1 / x\n\n\ndef g():\n    # a comment\n    return f(0)\n\n\nprint('before')\ng()",
    "a chain of errors": "try:\n    g()\nexcept ZeroDivisionError as e:\n    raise ValueError('é') from e",
    "errors within errors": "try:\n    g()\nexcept ZeroDivisionError:\n    {}['key']",
    "a group of errors": "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
    "an assertion": "assert 1 == 2, 'unequal'",
    "a slip": "def f(:\n    pass",
    "a slip in indentation": "if True:\nprint(1)",
    "a bracket that is missing": "print((1)",
    "an unknown name": "undefined_name + 1",
    "an error of numpy's": "np.ones((2, 3)) @ np.ones((2, 3))",
    "an error with its own traceback": "class Own(Exception):\n    def _render_traceback_(self):\n"
    "        return ['only', 'this']\nraise Own('x')",
    "an error without a text": "class Silent(Exception):\n    pass\nraise Silent",
    "an error in a library": "import json\njson.loads('{')",
    "a lambda and a comprehension": "[(lambda v: 1 // v)(i) for i in (1, 0)]",
    "an end": "import sys\nprint('still here')",
    "a line magic": "%precision 3\n3.14159265",
    "a magic with a result": "%precision %r\nnumbers = %who_ls int\nnumbers",
    "a cell magic": "%%capture caught\nprint('caught')\n5",
    "what was caught": "caught.stdout",
    "a cell magic that is unknown": "%%nothing\nx",
    "a magic that is unknown": "%nothing",
    "a progress bar": "for i in range(3):\n    print(f'\\r{i} of 2', end='')\nprint()\nprint('done')",
    "help": "len?",
    "a function's text": "f??",
    "an alias": "In[1]",
    "many lines": "for i in range(3000):\n    print('line', i)",
    "logging": "import logging\nlogging.warning('careful')",
    "writing to a stream": "sys.stdout.write('x\\n')\nsys.stdout.flush()",
    "a type": "type(1), int, len",
    "globals": "__name__, 'x' in globals()",
    "a decorated class": "import dataclasses\n@dataclasses.dataclass\nclass P:\n    a: int = 1\nP()",
    "a tabulator": "print('a', 'b', sep='\\t')",
    "a warning": "import warnings\nwarnings.warn('careful')\nprint('on')",
    "a warning of numpy's": "np.array([1.0]) / 0",
    "a SystemExit": "print('before')\nraise SystemExit(2)",
    "time": "%%time\nprint('timed')\n5",
    "time of a line": "%time sum(range(10))",
    "many times": "%timeit -n 2 -r 2 sum(range(10))",
    "a variable of the environment": "%env NOTHING=1",
    "numpy's settings": "np.set_printoptions(precision=2)\nnp.array([1.23456])",
    "a table": "%whos float",
    "an empty cell with a comment": "# nothing",
    "a generator": "next(i for i in [3])",
}


def run_by_kernel(cells):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client = NotebookClient(nb, timeout=60, allow_errors=True, kernel_name="python3", record_timing=False)
    return [c.outputs for c in client.execute().cells]


def run_by_us(cells, limits=None):
    nursery = Nursery()
    session, collector, found = Session(nursery, limits or Limits(), {}), Collector(), []
    try:
        for count, source in enumerate(cells, 1):
            collector.begin(count)
            session.run(source, count, collector)
            found.append(collector.finished())
        return found
    finally:
        session.close()
        nursery.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        cells = list(SAME.values())
        kernel, ours = run_by_kernel(cells), run_by_us(cells)
    return {name: (k, o) for name, k, o in zip(SAME, kernel, ours, strict=True)}


def plain(outputs):
    """Without what differs from run to run; runs of one stream are one output, and what was written over is gone."""
    found = []
    for output in outputs:
        output = nbformat.from_dict(output)
        output.pop("transient", None)
        if (
            found
            and output.output_type == "stream" == found[-1].output_type
            and output.name == found[-1].name
        ):
            found[-1].text += output.text
        else:
            found.append(output)
    for output in found:
        for field in ("text", "evalue"):
            if field in output:
                output[field] = steady(re.sub(r"[^\n]*\r(?=[^\n])", "", output[field]))
        if "image/png" in output.get("data", {}):
            output.data["image/png"] = pixels(output.data["image/png"])
        if "traceback" in output:
            output.traceback = [steady(line) for line in output.traceback]
    return found


def pixels(png):
    """A picture, however it is compressed."""
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        return picture.size, picture.mode, picture.tobytes()


def steady(text):
    """Without numbers of processes, times, and where Python lies."""
    text = re.sub(r"(/tmp/ipykernel_)?\d+(/\d+)?\.py", "CELL", text)
    text = re.sub(
        r"The slowest run took.*?cached\.\s*", "", text, flags=re.DOTALL
    )  # it depends on the machine
    text = re.sub(r"[~/][^ \"\x1b]*/(lib/|site-packages/)", "", text)
    return re.sub(r"[\d.]+ (ns|[μµ]s|ms|s)\b", "T", re.sub(r"0x[0-9a-f]+", "0x", text))


@pytest.mark.slow
@pytest.mark.parametrize("what", SAME)
def test_as_a_kernel(what, both):
    kernel, ours = both[what]
    assert plain(ours) == plain(kernel)


# ---------------------------------------------------------------- what no kernel does while it grades


def shown(*cells, limits=None):
    return run_by_us(cells, limits)


def text(outputs):
    return "".join(o.get("text") or o.get("evalue") or str(o.get("data")) for o in outputs)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("input('name? ')", "input() has nobody to ask while a notebook is graded"),
        ("import getpass\ngetpass.getpass()", "input() has nobody to ask"),
        ("!ls", "`ls` did nothing: commands don't run while a notebook is graded"),
        ("x = !ls\nx", "`ls` did nothing"),
        ("%pip install numpy", "`python -m pip install numpy` did nothing"),
        ("%%bash\nls", "not permitted"),
    ],
)
def test_what_is_not_there_says_so(cell, said):
    first, second = shown(cell, "'on'")
    assert said in text(first)
    assert sys.prefix not in text(first)
    assert text(second) == "{'text/plain': \"'on'\"}"


def test_exit_ends_nothing():
    outputs = shown("x = 1", "exit()", "quit", "x")
    assert text(outputs[3]) == "{'text/plain': '1'}"


def test_a_line_without_an_end_takes_no_time():
    """Looking for what was written over was once quadratic."""
    (outputs,) = shown("print('x' * 3_000_000)")
    assert len(text(outputs)) == 3_000_001


def test_the_last_state_of_a_progress_bar_stays():
    (outputs,) = shown("print('1 %\\r99 %\\r100 %', end='\\r')")
    assert text(outputs) == "100 %\r"


def test_what_no_notebook_can_hold_becomes_null():
    (outputs,) = shown("from IPython.display import JSON\nJSON({'a': float('nan'), 'b': [float('inf'), 1]})")
    assert outputs[0].data["application/json"] == {"a": None, "b": [None, 1]}


def test_half_a_character_is_shown_as_a_code():
    (outputs,) = shown("print('\\ud800')")
    assert text(outputs) == "\\ud800\n"


EVENTS = [  # from a process that says what it likes
    {"event": "display", "data": {}, "metadata": [1]},
    {"event": "display", "data": [], "metadata": {}},
    {"event": "display", "data": {"text/plain": 1}, "metadata": {}},
    {"event": "display", "data": {}, "metadata": {}, "display_id": [], "update": True},
    {"event": "result", "data": {"text/plain": "1"}, "metadata": None},
    {"event": "result", "data": {1: "1"}, "metadata": {}},
    {"event": "error", "ename": 1, "evalue": "", "traceback": []},
    {"event": "error", "ename": "E", "evalue": "", "traceback": [1]},
    {"event": "error", "ename": "E", "evalue": "", "traceback": None},
    {"event": "stream", "name": "stdout", "text": b"x"},
    {"event": "stream", "name": [], "text": None},
    {"event": "clear"},
    {"event": []},
    {},
]


@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_what_is_no_output_is_left_out(event):
    collector = Collector()
    collector.begin(1)
    collector({"event": "stream", "name": "stdout", "text": "before"})
    collector(event)
    collector(
        {"event": "result", "data": {"text/plain": "1", "application/json": {"a": [1, None]}}, "metadata": {}}
    )
    outputs = collector.finished()
    assert [output.output_type for output in outputs] == ["stream", "execute_result"]
    cell = nbformat.v4.new_code_cell("", outputs=outputs)
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
