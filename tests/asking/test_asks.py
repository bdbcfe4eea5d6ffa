import re
from pathlib import Path

import numpy as np
import pytest

from pluralign.asking import (
    CultureTables,
    Putting,
    culture_tables,
    load_strategy,
    main_language,
    put,
    strategies,
)
from pluralign.core import AnswerDistribution, Ask, InvalidInput, Survey, SurveyQuestion, Tally
from pluralign.sources import ShareTable, read_neighbours, read_similarity

COUNTRIES = ("MEX", "NGA", "CHN", "USA", "DEU", "KEN")
RNG = np.random.default_rng(0)


def question(
    id_: str, ordered: bool | None = True, text: str = "Is it {good}?", n: int = 4
) -> SurveyQuestion:
    return SurveyQuestion(id_, text, tuple(f"Option {x}" for x in "abcdefgh"[:n]), ordered=ordered)


def survey_of(*questions: SurveyQuestion) -> Survey:
    shares = [
        AnswerDistribution(q.id, c, tuple(RNG.dirichlet(np.ones(len(q.options)))))
        for q in questions
        for c in COUNTRIES
    ]
    return Survey("test", {q.id: q for q in questions}, tuple(shares))


SURVEY = survey_of(*(question(f"Q{i}", text=f"Is number {i} good?") for i in range(8)))


def words(ask: Ask) -> str:
    return "\n".join(m.content for m in ask.conversation)


@pytest.mark.parametrize("name", strategies())
def test_no_place_stays_open_and_braces_of_a_question_survive(name: str) -> None:
    survey = survey_of(
        question("Q0"), *(question(f"Q{i}", text=f"Is {{number}} {i} good?") for i in range(1, 8))
    )
    asks = put(load_strategy(name), survey, ["MEX"], ["Q0"])
    assert len(asks) == 1
    assert "Is it {good}?" in words(asks[0])
    assert "1. Option a\n2. Option b" in words(asks[0])
    assert set(re.findall(r"\{.*?\}", words(asks[0]))) <= {"{good}", "{number}"}


def test_unaware_asks_once_for_all_and_aware_once_for_each() -> None:
    unaware, aware = (
        put(load_strategy(n), SURVEY, COUNTRIES) for n in ("culture_unaware", "culture_aware")
    )
    assert (len(unaware), len(aware)) == (8, 8 * 6)
    assert {ask.community for ask in unaware} == {None}
    assert "Mexico" in words(aware[0])
    assert len({ask.key for ask in unaware + aware}) == 8 * 7


def test_asks_of_one_question_stand_together() -> None:
    asked = [ask.question.id for ask in put(load_strategy("culture_aware"), SURVEY, COUNTRIES)]
    assert asked == sorted(asked)


def test_labels_give_the_position_and_the_order_gives_the_option() -> None:
    asks = put(
        load_strategy("culture_unaware"), SURVEY, COUNTRIES, ["Q0"], putting=Putting(orders=2)
    )
    assert [ask.order for ask in asks] == [(0, 1, 2, 3), (3, 2, 1, 0)]
    assert [ask.labels for ask in asks] == [("1", "2", "3", "4")] * 2
    assert "1. Option d" in words(asks[1])


def test_scales_are_turned_and_options_without_order_are_shuffled_by_the_seed() -> None:
    survey = survey_of(question("scale"), question("choice", ordered=False))
    asks = put(
        load_strategy("culture_unaware"), survey, COUNTRIES, putting=Putting(orders=5, seed=3)
    )
    by = {id_: [ask.order for ask in asks if ask.question.id == id_] for id_ in survey.questions}
    assert len(by["scale"]) == 2
    assert len(set(by["choice"])) == 5
    again = put(
        load_strategy("culture_unaware"), survey, COUNTRIES, putting=Putting(orders=5, seed=3)
    )
    assert [a.order for a in asks] == [a.order for a in again]


