"""`python -m fer_core ...`: everything that the pages do, from a terminal. TensorFlow is imported only by the commands that need it."""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from fer_core.cli import explain, filters, report
from fer_core.cli.console import (
    console,
    describe,
    errors,
    follow,
    load_data,
    networks,
    print_json,
    progress_bar,
    run_data,
    show_looks,
    show_scores,
)
from fer_core.config import PRESETS, RunConfig
from fer_core.emotions import SPLITS
from fer_core.errors import ConfigError, FerError
from fer_core.runs.launch import launch
from fer_core.runs.processes import give_way
from fer_core.runs.store import RunStore
from fer_core.training import training_set

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="FER Lens: train, watch and question facial-expression classifiers.",
)
data_app = typer.Typer(no_args_is_help=True, help="Describe, convert and make data sets.")
app.add_typer(data_app, name="data")
filters.register(app)
explain.register(app)
report.register(app)
Runs = Annotated[Path, typer.Option("--runs", help="Folder of the runs.", envvar="FER_LENS_RUNS")]
Json = Annotated[bool, typer.Option("--json", help="Print results as JSON.")]
RunId = Annotated[str, typer.Argument(help="Name of the run.")]
Data = Annotated[str, typer.Option("--data", help="'demo', or a CSV, folder or zip of FER2013.")]
Preset = Annotated[str | None, typer.Option(help=f"{', '.join(PRESETS)}; untold: quick for the demo, strong for FER2013.")]
Name = Annotated[str | None, typer.Option(help="Name of the run; untold: network, data and time.")]
Background = Annotated[bool, typer.Option("--background", help="Start the training and return at once.")]
ROOT = Path("checkpoints")
FOLDS = 5
"""Folds of a cross-fitting that nobody gave a number."""


def main() -> None:
    """Run a command; an error that a person can put right is one sentence, not a traceback."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own remarks are no help to a person
    try:
        app(standalone_mode=False)
    except FerError as error:
        errors.print(f"error: {error}", style="bold red", markup=False, highlight=False)
        sys.exit(2)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        if not hasattr(error, "exit_code"):
            raise
        if hasattr(error, "show"):
            error.show()
        sys.exit(error.exit_code)


def with_knobs(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every field of `RunConfig`; untold ones arrive as `None` in `knobs`."""
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "knobs"]
    fields = {n: f for n, f in RunConfig.model_fields.items() if n not in {"preset", "data"}}
    knobs = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[field.annotation | None, typer.Option(help=field.description)],  # type: ignore[operator]
        )
        for name, field in fields.items()
    ]

    def called(**values: Any) -> None:
        told = {name: values.pop(name) for name in fields}
        command(**values, knobs=told)

    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    called.__signature__ = inspect.Signature(own + knobs)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in own + knobs}
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    return called


@app.command()
@with_knobs
def train(
    knobs: dict[str, Any],
    *,
    data: Data = "demo",
    preset: Preset = None,
    name: Name = None,
    runs: Runs = ROOT,
    summary: Annotated[bool, typer.Option("--summary", help="Print the layer table and stop.")] = False,
    background: Background = False,
    as_json: Json = False,
) -> None:
    """Train a network in a process of its own and watch it; Ctrl-C stops it so that it can be resumed."""

    config = _config(preset, data, knobs)
    if summary:
        return print_summary(config, as_json)
    _begin(config, name, runs, background, as_json)


@app.command()
@with_knobs
def crossfit(
    knobs: dict[str, Any],
    *,
    data: Data = "demo",
    preset: Preset = None,
    name: Name = None,
    runs: Runs = ROOT,
    background: Background = False,
    as_json: Json = False,
) -> None:
    """Train a network per fold, each asked about the fold it has not seen: an honest answer for every training face.

    Stop and resume the whole by its name; each fold is a run of its own beside it.
    """
    given = {**knobs, "folds": knobs["folds"] or FOLDS}
    if knobs["fold"]:
        raise ConfigError("Cross-fitting trains every fold.", received=f"--fold {knobs['fold']}", todo="leave --fold out, or use train")
    _begin(_config(preset, data, given), name, runs, background, as_json)


def _config(preset: str | None, data: str, knobs: dict[str, Any]) -> RunConfig:
    """Make the config of a training from a preset, the usual one for the data if omitted; refuse what cannot be trained."""
    config = RunConfig.from_preset(preset or ("quick" if data.startswith("demo") else "strong"), data=data, **knobs)
    if config.arch == "none":
        raise ConfigError(
            "A run without a network is predictions alone, and cannot be trained.",
            received="--arch none",
            expected="cnn, dnn or small",
            todo="python -m fer_core ensemble RUN RUN --name NAME makes one of runs that have predicted",
        )
    return config


def _begin(config: RunConfig, name: str | None, runs: Path, background: bool, as_json: bool) -> None:
    """Make a run folder, start its process and watch it."""
    dataset = None
    if not config.skip_bad:
        dataset = load_data(config.data)  # the errors of a data set are told here, before there is a run, and its cache is made
    places = {knob: str(Path(value).resolve()) for knob in ("face_weights", "teacher") if (value := getattr(config, knob))}
    if not config.data.startswith("demo"):
        places["data"] = str(Path(config.data).resolve())
    config = config.model_copy(update=places)
    if dataset is not None:
        training_set.gather(config, dataset)  # the same for the other files that it names
    run = RunStore(runs).create(config, name)
    launch(run)
    follow(run, background, as_json)


@app.command()
def resume(run: RunId, runs: Runs = ROOT, background: Annotated[bool, typer.Option("--background")] = False, as_json: Json = False) -> None:
    """Go on with a stopped, lost or failed run; it ends as if it had never been interrupted."""
    opened = RunStore(runs).open(run)
    launch(opened)
    follow(opened, background, as_json)


@app.command()
def stop(run: RunId, runs: Runs = ROOT) -> None:
    """Ask a running training to stop after its step; nothing is lost."""
    opened = RunStore(runs).open(run)
    opened.request_stop()
    deadline = time.monotonic() + 60
    while opened.status.alive and time.monotonic() < deadline:
        time.sleep(0.2)
    console.print(f"{run} is {opened.status.state}")


@app.command("runs")
def list_runs(
    runs: Runs = ROOT, archived: Annotated[bool, typer.Option("--archived", help="The archived ones.")] = False, as_json: Json = False
) -> None:
    """List the runs: state, best epoch, accuracy, parameters."""
    rows = [describe(run) for run in RunStore(runs).all(archived=archived)]
    if as_json:
        return print_json(rows)
    table = Table("run", "state", "network", "data", "epoch", "best", "accuracy", box=None)
    for row in rows:
        table.add_row(
            row["run"],
            row["state"],
            row.get("arch", ""),
            row.get("data", ""),
            str(row.get("epoch", "")),
            str(row.get("best_epoch") or ""),
            f"{row['best']:.1%}" if row.get("best") is not None and row.get("monitor") == "accuracy" else "",
        )
    console.print(table if rows else f"No runs in {runs}. Begin with: python -m fer_core train")
    for row in rows:
        for note in row.get("notes", ()):
            console.print(f"{row['run']}: {note}", highlight=False, markup=False)


