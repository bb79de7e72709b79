"""What must exist before a custom resource is made, and must outlive it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
import jsii
from constructs import Dependable, IConstruct, IDependable


class Prerequisites:
    """What custom resources of one stack need.

    CloudFormation orders by a reference in a property as it does by DependsOn. The property takes no call into jsii,
    where adding a dependency takes two, each as long as making a native resource.

    Args:
        stack: the stack of the custom resources.
        dependables: what they need.
        scopes: where that is declared. Where one is in another stack a dependency is made, too: a reference to what is
            there would be exported.
    """

    def __init__(
        self, stack: cdk.Stack, dependables: Sequence[IDependable], *, scopes: Sequence[IConstruct | None]
    ) -> None:
        self._dependables = dependables
        self._is_elsewhere = any(scope and cdk.Stack.of(scope).node.path != stack.node.path for scope in scopes)
        self.references = cdk.Lazy.any(_References(stack, dependables))
        """The value of a property that the handler does not read."""

    def order(self, construct: IConstruct) -> None:
        """Put ``construct`` after what the references leave out."""
        if self._is_elsewhere:
            construct.node.add_dependency(*self._dependables)


@jsii.implements(cdk.IStableAnyProducer)
class _References:
    """Asked for when the template is written: until then the CDK may split the policy of a role."""

    def __init__(self, stack: cdk.Stack, dependables: Sequence[IDependable]) -> None:
        self._stack = stack
        self._dependables = dependables

    def produce(self) -> list[dict[str, str]]:
        roots = [root for one in self._dependables for root in Dependable.of(one).dependency_roots]
        resources = [
            construct
            for root in roots
            for construct in root.node.find_all()
            # A policy that no role takes is left out of the template.
            if isinstance(construct, cdk.CfnResource) and construct._should_synthesize()
        ]
        path = self._stack.node.path
        references = dict.fromkeys(one.ref for one in resources if one.stack.node.path == path)
        # Resolved here once, and not for every custom resource.
        return cast("list[dict[str, str]]", self._stack.resolve(list(references)))
