"""The state of one stack: its declarations of images, versions, aliases and retentions, and its providers."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

import aws_cdk as cdk
from constructs import Construct, DependencyGroup, IConstruct

from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.tokens import is_known

_OF_STACK = "_imgver_constructs_registry"
_OF_STACKS_BELOW = "_imgver_constructs_registries"


class StackRegistry:
    """What the constructs of this package declare in one stack.

    It is an attribute of the stack, and dies with the stack.
    """

    def __init__(self, stack: cdk.Stack) -> None:
        """Create the registry of a stack; use :meth:`of` to get it.

        Args:
            stack: the stack.
        """
        self.stack = stack
        self.named_provider: Construct | None = None
        """The provider that was declared last of those that constructs have to name."""
        self._images_in_environment: set[cdk.Resource] = set()
        self._declared: dict[tuple[str, ...], Construct] = {}
        self._versions: dict[str, list[cdk.CfnResource]] = defaultdict(list)
        self._aliases: dict[str, DependencyGroup] = defaultdict(DependencyGroup)

    @classmethod
    def of(cls, scope: Construct) -> StackRegistry:
        """Return the registry of the stack of ``scope``.

        Args:
            scope: the stack, or a construct in it.
        """
        stack = scope if isinstance(scope, cdk.Stack) else cdk.Stack.of(scope)
        if _OF_STACK not in vars(stack):
            # jsii returns a new Python object for the stack on every call if the CDK, and not Python, created it.
            registries = vars(_created_in_python(stack)).setdefault(_OF_STACKS_BELOW, {})
            vars(stack)[_OF_STACK] = registries.setdefault(stack.node.path, cls(stack))
        registry: StackRegistry = vars(stack)[_OF_STACK]
        return registry

    @cached_property
    def account(self) -> str:
        """The account of the stack; may be a token."""
        return self.stack.account

    @cached_property
    def region(self) -> str:
        """The region of the stack; may be a token."""
        return self.stack.region

    def check_environment(self, image: cdk.Resource) -> None:
        """Check that an image is in the account and region of the stack.

        Args:
            image: the image.

        Raises:
            ValueError: the image is in another account or region.
        """
        # The check takes several calls into jsii, and many versions share an image.
        if image in self._images_in_environment:
            return
        for what, of_image, of_stack in (
            ("account", image.env.account, self.account),
            ("region", image.env.region, self.region),
        ):
            if is_known(of_image) and is_known(of_stack) and of_image != of_stack:
                raise ValueError(
                    f"image {shown(image.node.path)} must be in {what} {of_stack} of stack "
                    f"{shown(self.stack.node.path)}, not in {of_image}: declare the version where the image is"
                )
        self._images_in_environment.add(image)

    def check_is_free(self, *key: str, subject: str, remedy: str) -> None:
        """Check that no construct of the stack declares something yet.

        Args:
            key: what is declared, as in :meth:`add`.
            subject: what is declared, in the words of the error.
            remedy: what the user can do about the second declaration.

        Raises:
            ValueError: a construct of the stack declares it.
        """
        holder = self._declared.get(key)
        if holder is not None and _is_in_tree(holder):
            raise ValueError(
                f"{subject} must be declared once in a stack, but {shown(holder.node.path)} declares it too: {remedy}"
            )

    def add(self, *key: str, construct: Construct) -> None:
        """Record which construct declares something.

        Args:
            key: what it declares: its kind and the key of the image, and for an alias its name.
            construct: the construct.
        """
        self._declared[key] = construct

    def add_version(self, image_key: str, resource: cdk.CfnResource) -> None:
        """Record the custom resource of a version."""
        self._versions[image_key].append(resource)

    def add_alias(self, image_key: str, resource: cdk.CfnResource) -> None:
        """Record the custom resource of an alias."""
        self._aliases[image_key].add(resource)

    def versions(self, image_key: str) -> list[cdk.CfnResource]:
        """Return the custom resources of an image's versions; versions that are declared later are appended."""
        return self._versions[image_key]

    def aliases(self, image_key: str) -> DependencyGroup:
        """Return the custom resources of an image's aliases; aliases that are declared later are added."""
        return self._aliases[image_key]


def _created_in_python(construct: IConstruct) -> IConstruct:
    """Return the construct, or the nearest one above it that Python created: jsii always returns the same object."""
    inner_first = zip(reversed(construct.node.scopes), reversed(construct.node.scopes), strict=True)
    return next((one for one, again in inner_first if one is again), construct)


def _is_in_tree(construct: Construct) -> bool:
    """Return whether neither the construct nor one above it was removed with ``try_remove_child``."""
    found: IConstruct | None = construct.node.root
    for scope in construct.node.scopes[1:]:
        found = None if found is None else found.node.try_find_child(scope.node.id)
    return found is construct
