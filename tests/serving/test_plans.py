"""Whose taste a request asks for, and what is said of it."""

import json
from typing import Any

import pytest

from pluralign.core import InvalidInput, Steer, UnknownCommunity
from pluralign.rewards.remote.wire import ALL, BLEND, Steering
from pluralign.serving.plans import Planner

CARD = {
    "communities": ["GBR", "MEX", "MEX/oaxaca"],
    "people": {
        "GBR": {"raters": 50, "pairs": 900},
        "MEX": {"raters": 3, "pairs": 30},
        "MEX/oaxaca": {"raters": 25, "pairs": 100},
        "~world": {"raters": 900, "pairs": 9000},
    },
    "reference_fitted_on": ["~world", "GBR"],
}


@pytest.fixture
def planner() -> Planner:
    return Planner(CARD, ("GBR", "MEX", "MEX/oaxaca"))


def steering(**asked: Any) -> Steering:
    return Steering.model_validate(asked)


def test_all_is_every_community_in_the_order_of_the_model(planner: Planner) -> None:
    plan = planner.plan(steering())
    assert plan.keys == ("GBR", "MEX", "MEX/oaxaca")
    assert plan.steers == (Steer.to("GBR"), Steer.to("MEX"), Steer.to("MEX/oaxaca"))
    assert plan == planner.plan(steering(communities=ALL))


def test_a_model_without_a_steer_answers_by_its_reference() -> None:
    plan = Planner({}, ()).plan(steering())
    assert (plan.keys, plan.steers) == (("~world",), (None,))


def test_the_reference_is_no_steer_and_a_model_may_be_steered_to_the_world(
    planner: Planner,
) -> None:
    assert planner.plan(steering(communities="~world", strength=0.5)).steers == (None,)
    steered = Planner({}, ("~world",)).plan(steering(communities="World", strength=0.5))
    assert steered.steers == (Steer.to("~world", 0.5),)


@pytest.mark.parametrize(
    ("fitted_on", "name"),
    [(["USA"], "reference (United States)"), (["~world"], "reference (World)"), ([], "reference")],
)
def test_the_reference_has_the_name_of_those_it_was_fitted_on(
    fitted_on: list[str], name: str
) -> None:
    planner = Planner({"communities": ["MEX"], "reference_fitted_on": fitted_on}, ("MEX",))
    assert planner.plan(steering(communities="~world")).served[0].name == name
    answered = planner.plan(steering(communities="BRA", unknown="parent")).served[0]
    assert answered.name == "Brazil"
    assert f"{name} (~world) answers" in answered.warnings[0]
    own = Planner({"communities": ["~world"], "reference_fitted_on": fitted_on}, ("~world",))
    assert own.plan(steering(communities="~world")).served[0].name == "World"


def test_a_blend_is_one_steer_and_names_all_behind_it(planner: Planner) -> None:
    plan = planner.plan(steering(blend={"Mexico": 0.5, "MEX": 0.25, "~world": 0.25}, strength=2))
    assert plan.keys == (BLEND,)
    assert plan.steers == (Steer({"MEX": 0.75, "~world": 0.25}, 2.0),)
    assert {served.id for served in plan.served} == {"MEX", "~world"}


def test_a_plan_is_made_once(planner: Planner) -> None:
    asked = steering(communities=["MEX", "GBR"], strength=0.5)
    assert planner.plan(asked) is planner.plan(steering(communities=["MEX", "GBR"], strength=0.5))


def test_the_written_plan_lists_the_communities_served(planner: Planner) -> None:
    plan = planner.plan(steering(communities=["MEX", "GBR/london"], unknown="parent"))
    assert json.loads(plan.written) == [
        json.loads(served.model_dump_json()) for served in plan.served
    ]


@pytest.mark.parametrize(
    ("label", "answers"),
    [
        ("MEX/oaxaca/valles", "MEX/oaxaca"),
        ("MEX/jalisco", "MEX"),
        ("BRA", "~world"),
        ("Brazil", "~world"),
        ("~yoruba", "~world"),
    ],
)
def test_the_nearest_parent_answers(planner: Planner, label: str, answers: str) -> None:
    (served,) = planner.plan(steering(communities=label, unknown="parent")).served
    assert served.answered_by == answers
    assert served.warnings[0].startswith("parent: the model is not steered to")
    with pytest.raises(UnknownCommunity):
        planner.plan(steering(communities=label))


@pytest.mark.parametrize(
    ("label", "hint"),
    [
        ("Czechoslovakia", "write CZE (Czechia) or SVK (Slovakia)"),
        ("Korea", "write KOR (South Korea) or PRK (North Korea)"),
        ("NA", "for Namibia write NAM"),
        ("Mexcio", "did you mean MEX?"),
        ("Great Britian", "did you mean GBR?"),
        ("Moldova", "it knows GBR, MEX, MEX/oaxaca, ~world"),
    ],
)
def test_a_refusal_never_names_another_country(planner: Planner, label: str, hint: str) -> None:
    with pytest.raises(UnknownCommunity) as caught:
        planner.plan(steering(communities=label))
    assert hint in str(caught.value.hint)


def test_the_people_behind_a_parent_are_its_own(planner: Planner) -> None:
    (served,) = planner.plan(steering(communities="MEX/jalisco", unknown="parent")).served
    assert (served.id, served.name, served.raters, served.pairs) == (
        "MEX/jalisco",
        "Jalisco",
        3,
        30,
    )
    assert "thin: only 3 people stand behind it" in served.warnings


def test_the_people_of_the_reference_are_all_that_it_was_fitted_on(planner: Planner) -> None:
    (served,) = planner.plan(steering(communities="~world")).served
    assert (served.raters, served.pairs) == (950, 9900)


def test_a_similar_label_is_suggested_for_an_unknown_one(planner: Planner) -> None:
    with pytest.raises(UnknownCommunity) as caught:
        planner.plan(steering(communities=["GBR", "Mexcio"]))
    assert caught.value.hint == "did you mean MEX?"


@pytest.mark.parametrize(
    "blend", [{"GBR": 0.5}, {"GBR": 1.5, "MEX": -0.5}, {"GBR": float("nan")}, {"GBR": 1e999}]
)
def test_shares_that_do_not_sum_to_one_are_refused(
    planner: Planner, blend: dict[str, float]
) -> None:
    with pytest.raises(InvalidInput):
        planner.plan(steering(blend=blend))


def test_more_or_longer_names_than_there_can_be_are_refused(planner: Planner) -> None:
    for asked in (
        {"communities": ["GBR"] * 1001},
        {"communities": "a" * 201},
        {"blend": {f"~c{i}": 1 / 1001 for i in range(1001)}},
    ):
        with pytest.raises(InvalidInput):
            planner.plan(steering(**asked))
    many = tuple(f"~c{i}" for i in range(1500))
    assert len(Planner({}, many).plan(steering()).keys) == 1500
