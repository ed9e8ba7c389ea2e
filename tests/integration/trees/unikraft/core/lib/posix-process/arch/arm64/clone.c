/* The lines that hutch's patch is for. */
	 */
	cusc->regs.spsr_el1 &= ~PSR_I;

	/* Make sure we do return to what the child is expected to
	 * have as an instruction pointer as well as a stack pointer.
	 */
	cusc->regs.elr_el1 = pusc->regs.lr;
	cusc->regs.sp = sp;

	/* Use parent's user land TPIDR_EL0 if clone did not have SETTLS */
