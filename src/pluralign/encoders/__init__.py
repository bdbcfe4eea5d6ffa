"""TODO encoders."""
