/* The lines that hutch's patch is for. */
#include <uk/print.h>
#include <uk/plat/common/cpu.h>
#include <uk/plat/common/bootinfo.h>
#include <libfdt_env.h>
#include <uk/ofw/fdt.h>
#include <libfdt.h>

		goto error_exit;
	}

	/* 3.Get the pci addr base and limit size for pci devices */
	err = gen_pci_parser_range(&parser, gen_pci_fdt);
	if (err < 0) {
