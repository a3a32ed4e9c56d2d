"""An IPython shell without a kernel: runs cells, and reports what they show as a kernel would, event by event."""

from __future__ import annotations

import base64
import builtins
import contextlib
import functools
import getpass
import inspect
import io
import shlex
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from IPython.core import page
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

Emit = Callable[[dict[str, Any]], None]

NO_INPUT = (
    "input() has nobody to ask while a notebook is graded: put the value into the cell, or into an argument"
)
_INLINE = "module://matplotlib_inline.backend_inline"


class Stream(io.TextIOBase):
    """stdout or stderr of a cell. Text is reported in pieces, and cut off after `most` bytes."""

    encoding = "utf-8"

    def __init__(self, name: str, emit: Emit, most: int) -> None:
        self.name = name
        self._emit, self._most = emit, most
        self._parts: list[str] = []
        self._held = self._sent = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        left = self._most - self._sent - self._held
        if text and left >= 0:
            kept = text[: left + 1]
            self._parts.append(kept)
            self._held += len(kept)
            if self._sent + self._held > self._most:
                self._parts.append(f"\n[cut off: a cell may print {self._most:,} characters]\n")
            if self._held > 1 << 15:
                self.flush()
        return len(text)

    def flush(self) -> None:
        if self._parts:
            text, self._parts = "".join(self._parts), []
            self._sent, self._held = self._sent + self._held, 0
            self._emit({"event": "stream", "name": self.name, "text": text})

    def restart(self) -> None:
        """Begin a new cell."""
        self._parts, self._held, self._sent = [], 0, 0


class _Publisher(DisplayPublisher):
    """Reports what is displayed."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **_: Any) -> None:
        shell = self.shell
        shell.flush_streams()
        shown = (transient or {}).get("display_id")
        shell.emit(
            {
                "event": "display",
                "data": _jsonable(data),
                "metadata": _jsonable(metadata or {}),
                "display_id": str(shown) if shown is not None else None,
                "update": bool(update),
            }
        )

    def clear_output(self, wait: bool = False) -> None:
        self.shell.flush_streams()
        self.shell.emit({"event": "clear", "wait": bool(wait)})


class _Hook(DisplayHook):
    """Reports the value of a cell's last expression."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        self.shell.flush_streams()
        if format_dict:
            data, metadata = _jsonable(format_dict), _jsonable(md_dict or {})
            self.shell.emit({"event": "result", "data": data, "metadata": metadata})

    def finish_displayhook(self) -> None:
        pass


class _Compiler(CachingCompiler):
    """Names cells as a kernel does, whose number is its process's; the same cell always gets the same name here."""

    def get_code_name(self, raw_code: str, code: str, number: int) -> str:  # noqa: ARG002
        name = f"/tmp/ipykernel_0/{zlib.crc32(raw_code.encode())}.py"
        # Of no module: for a traceback, `inspect` would ask the thousand that are loaded whether it is theirs.
        inspect.modulesbyfile[name] = ""  # type: ignore[attr-defined]
        return name


