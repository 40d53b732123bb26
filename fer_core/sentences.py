"""Sentences with numbers in them that can be said in another language later: each remembers its template and what fills it."""

from __future__ import annotations

from typing import Any


class Sentence(str):
    """An English sentence, `template` filled in with `values`."""

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Sentence:
        """Fill in a template of `str.format`."""
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (_made, (self.template, self.values))


def _made(template: str, values: dict[str, Any]) -> Sentence:
    return Sentence(template, **values)
