"""All benchmarks, one after the other, and the table of README made of what they print.

    python -m benchmarks [--only start matrix] [--csv FER2013.CSV] [--into README.md]

Takes about an hour on two cores; nothing else should run beside it. Without `--into` the table is only printed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.table import HEAD, ROOT, between, machine, rows

ALL = ("start", "data", "training", "matrix", "saliency", "ground_truth", "portrait", "ascent", "filters", "load")


def main() -> None:
    """Run the benchmarks and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=ALL, default=ALL)
    parser.add_argument("--csv", type=Path, help="FER2013 as CSV; untold: faces of noise of the same number")
    parser.add_argument("--into", type=Path, help="file whose table is replaced, such as README.md")
    told = parser.parse_args()
    where, found, failed = machine(), [], []
    for name in told.only:
        extra = [str(told.csv.resolve())] if name == "data" and told.csv else []
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *extra], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        found += rows(done.stdout)
        if done.returncode:
            failed.append(name)
    table = "\n".join([f"\nMedians. {where}.\n", HEAD, *found, ""])
    print(table)
    if failed:
        raise SystemExit(f"These benchmarks failed, so the table was not written: {', '.join(failed)}.")
    if told.into:
        told.into.write_text(between(told.into.read_text(encoding="utf8"), table), encoding="utf8")


if __name__ == "__main__":
    main()
