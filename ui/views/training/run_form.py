"""The dialog for a new run, drawn from the fields of `RunConfig` with their own descriptions and limits."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any

import streamlit as st

from fer_core.config import PRESETS, RunConfig, parse
from fer_core.errors import FerError
from fer_core.models import kept_precision
from fer_core.runs.launch import launch
from ui.elements import messages
from ui.services import cache
from ui.services.run_index import Reading
from ui.text import formatting
from ui.text.language import say
from ui.views.training.run_cards import choose

CHOICES = ("data", "arch", "preset")
"""The three that a person chooses; every other field stands in the expander."""

GROUPS: dict[str, tuple[str, ...]] = {
    "How long": ("epochs", "batch_size", "patience", "monitor", "limit", "seed"),
    "Optimiser": ("optimizer", "learning_rate", "schedule", "warmup_epochs", "plateau_patience", "momentum", "weight_decay", "clip_norm",
                  "label_smoothing", "average"),
    "Network": ("dropout_conv", "dropout_dense", "leaky_slope"),
    "Faces as the trainer sees them": ("oversample", "flip", "alternate_flip", "shift", "zoom", "rotation", "contrast", "erase", "crop",
                                       "crop_share", "mixup", "cutmix"),
    "Beside the labels": ("teacher", "teacher_weight", "temperature", "face_weights", "folds", "fold", "group_by"),
    "Machine": ("precision", "threads", "deterministic", "tensorboard"),
}

PRESET_WORDS = {
    "quick": "a minute or two, for the demo faces",
    "report": "the report's recipe: rare classes again, Adam, early stopping",
    "strong": "SGD, warm-up, cosine, label smoothing, erasing: the best accuracy",
}
ARCH_WORDS = {
    "cnn": "CNN of the report, 8.0 million parameters",
    "dnn": "DNN of the report, 13.6 million parameters",
    "small": "small CNN, under 0.6 million parameters",
}


@dataclass(frozen=True)
class Knob:
    """A field of `RunConfig` as a form needs it."""

    name: str
    kind: str  # choice, switch, whole, number, numbers or text
    help: str
    low: float | None
    high: float | None
    options: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name in words."""
        said = formatting.setting(self.name)
        return said[:1].upper() + said[1:]


