# The source of the OCaml that is installed: ocaml.sh OUT [ARCHIVE SUITE TIME]
#
# It has to be of the very version: ocaml-solo5 compiles its runtime with the installed compiler. apt
# checks what it fetches against the distribution's signatures. Where the image's own sources have moved
# on from the version, it comes from the mirror's snapshot of TIME, as the compiler did.
set -eu
. "${0%/*}/apt.sh"
out=$1
shift
# shellcheck disable=SC2016 # dpkg-query's variable, not the shell's
version=$(dpkg-query --show --showformat '${source:Version}' ocaml)
why=$(mktemp)

# fetch OPTION...: the archive, from where apt finds packages: their sources are there, too.
fetch() {
	for file in "$root/etc/apt/sources.list.d/"*.sources; do
		[ -e "$file" ] || continue
		sed -i 's/^Types: *deb *$/Types: deb deb-src/' "$file"
	done
	for file in "$root/etc/apt/sources.list" "$root/etc/apt/sources.list.d/"*.list; do
		[ -e "$file" ] || continue
		sed -n 's/^deb /deb-src /p' "$file"
	done > "$root/etc/apt/sources.list.d/hutch-sources.list"
	apt_get "$@" update 2>> "$why" &&
		apt_get source --download-only --tar-only -- "ocaml=$version" 2>> "$why"
}

reach
cd "$(mktemp -d)"
if ! fetch; then
	if [ $# -eq 0 ] || unreachable "$why"; then
		fail "$why"
	fi
	echo "hutch: the source of OCaml $version is not there any more: trying the snapshot of $3" >&2
	use_snapshot "$@" 2>> "$why" || fail "$why"
	fetch -o Acquire::Check-Valid-Until=false || fail "$why"
fi
tar --extract --file="$(echo ocaml_*.orig.tar.*)" --directory="$out" --strip-components=1 --no-same-owner
