# The findings about container images source this file after common.sh. They need Debian 12 on amd64 and one run of
# `apt-get update`.
mkdir -p tmp/containers
export TMPDIR=$folder/tmp
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >policy.json

# Runs skopeo with a policy that accepts the images of this folder.
skopeo_here() { skopeo --policy policy.json --tmpdir tmp --override-os linux --override-arch amd64 "$@"; }

# Writes an OCI image with one file to the folder $1. Its layer is compressed with $2, which is gzip or zstd.
write_image() {
  mkdir -p "$1/blobs/sha256"
  echo "kernel" >kernel.txt
  tar --create --mtime=@0 --owner=0 --group=0 --numeric-owner --file=layer.tar kernel.txt
  case $2 in gzip) gzip --no-name --stdout layer.tar ;; zstd) zstd --quiet --stdout layer.tar ;; esac >layer
  python3 - "$1" "$2" <<'PY'
import hashlib, json, pathlib, sys

layout, compression = pathlib.Path(sys.argv[1]), sys.argv[2]
OCI = "application/vnd.oci.image"


def blob(media_type, content):
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(content)
    return {"mediaType": f"{OCI}.{media_type}", "digest": f"sha256:{digest}", "size": len(content)}


def document(media_type, content):
    return blob(media_type, json.dumps(content, separators=(",", ":"), sort_keys=True).encode())


diff_id = hashlib.sha256(pathlib.Path("layer.tar").read_bytes()).hexdigest()
rootfs = {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]}
config = document("config.v1+json", {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs})
layers = [blob(f"layer.v1.tar+{compression}", pathlib.Path("layer").read_bytes())]
manifest = document("manifest.v1+json", {"schemaVersion": 2, "config": config, "layers": layers})
manifest["platform"] = {"architecture": "amd64", "os": "linux"}
index = document("index.v1+json", {"schemaVersion": 2, "manifests": [manifest]})
(layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
(layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
(layout / "index-of-index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
PY
}
