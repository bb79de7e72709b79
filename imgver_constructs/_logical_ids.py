"""Hashes for logical IDs that must not depend on the path of a construct."""

import hashlib


def fingerprint(value: str) -> str:
    """Return a hash of ``value``: 16 hexadecimal digits in upper case."""
    return hashlib.sha256(value.encode()).hexdigest()[:16].upper()
