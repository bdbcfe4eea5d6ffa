"""Words of several adapters as one, token by token: each row by a mixture of distributions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pluralign.core import FloatArray, Sampling, rng_for
from pluralign.respondents.local.adapted import AdaptedModel, AdapterMixture
from pluralign.respondents.local.chat import batches
from pluralign.respondents.local.generation import end_tokens, left_padded, positions


def mixed_log_probs(log_X_E_V: Any, share_X_E: Any) -> Any:
    """Log-probabilities of a mixture: ``log sum_k share_k p_k(token)``.

    A mixture of probabilities, not their product: a token that one community's model would write
    keeps that community's share of its probability, and no model can veto it.

    Args:
        log_X_E_V: Log-probabilities of E models over V tokens, shape (..., E, V).
        share_X_E: Their shares, shape (..., E).

    Returns:
        Shape (..., V).
    """
    return (share_X_E.log()[..., None] + log_X_E_V).logsumexp(dim=-2)


class Decoding:
    """Continuations of P prompts, n of each, one more token with each `step`.

    Each prompt is read once for every model of its mixture. E models cost one pass of E rows for a
    continuation. The draws of a continuation depend on the seed, the key of its prompt and its
    number alone.

    Args:
        adapted: The model.
        prompts: Tokens of P prompts.
        mixtures: The models that continue each prompt; all are of E names.
        sampling: How words are drawn.
        n: Number of continuations of each prompt, >= 1.
        keys: Texts that, with the seed, decide the draws of each prompt. Default: its tokens, so
            prompts that the tokenizer reads alike have the same draws.
    """

    def __init__(
        self,
        adapted: AdaptedModel,
        prompts: Sequence[list[int]],
        mixtures: Sequence[AdapterMixture],
        sampling: Sampling,
        n: int,
        keys: Sequence[str] | None = None,
    ) -> None:
        import torch

        self._adapted, self._sampling, self._n = adapted, sampling, n
        model, device = adapted.loaded.model, adapted.loaded.model.device
        self._experts = len(mixtures[0].names)
        self._share_P_E = torch.tensor([one.shares for one in mixtures], device=device)
        self._prompt_names = [name for one in mixtures for name in one.names]
        self._names = [name for name in self._prompt_names for _ in range(n)]
        pad = adapted.loaded.tokenizer.pad_token_id
        ids_P_T, mask_P_T = left_padded(prompts, pad, device)
        self._ids = ids_P_T.repeat_interleave(self._experts, dim=0)
        self._mask = mask_P_T.repeat_interleave(self._experts, dim=0)
        self._cache: Any = None
        self._uniform_P_n_T = torch.tensor(
            _uniforms(keys or [str(prompt) for prompt in prompts], sampling, n)
        )
        self._steps = 0
        self.ends = end_tokens(model)

    def step(self) -> list[list[int]]:
        """The next token of every continuation, shape (P, n); after an end it has no meaning."""
        logits_R_V = self._read() if self._cache is None else self._continue()
        log_R_V = logits_R_V.float().log_softmax(dim=-1)
        shape = (len(self._share_P_E), self._experts, -1, log_R_V.shape[-1])
        log_P_n_E_V = log_R_V.reshape(shape).transpose(1, 2)
        mixed_P_n_V = mixed_log_probs(log_P_n_E_V, self._share_P_E[:, None, :])
        token_P_n = self._drawn(mixed_P_n_V)
        again_P_E_n = token_P_n[:, None, :].expand(-1, self._experts, -1)
        self._ids = again_P_E_n.reshape(-1, 1)
        found: list[list[int]] = token_P_n.tolist()
        return found

    def _read(self) -> Any:
        """Read the prompts once, and give each of the n continuations a copy of what was read."""
        out = self._adapted.forward(
            self._prompt_names, input_ids=self._ids, attention_mask=self._mask,
            position_ids=positions(self._mask), use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        self._cache = out.past_key_values
        self._cache.batch_repeat_interleave(self._n)
        self._mask = self._mask.repeat_interleave(self._n, dim=0)
        return out.logits[:, -1].repeat_interleave(self._n, dim=0)

    def _continue(self) -> Any:
        import torch

        self._mask = torch.cat([self._mask, torch.ones_like(self._ids)], dim=1)
        out = self._adapted.forward(
            self._names, input_ids=self._ids, attention_mask=self._mask,
            position_ids=self._mask.sum(dim=1, keepdim=True) - 1,
            past_key_values=self._cache, use_cache=True,
        )  # fmt: skip
        self._cache = out.past_key_values
        return out.logits[:, -1]

    def _drawn(self, log_P_n_V: Any) -> Any:
        import torch
        from transformers import TemperatureLogitsWarper, TopPLogitsWarper

        if self._sampling.temperature == 0:
            return log_P_n_V.argmax(dim=-1)
        score_R_V = log_P_n_V.reshape(-1, log_P_n_V.shape[-1])
        score_R_V = TemperatureLogitsWarper(float(self._sampling.temperature))(None, score_R_V)
        if self._sampling.top_p < 1:
            score_R_V = TopPLogitsWarper(self._sampling.top_p)(None, score_R_V)
        chance_R_V = score_R_V.softmax(dim=-1).cpu().double()  # not every device has doubles
        until_P_n_V = chance_R_V.cumsum(dim=-1).reshape(log_P_n_V.shape)
        at_P_n = self._uniform_P_n_T[:, :, self._steps] * until_P_n_V[:, :, -1]
        self._steps += 1
        found_P_n_1 = torch.searchsorted(until_P_n_V, at_P_n[:, :, None], right=True)
        most = log_P_n_V.shape[-1] - 1
        return found_P_n_1[:, :, 0].clamp(max=most).to(log_P_n_V.device)


def mixture_log_probs(
    adapted: AdaptedModel,
    prompts: Sequence[list[int]],
    answers: Sequence[list[int]],
    mixtures: Sequence[AdapterMixture],
    *,
    temperature: float = 1.0,
    batch_tokens: int = 16384,
) -> FloatArray:
    """Log-probability of each answer under its mixture, in nats.

    Args:
        adapted: The model.
        prompts: Tokens of N prompts.
        answers: Tokens of their answers, each at least one.
        mixtures: The models that write each of them; all are of E names.
        temperature: Temperature of the mixture, > 0.
        batch_tokens: Most tokens of one batch, padding included.

    Returns:
        Sums over the tokens of each answer, shape (N,).
    """
    rows = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    experts = len(mixtures[0].names)
    lengths = [experts * len(row) for row in rows]
    found = np.zeros(len(rows))
    for batch in batches(range(len(rows)), lengths, batch_tokens):
        own, said = [rows[i] for i in batch], [len(answers[i]) for i in batch]
        found[batch] = _log_probs(adapted, own, said, [mixtures[i] for i in batch], temperature)
    return found


def _log_probs(
    adapted: AdaptedModel,
    rows: Sequence[list[int]],
    lengths: Sequence[int],
    mixtures: Sequence[AdapterMixture],
    temperature: float,
) -> list[float]:
    import torch

    device, experts = adapted.loaded.model.device, len(mixtures[0].names)
    ids_N_T, mask_N_T = left_padded(rows, adapted.loaded.tokenizer.pad_token_id, device)
    mask_R_T = mask_N_T.repeat_interleave(experts, dim=0)
    longest = max(1, *lengths)
    out = adapted.forward(
        [name for one in mixtures for name in one.names],
        input_ids=ids_N_T.repeat_interleave(experts, dim=0),
        attention_mask=mask_R_T,
        position_ids=positions(mask_R_T),
        logits_to_keep=longest + 1,
    )
    log_R_L_V = out.logits[:, :-1].float().log_softmax(dim=-1)
    log_N_L_E_V = log_R_L_V.reshape(len(rows), experts, *log_R_L_V.shape[1:]).transpose(1, 2)
    share_N_E = torch.tensor([one.shares for one in mixtures], device=device)
    mixed_N_L_V = mixed_log_probs(log_N_L_E_V, share_N_E[:, None, :])
    drawn_N_L_V = (mixed_N_L_V / temperature).log_softmax(dim=-1)
    mixed_N_L = drawn_N_L_V.gather(2, ids_N_T[:, -longest:, None])[:, :, 0]
    pairs = zip(mixed_N_L, lengths, strict=True)
    return [float(row[longest - length :].sum()) for row, length in pairs]


def _uniforms(keys: Sequence[str], sampling: Sampling, n: int) -> FloatArray:
    """A uniform number for each token that may be drawn, shape (P, n, T)."""
    uniform_P_n_T = np.empty((len(keys), n, sampling.max_new_tokens))
    for p, key in enumerate(keys):
        for number in range(n):
            rng = rng_for(sampling.seed, "words", key, number)
            uniform_P_n_T[p, number] = rng.random(sampling.max_new_tokens)
    return uniform_P_n_T