def test_numbering_is_by_the_surveys_codes_or_from_one() -> None:
    zero = Survey("z", {"Q0": SurveyQuestion("Q0", "?", ("No", "Yes"), ("0", "1"))}, ())
    codes, one = (
        put(load_strategy("culture_unaware"), zero, (), putting=Putting(n))[0]
        for n in ("codes", "one")
    )
    assert (codes.labels, one.labels) == (("0", "1"), ("1", "2"))


def test_wordings_and_draws_multiply_the_asks() -> None:
    asks = put(
        load_strategy("culture_aware"),
        SURVEY,
        ["MEX"],
        ["Q0"],
        putting=Putting(paraphrases=3, draws=2),
    )
    assert sorted((a.variant, a.draw) for a in asks) == [
        (v, d) for v in ("", "form", "interview") for d in (0, 1)
    ]
    with pytest.raises(InvalidInput):
        Putting(draws=0)


def test_cross_culture_thinking_names_the_nearest_and_the_farthest() -> None:
    alike = {"MEX": {"NGA": 3.0, "CHN": 2.0, "USA": 1.0, "DEU": 0.5, "KEN": 0.1}}
    ask = put(
        load_strategy("cross_culture_thinking"),
        SURVEY,
        ["MEX"],
        ["Q0"],
        cultures=CultureTables(similarity=alike),
    )[0]
    assert "Nigeria, China and the United States" in words(ask)
    assert "Kenya, Germany and the United States" in words(ask)


def test_self_alignment_shows_five_near_questions_with_these_peoples_most_common_answers() -> None:
    near = {"Q0": ("Q0", "Q3", "Q1", "Q2", "Q4", "Q5", "Q6")}
    ask = put(
        load_strategy("self_alignment"),
        SURVEY,
        ["MEX"],
        ["Q0"],
        cultures=CultureTables(neighbours=near),
    )[0]
    shown = words(ask)
    assert ask.shows_gold
    assert shown.count("Answer: ") == 5
    assert shown.count("Is number 0 good?") == 1
    assert "Is number 6 good?" not in shown
    gold = SURVEY.distribution("Q3", "MEX")
    assert gold is not None
    assert (
        "Is number 3 good?\n1. Option a\n2. Option b\n3. Option c\n4. Option d\nAnswer: "
        f"{gold.gold + 1}" in shown
    )


@pytest.mark.parametrize(
    ("community", "named"),
    [
        ("USA", "the United States"),
        ("NLD", "the Netherlands"),
        ("RUS", "the Russian Federation"),
        ("COD", "the Democratic Republic of the Congo"),
        ("MEX/oaxaca", "Oaxaca, Mexico"),
        ("CHN", "China"),
    ],
)
def test_a_culture_is_named_as_in_a_sentence(community: str, named: str) -> None:
    (ask,) = put(load_strategy("culture_aware"), SURVEY, [community], ["Q0"])
    assert f"a real person from {named}, and" in words(ask)


def test_alike_is_the_mean_similarity_over_the_questions_that_both_answered() -> None:
    first, second = question("Q1"), question("Q2", n=2)
    shares = {
        "MEX": ((1, 0, 0, 0), (0.5, 0.5)),
        "NGA": ((0, 0.5, 0, 0), (0.5, 0.5)),
        "CHN": ((0.2, 0, 0, 0), None),
    }
    found = [
        AnswerDistribution(q.id, community, own)
        for community, by in shares.items()
        for q, own in zip((first, second), by, strict=True)
        if own is not None
    ]
    alike = culture_tables(
        Survey("s", {"Q1": first, "Q2": second}, tuple(found)), CultureTables(), {"nearest"}
    )
    assert alike.similarity["MEX"] == pytest.approx({"NGA": 0.5, "CHN": 1})
    assert alike.similarity["CHN"] == pytest.approx({"MEX": 1, "NGA": 0})


