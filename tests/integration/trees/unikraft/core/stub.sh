# stub.sh defconfig|all: what Unikraft's make does, as far as hutch calls it.
set -eu
trees="$PWD $A $(echo "$L" | tr : ' ')"
record() { printf '%s\n' "$*"; }

see() {
	record "$1 called: A=$A L=$L O=$O C=$C"
	record "$1 compiler: $(basename "$(command -v "${CROSS_COMPILE}gcc")")"
	record "$1 network: $(ls /sys/class/net | tr '\n' ' ')"
}

# The lines of a fragment that the trees have options for, and whose options they need are asked for.
kept() {
	while read -r line; do
		name=$(record "$line" | sed -n 's/^CONFIG_\([A-Z0-9_]*\)=.*/\1/p; s/^# CONFIG_\([A-Z0-9_]*\) is not set$/\1/p')
		[ -n "$name" ] || continue
		# shellcheck disable=SC2086 # a list of directories
		file=$(grep -rlx --include=Config.uk -E "(menu)?config $name" $trees) || continue
		needs=$(awk -v name="$name" '/^(menu)?config/ { on = $2 == name } on && $1 == "depends" { print $3 }' "$file")
		[ -z "$needs" ] || grep -qx "CONFIG_$needs=y" "$UK_DEFCONFIG" || continue
		record "$line"
	done < "$UK_DEFCONFIG"
}

case $1 in
defconfig)
	{
		see defconfig | sed 's/^/# /'
		kept
	} > "$C"
	;;
all)
	{
		see make
		record "make told: $HOSTUTC $HOSTUSER@$HOSTNAME"
		for origin in "$O"/lib*/.origin; do
			[ "$origin" -nt "${origin%.origin}.chksum" ] || continue
			library=$(basename "$(dirname "$origin")")
			record "source of $library: $(cat "$O/$library"/origin/*/note), taken for $(basename "$O/$library"/*.zip)"
		done
		note=$(cat "$A/note") # what is not there ends it, as a file that does not compile would
		record "application: $note"
		[ ! -e lib/ukrandom/include/uk/swrand.h ] || record "random: swrand.h"
		[ ! -e lib/posix-process/arch/x86_64/arch_prctl.c ] || record "threads: arch_prctl.c"
		# shellcheck disable=SC2046 # names without blanks
		! grep -rq auxstack_touch lib || record "since 0.17: $(basename -a $(grep -rlE 'CONFIG_PAGING|auxstack_touch|disable_irq' drivers lib plat) | sort | tr '\n' ' ')"
		record "end: $(grep -o 'shutdown_req([A-Z_]*)' lib/posix-process/process.c)"
		record "page fault: $(grep -o 'vaddr, ctx->[a-z_]*' lib/ukvmem/arch/arm/pagefault64.c)"
		# shellcheck disable=SC2046 # names without blanks
		record "for arm64: $(basename -a $(grep -rlE '__(aarch64|x86_64)__|is_irq|enable_irq|new stack|ectx_load|x30, x30' lib plat) | sort | tr '\n' ' ')"
		record "driver: $(grep -o 'virtio_net_config, m..' drivers/virtio/net/virtio_net.c)"
		cat "$C"
	} > "$O/record"
	made=$O/$UK_IMAGE_NAME_OVERWRITE
	case $CROSS_COMPILE in
	x86_64*) "${CROSS_COMPILE}gcc" -nostdlib -static -Wl,--build-id=none -I"$O" -o "$made" kernel.S ;;
	# The header of a boot image: 64 bytes, with a mark at 56.
	*) { head -c 56 /dev/zero; printf 'ARM\144'; head -c 4 /dev/zero; cat "$O/record"; } > "$made" ;;
	esac
	;;
esac
