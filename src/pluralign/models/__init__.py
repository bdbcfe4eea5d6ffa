"""Saved reward models, opened with the trunk that reads texts for them; rewards of whole files."""

from pluralign.models.adaptation import Adaptation, AdaptedChoice, measure_adaptation
from pluralign.models.choices import read_choices
from pluralign.models.encoders import open_encoder
from pluralign.models.saved_models import (
    ROWS_AT_ONCE,
    open_model,
    open_reward_model,
    open_spread_model,
    open_with_trunk,
    save_model,
    score_file,
    steers_for,
    with_unseen,
)

__all__ = [
    "ROWS_AT_ONCE",
    "Adaptation",
    "AdaptedChoice",
    "measure_adaptation",
    "open_encoder",
    "open_model",
    "open_reward_model",
    "open_spread_model",
    "open_with_trunk",
    "read_choices",
    "save_model",
    "score_file",
    "steers_for",
    "with_unseen",
]
