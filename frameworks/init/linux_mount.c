/* The mounts that every program expects, and the volumes that the runtime attached. */
#include "linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "fstype.h"
#include "volumes.h"

#define DISKS 128

static bool is_mount_point(const char *path)
{
	struct stat here, root;

	return stat(path, &here) == 0 && stat("/", &root) == 0 && here.st_dev != root.st_dev;
}

/* In a plain container these are mounted already, and we may not: both are fine. */
static void mount_at(const char *type, const char *path, unsigned long flags, const char *options)
{
	if (is_mount_point(path))
		return;
	mkdir(path, 0755);
	if (mount(type, path, type, flags, options) != 0 && errno != EBUSY && errno != EPERM)
		say("cannot mount %s on %s: %s", type, path, strerror(errno));
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int found = 0;

	if (!dir)
		return true;
	while (found <= 2 && (entry = readdir(dir)))
		found++;
	closedir(dir);
	return found <= 2; /* "." and ".." */
}

/* statfs cannot tell: what it says of 9p is what the host's file system is. */
static bool is_root_on_9p(void)
{
	char *mounts = read_file("/proc/mounts", NULL);
	bool found = mounts && strstr(mounts, " / 9p ");

	free(mounts);
	return found;
}

/*
 * Where servers have their sockets. A root that is shared over 9p takes none: QEMU lets nobody make
 * anything but files, directories and links in it. What the image has in /run stays in sight.
 */
static void mount_run(void)
{
	struct stat st;
	char options[64];

	mkdir("/run", 0755);
	if (stat("/run", &st) != 0)
		return;
	snprintf(options, sizeof(options), "mode=%o,uid=%u,gid=%u", (unsigned)st.st_mode & 07777,
		 (unsigned)st.st_uid, (unsigned)st.st_gid);
	if (is_empty("/run"))
		mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, options);
	else if (is_machine() && !is_mount_point("/run") && is_root_on_9p() &&
		 !cover_directory("/run") && errno != ENODEV)
		say("cannot put memory over /run: %s", strerror(errno));
}

void mount_system(void)
{
	static const char *const LINKS[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	};
	const unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	mount_at("proc", "/proc", plain, NULL);
	mount_at("sysfs", "/sys", plain, NULL);
	mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
	if (fcntl(STDERR_FILENO, F_GETFD) < 0) {
		/*
		 * The root had no /dev/console for the kernel to open; or the console was not there yet: a
		 * virtio one comes with the monitor's answer, which on a busy host can be late.
		 */
		const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
		int console = open("/dev/console", O_RDWR | O_NOCTTY);

		for (int i = 0; console < 0 && errno == ENODEV && i < 200; i++) {
			nanosleep(&pause, NULL);
			console = open("/dev/console", O_RDWR | O_NOCTTY);
		}
		for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
			if (fd != console)
				dup2(console, fd);
		if (console > STDERR_FILENO)
			close(console);
	}
	for (size_t i = 0; i < sizeof(LINKS) / sizeof(*LINKS); i++)
		if (symlink(LINKS[i][0], LINKS[i][1]) != 0 && errno != EEXIST)
			break;
	mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666,gid=5");
	mount_at("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777");
	if (access("/proc/sys/fs/mqueue", F_OK) == 0)
		mount_at("mqueue", "/dev/mqueue", plain, NULL);
	mount_run();
	/* What the image has in it stays in sight. */
	if (is_empty("/tmp"))
		mount_at("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
}

/*
 * A runtime ends a guest by ending its monitor: there is no moment for init to write out what is in
 * memory. So it goes to the disk after a second at most; the kernel would take five for the journal, and
 * thirty for a file's contents. What a program asks to be on the disk (fsync) is there anyway.
 */
void keep_disk_current(void)
{
	struct stat root;
	struct statvfs how;

	if (stat("/", &root) != 0 || major(root.st_dev) == 0)
		return;
	set_kernel("/proc/sys/vm/dirty_writeback_centisecs", "500", "100");
	set_kernel("/proc/sys/vm/dirty_expire_centisecs", "3000", "100");
	/*
	 * Of the file systems that are written to, only one with a journal knows the word. Those that are only
	 * read would complain of it on the console.
	 */
	if (statvfs("/", &how) == 0 && !(how.f_flag & ST_RDONLY))
		mount(NULL, "/", NULL, MS_REMOUNT, "commit=1");
}

static int by_name(const void *one, const void *other)
{
	const char *a = one, *b = other;
	size_t length = strlen(a), other_length = strlen(b);

	/* vdaa comes after vdz */
	return length != other_length ? (length > other_length) - (length < other_length)
				      : strcmp(a, b);
}

/* The names of the virtio disks, in the order they were attached. */
static size_t list_disks(char names[DISKS][32])
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	size_t count = 0;

	while (dir && count < DISKS && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "vd", 2) && strlen(entry->d_name) < 32)
			strcpy(names[count++], entry->d_name);
	if (dir)
		closedir(dir);
	qsort(names, count, sizeof(*names), by_name);
	return count;
}

