"""Functions for an exported lm-eval task: its questions, scores of a question, and aggregation."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import Conversation, Message
from pluralign.metrics import cultural_alignment_score, similarity


def questions_in(path: Path, model: Mapping[str, Any]) -> dict[str, Any]:
    """The questions of an exported file as a test split, in the text form of the model.

    lm-eval leaves the system turn out if a chat template refuses it, and without a template joins
    both turns without a separator. So this function writes the texts of `pluralign survey run`: the
    system turn in front of the question for such a template, and the plain form
    ``User: ... Assistant:`` without a template.

    Args:
        path: The file.
        model: Arguments of lm-eval's model; ``tokenizer`` or ``pretrained`` names the tokenizer.
            Without either, as behind an API, the texts are not changed and no label counts as the
            beginning of another.
    """
    from datasets import Dataset

    from pluralign.runs import read_rows

    tokenizer = _tokenizer(model)
    return {"test": Dataset.from_list([row | _fitted(row, tokenizer) for row in read_rows(path)])}


def score_answer(
    question: Mapping[str, Any], likelihoods: Sequence[tuple[float, bool]]
) -> dict[str, Any]:
    """The scores of one question from the log-likelihood of each label.

    Args:
        question: A row as `questions_in` gives it.
        likelihoods: Log-likelihood of each label, and whether greedy decoding gives it.

    Returns:
        ``cultural_alignment_score``: answered option, gold option and number of options, which
        `alignment` aggregates. ``exact_accuracy`` and ``similarity``: numbers in [0, 1].

    >>> row = {"gold": 0, "probs": [0.75, 0.25], "longer": [[], []]}
    >>> scores = score_answer(row, [(-1.0, True), (-3.0, False)])
    >>> scores["cultural_alignment_score"], scores["exact_accuracy"], round(scores["similarity"], 2)
    ((0, 0, 2), 1.0, 0.86)
    """
    from pluralign.respondents.local.likelihood import label_shares

    probs_O = label_shares([log for log, _ in likelihoods], question["longer"])
    answer, gold = int(probs_O.argmax()), int(question["gold"])
    return {
        "cultural_alignment_score": (answer, gold, len(probs_O)),
        "exact_accuracy": float(answer == gold),
        "similarity": float(similarity(probs_O, np.array(question["probs"]))),
    }


def alignment(items: Sequence[tuple[int, int, int]]) -> float:
    """CultureSPA's cultural alignment score of several questions.

    >>> round(alignment([(0, 0, 4), (3, 0, 4)]), 2)
    29.29
    """
    return cultural_alignment_score(*zip(*items, strict=True))


def score_words(question: Mapping[str, Any], answers: Sequence[str]) -> dict[str, float]:
    """The scores of a written answer to a question of a test of knowledge.

    Args:
        question: A row as `questions_in` gives it.
        answers: The answer as returned, as the only one.

    Returns:
        ``answer_credit``, in [0, 1]; of short answers whether they match an accepted one exactly,
        match none, or are empty; of letters whether they are right, or no option.
    """
    from pluralign.interop.knowledge_items import score_item

    (text,) = answers
    scored = score_item(question, text)
    found = {"answer_credit": scored.own}
    if question["form"] == "options":
        right = scored.own == 1.0
        return found | {"accuracy": float(right), "invalid_rate": float(not scored.valid)}
    return found | {
        "exact_match_rate": float(scored.kind == "exact"),
        "unmatched_rate": float(scored.valid and scored.kind is None),
        "empty_rate": float(not scored.valid),
    }


def score_options(
    question: Mapping[str, Any], likelihoods: Sequence[tuple[float, bool]]
) -> dict[str, float]:
    """The scores of a question of a test of knowledge from the log-likelihood of each option.

    Args:
        question: A row as `questions_in` gives it.
        likelihoods: Log-likelihood of each option, and whether greedy decoding gives it.

    Returns:
        ``acc`` and ``acc_norm``: whether the likeliest option, and the likeliest by its length, is
        the most common answer. ``answer_credit`` of the likeliest by its length, in [0, 1].
    """
    from pluralign.core import option_labels
    from pluralign.interop.knowledge_items import score_item

    logs = [log for log, _ in likelihoods]
    likeliest = score_item(question, option_labels(len(logs))[logs.index(max(logs))])
    by_length = score_item(question, "", logs)
    return {
        "acc": float(likeliest.own == 1.0),
        "acc_norm": float(by_length.own == 1.0),
        "answer_credit": by_length.own,
    }


def _fitted(row: Mapping[str, Any], tokenizer: Any) -> dict[str, Any]:
    """Texts of a row for a tokenizer, and for each label the indices of labels that it begins."""
    longer = {"longer": _begun(row["labels"], tokenizer)} if "labels" in row else {}
    return longer if tokenizer is None else longer | _texts(row, tokenizer)


def _begun(labels: Sequence[str], tokenizer: Any) -> list[list[int]]:
    from pluralign.respondents.local.likelihood import begun_by, label_tokens

    if tokenizer is None:
        return [[] for _ in labels]
    return begun_by(label_tokens(tokenizer, labels))


def _texts(row: Mapping[str, Any], tokenizer: Any) -> dict[str, str]:
    """The texts of a row where they have to change for a tokenizer."""
    from pluralign.respondents.local.chat import plain_text, without_system

    turns = (("system", row["system"]), ("user", row["text"]))
    said = tuple(Message(role, words) for role, words in turns if words)
    if not tokenizer.chat_template:
        return {"system": "", "text": plain_text(said)}
    if _takes(tokenizer, said):
        return {}
    return {"system": "", "text": without_system(said)[0].content}


def _takes(tokenizer: Any, said: Conversation) -> bool:
    """Whether a chat template takes these turns."""
    try:
        tokenizer.apply_chat_template(
            [{"role": m.role, "content": m.content} for m in said], tokenize=False
        )
    except Exception:  # a template refuses by any kind of error
        return False
    return True


def _tokenizer(model: Mapping[str, Any]) -> Any:
    name = model.get("tokenizer") or model.get("pretrained")
    if not isinstance(name, str):
        return None
    return _loaded(name, model.get("revision"), model.get("trust_remote_code") is True)


@lru_cache(maxsize=1)
def _loaded(name: str, revision: str | None, trust_remote_code: bool) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(
        name, revision=revision, trust_remote_code=trust_remote_code
    )
