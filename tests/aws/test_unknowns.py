"""The questions that AWS does not document.

On an account the tests record the answers. Locally they show that every value of a switch has its effect.
"""

import json

import pytest
from botocore.exceptions import ClientError
from custom_resource import events_of_a_rollback
from imgver_sandbox.sagemaker.container_registry import OCI_MANIFEST
from target import code, message, number_of, outcome


def every(switch):
    """Run the test under each value of the switch."""

    def mark(test):
        test.every = switch
        return test

    return mark


@every("alias_held_elsewhere")
def test_u1_an_alias_that_another_version_has(target, findings):
    # GIVEN two versions, of which the first has an alias
    image = target.make_image()
    target.make_version(image, Aliases=["latest"])
    target.make_version(image)

    # WHEN an update and a create name the alias for another version
    def update(number, **aliases):
        target.write("update_image_version", ImageName=image, Version=number, **aliases)

    by_update = outcome(lambda: update(2, AliasesToAdd=["latest"]))
    after_update = target.owner(image, "latest")
    if after_update == 2:
        update(2, AliasesToDelete=["latest"])
        update(1, AliasesToAdd=["latest"])
    by_create = outcome(lambda: target.make_version(image, Aliases=["latest"]))
    after_create = target.owner(image, "latest")

    def answer_of(error, owner, new_owner):
        if error is None:
            return "moved" if owner == new_owner else ""
        return {"ResourceInUse": "resource_in_use", "ValidationException": "validation_exception"}.get(code(error), "")

    answer = findings.record(
        "U1",
        {
            f"an update: {by_update or f'version {after_update} has it'}": answer_of(by_update, after_update, 2),
            f"a create: {by_create or f'version {after_create} has it'}": answer_of(by_create, after_create, 3),
        },
    )
    if target.is_real:
        return
    assert answer == target.assumptions.alias_held_elsewhere
    assert target.aliases(image) == ["latest"]
    if answer != "moved":
        assert (after_update, after_create) == (1, 1)
        assert not target.exists(image, 3)
        held = f"Alias latest is already used by ImageVersion ({target.describe(image, 1)['ImageVersionArn']})."
        assert message(by_update) == message(by_create) == held


@every("repeat_of_dead_create")
def test_u2_a_token_whose_version_is_dead(target, findings):
    # GIVEN a version that was deleted, and another version
    image, token = target.make_image(), target.name("t")
    target.make_version(image)
    arn = target.start_version(image, ClientToken=token)
    target.describe_when_created(image, number_of(arn))
    target.delete_version(image, number_of(arn))

    # WHEN its token is used again, THEN a new version may exist
    again = target.start_version(image, ClientToken=token)
    answers = {f"deleted {arn}, then {again}": "new_version" if target.exists(image, number_of(again)) else "old_arn"}

    # GIVEN a version that failed, unless the call is refused; WHEN its token is used again
    broken = {"BaseImage": f"{target.repository}:no-such-tag", "ClientToken": target.name("t")}
    if outcome(lambda: target.start_version(image, **broken)) is None:
        failed = target.start_version(image, **broken)
        target.describe_when_created(image, number_of(failed))
        repeated = target.start_version(image, **broken)
        answers[f"failed {failed}, then {repeated}"] = "old_arn" if repeated == failed else "new_version"

    answer = findings.record("U2", answers)
    if not target.is_real:
        assert len(answers) == 2
        assert answer == target.assumptions.repeat_of_dead_create


@every("repeat_with_other_parameters")
def test_u2_a_token_with_other_parameters(target, findings):
    image, token = target.make_image(), target.name("t")
    first = target.start_version(image, ClientToken=token, ReleaseNotes="first")
    target.describe_when_created(image, 1)
    began = target.now()

    arns = []
    error = outcome(lambda: arns.append(target.start_version(image, ClientToken=token, ReleaseNotes="second")))

    seen = ("old_arn" if arns == [first] else "") if error is None else "refused"
    answer = findings.record("U2b", {f"first {first}, then {error or arns}": seen})
    if not target.is_real:
        assert answer == target.assumptions.repeat_with_other_parameters
        assert len(target.sagemaker.list_image_versions(ImageName=image)["ImageVersions"]) == 1
        assert target.describe(image, 1)["ReleaseNotes"] == "first"

    # THEN SageMaker remembers the token for a while
    assert target.start_version(image, ClientToken=token, ReleaseNotes="first") == first
    findings.note("U2", f"remembered for {target.now() - began:.0f} s at least")


