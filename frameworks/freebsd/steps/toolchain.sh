# What kernels are built with: toolchain.sh ARGUMENT-OF-MAKE.PY...
set -eu
cd /usr/src
if [ ! -e Makefile.inc1 ]; then
	echo "hutch: the source is no FreeBSD source tree: there is no Makefile.inc1 at its top" >&2
	exit 1
fi
# make.py builds bmake before anything else, and that runs its tests, in releases from 15 on once. One fails
# under Debian's shell and ends the build. They are about bmake, and not about what is built here.
sed -i '/^[[:space:]]*Bmake test/d' contrib/bmake/boot-strap
exec env -u SOURCE_DATE_EPOCH tools/build/make.py "$@" -j"$(nproc)" kernel-toolchain
