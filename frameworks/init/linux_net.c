/* The little of networking that the kernel's ip= leaves to user space. */
#include "linux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESOLV "/etc/resolv.conf"

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
		if (out)
			provide("resolv.conf", out);
		free(out);
	}
	free(old);
	free(pnp);
}

bool net_address(char out[16])
{
	struct ifreq request = {.ifr_name = "eth0"};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found = sock >= 0 && ioctl(sock, SIOCGIFADDR, &request) == 0;
	struct sockaddr_in address;

	if (sock >= 0)
		close(sock);
	memcpy(&address, &request.ifr_addr, sizeof(address));
	return found && inet_ntop(AF_INET, &address.sin_addr, out, 16);
}

/* The kernel says nothing of an address that it has no device for. */
static void miss_network(const struct config *image)
{
	char *cmdline = read_file("/proc/cmdline", NULL), address[16];
	char *ip = cmdline ? strstr(cmdline, " ip=") : NULL;
	char *why = access("/proc/sys/net/ipv4", F_OK) != 0 ? "this kernel has no network"
		    : access("/sys/class/net/eth0", F_OK) != 0
			    ? "there is no eth0, or no driver for it in this kernel"
			    : "eth0 has no address";

	if (!net_address(address)) {
		if (ip && strncmp(ip, " ip=off", 7) != 0 && strncmp(ip, " ip=none", 8) != 0)
			say("%.*s is without effect: %s", (int)strcspn(ip + 1, " \n"), ip + 1, why);
		else if (image->port_count > 0)
			say("nobody can reach port %s: %s", image->ports[0], why);
	}
	free(cmdline);
}

void net_up(const struct config *image)
{
	struct ifreq request = {.ifr_name = "lo"};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	miss_network(image);
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
