"""Sentences with numbers in them that can be said in another language later: each remembers its template and what fills it."""

from __future__ import annotations

from numbers import Number
from string import Formatter
from typing import Any

MINUS = "\N{MINUS SIGN}"
NUMBER = "'{given}' was left aside: it is a number from {low} to {high}."
OPTION = "'{given}' was left aside: it can be {options}."
"""What is told of a part of an address that makes no sense."""


class Filling(Formatter):
    """Fills templates in as `str.format` does, with a minus sign before negative numbers, as figures have it."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Write a value."""
        text = str(super().format_field(value, format_spec))
        return MINUS + text[1:] if text.startswith("-") and isinstance(value, Number) else text


fill = Filling().format


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign; what rounds to zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", MINUS)


class Sentence(str):
    """An English sentence, `template` filled in with `values`."""

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Sentence:
        """Fill in a template of `str.format`."""
        made = super().__new__(cls, fill(template, **values))
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (_made, (self.template, self.values))


def _made(template: str, values: dict[str, Any]) -> Sentence:
    return Sentence(template, **values)
