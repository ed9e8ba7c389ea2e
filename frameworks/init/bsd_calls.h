/*
 * The system calls that NetBSD and FreeBSD have in common. The file is
 * included once into each system's file, after SVC: on arm64 the instruction differs.
 */
#ifndef HUTCH_BSD_CALLS_H
#define HUTCH_BSD_CALLS_H

#include "bsd.h"
#include "bsd_syscall.h"

void sys_exit(int status)
{
	for (;;)
		SYSCALL1(1, status);
}

int sys_open(const char *path, int flags) { return (int)SYSCALL3(5, path, flags, 0); }
/* O_WRONLY | O_CREAT | O_TRUNC */
int sys_create(const char *path) { return (int)SYSCALL3(5, path, 0x601, 0644); }
long sys_read(int file, void *data, size_t size) { return SYSCALL3(3, file, data, size); }
long sys_write(int file, const void *data, size_t size) { return SYSCALL3(4, file, data, size); }
int sys_close(int file) { return (int)SYSCALL1(6, file); }
int sys_dup2(int from, int to) { return (int)SYSCALL2(90, from, to); }
int sys_unlink(const char *path) { return (int)SYSCALL1(10, path); }
int sys_mkdir(const char *path, int mode) { return (int)SYSCALL2(136, path, mode); }
int sys_chdir(const char *path) { return (int)SYSCALL1(12, path); }

int sys_fork(void)
{
	long second = 0;
	long child = SYSCALL_PAIR(2, &second);

	return second == 1 ? 0 : (int)child;
}

int sys_execve(const char *path, char *const *args, char *const *env)
{
	return (int)SYSCALL3(59, path, args, env);
}

int sys_setsid(void) { return (int)SYSCALL0(147); }
int sys_control_terminal(int file) { return sys_ioctl(file, 0x20007461, NULL); }
int sys_setgid(uint32_t gid) { return (int)SYSCALL1(181, (unsigned long)gid); }
int sys_setuid(uint32_t uid) { return (int)SYSCALL1(23, (unsigned long)uid); }

int sys_setlimit(int which, uint64_t soft, uint64_t hard)
{
	uint64_t limit[2] = {soft, hard};

	return (int)SYSCALL2(195, which, limit);
}

int sys_sethostname(const char *name, size_t length)
{
	static const int hostname[2] = {1, 10}; /* CTL_KERN, KERN_HOSTNAME */

	return (int)SYSCALL6(202, hostname, 2, 0, 0, name, length);
}

int sys_ioctl(int file, unsigned long request, void *argument)
{
	return (int)SYSCALL3(54, file, request, argument);
}

void sys_sync(void) { SYSCALL0(36); }
int sys_unmount(const char *path) { return (int)SYSCALL2(22, path, 0); }

#endif
