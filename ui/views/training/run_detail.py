"""The right side of the monitor: state and progress, what can be done, the living charts, and what lies under them."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError
from fer_core.metrics.diagnosis import diagnose
from fer_core.plots import figures as charts
from fer_core.runs.launch import launch
from fer_core.runs.store import REASONS
from ui.controls import looks_picker
from ui.elements import downloads, messages
from ui.elements.chart import chart
from ui.services import cache
from ui.services.run_index import Reading
from ui.shell import page
from ui.state import bound_widgets, navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.training import run_compare, run_epochs
from ui.views.training.run_card import badge, percent, progress, pulse, span, state_word

VIEWS = {"classes": "Classes", "epochs": "Epoch by epoch", "compare": "Compare", "settings": "Settings", "log": "Log"}
"""What can lie under the curves."""
METRICS = {"accuracy": "Accuracy", "loss": "Loss", "seeds": "Repeated seeds"}


def act(action: Callable[[], object]) -> None:
    """Do what a button asks; a refusal is shown beside the run until the next action."""
    st.session_state.pop("run_problem", None)
    try:
        action()
    except FerError as error:
        st.session_state["run_problem"] = error


def choose(label: str, name: str, options: Sequence[str], told: Callable[[str], str], default: str) -> str:
    """Draw a choice that mirrors a query parameter inside a part that is drawn every second."""
    now = str(url_params.param(name, default, options=options))

    def chosen(value: str | None) -> None:
        if value is not None:
            navigation.write(**{name: value})

    st.segmented_control(say(label), options, default=now, format_func=lambda option: say(told(option)),
                         **bound_widgets.mirror(f"live_{name}", now, chosen))
    return now


def state_line(reading: Reading) -> None:
    """Draw the state with the age of its heartbeat, the progress and the time left; nothing below moves when they change."""
    with st.container(key="run-state"):
        st.markdown(f"{badge(reading)} {pulse(reading.status)}")
    if reading.status.alive:
        done, told = progress(reading.status)
        st.progress(done, text=told)
    elif reading.status.reason:
        st.caption(formatting.kept(reading.status.reason, REASONS).replace("$", r"\$"))
    for note in reading.run.notes:
        st.caption(formatting.literal(say(note)))


def actions(reading: Reading) -> None:
    """Draw stop, resume and duplicate; what makes no sense in this state is not offered."""
    run, state = reading.run, reading.status.state
    with st.container(horizontal=True, key="run-actions"):
        if state in ("running", "queued", "stopping") and reading.status.process:
            st.button(say("Stopping ..." if state == "stopping" else "Stop"), icon=":material/stop:", key="stop",
                      disabled=state == "stopping", help=say("Stops after the step under way; nothing is lost."),
                      on_click=act, args=(run.request_stop,))
        elif state in ("stopped", "lost", "failed", "queued"):
            word = say("Start" if state == "queued" else "Resume")
            st.button(word, icon=":material/play_arrow:", type="primary", key="resume", help=say("Goes on exactly where it was."),
                      on_click=act, args=(lambda: launch(run),))
        if run.config.arch != "none" and st.button(say("Duplicate with changes"), icon=":material/content_copy:", key="duplicate"):
            st.session_state["new_run"] = reading.id
            st.rerun()
    if problem := st.session_state.get("run_problem"):
        messages.problem(problem)


def predictions_alone(reading: Reading) -> None:
    """Draw a run that was not trained: whose predictions it is, what they score by each number of looks, and where to look at them."""
    score = percent(reading.accuracy, reading.interval)
    st.info(formatting.literal(say(reading.alone)), icon=":material/info:")
    if reading.accuracy is not None:
        st.markdown(say("**{score}** of {faces} of the {split} split are right.", score=score, faces=formatting.faces(reading.faces),
                        split=formatting.SPLIT_WORDS[reading.split]))
    for part in looks_picker.told(reading.run, reading.split)[:-1]:  # how many faces was just said
        st.markdown(f"- {part}")
    members = [member for member in reading.run.members if (cache.store().root / member).is_dir()]
    with st.container(horizontal=True, key="members"):
        page.link("pages/confusion_matrix.py", "Its confusion matrix", run=reading.id, split=reading.split)
        for member in members:
            st.button(formatting.literal(member), key=f"member-{member}", type="tertiary", icon=":material/show_chart:",
                      on_click=navigation.write, kwargs={"run": member})
    st.caption(say("It has no curves, no log and nothing to resume: it was not trained."))


def facts(reading: Reading) -> None:
    """Draw the numbers of a run in a row."""
    seconds = float(reading.history["seconds"].sum()) if reading.epochs else None
    model = reading.facts.get("model", {})
    parameters = model.get("parameters")
    best = reading.best
    rows = [
        (say("Best validation accuracy (95% interval)" if reading.config.monitor == "accuracy" else
             "Accuracy at the best loss (95% interval)"), percent(reading.accuracy, reading.interval)),
        ("N", say("{n:,} faces", n=reading.faces) if reading.faces else "-"),
        (say("Best epoch"), say("{epoch} of {epochs}", epoch=best[0], epochs=reading.epochs) if best else "-"),
        (say("Time per epoch"), span(seconds / reading.epochs) if seconds else "-"),
        (say("Parameters"), f"{parameters:,}" if parameters else "-"),
        (say("Precision"), str(model.get("precision", "-"))),
    ]
    cells = "".join(f"<div><span>{html.escape(name)}</span><b>{html.escape(value)}</b></div>" for name, value in rows)
    st.html(f'<div class="run-facts">{cells}</div>')
    if percent(reading.counted) != percent(reading.accuracy):
        st.caption(say("The accuracy is that of the stored predictions, as on the other pages. While it trained, in {precision}, "
                       "{share} were counted at that epoch: the curve shows this.", precision=str(model.get("precision", "-")),
                       share=percent(reading.counted)))


def curve_of(reading: Reading) -> charts.Curve:
    """Describe a run as the charts need it."""
    colour, best = charts.run_colour(reading.meta.colour), reading.best[0] if reading.best else None
    return charts.Curve(html.escape(reading.title), reading.history, colour, best, reading.early)


def living(figure: Any, revision: str = "keep") -> Any:
    """Let both axes fit themselves: a range given anew with every epoch would undo a person's zoom."""
    if figure.layout.xaxis.showticklabels is not False:  # else it is the word that there is no epoch yet
        figure.update_xaxes(range=None, autorange=True).update_yaxes(range=None, autorange=True)
    return figure.update_layout(uirevision=revision)


