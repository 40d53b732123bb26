"""Which maps tell the truth? Every method against faces of which it is known where two classes differ.

    python -m benchmarks.ground_truth [--run demo] [--faces 20] [--json]

A demo face is drawn twice, the same person in the same light, once with the action units of class p and once with those of class q. The
features that hold most of the difference between both pictures are where the two classes differ; a map of "why p rather than q" should lie
there. Only faces count that the network calls p, and whose twin it calls q. `share` is the share of |map| on these features, `preference`
that share over their share of the area, with a 95 % interval over the faces. Two maps that know nothing of the network stand beside: noise,
and the face's own edges; a method that does no better than the edges has shown little. `forgets` is the mean rank correlation of a fifth of
the maps with those of the same network after its last layer, and after all its layers, were shuffled: a map that stays says little of what
was learned.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from benchmarks.table import row
from fer_core.attribution import region_shares
from fer_core.data.demo.generator import FEATURES, draw, face_at, masks
from fer_core.emotions import EMOTIONS

PAIRS = (("happy", "sad"), ("happy", "neutral"), ("surprise", "angry"), ("sad", "neutral"), ("fear", "happy"), ("angry", "neutral"))
ENOUGH = 0.12
"""Share of the difference between twins from which on a feature counts as differing."""
SEED = 77
"""Of the faces; no run is trained on them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="demo", help="A run trained on the demo faces.")
    parser.add_argument("--faces", type=int, default=20, help="Faces per pair of classes.")
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    told = parser.parse_args()

    from fer_core import models
    from fer_core.attribution.explanation import METHODS, explain, why_not
    from fer_core.attribution.faithfulness import randomisation
    from fer_core.runs.store import RunStore

    model = models.load(RunStore().open(told.run))
    images, differing, targets, versus = chosen(model, told.faces)
    few, forgets = slice(None, None, 5), {}
    maps = {"(noise)": np.random.default_rng(0).normal(size=images.shape), "(the face's edges)": region_shares.edges(images)}
    for name, method in METHODS.items():
        if why_not(model, name) is None:
            maps[method.label] = explain(model, images, name, targets, versus=versus)
            stages = randomisation(model, images[few], name, targets[few], versus=versus[few]).correlation
            forgets[method.label] = [float(np.nanmean(stages[stage])) for stage in (0, -1)]
    rows = {label: score(one, differing) | {"forgets": forgets.get(label)} for label, one in maps.items()}
    area = float(differing.mean())
    if told.json:
        return print(json.dumps({"run": told.run, "faces": len(images), "area": area, "methods": rows}, indent=1))
    print(f"{told.run}: {len(images)} faces of {len(PAIRS)} pairs of classes; the differing features are {area:.1%} of the area\n")
    print(f"{'':26}{'share':>8}{'preference':>12}   95 % interval   head forgets   all forgets")
    ordered = sorted(rows.items(), key=lambda item: -item[1]["preference"])
    for label, found in ordered:
        low, high = found["interval"]
        kept = "".join(f"{value:>14.2f}" for value in found["forgets"] or ())
        print(f"{label:26}{found['share']:>8.1%}{found['preference']:>12.2f}   {low:.2f} to {high:.2f} {kept}")
    row(f"how much more of a map lies on what differs between two drawn faces than its area, {len(images)} faces",
        ", ".join(f"{label} {found['preference']:.1f}" for label, found in ordered), "ground_truth")


def chosen(model: object, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give images (n, 48, 48), the masks of the features that differ (n, 48, 48), targets (n,) and the other classes (n,)."""
    from fer_core import models

    pool = [face_at(SEED, i) for i in range(1500)]
    rows = []
    for p, q in ((EMOTIONS.index(one), EMOTIONS.index(other)) for one, other in PAIRS):
        own, others = ([face for face, truth, _, strength in pool if truth == c and (strength > 0.5 or EMOTIONS[c] == "neutral")]
                       for c in (p, q))
        twins = [replace(face, units=others[i % len(others)].units) for i, face in enumerate(own)]
        first, second = np.stack([draw(face) for face in own]), np.stack([draw(face) for face in twins])
        right = (models.predict(model, first).argmax(1) == p) & (models.predict(model, second).argmax(1) == q)
        rows += [(first[i], where(own[i], twins[i], first[i], second[i]), p, q) for i in np.flatnonzero(right)[:count]]
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def where(face: object, twin: object, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give the pixels of the features that differ between twins, as both have them: bool (48, 48)."""
    both = masks(face) | masks(twin)
    difference = np.abs(first.astype(float) - second) * both
    shares = difference.sum(axis=(1, 2)) / max(difference.sum(), 1e-9)
    assert len(shares) == len(FEATURES)
    return both[shares >= ENOUGH].any(axis=0)


def score(maps: np.ndarray, differing: np.ndarray) -> dict[str, object]:
    sizes = np.abs(maps)
    shares = (sizes * differing).sum(axis=(1, 2)) / np.maximum(sizes.sum(axis=(1, 2)), 1e-12)
    preference = shares / differing.mean(axis=(1, 2))
    spread = 1.96 * preference.std(ddof=1) / np.sqrt(len(preference))
    mean = float(preference.mean())
    return {"share": float(shares.mean()), "preference": mean, "interval": [mean - float(spread), mean + float(spread)]}


if __name__ == "__main__":
    main()
