/*
 * The configuration that the runtime hands to the guest's init, and that an image brings along for
 * when there is no runtime. Portable C: Linux and the BSDs share it.
 *
 * Two wire formats carry the same records: one per line, or, when the data begin with "URUNIT1" and
 * a NUL, each ended by a NUL, so that a value may hold newlines. Sections, any of which may be
 * missing:
 *
 *   UES KEY=value ... UEE                                       environment
 *   UCS UID:n GID:n WD:dir ARC:n ARV:arg ... RLIMIT:t:s:h UCE   process
 *   UBS ID:serial MP:dir ... UBE                                volumes
 *   UNS IP:a GW:a MSK:a UNE                                     network
 *   PAD                                                         filler, anywhere between sections
 *
 * Ours, in UCS: USR:user[:group] (names or numbers, instead of UID and GID), HN:hostname,
 * PRT:port[/protocol] for each port of the image, and END:poweroff, where a machine that reboots would
 * start anew; in UNS: DNS:a for each name server.
 */
#ifndef HUTCH_CONFIG_H
#define HUTCH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_volume {
	const char *id;    /* the virtio serial number, or "FC..." where only the order is known */
	const char *mount; /* where it is mounted */
};

struct config_limit {
	const char *name; /* "RLIMIT_NOFILE" or "NOFILE" */
	uint64_t soft, hard;
};

/* Every string points into the data that was parsed, which must outlive this. */
struct config {
	char **env; /* NULL-terminated KEY=value, NULL when there was no environment section */
	size_t env_count;
	bool has_uid, has_gid;
	uint32_t uid, gid;
	const char *user;     /* USR, or NULL */
	const char *workdir;  /* NULL or "" when not given */
	const char *hostname; /* HN, or NULL */
	bool power_off;       /* END:poweroff */
	char **args;          /* NULL-terminated ARV, NULL when there was none */
	size_t arg_count;
	struct config_volume *volumes;
	size_t volume_count;
	struct config_limit *limits;
	size_t limit_count;
	const char *ip, *gateway, *netmask; /* UNS, or NULL */
	char **name_servers; /* NULL-terminated DNS, NULL when there was no network section */
	size_t name_server_count;
	char **ports; /* NULL-terminated PRT, NULL when there was none */
	size_t port_count;
};

/*
 * Parse `size` bytes of `data`, which is changed; data[size] must be writable (it becomes a NUL).
 * Returns NULL when all is well, else what is wrong, in words that need no freeing; then `out` holds
 * what was read before it. config_free releases the tables either way.
 *
 * `known` (NULL for none) are variables as the image has them. Lines cannot carry a newline in a value,
 * so what follows one would be a variable of its own, or the list's end: where the text is that of a
 * known variable, it is that one, to its last byte.
 */
const char *config_parse(struct config *out, char *data, size_t size, char *const *known);

void config_free(struct config *config);

#endif
