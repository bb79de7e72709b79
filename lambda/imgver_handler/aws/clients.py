"""Clients of the AWS services that the gateway calls.

botocore's model of SageMaker describes several hundred operations, and reading it is the longest part of a cold start.
``models/`` describes only the operations that the gateway calls. It comes first in botocore's search path for data,
which is otherwise set by AWS_DATA_PATH. Endpoint rules, partitions, credentials and configuration are botocore's own.
https://docs.aws.amazon.com/boto3/latest/guide/configuration.html
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import Session

MODELS = Path(__file__).parent / "models"

CONNECT_TIMEOUT = 2
READ_TIMEOUT = 10
ATTEMPT_TIMEOUT = CONNECT_TIMEOUT + READ_TIMEOUT
"""Seconds that one attempt of a call takes when the service does not respond."""


# Creating a client takes longer than calling it, so that all invocations of a process use the same one.
@cache
def client(service: str, region: str | None) -> Any:  # noqa: ANN401 (botocore creates its classes at run time)
    """The client of a service in a region. If the region is None, the function's own region is used."""
    # The gateway retries, since botocore knows neither the deadline nor ResourceInUse.
    # A call that starts just before the deadline must end before the response's own time: see RESPONSE_TIME_BUDGET.
    config = Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1})
    return session().create_client(service, region_name=region, config=config)


@cache
def session() -> Session:
    """The session of all clients, which reads ``models/`` first."""
    created = Session()
    configured = created.get_config_variable("data_path")
    search_path = os.pathsep.join(filter(None, [str(MODELS), configured]))
    created.set_config_variable("data_path", search_path)
    return created
