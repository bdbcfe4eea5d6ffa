"""The card of an adapter has its people, its numbers and its limits."""

import yaml

from pluralign.aligning.adapter_cards import AdapterSheet, adapter_card
from pluralign.huggingface.hub_cards import license_of

PEOPLE = {"~hill": {"pairs": 300, "raters": 30}, "~coast": {"pairs": 200, "raters": None}}
REWARD = {"model": "models/half", "method": "full", "people": PEOPLE, "licenses": ["CC0-1.0"]}
RECORD = {
    "versions": {"pluralign": "0.1.0"},
    "communities": ["~hill", "~coast"],
    "reward": REWARD,
    "judge": REWARD
    | {"model": "models/other-half", "intervals_over_people": "95 %, from 5 fits of one run"},
    "languages": ["en"],
    "data": {"sources": [{"name": "prompts.jsonl"}]},
    "stages": {"sample": {"prompts by side": {"train": 120, "validation": 40, "test": 40}}},
}


def row(metric, value, community=None):
    """A line of results about an adapter."""
    ends = {"low": value - 0.1, "high": value + 0.1}
    return {
        "metric": metric,
        "value": value,
        "community": community,
        "n": 40,
        "n_raters": 30,
    } | ends


def sheet(**more):
    """The sheet of an adapter for ~hill."""
    rows = [
        row("reward_gain", 0.5, "~hill"), row("judged_gain", 0.3, "~hill"),
        row("reward_gain", -0.1, "~coast"), row("judged_gain", -0.4, "~coast"), row("kl", 0.6),
    ]  # fmt: skip
    given = {
        "run": "follow", "method": "dpo", "steer": "~hill", "base": "Qwen/Qwen3-8B",
        "license": "apache-2.0", "record": RECORD, "rows": rows, "has_template": True,
        "training": {"rows": 90, "rows_too_long": 2, "steps": 12, "config": {"rank": 9}},
    }  # fmt: skip
    return AdapterSheet(**given | more)


def test_the_front_matter_is_what_the_hub_reads():
    front = yaml.safe_load(adapter_card(sheet()).split("---\n")[1])
    assert front == {
        "license": "apache-2.0",
        "library_name": "peft",
        "base_model": "Qwen/Qwen3-8B",
        "pipeline_tag": "text-generation",
        "tags": ["pluralistic-alignment", "pluralign", "lora", "dpo"],
        "language": ["en"],
    }


def test_a_base_model_on_this_machine_and_an_unknown_licence_are_no_names_of_the_hub(tmp_path):
    card = adapter_card(sheet(base=str(tmp_path), license=None, record=RECORD | {"languages": []}))
    front = yaml.safe_load(card.split("---\n")[1])
    assert {"base_model", "license", "language"}.isdisjoint(front)
    assert "licence of the base model is not known here" in card


def test_it_names_prompts_people_and_both_reward_models():
    card = adapter_card(sheet())
    assert "90 pairs of answers of the base model to 120 training prompts" in card
    assert "(2 too long, and left out); 12 steps." in card
    assert "`models/half`, method `full`. People: `~hill` 30 raters, 300 pairs." in card
    assert "`models/other-half`" in card
    joint = adapter_card(sheet(steer="joint"))
    assert "# follow: dpo for 2 communities together" in joint
    assert "`~coast` an unknown number of people, 200 pairs" in joint


def test_every_gain_has_its_interval_and_a_loss_is_a_limit():
    card = adapter_card(sheet())
    assert "| `~hill` | +0.50 [+0.40, +0.60] | +0.30 [+0.20, +0.40] | 40 | 30 |" in card
    assert "the judge's gains over its people, too: 95 %, from 5 fits of one run." in card
    assert "worse for `~coast`: -0.40 [-0.50, -0.30]. Do not use it there." in card
    assert "| divergence from the base model (KL), nats | 0.60 [0.50, 0.70] | 40 |" in card


def test_a_missing_judge_stands_out():
    rows = [row("reward_gain", 0.5, "~hill")]
    card = adapter_card(sheet(record=RECORD | {"judge": None}, rows=rows))
    assert "**No judge measured this adapter.**" in card
    assert "| not measured | 40 |" in card
    assert "* The judge that measured it: none." in card


def test_vllm_gets_a_rank_that_it_offers_and_a_name_without_blanks():
    card = adapter_card(sheet(run="my run"))
    assert "--max-lora-rank 16 --lora-modules my-run@~hill=$PWD" in card


def test_the_licence_of_a_base_model_is_read_from_its_folder(tmp_path):
    assert license_of(str(tmp_path)) is None
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    assert license_of(str(tmp_path)) == "mit"
    (tmp_path / "README.md").write_text("---\nlicense: [\n---\n")
    assert license_of(str(tmp_path)) is None
