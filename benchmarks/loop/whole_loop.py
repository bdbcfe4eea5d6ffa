"""The whole loop: people take part, a release, a model, a report, withdrawals, the model again."""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from durability.cutting_proxy import Cut, CuttingProxy, running_proxy

from loop.commands import Operator, Serving
from loop.people import MANNERS, Phone, Taken
from loop.planted_study import COMMUNITIES, planted_society, tastes, write_prompts
from loop.recovery import Recovered, recovered
from pluralign.collecting.releasing import make_release
from pluralign.collecting.store.store import open_store
from pluralign.collecting.study import open_study
from pluralign.simulation import Society
from pluralign.simulation.bank import TRAITS

_AT_ONCE = 8
_CUT_SHARE = 0.3
_CUTS: tuple[Cut, ...] = ("before request", "within request", "before response", "within response")
_SAME_IN_BOTH = ("pairs.jsonl", "answers.jsonl", "texts.jsonl")
_DIFFERENT = ("record.json", "manifest.jsonl")
"""Files of a run with its time and the path of its release."""

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


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of the loop.

    Attributes:
        people: Number of people in each community.
        answers: Number of answers of each person.
        floor: Fewest people of a community in a release.
        early: Number of people who withdraw before the release.
        late: Number of people who withdraw after the models were fitted.
        fresh: Number of new pairs in each community on which tastes are compared.
        traits: Traits that replies may show.
        reliability: As `planted_society` takes it.
        seed: Seed of everything that is drawn here.
    """

    people: int
    answers: int
    floor: int
    early: int
    late: int
    fresh: int
    traits: tuple[str, ...] = TRAITS
    reliability: float = 1.5
    seed: int = 0

    @property
    def society(self) -> Society:
        """The planted tastes of the people."""
        return planted_society(self.people, self.traits, self.reliability)


@dataclass(frozen=True, slots=True)
class Found:
    """Outcome of the loop.

    Attributes:
        people: What each person did.
        server_seconds: Processor time of the server while people took part.
        cuts: Number of connections that were cut.
        release: What the command printed about the release.
        pairs: Number of pairs of the release, before and after the withdrawals.
        recovered: What the first models recovered, by method and community.
        report: Size of the report in bytes.
        withdrawn: Receipts of those who withdrew after the models were fitted.
        receipts: Their pages.
        files: Files of the models that were made again, and of the release, which were compared.
        different: Those that differ from a study that never had these people.
        moved: Files of the run that the withdrawals changed.
    """

    people: list[Taken]
    server_seconds: float
    cuts: int
    release: dict[str, Any]
    pairs: tuple[int, int]
    recovered: list[Recovered]
    report: int
    withdrawn: list[dict[str, Any]]
    receipts: list[str]
    files: list[str]
    different: list[str]
    moved: list[str]

    def total(self, name: str) -> int:
        """Sum of a number over all people, such as ``sent``."""
        return sum(getattr(one, name) for one in self.people)

    def refused(self) -> Counter[str]:
        """Reason -> number of refusals."""
        return sum((one.refused for one in self.people), Counter())


def go_around(folder: Path, plan: Plan) -> Found:
    """Go around the whole loop once.

    Args:
        folder: An empty folder.
        plan: The plan.
    """
    operator, study = Operator(folder / "cache"), folder / "study"
    society = plan.society
    operator.gives("collect", "init", study, *_each("--community", COMMUNITIES))
    write_prompts(study / "prompts.jsonl", society, np.random.default_rng(plan.seed))
    _set_floor(study / "study.toml", plan.floor)
    with operator.serving(study) as server, running_proxy(server.port) as proxy:
        proxy.cut_of = _cutting(np.random.default_rng(plan.seed))
        phones = _phones(plan, server, proxy)
        operator.gives("collect", "steward", "add", study, "Ana")
        invitations = {one: _invite(operator, study, one, plan.people) for one in COMMUNITIES}
        used = server.processor_seconds()
        staying = phones[plan.late :]
        _take_part(staying, invitations, plan.answers)
        early, late = staying[: plan.early], phones[: plan.late]
        for phone in early:
            phone.withdraw()
        operator.gives("collect", "backup", study, folder / "backups")
        _take_part(late, invitations, plan.answers)
        used = server.processor_seconds() - used
        made = _json(operator, "collect", "release", study, *_AGREED)
        release, run = Path(made["folder"]), folder / "runs" / "people"
        _run(operator, folder / "people.toml", release, run, plan.seed)
        operator.gives("report", run, "--out", folder / "report.html")
        operator.gives("collect", "used", study, "--run", run)
        before, pairs = _files(run), _lines(release / "pairs.jsonl")
        models = recovered(run, society, plan.fresh, plan.seed)
        receipts = [phone.withdraw() for phone in late]
        done = _json(operator, "collect", "withdraw", study, "--pending")
        pages = [phone.read(path) for phone, path in zip(late, receipts, strict=True)]
        for phone in phones:
            phone.close()
        cuts = len(proxy.cuts)
    other = _never(operator, folder, release.name)
    _run(operator, folder / "never.toml", other, folder / "runs" / "never", plan.seed)
    again, never = _files(run), _files(folder / "runs" / "never")
    again |= {name: (release / name).read_bytes() for name in _SAME_IN_BOTH}
    never |= {name: (other / name).read_bytes() for name in _SAME_IN_BOTH}
    return Found(
        people=[phone.did for phone in phones],
        server_seconds=used,
        cuts=cuts,
        release=made,
        pairs=(pairs, _lines(release / "pairs.jsonl")),
        recovered=models,
        report=(folder / "report.html").stat().st_size,
        withdrawn=done["withdrawals"],
        receipts=pages,
        files=sorted(again),
        different=sorted(n for n in again.keys() | never.keys() if again.get(n) != never.get(n)),
        moved=sorted(name for name in before if before[name] != again.get(name)),
    )


_AGREED = ("--purpose", "train", "--steward", "Ana", "--yes")


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _json(operator: Operator, *words: object) -> dict[str, Any]:
    return dict(json.loads(operator.gives(*words, "--json")))


def _set_floor(path: Path, floor: int) -> None:
    text = path.read_text(encoding="utf-8")
    changed = text.replace("floor = 10", f"floor = {floor}")
    path.write_text(changed, encoding="utf-8")


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


def _run(operator: Operator, settings: Path, release: Path, out: Path, seed: int) -> None:
    settings.write_text(_SETTINGS.format(seed=seed, release=release), encoding="utf-8")
    operator.gives("run", settings, "--out", out)


def _never(operator: Operator, folder: Path, release_id: str) -> Path:
    """The release of the same id, of a study from the backup, which never had the late people."""
    study = folder / "never"
    operator.gives("collect", "restore", folder / "backups", study)
    day, _, random = release_id.rpartition("-")
    noon = int(np.datetime64(f"{day}T12:00", "s").astype(int))
    with open_store(study) as store:
        at = (["train"], ["Ana"], bytes.fromhex(random), noon)
        return Path(make_release(store, open_study(study), *at).folder)


def _files(run: Path) -> dict[str, bytes]:
    """Everything in a run but files with its time or the path of its release, and receipts."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.name not in _DIFFERENT and path.parent.name != "withdrawals"
    }


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
