"""The steerable linear reward model: a frozen trunk and a linear head for each community."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import (
    REFERENCE,
    AnyRequest,
    AnySteer,
    FloatArray,
    PreferencePair,
    Prompt,
    RewardRequest,
    Steer,
    as_requests,
    as_steer,
    known_community,
    listed,
)
from pluralign.rewards.explaining import Explanation, check_most, explain_heads
from pluralign.rewards.fading import Fading, mean_strengths, strengths_on
from pluralign.rewards.head_prior import HeadPrior
from pluralign.rewards.new_communities import with_adapted_head
from pluralign.rewards.trunk import EncodedPairs, Trunk


@dataclass(frozen=True, slots=True)
class LinearRewardModel:
    """reward_c(x, y) = h . reference + h . delta_c, with h = trunk(x, y) computed once.

    Attributes:
        trunk: Turns a prompt and a response into features.
        reference_D: Head of the reference, shape (D,).
        communities: Ids it can be steered to, C of them.
        delta_C_D: Addition of each community to the head, shape (C, D).
        about: Facts for the card, such as training data, method and settings.
        described: How the trunk can be opened again, for the card of a saved model; empty where
            that is not known.
        training: Training pairs with their features, where they are at hand; they are not saved.
        prior: The heads of communities that nobody trained on, from which few choices lead to one;
            None where none was learned.
        fading: Where steering is weaker, because a prompt is unlike those of training; None where
            it is nowhere.

    Raises:
        ValueError: If the shapes do not fit together.
    """

    trunk: Trunk
    reference_D: FloatArray
    communities: tuple[str, ...] = ()
    delta_C_D: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    about: Mapping[str, object] = field(default_factory=dict)
    described: Mapping[str, object] = field(default_factory=dict)
    training: EncodedPairs | None = field(default=None, compare=False)
    prior: HeadPrior | None = field(default=None, compare=False)
    fading: Fading | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not self.communities:
            object.__setattr__(self, "delta_C_D", np.zeros((0, self.trunk.dimensions)))
        if self.reference_D.shape != (self.trunk.dimensions,):
            raise ValueError(
                f"a head of shape {self.reference_D.shape} on a trunk of {self.trunk.dimensions}"
            )
        if self.delta_C_D.shape != (len(self.communities), self.trunk.dimensions):
            raise ValueError(
                f"{len(self.communities)} communities and heads of shape {self.delta_C_D.shape}"
            )

    def __repr__(self) -> str:
        method = f", fitted by {self.about['method']}" if "method" in self.about else ""
        return (
            f"{type(self).__name__}(steers to {listed(self.communities)}; "
            f"{len(self.reference_D):,} features of {type(self.trunk).__name__}{method})"
        )

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); None: the reference's rewards.

        Only differences between responses to one prompt mean anything.

        Args:
            requests: Requests, or tuples of a prompt and a response.
            steer: A `Steer`, a community (``"MEX"`` or ``"Mexico"``), or shares of several.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests.
        """
        rewards: FloatArray = self.rewards(as_requests(requests), [steer])[:, 0]
        return rewards

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``."""
        return self.rewards(as_requests(requests), self.communities)

    def rewards(self, requests: Sequence[RewardRequest], steers: Sequence[AnySteer]) -> FloatArray:
        """Rewards under several steers in logits, shape (N, S); each response is read once."""
        return self.rewards_and_strengths(requests, steers)[0]

    def rewards_and_strengths(
        self, requests: Sequence[RewardRequest], steers: Sequence[AnySteer]
    ) -> tuple[FloatArray, FloatArray]:
        """Rewards, and how strongly each steer steers; each response is read once.

        Returns:
            Rewards in logits, shape (N, S), and strengths in [0, 1], shape (N, S): of a blend the
            mean over its communities by their shares.
        """
        feature_N_D = self.trunk.features(requests).astype(np.float64)
        if self.fading is None:
            head_S_D = np.array([self.head(steer) for steer in steers])
            rewards: FloatArray = feature_N_D @ head_S_D.reshape(-1, feature_N_D.shape[1]).T
            return rewards, np.ones_like(rewards)
        given = [as_steer(steer, self.communities) for steer in steers]
        share_S_C = np.array([self._shares(steer) for steer in given])
        used = np.flatnonzero(share_S_C.any(axis=0))
        share_S_c = share_S_C[:, used]
        strength_N_c = self.strengths(requests, [self.communities[c] for c in used])
        own_N_c = feature_N_D @ self.delta_C_D[used].T * strength_N_c
        faded: FloatArray = own_N_c @ share_S_c.T + (feature_N_D @ self.reference_D)[:, None]
        return faded, mean_strengths(strength_N_c, share_S_c)

    def strengths(
        self, requests: Sequence[RewardRequest], communities: Sequence[str] | None = None
    ) -> FloatArray:
        """How strongly each response's prompt is steered, in [0, 1], shape (N, C).

        1 everywhere unless steering fades on prompts that are unlike those of training.

        Args:
            requests: Requests.
            communities: Ids, C of them. Default: all.
        """
        wanted = self.communities if communities is None else communities
        return strengths_on(self.trunk, self.fading, requests, wanted)

    def margins(self, pairs: EncodedPairs) -> FloatArray:
        """Margins of pairs under the steer to each community, in logits, shape (N, C)."""
        prompts = None if self.fading is None else pairs.features.prompts()
        if self.fading is None or prompts is None:
            return pairs.margins(self.heads().T)
        # The features are read once for the reference and for what communities add to it.
        margin_N_P = pairs.margins(np.vstack([self.reference_D, self.delta_C_D]).T)
        vector_P_d, prompt_N = prompts
        strength_N_C = self.fading.strengths(vector_P_d, self.communities)[prompt_N]
        faded_N_C: FloatArray = margin_N_P[:, :1] + strength_N_C * margin_N_P[:, 1:]
        return faded_N_C

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
        """Explain why one of two responses is preferred; the answer prints as a small table.

        Args:
            prompt: The prompt.
            a: The first response.
            b: The other response.
            community: Id of the community, as for `score`; None for the reference.
            pairs: Training pairs to find the nearest ones among. Default: ``training``.
            nearest: How many of them to show, >= 0.

        Returns:
            The parts of the margin, which sum to it, and the nearest training pairs. Where steering
            is weaker, because the prompt is unlike those of a community, its part names the
            strength.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            InvalidInput: If ``nearest`` is negative.
        """
        added = self._added(as_steer(community, self.communities))
        strength_C = self.strengths([RewardRequest(prompt, a)], list(added))[0]
        strengths = dict(zip(added, strength_C.tolist(), strict=True))
        heads = {REFERENCE: self.reference_D, **added}
        most = check_most(nearest)
        training = self._training_of(list(added), pairs) if most else None
        return explain_heads(self.trunk, heads, prompt, a, b, training, most, strengths)

    def adapt(
        self, choices: Sequence[PreferencePair], community: str, *, overwrite: bool = False
    ) -> "LinearRewardModel":
        """Make a head for one more community from a few of its choices, or from none.

        The head is the most probable one under ``prior``, given the choices. Without choices it is
        the mean of the prior: the head of all communities that the model learned from. The order
        of the choices does not matter. Choices that were reported by randomised response
        (``flip``) count as such reports; strengths do not count.

        Args:
            choices: Choices of its people: pairs of this community.
            community: Id or name of the community.
            overwrite: Whether a head that was trained for it may be replaced.

        Returns:
            The model with the community among ``communities``. ``about["adapted"]`` has the number
            of choices and of people behind the head.

        Raises:
            InvalidInput: If the model has no prior, the community has a trained head already, or
                choices are of others.
            UnknownCommunity: If the label names no community.
        """
        return with_adapted_head(self, choices, community, overwrite)

    def _training_of(
        self, communities: Sequence[str], pairs: Sequence[PreferencePair] | None
    ) -> EncodedPairs | None:
        """Training pairs of these communities, of all where none is named; None without any."""
        if pairs is None:
            if self.training is None:
                return None
            return self.training.of(communities) if communities else self.training
        own = [p for p in pairs if not communities or p.community in communities]
        return self.trunk.encode_pairs(own) if own else None

    def heads(self) -> FloatArray:
        """The head of every community, shape (C, D)."""
        return self.reference_D + self.delta_C_D

    def head(self, steer: AnySteer = None) -> FloatArray:
        """The head under ``steer``, shape (D,): reference plus strength times blended deltas.

        It is what `score` uses on a prompt on which steering does not fade.

        ``~world`` in a blend stands for the reference where the model has no such community.
        """
        steer = as_steer(steer, self.communities)
        if steer is None:
            return self.reference_D
        head_D = self.reference_D.astype(np.float64)
        for added_D in self._added(steer).values():
            head_D = head_D + added_D
        return head_D

    def _added(self, steer: Steer | None) -> dict[str, FloatArray]:
        """Community -> what it adds to the head under a steer, shape (D,)."""
        added: dict[str, FloatArray] = {}
        share_C = self._shares(steer)
        for id_ in () if steer is None else steer.shares:
            known = known_community(id_, self.communities)
            if known in self.communities:
                row = self.communities.index(known)
                added[known] = share_C[row] * self.delta_C_D[row]
        return added

    def _shares(self, steer: Steer | None) -> FloatArray:
        """Strength times share of each community in a steer, shape (C,)."""
        share_C = np.zeros(len(self.communities))
        if steer is None:
            return share_C
        for id_, share in steer.shares.items():
            known = known_community(id_, self.communities)
            if known in self.communities:  # the world, unless steered to, adds nothing
                share_C[self.communities.index(known)] += steer.strength * share
        return share_C
