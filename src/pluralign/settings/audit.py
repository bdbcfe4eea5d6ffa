"""Settings of an audit."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from pluralign.audits import Audit, Context, with_thresholds
from pluralign.core import InvalidSettings
from pluralign.settings.hints import nearest
from pluralign.settings.registry import AUDITS, audit_named, names
from pluralign.settings.survey import Table
from pluralign.settings.toml_tables import override
from pluralign.settings.validation import validated

DEFAULT_KNOWING = ("estimate",)


class AuditSettings(Table):
    """How evidence is audited; further tables hold thresholds: ``[simplification.alike] concern = 0.2``."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the intervals."""
    draws: Annotated[int, Field(ge=100)] = 2000
    """Bootstrap draws."""
    small: Annotated[int, Field(ge=1)] = 5
    """Groups with fewer people are not told of."""
    audits: tuple[str, ...] | None = None
    """Which audits to make. Default: all there are."""
    methods: tuple[str, ...] | None = None
    """Which methods of a run of reward models to audit. Default: all that steer."""
    knowing: tuple[str, ...] = DEFAULT_KNOWING
    """Strategies under which a model was asked what a people answers, not to answer as one of them."""

    @property
    def context(self) -> Context:
        """What checks share."""
        return Context(self.seed, self.draws, self.small, self.knowing)


def resolve_audit(
    raw: Mapping[str, Any], where: str, overrides: Sequence[str]
) -> tuple[AuditSettings, list[Audit]]:
    """Check settings and find the audits they name, with their thresholds.

    Args:
        raw: Tables as read from TOML.
        where: Name of the file, for messages.
        overrides: ``key=value`` or ``audit.check.concern=value``.

    Raises:
        InvalidSettings: If a key, an audit, a check or a value is wrong.
    """
    tables = dict(raw)
    for text in overrides:
        override(tables, text)
    known = names(AUDITS)
    given = {
        name: tables.pop(name)
        for name in list(tables)
        if isinstance(tables[name], Mapping) or name in known
    }
    if strange := [name for name in given if name not in known]:
        raise InvalidSettings(
            "no such audit", where=f"{where}: {strange[0]}", hint=nearest(strange[0], known)
        )
    if flat := [name for name, checks in given.items() if not isinstance(checks, Mapping)]:
        raise InvalidSettings(
            f"{given[flat[0]]!r} is no table",
            where=f"{where}: {flat[0]}",
            hint=f"set {flat[0]}.CHECK.concern",
        )
    settings = validated(AuditSettings, tables, where, tuple(known))
    chosen = [audit_named(name) for name in (known if settings.audits is None else settings.audits)]
    if strange := [name for name in given if name not in {audit.name for audit in chosen}]:
        raise InvalidSettings(
            "this audit is not made", where=f"{where}: {strange[0]}", hint="name it in audits"
        )
    return settings, with_thresholds(chosen, given)


def explain_audit(settings: AuditSettings, audits: Sequence[Audit]) -> list[tuple[str, str, str]]:
    """Every setting and threshold, its value, and the reason for it."""
    lines = [
        (name, str(getattr(settings, name)), (field.description or "").splitlines()[0])
        for name, field in AuditSettings.model_fields.items()
    ]
    for audit in audits:
        for check in audit.checks:
            limit = check.threshold
            beyond = "below" if limit.below else "above"
            value = f"concern {beyond} {limit.concern:g}, risk {beyond} {limit.risk:g}"
            lines.append((f"{audit.name}.{check.name}", value, f"{check.asks} ({limit.reason})"))
    return lines
