"""What the matrix page shows now: one run or two on one split, and the faces that the URL chooses of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from fer_core.annotations.face_filter import PARTS, Choice, chosen, members
from fer_core.annotations.label_reviews import VERDICTS, Mark, disputed
from fer_core.plots.theme import run_colour
from fer_core.runs.store import Run
from ui.services import cache
from ui.services.cell_names import said
from ui.services.predictions import Answers, Faces, faces
from ui.text import formatting
from ui.text.language import say


@dataclass(frozen=True, eq=False)
class View:
    """Answers of run A and, where another run is compared, of run B on the same faces."""

    choice: Choice
    run: Run
    a: Answers
    b: Answers | None = None
    marks: dict[int, Mark] = field(default_factory=dict)

    @cached_property
    def faces(self) -> Faces:
        """The faces behind the numbers, read when first needed."""
        return faces(self.run, self.a)

    @cached_property
    def colours(self) -> list[str]:
        """The colours of the runs, as every page draws them."""
        second = [] if self.b is None else [cache.store().open(self.b.run)]
        return [run_colour(run.meta.colour) for run in (self.run, *second)]

    @property
    def shown(self) -> Answers:
        """The run whose calls and probabilities are shown."""
        return self.b if self.b is not None and self.choice.show == "b" else self.a

    @property
    def beside(self) -> tuple[str, Answers] | None:
        """The other one of two runs, with its letter."""
        if self.b is None:
            return None
        return ("A", self.a) if self.shown is self.b else ("B", self.b)

    @property
    def differs(self) -> bool:
        """Tell whether the matrix is the difference of two runs."""
        return self.b is not None and self.choice.show == "difference"

    @cached_property
    def sure(self) -> np.ndarray:
        """Labelled faces whose confidence reaches the threshold, bool (n,)."""
        known: np.ndarray = self.shown.labels >= 0
        return known & (self.shown.confidence >= self.choice.least) if self.choice.least else known

    @cached_property
    def rows(self) -> np.ndarray:
        """Indices of the chosen faces, ascending; with nothing chosen, those of all errors."""
        shown, choice = self.shown, self.choice
        if not choice.anything:
            return np.flatnonzero(self.sure & shown.wrong)
        mask = chosen(replace(choice, cells=()) if self.differs else choice, shown.labels, shown.predicted, shown.confidence)
        if self.differs and choice.cells:
            mask &= self._moved()
        if self.choice.part and self.b is not None:
            right_a, right_b = ~self.a.wrong, ~self.b.wrong
            mask &= {"fixes": ~right_a & right_b, "breaks": right_a & ~right_b, "both_wrong": ~right_a & ~right_b,
                     "both_right": right_a & right_b}[self.choice.part]
        if self.choice.verdict:
            marked = np.zeros(len(mask), bool)
            marked[[face for face, mark in self.marks.items() if mark.verdict == self.choice.verdict and face < len(mask)]] = True
            mask &= marked
        return np.flatnonzero(mask)

    def _moved(self) -> np.ndarray:
        """Tell which faces one run puts into the cells and the other does not, bool (n,)."""
        cells, labels = self.choice.cells, self.a.labels
        assert self.b is not None
        moved = np.zeros(len(labels), bool)
        for cell in cells:
            inside = members([cell], labels, self.a.predicted) ^ members([cell], labels, self.b.predicted)
            moved |= inside if cell[1] is not None else (labels == cell[0]) & (self.a.predicted != self.b.predicted)
        return moved

    @cached_property
    def disputed(self) -> np.ndarray:
        """Faces whose label a person disputes, bool (n,)."""
        return disputed(self.marks, len(self.a))

    @property
    def sentence(self) -> str:
        """Say in numbers which faces are opened."""
        n, choice, labels = len(self.rows), self.choice, self.shown.labels
        if not choice.anything:
            return say("Nothing chosen: all {n:,} errors.", n=n) if n else say("Nothing chosen, and no error to show.")
        only_cell = len(choice.cells) == 1 and not (choice.part or choice.bin or choice.side or choice.verdict or self.differs)
        if only_cell:
            return self._of_cell(n, labels)
        parts = [said(choice.cells) + (say(", by one run and not by the other") if self.differs else "")] if choice.cells else []
        parts += [say(PARTS[choice.part].lower().replace("b ", "B "))] if choice.part else []
        parts += [say("p from {low:.2f} to {high:.2f}", low=choice.bin[0], high=choice.bin[1])] if choice.bin else []
        parts += [say(choice.side)] if choice.side else []
        parts += [say("marked '{verdict}'", verdict=VERDICTS[choice.verdict])] if choice.verdict else []
        return say("{faces}: {chosen}.", faces=formatting.faces(n) if n else "No face", chosen=say("; ").join(parts))

    def _of_cell(self, n: int, labels: np.ndarray) -> str:
        true, predicted = self.choice.cells[0]
        if true is not None and predicted is not None:
            support = int((self.sure & (labels == true)).sum())
            label, called = formatting.emotion(true), formatting.emotion(predicted)
            if not n:
                return (say("No face labelled {label} was called {called}.", label=label, called=called) if support else
                        say("No face is labelled {label}.", label=label))
            return say("{n:,} of {support:,} {label} faces were called {called}: {share}.", n=n, support=support, label=label,
                       called=called, share=formatting.percent(n / support))
        right = formatting.percent(int((~self.shown.wrong[self.rows]).sum()) / max(n, 1))
        if true is not None:
            label = formatting.emotion(true)
            return (say("{faces} labelled {label}; {share} were called so.", faces=formatting.faces(n), label=label, share=right) if n else
                    say("No face is labelled {label}.", label=label))
        if predicted is None:
            return (say("All {faces}; {share} were called by their label.", faces=formatting.faces(n), share=right) if n else
                    say("No face is left."))
        called = formatting.emotion(predicted)
        return (say("{faces} called {called}; {share} are labelled so.", faces=formatting.faces(n), called=called, share=right) if n else
                say("No face was called {called}.", called=called))
