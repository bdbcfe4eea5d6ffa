"""What rewards, respondents and methods share of Hugging Face: folders, processes, where a training lies."""