/* Is the first disk the root filesystem? Then volumes are counted from the second. */
static size_t first_volume(char names[DISKS][32], size_t count)
{
	char path[64];
	struct stat disk, root;

	if (count == 0 || stat("/", &root) != 0)
		return 0;
	snprintf(path, sizeof(path), "/dev/%.31s", names[0]);
	return stat(path, &disk) == 0 && disk.st_rdev == root.st_dev;
}

static void read_serial(const char *disk, char out[VOLUMES_SERIAL + 1])
{
	char path[64];
	char *text;

	snprintf(path, sizeof(path), "/sys/block/%.31s/serial", disk);
	text = read_file(path, NULL);
	snprintf(out, VOLUMES_SERIAL + 1, "%.*s", text ? (int)strcspn(text, "\n") : 0,
		 text ? text : "");
	free(text);
}

static bool mount_disk(const char *disk, const char *path)
{
	static unsigned char head[FSTYPE_HEAD];
	char device[64];
	const char *type;
	size_t size = 0;
	int file;

	snprintf(device, sizeof(device), "/dev/%.31s", disk);
	file = open(device, O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		say("cannot open %s: %s", device, strerror(errno));
		return false;
	}
	while (size < sizeof(head)) {
		ssize_t got = read(file, head + size, sizeof(head) - size);

		if (got <= 0)
			break;
		size += (size_t)got;
	}
	close(file);
	type = fstype_of(head, size);
	if (!type) {
		say("%s, for %s, holds no filesystem that is known here", device, path);
		return false;
	}
	if (mount(device, path, type, 0, NULL) == 0)
		return true;
	if ((errno == EROFS || errno == EACCES) &&
	    mount(device, path, type, MS_RDONLY, NULL) == 0)
		return true;
	if (errno == ENODEV)
		say("cannot mount %s on %s: this kernel has no %s", device, path, type);
	else
		say("cannot mount %s (%s) on %s: %s", device, type, path, strerror(errno));
	return false;
}

void mount_volumes(const struct config_volume *volumes, size_t count)
{
	static char disks[DISKS][32], serials[DISKS][VOLUMES_SERIAL + 1];
	size_t disk_count = count > 0 ? list_disks(disks) : 0;
	size_t *found = calloc(count + 1, sizeof(*found));

	if (!found) {
		say("out of memory: no volume is mounted");
		return;
	}
	for (size_t i = 0; i < disk_count; i++)
		read_serial(disks[i], serials[i]);
	volumes_assign(found, volumes, count, serials, disk_count,
		       first_volume(disks, disk_count));
	for (size_t i = 0; i < count; i++) {
		char path[PATH_MAX];

		if (found[i] == VOLUMES_NONE) {
			say("there is no disk for the volume %s", volumes[i].mount);
			continue;
		}
		if (strlen(volumes[i].mount) >= sizeof(path)) {
			say("a volume's mount point is too long");
			continue;
		}
		strcpy(path, volumes[i].mount);
		if (!make_dirs(path))
			say("cannot make %s: %s", path, strerror(errno));
		else
			mount_disk(disks[found[i]], path);
	}
	free(found);
}

/* The kernel writes blanks and backslashes in a path as \ooo. */
static void unescape(char *path)
{
	char *out = path;

	for (char *in = path; *in; in++) {
		if (in[0] == '\\' && in[1] && in[2] && in[3]) {
			*out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

void unmount_all(void)
{
	char *text = read_file("/proc/mounts", NULL);
	char *end = text ? text + strlen(text) : NULL;

	/* "/dev/vdb /data ext4 ...", in the order of mounting: from the last one up. Only disks
	 * matter. */
	while (end && end > text) {
		char *line, *path;

		*--end = '\0';
		line = strrchr(text, '\n');
		line = line ? line + 1 : text;
		path = strchr(line, ' ');
		if (path && !strncmp(line, "/dev/", 5)) {
			path++;
			path[strcspn(path, " ")] = '\0';
			unescape(path);
			if (strcmp(path, "/") != 0)
				umount2(path, MNT_DETACH);
		}
		end = line;
	}
	free(text);
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	sync();
}
