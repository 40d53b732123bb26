"""A language of the report: its sentences filled in, and how it writes numbers, shares, spans of time and lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fer_core.emotions import EMOTIONS
from fer_core.errors import ConfigError
from fer_core.metrics.scores import Interval
from fer_core.report.locales.en import ENGLISH
from fer_core.report.locales.zh_tw import CHINESE

LANGUAGES: dict[str, dict[str, str]] = {"en": ENGLISH, "zh-TW": CHINESE}
"""The tables of strings by language; all have the same keys."""
NAMES = {"en": "English", "zh-TW": "繁體中文"}
"""What each language calls itself."""


@dataclass(frozen=True)
class Words:
    """The sentences of one language."""

    language: str

    def __post_init__(self) -> None:
        """Refuse a language without a table."""
        if self.language not in LANGUAGES:
            raise ConfigError("The report is not written in this language.", received=self.language, expected=" or ".join(LANGUAGES))

    def __call__(self, key: str, **values: object) -> str:
        """Fill in a sentence."""
        return LANGUAGES[self.language][key].format(**values)

    def emotion(self, label: int) -> str:
        """Name a class; -1 is a face without a label."""
        return self(f"emotion.{EMOTIONS[label]}") if label >= 0 else self("q4.unlabelled")

    def faces(self, n: int) -> str:
        """Write `1 face` or `2,870 faces`."""
        return self("faces.one" if n == 1 else "faces.many", n=f"{n:,}")

    def epochs(self, n: float) -> str:
        """Write `1 epoch` or `0.5 epochs`."""
        return self("epochs.one" if n == 1 else "epochs.many", n=f"{n:g}")

    def within(self, name: str) -> str:
        """Write a name as it stands within a sentence: Chinese sets Latin words apart."""
        return f" {name} " if self.language == "zh-TW" and name.isascii() else name

    def percent(self, share: float, interval: Interval | None = None, digits: int = 1) -> str:
        """Write a share 0 to 1, with its 95% interval where one is given: `62.1% (60.5 to 63.7)`."""
        if math.isnan(share):
            return self("never")
        value = f"{share:.{digits}%}"
        if interval is None:
            return value
        return self("interval", value=value, low=f"{100 * interval[0]:.{digits}f}", high=f"{100 * interval[1]:.{digits}f}")

    def listed(self, parts: Sequence[str]) -> str:
        """Join: `a`, `a and b`, `a, b and c`; in Chinese, Latin words and digits are set apart from the `and`."""
        first, last = self("list.comma").join(parts[:-1]), "".join(parts[-1:])
        if not first:
            return last
        word = self("list.and")
        before, after = ((" " if edge.isascii() and not word.isascii() else "") for edge in (first[-1], last[:1]))
        return f"{first}{before}{word}{after}{last}"

    def duration(self, seconds: float) -> str:
        """Write a span of time: `8 s`, `3 min`, `1 h 20 min`."""
        if seconds < 90:
            return self("seconds", n=f"{seconds:.0f}" if seconds >= 9.5 else f"{seconds:.1f}")
        minutes = round(seconds / 60)
        return self("minutes", n=minutes) if minutes < 90 else self("hours", h=minutes // 60, m=minutes % 60)

    def kind(self, kind: str) -> str:
        """Name a kind of layer as `models.layers` tells it; what is nobody's word, such as LeakyReLU, stays as it is."""
        if kind.startswith("conv "):
            return self("kind.conv", size=kind.removeprefix("conv ").replace("x", " × "))
        return self(f"kind.{kind}") if f"kind.{kind}" in LANGUAGES[self.language] else kind


def short(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, and no exponent where it can be helped."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}" if abs(value) >= 1e-3 else f"{value:.2g}"
