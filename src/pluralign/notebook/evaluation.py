"""How often a model ranks held-out pairs as their raters did, community by community."""

import warnings
from collections.abc import Sequence
from typing import Any

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
    prompt_text,
    requests_of,
)
from pluralign.evaluation import (
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
from pluralign.metrics import ENOUGH_CLUSTERS, effective_clusters
from pluralign.notebook.accuracy import AVERAGE, CommunityAccuracy, Evaluation
from pluralign.notebook.pairs import read_pairs
from pluralign.rewards import EncodedPairs, LinearRewardModel
from pluralign.runs.progress_bars import reporting

_LEAST_DRAWS = 100


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
        seed: Seed of the draws behind gaps between communities.
        draws: Number of these draws of people (or question stems), >= 100.

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
        found[row.community, row.subset] = row.estimate
    return found


def _averages(
    judged: TestPairs, margins: Margins, steered: Sequence[str], drawing: Drawing
) -> dict[str, Estimate]:
    """Subset -> accuracy on average over the communities steered to."""
    found = {}
    for row in summary_rows(judged, "", margins, steered, drawing):
        if row.aggregate == AVERAGE:
            found[row.subset] = row.estimate
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
        n = effective_clusters(judged.cluster_N[judged.community_N == community])
        if n < ENOUGH_CLUSTERS:
            name = community_name(community)
            notes.append(
                f"{name} has {n:.0f} effective test {unit}: its interval may be too narrow."
            )
    return notes


def _content(pair: PreferencePair) -> tuple[object, ...]:
    return prompt_text(pair.prompt), pair.chosen, pair.rejected, pair.community, pair.rater


def _model_name(model: SteerableRewardModel) -> str:
    about = getattr(model, "about", {})
    return str(about.get("method", type(model).__name__))
