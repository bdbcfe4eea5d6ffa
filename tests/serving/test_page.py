"""The page at ``/`` in Chromium, which the whole module shares, on a server of a small model."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect

pytestmark = pytest.mark.slow

PLANTED = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
ARABIC = "قل له بلطف كيف يبدو الأمر لك"
PROMPT, FIRST, SECOND = (
    "What can I do about the noise?",
    "Tell them kindly, over tea.",
    "Say plainly that it must stop.",
)
TOKEN = "a-token-for-tests"
COMPARE = "**/v1/compare"
WIDE, NARROW = 1100, 390
Scheme = Literal["light", "dark"]
Row = dict[str, Any]


@dataclass
class Visit:
    """An opened page, its console messages, and its requests to addresses other than its server."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def fill(self, prompt: str = PROMPT, response: str = FIRST, other: str = SECOND) -> "Visit":
        """Type a prompt and two responses."""
        for label, text in {
            "Prompt": prompt,
            "First response": response,
            "Second response": other,
        }.items():
            self.page.get_by_label(label).fill(text)
        return self

    def compare(self, *texts: str) -> "Visit":
        """Type texts, and wait until their answer is shown."""
        self.fill(*texts).page.locator("#compare").click()
        expect(self.page.locator("#answer")).to_be_visible()
        expect(self.page.locator("#answer")).to_have_attribute("aria-busy", "false")
        return self

    def rows(self) -> list[Row]:
        """What each row says and draws."""
        return self.page.locator("#rows tr").evaluate_all(
            """rows => rows.map(row => ({
                id: row.dataset.community, leaning: row.dataset.leaning,
                name: row.querySelector("th bdi").textContent,
                numbers: row.querySelector(".share b").textContent.replaceAll("\\u00a0", " "),
                verdict: row.querySelector(".share span").textContent,
                people: row.cells[2].firstChild.textContent,
                warnings: [...row.querySelectorAll("li")].map(item => item.textContent),
                mark: parseFloat(row.querySelector(".mark")?.getAttribute("cx")),
                low: parseFloat(row.querySelector(".spread")?.getAttribute("x")),
                width: parseFloat(row.querySelector(".spread")?.getAttribute("width")),
            }))"""
        )


@pytest.fixture(scope="module")
def url(serving: Callable[..., str]) -> str:
    """A server as it is set by default."""
    return serving()


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Callable[..., Visit]]:
    """``visit(address, width=390, color_scheme="dark")`` opens a page; other hosts are blocked."""
    contexts = []

    def opened(address: str = url, width: int = WIDE, **more: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 900}, **more)
        contexts.append(context)
        found = Visit(context.new_page())

        def let_through(route: Route) -> None:
            if route.request.url.startswith(f"{address}/"):
                route.continue_()
            else:
                found.asked.append(route.request.url)
                route.abort()

        found.page.set_default_timeout(10_000)
        found.page.route("**/*", let_through)
        found.page.on("console", lambda message: found.said.append(message.text))
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.goto(f"{address}/")
        found.page.locator("#served:not(:empty), #admit:not([hidden])").first.wait_for()
        return found

    yield opened
    for context in contexts:
        context.close()


def number(value: float, low: float | None = None, high: float | None = None) -> Row:
    return {"value": value, "low": low, "high": high}


def community(id_: str, share: Row, **more: Any) -> tuple[Row, Row]:
    """A community of an answer, and its preference."""
    served = {"id": id_, "name": id_.title(), "raters": 50, "pairs": 200, "warnings": []} | more
    return served, {"margin": number(0.0), "share": share}


def answer(*told: tuple[Row, Row], **more: Any) -> Row:
    """An answer to a comparison that no server gave."""
    communities = [served for served, _ in told]
    preferences = {served["id"]: preference for served, preference in told}
    head = {"model": "stub", "interval": "95 %, over nobody", "warnings": []}
    return head | {"communities": communities, "preferences": preferences} | more


MIXED = answer(
    community("even", number(0.5, 0.5, 0.5)),
    community("second", number(0.2, 0.0, 0.49), raters=1),
    community("wide", number(0.7, 0.4, 0.9), raters=None),
    community("first", number(0.9, 0.51, 1.0)),
    community(
        "loose",
        number(0.6),
        raters=None,
        pairs=None,
        warnings=["unknown: nobody knows", "unmeasured: nobody"],
    ),
)


