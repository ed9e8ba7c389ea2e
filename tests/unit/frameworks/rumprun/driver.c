/* Calls the glue as the rump kernel and Solo5 do, and says what came of it: driver SCENARIO [NUMBER]. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glue.h"
#include "stub.h"

static unsigned long number; /* of the command line: the block size, a status, ... */
static int has_net = 1, has_block, acquired;
static uint8_t image[3 * 4096], original[sizeof(image)];
static const char *incoming[4];
static int packets, drained, wakes, blocks, schedules, locks = 7;
static solo5_handle_set_t ready;
static uint64_t now = 5000;
static void (*thread)(void *);
static void *thread_argument;
static struct virtif_user *user;
static mainlike_fn *program;

unsigned long bmk_memsize;
const char glue_eh_frame_hdr[] = "tables";
struct rumpuser_hyperup rumpuser__hyp;

/* Solo5 */

void solo5_console_write(const char *text, size_t size)
{
	printf("[%.*s]", (int)size, text);
}

void solo5_exit(int status)
{
	printf("exit %d\n", status);
	exit(0);
}

solo5_result_t solo5_set_tls_base(uintptr_t base)
{
	printf("tls %lu\n", (unsigned long)base);
	return base ? SOLO5_R_OK : SOLO5_R_EINVAL;
}

solo5_time_t solo5_clock_monotonic(void)
{
	return now += 10;
}

solo5_time_t solo5_clock_wall(void)
{
	return 1000000 + now;
}

void solo5_yield(solo5_time_t deadline, solo5_handle_set_t *set)
{
	printf("yield %lu\n", (unsigned long)deadline);
	*set = ready;
}

solo5_result_t solo5_net_acquire(const char *name, solo5_handle_t *handle, struct solo5_net_info *info)
{
	if (!has_net || strcmp(name, "tap") != 0)
		return SOLO5_R_EINVAL;
	*handle = 3;
	*info = (struct solo5_net_info){ { 2, 0, 0, 0, 0, 9 }, 1500 };
	return SOLO5_R_OK;
}

solo5_result_t solo5_net_write(solo5_handle_t handle, const uint8_t *data, size_t size)
{
	printf("write %d: %zu %.*s locks=%d\n", (int)handle, size, size < 40 ? (int)size : 0,
	       (const char *)data, locks);
	return SOLO5_R_OK;
}

solo5_result_t solo5_net_read(solo5_handle_t handle, uint8_t *data, size_t size, size_t *got)
{
	if (handle != 3 || packets == 0)
		return SOLO5_R_AGAIN;
	*got = strlen(incoming[--packets]);
	if (*got > size)
		return SOLO5_R_EUNSPEC;
	memcpy(data, incoming[packets], *got);
	drained++;
	return SOLO5_R_OK;
}

solo5_result_t solo5_block_acquire(const char *name, solo5_handle_t *handle,
				   struct solo5_block_info *info)
{
	if (strcmp(name, "rootfs") != 0 || acquired++ || !has_block)
		return SOLO5_R_EINVAL;
	*handle = 1;
	*info = (struct solo5_block_info){ sizeof(image), number };
	return SOLO5_R_OK;
}

static int is_block(solo5_handle_t handle, solo5_off_t offset, size_t size)
{
	return handle == 1 && size == number && offset % number == 0 &&
	       offset + size <= sizeof(image);
}

solo5_result_t solo5_block_read(solo5_handle_t handle, solo5_off_t offset, uint8_t *data, size_t size)
{
	if (!is_block(handle, offset, size))
		return SOLO5_R_EINVAL;
	memcpy(data, image + offset, size);
	return SOLO5_R_OK;
}

solo5_result_t solo5_block_write(solo5_handle_t handle, solo5_off_t offset, const uint8_t *data,
				 size_t size)
{
	if (!is_block(handle, offset, size))
		return SOLO5_R_EINVAL;
	memcpy(image + offset, data, size);
	return SOLO5_R_OK;
}

/* bmk-core */

int bmk_core_init(unsigned long order)
{
	printf("stack order %lu\n", order);
	return 0;
}

void bmk_pgalloc_loadmem(unsigned long from, unsigned long to)
{
	printf("memory %lx-%lx\n", from, to);
}

void bmk_sched_init(void)
{
	printf("net %d\n", glue_net.found);
}

void bmk_sched_startmain(void (*run)(void *), void *argument)
{
	printf("memory size %lx\n", bmk_memsize);
	run(argument);
	abort();
}

struct bmk_thread *bmk_sched_create(const char *name, void *cookie, int joinable, void (*run)(void *),
				    void *argument, void *stack, unsigned long size)
{
	thread = run;
	thread_argument = argument;
	return (struct bmk_thread *)&thread;
}

