"""Bad input gets a clear page in the person's language, and nothing of it is lost."""

import re
import sqlite3
from dataclasses import replace
from html import unescape

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from pluralign.collecting.floods import JOINS, WRITES, WRONG_KEYS, Rate, take
from pluralign.collecting.forgetting import forget_withdrawn
from pluralign.collecting.overview import set_state
from pluralign.collecting.personal import people_with_keys
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.store.tables import participant, rating, text
from pluralign.collecting.study import open_study

DAY = 86_400
WORDS = "Because family comes first."


def _sent(client, hidden_fields, **more):
    return hidden_fields(client.get("/compare").text) | {"choice": "left", "reason": WORDS} | more


@pytest.mark.parametrize("case", ["unknown", "used up", "expired", "revoked"])
def test_an_invitation_that_cannot_be_used_gets_one_page_that_does_not_reveal_why(
    served, hidden_fields, case
):
    token = served.invite()
    client = served.client("es")
    page = client.get(f"/consent?invitation={token}")
    sent = hidden_fields(page.text) | {"purpose": "collect", "of_age": "yes"}
    if case == "used up":
        other = served.client()
        second = hidden_fields(other.get(f"/consent?invitation={token}").text)
        other.post("/consent", data=second | {"purpose": "collect", "of_age": "yes"})
    elif case == "expired":
        served.now[0] += 31 * DAY
    elif case == "unknown":
        sent["invitation"] = token = "nobody-has-this"
    else:
        from pluralign.collecting.store.tables import invite

        served.store.write(lambda c: c.execute(invite.update().values(revoked_at=served.now[0])))
    people = served.count(participant)
    for found in (client.get(f"/join/{token}"), client.post("/consent", data=sent)):
        assert found.status_code == 410
        assert "Esta invitación ya no se puede usar." in found.text
    assert served.count(participant) == people


def test_a_forgotten_age_box_has_its_message_next_to_it_and_the_focus(served, hidden_fields):
    client = served.client()
    page = client.get(f"/consent?invitation={served.invite()}")
    sent = hidden_fields(page.text) | {"purpose": ["collect"]}
    for language, said in (
        ("en", "Tick this box"),
        ("es", "Marque"),
        ("ar", "ضع"),
        ("hi", "चिह्नित"),
    ):
        client.cookies.set("language", language)
        text = client.post("/consent", data=sent).text
        box = text.index('name="of_age"')
        assert 'aria-describedby="age-error" autofocus' in text[box : box + 120]
        message = text.index('id="age-error"')
        assert text.count('role="alert"') == 1
        assert text.index("<fieldset>", text.index("</fieldset>")) < message < box
        assert said in text[message:box]


@pytest.mark.parametrize(
    ("boxes", "reason"),
    [
        ({"purpose": ["collect", "train"]}, "Tick this box if you are 18"),
        ({"purpose": ["train"], "of_age": "yes"}, "Without the first consent"),
        ({}, "Tick this box if you are 18"),
    ],
)
def test_a_consent_that_misses_something_is_shown_again_with_its_boxes(
    served, hidden_fields, boxes, reason
):
    client = served.client()
    page = client.get(f"/consent?invitation={served.invite()}")
    found = client.post("/consent", data=hidden_fields(page.text) | boxes)
    assert (found.status_code, reason in found.text) == (422, True)
    assert found.text.count(" checked>") == len(boxes.get("purpose", ())) + ("of_age" in boxes)
    assert served.count(participant) == 0
    assert not client.cookies


