"""Encoding, scoring and fits on several workers: processes of this machine, or a Ray cluster."""

from pluralign.scaling.backends import workers_on
from pluralign.scaling.carried import WorkerLost, WorkerNotReady
from pluralign.scaling.encoder import DistantEncoder, SpreadEncoder
from pluralign.scaling.processes import process_pool
from pluralign.scaling.reward_model import SpreadRewardModel
from pluralign.scaling.spreading import spread
from pluralign.scaling.text_shards import (
    Collected,
    ShardNumber,
    WrittenShard,
    collect_text_shards,
    write_text_shard,
)
from pluralign.scaling.workers import Worker, WorkerPool

__all__ = [
    "Collected",
    "DistantEncoder",
    "ShardNumber",
    "SpreadEncoder",
    "SpreadRewardModel",
    "Worker",
    "WorkerLost",
    "WorkerNotReady",
    "WorkerPool",
    "WrittenShard",
    "collect_text_shards",
    "process_pool",
    "spread",
    "workers_on",
    "write_text_shard",
]
