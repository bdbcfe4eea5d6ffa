"""How often a model ranks held-out pairs as their raters did, community by community."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.core import (
    NO_STEER,
    REFERENCE,
    Estimate,
    FloatArray,
    InvalidInput,
    PreferencePair,
    SteerableRewardModel,
    community_name,
    count_of,
    html_table,
    known_community,
    prompt_text,
    requests_of,
    text_table,
)
from pluralign.evaluation import (
    ENOUGH,
    Drawing,
    Margins,
    TestPairs,
    difference_rows,
    margins_by_steer,
    own_margins,
    steer_rows,
    summary_rows,
)
from pluralign.experiments.linear_bench import fitted
from pluralign.notebook.pairs import read_pairs
from pluralign.rewards import EncodedPairs, LinearRewardModel
from pluralign.runs.progress import reporting

if TYPE_CHECKING:
    import pandas
    import pyarrow

AVERAGE = "average"
_LEAST_DRAWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityAccuracy:
    """How a model serves one community, or several on average.

    Attributes:
        community: Id of the raters' community; ``average`` over those that the model is steered
            to, each counting the same.
        steer: Community steered to; None where the model is not steered to it: its reference.
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
            UnknownCommunity: If no test pair belongs to it; near ones are named.
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
        over = "people" if people else "question stems"
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
                gain = "not steered to" if row.gain is None else _points(row.gain)
                line += [f"{row.reference.value * 100:.1f}", gain]
            line.append(f"{row.accuracy.n:,}")
            if people:
                line.append(f"{row.accuracy.n_raters:,}")
            cells.append(line)
        return heads, cells


def evaluate(
    model: SteerableRewardModel, pairs: Any, *, seed: int = 0, draws: int = 2000
) -> Evaluation:
    """Measure how often a model ranks held-out pairs as their raters did.

    Each community is measured under the steer to itself. The numbers are those of ``pluralign
    run`` for the same model, test pairs and seed. A warning names test pairs that were training
    pairs.

    Args:
        model: A model of `pluralign.fit`, of `pluralign.open_model`, or of a server.
        pairs: Held-out pairs, or anything that `pluralign.read_pairs` reads.
        seed: Seed of the intervals.
        draws: Bootstrap draws over people (or question stems), >= 100.

    Returns:
        Accuracy of each community with its interval and people.

    Raises:
        InvalidInput: If the model is not a reward model, or there are too few draws.
        NotEnoughData: If there are no pairs.
    """
    if not isinstance(model, SteerableRewardModel):
        raise InvalidInput(
            f"model must be a reward model, got {type(model).__name__}",
            where="evaluate",
            hint="write evaluate(model, pairs)",
        )
    if draws < _LEAST_DRAWS:
        raise InvalidInput(
            f"draws must be a number >= {_LEAST_DRAWS}, got {draws}", where="evaluate"
        )
    test = read_pairs(pairs).loaded.pairs
    with reporting(None) as reporter:
        reporter.stage(f"scoring {count_of(len(test), 'pair')}")
        reference_N, margins = _margins(model, test)
    judged = TestPairs.of(test, reference_N)
    notes = [*_seen_notes(model, test), *_few_notes(judged)]
    rows = _rows(judged, margins, Drawing(seed, draws))
    return Evaluation(model=_model_name(model), n=len(test), rows=tuple(rows), notes=tuple(notes))


def _margins(
    model: SteerableRewardModel, test: Sequence[PreferencePair]
) -> tuple[FloatArray, Margins]:
    """Margins of the reference, shape (N,), and under every steer."""
    if isinstance(model, LinearRewardModel):
        # The pairs' features once for all heads; responses that are read alike tie exactly.
        encoded = model.trunk.encode_pairs(test)
        return encoded.margins(model.reference_D), fitted(model, {}).margins(encoded)
    chosen, rejected = requests_of(test)
    return model.score(chosen) - model.score(rejected), margins_by_steer(model, test)


