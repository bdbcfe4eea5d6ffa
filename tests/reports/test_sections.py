"""Each part of a page shows what the run holds, in an order that can be told, and says why where it is empty."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pycountry
import pytest
from tests.reports.folders import (
    finding_row,
    people_row,
    reward_row,
    survey_row,
    write_audit,
    write_lines,
    write_rewards,
    write_survey,
)

from pluralign.languages import Speech
from pluralign.reports import Run, html_of, page_of, read_run, sections
from pluralign.reports.data import Figure, Section, Table
from pluralign.reports.summary import about_community, summary

EN = Speech()
OWN = {"MEX": 0.6, "~hill": 0.7, "EGY": 0.55, "SGP": 0.8}
AWARE, UNAWARE = "culture_aware", "culture_unaware"
SCORES = {("m", AWARE): {"MEX": 60.0, "EGY": 70.0}, ("n", AWARE): {"MEX": 50.0, "EGY": 40.0}}
Part = Callable[[Sequence[Run], Speech], Section]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with all there can be."""
    folder = write_rewards(tmp_path / "run", OWN, others=["KEN", "~world"], matrix=True)
    write_audit(folder / "audit", [finding_row("MEX")], [people_row(c) for c in (*OWN, "KEN")])
    return read_run(folder)


def cells(table: Table, key: str) -> list[str]:
    column = next(c for c in table.columns if c.key == key)
    return [column.text(row) for row in table.rows]


def only(found: Section) -> Figure:
    assert len(found.figures) == 1
    return found.figures[0]


def drawn(spec: Any, key: str) -> list[dict[str, Any]]:
    """Rows of data in a chart that have a key, each once."""
    found = []
    if isinstance(spec, dict):
        found += [spec] if key in spec and "name" in spec else []
        found += [row for part in spec.values() for row in drawn(part, key)]
    if isinstance(spec, list):
        found += [row for part in spec for row in drawn(part, key)]
    return list({str(row): row for row in found}.values())


# Served.


def test_the_worst_served_come_first(run: Run) -> None:
    figure = only(sections.served([run], EN))
    assert cells(figure.table, "community") == ["Egypt", "Mexico", EN.place("~hill"), "Singapore"]
    assert cells(figure.table, "value") == ["55.0%", "60.0%", "70.0%", "80.0%"]
    assert cells(figure.table, "low")[0] == "50.0% to 60.0%"
    assert figure.about.startswith(
        "Egypt is served worst: 55.0% [50.0% to 60.0%]. Singapore is served best: 80.0%"
    )
    assert "tick marks the model that steering starts from" in figure.about


def test_what_a_page_says_first_names_the_worst_and_the_best(run: Run) -> None:
    told = summary([run], EN)
    assert "600 choices of 120 people" in told[0]
    assert told[0].endswith("was steered to: 4.")
    assert told[1].startswith("By scpo, Egypt is served worst (55.0%")
    assert told[2].startswith(
        "tastes does not steer to 2 of the 6 communities in its data: Kenya (pairs: 100"
    )
    assert (
        "Audits found: risks 1, concerns 0. Checks that could not be made for lack of evidence: 1 of 2."
        in told[3]
    )
    assert "not to a whole people" in told[-1]


def test_communities_served_alike_keep_one_order(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", {"MEX": 0.6, "EGY": 0.6, "BRA": 0.6}))
    assert cells(only(sections.served([run], EN)).table, "community") == [
        "Brazil",
        "Egypt",
        "Mexico",
    ]


def test_a_method_chosen_speaks(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN), "reference")
    figure = only(sections.served([run], EN))
    assert cells(figure.table, "who") == ["reference"] * 4
    assert "tick" not in figure.about


def test_a_community_of_few_people_is_shown_and_is_never_named_the_worst(tmp_path: Path) -> None:
    run = read_run(
        write_rewards(tmp_path / "run", OWN | {"BRA": 0.1, "KEN": 0.9}, people={"BRA": 4, "KEN": 1})
    )
    figure = only(sections.served([run], EN))
    assert cells(figure.table, "community")[-2:] == ["Brazil", "Kenya"]
    assert cells(figure.table, "n_raters")[-2:] == ["4", "1"]
    assert "Not ranked, because fewer than 5 people were tested: Brazil; Kenya." in summary(
        [run], EN
    )
    for told in (figure.about, summary([run], EN)[1]):
        assert "Egypt is served worst" in told
        assert "Singapore" in told
        assert "Brazil" not in told


