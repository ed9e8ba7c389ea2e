/*
 * The little of a C library that this example needs, for NetBSD on amd64 and arm64: a program with
 * this header is one static file of a few kilobytes, and needs nothing else of the system. A real
 * application comes with its libraries in an image or a release set.
 */
#include <stddef.h>

enum { SYS_exit = 1, SYS_write = 4, SYS_getuid = 24 };

/* The mark by which the kernel knows its own programs. */
static const struct {
	unsigned name_size, data_size, type;
	char name[8];
	unsigned version;
} mark __attribute__((section(".note.netbsd.ident"), aligned(4), used)) = {7, 4, 1, "NetBSD", 1000000000};

/* A system call: its result, or minus the error. Both processors tell an error by the carry flag. */
static long call(long number, long a, long b, long c)
{
#ifdef __x86_64__
	unsigned char failed;
	long out = number, third = c;

	__asm__ volatile("syscall\n\tsetc %1" : "+a"(out), "=qm"(failed), "+d"(third) : "D"(a), "S"(b)
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
#else
	/* Call number 0 takes the number from a register. */
	register long x17 __asm__("x17") = number, out __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	long failed;

	__asm__ volatile("svc 0\n\tcset %0, cs" : "=r"(failed), "+r"(out), "+r"(x1) : "r"(x17), "r"(x2) : "memory", "cc");
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

/* The kernel hands over a struct ps_strings (sys/exec.h). */
struct strings {
	char **argv;
	int argc;
	char **env;
};

#ifdef __x86_64__
__asm__(".text\n.globl _start\n_start:\n\tmov %rbx, %rdi\n\tand $-16, %rsp\n\tcall begin\n\thlt\n");
#else
__asm__(".text\n.globl _start\n_start:\n\tmov x0, x2\n\tbl begin\n");
#endif

void begin(const struct strings *strings) __attribute__((used));
void begin(const struct strings *strings)
{
	call(SYS_exit, run(strings->argc, strings->argv, strings->env), 0, 0);
}
