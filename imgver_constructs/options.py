"""The values that CreateImageVersion takes for its closed parameters.

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
