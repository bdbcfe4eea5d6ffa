"""Questions of a test of knowledge for other tools, each with all that scores an answer to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pluralign.asking import KnowledgeAsk
from pluralign.core import (
    AcceptedAnswer,
    InvalidInput,
    KnowledgeQuestion,
    KnowledgeTest,
    Tally,
    knowledge_answer_from_row,
)
from pluralign.evaluation.knowledge import AnswerScorer, ScoredText
from pluralign.matching import stemmed


def knowledge_item(ask: KnowledgeAsk, test: KnowledgeTest) -> dict[str, Any]:
    """A question as one JSON object, from which `score_item` scores an answer without the test.

    Args:
        ask: The question as put.
        test: The test that has the question.

    Returns:
        Columns of recorded answers (``community``, ``question_id``, ``language``, ``place_named``,
        ``form``, ``options``, ``option_communities``); ``question``, ``topic``,
        ``local_language``; ``machine_written``, whether a model wrote the words around the question
        and no native reader has signed them; ``accepted``, the accepted answers as lists of one
        shape; ``target``, the most common answer in words; and ``right``, the index of the option
        that it is, or None.

    Raises:
        InvalidInput: If the test does not have the question.
    """
    question = test.question(ask.ask.question.id, ask.community)
    if question is None:
        raise InvalidInput(
            "the test does not have this question",
            where=f"question {ask.ask.question.id}, community {ask.community}",
        )
    item = {
        "community": ask.community,
        "question_id": question.id,
        "language": ask.ask.language,
        "place_named": ask.place_named,
        "form": ask.form,
        "options": list(ask.ask.shown),
        "option_communities": list(ask.option_communities),
        "question": ask.ask.question.text,
        "topic": question.topic,
        "local_language": question.language,
        "machine_written": ask.template.machine_written,
        "accepted": [_accepted(answer) for answer in question.answers],
    }
    return item | {
        "target": _common_words(question, ask.ask.language),
        "right": score_item(item, "").right,
    }


def score_item(item: Mapping[str, Any], text: str, log_probs: Sequence[float] = ()) -> ScoredText:
    """Score an answer to one question, as `pluralign knowledge score` does.

    Args:
        item: A question, as `knowledge_item` returns it.
        text: The answer as returned.
        log_probs: Log-probability of each option; empty where the model wrote the answer.

    Returns:
        The answer with its credit in the community asked about.
    """
    question = KnowledgeQuestion(
        id=item["question_id"],
        community=item["community"],
        language=item["local_language"],
        texts={item["language"]: item["question"]},
        answers=tuple(_read(one) for one in item["accepted"]),
        topic=item["topic"],
    )
    row = {**item, "model": "model", "answer": text, "log_probs": list(log_probs)}
    scorer = AnswerScorer(KnowledgeTest("item", (question,)), stemmed)
    (scored,) = scorer.score([knowledge_answer_from_row(row)], Tally())
    return scored


def _common_words(question: KnowledgeQuestion, language: str) -> str:
    """The most common answer: its first variant in a language, else in another one."""
    common = question.answers[question.weights.index(question.most)]
    others = (text for variants in common.variants.values() for text in variants)
    return next(iter(common.variants_in(language)), next(others))


def _accepted(answer: AcceptedAnswer) -> dict[str, Any]:
    variants = [
        {"language": tag, "texts": list(texts)} for tag, texts in answer.variants.items() if texts
    ]
    return {"people": answer.count, "variants": variants}


def _read(accepted: Mapping[str, Any]) -> AcceptedAnswer:
    variants = {one["language"]: tuple(one["texts"]) for one in accepted["variants"]}
    return AcceptedAnswer(variants, accepted["people"])
