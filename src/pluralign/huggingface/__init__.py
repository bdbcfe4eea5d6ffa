"""Hugging Face for rewards, respondents and methods: model folders, processes, trainings."""
