"""No community of the data vanishes from the screen, and none with few people heads a ranking."""

from typing import Any

from pluralign.cli.community_lines import left_out_table, not_ranked, role_lines


def record(n_left_out: int, reference: list[str]) -> dict[str, Any]:
    few = [f"~c{k}" for k in range(n_left_out)]
    people = {"GBR": {"pairs": 300, "raters": 30}, "USA": {"pairs": 400, "raters": None}}
    people |= {c: {"pairs": 60, "raters": 12} for c in few}
    roles = {
        "steered": ["GBR"],
        "reference": reference,
        "left_out": dict.fromkeys(few, "60 pairs, 200 needed; to steer to it: --set min_pairs=60"),
    }
    return {"people": people, "communities": roles}


def test_every_community_is_named_with_its_people_role_and_reason() -> None:
    found = record(2, ["USA"])
    first, second = role_lines(found)
    assert first == "4 communities in the data, 1 steered to, 1 only in the reference, 2 left out"
    assert second.endswith("United States (USA), 400 pairs by people whose number is not published")
    for row in left_out_table(found, None).rows:
        assert row[1:] == ["60", "12", "60 pairs, 200 needed", "--set min_pairs=60"]


def test_a_reference_of_many_communities_is_one_line() -> None:
    found = record(5, ["USA", "~c0", "~c1", "~c2"])
    (line,) = [line for line in role_lines(found) if "reference is fitted" in line]
    assert line.endswith(
        "4 communities, pairs in brackets: USA (400), ~c0 (60), ~c1 (60), ~c2 (60)"
    )


def test_of_hundreds_those_with_the_most_pairs_are_listed_and_how_many_there_are() -> None:
    found = record(300, ["USA"])
    found["people"]["~c299"]["pairs"] = 150
    table = left_out_table(found, 12)
    assert len(table.rows) == 12
    assert table.rows[0][1] == "150"
    assert "12 of 300" in table.title


def test_a_community_with_few_test_people_is_named_as_not_ranked() -> None:
    assert not_ranked([]) is None
    assert "GBR (4)" in str(not_ranked([{"community": "GBR", "n": 90, "n_raters": 4}]))
