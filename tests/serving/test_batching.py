"""Micro-batches: which requests are scored together, in which order; cancellation and failure."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.core import FloatArray, NotEnoughData, RewardRequest, Steer, rng_for
from pluralign.serving.batching import Batch, Batcher, Busy, Closed, tokens_of
from pluralign.serving.scoring import ScoreRequest

Result = TypeVar("Result")
SECONDS = 20
A, B = Steer.to("~a"), Steer.to("~b", 2.0)


class Lengths:
    """Rewards by length, distinct by steer and fit; records its batches and waits for a gate."""

    def __init__(self, fits: int = 3, bad: str = "bad") -> None:
        self.fits, self.bad = fits, bad
        self.batches: list[list[list[str]]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()

    def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        batch = [[request.response for request in one.requests] for one in wanted]
        self.batches.append(batch)
        self.begun.set()
        assert self.gate.wait(SECONDS)
        if any(self.bad in texts for texts in batch):
            raise RuntimeError("cannot be scored")
        return [self.rewards(one) for one in wanted]

    def rewards(self, one: ScoreRequest) -> FloatArray:
        length_N = np.array([len(request.response) for request in one.requests], dtype=np.float64)
        strength_S = np.array([steer.strength if steer else 0.0 for steer in one.steers])
        fit_B = np.arange(self.fits if one.repeated else 1)
        rewards: FloatArray = length_N[:, None] + 1000 * strength_S + 1e6 * fit_B[:, None, None]
        return rewards

    def texts(self) -> list[str]:
        return [text for batch in self.batches for texts in batch for text in texts]


def wanted(
    *texts: str, steers: tuple[Steer | None, ...] = (None,), repeated: bool = False
) -> ScoreRequest:
    return ScoreRequest(tuple(RewardRequest("", text) for text in texts), steers, repeated)


def run(test: Callable[[], Awaitable[Result]]) -> Result:
    async def bounded() -> Result:
        return await asyncio.wait_for(test(), SECONDS)

    return asyncio.run(bounded())


async def until(done: Callable[[], bool]) -> None:
    while not done():
        await asyncio.sleep(0.001)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=12), min_size=1, max_size=3),
        max_size=8,
    ),
    st.integers(1, 200),
    st.integers(1, 3),
)
def test_every_caller_gets_its_own_rewards_in_its_own_order(
    callers: list[list[list[int]]], budget: int, cores: int
) -> None:
    scorer = Lengths()
    asked = [
        [
            wanted(*("x" * n for n in lengths), steers=(A, None, B)[: 1 + i], repeated=i > 0)
            for i, lengths in enumerate(parts)
        ]
        for parts in callers
    ]

    async def test() -> list[list[FloatArray]]:
        batcher = Batcher(scorer, budget, 10_000, cores=cores)
        found = await asyncio.gather(*(batcher.score(parts) for parts in asked))
        assert batcher.waiting == 0
        await batcher.close()
        return found

    for parts, found in zip(asked, run(test), strict=True):
        for one, reward_B_N_S in zip(parts, found, strict=True):
            assert np.array_equal(reward_B_N_S, scorer.rewards(one))


@pytest.mark.parametrize(("texts", "at_once"), [(["a", "b"], True), (["a" * 20_000], False)])
def test_small_batches_of_an_instant_encoder_need_no_thread(
    texts: list[str], at_once: bool
) -> None:
    threads = []

    class Watched(Lengths):
        def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
            threads.append(threading.current_thread() is threading.main_thread())
            return super().score(wanted)

    async def test() -> None:
        batcher = Batcher(Watched(), 2048, 10_000, instant=True)
        await batcher.score([wanted(*texts)])
        await batcher.close()

    run(test)
    assert threads == [at_once]


def held(
    scorer: Lengths, tokens: int, most: int = 10_000
) -> tuple[Batcher, "asyncio.Task[list[FloatArray]]"]:
    """A batcher that is at work on a first response until the gate opens."""
    scorer.gate.clear()
    batcher = Batcher(scorer, tokens, most)
    return batcher, asyncio.ensure_future(batcher.score([wanted("first")]))


def test_a_lone_response_does_not_wait_for_others() -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher = Batcher(scorer, 1000, 10)
        await batcher.score([wanted("alone")])
        await batcher.close()

    run(test)
    assert scorer.batches == [[["alone"]]]


def test_waiting_requests_of_all_clients_are_scored_together() -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher, first = held(scorer, 1000)
        await until(scorer.begun.is_set)
        others = [
            asyncio.ensure_future(batcher.score([wanted(f"caller {i}", steers=(A,))]))
            for i in range(9)
        ]
        await until(lambda: batcher.waiting == 9)
        scorer.gate.set()
        await asyncio.gather(first, *others)
        await batcher.close()

    run(test)
    assert scorer.batches == [[["first"]], [[f"caller {i}"] for i in range(9)]]


def test_a_batch_has_no_more_tokens_than_allowed_but_at_least_one_response() -> None:
    scorer = Lengths()
    lengths = rng_for(0, "lengths").integers(0, 400, size=60).tolist()

    async def test() -> None:
        batcher, first = held(scorer, 50)
        await until(scorer.begun.is_set)
        others = [asyncio.ensure_future(batcher.score([wanted("x" * n)])) for n in lengths]
        others.append(asyncio.ensure_future(batcher.score([wanted(*("y" * n for n in lengths))])))
        await until(lambda: batcher.waiting == 120)
        scorer.gate.set()
        await asyncio.gather(first, *others)
        await batcher.close()

    run(test)
    assert len(scorer.texts()) == 121
    for batch in scorer.batches:
        texts = [text for one in batch for text in one]
        assert sum(tokens_of(RewardRequest("", text)) for text in texts) <= 50 or len(texts) == 1


def test_a_batch_contains_responses_of_similar_length() -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher, first = held(scorer, 100)
        await until(scorer.begun.is_set)
        others = [
            asyncio.ensure_future(batcher.score([wanted(c * (4 if i % 2 else 196))]))
            for i, c in enumerate("abcd")
        ]
        await until(lambda: batcher.waiting == 4)
        scorer.gate.set()
        await asyncio.gather(first, *others)
        await batcher.close()

    run(test)
    assert [sorted(text[0] for (text,) in batch) for batch in scorer.batches[1:]] == [
        ["a", "c"],
        ["b", "d"],
    ]


def test_a_short_request_does_not_wait_for_the_whole_of_a_long_one() -> None:
    scorer = Lengths()

    async def test() -> int:
        batcher, first = held(scorer, 100)
        await until(scorer.begun.is_set)
        long = asyncio.ensure_future(batcher.score([wanted(*(["a long one" * 3] * 2000))]))
        await until(lambda: batcher.waiting == 2000)
        short = asyncio.ensure_future(batcher.score([wanted("short" * 20)]))
        await until(lambda: batcher.waiting == 2001)
        scorer.gate.set()
        await short
        answered = len(scorer.batches)
        assert not long.done()
        await asyncio.gather(first, long)
        await batcher.close()
        return answered

    assert run(test) < 20, "of more than two hundred batches"
    assert len(scorer.texts()) == 2002


def test_a_long_request_is_not_put_off_by_ever_more_short_ones() -> None:
    scorer = Lengths()

    async def test() -> int:
        batcher = Batcher(scorer, 20, 10_000)
        long = asyncio.ensure_future(batcher.score([wanted(*(["x" * 60] * 10))]))

        async def asking() -> int:
            answered = 0
            while not long.done():
                await batcher.score([wanted("y" * 70)])
                answered += 1
            return answered

        counts = await asyncio.gather(*(asking() for _ in range(4)))
        await batcher.close()
        return sum(counts)

    assert run(test) < 200


def test_a_disconnected_clients_waiting_requests_are_cancelled() -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher, first = held(scorer, 1)
        await until(scorer.begun.is_set)
        leaving = asyncio.ensure_future(
            batcher.score([wanted("secret", "secret too"), wanted("secret three")])
        )
        staying = asyncio.ensure_future(batcher.score([wanted("staying")]))
        await until(lambda: batcher.waiting == 4)
        leaving.cancel()
        await until(lambda: batcher.waiting == 1)
        scorer.gate.set()
        assert (await staying)[0].item() == len("staying")
        assert leaving.cancelled()
        await first
        await batcher.close()
        assert batcher.waiting == 0

    run(test)
    assert scorer.texts() == ["first", "staying"]


def test_a_client_that_disconnects_while_scored_does_not_disturb_others() -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher, first = held(scorer, 1000)
        await until(scorer.begun.is_set)
        first.cancel()
        other = asyncio.ensure_future(batcher.score([wanted("other")]))
        await until(lambda: batcher.waiting == 1)
        scorer.gate.set()
        assert (await other)[0].item() == 5
        await batcher.close()

    run(test)


def test_a_request_too_large_for_the_queue_is_refused_with_a_time_to_retry() -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher, first = held(scorer, 1000, most=5)
        await until(scorer.begun.is_set)
        waits = asyncio.ensure_future(batcher.score([wanted("a", "b", "c")]))
        await until(lambda: batcher.waiting == 3)
        with pytest.raises(Busy) as caught:
            await batcher.score([wanted("d"), wanted("e", "f")])
        assert 1 <= caught.value.seconds <= 60
        assert batcher.waiting == 3
        fits = asyncio.ensure_future(batcher.score([wanted("d", "e")]))
        await until(lambda: batcher.waiting == 5)
        scorer.gate.set()
        await asyncio.gather(first, waits, fits)
        assert batcher.waiting == 0
        await batcher.close()

    run(test)
    assert "f" not in scorer.texts()


def test_one_bad_request_in_a_batch_does_not_fail_its_neighbours() -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher, first = held(scorer, 1000)
        await until(scorer.begun.is_set)
        texts = ("good", "bad", "well", "bad", "fine")
        others = [asyncio.ensure_future(batcher.score([wanted(text)])) for text in texts]
        await until(lambda: batcher.waiting == 5)
        scorer.gate.set()
        found = await asyncio.gather(first, *others, return_exceptions=True)
        assert [type(one) for one in found] == [list, list, RuntimeError, list, RuntimeError, list]
        assert (await batcher.score([wanted("later")]))[0].item() == 5
        await batcher.close()

    run(test)


@pytest.mark.parametrize("instant", [False, True])
def test_requests_that_come_together_are_one_batch_and_a_bad_one_fails_alone(
    instant: bool,
) -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher = Batcher(scorer, 1000, 10_000, instant=instant)
        asked = [batcher.score([wanted(text)]) for text in ("good", "bad", "fine")]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in found] == [list, RuntimeError, list]
        assert (await batcher.score([wanted("later")]))[0].item() == 5
        assert batcher.waiting == 0
        await batcher.close()

    run(test)
    assert scorer.batches[0] == [["good"], ["bad"], ["fine"]]


def test_a_request_that_failed_is_not_gone_on_with() -> None:
    scorer = Lengths(bad="")  # the shortest comes first

    async def test() -> None:
        batcher = Batcher(scorer, 1, 10_000)
        with pytest.raises(RuntimeError):
            await batcher.score([wanted("", *(["long text"] * 50))])
        assert batcher.waiting == 0
        await batcher.close()

    run(test)
    assert len(scorer.texts()) <= 2


def test_a_scorer_that_answers_too_little_fails_its_callers_and_goes_on() -> None:
    scorer = Lengths()
    whole = scorer.score
    scorer.score = lambda wanted: whole(wanted)[1:]  # type: ignore[method-assign]

    async def test() -> None:
        batcher = Batcher(scorer, 1000, 10)
        with pytest.raises(ValueError, match="zip"):
            await batcher.score([wanted("a")])
        scorer.score = whole  # type: ignore[method-assign]
        assert (await batcher.score([wanted("a")]))[0].item() == 1
        await batcher.close()

    run(test)


def test_closing_finishes_what_waits_and_takes_no_more() -> None:
    scorer = Lengths()

    async def test() -> None:
        batcher, first = held(scorer, 2)
        await until(scorer.begun.is_set)
        others = [asyncio.ensure_future(batcher.score([wanted(f"{i}")])) for i in range(5)]
        await until(lambda: batcher.waiting == 5)
        closing = asyncio.ensure_future(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(Closed):
            await batcher.score([wanted("late")])
        scorer.gate.set()
        found = await asyncio.gather(first, *others)
        assert len(found) == 6
        await closing

    run(test)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scorer")]


def test_nothing_to_score_is_an_error() -> None:
    async def test() -> None:
        batcher = Batcher(Lengths(), 10, 10)
        with pytest.raises(NotEnoughData):
            await batcher.score([wanted("a"), wanted()])
        await batcher.close()

    run(test)


def test_an_observer_is_called_with_each_batch() -> None:
    heard: list[Batch] = []

    async def test() -> None:
        batcher = Batcher(Lengths(), 1000, 10, heard.append)
        await batcher.score([wanted("a", "b" * 40)])
        await batcher.close()

    run(test)
    ((responses, tokens, seconds),) = [(one.responses, one.tokens, one.seconds) for one in heard]
    assert (responses, tokens) == (2, 12)
    assert 0 <= seconds < SECONDS


# Several cores


class Cores(Lengths):
    """Records also the thread of each batch, and how many cores torch might use there."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, threading.Thread]] = []

    def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        self.seen.append((torch.get_num_threads(), threading.current_thread()))
        return super().score(wanted)


