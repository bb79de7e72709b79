"""The paginators and waiters of boto3 on a sandbox."""

import copy
import uuid

import pytest
from botocore.exceptions import WaiterError
from botocore.waiter import WaiterModel, create_waiter_with_client

ROLE = "arn:aws:iam::000000000000:role/images"
SOON = {"Delay": 0.2, "MaxAttempts": 50}


def test_waiters(sandbox, sagemaker, push):
    # GIVEN a container image and a new image
    uri, _ = push(sandbox)
    image = {"ImageName": f"image-{uuid.uuid4().hex[:8]}"}
    version = {**image, "Version": 1}

    def wait(name, which):
        sagemaker.get_waiter(name).wait(**which, WaiterConfig=SOON)

    # WHEN a waiter returns, THEN the change is complete
    sagemaker.create_image(**image, RoleArn=ROLE)
    wait("image_created", image)
    assert sagemaker.describe_image(**image)["ImageStatus"] == "CREATED"
    sagemaker.create_image_version(**image, BaseImage=uri)
    wait("image_version_created", version)
    assert sagemaker.describe_image_version(**version)["ImageVersionStatus"] == "CREATED"
    sagemaker.update_image(**image, DisplayName="Data Science")
    assert sagemaker.describe_image(**image)["ImageStatus"] == "UPDATING"
    wait("image_updated", image)
    assert sagemaker.describe_image(**image)["ImageStatus"] == "CREATED"

    # WHEN the waiter for a deletion has the right error code, as in newer releases of boto3
    sagemaker.delete_image_version(**version)
    assert _corrected("ImageVersionDeleted", sagemaker).wait(**version, WaiterConfig=SOON) is None
    assert sagemaker.list_image_versions(**image)["ImageVersions"] == []
    sagemaker.delete_image(**image)

    # THEN it works. The waiter of this release expects a wrong error code, and fails here as on AWS
    with pytest.raises(
        WaiterError, match=r"^Waiter ImageDeleted failed: An error occurred \(ResourceNotFound\): Image with ARN"
    ):
        wait("image_deleted", image)


@pytest.mark.parametrize(
    ("operation", "create", "name", "result"),
    [
        ("list_images", "create_image", "ImageName", "Images"),
        ("list_app_image_configs", "create_app_image_config", "AppImageConfigName", "AppImageConfigs"),
    ],
)
def test_paginators(sagemaker, operation, create, name, result):
    prefix = f"p{uuid.uuid4().hex[:8]}"
    names = [f"{prefix}-{number:02}" for number in range(12)]
    role = {"RoleArn": ROLE} if create == "create_image" else {}
    for each in names:
        getattr(sagemaker, create)(**{name: each}, **role)

    pages = list(sagemaker.get_paginator(operation).paginate(NameContains=prefix, PaginationConfig={"PageSize": 5}))

    assert [len(page[result]) for page in pages] == [5, 5, 2]
    assert sorted(found[name] for page in pages for found in page[result]) == names


def test_a_response_has_one_request_id(sagemaker):
    metadata = sagemaker.list_images()["ResponseMetadata"]

    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == metadata["RequestId"]
    uuid.UUID(metadata["RequestId"])


def _corrected(name, sagemaker):
    """Return a waiter with the error code that the service really returns."""
    config = copy.deepcopy(sagemaker._get_waiter_config())
    for acceptor in config["waiters"][name]["acceptors"]:
        if acceptor["expected"] == "ResourceNotFoundException":
            acceptor["expected"] = "ResourceNotFound"
    return create_waiter_with_client(name, WaiterModel(config), sagemaker)
