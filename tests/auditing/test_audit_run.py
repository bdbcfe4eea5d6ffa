"""Audits of runs' folders and of files: evidence is gathered, checked, and findings written."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.auditing import AuditOutcome, Given, run_audit
from pluralign.audits import Finding
from pluralign.core import DamagedFile, InvalidSettings, NotEnoughData, list_written, rng_for
from pluralign.experiments import Outcome
from pluralign.runs.folder import read_rows
from pluralign.settings import registry, resolve_audit, resolve_survey
from pluralign.simulation import SocietySource
from pluralign.sources import ShareTable
from pluralign.surveying import run_survey
from pluralign.surveying.survey_evaluation import evaluate_answers

Rows = list[dict[str, Any]]
Write = Callable[[Path, Sequence[Mapping[str, Any]]], Path]
FILES = (
    "assessments.jsonl",
    "audit.json",
    "findings.jsonl",
    "manifest.jsonl",
    "participation.jsonl",
)
FIVE = ("BRA", "CHN", "MEX", "NGA", "NZL")


def audit(given: Given, out: Path, *sets: str) -> AuditOutcome:
    settings, audits = resolve_audit({}, "test", ["draws=100", *sets])
    return run_audit(given, settings, audits, out)


def status(outcome: AuditOutcome) -> dict[str, str]:
    return {f"{a.audit}.{a.check}": a.status for a in outcome.assessments}


def found(outcome: AuditOutcome, check: str) -> list[Finding]:
    return [f for f in outcome.findings if f"{f.audit}.{f.check}" == check]


def lived(pairs: Rows, seed: int = 0) -> Rows:
    """The same pairs with attributes of their raters; three of the hill form their own group."""
    rng, about = rng_for(seed, "lives"), {}
    own: dict[str, int] = {}
    for p in pairs:
        if p["rater"] not in about:
            place = own[p["community"]] = own.get(p["community"], 0) + 1
            faith = (
                "zzz hidden"
                if p["community"] == "~hill" and place <= 3
                else str(rng.choice(["north", "south"]))
            )
            about[p["rater"]] = {
                "gender": str(rng.choice(["woman", "man"])),
                "religion": faith,
                "consent": bool(rng.random() < 0.9),
                "rater_community": p["community"] if rng.random() < 0.6 else "~mars",
                "origin": "lived",
                "language": "zzh" if faith == "zzz hidden" else "en",
            }
    return [p | about[p["rater"]] for p in pairs]


@pytest.fixture(scope="module")
def pairs() -> Rows:
    keys = ("id", "prompt", "chosen", "rejected", "community", "rater")
    return lived(
        [
            {k: getattr(p, k) for k in keys}
            for p in SocietySource(each=90, thin=12, world=120).pairs()
        ]
    )


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    pairs: Rows,
    write_rows: Write,
    go: Callable[..., Outcome],
) -> Path:
    """Folder of a run of reward models on pairs that lie beside it."""
    folder = tmp_path_factory.mktemp("audited")
    write_rows(folder / "pairs.jsonl", pairs)
    tables = {
        "name": "tiny",
        "seed": 3,
        "min_pairs": 1,
        "min_raters": 2,
        "methods": ["reference", "length", "full", "scpo"],
        "pairs": {"source": "jsonl", "path": "pairs.jsonl"},
        "split": {"by": "rater", "test": 0.5},
        "reference": {"fit_on": ["~world"], "ridge": 1.0},
        "trunk": {"encoder": "hash"},
        "fit": {"ridge": 1.0},
        "intervals": {"draws": 100},
    }
    go(tables, folder / "out")
    return folder / "out"


@pytest.fixture
def moved(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run, whose record names pairs that are not there."""
    shutil.copytree(trained, tmp_path / "out")
    record = json.loads((tmp_path / "out/record.json").read_text(encoding="utf-8"))
    record["data"]["sources"][0]["settings"]["path"] = str(tmp_path / "pairs.jsonl")
    (tmp_path / "out/record.json").write_text(json.dumps(record), encoding="utf-8")
    list_written(tmp_path / "out", [tmp_path / "out/record.json"])
    return tmp_path / "out"


