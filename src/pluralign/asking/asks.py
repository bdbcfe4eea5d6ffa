"""Write the asks of a survey by a strategy, one for each question, community, order and draw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pluralign.asking.culture_tables import CultureTables, culture_tables
from pluralign.asking.strategies import Strategy
from pluralign.core import (
    Ask,
    InvalidInput,
    Message,
    Survey,
    SurveyQuestion,
    Tally,
    community,
    render_question,
    rng_for,
    with_article,
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

    Raises:
        InvalidInput: If a number is below 1.
    """

    numbering: Literal["codes", "one"] = "codes"
    orders: int = 1
    paraphrases: int = 1
    draws: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
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
        fields = self._fields(question, community_, tally)
        if fields is None:
            return
        language, system, translated = self._language(community_, tally)
        if language is None:
            return
        for order in _orders(question, self.putting):
            shown = tuple(question.options[i] for i in order)
            labels = self._labels(question, order)
            options = render_question("", shown, labels).strip("\n")
            filled = fields | {"question": question.text, "options": options}
            for variant, user in (wordings if translated is None else {"": translated}).items():
                turns = (("system", system), ("user", user))
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
                        language=language,
                        draw=draw,
                        shows_gold=self.strategy.shows_gold,
                    )

    def _labels(self, question: SurveyQuestion, order: tuple[int, ...]) -> tuple[str, ...]:
        """Labels in the order shown, so that a label shows only where its option is in the list."""
        if self.putting.numbering == "one":
            return tuple(str(i + 1) for i in range(len(order)))
        return question.codes

    def _fields(
        self, question: SurveyQuestion, community_: str | None, tally: Tally
    ) -> dict[str, str] | None:
        """Values of the template's fields about the community; None where one cannot be filled."""
        needs, found = self.strategy.needs, {}
        if community_ is None:
            return {}
        found["culture"] = _name(community_)
        if needs & {"nearest", "farthest"}:
            alike = self.cultures.similarity.get(community_, {})
            order = sorted(alike, key=lambda other: -alike[other])
            if len(order) < 2:
                tally.drop(f"no other cultures to compare {community_} with")
                return None
            found["nearest"] = _listed(order[:_NEAR])
            found["farthest"] = _listed(order[-_NEAR:][::-1])
        if "examples" in needs:
            examples = self._examples(question, community_)
            if not examples:
                tally.drop(f"no gold answers to show for {community_}")
                return None
            found["examples"] = "\n\n".join(examples)
        return found

    def _examples(self, question: SurveyQuestion, community_: str) -> list[str]:
        """The nearest questions with options, and the answer that most of these people gave."""
        examples = []
        for id_ in self.cultures.neighbours.get(question.id, ()):
            answered = self.survey.distribution(id_, community_)
            near = self.survey.questions.get(id_)
            if answered is None or near is None or id_ == question.id or not any(answered.probs_O):
                continue
            labels = self._labels(near, tuple(range(len(near.options))))
            text = render_question(near.text, near.options, labels)
            examples.append(f"{text}\nAnswer: {labels[answered.gold]}")
            if len(examples) == _EXAMPLES:
                break
        return examples

    def _language(self, community_: str | None, tally: Tally) -> tuple[str | None, str, str | None]:
        """The language, its system turn, and its user turn where the template is translated."""
        strategy = self.strategy
        if not strategy.translations or community_ is None:
            return "en", strategy.system, None
        tag = main_language(community_)
        if tag == "en":
            return "en", strategy.system, strategy.user
        if tag is None or tag not in strategy.translations:
            tally.drop(f"no translation for {community_} ({tag or 'language not known'})")
            return None, "", None
        return tag, *strategy.translations[tag]


@lru_cache(maxsize=1024)
def main_language(community_: str) -> str | None:
    """The main official language of a country, from Unicode's CLDR; None where it is not known.

    >>> main_language("MEX"), main_language("~yoruba")
    ('es', None)
    """
    import pycountry
    from babel.languages import get_official_languages

    known = community(community_)
    if known.languages:
        return known.languages[0]
    country = pycountry.countries.get(alpha_3=known.country) if known.country else None
    found = get_official_languages(country.alpha_2, de_facto=True) if country else ()
    return str(found[0]).partition("_")[0] if found else None


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


def _name(community_: str) -> str:
    """A community's name within a sentence."""
    return with_article(community(community_).name)


def _listed(communities: Sequence[str]) -> str:
    names = [_name(c) for c in communities]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