def test_a_batch_takes_all_cores_where_nothing_else_waits_and_always_in_the_same_thread() -> None:
    scorer = Cores()

    async def test() -> None:
        batcher = Batcher(scorer, 1000, 10, cores=3)
        for _ in range(5):
            await batcher.score([wanted("alone")])
        await batcher.close()

    run(test)
    assert {cores for cores, _ in scorer.seen} == {3}
    assert len({thread for _, thread in scorer.seen}) == 1


def test_where_much_waits_there_is_a_batch_on_each_core() -> None:
    scorer = Cores()

    async def test() -> None:
        scorer.gate.clear()
        batcher = Batcher(scorer, 1, 10_000, cores=2)
        callers = [asyncio.ensure_future(batcher.score([wanted(f"caller {i}")])) for i in range(8)]
        await until(lambda: len(scorer.seen) == 2)
        assert batcher.waiting == 6
        scorer.gate.set()
        await asyncio.gather(*callers)
        await batcher.close()

    run(test)
    assert [cores for cores, _ in scorer.seen[:7]] == [1] * 7
    assert len({thread for _, thread in scorer.seen}) == 2


def test_with_one_core_torch_is_left_as_it_is_set() -> None:
    scorer = Cores()

    async def test() -> None:
        batcher = Batcher(scorer, 1000, 10)
        await batcher.score([wanted("alone")])
        await batcher.close()

    torch.set_num_threads(
        threads := torch.get_num_threads()
    )  # a new thread takes what was set last in any
    run(test)
    assert [cores for cores, _ in scorer.seen] == [threads]


def test_a_batch_that_fails_gives_its_core_back() -> None:
    async def test() -> None:
        batcher = Batcher(Lengths(), 1, 100, cores=2)
        failed = await asyncio.gather(
            *(batcher.score([wanted("bad")]) for _ in range(5)), return_exceptions=True
        )
        assert all(isinstance(error, RuntimeError) for error in failed)
        await batcher.score([wanted("good")])
        await batcher.close()

    run(test)


@given(st.text(), st.text())
def test_tokens_are_a_quarter_of_the_bytes_and_at_least_one(prompt: str, response: str) -> None:
    size = len((prompt + response).encode("utf-8", "replace"))
    assert 1 <= tokens_of(RewardRequest(prompt, response)) <= 1 + size / 4
