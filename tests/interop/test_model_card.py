"""The README of a model's folder."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pluralign.core import DamagedFile, InvalidInput, RewardRequest, Steer
from pluralign.interop import ModelSheet, TrlReward, model_card, write_model_card
from pluralign.models import open_model
from pluralign.rewards.transformer.tokenized_texts import Form, TextForm, tokenise

yaml = pytest.importorskip("yaml")
FORMS: tuple[Form, ...] = ("chat", "pair", "plain", "joined")
CHAT = TextForm("chat")
ESTIMATE = {"value": 0.625, "low": 0.5, "high": 0.75, "n": 1200, "n_raters": 48}


def front(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def section(text: str, title: str) -> str:
    found = re.search(rf"^## {title}\n\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found is not None, title
    return found[1]


def test_the_front_matter_is_what_the_hub_reads(card: dict[str, Any]) -> None:
    from huggingface_hub import ModelCard

    sheet = ModelSheet(
        "owner/uk", "apache-2.0", languages=("en", "es"), datasets=("owner/pairs",), form=CHAT
    )
    data = ModelCard(
        model_card(card | {"trunk": {"kind": "transformer", "model": "owner/base"}}, sheet)
    ).data
    assert (data.license, data.library_name, data.base_model) == (
        "apache-2.0",
        "transformers",
        "owner/base",
    )
    assert (data.pipeline_tag, data.language, data.datasets) == (
        "text-classification",
        ["en", "es"],
        ["owner/pairs"],
    )
    assert "reward-model" in data.tags


def test_unknown_facts_are_not_in_the_front_matter(card: dict[str, Any]) -> None:
    assert front(model_card(card, ModelSheet("owner/uk"))) == {
        "library_name": "pluralign",
        "pipeline_tag": "text-classification",
        "tags": ["reward-model", "pluralistic-alignment", "pluralign"],
    }


@pytest.mark.parametrize(
    ("encoder", "base"),
    [
        ("minilm", "sentence-transformers/all-MiniLM-L6-v2"),
        ("static", "sentence-transformers/all-MiniLM-L6-v2"),
        ("owner/encoder", "owner/encoder"),
        ("./folder/of/mine", None),
        ("hash", None),
    ],
)
def test_the_base_model_is_that_of_the_encoder(encoder: str, base: str | None) -> None:
    card = {"trunk": {"kind": "embedding", "encoder": encoder}}
    assert front(model_card(card, ModelSheet("a/b"))).get("base_model") == base
    assert front(model_card(card, ModelSheet("a/b", base_model="c/d")))["base_model"] == "c/d"


def test_communities_and_people_are_those_of_the_card(card: dict[str, Any]) -> None:
    found = section(model_card(card, ModelSheet("owner/uk")), "Communities and people")
    for id_, people in card["people"].items():
        role = "reference" if id_ == "~world" else "steered to"
        line = rf"^\| `{id_}` \| .* \| {role} \| {people['pairs']} \| {people['raters']} \|$"
        assert re.search(line, found, re.M), id_
    shares = {"communities": ["MEX"], "people": {"MEX": {"pairs": 1200, "raters": None}}}
    assert "| `MEX` | Mexico | steered to | 1,200 | whole samples |" in model_card(
        shares, ModelSheet("a/b")
    )


def test_the_reference_has_the_name_of_those_it_was_fitted_on() -> None:
    card = {"communities": ["MEX"], "reference_fitted_on": ["USA"]}
    nobody = model_card(card, ModelSheet("a/b", form=CHAT))
    blend = model_card(card, ModelSheet("a/b", form=CHAT, steer=Steer({"MEX": 0.7, "~world": 0.3})))
    assert "those of the reference (United States), steered to nobody" in nobody
    assert "steered to Mexico (MEX) 0.7, reference (United States) 0.3, at strength 1" in blend
    assert "World" not in nobody + blend


def test_every_accuracy_has_its_interval_and_people(card: dict[str, Any]) -> None:
    found = section(model_card(card, ModelSheet("owner/uk")), "Accuracy")
    for id_, e in card["accuracy"].items():
        interval = f"{100 * e['value']:.1f} [{100 * e['low']:.1f}, {100 * e['high']:.1f}]"
        assert f"| `{id_}` | {interval} | {e['n']} | {e['n_raters']} |" in found


def test_a_number_without_an_interval_is_not_shown() -> None:
    alone = ESTIMATE | {"low": None, "high": None}
    card = {"communities": ["MEX", "GBR"], "accuracy": {"MEX": alone}}
    found = section(model_card(card, ModelSheet("a/b")), "Accuracy")
    assert "| `MEX` | not shown: too few people for an interval | 1,200 | 48 |" in found
    assert "62.5" not in found
    assert "Not measured: `GBR`." in found


def test_the_card_of_a_model_that_was_not_measured_states_it() -> None:
    assert section(model_card({"communities": ["MEX"]}, ModelSheet("a/b")), "Accuracy").startswith(
        "This model was not"
    )


def test_exported_weights_show_only_the_accuracy_that_is_theirs() -> None:
    card = {
        "communities": ["MEX", "GBR"],
        "accuracy": {"MEX": ESTIMATE, "GBR": ESTIMATE | {"value": 0.55}},
    }

    def shown(steer: Steer | None) -> str:
        return section(model_card(card, ModelSheet("a/b", form=CHAT, steer=steer)), "Accuracy")

    assert "62.5 [50.0, 75.0]" in shown(Steer.to("MEX"))
    assert "55.0" not in shown(Steer.to("MEX"))
    for other in (None, Steer.to("MEX", 2.0), Steer({"MEX": 0.5, "GBR": 0.5})):
        assert "%" not in shown(other)
        assert "were not measured" in shown(other)


def test_a_reference_shows_its_accuracy_for_every_community(models: Path) -> None:
    from pluralign.rewards import load_card

    found = section(
        model_card(load_card(models / "reference"), ModelSheet("a/b", form=CHAT)), "Accuracy"
    )
    assert "without steering" in found
    assert "`~hill`" in found


def test_licences_and_limits_are_stated(card: dict[str, Any]) -> None:
    text = model_card(card, ModelSheet("a/b"))
    assert "* CC0-1.0 (simulated)" in section(text, "Licences")
    assert "Nobody has chosen a licence" in text
    assert f"* {card['limits']}" in section(text, "Limits")
    assert "The licences of the data are unknown." in model_card({}, ModelSheet("a/b"))
    assert "Weights: cc-by-4.0." in model_card({}, ModelSheet("a/b", "cc-by-4.0"))


def test_words_of_others_stay_words() -> None:
    card = {
        "communities": ["a|b"],
        "licenses": ["CC0\n\n# Heading <script>"],
        "method": "x`y",
        "people": {},
    }
    text = model_card(card, ModelSheet("a/b"))
    assert re.findall(r"^#+ .*", text, re.M)[1:] == [
        f"## {title}"
        for title in ("Communities and people", "Accuracy", "Licences", "Limits", "How to load it")
    ]
    assert "<script>" not in text
    assert "| `a\\|b` | a\\|b |" in text


def test_a_card_that_cannot_be_read_is_refused() -> None:
    for broken in ({"MEX": ESTIMATE | {"low": 0.9}}, {"MEX": 0.6}, {"MEX": ESTIMATE | {"n": None}}):
        with pytest.raises(InvalidInput, match="cannot be read"):
            model_card({"communities": ["MEX"], "accuracy": broken}, ModelSheet("a/b"))
    with pytest.raises(InvalidInput, match="has all communities"):
        model_card({}, ModelSheet("a/b", steer=Steer.to("MEX")))
    with pytest.raises(InvalidInput, match="an adapter needs its model"):
        ModelSheet("a/b", form=CHAT, adapter=True)


def test_the_readme_is_written_next_to_the_model(folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    found = write_model_card(copy, ModelSheet("owner/uk", "cc0-1.0"))
    assert found == copy / "README.md"
    assert front(found.read_text(encoding="utf-8"))["license"] == "cc0-1.0"
    assert open_model(copy).communities, "the model can still be opened"
    (copy / "card.json").write_text("{}")
    with pytest.raises(DamagedFile):
        write_model_card(copy, ModelSheet("owner/uk"))


def test_the_example_of_our_own_folder_runs(
    folder: Path, card: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda repo: str(folder) if repo == "owner/uk" else ""
    )
    blocks = re.findall(
        r"^```python\n(.*?)^```", model_card(card, ModelSheet("owner/uk")), re.M | re.S
    )
    found: dict[str, Any] = {}
    for block in blocks:
        exec(block, found)
    assert isinstance(found["reward"], TrlReward)
    assert found["model"].score_all(found["requests"]).shape == (2, 5)


def exported(tiny: ModuleType, path: Path, kind: Form) -> Path:
    return Path(tiny.reward_folder(path, chat=kind == "chat", pair=kind in {"pair", "joined"}))


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMS)
def test_the_example_of_exported_weights_reads_texts_as_pluralign_does(
    kind: Form, tiny: ModuleType, tmp_path: Path, run_readme: Callable[..., dict[str, Any]]
) -> None:
    folder, long = (
        exported(tiny, tmp_path / "model", kind),
        "what matters in life ? " * 20 + "tea or coffee ?",
    )
    for prompt in ("Tea or coffee?", *([long] if kind != "chat" else [])):
        form = TextForm(kind, max_length=24)
        found = run_readme(folder, form, prompt, "Coffee, please.")
        (wanted,) = tokenise(found["tokenizer"], [RewardRequest(prompt, "Coffee, please.")], form)
        assert found["inputs"]["input_ids"][0].tolist() == list(wanted.ids)
        assert wanted.cut == (prompt == long)
        assert np.isfinite(found["reward"])


@pytest.mark.slow
def test_the_example_of_an_adapter_runs(
    tiny: ModuleType, tmp_path: Path, run_readme: Callable[..., dict[str, Any]]
) -> None:
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForSequenceClassification

    base = exported(tiny, tmp_path / "base", "chat")
    model = AutoModelForSequenceClassification.from_pretrained(base)
    config = peft.LoraConfig(
        task_type="SEQ_CLS", modules_to_save=["score"], init_lora_weights=False
    )
    peft.get_peft_model(model, config).save_pretrained(tmp_path / "adapter")
    tiny.tokenizer(chat=True).save_pretrained(tmp_path / "adapter")
    adapted = run_readme(tmp_path / "adapter", CHAT, "Tea?", "Tea.", str(base))["reward"]
    assert adapted != run_readme(base, CHAT, "Tea?", "Tea.")["reward"]


def test_facts_about_an_export_go_into_its_readme(card: dict[str, Any], tmp_path: Path) -> None:
    told = {"text": "pair", "max_length": 384, "overlong": "cut"}
    (tmp_path / "pluralign.json").write_text(json.dumps(told), encoding="utf-8")
    sheet = ModelSheet("owner/uk", steer=Steer.to("~hill"))
    whole = write_model_card(tmp_path, sheet, card).read_text(encoding="utf-8")
    assert front(whole)["library_name"] == "transformers"
    assert '"truncation": "only_first", "max_length": 384' in whole
    (tmp_path / "adapter_config.json").write_text(
        '{"base_model_name_or_path": "owner/base"}', encoding="utf-8"
    )
    adapter = write_model_card(tmp_path, sheet, card).read_text(encoding="utf-8")
    assert (front(adapter)["library_name"], front(adapter)["base_model"]) == ("peft", "owner/base")
    with pytest.raises(InvalidInput, match="no saved reward model"):
        write_model_card(tmp_path, sheet)


@pytest.mark.parametrize("form", FORMS)
def test_requests_to_servers_are_json(form: Form) -> None:
    text = section(model_card({}, ModelSheet("owner/it's", form=TextForm(form))), "How to load it")
    posts = [shlex.split(line) for line in text.splitlines() if line.startswith("curl ")]
    assert posts
    bodies = {words[2].partition("/")[2]: json.loads(words[-1]) for words in posts}
    wanted = {"chat": ["classify"], "pair": ["score", "predict"]}.get(form, ["classify"])
    assert list(bodies) == wanted
    for path, body in bodies.items():
        if path == "predict":
            assert body == {"inputs": [["Tea or coffee?", "Tea, please."]], "raw_scores": True}
        else:
            assert body["model"] == "owner/it's"
            assert body["use_activation"] is False
    assert not re.search(r"\{(?!prompt|response|tokenizer)[a-z_]+\}", text)


def test_tools_that_would_misread_the_weights_are_named() -> None:
    for form in FORMS:
        text = model_card({}, ModelSheet("a/b", form=TextForm(form)))
        assert ("reward_funcs=" in text) == (form == "chat")
        assert ("do not fit these weights" in text) == (form != "chat")
    adapter = model_card({}, ModelSheet("a/b", base_model="c/d", form=CHAT, adapter=True))
    assert "export a whole model" in adapter
    assert "vllm serve" not in adapter


def test_a_name_in_any_script_is_kept_in_the_example() -> None:
    assert 'snapshot_download("owner/ünï")' in model_card({}, ModelSheet("owner/ünï"))


def test_many_communities_that_were_left_out_are_folded() -> None:
    left = {f"~c{i}": {"pairs": 3, "role": "", "why": "3 pairs, 200 needed"} for i in range(6)}
    text = model_card({"communities": ["GBR"], "in_data": left}, ModelSheet("owner/uk"))
    assert "<summary>6 communities of the data were left out</summary>" in text
    assert text.index("| `GBR`") < text.index("<details>") < text.index("| `~c0`")
    few = {id_: left[id_] for id_ in ("~c0", "~c1")}
    text = model_card({"communities": ["GBR"], "in_data": few}, ModelSheet("owner/uk"))
    assert "<details>" not in text and "| `~c1`" in text


def test_weights_for_other_tools_do_not_fade_and_their_card_states_it(
    card: dict[str, Any],
) -> None:
    fades = card | {"fading": {"start": 0.2, "full": 0.4}}
    steer = Steer.to(card["communities"][0])
    exported = ModelSheet("me/it", steer=steer, form=CHAT)
    assert "full strength on every prompt" in section(model_card(fades, exported), "Limits")
    own = section(model_card(fades, ModelSheet("me/it")), "Limits")
    assert "steers more weakly" in own
    assert "full strength" not in own
    assert "weakly" not in section(model_card(card, exported), "Limits")
