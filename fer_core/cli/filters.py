"""The commands of the filter explorer: ascend, gallery, activations, wall, and the painter behind a wall."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from fer_core.cli.console import console, networks, print_json, progress_bar, run_data
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import ConfigError
from fer_core.runs import dataset_lookup
from fer_core.runs.processes import give_way
from fer_core.runs.store import Run, RunStore

if TYPE_CHECKING:
    from fer_core.feature_vis.ascent import Objective
    from fer_core.plots.contact_sheet import Group

RunId = Annotated[str, typer.Argument(help="Name of the run.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder of the runs.", envvar="FER_LENS_RUNS")]
Layer = Annotated[str, typer.Option("--layer", help="Layer, such as conv1 or dense1.")]
Preset = Annotated[str, typer.Option("--preset", help="report, standard or strong.")]
Seed = Annotated[int, typer.Option("--seed", help="Another seed, other pictures.")]
Json = Annotated[bool, typer.Option("--json", help="Print results as JSON.")]
ROOT = Path("checkpoints")


def register(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.command()(ascend)
    app.command()(gallery)
    app.command()(activations)
    app.command()(wall)
    app.command(hidden=True)(paint)


def ascend(
    run: RunId,
    out: Annotated[Path, typer.Option(help="Picture to write: .png, .npy (float32), or .gif of the way there.")],
    layer: Layer = "",
    units: Annotated[str, typer.Option(help="Units of the layer, such as 0-8 or 3,5.")] = "0-8",
    classes: Annotated[str, typer.Option(help="Instead of a layer: emotions, such as happy,sad.")] = "",
    versus: Annotated[str, typer.Option(help="Rather than these emotions.")] = "",
    preset: Preset = "standard",
    steps: Annotated[int | None, typer.Option(help="Untold: the preset's.")] = None,
    seed: Seed = 0,
    runs: Runs = ROOT,
    as_json: Json = False,
) -> None:
    """Paint what excites units of a layer, or classes, by gradient ascent."""
    if out.suffix not in (".png", ".npy", ".gif"):
        raise ConfigError("This is no kind of picture.", received=out.name, expected=".png, .npy or .gif")
    model = networks().load(RunStore(runs).open(run))
    from fer_core.feature_vis import ascent
    from fer_core.models import submodels

    objectives = ascent.OBJECTIVES
    target = objectives["difference"](classes.split(","), versus.split(",")) if classes and versus else (
        objectives["class"](classes.split(",")) if classes else objectives["filter"](submodels.activated(model, layer), _numbers(units)))
    frames = _climb(model, target, preset, steps, seed, every=4 if out.suffix == ".gif" else 16)
    _write(out, frames)
    if as_json:
        return print_json({"run": run, "step": frames[-1].step, "scores": frames[-1].scores.tolist(), "file": str(out)})
    console.print(f"wrote {out}: {len(frames[-1].images)} pictures, scores {', '.join(f'{score:.3g}' for score in frames[-1].scores)}")


def _climb(model: Any, target: Objective, preset: str, steps: int | None, seed: int, every: int) -> list[Any]:
    from fer_core.feature_vis import ascent

    total = steps or ascent.PRESETS[preset].steps if preset in ascent.PRESETS else 1
    frames = []
    with progress_bar() as bar:
        task = bar.add_task("climbing", total=total)
        for frame in ascent.ascend(model, target, steps=steps, seed=seed, preset=preset, every=every):
            bar.update(task, completed=frame.step)
            frames.append(frame)
    return frames


def _numbers(text: str) -> list[int]:
    """Read units such as 0-8 or 3,5."""
    try:
        spans = [part.split("-") for part in text.split(",")]
        return [unit for span in spans for unit in range(int(span[0]), int(span[-1]) + 1)]
    except ValueError:
        raise ConfigError("These are no numbers of units.", received=text, expected="such as 0-8 or 3,5") from None


def _write(out: Path, frames: list[Any]) -> None:
    """Write the last pictures, or the whole way as an animation."""
    from PIL import Image

    if out.suffix == ".npy":
        return np.save(out, frames[-1].images)
    sheets = [Image.fromarray(grid(frame.images)).resize(tuple(3 * s for s in grid(frame.images).shape[::-1])) for frame in frames]
    if out.suffix == ".gif":
        return sheets[0].save(out, save_all=True, append_images=sheets[1:], duration=80, loop=0)
    return sheets[-1].save(out)


def grid(pictures: np.ndarray, gap: int = 2) -> np.ndarray:
    """Lay pictures (n, 48, 48) of 0 to 255 out in a nearly square grid: uint8."""
    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows, step = -(-len(pictures) // columns), SIDE + gap
    sheet = np.full((rows * step + gap, columns * step + gap), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = gap + i // columns * step, gap + i % columns * step
        sheet[top : top + SIDE, left : left + SIDE] = np.clip(np.rint(picture), 0, 255)
    return sheet


def gallery(
    run: RunId,
    out: Annotated[Path, typer.Option(help="Picture to write: .png.")],
    contrasts: Annotated[str, typer.Option(help="Pairs of emotions: the one rather than the other.")] = "happy-sad,sad-neutral",
    preset: Preset = "standard",
    seed: Seed = 0,
    runs: Runs = ROOT,
) -> None:
    """Hang a network's own pictures on one sheet: filters of its first and last layer by number, the classes, and contrasts."""
    if out.suffix != ".png":
        raise ConfigError("This is no kind of picture.", received=out.name, expected=".png")
    pairs = [pair.split("-") for pair in contrasts.split(",")]
    if any(len(pair) != 2 for pair in pairs):
        raise ConfigError("These are no pairs of emotions.", received=contrasts, expected="such as happy-sad,sad-neutral")
    from PIL import Image

    from fer_core.plots import contact_sheet

    model = networks().load(RunStore(runs).open(run), precision="float32")
    shelves = _shelves(model, [(p, q) for p, q in pairs], preset, seed)
    Image.fromarray(contact_sheet.sheet(shelves)).save(out, optimize=True)
    console.print(f"wrote {out}: {out.stat().st_size / 1000:.0f} kB")


def _shelves(model: Any, pairs: list[tuple[str, str]], preset: str, seed: int) -> list[list[Group]]:
    """Paint what hangs in a gallery. Filters are taken evenly by their number, none for its looks."""
    from fer_core import models
    from fer_core.feature_vis import ascent
    from fer_core.models import submodels
    from fer_core.plots import contact_sheet
    from fer_core.plots.theme import EMOTION_COLOURS

    hidden = [name for name in submodels.watched(model) if name != ascent.LOGITS]
    grids = [name for name in hidden if len(submodels.find(model, name).output.shape) == 4] or hidden
    facts = {row.name: row for row in models.layers(model)}

    def painted(target: Objective) -> Any:
        return _climb(model, target, preset, None, seed, every=16)[-1].images

    def layer(name: str, title: str) -> list[Group]:
        count = submodels.units(model, name)
        units = np.unique(np.linspace(0, count - 1, 2 * contact_sheet.COLUMNS).round().astype(int)).tolist()
        side, noun = facts[name].receptive_field, "filters" if name in grids and grids is not hidden else "neurons"
        seen = f"each sees {side} x {side} pixels" if side < SIDE else "each sees the whole face"
        pictures = painted(ascent.OBJECTIVES["filter"](name, units))
        return [contact_sheet.Group(title, pictures, f"{submodels.origin(model, name)}, {len(units)} of {count:,} {noun}, {seen}")]

    kind = "convolution" if grids is not hidden else "hidden layer"
    classes = contact_sheet.Group("The seven classes", painted(ascent.OBJECTIVES["class"](list(EMOTIONS))), "",
                            [name.capitalize() for name in EMOTIONS], list(EMOTION_COLOURS.values()))
    contrast = contact_sheet.Group("One rather than another", painted(ascent.OBJECTIVES["difference"](*zip(*pairs, strict=True))), "",
                             [f"{p.capitalize()}, not {q.capitalize()}" for p, q in pairs], [EMOTION_COLOURS[p] for p, _ in pairs])
    room = len(EMOTIONS) + len(pairs) <= contact_sheet.COLUMNS
    last = [[classes, contrast]] if room else [[classes], [contrast]]
    return [layer(grids[0], f"First {kind}"), layer(grids[-1], f"Last {kind}"), *last]