def stub(visited: Visit, told: Row, status: int = 200, **headers: str) -> Visit:
    """Let comparisons be answered without the server."""
    kind = "application/json" if status == 200 else "application/problem+json"
    visited.page.route(
        COMPARE, lambda r: r.fulfill(json=told, status=status, content_type=kind, headers=headers)
    )
    return visited


def problem_of(visited: Visit) -> Locator:
    """Where it is said what went wrong, once the answer is there."""
    expect(visited.page.locator("#problem")).not_to_be_empty()
    return visited.page.locator("#problem")


def hold(visited: Visit) -> list[Route]:
    """Keep comparisons waiting; the list holds those that were sent."""
    held: list[Route] = []

    def keep(
        route: Route,
    ) -> None:  # Playwright looks into what it calls, and cannot look into a list's method
        held.append(route)

    visited.page.route(COMPARE, keep)
    return held


def click_and_hold(visited: Visit, held: list[Route]) -> None:
    with visited.page.expect_request(COMPARE):
        visited.page.locator("#compare").click()
    visited.page.wait_for_timeout(50)
    assert held


def violations(page: Page) -> list[str]:
    """What axe-core finds; further rows of a table are as the first."""
    context = {"exclude": [["tbody tr:nth-child(n+8)"]]}
    return [
        f"{v['id']}: {node['html'][:300]}"
        for v in Axe().run(page, context).response["violations"]
        for node in v["nodes"]
    ]


# --- What the server answers


def test_the_page_describes_its_model(visit: Callable[..., Visit], url: str) -> None:
    told = httpx.get(f"{url}/v1/communities").json()
    said = visit().page.locator("#served").inner_text()
    assert said.startswith(
        f"Model “served”, steered to 5 communities. Intervals: {told['interval']}."
    )
    (world,) = told["not_steered"]
    assert said.endswith(f"World ({world['pairs']} pairs by {world['raters']} people; reference).")


def shown(share: float) -> str:
    return "<1" if share < 0.005 else ">99" if share > 0.995 else f"{100 * share:.0f}"


def test_each_community_has_a_row_with_the_numbers_of_the_server(
    visit: Callable[..., Visit], url: str
) -> None:
    told = httpx.post(
        f"{url}/v1/compare", json={"prompt": PROMPT, "response": FIRST, "other": SECOND}
    ).json()
    rows = {row["id"]: row for row in visit().compare().rows()}
    assert len(told["communities"]) == 5
    assert set(rows) == {served["id"] for served in told["communities"]}
    for served in told["communities"]:
        row, share = rows[served["id"]], told["preferences"][served["id"]]["share"]
        value, low, high = share["value"], share["low"], share["high"]
        assert row["numbers"] == f"{shown(value)} % [{shown(low)}, {shown(high)}]"
        assert [row["mark"], row["low"], row["width"]] == pytest.approx(
            [100 * x for x in (value, low, high - low)], abs=0.01
        )
        assert (row["name"], row["people"]) == (served["name"], f"{served['raters']} people")
        assert row["warnings"] == served["warnings"]


def test_strength_is_sent_with_the_texts_and_described_in_words(
    visit: Callable[..., Visit], url: str
) -> None:
    visited = visit()
    visited.page.locator("#strength").fill("0")
    expect(visited.page.locator("#strength-words")).to_contain_text("the same for everybody")
    rows = visited.compare().rows()
    assert len({row["mark"] for row in rows}) == 1, "at strength 0 all are the reference"
    visited.page.locator("#strength").fill("2")
    expect(visited.page.locator("#strength-words")).to_contain_text("exaggerates")
    body = {"prompt": PROMPT, "response": FIRST, "other": SECOND, "strength": 2}
    told = httpx.post(f"{url}/v1/compare", json=body).json()["preferences"]
    assert {row["id"]: row["mark"] for row in visited.compare().rows()} == pytest.approx(
        {id_: 100 * preference["share"]["value"] for id_, preference in told.items()}, abs=0.01
    )


