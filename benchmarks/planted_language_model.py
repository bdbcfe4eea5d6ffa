"""Train the small language model on a planted society, and test its knowledge.

    python benchmarks/planted_language_model.py [FOLDER] [--small]

Without a folder the model is discarded. The table compares the probability of every option of a
survey that the model has not seen with the planted one; the last lines report how well it writes
its own questions.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from pluralign.asking import load_strategy, put
from pluralign.cli.screen import Screen
from pluralign.core import Tally
from pluralign.methods.culturespa import (
    GenerationConfig,
    filter_questions,
    generate_questions,
    topics_of,
)
from pluralign.pluralising.planted import (
    build_planted_model,
    exact_survey,
    held_out_survey,
    planted_chances,
)
from pluralign.pluralising.planted.lessons import similarity_of
from pluralign.respondents.local import LikelihoodRespondent, load_chat_model
from pluralign.settings import (
    SMALL,
    PlantedModelSettings,
)
from pluralign.simulation import default_society


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--small", action="store_true", help="the size that the tests use")
    given = parser.parse_args()
    settings = SMALL if given.small or given.folder is None else PlantedModelSettings()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "planted"
        with Screen() as screen:
            card = build_planted_model(folder, settings, screen)
        print(f"\n{card['parameters']:,} parameters, {card['seconds']:.0f} s\n{card['about']}\n")
        show_answers(folder, settings)
        show_writing(folder)


def show_answers(folder: Path, settings: PlantedModelSettings) -> None:
    chat = load_chat_model(str(folder))
    survey = held_out_survey(settings)
    truth = exact_survey(default_society(), list(survey.questions.values()))
    print(
        "strategy                  community   distance to what was planted   likeliest option as "
        "planted"
    )
    for name in settings.strategies:
        asks = put(load_strategy(name), truth, truth.communities, cultures=similarity_of(settings))
        replies = LikelihoodRespondent(chat).answer(asks)
        for community in dict.fromkeys(ask.community for ask in asks):
            told = [
                (np.array(r.probs_O), planted_chances(truth, a, settings))
                for a, r in zip(asks, replies, strict=True)
                if a.community == community
            ]
            away = np.array([abs(p - q).sum() / 2 for p, q in told])
            same = np.mean([p.argmax() == q.argmax() for p, q in told])
            print(
                f"{name:25} {community or '-':11} {away.mean():.3f} (total variation)          "
                f"{100 * same:.0f} %"
            )


def show_writing(folder: Path, n: int = 200) -> None:
    tally, dropped = Tally(), Tally()
    config = GenerationConfig(per_topic=n, round_size=50)
    rows = generate_questions(
        load_chat_model(str(folder)),
        topics_of(held_out_survey(PlantedModelSettings())),
        config,
        tally=tally,
    )
    kept = filter_questions(rows, dropped)
    readable = sum("question" in row for row in rows)
    print(
        f"\nwrote {len(rows)} texts, {readable} of them questions, {len(kept)} kept; dropped: "
        f"{dict(dropped.dropped)}"
    )
    for question in kept[:3]:
        print(f"  {question.text} {list(question.options)}")


if __name__ == "__main__":
    main()
