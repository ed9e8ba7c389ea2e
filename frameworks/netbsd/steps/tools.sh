# NetBSD's own tools: tools.sh ARGUMENT-OF-BUILD.SH...
set -eu
cd /usr/src
if [ ! -e build.sh ]; then
	echo "hutch: the source is no NetBSD source tree: there is no build.sh at its top" >&2
	exit 1
fi
sh /hutch/stale.sh /usr/src /obj
trap 'touch /obj/.built' EXIT
./build.sh -U -u -N1 -j"$(nproc)" "$@" tools
