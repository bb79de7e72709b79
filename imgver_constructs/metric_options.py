"""The options of the methods that return a metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch


class MetricOptions(TypedDict, total=False):
    """The options of the methods ``metric_…``, which are the same as those of aws-cdk-lib's constructs.

    https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_cloudwatch/MetricOptions.html
    """

    account: str
    """The account of the metric. Default: that of the stack."""
    color: str
    """The color in graphs, like ``#d62728``. Default: a color that CloudWatch chooses."""
    dimensions_map: Mapping[str, str]
    """The dimensions, by name. Default: the name of the function."""
    id: str
    """The identifier in math expressions. Default: none."""
    label: str
    """The label in graphs. Default: a label that CloudWatch chooses."""
    period: cdk.Duration
    """The period of one data point. Default: 5 minutes."""
    region: str
    """The region of the metric. Default: that of the stack."""
    stack_account: str
    """The account of the stack that uses the metric. Default: that of the stack."""
    stack_region: str
    """The region of the stack that uses the metric. Default: that of the stack."""
    statistic: str
    """The statistic, such as ``Maximum``. Default: each method names its own."""
    unit: cloudwatch.Unit
    """The unit of the data points to use. Default: all."""
    visible: bool
    """Whether graphs show the metric. Default: True."""
