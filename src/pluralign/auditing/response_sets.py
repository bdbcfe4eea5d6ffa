"""Sets of responses with perturbed versions: read, perturbed by word rules, and scored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pluralign.auditing.policy_evidence import people_words
from pluralign.audits import PerturbedSet
from pluralign.audits.perturbed_sets import KINDS, Kind
from pluralign.core import (
    AnyPath,
    InvalidInput,
    NotEnoughData,
    PluralignError,
    RewardRequest,
    SteerableRewardModel,
    Tally,
    as_path,
    community_name,
    parse_json,
    resolve_community,
    without_gaps,
)
from pluralign.core.demonyms import demonyms
from pluralign.rewards import scorable
from pluralign.sources.row_files import RowPolicy
from pluralign.sources.row_files import read_rows as read_table
from pluralign.sources.typed_cells import BadRow, require_columns

_COLUMNS = "see docs/audits.md for the columns of sets"
Concepts = Mapping[str, Sequence[tuple[str, str]]]
"""Community -> words for its concepts, each with a word for another culture's concept."""


@dataclass(frozen=True, slots=True)
class Version:
    """A prompt with its responses.

    Attributes:
        prompt: The prompt.
        responses: The right response, then the others.
        community: Id of the community that is steered to.
        kind: The change; None for the set as it is.
    """

    prompt: str
    responses: tuple[str, ...]
    community: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class ResponseSet:
    """A set of responses as it is, and its perturbed versions.

    Attributes:
        id: Its id.
        original: The set as it is.
        versions: Its perturbed versions.
    """

    id: str
    original: Version
    versions: tuple[Version, ...] = ()


def read_sets(path: AnyPath, tally: Tally) -> tuple[list[ResponseSet], list[PerturbedSet]]:
    """Read sets of responses, or sets that were scored before, from JSON Lines.

    Returns:
        The sets to score, and the scored ones.

    Raises:
        InvalidInput: If a row cannot be read.
        NotEnoughData: If there are no rows.
    """
    sets: list[ResponseSet] = []
    scored: list[PerturbedSet] = []
    for number, text in enumerate(_text(as_path(path)).split("\n"), 1):
        if not text.strip():
            continue
        tally.read += 1
        try:
            row = parse_json(text)
            if not isinstance(row, Mapping):
                raise InvalidInput("not a JSON object of a set", hint=_COLUMNS)
            if "before" in row:
                scored.append(_scored(row))
            else:
                sets.append(_set(row))
        except PluralignError as error:
            raise InvalidInput(error.what, where=f"{path}:{number}", hint=error.hint) from error
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidInput("not a JSON object of a set", where=f"{path}:{number}") from error
        tally.kept += 1
    if not sets and not scored:
        raise NotEnoughData("no set is left", where=str(path))
    return sets, scored


