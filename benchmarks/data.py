"""Measure the reading of FER2013 beside a plain pandas-and-split reading, in turns, each in its own process, medians of repeats.

    python -m benchmarks.data [FER2013.CSV] [--zip FER2013.ZIP] [--repeats 3]

Without a CSV, one of the zip's faces is written into a temporary folder; without a zip too, one of 32,298 faces of noise (271 MB).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.table import ROOT, row

OURS = """
import sys, time, json, resource
start = time.perf_counter()
from fer_core.data.dataset import read
dataset = read(sys.argv[1])
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([seconds, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, sum(map(len, dataset.values()))]))
"""
PANDAS = """
import sys, time, json, resource
start = time.perf_counter()
import numpy as np, pandas as pd
frame = pd.read_csv(sys.argv[1])
images = np.array([np.array(text.split(), dtype=np.uint8) for text in frame["pixels"]]).reshape(-1, 48, 48)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([seconds, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, len(images)]))
"""


def timed(code: str, path: Path, cache: Path) -> list[float]:
    """Return [seconds from import to faces, peak MB, processor seconds, faces] of one fresh process."""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd=ROOT,
                          env={**os.environ, "FER_LENS_CACHE": str(cache), "PYTHONPATH": str(ROOT)})
    return list(json.loads(done.stdout))


def csv_of(archive: Path | None, path: Path) -> Path:
    """Write the faces of an archive, or 32,298 faces of noise in the official splits' sizes, as CSV."""
    import numpy as np

    from fer_core.data.dataset import Dataset, Split, read, write_csv

    if archive:
        write_csv(read(archive), path)
        return path
    generator = np.random.default_rng(0)
    sizes = {"train": 28709, "validation": 3589}
    write_csv(Dataset({name: Split(generator.integers(0, 256, (n, 48, 48), np.uint8), generator.integers(0, 7, n), np.arange(n))
                       for name, n in sizes.items()}, "noise", ""), path)
    return path


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack the image-folder form, to measure it as a folder."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


def report(name: str, results: list[list[float]]) -> None:
    """Print one line of the table."""
    seconds = [result[0] for result in results]
    print(f"{name:32} {statistics.median(seconds):7.2f} s  ({min(seconds):.2f} to {max(seconds):.2f})  "
          f"{statistics.median(result[2] for result in results):6.2f} s of processor  "
          f"{max(result[1] for result in results):6.0f} MB peak  {results[0][3]:,.0f} faces")


def main() -> None:
    """Measure every form cold and warm, and pandas beside the CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", nargs="?", type=Path)
    parser.add_argument("--zip", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        forms = {"csv": (asked.csv or csv_of(asked.zip, where / "fer2013.csv")).resolve()}
        if asked.zip:
            forms |= {"zip": asked.zip.resolve(), "folder": unpacked(asked.zip, where / "folder")}
        results: dict[str, list[list[float]]] = {}
        for _ in range(asked.repeats):
            for name, path in forms.items():
                shutil.rmtree(where / "cache", ignore_errors=True)
                results.setdefault(f"{name}, cold", []).append(timed(OURS, path, where / "cache"))
                results.setdefault(f"{name}, warm", []).append(timed(OURS, path, where / "cache"))
                if name == "csv":
                    results.setdefault("csv, pandas and split", []).append(timed(PANDAS, path, where / "cache"))
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        for name, rows in results.items():
            report(name, rows)
        cold, warm = (statistics.median(one[0] for one in results[f"csv, {name}"]) for name in ("cold", "warm"))
        peak = max(one[1] for one in results["csv, cold"])
        pandas = statistics.median(one[0] for one in results["csv, pandas and split"])
        row(f"FER2013 as CSV ({results['csv, cold'][0][3]:,.0f} rows), first reading / later ones",
            f"{cold:.2f} s, {peak:.0f} MB / {warm:.2f} s; pandas and split {pandas:.1f} s", "data", "3 s, 1 GB / 0.3 s")
        for name, what in (("zip", "a zip of it"), ("folder", "its folder of images")):
            if name in forms:
                cold, warm = (statistics.median(one[0] for one in results[f"{name}, {state}"]) for state in ("cold", "warm"))
                row(f"{what}, first reading / later ones", f"{cold:.1f} s / {warm:.2f} s", "data --zip FER2013.ZIP")


if __name__ == "__main__":
    main()
