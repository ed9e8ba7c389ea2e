/* The parts of the Linux init, one file each. */
#ifndef HUTCH_LINUX_H
#define HUTCH_LINUX_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/* One line to the console, after "hutch-init: ". For what the user must know, nothing else. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* A whole file as a string of *size bytes, ended by one more NUL; NULL with errno. free() it. */
char *read_file(const char *path, size_t *size);
bool write_file(const char *path, const char *text);
bool make_dirs(char *path); /* mkdir -p */

/* linux_mount.c */
void mount_system(void); /* /proc, /sys, /dev and the like, where the root lacks them */
void mount_volumes(const struct config_volume *volumes, size_t count);
void unmount_all(void); /* in reverse order, the root read-only at last */

/* linux_net.c */
void net_up(void);            /* lo, resolv.conf; the kernel has set up eth0 by ip= */
void net_default_route(void); /* by eth0, to a gateway outside of its subnet */

/* linux_process.c */
struct launch {
	char **args, **env;
	const struct config *config;
};
int run_app(const struct launch *launch); /* until it ends; its status as a shell tells it */
char *find_env(char **env, const char *name);

#endif