@pytest.mark.parametrize("key", ["", "babab", "babab-babab-babab-babab-babab-balih", "x" * 5000])
def test_a_wrong_key_gets_the_same_page_whether_it_exists_or_not(served, key):
    found = served.client().post("/enter", data={"key": key})
    assert found.status_code == 404
    assert "This key does not open anything." in found.text


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("x" * 10_000, 422, "At most 500 characters fit; the text has 10,000."),
        ("य" * 10_000, 422, "At most 500 characters fit"),
        ("one\x00two", 422, "cannot be shown"),
        ("one\u202etwo", 422, "invisible marks"),
        ("...", 422, "Please write something"),
        ("", 422, "Please write something"),
        ("Is this a duplicate?", 409, "This text is here already."),
    ],
)
def test_a_text_that_cannot_be_kept_stays_in_the_field_with_the_reason(
    served, body, status, reason
):
    client = served.join()
    client.post("/write", data={"kind": "prompt", "body": "Is this a duplicate?"})
    before = served.count(text)
    found = client.post("/write", data={"kind": "prompt", "body": body})
    assert (found.status_code, reason in unescape(found.text)) == (status, True)
    field = re.search(r"<textarea[^>]*>(.*?)</textarea>", found.text, re.S)
    assert field is not None
    assert unescape(field[1]) == body
    assert served.count(text) == before


def test_a_reason_that_is_too_long_keeps_the_choice_and_the_words_in_the_form(
    served, hidden_fields
):
    client = served.join()
    words = "y" * 1001
    found = client.post("/compare", data=_sent(client, hidden_fields, reason=words, strength="3"))
    assert (found.status_code, words in found.text) == (422, True)
    checked = re.findall(r'name="(\w+)" value="(\w+)"[^>]* checked', found.text)
    assert checked == [("choice", "left"), ("strength", "3")]
    assert served.count(rating) == 0


@pytest.mark.parametrize("choice", ["", "up", "left\x00", "LEFT"])
def test_a_choice_that_does_not_exist_is_asked_for_again(served, hidden_fields, choice):
    client = served.join()
    found = client.post("/compare", data=_sent(client, hidden_fields, choice=choice))
    assert (found.status_code, "Please choose one" in found.text) == (422, True)
    assert WORDS in found.text


def test_a_pair_of_another_person_cannot_be_answered_or_seen(served, hidden_fields):
    one, other = served.join(), served.join()
    sent = _sent(one, hidden_fields)
    assert other.post("/compare", data=sent).status_code == 404
    assert other.get(f"/answer/{sent['assignment']}").status_code == 404
    assert served.count(rating) == 0


def test_a_consent_that_changed_meanwhile_is_asked_for_and_the_answer_is_not_lost(
    served, hidden_fields
):
    client = served.join()
    sent = _sent(client, hidden_fields)
    served.change_consent()
    asked = client.post("/compare", data=sent)
    assert asked.status_code == 409
    assert "Do read this before you decide." in asked.text
    assert " checked>" not in asked.text
    refused = client.post("/consent", data=hidden_fields(asked.text) | {"purpose": "train"})
    assert refused.status_code == 422
    agreed = client.post("/consent", data=hidden_fields(refused.text) | {"purpose": "collect"})
    assert (agreed.status_code, WORDS in agreed.text) == (200, True)
    assert served.count(rating) == 0
    kept = client.post("/compare", data=hidden_fields(agreed.text))
    assert "Your answer is kept." in kept.text
    assert served.count(rating) == 1


def test_a_session_that_expired_asks_for_the_key_and_the_text_is_not_lost(served, hidden_fields):
    client = served.client()
    page = client.get(f"/consent?invitation={served.invite()}")
    sent = hidden_fields(page.text) | {"purpose": "collect", "of_age": "yes"}
    key = "-".join(re.findall(r"<span>([a-z]{5})</span>", client.post("/consent", data=sent).text))
    served.now[0] += 91 * DAY
    asked = client.post("/write", data={"kind": "prompt", "body": WORDS})
    assert asked.status_code == 401
    wrong = client.post("/enter", data=hidden_fields(asked.text) | {"key": "wrong"})
    assert wrong.status_code == 404
    entered = client.post("/enter", data=hidden_fields(wrong.text) | {"key": key})
    assert WORDS in entered.text
    assert "Your text is kept." in client.post("/write", data=hidden_fields(entered.text)).text


@pytest.mark.parametrize("carried", ["{", "[1]", '[["a"]]', '{"a": 1}', '[["a", {"b": 1}]]'])
def test_forged_content_is_dropped(served, carried):
    client = served.join()
    form = {"carried": carried, "carried_to": "//evil.example", "purpose": "collect"}
    found = client.post("/consent", data=form | {"document": "none"})
    assert (found.status_code, "evil.example" in found.text) == (409, False)


