"""The arithmetic that a network is trained in, chosen by the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

import tensorflow as tf

from fer_core.models import kept_precision as precisions

_UNKEPT: dict[tuple[str, ...], precisions.Choice] = {}
"""What this process chose, by the GPUs, where the folder of the caches cannot be written."""


def gpus() -> list[str]:
    """Name the GPUs that TensorFlow sees."""
    details = [tf.config.experimental.get_device_details(device) for device in tf.config.list_physical_devices("GPU")]
    return [str(detail.get("device_name", "GPU")) for detail in details]


def choose_precision(asked: str) -> str:
    """Return float32 or bfloat16; `auto` is what was chosen for this machine once, and is chosen now where nothing was."""
    if asked != "auto":
        return asked
    choice, problem = auto()
    if problem:
        print(problem, flush=True)  # the trainer's standard output is its log
    return choice.precision


def auto(stopwatch: Callable[[str], float] | None = None, *, again: bool = False) -> tuple[precisions.Choice, str]:
    """Return the precision that `auto` means on this machine, kept from an earlier choice; and why it could not be kept, if so.

    With GPUs it is bfloat16 where all have it (compute capability 8). Not every processor that has bfloat16 instructions is fast at
    them, so a processor is timed, by `stopwatch` (seconds in a dtype; untold, `convolution_seconds`). With `again`, what was kept is
    replaced. Where the folder cannot be written, the choice holds for this process, and the log says so once.
    """
    names = gpus()
    known = _UNKEPT.get(tuple(names)) or precisions.kept(names)
    if known and not again:
        return known, ""
    choice = precisions.of_gpus(names, _have_bfloat16()) if names else precisions.of_times(stopwatch or convolution_seconds)
    try:
        held = precisions.keep(choice, again=again)
        _UNKEPT.pop(tuple(names), None)
        return held, ""
    except OSError as error:
        _UNKEPT[tuple(names)] = choice
        return choice, f"the choice of {choice.precision} for this machine cannot be kept and is made anew next time: {error}"


def _have_bfloat16() -> bool:
    """Tell whether every GPU computes in bfloat16."""
    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(device) for device in devices]
    return all(detail.get("compute_capability", (0, 0)) >= (8, 0) for detail in details)


def convolution_seconds(dtype: str) -> float:
    """Time a 3 x 3 convolution of 64 to 128 channels on 32 pictures of 24 x 24: the best of 19, after a warm-up."""
    images, kernel = tf.ones([32, 24, 24, 64], dtype), tf.ones([3, 3, 64, 128], dtype)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        tf.nn.conv2d(images, kernel, 1, "SAME").numpy()
        times.append(time.perf_counter() - began)
    return min(times[1:])
