"""Write the asks of a survey by a strategy, one for each question, community, order and draw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pluralign.asking.culture_tables import CultureTables, culture_tables
from pluralign.asking.place_names import list_names, main_language, place_name
from pluralign.asking.strategies import Strategy, Translation, Words
from pluralign.core import (
    Ask,
    InvalidInput,
    Message,
    Survey,
    SurveyQuestion,
    Tally,
    render_question,
    rng_for,
)

_NEAR = 3
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Putting:
    """Options of asking that do not depend on the strategy.

    Attributes:
        numbering: The labels before the options: the question's ``codes``, or numbers from ``one``.
        orders: Number of orders of the options, >= 1. The first is the survey's own. For a scale
            (or where that is unknown) the second is its reverse; for options without an order the
            further ones are seeded shuffles. There are fewer where no more exist.
        paraphrases: Number of wordings, >= 1.
        draws: Number of times each ask is sampled, >= 1.
        seed: Seed of the shuffles.
        languages: Languages of the words of strategies that name a community: ``en``, ``local``
            (the main language of the community) or both, which makes one ask where they are the
            same. A strategy whose template has ``language = "local"`` is always asked locally.

    Raises:
        InvalidInput: If a number is below 1, or there is no language.
    """

    numbering: Literal["codes", "one"] = "codes"
    orders: int = 1
    paraphrases: int = 1
    draws: int = 1
    seed: int = 0
    languages: tuple[Words, ...] = ("en",)

    def __post_init__(self) -> None:
        if not self.languages:
            raise InvalidInput("languages must have en, local or both, got none")
        if min(self.orders, self.paraphrases, self.draws) < 1:
            numbers = (self.orders, self.paraphrases, self.draws)
            raise InvalidInput(f"orders, paraphrases and draws must be >= 1, got {numbers}")


def put(
    strategy: Strategy,
    survey: Survey,
    communities: Sequence[str],
    questions: Sequence[str] | None = None,
    *,
    cultures: CultureTables | None = None,
    putting: Putting | None = None,
    tally: Tally | None = None,
) -> list[Ask]:
    """Write the asks of questions for communities.

    The asks of one question follow each other, so that a respondent can read it once. A strategy
    that names no community asks each question once for all communities.

    Args:
        strategy: The strategy.
        survey: Questions, and the answers that self-alignment shows.
        communities: Ids of the communities to ask for.
        questions: Ids of the questions; all by default.
        cultures: Tables of similar cultures and near questions.
        putting: Numbering, orders, wordings and draws.
        tally: Counts the questions that are not asked.

    Raises:
        InvalidSettings: If the template has fewer wordings than asked for.
        InvalidInput: If a question is not in the survey.
    """
    putting, tally = putting or Putting(), tally if tally is not None else Tally()
    cultures = culture_tables(survey, cultures or CultureTables(), strategy.needs)
    wordings = strategy.wordings(putting.paraphrases)
    writer = _Writer(strategy, survey, cultures, putting)
    asks: list[Ask] = []
    for id_ in questions if questions is not None else survey.questions:
        question = survey.questions.get(id_)
        if question is None:
            raise InvalidInput(f"the survey has no question {id_!r}", where=survey.name)
        if len(question.options) < 2:
            tally.drop(f"question with one option: {id_}")
            continue
        for community_ in communities if strategy.names_community else (None,):
            asks += writer.asks(question, community_, wordings, tally)
    return asks


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a strategy, and the tag of their language."""

    language: str
    translation: Translation


