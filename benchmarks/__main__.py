"""All benchmarks, one after the other, and the table of README made of what they print.

    python -m benchmarks [--fer2013 FER2013] [--only start matrix] [--into README.md]

Takes about half an hour on two cores; nothing else should run beside it. FER2013 (the CSV or a zip) is read, the portrait is then that of
the shipped CNN too, near copies are looked for among its faces too, and the mouths are measured; untold, noise is read and these are
left out. Without `--into` the table is only printed. With `--only`, the other rows of the table stay, if they were measured on the same
processor.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.table import HEAD, ROOT, machine, rows, table_of, with_table

ALL = ("start", "data", "near_copies", "training", "matrix", "saliency", "ground_truth", "portrait", "ascent", "filters", "mouths", "load")


def calls(name: str, faces: Path | None) -> list[list[str]]:
    """Give the command lines of a benchmark."""
    if name == "data" and faces:
        return [["data", *(["--zip"] if faces.suffix == ".zip" else []), str(faces)]]
    if name == "near_copies" and faces:
        return [["near_copies", str(faces)], ["near_copies"]]
    if name == "portrait" and faces:
        return [["portrait", "--run", "cnn-fer2013", "--data", str(faces)], ["portrait"]]
    if name == "mouths":
        return [["mouths", str(faces)]] if faces else []
    return [[name]]


def main() -> None:
    """Run the benchmarks and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fer2013", type=Path, help="FER2013, as CSV or as a zip")
    parser.add_argument("--only", nargs="*", choices=ALL, default=ALL)
    parser.add_argument("--into", type=Path, help="file whose table is replaced, such as README.md")
    told = parser.parse_args()
    faces = told.fer2013.resolve() if told.fer2013 else None
    text = told.into.read_text(encoding="utf8") if told.into else ""
    old = rows(table_of(text)) if told.into else []
    kept = [line for line in old if not any(f"benchmarks.{name}" in line for name in told.only)]
    if kept and machine() not in table_of(text):
        raise SystemExit(f"The other rows of the table were measured on another processor than {machine()}: measure all of them.")
    load, found, failed = os.getloadavg()[0], list[str](), []
    for call in (call for name in told.only for call in calls(name, faces)):
        print(f"== {' '.join(call)}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{call[0]}", *call[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        found += rows(done.stdout)
        if done.returncode:
            failed.append(call[0])
    found = sorted(found + kept, key=lambda line: next(at for at, name in enumerate(ALL) if f"benchmarks.{name}" in line))
    table = "\n".join([f"\nMedians. {machine()}, load {load:.1f} at the start.\n", HEAD, *found, ""])
    print(table)
    if failed:
        raise SystemExit(f"These benchmarks failed, so the table was not written: {', '.join(failed)}.")
    if told.into:
        told.into.write_text(with_table(text, table), encoding="utf8")


if __name__ == "__main__":
    main()
