import pytest

from pluralign.core import (
    AnySteer,
    InvalidInput,
    Steer,
    UnknownCommunity,
    as_steer,
    blend_of,
    known_community,
    read_steer,
    steer_to,
)


@pytest.mark.parametrize(
    ("label", "steer"),
    [
        ("MEX", Steer.to("MEX")),
        ("Mexico", Steer.to("MEX")),
        ("our people", Steer.to("our people")),
        ("~world", None),
    ],
)
def test_ids_and_names_are_understood(label: str, steer: Steer | None) -> None:
    assert steer_to(["MEX", "our people"], label) == steer


def test_the_world_is_a_community_where_the_model_has_it() -> None:
    assert steer_to(["MEX", "~world"], "~world", 0.5) == Steer.to("~world", 0.5)


def test_the_error_for_a_steer_lists_the_known_communities() -> None:
    with pytest.raises(UnknownCommunity) as caught:
        steer_to(["MEX"], "GBR", where="here")
    assert (caught.value.where, caught.value.hint) == ("here", "it knows MEX, ~world")


def test_the_nearest_name_is_suggested_for_a_misspelled_one() -> None:
    with pytest.raises(UnknownCommunity) as caught:
        known_community("Mexcio", ["MEX", "GBR"])
    assert caught.value.hint == "did you mean MEX?"


def test_shares_of_two_names_of_one_community_add_up() -> None:
    assert blend_of(["MEX", "GBR"], {"MEX": 0.3, "Mexico": 0.3, "GBR": 0.4}) == Steer(
        {"MEX": 0.6, "GBR": 0.4}
    )


@pytest.mark.parametrize(
    "words", [["MEX", "GBR=0.5"], ["MEX=x"], ["MEX=0.5", "GBR=0.6"], ["MEX=-1", "GBR=2"]]
)
def test_shares_that_are_missing_or_do_not_sum_to_one_are_refused(words: list[str]) -> None:
    with pytest.raises(InvalidInput):
        read_steer(["MEX", "GBR"], words)


@pytest.mark.parametrize(
    ("given", "steer"),
    [
        (None, None),
        ("MEX", Steer.to("MEX")),
        ("Mexico", Steer.to("MEX")),
        ("~world", None),
        ({"Mexico": 0.5, "MEX": 0.25, "~world": 0.25}, Steer({"MEX": 0.75, "~world": 0.25})),
        (Steer.to("MEX", strength=0.5), Steer.to("MEX", strength=0.5)),
    ],
)
def test_a_name_shares_and_a_steer_are_understood(given: AnySteer, steer: Steer | None) -> None:
    assert as_steer(given, ["GBR", "MEX"]) == steer


def test_a_steer_of_another_type_is_refused_with_what_to_write() -> None:
    with pytest.raises(InvalidInput, match="must be a community or shares of several, got int"):
        as_steer(3, ["MEX"])  # type: ignore[arg-type]


def test_a_model_steered_to_the_world_names_it_once() -> None:
    with pytest.raises(UnknownCommunity) as caught:
        as_steer("GBR", ["MEX", "~world"])
    assert caught.value.hint == "it knows MEX, ~world"
