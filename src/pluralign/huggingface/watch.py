"""Functions that a training calls to report on itself."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Watch:
    """Functions that a training calls to report on itself.

    Attributes:
        progress: Called with (steps done, steps in all).
        note: Called with a note for the user.
    """

    progress: Callable[[int, int], None] = field(default=lambda done, total: None)
    note: Callable[[str], None] = field(default=lambda text: None)
