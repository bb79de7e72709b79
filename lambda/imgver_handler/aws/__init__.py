"""Calls to AWS: only the gateway sends them, and the other modules support it."""
