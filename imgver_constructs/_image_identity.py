"""The identity of a SageMaker image within an app: two constructs may stand for one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct, IDependable

from imgver_constructs._validation.tokens import is_known


@dataclass(frozen=True, kw_only=True)
class ImageIdentity:
    """The identity of an image in policies, logical IDs and checks."""

    key: str
    """The base of logical IDs. All constructs for one image have the same key."""

    declared_name: str
    """The name as declared. It is known at synth even if ``image_name`` is a token, which orders resources."""

    dependencies: Sequence[IDependable] = ()
    """The resources that CloudFormation must create before a version of the image. The construct of the image is not
    one of them, because a version may be declared inside it. Empty for an imported image."""

    @property
    def is_declared(self) -> bool:
        """Whether the app creates the image."""
        return bool(self.dependencies)


def key_from_name(name: str) -> str:
    """Return the key of an image that is declared with this name.

    SageMaker's ARNs of images are in lower case: names that differ only in case identify one image.
    """
    return name.lower()


def key_from_path(construct: Construct) -> str:
    """Return the key of an image whose name is not known at synth.

    The key is the path below the stage, so that the logical IDs of all stages are the same.
    """
    stage = cdk.Stage.of(construct)
    return construct.node.path if stage is None else construct.node.path.removeprefix(f"{stage.node.path}/")


def spellings(name: str) -> list[str]:
    """Return the name in each case in which SageMaker may authorize it.

    The case is not documented: CreateImage keeps capitals in names, but ARNs are in lower case.
    """
    return list(dict.fromkeys((name, name.lower()))) if is_known(name) else [name]
