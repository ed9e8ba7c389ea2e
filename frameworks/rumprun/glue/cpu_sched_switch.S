/*
 * How bmk-core changes from thread to thread on arm64: in the place of Rumprun's own, which keeps
 * no floating-point registers. A called function leaves the lower halves of v8 to v15 as they were, so that
 * callers keep doubles there (AAPCS64, 6.1.2).
 */
#include <bmk-core/arm/asm.h>

/* A new thread: bmk_cpu_sched_create has put its argument and its function on its stack. */
ENTRY(bmk_cpu_sched_bouncer)
	ldp	x0, x1, [sp], #16
	blr	x1
	bl	bmk_sched_exit
END(bmk_cpu_sched_bouncer)

/* x0 and x1 are the threads' struct bmk_tcb, before and after: its stack pointer, then where it goes on. */
ENTRY(bmk_cpu_sched_switch)
	stp	x29, x30, [sp, #-160]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x9, sp
	adr	x10, 1f
	stp	x9, x10, [x0]
	ldp	x9, x10, [x1]
	mov	sp, x9
	br	x10
1:
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #160
	ret
END(bmk_cpu_sched_switch)

	.section .note.GNU-stack, "", %progbits
