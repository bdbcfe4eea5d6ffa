import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pluralign.core import InvalidInput, Message, Prompt, RewardRequest
from pluralign.serving.templates import SPECIAL_TOKENS
from pluralign.serving.transcripts import read_transcript, split_query

jinja2 = pytest.importorskip("jinja2")

SYSTEM = Message("system", "Be brief.\n\nBe kind.")
TURNS = (
    Message("user", "What do people eat\nat *weddings* in Ghana? [1]"),
    Message("assistant", "<think>\nJollof?\n</think>\n\nJollof rice, often.\n\n- and fufu"),
    Message("user", "Why? a < b | c > d"),
)
ANSWER = "It feeds many.\n\n    And <b>it keeps</b> well: 100 %."


@cache
def compiled(source: str) -> Any:
    """In the environment that transformers renders chat templates in."""
    return jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(source)


@dataclass(frozen=True)
class Template:
    """A model's chat template, without its branches for tools and images."""

    source: str
    bos: str
    eos: str
    system: bool = True
    """Whether a system turn stays a turn of its own."""

    def render(self, turns: tuple[Message, ...], *, to_go_on: bool = False) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        tokens = {"bos_token": self.bos, "eos_token": self.eos}
        return str(
            compiled(self.source).render(
                messages=messages, add_generation_prompt=to_go_on, **tokens
            )
        )


