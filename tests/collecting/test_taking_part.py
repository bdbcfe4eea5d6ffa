"""From an invitation to a kept answer."""

import pytest
from sqlalchemy import func, insert, select

from pluralign.collecting.consents import consent_of, give_consent
from pluralign.collecting.documents import publish_documents
from pluralign.collecting.ratings import Answer, delete_answer, keep_answer
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import read_key
from pluralign.collecting.store.tables import (
    assignment,
    audit,
    consent,
    document,
    invite,
    metadata,
    pair,
    participant,
    rating,
    session,
    text,
)
from pluralign.collecting.study import open_study
from pluralign.collecting.taking_part import invite_people, join, person_of, session_with_key
from pluralign.collecting.written_texts import NewText, add_text, clean_text

BOTH_DATABASES = True
NOW = 1_800_000_000
DAY = 86_400


def _invite(store, study, uses=1):
    return store.write(
        lambda c: invite_people(c, study.secret, "MEX", uses=uses, seconds=DAY, now=NOW)
    )


def _document(connection):
    newest = select(document.c.id).where(document.c.kind == "consent", document.c.language == "en")
    return connection.execute(newest.order_by(document.c.version.desc()).limit(1)).scalar_one()


def _join(store, study, token, form="form-1", purposes=("collect", "train"), now=NOW):
    return store.write(
        lambda c: join(
            c,
            study.secret,
            token,
            form=form,
            document_id=_document(c),
            purposes=purposes,
            language="en",
            now=now,
        )
    )


def _count(store, table):
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _new(kind, body, parent=None, **values):
    filled = {"language": "en", "community": None, "author": None, "origin": "study"}
    return NewText(kind, body, parent=parent, licence="CC0-1.0", state="shown", **filled | values)


def _shown_pair(store, person):
    """An assignment of the only pair: a prompt and two answers."""

    def make(connection):
        prompt = add_text(connection, _new("prompt", "Tea?"), NOW)
        left, right = (add_text(connection, _new("response", b, prompt), NOW) for b in ("A", "B"))
        connection.execute(
            insert(assignment).values(
                id="shown-1",
                participant=person,
                pair=connection.execute(select(pair.c.id)).scalar_one(),
                left=left,
                right=right,
                reason="anchor",
                propensity=0.5,
                policy="test",
                served_at=NOW,
            )
        )

    store.write(make)
    return "shown-1"


def test_a_person_joins_with_an_invitation_and_is_known_by_session_and_by_key(store, study):
    joined = _join(store, study, _invite(store, study))
    with store.reading() as connection:
        person = person_of(connection, study.secret, joined.token, NOW)
    assert person is not None
    assert (person.id, person.community, person.language) == (joined.participant, "MEX", "en")
    other = store.write(lambda c: session_with_key(c, study.secret, joined.key.upper(), NOW))
    with store.reading() as connection:
        assert person_of(connection, study.secret, other, NOW) == person
        assert person_of(connection, study.secret, other, NOW + 91 * DAY) is None


def test_the_same_form_sent_twice_joins_once_and_shows_the_same_key(store, study):
    token = _invite(store, study)
    first, second = _join(store, study, token), _join(store, study, token)
    assert (first.participant, first.key) == (second.participant, second.key)
    assert _count(store, participant) == 1
    assert _count(store, consent) == 1


def test_no_table_contains_a_key_or_a_token(store, study):
    token = _invite(store, study)
    joined = _join(store, study, token)
    with store.reading() as connection:
        cells = {
            str(cell)
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
            for cell in row
        }
    assert cells.isdisjoint({token, joined.key, joined.token})


@pytest.mark.parametrize("case", ["unknown", "used up", "expired", "revoked"])
def test_an_invitation_that_cannot_be_used_gets_one_sentence_that_does_not_reveal_why(
    store, study, case
):
    token = _invite(store, study)
    now = NOW
    if case == "unknown":
        token = "nobody-has-this"
    elif case == "used up":
        _join(store, study, token, form="somebody else's")
    elif case == "expired":
        now = NOW + DAY
    else:
        store.write(lambda c: c.execute(invite.update().values(revoked_at=NOW)))
    before = _count(store, participant)
    with pytest.raises(NotAccepted, match="This invitation cannot be used any more"):
        _join(store, study, token, now=now)
    assert _count(store, participant) == before
    assert _count(store, session) == before


def test_nobody_takes_part_without_the_consent_that_answers_may_be_kept(store, study):
    with pytest.raises(NotAccepted, match="cannot keep your answers"):
        _join(store, study, _invite(store, study), purposes=("train",))
    assert _count(store, participant) == 0


