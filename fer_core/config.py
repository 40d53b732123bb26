"""`RunConfig`: every knob of a training run, with its unit; and the presets.

The fields' descriptions and limits are the only source of the command line's options and of the page's form.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from fer_core.emotions import SIDE
from fer_core.errors import ConfigError
from fer_core.messages import Sentence

SMALLEST_CROP = 33
"""Pixels; a smaller side would end in fewer than the 3 x 3 values that the dense part is made for."""


class RunConfig(BaseModel):
    """What a run is made of. Two runs with equal configs, data and machine end bit for bit alike."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # what is trained, on what
    data: str = Field("demo", description="Data set: 'demo', or the path of a CSV, folder or zip of FER2013.")
    arch: Literal["cnn", "dnn", "small", "none"] = Field(
        "small", description="Network: the report's CNN or DNN, or the small CNN; none: predictions alone."
    )
    preset: str = Field("quick", description="Name of the preset that the other knobs started from.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of weights, order of faces, augmentation and dropout.")
    limit: int = Field(0, ge=0, description="Train on at most this many faces, for a quick try; 0 = all.")
    skip_bad: bool = Field(False, description="Leave out faces that cannot be read, and list them in the run folder's bad-rows.txt.")
    note: str = Field("", max_length=2000, description="Free text kept with the run.")

    # how long
    epochs: int = Field(12, ge=1, le=2000, description="Epochs at most; one epoch shows as many faces as the data has.")
    batch_size: int = Field(64, ge=1, le=4096, description="Faces per step.")
    patience: int = Field(0, ge=0, description="Early stopping: epochs without a better validation value; 0 = off.")
    monitor: Literal["accuracy", "loss"] = Field("accuracy", description="Validation value that chooses the best epoch.")

    # the optimiser
    optimizer: Literal["sgd", "adam", "adamw"] = Field("adam", description="SGD (Nesterov), Adam or AdamW.")
    learning_rate: float = Field(1e-3, gt=0, le=10, description="Peak learning rate.")
    schedule: Literal["cosine", "constant", "plateau"] = Field(
        "cosine", description="Learning rate over the run: cosine to zero, constant, or halved when validation stalls."
    )
    warmup_epochs: float = Field(0.5, ge=0, description="Epochs in which the learning rate rises from zero.")
    plateau_patience: int = Field(4, ge=1, description="Schedule 'plateau': epochs without a better value before the rate is halved.")
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD only: Nesterov momentum.")
    weight_decay: float = Field(0.0, ge=0, le=1, description="SGD: L2 penalty; AdamW: decoupled. Kernels only.")
    clip_norm: float = Field(0.0, ge=0, description="Gradients are scaled to at most this global norm; 0 = off.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of each label spread over all seven classes.")
    average: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Decay per step of the averaged weights that are validated and kept; 0 = off. Their statistics are measured anew.",
    )

    # what is learned beside the labels
    teacher: str = Field(
        "", description="Folder of a run that has predicted the train split: its probabilities are soft labels; empty = none."
    )
    teacher_weight: float = Field(
        0.5, ge=0, le=1, description="Share of the loss that is the distance to the teacher; the rest is cross-entropy with the label."
    )
    temperature: float = Field(2.0, gt=0, le=100, description="Temperature that softens teacher and network alike; 1 = as they are.")
    face_weights: str = Field(
        "", description="CSV of hash, weight and reason: what single faces count in the loss, 0 = left out; empty = all count 1."
    )
    folds: int = Field(0, ge=0, le=50, description="Folds that the train split is cut into, copies of a face together; 0 = none.")
    fold: int = Field(
        0, ge=0, le=50, description="The fold that is left out of training and predicted at the end, from 1; 0 = each in turn."
    )
    group_by: str = Field(
        "", description="Regular expression on the faces' names whose first group names a person: persons stay in one fold; empty = none."
    )

    # the network's own knobs
    dropout_conv: tuple[float, float, float, float] = Field((0.1, 0.1, 0.1, 0.1), description="Dropout after the four convolution blocks.")
    dropout_dense: float = Field(0.3, ge=0, lt=1, description="Dropout in the dense part.")
    leaky_slope: float = Field(0.1, ge=0, lt=1, description="Slope of LeakyReLU below zero.")

    # what the trainer does to the faces
    oversample: float = Field(0.0, ge=0, le=1, description="Rare classes drawn more often: 0 = as they are, 1 = every class alike.")
    flip: float = Field(0.5, ge=0, le=1, description="Probability of a mirrored face.")
    alternate_flip: bool = Field(
        False, description="Mirror each face in every second epoch, the first time by chance, whatever the probability above."
    )
    shift: float = Field(3.0, ge=0, le=24, description="Largest shift, pixels each way.")
    zoom: float = Field(0.1, ge=0, lt=1, description="Largest change of size, share of the face.")
    rotation: float = Field(8.0, ge=0, le=180, description="Largest rotation, degrees each way.")
    contrast: float = Field(0.1, ge=0, lt=1, description="Largest change of contrast and brightness, share.")
    erase: float = Field(0.0, ge=0, le=1, description="Probability that a random rectangle is erased.")
    crop: int = Field(0, ge=0, le=SIDE, description="Side of the random crops that are trained on first, pixels, 33 to 48; 0 = off.")
    crop_share: float = Field(0.8, ge=0, le=1, description="Share of the epochs that train on crops; the last ones see whole faces.")
    mixup: float = Field(0.0, ge=0, le=1, description="Share of the batches whose faces are blended in pairs; off in the last tenth.")
    cutmix: float = Field(0.0, ge=0, le=1, description="Share of the batches that get rectangles of one another; off in the last tenth.")

    # the machine
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="Arithmetic: 'auto' is bfloat16 where the processor or GPU is fast at it; it is chosen once for a machine and kept.",
    )
    threads: int = Field(0, ge=0, le=1024, description="Processor threads; 0 = all. Part of an exact resume.")
    deterministic: bool = Field(True, description="Same input, same bits.")
    tensorboard: bool = Field(False, description="Also write TensorBoard event files.")

    @model_validator(mode="after")
    def _knobs_agree(self) -> RunConfig:
        if self.crop and self.crop < SMALLEST_CROP:
            raise _disagreement("crop", self.crop, f"0, or {SMALLEST_CROP} to {SIDE}, so that the dense part keeps its size")
        if self.crop and self.arch == "dnn":
            raise _disagreement("crop", self.crop, "0: a network without convolutions takes faces of one size only")
        if self.mixup + self.cutmix > 1:
            raise _disagreement("cutmix", self.cutmix, f"at most {1 - self.mixup:g}: a batch is mixed in one way")
        if self.folds == 1:
            raise _disagreement("folds", self.folds, "0, or 2 and more")
        if self.fold > self.folds:
            raise _disagreement("fold", self.fold, f"0 to {self.folds}, the number of folds")
        return self

    @classmethod
    def from_preset(cls, preset: str, **changes: Any) -> RunConfig:
        """Make a config from a preset of `PRESETS` and the knobs that differ from it; `None` values count as untold."""
        if preset not in PRESETS:
            raise ConfigError("There is no such preset.", received=preset, expected=" or ".join(PRESETS))
        told = {name: value for name, value in changes.items() if value is not None}
        return parse({**PRESETS[preset], "preset": preset, **told})


