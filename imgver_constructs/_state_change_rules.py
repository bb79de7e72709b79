"""Rules for the events that SageMaker sends to Amazon EventBridge when a status changes.

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
    """Make a rule for the events of one type.

    Args:
        scope: the parent construct.
        construct_id: the id below it.
        detail_type: the type of the events.
        detail: what they have to be about: ARNs, by the fields of the event's detail.
        target: what is to get the events.
        description: what the rule is for.
        event_pattern: what else the events have to be like.
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
        # In which case SageMaker writes the name of an image into an ARN is not documented.
        detail={field: events.Match.equals_ignore_case(arn) for field, arn in detail.items()},
    )
    return rule
