import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import split_thought

FORMS = [
    ("<think>", "</think>"),
    ("<THINK>", "</Think>"),
    ("< think >", "</ think >"),
    ('<think budget="2">', "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thinking>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<antThinking>", "</antThinking>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<thought_process>", "</thought_process>"),
    ("<internal-reasoning>", "</internal-reasoning>"),
    ("[unused16]", "[unused17]"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("◁think▷", "◁/think▷"),
    ("Here is my thought process:", "Here is my response:"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("analysis", "assistantfinal"),
]


@pytest.mark.parametrize(("opens", "closes"), FORMS)
def test_text_between_the_marks_of_any_form_is_thought(opens: str, closes: str) -> None:
    split = split_thought(f"{opens}We say answer: 3?{closes}\n\n2")
    assert split.answer == "2"
    assert "answer: 3" in split.thought


@pytest.mark.parametrize(("opens", "closes"), FORMS)
def test_a_thought_that_never_closes_is_no_answer(opens: str, closes: str) -> None:
    assert split_thought(f"{opens}We say answer: 3?").answer is None


@pytest.mark.parametrize(("opens", "closes"), FORMS[:24])
@given(text=st.text(alphabet="ab .\n2", min_size=1).filter(str.strip))
def test_an_empty_template_equals_the_text_without_it(opens: str, closes: str, text: str) -> None:
    bare = text.lstrip()
    for blank in ("", "\n\n", " "):
        assert split_thought(f"{opens}{blank}{closes}{blank}{bare}").answer == bare


@given(st.text())
def test_text_without_thoughts_comes_back_unchanged(text: str) -> None:
    if not any(mark in text for mark in "<[&◁") and not text.lstrip().startswith(
        ("ana", "com", "H")
    ):
        assert (split_thought(text).thought, split_thought(text).answer) == ("", text)


@given(
    st.lists(
        st.sampled_from(
            ["<think>", "</think>", "<reflection>", "</reflection>", "a", " ", "\n", "[THINK]"]
        )
    )
)
def test_text_after_the_last_closing_mark_is_always_the_answer(parts: list[str]) -> None:
    split = split_thought("".join(parts) + "</think>2")
    assert split.answer is not None
    assert split.answer.endswith("2")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Okay. My answer is 1? Hmm, no.\n</think>\n\n2", "2"),
        ("a</think>b</think>c", "c"),
        ("<think>a</think>b</think>c", "c"),
        ("<think>a<think>b</think>c</think>2", "2"),
        ("<think>I may write a <think> tag, or <think> it.</think>2", "2"),
        ("<think>a <reflection>b</reflection> c</think>2", "2"),
        ("<think>a <reflection>b</think>2", "2"),
        ("<think>\n<think>\nThe template and the model opened it.</think>2", "2"),
        ("<think>a</think>2\n<think>b</think>\n<think>c", None),
        ("2\n<think>Was it 3?</think>", "2"),
        ("2\n<think>Was it 3?", None),
        ("2<think>Was it 3?", None),
        ("<think>a</think>2 <think>b</think>because", "2 because"),
        ("<think>a</think>", None),
        ("<think/>2", "2"),
        ('<think>He said </think> is the "</think>" mark.</think>2', "2"),
        (
            "<|begin_of_thought|>3?<|end_of_thought|>\n<|begin_of_solution|>2<|end_of_solution|>",
            "2",
        ),
        ("<|begin_of_thought|>3?<|begin_of_solution|>2<|end_of_solution|>", "2"),
        ("<|START_THINKING|>3?<|END_THINKING|><|START_RESPONSE|>2<|END_RESPONSE|>", "2"),
        ("<|channel|>final<|message|>2<|return|>", "2"),
        (
            "<|channel|>final<|message|>3<|end|>"
            "<|start|>assistant<|channel|>final<|message|>2<|end|>",
            "2",
        ),
        (
            "<|channel|>analysis<|message|>Look it "
            "up.<|end|><|start|>assistant<|channel|>commentary "
            'to=functions.f <|constrain|>json<|message|>{"answer": 3}<|call|>',
            None,
        ),
        ("<|think|>3?<|end|><|begin|>assistant<|content|>2", "2"),
        ("## Thinking\n\nAnswer: 3?\n\n## Final Response\n\n2", "2"),
        ("Perhaps 3.<|end|><|start|>assistant<|channel|>final<|message|>2", "2"),
        ("analysisWe say 3.assistantcommentary to=f 4assistantfinal2", "2"),
    ],
)
def test_the_answer_is_the_text_outside_of_thoughts(text: str, answer: str | None) -> None:
    assert split_thought(text).answer == answer


@pytest.mark.parametrize(
    "text",
    [
        "Use the <think> tag before you answer.",
        "I write <think> and never close it",
        "Put it between <think> and </think>, please.",
        "Write `<think>` first; then `</think>`.",
        "Write `<think>...</think>` first.",
        'The "</think>" mark ends it.',
        "请使用<think>标签。",
        "So:\n```\n<think>\nHm\n</think>\n2\n```\nIt is easy.",
        "Use `<|channel|>final<|message|>` for answers.",
        "analysis of the data: the assistantfinal token ends it",
        "Analysis shows that 2 is best.",
        "[thinking] Well, I would say 2.",
        "<reason for refusal>",
        "<no_think> 2",
        "## Thinking\n\nThinking is fun.",
        "commentary: the assistant finalised 2",
        "a < b and b > c; x[think_i]",
        "2<|im_end|>",
    ],
)
def test_prose_about_marks_is_no_thought(text: str) -> None:
    assert (split_thought(text).thought, split_thought(text).answer) == ("", text)


@pytest.mark.parametrize(
    "part",
    ["<think>", "</think>", "a <think>", "<think ", "<|channel|>final", "[THINK]", "`<think>"],
)
def test_hostile_repetition_is_read(part: str) -> None:
    split_thought(part * 200_000)
