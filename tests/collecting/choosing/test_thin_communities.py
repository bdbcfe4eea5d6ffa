"""Thin communities first."""

from hypothesis import given
from hypothesis import strategies as st

from pluralign.collecting.choosing.thin_communities import (
    deal_invitations,
    people_hoped_for,
    people_who_answered,
    thin_first,
)

counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40), max_size=6)
hopes = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=1, max_size=6)


@given(hoped=hopes, answered=counts)
def test_the_community_with_most_people_missing_is_first(hoped, answered):
    missing = [one.missing for one in thin_first(hoped, answered)]
    assert missing == sorted(missing, reverse=True)
    assert len(missing) == len(hoped)


@given(count=st.integers(0, 60), hoped=hopes, answered=counts)
def test_every_invitation_goes_where_most_people_are_missing(count, hoped, answered):
    dealt = deal_invitations(count, hoped, answered)
    missing = {id_: max(0, n - answered.get(id_, 0)) for id_, n in hoped.items()}
    assert sum(dealt.values()) == min(count, sum(missing.values()))
    left = {id_: missing[id_] - dealt[id_] for id_ in hoped}
    invited = [left[id_] for id_ in hoped if dealt[id_]]
    assert all(value >= max(left.values()) - 1 for value in invited)


def test_people_count_once_they_have_answered(village):
    for number in range(5):
        village.prompt(f"q{number}")
    village.open()
    for most in (3, 1):
        village.sit(village.person(), most=most)
    village.next(village.person())  # was shown a pair, and has not answered
    village.person("~hill")
    with village.store.reading() as connection:
        assert people_who_answered(connection) == {"MEX": 2}
    assert people_hoped_for(village.study.settings) == {"MEX": 50, "~hill": 50}
