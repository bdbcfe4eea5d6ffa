"""Operations on stewards and on proposals of releases, for `operations.py`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pluralign.collecting.proposals import open_proposals, propose
from pluralign.collecting.stewards import add_steward, listed_stewards, new_link, revoke_steward
from pluralign.collecting.store.store import Store
from pluralign.collecting.study import Study
from pluralign.core import InvalidInput


def added(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Add a steward: ``name`` and ``communities`` -> the token of a one-time link."""
    known = [one.id for one in study.settings.communities]
    unknown = [one for one in given["communities"] if one not in known]
    if unknown:
        raise InvalidInput(
            f"the study has no community {unknown[0]}",
            where="--community",
            hint=f"name some of {', '.join(known)}, or none for all",
        )
    name, theirs = given["name"], given["communities"]
    return {
        "token": store.write(lambda c: add_steward(c, study.secret, name, theirs, now=now)),
    }


def linked(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Make a new link for a steward: ``name`` -> its token."""
    return {"token": store.write(lambda c: new_link(c, study.secret, given["name"], now=now))}


def revoked(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Revoke a steward: ``name``."""
    store.write(lambda c: revoke_steward(c, given["name"], now))
    return {}


def listed(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """All stewards."""
    with store.reading() as connection:
        return {"stewards": [asdict(one) for one in listed_stewards(connection, now)]}


def proposed(store: Store, study: Study, given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Propose a release: ``purposes`` -> the proposal; without purposes, the open ones."""
    if given["purposes"]:
        store.write(lambda c: propose(c, given["purposes"], now, "operator"))
    with store.reading() as connection:
        return {"proposals": [asdict(one) for one in open_proposals(connection, now)]}


STEWARD_OPERATIONS = {
    "steward-add": added,
    "steward-link": linked,
    "steward-revoke": revoked,
    "stewards": listed,
    "propose": proposed,
}
"""Operations by name."""
