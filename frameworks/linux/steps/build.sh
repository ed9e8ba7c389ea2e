#!/bin/sh
# Build a kernel: build.sh CONFIG FILE OUT MAKE-ARGUMENT...
#
# /src is the source, read-only; /o is where objects are, a cache that an earlier build may have
# filled. FILE is what is wanted of the result, relative to /o; vmlinux is stripped with $STRIP.
set -eu
config=$1
file=$2
out=$3
shift 3
# make goes by time stamps, and those of another source tree say nothing about this one's files:
# objects are kept only between builds of one and the same source.
if ! [ -e /src/.hutch-source ] || ! cmp -s /src/.hutch-source /o/.hutch-source; then
	find /o -mindepth 1 -delete
	[ ! -e /src/.hutch-source ] || cp /src/.hutch-source /o/
fi
cmp -s "$config" /o/.config || cp "$config" /o/.config
if command -v ccache > /dev/null; then
	ccache --zero-stats > /dev/null
fi
set -- make -C /src O=/o --no-print-directory "-j$(nproc)" "$@"
# A dry run says how many objects there will be. It needs what is generated for all of them, and stops
# before vmlinux, which even a dry run would link (scripts/Makefile.vmlinux). Linux before 6.1 has no such
# target, and so no total.
"$@" prepare
"$@" --dry-run --keep-going vmlinux_o 2> /dev/null |
	python3 /hutch/progress.py kernel kbuild - "$@" "${file##*/}"
if command -v ccache > /dev/null; then
	ccache --show-stats | grep -E '(Hits|Misses):' | head -n 2
fi
case $file in
vmlinux) "$STRIP" --strip-all -o "$out" /o/vmlinux ;;
*) cp "/o/$file" "$out" ;;
esac
chmod 0644 "$out"
ls -l "$out"
