"""What a cell shows, as a notebook holds it: events become nbformat outputs, the way a kernel's messages do."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

_OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)")  # a progress bar's earlier states


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
        except (KeyError, TypeError):
            return

    def error(self, ename: str, evalue: str) -> None:
        """Add an error of ours, which has no traceback."""
        self._add(new_output("error", ename=ename, evalue=evalue, traceback=[f"{ename}: {evalue}"]))

    def finished(self) -> list[NotebookNode]:
        """The outputs of the cell that ran last."""
        for output in self.outputs:
            if output.output_type == "stream":
                output.text = _OVERWRITTEN.sub("", output.text)
        return self.outputs

    def _add(self, output: NotebookNode) -> None:
        if self.clear_first:
            self._restart({})
        self.outputs.append(output)

    def _stream(self, event: dict) -> None:
        name, text = ("stderr" if event["name"] == "stderr" else "stdout"), str(event["text"])
        last = self.outputs[-1] if self.outputs and not self.clear_first else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            self._add(new_output("stream", name=name, text=text))

    def _display(self, event: dict) -> None:
        data, metadata = _bundle(event["data"]), _bundle(event["metadata"])
        shown = event.get("display_id")
        if event.get("update"):
            for output in self.by_display_id.get(shown, []):
                output.data, output.metadata = data, metadata
            return
        output = new_output("display_data", data=data, metadata=metadata)
        if isinstance(shown, str):
            self.by_display_id.setdefault(shown, []).append(output)
        self._add(output)

    def _result(self, event: dict) -> None:
        self._add(
            new_output(
                "execute_result",
                data=_bundle(event["data"]),
                metadata=_bundle(event["metadata"]),
                execution_count=self.count,
            )
        )

    def _error(self, event: dict) -> None:
        lines = [str(line) for line in event["traceback"]]
        self._add(
            new_output("error", ename=str(event["ename"]), evalue=str(event["evalue"]), traceback=lines)
        )

    def _clear(self, event: dict) -> None:
        if event["wait"]:
            self.clear_first = True
        else:
            self._restart({})

    def _restart(self, _: dict) -> None:
        self.outputs, self.clear_first = [], False


def _bundle(value: Any) -> NotebookNode:
    if not isinstance(value, dict):
        raise TypeError("a bundle is a dict")
    return NotebookNode({str(k): v for k, v in value.items()})
