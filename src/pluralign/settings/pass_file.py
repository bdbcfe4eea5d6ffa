"""Conditions that a policy must meet, written down before a run: a TOML file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pluralign.core import AnyPath, as_path, file_digest
from pluralign.settings.toml_tables import FolderName
from pluralign.settings.validation import read_settings, validated
from pluralign.settings.variants import SettingsTable

_PRESETS = Path(__file__).parent / "pass_presets"
PASS_PRESETS = tuple(sorted(path.stem for path in _PRESETS.glob("*.toml")))
"""Names of the conditions that come with the package."""


class PassCondition(SettingsTable):
    """A condition on one number of every policy."""

    metric: str
    """Metric of ``results.jsonl``."""
    comparison: Literal[">=", "<="]
    """Whether the number must be at least, or at most, the threshold."""
    threshold: float
    """The threshold, in the units of the metric."""
    name: str | None = None
    """The condition in words. Default: metric, comparison and threshold."""
    z: Annotated[float, Field(gt=0)] | None = None
    """Standard errors by which the number must be past the threshold. When unset: 0."""
    method: str | None = None
    """The only method whose policies must meet it. When unset: every method."""
    community: str | None = None
    """Community whose number counts. When unset: the one that the policy follows; of a joint
    policy, each one."""

    @property
    def words(self) -> str:
        """The condition in words."""
        beyond = "" if self.z is None else f", z >= {self.z:g}"
        return self.name or f"{self.metric} {self.comparison} {self.threshold:g}{beyond}"


class PassConditions(SettingsTable):
    """All conditions of a file."""

    name: FolderName
    """Name of the conditions."""
    condition: tuple[PassCondition, ...]
    """The conditions: tables ``[[condition]]``."""

    @model_validator(mode="after")
    def _has_some(self) -> "PassConditions":
        if not self.condition:
            raise ValueError("condition must have at least one table [[condition]]")
        return self


@dataclass(frozen=True, slots=True)
class PassFile:
    """A file of conditions, as it was read.

    Attributes:
        conditions: The conditions.
        digest: SHA-256 of the file, as `sha256sum` prints it.
    """

    conditions: PassConditions
    digest: str


def read_pass_file(where: AnyPath) -> PassFile:
    """Read conditions.

    Args:
        where: A TOML file, or the name of a preset (`PASS_PRESETS`).

    Raises:
        InvalidSettings: If there is no such file, or it is not valid.

    >>> len(read_pass_file("tapestry").conditions.condition)
    4
    """
    path = _PRESETS / f"{where}.toml" if str(where) in PASS_PRESETS else as_path(where)
    conditions = validated(PassConditions, read_settings(path), path.name)
    return PassFile(conditions, file_digest(path))