@pytest.mark.parametrize(("people", "named"), [({"BRA": 4, "KEN": 3}, 2), ({"BRA": 4}, 1)])
def test_where_too_few_have_enough_people_nobody_is_named_the_worst(
    tmp_path: Path, people: dict[str, int | None], named: int
) -> None:
    run = read_run(write_rewards(tmp_path / "run", {"BRA": 0.5, "KEN": 0.6}, people=people))
    told = " ".join([*summary([run], EN), only(sections.served([run], EN)).about])
    assert "worst" not in told
    assert told.count("serves") == named


def test_a_number_without_an_interval_is_shown_without_one(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN | {"BRA": 0.5}, people={"BRA": 1}))
    figure = only(sections.served([run], EN))
    assert "–" in cells(figure.table, "low")
    assert [
        (r["low"], r["high"]) for r in drawn(figure.spec, "low") if r["community"] == "BRA"
    ] == [(0.5, 0.5)]


def test_a_number_without_people_says_what_it_was_measured_on(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN, people=dict.fromkeys(OWN)))
    table = only(sections.served([run], EN)).table
    assert cells(table, "n_raters") == ["–"] * 4
    assert cells(table, "n") == ["200"] * 4
    assert "how many people gave them is not known" in summary([run], EN)[0]


def test_choices_of_people_and_shares_of_answers_are_counted_apart(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN, people={"MEX": None, "EGY": None}))
    known, unknown = summary([run], EN)[:2]
    assert "200 choices of 40 people" in known
    assert "200 choices read from published shares" in unknown


