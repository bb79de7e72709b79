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


class AppType(Enum):
    """The application in whose settings Studio offers an image."""

    JUPYTER_LAB = "JupyterLab"
    """JupyterLab."""

    CODE_EDITOR = "CodeEditor"
    """Code Editor."""

    KERNEL_GATEWAY = "KernelGateway"
    """The kernel gateway of Studio Classic."""


class ImageVersionPolicy(Enum):
    """What happens to an image version that a new version replaces, or that leaves its stack.

    A version that a failed deployment created is always deleted.
    """

    DELETE = "DELETE"
    """The version is deleted after everything else in the deployment has succeeded, or with the stack."""

    RETAIN = "RETAIN"
    """The version is retained unchanged, and no longer belongs to a stack. An :class:`ImageVersionRetention` limits the
    number of such versions."""

    ARCHIVE = "ARCHIVE"
    """The version is retained like with RETAIN, and its vendor guidance becomes ARCHIVED."""
