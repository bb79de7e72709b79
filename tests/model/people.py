"""People who change the account at any time, also in the middle of a deployment."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from imgver_sandbox.sagemaker.service import ServiceError
from shared_account import TAGS, SharedAccount, base_image
from simulated_time import Simulation

Action = Literal["create a version", "delete a version", "create an image again", "move an alias", "change the domain"]
FOREIGN_ALIAS = "by-hand"
"""An alias that no stack declares."""
ATTEMPTS = 30
INSTANCE_TYPES = ("ml.t3.medium", "ml.t3.large", "ml.m5.large")


@dataclass(frozen=True)
class Interference:
    """What people do, and when.

    Args:
        action: the action.
        after: the seconds from the start of a deployment.
        position: selects an image and a version.
    """

    action: Action
    after: float
    position: int


class People:
    """Performs what people do, as patient users of the AWS CLI."""

    def __init__(self, account: SharedAccount, simulation: Simulation, is_handled: Callable[[str], bool]) -> None:
        """Create the people of an account.

        Args:
            account: the account.
            simulation: the simulation in which they act.
            is_handled: returns whether an event of a resource of an image is being handled.
        """
        self._account = account
        self._simulation = simulation
        self._is_handled = is_handled
        self._numbers = itertools.count()

    def interfere(self, interference: Interference) -> None:
        """Perform an action at its time."""
        self._simulation.sleep(interference.after)
        names = self._account.image_names
        image = names[interference.position % len(names)]
        actions: dict[Action, Callable[[str, int], None]] = {
            "create a version": lambda image, position: self._create_version(image, TAGS[position % 2]),
            "delete a version": self._delete_version,
            "create an image again": self._create_image_again,
            "move an alias": self._move_alias,
            "change the domain": self._change_domain,
        }
        actions[interference.action](image, interference.position)

    def _create_version(self, image: str, tag: str) -> None:
        token = f"by-hand-{next(self._numbers)}"
        created = self._patiently(
            "CreateImageVersion",
            ImageName=image,
            BaseImage=base_image(tag),
            ClientToken=token,
            ReleaseNotes="made by hand",
        )
        if created is None:
            return
        number = int(created["ImageVersionArn"].rpartition("/")[2])
        identity = self._account.find(image, Version=number)
        assert identity is not None
        while True:
            description = self._account.describe(image, Version=number)
            is_gone = description is None or self._account.identity(image, description) != identity
            if is_gone:
                assert identity in self._account.deleted_by_people, "a version of somebody else was deleted"
                return
            assert description is not None
            if description["ImageVersionStatus"] != "CREATING":
                break
            self._simulation.sleep(1)
        if description["ImageVersionStatus"] != "DELETING":
            self._account.foreign[identity] = description

    def _delete_version(self, image: str, position: int) -> None:
        versions = [version for version in self._account.versions() if version.image == self._account.key(image)]
        if not versions:
            return
        chosen = sorted(versions)[position % len(versions)]
        if self._patiently("DeleteImageVersion", ImageName=image, Version=chosen.number) is not None:
            self._forget(lambda version: version == chosen)

    def _create_image_again(self, image: str, position: int) -> None:
        # CreateImageVersion returns the ARN of the version, and no creation time. A version with the same number in an
        # image that is created again in the seconds before the first DescribeImageVersion cannot be told from it.
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
        self._simulation.wait_until(lambda: not self._is_handled(image))
        before = set(self._account.versions())
        if self._patiently("DeleteImage", ImageName=image) is None:
            return
        self._forget(lambda version: version.image == self._account.key(image), before)
        role = "arn:aws:iam::123456789012:role/image"
        if self._patiently("CreateImage", ImageName=image, RoleArn=role) is None:
            raise AssertionError("the image could not be created again")
        for number in range(position % 3):
            self._create_version(image, TAGS[number % 2])

    def _move_alias(self, image: str, position: int) -> None:
        versions = [
            version
            for version, description in self._account.versions().items()
            if version.image == self._account.key(image) and description["ImageVersionStatus"] == "CREATED"
        ]
        if not versions:
            return
        target = sorted(versions)[position % len(versions)]
        owner = self._account.find(image, Alias=FOREIGN_ALIAS)
        if owner == target:
            return
        place = self._account.key(image), FOREIGN_ALIAS
        self._account.foreign_aliases.pop(place, None)
        if owner is not None:
            self._patiently(
                "UpdateImageVersion", ImageName=image, Version=owner.number, AliasesToDelete=[FOREIGN_ALIAS]
            )
        added = self._patiently(
            "UpdateImageVersion", ImageName=image, Version=target.number, AliasesToAdd=[FOREIGN_ALIAS]
        )
        if added is not None:
            now_there = self._account.find(image, Alias=FOREIGN_ALIAS)
            if now_there is not None:
                self._account.foreign_aliases[place] = now_there

    def _change_domain(self, _image: str, position: int) -> None:
        """Change another setting of JupyterLab, and send the images along as they were read."""
        for _ in range(ATTEMPTS):
            settings = self._account.lab_settings()
            self._simulation.sleep(position / 20)
            spec = {"InstanceType": INSTANCE_TYPES[position % len(INSTANCE_TYPES)]}
            settings = {"JupyterLabAppSettings": {**settings, "DefaultResourceSpec": spec}}
            try:
                self._account.call("UpdateDomain", DomainId=self._account.domain_id, DefaultUserSettings=settings)
            except ServiceError:
                self._simulation.sleep(1)
            else:
                self._account.resource_spec = spec
                return

    def _forget(self, is_deleted: Callable[[Any], bool], before: set[Any] | None = None) -> None:
        """Note which versions people have deleted."""
        account = self._account
        for version in [*(before or ()), *account.versions(), *account.foreign]:
            if is_deleted(version):
                account.deleted_by_people.add(version)
                account.foreign.pop(version, None)

    def _patiently(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """Call SageMaker, and try again while it is busy with the image. Returns None if that does not end."""
        for _ in range(ATTEMPTS):
            try:
                return self._account.call(operation, **parameters)
            except ServiceError as error:
                if error.code == "ResourceNotFound":
                    return None
            self._simulation.sleep(1)
        return None
