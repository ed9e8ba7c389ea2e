# Rumprun's platform for Solo5, and all of it installed: rumprun.sh PREFIX OBJECTS SOLO5 TRIPLE
#
# OBJECTS is what netbsd.sh left, SOLO5 where Solo5 is installed, TRIPLE the prefix of its tools.
set -eu
prefix=$1 objects=$2 solo5=$3 triple=$4
cd /usr/src/rumprun
. /hutch/build-rr.sh

# What calls Solo5 is hutch's own (glue/README.md). The list of Solo5's objects is theirs, so that
# their own make finds all of it. These are whole files, and bake configurations behind theirs, where a
# patch would say no more.
platform=platform/solo5
cp /hutch/glue/boot.c /hutch/glue/cons.c /hutch/glue/kernel.c /hutch/glue/rumpukvm_bio.c "$platform"
cp /hutch/glue/ukvmif_user.c "$platform/librumpnet_ukvmif"
cp /hutch/glue/glue.h "$solo5/include/solo5/solo5.h" "$platform/include"
for machine in "$platform"/arch/*; do
	cp /hutch/glue/machdep.c "$machine"
	cp /hutch/glue/sections.lds "$machine/kern.ldscript"
done
cat /hutch/glue/bake.conf >> app-tools/rumprun-bake.conf

# They build a Solo5 of their own beside it, and take two objects from there.
rm -rf solo5
mkdir -p solo5/bindings/spt solo5/bindings/hvt
echo 'all: ;' > solo5/Makefile
for target in spt hvt; do
	cp "$solo5/lib/$triple/solo5_$target.o" "solo5/bindings/$target"
done

export RUMPRUN_MKCONF="$objects/config.mk" RUMPSRC="$PWD/src-netbsd" PLATFORMDIR="$PWD/$platform"
make -C "$platform" BUILDRR=true
make -C "$platform" BUILDRR=true install
make -C app-tools BUILDRR=true install
build_rr install

# gcc 16 names this library for each program and kernel, and expects it where there is no libatomic either.
for libraries in "$prefix"/rumprun-*/lib "$prefix"/rumprun-*/lib/rumprun-solo5; do
	ar rc "$libraries/libatomic_asneeded.a"
done
