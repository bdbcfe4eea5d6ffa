import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import SplitThought, split_thought

TEMPLATES = {
    "tag": "<think>{}</think>",
    "closing tag alone": "{}</think>",
    "other tag": "<reasoning>{}</reasoning>",
    "tag with a name space": "<seed:think>{}</seed:think>",
    "tag with an attribute": '<thought depth="2">{}</thought>',
    "blanks in the tag, any case": "<THINK >{}</ Think>",
    "brackets": "[THINK]{}[/THINK]",
    "special tokens": "<|begin_of_thought|>{}<|end_of_thought|>",
    "capital special tokens": "<|START_THINKING|>{}<|END_THINKING|>",
    "triangles": "◁think▷{}◁/think▷",
    "harmony": "<|channel|>analysis<|message|>{}<|end|>"
    "<|start|>assistant<|channel|>final<|message|>",
    "harmony with a recipient": "<|channel|>commentary to=f <|constrain|>json<|message|>{}<|call|>"
    "<|start|>assistant<|channel|>final<|message|>",
    "harmony, its tokens stripped": "analysis{}assistantfinal",
    "in words": "Here is my thought process: {}\nHere is my response: ",
}
PLAIN = st.text(
    st.characters(exclude_characters="<>[]◁▷`\"'“”‘’«»「」|", exclude_categories=["Cs"]), min_size=1
)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())
def test_the_answer_is_the_text_after_the_thought(template: str) -> None:
    for between in ("", "\n\n", " "):
        found = split_thought(template.format("Option 1? Hmm, no, answer: 3.") + between + "2")
        assert found.answer == "2"
        assert "answer: 3" in found.thought


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())
@pytest.mark.parametrize("inside", ["", "\n\n"])
@pytest.mark.parametrize("answer", ["My family.", "2\n", "Two lines.\n\n  And more "])
def test_an_empty_template_changes_nothing(template: str, inside: str, answer: str) -> None:
    if template.startswith(("analysis", "Here")):
        assert split_thought(template.format("x") + answer).answer == answer
        return
    assert split_thought(template.format(inside) + "\n\n" + answer) == SplitThought("", answer)


@pytest.mark.parametrize(
    "cut",
    [
        "<think>It depends on",
        "  <think>It depends on",
        "<think>one</think>\n<think>two",
        "[THINK]It depends",
        "Well:\n<reasoning>It depends",
        "<|channel|>analysis<|message|>It depends",
        "<|channel|>analysis<|message|>It "
        "depends<|end|><|start|>assistant<|channel|>commentary<|message|>2",
        "analysisThe user asks",
        "analysis用户问",
        "<think>all of it</think>",
        "<think>all of it</think>\n ",
    ],
)
def test_a_thought_that_never_closes_or_is_alone_is_not_an_answer(cut: str) -> None:
    assert split_thought(cut).answer is None
    assert split_thought(cut).thought


@given(PLAIN)
def test_text_without_marks_is_its_own_answer_to_the_letter(text: str) -> None:
    if not text.lstrip().startswith(("analysis", "commentary", "assistant")):
        assert split_thought(text) == SplitThought("", text)


@pytest.mark.parametrize(
    "text",
    [
        "Use the <think> tag to begin.",
        "Close it with `</think>`, please.",
        'The mark "</think>" ends a thought.',
        "```\n<think>a thought</think>\n```\nThat is how it looks.",
        "analysis of the question: 2",
        "An analysisfinal is no assistantfinal2",
        "I think 2",
        "a [reason] for it",
    ],
)
def test_a_mention_of_a_mark_is_no_thought(text: str) -> None:
    assert split_thought(text) == SplitThought("", text)


def test_a_code_block_in_a_thought_does_not_hide_its_end() -> None:
    assert (
        split_thought("<think>\n```py\nx = 1</think>\n```\nx = 2\n```").answer == "```\nx = 2\n```"
    )


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>a</think>b</think>2", "2"),
        ("<think>a <think> b</think> 2", "2"),
        ("<think>a<think>b</think>c</think>2", "2"),
        ("2 <think>was that right?</think>", "2"),
        ("<think>a</think>One.\n<think>b</think>Two.", "One.\nTwo."),
        (
            "<|channel|>final<|message|>1<|end|>"
            "<|start|>assistant<|channel|>final<|message|>2<|return|>",
            "2",
        ),
        (
            "<|begin_of_thought|>a<|end_of_thought|>\n\n"
            "<|begin_of_solution|>\n2\n<|end_of_solution|>",
            "2",
        ),
    ],
)
def test_of_several_marks(text: str, answer: str) -> None:
    assert split_thought(text).answer == answer


@given(
    st.lists(
        st.sampled_from(
            [
                "<think>",
                "</think>",
                "[THINK]",
                "a",
                "\n",
                "`",
                "```\n",
                "<|channel|>final<|message|>",
            ]
        )
    )
)
def test_every_answer_is_part_of_the_written_text(parts: list[str]) -> None:
    text = "".join(parts)
    answer = split_thought(text).answer
    assert answer is None or set(answer) <= set(text + "\n")


@pytest.mark.parametrize(
    "unit",
    [
        "<think>",
        "</think>",
        "x<think>",
        "\n<think>",
        "<",
        "<think",
        "```\n",
        "[ ",
        "<|channel|>",
        "<|channel|>a",
        "analysis",
    ],
)
def test_a_hostile_text_is_read_in_one_pass(unit: str) -> None:
    split_thought(unit * (200_000 // len(unit)))  # quadratic time is minutes here
