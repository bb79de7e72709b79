#!/usr/bin/env bash
# Expected: a conversion between OCI and Docker schema 2 treats the image's configuration alike in both directions.
# Observed: OCI to Docker keeps the configuration byte for byte. Docker to OCI writes the same content with its keys in
# another order, if they were in alphabetical order. An image that goes to Docker, to OCI and to Docker again has
# another digest than after the first conversion.
# Why it matters: SageMaker requires Docker schema 2. A mirror that stores OCI in between changes the digest and the
# image ID of the version, so that neither identifies the same image any more. Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$here/oci.sh"
debian_packages skopeo=1.9.3+ds1-1+b10

config() { sed -n 's/.*"config":{[^}]*"digest":"\([^"]*\)".*/\1/p' "$1/manifest.json"; }
content() { python3 -m json.tool --sort-keys "$1/$(config "$1" | cut -d : -f 2)"; }
compare() { [ "$2" = "$3" ] && echo "$1: same" || echo "$1: different"; }

write_image image gzip
skopeo_here copy --quiet oci:image dir:original
skopeo_here copy --quiet --format v2s2 dir:original dir:docker
skopeo_here copy --quiet --format oci dir:docker dir:oci
skopeo_here copy --quiet --format v2s2 dir:oci dir:docker-again
{
  compare "configuration, OCI to Docker" "$(config original)" "$(config docker)"
  compare "configuration, Docker to OCI" "$(config docker)" "$(config oci)"
  compare "content of the two configurations" "$(content docker)" "$(content oci)"
  compare "configuration, OCI to Docker again" "$(config oci)" "$(config docker-again)"
  compare "the two Docker manifests" "$(cat docker/manifest.json)" "$(cat docker-again/manifest.json)"
} >output

expect "Only the conversion to OCI writes another configuration:" <<'OUTPUT'
configuration, OCI to Docker: same
configuration, Docker to OCI: different
content of the two configurations: same
configuration, OCI to Docker again: same
the two Docker manifests: different
OUTPUT
