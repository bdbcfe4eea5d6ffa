"""A question as a respondent gets it (`Ask`), and the reply: an option, a refusal, or words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pluralign.core.errors import InvalidInput
from pluralign.core.pairs import Message
from pluralign.core.surveys import SurveyQuestion

Conversation = tuple[Message, ...]
"""Messages in the order in which they were written."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question without options, which a respondent answers in words.

    Attributes:
        id: Unique among the questions of a run.
        text: The wording.
        options: None.
        codes: None.
    """

    id: str
    text: str
    options: tuple[str, ...] = field(default=(), init=False)
    codes: tuple[str, ...] = field(default=(), init=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that names no option.

    Attributes:
        text: The words as returned; empty where nothing was returned.
    """

    text: str


Answer = int | Refusal
"""The answer to a question: the index of an option, or a refusal."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a language model draws its words.

    Attributes:
        temperature: Temperature of sampling, >= 0; 0 takes the likeliest word each time.
        top_p: Draw among the likeliest words that together have this probability, in (0, 1].
        max_new_tokens: Most tokens of one completion, >= 1.
        seed: The same seed, model and conversation give the same words where the model's server
            allows it.

    Raises:
        InvalidInput: If a number is out of range.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and 0 < self.top_p <= 1 and self.max_new_tokens >= 1):
            raise InvalidInput(
                "temperature must be >= 0, top_p in (0, 1] and max_new_tokens >= 1, got "
                f"{self.temperature}, {self.top_p} and {self.max_new_tokens}"
            )


@dataclass(frozen=True, slots=True)
class Ask:
    """A question as it is asked once.

    Attributes:
        question: The question; an open one has neither order nor labels.
        conversation: The words, system and user turns, ending with a user turn.
        strategy: How it is asked: ``culture_unaware``, ``culture_aware``, ...
        community: Id of the community whose answer is asked for; None where none is named.
        order: Index of each option in the order shown; the question's own order where empty.
        labels: The label before each option, in the order shown; the question's codes where empty.
        variant: Name of the wording, where there are several; empty for the first.
        language: BCP 47 tag of the words.
        draw: Number of the draw, where one ask is sampled several times.
        shows_gold: Whether the words show real answers of the community's people.
        machine_written: Whether the words were translated by machine, and no native reader has
            signed the translation.

    Raises:
        InvalidInput: If the conversation does not end with a user turn, or order and labels do not
            fit the question's options.
    """

    question: SurveyQuestion | OpenQuestion
    conversation: Conversation
    strategy: str
    community: str | None = None
    order: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    variant: str = ""
    language: str = "en"
    draw: int = 0
    shows_gold: bool = False
    machine_written: bool = False

    def __post_init__(self) -> None:
        where = f"question {self.question.id}, strategy {self.strategy}"
        options = len(self.question.options)
        if not self.conversation or self.conversation[-1].role != "user":
            raise InvalidInput("a conversation must end with a user turn", where=where)
        if not self.order:
            object.__setattr__(self, "order", tuple(range(options)))
        if not self.labels:
            object.__setattr__(self, "labels", tuple(self.question.codes[i] for i in self.order))
        if sorted(self.order) != list(range(options)) or len(self.labels) != options:
            raise InvalidInput(
                f"order and labels must fit the {options} options, got order {self.order} and "
                f"labels {self.labels}",
                where=where,
            )

    @property
    def key(self) -> tuple[str, ...]:
        """The identity of the ask: no two asks of a run have the same key."""
        return (
            self.strategy,
            self.community or "",
            self.question.id,
            ",".join(map(str, self.order)),
            ",".join(self.labels),
            self.variant,
            self.language,
            str(self.draw),
        )

    @property
    def shown(self) -> tuple[str, ...]:
        """The options in the order shown."""
        return tuple(self.question.options[i] for i in self.order)


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to an ask, before it is read.

    Attributes:
        text: The words as returned.
        probs_O: Probability of each option in the question's own order, summing to 1, where they
            were measured.
        log_probs_O: Log-probability of each option's text as the answer, in nats, in the question's
            own order, where it was measured.
        failure: Why there is no reply, in words; None where there is one. A run that is resumed
            repeats a failed ask.
        finish_reason: ``length`` where the token limit cut the text off, ``content_filter`` where
            the server's filter withheld it; empty where the model ended by itself.
        not_sent: Sampling fields that the server refused, so that the request was sent without
            them.
    """

    text: str
    probs_O: tuple[float, ...] | None = None
    failure: str | None = None
    finish_reason: str = ""
    not_sent: tuple[str, ...] = ()
    log_probs_O: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """An answer as a file records it: raw, with all that is needed to read it again.

    Attributes:
        model: Name of the respondent.
        strategy: How the question was asked.
        community: Id of the community named; None where none was named.
        question: Id of the question.
        text: The words as returned.
        order: Index of each option in the order shown; empty where it was not recorded.
        labels: The label before each option; empty where they were not recorded.
        variant: Name of the wording.
        language: BCP 47 tag of the words.
        draw: Number of the draw.
        shows_gold: Whether real answers were shown.
        probs_O: Probability of each option in the question's own order, where measured.
        finish_reason: Why the text ended; see `Reply`.
        not_sent: Sampling fields that the server refused; see `Reply`.
        machine_written: Whether the words were translated by machine; see `Ask`.
    """

    model: str
    strategy: str
    community: str | None
    question: str
    text: str
    order: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    variant: str = ""
    language: str = "en"
    draw: int = 0
    shows_gold: bool = False
    probs_O: tuple[float, ...] | None = field(default=None)
    finish_reason: str = ""
    not_sent: tuple[str, ...] = ()
    machine_written: bool = False


def record_answer(model: str, ask: Ask, reply: Reply) -> RecordedAnswer:
    """Combine an ask and its reply to a record."""
    return RecordedAnswer(
        model=model,
        strategy=ask.strategy,
        community=ask.community,
        question=ask.question.id,
        text=reply.text,
        order=ask.order,
        labels=ask.labels,
        variant=ask.variant,
        language=ask.language,
        draw=ask.draw,
        shows_gold=ask.shows_gold,
        probs_O=reply.probs_O,
        finish_reason=reply.finish_reason,
        not_sent=reply.not_sent,
        machine_written=ask.machine_written,
    )


def render_question(text: str, shown: Sequence[str], labels: Sequence[str]) -> str:
    """Write a question with its options, one option on each line.

    Args:
        text: The wording.
        shown: Options in the order shown.
        labels: The label before each option.

    >>> print(render_question("Is family important?", ["Very", "Not at all"], ["1", "2"]))
    Is family important?
    1. Very
    2. Not at all
    """
    options = [f"{label}. {option}" for label, option in zip(labels, shown, strict=True)]
    return "\n".join([text, *options])
