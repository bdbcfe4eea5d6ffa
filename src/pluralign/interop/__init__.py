"""Formats and functions for other tools: RewardBench, TRL, verl, lm-eval, Inspect and the hub."""

from pluralign.interop.community_rewards import (
    AggregatedReward,
    CommunityReward,
    community_rewards,
)
from pluralign.interop.dataset_origin import Origin, read_origins
from pluralign.interop.eval_results import ResultSource, eval_results, write_eval_results
from pluralign.interop.every_eval_ever import write_every_eval_ever
from pluralign.interop.exporting import Exported, write_export
from pluralign.interop.hub_upload import Upload, check_distribution, planned_upload, push
from pluralign.interop.lm_eval_knowledge import write_lm_eval_knowledge
from pluralign.interop.lm_eval_tasks import write_lm_eval_tasks
from pluralign.interop.model_card import model_card, write_model_card
from pluralign.interop.model_sheet import ModelSheet
from pluralign.interop.pair_datasets import DatasetSheet, dataset_rows, to_dataset, write_dataset
from pluralign.interop.rewardbench import RewardBenchResult, rewardbench_rows, write_rewardbench
from pluralign.interop.run_upload import push_run, write_run_numbers
from pluralign.interop.trl_reward import TrlReward
from pluralign.interop.verl_reward import compute_score
from pluralign.interop.vllm_config import VllmConfig, vllm_config, write_vllm_config

__all__ = [
    "AggregatedReward",
    "CommunityReward",
    "DatasetSheet",
    "Exported",
    "ModelSheet",
    "Origin",
    "ResultSource",
    "RewardBenchResult",
    "TrlReward",
    "Upload",
    "VllmConfig",
    "check_distribution",
    "community_rewards",
    "compute_score",
    "dataset_rows",
    "eval_results",
    "model_card",
    "planned_upload",
    "push",
    "push_run",
    "read_origins",
    "rewardbench_rows",
    "to_dataset",
    "vllm_config",
    "write_dataset",
    "write_eval_results",
    "write_every_eval_ever",
    "write_export",
    "write_lm_eval_knowledge",
    "write_lm_eval_tasks",
    "write_model_card",
    "write_rewardbench",
    "write_run_numbers",
    "write_vllm_config",
]
