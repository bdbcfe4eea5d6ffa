"""Tables that an audit is given: what is read, what is counted, and how a broken one is refused."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pluralign.auditing.given_tables import read_axes, read_items, read_residents
from pluralign.core import InvalidInput, NotEnoughData, PluralignError, Tally

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return file


def axes_of(*paths: Path, name: str = "theory") -> tuple[Mapping[str, tuple[float, ...]], Tally]:
    tally = Tally()
    return read_axes([(name, path) for path in paths], tally)[name], tally


class TestAxes:
    def test_semicolons_missing_values_and_codes_are_understood(self, write: Write) -> None:
        path = write(
            "hofstede.csv",
            "ctr;country;pdi;idv\nMEX;Mexico;81;30\nNGA;Nigeria;80;#NULL!\nAFE;Africa East;64;27\n",
        )

        places, tally = axes_of(path)

        assert places == {"MEX": (81, 30)}
        assert (tally.read, tally.kept, tally.made) == (3, 2, 1)
        assert tally.dropped == {"unknown community: Africa East": 1}
        assert tally.left_out == {"theory: no position on every axis": 1}

    def test_decimal_commas_between_semicolons_are_numbers(self, write: Write) -> None:
        assert axes_of(write("a.csv", "country;x\nMexico;1,5\nNigeria;-0,25\n"))[0] == {
            "MEX": (1.5,),
            "NGA": (-0.25,),
        }

    def test_of_several_years_the_latest_counts_in_any_order(self, write: Write) -> None:
        path = write(
            "a.csv", "geo,year,x\nmexico,2012,2\nmexico,2018,3\nmexico,1998,1\nnew_zealand,2004,5\n"
        )

        assert axes_of(path)[0] == {"MEX": (3,), "NZL": (5,)}

    def test_a_later_year_without_a_number_leaves_the_earlier_one(self, write: Write) -> None:
        assert axes_of(write("a.csv", "geo,year,x\nmexico,2012,2\nmexico,2018,NA\n"))[0] == {
            "MEX": (2,)
        }

    def test_files_of_one_name_are_joined_and_those_of_another_are_not(self, write: Write) -> None:
        one = write("one.csv", "country,x\nMexico,1\nNigeria,2\n")
        two = write("two.csv", "name,y\nNigeria,3\nMexico,4\nBrazil,5\n")
        tally = Tally()

        found = read_axes([("map", one), ("map", two), ("other", one)], tally)

        assert found == {"map": {"MEX": (1, 4), "NGA": (2, 3)}, "other": {"MEX": (1,), "NGA": (2,)}}
        assert (tally.read, tally.kept, tally.made) == (7, 7, 4)
        assert tally.left_out == {"map: no position on every axis": 1}

    def test_a_mark_of_byte_order_is_no_part_of_a_name(self, write: Write) -> None:
        assert axes_of(write("a.csv", "\ufeffcountry,x\nMexico,1\n"))[0] == {"MEX": (1,)}

    @pytest.mark.shared
    def test_the_real_tables_are_read(self, shared_data: Path) -> None:
        tables = shared_data / "country_tables"
        tally = Tally()

        found = read_axes(
            [
                ("map", tables / "ddf--datapoints--survsagg--by--geo--year.csv"),
                ("map", tables / "ddf--datapoints--tradagg--by--geo--year.csv"),
                ("hofstede", tables / "hofstede.csv"),
            ],
            tally,
        )

        assert {len(place) for place in found["map"].values()} == {2}
        assert {len(place) for place in found["hofstede"].values()} == {6}
        assert len(found["map"]) > 90 and len(found["hofstede"]) > 50
        assert (
            found["map"]["SWE"][0] < found["map"]["NGA"][0]
        )  # published with the sign reversed; here it is as read
        assert "unknown community: Africa East" in tally.dropped

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "no rows"),
            ("country,x\n", "no rows"),
            ("region,x\nEast,1\n", "no column has the community"),
            ("country,x\nMexico,high\n", "no column has numbers"),
            ("country,year\nMexico,1998\n", "no column has numbers"),
            ("country,x\nAtlantis,1\n", "no community has a position"),
            ('country,x\n"' + "a" * 200_000 + '",1\n', "field larger|no community"),
        ],
    )
    def test_a_file_without_axes_is_refused_by_name(
        self, write: Write, text: str, said: str
    ) -> None:
        with pytest.raises(PluralignError, match=said) as error:
            axes_of(write("broken.csv", text))
        assert "broken.csv" in str(error.value)

    def test_a_file_of_no_text_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"country,x\nM\xe9xico,1\n")
        with pytest.raises(InvalidInput, match="must be UTF-8"):
            axes_of(tmp_path / "a.csv")

    def test_files_that_have_no_community_in_common_are_refused(self, write: Write) -> None:
        one, two = (
            write("one.csv", "country,x\nMexico,1\n"),
            write("two.csv", "country,y\nNigeria,1\n"),
        )

        with pytest.raises(
            NotEnoughData, match="theory: no community has a position on every axis"
        ):
            axes_of(one, two)


class TestResidents:
    HEAD = "community,attribute,group,share\n"

    def test_groups_are_read_for_each_attribute_of_each_community(self, write: Write) -> None:
        rows = (
            "Mexico,gender,woman,0.51\nMEX,gender,man,0.49\n"
            'MEX,"region, as told",north,1\nAtlantis,gender,woman,1\n'
        )
        tally = Tally()

        found = read_residents(write("r.csv", self.HEAD + rows), tally)

        assert found == {
            "MEX": {"gender": {"woman": 0.51, "man": 0.49}, "region, as told": {"north": 1}}
        }
        assert (tally.read, tally.kept, dict(tally.dropped)) == (
            4,
            3,
            {"unknown community: Atlantis": 1},
        )

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "the file has no rows"),
            ("community,attribute,share\nMEX,gender,1\n", "missing column 'group'"),
            (
                HEAD + "MEX,gender,woman,0.5\nMEX,gender,man,half\n",
                r"broken\.csv:3: share 'half' is not in \[0, 1\]",
            ),
            (HEAD + "MEX,gender,woman,51\n", r"broken\.csv:2: share '51'"),
            (HEAD + "MEX,gender,woman,nan\n", r"broken\.csv:2: share 'nan'"),
            (HEAD + "MEX,gender\n", r"broken\.csv:2: 2 cells under 4 columns"),
            (
                HEAD + "MEX,gender,woman,0.5\nMexico,gender,woman,0.6\n",
                r"broken\.csv:3: .*woman.* twice",
            ),
            (HEAD + "Atlantis,gender,woman,0.5\n", "no row is left"),
            (HEAD, "the file has no rows"),
        ],
    )
    def test_a_broken_table_is_refused_with_its_line(
        self, write: Write, text: str, said: str
    ) -> None:
        with pytest.raises(PluralignError, match=said):
            read_residents(write("broken.csv", text), Tally())


ROW: dict[str, Any] = {
    "id": "gift",
    "model": "m",
    "communities": ["MEX"],
    "level": "country",
    "gold": "no",
    "answer": "yes",
}


class TestItems:
    def items(self, write: Write, rows: Sequence[object]) -> Path:
        return write(
            "items.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        )

    def test_items_are_read_with_one_community_or_several(self, write: Write) -> None:
        one = {k: v for k, v in ROW.items() if k != "communities"} | {
            "community": "Mexico",
            "reason_for": "no",
        }
        rows = [
            one,
            ROW | {"communities": ["NGA", "MEX"], "gold": 1, "answer": None},
            ROW | {"communities": ["Atlantis"]},
        ]
        tally = Tally()

        first, second = read_items(self.items(write, rows), tally)

        assert (first.communities, first.reason_for) == (("MEX",), "no")
        assert (second.communities, second.gold, second.answer, second.reason_for) == (
            ("NGA", "MEX"),
            "1",
            "",
            None,
        )
        assert (tally.read, tally.kept, dict(tally.dropped)) == (
            3,
            2,
            {"unknown community: Atlantis": 1},
        )

    def test_separators_of_lines_within_a_text_do_not_end_a_row(self, write: Write) -> None:
        (found,) = read_items(self.items(write, [ROW | {"id": "a\u2028b\x85c"}]), Tally())

        assert found.id == "a\u2028b\x85c"

    def test_blank_lines_are_no_rows(self, write: Write) -> None:
        tally = Tally()
        read_items(write("items.jsonl", f"\n{json.dumps(ROW)}\r\n\n"), tally)

        assert tally.read == 1

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ('{"id": ', "not a JSON object of an item"),
            ("[1, 2]", "not a JSON object of an item"),
            ('"gift"', "not a JSON object of an item"),
            (json.dumps({k: v for k, v in ROW.items() if k != "gold"}), "no gold"),
            (json.dumps(ROW | {"gold": None}), "no gold"),
            (json.dumps({k: v for k, v in ROW.items() if k != "answer"}), "no answer"),
            (json.dumps({k: v for k, v in ROW.items() if k != "communities"}), "no community"),
            (json.dumps(ROW | {"communities": "MEX"}), "communities is not a list"),
            (json.dumps(ROW | {"communities": []}), "communities"),
            (json.dumps(ROW | {"level": "planet"}), "planet"),
            (json.dumps(ROW | {"level": ["country"]}), "country"),
        ],
    )
    def test_a_broken_row_is_refused_with_its_line(
        self, write: Write, line: str, said: str
    ) -> None:
        with pytest.raises(InvalidInput, match=said) as error:
            read_items(write("items.jsonl", f"{json.dumps(ROW)}\n\n{line}\n"), Tally())
        assert "items.jsonl:3" in str(error.value)

    def test_a_file_without_items_is_refused(self, write: Write) -> None:
        with pytest.raises(NotEnoughData, match="no item is left"):
            read_items(write("items.jsonl", "\n"), Tally())
