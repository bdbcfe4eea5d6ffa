"""Who hears of a training."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Watch:
    """Who hears of a training.

    Attributes:
        progress: Called with (steps done, steps in all).
        note: Hears what the reader should know.
    """

    progress: Callable[[int, int], None] = field(default=lambda done, total: None)
    note: Callable[[str], None] = field(default=lambda text: None)
