"""Transformers as reward models: a part for each community, trained with TRL.

Importing this loads neither torch nor transformers; functions that need them load them.
"""
