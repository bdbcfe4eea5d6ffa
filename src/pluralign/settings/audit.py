"""Settings of an audit."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from pluralign.audits import Audit, Context, with_thresholds
from pluralign.core import InvalidSettings
from pluralign.core.units import Unit
from pluralign.settings.explained import Explained, explained, lines_of_settings, meanings_of
from pluralign.settings.meanings import Meaning
from pluralign.settings.name_hints import nearest
from pluralign.settings.registry import AUDITS, audit_named, names
from pluralign.settings.toml_tables import overridden
from pluralign.settings.validation import validated
from pluralign.settings.variants import SettingsTable

DEFAULT_KNOWING = ("estimate",)
_LEVELS_OF_A_THRESHOLD = 2


class AuditSettings(SettingsTable):
    """Settings of an audit; further tables, such as ``[simplification.alike]``, have thresholds."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the intervals."""
    draws: Annotated[int, Field(ge=100)] = 2000
    """Number of bootstrap draws."""
    small: Annotated[int, Field(ge=1), Unit("people")] = 5
    """Smallest number of people in a group that is reported."""
    audits: tuple[str, ...] | None = None
    """Audits to make. When unset: all."""
    methods: tuple[str, ...] | None = None
    """Methods of a run of reward models to audit. When unset: all that steer."""
    knowing: tuple[str, ...] = DEFAULT_KNOWING
    """Strategies that ask a model about a people's answers, not to answer as one of the people."""

    @property
    def context(self) -> Context:
        """The settings that checks share."""
        return Context(self.seed, self.draws, self.small, self.knowing)


def resolve_audit(
    raw: Mapping[str, Any], where: str, overrides: Sequence[str]
) -> tuple[AuditSettings, list[Audit]]:
    """Check settings and find the audits that they name, with their thresholds.

    Args:
        raw: Tables as read from TOML.
        where: Name of the file, for messages.
        overrides: ``key=value`` or ``audit.check.concern=value``.

    Raises:
        InvalidSettings: If a key, an audit, a check or a value is wrong.
    """
    tables, _ = overridden(raw, where, overrides)
    known = names(AUDITS)
    thresholds = _thresholds(tables, known, where)
    rest = {name: value for name, value in tables.items() if name not in thresholds}
    settings = validated(AuditSettings, rest, where, tuple(known))
    audits = audits_of(settings)
    made = {audit.name for audit in audits}
    for name in thresholds:
        if name not in made:
            raise InvalidSettings(
                "this audit is not among those to make",
                where=f"{where}: {name}",
                hint="name it in audits",
            )
    return settings, with_thresholds(audits, thresholds)


def audits_of(settings: AuditSettings) -> list[Audit]:
    """The audits that settings name, with the thresholds of their definitions.

    Raises:
        InvalidSettings: If there is no audit of a name.
    """
    chosen = names(AUDITS) if settings.audits is None else settings.audits
    return [audit_named(name) for name in chosen]


def _thresholds(tables: Mapping[str, Any], known: Sequence[str], where: str) -> dict[str, Any]:
    """The tables of audits: check -> its thresholds."""
    found = {n: table for n, table in tables.items() if isinstance(table, Mapping) or n in known}
    for name in found:
        if name not in known:
            raise InvalidSettings(
                "there is no such audit", where=f"{where}: {name}", hint=nearest(name, known)
            )
    for name, checks in found.items():
        if not isinstance(checks, Mapping):
            raise InvalidSettings(
                f"must be a table, got {checks!r}",
                where=f"{where}: {name}",
                hint=f"set {name}.CHECK.concern",
            )
    return found


def audit_origins(raw: Mapping[str, Any], where: str, overrides: Sequence[str]) -> dict[str, str]:
    """Dotted key -> the origin of its value; a threshold has the key of its check.

    Args:
        raw: Tables as read from TOML.
        where: Name of the file.
        overrides: ``key=value``, as for `resolve_audit`.
    """
    _, origin = overridden(raw, where, overrides)
    for key, source in list(origin.items()):
        if key.count(".") == _LEVELS_OF_A_THRESHOLD:
            origin[key.rpartition(".")[0]] = source
    return origin


def explain_audit(
    settings: AuditSettings, audits: Sequence[Audit], origin: Mapping[str, str] | None = None
) -> list[Explained]:
    """Every setting and threshold, with its value, origin and reason."""
    lines = lines_of_settings(settings)
    meanings = meanings_of(AuditSettings)
    for audit in audits:
        for check in audit.checks:
            limit = check.threshold
            beyond = "below" if limit.below else "above"
            key = f"{audit.name}.{check.name}"
            value = f"concern {beyond} {limit.concern:g}, risk {beyond} {limit.risk:g}"
            lines.append((key, value))
            meanings[key] = Meaning(f"{check.asks} ({limit.reason})", {})
    return explained(lines, meanings, origin or {})