@dataclass(frozen=True, slots=True)
class _Writer:
    strategy: Strategy
    survey: Survey
    cultures: CultureTables
    putting: Putting

    def asks(
        self,
        question: SurveyQuestion,
        community_: str | None,
        wordings: Mapping[str, str],
        tally: Tally,
    ) -> Iterator[Ask]:
        for words in self._translations(community_, tally):
            yield from self._worded(question, community_, words, wordings, tally)

    def _worded(
        self,
        question: SurveyQuestion,
        community_: str | None,
        words: _Words,
        wordings: Mapping[str, str],
        tally: Tally,
    ) -> Iterator[Ask]:
        """The asks in one language, for each order, wording and draw."""
        fields = self._fields(question, community_, words, tally)
        if fields is None:
            return
        if words.language != "en":
            wordings = {"": words.translation.user}
        for order in _orders(question, self.putting):
            shown = tuple(question.options[i] for i in order)
            labels = self._labels(question, order)
            options = render_question("", shown, labels).strip("\n")
            filled = fields | {"question": question.text, "options": options}
            for variant, user in wordings.items():
                turns = (("system", words.translation.system), ("user", user))
                written = [Message(role, text.format(**filled)) for role, text in turns if text]
                for draw in range(self.putting.draws):
                    yield Ask(
                        question=question,
                        conversation=tuple(written),
                        strategy=self.strategy.name,
                        community=community_,
                        order=order,
                        labels=labels,
                        variant=variant,
                        language=words.language,
                        draw=draw,
                        shows_gold=self.strategy.shows_gold,
                        machine_written=words.translation.machine_written,
                    )

    def _labels(self, question: SurveyQuestion, order: tuple[int, ...]) -> tuple[str, ...]:
        """Labels in the order shown, so that a label shows only where its option is in the list."""
        if self.putting.numbering == "one":
            return tuple(str(i + 1) for i in range(len(order)))
        return question.codes

    def _fields(
        self, question: SurveyQuestion, community_: str | None, words: _Words, tally: Tally
    ) -> dict[str, str] | None:
        """Values of the template's fields about the community; None where one cannot be filled."""
        needs, found = self.strategy.needs, {}
        if community_ is None:
            return {}
        found["culture"] = place_name(community_, words.language)
        if needs & {"nearest", "farthest"}:
            alike = self.cultures.similarity.get(community_, {})
            order = sorted(alike, key=lambda other: -alike[other])
            if len(order) < 2:
                tally.drop(f"no other cultures to compare {community_} with")
                return None
            found["nearest"] = _listed(order[:_NEAR], words.language)
            found["farthest"] = _listed(order[-_NEAR:][::-1], words.language)
        if "examples" in needs:
            examples = self._examples(question, community_, words.translation.answer)
            if not examples:
                tally.drop(f"no gold answers to show for {community_}")
                return None
            found["examples"] = "\n\n".join(examples)
        return found

    def _examples(self, question: SurveyQuestion, community_: str, answer: str) -> list[str]:
        """The nearest questions with options, and the answer that most of these people gave."""
        examples = []
        for id_ in self.cultures.neighbours.get(question.id, ()):
            answered = self.survey.distribution(id_, community_)
            near = self.survey.questions.get(id_)
            if answered is None or near is None or id_ == question.id or not any(answered.probs_O):
                continue
            labels = self._labels(near, tuple(range(len(near.options))))
            text = render_question(near.text, near.options, labels)
            examples.append(f"{text}\n{answer} {labels[answered.gold]}")
            if len(examples) == _EXAMPLES:
                break
        return examples

    def _translations(self, community_: str | None, tally: Tally) -> Iterator[_Words]:
        """The words in each language in which the community is asked for; each language once."""
        strategy = self.strategy
        english = _Words("en", Translation(strategy.user, strategy.system))
        languages = self.putting.languages if strategy.names_community else ("en",)
        if strategy.language == "local":
            languages = ("local",)
        tag = main_language(community_) if community_ is not None else None
        if "en" in languages or tag == "en":
            yield english
        if "local" in languages and tag != "en":
            if tag is not None and tag in strategy.translations:
                yield _Words(tag, strategy.translations[tag])
            else:
                tally.drop(f"no translation for {community_} ({tag or 'language not known'})")


def _orders(question: SurveyQuestion, putting: Putting) -> list[tuple[int, ...]]:
    own = tuple(range(len(question.options)))
    if question.ordered is not False:
        return [own, own[::-1]][: putting.orders]
    rng = rng_for(putting.seed, "order", question.id)
    found = dict.fromkeys([own])
    for _ in range(20 * putting.orders):
        if len(found) >= putting.orders:
            break
        found[tuple(rng.permutation(len(own)).tolist())] = None
    return list(found)


def _listed(communities: Sequence[str], language: str) -> str:
    return list_names([place_name(c, language) for c in communities], language)
