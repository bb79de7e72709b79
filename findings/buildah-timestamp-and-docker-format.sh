#!/usr/bin/env bash
# Expected: two builds of the same content with `--timestamp 0` have the same digest in each format.
# Observed: that holds for OCI. In the format docker, each build has another digest, because the configuration contains
# the random ID of the build container.
# Why it matters: SageMaker requires the format docker. A pipeline that creates a version only when the digest changes
# creates one on each run. Duration: 10 to 30 seconds. Needs root.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$here/oci.sh"
debian_packages buildah=1.28.2+ds1-3+deb12u1+b3 libseccomp2 uidmap
export HOME=$folder

buildah_here() { buildah --root storage --runroot run --storage-driver vfs "$@"; }

echo "kernel" >kernel.txt
for build in 1 2; do
  container=$(buildah_here from --signature-policy policy.json scratch)
  buildah_here copy --quiet "$container" kernel.txt /kernel.txt >/dev/null
  for format in oci docker; do
    buildah_here commit --quiet --signature-policy policy.json --format "$format" --timestamp 0 \
      "$container" "dir:$format-$build" >/dev/null
  done
done
for format in oci docker; do
  if cmp --silent "$format-1/manifest.json" "$format-2/manifest.json"; then echo "$format: same digest"
  else echo "$format: different digests"; fi
done >output
config=$(grep -o '"config":{[^}]*' docker-1/manifest.json | grep -o 'sha256:[0-9a-f]*')
grep -o '"container":' "docker-1/${config#sha256:}" >>output

expect "Only the format OCI is reproducible:" <<'OUTPUT'
oci: same digest
docker: different digests
"container":
OUTPUT
