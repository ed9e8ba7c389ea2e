/* Users and groups by the root filesystem's own /etc/passwd and /etc/group. Portable C. */
#ifndef HUTCH_ACCOUNTS_H
#define HUTCH_ACCOUNTS_H

#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_GROUPS 256

struct account {
	uint32_t uid, gid;
	char name[64];  /* "" when /etc/passwd does not know the user */
	char home[256]; /* "/" likewise */
	uint32_t groups[ACCOUNT_GROUPS]; /* supplementary, with gid first */
	size_t group_count;
};

/*
 * Who runs the application: by "user[:group]" (names or numbers; an unknown number is fine, an
 * unknown name is not), as in a container image's User. `passwd` and `group` are the texts of the two
 * files ("" when there are none). Returns NULL, or what is wrong.
 */
const char *account_find(struct account *out, const char *who, const char *passwd,
			 const char *group);

#endif
