"""Studio domains: their statuses, and the versions that are in use because a domain names them."""

import pytest
from imgver_sandbox.sagemaker.errors import ServiceError, resource_not_found

ROLE = "arn:aws:iam::123456789012:role/studio"
VERSION = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"
PLACES = [
    ("DefaultUserSettings", "JupyterLabAppSettings"),
    ("DefaultUserSettings", "CodeEditorAppSettings"),
    ("DefaultUserSettings", "KernelGatewayAppSettings"),
    ("DefaultUserSettings", "RSessionAppSettings"),
    ("DefaultSpaceSettings", "JupyterLabAppSettings"),
    ("DefaultSpaceSettings", "KernelGatewayAppSettings"),
]


def settings(*custom_images, where=PLACES[0]):
    """The settings of a domain with custom images in one place."""
    shared_by, app = where
    found = {"DefaultUserSettings": {"ExecutionRole": ROLE}, "DefaultSpaceSettings": {"ExecutionRole": ROLE}}
    found[shared_by][app] = {"CustomImages": list(custom_images)}
    return found


def custom_image(number=None, image_name="data-science"):
    version = {} if number is None else {"ImageVersionNumber": number}
    return {"ImageName": image_name, "AppImageConfigName": "lab", **version}


@pytest.fixture
def studio(make_aws):
    """An account with three versions of the image data-science, and an app image config."""
    aws = make_aws(domain_seconds=5)
    aws.image()
    for _ in range(3):
        aws.version()
    aws.CreateAppImageConfig(AppImageConfigName="lab")
    return aws


def create(aws, **parameters):
    return aws.CreateDomain(DomainName="studio", AuthMode="IAM", **(settings() | parameters))["DomainId"]


def in_use(number):
    return "ResourceInUse", f"ImageVersion ({VERSION}/{number}) is in use."


def test_a_domain_from_create_to_delete(studio, not_found):
    start = studio.clock.now()
    given = settings(custom_image(1)) | {
        "DomainName": "studio",
        "AuthMode": "IAM",
        "VpcId": "vpc-1",
        "SubnetIds": ["subnet-1"],
        "DomainSettings": {"SecurityGroupIds": ["sg-1"], "DockerSettings": {"EnableDockerAccess": "ENABLED"}},
    }
    created = studio.CreateDomain(**given, Tags=[{"Key": "team", "Value": "science"}])

    domain_id = created["DomainId"]
    assert domain_id.startswith("d-")
    assert created == {
        "DomainArn": f"arn:aws:sagemaker:eu-west-1:123456789012:domain/{domain_id}",
        "DomainId": domain_id,
        "Url": f"https://{domain_id}.studio.eu-west-1.sagemaker.aws",
    }
    pending = given | {
        **created,
        "AppNetworkAccessType": "PublicInternetOnly",
        "CreationTime": start,
        "HomeEfsFileSystemId": f"fs-{domain_id[2:]}",
        "LastModifiedTime": start,
        "Status": "Pending",
    }
    assert studio.DescribeDomain(DomainId=domain_id) == pending
    (listed,) = studio.ListDomains()["Domains"]
    assert listed == {name: pending[name] for name in listed}
    assert listed["DomainName"] == "studio"
    studio.clock.advance(5)
    in_service = pending | {"Status": "InService", "LastModifiedTime": start + 5}
    assert studio.DescribeDomain(DomainId=domain_id) == in_service

    # An update replaces the settings that it contains, member by member.
    lab = {"JupyterLabAppSettings": {"CustomImages": [custom_image(2)]}}
    rstudio = {"DomainExecutionRoleArn": ROLE}
    assert studio.UpdateDomain(
        DomainId=domain_id,
        DefaultUserSettings=lab,
        DomainSettingsForUpdate={"RStudioServerProDomainSettingsForUpdate": rstudio},
        AppNetworkAccessType="VpcOnly",
    ) == {"DomainArn": created["DomainArn"]}
    assert studio.DescribeDomain(DomainId=domain_id)["Status"] == "Updating"
    studio.clock.advance(5)
    assert studio.DescribeDomain(DomainId=domain_id) == in_service | {
        "LastModifiedTime": start + 10,
        "DefaultUserSettings": {"ExecutionRole": ROLE, **lab},
        "DomainSettings": given["DomainSettings"] | {"RStudioServerProDomainSettings": rstudio},
        "AppNetworkAccessType": "VpcOnly",
    }

    assert studio.DeleteDomain(DomainId=domain_id, RetentionPolicy={"HomeEfsFileSystem": "Delete"}) == {}
    assert studio.DescribeDomain(DomainId=domain_id)["Status"] == "Deleting"
    studio.clock.advance(5)
    for operation in ("DescribeDomain", "UpdateDomain", "DeleteDomain"):
        with not_found("Domain", DomainId=domain_id):
            getattr(studio, operation)(DomainId=domain_id)
    assert studio.ListDomains() == {"Domains": []}


