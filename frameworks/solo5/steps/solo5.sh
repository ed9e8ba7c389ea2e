# Solo5's toolchain, bindings and tenders: solo5.sh PREFIX VERSION
#
# TARGET_CC, TARGET_LD and TARGET_OBJCOPY name the tools for another architecture's guests.
set -eu
prefix=$1 version=$2
cd /usr/src/solo5
if [ ! -e configure.sh ] || [ ! -e bindings ] || [ ! -e include/solo5.h ]; then
	echo "hutch: the source is no Solo5 tree: there is no configure.sh, bindings and include/solo5.h" >&2
	exit 216
fi
sh /hutch/patch.sh --own .
# Solo5 asks git for its version, or reads this file, which only release archives have. It is the
# version that is pinned, and changes no file of the tree, so it is written here and is no patch.
rm -rf .git
if [ ! -e include/version.h.distrib ]; then
	printf '#ifndef __VERSION_H__\n#define __VERSION_H__\n#define SOLO5_VERSION "%s"\n#endif\n' \
		"$version" > include/version.h.distrib
fi
./configure.sh --prefix="$prefix"
make -j"$(nproc)"
make install
