/* The files in /etc that a container engine brings, for where the runtime cannot: into a disk, say. */
#include "linux.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Write it; a symbolic link that leads nowhere, as systemd's does here, gives way. */
static bool write_over(const char *path, const char *text)
{
	struct stat st;

	if (stat(path, &st) != 0)
		unlink(path);
	return write_file(path, text);
}

#define LAYER "/dev/.hutch"

/* Memory to cover files with. What is mounted from it keeps it: nobody else needs to see where it is. */
static bool open_layer(void)
{
	mkdir(LAYER, 0700);
	return mount("tmpfs", LAYER, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0;
}

static void close_layer(void)
{
	int error = errno;

	umount2(LAYER, MNT_DETACH);
	rmdir(LAYER);
	errno = error;
}

bool cover_directory(const char *path)
{
	char options[256];
	struct stat st;
	bool done;

	if (stat(path, &st) != 0 || !open_layer())
		return false;
	mkdir(LAYER "/upper", 0700);
	mkdir(LAYER "/work", 0700);
	snprintf(options, sizeof(options),
		 "lowerdir=%s,upperdir=" LAYER "/upper,workdir=" LAYER "/work", path);
	/* The upper directory's owner and mode are what is seen. */
	done = chown(LAYER "/upper", st.st_uid, st.st_gid) == 0 &&
	       chmod(LAYER "/upper", st.st_mode & 07777) == 0 &&
	       mount("overlay", path, "overlay", MS_NOSUID | MS_NODEV, options) == 0;
	close_layer();
	return done;
}

/*
 * A file in a root that cannot be written to: over the one that is there, or else in a layer over the
 * whole of /etc.
 */
static bool cover(const char *path, const char *text)
{
	struct stat st;
	bool done;

	if (stat(path, &st) != 0)
		return cover_directory("/etc") && write_over(path, text);
	done = open_layer() && write_file(LAYER "/file", text) &&
	       mount(LAYER "/file", path, NULL, MS_BIND, NULL) == 0;
	close_layer();
	return done;
}

bool provide(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/etc/%s", name);
	mkdir("/etc", 0755);
	if (write_over(path, text) || cover(path, text))
		return true;
	say("cannot write %s: %s", path, strerror(errno));
	return false;
}
