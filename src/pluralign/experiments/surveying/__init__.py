"""Surveys of language models: settings, what answers, and runs that go on where they were stopped."""