TEMPLATES = {
    "chatml (Qwen 2.5)": Template(
        "{%- if messages[0]['role'] == 'system' %}"
        "{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}{%- endif %}"
        "{%- for message in messages %}{%- if message.role != 'system' or not loop.first %}"
        "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
        "{%- endif %}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}",
        bos="",
        eos="<|im_end|>",
    ),
    "Llama 3": Template(
        "{% set loop_messages = messages %}{% for message in loop_messages %}"
        "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
        "+ message['content'] | trim + '<|eot_id|>' %}"
        "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
        "{% endif %}",
        bos="<|begin_of_text|>",
        eos="<|eot_id|>",
    ),
    "Gemma 2": Template(
        "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'assistant') %}"
        "{% set role = 'model' %}"
        "{% else %}{% set role = message['role'] %}{% endif %}"
        "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}",
        bos="<bos>",
        eos="<eos>",
    ),
    "Gemma 3": Template(
        "{{ bos_token }}{%- if messages[0]['role'] == 'system' -%}"
        "{%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}"
        "{%- set loop_messages = messages[1:] -%}"
        "{%- else -%}{%- set first_user_prefix = '' -%}{%- set loop_messages = messages -%}"
        "{%- endif -%}"
        "{%- for message in loop_messages -%}"
        "{%- if (message['role'] == 'assistant') -%}{%- set role = 'model' -%}"
        "{%- else -%}{%- set role = message['role'] -%}{%- endif -%}"
        "{{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else '') }}"
        "{{ message['content'] | trim }}{{ '<end_of_turn>\n' }}{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{'<start_of_turn>model\n'}}{%- endif -%}",
        bos="<bos>",
        eos="<eos>",
        system=False,
    ),
    "Llama 2": Template(
        "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
        "{% set system_message = messages[0]['content'] %}{% else %}"
        "{% set loop_messages = messages %}"
        "{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
        "{% if loop.index0 == 0 and system_message != false %}"
        "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + "
        "message['content'] %}"
        "{% else %}{% set content = message['content'] %}{% endif %}"
        "{% if message['role'] == 'user' %}"
        "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
        "{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}"
        "{% endif %}"
        "{% endfor %}",
        bos="<s>",
        eos="</s>",
    ),
    "Mistral 0.3": Template(
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
        "{% set system_message = messages[0]['content'] %}"
        "{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}"
        "{% endif %}"
        "{% for message in loop_messages %}{% if message['role'] == 'user' %}"
        "{% if loop.first and system_message is defined %}"
        "{{ '[INST] ' + system_message + '\n\n' + message['content'] + '[/INST]' }}"
        "{% else %}{{ '[INST] ' + message['content'] + '[/INST]' }}{% endif %}"
        "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}"
        "{% endif %}{% endfor %}",
        bos="<s>",
        eos="</s>",
        system=False,
    ),
    "Mistral Small 3": Template(
        "{{- bos_token }}{%- for message in messages %}{%- if message['role'] == 'user' %}"
        "{{- '[INST]' + message['content'] + '[/INST]' }}{%- elif message['role'] == 'system' %}"
        "{{- '[SYSTEM_PROMPT]' + message['content'] + '[/SYSTEM_PROMPT]' }}"
        "{%- elif message['role'] == 'assistant' %}"
        "{{- message['content'] + eos_token }}{%- endif %}{%- endfor %}",
        bos="<s>",
        eos="</s>",
    ),
    "Zephyr": Template(
        "{% for message in messages %}\n{% if message['role'] == 'user' %}\n"
        "{{ '<|user|>\n' + message['content'] + eos_token }}"
        "\n{% elif message['role'] == 'system' %}\n"
        "{{ '<|system|>\n' + message['content'] + eos_token }}"
        "\n{% elif message['role'] == 'assistant' %}\n"
        "{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
        "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}"
        "\n{% endfor %}",
        bos="<s>",
        eos="</s>",
    ),
    "Tulu 3": Template(
        "{% for message in messages %}"
        "{% if message['role'] == 'system' %}{{ '<|system|>\n' + message['content'] + '\n' }}"
        "{% elif message['role'] == 'user' %}{{ '<|user|>\n' + message['content'] + '\n' }}"
        "{% elif message['role'] == 'assistant' %}"
        "{% if not loop.last %}{{ '<|assistant|>\n'  + message['content'] + eos_token + '\n' }}"
        "{% else %}{{ '<|assistant|>\n'  + message['content'] + eos_token }}{% endif %}{% endif %}"
        "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
        "{% endfor %}",
        bos="<|begin_of_text|>",
        eos="<|end_of_text|>",
    ),
    "Phi-3": Template(
        "{% for message in messages %}"
        "{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}"
        "{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}"
        "{% elif message['role'] == 'assistant' %}"
        "{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}"
        "{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
        bos="<s>",
        eos="<|endoftext|>",
    ),
    "DeepSeek V3": Template(
        "{% set ns = namespace(system_prompt='') %}{%- for message in messages %}"
        "{%- if message['role'] == 'system' %}"
        "{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}"
        "{{ns.system_prompt}}"
        "{%- for message in messages %}"
        "{%- if message['role'] == 'user' %}{{'<｜User｜>' + message['content']}}{%- endif %}"
        "{%- if message['role'] == 'assistant' %}"
        "{{'<｜Assistant｜>' + message['content'] + '<｜end▁of▁sentence｜>'}}"
        "{%- endif %}{%- endfor -%}{% if add_generation_prompt %}{{'<｜Assistant｜>'}}{% endif %}",
        bos="<｜begin▁of▁sentence｜>",
        eos="<｜end▁of▁sentence｜>",
    ),
    "Human and Assistant": Template(
        "{% for message in messages %}"
        "{{ '\n\n' + ('Human' if message['role'] == 'user' else 'Assistant') + ': ' + "
        "message['content'] }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '\n\nAssistant:' }}{% endif %}",
        bos="",
        eos="<|endoftext|>",
        system=False,
    ),
}
every_template = pytest.mark.parametrize("template", TEMPLATES.values(), ids=list(TEMPLATES))
CHATML, LLAMA_2, DEEPSEEK = (
    TEMPLATES[name] for name in ("chatml (Qwen 2.5)", "Llama 2", "DeepSeek V3")
)
MARKS = (
    "<|",
    "<｜",
    "<start_of_turn>",
    "INST]",
    "SYS>>",
    "SYSTEM_PROMPT]",
    "Human:",
    "Assistant:",
    *SPECIAL_TOKENS,
)


def asked(template: Template) -> tuple[Message, ...]:
    return (SYSTEM, *TURNS) if template.system else TURNS


def padded(text: str, template: Template) -> str:
    return f"{template.eos * 3}{template.bos}{text}{template.eos}\n{template.eos * 2}"


