"""A language model as a respondent that writes its answers."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from pluralign.core import Ask, ChatModel, Reply, Sampling, text_digest


@dataclass(frozen=True, slots=True)
class ChatRespondent:
    """Answers by continuing the conversation of an ask.

    Attributes:
        chat: The model.
        sampling: Sampling of its words; every draw of one ask has its own seed.
    """

    chat: ChatModel
    sampling: Sampling

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.chat.name

    @property
    def fingerprint(self) -> str:
        """Digest of the model and of the sampling."""
        return text_digest(f"{self.chat.fingerprint} {sorted(asdict(self.sampling).items())}")

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer; see `pluralign.core.ports.Respondent`."""
        replies: dict[int, Reply] = {}
        for draw in sorted({ask.draw for ask in asks}):
            indices = [i for i, ask in enumerate(asks) if ask.draw == draw]
            sampling = replace(self.sampling, seed=self.sampling.seed + draw)

            def forward(k: int, reply: Reply, indices: Sequence[int] = indices) -> None:
                if heard is not None:
                    heard(indices[k], reply)

            conversations = [asks[i].conversation for i in indices]
            found = self.chat.complete(conversations, sampling, forward)
            replies |= dict(zip(indices, found, strict=True))
        return [replies[i] for i in range(len(asks))]
