"""Formgrader shows a student's notebook inside the instructor's Jupyter session: nothing of it may run there."""

import shutil

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.server_extensions.formgrader import handlers
from playwright.sync_api import sync_playwright

from course.converters import settings

SCRIPT = "<script>window.hit = 1</script>"
ON_ERROR = '<img src="nowhere:" onerror="window.hit = 1">'
SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="window.hit = 1"></svg>'
HOSTILE = {
    "a script in text": new_markdown_cell(SCRIPT),
    "an event handler in text": new_markdown_cell(ON_ERROR),
    "a link that runs": new_markdown_cell('<a id="go" href="javascript:window.hit = 1">go</a>'),
    "raw": nbformat.v4.new_raw_cell(SCRIPT + ON_ERROR),
    "code": new_code_cell(SCRIPT + ON_ERROR),
}
OUTPUTS = {
    "text/html": SCRIPT + ON_ERROR,
    "text/markdown": SCRIPT + ON_ERROR,
    "image/svg+xml": SVG,
    "application/javascript": "window.hit = 1",
    "text/latex": SCRIPT + ON_ERROR,
    "text/plain": SCRIPT + ON_ERROR,
}
HOSTILE |= {
    kind: new_code_cell("x", outputs=[new_output("display_data", data={kind: data})])
    for kind, data in OUTPUTS.items()
}
HOSTILE["printed"] = new_code_cell("x", outputs=[new_output("stream", text=SCRIPT + ON_ERROR)])
HOSTILE["an error"] = new_code_cell(
    "x", outputs=[new_output("error", ename=SCRIPT, evalue=ON_ERROR, traceback=[SCRIPT + ON_ERROR])]
)


def page_of(cell) -> str:
    """The page as formgrader's server makes it."""
    config = settings()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    about = dict.fromkeys(("assignment_id", "notebook_id", "submission_id", "student", "base_url"), "x")
    about |= {"index": 0, "total": 1, "last_name": "", "first_name": "", "notebook_path": "x"}
    nb = new_notebook(cells=[cell], metadata={"language_info": {"name": "python"}})
    return HTMLExporter(config=config).from_notebook_node(nb, resources=about)[0]


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "the tests need a browser: install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_nothing_of_a_submission_runs_in_formgrader(browser, case):
    page = browser.new_page()
    page.set_content(page_of(HOSTILE[case]), wait_until="domcontentloaded")
    if page.query_selector("#go"):
        page.eval_on_selector("#go", "link => link.click()")
    page.wait_for_timeout(200)
    assert page.evaluate("window.hit") is None
    page.close()
