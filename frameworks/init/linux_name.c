/* The machine's name, and the files in /etc that say it. */
#include "linux.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "environment.h"

#define NAME 64 /* HOST_NAME_MAX of Linux */

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
