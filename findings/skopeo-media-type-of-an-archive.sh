#!/usr/bin/env bash
# Expected: the media type of a layer says whether the layer is compressed.
# Observed: an image that skopeo reads from an archive in the format of `docker save` and writes to a folder has layers
# of the type tar.gzip that are uncompressed tar files. The copy to an OCI layout is right.
# Why it matters: the manifest of such a folder is stated to be Docker schema 2 with gzip, which is what SageMaker
# requires, but its bytes are something else. Use the OCI layout. Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$here/oci.sh"
debian_packages skopeo=1.9.3+ds1-1+b10

describe() { # Prints the media type of the layer in the manifest $2, and whether the layer in the folder $3 is gzip.
  type=$(grep -o '"application/vnd[^"]*tar[^"]*"' "$2")
  digest=$(grep -o 'sha256:[0-9a-f]*' "$2" | tail -n 1)
  if gzip --test "$3/${digest#sha256:}" 2>/dev/null; then content=gzip; else content=tar; fi
  echo "$1: $type, content is $content"
}

write_image image gzip
skopeo_here copy --quiet oci:image docker-archive:image.tar:science:1.0.0
skopeo_here copy --quiet docker-archive:image.tar dir:copied
skopeo_here copy --quiet docker-archive:image.tar oci:layout
{
  describe folder copied/manifest.json copied
  manifest=$(grep -o 'sha256:[0-9a-f]*' layout/index.json)
  describe "OCI layout" "layout/blobs/sha256/${manifest#sha256:}" layout/blobs/sha256
} >output

expect "The type in the folder is gzip, the layer is not:" <<'OUTPUT'
folder: "application/vnd.docker.image.rootfs.diff.tar.gzip", content is tar
OCI layout: "application/vnd.oci.image.layer.v1.tar+gzip", content is gzip
OUTPUT
