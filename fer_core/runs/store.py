"""Run folders: create, open, list, rename, ask to stop. The folder is the only channel between the trainer and the pages.

Numpy and JSON only; nothing that a run folder holds can run code when it is opened. A damaged folder is listed as damaged.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import re
import time
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core import atomic_io
from fer_core.config import RunConfig, parse, split_unknown
from fer_core.data.splits import counts, official
from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError, ModelError, RunError
from fer_core.messages import Sentence
from fer_core.runs.processes import Process
from fer_core.runs.training_dynamics import FILE as DYNAMICS
from fer_core.runs.training_dynamics import DynamicsSummary
from fer_core.runs.training_dynamics import read as read_dynamics

if TYPE_CHECKING:
    from fer_core.data.splits import Dataset

COLUMNS = (
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
    *(f"recall_{name}" for name in EMOTIONS),
    "plain_val_loss",
    "plain_val_accuracy",
)
"""Columns of history.csv: a row per epoch; losses in nats, accuracies and recalls 0 to 1.

`plain_` columns are of the weights themselves where averaged ones are validated and kept; NaN elsewhere.
"""
ALWAYS = tuple(name for name in COLUMNS if not name.startswith("plain_"))
"""Columns that every epoch fills."""
BEYOND = "beyond the last column"

ALIVE = ("queued", "running", "stopping")
STATES = (*ALIVE, "stopped", "finished", "failed", "lost")
WEIGHTS = "weights.safetensors"
"""File of the network of the best epoch; a run without it may still keep predictions."""
PREDICTIONS = "predictions.npz"
"""File of what a run says of each split."""
SAME_ANSWERS = 1e-3
"""Largest change of a probability between two askings of the same network: its arithmetic is another on another machine."""
KINDS = ("single", "mirror", "views")
"""Ways to answer: by one look at each face, by it and its mirror image, or by several looks."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
ON_REQUEST = "Stopped on request; resuming goes on from the very step."
EARLY_STOP = "Early stopping: no better epoch in {epochs}."
GONE = "The training process is gone; last sign of life: {time}."
NO_SPACE = "The disk is full. Free some space, then resume: the last saved step is safe."
NO_MEMORY = "The memory is exhausted. Choose a smaller batch, close other programs, then resume."
REASONS = (ON_REQUEST, EARLY_STOP, GONE, NO_SPACE, NO_MEMORY)
"""Why a run ended, as its status says it."""
VALIDATING = "validating epoch {epoch}"
FOLD = "fold {fold} of {folds}"
PHASES = ("starting", "reading the faces", "starting TensorFlow", VALIDATING, "predicting with the best epoch", FOLD,
          "putting the folds together")
"""What a trainer says that it does now."""


@dataclass(frozen=True)
class Status:
    """What the trainer last said, and what the operating system says of it."""

    state: str = "queued"
    reason: str = ""
    process: dict[str, Any] | None = None  # as processes.Process
    heartbeat: float = 0.0  # seconds since 1970
    sequence: int = 0  # grows with every sign of progress
    phase: str = ""  # what the trainer does now, in words
    epoch: int = 0  # epochs that are complete
    epochs: int = 0
    step: int = 0  # steps of the epoch under way
    steps: int = 0
    loss: float | None = None  # mean of the epoch under way, nats
    accuracy: float | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None  # of the whole run

    @property
    def alive(self) -> bool:
        """Tell whether a trainer works on the run or is about to."""
        return self.state in ALIVE

    @property
    def age(self) -> float:
        """Seconds since the last heartbeat."""
        return max(0.0, time.time() - self.heartbeat)


