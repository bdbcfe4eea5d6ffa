"""RewardBench: its result files from our scorer, and pairs in the form that its loader reads.

Its own loader (0.1.4) loses the prompt of conversational rows that state it, and relabels turns by
their position, so its numbers would not be about the pairs in the file. So pluralign reads and
scores the file, and only the result has RewardBench's form.
"""

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from pluralign.core import (
    AnyPath,
    Estimate,
    InvalidInput,
    Message,
    NotEnoughData,
    PreferencePair,
    Prompt,
    Reporter,
    Silent,
    Steer,
    SteerableRewardModel,
    Tally,
    as_path,
    prompt_text,
    requests_of,
    short_id,
    whole_file,
)
from pluralign.metrics import Clusters, group_means
from pluralign.sources import JsonlPairs

_BATCH = 1024
_NOT_ALTERNATING = "turns do not alternate between user and assistant"


@dataclass(frozen=True, slots=True)
class RewardBenchResult:
    """The written files and their accuracy.

    Attributes:
        accuracy: Share of pairs whose chosen response scores higher; ties are wrong. The interval,
            which is not in RewardBench's file, clusters raters, and stems of pairs that have no
            rater.
        ties: Number of pairs whose two responses score the same.
        summary: The file ``{name}.json``.
        outputs: The file ``{name}_outputs.jsonl``.
    """

    accuracy: Estimate
    ties: int
    summary: Path
    outputs: Path


def write_rewardbench(
    model: SteerableRewardModel,
    pairs_file: AnyPath,
    steer: Steer | None,
    folder: AnyPath,
    name: str,
    tally: Tally,
    *,
    skip_bad: bool = False,
    reporter: Reporter | None = None,
) -> RewardBenchResult:
    """Score a file of pairs and write the two result files of RewardBench (0.1.4).

    ``{name}.json`` has
    ``accuracy, num_prompts, model, ref_model, tokenizer, chat_template, extra_results``;
    ``{name}_outputs.jsonl`` has a row for each pair, in the order of the file: ``prompt, results``
    (1 or 0), ``scores_chosen, scores_rejected, text_chosen, text_rejected``, the texts with their
    prompt. A failure leaves neither. Pairs are scored in batches; memory contains a few numbers for
    each pair.

    Args:
        model: Any steerable reward model.
        pairs_file: A file, as `JsonlPairs` reads it.
        steer: The steer to score with; None is the reference.
        folder: Folder to write to; created if it is missing. Files of that name are replaced.
        name: Name of the model in the result and of the files.
        tally: Counts the rows read, kept and dropped.
        skip_bad: Drop and count rows that cannot be read.
        reporter: Receives the progress.

    Returns:
        The accuracy with its interval, and the paths of the files.

    Raises:
        InvalidInput: If the name is not a file name, a row cannot be read, or a reward is not a
            finite number.
        NotEnoughData: If no pair was scored; the reasons are named.
        UnknownCommunity: If the model has no such community.
    """
    pairs_file, folder = as_path(pairs_file), as_path(folder)
    _check_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    summary, outputs = folder / f"{name}.json", folder / f"{name}_outputs.jsonl"
    reporter = reporter or Silent()
    reporter.stage(f"scoring {pairs_file.name}")
    score = _Score()
    pairs = JsonlPairs(pairs_file, skip_bad=skip_bad).pairs(tally)
    with whole_file(summary) as short, whole_file(outputs, private=True) as long:  # people's words
        with long.open("w", encoding="utf-8", newline="\n") as file:
            for batch in _batches(pairs):
                _score_batch(model, steer, batch, score, file)
                reporter.progress(tally.kept, 0)
        if not score.results:
            why = "; ".join(f"{n} x {reason}" for reason, n in tally.dropped.most_common(5))
            raise NotEnoughData("no pair was scored", where=str(pairs_file), hint=why or None)
        short.write_text(json.dumps(_summary(score, name)), encoding="utf-8", newline="\n")
    return RewardBenchResult(score.estimate(), score.ties, summary, outputs)


def rewardbench_rows(
    pairs: Iterable[PreferencePair], tally: Tally | None = None
) -> Iterator[dict[str, Any]]:
    """Pairs as rows that RewardBench's loader reads without losing the prompt.

    ``chosen`` and ``rejected`` are whole conversations, and there is no ``prompt``. The loader
    assigns turns to the user and the assistant by their position and does not read system messages.
    So a system message is put before the user's next turn, and consecutive turns of one role are
    joined. Pairs whose turns still do not alternate are dropped.

    Args:
        pairs: The pairs.
        tally: Counts dropped pairs; without it, such a pair is an error.

    Yields:
        ``{"chosen": [...], "rejected": [...]}``; only the last turn differs.

    Raises:
        InvalidInput: If the turns of a pair do not alternate, and there is no tally.

    >>> pair = PreferencePair("1", "Tea?", "Yes, please.", "No.", community="GBR")
    >>> next(rewardbench_rows([pair]))["chosen"]
    [{'role': 'user', 'content': 'Tea?'}, {'role': 'assistant', 'content': 'Yes, please.'}]
    """
    for pair in pairs:
        turns = _alternating(pair.prompt)
        if turns is None and tally is None:
            raise InvalidInput(
                _NOT_ALTERNATING,
                where=f"pair {pair.id}",
                hint="give a tally, to drop and count these",
            )
        if turns is None:
            assert tally is not None
            tally.drop(_NOT_ALTERNATING)
            continue
        yield {
            side: [*turns, {"role": "assistant", "content": response}]
            for side, response in (("chosen", pair.chosen), ("rejected", pair.rejected))
        }


