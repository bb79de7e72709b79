"""The state of one stack: its declarations of images, versions, aliases and retentions, and its providers."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct, DependencyGroup, IConstruct, IDependable

from imgver_constructs._image_identity import ImageIdentity
from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.paths import child_path
from imgver_constructs._validation.tokens import is_known

_REGISTRY_ATTRIBUTE = "_imgver_constructs_registry"
_REGISTRIES_ATTRIBUTE = "_imgver_constructs_registries"
_ALIASES_ATTRIBUTE = "_imgver_constructs_aliases"


class StackRegistry:
    """The declarations of one stack: images, versions, aliases, retentions and providers.

    The registry is an attribute of the stack, so that both have the same lifetime.
    """

    def __init__(self, stack: cdk.Stack) -> None:
        """Create the registry of a stack; use :meth:`of` to get it.

        Args:
            stack: the stack.
        """
        self.stack = stack
        self.default_provider: Construct | None = None
        """The provider of the constructs that get none, or None."""
        self.named_provider: Construct | None = None
        """The last declared provider that is not the default provider, or None."""
        self.paths: dict[Construct, str] = {}
        """The paths of constructs that are known without a call into jsii."""
        # A second grant would only repeat the statements.
        self.pull_permissions: WeakKeyDictionary[iam.IRole, dict[str, IDependable]] = WeakKeyDictionary()
        """The permissions to pull that the stack's versions depend on, by role and repository ARN."""
        self._images_in_environment: set[cdk.IResource] = set()
        self._declared: dict[tuple[str, ...], Construct] = {}
        self._versions: dict[str, list[cdk.CfnResource]] = defaultdict(list)
        self._aliases: dict[str, list[cdk.CfnResource]] = defaultdict(list)
        self._alias_groups: dict[str, DependencyGroup] = {}
        self._attachments: dict[str, cdk.CfnResource] = {}

    @classmethod
    def of(cls, scope: IConstruct) -> StackRegistry:
        """Return the registry of the stack of ``scope``.

        Args:
            scope: the stack, or a construct in it.
        """
        # The stack of a construct never changes, and to read it takes a call into jsii.
        if _REGISTRY_ATTRIBUTE not in vars(scope):
            stack = scope if isinstance(scope, cdk.Stack) else cdk.Stack.of(scope)
            if _REGISTRY_ATTRIBUTE not in vars(stack):
                # jsii returns a new Python object for the stack on every call if the CDK, and not Python, created it.
                registries = vars(_created_in_python(stack)).setdefault(_REGISTRIES_ATTRIBUTE, {})
                vars(stack)[_REGISTRY_ATTRIBUTE] = registries.setdefault(stack.node.path, cls(stack))
            vars(scope)[_REGISTRY_ATTRIBUTE] = vars(stack)[_REGISTRY_ATTRIBUTE]
        registry: StackRegistry = vars(scope)[_REGISTRY_ATTRIBUTE]
        return registry

    def remember(self, construct: Construct, path: str) -> None:
        """Record a new construct of this stack, so that neither its stack nor its path has to be read from jsii.

        Args:
            construct: the construct.
            path: its path.
        """
        vars(construct)[_REGISTRY_ATTRIBUTE] = self
        self.paths[construct] = path

    @cached_property
    def account(self) -> str:
        """The account of the stack; may be a token."""
        return self.stack.account

    @cached_property
    def region(self) -> str:
        """The region of the stack; may be a token."""
        return self.stack.region

    def path_of(self, scope: Construct, construct_id: str) -> str:
        """Return the path of a construct that is about to be created.

        Reading the path from each construct would take two calls into jsii, and many constructs share their parent.

        Args:
            scope: the parent construct.
            construct_id: the ID of the construct in ``scope``.
        """
        if scope not in self.paths:
            self.paths[scope] = scope.node.path
        return child_path(self.paths[scope], construct_id)

    def check_environment(self, image: cdk.IResource) -> None:
        """Check that an image is in the account and region of the stack.

        Args:
            image: the image.

        Raises:
            ValueError: the image is in another account or region.
        """
        # The check takes several calls into jsii, and many versions share an image.
        if image in self._images_in_environment:
            return
        for attribute, of_image, of_stack in (
            ("account", image.env.account, self.account),
            ("region", image.env.region, self.region),
        ):
            if is_known(of_image) and is_known(of_stack) and of_image != of_stack:
                raise ValueError(
                    f"image {shown(image.node.path)} must be in {attribute} {of_stack} of stack "
                    f"{shown(self.stack.node.path)}, not in {of_image}: declare the version where the image is"
                )
        self._images_in_environment.add(image)

    def check_is_free(self, *key: str, subject: str, remedy: str) -> None:
        """Check that no construct of the stack has declared an object.

        Args:
            key: the key of the object, as in :meth:`add`.
            subject: the object, as the error names it.
            remedy: the remedy for a second declaration, as the error states it.

        Raises:
            ValueError: a construct of the stack declares the object.
        """
        holder = self._declared.get(key)
        if holder is not None and _is_in_tree(holder):
            raise ValueError(
                f"{subject} must be declared once in a stack, but {shown(holder.node.path)} declares it too: {remedy}"
            )

    def check_alias_is_free(self, image: ImageIdentity, alias: str) -> None:
        """Check that no construct of the app has declared an alias, as far as the environments are known.

        Args:
            image: the image.
            alias: the name of the alias.

        Raises:
            ValueError: a construct of this stack, or of another stack of the same environment, declares the alias.
        """
        subject, remedy = f"alias {shown(alias)} of image {shown(image.declared_name)}", "remove one of the two"
        self.check_is_free("alias", image.key, alias, subject=subject, remedy=remedy)
        for registry, other_image, holder in self._aliases_of_app[image.declared_name.lower(), alias]:
            if (
                registry is not self
                and (other_image is image or self._is_in_environment_of(registry))
                and _is_in_tree(holder)
            ):
                raise ValueError(
                    f"{subject} must be declared in one stack, since each deployment would take it from the other, but "
                    f"{shown(holder.node.path)} declares it too: {remedy}"
                )

    def add_declared_alias(self, image: ImageIdentity, alias: str, construct: Construct) -> None:
        """Record the declaration of an alias.

        Args:
            image: the image.
            alias: the name of the alias.
            construct: the construct that declares the alias.
        """
        self.add("alias", image.key, alias, construct=construct)
        self._aliases_of_app[image.declared_name.lower(), alias].append((self, image, construct))

    @cached_property
    def _aliases_of_app(self) -> dict[tuple[str, str], list[tuple[StackRegistry, ImageIdentity, Construct]]]:
        """The aliases of all stacks, by the name of the image in lower case and the name of the alias."""
        aliases: dict[tuple[str, str], list[tuple[StackRegistry, ImageIdentity, Construct]]]
        aliases = vars(self.stack.node.root).setdefault(_ALIASES_ATTRIBUTE, defaultdict(list))
        return aliases

    def _is_in_environment_of(self, other: StackRegistry) -> bool:
        """Return whether both stacks are known to be in one account and region."""
        pairs = ((self.account, other.account), (self.region, other.region))
        return all(is_known(own) and own == others for own, others in pairs)

    def add(self, *key: str, construct: Construct) -> None:
        """Record the declaration of an object.

        Args:
            key: the key of the object: its type and the key of the image, and for an alias its name.
            construct: the construct that declares the object.
        """
        self._declared[key] = construct

    def add_version(self, image_key: str, resource: cdk.CfnResource) -> None:
        """Record the custom resource of a version."""
        self._versions[image_key].append(resource)

    def add_alias(self, image_key: str, resource: cdk.CfnResource) -> None:
        """Record the custom resource of an alias."""
        # A group is a call into jsii for each alias, and only a retention needs it.
        if image_key in self._alias_groups:
            self._alias_groups[image_key].add(resource)
        else:
            self._aliases[image_key].append(resource)

    def next_attachment(self, domain_key: str, resource: cdk.CfnResource) -> None:
        """Let an attachment wait for the one declared before it: a domain performs one change at a time."""
        previous = self._attachments.get(domain_key)
        if previous is not None and _is_in_tree(previous):
            resource.add_dependency(previous)
        self._attachments[domain_key] = resource

    def versions(self, image_key: str) -> list[cdk.CfnResource]:
        """Return the custom resources of an image's versions; versions that are declared later are appended."""
        return self._versions[image_key]

    def aliases(self, image_key: str) -> DependencyGroup:
        """Return the custom resources of an image's aliases; aliases that are declared later are added."""
        return self._alias_groups.setdefault(image_key, DependencyGroup(*self._aliases.pop(image_key, ())))


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
