"""What the tests share: the repository, an empty store of runs, a handful of demo faces, and Chromium."""

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
os.environ.setdefault("FER_LENS_NICE", "0")  # on a busy machine a trainer that gives way would starve

import hypothesis
import pytest

from fer_core.runtime import ROOT

hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")  # a busy machine is no fault


def pytest_itemcollected(item):
    """Mark what drives the app in Chromium."""
    if (ROOT / "tests/browser") in item.path.parents:
        item.add_marker(pytest.mark.browser)


def pytest_collection_modifyitems(items):
    """Begin with the trainers, which take longest: at the end one worker would wait for them alone."""
    items.sort(key=lambda item: item.path.name not in ("test_train.py", "test_training.py"))


@pytest.fixture(scope="session")
def root():
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep the caches of data sets out of the repository, one for all tests of all workers: the demo faces are drawn once."""
    if "FER_LENS_CACHE" not in os.environ:
        base = tmp_path_factory.getbasetemp()
        os.environ["FER_LENS_CACHE"] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache")
    return Path(os.environ["FER_LENS_CACHE"])


@pytest.fixture
def run_store(tmp_path):
    """An empty store of runs."""
    from fer_core.runs.store import RunStore

    return RunStore(tmp_path / "runs")


@pytest.fixture(scope="session")
def faces():
    """Seventy demo faces."""
    from fer_core.data.demo.generator import make

    return make(70, seed=1)


@pytest.fixture(scope="session")
def real_data():
    """The zip of the real FER2013 that lies beside the project; a test that asks for it is skipped where it is missing."""
    for path in (Path(os.environ.get("FER2013", ROOT.parent / "shared/fer2013/fer2013-dev.zip")), ROOT / "shared/fer2013/fer2013-dev.zip"):
        if path.is_file():
            return path
    pytest.skip("the real FER2013 does not lie beside the project")


@pytest.fixture(scope="session")
def chromium_path():
    """The path of a Chromium that starts."""
    from chromium import find

    path = find()
    if path is None:
        pytest.fail("The browser tests need Chromium: run ./test, or set FER_LENS_CHROMIUM to its path.")
    return path
