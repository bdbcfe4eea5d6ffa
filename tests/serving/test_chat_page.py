"""Answers side by side on the page at ``/``, in Chromium; the policies are scripted."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.serving.scripted_policies import Scripted

pytestmark = pytest.mark.slow
WIDE, NARROW = 1100, 390
TOKEN = "a-token-for-tests"


@pytest.fixture
def opened(browser: Browser, serving: Any) -> Iterator[Callable[..., Page]]:
    """``opened(policies, width=390)`` opens the page of a server with these policies."""
    contexts = []

    def visit(
        policies: Scripted, width: int = WIDE, scheme: Any = "light", **settings: Any
    ) -> Page:
        address = serving(policies_opened=policies, **settings)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{address}/")
        page.locator("#answers:not([hidden]), #admit:not([hidden])").first.wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()


def answer(page: Page, message: str = "What matters?") -> list[tuple[str, str, str]]:
    """Ask, and return title, words and people of every column."""
    page.get_by_label("Message to the language model").fill(message)
    page.locator("#answer-all").click()
    expect(page.locator("#chat-summary")).to_contain_text("same seed")
    found: list[tuple[str, str, str]] = page.locator("#columns article").evaluate_all(
        """articles => articles.map(one => [".words", ".behind"].reduce(
            (texts, of) => [...texts, one.querySelector(of).textContent],
            [one.querySelector("h3").textContent]))"""
    )
    return [tuple(one) for one in found]  # type: ignore[misc]


def test_the_start_model_communities_and_modes_answer_side_by_side(
    opened: Callable[..., Page],
) -> None:
    policies = Scripted(communities=("~coast", "~hill"))
    page = opened(policies)
    columns = answer(page)
    titles = ["Start model", "Coast", "Hill", "Chosen by the prompt", "Range of views"]
    assert [title for title, _, _ in columns] == titles
    assert {words for _, words, _ in columns} == {"My family first."}
    assert columns[0][2] == "Answered by the start model, which follows no community."
    assert columns[1][2] == "Answered as Coast (number of people not known)."
    expect(page.locator("#chat-summary")).to_contain_text("5 of 5 answers are written.")
    assert len({request.seed for request in policies.asked}) == 1


def test_a_column_shows_people_shares_and_why_it_abstained(opened: Callable[..., Page]) -> None:
    page = opened(Scripted(communities=("MEX",), abstained="the prompt is like no community's"))
    columns = answer(page)
    assert (
        columns[1][2]
        == "Answered as MEX (210 people). Abstained: the prompt is like no community's."
    )


def test_the_best_of_eight_is_asked_for_where_it_is_chosen(opened: Callable[..., Page]) -> None:
    policies = Scripted(communities=("~coast",))
    page = opened(policies)
    page.get_by_label("best of eight").check()
    page.get_by_label("Range of views").uncheck()
    columns = answer(page)
    assert [request.best_of for request in policies.asked] == [1, 8, 1]
    assert "The best of 8 answers." in columns[1][2]
    untrained = opened(
        Scripted(communities=("~coast",), tuned=False, offered=("start", "steerable"))
    )
    expect(untrained.get_by_label("best of eight")).to_be_checked()
    expect(untrained.get_by_label("best of eight")).to_be_disabled()


def test_words_appear_as_they_are_written_and_stop_ends_them(opened: Callable[..., Page]) -> None:
    policies = Scripted(words=("on ",) * 10_000, gate=lambda: time.sleep(0.01))
    page = opened(policies)
    page.get_by_label("Message to the language model").fill("Tea?")
    page.locator("#answer-all").click()
    first = page.locator("#columns article").first
    expect(first.locator(".words")).to_contain_text("on on on")
    expect(first).to_have_attribute("aria-busy", "true")
    page.locator("#stop").click()
    expect(page.locator("#chat-summary")).to_contain_text("0 of 5 answers are written. Stopped.")
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#answer-all")).to_be_focused()


def test_markup_in_an_answer_is_shown_as_text(opened: Callable[..., Page]) -> None:
    planted = "</p><img src=x onerror=window.hacked=1>"
    page = opened(Scripted(words=(planted,)))
    assert answer(page)[0][1] == planted
    assert page.locator("#columns img").count() == 0


def test_a_refusal_of_one_policy_is_shown_in_its_column(opened: Callable[..., Page]) -> None:
    page = opened(Scripted(fails_after=0))
    assert "The words are gone" in answer(page)[0][2].capitalize()
    expect(page.locator("#chat-summary")).to_contain_text("0 of 5")


def test_no_chosen_policy_is_a_message(opened: Callable[..., Page]) -> None:
    page = opened(Scripted())
    for box in page.locator("#policies input").all():
        box.uncheck()
    page.get_by_label("Message to the language model").fill("Tea?")
    page.locator("#answer-all").click()
    expect(page.locator("#chat-problem")).to_contain_text("Choose at least one policy")


def test_a_server_with_tokens_lets_the_page_in_and_answers(opened: Callable[..., Page]) -> None:
    page = opened(Scripted(), tokens=(TOKEN,))
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.get_by_role("button", name="Use this token").click()
    page.locator("#answers:not([hidden])").wait_for()
    assert answer(page)[0][1] == "My family first."


def test_a_server_without_policies_has_no_such_part(browser: Browser, serving: Any) -> None:
    page = browser.new_page()
    page.goto(f"{serving()}/")
    page.locator("#served:not(:empty)").wait_for()
    expect(page.locator("#answers")).to_be_hidden()
    expect(page.locator("#tools")).to_be_hidden()
    expect(page.locator("#ask")).to_be_visible()
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_everyone_can_use_it_at_any_width(
    opened: Callable[..., Page], width: int, scheme: str
) -> None:
    page = opened(Scripted(words=("a-very-long-word" * 20,)), width=width, scheme=scheme)
    answer(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0
