"""The pages of stewards: each page, each refusal, and the borders of communities."""

import csv
import io
import re

import pytest
from sqlalchemy import insert, select

from pluralign.collecting import audit_log
from pluralign.collecting.moderating import report_text
from pluralign.collecting.overview import state_of
from pluralign.collecting.pages.stewarding.desks import COOKIE
from pluralign.collecting.proposals import propose
from pluralign.collecting.stewards import add_steward, revoke_steward
from pluralign.collecting.store.tables import (
    agreement,
    audit,
    invite,
    moderation,
    participant,
    release,
    steward,
    text,
)
from pluralign.collecting.withdrawing import withdraw

DAY = 86_400
PAGES = (
    "coverage", "texts", "decisions", "decisions.csv", "invitations", "releases", "withdrawals",
    "log", "log?check=1", "health", "state",
)  # fmt: skip


@pytest.fixture
def let_in(served):
    """``let_in("Ben", "MEX")`` is the browser of a steward who came in by their link."""

    def come(name="Ana", *communities, language="en"):
        token = served.store.write(
            lambda c: add_steward(c, served.study.secret, name, communities, now=served.now[0])
        )
        client = served.client(language)
        assert f"Welcome, {name}." in client.get(f"/steward/enter/{token}").text or language != "en"
        assert client.post(f"/steward/enter/{token}").url.path == "/steward/coverage"
        client.link = token
        return client

    return come


@pytest.fixture
def written(served):
    """Texts that wait, by community."""
    found = {}
    for community in ("MEX", "~hill"):
        person = served.join(community=community)
        person.post("/write", data={"kind": "prompt", "body": f"A question of {community}?"})
        with served.store.reading() as c:
            waiting = select(text.c.id).where(text.c.community == community)
            found[community] = c.execute(waiting).scalar_one()
    return found


def _newest_act(served):
    with served.store.reading() as c:
        row = c.execute(select(audit).order_by(audit.c.seq.desc()).limit(1)).one()
        assert audit_log.broken_at(c) is None
        return row.actor.partition(" ")[0], row.action


@pytest.mark.parametrize("language", ["en", "es", "ar", "hi"])
def test_every_page_of_stewards_is_there_in_every_language(served, let_in, written, language):
    client = let_in(language=language)
    with served.store.reading() as c:
        author = select(participant.c.id).where(participant.c.community == "MEX")
        person = c.execute(author).scalar_one()
    served.store.write(lambda c: withdraw(c, served.study, person, served.now[0]))
    served.store.write(lambda c: propose(c, ["train"], served.now[0], "operator"))
    for path in (*PAGES, f"texts/{written['~hill']}"):
        found = client.get(f"/steward/{path}")
        assert found.status_code == 200, path
        assert found.headers["cache-control"] == "no-store"
        if not path.endswith(".csv"):
            assert f'<html lang="{language}"' in found.text
            assert found.text.count("<h1>") == 1


def test_a_person_a_stranger_and_a_revoked_steward_see_no_page(served, let_in, written):
    revoked = let_in("Ben", "MEX")
    served.store.write(lambda c: revoke_steward(c, "Ben", served.now[0]))
    posts = (
        "invitations", "invitations/revoke", "releases", "state", f"texts/{written['MEX']}",
    )  # fmt: skip
    for client in (served.client(), revoked, served.join()):
        for path in PAGES:
            assert client.get(f"/steward/{path}").status_code == 401, path
        for path in posts:
            found = client.post(f"/steward/{path}", data={"state": "closed"})
            assert found.status_code == 401, path
            assert "for stewards" in found.text
    with served.store.reading() as c:
        assert state_of(c) == "open"
    assert served.count(moderation) == 0


def test_a_link_is_not_used_up_by_looking_at_it_and_works_once(served, let_in):
    client = let_in()
    assert client.cookies[COOKIE]
    again = served.client()
    for send in (again.get, again.post):
        assert send(f"/steward/enter/{client.link}").status_code == 410
        assert send("/steward/enter/guessed").status_code == 410
    assert client.post("/steward/leave").url.path == "/"
    assert client.get("/steward/coverage").status_code == 401


def test_a_stewards_session_is_none_of_a_participant_and_the_other_way_round(served, let_in):
    client = let_in()
    assert client.get("/mine").status_code == 401
    person = served.join()
    person.cookies.set(COOKIE, person.cookies["p"])
    assert person.get("/steward/coverage").status_code == 401


