"""Write the asks of a test of knowledge: each question in its languages, forms and ways to name."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pluralign.asking.knowledge_options import NoOptions, OptionDrawer, ShownOptions
from pluralign.asking.knowledge_templates import Template, template
from pluralign.asking.place_names import place_name
from pluralign.asking.unnamed_places import without_place
from pluralign.core import (
    AnswerForm,
    Ask,
    InvalidInput,
    KnowledgeAnswer,
    KnowledgeQuestion,
    KnowledgeTest,
    Message,
    OpenQuestion,
    Reply,
    SurveyQuestion,
    Tally,
    listed,
    option_labels,
    render_question,
    rng_for,
)
from pluralign.metrics.answer_matching import Stems

_STILL_NAMED = "question that names its place in words that cannot be left out"


@dataclass(frozen=True, slots=True)
class KnowledgePutting:
    """How the questions of a test of knowledge are put.

    Attributes:
        languages: BCP 47 tags; None for every language that a question has.
        place_named: For each way to put a question: whether the words name the place.
        forms: ``short`` for answers in the respondent's own words, ``options`` for one of several.
        options: Number of options where they are drawn, >= 3.
        shows_options: Whether the words show the options. Without them each option can be scored as
            the answer in words, by its likelihood.
        draws: Number of times each ask is sampled, >= 1.
        seed: Seed of the options, of their order, and of the questions drawn.
        limit: Number of questions about each community, >= 1, drawn among those that can be asked,
            in one order for all communities. None for all.

    Raises:
        InvalidInput: If a number is too small, or a list is empty.
    """

    languages: tuple[str, ...] | None = None
    place_named: tuple[bool, ...] = (True,)
    forms: tuple[AnswerForm, ...] = ("short",)
    options: int = 4
    shows_options: bool = True
    draws: int = 1
    seed: int = 0
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.draws < 1 or self.options < 3:
            raise InvalidInput(
                f"draws must be >= 1 and options >= 3, got {self.draws} and {self.options}"
            )
        if self.limit is not None and self.limit < 1:
            raise InvalidInput(f"limit must be >= 1, got {self.limit}")
        if self.languages == () or not self.place_named or not self.forms:
            raise InvalidInput("languages, place_named and forms must not be empty")


@dataclass(frozen=True, slots=True)
class KnowledgeAsk:
    """An ask of a knowledge question, and further parts of its record.

    Attributes:
        ask: The ask. Its community is None where the words do not name the place; the name of its
            wording is the community then.
        community: Id of the community asked about, named or not.
        form: Form of the answer.
        place_named: Whether the words name the place.
        option_communities: Id of the community whose common answer each option is.
        template: The words around the question.
    """

    ask: Ask
    community: str
    form: AnswerForm
    place_named: bool
    option_communities: tuple[str, ...]
    template: Template

    def answered(self, model: str, reply: Reply) -> KnowledgeAnswer:
        """The record of a reply to this ask.

        Args:
            model: Name of the respondent.
            reply: Its reply.
        """
        return KnowledgeAnswer(
            model=model,
            question=self.ask.question.id,
            community=self.community,
            text=reply.text,
            language=self.ask.language,
            place_named=self.place_named,
            form=self.form,
            options=self.ask.shown,
            option_communities=self.option_communities,
            labels=self.ask.labels,
            draw=self.ask.draw,
            log_probs=reply.log_probs_O or (),
            finish_reason=reply.finish_reason,
            not_sent=reply.not_sent,
        )


def put_knowledge(
    test: KnowledgeTest,
    questions: Sequence[KnowledgeQuestion],
    putting: KnowledgePutting,
    tally: Tally,
    stems: Stems | None = None,
) -> list[KnowledgeAsk]:
    """Write the asks of knowledge questions.

    Args:
        test: The test, from which the options of questions without options are drawn.
        questions: The questions to ask.
        putting: Languages, forms and ways to name the place.
        tally: Counts the asks that cannot be made, by reason; its advice names questions whose
            place cannot be left out. With a limit, questions after the last one drawn are not
            counted.
        stems: Stems of words, by which two options may be the same answer.
    """
    writer = _Writer(putting, OptionDrawer(test, putting.options, stems), tally)
    if putting.limit is None:
        asks = [ask for question in questions for ask in writer.asks(question)]
    else:
        asks = _drawn_asks(questions, writer, putting.limit)
    tally.advice += _advice_on_places(writer.still_named)
    return asks


def _drawn_asks(
    questions: Sequence[KnowledgeQuestion], writer: "_Writer", limit: int
) -> list[KnowledgeAsk]:
    """The asks of the first questions of each community that can be asked, in an order by chance.

    The order of the ids is the same for all communities. The asks are in the order of the test.
    """
    ids = list(dict.fromkeys(question.id for question in questions))
    order = rng_for(writer.putting.seed, "questions").permutation(len(ids)).tolist()
    rank = {ids[i]: position for position, i in enumerate(order)}
    drawn: Counter[str] = Counter()
    asks: dict[tuple[str, str], list[KnowledgeAsk]] = {}
    for question in sorted(questions, key=lambda question: rank[question.id]):
        if drawn[question.community] == limit:
            continue
        own = list(writer.asks(question))
        asks[question.community, question.id] = own
        drawn[question.community] += bool(own)
    return [ask for q in questions for ask in asks.get((q.community, q.id), ())]


def _advice_on_places(still_named: Mapping[str, Sequence[KnowledgeQuestion]]) -> Iterator[str]:
    """For each language a sentence with the first questions whose place cannot be left out."""
    for language, questions in still_named.items():
        names = list(dict.fromkeys(f"{q.id} ({q.community})" for q in questions))
        yield (
            f"questions in {language} that still name their place when its phrases are left out: "
            f"{listed(names)}; reword them, or add to the phrases of their place in the test"
        )


@dataclass(frozen=True, slots=True)
class _Posed:
    """A question in one language and one form, with the options shown."""

    question: KnowledgeQuestion
    language: str
    form: AnswerForm
    shown: ShownOptions

    def asked(self, text: str) -> SurveyQuestion | OpenQuestion:
        """The question as respondents get it, in these words."""
        if self.form == "short":
            return OpenQuestion(self.question.id, text)
        labels = option_labels(len(self.shown.texts))
        return SurveyQuestion(self.question.id, text, self.shown.texts, codes=labels)


@dataclass(frozen=True, slots=True)
class _Writer:
    putting: KnowledgePutting
    drawer: OptionDrawer
    tally: Tally
    still_named: dict[str, list[KnowledgeQuestion]] = field(default_factory=dict)

    def asks(self, question: KnowledgeQuestion) -> Iterator[KnowledgeAsk]:
        for posed in self._posed(question):
            for named in self.putting.place_named:
                text = question.texts[posed.language]
                if not named:
                    own = question.place.get(posed.language)
                    text = without_place(text, posed.language, question.community, own) or ""
                if text:
                    yield from self._drawn(posed, named, text)
                else:
                    self.tally.drop(f"{_STILL_NAMED} in {posed.language}")
                    self.still_named.setdefault(posed.language, []).append(question)

    def _posed(self, question: KnowledgeQuestion) -> Iterator[_Posed]:
        for language in self.putting.languages or question.texts:
            if language not in question.texts:
                self.tally.drop(f"question without a text in {language}")
                continue
            for form in self.putting.forms:
                try:
                    yield _Posed(question, language, form, self._options(question, language, form))
                except NoOptions as reason:
                    self.tally.drop(f"question without options ({reason}) in {language}")

    def _options(
        self, question: KnowledgeQuestion, language: str, form: AnswerForm
    ) -> ShownOptions:
        if form == "short":
            return ShownOptions(())
        rng = rng_for(self.putting.seed, "options", question.community, question.id, language)
        return self.drawer.draw(question, language, rng)

    def _drawn(self, posed: _Posed, named: bool, text: str) -> Iterator[KnowledgeAsk]:
        shows = posed.form == "options" and self.putting.shows_options
        words = template("options" if shows else "short", posed.language, named)
        community = posed.question.community
        own = posed.question.place.get(words.language)
        fields = {
            "question": text,
            "options": _listed(posed.shown.texts),
            "place": place_name(community, words.language, own.name if own else ""),
        }
        for draw in range(self.putting.draws):
            ask = Ask(
                question=posed.asked(text),
                conversation=_conversation(words, fields),
                strategy=posed.form,
                community=community if named else None,
                variant="" if named else community,
                language=posed.language,
                draw=draw,
                machine_written=words.machine_written,
            )
            yield KnowledgeAsk(ask, community, posed.form, named, posed.shown.communities, words)


def _listed(options: Sequence[str]) -> str:
    return render_question("", options, option_labels(len(options))).strip("\n")


def _conversation(words: Template, fields: Mapping[str, str]) -> tuple[Message, ...]:
    user = Message("user", words.text.format(**fields))
    return (Message("system", words.system), user) if words.system else (user,)
