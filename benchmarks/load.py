"""Load: many browser sessions click through all pages at once; page times, errors and the memory of the server.

    python -m benchmarks.load [--sessions 20] [--minutes 5] [--run demo]

Each session is a browser context of its own in one Chromium on the same machine, so the browser takes its share of the processor too.
A session goes from page to page by the menu, does something on each (opens a cell, takes the next face, another filter), and looks at it
for a while. A page's time is from the click to the page at rest, all its numbers there. One session was there before: the faces are drawn
and the network is in memory. The sessions come one after the other within the first half minute.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.table import ROOT, row

sys.path.insert(0, str(ROOT / "tests"))

from benchmarks.matrix import App

PAGES = ("Overview", "Dataset", "Training", "Confusion matrix", "Saliency", "Filters", "Try a photo")
REST = "[data-testid=stApp][data-test-script-state=notRunning]"
LOOK = (8.0, 24.0)
"""Seconds that a person looks at a page."""
ARRIVAL = 1.5
"""Seconds between two sessions' first page."""
PATIENCE = 120_000


@dataclass
class Seen:
    """What all sessions saw: seconds by page, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


async def at_rest(page: Any) -> None:
    """Wait until the page is drawn and no script runs."""
    await page.wait_for_selector("h1", timeout=PATIENCE)
    await page.wait_for_selector(REST, timeout=PATIENCE)


async def session(browser: Any, url: str, run: str, end: float, seen: Seen, number: int) -> None:
    """Click through the pages until the time is over."""
    dice = random.Random(number)
    await asyncio.sleep(number * ARRIVAL)
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = await context.new_page()
    page.on("pageerror", lambda error: seen.errors.append(f"script: {error}"))
    try:
        await page.goto(f"{url}/?run={run}", timeout=PATIENCE)
        await at_rest(page)
        while time.monotonic() < end:
            await step(page, dice.choice(PAGES), dice, seen)
            await asyncio.sleep(dice.uniform(*LOOK))
    except Exception as error:
        seen.errors.append(f"session {number}: {str(error).splitlines()[0]}")
    await context.close()


async def step(page: Any, name: str, dice: random.Random, seen: Seen) -> None:
    """Go to a page, and do something there."""
    began = time.monotonic()
    await page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click(timeout=PATIENCE)
    await page.wait_for_function("name => document.querySelector('h1')?.innerText === name", arg=name, timeout=PATIENCE)
    await at_rest(page)
    seen.seconds[name].append(time.monotonic() - began)
    await act(page, name, dice)
    if await page.locator("[data-testid=stException]").count():
        seen.errors.append(f"{name}: an exception on the page")


async def first(browser: Any, url: str, run: str) -> None:
    """Be the session that was there before: see every page once."""
    page = await (context := await browser.new_context()).new_page()
    await page.goto(f"{url}/?run={run}", timeout=PATIENCE)
    await at_rest(page)
    for name in PAGES:
        await step(page, name, random.Random(0), Seen())
    await context.close()


async def act(page: Any, name: str, dice: random.Random) -> None:
    """Do something on a page, and wait for its answer."""
    target = None
    if name == "Confusion matrix":
        target = page.locator(".st-key-matrix .cell").nth(dice.randrange(49))
    elif name == "Saliency":
        target = page.get_by_role("button", name="Next", exact=True)
    elif name == "Filters":
        target = page.locator(".fer-wall [role=option]").nth(dice.randrange(8))
    if target is None or not await target.count() or not await target.is_enabled():
        return
    await target.click(timeout=PATIENCE)
    await asyncio.sleep(0.2)
    await at_rest(page)


async def watch(app: App, end: float, seen: Seen) -> None:
    """Note the server's memory, in MB, every two seconds."""
    while time.monotonic() < end:
        process = psutil.Process(app.process.pid)
        seen.memory.append(sum(one.memory_info().rss for one in [process, *process.children(recursive=True)]) / 1e6)
        await asyncio.sleep(2)


async def measure(app: App, chromium: str, run: str, sessions: int, minutes: float) -> Seen:
    """Let the sessions run."""
    from playwright.async_api import async_playwright

    seen = Seen()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        await first(browser, app.url, run)
        end = time.monotonic() + 60 * minutes
        await asyncio.gather(watch(app, end, seen), *(session(browser, app.url, run, end, seen, number) for number in range(sessions)))
        await browser.close()
    return seen


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--run", default="demo")
    told = parser.parse_args()
    from chromium import find

    chromium = find()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(ROOT / "checkpoints" / told.run, folder / "runs" / told.run, ignore=shutil.ignore_patterns(".cache", "resume"))
        app = App(folder)
        try:
            seen = asyncio.run(measure(app, chromium, told.run, told.sessions, told.minutes))
        finally:
            app.stop()
    every = [value for values in seen.seconds.values() for value in values]
    asked = f"{told.sessions} sessions clicking through all pages for {told.minutes:g} minutes"
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {asked}")
    for name, values in seen.seconds.items():
        print(f"{name:18} {statistics.median(values):6.2f} s median of {len(values):4}, slowest {max(values):.1f} s")
    quarter = max(1, len(seen.memory) // 4)
    print(f"memory of the server: first quarter {max(seen.memory[:quarter]):.0f} MB, last {max(seen.memory[-quarter:]):.0f} MB at most")
    for error, count in {error: seen.errors.count(error) for error in seen.errors}.items():
        print(f"ERROR {count} x {error}")
    if len(every) < 2:
        raise SystemExit("Too few pages were seen to tell anything.")
    slow = statistics.quantiles(every, n=20)[-1]
    memory = f"server at most {max(seen.memory):,.0f} MB, {max(seen.memory[-quarter:]):,.0f} MB later"
    row(f"{asked}: a page at rest", f"{statistics.median(every):.1f} s median, {slow:.1f} s for 19 of 20; {len(seen.errors)} errors in "
        f"{len(every)} pages; {memory}", "load", "no error, memory bounded")
    if seen.errors:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