def test_a_form_of_another_site_is_refused(served, let_in, written):
    client = let_in()
    for path in (f"texts/{written['MEX']}", "state", "invitations", "releases", "leave"):
        headers = {"Sec-Fetch-Site": "cross-site"}
        found = client.post(f"/steward/{path}", data={"state": "closed"}, headers=headers)
        assert found.status_code == 403, path
    assert client.get("/steward/coverage").status_code == 200


def test_a_text_is_shown_or_hidden_by_a_rule_and_never_changed(served, let_in, written):
    client, id_ = let_in("Ben", "MEX"), written["MEX"]
    page = client.get("/steward/texts").text
    assert "A question of MEX?" in page
    assert "A question of ~hill?" not in page
    refused = client.post(
        f"/steward/texts/{id_}", data={"decision": "hide", "reason": "My words.", "seen": ""}
    )
    assert (refused.status_code, "choose the rule" in refused.text) == (422, True)
    assert 'value="My words."' in refused.text
    sent = {"decision": "hide", "rule": "private", "reason": '=1+1 "a"', "seen": ""}
    for _ in range(2):
        assert "Your decision is kept." in client.post(f"/steward/texts/{id_}", data=sent).text
    assert _newest_act(served) == ("steward", "text hidden (private)")
    with served.store.reading() as c:
        found = c.execute(select(text.c.state, text.c.body).where(text.c.id == id_)).one()
    assert tuple(found) == ("hidden", "A question of MEX?")
    assert served.count(moderation) == 1
    late = client.post(f"/steward/texts/{id_}", data={"decision": "show", "seen": ""})
    assert (late.status_code, "decided about this text meanwhile" in late.text) == (409, True)
    seen = re.search(r'name="seen" value="(\w+)"', late.text)[1]
    client.post(f"/steward/texts/{id_}", data={"decision": "show", "seen": seen})
    assert _newest_act(served) == ("steward", "text shown (fits)")


def test_the_author_of_a_hidden_text_sees_the_rule(served, let_in):
    person = served.join()
    person.post("/write", data={"kind": "prompt", "body": "Call me on 555 0134?"})
    with served.store.reading() as c:
        id_ = c.execute(select(text.c.id).where(text.c.author.is_not(None))).scalar_one()
    assert "has names or private details" not in person.get("/mine").text
    sent = {"decision": "hide", "rule": "private", "reason": "Only for the log.", "seen": ""}
    let_in().post(f"/steward/texts/{id_}", data=sent)
    page = person.get("/mine").text
    assert "has names or private details" in page
    assert "Only for the log." not in page


def test_the_log_of_decisions_is_a_table_without_peoples_words(served, let_in, written):
    ana, ben = let_in(), let_in("Ben", "MEX")
    for community, id_ in written.items():
        sent = {"decision": "hide", "rule": "other", "reason": f"=SUM({community})", "seen": ""}
        ana.post(f"/steward/texts/{id_}", data=sent)
    rows = list(csv.DictReader(io.StringIO(ana.get("/steward/decisions.csv").text)))
    assert {row["note"] for row in rows} == {"'=SUM(MEX)", "'=SUM(~hill)"}
    assert {(row["steward"], row["decision"], row["rule"]) for row in rows} == {
        ("Ana", "hide", "other")
    }
    download = ben.get("/steward/decisions.csv")
    assert [row["community"] for row in csv.DictReader(io.StringIO(download.text))] == ["MEX"]
    assert "A question of" not in download.text
    assert "A question of ~hill?" not in ben.get("/steward/decisions").text


def test_a_steward_does_not_reach_into_other_communities(served, let_in, written):
    ben = let_in("Ben", "MEX")
    hill = written["~hill"]
    for found in (
        ben.get(f"/steward/texts/{hill}"),
        ben.post(f"/steward/texts/{hill}", data={"decision": "show", "seen": ""}),
    ):
        assert found.status_code == 404
        assert "A question of" not in found.text
    given = {"form": "f", "cards": "1", "uses": "1", "days": "1", "label": ""}
    assert ben.post("/steward/invitations", data=given | {"community": "~hill"}).status_code == 403
    served.invite("~hill")
    with served.store.reading() as c:
        other = c.execute(select(invite.c.id).where(invite.c.community == "~hill")).scalars().all()
    for id_ in other:
        found = ben.post("/steward/invitations/revoke", data={"invitation": id_})
        assert found.status_code == 404
    for path in ("coverage", "invitations", "releases"):
        assert "Hill" not in ben.get(f"/steward/{path}").text
    for state in ("paused", "closed"):
        found = ben.post("/steward/state", data={"state": state})
        assert (found.status_code, "Only a steward of all" in found.text) == (403, True)
    with served.store.reading() as c:
        assert state_of(c) == "open"
        assert c.execute(select(text.c.state).where(text.c.id == hill)).scalar() == "waiting"


