"""Course folders to grade in, and a worker that runs nothing: for tests of what the coordinator does."""

import json
import shutil
from pathlib import Path

import nbformat
import sqlalchemy as sa
from nbgrader import api

from course.build.text import without_markers
from course.grading.pool import LocalPool
from course.grading.work import Done
from course.paths import Chapter

CH01 = Chapter("ch01_conv1d")


def course_folder(root: Path, chapter: Chapter = CH01) -> Path:
    """A course folder with one built chapter and nothing graded."""
    for folder in ("source", "release"):
        path = chapter.made(folder, root)
        path.parent.mkdir(parents=True)
        shutil.copy(chapter.made(folder), path)
    return root


def submit(root: Path, student: str, change=lambda nb: None, chapter: Chapter = CH01) -> Path:
    """Hand in the release notebook after a change to it."""
    nb = nbformat.read(chapter.made("release", root), as_version=4)
    change(nb)
    path = root / "submitted" / student / chapter.id / f"{chapter.notebook}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, path)
    return path


def solver(chapter: Chapter = CH01, only=None):
    """Fill in the course's own solutions, or only those of some exercises."""
    source = nbformat.read(chapter.made("source"), as_version=4)
    answers = {
        c.metadata.nbgrader.grade_id: without_markers(c.source)
        for c in source.cells
        if c.metadata.get("nbgrader", {}).get("solution")
    }

    def change(nb):
        for cell in nb.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in answers and (only is None or name in only):
                cell.source = answers[name]

    return change


class StandIn:
    """Takes the tests of a changed answer for passed and those of an unchanged one for failed."""

    level = "landlock"

    def work(self, lesson, folder):
        data = folder.files.get(f"{lesson.notebook}.ipynb")
        if data is None:
            return Done(None, ["nothing was found"], f"there is no {lesson.notebook}.ipynb", self.level)
        try:
            handed_in = nbformat.from_dict(json.loads(data))
        except ValueError:
            return Done(None, [], f"{lesson.notebook}.ipynb is cut off", self.level)
        nb = nbformat.v4.reads(lesson.source.decode())
        nb.metadata["course_notes"] = ["a note of the stand-in"]
        _fill(nb, lesson.record, {c.get("id"): "".join(c.source) for c in handed_in.cells})
        return Done(nb, [], None, self.level)

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _fill(nb, record, handed_in):
    wrong = set()
    for cell in nb.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name is None:
            continue
        recorded = record.cells[name]
        cell.metadata.nbgrader = nbformat.from_dict(recorded.metadata())
        cell.source = handed_in.get(cell.get("id"), "") if recorded.solution else recorded.source
        if recorded.solution and cell.source == recorded.source:
            wrong.add(name)
        if recorded.is_test and recorded.kind == "code" and any(name.startswith(f"{w}-") for w in wrong):
            said = f"✗ {name.partition('-')[0]}\nproblem unchanged"
            cell.outputs = [nbformat.v4.new_output("error", ename="CheckFailedError", evalue=said)]


def stand_in_pool(workers: int = 2, start=StandIn) -> LocalPool:
    """A pool of stand-ins."""
    return LocalPool(workers, start)


def rows_of(url):
    """All that nbgrader keeps of submissions, by names in place of ids."""
    engine = sa.create_engine(url)
    with sa.orm.Session(engine) as session:
        kept = {
            "student": [_columns(s) for s in session.scalars(sa.select(api.Student))],
            "submission": [
                (s.student_id, s.assignment.name, _columns(s))
                for s in session.scalars(sa.select(api.SubmittedAssignment))
            ],
            "notebook": [
                (n.student.id, n.name, _columns(n)) for n in session.scalars(sa.select(api.SubmittedNotebook))
            ],
            "grade": [
                (g.student.id, g.name, _columns(g), g.score, g.max_score, g.failed_tests)
                for g in session.scalars(sa.select(api.Grade))
            ],
            "comment": [
                (c.student.id, c.name, _columns(c), c.comment)
                for c in session.scalars(sa.select(api.Comment))
            ],
        }
    engine.dispose()
    return {table: sorted(map(repr, found)) for table, found in kept.items()}


def _columns(row):
    names = [c.key for c in row.__table__.columns if not c.key.endswith("id") or c.key == "lms_user_id"]
    return {name: getattr(row, name) for name in names}
