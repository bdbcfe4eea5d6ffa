import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import AcceptedAnswer, InvalidInput, KnowledgeQuestion, NotEnoughData, rng_for
from pluralign.metrics import AnswerShares, simulation_score, total_variation


def ask(*counts: int | None, topic: str = "Food", options: bool = False) -> KnowledgeQuestion:
    """A question with answers a, b, c, ... of so many people each; options in reverse order."""
    names = [chr(ord("a") + k) for k in range(len(counts))]
    return KnowledgeQuestion(
        "q",
        "IRN",
        "en",
        {"en": "?"},
        tuple(AcceptedAnswer({"en": (n,)}, c) for n, c in zip(names, counts, strict=True)),
        {"en": tuple(reversed([*names, "nobody"]))} if options else {},
        topic=topic,
    )


def shares(people: list[float], given: list[float], topic: str = "Food") -> AnswerShares:
    return AnswerShares(topic, np.array(people), np.array(given))


def test_the_score_is_that_of_sums_worked_out_by_hand() -> None:
    # People 0.75, 0.25: equal shares are 0.25 away. People 0.5, 0.5: equal shares are 0 away.
    found = simulation_score(
        [shares([0.75, 0.25], [0.65, 0.35], "Food"), shares([0.5, 0.5], [0.6, 0.4], "Sport")]
    )
    # Distances 0.1 and 0.1; 100 * (1 - 0.2 / 0.25).
    assert found.score.value == pytest.approx(20.0)
    assert found.score.n == 2
    assert found.attainable == 100


def test_draws_that_give_no_accepted_answer_are_a_further_answer() -> None:
    # People 3 of 4 and 1 of 4; draws 2, 1 and one other of 4: |.75-.5| + |.25-.25| + .25 = .5.
    one = AnswerShares.drawn(ask(3, 1), [0, 0, 1, None])
    assert one.distance == pytest.approx(0.25)
    assert one.uniform_distance == pytest.approx(0.25)
    assert simulation_score([one]).score.value == pytest.approx(0.0)
    assert simulation_score([one]).score.low is None  # one topic


def test_options_that_nobody_chose_count_among_equal_shares() -> None:
    one = AnswerShares.likely(ask(3, 1, options=True), "en", [0.1, 0.2, 0.7])
    assert one.people_O.tolist() == [0.0, 0.25, 0.75]  # nobody, b, a
    assert one.distance == pytest.approx((0.1 + 0.05 + 0.05) / 2)
    assert one.uniform_distance == pytest.approx((1 / 3 + 1 / 12 + 5 / 12) / 2)


def test_people_who_all_gave_one_answer_are_left_out_and_counted() -> None:
    found = simulation_score([shares([1.0], [0.5]), shares([0.75, 0.25], [0.75, 0.25])])
    assert (found.score.value, found.score.n, found.one_answer) == (100, 1, 1)


DRAWS = 6


def test_draws_from_the_shares_of_people_score_what_is_attainable() -> None:
    rng = rng_for(1, "draws")
    questions = [
        ask(*counts, topic=str(k % 20)) for k, counts in enumerate([(5, 2, 1), (3, 1)] * 300)
    ]
    drawn = []
    for question in questions:
        p = np.array(question.weights) / question.mentions
        answers = [int(a) for a in rng.choice(len(p), size=DRAWS, p=p)]
        drawn.append(AnswerShares.drawn(question, answers))
    found = simulation_score(drawn)
    assert found.score.low is not None
    assert found.score.high is not None
    assert found.score.low < found.attainable < found.score.high
    assert found.attainable < 60  # six draws are few


SHARES = st.lists(st.integers(0, 9), min_size=2, max_size=5).filter(any)


@given(SHARES, st.randoms(use_true_random=False))
def test_the_distance_is_the_total_variation_of_distances(counts: list[int], random) -> None:  # type: ignore[no-untyped-def]
    people = np.array(counts) / sum(counts)
    other = people.copy()
    random.shuffle(other)
    one = AnswerShares("t", people, other)
    assert one.distance == pytest.approx(float(total_variation(people, other)))
    equal = np.full(people.size, 1 / people.size)
    assert one.uniform_distance == pytest.approx(float(total_variation(people, equal)))


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(2, 9))
def test_the_score_does_not_depend_on_the_unit_of_the_counts(counts: list[int], by: int) -> None:
    answers = [k % len(counts) for k in range(5)]
    one = AnswerShares.drawn(ask(*counts), answers)
    many = AnswerShares.drawn(ask(*(count * by for count in counts)), answers)
    assert one.distance == pytest.approx(many.distance)
    assert one.uniform_distance == pytest.approx(many.uniform_distance)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="two answers"):
        simulation_score([])
    with pytest.raises(NotEnoughData, match="two answers"):
        simulation_score([shares([0.5, 0.5], [0.9, 0.1])])  # nothing is nearer than equal shares
    with pytest.raises(NotEnoughData, match="no counts"):
        AnswerShares.drawn(ask(None, None), [0])
    with pytest.raises(NotEnoughData, match="no answer was drawn"):
        AnswerShares.drawn(ask(2, 1), [])
    with pytest.raises(InvalidInput, match="sum to 1"):
        shares([0.5, 0.5], [0.9, 0.2])
    with pytest.raises(InvalidInput, match="one shape"):
        shares([0.5, 0.5], [1.0])