def said() -> st.SearchStrategy[str]:
    """What people and models might say, with pieces that look like marks and are none."""
    pieces = st.sampled_from(
        ["<", "[", "|>", "]", "\n", "\n\n", " ", "Human", "Assistant", "<think>", ":", "<b>", "</"]
    )
    texts = (
        st.lists(st.one_of(st.text(max_size=12), pieces), min_size=1, max_size=8)
        .map("".join)
        .map(str.strip)
    )
    return texts.filter(lambda text: text != "" and not any(mark in text for mark in MARKS))


# Reading what templates write


@every_template
def test_a_conversation_that_a_template_wrote_is_read_back_exactly(template: Template) -> None:
    turns = asked(template)
    assert read_transcript(
        template.render((*turns, Message("assistant", ANSWER)))
    ) == RewardRequest(turns, ANSWER)


@every_template
def test_a_query_is_split_behind_its_prompt(template: Template) -> None:
    turns = asked(template)
    prompt = template.render(turns, to_go_on=True)
    assert split_query(f"{prompt}{ANSWER}{template.eos}", prompt) == RewardRequest(turns, ANSWER)


@every_template
def test_padding_at_both_ends_is_taken_off(template: Template) -> None:
    turns = asked(template)
    prompt = template.render(turns, to_go_on=True)
    assert split_query(padded(prompt + ANSWER, template), prompt) == RewardRequest(turns, ANSWER)
    whole = template.render((*turns, Message("assistant", ANSWER)))
    assert read_transcript(padded(whole, template)) == RewardRequest(turns, ANSWER)


@every_template
@settings(derandomize=True, max_examples=30, deadline=None)
@given(
    contents=st.lists(said(), min_size=2, max_size=6).filter(lambda each: len(each) % 2 == 0),
    padding=st.booleans(),
)
def test_every_conversation_is_read_back(
    template: Template, contents: list[str], padding: bool
) -> None:
    turns = tuple(
        Message(("user", "assistant")[i % 2], content) for i, content in enumerate(contents)
    )
    prompt: Prompt = turns[0].content if len(turns) == 2 else turns[:-1]
    whole, before = template.render(turns), template.render(turns[:-1], to_go_on=True)
    expected = RewardRequest(prompt, contents[-1])
    assert read_transcript(padded(whole, template) if padding else whole) == expected
    query = before + contents[-1]
    assert (
        split_query(padded(query, template) if padding else query + template.eos, before)
        == expected
    )


@every_template
def test_one_turn_of_the_user_is_a_prompt_of_plain_text(template: Template) -> None:
    whole = template.render((Message("user", "Tea?"), Message("assistant", "Yes.")))
    assert read_transcript(whole) == RewardRequest("Tea?", "Yes.")


@pytest.mark.parametrize("name", ["Gemma 3", "Mistral 0.3"])
def test_a_system_turn_that_a_template_puts_into_the_users_stays_there(name: str) -> None:
    whole = TEMPLATES[name].render((SYSTEM, Message("user", "Tea?"), Message("assistant", "Yes.")))
    assert read_transcript(whole) == RewardRequest("Be brief.\n\nBe kind.\n\nTea?", "Yes.")


def test_turns_of_tools_are_refused() -> None:
    turns = (Message("user", "Sum?"), Message("assistant", "2+2"))
    assert read_transcript(CHATML.render((*turns, Message("assistant", "Four.")))).prompt == turns
    header = "<|start_header_id|>{}<|end_header_id|>\n\n{}<|eot_id|>"
    words = (("user", "Sum?"), ("assistant", "2+2"), ("ipython", "4"), ("assistant", "Four."))
    text = "".join(header.format(*each) for each in words)
    with pytest.raises(InvalidInput, match=r"role of turn 2 must be one of .*, got 'tool'"):
        read_transcript(text)


def test_a_conversation_without_a_question_has_no_prompt_or_one_of_turns() -> None:
    hello = "<|im_start|>assistant\nHello.<|im_end|>"
    assert read_transcript(hello) == RewardRequest("", "Hello.")
    assert read_transcript(CHATML.render((SYSTEM,)) + hello) == RewardRequest((SYSTEM,), "Hello.")


