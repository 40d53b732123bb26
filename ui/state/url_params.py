"""Reading the parameters of the URL: typed, with a default where they are missing, and told where they make no sense."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import streamlit as st

from fer_core.emotions import EMOTIONS, SPLITS, class_of
from fer_core.messages import NUMBER, OPTION, Sentence

T = TypeVar("T")


def parse(text: str | None, cast: Callable[[str], T], default: Any = None, *, low: Any = None, high: Any = None) -> T | Any:
    """Turn a parameter's text into a value, or into the default where it is missing, garbled or out of `low`..`high`."""
    if text is None:
        return default
    try:
        value = cast(text)
    except (ValueError, TypeError, KeyError):
        return default
    if (low is not None and not value >= low) or (high is not None and not value <= high):  # NaN is in no range
        return default
    return value


def param(
    name: str,
    default: Any = None,
    *,
    cast: Callable[[str], Any] = str,
    low: Any = None,
    high: Any = None,
    options: Sequence[Any] | None = None,
) -> Any:
    """Read one query parameter; `options` are the only values allowed where they are given."""
    value = parse(st.query_params.get(name), cast, default, low=low, high=high)
    return value if options is None or value in options else default


def strange(**allowed: Collection[Any]) -> list[str]:
    """Tell of each parameter of the URL that is none of what it can be: one of some words, or a number of a `range`."""
    told: list[str] = []
    for name, options in allowed.items():
        text = st.query_params.get(name)
        if text is not None and text not in map(str, options):
            given = f"{name}={text[:40]}"
            told.append(Sentence(NUMBER, given=given, low=options[0], high=options[-1]) if isinstance(options, range) else
                        Sentence(OPTION, given=given, options=", ".join(options)))
    return told


def unnamed(name: str) -> list[str]:
    """Tell of a parameter of the URL that should name a class and does not."""
    text = st.query_params.get(name)
    if text is None or class_of(text) is not None:
        return []
    return [Sentence(OPTION, given=f"{name}={text[:40]}", options=", ".join(EMOTIONS))]


def emotion(name: str = "class", default: int | None = None) -> int | None:
    """Read a class, written by its name or by its number 0 to 6."""
    found = class_of(st.query_params.get(name))
    return default if found is None else found


def split(default: str = "train", options: Sequence[str] = SPLITS) -> str:
    """Read the split; a split that the data set lacks gives the default, or the first that it has."""
    found = param("split", default, options=options)
    return str(found if found in options else options[0])
