"""Spaces, their apps, and lifecycle configurations; the versions that are in use because an app runs on them."""

import pytest
from imgver_sandbox.sagemaker.errors import ServiceError

PREFIX = "arn:aws:sagemaker:eu-west-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/studio"
LAB = "JupyterLabAppSettings"
IMAGE_ARN = f"{PREFIX}:image/data-science"


def version_arn(number):
    return f"{PREFIX}:image-version/data-science/{number}"


def item(number=None):
    version = {} if number is None else {"ImageVersionNumber": number}
    return {"ImageName": "data-science", "AppImageConfigName": "lab", **version}


def offers(*items, app=LAB):
    return {app: {"CustomImages": list(items)}}


@pytest.fixture
def make_studio(make_aws):
    """An account with three versions of an image. The domain offers the second one, and has the user profile ann."""

    def make(**options):
        aws = make_aws(domain_seconds=5, **options)
        aws.image()
        for _ in range(3):
            aws.version()
        aws.CreateAppImageConfig(AppImageConfigName="lab")
        settings = {"ExecutionRole": ROLE, **offers(item(2))}
        aws.domain = aws.CreateDomain(DomainName="studio", AuthMode="IAM", DefaultUserSettings=settings)["DomainId"]
        aws.wait()
        aws.CreateUserProfile(DomainId=aws.domain, UserProfileName="ann")
        aws.wait()
        return aws

    return make


@pytest.fixture
def studio(make_studio):
    return make_studio()


def new_space(studio, name="ann-lab", *, sharing="Private", **settings):
    """Create a space of ann, wait for it, and return the parameters that identify it."""
    which = {"DomainId": studio.domain, "SpaceName": name}
    studio.CreateSpace(
        **which,
        OwnershipSettings={"OwnerUserProfileName": "ann"},
        SpaceSharingSettings={"SharingType": sharing},
        SpaceSettings={"AppType": "JupyterLab", **settings},
    )
    studio.wait()
    return which


def new_app(studio, owner, image=IMAGE_ARN, *, app_type="JupyterLab", **spec):
    """Create an app on an image, wait for it, and return the parameters that identify it."""
    which = {**owner, "AppType": app_type, "AppName": "default"}
    studio.CreateApp(**which, ResourceSpec={"SageMakerImageArn": image, "InstanceType": "ml.t3.medium", **spec})
    studio.wait()
    return which


def in_use(number):
    return "ResourceInUse", f"ImageVersion ({version_arn(number)}) is in use."


def test_a_space_from_create_to_delete(studio, refused, not_found):
    start = studio.clock.now()
    which = {"DomainId": studio.domain, "SpaceName": "ann-lab"}
    given = {
        "OwnershipSettings": {"OwnerUserProfileName": "ann"},
        "SpaceSharingSettings": {"SharingType": "Private"},
        "SpaceDisplayName": "Lab",
        "SpaceSettings": {
            "AppType": "CodeEditor",
            "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}},
        },
    }
    created = studio.CreateSpace(**which, **given)
    assert created == {"SpaceArn": f"{PREFIX}:space/{studio.domain}/ann-lab"}
    pending = {**which, **given, **created, "CreationTime": start, "LastModifiedTime": start, "Status": "Pending"}
    pending["Url"] = f"https://{studio.domain}.studio.eu-west-1.sagemaker.aws/codeeditor/default"
    assert studio.DescribeSpace(**which) == pending
    (listed,) = studio.ListSpaces(DomainIdEquals=studio.domain, SpaceNameContains="lab")["Spaces"]
    assert listed["SpaceSettingsSummary"] == given["SpaceSettings"]
    assert listed["OwnershipSettingsSummary"] == given["OwnershipSettings"]
    assert studio.ListSpaces(SpaceNameContains="other") == {"Spaces": []}
    with refused("ResourceInUse", f"Space [{created['SpaceArn']}] is already being created."):
        studio.UpdateSpace(**which)
    with refused("ResourceInUse", f"Space [{created['SpaceArn']}] is already being created."):
        studio.CreateApp(**which, AppType="CodeEditor", AppName="default")
    with refused("ResourceInUse", "The ID or Name specified is already in use."):
        studio.CreateSpace(**which)
    studio.wait()

    # Settings change member by member, except for the type of the app.
    with refused("ValidationException", "Updating AppType for Space is not supported."):
        studio.UpdateSpace(**which, SpaceSettings={"AppType": "CodeEditor"})
    studio.UpdateSpace(**which, SpaceSettings={"RemoteAccess": "ENABLED"}, SpaceDisplayName="Editor")
    studio.wait()
    found = studio.DescribeSpace(**which)
    assert (found["Status"], found["SpaceDisplayName"]) == ("InService", "Editor")
    assert found["SpaceSettings"] == given["SpaceSettings"] | {"RemoteAccess": "ENABLED"}

    studio.DeleteSpace(**which)
    studio.wait()
    for operation in ("DescribeSpace", "UpdateSpace", "DeleteSpace"):
        with not_found("Space", **which):
            getattr(studio, operation)(**which)


