# What compilers need of a system: sysroot.sh DIRECTORY
set -eu
for each in usr/include/stdio.h usr/lib/crt1.o:usr/lib/crt0.o usr/lib/libc.a:usr/lib/libc.so; do
	found=
	for path in $(echo "$each" | tr : ' '); do
		[ ! -e "$1/$path" ] || found=1
	done
	if [ -z "$found" ]; then
		echo "hutch: nothing can be compiled with what 'app.sysroot' names: there is no ${each%%:*} in it" >&2
		exit 1
	fi
done
