"""A split by survey: each survey is tested by a model that was trained on the others."""

import pytest

from pluralign.core import InvalidInput, NotEnoughData, PreferencePair
from pluralign.sources import Split, split_by_source


def answer(n: int, source: str | None, stem: str) -> PreferencePair:
    return PreferencePair(
        f"{source}-{n}", f"{stem} {n}", "Yes", "No", "GBR", stem=stem, source=source
    )


def three_surveys() -> list[PreferencePair]:
    return [answer(n, survey, f"{survey} asks") for survey in ("wvs", "gas", "ess") for n in (1, 2)]


def surveys_in(split: Split, pairs: list[PreferencePair]) -> set[str | None]:
    """Surveys of the test pairs."""
    return {pairs[i].source for i in split.test.tolist()}


def test_repeats_test_each_survey_in_turn_and_train_on_all_others() -> None:
    pairs = three_surveys()
    splits = [split_by_source(pairs, repeat) for repeat in range(4)]
    assert [surveys_in(split, pairs) for split in splits] == [{"ess"}, {"gas"}, {"wvs"}, {"ess"}]
    for split in splits:
        assert sorted([*split.train, *split.test]) == list(range(len(pairs)))
        assert not split.left_out


def test_the_order_of_the_pairs_does_not_change_which_survey_is_tested() -> None:
    pairs = three_surveys()
    assert surveys_in(split_by_source(pairs[::-1], 0), pairs[::-1]) == {"ess"}


def test_test_pairs_whose_stem_occurs_in_training_are_left_out_and_counted() -> None:
    pairs = [
        *three_surveys(),
        answer(3, "ess", "how much do you trust the police of this country"),
        answer(4, "wvs", "how much do you trust the courts of this country"),
    ]
    split = split_by_source(pairs, 0)
    assert split.left_out == {"test source, training stem": 1}
    assert 6 not in [*split.train, *split.test]
    assert 7 in split.train


def test_one_source_or_none_is_refused_with_its_name() -> None:
    with pytest.raises(NotEnoughData, match="fewer than two sources to split: wvs"):
        split_by_source([answer(1, "wvs", "a"), answer(2, "wvs", "b")], 0)


def test_a_pair_without_a_source_is_refused_by_its_id() -> None:
    with pytest.raises(InvalidInput, match="no source"):
        split_by_source([answer(1, "wvs", "a"), answer(2, None, "b")], 0)


def test_surveys_that_share_all_stems_leave_nothing_to_test() -> None:
    with pytest.raises(NotEnoughData, match="test side of a split by source"):
        split_by_source([answer(1, "wvs", "a"), answer(2, "gas", "a")], 0)
