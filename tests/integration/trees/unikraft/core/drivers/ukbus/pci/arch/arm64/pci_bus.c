/* The lines that hutch's patch is for. */
#include <uk/print.h>
#include <uk/plat/common/cpu.h>
#include <uk/bus/pci.h>
#include <libfdt_env.h>
#include <uk/intctlr/gic.h>


	memcpy(&dev->addr, addr,  sizeof(dev->addr));
	dev->drv = drv;

	dev->base = base;
	dev->irq = irq;
	uk_pr_info("pci dev base(0x%lx) irq(%ld)\n", dev->base, dev->irq);
