#!/bin/sh
# Rumprun's entry point, as far as hutch calls it: notes how it was called, and leaves what the real one does.
set -eu
platform() {
	if [ "$1" = solo5 ]; then
		FREQ_SETUP="-F CFLAGS=-DHZ=100"
		RR_USE_TLS="no"
	else
		RR_USE_TLS="yes"
	fi
}
solo5libs() {
	# rumprun's libc.a define a stack guard.
	objcopy --redefine-sym __stack_chk_fail=__stack_chk_fail_solo5 \
		--redefine-sym __stack_chk_guard=__stack_chk_guard_solo5 \
		"$objects/bindings.o" "$objects/bindings.a"

	objcopy --redefine-sym __stack_chk_fail=__stack_chk_fail_solo5 \
		--redefine-sym __stack_chk_guard=__stack_chk_guard_solo5 \
		"$objects/bindings.o" "$objects/bindings.a"
}
called=$*
prefix= objects=
while [ "$1" != solo5 ]; do
	case $1 in
	-d) prefix=$2 && shift ;;
	-o) objects=$2 && shift ;;
	esac
	shift
done
platform "$1"
if [ -e .git ]; then
	echo "build-rr.sh: there is a .git" >&2
	exit 1
fi
mkdir -p "$objects/stage"
case $2 in
build)
	{
		echo "build-rr.sh called: $called" | sed 's/ -j[0-9]*//'
		echo "build-rr.sh compiler: $CC $($CC -dumpversion), flags of tools: $HOST_CFLAGS"
		echo "build-rr.sh threads: $RR_USE_TLS"
		echo "build-rr.sh epoch: $SOURCE_DATE_EPOCH"
		echo "build-rr.sh network: $(ls /sys/class/net | tr '\n' ' ')"
		echo "buildrump.sh: $(cat buildrump.sh/buildrump.sh)"
		cat src-netbsd/sys/rump/*/Makefile.* | tr -s ' \t\n' ' '
		echo
	} > "$objects/record"
	printf 'RROBJ=%s\nCPU=%s\n' "$objects" "$($CC -dumpmachine | sed 's/-.*//')" > "$objects/config.mk"
	make -s -C platform/solo5 links
	make -s -C solo5
	make -s -C platform/solo5 BUILDRR=true
	make -s -C platform/solo5 BUILDRR=true install
	;;
install)
	cp "$objects/record" "$prefix/record"
	"$CC" -x c -c -o "$objects/bindings.o" /dev/null
	solo5libs
	cat solo5/bindings/spt/solo5_spt.o solo5/bindings/hvt/solo5_hvt.o >> "$prefix/record"
	cp -R "$objects/stage/." "$prefix"
	;;
esac
