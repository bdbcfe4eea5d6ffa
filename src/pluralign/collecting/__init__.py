"""People take part: a study's web pages, from invitation to withdrawal, and the store behind them.

A study is a folder: `study.toml` with its settings and texts, and the store with everything that
people gave. Models are never trained on the store, only on a release of it.
"""
