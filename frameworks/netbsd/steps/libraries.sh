# Headers, startup files and static libraries: libraries.sh PORT ARGUMENT-OF-BUILD.SH...
set -eu
port=$1
shift
sh /hutch/tree.sh NetBSD Makefile include/Makefile lib/csu/Makefile lib/libc/Makefile
sh /hutch/stale.sh /usr/src /obj
trap 'touch /obj/.built' EXIT
# Debian's compiler is told of it, too (frameworks/netbsd/recipe.py): NetBSD's own is by the makefiles.
HUTCH_SYSROOT=/obj/system
export HUTCH_SYSROOT
cd /usr/src
# The program that it writes calls make with all that the arguments say.
./build.sh -U -u -N1 -D "$HUTCH_SYSROOT" "$@" makewrapper
make() {
	"/tools/bin/nbmake-$port" -j"$(nproc)" "$@"
}
make do-distrib-dirs
make includes
# What programs are linked to that ask for nothing but the system. The startup files and the C library are
# first: the others are built with them. Releases differ in which they have.
for folder in csu libc libm libpthread librt libutil libcrypt libz libterminfo; do
	[ -e "lib/$folder/Makefile" ] || continue
	for target in obj dependall install; do
		make -C "lib/$folder" "$target"
	done
done
for folder in usr/include usr/lib usr/libdata; do
	[ -d "$HUTCH_SYSROOT/$folder" ] || continue
	mkdir -p "/out/$folder"
	cp -a "$HUTCH_SYSROOT/$folder/." "/out/$folder/"
done
find /out -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
