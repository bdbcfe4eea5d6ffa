"""Answers to compare, written by a language model: four that differ in values, in one call.

Answers that are sampled one by one are alike: a model's likeliest answer, four times. Asked for all
of them at once, the model sees what it has written already (negatively-correlated sampling,
Community Alignment, arXiv 2507.09650).
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pluralign.asking import Malformed, check_distinct, complete_text, read_listed
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.study_texts import StudyPrompt
from pluralign.collecting.written_texts import clean_text
from pluralign.core import ChatModel, Conversation, Message, Sampling, whole_file

ANSWERS = 4
_ASK = """\
People of many communities will compare answers to the question below. Write {count} answers to it \
that reasonable people with different values would give. The answers must differ in what they \
consider right or important, not only in wording or tone. Each is a complete answer of two to four \
sentences in the language with the tag {language}. All are about equally long, equally polite and \
equally well written, and none mentions the other answers or names a community.

Question: {prompt}

Reply with a JSON array of {count} strings and nothing else."""


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt for which answers are wanted.

    Attributes:
        prompt: The prompt.
        language: BCP 47 tag of the prompt and its answers.
        community: Community whose people see them; None for all.
        licence: Licence of the texts (SPDX).
        taken: Answers that it has already.
    """

    prompt: str
    language: str
    community: str | None = None
    licence: str = "CC0-1.0"
    taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedReply:
    """A prompt for which no reply could be used.

    Attributes:
        prompt: The prompt.
        reason: The problem with the last reply.
    """

    prompt: str
    reason: str


def conversation_for(prompt: str, language: str, count: int = ANSWERS) -> Conversation:
    """The one turn that asks for all answers."""
    return (Message("user", _ASK.format(count=count, language=language, prompt=prompt)),)


def read_answers(
    reply: str, most: int, taken: Collection[str] = (), count: int = ANSWERS
) -> tuple[str, ...]:
    """The answers of a reply.

    Args:
        reply: The reply: a JSON array of texts, alone or in a code block.
        most: Largest number of characters of an answer.
        taken: Answers that the prompt has already.
        count: Number of answers.

    Raises:
        Malformed: If it is anything else, an answer cannot be shown, or two are the same but for
            case, spaces and punctuation.

    >>> read_answers('["Yes, always.", "No."]', most=100, count=2)
    ('Yes, always.', 'No.')
    """
    texts = read_listed(reply, count)
    try:
        cleaned = tuple(clean_text(text, most) for text in texts)
    except NotAccepted as error:
        raise Malformed(f"an answer cannot be shown: {error}") from None
    check_distinct(cleaned, taken)
    return cleaned


def write_candidates(
    chat: ChatModel,
    questions: Sequence[Question],
    sampling: Sampling,
    most: int,
    tries: int = 3,
) -> Iterator[StudyPrompt | RefusedReply]:
    """Ask a model for answers to prompts, one call a prompt.

    A reply that cannot be used is asked for again with the next seed; nothing of it is kept.

    Args:
        chat: The model.
        questions: The prompts.
        sampling: Sampling of the model's words.
        most: Largest number of characters of an answer.
        tries: Number of calls for a prompt before it is refused, >= 1.

    Yields:
        For each prompt in order, a row with the new answers and their origin, or the refusal.
    """
    for question in questions:
        yield _written(chat, question, sampling, most, tries)


def append_prompts(path: Path, rows: Sequence[StudyPrompt]) -> None:
    """Append rows to `prompts.jsonl`; the file is replaced as a whole."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    lines = [
        json.dumps(row.model_dump(exclude_none=True), ensure_ascii=False) + "\n" for row in rows
    ]
    with whole_file(path) as partial:
        partial.write_text(before + "".join(lines), encoding="utf-8", newline="\n")


def questions_without(model: str, rows: Sequence[StudyPrompt]) -> list[Question]:
    """The distinct prompts that a model has not answered yet.

    Args:
        model: Name of the model.
        rows: Rows of `prompts.jsonl`.
    """
    found: dict[tuple[str, str | None], Question] = {}
    answered = set()
    for row in rows:
        key = (row.prompt, row.community)
        known = found.get(key, Question(row.prompt, row.language, row.community, row.licence))
        found[key] = replace(known, taken=known.taken + row.responses)
        if row.origin.startswith(f"{model}; "):
            answered.add(key)
    return [question for key, question in found.items() if key not in answered]


def origin_of(chat: ChatModel, sampling: Sampling) -> str:
    """Origin of a model's answers: its name and the settings of its sampling.

    It has no seed: a study's pages and releases name the origin, and it should be the same for all
    answers of one model.
    """
    settings = f"temperature {sampling.temperature:g}, top_p {sampling.top_p:g}"
    return f"{chat.name}; {ANSWERS} answers in one call, {settings}"


def _written(
    chat: ChatModel, question: Question, sampling: Sampling, most: int, tries: int
) -> StudyPrompt | RefusedReply:
    reason = ""
    for number in range(tries):
        again = replace(sampling, seed=sampling.seed + number)
        (reply,) = chat.complete([conversation_for(question.prompt, question.language)], again)
        try:
            answers = read_answers(complete_text(reply), most, question.taken)
        except Malformed as error:
            reason = str(error)
            continue
        return StudyPrompt(
            prompt=question.prompt,
            responses=answers,
            language=question.language,
            community=question.community,
            origin=origin_of(chat, sampling),
            licence=question.licence,
        )
    return RefusedReply(question.prompt, reason)
