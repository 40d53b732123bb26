"""Gradient ascent beside tf-keras-vis, in one run: the same CNN, 64 filters x 100 plain steps, float32.

    python -m benchmarks.ascent [--run NAME] [--steps 100] [--filters 64] [--repeats 3] [--layers conv1 conv4]

Both start from the same noise and climb each filter's mean after its activation, without regularisers or movements. Seconds are medians of
the repeats, interleaved, after a warm-up; the ratio is of medians. Scores are those of the final pictures. With --single, the time from
asking for one filter to its first moved frame, and the frames a second after it, on a layer that is warm, without a browser (with one:
benchmarks.filters). With --processor, the processor's
seconds are counted instead of the clock's: all that can be told on a machine that is not idle.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.table import row

WISHED = {"conv1": 8, "conv4": 2}
"""How many times faster than tf-keras-vis was promised."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="", help="run in checkpoints; untold: the CNN with fresh weights")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--layers", nargs="*", default=["conv1", "conv4"])
    parser.add_argument("--single", action="store_true")
    parser.add_argument("--processor", action="store_true")
    told = parser.parse_args()
    clock = time.process_time if told.processor else time.perf_counter

    from fer_core import models
    from fer_core.feature_vis import ascent
    from fer_core.machine import processor_name
    from fer_core.models import submodels
    from fer_core.runs.store import RunStore

    model = models.load(RunStore().open(told.run), precision="float32") if told.run else models.build("cnn")
    print(f"{processor_name()}; {told.filters} filters x {told.steps} steps, float32, {told.repeats} repeats")
    settings = ascent.PRESETS["report"]
    for layer in told.layers:
        name = submodels.activated(model, layer)
        target = ascent.OBJECTIVES["filter"](name, range(told.filters))
        start = next(ascent.ascend(model, target, preset=settings)).images
        kinds = {"ours": ours(model, target, settings, start), "tf-keras-vis": theirs(model, name, told.filters, start)}
        seen: dict[str, list[float]] = {kind: [] for kind in kinds}
        scores = {}
        for climb in kinds.values():
            climb(2)
        for _ in range(told.repeats):
            for kind, climb in kinds.items():
                began = clock()
                pictures = climb(told.steps)
                seen[kind].append(clock() - began)
                scores[kind] = float(ascent.score(model, target, np.clip(pictures, 0, 255)).mean())
        medians = {kind: statistics.median(values) for kind, values in seen.items()}
        for kind, values in seen.items():
            print(f"{layer}  {kind:14}{medians[kind]:8.2f} s   ({min(values):.2f} to {max(values):.2f})   mean score {scores[kind]:.2f}")
        ratio = medians["tf-keras-vis"] / medians["ours"]
        print(f"{layer}  tf-keras-vis / ours: {ratio:.1f}", flush=True)
        row(f"gradient ascent of {layer}: {told.filters} filters x {told.steps} plain steps",
            f"{medians['ours']:.1f} s: {ratio:.1f} times tf-keras-vis ({medians['tf-keras-vis']:.1f} s)", "ascent",
            f"{WISHED[layer]} times" if layer in WISHED else "")
        if told.single:
            single(model, name)


def ours(model, target, settings, start) -> Callable[[int], np.ndarray]:
    """Give our ascent: only the last frame is asked for."""
    from fer_core.feature_vis import ascent

    return lambda steps: list(ascent.ascend(model, target, steps=steps, preset=settings, face=start, every=steps))[-1].images


def theirs(model, layer: str, filters: int, start) -> Callable[[int], np.ndarray]:
    """Give tf-keras-vis' ascent of the same network in stock layers."""
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer
    from tf_keras_vis.utils.scores import CategoricalScore

    from fer_core import models

    climber = ActivationMaximization(models.plain(model), ExtractIntermediateLayer(layer), clone=False)
    return lambda steps: np.asarray(climber(CategoricalScore(list(range(filters))), seed_input=start[..., None], steps=steps,
                                            input_modifiers=[], regularizers=[], input_range=(0, 255)))[..., 0]


def single(model, layer: str) -> None:
    """Print how soon one filter shows its first moved frame, and how many frames a second follow, with the standard preset."""
    from fer_core.feature_vis import ascent

    list(ascent.ascend(model, ascent.OBJECTIVES["filter"](layer, 0), steps=8))
    began = time.perf_counter()
    frames = ascent.ascend(model, ascent.OBJECTIVES["filter"](layer, 1), every=4)
    next(frames), next(frames)
    first = time.perf_counter() - began
    count = sum(1 for _ in frames)
    rate = count / (time.perf_counter() - began - first)
    print(f"{layer}  one filter: first frame after {1000 * first:.0f} ms, then {rate:.0f} frames a second")


if __name__ == "__main__":
    main()
