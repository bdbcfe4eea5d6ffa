"""Ranks of adapters that vLLM loads."""

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The values of vLLM's ``max_lora_rank``."""


def vllm_rank(rank: int) -> int | None:
    """The least of vLLM's ranks that is enough for an adapter; None if none is.

    >>> vllm_rank(8), vllm_rank(9), vllm_rank(1000)
    (8, 16, None)
    """
    return next((one for one in VLLM_RANKS if one >= rank), None)
