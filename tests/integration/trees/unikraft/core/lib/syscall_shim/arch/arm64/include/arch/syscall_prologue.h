/* The lines that hutch's patch is for. */
		"/* Use `struct lcpu` pointer from TPIDR_EL1 */\n\t"	\
		"mrs	x0, tpidr_el1\n\t"				\
		" /* Switch to per-CPU auxiliary stack */\n\t"		\
		"str	x0, [x0, #"STRINGIFY(LCPU_AUXSP_OFFSET)"]\n\t"	\
		"/* Auxiliary stack is already ECTX aligned */\n\t"	\
		"/* Make room for `struct uk_syscall_ctx` */\n\t"	\
		"sub	x0, x0, #"STRINGIFY(UK_SYSCALL_CTX_SIZE)"\n\t"	\
		"stp	x24, x25, [sp, #16 * 12]\n\t"			\
		"stp	x26, x27, [sp, #16 * 13]\n\t"			\
		"stp	x28, x29, [sp, #16 * 14]\n\t"			\
		"mrs	x21, elr_el1\n\t"				\
		"stp	x30, x21, [sp, #16 * 15]\n\t"			\
		"mrs	x22, spsr_el1\n\t"				\
		"mrs	x23, esr_el1\n\t"				\
		"stp	x22, x23, [sp, #16 * 16]\n\t"			\
