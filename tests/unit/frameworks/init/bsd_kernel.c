/*
 * A kernel that writes down what the BSD init asks of it: kernel WORLD
 *
 * The init's own sources are linked to it (bsd_kernel.h), so what is seen here is what NetBSD or
 * FreeBSD would see. WORLD is a directory:
 *
 *   calls         "NUMBER NAME" per line: the system calls that this kernel has
 *   root/         the guest's files
 *   disk0, ...    its disks, and serial0, ... their serial numbers
 *   kenv          "NAME=VALUE" per line: FreeBSD's variables
 *   rootdev       NetBSD's name of the root device
 *   devices       NetBSD's numbers: of the console, of ld as a character and as a block device, how
 *                 many partitions a disk has, and which of them is all of it
 *   program       what any program does: "exit 3" or "kill 9"
 *   orphans       how many other processes end before it
 *   fail          "NAME" per line: calls that fail with EPERM
 *
 * and gets `log`, a line for each call but those that only look.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOFILE = 64, NODES = 64, EPERM_ = 1, ENOENT_ = 2, ENXIO_ = 6, EACCES_ = 13, EEXIST_ = 17, EROFS_ = 30, ENOSYS_ = 78 };

static const char *world;
static int log_file;
static int orphans;
static unsigned console, ld_char, ld_block, partitions, raw;
static struct file { enum { NONE, PLAIN, WRITTEN, CONSOLE, SOCKET } kind; int disk; } files[NOFILE];
static struct node { char path[64]; unsigned mode; uint64_t device; } nodes[NODES];
static size_t node_count;

void start(void) __attribute__((noreturn));

static void note(const char *format, ...)
{
	char line[8192];
	va_list rest;
	int size;

	va_start(rest, format);
	size = vsnprintf(line, sizeof(line) - 1, format, rest);
	va_end(rest);
	if (size > (int)sizeof(line) - 2)
		size = (int)sizeof(line) - 2;
	line[size++] = '\n';
	if (write(log_file, line, (size_t)size) != size)
		_exit(99);
}

/* The content of a file of the world, without a newline at its end; NULL when there is none. */
static const char *text_of(const char *name)
{
	static char text[65536];
	char path[1024];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", world, name);
	file = fopen(path, "r");
	if (!file)
		return NULL;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	if (size > 0 && text[size - 1] == '\n')
		size--;
	text[size] = '\0';
	return text;
}

/* The rest of the line of a file of the world that begins with `key`, or NULL. */
static const char *line_of(const char *name, const char *key)
{
	static char found[1024];
	const char *line = text_of(name);

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, strlen(key)) == 0) {
			snprintf(found, sizeof(found), "%.*s", (int)strcspn(line, "\n"), line);
			return found + strlen(key);
		}
	return NULL;
}

static const char *hex(const unsigned char *data, size_t size)
{
	static char text[2048];
	size_t n = 0;

	for (; n < size && n < sizeof(text) / 2 - 1; n++)
		snprintf(text + 2 * n, 3, "%02x", data[n]);
	text[2 * n] = '\0';
	return text;
}

static char *below_root(const char *path)
{
	static char full[1024];

	snprintf(full, sizeof(full), "%s/root%s", world, path);
	return full;
}

static int keep(int file, int kind, int disk)
{
	if (file >= 0 && file < NOFILE)
		files[file] = (struct file){kind, disk};
	return file;
}

static long open_disk(int disk)
{
	char path[1024];
	int file;

	snprintf(path, sizeof(path), "%s/disk%d", world, disk);
	file = open(path, O_RDONLY);
	return file < 0 ? -ENXIO_ : keep(file, PLAIN, disk);
}

static long do_open(const char *path, int flags, long mode)
{
	int disk, file;

	if (strcmp(path, "/dev/console") == 0 && line_of("kenv", ""))
		return keep(open("/dev/null", O_RDWR), CONSOLE, -1); /* FreeBSD's devfs */
	if (sscanf(path, "/dev/vtbd%d", &disk) == 1 && line_of("kenv", "")) {
		long got = open_disk(disk);

		return got < 0 ? -ENOENT_ : got;
	}
	for (size_t n = 0; n < node_count; n++) {
		unsigned major = (unsigned)(nodes[n].device >> 8 & 0xfff);
		unsigned minor = (unsigned)((nodes[n].device >> 12 & 0xfff00) | (nodes[n].device & 0xff));

		if (strcmp(nodes[n].path, path) != 0)
			continue;
		if (S_ISCHR(nodes[n].mode) && major == console && minor == 0)
			return keep(open("/dev/null", O_RDWR), CONSOLE, -1);
		if (major == (S_ISCHR(nodes[n].mode) ? ld_char : ld_block) && minor % partitions == raw)
			return open_disk((int)(minor / partitions));
		return -ENXIO_;
	}
	if (flags & 0x200) { /* O_CREAT of both systems; the rest is O_WRONLY and O_TRUNC */
		note("create %s flags %#x mode %lo", path, flags, mode);
		file = open(below_root(path), O_WRONLY | O_CREAT | O_TRUNC, (mode_t)mode);
		return file < 0 ? -EROFS_ : keep(file, WRITTEN, -1);
	}
	file = open(below_root(path), flags == 0 ? O_RDONLY : O_RDWR);
	return file < 0 ? -ENOENT_ : keep(file, strcmp(path, "/dev/console") ? PLAIN : CONSOLE, -1);
}

