# How Rumprun's own script is called, for the steps that are made of it. $prefix is where the result goes,
# $objects where it works, and the directory is its tree. $CC and $CXX compile for the guest.

# It asks git which branch it is on, and ends where that fails.
rm -rf .git
sh /hutch/patch.sh --own .

# The sources are older than gcc 10, which made each uninitialised variable one of its own file
# (-fcommon is as before), and newer compilers warn of what was none.
export HOST_CFLAGS="-O -fcommon" NOGCCERROR=1 CC CXX MAKE=make GIT=none

build_rr() {
	./build-rr.sh -qq -d "$prefix" -o "$objects" -j"$(nproc)" solo5 "$@" \
		-- -V NOGCCERROR=1 -F CFLAGS=-fcommon
}
