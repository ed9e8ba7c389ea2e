/* Which filesystem a block device holds, by the marks that filesystems leave. Portable C. */
#ifndef HUTCH_FSTYPE_H
#define HUTCH_FSTYPE_H

#include <stddef.h>

/* How much of the device's beginning fstype_of wants to see: the farthest mark is btrfs's. */
#define FSTYPE_HEAD (0x10040 + 8)

/* Linux's name of the filesystem that begins with these bytes, or NULL. ext2 to 4 are "ext4". */
const char *fstype_of(const unsigned char *head, size_t size);

#endif