@pytest.mark.parametrize(
    "typed", ["", "babab", "babab-babab-babab-babab-babab-babab", "x" * 10_000]
)
def test_a_wrong_key_opens_nothing_and_reveals_nothing(store, study, typed):
    joined = _join(store, study, _invite(store, study))
    assert read_key(joined.key) == joined.key
    with pytest.raises(NotAccepted, match="does not open anything"):
        store.write(lambda c: session_with_key(c, study.secret, typed, NOW))


def test_the_same_answer_counts_once_and_another_one_is_a_new_version(store, study):
    person = _join(store, study, _invite(store, study)).participant
    shown = _shown_pair(store, person)

    def answer(**values):
        return store.write(lambda c: keep_answer(c, person, Answer(shown, **values), NOW))

    first = answer(choice="left", seconds=8)
    again = answer(choice="left", seconds=9, offline=True)
    other = answer(choice="right")
    assert (first.version, first.again) == (1, False)
    assert (again.rating, again.again) == (first.rating, True)
    assert (other.version, other.again) == (2, False)
    assert _count(store, rating) == 2


def test_only_the_person_to_whom_a_pair_was_shown_answers_it_or_deletes_the_answer(store, study):
    token = _invite(store, study, uses=2)
    one, other = (_join(store, study, token, form=f).participant for f in ("1", "2"))
    shown = _shown_pair(store, one)
    with pytest.raises(NotAccepted, match="was not shown to you"):
        store.write(lambda c: keep_answer(c, other, Answer(shown, "left"), NOW))
    store.write(lambda c: keep_answer(c, one, Answer(shown, "left"), NOW))
    with pytest.raises(NotAccepted, match="was not shown to you"):
        store.write(lambda c: delete_answer(c, other, shown, NOW))
    assert store.write(lambda c: delete_answer(c, one, shown, NOW)) == 1
    assert _count(store, rating) == 0


def test_a_changed_text_is_agreed_to_before_the_next_answer_and_the_old_answer_keeps_the_old_one(
    store, study
):
    person = _join(store, study, _invite(store, study)).participant
    shown = _shown_pair(store, person)
    store.write(lambda c: keep_answer(c, person, Answer(shown, "left"), NOW))
    path = study.folder / "study.toml"
    path.write_text(path.read_text("utf-8").replace("You agree.", "You agree to more."), "utf-8")
    changed = open_study(study.folder).settings
    assert store.write(lambda c: publish_documents(c, changed, NOW + 1)) == 2
    with pytest.raises(NotAccepted, match="Please read it again"):
        store.write(lambda c: keep_answer(c, person, Answer(shown, "right"), NOW + 2))
    store.write(lambda c: give_consent(c, person, _document(c), ["collect"], NOW + 3))
    store.write(lambda c: keep_answer(c, person, Answer(shown, "right"), NOW + 4))
    with store.reading() as connection:
        rows = connection.execute(
            select(rating.c.choice, document.c.version)
            .join(consent, rating.c.consent == consent.c.id)
            .join(document, consent.c.document == document.c.id)
            .order_by(rating.c.version)
        ).all()
        now = consent_of(connection, person)
    assert [tuple(row) for row in rows] == [("left", 1), ("right", 2)]
    assert now is not None
    assert (now.purposes, now.current) == ("collect", True)


def test_texts_that_did_not_change_are_not_published_again(store, study):
    assert store.write(lambda c: publish_documents(c, study.settings, NOW + 9)) == 1
    assert _count(store, document) == 4


def test_a_clock_that_is_ahead_gives_no_time_but_keeps_the_answer(store, study):
    person = _join(store, study, _invite(store, study)).participant
    answer = Answer(_shown_pair(store, person), "tie", made_at=NOW + 10 * DAY, offline=True)
    store.write(lambda c: keep_answer(c, person, answer, NOW))
    with store.reading() as connection:
        assert connection.execute(select(rating.c.made_at, rating.c.choice)).one() == (None, "tie")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("  \n ", "write something"),
        ("...!", "write something"),
        ("x" * 101, "At most 100 characters fit; the text has 101"),
        ("one\u202etwo", "change its direction"),
        ("one\x00two", "cannot be shown"),
        ("one\x1b[31mtwo", "cannot be shown"),
        ("one\U000e0074\U000e0077\U000e006ftwo", "cannot be shown"),  # letters that nobody sees
    ],
)
def test_a_text_that_cannot_be_kept_gets_a_reason(given, reason):
    with pytest.raises(NotAccepted, match=reason):
        clean_text(given, 100)


