"""A run epoch by epoch: the validation matrix of one epoch, and what the network said of the probe faces then."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np

from fer_core import evaluate
from fer_core.colours import EMOTION_COLOURS
from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.errors import FerError
from ui import cache
from ui.answers import located
from ui.run_list import Reading, percent


@dataclass(frozen=True)
class Probes:
    """The fixed validation faces of a run: images uint8 (n, 48, 48) and labels (n,), or why they cannot be shown."""

    images: np.ndarray | None = None
    labels: np.ndarray | None = None
    why: str = ""


def probe_faces(reading: Reading) -> Probes:
    """Fetch the probe faces from the data set, if it can be read and is the one that the run saw."""
    indices, _ = reading.run.probes
    try:
        dataset = cache.dataset(located(reading.run) or reading.config.data)
    except (FerError, OSError) as error:
        return Probes(why=f"The faces cannot be shown: {error}")
    known = reading.facts.get("data", {}).get("fingerprint")
    if known and known != dataset.fingerprint:
        return Probes(why=f"{reading.config.data} is not the data set that this run saw (fingerprint {dataset.fingerprint[:8]}, "
                          f"the run's is {known[:8]}), so its faces would be the wrong ones.")
    split = dataset.get(SPLITS[1])
    labelled = np.empty(0, np.int64) if split is None else np.flatnonzero(split.labels >= 0)
    if split is None or not len(indices) or indices.max() >= len(labelled):
        return Probes(why="The data set has no such validation faces.")
    chosen = labelled[indices]
    return Probes(split.images[chosen], split.labels[chosen])


def picture(face: np.ndarray) -> str:
    """Return a face uint8 (48, 48) as a data URL."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def probe_wall(probabilities: np.ndarray, probes: Probes) -> str:
    """Return the probe faces with what the network called them, probabilities (n, 7), as HTML."""
    parts = []
    for place, row in enumerate(probabilities):
        called = int(np.argmax(row))
        label = None if probes.labels is None else int(probes.labels[place])
        alt = f"face {place + 1}, label {EMOTIONS[label or 0]}"
        face = "" if probes.images is None else f'<img alt="{alt}" src="{picture(probes.images[place])}">'
        right = "" if label is None else "right" if label == called else "wrong"
        mark = {"right": "&#10003; ", "wrong": "&#10007; "}.get(right, "")
        told = "" if label is None or label == called else f"<small>label {EMOTIONS[label]}, {percent(float(row[label]))}</small>"
        parts.append(f'<figure class="probe {right}" style="--c:{EMOTION_COLOURS[EMOTIONS[called]]}">{face}'
                     f"<figcaption><b>{mark}{EMOTIONS[called]}</b> <span>{percent(float(row[called]))}</span>{told}</figcaption></figure>")
    return f'<div class="probes">{"".join(parts)}</div>'


def probes_right(probabilities: np.ndarray, probes: Probes) -> str:
    """Say how many of the probe faces the network had right."""
    if probes.labels is None:
        return ""
    right = int((probabilities.argmax(1) == probes.labels).sum())
    return f"{right} of {len(probes.labels)} probe faces called by their label"


def sentence(matrix: np.ndarray, epoch: int) -> str:
    """Say what an epoch's validation matrix (7, 7) shows: accuracy with N and interval, and the most frequent error."""
    if matrix.sum() == 0:
        return f"Epoch {epoch}: no face was validated."
    scores = evaluate.from_matrix(matrix)
    words = f"Epoch {epoch}: {percent(scores.accuracy, scores.interval)} of {scores.n:,} validation faces right."
    pairs = scores.most_confused(1)
    if pairs:
        pair = pairs[0]
        faces = int(matrix[pair.true].sum())
        words += f" Most frequent error: {pair.count} of {faces:,} {EMOTIONS[pair.true]} faces called {EMOTIONS[pair.predicted]}."
    missing = [EMOTIONS[c] for c in range(len(EMOTIONS)) if matrix[:, c].sum() == 0 and matrix[c].sum() > 0]
    return words + (f" Never called: {', '.join(missing)}." if missing else "")
