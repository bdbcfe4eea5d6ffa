"""Encoding, scoring and fits on several workers: processes of this machine, or a Ray cluster."""

from pluralign.scaling.carried import WorkerLost, WorkerNotReady
from pluralign.scaling.encoder import DistantEncoder, SpreadEncoder
from pluralign.scaling.places import workers_on
from pluralign.scaling.processes import process_pool
from pluralign.scaling.spreading import spread
from pluralign.scaling.workers import Worker, WorkerPool

__all__ = [
    "DistantEncoder",
    "SpreadEncoder",
    "Worker",
    "WorkerLost",
    "WorkerNotReady",
    "WorkerPool",
    "process_pool",
    "spread",
    "workers_on",
]
