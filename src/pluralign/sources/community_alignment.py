"""Community Alignment: people of five countries choose among four responses, turn by turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import InvalidInput, Message, PreferencePair, Tally, in_one_order, is_missing
from pluralign.sources.community_labels import community_id, language_tag, shown
from pluralign.sources.hub_rows import check_origin, hub_rows
from pluralign.sources.row_files import RowPolicy, file_kind, location, read_rows
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    flag_marks,
    id_of,
    optional_id,
    optional_text,
    require_columns,
    require_consent,
    text_of,
)

HUB_ID = "facebook/community-alignment-dataset"
_TURNS = ("first", "second", "third", "fourth")
_LETTERS = "abcd"


@dataclass(frozen=True, slots=True)
class CommunityAlignment:
    """For each turn, the response preferred beats each of the others: three pairs a turn.

    The prompt is the turns so far, each answered by the response that the rater preferred. The
    community is the rater's country. How clear a choice was is not recorded.

    Attributes:
        path: A JSONL, Parquet or CSV file, or a folder of them, with the columns as published.
        hub: Whether to fetch facebook/community-alignment-dataset instead (needs the extra
            ``hub``).
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.

    Raises:
        InvalidInput: If both or neither of ``path`` and ``hub`` are given.
    """

    name: ClassVar[str] = "community_alignment"
    license: ClassVar[str] = "CC-BY-4.0"
    about: ClassVar[str] = (
        "Community Alignment: people of five countries choose among four responses, turn by turn"
    )

    path: Path | None = None
    hub: bool = False
    skip_bad: bool = False

    def __post_init__(self) -> None:
        check_origin(self.path, self.hub, HUB_ID)

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs; ``tally.read`` counts conversations.

        Raises:
            InvalidInput: If a file or a row cannot be read.
            NotEnoughData: If a file has no rows.
        """
        policy = RowPolicy(tally if tally is not None else Tally(), self.skip_bad)
        for where, row in self._rows(policy):
            try:
                unset = row.get("annotator_country") is None
                label = "" if unset else text_of(row, "annotator_country")
                community = community_id(label)
                if community is None:
                    policy.tally.drop(f"country of the rater: {shown(label)}")
                    continue
                require_consent(row)
                found = list(_read_conversation(row, community, policy.tally))
            except UnusableRow as reason:
                policy.tally.drop(str(reason))
                continue
            except BadRow as bad:
                policy.refuse(bad, where)
                continue
            if not found:
                policy.tally.drop("no turn with a pair of responses")
                continue
            flag_marks(row, ("annotator_id",), policy.tally)
            policy.tally.kept += 1
            yield from found

    def _rows(self, policy: RowPolicy) -> Iterator[tuple[str, Row]]:
        if self.path is None:
            for number, row in hub_rows(HUB_ID, None, policy.tally):
                yield location(HUB_ID, number), row
            return
        for path in _files(self.path):
            for number, row in read_rows(path, policy):
                yield location(path, number), row


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = in_one_order(file for file in path.iterdir() if file_kind(file))
    if not files:
        raise InvalidInput("the folder has no JSONL, Parquet or CSV file", where=str(path))
    return files


def _read_conversation(row: Row, community: str, tally: Tally) -> Iterator[PreferencePair]:
    require_columns(row, ("conversation_id", "annotator_id", "first_turn_prompt"))
    conversation, rater = id_of(row, "conversation_id"), optional_id(row, "annotator_id")
    language = language_tag(optional_text(row, "assigned_lang") or "")
    about = _about(row)
    history: tuple[Message, ...] = ()
    for turn in _TURNS:
        asked = optional_text(row, f"{turn}_turn_prompt")
        if asked is None or not asked.strip():
            return
        prompt = (*history, Message("user", asked))
        responses = {
            letter: optional_text(row, f"{turn}_turn_response_{letter}") for letter in _LETTERS
        }
        preferred = _preferred(row, turn, responses)
        if preferred is None:
            tally.leave_out("turn without a preferred response")
            return
        chosen = responses[preferred] or ""
        for letter, rejected in responses.items():
            if letter == preferred:
                continue
            if rejected is None or not rejected.strip():
                tally.leave_out("empty response")
            elif rejected == chosen:
                tally.leave_out("same text on both sides")
            else:
                yield PreferencePair(
                    id=f"{conversation}:{turn}:{preferred}>{letter}",
                    prompt=prompt,
                    chosen=chosen,
                    rejected=rejected,
                    community=community,
                    rater=rater,
                    language=language,
                    source=CommunityAlignment.name,
                    license=CommunityAlignment.license,
                    extra={**about, "conversation_id": conversation, "turn": turn},
                )
        history = (*prompt, Message("assistant", chosen))


def _about(row: Row) -> dict[str, str]:
    """The rater's statements about themselves, under the names that audits use."""
    found: dict[str, str] = {}
    for name in ("age", "gender", "education", "political", "ethnicity"):
        column = "education_level" if name == "education" else name
        value = row.get(f"annotator_{column}") or row.get(column)
        if not is_missing(value):
            found[name] = str(value)
    return found


def _preferred(row: Row, turn: str, responses: dict[str, str | None]) -> str | None:
    """Letter of the preferred response; None where there is none or its text is empty.

    Raises:
        BadRow: If the column does not name a response.
    """
    value = optional_text(row, f"{turn}_turn_preferred_response")
    if value is None or not value.strip():
        return None
    letter = value.strip().removeprefix("response_")
    if letter not in responses:
        raise BadRow(
            f"the preferred response must be response_a to response_d, got {value!r}",
            reason="preferred response is unknown",
        )
    return letter if (responses[letter] or "").strip() else None
