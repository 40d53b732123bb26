"""A running app and a real browser. At the end of each test: no script error, no exception on the page, nothing asked of the internet."""

import csv
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

LATE = """
const add = WebSocket.prototype.addEventListener;
WebSocket.prototype.addEventListener = function (type, listener, ...rest) {
  const late = (event) => setTimeout(() => listener.call(this, event), %d);
  return add.call(this, type, type === "message" ? late : listener, ...rest);
};
"""
"""Let every message of the server reach the page so many milliseconds late, in their order."""
LOCAL = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:|about:")


def pytest_collection_modifyitems(items):
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The app as `streamlit run app.py` starts it, with data, runs and caches of its own."""

    def __init__(self, root, folder):
        self.root, self.folder, self.port, self.process = root, folder, free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        self.runs, self.data, self.log = folder / "runs", folder / "data", folder / "server.log"
        for place in (self.runs, self.data):
            place.mkdir(exist_ok=True)

    def start(self):
        env = {**os.environ, "FER_LENS_RUNS": str(self.runs), "FER_LENS_DATA": str(self.data)}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.root, env=env, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError("The app did not start:\n" + self.log.read_text("utf-8"))

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def restart(self):
        self.stop()
        return self.start()


def write_faces(path, faces, usages):
    """Write faces as fer2013.csv."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for image, label, usage in zip(faces[0], faces[1], usages, strict=True):
            writer.writerow([int(label), " ".join(map(str, image.ravel())), usage])


def small_set():
    """Ninety faces: three of them copies across splits, one of these with another label, and a blank one."""
    from fer_core.data.demo.generator import make

    made = make(90, seed=3)
    images, labels = made.images.copy(), made.labels.copy()
    labels[:70] = np.repeat(np.arange(7), 10)
    images[70:73], labels[70:72] = images[0:3], labels[0:2]
    labels[72] = (labels[2] + 1) % 7
    images[75] = 90
    return images, labels


@pytest.fixture(scope="session")
def server(root, tmp_path_factory):
    """One app for the session, with a small data set `faces.csv` in its data folder."""
    server = Server(root, tmp_path_factory.mktemp("app"))
    write_faces(server.data / "faces.csv", small_set(), ["Training"] * 70 + ["PublicTest"] * 20)
    yield server.start()
    server.stop()


def remove(folder):
    """Delete a run. The app may be writing a table there; it gives up soon when nobody asks for it."""
    until = time.monotonic() + 60
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < until)
        time.sleep(0.1)


@pytest.fixture(scope="module")
def demo_run(server, root):
    """A copy of the demo run in the server's store, without its caches."""
    shutil.copytree(root / "checkpoints/demo", server.runs / "demo", ignore=shutil.ignore_patterns(".cache"))
    yield "demo"
    remove(server.runs / "demo")


def film(path):
    """Write what the camera sees, one drawn face on a wall, as a raw film: 640 x 480, luma and two empty chroma planes."""
    from fer_core.data.demo.generator import draw, face_at

    wall = np.full((480, 640), 120, np.uint8)
    wall[110:370, 190:450] = draw(face_at(3, 0)[0], size=260)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\nFRAME\n" + wall.tobytes() + bytes([128]) * (wall.size // 2))
    return path


@pytest.fixture(scope="session")
def chromium(chromium_path, tmp_path_factory):
    """One Chromium for the session, with a camera."""
    from playwright.sync_api import expect, sync_playwright

    camera = film(tmp_path_factory.mktemp("camera") / "face.y4m")
    options = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
               f"--use-file-for-fake-video-capture={camera}"]

    expect.set_options(timeout=30_000)  # a machine that trains beside the tests answers late
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=options)
        yield browser
        browser.close()


def settled(page):
    """Wait until the script has run and nothing on the page is out of date."""
    from playwright.sync_api import expect

    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=90_000)
    expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=30_000)


@pytest.fixture
def visit(server, chromium):
    """Open a page of the app: visit("dataset?class=fear", width=390, theme="dark"). What goes wrong there fails the test at its end.

    With `lag` the page hears of all that the app says so many milliseconds late.
    """
    contexts, faults, pages = [], [], []

    def asked(request):
        if not LOCAL.match(request.url):
            faults.append(f"asked for {request.url}")

    def opener(path="", *, width=1280, height=900, theme="light", lag=0):
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on("request", asked)
        if lag:
            page.add_init_script(LATE % lag)
        page.goto(f"{server.url}/{path}")
        page.wait_for_selector("h1", state="attached")  # a demonstration hides it
        settled(page)
        pages.append(page)
        return page

    yield opener
    for page in pages:
        if page.get_by_test_id("stException").count():
            faults.append("exception; the end of the app's log:\n" + server.log.read_text("utf8")[-3000:])
    for context in contexts:
        context.close()
    assert not faults, faults
