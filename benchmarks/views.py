"""Not a speed: which lists of ten looks at each face do how well on the validation faces, beside the single look and the mirror image.

    python -m benchmarks.views FER2013 [--run cnn-fer2013] [--faces 3589]

Each list is the face as it is and four changed ones, each also mirrored: shifts, sizes, and both. One pass of the network per look.
"""

from __future__ import annotations

import argparse
from functools import cache
from itertools import combinations

import numpy as np

from fer_core import models
from fer_core.data.dataset import read
from fer_core.metrics.evaluation import evaluate
from fer_core.metrics.mcnemar import mcnemar
from fer_core.models.views import View, look
from fer_core.runs.store import RunStore

SHIFTS = (1, 2, 3, 4)
"""Pixels."""
SIZES = (0.9, 0.92, 0.95, 1.05, 1.08, 1.12)
PAIRS = ((0.95, 1.05), (0.92, 1.08), (0.9, 1.12), (1.05, 1.08), (1.05, 1.12))
"""Two sizes that are tried beside two shifts."""
FACE = View()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--run", default="cnn-fer2013")
    parser.add_argument("--faces", type=int, default=None)
    told = parser.parse_args()
    model = models.load(RunStore().open(told.run))
    split = read(told.data)["validation"]
    images, labels = np.asarray(split.images[: told.faces]), split.labels[: told.faces]

    @cache
    def answers(view: View) -> np.ndarray:
        return models.predict(model, look(images, view))

    single = answers(FACE)
    print(f"single look: {np.mean(single.argmax(1) == labels):.2%} of {len(labels):,}")
    for name, views in lists().items():
        looks = [View(mirror, view.right, view.down, view.scale) for view in views for mirror in (False, True)]
        mean = np.mean([answers(view) for view in looks], axis=0)
        scores, test = evaluate(labels, mean), mcnemar(labels, single, mean)
        low, high = scores.interval
        print(
            f"{name:44} {len(looks):2} looks {scores.accuracy:.2%} ({low:.1%} to {high:.1%}), nll {scores.nll:.3f}, "
            f"{len(test.fixes)} fixed, {len(test.breaks)} broken, p {test.p:.2g}",
            flush=True,
        )


def lists() -> dict[str, list[View]]:
    """Name every list that is tried; each is mirrored as a whole."""
    found = {"mirror image": [FACE]}
    for pixels in SHIFTS:
        found[f"shifts by {pixels}"] = [FACE, *sideways(pixels), *upright(pixels)]
    for sizes in combinations(SIZES, 4):
        found[f"sizes {', '.join(map(str, sizes))}"] = [FACE, *(View(scale=size) for size in sizes)]
    for small, large in PAIRS:
        two = [View(scale=small), View(scale=large)]
        for pixels in SHIFTS:
            found[f"sizes {small}, {large}, sideways by {pixels}"] = [FACE, *two, *sideways(pixels)]
            found[f"sizes {small}, {large}, up and down by {pixels}"] = [FACE, *two, *upright(pixels)]
    return found


def sideways(pixels: int) -> list[View]:
    """Shift to the left and to the right."""
    return [View(right=-pixels), View(right=pixels)]


def upright(pixels: int) -> list[View]:
    """Shift up and down."""
    return [View(down=-pixels), View(down=pixels)]


if __name__ == "__main__":
    main()