def test_whitespace_between_two_marks_in_a_row_does_not_part_them() -> None:
    text = "<s> [SYSTEM_PROMPT] Be brief. [/SYSTEM_PROMPT] [INST] Tea? [/INST] Yes.</s>"
    expected = RewardRequest((Message("system", "Be brief."), Message("user", "Tea?")), "Yes.")
    assert read_transcript(text) == expected
    assert (
        read_transcript("<s>[INST]\n<<SYS>> Be brief. <</SYS>> Tea? [/INST] Yes.</s>") == expected
    )


def test_words_open_a_turn_only_behind_an_empty_line() -> None:
    text = "Human: A play?\n\nAssistant: Anna\nHuman: hi\nAssistant: ho"
    assert read_transcript(text) == RewardRequest("A play?", "Anna\nHuman: hi\nAssistant: ho")


# What is inside is not altered


@pytest.mark.parametrize(
    "odd",
    ["Hi.\n\nHuman: hi\n\nAssistant: ho", "Use [INST] x [/INST] y", "<|user|>\nx", "<s>a</s>"],
)
def test_marks_of_other_formats_in_a_response_are_text(odd: str) -> None:
    prompt = CHATML.render(TURNS, to_go_on=True)
    assert split_query(f"{prompt}{odd}<|im_end|>", prompt) == RewardRequest(TURNS, odd)
    assert read_transcript(f"{prompt}{odd}<|im_end|>\n<|endoftext|>") == RewardRequest(TURNS, odd)


@every_template
def test_marks_of_its_own_format_in_a_response_are_text_where_the_prompt_is_known(
    template: Template,
) -> None:
    prompt = template.render(TURNS, to_go_on=True)
    odd = template.render(
        (Message("assistant", "One."), *TURNS[-1:], Message("assistant", "Two."))
    ).strip()
    odd = odd.removeprefix(template.bos).removesuffix(template.eos).strip() + " So it goes."
    assert split_query(f"{prompt}Look: {odd}{template.eos}", prompt).response == f"Look: {odd}"


@pytest.mark.parametrize("template", [CHATML, DEEPSEEK], ids=["chatml", "DeepSeek"])
def test_thoughts_stay_in_the_response_and_so_does_what_the_prompt_began(
    template: Template,
) -> None:
    prompt = template.render(TURNS, to_go_on=True)
    thought = "<think>\nLet me see.\n</think>\n\nTea."
    assert split_query(prompt + thought + template.eos, prompt).response == thought
    opened = f"{prompt}<think>\n"
    continued = f"{opened}Let me see.\n</think>\n\nTea.{template.eos}"
    assert (
        split_query(continued, opened)
        == read_transcript(continued)
        == RewardRequest(TURNS, thought)
    )


# Splitting at a prompt


@every_template
def test_a_prompt_without_the_assistants_mark_leaves_it_to_the_query(template: Template) -> None:
    prompt = template.render(TURNS)
    query = template.render((*TURNS, Message("assistant", ANSWER)))
    if query.startswith(prompt):  # Phi-3 closes what it does not go on with
        assert split_query(query, prompt) == RewardRequest(TURNS, ANSWER)


def test_a_response_may_follow_a_prompt_without_any_mark_between() -> None:
    prompt = "<|im_start|>user\nTea?<|im_end|>\n"
    assert split_query(prompt + "<s>Yes.</s><|im_end|>", prompt) == RewardRequest(
        "Tea?", "<s>Yes.</s>"
    )
    assert split_query(prompt + "<|im_start|>user\nNo.", prompt).response == "<|im_start|>user\nNo."


@every_template
def test_an_empty_response_is_a_response(template: Template) -> None:
    prompt = template.render((Message("user", "Tea?"),), to_go_on=True)
    assert split_query(prompt + template.eos * 2, prompt) == RewardRequest("Tea?", "")