def _rows(judged: TestPairs, margins: Margins, drawing: Drawing) -> list[CommunityAccuracy]:
    steered = [community for community in margins if community != NO_STEER]
    own = {NO_STEER: own_margins(margins, judged)}
    reference: Margins = {NO_STEER: judged.reference_N}
    base = {(r.community, r.subset): r.estimate for r in steer_rows(judged, "", reference, drawing)}
    gains = _gains(judged, own, reference, steered, drawing)
    rows = [
        CommunityAccuracy(
            community=str(row.community),
            steer=row.community if row.community in steered else None,
            subset=row.subset,
            accuracy=row.estimate,
            reference=base[row.community, row.subset],
            gain=gains.get((row.community, row.subset)),
        )
        for row in steer_rows(judged, "", own, drawing)
    ]
    if len({row.community for row in rows if row.steer}) == 1:  # the average is the one row
        return rows
    averages = _averages(judged, own, steered, drawing)
    before = _averages(judged, reference, steered, drawing)
    for subset, accuracy in averages.items():
        rows.append(
            CommunityAccuracy(
                community=AVERAGE,
                steer="own",
                subset=subset,
                accuracy=accuracy,
                reference=before[subset],
                gain=gains.get((None, subset)),
            )
        )
    return rows


def _gains(
    judged: TestPairs, own: Margins, reference: Margins, steered: Sequence[str], drawing: Drawing
) -> dict[tuple[str | None, str], Estimate]:
    """(Community, subset) -> gain over the reference; community None is the average."""
    found = {}
    for row in difference_rows(judged, "", own, (REFERENCE, reference), steered, drawing):
        found[row["community"], row["subset"]] = _estimate(row)
    return found  # type: ignore[return-value]


def _averages(
    judged: TestPairs, margins: Margins, steered: Sequence[str], drawing: Drawing
) -> dict[str, Estimate]:
    """Subset -> accuracy on average over the communities steered to."""
    found = {}
    for row in summary_rows(judged, "", margins, steered, drawing):
        if row["aggregate"] == AVERAGE:
            found[str(row["subset"])] = _estimate(row)
    return found


def _seen_notes(model: SteerableRewardModel, test: Sequence[PreferencePair]) -> list[str]:
    """Sentences about training pairs among the test pairs; a warning where there are some."""
    training: EncodedPairs | None = getattr(model, "training", None)
    if training is None:
        if not model.communities:
            return []
        return ["The training pairs of this model are not known: it may have seen these pairs."]
    seen = {_content(pair) for pair in training.pairs}
    again = sum(_content(pair) in seen for pair in test)
    if again:
        sentence = (
            f"{again:,} of {count_of(len(test), 'test pair')} were training pairs of this model: "
            "the accuracy is too high; evaluate on pairs that it has not seen (pluralign.split)"
        )
        warnings.warn(sentence, stacklevel=3)
        return [f"Warning: {sentence}."]
    known = {pair.rater for pair in training.pairs} - {None}
    people = {pair.rater for pair in test} - {None}
    if both := known & people:
        return [
            f"{len(both):,} of {count_of(len(people), 'person', 'people')} gave training pairs "
            "too: these are numbers about new pairs, not about new people."
        ]
    return []


def _few_notes(judged: TestPairs) -> list[str]:
    unit = "raters" if judged.raters else "question stems"
    notes = []
    for community in np.unique(judged.community_N).tolist():
        n = len(np.unique(judged.cluster_N[judged.community_N == community]))
        if n < ENOUGH:
            notes.append(f"{_name(community)} has {n} test {unit}: its interval is too narrow.")
    return notes


def _content(pair: PreferencePair) -> tuple[object, ...]:
    return prompt_text(pair.prompt), pair.chosen, pair.rejected, pair.community, pair.rater


def _model_name(model: SteerableRewardModel) -> str:
    about = getattr(model, "about", {})
    return str(about.get("method", type(model).__name__))


def _name(community: str) -> str:
    return AVERAGE if community == AVERAGE else community_name(community)


def _estimate(row: Any) -> Estimate:
    return Estimate(row["value"], row["low"], row["high"], row["n"], row["n_raters"])


def _columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _percent(e: Estimate) -> str:
    ends = "" if e.low is None or e.high is None else f" [{e.low * 100:.1f}, {e.high * 100:.1f}]"
    return f"{e.value * 100:.1f}{ends}"


def _points(e: Estimate) -> str:
    if e.low is None or e.high is None:
        return f"{e.value * 100:+.1f}"
    return f"{e.value * 100:+.1f} [{e.low * 100:+.1f}, {e.high * 100:+.1f}]"
