from collections.abc import Sequence

import numpy as np
import pytest

from pluralign.core import (
    FloatArray,
    InvalidInput,
    Message,
    NotEnoughData,
    PreferencePair,
    RewardRequest,
    requests_of,
)
from pluralign.encoders import HashEncoder
from pluralign.rewards import DenseFeatures, EmbeddingTrunk, EncodedPairs

TURNS = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Tea or coffee?"))
PAIRS = [
    PreferencePair("1", "Tea or coffee?", "Tea please", "Coffee please", "GBR"),
    PreferencePair("2", "Tea or coffee?", "Coffee please", "Nothing", "MEX"),
    PreferencePair("3", TURNS, "Tea please", "Tea or coffee?", "GBR"),
]
TRUNK = EmbeddingTrunk(HashEncoder(32))


class Counting:
    """A hash encoder that remembers every text it was given."""

    fingerprint = "counting"
    dimensions = 32

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> FloatArray:
        self.seen += texts
        return HashEncoder(32).encode(texts)


def test_features_do_not_depend_on_what_else_is_scored(requests: list[RewardRequest]) -> None:
    together = TRUNK.features(requests)
    assert together.shape == (len(requests), TRUNK.dimensions)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together, np.vstack([TRUNK.features([r]) for r in requests]))
    np.testing.assert_array_equal(together[::-1], TRUNK.features(requests[::-1]))


def test_a_pair_is_the_features_of_chosen_minus_those_of_rejected() -> None:
    chosen, rejected = requests_of(PAIRS)
    expected = TRUNK.features(chosen) - TRUNK.features(rejected)
    encoded = TRUNK.encode_pairs(PAIRS)
    assert encoded.features.dense().dtype == np.float32
    np.testing.assert_allclose(encoded.features.dense(), expected, atol=1e-6)


def test_features_cover_the_response_and_how_it_answers_the_prompt() -> None:
    (feature_D,) = TRUNK.features([RewardRequest("Tea or coffee?", "Tea please")])
    prompt_d, response_d = HashEncoder(32).encode(["Tea or coffee?", "Tea please"])
    np.testing.assert_array_equal(feature_D[:32], response_d)
    np.testing.assert_allclose(feature_D[32:], 0.5 * np.sqrt(32) * prompt_d * response_d, rtol=1e-6)


def test_without_interaction_the_prompt_leaves_no_trace() -> None:
    plain = EmbeddingTrunk(HashEncoder(32), interaction=0)
    features = plain.features(
        [RewardRequest("Tea?", "Yes please"), RewardRequest("War?", "Yes please")]
    )
    assert not features[:, 32:].any()
    np.testing.assert_array_equal(features[0], features[1])
    assert not plain.encode_pairs(PAIRS).features.dense()[:, 32:].any()


def test_turns_are_read_as_one_text_and_one_turn_as_its_text() -> None:
    alone = RewardRequest((Message("user", "Tea?"),), "Yes")
    np.testing.assert_array_equal(
        TRUNK.features([alone]), TRUNK.features([RewardRequest("Tea?", "Yes")])
    )
    written = "user: Hi\nassistant: Hello\nuser: Tea or coffee?"
    np.testing.assert_array_equal(
        TRUNK.features([RewardRequest(TURNS, "Tea")]),
        TRUNK.features([RewardRequest(written, "Tea")]),
    )


def test_each_distinct_text_is_encoded_once() -> None:
    counting = Counting()
    EmbeddingTrunk(counting).encode_pairs([*PAIRS, *PAIRS])
    assert len(counting.seen) == len(set(counting.seen)) == 5
    counting.seen.clear()
    EmbeddingTrunk(counting).features([RewardRequest("Tea", "Tea"), RewardRequest("Tea", "Coffee")])
    assert sorted(counting.seen) == ["Coffee", "Tea"]


def test_nothing_is_not_enough_data() -> None:
    with pytest.raises(NotEnoughData):
        TRUNK.features([])
    with pytest.raises(NotEnoughData):
        TRUNK.encode_pairs([])


@pytest.mark.parametrize("interaction", [-0.1, np.nan, np.inf])
def test_an_interaction_that_is_no_number_from_zero_is_refused(interaction: float) -> None:
    with pytest.raises(InvalidInput, match="interaction"):
        EmbeddingTrunk(HashEncoder(32), interaction)


def test_the_fingerprint_changes_with_the_encoder_and_the_interaction() -> None:
    trunks = [
        EmbeddingTrunk(HashEncoder(d, s), i)
        for d in (8, 9)
        for s in (0, 1)
        for i in (0.5, 0.5000001)
    ]
    assert len({t.fingerprint for t in trunks}) == len(trunks)
    assert (
        EmbeddingTrunk(HashEncoder(8), 1).fingerprint
        == EmbeddingTrunk(HashEncoder(8), 1.0).fingerprint
    )


def test_taking_pairs_keeps_each_with_its_features() -> None:
    encoded = TRUNK.encode_pairs(PAIRS)
    taken = encoded.take(np.array([2, 0]))
    assert [p.id for p in taken.pairs] == ["3", "1"]
    np.testing.assert_array_equal(taken.features.dense(), encoded.features.dense()[[2, 0]])
    assert [p.id for p in encoded.of(["GBR"]).pairs] == ["1", "3"]
    assert len(encoded.of(["NZL"])) == 0


def test_margins_are_the_differences_of_the_rewards() -> None:
    encoded, heads_D_C = TRUNK.encode_pairs(PAIRS), np.arange(128.0).reshape(64, 2)
    both_N_C = encoded.margins(heads_D_C)
    assert both_N_C.shape == (3, 2)
    np.testing.assert_allclose(both_N_C[:, 1], encoded.margins(heads_D_C[:, 1]))


def test_pairs_and_features_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="3 pairs and 2 rows"):
        EncodedPairs(tuple(PAIRS), DenseFeatures(np.zeros((2, 64))))


@pytest.mark.parametrize("other", ["TEA please", "tea  please", "Tea please\u00a0"])
def test_responses_that_the_encoder_reads_alike_share_a_vector_and_tie_exactly(other: str) -> None:
    class Lower(Counting):
        def encode(self, texts: Sequence[str]) -> FloatArray:
            noise = (
                1e-7 * np.arange(len(texts), dtype=np.float32)[:, None]
            )  # as rounding in another batch
            return HashEncoder(32).encode([" ".join(t.lower().split()) for t in texts]) + noise

    pairs = [*PAIRS, PreferencePair("4", "Tea?", "Tea please", other, "GBR")]
    encoded = EmbeddingTrunk(Lower()).encode_pairs(pairs)
    assert encoded.alike_N.tolist() == [False, False, False, True]
    assert encoded.margins(np.ones(64))[3] == 0
    assert encoded.margins(np.ones(64))[:3].all()
