import json
from collections.abc import Sequence

import pytest

from pluralign.core import (
    Conversation,
    InvalidInput,
    Reply,
    Sampling,
    Survey,
    SurveyQuestion,
    Tally,
)
from pluralign.methods.culturespa import (
    GenerationConfig,
    filter_questions,
    generate_questions,
    generation_prompt,
    read_generated,
    topics_of,
)

SEEDS = {"Work": [SurveyQuestion(f"Q{i}", f"Seed {i}?", ("Yes", "No")) for i in range(6)]}
SMALL = GenerationConfig(per_topic=20, round_size=5)


class Writer:
    """Writes a new question each time, or what it is told to."""

    name = fingerprint = "writer"

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.texts, self.asked, self.seeds = list(texts), [], []  # type: ignore[var-annotated]

    def complete(
        self, conversations: Sequence[Conversation], sampling: Sampling, heard=None
    ) -> list[Reply]:  # type: ignore[no-untyped-def]
        self.seeds.append(sampling.seed)
        return [self.one(conversation) for conversation in conversations]

    def one(self, conversation: Conversation) -> Reply:
        self.asked.append(conversation)
        if self.texts:
            return Reply(self.texts.pop(0))
        return Reply(json.dumps({"question": f"New {len(self.asked)}?", "options": ["A", "B"]}))


def shown(conversation: Conversation) -> list[str]:
    lines = conversation[-1].content.splitlines()
    return [json.loads(line)["question"] for line in lines if line.startswith("{")]


def test_every_prompt_shows_three_seeds_and_two_questions_written_before() -> None:
    writer = Writer()
    rows = generate_questions(writer, SEEDS, SMALL)
    kinds = [sorted(text.split()[0] for text in shown(asked)) for asked in writer.asked]
    assert kinds[:5] == [["Seed"] * 5] * 5
    assert kinds[5:] == [["New", "New", "Seed", "Seed", "Seed"]] * 15
    assert [row["question"] for row in rows] == [f"New {i}?" for i in range(1, 21)]


def test_examples_have_no_fixed_order() -> None:
    writer = Writer()
    generate_questions(writer, SEEDS, SMALL)
    assert len({tuple(text.split()[0] for text in shown(asked)) for asked in writer.asked[5:]}) > 3


def test_every_round_draws_with_its_own_seed() -> None:
    writer = Writer()
    generate_questions(writer, SEEDS, SMALL, seed=7)
    assert writer.seeds == [7, 8, 9, 10]


def test_the_same_seed_asks_the_same() -> None:
    first, again, other = Writer(), Writer(), Writer()
    for writer, seed in ((first, 1), (again, 1), (other, 2)):
        generate_questions(writer, SEEDS, SMALL, seed=seed)
    assert first.asked == again.asked != other.asked


def test_an_unreadable_reply_is_kept_as_text_and_does_not_count() -> None:
    rows = generate_questions(
        Writer(["Sorry, no.", '{"question": 3, "options": []}']), SEEDS, SMALL
    )
    assert [row["text"] for row in rows if "text" in row] == [
        "Sorry, no.",
        '{"question": 3, "options": []}',
    ]
    assert sum("question" in row for row in rows) == 20
    tally = Tally()
    filter_questions(rows, tally)
    assert tally.dropped["no question"] == 2


def test_a_topic_that_the_model_cannot_write_about_ends_and_is_reported() -> None:
    tally = Tally()
    rows = generate_questions(Writer(["?"] * 1000), SEEDS, SMALL, tally=tally)
    assert len(rows) == 5 * 5
    assert tally.notes == {"Work: 5 rounds wrote no question that can be read": 20}


def test_requests_that_failed_are_counted_by_reason() -> None:
    class Failing(Writer):
        def one(self, conversation: Conversation) -> Reply:
            return Reply("", failure=f"the prompt has {len(self.asked)} tokens")

    tally = Tally()
    assert generate_questions(Failing(), SEEDS, SMALL, tally=tally) == []
    assert tally.dropped == {"request failed: the prompt has N tokens": 25}


def test_with_one_seed_question_a_topic_shows_only_that_one_of_the_survey() -> None:
    writer = Writer()
    generate_questions(writer, SEEDS, SMALL.model_copy(update={"seeds_per_topic": 1}))
    assert (
        len({text for asked in writer.asked for text in shown(asked) if text.startswith("Seed")})
        == 1
    )


def test_badly_formed_questions_are_never_shown() -> None:
    bad = json.dumps({"question": "Bad?", "options": ["Only one"]})
    writer = Writer([bad] * 5)
    generate_questions(writer, SEEDS, SMALL)
    assert not any("Bad?" in shown(asked) for asked in writer.asked)


@pytest.mark.parametrize(
    "text",
    [
        '{"question": "Q?", "options": ["A", "B"]}',
        'Here it is:\n```json\n{"question": "Q?", "options": ["A", "B"]}\n```',
        '{"note": 1} {"question": "Q?", "options": ["A", "B"]} {"question": "R?", "options": []}',
    ],
)
def test_the_first_object_with_question_and_options_is_read(text: str) -> None:
    assert read_generated(text) == {"question": "Q?", "options": ["A", "B"]}


@pytest.mark.parametrize(
    "text", ["", "{", '{"question": "Q?"}', '{"question": "Q?", "options": "A"}', "[1]", "{}{}"]
)
def test_anything_else_is_no_question(text: str) -> None:
    assert read_generated(text) is None


def test_prompts_are_json_also_where_a_question_has_quotes() -> None:
    asked = generation_prompt("Work", [('Is "work" {good}?', ("Yes", "No"))])
    assert shown(asked) == ['Is "work" {good}?']


def test_the_world_values_survey_has_its_thirteen_topics() -> None:
    questions = {f"Q{i}": SurveyQuestion(f"Q{i}", "?", ("Yes", "No")) for i in range(1, 260)}
    topics = topics_of(Survey("wvs", questions, ()))
    assert len(topics) == 13
    assert sum(map(len, topics.values())) == 259
    assert [q.id for q in topics["Economic Values"]] == [f"Q{i}" for i in range(106, 112)]


def test_another_survey_has_one_topic_unless_some_are_given() -> None:
    survey = Survey("mine", {"a": SEEDS["Work"][0], "b": SEEDS["Work"][1]}, ())
    assert list(topics_of(survey)) == ["people's values"]
    assert {t: len(qs) for t, qs in topics_of(survey, {"Work": ["b"]}).items()} == {"Work": 1}
    with pytest.raises(InvalidInput, match="no question 'c'"):
        topics_of(survey, {"Work": ["c"]})
    with pytest.raises(InvalidInput, match="no question is named"):
        topics_of(survey, {"Work": []})
