"""The SageMaker service in MiniStack: routing, handling, and what IAM checks for each call."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.images_service import ImagesService, ServiceError, respond
from imgver_sandbox.ministack.hooks import module


def add_service(service: ImagesService) -> None:
    """Add it."""
    responses, iam_actions = module("ministack.core.responses"), module("ministack.core.iam_actions")

    async def handle(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        return respond(
            service,
            target=headers.get("x-amz-target", ""),
            body=body,
            account=responses.get_account_id(),
            region=responses.get_region(),
        )

    original: Callable[..., str] = iam_actions.extract_resource_arn

    def extract_resource_arn(  # noqa: PLR0917  MiniStack calls it so
        service_name: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query_params: Mapping[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        if service_name != "sagemaker":
            return original(service_name, method, path, headers, body, query_params, region, account_id)
        resource = _authorised_resource(
            service, headers.get("x-amz-target", ""), body, account=account_id, region=region
        )
        return f"arn:aws:sagemaker:{region}:{account_id}:{resource}" if resource else "*"

    module("ministack.app").SERVICE_HANDLERS["sagemaker"] = handle
    module("ministack.core.router").SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "credential_scope": "sagemaker",
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions.extract_resource_arn = extract_resource_arn


def _authorised_resource(service: ImagesService, target: str, body: bytes, *, account: str, region: str) -> str | None:
    """The resource part of the ARN that IAM checks for a call; None when the call names no image."""
    operation = target.partition(".")[2]
    try:
        parameters = json.loads(body or b"{}")
        name = parameters["ImageName"]
    except (ValueError, TypeError, KeyError):
        return None
    if operation not in ("DescribeImageVersion", "UpdateImageVersion", "DeleteImageVersion"):
        return f"image/{name}"
    number = parameters.get("Version")
    if number is None:
        selected = {key: parameters[key] for key in ("ImageName", "Alias") if key in parameters}
        try:
            number = service.call("DescribeImageVersion", selected, account=account, region=region)["Version"]
        except ServiceError:
            number = "*"  # there is none: whoever may touch any version of the image may learn that
    return f"image-version/{name}/{number}"
