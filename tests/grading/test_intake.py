"""Whatever is handed in becomes a valid notebook with notes, or a reason in plain words; and never anything else."""

import copy
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.grading import intake
from course.grading.intake import IntakeError, find_notebook, read_folder
from course.grading.record import Record
from course.grading.work import Folder, Lesson
from course.paths import ROOT, Chapter

CH01, CH02 = Chapter("ch01_conv1d"), Chapter("ch02_conv2d")
LESSON = Lesson(CH02.id, CH02.notebook, Record.of_notebook(nbformat.read(CH02.made("source"), as_version=4)))
BYTES = CH02.made("release").read_bytes()
OTHER_CHAPTER = CH01.made("release").read_bytes()
RAW = json.loads(BYTES)


def changed(change):
    """The release notebook's bytes after a change to its JSON."""
    raw = copy.deepcopy(RAW)
    return json.dumps(change(raw) or raw).encode()


def notebook(*cells, **fields):
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)} | fields
    ).encode()


def find(files):
    return find_notebook(Folder(files if isinstance(files, dict) else {"conv2d.ipynb": files}), LESSON)


def test_an_untouched_notebook_comes_without_a_note_and_without_outputs():
    nb, beside, notes = find(CH02.made("solutions").read_bytes())
    assert (beside, notes) == ({}, [])
    nbformat.validate(nb)
    assert all(c.outputs == [] and c.execution_count is None for c in nb.cells if c.cell_type == "code")
    nb, _, notes = find(BYTES)
    assert [c.source for c in nb.cells] == ["".join(c["source"]) for c in RAW["cells"]]
    assert notes == []


def v3(raw):
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["A heading"], "metadata": {}},
        {"cell_type": "code", "input": "a = 1", "language": "python", "outputs": [], "prompt_number": 1},
        {"cell_type": "html", "source": "<b>x</b>"},
    ]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}


def each_cell(change):
    def change_all(raw):
        for cell in raw["cells"]:
            change(cell)

    return change_all


