"""Finished surveys of language models, and finished runs of CultureSPA."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from pluralign.core import count_of, with_interval
from pluralign.evaluation.surveys import ALIGNMENT, SurveyDifferenceRow, SurveyRow
from pluralign.runs.measured import COMPARISONS, RESULTS, MeasuredRun
from pluralign.runs.plots import SurveyPlots
from pluralign.runs.run_display import Glance
from pluralign.runs.typed_rows import hold_named


@dataclass(frozen=True, repr=False)
class SurveyRun(MeasuredRun):
    """A finished survey of language models; attributes as of `pluralign.runs.FinishedRun`."""

    tables: ClassVar[Mapping[str, type[Any]]] = {
        "results": SurveyRow,
        "comparisons": SurveyDifferenceRow,
    }

    @cached_property
    def results(self) -> tuple[SurveyRow, ...]:
        """``results.jsonl``: every metric of every model, strategy and community.

        Raises:
            DamagedFile: If the file is missing or damaged, or a row is about a community that the
                run's record does not name.
        """
        rows: tuple[SurveyRow, ...] = self._measured(SurveyRow)
        asked = self.settings.get("evaluate", {}).get("communities")
        if asked is not None:
            hold_named(rows, "community", asked, self.folder / RESULTS)
        return rows

    @cached_property
    def comparisons(self) -> tuple[SurveyDifferenceRow, ...]:
        """``comparisons.jsonl``: paired differences between models and between strategies."""
        return self._rows(COMPARISONS, SurveyDifferenceRow)

    @property
    def plot(self) -> SurveyPlots:
        """The charts of the report."""
        return SurveyPlots(self)

    def value(
        self, metric: str, model: str, strategy: str | None, community: str | None = None
    ) -> SurveyRow | None:
        """A row of the results; None where it was not measured.

        Args:
            metric: Name of the metric.
            model: Name of the model.
            strategy: How questions were put; None for reference points.
            community: Of which community; on average over them where None.
        """
        for row in self.results:
            if (row.metric, row.model) == (metric, model) and (row.strategy, row.community) == (
                strategy,
                community,
            ):
                return row
        return None

    def _glance(self) -> Glance:
        scores = [r for r in self.results if r.metric == ALIGNMENT and r.strategy is not None]
        averages = [r for r in scores if r.community is None]
        averages.sort(key=lambda row: -row.value)
        models = count_of(len({r.model for r in scores}), "model")
        communities = {r.community for r in scores if r.community is not None}
        facts = [f"{models}, {count_of(len(communities), 'community', 'communities')}"]
        rows = []
        for r in averages:
            score = with_interval(r.value, r.low, r.high)
            rows.append([r.model, r.strategy or "", score, f"{r.n:,}"])
        heads = ("model", "strategy", "cultural alignment score [95 %]", "questions")
        return Glance(facts, heads, rows)


@dataclass(frozen=True, repr=False)
class PluraliseRun(SurveyRun):
    """A finished run of CultureSPA: the survey of the tuned models against their start."""

    @property
    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """Name of a stage -> its summary."""
        found: Mapping[str, Mapping[str, Any]] = self.record["stages"]
        return found
