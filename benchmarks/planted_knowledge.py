"""A small language model with planted knowledge is asked, scored and audited: is the truth found?

For each seed: four invented communities with a language each, and counts of their people's answers;
a causal model that is trained on questions about them; and two planted faults. Where no place is
named it answers as the first community (its default culture). In English it answers so to a share
of the questions about any place (its effect of language). The model is then asked as any other,
scored, and audited.

The table has each effect as planted (the mean over all possible societies), as taught (in the
lessons of these seeds), and as found, with the mean interval. `contains` counts the seeds whose
interval contains the planted effect. The truth about a planted model proves that the measures see
what they should, and nothing about other models.

python benchmarks/planted_knowledge.py --seeds 5 --out runs/planted-knowledge
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pluralign.aligning.planted import PlantedWriterSettings, build_small_model
from pluralign.asking import KnowledgeAsk, KnowledgePutting, put_knowledge
from pluralign.auditing import run_audit
from pluralign.core import Tally, rng_for
from pluralign.metrics import PairedMeans, ScoredAnswer, culture_fits, language_place_effects
from pluralign.runs import open_run
from pluralign.settings import KnowledgeSettings
from pluralign.settings.resolved_knowledge import ResolvedKnowledge
from pluralign.simulation import PlantedKnowledge, plant_knowledge
from pluralign.sources.knowledge_reading import PlacedQuestion
from pluralign.sources.row_files import RowPolicy
from pluralign.surveying import run_knowledge, score_folder

PLACES = ("~alder", "~birch", "~cedar", "~dogwood")
DEFAULT = PLACES[0]
ENGLISH = "en"


@dataclass(frozen=True)
class Size:
    """Size of the planted knowledge and of the model.

    Attributes:
        questions: Number of questions.
        fallback: Share of English questions that are answered as the default community.
        steps: Number of training steps.
        batch: Number of lessons in a step.
        places: Number of places.
    """

    questions: int = 60
    fallback: float = 0.4
    steps: int = 300
    batch: int = 128
    places: int = 4


@dataclass(frozen=True)
class PlantedSource:
    """Planted knowledge as a source of questions."""

    planted: PlantedKnowledge
    name: str = "planted"
    license: str | None = None
    skip_bad: bool = False

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """The questions; they are at no place in a file."""
        for question in self.planted.test().questions:
            policy.tally.read += 1
            policy.tally.kept += 1
            yield PlacedQuestion(question, question.where)


def people_answered_as(planted: PlantedKnowledge, seed: int, fallback: float):
    """Ask -> the community whose common answer the model is taught."""
    shape = len(planted.communities), len(planted.questions)
    falls_back = rng_for(seed, "falls back").random(shape)

    def people(ask: KnowledgeAsk) -> str:
        place = planted.communities.index(ask.community)
        question = planted.questions.index(ask.ask.question.id)
        if not ask.place_named:
            return DEFAULT
        english = ask.ask.language == ENGLISH
        return DEFAULT if english and falls_back[place, question] < fallback else ask.community

    return people


def all_asks(planted: PlantedKnowledge) -> list[KnowledgeAsk]:
    """Every question about every place, in its language and in English, named and not."""
    test = planted.test()
    return put_knowledge(test, test.questions, KnowledgePutting(place_named=(True, False)), Tally())


def lessons(
    planted: PlantedKnowledge, asks: Sequence[KnowledgeAsk], people
) -> tuple[list[tuple[str, str]], list[ScoredAnswer]]:
    """Prompts with the answers that the model is taught, and the scores of these answers."""
    talks, scored = [], []
    for ask in asks:
        question = planted.questions.index(ask.ask.question.id)
        answer = planted.common(people(ask), question)
        words = "\n".join(turn.content for turn in ask.ask.conversation)
        talks.append((words, planted.word(question, answer, ask.ask.language)))
        scored.append(
            ScoredAnswer(
                model="taught",
                question=ask.ask.question.id,
                topic=planted.topic_Q[question],
                community=ask.community,
                language=ask.ask.language,
                place_named=ask.place_named,
                form="short",
                credits=planted.credits(question, answer),
            )
        )
    return list(dict.fromkeys(talks)), scored


def build(folder: Path, talks: Sequence[tuple[str, str]], size: Size, seed: int) -> Mapping:
    """Train the model; its tokens are the words of the lessons."""
    known = dict.fromkeys(word for talk in talks for text in talk for word in text.split())
    settings = PlantedWriterSettings(
        steps=size.steps, batch=size.batch, replies_only=True, spread=0.15, seed=seed
    )
    return build_small_model(folder, list(known), talks, settings)


def ask(folder: Path, source: PlantedSource, out: Path, seed: int) -> None:
    """Ask the model by the ordinary respondent of local models, and score its answers."""
    settings = KnowledgeSettings(
        seed=seed,
        place="both",
        test={"source": "planted"},
        model={"kind": "local", "name": str(folder)},
        sampling={"max_new_tokens": 4},
    )
    run_knowledge(ResolvedKnowledge(settings, source, {}), out)
    score_folder(out, source)


def one_seed(folder: Path, seed: int, size: Size) -> dict[str, object]:
    """Plant, train, ask, score and audit.

    Args:
        folder: A folder for the model and its answers.
        seed: Seed of the society, the faults and the model.
        size: Their size.

    Returns:
        ``taught`` and ``found``: name of an effect -> `PairedMeans`; ``right``, the share of
        answers that are as taught; ``findings`` of the audit that are no notes.
    """
    planted = plant_knowledge(PLACES[: size.places], seed, questions=size.questions)
    asks = all_asks(planted)
    talks, taught = lessons(planted, asks, people_answered_as(planted, seed, size.fallback))
    build(folder / "model", talks, size, seed)
    ask(folder / "model", PlantedSource(planted), folder / "answers", seed)
    scored = open_run(folder / "answers").scored
    outcome = run_audit(folder / "answers", {"audits": ["knowledge"]})
    lesson = {key_of(one): dict(one.credits) for one in taught}
    return {
        "taught": effects_of(taught, planted.languages),
        "found": effects_of(scored, planted.languages),
        "right": float(np.mean([one.credits == lesson[key_of(one)] for one in scored])),
        "findings": [f for f in outcome.findings if f.severity != "note"],
    }


def key_of(one: ScoredAnswer) -> tuple[str, str, str, bool]:
    """The place, question, language and naming of an answer."""
    return one.community, one.question, one.language, one.place_named


def effects_of(
    scored: Sequence[ScoredAnswer], languages: Mapping[str, str]
) -> dict[tuple[str, str], PairedMeans]:
    """Kind of an effect and place -> its means."""
    found = {}
    for one in language_place_effects(scored, languages):
        english = "English" if one.language == ENGLISH else "own language"
        if one.kind == "language" and one.place_named:
            found["language", one.community] = one.means
        if one.kind == "naming":
            found[f"naming, {english}", one.community] = one.means
        if one.kind == "place" and not one.community:
            found["place, English", "all"] = one.means
    for fit in culture_fits(scored, languages):
        if not fit.place_named and fit.default == DEFAULT:
            found["default culture, unnamed", fit.community] = fit.lead
    return found


def planted_effects(fallback: float) -> dict[tuple[str, bool], float]:
    """Kind of an effect and whether the place is the default one -> its mean over societies.

    The only unknown is the credit that the common answer of one community has in another: it is
    measured on many questions.
    """
    planted = plant_knowledge(PLACES, seed=10_000, questions=4000)
    questions = range(len(planted.questions))
    elsewhere = [planted.credits(q, planted.common(DEFAULT, q)) for q in questions]
    gap = 1 - float(np.mean([one[place] for one in elsewhere for place in PLACES[1:]]))
    return {
        ("language", False): fallback * gap,
        ("language", True): 0.0,
        ("naming, own language", False): gap,
        ("naming, own language", True): 0.0,
        ("naming, English", False): (1 - fallback) * gap,
        ("naming, English", True): 0.0,
        ("place, English", False): (1 - fallback) * gap,
        ("default culture, unnamed", False): gap,
    }


def table(results: Sequence[Mapping[str, object]], fallback: float) -> Iterator[str]:
    """Lines of the table of effects."""
    yield "| effect | place | planted | taught | found | contains |"
    yield "|:--|:--|--:|--:|--:|--:|"
    for (kind, default), truth in planted_effects(fallback).items():
        pairs = [
            (result["taught"][key], means)
            for result in results
            for key, means in result["found"].items()
            if key[0] == kind and (key[1] == DEFAULT) == default
        ]
        taught = np.mean([one.difference.value for one, _ in pairs])
        value, low, high = (
            np.mean([getattr(means.difference, end) for _, means in pairs])
            for end in ("value", "low", "high")
        )
        within = sum(m.difference.low <= truth <= m.difference.high for _, m in pairs)
        place = "all" if kind.startswith("place") else "default" if default else "others"
        yield (
            f"| {kind} | {place} | {truth:.2f} | {taught:.2f} | {value:.2f} "
            f"[{low:.2f}, {high:.2f}] | {within} of {len(pairs)} |"
        )


def audited(results: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Lines with the findings of the audit, and in how many seeds each was made."""
    counts = Counter(
        (f.check, f.community, getattr(f.claim.values.get("other"), "id", ""))
        for result in results
        for f in result["findings"]
    )
    for (check, community, other), count in sorted(counts.items(), key=str):
        named = f" (names {other})" if other else ""
        yield f"* {check}, {community}{named}: {count} of {len(results)} seeds"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--fallback", type=float, default=0.4)
    parser.add_argument("--out", type=Path, help="folder to keep; a temporary one if unset")
    args = parser.parse_args()
    since, results, size = time.perf_counter(), [], Size(fallback=args.fallback)
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(args.seeds):
            folder = (args.out or Path(temporary)) / f"seed-{seed}"
            results.append(one_seed(folder, seed, size))
            print(f"seed {seed}: {100 * results[-1]['right']:.1f} % as taught", flush=True)
    print("\n".join(["", *table(results, args.fallback), "", *audited(results)]))
    print(f"\n{args.seeds} seeds, {time.perf_counter() - since:.0f} s")


if __name__ == "__main__":
    main()
