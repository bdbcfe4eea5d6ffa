import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import (
    ChatModel,
    Conversation,
    InvalidSettings,
    NotEnoughData,
    Reply,
    Sampling,
    UnknownCommunity,
)
from pluralign.pluralising import pluralise_run as running_module
from pluralign.pluralising import (
    read_stage,
    run_pluralise,
)
from pluralign.runs.folder import read_rows
from pluralign.settings import (
    ResolvedPluralise,
    explain_pluralise,
    resolve_pluralise,
)

SETTINGS: dict[str, Any] = {
    "survey": {"source": "society_survey", "questions": 12},
    "model": {"kind": "endpoint", "name": "double", "base_url": "http://127.0.0.1:9/v1"},
    "communities": ["~river", "~hill"],
    "questions": {"per_topic": 30, "round_size": 10},
}


@dataclass
class Double:
    """Writes questions g1, g2, ...; answers 1, and for ~hill 2 to every third question."""

    name: str = "double"
    fingerprint: str = "double"
    asked: list[str] = field(default_factory=list)
    stop_after: int = 10_000

    def complete(
        self,
        conversations: Sequence[Conversation],
        sampling: Sampling,
        heard: Callable[[int, Reply], None] | None = None,
    ) -> list[Reply]:
        replies = []
        for i, conversation in enumerate(conversations):
            if len(self.asked) >= self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(conversation[-1].content)
            replies.append(Reply(self.say(conversation)))
            if heard is not None:
                heard(i, replies[-1])
        return replies

    def say(self, conversation: Conversation) -> str:
        words = conversation[-1].content
        if "Write one new question" in words:
            number = len(self.asked)
            options = ["Yes", "No", "Maybe"] if number % 10 else ["Yes"]
            return json.dumps({"question": f"Is {number} good?", "options": options})
        number = int(words.split()[1])
        return "2" if "hill" in conversation[0].content.lower() and number % 3 == 0 else "1."


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Double:
    chat = Double()

    def opened(_: object, __: object = None) -> ChatModel:
        return chat

    monkeypatch.setattr(running_module, "open_chat_model", opened)
    return chat


def resolved(**changes: Any) -> ResolvedPluralise:
    return resolve_pluralise(SETTINGS | changes, base=Path(), where="test")


def test_questions_are_written_filtered_answered_and_collected(
    double: Double, tmp_path: Path
) -> None:
    stages = run_pluralise(resolved(), tmp_path / "run", until="collect").stages
    assert stages["questions"]["questions"] == 30
    assert stages["filter"] == stages["filter"] | {
        "read": 30,
        "kept": 27,
        "dropped": {"fewer than two options": 3},
    }
    assert stages["answer"]["asked"] == 27 * 3
    collected = read_rows(tmp_path / "run/collect/collected.jsonl")
    assert stages["collect"]["collected"] == {"~river": 0, "~hill": len(collected)}
    for row in collected:
        assert int(row["question"].split()[1]) % 3 == 0
        assert (row["said_unaware"], row["said_aware"]) == ("Yes", "No")
    kept = read_rows(tmp_path / "run/filter/questions.jsonl")
    assert len(collected) == sum(int(q["text"].split()[1]) % 3 == 0 for q in kept)


def test_a_run_that_was_stopped_asks_nothing_twice(double: Double, tmp_path: Path) -> None:
    whole = run_pluralise(resolved(), tmp_path / "whole", until="collect").stages
    total, double.asked = len(double.asked), []
    for stop in (7, 25, 60):
        double.stop_after = stop
        with pytest.raises(KeyboardInterrupt):
            run_pluralise(resolved(), tmp_path / "run", until="collect")
    double.stop_after = 10_000
    again = run_pluralise(resolved(), tmp_path / "run", until="collect").stages
    assert len(double.asked) == total
    assert again["collect"] | {"seconds": 0} == whole["collect"] | {"seconds": 0}
    done = len(double.asked)
    run_pluralise(resolved(), tmp_path / "run", until="collect")
    assert len(double.asked) == done


