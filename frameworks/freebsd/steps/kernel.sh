# A kernel: kernel.sh PATH-BELOW-THE-OBJECTS ARGUMENT-OF-MAKE.PY...
set -eu
made=$1
shift
cd /src
# newvers.sh turns SOURCE_DATE_EPOCH into a date with an option that only BSD's date has. A reproducible
# kernel has no date in it anyway.
env -u SOURCE_DATE_EPOCH tools/build/make.py "$@" -j"$(nproc)" buildkernel
cp "/obj/src/$made" /out/kernel
touch -d "@$SOURCE_DATE_EPOCH" /out/kernel
