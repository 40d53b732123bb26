"""The filter explorer in a real browser: from a click on a wall to the first frame of its film, frames a second, and a whole wall.

    python -m benchmarks.filters [--run NAME] [--layers conv1 conv2 conv4] [--clicks 8]

Without --run it is the CNN with fresh weights, over demo faces. The network is warm: one film of the layer was painted before. A film's
first frame is there when it is drawn and two more frames of the browser have passed. Needs requirements-test.txt and a Chromium.
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

from benchmarks.matrix import App, settled

RATES = {"conv1": 10, "conv2": 10, "conv4": 4}
"""Frames a second that were promised."""
PATIENCE = 600_000
WATCH = """(before) => new Promise((done) => {
  const seen = {};
  const look = () => {
    const parts = [...document.querySelectorAll('.st-key-living-place *')];
    const root = parts.map((e) => e.shadowRoot?.querySelector('.fer-living')).find(Boolean);
    const now = performance.now() - window.ferClicked, frames = Number(root?.dataset.frames);
    if (root && root.dataset.film !== before && root.dataset.step !== undefined) {
      if (!seen.first) requestAnimationFrame(() => requestAnimationFrame(() => { seen.first ??= performance.now() - window.ferClicked; }));
      seen.begun ??= [now, frames];
      if (root.dataset.state === 'done') return done(seen);
      if (frames > (seen.last ? seen.last[1] : 0)) seen.last = [now, frames];
    }
    requestAnimationFrame(look);
  };
  look();
})"""
"""Resolves at the end of a film: when its first frame was painted, when its first and its last ones had arrived; ms after the click."""


def runs(folder: Path, name: str) -> str:
    """Put the run into a store of its own: a copy without caches, or the CNN with fresh weights."""
    if name:
        shutil.copytree(ROOT / "checkpoints" / name, folder / "runs" / name, ignore=shutil.ignore_patterns(".cache", "resume"))
        return name
    from fer_core import models
    from fer_core.config import RunConfig
    from fer_core.runs.store import RunStore, Status

    run = RunStore(folder / "runs").create(RunConfig.from_preset("quick", data="demo", arch="cnn"), "fresh")
    models.save_weights(models.build("cnn"), run.path / "weights.safetensors")
    run.write_status(Status(state="finished", epoch=1, epochs=1, heartbeat=time.time()))
    return run.id


def click(page: Any, number: int) -> dict[str, Any]:
    """Click a unit of the wall and watch its film to the end."""
    tile = page.locator(".st-key-wall [role=option]").nth(number)
    before = page.locator(".fer-living").get_attribute("data-film")
    tile.evaluate("e => e.addEventListener('pointerup', () => { window.ferClicked = performance.now() }, { once: true })")
    page.evaluate(f"before => {{ window.ferClicked = Infinity; window.ferSeen = ({WATCH})(before); return 1 }}", before)
    tile.click()
    seen: dict[str, Any] = page.evaluate("window.ferSeen")
    settled(page)
    return seen


def measure(app: App, browser: Any, run: str, layer: str, clicks: int, *, wall: bool) -> tuple[list[float], list[float], float]:
    """Give the milliseconds to first frames, frames a second, and the seconds of the whole wall (0 where it was not waited for)."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE)
    began = time.perf_counter()
    page.goto(f"{app.url}/filter_explorer?run={run}&layer={layer}&unit=0&more=save")
    page.locator(".st-key-wall [role=option]").first.wait_for()
    if wall:
        page.wait_for_selector(".st-key-wall-progress", state="detached")
    else:
        page.get_by_role("button", name="Stop painting").click()
    took = time.perf_counter() - began
    page.wait_for_selector(".fer-living[data-state=done]")
    settled(page)
    click(page, 1)
    seen = [click(page, 2 + number) for number in range(clicks)]
    page.close()
    rates = [1000 * (one["last"][1] - one["begun"][1]) / (one["last"][0] - one["begun"][0]) for one in seen
             if one["last"][0] > one["begun"][0]]
    return [one["first"] for one in seen], rates, took if wall else 0.0


def main() -> None:
    """Measure layers in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="", help="run in checkpoints; untold: the CNN with fresh weights")
    parser.add_argument("--layers", nargs="*", default=["conv1", "conv2", "conv4"])
    parser.add_argument("--clicks", type=int, default=8)
    told = parser.parse_args()
    from chromium import find
    from playwright.sync_api import sync_playwright

    chromium, what = find(), told.run or "the CNN with fresh weights"
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {what}, {told.clicks} clicks a layer")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        run = runs(Path(scratch), told.run)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        app = App(Path(scratch))
        try:
            for layer in told.layers:
                first, rates, wall = measure(app, browser, run, layer, told.clicks, wall=layer == "conv1")
                soon, rate = statistics.median(first), statistics.median(rates)
                print(f"{layer}: first frame {soon:.0f} ms median of {len(first)} ({min(first):.0f} to {max(first):.0f}), then {rate:.0f} "
                      f"frames a second{f'; page and whole wall {wall:.0f} s' if wall else ''}", flush=True)
                row(f"click on a filter of {layer} to its first frame; frames a second after it", f"{soon:.0f} ms; {rate:.0f}", "filters",
                    f"500 ms; {RATES.get(layer, '-')}")
        finally:
            browser.close()
            app.stop()


if __name__ == "__main__":
    main()
