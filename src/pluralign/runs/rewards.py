"""A finished run of reward models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from pluralign.core import NO_STEER, REFERENCE, FloatArray, InvalidSettings, count_of, with_interval
from pluralign.evaluation import (
    METRIC,
    CurveRow,
    DifferenceRow,
    NeededRow,
    RepeatRow,
    Row,
    SensitivityRow,
    SummaryRow,
    TestPairs,
)
from pluralign.runs.finished import check_files
from pluralign.runs.finished_run import named_first
from pluralign.runs.folder import RunFolder, seen_by
from pluralign.runs.matrix import MATRIX, read_matrix
from pluralign.runs.measured import COMPARISONS, RESULTS, MeasuredRun
from pluralign.runs.models import Models
from pluralign.runs.plots import RewardPlots
from pluralign.runs.run_display import Glance
from pluralign.runs.typed_rows import hold_named, numbered_lines, typed_rows
from pluralign.settings.registry import ranked_methods

NEEDED = "fraction_needed"


@dataclass(frozen=True, repr=False)
class RewardRun(MeasuredRun):
    """A finished run of reward models; attributes as of `pluralign.runs.FinishedRun`.

    ``run.models["adaptive"]`` opens a saved model, ``run.plot`` draws the charts of the report.
    """

    tables: ClassVar[Mapping[str, type[Any]]] = {
        "results": Row,
        "summary": SummaryRow,
        "comparisons": DifferenceRow,
        "repeats": RepeatRow,
        "people": Row,
        "curves": CurveRow,
        "needed": NeededRow,
        "sensitivity": SensitivityRow,
    }

    @cached_property
    def results(self) -> tuple[Row, ...]:
        """``results.jsonl``: accuracy of every method by steer, community and subset.

        Where more than 20 communities are steered to, what a steer does to the others is not among
        these rows; `matrix` reads it.

        Raises:
            DamagedFile: If the file is missing or damaged, or a row is about something that the
                run's record does not name.
        """
        rows: tuple[Row, ...] = self._measured(Row)
        communities = self._known_communities()
        for key, known in (
            ("method", self.methods),
            ("community", communities),
            ("steer", communities),
        ):
            hold_named(rows, key, known, self.folder / RESULTS)
        return rows

    @cached_property
    def summary(self) -> tuple[SummaryRow, ...]:
        """``summary.jsonl``: each method over the communities that it serves."""
        return self._rows("summary.jsonl", SummaryRow)

    @cached_property
    def comparisons(self) -> tuple[DifferenceRow, ...]:
        """``comparisons.jsonl``: paired differences, and what steering costs others."""
        return self._rows(COMPARISONS, DifferenceRow)

    @cached_property
    def repeats(self) -> tuple[RepeatRow, ...]:
        """``repeats.jsonl``: the summary of each seed alone."""
        return self._rows("repeats.jsonl", RepeatRow)

    @cached_property
    def people(self) -> tuple[Row, ...]:
        """``people.jsonl``: how far the people of a community agree with each other."""
        return self._rows("people.jsonl", Row)

    @cached_property
    def curves(self) -> tuple[CurveRow, ...]:
        """``studies/curve-*.jsonl``: the points of the learning curves."""
        return self._of_curves(METRIC, CurveRow)

    @cached_property
    def needed(self) -> tuple[NeededRow, ...]:
        """``studies/curve-*.jsonl``: how much of the data each method needs to reach another."""
        return self._of_curves(NEEDED, NeededRow)

    @cached_property
    def sensitivity(self) -> tuple[SensitivityRow, ...]:
        """``studies/sensitivity.jsonl``: accuracy under other settings."""
        return self._rows("studies/sensitivity.jsonl", SensitivityRow)

    @property
    def methods(self) -> list[str]:
        """Methods, in the order of the settings."""
        return list(self.settings["methods"])

    @property
    def steered(self) -> list[str]:
        """Ids of the communities steered to."""
        return list(self.record["communities"]["steered"])

    @property
    def spoken_for(self) -> list[str]:
        """Ids of the communities that the reference was fitted on."""
        return list(self.record["communities"].get("reference", ()))

    @property
    def seeds(self) -> list[int]:
        """Seeds of the repeats."""
        return list(self.record["seeds"])

    @property
    def models(self) -> Models:
        """The saved models: ``run.models["adaptive"]``, ``run.models["adaptive", 7]``."""
        return Models(self.folder)

    @property
    def plot(self) -> RewardPlots:
        """The charts of the report."""
        return RewardPlots(self)

    def method(self, name: str | None = None) -> str:
        """The method that stands for the run: the one named, else the first preferred one it has.

        Raises:
            InvalidSettings: If the run has no such method.
        """
        if name is not None and name not in self.methods:
            raise InvalidSettings(
                f"the run has no method {name!r}",
                where=str(self.folder),
                hint=f"it has {', '.join(self.methods)}",
            )
        # The reference stands for a run only where nothing was fitted from it.
        fitted = [method for method in ranked_methods() if method != REFERENCE]
        return named_first(self.methods, name, fitted[::-1])

    def served(self, subset: str = "all") -> dict[tuple[str, str], Row]:
        """(Community, method) -> accuracy under the steer to the community itself.

        Args:
            subset: ``all`` or ``contested`` pairs.
        """
        found = {}
        for row in self.results:
            if (
                row.subset == subset
                and row.steer in {None, row.community}
                and row.community is not None
            ):
                found[row.community, row.method] = row
        return found

    def matrix(self, method: str | None = None) -> tuple[Row, ...]:
        """The effect of every steer of a method on every community, on all and on contested pairs.

        Args:
            method: The method; the one that stands for the run where None.

        Raises:
            InvalidSettings: If the run has no such method.
            DamagedFile: If a file is missing or damaged.
        """
        chosen = self.method(method)
        own = [r for r in self.results if r.method == chosen and r.steer is not None]
        return (*own, *self.apart(chosen))

    def apart(self, method: str) -> tuple[Row, ...]:
        """Rows of the matrix that are not among the results, where communities are many.

        Args:
            method: Name of the method.

        Raises:
            DamagedFile: If the file is missing or damaged.
        """
        path = self.file(MATRIX)
        return typed_rows(dict(enumerate(read_matrix(self.folder, method), start=1)), Row, path)

    def summed(
        self, method: str, aggregate: str = "average", subset: str = "all"
    ) -> SummaryRow | None:
        """A row of the summary; None where it could not be measured."""
        for row in self.summary:
            if (row.method, row.aggregate, row.subset) == (method, aggregate, subset):
                return row
        return None

    def gain(
        self, method: str, baseline: str, community: str | None = None, subset: str = "all"
    ) -> DifferenceRow | None:
        """Paired difference of a method to a baseline; None where it was not measured.

        Args:
            method: The method.
            baseline: ``reference`` or ``full``.
            community: Of which community; on average over those served where None.
            subset: ``all`` or ``contested`` pairs.
        """
        for row in self.comparisons:
            if (
                row.aggregate is None
                and (row.method, row.baseline) == (method, baseline)
                and (row.community, row.subset) == (community, subset)
            ):
                return row
        return None

    def bystanders(self, method: str) -> list[DifferenceRow]:
        """For each steer, the change for the communities of the reference that are not meant."""
        return [r for r in self.comparisons if r.method == method and r.aggregate == "bystanders"]

    def margins(self, method: str, seed: int) -> tuple[TestPairs, Mapping[str, FloatArray]]:
        """The test pairs of a repeat, and their margins in logits by steer, shape (N,) each.

        Args:
            method: Name of the method.
            seed: Seed of the repeat.

        Raises:
            DamagedFile: If the file is missing or damaged.
        """
        return RunFolder(self.folder).read_predictions(seed, method)

    def seen_margins(self, method: str, seed: int) -> tuple[TestPairs, FloatArray] | None:
        """The training pairs of a repeat, and their margins under the steer to their community.

        None for a run without ``privacy.audit``.

        Raises:
            DamagedFile: If the file is damaged.
        """
        folder, name = RunFolder(self.folder), seen_by(method)
        if not folder.has_predictions(seed, name):
            return None
        pairs, margins = folder.read_predictions(seed, name)
        return pairs, margins[NO_STEER]

    def _known_communities(self) -> set[str]:
        roles = self.record["communities"]
        left_out: Iterable[str] = roles.get("left_out", ())
        return {*self.record["people"], *self.steered, *self.spoken_for, *left_out}

    def _of_curves(self, metric: str, kind: type[Any]) -> tuple[Any, ...]:
        """The rows of one metric in the files of learning curves; other metrics are read over."""
        check_files(self.folder / self.record_name, "studies/curve-*.jsonl")
        found: list[Any] = []
        for path in sorted(self.folder.glob("studies/curve-*.jsonl")):
            lines = numbered_lines(path)
            typed_rows(lines, _WithMetric, path)
            own = {n: line for n, line in lines.items() if line["metric"] == metric}
            found += typed_rows(own, kind, path)
        return tuple(found)

    def _glance(self) -> Glance:
        known = count_of(len(self.record["people"]), "community", "communities")
        pairs = count_of(self.record["data"]["pairs"], "pair")
        facts = [f"steered to {len(self.steered)} of {known}, {pairs}"]
        rows = []
        for method in self.methods:
            average, worst = self.summed(method), self.summed(method, "worst")
            if average is not None:
                name = (worst.worst_community or "") if worst is not None else ""
                rows.append([method, _percent(average), _percent(worst), name])
        heads = ("method", "accuracy % [95 %]", "worst % [95 %]", "worst community")
        return Glance(facts, heads, rows)


@dataclass(frozen=True, slots=True)
class _WithMetric:
    """A line that names its metric."""

    metric: str


def _percent(row: SummaryRow | None) -> str:
    return "" if row is None else with_interval(row.value, row.low, row.high, scale=100)
