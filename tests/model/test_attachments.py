"""R74: ten attachments to one domain, in the deployments of several stacks at once."""

import random

import pytest
from cloudformation import ModelStack, Unknowns
from deployed_function import DeployedFunction, Disruption
from harness import Aws, Studio
from imgver_sandbox.sagemaker.assumptions import Assumptions
from model_templates import ATTACHMENT_TYPE
from simulated_time import Simulation
from stack_template import Resource

CONFIGS = [f"config-{number}" for number in range(10)]
UNKNOWNS = Unknowns(updates_before_delete=True, uses_late_responses=True, shows_start_of_creation=True)


class SlowCalls:
    """Every call takes up to 0.3 s."""

    def __init__(self, simulation, random_numbers):
        self._simulation = simulation
        self._random_numbers = random_numbers

    def perform(self, _invocation, _operation, method, parameters):
        self._simulation.sleep(self._random_numbers.random() * 0.3)
        return method(**parameters)

    def responded(self, _invocation, _response, *, is_used):
        pass


class Stacks:
    """Stacks with ten attachments to one domain in all. A seed decides the order of the calls and events."""

    def __init__(self, count, *, seed, **behaviour):
        self.aws = Aws(**behaviour)
        self.studio = Studio(self.aws)
        for config in CONFIGS:
            self.aws.sagemaker.create_app_image_config(AppImageConfigName=config)
        for _ in range(2):
            self.aws.create_version()
        self._random_numbers = random.Random(seed)
        self._simulation = Simulation(self.aws.clock, choose=self._random_numbers.randrange)
        clients = {"sagemaker": self.aws.handler_client("sagemaker"), "cloudformation": self}
        function = DeployedFunction(
            simulation=self._simulation,
            clock=self.aws.clock,
            create_client=lambda service, _region: clients[service],
            random_fraction=self._random_numbers.random,
            environment=SlowCalls(self._simulation, self._random_numbers),
        )
        self.stacks = [
            ModelStack(
                f"Stack{number}",
                simulation=self._simulation,
                function=function,
                unknowns=UNKNOWNS,
                disruption=Disruption,
                random_fraction=self._random_numbers.random,
            )
            for number in range(count)
        ]

    def describe_stacks(self, *, StackName):  # noqa: N803 (the API's name)
        (stack,) = [stack for stack in self.stacks if stack.id == StackName]
        return stack.describe()

    def deploy(self, version, *, first_fails=False):
        """Deploy a version with all stacks at once. Another resource of the first stack may fail at some time."""
        count = len(self.stacks)
        for position, stack in enumerate(self.stacks):
            template = {
                f"Attachment{number}": Resource(
                    type=ATTACHMENT_TYPE,
                    properties={
                        "DomainId": self.studio.domain_id,
                        "App": "JupyterLab",
                        "ImageName": "data-science",
                        "AppImageConfigName": CONFIGS[number],
                        "Version": str(version),
                    },
                )
                for number in range(position, len(CONFIGS), count)
            }
            if position == 0 and first_fails:
                template["Broken"] = Resource(type="AWS::Other::Thing", fails_after=self._random_numbers.random() * 30)
            yield lambda stack=stack, template=template: stack.deploy(template)

    def cancel(self):
        """Cancel the update of the first stack, some seconds after its first events."""
        self._simulation.sleep(2 + self._random_numbers.random() * 30)
        self.stacks[0].cancel()

    def run(self, works):
        """Perform what the stacks do, all at once. Returns the results."""
        results = self._simulation.run(lambda: self._simulation.join([self._simulation.start(work) for work in works]))
        self.aws.clock.advance(60)
        assert [stack.failures for stack in self.stacks] == [[]] * len(self.stacks)
        return results

    def offered(self):
        """The numbers that the domain offers, by config. Each config has one entry at most."""
        entries = self.studio.offered()
        assert len({config for _, _, config in entries}) == len(entries)
        return {config: number for _, number, config in entries}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("is_cancelled", [False, True])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("running_apps", ["refused", "allowed"])
@pytest.mark.parametrize("unsent", ["dropped", "kept"])
def test_r74_ten_attachments_to_one_domain_at_once(count, is_cancelled, running_apps, unsent, seed):
    assumptions = Assumptions(update_with_running_apps=running_apps, unsent_app_settings=unsent)
    stacks = Stacks(count, seed=seed, assumptions=assumptions, domain_seconds=8.0 if running_apps == "allowed" else 1.0)
    if running_apps == "allowed":
        stacks.studio.offer(("data-science", 1, "jupyter-lab"))
        stacks.studio.run_space(1)
        stacks.studio.offer()

    assert stacks.run(stacks.deploy(1)) == [True] * count
    assert stacks.offered() == dict.fromkeys(CONFIGS, 1)

    # WHEN the first stack fails, or a user cancels its update in time, and the others do not
    works = [*stacks.deploy(2), stacks.cancel] if is_cancelled else stacks.deploy(2, first_fails=True)
    succeeded = stacks.run(works)[0]
    assert is_cancelled or not succeeded
    old = CONFIGS[::count] if not succeeded else []
    assert stacks.offered() == dict.fromkeys(CONFIGS, 2) | dict.fromkeys(old, 1)

    assert stacks.run(stacks.deploy(2)) == [True] * count
    assert stacks.offered() == dict.fromkeys(CONFIGS, 2)
    stacks.run(stack.delete for stack in stacks.stacks)
    assert stacks.offered() == {}
