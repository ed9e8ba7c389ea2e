# shellcheck shell=sh
# What packages.sh does with apk, of version 2 or 3.
cache=/tmp/hutch-apk

# As a company's proxy signs in a mirror's place, the build secret `ca` says whom to trust.
[ ! -s /run/secrets/ca ] || export SSL_CERT_FILE=/run/secrets/ca

# to_guest VERB OPTION...: apk, of the guest's root and processor.
to_guest() {
	verb_=$1
	shift
	[ -z "$root" ] || set -- --root "$root" --arch "$architecture" "$@"
	apk "$verb_" --cache-dir "$cache" "$@"
}

# failed WHY: end with the status for what apk says in the file WHY (frameworks.exits).
failed() {
	cat "$1" >&2
	if grep -qE 'DNS|(temporary|transient|network) error|could not connect|refused|timed out|nreachable|aborted' \
		"$1"
	then
		echo "hutch: the builder could not reach the packages' repository" >&2
		exit 212
	fi
	exit 1
}

prepare() {
	case $debian in
	amd64) architecture=x86_64 ;;
	arm64) architecture=aarch64 ;;
	esac
	why=$(mktemp)
	mkdir -p "$cache"
	# A repository that cannot be read is no reason to choose from the others.
	to_guest update > "$why" 2>&1 || failed "$why"
}

# url NAME VERSION: where the package is; nothing where it is in no repository of the network.
url() {
	# NAME policy:, and for each version a line of its own, and one for each repository that has it
	repository=$(to_guest policy "$1" | sed -n "/^  $2:\$/,/^  [^ ]/s,^    .*\(https*://[^ ]*\)\$,\1,p" | head -n 1)
	[ -z "$repository" ] || echo "${repository%/}/$architecture/$1-$2.apk"
}

known() {
	to_guest add --simulate -- "$1" > "$why" 2>&1 || may_have "$1"
}

# may_have NAME: whether apk, in the file `why`, complains of something else than that there is no NAME.
may_have() {
	! grep -qF -e "required by: world[$1]" -e "breaks: world[$1]" "$why"
}

# What apk downloads is in its cache after it was installed, which is for nothing but that: this root is
# left behind. Only so apk chooses, checks and fetches the same packages, and each at its own version.
fetch() {
	case $(apk --version) in
	*' 2.'*) keep= ;;
	*) keep=--cache-packages ;;
	esac
	# shellcheck disable=SC2086 # one option, or none
	to_guest add $keep --no-scripts --no-commit-hooks -- "$@" > /tmp/log 2> "$why" || failed "$why"
	# (N/ALL) Installing NAME (VERSION), or: Upgrading NAME (OLD -> NEW)
	verbs='(Installing|Upgrading|Downgrading|Replacing|Reinstalling)'
	line="^\\( *[0-9]+/[0-9]+\\) $verbs (.*) \\((.* -> )?([^ ]+)\\)\$"
	sed -nE "s,$line,\\2 \\4,p" /tmp/log | sort > /tmp/chosen
	while read -r name version; do
		file=$out/$name-$version.apk
		find "$cache" -name "$name-$version.????????.apk" -exec mv {} "$file" \;
		# A package that has no files but needs others is not in the cache.
		[ -f "$file" ] || to_guest fetch --output "$out" -- "$name" > "$why" 2>&1 || failed "$why"
		url=$(url "$name" "$version")
		if [ ! -f "$file" ] || [ -z "$url" ]; then
			echo "hutch: no repository of the network has $name-$version" >&2
			exit 1
		fi
		entry "$name" "$version" "$url" "$file"
	done < /tmp/chosen
}

# is_there NAME: whether what is installed is what apk understands by it.
is_there() {
	apk add --simulate --no-network --repositories-file /dev/null -- "$1" > /dev/null 2>&1
}

install_all() {
	# A repository of these files alone, in memory. Its index is nobody's who signs; what the files are
	# was seen when they were fetched.
	repository=/dev/shm/hutch-packages
	of=$(apk --print-arch)
	mkdir -p "$repository/$of"
	ln -s "$files"/*.apk "$repository/$of"
	apk index --quiet --allow-untrusted --no-warnings --rewrite-arch "$of" \
		-o "$repository/$of/APKINDEX.tar.gz" "$repository/$of"/*.apk
	why=$(mktemp)
	apk add --no-network --no-cache --allow-untrusted --repositories-file /dev/null \
		--repository "$repository" -- "$@" 2> "$why" || {
		cat "$why" >&2
		require may_have "$@"
		! grep -q 'unable to select packages' "$why" || unfit
		exit 1
	}
	cat "$why" >&2
	rm "$why"
	rm -r "$repository"
}