def test_a_space_needs_an_owner_that_exists(studio, refused):
    missing = f"UserProfile with DomainId {studio.domain} and UserProfileName ben does not exist. "
    with refused("ValidationException", f"{missing}Please provide a valid DomainId and UserProfileName."):
        studio.CreateSpace(DomainId=studio.domain, SpaceName="lab", OwnershipSettings={"OwnerUserProfileName": "ben"})


def test_an_app_from_create_to_delete(studio, refused, not_found):
    space = new_space(studio)
    start = studio.clock.now()
    which = {**space, "AppType": "JupyterLab", "AppName": "default"}
    with not_found("App", **which):
        studio.DescribeApp(**which)

    spec = {"SageMakerImageArn": IMAGE_ARN, "InstanceType": "ml.t3.medium"}
    created = studio.CreateApp(**which, ResourceSpec=spec)

    assert created == {"AppArn": f"{PREFIX}:app/{studio.domain}/ann-lab/jupyterlab/default"}
    pending = {**which, **created, "ResourceSpec": spec, "CreationTime": start, "Status": "Pending"}
    assert studio.DescribeApp(**which) == pending
    with refused("ResourceInUse", "The ID or Name specified is already in use."):
        studio.CreateApp(**which)
    studio.clock.advance(5)
    assert studio.DescribeApp(**which)["Status"] == "InService"
    owner = {"DomainIdEquals": studio.domain, "SpaceNameEquals": "ann-lab"}
    assert [app["AppName"] for app in studio.ListApps(**owner)["Apps"]] == ["default"]
    assert studio.ListApps(UserProfileNameEquals="ann") == studio.ListApps(SpaceNameEquals="no") == {"Apps": []}

    studio.DeleteApp(**which)
    assert studio.DescribeApp(**which)["Status"] == "Deleting"
    studio.clock.advance(5)
    assert studio.DescribeApp(**which)["Status"] == "Deleted"
    with not_found("App", **which):
        studio.DeleteApp(**which)
    new_app(studio, space)
    assert studio.DescribeApp(**which)["Status"] == "InService"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "Exactly one of UserProfileName and SpaceName must be specified."),
        (
            {"SpaceName": "s", "UserProfileName": "ann"},
            "Exactly one of UserProfileName and SpaceName must be specified.",
        ),
        ({"UserProfileName": "ann"}, "An app of type JupyterLab requires a SpaceName."),
    ],
)
def test_an_app_belongs_to_a_space_or_a_user_profile(studio, parameters, message, refused):
    with refused("ValidationException", message):
        studio.CreateApp(DomainId=studio.domain, AppType="JupyterLab", AppName="default", **parameters)


