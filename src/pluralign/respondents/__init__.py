"""Whatever answers surveys: a Hugging Face model, an endpoint, recorded words."""
