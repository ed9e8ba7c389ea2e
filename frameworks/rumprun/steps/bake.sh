# A program of Rumprun's compiler becomes a unikernel: bake.sh look|bake CPU TARGET NAME CONFIG DISK ...
#
# CPU is the processor as tools' names have it (x86_64), TARGET is spt or hvt, NAME what the
# program is called ("" where nothing says), CONFIG a configuration of rumprun-bake, DISK `block` where
# the guest gets one. Then: +COMPONENT adds a library of the rump kernel, -COMPONENT leaves it out,
# another word is a file of configurations. `look` writes what is missing to /out/report, a line each;
# `bake` leaves /out/kernel, or says it.
set -eu
mode=$1 cpu=$2 target=$3 name=$4 config=$5 disk=$6
shift 6
solo5=/opt/solo5 rumprun=/opt/rumprun triple=$cpu-solo5-none-static
libraries=$rumprun/rumprun-$cpu/lib/rumprun-solo5
export RUMPRUN_WARNING_STFU=please
work=$(mktemp -d)
report=$work/report programs=$work/programs components=$work/components
: > "$report"

# The arguments become rumprun-bake's. Those after `--` are done.
set -- "$@" --
while [ "$1" != -- ]; do
	case $1 in
	+*) set -- "$@" -m "add -l${1#+}" ;;
	-*) set -- "$@" -m "remove -l${1#-}" ;;
	*) set -- "$@" -c "$1" ;;
	esac
	component=${1#[+-]}
	if [ "$component" != "$1" ] && [ ! -e "$libraries/lib$component.a" ]; then
		echo "component $component" >> "$report"
	fi
	shift
done
shift

known=$(rumprun-bake "$@" list 2> /dev/null | sed -n 's/^\([a-z0-9_]*\) *:.*/\1/p' | grep '^solo5_' || true)
if ! echo "$known" | grep -qxF -- "$config"; then
	echo "config $config" $known >> "$report"
elif [ ! -s "$report" ]; then
	rumprun-bake "$@" describe "$config" | tr ' ' '\n' > "$components"
	for component in ${disk:+rumpdev_disk rumpfs_ext2fs}; do
		if ! grep -qxF -- "-l$component" "$components"; then
			echo "disk $config" >> "$report"
			break
		fi
	done
fi

# A program is what the compiler's wrapper has linked: it notes how to bake it in a section.
cd /app
find . -type f -perm /111 -exec sh -c '
	for file; do
		note=$(readelf --string-dump=.note.rumprun.bakerecipe "$file" 2> /dev/null || true)
		case $note in *rumprun_tuple:*) printf "%s\n" "${file#./}" ;; esac
	done' sh {} + | LC_ALL=C sort > "$programs"
NAME=$name awk -F/ '$NF == ENVIRON["NAME"]' "$programs" > "$work/named"
if [ -s "$work/named" ]; then
	mv "$work/named" "$programs"
fi
case $(wc -l < "$programs") in
0) echo none >> "$report" ;;
1) ;;
*) echo several $(cat "$programs") >> "$report" ;;
esac

if [ "$mode" = look ]; then
	cp "$report" /out/report
	exit 0
fi
if [ -s "$report" ]; then
	sed 's/^/hutch: missing: /' "$report" >&2
	exit 1
fi

# The devices that the tender has to attach, by the names that urunc gives them.
devices=
if grep -qxF -- -lrumpnet_ukvmif "$components"; then
	devices='{"name": "tap", "type": "NET_BASIC"}'
fi
if [ -n "$disk" ]; then
	devices="$devices${devices:+, }"'{"name": "rootfs", "type": "BLOCK_BASIC"}'
fi
echo "{\"type\": \"solo5.manifest\", \"version\": 1, \"devices\": [$devices]}" > "$work/manifest.json"
solo5-elftool gen-manifest "$work/manifest.json" "$work/manifest.c"
"$triple-cc" -c -o "$work/manifest.o" "$work/manifest.c"

# Solo5's own linker script lays out its notes; Rumprun's installed one (sections.lds) adds to it.
rumprun-bake "$@" \
	-m "remove -lsolo5_spt -lsolo5_hvt" \
	-m "add -lsolo5_$target $work/manifest.o -Wl,-T,$solo5/lib/$triple/solo5_$target.lds -Wl,-z,noexecstack,--eh-frame-hdr" \
	"$config" "$work/kernel" "$(cat "$programs")"
"$cpu-rumprun-netbsd-strip" --strip-debug -o /out/kernel "$work/kernel"
chmod 0755 /out/kernel
