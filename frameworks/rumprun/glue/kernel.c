/* What bmk-core asks of its platform: the clock, waiting, and the end. Solo5 has no interrupts. */
#include <hw/types.h>
#include <hw/kernel.h>

#include <bmk-core/core.h>
#include <bmk-core/platform.h>
#include <bmk-core/printf.h>

#include "glue.h"

struct glue_net glue_net;
struct glue_block glue_block;
void (*glue_net_ready)(void);
int glue_status = SOLO5_EXIT_FAILURE;

/* Nanoseconds from the start of the monotonic clock to that of the wall clock: read once, as
 * deadlines in wall time are turned into monotonic ones by it, and must not move. */
static bmk_time_t epoch;

void glue_init(void)
{
	glue_net.found = solo5_net_acquire(GLUE_NET, &glue_net.handle, &glue_net.info) ==
			 SOLO5_R_OK;
	glue_block.found = solo5_block_acquire(GLUE_BLOCK, &glue_block.handle, &glue_block.info) ==
			   SOLO5_R_OK;
	epoch = solo5_clock_wall() - solo5_clock_monotonic();
}

unsigned long bmk_platform_splhigh(void)
{
	return 0;
}

void bmk_platform_splx(unsigned long level)
{
	(void)level;
}

void bmk_platform_halt(const char *panic)
{
	if (panic)
		bmk_printf("PANIC: %s\n", panic);
	bmk_printf("halted\n");
	glue_console_flush();
	solo5_exit(panic ? SOLO5_EXIT_ABORT : glue_status);
}

/* Packets that nobody will take: they would end every wait at once. */
static void drain(void)
{
	static uint8_t packet[SOLO5_NET_HLEN + 65536];
	size_t size;

	while (solo5_net_read(glue_net.handle, packet, sizeof(packet), &size) == SOLO5_R_OK)
		continue;
}

void bmk_platform_cpu_block(bmk_time_t until)
{
	solo5_handle_set_t ready = 0;

	glue_console_flush();
	solo5_yield(until, &ready);
	if (!glue_net.found || !(ready & (1ULL << glue_net.handle)))
		return;
	if (glue_net_ready)
		glue_net_ready();
	else
		drain();
}

bmk_time_t bmk_platform_cpu_clock_monotonic(void)
{
	return solo5_clock_monotonic();
}

bmk_time_t bmk_platform_cpu_clock_epochoffset(void)
{
	return epoch;
}