def test_the_example_is_only_a_hint_until_it_is_asked_for(visit: Callable[..., Visit]) -> None:
    visited = visit()
    texts = [visited.page.locator(f"#{id_}") for id_ in ("prompt", "response", "other")]
    assert [text.input_value() for text in texts] == ["", "", ""]
    visited.page.locator("#compare").click()
    assert texts[1].evaluate("e => e === document.activeElement"), (
        "the browser says that it is missing"
    )
    visited.page.get_by_role("button", name="Fill in the example").click()
    assert [text.input_value() for text in texts] == [
        text.get_attribute("placeholder") for text in texts
    ]
    visited.page.locator("#compare").click()
    expect(visited.page.locator("#rows tr")).to_have_count(5)


def test_a_model_without_repeats_draws_no_interval_and_gives_the_reason(
    visit: Callable[..., Visit], serving: Callable[..., str], alone_folder: Path
) -> None:
    visited = visit(serving(model=alone_folder)).compare()
    assert (
        "No intervals: the model is not in the folder of its run"
        in visited.page.locator("#served").inner_text()
    )
    rows = visited.rows()
    assert {row["verdict"] for row in rows} == {"no interval"}
    assert all(re.fullmatch(r"\d+ %", row["numbers"]) for row in rows)
    assert visited.page.locator(".spread").count() == 0
    first = sum(row["mark"] > 50 for row in rows)
    expect(visited.page.locator("#summary")).to_have_text(
        f"Of 5 communities the model expects {first} to lean to the first response and "
        f"{5 - first} to the second; without intervals the certainty is not known."
    )
    assert not visited.page.locator("#thick").is_visible(), (
        "nothing is said of a line that is not drawn"
    )


# --- How it is shown


def test_the_community_most_for_the_first_response_is_at_the_top(
    visit: Callable[..., Visit],
) -> None:
    marks = [row["mark"] for row in visit().compare().rows()]
    assert marks == sorted(marks, reverse=True)
    assert [row["id"] for row in stub(visit(), MIXED).compare().rows()] == [
        "first",
        "wide",
        "loose",
        "even",
        "second",
    ]


def test_undecided_communities_are_marked_in_words_and_looks(
    visit: Callable[..., Visit],
) -> None:
    visited = stub(visit(), MIXED).compare()
    rows = {row["id"]: row for row in visited.rows()}
    assert {id_: (row["leaning"], row["verdict"]) for id_, row in rows.items()} == {
        "first": ("first", "for the first"),
        "second": ("second", "for the second"),
        "wide": ("undecided", "undecided"),
        "even": ("undecided", "undecided"),
        "loose": ("unsure", "no interval"),
    }
    looks = (
        "row => getComputedStyle(row.querySelector('.mark')).fill + "
        "getComputedStyle(row.querySelector('b')).fontWeight"
    )
    found = {id_: visited.page.locator(f"[data-community={id_}]").evaluate(looks) for id_ in rows}
    assert found["wide"] == found["even"] == found["loose"]
    assert len({found["wide"], found["first"], found["second"]}) == 3
    expect(visited.page.locator("#summary")).to_have_text(
        "1 community prefers the first response, 1 the second; for 2 the evidence does not decide. "
        "Of 1 other community the model expects 1 to lean to the first response and 0 to the "
        "second; without intervals the certainty is not known."
    )


def test_shares_are_rounded_and_never_zero_or_all(visit: Callable[..., Visit]) -> None:
    rows = {row["id"]: row for row in stub(visit(), MIXED).compare().rows()}
    assert [rows[id_]["numbers"] for id_ in ("first", "second", "loose")] == [
        "90 % [51, >99]",
        "20 % [<1, 49]",
        "60 %",
    ]
    people = {
        "first": "50 people",
        "second": "1 person",
        "wide": "200 pairs of published answers",
        "loose": "not known",
    }
    assert {id_: rows[id_]["people"] for id_ in people} == people
    assert rows["loose"]["warnings"] == ["unknown: nobody knows", "unmeasured: nobody"]


def test_a_warning_about_the_response_is_shown(visit: Callable[..., Visit]) -> None:
    told = "language: the response looks like 'sw', and the trunk reads en"
    visited = stub(visit(), MIXED | {"warnings": [told]}).compare()
    expect(visited.page.locator("#warnings li")).to_have_text([told])
    expect(visited.page.locator("#warnings").get_by_role("img", name="Warning")).to_be_visible()


