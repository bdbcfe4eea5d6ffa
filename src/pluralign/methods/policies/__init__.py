"""Language models that follow a reward model: answers to learn from."""

from pluralign.methods.policies.selection import Picked, best_and_worst, best_candidates, top_share

__all__ = ["Picked", "best_and_worst", "best_candidates", "top_share"]
