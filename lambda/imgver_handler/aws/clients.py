"""Clients of the services that the gateway calls, made without reading all that botocore has to say about AWS.

A cold start is mostly that reading: of every operation of SageMaker, of which six are called, of the names of some 400
other services, and of a table of endpoints that services with endpoint rules do without. ``models/`` describes the
operations that are called, and lies in front of botocore's own data, as AWS_DATA_PATH would put it. Endpoint rules,
partitions, credentials and configuration are botocore's.
https://docs.aws.amazon.com/boto3/latest/guide/configuration.html
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.handlers import BUILTIN_HANDLERS
from botocore.loaders import Loader
from botocore.session import Session

from imgver_handler.logging import JsonLogger

MODELS = Path(__file__).parent / "models"


# A client takes longer to make than to call, and may be used by one invocation after the other.
@cache
def client(service: str, region: str | None) -> Any:  # noqa: ANN401 (botocore makes its clients' classes at run time)
    """The client of a service in a region (None: the function's own)."""
    # Retries are the gateway's: botocore's know neither the deadline nor ResourceInUse.
    # A call that begins as the time is up must end before the answer's own: RESPONSE_TIME_BUDGET is what both have.
    config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1})
    try:
        return _session().create_client(service, region_name=region, config=config)
    except Exception as error:  # noqa: BLE001 (the runtime's botocore may become one that wants more)
        JsonLogger().warning("clients are made with all of botocore's data", error=repr(error))
        return Session().create_client(service, region_name=region, config=config)


@cache
def _session() -> Session:
    session = Session(include_builtin_handlers=False)
    for event, handle, *_ in BUILTIN_HANDLERS:
        # The others are one service's, and none of those is called here.
        if "." not in event:
            session.register(event, handle)
    session.register_component("data_loader", _Loader(extra_search_paths=[str(MODELS)]))
    return session


class _Loader(Loader):  # type: ignore[misc]  # botocore has no types
    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 (the same for every type)
        return sorted(path.name for path in MODELS.iterdir())

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        if name == "endpoints":
            # Rules are applied only while the table is botocore's own, which its path tells.
            return {"partitions": []}, self.BUILTIN_DATA_PATH
        data, path = super().load_data_with_path(name)
        return data, path