def test_reported_texts_come_first_with_the_words_of_the_report_and_without_its_author(
    served, let_in, written
):
    with served.store.reading() as c:
        shared = c.execute(select(text.c.id).where(text.c.community.is_(None))).scalars().first()
        person = c.execute(select(participant).where(participant.c.community == "MEX")).one()
    served.store.write(
        lambda c: report_text(c, shared, person.id, "It is <b>rude</b>.", served.now[0])
    )
    for client, decides in ((let_in(), True), (let_in("Ben", "MEX"), False)):
        page = client.get("/steward/texts").text
        assert page.index("It is &lt;b&gt;rude") < page.index("A question of MEX?")
        assert person.id not in page
        assert (f'action="/steward/texts/{shared}"' in page) == decides
    assert "It is" not in let_in("Eve", "~hill").get("/steward/texts").text


def test_invitations_are_made_once_printed_used_and_revoked(served, let_in, hidden_fields):
    client = let_in("Ben", "MEX")
    page = client.get("/steward/invitations")
    sent = hidden_fields(page.text) | {
        "community": "MEX", "cards": "3", "uses": "2", "days": "7", "label": "choir",
    }  # fmt: skip
    pages = [client.post("/steward/invitations", data=sent).text for _ in range(2)]
    links = re.findall(r">http://testserver(/join/\w+)<", pages[0])
    assert len(links) == 3
    assert re.findall(r">http://testserver(/join/\w+)<", pages[1]) == links
    assert pages[0].count("<svg") == 3
    assert served.count(invite) == 3
    assert served.client().get(links[0]).status_code == 200
    listed = client.get("/steward/invitations").text
    assert listed.count("choir") == 3
    assert links[0].removeprefix("/join/") not in listed
    with served.store.reading() as c:
        id_ = c.execute(select(invite.c.id).order_by(invite.c.id)).scalars().first()
    client.post("/steward/invitations/revoke", data={"invitation": id_})
    assert _newest_act(served) == ("steward", "invitation revoked")
    assert sorted(served.client().get(link).status_code for link in links) == [200, 200, 410]


@pytest.mark.parametrize(
    "wrong", [{"cards": "0"}, {"cards": "61"}, {"uses": "many"}, {"days": "-1"}, {"form": ""}]
)
def test_wrong_numbers_make_no_invitation_and_keep_the_form(served, let_in, wrong):
    client = let_in()
    sent = {
        "form": "f", "community": "MEX", "cards": "1", "uses": "1", "days": "7", "label": "choir",
    } | wrong  # fmt: skip
    found = client.post("/steward/invitations", data=sent)
    assert (found.status_code, 'value="choir"' in found.text) == (422, True)
    assert served.count(invite) == 0


def test_a_steward_agrees_to_a_proposed_release_and_takes_it_back(served, let_in):
    client = let_in("Ben", "MEX")
    made = served.store.write(lambda c: propose(c, ["publish-rows"], served.now[0], "operator"))
    page = client.get("/steward/releases").text
    assert "may be published" in page
    assert "Nobody has agreed yet." in page
    sent = {"proposal": made.id, "answer": "agree"}
    for _ in range(2):
        assert "Agreed: Ben" in client.post("/steward/releases", data=sent).text
    assert served.count(agreement) == 1
    assert _newest_act(served) == ("steward", "proposed release agreed to")
    client.post("/steward/releases", data=sent | {"answer": "take back"})
    assert served.count(agreement) == 0
    unknown = client.post("/steward/releases", data={"proposal": "none", "answer": "agree"})
    assert unknown.status_code == 409


