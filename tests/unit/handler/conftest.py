"""The harness of the handler, which the model and the replays use as well."""

from harness import alias, aws, create, delete, event, function, function_of, make_aws, retention, update

__all__ = ["alias", "aws", "create", "delete", "event", "function", "function_of", "make_aws", "retention", "update"]
