"""One server for every community: rewards, orders and preferences over HTTP.

Importing this loads no web framework; `pluralign.serving.app` and
`pluralign.serving.server_process` do.
"""

from pluralign.serving.server_settings import ServeSettings, check_tokens, read_tokens

__all__ = ["ServeSettings", "check_tokens", "read_tokens"]