def test_what_has_user_profiles_spaces_or_apps_cannot_be_deleted(studio, refused):
    space = new_space(studio)
    app = new_app(studio, space)
    user = {"DomainId": studio.domain, "UserProfileName": "ann"}
    domain = {"DomainId": studio.domain}

    def refuses(operation, which, kind, resource):
        type_name = operation.removeprefix("Delete")
        message = f"Unable to delete {type_name} [{PREFIX}:{resource}] because {kind}(s) are associated with it."
        with refused("ResourceInUse", message):
            getattr(studio, operation)(**which)

    refuses("DeleteDomain", domain, "App", f"domain/{studio.domain}")
    refuses("DeleteUserProfile", user, "App", f"user-profile/{studio.domain}/ann")
    refuses("DeleteSpace", space, "App", f"space/{studio.domain}/ann-lab")
    studio.DeleteApp(**app)
    studio.wait()
    refuses("DeleteDomain", domain, "Space", f"domain/{studio.domain}")
    refuses("DeleteUserProfile", user, "Space", f"user-profile/{studio.domain}/ann")
    studio.DeleteSpace(**space)
    studio.wait()
    refuses("DeleteDomain", domain, "UserProfile", f"domain/{studio.domain}")
    studio.DeleteUserProfile(**user)
    studio.wait()
    studio.DeleteDomain(**domain)


class TestVersionOfAnApp:
    def test_a_version_is_in_use_while_an_app_runs_on_it(self, make_studio, refused):
        # GIVEN an app on version 2, which is no longer offered
        studio = make_studio(update_with_running_apps="allowed")
        app = new_app(studio, new_space(studio))
        studio.UpdateDomain(DomainId=studio.domain, DefaultUserSettings=offers(item(3)))
        studio.wait()

        # THEN the version is in use until the app is deleted
        with refused(*in_use(2)):
            studio.delete(2)
        studio.delete(1)
        studio.DeleteApp(**app)
        studio.clock.advance(4)
        with refused(*in_use(2)):
            studio.delete(2)
        studio.clock.advance(1)
        studio.delete(2)

    @pytest.mark.parametrize(
        ("offered", "spec", "number"),
        [
            (offers(item()), {}, 3),
            (offers(item(1), item(2)), {}, 1),
            (offers(item(1), item(2)), {"SageMakerImageVersionArn": version_arn(2)}, 2),
            (offers(item(1), item(2)), {"SageMakerImageVersionAlias": "1.0.0"}, 2),
            (offers(item()), {"SageMakerImageVersionArn": version_arn(3)}, 3),
        ],
    )
    def test_the_version_is_the_named_one_or_the_offered_one(self, studio, offered, spec, number, refused):
        studio.UpdateImageVersion(Version=2, AliasesToAdd=["1.0.0"])
        studio.UpdateDomain(DomainId=studio.domain, DefaultUserSettings=offered)
        studio.wait()
        new_app(studio, new_space(studio), **spec)
        (account,) = studio.service.view(lambda account: account)

        (app,) = account.apps.values()
        assert (app.status, app.image_version) == ("InService", ("data-science", number))

    @pytest.mark.parametrize("spec", [{"SageMakerImageVersionArn": version_arn(n)} for n in (1, 9)])
    def test_an_app_on_a_version_that_is_not_offered_fails(self, studio, spec):
        app = new_app(studio, new_space(studio), **spec)

        found = studio.DescribeApp(**app)
        assert found["Status"] == "Failed"
        reason = (
            f"Unable to launch App [{found['AppArn']}] with Image [data-science] because it is not present in list of "
            "custom images in AppSettings. Please update AppSettings to add Image [data-science] in list of custom "
            "images."
        )
        if spec["SageMakerImageVersionArn"] == version_arn(9):
            reason = "ImageVersion with ImageName data-science and Version 9 does not exist. Please provide a valid "
            reason += "ImageName and Version."
        assert found["FailureReason"] == f"ResourceNotFoundError: {reason}"
        # It uses no version, but its space cannot be deleted.
        studio.delete(1)
        with pytest.raises(ServiceError, match="App"):
            studio.DeleteSpace(DomainId=studio.domain, SpaceName="ann-lab")

    def test_settings_of_a_user_come_before_those_of_the_domain(self, studio):
        studio.UpdateUserProfile(DomainId=studio.domain, UserProfileName="ann", UserSettings=offers(item(1)))
        studio.UpdateDomain(DomainId=studio.domain, DefaultSpaceSettings={"ExecutionRole": ROLE, **offers(item(3))})
        studio.wait()

        private = new_app(studio, new_space(studio))
        shared = new_app(studio, new_space(studio, "team", sharing="Shared"))

        (account,) = studio.service.view(lambda account: account)
        assert [app.image_version[1] for app in account.apps.values()] == [1, 3]
        assert {studio.DescribeApp(**app)["Status"] for app in (private, shared)} == {"InService"}

    def test_the_default_of_a_space_applies_to_its_apps(self, studio):
        spec = {"SageMakerImageVersionArn": version_arn(2), "InstanceType": "ml.t3.large"}
        space = new_space(studio, JupyterLabAppSettings={"DefaultResourceSpec": spec})
        app = {**space, "AppType": "JupyterLab", "AppName": "default"}

        studio.CreateApp(**app, ResourceSpec={"InstanceType": "ml.t3.medium"})

        assert studio.DescribeApp(**app)["ResourceSpec"] == spec | {"InstanceType": "ml.t3.medium"}

    def test_a_kernel_of_a_user_runs_on_an_offered_version(self, studio, refused):
        kernel = offers(item(1), app="KernelGatewayAppSettings")
        studio.UpdateUserProfile(DomainId=studio.domain, UserProfileName="ann", UserSettings=kernel)
        studio.wait()

        owner = {"DomainId": studio.domain, "UserProfileName": "ann"}
        app = new_app(studio, owner, app_type="KernelGateway")

        assert studio.DescribeApp(**app | {"UserProfileName": "Ann"})["Status"] == "InService"

    def test_an_image_of_sagemaker_is_not_a_version_of_the_account(self, studio):
        image = "arn:aws:sagemaker:eu-west-1:819792524951:image/sagemaker-distribution-cpu"
        app = new_app(studio, new_space(studio), image, SageMakerImageVersionAlias="2.0.0")

        assert studio.DescribeApp(**app)["Status"] == "InService"