@pytest.mark.parametrize(
    ("state", "reason"), [("paused", "The study has a pause."), ("closed", "The study has ended")]
)
def test_a_study_that_is_not_open_takes_nothing_and_shows_the_words_again(
    served, hidden_fields, state, reason
):
    client, token = served.join(), served.invite()
    sent = _sent(client, hidden_fields)
    served.store.write(lambda c: set_state(c, "tea", state, served.now[0]))
    for found in (
        client.post("/compare", data=sent),
        client.post("/write", data={"kind": "prompt", "body": WORDS}),
    ):
        assert (found.status_code, reason in found.text, WORDS in found.text) == (403, True, True)
    assert served.client().get(f"/join/{token}").status_code == 403
    assert reason in client.get("/").text
    assert client.get("/mine").status_code == 200
    assert served.count(rating) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver:81"},
    ],
)
def test_a_form_of_another_site_is_refused_before_it_is_read(served, hidden_fields, headers):
    client = served.join()
    sent = _sent(client, hidden_fields)
    found = client.post("/compare", data=sent, headers=headers)
    assert (found.status_code, "Another site sent this form" in found.text) == (403, True)
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert served.count(rating) == 0
    assert client.post("/compare", data=sent, headers=own).status_code == 200


def test_a_flood_is_slowed_down_and_its_words_can_be_sent_again(served, hidden_fields, monkeypatch):
    client = served.join()
    monkeypatch.setattr("pluralign.collecting.pages.writing.WRITES", Rate("few", 2, 60))
    found = [
        client.post("/write", data={"kind": "prompt", "body": f"Question {number}"})
        for number in range(3)
    ]
    assert [one.status_code for one in found] == [200, 200, 429]
    assert "Question 2" in found[2].text
    served.now[0] += 61
    assert "Your text is kept." in client.post("/write", data=hidden_fields(found[2].text)).text


def test_nobody_floods_the_stewards_with_texts(served, monkeypatch):
    monkeypatch.setattr("pluralign.collecting.pages.writing._MOST_WAITING", 2)
    client, other = served.join("es"), served.join("es")

    def write(who, body):
        return who.post("/write", data={"kind": "prompt", "body": body})

    assert [write(client, f"¿Qué es {n}?").status_code for n in (1, 2)] == [200, 200]
    refused = write(client, "¿Qué es un buen té?")
    assert (refused.status_code, "esperan a una persona responsable" in refused.text) == (429, True)
    assert ">¿Qué es un buen té?</textarea>" in refused.text
    assert write(other, "¿Qué es un buen té?").status_code == 200
    served.store.write(lambda c: c.execute(update(text).values(state="shown")))
    assert write(client, "¿Y un buen café?").status_code == 200


def test_wrong_keys_are_counted_although_they_are_refused(served):
    client = served.client()
    statuses = [
        client.post("/enter", data={"key": "wrong"}).status_code
        for _ in range(WRONG_KEYS.burst + 1)
    ]
    assert statuses == [404] * WRONG_KEYS.burst + [429]


def test_buckets_fill_with_time_and_a_clock_that_is_set_back_adds_nothing(served):
    rate = Rate("test", burst=2, per_hour=3600)

    def taken(now):
        try:
            served.store.write(lambda c: take(c, b"secret", rate, "192.0.2.1", now))
        except NotAccepted:
            return False
        return True

    assert [taken(10), taken(10), taken(10), taken(0), taken(11), taken(11)] == [
        True, True, False, False, True, False,
    ]  # fmt: skip
    assert JOINS.purpose != WRITES.purpose


def test_a_disk_that_is_full_gets_a_page_that_can_send_the_same_again(
    served, hidden_fields, monkeypatch
):
    client = served.join()
    sent = _sent(client, hidden_fields)

    def full(change):
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patched:
        patched.setattr(served.store, "write", full)
        found = client.post("/compare", data=sent)
    assert (found.status_code, "this was not kept" in found.text) == (503, True)
    assert WORDS in found.text
    assert "Your answer is kept." in client.post("/compare", data=hidden_fields(found.text)).text


