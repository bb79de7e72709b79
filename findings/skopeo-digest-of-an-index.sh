#!/usr/bin/env bash
# Expected: `skopeo inspect` prints the digest of the manifest whose architecture, environment and layers it prints.
# Observed: for an image index, the architecture and the layers are those of the manifest for this platform, but the
# digest is the digest of the index.
# Why it matters: a base image that is pinned to this digest is the index of all platforms. The digest of the platform's
# own manifest is in the output of `skopeo inspect --raw`. Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$here/oci.sh"
debian_packages skopeo=1.9.3+ds1-1+b10

write_image image gzip
manifest=$(skopeo_here inspect --format '{{.Digest}}' oci:image)
# The same image again, with an index around its manifest, as builders push images for several platforms.
mv image/index-of-index.json image/index.json
index=$(grep -o 'sha256:[0-9a-f]*' image/index.json)
printed=$(skopeo_here inspect --format '{{.Digest}}' oci:image)
{
  echo "architecture: $(skopeo_here inspect --format '{{.Architecture}}' oci:image)"
  case $printed in
    "$manifest") echo "digest: of the manifest" ;;
    "$index") echo "digest: of the index" ;;
    *) echo "digest: $printed" ;;
  esac
  skopeo_here copy --quiet oci:image dir:copied
  [ "$(skopeo_here manifest-digest copied/manifest.json)" = "$manifest" ] && echo "copied: the manifest"
} >output

expect "The digest and the other fields belong to different manifests:" <<'OUTPUT'
architecture: amd64
digest: of the index
copied: the manifest
OUTPUT
