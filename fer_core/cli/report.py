"""The command `report`: a run's report as one HTML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fer_core import atomic_io
from fer_core.annotations.bookmarks import FILE, Pins
from fer_core.cli.console import console, load_data, networks, print_json, progress_bar
from fer_core.errors import ConfigError
from fer_core.report import ADDRESS, LANGUAGES, gather, html, show
from fer_core.runs import dataset_lookup
from fer_core.runs.store import RunStore


def register(app: typer.Typer) -> None:
    """Give a command line this command."""
    app.command()(report)


def report(
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    versus: Annotated[str, typer.Option(help="Name of a second run to compare with, such as a DNN.")] = "",
    data: Annotated[str, typer.Option("--data", help="'demo', or a CSV, folder or zip of FER2013; untold: the run's.")] = "",
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    lang: Annotated[str, typer.Option(help=" or ".join(LANGUAGES))] = "en",
    faces: Annotated[bool, typer.Option("--faces/--no-faces", help="Whether faces are shown in it.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other faces drawn and other noise.")] = 0,
    pins: Annotated[Path | None, typer.Option(help="File of the pinned views; untold: pins.sqlite in the folder data.")] = None,
    address: Annotated[str, typer.Option(help="Where the app runs that the pinned views open in.")] = ADDRESS,
    runs: Annotated[Path, typer.Option("--runs", help="Folder of the runs.", envvar="FER_LENS_RUNS")] = Path("checkpoints"),
    as_json: Annotated[bool, typer.Option("--json", help="Print results as JSON.")] = False,
) -> None:
    """Write the report of a run: five questions answered with its own figures, readable offline, in English or Traditional Chinese."""
    if lang not in LANGUAGES:
        raise ConfigError("The report is not written in this language.", received=lang, expected=" or ".join(LANGUAGES))
    if not out.parent.is_dir() or out.is_dir() or not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ConfigError("The report cannot be written there.", received=out,
                          expected="a file in a folder that exists and may be written to")
    store = RunStore(runs)
    opened, other, pinned = store.open(run), store.open(versus) if versus else None, Pins(pins or dataset_lookup.folder() / FILE).all()
    there = None if data else dataset_lookup.find(opened)
    dataset = load_data(data) if data else there[1] if there else None
    networks()
    with progress_bar() as bar:
        task = bar.add_task("writing the report", total=1.0)
        found = gather(opened, versus=other, dataset=dataset, split=split, faces=faces, seed=seed,
                       tell=lambda share: bar.update(task, completed=share))
    both = [opened, *([other] if other else [])]
    shown = {pin.path: show(pin, both, dataset) for pin in pinned}
    text = html(found, lang, pins=pinned, shown=shown, address=address).encode()
    atomic_io.write_bytes(out, text)
    missing = list(dict.fromkeys("split" if entry.key == "missing.split" else entry.place for entry in found.missing))
    if as_json:
        return print_json({"file": str(out), "bytes": len(text), "missing": missing})
    console.print(f"wrote {out}: {len(text) / 1e6:.1f} MB" + (f"; missing: {', '.join(missing)}" if missing else ""), highlight=False)
