"""The operations on the tags of images and of the other resources, which have an ARN. Image versions have no tags.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html
"""

from collections.abc import Iterable, Mapping

from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import resource_not_found, validation_exception
from imgver_sandbox.sagemaker.listing import list_ordered

_MAX_TAGS = 50


def parse_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags of a call by their keys. Raises ServiceError (ValidationException) for a repeated key."""
    parsed: dict[str, str] = {}
    for tag in tags:
        if tag["Key"] in parsed:
            raise validation_exception(f"Duplicate tag key {tag['Key']}. Tag keys must be unique.")
        parsed[tag["Key"]] = tag["Value"]
    return parsed


def add_tags(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform AddTags: the tags are added, and those with the same keys are replaced."""
    tags = _tags(account, parameters)
    added = tags | parse_tags(parameters["Tags"])
    if len(added) > _MAX_TAGS:
        raise validation_exception(f"The resource would have {len(added)} tags. A resource can have {_MAX_TAGS} tags.")
    tags.update(added)
    return {"Tags": _as_list(tags)}


def delete_tags(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteTags. A key that the resource does not have is ignored."""
    tags = _tags(account, parameters)
    for key in parameters["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListTags."""
    tags = _tags(account, parameters)
    sized = {"MaxResults": _MAX_TAGS, **parameters}
    keys, token = list_ordered(account, "ListTags", sized, sorted(tags), key=lambda key: (key,))
    return {"Tags": _as_list({key: tags[key] for key in keys}), "NextToken": token}


OPERATIONS: dict[str, Operation] = {"AddTags": add_tags, "DeleteTags": delete_tags, "ListTags": list_tags}


def _tags(account: SageMakerAccount, parameters: OperationInput) -> dict[str, str]:
    arn = parameters["ResourceArn"]
    arns = {image.arn for image in account.images()}
    arns.update(config.arn for config in account.app_image_configs.values())
    arns.update(domain.arn for domain in account.domains.values())
    if arn not in arns:
        raise resource_not_found("Resource", ResourceArn=arn)
    return account.tags.setdefault(arn, {})


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
