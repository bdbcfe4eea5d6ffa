"""Many callers' requests scored in one pass of the trunk, each under its own steers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Protocol

import numpy as np

from pluralign.core import (
    BoolArray,
    FloatArray,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    known_community,
)
from pluralign.rewards import (
    Fading,
    HeadPrior,
    LinearRewardModel,
    features_under,
    mean_strengths,
    strengths_on,
)
from pluralign.runs import FitsOnTrunk, Refits
from pluralign.serving.prompt_strengths import PromptStrengths


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """The request of one caller.

    Attributes:
        requests: N responses.
        steers: S steers, under each of which each response is scored; None is the reference.
        repeated: Whether the rewards of every repeat are wanted, for intervals.
        added: Community of a session -> what its head adds to the reference's, shape (D,).
        fading: Where steering to the session's communities is weaker; None where it is nowhere.
    """

    requests: tuple[RewardRequest, ...]
    steers: tuple[Steer | None, ...]
    repeated: bool = False
    added: Mapping[str, FloatArray] = field(default_factory=dict)
    fading: Fading | None = None


class Scorer(Protocol):
    """Scores the requests of several callers."""

    def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        """Rewards in logits for each caller, shape (B, N, S); B is 1, or the number of repeats."""
        ...

    def strengths(self, one: ScoreRequest) -> FloatArray:
        """How strongly each response is steered, in [0, 1], shape (N, S)."""
        ...


def scorer_of(model: SteerableRewardModel, repeats: Refits) -> Scorer:
    """The scorer that suits a model."""
    if isinstance(model, LinearRewardModel):
        return LinearScorer(model, repeats)
    from pluralign.rewards.transformer.model import TransformerRewardModel
    from pluralign.rewards.transformer.resident import ResidentRewardModel

    return PartsScorer(
        ResidentRewardModel(model) if isinstance(model, TransformerRewardModel) else model
    )


PRIOR = "prior"
"""In the place of a community in a steer: the head of all communities together. No id of a
community has this form."""


class LinearScorer:
    """Reads each response once for all callers, communities and repeats.

    Repeats with principal components of their own share the vectors of the texts.

    A head is the reference's head plus shares of the communities' deltas. So the product of the
    features with the reference and with the requested deltas gives every steer, including blends.
    On prompts on which steering fades, the products with the deltas are smaller; in all repeats as
    in the model itself.

    Args:
        model: The model.
        repeats: Its other fits.
    """

    def __init__(self, model: LinearRewardModel, repeats: Refits) -> None:
        self._trunk, self._communities = model.trunk, model.communities
        self._row = {id_: row for row, id_ in enumerate(model.communities, start=1)}
        groups = repeats.by_trunk()
        if model.prior is not None:
            self._row[PRIOR] = 1 + len(model.communities)
            groups = [_with_prior(group, model.prior) for group in groups]
        parts = groups[0].head_B_P_D.shape[1]
        missing_B_P = np.empty((len(repeats.models), parts), dtype=np.bool_)
        for group in groups:
            missing_B_P[list(group.fits)] = np.isnan(group.head_B_P_D[:, :, 0])
        self._missing_B_P = missing_B_P if missing_B_P.any() else None
        self._groups = [
            replace(group, head_B_P_D=np.nan_to_num(group.head_B_P_D)) for group in groups
        ]
        self._strengths = None
        if model.fading is not None:
            self._strengths = PromptStrengths(model.trunk, model.fading, list(self._row))

    def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        """Rewards in logits for each caller, shape (B, N, S)."""
        requests = [r for one in wanted for r in one.requests]
        alike = _alike(wanted)
        parts = [self._parts_of(wanted[callers[0]]) for callers in alike]
        rows = _needed_rows(parts)
        column = {row: at for at, row in enumerate(rows)}
        # The model itself is the first fit; the repeats are read only where a caller wants them.
        fits = slice(None if any(one.repeated for one in wanted) else 1)
        feature_N_D, reward_N_B_P = self._products(requests, fits, rows)
        if self._strengths is not None:
            reward_N_B_P[:, :, 1:] *= self._on(requests, rows[1:])[:, None, :]
        place = _places([len(one.requests) for one in wanted])
        found: dict[int, FloatArray] = {}
        for callers, part in zip(alike, parts, strict=True):
            own_fits = slice(None if wanted[callers[0]].repeated else 1)
            own_n_B_P = np.concatenate([reward_N_B_P[place[i], own_fits] for i in callers])
            mixed_n_B_S = _mixed(own_n_B_P, _mixture(part, column))
            if self._missing_B_P is not None:
                missing_B_P = self._missing_B_P[own_fits][:, rows]
                mixed_n_B_S = _without_missing(mixed_n_B_S, missing_B_P, _mixture(part, column))
            own_places = _places([len(wanted[i].requests) for i in callers])
            for caller, own_n in zip(callers, own_places, strict=True):
                found[caller] = mixed_n_B_S[own_n].swapaxes(0, 1)
        return [
            self._with_added(found[caller], feature_N_D[place[caller]], one)
            for caller, one in enumerate(wanted)
        ]

    def strengths(self, one: ScoreRequest) -> FloatArray:
        """How strongly each response is steered, in [0, 1], shape (N, S).

        Of a blend it is the mean over its communities by their shares.
        """
        parts = self._parts_of(one)
        rows, added = _needed_rows([parts])[1:], list(one.added)
        own_N_A = strengths_on(self._trunk, one.fading, one.requests, added)
        strength_N_K = np.concatenate([self._on(one.requests, rows), own_N_A], axis=1)
        column = {row: k for k, row in enumerate(rows)}
        own_column = {id_: k for k, id_ in enumerate(added, start=len(rows))}
        share_S_K = np.zeros((len(one.steers), strength_N_K.shape[1]))
        for steer, part, shares_K in zip(one.steers, parts, share_S_K, strict=True):
            for row, share in part.items():
                shares_K[column[row]] = share
            for id_, share in _added_shares(steer, one.added).items():
                shares_K[own_column[id_]] = share
        return mean_strengths(strength_N_K, share_S_K)

    def _on(self, requests: Sequence[RewardRequest], rows: Sequence[int]) -> FloatArray:
        """Strength of steering by some rows of the heads, shape (N, rows)."""
        if self._strengths is None:
            return np.ones((len(requests), len(rows)))
        return self._strengths.on(requests, [row - 1 for row in rows])

    def _with_added(
        self, reward_B_N_S: FloatArray, feature_N_D: FloatArray, one: ScoreRequest
    ) -> FloatArray:
        """Rewards with the additions of a session's communities; only the first fit has these."""
        if not one.added:
            return reward_B_N_S
        reward_B_N_S = reward_B_N_S.copy()
        for column, steer in enumerate(one.steers):
            for id_, share in _added_shares(steer, one.added).items():
                own_N = feature_N_D @ one.added[id_]
                own_N *= strengths_on(self._trunk, one.fading, one.requests, [id_])[:, 0]
                reward_B_N_S[0, :, column] += share * own_N
                reward_B_N_S[1:, :, column] = np.nan
        return reward_B_N_S

    def _parts_of(self, one: ScoreRequest) -> list[dict[int, float]]:
        return [self._parts(steer, one.added) for steer in one.steers]

    def _products(
        self, requests: Sequence[RewardRequest], fits: slice, rows: Sequence[int]
    ) -> tuple[FloatArray, FloatArray]:
        """Features under the first fit, and rewards by the reference and deltas of each fit.

        Returns:
            The features, shape (N, D), and their products with the heads, shape (N, B, P).
        """
        groups = self._groups if fits.stop is None else self._groups[:1]
        stored = features_under([group.trunk for group in groups], requests)
        features = [stored_N_D.astype(np.float64) for stored_N_D in stored]
        products = [
            _heads_times(feature_N_D, group.head_B_P_D[fits], rows)
            for group, feature_N_D in zip(groups, features, strict=True)
        ]
        if len(products) == 1:
            return features[0], products[0]
        together_N_B_P = np.concatenate(products, axis=1)
        reward_N_B_P = np.empty_like(together_N_B_P)
        reward_N_B_P[:, [fit for group in groups for fit in group.fits]] = together_N_B_P
        return features[0], reward_N_B_P

    def _parts(self, steer: Steer | None, added: Collection[str]) -> dict[int, float]:
        """Row of a community -> share of its delta in a steer; empty for the reference."""
        if steer is None:
            return {}
        found: dict[int, float] = {}
        for id_, share in steer.shares.items():
            if id_ in added:
                continue
            row = self._row.get(id_) or self._row.get(known_community(id_, self._communities))
            if row is not None:
                found[row] = found.get(row, 0.0) + steer.strength * share
        return found


