"""The permissions of the function's role on images: inline policies that outlive the resources that need them.

CloudFormation deletes a resource that left the template after everything else, but updates a resource that stays before
that. Therefore each image has a separate policy, which CloudFormation deletes after the last resource of the image;
and when the patterns of ``permitted_images`` change, the policy for them gets another logical ID.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from imgver_constructs._image_identity import ImageIdentity, spellings
from imgver_constructs._logical_ids import fingerprint
from imgver_constructs._validation.checks import check_distinct, check_string, shown
from imgver_constructs._validation.rules import StringRule
from imgver_constructs._validation.tokens import is_known, is_token, plain

_PATTERN = StringRule(
    maximum=63,
    pattern=r"[a-zA-Z0-9.*-]+",
    rule="1 to 63 letters, digits, hyphens, dots and asterisks",
    remedy="write it like 'team-*'",
)


def check_permitted_images(patterns: Sequence[str]) -> None:
    """Check ``permitted_images``, the patterns of image names that a provider may change.

    Raises:
        ValueError: the value is not a list, is empty, or has an item that is invalid or a duplicate.
    """
    # The order of a set differs from synth to synth, and an iterator would be empty after these checks.
    if not isinstance(patterns, list | tuple) or is_token(patterns):
        raise ValueError(
            f"permitted_images {shown(patterns)} must be a list with one item per name: write it like ['team-*']"
        )
    if not patterns:
        raise ValueError(
            f"permitted_images {shown(patterns)} must have at least one item: "
            "write it like ['team-*'], or leave it out to permit the declared images"
        )
    known = [pattern for pattern in patterns if not is_token(pattern)]
    for pattern in known:
        check_string("permitted_images", pattern, _PATTERN)
    check_distinct("permitted_images", known)


class Permissions:
    """The inline policies of a provider's role: permissions on images, and on the repositories of their base images."""

    def __init__(
        self,
        provider: Construct,
        role: iam.IRole,
        *,
        policy_prefix: str | None,
        patterns: Sequence[str] | None,
        event_invoke_config: IDependable,
    ) -> None:
        """Start without policies.

        Args:
            provider: the parent construct of the policies.
            role: the role that they are attached to; an immutable role gets none.
            policy_prefix: the prefix of the policies' names, for a role that may have policies of other stacks. None:
                the names are the logical IDs.
            patterns: names of images, with ``*`` for any characters. None: permit the images that are declared.
            event_invoke_config: the configuration of the function's retries, which the policies of images depend on.
        """
        self.event_invoke_config = event_invoke_config
        self._provider = provider
        self._role = role
        # With customize_roles, the CDK does not create the role, writes out its ARN, and reports its statements, except
        # those that an inline policy gets after it was attached.
        self._role_is_reported = isinstance(role, iam.Role) and role.role_arn.startswith("arn:")
        self.are_resources = policy_prefix is None and not self._role_is_reported
        """Whether the policies are certainly in the template: a role that was passed may be immutable."""
        self._policy_prefix = policy_prefix
        self._patterns = (
            None if patterns is None else tuple(each if is_token(each) else plain(each) for each in patterns)
        )
        self._stack = cdk.Stack.of(provider)
        self._policies: dict[str, iam.Policy] = {}
        self._changed: set[tuple[str, ...]] = set()
        self._listed: set[tuple[str, ...]] = set()
        self._repositories: dict[str, iam.PolicyStatement] = {}

    def check(self, image: ImageIdentity) -> None:
        """Check that an image may be declared.

        Raises:
            ValueError: the name of the image matches none of the patterns.
        """
        if self._patterns is None or not is_known(image.declared_name) or any(map(is_token, self._patterns)):
            return
        if not any(_matches(pattern, image.declared_name) for pattern in self._patterns):
            raise ValueError(
                f"image {shown(image.declared_name)} must be one of permitted_images {shown(list(self._patterns))} of "
                f"provider {shown(self._provider.node.path)}: add its name, or a pattern that matches it"
            )

    def permit(self, image: ImageIdentity, *, repository_arn: str | None, lists_aliases: bool) -> list[iam.Policy]:
        """Permit the function to create, list, describe, update and delete versions of an image.

        Args:
            image: the image.
            repository_arn: the ARN of the repository whose images the function may describe; None for no repository.
            lists_aliases: whether the function may also list the aliases of versions.

        Returns:
            The policies that must outlive the resources that need the permission.
        """
        names, policy_id = self._scope_of(image)
        self._permit_images(names, policy_id, lists_aliases=lists_aliases)
        if repository_arn is None:
            return [self._policy(policy_id)]
        # With patterns, all images share a policy for repositories. A removed image may take its repository out of it,
        # since no Delete event describes images in a repository.
        repositories_id = policy_id if self._patterns is None else "Repositories"
        if repositories_id in self._repositories and not self._role_is_reported:
            self._repositories[repositories_id].add_resources(repository_arn)
        else:
            statement = iam.PolicyStatement(actions=["ecr:DescribeImages"], resources=[repository_arn])
            self._repositories[repositories_id] = statement
            self._add(repositories_id, statement)
        return [self._policy(one) for one in dict.fromkeys((policy_id, repositories_id))]

    def share(self, repository_arns: Sequence[str]) -> None:
        """Permit everything that the resources of other stacks need for the images that match the patterns.

        Args:
            repository_arns: the ARNs of the repositories whose images the function may describe.

        Raises:
            ValueError: there are no patterns.
        """
        if self._patterns is None:
            raise ValueError(
                f"permitted_images None of provider {shown(self._provider.node.path)} must be given to share it, since "
                "the images of other stacks are not declared here: write it like ['team-*']"
            )
        scope = self._scope_of_patterns(self._patterns)
        self._permit_images(*scope, lists_aliases=True)
        stacks = self._stack.format_arn(service="cloudformation", resource="stack", resource_name="*")
        self._add("Shared", iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[stacks]))
        if repository_arns:
            described = iam.PolicyStatement(actions=["ecr:DescribeImages"], resources=list(repository_arns))
            self._add("Shared", described)

    def permit_stack_resource(self) -> iam.Policy:
        """Permit the function to read physical IDs of its stack, which tell replaced versions from removed ones."""
        if "StackResource" not in self._policies:
            statement = iam.PolicyStatement(
                actions=["cloudformation:DescribeStackResource"], resources=[cdk.Aws.STACK_ID]
            )
            self._add("StackResource", statement)
        return self._policy("StackResource")

    def permit_settings(self, key: str, *, resource: str, resource_name: str) -> iam.Policy:
        """Permit the function to read and change the settings of one Studio domain or one user profile.

        Args:
            key: the base of the policy's ID.
            resource: the type in the ARN: ``domain`` or ``user-profile``.
            resource_name: the name in the ARN.
        """
        policy_id = f"Settings{fingerprint(key)}"
        if policy_id not in self._policies:
            kind = {"domain": "Domain", "user-profile": "UserProfile"}[resource]
            statement = iam.PolicyStatement(
                actions=[f"sagemaker:Describe{kind}", f"sagemaker:Update{kind}"],
                resources=[self._arn(resource, spelling) for spelling in spellings(resource_name)],
            )
            self._add(policy_id, statement)
        return self._policy(policy_id)

    def _scope_of(self, image: ImageIdentity) -> tuple[tuple[str, ...], str]:
        """Return the names that the policy for this image permits, and the ID of that policy."""
        if self._patterns is None:
            return (image.declared_name,), f"Image{fingerprint(image.key)}"
        return self._scope_of_patterns(self._patterns)

    def _scope_of_patterns(self, patterns: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        # The string of a token differs from synth to synth; its resolved value does not.
        content = json.dumps(self._stack.resolve(list(patterns)))
        return patterns, f"Images{fingerprint(content)}"

    def _permit_images(self, names: tuple[str, ...], policy_id: str, *, lists_aliases: bool) -> None:
        is_new, is_newly_listed = names not in self._changed, lists_aliases and names not in self._listed
        if not (is_new or is_newly_listed):
            return
        images = [self._arn("image", spelling) for name in names for spelling in spellings(name)]
        versions = [self._arn("image-version", f"{spelling}/*") for name in names for spelling in spellings(name)]
        if is_new:
            self._changed.add(names)
            on_images = ["sagemaker:CreateImageVersion", "sagemaker:ListImageVersions"]
            on_versions = [
                "sagemaker:DeleteImageVersion",
                "sagemaker:DescribeImageVersion",
                "sagemaker:UpdateImageVersion",
            ]
            self._add(
                policy_id,
                iam.PolicyStatement(actions=on_images, resources=images),
                iam.PolicyStatement(actions=on_versions, resources=versions),
            )
        if is_newly_listed:
            self._listed.add(names)
            self._add(policy_id, iam.PolicyStatement(actions=["sagemaker:ListAliases"], resources=[*images, *versions]))

    def attach(self, construct_id: str, statements: Sequence[iam.PolicyStatement] = ()) -> iam.Policy:
        """Create an inline policy of the role.

        Args:
            construct_id: the ID of the policy in the provider.
            statements: the statements of the policy. Default: none.
        """
        name = None if self._policy_prefix is None else f"{self._policy_prefix}-{construct_id}"
        policy = iam.Policy(self._provider, construct_id, policy_name=name, statements=list(statements))
        self._role.attach_inline_policy(policy)
        return policy

    def _add(self, construct_id: str, *statements: iam.PolicyStatement) -> None:
        self._policy(construct_id).add_statements(*statements)
        if self._role_is_reported:
            for statement in statements:
                self._role.add_to_principal_policy(statement)

    def _policy(self, construct_id: str) -> iam.Policy:
        if construct_id not in self._policies:
            policy = self._policies[construct_id] = self.attach(construct_id)
            policy.node.add_dependency(self.event_invoke_config)
        return self._policies[construct_id]

    def _arn(self, resource: str, name: str) -> str:
        return self._stack.format_arn(service="sagemaker", resource=resource, resource_name=name)


def _matches(pattern: str, name: str) -> bool:
    """Return whether a pattern, in one of the spellings that are permitted, matches a name."""
    return any(
        re.fullmatch(".*".join(map(re.escape, spelling.split("*"))), name) is not None
        for spelling in spellings(pattern)
    )
