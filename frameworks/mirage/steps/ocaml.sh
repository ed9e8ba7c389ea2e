# The source of the OCaml that is installed: ocaml.sh OUT
#
# It has to be of the very version: ocaml-solo5 compiles its runtime with the installed compiler. apt
# checks what it fetches against the distribution's signatures.
set -eu
. /hutch/apt.sh
# shellcheck disable=SC2016 # dpkg-query's variable, not the shell's
version=$(dpkg-query --show --showformat '${source:Version}' ocaml)
for file in /etc/apt/sources.list.d/*.sources; do
	[ -e "$file" ] || continue
	sed -i 's/^Types: *deb *$/Types: deb deb-src/' "$file"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ -e "$file" ] || continue
	sed -n 's/^deb /deb-src /p' "$file"
done > /etc/apt/sources.list.d/hutch-sources.list
cd "$(mktemp -d)"
apt_get update
apt_get source --download-only --tar-only -- "ocaml=$version"
tar --extract --file="$(echo ocaml_*.orig.tar.*)" --directory="$1" --strip-components=1 --no-same-owner
