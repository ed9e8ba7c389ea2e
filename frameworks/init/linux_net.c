/* The little of networking that the kernel's ip= leaves to user space. */
#include "linux.h"

#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLV "/etc/resolv.conf"

/* Write it; a symbolic link that leads nowhere, as systemd's does here, gives way. */
static bool write_resolv_conf(const char *text)
{
	struct stat st;

	if (stat(RESOLV, &st) != 0)
		unlink(RESOLV);
	return write_file(RESOLV, text);
}

/*
 * resolv.conf in a root that cannot be written to: over the file that is there, or else in a layer
 * over the whole of /etc.
 */
static void cover_resolv_conf(const char *text)
{
	struct stat st;

	if (stat(RESOLV, &st) == 0) {
		if (write_file("/run/resolv.conf", text))
			mount("/run/resolv.conf", RESOLV, NULL, MS_BIND, NULL);
		return;
	}
	mkdir("/run/etc", 0755);
	mkdir("/run/etc/upper", 0755);
	mkdir("/run/etc/work", 0755);
	if (mount("overlay", "/etc", "overlay", 0,
		  "lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work") != 0 ||
	    !write_resolv_conf(text))
		say("cannot write " RESOLV ": %s", strerror(errno));
}

/*
 * Name servers. Those that the root filesystem names count: the runtime's, where it could put the
 * container's file there, or the image's own. Else those that the kernel learned by DHCP. The runtime
 * has no other way to tell any.
 */
static void find_name_servers(void)
{
	char *old = read_file(RESOLV, NULL), *pnp = read_file("/proc/net/pnp", NULL);

	if (pnp && strstr(pnp, "nameserver ") && !(old && strstr(old, "nameserver"))) {
		char *out = calloc(1, strlen(pnp) + 1);

		for (char *line = strtok(pnp, "\n"); line && out; line = strtok(NULL, "\n"))
			if (!strncmp(line, "nameserver ", 11) || !strncmp(line, "domain ", 7))
				strcat(strcat(out, line), "\n");
		mkdir("/etc", 0755);
		if (out && !write_resolv_conf(out) && (errno == EROFS || errno == ENOENT))
			cover_resolv_conf(out);
		free(out);
	}
	free(old);
	free(pnp);
}

void net_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return; /* a kernel without a network */
	if (ioctl(sock, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP)) {
		request.ifr_flags |= IFF_UP;
		if (ioctl(sock, SIOCSIFFLAGS, &request) != 0)
			say("cannot bring lo up: %s", strerror(errno));
	}
	close(sock);
	find_name_servers();
}

void net_default_route(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	char device[] = "eth0";
	struct rtentry route = {.rt_flags = RTF_UP, .rt_dev = device};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&route.rt_dst, &any, sizeof(any));
	memcpy(&route.rt_genmask, &any, sizeof(any));
	if (sock < 0 || (ioctl(sock, SIOCADDRT, &route) != 0 && errno != EEXIST))
		say("cannot set a default route by eth0: %s", strerror(errno));
	if (sock >= 0)
		close(sock);
}
