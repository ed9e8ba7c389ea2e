/* The parts of the BSD init that are the same anywhere, with fake system calls. */
#include "bsd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FreeBSD's and NetBSD's numbers, as their own files have them. */
#define NO_SYSTEM
const struct network_abi network_abi;

void sys_exit(int status) { exit(status); }
int sys_open(const char *path, int flags) { (void)path; (void)flags; return -2; }
long sys_read(int file, void *data, size_t size) { (void)file; (void)data; (void)size; return 0; }
long sys_write(int file, const void *data, size_t size) { (void)file; return (long)fwrite(data, 1, size, stderr); }
int sys_close(int file) { (void)file; return 0; }
int sys_mkdir(const char *path, int mode) { (void)path; (void)mode; return 0; }
int sys_chdir(const char *path) { (void)path; return 0; }
int sys_fork(void) { return -1; }
int sys_execve(const char *p, char *const *a, char *const *e) { (void)p; (void)a; (void)e; return -2; }
int sys_wait(int *status) { *status = 0; return -1; }
int sys_setsid(void) { return 0; }
int sys_control_terminal(int file) { (void)file; return 0; }
int sys_setgroups(uint32_t gid, const uint32_t *groups, size_t count) { (void)gid; (void)groups; (void)count; return 0; }
int sys_setgid(uint32_t gid) { (void)gid; return 0; }
int sys_setuid(uint32_t uid) { (void)uid; return 0; }
int sys_setlimit(int which, uint64_t soft, uint64_t hard) { (void)which; (void)soft; (void)hard; return 0; }
int sys_socket(int domain, int type, int protocol) { (void)domain; (void)type; (void)protocol; return -1; }
int sys_ioctl(int file, unsigned long request, void *argument) { (void)file; (void)request; (void)argument; return -1; }
int sys_unmount(const char *path) { (void)path; return 0; }
bool sys_disk(unsigned n, char *path, size_t size) { (void)n; (void)path; (void)size; return false; }
bool sys_disk_serial(unsigned n, char *serial, size_t size) { (void)n; (void)serial; (void)size; return false; }
int sys_root_disk(void) { return 0; }
int sys_mount_disk(unsigned n, const char *type, const char *path) { (void)n; (void)type; (void)path; return -1; }
void say(const char *first, ...) { (void)first; }
char *decimal(char *buffer, long value) { sprintf(buffer, "%ld", value); return buffer; }

static unsigned char input[1 << 20];

static const char *text(const char *value) { return value ? value : "none"; }

int main(int argc, char **argv)
{
	size_t size = fread(input, 1, sizeof(input) - 1, stdin);

	if (argc > 2 && !strcmp(argv[1], "address")) {
		uint32_t address;

		if (!parse_address(argv[2], &address))
			return 3;
		fwrite(&address, 1, 4, stdout);
	} else if (argc > 8 && !strcmp(argv[1], "route")) {
		struct network_abi abi = {.route_version = (uint8_t)atoi(argv[2]),
					  .route_header = (size_t)atoi(argv[3]),
					  .link_size = (size_t)atoi(argv[4])};
		unsigned char out[256] = {0};
		uint32_t to, mask, gateway;

		if (!parse_address(argv[5], &to) || !parse_address(argv[6], &mask) ||
		    !parse_address(argv[7], &gateway))
			return 3;
		fwrite(out, 1, route_message(out, &abi, to, mask, gateway, (uint16_t)atoi(argv[8])), stdout);
	} else if (argc > 1 && !strcmp(argv[1], "config")) {
		puts(looks_like_config((const char *)input, size) ? "yes" : "no");
	} else if (argc > 1 && !strcmp(argv[1], "disk")) {
		puts(text(disk_type(input, size)));
	} else if (argc > 2 && !strcmp(argv[1], "complete")) {
		/* The runtime's configuration is the argument, the image's the input; in lines. */
		static struct config config, image;

		if (config_parse(&config, argv[2], strlen(argv[2]), NULL) ||
		    config_parse(&image, (char *)input, size, NULL))
			return 3;
		config_complete(&config, &image);
		for (size_t i = 0; i < config.env_count; i++)
			printf("env %s\n", config.env[i]);
		for (size_t i = 0; i < config.arg_count; i++)
			printf("arg %s\n", config.args[i]);
		printf("user %s uid %d\n", text(config.user), config.has_uid ? (int)config.uid : -1);
		printf("workdir %s\n", text(config.workdir));
		printf("ip %s gateway %s\n", text(config.ip), text(config.gateway));
	} else {
		return 2;
	}
	return 0;
}
