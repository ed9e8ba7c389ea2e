#!/bin/sh
# Make a kernel's .config: configure.sh BASE REQUEST OUT MAKE-VARIABLE...
#
# BASE is a whole .config; REQUEST are the lines that go over it, of which the last of several for one
# option counts. What BASE has as a module is built in, for no module is ever loaded: without MODULES
# the kernel takes each m for a y.
set -eu
base=$1
request=$2
out=$3
shift 3
{
	cat "$base"
	echo '# CONFIG_MODULES is not set'
	cat "$request"
} > /tmp/config
cp /tmp/config /o/.config
# It warns of every line that is there twice: that is how a request goes over its base.
if ! make -s -C /src O=/o "$@" olddefconfig 2> /tmp/messages; then
	cat /tmp/messages >&2
	exit 1
fi
cp /o/.config "$out"
