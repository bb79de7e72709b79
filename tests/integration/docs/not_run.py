"""The blocks that no test of the site runs, by their first line, each with the reason."""

ELSEWHERE = {
    "sandbox-testing.md": "sandbox/tests/integration/test_guide.py runs all of it",
    "how-to/share-in-your-company.md": "tests/integration/packaging/test_private_index.py runs all of it",
    "test-aws.md": "sandbox/tests/integration/test_conformance.py runs it without an account",
}
"""Pages whose blocks other tests run."""

NOT_RUN = {
    (
        "index.md",
        "python3 -m venv ../imgver-venv",
    ): "it asks a package index; tests/integration/packaging installs the wheel",
    ("index.md", "docker buildx build --provenance=false --output type=image,oci-mediatypes=false,push=true \\"): (
        "it needs Docker and an account"
    ),
    ("moving/from-terraform.md", "terraform state show aws_sagemaker_image_version.data_science"): (
        "Terraform is not here, as the page says"
    ),
    ("contributing.md", "make test     # all tests"): "it is what runs this",
}
