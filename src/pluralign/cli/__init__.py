"""The command line: one command over the library."""
