from typing import Any

import pytest

from pluralign.core import InvalidSettings, NotEnoughData
from pluralign.experiments import Plan, plan
from pluralign.settings import Settings

PEOPLE: dict[str, dict[str, int | None]] = {
    "GBR": {"pairs": 500, "raters": 40},
    "MEX": {"pairs": 300, "raters": 9},
    "NZL": {"pairs": 20, "raters": 15},
    "ZAF": {"pairs": 250, "raters": None},
    "~world": {"pairs": 900, "raters": 100},
}


def planned(**settings: Any) -> Plan:
    return plan(Settings.model_validate({"pairs": [{"source": "society"}], **settings}), PEOPLE)


def test_thin_communities_are_left_out_with_the_reason() -> None:
    found = planned(reference={"fit_on": ["~world"]})
    assert found.steered == ("GBR", "ZAF")
    assert found.left_out == {
        "MEX": "9 raters, 10 needed; to steer to it: --set min_raters=9",
        "NZL": "20 pairs, 200 needed; to steer to it: --set min_pairs=20",
    }


def test_communities_of_the_reference_are_not_steered_to_unless_named() -> None:
    assert planned(reference={"fit_on": ["~world", "GBR"]}).steered == ("ZAF",)
    found = planned(reference={"fit_on": ["~world", "GBR"]}, communities=["GBR"])
    assert (found.steered, found.spoken_for) == (("GBR",), ("~world", "GBR"))


def test_a_named_community_is_steered_to_however_thin() -> None:
    found = planned(communities=["NZL"], reference={"fit_on": ["~world"]})
    assert found.steered == ("NZL",)
    assert found.left_out == dict.fromkeys(("GBR", "MEX", "ZAF"), "not named in communities")


def test_a_pooled_reference_speaks_for_all_and_any_can_be_steered_to() -> None:
    for reference in ({}, {"fit_on": "pooled"}):
        found = planned(reference=reference)
        assert found.spoken_for == tuple(PEOPLE)
        assert found.steered == ("GBR", "ZAF", "~world")


def test_a_loaded_reference_has_no_community_of_the_data() -> None:
    found = planned(reference={"model": "somewhere"})
    assert (found.spoken_for, found.steered) == ((), ("GBR", "ZAF", "~world"))


def test_where_no_community_is_left_the_error_names_the_setting_to_lower() -> None:
    with pytest.raises(NotEnoughData, match="no community has 10,000 pairs") as caught:
        planned(min_pairs=10_000)
    assert "lower min_pairs" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"communities": ["MXE"]}, "communities"),
        ({"reference": {"fit_on": ["~wrold"]}}, "reference.fit_on"),
    ],
)
def test_a_community_without_pairs_is_named_with_near_ones(
    settings: dict[str, Any], where: str
) -> None:
    with pytest.raises(InvalidSettings, match="no pair belongs to") as caught:
        planned(**settings)
    assert caught.value.where == where
    assert "the data has" in str(caught.value.hint)
