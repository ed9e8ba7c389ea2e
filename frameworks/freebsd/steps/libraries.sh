# Headers, startup files and libraries: libraries.sh SYSTEM-BELOW-THE-TREE'S-OBJECTS ARGUMENT-OF-MAKE.PY...
set -eu
system=/obj/usr/src/$1
shift
sh /hutch/tree.sh FreeBSD tools/build/make.py include/Makefile lib/Makefile lib/libc/Makefile
cd /usr/src
for stage in _includes _libraries; do
	env -u SOURCE_DATE_EPOCH tools/build/make.py "$@" -j"$(nproc)" "$stage"
done
for folder in lib usr/include usr/lib usr/libdata; do
	[ -d "$system/$folder" ] || continue
	mkdir -p "/out/$folder"
	cp -a "$system/$folder/." "/out/$folder/"
done
find /out -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
