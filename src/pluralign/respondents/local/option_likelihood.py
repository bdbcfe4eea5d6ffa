"""Answer with the likelihood of each option's own words, none of which the prompt shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pluralign.core import Ask, Reply, likeliest_option
from pluralign.respondents.local.chat import LocalChatModel

_STEP = 64


@dataclass(frozen=True, slots=True)
class OptionTextRespondent:
    """Answers with the option whose words are likeliest as the answer, by their length.

    The log-probability of an option is the sum over its tokens after the conversation, without the
    end of the turn. The answer is the one with the largest per character (`likeliest_option`).

    Attributes:
        model: The model.
    """

    model: LocalChatModel

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the model."""
        return f"likelihood of options {self.model.fingerprint}"

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer with the label of the likeliest option; see `pluralign.core.ports.Respondent`."""
        replies: list[Reply] = []
        for start in range(0, len(asks), _STEP):  # so that answers are recorded on the way
            for reply in self._answer(asks[start : start + _STEP]):
                replies.append(reply)
                if heard is not None:
                    heard(len(replies) - 1, reply)
        return replies

    def _answer(self, asks: Sequence[Ask]) -> list[Reply]:
        failures = [self._failure(ask) for ask in asks]
        rows = [
            (ask.conversation, option)
            for ask, failure in zip(asks, failures, strict=True)
            for option in (() if failure else ask.shown)
        ]
        conversations, options = [row[0] for row in rows], [row[1] for row in rows]
        cut = [True] * len(rows)
        found = iter(self.model.log_probs(conversations, options, cut=cut).tolist())
        replies = []
        for ask, failure in zip(asks, failures, strict=True):
            if failure:
                replies.append(Reply("", failure=failure))
                continue
            shown = tuple(next(found) for _ in ask.shown)
            by_question = [0.0] * len(shown)
            for position, option in enumerate(ask.order):
                by_question[option] = shown[position]
            label = ask.labels[likeliest_option(shown, ask.shown)]
            replies.append(Reply(label, log_probs_O=tuple(by_question)))
        return replies

    def _failure(self, ask: Ask) -> str | None:
        """Why an ask cannot be answered; None where it can."""
        prompt = len(self.model.tokens(ask.conversation))
        sizes = [
            len(self.model.sampled_tokens(ask.conversation, option, True)) for option in ask.shown
        ]
        if not sizes:
            return "the question has no options, and likelihood is of options"
        if min(sizes) == 0:
            return f"the tokenizer has no tokens for {ask.shown[sizes.index(0)]!r}"
        if prompt + max(sizes) > self.model.longest:
            return (
                f"the prompt with an option must have at most {self.model.longest} tokens for this "
                f"model, got {prompt + max(sizes)}"
            )
        return None
