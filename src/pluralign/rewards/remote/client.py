"""A typed client of a reward server."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from pluralign.clients.connecting import opened_client
from pluralign.clients.retries import BUSY, pause
from pluralign.core import (
    AnyRequest,
    InvalidInput,
    InvalidSettings,
    PluralignError,
    Prompt,
    as_requests,
)
from pluralign.rewards.remote.wire import (
    ALL,
    CommunityList,
    CompareAnswer,
    CompareRequest,
    Item,
    Problem,
    RankAnswer,
    RankRequest,
    RewardsAnswer,
    RewardsRequest,
    prompt_on_wire,
)
from pluralign.rewards.scored_answers import Thoughts

if TYPE_CHECKING:
    import httpx

_LET_IN = frozenset({401, 403})
_CHECK = "check that pluralign serve runs there"
Answer = TypeVar("Answer", bound=BaseModel)


class RewardServerFailed(PluralignError, ConnectionError):
    """A reward server cannot be reached, fails, or gives no answer that can be read."""


class TooMuchAtOnce(InvalidInput):
    """A request contains more than the server takes at a time."""


class RewardClient:
    """Asks a server that ``pluralign serve`` runs.

    Connections are kept open, and threads may share a client. Where the server is busy, stopping or
    away, it is asked again after 0.5, 1, 2, ... seconds, and no sooner than it names.

    Args:
        url: Such as ``http://127.0.0.1:8000``.
        token: Bearer token, where the server asks for one.
        seconds: How long an answer may take; also the longest wait before the server is asked
            again.
        tries: How often it is asked, >= 1.

    Attributes:
        url: As given.

    Raises:
        InvalidSettings: If the URL is invalid, or the token cannot be sent.
        MissingExtra: If httpx is not installed.
    """

    def __init__(
        self, url: str, token: str | None = None, seconds: float = 120.0, tries: int = 6
    ) -> None:
        self.url = url.rstrip("/")
        self._where = _told(self.url)
        self._token, self._seconds, self._tries = (token or "").strip(), seconds, max(1, tries)
        self._http = self._connected()

    def rewards(
        self,
        items: Sequence[AnyRequest],
        communities: str | Sequence[str] = ALL,
        *,
        blend: Mapping[str, float] | None = None,
        strength: float = 1.0,
        parents: bool = False,
        thoughts: Thoughts | None = None,
    ) -> RewardsAnswer:
        """Rewards of responses.

        Args:
            items: Requests, or tuples of a prompt and a response.
            communities: Ids or names; ``all`` for every community; ``~world`` is the reference.
            blend: Community -> share, in place of ``communities``.
            strength: 0 is the reference, 1 the fitted steering.
            parents: Whether a parent may answer for a community that the model lacks.
            thoughts: Whether thoughts before an answer are left out (``strip``) or scored with it
                (``keep``); None: as the server is set.

        Raises:
            InvalidInput: If it cannot be sent, or the server refuses it: an unknown community, too
                much at a time, ...
            InvalidSettings: If the token is wrong.
            RewardServerFailed: If the server cannot be reached, or does not answer.
        """
        with _sendable():
            sent = RewardsRequest(
                items=tuple(map(Item.of, as_requests(items))),
                **_steering(communities, blend, strength, parents, thoughts),
            )
        answer = self._post("/v1/rewards", sent, RewardsAnswer)
        if len(answer.items) != len(items):
            what = f"{len(items)} items were sent, and {len(answer.items)} came back"
            raise RewardServerFailed(what, where=self._where, hint=_CHECK)
        return answer

    def rank(
        self,
        prompt: Prompt,
        responses: Sequence[str],
        communities: str | Sequence[str] = ALL,
        *,
        blend: Mapping[str, float] | None = None,
        strength: float = 1.0,
        parents: bool = False,
        thoughts: Thoughts | None = None,
    ) -> RankAnswer:
        """Responses to a prompt from the best down; with several communities, for the worst off."""
        steering = _steering(communities, blend, strength, parents, thoughts)
        with _sendable():
            sent = RankRequest(
                prompt=prompt_on_wire(prompt), responses=tuple(responses), **steering
            )
        return self._post("/v1/rank", sent, RankAnswer)

    def compare(
        self,
        prompt: Prompt,
        response: str,
        other: str,
        communities: str | Sequence[str] = ALL,
        *,
        blend: Mapping[str, float] | None = None,
        strength: float = 1.0,
        parents: bool = False,
        thoughts: Thoughts | None = None,
    ) -> CompareAnswer:
        """Which of two responses each community prefers."""
        steering = _steering(communities, blend, strength, parents, thoughts)
        with _sendable():
            sent = CompareRequest(
                prompt=prompt_on_wire(prompt), response=response, other=other, **steering
            )
        return self._post("/v1/compare", sent, CompareAnswer)

    def communities(self) -> CommunityList:
        """Whom the model can be steered to, and the people behind each."""
        return _read(self._ask("GET", "/v1/communities"), CommunityList, self._where)

    def ready(self) -> bool:
        """Whether the server takes requests; it is asked once."""
        import httpx

        try:
            return self._http.get("/readyz").is_success
        except httpx.RequestError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __repr__(self) -> str:
        return f"RewardClient({self._where})"

    def __enter__(self) -> "RewardClient":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """The state of a copy in another process: all but the connections."""
        return {key: value for key, value in self.__dict__.items() if key != "_http"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Be the copy, with connections of its own."""
        self.__dict__.update(state)
        self._http = self._connected()

    def _connected(self) -> "httpx.Client":
        return opened_client(self._token, self._seconds, self.url)

    def _post(self, path: str, sent: BaseModel, answer: type[Answer]) -> Answer:
        with _sendable():
            body = sent.model_dump_json(exclude_unset=True).encode()
        return _read(self._ask("POST", path, body), answer, self._where)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        import httpx

        why, headers = "", {"Content-Type": "application/json"} if body else {}
        for turn in range(self._tries):
            named = None
            try:
                answer = self._http.request(method, path, content=body, headers=headers)
            except httpx.RequestError as error:
                why = f"it cannot be reached ({str(error) or type(error).__name__})"
            else:
                if answer.is_success:
                    return answer.content
                if answer.status_code not in BUSY:
                    raise _refusal(answer, self._where + path)
                why = f"it answers {answer.status_code} {answer.reason_phrase}"
                named = answer.headers.get("Retry-After")
            if turn + 1 < self._tries:
                time.sleep(pause(turn, named, self._seconds))
        what = f"no answer from the reward server (tries: {self._tries}): {why}"
        raise RewardServerFailed(what, where=self._where, hint=_CHECK)


