"""The last two answers of the report, from findings to HTML: where the network looks, and what excites its filters and classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.faces import regions
from fer_core.feature_vis.settings import PRESETS
from fer_core.plots import saliency_images
from fer_core.plots.theme import SEQUENTIAL, rgb
from fer_core.report.figures import Series, captioned, image, ranges
from fer_core.report.formatting import Words, short
from fer_core.report.pictures import PER_EMOTION, PRESET, SAMPLES, Filters, Look, Looks, Wall
from fer_core.report.sheet import Sheet, paragraph

KEPT = 0.25
"""Share of the pixels, the strongest, that the masked face keeps."""
LABELS = range(len(EMOTIONS))
PAPER = 245
"""Grey level under the parts of the face where no face is shown."""


def looking(sheet: Sheet) -> str:
    """Answer the fourth question: maps of single faces, and the ledger of many."""
    found, words, looks = sheet.found, sheet.words, sheet.found.looks
    if looks is None:
        return sheet.missing("data", "weights")
    parts = [sheet.say("q4.method", "q4.reading", samples=SAMPLES)]
    shown = [*looks.chosen, *looks.drawn]
    if shown:
        parts.append(paragraph(words("q4.colours", keep=words.percent(KEPT, digits=0)), words("q4.caveat")))
        parts.append(sheet.figure(_triples(sheet, looks.chosen), words("q4.chosen"), "triples"))
        parts.append(sheet.figure(_triples(sheet, looks.drawn), words("q4.random", seed=found.seed), "triples"))
        parts.append(sheet.say("q4.tested", passed=sum(look.outcome == "passes" for look in shown), n=len(shown)))
    located = "q4.located.all" if looks.eyes_found == len(looks.labels) else "q4.located"
    return "".join([*parts, paragraph(*ledger_in_words(sheet, looks)), _ledger(sheet, looks), _shares(sheet, looks), _means(sheet, looks),
                    sheet.say(located, found=looks.eyes_found, n=f"{len(looks.labels):,}")])


def _triples(sheet: Sheet, shown: Sequence[Look]) -> str:
    words = sheet.words
    cells = []
    for look in shown:
        top, alt = saliency_images.limit(look.map), words("alt.face", number=look.index)
        pictures = (
            look.image,
            saliency_images.signed(look.map, top, "light"),
            saliency_images.remains(look.image, look.map, KEPT, "light", by_size=True),
        )
        caption = words("q4.caption", label=words.emotion(look.label), called=words.emotion(look.called),
                        share=words.percent(look.p, digits=0))
        test = words(f"q4.{look.outcome}")
        cells.append(f'<div class="triple {look.outcome}"><div>{"".join(image(part, alt) for part in pictures)}</div>'
                     f"<span>{caption}</span><span>{test}</span></div>")
    return "".join(cells)


def ledger_in_words(sheet: Sheet, looks: Looks) -> list[str]:
    """Turn the claim that the network looks at the features of the face into numbers."""
    words, found = sheet.words, sheet.found
    share, area, times, (low, high) = looks.features
    said = [words("q4.claim", faces=words.faces(len(looks.labels)), each=PER_EMOTION, share=words.percent(share), area=words.percent(area),
                  times=short(times), low=short(low), high=short(high)), words("q4.claim.features" if low > 1 else "q4.claim.not")]
    if found.other is not None and found.other_looks is not None:
        _, _, theirs, (low, high) = found.other_looks.features
        said.append(words("q4.claim.other", other=found.other.title, times=short(theirs), low=short(low), high=short(high)))
    preference = looks.ledger.mean()[0]
    most = int(np.nanargmax(preference))
    return [*said, words("q4.most", region=words(f"region.{looks.ledger.names[most]}"), times=short(float(preference[most])))]


def _ledger(sheet: Sheet, looks: Looks) -> str:
    words, found = sheet.words, sheet.found
    pairs = [(found.run, looks)]
    if found.other is not None and found.other_looks is not None:
        pairs.append((found.other, found.other_looks))
    series = []
    for told, part in pairs:
        values, intervals = part.ledger.mean()
        series.append(Series(told.title, values.tolist(), [(float(low), float(high)) for low, high in intervals], told.colour))
    caption = words("q4.ledger", faces=words.faces(len(looks.labels)))
    drawing = ranges([words(f"region.{name}") for name in looks.ledger.names], series, lambda value: f"{value:g}", label=caption, one=1.0)
    ground, masks = np.full((SIDE, SIDE), PAPER, np.uint8), regions.fixed(drawn=found.run.demo).masks
    tinted = saliency_images.tinted(ground, masks, looks.ledger.mean()[0], "light")
    return sheet.figure(drawing + image(tinted, words("q4.parts"), 8), f"{caption} {words('q4.parts')}", "ledger")


def _shares(sheet: Sheet, looks: Looks) -> str:
    words = sheet.words
    labels = [label for label in LABELS if np.any(looks.labels == label)]
    by_label, every, areas = [looks.shares(label) for label in labels], looks.ledger.mean("shares")[0], looks.ledger.areas.mean(0)
    rows = [[words("bracket", text=words(f"region.{name}"), more=words.percent(float(area), digits=0)),
             *(words.percent(float(part[row]), digits=0) for part in (every, *by_label))]
            for row, (name, area) in enumerate(zip(looks.ledger.names, areas, strict=True))]
    return sheet.table([words("q4.part"), words("q4.all"), *map(words.emotion, labels)], rows, words("q4.shares"), "counts")


def _means(sheet: Sheet, looks: Looks) -> str:
    words, top = sheet.words, saliency_images.limit(looks.means)
    labels = [label for label in LABELS if np.any(looks.labels == label)]
    body = [captioned(_shaded(looks.means[label], top), words.emotion(label)) for label in labels]
    return sheet.figure("".join(body), words("q4.mean"), "faces")


def _shaded(map_: np.ndarray, top: float) -> np.ndarray:
    stops = np.array([rgb(colour) for colour in SEQUENTIAL["light"]], float)
    place = saliency_images.strength(map_, top).astype(float) * (len(stops) - 1)
    return np.stack([np.interp(place, np.arange(len(stops)), stops[:, part]) for part in range(3)], -1).round().astype(np.uint8)


def exciting(sheet: Sheet) -> str:
    """Answer the fifth question: an early layer, a late one, and the classes."""
    found, words, filters = sheet.found, sheet.words, sheet.found.filters
    if filters is None:
        return sheet.missing("weights")
    parts = [sheet.say("q5.method", seed=found.seed, steps=PRESETS[PRESET].steps)]
    parts += [_wall(sheet, wall, key) for key, wall in (("early", filters.early), ("late", filters.late))]
    parts.append(paragraph(*walls_in_words(filters, words)))
    body = "".join(captioned(picture, words.emotion(label), words.percent(float(filters.chances[label]), digits=0))
                   for label, picture in enumerate(filters.classes))
    least = int(filters.chances.argmin())
    p = words.percent(float(filters.chances[least]), digits=0)
    said = sheet.say("q5.classes.said", "q5.classes.sure" if p == "100%" else "q5.classes.least", least=words.emotion(least), p=p)
    return "".join([*parts, sheet.figure(body, words("q5.classes"), "faces"), said])


def _wall(sheet: Sheet, wall: Wall, key: str) -> str:
    words, cells = sheet.words, []
    for unit, picture in zip(wall.units, wall.pictures, strict=True):
        state = "even" if unit in wall.even else "dead" if unit in wall.dead else ""
        cells.append(captioned(picture, f"{unit} · {words(f'q5.{state}')}" if state else f"{unit}"))
    caption = words(f"q5.{key}", shown=len(wall.units), units=wall.total, layer=wall.name, sees=wall.sees)
    return sheet.figure("".join(cells), caption, "wall")


def grain(early: NDArray[np.float64], late: NDArray[np.float64]) -> str:
    """Judge two sets of wavelengths by the 95% interval of the difference of their means (Welch): `coarser`, `finer` or `alike`."""
    parts = (early, late)
    spread = sum(part.var(ddof=1) / len(part) if len(part) > 1 else math.inf for part in parts) ** 0.5
    difference = late.mean() - early.mean()
    return "coarser" if difference > 1.96 * spread else "finer" if difference < -1.96 * spread else "alike"


def walls_in_words(filters: Filters, words: Words) -> list[str]:
    """Say how the pictures of the late layer differ from those of the early one: grain, and how dark the middle is."""
    early, late, said = filters.early, filters.late, []
    if len(early.lengths) and len(late.lengths):
        said.append(words("q5.grain", early=early.name, late=late.name, a=short(early.lengths.mean()), b=short(late.lengths.mean()),
                          verdict=words(f"q5.{grain(early.lengths, late.lengths)}")))
        values: dict[str, object] = {}
        for name, wall in (("early", early), ("late", late)):
            mean = float(wall.middle.mean())
            values |= {f"{name}_dark": int((wall.middle > 0).sum()), f"{name}_n": len(wall.middle),
                       name: words("q5.darker" if mean >= 0 else "q5.brighter", levels=f"{abs(mean):.1f}")}
        said.append(words("q5.middle", **values))
    dead, even = (sum(len(getattr(wall, name)) for wall in (early, late)) for name in ("dead", "even"))
    return [*said, words("q5.silent", dead=dead, even=even)] if dead or even else said
