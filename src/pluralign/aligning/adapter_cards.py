"""The README of each adapter of a run: front matter for the hub, and facts before its use."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.aligning.selecting import PolicyName
from pluralign.aligning.tuned_policies import policies
from pluralign.aligning.work import AlignWork
from pluralign.core import count_of, list_written, read_json_object, whole_file, with_interval
from pluralign.huggingface.hub_cards import README, hub_name, in_cell, license_of, one_line, yaml_of
from pluralign.huggingface.model_folders import TRAINING, has_chat_template
from pluralign.huggingface.vllm_ranks import VLLM_RANKS, vllm_rank
from pluralign.runs.policy_rows import JOINT

_TAGS = ("pluralistic-alignment", "pluralign", "lora")
_HOW = {
    "raft": "supervised, on the answers with the highest rewards",
    "dpo": "on the best against the worst answer of each prompt (DPO)",
    "orpo": "on the best against the worst answer of each prompt (ORPO)",
    "grpo": "online, by the rewards of its own answers (GRPO)",
    "rloo": "online, by the rewards of its own answers (RLOO)",
}
_PRICES = {
    "kl": "divergence from the base model (KL), nats",
    "length_ratio": "length of answers, divided by the base model's",
    "refusals_change": "change in the share of refusals",
    "repetition_change": "change in repetition",
    "within_variety_change": "change in the variety of answers to one prompt",
}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AdapterSheet:
    """The facts of an adapter's card.

    Attributes:
        run: Name of the run.
        method: Method that trained it.
        steer: Community that it follows; ``joint`` for all.
        base: Name or folder of the base model.
        license: Licence of the base model, as its README states it; None where that is not known.
        record: The run's record.
        training: Content of ``training.json``.
        rows: Results about it.
        has_template: Whether the tokenizer has a chat template.
    """

    run: str
    method: str
    steer: str
    base: str
    license: str | None
    record: Row
    training: Row
    rows: Sequence[Row]
    has_template: bool

    @property
    def communities(self) -> list[str]:
        """Ids of the communities that it follows."""
        return list(self.record["communities"]) if self.steer == JOINT else [self.steer]


def write_adapter_cards(work: AlignWork, record: Row, results: Sequence[Row]) -> None:
    """Write ``README.md`` into the folder of each adapter; one that is up to date is left alone.

    Args:
        work: The run.
        record: Content of its ``record.json``.
        results: Rows of its ``results.jsonl``.
    """
    for name, folder in policies(work):
        if not (folder / TRAINING).is_file():
            continue
        text = adapter_card(_sheet(work, name, folder, record, results))
        path = folder / README
        if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
            with whole_file(path) as partial:
                partial.write_text(text, encoding="utf-8", newline="\n")
            # Else the folder would seem damaged, and its adapter be trained again.
            list_written(folder, [path])


def adapter_card(sheet: AdapterSheet) -> str:
    """The card of an adapter: how it was trained, what it gains and costs, its limits, its use."""
    title = f"# {one_line(sheet.run)}: {sheet.method} for {_follows(sheet)}"
    parts = [title, _opening(sheet), *_sections(sheet)]
    return f"---\n{yaml_of(_front(sheet))}---\n\n" + "\n\n".join(parts) + "\n"


def _front(sheet: AdapterSheet) -> dict[str, Any]:
    front: dict[str, Any] = {
        "license": sheet.license,
        "library_name": "peft",
        "base_model": hub_name(sheet.base),
        "pipeline_tag": "text-generation",
        "tags": [*_TAGS, sheet.method],
        "language": list(sheet.record.get("languages", ())),
    }
    return {key: value for key, value in front.items() if value}


def _follows(sheet: AdapterSheet) -> str:
    if sheet.steer == JOINT:
        return f"{count_of(len(sheet.communities), 'community', 'communities')} together"
    return one_line(sheet.steer)


def _opening(sheet: AdapterSheet) -> str:
    how = _HOW.get(sheet.method, "on answers that a reward model selected")
    communities = ", ".join(f"`{one_line(c)}`" for c in sheet.communities)
    version = one_line(sheet.record["versions"]["pluralign"])
    return (
        f"A LoRA adapter of `{one_line(sheet.base)}`. It was trained with pluralign {version} by "
        f"`{sheet.method}`, {how}, so that its answers get higher rewards from the reward model of "
        f"{communities}. Later evaluations write this file again."
    )


def _sections(sheet: AdapterSheet) -> Iterator[str]:
    yield f"## Data and people\n\n{_data(sheet)}"
    yield f"## Gains\n\n{_gains(sheet)}"
    yield f"## Price\n\n{_prices(sheet)}"
    yield f"## Licences\n\n{_licences(sheet)}"
    yield f"## Limits\n\n{_limits(sheet)}"
    yield f"## How to load it\n\n{_loading(sheet)}"


def _data(sheet: AdapterSheet) -> str:
    sample = sheet.record["stages"]["sample"]
    sides = sample["prompts by side"]
    source = sheet.record["data"]["sources"][0]["name"]
    too_long = sheet.training.get("rows_too_long", 0)
    unit = "answer" if sheet.method == "raft" else "pair of answers"
    units = "answers" if sheet.method == "raft" else "pairs of answers"
    return "\n".join(
        [
            f"* {count_of(sheet.training.get('rows', 0), unit, units)} of the base model to "
            f"{count_of(sides['train'], 'training prompt')} of `{one_line(source)}`"
            f" ({too_long:,} too long, and left out); "
            f"{count_of(sheet.training.get('steps', 0), 'step')}.",
            f"* The reward model that it follows: {_people(sheet, 'reward')}",
            f"* The judge that measured it: {_people(sheet, 'judge')}",
        ]
    )


def _people(sheet: AdapterSheet, role: str) -> str:
    """A reward model, and the people of the adapter's communities behind it."""
    about = sheet.record.get(role)
    if about is None:
        return "none."
    counted = []
    for community in sheet.communities:
        counts = about["people"].get(community, {})
        raters, pairs = counts.get("raters"), counts.get("pairs")
        people = "an unknown number of people" if raters is None else count_of(raters, "rater")
        choices = "" if pairs is None else f", {count_of(pairs, 'pair')}"
        counted.append(f"`{one_line(community)}` {people}{choices}")
    method = f", method `{one_line(about['method'])}`" if about.get("method") else ""
    return f"`{one_line(about['model'])}`{method}. People: {'; '.join(counted)}."


def _gains(sheet: AdapterSheet) -> str:
    found = {(row["metric"], row["community"]): row for row in sheet.rows}
    lines = [
        "| for | by the reward model [95 % interval] | by the judge | prompts "
        "| people of the judge |",
        "|:--|--:|--:|--:|--:|",
    ]
    for community in sheet.record["communities"]:
        row = found.get(("reward_gain", community))
        if row is not None:
            judged = found.get(("judged_gain", community))
            head = f"| `{in_cell(community)}` | {_shown(row)} | {_shown(judged)} |"
            lines.append(f"{head} {row['n']:,} | {_raters(judged)} |")
    about = (
        "Reward of its answers to test prompts less that of the base model's, in spreads of the "
        "base model's rewards; intervals are over prompts. Nothing was learned from these prompts."
    )
    judge = sheet.record.get("judge")
    if judge is not None:
        over = one_line(judge["intervals_over_people"])
        about += f" Intervals of the judge's gains over its people, too: {over}."
    else:
        about += (
            "\n\n**No judge measured this adapter.** The gain is the view of the reward model that "
            "it was trained to please, and so it is too large. Nothing here shows that people "
            "would agree."
        )
    return f"{about}\n\n" + "\n".join(lines)


def _raters(row: Row | None) -> str:
    if row is None:
        return "none"
    return "unknown" if row["n_raters"] is None else f"{row['n_raters']:,}"


def _prices(sheet: AdapterSheet) -> str:
    found = {row["metric"]: row for row in sheet.rows if row["community"] is None}
    lines = ["| number | value [95 % interval] | prompts |", "|:--|--:|--:|"]
    for metric, label in _PRICES.items():
        if metric in found:
            row = found[metric]
            value = with_interval(row["value"], row["low"], row["high"], digits=2)
            lines.append(f"| {label} | {value} | {row['n']:,} |")
    return "\n".join(lines)


