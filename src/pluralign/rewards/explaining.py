"""The parts of a margin, and the training pairs that are nearest to the two responses."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

import numpy as np

from pluralign.core import (
    REFERENCE,
    AnyRequest,
    AnySteer,
    FloatArray,
    InvalidInput,
    PreferencePair,
    Prompt,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    as_steer,
    community_name,
    html_table,
    printable,
    prompt_text,
    shortened,
    text_table,
)
from pluralign.rewards.features import chunks
from pluralign.rewards.threads import one_blas_thread
from pluralign.rewards.trunk import EncodedPairs, Trunk

_WIDTH = 26
_LARGEST = 700.0  # exp of more overflows


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPart:
    """The contribution of one head to a margin.

    Attributes:
        source: ``reference``, or the id of the community whose addition this is.
        logits: Kind of feature -> contribution in logits. An embedding trunk has ``response`` (the
            text itself) and ``interaction`` (how it answers the prompt).
        strength: How strongly the prompt is steered, in [0, 1], which ``logits`` include; below 1
            it is unlike those that the community was asked.
    """

    source: str
    logits: Mapping[str, float]
    strength: float = 1.0

    @property
    def total(self) -> float:
        """The whole contribution, in logits."""
        return math.fsum(self.logits.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPair:
    """A training pair that resembles the two responses.

    Attributes:
        pair: The pair.
        similarity: Cosine of the two differences of features, in [-1, 1]. Above 0 the rater's
            choice speaks for response a, below 0 for response b.
    """

    pair: PreferencePair
    similarity: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a model prefers one of two responses; it prints as a small table.

    Attributes:
        prompt: The prompt.
        a: The first response.
        b: The other response.
        parts: The parts of the margin: the reference first, then each community steered to.
        nearest: The nearest training pairs of the communities steered to, the most similar first;
            empty where no training pairs are at hand.
    """

    prompt: Prompt
    a: str
    b: str
    parts: tuple[MarginPart, ...]
    nearest: tuple[NearPair, ...] = ()

    @property
    def margin(self) -> float:
        """Reward of a minus reward of b, in logits: the sum of the parts."""
        return math.fsum(part.total for part in self.parts)

    @property
    def share(self) -> float:
        """Share of the community's people expected to prefer a, in [0, 1] (Bradley-Terry)."""
        # `math.exp` raises an error where numpy would give infinity.
        return 1 / (1 + math.exp(min(-self.margin, _LARGEST)))

    def __repr__(self) -> str:
        blocks = [self._title, text_table(*self._parts_table)]
        if self.nearest:
            table = text_table(*self._nearest_table, left=(1, 2, 3, 4))
            blocks += ["nearest training pairs", table]
        return "\n\n".join(blocks)

    def _repr_html_(self) -> str:
        shown = f"<p>{escape(self._title)}</p>{html_table(*self._parts_table)}"
        if self.nearest:
            shown += f"<p>nearest training pairs</p>{html_table(*self._nearest_table)}"
        return shown

    @property
    def _title(self) -> str:
        side = "a" if self.margin > 0 else "b" if self.margin < 0 else "neither"
        return "\n".join((
            f"prompt: {_shown(prompt_text(self.prompt), 80)}",
            f"a: {_shown(self.a, 85)}",
            f"b: {_shown(self.b, 85)}",
            f"prefers {side}: margin {self.margin:+.3f} logits, "
            f"{self.share:.0%} are expected to choose a",
        ))  # fmt: skip

    @property
    def _parts_table(self) -> tuple[list[str], list[list[str]]]:
        kinds = list(self.parts[0].logits)
        heads = ["logits", *(kinds if len(kinds) > 1 else []), "sum"]
        rows = [self._row(_part_name(p), p.logits, p.total) for p in self.parts]
        sums = {kind: math.fsum(p.logits[kind] for p in self.parts) for kind in kinds}
        return heads, [*rows, self._row("margin", sums, self.margin)]

    def _row(self, name: str, logits: Mapping[str, float], total: float) -> list[str]:
        values = [*logits.values(), total] if len(logits) > 1 else [total]
        return [name, *(f"{value:+.3f}" for value in values)]

    @property
    def _nearest_table(self) -> tuple[list[str], list[list[str]]]:
        rows = []
        for near in self.nearest:
            pair = near.pair
            rows.append([
                f"{near.similarity:+.2f}",
                "a" if near.similarity > 0 else "b",
                _shown(prompt_text(pair.prompt)),
                _shown(pair.chosen),
                _shown(pair.rejected),
            ])  # fmt: skip
        return ["similar", "for", "prompt", "chosen", "rejected"], rows


class ExplainableRewardModel(SteerableRewardModel, Protocol):
    """A steerable model with the calls of a notebook, as `pluralign.fit` returns it."""

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); the reference where it is None."""
        ...

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``."""
        ...

    def explain(
        self,
        prompt: Prompt,
        a: str,
        b: str,
        community: AnySteer = None,
        *,
        pairs: Sequence[PreferencePair] | None = None,
        nearest: int = 3,
    ) -> Explanation:
        """Explain why one of two responses is preferred; the answer prints as a small table."""
        ...


