"""The networks in memory, shared by all open pages: loaded once per process, the last two kept, TensorFlow only when first needed."""

from __future__ import annotations

import atexit
import functools
import gc
import sys
import threading
import time
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fer_core.runs.store import Run
from ui.services import cache

KEPT = 2
"""Networks that stay in memory: two can be compared."""
LATER = 0.7
"""Seconds that the import of TensorFlow waits, so that the page is painted before it."""

Name = tuple[str, cache.Stamp]

_kept: OrderedDict[Name, Any] = OrderedDict()
_lock = threading.Lock()
_first = threading.Lock()
_end = ExitStack()


def name(run: Run) -> Name:
    """Name a run's network: its folder, and the stamp of its weights."""
    return str(run.path), cache.stamp(run.path / "weights.safetensors")


def check(run: Run) -> None:
    """Raise `ModelError` for a run without weights; needs no framework."""
    run.check_network()


def network(wanted: Name) -> Any:
    """Give the network of a name (call it from a job, not from a page: the first call takes seconds)."""
    core = framework()
    with _lock:
        if wanted not in _kept:
            for old in [known for known in _kept if known[0] == wanted[0]]:
                del _kept[old]
            while len(_kept) >= KEPT:
                _kept.popitem(last=False)
            _kept[wanted] = core.load(Run(Path(wanted[0])))
        _kept.move_to_end(wanted)
        return _kept[wanted]


def ready() -> bool:
    """Tell whether the framework is in memory."""
    return "fer_core.models.architectures" in sys.modules and hasattr(sys.modules["fer_core.models.architectures"], "ARCHITECTURES")


def framework() -> Any:
    """Import TensorFlow with `fer_core.models`; the first time not before the page had time to be painted."""
    if not ready():
        time.sleep(LATER)
    from fer_core.cli.console import networks

    with _first:
        core = sys.modules["fer_core.models"] if ready() else networks()
        _keep()
    return core


@functools.cache
def _keep() -> None:
    """Keep Streamlit from clearing Keras after every run of a page: that throws away compiled kernels under whoever computes beside it.

    What is in memory by now stays for good, and need not be searched for garbage again and again.
    """
    sys.modules["keras"].backend.clear_session = lambda free_memory=True: None
    gc.collect()
    gc.freeze()
    from fer_core.models.compute_lock import COMPUTE_LOCK

    atexit.register(
        lambda: _end.enter_context(COMPUTE_LOCK.acquire())
    )  # the process ends between two computations, not in the midst of one


def warm() -> None:
    """Import the framework in the background, once per process."""
    if not ready() and not any(thread.name == "warm-up" for thread in threading.enumerate()):
        threading.Thread(target=framework, name="warm-up", daemon=True).start()
