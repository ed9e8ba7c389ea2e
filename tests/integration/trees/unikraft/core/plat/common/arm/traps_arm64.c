/* The lines that hutch's patch is for. */
#include <uk/print.h>
#include <uk/assert.h>
#include <uk/intctlr/gic.h>
#include <uk/syscall.h>

#ifdef CONFIG_ARM64_FEAT_MTE
{
	struct ukarch_trap_ctx *ctx = (struct ukarch_trap_ctx *)data;

	ukplat_syscall_handler((struct uk_syscall_ctx *)ctx->regs);
	return 1; /* Success */
}

/* Those of 0.17. */
#include <uk/print.h>
#include <uk/assert.h>
#include <uk/intctlr/gic.h>
#include <uk/plat/syscall.h>

#ifdef CONFIG_ARM64_FEAT_MTE

	/* Save system context state */
	ukarch_sysctx_store(&execenv->sysctx);

	ukplat_syscall_handler((struct uk_syscall_ctx *)execenv);

	/* Restore system context state */
	ukarch_sysctx_load(&execenv->sysctx);
