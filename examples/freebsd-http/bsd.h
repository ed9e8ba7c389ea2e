/*
 * The little of a C library that these examples need, for FreeBSD and NetBSD on amd64: a program with
 * this header is one static file of a few kilobytes, and needs nothing else of the system. A real
 * application comes with its libraries in an image or a release set.
 */
#include <stddef.h>

#ifdef NETBSD
enum { SYS_socket = 394 };
/* The mark by which the kernel knows its own programs. */
static const struct { unsigned name_size, data_size, type; char name[8]; unsigned version; } mark
	__attribute__((section(".note.netbsd.ident"), aligned(4), used)) = {7, 4, 1, "NetBSD", 1000000000};
#else
enum { SYS_socket = 97 };
static const struct { unsigned name_size, data_size, type; char name[8]; int release; } mark
	__attribute__((section(".note.tag"), aligned(4), used)) = {8, 4, 1, "FreeBSD", 1300000};
#endif
enum { SYS_exit = 1, SYS_read = 3, SYS_write = 4, SYS_close = 6, SYS_getuid = 24, SYS_accept = 30, SYS_bind = 104, SYS_listen = 106 };

static long call(long number, long a, long b, long c)
{
	unsigned char failed;
	long out = number, third = c;

	__asm__ volatile("syscall\n\tsetc %1" : "+a"(out), "=qm"(failed), "+d"(third) : "D"(a), "S"(b)
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	return failed ? -out : out;
}

static size_t length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static void put(int file, const char *text)
{
	call(SYS_write, file, (long)text, (long)length(text));
}

int run(int argc, char **argv, char **env);

/* FreeBSD hands the arguments over in a register, NetBSD on the stack; there they are on both. */
__asm__(".text\n.globl _start\n_start:\n"
#ifdef NETBSD
	"\tmov %rsp, %rdi\n"
#endif
	"\tand $-16, %rsp\n\tcall begin\n\thlt\n");

void begin(long *stack) __attribute__((used));
void begin(long *stack)
{
	char **argv = (char **)(stack + 1);

	call(SYS_exit, run((int)*stack, argv, argv + *stack + 1), 0, 0);
}
