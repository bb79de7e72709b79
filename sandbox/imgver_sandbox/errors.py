"""The error of the sandbox itself."""

INSTALL = "install imgver-sandbox, or imgver-constructs with its extra `sandbox`"
"""The remedy when a package that the sandbox needs is missing."""


class SandboxError(Exception):
    """The sandbox cannot be started or used. The message is one line that gives the reason and the remedy.

    A call of the AWS API that fails raises botocore's ClientError instead, as on AWS.
    """
