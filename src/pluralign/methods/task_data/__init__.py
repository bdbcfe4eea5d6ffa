"""Training data in the format of a target task, written by a model from documents (CultureManager).

Zhang et al., arXiv 2602.22475, synthesise such data for each culture, grounded in the results of a
search. Their prompts and filters are in none of their published texts; the ones here are ours.
"""

from pluralign.methods.task_data.config import KeepConfig
from pluralign.methods.task_data.examples import (
    TaskExample,
    lesson_of,
    read_written,
    with_shuffled_options,
    writing_prompt,
)
from pluralign.methods.task_data.filtering import Guards, WrittenExample, keep_examples

__all__ = [
    "Guards",
    "KeepConfig",
    "TaskExample",
    "WrittenExample",
    "keep_examples",
    "lesson_of",
    "read_written",
    "with_shuffled_options",
    "writing_prompt",
]
