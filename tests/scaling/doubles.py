"""Encoders and functions that workers in other processes can import."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import FloatArray, InvalidInput, RewardRequest
from pluralign.encoders import HashEncoder, SentenceEncoder


@dataclass(frozen=True)
class Faulty:
    """A hash encoder that fails, or kills its process, on some texts."""

    failing: frozenset[str] = frozenset()
    deadly: frozenset[str] = frozenset()
    name: str = "faulty"
    dimensions: int = 16

    @property
    def fingerprint(self) -> str:
        return self.name

    def encode(self, texts: Sequence[str]) -> FloatArray:
        if self.deadly.intersection(texts):
            os._exit(1)
        if bad := self.failing.intersection(texts):
            raise ValueError(f"{len(bad)} bad")
        return HashEncoder(16).encode(texts)


@dataclass(frozen=True)
class Stopped:
    """An encoder that always raises this error, and leaves a file for each call."""

    error: type[Exception]
    folder: Path
    dimensions: int = 16
    fingerprint: str = "stopped"

    def encode(self, texts: Sequence[str]) -> FloatArray:
        (self.folder / f"call-{time.monotonic_ns()}").touch()
        raise self.error("stopped")


def failing_on(*texts: str) -> "partial[Faulty]":
    return partial(Faulty, frozenset(texts))


def deadly_on(*texts: str) -> "partial[Faulty]":
    return partial(Faulty, frozenset(), frozenset(texts))


def slow_hash(seconds: float) -> "SlowHash":
    return SlowHash(seconds)


@dataclass(frozen=True)
class SlowHash:
    """A hash encoder that takes its time for every shard."""

    seconds: float
    dimensions: int = 16
    fingerprint: str = "slow"

    def encode(self, texts: Sequence[str]) -> FloatArray:
        time.sleep(self.seconds)
        return HashEncoder(16).encode(texts)


def sentence_encoder(folder: Path) -> SentenceEncoder:
    return SentenceEncoder(folder)


def another_each_time() -> Faulty:
    return Faulty(name=f"process {os.getpid()}")


def row_sums(table_N_D: FloatArray, column: int) -> float:
    if table_N_D.flags.writeable:
        raise InvalidInput("a shared table must be read-only")
    return float(np.sum(table_N_D[:, column]))


def process_of(number: int) -> tuple[int, int]:
    return number, os.getpid()


def die_once(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        os._exit(1)
    return "alive"


def die_once_or_call(mark: Path, function: Callable[..., Any], *arguments: Any) -> Any:
    if not mark.exists():
        mark.touch()
        os._exit(1)
    return function(*arguments)


def too_slow(seconds: float) -> None:
    time.sleep(seconds)


def warned(text: str) -> str:
    import logging

    logging.getLogger("pluralign.tests").warning("worker: %s", text)
    return text


class Odd(Exception):
    """An error that cannot be pickled."""

    def __init__(self, what: str, *, needed: int) -> None:
        super().__init__(what)


def raise_odd() -> None:
    raise Odd("odd", needed=1)


class Blocker:
    """An actor that holds its CPU."""

    def ready(self) -> bool:
        return True


def node_of_worker() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())


@dataclass(frozen=True)
class FaultyReward:
    """The length of a response; fails on one of them."""

    failing: str

    def score(self, requests: Sequence[RewardRequest]) -> FloatArray:
        if any(request.response == self.failing for request in requests):
            raise ValueError("bad")
        return np.array([float(len(request.response)) for request in requests])
