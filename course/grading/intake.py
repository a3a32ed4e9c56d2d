"""Read what a student handed in: whatever it is, it becomes a valid notebook or a reason in plain words.

`read_folder` takes the bytes and follows no link; `find_notebook` makes sense of them and says what it had to mend.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import stat
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path, PurePosixPath
from typing import Any

from nbformat import NotebookNode

from course.grading.isolation.limits import Limits
from course.grading.record import Record
from course.grading.work import Folder, Lesson

MB = 1_000_000
FILE_LIMIT, FOLDER_LIMIT, FILES, DEPTH = 64 * MB, 100 * MB, 200, 8
ENTRIES = 10_000  # names in a folder that are looked at
CELLS = 5_000
PARTS = {
    "[": 5_000_000,
    "{": 5_000_000,
    ",": 12_000_000,
}  # of JSON in a file; 60 MB of empty lists would take 2 GB
NOTES = 20

IGNORED = {".ipynb_checkpoints", "__pycache__", "__MACOSX", ".DS_Store", "timestamp.txt"}
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
FOREIGN_KERNEL = re.compile(
    r"(ir|julia|python2|bash|octave|scala|javascript|ruby|sql|matlab|sos)\b", re.IGNORECASE
)
_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_CHAPTER = re.compile(r"Checks\(\s*['\"](\w+)['\"]")
_TAKEN_NAMES = {"course", "sitecustomize", "usercustomize", "__main__"}


class IntakeError(Exception):
    """What was handed in can't be graded; the message is the reason, and what to do."""


# The folder


def read_folder(path: Path) -> Folder:
    """The bytes of all ordinary files below a submission's folder; notes say what was left out. No link is followed."""
    notes: list[str] = []
    files: dict[str, bytes] = {}
    try:
        top = _open(str(path), None, os.O_DIRECTORY)
    except OSError as error:
        return Folder({}, [_left_out("the folder", error)])
    try:
        found = list(itertools.islice(_names(top, "", notes), ENTRIES + 1))
        if len(found) > ENTRIES:
            notes.append(f"the folder holds more than {ENTRIES} files; the others were left out")
        _read_files(top, sorted(found[:ENTRIES], key=_urgency), files, notes)
    finally:
        os.close(top)
    return Folder(files, _few(notes))


def _urgency(name: str) -> tuple:
    """Notebooks first, so that no amount of data pushes them out."""
    return not name.lower().endswith(".ipynb"), name.count("/"), name


def _names(folder: int, prefix: str, notes: list[str]) -> Iterator[str]:
    """All files below an open folder. A folder that is a link fails to open, as one that is unreadable does."""
    with os.scandir(folder) as entries:
        inside = sorted(itertools.islice(entries, ENTRIES + 1), key=lambda e: e.name)
    for entry in inside:
        name = prefix + entry.name
        if entry.name in IGNORED or entry.name.startswith("._"):
            continue
        if not entry.is_dir(follow_symlinks=False):
            yield name
        elif name.count("/") >= DEPTH:
            notes.append(f"{shown(name)} lies too many folders deep and was left out")
        else:
            try:
                below = _open(entry.name, folder, os.O_DIRECTORY)
            except OSError as error:
                notes.append(_left_out(shown(name), error))
                continue
            try:
                yield from _names(below, name + "/", notes)
            finally:
                os.close(below)


def _read_files(top: int, names: list[str], files: dict[str, bytes], notes: list[str]) -> None:
    room = FOLDER_LIMIT
    for number, name in enumerate(names):
        if len(files) >= FILES:
            notes.append(f"more than {FILES} files were handed in; {len(names) - number} were left out")
            return
        key = os.fsencode(name).decode("utf-8", "replace")
        try:
            data = _read_file(top, name, min(FILE_LIMIT, room))
        except OSError as error:
            notes.append(_left_out(shown(key), error))
            continue
        if data is None:
            notes.append(
                f"{shown(key)} was left out: a file may have {FILE_LIMIT // MB} MB, and all {FOLDER_LIMIT // MB} MB"
            )
        elif key in files:
            notes.append(f"{shown(key)} has a name that can't be told from another file's, and was left out")
        else:
            files[key] = data
            room -= len(data)


def _read_file(top: int, name: str, limit: int) -> bytes | None:
    """The bytes of an ordinary file, or None for more than limit. Each folder on the way is opened without links."""
    *folders, last = name.split("/")
    folder = os.dup(top)
    try:
        for part in folders:
            above, folder = folder, _open(part, folder, os.O_DIRECTORY)
            os.close(above)
        _demand_file(os.stat(last, dir_fd=folder, follow_symlinks=False))
        file = _open(last, folder, 0)
    finally:
        os.close(folder)
    with os.fdopen(file, "rb") as opened:
        state = os.fstat(file)
        _demand_file(state)  # it may have become something else meanwhile
        if state.st_size > limit:
            return None
        data = opened.read(limit + 1)
    return data if len(data) <= limit else None


