/* The console: a line at a time, for each write is a call of the host. */
#include <hw/types.h>
#include <hw/kernel.h>

#include <bmk-core/printf.h>

#include "glue.h"

static char line[256];
static size_t used;

void glue_console_flush(void)
{
	if (used)
		solo5_console_write(line, used);
	used = 0;
}

void cons_putc(int c)
{
	line[used++] = c;
	if (c == '\n' || used == sizeof(line))
		glue_console_flush();
}

void cons_puts(const char *text)
{
	while (*text)
		cons_putc(*text++);
}

void cons_init(void)
{
	bmk_printf_init(cons_putc, NULL);
}
