"""Errors with the problem, its place in the input, and the next step for the user."""


class PluralignError(Exception):
    """Base of every error that a user can fix.

    Args:
        what: The problem, in one sentence.
        where: The file, line, setting or argument, if known.
        hint: The next step, if known.

    >>> print(InvalidInput("tau is 1.3", where="run.toml: scpo.tau", hint="use a value in (0, 1]"))
    run.toml: scpo.tau: tau is 1.3
      -> use a value in (0, 1]
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  -> {self.hint}" if self.hint else head


class InvalidInput(PluralignError, ValueError):
    """A file, a setting or an argument is not valid."""


class InvalidQuestion(InvalidInput):
    """A question or an answer to it is not valid.

    Args:
        what: The problem, in one sentence.
        reason: The problem in a few words, without data of the question: rows are counted by it.
        where: The place of the question, if known.
        hint: The next step, if known.
    """

    def __init__(
        self, what: str, *, reason: str, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.reason = reason


class InvalidSettings(InvalidInput):
    """A settings file is not valid."""


class OtherWork(InvalidInput):
    """A file or folder, named by ``where``, has work of other settings, data or another model."""


class NotEnoughData(PluralignError, ValueError):
    """There are no data, or too few, to compute a number from."""


class UnknownCommunity(PluralignError, LookupError):
    """No community has this id or label."""


class DamagedFile(PluralignError, ValueError):
    """A file that this package wrote is truncated, altered or was written by something else."""


class MissingExtra(PluralignError, ImportError):
    """An optional dependency is not installed."""

    @classmethod
    def named(cls, extra: str, module: str) -> "MissingExtra":
        """The error for ``module``, with the extra of pluralign that installs it."""
        return cls(
            f"the Python module {module!r} is not installed",
            hint=f"pip install 'pluralign[{extra}]'",
        )
