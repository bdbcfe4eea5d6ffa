"""The parts of docs/results.md: read the runs, compare, write, draw. ``results_page.py`` puts them together."""