void bmk_sched_blockprepare_timeout(bmk_time_t until)
{
	printf("wait for %ld\n", (long)(until - (bmk_time_t)now));
}

int bmk_sched_block(void)
{
	VIFHYPER_RECEIVE();
	if (++blocks == 2)
		VIFHYPER_DYING(user);
	return 0;
}

void bmk_sched_wake(struct bmk_thread *which)
{
	wakes += which == (struct bmk_thread *)&thread;
}

void *bmk_memalloc(unsigned long size, unsigned long align, enum bmk_memwho who)
{
	return malloc(size);
}

void *bmk_memcalloc(unsigned long count, unsigned long size, enum bmk_memwho who)
{
	return calloc(count, size);
}

int bmk_strncmp(const char *a, const char *b, unsigned long size)
{
	return strncmp(a, b, size);
}

void *bmk_memcpy(void *to, const void *from, unsigned long size)
{
	return memcpy(to, from, size);
}

void bmk_printf(const char *format, ...)
{
	char text[512];
	va_list rest;

	va_start(rest, format);
	vsnprintf(text, sizeof(text), format, rest);
	va_end(rest);
	cons_puts(text);
}

void bmk_printf_init(void (*put)(int), void (*flush)(void))
{
	printf("console %d\n", put == cons_putc && flush == NULL);
}

/* rumprun-base */

static char *words[] = { "program", "word", NULL };
static struct rumprun_exec first = { RUMPRUN_EXEC_CMDLINE, 2, words };
struct rumprun_exec *rumprun_execs = &first;

void rumprun_boot(char *line)
{
	printf("boot %zu %.90s\n", strlen(line), line);
}

int rumprun_main1(int argc, char *argv[])
{
	printf("main %d %s\n", argc, argv[1]);
	return (int)number;
}

void *rumprun(int flags, mainlike_fn start, int argc, char *argv[])
{
	printf("flags %d\n", flags);
	number = start(argc, argv);
	program = start;
	return &number;
}

void *rumprun_get_finished(void)
{
	void *ended = program ? &number : NULL;

	program = NULL;
	return ended;
}

int rumprun_wait(void *ended)
{
	return *(int *)ended;
}

void rumprun_reboot(void)
{
	bmk_platform_halt(NULL);
}

/* The rump kernel */

static void in(void)
{
	schedules++;
}

static void out(void)
{
	schedules--;
}

static int as_process(int pid)
{
	printf("process %d inside=%d\n", pid, schedules);
	return 0;
}

void rumpkern_unsched(int *taken, void *interlock)
{
	*taken = locks;
	locks = 0;
}

void rumpkern_sched(int taken, void *interlock)
{
	locks = taken;
}

void VIF_DELIVERPKT(struct iovec *parts, size_t count)
{
	printf("deliver %zu %.*s inside=%d\n", count, (int)parts->iov_len,
	       (const char *)parts->iov_base, schedules);
}

/* Scenarios */

static size_t done_size;
static int done_error;

static void done(void *argument, size_t size, int error)
{
	done_size = size;
	done_error = error;
}

/* Every range of sectors, read and written, against a copy in memory. */
static void block(void)
{
	uint8_t data[sizeof(image)];
	uint64_t size;
	int fd, type, wrong = 0;

	has_block = number != 0;
	glue_init();
	printf("init %d\n", rumprun_platform_rumpuser_init());
	printf("other name %d\n", rumpuser_open("/dev/null", RUMPUSER_OPEN_BIO, &fd));
	printf("no bio %d\n", rumpuser_open("XENBLK_/dev/ld0a", 0, &fd));
	printf("open %d\n", rumpuser_open("XENBLK_/dev/ld0a", RUMPUSER_OPEN_BIO, &fd));
	if (number == 0)
		return;
	printf("info %d", rumpuser_getfileinfo("XENBLK_/dev/ld0a", &size, &type));
	printf(" %lu %d\n", (unsigned long)size, type == RUMPUSER_FT_BLK);
	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = original[i] = i * 31 + i / 512;
	for (size_t from = 0; from < sizeof(image); from += 512)
		for (size_t length = 512; from + length <= sizeof(image); length += 512) {
			rumpuser_bio(fd, RUMPUSER_BIO_READ, data, length, from, done, NULL);
			wrong += done_error || done_size != length ||
				 memcmp(data, original + from, length) != 0;
			memset(data, (int)(from / 512 + length / 512), length);
			memcpy(original + from, data, length);
			rumpuser_bio(fd, RUMPUSER_BIO_WRITE, data, length, from, done, NULL);
			wrong += done_error || done_size != length ||
				 memcmp(image, original, sizeof(image)) != 0;
		}
	printf("wrong %d\n", wrong);
	rumpuser_bio(fd, RUMPUSER_BIO_READ, data, 8192, sizeof(image) - 4096, done, NULL);
	printf("past the end %d after %zu\n", done_error, done_size);
	rumpuser_bio(fd + 1, RUMPUSER_BIO_READ, data, 512, 0, done, NULL);
	printf("another file %d\n", done_error);
	rumpuser_bio(fd, RUMPUSER_BIO_READ, data, 0, 0, done, NULL);
	printf("nothing %d\n", done_error);
	printf("close %d\n", rumpuser_close(fd));
}

