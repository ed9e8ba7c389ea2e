# Build a Unikraft kernel: build.sh CONFIG OUT MAKE-VARIABLE...
#
# /src has the trees, /o is where objects go. /origins/NAME is what the library NAME would download, in the
# directory that its archive would have; /origins/NAME.archive is the archive's name.
set -eu
config=$1 out=$2
shift 2
for name in /origins/*.archive; do
	[ -e "$name" ] || continue
	library=${name##*/}
	library=${library%.archive}
	objects=/o/lib$library
	mkdir -p "$objects/origin"
	cp -a "/origins/$library/." "$objects/origin/"
	# make goes by the time of these: fetched, checked, unpacked.
	touch -d @1 "$objects/$(cat "$name")"
	touch -d @2 "$objects/.chksum"
	touch -d @3 "$objects/.origin"
done
cp "$config" /o/.config
number() { sed -n "s/^$1 *= *//p" /src/unikraft/version.mk; }
sh /hutch/patch.sh --own /src/unikraft "$(number UK_VERSION).$(number UK_SUBVERSION)"
# Compilers by the names that make calls them by, and ccache in front of each.
mkdir /tmp/ccache
for compiler in /usr/bin/*-linux-gnu-gcc; do
	ln -s /usr/bin/ccache "/tmp/ccache/${compiler##*/}"
done
export PATH="/tmp/ccache:$PATH"
ccache --zero-stats > /dev/null
# What a kernel tells of its build is the same in every one: the time, and who and where. Unikraft's
# releases are older than gcc 14, for which some of their warnings are errors.
set -- make -C /src/unikraft "-j$(nproc)" UK_CFLAGS=-fpermissive \
	"HOSTUTC=$(date --utc --iso-8601=seconds --date="@$SOURCE_DATE_EPOCH")" \
	HOSTUSER=hutch HOSTNAME=buildkit "$@"
# A dry run says how many objects there will be.
"$@" --dry-run 2> /dev/null | python3 /hutch/progress.py kernel unikraft - "$@"
ccache --show-stats | grep -E '(Hits|Misses):' | head -n 2
cp /o/kernel "$out"
chmod 0755 "$out"
ls -l "$out"
