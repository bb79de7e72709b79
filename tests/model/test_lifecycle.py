"""The handler under a model of CloudFormation: random deployments, faults and drift, with invariants after each step.

What the model leaves out, because no handler could survive it: an invocation that goes on after CloudFormation has
taken an answer and moved on to the same resource's next event; and, where the service gives the number of a deleted
version again, a version that somebody deletes behind CloudFormation's back.
"""

from __future__ import annotations

import os
import random
from typing import Any

from cloudformation import ACCOUNT, REGION, Attribute, Record, Resource, Stack, Template
from deployed_function import DeployedFunction, Trouble
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from simulated_time import Simulation

from imgver_sandbox.assumptions import Assumptions
from imgver_sandbox.clock import ManualClock
from imgver_sandbox.container_registry import InMemoryRegistry
from imgver_sandbox.images_service import ImagesService
from imgver_sandbox.in_process import client

VERSION_TYPE = "Custom::SageMakerImageVersion"
ALIAS_TYPE = "Custom::SageMakerImageAlias"
IMAGES = ("data-science", "Deep-Learning")
ALIASES = ("latest", "stable")
TAGS = ("1.0.0", "1.1.0")
MISSING_TAG = "missing"
VERSIONS = ("V1", "V2", "V3")
UNSETTABLE = {"VendorGuidance": "NOT_PROVIDED", "Horovod": "False"}

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

METADATA = st.fixed_dictionaries(
    {},
    optional={
        "ReleaseNotes": st.sampled_from(["first", "second"]),
        "VendorGuidance": st.sampled_from(["STABLE", "TO_BE_ARCHIVED"]),
        "Horovod": st.sampled_from(["true", "false"]),
    },
)

CALL = st.integers(1, 6)
CALLS = st.frozensets(CALL, max_size=2)
# Not both at once: the retry of a crashed duplicate would go on after CloudFormation took the other one's answer.
TROUBLE = st.one_of(
    st.builds(Trouble, crashes=st.lists(CALL, max_size=2).map(tuple), broken_calls=CALLS, refused_calls=CALLS),
    st.builds(Trouble, duplicate=st.just(True), broken_calls=CALLS, refused_calls=CALLS),
)


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """A template with up to three versions of two images, and aliases on them."""
    template: dict[str, Resource] = {}
    by_image: dict[str, list[str]] = {image: [] for image in IMAGES}
    for logical_id in draw(st.sets(st.sampled_from(VERSIONS), min_size=1)):
        image = draw(st.sampled_from(IMAGES))
        by_image[image].append(logical_id)
        template[logical_id] = Resource(
            type=VERSION_TYPE,
            properties={
                "ImageName": image,
                "BaseImage": _uri(draw(st.sampled_from([*TAGS, *TAGS, MISSING_TAG]))),
                "OnDelete": draw(st.sampled_from(["DELETE", "DELETE", "ARCHIVE"])),
                **draw(METADATA),
            },
        )
    for image, logical_ids in by_image.items():
        for alias in ALIASES:
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


def _uri(tag: str) -> str:
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/data-science:{tag}"


