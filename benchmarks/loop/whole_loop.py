"""The whole loop: people take part, a release, a model, a report, withdrawals, the model again."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from durability.cutting_proxy import Cut, CuttingProxy, running_proxy

from loop.commands import Operator, Serving
from loop.people import MANNERS, Phone, Taken
from loop.plans import Found, Plan
from loop.planted_study import COMMUNITIES, tastes, write_prompts
from loop.recovery import recovered
from pluralign.collecting.releasing import make_release
from pluralign.collecting.store.store import open_store
from pluralign.collecting.study import open_study

_AT_ONCE = 8
_CUT_SHARE = 0.3
_CUTS: tuple[Cut, ...] = ("before request", "within request", "before response", "within response")
_SAME_IN_BOTH = ("pairs.jsonl", "answers.jsonl", "texts.jsonl")
_PAGE = "report.html"
"""In the folder of the run, so that a withdrawal reaches it."""
_DIFFERENT = ("record.json", "manifest.jsonl", _PAGE)
"""Files of a run with its time, its name or the path of its release."""

_SETTINGS = """name = "people"
seed = {seed}
methods = ["reference", "full"]
min_pairs = 1
min_raters = 2

[pairs]
source = "collected"
path = "{release}"

[trunk]
encoder = "hash"

[split]
by = "rater"
draw = "hash"
test = 0.3
test_where = {{reason = "anchor"}}
"""


def go_around(folder: Path, plan: Plan, operator: type[Operator] = Operator) -> Found:
    """Go around the whole loop once.

    Args:
        folder: An empty folder.
        plan: The plan.
        operator: How commands are given.
    """
    loop = _Loop(folder, plan, operator(folder / "cache"))
    loop.prepare()
    with loop.operator.serving(loop.study) as server, running_proxy(server.port) as proxy:
        proxy.cut_of = _cutting(np.random.default_rng(plan.seed))
        phones = _phones(plan, server, proxy)
        used = server.processor_seconds()
        loop.take_part(phones)
        used = server.processor_seconds() - used
        made = loop.release_and_fit()
        release, before, page = Path(made["folder"]), _files(loop.run), loop.page()
        pairs = _lines(release / "pairs.jsonl")
        found = recovered(loop.run, plan.society, plan.fresh, plan.seed)
        withdrawn, receipts = loop.withdraw(phones[: plan.late])
        for phone in phones:
            phone.close()
    again, never = loop.files(release, loop.run), loop.never(release.name)
    return Found(
        people=[phone.did for phone in phones],
        server_seconds=used,
        cuts=len(proxy.cuts),
        release=made,
        pairs=(pairs, _lines(release / "pairs.jsonl")),
        recovered=found,
        report=(page, loop.page()),
        withdrawn=withdrawn,
        receipts=receipts,
        files=sorted(again),
        different=sorted(n for n in again.keys() | never.keys() if again.get(n) != never.get(n)),
        moved=sorted(name for name in before if before[name] != again.get(name)),
    )


@dataclass(frozen=True, slots=True)
class _Loop:
    """The parts of the loop, in their order."""

    folder: Path
    plan: Plan
    operator: Operator

    @property
    def study(self) -> Path:
        return self.folder / "study"

    @property
    def run(self) -> Path:
        return self.folder / "runs" / "people"

    def prepare(self) -> None:
        """Make the study, with planted texts."""
        self.operator.gives("collect", "init", self.study, *_each("--community", COMMUNITIES))
        rng = np.random.default_rng(self.plan.seed)
        write_prompts(self.study / "prompts.jsonl", self.plan.society, rng)
        settings = self.study / "study.toml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("floor = 10", f"floor = {self.plan.floor}"), "utf-8")

    def take_part(self, phones: Sequence[Phone]) -> None:
        """Let all people join and answer; those who will leave late come after a backup."""
        plan, operator = self.plan, self.operator
        invitations = {one: _invite(operator, self.study, one, plan.people) for one in COMMUNITIES}
        late, others = phones[: plan.late], phones[plan.late :]
        _take_part(others, invitations, plan.answers)
        for phone in others[: plan.early]:
            phone.withdraw()
        operator.gives("collect", "steward", "add", self.study, "Ana")
        operator.gives("collect", "backup", self.study, self.folder / "backups")
        _take_part(late, invitations, plan.answers)

    def release_and_fit(self) -> dict[str, Any]:
        """Make a release, fit models to it, and write their report."""
        made = _json(self.operator, "collect", "release", self.study, *_AGREED)
        self._fit(Path(made["folder"]), self.run)
        self.operator.gives("report", self.run, "--out", self.run / _PAGE)
        self.operator.gives("collect", "used", self.study, "--run", self.run)
        return made

    def page(self) -> str:
        """The report."""
        return (self.run / _PAGE).read_text(encoding="utf-8")

    def withdraw(self, late: Sequence[Phone]) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Let people withdraw on the page; return their receipts, and the pages with them by id."""
        addresses = [phone.withdraw() for phone in late]
        done = _json(self.operator, "collect", "withdraw", self.study, "--pending")
        pages = {
            path.rpartition("/")[2]: phone.read(path)
            for phone, path in zip(late, addresses, strict=True)
        }
        return done["withdrawals"], pages

    def never(self, release_id: str) -> dict[str, bytes]:
        """The files of a study that never had the late people: from the backup before they came.

        Its release has the same id, so ids of people are the same too.
        """
        study, run = self.folder / "never", self.folder / "runs" / "never"
        self.operator.gives("collect", "restore", self.folder / "backups", study)
        day, _, random = release_id.rpartition("-")
        noon = int(np.datetime64(f"{day}T12:00", "s").astype(int))
        with open_store(study) as store:
            given = (["train"], ["Ana"], bytes.fromhex(random), noon)
            release = Path(make_release(store, open_study(study), *given).folder)
        self._fit(release, run)
        return self.files(release, run)

    def files(self, release: Path, run: Path) -> dict[str, bytes]:
        """Files of a release and of a run that a study without the late people must have too."""
        return _files(run) | {name: (release / name).read_bytes() for name in _SAME_IN_BOTH}

    def _fit(self, release: Path, run: Path) -> None:
        settings = self.folder / f"{run.name}.toml"
        settings.write_text(_SETTINGS.format(seed=self.plan.seed, release=release), "utf-8")
        self.operator.gives("run", settings, "--out", run)