def make_domain(target, findings, network, question, **settings):
    """Create a domain with these settings of its users, wait for it, and return its id."""
    if network is None:
        why = "it takes a Studio domain: set CONFORMANCE_VPC_ID and CONFORMANCE_SUBNET_IDS to where one may be"
        findings.note(question, why)
        pytest.skip(why)
    try:
        domain_id = target.sagemaker.create_domain(
            DomainName=target.name(),
            AuthMode="IAM",
            HomeEfsFileSystemCreation="Disabled",  # a file system costs money, and outlives the domain
            DefaultUserSettings={"ExecutionRole": target.role, **settings},
            **network,
        )["DomainId"]
    except ClientError as error:
        findings.note(question, str(error))
        raise
    domain = stable(target, "domain", DomainId=domain_id)
    if domain["Status"] != "InService":
        findings.note(question, f"the domain is {domain['Status']}: {domain.get('FailureReason')}")
    assert domain["Status"] == "InService"
    return domain_id


def stable(target, kind, **which):
    """The description of a resource of Studio, as soon as it is not changing."""
    describe = getattr(target.sagemaker, f"describe_{kind}")
    return target.poll(lambda: describe(**which), lambda found: not found["Status"].endswith("ing"))


@every("delete_of_version_in_use")
def test_u3_a_version_that_a_domain_names(target, findings, network):
    # GIVEN a domain that names the first of two versions
    image, config = target.make_image(), target.name()
    target.make_version(image)
    target.make_version(image)
    target.sagemaker.create_app_image_config(AppImageConfigName=config, JupyterLabAppImageConfig={})
    custom_image = {"ImageName": image, "ImageVersionNumber": 1, "AppImageConfigName": config}
    make_domain(target, findings, network, "U3", JupyterLabAppSettings={"CustomImages": [custom_image]})

    # WHEN that version is deleted
    refusal = outcome(lambda: target.write("delete_image_version", ImageName=image, Version=1))

    seen = "allowed" if refusal is None else "refused" if code(refusal) == "ResourceInUse" else ""
    answer = findings.record("U3", {str(refusal or "the version is deleted"): seen})
    if target.is_real:
        return
    assert answer == target.assumptions.delete_of_version_in_use
    if answer == "allowed":
        target.poll(lambda: target.exists(image, 1), lambda found: not found)
    else:
        assert target.describe(image, 1)["ImageVersionStatus"] == "CREATED"
        target.delete_version(image, 2)  # the domain does not name this version


@every("highest_number_after_delete")
def test_u4_the_number_of_the_highest_version_after_its_deletion(target, findings):
    image = target.make_image()
    target.make_version(image)
    target.delete_version(image, target.make_version(image))

    number = target.make_version(image)

    answer = findings.record("U4", {f"2 was deleted, then {number}": {2: "reused", 3: "retired"}.get(number, "")})
    if not target.is_real:
        assert answer == target.assumptions.highest_number_after_delete


@every("arn_case")
def test_u5_a_name_with_capitals(target, findings):
    name = target.make_image("Mixed-Case")

    arn = target.start_version(name)
    target.describe_when_created(name, 1)

    image, version = arn.split("/")[1:]
    assert version == "1"
    seen = {name.lower(): "lower", name: "kept"}.get(image, "")
    answer = findings.record("U5", {f"ImageName {name}, ARN {arn}": seen})
    in_lower_case = outcome(lambda: target.sagemaker.describe_image(ImageName=name.lower()))
    image_arn = target.sagemaker.describe_image(ImageName=name)["ImageArn"]
    findings.note("U5", f"DescribeImage of {name.lower()}: {in_lower_case or 'found'}; ImageArn {image_arn}")
    if not target.is_real:
        assert answer == target.assumptions.arn_case
        assert (in_lower_case is None) == (answer == "lower")


@every("rejected_manifest")
def test_u6_a_manifest_that_is_rejected(target, findings):
    if not target.can_push:
        why = "CONFORMANCE_BASE_IMAGE is not in a repository of the run's own: no OCI manifest is pushed there"
        findings.note("U6", why)
        pytest.skip(why)
    image = target.make_image()
    target.push("oci", OCI_MANIFEST)

    arns = []
    error = outcome(lambda: arns.append(target.start_version(image, BaseImage=f"{target.repository}:oci")))

    if error is not None:
        seen = "validation_exception" if code(error) == "ValidationException" else ""
        evidence = str(error)
        assert target.sagemaker.list_image_versions(ImageName=image)["ImageVersions"] == []
    else:
        version = target.describe_when_created(image, number_of(arns[0]))
        seen = "create_failed" if version["ImageVersionStatus"] == "CREATE_FAILED" else ""
        evidence = f"{version['ImageVersionStatus']}: {version.get('FailureReason', 'no reason')}"
    answer = findings.record("U6", {evidence: seen})
    if not target.is_real:
        assert answer == target.assumptions.rejected_manifest


