"""Pairs whose responses are hard to distinguish: by their spelling, or as the trunk reads them."""

import unicodedata
from collections import Counter
from typing import Any

import numpy as np

from pluralign.core import BoolArray, PreferencePair
from pluralign.experiments.reward_record import RewardWork, seeds_of
from pluralign.experiments.splitting import split_pairs
from pluralign.rewards import EncodedPairs

SPELLING = "alike but for case, blanks or Unicode form"
_HEAD = 64
READ = "alike in what the trunk reads of them"


def count_alike(work: RewardWork, encoded: EncodedPairs | None) -> dict[str, Any]:
    """Count the pairs whose responses are hard to distinguish, and note them with the accuracy.

    They are kept: leaving them out would change whose choices are measured. Where the trunk reads
    both alike, no reward on it can prefer one: the pair teaches nothing, and its tie counts half.

    Args:
        work: The run; the note is added to it.
        encoded: The pairs as the trunk reads them; None where each repeat trains a reference of its
            own.

    Returns:
        For ``record.json``: pairs by reason; pairs that the trunk reads alike (``tied``), and how
        many of the test pairs of all repeats are among them.
    """
    pairs, settings = work.loaded.pairs, work.resolved.settings
    tied_N = _read_alike(work, encoded)
    reasons = Counter(filter(None, map(_reason, pairs, tied_N.tolist())))
    splits = [
        split_pairs(work.loaded, settings, work.resolved.sources, seed) for seed in seeds_of(work)
    ]
    test = np.unique(np.concatenate([split.test for split in splits]))
    tied, in_test = int(tied_N.sum()), int(tied_N[test].sum())
    if reasons:
        why = ", ".join(f"{n:,} {reason}" for reason, n in reasons.most_common())
        note = (
            f"the two responses of {reasons.total():,} of {len(pairs):,} pairs are nearly the same "
            f"({why})"
        )
        if tied:
            note += (
                f"; the trunk reads both responses of {tied:,} pairs alike, and no model on it can "
                f"prefer one of them: {in_test:,} of {len(test):,} test pairs count as half right"
            )
        work.notes.append(note)
        work.reporter.note(work.notes[-1])
    return {
        "pairs": dict(reasons),
        "tied": tied,
        "tied_test_pairs": in_test,
        "of_test_pairs": len(test),
    }


def _read_alike(work: RewardWork, encoded: EncodedPairs | None) -> BoolArray:
    if encoded is not None:
        return encoded.alike_N
    from pluralign.rewards.transformer.trunk import TransformerTrunk

    trunk = work.opened.trunk
    assert isinstance(trunk, TransformerTrunk)
    return trunk.alike(work.loaded.pairs)


def _reason(pair: PreferencePair, tied: bool) -> str | None:
    if _same_beginning(pair.chosen, pair.rejected) and _spelled(pair.chosen) == _spelled(
        pair.rejected
    ):
        return SPELLING
    return READ if tied else None


def _same_beginning(first: str, second: str) -> bool:
    """Whether the beginnings of two texts are spelled alike; they settle most texts that differ."""
    heads = _spelled(first[:_HEAD]), _spelled(second[:_HEAD])
    sure = max(0, min(map(len, heads)) - 2)  # what follows may change the last letter of a head
    return heads[0][:sure] == heads[1][:sure]


def _spelled(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
