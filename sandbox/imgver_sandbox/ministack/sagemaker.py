"""The SageMaker service in MiniStack: routing, handling, and the resources that IAM checks for each call."""

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.ministack.connections import break_connection
from imgver_sandbox.ministack.hooks import APP, IAM_ACTIONS, RESPONSES, module
from imgver_sandbox.sagemaker.service import ImagesService, respond
from imgver_sandbox.sagemaker.service_faults import ConnectionBroken

ServiceResponse = tuple[int, dict[str, str], bytes]

# The resource in the ARN, by the end of the operation's name. `Owner` is the space or the user profile of an app.
_RESOURCES = {
    "AppImageConfig": "app-image-config/{AppImageConfigName}",
    "Domain": "domain/{DomainId}",
    "UserProfile": "user-profile/{DomainId}/{UserProfileName}",
    "Space": "space/{DomainId}/{SpaceName}",
    "App": "app/{DomainId}/{Owner}/{AppType}/{AppName}",
    "StudioLifecycleConfig": "studio-lifecycle-config/{StudioLifecycleConfigName}",
}
_VERBS = re.compile("Create|Describe|Update|Delete")
_VERSION_OPERATIONS = ("DescribeImageVersion", "UpdateImageVersion", "DeleteImageVersion")


def add_service(service: ImagesService) -> None:
    """Add `service` to MiniStack."""
    responses, iam_actions = module(RESPONSES), module(IAM_ACTIONS)

    async def handle(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> ServiceResponse:
        target, account, region = headers.get("x-amz-target", ""), responses.get_account_id(), responses.get_region()
        # MiniStack has already checked the first ARN.
        for arn in authorised_arns(service, target, body, account=account, region=region)[1:]:
            action = f"sagemaker:{target.partition('.')[2]}"
            denied: ServiceResponse | None = module(APP)._enforce_data_plane(
                "sagemaker", action, headers, query, str(uuid.uuid4()), resource_arn=arn, named_resource=arn
            )
            if denied:
                return denied
        try:
            return respond(service, target=target, body=body, account=account, region=region)
        except ConnectionBroken:
            break_connection()
            return 500, {}, b""  # only for the record of requests

    original: Callable[..., str] = iam_actions.extract_resource_arn

    def extract_resource_arn(service_name: str, *request: Any) -> str:  # noqa: ANN401  MiniStack has no types
        if service_name != "sagemaker":
            return original(service_name, *request)
        _method, _path, headers, body, _query, region, account = request
        return authorised_arns(service, headers.get("x-amz-target", ""), body, account=account, region=region)[0]

    module(APP).SERVICE_HANDLERS["sagemaker"] = handle
    module("ministack.core.router").SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "credential_scope": "sagemaker",
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions.extract_resource_arn = extract_resource_arn


def authorised_arns(service: ImagesService, target: str, body: bytes, *, account: str, region: str) -> list[str]:
    """Return the ARNs that IAM checks for a call, all of which must be allowed. `*` if the call names no resource.

    They follow the Service Authorization Reference. It lists images and versions for ListAliases: the image is always
    checked, and the version if the call names one.
    """
    operation = target.partition(".")[2]
    try:
        parameters = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        parameters = None
    if not isinstance(parameters, dict):
        return ["*"]
    prefix = f"arn:aws:sagemaker:{region}:{account}"
    if operation == "CreateDomain":
        return [f"{prefix}:domain/*"]
    if "ResourceArn" in parameters:  # of an operation on tags
        return [str(parameters["ResourceArn"])]
    resource = _RESOURCES.get(_VERBS.sub("", operation, count=1))
    if resource is not None:
        names = defaultdict(lambda: "*", {name: value for name, value in parameters.items() if value is not None})
        names["Owner"] = names.get("SpaceName", names["UserProfileName"])
        return [f"{prefix}:{resource.format_map(names)}"]
    if "ImageName" not in parameters:
        return ["*"]
    name = parameters["ImageName"]
    arns = [] if operation in _VERSION_OPERATIONS else [f"{prefix}:image/{name}"]
    if operation in _VERSION_OPERATIONS or (operation == "ListAliases" and parameters.keys() & {"Version", "Alias"}):
        # By number, by alias, or the latest version. If it does not exist, the caller needs access to all versions.
        number = parameters.get("Version") or service.version_number(parameters, account=account, region=region)
        arns.append(f"{prefix}:image-version/{name}/{number or '*'}")
    return arns
