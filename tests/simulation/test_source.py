from collections import Counter

import pytest
from pydantic import TypeAdapter

from pluralign.core import InvalidInput, PairSource, Tally
from pluralign.simulation import SocietySource


def test_the_source_keeps_the_port_and_counts_what_it_gives():
    source, tally = SocietySource(each=30, thin=5, world=40), Tally()
    assert isinstance(source, PairSource)
    pairs = list(source.pairs(tally))
    assert Counter(p.community for p in pairs) == {
        "~river": 30, "~coast": 30, "~marsh": 30, "~hill": 30, "~isle": 5, "~world": 40,
    }  # fmt: skip
    assert (tally.read, tally.kept) == (165, 165)
    assert len({p.id for p in pairs}) == 165
    assert {(p.source, p.license) for p in pairs} == {(source.name, source.license)}


def test_more_pairs_of_one_community_leave_the_others_as_they_were():
    few, many = SocietySource(each=10, thin=5, world=5), SocietySource(each=20, thin=5, world=5)
    assert [p for p in few.pairs() if p.community == "~isle"] == [
        p for p in many.pairs() if p.community == "~isle"
    ]


def test_settings_are_read_from_a_table_and_bad_ones_refused():
    adapter = TypeAdapter(SocietySource)
    assert adapter.validate_python({"seed": 3, "each": 7}) == SocietySource(seed=3, each=7)
    with pytest.raises(InvalidInput):
        SocietySource(each=-1)
    with pytest.raises(InvalidInput):
        SocietySource(each=0, thin=0, world=0)