def test_the_limits_of_the_numbers_are_stated(visit: Callable[..., Visit]) -> None:
    said = visit().page.locator("footer").inner_text()
    assert "choices of those who took part, not to a whole community" in said
    assert "nobody was asked about these responses" in said


def many(n: int) -> Row:
    shares = [i / (n - 1) for i in range(n)]
    return answer(
        *(
            community(f"place {i:03}", number(x, max(0.0, x - 0.1), min(1.0, x + 0.1)))
            for i, x in enumerate(shares)
        )
    )


def test_two_hundred_communities_are_shown_and_can_be_searched(visit: Callable[..., Visit]) -> None:
    visited = stub(visit(), many(200)).compare()
    page = visited.page
    expect(page.locator("#rows tr")).to_have_count(200)
    expect(page.locator("#summary")).to_contain_text("for 40 the evidence does not decide.")
    page.get_by_label("Find communities").fill("PLACE 01")
    expect(page.locator("#rows tr").filter(visible=True)).to_have_count(10)
    expect(page.locator("#shown")).to_have_text("10 of 200 shown")
    page.get_by_label("Find communities").fill("")
    expect(page.locator("#rows tr").filter(visible=True)).to_have_count(200)
    page.locator("#rows tr").nth(150).scroll_into_view_if_needed()
    head = page.locator("thead th").first.bounding_box()
    assert head is not None
    assert head["y"] == pytest.approx(0, abs=1), "the scale stays in sight"


def test_few_communities_need_no_search(visit: Callable[..., Visit]) -> None:
    assert not visit().compare().page.get_by_label("Find communities").is_visible()


# --- What others wrote


def test_markup_in_texts_stays_text(visit: Callable[..., Visit]) -> None:
    visited = visit().compare(PLANTED, PLANTED, PLANTED + "!")
    page = visited.page
    page.locator("#compared summary").click()
    expect(page.locator("#of-response")).to_have_text(PLANTED)
    assert page.evaluate("window.hacked") is None
    assert (page.locator("img").count(), visited.said, visited.asked) == (0, [], [])


def test_markup_of_a_server_stays_text(visit: Callable[..., Visit]) -> None:
    told = community("x", number(0.5), id=PLANTED, name=PLANTED, warnings=[PLANTED])
    visited = stub(
        visit(), answer(told, model=PLANTED, interval=PLANTED, warnings=[PLANTED])
    ).compare()
    page = visited.page
    for place in ("#rows th bdi", "#rows th", "#rows li", "#warnings li", "#of-model", "#served"):
        expect(page.locator(place).first).to_contain_text(PLANTED)
    page.unroute(COMPARE)
    stub(
        visited,
        {"detail": PLANTED, "hint": PLANTED, "errors": [{"where": PLANTED, "what": PLANTED}]},
        422,
    )
    page.locator("#compare").click()
    assert problem_of(visited).inner_text().count(PLANTED) == 4
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


def test_texts_from_right_to_left_run_so(visit: Callable[..., Visit]) -> None:
    visited = visit().compare(ARABIC, ARABIC, SECOND)
    visited.page.locator("#compared summary").click()
    directions = [
        visited.page.locator(f"#{id_}").evaluate("e => getComputedStyle(e).direction")
        for id_ in ("prompt", "response", "other", "of-prompt", "of-response", "of-other")
    ]
    assert directions == ["rtl", "rtl", "ltr", "rtl", "rtl", "ltr"]


# --- What goes wrong


def test_a_text_that_is_too_long_is_refused_with_a_hint(
    visit: Callable[..., Visit], serving: Callable[..., str]
) -> None:
    address = serving(most_characters=100)
    told = httpx.post(f"{address}/v1/compare", json={"response": "x" * 101, "other": "y"})
    assert told.status_code == 413
    visited = visit(address).fill(response="x" * 101)
    visited.page.locator("#compare").click()
    said = problem_of(visited).inner_text().lower()
    assert told.json()["detail"].lower() in said
    assert told.json().get("hint", "").lower() in said
    assert not visited.page.locator("#answer").is_visible()
    visited.compare()
    expect(visited.page.locator("#problem")).to_be_empty()


