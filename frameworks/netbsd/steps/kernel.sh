# A kernel: kernel.sh PORT FILE ARGUMENT-OF-BUILD.SH...
set -eu
port=$1 made=$2
shift 2
sh /hutch/tree.sh NetBSD sys/conf/Makefile.kern.inc sys/conf/newvers.sh "sys/arch/$port/conf"
sh /hutch/stale.sh /usr/src /obj
trap 'touch /obj/.built' EXIT
cd /usr/src
compiled=/obj/sys/arch/$port/compile/HUTCH
python3 /hutch/progress.py kernel netbsd "$compiled/Makefile" \
	./build.sh -U -u -N1 -j"$(nproc)" "$@" kernel=/config/HUTCH
if [ ! -e "$compiled/$made" ]; then
	echo "hutch: the source's build makes no $made, which is the kernel for $port that hutch boots" >&2
	exit 1
fi
cp "$compiled/$made" /out/kernel
touch -d "@$SOURCE_DATE_EPOCH" /out/kernel
