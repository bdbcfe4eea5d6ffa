"""Tidy rows on communities that nobody trained on: averages, the worst, and what choices are worth.

Communities are a sample here: the claims are about others like them, and about other questions. So
an interval adds the errors over communities and over stems, less the one that they share, as after
a split by both (`pluralign.metrics.clustered`). A community has its own raters, so its error is
that of people too. Where there is one community only, its raters take the place of communities.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import REFERENCE, BoolArray, Estimate, FloatArray
from pluralign.experiments.unseen import OWN, SHUFFLED, SWAPPED, ServedCommunity, Shots
from pluralign.metrics import Clusters, GroupMeans, group_means
from pluralign.rewards import EncodedPairs

POOLED = "pooled"
NEW_NEW, NEW_SEEN, SEEN_NEW = "new x new", "new x seen", "seen x new"
"""Cells: community x question."""
ENOUGH = 5
"""Stems (or raters) of a community that may be named the worst."""
_CONTROLS = (("over_swapped", SWAPPED), ("over_shuffled", SHUFFLED))
_CREDIT, _DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)
Ids = np.ndarray[tuple[int], np.dtype[np.str_]]


@dataclass(frozen=True, slots=True)
class Judges:
    """Test pairs of several communities.

    Attributes:
        community_N: Community of each.
        rater_N: Its rater, or its stem where there is none.
        stem_N: Its stem.
        new_N: Whether nobody has answered the stem.
        pair_N: Its pair, which may come again in another deal.
    """

    community_N: Ids
    rater_N: Ids
    stem_N: Ids
    new_N: BoolArray
    pair_N: Ids

    @classmethod
    def of(cls, tests: Sequence[tuple[EncodedPairs, BoolArray]]) -> "Judges":
        """The test pairs of communities, one after the other."""
        pairs = [pair for test, _ in tests for pair in test.pairs]
        return cls(
            np.array([pair.community for pair in pairs]),
            np.array([pair.rater or pair.stem for pair in pairs]),
            np.array([pair.stem for pair in pairs]),
            np.concatenate([new_N for _, new_N in tests]),
            np.array([pair.id for pair in pairs]),
        )

    def average(self, rows_N: BoolArray, value_N_S: FloatArray, bounds: Any) -> GroupMeans:
        """Means over communities, each of which counts the same, as one group."""
        community_n = self.community_N[rows_N]
        ids, at_n, count_C = np.unique(community_n, return_inverse=True, return_counts=True)
        cluster_n = community_n if len(ids) > 1 else self.rater_N[rows_N]
        clusters = Clusters(
            cluster_N=cluster_n,
            person_N=False,
            question_N=self.stem_N[rows_N],
            both=True,
            pair_N=self.pair_N[rows_N],
        )
        everybody = np.full(len(at_n), "all")
        weight_n = 1 / count_C[at_n]
        return group_means(value_N_S[rows_N], everybody, clusters, bounds=bounds, weight_N=weight_n)

    def worst(self, rows_N: BoolArray, value_N: FloatArray) -> tuple[str, float] | None:
        """The community with the lowest mean among those with enough stems or raters."""
        means = {}
        for community in np.unique(self.community_N[rows_N]).tolist():
            own_N = rows_N & (self.community_N == community)
            if len(np.unique(self.rater_N[own_N])) >= ENOUGH:
                means[community] = float(value_N[own_N].mean())
        return min(means.items(), key=lambda item: item[1]) if len(means) > 1 else None


def curve_rows(judges: Judges, served: Mapping[str, ServedCommunity]) -> Iterator[dict[str, Any]]:
    """Rows on communities that were left out, on questions seen and new.

    Args:
        judges: Their test pairs.
        served: Method -> how well it serves them; all were given the same choices.

    Yields:
        For each cell, method, control and number of choices: ``accuracy`` and ``loss``; the
        differences ``over_reference``, ``over_pooled`` and, to the same method without choices,
        ``over_none``; for own choices also ``over_swapped`` and ``over_shuffled``. For each method
        ``first_above``: the least number of own choices at which ``over_reference`` has an interval
        above 0.
    """
    for cell, rows_N in ((NEW_SEEN, ~judges.new_N), (NEW_NEW, judges.new_N)):
        if not rows_N.any():
            continue
        for method in served:
            rows = list(_method_rows(judges, rows_N, served, method))
            for row in rows:
                yield {"cell": cell, "method": method, **row}
            above = [row["choices"] for row in rows if _is_gain(row) and (row["low"] or 0) > 0]
            first = {"control": OWN, "metric": "first_above", "value": min(above, default=None)}
            yield {"cell": cell, "method": method, **first}


def trained_rows(judges: Judges, served: Mapping[str, ServedCommunity]) -> Iterator[dict[str, Any]]:
    """Rows on communities that were trained on, on new questions: the cell ``seen x new``."""
    for method in served:
        for row in _method_rows(judges, judges.new_N, served, method):
            if row["metric"] in {"accuracy", "loss", "over_reference", "over_pooled"}:
                yield {"cell": SEEN_NEW, "method": method, **row, "choices": "all"}


def _is_gain(row: Mapping[str, Any]) -> bool:
    return bool(row["metric"] == "over_reference" and row["control"] == OWN)


def _method_rows(
    judges: Judges, rows_N: BoolArray, served: Mapping[str, ServedCommunity], method: str
) -> Iterator[dict[str, Any]]:
    own = served[method]
    credit = own.credit_N_S
    accuracy = judges.average(rows_N, credit, _CREDIT)
    loss = judges.average(rows_N, own.loss_N_S, (-np.inf, np.inf))
    for s, given in enumerate(own.given):
        worst = judges.worst(rows_N, credit[:, s])
        named = {"worst": worst[1], "worst_community": worst[0]} if worst else {}
        yield _row("accuracy", given, accuracy.estimate(0, s)) | named
        yield _row("loss", given, loss.estimate(0, s))
    for metric, compared in _comparisons(served, method):
        columns = np.array(list(compared))
        other_N_s = np.stack(list(compared.values()), axis=1)
        difference = judges.average(rows_N, credit[:, columns] - other_N_s, _DIFFERENCE)
        for s, column in enumerate(columns.tolist()):
            yield _row(metric, own.given[column], difference.estimate(0, s))


def _comparisons(
    served: Mapping[str, ServedCommunity], method: str
) -> Iterator[tuple[str, dict[int, FloatArray]]]:
    """Name of a difference, and for each column that has it the credit to subtract."""
    own = served[method]
    column = {given: s for s, given in enumerate(own.given)}
    for metric, baseline in (("over_reference", REFERENCE), ("over_pooled", POOLED)):
        if baseline in served and baseline != method:
            yield metric, dict(enumerate(served[baseline].credit_N_S.T))
    for metric, control in (("over_none", OWN), *_CONTROLS):
        found = {}
        for given, s in column.items():
            other = Shots(control, 0 if control == OWN else given.choices)
            if given.control == OWN and given.choices and other in column:
                found[s] = own.credit_N_S[:, column[other]]
        if found:
            yield metric, found


def _row(metric: str, given: Shots, e: Estimate) -> dict[str, Any]:
    found = {"value": e.value, "low": e.low, "high": e.high, "n": e.n}
    return {"control": given.control, "choices": given.choices, "metric": metric} | found
