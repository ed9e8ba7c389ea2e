/* What every part of the Linux init needs, and what needs none of them: the console, files, who we are. */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void say(const char *format, ...)
{
	char line[512];
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	if (length >= 0)
		dprintf(STDERR_FILENO, "hutch-init: %s\n", line);
}

char *read_file(const char *path, size_t *size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 4096, used = 0;
	char *data = file < 0 ? NULL : malloc(room + 1);

	while (data) {
		ssize_t got = read(file, data + used, room - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(data);
			data = NULL;
			break;
		}
		used += (size_t)got;
		if (got == 0) {
			data[used] = '\0';
			break;
		}
		if (used == room) {
			char *more = realloc(data, room * 2 + 1);

			if (!more)
				free(data);
			data = more;
			room *= 2;
		}
	}
	if (file >= 0)
		close(file);
	if (size)
		*size = used;
	return data;
}

bool write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool done = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);

	if (file >= 0)
		close(file);
	return done;
}

bool make_dirs(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	return mkdir(path, 0755) == 0 || errno == EEXIST;
}

bool is_machine(void)
{
	/* The number of the first of all namespaces (include/uapi/linux/nsfs.h, PID_NS_INIT_INO). */
	static const char first[] = "pid:[4026531836]";
	char name[sizeof(first) + 8] = "";

	/* Without /proc, or in a kernel without namespaces, there is no telling, and no container. */
	return getpid() == 1 && (readlink("/proc/self/ns/pid", name, sizeof(name) - 1) < 0 ||
				 strcmp(name, first) == 0);
}
