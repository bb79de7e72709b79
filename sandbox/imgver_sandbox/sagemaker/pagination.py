"""Sorted lists in pages. A page goes on behind the last item of the one before, whatever came or went meanwhile."""

import base64
import binascii
import hashlib
import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Generic, TypeVar

from imgver_sandbox.sagemaker.service_model import ServiceError

_DEFAULT_RESULTS = 10

Key = tuple[Any, ...]
"""What records are sorted by. It ends with the record's name, which no other record has."""

Name = TypeVar("Name")


class Order(Generic[Name]):
    """The names of records in the order of a key. A place in it is found without looking through it."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        """Start with the records that have these keys."""
        self._keys = sorted(keys)
        self._key_of = {key[-1]: key for key in self._keys}

    def put(self, key: Key) -> None:
        """Have the record whose name ends `key` in its place, wherever it was before."""
        name = key[-1]
        if self._key_of.get(name) != key:
            self.remove(name)
            insort(self._keys, key)
            self._key_of[name] = key

    def remove(self, name: Name) -> None:
        """Take the record out, if it is in here."""
        key = self._key_of.pop(name, None)
        if key is not None:
            del self._keys[bisect_left(self._keys, key)]

    @property
    def last(self) -> Name | None:
        """The name with the greatest key."""
        return self._keys[-1][-1] if self._keys else None

    def keys(
        self, *, behind: Key | None, descending: bool, since: float | None = None, until: float | None = None
    ) -> Iterator[Key]:
        """The keys behind `behind`, in either direction; `since` and `until` bound what all of them begin with."""
        start = 0 if since is None else bisect_left(self._keys, since, key=_first)
        end = len(self._keys) if until is None else bisect_right(self._keys, until, key=_first)
        if behind is not None and descending:
            end = bisect_left(self._keys, behind)
        elif behind is not None:
            start = bisect_right(self._keys, behind)
        places = range(end - 1, start - 1, -1) if descending else range(start, end)
        return (self._keys[place] for place in places)


def page(
    operation: str,
    request: Mapping[str, Any],
    order: Order[Name],
    *,
    descending: bool = False,
    since: float | None = None,
    until: float | None = None,
    wanted: Callable[[Name], bool] = lambda _: True,
) -> tuple[list[Name], str | None]:
    """The names in the page that `request` (MaxResults, default 10; NextToken) asks for, and the next one's token.

    `operation` is the one that was called. `since` and `until` bound what the keys begin with; `wanted` filters on,
    one record after the other. Raises ServiceError (ValidationException) for a token that is not the answer to an
    earlier call with the same parameters.
    """
    listing = [operation, {name: value for name, value in request.items() if name not in {"NextToken", "MaxResults"}}]
    token = request.get("NextToken")
    behind = None if token is None else _last_key(token, listing)
    keys = order.keys(behind=behind, descending=descending, since=since, until=until)
    size = request.get("MaxResults", _DEFAULT_RESULTS)
    # One more than fits tells whether there is another page.
    found = list(islice((key for key in keys if wanted(key[-1])), size + 1))
    results = found[:size]
    return [key[-1] for key in results], _token(listing, results[-1]) if len(found) > size else None


def _first(key: Key) -> Any:  # noqa: ANN401  a time or a name
    return key[0]


def _token(listing: list[Any], last_key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([_seal(listing, list(last_key)), last_key]).encode()).decode()


def _last_key(token: str, listing: list[Any]) -> Key:
    try:
        seal, last_key = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        seal, last_key = None, None
    if seal != _seal(listing, last_key):
        raise ServiceError("ValidationException", "The NextToken is invalid.")
    return tuple(last_key)


def _seal(listing: list[Any], last_key: object) -> str:
    """What tells a token that was given for a listing from any other text."""
    return hashlib.sha256(json.dumps([listing, last_key], sort_keys=True).encode()).hexdigest()[:16]
