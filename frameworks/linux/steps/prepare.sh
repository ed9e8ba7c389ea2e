#!/bin/sh
# Make a kernel source tree ready: prepare.sh IDENTITY [PATCH...], in /src ($TREE)
#
# urunc passes a container's arguments to the guest's init on the kernel command line. Linux panics at
# boot when there are more than 32 of them (INIT_ENV_ARG_LIMIT, which no configuration can set), and
# cuts the command line at 2048 bytes (COMMAND_LINE_SIZE). Both are raised. And where the root is not
# an initrd, it hands over the rest of the container's configuration as the initrd, to be read from
# /sys/firmware/initrd, which only Linux 6.8 and newer have: older ones get it here. A tree in which a
# line is not as expected stays as it is, with a note: the kernel still works within its limits.
#
# .hutch-source in the tree then names it: where it is from and what its patches hold. Only with an
# IDENTITY, the pinned name of what was fetched: without one nothing is known to be the same.
set -eu
tree=${TREE:-/src}
identity=$1
shift
blank=$(printf '[ \t]')

raise() { # FILE, the words of the old line, those of the new one
	path=$tree/$1
	pattern=$(printf '%s' "$2" | sed "s/ /$blank$blank*/g")
	if [ -f "$path" ] && [ "$(grep -c "^$blank*$pattern\$" "$path")" = 1 ]; then
		sed -i "s/^\($blank*\)$pattern\$/\1$3/" "$path"
	elif ! { [ -f "$path" ] && grep -q "^$blank*$3\$" "$path"; }; then
		echo "hutch: $1 is not as expected: its limit stays" >&2
	fi
}
raise init/Kconfig 'default 32 if !UML' 'default 1024 if !UML'
raise arch/x86/include/asm/setup.h '#define COMMAND_LINE_SIZE 2048' '#define COMMAND_LINE_SIZE 16384'
raise arch/arm64/include/uapi/asm/setup.h '#define COMMAND_LINE_SIZE 2048' \
	'#define COMMAND_LINE_SIZE 16384'

file=$tree/init/initramfs.c
header='#include <linux/initrd.h>'
# What takes the initrd's memory back: two lines.
release="$(printf '\t')if (!do_retain_initrd && initrd_start && !kexec_free_initrd())"
if [ -f "$file" ] && grep -q 'BIN_ATTR(initrd,\|hutch_show_initrd' "$file"; then
	: # it has one
elif [ -f "$file" ] && [ "$(grep -cxF "$header" "$file")" = 1 ] &&
	[ "$(grep -A 1 -xF "$release" "$file" | grep -c 'free_initrd_mem(.*);$')" = 1 ]; then
	parts=$(mktemp -d)
	cat > "$parts/function" << 'END'
#include <linux/kobject.h>

/* hutch: /sys/firmware/initrd, as Linux 6.8 and newer have it. */
static ssize_t hutch_read_initrd(struct file *file, struct kobject *kobj,
				 struct bin_attribute *attr, char *out, loff_t at, size_t size)
{
	/* sysfs has cut at and size to what is there. */
	memcpy(out, attr->private + at, size);
	return size;
}

static struct bin_attribute hutch_initrd = {
	.attr = { .name = "initrd", .mode = 0440 },
	.read = hutch_read_initrd,
};

static void __init hutch_show_initrd(void)
{
	hutch_initrd.private = (void *)initrd_start;
	hutch_initrd.size = initrd_end - initrd_start;
	if (sysfs_create_bin_file(firmware_kobj, &hutch_initrd))
		pr_err("cannot create /sys/firmware/initrd\n");
}

END
	printf '\telse if (do_retain_initrd && initrd_start)\n\t\thutch_show_initrd();\n' \
		> "$parts/call"
	line=$(grep -nxF "$release" "$file" | cut -d: -f1)
	sed -i -e "$((line + 1))r $parts/call" -e "\\,^$header\$,r $parts/function" "$file"
	rm -r "$parts"
else
	echo "hutch: init/initramfs.c is not as expected: it gets no /sys/firmware/initrd" >&2
fi

[ -n "$identity" ] || exit 0
{
	printf '%s\n' "$identity"
	for file in "$0" "$@"; do
		sha256sum < "$file"
	done
} > "$tree/.hutch-source"