def early(run: Path, record: str | None) -> None:
    """A run of a version that kept no manifest, with this record."""
    (run / "manifest.jsonl").unlink()
    (run / "record.json").unlink()
    if record is not None:
        (run / "record.json").write_text(record)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a survey; its simulated respondent gives probabilities and estimates of peoples."""
    folder = tmp_path_factory.mktemp("asked") / "run"
    tables = {
        "survey": {"source": "society_survey", "questions": 30},
        "model": {
            "kind": "simulated",
            "default_culture": "~river",
            "knowledge": 0.7,
            "flattening": 0.6,
        },
        "strategies": ["culture_aware", "culture_unaware"],
        "evaluate": {"draws": 100},
    }
    run_survey(resolve_survey(tables, base=Path(), where="test"), folder)
    return folder


def survey_in(
    folder: Path, communities: Sequence[str] = FIVE, questions: int = 20, seed: int = 0
) -> Path:
    """Answer shares in CultureSPA's layout."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = rng_for(seed, "shares")
    asked = [
        {
            "Q_id": f"Q{q}",
            "question": f"Question {q}?",
            "option_lst": ["1. yes", "2. maybe", "3. no"],
        }
        for q in range(questions)
    ]
    shares = {
        c: {
            f"Q{q}": dict(zip("123", rng.dirichlet([1, 1, 1]).round(4).tolist(), strict=True))
            for q in range(questions)
        }
        for c in communities
    }
    (folder / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
    (folder / "country_proportions.json").write_text(json.dumps(shares), encoding="utf-8")
    return folder


def answer_rows(
    communities: Sequence[str] = FIVE, questions: int = 20, model: str = "m", seed: int = 0
) -> Rows:
    rng = rng_for(seed, "answers", model)
    return [
        {
            "model": model,
            "strategy": "aware",
            "community": c,
            "question_id": f"Q{q}",
            "answer": str(rng.integers(1, 4)),
        }
        for c in communities
        for q in range(questions)
    ]


@pytest.fixture
def answers(tmp_path: Path, write_rows: Write) -> Path:
    return write_rows(tmp_path / "answers.jsonl", answer_rows())


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return survey_in(tmp_path / "survey")


class TestRunsOfRewardModels:
    def test_all_that_a_run_leaves_behind_is_audited_and_written_whole(
        self, trained: Path, tmp_path: Path
    ) -> None:
        outcome = audit(Given(trained), tmp_path / "out")

        assessed = {check for check, what in status(outcome).items() if what != "not assessed"}
        assert assessed >= {
            *("misidentification.wrong-neighbour", "misidentification.coarse-country"),
            *(
                f"reward-bias.{check}"
                for check in ("contested-only", "harm", "length", "beyond-evidence")
            ),
            *(
                f"participation.{check}"
                for check in ("few-people", "one-voice", "outsiders", "own-words", "terms")
            ),
        }
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == list(FILES)
        assert outcome.record["evidence"]["methods"] == ["full", "scpo"]
        assert outcome.record["evidence"]["missing"] == []
        assert (
            json.loads((tmp_path / "out/audit.json").read_text(encoding="utf-8")) == outcome.record
        )

    def test_a_folder_and_a_settings_file_are_enough(self, trained: Path, tmp_path: Path) -> None:
        file = tmp_path / "audit.toml"
        file.write_text("draws = 100\n[reward-bias.length]\nconcern = 0.15\n", encoding="utf-8")
        whole = audit(Given(trained), tmp_path / "given", "reward-bias.length.concern=0.15")
        outcome = run_audit(str(trained), str(file), out=str(tmp_path / "out"))
        assert outcome.findings == whole.findings
        assert outcome.record["thresholds"] == whole.record["thresholds"]

        resolved, audits = resolve_audit({}, "test", ["draws=100"])
        outcome = run_audit(trained, resolved, out=tmp_path / "resolved")
        assert outcome.findings == run_audit(trained, resolved, audits, tmp_path / "all").findings

    def test_findings_are_read_back_as_they_were(self, trained: Path, tmp_path: Path) -> None:
        outcome = audit(Given(trained), tmp_path / "out")
        rows = read_rows(tmp_path / "out/findings.jsonl")

        assert [Finding.from_dict(row).as_dict() for row in rows] == rows
        assert [str(Finding.from_dict(row).claim) for row in rows] == [
            str(f.claim) for f in outcome.findings
        ]
        assert len(rows) == sum(outcome.record["outcome"].values()) > 0
        assert read_rows(tmp_path / "out/assessments.jsonl") == [
            json.loads(json.dumps(asdict(a))) for a in outcome.assessments
        ]

    def test_every_check_that_is_not_assessed_has_a_reason(
        self, trained: Path, tmp_path: Path
    ) -> None:
        outcome = audit(Given(trained), tmp_path / "out")

        assert all(a.reasons for a in outcome.assessments if a.status == "not assessed")

    def test_the_same_seed_gives_the_same_findings_and_another_one_other_intervals(
        self, trained: Path, tmp_path: Path
    ) -> None:
        for name, seed in (("one", 1), ("again", 1), ("other", 2)):
            audit(Given(trained), tmp_path / name, f"seed={seed}")

        one, again, other = (
            (tmp_path / name / "findings.jsonl").read_bytes() for name in ("one", "again", "other")
        )
        assert one == again != other

    def test_pairs_that_moved_do_not_stop_the_audit_and_the_reason_is_reported(
        self, moved: Path, tmp_path: Path
    ) -> None:
        outcome = audit(Given(moved), tmp_path / "audit")

        (reason,) = outcome.record["evidence"]["missing"]
        assert "pairs.jsonl" in reason and "--pairs" in reason and "\n" not in reason
        what = status(outcome)
        assert what["reward-bias.harm"] != "not assessed"
        for check in (
            "reward-bias.length",
            "reward-bias.beyond-evidence",
            "participation.few-people",
        ):
            assert what[check] == "not assessed"
        assert read_rows(tmp_path / "audit/participation.jsonl") == []

    def test_pairs_that_have_changed_since_are_not_used(
        self, moved: Path, tmp_path: Path, pairs: Rows, write_rows: Write
    ) -> None:
        write_rows(tmp_path / "pairs.jsonl", pairs[:-1])

        outcome = audit(Given(moved), tmp_path / "audit")

        assert "changed since" in outcome.record["evidence"]["missing"][0]
        assert status(outcome)["participation.few-people"] == "not assessed"

    def test_a_steer_that_one_repeat_lacks_is_named(
        self, tmp_path: Path, pairs: Rows, write_rows: Write, go: Callable[..., Outcome]
    ) -> None:
        one_question = [
            row | {"question": "isle" if row["community"] == "~isle" else row["id"]}
            for row in pairs
        ]
        write_rows(tmp_path / "pairs.jsonl", one_question)
        tables = {
            "name": "tiny", "seed": 3, "repeats": 4, "min_pairs": 1, "min_raters": 1,
            "methods": ["reference", "full"],
            "pairs": {"source": "jsonl", "path": str(tmp_path / "pairs.jsonl")},
            "split": {"by": "question", "test": 0.5},
            "reference": {"fit_on": ["~world"], "ridge": 1.0},
            "trunk": {"encoder": "hash"}, "fit": {"ridge": 1.0}, "intervals": {"draws": 100},
        }  # fmt: skip
        run = go(tables, tmp_path / "out")
        assert any("~isle has no training pairs" in note for note in run.record["notes"])

        outcome = audit(Given(tmp_path / "out"), tmp_path / "audit")

        (reason,) = outcome.record["evidence"]["missing"]
        assert reason.startswith("full is not steered to ~isle in every repeat of the run")

    def test_given_pairs_replace_the_missing_ones(
        self, trained: Path, moved: Path, tmp_path: Path, pairs: Rows, write_rows: Write
    ) -> None:
        given = Given(moved, pairs=[write_rows(tmp_path / "kept.jsonl", pairs)])

        outcome, before = (
            audit(given, tmp_path / "audit"),
            audit(Given(trained), tmp_path / "before"),
        )

        assert outcome.record["evidence"]["missing"] == []
        assert [f.numbers for f in found(outcome, "reward-bias.length")] == [
            f.numbers for f in found(before, "reward-bias.length")
        ]
        assert status(outcome) == status(before)

    def test_one_method_alone_has_the_same_numbers_as_among_others(
        self, trained: Path, tmp_path: Path
    ) -> None:
        every = audit(Given(trained), tmp_path / "every")
        alone = audit(Given(trained), tmp_path / "alone", 'methods=["full"]')

        numbers = [
            {(f.check, f.community): f.numbers for f in outcome.findings if f.subject == "full"}
            for outcome in (every, alone)
        ]
        assert numbers[0] == numbers[1]
        assert alone.record["evidence"]["methods"] == ["full"]

    def test_methods_that_do_not_steer_are_not_assessed_with_a_reason(
        self, trained: Path, tmp_path: Path
    ) -> None:
        outcome = audit(Given(trained), tmp_path / "audit", 'methods=["reference"]')

        (assessment,) = (a for a in outcome.assessments if a.check == "harm")
        assert (assessment.status, assessment.reasons[0]) == (
            "not assessed",
            "no method of the run steers; needs a method such as `full` or `scpo`",
        )

    @pytest.mark.parametrize(
        ("change", "error", "said"),
        [
            (
                lambda out: shutil.rmtree(out / "predictions"),
                DamagedFile,
                r"reference\.parquet \(missing\)",
            ),
            (
                lambda out: (out / "predictions/seed-3/full.parquet").write_bytes(b"PAR1"),
                DamagedFile,
                "full.parquet",
            ),
            (lambda out: (out / "record.json").unlink(), DamagedFile, r"record\.json \(missing\)"),
            (
                lambda out: (out / "record.json").write_text('{"name": '),
                DamagedFile,
                r"record\.json \(9 bytes",
            ),
            (
                lambda out: early(out, None),
                InvalidSettings,
                "the run in this folder is not finished",
            ),
            (lambda out: early(out, '{"name": '), DamagedFile, "record.json: not JSON"),
            (lambda out: early(out, "[]"), DamagedFile, "record.json: not a JSON object"),
            (lambda out: early(out, '{"communities": {}}'), DamagedFile, "settings: missing"),
        ],
    )
    def test_a_damaged_folder_is_refused_by_what_is_damaged(
        self,
        moved: Path,
        tmp_path: Path,
        change: Callable[[Path], None],
        error: type[Exception],
        said: str,
    ) -> None:
        change(moved)
        with pytest.raises(error, match=said):
            audit(Given(moved), tmp_path / "audit")
        assert not (tmp_path / "audit").exists()

    def test_a_method_that_the_run_does_not_have_is_refused_with_those_it_has(
        self, trained: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(
            InvalidSettings,
            match=r"adaptive: the run has no such method\n.*reference, length, full, scpo",
        ):
            audit(Given(trained), tmp_path / "audit", 'methods=["adaptive"]')

    def test_methods_are_refused_where_there_are_none_to_choose_from(
        self, asked: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(InvalidSettings, match="no run of reward models"):
            audit(Given(asked), tmp_path / "audit", 'methods=["full"]')

    def test_the_current_folder_has_a_name(
        self, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(trained)
        assert audit(Given(Path()), tmp_path / "audit").record["name"] == "out"


class TestSurveys:
    def test_the_folder_of_a_survey_is_audited_against_the_survey_it_names(
        self, asked: Path, tmp_path: Path
    ) -> None:
        outcome = audit(Given(asked), tmp_path / "audit")

        what = status(outcome)
        assert (
            what["simplification.alike"] == "found"
        )  # planted: every people is pulled to the mean of all
        assert {
            check
            for check in what
            if check.startswith(("simplification", "misidentification"))
            and what[check] == "not assessed"
        } == {
            f"misidentification.{check}"
            for check in ("language", "artefacts", "wrong-neighbour", "coarse-country")
        }
        assert outcome.record["evidence"]["survey"] is not None
        assert outcome.record["evidence"]["answers"] == 30 * 6
        (alike,) = found(outcome, "simplification.alike")
        assert (
            alike.subject == "simulated · culture_aware"
        )  # whoever names nobody speaks for no people

    def test_estimates_are_compared_with_answers_where_a_strategy_asks_for_estimates(
        self, tmp_path: Path, survey: Path, write_rows: Write
    ) -> None:
        told = [
            r | {"strategy": "guess", "answer": "", "probs": [0.8, 0.1, 0.1]} for r in answer_rows()
        ]
        given = Given(
            answers=[write_rows(tmp_path / "a.jsonl", [*told, *answer_rows()])],
            surveys=[ShareTable(survey)],
        )

        assert status(audit(given, tmp_path / "a"))["reasoning.known"] == "not assessed"
        assert (
            status(audit(given, tmp_path / "b", 'knowing=["guess"]'))["reasoning.known"]
            != "not assessed"
        )

    def test_answers_are_audited_with_the_survey_given(
        self, answers: Path, survey: Path, tmp_path: Path
    ) -> None:
        outcome = audit(Given(answers=[answers], surveys=[ShareTable(survey)]), tmp_path / "audit")

        assert status(outcome)["simplification.alike"] != "not assessed"
        assert outcome.record["evidence"]["read"]["answers"]["kept"] == 100
        assert outcome.record["evidence"]["licenses"] == {"shares": ShareTable(survey).license}

    def test_without_people_behind_the_numbers_that_is_found_and_none_is_made_up(
        self, answers: Path, survey: Path, tmp_path: Path
    ) -> None:
        outcome = audit(Given(answers=[answers], surveys=[ShareTable(survey)]), tmp_path / "audit")

        (bare,) = found(outcome, "participation.uncounted")
        assert (bare.severity, bare.numbers["without_people"].value) == ("concern", 1)
        assert all(e.n_raters is None for f in outcome.findings for e in f.numbers.values())

    def test_a_survey_that_moved_stops_nothing_but_what_needs_it(
        self, answers: Path, survey: Path, tmp_path: Path
    ) -> None:
        evaluate_answers([answers], ShareTable(survey), tmp_path / "run", draws=20)
        before = audit(Given(tmp_path / "run"), tmp_path / "before")
        survey.rename(tmp_path / "elsewhere")

        with pytest.raises(
            NotEnoughData, match=r"the survey of the run cannot be read .* give it with --survey"
        ):
            audit(Given(tmp_path / "run"), tmp_path / "audit")
        items = tmp_path / "items.jsonl"
        items.write_text(
            '{"id": "a", "model": "m", "community": "MEX", "level": "country", "gold": "1",'
            ' "answer": "1"}\n'
        )
        outcome = audit(Given(tmp_path / "run", items=items), tmp_path / "items")
        assert "cannot be read" in outcome.record["evidence"]["missing"][0]

        again = audit(
            Given(tmp_path / "run", surveys=[ShareTable(tmp_path / "elsewhere")]),
            tmp_path / "again",
        )
        assert again.findings == before.findings

    def test_a_survey_that_has_changed_since_is_not_used(
        self, answers: Path, survey: Path, tmp_path: Path
    ) -> None:
        evaluate_answers([answers], ShareTable(survey), tmp_path / "run", draws=20)
        text = (survey / "questions.json").read_text(encoding="utf-8")
        (survey / "questions.json").write_text(text.replace("?", " then?", 1), encoding="utf-8")

        with pytest.raises(NotEnoughData, match="changed since"):
            audit(Given(tmp_path / "run"), tmp_path / "audit")

    def test_a_survey_whose_file_is_gone_is_reported_as_moved(
        self, answers: Path, survey: Path, tmp_path: Path
    ) -> None:
        evaluate_answers([answers], ShareTable(survey), tmp_path / "run", draws=20)
        (survey / "questions.json").unlink()

        with pytest.raises(NotEnoughData, match=r"questions\.json.* give it with --survey"):
            audit(Given(tmp_path / "run"), tmp_path / "audit")

    def test_communities_that_the_survey_lacks_are_noted(
        self, survey: Path, tmp_path: Path, write_rows: Write
    ) -> None:
        path = write_rows(tmp_path / "a.jsonl", answer_rows(["MEX", "NGA", "KEN"]))

        outcome = audit(Given(answers=[path], surveys=[ShareTable(survey)]), tmp_path / "audit")

        assert list(outcome.record["evidence"]["read"]["answers"]["notes"]) == [
            "KEN is not in the survey: its answers are not compared"
        ]
        assert {f.community for f in outcome.findings if f.subject.startswith("m")} <= {
            None,
            "MEX",
            "NGA",
        } | set(FIVE)

    def test_a_single_community_is_not_compared_with_another(
        self, tmp_path: Path, write_rows: Write
    ) -> None:
        given = Given(
            answers=[write_rows(tmp_path / "a.jsonl", answer_rows(["MEX"]))],
            surveys=[ShareTable(survey_in(tmp_path / "s", ["MEX"]))],
        )

        outcome = audit(given, tmp_path / "audit")

        assert {f.check for f in outcome.findings} <= {"uncounted"}
        assert all(a.reasons for a in outcome.assessments if a.status == "not assessed")

    def test_two_surveys_of_one_kind_are_distinguished_where_they_contradict_each_other(
        self, survey: Path, tmp_path: Path
    ) -> None:
        other = survey_in(tmp_path / "other", seed=1)

        outcome = audit(Given(surveys=[ShareTable(survey), ShareTable(other)]), tmp_path / "audit")

        against = found(outcome, "participation.contradictions")
        assert {f.subject for f in against} == {"shares and shares 2"}
        assert {f.community for f in against} == set(FIVE)
        assert {"survey shares", "survey shares 2"} <= set(outcome.record["evidence"]["read"])
        alone = audit(Given(surveys=[ShareTable(survey), ShareTable(survey)]), tmp_path / "same")
        assert status(alone)["participation.contradictions"] == "clear"

    def test_a_second_respondent_does_not_change_the_numbers_of_the_first(
        self, survey: Path, tmp_path: Path, write_rows: Write
    ) -> None:
        first, second = answer_rows(model="first"), answer_rows(model="second")
        alone, both = (
            audit(
                Given(
                    answers=[write_rows(tmp_path / f"{n}.jsonl", rows)],
                    surveys=[ShareTable(survey)],
                ),
                tmp_path / n,
            )
            for n, rows in (("alone", first), ("both", [*second, *first]))
        )

        told = [[f for f in o.findings if f.subject.startswith("first")] for o in (alone, both)]
        assert told[0] == told[1] != []

    def test_axes_of_a_theory_are_measured_by_name(self, tmp_path: Path, write_rows: Write) -> None:
        countries = (*FIVE, "KEN", "USA")
        axes = tmp_path / "map.csv"
        axes.write_text(
            "country,x,y\n" + "".join(f"{c},{i},{i * i % 5}\n" for i, c in enumerate(countries))
        )
        given = Given(
            answers=[write_rows(tmp_path / "a.jsonl", answer_rows(countries))],
            surveys=[ShareTable(survey_in(tmp_path / "s", countries))],
            axes=[("the map", axes)],
        )

        outcome = audit(given, tmp_path / "audit")

        (axes_told,) = (a for a in outcome.assessments if a.check == "axes")
        assert axes_told.measured == 2
        assert outcome.record["evidence"]["read"]["axes"]["kept"] == 7


class TestPairsAlone:
    RESIDENTS = "community,attribute,group,share\n" + "".join(
        f"{c},{row}\n"
        for c in ("~hill", "~river")
        for row in (
            "gender,woman,0.95",
            "gender,man,0.05",
            "religion,north,0.5",
            "religion,south,0.4",
            "religion,zzz hidden,0.1",
        )
    )

    @pytest.fixture
    def given(self, pairs: Rows, tmp_path: Path, write_rows: Write) -> Given:
        residents = tmp_path / "residents.csv"
        residents.write_text(self.RESIDENTS, encoding="utf-8")
        return Given(pairs=[write_rows(tmp_path / "pairs.jsonl", pairs)], residents=residents)

    def test_facts_that_raters_give_about_themselves_are_audited(
        self, given: Given, tmp_path: Path
    ) -> None:
        outcome = audit(given, tmp_path / "audit")

        assert {
            a.check
            for a in outcome.assessments
            if a.audit == "participation" and a.status != "not assessed"
        } == {
            *(
                "few-people",
                "one-voice",
                "outsiders",
                "unlike-residents",
                "own-words",
                "institutional",
                "terms",
            )
        }
        unlike = found(outcome, "participation.unlike-residents")
        assert {(f.community, f.severity) for f in unlike} >= {
            ("~hill", "concern"),
            ("~river", "risk"),
        }
        assert "by gender" in str(unlike[0].claim)
        assert {f.community for f in found(outcome, "participation.outsiders")} >= {
            "~hill",
            "~river",
        }
        (without,) = found(outcome, "participation.terms")
        assert (without.severity, list(without.numbers)) == ("note", ["licence_not_stated"])

    def test_rows_of_raters_who_did_not_consent_are_no_evidence(
        self, pairs: Rows, tmp_path: Path, write_rows: Write
    ) -> None:
        outcome = audit(
            Given(pairs=[write_rows(tmp_path / "some.jsonl", pairs)]), tmp_path / "some"
        )
        agreed = [p for p in pairs if p["consent"]]
        assert outcome.record["evidence"]["pairs"] == len(agreed) < len(pairs)

    def test_people_are_listed_in_the_table_of_participation(
        self, given: Given, tmp_path: Path
    ) -> None:
        outcome = audit(given, tmp_path / "audit")
        rows = {row["community"]: row for row in read_rows(tmp_path / "audit/participation.jsonl")}

        assert sum(row["raters"] for row in rows.values()) == outcome.record["evidence"]["raters"]
        assert sum(row["pairs"] for row in rows.values()) == outcome.record["evidence"]["pairs"]
        assert set(rows["~river"]["groups"]["gender"]) == {"woman", "man"}

    @pytest.mark.parametrize("small", [4, 5, 10])
    def test_a_group_of_three_is_in_no_file(
        self, trained: Path, given: Given, tmp_path: Path, small: int
    ) -> None:
        for name, evidence in (
            ("pairs", given),
            ("run", Given(trained, residents=given.residents)),
        ):
            audit(evidence, tmp_path / name, f"small={small}")
            for file in FILES:
                text = (tmp_path / name / file).read_text(encoding="utf-8")
                assert "zzz hidden" not in text, file
                assert '"zzh"' not in text, file
            for row in read_rows(tmp_path / name / "participation.jsonl"):
                told = [
                    n
                    for groups in row["groups"].values()
                    for group, n in groups.items()
                    if group != "fewer"
                ]
                assert min(told, default=small) >= small

    def test_records_that_contradict_each_other_are_named_by_their_sources(
        self, tmp_path: Path, write_rows: Write
    ) -> None:
        def votes(source: str, turned: bool) -> Rows:
            two = ("yes", "no")
            return [
                {
                    "prompt": f"Is it {q}?",
                    "chosen": two[turned],
                    "rejected": two[not turned],
                    "community": "MEX",
                }
                | {"rater": f"{source}{q}", "source": source}
                for q in range(30)
            ]

        for name, turned in (("one", False), ("two", True)):
            (tmp_path / name).mkdir()
            write_rows(tmp_path / name / "votes.jsonl", votes(name, turned))
        outcome = audit(
            Given(pairs=[tmp_path / n / "votes.jsonl" for n in ("one", "two")]), tmp_path / "audit"
        )

        (against,) = found(outcome, "participation.contradictions")
        assert (against.subject, against.severity, against.numbers["contradicted"].value) == (
            "one and two",
            "risk",
            1,
        )
        read = outcome.record["evidence"]["read"]
        assert sorted(read) == sorted(str(tmp_path / n / "votes.jsonl") for n in ("one", "two"))
        assert [tally["kept"] for tally in read.values()] == [30, 30]

    def test_texts_and_ids_with_markup_stay_as_they_are(
        self, tmp_path: Path, write_rows: Write
    ) -> None:
        odd = "[bold]<script>{share}</script>[/bold]\u2028"
        rows = [
            {
                "prompt": f"{odd} {n}?",
                "chosen": f"{odd}yes",
                "rejected": "no",
                "community": "MEX",
                "rater": f"{odd}{n % 3}",
            }
            | {"id": f"{odd}{n}", "source": odd}
            for n in range(12)
        ]

        outcome = audit(Given(pairs=[write_rows(tmp_path / "p.jsonl", rows)]), tmp_path / "audit")

        (terms,) = found(outcome, "participation.terms")
        assert terms.subject == odd
        assert odd in str(terms.claim)
        lines = (tmp_path / "audit/findings.jsonl").read_text(encoding="utf-8").split("\n")
        assert [Finding.from_dict(json.loads(line)).subject for line in lines if line].count(
            odd
        ) >= 2


def test_answers_are_not_assessed_without_their_survey(answers: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InvalidSettings, match="--survey: answers cannot be audited without their survey"
    ):
        audit(Given(answers=[answers]), tmp_path / "audit")


def test_no_evidence_at_all_is_an_error_not_a_clean_bill(tmp_path: Path) -> None:
    residents = tmp_path / "r.csv"
    residents.write_text("community,attribute,group,share\nMEX,gender,woman,0.5\n")
    for given in (Given(), Given(residents=residents)):
        with pytest.raises(NotEnoughData, match="there is no evidence to audit"):
            audit(given, tmp_path / "audit")


@pytest.mark.slow
def test_five_hundred_communities_are_audited_in_bounded_room(
    tmp_path: Path, write_rows: Write
) -> None:
    names = [f"~c{i:03d}" for i in range(500)]
    answers = write_rows(tmp_path / "a.jsonl", answer_rows(names, questions=6))
    pairs = [
        {"prompt": "why?", "chosen": "yes", "rejected": "no", "community": c, "rater": f"{c}{n}"}
        for c in names
        for n in range(2)
    ]

    outcome = audit(
        Given(
            answers=[answers],
            surveys=[ShareTable(survey_in(tmp_path / "s", names, 6))],
            pairs=[write_rows(tmp_path / "p.jsonl", pairs)],
        ),
        tmp_path / "audit",
    )

    assert len(found(outcome, "participation.few-people")) == 500
    assert status(outcome)["simplification.alike"] != "not assessed"
    assert sum(path.stat().st_size for path in (tmp_path / "audit").iterdir()) < 5_000_000
    assert all(len(f.rows.ids) <= 8 for f in outcome.findings)


def test_thresholds_decide_and_are_recorded_with_their_reasons(asked: Path, tmp_path: Path) -> None:
    strict = audit(
        Given(asked),
        tmp_path / "a",
        "simplification.alike.concern=-2",
        "simplification.alike.risk=-1",
    )
    lax = audit(
        Given(asked),
        tmp_path / "b",
        "simplification.alike.concern=0.98",
        "simplification.alike.risk=0.99",
    )

    assert [f.severity for f in found(strict, "simplification.alike")] == ["risk"]
    assert found(lax, "simplification.alike") == []
    (told,) = (
        t
        for t in strict.record["thresholds"]
        if (t["audit"], t["check"]) == ("simplification", "alike")
    )
    assert (told["concern"], told["risk"]) == (-2, -1) and told["reason"]
    assert strict.alarmed


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("simplificaton.alike.concern=1", "did you mean 'simplification'"),
        ("simplification.alik.concern=1", "simplification.alik: no such check\n.*within, alike"),
        (
            "simplification.alike.concen=1",
            "simplification.alike.concen: unknown key\n.*set concern or risk",
        ),
        ("simplification.alike.concern=high", "'high' is not a number"),
        ("simplification.alike.concern=true", "True is not a number"),
        ("simplification.alike.concern=inf", "'inf' is not a number"),
        ("simplification.alike.risk=nan", "'nan' is not a number"),
        (
            "simplification.alike=0.2",
            "simplification.alike: 0.2 is not a table\n.*simplification.alike.concern",
        ),
        (
            "simplification=0.2",
            "simplification: must be a table, got 0.2\n.*simplification.CHECK.concern",
        ),
        (
            "simplification.alike.concern=0.9",
            "simplification.alike: .*a risk lies beyond a concern",
        ),
        (
            "participation.few-people.risk=40",
            "participation.few-people: .*a risk lies beyond a concern",
        ),
        ("smal=3", "did you mean 'small'"),
        ("small=0", "small"),
        (
            'audits=["simplificatoin"]',
            "there is no audit 'simplificatoin'\n.*did you mean 'simplification'",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_a_hint(setting: str, said: str) -> None:
    with pytest.raises(InvalidSettings, match=f"(?s){said}"):
        resolve_audit({}, "audit.toml", [setting])


def test_the_tables_that_overrides_are_applied_to_stay_as_they_were() -> None:
    tables = {"simplification": {"alike": {"concern": 0.5}}}
    resolve_audit(tables, "audit.toml", ["simplification.alike.concern=0.2"])
    assert tables == {"simplification": {"alike": {"concern": 0.5}}}


def test_a_threshold_of_an_audit_that_is_not_made_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="not among those to make"):
        resolve_audit(
            {}, "audit.toml", ['audits=["reasoning"]', "simplification.alike.concern=0.1"]
        )


MINE = """
from pluralign.audits import Audit, Check, Measured, Rows, Sentence, Threshold
from pluralign.core import Estimate

def all_agree(evidence, context):
    n = len(evidence.pairs)
    numbers = {"share": Estimate(1.0, None, None, n)}
    yield Measured("pairs", None, 1.0, 0.0, numbers, Sentence("All agree."), Rows("pairs", n),
                   "Look.")

LIMIT = Threshold(0.5, 0.9, "dissent is human")
CHECK = Check("agreement", "Do some disagree?", all_agree, LIMIT, "One voice.", "Ask.")
MINE = Audit("mine", "whether all agree", (CHECK,))
"""


@pytest.fixture
def plugged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that offers an audit, as pip would install it."""
    place = tmp_path / "site"
    (place / "my_audits-1.0.dist-info").mkdir(parents=True)
    (place / "my_audits-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-audits\nVersion: 1.0\n"
    )
    (place / "my_audits-1.0.dist-info/entry_points.txt").write_text(
        "[pluralign.audits]\nmine = my_audits:MINE\n"
    )
    (place / "my_audits.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(place))
    registry._found.cache_clear()
    yield
    monkeypatch.undo()
    registry._found.cache_clear()


@pytest.mark.usefixtures("plugged_in")
def test_an_audit_of_another_package_enters_by_name(
    pairs: Rows, tmp_path: Path, write_rows: Write
) -> None:
    path = write_rows(tmp_path / "pairs.jsonl", pairs[:20])

    outcome = audit(Given(pairs=[path]), tmp_path / "audit")

    assert [(f.severity, str(f.claim)) for f in found(outcome, "mine.agreement")] == [
        ("risk", "All agree.")
    ]
    assert found(
        audit(Given(pairs=[path]), tmp_path / "b", "mine.agreement.risk=2.5"), "mine.agreement"
    )[0].severity == ("concern")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "pairwise", "structural"),
    [("claude-opus-4.7", 28.44, 22.36), ("gpt-5.4", 25.06, 19.54), ("qwen3-8b", 23.62, 18.92)],
)
def test_diversities_come_out_as_published(
    shared_data: Path, tmp_path: Path, file: str, pairwise: float, structural: float
) -> None:
    source = ShareTable(shared_data / "wvs", exclude_questions=())
    evaluate_answers(
        [shared_data / f"llm_answers/{file}.jsonl.gz"],
        source,
        tmp_path / "run",
        parser="published",
        numbering="one",
        communities=FIVE,
        draws=20,
    )

    (alike,) = found(audit(Given(tmp_path / "run"), tmp_path / "audit"), "simplification.alike")

    told = {name: round(e.value, 2) for name, e in alike.numbers.items()}
    assert (told["pairwise_diversity"], told["structural_diversity"]) == (pairwise, structural)
    assert (told["pairwise_diversity_of_people"], told["structural_diversity_of_people"]) == (
        44.07,
        39.37,
    )
    # The lost diversity is measured on the questions that both answered: China was not asked 28 of
    # them, and some answers name no option. There the people's diversity is 44.14 (gpt-5.4) and
    # 43.63 (Qwen3-8B).
    assert np.isclose(told["diversity_lost"], 1 - pairwise / 44.07, atol=0.03)
    assert alike.severity in {"concern", "risk"}
