# A MirageOS application's kernel: mirage.sh TARGET dune|built
#
# TARGET (spt, hvt, virtio) is what it is linked for. `dune` builds what `mirage configure` leaves,
# dist/; `built` takes what the application's own script has left there.
set -eu
target=$1 how=$2
cd /app
if [ "$how" = dune ]; then
	if [ ! -e dist/dune ]; then
		echo "hutch: the application has no dist/dune, whose rules say which file is the kernel" >&2
		exit 1
	fi
	dune build --profile release --root . ./dist
fi
for kernel in "dist/"*".$target" "_build/solo5/dist/"*".$target"; do
	[ -e "$kernel" ] || continue
	name=${kernel##*/}
	if [ -n "${found:-}" ] && [ "${found##*/}" != "$name" ]; then
		echo "hutch: the build left several kernels: $found and $kernel" >&2
		exit 1
	fi
	found=${found:-$kernel}
done
if [ -z "${found:-}" ]; then
	echo "hutch: the build left no dist/*.$target: is the application configured for another target?" >&2
	ls dist _build/solo5/dist >&2 2>/dev/null || true
	exit 1
fi
cp -L "$found" /out/kernel
chmod 0755 /out/kernel
