"""Saved queries of CloudWatch Logs Insights, which MiniStack lacks: their operations and their CloudFormation type.

Queries can be saved, listed on one page and deleted. They cannot be run.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from imgver_sandbox.ministack.hooks import APP, PROVISIONERS, RESPONSES, module
from imgver_sandbox.sagemaker import json_protocol
from imgver_sandbox.sagemaker.errors import ServiceError
from imgver_sandbox.sagemaker.service_model import modelled_service

Properties = Mapping[str, Any]
ServiceResponse = tuple[int, dict[str, str], bytes]

_PREFIX = "Logs_20140328"
_TYPE = "AWS::Logs::QueryDefinition"
_PROPERTIES = {"Name": "name", "QueryString": "queryString", "LogGroupNames": "logGroupNames"}


class QueryDefinitions:
    """The saved queries of all accounts and regions."""

    def __init__(self) -> None:
        """Create a collection without queries."""
        self._queries: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    def clear(self) -> None:
        """Remove all queries."""
        self._queries.clear()

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Perform one operation for the account and region of the request. Raises ServiceError."""
        responses, logs = module(RESPONSES), modelled_service("logs")
        queries = self._queries.setdefault((responses.get_account_id(), responses.get_region()), {})
        accepted = logs.parse_input(operation, parameters)
        return logs.build_output(operation, _OPERATIONS[operation](queries, accepted))

    def add(self) -> None:
        """Add the operations and the CloudFormation type to MiniStack."""
        handlers = module(APP).SERVICE_HANDLERS
        original: Callable[..., Awaitable[ServiceResponse]] = handlers["logs"]

        async def handle(
            method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
        ) -> ServiceResponse:
            target = headers.get("x-amz-target", "")
            if target.removeprefix(f"{_PREFIX}.") not in _OPERATIONS:
                return await original(method, path, headers, body, query)
            return json_protocol.respond(self.call, target=target, prefix=_PREFIX, body=body)

        handlers["logs"] = handle
        module(PROVISIONERS)._RESOURCE_HANDLERS[_TYPE] = {
            "create": lambda _logical_id, properties, _stack: self._save(properties),
            "update": lambda physical_id, _old, new, _stack: self._save(new, queryDefinitionId=physical_id),
            "delete": self._delete,
        }

    def _save(self, properties: Properties, **which: str) -> tuple[str, dict[str, Any]]:
        unknown = properties.keys() - _PROPERTIES
        if unknown:
            raise ValueError(f"{_TYPE}: {', '.join(sorted(unknown))} must be left out, since the sandbox lacks it")
        values = {_PROPERTIES[name]: value for name, value in properties.items()}
        query_id = self.call("PutQueryDefinition", values | which)["queryDefinitionId"]
        return query_id, {"QueryDefinitionId": query_id}

    def _delete(self, physical_id: str, _properties: Properties) -> None:
        try:
            self.call("DeleteQueryDefinition", {"queryDefinitionId": physical_id})
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise


def _put(queries: dict[str, dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    query_id = request.get("queryDefinitionId") or str(uuid.uuid4())
    if "queryDefinitionId" in request:
        _check_exists(queries, query_id)
    members = ("name", "queryString", "logGroupNames")
    queries[query_id] = {"queryDefinitionId": query_id} | {name: request[name] for name in members if name in request}
    return {"queryDefinitionId": query_id}


def _describe(queries: dict[str, dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    prefix = request.get("queryDefinitionNamePrefix", "")
    return {"queryDefinitions": [query for query in queries.values() if query["name"].startswith(prefix)]}


def _delete(queries: dict[str, dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    _check_exists(queries, request["queryDefinitionId"])
    del queries[request["queryDefinitionId"]]
    return {"success": True}


def _check_exists(queries: dict[str, dict[str, Any]], query_id: str) -> None:
    if query_id not in queries:
        raise ServiceError("ResourceNotFoundException", f"The query definition {query_id} does not exist.")


_OPERATIONS = {
    "PutQueryDefinition": _put,
    "DescribeQueryDefinitions": _describe,
    "DeleteQueryDefinition": _delete,
}