@dataclass(frozen=True)
class Predictions:
    """What a run says of one split: probabilities float32 (n, 7), features (n, d) before the last layer."""

    split: str
    fingerprint: str  # of the data set predicted
    labels: np.ndarray
    probabilities: np.ndarray
    flipped: np.ndarray | None  # probabilities averaged over each face and its mirror image
    features: np.ndarray | None
    leaked: np.ndarray  # bool (n,): the very pixels stand in the training split
    views: np.ndarray | None = None  # probabilities averaged over several looks at each face
    looks: int = 0  # how many those are
    near: np.ndarray | None = None  # bool (n,): an altered copy stands there; None: written before these were looked for

    def by(self, kind: str) -> np.ndarray | None:
        """Give the probabilities float32 (n, 7) of a kind of `KINDS`, or `None` where the run was not asked so."""
        return {"single": self.probabilities, "mirror": self.flipped, "views": self.views}[kind]

    def looks_of(self, kind: str) -> int:
        """Count the looks at each face that a kind of `KINDS` averages."""
        return {"single": 1, "mirror": 2, "views": self.looks}[kind]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name the kinds of `KINDS` that are stored; the single look always is."""
        return tuple(kind for kind in KINDS if self.by(kind) is not None)


@dataclass
class Meta:
    """What a person says of a run; it never changes what was measured."""

    title: str = ""
    note: str = ""
    archived: bool = False
    colour: int = 0
    created: str = ""
    shipped: bool = False  # given away: the folder is never written to but for these words


@dataclass
class Run:
    """A run folder. Reading it raises `RunError` in words; `RunStore.all` turns that into `damage`."""

    path: Path
    damage: str | None = None
    _stamps: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.path.name

    @cached_property
    def config(self) -> RunConfig:
        """The knobs that this version knows, from config.json; `unknown_knobs` has the others."""
        known, _ = split_unknown(self._json("config.json"))
        return parse(known)

    @property
    def unknown_knobs(self) -> dict[str, Any]:
        """Knobs of a later version in config.json, with their values; such a run opens, but is not trained here."""
        _, unknown = split_unknown(self._json("config.json"))
        return unknown

    @property
    def has_network(self) -> bool:
        """Tell whether the weights of a network are there; a run may consist of predictions alone."""
        return (self.path / WEIGHTS).exists()

    @property
    def origin(self) -> dict[str, Any]:
        """Where predictions come from that no network of this run made: `kind` (ensemble or crossfit) and `members`, from facts.json.

        Empty for a run that was trained.
        """
        told = self.facts.get("origin", {})
        return told if isinstance(told, dict) else {}

    @property
    def members(self) -> list[str]:
        """Names of the runs that its predictions come from; empty for a run that was trained."""
        told = self.origin.get("members", [])
        return [str(member) for member in told] if isinstance(told, list) else []

    @property
    def alone(self) -> str:
        """Say that the run is predictions alone, and whose; empty where it has a network, or its work is not at its end."""
        if self.has_network or self.status.state != "finished":
            return ""
        members = ", ".join(self.members)
        if self.origin.get("kind") == "ensemble":
            return Sentence("Predictions alone: the mean of {members}.", members=members)
        if self.origin.get("kind") == "crossfit":
            return Sentence(
                "Predictions alone: every training face was answered by a network that had not learned from it ({members}).",
                members=members,
            )
        if self.origin:
            return Sentence("Predictions alone, from {members}.", members=members)
        return Sentence("Its weights are not in the run folder.")

    def check_network(self) -> None:
        """Raise `ModelError` in words where there is no network to be asked."""
        if self.has_network:
            return
        alone = self.alone
        if not alone:
            raise ModelError("The run has no weights yet.", received=self.id, todo="wait for the end of its first epoch")
        there = [member for member in self.members if (self.path.parent / member / WEIGHTS).exists()]
        raise ModelError(
            Sentence("{run} has no network that could be asked.", run=self.id),
            received=alone,
            expected="a run with weights",
            todo=Sentence("choose one of {members}", members=", ".join(there)) if there else "choose another run",
        )

    @property
    def weights_digest(self) -> str:
        """Give the SHA-256 of the weights; empty where there are none."""
        path = self.path / WEIGHTS
        if not path.exists():
            return ""
        facts = path.stat()
        return _digest(path, facts.st_mtime_ns, facts.st_size)

    @property
    def shipped(self) -> bool:
        """Tell whether the run was given away with `ship`: its folder stays as it is, whatever is computed of it."""
        return self.meta.shipped

    @property
    def desk(self) -> Path:
        """Folder for what is computed of the run: its own, or of a shipped run one in the cache, for these very weights.

        It need not be there yet.
        """
        if not self.shipped:
            return self.path
        return atomic_io.cache_folder() / "runs" / f"{self.id}-{self.weights_digest[:16]}"

    @property
    def prediction_files(self) -> tuple[Path, ...]:
        """Files that hold predictions, its own first; of a shipped run there is a second one in the cache."""
        return tuple(dict.fromkeys((self.path / PREDICTIONS, self.desk / PREDICTIONS)))

    def check_trainable(self) -> None:
        """Raise `RunError` where this version would train something else than config.json says."""
        if self.config.arch == "none":
            raise RunError(
                Sentence("{run} is predictions alone: there is no network to train.", run=self.id),
                received=self.alone or None,
                todo="train a run of its own, or resume one of its members",
            )
        unknown = self.unknown_knobs
        if unknown:
            raise RunError(
                Sentence("{run} has settings that this version does not know, so it is not trained here.", run=self.id),
                received=", ".join(f"{name}={value!r}" for name, value in unknown.items()),
                todo="train it with the version that made it",
            )

    @property
    def meta(self) -> Meta:
        """Title, note, archive mark and colour, from meta.json."""
        if not (self.path / "meta.json").exists():
            return Meta(title=self.id)
        values = self._json("meta.json")
        return Meta(**{f.name: values[f.name] for f in fields(Meta) if f.name in values})

    @property
    def title(self) -> str:
        """What a person calls the run; its id unless renamed."""
        return self.meta.title or self.id

    @property
    def status(self) -> Status:
        """The state now: a trainer whose process is gone is `lost`, one that was asked to stop is `stopping`."""
        values = self._json("status.json")
        known = {f.name for f in fields(Status)}
        status = Status(**{k: v for k, v in values.items() if k in known})
        if status.state not in STATES:
            raise RunError(f"{self.id}/status.json names an unknown state.", received=status.state, expected=" or ".join(STATES))
        if not status.alive or status.process is None:
            return status
        try:
            there = Process(**status.process).is_alive(status.heartbeat)
        except TypeError:
            raise RunError(
                f"{self.id}/status.json does not name its process.", received=status.process, expected="pid, began and host"
            ) from None
        if not there:
            reason = GONE.format(time=f"{datetime.fromtimestamp(status.heartbeat):%Y-%m-%d %H:%M:%S}")
            return Status(**{**asdict(status), "state": "lost", "reason": reason, "seconds_left": None})
        if status.state == "running" and self.stop_requested:
            return Status(**{**asdict(status), "state": "stopping"})
        return status

    @property
    def facts(self) -> dict[str, Any]:
        """What the run was made with: `data` (name, fingerprint, counts), `model`, `machine`; empty before the first epoch."""
        return self._json("facts.json") if (self.path / "facts.json").exists() else {}

    def knows(self, dataset: Dataset) -> bool:
        """Tell whether a data set is the one that the run was trained on, or FER2013 in another edition."""
        trained = self.facts.get("data", {})
        if trained.get("fingerprint") in (None, dataset.fingerprint):
            return True
        return official(trained.get("counts", {})) and official(counts(dataset))

    @property
    def history(self) -> dict[str, np.ndarray]:
        """Columns of history.csv as float64 arrays; empty arrays before the first epoch.

        `COLUMNS` are always there, NaN where an earlier version did not write them; columns of a later version come after them.
        """
        path = self.path / "history.csv"
        if not path.exists():
            return {name: np.empty(0) for name in COLUMNS}
        try:
            with open(path, newline="") as file:
                table = csv.DictReader(file, restkey=BEYOND)
                rows = list(table)
            written = list(table.fieldnames or ())
            if "epoch" not in written or any(BEYOND in row for row in rows):
                raise ValueError("a table without epochs" if "epoch" not in written else "a row longer than its head")
            absent = np.full(len(rows), np.nan)
            known = {name: _numbers(rows, name) if name in written else absent for name in COLUMNS}
            later = {name: _numbers(rows, name) for name in written if name not in COLUMNS}
            return known | later
        except (ValueError, TypeError, UnicodeDecodeError) as error:
            raise RunError(f"{self.id}/history.csv cannot be read.", received=repr(error), expected="a row of numbers per epoch") from None

    @property
    def notes(self) -> tuple[Sentence, ...]:
        """What a person should know of a run that another version wrote; empty for a run of this version."""
        notes = []
        unknown = self.unknown_knobs
        if unknown:
            notes.append(Sentence("A later version made it: the settings {names} are kept, and unknown here.", names=", ".join(unknown)))
        history = self.history
        later = [name for name in history if name not in COLUMNS]
        if later:
            notes.append(Sentence("history.csv has columns that this version does not know: {names}.", names=", ".join(later)))
        absent = [name for name in ALWAYS if len(history[name]) and np.isnan(history[name]).all()]
        if absent:
            notes.append(Sentence("history.csv does not tell {names}.", names=", ".join(absent)))
        return tuple(notes)

    @property
    def confusion(self) -> np.ndarray:
        """The validation matrix of every epoch, int64 (epochs, 7, 7), rows true."""
        return self._arrays("confusion.npz").get("matrices", np.zeros((0, 7, 7), np.int64))

    @property
    def probes(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices (16,) of fixed validation faces, and their probabilities float32 (epochs, 16, 7)."""
        arrays = self._arrays("probes.npz")
        return arrays.get("indices", np.empty(0, np.int64)), arrays.get("probabilities", np.empty((0, 0, 7), np.float32))

    @property
    def best(self) -> tuple[int, float] | None:
        """Best epoch, counted from 1, and its value of `config.monitor`; `None` before the first epoch."""
        return best_epoch(self.history, self.config)

    @property
    def dynamics(self) -> DynamicsSummary | None:
        """How each face of the train split was learned; `None` for a run that does not tell it."""
        return read_dynamics(self.path / DYNAMICS)

    def predictions(self, split: str) -> Predictions | None:
        """Read what the run says of a split, or `None` where it has not been asked yet.

        A shipped run's own answers come first. What the cache has beside them is added: other splits, and other kinds of looks at the
        same faces. Answers to another edition of the faces take their place, for they were asked for since.
        """
        own, *cached = [self._stored(path, split) for path in self.prediction_files]
        part = functools.reduce(_merged, cached, own)
        if not part:
            return None
        try:
            return Predictions(
                split,
                str(part["fingerprint"]),
                part["labels"],
                part["probabilities"],
                part.get("flipped"),
                part.get("features"),
                part["leaked"],
                part.get("views"),
                int(part.get("looks", 0)),
                part.get("near"),
            )
        except KeyError as error:
            raise RunError(f"{self.id}/predictions.npz lacks a part.", received=f"no {error}", todo="predict the split again") from None

    def _stored(self, path: Path, split: str) -> dict[str, np.ndarray]:
        """Read the arrays of a split from a file, by their names without the split's; empty where it has no answers to it."""
        arrays = self._arrays(PREDICTIONS, path)
        if f"{split}.probabilities" not in arrays:
            return {}
        return {name.split(".", 1)[1]: value for name, value in arrays.items() if name.startswith(split + ".")}

    def write_predictions(self, predictions: Predictions) -> None:
        """Store what the run says of a split beside the other splits; of a shipped run, in the cache.

        Views that were stored before are kept where the new answers have none and are of the same network and faces.
        """
        path = self.desk / PREDICTIONS
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            arrays = self._arrays(PREDICTIONS, path)
            before = self._stored(path, predictions.split)
        except RunError:
            arrays, before = {}, {}
        parts = {k: v for k, v in asdict(predictions).items() if k != "split" and v is not None}
        if predictions.views is None and _same_answers(before, predictions):
            parts |= {name: before[name] for name in ("views", "looks") if name in before}
        others = {name: value for name, value in arrays.items() if not name.startswith(predictions.split + ".")}
        own = {f"{predictions.split}.{name}": np.asarray(value) for name, value in parts.items()}
        atomic_io.write_arrays(path, **others, **own)

    def log_tail(self, lines: int = 40) -> list[str]:
        """Read the last lines of log.txt."""
        path = self.path / "log.txt"
        if not path.exists():
            return []
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 400 * lines))
            return file.read().decode(errors="replace").splitlines()[-lines:]

    @property
    def stop_requested(self) -> bool:
        """Tell whether a person asked the trainer to stop."""
        return (self.path / "stop").exists()

    def request_stop(self) -> None:
        """Ask the trainer to stop after the step under way, keeping all it did."""
        if not self.status.alive:
            raise RunError(Sentence("{run} is not training.", run=self.id), received=self.status.state)
        (self.path / "stop").touch()

    def update_meta(self, **changes: Any) -> None:
        """Change title, note, archive mark or colour."""
        atomic_io.write_json(self.path / "meta.json", {**asdict(self.meta), **changes})

    def write_status(self, status: Status) -> None:
        """Replace the status; on a full disk the old file is overwritten in place, so that the reason is not lost."""
        try:
            atomic_io.write_json(self.path / "status.json", asdict(status))
        except OSError:
            with open(self.path / "status.json", "r+", encoding="utf8") as file:
                text = json.dumps(asdict(status))
                file.write(text)
                file.truncate()

    def check(self) -> None:
        """Read every part once; the first that cannot be read raises `RunError`."""
        _ = (self.config, self.meta, self.status, self.facts, self.history, self.confusion, self.probes)
        self._check_weights()

    def _check_weights(self) -> None:
        """Compare the length that the weights' header tells with the file's own: a cut-off file is found without reading it."""
        path = self.path / WEIGHTS
        if not path.exists():
            return
        try:
            with open(path, "rb") as file:
                length = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(min(length, 1 << 20)))
            ends = [part["data_offsets"][1] for name, part in header.items() if name != "__metadata__"]
            whole = path.stat().st_size == 8 + length + max(ends)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise RunError(f"{self.id}/weights.safetensors is cut off or no safetensors file.", todo="resume or train the run again")

    def _json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads((self.path / name).read_text(encoding="utf8"))
        except FileNotFoundError:
            raise RunError(f"{self.id}/{name} is missing.", todo="restore the file, or archive the run") from None
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.id}/{name} cannot be read.",
                received=str(error),
                expected="JSON as the trainer wrote it",
                todo="restore the file, or archive the run",
            ) from None
        if not isinstance(value, dict):
            raise RunError(f"{self.id}/{name} holds no JSON object.", received=type(value).__name__)
        return value

    def _arrays(self, name: str, path: Path | None = None) -> dict[str, np.ndarray]:
        path = path or self.path / name
        if not path.exists():
            return {}
        key = str(path)
        stamp = (path.stat().st_mtime_ns, path.stat().st_size)
        if self._stamps.get(key, (None,))[0] != stamp:
            try:
                self._stamps[key] = (stamp, atomic_io.read_arrays(path))
            except Exception as error:  # a damaged zip raises a dozen kinds of errors
                todo = f"python -m fer_core evaluate {self.id}" if name == "predictions.npz" else ""
                raise RunError(f"{self.id}/{name} is damaged.", received=type(error).__name__, expected="an npz of plain arrays",
                               todo=todo) from None
        arrays: dict[str, np.ndarray] = self._stamps[key][1]
        return dict(arrays)


