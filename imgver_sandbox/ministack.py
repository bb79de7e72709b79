"""The adapter: the only module that touches MiniStack's names.

MiniStack publishes no way to add a service, so this hooks into private names of one pinned version. `install` looks at
every name before it changes any, and says which one has moved.
"""

import asyncio
import contextvars
import importlib
import inspect
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.container_registry import ContainerImage, parse_image_uri
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.images_service import ImagesService, ServiceError, respond
from imgver_sandbox.ministack_release import MINISTACK_VERSION, check_version

_IMAGE_TYPE = "AWS::SageMaker::Image"
_IMAGE_POLL_SECONDS = 0.1
# Where a stack keeps the custom resources whose Create failed, until their Delete.
_FAILED_CREATES = "_imgver_failed_creates"

_CUSTOM_RESOURCE = "ministack.services.cloudformation.custom_resource"
_HANDLERS = "ministack.services.cloudformation.handlers"
_PROVISIONERS = "ministack.services.cloudformation.provisioners"
_STACKS = "ministack.services.cloudformation.stacks"

_ROLL_BACK = "(stack_name, stack_id, stack, operation, reason_override)"
_DELETE_STACK = "(stack_name, stack_id, retain_resources, force)"
# Every name used here, with its parameters if it is a function and its type's name otherwise.
_HOOKS: Mapping[tuple[str, str], str] = {
    ("ministack.app", "app"): "(scope, receive, send)",
    ("ministack.app", "SERVICE_HANDLERS"): "dict",
    ("ministack.core.router", "SERVICE_PATTERNS"): "dict",
    ("ministack.core.iam_actions", "SERVICE_TO_IAM_NAMESPACE"): "dict",
    ("ministack.core.iam_actions", "extract_resource_arn"): (
        "(service, method, path, headers, body, query_params, region, account_id)"
    ),
    ("ministack.core.responses", "get_account_id"): "()",
    ("ministack.core.responses", "get_region"): "()",
    ("ministack.services.ecr", "_images"): "AccountRegionScopedDict",
    ("ministack.services.cloudformation", "_stacks"): "AccountRegionScopedDict",
    (_CUSTOM_RESOURCE, "_pending"): "dict",
    (_CUSTOM_RESOURCE, "register_token"): "(token)",
    (_CUSTOM_RESOURCE, "invoke_custom_resource"): (
        "(request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id, old_props)"
    ),
    (_HANDLERS, "_roll_back_operation"): _ROLL_BACK,
    (_HANDLERS, "_delete_stack_async"): _DELETE_STACK,
    (_PROVISIONERS, "_RESOURCE_HANDLERS"): "dict",
    (_PROVISIONERS, "_REPLACING_PROPERTIES"): "dict",
    (_STACKS, "_roll_back_operation"): _ROLL_BACK,
    (_STACKS, "_delete_stack_async"): _DELETE_STACK,
    (_STACKS, "_runs_on_worker_thread"): "(resource_type)",
}

_log = logging.getLogger(__name__)


def check_hooks() -> None:
    """Raise SandboxError for the first name of `_HOOKS` that is missing or not what this module was written for."""
    for (module, name), wanted in _HOOKS.items():
        found = _shape(getattr(importlib.import_module(module), name, None))
        if found != wanted:
            raise SandboxError(
                f"ministack {MINISTACK_VERSION} is not as it was published: {module}.{name} must be {wanted}, "
                f"found {found}: run `pip install --force-reinstall ministack=={MINISTACK_VERSION}`"
            )


def install(service: ImagesService) -> None:
    """Add the SageMaker service and AWS::SageMaker::Image to MiniStack in this process, and mend failed creates.

    Its settings are environment variables, which it reads when it is imported: set them before.
    Raises SandboxError when MiniStack is not the pinned version or not as that was published.
    """
    check_version()
    check_hooks()
    _add_service(service)
    _add_image_type(service)
    _keep_failed_creates()


