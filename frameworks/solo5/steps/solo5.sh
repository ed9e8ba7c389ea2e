# Solo5's toolchain, bindings and tenders: solo5.sh PREFIX VERSION
#
# TARGET_CC, TARGET_LD and TARGET_OBJCOPY name the tools for another architecture's guests.
set -eu
prefix=$1 version=$2
cd /usr/src/solo5
if [ ! -e configure.sh ] || [ ! -e bindings ] || [ ! -e include/solo5.h ]; then
	echo "hutch: the source is no Solo5 tree: there is no configure.sh, bindings and include/solo5.h" >&2
	exit 1
fi
# Solo5 asks git for its version, or reads this file, which only release archives have. As they do, no
# warning of a newer compiler is an error.
rm -rf .git
if [ ! -e include/version.h.distrib ]; then
	printf '#ifndef __VERSION_H__\n#define __VERSION_H__\n#define SOLO5_VERSION "%s"\n#endif\n' \
		"$version" > include/version.h.distrib
fi
if [ -e Makefile.common ]; then
	sed -i 's/-Werror//g' Makefile.common
fi
./configure.sh --prefix="$prefix"
make -j"$(nproc)"
make install
