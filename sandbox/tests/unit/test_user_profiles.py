"""User profiles: their statuses, their settings, and the versions that are in use because a profile names them."""

import pytest

PREFIX = "arn:aws:sagemaker:eu-west-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/studio"
LAB = "JupyterLabAppSettings"


def item(number, **members):
    return {"ImageName": "data-science", "ImageVersionNumber": number, "AppImageConfigName": "lab", **members}


def offers(*items):
    return {LAB: {"CustomImages": list(items)}}


@pytest.fixture
def studio(make_aws):
    """An account with three versions of an image, an app image config, and the domain of `studio.domain`."""
    aws = make_aws(domain_seconds=5)
    aws.image()
    for _ in range(3):
        aws.version()
    aws.CreateAppImageConfig(AppImageConfigName="lab")
    aws.domain = new_domain(aws, "studio")
    aws.wait()
    return aws


def new_domain(aws, name):
    return aws.CreateDomain(DomainName=name, AuthMode="IAM", DefaultUserSettings={"ExecutionRole": ROLE})["DomainId"]


@pytest.fixture
def ann(studio):
    """The parameters that identify a user profile which is in service."""
    which = {"DomainId": studio.domain, "UserProfileName": "ann"}
    studio.CreateUserProfile(**which)
    studio.wait()
    return which


def test_a_user_profile_from_create_to_delete(studio, not_found):
    start, domain = studio.clock.now(), studio.domain
    which = {"DomainId": domain, "UserProfileName": "ann"}
    given = {"SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": "ann@example.com"}
    settings = {"ExecutionRole": ROLE, **offers(item(1))}

    created = studio.CreateUserProfile(**which, **given, UserSettings=settings, Tags=[{"Key": "k", "Value": "v"}])

    assert created == {"UserProfileArn": f"{PREFIX}:user-profile/{domain}/ann"}
    pending = {**which, **given, **created, "UserSettings": settings}
    pending |= {"CreationTime": start, "LastModifiedTime": start, "Status": "Pending"}
    assert studio.DescribeUserProfile(**which) == pending
    studio.clock.advance(5)
    in_service = pending | {"Status": "InService", "LastModifiedTime": start + 5}
    assert studio.DescribeUserProfile(**which) == in_service

    assert studio.UpdateUserProfile(**which, UserSettings=offers(item(2, Pinned=True), item(3))) == created
    assert studio.DescribeUserProfile(**which)["Status"] == "Updating"
    studio.clock.advance(5)
    assert studio.DescribeUserProfile(**which) == in_service | {
        "LastModifiedTime": start + 10,
        "UserSettings": {"ExecutionRole": ROLE, **offers(item(2, Pinned=True), item(3))},
    }

    assert studio.DeleteUserProfile(**which) == {}
    assert studio.DescribeUserProfile(**which)["Status"] == "Deleting"
    studio.clock.advance(5)
    for operation in ("DescribeUserProfile", "UpdateUserProfile", "DeleteUserProfile"):
        with not_found("UserProfile", **which):
            getattr(studio, operation)(**which)
    assert studio.ListUserProfiles() == {"UserProfiles": []}


@pytest.mark.parametrize("operation", ["UpdateUserProfile", "DeleteUserProfile"])
def test_a_user_profile_that_is_changing_cannot_be_changed(studio, ann, operation, refused):
    studio.UpdateUserProfile(**ann)

    with refused("ResourceInUse", f"UserProfile [{PREFIX}:user-profile/{studio.domain}/ann] is already being updated."):
        getattr(studio, operation)(**ann)


def test_a_user_profile_needs_a_domain_and_a_new_name(studio, ann, refused):
    for name in ("ann", "Ann"):
        with refused("ResourceInUse", "The ID or Name specified is already in use."):
            studio.CreateUserProfile(DomainId=studio.domain, UserProfileName=name)
        assert studio.DescribeUserProfile(DomainId=studio.domain, UserProfileName=name)["UserProfileName"] == "ann"
    with refused("ValidationException", "Domain with DomainId d-0 does not exist. Please provide a valid DomainId."):
        studio.CreateUserProfile(DomainId="d-0", UserProfileName="ann")
    pending = new_domain(studio, "other")
    with refused("ResourceInUse", f"Domain [{PREFIX}:domain/{pending}] is already being created."):
        studio.CreateUserProfile(DomainId=pending, UserProfileName="ann")
    missing = "ImageVersion with ImageName data-science and Version 4 does not exist. Please provide a valid "
    with refused("ValidationException", f"{missing}ImageName and Version."):
        studio.CreateUserProfile(DomainId=studio.domain, UserProfileName="ben", UserSettings=offers(item(4)))

    studio.UpdateDomain(DomainId=studio.domain)
    studio.CreateUserProfile(DomainId=studio.domain, UserProfileName="ben")


def test_user_profiles_are_listed_by_domain_and_name(studio):
    other = new_domain(studio, "other")
    studio.wait()
    for domain, name in ((studio.domain, "ann"), (other, "ann"), (studio.domain, "ben"), (studio.domain, "hannah")):
        studio.CreateUserProfile(DomainId=domain, UserProfileName=name)
        studio.wait()

    def names(**filters):
        return [profile["UserProfileName"] for profile in studio.ListUserProfiles(**filters)["UserProfiles"]]

    assert names() == ["ann", "ann", "ben", "hannah"]
    assert names(DomainIdEquals=studio.domain, UserProfileNameContains="ann", SortOrder="Descending") == [
        "hannah",
        "ann",
    ]
    page = studio.ListUserProfiles(MaxResults=3)
    assert names(MaxResults=3, NextToken=page["NextToken"]) == ["hannah"]
    (profile,) = studio.ListUserProfiles(DomainIdEquals=other)["UserProfiles"]
    described = studio.DescribeUserProfile(DomainId=other, UserProfileName="ann")
    assert described == profile | {"UserProfileArn": f"{PREFIX}:user-profile/{other}/ann"}


def test_a_version_that_a_user_profile_names_is_in_use(studio, ann, refused):
    studio.UpdateUserProfile(**ann, UserSettings=offers(item(2)))

    with refused("ResourceInUse", f"ImageVersion ({PREFIX}:image-version/data-science/2) is in use."):
        studio.delete(2)
    studio.delete(1)


@pytest.mark.parametrize("kind", ["Domain", "UserProfile"])
def test_an_update_that_fails_changes_no_settings(studio, ann, kind):
    which = ann if kind == "UserProfile" else {"DomainId": studio.domain}
    settings = "UserSettings" if kind == "UserProfile" else "DefaultUserSettings"
    before = getattr(studio, f"Describe{kind}")(**which)
    studio.service.faults.fail("no network", operation=f"Update{kind}")

    getattr(studio, f"Update{kind}")(**which, **{settings: offers(item(2))})
    studio.wait()

    failed = getattr(studio, f"Describe{kind}")(**which)
    assert (failed["Status"], failed["FailureReason"]) == ("Update_Failed", "no network")
    assert failed.get(settings) == before.get(settings)