_AGREED = ("--purpose", "train", "--steward", "Ana", "--yes")


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _json(operator: Operator, *words: object) -> dict[str, Any]:
    return dict(json.loads(operator.gives(*words, "--json")))


def _cutting(rng: np.random.Generator) -> Any:
    """Where connections are cut: a share of the forms that are sent, by chance."""

    def cut_of(line: str) -> Cut:
        if line.startswith("POST") and rng.random() < _CUT_SHARE:
            return _CUTS[rng.integers(len(_CUTS))]
        return "never"

    return cut_of


def _phones(plan: Plan, server: Serving, proxy: CuttingProxy) -> list[Phone]:
    """The people, one community after the other, with all manners in each."""
    own = {community: tastes(plan.society, community) for community in COMMUNITIES}
    addresses = (server.address, f"http://127.0.0.1:{proxy.port}")
    rngs = np.random.default_rng(plan.seed + 1).spawn(plan.people * len(COMMUNITIES))
    phones = []
    for number, rng in enumerate(rngs):
        home, nth = COMMUNITIES[number % len(COMMUNITIES)], number // len(COMMUNITIES)
        taken = Taken(home, MANNERS[nth % len(MANNERS)])
        network = {"X-Forwarded-For": f"10.0.{number // 200}.{number % 200 + 1}"}
        phones.append(Phone(addresses, network, own[home][nth], rng, taken))
    return phones


def _invite(operator: Operator, study: Path, community: str, uses: int) -> str:
    words = ("collect", "invite", study, "--community", community, "--uses", uses)
    return operator.gives(*words).split()[0]


def _take_part(phones: Sequence[Phone], invitations: dict[str, str], answers: int) -> None:
    """Let people join and answer, several at a time."""

    def take_part(phone: Phone) -> None:
        phone.join(invitations[phone.did.community])
        phone.answer(answers)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(take_part, phones))


def _files(run: Path) -> dict[str, bytes]:
    """Everything in a run but `_DIFFERENT` and receipts."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.name not in _DIFFERENT and path.parent.name != "withdrawals"
    }


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
