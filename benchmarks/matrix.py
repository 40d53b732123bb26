"""Measure the matrix page in a real browser: from a click on a cell to the painted faces, and the memory of the app.

Usage: python -m benchmarks.matrix [--faces 3589] [--faces 1000000] [--clicks 20]
The predictions are made up (a network that is right on two of three faces), the faces drawn ones, repeated. Needs requirements-test.txt and
a Chromium (./test fetches one). Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.table import ROOT, row

sys.path.insert(0, str(ROOT / "tests"))

from fer_core import atomic_io
from fer_core.config import RunConfig
from fer_core.data.dataset import FORM
from fer_core.data.demo.generator import make
from fer_core.runs.store import Predictions, RunStore, Status

SHARES = np.array([0.130, 0.016, 0.138, 0.249, 0.182, 0.116, 0.169])  # of FER2013's validation split
APART = 400
"""Milliseconds between two clicks: of faster ones the matrix sends the last only, once the hand has rested for 300."""
CELLS = [(4, 6), (2, 4), (0, 4), (6, 4), (4, 2), (6, 3), (3, 6), (2, 5)]
WATCH = """(before) => new Promise((done) => {
  const grid = () => {
    for (const part of document.querySelectorAll('.st-key-gallery *')) {
      const found = part.shadowRoot && part.shadowRoot.querySelector('.grid');
      if (found) return found;
    }
  };
  const look = () => {
    const shown = grid() && grid().dataset.shown;
    if (shown && shown !== before) requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - window.ferClicked)));
    else requestAnimationFrame(look);
  };
  look();
})"""
"""Resolves with the milliseconds since the click when other faces than before are decoded, in the page, and two frames have passed."""


def faces(folder: Path, n: int) -> tuple[Path, np.ndarray]:
    """Write a data set of n drawn faces (350 different ones, each brightened in its own way) in the form of the cache."""
    place = folder / f"faces-{n}"
    place.mkdir()
    labels = np.random.default_rng(0).choice(7, n, p=SHARES / SHARES.sum())
    drawn = make(350, 0).images
    images = np.lib.format.open_memmap(place / "validation.images.npy", "w+", np.uint8, (n, 48, 48))
    for start in range(0, n, 10_000):
        rows = np.arange(start, min(n, start + 10_000))
        images[rows] = drawn[rows % 350] // 2 + (rows // 350 % 120).astype(np.uint8)[:, None, None]
    images.flush()
    np.save(place / "validation.labels.npy", labels)
    np.save(place / "validation.ids.npy", np.arange(n))
    atomic_io.write_json(
        place / "meta.json",
        {
            "form": FORM,
            "name": place.name,
            "source": str(place),
            "fingerprint": f"{n:064d}",
            "notes": [],
            "splits": {"validation": n},
            "bad": [],
        },
    )
    return place, labels


def run_of(store: RunStore, place: Path, labels: np.ndarray, **settings: Any) -> str:
    """Write a run that predicted these faces: right on about two of three, with features of 16 numbers; `settings` of its recipe."""
    n, generator = len(labels), np.random.default_rng(1)
    logits = generator.normal(0, 1.6, (n, 7)).astype(np.float32)
    logits[np.arange(n), labels] += 2.6
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(1, keepdims=True)
    run = store.create(RunConfig.from_preset("quick", data=str(place), **settings), f"n{n}")
    features = generator.normal(size=(n, 16)).astype(np.float16)
    leaked = generator.random(n) < 0.08
    run.write_predictions(Predictions("validation", f"{n:064d}", labels, probabilities, None, features, leaked))
    run.write_status(Status(state="finished", epoch=1, epochs=1, heartbeat=time.time()))
    return run.id


class App:
    """The app on a port of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "data").mkdir(exist_ok=True)
        places = {f"FER_LENS_{name.upper()}": str(folder / name) for name in ("runs", "data", "cache")}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **places}, stdout=quiet, stderr=quiet)
        self.url = f"http://127.0.0.1:{self.port}"
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2)
                return
            except OSError:
                time.sleep(0.1)

    def memory(self) -> float:
        """Resident memory of the server in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss / 1e6)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(20)


def settled(page: Any) -> None:
    """Wait until the script has run."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=120_000)


def click(page: Any, true: int, predicted: int) -> float:
    """Click a cell and return the milliseconds until its faces are painted: decoded, in the page, and two frames later."""
    grid = page.locator(".st-key-gallery .grid")
    before = grid.get_attribute("data-shown") if grid.count() else None
    cell = page.locator(".st-key-matrix .cell").nth(7 * true + predicted)
    cell.evaluate("e => e.addEventListener('pointerup', () => { window.ferClicked = performance.now() }, { once: true })")
    page.evaluate(f"before => {{ window.ferPainted = ({WATCH})(before); return 1 }}", before)
    cell.click()
    milliseconds = float(page.evaluate("window.ferPainted"))
    settled(page)
    return milliseconds


def measure(folder: Path, browser: Any, run: str, clicks: int) -> dict[str, Any]:
    """Open the page, click cells in turn, and tell latencies and memory."""
    app = App(folder)
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{app.url}/confusion_matrix?run={run}&split=test")  # nothing was predicted there: the page without its numbers
        page.wait_for_selector("h1")
        settled(page)
        empty = app.memory()
        began = time.perf_counter()
        page.goto(f"{app.url}/confusion_matrix?run={run}")
        page.locator(".st-key-gallery [role=option]").first.wait_for(timeout=120_000)
        first = time.perf_counter() - began
        settled(page)
        click(page, *CELLS[-1])
        times, peak = [], app.memory()
        for number in range(clicks):
            page.wait_for_timeout(APART)
            times.append(click(page, *CELLS[number % len(CELLS)]))
            peak = max(peak, app.memory())
        page.close()
        return {"first_s": first, "times_ms": times, "empty_mb": empty, "peak_mb": peak}
    finally:
        app.stop()


def main() -> None:
    """Measure sets of several sizes."""
    from chromium import find
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, action="append")
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    results, chromium = {}, find()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for n in asked.faces or [3589, 1_000_000]:
            folder = Path(scratch) / str(n)
            folder.mkdir()
            run = run_of(RunStore(folder / "runs"), *faces(folder, n))
            results[n] = measure(folder, browser, run, asked.clicks)
        browser.close()
    if asked.json:
        print(json.dumps(results))
        return
    for n, found in results.items():
        times = found["times_ms"]
        print(f"{n:>9,} faces: click to painted gallery {statistics.median(times):5.0f} ms median of {len(times)} "
              f"({min(times):.0f} to {max(times):.0f}); first view {found['first_s']:.1f} s; server {found['peak_mb']:.0f} MB, "
              f"{found['peak_mb'] - found['empty_mb']:.0f} above an empty page")
        row(f"click on a cell to painted faces, {n:,} predictions", f"{statistics.median(times):.0f} ms", "matrix",
            "400 ms" if n < 100_000 else "1 s")


if __name__ == "__main__":
    main()
