# NetBSD's own tools: tools.sh ARGUMENT-OF-BUILD.SH...
set -eu
cd /src
exec ./build.sh -U -u -N1 -j"$(nproc)" "$@" tools
