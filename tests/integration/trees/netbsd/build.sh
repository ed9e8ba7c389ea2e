#!/bin/sh
# NetBSD's entry point, as far as hutch calls it: notes how it was called.
set -eu
objects= tools= machine= cpu= system=
record() { printf '%s\n' "$*"; }
said="$*"
while [ $# -gt 0 ]; do
	case $1 in
	-U | -u | -N1 | -j*) shift ;;
	-m) machine=$2; shift 2 ;;
	-O) objects=$2; shift 2 ;;
	-T) tools=$2; shift 2 ;;
	-a) cpu=$2; shift 2 ;;
	-D) system=$2; shift 2 ;;
	-V) shift 2 ;;
	tools | makewrapper | kernel=*) break ;;
	*) echo "build.sh: what is $1?" >&2; exit 1 ;;
	esac
done
see() {
	record "$1 called: $said"
	record "$1 epoch: $SOURCE_DATE_EPOCH"
	if touch "$PWD/probe" 2>/dev/null; then record "$1 source: writable"; else record "$1 source: read-only"; fi
	if [ "$(cat /sys/class/net/*/operstate 2>/dev/null | sort -u)" = unknown ] && [ "$(ls /sys/class/net)" = lo ]; then
		record "$1 network: none"
	else
		record "$1 network: $(ls /sys/class/net | tr '\n' ' ')"
	fi
	echo run >>"$objects/runs"
	record "$1 objects: of $(wc -l <"$objects/runs") runs"
}
case $1 in
tools)
	mkdir -p "$tools/bin"
	see tools >"$tools/record"
	record "compiler: $(command -v x86_64-linux-gnu-gcc || command -v gcc)" >>"$tools/record"
	if [ -d /xt/bin ]; then record "external: $(ls /xt/bin | tr '\n' ' ')" >>"$tools/record"; fi
	printf '#!/bin/sh\n' >"$tools/bin/nbconfig"
	chmod 755 "$tools/bin/nbconfig"
	;;
kernel=*)
	config=${1#kernel=}
	name=${config##*/}
	[ -x "$tools/bin/nbconfig" ] || { echo "build.sh: build the tools first" >&2; exit 1; }
	made=$objects/sys/arch/$machine/compile/$name
	mkdir -p "$made"
	{
		cat "$tools/record"
		see kernel
		if touch "$tools/probe" 2>/dev/null; then record "tools: writable"; else record "tools: read-only"; fi
		cat "$config"
	} >"$made/record"
	case $machine in
	amd64) gcc -nostdlib -static -Wl,--build-id=none -I"$made" -o "$made/netbsd" sys/kernel.S ;;
	# The header of a boot image: 64 bytes, with a mark at 56. The real one is made with every kernel.
	evbarm) { head -c 56 /dev/zero; printf 'ARM\144'; head -c 4 /dev/zero; cat "$made/record"; } >"$made/netbsd.img" ;;
	esac
	;;
makewrapper)
	[ -x "$tools/bin/nbconfig" ] || { echo "build.sh: build the tools first" >&2; exit 1; }
	see libraries >"$objects/record"
	sed -e "s|@SYSTEM@|$system|; s|@CPU@|$cpu|; s|@OBJECTS@|$objects|" tools/nbmake.sh >"$tools/bin/nbmake-$machine"
	chmod 755 "$tools/bin/nbmake-$machine"
	;;
esac
