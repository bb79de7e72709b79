"""Hashes in logical ids that must not depend on a construct's path."""

import hashlib


def fingerprint(value: str) -> str:
    """Return a hash of ``value``: 16 hexadecimal digits in upper case."""
    return hashlib.sha256(value.encode()).hexdigest()[:16].upper()
