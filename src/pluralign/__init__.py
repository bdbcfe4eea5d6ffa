"""Pluralistic alignment: steer reward models to communities, and measure how well each is served."""

from pluralign._version import __version__

__all__ = ["__version__"]
