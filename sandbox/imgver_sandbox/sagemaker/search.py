"""Search for images and image versions.

API: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html

The service model names both resources, but its search records have no member for them. The records are therefore empty,
and only their number, TotalHits, shows what was found. What AWS responds is not known.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import validation_exception
from imgver_sandbox.sagemaker.image_versions import describe_image_version
from imgver_sandbox.sagemaker.images import describe_image
from imgver_sandbox.sagemaker.listing import list_ordered

_Properties = Mapping[str, Any]
_Operator = Callable[[Any, Any], bool]

_OPERATORS: dict[str, _Operator] = {
    "Equals": lambda found, value: found == value,
    "NotEquals": lambda found, value: found != value,
    "GreaterThan": lambda found, value: found > value,
    "GreaterThanOrEqualTo": lambda found, value: found >= value,
    "LessThan": lambda found, value: found < value,
    "LessThanOrEqualTo": lambda found, value: found <= value,
    "Contains": lambda found, value: str(value) in str(found),
}


def search(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform Search for Image and ImageVersion. Raises ServiceError (ValidationException) for other resources."""
    resource = parameters["Resource"]
    if resource not in {"Image", "ImageVersion"}:
        raise validation_exception(f"The sandbox does not search for {resource}, only for Image and ImageVersion.")
    expression = parameters.get("SearchExpression")
    found = dict(_images(account) if resource == "Image" else _versions(account))
    hits = {
        arn: properties for arn, properties in found.items() if expression is None or _holds(expression, properties)
    }
    sort_by = parameters.get("SortBy", "LastModifiedTime")
    page, token = list_ordered(
        account,
        "Search",
        parameters,
        sorted((str(properties.get(sort_by, "")), arn) for arn, properties in hits.items()),
        key=lambda key: key,
        descending=parameters.get("SortOrder", "Descending") == "Descending",
    )
    total = {"Value": len(hits), "Relation": "EqualTo"}
    return {"Results": [{} for _ in page], "NextToken": token, "TotalHits": total}


OPERATIONS: dict[str, Operation] = {"Search": search}


def _images(account: SageMakerAccount) -> Iterator[tuple[str, _Properties]]:
    for image in account.images():
        tags = {f"Tags.{key}": value for key, value in account.tags[image.arn].items()}
        yield image.arn, {**describe_image(account, {"ImageName": image.name}), **tags}


def _versions(account: SageMakerAccount) -> Iterator[tuple[str, _Properties]]:
    for image in account.images():
        for number, version in image.versions.items():
            parameters = {"ImageName": image.name, "Version": number}
            yield version.arn, {**describe_image_version(account, parameters), "ImageName": image.name}


def _holds(expression: Mapping[str, Any], properties: _Properties) -> bool:
    if "NestedFilters" in expression:
        raise validation_exception("Image and ImageVersion have no lists of objects, which NestedFilters need.")
    results = [
        *(_passes(one, properties) for one in expression.get("Filters", [])),
        *(_holds(one, properties) for one in expression.get("SubExpressions", [])),
    ]
    return any(results) if expression.get("Operator") == "Or" else all(results)


def _passes(one: Mapping[str, str], properties: _Properties) -> bool:
    found, value = properties.get(one["Name"]), one.get("Value", "")
    operator = one.get("Operator", "Equals")
    if operator in {"Exists", "NotExists"}:
        return (found is not None) == (operator == "Exists")
    if operator == "In":
        return any(_compare(_OPERATORS["Equals"], found, each) for each in value.split(","))
    return _compare(_OPERATORS[operator], found, value)


def _compare(operator: _Operator, found: Any, value: str) -> bool:  # noqa: ANN401  any property
    """Compare a property with the value of a filter, which is a string. Times are in ISO 8601."""
    if found is None:
        return operator is _OPERATORS["NotEquals"]
    try:
        if isinstance(found, bool):
            return operator(str(found).lower(), value.lower())
        if isinstance(found, float):
            return operator(found, datetime.fromisoformat(value).timestamp())
        return operator(found, type(found)(value))
    except ValueError:
        raise validation_exception(f"The value {value} of a filter is not valid for its property.") from None
