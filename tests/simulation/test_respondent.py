from typing import Literal

import numpy as np
import pytest

from pluralign.asking import Putting, load_strategy, put
from pluralign.core import InvalidInput, UnknownCommunity, read_answer
from pluralign.simulation import SimulatedRespondent, SocietySurvey

SURVEY = SocietySurvey(questions=40).survey()
AWARE = put(load_strategy("culture_aware"), SURVEY, SURVEY.communities)
UNAWARE = put(load_strategy("culture_unaware"), SURVEY, SURVEY.communities)


def agreement(respondent: SimulatedRespondent, community: str) -> float:
    asks = [ask for ask in AWARE if ask.community == community]
    golds = [SURVEY.distribution(ask.question.id, community) for ask in asks]
    replies = respondent.answer(asks)
    return float(
        np.mean(
            [
                int(r.text) - 1 == g.gold
                for r, g in zip(replies, golds, strict=True)
                if g is not None
            ]
        )
    )


def test_full_knowledge_answers_as_the_people_and_no_knowledge_as_the_default_culture() -> None:
    knowing, unknowing = (SimulatedRespondent(SURVEY, "~river", knowledge=k) for k in (1.0, 0.0))
    assert agreement(knowing, "~hill") == 1
    assert agreement(unknowing, "~river") == 1
    assert agreement(unknowing, "~hill") < 0.5


def test_alignment_with_a_minority_rises_with_knowledge() -> None:
    rates = [
        agreement(SimulatedRespondent(SURVEY, "~river", knowledge=k), "~hill")
        for k in (0, 0.4, 0.7, 1)
    ]
    assert rates == sorted(rates)
    assert rates[0] < rates[-1]


def test_without_a_named_community_its_default_culture_answers() -> None:
    respondent = SimulatedRespondent(SURVEY, "~hill", knowledge=1.0)
    for ask, reply in zip(UNAWARE, respondent.answer(UNAWARE), strict=True):
        own = SURVEY.distribution(ask.question.id, "~hill")
        assert own is not None
        np.testing.assert_allclose(reply.probs_O, own.normalised(), atol=1e-6)


def test_full_flattening_makes_every_community_one() -> None:
    respondent = SimulatedRespondent(SURVEY, "~river", flattening=1.0)
    by_question: dict[str, set[str]] = {}
    for ask, reply in zip(AWARE, respondent.answer(AWARE), strict=True):
        by_question.setdefault(ask.question.id, set()).add(reply.text)
    assert {len(texts) for texts in by_question.values()} == {1}


def test_position_bias_pulls_to_the_first_position_in_any_order() -> None:
    asks = put(load_strategy("culture_unaware"), SURVEY, (), putting=Putting(orders=2))
    biased, fair = (
        SimulatedRespondent(SURVEY, "~river", position_bias=b).answer(asks) for b in (20.0, 0.0)
    )
    assert {reply.text for reply in biased} == {"1"}
    assert len({reply.text for reply in fair}) > 1


def test_it_refuses_as_often_as_planted_and_the_same_ask_gets_the_same_answer() -> None:
    respondent = SimulatedRespondent(SURVEY, "~river", refusal_rate=0.3)
    replies = respondent.answer(AWARE)
    assert 0.2 < np.mean([reply.probs_O is None for reply in replies]) < 0.4
    assert respondent.answer(AWARE[::-1])[::-1] == replies


def test_each_reply_is_reported_at_once_so_that_a_stop_loses_none() -> None:
    told: list[int] = []

    def heard(i: int, _: object) -> None:
        told.append(i)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SimulatedRespondent(SURVEY, "~river").answer(AWARE, heard)
    assert told == [0, 1, 2]


@pytest.mark.parametrize("form", ["plain", "option", "boxed"])
def test_its_words_are_read_as_the_option_it_means(
    form: Literal["plain", "option", "boxed"],
) -> None:
    asks = put(load_strategy("culture_aware"), SURVEY, ["~hill"], putting=Putting(orders=2))
    for ask, reply in zip(
        asks, SimulatedRespondent(SURVEY, "~river", form=form).answer(asks), strict=True
    ):
        assert reply.probs_O is not None
        assert read_answer(reply.text, ask.shown, ask.labels) == ask.order.index(
            int(np.argmax(reply.probs_O))
        )


def test_every_setting_changes_its_fingerprint() -> None:
    prints = {
        SimulatedRespondent(SURVEY, "~river", **more).fingerprint  # type: ignore[arg-type]
        for more in (
            {},
            {"knowledge": 0.5},
            {"flattening": 0.1},
            {"seed": 1},
            {"refusal_rate": 0.1},
            {"form": "boxed"},
        )
    }
    assert len(prints) == 6


def test_shares_out_of_range_and_unknown_cultures_are_refused() -> None:
    with pytest.raises(InvalidInput):
        SimulatedRespondent(SURVEY, "~river", knowledge=1.2)
    with pytest.raises(UnknownCommunity, match="~hill"):
        SimulatedRespondent(SURVEY, "MEX")
