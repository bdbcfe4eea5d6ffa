"""A palette: the adapters of several communities combined as one policy over many prompts."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pluralign.aligning.drafting import Drafting
from pluralign.aligning.palette_shares import Shares
from pluralign.aligning.rewarding import Acceptance
from pluralign.core import Conversation, FloatArray, Reply, Sampling
from pluralign.settings.align import Combine

if TYPE_CHECKING:
    from pluralign.respondents.local import (
        AdaptedModel,
        AdapterMixture,
        LocalChatModel,
        WrittenAnswer,
    )


@dataclass(frozen=True, slots=True, eq=False)
class PalettePolicy:
    """Adapters of several communities as one policy over many prompts, as it is measured.

    Attributes:
        chat: The start model, as it reads conversations.
        adapted: The start model with the adapters.
        combine: The way of combining them.
        shares: Shares of the communities for each conversation.
        acceptance: The answers that communities accept, for ``drafts``.
        steps: For each conversation of the last `sample`, the counts of the steps of drafting;
            empty ones if nothing was drafted.
    """

    chat: "LocalChatModel"
    adapted: "AdaptedModel"
    combine: Combine
    shares: Shares
    acceptance: Acceptance
    steps: list[Counter[str]] = field(default_factory=list)

    def sample(
        self, conversations: Sequence[Conversation], sampling: Sampling, n: int
    ) -> list[list[Reply]]:
        """Answer each conversation n times; shape (len(conversations), n)."""
        from pluralign.respondents.local import write

        self.steps[:] = [Counter() for _ in conversations]
        if self.combine == "drafts":
            return self._drafted(conversations, sampling, n)
        found: list[list[Reply]] = [[] for _ in conversations]
        for at, mixtures in self._mixtures(conversations):
            prompts, most = [self.chat.tokens(conversations[i]) for i in at], self.chat.batch_tokens
            keys = [str(conversations[i]) for i in at]
            written = write(
                self.adapted, prompts, mixtures, sampling, n=n, batch_tokens=most, keys=keys
            )
            for i, own in zip(at, written, strict=True):
                found[i] = [_reply(one) for one in own]
        return found

    def log_probs(
        self,
        conversations: Sequence[Conversation],
        answers: Sequence[str],
        *,
        cut: Sequence[bool],
        temperature: float = 1.0,
    ) -> FloatArray:
        """Log-probability of each answer in nats, shape (N,); nan for drafts, which have none."""
        from pluralign.respondents.local import mixture_log_probs

        found = np.full(len(answers), np.nan)
        if self.combine == "drafts":
            return found
        for at, mixtures in self._mixtures(conversations):
            prompts = [self.chat.tokens(conversations[i]) for i in at]
            said = [self.chat.sampled_tokens(conversations[i], answers[i], cut[i]) for i in at]
            most = self.chat.batch_tokens
            found[at] = mixture_log_probs(
                self.adapted, prompts, said, mixtures, temperature=temperature, batch_tokens=most
            )
        return found

    def _mixtures(
        self, conversations: Sequence[Conversation]
    ) -> "Iterator[tuple[list[int], list[AdapterMixture]]]":
        """Conversations that can share a batch, and their mixtures, which exist until the next."""
        from pluralign.respondents.local import AdapterMixture

        shares = self.shares.of(conversations)
        if self.combine == "outputs":
            for at in _alike([_sharing(own) for own in shares]):
                yield at, [self.adapted.outputs(shares[i]) for i in at]
            return
        for at in _alike([tuple(own.items()) for own in shares]):
            with self.adapted.blend(shares[at[0]]) as name:
                yield at, [AdapterMixture((name,))] * len(at)

    def _drafted(
        self, conversations: Sequence[Conversation], sampling: Sampling, n: int
    ) -> list[list[Reply]]:
        drafting = Drafting(self.chat, self.adapted, self.acceptance)
        shares = self.shares.of(conversations)
        found: list[list[Reply]] = [[] for _ in conversations]
        for at in _alike([_sharing(own) for own in shares]):
            talks = [conversations[i] for i in at]
            drawn = drafting.answer(talks, _sharing(shares[at[0]]), sampling, n=n)
            for i, own in zip(at, drawn, strict=True):
                found[i] = [_reply(one.written) for one in own]
                for one in own:
                    self.steps[i].update(one.steps)
        return found


def _sharing(shares: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(c for c, share in shares.items() if share > 0)


def _alike(keys: Sequence[Hashable]) -> list[list[int]]:
    """Numbers of equal keys together.

    >>> _alike(["a", "b", "a"])
    [[0, 2], [1]]
    """
    found: dict[Hashable, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, []).append(i)
    return list(found.values())


def _reply(written: "WrittenAnswer") -> Reply:
    return Reply(written.text, finish_reason="length" if written.finish_reason == "length" else "")
