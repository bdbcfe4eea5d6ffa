"""Reward models that read a community's choices as a context: the part that VPL and GPO share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np

from pluralign.core import (
    AnyRequest,
    AnySteer,
    BoolArray,
    FloatArray,
    IntArray,
    InvalidInput,
    MissingExtra,
    NotEnoughData,
    RewardRequest,
    as_requests,
    as_steer,
    known_community,
    prompt_text,
    rng_for,
)
from pluralign.methods.ridges import folds_of
from pluralign.methods.training import TrainingSet
from pluralign.rewards import LinearRewardModel

_VARIES = 1e-6


@dataclass(frozen=True, slots=True)
class FeatureScale:
    """Features of responses are shifted and scaled as in training."""

    mean_D: FloatArray
    spread_D: FloatArray

    def __call__(self, feature_R_D: FloatArray) -> FloatArray:
        """Standardised features, shape (R, D)."""
        scaled_R_D: FloatArray = (feature_R_D - self.mean_D) / self.spread_D
        return scaled_R_D


@dataclass(frozen=True, slots=True)
class ContextModel:
    """A trained network with what it needs to read texts.

    Attributes:
        reference: The reference: its trunk reads the texts, and the network adds to its rewards.
        network: The network.
        scale: Of features.
        largest: Largest context, in pairs; of more choices a part is drawn.
        seed: Seed of that draw.
    """

    reference: LinearRewardModel
    network: Any
    scale: FeatureScale
    largest: int
    seed: int

    def adapt(self, choices: TrainingSet) -> "InContextReward":
        """A model of the community that made these choices."""
        return InContextReward(self, {}, self.context(choices))

    def context(self, choices: TrainingSet) -> Any:
        """The choices as a context, shape (k, 2, D)."""
        from pluralign.methods.networks import CommunityPairs

        requests, index_2_N = responses_of(choices)
        own = CommunityPairs(index_2_N, choices.unit_N, choices.weight_N, choices.flip_N)
        return self.table(requests).context(self.drawn(own.take(choices.weight_N > 0)))

    def drawn(self, own: Any) -> Any:
        """The choices of a community of which its context is made."""
        from pluralign.methods.networks import draw

        size = min(self.largest, len(own.unit_N))
        return draw(own, size, rng_for(self.seed, "context")) if size else own

    def table(self, requests: Sequence[RewardRequest]) -> Any:
        """The responses as a table for the network."""
        from pluralign.methods.networks import ResponseTable, as_tensor

        dimensions = len(self.reference.reference_D)
        feature_R_D = np.zeros((0, dimensions), dtype=np.float32)
        if requests:
            feature_R_D = self.reference.trunk.features(requests)
        reward_R = feature_R_D.astype(np.float64) @ self.reference.reference_D
        return ResponseTable(as_tensor(self.scale(feature_R_D)), as_tensor(reward_R))

    def rewards(self, requests: Sequence[RewardRequest], contexts: Sequence[Any]) -> FloatArray:
        """Rewards for the people of each context, in logits, shape (N, C)."""
        from pluralign.methods.networks import rewards

        table = self.table(requests)
        columns = [rewards(self.network, table, context) for context in contexts]
        return np.stack(columns, axis=1) if columns else np.zeros((len(requests), 0))


@dataclass(frozen=True, slots=True)
class InContextReward:
    """A steerable reward model whose communities are contexts of a network.

    It has no weights of its own that could be saved as those of linear heads are.

    Attributes:
        model: The network.
        contexts: Community -> its context.
        unsteered: Context of rewards without a steer; the reference where it is None.
    """

    model: ContextModel
    contexts: Mapping[str, Any]
    unsteered: Any = None

    @property
    def communities(self) -> tuple[str, ...]:
        """Ids it can be steered to."""
        return tuple(self.contexts)

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); a blend is one of rewards.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests.
        """
        asked, steer = as_requests(requests), as_steer(steer, self.communities)
        if steer is None and self.unsteered is not None:
            return self.model.rewards(asked, [self.unsteered])[:, 0]
        reference_N = self.model.reference.score(asked)
        if steer is None:
            return reference_N
        named = {known_community(c, self.communities): s for c, s in steer.shares.items()}
        # The world, unless steered to, is the reference, and adds nothing to it.
        shares = {c: share for c, share in named.items() if c in self.contexts}
        reward_N_C = self.model.rewards(asked, [self.contexts[c] for c in shares])
        added_N_C = reward_N_C - reference_N[:, None]
        blended: FloatArray = reference_N + steer.strength * (added_N_C @ list(shares.values()))
        return blended

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``."""
        return self.model.rewards(as_requests(requests), list(self.contexts.values()))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is built and trained, but for what is chosen.

    Attributes:
        build: Features -> a network.
        largest: Largest context, in pairs.
        rates: Candidate learning rates.
        penalties: Candidate weights of the network's penalty.
        stops: Candidate numbers of steps, rising.
    """

    build: Callable[[int], Any]
    largest: int
    rates: Sequence[float]
    penalties: Sequence[float]
    stops: Sequence[int]

    def check(self) -> None:
        """Refuse numbers that no network is trained with.

        Raises:
            InvalidInput: If one is out of range.
        """
        if not self.rates or not all(0 < rate < np.inf for rate in self.rates):
            raise InvalidInput(f"each learning rate must be a number > 0, got {tuple(self.rates)}")
        if not self.penalties or not all(0 <= beta < np.inf for beta in self.penalties):
            raise InvalidInput(f"each beta must be a number >= 0, got {tuple(self.penalties)}")
        if not self.stops or min(self.stops) < 1:
            raise InvalidInput(f"each number of steps must be >= 1, got {tuple(self.stops)}")
        if self.largest < 1:
            raise InvalidInput(f"context must be >= 1, got {self.largest}")


