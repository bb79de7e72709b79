"""A new base image, deployed over a Studio domain in which a space runs on the old version."""

import sys
import time

import pytest

STACK, IMAGE = "Attached", "notebooks"


class Studio:
    """A domain that exists before the stack, with a user profile and a space."""

    def __init__(self, account):
        self._account = account
        self._sagemaker = account.sagemaker
        role = f"arn:aws:iam::{account.sandbox.account}:role/users"
        domain = self._sagemaker.create_domain(
            DomainName="team", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": role}
        )
        self.domain_id = domain["DomainId"]
        self._where = {"DomainId": self.domain_id}
        self._wait(self._sagemaker.describe_domain)
        self._profile = {"UserProfileName": "ann"}
        self._sagemaker.create_user_profile(**self._where, **self._profile)
        self._wait(self._sagemaker.describe_user_profile, **self._profile)
        self._space = {"SpaceName": "lab"}
        self._sagemaker.create_space(
            **self._where,
            **self._space,
            OwnershipSettings={"OwnerUserProfileName": "ann"},
            SpaceSharingSettings={"SharingType": "Private"},
            SpaceSettings={"AppType": "JupyterLab"},
        )
        self._wait(self._sagemaker.describe_space, **self._space)
        self._app = {**self._space, "AppType": "JupyterLab", "AppName": "default"}

    def run_space(self, number):
        """Run the space on a version."""
        arn = self._account.describe(IMAGE, number)["ImageVersionArn"]
        spec = {"InstanceType": "ml.t3.medium", "SageMakerImageVersionArn": arn}
        self._sagemaker.create_app(**self._where, **self._app, ResourceSpec=spec)
        self._wait(self._sagemaker.describe_app, **self._app)

    def stop_space(self):
        self._sagemaker.delete_app(**self._where, **self._app)
        self._wait(self._sagemaker.describe_app, **self._app, status="Deleted")

    def offered(self):
        """The numbers that the domain and the user profile offer."""
        domain = self._sagemaker.describe_domain(**self._where)["DefaultUserSettings"]
        profile = self._sagemaker.describe_user_profile(**self._where, **self._profile)["UserSettings"]
        return [
            [image["ImageVersionNumber"] for image in settings["JupyterLabAppSettings"]["CustomImages"]]
            for settings in (domain, profile)
        ]

    def _wait(self, describe, *, status="InService", **name):
        end = time.monotonic() + 30
        while describe(**self._where, **name)["Status"] != status:
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.mark.exhaustive
def test_a_new_base_image_over_a_running_space(account):
    studio = Studio(account)
    context = {"domain": studio.domain_id}
    code, output = account.cdk_deploy(STACK, tag="1.0.0", **context)
    assert code == 0, output
    assert studio.offered() == [[1], [1]]
    studio.run_space(1)

    # WHEN SageMaker refuses to change the domain meanwhile
    fault = account.sandbox.faults.in_service()
    start = time.monotonic()
    code, output = account.cdk_deploy(STACK, tag="1.1.0", **context)
    refused_seconds = time.monotonic() - start
    account.sandbox.faults.remove(fault.id)

    # THEN the deployment fails at once and tells what to stop, and everything is as before
    assert code != 0
    assert "stop the apps that the message names, then deploy again" in output
    assert refused_seconds < 120
    assert studio.offered() == [[1], [1]]
    assert list(account.versions(IMAGE)) == [1]

    # WHEN it does not refuse
    start = time.monotonic()
    code, output = account.cdk_deploy(STACK, tag="1.1.0", **context)
    seconds = time.monotonic() - start

    # THEN the new version is offered after minutes, and the events tell why the old one remains
    assert code == 0, output
    sys.stdout.write(f"\nrefused: {refused_seconds:.0f} s; deployed: {seconds:.0f} s\n")
    assert seconds < 600
    assert studio.offered() == [[2], [2]]
    assert account.versions(IMAGE) == dict.fromkeys((1, 2), ("CREATED", []))
    (reason,) = account.reasons(STACK, "DELETE_FAILED")
    assert "image-version/notebooks/1: ResourceInUse: " in reason

    # WHEN the space is stopped and the stack deleted, THEN nothing is offered
    studio.stop_space()
    assert account.deployment.destroy(STACK) == "DELETE_COMPLETE"
    assert studio.offered() == [[], []]
