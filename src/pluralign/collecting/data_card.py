"""The data card of a release: a data set card of the Hugging Face hub, in Markdown."""

import json
import re
import statistics
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pluralign.collecting.release_facts import Facts, pair_rows
from pluralign.collecting.released_rows import Contents
from pluralign.core import count_of

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|])")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_WHY_SHOWN = {
    "anchor": "the same random sample of pairs for everybody of the community",
    "overlap": "pairs that others of the community had judged",
    "fresh": "pairs with recently written texts",
    "informative": "pairs that reveal most about the community's taste (D-optimal design)",
}
_PURPOSES = {
    "train": "training of models",
    "evaluate": "evaluation of models",
    "publish-rows": "publication of choices",
    "publish-quotes": "publication of words of one's own",
}


def data_card(facts: Facts, contents: Contents, counts: Mapping[str, Mapping[str, int]]) -> str:
    """Write the `README.md` of a release.

    Args:
        facts: Facts about it.
        contents: Its rows.
        counts: Community -> rounded numbers of people, answers and pairs.

    Returns:
        Front matter for the hub, then Markdown. Words of the study are escaped.
    """
    parts = [
        f"# {_plain(facts.title)}: release {facts.id}",
        _opening(facts),
        f"## People\n\n{_people(facts, contents, counts)}",
        f"## Choice of the pairs\n\n{_choice_of_pairs(facts, contents)}",
        f"## Consent\n\n{_consent(facts)}",
        f"## Withdrawal\n\n{_withdrawal(facts)}",
        f"## Licences\n\n{_licences(contents)}",
        f"## Files\n\n{_files()}",
        f"## Limits\n\n{_limits(facts, contents)}",
    ]
    front = [f"{key}: {json.dumps(value)}" for key, value in _front(facts, contents).items()]
    return "\n".join(["---", *front, "---", "", "\n\n".join(parts), ""])


def _front(facts: Facts, contents: Contents) -> dict[str, Any]:
    licences = {row["license"] for row in pair_rows(contents)}
    only = licences.pop().lower() if len(licences) == 1 else "other"
    return {
        "license": "other" if " and " in only else only,
        "pretty_name": f"{facts.title}: release {facts.id}",
        "language": sorted({row["language"] for row in contents.texts}),
        "annotations_creators": ["crowdsourced"],
        "source_datasets": ["original"],
        "size_categories": [_size(len(contents.answers))],
        "tags": ["preference", "pluralistic-alignment", "pluralign"],
        "configs": [
            {"config_name": name, "data_files": f"{name}.jsonl"}
            for name in ("pairs", "answers", "texts")
        ],
    }


def _opening(facts: Facts) -> str:
    use = "may be published" if facts.published else "is internal: it must not be published"
    agreed = ", ".join(map(_plain, facts.stewards))
    communities = count_of(len(facts.floors), "community", "communities")
    purposes = ", ".join(_PURPOSES[one] for one in facts.purposes)
    return (
        f"Choices that people of {communities} made between two responses to a prompt, and other "
        f"answers, in the study `{facts.study}`. Snapshot of {facts.made_on} for: {purposes}. This "
        f"release {use}. Stewards who agreed: {agreed}.\n\n"
        f"Participants read this about the study:\n\n{_quote(facts.about)}"
    )


def _people(facts: Facts, contents: Contents, counts: Mapping[str, Mapping[str, int]]) -> str:
    lines = ["| community | people | answers | pairs | labels |", "|:--|--:|--:|--:|:--|"]
    labels = {row["community"]: row["labels"] for row in contents.answers}
    for id_, of in counts.items():
        name = f"{_plain(facts.names[id_])} (`{id_}`)"
        numbers = " | ".join(f"{of[one]:,}" for one in ("people", "answers", "pairs"))
        lines.append(f"| {name} | {numbers} | {_plain(', '.join(labels[id_]))} |")
    floors = sorted(set(facts.floors.values()))
    floor = f"{floors[0]}" if len(floors) == 1 else f"{floors[0]} to {floors[-1]}"
    rows = [f"* {reason}: {_shown(n)}" for reason, n in facts.left_out.items()]
    left_out = (
        f"Communities of the study that are not here: {facts.communities_left_out}. The number of "
        "their people is not given."
    )
    return "\n".join(
        [
            *lines,
            "",
            f"Counts are rounded to multiples of {facts.round_to}. A community is here if at least "
            f"{floor} of its people made choices. {left_out} Everybody was at least "
            f"{facts.min_age} years old by their own statement. A person is an id of this release "
            "alone.",
            *(["", "Answers that are left out:", "", *rows] if rows else []),
        ]
    )


