#!/bin/sh
# Fetch a distribution's kernel source package, and unpack the archive in it:
#
#     fetch.sh OUT PACKAGE[=VERSION] [ARCHIVE SUITE SNAPSHOT]
#
# It needs nothing of the toolchain, which is installed meanwhile: what decompresses the archive it
# installs for itself.
#
# apt checks what it fetches against the distribution's signatures. ARCHIVE and SUITE say where on
# the image's own mirror the package is, if its own sources have it not (another release's kernel);
# SNAPSHOT is a time at which the mirror's snapshot service still has the version, once a newer one
# has pushed it out of the archive.
set -eu
. "${0%/*}/apt.sh"
export DEBIAN_FRONTEND=noninteractive
out=$1
package=$2
cd "$(mktemp -d)"
why=$PWD/why
uris=$PWD/uris

# download: the package into this directory, out of the cache if that has it.
download() {
	apt_get -qq --print-uris download -- "$package" > "$uris" || return
	seed "$uris" .
	for file in ./*.deb; do
		[ ! -f "$file" ] || return 0
	done
	apt_get download -- "$package" || return
	for file in ./*.deb; do
		[ ! -f "$file" ] || stow "$file"
	done
}

# attempt WHAT COMMAND...: whether the package is there after COMMAND. Why not is said only if nowhere
# is.
attempt() {
	what=$1
	shift
	"$@" 2>> "$why" && download 2>> "$why" && return 0
	echo "hutch: $package is not in $what" | tee -a "$why"
	return 1
}

reach
attempt "the image's own sources" apt_get update ||
	{ [ $# -gt 2 ] && ! unreachable "$why" && {
		attempt "the mirror's $3 $4" use_mirror "$3" "$4" ||
			attempt "the snapshot of $5" use_snapshot "$3" "$4" "$5"
	}; } || {
		echo "hutch: $package cannot be fetched; above is what apt says of each place" >> "$why"
		fail "$why"
	}
dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards './usr/src/*.tar.*'
for archive in usr/src/*.tar.*; do
	case $archive in
	*.xz) tool=xz-utils ;;
	*.bz2) tool=bzip2 ;;
	*.zst) tool=zstd ;;
	*) tool= ;;
	esac
	[ -z "$tool" ] || apt_get install -y --no-install-recommends --allow-downgrades "$tool" 2> "$why" ||
		fail "$why"
	tar --extract --file="$archive" --directory="$out" --strip-components=1 --no-same-owner
done
rm -rf ./*.deb usr
