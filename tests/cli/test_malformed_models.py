"""Weights and cards from anywhere: they score, or are refused with one message and exit code 2."""

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from typer.testing import Result

from pluralign.core import DamagedFile
from pluralign.interop import ModelSheet, model_card
from pluralign.rewards import load_card
from pluralign.serving.people import evidence_of, not_steered

Call = Callable[..., Result]
Change = Callable[[dict[str, Any]], object]
ENDLESS = {"value": float("inf"), "low": 0, "high": 1, "n": 1, "n_raters": 1}


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained / "models/seed-3/full", tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def score(call: Call, config: Path, model: Path) -> Callable[[], Result]:
    """Scores the first pairs with the model."""
    few = config.parent / "few.jsonl"
    few.write_text(
        "".join((config.parent / "pairs.jsonl").read_text().splitlines(keepends=True)[:3])
    )
    return lambda: call("score", model, few)


def sealed(card: dict[str, Any]) -> bytes:
    """A card with the checksum that any writer can put on it."""
    text = json.dumps(card, sort_keys=True, ensure_ascii=False)
    return json.dumps(card | {"card_sha256": hashlib.sha256(text.encode()).hexdigest()}).encode()


def card_of(model: Path) -> dict[str, Any]:
    return {
        k: v
        for k, v in json.loads((model / "card.json").read_bytes()).items()
        if k != "card_sha256"
    }


def with_weights(model: Path, blob: bytes) -> None:
    """Weights that the card vouches for."""
    (model / "model.safetensors").write_bytes(blob)
    (model / "card.json").write_bytes(
        sealed(card_of(model) | {"weights_sha256": hashlib.sha256(blob).hexdigest()})
    )


def assert_refused(found: Result, *said: str) -> None:
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"
    assert found.stdout == ""
    assert found.stderr.count("error: ") == 1
    assert "\n  -> " in found.stderr, "it does not say what to do next"
    for text in said:
        assert text in found.stderr


def test_a_card_that_is_sealed_again_unchanged_is_a_card(
    score: Callable[[], Result], model: Path
) -> None:
    with_weights(model, (model / "model.safetensors").read_bytes())
    assert score().exit_code == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.pop("delta"),
            "must contain the tensors delta, prior, prior_low, prompt_directions, prompt_mean, "
            "reference, response_directions, got prior, prior_low, prompt_directions",
        ),
        (lambda t: t.pop("prior_low"), "got delta, prior, prompt_directions"),
        (lambda t: t.clear(), "must contain the tensors delta, prior, prior_low"),
        (lambda t: t.update(more=t["delta"]), "got delta, more, prior, prior_low"),
        (
            lambda t: t.update(reference=t["reference"][1:]),
            "reference must be floats of shape (1248,)",
        ),
        (
            lambda t: t.update(reference=t["reference"][None]),
            "reference must be floats of shape (1248,)",
        ),
        (lambda t: t.update(delta=t["delta"].T.copy()), "delta must be floats of shape"),
        (lambda t: t.update(delta=t["delta"].astype(np.int64)), "delta must be floats of shape"),
        (lambda t: t.update(reference=t["reference"].astype(np.int8)), "reference must be floats"),
        (lambda t: t.update(reference=t["reference"] > 0), "reference must be floats"),
        (
            lambda t: t["reference"].__setitem__(3, np.nan),
            "reference contains numbers that are not finite",
        ),
        (
            lambda t: t["delta"].__setitem__((0, 0), np.inf),
            "delta contains numbers that are not finite",
        ),
        (
            lambda t: t["delta"].__setitem__((0, 0), -1e300),
            "delta contains numbers that are not finite",
        ),
        (lambda t: t.update(reference=np.zeros(900_000)), "the weights must have at most"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit_are_named(
    score: Callable[[], Result], model: Path, change: Change, said: str
) -> None:
    tensors = {
        name: tensor.astype(np.float64)
        for name, tensor in load((model / "model.safetensors").read_bytes()).items()
    }
    change(tensors)
    with_weights(model, save(tensors))
    assert_refused(score(), "model.safetensors: ", said)


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"x",
        b"\xff" * 8,
        (2**62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
    ],
    ids=["nothing", "a byte", "an endless header", "a huge header", "a header that is a list"],
)
def test_bytes_that_are_no_safetensors_are_refused_though_the_card_vouches_for_them(
    score: Callable[[], Result], model: Path, blob: bytes
) -> None:
    with_weights(model, blob)
    assert_refused(score(), "model.safetensors: the weights are no safetensors")


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 200, -1])
def test_truncated_weights_are_refused_even_where_the_card_vouches_for_them(
    score: Callable[[], Result], model: Path, kept: int
) -> None:
    with_weights(model, (model / "model.safetensors").read_bytes()[:kept])
    assert_refused(score(), "model.safetensors: ")


@pytest.mark.parametrize(
    "blob",
    [
        b"", b"{", b"[1]", b"1", b"null", b"\xff\xfe\x00",
        b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000, b"{}",
    ],
    ids=[
        "nothing", "half", "a list", "a number", "null", "no UTF-8",
        "deep lists", "deep tables", "digits", "empty",
    ],
)  # fmt: skip
def test_a_card_that_is_none_is_named(
    score: Callable[[], Result], model: Path, blob: bytes
) -> None:
    (model / "card.json").write_bytes(blob)
    assert_refused(score(), "card.json: the card is truncated or not written by pluralign")


