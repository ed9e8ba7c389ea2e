/*
 * Where NetBSD and FreeBSD enter the init: bsd.c's start(), on a stack that fits it. Nothing of what the
 * kernel hands over is looked at: there are no arguments for an init.
 */
#if defined(__x86_64__)

/* The kernel starts us with a stack aligned as for a jump, not for a call. */
__asm__(".text\n.globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall start\n\thlt\n");

#elif defined(__aarch64__)

__asm__(".text\n.globl _start\n_start:\n\tmov x29, xzr\n\tmov x30, xzr\n\tbl start\n");

#else
#error "no way in for this architecture"
#endif
