"""The answers to the five questions of the report, from findings to HTML: structure and accuracy, the other network, confusions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fer_core.config import RunConfig
from fer_core.emotions import EMOTIONS
from fer_core.messages import signed
from fer_core.metrics.evaluation import Evaluation
from fer_core.plots.theme import EMOTION_COLOURS
from fer_core.report.figures import Series, curves, matrix, ranges
from fer_core.report.findings import Cell, Findings, Tile, Told
from fer_core.report.formatting import Words, short
from fer_core.report.sheet import Sheet, code, listing, paragraph

if TYPE_CHECKING:
    from fer_core.models.summary import LayerFacts

LABELS = range(len(EMOTIONS))
PAIRS = 6
"""Confused pairs that are told in words."""


def structure(sheet: Sheet) -> str:
    """Answer the first question: layers, recipe, curves, accuracy."""
    run, words = sheet.found.run, sheet.words
    parts = [sheet.missing("weights")]
    if not run.origin:  # what several networks said has no layers, no recipe and no curve of its own
        parts += [_layers(sheet, run, sheet.found.layers), _recipe(sheet, run), sheet.missing("history")]
    if run.epochs:
        parts.append(_curves(sheet))
    parts.append(sheet.missing("predictions"))
    if run.plain:
        parts.append(_scores(sheet))
        if "validation" in run.plain:
            parts.append(paragraph(words("q1.hopeful")))
    return "".join(parts)


def _layers(sheet: Sheet, run: Told, layers: Sequence[LayerFacts]) -> str:
    words = sheet.words
    total = sum(layer.parameters for layer in layers)
    keys = ("layer", "kind", "shape", "parameters", "sees")
    rows = [[layer.name, words.kind(layer.kind), " × ".join(map(str, layer.shape)), f"{layer.parameters:,}" if layer.parameters else "",
             f"{layer.receptive_field}" if layer.stride else words("q5.whole")] for layer in layers]
    rows.append([words("q1.total"), "", "", f"**{total:,}**", ""])
    trainable = run.facts.get("model", {}).get("trainable", total)
    key = "q1.trainable" if trainable != total else "q1.trainable.all"
    table = sheet.table([words(f"q1.{key}") for key in keys], rows, words("q1.layers", run=run.title), "layers")
    return table + sheet.say(key, trainable=f"{trainable:,}", parameters=f"{total:,}")


def _recipe(sheet: Sheet, run: Told) -> str:
    words = sheet.words
    rows = [(words(f"recipe.{name}"), text) for name, text in recipe(run, words)]
    return sheet.table([], rows, words("q1.recipe", run=run.title), "recipe") + sheet.say("q1.again") + code(run.command)


def recipe(run: Told, words: Words) -> list[tuple[str, str]]:
    """Tell how a run was trained: (name of the row, words)."""
    config, facts, machine = run.config, run.facts, run.facts.get("machine", {})
    counts = facts.get("data", {}).get("counts", {}).get("train")
    rows = [("data", data_name(run, words))]
    if counts:
        least, most = int(np.argmin(counts)), int(np.argmax(counts))
        few, every = counts[least], sum(counts)
        said = words("recipe.imbalance", least=words.emotion(least), few=f"{few:,}", all=f"{every:,}", share=words.percent(few / every),
                     most=words.emotion(most), many=f"{counts[most]:,}")
        rows.append(("counts", said))
    rows += [("oversample", _oversampling(config, words)), ("augment", _augmentation(config, words)),
             ("optimizer", words(f"recipe.{config.optimizer}", momentum=f"{config.momentum:g}")), ("rate", _rate(config, words)),
             ("batch", words("recipe.batch.said", n=config.batch_size)),
             ("epochs", words("recipe.epochs.said", done=run.epochs, epochs=config.epochs)), ("regular", _regular(config, words))]
    if run.epochs:
        rows.append(("machine", words("recipe.machine.said", processor=machine.get("processor", words("unknown")),
                                      cores=machine.get("cores", "?"), precision=facts.get("model", {}).get("precision", "float32"),
                                      time=words.duration(float(run.history["seconds"].sum())))))
    return [*rows, ("seed", str(config.seed))]


def data_name(run: Told, words: Words) -> str:
    """Name the data set of a run."""
    name = str(run.facts.get("data", {}).get("name", run.config.data)).replace("\\", "/").rpartition("/")[2]
    return words("data.demo") if run.demo else name


def _oversampling(config: RunConfig, words: Words) -> str:
    key = "off" if config.oversample == 0 else "full" if config.oversample == 1 else "part"
    return words(f"recipe.oversample.{key}", value=f"{config.oversample:g}")


def _augmentation(config: RunConfig, words: Words) -> str:
    plain, shares = ("shift", "rotation"), ("flip", "zoom", "contrast", "erase")
    said = [words(f"recipe.{name}", value=f"{getattr(config, name):g}" if name in plain else f"{getattr(config, name):.0%}")
            for name in ("flip", *plain, *shares[1:]) if getattr(config, name)]
    return words.listed(said) if said else words("recipe.augment.none")


def _rate(config: RunConfig, words: Words) -> str:
    said = words(f"recipe.{config.schedule}", rate=f"{config.learning_rate:g}", patience=config.plateau_patience)
    return words("recipe.warmup", schedule=said, epochs=words.epochs(config.warmup_epochs)) if config.warmup_epochs else said


def _regular(config: RunConfig, words: Words) -> str:
    rates = config.dropout_conv[:1] if len(set(config.dropout_conv)) == 1 else config.dropout_conv
    said = [words("recipe.dropout", conv=words("list.comma").join(f"{rate:g}" for rate in rates), dense=f"{config.dropout_dense:g}")]
    said = said if config.arch != "dnn" else []
    said += [words("recipe.decay", value=f"{config.weight_decay:g}")] if config.weight_decay else []
    said += [words("recipe.smoothing", value=f"{config.label_smoothing:g}")] if config.label_smoothing else []
    return words("list.apart").join(said) or words("recipe.nothing")


def _curves(sheet: Sheet) -> str:
    run, words = sheet.found.run, sheet.words
    stopped, faces = run.epochs if run.stopped_early else None, words.faces(run.facts.get("validated_on", 0))
    best = run.best[0] if run.best else None
    figures = []
    for metric in ("accuracy", "loss"):
        caption = words("q1.curves", metric=words(f"q1.{metric}"), faces=faces)
        figures.append(sheet.figure(curves(run.history, metric, words, best=best, stopped=stopped, colour=run.colour), caption, "chart"))
    return f'<div class="pair">{"".join(figures)}</div>' + paragraph(*training(run, words))


def training(run: Told, words: Words) -> list[str]:
    """Say what the curves show: the best epoch, early stopping, and training against validation at the end."""
    said, patience = [], run.config.patience
    if run.best:
        accuracy = float(run.history["val_accuracy"][run.best[0] - 1])
        key = "q1.best" if run.config.monitor == "accuracy" else "q1.best.loss"
        said.append(words(key, best=run.best[0], epochs=run.epochs, accuracy=words.percent(accuracy)))
    key = ("off" if not patience else "ped" if run.stopped_early else "unused" if run.finished else "waiting")
    said.append(words("q1.stopped" if key == "ped" else f"q1.stop.{key}", patience=patience, epochs=run.epochs))
    gap = 100 * float(run.history["accuracy"][-1] - run.history["val_accuracy"][-1])
    if math.isfinite(gap):
        config = run.config
        harder = any((config.flip, config.shift, config.zoom, config.rotation, config.contrast, config.erase))
        key = "none" if abs(gap) < 0.05 else "above" if gap > 0 else "below" if harder else "harder"
        said.append(words(f"q1.gap.{key}", points=f"{abs(gap):.1f}"))
    return said


def _scores(sheet: Sheet) -> str:
    run, words = sheet.found.run, sheet.words
    rows = []
    for split, plain in run.plain.items():
        name = words(f"split.{split}")
        name = name[0].upper() + name[1:]
        rows.append(score_row(name, plain, words))
        if split in run.flipped:
            rows.append(score_row(words("q1.flipped", split=name), run.flipped[split], words))
        if split in run.views:
            rows.append(score_row(words("q1.views", split=name, looks=run.looks[split]), run.views[split], words))
        if plain.copies and plain.without_copies:
            rows.append(score_row(without_copies(name, plain, words), plain.without_copies, words))
    head = [words(f"q1.{key}") for key in ("split", "n", "right", "balanced", "f1", "nll", "ece")]
    return sheet.table(head, rows, words("q1.scores", run=run.title), "scores")


def without_copies(split: str, scores: Evaluation, words: Words) -> str:
    """Name the row without copies, with how many are exact and how many near."""
    if scores.near is None:
        return words("q1.fresh.exact", split=split, exact=f"{scores.exact:,}")
    return words("q1.fresh", split=split, exact=f"{scores.exact:,}", near=f"{scores.near:,}")


def score_row(name: str, scores: Evaluation, words: Words) -> list[str]:
    """Set the scores of one split as a row."""
    return [name, f"{scores.n:,}", words.percent(scores.accuracy, scores.interval), words.percent(scores.balanced_accuracy),
            f"{scores.macro_f1:.3f}", f"{scores.nll:.3f}", f"{scores.ece:.3f}"]


def comparison(sheet: Sheet) -> str:
    """Answer the second question: two networks on the same faces."""
    found, words, other = sheet.found, sheet.words, sheet.found.other
    parts = [sheet.missing("versus")]
    if other is None:
        return "".join(parts)
    parts.append(_two(sheet, other))
    if found.other_layers:
        parts += [_layers(sheet, other, found.other_layers)] if found.other_layers != found.layers else []
        parts.append(_recipe(sheet, other))
    if found.test is None or found.evaluation is None or found.split not in other.plain:
        return "".join([*parts, sheet.missing("predictions")])
    names, theirs = {"run": found.run.title, "other": other.title}, other.plain[found.split]
    parts.append(paragraph(*two_in_words(found, words)))
    series = [Series(told.title, [score.recall for score in scores.per_class], [score.recall_interval for score in scores.per_class],
                     told.colour)
              for told, scores in ((found.run, found.evaluation), (other, theirs))]
    drawing = ranges([words.emotion(label) for label in LABELS], series, lambda value: f"{value:.0%}", label=words("q2.recall"), high=1.0,
                     colours=[EMOTION_COLOURS[name] for name in EMOTIONS])
    pair = [sheet.figure(drawing, words("q2.recall"), "chart")]
    if found.by_label is not None:
        head = [words("q2.emotion"), words("q2.both"), *(words("q2.only", name=name) for name in names.values()), words("q2.neither")]
        rows = [[words.emotion(label), *(f"{count:,}" for count in found.by_label[label])] for label in LABELS]
        pair.append(sheet.table(head, rows, words("q2.by.class"), "counts"))
    parts.append(f'<div class="pair">{"".join(pair)}</div>')
    said = words("q3.matrix", run=other.title, faces=words.faces(theirs.n), split=words(f"split.{found.split}"))
    parts.append(sheet.figure(matrix(theirs.matrix, words, small=True), said, "square"))
    for key, tiles in (("fixed", found.fixed), ("broken", found.broken)):
        if tiles:
            parts.append(sheet.figure(_tiles(sheet, tiles), words(f"q2.faces.{key}", **names), "faces"))
    return "".join(parts)


def _two(sheet: Sheet, other: Told) -> str:
    found, words = sheet.found, sheet.words
    rows = []
    for told in (found.run, other):
        scores, parameters = told.plain.get(found.split), told.facts.get("model", {}).get("parameters")
        best = words("q2.of", best=told.best[0], epochs=told.epochs) if told.best else ""
        seconds = words.duration(float(told.history["seconds"].mean())) if told.epochs else ""
        rows.append([told.title, network(told, words), f"{parameters:,}" if parameters else "", best, seconds,
                     *(score_row("", scores, words)[2:5] if scores else ["", "", ""])])
    head = ["", *map(words, ("q2.network", "q2.parameters", "q2.epochs", "q2.time", "q1.right", "q1.balanced", "q1.f1"))]
    n = found.evaluation.n if found.evaluation else 0
    return sheet.table(head, rows, words("q2.table", faces=words.faces(n), split=words(f"split.{found.split}")), "two")


def network(run: Told, words: Words) -> str:
    """Name the kind of a run's network, or say that it is predictions alone."""
    return words("network.none" if run.origin else f"network.{run.config.arch}")


