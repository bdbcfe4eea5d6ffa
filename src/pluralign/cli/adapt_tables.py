"""The tables of ``pluralign adapt``."""

from pathlib import Path
from shlex import quote
from typing import Any

from pluralign.cli.output import Output
from pluralign.cli.printed_tables import Number, PrintedColumn, PrintedTable
from pluralign.core import Estimate, community_name, count_of, prompt_text
from pluralign.models import Adaptation
from pluralign.rewards import LinearRewardModel, heads_made

_MOST = 20


def show_adaptation(
    id_: str, found: Adaptation, model: LinearRewardModel, folder: Path, output: Output
) -> None:
    """Print how the head of a community was made, and how far to trust it.

    Args:
        id_: Id of the community.
        found: The change by its choices.
        model: The model that was adapted.
        folder: Folder of the new model.
        output: Where to print.
    """
    shown = found.choices if output.whole else found.choices[:_MOST]
    output.table(_margins_table(found, len(shown)))
    if len(shown) < len(found.choices):
        output.line(f"... and {len(found.choices) - len(shown):,} more; --wide prints all")
    output.table(_shares_table(found))
    output.line()
    for line in _sentences(id_, found, model):
        output.line(line)
    output.line(f"Written to {folder}: pluralign score {quote(str(folder))} replies.jsonl -c {id_}")


def adaptation_record(
    id_: str, found: Adaptation, model: LinearRewardModel, folder: Path
) -> dict[str, Any]:
    """The same for machines."""
    assert model.prior is not None
    return {
        "folder": str(folder),
        "community": id_,
        "head": "adapted" if found.choices else "prior",
        "choices": len(found.choices),
        "people": found.people,
        "prior": {
            "communities": model.prior.communities,
            "people": model.prior.people,
            "pairs": model.prior.pairs,
        },
        "predicted_before": _ends(found.before),
        "predicted_held_out": _ends(found.held_out),
        "moved": found.moved,
        "shift": found.shift,
        "margins": [
            {
                "id": one.pair.id,
                "before": one.before,
                "after": one.after,
                "low": one.low,
                "high": one.high,
            }
            for one in found.choices
        ],
    }


def _sentences(id_: str, found: Adaptation, model: LinearRewardModel) -> list[str]:
    assert model.prior is not None
    name = f"{community_name(id_)} ({id_})"
    seen = count_of(model.prior.communities, "community", "communities")
    if not found.choices:
        return [
            f"{name} has the head of {seen} together: no choice of its people is known, nor how "
            "far they differ from the others"
        ]
    by = "" if found.people is None else f" of {count_of(found.people, 'person', 'people')}"
    made = f"{name} has a head from {count_of(len(found.choices), 'choice')}{by}"
    lines = [f"{made}, starting from the head of {seen} together"]
    far = ""
    if found.moved is not None:
        far = f"; its distance is {found.moved:.0%} of that of a trained head (median)"
    lines.append(f"the choices moved it by {found.shift:.3f} logits in a margin on average{far}")
    if len(model.prior.scales) == 1:
        lines.append(
            "an interval of a margin is too narrow where the community differs from the others "
            "more than the prior allows"
        )
    if found.held_out is None:
        lines.append("nothing is held out, because the choices are of one person or one question")
    elif found.before is not None and found.held_out.value <= found.before.value:
        lines.append("on choices held out it predicts no more than the head of all together")
    if id_ in model.communities and id_ not in heads_made(model.about):
        lines.append(
            f"people of {id_} trained the model: if these choices are among theirs, both shares "
            "are too high"
        )
    return lines


def _margins_table(found: Adaptation, most: int) -> PrintedTable:
    table = PrintedTable(
        title="Margin of each choice, in logits",
        columns=[
            PrintedColumn(head="prompt", cut="end", least=14),
            PrintedColumn(head="chosen", cut="end", least=10),
            PrintedColumn(head="rejected", cut="end", least=10),
            PrintedColumn(head="before", right=True),
            PrintedColumn(head="after", interval=True),
        ],
    )
    for one in found.choices[:most]:
        interval = Number(f"{one.after:+.2f}", f"{one.low:+.2f}", f"{one.high:+.2f}")
        texts = (prompt_text(one.pair.prompt), one.pair.chosen, one.pair.rejected)
        table.rows.append([*map(_line, texts), Number(f"{one.before:+.2f}"), interval])
    return table


def _shares_table(found: Adaptation) -> PrintedTable:
    table = PrintedTable(
        title="Choices that a head predicts",
        columns=[
            PrintedColumn(head="head", cut="end", least=20),
            PrintedColumn(head="share", interval=True),
        ],
    )
    heads = {"all communities together": found.before, "adapted, held out": found.held_out}
    for head, share in heads.items():
        if share is not None:
            table.rows.append([head, _share(share)])
    return table


def _share(share: Estimate) -> Number:
    if share.low is None or share.high is None:
        return Number(f"{share.value:.1%}")
    return Number(f"{share.value:.1%}", f"{share.low:.1%}", f"{share.high:.1%}")


def _ends(share: Estimate | None) -> dict[str, float | None] | None:
    return None if share is None else {"value": share.value, "low": share.low, "high": share.high}


def _line(text: str) -> str:
    return " ".join(text.split())
