"""The parts of docs/results.md: read the runs, compare, write, draw; see ``results_page.py``."""