READABLE = {  # what was handed in, and a note's words (None: nothing to say)
    "UTF-8 with a byte order mark": (b"\xef\xbb\xbf" + BYTES, None),
    "UTF-16": (BYTES.decode().encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (BYTES.decode().encode("utf-16-be"), "UTF-16-BE"),
    "Latin-1": (
        '{"nbformat": 4, "cells": [{"cell_type": "raw", "source": "é"}]}'.encode("latin-1"),
        "LATIN-1",
    ),
    "blank lines around": (b"\n\n " + BYTES + b"\n\0\0\0", None),
    "NaN and Infinity": (changed(lambda r: r.update(metadata={"a": float("nan"), "b": float("inf")})), "NaN"),
    "nbformat 3": (json.dumps(v3(None)).encode(), "nbformat 3"),
    "nbformat 2": (json.dumps(v3(None) | {"nbformat": 2}).encode(), "nbformat 2"),
    "a future minor version": (changed(lambda r: r.update(nbformat_minor=99)), None),
    "a future major version": (changed(lambda r: r.update(nbformat=7)), "nbformat 7"),
    "no version": (
        changed(lambda r: {"metadata": r["metadata"], "cells": r["cells"]}),
        "without a version",
    ),
    "null sources": (
        changed(lambda r: r["cells"][0].update(source=None)),
        "cells without a text, read as empty: 1",
    ),
    "a number for a source": (changed(lambda r: r["cells"][0].update(source=5)), "without a text"),
    "lines that are no text": (
        changed(lambda r: r["cells"][0].update(source=["a", None])),
        "lines that are no text",
    ),
    "sources as strings": (changed(each_cell(lambda c: c.update(source="".join(c["source"])))), None),
    "missing keys": (
        changed(each_cell(lambda c: [c.pop(k, 0) for k in ("metadata", "outputs", "id", "execution_count")])),
        None,
    ),
    "null metadata": (
        changed(lambda r: [r.update(metadata=None), *[c.update(metadata=None) for c in r["cells"]]][:0]),
        None,
    ),
    "things that are no cells": (
        changed(lambda r: r["cells"].extend([1, None, "x"])),
        "no cells, left out: 3",
    ),
    "duplicate ids": (changed(each_cell(lambda c: c.update(id="same"))), "id of another cell"),
    "invalid ids": (changed(each_cell(lambda c: c.update(id="a b" * 100))), None),
    "invalid cell types": (
        changed(lambda r: r["cells"][1].update(cell_type="magic")),
        "without a valid type",
    ),
    "half a surrogate pair": (
        changed(lambda r: r["cells"][0].update(source="a \ud800 b")),
        "broken characters",
    ),
    "attachments": (
        notebook(
            {"cell_type": "markdown", "source": "x", "attachments": {"a.png": {"image/png": "AAAA"}, "b": 1}}
        ),
        None,
    ),
    "outputs of 50 MB": (
        changed(
            lambda r: r["cells"][1].update(outputs=[{"output_type": "stream", "text": "x" * 50_000_000}])
        ),
        None,
    ),
    "outputs that are none": (changed(each_cell(lambda c: c.update(outputs={"a": 1}))), None),
    "the kernel of R": (
        changed(lambda r: r["metadata"].update(kernelspec={"name": "ir"}, language_info={})),
        "kernel ir",
    ),
    "the kernel of Julia": (
        changed(lambda r: r.update(metadata={"kernelspec": {"name": "julia-1.9", "language": "julia"}})),
        "kernel julia-1.9",
    ),
    "Python 2": (
        changed(lambda r: r["metadata"].update(language_info={"name": "python", "version": "2.7.18"})),
        "Python 3",
    ),
    "a kernel of one's own": (
        changed(lambda r: r.update(metadata={"kernelspec": {"name": "conda-env-x", "language": "python"}})),
        None,
    ),
    "deeply nested metadata": (
        BYTES.replace(b'"metadata": {}', b'"metadata": ' + b"[" * 500 + b"]" * 500, 1),
        None,
    ),
}


@pytest.mark.parametrize("case", READABLE)
def test_odd_notebooks_are_read(case):
    data, said = READABLE[case]
    nb, _, notes = find(data)
    nbformat.validate(nb)
    json.dumps(nb).encode()
    assert nb.metadata.kernelspec.name == "python3"
    assert nb.cells
    assert (said is None) == (notes == []), notes
    assert said is None or said in notes[0]
    again = find(nbformat.writes(nb).encode())
    assert (again[0], again[2]) == (nb, [])


REFUSED = {  # what was handed in, and words of the reason
    "nothing": ({}, "the folder holds no file"),
    "no notebook": (
        {"answer.py": b"a", "b.html": b"b"},
        "there is no notebook: only answer.py, b.html. Hand in",
    ),
    "an empty file": (b"", "is empty"),
    "blanks": (b" \n\n", "is empty"),
    "zero bytes": (b"\0" * 5000, "only zero bytes"),
    "a truncated file": (BYTES[:-500], "is cut off"),
    "a file cut in a string": (BYTES[: BYTES.index(b"Images") + 3], "is cut off"),
    "a file cut early": (b'{"cells": [', "is cut off"),
    "merge markers": (
        BYTES.replace(b' "cells": [\n', b' "cells": [\n<<<<<<< HEAD\n=======\n>>>>>>> theirs\n', 1),
        "unfinished git merge (line 3: <<<<<<< HEAD)",
    ),
    "a merge marker at the start": (b"<<<<<<< HEAD\n{}\n", "(line 1: <<<<<<< HEAD)"),
    "a web page": (b"\n<!DOCTYPE html><html></html>", "web page"),
    "Python code": (b"import numpy as np\n\ndef conv2d(x):\n    return x\n", "Python code"),
    "a zip": (b"PK\x03\x04aaaa", "zip archive"),
    "a PDF": (b"%PDF-1.7", "PDF"),
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "invalid JSON": (b'{"cells": [}', "not valid JSON (line 1, column 12"),
    "a list": (b"[1, 2]", "JSON, but not a notebook"),
    "JSON of something else": (b'{"name": "package"}', "no list of cells"),
    "cells that are no list": (b'{"cells": {"a": 1}}', "no list of cells"),
    "no cells": (notebook(), "has no cells"),
    "no cell among the cells": (notebook(1, 2), "has no cells"),
    "endless nesting": (b'{"cells": ' + b"[" * 200_000, "nested too deeply"),
    "endless digits": (b'{"cells": [' + b"1" * 5000 + b"]}", "too many digits"),
    "sixty million bytes of lists": (
        b'{"cells": [' + b"[]," * 20_000_000,
        "too large to read: clear all outputs",
    ),
    "very many cells": (notebook(*[{}] * 6000), "6000 cells"),
    "another chapter": (OTHER_CHAPTER, "is the notebook of ch01_conv1d, not of ch02_conv2d"),
    "another course": (
        notebook(
            {"cell_type": "code", "source": "x", "metadata": {"nbgrader": {"grade_id": "q1", "grade": True}}}
        ),
        "none of the exercises of ch02_conv2d",
    ),
    "two that could be it": (
        {"a.ipynb": BYTES, "b.ipynb": BYTES + b"\n"},
        "a.ipynb, b.ipynb could each be it",
    ),
    "a wrong name, cut off": ({"solution.ipynb": BYTES[:-500]}, "solution.ipynb is cut off"),
    "another chapter beside an empty one": (
        {"conv2d.ipynb": b"", "conv1d.ipynb": OTHER_CHAPTER},
        "conv2d.ipynb is empty",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_notebook_of_the_chapter_is_refused_with_the_reason(case):
    files, said = REFUSED[case]
    with pytest.raises(IntakeError) as refusal:
        find(files)
    assert said in str(refusal.value)


def test_every_case_has_a_reason_of_its_own():
    reasons = [said for _, said in REFUSED.values()]
    alike = {"is cut off", "is empty", "no list of cells", "has no cells"}
    assert len({r for r in reasons if r not in alike}) == len([r for r in reasons if r not in alike])


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("conv2d (1).ipynb", {}),
        ("conv2d-Copy1.ipynb", {}),
        ("Conv2D.ipynb", {}),
        ("conv2d.IPYNB", {}),
        ("conv2d.ipynb.txt", {}),
        ("ch02_conv2d/conv2d.ipynb", {}),
        ("Lösung für Ada, final.ipynb", {"conv1d.ipynb": OTHER_CHAPTER}),
        ("b.ipynb", {"a.ipynb": notebook({"cell_type": "code", "source": "1"})}),
        ("conv2d-Copy1.ipynb", {"conv2d.ipynb": b""}),
        ("conv2d-Copy1.ipynb", {"conv2d.ipynb": OTHER_CHAPTER}),
        ("a.ipynb", {"b.ipynb": BYTES}),  # the same bytes twice
    ],
)
def test_a_wrong_name_is_graded_when_only_one_can_be_meant(name, files):
    nb, beside, notes = find({name: BYTES} | files)
    assert [c.source for c in nb.cells] == ["".join(c["source"]) for c in RAW["cells"]]
    assert beside == {}
    assert notes[0].startswith(f"the notebook was handed in as {name}, not as conv2d.ipynb")
    assert all(any(other in note for note in notes) for other in files)


def test_other_notebooks_are_named_and_not_graded():
    _, beside, notes = find({"conv2d.ipynb": BYTES, "old/conv2d.ipynb": b"x", "scratch.ipynb": BYTES})
    assert notes == ["only conv2d.ipynb was graded, not scratch.ipynb, old/conv2d.ipynb"]
    assert beside == {}


def test_a_notebook_without_any_name_is_taken_for_the_chapter():
    stripped = changed(each_cell(lambda c: c.update(metadata={})))
    assert find({"work.ipynb": stripped})[2] == [
        "the notebook was handed in as work.ipynb, not as conv2d.ipynb; it was graded all the same"
    ]
    renamed = changed(each_cell(lambda c: c["metadata"].get("nbgrader", {}).update(grade_id="mine")))
    assert find(renamed)[2] == []
    pasted = notebook({"cell_type": "code", "source": "def conv2d(x, w):\n    return x"})
    assert find(pasted)[2] == []


def test_files_lie_beside_the_notebook_and_hide_no_module():
    files = {
        "sub/conv2d.ipynb": BYTES,
        "sub/data/a b é.csv": b"1",
        "sub/mine.py": b"2",
        "sub/numpy.py": b"3",
        "random.py": b"4",
        "course/kit/check.py": b"5",
        "torch/__init__.py": b"6",
        "numpy/data.csv": b"7",
        "mine.py": b"8",
        "data": b"9",
    }
    _, beside, notes = find(files)
    assert beside == {"data/a b é.csv": b"1", "mine.py": b"2", "numpy/data.csv": b"7"}
    for module in ("numpy", "random", "course", "torch"):
        assert any(n.startswith(f"{module} was handed in as a module") for n in notes)
    assert sum("can't lie beside the notebook" in n for n in notes) == 2  # mine.py and data, from above


@pytest.mark.parametrize(
    "name", ["../up.csv", "/etc/passwd", "a//b", "a/./b", "a/../b", "x" * 300, "a\0b", "a/" * 600]
)
def test_a_path_that_leads_elsewhere_is_left_out(name):
    _, beside, notes = find({"conv2d.ipynb": BYTES, name: b""})
    assert beside == {}
    assert len(notes) == 1
    assert "\0" not in notes[0]
    assert len(notes[0]) < 200


def test_notes_steer_no_terminal():
    _, _, notes = find({"\x1b[31mred\n.ipynb": BYTES})
    assert "\x1b" not in notes[0]
    assert "\n" not in notes[0]


def test_reading_is_fast():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        find(BYTES)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.03


WORDS = st.from_regex(
    r"(cells|worksheets|cell_type|code|markdown|heading|level|source|input|metadata|nbgrader|grade_id|tags|"
    r"attachments|id|outputs|kernelspec|language_info|name|nbformat)",
    fullmatch=True,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)


def outcome(data):
    """A valid notebook that can be written, or a reason that can be printed."""
    try:
        nb, _, notes = find(data)
    except IntakeError as error:
        return str(error)
    nbformat.validate(nb)
    json.dumps([nb, notes]).encode()
    return " ".join(["read", *notes])


@given(
    st.fixed_dictionaries(
        {"cells": st.lists(JSON, max_size=5)}, optional={"metadata": JSON, "nbformat": JSON}
    )
)
def test_any_json_gives_a_valid_notebook_or_a_reason(raw):
    assert outcome(json.dumps(raw).encode()).isprintable()


@given(st.binary(max_size=200), st.integers(0, len(BYTES)), st.integers(0, 50))
def test_any_damage_to_the_bytes_gives_a_valid_notebook_or_a_reason(junk, at, gone):
    for data in (junk, BYTES[:at] + junk + BYTES[at + gone :]):
        assert outcome(data).isprintable()


# The folder


def test_a_folder_is_read_with_odd_names_and_without_what_tools_leave(tmp_path):
    names = ["conv2d.ipynb", "Übung 1/data (final).csv", "a\nb.txt"]
    clutter = [
        ".ipynb_checkpoints/conv2d-checkpoint.ipynb",
        "__pycache__/x.pyc",
        ".DS_Store",
        "timestamp.txt",
        "sub/.DS_Store",
    ]
    for name in names + clutter:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    folder = read_folder(tmp_path)
    assert folder.files == {n: n.encode() for n in names}
    assert folder.notes == []
    assert folder.digest


def test_a_name_in_no_encoding_is_read(tmp_path):
    (tmp_path / os.fsdecode(b"a\xff.csv")).write_bytes(b"1")
    (tmp_path / os.fsdecode(b"a\xfe.csv")).write_bytes(b"2")
    folder = read_folder(tmp_path)
    assert folder.files == {"a\ufffd.csv": b"2"}
    assert "can't be told from another file's" in folder.notes[0]
    assert folder.digest


def test_links_are_never_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "gradebook.db").write_text("marks")
    handed_in = tmp_path / "ch02"
    handed_in.mkdir()
    (handed_in / "conv2d.ipynb").symlink_to(secret / "gradebook.db")
    (handed_in / "all").symlink_to(secret)
    (handed_in / "loop").symlink_to(handed_in)
    (handed_in / "gone").symlink_to(tmp_path / "nothing")
    folder = read_folder(handed_in)
    assert folder.files == {}
    assert folder.notes == [
        f"{name} is a link, not a file, and was left out" for name in ("conv2d.ipynb", "all", "gone", "loop")
    ]
    with pytest.raises(IntakeError, match=r"conv2d\.ipynb is a link"):
        find_notebook(folder, LESSON)
    (tmp_path / "linked").symlink_to(secret)
    assert read_folder(tmp_path / "linked").files == {}
    assert "the folder is a link" in read_folder(tmp_path / "linked").notes[0]
    assert "can't be read (no such file" in read_folder(tmp_path / "nowhere").notes[0]


