/* FreeBSD's kernel, as the init meets it. Numbers: sys/kern/syscalls.master, which only grows. */
#include "bsd.h"

#include <string.h>

#define SVC(number) 0
#include "bsd_syscall.h"
#include "bsd_calls.h"

/* The brand by which the kernel knows its own programs (sys/kern/imgact_elf.c): any release. */
static const struct {
	uint32_t name_size, data_size, type;
	char name[8];
	int32_t release;
} brand __attribute__((section(".note.tag"), aligned(4), used)) = {8, 4, 1, "FreeBSD", 1300000};

#define SIGSYS 12
#define MNT_UPDATE 0x10000

struct iovec {
	const void *base;
	size_t length;
};

const struct network_abi network_abi = {
	.interface = "vtnet0",
	.set_flags = 0x80206910,
	.get_flags = 0xc0206911,
	.add_address = 0x8044692b,
	.get_index = 0xc0206920,
	.route_family = 17,
	.route_version = 5,
	.route_header = 152,
	.link_size = 54,
};

int sys_wait(int *status) { return (int)SYSCALL4(7, -1, status, 0, 0); }

int sys_setgroups(uint32_t gid, const uint32_t *groups, size_t count)
{
	struct {
		void (*handler)(int);
		int flags;
		uint32_t mask[4];
	} action = {0};
	uint32_t all[257] = {gid};
	int failed;

	/* FreeBSD 15 has a new call that leaves the effective group out, and the number of the old one
	 * may be gone. A kernel that lacks a call sends SIGSYS, which would end us. */
	action.handler = (void (*)(int))1; /* SIG_IGN */
	SYSCALL3(416, SIGSYS, &action, 0);
	failed = (int)SYSCALL2(596, count, groups);
	if (failed) {
		for (size_t i = 0; i < count && i < 256; i++)
			all[i + 1] = groups[i];
		failed = (int)SYSCALL2(80, count + 1, all);
	}
	action.handler = NULL; /* SIG_DFL */
	SYSCALL3(416, SIGSYS, &action, 0);
	return failed;
}

int sys_socket(int domain, int type, int protocol) { return (int)SYSCALL3(97, domain, type, protocol); }

void sys_reboot(void)
{
	SYSCALL1(55, 0); /* RB_AUTOBOOT */
	sys_exit(0);
}

static int mount(const char *type, const char *path, const char *from, int flags)
{
	/* Pairs of a name and a value. Of a mounted file system only "noro" takes its "ro" away. */
	struct iovec options[6] = {
		{"fstype", 7}, {type, strlen(type) + 1}, {"fspath", 7}, {path, strlen(path) + 1},
		{"noro", 5},   {NULL, 0},
	};

	if (from) {
		options[4] = (struct iovec){"from", 5};
		options[5] = (struct iovec){from, strlen(from) + 1};
	}
	return (int)SYSCALL3(378, options, 6, flags);
}

void sys_prepare(void)
{
	char root[64] = "ufs:";
	char *colon;

	/* The kernel has mounted /dev itself. It mounts the root read-only unless it was told. */
	if (sys_variable("vfs.root.mountfrom", root, sizeof(root))) {
		colon = strchr(root, ':');
		if (colon)
			*colon = '\0';
	} else {
		root[3] = '\0';
	}
	mount(root, "/", NULL, MNT_UPDATE);
}

bool sys_variable(const char *name, char *value, size_t size)
{
	long length = SYSCALL4(390, 0, name, value, size - 1); /* KENV_GET */

	if (length < 0)
		return false;
	value[size - 1] = '\0';
	return true;
}

static void disk_path(unsigned n, char *path)
{
	memcpy(path, "/dev/vtbd", 9);
	decimal(path + 9, (long)n);
}

bool sys_disk(unsigned n, char *path, size_t size)
{
	int file;

	if (size < 40)
		return false;
	disk_path(n, path);
	file = sys_open(path, 0);
	if (file < 0)
		return false;
	sys_close(file);
	return true;
}

int sys_root_disk(void)
{
	char root[64];

	if (!sys_variable("vfs.root.mountfrom", root, sizeof(root)))
		return 0;
	/* "ufs:/dev/vtbd0", "ufs:vtbd0p2" and their kin. */
	for (const char *at = root; *at; at++)
		if (strncmp(at, "vtbd", 4) == 0)
			return number_at(at + 4);
	return -1;
}

bool sys_disk_serial(unsigned n, char *serial, size_t size)
{
	char path[40], ident[256] = "";
	int file, failed;

	disk_path(n, path);
	file = sys_open(path, 0);
	if (file < 0)
		return false;
	failed = sys_ioctl(file, 0x41006489, ident); /* DIOCGIDENT */
	sys_close(file);
	ident[sizeof(ident) - 1] = '\0';
	if (failed || !ident[0] || strlen(ident) >= size)
		return false;
	memcpy(serial, ident, strlen(ident) + 1);
	return true;
}

int sys_mount_disk(unsigned n, const char *type, const char *path)
{
	char from[40];

	disk_path(n, from);
	return mount(strcmp(type, "ext2") == 0 ? "ext2fs" : "ufs", path, from, 0);
}
