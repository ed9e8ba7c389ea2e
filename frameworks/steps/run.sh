#!/bin/sh
# Run a script of the file's as a step, and say what it lacked if it failed for want of the network:
#
#     run.sh SCRIPT KEY [PUBLIC OWN CREDENTIALS]
#
# KEY is where the file has the script: app.build, which has no network, or app.fetch, which has. What
# the script says is passed on as it comes, and looked at only after a failure. Status 211 is for
# a script that wanted the network in app.build, 212 for one that could not reach it in app.fetch; the
# script's own 211 and 212 become 1 (frameworks.exits). PUBLIC and OWN are folders that outlive the build:
# Go's modules and Cargo's crates are taken from there, and new ones kept. PUBLIC is every project's, and
# gets only what anybody may have; OWN is this project's. CREDENTIALS is how many secrets and agents
# the script has.
script=$1
key=$2
public=${3:-}
own=${4:-}
credentials=${5:-0}
if [ "$key" = app.fetch ] && [ -s /run/secrets/ca ]; then
	# The build secret `ca`, as OpenSSL and Go, curl, git, pip, Node and Cargo are told of it.
	for name in SSL_CERT_FILE CURL_CA_BUNDLE GIT_SSL_CAINFO PIP_CERT NODE_EXTRA_CA_CERTS CARGO_HTTP_CAINFO; do
		eval ": \"\${$name:=/run/secrets/ca}\"" && export "${name?}"
	done
fi
folder=$(mktemp -d) && mkfifo "$folder/pipe" || exec /bin/sh -e "$script"
{
	tee "$folder/said" < "$folder/pipe"
	: > "$folder/done"
} &
if [ -n "$public" ] && command -v go > /dev/null 2>&1; then
	# Go takes modules from a folder as from a proxy, and the checksums of go.sum count there, too.
	go=$(go env GOPROXY)
	mkdir -p "$public/go" "$own/go" && export GOPROXY="file://$own/go,file://$public/go,$go"
else
	go=
fi
# Cargo asks no server for a crate that is where it would put it, and looks at it no more. So only those
# are put there whose checksum is the one in Cargo.lock.
seed() {
	registries=${CARGO_HOME:?}/registry/cache
	find . -name Cargo.lock -exec awk -F '"' '
		/^name = / { name = $2 }
		/^version = "/ { version = $2 }
		/^checksum = / { print $2, name "-" version ".crate" }' {} + | sort -u | while read -r sum crate; do
		for file in "$own"/cargo/*/"$crate" "$public"/cargo/*/"$crate"; do
			[ -f "$file" ] && [ "$(sha256sum < "$file")" = "$sum  -" ] || continue
			to=$registries/$(basename "${file%/*}")
			mkdir -p "$to" && cp "$file" "$to"
		done
	done
}
if [ -n "$public" ] && [ -n "${CARGO_HOME:-}" ] && command -v cargo > /dev/null 2>&1; then
	cargo=$CARGO_HOME/registry/cache
	seed
else
	cargo=
fi
status=0
/bin/sh -e "$script" > "$folder/pipe" 2>&1 || status=$?
# What the script has left running may keep the pipe open: a second is enough for what has been said.
tries=0
while ! [ -e "$folder/done" ] && [ "$tries" -lt 20 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
# keep FROM TO TEST...: leave to later builds the files that are new, of those that find(1) finds by TEST.
# Another build may be at it: a file is there whole or not at all.
keep() {
	from=$1
	to=$2
	shift 2
	cd "$from" 2> /dev/null || return 0
	find . "$@" -type f ! -name '*.lock' ! -name '*.partial' -exec sh -c '
		to=$1
		shift
		for file; do
			[ ! -e "$to/$file" ] || continue
			mkdir -p "$to/${file%/*}" && cp "$file" "$to/$file.$$" && mv "$to/$file.$$" "$to/$file"
		done' keep "$to" {} +
}
# Whether all that Go downloaded came from where anybody gets it: without credentials, from Go's own proxy.
# What is private it asks repositories for itself, and keeps what it cloned.
anybodys() {
	[ "$credentials" -eq 0 ] && ! grep -qE 'GO(NO)?PROXY|GOPRIVATE' "$script" || return 1
	case $go in https://proxy.golang.org | https://proxy.golang.org[,\|]direct) ;; *) return 1 ;; esac
	[ -z "$(go env GOPRIVATE GONOPROXY | tr -d '\n')" ] || return 1
	! ls -d "$GOMODCACHE"/cache/vcs/* > /dev/null 2>&1
}
if [ "$status" -eq 0 ]; then
	if [ -n "$go" ] && [ -n "${GOMODCACHE:-}" ]; then
		to=$own
		! anybodys || to=$public
		# A version's files never change; Go's lists of versions do.
		keep "$GOMODCACHE/cache/download" "$to/go" -path '*/@v/v[0-9]*'
	fi
	if [ -n "$cargo" ]; then
		keep "$cargo" "$public/cargo" -path './index.crates.io-*' -name '*.crate'
		keep "$cargo" "$own/cargo" ! -path './index.crates.io-*' -name '*.crate'
	fi
	exit 0
fi

offline='Temporary failure (in name resolution|resolving)|Could not resolve (host|proxy)'
offline="$offline|Name or service not known|Network is unreachable|network is unreachable|EAI_AGAIN"
offline="$offline|ENOTFOUND|getaddrinfo|No route to host|lookup [^ ]* on|failed to lookup address"
offline="$offline|unable to resolve host|bad address|Unable to connect to|Could not connect to"
unknown='^E: (Unable to locate package|Package .* has no installation candidate)'
case $status in 211 | 212) status=1 ;; esac
if [ "$key" = app.build ] && grep -qE "$offline|$unknown" "$folder/said"; then
	echo "hutch: app.build has no network: what fetches belongs in app.fetch, and packages of the" \
		"distribution under app.packages" >&2
	exit 211
elif [ "$key" = app.fetch ] && grep -qE "$offline" "$folder/said"; then
	echo "hutch: app.fetch could not reach the network: see the builder's own network and DNS" >&2
	exit 212
fi
exit "$status"
