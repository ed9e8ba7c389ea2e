#!/bin/sh
# Build the init programs of guests: build.sh OUT [ARCHITECTURE...]
#
# Leaves OUT/linux-amd64 and OUT/linux-arm64: static, small, with musl; and OUT/netbsd-* and
# OUT/freebsd-*, which call their kernels without a C library. Needs Debian's gcc-x86-64-linux-gnu,
# gcc-aarch64-linux-gnu, musl-dev:amd64 and musl-dev:arm64, of which each pair is needed only for its
# architecture. The same sources and packages give the same bytes.
set -eu
here=$(dirname "$0")
out=$1
shift
[ $# -gt 0 ] || set -- amd64 arm64
mkdir -p "$out"
for architecture; do
	case $architecture in
	amd64) machine=x86_64 ;;
	arm64) machine=aarch64 ;;
	*) echo "build.sh: no init for $architecture" >&2; exit 1 ;;
	esac
	"$machine-linux-gnu-gcc" -specs "/usr/lib/$machine-linux-musl/musl-gcc.specs" \
		-std=gnu11 -Os -Wall -Wextra -Werror \
		-ffile-prefix-map="$here=." -ffunction-sections -fdata-sections \
		-fno-asynchronous-unwind-tables -static -s \
		-Wl,--gc-sections,--build-id=none,-z,noseparate-code,-z,max-page-size=4096 \
		-o "$out/linux-$architecture" \
		"$here/linux.c" "$here/linux_base.c" "$here/linux_name.c" "$here/linux_mount.c" \
		"$here/linux_net.c" "$here/linux_process.c" \
		"$here/linux_files.c" "$here/linux_limits.c" "$here/environment.c" \
		"$here/config.c" "$here/args.c" "$here/fstype.c" "$here/accounts.c" "$here/volumes.c"
	case $machine in
	x86_64) only="-fcf-protection=none" ;;
	aarch64) only="-mgeneral-regs-only -mno-outline-atomics" ;;
	esac
	for system in netbsd freebsd; do
		# The loops of libc.c are what memcpy and its kin are: the compiler must not call them there.
		"$machine-linux-gnu-gcc" -std=gnu11 -Os -Wall -Wextra -Werror $only \
			-ffreestanding -fno-builtin -fno-tree-loop-distribute-patterns \
			-fno-stack-protector -fno-pie -no-pie -I"$here/freestanding" \
			-ffile-prefix-map="$here=." -ffunction-sections -fdata-sections \
			-fno-asynchronous-unwind-tables -nostdlib -static -s \
			-Wl,--gc-sections,--build-id=none,-z,noexecstack \
			-o "$out/$system-$architecture" \
			"$here/bsd_start.c" "$here/$system.c" "$here/bsd.c" "$here/bsd_say.c" "$here/bsd_text.c" \
			"$here/bsd_disk.c" "$here/bsd_files.c" "$here/bsd_net.c" "$here/bsd_process.c" \
			"$here/config.c" "$here/accounts.c" "$here/freestanding/libc.c"
	done
done
