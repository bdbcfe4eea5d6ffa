"""A language model as a respondent: it writes its answer."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from pluralign.core import Ask, ChatModel, Reply, Sampling, text_digest


@dataclass(frozen=True, slots=True)
class ChatRespondent:
    """Answers by going on with the conversation of an ask.

    Attributes:
        chat: The model.
        sampling: How it draws its words; every draw of one ask has its own seed.
    """

    chat: ChatModel
    sampling: Sampling

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.chat.name

    @property
    def fingerprint(self) -> str:
        """Of the model and of how it draws."""
        return text_digest(f"{self.chat.fingerprint} {sorted(asdict(self.sampling).items())}")

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer; see `pluralign.core.ports.Respondent`."""
        replies: dict[int, Reply] = {}
        for draw in sorted({ask.draw for ask in asks}):
            mine = [i for i, ask in enumerate(asks) if ask.draw == draw]
            s = self.sampling
            drawn = Sampling(s.temperature, s.top_p, s.max_new_tokens, s.seed + draw)

            def told(k: int, reply: Reply, places: Sequence[int] = mine) -> None:
                if heard is not None:
                    heard(places[k], reply)

            found = self.chat.complete([asks[i].conversation for i in mine], drawn, told)
            replies |= dict(zip(mine, found, strict=True))
        return [replies[i] for i in range(len(asks))]
