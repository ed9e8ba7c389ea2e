/*
 * Which disk a volume is on. Portable C.
 *
 * The runtime gives each disk the volume's ID as its serial number. Firecracker and Cloud Hypervisor
 * do not pass it on: with them the disks are in the order of the volumes.
 */
#ifndef HUTCH_VOLUMES_H
#define HUTCH_VOLUMES_H

#include <stddef.h>

#include "config.h"

#define VOLUMES_SERIAL 20 /* virtio-blk has room for this many bytes */
#define VOLUMES_NONE ((size_t)-1)

/*
 * The disk of each volume, as an index below `disk_count`, or VOLUMES_NONE. serials[i] is the serial
 * number of disk i, "" for none; disks below `first` are no volumes. The order counts only when no
 * serial number is that of any volume, and no disk is given twice: rather no disk than another's.
 */
void volumes_assign(size_t *out, const struct config_volume *volumes, size_t count,
		    char serials[][VOLUMES_SERIAL + 1], size_t disk_count, size_t first);

#endif
