/* A line on the console. */
#include "bsd.h"

#include <stdarg.h>
#include <string.h>

void say(const char *first, ...)
{
	char line[512] = "hutch-init: ";
	size_t used = strlen(line);
	va_list rest;

	va_start(rest, first);
	for (const char *part = first; part; part = va_arg(rest, const char *)) {
		size_t length = strlen(part);

		if (length > sizeof(line) - 1 - used)
			length = sizeof(line) - 1 - used;
		memcpy(line + used, part, length);
		used += length;
	}
	va_end(rest);
	line[used++] = '\n';
	sys_write(2, line, used);
}
