"""The command ``pluralign``, which starts without looking for garbage."""

import gc


def main() -> None:
    """Run the command line.

    Until a command runs there is no garbage to speak of, and looking for it takes 5 % of a help.
    """
    gc.disable()
    from pluralign.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
