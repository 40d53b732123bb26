"""The command `explain`: one face with the tests of its map, or the ledger of many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from fer_core import atomic_io
from fer_core.attribution import region_occlusion, region_shares
from fer_core.attribution.registry import WORDS
from fer_core.cli.console import console, networks, print_json, progress_bar, run_data
from fer_core.data.dataset import Dataset
from fer_core.data.splits import spread
from fer_core.emotions import EMOTIONS
from fer_core.errors import ConfigError
from fer_core.faces import regions
from fer_core.runs.store import RunStore

METHODS = "gradient, gradient_input, smoothgrad, integrated_gradients, grad_cam, layer_cam, guided_backprop, occlusion or rise"


def register(app: typer.Typer) -> None:
    """Give a command line this command."""
    app.command()(explain)


def explain(
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    data: Annotated[str, typer.Option("--data", help="'demo', or a CSV, folder or zip of FER2013; untold: the run's.")] = "",
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    image: Annotated[int | None, typer.Option(help="Number of one face in the split; untold: many faces.")] = None,
    faces: Annotated[int, typer.Option(help="How many faces, spread over the split, where no image is told.")] = 200,
    method: Annotated[str, typer.Option(help=METHODS)] = "smoothgrad",
    target: Annotated[str, typer.Option(help="Emotion to explain; untold: the predicted one, of one wrong face against its label.")] = "",
    versus: Annotated[str, typer.Option(help="Rather than this emotion.")] = "",
    layer: Annotated[str, typer.Option(help="Layer of Grad-CAM and LayerCAM.")] = "",
    out: Annotated[Path | None, typer.Option(help="npz to write: maps float32 (n, 48, 48), indices, targets.")] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder of the runs.", envvar="FER_LENS_RUNS")] = Path("checkpoints"),
    as_json: Annotated[bool, typer.Option("--json", help="Print results as JSON.")] = False,
) -> None:
    """Tell where a network looks: the share of its maps on each feature; of one face, what hiding each does, and a verdict."""
    models, opened = networks(), RunStore(runs).open(run)
    from fer_core.attribution import explanation

    goal, other = _classes(target, versus)
    if layer and method in WORDS and "layer" not in WORDS[method].knobs:
        raise ConfigError(f"The method {method} has no layer to choose.", received=f"--layer {layer}",
                          todo="take grad_cam or layer_cam, or leave --layer out")
    model, dataset = models.load(opened), run_data(opened, data)
    chosen = _chosen(dataset, split, image, faces)
    images = np.asarray(dataset[split].images[chosen])
    targets = models.predict_logits(model, images).argmax(axis=1) if goal is None else np.full(len(chosen), goal)
    if image is not None and goal is None and other is None and 0 <= (label := int(dataset[split].labels[image])) != targets[0]:
        other, versus = label, EMOTIONS[label]  # of a face that is called wrong: why not its label, as on the page
    with progress_bar() as bar:
        task = bar.add_task("explaining", total=1.0)
        maps = explanation.explain(model, images, method, targets, versus=other, layer=layer or None,
                                progress=lambda share: bar.update(task, completed=share))
    if out is not None:
        atomic_io.write_arrays(out, maps=maps, indices=chosen, targets=targets)
    where = regions.located(images, drawn=dataset.name == "demo")
    book = region_shares.ledger(maps, where)
    result: dict[str, Any] = {
        "run": run, "data": dataset.name, "split": split, "method": method, "layer": layer or None, "versus": versus or None,
        "faces": len(chosen), "file": str(out) if out else None, "regions": _rows(book), **_rows(book.features),
        "edges": _rows(region_shares.ledger(region_shares.edges(images), where).features)["features"],
    }
    if image is not None:
        result |= {"image": image, "target": EMOTIONS[int(targets[0])]} | _one(
            model, images, maps[0], (int(targets[0]), other), where, method, layer or None)
    if as_json:
        return print_json(result)
    _show(result)


def _classes(target: str, versus: str) -> tuple[int | None, int | None]:
    goal, other = (_class(name) if name else None for name in (target, versus))
    if goal is not None and goal == other:
        raise ConfigError("A class is not explained rather than itself.", received=f"--target {target} --versus {versus}",
                          todo="choose two different emotions, or leave --versus out")
    return goal, other


def _class(name: str) -> int:
    if name not in EMOTIONS:
        raise ConfigError("There is no such emotion.", received=name, expected=" or ".join(EMOTIONS))
    return EMOTIONS.index(name)


def _chosen(dataset: Dataset, split: str, image: int | None, faces: int) -> np.ndarray:
    if split not in dataset:
        raise ConfigError("The data set has no such split.", received=split, expected=" or ".join(dataset))
    total = len(dataset[split])
    if image is None and faces < 1:
        raise ConfigError("No face is to be explained.", received=f"--faces {faces}", expected="1 or more")
    if image is None:
        return spread(np.arange(total), faces)
    if not 0 <= image < total:
        raise ConfigError("The split has no such face.", received=image, expected=f"0 to {total - 1}")
    return np.array([image])


def _rows(book: region_shares.Ledger) -> dict[str, dict[str, Any]]:
    """Give per region the mean share of |map|, and its preference (share over area), both with 95 % intervals; of one face without."""
    (preference, intervals), (shares, spans) = book.mean(), book.mean("shares")
    rows = zip(book.names, shares.tolist(), spans.tolist(), preference.tolist(), intervals.tolist(), strict=True)
    return {name: {"share": share, "share_interval": span if np.isfinite(span).all() else None,
                   "preference": value, "interval": pair if np.isfinite(pair).all() else None}
            for name, share, span, value, pair in rows}


def _one(model: Any, images: np.ndarray, map_: np.ndarray, classes: tuple[int, int | None], where: list[regions.Regions],
         method: str, layer: str | None) -> dict[str, Any]:
    """Give a face's probabilities, what hiding each region does to them, and the verdict on its map by both tests."""
    from fer_core.attribution import explanation, faithfulness

    hidden = region_occlusion.hide(model, images, where)
    curves = faithfulness.curves(model, images[0], map_, classes[0], versus=classes[1], by_size=explanation.METHODS[method].sensitivity)
    left = faithfulness.randomisation(model, images, method, classes[0], versus=classes[1], layer=layer)
    judged = faithfulness.verdict(curves, float(left.left[0]))
    named = [dict(zip(EMOTIONS, map(float, row), strict=True)) for row in (hidden.before[0], *hidden.after[0])]
    return {"probabilities": named[0], "hidden": dict(zip(hidden.names, named[1:], strict=True)), "outcome": judged.outcome,
            "verdict": judged.reason}