def living_charts(readings: Sequence[Reading]) -> None:
    """Draw training and validation of the ticked runs in one chart, and under it learning rate and speed."""
    theme: Any = messages.theme()
    drawn = [curve_of(reading) for reading in readings]
    groups = [group for group in run_compare.seeds(readings) if len(group) > 1]
    options = [name for name in METRICS if name != "seeds" or groups]
    metric: Any = choose("Curves", "metric", options, lambda name: METRICS[name], "accuracy")
    if metric == "seeds":
        named = {say("{run} and {n} more", run=group[0].title, n=len(group) - 1): [reading.history for reading in group]
                 for group in groups}
        figure = charts.seed_band(named, theme=theme)
    else:
        figure = charts.curves(drawn, metric, theme=theme)
    told = formatting.commas([reading.title for reading in readings])
    chart(living(figure, metric), "curves", height=380, label=say("{metric} of {runs}", metric=METRICS[metric], runs=told))
    left, right = st.columns(2)
    with left:
        st.caption(say("Learning rate"))
        rates = charts.learning_rate(drawn, theme=theme).update_layout(showlegend=False)
        chart(living(rates), "learning-rate", height=190, label="Learning rate per epoch")
    with right:
        st.caption(say("Training speed"))
        speeds = charts.images_per_second(drawn, theme=theme).update_layout(showlegend=False)
        chart(living(speeds), "speed", height=190, label="Images per second of each epoch")


def diagnosis(reading: Reading) -> None:
    """Say what the curves show, each finding with its rule."""
    found = diagnose(reading.history, reading.run.confusion) if reading.epochs else []
    for finding in found:
        told = (say(finding.title), say(finding.sentence), say("Rule: {rule}", rule=finding.rule))
        title, sentence, rule = (html.escape(text) for text in told)
        st.html(f'<div class="finding"><b>{title}</b>{sentence}<br><small>{rule}</small></div>')
    if not found:
        st.caption(say("Nothing stands out in these curves." if reading.epochs >= 3 else "A diagnosis needs a few epochs."))


def classes(reading: Reading) -> None:
    """Draw the recall of every class over the epochs; a chosen one with its interval."""
    confusion = reading.run.confusion
    support = confusion[-1].sum(1).tolist() if len(confusion) else None
    names = ["all", *EMOTIONS]
    chosen = choose("Class", "class", names, str.capitalize, "all")
    number = EMOTIONS.index(chosen) if chosen in EMOTIONS else None
    theme: Any = messages.theme()
    figure = charts.recall_over_epochs(reading.history, support=support, chosen=number, theme=theme)
    chart(living(figure), "recall", height=340, label="Recall of each class per epoch")


