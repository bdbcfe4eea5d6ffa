import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pluralign.core import Encoder, FloatArray, InvalidInput, rng_for
from pluralign.encoders import HashEncoder, RecentVectors

PLENTY = 1_000_000
TEXTS = ["tea", "coffee", "water, please", "", "茶"]


class Counting:
    """A hash encoder that remembers what it was asked."""

    fingerprint = "counting"
    dimensions = 16

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> FloatArray:
        self.seen += texts
        return HashEncoder(16).encode(texts)


@pytest.fixture
def counting() -> Counting:
    return Counting()


def room_for(vectors: int) -> int:
    """Bytes for so many vectors of 16 numbers, as the memory reckons them."""
    return vectors * (16 * 4 + 300)


@pytest.mark.parametrize("most_bytes", [0, room_for(2), PLENTY])
def test_vectors_are_the_same_however_much_is_remembered(most_bytes: int) -> None:
    plain, encoder = HashEncoder(16), RecentVectors(HashEncoder(16), most_bytes)
    for asked in (TEXTS, TEXTS[::-1], TEXTS * 2, TEXTS[1:3], [*TEXTS, "new"]):
        found = encoder.encode(asked)
        assert found.dtype == np.float32
        assert np.array_equal(found, plain.encode(asked))


def test_each_text_is_encoded_once_while_it_is_remembered(counting: Counting) -> None:
    encoder = RecentVectors(counting, PLENTY)
    encoder.encode([*TEXTS, *TEXTS])
    encoder.encode(["new", *TEXTS])
    assert counting.seen == [*TEXTS, "new"]


def test_the_least_recently_used_text_is_dropped_first(counting: Counting) -> None:
    encoder = RecentVectors(counting, room_for(3))
    encoder.encode(["a", "b", "c"])
    encoder.encode(["a"])
    encoder.encode(["d"])  # b goes
    counting.seen.clear()
    encoder.encode(["a", "c", "d"])
    assert counting.seen == []
    encoder.encode(["b"])
    assert counting.seen == ["b"]


def test_of_a_batch_larger_than_the_memory_the_last_are_remembered(counting: Counting) -> None:
    encoder = RecentVectors(counting, room_for(2))
    encoder.encode(["a", "b", "c"])
    counting.seen.clear()
    encoder.encode(["b", "c"])
    assert counting.seen == []


def test_ten_thousand_texts_stay_within_the_bound() -> None:
    encoder = RecentVectors(HashEncoder(16), room_for(100))
    for start in range(0, 10_000, 50):
        encoder.encode(["the prompt", *(f"text {i}" for i in range(start, start + 50))])
        assert len(encoder) <= 100
    assert len(encoder) == 100
    assert (encoder.found, encoder.missed) == (199, 10_001)


def test_a_vector_that_is_remembered_keeps_no_batch_alive() -> None:
    batches = []

    class Watched(Counting):
        def encode(self, texts: Sequence[str]) -> FloatArray:
            batch = super().encode(texts)
            batches.append(weakref.ref(batch))
            return batch

    encoder = RecentVectors(Watched(), room_for(1))
    encoder.encode([str(i) for i in range(100)])
    assert len(encoder) == 1
    assert [batch() for batch in batches] == [None]


def test_no_caller_can_change_what_is_remembered() -> None:
    encoder = RecentVectors(HashEncoder(16), PLENTY)
    encoder.encode(["tea"])[:] = 7
    encoder.encode(["tea"])[:] = 7
    assert np.array_equal(encoder.encode(["tea"]), HashEncoder(16).encode(["tea"]))


@pytest.mark.parametrize("most_bytes", [0, room_for(1) - 1])
def test_without_room_for_a_vector_nothing_is_remembered(
    counting: Counting, most_bytes: int
) -> None:
    encoder = RecentVectors(counting, most_bytes)
    for _ in range(2):
        encoder.encode(["a", "b", "a"])
    assert counting.seen == ["a", "b", "a", "b"]
    assert (len(encoder), encoder.found, encoder.missed) == (0, 0, 4)


def test_distinct_texts_of_a_call_are_counted(counting: Counting) -> None:
    encoder = RecentVectors(counting, PLENTY)
    encoder.encode(["a", "b", "a"])
    assert (encoder.found, encoder.missed) == (0, 2)
    encoder.encode(["c", "a", "a"])
    assert (encoder.found, encoder.missed) == (1, 3)


def test_texts_that_differ_only_in_a_surrogate_or_white_space_are_kept_apart(
    counting: Counting,
) -> None:
    encoder = RecentVectors(counting, PLENTY)
    for _ in range(2):
        encoder.encode(["a", "a ", "a\ud800", "a\ud801", ""])
    assert len(counting.seen) == len(encoder) == 5


def test_an_empty_batch_has_no_vectors(counting: Counting) -> None:
    encoder = RecentVectors(counting, PLENTY)
    assert encoder.encode([]).shape == (0, 16)
    assert (len(encoder), encoder.found, encoder.missed) == (0, 0, 0)


def test_an_encoder_that_fails_leaves_the_memory_as_it_was() -> None:
    class Failing(Counting):
        def encode(self, texts: Sequence[str]) -> FloatArray:
            if "bad" in texts:
                raise RuntimeError("no")
            return super().encode(texts)

    encoder = RecentVectors(Failing(), PLENTY)
    encoder.encode(["a"])
    with pytest.raises(RuntimeError):
        encoder.encode(["a", "bad"])
    assert len(encoder) == 1
    assert encoder.encode(["a"]).shape == (1, 16)


def test_threads_that_ask_at_once_get_their_own_vectors_and_every_text_is_counted() -> None:
    encoder = RecentVectors(HashEncoder(16), room_for(20))
    rng = rng_for(0, "texts")
    asked = [[f"text {i}" for i in rng.integers(60, size=8)] for _ in range(400)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(encoder.encode, asked))
    for texts, vector_N_D in zip(asked, found, strict=True):
        assert np.array_equal(vector_N_D, HashEncoder(16).encode(texts))
    assert encoder.found + encoder.missed == sum(len(set(texts)) for texts in asked)
    assert len(encoder) == 20


def test_the_cut_is_the_one_that_the_encoder_reports(counting: Counting) -> None:
    class Short(Counting):
        def cut(self, texts: Sequence[str]) -> list[bool]:
            return [len(text) > 3 for text in texts]

    assert RecentVectors(Short(), PLENTY).cut(["tea", "coffee"]) == [False, True]
    assert RecentVectors(counting, PLENTY).cut(["tea", "coffee"]) == [False, False]


def test_the_memory_behaves_like_its_encoder(counting: Counting) -> None:
    encoder = RecentVectors(counting, PLENTY)
    assert isinstance(encoder, Encoder)
    assert (encoder.fingerprint, encoder.dimensions, encoder.languages) == ("counting", 16, None)


def test_a_negative_bound_is_refused(counting: Counting) -> None:
    with pytest.raises(InvalidInput, match="most_bytes must be a number >= 0, got -1"):
        RecentVectors(counting, -1)


def test_threads_encode_one_after_the_other_unless_the_encoder_allows_more() -> None:
    class Slow:
        fingerprint, dimensions, side_by_side = "slow", 256, False
        inside = most = 0

        def encode(self, texts: Sequence[str]) -> FloatArray:
            self.inside += 1
            self.most = max(self.most, self.inside)
            time.sleep(0.05)
            self.inside -= 1
            return HashEncoder().encode(texts)

    slow = Slow()
    recent = RecentVectors(slow, most_bytes=0)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda k: recent.encode([f"text {k}"]), range(3)))
    assert slow.most == 1