def two_in_words(found: Findings, words: Words) -> list[str]:
    """Say how two networks differ: in accuracy, in size, and face by face."""
    test, other, mine = found.test, found.other, found.evaluation
    assert test is not None and other is not None and mine is not None
    names, theirs = {"run": found.run.title, "other": other.title}, other.plain[found.split]
    said = [words("q2.difference", **names, a=words.percent(mine.accuracy), b=words.percent(theirs.accuracy),
                  points=signed(100 * test.difference), faces=words.faces(mine.n),
                  n=f"{abs(len(test.fixes) - len(test.breaks)):,}")]
    sizes = [told.facts.get("model", {}).get("parameters") for told in (found.run, other)]
    if all(sizes):
        ratio = short(sizes[0] / sizes[1], 2)
        said.append(words("q2.size.alike" if ratio == "1.0" else "q2.size", **names, ratio=ratio))
    p = words("q2.tiny") if test.p < 1e-4 else f"{test.p:.2g}"
    return [*said, words("q2.mcnemar", **names, both=words.faces(len(test.both_right)), neither=words.faces(len(test.both_wrong)),
                         fixes=f"{len(test.fixes):,}", breaks=f"{len(test.breaks):,}", p=p, verdict=verdict(found, words))]


def verdict(found: Findings, words: Words) -> str:
    """Say whether chance explains what one network fixes and breaks of the other."""
    return words("q2.real" if found.test is not None and found.test.p < 0.05 else "q2.chance")


