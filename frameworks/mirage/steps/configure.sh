# What `mirage configure` writes: configure.sh build|report TARGET [--KEY=VALUE]...
#
# `report` is for a build that failed: it leaves in /out/report what the tool says, nothing where it is
# content.
set -eu
how=$1 target=$2
shift 2
cd /app
if [ "$how" = build ]; then
	if [ ! -e config.ml ]; then
		echo "hutch: the application has no config.ml to be configured by" >&2
		exit 1
	fi
	exec mirage configure --target "$target" "$@"
fi
: > /out/report
if [ ! -e config.ml ]; then
	printf unconfigurable > /out/report
elif ! mirage configure --target "$target" "$@" > /out/said 2>&1; then
	{
		echo "configure:"
		cat /out/said
	} > /out/report
fi
