"""Knowledge questions: the life of a community, asked of its people, with the counts of answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pluralign.core.accepted_answers import AcceptedAnswer
from pluralign.core.errors import InvalidInput, InvalidQuestion, NotEnoughData
from pluralign.core.place_words import PlaceWords
from pluralign.core.printable import count_of, listed, quoted
from pluralign.core.stereotypes import StereotypeProbe


@dataclass(frozen=True, slots=True)
class KnowledgeQuestion:
    """A question about the life of a community, with the answers that its people gave.

    Attributes:
        id: Unique within a community; the same id in two communities is the same question.
        community: Id of the community whose people answered: ``IRN``, or a region ``NGA/north``.
        language: BCP 47 tag of the local language, such as ``fa``.
        texts: Language tag -> wording; in the local language, in English, or in more.
        answers: The accepted answers; in a question with options each is one of the options.
        options: Language tag -> options in one order; empty where the answer is free.
        topic: Subject of the question ("Food"); intervals may be clustered by it.
        unanswered: Reason -> number of people who gave no answer ("I don't know").
        people: Number of people asked; None where it was not published. One person may give
            several answers, so counts may add up to more.
        place: Language tag -> how questions of this test name the place, where its authors wrote
            that down.
        probe: How the question shows whether a stereotype is applied; None for other questions.

    Raises:
        InvalidQuestion: If the id or a text is missing, no answer is accepted, counts are given for
            some answers only, the options of two languages differ in number, or an answer is not
            exactly one of them in each language.

    >>> question = KnowledgeQuestion(
    ...     "food-1", "IRN", "fa", {"en": "What do children eat at school?"},
    ...     (AcceptedAnswer({"en": ("fruit",)}, 3), AcceptedAnswer({"en": ("cake",)}, 1)),
    ...     unanswered={"I don't know": 1},
    ... )
    >>> question.mentions, question.without_answer, question.most
    (4, 1, 3)
    """

    id: str
    community: str
    language: str
    texts: Mapping[str, str]
    answers: tuple[AcceptedAnswer, ...]
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    topic: str = ""
    unanswered: Mapping[str, int] = field(default_factory=dict)
    people: int | None = None
    place: Mapping[str, PlaceWords] = field(default_factory=dict, repr=False)
    probe: StereotypeProbe | None = None

    def __post_init__(self) -> None:
        self._check_texts()
        self._check_answers()
        self._check_options()
        self._check_people()
        if self.probe is not None:
            self.probe.check(self.options, self.where)

    @property
    def counted(self) -> bool:
        """Whether it is known how many people gave each answer."""
        return self.answers[0].count is not None

    @property
    def weights(self) -> tuple[int, ...]:
        """People behind each answer, aligned with ``answers``; 1 each where they are not known."""
        return tuple(1 if answer.count is None else answer.count for answer in self.answers)

    @property
    def mentions(self) -> int:
        """Number of answers given, by all people together."""
        return sum(self.weights)

    @property
    def most(self) -> int:
        """The number of people who gave the most common answer."""
        return max(self.weights)

    @property
    def without_answer(self) -> int:
        """The number of people who gave no answer."""
        return sum(self.unanswered.values())

    def text_in(self, language: str) -> str:
        """The wording in a language.

        Raises:
            InvalidInput: If there is none; the hint lists the languages.
        """
        if language not in self.texts:
            raise InvalidInput(
                f"the question has no text in {language!r}",
                where=self.where,
                hint=f"it has: {', '.join(self.texts)}",
            )
        return self.texts[language]

    @property
    def where(self) -> str:
        """The place of the question in messages."""
        return f"question {self.id}, community {self.community}"

    def _check_texts(self) -> None:
        if not self.id.strip():
            raise InvalidQuestion(
                "the id of a question must not be empty",
                reason="empty id",
                where=f"community {self.community}",
                hint="give each question an id of its own, such as food-1",
            )
        if not self.texts or not all(text.strip() for text in self.texts.values()):
            raise InvalidQuestion(
                "a question must have a text in each language",
                reason="question without a text",
                where=self.where,
            )

    def _check_answers(self) -> None:
        if not self.answers:
            raise InvalidQuestion(
                "a question must have an accepted answer",
                reason="no accepted answer",
                where=self.where,
            )
        if len({answer.count is None for answer in self.answers}) > 1:
            raise InvalidQuestion(
                "all answers must have counts of people, or none; got counts for some",
                reason="counts for some answers only",
                where=self.where,
                hint="give the number of people for each answer",
            )

    def _check_options(self) -> None:
        if len({len(options) for options in self.options.values()}) > 1:
            raise InvalidQuestion(
                "two languages differ in number of options",
                reason="languages differ in number of options",
                where=self.where,
            )
        for language, options in self.options.items():
            if len(options) < 2 or len(set(options)) < len(options) or not all(options):
                raise InvalidQuestion(
                    f"the options in {language!r} must be two or more, all different, none empty",
                    reason="options are few, doubled or empty",
                    where=self.where,
                )
            for answer in self.answers:
                self._check_option(answer, language)

    def _check_option(self, answer: AcceptedAnswer, language: str) -> None:
        """Check that an answer is exactly one of the options in a language."""
        options = self.options[language]
        variants = set(answer.variants_in(language))
        missing = sorted(variants - set(options))
        if missing:
            raise InvalidQuestion(
                f"the accepted answer {quoted(missing[0]):.80} is not among the options",
                reason="answer is not among the options",
                where=self.where,
                hint=f"the options are: {', '.join(options)[:200]}",
            )
        if len(variants) > 1:
            raise InvalidQuestion(
                f"one answer must be one option in {language!r}, got {len(variants)}: "
                f"{', '.join(sorted(variants))[:80]}",
                reason="one answer is several options",
                where=self.where,
                hint="write an answer for each option, with the number of people who chose it",
            )
        if not variants:
            shown = next(text for found in answer.variants.values() for text in found)
            raise InvalidQuestion(
                f"the accepted answer {quoted(shown):.80} has no option in {language!r}",
                reason="answer without an option in a language",
                where=self.where,
                hint=f"write which option in {language!r} it is, or leave out these options",
            )

    def _check_people(self) -> None:
        if any(count < 0 for count in self.unanswered.values()):
            raise InvalidQuestion(
                "people without an answer must be >= 0",
                reason="count of people is not valid",
                where=self.where,
            )
        if self.people is None:
            return
        if self.people < 1:
            raise InvalidQuestion(
                "a question must have been asked of someone",
                reason="nobody asked",
                where=self.where,
            )
        heard = self.most if self.counted else 0
        if heard + self.without_answer > self.people:
            raise InvalidQuestion(
                f"{count_of(heard, 'person', 'people')} gave the most common answer and "
                f"{self.without_answer} gave none, but only "
                f"{count_of(self.people, 'person was', 'people were')} asked",
                reason="more people answered than were asked",
                where=self.where,
                hint="correct the counts, or leave out the number of people",
            )


@dataclass(frozen=True, slots=True)
class KnowledgeTest:
    """Knowledge questions of one or several communities.

    Attributes:
        name: Name of the test.
        questions: The questions, in the order of the source.
        license: Its licence; None where not stated.
        communities: Ids of the communities, sorted; derived from the questions.

    Raises:
        InvalidInput: If two questions of one community have the same id.
        NotEnoughData: If there are no questions.
    """

    name: str
    questions: tuple[KnowledgeQuestion, ...]
    license: str | None = None
    communities: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _index: Mapping[tuple[str, str], KnowledgeQuestion] = field(
        init=False, repr=False, compare=False
    )

    def __repr__(self) -> str:
        asked = count_of(len(self.questions), "question")
        return f"KnowledgeTest({self.name}: {asked} of {listed(self.communities)})"

    def __post_init__(self) -> None:
        if not self.questions:
            raise NotEnoughData("the test has no questions", where=self.name)
        index: dict[tuple[str, str], KnowledgeQuestion] = {}
        for question in self.questions:
            key = (question.id, question.community)
            if key in index:
                raise InvalidInput(
                    "two questions of one community have the same id",
                    where=f"{self.name}, {question.where}",
                )
            index[key] = question
        object.__setattr__(self, "_index", index)
        object.__setattr__(
            self, "communities", tuple(sorted({q.community for q in self.questions}))
        )

    def question(self, id_: str, community: str) -> KnowledgeQuestion | None:
        """The question with this id as asked in a community; None if it was not asked there."""
        return self._index.get((id_, community))

    def of(self, community: str) -> tuple[KnowledgeQuestion, ...]:
        """The questions of a community, in order."""
        return tuple(q for q in self.questions if q.community == community)


def place_names(questions: Iterable[KnowledgeQuestion]) -> dict[str, dict[str, str]]:
    """The names that a test gives to its places: community -> language -> name.

    Communities without a name of their own are left out.
    """
    found: dict[str, dict[str, str]] = {}
    for question in questions:
        if question.place and question.community not in found:
            names = {tag: words.name for tag, words in question.place.items()}
            found[question.community] = names
    return found
