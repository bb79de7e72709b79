"""The handler's harness, which the replays use as well."""

from harness import aws, event, function, function_of, make_aws

__all__ = ["aws", "event", "function", "function_of", "make_aws"]