@app.command()
def evaluate(
    run: RunId,
    data: Data = "",
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    flip: Annotated[bool, typer.Option("--flip", help="Average each face with its mirror image.")] = False,
    views: Annotated[int, typer.Option(help="Also average so many looks at each face: mirrored, moved, resized; 0 = none.")] = 0,
    runs: Runs = ROOT,
    as_json: Json = False,
) -> None:
    """Predict a split, store the predictions with the run, and print every number."""
    opened = RunStore(runs).open(run)
    opened.check_network()
    if split not in SPLITS:
        raise ConfigError("There is no such split.", received=split, expected=" or ".join(SPLITS))
    models = networks()
    from fer_core.metrics.evaluation import evaluate as score
    from fer_core.metrics.looks import results
    from fer_core.models.views import check_count
    from fer_core.runs.prediction_job import telling
    from fer_core.training.trainer import predictions

    if views:
        check_count(views)
    with telling(opened, split) as tell, progress_bar() as bar:
        dataset = run_data(opened, data)
        if split not in dataset:
            raise ConfigError("The data set has no such split.", received=split, expected=" or ".join(dataset))
        task = bar.add_task(f"predicting {split}", total=1.0)

        def done(share: float) -> None:
            bar.update(task, completed=share)
            tell(share)

        made = predictions(models.load(opened), dataset, split, flip=True, views=views, progress=done)
        stored = opened.knows(dataset)
        if stored:
            opened.write_predictions(made)
    if not stored:
        errors.print(f"{dataset.name} is not the data of {run}: its predictions are told, not stored in the run.", style="yellow")
    chosen = made.flipped if flip and made.flipped is not None else made.probabilities
    result = score(made.labels, chosen, leaked=made.leaked, near=made.near)
    looks = results(made)
    if as_json:
        told = {"run": run, "data": dataset.name, "split": split, "flip": flip, "stored": stored}
        return print_json({**told, **result.to_json(), "looks": {kind: found.to_json() for kind, found in looks.items()}})
    show_scores(f"{run} on {dataset.name}, {split}", result)
    show_looks(looks)


@app.command()
def ensemble(
    members: Annotated[list[str], typer.Argument(help="Names of the runs, two or more.")],
    name: Annotated[str, typer.Option(help="Name of the run that is made.")],
    split: Annotated[str, typer.Option(help="train, validation or test; untold: every split that all of them have predicted.")] = "",
    runs: Runs = ROOT,
    as_json: Json = False,
) -> None:
    """Average the stored answers of several runs into a run of predictions alone, and print every number."""
    from fer_core.metrics.looks import results
    from fer_core.runs.ensemble import make

    made = make(RunStore(runs), members, name, splits=(split,) if split else ())
    looks = {}
    for found in made.origin["splits"]:
        told = made.predictions(found)
        assert told is not None
        looks[found] = results(told)
    if as_json:
        scores = {found: {kind: one.to_json() for kind, one in kinds.items()} for found, kinds in looks.items()}
        return print_json({"run": made.id, "members": members, "splits": list(looks), "looks": scores})
    console.print(f"{made.path}: {made.alone}", highlight=False)
    for found, kinds in looks.items():
        if "single" in kinds:
            show_scores(f"{name}, {found}", kinds["single"].scores)
            show_looks(kinds)


@app.command()
def submission(run: RunId, out: Annotated[Path, typer.Option(help="CSV to write.")], data: Data = "", runs: Runs = ROOT) -> None:
    """Write a Kaggle submission (id,label) for the test split of a data set."""
    opened = RunStore(runs).open(run)
    opened.check_network()
    models = networks()
    from fer_core.data.dataset import write_submission

    dataset = run_data(opened, data)
    if "test" not in dataset:
        raise ConfigError("The data set has no test split.", received=", ".join(dataset), expected="the course's folder with test.csv")
    write_submission(out, dataset["test"].ids, models.predict(models.load(opened), dataset["test"].images, flip=True))
    console.print(f"wrote {out}: {len(dataset['test'].labels):,} rows")


@app.command()
def export(
    run: RunId,
    out: Annotated[Path, typer.Option(help="File or folder to write.")],
    format: Annotated[str, typer.Option(help="keras, saved_model, tflite or onnx.")] = "keras",
    runs: Runs = ROOT,
) -> None:
    """Write a run's network for use without FER Lens; pixels of 0 to 255 go in, logits come out."""
    opened = RunStore(runs).open(run)
    opened.check_network()
    models = networks()

    models.export(models.load(opened), out, format)
    console.print(f"wrote {out}")


