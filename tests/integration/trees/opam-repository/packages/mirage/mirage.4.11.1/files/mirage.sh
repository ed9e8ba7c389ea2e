#!/bin/sh
# The entry point of `mirage`, as far as hutch calls it: notes how it was called, and makes of `rules`
# what the tool would write. An application's keys are the words of its config.ml's first comment.
set -eu
said="mirage called: $*"
[ "$1" = configure ]
shift
keys=$(sed -n 's/^(\* keys: \(.*\) \*)$/\1/p' config.ml)
while [ $# -gt 0 ]; do
	case $1 in
	--target)
		target=$2
		shift
		;;
	--*)
		key=${1#--}
		key=${key%%=*}
		case " $keys " in
		*" $key "*) ;;
		*)
			echo "Usage: mirage configure [--help] [OPTION]…" >&2
			echo "mirage: unknown option --$key. Did you mean --net?" >&2
			exit 124
			;;
		esac
		case $1 in
		--net=direct | --net=socket | --no-dhcp) ;;
		*)
			echo "mirage: option --$key: invalid value" >&2
			echo "        ${1#*=}, expected either direct or socket" >&2
			exit 124
			;;
		esac
		;;
	*) exit 2 ;;
	esac
	shift
done
mkdir -p dist mirage
cp rules dist/dune
{
	echo "$said"
	echo "mirage network: $(ls /sys/class/net | tr '\n' ' ')"
} > configured
cat > "mirage/app-$target.opam" << 'END'
opam-version: "2.0"
depends: [
  "mirage" {build & >= "4.11.0" & < "4.12.0"}
  "solo5" {build & >= "0.7.5" & < "0.13.0"}
  "ocaml-solo5" {build & >= "0.8.2" & < "2.0.0"}
  "opam-monorepo" {build & >= "0.3.2"}
  "app-tool" {build}
]
END
