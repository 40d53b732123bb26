"""First paint of the app on a fresh start: from a healthy server to the title of the overview in a real browser.

    python -m benchmarks.start [--repeats 5]

Each repeat starts a new server and a new browser page; the browser itself is running already. Seconds, median of the repeats.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import Browser, sync_playwright

from benchmarks.table import ROOT, row

sys.path.insert(0, str(ROOT / "tests"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    from chromium import find

    path = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        seen = [once(browser) for _ in range(repeats)]
        browser.close()
    healthy, painted = zip(*seen, strict=True)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {repeats} starts")
    print(f"server healthy after {statistics.median(healthy):.2f} s ({min(healthy):.2f} to {max(healthy):.2f})")
    row("first paint of the app, after the server is up", f"{statistics.median(painted):.1f} s", "start", "2 s")
    print(f"first paint {statistics.median(painted):.2f} s later ({min(painted):.2f} to {max(painted):.2f})")


def once(browser: Browser) -> tuple[float, float]:
    """Start the app; return the seconds until the server is healthy, and from there until the title stands on the page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not is_healthy(port):
            time.sleep(0.02)
        healthy = time.perf_counter()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("h1")
        painted = time.perf_counter()
        page.close()
        return healthy - began, painted - healthy
    finally:
        server.terminate()
        server.wait()


def is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
