"""Structured logging: one JSON object per line, with the fields of the event that is being handled."""

import json
from collections.abc import Callable, Mapping
from typing import Any


class JsonLogger:
    """Writes lines that CloudWatch Logs Insights can query by field.

    Callers pass single values, never the event itself: the event contains the signed ResponseURL.
    """

    def __init__(self, *, write: Callable[[str], None] = print) -> None:
        """Create a logger that writes lines with ``write``, by default to standard output."""
        self._write = write
        self._fields: dict[str, Any] = {}

    def bind(self, fields: Mapping[str, Any]) -> None:
        """Add ``fields`` to every later line."""
        self._fields.update(fields)

    def info(self, message: str, /, **fields: Any) -> None:  # noqa: ANN401 (any JSON value)
        """Log an action or a decision."""
        self._line("INFO", message, fields)

    def warning(self, message: str, /, **fields: Any) -> None:  # noqa: ANN401
        """Log something that needs the user's attention although the event did not fail."""
        self._line("WARNING", message, fields)

    def error(self, message: str, /, **fields: Any) -> None:  # noqa: ANN401
        """Log a failure."""
        self._line("ERROR", message, fields)

    def _line(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        self._write(json.dumps({"level": level, "message": message, **self._fields, **fields}, default=str))