static long do_write(int file, const unsigned char *data, size_t size)
{
	if (file < 0 || file >= NOFILE || files[file].kind == NONE)
		note("write to a closed file");
	else if (files[file].kind == WRITTEN)
		return write(file, data, size);
	else if (files[file].kind == SOCKET)
		note("route %s", hex(data, size));
	else
		note("say %.*s", (int)size - 1, (const char *)data);
	return (long)size;
}

static long do_ioctl(int file, unsigned long request, unsigned char *argument)
{
	size_t size = request >> 16 & 0x1fff;
	int disk = file >= 0 && file < NOFILE ? files[file].disk : -1;
	char name[16];
	const char *serial;

	if (request == 0x41006489) { /* DIOCGIDENT */
		snprintf(name, sizeof(name), "serial%d", disk);
		serial = text_of(name);
		if (!serial)
			return -ENOENT_;
		memset(argument, 0, size);
		memcpy(argument, serial, strlen(serial));
		return 0;
	}
	note("ioctl %#lx %s", request, argument ? hex(argument, size) : "");
	if ((request & 0xff) == 32 || (request & 0xff) == 140) /* SIOCGIFINDEX of either system */
		argument[16] = 7;
	return 0;
}

static long do_execve(const char *path, char *const *args, char *const *env)
{
	char line[8192];
	size_t used = (size_t)snprintf(line, sizeof(line), "execve %s", path);
	const char *program;
	struct stat info;
	int number;

	for (size_t n = 0; args[n]; n++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, " <%s>", args[n]);
	for (size_t n = 0; env[n]; n++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, " {%s}", env[n]);
	note("%s", line);
	if (stat(below_root(path), &info) != 0)
		return -ENOENT_;
	if (!(info.st_mode & 0111))
		return -EACCES_;
	program = text_of("program");
	if (program && sscanf(program, "kill %d", &number) == 1) {
		signal(number, SIG_DFL);
		raise(number);
	}
	_exit(program && sscanf(program, "exit %d", &number) == 1 ? number : 0);
}

static long do_sysctl(const int *name, unsigned count, void *old, size_t *old_size, const void *new,
		      size_t new_size)
{
	const char *root = text_of("rootdev");

	if (count == 2 && name[0] == 1 && name[1] == 10 && new) {
		note("hostname %.*s", (int)new_size, (const char *)new);
		return 0;
	}
	if (count == 2 && name[0] == 1 && name[1] == 30 && old && root) {
		snprintf(old, *old_size, "%s", root);
		return 0;
	}
	note("sysctl %d.%d", name[0], name[1]);
	return -ENOENT_;
}

/* FreeBSD: pairs of a name and a value, each with its NUL. */
struct option {
	const char *base;
	size_t length;
};

static void note_nmount(const struct option *options, size_t count, long flags)
{
	char line[1024] = "mount";
	size_t used = strlen(line);

	for (size_t n = 0; n + 1 < count; n += 2) {
		bool ends = options[n].length == strlen(options[n].base) + 1 &&
			    (!options[n + 1].base || options[n + 1].length == strlen(options[n + 1].base) + 1);

		used += (size_t)snprintf(line + used, sizeof(line) - used, " %s%s%s%s", options[n].base,
					 options[n + 1].base ? "=" : "",
					 options[n + 1].base ? options[n + 1].base : "",
					 ends ? "" : " (a wrong length)");
	}
	note("%s flags %#lx", line, flags);
}

/* NetBSD: struct tmpfs_args or struct ufs_args (sys/fs/tmpfs/tmpfs_args.h, sys/ufs/ufs/ufsmount.h). */
static void note_mount(const char *type, const char *path, long flags, const void *data, size_t size)
{
	const struct {
		int version;
		uint64_t nodes, bytes;
		uint32_t uid, gid, mode;
	} *memory = data;
	const struct { const char *device; } *disk = data;

	if (strcmp(type, "tmpfs") == 0)
		note("mount tmpfs %s flags %#lx version %d mode %o size %zu", path, flags, memory->version,
		     memory->mode, size);
	else
		note("mount %s %s from %s flags %#lx size %zu", type, path,
		     disk->device ? disk->device : "nothing", flags, size);
}

static long do_mknod(const char *path, unsigned mode, uint64_t device)
{
	for (size_t n = 0; n < node_count; n++)
		if (strcmp(nodes[n].path, path) == 0)
			return -EEXIST_;
	note("mknod %s %o major %u minor %u", path, mode, (unsigned)(device >> 8 & 0xfff),
	     (unsigned)((device >> 12 & 0xfff00) | (device & 0xff)));
	snprintf(nodes[node_count].path, sizeof(nodes[0].path), "%s", path);
	nodes[node_count].mode = mode;
	nodes[node_count++].device = device;
	return 0;
}

