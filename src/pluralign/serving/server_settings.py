"""Settings of a server."""

import ipaddress
import os
import stat
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pluralign.core import InvalidSettings
from pluralign.rewards import NO_ANSWER_REWARD, Thoughts


class ServeSettings(BaseModel):
    """Settings of a server; its limits bound the memory."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: Path | None = None
    """Folder of a saved reward model; None if only policies are served."""
    policies: Path | None = None
    """Folder of a run of ``pluralign align``, whose policies answer ``/v1/chat/completions``."""
    start_model: str | None = None
    """Folder or name of the start model of the policies; when unset, that of the run."""
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^@\s]+$")]
    """Name of the model for compatible endpoints; ``name@MEX`` is one community of it."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port; 0 selects a free one."""
    processes: Annotated[int, Field(ge=1, le=256)] = 1
    """Number of processes behind the port; each loads the model."""
    tokens: tuple[str, ...] = Field(default=(), repr=False)
    """Accepted bearer tokens; without tokens, every user of this machine has access."""
    origins: tuple[Annotated[str, Field(pattern=r"^https?://[^/\s]+$")], ...] = ()
    """Further origins of web pages that may send requests, such as ``https://rewards.example``."""
    most_items: Annotated[int, Field(ge=1)] = 2048
    """Largest number of responses in one request."""
    most_rewards: Annotated[int, Field(ge=1)] = 100_000
    """Largest number of rewards (responses x communities) in one answer; 100,000 are about 8 MB."""
    most_characters: Annotated[int, Field(ge=1)] = 100_000
    """Largest number of characters in one prompt or response."""
    most_bytes: Annotated[int, Field(ge=1)] = 16_000_000
    """Largest number of bytes in the body of one request."""
    most_bytes_at_once: Annotated[int, Field(ge=1)] = 256_000_000
    """Largest number of bytes in the bodies of all current requests.

    Beyond it, bodies of more than 64 kB are refused with 503."""
    most_waiting: Annotated[int, Field(ge=1)] = 8192
    """Largest number of responses in the queue; further requests are refused with 429."""
    most_connections: Annotated[int, Field(ge=1)] = 2048
    """Largest number of open connections."""
    batch_tokens: Annotated[int, Field(ge=1)] | None = None
    """Number of tokens in a batch; when unset, 2,048 on a CPU and 65,536 on a GPU."""
    thoughts: Thoughts = "strip"
    """Whether thoughts before an answer are left out (``strip``) or scored too (``keep``)."""
    no_answer: Annotated[float, Field(allow_inf_nan=False)] = NO_ANSWER_REWARD
    """Reward in logits that ``/get_reward`` gives to a response without an answer."""
    cache_megabytes: Annotated[int, Field(ge=0)] = 64
    """Memory for vectors of the latest texts, in MB."""
    seconds: Annotated[float, Field(gt=0)] = 60.0
    """Longest time for a request to get its rewards, in seconds."""
    seconds_to_send: Annotated[float, Field(gt=0)] = 30.0
    """Longest time for a client to send a request or to read an answer, in seconds."""
    most_sessions: Annotated[int, Field(ge=1)] = 64
    """Largest number of sessions of ``/v1/adapt`` in memory; the one unused for longest leaves."""
    session_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """Longest time for which a session is kept after its last use, in seconds."""
    seconds_to_drain: Annotated[int, Field(ge=0)] = 30
    """Longest time to finish current requests after a stop, in seconds."""
    trust_encoder: str | None = None
    """An encoder that may be loaded although only the model's card names it."""
    log_texts: bool = False
    """Whether prompts and responses are written to the log."""

    most_chats: Annotated[int, Field(ge=1)] = 32
    """Largest number of chat requests that are answered or wait; further ones get 429."""
    most_new_tokens: Annotated[int, Field(ge=1)] = 1024
    """Largest number of tokens that a chat request may ask for."""
    most_best_of: Annotated[int, Field(ge=1)] = 16
    """Largest number of answers from which one is chosen (``name+bo16@MEX``)."""
    chat_seconds: Annotated[float, Field(gt=0)] = 300.0
    """Longest time for a chat request, waiting included, in seconds."""

    @model_validator(mode="after")
    def _something_to_serve(self) -> Self:
        if self.model is None and self.policies is None:
            raise ValueError("there is nothing to serve: give a reward model, or policies")
        return self

    @model_validator(mode="after")
    def _room_in_the_queue(self) -> Self:
        if self.most_items > self.most_waiting:
            raise ValueError(
                f"most_items is {self.most_items}, more than may wait (most_waiting "
                f"{self.most_waiting})"
            )
        return self

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_tokens(settings: ServeSettings) -> None:
    """Require tokens if other machines can reach the server.

    Raises:
        InvalidSettings: If other machines can reach the server and no token is set, or a token is
            too short.
    """
    if not settings.local and not settings.tokens:
        raise InvalidSettings(
            f"{settings.host} can be reached from other machines, and no token is set",
            where="--host",
            hint="PLURALIGN_TOKENS=$(openssl rand -hex 32) pluralign serve ..., or --token-file "
            "FILE",
        )
    if any(
        len(token) < _SHORTEST or not token.isascii() or not token.isprintable()
        for token in settings.tokens
    ):
        raise InvalidSettings(
            f"a token is shorter than {_SHORTEST} characters, or has characters other than "
            "printable ASCII",
            where="tokens",
            hint="openssl rand -hex 32 makes one",
        )


def read_tokens(variable: str | None, file: Path | None) -> tuple[str, ...]:
    """Tokens of an environment variable (separated by commas) and of a file (one in each line).

    Raises:
        InvalidSettings: If the file has no token, because naming a file means that tokens are
            wanted; or if every user of the machine can read it.

    >>> read_tokens("one,two", None)
    ('one', 'two')
    """
    if file is not None and _others_can_read(file):
        raise InvalidSettings(
            "every user of this machine can read the tokens",
            where=str(file),
            hint=f"chmod 600 {file}",
        )
    lines = [] if file is None else file.read_text(encoding="utf-8", errors="replace").splitlines()
    if file is not None and not any(line.strip() and not line.startswith("#") for line in lines):
        raise InvalidSettings(
            "the file has no token", where=str(file), hint="openssl rand -hex 32 makes one"
        )
    found = [token.strip() for token in (*(variable or "").split(","), *lines)]
    return tuple(dict.fromkeys(token for token in found if token and not token.startswith("#")))


def _others_can_read(file: Path) -> bool:
    """Whether users outside an ordinary file's group can read it; False without POSIX modes."""
    mode = file.stat().st_mode
    return os.name == "posix" and stat.S_ISREG(mode) and bool(mode & stat.S_IROTH)


_SHORTEST = 8
