/*
 * The hypercalls of the interface ukvmif0 (rumprun's if_virt.c): the network device that urunc
 * attaches. Solo5 takes and gives whole frames, and never waits.
 */
#ifndef _KERNEL
#include <sys/types.h>
#include <sys/uio.h>

#include <bmk-core/errno.h>
#include <bmk-core/memalloc.h>
#include <bmk-core/sched.h>
#include <bmk-core/string.h>

#include <bmk-rumpuser/core_types.h>
#include <bmk-rumpuser/rumpuser.h>

#include "if_virt.h"
#include "virtif_user.h"

#include "glue.h"

#if VIFHYPER_REVISION != 20140313
#error "this rumprun calls its network hypercalls in another way"
#endif

/* A packet that comes while threads keep the processor waits this long at most. */
#define POLL (GLUE_SECOND / 100)

/* A header with an 802.1Q tag is four bytes longer. */
#define HEADER (SOLO5_NET_HLEN + 4)

struct virtif_user {
	struct bmk_thread *receiver;
	int waiting;
	int dying;
	size_t size; /* of the two buffers: the largest frame */
	uint8_t *in;
	uint8_t *out;
};

static struct virtif_user *interface;

int VIFHYPER_MAC(uint8_t **address)
{
	if (!glue_net.found)
		return BMK_ENXIO;
	*address = glue_net.info.mac_address;
	return 0;
}

/* A packet waits: the idle loop says so. */
void VIFHYPER_RECEIVE(void)
{
	if (interface && interface->waiting)
		bmk_sched_wake(interface->receiver);
}

/* Whether there was a packet, which is with the rump kernel now. */
static int receive(struct virtif_user *of)
{
	struct iovec packet = { .iov_base = of->in };
	size_t size = 0;

	if (solo5_net_read(glue_net.handle, of->in, of->size, &size) != SOLO5_R_OK)
		return 0;
	packet.iov_len = size;
	rumpuser__hyp.hyp_schedule();
	VIF_DELIVERPKT(&packet, 1);
	rumpuser__hyp.hyp_unschedule();
	return 1;
}

static void receiver(void *argument)
{
	struct virtif_user *of = argument;

	/* A thread enters the rump kernel as a process of its own. */
	rumpuser__hyp.hyp_schedule();
	rumpuser__hyp.hyp_lwproc_newlwp(0);
	rumpuser__hyp.hyp_unschedule();

	while (!of->dying) {
		if (receive(of))
			continue;
		of->waiting = 1;
		bmk_sched_blockprepare_timeout(solo5_clock_monotonic() + POLL);
		bmk_sched_block();
		of->waiting = 0;
	}
}

int VIFHYPER_CREATE(const char *name, struct virtif_sc *device, uint8_t *address,
		    struct virtif_user **made)
{
	struct virtif_user *of;

	(void)name;
	(void)device;
	(void)address;
	if (!glue_net.found)
		return BMK_ENXIO;
	if (interface)
		return BMK_EBUSY;
	of = bmk_memcalloc(1, sizeof(*of), BMK_MEMWHO_RUMPKERN);
	if (of == NULL)
		return BMK_ENOMEM;
	of->size = HEADER + glue_net.info.mtu;
	of->in = bmk_memalloc(of->size, 0, BMK_MEMWHO_RUMPKERN);
	of->out = bmk_memalloc(of->size, 0, BMK_MEMWHO_RUMPKERN);
	if (of->in == NULL || of->out == NULL)
		return BMK_ENOMEM;
	of->receiver = bmk_sched_create("ukvmif", NULL, 1, receiver, of, NULL, 0);
	if (of->receiver == NULL)
		return BMK_ENOMEM;
	interface = *made = of;
	glue_net_ready = VIFHYPER_RECEIVE;
	return 0;
}

int VIFHYPER_DYING(struct virtif_user *of)
{
	of->dying = 1;
	return 0;
}

/* A frame that Solo5 does not take is lost, as on a wire. */
void VIFHYPER_SEND(struct virtif_user *of, struct iovec *parts, size_t count)
{
	uint8_t *frame = count == 1 ? parts->iov_base : of->out;
	size_t size = 0;
	int locks;

	for (size_t i = 0; i < count; i++) {
		if (parts[i].iov_len > of->size - size)
			return;
		if (count > 1)
			bmk_memcpy(of->out + size, parts[i].iov_base, parts[i].iov_len);
		size += parts[i].iov_len;
	}
	rumpkern_unsched(&locks, NULL);
	solo5_net_write(glue_net.handle, frame, size);
	rumpkern_sched(locks, NULL);
}
#endif