def test_asks_that_failed_are_reported_and_asked_again(
    double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_pluralise(resolved(), tmp_path / "run", until="filter")
    real = Double.complete

    def failing(
        self: Double, conversations: Sequence[Conversation], sampling: Sampling, heard: Any = None
    ) -> Any:
        replies = [Reply("", failure="busy") for _ in conversations]
        for i, reply in enumerate(replies):
            heard(i, reply)
        return replies

    monkeypatch.setattr(Double, "complete", failing)
    assert (
        run_pluralise(resolved(), tmp_path / "run", until="answer").stages["answer"]["failed"]
        == 27 * 3
    )
    monkeypatch.setattr(Double, "complete", real)
    assert (
        run_pluralise(resolved(), tmp_path / "run", until="answer").stages["answer"]["failed"] == 0
    )


def test_another_seed_needs_another_folder_and_another_fraction_does_not(
    double: Double, tmp_path: Path
) -> None:
    whole = run_pluralise(resolved(), tmp_path / "run", until="collect").stages["collect"]
    half = run_pluralise(
        resolved(collect={"fraction": 0.5}), tmp_path / "run", until="collect"
    ).stages["collect"]
    assert half["collected"]["~hill"] == round(whole["collected"]["~hill"] / 2)
    with pytest.raises(InvalidSettings, match="other settings"):
        run_pluralise(resolved(seed=3), tmp_path / "run", until="collect")
    run_pluralise(resolved(seed=3), tmp_path / "run", until="collect", fresh=True)


def test_a_stage_can_be_done_again(double: Double, tmp_path: Path) -> None:
    run_pluralise(resolved(), tmp_path / "run", until="answer")
    asked = len(double.asked)
    run_pluralise(resolved(), tmp_path / "run", until="answer", again="answer")
    assert len(double.asked) == asked + 27 * 3


def test_questions_of_a_file_replace_written_ones(double: Double, tmp_path: Path) -> None:
    rows = [
        {"topic": "Work", "question": f"Is {i} good?", "options": ["Yes", "No"]} for i in range(9)
    ]
    (tmp_path / "mine.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8"
    )
    told = resolved(questions={"file": str(tmp_path / "mine.jsonl")})
    stages = run_pluralise(told, tmp_path / "run", until="collect").stages
    assert (stages["filter"]["kept"], stages["collect"]["collected"]["~hill"]) == (9, 3)
    assert not any("Write one" in words for words in double.asked)


def test_the_outcome_of_a_stage_can_be_read_later(double: Double, tmp_path: Path) -> None:
    stages = run_pluralise(resolved(), tmp_path / "run", until="filter").stages
    assert read_stage(tmp_path / "run", "filter") == stages["filter"]
    with pytest.raises(InvalidSettings, match="did not run yet"):
        read_stage(tmp_path / "run", "tune")
    with pytest.raises(InvalidSettings, match="must be one of"):
        read_stage(tmp_path / "run", "cook")


def test_a_model_behind_a_server_is_not_tuned_and_what_was_done_stays(
    double: Double, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSettings, match="only a local model"):
        run_pluralise(resolved(), tmp_path / "run")
    assert read_stage(tmp_path / "run", "collect")["kept"] > 0


def test_a_model_that_writes_no_question_ends_with_its_reason(
    double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Double, "say", lambda self, conversation: "I would rather not.")
    with pytest.raises(NotEnoughData, match=r"no question of .* can be read"):
        run_pluralise(resolved(), tmp_path / "run", until="filter")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"communities": ["~river"]}, "at least two cultures"),
        ({"model": {"kind": "simulated"}}, "writes no questions"),
        ({"model": {"name": "m", "adapter": "a"}}, "merge it"),
        ({"tune": {"kinds": []}}, "tune.kinds"),
        ({"tune": {"learning_rat": 1}}, "unknown key"),
        ({"answer": {"aware": "culture_unaware"}}, "names no culture"),
        ({"answer": {"unaware": "culture_aware"}}, "names a culture"),
        ({"answer": {"aware": "self_alignment"}}, "real answers"),
        ({"answer": {"aware": "culture_awar"}}, "no strategy"),
        ({"questions": {"file": "nowhere.jsonl"}}, "no such file"),
        (
            {"questions": {"file": ""}},
            r"questions.file: must be a path(.|\n)*leave the setting out",
        ),
        ({"collect": {"fraction": 0}}, "greater than 0"),
    ],
)
def test_settings_that_cannot_be_run_are_refused_before_anything_starts(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said):
        resolved(**changes)


def test_a_culture_that_the_survey_lacks_is_named(double: Double, tmp_path: Path) -> None:
    with pytest.raises(UnknownCommunity, match="MEX"):
        run_pluralise(resolved(communities=["~river", "MEX"]), tmp_path / "run")


def test_every_setting_is_explained_with_its_origin() -> None:
    told = resolve_pluralise(SETTINGS, base=Path(), where="mine.toml", overrides=["tune.rank=4"])
    lines = {line.key: (line.value, line.origin) for line in explain_pluralise(told)}
    assert lines["tune.rank"] == ("4", "--set")
    assert lines["questions.per_topic"] == ("30", "mine.toml")
    assert lines["tune.learning_rate"] == ("0.0001", "default")


def test_tables_run_as_what_they_resolve_to(double: Double, tmp_path: Path) -> None:
    resolved = resolve_pluralise(SETTINGS)
    whole = run_pluralise(resolved, tmp_path / "resolved", until="collect").stages
    tables = run_pluralise(SETTINGS, tmp_path / "tables", until="collect").stages
    for stages in (whole, tables):
        for stage in stages.values():
            stage.pop("seconds")
    assert tables == whole
