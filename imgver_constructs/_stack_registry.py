"""The state of one stack: its declarations of images, versions, aliases and retentions, and its providers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct, DependencyGroup, IConstruct, IDependable

from imgver_constructs._image_identity import ImageIdentity
from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.paths import child_path
from imgver_constructs._validation.tokens import differences, is_known
from imgver_constructs._validation.warnings import DECLARED_IN_OTHER_STACK
from imgver_constructs._version_resource import VersionResource, outermost_stack

_REGISTRY_ATTRIBUTE = "_imgver_constructs_registry"
_REGISTRIES_ATTRIBUTE = "_imgver_constructs_registries"
_DECLARED_ATTRIBUTE = "_imgver_constructs_declared"
_IDENTITIES_ATTRIBUTE = "_imgver_constructs_identities"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """The declaration of an object that an account and region has once, such as an alias of an image."""

    key: tuple[str, ...]
    """The type of the object, and its name in lower case."""

    subject: str
    """The object, as an error names it."""

    remedy: str = "remove one of the two"
    """The remedy for a second declaration, as an error states it."""

    image: ImageIdentity | None = None
    """The image that an alias, a retention or an attachment is of; None for an image or an AppImageConfig."""

    def is_of_image_of(self, other: Declaration) -> bool:
        """Return whether both are about one image of the app, which is in one account and region."""
        return self.image is not None and self.image is other.image

    def fails_in_two_stacks_with(self, other: Declaration) -> bool:
        """Return whether CloudFormation refuses the second stack, since each of the two creates the same image."""
        images = (self.image, other.image)
        return all(image is None or image.is_declared for image in images)


_Declarations: TypeAlias = "defaultdict[tuple[str, ...], list[tuple[StackRegistry, Declaration, Construct]]]"


class StackRegistry:
    """The declarations of one stack: images, versions, aliases, retentions and providers.

    The registry is an attribute of the stack, so that both have the same lifetime.
    """

    def __init__(self, stack: cdk.Stack) -> None:
        """Create the registry of a stack; use :meth:`of` to get it."""
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
        self._versions: dict[str, list[VersionResource]] = defaultdict(list)
        self._aliases: dict[str, list[cdk.CfnResource]] = defaultdict(list)
        self._alias_groups: dict[str, DependencyGroup] = {}
        self._attachments: dict[str, cdk.CfnResource] = {}

    @classmethod
    def of(cls, scope: IConstruct) -> StackRegistry:
        """Return the registry of the stack of ``scope``, which is the stack itself or a construct in it."""
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
        """Record a new construct of this stack, so that neither its stack nor its path has to be read from jsii."""
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
        """
        if scope not in self.paths:
            self.paths[scope] = scope.node.path
        return child_path(self.paths[scope], construct_id)

    def check_environment(self, image: cdk.IResource) -> None:
        """Check that an image is in the account and region of the stack.

        Raises:
            ValueError: the image is in another account or region.
        """
        # The check takes several calls into jsii, and many versions share an image.
        if image in self._images_in_environment:
            return
        for attribute, of_image, of_stack in differences(image.env, self):
            raise ValueError(
                f"image {shown(image.node.path)} must be in {attribute} {of_stack} of stack "
                f"{shown(self.stack.node.path)}, not in {of_image}: declare the version where the image is"
            )
        self._images_in_environment.add(image)

    def check_is_free(self, declaration: Declaration) -> None:
        """Check that no construct of the app has declared an object, as far as the environments are known.

        Raises:
            ValueError: a construct in the same account and region declares the object.
        """
        for registry, other, holder in self._declared_in_app[declaration.key]:
            is_same = registry is self or declaration.is_of_image_of(other) or self._is_in_environment_of(registry)
            if is_same and _is_in_tree(holder):
                raise ValueError(
                    f"{declaration.subject} must be declared once in an account and region, but "
                    f"{shown(holder.node.path)} declares it too: {declaration.remedy}"
                )

    def add(self, declaration: Declaration, construct: Construct) -> None:
        """Record the declaration of an object, and warn if a construct in the same environment may declare it too."""
        holders = self._declared_in_app[declaration.key]
        for registry, other, holder in holders:
            if (
                not declaration.fails_in_two_stacks_with(other)
                and self._may_be_in_environment_of(registry)
                and _is_in_tree(holder)
            ):
                cdk.Annotations.of(construct).add_warning_v2(
                    DECLARED_IN_OTHER_STACK,
                    f"{declaration.subject} should be declared once in an account and region, but "
                    f"{shown(holder.node.path)} declares it too: each deployment would undo the other; "
                    f"{declaration.remedy}, or acknowledge this if the stacks are deployed to different accounts or "
                    "regions",
                )
        holders.append((self, declaration, construct))

    @cached_property
    def _declared_in_app(self) -> _Declarations:
        """The declarations of all stacks, by their keys."""
        declared: _Declarations = vars(self.stack.node.root).setdefault(_DECLARED_ATTRIBUTE, defaultdict(list))
        return declared

    def _is_in_environment_of(self, other: StackRegistry) -> bool:
        """Return whether both stacks are known to be in one account and region."""
        pairs = ((self.account, other.account), (self.region, other.region))
        return all(is_known(own) and own == others for own, others in pairs) or (
            outermost_stack(self.stack) == outermost_stack(other.stack)
        )

    def _may_be_in_environment_of(self, other: StackRegistry) -> bool:
        """Return whether both stacks have the same ``env``, which does not name both an account and a region.

        Stages of an app are usually deployed to different accounts.
        """
        own, others = cdk.Stage.of(self.stack), cdk.Stage.of(other.stack)
        is_same_stage = (own and own.node.path) == (others and others.node.path)
        return is_same_stage and (self.account, self.region) == (other.account, other.region)

    def identity_by_token(self, *tokens: str) -> ImageIdentity | None:
        """Return the identity of the declared image whose name or ARN is one of the tokens; None for no such image."""
        return next((self._identities_in_app[token] for token in tokens if token in self._identities_in_app), None)

    def add_identity(self, identity: ImageIdentity, *tokens: str) -> None:
        """Record the tokens that are the name and the ARN of a declared image."""
        self._identities_in_app.update(dict.fromkeys(tokens, identity))

    @cached_property
    def _identities_in_app(self) -> dict[str, ImageIdentity]:
        identities: dict[str, ImageIdentity] = vars(self.stack.node.root).setdefault(_IDENTITIES_ATTRIBUTE, {})
        return identities

    def add_version(self, image_key: str, resource: VersionResource) -> None:
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

    def versions(self, image_key: str) -> list[VersionResource]:
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
