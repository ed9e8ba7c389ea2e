/* FreeBSD's kernel, as a program without a C library meets it. */
#define NUMBER "x8"
#include "bsd.h"

enum { SYS_accept = 30, SYS_socket = 97, SYS_bind = 104, SYS_listen = 106, SYS_sigaction = 416 };

/* The brand by which the kernel knows its own programs. */
static const struct {
	unsigned name_size, data_size, type;
	char name[8];
	int release;
} brand __attribute__((section(".note.tag"), aligned(4), used)) = {8, 4, 1, "FreeBSD", 1300000};

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
