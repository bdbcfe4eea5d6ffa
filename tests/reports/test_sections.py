"""Sections of a page show the run's data, in a fixed order; a section without data is left out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
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

from pluralign.audits import BUILT_IN
from pluralign.evaluation import SensitivityRow
from pluralign.languages import Speech
from pluralign.reports import Run, html_of, page_of, read_run, sections
from pluralign.reports.advice import advice
from pluralign.reports.data import Figure, Section
from pluralign.reports.page_tables import Table
from pluralign.reports.sections import kinds
from pluralign.reports.summary import about_community, summary

EN = Speech()
OWN = {"MEX": 0.6, "~hill": 0.7, "EGY": 0.55, "SGP": 0.8}
AWARE, UNAWARE = "culture_aware", "culture_unaware"
SCORES = {("m", AWARE): {"MEX": 60.0, "EGY": 70.0}, ("n", AWARE): {"MEX": 50.0, "EGY": 40.0}}
Part = Callable[[Sequence[Run], Speech], Section | None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with all there can be."""
    folder = write_rewards(tmp_path / "run", OWN, others=["KEN", "~world"], matrix=True)
    write_audit(folder / "audit", [finding_row("MEX")], [people_row(c) for c in (*OWN, "KEN")])
    return read_run(folder)


def cells(table: Table, key: str) -> list[str]:
    column = next(c for c in table.columns if c.key == key)
    return [column.text(row) for row in table.rows]


def there(found: Section | None) -> Section:
    assert found is not None
    return found


def only(found: Section | None) -> Figure:
    [figure] = there(found).figures
    return figure


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
        "scpo: The result is worst for Egypt: 55.0% [50.0% to 60.0%]. "
        "It is best for Singapore: 80.0%"
    )
    assert "tick marks the model that steering starts from" in figure.about


def test_the_first_lines_of_a_page_name_the_worst_community_once(run: Run) -> None:
    told = summary([run], EN)
    assert not any("Egypt" in line for line in told)
    assert sum("Egypt" in line for line in advice([run], EN)) == 1
    assert "600 choices of 120 people" in told[0]
    assert told[0].endswith("was steered to: 4.")
    assert (
        "Audits found: risks 1, concerns 0. Checks that could not be made for lack of evidence: "
        "1 of 2." in told[1]
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
    assert figure.about.startswith("reference: ")


def test_a_community_of_few_people_is_shown_and_is_never_named_the_worst(tmp_path: Path) -> None:
    run = read_run(
        write_rewards(tmp_path / "run", OWN | {"BRA": 0.1, "KEN": 0.9}, people={"BRA": 4, "KEN": 1})
    )
    figure = only(sections.served([run], EN))
    assert cells(figure.table, "community")[-2:] == ["Brazil", "Kenya"]
    assert cells(figure.table, "n_raters")[-2:] == ["4", "1"]
    few = "Not ranked, because fewer than 5 people were tested: Brazil; Kenya."
    assert few in there(sections.served([run], EN)).paragraphs
    check = next(line for line in advice([run], EN) if line.startswith("Check"))
    for told in (figure.about, check):
        assert "Egypt" in told
        assert "Singapore" in told
        assert "Brazil" not in told


@pytest.mark.parametrize("people", [{"BRA": 4, "KEN": 3}, {"BRA": 4}])
def test_where_too_few_have_enough_people_no_community_is_named_the_worst(
    tmp_path: Path, people: dict[str, int | None]
) -> None:
    run = read_run(write_rewards(tmp_path / "run", {"BRA": 0.5, "KEN": 0.6}, people=people))
    told = " ".join([*advice([run], EN), only(sections.served([run], EN)).about])
    assert "worst" not in told
    assert told.count("The result of scpo for") == 1


def test_a_number_without_an_interval_is_shown_without_one(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN | {"BRA": 0.5}, people={"BRA": 1}))
    figure = only(sections.served([run], EN))
    assert "–" in cells(figure.table, "low")
    assert [
        (r["low"], r["high"])
        for r in drawn(figure.spec, "low")
        if (r["who"], r["name"]) == ("scpo", "Brazil")
    ] == [(0.5, 0.5)]


def test_a_number_without_people_states_that_their_number_is_unknown(tmp_path: Path) -> None:
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


