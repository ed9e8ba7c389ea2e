# shellcheck shell=sh
# What packages.sh does with apt and dpkg. What they say of a mirror is the kit's to explain (apt.sh).
. "${0%/*}/apt.sh"
export DEBIAN_FRONTEND=noninteractive

prepare() {
	why=$(mktemp)
	if [ -n "${guest:=${root:-}}" ]; then
		APT_CONFIG=$(mktemp)
		export APT_CONFIG
		cat > "$APT_CONFIG" <<- END
			APT::Architecture "$debian";
			APT::Architectures { "$debian"; };
			Dir::State::status "$guest/var/lib/dpkg/status";
			Dir::State::extended_states "$guest/var/lib/apt/extended_states";
		END
	fi
	root=
	reach
	apt_get update 2> "$why" || fail "$why"
}

known() {
	apt_get -s install --no-install-recommends -- "$1" > /dev/null 2> "$why" ||
		! grep -qE "^E: (Unable to locate|Couldn't find|Version .* was not found|Package .* has no inst)" "$why"
}

fetch() {
	set -- install -y --no-install-recommends -- "$@"
	apt_get -qq --print-uris "$@" > /tmp/uris 2> "$why" || fail "$why"
	apt_get --download-only -o Dir::Cache::archives="$out/" "$@" 2> "$why" || fail "$why"
	rm -rf "$out/partial" "$out/lock"
	# 'URL' NAME_VERSION_ARCHITECTURE.deb SIZE HASH
	grep "^'" /tmp/uris | sort -k 2 > /tmp/sorted || true
	while read -r url file _; do
		name=${file%%_*}
		version=${file#*_}
		version=$(echo "${version%_*}" | sed 's/%3a/:/g')
		url=${url#\'}
		entry "$name" "$version" "${url%\'}" "$out/$file"
	done < /tmp/sorted
}

install_all() {
	# Nothing is started while it is installed: there is no system yet that it would run in.
	policy=/usr/sbin/policy-rc.d
	[ -e "$policy" ] || {
		printf '#!/bin/sh\nexit 101\n' > "$policy"
		chmod 755 "$policy"
		ours=1
	}
	# apt brings them into the order in which they need each other.
	apt_get install -y --no-install-recommends --allow-downgrades \
		-o DPkg::Options::=--force-unsafe-io -- "$files"/*.deb
	[ -z "${ours:-}" ] || rm "$policy"
	rm -rf /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old
}
