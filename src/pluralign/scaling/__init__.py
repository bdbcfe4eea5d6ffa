"""Encoding, scoring and fits on several workers: processes of this machine, or a Ray cluster."""

from pluralign.scaling.carried import WorkerLost
from pluralign.scaling.encoder import EncoderNotThere, SpreadEncoder
from pluralign.scaling.processes import process_pool
from pluralign.scaling.spreading import spread
from pluralign.scaling.workers import Worker, WorkerPool

__all__ = [
    "EncoderNotThere",
    "SpreadEncoder",
    "Worker",
    "WorkerLost",
    "WorkerPool",
    "process_pool",
    "spread",
]
