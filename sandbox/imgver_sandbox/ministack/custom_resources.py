"""The events that CloudFormation sends to the function of a custom resource, and the responses that it waits for."""

import contextvars
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from imgver_sandbox.ministack.hooks import CUSTOM_RESOURCE, LAMBDA, module

_DEFAULT_TIMEOUT = 3600  # seconds
_URL_SECONDS = 7200
_LOG_SECONDS = 2.0
_END_SECONDS = 5.0

_after_response: defaultdict[str, list[threading.Event]] = defaultdict(list)
"""For the functions that have sent a response to a stack, by its id: the events that are set when they end."""


class _Invocation(NamedTuple):
    """An event that was sent to a function."""

    function_exists: Callable[[], bool]
    ended: threading.Event


_invocation: contextvars.ContextVar[_Invocation | None] = contextvars.ContextVar("invocation", default=None)


class CustomResourceError(Exception):
    """The function of a custom resource sent FAILED, or no response in time.

    `physical_id` is the physical id of the response, if it has one.
    """

    def __init__(self, reason: str, *, physical_id: str | None) -> None:
        """Create the error with the reason that the stack's event has."""
        super().__init__(reason)
        self.physical_id = physical_id


def invoke_asynchronously() -> None:
    """Invoke functions of custom resources as CloudFormation does: as events, each of which has a time limit.

    MiniStack calls the function and waits until it ends, so that ServiceTimeout does not apply while it runs, and a
    function that fails is not retried. It ignores the physical id of a FAILED response, and its ResponseURL does not
    have the time of the event.

    CloudFormation invokes the function asynchronously, so that Lambda retries it. CloudFormation continues as soon as
    it has a response, even if the function still runs, and fails the resource when it has none after ServiceTimeout
    (default 3600 s). https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
    """
    custom_resource, lambda_ = module(CUSTOM_RESOURCE), module(LAMBDA)
    execute_function: Callable[..., object] = lambda_._execute_function

    def execute(func: dict[str, Any], event: object) -> object:
        invocation = _invocation.get()
        # A reset ends the functions, and MiniStack then retries their events as if the functions still existed.
        if invocation is not None and not invocation.function_exists():
            return {}
        try:
            return execute_function(func, event)
        finally:
            if invocation is not None:
                invocation.ended.set()

    def invoke(  # noqa: PLR0917  the signature is MiniStack's
        request_type: str,
        logical_id: str,
        props: dict[str, Any],
        stack_name: str,  # noqa: ARG001
        stack_id: str,
        resource_type: str,
        physical_id: str | None = None,
        old_props: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        function, configuration, _ = lambda_._get_func_record_for_ref(props.get("ServiceToken", ""))
        if function is None or configuration is None:
            raise ValueError(f"the function of ServiceToken {props.get('ServiceToken')} does not exist")
        token, request_id = str(uuid.uuid4()), str(uuid.uuid4())
        optional = {
            "PhysicalResourceId": physical_id,
            "OldResourceProperties": old_props and custom_resource._normalise_resource_properties(old_props),
        }
        received, ended = custom_resource.register_token(token), threading.Event()
        find = lambda_._get_func_record_for_ref
        _invocation.set(_Invocation(lambda: find(props["ServiceToken"])[0] is function, ended))
        lambda_.invoke_async_with_retry(
            lambda_._execution_record_for_config(function, configuration),
            {
                "RequestType": request_type,
                "RequestId": request_id,
                "StackId": stack_id,
                "ResponseURL": f"{custom_resource._response_url(token)}?{_signed_now()}",
                "ResourceType": resource_type,
                "LogicalResourceId": logical_id,
                "ResourceProperties": custom_resource._normalise_resource_properties(props),
                **{name: value for name, value in optional.items() if value is not None},
            },
        )
        received.wait(_timeout(props))
        response: dict[str, Any] | None = custom_resource._pending.pop(token, {"result": None})["result"]
        if response is None:
            raise CustomResourceError(
                "CloudFormation did not receive a response from your Custom Resource. Please check your logs for "
                f"requestId [{request_id}].",
                physical_id=None,
            )
        _after_response[stack_id].append(ended)
        has_failed = response.get("Status") != "SUCCESS"
        if has_failed or request_type == "Delete":
            # On AWS, a function can write its log until it ends, even if its role is deleted before. Here, it cannot.
            ended.wait(_LOG_SECONDS)
        if has_failed:
            raise CustomResourceError(
                str(response.get("Reason", "no reason given")), physical_id=response.get("PhysicalResourceId")
            )
        return response.get("PhysicalResourceId") or physical_id or request_id, response.get("Data") or {}

    lambda_._execute_function = execute
    custom_resource.invoke_custom_resource = invoke


def wait_for_functions(stack_id: str) -> None:
    """Wait until the functions that have sent a response to a stack have ended, at most 5 s.

    A function may read the stack after its response. CloudFormation takes seconds from the last response to the end of
    an operation. Here, the next operation could begin, and even fail, before the function reads the stack.
    """
    end = time.monotonic() + _END_SECONDS
    for ended in _after_response.pop(stack_id, []):
        ended.wait(max(0.0, end - time.monotonic()))


def is_custom(resource_type: str) -> bool:
    """Return whether a resource of this type is managed by a function of the user."""
    return resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource"


def generated_physical_id(stack_name: str, logical_id: str) -> str:
    """Return a physical id as CloudFormation generates one for a creation without a response."""
    return f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"


def _timeout(properties: dict[str, Any]) -> int:
    try:
        return int(properties.get("ServiceTimeout", _DEFAULT_TIMEOUT))
    except ValueError:
        return _DEFAULT_TIMEOUT


def _signed_now() -> str:
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return f"X-Amz-Date={date}&X-Amz-Expires={_URL_SECONDS}"