def epoch_by_epoch(reading: Reading) -> None:
    """Draw one epoch: its validation matrix and the probe faces; the slider is the film, and without a choice it follows the training."""
    confusion = reading.run.confusion
    last = min(len(confusion), reading.epochs)
    if not last:
        messages.empty("No epoch is complete yet.", "The validation matrix and the probe faces of every epoch will stand here.")
        return
    epoch = url_params.param("epoch", last, cast=int, low=1, high=last)
    if last > 1:
        st.slider(say("Epoch"), 1, last, epoch, **bound_widgets.mirror("epoch_slider", epoch, partial(_epoch_chosen, last)),
                  help=say("Arrow keys turn it into a film. At the last epoch it follows the training."))
    matrix = confusion[epoch - 1]
    st.markdown(run_epochs.sentence(matrix, epoch))
    theme: Any = messages.theme()
    chart(charts.matrix(matrix, theme=theme), "film", height=500, label=say("Validation matrix of epoch {epoch}", epoch=epoch))
    _, probabilities = reading.run.probes
    if epoch <= len(probabilities):
        probes = run_epochs.probe_faces(reading)
        st.markdown(f"**{run_epochs.probes_right(probabilities[epoch - 1], probes)}**" if not probes.why else probes.why)
        st.html(run_epochs.probe_wall(probabilities[epoch - 1], probes))


def _epoch_chosen(last: int, chosen: int) -> None:
    navigation.write(epoch=None if chosen == last else chosen)


def compare(readings: Sequence[Reading]) -> None:
    """Draw results and differing settings of the ticked runs as tables."""
    if len(readings) < 2:
        st.caption(say("Tick further runs on the left to lay them over this one."))
    colours = [charts.run_colour(reading.meta.colour) for reading in readings]
    rows = run_compare.results(readings)
    drawn = [{**row, "State": state_word(reading.state)} for row, reading in zip(rows, readings, strict=True)]
    st.html(run_compare.table([{say(name): run_compare.shown(value) for name, value in row.items()} for row in drawn], colours))
    if not run_compare.same_faces(readings):
        st.warning(say("These runs saw different data: their accuracies are not counted on the same faces."), icon=":material/warning:")
    for group in run_compare.seeds(readings):
        if told := run_compare.repeated(group):
            st.markdown(told.replace("$", r"\$"))
    if len(readings) > 1:
        differ = run_compare.differing(readings)
        st.markdown(say("**Settings that differ**" if differ else "All settings are alike."))
        if differ:
            titles = [f"{number}. {reading.title}" for number, reading in enumerate(readings, 1)]
            st.html(run_compare.table([
                {say("Setting"): formatting.setting(name), **dict(zip(titles, map(run_compare.value_in_words, values), strict=True))}
                for name, values in differ.items()]))
    st.download_button(say("Table as CSV"), downloads.as_csv(rows), "runs.csv", "text/csv", icon=":material/download:", key="results-csv",
                       on_click="ignore")


def settings(reading: Reading) -> None:
    """Draw every setting with its meaning, and the data that the run saw."""
    values = reading.config.model_dump()
    rows = [{say("Setting"): formatting.setting(name), say("Value"): run_compare.value_in_words(values[name]),
             say("Meaning"): say(field.description or "")}
            for name, field in type(reading.config).model_fields.items() if name != "note"]
    data = reading.facts.get("data", {})
    if data:
        from fer_core.data.dataset import NOTES

        told = say("{name}, fingerprint {fingerprint}.", name=data.get("name", reading.config.data),
                   fingerprint=str(data.get("fingerprint", ""))[:12])
        st.caption(formatting.prose([told, *(formatting.kept(note, NOTES) for note in data.get("notes", []))]))
    st.html(run_compare.table(rows))


def log(reading: Reading) -> None:
    """Draw the end of the trainer's log."""
    lines = reading.run.log_tail(40)
    st.code("\n".join(lines) if lines else say("The log is empty."), language=None, height=320)
    st.caption(say("{file}, last {n} lines", file=str(reading.run.path / "log.txt"), n=len(lines)))


def under(reading: Reading, ticked: Sequence[Reading]) -> None:
    """Draw the view that was chosen under the curves."""
    view = choose("Below the curves", "view", list(VIEWS), lambda name: VIEWS[name], "compare" if len(ticked) > 1 else "classes")
    views: dict[str, Callable[[], None]] = {
        "classes": lambda: classes(reading), "epochs": lambda: epoch_by_epoch(reading), "compare": lambda: compare(ticked),
        "settings": lambda: settings(reading), "log": lambda: log(reading)}
    with messages.errors():
        views[view]()
