"""Sorted and filtered lists in pages.

A page continues after the last item of the page before, even if items were created or deleted in between.
"""

import bisect
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from imgver_sandbox.sagemaker.account import OperationInput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import validation_exception
from imgver_sandbox.sagemaker.records import StoredRecord

_DEFAULT_RESULTS = 10
_PAGE_PARAMETERS = ("NextToken", "MaxResults")


_Item = TypeVar("_Item")
_Record = TypeVar("_Record", bound=StoredRecord)


def list_records(
    account: SageMakerAccount,
    operation: str,
    parameters: OperationInput,
    records: Mapping[Any, _Record],
    *,
    modified_time: str = "LastModifiedTime",
    in_creation_order: bool = False,
) -> tuple[list[_Record], str | None]:
    """One page of the records that pass the filters, in the requested order, and the token of the next page.

    `records` are keyed by name or number. `modified_time` is the prefix of the filters on the last modification.
    `in_creation_order` tells that the records are in the order of their creation and of their keys.
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

    def key(name: Any) -> tuple[Any, ...]:  # noqa: ANN401  a name or a number
        return (name,) if time_of is None else (time_of(records[name]), name)

    def is_listed(name: Any) -> bool:  # noqa: ANN401  a name or a number
        contains = parameters.get("NameContains", "") in str(name)
        return contains and _is_in_time(records[name], parameters, modified_time)

    is_ordered = in_creation_order and time_of is times["CREATION_TIME"]
    names, token = list_ordered(
        account,
        operation,
        parameters,
        list(records) if is_ordered else sorted(records, key=key),
        key=key,
        is_listed=is_listed,
        descending=parameters.get("SortOrder", "Descending").upper() == "DESCENDING",
    )
    return [records[name] for name in names], token


def list_ordered(
    account: SageMakerAccount,
    operation: str,
    parameters: OperationInput,
    ordered: Sequence[_Item],
    *,
    key: Callable[[_Item], tuple[Any, ...]],
    is_listed: Callable[[_Item], bool] = lambda _: True,
    descending: bool = False,
) -> tuple[list[_Item], str | None]:
    """One page (MaxResults, default 10, after NextToken) of the items that are listed, and the token of the next page.

    `ordered` are the items in ascending order of their unique keys. Only the items of the page are looked at. Raises
    ServiceError (ValidationException) for a NextToken that is not from the response to an earlier call with the same
    parameters.
    """
    listing = (operation, {name: value for name, value in parameters.items() if name not in _PAGE_PARAMETERS})
    token = parameters.get("NextToken")
    start, end = 0, len(ordered)
    if token is not None:
        last_key = account.last_key_of_page.get(token, ())
        if token != _token(listing, last_key):
            raise validation_exception("The NextToken is invalid.")
        if descending:
            end = bisect.bisect_left(ordered, last_key, key=key)
        else:
            start = bisect.bisect_right(ordered, last_key, key=key)
    positions = range(end - 1, start - 1, -1) if descending else range(start, end)
    listed = (ordered[position] for position in positions if is_listed(ordered[position]))
    size = parameters.get("MaxResults", _DEFAULT_RESULTS)
    shown = list(itertools.islice(listed, size))
    next_token = None
    if len(shown) == size and next(listed, None) is not None:
        next_token = _token(listing, key(shown[-1]))
        account.last_key_of_page[next_token] = key(shown[-1])
    return shown, next_token


def _is_in_time(record: StoredRecord, parameters: OperationInput, modified_time: str) -> bool:
    return all(
        parameters.get(f"{name}After", time) <= time <= parameters.get(f"{name}Before", time)
        for name, time in (("CreationTime", record.created_at), (modified_time, record.modified_at))
    )


def _token(listing: tuple[str, Mapping[str, Any]], last_key: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr((listing, last_key)).encode()).hexdigest()
