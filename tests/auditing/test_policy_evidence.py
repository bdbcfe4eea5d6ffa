"""Evidence on policies is read from the folder of a run of `pluralign align`."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.reports.folders import write_lines, write_policies

from pluralign.auditing import Given, gather, run_audit
from pluralign.auditing.policy_evidence import people_words, read_abilities
from pluralign.audits import PolicyEvidence
from pluralign.core import DamagedFile, InvalidInput, InvalidSettings, Tally, rng_for

PROMPTS = [f"p{i}" for i in range(12)]
MEX = ["MEX"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of raft for Mexico whose test prompts are the even ones; spreads are 2 and 4."""
    folder = write_policies(tmp_path / "follow", MEX, tuned=["raft"])
    record = json.loads((folder / "record.json").read_text())
    record["stages"]["score"] = {
        "scale": {"MEX": {"median": 0.0, "spread": 2.0}},
        "scale of the judge": {"MEX": {"median": 0.0, "spread": 4.0}},
    }
    (folder / "record.json").write_text(json.dumps(record))
    (folder / "tune/raft/MEX").mkdir(parents=True)
    rng = rng_for(0, "run")
    start = [{"prompt": p, "number": k} for p in PROMPTS for k in range(4)]
    texts = [row | {"text": f"Answer {row['number']} to {row['prompt']}."} for row in start]
    write_lines(folder / "sample/candidates.jsonl", texts)
    write_lines(folder / "score/rewards.jsonl", [row | _scores(rng, 0.0) for row in start])
    test = PROMPTS[::2]
    write_lines(folder / "evaluate/prompts.jsonl", [{"prompt": p, "language": "en"} for p in test])
    write_lines(
        folder / "evaluate/raft/MEX.jsonl", [{"prompt": p, "texts": ["Yes.", "No."]} for p in test]
    )
    now = [{"prompt": p, "number": k} for p in test for k in range(2)]
    write_lines(
        folder / "evaluate/raft/MEX.rewards.jsonl", [row | _scores(rng, 6.0) for row in now]
    )
    return folder


def _scores(rng: np.random.Generator, more: float) -> dict[str, Any]:
    """A reward, and a judge of twice its spread that agrees with it but for some noise."""
    reward = more + rng.normal()
    return {"reward": {"MEX": reward}, "judged": {"MEX": 2 * reward + rng.normal()}}


def policies_of(folder: Path, **given: Any) -> PolicyEvidence:
    found = gather(Given(folder, **given)).evidence.policies
    assert found is not None
    return found


def test_answers_to_test_prompts_are_read_with_rewards_in_spreads(run: Path) -> None:
    found = policies_of(run)

    assert (found.communities, list(found.prompts)) == (("MEX",), PROMPTS[::2])
    assert (found.start.n, found.tuned[0].answers.n) == (4, 2)
    assert [(p.method, p.steer) for p in found.policies] == [("best of 4", "MEX"), ("raft", "MEX")]
    row = json.loads((run / "evaluate/raft/MEX.rewards.jsonl").read_text().splitlines()[0])
    answers = found.tuned[0].answers
    assert answers.reward_P_n_C[0, 0, 0] == pytest.approx(row["reward"]["MEX"] / 2)
    assert answers.judged_P_n_C is not None
    assert answers.judged_P_n_C[0, 0, 0] == pytest.approx(row["judged"]["MEX"] / 4)


def test_an_audit_of_its_folder_needs_nothing_else(run: Path) -> None:
    outcome = run_audit(run, {"audits": ["reward-hacking", "policy-harm", "policy-flattening"]})

    status = {f"{a.audit}.{a.check}": a.status for a in outcome.assessments}
    assert status["policy-harm.worse-for"] == "clear"
    assert status["reward-hacking.growing-gap"] == "clear"
    assert outcome.record["evidence"]["policies"] == ["best of 4 · MEX", "raft · MEX"]
    read = outcome.record["evidence"]["read"]["answers of policies"]
    assert read["kept"] == 6 * 4 + 6 * 2
    assert (run / "audit/findings.jsonl").is_file()


def test_a_run_without_rewards_of_answers_is_to_be_measured_again(run: Path) -> None:
    (run / "evaluate/prompts.jsonl").unlink()

    with pytest.raises(DamagedFile, match=r"no list of test prompts\n.*--again evaluate"):
        policies_of(run)


def test_a_policy_that_did_not_answer_every_test_prompt_is_left_out(run: Path) -> None:
    path = run / "evaluate/raft/MEX.rewards.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-2]) + "\n")
    found = gather(Given(run))

    assert found.evidence.policies is not None and not found.evidence.policies.tuned
    assert "not all test prompts are answered" in str(found.tally("answers of policies").notes)


Write = Callable[[str], Path]


@pytest.fixture
def table(tmp_path: Path) -> Write:
    def write(rows: str) -> Path:
        path = tmp_path / "abilities.csv"
        path.write_text("method,steer,task,before,after,n,error\n" + rows)
        return path

    return write


def test_abilities_are_compared_as_independent_shares_where_no_error_is_given(
    table: Write,
) -> None:
    first, second = read_abilities(
        table("raft,Mexico,mmlu,0.5,0.4,100,\nraft,joint,mmlu,0.5,0.4,100,0.01\n"), Tally()
    )

    assert (first.steer, second.steer) == ("MEX", None)
    assert first.error == pytest.approx(np.sqrt((0.25 + 0.24) / 100))
    assert second.error == 0.01


@pytest.mark.parametrize(
    ("row", "said"),
    [("raft,MEX,mmlu,0.5,1.4,100,", "numbers in"), ("raft,MEX,mmlu,0.5,0.4,1,", "at least 2")],
)
def test_abilities_that_are_no_shares_are_refused(table: Write, row: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"abilities.csv:2: .*{said}"):
        read_abilities(table(row + "\n"), Tally())


def test_abilities_without_policies_are_refused(table: Write) -> None:
    with pytest.raises(InvalidSettings, match="there is no run of policies"):
        gather(Given(abilities=table("raft,MEX,mmlu,0.5,0.4,100,\n")))


@pytest.mark.parametrize(
    ("community", "words"),
    [
        ("GBR", ["British people", "Britons", "people from the United Kingdom"]),
        ("FRA", ["Frenchmen", "French people"]),
        ("~hill", ["people of Hill"]),
    ],
)
def test_words_for_a_people_are_subjects_of_sentences(community: str, words: Sequence[str]) -> None:
    assert set(words) <= set(people_words(community))
