"""What logical ids are made from where a path would say too much."""

import hashlib


def fingerprint(text: str) -> str:
    """A short hash of ``text`` for logical ids."""
    return hashlib.sha256(text.encode()).hexdigest()[:16].upper()