def test_pipes_and_sockets_are_never_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.ipynb")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        folder = read_folder(tmp_path)
    assert folder.files == {}
    assert folder.notes == [f"{n} is not an ordinary file and was left out" for n in ("pipe.ipynb", "socket")]


def test_what_is_too_large_or_too_many_is_left_out_with_a_note_and_notebooks_come_first(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(intake, "FILE_LIMIT", 2000)
    monkeypatch.setattr(intake, "FOLDER_LIMIT", 5000)
    monkeypatch.setattr(intake, "FILES", 5)
    (tmp_path / "big").write_bytes(b"x" * 2001)
    for name in "abcdefg":
        (tmp_path / name).write_bytes(b"x" * 1500)
    for name in "hijk":
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "zz.ipynb").write_bytes(b"{}")
    folder = read_folder(tmp_path)
    assert list(folder.files) == ["zz.ipynb", "a", "b", "c", "h"]
    assert [n.partition(":")[0] for n in folder.notes[:-1]] == [
        "big was left out",
        *(f"{n} was left out" for n in "defg"),
    ]
    assert folder.notes[-1] == "more than 5 files were handed in; 3 were left out"


def test_a_file_with_holes_of_a_terabyte_is_not_read(tmp_path):
    with (tmp_path / "a.bin").open("wb") as file:
        file.truncate(10**12)
    assert read_folder(tmp_path).notes == ["a.bin was left out: a file may have 64 MB, and all 100 MB"]


