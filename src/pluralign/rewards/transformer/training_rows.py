"""Weighted pairs, and how they become the rows of a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import FloatArray, NotEnoughData, PreferencePair, requests_of
from pluralign.huggingface.processes import process_count
from pluralign.huggingface.watch import Watch
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.tokenized_texts import TextForm, Tokens, tokenise


@dataclass(frozen=True, slots=True)
class WeightedPairs:
    """Pairs and how much each counts.

    Attributes:
        pairs: N pairs.
        weight_N: Weights >= 0, shape (N,); pairs of weight 0 are left out.
    """

    pairs: Sequence[PreferencePair]
    weight_N: FloatArray

    def __post_init__(self) -> None:
        if len(self.pairs) != len(self.weight_N):
            raise ValueError(f"{len(self.pairs)} pairs and {len(self.weight_N)} weights")

    def counted(self) -> "WeightedPairs":
        """The pairs that count."""
        kept = np.flatnonzero(self.weight_N > 0)
        return WeightedPairs([self.pairs[i] for i in kept.tolist()], self.weight_N[kept])


def rows_of(
    backbone: Backbone, form: TextForm, data: WeightedPairs, watch: Watch
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The pairs as rows of a data set, tokenised, and how many were cut or dropped."""
    requests = list(dict.fromkeys(r for side in requests_of(data.pairs) for r in side))
    tokens_of = dict(zip(requests, tokenise(backbone.tokenizer, requests, form), strict=True))
    chosen, rejected = requests_of(data.pairs)
    turns: dict[tuple[object, object], int] = {}
    rows, cut = [], 0
    for i, pair in enumerate(data.pairs):
        a, b = tokens_of[chosen[i]], tokens_of[rejected[i]]
        cut += a.cut or b.cut
        if form.overlong == "drop" and (a.cut or b.cut):
            continue
        turn = turns.setdefault((pair.rater, pair.prompt), len(turns))
        counts = {"weight": float(data.weight_N[i]), "flip": pair.flip}
        rows.append(_row(i, pair.community, counts, turn, a, b))
    dropped = len(data.pairs) - len(rows)
    if cut:
        what = "were left out" if dropped else "were cut"
        watch.note(
            f"{cut:,} of {len(data.pairs):,} pairs are longer than {form.max_length} tokens "
            f"and {what}"
        )
    if not rows:
        raise NotEnoughData(
            f"every pair is longer than {form.max_length} tokens", hint="raise trunk.max_length"
        )
    return rows, {"pairs_cut": cut - dropped, "pairs_dropped_as_too_long": dropped}


def _row(
    number: int, community: str, counts: dict[str, float], turn: int, a: Tokens, b: Tokens
) -> dict[str, Any]:
    row: dict[str, Any] = {"chosen_ids": list(a.ids), "rejected_ids": list(b.ids)}
    if a.types is not None and b.types is not None:
        row |= {"chosen_types": list(a.types), "rejected_types": list(b.types)}
    length = max(len(a), len(b))
    return row | {
        **counts,
        "community": community,
        "turn": turn,
        "length": length,
        "row": number,
    }


def blank_rows(rows: list[dict[str, Any]], batch: int) -> list[dict[str, Any]]:
    """Rows that do not count and fill the last batch, so that processes share it evenly."""
    return (
        [rows[0] | {"weight": 0.0, "row": -1}] * (-len(rows) % batch)
        if rows and process_count() > 1
        else []
    )
