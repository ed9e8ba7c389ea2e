# NetBSD's own tools: tools.sh ARGUMENT-OF-BUILD.SH...
set -eu
sh /hutch/tree.sh NetBSD build.sh tools share/mk/bsd.own.mk sys/sys/param.h
sh /hutch/stale.sh /usr/src /obj
trap 'touch /obj/.built' EXIT
cd /usr/src
./build.sh -U -u -N1 -j"$(nproc)" "$@" tools
