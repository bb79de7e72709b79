"""Studio domains: their life, and the versions that are in use because a domain names them."""

from typing import get_args

import pytest
from imgver_sandbox.sagemaker.assumptions import DeleteOfVersionInUse

ROLE = "arn:aws:iam::123456789012:role/studio"
VERSION = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"
USER_APPS = ("JupyterLabAppSettings", "CodeEditorAppSettings", "KernelGatewayAppSettings", "RSessionAppSettings")
PLACES = [
    *(("DefaultUserSettings", app) for app in USER_APPS),
    ("DefaultSpaceSettings", "JupyterLabAppSettings"),
    ("DefaultSpaceSettings", "KernelGatewayAppSettings"),
]


def settings(*custom_images, where=PLACES[0]):
    """Those of a domain that has custom images in one place."""
    shared_by, app = where
    found = {"DefaultUserSettings": {"ExecutionRole": ROLE}, "DefaultSpaceSettings": {"ExecutionRole": ROLE}}
    found[shared_by][app] = {"CustomImages": list(custom_images)}
    return found


def custom_image(number=None, image_name="data-science"):
    version = {} if number is None else {"ImageVersionNumber": number}
    return {"ImageName": image_name, "AppImageConfigName": "lab", **version}


@pytest.fixture
def make_studio(make_aws):
    """An account with three versions of the image data-science, and an app image config."""

    def make(**options):
        aws = make_aws(**options)
        aws.image()
        for _ in range(3):
            aws.version()
        aws.CreateAppImageConfig(AppImageConfigName="lab")
        return aws

    return make


@pytest.fixture
def studio(make_studio):
    return make_studio()


def create(aws, name="studio", **parameters):
    return aws.CreateDomain(DomainName=name, AuthMode="IAM", **(settings() | parameters))["DomainId"]


def status(aws, domain_id):
    return aws.DescribeDomain(DomainId=domain_id)["Status"]


