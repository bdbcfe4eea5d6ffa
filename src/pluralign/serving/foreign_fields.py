"""Fields of other servers' requests that ours lacks: harmless ones are ignored, others refused."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

_ANY = object()
_UNUSED = (False,)
_SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "n",
)
VLLM: Mapping[str, Any] = {
    **dict.fromkeys(
        ("user", "request_id", "priority", "cache_salt", "add_special_tokens", *_SAMPLING), _ANY
    ),
    **dict.fromkeys(
        ("chat_template", "chat_template_kwargs", "chat_template_content_format"), _ANY
    ),
    **dict.fromkeys(("continue_final_message", "skip_reading_prefix_cache", "metadata"), _ANY),
    **dict.fromkeys(("normalize", "add_generation_prompt", "echo", "stream"), _UNUSED),
    "encoding_format": ("float",),
    "embed_dtype": ("float32",),
    "endianness": ("native", "little"),
    "truncation_side": ("right",),
    "truncate_prompt_tokens": (-1,),
}
OPENAI: Mapping[str, Any] = dict.fromkeys(("user", "metadata", "request_id", "priority"), _ANY)
"""Of all endpoints of OpenAI."""
CHAT: Mapping[str, Any] = {
    **OPENAI,
    **dict.fromkeys(("service_tier", "safety_identifier", "prompt_cache_key", "cache_salt"), _ANY),
    **dict.fromkeys(("prompt_cache_retention", "prompt_cache_options", "session_id"), _ANY),
    **dict.fromkeys(("store", "logprobs", "echo", "continue_final_message", "ignore_eos"), _UNUSED),
    **dict.fromkeys(("frequency_penalty", "presence_penalty", "min_p"), (0, 0.0)),
    **dict.fromkeys(("add_generation_prompt", "skip_special_tokens"), (True,)),
    "parallel_tool_calls": (True, False),
    "n": (1,),
    "top_logprobs": (0,),
    "min_tokens": (0,),
    "top_k": (0, -1),
    "repetition_penalty": (1, 1.0),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
}
TEI: Mapping[str, Any] = {
    "parameters": ({},),
    "options": _ANY,
    "truncate": (True,),
    "truncation_direction": ("right", "Right"),
}
OPEN_RLHF: Mapping[str, Any] = {"id": _ANY, "request_id": _ANY, "metadata": _ANY}


class Compatible(BaseModel):
    """A request in the format of another server.

    A field that this server lacks is ignored if it does not affect answers (``user``), if it has
    the value that matches this server (``truncation_side = "right"``: a trunk reads the beginning
    of a long text), or if it is null. Any other field is refused, because it would change the
    answer of the other server and not the answer of this one.
    """

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
    _ignored: ClassVar[Mapping[str, Any]] = {}

    @model_validator(mode="after")
    def _only_known_fields(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            allowed = self._ignored.get(name, ())
            if value is None or allowed is _ANY:
                continue
            if not any(value == each and type(value) is type(each) for each in allowed):
                raise ValueError(_refusal(name, allowed))
        return self


def _refusal(name: str, allowed: tuple[Any, ...]) -> str:
    if not allowed:
        return f"the field {name!r:.60} is unknown here and might change the answer: leave it out"
    return f"the field {name!r} must be {' or '.join(map(repr, allowed))} here: leave it out"
