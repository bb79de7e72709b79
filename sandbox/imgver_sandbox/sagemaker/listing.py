"""Sorted and filtered lists in pages.

A page continues after the last item of the page before, even if items were created or deleted in between.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from imgver_sandbox.sagemaker.account import OperationInput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import validation_exception

_DEFAULT_RESULTS = 10
_PAGE_PARAMETERS = ("NextToken", "MaxResults")


class TimedRecord(Protocol):
    """A record with times, in seconds since the epoch."""

    created_at: float
    modified_at: float


_Record = TypeVar("_Record", bound=TimedRecord)


def list_records(
    account: SageMakerAccount,
    operation: str,
    parameters: OperationInput,
    records: Mapping[Any, _Record],
    *,
    modified_time: str = "LastModifiedTime",
) -> tuple[list[_Record], str | None]:
    """One page of the records that pass the filters, in the requested order, and the token of the next page.

    `records` are keyed by name or number. `modified_time` is the prefix of the filters on the last modification.
    Raises ServiceError (ValidationException) for an invalid NextToken.
    """
    sort_by = parameters.get("SortBy", "CREATION_TIME")
    times: dict[str, Callable[[_Record], float]] = {
        "CREATION_TIME": lambda record: record.created_at,
        "CreationTime": lambda record: record.created_at,
        "LAST_MODIFIED_TIME": lambda record: record.modified_at,
        "LastModifiedTime": lambda record: record.modified_at,
    }
    time_of = times.get(sort_by)
    names, token = list_page(
        account,
        operation,
        parameters,
        [
            (name,) if time_of is None else (time_of(record), name)
            for name, record in records.items()
            if parameters.get("NameContains", "") in str(name) and _is_in_time(record, parameters, modified_time)
        ],
        descending=parameters.get("SortOrder", "Descending").upper() == "DESCENDING",
    )
    return [records[name] for name in names], token


def list_page(
    account: SageMakerAccount,
    operation: str,
    parameters: OperationInput,
    sort_keys: Iterable[tuple[Any, ...]],
    *,
    descending: bool = False,
) -> tuple[list[Any], str | None]:
    """One page of names (MaxResults, default 10, after NextToken), and the token of the next page.

    Each sort key ends with the name of its item, which is unique. Raises ServiceError (ValidationException) for a
    NextToken that is not from the response to an earlier call with the same parameters.
    """
    listing = (operation, {name: value for name, value in parameters.items() if name not in _PAGE_PARAMETERS})
    ordered = sorted(sort_keys, reverse=descending)
    token = parameters.get("NextToken")
    if token is not None:
        last_key = account.last_key_of_page.get(token, ())
        if token != _token(listing, last_key):
            raise validation_exception("The NextToken is invalid.")
        ordered = [key for key in ordered if (key < last_key if descending else key > last_key)]
    size = parameters.get("MaxResults", _DEFAULT_RESULTS)
    shown = ordered[:size]
    next_token = None
    if len(ordered) > size:
        next_token = _token(listing, shown[-1])
        account.last_key_of_page[next_token] = shown[-1]
    return [key[-1] for key in shown], next_token


def _is_in_time(record: TimedRecord, parameters: OperationInput, modified_time: str) -> bool:
    return all(
        parameters.get(f"{name}After", time) <= time <= parameters.get(f"{name}Before", time)
        for name, time in (("CreationTime", record.created_at), (modified_time, record.modified_at))
    )


def _token(listing: tuple[str, Mapping[str, Any]], last_key: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr((listing, last_key)).encode()).hexdigest()
