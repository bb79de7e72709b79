"""Structured logs: one JSON object a line, with the fields of the event that is being handled."""

import json
from collections.abc import Callable, Mapping
from typing import Any


class JsonLogger:
    """Writes lines that CloudWatch Logs Insights can query by field.

    Callers pass facts, never the event itself: the event holds the signed ResponseURL.
    """

    def __init__(self, *, write: Callable[[str], None] = print) -> None:
        self._write = write
        self._fields: dict[str, Any] = {}

    def bind(self, fields: Mapping[str, Any]) -> None:
        """Add ``fields`` to every later line."""
        self._fields.update(fields)

    def info(self, message: str, /, **fields: Any) -> None:  # noqa: ANN401 (any JSON value)
        """Report what was done."""
        self._line("INFO", message, fields)

    def warning(self, message: str, /, **fields: Any) -> None:  # noqa: ANN401
        """Report what the user should know although nothing failed."""
        self._line("WARNING", message, fields)

    def error(self, message: str, /, **fields: Any) -> None:  # noqa: ANN401
        """Report what failed."""
        self._line("ERROR", message, fields)

    def _line(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        self._write(json.dumps({"level": level, "message": message, **self._fields, **fields}, default=str))
