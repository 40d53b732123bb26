"""Not a speed: how far the template's mouth lies from where OpenCV's smile cascade sees it, fixed and laid upon the eyes.

    python -m benchmarks.mouths FER2013 [--faces 6000]

The faces are training faces on which both eyes and a mouth were found, the mouth with a score above 2: mostly smiles. Pixels of 48.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.table import row
from fer_core.data.dataset import read
from fer_core.faces import eye_detector, regions

ZOOM, BELOW = 4, 26


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--faces", type=int, default=6000)
    told = parser.parse_args()
    eyes, mouths = found(read(told.data)["train"].images[: told.faces])
    average = np.array(regions.EYES["photograph"])
    figures = []
    for name, trust in (("fixed template", 0.0), ("laid upon the eyes", 1.0), ("as it is", regions.TRUST["photograph"])):
        away = np.hypot(*(middles(average + trust * (eyes - average)) - mouths).T)
        figures.append(f"{name} {away.mean():.2f}")
        print(f"{name:20} mean {away.mean():.2f}, median {np.median(away):.2f} pixels; more than 5 pixels off: {np.mean(away > 5):.1%}")
    row(f"pixels between the middle of the mouth and where a cascade sees it, {len(eyes):,} faces", ", ".join(figures), "mouths FER2013")


def found(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the eyes (n, 2, 2) and the middle of the mouth (n, 2) of the faces on which both are found."""
    import cv2

    cascade, eyes, mouths = cv2.CascadeClassifier(str(Path(cv2.__file__).with_name("data") / "haarcascade_smile.xml")), [], []
    for image in images:
        large = cv2.resize(image, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)[BELOW * ZOOM :]
        boxes, _, scores = cascade.detectMultiScale3(large, 1.1, 12, minSize=(16 * ZOOM, 6 * ZOOM), maxSize=(36 * ZOOM, 20 * ZOOM),
                                                     outputRejectLevels=True)
        pair = eye_detector.find_eyes(image[None])[0] if len(boxes) and np.max(scores) > 2 else None
        if pair is not None:
            x, y, wide, high = np.array(boxes[int(np.argmax(scores))]) / ZOOM
            eyes.append(pair)
            mouths.append((x + wide / 2, BELOW + y + high / 2))
    return np.array(eyes), np.array(mouths)


def middles(eyes: np.ndarray) -> np.ndarray:
    """Give the middle of the template's mouth laid upon eyes (n, 2, 2): (n, 2)."""
    along = eyes[:, 1] - eyes[:, 0]
    down = regions.TEMPLATES["photograph"]["mouth"][0][1]
    return eyes.mean(1) + down * np.stack([-along[:, 1], along[:, 0]], axis=1)


if __name__ == "__main__":
    main()
