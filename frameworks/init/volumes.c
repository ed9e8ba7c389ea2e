#include "volumes.h"

#include <stdbool.h>
#include <string.h>

static bool is_taken(const size_t *out, size_t count, size_t disk)
{
	for (size_t i = 0; i < count; i++)
		if (out[i] == disk)
			return true;
	return false;
}

/* A serial number that fills its room may have lost its end. */
static bool is_named(const char *serial, const char *id)
{
	size_t length = strlen(serial);

	return length > 0 && strncmp(serial, id, length) == 0 &&
	       (id[length] == '\0' || length == VOLUMES_SERIAL);
}

void volumes_assign(size_t *out, const struct config_volume *volumes, size_t count,
		    char serials[][VOLUMES_SERIAL + 1], size_t disk_count, size_t first)
{
	bool named = false;

	for (size_t i = 0; i < count; i++) {
		out[i] = VOLUMES_NONE;
		for (size_t disk = first; disk < disk_count && out[i] == VOLUMES_NONE; disk++)
			if (is_named(serials[disk], volumes[i].id) && !is_taken(out, i, disk))
				out[i] = disk;
		named = named || out[i] != VOLUMES_NONE;
	}
	for (size_t i = 0; i < count && !named; i++)
		if (first + i < disk_count)
			out[i] = first + i;
}