def test_the_wrong_field_of_a_request_is_named(visit: Callable[..., Visit]) -> None:
    told = {
        "detail": "it does not hold what it must",
        "errors": [{"where": "body.other", "what": "Field required"}],
    }
    visited = stub(visit(), told, 422).fill()
    visited.page.locator("#compare").click()
    assert problem_of(visited).inner_text().split("\n") == [
        "It does not hold what it must.",
        "other: Field required",
    ]


def test_a_busy_server_gives_a_time_to_retry(visit: Callable[..., Visit]) -> None:
    told = {"detail": "too many requests are waiting", "hint": "ask again in 7 s"}
    visited = stub(visit(), told, 429, **{"Retry-After": "7"}).fill()
    visited.page.locator("#compare").click()
    expect(problem_of(visited)).to_have_text("Too many requests are waiting. Try again in 7 s.")
    visited.page.unroute(COMPARE)
    visited.page.locator("#compare").click()
    expect(visited.page.locator("#rows tr")).to_have_count(5)
    expect(visited.page.locator("#problem")).to_be_empty()


def test_an_unreachable_server_is_reported(visit: Callable[..., Visit]) -> None:
    visited = visit().fill()
    visited.page.route(COMPARE, lambda route: route.abort())
    visited.page.locator("#compare").click()
    expect(problem_of(visited)).to_contain_text("The server cannot be reached.")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<p>Hello</p>", "The server answered something that this page cannot read."),
        (200, '{"model": "x"}', "The server answered something that this page cannot read."),
        (503, "Service Unavailable", "The server answered 503 Service Unavailable."),
    ],
)
def test_an_answer_of_another_kind_is_reported(
    visit: Callable[..., Visit], status: int, body: str, said: str
) -> None:
    visited = visit().fill()
    visited.page.route(COMPARE, lambda route: route.fulfill(status=status, body=body))
    visited.page.locator("#compare").click()
    expect(problem_of(visited)).to_have_text(said)
    expect(visited.page.locator("#compare")).to_have_text("Compare")


def test_a_server_of_another_kind_is_noticed_at_once(visit: Callable[..., Visit]) -> None:
    visited = visit()
    visited.page.route("**/v1/communities", lambda route: route.fulfill(json={"hello": "world"}))
    visited.page.reload()
    expect(problem_of(visited)).to_have_text(
        "The server answered something that this page cannot read."
    )


def test_a_second_click_sends_nothing(visit: Callable[..., Visit]) -> None:
    visited = visit().fill()
    button, held = visited.page.locator("#compare"), hold(visited)
    click_and_hold(visited, held)
    expect(button).to_have_text("Comparing …")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(visited.page.locator("#summary")).to_have_text("Comparing …")
    button.click(force=True)
    visited.page.get_by_label("Prompt").press("Control+Enter")
    visited.page.wait_for_timeout(100)
    assert len(held) == 1
    held[0].fulfill(json=MIXED)
    expect(button).to_have_text("Compare")
    expect(button).to_have_attribute("aria-disabled", "false")


def test_an_answer_to_other_texts_is_dropped(visit: Callable[..., Visit]) -> None:
    visited = visit().fill()
    held = hold(visited)
    click_and_hold(visited, held)
    visited.page.get_by_label("First response").fill("Something else.")
    expect(visited.page.locator("#compare")).to_have_text("Compare")
    click_and_hold(visited, held)
    assert len(held) == 2
    held[1].fulfill(json=MIXED)
    expect(visited.page.locator("#rows tr")).to_have_count(5)
    held[0].fulfill(json=many(7))
    visited.page.wait_for_timeout(100)
    expect(visited.page.locator("#rows tr")).to_have_count(5)
    expect(visited.page.locator("#of-response")).to_have_text("Something else.")


def test_an_answer_is_called_old_when_the_form_was_changed(visit: Callable[..., Visit]) -> None:
    visited = visit().compare()
    assert not visited.page.locator("#stale").is_visible()
    visited.page.get_by_label("Second response").fill("Something else.")
    expect(visited.page.locator("#stale")).to_be_visible()
    expect(visited.page.locator("#of-other")).to_have_text(SECOND)
    visited.page.locator("#compare").click()
    expect(visited.page.locator("#stale")).not_to_be_visible()


