import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import NotEnoughData, PairSource, PreferencePair, Tally
from pluralign.sources import JsonlPairs, load_pairs


@dataclass(frozen=True)
class Many:
    """As many pairs as wanted, each a little different."""

    n: int
    first: int = 0
    name: str = "many"
    license: str = "CC0"

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        tally = tally if tally is not None else Tally()
        for i in range(self.first, self.first + self.n):
            tally.read += 1
            tally.kept += 1
            yield PreferencePair(
                str(i), f"Question {i}?", "Yes " * 20, "No " * 20, "MEX", rater=str(i % 50)
            )


def test_everything_is_kept_in_order_below_the_limit() -> None:
    sources: list[PairSource] = [Many(5), Many(3, first=5)]
    loaded = load_pairs(sources, 8, seed=0)
    assert [p.id for p in loaded.pairs] == [str(i) for i in range(8)]
    assert loaded.source_N == (0, 0, 0, 0, 0, 1, 1, 1)
    assert [t.kept for t in loaded.tallies] == [5, 3]
    assert loaded.people() == {"MEX": {"pairs": 8, "raters": 8}}


def test_over_the_limit_a_seeded_sample_is_kept_and_the_rest_counted() -> None:
    found = [load_pairs([Many(300), Many(100, first=300)], 40, seed).pairs for seed in (1, 1, 2)]
    assert [p.id for p in found[0]] == [p.id for p in found[1]]
    assert [p.id for p in found[0]] != [p.id for p in found[2]]
    loaded = load_pairs([Many(300), Many(100, first=300)], 40, seed=1)
    tally = Tally()
    for part in loaded.tallies:
        tally.merge(part)
    assert (tally.read, tally.kept, tally.made, tally.left_out.total()) == (400, 400, 40, 360)
    assert [t.made for t in loaded.tallies] == [loaded.source_N.count(0), loaded.source_N.count(1)]
    assert "limit" in next(iter(tally.left_out))


def test_every_pair_has_the_same_chance_to_be_sampled() -> None:
    kept = [0] * 20
    for seed in range(600):
        for pair in load_pairs([Many(20)], 5, seed).pairs:
            kept[int(pair.id)] += 1
    assert all(110 <= k <= 190 for k in kept)  # 150 expected, standard deviation 10.6


def _peak_of_sampling(pairs: int) -> int:
    tracemalloc.start()
    load_pairs([Many(pairs)], 100, seed=0)
    return tracemalloc.get_traced_memory()[1]


@pytest.mark.slow
def test_memory_is_bounded_by_the_limit() -> None:
    # In a fresh process: after other tests, the table of shared texts grows by larger steps.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        peak = fresh.submit(_peak_of_sampling, 40_000).result(timeout=300)
    assert peak < 12_000_000  # 40,000 pairs take 25 MB


def test_ids_that_two_sources_share_stay_apart() -> None:
    loaded = load_pairs([Many(3), Many(3), Many(3)], 100, seed=0)
    assert [p.id for p in loaded.pairs] == ["0", "1", "2", "1:0", "1:1", "1:2", "2:0", "2:1", "2:2"]


def test_an_id_made_unique_is_not_made_equal_to_another(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    row = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"}
    a = write_rows(tmp_path / "a.jsonl", [row | {"id": "x"}, row | {"id": "1:x"}])
    b = write_rows(tmp_path / "b.jsonl", [row | {"id": "x"}])
    ids = [p.id for p in load_pairs([JsonlPairs(a), JsonlPairs(b)], 10, seed=0).pairs]
    assert len(set(ids)) == 3


def test_nothing_kept_is_an_error_with_its_reasons(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    row = {"prompt": "Tea?", "chosen": "Yes", "rejected": "Yes"}
    path = write_rows(tmp_path / "same.jsonl", [row, row])
    with pytest.raises(NotEnoughData, match="no pair that can be used") as caught:
        load_pairs([JsonlPairs(path)], 10, seed=0)
    assert caught.value.hint == "2 x chosen equals rejected"


def test_the_fingerprint_changes_with_any_fact(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    row: dict[str, Any] = {
        "id": "a",
        "prompt": "Tea?",
        "chosen": "Yes",
        "rejected": "No",
        "rater": "ana",
    }
    changes: list[dict[str, Any]] = [
        {}, {"id": "b"}, {"prompt": "Tea"}, {"chosen": "No", "rejected": "Yes"}, {"rater": "eve"},
        {"community": "MEX"}, {"weight": 2}, {"question": "drinks"}, {"stem": "drinks"},
    ]  # fmt: skip
    found = [
        load_pairs(
            [JsonlPairs(write_rows(tmp_path / "t.jsonl", [row | change]))], 9, seed=0
        ).fingerprint
        for change in changes
    ]
    assert len(set(found)) == len(changes)


def test_without_named_raters_no_raters_are_claimed(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    row = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "community": "MEX"}
    loaded = load_pairs([JsonlPairs(write_rows(tmp_path / "t.jsonl", [row, row]))], 10, seed=0)
    assert loaded.people() == {"MEX": {"pairs": 2, "raters": None}}


def test_items_of_a_battery_share_a_stem_where_answers_have_no_rater(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    items = ["family", "friends", "leisure time", "politics", "work"]
    texts = [f"How important is {item} in your life?" for item in items]
    rows = [{"prompt": q, "chosen": "Very", "rejected": "Not at all"} for q in texts]
    more = [rows[0] | {"rater": "ana"}, rows[0] | {"stem": "its own"}]
    file = write_rows(tmp_path / "a.jsonl", [*rows, *more])
    pairs = load_pairs([JsonlPairs(file)], 100, seed=0).pairs
    assert {p.stem for p in pairs[:5]} == {"how important is family in your life"}
    assert [p.stem for p in pairs[5:]] == [texts[0], "its own"]
