#!/usr/bin/env bash
# Releases a version: scripts/release.sh 0.2.0 (make release VERSION=0.2.0). It publishes nothing.
#
# griffe compares the public API with the last release. A breaking change needs an entry in changelog.d/, and a version
# that ends in .0. When a step fails, the checkout is restored.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-}
python=.venv/bin/python
last=$(git tag --list 'v*.*.*' --sort=version:refname | tail -n 1)

refuse() {
  echo "release: $1" >&2
  exit 1
}

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || refuse "VERSION '$version' must be three numbers: write it like 0.2.0"
[[ -z $(git status --porcelain) ]] || refuse "commit or stash the changes of the working tree"
compgen -G 'changelog.d/+*.md' >/dev/null || refuse "write an entry in changelog.d/ (see CONTRIBUTING.md)"
if [[ -n $last ]]; then
  [[ v$version != "$last" && $(printf '%s\n' "v$version" "$last" | sort -V | tail -n 1) == "v$version" ]] ||
    refuse "VERSION $version must be greater than $last"
fi
if compgen -G 'changelog.d/+*.breaking*.md' >/dev/null; then
  [[ $version == *.0 ]] || refuse "VERSION $version must end in .0, because changelog.d/ has a breaking change"
elif [[ -n $last ]]; then
  $python -m griffe check imgver_constructs --against "$last" ||
    refuse "write a breaking entry in changelog.d/ for the changes above"
fi

trap 'git reset --quiet --hard' ERR
sed -i.bak -E -e "s/^version = \".*\"/version = \"$version\"/" -e "s/imgver-sandbox==[0-9.]+/imgver-sandbox==$version/" \
  pyproject.toml sandbox/pyproject.toml
rm pyproject.toml.bak sandbox/pyproject.toml.bak
$python -m towncrier build --yes --version "$version"
make dist
git commit --quiet --all --message "Release $version"
trap - ERR
git tag --annotate "v$version" --message "imgver_constructs $version"
echo "Released $version as a commit, the tag v$version and dist/. Publish it with git push --follow-tags and twine upload dist/*"
