"""The losses of reported choices, for torch."""

import torch
from torch import Tensor
from torch.nn import functional

from pluralign.rewards.reported_choices import LossKind


def report_loss(margin: Tensor, flip: Tensor, kind: LossKind) -> Tensor:
    """`pluralign.rewards.report_losses`, for torch; the plain loss, exactly, where no flip is."""
    plain = functional.softplus(-margin)
    if kind == "plain":
        return plain
    if kind == "unbiased":
        return plain - flip / (1 - 2 * flip) * margin
    return -torch.logaddexp(flip.log(), torch.log1p(-2 * flip) - plain)
