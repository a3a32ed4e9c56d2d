"""What people see: the notebooks in JupyterLab, in a real browser."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

from course.paths import ROOT, chapters

pytestmark = pytest.mark.slow

SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {
        "windowingMode": "none"
    },  # render all cells, not only those in view
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false"},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab server on a folder with copies of release/ and solutions/; gives its address and the folder."""
    folder = tmp_path_factory.mktemp("lab")
    for name in ("release", "solutions"):
        shutil.copytree(ROOT / name, folder / name)
    settings = folder / ".settings"
    for name, value in SETTINGS.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        f"--notebook-dir={folder}",
        "--IdentityProvider.token=",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env=environment
        | {"JUPYTERLAB_SETTINGS_DIR": str(settings), "JUPYTER_RUNTIME_DIR": str(folder / ".runtime")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        address = f"http://127.0.0.1:{port}"
        wait_for(address + "/api")
        yield address, folder
        server.terminate()


def wait_for(address):
    for _ in range(120):
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"nothing answers at {address}")


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "the tests need a browser: install chromium"
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=path, args=options)
        yield chromium
        chromium.close()


def open_notebook(browser, lab, path):
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(f"{lab[0]}/doc/tree/{path}")
    page.wait_for_selector(".jp-Notebook .jp-RenderedMarkdown h1")
    page.wait_for_function("() => document.querySelectorAll('mjx-container').length > 0")
    page.wait_for_timeout(2000)  # typesetting goes on in the background
    return page


TROUBLE = """() => {
  const text = [...document.querySelectorAll('.jp-RenderedMarkdown')].map(e => {
    const copy = e.cloneNode(true);
    copy.querySelectorAll('mjx-container, code, pre, script, style').forEach(m => m.remove());
    return copy.textContent;
  }).join('\\n');
  const output = e => e.closest('.jp-OutputArea').getBoundingClientRect();
  const errors = [...document.querySelectorAll('[data-mime-type="application/vnd.jupyter.stderr"]')];
  const images = [...document.querySelectorAll('.jp-OutputArea img')];
  return {
    cells: document.querySelectorAll('.jp-Cell').length,
    pictures: images.filter(i => i.naturalWidth > 0).length,
    rawMath: (text.match(/\\$[^$\\n]*\\$|\\\\frac|\\\\sum/g) || []).slice(0, 5),
    badMath: [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(e => e.textContent).slice(0, 5),
    brokenImages: images.filter(i => i.complete && i.naturalWidth === 0).length,
    clippedImages: images.filter(i => i.getBoundingClientRect().right > output(i).right + 1).length,
    stderr: errors.map(e => e.textContent).slice(0, 5),
  };
}"""


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.id)
def test_a_solution_notebook_reads_well(lab, browser, chapter):
    page = open_notebook(browser, lab, f"solutions/{chapter.id}/{chapter.notebook}.ipynb")
    seen = page.evaluate(TROUBLE)
    page.close()
    assert seen.pop("cells") > 20
    assert seen.pop("pictures") > 3
    assert seen == {"rawMath": [], "badMath": [], "brokenImages": 0, "clippedImages": 0, "stderr": []}


def test_a_student_solves_an_exercise_wrong_and_then_right(lab, browser):
    page = open_notebook(browser, lab, "release/ch01_conv1d/conv1d.ipynb")

    def run(marker, code=None):
        """Run the cell that holds `marker`, after replacing its text by `code`; gives the text of its output."""
        cell = page.locator(".jp-CodeCell", has_text=marker).first
        cell.locator(".cm-content").click()
        if code is not None:
            page.keyboard.press("Control+a")
            page.keyboard.insert_text(code)
        page.keyboard.press("Control+Enter")
        cell.locator(".jp-InputPrompt", has_text="[*]").wait_for(state="detached")
        page.wait_for_timeout(500)
        page.wait_for_function("() => !document.querySelector('.jp-InputPrompt')?.textContent.includes('*')")
        return cell

    run("from course.kit import")
    run("def similarity", "def similarity(w, window):\n    return np.mean(1.0 * w * window)")
    examples = run('"similarity",')
    examples.locator(".jp-OutputArea", has_text="likely").wait_for()
    failed = examples.locator(".jp-OutputArea").inner_text()
    assert "Your result is smaller by the number of elements" in failed
    assert "Traceback" not in failed
    run("def similarity", "def similarity(w, window):\n    return np.sum(1.0 * w * window)")
    examples = run('"similarity",')
    examples.locator(".jp-OutputArea", has_text="similarity: 5 examples right").wait_for()
    page.close()


def test_the_shapes_explorer_moves(lab, browser):
    page = open_notebook(browser, lab, "release/ch03_shapes/shapes.ipynb")
    for marker in ("from course.kit import", "explore.shapes("):
        page.locator(".jp-CodeCell", has_text=marker).first.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
    board = page.locator("img.widget-image")
    board.wait_for()
    before = board.get_attribute("src")
    page.locator(".widget-hslider", has_text="stride").locator(".noUi-handle").press("ArrowRight")
    page.wait_for_function("before => document.querySelector('img.widget-image').src != before", arg=before)
    page.close()
