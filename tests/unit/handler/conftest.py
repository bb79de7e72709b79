"""The harness of the handler, which the model and the replays use as well."""

from harness import (
    alias,
    attachment,
    aws,
    crash_before_poll,
    create,
    delete,
    event,
    function,
    retention,
    studio,
    update,
)

__all__ = [
    "alias",
    "attachment",
    "aws",
    "crash_before_poll",
    "create",
    "delete",
    "event",
    "function",
    "retention",
    "studio",
    "update",
]
