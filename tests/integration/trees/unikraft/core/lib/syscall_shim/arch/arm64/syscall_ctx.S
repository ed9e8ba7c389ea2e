/* The lines that hutch's patch is for. */

	mov	x0, sp
	add	x0, x0, #(__REGS_SIZEOF + UKARCH_SYSREGS_SIZE)
	bl	ukarch_ectx_store

	mov	x0, sp
	add	x0, x0, #(__REGS_SIZEOF)
