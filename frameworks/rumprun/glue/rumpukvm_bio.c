/*
 * The rump kernel's block hypercalls, on the one device that urunc attaches.
 *
 * Rumprun opens "XENBLK_" and the path that the configuration gives, which urunc sets to /dev/ld0a: any
 * name is this device. Solo5 moves one block a call, on its boundary; the rump kernel asks in
 * sectors of 512 bytes, so what does not fill a block goes through a buffer of one.
 */
#include <bmk-core/errno.h>
#include <bmk-core/memalloc.h>
#include <bmk-core/string.h>

#include <bmk-rumpuser/core_types.h>
#include <bmk-rumpuser/rumpuser.h>

#include "glue.h"

#define PREFIX "XENBLK_"
#define FD 64

/* A block for what is smaller. */
static uint8_t *buffer;

int rumprun_platform_rumpuser_init(void)
{
	return 0;
}

/* 0, or the error for `name`. */
static int find(const char *name)
{
	if (bmk_strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0)
		return BMK_ENOENT;
	if (!glue_block.found)
		return BMK_ENXIO;
	if (buffer == NULL)
		buffer = bmk_memalloc(glue_block.info.block_size, 0, BMK_MEMWHO_WIREDBMK);
	return buffer == NULL ? BMK_ENOMEM : 0;
}

int rumpuser_open(const char *name, int mode, int *fd)
{
	int error = find(name);

	if (error)
		return error;
	if (!(mode & RUMPUSER_OPEN_BIO))
		return BMK_ENXIO;
	*fd = FD;
	return 0;
}

int rumpuser_close(int fd)
{
	(void)fd;
	return 0;
}

int rumpuser_getfileinfo(const char *name, uint64_t *size, int *type)
{
	int error = find(name);

	if (error)
		return error;
	*size = glue_block.info.capacity;
	*type = RUMPUSER_FT_BLK;
	return 0;
}

/* Moves `size` bytes, all of them in the block at `start`, `skip` bytes into it. */
static int move(int op, uint8_t *data, uint64_t start, size_t skip, size_t size)
{
	const size_t block = glue_block.info.block_size;
	int reads = op & RUMPUSER_BIO_READ;

	if (size == block) {
		if (reads)
			return solo5_block_read(glue_block.handle, start, data, block);
		return solo5_block_write(glue_block.handle, start, data, block);
	}
	if (solo5_block_read(glue_block.handle, start, buffer, block) != SOLO5_R_OK)
		return SOLO5_R_EUNSPEC;
	if (reads) {
		bmk_memcpy(data, buffer + skip, size);
		return SOLO5_R_OK;
	}
	bmk_memcpy(buffer + skip, data, size);
	return solo5_block_write(glue_block.handle, start, buffer, block);
}

void rumpuser_bio(int fd, int op, void *data, size_t size, int64_t from, rump_biodone_fn done,
		  void *argument)
{
	const size_t block = glue_block.info.block_size;
	uint8_t *next = data;
	size_t moved = 0;

	if (fd != FD || buffer == NULL || size == 0 || from < 0) {
		done(argument, 0, BMK_EIO);
		return;
	}
	while (moved < size) {
		size_t skip = (from + moved) % block;
		size_t part = block - skip < size - moved ? block - skip : size - moved;

		if (move(op, next, from + moved - skip, skip, part) != SOLO5_R_OK) {
			done(argument, moved, BMK_EIO);
			return;
		}
		next += part;
		moved += part;
	}
	done(argument, size, 0);
}