class Lifecycle(RuleBasedStateMachine):
    """One stack in an account in which somebody else has versions, too."""

    @initialize(
        assumptions=ASSUMPTIONS,
        updates_before_delete=st.booleans(),
        foreign_alias=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )
    def an_account(self, assumptions: Assumptions, updates_before_delete: bool, foreign_alias: bool, seed: int) -> None:
        chance = random.Random(seed)
        self.assumptions = assumptions
        self.updates_before_delete = updates_before_delete
        self.clock = ManualClock()
        registry = InMemoryRegistry()
        for tag in TAGS:
            registry.push(_uri(tag))
        self.service = ImagesService(clock=self.clock, registry=registry, assumptions=assumptions)
        self.sagemaker: Any = client("sagemaker", self.service, region=REGION, account=ACCOUNT)
        self.ecr: Any = client("ecr", self.service, region=REGION, account=ACCOUNT)
        self.simulation = Simulation(self.clock, choose=chance.randrange)
        self.troubles: list[Trouble] = []
        function = DeployedFunction(
            simulation=self.simulation, clock=self.clock, make_client=self._client, chance=chance.random
        )
        self.stack = Stack(
            "DataScience",
            simulation=self.simulation,
            function=function,
            updates_before_delete=updates_before_delete,
            trouble=lambda: self.troubles.pop() if self.troubles else Trouble(),
        )
        self.foreign: dict[tuple[str, int], dict[str, Any]] = {}
        self.foreign_alias_may_be_lost = False
        for image in IMAGES:
            self.sagemaker.create_image(ImageName=image, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/image")
            self.clock.advance(60)
            self.sagemaker.create_image_version(
                ImageName=image,
                BaseImage=_uri(TAGS[0]),
                ClientToken=f"foreign-{image}",
                ReleaseNotes="made by hand",
                **({"Aliases": ["latest"]} if foreign_alias else {}),
            )
            self.clock.advance(60)
            self.foreign[image, 1] = self._describe(image, 1)
        self.foreign_alias = foreign_alias
        self.crashed = False

    def _client(self, service: str, _region: str | None) -> Any:
        return {"sagemaker": self.sagemaker, "ecr": self.ecr, "cloudformation": self}[service]

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 (the API's name)
        assert StackName == self.stack.id
        return {"Stacks": [{"StackStatus": self.stack.status}]}

    @rule(
        template=templates(),
        troubles=st.lists(TROUBLE, max_size=4),
        drifted=st.sampled_from([None, "metadata", "deleted"]),
        failing=st.integers(0, 3),
    )
    def deploy(self, template: Template, troubles: list[Trouble], drifted: str | None, failing: int) -> None:
        """Deploy a template, with all sorts of trouble on the way."""
        template = self._drift(template, drifted)
        self.troubles = troubles
        if failing == 0:
            self.service.fail_next_creation("internal trouble")
        self._take_aliases(template)
        self.simulation.run(lambda: self.stack.deploy(template))
        self._settle()

    @precondition(lambda self: self.stack.records)
    @rule(troubles=st.lists(TROUBLE, max_size=4))
    def delete(self, troubles: list[Trouble]) -> None:
        """Delete the stack."""
        self.troubles = troubles
        assert self.simulation.run(self.stack.delete), self.stack.failures
        self._settle()

    def _settle(self) -> None:
        self.troubles = []
        self.service.forget_failures()
        self.clock.advance(60)

    def _take_aliases(self, template: Template) -> None:
        # The one thing a crash can lose: from whom an alias was taken, when the process ends in the middle of taking.
        if any(trouble.crashes for trouble in self.troubles):
            self.crashed = True
            taken = {f"{image}.latest" for image in IMAGES} & template.keys() - self.stack.records.keys()
            self.foreign_alias_may_be_lost |= bool(taken)

    def _drift(self, template: Template, drifted: str | None) -> Template:
        """Change a version behind CloudFormation's back, and its declaration so that CloudFormation looks at it."""
        reused = self.assumptions.highest_number_after_delete == "reused"
        both = [one for one in VERSIONS if one in template and one in self.stack.records]
        if drifted is None or not both or (drifted == "deleted" and reused):
            return template
        image, number = self._place(self.stack.records[both[0]])
        if drifted == "metadata":
            self.sagemaker.update_image_version(ImageName=image, Version=number, Processor="GPU")
        else:
            self.sagemaker.delete_image_version(ImageName=image, Version=number)
        self.clock.advance(60)
        resource = template[both[0]]
        looked_at = {**resource.properties, "Processor": "CPU", "JobType": "TRAINING"}
        return {**template, both[0]: Resource(type=resource.type, properties=looked_at)}

    def _describe(self, image: str, number: int) -> dict[str, Any]:
        answer = self.sagemaker.describe_image_version(ImageName=image, Version=number)
        return {name: value for name, value in answer.items() if name not in ("ResponseMetadata", "LastModifiedTime")}

    def _versions(self) -> set[tuple[str, int]]:
        found = set()
        for image in IMAGES:
            answer = self.sagemaker.list_image_versions(ImageName=image, MaxResults=100)
            assert "NextToken" not in answer
            found |= {(image, version["Version"]) for version in answer["ImageVersions"]}
        return found

    def _owner(self, image: str, alias: str) -> int | None:
        try:
            answer = self.sagemaker.describe_image_version(ImageName=image, Alias=alias)
        except self.sagemaker.exceptions.ResourceNotFound:
            return None
        return int(answer["Version"])

    def _place(self, record: Record) -> tuple[str, int]:
        return record.properties["ImageName"], int(record.physical_id.rpartition("/")[2])

    @property
    def _own(self) -> dict[str, tuple[str, int]]:
        records = self.stack.records.items()
        return {one: self._place(record) for one, record in records if record.type == VERSION_TYPE}

    @invariant()
    def no_rollback_and_no_deletion_fails(self) -> None:
        assert self.stack.failures == []

    @invariant()
    def every_version_is_as_declared(self) -> None:
        for logical_id, (image, number) in self._own.items():
            properties = self.stack.records[logical_id].properties
            version = self._describe(image, number)
            assert version["ImageVersionStatus"] == "CREATED", logical_id
            assert version["BaseImage"] == properties["BaseImage"], logical_id
            for name in ("ReleaseNotes", "VendorGuidance", "Horovod", "Processor"):
                if name in properties:
                    assert str(version[name]).lower() == properties[name].lower(), (logical_id, name)

    @invariant()
    def no_version_has_two_owners(self) -> None:
        own = list(self._own.values())
        assert len(own) == len(set(own))

    @invariant()
    def no_version_is_an_orphan(self) -> None:
        for image, number in self._versions() - set(self._own.values()) - self.foreign.keys():
            version = self._describe(image, number)
            archived = version.get("VendorGuidance") == "ARCHIVED"
            forgotten = version["ImageVersionArn"] in self.stack.forgotten
            # When a new version is made for the token of a failed one, a crash hides the failed one for good.
            hidden = (
                version["ImageVersionStatus"] == "CREATE_FAILED"
                and self.assumptions.repeat_of_dead_create == "new_version"
                and self.crashed
            )
            assert archived or forgotten or hidden, version

    @invariant()
    def no_foreign_version_is_touched(self) -> None:
        for (image, number), before in self.foreign.items():
            assert self._describe(image, number) == before

    @invariant()
    def every_alias_is_where_it_belongs(self) -> None:
        for image in IMAGES:
            for alias in ALIASES:
                owner = self._owner(image, alias)
                record = self.stack.records.get(f"{image}.{alias}")
                if record is not None:
                    expected = int(record.properties["Version"])
                    assert owner == expected, (image, alias)
                elif self.foreign_alias and alias == "latest":
                    assert owner == 1 or self.foreign_alias_may_be_lost, (image, alias)
                else:
                    assert owner is None or (image, owner) not in self._own.values(), (image, alias)


LONG = settings(
    max_examples=int(os.environ.get("LIFECYCLE_EXAMPLES", "60")),
    stateful_step_count=int(os.environ.get("LIFECYCLE_STEPS", "12")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
)
Lifecycle.TestCase.settings = LONG
TestLifecycle = Lifecycle.TestCase
