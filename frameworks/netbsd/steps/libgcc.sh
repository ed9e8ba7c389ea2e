# Have the compiler's own library linked wherever the C library is: libgcc.sh DIRECTORY
#
# Releases have it beside the C library (HAVE_LIBGCC and HAVE_LIBGCC_EH of share/mk/bsd.own.mk): what
# processors cannot do in one instruction, and the way of exceptions up the stack. clang takes NetBSD's
# C library to have both, as that of a system which clang built, and names no other. So linkers' scripts
# take the place of the C library, and name them all.
set -eu
system=$1 libraries=$1/usr/lib
[ -e "$libraries/libgcc.a" ] || exit 0

own=-lgcc
[ ! -e "$libraries/libgcc_eh.a" ] || own="-lgcc_eh -lgcc"
if [ -e "$libraries/libc.a" ] && [ ! -e "$libraries/libhutch_c.a" ]; then
	mv "$libraries/libc.a" "$libraries/libhutch_c.a"
	echo "GROUP ( libhutch_c.a $own )" >"$libraries/libc.a"
fi
# Links to the library's file of its version, which is in /lib and which /usr/lib leads to.
# The shared one comes first: a program and its libraries have to go up the stack in one way.
[ ! -e "$libraries/libgcc_s.so" ] || own="AS_NEEDED ( -lgcc_s ) -lgcc"
for link in "$system/lib/libc.so" "$libraries/libc.so"; do
	[ -h "$link" ] || continue
	file=$(readlink "$link")
	rm "$link"
	echo "GROUP ( ${file##*/} $own )" >"$link"
done
