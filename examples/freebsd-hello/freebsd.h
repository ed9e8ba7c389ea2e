/*
 * The little of a C library that these examples need, for FreeBSD on amd64 and arm64: a program with
 * this header is one static file of a few kilobytes, and needs nothing else of the system. A real
 * application comes with its libraries in an image or a release set.
 */
#include <stddef.h>

enum {
	SYS_exit = 1, SYS_read = 3, SYS_write = 4, SYS_close = 6, SYS_getuid = 24, SYS_accept = 30,
	SYS_socket = 97, SYS_bind = 104, SYS_listen = 106, SYS_sigaction = 416,
};

/* The brand by which the kernel knows its own programs. */
static const struct {
	unsigned name_size, data_size, type;
	char name[8];
	int release;
} brand __attribute__((section(".note.tag"), aligned(4), used)) = {8, 4, 1, "FreeBSD", 1300000};

/* A system call: its result, or minus the error. Both processors tell an error by the carry flag. */
static long call(long number, long a, long b, long c)
{
#ifdef __x86_64__
	unsigned char failed;
	long out = number, third = c;

	__asm__ volatile("syscall\n\tsetc %1" : "+a"(out), "=qm"(failed), "+d"(third) : "D"(a), "S"(b)
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
#else
	register long x8 __asm__("x8") = number, out __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	long failed;

	__asm__ volatile("svc 0\n\tcset %0, cs" : "=r"(failed), "+r"(out), "+r"(x1) : "r"(x8), "r"(x2) : "memory", "cc");
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

/* The kernel hands over where the number of arguments is; then come the arguments, a NULL, and the
 * environment. */
#ifdef __x86_64__
__asm__(".text\n.globl _start\n_start:\n\tand $-16, %rsp\n\tcall begin\n\thlt\n");
#else
__asm__(".text\n.globl _start\n_start:\n\tbl begin\n");
#endif

void begin(long *start) __attribute__((used));
void begin(long *start)
{
	char **argv = (char **)(start + 1);

	call(SYS_exit, run((int)*start, argv, argv + *start + 1), 0, 0);
}
