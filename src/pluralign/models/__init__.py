"""Saved reward models, opened with the trunk that reads texts for them; rewards of whole files."""

from pluralign.models.saved_models import (
    open_model,
    open_with_trunk,
    save_model,
    score_file,
    steers_for,
    with_unseen,
)

__all__ = ["open_model", "open_with_trunk", "save_model", "score_file", "steers_for", "with_unseen"]
