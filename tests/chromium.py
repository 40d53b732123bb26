"""Find a Chromium that starts: the system's, or the one that Playwright fetched."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find() -> str | None:
    """Return the path of a Chromium that answers with its version, or None."""
    for path in [os.environ.get("FER_LENS_CHROMIUM"), *map(shutil.which, NAMES), _fetched()]:
        if path and _starts(path):
            return path
    return None


def _fetched() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    found = find()
    print(found or "no Chromium was found")
    sys.exit(not found)