def explain_heads(
    trunk: Trunk,
    heads: Mapping[str, FloatArray],
    prompt: Prompt,
    a: str,
    b: str,
    training: EncodedPairs | None,
    most: int,
    strengths: Mapping[str, float],
) -> Explanation:
    """Explain a margin of linear heads.

    Args:
        trunk: Reads the responses.
        heads: ``reference`` and each community -> what it adds to the head at full strength, shape
            (D,).
        prompt: The prompt.
        a: The first response.
        b: The other response.
        training: Training pairs of the communities; None where none are at hand.
        most: How many of the nearest pairs to show.
        strengths: Community -> how strongly the prompt is steered, in [0, 1].
    """
    feature_2_D = trunk.features([RewardRequest(prompt, a), RewardRequest(prompt, b)])
    difference_D = feature_2_D[0].astype(np.float64) - feature_2_D[1]
    parts = []
    for source, head_D in heads.items():
        strength = strengths.get(source, 1.0)
        faded_D = strength * head_D
        logits = {k: float(difference_D[s] @ faded_D[s]) for k, s in trunk.kinds.items()}
        parts.append(MarginPart(source=source, logits=logits, strength=strength))
    nearest = () if training is None else nearest_pairs(difference_D, training, most)
    return Explanation(prompt=prompt, a=a, b=b, parts=tuple(parts), nearest=nearest)


def explain_rewards(
    prompt: Prompt, a: str, b: str, reference_2: FloatArray, steered_2: FloatArray, source: str
) -> Explanation:
    """Explain a margin of which only rewards are known: the reference, and what is added.

    Args:
        prompt: The prompt.
        a: The first response.
        b: The other response.
        reference_2: Rewards of a and b under the reference, in logits.
        steered_2: Rewards of a and b under the steer.
        source: The name of the addition, as `steer_source` gives it.
    """
    reference = float(reference_2[0]) - float(reference_2[1])
    parts = [MarginPart(source=REFERENCE, logits={"all": reference})]
    if source != REFERENCE:
        added = float(steered_2[0]) - float(steered_2[1]) - reference
        parts.append(MarginPart(source=source, logits={"all": added}))
    return Explanation(prompt=prompt, a=a, b=b, parts=tuple(parts))


def explain_steer(
    model: SteerableRewardModel,
    prompt: Prompt,
    a: str,
    b: str,
    community: AnySteer,
    pairs: Sequence[PreferencePair] | None = None,
) -> Explanation:
    """Explain a margin by the rewards of a model under the reference and under a steer.

    Args:
        model: The model.
        prompt: The prompt.
        a: The first response.
        b: The other response.
        community: Id of the community; None for the reference.
        pairs: Must be None: the nearest training pairs are known of linear heads only.

    Raises:
        UnknownCommunity: If the model has no such community; near ones are named.
        InvalidInput: If ``pairs`` are given.
    """
    refuse_pairs(pairs, type(model).__name__)
    steer = as_steer(community, model.communities)
    both = [RewardRequest(prompt, a), RewardRequest(prompt, b)]
    reference_2, steered_2 = model.score(both), model.score(both, steer)
    return explain_rewards(prompt, a, b, reference_2, steered_2, steer_source(steer))


def steer_source(steer: Steer | None) -> str:
    """The name of an addition to the reference: the one community, or the blend.

    >>> steer_source(Steer.to("MEX")), steer_source(None)
    ('MEX', 'reference')
    >>> steer_source(Steer({"MEX": 0.5, "GBR": 0.5}))
    'blend'
    """
    if steer is None:
        return REFERENCE
    return next(iter(steer.shares)) if len(steer.shares) == 1 else "blend"


def nearest_pairs(
    difference_D: FloatArray, training: EncodedPairs, most: int
) -> tuple[NearPair, ...]:
    """The training pairs whose difference of features points along the given one, or against it.

    Under a linear reward a training pair moves a margin in proportion to the product of the two
    differences, so these are the pairs that could teach the model most about it.

    Args:
        difference_D: Features of response a minus features of response b, shape (D,).
        training: Training pairs.
        most: How many to return, >= 0.

    Returns:
        At most ``most`` pairs, by falling absolute similarity; the same texts once.
    """
    cosine_N = _cosines(difference_D, training)
    found: dict[tuple[str, str, str], NearPair] = {}
    for row in np.argsort(-np.abs(cosine_N), kind="stable").tolist():
        if len(found) == most:
            break
        pair = training.pairs[row]
        texts = (prompt_text(pair.prompt), pair.chosen, pair.rejected)
        found.setdefault(texts, NearPair(pair=pair, similarity=float(cosine_N[row])))
    return tuple(found.values())


def refuse_pairs(pairs: Sequence[PreferencePair] | None, model: str) -> None:
    """Refuse training pairs for a model whose features cannot be compared.

    Raises:
        InvalidInput: If there are any.
    """
    if pairs is not None:
        raise InvalidInput(
            f"nearest training pairs are found for linear heads, not for a {model}",
            where="pairs",
            hint="leave pairs out; a model of pluralign.fit can find them",
        )


def check_most(nearest: int) -> int:
    """The number of nearest pairs to show.

    Raises:
        InvalidInput: If it is negative.
    """
    if nearest < 0:
        raise InvalidInput(f"nearest must be a number >= 0, got {nearest}")
    return nearest


def _cosines(difference_D: FloatArray, training: EncodedPairs) -> FloatArray:
    """Cosine of each training pair's difference of features with the given one, shape (N,)."""
    cosine_N = np.zeros(len(training))
    length = np.linalg.norm(difference_D)
    with one_blas_thread():
        for rows, chunk in chunks(training.features):
            size_n = np.linalg.norm(chunk, axis=1) * length
            # Responses that the trunk reads alike have no direction: their similarity is 0.
            product_n = chunk.astype(np.float64) @ difference_D
            cosine_N[rows] = np.divide(
                product_n, size_n, out=np.zeros(len(chunk)), where=size_n > 0
            )
    return cosine_N


def _part_name(part: MarginPart) -> str:
    name = _source_name(part.source)
    return name if part.strength >= 1 else f"{name} (strength {part.strength:.2f})"


def _source_name(source: str) -> str:
    return source if source == REFERENCE else f"{community_name(source)} adds"


def _shown(text: str, most: int = _WIDTH) -> str:
    return shortened(printable(text), most)
