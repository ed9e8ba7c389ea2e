/*
 * The parts of the Linux init, one file each, in the order in which they may call each other: a part
 * calls only those above it, and linux.c, which is the story, calls them all.
 */
#ifndef HUTCH_LINUX_H
#define HUTCH_LINUX_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/* linux_base.c */

/* One line to the console, after "hutch-init: ". For what the user must know, nothing else. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* A whole file as a string of *size bytes, ended by one more NUL; NULL with errno. free() it. */
char *read_file(const char *path, size_t *size);
bool write_file(const char *path, const char *text);
bool make_dirs(char *path); /* mkdir -p */
/* Are we the machine's first process, and not a container's or a shell's? */
bool is_machine(void);

/* linux_limits.c */
/* A sysctl's file, where the kernel's own value `from` stands: somebody may have set another. */
void set_kernel(const char *path, const char *from, const char *to);
void set_kernel_defaults(void); /* what engines set for every container */
void set_limits(const struct config *config);

/* linux_files.c: what a container engine puts into /etc, where nobody did */

/* Put memory over a directory: what is in it stays in sight, what is written is gone with the guest. */
bool cover_directory(const char *path);
/* Write /etc/<name>, also where the root cannot be written to. False, and a word about it. */
bool provide(const char *name, const char *text);

/* linux_mount.c */
void mount_system(void); /* /proc, /sys, /dev and the like, where the root lacks them */
void keep_disk_current(void); /* what is written gets to the root's disk soon */
void mount_volumes(const struct config_volume *volumes, size_t count);
void unmount_all(void); /* in reverse order, the root read-only at last */

/* linux_net.c */
void net_up(const struct config *image); /* lo, resolv.conf; the kernel has set up eth0 by ip= */
void net_default_route(void);            /* by eth0, to a gateway outside of its subnet */
bool net_address(char out[16]);          /* eth0's, as text; false when it has none */

/* linux_name.c */

/* The machine's name, /etc/hostname, /etc/hosts; `runtime` is its configuration, or NULL. */
void name_machine(const struct config *image, const struct config *runtime);

/* linux_process.c */
struct launch {
	char **args, **env;
	const struct config *config;
};
int run_app(const struct launch *launch); /* until it ends; its status as a shell tells it */

#endif