def test_a_card_of_a_gigabyte_is_not_read(score: Callable[[], Result], model: Path) -> None:
    with (model / "card.json").open("r+b") as file:
        file.truncate(1_000_000_000)
    assert_refused(score(), "card.json: the card must have at most 32,000,000 bytes")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(version=2), "version 2"),
        (lambda c: c.update(version="1"), "version '1'"),
        (lambda c: c.update(format=["x"]), "the card has format ['x']"),
        (lambda c: c.pop("trunk"), "trunk: field required"),
        (lambda c: c.update(trunk="minilm"), "trunk"),
        (lambda c: c["trunk"].update(kind="other"), "trunk.kind"),
        (lambda c: c["trunk"].update(kind=["embedding"]), "trunk.kind"),
        (lambda c: c["trunk"].pop("encoder"), "trunk: must name its encoder"),
        (lambda c: c["trunk"].update(encoder=7), "trunk.encoder"),
        (lambda c: c["trunk"].pop("fingerprint"), "trunk.fingerprint"),
        (lambda c: c["trunk"].update(interaction="much"), "trunk.interaction"),
        (lambda c: c["trunk"].update(interaction=float("nan")), "trunk.interaction"),
        (lambda c: c["trunk"].update(interaction=1e300), "trunk.interaction"),
        (lambda c: c.pop("communities"), "communities"),
        (lambda c: c.update(communities="MEX"), "communities"),
        (lambda c: c.update(communities={"MEX": 1}), "communities"),
        (lambda c: c.update(communities=[["MEX"]]), "communities.0"),
        (lambda c: c.update(communities=["../../x"]), "communities.0"),
        (lambda c: c.update(communities=["/etc/passwd"]), "communities.0"),
        (
            lambda c: c.update(communities=[*c["communities"][:1], *c["communities"]]),
            "communities names one twice",
        ),
        (lambda c: c.update(weights_sha256=1), "weights_sha256"),
        (lambda c: c.pop("weights_sha256"), "must have either weights_sha256 or parts"),
        (lambda c: c.update(parts={}), "must have either weights_sha256 or parts"),
        (lambda c: c.update(people={"MEX": "many"}), "people.MEX"),
        (lambda c: c.update(people={"MEX": {"pairs": -1, "raters": 2}}), "people.MEX.pairs"),
        (lambda c: c.update(in_data={"MEX": {"pairs": 1}}), "in_data.MEX"),
        (lambda c: c.update(in_data=[1]), "in_data"),
        (lambda c: c.update(accuracy={"MEX": 0.7}), "accuracy.MEX"),
        (lambda c: c.update(accuracy={"MEX": ENDLESS}), "accuracy.MEX.value"),
        (lambda c: c.update(reference_fitted_on="USA"), "reference_fitted_on"),
        (lambda c: c.update(licenses=[{}]), "licenses.0"),
        (lambda c: c.update(limits=["x"]), "limits"),
    ],
)  # fmt: skip
def test_a_sealed_card_that_does_not_fit_is_named_with_its_key(
    score: Callable[[], Result], model: Path, change: Change, said: str
) -> None:
    card = card_of(model)
    change(card)
    (model / "card.json").write_bytes(sealed(card))
    assert_refused(score(), "card.json: ", said)


PARTS = {
    "kind": "transformer",
    "model": "minilm",
    "fingerprint": "x",
    "text": "pair",
    "max_length": 64,
    "overlong": "cut",
    "community": "lora",
}


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "/etc",
        "a/../../b",
        "C:\\x",
        "\\\\host\\x",
        "..\\x",
        "",
        "a\0b",
        "//x",
        "parts/../..",
    ],
)
@pytest.mark.parametrize("key", ["parts", "files"])
def test_a_path_on_a_card_leads_to_no_other_folder(
    score: Callable[[], Result], model: Path, key: str, name: str
) -> None:
    (model / "x").mkdir()
    own = {"parts": {"MEX": "x"}, "files": {}} | {
        key: {"MEX": name} if key == "parts" else {name: "0" * 64}
    }
    card = card_of(model) | {"trunk": PARTS, "communities": ["MEX"]} | own
    del card["weights_sha256"]
    (model / "card.json").write_bytes(sealed(card))
    assert_refused(score(), "card.json: ", "must be a path inside the model's folder")


keys = st.sampled_from(["MEX", "pairs", "raters", "a"])
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "MEX", "../../x", "a\0b"])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.data())
def test_no_card_gives_a_traceback(
    score: Callable[[], Result], call: Call, model: Path, trained: Path, data: st.DataObject
) -> None:
    card = card_of(trained / "models/seed-3/full")
    for key in data.draw(st.lists(st.sampled_from(sorted(card)), min_size=1, max_size=3)):
        card[key] = data.draw(values)
    if isinstance(card["trunk"], dict) and data.draw(st.booleans()):
        card["trunk"] = card["trunk"] | {
            data.draw(st.sampled_from(sorted(card["trunk"]))): data.draw(values)
        }
    (model / "card.json").write_bytes(sealed(card))
    for found in (score(), call("export", model, "--out", model.parent / "exported")):
        assert found.exit_code in {0, 2}, found.output
        assert found.exit_code == 0 or isinstance(found.exception, SystemExit), (
            "a traceback would be shown"
        )
    with suppress(DamagedFile):
        read = load_card(model)
        steered: Any = read["communities"]
        assert model_card(read, ModelSheet("x/y"))
        assert len(not_steered(read)) < 9
        assert all(evidence_of(read, id_).warnings is not None for id_ in [*steered, "~world"])