def test_two_domains_cannot_have_the_same_name(studio, refused):
    domain_id = create(studio)
    with refused("ResourceInUse", "The ID or Name specified is already in use."):
        create(studio)
    studio.wait()
    studio.DeleteDomain(DomainId=domain_id)
    studio.wait()

    assert create(studio) != domain_id


@pytest.mark.parametrize("operation", ["UpdateDomain", "DeleteDomain"])
def test_a_domain_that_is_changing_cannot_be_changed(studio, operation, refused):
    domain_id = create(studio)

    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:domain/{domain_id}"
    with refused("ResourceInUse", f"Domain [{arn}] is already being created."):
        getattr(studio, operation)(DomainId=domain_id)


def test_a_domain_without_a_file_system(studio):
    domain_id = create(studio, HomeEfsFileSystemCreation="Disabled")

    assert "HomeEfsFileSystemId" not in studio.DescribeDomain(DomainId=domain_id)


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (custom_image(4), resource_not_found("ImageVersion", ImageName="data-science", Version=4)),
        (custom_image(image_name="no"), resource_not_found("Latest ImageVersion", ImageName="no")),
        (
            custom_image(1) | {"AppImageConfigName": "no"},
            resource_not_found("AppImageConfig", AppImageConfigName="no"),
        ),
    ],
)
def test_the_custom_images_of_a_domain_must_exist(studio, item, error, refused):
    with refused("ValidationException", error.message):
        create(studio, **settings(custom_image(1), item))
    assert studio.ListDomains() == {"Domains": []}

    domain_id = create(studio, **settings(custom_image(1)))
    studio.wait()
    before = studio.DescribeDomain(DomainId=domain_id)
    with refused("ValidationException", error.message):
        studio.UpdateDomain(DomainId=domain_id, **settings(item))
    assert studio.DescribeDomain(DomainId=domain_id) == before


class TestInUse:
    @pytest.mark.parametrize("where", PLACES)
    @pytest.mark.parametrize("operation", ["DeleteImageVersion", "DeleteImage"])
    def test_a_version_that_a_domain_names_cannot_be_deleted(self, studio, operation, where, refused):
        domain_id = create(studio, **settings(custom_image(3), custom_image(2), where=where))
        studio.wait()
        which = {"Version": 2} if operation == "DeleteImageVersion" else {}
        with refused(*in_use(2)):
            getattr(studio, operation)(**which)
        assert studio.status(2) == "CREATED"

        studio.UpdateDomain(DomainId=domain_id, **settings(where=where))

        getattr(studio, operation)(**which)
        studio.wait()
        with pytest.raises(ServiceError, match="ResourceNotFound"):
            studio.describe(2)

    def test_an_entry_without_a_number_names_the_latest_version(self, studio, refused):
        create(studio, **settings(custom_image()))

        with refused(*in_use(3)):
            studio.delete(3)
        studio.version()
        studio.delete(3)
        with refused(*in_use(4)):
            studio.delete(4)

    def test_a_domain_that_is_being_deleted_still_uses_its_versions(self, studio, refused):
        domain_id = create(studio, **settings(custom_image(2)))
        studio.wait()

        studio.DeleteDomain(DomainId=domain_id)

        studio.clock.advance(4)
        with refused(*in_use(2)):
            studio.delete(2)
        studio.clock.advance(1)
        studio.delete(2)

    def test_the_case_of_the_name_does_not_matter(self, make_aws, refused):
        aws = make_aws()
        aws.image("Data-Science")
        aws.version("Data-Science")
        aws.CreateAppImageConfig(AppImageConfigName="lab")

        create(aws, **settings(custom_image(1)))

        with refused(*in_use(1)):
            aws.delete(1)
