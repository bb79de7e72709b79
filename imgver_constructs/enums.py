"""The values of parameters with a few choices: those of CreateImageVersion, and those of this library.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
"""

from enum import Enum


class JobType(Enum):
    """The type of SageMaker job that an image version is compatible with."""

    TRAINING = "TRAINING"
    """Training jobs."""

    INFERENCE = "INFERENCE"
    """Inference jobs."""

    NOTEBOOK_KERNEL = "NOTEBOOK_KERNEL"
    """Notebook kernels."""


class Processor(Enum):
    """The processor that an image version is compatible with."""

    CPU = "CPU"
    """CPU."""

    GPU = "GPU"
    """GPU."""


class VendorGuidance(Enum):
    """The stability of an image version, as its maintainer states it."""

    NOT_PROVIDED = "NOT_PROVIDED"
    """The maintainer states nothing. SageMaker uses this value when nothing is declared."""

    STABLE = "STABLE"
    """Stable."""

    TO_BE_ARCHIVED = "TO_BE_ARCHIVED"
    """To be archived. SageMaker archives the version after three months."""

    ARCHIVED = "ARCHIVED"
    """Archived: not searchable, and no longer actively supported."""


class Superseded(Enum):
    """What happens to an image version when a new one replaces it."""

    DELETE = "DELETE"
    """The version is deleted after everything else in the deployment has succeeded."""

    RETAIN = "RETAIN"
    """The version stays as it is, and belongs to no stack any more. An :class:`ImageRetention` limits their number."""

    ARCHIVE = "ARCHIVE"
    """The vendor guidance of the version becomes ARCHIVED, and the version stays. The same happens when the version
    leaves the stack with ``RemovalPolicy.DESTROY``, and when the deployment that created it is rolled back:
    CloudFormation sends the same Delete event in all three cases."""