def test_a_single_community_is_told_without_a_comparison(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", {"GBR": 0.6}, others=["~world"]))
    told = " ".join([*summary([run], EN), only(sections.served([run], EN)).about])
    assert "scpo serves United Kingdom like this: 60.0% [55.0% to 65.0%]." in told
    assert "worst" not in told


def test_models_that_answer_are_all_in_the_table_and_the_nearest_is_drawn(tmp_path: Path) -> None:
    found = sections.served([read_run(write_survey(tmp_path / "run", SCORES))], EN)
    figure = only(found)
    assert cells(figure.table, "who") == ["m · culture_aware"] * 2
    assert cells(figure.table, "value") == ["60.0", "70.0"]
    assert cells(found.tables[0], "who") == ["m · culture_aware"] * 2 + ["n · culture_aware"] * 2
    assert cells(found.tables[0], "community") == ["Mexico", "Egypt", "Egypt", "Mexico"]


def test_one_community_hears_how_it_is_served(run: Run) -> None:
    told = about_community([run], "MEX", EN)
    assert told[0] == "scpo (tastes): 60.0% [55.0% to 65.0%]; 1 of 4 communities are served worse."
    assert about_community([run], "KEN", EN)[0] == "Nothing was measured for the people of Kenya."
    assert about_community([run], "KEN", EN)[1].startswith(
        "tastes does not steer to Kenya (pairs: 100"
    )


# The map.


def test_the_map_has_countries_small_states_as_dots_and_hatches_whom_nothing_was_measured_for(
    run: Run,
) -> None:
    figure = only(sections.world([run], EN))
    rows = drawn(figure.spec, "community")
    measured = {r["community"]: r for r in rows if "value" in r}
    assert {r["community"] for r in figure.table.rows if r["who"] == "scpo"} == {
        "EGY",
        "MEX",
        "SGP",
    }
    assert set(measured) == {"EGY", "MEX", "SGP"}
    assert {r["community"] for r in rows if "value" not in r} == {"KEN"}
    assert {c for c, r in measured.items() if "x" in r} == {"SGP"}
    assert "Countries with a number: 3" in figure.about


def test_a_small_state_without_a_number_is_hatched_as_a_dot(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", {"MEX": 0.6}, others=["SGP"]))
    hatched = [
        r for r in drawn(only(sections.world([run], EN)).spec, "community") if "value" not in r
    ]
    assert {(r["community"], round(r["x"]), round(r["y"])) for r in hatched} == {("SGP", 104, 1)}


def test_a_country_is_hatched_for_whoever_was_not_asked_to_speak_for_it(tmp_path: Path) -> None:
    run = read_run(
        write_survey(
            tmp_path / "run",
            {("wide", "aware"): {"MEX": 60.0, "EGY": 50.0}, ("narrow", "aware"): {"MEX": 55.0}},
        )
    )
    hatched = [
        r for r in drawn(only(sections.world([run], EN)).spec, "community") if "value" not in r
    ]
    assert [(r["who"].partition(" ")[0], r["community"]) for r in hatched] == [("narrow", "EGY")]


@pytest.mark.parametrize("own", [{"~hill": 0.6, "~coast": 0.7}, {"MEX/oaxaca": 0.6}])
def test_a_run_without_countries_says_why_there_is_no_map(
    tmp_path: Path, own: dict[str, float]
) -> None:
    found = sections.world([read_run(write_rewards(tmp_path / "run", own))], EN)
    assert (found.figures, found.paragraphs) == ([], [])
    assert (
        found.empty
        == "No community measured here is a country, so there is nothing to put on a map."
    )


def test_the_map_of_two_runs_is_two_maps(tmp_path: Path) -> None:
    runs = [
        read_run(write_rewards(tmp_path / "a", OWN)),
        read_run(write_survey(tmp_path / "b", SCORES)),
    ]
    assert [f.name for f in sections.world(runs, EN).figures] == ["map", "map-1"]


# What there is nothing of.

EMPTY = [
    (sections.served, "No run here measured how well communities are served."),
    (
        sections.world,
        "No community measured here is a country, so there is nothing to put on a map.",
    ),
    (sections.findings, "No audit was made: run `pluralign audit` on the folder first."),
    (sections.steers, "No run here steered a model to several communities."),
    (sections.contested, "No run of reward models is among these folders."),
    (sections.learning, "No run here drew learning curves: set fractions under [curves]."),
    (sections.models, "No language model answered for two communities or more here."),
    (sections.participation, "Nothing is recorded of the people behind these runs."),
    (sections.not_assessed, "No audit was made: run `pluralign audit` on the folder first."),
    (sections.dropped, "Nothing is recorded of rows that were dropped."),
]


@pytest.mark.parametrize(("part", "why"), EMPTY)
def test_without_a_run_every_part_says_why_it_is_empty(part: Part, why: str) -> None:
    found = part([], EN)
    assert found.empty == why
    assert not [*found.paragraphs, *found.figures, *found.tables, *found.claims]


def _empty(runs: Sequence[Run]) -> set[str]:
    page = page_of(runs, EN)
    for part in page.sections:
        filled = [*part.figures, *part.tables, *part.claims]
        assert bool(filled) == (part.empty is None), f"{part.id} shows nothing, and says nothing"
    return {part.id for part in page.sections if part.empty is not None}


def test_a_run_with_all_there_can_be_lacks_language_models_only(run: Run) -> None:
    assert _empty([run]) == {"models"}


def test_a_run_of_one_community_without_curves_says_what_it_lacks(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", {"~hill": 0.6}, curve=False))
    assert _empty([run]) == {"world", "findings", "curves", "models", "checks"}


def test_a_survey_of_one_community_says_what_it_lacks(tmp_path: Path) -> None:
    run = read_run(write_survey(tmp_path / "run", {("m", AWARE): {"MEX": 60.0}}))
    assert _empty([run]) == {
        "findings",
        "steers",
        "contested",
        "curves",
        "models",
        "people",
        "checks",
    }


def test_a_survey_that_named_nobody_serves_nobody(tmp_path: Path) -> None:
    run = read_run(write_survey(tmp_path / "run", {("m", UNAWARE): {"MEX": 60.0, "EGY": 70.0}}))
    assert {"served", "world", "models"} <= _empty([run])
    assert summary([run], EN)[0] == "The evidence was not audited for cultural risks."


def test_an_audit_alone_says_what_it_lacks(tmp_path: Path) -> None:
    run = read_run(write_audit(tmp_path / "audit", [finding_row()], [people_row("MEX")]))
    assert _empty([run]) == {"served", "world", "steers", "contested", "curves", "models"}


def test_an_audit_that_found_nothing_says_so(tmp_path: Path) -> None:
    run = read_run(write_audit(tmp_path / "audit"))
    assert sections.findings([run], EN).empty == "Nothing was found beyond a threshold."


def test_a_run_without_contested_pairs_says_so(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN, contested=False))
    assert sections.contested([run], EN).empty == "No contested pairs were measured here."


def test_steers_without_the_model_they_start_from_say_so(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    write_lines(folder / "results.jsonl", [reward_row("scpo", c, c, 0.6) for c in OWN])
    assert "name `reference` among the methods" in str(
        sections.steers([read_run(folder)], EN).empty
    )


def test_what_is_simulated_is_called_simulated(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    assert not any("simulated" in text for text in summary([read_run(folder)], EN))
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    [source] = record["data"]["sources"]
    for licenses, said in (
        (["CC0-1.0 (simulated)"], "The people of tastes are simulated: nobody was asked."),
        (["CC0-1.0", "CC0-1.0 (simulated)"], "Some of the people of tastes are simulated."),
    ):
        record["data"]["sources"] = [source | {"license": terms} for terms in licenses]
        (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
        assert said in summary([read_run(folder)], EN)
        assert said in about_community([read_run(folder)], "MEX", EN)


def test_a_run_without_test_pairs_of_those_it_steers_to_shows_no_one_served(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN, others=["~world"])
    write_lines(folder / "results.jsonl", [reward_row("reference", None, "~world", 0.6)])
    assert {"served", "world", "steers"} <= _empty([read_run(folder)])


# Five hundred communities.

COUNTRIES = [country.alpha_3 for country in pycountry.countries]
MANY = {
    c: 0.4 + k / 1000
    for k, c in enumerate([*COUNTRIES, *(f"~people-{k}" for k in range(500 - len(COUNTRIES)))])
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = write_rewards(tmp_path_factory.mktemp("many"), MANY)
    found = [finding_row(c, "risk" if k % 2 else "concern") for k, c in enumerate(MANY)]
    write_audit(folder / "audit", found, [people_row(c) for c in MANY])
    return read_run(folder)


@pytest.mark.slow
def test_five_hundred_communities_fit_a_page(many: Run) -> None:
    html = html_of(page_of([many], EN))
    assert len(html.encode()) < 5_000_000
    assert "200 of 500 rows are shown" in html
    assert "The first 40 of 500 are shown." in html
    assert html.count('<article class="claim') == 40
    assert html.count("<tr>") < 3000


def test_what_five_hundred_communities_leave_out_is_counted(many: Run) -> None:
    figure = only(sections.served([many], EN))
    assert len(drawn(figure.spec, "low")) == 40
    assert "The chart shows the first 40; the table shows more." in figure.about
    assert (len(figure.table.shown), len(figure.table.rows)) == (200, 500)
    assert [r["community"] for r in figure.table.rows] == list(MANY)


# Steers.


def test_a_steer_is_told_against_the_model_it_starts_from(run: Run) -> None:
    figure = only(sections.steers([run], EN))
    told = {(r["steer"], r["community"]): round(r["points"], 6) for r in figure.table.rows}
    assert told == {
        (s, c): -5 if s != c else round(100 * (OWN[c] - 0.5), 6) for s in OWN for c in OWN
    }
    assert "changes" in figure.about
    assert "by -5.0 points" in figure.about


def test_the_largest_loss_is_one_of_enough_people(tmp_path: Path) -> None:
    losses = {"MEX": 0.3, "EGY": 0.1}
    run = read_run(write_rewards(tmp_path / "run", losses, matrix=True, people={"EGY": 4}))
    assert "changes Mexico by -20.0 points" in only(sections.steers([run], EN)).about
    alone = read_run(
        write_rewards(tmp_path / "few", losses, matrix=True, people={"MEX": 1, "EGY": 4})
    )
    assert "largest loss" not in only(sections.steers([alone], EN)).about


def test_a_large_matrix_shows_the_worst_served_and_says_so(tmp_path: Path) -> None:
    own = {f"~people-{k}": 0.5 + k / 100 for k in range(45)}
    run = read_run(write_rewards(tmp_path / "run", own, matrix=True, contested=False))
    figure = only(sections.steers([run], EN))
    assert len(drawn(figure.spec, "points")) == 40 * 40
    assert len(figure.table.rows) == 45 * 45
    assert "The chart shows the first 40" in figure.about
    assert {r["steer_name"] for r in drawn(figure.spec, "points")} == {
        EN.place(c) for c in list(own)[:40]
    }


# Contested pairs, curves, models.


def test_contested_pairs_stand_against_all(run: Run) -> None:
    table = only(sections.contested([run], EN)).table
    assert cells(table, "name") == ["reference", "scpo"]
    assert cells(table, "contested_value") == ["30.0%"] * 2
    assert cells(table, "value") == ["60.0%"] * 2
    assert cells(table, "contested_low") == ["25.0% to 35.0%"] * 2


def test_a_curve_has_a_point_for_every_size(run: Run) -> None:
    table = only(sections.learning([run], EN)).table
    assert cells(table, "train_pairs") == ["10", "50", "100"]
    assert cells(table, "value") == ["51.0%", "55.0%", "60.0%"]


def test_a_curve_without_intervals_is_a_curve(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    more = {"by": "pairs", "repeats": 1}
    points = [
        reward_row("scpo", "own", None, 0.6, people=1, fraction=f, train_pairs=int(100 * f), **more)
        for f in (0.1, 1.0)
    ]
    write_lines(folder / "studies" / "curve-pairs.jsonl", points)
    figure = only(sections.learning([read_run(folder)], EN))
    assert cells(figure.table, "low") == ["–", "–"]
    assert {(r["low"], r["high"]) for r in drawn(figure.spec, "low")} == {(0.6, 0.6)}


def test_curves_over_raters_are_no_curves_over_pairs(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN, curve=False)
    rows = [
        reward_row("full", "own", None, 0.6, by="raters", fraction=f, train_pairs=int(f * 9))
        for f in (0.5, 1.0)
    ]
    write_lines(folder / "studies" / "curve-raters.jsonl", rows)
    assert sections.learning([read_run(folder)], EN).empty is not None


def test_models_stand_beside_the_people_they_answer_for(tmp_path: Path) -> None:
    figure = only(sections.models([read_run(write_survey(tmp_path / "run", SCORES))], EN))
    assert cells(figure.table, "name") == ["m · culture_aware", "n · culture_aware"]
    assert cells(figure.table, "value") == ["65.0", "45.0"]
    assert cells(figure.table, "diversity_value") == ["20.0", "20.0"]
    assert cells(figure.table, "of_people") == ["30.0 [25.0 to 35.0]"] * 2
    assert "2 of 2 models make communities more alike than they are." in figure.about


# Findings, checks, people, rows.


def test_findings_come_gravest_first_and_notes_in_the_table_only(tmp_path: Path) -> None:
    rows = [finding_row(c, s) for c, s in (("MEX", "note"), ("EGY", "concern"), ("BRA", "risk"))]
    found = sections.findings([read_run(write_audit(tmp_path / "a", rows))], EN)
    assert [c.severity for c in found.claims] == ["risk", "concern"]
    assert cells(found.tables[0], "severity") == ["Risk", "Concern", "Note"]
    assert cells(found.tables[0], "low") == ["–"] * 3
    assert found.claims[0].text == "Only 7 people took part for Brazil, in 900 pairs."
    assert ("raters", "7.0 · measured on 900 · 7 people") in found.claims[0].lines


def test_one_community_sees_its_own_findings_only(run: Run) -> None:
    assert [c.text for c in sections.findings([run], EN, "MEX").claims] == [
        str(run.findings[0].claim)
    ]
    assert sections.findings([run], EN, "EGY").empty == "Nothing was found beyond a threshold."


def test_a_check_that_was_not_made_says_why(tmp_path: Path) -> None:
    reasons = [f"reason {k}" for k in range(5)]
    table = sections.not_assessed(
        [read_run(write_audit(tmp_path / "a", reasons=reasons))], EN
    ).tables[0]
    assert cells(table, "status") == ["a concern or a risk", "not assessed"]
    assert cells(table, "reasons") == ["–", "reason 0; reason 1; reason 2 (+ 2)"]


def test_groups_are_told_with_their_people(tmp_path: Path) -> None:
    people = [people_row("MEX", groups={"gender": {"women": 30, "men": 20}, "age": {"fewer": 50}})]
    table = sections.participation(
        [read_run(write_audit(tmp_path / "a", people=people))], EN
    ).tables[0]
    assert cells(table, "groups") == ["gender: women 30, men 20; age: others 50"]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"women": 30, "men": 20, "other": 2}, "gender: women 30, others 22"),
        ({"women": 30, "men": 2}, "gender: others 32"),
        ({"women": 30, "fewer": 22}, "gender: women 30, others 22"),
        ({"women": 30, "x": 4, "y": 4, "fewer": 6}, "gender: women 30, others 14"),
        ({"women": 30, "x": 3, "fewer": 2}, "gender: women 30, others 5"),
        ({"women": 30, "fewer": 2}, "gender: others 32"),
        ({"women": 3}, "–"),
        ({"women": 2, "men": 1, "fewer": 1}, "–"),
        ({}, "–"),
    ],
)
def test_small_groups_are_never_told_whatever_the_audit_let_through(
    tmp_path: Path, told: dict[str, int], shown: str
) -> None:
    run = read_run(write_audit(tmp_path / "a", people=[people_row("MEX", groups={"gender": told})]))
    assert cells(sections.participation([run], EN).tables[0], "groups") == [shown]


def test_people_who_are_not_known_by_number_are_not_told_as_none(tmp_path: Path) -> None:
    folder = write_audit(tmp_path / "a", people=[people_row("MEX", None)])
    found = sections.participation([read_run(folder)], EN)
    assert cells(found.tables[0], "raters") == ["–"]
    assert cells(found.tables[0], "pairs") == ["100"]
    assert any("only shares of answers were published" in text for text in found.paragraphs)


def test_without_an_audit_the_run_tells_who_took_part(tmp_path: Path) -> None:
    table = sections.participation(
        [read_run(write_rewards(tmp_path / "run", OWN, others=["~world"]))], EN
    ).tables[0]
    assert cells(table, "community") == ["Mexico", EN.place("~hill"), "Egypt", "Singapore", "World"]
    assert cells(table, "raters") == ["20"] * 5


def test_dropped_rows_are_counted_by_reason_and_refusals_by_model(tmp_path: Path) -> None:
    rows, refusals = sections.dropped([read_run(write_survey(tmp_path / "run", SCORES))], EN).tables
    assert {(r["source"], r["reason"], r["count"]) for r in rows.rows} == {
        (source, reason, n) for source in ("survey", "answers") for reason, n in
        (("rows read", 12), ("rows kept", 10), ("text empty", 2))
    }  # fmt: skip
    assert cells(refusals, "value") == ["10.0%"] * 4


def test_settings_versions_licences_and_thresholds_are_told(run: Run) -> None:
    settings, thresholds = sections.how([run], EN).tables
    told = {r["fact"]: r["value"] for r in settings.rows}
    assert told["split.by"] == "rater"
    assert told["version of pluralign"] == "0.1.0"
    assert told["licence of jsonl"] == "CC0-1.0"
    assert cells(thresholds, "concern") == ["< 30"]
    assert cells(thresholds, "check") == ["participation.few-people"]


def test_refusals_without_a_community_are_of_all(tmp_path: Path) -> None:
    folder = write_survey(tmp_path / "run", SCORES)
    row = survey_row("m", AWARE, None, 0.2, "refusal_rate") | {"low": None, "high": None}
    write_lines(folder / "results.jsonl", [survey_row("m", AWARE, "MEX", 60.0), row])
    table = sections.dropped([read_run(folder)], EN).tables[1]
    assert (cells(table, "low"), table.rows[0]["name"]) == (["–"], "all communities")


def test_confusions_between_peoples_come_first(tmp_path: Path) -> None:
    folder = write_survey(tmp_path / "run", {("m", "aware"): {"MEX": 60.0, "EGY": 50.0}})
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    own = {"model": "m", "strategy": "aware"}
    record["nearest"] = [
        own | {"community": "EGY", "nearest": "EGY"},
        own | {"community": "MEX", "nearest": "USA"},
    ]
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")

    (table,) = sections.models([read_run(folder)], EN).tables

    assert [[c.text(r) for c in table.columns] for r in table.rows] == [
        ["m · aware", "Mexico", "United States"],
        ["m · aware", "Egypt", "Egypt"],
    ]
