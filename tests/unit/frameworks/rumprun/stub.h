/* What the glue sees of Solo5, of bmk-core, and of the rump kernel's hypercalls, and no more: each header that it
 * includes is this one. The interface of Solo5 is that of its releases since 0.6. */
#ifndef STUB_H
#define STUB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* solo5.h */
typedef enum { SOLO5_R_OK, SOLO5_R_AGAIN, SOLO5_R_EINVAL, SOLO5_R_EUNSPEC } solo5_result_t;
typedef uint64_t solo5_handle_t, solo5_handle_set_t, solo5_time_t, solo5_off_t;
struct solo5_start_info {
	const char *cmdline;
	uintptr_t heap_start;
	size_t heap_size;
};
struct solo5_net_info {
	uint8_t mac_address[6];
	size_t mtu;
};
struct solo5_block_info {
	solo5_off_t capacity;
	solo5_off_t block_size;
};
#define SOLO5_EXIT_FAILURE 1
#define SOLO5_EXIT_ABORT 255
#define SOLO5_NET_HLEN 14
int solo5_app_main(const struct solo5_start_info *);
void solo5_exit(int) __attribute__((noreturn));
solo5_result_t solo5_set_tls_base(uintptr_t);
solo5_time_t solo5_clock_monotonic(void);
solo5_time_t solo5_clock_wall(void);
void solo5_yield(solo5_time_t, solo5_handle_set_t *);
void solo5_console_write(const char *, size_t);
solo5_result_t solo5_net_acquire(const char *, solo5_handle_t *, struct solo5_net_info *);
solo5_result_t solo5_net_write(solo5_handle_t, const uint8_t *, size_t);
solo5_result_t solo5_net_read(solo5_handle_t, uint8_t *, size_t, size_t *);
solo5_result_t solo5_block_acquire(const char *, solo5_handle_t *, struct solo5_block_info *);
solo5_result_t solo5_block_write(solo5_handle_t, solo5_off_t, const uint8_t *, size_t);
solo5_result_t solo5_block_read(solo5_handle_t, solo5_off_t, uint8_t *, size_t);

/* bmk-core, hw */
typedef int64_t bmk_time_t;
enum bmk_memwho { BMK_MEMWHO_WIREDBMK, BMK_MEMWHO_RUMPKERN };
struct bmk_thread;
struct bmk_tcb {
	unsigned long btcb_tp;
};
#define BMK_ENOENT 2
#define BMK_EIO 5
#define BMK_ENXIO 6
#define BMK_ENOMEM 12
#define BMK_EBUSY 16
#define BMK_THREAD_STACK_PAGE_ORDER 3
#define bmk_round_page(p) (((p) + 4095UL) & ~4095UL)
#define bmk_trunc_page(p) ((p) & ~4095UL)
extern unsigned long bmk_memsize;
int bmk_core_init(unsigned long);
void bmk_pgalloc_loadmem(unsigned long, unsigned long);
void bmk_sched_init(void);
void bmk_sched_startmain(void (*)(void *), void *) __attribute__((noreturn));
struct bmk_thread *bmk_sched_create(const char *, void *, int, void (*)(void *), void *, void *,
				    unsigned long);
void bmk_sched_blockprepare_timeout(bmk_time_t);
int bmk_sched_block(void);
void bmk_sched_wake(struct bmk_thread *);
void *bmk_memalloc(unsigned long, unsigned long, enum bmk_memwho);
void *bmk_memcalloc(unsigned long, unsigned long, enum bmk_memwho);
int bmk_strncmp(const char *, const char *, unsigned long);
void *bmk_memcpy(void *, const void *, unsigned long);
void bmk_printf(const char *, ...);
void bmk_printf_init(void (*)(int), void (*)(void));
void bmk_platform_halt(const char *) __attribute__((noreturn));
void bmk_platform_cpu_block(bmk_time_t);
bmk_time_t bmk_platform_cpu_clock_monotonic(void);
bmk_time_t bmk_platform_cpu_clock_epochoffset(void);
unsigned long bmk_platform_splhigh(void);
void bmk_platform_splx(unsigned long);
void bmk_platform_cpu_sched_settls(struct bmk_tcb *);
void cons_init(void);
void cons_putc(int);
void cons_puts(const char *);

/* link_elf.h, of NetBSD */
typedef uint64_t Elf_Addr;
typedef struct {
	int p_type;
	Elf_Addr p_vaddr;
} Elf_Phdr;
#define PT_GNU_EH_FRAME 7
struct dl_phdr_info {
	Elf_Addr dlpi_addr;
	const char *dlpi_name;
	const Elf_Phdr *dlpi_phdr;
	int dlpi_phnum;
};
/* The sanitizers call the C library's. */
#define dl_iterate_phdr dl_iterate_phdr_of_the_glue
int dl_iterate_phdr(int (*)(struct dl_phdr_info *, size_t, void *), void *);

/* rumprun-base */
typedef int mainlike_fn(int, char *[]);
#define RUMPRUN_EXEC_BACKGROUND 1
#define RUMPRUN_EXEC_CMDLINE 4
struct rumprun_exec {
	int rre_flags;
	int rre_argc;
	char **rre_argv;
};
extern struct rumprun_exec *rumprun_execs;
#define TAILQ_FIRST(list) (*(list))
void rumprun_boot(char *);
void *rumprun(int, mainlike_fn, int, char *[]);
int rumprun_wait(void *);
void *rumprun_get_finished(void);
void rumprun_reboot(void) __attribute__((noreturn));

/* bmk-rumpuser, and the two headers of rumprun's if_virt.c */
typedef void (*rump_biodone_fn)(void *, size_t, int);
#define RUMPUSER_OPEN_BIO 4
#define RUMPUSER_BIO_READ 1
#define RUMPUSER_BIO_WRITE 2
#define RUMPUSER_FT_BLK 3
int rumprun_platform_rumpuser_init(void);
int rumpuser_open(const char *, int, int *);
int rumpuser_close(int);
int rumpuser_getfileinfo(const char *, uint64_t *, int *);
void rumpuser_bio(int, int, void *, size_t, int64_t, rump_biodone_fn, void *);
extern struct rumpuser_hyperup {
	void (*hyp_schedule)(void);
	void (*hyp_unschedule)(void);
	int (*hyp_lwproc_newlwp)(int);
} rumpuser__hyp;
void rumpkern_unsched(int *, void *);
void rumpkern_sched(int, void *);
struct virtif_sc;
struct virtif_user;
#define VIFHYPER_REVISION 20140313
#define VIFHYPER_MAC rumpcomp_ukvmif_mac
#define VIFHYPER_CREATE rumpcomp_ukvmif_create
#define VIFHYPER_DYING VIFHYPER_DYING_of_rumprun
#define VIFHYPER_SEND rumpcomp_ukvmif_send
#define VIFHYPER_RECEIVE rumpcomp_ukvmif_receive
#define VIF_DELIVERPKT rump_virtif_ukvmif_deliverpkt
int VIFHYPER_MAC(uint8_t **);
int VIFHYPER_CREATE(const char *, struct virtif_sc *, uint8_t *, struct virtif_user **);
int VIFHYPER_DYING(struct virtif_user *);
void VIFHYPER_SEND(struct virtif_user *, struct iovec *, size_t);
void VIFHYPER_RECEIVE(void);
void VIF_DELIVERPKT(struct iovec *, size_t);

#endif