class TestLife:
    def test_of_a_domain(self, make_studio, refused):
        # WHEN one is made
        aws = make_studio(domain_seconds=5)
        start = aws.clock.now()
        given = settings(custom_image(1)) | {
            "DomainName": "studio",
            "AuthMode": "IAM",
            "VpcId": "vpc-1",
            "SubnetIds": ["subnet-1"],
            "DomainSettings": {"SecurityGroupIds": ["sg-1"], "DockerSettings": {"EnableDockerAccess": "ENABLED"}},
        }
        answer = aws.CreateDomain(**given, Tags=[{"Key": "team", "Value": "science"}])

        # THEN it is there, with all that it was given, and is ready after a while
        domain_id = answer["DomainId"]
        assert domain_id.startswith("d-")
        assert answer == {
            "DomainArn": f"arn:aws:sagemaker:eu-west-1:123456789012:domain/{domain_id}",
            "DomainId": domain_id,
            "Url": f"https://{domain_id}.studio.eu-west-1.sagemaker.aws",
        }
        described = given | {
            **answer,
            "AppNetworkAccessType": "PublicInternetOnly",
            "CreationTime": start,
            "HomeEfsFileSystemId": f"fs-{domain_id[2:]}",
        }
        assert aws.DescribeDomain(DomainId=domain_id) == described | {"Status": "Pending", "LastModifiedTime": start}
        aws.clock.advance(5)
        ready = described | {"Status": "InService", "LastModifiedTime": start + 5}
        assert aws.DescribeDomain(DomainId=domain_id) == ready

        # WHEN settings change, THEN what the update names is replaced, setting by setting
        lab = {"JupyterLabAppSettings": {"CustomImages": [custom_image(2)]}}
        rstudio = {"DomainExecutionRoleArn": ROLE}
        assert aws.UpdateDomain(
            DomainId=domain_id,
            DefaultUserSettings=lab,
            DomainSettingsForUpdate={"RStudioServerProDomainSettingsForUpdate": rstudio},
            AppNetworkAccessType="VpcOnly",
        ) == {"DomainArn": answer["DomainArn"]}
        assert status(aws, domain_id) == "Updating"
        aws.clock.advance(5)
        assert aws.DescribeDomain(DomainId=domain_id) == ready | {
            "LastModifiedTime": start + 10,
            "DefaultUserSettings": {"ExecutionRole": ROLE, **lab},
            "DomainSettings": given["DomainSettings"] | {"RStudioServerProDomainSettings": rstudio},
            "AppNetworkAccessType": "VpcOnly",
        }

        # WHEN it goes, THEN it is gone after a while
        assert aws.DeleteDomain(DomainId=domain_id, RetentionPolicy={"HomeEfsFileSystem": "Delete"}) == {}
        assert status(aws, domain_id) == "Deleting"
        aws.clock.advance(5)
        with refused(
            "ResourceNotFound", f"Domain with DomainId {domain_id} does not exist. Please provide a valid DomainId."
        ):
            aws.DescribeDomain(DomainId=domain_id)
        assert aws.ListDomains() == {"Domains": []}

    def test_a_name_is_taken_once_until_the_domain_is_gone(self, studio, refused):
        domain_id = create(studio)
        with refused("ResourceInUse", "The ID or Name specified is already in use."):
            create(studio)
        studio.wait()
        studio.DeleteDomain(DomainId=domain_id)
        studio.wait()

        assert create(studio) != domain_id

    @pytest.mark.parametrize("operation", ["DescribeDomain", "UpdateDomain", "DeleteDomain"])
    def test_one_that_is_not_there(self, studio, operation, refused):
        with refused("ResourceNotFound", "Domain with DomainId d-1 does not exist. Please provide a valid DomainId."):
            getattr(studio, operation)(DomainId="d-1")

    @pytest.mark.parametrize("operation", ["UpdateDomain", "DeleteDomain"])
    def test_one_that_is_changing_cannot_be_changed(self, studio, operation, refused):
        domain_id = create(studio)

        with refused(
            "ResourceInUse",
            f"Domain (arn:aws:sagemaker:eu-west-1:123456789012:domain/{domain_id}) is being created",
        ):
            getattr(studio, operation)(DomainId=domain_id)

    def test_one_without_a_file_system(self, studio):
        domain_id = create(studio, HomeEfsFileSystemCreation="Disabled")

        assert "HomeEfsFileSystemId" not in studio.DescribeDomain(DomainId=domain_id)

    def test_they_come_in_pages_the_oldest_first(self, studio):
        domain_ids = []
        for number in range(3):
            domain_ids.append(create(studio, f"studio-{number}"))
            studio.wait()

        first = studio.ListDomains(MaxResults=2)
        second = studio.ListDomains(MaxResults=2, NextToken=first["NextToken"])

        assert [domain["DomainId"] for domain in first["Domains"] + second["Domains"]] == domain_ids
        described = studio.DescribeDomain(DomainId=domain_ids[2])
        (domain,) = second["Domains"]
        assert domain == {name: described[name] for name in domain}
        assert domain["DomainName"] == "studio-2"


