"""A language model as the judge of what a free answer means."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pluralign.core import ChatModel, Conversation, Message, Reply, Sampling, split_thought
from pluralign.matching.stems import stemmed
from pluralign.metrics import FreeAnswer, Match, Stems, match_answer
from pluralign.metrics.answer_matching import question_variants, variant_words

_PROMPT = """\
People were asked a question. Here are the answers that they gave, with a number for each, and one
more answer. Which of the numbered answers has the same meaning as this one?

Question: {question}

{numbered}

The answer: {answer}

The meaning is the same if it names the same thing: in other words, in another spelling, in another
language or in a whole sentence. Something more general or more special is not the same. If it names
several things, only the first counts. Reply with one number and nothing else; reply 0 if no
numbered answer has the same meaning."""
_MOST_VARIANTS = 8
_SAMPLING = Sampling(max_new_tokens=256)  # room for the thought of a reasoning model
_NUMBER = re.compile(r"\d+")
Unread = Literal["", "failed", "not one number"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The accepted answer that a free answer gives, by its words or for the judge.

    Attributes:
        match: The match; None where there is not one, or the reply could not be read.
        reply: The reply of the judge; None where the words decided.
        unread: Why the reply could not be read: ``failed`` or ``not one number``; else empty.
    """

    match: Match | None
    reply: Reply | None = None
    unread: Unread = ""


@dataclass(frozen=True, slots=True)
class JudgedMatching:
    """Matches free answers by their words, and asks a judge where whole answers differ.

    An answer that is a variant of an accepted one, or has its stems, is not judged; an answer
    without words matches nothing. For all others the judge decides in place of `contained` matches.
    Measure its agreement with people first (`judge_agreement`): a judge is wrong in its own way,
    and differently in each language.

    Attributes:
        chat: The judge.
        stems: Stems of words.
        sampling: Sampling of the judge's words; the likeliest word each time where not given.
    """

    chat: ChatModel
    stems: Stems = stemmed
    sampling: Sampling = _SAMPLING

    def judge(
        self, answers: Sequence[FreeAnswer], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Judgement]:
        """Find the accepted answers that free answers give: aligned with ``answers``.

        ``heard(k, reply)`` is called with the judge's reply to answer k as soon as it arrives.

        Raises:
            InvalidInput: If no accepted answer of a question has a variant in the language.
        """
        found = {k: self._by_words(answer) for k, answer in enumerate(answers)}
        open_ = [k for k, match in found.items() if match is None and _has_words(answers[k])]
        conversations = [judge_conversation(answers[k]) for k in open_]

        def forward(index: int, reply: Reply) -> None:
            if heard is not None:
                heard(open_[index], reply)

        replies = self.chat.complete(conversations, self.sampling, forward) if open_ else []
        judged = {
            k: read_judgement(answers[k], reply) for k, reply in zip(open_, replies, strict=True)
        }
        return [judged.get(k, Judgement(match)) for k, match in found.items()]

    def _by_words(self, answer: FreeAnswer) -> Match | None:
        match = match_answer(answer.text, answer.question, answer.language, self.stems)
        return match if match is not None and match.kind != "contained" else None


def judge_conversation(answer: FreeAnswer) -> Conversation:
    """The words that a judge gets for an answer.

    Accepted answers are in alphabetical order, so that the judge does not learn which is common.
    """
    question = answer.question
    numbered = []
    for number, index in enumerate(_order(answer), start=1):
        variants = question.answers[index].variants_in(answer.language)[:_MOST_VARIANTS]
        numbered.append(f"{number}. {' / '.join(variants)}")
    text = question.texts.get(answer.language) or next(iter(question.texts.values()))
    prompt = _PROMPT.format(
        question=text, numbered="\n".join(numbered), answer=" ".join(answer.text.split())
    )
    return (Message("user", prompt),)


def read_judgement(answer: FreeAnswer, reply: Reply) -> Judgement:
    """Read the number that a judge replied.

    A reply with two different numbers, with none, or with a number that no answer has, cannot be
    read. Thoughts of a reasoning model are left out.
    """
    if reply.failure is not None:
        return Judgement(None, reply, "failed")
    order = _order(answer)
    numbers = set(map(int, _NUMBER.findall(split_thought(reply.text).answer or "")))
    if len(numbers) != 1 or not numbers <= set(range(len(order) + 1)):
        return Judgement(None, reply, "not one number")
    number = numbers.pop()
    return Judgement(Match(order[number - 1], "judged") if number else None, reply)


def _order(answer: FreeAnswer) -> list[int]:
    """Indices of the accepted answers with a variant in the language, in the order shown."""
    first: dict[int, tuple[str, ...]] = {}
    for words, index in question_variants(answer.question, answer.language):
        first[index] = min(words, first.get(index, words))
    return sorted(first, key=lambda index: (first[index], index))


def _has_words(answer: FreeAnswer) -> bool:
    return bool(variant_words(answer.text, answer.language))
