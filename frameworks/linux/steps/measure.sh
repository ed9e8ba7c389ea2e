#!/bin/sh
# Build a kernel as build.sh does, and note what is in it: measure.sh CONFIG FILE OUT MAKE-ARGUMENT...
#
# OUT gets `kernel`, and the linker's map of the last link, `vmlinux.map`; where the kernel is made of
# one object beforehand, that link's, too, `vmlinux.o.map`. No option of the kernel's is needed for
# that: the linker in make's PATH is ours, which asks the real one for a map, and the kernel is linked
# once more from the objects that are there.
set -eu
config=$1
file=$2
out=$3
shift 3
sh /hutch/build.sh "$config" "$file" "$out/kernel" "$@"

mkdir -p /tmp/linker
for linker in ${LINKERS}; do
	real=$(command -v "$linker") || continue
	cat > "/tmp/linker/$linker" <<- EOF
		#!/bin/sh
		before=
		for word in "\$@"; do
			case \$before/\$word in
			-o/vmlinux | -o/vmlinux.unstripped) exec $real -Map=$out/vmlinux.map "\$@" ;;
			-o/vmlinux.o) exec $real -Map=$out/vmlinux.o.map "\$@" ;;
			esac
			before=\$word
		done
		exec $real "\$@"
	EOF
	chmod 0755 "/tmp/linker/$linker"
done
rm -f /o/vmlinux /o/vmlinux.unstripped /o/vmlinux.o
PATH=/tmp/linker:$PATH make -C /src O=/o --no-print-directory "-j$(nproc)" "$@" vmlinux
ls -l "$out"