def test_lifecycle_configs(studio, refused, not_found):
    which = {"StudioLifecycleConfigName": "setup"}
    given = {**which, "StudioLifecycleConfigContent": "ZWNobyBoaQ==", "StudioLifecycleConfigAppType": "JupyterLab"}
    now = studio.clock.now()

    created = studio.CreateStudioLifecycleConfig(**given)

    assert created == {"StudioLifecycleConfigArn": f"{PREFIX}:studio-lifecycle-config/setup"}
    found = {**given, **created, "CreationTime": now, "LastModifiedTime": now}
    assert studio.DescribeStudioLifecycleConfig(**which) == found
    (listed,) = studio.ListStudioLifecycleConfigs(AppTypeEquals="JupyterLab")["StudioLifecycleConfigs"]
    assert listed == {name: value for name, value in found.items() if name != "StudioLifecycleConfigContent"}
    assert studio.ListStudioLifecycleConfigs(AppTypeEquals="CodeEditor") == {"StudioLifecycleConfigs": []}
    with refused("ResourceInUse", "The ID or Name specified is already in use."):
        studio.CreateStudioLifecycleConfig(**given)
    studio.DeleteStudioLifecycleConfig(**which)
    for operation in ("DescribeStudioLifecycleConfig", "DeleteStudioLifecycleConfig"):
        with not_found("StudioLifecycleConfig", **which):
            getattr(studio, operation)(**which)
