"""Pairs that a policy chose, for evaluation."""

import pytest

from pluralign.core import InvalidInput, PreferencePair
from pluralign.evaluation.asked_pairs import asked_pairs


def _pair(id_, reason="informative", propensity=0.5, community="MEX", rater="ana", **values):
    extra = {"reason": reason, "propensity": propensity}
    return PreferencePair(id_, "Tea?", "Yes", "No", community, rater=rater, extra=extra, **values)


def test_anchors_are_kept_as_they_are():
    pairs = [_pair("1"), _pair("2", "anchor", weight=3.0), _pair("3", "repeat")]
    assert asked_pairs(pairs, by="anchors") == [pairs[1]]


def test_rare_pairs_count_more_and_the_factors_have_mean_one_in_each_community():
    pairs = [
        _pair("1", propensity=0.1),
        _pair("2", propensity="0.5", rater="ben"),
        _pair("3", "repeat"),
        _pair("4", community="KEN", weight=2.0),
    ]
    weighted = asked_pairs(pairs, by="propensity")
    assert [pair.id for pair in weighted] == ["1", "2", "4"]
    assert [pair.weight for pair in weighted] == pytest.approx([10 / 6, 2 / 6, 2.0])


def test_a_pair_that_nobody_chose_by_a_policy_is_refused():
    plain = PreferencePair("1", "Tea?", "Yes", "No", "MEX")
    with pytest.raises(InvalidInput, match="extra has no reason"):
        asked_pairs([plain], by="propensity")


@pytest.mark.parametrize("wrong", [0, 1.5, "often", float("nan")])
def test_a_propensity_that_is_no_probability_is_refused(wrong):
    with pytest.raises(InvalidInput, match="pair 1: propensity must be > 0 and at most 1"):
        asked_pairs([_pair("1", propensity=wrong)], by="propensity")
