"""A model card in Markdown, made of what a run folder holds: every figure in it is computed. Source of the form: Mitchell et al. 2019."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

import numpy as np

from fer_core.config import PRESETS, RunConfig
from fer_core.emotions import EMOTIONS
from fer_core.errors import RunError
from fer_core.machine import trained_on
from fer_core.metrics.evaluation import Evaluation, evaluate
from fer_core.metrics.looks import Look, results
from fer_core.metrics.scores import Interval
from fer_core.runs.store import Run

NETWORKS = {"cnn": "The report's CNN", "dnn": "The report's DNN", "small": "A small CNN"}
LIMITS_OF_THE_DEMO = (
    "The faces are drawn by a program: the network knows nothing of people. It is there so that every page can be tried at once.",
    "The validation split has few faces of each emotion, so the intervals are wide.",
)
LIMITS = (
    "A judge of pictures, not of feelings: it names what raters called an expression in a 48 × 48 grey picture, and no more.",
    "The labels are noisy: people agree with FER2013's labels on about two faces of three, so no score near 100% can be honest.",
    "Disgust has few faces, so its figures have wide intervals.",
    "The faces were gathered by web search: ages, skin colours and cultures are unequally represented, and errors are not spread evenly.",
    "PublicTest chose the best epoch, so its accuracy is a little hopeful; a split that chose nothing would say less.",
)


def card(run: Run, split: str = "validation") -> str:
    """Return the model card of a finished run as Markdown; a run without predictions of the split raises `RunError`."""
    found = run.predictions(split)
    if found is None:
        raise RunError(f"{run.id} has not predicted the {split} split, so its card cannot be written.",
                       todo=f"python -m fer_core evaluate {run.id} --split {split}")
    plain = evaluate(found.labels, found.probabilities, leaked=found.leaked, near=found.near)
    flipped = None if found.flipped is None else evaluate(found.labels, found.flipped, leaked=found.leaked, near=found.near)
    looks = results(found)
    trained = not run.origin and len(run.history["epoch"]) > 0
    head = _head(run, plain, flipped) if trained else _head_alone(run, plain, split)
    parts = [head, _scores(looks, split), _classes(plain), _matrix(plain)]
    if trained:
        parts += [_curve(run), _recipe(run)]
    limits = LIMITS_OF_THE_DEMO if run.config.data.startswith("demo") else LIMITS
    return "\n\n".join([*parts, "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)]) + "\n"


def percent(value: float, interval: Interval | None = None, digits: int = 1) -> str:
    """Write a share 0 to 1, with its 95% interval where one is given: `62.1% (60.5 to 63.7)`."""
    if math.isnan(value):
        return "never"
    return f"{value:.{digits}%}" + (f" ({100 * interval[0]:.{digits}f} to {100 * interval[1]:.{digits}f})" if interval else "")


def copies_in_words(result: Evaluation) -> str:
    """Write how many copies are left out, exact and near ones told apart: `280 exact and 95 near copies`."""
    if result.near is None:
        return f"{result.exact:,} exact {'copy' if result.exact == 1 else 'copies'}"
    return f"{result.exact:,} exact and {result.near:,} near {'copy' if result.near == 1 else 'copies'}"


def command(config: RunConfig, name: str) -> str:
    """Return the command that trains the same run again: the preset, and the knobs that differ from it."""
    preset = config.preset if config.preset in PRESETS else "quick"
    base = RunConfig.from_preset(preset, data=config.data)
    words = ["python", "-m", "fer_core", "train", "--data", config.data, "--preset", preset, "--name", name]
    for field, value in config:
        if field in ("data", "preset", "note") or value == getattr(base, field):
            continue
        option = "--" + field.replace("_", "-")
        if isinstance(value, bool):
            words.append(option if value else option.replace("--", "--no-", 1))
        else:
            words += [option, *(map(str, value) if isinstance(value, tuple) else [str(value)])]
    return shlex.join(words)


def confusions(result: Evaluation) -> list[str]:
    """Say for each emotion, in words, how often it was recognised and what its other faces were called most."""
    told = []
    pairs = result.most_confused()
    for index, score in enumerate(result.per_class):
        if not score.support:
            continue
        wrong = [f"{EMOTIONS[pair.predicted]} {percent(pair.of_class, pair.interval)}" for pair in pairs if pair.true == index][:2]
        others = f"; taken for {' and '.join(wrong)}" if wrong else "; never mistaken"
        told.append(f"{score.name}: {percent(score.recall, score.recall_interval)} of {score.support:,} recognised{others}.")
    return told


def _head(run: Run, plain: Evaluation, flipped: Evaluation | None) -> str:
    facts, model = run.facts, run.facts.get("model", {})
    data = facts.get("data", {})
    seconds = float(np.sum(run.history["seconds"]))
    best = run.best
    lines = [
        f"# {run.title}",
        f"{NETWORKS[run.config.arch]} of {model.get('parameters', 0):,} parameters, trained on {facts.get('trained_on', 0):,} faces of "
        f"{data.get('name', run.config.data)} (fingerprint {str(data.get('fingerprint', ''))[:12]}), "
        f"chosen on {plain.n:,} validation faces: "
        f"**{percent(plain.accuracy, plain.interval, 2)}** right"
        + (f", **{percent(flipped.accuracy, flipped.interval, 2)}** with each face and its mirror image averaged." if flipped else "."),
        f"{len(run.history['epoch'])} epochs in {seconds / 60:,.0f} minutes on "
        + trained_on(facts.get("machine", {}), model.get("precision", "float32"))
        + (f"; best epoch {best[0]}." if best else "."),
    ]
    return "\n\n".join(lines)


def _head_alone(run: Run, plain: Evaluation, split: str) -> str:
    """Write the head of a run that was not trained."""
    data = run.facts.get("data", {})
    score = percent(plain.accuracy, plain.interval, 2)
    lines = [
        f"# {run.title}",
        run.alone or "A run without curves: its training left no history.",
        f"**{score}** of {plain.n:,} faces of the {split} split of {data.get('name', run.config.data)} "
        f"(fingerprint {str(data.get('fingerprint', ''))[:12]}) are right.",
    ]
    if split == "train" and run.origin.get("kind") != "crossfit":
        lines.append("The members may have learned from these very faces: this is no measure of how good they are.")
    return "\n\n".join(lines)


def _scores(looks: dict[str, Look], split: str) -> str:
    scores = [look.scores for look in looks.values()]
    plain = scores[0]
    rows = [("accuracy (95% interval)", [percent(result.accuracy, result.interval, 2) for result in scores])]
    if plain.copies and plain.without_copies:
        told = [percent(result.without_copies.accuracy, result.without_copies.interval, 2) for result in scores if result.without_copies]
        rows.append((f"without {copies_in_words(plain)} of training faces", told))
    rows += [
        ("balanced accuracy", [percent(result.balanced_accuracy) for result in scores]),
        ("macro F1", [f"{result.macro_f1:.3f}" for result in scores]),
        ("label among the first two", [percent(result.top2) for result in scores]),
        ("negative log-likelihood, nats", [f"{result.nll:.3f}" for result in scores]),
        (f"calibration error ({len(plain.bins)} bins)", [f"{result.ece:.3f}" for result in scores]),
        ("Brier score (0 to 2)", [f"{result.brier:.3f}" for result in scores]),
    ]
    if "views" in looks:
        rows.append(("beside one look", [look.adds or "-" for look in looks.values()]))
    names = {"single": "one look", "mirror": "with its mirror image"}
    head = ["", *(names.get(kind, look.words) for kind, look in looks.items())]
    return f"## Scores on the {split} split\n\n" + _table(head, [[name, *values] for name, values in rows])


def _classes(result: Evaluation) -> str:
    rows = [[score.name, f"{score.support:,}", percent(score.precision, score.precision_interval),
             percent(score.recall, score.recall_interval), "-" if math.isnan(score.f1) else f"{score.f1:.3f}"]
            for score in result.per_class]
    return "## By emotion\n\n" + _table(["emotion", "faces", "precision", "recall", "F1"], rows)


def _matrix(result: Evaluation) -> str:
    rows = [[name, *(f"{count:,}" for count in row)] for name, row in zip(EMOTIONS, result.matrix.tolist(), strict=True)]
    words = "\n".join(f"- {sentence}" for sentence in confusions(result))
    return "## The matrix\n\n" + _table(["true \\ called", *EMOTIONS], rows) + "\n\n" + words


def _curve(run: Run) -> str:
    history, best = run.history, run.best
    last = len(history["epoch"])
    step = max(1, math.ceil(last / 10))
    chosen = sorted({1, last, *(best[:1] if best else ()), *range(step, last + 1, step)})
    rows = [[f"{epoch}{' (best)' if best and epoch == best[0] else ''}", f"{history['loss'][epoch - 1]:.3f}",
             percent(history["accuracy"][epoch - 1]), f"{history['val_loss'][epoch - 1]:.3f}", percent(history["val_accuracy"][epoch - 1]),
             f"{history['learning_rate'][epoch - 1]:.2g}"] for epoch in chosen]
    head = ["epoch", "training loss", "training accuracy", "validation loss", "validation accuracy", "learning rate"]
    return "## The curve\n\n" + _table(head, rows)


def _recipe(run: Run) -> str:
    again = command(run.config, f"{run.id}-again")
    lines = ["## The recipe", "Every knob stands in `config.json`. The same training again:", f"```\n{again}\n```", *_learned_from(run)]
    return "\n\n".join(lines)


def _learned_from(run: Run) -> list[str]:
    """Say what the training took beside the data set: faces left out or weighed, a teacher, folds."""
    given = run.facts.get("inputs", {})
    told = []
    for kind, words in (("left_out", "left out of training"), ("weighed", "counted with another weight than 1")):
        counts = given.get(kind, {})
        if counts:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()))
            told.append(f"{sum(counts.values()):,} faces were {words}: {reasons}.")
    if run.config.teacher:
        told.append(
            f"{run.config.teacher_weight:.0%} of the loss is the distance to the answers of `{Path(run.config.teacher).name}` "
            f"at temperature {run.config.temperature:g}."
        )
    if run.config.folds and run.config.fold:
        told.append(f"Fold {run.config.fold} of {run.config.folds} was left out of training.")
    return told


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
