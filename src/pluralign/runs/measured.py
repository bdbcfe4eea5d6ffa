"""Runs that measured something, and so may have been audited."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pluralign.core import DamagedFile
from pluralign.runs.audits import AuditRun, find_audit
from pluralign.runs.finished_run import FinishedRun
from pluralign.runs.plots import RewardPlots, SurveyPlots
from pluralign.runs.policy_plots import PolicyPlots

RESULTS, COMPARISONS = "results.jsonl", "comparisons.jsonl"


@dataclass(frozen=True, repr=False)
class MeasuredRun(FinishedRun):
    """A run with results; attributes as of `FinishedRun`."""

    @property
    @abstractmethod
    def results(self) -> Sequence[Any]:
        """``results.jsonl``: one number a row, with its interval."""

    @property
    @abstractmethod
    def plot(self) -> RewardPlots | SurveyPlots | PolicyPlots:
        """The charts of the report."""

    @cached_property
    def audit(self) -> AuditRun | None:
        """The audit of the run, in its folder or in ``audit`` in it; None if there is none.

        Raises:
            DamagedFile: If its record is missing or damaged.
        """
        return find_audit(self.folder)

    def _measured(self, kind: type[Any]) -> tuple[Any, ...]:
        """The rows of ``results.jsonl``; a finished run has some."""
        rows = self._rows(RESULTS, kind)
        if not rows:
            raise DamagedFile("the run has no results", where=str(self.folder), hint="run it again")
        return rows
