import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import InvalidInput, rng_for
from pluralign.simulation import TRAITS, read_traits
from pluralign.simulation.bank import FILLERS, PHRASES, PROMPTS
from pluralign.simulation.texts import draft, draw_replies, log_words, write

PHRASE_LIST = [phrase for poles in PHRASES.values() for pole in poles for phrase in pole]


def test_every_sentence_of_the_bank_is_one_sentence_and_occurs_once():
    sentences = [*PHRASE_LIST, *FILLERS]
    assert len(set(sentences)) == len(sentences)
    assert all(re.fullmatch(r"[A-Z][^.!?]*\.", s) for s in sentences)
    prompts = [p for texts in PROMPTS.values() for p in texts]
    assert len(set(prompts)) == len(prompts) == 32


def test_both_poles_of_a_trait_are_about_equally_long():
    for trait, poles in PHRASES.items():
        assert len(poles[0]) == len(poles[1]) == 5
        lengths = [np.mean([len(p.split()) for p in pole]) for pole in poles]
        assert abs(lengths[0] - lengths[1]) <= 2, trait


@given(st.integers(0, 10_000), st.integers(1, len(TRAITS)))
def test_a_written_reply_is_read_back_into_its_traits(seed, size):
    traits = TRAITS[:size]
    drafts = draft(traits, 5, rng_for(seed))
    np.testing.assert_array_equal(read_traits(write(traits, drafts), traits), drafts.z_N_D)


def test_replies_show_three_to_five_traits_of_either_pole():
    z = draft(TRAITS, 4000, rng_for(0)).z_N_D
    assert set(np.abs(z).sum(axis=1)) == {3, 4, 5}
    assert np.abs(z.mean(axis=0)).max() < 0.04
    assert np.abs(z).mean() == pytest.approx(0.4, abs=0.01)


def test_thousands_of_replies_are_distinct_and_pairs_always_are():
    first, second = draw_replies(TRAITS, 3000, rng_for(0))
    assert len({*first, *second}) > 5900
    first, second = draw_replies(["warm"], 2000, rng_for(0))
    assert all(a != b for a, b in zip(first, second, strict=True))


def test_words_that_are_not_in_the_bank_show_nothing():
    assert not read_traits(["", "Hello there.", "Laugh about it"], TRAITS).any()
    assert log_words(["", "a b c d"]).tolist() == pytest.approx([0, np.log(4)])


def test_unknown_and_repeated_traits_are_refused():
    with pytest.raises(InvalidInput, match="unknown traits"):
        read_traits(["x"], ["thrift"])
    with pytest.raises(InvalidInput, match="each named once"):
        read_traits(["x"], ["warm", "warm"])
