"""The README of a model's folder: front matter for the hub, and facts to know before using it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pluralign.core import (
    WORLD,
    AnyPath,
    Estimate,
    InvalidInput,
    Steer,
    as_path,
    community_name,
    whole_file,
)
from pluralign.huggingface.hub_cards import hub_name, in_cell, one_line, yaml_of
from pluralign.interop.cards import accuracy_of
from pluralign.interop.loading_lines import encoder_lines, loading_lines
from pluralign.interop.model_sheet import ModelSheet, completed
from pluralign.rewards import load_card, name_on_card

_ENCODERS = {
    "minilm": "sentence-transformers/all-MiniLM-L6-v2",
    "static": "sentence-transformers/all-MiniLM-L6-v2",
    "static:minilm": "sentence-transformers/all-MiniLM-L6-v2",
}
_ENGLISH = set(_ENCODERS)
_FEW = 5
_TAGS = ("reward-model", "pluralistic-alignment", "pluralign")
_PEOPLE_HEAD = ("| community | name | role | pairs | raters |", "|:--|:--|:--|--:|--:|")


def model_card(card: Mapping[str, Any], sheet: ModelSheet) -> str:
    """Write the README of a model's folder.

    Args:
        card: Card of the saved model, as `pluralign.rewards.load_card` reads it; the README states
            which facts are unknown.
        sheet: Facts that the card does not have.

    Returns:
        Front matter for the hub, then: communities, people, accuracy with intervals, licences,
        limits, how to load. A number is given only with its interval and its people.

    Raises:
        InvalidInput: If the card's accuracies cannot be read, or a steer is given for a folder with
            all communities.
        MissingExtra: If PyYAML is not installed.
    """
    if sheet.steer is not None and sheet.has_all:
        raise InvalidInput(
            "a folder of pluralign's own has all communities"
            if sheet.is_own
            else "the folder has all communities",
            where="steer",
            hint="give form too, or no steer" if sheet.is_own else "give no steer",
        )
    name = one_line(sheet.repo_id.rstrip("/").rpartition("/")[2])
    parts = [f"# {name}", _opening(card, sheet), *_sections(card, sheet)]
    return f"---\n{yaml_of(_front(card, sheet))}---\n\n" + "\n\n".join(parts) + "\n"


def write_model_card(
    folder: AnyPath, sheet: ModelSheet, card: Mapping[str, Any] | None = None
) -> Path:
    """Write ``README.md`` into a model's folder; it appears whole or not at all.

    Args:
        folder: The folder. ``pluralign.json`` and ``adapter_config.json`` of an export give the
            form of the texts or the routes, and the model of an adapter.
        sheet: Facts that the card does not have.
        card: Card of the saved model; read from the folder where None. An exported folder has none.

    Returns:
        The file.

    Raises:
        InvalidInput: If there is no card, or its accuracies cannot be read.
        DamagedFile: If its card was altered.
        MissingExtra: If PyYAML is not installed.
    """
    folder = as_path(folder)
    text = model_card(load_card(folder) if card is None else card, completed(sheet, folder))
    with whole_file(folder / "README.md") as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    return folder / "README.md"


def _front(card: Mapping[str, Any], sheet: ModelSheet) -> dict[str, Any]:
    front: dict[str, Any] = {
        "license": sheet.license,
        "library_name": sheet.library,
        "base_model": sheet.base_model or _base_model(card),
        "pipeline_tag": "feature-extraction" if sheet.routes else "text-classification",
        "tags": [*_TAGS, *(["sentence-transformers"] if sheet.routes else [])],
        "language": list(sheet.languages),
        "datasets": list(sheet.datasets),
    }
    return {key: value for key, value in front.items() if value}


def _base_model(card: Mapping[str, Any]) -> str | None:
    trunk = card.get("trunk") or {}
    name = str(trunk.get("encoder") or trunk.get("model") or "")
    return _ENCODERS.get(name) or hub_name(name)


def _opening(card: Mapping[str, Any], sheet: ModelSheet) -> str:
    method = f"method `{one_line(card['method'])}`" if card.get("method") else "an unknown method"
    about = f" ({one_line(card['about'])})" if card.get("about") else ""
    if sheet.is_own:
        what = "A reward model that can be steered to the communities below, with any blend of them"
    elif sheet.has_all:
        what = "A reward model with a head for each of the communities below that it is steered to"
    elif sheet.steer is None:
        reference = one_line(name_on_card(card, WORLD.id))
        what = f"A reward model; its weights are those of the {reference}, steered to nobody"
    else:
        shares = _shares(card, sheet.steer)
        strength = f"{sheet.steer.strength:g}"
        what = f"A reward model whose weights are steered to {shares}, at strength {strength}"
    return (
        f"{what}. It was made with pluralign {one_line(card.get('pluralign', ''))}, "
        f"by {method}{about}. "
        "A reward is a logit: only the difference between two responses to one prompt means "
        "anything."
    )


def _shares(card: Mapping[str, Any], steer: Steer) -> str:
    """The communities of a steer, with their shares where there are several."""
    names = []
    for id_, share in steer.shares.items():
        name = one_line(_named(card, id_))
        names.append(name if len(steer.shares) == 1 else f"{name} {share:g}")
    return ", ".join(names)


def _named(card: Mapping[str, Any], id_: str) -> str:
    """A community's name with its id, or the name of the reference alone."""
    name = name_on_card(card, id_)
    return name if name.startswith("reference") else f"{name} ({id_})"


