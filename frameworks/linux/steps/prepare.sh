#!/bin/sh
# Make a kernel source tree ready: prepare.sh IDENTITY [PATCH...], in /src ($TREE)
#
# hutch's own patches are put on it, those that are for its version (frameworks/linux/patches/).
#
# .hutch-source in the tree then names it: where it is from and what its patches hold. Only with an
# IDENTITY, the pinned name of what was fetched: without one nothing is known to be the same. It is a
# file of ours that no kernel has, so it is written here and is no patch.
set -eu
tree=${TREE:-/src} here=${0%/*}
identity=$1
shift
if ! [ -f "$tree/Makefile" ] || ! [ -f "$tree/init/Kconfig" ]; then
	echo "hutch: the source is no Linux source tree: there is no Makefile and init/Kconfig" >&2
	exit 216
fi
version=$(sed -n 's/^\(VERSION\|PATCHLEVEL\) *= *\([0-9]*\).*/\2/p' "$tree/Makefile" | paste -s -d .)
sh "$here/patch.sh" --own "$tree" "$version"

[ -n "$identity" ] || exit 0
{
	printf '%s\n' "$identity"
	for file in "$here/patches"/*/*.patch "$@"; do
		sha256sum < "$file"
	done
} > "$tree/.hutch-source"