def test_a_thousand_links_give_few_notes(tmp_path):
    for number in range(1000):
        (tmp_path / f"{number:03}").symlink_to("/")
    notes = read_folder(tmp_path).notes
    assert len(notes) == 21
    assert notes[-1] == "and 980 more notes of this kind"


def test_folders_without_end_are_left_out(tmp_path):
    deep = tmp_path / "/".join(["d"] * 40)
    deep.mkdir(parents=True)
    (deep / "x").touch()
    assert "too many folders deep" in read_folder(tmp_path).notes[0]


def test_read_only_and_unreadable_files(tmp_path):
    (tmp_path / "conv2d.ipynb").write_bytes(BYTES)
    (tmp_path / "conv2d.ipynb").chmod(0o444)
    (tmp_path / "secret.csv").touch(0o000)
    (tmp_path / "closed").mkdir(0o000)
    tmp_path.chmod(0o555)
    code = "import sys; from pathlib import Path; from course.grading.intake import read_folder\n"
    if os.getuid() == 0:  # root reads everything: be nobody, once all is imported
        temporary = Path(tempfile.gettempdir())
        for folder in tmp_path.parents:
            if temporary in folder.parents:
                folder.chmod(0o755)
        code += "import os; os.setgid(65534); os.setuid(65534)\n"
    code += "f = read_folder(Path(sys.argv[1])); print(sorted(f.files), *f.notes, sep='\\n')"
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tmp_path.chmod(0o755)
    (tmp_path / "closed").chmod(0o755)
    assert run.stdout.splitlines() == [
        "['conv2d.ipynb']",
        "closed can't be read (permission denied) and was left out",
        "secret.csv can't be read (permission denied) and was left out",
    ]


def test_no_file_stays_open(tmp_path):
    for name in ("a/b/c.txt", "d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("/")
    read_folder(tmp_path)
    gc.collect()  # what other tests have left
    before = sorted(Path("/proc/self/fd").iterdir())
    read_folder(tmp_path)
    assert sorted(Path("/proc/self/fd").iterdir()) == before
