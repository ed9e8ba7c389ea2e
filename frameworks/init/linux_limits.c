/* What a container engine sets in the kernel for every container, and the process's limits. */
#include "linux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* As Docker's and containerd's services have it (LimitNOFILE). */
#define FILES 1048576

void set_kernel(const char *path, const char *from, const char *to)
{
	char *now = read_file(path, NULL);

	if (now && !strncmp(now, from, strlen(from)) && now[strlen(from)] == '\n')
		write_file(path, to);
	free(now);
}

void set_kernel_defaults(void)
{
	struct rlimit files = {FILES, FILES}, processes = {RLIM_INFINITY, RLIM_INFINITY};

	/* A user other than root may listen on port 80, and ping (moby, daemon/oci_linux.go). */
	set_kernel("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024", "0");
	set_kernel("/proc/sys/net/ipv4/ping_group_range", "1\t0", "0 2147483647");
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_NPROC, &processes);
}

void set_limits(const struct config *config)
{
	static const struct {
		const char *name;
		int resource;
	} NAMES[] = {
		{"AS", RLIMIT_AS},           {"CORE", RLIMIT_CORE},
		{"CPU", RLIMIT_CPU},         {"DATA", RLIMIT_DATA},
		{"FSIZE", RLIMIT_FSIZE},     {"LOCKS", RLIMIT_LOCKS},
		{"MEMLOCK", RLIMIT_MEMLOCK}, {"MSGQUEUE", RLIMIT_MSGQUEUE},
		{"NICE", RLIMIT_NICE},       {"NOFILE", RLIMIT_NOFILE},
		{"NPROC", RLIMIT_NPROC},     {"RSS", RLIMIT_RSS},
		{"RTPRIO", RLIMIT_RTPRIO},   {"RTTIME", RLIMIT_RTTIME},
		{"STACK", RLIMIT_STACK},     {"SIGPENDING", RLIMIT_SIGPENDING},
	};

	for (size_t i = 0; i < config->limit_count; i++) {
		const struct config_limit *limit = &config->limits[i];
		struct rlimit value = {limit->soft, limit->hard};
		const char *name = limit->name;
		size_t n = 0;

		if (!strncmp(name, "RLIMIT_", 7))
			name += 7;
		while (n < sizeof(NAMES) / sizeof(*NAMES) && strcmp(NAMES[n].name, name))
			n++;
		if (n == sizeof(NAMES) / sizeof(*NAMES))
			say("the resource limit %s is not known", limit->name);
		else if (setrlimit(NAMES[n].resource, &value) != 0)
			say("cannot set the resource limit %s: %s", limit->name, strerror(errno));
	}
}
