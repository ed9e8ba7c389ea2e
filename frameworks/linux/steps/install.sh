#!/bin/sh
# Install packages: install.sh PACKAGE... (arguments of a step, so data and no code)
#
# A package of another architecture is named as Debian does it: libssl-dev:arm64.
set -eu
export DEBIAN_FRONTEND=noninteractive
for package; do
	case $package in
	*:amd64 | *:arm64) dpkg --add-architecture "${package##*:}" ;;
	esac
done
apt-get update -q
# A step that breaks off is thrown away whole: no need to wait for the disk after each file.
apt-get install -y -q --no-install-recommends -o DPkg::Options::=--force-unsafe-io -- "$@"
# Lists and logs have the time in them, and nobody reads them any more.
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache
find /var/log -type f -delete
