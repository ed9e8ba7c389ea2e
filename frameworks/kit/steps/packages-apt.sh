# shellcheck shell=sh
# What packages.sh does with apt and dpkg. What they say of a mirror is the kit's to explain (apt.sh).
. "${0%/*}/apt.sh"
export DEBIAN_FRONTEND=noninteractive

# also ARCHITECTURE: let packages of another processor in beside the image's own.
also() {
	case $1 in
	all | "$(dpkg --print-architecture)") ;;
	*) dpkg --add-architecture "$1" ;;
	esac
}

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
	for name; do
		case $name in
		*:amd64 | *:arm64) [ -n "$guest" ] || also "${name##*:}" ;;
		esac
	done
	reach
	apt_get update 2> "$why" || fail "$why"
}

known() {
	apt_get -s install --no-install-recommends -- "$1" > /dev/null 2> "$why" ||
		! grep -qE "^E: (Unable to locate|Couldn't find|Version .* was not found|Package .* has no inst)" "$why"
}

fetch() {
	set -- install -y --no-install-recommends -- "$@"
	uris=$(mktemp) sorted=$(mktemp)
	apt_get -qq --print-uris "$@" > "$uris" 2> "$why" || fail "$why"
	# 'URL' NAME_VERSION_ARCHITECTURE.deb SIZE HASH
	grep "^'" "$uris" | sort -k 2 > "$sorted" || true
	seed "$sorted" "$out"
	apt_get --download-only -o Dir::Cache::archives="$out/" "$@" 2> "$why" || fail "$why"
	rm -rf "$out/partial" "$out/lock"
	own=${guest:+$debian}
	own=${own:-$(dpkg --print-architecture)}
	while read -r url file _; do
		name=${file%%_*}
		version=${file#*_}
		version=$(echo "${version%_*}" | sed 's/%3a/:/g')
		of=${file##*_}
		case ${of%.deb} in
		all | "$own") ;;
		*) name=$name:${of%.deb} ;;
		esac
		url=${url#\'}
		entry "$name" "$version" "${url%\'}" "$out/$file"
		stow "$out/$file"
	done < "$sorted"
}

# is_there NAME: whether a package is installed: one of that name, or one that provides it.
is_there() {
	version= of= name=${1%%[=/]*}
	case $1 in *=*) version=${1#*=} ;; esac
	case $name in *:*) of=${name#*:} name=${name%%:*} ;; esac
	# shellcheck disable=SC2016 # dpkg's variables, not the shell's
	dpkg-query -W -f '${Status} ${Package} ${Architecture} ${Version} ${Provides}\n' |
		while read -r _ _ status package its number provides; do
			[ "$status" = installed ] || continue
			case $of in '' | any | native | all | "$its") ;; *) [ "$its" = all ] || continue ;; esac
			if [ "$package" = "$name" ]; then
				[ -n "$version" ] && [ "$version" != "$number" ] || echo yes
			elif [ -z "$version" ]; then
				case ", $provides," in *", $name,"* | *", $name "*) echo yes ;; esac
			fi
		done | grep -q yes
}

install_all() {
	for file in "$files"/*.deb; do
		of=${file##*_}
		also "${of%.deb}"
	done
	# Nothing is started while it is installed: there is no system yet that it would run in.
	policy=${ROOT:-}/usr/sbin/policy-rc.d
	[ -e "$policy" ] || {
		printf '#!/bin/sh\nexit 101\n' > "$policy"
		chmod 755 "$policy"
		ours=1
	}
	# apt brings them into the order in which they need each other. What it complains of is said last.
	why=$(mktemp)
	apt_get install -y --no-install-recommends --allow-downgrades \
		-o DPkg::Options::=--force-unsafe-io -- "$files"/*.deb 2> "$why" || {
		cat "$why" >&2
		! grep -qE 'unmet dependencies|held broken packages|Unable to satisfy' "$why" || unfit
		exit 1
	}
	cat "$why" >&2
	rm "$why"
	require is_there "$@" # of these apt knows nothing
	[ -z "${ours:-}" ] || rm "$policy"
	rm -rf /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old
}
