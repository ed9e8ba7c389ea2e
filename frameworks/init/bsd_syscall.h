/*
 * System calls of the BSDs without a C library: a number and up to six words in, a word out, or minus
 * the error. amd64 and arm64; each system says which instruction and which numbers.
 *
 * Both systems tell an error by the carry flag. fork() tells the child by its second result.
 */
#ifndef HUTCH_BSD_SYSCALL_H
#define HUTCH_BSD_SYSCALL_H

#include <stdint.h>

#define ARG(x) ((long)(intptr_t)(x))

#if defined(__x86_64__)

#define SYSCALL(number, a, b, c, d, e, f) syscall6((number), (a), (b), (c), (d), (e), (f), (long *)0)
#define SYSCALL_PAIR(number, second) syscall6((number), 0, 0, 0, 0, 0, 0, (second))

static inline long syscall6(long number, long a, long b, long c, long d, long e, long f, long *second)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long out = number, rdx = c;
	unsigned char failed;

	__asm__ volatile("syscall\n\tsetc %1"
			 : "+a"(out), "=qm"(failed), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9)
			 : "D"(a), "S"(b)
			 : "rcx", "r11", "memory", "cc");
	if (second)
		*second = rdx;
	return failed ? -out : out;
}

#elif defined(__aarch64__)

/* FreeBSD takes the number from x8, NetBSD from the instruction; it is in both. */
#define SYSCALL(number, a, b, c, d, e, f)                                                               \
	({                                                                                              \
		register long x8 __asm__("x8") = (number);                                              \
		register long x0 __asm__("x0") = (a);                                                   \
		register long x1 __asm__("x1") = (b);                                                   \
		register long x2 __asm__("x2") = (c);                                                   \
		register long x3 __asm__("x3") = (d);                                                   \
		register long x4 __asm__("x4") = (e);                                                   \
		register long x5 __asm__("x5") = (f);                                                   \
		long failed_;                                                                           \
		__asm__ volatile("svc %[n]\n\tcset %[failed], cs"                                       \
				 : [failed] "=r"(failed_), "+r"(x0), "+r"(x1)                           \
				 : [n] "i"(SVC(number)), "r"(x8), "r"(x2), "r"(x3), "r"(x4), "r"(x5)    \
				 : "memory", "cc");                                                     \
		failed_ ? -x0 : x0;                                                                     \
	})
#define SYSCALL_PAIR(number, second)                                                                    \
	({                                                                                              \
		register long x8 __asm__("x8") = (number);                                              \
		register long x0 __asm__("x0") = 0;                                                     \
		register long x1 __asm__("x1") = 0;                                                     \
		long failed_;                                                                           \
		__asm__ volatile("svc %[n]\n\tcset %[failed], cs"                                       \
				 : [failed] "=r"(failed_), "+r"(x0), "+r"(x1)                           \
				 : [n] "i"(SVC(number)), "r"(x8)                                        \
				 : "memory", "cc");                                                     \
		*(second) = x1;                                                                         \
		failed_ ? -x0 : x0;                                                                     \
	})

#else
#error "no system calls for this architecture"
#endif

#define SYSCALL0(n) SYSCALL((n), 0, 0, 0, 0, 0, 0)
#define SYSCALL1(n, a) SYSCALL((n), ARG(a), 0, 0, 0, 0, 0)
#define SYSCALL2(n, a, b) SYSCALL((n), ARG(a), ARG(b), 0, 0, 0, 0)
#define SYSCALL3(n, a, b, c) SYSCALL((n), ARG(a), ARG(b), ARG(c), 0, 0, 0)
#define SYSCALL4(n, a, b, c, d) SYSCALL((n), ARG(a), ARG(b), ARG(c), ARG(d), 0, 0)
#define SYSCALL5(n, a, b, c, d, e) SYSCALL((n), ARG(a), ARG(b), ARG(c), ARG(d), ARG(e), 0)
#define SYSCALL6(n, a, b, c, d, e, f) SYSCALL((n), ARG(a), ARG(b), ARG(c), ARG(d), ARG(e), ARG(f))

#endif