def _shown(count: int | None) -> str:
    return "fewer than the floor" if count is None else f"about {count:,}"


def _choice_of_pairs(facts: Facts, contents: Contents) -> str:
    pairs = pair_rows(contents)
    reasons = Counter(row["reason"] for row in pairs)
    lines = ["| reason | share of pairs, % | meaning |", "|:--|--:|:--|"]
    for reason, meaning in _WHY_SHOWN.items():
        if reasons[reason]:
            share = 100 * reasons[reason] / len(pairs)
            lines.append(f"| `{reason}` | {share:.0f} | {meaning} |")
    chances = [row["propensity"] for row in pairs]
    policies = ", ".join(f"`{one}`" for one in sorted({row["policy"] for row in pairs}))
    return "\n".join(
        [
            *lines,
            "",
            "`propensity` is the probability with which the policy showed this pair to this person "
            f"at that moment: from {min(chances):.3g} to {max(chances):.3g}, median "
            f"{statistics.median(chances):.3g}. Policies: {policies}. Left and right were in "
            "random order. To measure a model, use the pairs with the reason `anchor` alone, or "
            "weigh pairs by 1 / propensity: other pairs were chosen by what was known already. "
            f"`weight` is below 1 where a person gave more than {100 * facts.most_share:g} % of a "
            "community's pairs: with it, nobody has a larger share.",
        ]
    )


def _consent(facts: Facts) -> str:
    versions = ", ".join(str(version) for version in sorted(set(facts.documents.values())))
    return (
        "A row is here only if its person's newest consent covered every purpose of this release "
        "at the snapshot, and that of the author of each text, too. `purposes` are those of the "
        "person, `document` is the SHA-256 of the text that they agreed to "
        f"(version {versions}). Reasons in people's own words (`context`) are here "
        + (
            "only if the person agreed that they are published."
            if facts.published
            else "because this release is not published; they must not be quoted outside."
        )
    )


def _withdrawal(facts: Facts) -> str:
    revised = (
        f"This is revision {facts.revision}: people withdrew after the first version, and their "
        "rows are gone."
        if facts.revision
        else "Nobody has withdrawn from this release so far."
    )
    return (
        f"{revised} People may withdraw at any time. Then this folder is written again without "
        "their answers and texts, under the same id with a higher revision, and models that "
        "learned from them are fitted again. Copies elsewhere cannot be recalled: look for a newer "
        "revision before each use, and delete the older one."
    )


def _licences(contents: Contents) -> str:
    pairs = Counter(row["license"] for row in pair_rows(contents))
    origins = sorted({row["origin"] for row in contents.texts})
    listed = "\n".join(
        f"* {_plain(one)}: {100 * n / pairs.total():.0f} % of pairs"
        for one, n in sorted(pairs.items())
    )
    return (
        f"`license` of a row joins the licences of the choice and its texts:\n\n{listed}\n\n"
        f"Origins of texts: {', '.join(f'`{_plain(one)}`' for one in origins)}."
    )


def _files() -> str:
    return (
        "* `pairs.jsonl`: a choice per row, with prompt, chosen and rejected text.\n"
        "* `answers.jsonl`: every answer, also `tie`, `both-bad` and `dont-know`, with ids of "
        "texts.\n"
        "* `texts.jsonl`: every text once, with origin and licence.\n"
        "* `release.json`: facts and digests. `croissant.json`: this card for machines. "
        "`manifest.jsonl`: digests of all files.\n\n"
        'To train on it: `source = "collected"` and the path of this folder in the settings of '
        "`pluralign run`."
    )


def _limits(facts: Facts, contents: Contents) -> str:
    private = sorted({row["flip"] for row in contents.answers if row["flip"]})
    flips = [
        "* Some choices were exchanged at random on the phone before they were sent, with the "
        f"probability in `flip` ({', '.join(f'{one:.3g}' for one in private)})."
    ]
    return "\n".join(
        [
            "* The people who took part are not a random sample of their communities.",
            "* A community is never of one mind. A majority here is not the community's view.",
            "* Ids of two releases cannot be joined, but the same texts and choices can be "
            "compared. In a small community, words of one's own may reveal who wrote them.",
            *(flips if private else []),
            f"* Head of the study's audit log at the snapshot: `{facts.audit_head}`.",
        ]
    )


def _size(rows: int) -> str:
    return next((name for most, name in _SIZES if rows < most), "n>1M")


def _quote(text: str) -> str:
    return "\n".join(f"> {_plain(line)}" for line in text.strip().split("\n"))


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