# --- Tokens


def test_a_token_is_asked_for_and_kept_in_memory_only(
    visit: Callable[..., Visit], serving: Callable[..., str]
) -> None:
    address = serving(tokens=(TOKEN,))
    visited = visit(address)
    page, box = visited.page, visited.page.get_by_label("Token", exact=True)
    expect(box).to_be_focused()
    assert box.get_attribute("type") == "password"
    expect(page.locator("#token-problem")).to_be_empty()
    for wrong, said in {
        "not-the-token": "does not accept this token",
        "tökén": "ASCII only",
    }.items():
        box.fill(wrong)
        page.keyboard.press("Enter")
        expect(page.locator("#token-problem")).to_contain_text(said)
    box.fill(TOKEN)
    page.get_by_role("button", name="Use this token").click()
    expect(page.locator("#served")).to_contain_text("5 communities")
    expect(box).not_to_be_visible()
    with page.expect_request(COMPARE) as sent:
        visited.compare()
    assert sent.value.headers["authorization"] == f"Bearer {TOKEN}"
    expect(page.locator("#rows tr")).to_have_count(5)
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]
    assert page.context.cookies() == []
    assert TOKEN not in page.content()
    page.reload()
    expect(box).to_be_visible()
    assert box.input_value() == ""


def test_a_request_refused_without_a_token_is_sent_again(visit: Callable[..., Visit]) -> None:
    visited = visit().fill()
    page = visited.page
    page.route(
        COMPARE,
        lambda r: (
            r.fallback() if "authorization" in r.request.headers else r.fulfill(status=401, json={})
        ),
    )
    page.locator("#compare").click()
    expect(page.get_by_label("Token", exact=True)).to_be_focused()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#rows tr")).to_have_count(5)
    expect(page.locator("#admit")).not_to_be_visible()


# --- For everybody


def test_nothing_else_is_asked_for_and_the_console_stays_silent(
    visit: Callable[..., Visit],
) -> None:
    visited = visit().compare()
    visited.page.get_by_label("Prompt").fill("Another one.")
    visited.page.locator("#compare").click()
    expect(visited.page.locator("#stale")).not_to_be_visible()
    assert (visited.said, visited.asked) == ([], [])


def test_a_request_and_a_fault_are_noticed(visit: Callable[..., Visit]) -> None:
    visited = visit()
    visited.page.evaluate("fetch('https://nowhere.invalid/').catch(() => 0)")
    assert any("Content Security Policy" in line for line in visited.said), (
        "the page may ask its own server only"
    )
    visited.page.evaluate(
        "document.body.append("
        "Object.assign(document.createElement('script'), {text: 'hacked = 1'}))"
    )
    assert visited.page.evaluate("window.hacked") is None
    assert len(visited.said) > 1


