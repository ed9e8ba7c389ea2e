#!/bin/sh
# Install packages (arguments of a step, so data and no code):
#
#     install.sh [--snapshot ARCHIVE SUITE TIME] PACKAGE[=VERSION]...
#
# A package of another architecture is named as Debian does it: libssl-dev:arm64. Where the image's own
# sources have moved on from a version, it comes from the mirror's snapshot of TIME.
set -eu
. "${0%/*}/apt.sh"
export DEBIAN_FRONTEND=noninteractive
archive=
if [ "$1" = --snapshot ]; then
	archive=$2 suite=$3 time=$4
	shift 4
fi
for package; do
	case $package in
	*:amd64 | *:arm64) dpkg --add-architecture "${package##*:}" ;;
	esac
done
why=$(mktemp)
archives=$(mktemp -d)
# What the cache has is not downloaded again. A step that breaks off is thrown away whole: no need to wait
# for the disk after each file. What apt complains of is said last.
install() {
	set -- install -y --no-install-recommends -o Dir::Cache::archives="$archives/" "$@"
	apt_get -qq --print-uris "$@" > "$archives/uris" 2>> "$why" || return
	seed "$archives/uris" "$archives"
	apt_get --download-only "$@" 2>> "$why" || return
	for file in "$archives"/*.deb; do
		[ ! -f "$file" ] || stow "$file"
	done
	apt_get -o DPkg::Options::=--force-unsafe-io "$@" 2>> "$why"
}
reach
apt_get update 2> "$why" || fail "$why"
if ! install -- "$@"; then
	if [ -z "$archive" ] || unreachable "$why"; then
		fail "$why"
	fi
	cat "$why" >&2
	: > "$why"
	echo "hutch: not all is there in the pinned version: trying the snapshot of $time" >&2
	use_snapshot "$archive" "$suite" "$time"
	install --allow-downgrades -- "$@" || fail "$why"
	forget_snapshot
fi
rm -r "$why" "$archives"
# Lists and logs have the time in them, and nobody reads them any more.
rm -rf "$root/var/lib/apt/lists/"* "$root/var/cache/apt/"*.bin "$root/var/cache/debconf/"*-old \
	"$root/var/cache/ldconfig/aux-cache"
find "$root/var/log" -type f -delete
