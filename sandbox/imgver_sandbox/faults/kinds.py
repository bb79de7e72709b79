"""The kinds of faults, their settings, and how they are written in JSON."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, get_args

When = Literal["before", "after"]

OUTCOMES = ("CreateImage", "UpdateImage", "DeleteImage", "CreateImageVersion", "DeleteImageVersion")
"""The operations that take a while, and whose outcome is seen later, in a status."""

LIMITED = ("CreateImage", "CreateImageVersion", "CreateDomain")
"""The operations for which the model has ResourceLimitExceeded."""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= sys.float_info.max


_COUNT = (_is_count, "a whole number, 1 or more")
_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "reason": (_is_text, "a text with something in it"),
    "image": (_is_text, "the name of an image"),
    "version": _COUNT,
    "times": _COUNT,
    "per_second": _COUNT,
    "seconds": (_is_duration, "a number above 0"),
    "when": (lambda value: value in get_args(When), "before or after"),
}


@dataclasses.dataclass(frozen=True)
class _Settings:
    """What all kinds have in common: each checks its settings, by their names, when it is made."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Raise ValueError for the first setting that cannot be."""
        for setting, (holds, rule) in _RULES.items():
            if hasattr(self, setting) and not holds(getattr(self, setting)):
                raise ValueError(f"{setting} {getattr(self, setting)!r} must be {rule}")


@dataclasses.dataclass(frozen=True)
class Fail(_Settings):
    """A change ends in its failed status."""

    name: ClassVar[str] = "fail"
    reason: str
    operation: str = "CreateImageVersion"
    times: int = 1

    def __str__(self) -> str:
        """What it does."""
        return f"{self.operation} fails: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Slow(_Settings):
    """A change takes its time."""

    name: ClassVar[str] = "slow"
    seconds: float
    operation: str = "CreateImageVersion"
    times: int = 1

    def __str__(self) -> str:
        """What it does."""
        return f"{self.operation} takes {self.seconds:g} s"


@dataclasses.dataclass(frozen=True)
class Hold(_Settings):
    """A version is in use."""

    name: ClassVar[str] = "hold"
    image: str
    version: int

    def __str__(self) -> str:
        """What it does."""
        return f"version {self.version} of {self.image} is in use"


@dataclasses.dataclass(frozen=True)
class Throttle(_Settings):
    """Requests above a rate are refused."""

    name: ClassVar[str] = "throttle"
    per_second: int
    operation: str | None = None

    def __str__(self) -> str:
        """What it does."""
        return f"{self.operation or 'any call'} above {self.per_second} a second is throttled"


@dataclasses.dataclass(frozen=True)
class Deny(_Settings):
    """A permission is not there yet."""

    name: ClassVar[str] = "deny"
    seconds: float
    operation: str | None = None

    def __str__(self) -> str:
        """What it does."""
        return f"{self.operation or 'any call'} is denied for {self.seconds:g} s"


@dataclasses.dataclass(frozen=True)
class Drop(_Settings):
    """A connection breaks."""

    name: ClassVar[str] = "drop"
    when: When
    operation: str | None = None
    times: int = 1

    def __str__(self) -> str:
        """What it does."""
        return f"{self.operation or 'any call'} loses its connection {self.when} its effect"


@dataclasses.dataclass(frozen=True)
class Error(_Settings):
    """The service breaks."""

    name: ClassVar[str] = "error"
    operation: str | None = None
    times: int = 1

    def __str__(self) -> str:
        """What it does."""
        return f"{self.operation or 'any call'} is answered with status 500"


@dataclasses.dataclass(frozen=True)
class Limit(_Settings):
    """There is room for no more."""

    name: ClassVar[str] = "limit"
    operation: str = "CreateImageVersion"
    times: int = 1

    def __str__(self) -> str:
        """What it does."""
        return f"{self.operation} exceeds a limit"


Kind = Fail | Slow | Hold | Throttle | Deny | Drop | Error | Limit

KINDS: Mapping[str, type[Kind]] = {kind.name: kind for kind in get_args(Kind)}
"""All of them by their names."""


def to_json(kind: Kind) -> dict[str, Any]:
    """The kind's name and its settings."""
    return {"kind": kind.name, **dataclasses.asdict(kind)}


def from_json(settings: object) -> Kind:
    """What `to_json` made, or what somebody wrote. Raises ValueError when it makes no sense."""
    if not isinstance(settings, dict):
        example = '{"kind": "fail", "reason": "no space left"}'
        raise ValueError(f"a fault must be a JSON object like {example}")  # noqa: TRY004  every mistake is one
    name = settings.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"kind {name!r} must be one of {', '.join(KINDS)}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    required = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    given = {name: value for name, value in settings.items() if name != "kind"}
    for setting in given:
        if setting not in fields:
            raise ValueError(f"setting {setting!r} of fault {name!r} must be one of {', '.join(fields)}")
    for setting in required:
        if setting not in given:
            raise ValueError(f"setting {setting!r} of fault {name!r} must be given")
    return kind(**given)
