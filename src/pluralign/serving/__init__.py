"""One server for every community: rewards, orders and preferences over HTTP.

Importing this loads no web framework; `pluralign.serving.app` and `pluralign.serving.running` do.
"""

from pluralign.serving.settings import ServeSettings, check_tokens, read_tokens

__all__ = ["ServeSettings", "check_tokens", "read_tokens"]
