/* Where Solo5 hands over: memory, the command line, and the thread that runs the program. */
#include <hw/types.h>
#include <hw/kernel.h>

#include <bmk-core/core.h>
#include <bmk-core/pgalloc.h>
#include <bmk-core/sched.h>

#include <rumprun-base/config.h>
#include <rumprun-base/rumprun.h>

#include "glue.h"

/* A tender passes at most this much (hvt_abi.h, spt_abi.h). */
#define COMMAND_LINE 8192

mainlike_fn rumprun_main1;

static char command_line[COMMAND_LINE + 1];

static int hexadecimal(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Copies `from` without the escapes \u0020 to \u007e, which Rumprun's JSON parser leaves as they are: urunc
 * writes & < > so. Quotes and backslashes stay escaped, as they would end a text.
 */
static void unescape(char *to, const char *from, size_t size)
{
	size_t used = 0;

	while (*from && used + 1 < size) {
		int high = -1, low = -1;
		char c = *from++;

		if (c == '\\' && from[0] == 'u' && from[1] == '0' && from[2] == '0') {
			high = hexadecimal(from[3]);
			low = high < 0 ? -1 : hexadecimal(from[4]);
		}
		if (low >= 0 && high >= 2 && high * 16 + low < 0x7f && high * 16 + low != '"' &&
		    high * 16 + low != '\\') {
			to[used++] = high * 16 + low;
			from += 5;
			continue;
		}
		to[used++] = c;
		/* What is escaped is no start of an escape. */
		if (c == '\\' && *from && used + 1 < size)
			to[used++] = *from++;
	}
	to[used] = '\0';
}

/* The character after the text that begins at `*at`, a quote. */
static char *after_text(char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

/*
 * Blanks out the member "blk" of the configuration, which urunc before 0.7 writes for guests without a
 * disk, too: Rumprun would end over it.
 */
static void without_disk(char *json)
{
	char *from = NULL;
	int depth = 0;

	while (*json) {
		if (*json == '"') {
			char *key = json;

			json = after_text(json);
			if (depth == 1 && from == NULL && json - key == 5 && key[1] == 'b' &&
			    key[2] == 'l' && key[3] == 'k' && json[0] == ':' && json[1] == '{')
				from = key;
			continue;
		}
		if (*json == '{')
			depth++;
		else if (*json == '}' && --depth == 1 && from) {
			while (from <= json)
				*from++ = ' ';
			from = NULL;
		}
		json++;
	}
}

/*
 * Rumprun's own main thread drops what the program returns. This one ends with it: the tender's exit
 * status is the program's.
 */
static void run(void *line)
{
	struct rumprun_exec *program;
	void *ended;

	rumprun_boot(line);
	program = TAILQ_FIRST(&rumprun_execs);
	/* In the background is the way to be told how it ended. */
	rumprun(program->rre_flags | RUMPRUN_EXEC_BACKGROUND, rumprun_main1, program->rre_argc,
		program->rre_argv);
	while ((ended = rumprun_get_finished()) != NULL)
		glue_status = rumprun_wait(ended) & 0xff;
	rumprun_reboot();
}

int solo5_app_main(const struct solo5_start_info *start)
{
	unsigned long from = bmk_round_page(start->heap_start);
	unsigned long to = bmk_trunc_page(start->heap_start + start->heap_size);

	cons_init();
	glue_init();
	bmk_sched_init();
	bmk_core_init(BMK_THREAD_STACK_PAGE_ORDER);
	bmk_pgalloc_loadmem(from, to);
	bmk_memsize = to - from;
	unescape(command_line, start->cmdline, sizeof(command_line));
	if (!glue_block.found)
		without_disk(command_line);
	bmk_sched_startmain(run, command_line);
}
