import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.respondents.servers import Behaviour, serving

from pluralign.asking import load_strategy, put
from pluralign.core import Ask, InvalidInput, Message, Reply, Sampling
from pluralign.respondents.recorded import KeptCompletions, RecordedRespondent
from pluralign.simulation import SimulatedRespondent, SocietySurvey

SURVEY = SocietySurvey(questions=6).survey()
ASKS = put(load_strategy("culture_aware"), SURVEY, SURVEY.communities)


class Counting(SimulatedRespondent):
    """Counts what it is asked; fails where told."""

    asked: list[Ask]

    def answer(self, asks, heard=None):  # type: ignore[no-untyped-def]
        COUNTED.extend(asks)
        replies = [
            Reply("", failure="busy") if ask.question.id in FAILING else self._answer(ask)
            for ask in asks
        ]
        for i, reply in enumerate(replies):
            if i == STOP_AFTER:
                raise KeyboardInterrupt
            if heard is not None:
                heard(i, reply)
        return replies


COUNTED: list[Ask] = []
FAILING: set[str] = set()
STOP_AFTER = 10_000


@pytest.fixture
def inner(monkeypatch: pytest.MonkeyPatch) -> SimulatedRespondent:
    COUNTED.clear()
    FAILING.clear()
    return Counting(SURVEY, "~river")


def test_nothing_is_asked_twice(inner: SimulatedRespondent, tmp_path: Path) -> None:
    first = RecordedRespondent(inner, tmp_path / "a.jsonl").answer(ASKS)
    again = RecordedRespondent(inner, tmp_path / "a.jsonl").answer(ASKS[::-1])
    assert (len(COUNTED), again[::-1]) == (len(ASKS), first)
    assert first == SimulatedRespondent(SURVEY, "~river").answer(ASKS)


def question_of(ask: Ask) -> str:
    return ask.question.id


def test_asks_that_are_the_same_are_asked_once_and_each_has_a_row(
    inner: SimulatedRespondent, tmp_path: Path
) -> None:
    path, resumed = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    replies = RecordedRespondent(inner, path, same=question_of).answer(ASKS)
    questions = {ask.question.id for ask in ASKS}
    assert len(COUNTED) == len(questions) < len(ASKS) == len(path.read_text().splitlines())
    assert len({(a.question.id, r) for a, r in zip(ASKS, replies, strict=True)}) == len(questions)
    # A run that was stopped after the first of them does not ask for the others either.
    RecordedRespondent(inner, resumed, same=question_of).answer(ASKS[:1])
    COUNTED.clear()
    assert RecordedRespondent(inner, resumed, same=question_of).answer(ASKS) == replies
    assert len(COUNTED) == len(questions) - 1
    FAILING.update(questions)
    failed = RecordedRespondent(inner, tmp_path / "c.jsonl", same=question_of).answer(ASKS)
    assert {reply.failure for reply in failed} == {"busy"}


def test_answers_received_before_a_stop_are_kept(
    inner: SimulatedRespondent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "STOP_AFTER", 7)
    with pytest.raises(KeyboardInterrupt):
        RecordedRespondent(inner, tmp_path / "a.jsonl").answer(ASKS)
    monkeypatch.setitem(globals(), "STOP_AFTER", 10_000)
    COUNTED.clear()
    RecordedRespondent(inner, tmp_path / "a.jsonl").answer(ASKS)
    assert len(COUNTED) == len(ASKS) - 7


def test_failed_asks_are_asked_again(inner: SimulatedRespondent, tmp_path: Path) -> None:
    FAILING.add(ASKS[0].question.id)
    replies = RecordedRespondent(inner, tmp_path / "a.jsonl").answer(ASKS)
    assert {reply.failure for reply in replies} == {"busy", None}
    FAILING.clear()
    COUNTED.clear()
    assert all(
        reply.failure is None
        for reply in RecordedRespondent(inner, tmp_path / "a.jsonl").answer(ASKS)
    )
    assert {ask.question.id for ask in COUNTED} == {ASKS[0].question.id}


def test_a_line_cut_by_a_kill_is_dropped_and_asked_again(
    inner: SimulatedRespondent, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    RecordedRespondent(inner, path).answer(ASKS)
    path.write_bytes(path.read_bytes()[:-20])
    COUNTED.clear()
    RecordedRespondent(inner, path).answer(ASKS)
    assert len(COUNTED) == 1
    assert all(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def test_a_damaged_line_is_taken_out_and_asked_again(
    inner: SimulatedRespondent, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    RecordedRespondent(inner, path).answer(ASKS[:3])
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], "{broken", lines[2]]) + "\n", encoding="utf-8")
    COUNTED.clear()
    again = RecordedRespondent(inner, path)
    assert again.damaged == 1
    again.answer(ASKS[:3])
    assert len(COUNTED) == 1


def test_another_respondents_file_is_refused(inner: SimulatedRespondent, tmp_path: Path) -> None:
    RecordedRespondent(inner, tmp_path / "a.jsonl").answer(ASKS[:1])
    with pytest.raises(InvalidInput, match="another model"):
        RecordedRespondent(replace(inner, knowledge=0.5), tmp_path / "a.jsonl")


def test_completions_are_kept_by_their_words_and_how_they_were_drawn(tmp_path: Path) -> None:
    from pluralign.respondents.endpoint import EndpointChatModel, EndpointSettings

    behaviour = Behaviour()
    talks = [(Message("user", str(i)),) for i in range(5)]
    with serving(behaviour) as url:
        for sampling in (Sampling(), Sampling(), Sampling(temperature=0.5)):
            chat = KeptCompletions(
                EndpointChatModel(EndpointSettings("m", url)), tmp_path / "c.jsonl"
            )
            assert [reply.text for reply in chat.complete(talks, sampling)] == [
                f"re: {i}" for i in range(5)
            ]
    assert set(behaviour.asked.values()) == {2}


@pytest.mark.slow
def test_a_killed_survey_goes_on_and_the_server_is_asked_for_no_more_than_was_in_flight(
    tmp_path: Path,
) -> None:
    behaviour = Behaviour(delay=0.05)
    with serving(behaviour) as url:
        command = [
            *(
                sys.executable,
                "-m",
                "pluralign.cli.main",
                "survey",
                "run",
                "--survey",
                "society_survey",
            ),
            *(
                "--model",
                "m",
                "--base-url",
                url,
                "--set",
                "model.concurrency=4",
                "--out",
                str(tmp_path / "run"),
            ),
        ]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while sum(behaviour.asked.values()) < 60 and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        running.wait()
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert "resuming earlier work" in done.stderr
    # 360 asks (60 questions put once, and to 5 communities); a text may stand for several asks.
    assert 360 <= sum(behaviour.asked.values()) <= 360 + 4
