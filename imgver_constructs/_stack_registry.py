"""What a stack declares of each image, so that a declaration can refuse its double and a retention spare its versions.

The keys are the identities of images: two constructs may stand for one image.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import aws_cdk as cdk
from constructs import Construct, IConstruct

from imgver_constructs._validation.checks import shown

IMAGE_VERSION = "Custom::SageMakerImageVersion"
IMAGE_ALIAS = "Custom::SageMakerImageAlias"

Declared = cdk.CfnResource | cdk.CustomResource
Follower = Callable[[str, Declared], None]
"""Takes a custom resource of an image: its type, and itself."""


class Declarations:
    """The images, versions and aliases of one stack."""

    _of_scope: ClassVar[dict[Construct, Declarations]] = {}
    _of_stack: ClassVar[dict[str, Declarations]] = {}

    def __init__(self, stack: cdk.Stack) -> None:
        self.stack = stack
        self._images: dict[str, Construct] = {}
        self._aliases: dict[tuple[str, str], Construct] = {}
        self._retentions: dict[str, Construct] = {}
        self._resources: dict[str, list[tuple[str, Declared]]] = defaultdict(list)
        self._followers: dict[str, list[Follower]] = defaultdict(list)

    @classmethod
    def of(cls, scope: Construct) -> Declarations:
        """What the stack of ``scope`` declares: the same object for every scope in it."""
        # A call into jsii takes longer than everything else here, and many versions have one scope.
        if scope not in cls._of_scope:
            stack = scope if isinstance(scope, cdk.Stack) else cdk.Stack.of(scope)
            # A stack that was not made in Python is another object every time, with the same reference.
            reference: str = stack.__jsii_ref__.ref  # type: ignore[attr-defined]
            if reference not in cls._of_stack:
                cls._of_stack[reference] = cls(stack)
            cls._of_scope[scope] = cls._of_stack[reference]
        return cls._of_scope[scope]

    def hold(self, construct: Construct) -> None:
        """Remember that ``construct`` is in the stack, so that it is not asked when something is declared below it."""
        self._of_scope[construct] = self

    @cached_property
    def region(self) -> str:
        """The region of the stack."""
        return self.stack.region

    def check_image_is_free(self, image: str, name: str) -> None:
        """Check that no construct of the stack makes the image.

        Raises:
            ValueError: one does.
        """
        holder = self._images.get(image)
        if holder is not None and _is_in_tree(holder):
            raise ValueError(
                f"image_name {shown(name)} must be declared once in a stack, but {shown(holder.node.path)} "
                "declares it too: use that image, or another name"
            )

    def add_image(self, image: str, construct: Construct) -> None:
        """Remember which construct makes the image."""
        self._images[image] = construct

    def check_alias_is_free(self, image: str, image_name: str, alias: str) -> None:
        """Check that no construct of the stack declares the alias.

        Raises:
            ValueError: one does.
        """
        holder = self._aliases.get((image, alias))
        if holder is not None and _is_in_tree(holder):
            raise ValueError(
                f"alias {shown(alias)} of image {shown(image_name)} must be declared once in a stack, but "
                f"{shown(holder.node.path)} declares it too: remove one of the two"
            )

    def add_alias(self, image: str, alias: str, construct: Construct) -> None:
        """Remember which construct declares the alias."""
        self._aliases[image, alias] = construct

    def check_retention_is_free(self, image: str, image_name: str) -> None:
        """Check that no construct of the stack declares a retention of the image.

        Raises:
            ValueError: one does.
        """
        holder = self._retentions.get(image)
        if holder is not None and _is_in_tree(holder):
            raise ValueError(
                f"the retention of image {shown(image_name)} must be declared once in a stack, but "
                f"{shown(holder.node.path)} declares it too: remove one of the two"
            )

    def add_retention(self, image: str, construct: Construct) -> None:
        """Remember which construct declares the retention of the image."""
        self._retentions[image] = construct

    def add_resource(self, image: str, resource_type: str, resource: Declared) -> None:
        """Remember a version or an alias of the image."""
        self._resources[image].append((resource_type, resource))
        for follow in self._followers[image]:
            follow(resource_type, resource)

    def follow(self, image: str, follower: Follower) -> None:
        """Tell ``follower`` of every version and alias of the image, those declared so far and those to come."""
        self._followers[image].append(follower)
        for resource_type, resource in self._resources[image]:
            follower(resource_type, resource)


def _is_in_tree(construct: IConstruct) -> bool:
    """Whether neither the construct nor one that it is below was taken out with ``try_remove_child``."""
    return all(
        _is_same(above.node.try_find_child(below.node.id), below) for above, below in pairwise(construct.node.scopes)
    )


def _is_same(found: IConstruct | None, construct: IConstruct) -> bool:
    # What was not made in Python is another object every time, with the same reference.
    reference: str = construct.__jsii_ref__.ref  # type: ignore[attr-defined]
    return found is not None and reference == found.__jsii_ref__.ref  # type: ignore[attr-defined]
