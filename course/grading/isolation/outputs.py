"""What a cell shows, as a notebook holds it: events become nbformat outputs, the way a kernel's messages do."""

from __future__ import annotations

import math
from typing import Any

from nbformat import NotebookNode


class Collector:
    """Gathers the outputs of a notebook's cells, cell by cell."""

    def __init__(self) -> None:
        self.outputs: list[NotebookNode] = []
        self.count = 0
        self.by_display_id: dict[str, list[NotebookNode]] = {}
        self.clear_first = False

    def begin(self, count: int) -> None:
        """The next cell, number `count`, begins."""
        self.outputs, self.count, self.clear_first = [], count, False

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one event; one that isn't well formed is left out."""
        known = {
            "stream": self._stream,
            "display": self._display,
            "result": self._result,
            "error": self._error,
            "clear": self._clear,
            "restart": self._restart,
        }
        try:
            known[event["event"]](event)
        except (KeyError, TypeError, ValueError, AttributeError):
            return

    def error(self, ename: str, evalue: str) -> None:
        """Add an error of ours, which has no traceback."""
        self._add(_output("error", ename=ename, evalue=evalue, traceback=[f"{ename}: {evalue}"]))

    def finished(self) -> list[NotebookNode]:
        """The outputs of the cell that ran last."""
        for output in self.outputs:
            if output.output_type == "stream":
                output.text = "\n".join(map(_last_state, output.text.split("\n")))
        return self.outputs

    def _add(self, output: NotebookNode) -> None:
        if self.clear_first:
            self._restart({})
        self.outputs.append(output)

    def _stream(self, event: dict) -> None:
        name, text = ("stderr" if event["name"] == "stderr" else "stdout"), _text(event["text"])
        last = self.outputs[-1] if self.outputs and not self.clear_first else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            self._add(_output("stream", name=name, text=text))

    def _display(self, event: dict) -> None:
        data, metadata = _bundle(event["data"]), _metadata(event["metadata"])
        shown = event.get("display_id")
        if event.get("update"):
            for output in self.by_display_id.get(shown, []):
                output.data, output.metadata = data, metadata
            return
        output = _output("display_data", data=data, metadata=metadata)
        if isinstance(shown, str):
            self.by_display_id.setdefault(shown, []).append(output)
        self._add(output)

    def _result(self, event: dict) -> None:
        self._add(
            _output(
                "execute_result",
                data=_bundle(event["data"]),
                metadata=_metadata(event["metadata"]),
                execution_count=self.count,
            )
        )

    def _error(self, event: dict) -> None:
        said = {"ename": _text(event["ename"]), "evalue": _text(event["evalue"])}
        self._add(_output("error", **said, traceback=[_text(line) for line in event["traceback"]]))

    def _clear(self, event: dict) -> None:
        if event["wait"]:
            self.clear_first = True
        else:
            self._restart({})

    def _restart(self, _: dict) -> None:
        self.outputs, self.clear_first = [], False


def _output(kind: str, **fields: Any) -> NotebookNode:
    """An output of a kind. nbformat's own function compares each with a schema; here the form of all parts is known."""
    return NotebookNode(output_type=kind, **fields)


def _last_state(line: str) -> str:
    """A line without what was written over, such as a progress bar's earlier states."""
    shown = line.rstrip("\r")
    return shown.rpartition("\r")[2] + line[len(shown) :]


def _bundle(value: Any) -> NotebookNode:
    """What is shown, by its type: JSON for types of JSON, else text."""
    if type(value) is not dict:
        raise TypeError("a bundle is a dict")
    return NotebookNode({_text(k): _json(v) if k.endswith("json") else _text(v) for k, v in value.items()})


def _metadata(value: Any) -> NotebookNode:
    if type(value) is not dict:
        raise TypeError("metadata are a dict")
    return _json(value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("a text is expected")
    return value


def _json(value: Any) -> Any:
    """Plain data that any notebook reader can read back."""
    if type(value) is dict:
        return NotebookNode({_text(k): _json(v) for k, v in value.items()})
    if type(value) is list:
        return [_json(v) for v in value]
    if type(value) is float and not math.isfinite(value):
        return None
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError("not JSON")
