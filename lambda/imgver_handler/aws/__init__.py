"""Calls to AWS: the gateway is the only module that makes them, and the other modules support it."""