class CapturingShell(InteractiveShell):
    """The shell. `emit` gets the events of the running cell."""

    compiler_class = Type(_Compiler)
    emit: Emit

    def __init__(self, **settings: Any) -> None:
        self._learnt: dict[str, str] = {}  # cells as plain Python
        super().__init__(**settings)

    def start(self, emit: Emit, output_bytes: int) -> None:
        """Report events to `emit` from now on, with at most so many bytes of text a cell and stream."""
        self.emit = emit
        self.streams = [Stream(name, emit, output_bytes) for name in ("stdout", "stderr")]

    def run(self, source: str, count: int) -> bool:
        """Run a cell as number `count`; says whether it went well."""
        self.execution_count = count
        before = sys.stdout, sys.stderr
        for stream in self.streams:
            stream.restart()
        sys.stdout, sys.stderr = self.streams  # type: ignore[assignment]
        try:
            return bool(self.run_cell(source, store_history=True).success)
        finally:
            self.flush_streams()
            sys.stdout, sys.stderr = before

    def learn(self, source: str) -> None:
        """Do now what a cell will need before it runs."""
        self._learnt[source] = super().transform_cell(source)

    def transform_cell(self, raw_cell: str) -> str:
        """The cell as plain Python."""
        return self._learnt.get(raw_cell) or super().transform_cell(raw_cell)

    def run_unseen(self, source: str) -> None:
        """Run a cell for what it binds: nothing that it shows is reported, or drawn."""
        emit, streams, types = self.emit, self.streams, self.display_formatter.active_types
        self.start(lambda _: None, 0)
        self.display_formatter.active_types = []
        try:
            self.run(source, 0)
        finally:
            self.emit, self.streams, self.display_formatter.active_types = emit, streams, types

    def flush_streams(self) -> None:
        """Report what has been printed so far."""
        for stream in self.streams:
            stream.flush()

    @contextlib.contextmanager
    def _tee(self, channel: str) -> Iterator[None]:  # noqa: ARG002
        """IPython would keep all that is printed, without a limit, for a history that nobody reads."""
        yield

    def _format_exception_for_storage(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Nor is a traceback rendered twice, for the same history."""
        return {}

    def enable_gui(self, gui: str | None = None) -> None:
        """There are no windows here; `%matplotlib inline` asks all the same."""

    def system(self, cmd: str) -> None:
        """Say that `!command` and `%pip` do nothing."""
        shown = cmd.replace(shlex.quote(sys.executable), "python")  # %pip is a command as well
        print(f"`{shown}` did nothing: commands don't run while a notebook is graded", file=sys.stderr)
        self.user_ns["_exit_code"] = 1

    system_piped = system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:  # noqa: ARG002
        """As `system`, for `x = !command`."""
        self.system(cmd)
        return [] if split else ""

    def ask_exit(self) -> None:
        """`exit` and `quit` end nothing: the next cell runs all the same."""

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.flush_streams()
        self.emit(
            {
                "event": "error",
                "ename": str(etype.__name__),
                "evalue": _text_of(evalue),
                "traceback": [str(line) for line in stb],
            }
        )


def make_shell() -> CapturingShell:
    """The process's shell, with inline figures; it writes no history and reads no profile."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "neutral"
    config.InteractiveShell.enable_tip = False
    # The same pixels; compressed in a third of the time, files 15 % larger.
    config.InlineBackend.print_figure_kwargs = printing = {
        "bbox_inches": "tight",
        "pil_kwargs": {"compress_type": zlib.Z_RLE},
    }
    shell = CapturingShell.instance(
        config=config, display_pub_class=_Publisher, displayhook_class=_Hook, user_module=None
    )
    shell.start(lambda _: None, 0)
    shell.set_hook("show_in_pager", page.as_hook(lambda *_, **__: None), 99)  # `len?` goes to no output
    builtins.input = getpass.getpass = _no_input  # type: ignore[assignment]
    shell.events.register("post_execute", _lay_out)
    import matplotlib
    from matplotlib import figure, pyplot

    matplotlib.use(_INLINE)
    shell.enable_matplotlib("inline")
    png = shell.display_formatter.formatters["image/png"]
    png.for_type(figure.Figure, functools.partial(_drawn_once, base64=True, **printing))
    pyplot.uninstall_repl_displayhook()
    return shell


def _lay_out() -> None:
    """In place of pyplot's hook, which draws open figures before they are shown: of that only the layout can be seen.

    A constrained layout comes out a little different in the second round.
    """
    from matplotlib._pylab_helpers import Gcf

    for manager in Gcf.get_all_fig_managers():
        figure = manager.canvas.figure
        if figure.stale and (engine := figure.get_layout_engine()):
            engine.execute(figure)


def _drawn_once(figure: Any, **printing: Any) -> Any:
    """A figure as IPython prints it. To find its edges, matplotlib draws it twice, which only a layout engine needs."""
    from IPython.core.pylabtools import print_figure
    from matplotlib import rcParams

    if figure.get_layout_engine() is None and hasattr(figure.canvas, "get_renderer"):
        edges = figure.get_tightbbox(figure.canvas.get_renderer())
        printing["bbox_inches"] = edges.padded(rcParams["savefig.pad_inches"])
    return print_figure(figure, **printing)


def _no_input(*_: Any, **__: Any) -> str:
    raise RuntimeError(NO_INPUT)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception of the student's own making may not even have a text
        return ""


def _jsonable(value: Any) -> Any:
    """What a notebook can hold: pictures as base64, the rest as plain data or text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)
