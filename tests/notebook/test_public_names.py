import pluralign


def test_dir_lists_the_public_names_and_nothing_else() -> None:
    assert dir(pluralign) == sorted(pluralign.__all__)
    assert {"read_pairs", "split", "fit", "evaluate", "open_run"} <= set(dir(pluralign))


def test_every_listed_name_loads() -> None:
    for name in dir(pluralign):
        assert getattr(pluralign, name) is not None
