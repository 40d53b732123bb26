"""Where the label reviews of a data set are kept, and what they say of a split."""

from __future__ import annotations

from fer_core.annotations.label_reviews import Mark, Marks
from fer_core.errors import FerError
from ui.elements import messages
from ui.services import cache
from ui.services.predictions import Answers


def file() -> Marks:
    """Marks of this project: one file beside the data sets."""
    return Marks(cache.data_root() / "marks.sqlite")


def of(answers: Answers) -> dict[int, Mark]:
    """Read the marks of a split; a file that cannot be read is told on the page, which goes on without."""
    try:
        return file().of(answers.fingerprint, answers.split)
    except FerError as error:
        messages.problem(error)
        return {}
