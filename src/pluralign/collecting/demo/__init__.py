"""A study with simulated people, ready to be looked at."""

from pluralign.collecting.demo.ready_study import Demo, make_demo

__all__ = ["Demo", "make_demo"]
