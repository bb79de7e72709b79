"""The switches for undocumented behaviour: each with all of its values."""

import pytest
from imgver_sandbox.sagemaker.assumptions import SHORT_NAMES, Assumptions
from imgver_sandbox.sagemaker.container_registry import DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"


def every_value(switch):
    return pytest.mark.parametrize(switch, Assumptions.choices()[switch])


def test_each_default_is_the_first_choice():
    choices = Assumptions.choices()

    assert len(choices) == 9
    assert set(SHORT_NAMES.values()) == choices.keys()
    assert Assumptions(**{name: values[0] for name, values in choices.items()}) == Assumptions()


def test_switches_of_the_command_line_are_parsed():
    assert Assumptions.parse([]) == Assumptions()
    assumed = Assumptions.parse(["u1=moved", "arn_case=kept"])
    assert assumed == Assumptions(alias_held_elsewhere="moved", arn_case="kept")
    assert Assumptions.parse(assumed.switches()) == assumed


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ("u9=moved", r"'u9=moved' must name one of alias_held_elsewhere, .*, unsent_app_settings, like u1=moved"),
        ("u1", r"'u1' must have one of the values resource_in_use, validation_exception, moved"),
        ("u4=moved", r"'u4=moved' must have one of the values reused, retired"),
    ],
)
def test_invalid_switches_are_refused(switch, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Assumptions.parse([switch])


@every_value("alias_held_elsewhere")
@pytest.mark.parametrize("operation", ["CreateImageVersion", "UpdateImageVersion"])
def test_u1_a_call_names_an_alias_of_another_version(make_aws, alias_held_elsewhere, operation, refused):
    aws = make_aws(alias_held_elsewhere=alias_held_elsewhere)
    aws.image()
    aws.version(Aliases=["latest"])
    if operation == "UpdateImageVersion":
        aws.version()

    def take():
        if operation == "CreateImageVersion":
            aws.version(Aliases=["new", "latest"])
        else:
            aws.UpdateImageVersion(Version=2, AliasesToAdd=["new", "latest"])

    if alias_held_elsewhere == "moved":
        take()
        assert (aws.aliases(Version=1), aws.aliases(Version=2)) == ([], ["latest", "new"])
        return
    code = {"resource_in_use": "ResourceInUse", "validation_exception": "ValidationException"}[alias_held_elsewhere]
    with refused(code, f"Alias latest is already used by ImageVersion ({ARN}/1)."):
        take()

    # A refused call changes nothing and locks nothing.
    assert aws.aliases() == ["latest"]
    assert aws.owner("latest") == 1
    assert aws.version() == (2 if operation == "CreateImageVersion" else 3)


@every_value("repeat_of_dead_create")
@pytest.mark.parametrize("end", [None, "failed", "deleting", "deleted", "image deleted"])
def test_u2_a_client_token_is_sent_again(make_aws, repeat_of_dead_create, end):
    aws = make_aws(repeat_of_dead_create=repeat_of_dead_create, highest_number_after_delete="retired", delete_seconds=5)
    aws.image()
    aws.version()
    if end == "failed":
        aws.service.faults.fail("why")
    first = aws.start(ClientToken="t")
    # A repeated call is not a write, so the lock of the image does not refuse it.
    assert aws.start(ClientToken="t") == first == f"{ARN}/2"
    aws.wait()
    if end == "deleting":
        aws.DeleteImageVersion(Version=2)
        aws.clock.advance(1)
    elif end == "deleted":
        aws.delete(2)
    elif end == "image deleted":
        aws.DeleteImage()
        aws.wait()
        aws.image()

    second = aws.start(ClientToken="t")

    new = f"{ARN}/1" if end == "image deleted" else f"{ARN}/3"
    assert second == (first if end is None or repeat_of_dead_create == "old_arn" else new)
    # From now on, the token returns the version that it created last.
    assert aws.start(ClientToken="t") == second


@every_value("repeat_with_other_parameters")
def test_u2b_a_client_token_is_sent_again_with_other_parameters(make_aws, repeat_with_other_parameters, refused):
    aws = make_aws(repeat_with_other_parameters=repeat_with_other_parameters)
    aws.image()
    first = aws.start(ClientToken="t")
    aws.wait()

    if repeat_with_other_parameters == "old_arn":
        assert aws.start(ClientToken="t", ReleaseNotes="other") == first
    else:
        with refused("ValidationException", "ClientToken t was already used with different parameters."):
            aws.start(ClientToken="t", ReleaseNotes="other")
    assert aws.versions() == [1]


@every_value("delete_of_version_in_use")
@pytest.mark.parametrize("operation", ["DeleteImageVersion", "DeleteImage"])
def test_u3_a_version_in_use_is_deleted(make_aws, delete_of_version_in_use, operation, refused):
    aws = make_aws(delete_of_version_in_use=delete_of_version_in_use)
    aws.image()
    aws.version()
    aws.service.mark_in_use(f"{ARN}/1")

    def delete():
        which = {"Version": 1} if operation == "DeleteImageVersion" else {}
        getattr(aws, operation)(**which)

    if delete_of_version_in_use == "refused":
        with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is in use."):
            delete()
        assert aws.status(1) == "CREATED"
        aws.service.mark_in_use(f"{ARN}/1", in_use=False)
    delete()
    assert aws.status(1) == "DELETING"


def test_only_an_existing_version_can_be_marked_as_in_use(aws, not_found):
    with not_found("ImageVersion", ImageName="data-science", Version=9):
        aws.service.mark_in_use(f"{ARN}/9")
    with pytest.raises(ValueError, match=r"^image_version_arn 'data-science/9' must be the ARN of an image version$"):
        aws.service.mark_in_use("data-science/9")


@every_value("highest_number_after_delete")
def test_u4_the_number_after_the_highest_version_was_deleted(make_aws, highest_number_after_delete):
    aws = make_aws(highest_number_after_delete=highest_number_after_delete)
    aws.image()
    for _ in range(3):
        aws.version()
    aws.delete(2)
    aws.DeleteImageVersion(Version=3)
    aws.clock.advance(0.5)

    # The number of a version that is still being deleted cannot be reused.
    assert aws.version() == 4
    aws.delete(4)
    assert aws.version() == (2 if highest_number_after_delete == "reused" else 5)


@every_value("arn_case")
def test_u5_the_name_of_an_image_has_capital_letters(make_aws, arn_case, refused):
    aws = make_aws(arn_case=arn_case)
    aws.image("Data-Science")

    arn = aws.start("Data-Science")

    aws.wait()
    assert arn == (f"{ARN}/1" if arn_case == "lower" else f"{ARN.replace('data-science', 'Data-Science')}/1")
    image = aws.DescribeImage(ImageName="Data-Science")
    assert image["ImageName"] == "Data-Science"
    assert image["ImageArn"].endswith(":image/Data-Science")
    # The name in the ARN identifies the version.
    name_in_arn = arn.split("/")[1]
    assert aws.describe(1, name_in_arn) == aws.describe(1, "Data-Science")
    if arn_case == "lower":
        with refused(
            "ResourceInUse", "The Image with ImageName data-science already exists. Please use a different ImageName."
        ):
            aws.image("data-science")
    else:
        aws.image("data-science")


@every_value("rejected_manifest")
@pytest.mark.parametrize("media_type", [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST_LIST])
def test_u6_the_manifest_is_not_docker_v2_schema_2(make_aws, rejected_manifest, media_type, refused):
    aws = make_aws(rejected_manifest=rejected_manifest)
    aws.image()
    uri = f"{aws.repository}:oci"
    aws.registry.push(uri, media_type=media_type)
    reason = (
        f"The manifest of the base image {uri} has the unsupported media type {media_type}. "
        "Supported: application/vnd.docker.distribution.manifest.v2+json."
    )

    if rejected_manifest == "create_failed":
        version = aws.describe(aws.version(BaseImage=uri))
        assert (version["ImageVersionStatus"], version["FailureReason"]) == ("CREATE_FAILED", reason)
    else:
        with refused("ValidationException", reason):
            aws.version(BaseImage=uri)
        assert aws.versions() == []


@every_value("update_with_running_apps")
@pytest.mark.parametrize("by", ["app", "fault"])
def test_u10_settings_are_updated_while_an_app_runs(make_aws, update_with_running_apps, by, refused):
    # GIVEN a domain with a user profile, and an app of it or a fault
    aws = make_aws(update_with_running_apps=update_with_running_apps)
    domain = aws.CreateDomain(DomainName="d", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": aws.role})
    domain_id = domain["DomainId"]
    aws.wait()
    ann = {"DomainId": domain_id, "UserProfileName": "ann"}
    arn = aws.CreateUserProfile(**ann)["UserProfileArn"]
    aws.CreateUserProfile(DomainId=domain_id, UserProfileName="ben")
    aws.wait()
    if by == "app":
        app = {**ann, "AppType": "JupyterServer", "AppName": "default"}
        aws.CreateApp(**app)
        aws.wait()
    else:
        fault = aws.service.faults.in_service(domain_id)
    settings = {"JupyterLabAppSettings": {"CustomImages": []}}

    def refuses(operation, *sentences, **parameters):
        with refused("ValidationException", " ".join(sentences)):
            getattr(aws, operation)(**parameters)

    domain_has_app = f"Unable to update Domain [{domain['DomainArn']}] with InService App."
    stop_all = "Delete all InService apps in the domain including shared Apps for [domain-shared] User Profile, and try"
    ann_has_app = f"Unable to update UserProfile [{arn}] with InService App."

    # WHEN custom images are updated, THEN they are refused, or not
    if update_with_running_apps == "refused" or by == "fault":
        refuses("UpdateDomain", domain_has_app, stop_all, "again.", DomainId=domain_id, DefaultUserSettings=settings)
        stop = "Delete all InService apps of the user profile, and try again."
        refuses("UpdateUserProfile", ann_has_app, stop, **ann, UserSettings=settings)
    else:
        aws.UpdateUserProfile(**ann, UserSettings=settings)
        aws.UpdateDomain(DomainId=domain_id, DefaultUserSettings=settings)
        aws.wait()
    # Some settings are always refused.
    refuses("UpdateDomain", domain_has_app, stop_all, "again.", DomainId=domain_id, AppNetworkAccessType="VpcOnly")
    if by == "app":
        aws.UpdateUserProfile(DomainId=domain_id, UserProfileName="ben", UserSettings=settings)
        aws.DeleteApp(**app)
        aws.wait()
    else:
        aws.service.faults.remove(fault.id)
    aws.UpdateDomain(DomainId=domain_id, DefaultUserSettings=settings, AppNetworkAccessType="VpcOnly")
    aws.UpdateUserProfile(**ann, UserSettings=settings)


@every_value("unsent_app_settings")
@pytest.mark.parametrize("kind", ["domain", "user profile"])
def test_u11_an_update_has_some_members_of_the_settings_of_an_app(make_aws, unsent_app_settings, kind):
    # GIVEN settings of two apps
    aws = make_aws(unsent_app_settings=unsent_app_settings)
    lab, role = {"CustomImages": [], "CodeRepositories": [{"RepositoryUrl": "https://example.com"}]}, aws.role
    before = {
        "ExecutionRole": role,
        "JupyterLabAppSettings": lab,
        "CodeEditorAppSettings": {"CustomImages": []},
    }
    domain = aws.CreateDomain(DomainName="d", AuthMode="IAM", DefaultUserSettings=before)["DomainId"]
    aws.wait()
    aws.CreateUserProfile(DomainId=domain, UserProfileName="ann", UserSettings=before)
    aws.wait()

    # WHEN one member of one app's settings is sent
    changes = {"JupyterLabAppSettings": {"LifecycleConfigArns": []}}
    if kind == "domain":
        aws.UpdateDomain(DomainId=domain, DefaultUserSettings=changes)
        after = aws.DescribeDomain(DomainId=domain)["DefaultUserSettings"]
    else:
        aws.UpdateUserProfile(DomainId=domain, UserProfileName="ann", UserSettings=changes)
        after = aws.DescribeUserProfile(DomainId=domain, UserProfileName="ann")["UserSettings"]

    # THEN the app keeps its other members or not, and all other settings stay
    rest = lab if unsent_app_settings == "kept" else {}
    assert after == before | {"JupyterLabAppSettings": rest | {"LifecycleConfigArns": []}}
