"""Respondents to surveys: a Hugging Face model, an endpoint, recorded answers."""
