/*
 * hutch's init for NetBSD and FreeBSD guests. bsd.c is the story, freebsd.c and netbsd.c are what the
 * two kernels do differently, in system calls: there is no C library in it, so it is the same few
 * kilobytes whatever release the kernel is of.
 *
 * Where it finds its configuration (docs/contract/urunc.md 3), the first that is there:
 *   1. FreeBSD: the file or device that the kernel environment names as URUNIT_CONFIG;
 *   2. a block device that begins with "UES\n", "UCS\n" or "URUNIT1", the last device first;
 *   3. /.hutch/init.conf, which the build left in the image.
 * A section that the runtime's configuration lacks is taken from the image's.
 */
#ifndef HUTCH_BSD_H
#define HUTCH_BSD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* A part calls only those above it, and bsd.c calls them all. Its start() is what the kernel enters, by
 * bsd_start.c, which nobody includes or calls. */

/* Results are as the system call's: 0 or more, or minus an error number of that system. */

/* --- bsd_text.c ------------------------------------------------------------------------------- */

/* A number in decimal, in a buffer of 24 bytes. */
char *decimal(char *buffer, long value);
/* The number that a text begins with, or -1. */
int number_at(const char *text);

/* --- freebsd.c, netbsd.c, bsd_calls.h ---------------------------------------------------------- */

void sys_exit(int status) __attribute__((noreturn));
int sys_open(const char *path, int flags); /* 0: read, 1: write, 2: both */
int sys_create(const char *path);          /* an empty file, in the place of one that is there */
long sys_read(int file, void *data, size_t size);
long sys_write(int file, const void *data, size_t size);
int sys_close(int file);
int sys_dup2(int from, int to);
int sys_mkdir(const char *path, int mode);
int sys_unlink(const char *path);
int sys_chdir(const char *path);
int sys_fork(void);
int sys_execve(const char *path, char *const *args, char *const *env);
int sys_wait(int *status); /* any child; returns its process id */
int sys_setsid(void);
int sys_control_terminal(int file);
int sys_setgroups(uint32_t gid, const uint32_t *groups, size_t count);
int sys_setgid(uint32_t gid);
int sys_setuid(uint32_t uid);
int sys_setlimit(int which, uint64_t soft, uint64_t hard);
int sys_sethostname(const char *name, size_t length);
int sys_socket(int domain, int type, int protocol);
int sys_ioctl(int file, unsigned long request, void *argument);
void sys_sync(void);
int sys_unmount(const char *path);
void sys_reboot(void) __attribute__((noreturn));

/* Before anything else: device nodes, and a root that can be written to. */
void sys_prepare(void);
/* The value of a variable that the monitor gave the kernel: false when there is none. */
bool sys_variable(const char *name, char *value, size_t size);
/* The device file of the n-th virtio block device, from 0; false when there is no such. */
bool sys_disk(unsigned n, char *path, size_t size);
/* The disk that the root filesystem is on, or -1. */
int sys_root_disk(void);
/* That device's serial number; false when the system does not tell. */
bool sys_disk_serial(unsigned n, char *serial, size_t size);
/* Mount disk n (a file system of type "ffs" or "ext2") at `path`. */
int sys_mount_disk(unsigned n, const char *type, const char *path);

/* Of the network: the interface's name, and the sizes and numbers in which the systems differ. */
struct network_abi {
	const char *interface;
	unsigned long set_flags;   /* SIOCSIFFLAGS */
	unsigned long get_flags;   /* SIOCGIFFLAGS */
	unsigned long add_address; /* SIOCAIFADDR: of struct ifaliasreq the first 64 bytes are the same */
	unsigned long get_index;   /* SIOCGIFINDEX */
	int route_family;          /* AF_ROUTE */
	uint8_t route_version;     /* RTM_VERSION */
	size_t route_header;       /* struct rt_msghdr */
	size_t link_size;          /* struct sockaddr_dl */
};
extern const struct network_abi network_abi;

/* --- bsd_say.c ------------------------------------------------------------------------------------ */

/* A line on the console: the strings up to NULL, together. */
void say(const char *first, ...);

/* --- bsd_net.c -------------------------------------------------------------------------------- */

/* "10.0.0.1" in network order; false for anything else. */
bool parse_address(const char *text, uint32_t *address);

/* The size of a routing message that adds a route, written to `out` (zeroed, 256 bytes). With
 * `interface` the gateway is that interface (an index), else `gateway`, an address. */
size_t route_message(unsigned char *out, const struct network_abi *abi, uint32_t to, uint32_t mask,
		     uint32_t gateway, uint16_t interface);

/* Bring up loopback, and the first interface as the configuration says. `direct`: the default route
 * is the interface itself, where no gateway is given. */
void network_up(const struct config *config, bool direct);

/* --- bsd_disk.c ------------------------------------------------------------------------------- */

/* Does a device or file begin like a configuration? */
bool looks_like_config(const char *head, size_t size);
/* "ffs" or "ext2" by the marks in the first DISK_HEAD bytes, or NULL. */
const char *disk_type(const unsigned char *head, size_t size);
#define DISK_HEAD 0x11000

/* All of a file or device, with a NUL after it, or NULL; `size` without that NUL. */
char *read_all(const char *path, size_t *size);
/* The last disk that holds a configuration, or -1. */
int find_config_disk(void);
/* Mount the volumes; `skip` is the disk that holds the configuration, or -1. */
void mount_volumes(const struct config *config, int skip);
void unmount_volumes(void);

/* --- bsd_files.c ------------------------------------------------------------------------------ */

/* The runtime's name servers into /etc/resolv.conf, where the root filesystem names none. */
void name_servers(const struct config *config);
/* /etc/hosts with the loopback address, where the root filesystem has none. */
void name_hosts(void);

/* --- bsd_process.c ---------------------------------------------------------------------------- */

/* What `image` has and `config` lacks, put into `config`. */
void config_complete(struct config *config, const struct config *image);
/* Run the application, and return its exit status: 128 + n for a signal, 126 and 127 as in a shell. */
int run_app(const struct config *config);

#endif
