"""The handlers that a user of the CDK Provider framework writes, as in its documentation.

https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html
"""

from typing import Any

import boto3

sagemaker = boto3.client("sagemaker")


def on_event(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Start to create or delete a version, and return the physical id."""
    if event["RequestType"] == "Delete":
        return on_delete(event)
    # Every change creates a new version. Because the id changes, CloudFormation then deletes the old version.
    return on_create(event)


def on_create(event: dict[str, Any]) -> dict[str, Any]:
    """Start to create a version."""
    properties = event["ResourceProperties"]
    response = sagemaker.create_image_version(
        ImageName=properties["ImageName"], BaseImage=properties["BaseImage"], ClientToken=event["RequestId"]
    )
    return {"PhysicalResourceId": response["ImageVersionArn"]}


def on_delete(event: dict[str, Any]) -> dict[str, Any]:
    """Start to delete the version."""
    sagemaker.delete_image_version(**version_of(event["PhysicalResourceId"]))
    return {"PhysicalResourceId": event["PhysicalResourceId"]}


def is_complete(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Whether the version is created or deleted."""
    deletes = event["RequestType"] == "Delete"
    try:
        version = sagemaker.describe_image_version(**version_of(event["PhysicalResourceId"]))
    except sagemaker.exceptions.ResourceNotFound:
        if deletes:
            return {"IsComplete": True}
        raise
    if version["ImageVersionStatus"].endswith("_FAILED"):
        raise RuntimeError(version["FailureReason"])
    if deletes or version["ImageVersionStatus"] != "CREATED":
        return {"IsComplete": False}
    return {
        "IsComplete": True,
        "Data": {"ImageVersionArn": version["ImageVersionArn"], "Version": version["Version"]},
    }


def version_of(image_version_arn: str) -> dict[str, Any]:
    """The parameters that identify a version."""
    _, name, number = image_version_arn.split("/")
    return {"ImageName": name, "Version": int(number)}
