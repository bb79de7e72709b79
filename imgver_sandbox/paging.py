"""Sorted lists in pages. A page goes on behind the last item of the one before, whatever came or went meanwhile."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from imgver_sandbox.service_model import ServiceError

_DEFAULT_RESULTS = 10

T = TypeVar("T")


def page(
    operation: str,
    request: Mapping[str, Any],
    items: Iterable[T],
    *,
    key: Callable[[T], list[Any]],
    descending: bool = False,
) -> tuple[list[T], str | None]:
    """The page of `items` that `request` (MaxResults, default 10; NextToken) asks for, and the token of the next one.

    `key` tells every item from every other. `operation` is the one that was called. Raises
    ServiceError (ValidationException) for a token that is not the answer to an earlier call with the same parameters.
    """
    ordered = sorted(items, key=key, reverse=descending)
    listing = _fingerprint(operation, request)
    token = request.get("NextToken")
    if token is not None:
        after = _last_key(token, listing)
        ordered = [item for item in ordered if (key(item) < after if descending else key(item) > after)]
    size = request.get("MaxResults", _DEFAULT_RESULTS)
    results = ordered[:size]
    return results, _token(listing, key(results[-1])) if len(ordered) > size else None


def _token(listing: str, last_key: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([listing, last_key]).encode()).decode()


def _last_key(token: str, listing: str) -> list[Any]:
    try:
        fingerprint, last_key = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, TypeError):
        fingerprint, last_key = None, []
    if fingerprint != listing:
        raise ServiceError("ValidationException", "The NextToken is invalid.")
    return list(last_key)


def _fingerprint(operation: str, request: Mapping[str, Any]) -> str:
    """What all pages of one listing have in common."""
    same = {name: value for name, value in request.items() if name not in {"NextToken", "MaxResults"}}
    return hashlib.sha256(json.dumps([operation, same], sort_keys=True).encode()).hexdigest()[:16]
