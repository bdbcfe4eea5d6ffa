"""Read all sources, count their rows, and keep at most a limited number of pairs."""

import hashlib
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace

from pluralign.core import (
    NotEnoughData,
    PairSource,
    PreferencePair,
    Tally,
    count_of,
    listed,
    prompt_text,
    rng_for,
)
from pluralign.sources.stems import MOST_STEMS, shared_stems

_WITHDREW = "choices of people who withdrew"
_OVER = "over the limit (a seeded sample is kept)"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Pairs and their sources.

    Attributes:
        pairs: All pairs, with unique ids.
        tallies: The tally of each source, in order.
        source_N: Index of the source of each pair.
        fingerprint: SHA-256 over sources, ids, texts, questions, communities, raters and weights,
            in order; and over flips, where choices are private.
    """

    pairs: tuple[PreferencePair, ...]
    tallies: tuple[Tally, ...]
    source_N: tuple[int, ...]
    fingerprint: str

    def __repr__(self) -> str:
        communities = sorted({pair.community for pair in self.pairs})
        return f"Loaded({count_of(len(self.pairs), 'pair')} of {listed(communities)})"

    def people(self) -> dict[str, dict[str, int | None]]:
        """Community -> its numbers of pairs and raters, sorted.

        Raters are None where answers were only published as shares.
        """
        pairs = Counter(p.community for p in self.pairs)
        raters: dict[str, set[str]] = {}
        for p in self.pairs:
            if p.rater is not None:
                raters.setdefault(p.community, set()).add(p.rater)
        return {
            c: {"pairs": n, "raters": len(raters[c]) if c in raters else None}
            for c, n in sorted(pairs.items())
        }


def load_pairs(
    sources: Sequence[PairSource],
    limit: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
    withdrawn: Container[str] = (),
) -> Loaded:
    """Stream all sources, and keep a seeded sample of the pairs if they exceed the limit.

    Memory is bounded by the limit, however long the files are.

    Args:
        sources: The sources to read.
        limit: Most pairs to keep, >= 1.
        seed: Seed of the sample.
        progress: Called with the number of pairs read so far, every thousand pairs.
        withdrawn: Raters whose pairs are left out, as if the sources had never had them.

    Raises:
        NotEnoughData: If a source has no pair that can be used; the error names the reasons with
            their counts.
        InvalidInput: If a row cannot be read.
    """
    tallies = tuple(Tally() for _ in sources)
    rng = rng_for(seed, "sample")
    kept: list[PreferencePair] = []
    source_N: list[int] = []
    for count, (k, pair) in enumerate(_stream(sources, tallies, withdrawn)):
        if progress is not None and count % 1000 == 0:
            progress(count)
        if len(kept) < limit:
            kept.append(pair)
            source_N.append(k)
            continue
        # Reservoir sampling: every pair so far is kept with the same probability.
        slot = int(rng.integers(count + 1))
        out = k
        if slot < limit:
            out, source_N[slot], kept[slot] = source_N[slot], k, pair
        tallies[out].made -= 1
        tallies[out].leave_out(_OVER)
    fingerprint = _fingerprint(kept, source_N)
    pairs = _with_stems(_unique_ids(kept, source_N))
    return Loaded(pairs, tallies, tuple(source_N), fingerprint)


def _stream(
    sources: Sequence[PairSource], tallies: Sequence[Tally], withdrawn: Container[str]
) -> Iterator[tuple[int, PreferencePair]]:
    for k, (source, tally) in enumerate(zip(sources, tallies, strict=True)):
        for pair in source.pairs(tally):
            if pair.rater in withdrawn:
                tally.leave_out(_WITHDREW)
                continue
            tally.made += 1
            yield k, pair
        if not tally.made:
            raise NotEnoughData(
                f"the source {source.name} has no pair that can be used",
                where=f"pairs.{k}" if len(sources) > 1 else "pairs",
                hint=tally.why() or "the source is empty",
            )


def _unique_ids(
    kept: Sequence[PreferencePair], source_N: Sequence[int]
) -> tuple[PreferencePair, ...]:
    """The pairs with unique ids: an id that was used before gets its source's number as prefix."""
    seen: set[str] = set()
    pairs = []
    for k, pair in zip(source_N, kept, strict=True):
        id_ = pair.id
        while id_ in seen:
            id_ = f"{k}:{id_}"
        seen.add(id_)
        pairs.append(pair if id_ == pair.id else replace(pair, id=id_))
    return tuple(pairs)


def _with_stems(pairs: tuple[PreferencePair, ...]) -> tuple[PreferencePair, ...]:
    """The pairs of a survey without stems, with the stems that its questions share.

    Answers published as shares have no raters, so errors are clustered by stem: with each item of a
    battery as a stem of its own, intervals would be too narrow. More questions than `MOST_STEMS`
    are not compared, and each stays a stem of its own.
    """
    plain = {p.question for p in pairs if p.rater is None and p.stem == p.question}
    if not 1 < len(plain) <= MOST_STEMS:
        return pairs
    stems = shared_stems(plain)
    return tuple(
        replace(p, stem=stems[p.question])
        if p.rater is None and p.stem == p.question and stems[p.question]
        else p
        for p in pairs
    )


def _fingerprint(kept: Sequence[PreferencePair], source_N: Sequence[int]) -> str:
    digest = hashlib.sha256()
    for k, p in zip(source_N, kept, strict=True):
        texts = (prompt_text(p.prompt), p.chosen, p.rejected, p.question, p.stem)
        parts = [str(k), p.id, *texts, p.community, p.rater or "", str(p.weight)]
        if p.flip:
            parts.append(str(p.flip))
        digest.update("\x1f".join(parts).encode("utf-8", "surrogatepass"))
        digest.update(b"\x1e")
    return digest.hexdigest()
