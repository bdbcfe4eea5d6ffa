"""No community of the data vanishes from the screen, and none with few people heads a ranking."""

from typing import Any

from pluralign.cli.showing_communities import not_ranked, role_lines


def record(n_left_out: int, reference: list[str]) -> dict[str, Any]:
    few = [f"~c{k}" for k in range(n_left_out)]
    people = {"GBR": {"pairs": 300, "raters": 30}, "USA": {"pairs": 400, "raters": None}}
    people |= {c: {"pairs": 60, "raters": 12} for c in few}
    roles = {
        "steered": ["GBR"],
        "reference": reference,
        "left_out": dict.fromkeys(few, "60 pairs, 200 needed"),
    }
    return {"people": people, "communities": roles}


def test_every_community_is_named_with_its_people_role_and_reason() -> None:
    lines = list(role_lines(record(2, ["USA"])))
    assert (
        lines[0] == "4 communities in the data, 1 steered to, 1 only in the reference, 2 left out"
    )
    assert lines[1].endswith(
        "United States (USA), 400 pairs by people whose number is not published"
    )
    assert all("60 pairs by 12 people: 60 pairs, 200 needed" in line for line in lines[2:])


def test_of_hundreds_the_first_are_named_and_how_many_more() -> None:
    lines = list(role_lines(record(300, ["USA"])))
    assert len(lines) == 15
    assert lines[-1].startswith("... and 288 more")


def test_a_community_with_few_test_people_is_named_as_not_ranked() -> None:
    assert not_ranked([]) is None
    assert "GBR (4)" in str(not_ranked([{"community": "GBR", "n": 90, "n_raters": 4}]))
