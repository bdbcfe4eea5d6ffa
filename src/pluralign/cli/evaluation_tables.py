"""Tables of ``pluralign align`` on what a policy costs, and on conditions that were set before."""

from collections.abc import Mapping, Sequence
from typing import Any

from pluralign.cli.numbers import scaled
from pluralign.cli.printed_tables import PrintedColumn, PrintedTable

Row = Mapping[str, Any]
_ANSWERS = {
    "refusals": "refuse",
    "invalid": "invalid",
    "repetition": "repeat themselves",
    "distinct_n": "distinct-2",
    "within_variety": "variety",
    "within_variety_words": "variety of words",
}
_DISTANCES = {
    "between_distance": "beyond chance",
    "between_distance_words": "beyond chance, in words",
}
_SURVEY = {
    "survey_similarity_change": "change",
    "survey_similarity_over_swap": "over the others' policies (swap control)",
}


def evaluation_tables(results: Sequence[Row]) -> list[PrintedTable]:
    """The tables on answers, distances, surveys and general ability that have rows."""
    tables = [_answers(results), _distances(results), _survey(results), _ability(results)]
    return [table for table in tables if table.rows]


def steering_table(results: Sequence[Row], metric: str, about: str) -> PrintedTable:
    """The gain of steering, against other reward models and against other policies."""
    heads = {
        f"{metric}_over_others": "over the gain for others",
        f"{metric}_over_swap": "over the others' policies (swap control)",
    }
    table = PrintedTable(
        title=f"Steering: gain for the community that is followed {about}",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            *(PrintedColumn(head=head, interval=True) for head in heads.values()),
            PrintedColumn(head="prompts", rank=1),
        ],
    )
    most = max((row["candidates"] or 0 for row in results), default=0)
    found = {
        (_policy(row), row["metric"]): row
        for row in results
        if row["metric"] in heads and row["candidates"] in (None, most)
    }
    for policy in dict.fromkeys(policy for policy, _ in found):
        cells = [scaled(found.get((policy, m)), digits=2, signed=True) for m in heads]
        n = max(row["n"] for (own, _), row in found.items() if own == policy)
        table.rows.append([policy, *cells, f"{n:,}"])
    return table


def people_table(results: Sequence[Row]) -> PrintedTable:
    """The gains by the judge for those who are followed, and the prompts and people behind them.

    Half the width of the interval over prompts alone, and over people alone, where the judge has
    refits.
    """
    most = max((row["candidates"] or 0 for row in results), default=0)
    communities = {row["community"] for row in results if row["metric"] == "judged_gain"}
    rows = [
        row
        for row in results
        if row["metric"] == "judged_gain"
        and row["candidates"] in (None, most)
        and row["steer"] is not None
        and (row["steer"] == row["community"] or row["steer"] not in communities)
    ]
    halves = {"half_prompts": "± over prompts alone", "half_people": "± over people alone"}
    shown = {key: head for key, head in halves.items() if any(row.get(key) for row in rows)}
    table = PrintedTable(
        title="Gains by the judge, and the prompts and people behind them",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            PrintedColumn(head="for", cut="middle"),
            PrintedColumn(head="gain", interval=True),
            *(PrintedColumn(head=head, right=True) for head in shown.values()),
            PrintedColumn(head="prompts", rank=1, right=True),
            PrintedColumn(head="people", rank=1, right=True),
        ],
    )
    for row in rows:
        widths = ["" if row.get(key) is None else f"{row[key]:.2f}" for key in shown]
        people = "unknown" if row["n_raters"] is None else f"{row['n_raters']:,}"
        gain = scaled(row, digits=2, signed=True)
        behind = [*widths, f"{row['n']:,}", people]
        table.rows.append([_policy(row), row["community"], gain, *behind])
    return table


def _answers(results: Sequence[Row]) -> PrintedTable:
    """Properties of the answers of the start model and of each tuned policy."""
    heads = {m: h for m, h in _ANSWERS.items() if any(r["metric"] == m for r in results)}
    rows = [r for r in results if r["metric"] in heads and r["candidates"] is None]
    table = PrintedTable(
        title="Answers to the test prompts",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            *(PrintedColumn(head=h, rank=k, interval=True) for k, h in enumerate(heads.values())),
        ],
    )
    found = {(_policy(row), row["metric"]): row for row in rows}
    for policy in dict.fromkeys(policy for policy, _ in found):
        table.rows.append([policy, *(scaled(found.get((policy, m)), digits=2) for m in heads)])
    return table


