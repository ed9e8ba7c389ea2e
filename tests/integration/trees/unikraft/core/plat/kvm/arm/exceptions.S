/* The lines that hutch's patch is for. */
	/* Store old SP previously saved into x0 */
	str     x0, [sp, #-16]

	/* Is this trap a system call? */
	mrs	x0, esr_el1
	and	x0, x0, #ESR_EC_MASK
	orr	x0, xzr, x0, lsr #ESR_EC_SHIFT
	b	1f
0:
	sub	sp, sp, #__TRAP_STACK_SIZE
1:
