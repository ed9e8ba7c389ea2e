/* In place of bsd_syscall.h: each system call of freebsd.c and netbsd.c is a call of bsd_kernel.c. */
#ifndef HUTCH_BSD_SYSCALL_H
#define HUTCH_BSD_SYSCALL_H

#include <stdint.h>

long kernel(long number, long a, long b, long c, long d, long e, long f, long *second);

#define ARG(x) ((long)(intptr_t)(x))
#define SYSCALL0(n) SYSCALL6(n, 0, 0, 0, 0, 0, 0)
#define SYSCALL1(n, a) SYSCALL6(n, a, 0, 0, 0, 0, 0)
#define SYSCALL2(n, a, b) SYSCALL6(n, a, b, 0, 0, 0, 0)
#define SYSCALL3(n, a, b, c) SYSCALL6(n, a, b, c, 0, 0, 0)
#define SYSCALL4(n, a, b, c, d) SYSCALL6(n, a, b, c, d, 0, 0)
#define SYSCALL5(n, a, b, c, d, e) SYSCALL6(n, a, b, c, d, e, 0)
#define SYSCALL6(n, a, b, c, d, e, f) kernel(n, ARG(a), ARG(b), ARG(c), ARG(d), ARG(e), ARG(f), 0)
#define SYSCALL_PAIR(n, second) kernel(n, 0, 0, 0, 0, 0, 0, second)

#endif
