# A kernel: kernel.sh OBJECT-DIRECTORY ARGUMENT-OF-MAKE.PY...
set -eu
objects=$1
shift
cd /src
tools/build/make.py "$@" -j"$(nproc)" buildkernel
cp "/obj/src/$objects/sys/HUTCH/kernel" /out/kernel
touch -d "@$SOURCE_DATE_EPOCH" /out/kernel
