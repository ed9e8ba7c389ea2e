# NetBSD's tools, rump kernel and C library for Rumprun on Solo5: netbsd.sh PREFIX OBJECTS
#
# All of Rumprun that does not know Solo5, so that another Solo5 does not build it anew.
set -eu
prefix=$1 objects=$2
cd /usr/src/rumprun
if [ ! -e build-rr.sh ] || [ ! -e platform/solo5/Makefile ]; then
	echo "hutch: the source is no Rumprun tree with Solo5: there is no build-rr.sh and platform/solo5" >&2
	exit 216
fi
if [ ! -e src-netbsd/build.sh ]; then
	echo "hutch: the source of Rumprun has no NetBSD in src-netbsd: name it with --build-context src-netbsd=..." >&2
	exit 216
fi
if [ ! -e buildrump.sh/buildrump.sh ]; then
	echo "hutch: the source of Rumprun has no buildrump.sh: name it with --build-context buildrump=..." >&2
	exit 216
fi
. /hutch/build-rr.sh

# Drivers of hardware that a tender has not, and file systems of other machines, are left out: they are
# most of the time that the rump kernel takes. That is no patch, so that it fits any NetBSD that stands in
# for src-netbsd: a list may have other words, in other lines.
leave_out() {
	list=src-netbsd/sys/rump/$1
	shift
	for word; do
		sed -i -E "s/([[:space:]])$word([[:space:]]|\$)/\1\2/" "$list"
	done
}
leave_out dev/Makefile.rumpdevcomp audio dm drvctl fss netsmb opencrypto pad pud raidframe scsipi \
	sysmon wscons ualea ubt ucom ugenhc ulpt umass usb
leave_out fs/Makefile.rumpfscomp efs hfs nfs nfsserver nilfs ntfs smbfs syspuffs sysvbfs udf umap v7fs
leave_out net/Makefile.rumpnetcomp agr gif ipsec l2tp net80211 netbt netcan netipsec netmpls pppoe \
	shmif virtif vlan

# They build a Solo5 of their own, and the platform, at the end: that is the next step's (rumprun.sh).
# What keeps them from it is no patch, since rumprun.sh must not find it.
rm -rf solo5
mkdir solo5
echo 'all: ;' > solo5/Makefile
cat > platform/solo5/GNUmakefile << 'END'
ifeq ($(filter links,$(MAKECMDGOALS)),)
all install: ;
else
include Makefile
endif
END
build_rr build
