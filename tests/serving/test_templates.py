"""Chat templates in use: every endpoint reads the plain prompt and response, or refuses them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from pluralign.core import InvalidInput, RewardRequest
from pluralign.serving.templates import FORMATS, MAY_HAVE_MARKS, unknown_mark
from pluralign.serving.transcripts import read_pair, read_transcript, split_query

PROMPT, RESPONSE = "What matters?", "My family."
CHATGPT = (
    "You are ChatGPT, a large language model trained by OpenAI.\n"
    "Knowledge cutoff: 2024-06\n\nReasoning: medium"
)
VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions."
)
ALPACA = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request."
)
Template = tuple[str, str, str]
KNOWN: dict[str, Template] = {
    # what stands before the prompt, between prompt and response, behind the response
    "ChatML": ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n"),
    "Llama 3": (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
    ),
    "Llama 4": (
        "<|begin_of_text|><|header_start|>user<|header_end|>\n\n",
        "<|eot|><|header_start|>assistant<|header_end|>\n\n",
        "<|eot|>",
    ),
    "Phi-4": (
        "<|im_start|>user<|im_sep|>",
        "<|im_end|><|im_start|>assistant<|im_sep|>",
        "<|im_end|>",
    ),
    "Phi-3": ("<|user|>\n", "<|end|>\n<|assistant|>\n", "<|end|>\n<|endoftext|>"),
    "Phi-4 mini": ("<|user|>", "<|end|><|assistant|>", "<|end|>"),
    "Command R": (
        "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
        "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        "<|END_OF_TURN_TOKEN|>",
    ),
    "Command A": (
        "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
        "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|><|START_RESPONSE|>",
        "<|END_RESPONSE|><|END_OF_TURN_TOKEN|>",
    ),
    "Granite": (
        "<|start_of_role|>user<|end_of_role|>",
        "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
        "<|end_of_text|>\n",
    ),
    "gpt-oss": (
        f"<|start|>system<|message|>{CHATGPT}<|end|><|start|>user<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|return|>",
    ),
    "gpt-oss, short": (
        "<|start|>user<|message|>",
        "<|end|><|start|>assistant<|message|>",
        "<|end|>",
    ),
    "EXAONE": ("[|user|]", "\n[|assistant|]", "[|endofturn|]\n"),
    "EXAONE 4": ("[|user|]\n", "[|endofturn|]\n[|assistant|]\n", "[|endofturn|]\n"),
    "Kimi": (
        "<|im_user|>user<|im_middle|>",
        "<|im_end|><|im_assistant|>assistant<|im_middle|>",
        "<|im_end|>",
    ),
    "Vicuna": (f"{VICUNA} USER: ", " ASSISTANT: ", "</s>"),
    "Vicuna, bare": ("USER: ", "\nASSISTANT: ", "</s>"),
    "Alpaca": (f"{ALPACA}\n\n### Instruction:\n", "\n\n### Response:\n", "</s>"),
    "Guanaco": ("### Human: ", "### Assistant: ", "</s>"),
    "Solar": ("### User:\n", "\n\n### Assistant:\n", "</s>"),
    "DeepSeek Coder": ("### Instruction:\n", "\n### Response:\n", "\n<|EOT|>"),
    "OpenChat": (
        "<s>GPT4 Correct User: ",
        "<|end_of_turn|>GPT4 Correct Assistant: ",
        "<|end_of_turn|>",
    ),
    "Nemotron": (
        "<extra_id_0>System\n\n<extra_id_1>User\n",
        "\n<extra_id_1>Assistant\n",
        "\n<extra_id_1>",
    ),
    "Nemotron H": (
        "<SPECIAL_10>System\n\n<SPECIAL_11>User\n",
        "\n<SPECIAL_11>Assistant\n",
        "\n<SPECIAL_12>\n",
    ),
    "Mistral 0.1": ("<s>[INST] ", " [/INST]", "</s>"),
    "Mistral 0.3": ("<s>[INST] ", "[/INST] ", "</s>"),
    "Mistral Tekken": ("<s>[INST]", "[/INST]", "</s>"),
    "Llama 2": ("<s>[INST] ", " [/INST] ", " </s>"),
    "Zephyr": ("<|user|>\n", "</s>\n<|assistant|>\n", "</s>\n"),
    "Tulu": ("<|user|>\n", "\n<|assistant|>\n", "<|endoftext|>"),
    "Falcon 3": ("<|user|>\n", "\n<|assistant|>\n", "<|endoftext|>"),
    "Falcon": ("User: ", "\n\nAssistant: ", "<|endoftext|>"),
    "Falcon 180B": ("User: ", "\nFalcon: ", "<|endoftext|>"),
    "GLM-4": ("[gMASK]<sop><|user|>\n", "<|assistant|>\n", "<|user|>"),
    "GLM-4.5": ("[gMASK]<sop><|user|>\n", "<|assistant|>\n", "<|endoftext|>"),
    "DeepSeek": ("<｜begin▁of▁sentence｜><｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
    "DeepSeek 2": ("<｜begin▁of▁sentence｜>User: ", "\n\nAssistant: ", "<｜end▁of▁sentence｜>"),
    "Gemma": (
        "<bos><start_of_turn>user\n",
        "<end_of_turn>\n<start_of_turn>model\n",
        "<end_of_turn>\n",
    ),
    "Gemma 4": ("<bos><|turn>user\n", "<turn|>\n<|turn>model\n", "<turn|>\n"),
    "InternLM": ("<s><|User|>:", "<eoh>\n<|Bot|>:", "<eoa>\n"),
    "Hunyuan": (
        "<｜hy_begin▁of▁sentence｜><｜hy_User｜>",
        "<｜hy_Assistant｜>",
        "<｜hy_place▁holder▁no▁2｜>",
    ),
    "Ernie": ("<|begin_of_sentence|>User: ", "\nAssistant: ", "<|end_of_sentence|>"),
    "Jamba": ("<|startoftext|><|bom|><|user|> ", "<|eom|><|bom|><|assistant|> ", "<|eom|>"),
    "OpenAssistant": ("<|prompter|>", "<|endoftext|><|assistant|>", "<|endoftext|>"),
    "StableLM": ("<|USER|>", "<|ASSISTANT|>", "<|endoftext|>"),
    "Apertus": ("<s><|user_start|>", "<|user_end|><|assistant_start|>", "<|assistant_end|>"),
    "Ling": ("<role>HUMAN</role>", "<role>ASSISTANT</role>", "<|role_end|>"),
    "Seed": ("<seed:bos>user\n", "<seed:eos><seed:bos>assistant\n", "<seed:eos>"),
    "MiniMax": ("]~!b[]~b]user\n", "[e~[\n]~b]ai\n", "[e~[\n"),
    "Baichuan": ("<reserved_106>", "<reserved_107>", "</s>"),
    "MiniCPM": ("<用户>", "<AI>", "</s>"),
    "RedPajama": ("<human>: ", "\n<bot>: ", "<|endoftext|>"),
    "Human and Assistant": ("Human: ", "\n\nAssistant: ", ""),
}
UNKNOWN: dict[str, Template] = {
    "bars": ("<|bos|><|turn_user|>", "<|turn_end|><|turn_model|>", "<|turn_end|>"),
    "bars, role behind": ("<|turn|>user\n", "<|stop|>\n<|turn|>model\n", "<|stop|>"),
    "brackets": ("[|Human|]", "\n[|AI|]", "[|stop|]"),
    "full-width bars": ("<｜new▁User｜>", "<｜new▁Bot｜>", "<｜stop｜>"),
    "start of": ("<start_of_human>", "<end_of_human><start_of_bot>", "<end_of_bot>"),
    "half bars": ("<|says>user\n", "<said|>\n<|says>model\n", "<said|>"),
    "beginning of": (
        "<beginning_of_turn>user name=someone\n",
        "<end_of_turn>\n<beginning_of_turn>ai name=it\n",
        "<end_of_turn>",
    ),
    "underlined": ("<_user>", "<_bot>", "<_end>"),
    "square and numbered": ("[unused9]用户：", "[unused10][unused9]助手：", "[unused10]"),
    "numbered": ("<unused_1>user\n", "<unused_2>\n<unused_1>model\n", "<unused_2>"),
    "tags": ("<user>", "</user><assistant>", "</assistant>"),
    "square brackets": ("[USER] ", " [ASSISTANT] ", "</s>"),
    "beginning cut off": ("matters? <|x|>\n<|from_user|>", "<|stop|>\n<|from_bot|>", "<|stop|>"),
}
ENDPOINTS = (
    "/classify",
    "/pooling",
    "/predict",
    "/get_reward",
    "/steered/~coast/classify",
    "/steered/~coast/predict",
)
known = pytest.mark.parametrize("template", KNOWN.values(), ids=KNOWN)
unknown = pytest.mark.parametrize("template", UNKNOWN.values(), ids=UNKNOWN)


def body(path: str, text: str) -> dict[str, Any]:
    name = path.rpartition("/")[2]
    return {"predict": {"inputs": text, "raw_scores": True}, "get_reward": {"query": [text]}}.get(
        name, {"input": text}
    )


def number(answer: Any) -> float:
    assert answer.status_code == 200, answer.text
    found = answer.json()
    if isinstance(found, list):
        return float(found[0]["score"])
    if "rewards" in found:
        return float(found["rewards"][0])
    row = found["data"][0]
    return float(row["score"] if "score" in row else (row.get("probs") or row["data"])[0])


@pytest.fixture(scope="module")
def plain(client: TestClient) -> Callable[[str | None], float]:
    """The reward of the plain prompt and response, for a community or the reference."""

    def reward(community: str | None) -> float:
        sent = {
            "items": [{"prompt": PROMPT, "response": RESPONSE}],
            "communities": community or "~world",
        }
        (found,) = client.post("/v1/rewards", json=sent).json()["items"][0]["rewards"].values()
        return float(found["value"])

    return reward


@known
def test_a_template_is_read_as_the_plain_prompt_and_response(template: Template) -> None:
    before, between, behind = template
    expected = RewardRequest(PROMPT, RESPONSE)
    assert read_transcript(before + PROMPT + between + RESPONSE + behind) == expected
    assert read_transcript(before + PROMPT + between + RESPONSE) == expected


@known
def test_a_response_is_split_from_its_known_prompt(template: Template) -> None:
    before, between, behind = template
    prompt = before + PROMPT + between
    assert split_query(prompt + RESPONSE + behind, prompt) == RewardRequest(PROMPT, RESPONSE)


@known
def test_prompt_and_response_may_be_sent_apart(template: Template) -> None:
    before, between, behind = template
    expected = RewardRequest(PROMPT, RESPONSE)
    assert read_pair(before + PROMPT + between, RESPONSE + behind) == expected
    assert read_pair(PROMPT, RESPONSE + behind) == expected


@known
@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_reward_is_that_of_the_plain_prompt_and_response(
    client: TestClient, plain: Callable[[str | None], float], template: Template, path: str
) -> None:
    before, between, behind = template
    answer = client.post(path, json=body(path, before + PROMPT + between + RESPONSE + behind))
    assert number(answer) == pytest.approx(plain("~coast" if "~coast" in path else None), abs=1e-6)


@known
def test_the_token_that_closes_a_turn_is_never_scored(
    client: TestClient, plain: Callable[[str | None], float], template: Template
) -> None:
    before, between, behind = template
    prompt = before + PROMPT + between
    expected = pytest.approx(plain(None), abs=1e-6)
    for query, asked in (
        (prompt + RESPONSE + behind, prompt),
        (f"{PROMPT} {RESPONSE}{behind}", PROMPT),
    ):
        assert (
            number(client.post("/get_reward", json={"query": [query], "prompts": [asked]}))
            == expected
        )
    pair = {"queries": prompt, "documents": RESPONSE + behind}
    assert number(client.post("/score", json=pair)) == expected
    inputs = {"inputs": [prompt, RESPONSE + behind], "raw_scores": True}
    assert number(client.post("/predict", json=inputs)) == expected


@unknown
@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_template_that_is_not_known_is_refused_and_its_mark_named(
    client: TestClient, template: Template, path: str
) -> None:
    before, between, behind = template
    answer = client.post(path, json=body(path, before + PROMPT + between + RESPONSE + behind))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert "marks of an unknown chat template" in problem["detail"]
    assert "messages" in problem["hint"]
    assert RESPONSE not in answer.text


@unknown
def test_a_prompt_of_a_template_that_is_not_known_is_refused(
    client: TestClient, template: Template
) -> None:
    prompt = template[0] + PROMPT + template[1]
    for path, sent in (
        ("/get_reward", {"query": [prompt + RESPONSE], "prompts": [prompt]}),
        ("/score", {"queries": prompt, "documents": RESPONSE}),
        ("/predict", {"inputs": [prompt, RESPONSE]}),
    ):
        assert "unknown" in client.post(path, json=sent).json()["detail"]


@pytest.mark.parametrize(
    "token",
    [
        "<|eot|>",
        "<|END_OF_TURN_TOKEN|>",
        "<|return|>",
        "[|endofturn|]",
        "</s>",
        "<|new_end|>",
        "<end_of_new>",
    ],
)
def test_a_closing_token_behind_a_plain_text_is_not_scored(
    client: TestClient, plain: Callable[[str | None], float], token: str
) -> None:
    sent = {"query": [f"{PROMPT}{RESPONSE}{token}"], "prompts": [PROMPT]}
    assert number(client.post("/get_reward", json=sent)) == pytest.approx(plain(None), abs=1e-6)


ORDINARY = [
    "In F#, `x |> f` pipes and [|1; 2|] is an array; OCaml has [|x|] too. Haskell has a <|> b.",
    "ChatML writes <|im_start|> and <|im_end|>; Zephyr writes <|user|> and <|assistant|>.",
    "Use `<|user|>` for the user and `<|assistant|>` for the model.",
    "<p>Hello, <b>user</b>!</p><user-card>Ann</user-card>",
    "<user><name>Ann</name></user>",
    '<!DOCTYPE html><html><body class="assistant">Hi</body></html>',
    "User: a person. Assistant: a helper. Both are roles.",
    "Q: Why?\nA: Because.",
    "**User:** hi\n\n**Bot:** hello",
    "# Instruction\n\nBoil it.\n\n## Response\n\nIt boils.",
    "a < b | c > d || e <| f |> g",
    "if (a[|i|] > 0) { return <T>x; }",
    "[user] is a placeholder, {user} another.",
    "The system: a user and a model.\nsystem = [user, model]",
    "```\n<|turn_user|>\nhi\n<|turn_bot|>\n```",
    "Mi familia, y mi trabajo. 家人。<3 :|",
    "- <|user|> opens a turn\n- <|assistant|> the other",
    "x = arr[|user|]",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_prose_code_and_html_is_a_response_as_it_is(text: str) -> None:
    assert unknown_mark(text) is None
    assert read_pair(PROMPT, text) == RewardRequest(PROMPT, text)
    if "assistant|>" not in text:
        assert read_transcript(text) == RewardRequest("", text)


WORDS = st.sampled_from(
    ["user", "assistant", "model", "|", "<", ">", "[", "]", "<b>", "a", "1", ".", "\n", " ", "家"]
)


@given(st.lists(WORDS, min_size=1).map(" ".join))
def test_words_brackets_and_bars_apart_are_never_refused(text: str) -> None:
    assert unknown_mark(text.strip()) is None


@given(st.text(alphabet=st.characters(exclude_characters="<>[]｜|{}("), min_size=1))
def test_text_without_brackets_is_never_refused(text: str) -> None:
    assert unknown_mark(text) is None


def test_harmony_s_thoughts_precede_the_answer() -> None:
    prompt = "<|start|>user<|message|>What matters?<|end|><|start|>assistant"
    thought = "<|channel|>analysis<|message|>Hm.<|end|>"
    final = "<|start|>assistant<|channel|>final<|message|>My family.<|return|>"
    for read in (read_transcript, lambda text: split_query(text, prompt)):
        assert read(prompt + thought + final) == RewardRequest(
            PROMPT, "<think>Hm.</think>My family."
        )
        assert read(prompt + thought) == RewardRequest(PROMPT, "<think>Hm.")


@pytest.mark.parametrize(
    "text",
    [
        "<|im_start|>user\nTea?<|im_end|>",
        "<|im_start|>narrator\nTea.<|im_end|>\n<|im_start|>assistant\nYes.",
    ],
    ids=["ends in the user's turn", "unknown role"],
)
def test_a_conversation_that_cannot_be_scored_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_transcript(text)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_one_search_finds_every_text_that_has_a_mark_of_some_format(data: st.DataObject) -> None:
    for known in FORMATS:
        assert MAY_HAVE_MARKS.search(data.draw(st.from_regex(known.opening)))
