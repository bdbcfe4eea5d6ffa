"""The report's charts of one run, for notebooks: ``run.plot.communities()``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pluralign.charts.drawing import need_report
from pluralign.core import REFERENCE, NotEnoughData
from pluralign.evaluation.surveys import ALIGNMENT
from pluralign.languages import Speech

if TYPE_CHECKING:
    import altair

    from pluralign.runs.rewards import RewardRun
    from pluralign.runs.surveys import SurveyRun

_ACCURACY = "choices predicted correctly"
_SCORE = "cultural alignment score (0 to 100)"


@dataclass(frozen=True, slots=True)
class RewardPlots:
    """Charts of a run of reward models.

    Each method raises `MissingExtra` if the extra ``report`` is not installed, `NotEnoughData` if
    the run did not measure what the chart shows, and `DamagedFile` if a file is damaged.

    Attributes:
        run: The run.
        language: Language of the texts in the charts, as ``es``.
    """

    run: "RewardRun"
    language: str = "en"

    def methods(self, subset: str = "all") -> "altair.LayerChart":
        """Every method on average over the communities that it is steered to, the lowest first.

        Args:
            subset: ``all`` or ``contested`` pairs.
        """
        say = Speech(self.language)
        found = [r for r in self.run.summary if (r.aggregate, r.subset) == ("average", subset)]
        rows = [_point(r, r.method, say, percent=True) for r in sorted(found, key=_value)]
        return _dots(rows, say(_ACCURACY), percent=True, where=self.run)

    def communities(self, method: str | None = None) -> "altair.LayerChart":
        """Communities from the lowest accuracy up; a tick marks the reference.

        Args:
            method: Under which method; the one that stands for the run where None.
        """
        say, chosen = Speech(self.language), self.run.method(method)
        served = self.run.served()
        own = [r for (c, m), r in served.items() if m == chosen and c in self.run.steered]
        rows = []
        for r in sorted(own, key=_value):
            point = _point(r, say.place(r.community), say, percent=True)
            base = served.get((str(r.community), REFERENCE))
            rows.append(point | {"base": base.value if base is not None else None})
        tick = REFERENCE if chosen != REFERENCE and REFERENCE in self.run.methods else None
        return _dots(rows, say(_ACCURACY), percent=True, where=self.run, reference=tick)

    def matrix(self, method: str | None = None) -> "altair.LayerChart":
        """The effect of each steer on each community: change against the reference, in points.

        Args:
            method: The method; the one that stands for the run where None.
        """
        from pluralign.charts.charts import steer_matrix

        need_report()
        say, served = Speech(self.language), self.run.served()
        rows: list[dict[str, Any]] = []
        for r in self.run.matrix(method):
            base = served.get((str(r.community), REFERENCE))
            if r.subset == "all" and base is not None:
                cell = {
                    "steer_name": say.place(r.steer),
                    "name": say.place(r.community),
                    "points": round(100 * (r.value - base.value), 2),
                    "shown": say.percent(r.value),
                }
                rows.append(cell)
        _hold_some(rows, self.run)
        steers = sorted({row["steer_name"] for row in rows})
        communities = sorted({row["name"] for row in rows})
        return _chart(steer_matrix(rows, steers, communities, say))

    def curves(self, by: str = "pairs") -> "altair.LayerChart":
        """Accuracy against how much was learned from, a line for each method.

        Args:
            by: The data that are thinned: ``pairs`` or ``raters``.
        """
        from pluralign.charts.charts import curves

        need_report()
        say, rows = Speech(self.language), []
        for r in sorted(self.run.curves, key=lambda r: (r.method, r.fraction)):
            if r.by == by and r.train_pairs > 0:
                rows.append(_point(r, r.method, say, percent=True) | {"x": r.train_pairs})
        _hold_some(rows, self.run)
        return _chart(curves(rows, say("training pairs"), say(_ACCURACY)))


@dataclass(frozen=True, slots=True)
class SurveyPlots:
    """Charts of a survey of language models; errors as of `RewardPlots`.

    Attributes:
        run: The survey.
        language: Language of the texts in the charts, as ``es``.
    """

    run: "SurveyRun"
    language: str = "en"

    def methods(self) -> "altair.LayerChart":
        """Every model and strategy on average over communities, the lowest score first."""
        say = Speech(self.language)
        found = [r for r in self.run.results if r.metric == ALIGNMENT and r.community is None]
        rows = []
        for r in sorted(found, key=_value):
            name = f"{r.model} · {r.strategy}" if r.strategy is not None else r.model
            rows.append(_point(r, name, say, percent=False))
        return _dots(rows, say(_SCORE), percent=False, where=self.run)

    def communities(self, model: str, strategy: str) -> "altair.LayerChart":
        """Communities from the one that a model's answers are furthest from.

        Args:
            model: Name of the model.
            strategy: How questions were put.
        """
        say = Speech(self.language)
        rows = []
        for r in sorted(self.run.results, key=_value):
            about = r.metric == ALIGNMENT and r.community is not None
            if about and (r.model, r.strategy) == (model, strategy):
                rows.append(_point(r, say.place(r.community), say, percent=False))
        return _dots(rows, say(_SCORE), percent=False, where=self.run)


def _value(row: Any) -> float:
    return float(row.value)


def _point(row: Any, name: str, say: Speech, *, percent: bool) -> dict[str, Any]:
    """A row as the charts take it; without an interval, its ends are the number itself."""
    show = say.percent if percent else say.number
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    return {"name": name, "value": row.value, "low": low, "high": high, "shown": show(row.value)}


def _dots(
    rows: Sequence[Mapping[str, Any]],
    label: str,
    *,
    percent: bool,
    where: "RewardRun | SurveyRun",
    reference: str | None = None,
) -> "altair.LayerChart":
    from pluralign.charts.charts import dot_plot

    need_report()
    _hold_some(rows, where)
    return _chart(dot_plot(rows, label, percent, reference))


def _chart(spec: Mapping[str, Any]) -> "altair.LayerChart":
    import altair

    return altair.Chart.from_dict(dict(spec))


def _hold_some(rows: Sequence[object], run: "RewardRun | SurveyRun") -> None:
    if not rows:
        raise NotEnoughData("the run measured nothing that this chart shows", where=str(run.folder))