static long do_kenv(const char *name, char *value, size_t size)
{
	char key[128];
	const char *found;

	snprintf(key, sizeof(key), "%s=", name);
	found = line_of("kenv", key);
	if (!found)
		return -ENOENT_;
	snprintf(value, size, "%s", found);
	return (long)strlen(value) + 1;
}

static long do_wait(int *status)
{
	int ended;

	if (orphans > 0) {
		orphans--;
		*status = 99 << 8;
		return 99999;
	}
	ended = waitpid(-1, status, 0);
	return ended < 0 ? -ENOENT_ : ended;
}

static long do_fork(long *second)
{
	int child = fork();

	*second = child == 0;
	return child == 0 ? 12345 : child; /* in the child the first result is the parent's number */
}

long kernel(long number, long a, long b, long c, long d, long e, long f, long *second)
{
	char key[24];
	const char *found, *failing;
	char name[32];

	snprintf(key, sizeof(key), "%ld ", number);
	found = line_of("calls", key);
	if (!found) {
		note("unknown call %ld", number);
		return -ENOSYS_;
	}
	snprintf(name, sizeof(name), "%s", found);
#define IS(word) (strcmp(name, (word)) == 0)
	failing = line_of("fail", name);
	if (failing && !*failing) {
		note("%s fails", name);
		return -EPERM_;
	}
	if (IS("exit"))
		_exit((int)a);
	if (IS("fork"))
		return do_fork(second);
	if (IS("open"))
		return do_open((const char *)a, (int)b, c);
	if (IS("read"))
		return read((int)a, (void *)b, (size_t)c);
	if (IS("write"))
		return do_write((int)a, (const unsigned char *)b, (size_t)c);
	if (IS("close")) {
		if (a >= 0 && a < NOFILE)
			files[a].kind = NONE;
		return a > 2 ? close((int)a) : 0;
	}
	if (IS("dup2")) {
		files[b] = files[a]; /* not for real: these are the test's own */
		return b;
	}
	if (IS("execve"))
		return do_execve((const char *)a, (char *const *)b, (char *const *)c);
	if (IS("wait4"))
		return do_wait((int *)b);
	if (IS("ioctl"))
		return do_ioctl((int)a, (unsigned long)b, (unsigned char *)c);
	if (IS("__sysctl"))
		return do_sysctl((const int *)a, (unsigned)b, (void *)c, (size_t *)d, (const void *)e, (size_t)f);
	if (IS("kenv"))
		return a == 0 ? do_kenv((const char *)b, (char *)c, (size_t)d) : -EPERM_;
	if (IS("mknod"))
		return do_mknod((const char *)a, (unsigned)b, (uint64_t)c);
	if (IS("socket")) {
		note("socket %ld %ld %ld", a, b, c);
		return keep(open("/dev/null", O_RDWR), SOCKET, -1);
	}
	if (IS("nmount"))
		note_nmount((const void *)a, (size_t)b, c);
	else if (IS("mount"))
		note_mount((const char *)a, (const char *)b, c, (const void *)d, (size_t)e);
	else if (IS("mkdir")) {
		note("mkdir %s %lo", (const char *)a, b);
		return mkdir(below_root((const char *)a), 0755) == 0 ? 0 : -EEXIST_;
	} else if (IS("unlink")) {
		note("unlink %s", (const char *)a);
		return unlink(below_root((const char *)a)) == 0 ? 0 : -ENOENT_;
	} else if (IS("chdir")) {
		struct stat info;

		note("chdir %s", (const char *)a);
		return stat(below_root((const char *)a), &info) == 0 ? 0 : -ENOENT_;
	} else if (IS("unmount"))
		note("unmount %s %ld", (const char *)a, b);
	else if (IS("setgroups") || IS("freebsd14_setgroups")) {
		char line[512] = "";
		size_t used = 0;

		for (long n = 0; n < a; n++)
			used += (size_t)snprintf(line + used, sizeof(line) - used, " %u", ((const uint32_t *)b)[n]);
		note("%s%s", name, line);
	} else if (IS("setrlimit"))
		note("setrlimit %ld %llu %llu", a, (unsigned long long)((const uint64_t *)b)[0],
		     (unsigned long long)((const uint64_t *)b)[1]);
	else if (IS("sigaction"))
		note("sigaction %ld %ld", a, ((const long *)b)[0]);
	else if (IS("reboot")) {
		note("reboot %ld", a);
		_exit(0);
	} else if (IS("setgid") || IS("setuid"))
		note("%s %ld", name, a);
	else
		note("%s", name); /* setsid, sync */
	return 0;
}

int main(int count, char **arguments)
{
	char path[1024];
	const char *number;

	if (count != 2)
		return 2;
	world = arguments[1];
	snprintf(path, sizeof(path), "%s/log", world);
	log_file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (log_file < 0)
		return 2;
	number = text_of("orphans");
	orphans = number ? atoi(number) : 0;
	number = text_of("devices");
	if (number && sscanf(number, "%u %u %u %u %u", &console, &ld_char, &ld_block, &partitions, &raw) != 5)
		return 2;
	start();
}
