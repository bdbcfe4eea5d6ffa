"""Transformers as reward models: any Hugging Face model, a part for each community, trained with TRL.

Importing this loads neither torch nor transformers; what needs them loads them.
"""
