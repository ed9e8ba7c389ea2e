/*
 * The little of a C library that examples need, as far as FreeBSD's and NetBSD's kernels agree, on amd64
 * and arm64: a program with this header is one static file of a few kilobytes, and needs nothing else of
 * the system. A real application comes with its libraries in an image or a release set.
 *
 * The system's own header includes it, after NUMBER: the register in which arm64 has a call's number.
 */
#include <stddef.h>

enum { SYS_exit = 1, SYS_read = 3, SYS_write = 4, SYS_close = 6, SYS_getuid = 24 };

/* A system call: its result, or minus the error. Both processors tell an error by the carry flag. */
static long call(long number, long a, long b, long c)
{
#ifdef __x86_64__
	unsigned char failed;
	long out = number, third = c;

	__asm__ volatile("syscall\n\tsetc %1" : "+a"(out), "=qm"(failed), "+d"(third) : "D"(a), "S"(b)
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
#else
	register long what __asm__(NUMBER) = number, out __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	long failed;

	__asm__ volatile("svc 0\n\tcset %0, cs" : "=r"(failed), "+r"(out), "+r"(x1) : "r"(what), "r"(x2) : "memory", "cc");
#endif
	return failed ? -out : out;
}

static void put(int file, const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	call(SYS_write, file, (long)text, (long)length);
}

int run(int argc, char **argv, char **env);
