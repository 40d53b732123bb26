"""Not a speed: how well folds and training dynamics find labels that were changed at random.

    python -m benchmarks.label_noise [FER2013] [--share 0.05] [--arch small] [--epochs 20] [--folds 5]

A share of the training labels is changed to another class, drawn at random by a seed; the network is cross-fitted on them, and each
score ranks the training faces. Printed is the area under the ROC curve: the chance that a changed label is ranked above one that was
left alone (which may be wrong too: FER2013's labels are noisy, so that no score can reach 1). Without FER2013 the demo faces are taken.
The small network stands in for the CNN, which would take hours.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.table import row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="demo")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--arch", default="small")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--folds", type=int, default=5)
    given = parser.parse_args()

    from fer_core.data.dataset import Dataset, read, write_csv
    from fer_core.metrics import label_quality
    from fer_core.runs.store import RunStore

    dataset = read(given.data)
    labels, changed = change_labels(dataset["train"].labels, given.share, given.seed)
    with tempfile.TemporaryDirectory() as folder:
        noisy = Path(folder) / "noisy.csv"
        splits = {**dataset, "train": replace(dataset["train"], labels=labels)}
        write_csv(Dataset(splits, "noisy", "noisy"), noisy)
        began = time.perf_counter()
        command = [sys.executable, "-m", "fer_core", "crossfit", "--data", str(noisy), "--preset", "quick", "--runs", folder]
        command += ["--arch", given.arch, "--epochs", str(given.epochs), "--folds", str(given.folds), "--name", "noise", "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        run = RunStore(folder).open("noise")
        said, learned = run.predictions("train"), run.dynamics
    assert said is not None and learned is not None
    assert np.array_equal(said.labels, labels)
    from_folds = label_quality.suspicion(labels, said.probabilities)
    scores = {
        "folds and dynamics": label_quality.combined(from_folds, learned.margin),
        "folds": from_folds,
        "area under the margin": label_quality.from_margins(learned.margin),
        "mean probability of the label": 1 - learned.mean,
        "probability of the label, unseen": 1 - label_quality.self_confidence(labels, said.probabilities),
    }
    accuracy = float((said.probabilities.argmax(1) == dataset["train"].labels).mean())
    print(f"{dataset.name}: {changed.sum():,} of {len(labels):,} labels changed (seed {given.seed}); {given.folds} folds of {given.arch}, "
          f"{given.epochs} epochs, {seconds / 60:.0f} minutes; unseen faces right by their own label: {accuracy:.1%}")
    areas = {name: area_under_the_curve(score, changed) for name, score in scores.items()}
    for name, area in areas.items():
        print(f"{name:34}{area:.3f}")
    told = ", ".join(f"{name} {area:.3f}" for name, area in list(areas.items())[:3])
    row(f"{given.share:.0%} of the training labels of {dataset.name} changed at random and looked for: area under the ROC curve "
        f"({given.arch} network)", told, f"label_noise{'' if given.data == 'demo' else ' FER2013'}", "0.90")


def change_labels(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of which a share was changed to another class, all others alike likely, and which those are, bool (n,)."""
    random = np.random.default_rng(seed)
    known = np.flatnonzero(labels >= 0)
    rows = random.choice(known, round(share * len(known)), replace=False)
    result, changed = labels.copy(), np.zeros(len(labels), bool)
    result[rows] = (labels[rows] + random.integers(1, 7, len(rows))) % 7
    changed[rows] = True
    return result, changed


def area_under_the_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the chance that a positive one is ranked above another, ties counting half (Mann and Whitney's U)."""
    order = np.sort(scores)
    ranks = (np.searchsorted(order, scores, "left") + np.searchsorted(order, scores, "right") + 1) / 2
    count = int(positive.sum())
    others = len(scores) - count
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


if __name__ == "__main__":
    main()
