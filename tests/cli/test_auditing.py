"""``pluralign audit`` as people and scripts call it."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from pluralign.audits import BUILT_IN, Finding
from pluralign.core import list_written
from pluralign.runs.folder import read_rows

Call = Callable[..., Result]
OnScreen = Callable[..., str]
Write = Callable[[Path, Sequence[Mapping[str, Any]]], Path]
QUICK = ("--set", "draws=100")
FIVE = ("BRA", "CHN", "MEX", "NGA", "NZL")


def votes(n: int = 60, **more: object) -> list[dict[str, Any]]:
    """Pairs of forty people of Mexico, each with a licence."""
    row = {
        "prompt": "why?",
        "rejected": "no",
        "community": "MEX",
        "license": "CC0",
        "context": "So it is.",
    }
    return [
        row | {"chosen": f"yes {i}", "rater": f"r{i % 40}", "id": f"p{i}"} | more for i in range(n)
    ]


@pytest.fixture
def pairs(tmp_path: Path, write_rows: Write) -> Path:
    return write_rows(tmp_path / "pairs.jsonl", votes())


def shares_in(folder: Path, communities: Sequence[str] = FIVE, questions: int = 12) -> Path:
    """Peoples of whom each gives another answer to most questions, in CultureSPA's layout."""
    folder.mkdir()
    ids = [f"Q{q}" for q in range(questions)]
    asked = [
        {"Q_id": q, "question": f"{q}?", "option_lst": ["1. yes", "2. maybe", "3. no"]} for q in ids
    ]
    shares = {
        c: {
            id_: {str(k + 1): 0.8 if k == (i + i * q + q // 2) % 3 else 0.1 for k in range(3)}
            for q, id_ in enumerate(ids)
        }
        for i, c in enumerate(communities)
    }
    (folder / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
    (folder / "country_proportions.json").write_text(json.dumps(shares), encoding="utf-8")
    return folder


def said(
    communities: Sequence[str] = FIVE, questions: int = 12, model: str = "m"
) -> list[dict[str, Any]]:
    """A model that says "maybe" in every people's name."""
    return [
        {"model": model, "strategy": "aware", "community": c, "question_id": f"Q{q}", "answer": "2"}
        for c in communities
        for q in range(questions)
    ]


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return shares_in(tmp_path / "survey")


@pytest.fixture
def answers(tmp_path: Path, write_rows: Write) -> Path:
    return write_rows(tmp_path / "answers.jsonl", said())


def test_a_run_is_audited_into_its_own_folder_and_printed(
    on_screen: OnScreen, trained: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")

    shown = on_screen("audit", run, *QUICK)

    for word in (
        "Checks",
        "reward-bias.harm",
        "not assessed",
        "findings.jsonl",
        "audit.json",
        str(run / "audit"),
    ):
        assert word in shown.replace("\n", ""), word
    assert max(map(len, shown.splitlines())) <= 80
    assert sorted(p.name for p in (run / "audit").iterdir()) == [
        *(
            "assessments.jsonl",
            "audit.json",
            "findings.jsonl",
            "manifest.jsonl",
            "participation.jsonl",
        )
    ]


def test_pairs_that_moved_are_a_note_on_standard_error(
    call: Call, trained: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    record = json.loads((run / "record.json").read_text(encoding="utf-8"))
    record["data"]["sources"][0]["settings"]["path"] = str(tmp_path / "gone.jsonl")
    (run / "record.json").write_text(json.dumps(record), encoding="utf-8")
    list_written(run, [run / "record.json"])

    result = call("audit", run, *QUICK, "--json")

    assert result.exit_code == 0, result.output
    assert "gone.jsonl" in result.stderr and "--pairs" in result.stderr
    assert "gone.jsonl" in json.loads(result.stdout)["record"]["evidence"]["missing"][0]


def test_json_is_for_machines_and_nothing_else(
    call: Call, answers: Path, survey: Path, tmp_path: Path
) -> None:
    words = ("--answers", answers, "--survey", survey, "--out", tmp_path / "out", *QUICK)
    told = json.loads(call("audit", *words, "--json").stdout)

    assert set(told) == {"folder", "record", "findings", "assessments"}
    assert [Finding.from_dict(f).as_dict() for f in told["findings"]] == told["findings"]
    assert told["findings"] == read_rows(tmp_path / "out/findings.jsonl")
    assert told["assessments"] == read_rows(tmp_path / "out/assessments.jsonl")
    assert {f["check"] for f in told["findings"] if f["severity"] == "risk"} >= {"alike"}


def test_checks_that_do_not_apply_are_one_line_and_listed_on_request(
    call: Call, answers: Path, survey: Path, tmp_path: Path
) -> None:
    words = ("--answers", answers, "--survey", survey, "--out", tmp_path / "out", *QUICK)
    short, whole = call("audit", *words), call("audit", *words, "--all")

    assessments = read_rows(tmp_path / "out/assessments.jsonl")
    apart = {f"{a['audit']}.{a['check']}" for a in assessments if a["absent"]}
    assert "reward-bias.harm" in apart and "simplification.alike" not in apart
    assert f"{len(apart)} checks do not apply (--all prints all)" in short.stderr
    assert "margins of reward models" in short.stderr and "surveys" not in short.stderr
    assert not any(check in short.stdout for check in apart)
    assert all(check in whole.stdout for check in apart)
    assert "do not apply" not in whole.stderr


def test_a_survey_is_named_by_its_folder_or_by_its_source(
    call: Call, answers: Path, survey: Path, tmp_path: Path
) -> None:
    told = []
    for name in (survey, f"shares={survey}"):
        call("audit", "--answers", answers, "--survey", name, "--out", tmp_path / "out", *QUICK)
        told.append((tmp_path / "out/findings.jsonl").read_bytes())

    assert told[0] == told[1]


def test_only_concerns_and_risks_make_a_strict_audit_fail(
    call: Call, pairs: Path, tmp_path: Path, write_rows: Write
) -> None:
    words = ("--out", tmp_path / "out", "--strict", *QUICK)

    assert call("audit", "--pairs", pairs, *words).exit_code == 0
    silent = write_rows(
        tmp_path / "silent.jsonl",
        [v | {"context": None if i % 2 else "So."} for i, v in enumerate(votes())],
    )
    noted = call(
        "audit", "--pairs", silent, *words, "--set", "participation.own-words.concern=0.51"
    )
    assert (noted.exit_code, "0 risks, 0 concerns, 1 note " in noted.stderr) == (0, True)
    few = write_rows(tmp_path / "few.jsonl", votes(20))
    assert call("audit", "--pairs", few, *words).exit_code == 1
    assert call("audit", "--pairs", few, *words[:2], *QUICK).exit_code == 0
    assert read_rows(tmp_path / "out/findings.jsonl")[0]["severity"] == "concern"


def test_a_check_with_notes_alone_has_no_concern_and_shows_its_notes(
    on_screen: OnScreen, tmp_path: Path, write_rows: Write
) -> None:
    silent = [v | {"context": None if i % 2 else "So."} for i, v in enumerate(votes())]
    file = write_rows(tmp_path / "silent.jsonl", silent)
    words = ("--out", tmp_path / "out", "--set", "participation.own-words.concern=0.51", *QUICK)

    shown = on_screen("audit", "--pairs", file, *words, width=300)

    (line,) = [line for line in shown.splitlines() if "participation.own-words" in line]
    assert "no concern" in line
    assert "1 note" in line


def test_thresholds_of_a_file_give_way_to_those_of_options(
    call: Call, tmp_path: Path, pairs: Path
) -> None:
    config = tmp_path / "audit.toml"
    config.write_text(
        'audits = ["participation"]\ndraws = 100\n[participation.few-people]\nconcern = 50\n'
    )

    def few(*sets: str) -> list[str]:
        words = ("--pairs", pairs, "--config", config, "--out", tmp_path / "out", "--json")
        told = json.loads(call("audit", *words, *(w for s in sets for w in ("--set", s))).stdout)
        assert {a["audit"] for a in told["assessments"]} == {"participation"}
        return [f["severity"] for f in told["findings"] if f["check"] == "few-people"]

    assert (
        few(),
        few("participation.few-people.concern=40"),
        few("participation.few-people.risk=45"),
    ) == (
        ["concern"],
        [],
        ["risk"],
    )


def test_every_setting_and_threshold_is_explained_with_its_reason_and_nothing_is_audited(
    call: Call, tmp_path: Path
) -> None:
    result = call(
        "audit",
        "--explain",
        "--json",
        "--set",
        "simplification.alike.concern=0.123",
        "--out",
        tmp_path / "out",
    )
    told = {line["key"]: line for line in json.loads(result.stdout)}

    assert {"seed", "draws", "small", "audits", "methods", "knowing"} <= set(told)
    assert told["simplification.alike"]["value"] == "concern above 0.123, risk above 0.3"
    assert told["participation.few-people"]["value"] == "concern below 30, risk below 10"
    checks = sum(len(audit.checks) for audit in BUILT_IN)
    assert len([key for key in told if "." in key]) == checks
    assert all(line["from"].strip() for line in told.values())
    assert not (tmp_path / "out").exists()
    assert "few-people" in call("audit", "--explain").stdout


def test_markup_in_names_is_shown_as_it_is(
    on_screen: OnScreen, survey: Path, tmp_path: Path, write_rows: Write
) -> None:
    odd = write_rows(tmp_path / "a.jsonl", said(model="[red]m[/red]{subject}[/]"))

    words = ("audit", "--answers", odd, "--survey", survey, "--out", tmp_path / "out[1]", *QUICK)
    shown = on_screen(*words, width=300)

    assert "[red]m[/red]{subject}[/]" in shown
    assert "out[1]" in shown.replace("\n", "")


def test_the_output_for_five_hundred_communities_fits_a_screen_or_two(
    on_screen: OnScreen, tmp_path: Path, write_rows: Write
) -> None:
    pairs = [row | {"community": f"~c{c}"} for c in range(500) for row in votes(2)]

    file = write_rows(tmp_path / "p.jsonl", [p | {"id": None} for p in pairs])
    shown = on_screen("audit", "--pairs", file, "--out", tmp_path / "o")

    assert "... and 480 more, in" in shown
    assert len(shown.splitlines()) < 100


def test_axes_items_and_residents_come_from_files(
    call: Call, pairs: Path, tmp_path: Path, write_rows: Write
) -> None:
    residents, axes = tmp_path / "residents.csv", tmp_path / "map.csv"
    residents.write_text(
        "community,attribute,group,share\nMEX,gender,woman,0.5\nMEX,gender,man,0.5\n"
    )
    axes.write_text("country;x\nMEX;1,5\nNGA;#NULL!\n")
    item = {"model": "m", "community": "MEX", "gold": "no", "answer": "no"}
    items = [
        item | {"id": f"i{n}", "level": level}
        for n in range(12)
        for level in ("rule_of_thumb", "country")
    ]
    write_rows(tmp_path / "pairs.jsonl", [v | {"gender": "man"} for v in votes()])

    words = (
        "--residents",
        residents,
        "--axes",
        f"the map={axes}",
        "--axes",
        axes,
        "--out",
        tmp_path / "out",
        *QUICK,
    )
    result = call(
        "audit",
        "--pairs",
        pairs,
        "--items",
        write_rows(tmp_path / "i.jsonl", items),
        *words,
        "--json",
    )

    told = json.loads(result.stdout)
    read = told["record"]["evidence"]["read"]
    assert (
        read["axes"]["kept"],
        read["axes"]["made"],
        read["items"]["kept"],
        read["residents"]["kept"],
    ) == (
        4,
        2,
        24,
        2,
    )
    assert [f["severity"] for f in told["findings"] if f["check"] == "unlike-residents"] == ["risk"]
    assert [a["status"] for a in told["assessments"] if a["check"] == "levels"] == ["clear"]


BROKEN = "community,attribute,group,share\nMEX,gender,woman,half\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], ["there is no evidence to audit", "--answers or --pairs"]),
        (["nowhere"], ["nowhere: no such folder", "name the folder of a run"]),
        (["pairs.jsonl"], ["pairs.jsonl: no such folder"]),
        (
            ["--answers", "answers.jsonl"],
            ["--survey", "answers cannot be audited without their survey"],
        ),
        (["--answers", "gone.jsonl", "--survey", "survey"], ["gone.jsonl"]),
        (["--answers", "answers.jsonl", "--survey", "nowhere"], ["nowhere"]),
        (["--answers", "pairs.jsonl", "--survey", "survey"], ["pairs.jsonl:1"]),
        (["--pairs", "answers.jsonl"], ["answers.jsonl:1"]),
        (["--pairs", "empty.jsonl"], ["empty.jsonl"]),
        (["--pairs", "pairs.jsonl", "--residents", "gone.csv"], ["gone.csv", "no such file"]),
        (["--pairs", "pairs.jsonl", "--residents", "survey"], ["survey", "a folder, not a file"]),
        (
            ["--pairs", "pairs.jsonl", "--residents", "broken.csv"],
            ["broken.csv:2: share 'half' is not in [0, 1]"],
        ),
        (
            ["--pairs", "pairs.jsonl", "--axes", "x=broken.csv"],
            ["broken.csv", "no column has numbers"],
        ),
        (
            ["--pairs", "pairs.jsonl", "--axes", "latin.csv"],
            ["latin.csv:2: the file must be UTF-8"],
        ),
        (["--items", "broken.jsonl"], ["broken.jsonl:2", "docs/audits.md"]),
        (["--pairs", "pairs.jsonl", "--method", "scpo"], ["methods", "no run of reward models"]),
        (["--pairs", "pairs.jsonl", "--config", "gone.toml"], ["gone.toml: no such file"]),
        (
            ["--pairs", "pairs.jsonl", "--config", "bad.toml"],
            ["bad.toml", "did you mean 'participation'?"],
        ),
        (
            ["--explain", "--set", "simplification.alike=0.2"],
            ["simplification.alike: 0.2 is not a table"],
        ),
        (["--explain", "--set", "smal=2"], ["smal", "did you mean 'small'?"]),
        (["--pairs", "pairs.jsonl", "--out", "pairs.jsonl"], ["pairs.jsonl", "check the path"]),
        (["--pairs", "pairs.jsonl", "--strict", "--residents", "broken.csv"], ["broken.csv:2"]),
    ],
)
def test_an_impossible_request_ends_with_one_readable_message(
    call: Call,
    words: list[str],
    told: list[str],
    pairs: Path,
    answers: Path,
    survey: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.jsonl").write_text("", encoding="utf-8")
    Path("broken.csv").write_text(BROKEN, encoding="utf-8")
    Path("latin.csv").write_bytes(b"country,x\nM\xe9xico,1\n")
    Path("broken.jsonl").write_text('\n{"id": "gift"}\n', encoding="utf-8")
    Path("bad.toml").write_text("[participatoin.few-people]\nconcern = 50\n", encoding="utf-8")

    result = call("audit", *words)

    assert result.exit_code == 2, result.output
    for part in told:
        assert part in result.stderr
    assert result.stderr.count("error: ") == 1
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_a_method_that_the_run_does_not_have_is_refused(
    call: Call, trained: Path, tmp_path: Path
) -> None:
    result = call("audit", trained, "--method", "adaptive", "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert "the run has no such method" in result.stderr
    assert "reference, full, scpo" in result.stderr


def test_one_method_is_audited_where_one_is_named(
    call: Call, trained: Path, tmp_path: Path
) -> None:
    result = call("audit", trained, "-m", "full", "--out", tmp_path / "out", "--json", *QUICK)

    assert json.loads(result.stdout)["record"]["evidence"]["methods"] == ["full"]


def test_a_process_of_its_own_reports_the_error_without_a_traceback(
    shell: Callable[..., Any], tmp_path: Path, pairs: Path
) -> None:
    (tmp_path / "r.csv").write_text(BROKEN)

    done = shell("audit", "--pairs", pairs, "--residents", tmp_path / "r.csv", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "r.csv:2" in done.stderr and "Traceback" not in done.stderr and "Warning" not in done.stderr
    )
