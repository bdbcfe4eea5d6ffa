"""Answers by drafts: each community's model drafts, the start model merges, communities check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pluralign.aligning.rewarding import Acceptance
from pluralign.core import Conversation, FloatArray, InvalidInput, Sampling
from pluralign.methods.policies import (
    best_draft,
    keeps_merged,
    merging_prompt,
    names_unasked,
)

if TYPE_CHECKING:
    from pluralign.respondents.local import AdaptedModel, LocalChatModel, WrittenAnswer

DRAFTS, EMPTY, NOT_MERGED = (
    "drafts",
    "empty drafts",
    "drafts not merged: empty, or too long for the model",
)
NAMED = "merged answers that name a community"
ACCEPTING, REFUSING = "communities that accept the merged answer", "communities that do not"
MERGED, BEST = "merged answers kept", "best drafts kept"


@dataclass(frozen=True, slots=True)
class DraftedAnswer:
    """An answer by drafts.

    Attributes:
        written: The answer: the merged one, or the best draft.
        tokens: Tokens that were drawn for all drafts and the merged answer.
        steps: Name of a step -> its count.
    """

    written: "WrittenAnswer"
    tokens: int
    steps: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Drafting:
    """The models that draft, merge and check.

    Attributes:
        chat: The start model, as it reads conversations.
        adapted: The start model with the communities' adapters.
        acceptance: The answers that the communities accept.
    """

    chat: "LocalChatModel"
    adapted: "AdaptedModel"
    acceptance: Acceptance

    def answer(
        self,
        conversations: Sequence[Conversation],
        communities: Sequence[str],
        sampling: Sampling,
        *,
        n: int = 1,
        stop: Sequence[str] = (),
    ) -> list[list[DraftedAnswer]]:
        """Answer conversations: one pass for the drafts of all communities, one for merging.

        The merged answer is kept if the reward model of every community accepts it, and it names
        no community that the conversation does not name. Else the draft is kept that the community
        that likes it least likes most.

        Args:
            conversations: The conversations.
            communities: The communities that draft and check.
            sampling: How words are drawn.
            n: Number of answers to each, >= 1.
            stop: Texts that end an answer.

        Returns:
            Shape (len(conversations), n).

        Raises:
            InvalidInput: If there are no communities.
        """
        if not communities:
            raise InvalidInput("no community has a share, so nobody drafts", where="steer")
        repeated = [talk for talk in conversations for _ in range(n)]
        drafts = self._drafts(conversations, communities, sampling, n, stop)
        merged = self._merged(repeated, drafts, sampling, stop)
        answers: list[tuple[Conversation, str]] = []
        for talk, own, one in zip(repeated, drafts, merged, strict=True):
            answers += [(talk, draft.text) for draft in own]
            answers.append((talk, one.text if one else ""))
        size = len(communities)
        shaped_M_N_C = self.acceptance.shaped(answers, communities).reshape(-1, size + 1, size)
        found = []
        for talk, own, one, shaped_N_C in zip(repeated, drafts, merged, shaped_M_N_C, strict=True):
            is_named = one is not None and names_unasked(one.text, talk, communities)
            found.append(self._kept(own, one, is_named, shaped_N_C))
        return [found[at : at + n] for at in range(0, len(found), n)]

    def _drafts(
        self,
        conversations: Sequence[Conversation],
        communities: Sequence[str],
        sampling: Sampling,
        n: int,
        stop: Sequence[str],
    ) -> "list[list[WrittenAnswer]]":
        """The drafts for each answer, one of each community, shape (P * n, C)."""
        from pluralign.respondents.local import AdapterMixture, write

        prompts = [self.chat.tokens(talk) for talk in conversations]
        rows = [prompt for prompt in prompts for _ in communities]
        own = [AdapterMixture((self.adapted.named(c),)) for _ in prompts for c in communities]
        most = self.chat.batch_tokens
        keys = [f"{talk} {c}" for talk in conversations for c in communities]
        written = write(
            self.adapted, rows, own, sampling, n=n, stop=stop, batch_tokens=most, keys=keys
        )
        size = len(communities)
        of_prompts = [written[at : at + size] for at in range(0, len(written), size)]
        return [[drafts[j] for drafts in one] for one in of_prompts for j in range(n)]

    def _merged(
        self,
        conversations: Sequence[Conversation],
        drafts: "Sequence[Sequence[WrittenAnswer]]",
        sampling: Sampling,
        stop: Sequence[str],
    ) -> "list[WrittenAnswer | None]":
        """Merged answers of the start model; None where the drafts are empty or too long."""
        texts = [[draft.text for draft in own if draft.text] for own in drafts]
        pairs = zip(conversations, texts, strict=True)
        talks = [merging_prompt(talk, own) if own else None for talk, own in pairs]
        return self.start_answers(talks, sampling, stop)

    def start_answers(
        self,
        conversations: Sequence[Conversation | None],
        sampling: Sampling,
        stop: Sequence[str] = (),
    ) -> "list[WrittenAnswer | None]":
        """Answers of the start model; None where there is no conversation, or it is too long."""
        from pluralign.respondents.local import AdapterMixture, write

        room = self.chat.longest - sampling.max_new_tokens
        given = {i: self.chat.tokens(talk) for i, talk in enumerate(conversations) if talk}
        prompts = {i: tokens for i, tokens in given.items() if len(tokens) <= room}
        start = [AdapterMixture((self.adapted.named(None),))] * len(prompts)
        most = self.chat.batch_tokens
        keys = [f"{i} {conversations[i]}" for i in prompts]
        written = write(
            self.adapted,
            list(prompts.values()),
            start,
            sampling,
            stop=stop,
            batch_tokens=most,
            keys=keys,
        )
        by_number = {i: one for i, (one,) in zip(prompts, written, strict=True)}
        return [by_number.get(i) for i in range(len(conversations))]

    def _kept(
        self,
        drafts: "Sequence[WrittenAnswer]",
        merged: "WrittenAnswer | None",
        is_named: bool,
        shaped_N_C: FloatArray,
    ) -> DraftedAnswer:
        threshold = self.acceptance.threshold
        accepting = int((shaped_N_C[-1] >= threshold).sum())
        keeps = merged is not None and not is_named and keeps_merged(shaped_N_C[-1], threshold)
        written = merged if merged and keeps else drafts[best_draft(shaped_N_C[:-1])]
        tokens = sum(draft.tokens for draft in drafts) + (merged.tokens if merged else 0)
        steps = {
            DRAFTS: len(drafts),
            EMPTY: sum(not draft.text for draft in drafts),
            NOT_MERGED: int(merged is None),
            NAMED: int(is_named),
            ACCEPTING: accepting if merged else 0,
            REFUSING: shaped_N_C.shape[1] - accepting if merged else 0,
            MERGED: int(keeps),
            BEST: int(not keeps),
        }
        return DraftedAnswer(written, tokens, steps)