def test_tables_that_are_given_are_kept() -> None:
    given = CultureTables({"MEX": {"NGA": 1.0}}, {"Q0": ("Q1",)})
    assert culture_tables(SURVEY, given, {"nearest", "farthest", "examples"}) == given


def test_a_culture_that_a_given_table_lacks_is_counted() -> None:
    tally = Tally()
    cultures = CultureTables(similarity={"NGA": {"CHN": 1.0, "USA": 0.5}})
    asks = put(
        load_strategy("cross_culture_thinking"),
        SURVEY,
        ["MEX", "NGA"],
        ["Q0"],
        cultures=cultures,
        tally=tally,
    )
    assert [ask.community for ask in asks] == ["NGA"]
    assert tally.dropped == {"no other cultures to compare MEX with": 1}


def test_missing_tables_are_computed_from_the_survey() -> None:
    tables = culture_tables(SURVEY, CultureTables(), {"nearest", "examples"})
    assert set(tables.similarity["MEX"]) == set(COUNTRIES) - {"MEX"}
    assert tables.similarity["MEX"]["NGA"] == tables.similarity["NGA"]["MEX"]
    assert "Q0" not in tables.neighbours["Q0"]


def test_examples_leave_out_what_these_people_were_not_asked() -> None:
    near = {"Q0": ("Q1", "Q9", "Q2")}
    some = Survey(
        "some", SURVEY.questions, tuple(d for d in SURVEY.distributions if d.question != "Q1")
    )
    ask = put(
        load_strategy("self_alignment"),
        some,
        ["MEX"],
        ["Q0"],
        cultures=CultureTables(neighbours=near),
    )[0]
    assert (words(ask).count("Answer: "), "Is number 2 good?" in words(ask)) == (1, True)


def test_questions_that_are_not_asked_are_counted() -> None:
    survey = survey_of(question("Q0"), question("one", n=1))
    tally = Tally()
    assert len(put(load_strategy("culture_aware"), survey, ["MEX"], tally=tally)) == 1
    assert tally.dropped == {"question with one option: one": 1}
    tally = Tally()
    nobody = Survey("n", survey.questions, ())
    assert put(load_strategy("self_alignment"), nobody, ["MEX"], ["Q0"], tally=tally) == []
    assert tally.dropped == {"no gold answers to show for MEX": 1}
    with pytest.raises(InvalidInput, match="no question 'Q9'"):
        put(load_strategy("culture_aware"), survey, ["MEX"], ["Q9"])


def test_linguistic_asks_in_the_main_language_and_counts_those_without_a_translation() -> None:
    tally = Tally()
    asks = put(
        load_strategy("linguistic"), SURVEY, ["MEX", "CHN", "USA", "JPN"], ["Q0"], tally=tally
    )
    assert [(ask.community, ask.language) for ask in asks] == [
        ("MEX", "es"),
        ("CHN", "zh"),
        ("USA", "en"),
    ]
    assert "Responda solo" in words(asks[0])
    assert tally.dropped == {"no translation for JPN (ja)": 1}
    assert main_language("BRA") == "pt"


@pytest.mark.shared
def test_culturespas_tables_are_read_and_every_strategy_can_be_put_to_the_real_survey(
    shared_data: Path,
) -> None:
    survey = ShareTable(shared_data / "wvs").survey()
    tables = CultureTables(
        read_similarity(shared_data / "wvs/country_similarity.json"),
        read_neighbours(shared_data / "wvs/self_alignment_examples.json"),
    )
    countries = [c for c in survey.communities if c != "MEX"]
    for name in strategies():
        tally = Tally()
        asks = put(
            load_strategy(name),
            survey,
            countries,
            ["Q1", "Q57", "Q119", "Q164"],
            cultures=tables,
            tally=tally,
        )
        per = len(asks) / (1 if name == "culture_unaware" else len(countries))
        assert per == 4 or (name == "linguistic" and per > 3), (name, tally)