def _sections(card: Mapping[str, Any], sheet: ModelSheet) -> Iterator[str]:
    yield f"## Communities and people\n\n{_people(card, sheet)}"
    yield f"## Accuracy\n\n{_accuracy(card, sheet)}"
    yield f"## Licences\n\n{_licences(card, sheet)}"
    yield f"## Limits\n\n{_limits(card, sheet)}"
    base = sheet.base_model if sheet.adapter else None
    if sheet.routes:
        lines = encoder_lines(sheet.repo_id, sheet.routes, sheet.head, _is_static(card))
    else:
        lines = loading_lines(sheet.repo_id, sheet.form, _example(card), base)
    yield f"## How to load it\n\n{lines}"


def _people(card: Mapping[str, Any], sheet: ModelSheet) -> str:
    roles = _roles(card, sheet)
    if not roles:
        return "The card names no communities."
    people = card.get("people") or {}
    lines = [_community_row(id_, role, people.get(id_) or {}) for id_, role in roles.items()]
    left_out: list[str] = []
    for id_, counts in (card.get("in_data") or {}).items():
        if id_ not in roles and counts.get("why"):
            left_out.append(_community_row(id_, f"left out: {in_cell(counts['why'])}", counts))
        elif id_ not in roles:
            lines.append(_community_row(id_, counts["role"], counts))
    note = "Pairs and raters of all the data, for training and for measuring."
    return "\n".join([*_PEOPLE_HEAD, *lines, *_folded(left_out), "", note])


def _roles(card: Mapping[str, Any], sheet: ModelSheet) -> dict[str, str]:
    """Community that the card names -> its role, those steered to first."""
    communities = list(card.get("communities") or [])
    # Weights that were exported under one steer are steered to its communities alone.
    shares = sheet.steer.shares if sheet.steer else {}
    steered = [id_ for id_ in communities if sheet.has_all or id_ in shares]
    reference = list(card.get("reference_fitted_on") or [])
    roles: dict[str, str] = {}
    for id_ in (*steered, *communities, *reference, *(card.get("people") or {})):
        own = ["steered to"] if id_ in steered else []
        own += ["reference"] if id_ in reference else []
        roles[id_] = ", ".join(own) or "training"
    return roles


def _community_row(id_: str, role: str, counts: Mapping[str, Any]) -> str:
    pairs = "unknown" if counts.get("pairs") is None else f"{counts['pairs']:,}"
    who = f"`{in_cell(id_)}` | {in_cell(community_name(id_))} | {role}"
    return f"| {who} | {pairs} | {_raters(counts)} |"


def _folded(rows: list[str]) -> list[str]:
    """A table that opens on a click, where it has more than a few rows; else the rows alone."""
    if len(rows) <= _FEW:
        return rows
    title = f"{len(rows)} communities of the data were left out"
    opened = f"<details><summary>{title}</summary>"
    return ["", opened, "", *_PEOPLE_HEAD, *rows, "", "</details>"]


def _raters(counts: Mapping[str, Any]) -> str:
    if not counts:
        return "unknown"
    return "whole samples" if counts.get("raters") is None else f"{counts['raters']:,}"


