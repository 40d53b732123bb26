"""Speed of the maps, side by side with tf-keras-vis in one run: same CNN, same weights, float32, same faces.

    python -m benchmarks.saliency [--repeats 7] [--json]

Figures are milliseconds, medians of the repeats, interleaved; ratios are of medians. `first` is the first answer on a freshly built
network, tracing included, in a process that has TensorFlow loaded; the other figures are later answers. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.table import row

if TYPE_CHECKING:
    import keras  # at run time fer_core imports it: the kernels of TensorFlow are then those of the app, for both sides

WISHED = {"SmoothGrad, 50 samples": 6.0, "128 gradients": 2.0, "1 gradient": 1.0}
LIMITS = {"gradient": 300, "grad_cam": 300, "layer_cam": 300, "smoothgrad": 1500, "integrated_gradients": 1500, "occlusion": 1500}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    told = parser.parse_args()

    from fer_core import models
    from fer_core.attribution.explanation import METHODS, explain
    from fer_core.data.demo import generator
    from fer_core.machine import processor_name

    warnings.filterwarnings("ignore", message="The structure of `inputs`")  # how tf-keras-vis calls the network
    model = models.build("cnn", seed=0)
    faces = generator.make(128, seed=0).images
    firsts = {}
    for name in METHODS:
        fresh = models.build("cnn", seed=0)
        firsts[name] = seconds(lambda fresh=fresh, name=name: explain(fresh, faces[:1], name, 3))
    pairs = peers(model, faces)
    agree(pairs)
    for pair in pairs.values():
        for run in pair:
            run()
    times = {name: ([], []) for name in pairs}
    clicks: dict[str, list[float]] = {name: [] for name in METHODS}
    for name in METHODS:
        explain(model, faces[:1], name, 3)
    for _ in range(told.repeats):
        for name, pair in pairs.items():
            for side, run in enumerate(pair):
                times[name][side].append(seconds(run))
        for name in METHODS:
            clicks[name].append(seconds(lambda name=name: explain(model, faces[:1], name, 3)))
    figures = {
        "machine": f"{processor_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "beside tf-keras-vis": {name: compare(*both) for name, both in times.items()},
        "one face": {name: {"first": ms([firsts[name]]), "later": ms(clicks[name]), "wished": LIMITS.get(name)} for name in METHODS},
    }
    print(json.dumps(figures, indent=1) if told.json else text(figures, told.repeats))
    if not told.json:
        table(figures)


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def ms(times: list[float]) -> float:
    return round(1000 * statistics.median(times), 1)


def compare(ours: list[float], theirs: list[float]) -> dict[str, float]:
    return {"ours": ms(ours), "theirs": ms(theirs), "ratio": round(statistics.median(theirs) / statistics.median(ours), 2)}


def peers(model: keras.Model, faces: np.ndarray) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Give the same task for both: ours first. tf-keras-vis leaves the sign and the scale away, which costs it nothing to speak of."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.scores import CategoricalScore

    from fer_core.attribution.explanation import explain

    saliency, gradcam = Saliency(model, clone=False), Gradcam(model, clone=False)
    one, many = faces[:1, ..., None].astype(np.float32), faces[..., None].astype(np.float32)
    plain = {"gradient_modifier": None, "normalize_map": False, "keepdims": True}
    return {
        "1 gradient": (lambda: explain(model, faces[:1], "gradient", 3), lambda: saliency(CategoricalScore([3]), one, **plain)),
        "128 gradients": (lambda: explain(model, faces, "gradient", 3), lambda: saliency(CategoricalScore([3] * 128), many, **plain)),
        "SmoothGrad, 50 samples": (
            lambda: explain(model, faces[:1], "smoothgrad", 3, samples=50, noise=0.2),
            lambda: saliency(CategoricalScore([3]), one, smooth_samples=50, smooth_noise=0.2, **plain)),
        "Grad-CAM": (
            lambda: explain(model, faces[:1], "grad_cam", 3, layer="conv4"),
            lambda: gradcam(CategoricalScore([3]), one, penultimate_layer="conv4", normalize_cam=False)),
    }


def agree(pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]]) -> None:
    """Stop when both do not compute the same gradient."""
    ours, theirs = (np.asarray(run()).reshape(128, 48, 48) for run in pairs["128 gradients"])
    np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-3 * np.abs(ours).max())


def table(figures: dict) -> None:
    for name, found in figures["beside tf-keras-vis"].items():
        row(f"a map of the CNN: {name}", f"{found['ours']:.0f} ms: {found['ratio']:.1f} times tf-keras-vis ({found['theirs']:.0f} ms)",
            "saliency", f"{WISHED[name]:.0f} times" if name in WISHED else "")
    for limit in sorted(set(LIMITS.values())):
        told = ", ".join(f"{name} {figures['one face'][name]['later']:.0f} ms" for name, wished in LIMITS.items() if wished == limit)
        row("an answer about one face, network in memory", told, "saliency", f"{limit} ms")
    row("the first such answer", ", ".join(f"{name} {found['first']:.0f} ms" for name, found in figures["one face"].items()), "saliency")


def text(figures: dict, repeats: int) -> str:
    lines = [figures["machine"], f"milliseconds, medians of {repeats}", ""]
    lines += [f"{'':26}{'ours':>10}{'tf-keras-vis':>14}{'faster':>9}{'wished':>9}"]
    for name, found in figures["beside tf-keras-vis"].items():
        wish = f"{WISHED[name]:.0f} x" if name in WISHED else ""
        lines.append(f"{name:26}{found['ours']:>10.1f}{found['theirs']:>14.1f}{found['ratio']:>7.1f} x{wish:>9}")
    lines += ["", f"{'one face':26}{'first':>10}{'later':>14}{'wished':>9}"]
    for name, found in figures["one face"].items():
        lines.append(f"{name:26}{found['first']:>10.1f}{found['later']:>14.1f}{found['wished'] or '':>9}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