def _tiles(sheet: Sheet, tiles: Sequence[Tile]) -> str:
    words, cells = sheet.words, []
    for tile in tiles:
        said = words("q2.called", label=words.emotion(tile.label), called=words.emotion(tile.called))
        cells.append(sheet.tile(tile.image, tile.index, said))
    return "".join(cells)


def confusions(sheet: Sheet) -> str:
    """Answer the third question: the matrix, and what it says in words."""
    found, words, scores = sheet.found, sheet.words, sheet.found.evaluation
    if scores is None:
        return sheet.missing("predictions")
    said = words("q3.matrix", run=found.run.title, faces=words.faces(scores.n), split=words(f"split.{found.split}"))
    parts = [sheet.figure(matrix(scores.matrix, words), said, "square")]
    if not scores.errors:
        return "".join([*parts, sheet.say("q3.no.errors")])
    parts += [f"<h3>{words('q3.pairs')}</h3>", listing(pairs_in_words(scores, words)), paragraph(*together(scores, words)),
              f"<h3>{words('q3.classes')}</h3>", listing(classes_in_words(scores, words))]
    parts += [_cell(sheet, cell) for cell in found.cells]
    return "".join([*parts, "" if found.cells else sheet.missing("data")])


def pairs_in_words(scores: Evaluation, words: Words) -> list[str]:
    """Say the most confused pairs, each with its share of the true class and of all errors."""
    return [words("q3.pair", count=f"{pair.count:,}", support=f"{scores.per_class[pair.true].support:,}", true=words.emotion(pair.true),
                  called=words.emotion(pair.predicted), share=words.percent(pair.of_class, pair.interval),
                  errors=words.percent(pair.of_errors)) for pair in scores.most_confused(PAIRS)]