@pytest.mark.parametrize(("width", "scheme"), [*product([WIDE, NARROW], ["light", "dark"])])
def test_axe_finds_nothing(visit: Callable[..., Visit], width: int, scheme: Scheme) -> None:
    visited = visit(width=width, color_scheme=scheme)
    assert violations(visited.page) == [], "before anything was compared"
    visited.compare()
    visited.page.locator("#compared summary").click()
    assert violations(visited.page) == []
    stub(
        visited,
        many(20) | {"communities": many(20)["communities"], "warnings": ["language: unread"]},
    ).compare()
    visited.page.get_by_label("Find communities").fill("1")
    visited.page.get_by_label("Prompt").fill("Changed.")
    assert violations(visited.page) == []
    visited.page.unroute(COMPARE)
    stub(visited, MIXED).compare()
    assert violations(visited.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_something_went_wrong(
    visit: Callable[..., Visit], serving: Callable[..., str], scheme: Scheme
) -> None:
    visited = visit(serving(tokens=(TOKEN,)), color_scheme=scheme).fill()
    visited.page.get_by_label("Token", exact=True).fill("not-the-token")
    visited.page.keyboard.press("Enter")
    expect(visited.page.locator("#token-problem")).not_to_be_empty()
    stub(visited, {"detail": "no", "errors": [{"where": "body", "what": "wrong"}]}, 422)
    visited.page.locator("#compare").click()
    problem_of(visited)
    assert violations(visited.page) == []


def test_axe_finds_what_is_wrong(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.evaluate(
        "document.body.append(new Image()); document.documentElement.removeAttribute('lang')"
    )
    assert {"image-alt", "html-has-lang"} <= {line.partition(":")[0] for line in violations(page)}


def test_a_phone_need_not_scroll_sideways(visit: Callable[..., Visit]) -> None:
    long = "Donau­dampf".replace("­", "") * 30
    visited = visit(width=NARROW)
    widths = "[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"

    def check() -> None:
        *wide, window = visited.page.evaluate(widths)
        assert max(wide) <= window == NARROW

    check()
    visited.compare(long, long, long + "!")
    visited.page.locator("#compared summary").click()
    check()
    told = community(
        long,
        number(0.999, 0.99, 1.0),
        warnings=[long, "weak: " + "on choices of people held out " * 5],
    )
    stub(visited, answer(told, model=long, warnings=[long], interval=long)).compare()
    check()
    visited.page.unroute(COMPARE)
    stub(visited, {"detail": long, "errors": [{"where": long, "what": long}]}, 422)
    visited.page.locator("#compare").click()
    problem_of(visited)
    check()


def test_bars_have_room_on_a_phone(visit: Callable[..., Visit]) -> None:
    visited = visit(width=NARROW).compare()
    box = visited.page.locator("#rows svg").first.bounding_box()
    assert box is not None
    assert box["width"] > NARROW / 2
    scale = visited.page.locator(".ticks").bounding_box()
    assert scale is not None
    assert (scale["x"], scale["width"]) == (box["x"], box["width"]), (
        "the scale stands over the bars"
    )


def test_the_keyboard_alone_does(visit: Callable[..., Visit]) -> None:
    visited = visit()
    page = visited.page
    page.keyboard.press("Tab")
    for text in (PROMPT, FIRST, SECOND):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#strength-number")).to_have_text("1.5")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#rows tr")).to_have_count(5)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#compare")).to_be_focused()
    with page.expect_response(COMPARE):
        page.keyboard.press("Enter")
    expect(page.locator("#compare")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#of-strength")).to_be_visible()
    assert page.locator("#of-strength").inner_text().startswith("1.5: exaggerates")


def test_a_screen_reader_gets_the_text_that_is_visible(visit: Callable[..., Visit]) -> None:
    for width in (WIDE, NARROW):
        page = stub(visit(width=width), MIXED).compare().page
        assert page.locator("#summary").get_attribute("aria-live") == "polite"
        table = page.get_by_role("table", name="Most for the first response at the top")
        heads = ["Community", "Expected to prefer the first response", "People behind it"]
        for head in heads:
            expect(table.get_by_role("columnheader", name=head)).to_have_count(1)
        row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Second"))
        said = " ".join(row.get_by_role("cell").all_inner_texts()).replace("\u00a0", " ").split()
        assert " ".join(said) == "20 % [<1, 49] for the second 1 person"


def test_without_scripts_the_page_explains_what_it_needs(browser: Browser, url: str) -> None:
    sent = httpx.get(url).text
    assert sent.count("<noscript>") == 1
    context = browser.new_context(
        java_script_enabled=False
    )  # Chromium hides <noscript> all the same when it is driven
    page = context.new_page()
    page.route(
        f"{url}/",
        lambda route: route.fulfill(
            body=sent.replace("noscript>", "div>"), content_type="text/html"
        ),
    )
    page.goto(f"{url}/")
    expect(page.get_by_text("This page needs JavaScript")).to_be_visible()
    assert page.locator("form, #result").filter(visible=True).count() == 0
    context.close()


def test_paper_shows_the_answer_and_what_was_compared(visit: Callable[..., Visit]) -> None:
    visited = stub(visit(color_scheme="dark"), MIXED).compare()
    page = visited.page
    page.emulate_media(media="print")
    assert not page.locator("#ask").is_visible()
    expect(page.locator("#rows .mark").first).to_be_visible()
    assert page.locator("dl").evaluate(
        "e => e.checkVisibility() && e.getBoundingClientRect().height > 20"
    )
    assert violations(page) == []
