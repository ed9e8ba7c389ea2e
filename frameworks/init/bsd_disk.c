/* Disks: which of them holds the configuration, and those that are volumes. */
#include "bsd.h"

#include <stdlib.h>
#include <string.h>

enum { DISKS = 16, CHUNK = 65536, LIMIT = 4 << 20 };

static const char *mounted[DISKS];
static size_t mounted_count;

bool looks_like_config(const char *head, size_t size)
{
	return (size >= 4 && (memcmp(head, "UES\n", 4) == 0 || memcmp(head, "UCS\n", 4) == 0 ||
			      memcmp(head, "UNS\n", 4) == 0)) ||
	       (size >= 8 && memcmp(head, "URUNIT1", 8) == 0);
}

const char *disk_type(const unsigned char *head, size_t size)
{
	/* The magic number at the end of a superblock: UFS1's is 8 KiB into the disk, UFS2's 64 KiB. */
	static const unsigned char ufs1[4] = {0x54, 0x19, 0x01, 0x00}, ufs2[4] = {0x19, 0x01, 0x54, 0x19};

	if (size >= 0x43a && head[0x438] == 0x53 && head[0x439] == 0xef)
		return "ext2";
	if (size >= 0x2000 + 1376 && memcmp(head + 0x2000 + 1372, ufs1, 4) == 0)
		return "ffs";
	if (size >= 0x10000 + 1376 && memcmp(head + 0x10000 + 1372, ufs2, 4) == 0)
		return "ffs";
	return NULL;
}

char *read_all(const char *path, size_t *size)
{
	static char buffer[LIMIT];
	int file = sys_open(path, 0);
	size_t used = 0;
	long got = 0;
	char *data;

	if (file < 0)
		return NULL;
	while (used < LIMIT) {
		/* Whole sectors: that is how a disk's raw device is read. */
		got = sys_read(file, buffer + used, LIMIT - used < CHUNK ? LIMIT - used : CHUNK);
		if (got <= 0)
			break;
		used += (size_t)got;
		if (got % 512 != 0)
			break;
	}
	sys_close(file);
	data = got < 0 && used == 0 ? NULL : malloc(used + 1);
	if (data) {
		memcpy(data, buffer, used);
		data[used] = '\0';
	}
	*size = used;
	return data;
}

static size_t read_head(const char *path, void *data, size_t size)
{
	int file = sys_open(path, 0);
	size_t used = 0;

	if (file < 0)
		return 0;
	while (used < size) {
		long got = sys_read(file, (char *)data + used, size - used);

		if (got <= 0)
			break;
		used += (size_t)got;
	}
	sys_close(file);
	return used;
}

int find_config_disk(void)
{
	static char head[512];
	char path[40];

	for (int n = DISKS - 1; n >= 0; n--)
		if (sys_disk((unsigned)n, path, sizeof(path)) &&
		    looks_like_config(head, read_head(path, head, sizeof(head))))
			return n;
	return -1;
}

/* The disk of those not taken whose serial number is `id`, of which virtio keeps 20 characters; -1
 * for none. Notes whether any disk has a serial number. */
static int disk_of(const char *id, const bool *taken, bool *told)
{
	char serial[256], path[40];
	int found = -1;

	for (unsigned n = 0; n < DISKS; n++) {
		if (!sys_disk(n, path, sizeof(path)) || !sys_disk_serial(n, serial, sizeof(serial)))
			continue;
		*told = true;
		if (found < 0 && !taken[n] && strncmp(serial, id, 20) == 0)
			found = (int)n;
	}
	return found;
}

/* The first disk that is not taken, or -1. */
static int next_disk(const bool *taken)
{
	char path[40];

	for (int n = 0; n < DISKS; n++)
		if (!taken[n] && sys_disk((unsigned)n, path, sizeof(path)))
			return n;
	return -1;
}

/* Choose a disk for each volume: `disks` has room for as many. */
static void choose_disks(const struct config *config, bool *taken, int *disks)
{
	bool told = false;

	/* Those with a name first, so that none of their disks is taken for another's. Firecracker's
	 * serial numbers are its own: there the runtime's names begin with FC, and the order counts. */
	for (size_t i = 0; i < config->volume_count; i++) {
		const char *id = config->volumes[i].id;

		disks[i] = strncmp(id, "FC", 2) == 0 ? -1 : disk_of(id, taken, &told);
		if (disks[i] >= 0)
			taken[disks[i]] = true;
	}
	for (size_t i = 0; i < config->volume_count; i++) {
		if (disks[i] >= 0 || (told && strncmp(config->volumes[i].id, "FC", 2) != 0))
			continue;
		disks[i] = next_disk(taken);
		if (disks[i] >= 0)
			taken[disks[i]] = true;
	}
}

static void make_path(const char *path)
{
	char part[1024];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		return;
	for (size_t i = 1; i <= length; i++)
		if (path[i] == '/' || path[i] == '\0') {
			memcpy(part, path, i);
			part[i] = '\0';
			sys_mkdir(part, 0755);
		}
}

static void mount_volume(const char *mount, int disk)
{
	static unsigned char head[DISK_HEAD];
	char path[40], number[24];
	const char *type = NULL;
	int failed;

	if (disk < 0) {
		say("there is no disk for the volume ", mount, NULL);
		return;
	}
	if (sys_disk((unsigned)disk, path, sizeof(path)))
		type = disk_type(head, read_head(path, head, sizeof(head)));
	if (!type) {
		say("the volume ", mount, " holds no file system that is known here", NULL);
		return;
	}
	make_path(mount);
	failed = sys_mount_disk((unsigned)disk, type, mount);
	if (failed)
		say("cannot mount the volume ", mount, ": error ", decimal(number, -failed), NULL);
	else if (mounted_count < DISKS)
		mounted[mounted_count++] = mount;
}

void mount_volumes(const struct config *config, int skip)
{
	bool taken[DISKS] = {false};
	int root = sys_root_disk();
	int *disks = malloc(config->volume_count * sizeof(*disks));

	if (!disks) {
		say("out of memory", NULL);
		return;
	}
	if (skip >= 0 && skip < DISKS)
		taken[skip] = true;
	if (root >= 0 && root < DISKS)
		taken[root] = true;
	choose_disks(config, taken, disks);
	for (size_t i = 0; i < config->volume_count; i++)
		mount_volume(config->volumes[i].mount, disks[i]);
}

void unmount_volumes(void)
{
	while (mounted_count > 0)
		sys_unmount(mounted[--mounted_count]);
}
