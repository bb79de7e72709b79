"""What the function's role may do with images: inline policies that outlive the resources that need them.

CloudFormation deletes what left a template after everything else, but changes what stays before. So an image has a
policy of its own, which goes after the last resource of that image; and the policy for patterns is another one, with
another logical id, when the patterns change.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from imgver_constructs._logical_ids import fingerprint
from imgver_constructs._validation.checks import check_distinct, check_string, shown
from imgver_constructs._validation.rules import StringRule
from imgver_constructs._validation.tokens import is_known, is_token, plain
from imgver_constructs.image import ImageBase, spellings

_PATTERN = StringRule(
    maximum=63,
    pattern=r"[a-zA-Z0-9.*-]+",
    rule="1 to 63 letters, digits, hyphens, dots and asterisks",
    remedy="write it like 'team-*'",
)


def check_permitted_images(patterns: Sequence[str]) -> None:
    """Check the names of images that a provider is made for.

    Raises:
        ValueError: they are no list, none, no patterns of names, or one comes twice.
    """
    # A set has no order that two synths share, and an iterator is empty after the checks.
    if not isinstance(patterns, list | tuple) or is_token(patterns):
        raise ValueError(
            f"permitted_images {shown(patterns)} must be a list with one item per name: write it like ['team-*']"
        )
    if not patterns:
        raise ValueError(
            f"permitted_images {shown(patterns)} must hold a name: "
            "write it like ['team-*'], or leave it out to permit what is declared"
        )
    known = [pattern for pattern in patterns if not is_token(pattern)]
    for pattern in known:
        check_string("permitted_images", pattern, _PATTERN)
    check_distinct("permitted_images", known)


class Permissions:
    """The permissions of a provider's role on images, and on the repositories that they come from.

    Args:
        provider: the parent construct of the policies.
        role: the role that gets them; one that must not be changed gets none.
        policy_prefix: what the names of the policies begin with; None where nobody else gives the role policies, and
            their logical ids will do.
        patterns: names of the images, with ``*`` for any characters; None to permit what is declared.
    """

    def __init__(
        self, provider: Construct, role: iam.IRole, *, policy_prefix: str | None, patterns: Sequence[str] | None
    ) -> None:
        self._provider = provider
        self._role = role
        self._policy_prefix = policy_prefix
        self._patterns = (
            None if patterns is None else tuple(each if is_token(each) else plain(each) for each in patterns)
        )
        self._stack = cdk.Stack.of(provider)
        self._policies: dict[str, iam.Policy] = {}
        self._written: set[tuple[str, ...]] = set()
        self._listed: set[tuple[str, ...]] = set()
        self._repositories: dict[str, iam.PolicyStatement] = {}

    def check(self, image: ImageBase) -> None:
        """Check that an image may be declared.

        Raises:
            ValueError: its name matches none of the patterns.
        """
        if self._patterns is None or not is_known(image._declared_name) or any(map(is_token, self._patterns)):
            return
        if not any(_matches(pattern, image._declared_name) for pattern in self._patterns):
            raise ValueError(
                f"image {shown(image._declared_name)} must be one of permitted_images {shown(list(self._patterns))} of "
                f"provider {shown(self._provider.node.path)}: add its name, or a pattern that it matches"
            )

    def permit(self, image: ImageBase, *, repository_arn: str | None, lists_versions: bool) -> list[iam.Policy]:
        """Permit to create, read, change and delete versions of an image.

        Args:
            image: the image.
            repository_arn: the ECR repository that may be looked into; None for none.
            lists_versions: whether its versions and their aliases may be listed, too.

        Returns:
            What must outlive the resources that need the permission.
        """
        names, policy_id = self._of(image)
        if names not in self._written:
            self._written.add(names)
            self._policy(policy_id).add_statements(*self._writes(names))
        if lists_versions and names not in self._listed:
            self._listed.add(names)
            self._policy(policy_id).add_statements(*self._lists(names))
        if repository_arn is None:
            return [self._policy(policy_id)]
        # With patterns all images share one, which is not narrowed with their names: no Delete looks into a repository.
        repositories_id = policy_id if self._patterns is None else "Repositories"
        if repositories_id not in self._repositories:
            self._repositories[repositories_id] = iam.PolicyStatement(actions=["ecr:DescribeImages"])
            self._policy(repositories_id).add_statements(self._repositories[repositories_id])
        self._repositories[repositories_id].add_resources(repository_arn)
        return [self._policy(policy_id), self._policy(repositories_id)]

    def _of(self, image: ImageBase) -> tuple[tuple[str, ...], str]:
        """The names that are permitted together with an image, and the id of the policy that does it."""
        if self._patterns is None:
            return (image._declared_name,), f"Image{fingerprint(image._identity)}"
        # A token is another text in every synth until it is resolved.
        content = json.dumps(self._stack.resolve(list(self._patterns)))
        return self._patterns, f"Images{fingerprint(content)}"

    def attach(self, construct_id: str, statements: Sequence[iam.PolicyStatement] = ()) -> iam.Policy:
        """Make a policy of the role.

        Args:
            construct_id: the id below the provider.
            statements: what it permits. Default: nothing yet.
        """
        name = None if self._policy_prefix is None else f"{self._policy_prefix}-{construct_id}"
        policy = iam.Policy(self._provider, construct_id, policy_name=name, statements=list(statements))
        self._role.attach_inline_policy(policy)
        return policy

    def _policy(self, construct_id: str) -> iam.Policy:
        if construct_id not in self._policies:
            self._policies[construct_id] = self.attach(construct_id)
        return self._policies[construct_id]

    def _writes(self, names: Sequence[str]) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(actions=["sagemaker:CreateImageVersion"], resources=self._images(names)),
            iam.PolicyStatement(
                actions=[
                    "sagemaker:DeleteImageVersion",
                    "sagemaker:DescribeImageVersion",
                    "sagemaker:UpdateImageVersion",
                ],
                resources=self._versions(names),
            ),
        ]

    def _lists(self, names: Sequence[str]) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                actions=["sagemaker:ListAliases", "sagemaker:ListImageVersions"], resources=self._images(names)
            ),
            iam.PolicyStatement(actions=["sagemaker:ListAliases"], resources=self._versions(names)),
        ]

    def _images(self, names: Sequence[str]) -> list[str]:
        return [self._arn("image", spelt) for name in names for spelt in spellings(name)]

    def _versions(self, names: Sequence[str]) -> list[str]:
        return [self._arn("image-version", f"{spelt}/*") for name in names for spelt in spellings(name)]

    def _arn(self, resource: str, name: str) -> str:
        return self._stack.format_arn(service="sagemaker", resource=resource, resource_name=name)


def _matches(pattern: str, name: str) -> bool:
    """Whether a pattern, in one of the spellings that are permitted, stands for a name."""
    return any(
        re.fullmatch(".*".join(map(re.escape, spelt.split("*"))), name) is not None for spelt in spellings(pattern)
    )
