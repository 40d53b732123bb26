"""The report of a run: five questions answered from findings, as one HTML file that needs nothing else. Same findings, same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from fer_core.annotations.bookmarks import Pin
from fer_core.release.model_card import LIMITS, LIMITS_OF_THE_DEMO
from fer_core.report.answers import comparison, confusions, data_name, structure, verdict
from fer_core.report.appendix import appendix
from fer_core.report.figures import escape
from fer_core.report.findings import Findings, report_command
from fer_core.report.formatting import Words, short
from fer_core.report.pinned import Pinned
from fer_core.report.sheet import Sheet, code, lacking, listing, paragraph, rich
from fer_core.report.views import exciting, grain, looking

ADDRESS = "http://localhost:8501"
"""Where the app runs unless told otherwise."""
STYLE = Path(__file__).with_name("report.css")
ANSWERS = (structure, comparison, confusions, looking, exciting)
NOTHING_SHOWN: Mapping[str, Pinned] = MappingProxyType({})
NEEDS = (("predictions", "history"), ("versus", "predictions"), ("predictions",), ("data", "weights"), ("weights",))
"""What each answer in short needs, named as in `Missing.place`."""


def html(found: Findings, language: str = "en", *, pins: Sequence[Pin] = (), shown: Mapping[str, Pinned] = NOTHING_SHOWN,
         address: str = ADDRESS) -> str:
    """Write the report in a language of `LANGUAGES`; pinned views are links into the app at `address`, with what they show (`show`)."""
    words = Words(language)
    sheet = Sheet(found, words)
    title = words("title", run=found.run.title)
    answers = [f'<section id="q{number}"><h2>{heading(found, words, number)}</h2>{answer(sheet)}</section>'
               for number, answer in enumerate(ANSWERS, start=1)]
    body = "".join([f"<header><h1>{escape(title)}</h1>{_lead(sheet)}</header>", _short(sheet), *answers, _limits(sheet),
                    appendix(sheet, pins, shown, address), _made(sheet, address)])
    style = STYLE.read_text("utf8").replace("{title}", "".join(letter if letter.isalnum() else f"\\{ord(letter):06x}" for letter in title))
    return (f'<!DOCTYPE html>\n<html lang="{"zh-Hant-TW" if language == "zh-TW" else language}"><head><meta charset="utf-8"/>'
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/>"
            f"<title>{escape(title)}</title><style>{style}</style></head><body>{body}</body></html>\n")


def heading(found: Findings, words: Words, number: int) -> str:
    """Write the heading of a question."""
    named = words("q2.named", other=found.other.title) if number == 2 and found.other else words(f"q{number}")
    return f"{number}. {escape(named)}"


def command(found: Findings, language: str = "en", *, address: str = ADDRESS) -> str:
    """Write the command that makes the same report."""
    more = ["--lang", language] if language != "en" else []
    more += [] if found.faces else ["--no-faces"]
    more += ["--seed", str(found.seed)] if found.seed else []
    more += ["--address", address] if address != ADDRESS else []
    return report_command(found.run.id, versus=found.other.id if found.other else "", split=found.split, more=more)


def _lead(sheet: Sheet) -> str:
    found, words = sheet.found, sheet.words
    total = f"{sum(layer.parameters for layer in found.layers):,}"
    data = words.within(data_name(found.run, words))
    if found.run.origin:
        kind = "crossfit" if found.run.origin.get("kind") == "crossfit" else "alone"
        said = [words(f"lead.{kind}", members=found.run.members, data=data)]
    else:
        trained = words.faces(found.run.facts.get("trained_on", 0))
        said = [words("lead", network=words(f"network.{found.run.config.arch}"), parameters=total, trained=trained, data=data)]
    if found.evaluation:
        scores = found.evaluation
        said.append(words("lead.score", accuracy=words.percent(scores.accuracy, scores.interval), faces=words.faces(scores.n),
                          split=words(f"split.{found.split}")))
    left = "" if found.faces else paragraph(words("missing.faces"))
    return paragraph(*said) + left + f'<p class="screen">{escape(words("contents.print"))}</p>'


def _short(sheet: Sheet) -> str:
    """Answer every question in one sentence, or say what is missing."""
    found, words = sheet.found, sheet.words
    lines = []
    for number, said in enumerate(short_answers(found, words), start=1):
        lines.append(f'<li><a href="#q{number}">{escape(heading(found, words, number)[3:])}</a><br/>{said}</li>')
    return f'<section class="short"><h2>{escape(words("short"))}</h2><ol>{"".join(lines)}</ol></section>'


def short_answers(found: Findings, words: Words) -> list[str]:
    """Give the five answers in short, as HTML."""
    scores, run = found.evaluation, found.run
    answers: list[str | None] = [None] * 5
    if scores and run.best:
        answers[0] = words("q1.short", layers=len(found.layers), parameters=f"{sum(layer.parameters for layer in found.layers):,}",
                           best=run.best[0], epochs=run.epochs, accuracy=words.percent(scores.accuracy, scores.interval))
    if scores and found.test and found.other:
        theirs = found.other.plain[found.split]
        answers[1] = words("q2.short", run=run.title, other=found.other.title, accuracy=words.percent(theirs.accuracy, theirs.interval),
                           fixes=f"{len(found.test.fixes):,}", breaks=f"{len(found.test.breaks):,}", verdict=verdict(found, words))
    if scores and (pairs := scores.most_confused(1)):
        answers[2] = words("q3.short", true=words.emotion(pairs[0].true), called=words.emotion(pairs[0].predicted),
                           count=f"{pairs[0].count:,}", support=f"{scores.per_class[pairs[0].true].support:,}")
    if found.looks:
        share, _, times, _ = found.looks.features
        answers[3] = words("q4.short", share=words.percent(share), times=short(times))
    if found.filters and len(found.filters.early.lengths) and len(found.filters.late.lengths):
        early, late = found.filters.early, found.filters.late
        answers[4] = words("q5.short", early=early.name, late=late.name, early_sees=f"{early.sees} × {early.sees}",
                           late_sees=f"{late.sees} × {late.sees}", verdict=words(f"q5.{grain(early.lengths, late.lengths)}"))
    return [rich(said) if said else _instead(found, words, number) for number, said in enumerate(answers, start=1)]


def _instead(found: Findings, words: Words, number: int) -> str:
    missing = lack(found, words, number)
    if missing is None:
        return rich(words("q3.no.errors" if number == 3 else "q5.nothing"))
    return f'<span class="lacks">{rich(words("missing.said", what=missing[0]))}</span>'


def lack(found: Findings, words: Words, number: int) -> tuple[str, str] | None:
    """Tell what the answer to a question lacks, and the command that gets it; `None` where it lacks nothing."""
    for entry in found.missing:
        if entry.place in NEEDS[number - 1]:
            return lacking(found, words, entry)
    return None


def _limits(sheet: Sheet) -> str:
    kind, limits = ("demo", LIMITS_OF_THE_DEMO) if sheet.found.run.demo else ("real", LIMITS)
    keys = [f"limit.{kind}.{number}" for number in range(len(limits))]
    said = listing(sheet.words(key) for key in [*keys, "limit.maps", "limit.run"])
    return f'<section id="limits"><h2>{escape(sheet.words("limits"))}</h2>{said}</section>'


def _made(sheet: Sheet, address: str) -> str:
    found, words = sheet.found, sheet.words
    facts = words("made.facts", data=str(found.run.facts.get("data", {}).get("fingerprint", ""))[:12], weights=found.run.weights[:12])
    again = code(command(found, words.language, address=address))
    return f'<section id="made"><h2>{escape(words("made"))}</h2>{sheet.say("made.said")}{again}<p>{escape(facts)}</p></section>'