@dataclass(slots=True)
class _Score:
    """Columns of the pairs scored so far."""

    results: "array[int]" = field(default_factory=lambda: array("b"))
    raters: "array[int]" = field(default_factory=lambda: array("q"))
    stems: "array[int]" = field(default_factory=lambda: array("q"))
    ties: int = 0
    codes: tuple[dict[str, int], dict[str, int]] = field(default_factory=lambda: ({}, {}))

    def add(self, pair: PreferencePair, chosen: float, rejected: float) -> int:
        """Count a pair; return 1 if the chosen response scores higher, else 0."""
        result = int(chosen > rejected)
        self.results.append(result)
        self.ties += chosen == rejected
        self.raters.append(-1 if pair.rater is None else _code(self.codes[0], pair.rater))
        self.stems.append(_code(self.codes[1], short_id(pair.stem)))
        return result

    def accuracy(self) -> float:
        return sum(self.results) / len(self.results)

    def estimate(self) -> Estimate:
        """The accuracy, with errors over raters and stems."""
        rater_N, stem_N = (np.frombuffer(c, np.int64) for c in (self.raters, self.stems))
        nobody_N = rater_N < 0
        # A pair without a rater is clustered by its stem, numbered apart from the raters.
        cluster_N = np.where(nobody_N, len(self.codes[0]) + stem_N, rater_N)
        clusters = Clusters(
            cluster_N=cluster_N,
            person_N=~nobody_N,
            question_N=None if nobody_N.all() else stem_N,
        )
        credit_N = np.frombuffer(self.results, np.int8).astype(np.float64)
        one_group = np.zeros(len(credit_N), dtype=np.int64)
        return group_means(credit_N[:, None], one_group, clusters, bounds=(0.0, 1.0)).estimate(0)


def _code(codes: dict[str, int], id_: str) -> int:
    return codes.setdefault(id_, len(codes))


def _score_batch(
    model: SteerableRewardModel,
    steer: Steer | None,
    batch: Sequence[PreferencePair],
    score: _Score,
    file: TextIO,
) -> None:
    chosen, rejected = requests_of(batch)
    rewards = np.asarray(model.score([*chosen, *rejected], steer), dtype=np.float64).tolist()
    for pair, high, low in zip(batch, rewards[: len(batch)], rewards[len(batch) :], strict=True):
        if not (math.isfinite(high) and math.isfinite(low)):
            raise InvalidInput(f"the model gave rewards {high} and {low}", where=f"pair {pair.id}")
        file.write(json.dumps(_row(pair, score.add(pair, high, low), high, low)) + "\n")


def _row(pair: PreferencePair, result: int, chosen: float, rejected: float) -> Mapping[str, Any]:
    return {
        "prompt": prompt_text(pair.prompt),
        "results": result,
        "scores_chosen": chosen,
        "scores_rejected": rejected,
        "text_chosen": _full_text(pair.prompt, pair.chosen),
        "text_rejected": _full_text(pair.prompt, pair.rejected),
    }


def _summary(score: _Score, name: str) -> Mapping[str, Any]:
    return {
        "accuracy": score.accuracy(),
        "num_prompts": len(score.results),
        "model": name,
        "ref_model": None,
        "tokenizer": name,
        "chat_template": None,
        "extra_results": None,
    }


def _batches(pairs: Iterator[PreferencePair]) -> Iterator[list[PreferencePair]]:
    while batch := list(islice(pairs, _BATCH)):
        yield batch


def _turns(prompt: Prompt) -> tuple[Message, ...]:
    return (Message("user", prompt),) if isinstance(prompt, str) else prompt


def _full_text(prompt: Prompt, response: str) -> str:
    return prompt_text((*_turns(prompt), Message("assistant", response)))


def _alternating(prompt: Prompt) -> list[dict[str, str]] | None:
    """Turns in the order user, assistant, ..., user; None if they do not alternate."""
    turns: list[dict[str, str]] = []
    for message in _turns(prompt):
        role = "user" if message.role == "system" else message.role
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{message.content}"
        else:
            turns.append({"role": role, "content": message.content})
    wanted = [("user", "assistant")[i % 2] for i in range(len(turns))]
    return turns if len(turns) % 2 and [turn["role"] for turn in turns] == wanted else None


def _check_name(name: str) -> None:
    if not name or name.startswith(".") or any(c in name for c in "/\\\0"):
        raise InvalidInput(
            f"{name!r} cannot name a file",
            where="name",
            hint="use a plain name without slashes, such as uk-adaptive",
        )
