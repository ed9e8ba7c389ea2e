#!/bin/sh
# NetBSD's make, as far as hutch calls it: it makes a C library of one function.
set -eu
system=@SYSTEM@ cpu=@CPU@
compile() {
	PATH=/xt/bin:/tools/bin:$PATH "$cpu--netbsd-gcc" -xc -c -o "$1" -
}
shift # -jN
case $* in
do-distrib-dirs) mkdir -p "$system/usr/include" "$system/usr/lib" ;;
includes) cp include/stdio.h "$system/usr/include/" ;;
"-C lib/csu install")
	echo 'int main(void); void _start(void) { main(); for (;;); }' | compile "$system/usr/lib/crt0.o"
	for name in crti crtn crtbegin crtend; do
		echo | compile "$system/usr/lib/$name.o"
	done
	;;
"-C lib/libc install")
	[ "$(head -n1 <"$system/usr/include/stdio.h")" = 'int puts(const char *);' ]
	{
		printf '#include <stdio.h>\nint puts(const char *text) { return text == 0; }\n'
		printf 'const char made[] __attribute__((used)) = "%s";\n' "$(tr '\n' ' ' <@OBJECTS@/record)"
	} | compile "$system/usr/lib/puts.o"
	ar rc "$system/usr/lib/libc.a" "$system/usr/lib/puts.o"
	rm "$system/usr/lib/puts.o"
	;;
"-C lib/csu obj" | "-C lib/csu dependall" | "-C lib/libc obj" | "-C lib/libc dependall") ;;
*) echo "nbmake: what is $*?" >&2; exit 1 ;;
esac