def test_a_fault_of_the_server_shows_no_details(served, monkeypatch):
    client = served.join()
    client = type(client)(served.app, cookies=dict(client.cookies), raise_server_exceptions=False)

    def broken(person, now):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("pluralign.collecting.pages.comparing.check_open", broken)
    found = client.get("/compare")
    assert (found.status_code, "The server failed" in found.text) == (500, True)
    assert "secret detail" not in found.text


def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(served):
    client = served.join()
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def parts():
        for _ in range(60):
            yield b"a" * 10_000

    for content in (b"body=" + b"a" * 600_000, parts()):
        found = client.post("/write", content=content, headers=form)
        assert (found.status_code, "too long" in found.text) == (413, True)


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nowhere", 404),
    ("POST", "/mine", 405),
    ("GET", "/static/../app.py", 404),
    ("GET", "/report/none", 404),
    ("GET", "/answer/none", 404),
    ("GET", "/write?replaces=none", 404),
    ("POST", "/mine/answer/delete", 404),
    ("POST", "/mine/text/delete", 404),
])  # fmt: skip
def test_a_page_that_does_not_exist_is_a_page_too(served, method, path, status):
    found = served.join("ar").request(method, path)
    assert found.status_code == status
    assert '<html lang="ar" dir="rtl">' in found.text


def test_only_the_operator_operates_and_never_with_a_cookie(served):
    client = served.join()
    call = {"name": "status", "arguments": {}}
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "p=the operator's token"}):
        assert client.post("/operate", json=call, headers=headers).status_code == 401
    own = {"Authorization": "Bearer the operator's token"}
    found = client.post("/operate", json=call, headers=own)
    assert found.json()["communities"][0]["people"] == 1
    unknown = client.post("/operate", json=call | {"name": "x"}, headers=own)
    assert (unknown.status_code, "no operation" in unknown.json()["what"]) == (422, True)


def _full(*given):
    raise sqlite3.OperationalError("database or disk is full")


def test_a_withdrawal_that_a_full_disk_refuses_can_be_sent_again(served, monkeypatch):
    client = served.join()
    with monkeypatch.context() as patched:
        patched.setattr("pluralign.collecting.pages.withdrawal_pages.withdraw", _full)
        found = client.post("/withdraw", data={"withdraw": "yes"})
    assert found.status_code == 503
    assert '<form method="post" action="/withdraw">' in found.text
    assert "/withdrawn/" in str(client.post("/withdraw").url)


def test_a_withdrawal_is_kept_where_the_personal_key_cannot_be_deleted_yet(
    served, monkeypatch, caplog
):
    client, personal = served.join(), served.app.state.served.personal
    client.post("/about", data={"place": "the coast"})
    with monkeypatch.context() as patched:
        patched.setattr(type(personal), "forget", staticmethod(_full))
        assert "/withdrawn/" in str(client.post("/withdraw").url)
    assert "it is tried again at the next start" in caplog.text
    assert forget_withdrawn(served.store, personal) == 1
    assert people_with_keys(served.study.folder) == set()


def test_a_command_learns_that_the_servers_disk_is_full(served, monkeypatch):
    def full(change):
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(served.store, "write", full)
    call = {"name": "state", "arguments": {"state": "paused"}}
    headers = {"Authorization": "Bearer the operator's token"}
    found = served.client().post("/operate", json=call, headers=headers)
    assert found.status_code == 422
    assert "disk is full" in found.json()["what"]
    assert "room" in found.json()["hint"]


def test_nobody_joins_a_community_that_was_taken_out_of_the_settings(served):
    token = served.invite("~hill")
    path = served.study.folder / "study.toml"
    path.write_text(path.read_text("utf-8").replace('id = "~hill"', 'id = "~sea"'), "utf-8")
    served.app.state.served = replace(
        served.app.state.served, study=open_study(served.study.folder)
    )
    for link in (f"/join/{token}", f"/consent?invitation={token}"):
        assert served.client().get(link).status_code == 410
