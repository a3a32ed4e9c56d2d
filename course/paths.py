"""Where things are: one folder a chapter, and the folders that are made from the chapters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "course" / "chapters"


@dataclass(frozen=True)
class Chapter:
    """A chapter by its assignment id, e.g. ch01_conv1d, whose notebook is conv1d.ipynb."""

    id: str
    chapters: Path = CHAPTERS

    @property
    def notebook(self) -> str:
        return self.id.partition("_")[2]

    @property
    def text(self) -> Path:
        return self.chapters / self.id / f"{self.notebook}.py"

    @property
    def others(self) -> Path:
        """Answers in other styles and slips, as text."""
        return self.chapters / self.id / "answers.py"

    def made(self, folder: str, root: Path = ROOT) -> Path:
        """The notebook in source/, release/ or solutions/."""
        return root / folder / self.id / f"{self.notebook}.ipynb"


class UnknownChapterError(ValueError):
    """There is no chapter of that name."""


def chapters(names: list[str] | None = None) -> list[Chapter]:
    """All chapters in order, or those named; raises UnknownChapterError."""
    known = sorted(p.name for p in CHAPTERS.glob("ch*") if Chapter(p.name).text.exists())
    for name in names or []:
        if name not in known:
            raise UnknownChapterError(f"there is no chapter {name!r}; there are {', '.join(known)}")
    return [Chapter(name) for name in (names or known)]
