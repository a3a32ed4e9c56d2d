"""The unit of work: the bytes a student handed in go in, an executed notebook and notes come out.

Plain data both ways, so that it can be done in another process or on another machine.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from course.grading.record import Record
from course.paths import CHAPTERS, ROOT, Chapter


@dataclass(frozen=True)
class Lesson:
    """What grading needs to know of a chapter, the same for all its submissions.

    source: the instructor's notebook as JSON, whose unmarked cells tell the course's own from a student's.
    solved: the executed solution notebook as JSON, or b"": what the course's own pictures look like.
    """

    chapter: str  # such as ch01_conv1d
    notebook: str  # its name without .ipynb
    record: Record
    source: bytes = b""
    solved: bytes = b""

    @cached_property
    def digest(self) -> str:
        """Tells one version of a chapter from another."""
        code = [*sorted((ROOT / "course" / "kit").glob("*.py")), CHAPTERS / self.chapter / "exercises.py"]
        parts = [path.read_bytes() for path in code if path.exists()]  # a corrected oracle means other marks
        parts += [self.chapter.encode(), json.dumps(self.record.data).encode(), self.source, self.solved]
        return hashlib.sha256(b"\0".join(hashlib.sha256(p).digest() for p in parts)).hexdigest()

    @classmethod
    def of_data(cls, data: dict[str, Any]) -> Lesson:
        """From what `data` gave."""
        return cls(**data | {"record": Record.of_data(data["record"])})

    @property
    def data(self) -> dict[str, Any]:
        """Plain data, to send to a worker."""
        fields = {name: getattr(self, name) for name in ("chapter", "notebook", "source", "solved")}
        return fields | {"record": self.record.data}


@dataclass(frozen=True)
class Folder:
    """What lies in submitted/<student>/<chapter>: files by their path below it, and what was noticed on the way."""

    files: dict[str, bytes]
    notes: list[str] = field(default_factory=list)

    @cached_property
    def digest(self) -> str:
        """Tells one submission from another."""
        lines = sorted(f"{name}\0{hashlib.sha256(data).hexdigest()}" for name, data in self.files.items())
        return hashlib.sha256("\n".join(lines + self.notes).encode()).hexdigest()


@dataclass(frozen=True)
class Done:
    """What came of a submission: an executed notebook, or the reason why there is none."""

    notebook: NotebookNode | None
    notes: list[str] = field(default_factory=list)  # repairs, and what else a person should know
    error: str | None = None
    isolation: str = ""  # the level that was reached: full, landlock, process


def submissions(chapter: Chapter, root: Path = ROOT) -> list[str]:
    """Who handed in something for a chapter: the folders submitted/<student>/<chapter>."""
    found = (root / "submitted").glob(f"*/{chapter.id}")
    return sorted(
        p.parent.name for p in found if (p.is_dir() or p.is_symlink()) and not p.parent.name.startswith(".")
    )
