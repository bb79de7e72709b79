"""The error of the sandbox itself."""

import errno

INSTALL = "install imgver-sandbox, or imgver-constructs with its extra `sandbox`"
"""The remedy when a package that the sandbox needs is missing."""


class SandboxError(Exception):
    """The sandbox cannot be started or used. The message is one line that gives the reason and the remedy.

    A call of the AWS API that fails raises botocore's ClientError instead, as on AWS.
    """


def is_disk_full(error: OSError) -> bool:
    """Return whether a write failed because the disk, or the user's share of it, is full."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def file_error(sentence: str, error: OSError, *, variables: str) -> SandboxError:
    """Return the error for a file or a folder of the sandbox.

    Args:
        sentence: What cannot be done, with the path.
        error: The reason.
        variables: The environment variables that set another folder.
    """
    if is_disk_full(error):
        return SandboxError(
            f"{sentence} (the disk is full): delete files, or set {variables} to a folder on another disk"
        )
    reason = (error.strerror or str(error)).lower()
    return SandboxError(f"{sentence} ({reason}): set {variables} to a folder that you may write")
