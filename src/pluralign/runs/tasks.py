"""Finished runs of ``pluralign align --data task``."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pluralign.core import DamagedFile, count_of, with_interval
from pluralign.runs.finished_run import FinishedRun
from pluralign.runs.folder import read_rows
from pluralign.runs.measured import RESULTS
from pluralign.runs.policy_rows import PolicyRow, community_file
from pluralign.runs.run_display import Glance

_SHOWN = (
    *("letter_accuracy", "words_accuracy", "generated_accuracy", "exact_match"),
    "baseline_accuracy",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenItem:
    """An item that a model wrote from a passage, and that was kept.

    Attributes:
        community: The community whose documents it was written from.
        question: The question, or the whole prompt.
        answer: The right answer.
        options: The options; empty for a prompt without.
        document: Name or address of the document.
        passage: Id of the passage.
        license: Licence of the document; None where none is known.
    """

    community: str
    question: str
    answer: str
    options: tuple[str, ...]
    document: str
    passage: str
    license: str | None


@dataclass(frozen=True, repr=False)
class TaskRun(FinishedRun):
    """A finished run on a task; attributes as of `pluralign.runs.FinishedRun`."""

    tables: ClassVar[Mapping[str, type[Any]]] = {"results": PolicyRow, "examples": WrittenItem}

    @cached_property
    def results(self) -> tuple[PolicyRow, ...]:
        """``results.jsonl``; empty if the run had no test items.

        Raises:
            DamagedFile: If the file is damaged, or missing although items were measured.
        """
        if "not measured" in self.stages.get("evaluate", {}):
            return ()
        return self._rows(RESULTS, PolicyRow)

    @cached_property
    def examples(self) -> tuple[WrittenItem, ...]:
        """The written examples that were kept, of all communities.

        Raises:
            DamagedFile: If a file is missing or damaged.
        """
        found = []
        for community in self.communities:
            path = self.file(f"keep/{community_file(community)}.jsonl")
            found += [_written_item(row, path) for row in read_rows(path)]
        return tuple(found)

    @property
    def dropped(self) -> Mapping[str, Mapping[str, int]]:
        """Community -> reason -> number of written examples that were left out."""
        keep = self.stages["keep"]
        return {community: keep[community].get("left out", {}) for community in self.communities}

    @property
    def communities(self) -> list[str]:
        """Ids of the communities that have an adapter."""
        return list(self.record["communities"])

    @property
    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """Name of a stage -> its summary."""
        found: Mapping[str, Mapping[str, Any]] = self.record["stages"]
        return found

    @property
    def adapters(self) -> Mapping[str, Path]:
        """Community -> folder of its PEFT adapter, as `peft` loads it."""
        return {c: self.folder / "tune" / community_file(c) for c in self.communities}

    def value(
        self, metric: str, method: str, steer: str | None = None, community: str | None = None
    ) -> PolicyRow | None:
        """A row of the results; None where it was not measured.

        Args:
            metric: Name of the number.
            method: ``start``, ``task`` (an adapter), or a baseline.
            steer: Community of the adapter, or a router.
            community: Community whose test items were answered; None for all items.
        """
        for r in self.results:
            if (r.metric, r.method, r.steer, r.community) == (metric, method, steer, community):
                return r
        return None

    def _glance(self) -> Glance:
        kept = count_of(len(self.examples), "example")
        dropped = sum(sum(reasons.values()) for reasons in self.dropped.values())
        communities = count_of(len(self.communities), "community", "communities")
        facts = [f"{communities}, {kept} kept, {dropped:,} left out"]
        rows = [
            [
                r.steer or str(r.method),
                r.metric,
                with_interval(r.value, r.low, r.high, scale=100),
                f"{r.n:,}",
            ]
            for r in self.results
            if r.community is None and r.metric in _SHOWN
        ]
        return Glance(facts, ("policy", "measure", "right in % [95 %]", "items"), rows)


def _written_item(row: Mapping[str, Any], path: Path) -> WrittenItem:
    try:
        return WrittenItem(
            community=row["community"],
            question=row["question"] if "options" in row else row["prompt"],
            answer=row["answer"],
            options=tuple(row.get("options", ())),
            document=row["document"],
            passage=row["passage"],
            license=row["license"],
        )
    except KeyError as error:
        raise DamagedFile(
            f"{error.args[0]} missing", where=str(path), hint="give the run's command again"
        ) from error
