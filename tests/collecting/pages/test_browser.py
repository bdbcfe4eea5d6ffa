"""Every page in Chromium: axe, 320 px, no other host, no scripts, and the keyboard alone."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from pluralign.collecting.proposals import propose
from pluralign.collecting.stewards import add_steward
from pluralign.collecting.store.tables import participant
from pluralign.collecting.withdrawing import withdraw

pytestmark = pytest.mark.slow

NARROW, WIDE = 320, 1100


class Tour:
    """All pages, one after the other, as a person opens them in a browser.

    Attributes:
        said: Messages of the console, but for answers with an error status.
        asked: Requests to other hosts.
    """

    def __init__(self, page: Page, address: str, token: str) -> None:
        self.page, self._address, self._token = page, address, token
        self.said: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(15_000)
        page.on("request", lambda r: self.asked.append(r.url) if address not in r.url else None)
        page.on("console", lambda m: None if "status of" in m.text else self.said.append(m.text))

    def pages(self) -> Iterator[str]:
        """Open each page; its name."""
        yield self._open("/")
        yield self._open("/enter")
        yield self._open(f"/join/{self._token}")
        yield self._press("main a.main", "consent")
        self.page.check("[value=collect]")
        yield self._press("main button.main", "consent with a reason")
        self.page.check("[name=of_age]")
        yield self._press("main button.main", "key")
        yield self._press("main a.main", "about")
        self.page.fill("[name=place]", "Oaxaca, مكسيكو")
        yield self._press("main button.main", "practice")
        self.page.check("[value=left]")
        yield self._press("main button.main", "practised")
        yield self._press("main a.main", "compare")
        self.page.check("[value=right]")
        self.page.fill("textarea", "Why not, لم لا")
        yield self._press("main button.main", "compare again")
        yield self._press("button[value=enough]", "enough")
        yield self._open("/write")
        yield self._open("/write?kind=story")
        self.page.fill("textarea", "A story without its question")
        yield self._press("main button.main", "write with a reason")
        self.page.select_option("select", index=1)
        yield self._press("main button.main", "written")
        for path in (
            "/mine",
            "/changed",
            "/withdraw",
            "/consent",
            "/community",
            "/policy",
            "/language",
            "/no",
            "/nowhere",
        ):
            yield self._open(path)
        self._open("/compare")
        yield self._press(".prompt .byline a", "report")

    def _open(self, path: str) -> str:
        self.page.goto(self._address + path)
        return path

    def _press(self, what: str, name: str) -> str:
        # A script keeps an answer on the device before the next page is opened.
        with self.page.expect_navigation():
            self.page.click(what)
        return name


@pytest.fixture(scope="module")
def address_of(browser: Browser) -> Iterator[Callable[[Any], str]]:
    """``address_of(served)`` serves a study on this machine's own address."""
    servers = []

    def start(served: Any) -> str:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(served.app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        servers.append((server, thread, listener))
        until = time.monotonic() + 20
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread, listener in servers:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def tour(
    browser: Browser, served: Any, address_of: Callable[[Any], str]
) -> Iterator[Callable[..., Tour]]:
    """``tour("ar", "dark", 320)`` is a tour in a browser of its own; axe itself needs scripts."""
    address, contexts = address_of(served), []

    def begin(language: str, scheme: Any, width: int, scripts: bool = True) -> Tour:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            locale=language,
            color_scheme=scheme,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        return Tour(context.new_page(), address, served.invite())

    yield begin
    for context in contexts:
        context.close()


def _violations(page: Page) -> list[str]:
    return [
        f"{found['id']}: {node['html'][:200]}"
        for found in Axe().run(page).response["violations"]
        for node in found["nodes"]
    ]


def _too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def _small_targets(page: Page) -> list[str]:
    """Buttons, fields and links outside of sentences that are lower than 44 px."""
    return page.evaluate(
        """[...document.querySelectorAll('button, a.button, nav a, footer a, summary, select,'
            + ' textarea, input:not([type=hidden], [type=radio], [type=checkbox]), .box, .pick')]
            .filter(one => one.getClientRects().length && one.offsetHeight < 43.5)
            .map(one => one.outerHTML.slice(0, 120))"""
    )


@pytest.mark.parametrize(
    ("language", "screens"),
    [
        ("en", [("light", WIDE), ("dark", NARROW)]),
        ("ar", [("light", NARROW), ("dark", WIDE)]),
    ],
)
def test_no_page_has_a_barrier_that_axe_finds_or_asks_another_host(
    tour: Callable[..., Tour], language: str, screens: list[tuple[Any, int]]
) -> None:
    """Each page is looked at on two screens, and the last of them is that of the next page."""
    found: dict[str, list[str]] = {}
    visit = tour(language, *screens[0])
    for number, name in enumerate(visit.pages()):
        for scheme, width in screens if number % 2 == 0 else screens[::-1]:
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.set_viewport_size({"width": width, "height": 800})
            faults = [*_violations(visit.page), *_small_targets(visit.page)]
            if _too_wide(visit.page):
                faults.append("wider than the screen")
            if faults:
                found[f"{name}, {scheme}, {width}"] = faults
    assert found == {}
    assert (visit.said, visit.asked) == ([], [])


def test_the_keyboard_alone_answers_a_pair(tour: Callable[..., Tour], served: Any) -> None:
    visit = tour("en", "light", WIDE, scripts=False)
    for name in visit.pages():
        if name == "compare":
            break
    page = visit.page
    page.locator("input[name=choice]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.get_by_role("status").inner_text() == "Your answer is kept."
    page.keyboard.press("Tab")
    assert page.locator(".skip:focus").count() == 1


@pytest.mark.parametrize("language", ["en", "hi"])
def test_texts_may_be_twice_as_large(tour: Callable[..., Tour], language: str) -> None:
    visit = tour(language, "light", 640)
    for name in visit.pages():
        visit.page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert not _too_wide(visit.page), name


@pytest.mark.parametrize("language", ["en", "es", "ar", "hi"])
def test_the_counts_of_communities_fit_a_narrow_phone(
    browser: Browser, served: Any, address_of: Callable[[Any], str], language: str
) -> None:
    page = browser.new_page(viewport={"width": NARROW, "height": 800}, locale=language)
    page.goto(f"{address_of(served)}/community")
    too_wide = _too_wide(page)
    page.close()
    assert not too_wide


_OF_STEWARDS = (
    "coverage", "texts", "decisions", "invitations", "releases", "withdrawals", "log?check=1",
    "health", "state",
)  # fmt: skip


def _fill(served: Any) -> str:
    """Let a person write and report texts and leave; return the token of a steward's link."""
    for leaves in (False, True):
        person = served.join()
        person.post("/write", data={"kind": "prompt", "body": f"What is good tea? {leaves}"})
        page = person.get("/compare").text
        reported = page.split('href="/report/')[1].split('"')[0]
        person.post(f"/report/{reported}", data={"reason": "It is rude."})
    with served.store.reading() as connection:
        leaving = connection.execute(select(participant.c.id)).scalars().first()
    now = served.now[0]
    served.store.write(lambda c: withdraw(c, served.study, leaving, now))
    served.store.write(lambda c: propose(c, ["train", "publish-rows"], now, "operator"))
    return served.store.write(lambda c: add_steward(c, served.study.secret, "Ana", [], now=now))


@pytest.mark.parametrize(
    ("language", "scheme", "width"), [("en", "dark", NARROW), ("ar", "light", WIDE)]
)
def test_no_page_of_stewards_has_a_barrier_either(
    browser: Browser,
    served: Any,
    address_of: Callable[[Any], str],
    language: str,
    scheme: Any,
    width: int,
) -> None:
    token, address = _fill(served), address_of(served)
    screen = {"width": width, "height": 800}
    context = browser.new_context(viewport=screen, locale=language, color_scheme=scheme)
    page, found = context.new_page(), {}

    def look(name: str) -> None:
        faults = [*_violations(page), *_small_targets(page), *["too wide"] * _too_wide(page)]
        if faults:
            found[name] = faults

    page.goto(f"{address}/steward/enter/{token}")
    look("door")
    page.click("main button.main")
    for name in _OF_STEWARDS:
        page.goto(f"{address}/steward/{name}")
        look(name)
    page.goto(f"{address}/steward/texts")
    page.click("button.danger >> nth=0")
    assert page.locator("[role=alert]").count() == 1
    look("a text, with a reason")
    page.select_option("select", value="insult")
    page.click("button.danger")
    look("a decision that is kept")
    page.goto(f"{address}/steward/invitations")
    page.fill("input[name=cards]", "2")
    page.click("main button.main")
    assert page.locator(".card svg").count() == 2
    look("cards")
    context.close()
    assert found == {}


@pytest.mark.parametrize("scripts", [True, False])
def test_a_forgotten_age_box_and_its_message_are_on_a_small_screen(
    tour: Callable[..., Tour], scripts: bool
) -> None:
    visit = tour("es", "light", NARROW, scripts)
    for name in visit.pages():
        if name == "consent with a reason":
            break
    box, message = visit.page.locator("[name=of_age]"), visit.page.locator("#age-error")
    expect(box).to_be_focused()
    expect(box).to_be_in_viewport()
    expect(message).to_be_in_viewport()
    expect(box).to_have_accessible_description(re.compile("Marque esta casilla"))
