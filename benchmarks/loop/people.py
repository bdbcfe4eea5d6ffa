"""People who take part over HTTP, through the forms and links of the pages alone.

Some send things twice, answer without a connection, lose the connection, come back with their key,
or make mistakes; some do not agree to training.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from loop.html_pages import HtmlPage
from loop.planted_study import Taste

MANNERS = (
    "steady",
    "sends twice",
    "offline",
    "bad network",
    "comes back",
    "makes mistakes",
    "no training",
)
Texts = Mapping[str, str]
"""``prompt``, ``left`` and ``right`` -> the words of a pair."""
_MOST_TRIES = 60
_BEFORE = 4
"""Answers before a person goes offline or comes back with the key."""


@dataclass
class Taken:
    """What a person did, as they know it themselves.

    Attributes:
        community: Their community.
        manner: One of `MANNERS`.
        key: Their key.
        kept: Ids of the pairs whose answers a page or reply called kept.
        choices: Pairs in which they chose one side, when they were asked for the first time.
        sent: Number of times that an answer was sent.
        twice: Number of times that an answer was sent which was kept already.
        lost: Number of requests whose connection broke.
        refused: Reason -> number of refusals.
    """

    community: str
    manner: str
    key: str = ""
    kept: set[str] = field(default_factory=set)
    choices: set[str] = field(default_factory=set)
    sent: int = 0
    twice: int = 0
    lost: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass
class Phone:
    """A phone and its person.

    Attributes:
        addresses: Address of the server, and that of a bad connection to it.
        headers: Headers of a proxy in front of the server: the network address of this person.
        taste: Taste of the person.
        rng: Generator of their choices.
        did: What they did.
    """

    addresses: tuple[str, str]
    headers: Mapping[str, str]
    taste: Taste
    rng: np.random.Generator
    did: Taken

    def __post_init__(self) -> None:
        self.browser = self._new_browser()
        self.asked: set[tuple[str, frozenset[str]]] = set()

    def join(self, invitation: str) -> None:
        """Follow an invitation to a key."""
        path = httpx.URL(invitation).path
        consent = HtmlPage(self._get(HtmlPage(self._get(path).text).link("/consent?")).text)
        form = consent.form("/consent")
        purposes = form.offered["purpose"]
        if self.did.manner == "no training":
            purposes = [one for one in purposes if one != "train"]
        ticked = {"purpose": purposes, "of_age": "yes"}
        if self.did.manner == "makes mistakes":
            self._refused("/enter", {"key": "babab-babab-babab-babab-babab-babab"}, "unknown key")
            alone = {"purpose": ["train"]}
            self._refused(form.action, form.hidden | ticked | alone, "consent without its purpose")
        page = HtmlPage(self._post(form.action, form.hidden | ticked).text)
        if self.did.manner == "sends twice":
            again = HtmlPage(self._post(form.action, form.hidden | ticked).text)
            assert again.key == page.key, "the same form must join once"
        self.did.key = page.key
        self._get(page.link("/about"))

    def answer(self, count: int) -> None:
        """Answer pairs, in the manner of the person; sittings end with the number of answers."""
        before = _BEFORE if self.did.manner in ("offline", "comes back") else count
        self._compare(before)
        if self.did.manner == "offline":
            self._answer_offline()
        if self.did.manner == "comes back":
            self.enter()
        self._compare(count)

    def enter(self) -> None:
        """Come back with the key, on another phone."""
        self.browser.close()
        self.browser = self._new_browser()
        form = HtmlPage(self._get("/enter").text).form("/enter")
        page = self._post(form.action, form.hidden | {"key": self.did.key})
        assert page.url.path == "/mine", page.url

    def withdraw(self) -> str:
        """Withdraw by the page; return the address of the receipt."""
        form = HtmlPage(self._get("/withdraw").text).form("/withdraw")
        page = self._post(form.action, form.hidden)
        assert page.url.path.startswith("/withdrawn/"), page.url
        return str(page.url.path)

    def read(self, path: str) -> str:
        """The text of a page."""
        return self._get(path).text

    def close(self) -> None:
        """Put the phone away."""
        self.browser.close()

    def _compare(self, count: int) -> None:
        page = self._get("/compare")
        while len(self.did.kept) < count:
            found = HtmlPage(page.text)
            if not found.texts:  # the end of a sitting, or no pair is left
                if page.url.path == "/compare" and not page.url.query:
                    return
                page = self._get("/compare")
                continue
            page = self._answer_pair(found)

    def _answer_pair(self, found: HtmlPage) -> httpx.Response:
        form = found.form("/compare")
        choice, strength = self._choose(found.texts)
        sent = form.hidden | {"choice": choice}
        if strength is not None:
            sent["strength"] = str(strength)
        if self.did.manner == "makes mistakes" and self.rng.random() < 0.3:
            self._refused(form.action, form.hidden, "no choice")
            self._refused(form.action, sent | {"reason": "Why? " * 300}, "too long a reason")
        page = self._send(lambda: self._post(form.action, sent))
        assert "kept" in page.url.params, page.url
        if self.did.manner == "sends twice":
            self._send(lambda: self._post(form.action, sent))
            self.did.twice += 1
        self._note(form.hidden["assignment"], choice, found.texts)
        return page

    def _answer_offline(self) -> None:
        """Take pairs along, and send the answers later; half of the outbox is sent twice."""
        outbox = [self._answered_offline(one) for one in self._get("/pairs").json()["pairs"]]
        for texts, body in outbox + outbox[::2]:
            self._send_later(texts, body)

    def _answered_offline(self, pair: Mapping[str, Any]) -> tuple[Texts, dict[str, Any]]:
        texts = {side: pair[side]["body"] for side in ("prompt", "left", "right")}
        choice, strength = self._choose(texts)
        made = {"assignment": pair["assignment"], "choice": choice, "strength": strength}
        return texts, made | {"language": "en", "offline": True}

    def _send_later(self, texts: Texts, body: Mapping[str, Any]) -> None:
        again = body["assignment"] in self.did.kept
        reply = self._send(lambda: self._post_json("/answers", json.dumps(body))).json()
        assert reply["outcome"] == ("kept before" if again else "kept"), reply
        self.did.twice += again
        self._note(body["assignment"], body["choice"], texts)

    def _choose(self, texts: Texts) -> tuple[str, int | None]:
        return self.taste.choose(texts["left"], texts["right"], self.rng)

    def _note(self, assignment: str, choice: str, texts: Texts) -> None:
        if assignment in self.did.kept:
            return
        self.did.kept.add(assignment)
        asked = (texts["prompt"], frozenset([texts["left"], texts["right"]]))
        if choice in ("left", "right") and asked not in self.asked:
            self.did.choices.add(assignment)
        self.asked.add(asked)

    def _refused(self, path: str, sent: Mapping[str, Any], reason: str) -> None:
        """Send something that the server must refuse, with a page that explains it."""
        response = self.browser.post(path, data=dict(sent))
        assert response.status_code in (404, 422), (reason, response.status_code)
        assert 'role="alert"' in response.text, reason
        self.did.refused[reason] += 1

    def _send(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        self.did.sent += 1
        return ask()

    def _get(self, path: str) -> httpx.Response:
        return self._asked(lambda: self.browser.get(path))

    def _post(self, path: str, sent: Mapping[str, Any]) -> httpx.Response:
        return self._asked(lambda: self.browser.post(path, data=dict(sent)))

    def _post_json(self, path: str, body: str) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return self._asked(lambda: self.browser.post(path, content=body, headers=headers))

    def _asked(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """A response; a request whose connection breaks is made again, as people do."""
        for _ in range(_MOST_TRIES):
            try:
                response = ask()
            except httpx.TransportError:
                self.did.lost += 1
                continue
            assert response.status_code == 200, (response.url, response.status_code)
            return response
        raise RuntimeError("no connection")

    def _new_browser(self) -> httpx.Client:
        address = self.addresses[self.did.manner == "bad network"]
        return httpx.Client(
            base_url=address, headers=dict(self.headers), follow_redirects=True, timeout=120
        )
