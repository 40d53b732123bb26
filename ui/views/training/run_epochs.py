"""A run epoch by epoch: the validation matrix of one epoch, and what the network said of the probe faces then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.errors import FerError
from fer_core.metrics import evaluation
from fer_core.plots.theme import EMOTION_COLOURS
from ui.elements.gallery import address
from ui.services import cache
from ui.services.predictions import located
from ui.services.run_index import Reading
from ui.text import formatting
from ui.text.language import say
from ui.views.training.run_card import percent


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
        return Probes(why=say("The faces cannot be shown: {error}", error=str(error)))
    known = reading.facts.get("data", {}).get("fingerprint")
    if known and known != dataset.fingerprint:
        return Probes(why=say("{data} is not the data set that this run saw (fingerprint {found}, the run's is {known}), "
                              "so its faces would be the wrong ones.",
                              data=reading.config.data, found=dataset.fingerprint[:8], known=known[:8]))
    split = dataset.get(SPLITS[1])
    labelled = np.empty(0, np.int64) if split is None else np.flatnonzero(split.labels >= 0)
    if split is None or not len(indices) or indices.max() >= len(labelled):
        return Probes(why=say("The data set has no such validation faces."))
    chosen = labelled[indices]
    return Probes(split.images[chosen], split.labels[chosen])


def probe_wall(probabilities: np.ndarray, probes: Probes) -> str:
    """Return the probe faces with what the network called them, probabilities (n, 7), as HTML."""
    parts = []
    for place, row in enumerate(probabilities):
        called = int(np.argmax(row))
        label = None if probes.labels is None else int(probes.labels[place])
        alt = say("face {number}, label {emotion}", number=place + 1, emotion=EMOTIONS[label or 0])
        face = "" if probes.images is None else f'<img alt="{alt}" src="{address(probes.images[place])}">'
        right = "" if label is None else "right" if label == called else "wrong"
        mark = {"right": "&#10003; ", "wrong": "&#10007; "}.get(right, "")
        told = "" if label is None or label == called else (
            f"<small>{say('label {emotion}, {share}', emotion=EMOTIONS[label], share=percent(float(row[label])))}</small>")
        parts.append(f'<figure class="probe {right}" style="--c:{EMOTION_COLOURS[EMOTIONS[called]]}">{face}'
                     f"<figcaption><b>{mark}{say(EMOTIONS[called])}</b> <span>{percent(float(row[called]))}</span>{told}</figcaption>"
                     "</figure>")
    return f'<div class="probes">{"".join(parts)}</div>'


def probes_right(probabilities: np.ndarray, probes: Probes) -> str:
    """Say how many of the probe faces the network had right."""
    if probes.labels is None:
        return ""
    right = int((probabilities.argmax(1) == probes.labels).sum())
    return say("{right} of {n} probe faces called by their label", right=right, n=len(probes.labels))


def sentence(matrix: np.ndarray, epoch: int) -> str:
    """Say what an epoch's validation matrix (7, 7) shows: accuracy with N and interval, and the most frequent error."""
    if matrix.sum() == 0:
        return say("Epoch {epoch}: no face was validated.", epoch=epoch)
    scores = evaluation.from_matrix(matrix)
    told = [say("Epoch {epoch}: {share} of {n:,} validation faces right.",
                epoch=epoch, share=percent(scores.accuracy, scores.interval), n=scores.n)]
    pairs = scores.most_confused(1)
    if pairs:
        pair = pairs[0]
        told.append(say("Most frequent error: {count} of {n:,} {true} faces called {pred}.", count=pair.count,
                        n=int(matrix[pair.true].sum()), true=EMOTIONS[pair.true], pred=EMOTIONS[pair.predicted]))
    missing = [say(EMOTIONS[c]) for c in range(len(EMOTIONS)) if matrix[:, c].sum() == 0 and matrix[c].sum() > 0]
    if missing:
        told.append(say("Never called: {emotions}.", emotions=formatting.commas(missing)))
    return formatting.prose(told)
