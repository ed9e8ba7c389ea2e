#!/bin/sh
# Make a kernel source tree ready: prepare.sh IDENTITY [PATCH...], in /src ($TREE)
#
# urunc passes a container's arguments to the guest's init on the kernel command line. Linux panics at
# boot when there are more than 32 of them (INIT_ENV_ARG_LIMIT, which no configuration can set), and
# cuts the command line at 2048 bytes (COMMAND_LINE_SIZE). Both are raised. A tree in which a line is
# not as expected keeps that limit, with a note: the kernel still works within it.
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

[ -n "$identity" ] || exit 0
{
	printf '%s\n' "$identity"
	for file in "$0" "$@"; do
		sha256sum < "$file"
	done
} > "$tree/.hutch-source"
