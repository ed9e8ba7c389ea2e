/* NetBSD's kernel, as the init meets it. Numbers: sys/kern/syscalls.master, which only grows. */
#include "bsd.h"

#include <string.h>

#define SVC(number) (number)
#include "bsd_syscall.h"
#include "bsd_calls.h"

/* The mark by which the kernel knows its own programs (sys/kern/exec_elf.c): NetBSD 10. */
static const struct {
	uint32_t name_size, data_size, type;
	char name[8];
	uint32_t version;
} mark __attribute__((section(".note.netbsd.ident"), aligned(4), used)) = {7, 4, 1, "NetBSD", 1000000000};

#define EEXIST 17
#define MNT_UPDATE 0x10000
#define S_IFCHR 0020000
#define S_IFBLK 0060000

/* Device numbers differ by port: sys/arch/{amd64,arm}/conf/majors.*; raw partitions: disklabel.h. */
#if defined(__x86_64__)
enum { CONS = 0, TTY = 1, MEM = 2, RANDOM = 46, LD_CHAR = 69, LD_BLOCK = 19, PARTITIONS = 16, RAW = 3 };
#else
enum { CONS = 2, TTY = 3, MEM = 0, RANDOM = 52, LD_CHAR = 92, LD_BLOCK = 92, PARTITIONS = 8, RAW = 2 };
#endif

const struct network_abi network_abi = {
	.interface = "vioif0",
	.set_flags = 0x80906910,
	.get_flags = 0xc0906911,
	.add_address = 0x8040691a,
	.get_index = 0xc090698c,
	.route_family = 34,
	.route_version = 4,
	.route_header = 120,
	.link_size = 32,
};

int sys_wait(int *status) { return (int)SYSCALL4(449, -1, status, 0, 0); }

int sys_setgroups(uint32_t gid, const uint32_t *groups, size_t count)
{
	(void)gid;
	return (int)SYSCALL2(80, count, groups);
}

int sys_socket(int domain, int type, int protocol) { return (int)SYSCALL3(394, domain, type, protocol); }

void sys_reboot(void)
{
	SYSCALL2(208, 0, 0); /* RB_AUTOBOOT */
	sys_exit(0);
}

static int mount(const char *type, const char *path, int flags, void *data, size_t size)
{
	return (int)SYSCALL5(410, type, path, flags, data, size);
}

static int make_device(const char *path, int kind, unsigned major, unsigned minor, int mode)
{
	uint64_t device = ((uint64_t)major << 8 & 0xfff00) | ((uint64_t)minor << 12 & 0xfff00000) |
			  (minor & 0xff);

	return (int)SYSCALL3(450, path, kind | mode, device);
}

void sys_prepare(void)
{
	struct {
		const char *device;
	} root = {NULL};
	struct {
		int version;
		uint64_t nodes, bytes;
		uint32_t uid, gid, mode;
	} memory = {.version = 1, .mode = 0755};
	int console = sys_open("/dev/console", 2);

	/* The kernel mounts the root read-only. */
	mount("ffs", "/", MNT_UPDATE, &root, sizeof(root));
	if (console >= 0) {
		sys_close(console);
		return;
	}
	/* An image needs no device nodes, which not every builder may make: they are made here. */
	sys_mkdir("/dev", 0755);
	mount("tmpfs", "/dev", 0, &memory, sizeof(memory));
	make_device("/dev/console", S_IFCHR, CONS, 0, 0600);
	make_device("/dev/tty", S_IFCHR, TTY, 0, 0666);
	make_device("/dev/null", S_IFCHR, MEM, 2, 0666);
	make_device("/dev/zero", S_IFCHR, MEM, 12, 0666);
	make_device("/dev/random", S_IFCHR, RANDOM, 0, 0444);
	make_device("/dev/urandom", S_IFCHR, RANDOM, 1, 0644);
}

/* NetBSD gives programs neither the kernel's command line nor variables from it. */
bool sys_variable(const char *name, char *value, size_t size)
{
	(void)name;
	(void)value;
	(void)size;
	return false;
}

/* The node of a whole disk, by the character or the block device; made when it is not there. */
static bool disk_node(unsigned n, bool block, char *path)
{
	unsigned minor = n * PARTITIONS + RAW;
	char *end = path;
	int made;

	memcpy(end, block ? "/dev/ld" : "/dev/rld", block ? 8 : 9);
	end += strlen(end);
	decimal(end, (long)n);
	end += strlen(end);
	*end++ = (char)('a' + RAW);
	*end = '\0';
	made = block ? make_device(path, S_IFBLK, LD_BLOCK, minor, 0640)
		     : make_device(path, S_IFCHR, LD_CHAR, minor, 0640);
	return made == 0 || made == -EEXIST;
}

bool sys_disk(unsigned n, char *path, size_t size)
{
	int file;

	if (size < 40 || !disk_node(n, false, path))
		return false;
	file = sys_open(path, 0);
	if (file < 0)
		return false;
	sys_close(file);
	return true;
}

int sys_root_disk(void)
{
	static const int root_device[2] = {1, 30}; /* CTL_KERN, KERN_ROOT_DEVICE */
	char name[32] = "";
	size_t size = sizeof(name) - 1;

	if (SYSCALL6(202, root_device, 2, name, &size, 0, 0) != 0 || strncmp(name, "ld", 2) != 0)
		return -1;
	return number_at(name + 2);
}

bool sys_disk_serial(unsigned n, char *serial, size_t size)
{
	(void)n;
	(void)serial;
	(void)size;
	return false;
}

int sys_mount_disk(unsigned n, const char *type, const char *path)
{
	char from[40];
	struct {
		const char *device;
	} options = {from};

	if (!disk_node(n, true, from))
		return -1;
	return mount(strcmp(type, "ext2") == 0 ? "ext2fs" : "ffs", path, 0, &options, sizeof(options));
}
