"""Law: whatever people consent to, in whatever order, no row is used for anything else."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert

from pluralign.collecting.purposes import PURPOSES, as_text
from pluralign.collecting.released_rows import (
    USES,
    Uses,
    contents_of,
    makes_pair,
    people_with_pairs,
    public_id,
)
from pluralign.collecting.store.tables import (
    assignment,
    consent,
    document,
    metadata,
    pair,
    participant,
    rating,
    text,
)
from pluralign.collecting.study import CommunitySettings, StudySettings, TextsSettings

KEY = bytes(32)
FLOOR = 2
WORDS = TextsSettings(title="Tea", about="Tea.", consent="Yes.", policy="Be kind.")
STUDY = StudySettings(
    id="tea",
    languages=("en",),
    communities=(CommunitySettings(id="MEX", floor=FLOOR), CommunitySettings(id="~hill", floor=1)),
    texts={"en": WORDS},
)
SOME = st.sets(st.sampled_from(PURPOSES))
PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["MEX", "~hill"]),
        st.lists(SOME, min_size=1, max_size=3),  # consents, one after the other
        st.lists(st.sampled_from(["left", "right", "tie", "dont-know"]), max_size=3),  # versions
    ),
    min_size=1,
    max_size=6,
)


def _fill(c: Connection, people: Sequence[tuple[str, list[set[str]], list[str]]], author: int):
    """One pair that everybody is shown; the left response is by one of the people."""
    c.execute(
        insert(document).values(
            id="d", kind="consent", language="en", version=1, purposes="", body="Yes.", made_at=0
        )
    )
    for k, (community, consents, _) in enumerate(people):
        row = {"id": f"p{k}", "community": community, "key_hash": f"k{k}", "language": "en"}
        c.execute(insert(participant).values(row | {"joined_day": "2026-11-30"}))
        for version, purposes in enumerate(consents, start=1):
            own = {"id": f"c{k}-{version}", "participant": f"p{k}", "document": "d", "at": 0}
            given = {"version": version, "purposes": as_text(purposes)}
            c.execute(insert(consent).values(own | given))
    for id_, parent, by in [("t", None, None), ("a", "t", f"p{author}"), ("b", "t", None)]:
        row = {"id": id_, "digest": id_, "author": by, "origin": "people" if by else "study"}
        more = {"kind": "response" if parent else "prompt", "parent": parent, "body": id_ * 3}
        always = {"licence": "CC0-1.0", "language": "en", "state": "shown", "made_at": 0}
        c.execute(insert(text).values(row | more | always))
    c.execute(
        insert(pair).values(id="q", prompt="t", first="a", second="b", anchor=True, made_at=0)
    )
    for k, (_, _, choices) in enumerate(people):
        if not choices:
            continue
        row = {"id": f"s{k}", "participant": f"p{k}", "pair": "q", "left": "a", "right": "b"}
        more = {"reason": "anchor", "propensity": 1.0, "policy": "test", "served_at": 0}
        c.execute(insert(assignment).values(row | more))
        for version, choice in enumerate(choices, start=1):
            row = {"id": f"r{k}-{version}", "assignment": f"s{k}", "consent": f"c{k}-1"}
            more = {"choice": choice, "flip": 0.0, "language": "en", "received_at": 0}
            last = {"offline": False, "digest": "", "salt": "", "version": version, "reason": "So."}
            c.execute(insert(rating).values(row | more | last))


@settings(deadline=None, max_examples=60)
@given(people=PEOPLE, asked=st.sets(st.sampled_from(USES), min_size=1), author=st.integers(0, 5))
def test_every_row_has_a_live_consent_of_its_person_and_its_author_for_every_purpose(
    people, asked, author
):
    author %= len(people)
    uses = Uses.of(asked)
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as c:
        _fill(c, people, author)
        found = contents_of(c, STUDY, uses, KEY, {"MEX", "~hill"})
    now = {
        public_id(KEY, "rater", f"p{k}"): consents[-1] for k, (_, consents, _) in enumerate(people)
    }
    newest = {public_id(KEY, "rater", f"p{k}"): c[-1] for k, (_, _, c) in enumerate(people) if c}
    for row in found.answers:
        assert set(uses.purposes) <= now[row["rater"]]
        assert set(row["purposes"]) == now[row["rater"]]
        assert row["choice"] == newest[row["rater"]]
        if uses.published and row["context"] is not None:
            assert "publish-quotes" in now[row["rater"]]
    if found.texts:  # every pair has the author's text
        assert set(uses.of_texts) <= people[author][1][-1]
    for community, raters in people_with_pairs(found.answers).items():
        assert len(raters) >= STUDY.floor_of(community)
    answered = sum(bool(choices) for _, _, choices in people)
    assert len(found.answers) + found.left_out.total() == answered
    assert all(row["repeats"] is None for row in found.answers if makes_pair(row))
    engine.dispose()