static void net(void)
{
	struct virtif_user *second;
	struct iovec parts[] = { { "one ", 4 }, { "two ", 4 }, { "three", 5 } };
	static uint8_t large[1519];
	struct iovec much[] = { { large, 1500 }, { large, 19 } };
	uint8_t *address;
	int error;

	rumpuser__hyp = (struct rumpuser_hyperup){ in, out, as_process };
	has_net = number;
	glue_init();
	VIFHYPER_RECEIVE(); /* before there is an interface: nobody to wake */
	error = VIFHYPER_MAC(&address);
	printf("mac %d %d\n", error, error ? 0 : address[5]);
	printf("create %d\n", VIFHYPER_CREATE("0", NULL, NULL, &user));
	if (!has_net)
		return;
	printf("again %d\n", VIFHYPER_CREATE("1", NULL, NULL, &second));
	VIFHYPER_SEND(user, parts, 1);
	VIFHYPER_SEND(user, parts, 3);
	printf("locks %d\n", locks);
	VIFHYPER_SEND(user, much, 2); /* a byte too many */
	much[1].iov_len = 18;
	VIFHYPER_SEND(user, much, 2);
	incoming[0] = "second";
	incoming[1] = "first";
	packets = 2;
	thread(thread_argument);
	printf("wakes %d, inside=%d\n", wakes, schedules);
	VIFHYPER_RECEIVE(); /* it does not wait */
	printf("wakes %d\n", wakes);
	ready = 1 << 3;
	bmk_platform_cpu_block(1);
	printf("receiver called %d\n", glue_net_ready == VIFHYPER_RECEIVE);
}

static void wait(void)
{
	glue_init();
	bmk_printf("half a line");
	incoming[0] = incoming[1] = "nobody's";
	packets = 2;
	ready = 1 << 2; /* another device */
	bmk_platform_cpu_block(42);
	printf("drained %d\n", drained);
	ready = 1 << 3;
	bmk_platform_cpu_block(43);
	printf("drained %d\n", drained);
	printf("epoch %ld", (long)bmk_platform_cpu_clock_epochoffset());
	now += 100000;
	printf(" %ld\n", (long)bmk_platform_cpu_clock_epochoffset());
	bmk_platform_splx(bmk_platform_splhigh());
	bmk_platform_cpu_sched_settls(&(struct bmk_tcb){ 4096 });
	bmk_platform_cpu_sched_settls(&(struct bmk_tcb){ 0 });
}

static void boot(const char *given)
{
	static char line[9000];

	memset(line, 'x', sizeof(line) - 1);
	if (given)
		strcpy(line, given);
	solo5_app_main(&(struct solo5_start_info){ line, 0x100123, 0x10000 });
}

static int see(struct dl_phdr_info *program, size_t size, void *cookie)
{
	const Elf_Phdr *header = program->dlpi_phdr;

	printf("%d header of type %d: %s %s\n", program->dlpi_phnum, header->p_type,
	       (const char *)(uintptr_t)(program->dlpi_addr + header->p_vaddr), (char *)cookie);
	return size == sizeof(*program) ? 5 : 0;
}

void *__cxa_begin_catch(void *exception)
{
	printf("caught %s\n", (char *)exception);
	return exception;
}

void _ZSt9terminatev(void)
{
	printf("terminate\n");
	exit(0);
}

void __cxa_call_terminate(void *exception);

static void console(void)
{
	for (int i = 0; i < 300; i++)
		cons_putc('a');
	cons_puts("b\nc");
	glue_console_flush();
	glue_console_flush();
	printf("\n");
}

int main(int argc, char **argv)
{
	number = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	if (strcmp(argv[1], "block") == 0)
		block();
	else if (strcmp(argv[1], "net") == 0)
		net();
	else if (strcmp(argv[1], "wait") == 0)
		wait();
	else if (strcmp(argv[1], "boot") == 0)
		has_block = argc > 4, boot(argc > 3 ? argv[3] : NULL);
	else if (strcmp(argv[1], "unwind") == 0)
		printf("%d\n", dl_iterate_phdr(see, "cookie"));
	else if (strcmp(argv[1], "terminate") == 0)
		__cxa_call_terminate(argc > 2 ? argv[2] : NULL);
	else if (strcmp(argv[1], "panic") == 0)
		bmk_platform_halt("why");
	else
		console();
	return 0;
}
