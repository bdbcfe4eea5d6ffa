"""Errors that say what is wrong, where, and what to do next."""


class PluralignError(Exception):
    """Base of every error a user can mend.

    Args:
        what: What is wrong, one sentence.
        where: File, line, setting or argument, when known.
        hint: What to do next, when known.

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
    """A file, a setting or an argument does not hold what it must."""


class InvalidSettings(InvalidInput):
    """A settings file cannot be run as it stands."""


class NotEnoughData(PluralignError, ValueError):
    """There is nothing, or too little, to compute a number from."""


class UnknownCommunity(PluralignError, LookupError):
    """No community is known by that id or label."""


class DamagedFile(PluralignError, ValueError):
    """A file that we wrote is truncated, altered or from elsewhere."""


class MissingExtra(PluralignError, ImportError):
    """An optional dependency is not installed."""

    @classmethod
    def named(cls, extra: str, module: str) -> "MissingExtra":
        """Say which extra of pluralign brings ``module``."""
        return cls(
            f"the Python module {module!r} is not installed",
            hint=f"pip install 'pluralign[{extra}]'",
        )
