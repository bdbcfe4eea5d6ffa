"""Settings of private choices: of a run, and of a single source."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pluralign.core import PairSource
from pluralign.rewards import LossKind
from pluralign.settings.variants import SettingsTable
from pluralign.sources import PrivatePairs

Epsilon = Annotated[float, Field(gt=0)]


class _ReportSettings(SettingsTable):
    """How choices are reported."""

    per: Literal["label", "person"] = "label"
    """Unit that epsilon protects: every single choice (``label``), or all choices of a person
    (``person``), of whom one choice is used then."""
    ledger: Path | None = None
    """Ledger of the reports, which are drawn once. When unset: ``pluralign/ledger.jsonl`` in the
    data folder of the user; with a seed, none."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of the reports, for experiments on choices that are known anyway: a reader of the seed
    can undo the flips, so nothing is private. When unset, reports are drawn from a secure source of
    randomness."""


class SourcePrivacy(_ReportSettings):
    """Private choices of one source: the table ``privacy`` of an entry of ``pairs``."""

    epsilon: Epsilon
    """Privacy parameter of each report."""

    def around(self, source: PairSource) -> PrivatePairs:
        """The source with private choices."""
        return PrivatePairs(source, self.epsilon, self.per, self.ledger, self.seed)


class PrivacySettings(_ReportSettings):
    """Private choices: each passes randomised response once, before anything else reads it."""

    epsilon: Epsilon | None = None
    """Privacy parameter of each report, for every source without a table ``privacy`` of its own.
    When unset, their choices are not private."""
    loss: Literal["auto", "plain", "unbiased", "forward"] = "auto"
    """Loss of reported choices. ``auto``: ``forward``, the likelihood of the report. ``unbiased``
    is for linear heads only; ``plain`` ignores the flips, so margins shrink."""
    audit: bool = False
    """Whether to write the margins of training pairs, which the audit ``privacy`` needs."""

    @model_validator(mode="after")
    def _reports_need_an_epsilon(self) -> Self:
        known = _ReportSettings.model_fields.items()
        given = [name for name, field in known if getattr(self, name) != field.default]
        if self.epsilon is None and given:
            raise ValueError(
                f"{' and '.join(given)} must be set together with epsilon: without it, no choice "
                "is private"
            )
        return self

    def around(self, source: PairSource) -> PairSource:
        """The source, with private choices if the run asks for them and it has none."""
        if self.epsilon is None or isinstance(source, PrivatePairs):
            return source
        return PrivatePairs(source, self.epsilon, self.per, self.ledger, self.seed)

    @property
    def chosen_loss(self) -> LossKind:
        """The loss of the reference and of every method."""
        return "forward" if self.loss == "auto" else self.loss
