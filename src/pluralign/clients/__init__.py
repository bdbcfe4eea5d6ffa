"""Code that clients of servers share: pauses, keys, bounded answers, messages without secrets."""
