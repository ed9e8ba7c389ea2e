#!/bin/sh
# Fetch the archive in a distribution's kernel source package:
#
#     fetch.sh OUT PACKAGE[=VERSION] [ARCHIVE SUITE SNAPSHOT]
#
# apt checks what it fetches against the distribution's signatures. ARCHIVE and SUITE say where on
# the image's own mirror the package is, if its own sources have it not (another release's kernel);
# SNAPSHOT is a time at which the mirror's snapshot service still has the version, once a newer one
# has pushed it out of the archive.
set -eu
out=$1
package=$2
apt_get() {
	apt-get -q -o APT::Sandbox::User=root "$@"
}
# The package from a further source, whose signatures are those of Debian's archive.
try() {
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1" \
		> /etc/apt/sources.list.d/hutch.list
	apt_get -o Acquire::Check-Valid-Until=false update && apt_get download -- "$package"
}
cd "$(mktemp -d)"
apt_get update
if ! apt_get download -- "$package" 2> /tmp/why; then
	if [ $# -le 2 ]; then
		cat /tmp/why >&2
		echo "hutch: there is no source package $package: is the version still in the archive?" >&2
		exit 1
	fi
	repository=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
	mirror=${repository%/}
	mirror=${mirror%/*}
	if ! try "$mirror/$3 $4 main"; then
		echo "hutch: $package has left the archive: trying the snapshots" >&2
		# deb.<domain> has its snapshots at snapshot.<domain>.
		try "${mirror%%://*}://snapshot.${mirror#*://deb.}/archive/$3/$5 $4 main"
	fi
fi
dpkg-deb --fsys-tarfile ./*.deb | tar -xO --wildcards './usr/src/*.tar.*' > "$out/source.tar"