def knob(name: str) -> Knob:
    """Describe a field by its own annotation, limits and description."""
    field = RunConfig.model_fields[name]
    limits = {bound: float(value) for part in field.metadata for bound in ("ge", "gt", "le", "lt")
              if (value := getattr(part, bound, None)) is not None}
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    annotation: Any = field.annotation
    if typing.get_origin(annotation) is typing.Literal:
        return Knob(name, "choice", field.description or "", low, high, typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        return Knob(name, "numbers", field.description or "", 0.0, 1.0)
    return Knob(name, {bool: "switch", int: "whole", float: "number"}.get(annotation, "text"), field.description or "", low, high)


def groups() -> dict[str, list[Knob]]:
    """Return every knob but the three choices and the note, in groups; a new field turns up under 'Other'."""
    placed = {name for names in GROUPS.values() for name in names}
    other = tuple(name for name in RunConfig.model_fields if name not in placed and name not in CHOICES and name != "note")
    return {title: [knob(name) for name in names] for title, names in {**GROUPS, "Other": other}.items() if names}


def start_values(preset: str, base: RunConfig | None) -> dict[str, Any]:
    """Return what the form shows first: the preset's knobs, or those of the run to be duplicated while its preset is kept."""
    if base is not None and base.preset == preset:
        return base.model_dump()
    return RunConfig.from_preset(preset).model_dump()


def widget(item: Knob, value: Any, prefix: str) -> Any:
    """Draw one knob and return what it holds."""
    key, told = f"{prefix}-{item.name}", say(item.help)
    if item.kind == "choice":
        return st.selectbox(item.label, item.options, index=item.options.index(value), format_func=say, help=told, key=key)
    if item.kind == "switch":
        return st.toggle(item.label, value=value, help=told, key=key)
    if item.kind == "whole":
        high = int(item.high) if item.high is not None else None
        return st.number_input(item.label, int(item.low or 0), high, int(value), 1, help=told, key=key)
    if item.kind == "number":
        step = 0.0005 if item.name in {"learning_rate", "weight_decay"} else 0.05 if (item.high or 99) <= 1 else 0.5
        return st.number_input(item.label, item.low, item.high, float(value), step, format="%.5g", help=told, key=key)
    if item.kind == "numbers":
        told = formatting.prose([told, say("Numbers with blanks between.")])
        text = st.text_input(item.label, " ".join(f"{part:g}" for part in value), help=told, key=key)
        return tuple(text.replace(",", " ").split())
    return st.text_input(item.label, value, help=told, key=key)


def auto_precision(choice: kept_precision.Choice | None) -> str:
    """Tell what `auto` means on this machine, as it was chosen and kept; `None` where no training has chosen yet."""
    if choice is None:
        return say("auto: not measured yet; the first training measures it")
    if choice.gpus:
        return say("auto: {precision} on this machine, chosen on {date} for {gpus}", precision=choice.precision, date=choice.day,
                   gpus=", ".join(choice.gpus))
    return say("auto: {precision} on this machine, measured on {date}: a convolution takes {half:.1f} ms in bfloat16, "
               "{full:.1f} ms in float32", precision=choice.precision, date=choice.day, half=choice.milliseconds["bfloat16"],
               full=choice.milliseconds["float32"])


def form(data_sets: list[str], base: RunConfig | None = None, *, turn: int = 0) -> RunConfig | None:
    """Draw the form; return the config when its button was pressed. A wrong knob raises `ConfigError`.

    `turn` numbers the openings of the dialog, so that none remembers what was typed into another.
    """
    options = list(dict.fromkeys([*([base.data] if base else []), "demo", *data_sets]))
    data = st.selectbox(say("Data"), options, accept_new_options=True, key=f"{turn}-new-data",
                        help=say("'demo' draws its own faces. Type the path of a CSV, folder or zip of FER2013 to add one."))
    presets = list(PRESETS)
    first = presets.index(base.preset) if base and base.preset in presets else 0
    preset = st.selectbox(say("Preset"), presets, index=first, key=f"{turn}-new-preset",
                          format_func=lambda p: say("{preset}: {words}", preset=p, words=PRESET_WORDS.get(p, "")))
    values = start_values(preset, base)
    known = [name for name in knob("arch").options if name != "none"]  # predictions alone are not trained
    arch = st.selectbox(say("Network"), known, index=known.index(values["arch"]), key=f"{turn}-new-{preset}-arch",
                        format_func=lambda name: say(ARCH_WORDS.get(str(name), str(name))))
    told: dict[str, Any] = {"data": (data or "demo").strip(), "arch": arch, "preset": preset}
    with st.expander(say("Every other knob")):
        for title, knobs in groups().items():
            st.markdown(f"**{say(title)}**")
            columns = st.columns(2)
            for place, item in enumerate(knobs):
                with columns[place % 2]:
                    told[item.name] = widget(item, values[item.name], f"{turn}-new-{preset}")
                    if item.name == "precision":
                        st.caption(auto_precision(kept_precision.kept()))
        told["note"] = st.text_area(say("Note"), values["note"], help=say(RunConfig.model_fields["note"].description or ""),
                                    key=f"{turn}-new-note")
    st.caption(command(told, values))
    if not st.button(say("Start training"), type="primary", icon=":material/play_arrow:", width="stretch", key="new-start"):
        return None
    return parse({**values, **told})


def command(told: dict[str, Any], preset_values: dict[str, Any]) -> str:
    """Write the command line that does the same."""
    parts = [f"python -m fer_core train --data {told['data']} --arch {told['arch']} --preset {told['preset']}"]
    fresh = RunConfig.from_preset(told["preset"]).model_dump()
    for name, value in told.items():
        if name not in CHOICES and name != "note" and _plain(value) != _plain(fresh.get(name, preset_values.get(name))):
            parts.append(f"--{name.replace('_', '-')} {_plain(value)}")
    return say("The same by command: `{command}`", command=" ".join(parts).replace("`", ""))


def _plain(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return " ".join(_plain(float(part) if _is_number(part) else part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def new_run(base: Reading | None, turn: int) -> None:
    """Ask for data, network and preset; start the trainer."""
    if base and (later := base.run.unknown_knobs):
        st.warning(say("Settings of a later version are not taken along: {names}.", names=", ".join(later)), icon=":material/warning:")
    try:
        config = form(cache.sources(), base.config if base else None, turn=turn)
        if config is None:
            return
        run = cache.store().create(config)
        launch(run)
    except FerError as error:
        messages.problem(error)
        return
    choose(run.id)
    st.rerun()
