"""A study whose people are simulated: everything that its pages can show has happened in it."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select

from pluralign.collecting.choosing import Chooser
from pluralign.collecting.demo.invented_texts import (
    NAMES,
    REPORT_OF_A_SHARED_TEXT,
    REPORT_OF_A_TEXT,
    WRITTEN,
)
from pluralign.collecting.demo.simulated_people import Simulated, Village
from pluralign.collecting.documents import publish_documents
from pluralign.collecting.forgetting import forget_withdrawn
from pluralign.collecting.moderating import Verdict, decide, report_text
from pluralign.collecting.new_study import PROMPTS_FILE, write_study
from pluralign.collecting.personal import open_personal
from pluralign.collecting.proposals import agree, close_proposal, propose
from pluralign.collecting.releasing import make_release
from pluralign.collecting.stewards import Steward, add_steward, enter, new_link, steward_of
from pluralign.collecting.store.store import Store, open_store
from pluralign.collecting.store.tables import text
from pluralign.collecting.study import STUDY_FILE, Study, open_study
from pluralign.collecting.study_texts import add_prompts, read_prompts
from pluralign.collecting.taking_part import invite_people
from pluralign.collecting.withdrawing import withdraw
from pluralign.core import InvalidInput, NotEnoughData
from pluralign.encoders import HashEncoder
from pluralign.simulation import Society, default_society
from pluralign.simulation.bank import PROMPTS
from pluralign.simulation.texts import draft, write

SHARES = {"~river": 0.48, "~hill": 0.4, "~isle": 0.12}
"""Community -> its share of the people; of 60 people the last one is below the floor of 10."""
FEWEST = 20
_DAY = 86_400
_OF_ALL, _OF_ONE, _ONE = "Ana", "Hana", "~hill"
_REPLIES = 4
_AT_ONCE = 12
"""People who take part at the same time share the wait for the disk."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A study that was made for demonstration.

    Attributes:
        invitations: Community -> token of an invitation for 20 people.
        key: Key of a simulated person.
        steward: Token of a link of a steward of all communities.
        steward_of_one: Token of a link of a steward of one community.
        people: Number of simulated people who joined.
    """

    invitations: dict[str, str]
    key: str
    steward: str
    steward_of_one: str
    people: int


def make_demo(folder: Path, people: int, now: int, rng: np.random.Generator) -> Demo:
    """Make a study with simulated people, who took part during the last days.

    Args:
        folder: Folder of the study; made if absent.
        people: Number of people.
        now: Seconds since 1970.
        rng: Generator of the people, the texts and the choices.

    Raises:
        InvalidSettings: If the folder has a study already.
        InvalidInput: If there are too few people.
    """
    if people < FEWEST:
        raise InvalidInput(f"people must be >= {FEWEST}, got {people}", where="--people")
    study = _written(folder, rng)
    with open_store(folder) as store, open_personal(folder) as personal:
        begin = now - 6 * _DAY
        store.write(lambda c: publish_documents(c, study.settings, begin))
        store.write(lambda c: add_prompts(c, read_prompts(folder / PROMPTS_FILE), begin))
        chooser = Chooser(store, study, HashEncoder())
        village = Village(study, store, personal, chooser, _society(), rng)
        simulated = _filled(village, people, begin, now - 2 * _DAY)
        _moderated(village, simulated, now - 2 * _DAY)
        _released(study, store, rng.bytes(4), now - _DAY)
        leaving = simulated.pop(0).person.id
        store.write(lambda c: withdraw(c, study, leaving, now - _DAY // 2))
        forget_withdrawn(store, personal)
        return _described(study, store, simulated, people, now)


def _written(folder: Path, rng: np.random.Generator) -> Study:
    """The files of the study: names of its communities, and prompts with planted replies."""
    write_study(folder, list(SHARES))
    settings = (folder / STUDY_FILE).read_text(encoding="utf-8")
    for names in NAMES.values():
        given = ", ".join(f'{language} = "{name}"' for language, name in names.items())
        settings = settings.replace(f'# name = {{ en = "{names["en"]}" }}', f"name = {{ {given} }}")
    (folder / STUDY_FILE).write_text(settings, encoding="utf-8", newline="\n")
    path = folder / PROMPTS_FILE
    others = [row.model_dump_json() for row in read_prompts(path) if row.language != "en"]
    rows = others + [json.dumps(_planted(prompt, rng)) for prompt in _everyday()]
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8", newline="\n")
    return open_study(folder)


def _everyday() -> list[str]:
    return [prompt for prompts in PROMPTS.values() for prompt in prompts[:2]]


def _planted(prompt: str, rng: np.random.Generator) -> dict[str, object]:
    """A prompt with different replies that show planted traits."""
    traits = default_society().traits
    replies: dict[str, None] = {}
    while len(replies) < _REPLIES:
        replies |= dict.fromkeys(write(traits, draft(traits, _REPLIES - len(replies), rng)))
    return {"prompt": prompt, "responses": list(replies), "language": "en", "origin": "simulated"}


def _society() -> Society:
    known = default_society()
    return Society(tuple(one for one in known.communities if one.id in SHARES), known.traits)


def _filled(village: Village, people: int, begin: int, end: int) -> list[Simulated]:
    """Let people of all communities take part in a random order, several at a time."""
    homes = [id_ for id_, share in SHARES.items() for _ in range(round(share * people))]
    tokens = {id_: _invite(village.study, village.store, id_, people, begin) for id_ in SHARES}
    step = (end - begin) // len(homes)

    def take_part(k: int, home: str, rng: np.random.Generator) -> Simulated:
        return village.take_part(home, tokens[home], f"form {k}", begin + k * step, rng)

    order = village.rng.permutation(homes).tolist()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(take_part, range(len(order)), order, village.rng.spawn(len(order))))


def _invite(study: Study, store: Store, community: str, uses: int, now: int) -> str:
    return store.write(
        lambda c: invite_people(
            c, study.secret, community, uses=uses, seconds=60 * _DAY, now=now, label="market day"
        )
    )


def _moderated(village: Village, simulated: Sequence[Simulated], now: int) -> None:
    """People write and report texts; a steward shows one of these texts."""
    store, prompt = village.store, _first(village.store, "prompt")
    ids = []
    for k, (home, kind, body) in enumerate(WRITTEN):
        author = [one.person for one in simulated[1:] if one.person.community == home][k % 2 - 1]
        parent = None if kind == "prompt" else prompt
        ids.append(village.write(author, kind, body, parent, now + 60 * k))
    ana = _steward(village.study, store, _OF_ALL, [], now)
    store.write(lambda c: decide(c, ana, ids[-1], Verdict("show"), now + 3600))
    by, shared = simulated[-1].person.id, _first(store, "response")
    store.write(lambda c: report_text(c, ids[-1], by, REPORT_OF_A_TEXT, now + 7200))
    store.write(lambda c: report_text(c, shared, by, REPORT_OF_A_SHARED_TEXT, now + 7300))


def _first(store: Store, kind: str) -> str:
    """Id of the newest text of the study of a kind."""
    found = select(text.c.id).where(
        text.c.kind == kind, text.c.language == "en", text.c.author.is_(None)
    )
    with store.reading() as connection:
        return str(connection.execute(found.order_by(text.c.id.desc())).scalars().first())


def _steward(study: Study, store: Store, name: str, communities: list[str], now: int) -> Steward:
    """Add a steward who comes in at once."""
    link = store.write(lambda c: add_steward(c, study.secret, name, communities, now=now))
    session = store.write(lambda c: enter(c, study.secret, link, now))
    with store.reading() as connection:
        found = steward_of(connection, study.secret, session, now)
    assert found is not None
    return found


def _released(study: Study, store: Store, random: bytes, now: int) -> None:
    """Make a release if there are enough people, and propose another one."""
    hana = _steward(study, store, _OF_ONE, [_ONE], now)
    first = store.write(lambda c: propose(c, ["train", "evaluate"], now, "operator"))
    with suppress(NotEnoughData):
        made = make_release(store, study, first.purposes, [_OF_ALL], random, now)
        store.write(lambda c: close_proposal(c, first.id, made.id))
    second = store.write(lambda c: propose(c, ["train", "publish-rows"], now + 3600, "operator"))
    store.write(lambda c: agree(c, hana, second.id, now + 7200))


def _described(
    study: Study, store: Store, simulated: Sequence[Simulated], people: int, now: int
) -> Demo:
    ana = store.write(lambda c: new_link(c, study.secret, _OF_ALL, now=now))
    hana = store.write(lambda c: new_link(c, study.secret, _OF_ONE, now=now))
    return Demo(
        invitations={id_: _invite(study, store, id_, 20, now) for id_ in SHARES},
        key=simulated[0].key,
        steward=ana,
        steward_of_one=hana,
        people=people,
    )
