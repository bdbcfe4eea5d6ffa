"""Test prompts against the pairs of the reward models: seen before, or in other languages."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pluralign.aligning.work import AlignWork
from pluralign.core import (
    InvalidInput,
    MissingExtra,
    PluralignError,
    PolicyPrompt,
    prompt_text,
    rng_for,
)
from pluralign.encoders import languages_of
from pluralign.encoders.languages import UNKNOWN
from pluralign.runs.finished import read_object
from pluralign.runs.folder import RECORD
from pluralign.runs.withdrawn import read_withdrawn
from pluralign.settings.validation import source_from
from pluralign.sources.pair_loading import load_pairs

_LEVELS = 3
"""A saved model is in ``models/seed-0/METHOD`` of its run."""
_RARE, _TOLERATED = 0.01, 0.05


def check_prompts(work: AlignWork) -> dict[str, Any]:
    """Note test prompts that a reward model was trained on, and those in other languages.

    Returns:
        For each reward model ``test_prompts``, the number that are among its pairs (``seen``; None
        where its pairs cannot be read, with the reason), and the share of test prompts in languages
        of hardly any of its pairs.
    """
    reward = work.settings.reward
    found = {"model": _check(work, "reward.model", reward.model)}
    if reward.judge is not None:
        found["judge"] = _check(work, "reward.judge", reward.judge)
    return found


def _check(work: AlignWork, role: str, where: str) -> dict[str, Any]:
    test = [work.prompts[p] for p in work.of_side("test")]
    about: dict[str, Any] = {"test_prompts": len(test), "seen": None, "other_languages": None}
    try:
        trained = _prompts_of(where)
    except (PluralignError, OSError, KeyError) as error:
        why = error.what if isinstance(error, PluralignError) else str(error)
        work.reporter.note(
            f"{role}: whether it was trained on the test prompts, and in their languages, "
            f"cannot be checked: {why}"
        )
        return about | {"why": why}
    digests = {prompt.digest for prompt in trained}
    about["seen"] = sum(prompt.digest in digests for prompt in test)
    if about["seen"]:
        work.reporter.note(
            f"{role}: {about['seen']:,} of {len(test):,} test prompts are among the pairs of its "
            "run, so its rewards of their answers may be too good: evaluate on other prompts"
        )
    about["other_languages"] = _other_languages(work, role, test, trained)
    return about


def _other_languages(
    work: AlignWork, role: str, test: Sequence[PolicyPrompt], trained: Sequence[PolicyPrompt]
) -> float | None:
    """Share of test prompts in languages that hardly any pair is in; None where it is not known."""
    try:
        known, asked = _languages(trained), _languages(test)
    except MissingExtra as error:
        work.reporter.note(f"{role}: the languages of prompts cannot be checked: {error.hint}")
        return None
    if not known or not asked:
        return None
    rare = Counter({code: n for code, n in asked.items() if known[code] <= _RARE * known.total()})
    share = rare.total() / asked.total()
    if share > _TOLERATED:
        named = ", ".join(f"{code} {n / asked.total():.0%}" for code, n in rare.most_common(5))
        own = ", ".join(code for code, _ in known.most_common(5))
        work.reporter.note(
            f"{role}: {share:.0%} of the test prompts are in languages of hardly any of its pairs "
            f"({named}; its pairs: {own}), so its rewards of their answers mean little"
        )
    return share


def _languages(prompts: Sequence[PolicyPrompt]) -> Counter[str]:
    """Languages of a sample of prompts, of those whose language is clear."""
    texts = [prompt_text(prompt.prompt) for prompt in prompts]
    counts = languages_of(texts, rng_for(0, "languages"))
    return Counter({code: n for code, n in counts.items() if not code.startswith(UNKNOWN)})


def _prompts_of(where: str) -> list[PolicyPrompt]:
    """Different prompts of the pairs of a reward model's run, read again from their sources.

    Raises:
        PluralignError: If there is no such run, or its pairs cannot be read or have changed.
    """
    parents = Path(where).resolve().parents
    is_url = where.startswith(("http://", "https://"))
    run = None if is_url or len(parents) < _LEVELS else parents[_LEVELS - 1]
    record = None if run is None else read_object(run / RECORD)
    if run is None or record is None or not record.get("data", {}).get("sources"):
        raise InvalidInput("it is not in the folder of the run that trained it")
    sources = [
        source_from({"source": one["name"]} | one["settings"], Path.cwd(), RECORD)
        for one in record["data"]["sources"]
    ]
    settings = record["settings"]
    gone = read_withdrawn(run)
    loaded = load_pairs(sources, settings["limit"], settings["seed"], withdrawn=gone)
    if loaded.fingerprint != record["data"]["fingerprint"]:
        raise InvalidInput("the pairs of its run have changed since")
    found = (PolicyPrompt(pair.id, pair.prompt) for pair in loaded.pairs)
    return list({prompt.digest: prompt for prompt in found}.values())