class RunStore:
    """All runs under one folder."""

    def __init__(self, root: str | Path = "checkpoints") -> None:
        self.root = Path(root)

    def all(self, *, archived: bool = False) -> list[Run]:
        """List the runs, newest first; a damaged one carries its `damage` and hides no other."""
        runs = []
        for path in sorted(self.root.glob("*/")) if self.root.is_dir() else []:
            if path.name.startswith(".") or not any(
                (path / name).exists() for name in ("config.json", "status.json", "weights.safetensors")
            ):
                continue
            run = Run(path)
            try:
                run.check()
            except (FerError, OSError, TypeError) as error:
                run.damage = str(error)
            if run.damage or run.meta.archived == archived:
                runs.append(run)
        return sorted(runs, key=lambda run: ("" if run.damage else run.meta.created, run.id), reverse=True)

    def open(self, id: str) -> Run:
        """Open a run by its id; an unknown or damaged one raises `RunError`."""
        if not NAME.fullmatch(id) or not (self.root / id).is_dir():
            known = ", ".join(path.name for path in sorted(self.root.glob("*/"))[:8]) if self.root.is_dir() else ""
            raise RunError(
                f"There is no run '{id[:80]}' in {self.root}.", expected=f"one of {known}" if known else "", todo="python -m fer_core runs"
            )
        run = Run(self.root / id)
        run.check()
        return run

    def create(self, config: RunConfig, id: str | None = None) -> Run:
        """Make a run folder in the state `queued`; the name is taken or made of network, data and time."""
        if id is not None and not NAME.fullmatch(id):
            raise RunError("This cannot be the name of a run.", received=id, expected="letters, digits, '.', '_' and '-', at most 80")
        data = re.sub(r"[^A-Za-z0-9]+", "-", Path(config.data).stem)[:24].strip("-") or "data"
        stem = id or f"{config.arch}-{data}-{datetime.now():%m%d-%H%M%S}"
        path = self._make_folder(stem, numbered=id is None)
        colour = self._free_colour()
        atomic_io.write_json(path / "config.json", config.model_dump(mode="json"))
        atomic_io.write_json(
            path / "meta.json", asdict(Meta(path.name, config.note, False, colour, datetime.now().isoformat(timespec="seconds")))
        )
        atomic_io.write_json(path / "status.json", asdict(Status(epochs=config.epochs, heartbeat=time.time())))
        return Run(path)

    def _free_colour(self) -> int:
        """Give the smallest number that no run has as its colour."""
        taken = set()
        for run in [*self.all(), *self.all(archived=True)]:
            if not run.damage:
                taken.add(run.meta.colour)
        return next(number for number in range(len(taken) + 1) if number not in taken)

    def _make_folder(self, stem: str, *, numbered: bool) -> Path:
        for number in range(1, 1000):
            path = self.root / (stem if number == 1 else f"{stem}-{number}")
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                path.mkdir()
                return path
            except FileExistsError:
                if not numbered:
                    raise RunError(f"A run named '{stem}' is there already.", todo="choose another name, or resume it") from None
            except OSError as error:
                raise RunError(
                    Sentence("No run folder can be made in {folder}.", folder=self.root), received=error.strerror,
                    todo="free space or choose another --runs folder",
                ) from None
        raise RunError("Too many runs of the same name.", received=stem)


