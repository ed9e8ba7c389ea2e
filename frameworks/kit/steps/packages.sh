#!/bin/sh
# Packages that a bunnyfile names (arguments of a step, so data and no code): of the guest's root, of the
# toolchain, of the application.
#
#     packages.sh fetch OUT ROOT DEBIAN NAME...     the files of all that NAMEs need, and what they are
#     packages.sh missing OUT ROOT DEBIAN NAME...   which NAMEs are nowhere, a line each in OUT/missing
#     packages.sh install DIR NAME...               install the files of DIR, without a network, and see
#                                                   that all NAMEs are there then
#
# It runs where they are to be installed. The guest's root may be of another processor than the builder:
# then it runs in the same image for the builder's, ROOT is where the guest's is (else ""), and DEBIAN is
# what apt calls its processor.
set -eu
verb=$1
shift
if command -v apt-get > /dev/null && command -v dpkg > /dev/null; then
	. "${0%/*}/packages-apt.sh"
elif command -v apk > /dev/null; then
	. "${0%/*}/packages-apk.sh"
else
	echo "hutch: the image has neither apt nor apk, one of which installs packages" >&2
	exit 1
fi

# entry NAME VERSION URL FILE: a line of the list of packages (frameworks.rootfs.packages).
entry() {
	sum=$(sha256sum "$4")
	printf '%s{"name": "%s", "version": "%s", "url": "%s", "sha256": "%s"}' \
		"$separator" "$1" "$2" "$3" "${sum%% *}" >> "$out/packages.json"
	separator=',
'
}

# unfit: end where the files of a lock lack something of what they are installed over (frameworks.exits).
unfit() {
	echo "hutch: these packages were chosen for another system than this one" >&2
	exit 215
}

# require TEST NAME...: end where TEST says of one of them that it is not there, whatever was installed: a
# lock's list may have lost it.
require() {
	test_=$1 lacking=
	shift
	for asked; do
		"$test_" "$asked" || lacking="$lacking $asked"
	done
	[ -n "$lacking" ] || return 0
	echo "hutch: these packages are asked for, and are not among what is installed:$lacking" >&2
	exit 215
}

# settle MARK: give everything that is newer than the file MARK the time of the build. What the builder
# mounts is not of the root, and may not be written.
settle() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /hutch -o -path /etc/resolv.conf \
		-o -path /etc/hosts \) -prune -o -newer "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

case $verb in
fetch | missing)
	out=$1 root=$2 debian=$3
	shift 3
	prepare "$@"
	if [ "$verb" = missing ]; then
		for name; do
			known "$name" || echo "$name"
		done > "$out/missing"
		exit 0
	fi
	separator=
	printf '[' > "$out/packages.json"
	fetch "$@"
	echo ']' >> "$out/packages.json"
	;;
install)
	files=$1
	shift
	# All that is asked for may be in the base.
	[ -n "$(find "$files" -name '*.deb' -o -name '*.apk')" ] || {
		require is_there "$@"
		exit 0
	}
	# A container's memory is another file system, which is not looked through.
	mark=${ROOT:-}/dev/shm/hutch-mark
	touch -d "@$(($(date +%s) - 2))" "$mark"
	machine=
	[ ! -s /etc/machine-id ] || machine=1
	install_all "$@"
	# What tells one system from another is not the same for all guests of an image.
	if [ -z "$machine" ] && [ -s /etc/machine-id ]; then
		: > /etc/machine-id
		rm -f /var/lib/dbus/machine-id
	fi
	# Logs and caches have the time in them, or how the system was before.
	[ ! -d /var/log ] || find /var/log -type f -newer "$mark" -delete
	rm -f /var/cache/ldconfig/aux-cache
	settle "$mark"
	rm "$mark"
	;;
esac
