/* What the files of the glue say to each other. Solo5 is beneath them, bmk-core and the rump kernel's
 * hypercalls are above (their headers are rumprun's). */
#ifndef HUTCH_GLUE_H
#define HUTCH_GLUE_H

#include <solo5.h>

/* The names of the devices in the manifest: urunc attaches them by these (--net:tap, --block:rootfs). */
#define GLUE_NET "tap"
#define GLUE_BLOCK "rootfs"

#define GLUE_SECOND 1000000000ULL

/* The network device: `found` is 0 where the manifest names none. */
struct glue_net {
	int found;
	solo5_handle_t handle;
	struct solo5_net_info info;
};

extern struct glue_net glue_net;

/* The block device, in the same way. */
struct glue_block {
	int found;
	solo5_handle_t handle;
	struct solo5_block_info info;
};

extern struct glue_block glue_block;

/* Called when a packet waits on the network device; NULL while no interface exists. */
extern void (*glue_net_ready)(void);

/* What the unikernel ends with, unless it panics: the program's status, 0 to 255. */
extern int glue_status;

/* The table of the tables for unwinding (sections.lds). */
extern const char glue_eh_frame_hdr[];

/* Acquires the devices and reads the clocks: once, before the scheduler starts. */
void glue_init(void);

/* Writes what waits of a line to the console. */
void glue_console_flush(void);

#endif
