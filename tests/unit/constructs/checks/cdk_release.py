"""Tests that the oldest supported release of aws-cdk-lib skips: they use features that it does not have."""

import aws_cdk as cdk
import pytest

IS_RECENT = hasattr(cdk, "Validations")
"""Whether aws-cdk-lib validates templates itself, writes weak references, and accepts a token as max_event_age."""

needs_recent_cdk = pytest.mark.skipif(not IS_RECENT, reason="this release of aws-cdk-lib does not have the feature")
