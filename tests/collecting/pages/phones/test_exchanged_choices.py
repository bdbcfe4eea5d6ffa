"""Randomised response on the phone: the draw itself, drawn once, and nothing else is sent."""

import pytest
from playwright.sync_api import expect

from pluralign.collecting.store.tables import rating
from pluralign.core import flip_probability

pytestmark = pytest.mark.slow

PRIVATE = "[privacy]\nepsilon = 1.0\n"
FLIP = flip_probability(1.0)
DRAWS = 20_000
SEEDED = """
let state = 12345;
crypto.getRandomValues = (words) => words.map(() => {  // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
});
"""
SHARE = """async ([probability, draws]) => {
    const { drawn } = await import("/static/exchange.js");
    const exchanged = Array.from({ length: draws }, () => drawn(probability));
    return exchanged.filter(Boolean).length / draws;
}"""
ONLY_THE_FIRST = """
let drawn = Number(sessionStorage.getItem("drawn") ?? 0);
crypto.getRandomValues = (words) => {
    sessionStorage.setItem("drawn", ++drawn);
    return words.fill(drawn === 1 ? 0 : 2 ** 32 - 1);
};
"""


@pytest.fixture
def private(serve_with):
    with serve_with(PRIVATE) as served:
        yield served


def test_choices_are_exchanged_as_often_as_the_probability_says(phone_of, served):
    with phone_of(served) as phone:
        phone.page.add_init_script(SEEDED)
        phone.open("/")
        for epsilon in (0.5, 1.0, 2.0, 4.0):
            expected = flip_probability(epsilon)
            share = phone.page.evaluate(SHARE, [expected, DRAWS])
            error = (expected * (1 - expected) / DRAWS) ** 0.5
            assert abs(share - expected) < 4 * error
        assert phone.page.evaluate(SHARE, [0, DRAWS]) == 0


def test_a_choice_is_exchanged_once_and_for_all_its_versions(phone_of, private):
    with phone_of(private) as phone:
        phone.page.add_init_script(ONLY_THE_FIRST)
        phone.open("/compare")
        expect(phone.page.get_by_text("Send my choice as it is")).to_have_count(0)
        phone.answer("A is better")
        expect(phone.page.get_by_text("Your answer is kept.")).to_be_visible()
        columns = (rating.c.assignment, rating.c.choice, rating.c.flip, rating.c.made_at)
        ((assignment, *kept),) = phone.stored(*columns)
        assert kept == ["right", FLIP, None]
        phone.open(f"/answer/{assignment}")
        phone.page.get_by_label("B is better").check()
        phone.page.get_by_role("button", name="Keep the changed answer").click()
        expect(phone.page.get_by_role("heading", name="My answers")).to_be_visible()
        rows = phone.stored(rating.c.choice, rating.c.version, rating.c.strength, rating.c.reason)
        assert sorted(rows) == [("left", 2, None, None), ("right", 1, None, None)]


def test_another_device_does_not_draw_again_for_an_answer_that_was_sent(phone_of, private):
    with phone_of(private) as phone, phone_of(private) as other:
        phone.open("/compare")
        phone.answer("A is better")
        expect(phone.page.get_by_text("Your answer is kept.")).to_be_visible()
        ((assignment,),) = phone.stored(rating.c.assignment)
        other.enter(phone.key)
        other.open(f"/answer/{assignment}")
        expect(other.page.get_by_text("Only the device that sent this answer")).to_be_visible()
        expect(other.page.locator("form[data-pair]")).to_be_hidden()


def test_choices_made_without_a_connection_are_exchanged_too(phone_of, private):
    with phone_of(private) as phone:
        phone.page.add_init_script(ONLY_THE_FIRST)
        phone.open("/compare")
        phone.ready()
        phone.disconnect()
        phone.answer("A is better")
        phone.waits(1)
        phone.page.reload()
        phone.answer("A is better")
        phone.waits(2)
        phone.connect()
        phone.open("/mine")
        phone.all_sent()
        rows = phone.stored(rating.c.choice, rating.c.flip)
        assert sorted(rows) == [("left", FLIP), ("right", FLIP)]