@dataclass(frozen=True, slots=True)
class _Course:
    """Training pairs as rows of a table of responses, and how networks learn from them.

    Attributes:
        train: The pairs.
        index_2_N: Rows of the chosen and the rejected responses, shape (2, N).
        table: The responses.
        model: The model, still without a network.
        recipe: How networks are built and trained.
    """

    train: TrainingSet
    index_2_N: IntArray
    table: Any
    model: ContextModel
    recipe: Recipe

    @classmethod
    def of(
        cls, train: TrainingSet, reference: LinearRewardModel, recipe: Recipe, seed: int
    ) -> "_Course":
        """Read the texts of the pairs once."""
        requests, index_2_N = responses_of(train)
        feature_R_D = reference.trunk.features(requests)
        spread_D = feature_R_D.std(axis=0)
        # A feature that never varies carries nothing, and must not be divided by 0.
        scale = FeatureScale(feature_R_D.mean(axis=0), np.where(spread_D > _VARIES, spread_D, 1.0))
        model = ContextModel(reference, None, scale, recipe.largest, seed)
        table = replace(model.table(requests), loss=train.effective_loss)
        return cls(train, index_2_N, table, model, recipe)

    def communities(self, rows_N: BoolArray) -> dict[str, Any]:
        """Some of the pairs by community."""
        return choices_by_community(self.train, self.index_2_N, rows_N)

    def models(
        self, rows_N: BoolArray, rate: float, penalty: float
    ) -> Iterator[tuple[int, ContextModel]]:
        """Train a network on some of the pairs; the model at each number of steps."""
        from pluralign.methods.networks import NetworkTraining

        training = NetworkTraining(
            table=self.table,
            communities=list(self.communities(rows_N).values()),
            largest=self.recipe.largest,
            rate=rate,
            penalty=penalty,
            seed=self.model.seed,
        )
        build = partial(self.recipe.build, self.table.feature_R_D.shape[1])
        for steps, network in training.run(build, self.recipe.stops):
            yield steps, replace(self.model, network=network)

    def held_out_losses(self, held_N: BoolArray) -> dict[tuple[float, float, int], float]:
        """Rate, penalty and steps -> the loss on pairs that were held out."""
        told, asked = self.communities(~held_N), self.communities(held_N)
        both = [c for c in self.train.communities if c in told and c in asked]
        judged = [(told[c], asked[c]) for c in both]
        losses = {}
        for rate, penalty in product(self.recipe.rates, self.recipe.penalties):
            for steps, model in self.models(~held_N, rate, penalty):
                losses[rate, penalty, steps] = _held_out_loss(model, self.table, judged)
        return losses


