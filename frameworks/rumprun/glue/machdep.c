/* What compiled code wants of a machine: each thread's own variables, and exceptions' way back. */
#include <hw/types.h>
#include <hw/kernel.h>

#include <bmk-core/core.h>
#include <bmk-core/platform.h>
#include <bmk-core/sched.h>

#include <link_elf.h>

#include "glue.h"

/* A thread's own variables (__thread) are found by this register: %fs, or TPIDR_EL0. */
void bmk_platform_cpu_sched_settls(struct bmk_tcb *next)
{
	if (solo5_set_tls_base(next->btcb_tp) != SOLO5_R_OK)
		bmk_platform_halt("solo5_set_tls_base failed");
}

#ifdef __aarch64__
/* How much bmk-core keeps at that address, before the variables: for the linker script (sections.lds). */
__asm__(".globl glue_tls_head\n.set glue_tls_head, 16");
#endif

/*
 * Where the tables are that exceptions are unwound by. NetBSD's libunwind asks for the program's headers
 * for that; a unikernel's are not in its memory, and libc's answer is that there are none.
 */
int dl_iterate_phdr(int (*see)(struct dl_phdr_info *, size_t, void *), void *cookie)
{
	Elf_Phdr tables = {
		.p_type = PT_GNU_EH_FRAME,
		.p_vaddr = (Elf_Addr)glue_eh_frame_hdr,
	};
	struct dl_phdr_info program = {
		.dlpi_name = "",
		.dlpi_phdr = &tables,
		.dlpi_phnum = 1,
	};

	return see(&program, sizeof(program), cookie);
}

/* These two are in the programs that are of C++. */
void *__cxa_begin_catch(void *) __attribute__((weak));
void _ZSt9terminatev(void) __attribute__((weak));
void __cxa_call_terminate(void *);

/*
 * An exception comes out of what says that none does. Compilers since gcc 13 call this for that, and
 * NetBSD's C++ library of 2019 has no such function.
 */
void __cxa_call_terminate(void *exception)
{
	if (exception)
		__cxa_begin_catch(exception);
	_ZSt9terminatev();
}