def read_concepts(path: Path, tally: Tally) -> Concepts:
    """Words for concepts: a CSV with ``community, concept, other``.

    Raises:
        InvalidInput: If a column is missing or a community is unknown.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for line, row in read_table(path, RowPolicy(Tally()), kinds=("csv", "parquet")):
        tally.read += 1
        try:
            require_columns(row, ("community", "concept", "other"))
        except BadRow as bad:
            raise InvalidInput(bad.what, where=f"{path}:{line}", hint=bad.hint) from bad
        community = _community(row["community"], f"{path}:{line}")
        found.setdefault(community, []).append((str(row["concept"]), str(row["other"])))
        tally.kept += 1
    return found


def with_word_rules(one: ResponseSet, concepts: Concepts) -> ResponseSet:
    """A set with the versions that word rules can make, where it has none of that kind.

    * ``label``: the names of the community and of its people are taken out of the prompt and the
      responses.
    * ``concept``: words for the community's concepts become words for another culture's in the
      prompt.

    Versions in other languages or other words are never made by a rule.
    """
    kinds = {version.kind for version in one.versions}
    made = []
    if "label" not in kinds and (version := _without_label(one.original)) is not None:
        made.append(version)
    swaps = concepts.get(one.original.community, ())
    if "concept" not in kinds and (version := _with_other_concept(one.original, swaps)) is not None:
        made.append(version)
    return replace(one, versions=(*one.versions, *made))


def scored_sets(
    sets: Sequence[ResponseSet], model: SteerableRewardModel, name: str, tally: Tally
) -> list[PerturbedSet]:
    """Score every version of sets, each under the steer to its community.

    Args:
        sets: The sets.
        model: The reward model.
        name: Its name in findings.
        tally: Receives the sets that are left out, by reason.

    Raises:
        InvalidInput: If a reward is not a finite number.
    """
    known = set(model.communities)
    pairs: list[tuple[ResponseSet, Version]] = []
    for one in sets:
        if not one.versions:
            tally.leave_out("sets without a perturbed version")
        for version in one.versions:
            if {one.original.community, version.community} <= known:
                pairs.append((one, version))
            else:
                tally.leave_out(f"versions of communities that {name} is not steered to")
    asked = [side for one, version in pairs for side in (one.original, version)]
    reward = _rewards(asked, model)
    found = []
    for one, version in pairs:
        before, after = reward[one.original], reward[version]
        if before is None or after is None:
            tally.leave_out("versions with a response without words")
            continue
        assert version.kind is not None
        community = one.original.community
        found.append(PerturbedSet(one.id, name, community, version.kind, before, after))
    return found


def as_row(one: PerturbedSet) -> dict[str, Any]:
    """A scored set as `read_sets` reads it."""
    return {
        "id": one.id,
        "model": one.model,
        "community": one.community,
        "kind": one.kind,
        "before": list(one.before),
        "after": list(one.after),
    }


def _rewards(
    versions: Sequence[Version], model: SteerableRewardModel
) -> dict[Version, tuple[float, ...] | None]:
    """Rewards of the responses of each version; None where one of them has no words."""
    of_version: dict[Version, list[RewardRequest | None]] = {}
    for version in versions:
        requests = [RewardRequest(version.prompt, response) for response in version.responses]
        of_version[version] = [scorable(request).request for request in requests]
    whole = {v: [r for r in own if r is not None] for v, own in of_version.items()}
    whole = {v: own for v, own in whole.items() if len(own) == len(v.responses)}
    found: dict[Version, tuple[float, ...] | None] = dict.fromkeys(of_version)
    flat = [request for own in whole.values() for request in own]
    if not flat:
        return found
    reward_N_C, at = model.score_all(flat), 0
    for version, own in whole.items():
        column = model.communities.index(version.community)
        found[version] = tuple(reward_N_C[at : at + len(own), column].tolist())
        at += len(own)
    return found


def _without_label(version: Version) -> Version | None:
    name = community_name(version.community)
    words = sorted({name, *demonyms(version.community), *people_words(version.community)}, key=len)
    rule = re.compile(
        r"(?:\b(?:in|from|of|for)\s+)?(?:\bthe\s+)?\b(?:"
        + "|".join(map(re.escape, reversed(words)))
        + r")\b",
        re.IGNORECASE,
    )
    prompt, *responses = (
        without_gaps(rule.sub("", text)) for text in (version.prompt, *version.responses)
    )
    if (prompt, *responses) == (version.prompt, *version.responses):
        return None
    return replace(version, prompt=prompt, responses=tuple(responses), kind="label")


def _with_other_concept(version: Version, swaps: Sequence[tuple[str, str]]) -> Version | None:
    prompt = version.prompt
    for concept, other in swaps:
        prompt = re.sub(rf"\b{re.escape(concept)}\b", lambda _, o=other: o, prompt, flags=re.I)  # type: ignore[misc]
    return None if prompt == version.prompt else replace(version, prompt=prompt, kind="concept")


def _set(row: Mapping[str, Any]) -> ResponseSet:
    id_ = row.get("id")
    if id_ is None:
        raise InvalidInput("no id", hint=_COLUMNS)
    community = _community(row.get("community"), None)
    original = _version(row, Version("", (), community), None)
    if not original.prompt or len(original.responses) < 2:
        raise InvalidInput("a set needs prompt, chosen and rejected", hint=_COLUMNS)
    return ResponseSet(str(id_), original, tuple(_versions(row, original)))


def _versions(row: Mapping[str, Any], original: Version) -> Iterator[Version]:
    for own in row.get("versions", []):
        kind = own.get("kind")
        if kind not in KINDS:
            raise InvalidInput(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        version = _version(own, original, kind)
        if len(version.responses) != len(original.responses):
            raise InvalidInput(
                f"a version has {len(version.responses)} responses, its set "
                f"{len(original.responses)}",
                hint="give the same responses, in the same order",
            )
        if replace(version, kind=None) == original:
            raise InvalidInput(f"the version {kind} does not differ from its set")
        yield version


def _version(row: Mapping[str, Any], default: Version, kind: Kind | None) -> Version:
    """A version; the parts that a row does not give are those of the default."""
    rejected = row.get("rejected", default.responses[1:])
    if isinstance(rejected, str):
        rejected = [rejected]
    chosen = row.get("chosen", default.responses[0] if default.responses else None)
    responses = () if chosen is None else (chosen, *rejected)
    prompt = row.get("prompt", default.prompt)
    if not all(isinstance(text, str) for text in (prompt, *responses)):
        raise InvalidInput("prompt, chosen and rejected must be texts", hint=_COLUMNS)
    label = row.get("community")
    community = default.community if label is None else _community(label, None)
    return Version(prompt, responses, community, kind)


def _scored(row: Mapping[str, Any]) -> PerturbedSet:
    kind = row.get("kind")
    if kind not in KINDS:
        raise InvalidInput(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    sides = [tuple(map(float, row[side])) for side in ("before", "after")]
    return PerturbedSet(str(row["id"]), str(row["model"]), row.get("community"), kind, *sides)


def _community(label: object, where: str | None) -> str:
    found = None if label is None else resolve_community(str(label))
    if found is None:
        raise InvalidInput(
            "no community" if label is None else f"unknown community: {str(label)[:40]}",
            where=where,
            hint="write an ISO code (MEX) or a name",
        )
    return found.id


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("not UTF-8 text", where=str(path)) from error
