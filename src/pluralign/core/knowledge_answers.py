"""Recorded answers to knowledge questions, and their rows: one JSON object for each answer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pluralign.core.errors import InvalidInput
from pluralign.core.row_values import (
    answer_in,
    flag_in,
    float_of,
    labels_of,
    list_in,
    name_in,
    question_in,
    shown_value,
    text_in,
    whole_in,
)

AnswerForm = Literal["short", "options"]
"""An answer in the respondent's own words, or one of several options."""
ANSWER_FORMS: tuple[AnswerForm, ...] = get_args(AnswerForm)
"""All forms of answers."""

_NEEDED = "a row needs model, community, question_id, language and answer"


def option_labels(options: int) -> tuple[str, ...]:
    """The labels before options: capital letters.

    >>> option_labels(3)
    ('A', 'B', 'C')
    """
    return tuple(chr(ord("A") + k) for k in range(options))


def likeliest_option(log_probs: Sequence[float], options: Sequence[str]) -> int:
    """The index of the option with the largest log-probability per character; the first of equal.

    Longer texts are less likely as such; this is ``acc_norm`` of the LM Evaluation Harness.

    Args:
        log_probs: Log-probability of each option, in nats, summed over its tokens.
        options: The options.

    >>> likeliest_option([-4.0, -6.0], ["rice", "rice and beans"])
    1
    """
    scores = [p / len(option) for p, option in zip(log_probs, options, strict=True)]
    return scores.index(max(scores))


@dataclass(frozen=True, slots=True)
class KnowledgeAnswer:
    """An answer to a knowledge question as a file records it: raw, with all that scores it again.

    Attributes:
        model: Name of the respondent.
        question: Id of the question.
        community: Id of the community asked about, whose people's answers score it.
        text: The words as returned; empty where nothing was returned.
        language: BCP 47 tag of the words of the question, and of the answer.
        place_named: Whether the words name the place.
        form: ``short`` for an answer in the respondent's own words, ``options`` for one of several.
        options: The options as shown, in the order shown; empty for short answers.
        option_communities: Id of the community whose common answer each option is; "" where that is
            not known. Empty where no option's community is known.
        labels: The label before each option. Default: capital letters.
        draw: Number of the draw, where one question is sampled several times.
        log_probs: Log-probability of each option as the answer, in nats, summed over its tokens;
            empty where it was not measured.
        finish_reason: Why the text ended; see `Reply`.
        not_sent: Sampling fields that the server refused; see `Reply`.

    Raises:
        InvalidInput: If the form is unknown, a short answer has options, one with options has fewer
            than two or two alike, or a list does not have one entry for each option.

    >>> answer = KnowledgeAnswer("m", "food-1", "IRN", "B", "en", form="options",
    ...                          options=("rice", "pizza"), option_communities=("IRN", "USA"))
    >>> answer.labels
    ('A', 'B')
    """

    model: str
    question: str
    community: str
    text: str
    language: str
    place_named: bool = True
    form: AnswerForm = "short"
    options: tuple[str, ...] = ()
    option_communities: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    draw: int = 0
    log_probs: tuple[float, ...] = ()
    finish_reason: str = ""
    not_sent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.form not in ANSWER_FORMS:
            raise InvalidInput(
                f"form must be {' or '.join(ANSWER_FORMS)}, got {shown_value(self.form)}",
                where=self.where,
            )
        if not self.labels:
            object.__setattr__(self, "labels", option_labels(len(self.options)))
        self._check_options()

    @property
    def where(self) -> str:
        """The question and the community, for messages."""
        return f"question {self.question}, community {self.community}"

    @property
    def condition(self) -> tuple[str, str, bool, AnswerForm]:
        """Community, language, place named and form: answers with the same are scored together."""
        return self.community, self.language, self.place_named, self.form

    def _check_options(self) -> None:
        size = len(self.options)
        if (self.form == "options") != (size > 0) or size == 1:
            raise InvalidInput(
                f"a short answer must have no options, one with options at least two; got {size}",
                where=self.where,
            )
        if len(set(self.options)) < size or not all(option.strip() for option in self.options):
            raise InvalidInput(
                f"options must differ and not be empty, got {shown_value(list(self.options))}",
                where=self.where,
            )
        for name in ("option_communities", "labels", "log_probs"):
            given = len(getattr(self, name))
            if given not in {0, size}:
                raise InvalidInput(
                    f"{name} must be {size}, one for each option, got {given}", where=self.where
                )
        if not all(map(math.isfinite, self.log_probs)):
            raise InvalidInput(
                f"log_probs must be finite, got {shown_value(list(self.log_probs))}",
                where=self.where,
            )


