"""Fixtures that every part of the suite shares."""

import gc
import json
import os
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import cache as cache_of_calls
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import typer.main
import typer.testing

from pluralign.core import MissingExtra, Reporter
from pluralign.experiments import Outcome, run_experiment
from pluralign.settings import resolve
from pluralign.simulation import SocietySource

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# An example that is slow on a busy machine, or the first to import a library, is no failure.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

_NEED_EXTRAS = {
    "aligning/test_adapter_cards.py": "yaml",
    "cli/test_collect_backups.py": "sqlalchemy",
    "cli/test_collect_read_only.py": "sqlalchemy",
    "cli/test_collect_releases.py": "sqlalchemy",
    "cli/test_collect_stewards.py": "sqlalchemy",
    "cli/test_collecting.py": "sqlalchemy",
    "collecting": "psycopg",
    "core/test_cells.py": "pandas",
    "interop/test_policy_trainers.py": "fastapi",
    "reports": "altair",
    "reports/test_browser.py": "axe_playwright_python",
    "reports/test_directions.py": "playwright",
    "serving": "uvicorn",
    "sources/test_pairs_files.py": "pandas",
}
"""Tests that cannot be imported without a library of an extra -> that library."""
_MISSING = {path: name for path, name in _NEED_EXTRAS.items() if find_spec(name) is None}
collect_ignore = list(_MISSING)


def pytest_report_header() -> list[str]:
    """Name the tests that are left out because a library is missing."""
    return [f"not collected without {name}: tests/{path}" for path, name in _MISSING.items()]


@contextmanager
def _skipped_without_extras() -> Iterator[None]:
    """Skip a test that stops because a library of an extra is missing, in a base environment."""
    try:
        yield
    except (MissingExtra, ModuleNotFoundError) as error:
        if not _MISSING:
            raise
        pytest.skip(f"needs an extra: {error}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    with _skipped_without_extras():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    with _skipped_without_extras():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what collecting makes out of garbage collection: it stays until the end.

    Otherwise a third of the time of collecting all tests goes into reading it over and over.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, ``shared/data`` or PLURALIGN_DATA; skips tests if it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PLURALIGN_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set PLURALIGN_DATA to test with it")
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a BERT with two layers, without a head, that knows the society's words."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    texts = [
        text
        for p in SocietySource(each=40, thin=20, world=60).pairs()
        for text in (p.chosen, p.rejected)
    ]
    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words.train_from_iterator(texts, trainers.WordLevelTrainer(special_tokens=special))
    words.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    folder = tmp_path_factory.mktemp("encoder")
    PreTrainedTokenizerFast(tokenizer_object=words, **named).save_pretrained(folder)
    config = BertConfig(
        vocab_size=words.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=48, max_position_embeddings=64,
        initializer_range=0.2,
    )  # fmt: skip
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where vectors are kept in the tests of a folder that asks for it."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium, for one module only: while Playwright runs, no other test can run an event loop."""
    api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium on this machine to show a page with")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def rows() -> list[dict[str, Any]]:
    """Pairs of a small society as rows of our own format."""
    keys = ("id", "prompt", "chosen", "rejected", "community", "rater")
    return [
        {k: getattr(p, k) for k in keys} for p in SocietySource(each=40, thin=10, world=100).pairs()
    ]


@pytest.fixture(scope="session")
def write_rows() -> Callable[[Path, Iterable[Mapping[str, Any]]], Path]:
    """``write_rows(path, rows)`` writes JSON lines."""

    def write(path: Path, found: Iterable[Mapping[str, Any]]) -> Path:
        path.write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), encoding="utf-8"
        )
        return path

    return write


METHODS = ["reference", "length", "full", "scpo"]


@pytest.fixture(scope="session", autouse=True)
def own_cache_of_all(cache: Path) -> Iterator[None]:
    """Module fixtures are set up before those of a test, and must not write to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLURALIGN_CACHE", str(cache))
        yield


@pytest.fixture(scope="session", autouse=True)
def commands_are_built_once() -> Iterator[None]:
    """Typer builds the tree of all commands whenever a test gives one, which takes 20 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache_of_calls(typer.main.get_command))
        yield


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(cache))


@pytest.fixture
def tables() -> dict[str, Any]:
    """Settings of a run that takes a fraction of a second."""
    return {
        "name": "tiny",
        "seed": 3,
        "min_pairs": 1,
        "min_raters": 2,
        "methods": list(METHODS),
        "pairs": {"source": "society", "each": 60, "thin": 12, "world": 150},
        "reference": {"fit_on": ["~world"], "ridge": 1.0},
        "trunk": {"encoder": "hash"},
        "fit": {"ridge": 1.0},
        "intervals": {"draws": 100},
    }


Go = Callable[..., Outcome]


@pytest.fixture(scope="session")
def go(cache: Path) -> Go:
    """``go(tables, out, "scpo.tau=0.6")`` runs an experiment; paths start from out's parent."""

    def run(
        tables: Mapping[str, Any],
        out: Path,
        *overrides: str,
        reporter: Reporter | None = None,
        fresh: bool = False,
    ) -> Outcome:
        resolved = resolve(
            deepcopy(dict(tables)), base=out.parent, where="tiny.toml", overrides=overrides
        )
        return run_experiment(resolved, out, reporter, fresh, cache)

    return run