def serve(listener: int) -> None:
    """Answer requests on the listening socket with the file descriptor `listener`, until this process ends."""
    hypercorn = _module("hypercorn.asyncio")
    config = _module("hypercorn.config").Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75  # seconds, as MiniStack's own start sets it
    asyncio.run(hypercorn.serve(_module("ministack.app").app, config))


class EcrRegistry:
    """MiniStack's ECR, as the images service reads it."""

    def resolve(self, uri: str, /) -> ContainerImage | None:
        """The image behind `uri` in the account and region that it names; None when it is not there."""
        parsed = parse_image_uri(uri)
        if parsed is None:
            return None
        images = _module("ministack.services.ecr")._images
        for image in images.get_scoped(parsed.registry_id, parsed.region, parsed.repository, []):
            if image["imageDigest"] == parsed.digest or parsed.tag in image["imageTags"]:
                return ContainerImage(digest=image["imageDigest"], media_type=_media_type(image))
        return None


def _module(name: str) -> Any:  # noqa: ANN401  MiniStack has no types
    # Imported late: MiniStack reads the environment and sets up logging when it is imported.
    return importlib.import_module(name)


def _shape(found: object) -> str:
    if inspect.isroutine(found):
        return f"({', '.join(inspect.signature(found).parameters)})"
    return "nothing" if found is None else type(found).__name__


def _media_type(image: Mapping[str, Any]) -> str:
    # ECR believes the manifest. MiniStack takes every manifest that is put without a type for Docker's.
    try:
        manifest = json.loads(image["imageManifest"])
    except ValueError:
        manifest = {}
    declared = manifest.get("mediaType") if isinstance(manifest, dict) else None
    return str(declared or image["imageManifestMediaType"])


# --- the service -----------------------------------------------------------------------------------------------------