def _added_shares(steer: Steer | None, added: Collection[str]) -> dict[str, float]:
    """Community of a session -> strength times its share in a steer."""
    if steer is None:
        return {}
    return {id_: steer.strength * share for id_, share in steer.shares.items() if id_ in added}


def _heads_times(
    feature_N_D: FloatArray, head_B_P_D: FloatArray, rows: Sequence[int]
) -> FloatArray:
    """Features times some rows of the heads of each fit, (N, B, rows), as one matrix product."""
    if len(rows) < head_B_P_D.shape[1]:
        head_B_P_D = head_B_P_D.take(rows, axis=1)
    fitted, parts, dimensions = head_B_P_D.shape
    product_N_BP: FloatArray = feature_N_D @ head_B_P_D.reshape(-1, dimensions).T
    return product_N_BP.reshape(-1, fitted, parts)


def _with_prior(group: FitsOnTrunk, prior: HeadPrior) -> FitsOnTrunk:
    """One more addition to the reference's head: the prior's.

    Only the first fit has it. How the fits differ shows which people took part, and not how far a
    community that nobody trained on lies from the others, so it is no interval for it.
    """
    own_B_1_D = np.full_like(group.head_B_P_D[:, :1], np.nan)
    if group.fits[0] == 0:
        own_B_1_D[0, 0] = prior.mean_D - group.head_B_P_D[0, 0]
    return replace(group, head_B_P_D=np.concatenate([group.head_B_P_D, own_B_1_D], axis=1))


