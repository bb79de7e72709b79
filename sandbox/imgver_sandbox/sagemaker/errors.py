"""The errors of the service, in the service's own words where those are known."""

from imgver_sandbox.sagemaker.records import ResourceRecord

_PARTICIPLES = {
    "CREATING": "created",
    "UPDATING": "updated",
    "DELETING": "deleted",
    "Pending": "created",
    "Updating": "updated",
    "Deleting": "deleted",
}


class ServiceError(Exception):
    """An error response of the service.

    Attributes:
        code: The error code on the wire: `ResourceInUse`, without the suffix "Exception" of the documentation.
        message: The error message.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        """Create an error response. The default of `status` is 400."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def resource_in_use(message: str) -> ServiceError:
    """A ResourceInUse error."""
    return ServiceError("ResourceInUse", message)


def validation_exception(message: str) -> ServiceError:
    """A ValidationException error."""
    return ServiceError("ValidationException", message)


def resource_not_found(type_name: str, **parameters: object) -> ServiceError:
    """A ResourceNotFound error for the resource that the `parameters` of the call identify."""
    which = " and ".join(f"{name} {value}" for name, value in parameters.items())
    return ServiceError(
        "ResourceNotFound",
        f"{type_name} with {which} does not exist. Please provide a valid {' and '.join(parameters)}.",
    )


def change_in_progress(record: ResourceRecord) -> ServiceError:
    """A ResourceInUse error for a record that is being created, updated or deleted."""
    doing = _PARTICIPLES[record.status]
    if record.status.isupper():
        return resource_in_use(f"{record.type_name} ({record.arn}) is being {doing}")
    # The resources of Studio. Public code that retries looks for "is already being updated".
    return resource_in_use(f"{record.type_name} [{record.arn}] is already being {doing}.")


def refuse_change_in_progress(record: ResourceRecord, *, unless: str | None = None) -> None:
    """Raise `change_in_progress` while the record is being created, updated or deleted, `unless` it has this status."""
    if record.pending_change is not None and record.status != unless:
        raise change_in_progress(record)