@every_template
def test_a_query_cut_off_at_its_beginning_is_read_as_far_as_it_goes(template: Template) -> None:
    prompt = template.render(asked(template), to_go_on=True)
    query = prompt + ANSWER + template.eos
    cut = query[query.index("b | c > d") :]
    assert split_query(cut, prompt) == RewardRequest("b | c > d", ANSWER)
    longer = query[query.index("- and fufu") :]
    assert split_query(longer, prompt) == RewardRequest(
        (Message("assistant", "- and fufu"), TURNS[-1]), ANSWER
    )


def test_a_system_turn_that_is_cut_off_is_the_systems_where_the_format_shows_it() -> None:
    whole = DEEPSEEK.render((SYSTEM, Message("user", "Tea?"), Message("assistant", "Yes.")))
    expected = RewardRequest((Message("system", "kind."), Message("user", "Tea?")), "Yes.")
    assert read_transcript(whole[whole.index("kind.") :]) == expected


def test_a_prompt_that_no_template_wrote_is_text() -> None:
    assert split_query("<s> Tea or coffee?\nTea.</s></s>", "Tea or coffee?") == RewardRequest(
        "Tea or coffee?", "Tea."
    )
    assert split_query("Tea?</s> Yes.</s>", "Tea?</s>") == RewardRequest("Tea?", "Yes.")
    about = "What does <|user|> mean?"
    assert split_query(about + " A mark.<|endoftext|>", about) == RewardRequest(about, "A mark.")


@pytest.mark.parametrize(
    "prompt", ["", "  ", "<s>", "something else", "[INST] something else [/INST]"]
)
def test_a_query_without_a_prompt_that_fits_is_read_alone(prompt: str) -> None:
    query = CHATML.render((*TURNS, Message("assistant", ANSWER)))
    assert split_query(query, prompt) == read_transcript(query) == RewardRequest(TURNS, ANSWER)


# Nothing to split


@pytest.mark.parametrize(
    "text",
    [
        "Tea.",
        "",
        "Ask [INST], not me.",
        "a <|im_start|> b",
        "Note:\n\nHuman: hi\n\nAssistant: ho",
        "Humans: all of us",
        "é\n1",
    ],
)
def test_text_in_no_format_is_a_response_to_nothing(text: str) -> None:
    assert read_transcript(text) == RewardRequest("", text)
    assert read_transcript(f"<|endoftext|><s> {text}</s>\n[PAD][PAD]") == RewardRequest("", text)


@every_template
def test_a_conversation_without_a_response_is_refused(template: Template) -> None:
    text = template.render(TURNS[:1]).replace("[/INST]", "")
    with pytest.raises(InvalidInput, match="ends in a turn of the user: there is no response"):
        read_transcript(text)


# Hostile text


PIECES = (
    *(
        "<|im_start|>",
        "<|im_start|>user\n",
        "<|im_end|>x",
        "<|start_header_id|>a",
        "<start_of_turn>model\n",
    ),
    *(
        "[INST]",
        "[/INST]",
        "[INST] <<SYS>>",
        "<</SYS>>",
        "[/SYSTEM_PROMPT]  ",
        "<|assistant|>",
        "<｜User｜>",
        "<|",
    ),
    *("\n\nHuman:", "Assistant:", "\n", " ", "</s>", "[PAD]"),
)


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_text_takes_time_linear_in_its_length(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    started = time.process_time()
    for hostile in (text, "x" + text, text + "x"):
        with_or_without_response(hostile)
        with_or_without_response(hostile, hostile[:100_000])
    assert time.process_time() - started < 10  # six readings; quadratic ones take minutes


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    query=st.lists(
        st.one_of(st.text(max_size=5), st.sampled_from(PIECES + SPECIAL_TOKENS)), max_size=12
    ).map("".join),
    cut=st.integers(0, 80),
)
@example(query="<|im_start|>assistant", cut=15)
def test_any_text_is_split_or_refused_as_invalid_input(query: str, cut: int) -> None:
    with_or_without_response(query)
    with_or_without_response(query, query[:cut])
    with_or_without_response(query, query[cut:])


def with_or_without_response(query: str, prompt: str | None = None) -> None:
    try:
        request = read_transcript(query) if prompt is None else split_query(query, prompt)
    except InvalidInput:
        return
    assert request.response == request.response.strip()
    assert request.response in query
