"""Words of a causal model: several continuations of each prompt, which the model reads once."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from pluralign.core import FloatArray, Reply, Sampling
from pluralign.respondents.local.loading import LoadedModel


def generated(
    loaded: LoadedModel, prompts: Sequence[list[int]], sampling: Sampling, n: int
) -> list[Reply]:
    """Continue each of several prompts n times, as one batch.

    Args:
        loaded: The model.
        prompts: Tokens of B prompts.
        sampling: How words are drawn.
        n: Number of continuations of each, >= 1.

    Returns:
        B * n replies; the n of the first prompt come first.
    """
    import torch

    model, tokenizer = loaded.model, loaded.tokenizer
    ids_B_T, mask_B_T = left_padded(prompts, tokenizer.pad_token_id, model.device)
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.inference_mode(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(_seed(sampling.seed, prompts))
        out = model.generate(
            input_ids=ids_B_T.repeat_interleave(n, dim=0),
            attention_mask=mask_B_T.repeat_interleave(n, dim=0),
            max_new_tokens=sampling.max_new_tokens,
            pad_token_id=tokenizer.pad_token_id,
            **_read_once(model, ids_B_T, mask_B_T, n),
            **_drawn(sampling),
        )
    new_rows = out[:, ids_B_T.shape[1] :]
    texts: list[str] = tokenizer.batch_decode(new_rows, skip_special_tokens=True)
    ends = end_tokens(model)
    return [
        Reply(text.strip(), finish_reason="" if ends & set(row) else "length")
        for text, row in zip(texts, new_rows.tolist(), strict=True)
    ]


def answer_log_probs(
    loaded: LoadedModel,
    prompts: Sequence[list[int]],
    answers: Sequence[list[int]],
    temperature: float = 1.0,
) -> FloatArray:
    """Log-probability of each answer after its prompt, in nats, as one batch.

    Args:
        loaded: The model.
        prompts: Tokens of B prompts.
        answers: Tokens of their answers.
        temperature: Temperature of the distribution, > 0.

    Returns:
        Sums over the tokens of each answer, shape (B,).
    """
    import torch

    rows = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    ids_B_T, mask_B_T = left_padded(rows, loaded.tokenizer.pad_token_id, loaded.model.device)
    longest = max(1, *map(len, answers))
    with torch.inference_mode():
        out = loaded.model(
            input_ids=ids_B_T,
            attention_mask=mask_B_T,
            position_ids=positions(mask_B_T),
            logits_to_keep=longest + 1,
        )
        log_B_L_V = (out.logits[:, :-1].float() / temperature).log_softmax(dim=-1)
    said_B_L = ids_B_T[:, -longest:]
    log_B_L = log_B_L_V.gather(2, said_B_L[:, :, None])[:, :, 0].cpu().numpy()
    return np.array(
        [row[longest - len(answer) :].sum() for row, answer in zip(log_B_L, answers, strict=True)]
    )


def positions(mask_B_T: Any) -> Any:
    """Positions of tokens from 0, shape (B, T); padding on the left has none of its own."""
    return (mask_B_T.cumsum(dim=1) - 1).clamp(min=0)


def _read_once(model: Any, ids_B_T: Any, mask_B_T: Any, n: int) -> dict[str, Any]:
    """Keys and values of all prompt tokens but the last, repeated for the n continuations.

    Empty where nothing is saved by it: for one continuation, or prompts of one token.
    """
    if n == 1 or ids_B_T.shape[1] == 1:
        return {}
    read = model(
        input_ids=ids_B_T[:, :-1],
        attention_mask=mask_B_T[:, :-1],
        position_ids=positions(mask_B_T)[:, :-1],
        use_cache=True,
        logits_to_keep=1,
    )
    read.past_key_values.batch_repeat_interleave(n)
    return {"past_key_values": read.past_key_values}


def _drawn(sampling: Sampling) -> dict[str, Any]:
    if sampling.temperature == 0:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    return {
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": 0,
    }


def left_padded(rows: Sequence[list[int]], pad: int, device: Any) -> tuple[Any, Any]:
    """Token rows as one tensor padded on the left, and its mask: 1 for tokens, 0 for padding."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def end_tokens(model: Any) -> set[int]:
    """The tokens at which generation ends by itself."""
    ends: Any = getattr(model.generation_config, "eos_token_id", None)
    return set(ends) if isinstance(ends, list) else {ends}


def _seed(seed: int, prompts: Sequence[list[int]]) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {list(prompts)}".encode()).digest()[:4])
