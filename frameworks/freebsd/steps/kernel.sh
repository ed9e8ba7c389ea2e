# A kernel: kernel.sh OBJECTS-BELOW-THE-TREE'S PATH-BELOW-THEM ARGUMENT-OF-MAKE.PY...
set -eu
objects=/obj/usr/src/$1
made=$2
shift 2
sh /hutch/tree.sh FreeBSD tools/build/make.py sys/conf/kern.pre.mk sys/conf/newvers.sh
sh /hutch/stale.sh /usr/src "$objects"
trap 'touch "$objects/.built"' EXIT
cd /usr/src
# newvers.sh turns SOURCE_DATE_EPOCH into a date with an option that only BSD's date has. A reproducible
# kernel has no date in it anyway.
python3 /hutch/progress.py kernel freebsd "$objects/HUTCH/Makefile" \
	env -u SOURCE_DATE_EPOCH tools/build/make.py "$@" -j"$(nproc)" buildkernel
cp "$objects/$made" /out/kernel
touch -d "@$SOURCE_DATE_EPOCH" /out/kernel
