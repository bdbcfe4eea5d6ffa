"""A society whose truth is known: communities with planted tastes, their pairs and surveys."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from pluralign.core import (
    WORLD,
    FloatArray,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    Survey,
    SurveyQuestion,
    UnknownCommunity,
    rng_for,
)
from pluralign.simulation.bank import PROMPTS, TRAITS
from pluralign.simulation.people import Raters, SimulatedCommunity, draw_raters
from pluralign.simulation.probes import Probe, draw_probes
from pluralign.simulation.questions import (
    LICENSE,
    count_answers,
    draw_questions,
    option_traits,
    softmax,
)
from pluralign.simulation.texts import check_traits, draw_replies, log_words, read_traits

_TOPIC_PROMPTS = tuple((topic, text) for topic, texts in PROMPTS.items() for text in texts)


@dataclass(frozen=True, slots=True)
class Society:
    """Communities with planted tastes, from which pairs and surveys are drawn.

    A rater r of a community chooses reply a over b, where a is shown first, with probability
    ``sigma(reliability_r * (u_r(a) - u_r(b)) + position)``. The utility u_r is the rater's taste
    for the traits shown plus the length bias. The raters depend on ``seed`` only; the replies that
    they compare depend on the generator given.

    Attributes:
        communities: The communities, with distinct ids.
        traits: Traits that replies may show.
        panel: Number of people on the ``~world`` panel, drawn from all communities in proportion to
            population.
        seed: Seed of the raters.

    Raises:
        InvalidInput: If there are no communities, ids repeat or are ``~world``, or a trait is
            unknown.
    """

    communities: tuple[SimulatedCommunity, ...]
    traits: tuple[str, ...] = TRAITS
    panel: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        ids = [c.id for c in self.communities]
        if not ids or len(set(ids)) != len(ids) or WORLD.id in ids:
            raise InvalidInput(
                f"communities must be at least one, with distinct ids other than {WORLD.id}, "
                f"got {ids}"
            )
        check_traits(self.traits)
        weighed: set[str] = set()
        for home in self.communities:
            weighed.update(home.taste.weights)
        missing = sorted(weighed - set(self.traits))
        if missing:
            raise InvalidInput(
                f"the tastes' traits must be the society's traits, got also {missing}"
            )
        if sum(c.population for c in self.communities) <= 0 or self.panel < 1:
            raise InvalidInput(
                "the populations must sum to more than 0, and the panel must have people"
            )

    @property
    def shares(self) -> dict[str, float]:
        """Community id -> its part of the population; the parts sum to 1."""
        total = sum(c.population for c in self.communities)
        return {c.id: c.population / total for c in self.communities}

    def raters(self, community: str) -> Raters:
        """The people who compare in a community, or on the ``~world`` panel; always the same ones.

        Raises:
            UnknownCommunity: If the society has no such community.
        """
        rng = rng_for(self.seed, "raters", community)
        if community == WORLD.id:
            drawn = rng.choice(len(self.communities), size=self.panel, p=list(self.shares.values()))
            return draw_raters(community, [self.communities[i] for i in drawn], self.traits, rng)
        home = self._home(community)
        return draw_raters(community, [home] * home.n_raters, self.traits, rng)

    def pairs(
        self, n_per_community: int | Mapping[str, int], rng: np.random.Generator
    ) -> list[PreferencePair]:
        """Draw pairs of replies, and the choices of raters.

        Args:
            n_per_community: Number of pairs for each community, or community id (``~world``, too)
                -> number of pairs.
            rng: Generator of the draws.

        Returns:
            Pairs, community by community. ``stem`` is the topic; ``extra["first"]`` names the reply
            that was shown first, "chosen" or "rejected"; `read_traits` reads the traits of a reply.

        Raises:
            UnknownCommunity: If the society has no such community.
            InvalidInput: If a number is negative.
        """
        wanted = n_per_community
        if not isinstance(wanted, Mapping):
            wanted = {c.id: wanted for c in self.communities}
        pairs: list[PreferencePair] = []
        for id_, n in wanted.items():
            pairs += self._compare(id_, n, rng)
        return pairs

    def utilities(self, replies: Sequence[str], community: str) -> FloatArray:
        """The utility of each reply for a community, with the length bias.

        The utility for ``~world`` is the mean over all people.

        Args:
            replies: Texts; phrases that are not in the bank count by their length only.
            community: Id of the community.

        Returns:
            Utilities in logits, shape (N,).

        Raises:
            UnknownCommunity: If the society has no such community.
        """
        shares = self.shares if community == WORLD.id else {self._home(community).id: 1.0}
        homes = [(self._home(id_), share) for id_, share in shares.items()]
        taste_D = sum(share * home.taste.of(self.traits) for home, share in homes)
        length = sum(share * home.bias.length for home, share in homes)
        taste_N = read_traits(replies, self.traits) @ taste_D
        utility_N: FloatArray = taste_N + length * log_words(replies)
        return utility_N

    def true_margin(self, pair: PreferencePair, community: str) -> float:
        """The true margin of the chosen reply for ``community``, in logits.

        It is negative where the rater chose against the community's taste.

        Raises:
            UnknownCommunity: If the society has no such community.
        """
        chosen, rejected = self.utilities([pair.chosen, pair.rejected], community)
        return float(chosen - rejected)

    def best_possible_accuracy(self, pairs: Sequence[PreferencePair]) -> float:
        """The expected accuracy of a model that knows the truth, but not the rater and the order.

        Args:
            pairs: Pairs of this society; each is judged by the raters of its own community.

        Returns:
            The ceiling for these pairs, in [0.5, 1]: no reward model has a higher expected
            accuracy. It is computed from the planted truth, not measured, so it has no interval.

        Raises:
            NotEnoughData: If there are no pairs.
            UnknownCommunity: If a pair's community is not of this society.
        """
        if not pairs:
            raise NotEnoughData("a ceiling needs at least one pair")
        by_community: dict[str, list[PreferencePair]] = {}
        for pair in pairs:
            by_community.setdefault(pair.community, []).append(pair)
        chance_N = np.concatenate([self._chances(c, own) for c, own in by_community.items()])
        return float(np.maximum(chance_N, 1 - chance_N).mean())

    def probe(self, per_trait: int = 8) -> list[Probe]:
        """Replies that differ in one trait only, to measure a reward model's taste.

        The probes are always the same.

        Args:
            per_trait: Number of probes for each trait, over different prompts and wordings.

        Returns:
            The probes, trait by trait.
        """
        return draw_probes(self.traits, per_trait, rng_for(self.seed, "probe"))

    def survey(self, n_questions: int, n_people: int, rng: np.random.Generator) -> Survey:
        """Draw closed questions, half of them on a scale, and the answers of each community.

        Args:
            n_questions: Number of questions, >= 1.
            n_people: Number of people who answer each question in each community, >= 1.
            rng: Generator of the draws.

        Returns:
            The survey, without ``~world``.

        Raises:
            InvalidInput: If a number is below 1.
        """
        if n_questions < 1 or n_people < 1:
            raise InvalidInput(
                f"n_questions and n_people must be >= 1, got {n_questions} and {n_people}"
            )
        questions = draw_questions(self.traits, n_questions, rng)
        answers = []
        for question, home in itertools.product(questions, self.communities):
            shares_O = self.true_shares(question, home.id)
            answers.append(count_answers(question.id, home.id, shares_O, n_people, rng))
        return Survey("society", {q.id: q for q in questions}, tuple(answers), license=LICENSE)

    def true_shares(self, question: SurveyQuestion, community: str) -> FloatArray:
        """Share of people in ``community`` who give each option of a question, shape (O,).

        Raises:
            UnknownCommunity: If the society has no such community.
        """
        if community == WORLD.id:
            parts = [s * self.true_shares(question, c) for c, s in self.shares.items()]
            mixed_O: FloatArray = np.sum(parts, axis=0)
            return mixed_O
        taste_D = self._home(community).taste.of(self.traits)
        return softmax(option_traits(question, self.traits) @ taste_D)

    def _home(self, id_: str) -> SimulatedCommunity:
        for home in self.communities:
            if home.id == id_:
                return home
        known = ", ".join(c.id for c in self.communities)
        raise UnknownCommunity(
            f"the society has no community {id_!r}", hint=f"it has {known} and {WORLD.id}"
        )

    def _compare(self, community: str, n: int, rng: np.random.Generator) -> list[PreferencePair]:
        if n < 0:
            raise InvalidInput(
                f"the number of pairs must be >= 0, got {n}", where=f"community {community}"
            )
        people = self.raters(community)
        first, second = draw_replies(self.traits, n, rng)
        rater_N = rng.integers(len(people.ids), size=n)
        z_N_D = read_traits(first, self.traits) - read_traits(second, self.traits)
        utility_N = (z_N_D * people.taste_R_D[rater_N]).sum(axis=1)
        utility_N += people.length_R[rater_N] * (log_words(first) - log_words(second))
        chance_N = expit(people.reliability_R[rater_N] * utility_N + people.position_R[rater_N])
        choice_N = rng.random(n) < chance_N
        asked_N = rng.integers(len(_TOPIC_PROMPTS), size=n)
        pairs = []
        for i, takes_first in enumerate(choice_N):
            topic, prompt = _TOPIC_PROMPTS[asked_N[i]]
            chosen, rejected = (first[i], second[i]) if takes_first else (second[i], first[i])
            pair = PreferencePair(
                id=f"{community}/{i:05d}",
                prompt=prompt,
                chosen=chosen,
                rejected=rejected,
                community=community,
                rater=people.ids[rater_N[i]],
                stem=topic,
                language="en",
                source="society",
                license=LICENSE,
                extra={"first": "chosen" if takes_first else "rejected"},
            )
            pairs.append(pair)
        return pairs

    def _chances(self, community: str, pairs: Sequence[PreferencePair]) -> FloatArray:
        """Probability that a rater of ``community`` makes the same choice, shape (N,)."""
        people = self.raters(community)
        chosen, rejected = [p.chosen for p in pairs], [p.rejected for p in pairs]
        z_N_D = read_traits(chosen, self.traits) - read_traits(rejected, self.traits)
        utility_N_R = z_N_D @ people.taste_R_D.T
        utility_N_R += np.outer(log_words(chosen) - log_words(rejected), people.length_R)
        pull_N_R = people.reliability_R * utility_N_R
        chance_N_R = (expit(pull_N_R + people.position_R) + expit(pull_N_R - people.position_R)) / 2
        chance_N: FloatArray = chance_N_R.mean(axis=1)
        return chance_N