def test_u7_the_events_of_a_replacement_that_rolls_back(target, findings):
    if not target.is_real:
        pytest.skip("this is CloudFormation's behaviour: the tests of the handler run under both answers")
    try:
        events = events_of_a_rollback(target)
    except (ClientError, RuntimeError) as error:
        findings.note("U7", str(error))
        return
    seen = " then ".join(f"{event['RequestType']}({event['PhysicalResourceId']})" for event in events)
    answers = {"Delete(new)": "delete_only", "Update(new) then Delete(new)": "update_first"}
    findings.record("U7", {seen or "no event": answers.get(seen, "")})


def test_u8_how_many_versions_an_image_may_have(target, findings):
    if not target.is_real:
        pytest.skip("the sandbox has no such limit")
    try:
        pages = target.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        quotas = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}
    except ClientError as error:
        findings.note("U8", f"Service Quotas returned {error}")
        return
    found = {name: value for name, value in quotas.items() if "image" in name.lower()}
    findings.note("U8", f"Service Quotas has {json.dumps(found)}; only a full image shows the message of the error")


@every("update_with_running_apps")
def test_u10_the_custom_images_of_a_domain_with_a_running_app(target, findings, network):
    # GIVEN a domain that offers an image, and a running app
    sagemaker, image, config = target.sagemaker, target.make_image(), target.name()
    target.make_version(image)
    sagemaker.create_app_image_config(AppImageConfigName=config, JupyterLabAppImageConfig={})
    domain_id = make_domain(target, findings, network, "U10")
    where = {"DomainId": domain_id}
    sagemaker.create_user_profile(**where, UserProfileName="user")
    stable(target, "user_profile", **where, UserProfileName="user")
    space = {**where, "SpaceName": "space"}
    sagemaker.create_space(
        **space,
        OwnershipSettings={"OwnerUserProfileName": "user"},
        SpaceSharingSettings={"SharingType": "Private"},
        SpaceSettings={"AppType": "JupyterLab"},
    )
    stable(target, "space", **space)
    app = {**space, "AppType": "JupyterLab", "AppName": "default"}
    sagemaker.create_app(**app, ResourceSpec={"InstanceType": "ml.t3.medium"})
    running = stable(target, "app", **app)
    if running["Status"] != "InService":
        findings.note("U10", f"the app is {running['Status']}: {running.get('FailureReason')}")
    assert running["Status"] == "InService"

    # WHEN a version is offered
    custom_image = {"ImageName": image, "ImageVersionNumber": 1, "AppImageConfigName": config}
    settings = {"JupyterLabAppSettings": {"CustomImages": [custom_image]}}
    refusal = outcome(lambda: sagemaker.update_domain(**where, DefaultUserSettings=settings))

    seen = "allowed" if refusal is None else "refused" if "InService" in message(refusal) else ""
    answer = findings.record("U10", {str(refusal or "the domain is updated"): seen})
    if not target.is_real:
        assert answer == target.assumptions.update_with_running_apps


@every("unsent_app_settings")
def test_u11_an_update_of_a_domain_has_some_members_of_an_apps_settings(target, findings, network):
    # GIVEN a domain with two members in the settings of JupyterLab
    repositories = [{"RepositoryUrl": "https://github.com/aws/aws-cdk"}]
    settings = {"CodeRepositories": repositories, "DefaultResourceSpec": {"InstanceType": "ml.t3.medium"}}
    domain_id = make_domain(target, findings, network, "U11", JupyterLabAppSettings=settings)

    # WHEN an update contains one of them
    sent = {"JupyterLabAppSettings": {"CodeRepositories": []}}
    target.sagemaker.update_domain(DomainId=domain_id, DefaultUserSettings=sent)

    found = stable(target, "domain", DomainId=domain_id)["DefaultUserSettings"].get("JupyterLabAppSettings", {})
    answer = findings.record(
        "U11", {json.dumps(found): "kept" if found.get("DefaultResourceSpec", {}).get("InstanceType") else "dropped"}
    )
    if not target.is_real:
        assert answer == target.assumptions.unsent_app_settings
        assert found["CodeRepositories"] == []
