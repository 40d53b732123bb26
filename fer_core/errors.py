"""The errors that a page or the command line may show to a person; any other exception is a fault of the program."""


class FerError(Exception):
    """Something that a person can put right.

    The message is made of up to four parts: what is wrong, what was received, what was expected, and what to do.
    """

    def __init__(self, what: str, *, received: object = None, expected: str = "", todo: str = "") -> None:
        self.what, self.received, self.expected, self.todo = what, received, expected, todo
        parts = [what]
        if received is not None:
            parts.append(f"Received: {received}.")
        if expected:
            parts.append(f"Expected: {expected}.")
        if todo:
            parts.append(f"What to do: {todo}.")
        super().__init__(" ".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.received, self.expected, self.todo))


def _rebuild(kind: type[FerError], what: str, received: object, expected: str, todo: str) -> FerError:
    return kind(what, received=received, expected=expected, todo=todo)


class DataError(FerError):
    """A data set that cannot be read as it is: the message names file, row and reason."""


class ConfigError(FerError):
    """A knob of a run that has an impossible value, or a combination that makes no sense."""


class RunError(FerError):
    """A run folder that is missing, damaged, busy or in the wrong state for what was asked."""


class ModelError(FerError):
    """A network that cannot be built, loaded or asked for what was asked."""
