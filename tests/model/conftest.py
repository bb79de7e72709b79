"""An account in simulated time, with the function deployed in it."""

import random
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from deployed_function import Delivery, DeployedFunction, Trouble
from harness import ACCOUNT, REGION, function_client
from imgver_sandbox.in_process import client
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService, ServiceCall, ServiceError
from simulated_time import Simulation

BASE_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/data-science:1.0.0"


class CrowdedAccount:
    """Many events at once, for a function and a service that both have limits.

    Args:
        requests_per_second: how many calls the service takes within any second; it throttles the others.
        executions: how many invocations Lambda runs at once; the others wait in its queue.
    """

    def __init__(self, *, seed: int, requests_per_second: int | None, executions: int) -> None:
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.simulation = Simulation(self.clock, choose=self.chance.randrange)
        registry = InMemoryRegistry()
        registry.push(BASE_IMAGE)
        self.service = ImagesService(clock=self.clock, registry=registry)
        self.sagemaker: Any = client("sagemaker", self.service, region=REGION, account=ACCOUNT)
        self.accepted: deque[float] = deque()
        self.throttled = 0
        self.calls = 0
        self._requests_per_second = requests_per_second
        self._executions = executions
        function_sagemaker = function_client(self.sagemaker)
        self._function = DeployedFunction(
            simulation=self.simulation,
            clock=self.clock,
            make_client=lambda _service, _region: function_sagemaker,
            chance=self.chance.random,
        )

    def create_images(self, names: list[str]) -> None:
        for name in names:
            self.sagemaker.create_image(ImageName=name, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/image")
        self.clock.advance(60)
        self.service.before_call = self._limit

    def create_versions(self, images: list[str]) -> tuple[list[dict[str, Any]], float]:
        """One Create for every item, all at once; their answers, and how many seconds all of them took."""
        began = self.clock.now()
        queue = deque((f"Version{number}", image) for number, image in enumerate(images))
        deliveries: list[Delivery] = []

        def execute() -> None:
            while queue:
                delivery, tasks = self._function.invoke(_create(*queue.popleft()), Trouble())
                self.simulation.join(tasks)
                deliveries.append(delivery)

        self.simulation.run(
            lambda: self.simulation.join([self.simulation.start(execute) for _ in range(self._executions)])
        )
        return [answer for delivery in deliveries for answer in delivery.answers], self.clock.now() - began

    def _limit(self, _call: ServiceCall) -> None:
        now = self.clock.now()
        while self.accepted and self.accepted[0] <= now - 1:
            self.accepted.popleft()
        if self._requests_per_second is not None and len(self.accepted) >= self._requests_per_second:
            self.throttled += 1
            raise ServiceError("ThrottlingException", "Rate exceeded")
        self.accepted.append(now)
        self.calls += 1


def _create(logical_id: str, image: str) -> dict[str, Any]:
    return {
        "RequestType": "Create",
        "ResponseURL": "https://example.invalid/answer",
        "StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/DataScience/51af3dc0-da77-11e4-872e-1234567db123",
        "RequestId": str(uuid.uuid5(uuid.NAMESPACE_OID, logical_id)),
        "LogicalResourceId": logical_id,
        "ResourceType": "Custom::SageMakerImageVersion",
        "ResourceProperties": {"ImageName": image, "BaseImage": BASE_IMAGE},
    }


@pytest.fixture
def crowded_account() -> Callable[..., CrowdedAccount]:
    return CrowdedAccount
