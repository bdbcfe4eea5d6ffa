"""Scored answers of language models to tests of knowledge."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from pluralign.core import DamagedFile, count_of, with_interval
from pluralign.evaluation.knowledge import KnowledgeRow
from pluralign.evaluation.knowledge.result_rows import ACCURACY, CREDIT, is_reference
from pluralign.metrics import ScoredAnswer
from pluralign.runs.audits import AuditRun, find_audit
from pluralign.runs.finished_run import FinishedRun
from pluralign.runs.measured import RESULTS
from pluralign.runs.run_display import Glance

SCORED = "scored.jsonl"


@dataclass(frozen=True, repr=False)
class KnowledgeRun(FinishedRun):
    """Scored answers to a test of knowledge; attributes as of `pluralign.runs.FinishedRun`."""

    tables: ClassVar[Mapping[str, type[Any]]] = {"results": KnowledgeRow, "scored": ScoredAnswer}

    @cached_property
    def results(self) -> tuple[KnowledgeRow, ...]:
        """``results.jsonl``: every number of every model, community, language, form and place.

        Raises:
            DamagedFile: If the file is missing, damaged or empty.
        """
        rows = self._rows(RESULTS, KnowledgeRow)
        if not rows:
            raise DamagedFile("the run has no results", where=str(self.folder), hint="score again")
        return rows

    @cached_property
    def scored(self) -> tuple[ScoredAnswer, ...]:
        """``scored.jsonl``: every answer with its credit in each community.

        Raises:
            DamagedFile: If the file is missing or damaged.
        """
        return self._rows(SCORED, ScoredAnswer)

    @cached_property
    def audit(self) -> AuditRun | None:
        """The audit of the run, in its folder or in ``audit`` in it; None if there is none."""
        return find_audit(self.folder)

    @property
    def languages(self) -> Mapping[str, str]:
        """Community -> BCP 47 tag of its local language, as the test has it."""
        found: Mapping[str, str] = self.record["languages"]
        return found

    def value(
        self,
        metric: str,
        model: str,
        community: str,
        language: str,
        form: str = "short",
        place_named: bool = True,
    ) -> KnowledgeRow | None:
        """A row of the results; None where it was not measured.

        Args:
            metric: Name of the metric.
            model: Name of the model, ``people``, or a baseline such as ``baseline: random``.
            community: Id of the community asked about.
            language: BCP 47 tag of the questions.
            form: ``short`` or ``options``.
            place_named: Whether the questions name the place.
        """
        wanted = (metric, model, community, language, form, place_named)
        for row in self.results:
            found = (row.metric, row.model, row.community, row.language, row.form, row.place_named)
            if found == wanted:
                return row
        return None

    def _glance(self) -> Glance:
        scores = [
            row
            for row in self.results
            if not is_reference(row) and row.metric == (CREDIT if row.form == "short" else ACCURACY)
        ]
        models = count_of(len({row.model for row in scores}), "model")
        communities = count_of(len({r.community for r in scores}), "community", "communities")
        rows = [
            [
                row.model,
                f"{row.community}, {row.language}",
                row.strategy,
                with_interval(row.value, row.low, row.high, scale=100),
                f"{row.n:,}",
            ]
            for row in scores
        ]
        heads = ("model", "asked", "form", "score in % [95 %]", "questions")
        return Glance([f"{models}, {communities}"], heads, rows)
