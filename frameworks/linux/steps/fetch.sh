#!/bin/sh
# Fetch the archive in a distribution's kernel source package:
#
#     fetch.sh OUT PACKAGE[=VERSION] [SOURCES SNAPSHOT-SOURCES]
#
# apt checks what it fetches against the distribution's signatures. SOURCES is a list of package
# sources besides the image's own; SNAPSHOT-SOURCES one of where versions go that a newer one has
# pushed out of the archive.
set -eu
out=$1
package=$2
apt_get() {
	apt-get -q -o APT::Sandbox::User=root "$@"
}
try() {
	apt_get update && apt_get download -- "$package"
}
cd "$(mktemp -d)"
if [ $# -gt 2 ]; then
	cp "$3" /etc/apt/sources.list.d/hutch.list
fi
if ! try; then
	if [ $# -le 3 ]; then
		echo "hutch: there is no source package $package: is the version still in the archive?" >&2
		exit 1
	fi
	echo "hutch: $package has left the archive: trying the snapshots" >&2
	cp "$4" /etc/apt/sources.list.d/hutch.list
	apt_get -o Acquire::Check-Valid-Until=false update
	apt_get download -- "$package"
fi
dpkg-deb --fsys-tarfile ./*.deb | tar -xO --wildcards './usr/src/*.tar.*' > "$out/source.tar"
