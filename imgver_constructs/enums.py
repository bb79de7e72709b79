"""The values of the parameters that take one of a few: CreateImageVersion's, and this library's own.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
"""

from enum import Enum


class JobType(Enum):
    """The kind of SageMaker job an image version is compatible with."""

    TRAINING = "TRAINING"
    """Training jobs."""

    INFERENCE = "INFERENCE"
    """Inference jobs."""

    NOTEBOOK_KERNEL = "NOTEBOOK_KERNEL"
    """Notebook kernels."""


class Processor(Enum):
    """The processor an image version is compatible with."""

    CPU = "CPU"
    """CPU."""

    GPU = "GPU"
    """GPU."""


class VendorGuidance(Enum):
    """How stable the maintainer says an image version is."""

    NOT_PROVIDED = "NOT_PROVIDED"
    """The maintainer says nothing. What an image version has when nothing is declared."""

    STABLE = "STABLE"
    """Stable."""

    TO_BE_ARCHIVED = "TO_BE_ARCHIVED"
    """To be archived. SageMaker archives it after three months."""

    ARCHIVED = "ARCHIVED"
    """Archived: not searchable, no longer actively supported."""


class Superseded(Enum):
    """What becomes of an image version when a new one takes its place."""

    DELETE = "DELETE"
    """It is deleted, after everything else in the deployment went well."""

    RETAIN = "RETAIN"
    """It stays as it is, and no stack knows it any more. An :class:`ImageRetention` keeps the number of them low."""

    ARCHIVE = "ARCHIVE"
    """Its vendor guidance becomes ARCHIVED, and it stays. So it does when it leaves the stack with
    ``RemovalPolicy.DESTROY``, and when a deployment that made it is rolled back: CloudFormation says no more than that
    it is to go."""
