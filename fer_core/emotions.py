"""The seven emotions of FER2013, in Kaggle's and the course's order (which is not the alphabet's)."""

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Class names; the position is the class number, 0 to 6."""

NAMES: tuple[str, ...] = tuple(name.capitalize() for name in EMOTIONS)
"""Class names as figures show them."""

SPLITS: tuple[str, ...] = ("train", "validation", "test")
"""Training, PublicTest and PrivateTest of FER2013, by the names that this project uses."""

SIDE = 48
"""Height and width of a face in pixels."""


def class_of(text: str | None) -> int | None:
    """Tell which class a text names, by its name in either case or by its number 0 to 6; `None` for anything else."""
    text = (text or "").lower()
    if text in EMOTIONS:
        return EMOTIONS.index(text)
    return int(text) if text.isascii() and text.isdecimal() and int(text) < len(EMOTIONS) else None
