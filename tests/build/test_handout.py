"""What students get works by itself and gives nothing away."""

import os
import subprocess
import sys
import zipfile

from course.build.handout import write_handout
from course.paths import Chapter

CH01 = Chapter("ch01_conv1d")


def test_the_same_bytes_again(tmp_path):
    for name in ("a.zip", "b.zip"):
        write_handout(tmp_path / name, [CH01])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_it_holds_no_solution_and_no_hidden_test(tmp_path):
    write_handout(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        everything = b"\n".join(archive.read(n) for n in names).decode()
    assert not [
        n
        for n in names
        if "grading" in n or "build" in n or "answers" in n or "source/" in n or "solutions" in n
    ]
    assert "HIDDEN TESTS" not in everything
    assert "BEGIN SOLUTION" not in everything


def test_checks_work_from_the_handout_alone(tmp_path):
    write_handout(tmp_path / "a.zip", [CH01])
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    code = (
        "from course.kit import Checks, animate, call, figures, images\n"
        "import course, numpy as np; print(course.__path__[0])\n"
        "check = Checks('ch01_conv1d')\n"
        "check.examples('similarity', lambda w, v: (w * v).mean(), call(np.ones(3), np.ones(3)).gives(3))"
    )
    folder = tmp_path / "sliding-windows"
    ran = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path[:] = {[str(folder), *sys.path]!r}; exec({code!r})",
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ,
        check=False,
    )
    assert ran.stdout.startswith(str(folder))
    assert "likely    Your result is smaller by the number of elements" in ran.stderr