def activations(
    run: RunId,
    data: Annotated[str, typer.Option("--data", help="'demo', or a CSV, folder or zip of FER2013; untold: the run's.")] = "",
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    runs: Runs = ROOT,
) -> None:
    """Make the table of every filter's answer to every face of a split; Ctrl-C stops it, and it goes on from there."""
    opened = RunStore(runs).open(run)
    model, dataset = networks().load(opened), run_data(opened, data)
    from fer_core.runs import background as tasks
    from fer_core.units import activation_table as tables

    folder = tables.place(opened, dataset, split)
    folder.mkdir(parents=True, exist_ok=True)
    with tasks.telling(folder) as tell, progress_bar() as bar:
        task = bar.add_task(f"answers to {split}", total=1.0)
        for share in tables.make(opened, model, dataset, split):
            bar.update(task, completed=share)
            tell(share)
    console.print(f"{run}: the table of {len(dataset[split]):,} {split} faces is complete")


def wall(
    run: RunId,
    layer: Layer,
    preset: Preset = "standard",
    seed: Seed = 0,
    background: Annotated[bool, typer.Option("--background", help="Paint in a process of its own and return at once.")] = False,
    runs: Runs = ROOT,
) -> None:
    """Paint every unit of a layer into the run folder; what is painted already is kept."""
    from fer_core.feature_vis import unit_images
    from fer_core.feature_vis.settings import PRESETS

    if preset not in PRESETS:
        raise ConfigError("There is no such preset.", received=preset, expected=" or ".join(PRESETS))
    opened = RunStore(runs).open(run)
    opened.check_network()
    model = networks().build(opened.config.arch, opened.config)
    from fer_core.models import submodels

    name = submodels.activated(model, layer)
    asked = unit_images.ask(opened, name, submodels.units(model, name), preset, seed)
    if background:
        asked.start()
        return console.print(f"painting {name} into {asked.folder}")
    _paint(asked.folder, watched=True)


def paint(folder: Path) -> None:
    """Be the painter of a wall's folder."""
    give_way(5)
    _paint(folder)


def _paint(folder: Path, watched: bool = False) -> None:
    from fer_core.feature_vis import unit_images
    from fer_core.runs import background as tasks

    wanted = unit_images.Wall(folder)
    run, ready = wanted.run, float(np.isfinite(wanted.scores).mean())

    def look(others_wait: bool) -> None:
        if watched:
            wanted.look()
        elif others_wait and wanted.unseen > unit_images.PATIENCE:
            wanted.leave()

    def wait() -> None:
        look(True)
        tell(ready, tasks.WAITS)

    def beat(share: float) -> None:
        bar.update(task, completed=share)
        look(others_wait())
        tell(share)

    with tasks.telling(folder) as tell, tasks.turn(wanted.easel, wait) as others_wait, progress_bar() as bar:
        task = bar.add_task(f"painting {wanted.layer}", total=1.0)
        models = networks()
        beat(ready)  # it took seconds: maybe nobody looks any more
        model = models.load(run, precision="float32")
        from fer_core.feature_vis import unit_painter

        table, split = _faces(run)
        beat(ready)
        for share in unit_painter.fill(wanted, model, table=table, split=split, beat=beat):
            beat(share)
    console.print(f"{run.id}: {len(wanted.scores):,} units of {wanted.layer}, {len(wanted.remarks)} dead, in {folder}")


def _faces(run: Run) -> tuple[Any, Any]:
    """Give the complete table of the validation faces, and the faces; nothing where one is missing."""
    from fer_core.units import activation_table as activations

    found = dataset_lookup.find(run)
    if found is None:  # the run's data is not on this machine: the wall is painted without faces
        return None, None
    return activations.table(run, found[1], "validation"), found[1]["validation"]
