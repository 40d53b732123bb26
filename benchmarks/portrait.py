"""The portrait of a cell in a real browser: from the click on it to its mean face, mean map, ledger and over-active filters.

    python -m benchmarks.portrait [--run NAME --data FER2013] [--cells sad-neutral fear-sad disgust-angry]

Without --run it is the CNN with fresh weights and made-up predictions over 3,589 drawn faces. The network is warm, and the page at rest:
its own map was tested before the click. The pictures of the filters, and what hiding a region does, come after what is measured here.
Needs requirements-test.txt and a Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.table import ROOT, row

sys.path.insert(0, str(ROOT / "tests"))

from benchmarks.matrix import App, faces, run_of, settled

CELLS = ("sad-neutral", "fear-sad", "disgust-angry", "neutral-sad", "angry-fear")


def prepare(folder: Path, name: str, data: Path | None) -> str:
    """Put the run, and its data set, into a store of its own."""
    if name:
        shutil.copytree(ROOT / "checkpoints" / name, folder / "runs" / name, ignore=shutil.ignore_patterns(".cache", "resume"))
        if data is not None:
            (folder / "data").mkdir()
            shutil.copy(data, folder / "data" / data.name)
        return name
    from fer_core import models
    from fer_core.runs.store import RunStore

    store = RunStore(folder / "runs")
    id = run_of(store, *faces(folder, 3589), arch="cnn")
    models.save_weights(models.build("cnn"), store.open(id).path / "weights.safetensors")
    return id


def measure(page: Any, url: str, cell: str) -> float:
    """Open a face of the cell, wait until all is at rest, and give the seconds from the click on Portrait to the whole of it."""
    true, called = cell.split("-")
    page.goto(f"{url}&true={true}&pred={called}&method=gradient")
    page.locator(".fer-verdict").wait_for()
    settled(page)
    began = time.perf_counter()
    page.get_by_role("radio", name="Portrait", exact=True).click()
    page.get_by_text("mean map").first.wait_for()
    page.get_by_text("that answer too much here").first.wait_for()
    return time.perf_counter() - began


def main() -> None:
    """Measure the cells in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="", help="run in checkpoints; untold: the CNN with fresh weights")
    parser.add_argument("--data", type=Path, help="the faces of that run")
    parser.add_argument("--cells", nargs="*", default=CELLS)
    told = parser.parse_args()
    from chromium import find
    from playwright.sync_api import sync_playwright

    chromium = find()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {told.run or 'the CNN with fresh weights'}")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        run = prepare(Path(scratch), told.run, told.data)
        browser, app = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]), App(Path(scratch))
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(120_000)
            url = f"{app.url}/saliency_viewer?run={run}"
            first = measure(page, url, told.cells[0])
            times = [measure(page, url, cell) for cell in told.cells[1:]]
        finally:
            browser.close()
            app.stop()
    print(f"portrait: first {first:.1f} s, then {', '.join(f'{seconds:.1f}' for seconds in times)} s")
    row(f"click on the portrait of a cell to all of it, {told.run or 'fresh weights'}, network in memory",
        f"{statistics.median(times):.1f} s", f"portrait --run {told.run} --data FER2013" if told.run else "portrait", "2 s")


if __name__ == "__main__":
    main()