def parse(values: dict[str, Any]) -> RunConfig:
    """Check a dictionary of knobs; a wrong one raises `ConfigError` in words."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        if "knob" in first.get("ctx", {}):
            name, received = first["ctx"]["knob"], first["ctx"]["received"]
        else:
            name, received = str(first["loc"][0]), first.get("input")
        raise ConfigError(Sentence("The setting '{name}' cannot be used.", name=name),
                          received=received, expected=first["msg"]) from None


def split_unknown(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what a config.json holds into the knobs of this version and those of a later one."""
    known = {name: value for name, value in values.items() if name in RunConfig.model_fields}
    unknown = {name: value for name, value in values.items() if name not in RunConfig.model_fields}
    return known, unknown


def _disagreement(knob: str, received: Any, expected: str) -> PydanticCustomError:
    context = {"knob": knob, "received": received, "expected": expected}
    return PydanticCustomError("disagreement", "{expected}", context)


PRESETS: dict[str, dict[str, Any]] = {
    # The small network on the demo faces, in a minute or two.
    "quick": {"arch": "small", "epochs": 40, "learning_rate": 2e-3},
    # The report's recipe: rare classes sampled again, an image generator (flip, crop, rotate), Adam, early stopping.
    "report": {
        "arch": "cnn",
        "epochs": 60,
        "batch_size": 128,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "schedule": "constant",
        "warmup_epochs": 0.0,
        "patience": 10,
        "oversample": 1.0,
        "shift": 4.0,
        "zoom": 0.1,
        "rotation": 15.0,
        "contrast": 0.0,
        "dropout_conv": (0.2, 0.2, 0.25, 0.3),
        "dropout_dense": 0.4,
        "leaky_slope": 0.1,
    },
    # A stronger one: SGD with Nesterov momentum, warm-up, cosine to zero, weight decay, label smoothing, erasing.
    "strong": {
        "arch": "cnn",
        "epochs": 80,
        "batch_size": 128,
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "schedule": "cosine",
        "warmup_epochs": 1.0,
        "weight_decay": 1e-4,
        "label_smoothing": 0.1,
        "average": 0.0,
        "clip_norm": 0.0,
        "dropout_conv": (0.05, 0.1, 0.1, 0.15),
        "dropout_dense": 0.3,
        "leaky_slope": 0.1,
        "shift": 4.0,
        "zoom": 0.12,
        "rotation": 10.0,
        "contrast": 0.2,
        "erase": 0.25,
    },
}
