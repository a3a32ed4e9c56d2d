"""README and CONTRIBUTING tell the truth."""

import re
import sys
import types

import numpy as np
import pytest
from typer.testing import CliRunner
from walk import Notebook, read

from course.__main__ import app
from course.build import rules, text
from course.kit import Checks, animate
from course.kit.exercise import Exercise
from course.paths import ROOT, Chapter, chapters

PAGES = ["README.md", "CONTRIBUTING.md"]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_and_commands_exist(page):
    said = (ROOT / page).read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"(?:`|^)make ([a-z]+)", said, re.MULTILINE)
    assert targets
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
    known = {c.name or c.callback.__name__ for c in app.registered_commands}
    used = set(re.findall(r"(?:`|bin/)course ([a-z-]+)", said))
    assert used
    assert used <= known


@pytest.mark.parametrize("command", [c.name or c.callback.__name__ for c in app.registered_commands])
def test_every_command_has_help_with_an_example(command):
    said = CliRunner().invoke(app, [command, "--help"])
    assert said.exit_code == 0
    assert f"Example: course {command}" in said.output


def test_the_table_of_chapters_is_complete():
    rows = dict(re.findall(r"^\| \[(ch\d\d)\]\(release/\S+\).*\| (\d+) \|$", README, re.MULTILINE))
    assert sorted(rows) == [c.id[:4] for c in chapters()]
    for chapter in chapters():
        opening = read(chapter).cells[0].source
        assert re.search(rf"about\s+{rows[chapter.id[:4]]}\s+minutes", opening)


def test_the_picture_is_what_the_kit_draws():
    rows = ["1301432", "2112501", "5322532", "4561023", "2134151", "2032658", "4621232"]
    x = np.array([[int(c) for c in row] for row in rows])
    drawn = animate.sliding_window(x, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]))
    assert (ROOT / "docs" / "sliding-window.png").read_bytes() == drawn.data


def test_contributing_followed_to_the_letter_gives_a_chapter(tmp_path, monkeypatch):
    exercise, cells, setup = (
        re.sub(r"^   ", "", block, flags=re.MULTILINE)
        for block in re.findall(r"```python\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)
    )
    chapter = Chapter("ch42_name", tmp_path)
    chapter.text.parent.mkdir()
    chapter.text.write_text(setup + "\n" + cells)
    nb = text.read(chapter.text.read_text())
    assert [p.reason for p in rules.problems(chapter, nb)] == ["the points add up to 5, not 100"]

    module = types.ModuleType("course.chapters.ch42_name.exercises")
    exec("from course.kit.exercise import Exercise, call, draw\n" + exercise, vars(module))
    monkeypatch.setitem(
        sys.modules, "course.chapters.ch42_name", types.ModuleType("course.chapters.ch42_name")
    )
    monkeypatch.setitem(sys.modules, "course.chapters.ch42_name.exercises", module)
    assert isinstance(module.dot, Exercise)
    notebook = Notebook(chapter)
    notebook.run_all()
    for source in notebook.tests("dot").values():
        assert "✓ dot" in notebook.run(source)
    wrong = module.dot.mistakes["averages_instead_of_sums"]
    assert Checks("ch42_name").exercises["dot"].diagnose(wrong.function) is wrong
