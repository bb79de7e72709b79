"""The harness of the handler, for the cases of other tools."""

from harness import alias, aws, create, delete, event, function, function_of, make_aws, update

__all__ = ["alias", "aws", "create", "delete", "event", "function", "function_of", "make_aws", "update"]
