"""What an exported lm-eval task calls: its questions, its scores for one question, and how they are put together."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import Conversation, Message
from pluralign.metrics import cultural_alignment_score, similarity


def questions_in(path: Path, model: Mapping[str, Any]) -> dict[str, Any]:
    """The questions of an exported file as the test split of a data set, put as the model at hand takes them.

    lm-eval leaves the system turn out where a chat template refuses it, and without a template
    writes both turns with nothing between them. So words are made here what they are in
    `pluralign survey run`: the system turn in front of the question for such a template, and the
    plain form ``User: ... Assistant:`` for none.

    Args:
        path: The file.
        model: Arguments of lm-eval's model; ``tokenizer`` or ``pretrained`` tells how words are
            read. Where there is neither, as behind an API, the words stay as they are and no label
            counts as the beginning of another.
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
        likelihoods: Log-likelihood of each label, and whether it is what greedy decoding gives.

    Returns:
        ``cultural_alignment_score``: option answered, gold option and number of options, which
            `alignment` puts
        together. ``exact_accuracy`` and ``similarity``: numbers in [0, 1].

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


def _fitted(row: Mapping[str, Any], tokenizer: Any) -> dict[str, Any]:
    """Words of a row for a tokenizer's model, and for each label the places of those that it begins."""
    from pluralign.respondents.local.chat import plain_text, without_system
    from pluralign.respondents.local.likelihood import begun_by, label_tokens

    if tokenizer is None:
        return {"longer": [[] for _ in row["labels"]]}
    longer = {"longer": begun_by(label_tokens(tokenizer, row["labels"]))}
    turns = (("system", row["system"]), ("user", row["text"]))
    said = tuple(Message(role, words) for role, words in turns if words)
    if not tokenizer.chat_template:
        return longer | {"system": "", "text": plain_text(said)}
    if _takes(tokenizer, said):
        return longer
    return longer | {"system": "", "text": without_system(said)[0].content}


def _takes(tokenizer: Any, said: Conversation) -> bool:
    """Whether a chat template takes these turns."""
    try:
        tokenizer.apply_chat_template(
            [{"role": m.role, "content": m.content} for m in said], tokenize=False
        )
    except Exception:  # a template refuses in its own words, with whatever error it likes
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
