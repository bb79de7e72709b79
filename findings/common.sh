# Each finding sources this file. It creates a temporary folder, goes there, and removes the folder at the end.
finding=$(basename "$0" .sh)
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Neither a profile of the user nor the instance's role changes what the clients of AWS do.
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID=example AWS_SECRET_ACCESS_KEY=example
export NODE_NO_WARNINGS=1

# Installs the given packages from PyPI in a virtual environment, whose programs then come first on PATH. uv takes
# seconds where pip takes a minute, so it is used if it is on PATH.
python_packages() {
  echo "$finding: $*"
  if command -v uv >/dev/null; then
    uv venv --quiet venv
    uv pip install --quiet --python venv/bin/python "$@"
  else
    python3 -m venv venv
    venv/bin/pip install -qq --no-compile --disable-pip-version-check "$@"
  fi
  PATH=$folder/venv/bin:$PATH
}

# Installs the files of the given package again, over those of other packages.
install_again() {
  if command -v uv >/dev/null; then
    uv pip install --quiet --python venv/bin/python --no-deps --reinstall "$1"
  else
    venv/bin/pip install -qq --no-compile --disable-pip-version-check --no-deps --force-reinstall "$1"
  fi
}

# Installs the given packages from npm.
npm_packages() {
  echo "$finding: $*"
  npm install --silent --no-audit --no-fund --prefix "$folder" "$@"
}

# Downloads the given packages of Debian 12 and the libraries that they need, and unpacks them without installing them.
debian_packages() {
  echo "$finding: $*"
  apt-get download -qq "$@" golang-github-containers-common libassuan0 libdevmapper1.02.1 libgpgme11 2>apt.log \
    || { cat apt.log >&2; exit 1; }
  for package in *.deb; do dpkg-deb --extract "$package" root; done
  PATH=$folder/root/usr/bin:$PATH
  export LD_LIBRARY_PATH=$folder/root/usr/lib/$(uname -m)-linux-gnu
}

# Prints the behaviour, which is the first argument, and the file `output`. The standard input is the expected output.
# The script ends with exit code 1 if the two differ.
expect() {
  cat >expected
  echo "$1"
  sed 's/^/  | /' output
  diff -u expected output || { echo "$finding: the behaviour has changed" >&2; exit 1; }
  echo "$finding: as described"
}
