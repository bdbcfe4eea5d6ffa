"""Which pair a person is shown next, with which probability, and which people are invited first."""

from pluralign.collecting.choosing.chooser import Chooser
from pluralign.collecting.choosing.next_pairs import next_pair, next_pairs
from pluralign.collecting.choosing.shown_pairs import Shown, ShownText

__all__ = ["Chooser", "Shown", "ShownText", "next_pair", "next_pairs"]
