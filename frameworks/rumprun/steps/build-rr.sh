# How Rumprun's own script is called, for the steps that are made of it. $prefix is where the result goes,
# $objects where it works, and the directory is its tree. $CC and $CXX compile for the guest.

# It asks git which branch it is on, and ends where that fails.
rm -rf .git
sh /hutch/patch.sh --own .

# The sources are older than gcc 10, which made each uninitialised variable one of its own file
# (-fcommon is as before), and newer compilers warn of what was none. gcc 14 makes errors of such, and gcc
# 15 reads C as of 2023, where the file does not say otherwise.
flags=-fcommon
version=$("$CC" -dumpversion)
if [ "${version%%.*}" -ge 14 ]; then
	flags="$flags -fpermissive"
fi
case $("$CC" -dumpmachine) in
aarch64*)
	# Calls to libgcc, which is not linked.
	guest_flags="$flags -mno-outline-atomics"
	;;
*) guest_flags=$flags ;;
esac
host_flags=$flags
if [ "${version%%.*}" -ge 15 ]; then
	host_flags="$flags -std=gnu17"
fi
export HOST_CFLAGS="-O $host_flags" NOGCCERROR=1 CC CXX MAKE=make GIT=none

# build_rr ACTION: it has no dry run, so the objects are counted without a total.
build_rr() {
	set -- "$@" -- -V NOGCCERROR=1
	for flag in $guest_flags; do
		set -- "$@" -F "CFLAGS=$flag"
	done
	python3 /hutch/progress.py NetBSD rumprun - \
		./build-rr.sh -q -d "$prefix" -o "$objects" -j"$(nproc)" solo5 "$@" < /dev/null
}
