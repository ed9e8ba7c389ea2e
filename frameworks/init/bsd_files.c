/* The files in /etc that a container engine brings, for where neither the runtime nor the image has. */
#include "bsd.h"

#include <string.h>

#define HOSTS "/etc/hosts"
#define RESOLV "/etc/resolv.conf"

/* Open an empty file for writing; a symbolic link that leads nowhere gives way. */
static int begin(const char *path, bool there)
{
	char number[24];
	int file;

	sys_mkdir("/etc", 0755);
	if (!there)
		sys_unlink(path);
	file = sys_create(path);
	if (file < 0)
		say("cannot write ", path, ": error ", decimal(number, -file), NULL);
	return file;
}

static void put(int file, const char *text)
{
	sys_write(file, text, strlen(text));
}

/* The beginning of a file, with a NUL after it; false when there is no such file. */
static bool read_start(const char *path, char *text, size_t size)
{
	int file = sys_open(path, 0);
	long got = file < 0 ? 0 : sys_read(file, text, size - 1);

	text[got > 0 ? got : 0] = '\0';
	if (file >= 0)
		sys_close(file);
	return file >= 0;
}

/* Does a line of a resolv.conf(5) name a server? */
static bool names_server(const char *text)
{
	while (text && strncmp(text, "nameserver", 10) != 0) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return text != NULL;
}

void name_servers(const struct config *config)
{
	char old[4096];
	bool there = read_start(RESOLV, old, sizeof(old));
	int file;

	if (config->name_server_count == 0 || names_server(old))
		return;
	file = begin(RESOLV, there);
	if (file < 0)
		return;
	for (size_t i = 0; i < config->name_server_count; i++) {
		put(file, "nameserver ");
		put(file, config->name_servers[i]);
		put(file, "\n");
	}
	sys_close(file);
}

void name_hosts(void)
{
	char old[2];
	bool there = read_start(HOSTS, old, sizeof(old));
	int file;

	/* An empty file is what engines leave where they mounted theirs while the image was built. */
	if (old[0])
		return;
	file = begin(HOSTS, there);
	if (file < 0)
		return;
	put(file, "127.0.0.1\tlocalhost\n::1\tlocalhost\n");
	sys_close(file);
}
