"""Run nbgrader's own converters from Python: with the course's settings, quietly, and with a reason when they fail."""

from __future__ import annotations

import itertools
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from alembic.script import ScriptDirectory
from nbgrader import api
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy.exc import SAWarning
from traitlets.config import Config, PyFileConfigLoader

from course.paths import ROOT

# Two kernels that start at the same moment can be given the same port; then one of them never answers. No code of the
# notebook has run at that time, so trying once more is safe.
NO_KERNEL = "Kernel didn't respond"


class ConversionError(Exception):
    """A converter failed; the message is the reason in its own words."""


def convert(
    converter: type[BaseConverter], assignment: str, root: Path, student: str = "*", **folders: str
) -> None:
    """Run a converter on one assignment of the course folder `root`; raises ConversionError.

    folders: other places for nbgrader's folders, such as release_directory.
    """
    try:
        _convert(converter, assignment, root, student, folders)
    except ConversionError as error:
        if NO_KERNEL not in str(error):
            raise
        _convert(converter, assignment, root, student, folders)


def _convert(
    converter: type[BaseConverter], assignment: str, root: Path, student: str, folders: dict[str, str]
) -> None:
    config = settings(root)
    config.CourseDirectory.update(assignment_id=assignment, student_id=student, **folders)
    with _captured_log() as log, _environment():
        made = converter(coursedir=CourseDirectory(config=config), config=config)
        made.log, made.force = log.logger, True
        try:
            made.start()
        except NbGraderException as error:
            raise ConversionError(log.reason() or str(error)) from error


def _newest_tables() -> str:
    """The revision of nbgrader's tables, for a new gradebook; nbgrader starts a program to tell, for two seconds."""
    return ScriptDirectory(ALEMBIC_DIR).get_current_head()


def settings(root: Path = ROOT) -> Config:
    """The course's nbgrader_config.py, for the course folder `root`."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(root)
    if not config.CourseDirectory.get("db_url"):
        config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    return config


class _captured_log(logging.Handler):  # noqa: N801 - used as a context manager
    """Keep what nbgrader logs, to show the reason when something fails and nothing when all is well."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        self.logger = logging.getLogger(f"course.nbgrader.{id(self)}")
        self.logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def __enter__(self) -> _captured_log:
        self.logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.logger.removeHandler(self)

    def reason(self) -> str:
        """What went wrong, in the exception's own words: nbgrader logs whole tracebacks."""
        errors = [r.getMessage().strip() for r in self.records if r.levelno >= logging.ERROR]
        for message in errors:
            if message.startswith("Traceback"):
                lines = message.splitlines()
                frame = max(i for i, line in enumerate(lines) if line.startswith('  File "'))
                rest = itertools.dropwhile(lambda line: line.startswith("    "), lines[frame + 1 :])
                return "\n".join(rest)
        return errors[0] if errors else ""


@contextmanager
def _environment() -> Iterator[None]:
    """Run kernels with one thread a library, so sums come out the same to the last bit; start no other programs."""
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    wanted["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # figures in notebooks, whoever calls
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with warnings.catch_warnings(), mock.patch.object(api, "get_alembic_version", _newest_tables):
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's models under SQLAlchemy 2: harmless
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