def _needed_rows(parts: Sequence[Sequence[dict[int, float]]]) -> list[int]:
    """Rows of the reference, which comes first, and of every delta in some steer."""
    needed: set[int] = set()
    for part in parts:
        for shares in part:
            needed.update(shares)
    return [0, *sorted(needed)]


def _places(lengths: Sequence[int]) -> list[slice]:
    """Where parts of these lengths lie, one after the other."""
    return [
        slice(end - length, end) for length, end in zip(lengths, accumulate(lengths), strict=True)
    ]


def _alike(wanted: Sequence[ScoreRequest]) -> list[list[int]]:
    """Group callers with the same steers; requests for all communities share a plan's steers."""
    together: dict[tuple[int, bool], list[int]] = {}
    for caller, one in enumerate(wanted):
        together.setdefault((id(one.steers), one.repeated), []).append(caller)
    return list(together.values())


def _mixed(reward_N_B_P: FloatArray, share_P_S: FloatArray) -> FloatArray:
    """Rewards under steers, shape (N, B, S)."""
    responses, fits, parts = reward_N_B_P.shape
    reward_NB_S: FloatArray = reward_N_B_P.reshape(-1, parts) @ share_P_S
    return reward_NB_S.reshape(responses, fits, -1)


def _without_missing(
    reward_N_B_S: FloatArray, missing_B_P: BoolArray, share_P_S: FloatArray
) -> FloatArray:
    """Rewards under steers, shape (N, B, S); nan where a fit lacks a community of the steer."""
    lacks_B_S = (missing_B_P.astype(np.float64) @ (share_P_S != 0)) > 0
    return np.where(lacks_B_S, np.nan, reward_N_B_S)


def _mixture(parts: Sequence[dict[int, float]], column: dict[int, int]) -> FloatArray:
    """Share of each product in each steer, shape (P, S); the reference's share is always 1."""
    share_P_S = np.zeros((len(column), len(parts)))
    share_P_S[0] = 1.0
    for steer, shares in enumerate(parts):
        for row, share in shares.items():
            share_P_S[column[row], steer] = share
    return share_P_S


class PartsScorer:
    """Scores by a model with trained adapters or copies; common requests are scored once.

    Args:
        model: A `pluralign.rewards.transformer.resident.ResidentRewardModel`, or any that steers.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def strengths(self, one: ScoreRequest) -> FloatArray:
        """1 everywhere, shape (N, S): trained parts do not fade."""
        return np.ones((len(one.requests), len(one.steers)))

    def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        """Rewards in logits for each caller, shape (1, N, S)."""
        requests = [request for one in wanted for request in one.requests]
        steers = [one.steers for one in wanted for _ in one.requests]
        if hasattr(self._model, "rewards_each"):
            rows = self._model.rewards_each(requests, steers)
        else:
            rows = []
            for request, own in zip(requests, steers, strict=True):
                rows.append([float(self._model.score([request], steer)[0]) for steer in own])
        found: list[FloatArray] = []
        start = 0
        for one in wanted:
            found.append(
                np.asarray(rows[start : start + len(one.requests)], dtype=np.float64)[None]
            )
            start += len(one.requests)
        return found
