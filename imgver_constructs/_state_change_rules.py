"""EventBridge rules for the events that SageMaker sends when the status of an image or a version changes.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_events as events
from constructs import Construct

IMAGE_VERSION_STATE_CHANGE = "SageMaker Image Version State Change"


def state_change_rule(
    scope: Construct,
    construct_id: str,
    *,
    detail_type: str,
    detail: Mapping[str, str],
    target: events.IRuleTarget | None,
    description: str | None,
    event_pattern: events.EventPattern | None,
    rule_name: str | None,
) -> events.Rule:
    """Create a rule for the events of one type.

    Args:
        scope: the parent construct.
        construct_id: the ID of the rule in ``scope``.
        detail_type: the type of the events.
        detail: the ARNs that the events have to contain, by field of the event's detail.
        target: the target of the rule; None for no target.
        description: the description of the rule.
        event_pattern: additional conditions on the events.
        rule_name: the name of the rule.
    """
    rule = events.Rule(
        scope,
        construct_id,
        targets=None if target is None else [target],
        description=description,
        event_pattern=event_pattern,
        rule_name=rule_name,
    )
    rule.add_event_pattern(
        source=["aws.sagemaker"],
        detail_type=[detail_type],
        # SageMaker does not document whether it writes the name of an image into an ARN in lower case.
        detail={field: events.Match.equals_ignore_case(arn) for field, arn in detail.items()},
    )
    return rule