def together(scores: Evaluation, words: Words) -> list[str]:
    """Say which two emotions are mixed up most, both ways, and what becomes of the rarest."""
    both = scores.matrix + scores.matrix.T
    a, b = np.unravel_index(np.argmax(np.triu(both, 1)), both.shape)
    said = [words("q3.both.ways", a=words.emotion(int(a)), b=words.emotion(int(b)), count=f"{both[a, b]:,}", errors=f"{scores.errors:,}")]
    label = min((label for label in LABELS if scores.per_class[label].support), key=lambda label: scores.per_class[label].support)
    rare, wrong = scores.per_class[label], scores.matrix[label] * (np.arange(len(EMOTIONS)) != label)
    values = {"emotion": words.emotion(label), "support": f"{rare.support:,}", "recall": words.percent(rare.recall, rare.recall_interval)}
    if not wrong.sum():
        return [*said, words("q3.rare.right", **values)]
    values |= {"called": words.emotion(int(wrong.argmax())), "count": f"{wrong.max():,}", "wrong": f"{wrong.sum():,}"}
    return [*said, words("q3.rare", **values)]


def classes_in_words(scores: Evaluation, words: Words) -> list[str]:
    """Say of each emotion how often it is recognised, and what its other faces are called most."""
    said, pairs = [], scores.most_confused()
    for label, score in enumerate(scores.per_class):
        if not score.support:
            said.append(words("q3.class.absent", emotion=words.emotion(label)))
            continue
        first = [words("q3.wrong.part", emotion=words.emotion(pair.predicted), share=words.percent(pair.of_class))
                 for pair in pairs if pair.true == label][:2]
        wrong = words("q3.wrong", first=words.listed(first)) if first else words("q3.wrong.none")
        said.append(words("q3.class", emotion=words.emotion(label), support=f"{score.support:,}", wrong=wrong,
                          recall=words.percent(score.recall, score.recall_interval)))
    return said


def _cell(sheet: Sheet, cell: Cell) -> str:
    words, pair = sheet.words, cell.pair
    body = "".join(sheet.tile(tile.image, tile.index, words.percent(tile.p, digits=0)) for tile in cell.faces)
    return sheet.figure(body, words("q3.faces", true=words.emotion(pair.true), called=words.emotion(pair.predicted),
                                    shown=len(cell.faces), count=f"{pair.count:,}"), "faces")