@app.command()
def card(run: RunId, split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation", runs: Runs = ROOT) -> None:
    """Print a run's model card as Markdown: scores, matrix, curve, recipe, limits."""
    from fer_core.release.model_card import card as text

    print(text(RunStore(runs).open(run), split), end="")


@app.command()
def ship(
    run: RunId,
    name: Annotated[str, typer.Argument(help="Name of the copy.")],
    data: Data = "",
    to: Annotated[Path, typer.Option(help="Folder that the copy is made in.")] = ROOT,
    runs: Runs = ROOT,
    as_json: Json = False,
) -> None:
    """Copy a finished run to give it away: small weights that say the same, no path of this machine, no pictures; with its card."""
    opened = RunStore(runs).open(run)
    opened.check_network()
    networks()
    from fer_core import atomic_io
    from fer_core.release.model_card import card as text
    from fer_core.release.shipping import ship as copied

    copy, proof = copied(opened, run_data(opened, data), RunStore(to), name)
    atomic_io.write_bytes(copy.path / "README.md", text(copy).encode())
    size = sum(path.stat().st_size for path in copy.path.iterdir())
    if as_json:
        return print_json({"run": copy.id, "bytes": size, **vars(proof)})
    console.print(
        f"{copy.path}: {size / 1e6:.1f} MB. With its small weights {proof.changed} of {proof.faces:,} faces are called something else; "
        f"accuracy {proof.accuracy:.2%} (float32: {proof.accuracy_float32:.2%}), with its mirror image {proof.flipped:.2%} "
        f"({proof.flipped_float32:.2%}); a region's share of {proof.maps} maps changes by {100 * proof.largest_share:.3f} points at most.",
        highlight=False,
    )


@app.command(hidden=True)
def work(folder: Path) -> None:
    """Be the trainer of a run folder."""
    give_way()
    from fer_core.training.trainer import work as body

    if body(folder) == "failed":
        sys.exit(1)


@app.command()
def doctor(
    runs: Runs = ROOT,
    measure: Annotated[bool, typer.Option("--measure", help="Choose the precision for 'auto' anew, by the stopwatch.")] = False,
    as_json: Json = False,
) -> None:
    """Tell what this machine is, the precision that `auto` means on it, versions, and the data found."""
    from importlib.metadata import version

    import psutil

    models = networks()
    from fer_core import machine
    from fer_core.data.dataset import find
    from fer_core.models import kept_precision

    choice, problem = models.auto(again=measure)
    packages = ("streamlit", "tensorflow", "keras", "plotly", "numpy", "opencv-python-headless")
    facts = {
        **machine.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": models.gpus(),
        "precision": choice.precision,
        "convolution_ms": choice.milliseconds,
        "measured": choice.measured,
        "kept_in": problem or str(kept_precision.place()),
        "python": sys.version.split()[0],
        **{name: version(name) for name in packages},
        "runs": len(RunStore(runs).all()),
        "data": find([Path("data")]),
    }
    if as_json:
        return print_json(facts)
    for key, value in facts.items():
        told = ", ".join(f"{name} {part}" for name, part in value.items()) if isinstance(value, dict) else value
        console.print(f"{key:24}{told}", highlight=False)


@data_app.command("describe")
def data_describe(
    data: Annotated[str, typer.Argument()] = "demo",
    skip_bad: Annotated[Path | None, typer.Option(help="Skip bad rows and list them here.")] = None,
    as_json: Json = False,
) -> None:
    """Count classes and splits; find exact and near copies, conflicting labels and blank images."""
    from fer_core.data import near_copies
    from fer_core.data.dataset import copies, counts
    from fer_core.emotions import EMOTIONS

    dataset = load_data(data, skip_bad=skip_bad)
    found = copies(dataset)
    with progress_bar() as bar:
        task = bar.add_task("looking for near copies", total=1.0)
        near = near_copies.find(dataset, progress=lambda share: bar.update(task, completed=share))
    result = {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "notes": list(dataset.notes),
        "counts": {s: dict(zip(EMOTIONS, map(int, row), strict=True)) for s, row in counts(dataset).items()},
        "surplus_copies": {s: int(n) for s, n in found.surplus.items()},
        "conflicting_groups": len(found.conflicts),
        "blank": {s: len(i) for s, i in found.blank.items()},
        "also_in_train": {s: int(m.sum()) for s, m in found.leaked.items()},
        "near_copies_of_train": {s: int(m.sum()) for s, m in near.near.items()},
        "near_pairs_in_train": len(near.within("train")),
    }
    if as_json:
        return print_json(result)
    table = Table("emotion", *dataset, box=None)
    for name in EMOTIONS:
        table.add_row(name, *(f"{result['counts'][s][name]:,}" for s in dataset))  # type: ignore[index]
    console.print(f"{dataset.name}, fingerprint {dataset.fingerprint[:12]}", table, *dataset.notes, sep="\n")
    for key in ("surplus_copies", "conflicting_groups", "also_in_train", "near_copies_of_train", "near_pairs_in_train", "blank"):
        value = result[key]
        told = ", ".join(f"{split} {count:,}" for split, count in value.items()) if isinstance(value, dict) else f"{value:,}"
        console.print(f"{key.replace('_', ' ')}: {told or 'none'}", highlight=False)


@data_app.command("convert")
def data_convert(
    data: Annotated[str, typer.Argument()],
    out: Annotated[Path, typer.Option(help="CSV to write in the form of fer2013.csv.")],
    skip_bad: Annotated[Path | None, typer.Option(help="Skip bad rows and list them here.")] = None,
) -> None:
    """Write any form of FER2013 as fer2013.csv."""
    from fer_core.data.dataset import write_csv

    if out.exists() and Path(data).exists() and out.samefile(data):
        raise ConfigError("The CSV would take the place of its own source.", received=out, todo="choose another place with --out")
    write_csv(load_data(data, skip_bad=skip_bad), out)
    console.print(f"wrote {out}")


@data_app.command("weights")
def data_weights(
    data: Annotated[str, typer.Argument()],
    out: Annotated[Path, typer.Option(help="CSV to write: hash, weight, reason.")],
) -> None:
    """List training faces that teach nothing true, with weight 0: blank ones, and copies with different labels.

    Edit the list, and train with it: --face-weights FILE.
    """
    rows = training_set.suspects(load_data(data))
    training_set.write_weights(out, rows)
    kinds = Counter(reason for _, _, reason in rows)
    told = ", ".join(f"{count:,} {reason}" for reason, count in kinds.items()) or "none"
    console.print(f"wrote {out}: {told} (faces with the same pixels are one line)", highlight=False)


@data_app.command("demo")
def data_demo(out: Annotated[Path, typer.Option(help="CSV to write.")], seed: int = 0) -> None:
    """Write the drawn demo faces as fer2013.csv."""
    from fer_core.data.dataset import write_csv

    write_csv(load_data(f"demo:{seed}"), out)
    console.print(f"wrote {out}")


def print_summary(config: RunConfig, as_json: bool) -> None:
    """Print the layer table of a network: output shape, parameters, receptive field."""
    models = networks()

    model = models.build(config.arch, config)
    rows = models.layers(model)
    total, trainable = (sum(int(w.shape.num_elements() or 0) for w in ws) for ws in (model.weights, model.trainable_weights))
    if as_json:
        return print_json({"arch": config.arch, "parameters": total, "trainable": trainable, "layers": [vars(row) for row in rows]})
    table = Table("layer", "kind", "output", "parameters", "sees (pixels)", box=None)
    for row in rows:
        table.add_row(row.name, row.kind, str(tuple(row.shape)), f"{row.parameters:,}", str(row.receptive_field))
    console.print(table, f"{total:,} parameters ({trainable:,} trainable)", sep="\n")
