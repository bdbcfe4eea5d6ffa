"""Chat templates: the marks that models use to write a conversation as one text.

Each format of the table opens a turn with a mark that names its role. Other templates are
recognised by their common form (a role between bars or brackets at the beginning of a turn), so
that they can be refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

SPECIAL_TOKENS = (
    *(
        "<s>",
        "</s>",
        "<bos>",
        "<eos>",
        "<pad>",
        "[PAD]",
        "[CLS]",
        "[SEP]",
        "[EOS]",
        "[BOS]",
        "<EOT>",
        "<eoh>",
        "<eoa>",
        "<eop>",
    ),
    *(
        "<|endoftext|>",
        "<|startoftext|>",
        "<|im_end|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<|eom|>",
        "<|bom|>",
    ),
    *(
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|finetune_right_pad_id|>",
        "<|eot|>",
    ),
    *(
        "<|pad|>",
        "<|padding|>",
        "<|PAD_TOKEN|>",
        "<BOS_TOKEN>",
        "<EOS_TOKEN>",
        "<|begin_of_sentence|>",
    ),
    *(
        "<｜begin▁of▁sentence｜>",
        "<｜end▁of▁sentence｜>",
        "<｜▁pad▁｜>",
        "<｜hy_begin▁of▁sentence｜>",
    ),
    *("[gMASK]", "<sop>", "<end_of_turn>", "<seed:eos>", "]~!b[", "[e~["),
)
"""Tokens that begin, end or pad a text; removed at its ends only, with their whitespace."""

_WORD = r"([A-Za-z_][\w-]{0,31})"
_ROLE = r"(?i:user|human|prompter|system|assistant|chat_?bot|bot|ai|model|gpt)"
_MARKS = (
    r"<\|[A-Za-z0-9_.:/-]{1,40}\|>",
    r"\[\|[A-Za-z_]{1,40}\|\]",
    r"<｜[^｜<>\s]{1,40}｜>",
    r"<\|[A-Za-z_]{1,40}>",
    r"<(?:start|begin(?:ning)?|end|eo|bo)_?of_[a-z_]{1,30}>",
    r"<(?:extra_id|SPECIAL|special|reserved|unused)_?[0-9]{1,4}>",
    r"\[unused[0-9]{1,4}\]",
    rf"<_{_ROLE}>",
)
_ENDS_REVERSED = (
    r">\|[A-Za-z0-9_.:/-]{1,40}\|<",
    r"\]\|[A-Za-z_]{0,20}(?:dne|pots|soe|toe)[A-Za-z_]{0,20}\|\[",
    r">｜[^｜<>\s]{1,40}｜<",
    r">\|[A-Za-z_]{1,40}<",
    r">[a-z_]{1,30}_fo_?(?:dne|oe)<",
    r">[0-9]{1,4}_?(?:di_artxe|LAICEPS|laiceps|devreser|desunu)<",
)
"""Pattern of closing tokens of any template, backwards."""


@dataclass(frozen=True, slots=True)
class Format:
    """The marks of one format.

    Attributes:
        opening: The mark that opens a turn; its first matching group is the word for the role. A
            group ``thought`` marks a turn in which the assistant thinks.
        closing: The token that closes a turn; None without one, or if models of this format differ.
        sign: Pattern that, with a mark, proves the format of a text that does not begin with a
            mark; None if there is no such pattern.
        required: Pattern that the text must contain if marks are ordinary words; None if a mark is
            enough.
        preface: Text that the template itself writes before the first turn.
    """

    opening: re.Pattern[str]
    closing: str | None = None
    sign: re.Pattern[str] | None = None
    required: re.Pattern[str] | None = None
    preface: re.Pattern[str] | None = None


def _format(
    opening: str,
    closing: str | None = None,
    sign: str | None = None,
    required: str | None = None,
    preface: str | None = None,
) -> Format:
    patterns = (None if each is None else re.compile(each) for each in (sign, required, preface))
    return Format(re.compile(opening), closing, *patterns)


FORMATS = (
    # ChatML (Qwen, Yi, InternLM 2, SmolLM, Hermes, ...) and Phi-4
    _format(
        rf"<\|im_start\|>{_WORD}(?: name=[^<\n]{{1,64}})?(?:<\|im_sep\|>|(?=\n|\Z))",
        "<|im_end|>",
        r"<\|im_start\|>assistant",
    ),
    _format(  # Llama 3, and OpenChat 3.6 on top of it
        rf"<\|start_header_id\|>(?:GPT4 Correct )?{_WORD}<\|end_header_id\|>",
        "<|eot_id|>",
        r"<\|start_header_id\|>(?:GPT4 Correct A|a)ssistant",
    ),
    _format(
        rf"<\|header_start\|>{_WORD}<\|header_end\|>", "<|eot|>", r"<\|header_start\|>assistant"
    ),  # Llama 4
    _format(rf"<start_of_turn>{_WORD}(?=\n|\Z)", "<end_of_turn>", "<start_of_turn>model"),  # Gemma
    _format(rf"<\|turn>{_WORD}(?=\n|\Z)", "<turn|>", r"<\|turn>model"),  # Gemma 4
    _format(  # Llama 2 and Mistral: of two marks in a row the second counts
        r"(?:\[INST\]\s{0,4}(?=<<SYS>>)|\[/SYSTEM_PROMPT\]\s{0,4}(?=\[INST\]))?"
        r"(\[/?INST\]|<</?SYS>>|\[SYSTEM_PROMPT\]|\[/?TOOL_RESULTS\]|\[AVAILABLE_TOOLS\])",
        "</s>",
        r"\[/INST\]",
    ),
    _format(  # Zephyr, Tulu, OLMo, Phi-3, Falcon 3, GLM-4, Jamba, OpenAssistant, StableLM
        r"<\|(system|user|assistant|tool|observation|prompter|SYSTEM|USER|ASSISTANT|System|User|Bot)\|>:?",
        sign=r"<\|(?:assistant|ASSISTANT|Bot)\|>",
    ),
    _format("<｜(User|Assistant)｜>", "<｜end▁of▁sentence｜>", ""),  # DeepSeek
    _format("<｜hy_(User|Assistant)｜>", sign=""),  # Hunyuan
    _format(  # Command R, Command A, Aya
        r"<\|START_OF_TURN_TOKEN\|><\|(USER|CHATBOT|SYSTEM)_TOKEN\|>(?:<\|START_(?:RESPONSE|TEXT)\|>)?",
        sign=r"<\|CHATBOT_TOKEN\|>",
    ),
    _format(  # Granite
        rf"<\|start_of_role\|>{_WORD}[^<\n]{{0,200}}<\|end_of_role\|>",
        "<|end_of_text|>",
        r"<\|start_of_role\|>assistant",
    ),
    _format(  # Harmony (gpt-oss)
        r"<\|start\|>([a-z_]{1,32}(?:\.[\w.]{1,64})?)(?: to=[^<\n]{1,64})?"
        r"(?:<\|channel\|>(?:(?P<thought>analysis|commentary)|[a-z]{1,32})[^<\n]{0,100})?"
        r"(?:<\|constrain\|>[^<\n]{0,32})?(?:<\|message\|>|\Z)",
        "<|return|>",
        r"<\|start\|>assistant",
    ),
    _format(
        r"\[\|(system|user|assistant|tool)\|\]", "[|endofturn|]", r"\[\|assistant\|\]"
    ),  # EXAONE
    _format(  # Kimi
        r"<\|im_(?:system\|>(?=tool<)(tool)|(user|assistant|system)\|>[^<\n]{0,64})<\|im_middle\|>",
        "<|im_end|>",
        r"<\|im_assistant\|>",
    ),
    _format(  # Vicuna
        r"(?:\A|(?<=\s)|(?<=</s>))(USER|ASSISTANT):",
        "</s>",
        sign=r"\AA chat between a curious ",
        required=r"\sASSISTANT:",
        preface=r"\AA chat between a curious (?:user|human) and an artificial intelligence "
        r"assistant\.[^\n]{0,200}?questions\.",
    ),
    _format(  # Alpaca, Vicuna 0, Guanaco, Solar, DeepSeek Coder
        r"(?<!#)### ?(Instruction|Input|Response|System|User|Human|Assistant|Prompt):",
        sign="### ?(?:Instruction|User|Human|Prompt):",
        required="### ?(?:Response|Assistant):",
        preface=r"\ABelow is an instruction that describes a task[^\n]{0,200}",
    ),
    _format(  # OpenChat, Starling
        r"(?:\A|(?<=<\|end_of_turn\|>))\s?(?:GPT4 Correct|GPT4|Code|Math Correct) "
        r"(System|User|Assistant):",
        "<|end_of_turn|>",
        "<\\|end_of_turn\\|>(?:GPT4 Correct|GPT4|Code|Math Correct) Assistant:",
    ),
    _format(  # Nemotron
        r"<(?:extra_id_[01]|SPECIAL_1[01])>(System|User|Assistant)(?=\n|\Z)",
        sign="<(?:extra_id_1|SPECIAL_11)>Assistant",
    ),
    _format(
        r"<\|(system|user|assistant|developer)_start\|>", sign=r"<\|assistant_start\|>"
    ),  # Apertus
    _format(r"<role>(SYSTEM|HUMAN|ASSISTANT)</role>", sign="<role>ASSISTANT</role>"),  # Ling
    _format(
        r"<seed:bos>(system|user|assistant|tool)(?=\n|\Z)", "<seed:eos>", "<seed:bos>assistant"
    ),  # Seed
    _format(r"\]~b\](system|user|ai|tool)(?=\n|\Z)", "[e~[", r"\]~b\]ai"),  # MiniMax M2
    _format(r"<reserved_(10[67])>", sign="<reserved_107>"),  # Baichuan 2
    _format(r"<(用户|AI)>", required="<AI>"),  # MiniCPM
    _format(r"(?:\A|(?<=\n))<(human|bot)>:", sign=r"\n<bot>:"),  # RedPajama
    _format(r"(?:\A|\n\n)(Human|Assistant):"),
    _format(  # DeepSeek 2, Falcon, Ernie
        r"(?:\A|\n\n?|<｜end▁of▁sentence｜>|<\|end_of_sentence\|>)(User|Assistant|Falcon):",
        required=r"\n(?:Assistant|Falcon):",
    ),
)

MAY_HAVE_MARKS = re.compile(
    r"<|\[|\]~b\]|###|USER:|ASSISTANT:|System:|User:|Assistant:|Human:|Falcon:"
)
"""Found in every text with a mark of one of `FORMATS`: one search where most texts have none."""

ROLES = {
    **{
        "model": "assistant",
        "chatbot": "assistant",
        "bot": "assistant",
        "ai": "assistant",
        "falcon": "assistant",
    },
    **{"human": "user", "prompter": "user", "用户": "user", "106": "user", "107": "assistant"},
    **{
        "instruction": "user",
        "input": "user",
        "prompt": "user",
        "response": "assistant",
        "developer": "system",
    },
    **{
        "ipython": "tool",
        "observation": "tool",
        "[tool_results]": "tool",
        "[available_tools]": "tool",
    },
    **{"[inst]": "user", "[/inst]": "assistant", "[/tool_results]": "assistant"},
    **{"<<sys>>": "system", "<</sys>>": "user", "[system_prompt]": "system"},
}
"""The names of the roles in templates."""

BY_ITSELF = re.compile(
    r"(?:Cutting Knowledge Date: [^\n]{1,40}\n)?(?:Today Date: [^\n]{1,40})?"
    r"|(?:Knowledge Cutoff Date: [^\n]{1,40}\n)?(?:Today's Date: [^\n]{1,40}\n)?"
    r"You are Granite, developed by IBM\.[^\n]*"
    r"|You are ChatGPT, a large language model trained by OpenAI\.[\s\S]*"
    r"|You are Kimi, an AI assistant (?:created|provided) by Moonshot AI\."
    r"|You are Qwen, created by Alibaba Cloud\. You are a helpful assistant\."
)
"""System turns that templates write by default."""

_BARRED = (
    rf"(?:<\|(?:[a-z0-9]{{1,12}}[_-])?{_ROLE}(?:[_-][A-Za-z0-9]{{1,12}})?\|>"
    rf"|\[\|{_ROLE}\|\]|<｜[^｜<>\s]{{0,12}}{_ROLE}｜>|(?:{'|'.join(_MARKS)}){_ROLE}\b)"
)
_AT_THE_BEGINNING = re.compile("|".join(_MARKS))
_WHERE_A_TURN_BEGINS = re.compile(rf"(?m)(?:^|(?:{'|'.join(_MARKS)})\s?){_BARRED}")
_BRACKETED = re.compile(r"([<\[{(|]{1,3}/?)(?i:user|human|system|prompter)([>\]})|]{1,3})")
_ANSWERER = "(?i:assistant|chat_?bot|bot|ai|model|gpt)"


def unknown_mark(text: str) -> str | None:
    """A mark at the beginning of a turn in a text of unknown format; None without such a mark.

    Ordinary prose about marks quotes them or has them in mid-sentence or in a block of code.

    >>> unknown_mark("<|new_user|>Tea?<|new_bot|>Yes."), unknown_mark("<|role|>user<|text|>Tea?")
    ('<|new_user|>', '<|role|>')
    >>> unknown_mark("Write <|user|>, or `<|bot|>`: the array [|x|] is parsed by a <|> b.") is None
    True
    """
    if first := _AT_THE_BEGINNING.match(text):
        return first[0]
    for mark in _WHERE_A_TURN_BEGINS.finditer(text):
        if text.count("```", 0, mark.start()) % 2 == 0:
            return mark[0].strip()
    bracketed = _BRACKETED.match(text)
    if bracketed and re.search(re.escape(bracketed[1]) + _ANSWERER + re.escape(bracketed[2]), text):
        return bracketed[0]
    return None


def _run_of(tokens: Iterable[str]) -> re.Pattern[str]:
    """A pattern of tokens and whitespace at the beginning, which may be empty."""
    return re.compile(rf"(?:\s|{'|'.join(tokens)})*+")


HEAD = _run_of(map(re.escape, SPECIAL_TOKENS))
"""Special tokens at the beginning of a text."""
TAIL_REVERSED = _run_of((*(re.escape(token[::-1]) for token in SPECIAL_TOKENS), *_ENDS_REVERSED))
"""Special tokens at the end of a text, backwards, including those of unknown templates."""