@functools.lru_cache(64)
def _digest(path: Path, stamp: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _merged(own: dict[str, np.ndarray], cached: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Lay the answers of a shipped run over those that the cache has of the same split."""
    if not own or not cached:
        return own or cached
    same_faces = str(own["fingerprint"]) == str(cached["fingerprint"]) and np.array_equal(own["labels"], cached["labels"])
    return cached | own if same_faces else cached


def _same_answers(before: dict[str, np.ndarray], now: Predictions) -> bool:
    """Tell whether the stored answers are those of the same network to the same faces, but for the arithmetic of another machine."""
    if not before or str(before["fingerprint"]) != now.fingerprint:
        return False
    if before["probabilities"].shape != now.probabilities.shape:
        return False
    return bool(np.allclose(before["probabilities"], now.probabilities, rtol=0.0, atol=SAME_ANSWERS))


def _numbers(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def best_epoch(history: dict[str, np.ndarray], config: RunConfig) -> tuple[int, float] | None:
    """Find the best epoch so far, counted from 1, and its validation value; the first of equals wins."""
    values = history[f"val_{config.monitor}"]
    if np.isnan(values).all():  # no epoch yet, or none that tells it
        return None
    best = int(np.nanargmax(values) if config.monitor == "accuracy" else np.nanargmin(values))
    return best + 1, float(values[best])