class TestCustomImages:
    @pytest.mark.parametrize(
        ("item", "message"),
        [
            (
                custom_image(4),
                (
                    "ImageVersion with ImageName data-science and Version 4 does not exist. "
                    "Please provide a valid ImageName and Version."
                ),
            ),
            (
                custom_image(image_name="nothing"),
                "Latest ImageVersion with ImageName nothing does not exist. Please provide a valid ImageName.",
            ),
            (
                custom_image(1) | {"AppImageConfigName": "other"},
                (
                    "AppImageConfig with AppImageConfigName other does not exist. "
                    "Please provide a valid AppImageConfigName."
                ),
            ),
        ],
    )
    @pytest.mark.parametrize("where", PLACES)
    def test_what_a_domain_names_must_be_there(self, studio, item, message, where, refused):
        # WHEN a domain is made that names it
        with refused("ValidationException", message):
            create(studio, **settings(custom_image(1), item, where=where))

        # THEN there is none
        assert studio.ListDomains() == {"Domains": []}

        # AND an update changes nothing
        domain_id = create(studio, **settings(custom_image(1)))
        studio.wait()
        before = studio.DescribeDomain(DomainId=domain_id)
        with refused("ValidationException", message):
            studio.UpdateDomain(DomainId=domain_id, **settings(item, where=where))
        assert studio.DescribeDomain(DomainId=domain_id) == before

    @pytest.mark.parametrize("delete_of_version_in_use", get_args(DeleteOfVersionInUse))
    @pytest.mark.parametrize("operation", ["DeleteImageVersion", "DeleteImage"])
    @pytest.mark.parametrize("where", PLACES)
    def test_what_a_domain_names_is_in_use(self, make_studio, delete_of_version_in_use, operation, where, refused):
        # GIVEN a domain that names version 2
        aws = make_studio(delete_of_version_in_use=delete_of_version_in_use)
        domain_id = create(aws, **settings(custom_image(2), where=where))
        aws.wait()
        which = {"Version": 2} if operation == "DeleteImageVersion" else {}

        # WHEN it is deleted
        if delete_of_version_in_use == "refused":
            with refused("ResourceInUse", f"ImageVersion ({VERSION}/2) is in use."):
                getattr(aws, operation)(ImageName="data-science", **which)
            assert aws.status(2) == "CREATED"
            # and once the domain names another one
            aws.UpdateDomain(DomainId=domain_id, **settings(custom_image(2), custom_image(1), where=where))
            aws.wait()
            with refused("ResourceInUse", f"ImageVersion ({VERSION}/{which.get('Version', 1)}) is in use."):
                getattr(aws, operation)(ImageName="data-science", **which)
            aws.UpdateDomain(DomainId=domain_id, **settings(where=where))
            aws.wait()

        # THEN it goes
        getattr(aws, operation)(ImageName="data-science", **which)
        aws.wait()
        with pytest.raises(Exception, match="ResourceNotFound"):
            aws.describe(2)

    def test_others_are_not(self, studio):
        create(studio, **settings(custom_image(2)))

        studio.delete(1)
        studio.delete(3)

        assert studio.DescribeImageVersion(ImageName="data-science")["Version"] == 2

    def test_without_a_number_the_latest_is_whichever_that_is(self, studio, refused):
        create(studio, **settings(custom_image()))

        with refused("ResourceInUse", f"ImageVersion ({VERSION}/3) is in use."):
            studio.DeleteImageVersion(ImageName="data-science", Version=3)
        studio.version()
        studio.delete(3)
        with refused("ResourceInUse", f"ImageVersion ({VERSION}/4) is in use."):
            studio.DeleteImageVersion(ImageName="data-science", Version=4)
        with refused("ResourceInUse", f"ImageVersion ({VERSION}/4) is in use."):
            studio.DeleteImage(ImageName="data-science")

    def test_until_the_domain_is_gone(self, make_studio, refused):
        aws = make_studio(domain_seconds=5)
        domain_id = create(aws, **settings(custom_image(2)))
        aws.wait()

        aws.DeleteDomain(DomainId=domain_id)

        aws.clock.advance(4)
        with refused("ResourceInUse", f"ImageVersion ({VERSION}/2) is in use."):
            aws.DeleteImageVersion(ImageName="data-science", Version=2)
        aws.clock.advance(1)
        aws.delete(2)

    def test_whatever_the_case_of_the_name(self, make_aws, refused):
        aws = make_aws()
        aws.image("Data-Science")
        aws.version("Data-Science")
        aws.CreateAppImageConfig(AppImageConfigName="lab")

        create(aws, **settings(custom_image(1)))

        with refused("ResourceInUse", f"ImageVersion ({VERSION}/1) is in use."):
            aws.DeleteImageVersion(ImageName="Data-Science", Version=1)

    def test_an_app_image_config_that_a_domain_names_can_go(self, studio):
        create(studio, **settings(custom_image(1)))

        assert studio.DeleteAppImageConfig(AppImageConfigName="lab") == {}

    def test_what_is_gone_does_not_stand_in_the_way_of_other_changes(self, make_studio):
        # GIVEN a domain whose version and app image config are gone
        aws = make_studio(delete_of_version_in_use="allowed")
        domain_id = create(aws, **settings(custom_image(2)))
        aws.delete(2)
        aws.DeleteAppImageConfig(AppImageConfigName="lab")

        # WHEN something else changes, THEN it does
        aws.UpdateDomain(DomainId=domain_id, AppNetworkAccessType="VpcOnly")
        aws.wait()
        assert status(aws, domain_id) == "InService"
