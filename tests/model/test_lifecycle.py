"""The handler with a model of CloudFormation: random deployments, faults and drift, and invariants after each step.

The model leaves out these cases, which no handler could survive:

- An invocation continues after CloudFormation has used another invocation's response: it still runs during the next
  event of the resource, or it succeeds although the response was a failure.
- A version is deleted outside of CloudFormation, and the service uses its number again, or the deployment rolls back.
  The aliases are then not updated with the number of the new version.
- A failed version whose ARN was lost with a response, if the service creates another version for its token.
- The previous owner of an alias, if the process ends, or a second delivery arrives, while Create moves the alias.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Mapping
from typing import Any

from cloudformation import Attribute, ModelStack, Record, Resource, Template
from deployed_function import DeployedFunction, Disruption
from harness import ACCOUNT, REGION, handler_client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService, ServiceError
from simulated_time import Simulation

VERSION_TYPE = "Custom::SageMakerImageVersion"
ALIAS_TYPE = "Custom::SageMakerImageAlias"
IMAGES = ("data-science", "Deep-Learning")
ALIASES = {"Notebooks": ("latest", "stable"), "Training": ("edge",)}
"""The aliases that each stack declares on the versions of both images."""
FOREIGN = 1
"""The number of the version of each image that belongs to no stack, with or without the alias latest."""
TAGS = ("1.0.0", "1.1.0")
MISSING_TAG = "missing"
VERSIONS = ("V1", "V2", "V3")
LEFT_BEHIND = "could not delete a version that nothing uses"
"""The handler's log message, with the ARN, when it could not delete a version that it created."""

ASSUMPTIONS = st.builds(
    Assumptions,
    alias_held_elsewhere=st.sampled_from(["resource_in_use", "validation_exception", "moved"]),
    repeat_of_dead_create=st.sampled_from(["old_arn", "new_version"]),
    repeat_with_other_parameters=st.sampled_from(["refused", "old_arn"]),
    delete_of_version_in_use=st.sampled_from(["refused", "allowed"]),
    highest_number_after_delete=st.sampled_from(["reused", "retired"]),
    arn_case=st.sampled_from(["lower", "kept"]),
    rejected_manifest=st.sampled_from(["create_failed", "validation_exception"]),
)

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "ReleaseNotes": st.sampled_from(["first", "second"]),
        "VendorGuidance": st.sampled_from(["STABLE", "TO_BE_ARCHIVED"]),
        "Horovod": st.sampled_from(["true", "false"]),
        "FollowTag": st.sampled_from(["build-1", "build-2"]),
    },
)

CALL = st.integers(1, 6)
CALLS = st.frozensets(CALL, max_size=2)
# Not both at once: the retry of a crashed duplicate would go on after CloudFormation took the other one's response.
DISRUPTION = st.one_of(
    st.builds(Disruption, crashes=st.lists(CALL, max_size=2).map(tuple), lost_responses=CALLS, throttled_calls=CALLS),
    st.builds(Disruption, duplicate=st.just(True), lost_responses=CALLS, throttled_calls=CALLS),
)


@st.composite
def templates(draw: st.DrawFn, *, aliases: tuple[str, ...], adopts: bool) -> Template:
    """A template with up to three versions of two images, and aliases on them."""
    template: dict[str, Resource] = {}
    by_image: dict[str, list[str]] = {image: [] for image in IMAGES}
    for logical_id in sorted(draw(st.sets(st.sampled_from(VERSIONS), min_size=1))):
        image = draw(st.sampled_from(IMAGES))
        adopted = adopts and image == IMAGES[0] and logical_id == VERSIONS[0] and draw(st.booleans())
        by_image[image].append(logical_id)
        template[logical_id] = Resource(
            type=VERSION_TYPE,
            properties={
                "ImageName": image,
                "BaseImage": _uri(draw(st.sampled_from([*TAGS, *TAGS, MISSING_TAG]))),
                "OnDelete": draw(st.sampled_from(["DELETE", "DELETE", "ARCHIVE"])),
                **({"AdoptVersion": str(FOREIGN)} if adopted else {}),
                **draw(OPTIONS),
            },
        )
    for image, logical_ids in by_image.items():
        for alias in aliases:
            owner = draw(st.sampled_from([None, *sorted(logical_ids)]))
            if owner is not None:
                template[f"{image}.{alias}"] = Resource(
                    type=ALIAS_TYPE,
                    properties={"ImageName": image, "Alias": alias, "Version": Attribute(owner, "Version")},
                )
    if draw(st.integers(0, 4)) == 0:
        after = draw(st.sets(st.sampled_from(sorted(template))))
        template["Broken"] = Resource(type="AWS::Other::Thing", depends_on=tuple(sorted(after)), fails=True)
    return template


