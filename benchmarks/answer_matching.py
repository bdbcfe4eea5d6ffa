"""How often free answers are matched as people matched them: by words, stems, and within others.

Run: PLURALIGN_DATA=FOLDER python benchmarks/answer_matching.py

Takes about ten seconds on one core. BLEnD's annotators joined the ways in which people of a region
wrote one answer. Each way is left out once and matched with all others of its question:

* **stems** are right where only they match it, and with another way of the same answer. A language
  has stems (`pluralign.matching.STEMMED_LANGUAGES`) if nine in ten of them are right.
* **within** is right where it contains another way of the same answer; **stems within** counts what
  changes when the stems of an answer may contain those of a variant. They are not used.
* **collisions** are pairs of different answers to a question with one stem, of all such pairs that
  do not have one spelling already.

An answer that was written in one way only has no other: whatever it matches is wrong.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from pluralign.core import Estimate, KnowledgeQuestion
from pluralign.matching import stemmed
from pluralign.metrics import Clusters, Stems, group_means
from pluralign.metrics.answer_matching import Words, match_words, question_variants
from pluralign.sources import BlendKnowledge, read_knowledge

_ROW = "{:<10} {:<4} {:>8} {:>24} {:>24} {:>24} {:>16}"


@dataclass
class Matched:
    """How held-out ways of writing an answer were matched.

    Attributes:
        ways: Number of ways held out.
        right: Kind of match -> whether each is right, with the question.
        collisions: Pairs of different answers with one stem.
        pairs: Pairs of different answers without a spelling in common.
    """

    ways: int = 0
    right: dict[str, list[tuple[bool, str]]] = field(default_factory=lambda: defaultdict(list))
    collisions: int = 0
    pairs: int = 0

    def share(self, kind: str) -> Estimate:
        """The share of matches of a kind that are right, with an interval over questions."""
        values = np.array([[float(right)] for right, _ in self.right[kind]])
        clusters = Clusters(
            cluster_N=[question for _, question in self.right[kind]], person_N=False
        )
        return group_means(values, ["all"] * len(values), clusters, bounds=(0.0, 1.0)).estimate(0)


def held_out_matches(
    questions: Iterable[KnowledgeQuestion], language: str, stems: Stems
) -> Matched:
    """Match each way of writing an answer with the others of its question."""
    found = Matched()
    for question in questions:
        ways = sorted(set(question_variants(question, language)))
        spellings = Counter(words for words, _ in ways)
        for words, answer, others in _each_without(ways):
            if spellings[words] > 1:  # two answers have it, so no match is right or wrong
                continue
            found.ways += 1
            for kind, matched in _matches(words, others, question.weights, language, stems):
                found.right[kind].append((matched == answer, question.id))
        for first, second in combinations(range(len(question.answers)), 2):
            one = {words for words, answer in ways if answer == first}
            other = {words for words, answer in ways if answer == second}
            if one & other:
                continue
            found.pairs += 1
            found.collisions += bool(
                _stems_of(one, language, stems) & _stems_of(other, language, stems)
            )
    return found


def _each_without(
    ways: Sequence[tuple[Words, int]],
) -> Iterator[tuple[Words, int, list[tuple[Words, int]]]]:
    for k, (words, answer) in enumerate(ways):
        yield words, answer, [*ways[:k], *ways[k + 1 :]]


def _matches(
    words: Words,
    others: Sequence[tuple[Words, int]],
    weights: Sequence[int],
    language: str,
    stems: Stems,
) -> Iterator[tuple[str, int | None]]:
    """Each kind of match that these words have, with the answer matched."""
    match = match_words(words, others, weights, language, stems)
    if match is not None and match.kind == "stemmed":
        yield "stems", match.answer
        return
    if match is not None:
        yield "within", match.answer
    other_stems = [(stems(variant, language), answer) for variant, answer in others]
    within = match_words(stems(words, language), other_stems, weights)
    if within is not None and (match is None or within.answer != match.answer):
        yield "stems within", within.answer


def _stems_of(ways: Iterable[Words], language: str, stems: Stems) -> set[Words]:
    return {stems(words, language) for words in ways}


def main() -> None:
    """Print a row for each region and language of BLEnD."""
    test = read_knowledge(BlendKnowledge(Path(os.environ["PLURALIGN_DATA"]) / "blend"))
    print(
        _ROW.format(
            "region",
            "",
            "answers",
            "stems right, %",
            "within right, %",
            "stems within",
            "collisions",
        )
    )
    for community in test.communities:
        questions = test.of(community)
        for language in dict.fromkeys((questions[0].language, "en")):
            found = held_out_matches(questions, language, stemmed)
            shares = [_shown(found, kind) for kind in ("stems", "within", "stems within")]
            collisions = f"{found.collisions} of {found.pairs:,}"
            print(_ROW.format(community, language, f"{found.ways:,}", *shares, collisions))


def _shown(found: Matched, kind: str) -> str:
    if not found.right[kind]:
        return "-"
    share = found.share(kind)
    low, high = (f"{100 * end:.0f}" if end is not None else "?" for end in (share.low, share.high))
    return f"{100 * share.value:.0f} [{low}, {high}] of {len(found.right[kind])}"


if __name__ == "__main__":
    main()