def _steering(
    communities: str | Sequence[str],
    blend: Mapping[str, float] | None,
    strength: float,
    parents: bool,
    thoughts: Thoughts | None,
) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "strength": float(strength),
        "unknown": "parent" if parents else "error",
    }
    if thoughts is not None:
        asked["thoughts"] = thoughts
    if blend is not None:
        return asked | {"blend": {label: float(share) for label, share in blend.items()}}
    return asked | {
        "communities": communities if isinstance(communities, str) else tuple(communities)
    }


def _read(content: bytes, answer: type[Answer], where: str) -> Answer:
    try:
        return answer.model_validate_json(content)
    except ValidationError as error:
        raise RewardServerFailed(
            f"the answer is no {answer.__name__}", where=where, hint=_CHECK
        ) from error


@contextmanager
def _sendable() -> Iterator[None]:
    """Raise a readable error where a request cannot be sent."""
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or None
        raise InvalidInput(first["msg"].removeprefix("Value error, "), where=where) from None
    except PydanticSerializationError as error:
        what = "a text contains half a character (a lone surrogate), which JSON cannot carry"
        raise InvalidInput(what, hint='send text.encode("utf-8", "replace").decode()') from error


def _told(url: str) -> str:
    """A URL as errors name it: without the name and the password that it may contain.

    >>> _told("https://any:secret@reward.example:8000/models")
    'https://reward.example:8000/models'
    """
    return re.sub(r"//[^/]*@", "//", url)


def _refusal(answer: "httpx.Response", where: str) -> PluralignError:
    """The error of a server's problem document; another form comes from another server."""
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        what = f"it answers {answer.status_code} {answer.reason_phrase}"
        refused = answer.status_code in _LET_IN
        return (
            InvalidSettings(what, where=where)
            if refused
            else RewardServerFailed(what, where=where, hint=_CHECK)
        )
    first = (problem.errors or [{}])[0]
    detail = problem.detail or problem.title
    what = f"{detail}: {first.get('where')}: {first.get('what')}" if first else detail
    return _kind(answer.status_code)(what, where=where, hint=problem.hint)


def _kind(status: int) -> type[PluralignError]:
    if status >= 500:
        return RewardServerFailed
    if status in _LET_IN:
        return InvalidSettings
    return TooMuchAtOnce if status == 413 else InvalidInput
