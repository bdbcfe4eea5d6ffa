"""Strengths of steering on the prompts of a server, remembered for those that came last."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from pluralign.core import FloatArray, RewardRequest, prompt_text
from pluralign.rewards import Fading, Trunk, strengths_on
from pluralign.rewards.features import distinct

_MOST_BYTES = 16_000_000
_KEY_BYTES = 200


class PromptStrengths:
    """Strengths of steering to the communities of a model, by prompt.

    A prompt comes with many responses, and is needed twice: to score, and to name the strengths in
    the answer. Of several hundred communities, each new prompt takes longer than its rewards do.
    The prompt that was computed first is forgotten first. Several threads may ask.

    Args:
        trunk: Reads the prompts.
        fading: Where steering is weaker.
        communities: Ids, C of them.
        most_bytes: About how much memory the strengths may take.
    """

    def __init__(
        self,
        trunk: Trunk,
        fading: Fading,
        communities: Sequence[str],
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._trunk, self._communities = trunk, communities
        self._fading = fading.shared()
        self._kept: OrderedDict[bytes, FloatArray] = OrderedDict()
        self._most = max(1, most_bytes // (8 * len(communities) + _KEY_BYTES))
        self._lock = Lock()

    def on(self, requests: Sequence[RewardRequest], columns: Sequence[int]) -> FloatArray:
        """Strengths of steering to some of the communities, in [0, 1], shape (N, columns)."""
        texts, text_N = distinct([prompt_text(one.prompt) for one in requests])
        keys = [_key(text) for text in texts]
        nothing_C = np.full(len(self._communities), np.nan)
        with self._lock:
            row_T_C = np.stack([self._kept.get(key, nothing_C) for key in keys])
        new = np.flatnonzero(np.isnan(row_T_C[:, columns]).any(axis=1))
        if len(new):
            asked = [RewardRequest(texts[t], "") for t in new]
            ids = [self._communities[c] for c in columns]
            row_T_C[new[:, None], columns] = strengths_on(self._trunk, self._fading, asked, ids)
            self._keep({keys[t]: row_T_C[t].copy() for t in new})
        found_N_C: FloatArray = row_T_C[text_N][:, columns]
        return found_N_C

    def _keep(self, rows: dict[bytes, FloatArray]) -> None:
        with self._lock:
            self._kept.update(rows)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
