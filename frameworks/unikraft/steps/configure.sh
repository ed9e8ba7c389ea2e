# Make a Unikraft kernel's .config: configure.sh REQUEST OUT MAKE-VARIABLE...
#
# /src has the trees: unikraft, app, libs/NAME. Of an application that is none there is nothing to
# configure: the step that looks at the result says so, at its line.
set -eu
request=$1 out=$2
shift 2
if [ ! -e /src/app/Makefile.uk ]; then
	: > "$out"
	exit 0
fi
make -C /src/unikraft UK_DEFCONFIG="$request" "$@" defconfig
cp /o/.config "$out"