def _show(result: dict[str, Any]) -> None:
    rather = f" rather than {result['versus']}" if result["versus"] else ""
    count = result["faces"]
    about = f"face {result['image']}, why {result['target']}{rather}" if "image" in result else f"{count:,} face{'s' * (count > 1)}"
    console.print(f"{result['run']}, {result['method']}, {result['data']} {result['split']}: {about}", highlight=False)
    one = "hidden" in result
    head = ("over its area", "when hidden") if one else ("95% interval", "over its area", "95% interval")
    table = Table("region", "share of the map", *head, box=None)
    for name, row in (result["regions"] | {"all but the rest": result["features"]}).items():
        cells = [name.replace("_", " "), f"{row['share']:.1%}", f"{row['preference']:.2f}"]
        if not one:
            cells[2:2] = [_span(row["share_interval"], 100, 1)]
            cells.append(_span(row["interval"], 1, 2))
        if name in result.get("hidden", ()):
            before, after = result["probabilities"][result["target"]], result["hidden"][name][result["target"]]
            cells.append(f"{result['target']} {before:.1%} to {after:.1%}")
        table.add_row(*cells)
    console.print(table)
    edges = result["edges"]
    span = "" if one else f" ({_span(edges['share_interval'], 100, 1)})"
    console.print(f"The face's own edges, a map that asks no network, lie {edges['share']:.1%}{span} on all but the rest: "
                  f"{edges['preference']:.2f} times its area.", highlight=False)
    if "verdict" in result:
        console.print(result["verdict"], highlight=False)
    if result["file"]:
        console.print(f"wrote {result['file']}", highlight=False)


def _span(interval: list[float] | None, times: int, digits: int) -> str:
    return "" if interval is None else f"{times * interval[0]:.{digits}f} to {times * interval[1]:.{digits}f}"
