from pathlib import Path

import pytest

from pluralign.core import AcceptedAnswer, KnowledgeQuestion, KnowledgeTest, NotEnoughData
from pluralign.metrics import compare_communities
from pluralign.sources import BlendKnowledge, read_knowledge


def ask(id_: str, community: str, **answers: int) -> KnowledgeQuestion:
    return KnowledgeQuestion(
        id=id_,
        community=community,
        language="en",
        texts={"en": "?"},
        answers=tuple(AcceptedAnswer({"en": (text,)}, n) for text, n in answers.items()),
        topic=f"topic {id_}",
    )


PLANTED = KnowledgeTest(
    "planted",
    (
        *(ask(f"q{k}", "GBR", tea=4, beer=1) for k in range(6)),
        *(ask(f"q{k}", "USA", tea=2, coffee=2) for k in range(6)),  # half as the first
        *(ask(f"q{k}", "MEX", atole=4, pulque=1) for k in range(6)),  # like nobody
        ask("q9", "GBR", tea=3),  # asked in one community only
        ask("q5x", "USA", tea=1),
    ),
)


def test_a_planted_neighbour_is_found_with_its_score() -> None:
    found = compare_communities(PLANTED)
    assert found.questions == 6
    # Of the four people in USA two answer tea, the most common answer in GBR.
    assert found.scores["GBR", "USA"].value == pytest.approx(0.5)
    # In USA tea is one of two most common answers, beer is not given.
    assert found.scores["USA", "GBR"].value == pytest.approx(0.8)
    assert found.scores["MEX", "GBR"].value == 0
    assert found.nearest("GBR") == "USA"
    assert found.nearest("USA") == "GBR"


def test_the_score_of_its_own_people_leaves_each_out() -> None:
    found = compare_communities(PLANTED)
    assert found.scores["GBR", "GBR"].value == pytest.approx(4 / 5)
    edge = found.edges["GBR", "USA"]
    assert edge.value == pytest.approx(0.5 - 0.8)
    assert edge.n == 6
    assert ("GBR", "GBR") not in found.edges


def test_communities_without_a_common_question_are_refused() -> None:
    apart = KnowledgeTest("apart", (ask("a", "GBR", tea=3), ask("b", "USA", tea=3)))
    with pytest.raises(NotEnoughData, match="apart: two communities or more"):
        compare_communities(apart)
    with pytest.raises(NotEnoughData, match="two communities or more"):
        compare_communities(KnowledgeTest("one", (ask("a", "GBR", tea=3),)))
    with pytest.raises(NotEnoughData, match="answers in 'fa'"):
        compare_communities(PLANTED, "fa")


def test_real_regions_know_themselves_best(shared_data: Path, tmp_path: Path) -> None:
    for region in ("US", "UK", "Iran"):
        (tmp_path / f"{region}.jsonl.gz").symlink_to(shared_data / f"blend/{region}.jsonl.gz")
    found = compare_communities(read_knowledge(BlendKnowledge(tmp_path)))
    assert (found.nearest("GBR"), found.nearest("USA")) == ("USA", "GBR")
    assert all(edge.value < 0 for edge in found.edges.values())
