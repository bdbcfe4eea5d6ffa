"""Language models that follow a community's reward model: a run in stages."""

from pluralign.aligning.align_run import AlignOutcome, read_align_stage, run_align

__all__ = ["AlignOutcome", "read_align_stage", "run_align"]