def test_a_single_community_is_shown_without_a_comparison(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", {"GBR": 0.6}, others=["~world"]))
    told = " ".join([*advice([run], EN), only(sections.served([run], EN)).about])
    assert "The result of scpo for the United Kingdom: 60.0% [55.0% to 65.0%]." in told
    assert "worst" not in told


def test_models_that_answer_are_all_in_the_table_and_the_nearest_is_drawn(tmp_path: Path) -> None:
    found = sections.served([read_run(write_survey(tmp_path / "run", SCORES))], EN)
    figure = only(found)
    assert cells(figure.table, "who") == ["m · culture_aware"] * 2
    assert cells(figure.table, "value") == ["60.0", "70.0"]
    compared, everything = there(found).tables
    assert cells(everything, "who") == ["m · culture_aware"] * 2 + ["n · culture_aware"] * 2
    assert cells(everything, "community") == ["Mexico", "Egypt", "Egypt", "Mexico"]
    assert {r["who"] for r in drawn(figure.spec, "low")} == {
        "m · culture_aware",
        "n · culture_aware",
    }
    assert [c.label for c in compared.columns] == ["Community", "m", "n"]


def test_communities_and_models_form_a_table_with_rank_and_bar(tmp_path: Path) -> None:
    run = read_run(write_survey(tmp_path / "run", SCORES))
    table = there(sections.served([run], EN)).tables[0]
    assert cells(table, "community") == ["Egypt", "Mexico"]
    assert cells(table, "value0") == ["70.0 (1)", "60.0 (1)"]
    assert cells(table, "value1") == ["40.0 (2)", "50.0 (2)"]
    near, far = (column.drawing(table.rows[0]) for column in table.columns[1:])
    assert near is not None
    assert far is not None
    assert far.low < far.value < far.high < near.low < near.value < near.high


def test_the_page_of_one_community_begins_with_its_own_result(run: Run) -> None:
    told = about_community([run], "MEX", EN)
    assert (
        told[0]
        == "scpo (tastes): 60.0% [55.0% to 65.0%]; the result is worse for 1 of 4 communities."
    )
    assert about_community([run], "KEN", EN)[0] == "Nothing was measured for the people of Kenya."
    assert about_community([run], "KEN", EN)[1].startswith(
        "tastes does not steer to Kenya (pairs: 100"
    )


# The map.


def test_the_map_has_countries_small_states_as_dots_and_hatches_for_unmeasured_ones(
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


def test_a_country_is_hatched_for_each_model_that_was_not_asked_about_it(tmp_path: Path) -> None:
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
def test_a_run_without_countries_has_no_map(tmp_path: Path, own: dict[str, float]) -> None:
    assert sections.world([read_run(write_rewards(tmp_path / "run", own))], EN) is None


def test_the_map_of_two_runs_is_two_maps(tmp_path: Path) -> None:
    runs = [
        read_run(write_rewards(tmp_path / "a", OWN)),
        read_run(write_survey(tmp_path / "b", SCORES)),
    ]
    assert [f.name for f in there(sections.world(runs, EN)).figures] == ["map", "map-1"]


# Sections that have nothing to show.

PARTS = (
    sections.served,
    sections.world,
    sections.steers,
    sections.contested,
    sections.learning,
    sections.models,
    sections.participation,
    sections.not_assessed,
    sections.dropped,
)


@pytest.mark.parametrize("part", PARTS)
def test_a_section_without_a_run_for_it_is_left_out(part: Part) -> None:
    assert part([], EN) is None


def test_findings_of_no_audit_ask_for_one(tmp_path: Path) -> None:
    found = sections.findings([read_run(write_rewards(tmp_path / "run", OWN))], EN)
    assert found.empty == "No audit was made: run `pluralign audit` on the folder first."
    assert not [*found.paragraphs, *found.figures, *found.tables, *found.claims]


def _filled(runs: Sequence[Run]) -> set[str]:
    """Ids of the sections that show something; the others on the page state why they do not."""
    page = page_of(runs, EN)
    for part in page.sections:
        shown = [*part.leading, *part.figures, *part.tables, *part.claims]
        assert bool(shown) == (part.empty is None), f"{part.id} is empty without a reason"
    return {part.id for part in page.sections if part.empty is None}


ALWAYS = {"how", "dropped"}


def test_a_run_with_all_there_can_be_has_every_section_of_reward_models(run: Run) -> None:
    own = {"served", "world", "findings", "steers", "contested", "curves", "people", "checks"}
    assert _filled([run]) == own | ALWAYS


def test_a_run_of_one_community_has_few_sections(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", {"~hill": 0.6}, curve=False))
    assert _filled([run]) == {"served", "steers", "contested", "people"} | ALWAYS


def test_a_survey_of_one_community_has_few_sections(tmp_path: Path) -> None:
    run = read_run(write_survey(tmp_path / "run", {("m", AWARE): {"MEX": 60.0}}))
    assert _filled([run]) == {"served", "world"} | ALWAYS


def test_a_survey_that_named_no_community_has_no_community_results(tmp_path: Path) -> None:
    run = read_run(write_survey(tmp_path / "run", {("m", UNAWARE): {"MEX": 60.0, "EGY": 70.0}}))
    assert _filled([run]) == ALWAYS
    assert "nothing was audited" in advice([run], EN)[-1]
    assert there(sections.served([run], EN)).empty is not None


def test_an_audit_alone_has_findings_people_and_checks(tmp_path: Path) -> None:
    run = read_run(write_audit(tmp_path / "audit", [finding_row()], [people_row("MEX")]))
    assert _filled([run]) == {"findings", "people", "checks"} | ALWAYS


def test_an_audit_without_findings_reports_it(tmp_path: Path) -> None:
    run = read_run(write_audit(tmp_path / "audit"))
    assert sections.findings([run], EN).empty == "Nothing was found beyond a threshold."


def test_a_run_without_contested_pairs_reports_it(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN, contested=False))
    assert there(sections.contested([run], EN)).empty == "No contested pairs were measured here."


def test_steers_without_the_model_they_start_from_are_reported(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    write_lines(folder / "results.jsonl", [reward_row("scpo", c, c, 0.6) for c in OWN])
    found = there(sections.steers([read_run(folder)], EN))
    assert "name `reference` among the methods" in str(found.empty)


def test_simulated_data_is_called_simulated(tmp_path: Path) -> None:
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
    assert not {"served", "world", "steers"} & _filled([read_run(folder)])


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
    assert html.count('<article class="claim') == 1
    assert html.count("<tr>") < 3000


def test_rows_left_out_for_five_hundred_communities_are_counted(many: Run) -> None:
    figure = only(sections.served([many], EN))
    assert len([r for r in drawn(figure.spec, "low") if r["who"] == "scpo"]) == 40
    assert "The chart shows the first 40; the table shows more." in figure.about
    assert (len(figure.table.shown), len(figure.table.rows)) == (200, 500)
    assert [r["community"] for r in figure.table.rows] == list(MANY)


# Steers.


def test_a_steer_is_compared_with_the_model_it_starts_from(run: Run) -> None:
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


def test_a_large_matrix_shows_only_the_worst_communities_and_states_it(tmp_path: Path) -> None:
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


def test_contested_pairs_are_compared_with_all(run: Run) -> None:
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
    assert sections.learning([read_run(folder)], EN) is None


def test_models_are_shown_next_to_the_people_they_answer_for(tmp_path: Path) -> None:
    figure = only(sections.models([read_run(write_survey(tmp_path / "run", SCORES))], EN))
    assert cells(figure.table, "name") == ["m · culture_aware", "n · culture_aware"]
    assert cells(figure.table, "value") == ["65.0", "45.0"]
    assert cells(figure.table, "diversity_value") == ["20.0", "20.0"]
    assert cells(figure.table, "of_people") == ["30.0 [25.0 to 35.0]"] * 2
    assert "Models that make these communities more alike than they are: 2 of 2." in figure.about
    assert {r["base"] for r in drawn(figure.spec, "base")} == {30.0}


def test_models_averaged_over_different_communities_never_share_an_axis(tmp_path: Path) -> None:
    scores = SCORES | {("o", AWARE): {"MEX": 60.0, "EGY": 70.0, "KEN": 50.0}}
    found = there(sections.models([read_run(write_survey(tmp_path / "run", scores))], EN))
    shown = [{r["name"] for r in drawn(figure.spec, "low")} for figure in found.figures]
    assert shown == [{"o"}, {"m", "n"}]
    assert [cells(table, "short") for table in found.leading] == [["o"], ["m", "n"]]


def test_a_ranking_draws_the_people_s_own_diversity(tmp_path: Path) -> None:
    found = there(sections.models([read_run(write_survey(tmp_path / "run", SCORES))], EN))
    [ranking] = found.leading
    assert cells(ranking, "rank") == ["1", "2"]
    assert cells(ranking, "worst") == [
        "Mexico, 60.0 [55.0 to 65.0], on 60 questions",
        "Egypt, 40.0 [35.0 to 45.0], on 60 questions",
    ]
    diversity = next(c for c in ranking.columns if c.key == "diversity_value")
    bar = diversity.drawing(ranking.rows[0])
    assert bar is not None
    assert bar.mark is not None
    assert bar.mark > bar.value


def _tried(value: float, **changed: Any) -> SensitivityRow:
    return SensitivityRow(
        metric="pairwise_accuracy", method="scpo", steer="own", community=None, subset="all",
        value=value, low=value - 0.1, high=value + 0.1, n=50, n_raters=9, **changed,
    )  # fmt: skip


def test_other_settings_are_drawn_with_the_run_s_own_marked(run: Run) -> None:
    taus = [_tried(0.5 + tau / 10, tau=tau, beta=1.1) for tau in (0.5, 0.7, 0.9)]
    ridges = [_tried(0.6, ridge=ridge) for ridge in (0.1, 1.0)]
    ridge_of = {"7": {"scpo": {"ridge": 0.1}}, "8": {"scpo": {"ridge": 0.1}}}
    record = dict(run.record) | {"ridges": ridge_of}
    studied = replace(run, record=record, sensitivity=[*taus, *ridges])
    first, second = there(sections.sensitivity([studied], EN)).figures
    assert [(row["x"], row["own"]) for row in first.table.rows] == [(0.1, True), (1.0, False)]
    assert [row["x"] for row in second.table.rows if row["own"]] == [0.7]
    assert cells(second.table, "low")[0] == "45.0% to 65.0%"
    assert "Between 55.0% and 59.0%" in second.about
    assert sections.sensitivity([run], EN) is None


def test_other_settings_are_over_beta_where_only_that_was_changed(run: Run) -> None:
    betas = [_tried(0.6, beta=beta) for beta in (0.55, 1.1)]
    [figure] = there(sections.sensitivity([replace(run, sensitivity=betas)], EN)).figures
    assert [(row["x"], row["own"]) for row in figure.table.rows] == [(0.55, False), (1.1, True)]


# Findings, checks, people, rows.


def test_findings_come_gravest_first_and_notes_in_the_table_only(tmp_path: Path) -> None:
    rows = [finding_row(c, s) for c, s in (("MEX", "note"), ("EGY", "concern"), ("BRA", "risk"))]
    found = sections.findings([read_run(write_audit(tmp_path / "a", rows))], EN)
    assert [c.severity for c in found.claims] == ["risk", "concern"]
    assert cells(found.tables[0], "severity") == ["Risk", "Concern", "Note"]
    assert cells(found.tables[0], "low") == ["–"] * 3
    assert found.claims[0].text == "Only 7 people took part for Brazil, in 900 pairs."
    assert ("raters", "7.0 · measured on 900 · 7 people") in found.claims[0].lines


def test_all_findings_write_intervals_as_every_other_table_does(tmp_path: Path) -> None:
    number = {"name": "nearer_by", "value": 0.5, "low": 0.25, "high": 0.75, "n": 9, "n_raters": 7}
    run = read_run(write_audit(tmp_path / "audit", [finding_row(numbers=[number])]))
    assert cells(sections.findings([run], EN).tables[0], "low") == ["0.250 to 0.750"]


def test_findings_of_one_kind_share_a_card_the_worst_first(tmp_path: Path) -> None:
    rows = [
        finding_row(c, s, numbers=[number | {"value": people}])
        for c, s, people in (("MEX", "concern", 12.0), ("EGY", "risk", 8.0), ("BRA", "risk", 4.0))
        for number in finding_row(c)["numbers"][:1]
    ]
    found = sections.findings([read_run(write_audit(tmp_path / "a", rows))], EN)
    [card] = found.cards
    assert (card.severity, card.title) == ("risk", "Few people speak for a community")
    assert cells(card.table, "community") == ["Brazil", "Egypt", "Mexico"]
    assert cells(card.table, "value") == ["4", "8", "12"]
    assert cells(card.table, "label") == ["Risk", "Risk", "Concern"]
    assert card.more is None


def test_a_card_folds_what_is_more_than_a_few_rows(tmp_path: Path) -> None:
    rows = [finding_row(f"~p-{k}") for k in range(45)]
    [card] = sections.findings([read_run(write_audit(tmp_path / "a", rows))], EN).cards
    assert card.more is not None
    assert [len(card.table.rows), len(card.more.rows), len(card.claims)] == [8, 37, 40]
    assert card.more.caption == "Further rows: 37"


def test_findings_on_baselines_and_ablations_are_folded(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    subjects = ("scpo", "scpo-filter-only", "length", "of-a-plug-in")
    rows = [finding_row("MEX", audit="reward-bias", check="harm", subject=s) for s in subjects]
    write_audit(folder / "audit", rows)
    found = sections.findings([read_run(folder)], EN)
    [shown], [folded] = found.cards, found.folded
    assert set(cells(shown.table, "subject")) == {"scpo", "of-a-plug-in"}
    assert set(cells(folded.table, "subject")) == {"scpo-filter-only", "length"}


def test_every_check_of_ours_has_a_title_and_a_heading() -> None:
    ours = {f"{audit.name}/{check.name}" for audit in BUILT_IN for check in audit.checks}
    assert ours == set(kinds._TITLES) == set(kinds._NUMBERS)
    for kind in kinds._SHOWN | kinds._OF_PEOPLE | kinds._OTHERS:
        assert kind in ours


def test_a_check_of_somebody_else_goes_by_its_name(tmp_path: Path) -> None:
    row = finding_row("MEX", audit="theirs", check="own-check")
    [card] = sections.findings([read_run(write_audit(tmp_path / "a", [row]))], EN).cards
    assert card.title == "theirs: own check"
    assert cells(card.table, "value") == ["7.000"]


def test_one_community_sees_its_own_findings_only(run: Run) -> None:
    assert [c.text for c in sections.findings([run], EN, "MEX").claims] == [
        str(run.findings[0].claim)
    ]
    assert sections.findings([run], EN, "EGY").empty == "Nothing was found beyond a threshold."


def test_a_check_that_was_not_made_has_a_reason(tmp_path: Path) -> None:
    reasons = [f"reason {k}" for k in range(5)]
    run = read_run(write_audit(tmp_path / "a", reasons=reasons))
    table = there(sections.not_assessed([run], EN)).tables[0]
    assert cells(table, "status") == ["a concern or a risk", "not assessed"]
    assert cells(table, "reasons") == ["–", "reason 0; reason 1; reason 2 (+ 2)"]


def test_checks_that_do_not_apply_are_counted_and_not_listed(tmp_path: Path) -> None:
    folder = write_audit(tmp_path / "a")
    other = {"audit": "reward-bias", "check": "harm", "asks": "Is it?", "status": "not assessed"}
    other |= {"measured": 0, "found": 0, "reasons": ["none"], "absent": ["rewards"]}
    with (folder / "assessments.jsonl").open("a") as file:
        file.write(json.dumps(other) + "\n")

    section = there(sections.not_assessed([read_run(folder)], EN))

    assert cells(section.tables[0], "status") == ["a concern or a risk", "not assessed"]
    assert section.paragraphs[1] == (
        "Checks that do not apply: 1. They read evidence that was not given: margins of reward "
        "models."
    )


def test_groups_are_shown_with_their_people(tmp_path: Path) -> None:
    people = [people_row("MEX", groups={"gender": {"women": 30, "men": 20}, "age": {"fewer": 50}})]
    run = read_run(write_audit(tmp_path / "a", people=people))
    table = there(sections.participation([run], EN)).tables[0]
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
def test_small_groups_are_never_shown_even_if_the_audit_let_them_through(
    tmp_path: Path, told: dict[str, int], shown: str
) -> None:
    run = read_run(write_audit(tmp_path / "a", people=[people_row("MEX", groups={"gender": told})]))
    assert cells(there(sections.participation([run], EN)).tables[0], "groups") == [shown]


def test_people_whose_number_is_not_known_are_not_shown_as_none(tmp_path: Path) -> None:
    folder = write_audit(tmp_path / "a", people=[people_row("MEX", None)])
    found = there(sections.participation([read_run(folder)], EN))
    assert cells(found.tables[0], "raters") == ["–"]
    assert cells(found.tables[0], "pairs") == ["100"]
    assert any("only shares of answers were published" in text for text in found.paragraphs)


def test_without_an_audit_the_participants_come_from_the_run(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN, others=["~world"]))
    table = there(sections.participation([run], EN)).tables[0]
    assert cells(table, "community") == ["Egypt", "Mexico", "Singapore", EN.place("~hill"), "World"]
    assert cells(table, "raters") == ["20"] * 5


def test_dropped_rows_are_counted_by_reason_and_refusals_by_model(tmp_path: Path) -> None:
    run = read_run(write_survey(tmp_path / "run", SCORES))
    rows, refusals = there(sections.dropped([run], EN)).tables
    assert {(r["source"], r["reason"], r["count"]) for r in rows.rows} == {
        (source, reason, n) for source in ("survey", "answers") for reason, n in
        (("rows read", 12), ("rows kept", 10), ("text empty", 2))
    }  # fmt: skip
    assert cells(refusals, "value") == ["10.0%"] * 4


def test_settings_versions_licences_and_thresholds_are_shown(run: Run) -> None:
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
    table = there(sections.dropped([read_run(folder)], EN)).tables[1]
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

    *_, table = there(sections.models([read_run(folder)], EN)).tables

    assert [[c.text(r) for c in table.columns] for r in table.rows] == [
        ["m · aware", "Mexico", "United States"],
        ["m · aware", "Egypt", "Egypt"],
    ]
