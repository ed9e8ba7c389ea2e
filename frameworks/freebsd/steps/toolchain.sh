# What kernels are built with: toolchain.sh ARGUMENT-OF-MAKE.PY...
set -eu
cd /usr/src
if [ ! -e Makefile.inc1 ]; then
	echo "hutch: the source is no FreeBSD source tree: there is no Makefile.inc1 at its top" >&2
	exit 1
fi
sh /hutch/patch.sh --own .
exec env -u SOURCE_DATE_EPOCH tools/build/make.py "$@" -j"$(nproc)" kernel-toolchain