def _add_service(service: ImagesService) -> None:
    responses, iam_actions = _module("ministack.core.responses"), _module("ministack.core.iam_actions")

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

    _module("ministack.app").SERVICE_HANDLERS["sagemaker"] = handle
    _module("ministack.core.router").SERVICE_PATTERNS["sagemaker"] = {
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


# --- AWS::SageMaker::Image -------------------------------------------------------------------------------------------


def _add_image_type(service: ImagesService) -> None:
    responses, stacks = _module("ministack.core.responses"), _module(_STACKS)

    def call(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return service.call(operation, parameters, account=responses.get_account_id(), region=responses.get_region())

    def settled(name: str) -> dict[str, Any]:
        while (image := call("DescribeImage", {"ImageName": name}))["ImageStatus"].endswith("ING"):
            time.sleep(_IMAGE_POLL_SECONDS)
        if image["ImageStatus"] != "CREATED":
            raise ValueError(f"image {name} is {image['ImageStatus']}: {image.get('FailureReason', 'no reason given')}")
        return image

    def create(_logical_id: str, properties: Mapping[str, Any], _stack_name: str) -> tuple[str, dict[str, str]]:
        name = properties["ImageName"]
        call("CreateImage", _image_parameters(properties, "Tags"))
        try:
            arn = settled(name)["ImageArn"]
        except ValueError:
            delete(name, properties)
            raise
        return arn, {"ImageArn": arn}

    def update(
        arn: str, old: Mapping[str, Any], new: Mapping[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, str]]:
        parameters = _image_parameters(new)
        removed = _image_parameters(old).keys() - parameters.keys()
        call("UpdateImage", {**parameters, **({"DeleteProperties": sorted(removed)} if removed else {})})
        settled(new["ImageName"])
        return arn, {"ImageArn": arn}

    def delete(_arn: str, properties: Mapping[str, Any]) -> None:
        name = properties["ImageName"]
        try:
            call("DeleteImage", {"ImageName": name})
            settled(name)
        except ServiceError as error:
            if error.code != "ResourceNotFound":
                raise

    provisioners = _module(_PROVISIONERS)
    provisioners._RESOURCE_HANDLERS[_IMAGE_TYPE] = {"create": create, "update": update, "delete": delete}
    provisioners._REPLACING_PROPERTIES[_IMAGE_TYPE] = ("ImageName",)

    runs_on_worker_thread: Callable[[str], bool] = stacks._runs_on_worker_thread
    # It waits for the image, and must not hold up the event loop meanwhile.
    stacks._runs_on_worker_thread = lambda kind: kind == _IMAGE_TYPE or runs_on_worker_thread(kind)


def _image_parameters(properties: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """What the API calls the properties of the CloudFormation type."""
    names = {
        "ImageName": "ImageName",
        "ImageRoleArn": "RoleArn",
        "ImageDisplayName": "DisplayName",
        "ImageDescription": "Description",
        **{name: name for name in more},
    }
    return {names[name]: value for name, value in properties.items() if name in names}


# --- custom resources whose Create failed ----------------------------------------------------------------------------


def _keep_failed_creates() -> None:
    """Send the Delete that follows a failed Create.

    CloudFormation keeps the physical id of a FAILED response (or makes one up, also after a timeout) and sends Delete
    for it when the stack rolls back, is deleted, or makes that resource once more. MiniStack forgets it.
    """
    custom_resource, stacks, handlers = _module(_CUSTOM_RESOURCE), _module(_STACKS), _module(_HANDLERS)
    cloudformation = _module("ministack.services.cloudformation")
    register_token = custom_resource.register_token
    invoke_custom_resource = custom_resource.invoke_custom_resource
    roll_back_operation = stacks._roll_back_operation
    delete_stack_async = stacks._delete_stack_async
    sent: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("sent", default=None)

    def remember_token(token: str) -> object:
        event = register_token(token)
        # MiniStack puts the response in here, and drops it after the wait.
        sent.set(custom_resource._pending[token])
        return event

    def invoke(  # noqa: PLR0917  MiniStack calls it so
        request_type: str,
        logical_id: str,
        props: dict[str, Any],
        stack_name: str,
        stack_id: str,
        resource_type: str,
        physical_id: str | None = None,
        old_props: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        failed = (cloudformation._stacks.get(stack_name) or {}).setdefault(_FAILED_CREATES, {})
        if request_type == "Create" and logical_id in failed:
            invoke_custom_resource(
                "Delete",
                logical_id,
                failed[logical_id]["Properties"],
                stack_name,
                stack_id,
                failed[logical_id]["ResourceType"],
                physical_id=failed[logical_id]["PhysicalResourceId"],
            )
            del failed[logical_id]
        sent.set(None)
        try:
            answer: tuple[str, dict[str, Any]] = invoke_custom_resource(
                request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id, old_props
            )
        except (RuntimeError, TimeoutError):
            request = sent.get()
            if request_type == "Create" and request is not None:
                invented = f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"
                failed[logical_id] = {
                    "PhysicalResourceId": (request["result"] or {}).get("PhysicalResourceId") or invented,
                    "ResourceType": resource_type,
                    "ResourceStatus": "CREATE_FAILED",
                    "LogicalResourceId": logical_id,
                    "Properties": props,
                    "Attributes": {},
                }
            raise
        return answer

    def put_back(stack: dict[str, Any]) -> list[str]:
        failed = stack.pop(_FAILED_CREATES, {})
        stack.setdefault("_resources", {}).update(failed)
        return list(failed)

    async def roll_back(
        stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], reason_override: str = ""
    ) -> None:
        created = [*operation.get("created", []), *put_back(stack)]
        await roll_back_operation(stack_name, stack_id, stack, {**operation, "created": created}, reason_override)

    async def delete_stack(
        stack_name: str, stack_id: str, retain_resources: frozenset[str] = frozenset(), force: bool = False
    ) -> None:
        put_back(cloudformation._stacks.get(stack_name) or {})
        await delete_stack_async(stack_name, stack_id, retain_resources, force)

    custom_resource.register_token = remember_token
    custom_resource.invoke_custom_resource = invoke
    for module in (stacks, handlers):  # the second imported them by name
        module._roll_back_operation = roll_back
        module._delete_stack_async = delete_stack
