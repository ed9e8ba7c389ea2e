#include "fstype.h"

#include <string.h>

static const struct {
	const char *name;
	size_t offset;
	const char *mark;
	size_t length;
} MARKS[] = {
	{"ext4", 0x438, "\x53\xef", 2},
	{"squashfs", 0, "hsqs", 4},
	{"erofs", 0x400, "\xe2\xe1\xf5\xe0", 4},
	{"xfs", 0, "XFSB", 4},
	{"btrfs", 0x10040, "_BHRfS_M", 8},
	{"f2fs", 0x400, "\x10\x20\xf5\xf2", 4},
	{"iso9660", 0x8001, "CD001", 5},
	{"ntfs3", 3, "NTFS    ", 8},
	{"exfat", 3, "EXFAT   ", 8},
	{"vfat", 0x52, "FAT32   ", 8},
	{"vfat", 0x36, "FAT1", 4},
};

const char *fstype_of(const unsigned char *head, size_t size)
{
	for (size_t i = 0; i < sizeof(MARKS) / sizeof(*MARKS); i++) {
		size_t end = MARKS[i].offset + MARKS[i].length;

		if (end <= size && memcmp(head + MARKS[i].offset, MARKS[i].mark, MARKS[i].length) == 0)
			return MARKS[i].name;
	}
	return NULL;
}
