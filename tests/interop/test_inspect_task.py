"""The survey in Inspect, run by its own command against a server on loopback."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from tests.respondents import servers
from tests.respondents.servers import Behaviour, serving

from pluralign.asking import load_strategy, put
from pluralign.core import Sampling, Tally, record_answer
from pluralign.evaluation.surveys import read_all
from pluralign.respondents.chat import ChatRespondent
from pluralign.respondents.endpoint import EndpointChatModel, EndpointSettings
from pluralign.simulation import SocietySurvey
from pluralign.surveying.survey_evaluation import measure

pytest.importorskip("inspect_ai")
pytest.importorskip("openai")
COMMUNITIES = ("~hill", "~river")
SURVEY = SocietySurvey().survey()
PUBLISHED = {
    "alignment": "cultural_alignment_score",
    "exact": "exact_accuracy",
    "refusals": "refusal_rate",
}
plain_answer = servers.answer


def by_its_words(text: str) -> bytes:
    """Some option, or no option, as the words decide."""
    says = ("1", "I would answer 2.", "I would rather not say.", "3", "1. ")
    found = json.loads(plain_answer(text))
    found["choices"][0]["message"]["content"] = says[zlib.crc32(text.encode()) % len(says)]
    return json.dumps(found).encode()


def inspect_eval(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("inspect")), "eval", "pluralign/survey"]
    command += [
        "--model",
        "openai-api/local/the-model",
        "--log-dir",
        "logs",
        "--log-format",
        "json",
    ]
    return subprocess.run(
        [*command, "--display", "plain", *arguments],
        cwd=folder,
        env=os.environ | {"LOCAL_BASE_URL": url, "LOCAL_API_KEY": "none"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def ours(url: str) -> dict[str, float]:
    """The numbers of `pluralign survey run`, under Inspect's names."""
    asks = put(load_strategy("culture_aware"), SURVEY, COMMUNITIES)
    respondent = ChatRespondent(EndpointChatModel(EndpointSettings("the-model", url)), Sampling())
    answers = [
        record_answer("m", ask, reply)
        for ask, reply in zip(asks, respondent.answer(asks), strict=True)
    ]
    rows, _, _ = measure(
        read_all(answers, SURVEY, "strict", "auto", Tally()), SURVEY, COMMUNITIES, Tally(), 0, 20
    )
    return {
        f"{name} {row['community']}": row["value"]
        for row in rows
        for name, metric in PUBLISHED.items()
        if row["metric"] == metric and row["model"] == "m" and row["community"]
    }


@pytest.mark.slow
def test_the_command_line_gives_the_numbers_of_a_survey_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "answer", by_its_words)
    with serving(Behaviour()) as url:
        done = inspect_eval(url, tmp_path, "-T", "communities=~hill,~river")
        wanted = ours(url)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (path,) = (tmp_path / "logs").glob("*.json")
    log: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    told = {
        m["name"]: m["value"]
        for score in log["results"]["scores"]
        for m in score["metrics"].values()
    }
    assert {name: told[name] for name in wanted} == pytest.approx(wanted)
    assert len(wanted) == 6
    closeness, _ = log["results"]["scores"]
    refused = [s for s in log["samples"] if s["scores"]["refusal"]["value"]]
    assert 0 < len(refused) == closeness["unscored_samples"] < len(log["samples"])
    assert {s["scores"]["closeness"]["reason"] for s in refused} == {"refusal"}


@pytest.mark.parametrize(
    ("given", "found"),
    [("~hill,~river", ("~hill", "~river")), (["~hill"], ("~hill",)), (None, SURVEY.communities)],
)
def test_communities_come_as_the_command_line_gives_them_or_as_a_text(
    given: Any, found: tuple[str, ...]
) -> None:
    from pluralign.interop.inspect_survey import survey

    samples = list(survey(communities=given, limit=1).dataset)
    assert tuple(sample.metadata["community"] for sample in samples) == found
    assert all(sample.target in sample.metadata["labels"] for sample in samples)


def test_a_community_that_the_survey_lacks_is_named_with_those_it_has() -> None:
    from pluralign.core import InvalidInput
    from pluralign.interop.inspect_survey import survey

    with pytest.raises(InvalidInput, match="MEX: not in the survey") as error:
        survey(communities=["Mexico", "~hill"])
    assert "~river" in str(error.value)


def test_importing_pluralign_and_its_interop_leaves_inspect_alone() -> None:
    code = (
        "import sys, pluralign, pluralign.interop, pluralign.cli.main; "
        "print('inspect_ai' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"
