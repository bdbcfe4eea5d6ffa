"""A judge model for free answers: measured against people, then used."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pluralign.core import (
    ChatModel,
    KnowledgeAnswer,
    KnowledgeTest,
    Reporter,
    Tally,
    count_of,
    rng_for,
)
from pluralign.evaluation.knowledge import OwnMatches, free_answers
from pluralign.matching import JudgedMatching, Judgement, stemmed
from pluralign.metrics import (
    JudgeAgreement,
    LabelledAnswer,
    held_out_labels,
    judge_agreement,
    match_answer,
)
from pluralign.respondents.remembered import RememberedChat
from pluralign.sources.judge_labels import read_judge_labels

JUDGED = "judged.jsonl"
_HELD_OUT = 100
"""Labels for each community and language that the test itself gives."""


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """A judge, and the labels of people that measure it.

    Attributes:
        chat: The judge.
        labels: A file of labels, see `read_judge_labels`. Where not given, ways of writing an
            answer that people of the test joined are the labels.
    """

    chat: ChatModel
    labels: Path | None = None


@dataclass(frozen=True, slots=True)
class JudgedAnswers:
    """The decisions of a judge.

    Attributes:
        matches: The matches, by which the answers are scored.
        record: The judge, its agreement with people, and counts of its replies.
        notes: Sentences on its agreement.
    """

    matches: OwnMatches
    record: Mapping[str, Any]
    notes: tuple[str, ...]


def judged_answers(
    judge: JudgeModel,
    answers: Sequence[KnowledgeAnswer],
    test: KnowledgeTest,
    out: Path,
    reporter: Reporter,
    *,
    skip_bad: bool = False,
) -> JudgedAnswers:
    """Measure a judge's agreement with people, then let it judge the short answers.

    Replies are kept in ``judged.jsonl``, so that a run that was stopped goes on where it was.
    ``skip_bad`` drops and counts labels that cannot be read, instead of stopping.

    Raises:
        InvalidInput: If the labels cannot be read.
        OtherWork: If the file has replies of another judge.
    """
    free = free_answers(answers, test)
    tally = Tally()
    if judge.labels is None:
        asked = sorted({(one.question.community, one.language) for one in free.values()})
        labels = list(_from_the_test(test, asked))
    else:
        labels = read_judge_labels(judge.labels, test, tally, skip_bad=skip_bad)
    chat = RememberedChat(judge.chat, out / JUDGED)
    try:
        matching = JudgedMatching(chat, stemmed)
        reporter.stage("measuring the judge")
        measured = matching.judge([label.answer for label in labels])
        reporter.stage("judging answers")
        found = matching.judge(list(free.values()))
    finally:
        chat.close()
    matches = {key: one.match for key, one in zip(free, found, strict=True)}
    agreement = _agreement(labels, measured)
    words = judge_agreement(labels, [_by_words(label) for label in labels]) if labels else None
    source = "the test" if judge.labels is None else judge.labels.name
    record = {
        "model": judge.chat.name,
        "labels": {"from": source, "labels": len(labels), "dropped": dict(tally.dropped)},
        "agreement": None if agreement is None else asdict(agreement),
        "agreement_of_words_alone": None if words is None else asdict(words),
        "judged": sum(one.reply is not None for one in found),
        "unread": _unread(found),
        "unread_labels": _unread(measured),
    }
    notes = [*_notes(judge, labels, agreement, words, found)]
    notes += [f"in the labels: {n:,} x {reason}" for reason, n in tally.dropped.items()]
    return JudgedAnswers(matches, record, tuple(notes))


def _from_the_test(
    test: KnowledgeTest, asked: Sequence[tuple[str, str]]
) -> Iterator[LabelledAnswer]:
    for community, language in asked:
        rng = rng_for(0, "judge labels", community, language)
        yield from held_out_labels(test.of(community), language, _HELD_OUT, rng)


def _agreement(
    labels: Sequence[LabelledAnswer], measured: Sequence[Judgement]
) -> JudgeAgreement | None:
    """A reply that cannot be read counts as "none of them", as it does in scores."""
    if not labels:
        return None
    return judge_agreement(
        labels, [None if one.match is None else one.match.answer for one in measured]
    )


def _by_words(label: LabelledAnswer) -> int | None:
    """The accepted answer that a labelled answer gives without a judge."""
    one = label.answer
    match = match_answer(one.text, one.question, one.language, stemmed)
    return None if match is None else match.answer


def _unread(found: Sequence[Judgement]) -> dict[str, int]:
    reasons = [one.unread for one in found if one.unread]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _notes(
    judge: JudgeModel,
    labels: Sequence[LabelledAnswer],
    agreement: JudgeAgreement | None,
    words: JudgeAgreement | None,
    found: Sequence[Judgement],
) -> Iterator[str]:
    name = judge.chat.name
    asked = sum(one.reply is not None for one in found)
    yield (
        f"the judge {name} decided on {count_of(asked, 'different answer')} that matched no whole "
        "answer"
    )
    if agreement is not None and words is not None:
        source = "answers that the test's people joined" if judge.labels is None else "labels"
        kappa = "undefined" if agreement.kappa is None else f"{agreement.kappa.value:.2f}"
        yield (
            f"the judge {name} agrees with people on {100 * agreement.same.value:.0f} % of "
            f"{len(labels):,} {source} (kappa {kappa}; words alone agree on "
            f"{100 * words.same.value:.0f} %); its scores are "
            f"{100 * agreement.credit_error.value:+.1f} points off theirs"
        )
    if judge.labels is None:
        yield (
            f"the agreement of the judge {name} with people on the answers of this model was not "
            "measured: give labels of them"
        )
    for reason, n in _unread(found).items():
        yield f"{count_of(n, 'reply', 'replies')} of the judge could not be read: {reason}"
