"""An account in simulated time that throttles calls, with the function deployed in it."""

import random
import uuid
from collections import deque
from typing import Any

from deployed_function import Delivery, DeployedFunction, Disruption
from harness import ACCOUNT, REGION, CloudFormation, account_client, handler_client
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService, ServiceCall, ServiceError
from simulated_time import Simulation

BASE_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/data-science:1.0.0"


class BusyAccount:
    """Many events at the same time. SageMaker throttles calls, and Lambda queues events, beyond the given limits."""

    def __init__(self, *, seed: int, requests_per_second: int | None, executions: int) -> None:
        self.random_numbers = random.Random(seed)
        self.clock = ManualClock()
        self.simulation = Simulation(self.clock, choose=self.random_numbers.randrange)
        registry = InMemoryRegistry()
        registry.push(BASE_IMAGE)
        self.service = ImagesService(clock=self.clock, registry=registry)
        self.sagemaker: Any = account_client("sagemaker", self.service)
        self.accepted: deque[float] = deque()
        self.calls = 0
        self.throttled = 0
        self._requests_per_second = requests_per_second
        self._executions = executions
        clients: dict[str, Any] = {
            "sagemaker": handler_client("sagemaker", self.service),
            "cloudformation": CloudFormation(self.clock),
        }
        self._function = DeployedFunction(
            simulation=self.simulation,
            clock=self.clock,
            create_client=lambda service, _region: clients[service],
            random_fraction=self.random_numbers.random,
        )

    def create_images(self, names: list[str]) -> None:
        for name in names:
            self.sagemaker.create_image(ImageName=name, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/image")
        self.clock.advance(60)
        self.service.before_call = self._limit

    def create_versions(self, images: list[str]) -> tuple[list[dict[str, Any]], float]:
        """Deliver one Create per item, all at once. Returns the responses and the seconds until the last one."""
        start = self.clock.now()
        queue = deque((f"Version{number}", image) for number, image in enumerate(images))
        deliveries: list[Delivery] = []

        def execute() -> None:
            while queue:
                delivery = self._function.invoke(_create(*queue.popleft()), Disruption())
                self.simulation.wait_until(lambda delivery=delivery: delivery.response is not None)
                deliveries.append(delivery)

        def execute_all() -> float:
            self.simulation.join([self.simulation.start(execute) for _ in range(self._executions)])
            return self.clock.now() - start

        # The invocations end some seconds after their responses.
        seconds = self.simulation.run(execute_all)
        return [response for delivery in deliveries for response in delivery.responses], seconds

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
        "ResponseURL": "https://example.invalid/response",
        "StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/DataScience/51af3dc0-da77-11e4-872e-1234567db123",
        "RequestId": str(uuid.uuid5(uuid.NAMESPACE_OID, logical_id)),
        "LogicalResourceId": logical_id,
        "ResourceType": "Custom::SageMakerImageVersion",
        "ResourceProperties": {"ImageName": image, "BaseImage": BASE_IMAGE},
    }
