# A kernel: kernel.sh PATH-BELOW-SYS/ARCH ARGUMENT-OF-BUILD.SH...
set -eu
made=$1
shift
sh /hutch/stale.sh /usr/src /obj
trap 'touch /obj/.built' EXIT
cd /usr/src
./build.sh -U -u -N1 -j"$(nproc)" "$@" kernel=/config/HUTCH
cp "/obj/sys/arch/$made" /out/kernel
touch -d "@$SOURCE_DATE_EPOCH" /out/kernel
