"""The accuracy of a model, community by community, and how it shows itself."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from pluralign.core import (
    REFERENCE,
    Estimate,
    community_name,
    count_of,
    html_table,
    known_community,
    text_table,
    with_interval,
)

if TYPE_CHECKING:
    import altair
    import pandas
    import pyarrow

    from pluralign.languages import Speech

AVERAGE = "average"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityAccuracy:
    """How a model serves one community, or several on average.

    Attributes:
        community: Id of the raters' community; ``average`` over those that the model is steered
            to, each counting the same.
        steer: Community steered to, ``own`` for the average; None where the model is not steered to
            the community: its reference is measured.
        subset: ``all`` pairs, or the ``contested`` ones, where the reference contradicts the rater.
        accuracy: Share of the pairs ranked as the rater did, in [0, 1].
        reference: The same under the reference.
        gain: Accuracy minus that of the reference, paired; None where the steer is.
    """

    community: str
    steer: str | None
    subset: str
    accuracy: Estimate
    reference: Estimate
    gain: Estimate | None

    def __repr__(self) -> str:
        gain = "" if self.gain is None else f"; gain over the reference {self.gain}"
        return f"{_name(self.community)}, {self.subset} pairs: accuracy {self.accuracy}{gain}"

    def as_dict(self) -> dict[str, Any]:
        """One flat row."""
        row: dict[str, Any] = {
            "community": self.community,
            "name": _name(self.community),
            "steer": self.steer,
            "subset": self.subset,
        }
        row |= _columns("accuracy", self.accuracy)
        row |= _columns("reference", self.reference)
        row |= _columns("gain", self.gain)
        return row | {"pairs": self.accuracy.n, "people": self.accuracy.n_raters}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Evaluation:
    """The accuracy of a model for each community; it prints as a table.

    ``evaluation["MEX"]`` is one community's row.

    Attributes:
        model: Name of the method, or of the kind of model.
        n: Test pairs.
        rows: A row for each community and subset, and for the average; sorted by community.
        notes: Sentences that the reader should know.
    """

    model: str
    n: int
    rows: tuple[CommunityAccuracy, ...]
    notes: tuple[str, ...] = ()

    def __getitem__(self, community: str) -> CommunityAccuracy:
        """The row of a community on all its pairs.

        Raises:
            UnknownCommunity: If no test pair belongs to it. The message suggests similar names.
        """
        shown = {row.community: row for row in self._shown()}
        return shown.get(community) or shown[known_community(community, list(shown))]

    def to_arrow(self) -> "pyarrow.Table":
        """All rows, also of contested pairs, as a pyarrow table."""
        import pyarrow

        return pyarrow.Table.from_pylist([row.as_dict() for row in self.rows])

    def to_pandas(self) -> "pandas.DataFrame":
        """All rows, also of contested pairs, as a pandas data frame.

        Raises:
            ImportError: If pandas is not installed.
        """
        return self.to_arrow().to_pandas()

    def plot(self, language: str = "en") -> "altair.LayerChart":
        """Communities from the lowest accuracy up, with intervals; a tick marks the reference.

        Args:
            language: Language of the texts in the chart, as ``es``.

        Raises:
            MissingExtra: If the extra ``report`` is not installed.
        """
        from pluralign.charts.charts import dot_plot
        from pluralign.charts.drawing import need_report
        from pluralign.languages import Speech

        need_report()
        import altair

        say = Speech(language)
        own = [row for row in self._shown() if row.community != AVERAGE]
        points = [_point(row, say) for row in sorted(own, key=lambda row: row.accuracy.value)]
        tick = REFERENCE if any(row.gain is not None for row in own) else None
        spec = dot_plot(points, say("choices predicted correctly"), percent=True, reference=tick)
        chart: altair.LayerChart = altair.Chart.from_dict(spec)
        return chart

    def __repr__(self) -> str:
        return "\n".join([self._title, "", text_table(*self._table), "", *self._remarks])

    def _repr_html_(self) -> str:
        remarks = "<br>".join(map(escape, self._remarks))
        return f"<p>{escape(self._title)}</p>{html_table(*self._table)}<p>{remarks}</p>"

    def _shown(self) -> list[CommunityAccuracy]:
        return [row for row in self.rows if row.subset == "all"]

    @property
    def _title(self) -> str:
        return f"{self.model}: pairs ranked as their raters did, of {count_of(self.n, 'test pair')}"

    @property
    def _remarks(self) -> list[str]:
        people = any(row.accuracy.n_raters is not None for row in self.rows)
        over = (
            "people, or over question stems where those are wider" if people else "question stems"
        )
        return [f"In brackets: 95 % intervals over {over}.", *self.notes]

    @property
    def _table(self) -> tuple[list[str], list[list[str]]]:
        rows = self._shown()
        steers = any(row.gain is not None for row in rows)
        people = any(row.accuracy.n_raters is not None for row in rows)
        heads = ["", "accuracy, %"]
        heads += ["reference, %", "gain, points"] if steers else []
        heads += ["pairs", "people"] if people else ["pairs"]
        cells = []
        for row in rows:
            line = [_name(row.community), _percent(row.accuracy)]
            if steers:
                gain = "not steered to" if row.gain is None else _percent(row.gain, signed=True)
                line += [f"{row.reference.value * 100:.1f}", gain]
            line.append(f"{row.accuracy.n:,}")
            if people:
                line.append(f"{row.accuracy.n_raters:,}")
            cells.append(line)
        return heads, cells


def _name(community: str) -> str:
    return AVERAGE if community == AVERAGE else community_name(community)


def _point(row: CommunityAccuracy, say: "Speech") -> dict[str, Any]:
    """A row as the charts take it; without an interval, its ends are the number itself."""
    found = row.accuracy
    return {
        "name": say.place(row.community),
        "shown": say.percent(found.value),
        "value": found.value,
        "low": found.value if found.low is None else found.low,
        "high": found.value if found.high is None else found.high,
        "base": row.reference.value,
    }


def _columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _percent(e: Estimate, *, signed: bool = False) -> str:
    return with_interval(e.value, e.low, e.high, scale=100, signed=signed)
