#!/usr/bin/env bash
# Expected: an image with zstd layers becomes Docker schema 2 when gzip is requested for the layers of the copy.
# Observed: the conversion fails in spite of --dest-compress-format gzip, and also with --dest-decompress. It succeeds
# in two steps: the first copy decompresses the layers and stays OCI, and the second one converts the manifest.
# Why it matters: builders write zstd on request, and SageMaker requires Docker schema 2. Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$here/oci.sh"
debian_packages skopeo=1.9.3+ds1-1+b10 zstd=1.5.4+dfsg2-5

copy() { # Prints the result of a copy from $2 to $3 with the other arguments.
  if skopeo_here copy --quiet "${@:4}" "$2" "$3" 2>error.txt; then
    echo "$1: $(grep -o 'layers.*"mediaType":"[^"]*' "$folder/${3#dir:}/manifest.json" | sed 's/.*"//')"
  else
    echo "$1: $(grep -o 'zstd compression is not supported for docker images' error.txt)"
  fi
}

write_image image zstd
{
  copy "to gzip and Docker" oci:image dir:gzip --format v2s2 --dest-compress --dest-compress-format gzip
  copy "decompressed and Docker" oci:image dir:plain --format v2s2 --dest-decompress
  copy "decompressed" oci:image dir:step --dest-decompress
  copy "then Docker" dir:step dir:docker --format v2s2
} >output

expect "Only two steps convert the image:" <<'OUTPUT'
to gzip and Docker: zstd compression is not supported for docker images
decompressed and Docker: zstd compression is not supported for docker images
decompressed: application/vnd.oci.image.layer.v1.tar
then Docker: application/vnd.docker.image.rootfs.diff.tar
OUTPUT