def _accuracy(card: Mapping[str, Any], sheet: ModelSheet) -> str:
    measured = accuracy_of(card)
    if not measured:
        return "This model was not measured."
    shown, under = _applying(measured, card, sheet)
    if not shown:
        return (
            "These weights were not measured: the accuracies known are those of each community "
            "alone, at strength 1."
        )
    lines = ["| community | accuracy, % [95 % interval] | pairs | raters |", "|:--|:--|--:|--:|"]
    for id_, found in shown.items():
        if found.low is None or found.high is None:
            value = "not shown: too few people for an interval"
        else:
            value = f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"
        raters = "whole samples" if found.n_raters is None else f"{found.n_raters:,}"
        lines.append(f"| `{in_cell(id_)}` | {value} | {found.n:,} | {raters} |")
    what = (
        "Share of held-out pairs in which the response that people of the community chose scores "
        f"higher, {under}; a tie counts half. 50 % is chance. Intervals are over raters, or "
        "over questions where there are no raters."
    )
    missing = [f"`{in_cell(c)}`" for c in card.get("communities") or [] if c not in measured]
    note = [f"Not measured: {', '.join(missing)}."] if missing and sheet.has_all else []
    return "\n\n".join([what, "\n".join(lines), *note])


def _applying(
    measured: dict[str, Estimate], card: Mapping[str, Any], sheet: ModelSheet
) -> tuple[dict[str, Estimate], str]:
    """The accuracies that are true of the weights, and under which steer they were measured."""
    if not card.get("communities"):
        return measured, "without steering"
    if sheet.has_all:
        return measured, "under the steer to that community"
    if sheet.steer is None or len(sheet.steer.shares) > 1 or sheet.steer.strength != 1:
        return {}, ""
    (only,) = sheet.steer.shares
    return {c: found for c, found in measured.items() if c == only}, "with these weights"


def _licences(card: Mapping[str, Any], sheet: ModelSheet) -> str:
    weights = (
        f"Weights: {one_line(sheet.license)}."
        if sheet.license
        else "Nobody has chosen a licence for these weights yet."
    )
    found = [f"* {one_line(licence)}" for licence in card.get("licenses") or []]
    data = (
        ["Data it was trained on, and their licences or terms:", "\n".join(found)] if found else []
    )
    encoder = ["The encoder in this folder has a licence of its own."] if sheet.routes else []
    return "\n\n".join([weights, *encoder, *(data or ["The licences of the data are unknown."])])


def _limits(card: Mapping[str, Any], sheet: ModelSheet) -> str:
    own = [f"* {one_line(card['limits'])}"] if card.get("limits") else []
    return "\n".join(
        [
            *own,
            *_limits_of_encoder(card),
            *_limits_of_weights(card, sheet),
            "* It speaks for those who took part, in the situations they were asked about. A "
            "community is never of one mind; a high reward is not consent.",
            "* It was measured on pairs like those it was trained on. On other prompts, and on "
            "completions that were optimised against it, expect less.",
            "* Steering beyond strength 1 exaggerates, and was not measured.",
        ]
    )


def _limits_of_encoder(card: Mapping[str, Any]) -> list[str]:
    name = str((card.get("trunk") or {}).get("encoder") or "")
    if name not in _ENGLISH:
        return []
    long = " It reads the first 256 tokens of a text." if name == "minilm" else ""
    return [f"* Its encoder was made for English: of other languages it understands little.{long}"]


def _limits_of_weights(card: Mapping[str, Any], sheet: ModelSheet) -> list[str]:
    """Where steering fades; weights for other tools always steer at full strength."""
    if "fading" not in card:
        return []
    if sheet.is_own:
        return [
            "* On prompts unlike those that a community was asked, it steers more weakly, down to "
            "not at all."
        ]
    return [
        "* These weights steer at full strength on every prompt. Scored with pluralign, the model "
        "steers more weakly on prompts unlike those that a community was asked."
    ]


def _is_static(card: Mapping[str, Any]) -> bool:
    return str((card.get("trunk") or {}).get("encoder") or "").partition(":")[0] == "static"


def _example(card: Mapping[str, Any]) -> str:
    return next(iter(card.get("communities") or []), WORLD.id)