def learn_in_context(
    train: TrainingSet, reference: LinearRewardModel, recipe: Recipe, rng: np.random.Generator
) -> ContextModel:
    """Train a network on all pairs, with the settings of the least loss on held-out units.

    A third of the units is left out once; where there are too few to leave any out, the first rate
    and penalty and the least number of steps are taken.
    """
    seed = int(rng.integers(2**31))
    course = tried = _Course.of(train, reference, recipe, seed)
    chosen = (recipe.rates[0], recipe.penalties[0], min(recipe.stops))
    # Without units to leave out, the first candidate stays.
    with suppress(NotEnoughData):
        held_N = folds_of(train, rng) == 0
        if train.reference_fit is not None:
            tried = _Course.of(train, train.without(held_N).refitted(reference), recipe, seed)
        losses = tried.held_out_losses(held_N)
        chosen = min(losses, key=lambda candidate: losses[candidate])
    rate, penalty, last = chosen
    # The rate falls as it did where the number of steps was chosen.
    trained = course.models(np.ones(len(train.encoded), dtype=np.bool_), rate, penalty)
    return next(model for steps, model in trained if steps == last)


def steered_in_context(model: ContextModel, train: TrainingSet) -> InContextReward:
    """The network with the choices of every community steered to as its context."""
    return InContextReward(model, {c: model.context(train.of(c)) for c in train.communities})


def responses_of(train: TrainingSet) -> tuple[list[RewardRequest], IntArray]:
    """The distinct responses of pairs, and the rows of chosen and rejected ones, shape (2, N)."""
    position: dict[tuple[str, str], int] = {}
    requests: list[RewardRequest] = []
    rows = []
    for pair in train.encoded.pairs:
        for response in (pair.chosen, pair.rejected):
            key = (prompt_text(pair.prompt), response)
            if key not in position:
                position[key] = len(requests)
                requests.append(RewardRequest(pair.prompt, response))
            rows.append(position[key])
    index_2_N: IntArray = np.array(rows, dtype=np.intp).reshape(-1, 2).T
    return requests, index_2_N


def choices_by_community(
    train: TrainingSet, index_2_N: IntArray, rows_N: BoolArray
) -> dict[str, Any]:
    """Some of the pairs by community, as rows of a table; communities without any are left out.

    Pairs of weight 0 are left out: a mean over them alone is not a number.
    """
    from pluralign.methods.networks import CommunityPairs

    whole = CommunityPairs(index_2_N, train.unit_N, train.weight_N, train.flip_N)
    community_N, rows_N = train.community_N, rows_N & (train.weight_N > 0)
    present = np.unique(community_N[rows_N]).tolist()
    return {c: whole.take(rows_N & (community_N == c)) for c in present}


def require_torch() -> None:
    """Refuse to start without torch.

    Raises:
        MissingExtra: If it is not installed.
    """
    if find_spec("torch") is None:
        raise MissingExtra.named("embed", "torch")


def _held_out_loss(model: ContextModel, table: Any, judged: Sequence[tuple[Any, Any]]) -> float:
    """Mean loss of held-out pairs, each community counting the same."""
    from pluralign.methods.networks import choice_loss

    if not judged:
        raise NotEnoughData("no community has pairs on both sides")
    losses = [choice_loss(model.network, table, model.drawn(told), asked) for told, asked in judged]
    return float(np.mean(losses))
