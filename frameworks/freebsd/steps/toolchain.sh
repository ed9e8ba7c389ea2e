# What kernels are built with: toolchain.sh ARGUMENT-OF-MAKE.PY...
set -eu
sh /hutch/tree.sh FreeBSD Makefile.inc1 contrib/bmake/boot-strap tools/build/make.py sys/conf/newvers.sh
cd /usr/src
# make.py builds bmake before anything else, and that runs its tests, in releases from 15 on once. One fails
# under Debian's shell and ends the build. They are about bmake, and not about what is built here.
sed -i '/^[[:space:]]*Bmake test/d' contrib/bmake/boot-strap
exec env -u SOURCE_DATE_EPOCH tools/build/make.py "$@" -j"$(nproc)" kernel-toolchain
