/* A system on which every call of the BSD init fails or does nothing. */
#include "bsd.h"

#include <stdio.h>
#include <stdlib.h>

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
