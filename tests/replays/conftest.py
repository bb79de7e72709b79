"""The harness of the handler, for the cases of other tools."""

from harness import alias, aws, create, delete, event, function, update

__all__ = ["alias", "aws", "create", "delete", "event", "function", "update"]
