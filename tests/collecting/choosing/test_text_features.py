"""Features of texts for choosing pairs."""

import numpy as np

from pluralign.collecting.choosing.text_features import TextVectors, principal_directions
from pluralign.encoders import HashEncoder


class _Counting:
    def __init__(self):
        self.encoded = []

    def encode(self, texts):
        self.encoded += texts
        return HashEncoder(8).encode(texts)


def test_a_text_is_encoded_once_and_forgotten_when_it_is_gone():
    encoder = _Counting()
    vectors = TextVectors(encoder)
    vectors.of({"a": "tea", "b": "coffee"})
    assert set(vectors.of({"b": "coffee", "c": "water"})) == {"b", "c"}
    assert encoder.encoded == ["tea", "coffee", "water"]


def test_an_average_pair_has_length_one_along_the_directions_of_largest_variance():
    rng = np.random.default_rng(0)
    difference = rng.normal(size=(500, 6)) * np.array([5, 3, 1, 0.5, 0, 0])
    feature = difference @ principal_directions(difference, most=2)
    assert feature.shape == (500, 2)
    assert abs((feature**2).sum(axis=1).mean() - 1) < 1e-9
    kept = (difference[:, :2] ** 2).sum(axis=1)
    assert np.corrcoef(kept, (feature**2).sum(axis=1))[0, 1] > 0.99
    assert principal_directions(difference, most=10).shape == (6, 4)


def test_equal_texts_everywhere_give_finite_features():
    directions = principal_directions(np.zeros((3, 4)))
    assert directions.shape[0] == 4
    assert np.isfinite(directions).all()