def _licences(sheet: AdapterSheet) -> str:
    base = (
        f"The base model's licence is `{one_line(sheet.license)}`; this adapter is under it, too."
        if sheet.license
        else "The licence of the base model is not known here, and this adapter is under it, "
        "too: read it on the base model's page."
    )
    terms = (sheet.record.get("reward") or {}).get("licenses", ())
    data = [f"* {one_line(term)}" for term in terms]
    people = "\n".join(["Data of the reward model, and their licences or terms:", "", *data])
    prompts = "The licence of the prompts is not recorded."
    return "\n\n".join([base, people if data else "The licences of the data are unknown.", prompts])


def _limits(sheet: AdapterSheet) -> str:
    lines = [
        "* Do not present its answers as the views of a people. It follows an estimate of the "
        "choices of those who took part; a community is never of one mind, and a high reward is "
        "not consent.",
        "* Do not use it to decide about people, or to simulate people whom one could ask.",
        "* It was measured on prompts like those it was trained on. On other prompts, in other "
        "languages and in longer conversations, expect less.",
    ]
    lost = [
        row
        for row in sheet.rows
        if row["metric"] == _metric(sheet)
        and row["community"] not in sheet.communities
        and row["high"] is not None
        and row["high"] < 0
    ]
    for row in lost:
        lines.append(
            f"* Its answers are worse for `{one_line(row['community'])}`: {_shown(row)}. Do not "
            "use it there."
        )
    return "\n".join(lines)


def _metric(sheet: AdapterSheet) -> str:
    judged = any(row["metric"] == "judged_gain" for row in sheet.rows)
    return "judged_gain" if judged else "reward_gain"


def _shown(row: Row | None) -> str:
    if row is None:
        return "not measured"
    return with_interval(row["value"], row["low"], row["high"], digits=2, signed=True)


_CHAT = """\
turns = [{"role": "user", "content": "Tea or coffee?"}]
prompt = tokenizer.apply_chat_template(
    turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
)"""
_PLAIN = """\
prompt = tokenizer("User: Tea or coffee?\\n\\nAssistant:", return_tensors="pt")"""
_LOADING = """\
With PEFT, in this folder:

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # or its name on the hub
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained({base})
model = PeftModel.from_pretrained(model, folder)
{prompt}
answer = model.generate(**prompt, max_new_tokens=64, do_sample=True)
print(tokenizer.decode(answer[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))
```

With vLLM, which then answers as `{name}`:

```sh
vllm serve {bare} --enable-lora --max-lora-rank {rank} --lora-modules {name}=$PWD
```"""


def _loading(sheet: AdapterSheet) -> str:
    rank = int(sheet.training.get("config", {}).get("rank", 8))
    fields = {
        "base": json.dumps(sheet.base, ensure_ascii=False),
        "bare": shlex.quote(sheet.base),
        "prompt": _CHAT if sheet.has_template else _PLAIN,
        "rank": str(vllm_rank(rank) or VLLM_RANKS[-1]),
        "name": "".join(c if c.isalnum() or c in "-_.@~/" else "-" for c in _served_name(sheet)),
    }
    text = _LOADING
    for field, value in fields.items():
        text = text.replace(f"{{{field}}}", value)
    return text


def _served_name(sheet: AdapterSheet) -> str:
    return f"{sheet.run}@{sheet.steer}"


def _sheet(
    work: AlignWork, name: PolicyName, folder: Path, record: Row, results: Sequence[Row]
) -> AdapterSheet:
    steer = name.community or JOINT
    base = work.settings.model.name
    about = (name.method, steer, None)
    return AdapterSheet(
        run=work.settings.name,
        method=name.method,
        steer=steer,
        base=base,
        license=license_of(base),
        record=record,
        training=read_json_object(folder / TRAINING, "train the adapter again"),
        rows=[r for r in results if (r["method"], r["steer"], r["candidates"]) == about],
        has_template=has_chat_template(folder),
    )
