import tracemalloc

import pytest

from pluralign.core import PreferencePair
from pluralign.evaluation import ceiling_rows


def vote(rater: str | None, first: bool, item: int = 0, community: str = "MEX") -> PreferencePair:
    a, b = ("Yes", "No") if first else ("No", "Yes")
    return PreferencePair(
        f"{community}/{rater}/{item}/{first}", f"Tea {item}?", a, b, community, rater=rater
    )


def test_people_of_one_mind_agree_fully_whichever_side_was_shown_first() -> None:
    pairs = [vote(f"r{i}", first=True, item=item) for i in range(6) for item in range(4)]
    (row,) = ceiling_rows(pairs)
    assert (row.metric, row.method, row.community) == ("human_agreement", "people", "MEX")
    assert (row.value, row.high, row.n, row.n_raters) == (1.0, 1.0, 4, 6)
    assert row.low < 1  # four items do not prove that people always agree


def test_planted_agreement_is_found() -> None:
    """Three of four prefer Yes: each of the three is predicted by the others, the fourth is not."""
    pairs = [vote(f"r{i}", first=i != item % 4, item=item) for i in range(4) for item in range(40)]
    (row,) = ceiling_rows(pairs)
    assert row.value == pytest.approx(0.75)


def test_communities_do_not_agree_for_each_other() -> None:
    pairs = [
        vote("ana", True),
        vote("eve", True),
        vote("ben", False, community="GBR"),
        vote("bob", False, 1, "GBR"),
    ]
    assert [row.community for row in ceiling_rows(pairs)] == ["MEX"]


def test_pairs_without_raters_do_not_count_for_agreement() -> None:
    assert not list(ceiling_rows([vote(None, True), vote(None, False)]))


def test_one_long_text_does_not_widen_all_others() -> None:
    pairs = [vote(f"r{i}", True, item) for i in range(10) for item in range(100)]
    pairs.append(PreferencePair("long", "x" * 100_000, "Yes", "No", "MEX", rater="r1"))
    tracemalloc.start()
    (row,) = ceiling_rows(pairs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (row.value, row.n) == (1.0, 100)
    assert peak < 10_000_000
