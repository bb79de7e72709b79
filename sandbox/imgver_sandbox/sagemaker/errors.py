"""The errors that the operations share, in the words of the service where those are known."""

from imgver_sandbox.sagemaker.records import Record
from imgver_sandbox.sagemaker.service_model import ServiceError

_DOING = {
    "CREATING": "created",
    "UPDATING": "updated",
    "DELETING": "deleted",
    "Pending": "created",
    "Updating": "updated",
    "Deleting": "deleted",
}


def in_use(message: str) -> ServiceError:
    """ResourceInUse."""
    return ServiceError("ResourceInUse", message)


def invalid(message: str) -> ServiceError:
    """ValidationException."""
    return ServiceError("ValidationException", message)


def does_not_exist(kind: str, **named: object) -> ServiceError:
    """ResourceNotFound for what the parameters `named` do not lead to."""
    which = " and ".join(f"{name} {value}" for name, value in named.items())
    return ServiceError(
        "ResourceNotFound", f"{kind} with {which} does not exist. Please provide a valid {' and '.join(named)}."
    )


def being_changed(record: Record) -> ServiceError:
    """ResourceInUse for a record whose change is not over."""
    return in_use(f"{record.kind} ({record.arn}) is being {_DOING[record.status]}")


def refuse_change_under_way(record: Record) -> None:
    """Raise `being_changed` while the record is changing."""
    if record.change is not None:
        raise being_changed(record)
