#!/bin/sh
# Solo5's entry point, as far as hutch calls it: notes how it was called.
set -eu
case $1 in
--prefix=*) prefix=${1#--prefix=} ;;
*) echo "configure.sh: what is $1?" >&2; exit 1 ;;
esac
compiler=${TARGET_CC:-cc}
case $($compiler -dumpmachine) in
x86_64-*) triple=x86_64-solo5-none-static ;;
aarch64-*) triple=aarch64-solo5-none-static ;;
esac
{
	echo "solo5 called: $*"
	echo "solo5 epoch: $SOURCE_DATE_EPOCH"
	echo "solo5 tools: $compiler ${TARGET_LD:-ld} ${TARGET_OBJCOPY:-objcopy}"
	echo "solo5 network: $(ls /sys/class/net | tr '\n' ' ')"
	grep 'define SOLO5_VERSION' include/version.h.distrib
} > record
printf 'PREFIX = %s\nTRIPLE = %s\nCOMPILER = %s\n' "$prefix" "$triple" "$compiler" > Makeconf