def test_counts_of_a_release_are_rounded_and_of_the_stewards_communities_alone(served, let_in):
    counts = (
        '{"communities": {"MEX": {"people": 12, "answers": 143, "pairs": 120}, '
        '"~hill": {"people": 17, "answers": 171, "pairs": 99}}, "left_out": {}}'
    )
    client = let_in("Ben", "MEX")
    with served.store.reading() as c:
        id_ = c.execute(select(steward.c.id)).scalar()
    row = {
        "id": "2027-01-01-aa", "purposes": "train", "digest": "d" * 64, "counts": counts,
        "stewards": id_, "made_at": served.now[0], "revision": 0,
    }  # fmt: skip
    served.store.write(lambda c: c.execute(insert(release).values(**row)))
    page = client.get("/steward/releases").text
    assert "about 10 people, 145 answers" in page
    assert "17" not in page[page.index("2027-01-01-aa") : page.index("</main>")]


def test_a_withdrawal_is_listed_without_what_opens_its_receipt(served, let_in):
    served.join()
    with served.store.reading() as c:
        person = c.execute(select(participant.c.id)).scalar()
    receipt = served.store.write(lambda c: withdraw(c, served.study, person, served.now[0]))
    client = let_in()
    page = client.get("/steward/withdrawals").text
    assert "People who withdrew from the whole study: 1" in page
    for path in PAGES:
        assert receipt.id not in client.get(f"/steward/{path}").text


def test_ids_of_releases_keep_their_order_in_a_sentence_in_arabic(served, let_in):
    id_ = "2026-11-30-00aabbcc"
    values = {
        "id": id_, "purposes": "train", "digest": "d" * 64, "counts": "{}", "stewards": "",
        "made_at": 1, "revision": 0,
    }  # fmt: skip
    served.store.write(lambda c: c.execute(insert(release).values(**values)))
    served.join().post("/withdraw")
    client = let_in()
    client.post("/language", data={"language": "ar", "back": "/steward"})
    assert f"\u2066{id_}\u2069" in client.get("/steward/withdrawals").text


def test_the_log_lists_acts_of_those_who_run_the_study_and_checks_the_whole_chain(served, let_in):
    served.join()
    client = let_in()
    page = client.get("/steward/log?check=1").text
    assert "The chain is whole." in page
    assert "A steward was added" in page
    assert "joined" not in page
    with served.store.reading() as c:
        assert audit_log.head(c) in page
    changed = audit.update().where(audit.c.seq == 2).values(action="nothing")
    served.store.write(lambda c: c.execute(changed))
    assert "broken at row 2" in client.get("/steward/log?check=1").text
    assert client.get("/steward/log?before=2").status_code == 200
    assert client.get("/steward/log?before=x").status_code == 200


ACTS = (
    ("text hidden (insult)", "A text was hidden (<bdi>insults or threatens somebody</bdi>)"),
    (
        "withdrew again (erase)",
        "A withdrawal was repeated after a restored backup (<bdi>everything",
    ),
    ("study paused", "The study was paused"),
    ("release revised", "A release was written again"),
)


def test_the_log_names_acts_in_the_language_of_the_steward(served, let_in):
    for action, _ in ACTS:
        served.store.write(lambda c, action=action: audit_log.append(c, 1, "operator", action, "x"))
    client = let_in()
    page = client.get("/steward/log").text
    assert all(said in page for _, said in ACTS)
    for language, said in (("es", "Se pausó"), ("ar", "أُوقفت"), ("hi", "रोका गया")):
        client.post("/language", data={"language": language, "back": "/steward"})
        page = client.get("/steward/log").text
        assert said in page
        assert "A text was" not in page


def test_a_steward_of_all_pauses_ends_and_opens_the_study(served, let_in):
    client, person = let_in(), served.join()
    for state in ("paused", "closed", "open", "open"):
        assert client.post("/steward/state", data={"state": state}).status_code == 200
        with served.store.reading() as c:
            assert state_of(c) == state
        assert person.get("/compare").status_code == (200 if state == "open" else 403)
    assert client.post("/steward/state", data={"state": "gone"}).status_code == 422
    with served.store.reading() as c:
        acts = c.execute(
            select(audit.c.action).where(audit.c.actor.startswith("steward"))
        ).scalars()
        assert list(acts) == ["entered", "study paused", "study closed", "study open"]


def test_too_many_links_tried_from_one_address_are_refused(served):
    client = served.client()
    found = [client.get(f"/steward/enter/guess{k}").status_code for k in range(65)]
    assert (found[0], found[-1]) == (410, 429)