TEMPLATES = {
    # Only one stack may adopt the foreign version, since both would own it.
    name: templates(aliases=aliases, adopts=name == "Notebooks")
    for name, aliases in ALIASES.items()
}
DISRUPTIONS = st.lists(DISRUPTION, max_size=4)


def _number(arn: str) -> int:
    return int(arn.rpartition("/")[2])


def _uri(tag: str) -> str:
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/data-science:{tag}"


class Lifecycle(RuleBasedStateMachine):
    """Two stacks in an account with foreign versions."""

    @initialize(
        assumptions=ASSUMPTIONS,
        updates_before_delete=st.booleans(),
        foreign_alias=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )
    def an_account(self, assumptions: Assumptions, updates_before_delete: bool, foreign_alias: bool, seed: int) -> None:
        random_numbers = random.Random(seed)
        self.assumptions = assumptions
        self.clock = ManualClock()
        self.registry = InMemoryRegistry()
        for tag in TAGS:
            self.registry.push(_uri(tag))
        self.service = ImagesService(clock=self.clock, registry=self.registry, assumptions=assumptions)
        self.clients: dict[str, Any] = {
            "sagemaker": handler_client("sagemaker", self.service),
            "ecr": handler_client("ecr", self.service),
            "cloudformation": self,
        }
        self.simulation = Simulation(self.clock, choose=random_numbers.randrange)
        self.disruptions: list[Disruption] = []
        self.function = DeployedFunction(
            simulation=self.simulation,
            clock=self.clock,
            create_client=lambda service, _region: self.clients[service],
            random_fraction=random_numbers.random,
        )
        self.stacks = {
            name: ModelStack(
                name,
                simulation=self.simulation,
                function=self.function,
                updates_before_delete=updates_before_delete,
                disruption=lambda: self.disruptions.pop() if self.disruptions else Disruption(),
            )
            for name in ALIASES
        }
        self.foreign: dict[tuple[str, int], dict[str, Any]] = {}
        """The foreign versions that no stack has adopted, as they were at the start."""
        self.foreign_alias = "latest" if foreign_alias else None
        self.interrupted_aliases: set[tuple[str, str]] = set()
        self.creates_were_repeated = False
        self.in_use: set[tuple[str, int]] = set()
        self.drifted: set[tuple[str, int]] = set()
        """The versions that were changed outside of CloudFormation, and not updated since."""
        for image in IMAGES:
            self._call("CreateImage", ImageName=image, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/image")
            self.clock.advance(60)
            self._call(
                "CreateImageVersion",
                ImageName=image,
                BaseImage=_uri(TAGS[0]),
                ClientToken=f"foreign-{image}",
                ReleaseNotes="made by hand",
                **({"Aliases": ["latest"]} if foreign_alias else {}),
            )
            self.clock.advance(60)
            self.foreign[image, FOREIGN] = self._describe(image, FOREIGN)

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 (the API's name)
        (status,) = [stack.status for stack in self.stacks.values() if stack.id == StackName]
        return {"Stacks": [{"StackStatus": status}]}

    @rule(
        template=TEMPLATES["Notebooks"],
        disruptions=DISRUPTIONS,
        drifted=st.sampled_from([None, None, "metadata", "deleted"]),
        failing=st.sampled_from([None, None, "CreateImageVersion", "DeleteImageVersion"]),
    )
    def deploy(
        self, template: Template, disruptions: list[Disruption], drifted: str | None, failing: str | None
    ) -> None:
        """Deploy one stack, with disruptions."""
        if failing is not None:
            self.service.faults.fail("internal trouble", operation=failing)
        if drifted is not None:
            template = self._drift(self.stacks["Notebooks"], template, drifted)
        self._operate(disruptions, lambda: self.stacks["Notebooks"].deploy(template))

    @rule(templates=st.fixed_dictionaries(TEMPLATES), disruptions=DISRUPTIONS)
    def deploy_both(self, templates: Mapping[str, Template], disruptions: list[Disruption]) -> None:
        """Deploy both stacks at once."""

        def both() -> None:
            deployments = [
                self.simulation.start(lambda name=name, template=template: self.stacks[name].deploy(template))
                for name, template in templates.items()
            ]
            self.simulation.join(deployments)

        self._operate(disruptions, both)

    @precondition(lambda self: any(stack.records for stack in self.stacks.values()))
    @rule(name=st.sampled_from(sorted(ALIASES)), disruptions=DISRUPTIONS)
    def delete(self, name: str, disruptions: list[Disruption]) -> None:
        """Delete a stack."""
        self._operate(disruptions, self.stacks[name].delete)

    @rule(tag=st.sampled_from(TAGS))
    def push_again(self, tag: str) -> None:
        """Push another container image with the same tag."""
        self.registry.push(_uri(tag))

    @precondition(lambda self: self._own())
    @rule(index=st.integers(0, 5))
    def use(self, index: int) -> None:
        """Let a Studio domain use a version of a stack."""
        own = sorted(self._own().values())
        self._mark_in_use(*own[index % len(own)])

    @precondition(lambda self: self.in_use)
    @rule(seconds=st.sampled_from([0, 120]), template=TEMPLATES["Notebooks"])
    def stop_using(self, seconds: int, template: Template) -> None:
        """End the use of all versions, now or in the middle of a deployment."""

        def meanwhile() -> None:
            deployment = self.simulation.start(lambda: self.stacks["Notebooks"].deploy(template))
            self.simulation.sleep(seconds)
            for place in sorted(self.in_use & self._versions()):
                self._mark_in_use(*place, in_use=False)
            self.simulation.join([deployment])

        self._operate([], meanwhile)

    def _operate(self, disruptions: list[Disruption], operation: Any) -> None:
        self.disruptions = disruptions
        self.creates_were_repeated |= any(
            disruption.crashes or disruption.lost_responses or disruption.duplicate for disruption in disruptions
        )
        for stack in self.stacks.values():
            stack.deliveries.clear()
        self.simulation.run(operation)
        self.disruptions = []
        self.service.faults.reset()
        self.clock.advance(60)
        for delivery in itertools.chain(*(stack.deliveries for stack in self.stacks.values())):
            request_type, properties = delivery.event["RequestType"], delivery.event["ResourceProperties"]
            if request_type == "Create" and delivery.invocations > 1 and "Alias" in properties:
                self.interrupted_aliases.add((properties["ImageName"], properties["Alias"]))
            physical_id = delivery.event.get("PhysicalResourceId", "")
            is_updated = f"/{properties['ImageName']}/".lower() in physical_id.lower() and "Alias" not in properties
            if request_type == "Update" and is_updated and delivery.responses[0]["PhysicalResourceId"] == physical_id:
                self.drifted.discard((properties["ImageName"], _number(physical_id)))
        # A version that a stack has adopted and owns is not foreign any more.
        for place in self._own().values():
            self.foreign.pop(place, None)
        self.in_use &= self._versions()
        self.drifted &= self._versions()

    def _mark_in_use(self, image: str, number: int, *, in_use: bool = True) -> None:
        self.service.mark_in_use(self._describe(image, number)["ImageVersionArn"], in_use=in_use)
        (self.in_use.add if in_use else self.in_use.discard)((image, number))

    def _drift(self, stack: ModelStack, template: Template, drifted: str) -> Template:
        """Change a version outside of CloudFormation, and its declaration, so that it gets an Update."""
        both = [one for one in VERSIONS if one in template and one in stack.records]
        if not both:
            return template
        place = self._place(stack.records[both[0]])
        properties = {**template[both[0]].properties, "Processor": "CPU"}
        changed = {**template, both[0]: Resource(type=VERSION_TYPE, properties=properties)}
        if drifted == "metadata":
            self._call("UpdateImageVersion", ImageName=place[0], Version=place[1], Processor="GPU")
            self.drifted.add(place)
        elif (
            self.assumptions.highest_number_after_delete == "retired"
            and place not in self.in_use
            and properties != stack.records[both[0]].properties
            and not _may_fail(changed)
            and not self._alias_is_stuck(changed)
        ):
            self.service.faults.reset()
            self._call("DeleteImageVersion", ImageName=place[0], Version=place[1])
        self.clock.advance(60)
        return changed

    def _alias_is_stuck(self, template: Template) -> bool:
        """Whether an alias of the template is on a version that cannot be updated: then the deployment rolls back."""
        aliases = [one.properties for one in template.values() if one.type == ALIAS_TYPE]
        places = [(str(one["ImageName"]), self._owner(str(one["ImageName"]), str(one["Alias"]))) for one in aliases]
        return any(
            owner is not None and self._describe(image, owner)["ImageVersionStatus"] != "CREATED"
            for image, owner in places
        )

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.service.call(operation, parameters, account=ACCOUNT, region=REGION)

    def _describe(self, image: str, number: int) -> dict[str, Any]:
        response = self._call("DescribeImageVersion", ImageName=image, Version=number)
        return {name: value for name, value in response.items() if name != "LastModifiedTime"}

    def _versions(self) -> set[tuple[str, int]]:
        found = set()
        for image in IMAGES:
            response = self._call("ListImageVersions", ImageName=image, MaxResults=100)
            assert "NextToken" not in response
            found |= {(image, version["Version"]) for version in response["ImageVersions"]}
        return found

    def _owner(self, image: str, alias: str) -> int | None:
        try:
            return int(self._call("DescribeImageVersion", ImageName=image, Alias=alias)["Version"])
        except ServiceError as error:
            if error.code != "ResourceNotFound":
                raise
            return None

    def _place(self, record: Record) -> tuple[str, int]:
        return record.properties["ImageName"], _number(record.physical_id)

    def _own(self) -> dict[str, tuple[str, int]]:
        return {
            f"{name}.{logical_id}": self._place(record)
            for name, stack in self.stacks.items()
            for logical_id, record in stack.records.items()
            if record.type == VERSION_TYPE
        }

    @invariant()
    def only_versions_in_use_or_failing_cannot_be_deleted(self) -> None:
        for stack in self.stacks.values():
            for failure in stack.failures:
                assert failure.startswith("delete of ")
                assert "is in use" in failure or "internal trouble" in failure, failure

    @invariant()
    def every_version_is_as_declared(self) -> None:
        for stack in self.stacks.values():
            for logical_id, record in stack.records.items():
                if record.type != VERSION_TYPE:
                    continue
                version = self._describe(*self._place(record))
                if stack.status == "DELETE_FAILED":
                    continue
                properties = record.properties
                assert version["ImageVersionStatus"] == "CREATED", logical_id
                assert version["BaseImage"] == properties["BaseImage"], logical_id
                if properties.get("AdoptVersion") == record.data["Version"]:
                    # An adoption changes nothing, and the next update does.
                    continue
                for name in ("ReleaseNotes", "VendorGuidance", "Horovod", "Processor"):
                    if name in properties and not (name == "Processor" and self._place(record) in self.drifted):
                        assert str(version[name]).lower() == properties[name].lower(), (logical_id, name)

    @invariant()
    def no_version_has_two_owners(self) -> None:
        own = list(self._own().values())
        assert len(own) == len(set(own))

    @invariant()
    def no_version_is_an_orphan(self) -> None:
        forgotten = {arn for stack in self.stacks.values() for arn in stack.forgotten}
        forgotten |= {line["arn"] for line in self.function.log if line["message"] == LEFT_BEHIND}
        for image, number in self._versions() - set(self._own().values()) - self.foreign.keys():
            version = self._describe(image, number)
            archived = version.get("VendorGuidance") == "ARCHIVED"
            was_adopted = (image, number) == (IMAGES[0], FOREIGN)
            # A repeated call that comes after the first version failed creates a second one, which fails as well. The
            # handler cannot find the version of a lost response, and CloudFormation ignores a second response.
            hidden = (
                version["ImageVersionStatus"] in ("CREATE_FAILED", "DELETE_FAILED")
                and self.assumptions.repeat_of_dead_create == "new_version"
                and self.creates_were_repeated
            )
            assert archived or was_adopted or hidden or version["ImageVersionArn"] in forgotten, version

    @invariant()
    def no_foreign_version_is_touched(self) -> None:
        for (image, number), before in self.foreign.items():
            assert self._describe(image, number) == before

    @invariant()
    def every_alias_is_where_it_belongs(self) -> None:
        for name, stack in self.stacks.items():
            for image in IMAGES:
                for alias in ALIASES[name]:
                    self._alias_is_where_it_belongs(stack, image, alias)

    def _alias_is_where_it_belongs(self, stack: ModelStack, image: str, alias: str) -> None:
        owner = self._owner(image, alias)
        record = stack.records.get(f"{image}.{alias}")
        if record is not None:
            assert owner == int(record.properties["Version"]), (image, alias)
        elif alias == self.foreign_alias and (image, FOREIGN) in self.foreign:
            assert owner == FOREIGN or (image, alias) in self.interrupted_aliases, (image, alias)
        elif alias != self.foreign_alias:
            assert owner is None or (image, alias) in self.interrupted_aliases, (image, alias)


def _may_fail(template: Template) -> bool:
    """Whether a deployment of the template may roll back."""
    return any(
        one.fails or one.properties.get("BaseImage") == _uri(MISSING_TAG) or "AdoptVersion" in one.properties
        for one in template.values()
    )


Lifecycle.TestCase.settings = settings(
    max_examples=int(os.environ.get("LIFECYCLE_EXAMPLES", "60")),
    stateful_step_count=int(os.environ.get("LIFECYCLE_STEPS", "12")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
)
TestLifecycle = Lifecycle.TestCase
