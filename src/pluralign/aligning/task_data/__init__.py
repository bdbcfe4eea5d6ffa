"""A language model learns a target task, for each community from its documents; in stages."""

from pluralign.aligning.task_data.task_run import TaskOutcome, read_task_stage, run_align_task

__all__ = ["TaskOutcome", "read_task_stage", "run_align_task"]
