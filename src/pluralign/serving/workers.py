"""Threads that score, each on as many cores as it is given."""

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pluralign.core import FloatArray
from pluralign.serving.scoring import Scorer, ScoreRequest


class ScoringThread:
    """A thread that scores.

    Args:
        scorer: The scorer that it uses.

    Attributes:
        thread: The thread.
        cores: Number of cores that torch may use in it; None leaves torch's setting.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="scorer")
        self.cores: int | None = None

    async def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        """Rewards in logits for each caller, shape (B, N, S)."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, self._score, wanted)

    def _score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        torch = sys.modules.get("torch")
        if torch is not None and self.cores is not None and torch.get_num_threads() != self.cores:
            torch.set_num_threads(self.cores)  # of this thread
        return self._scorer.score(wanted)