def knowledge_answer_row(answer: KnowledgeAnswer) -> dict[str, Any]:
    """Convert a recorded answer to a JSON object.

    Columns after the first seven are written only where they are not empty.

    >>> knowledge_answer_row(KnowledgeAnswer("llama", "food-1", "IRN", "rice", "en"))
    {'model': 'llama', 'community': 'IRN', 'question_id': 'food-1', 'language': 'en',
     'place_named': True, 'form': 'short', 'answer': 'rice'}
    """
    row: dict[str, Any] = {
        "model": answer.model,
        "community": answer.community,
        "question_id": answer.question,
        "language": answer.language,
        "place_named": answer.place_named,
        "form": answer.form,
        "answer": answer.text,
    }
    usual = answer.labels == option_labels(len(answer.options))
    more = {
        "options": list(answer.options),
        "option_communities": list(answer.option_communities),
        "labels": [] if usual else list(answer.labels),
        "draw": answer.draw,
        "log_probs": list(answer.log_probs),
        "finish_reason": answer.finish_reason,
        "not_sent": list(answer.not_sent),
    }
    return row | {name: value for name, value in more.items() if value}


def knowledge_answer_from_row(row: Mapping[str, Any]) -> KnowledgeAnswer:
    """Convert a row to a recorded answer.

    Rows may lack ``place_named`` (then the place is named), ``form`` (then it follows from the
    options) and the columns after it. Lists may be written as JSON text, as they are in tables.

    Raises:
        InvalidInput: If a column is missing or of the wrong type, or the answer is not valid.

    >>> row = {"model": "m", "community": "IRN", "question_id": 1.0, "language": "fa",
    ...        "answer": "برنج"}
    >>> answer = knowledge_answer_from_row(row)
    >>> answer.question, answer.form, answer.place_named
    ('1', 'short', True)
    """
    options = _texts(row, "options")
    form = text_in(row, "form") or ("options" if options else "short")
    labels = list_in(row, "labels")
    return KnowledgeAnswer(
        model=name_in(row, "model", _NEEDED),
        question=question_in(row, _NEEDED),
        community=name_in(row, "community", _NEEDED),
        text=answer_in(row),
        language=name_in(row, "language", _NEEDED),
        place_named=flag_in(row, "place_named", missing=True),
        form=form,  # type: ignore[arg-type]  # is checked when the answer is built
        options=options,
        option_communities=_texts(row, "option_communities"),
        labels=labels_of(labels, len(options)) if labels else (),
        draw=whole_in(row, "draw"),
        log_probs=_numbers(list_in(row, "log_probs")),
        finish_reason=text_in(row, "finish_reason"),
        not_sent=_texts(row, "not_sent"),
    )


def _texts(row: Mapping[str, Any], column: str) -> tuple[str, ...]:
    values = list_in(row, column)
    if not all(isinstance(value, str) for value in values):
        raise InvalidInput(f"{column} must be texts, got {shown_value(values)}")
    return tuple(values)


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    if not all(isinstance(p, int | float) and not isinstance(p, bool) for p in values):
        raise InvalidInput(f"log_probs must be numbers, got {shown_value(values)}")
    return tuple(map(float_of, values))
