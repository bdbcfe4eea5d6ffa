"""Operations of commands on a study: in its store, or in the server that has the store open.

One process writes to a store. While a server runs, a command asks it (`POST /operate`), with the
token that the server left in the study's folder for the operator of this machine.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pluralign.collecting.choosing.thin_communities import (
    people_hoped_for,
    people_who_answered,
    thin_first,
)
from pluralign.collecting.overview import overview, set_state
from pluralign.collecting.release_operations import RELEASE_OPERATIONS
from pluralign.collecting.steward_operations import STEWARD_OPERATIONS
from pluralign.collecting.store.store import Store, open_store
from pluralign.collecting.study import Study, open_study
from pluralign.collecting.taking_part import invite_people
from pluralign.collecting.upkeep import backup, verify_store
from pluralign.core import InvalidInput, PluralignError, whole_file

Operation = Callable[[Store, Study, Mapping[str, Any], int], dict[str, Any]]
"""``(store, study, arguments, now) -> result``; arguments and result are JSON."""
SERVER_FILE = ".server.json"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The server of a study, as it describes itself in the study's folder.

    Attributes:
        address: URL that this machine reaches it at.
        public: URL that people reach it at.
        token: Token of its operator.
    """

    address: str
    public: str
    token: str

    def write(self, folder: Path) -> None:
        """Leave the description in a study's folder; only its owner can read it."""
        with whole_file(folder / SERVER_FILE, private=True) as partial:
            partial.write_text(json.dumps(asdict(self)), encoding="utf-8", newline="\n")


def running_server(folder: Path) -> RunningServer | None:
    """The description that a server left; None if there is none. The server may have been killed.

    A server deletes it when it stops.
    """
    try:
        return RunningServer(**json.loads((folder / SERVER_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def operate(
    folder: Path, url: str | None, name: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Run an operation in the running server of a study, or in its store if no server runs.

    Args:
        folder: The study's folder.
        url: URL of its database; SQLite in the folder by default. A running server has its own.
        name: Name of the operation, one of `OPERATIONS`.
        arguments: Its arguments, in JSON.

    Raises:
        PluralignError: If the study cannot be opened, or the operation refuses its arguments.
    """
    study = open_study(folder)
    server = running_server(folder)
    if server is not None:
        answer = _asked(server, name, arguments)
        if answer is not None:
            return answer
    with open_store(folder, url) as store:
        return perform(store, study, name, arguments, int(time.time()))


def perform(
    store: Store, study: Study, name: str, arguments: Mapping[str, Any], now: int
) -> dict[str, Any]:
    """Run an operation by name.

    Raises:
        InvalidInput: If there is no operation of this name.
    """
    if name not in OPERATIONS:
        raise InvalidInput(f"there is no operation {name!r}", hint=", ".join(sorted(OPERATIONS)))
    return OPERATIONS[name](store, study, arguments, now)


def _asked(server: RunningServer, name: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer of a server; None if it does not run any more."""
    address = urlsplit(server.address)
    connection = HTTPConnection(str(address.hostname), address.port)
    try:
        body = json.dumps({"name": name, "arguments": dict(arguments)})
        headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
        connection.request("POST", "/operate", body, headers)
        response = connection.getresponse()
        found = json.loads(response.read())
    except ConnectionRefusedError:
        return None
    except (OSError, HTTPException, ValueError) as error:
        raise InvalidInput(
            f"the server at {server.address} did not answer: {error}",
            hint="check its log, or stop it and give the command again",
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise InvalidInput(found["what"], where=found.get("where"), hint=found.get("hint"))
    return dict(found)


def cannot_write(error: Exception) -> InvalidInput:
    """The refusal of an operation for which the server's disk or database failed."""
    return InvalidInput(
        f"the server could not read or write its files: {getattr(error, 'orig', error)}",
        hint="check the room on its disk and the permissions, then give the command again",
    )


def as_refusal(error: PluralignError) -> dict[str, str | None]:
    """An error as a server sends it to the command that asked."""
    return {"what": error.what, "where": error.where, "hint": error.hint}


def _invite(store: Store, study: Study, arguments: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Make an invitation: ``community``, ``uses``, ``days`` and ``label`` -> its token.

    Where ``community`` is None, it invites for the community with most people missing.
    """
    named = str(arguments["community"] or _thinnest(store, study))
    if study.settings.community(named) is None:
        ids = ", ".join(one.id for one in study.settings.communities)
        raise InvalidInput(
            f"the study has no community {named}",
            where="--community",
            hint=f"name one of {ids}, or add it to study.toml and restart the server",
        )
    token = store.write(
        lambda c: invite_people(
            c,
            study.secret,
            named,
            uses=int(arguments["uses"]),
            seconds=int(arguments["days"]) * 86_400,
            label=str(arguments["label"]),
            now=now,
        )
    )
    return {"token": token, "community": named}


def _thinnest(store: Store, study: Study) -> str:
    with store.reading() as connection:
        answered = people_who_answered(connection)
    return thin_first(people_hoped_for(study.settings), answered)[0].community


def _status(store: Store, study: Study, arguments: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Content of the store by community: exact counts, for the operator alone."""
    with store.reading() as connection:
        return asdict(overview(connection, study.settings))


def _state(store: Store, study: Study, arguments: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Open, pause or close a study: ``state``."""
    state = arguments["state"]
    store.write(lambda c: set_state(c, study.settings.id, state, now))
    return {"state": state}


OPERATIONS: dict[str, Operation] = {
    "backup": backup,
    "verify": verify_store,
    "invite": _invite,
    "state": _state,
    "status": _status,
    **RELEASE_OPERATIONS,
    **STEWARD_OPERATIONS,
}
"""Every operation by name; a command is an entry here."""