def _demand_file(state: os.stat_result) -> None:
    """Refuse links, pipes and devices, which are never opened: that alone could have effects."""
    if stat.S_ISLNK(state.st_mode):
        raise OSError(errno.ELOOP, "a link")
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.ENODEV, "not a file")


def _open(name: str, folder: int | None, flags: int) -> int:
    """Open without following a link and without waiting for the other end of a pipe."""
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | flags, dir_fd=folder)


def _left_out(what: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return f"{what} is a link, not a file, and was left out"
    if error.errno == errno.ENOTDIR:
        return f"{what} is a link or a file, not a folder, and was left out"
    if error.errno in (errno.ENODEV, errno.ENXIO):
        return f"{what} is not an ordinary file and was left out"
    return f"{what} can't be read ({(error.strerror or 'no reason given').lower()}) and was left out"


# The notebook


def find_notebook(
    folder: Folder, lesson: Lesson, limits: Limits | None = None
) -> tuple[NotebookNode, dict[str, bytes], list[str]]:
    """The notebook of a lesson, the files to lie beside it when it runs, and what was mended or left out.

    The notebook is valid nbformat 4 and has no outputs. Raises IntakeError with the reason why there is none.
    The folder's own notes are the caller's.
    """
    wanted = f"{lesson.notebook}.ipynb"
    candidates = [name for name in sorted(folder.files, key=_urgency) if is_notebook_name(name)]
    if not candidates:
        raise IntakeError(_nothing(folder, wanted))
    name, nb, notes = _choose(candidates, folder, lesson, wanted)
    if name != wanted:
        notes.insert(
            0, f"the notebook was handed in as {shown(name)}, not as {wanted}; it was graded all the same"
        )
    if others := [c for c in candidates if c != name]:
        notes.append(f"only {shown(name)} was graded, not {_listed(others)}")
    rest = {n: data for n, data in folder.files.items() if n not in candidates}
    beside = _fitting(_beside(rest, name, notes), limits or Limits(), notes)
    return nb, beside, _few(notes)


def is_notebook_name(name: str) -> bool:
    """Browsers and mail programs add .txt or .json to a notebook's name."""
    return re.search(r"\.ipynb(\.txt|\.json)?$", name, re.IGNORECASE) is not None


def _nothing(folder: Folder, wanted: str) -> str:
    found = f"only {_listed(list(folder.files))}" if folder.files else ""
    if found or folder.notes:
        return f"there is no notebook: {'; '.join([*folder.notes, found]).strip('; ')}. Hand in {wanted}"
    return f"the folder holds no file. Hand in {wanted}"


def _choose(
    names: list[str], folder: Folder, lesson: Lesson, wanted: str
) -> tuple[str, NotebookNode, list[str]]:
    """The one candidate that is this lesson's notebook: the one of the right name, or the only one that can be."""
    readable: dict[str, tuple[NotebookNode, list[str]]] = {}
    refused: dict[str, str] = {}
    for name in sorted(names, key=lambda n: n != wanted):
        try:
            nb, notes = _read(folder.files[name], shown(name))
            _refuse_foreign(nb, lesson, shown(name))
        except IntakeError as error:
            refused[name] = str(error)
            continue
        if name == wanted:
            return name, nb, notes
        readable[name] = nb, notes
    own = {n: read for n, read in readable.items() if _names_of(read[0]) & _own_names(lesson.record)}
    right = own or readable
    if len({folder.files[n] for n in right}) > 1:
        raise IntakeError(
            f"there is no {wanted}, and {_listed(list(right))} could each be it: hand in one, named {wanted}"
        )
    if not right:
        raise IntakeError(refused[wanted] if wanted in refused else "; ".join(list(refused.values())[:3]))
    name = next(iter(right))
    nb, notes = right[name]
    return name, nb, notes + [why for n, why in refused.items() if n == wanted]


def _refuse_foreign(nb: NotebookNode, lesson: Lesson, name: str) -> None:
    """Refuse a notebook of another chapter: it has none of this one's answers and tests, and says or shows so."""
    carried, own = _names_of(nb), _own_names(lesson.record)
    if carried & own:
        return
    for cell in nb.cells:
        if cell.cell_type == "code" and (said := _CHAPTER.search(cell.source)):
            if said[1] != lesson.chapter:
                raise IntakeError(
                    f"{name} is the notebook of {said[1]}, not of {lesson.chapter}: hand in {lesson.notebook}.ipynb"
                )
            return
    if carried - set(lesson.record.cells) and not any(_defines(nb, n) for n in own):
        raise IntakeError(
            f"{name} has none of the exercises of {lesson.chapter}: hand in {lesson.notebook}.ipynb"
        )


def _names_of(nb: NotebookNode) -> set[str]:
    """The names that the cells carry."""
    names = (c.metadata.get("nbgrader", {}).get("grade_id") for c in nb.cells)
    return {n for n in names if isinstance(n, str)}


def _own_names(record: Record) -> set[str]:
    """Answers and tests; every chapter has a `setup`."""
    return {n for n, c in record.cells.items() if c.solution or c.is_test}


def _defines(nb: NotebookNode, name: str) -> bool:
    definition = re.compile(rf"^(def|class) {re.escape(name)}\b", re.MULTILINE)
    return any(definition.search(c.source) for c in nb.cells)


# From bytes to a notebook


def _read(data: bytes, name: str) -> tuple[NotebookNode, list[str]]:
    notes: list[str] = []
    text = _text(data, name, notes)
    raw = _parsed(text, name, notes)
    cells = _cells(raw, name, notes)
    _note_kernel(raw.get("metadata"), notes)
    nb = NotebookNode(nbformat=4, nbformat_minor=5, metadata=NotebookNode(), cells=_clean_cells(cells, notes))
    nb.metadata = NotebookNode(kernelspec=NotebookNode(KERNELSPEC), language_info=NotebookNode(name="python"))
    if not nb.cells:
        raise IntakeError(f"{name} has no cells: was the right file handed in?")
    return nb, notes


_NOT_NOTEBOOKS = [  # how a file starts, and what it is
    (b"PK\x03\x04", "a zip archive: unpack it and hand in the notebook itself"),
    (b"\x1f\x8b", "a compressed archive: unpack it and hand in the notebook itself"),
    (b"%PDF", "a PDF: hand in the notebook itself"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file: run `git lfs pull` and hand it in again"),
    (b"<", "a web page (HTML), not a notebook: in JupyterLab, use File > Download"),
]


def _text(data: bytes, name: str, notes: list[str]) -> str:
    """The text of a file in whichever encoding it came."""
    start = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not data.strip(b"\0 \t\r\n"):
        what = "only zero bytes" if data.strip() else "nothing"
        raise IntakeError(f"{name} is empty: it holds {what}. Save the notebook and hand it in again")
    for sign, what in _NOT_NOTEBOOKS:
        if start.startswith(sign) and not start.startswith(b"<<<<<<<"):
            raise IntakeError(f"{name} is {what}")
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding, text = "latin-1", data.decode("latin-1")
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"{name} was not in UTF-8; it was read as {encoding.upper()}")
    return text.strip("\0 \t\r\n")


def _encoding(data: bytes) -> str:
    """JSON starts with an ASCII character, so zero bytes tell the wide encodings."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if data[:2].count(0) == 1:
        return "utf-16-be" if data[0] == 0 else "utf-16-le"
    return "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"


def _parsed(text: str, name: str, notes: list[str]) -> dict:
    if any(text.count(sign) > most for sign, most in PARTS.items()):
        raise IntakeError(
            f"{name} is too large to read: clear all outputs in JupyterLab, save it and hand it in again"
        )
    odd: set[str] = set()
    try:
        raw = json.loads(text, strict=False, parse_constant=odd.add)  # add returns None
    except json.JSONDecodeError as error:
        raise IntakeError(_what_is_wrong(text, error, name)) from None
    except RecursionError:
        raise IntakeError(f"{name} is nested too deeply to be a notebook") from None
    except ValueError:  # Python refuses to read numbers of thousands of digits
        raise IntakeError(f"{name} holds a number with too many digits") from None
    except MemoryError:
        raise IntakeError(f"{name} needs more memory than a notebook should") from None
    if not isinstance(raw, dict):
        raise IntakeError(f"{name} is JSON, but not a notebook")
    if odd:
        notes.append(f"{name} held {', '.join(sorted(odd))}, which JSON doesn't allow; read as null")
    return raw


def _what_is_wrong(text: str, error: json.JSONDecodeError, name: str) -> str:
    if merge := re.search(r"^(<{7}|>{7}).*", text, re.MULTILINE):
        line = text.count("\n", 0, merge.start()) + 1
        return (
            f"{name} holds an unfinished git merge (line {line}: {shown(merge[0])}): "
            "resolve it, open the notebook to see that it works, and hand it in again"
        )
    ends = error.pos >= len(text) or error.msg.startswith("Unterminated string")
    if ends and text.startswith("{"):
        return f"{name} is cut off: its end is missing after {len(text)} characters. Save it and hand it in again"
    if re.match(r"(#|import |from |def |\"\"\"|%)", text):
        return f"{name} is Python code, not a notebook: hand in the .ipynb file that JupyterLab saves"
    return f"{name} is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg}), so not a notebook"


def _cells(raw: dict, name: str, notes: list[str]) -> list:
    """The cells of a notebook of any version; before nbformat 4 they lie in worksheets."""
    version = raw.get("nbformat", 4)
    sheets = raw.get("worksheets")
    if "cells" not in raw and isinstance(sheets, list):
        lists = [s.get("cells") for s in sheets if isinstance(s, dict)]
        cells: Any = [c for one in lists if isinstance(one, list) for c in one]
    else:
        cells = raw.get("cells")
    if not isinstance(cells, list):
        raise IntakeError(f"{name} is JSON, but not a notebook: it has no list of cells")
    if len(cells) > CELLS:
        raise IntakeError(f"{name} has {len(cells)} cells; more than {CELLS} are not graded")
    if version != 4 or "nbformat" not in raw:
        said = f"of nbformat {shown(str(version))}" if "nbformat" in raw else "without a version of nbformat"
        notes.append(f"{name} is {said}; it was read as nbformat 4")
    return cells


def _note_kernel(metadata: Any, notes: list[str]) -> None:
    metadata = metadata if isinstance(metadata, dict) else {}
    kernel, language = (
        v if isinstance(v, dict) else {} for v in map(metadata.get, ("kernelspec", "language_info"))
    )
    name = str(kernel.get("name") or "")
    said = str(language.get("name") or kernel.get("language") or "python").lower()
    old = str(language.get("version") or "").startswith("2.")
    if old or said not in ("python", "ipython", "python3") or FOREIGN_KERNEL.match(name):
        notes.append(f"the notebook asks for the kernel {shown(name or said)}; it was graded as Python 3")


def _clean_cells(cells: list, notes: list[str]) -> list[NotebookNode]:
    """Valid cells without outputs, from whatever lies in the list."""
    clean, used = [], set()
    mended: dict[str, int] = {}
    for number, cell in enumerate(cells):
        if not isinstance(cell, dict):
            _count(mended, "things among the cells that are no cells, left out")
            continue
        new = _clean_cell(cell, mended)
        new["id"] = _clean_id(cell.get("id"), number, used, mended)
        clean.append(new)
    notes.extend(f"{what}: {count}" for what, count in mended.items())
    return clean


def _clean_cell(cell: dict, mended: dict[str, int]) -> NotebookNode:
    kind, prefix = _kind(cell, mended)
    new = NotebookNode(cell_type=kind, metadata=_clean_metadata(cell.get("metadata")), source="")
    new.source = prefix + _source(cell, mended)
    if kind == "code":
        new.outputs, new.execution_count = [], None
    elif attachments := _clean_attachments(cell.get("attachments")):
        new.attachments = attachments
    return new


def _kind(cell: dict, mended: dict[str, int]) -> tuple[str, str]:
    """The type of a cell, and what its text starts with; nbformat 3 has headings, HTML and code as `input`."""
    kind = cell.get("cell_type")
    if kind in ("code", "markdown", "raw"):
        return kind, ""
    if kind == "heading":
        level = cell.get("level")
        return "markdown", "#" * (level if level in range(1, 7) else 1) + " "
    if kind in ("html", "text"):
        return "markdown", ""
    _count(mended, "cells without a valid type, read as code or text")
    return ("code" if {"outputs", "execution_count", "input"} & set(cell) else "markdown"), ""


def _source(cell: dict, mended: dict[str, int]) -> str:
    source = cell.get("source", cell.get("input"))
    if isinstance(source, list):
        lines = [line for line in source if isinstance(line, str)]
        if len(lines) < len(source):
            _count(mended, "cells with lines that are no text, which were left out")
        source = "".join(lines)
    if not isinstance(source, str):
        _count(mended, "cells without a text, read as empty")
        return ""
    if not source.isascii() and source.encode("utf-8", "ignore").decode() != source:
        _count(mended, "cells with broken characters, replaced by ?")
        source = source.encode("utf-8", "replace").decode()
    return source


def _clean_metadata(given: Any) -> NotebookNode:
    """nbgrader's fields and tags: all that grading looks at. Whatever else an editor left could be invalid."""
    given = given if isinstance(given, dict) else {}
    kept = NotebookNode()
    if isinstance(fields := given.get("nbgrader"), dict):
        plain = {k: v for k, v in fields.items() if isinstance(v, str | int | float | bool)}
        kept["nbgrader"] = NotebookNode({k: _encodable(v) for k, v in plain.items()})
    if isinstance(tags := given.get("tags"), list):
        names = {_encodable(t): None for t in tags if isinstance(t, str) and "," not in t}
        kept["tags"] = [t for t in names if t]
    return kept


def _clean_attachments(given: Any) -> NotebookNode:
    """Pictures pasted into a text, by name and type."""
    kept = NotebookNode()
    for name, bundle in given.items() if isinstance(given, dict) else ():
        if isinstance(bundle, dict):
            types = {k: v for k, v in bundle.items() if isinstance(v, str) and "/" in k and (k + v).isascii()}
            if types:
                kept[_encodable(name)] = NotebookNode(types)
    return kept


def _clean_id(given: Any, number: int, used: set[str], mended: dict[str, int]) -> str:
    if isinstance(given, str) and _CELL_ID.fullmatch(given):
        if given not in used:
            used.add(given)
            return given
        _count(mended, "cells with the id of another cell, given a new one")
    new = next(i for i in (f"cell-{number:03}{'x' * n}" for n in itertools.count()) if i not in used)
    used.add(new)
    return new


def _count(mended: dict[str, int], what: str) -> None:
    mended[what] = mended.get(what, 0) + 1


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


# What lies beside the notebook when it runs


def _beside(files: dict[str, bytes], notebook: str, notes: list[str]) -> dict[str, bytes]:
    """The other files, seen from the notebook's folder. What would hide an installed module is kept out."""
    home = notebook.rpartition("/")[0]
    beside: dict[str, bytes] = {}
    folders: set[str] = set()
    shadows: set[str] = set()
    for name in sorted(files, key=lambda n: (not n.startswith(home + "/"), n)):
        path = name.removeprefix(home + "/") if home else name
        above = [str(p) for p in PurePosixPath(path).parents][:-1]
        if not _is_safe(path) or path in beside or path in folders or any(a in beside for a in above):
            notes.append(f"{shown(name)} can't lie beside the notebook under that name, and was left out")
        elif module := _shadowed(path):
            shadows.add(module)
        else:
            beside[path] = files[name]
            folders.update(above)
    notes.extend(
        f"{shown(m)} was handed in as a module, but that name is an installed module's; it was left out"
        for m in sorted(shadows)
    )
    return beside


def _fitting(files: dict[str, bytes], limits: Limits, notes: list[str]) -> dict[str, bytes]:
    """What leaves the student's code half of its room for files; the small ones first."""
    room = most = min(limits.files_bytes, limits.message_bytes) // 2
    kept = {}
    for name in sorted(files, key=lambda n: len(files[n])):
        size = len(files[name]) + 4096
        if size > min(room, limits.file_bytes):
            notes.append(
                f"{shown(name)} was left out: a file beside the notebook may have {limits.file_bytes // MB} MB, "
                f"and all {most // MB} MB"
            )
        else:
            kept[name] = files[name]
            room -= size
    return kept


def _is_safe(path: str) -> bool:
    parts = path.split("/")
    return (
        all(p not in ("", ".", "..") and "\0" not in p and len(_bytes(p)) <= 255 for p in parts)
        and len(_bytes(path)) <= 1000
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _shadowed(path: str) -> str | None:
    """The installed module that a file would be imported instead of."""
    if not re.search(r"\.(py[co]?|pyd|so)$", path):
        return None
    module = path.split("/")[0].split(".")[0]
    return module if _is_installed(module) else None


@lru_cache(maxsize=1000)
def _is_installed(module: str) -> bool:
    if module in sys.stdlib_module_names or module in _TAKEN_NAMES:
        return True
    places = {sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")}
    return PathFinder.find_spec(module, list(places)) is not None


def _few(notes: list[str]) -> list[str]:
    """At most as many notes as somebody reads."""
    return (
        notes
        if len(notes) <= NOTES
        else [*notes[:NOTES], f"and {len(notes) - NOTES} more notes of this kind"]
    )


def _listed(names: list[str]) -> str:
    few = ", ".join(map(shown, names[:5]))
    return f"{few} and {len(names) - 5} more" if len(names) > 5 else few


def shown(name: str) -> str:
    """A name as it can be printed: at most 80 characters, nothing that steers a terminal."""
    clean = "".join(c if c.isprintable() else "?" for c in _bytes(name).decode("utf-8", "replace"))
    return clean if len(clean) <= 80 else clean[:77] + "..."
