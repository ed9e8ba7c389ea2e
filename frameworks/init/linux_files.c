/* The files in /etc that a container engine brings, for where the runtime cannot: into a disk, say. */
#include "linux.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "environment.h"

#define NAME 64 /* HOST_NAME_MAX of Linux */

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

/* An empty file is what engines leave where they mounted theirs while the image was built. */
static bool lacks(const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size == 0);
}

/* Take a name up to its first blank: false, and `out` as it was, when it is none. */
static bool take_name(char out[NAME + 1], const char *text)
{
	size_t length = text ? strcspn(text, " \t\n") : 0;

	if (length == 0 || length > NAME)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '.')
			return false;
	memcpy(out, text, length);
	out[length] = '\0';
	return true;
}

/*
 * The name. The runtime mounts the container's /etc/hostname where it can: not into a disk, where that
 * file is the image's. Engines also say it by HOSTNAME, if the image does not use that for something
 * else. The kernel has one from ip=, which is always the same.
 */
static void find_name(char out[NAME + 1], const struct config *image, const struct config *runtime)
{
	char *file = runtime ? read_file("/etc/hostname", NULL) : NULL;
	char *told = runtime && runtime->env ? find_env(runtime->env, "HOSTNAME") : NULL;
	struct utsname kernel;
	struct stat root;
	bool disk = stat("/", &root) == 0 && major(root.st_dev) != 0;

	if (image->env && find_env(image->env, "HOSTNAME"))
		told = NULL;
	if (!(!disk && take_name(out, file)) && !take_name(out, told) && !take_name(out, file) &&
	    !take_name(out, runtime && runtime->hostname ? runtime->hostname : image->hostname) &&
	    !(uname(&kernel) == 0 && take_name(out, kernel.nodename)))
		strcpy(out, "localhost");
	free(file);
}

void name_machine(const struct config *image, const struct config *runtime)
{
	char name[NAME + 1], address[16], text[512];
	int length;

	find_name(name, image, runtime);
	sethostname(name, strlen(name));
	if (lacks("/etc/hostname")) {
		snprintf(text, sizeof(text), "%s\n", name);
		provide("hostname", text);
	}
	if (!lacks("/etc/hosts"))
		return;
	length = snprintf(text, sizeof(text),
			  "127.0.0.1\tlocalhost\n"
			  "::1\tlocalhost ip6-localhost ip6-loopback\n"
			  "fe00::\tip6-localnet\n"
			  "ff00::\tip6-mcastprefix\n"
			  "ff02::1\tip6-allnodes\n"
			  "ff02::2\tip6-allrouters\n");
	if (net_address(address))
		snprintf(text + length, sizeof(text) - (size_t)length, "%s\t%s\n", address, name);
	provide("hosts", text);
}