def _distances(results: Sequence[Row]) -> PrintedTable:
    """How far apart the answers of two communities' policies to the same prompt are."""
    heads = {m: h for m, h in _DISTANCES.items() if any(r["metric"] == m for r in results)}
    table = PrintedTable(
        title="Distance of two communities' answers beyond that of two answers of one (0: flat)",
        columns=[
            PrintedColumn(head="policies", cut="middle"),
            *(PrintedColumn(head=h, interval=True) for h in heads.values()),
            PrintedColumn(head="prompts", rank=1),
        ],
    )
    found: dict[tuple[str, str], Row] = {}
    for row in results:
        if row["metric"] in heads:
            pair = f"{row['steer']} and {row['community']}" if row["steer"] else "mean over pairs"
            found[f"{row['method']}, {pair}", row["metric"]] = row
    for pair in dict.fromkeys(pair for pair, _ in found):
        cells = [scaled(found.get((pair, m)), digits=3, signed=True) for m in heads]
        n = max(row["n"] for (own, _), row in found.items() if own == pair)
        table.rows.append([pair, *cells, f"{n:,}"])
    return table


def conditions_table(judged: Row) -> PrintedTable:
    """The verdict on every condition that was registered before."""
    table = PrintedTable(
        title=f"Conditions {judged['name']}, registered {judged['registered']}, "
        f"SHA-256 {judged['digest'][:12]}...",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            PrintedColumn(head="condition", cut="end"),
            PrintedColumn(head="verdict"),
            PrintedColumn(head="value", rank=1, interval=True),
            PrintedColumn(head="reason", rank=2, cut="end"),
        ],
    )
    for policy in judged["policies"]:
        name = _policy(policy)
        for one in policy["conditions"]:
            value = scaled(None if one["value"] is None else one, digits=3, signed=True)
            table.rows.append([name, one["name"], one["verdict"], value, one["reason"] or ""])
        table.rows.append([name, "all conditions", policy["verdict"], "", ""])
    return table


def _policy(row: Row) -> str:
    """The policy of a row, as tables name it."""
    if row["steer"] is None:
        return f"the {row['method']} model" if row["method"] == "start" else str(row["method"])
    return f"{row['method']} for {row['steer']}"


def _survey(results: Sequence[Row]) -> PrintedTable:
    """Similarity of survey answers to a community's people, before and after."""
    table = PrintedTable(
        title="Survey answers: similarity to the community's people (another claim than a gain)",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            PrintedColumn(head="people of", cut="middle"),
            PrintedColumn(head="similarity", interval=True),
            *(PrintedColumn(head=head, rank=1, interval=True) for head in _SURVEY.values()),
            PrintedColumn(head="questions", rank=2),
        ],
    )
    swaps: dict[tuple[str, str, str], Row] = {}
    for row in results:
        if row["metric"] in _SURVEY:
            # Of several other policies, the one to which the difference is least.
            key = (_policy(row), row["community"], row["metric"] + row["strategy"])
            swaps[key] = min(swaps.get(key, row), row, key=lambda one: one["value"])
    for row in results:
        if row["metric"] == "survey_similarity":
            name, people = _policy(row), row["community"]
            cells = [swaps.get((name, people, m + row["strategy"])) for m in _SURVEY]
            changes = [scaled(cell, digits=3, signed=True) for cell in cells]
            table.rows.append([name, people, scaled(row, digits=3), *changes, f"{row['n']:,}"])
    return table


def _ability(results: Sequence[Row]) -> PrintedTable:
    """General ability before and after."""
    table = PrintedTable(
        title="General ability, by lm-eval (another claim than a gain)",
        columns=[
            PrintedColumn(head="policy", cut="middle"),
            PrintedColumn(head="task", cut="middle"),
            PrintedColumn(head="value", interval=True),
            PrintedColumn(head="change", interval=True),
            PrintedColumn(head="items", rank=1),
        ],
    )
    changes = {(_policy(r), r["task"]): r for r in results if r["metric"] == "ability_change"}
    for row in results:
        if row["metric"] == "ability":
            change = scaled(changes.get((_policy(row), row["task"])), digits=3, signed=True)
            value = scaled(row, digits=3)
            table.rows.append([_policy(row), row["task"], value, change, f"{row['n']:,}"])
    return table
