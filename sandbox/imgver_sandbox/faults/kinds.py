"""The kinds of faults (fail, slow, hold, in-service, throttle, deny, …), their settings and their JSON form."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, get_args

DropMoment = Literal["before", "after"]

CHANGE_OPERATIONS = (
    *("CreateImage", "UpdateImage", "DeleteImage", "CreateImageVersion", "DeleteImageVersion"),
    *("CreateDomain", "UpdateDomain", "DeleteDomain"),
    *("CreateUserProfile", "UpdateUserProfile", "DeleteUserProfile"),
    *("CreateSpace", "UpdateSpace", "DeleteSpace", "CreateApp"),
)
"""The operations that begin a change. Its result appears later, as a status."""

LIMITED_OPERATIONS = (
    "CreateImage",
    "CreateImageVersion",
    "CreateDomain",
    "CreateUserProfile",
    "CreateSpace",
    "CreateApp",
)
"""The operations for which the service model has the error ResourceLimitExceeded."""


def _is_string(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= sys.float_info.max


_COUNT = (_is_count, "a whole number, 1 or more")
_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "reason": (_is_string, "a string that is not empty"),
    "domain": (lambda value: value is None or _is_string(value), "the id of a domain"),
    "image": (_is_string, "the name of an image"),
    "version": _COUNT,
    "times": _COUNT,
    "per_second": _COUNT,
    "seconds": (_is_duration, "a number above 0"),
    "when": (lambda value: value in get_args(DropMoment), "before or after"),
}


@dataclasses.dataclass(frozen=True)
class _FaultSettings:
    """The base of all kinds. It validates the settings by their names."""

    name: ClassVar[str]
    effect: ClassVar[str]
    """The effect for the list of faults, with the settings in braces."""

    def __post_init__(self) -> None:
        """Raise ValueError for the first invalid setting."""
        for setting, (holds, rule) in _RULES.items():
            if hasattr(self, setting) and not holds(getattr(self, setting)):
                raise ValueError(f"{setting} {getattr(self, setting)!r} must be {rule}")

    def __str__(self) -> str:
        """The effect, for the list of faults."""
        settings = dataclasses.asdict(self)
        defaults = {"operation": "any call", "domain": "every domain"}
        return self.effect.format(**(defaults | {name: value for name, value in settings.items() if value is not None}))


@dataclasses.dataclass(frozen=True)
class FailFault(_FaultSettings):
    """A change ends in its failed status."""

    name: ClassVar[str] = "fail"
    effect: ClassVar[str] = "{operation} fails: {reason}"
    reason: str
    operation: str = "CreateImageVersion"
    times: int = 1


@dataclasses.dataclass(frozen=True)
class SlowFault(_FaultSettings):
    """A change takes longer."""

    name: ClassVar[str] = "slow"
    effect: ClassVar[str] = "{operation} takes {seconds:g} s"
    seconds: float
    operation: str = "CreateImageVersion"
    times: int = 1


@dataclasses.dataclass(frozen=True)
class HoldFault(_FaultSettings):
    """A version is in use."""

    name: ClassVar[str] = "hold"
    effect: ClassVar[str] = "version {version} of {image} is in use"
    image: str
    version: int


@dataclasses.dataclass(frozen=True)
class InServiceFault(_FaultSettings):
    """An app runs, so that updates of its domain and of the user profiles in it are refused."""

    name: ClassVar[str] = "in-service"
    effect: ClassVar[str] = "an app runs in {domain}"
    domain: str | None = None


@dataclasses.dataclass(frozen=True)
class ThrottleFault(_FaultSettings):
    """Requests above a rate are throttled."""

    name: ClassVar[str] = "throttle"
    effect: ClassVar[str] = "{operation} above {per_second} a second is throttled"
    per_second: int
    operation: str | None = None


@dataclasses.dataclass(frozen=True)
class DenyFault(_FaultSettings):
    """A permission is missing for some seconds."""

    name: ClassVar[str] = "deny"
    effect: ClassVar[str] = "{operation} is denied for {seconds:g} s"
    seconds: float
    operation: str | None = None


@dataclasses.dataclass(frozen=True)
class DropFault(_FaultSettings):
    """A request loses its connection."""

    name: ClassVar[str] = "drop"
    effect: ClassVar[str] = "{operation} loses its connection {when} its effect"
    when: DropMoment
    operation: str | None = None
    times: int = 1


@dataclasses.dataclass(frozen=True)
class ErrorFault(_FaultSettings):
    """A request gets the HTTP status 500."""

    name: ClassVar[str] = "error"
    effect: ClassVar[str] = "{operation} gets the status 500"
    operation: str | None = None
    times: int = 1


@dataclasses.dataclass(frozen=True)
class LimitFault(_FaultSettings):
    """A request exceeds a limit of the account."""

    name: ClassVar[str] = "limit"
    effect: ClassVar[str] = "{operation} exceeds a limit"
    operation: str = "CreateImageVersion"
    times: int = 1


FaultKind = (
    FailFault | SlowFault | HoldFault | InServiceFault | ThrottleFault | DenyFault | DropFault | ErrorFault | LimitFault
)

FAULT_KINDS: Mapping[str, type[FaultKind]] = {kind.name: kind for kind in get_args(FaultKind)}
"""All kinds by their names."""


def to_json(kind: FaultKind) -> dict[str, Any]:
    """The name and the settings of the kind as a JSON object."""
    return {"kind": kind.name, **dataclasses.asdict(kind)}


def from_json(settings: object) -> FaultKind:
    """Parse the JSON object of a kind. Raises ValueError for an invalid one."""
    if not isinstance(settings, dict):
        example = '{"kind": "fail", "reason": "no space left"}'
        raise ValueError(f"a fault must be a JSON object like {example}")  # noqa: TRY004  callers handle ValueError
    name = settings.get("kind")
    kind = FAULT_KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"kind {name!r} must be one of {', '.join(FAULT_KINDS)}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    given = {setting: value for setting, value in settings.items() if setting != "kind"}
    for setting in given:
        if setting not in fields:
            raise ValueError(f"setting {setting!r} of fault {name!r} must be one of {', '.join(fields)}")
    for setting, field in fields.items():
        if setting not in given and field.default is dataclasses.MISSING:
            raise ValueError(f"setting {setting!r} of fault {name!r} must be given")
    return kind(**given)
