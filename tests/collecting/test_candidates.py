"""Answers to compare that a language model writes."""

import json
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from pluralign.asking import Malformed
from pluralign.cli import collect_candidates_command
from pluralign.cli.main import app
from pluralign.collecting.candidates import (
    Question,
    RefusedReply,
    append_prompts,
    conversation_for,
    questions_without,
    read_answers,
    write_candidates,
)
from pluralign.collecting.store.tables import pair, text
from pluralign.collecting.study_texts import StudyPrompt, add_prompts, read_prompts
from pluralign.core import Reply, Sampling

FOUR = ("Ask your family.", "Decide alone.", "Pray first.", "Follow the evidence.")
TEA = Question("Tea or coffee?", "en")


@dataclass
class Scripted:
    """A chat model that replies what it is given, and remembers what it was asked."""

    replies: list
    name: str = "llama"
    fingerprint: str = "scripted"
    asked: list = field(default_factory=list)

    def complete(self, conversations, sampling, heard=None):
        self.asked += [(conversation, sampling.seed) for conversation in conversations]
        replies = [self.replies.pop(0) for _ in conversations]
        return [one if isinstance(one, Reply) else Reply(one) for one in replies]


def _one(*replies, question=TEA, tries=3):
    chat = Scripted(list(replies))
    (found,) = write_candidates(chat, [question], Sampling(1.0, 0.9, 500, 7), 200, tries)
    return found, chat


def test_four_answers_of_one_call_become_a_row_with_their_origin():
    question = Question("Tea?", "es", community="MEX", licence="CC-BY-4.0")
    found, chat = _one(json.dumps(FOUR), question=question)
    assert len(chat.asked) == 1
    assert found == StudyPrompt(
        prompt="Tea?",
        responses=FOUR,
        language="es",
        community="MEX",
        licence="CC-BY-4.0",
        origin="llama; 4 answers in one call, temperature 1, top_p 0.9",
    )


def test_the_call_names_the_prompt_the_language_and_the_number_of_answers():
    (turn,) = conversation_for("What about {braces} and 50 %?", "hi")
    assert turn.role == "user"
    for part in ("What about {braces} and 50 %?", "tag hi", "4 answers", "different values"):
        assert part in turn.content


def test_a_code_block_around_the_array_is_read():
    assert read_answers(f"```json\n{json.dumps(FOUR)}\n```", 200) == FOUR


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Sure! Here are four answers.", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (json.dumps(FOUR) + " I hope this helps.", "not JSON"),
        (json.dumps({"answers": FOUR}), "not a JSON array of texts"),
        (json.dumps([*FOUR[:3], 4]), "not a JSON array of texts"),
        (json.dumps(FOUR[:3]), "3 answers instead of 4"),
        (json.dumps([*FOUR, "More."]), "5 answers instead of 4"),
        (json.dumps([*FOUR[:3], "..."]), "cannot be shown: Please write something"),
        (json.dumps([*FOUR[:3], "x" * 201]), "At most 200 characters fit"),
        (json.dumps([*FOUR[:3], "a\u202eb"]), "change its direction"),
        (json.dumps([*FOUR[:3], "decide ALONE!"]), "there twice: 'decide ALONE!'"),
    ],
)
def test_a_reply_of_another_form_is_malformed(reply, reason):
    with pytest.raises(Malformed, match=reason):
        read_answers(reply, 200)


def test_an_answer_that_the_prompt_has_already_is_refused():
    with pytest.raises(Malformed, match="there twice"):
        read_answers(json.dumps(FOUR), 200, taken=["pray first"])


def test_a_malformed_reply_is_asked_for_again_with_another_seed():
    found, chat = _one("no", Reply("", finish_reason="length"), json.dumps(FOUR))
    assert isinstance(found, StudyPrompt)
    assert [seed for _, seed in chat.asked] == [7, 8, 9]


def test_a_prompt_is_refused_after_the_last_try_and_nothing_of_it_is_kept():
    found, _ = _one("no", Reply("", failure="timed out"), tries=2)
    assert found == RefusedReply("Tea or coffee?", "the request failed: timed out")


def test_prompts_that_a_model_has_answered_are_left_out():
    rows = [
        StudyPrompt(prompt="Tea?", responses=("a", "b"), language="en"),
        StudyPrompt(prompt="Tea?", responses=("c", "d"), language="en", origin="other; x"),
        StudyPrompt(prompt="Bread?", responses=("e", "f"), language="en"),
        StudyPrompt(prompt="Bread?", responses=("g", "h"), language="en", origin="llama; x"),
    ]
    assert questions_without("llama", rows) == [Question("Tea?", "en", taken=("a", "b", "c", "d"))]


def test_appended_rows_follow_the_rows_that_were_there(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "Té?", "responses": ["sí", "no"], "language": "es"}', "utf-8")
    row = StudyPrompt(prompt="Tea?", responses=FOUR, language="en", origin="llama; x")
    append_prompts(path, [row])
    append_prompts(path, [])
    assert [one.prompt for one in read_prompts(path)] == ["Té?", "Tea?"]
    assert read_prompts(path)[1] == row


def test_only_the_answers_have_the_models_origin_in_the_store(store):
    row = StudyPrompt(prompt="Tea?", responses=FOUR, language="en", origin="llama; x")
    assert store.write(lambda c: add_prompts(c, [row], 0)) == 5
    with store.reading() as connection:
        found = connection.execute(select(text.c.kind, text.c.origin).distinct()).all()
    assert {tuple(one) for one in found} == {("prompt", "study"), ("response", "llama; x")}


def test_the_command_writes_answers_reports_refusals_and_does_not_ask_twice(study, monkeypatch):
    (study.folder / "questions.txt").write_text("Tea?\n\nBread?\nTea?\n", "utf-8")
    chat = Scripted([json.dumps(FOUR), "no", "no", "no"])
    monkeypatch.setattr(collect_candidates_command, "_chat", lambda *_: chat)
    folder = str(study.folder)
    given = ["collect", "candidates", folder, "--model", "llama"]
    first = CliRunner().invoke(app, [*given, "--prompts", f"{folder}/questions.txt"])
    assert first.exit_code == 1
    assert "prompts answered: 1, refused: 1" in first.stdout
    assert "refused: the reply is not JSON" in first.stderr
    assert [row.responses for row in read_prompts(study.folder / "prompts.jsonl")] == [FOUR]
    again = CliRunner().invoke(app, given)
    assert again.exit_code == 0
    assert "every prompt has answers" in again.stdout
    assert len(chat.asked) == 4


def test_an_answer_that_is_added_to_a_known_prompt_makes_pairs_with_the_earlier_ones(store):
    def added(*responses):
        row = StudyPrompt(prompt="Tea?", responses=responses, language="en")
        return store.write(lambda c: add_prompts(c, [row], 0))

    def pairs():
        with store.reading() as c:
            return c.execute(select(func.count()).select_from(pair)).scalar_one()

    assert (added("Yes.", "No."), pairs()) == (3, 1)
    assert (added("Yes.", "No.", "Yes."), pairs()) == (0, 1)
    assert (added("Perhaps.", "Later."), pairs()) == (2, 1 + 2 + 3)