@pytest.mark.parametrize(
    "given", ["<b>bold</b> & co", "नमस्ते क्‍ष", "مرحبا، كيف الحال؟", "👩‍👩‍👧 yes", "🏴󠁧󠁢󠁷󠁬󠁳󠁿 Wales"]
)
def test_markup_and_every_script_are_kept_as_they_were_written(given):
    assert clean_text(given, 100) == given


def test_a_community_does_not_get_the_same_text_twice(store):
    store.write(lambda c: add_text(c, _new("prompt", "Tea?", community="MEX"), NOW))
    with pytest.raises(NotAccepted, match="here already"):
        store.write(lambda c: add_text(c, _new("prompt", "Tea?", community="MEX"), NOW))
    store.write(lambda c: add_text(c, _new("prompt", "Tea?", community="~hill"), NOW))
    assert _count(store, text) == 2


def test_every_two_answers_to_a_prompt_are_a_pair_but_not_across_communities(store):
    def make(connection):
        prompt = add_text(connection, _new("prompt", "Tea?"), NOW)
        for body, community in [("A", None), ("B", None), ("C", "MEX"), ("D", "~hill")]:
            add_text(connection, _new("response", body, prompt, community=community), NOW)

    store.write(make)
    with store.reading() as connection:
        found = connection.execute(select(pair.c.community)).scalars().all()
    assert sorted(map(str, found)) == ["MEX", "MEX", "None", "~hill", "~hill"]


def test_the_last_consent_counts_also_within_one_second(store, study):
    person = _join(store, study, _invite(store, study)).participant
    for purposes in (["collect", "train"], ["collect"], ["collect", "evaluate"], ["collect"]):
        store.write(lambda c, p=purposes: give_consent(c, person, _document(c), p, NOW))
    with store.reading() as connection:
        assert consent_of(connection, person).purposes == "collect"


def test_nothing_is_kept_of_a_person_who_no_longer_agrees_to_that(store, study):
    person = _join(store, study, _invite(store, study)).participant
    shown = _shown_pair(store, person)
    store.write(lambda c: give_consent(c, person, _document(c), [], NOW))
    with pytest.raises(NotAccepted, match="do not agree"):
        store.write(lambda c: keep_answer(c, person, Answer(shown, "left"), NOW))


def test_the_log_does_not_reveal_a_deleted_answer_to_somebody_who_tries_every_choice(store, study):
    person = _join(store, study, _invite(store, study)).participant
    shown = _shown_pair(store, person)
    store.write(lambda c: keep_answer(c, person, Answer(shown, "left"), NOW))
    store.write(lambda c: delete_answer(c, person, shown, NOW))
    tried = {Answer(shown, choice).digest for choice in ("left", "right", "tie", "both-bad")}
    with store.reading() as connection:
        digests = set(connection.execute(select(audit.c.digest)).scalars())
    assert digests.isdisjoint(tried)


def test_an_older_version_that_arrives_once_more_does_not_come_back(store, study):
    person = _join(store, study, _invite(store, study)).participant
    shown = _shown_pair(store, person)

    def answer(choice, made_at):
        sent = Answer(shown, choice=choice, made_at=made_at)
        return store.write(lambda c: keep_answer(c, person, sent, NOW + 60))

    first, second = answer("left", NOW + 1), answer("right", NOW + 2)
    replayed = answer("left", NOW + 1)
    assert (replayed.rating, replayed.again) == (first.rating, True)
    assert (second.version, _count(store, rating)) == (2, 2)
    back = answer("left", NOW + 3)  # the person has changed their mind again
    assert (back.version, back.again) == (3, False)


def test_an_answer_that_a_person_deleted_is_not_brought_back_by_their_phone(store, study):
    person = _join(store, study, _invite(store, study)).participant
    shown = _shown_pair(store, person)

    def send(choice, made_at=None, **more):
        sent = Answer(shown, choice=choice, made_at=made_at, **more)
        return store.write(lambda c: keep_answer(c, person, sent, NOW + 60))

    def delete():
        return store.write(lambda c: delete_answer(c, person, shown, NOW + 60))

    send("left", NOW + 1)
    send("right", NOW + 2)
    assert delete() == 2
    for choice, moment in (("left", NOW + 1), ("right", NOW + 2)):
        assert send(choice, moment).again
    assert _count(store, rating) == 0
    assert send("left", NOW + 3).version == 1  # a new answer
    assert delete() == 1
    assert send("right", NOW + 2).again
    exchanged = {"flip": 0.25}  # a phone in a private study, which does not say when
    send("left", **exchanged)
    delete()
    assert send("left", **exchanged).again
    assert _count(store, rating) == 0
