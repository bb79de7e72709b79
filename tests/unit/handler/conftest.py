"""The harness of the handler, which the model and the replays use as well."""

from harness import alias, aws, crash_before_poll, create, delete, event, function, retention, update

__all__ = ["alias", "aws", "crash_before_poll", "create", "delete", "event", "function", "retention", "update"]
