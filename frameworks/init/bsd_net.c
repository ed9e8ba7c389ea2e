/* The network: one address on the first virtio interface, and a default route. */
#include "bsd.h"

#include <string.h>

enum {
	AF_INET = 2, AF_LINK = 18, SOCK_DGRAM = 2, SOCK_RAW = 3,
	IFF_UP = 1, RTM_ADD = 1, RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4, RTF_STATIC = 0x800,
	RTA_DST_GATEWAY_NETMASK = 7, NAME_SIZE = 16, ADDRESS_SIZE = 16,
};

bool parse_address(const char *text, uint32_t *address)
{
	unsigned char out[4];

	for (int i = 0; i < 4; i++) {
		unsigned value = 0, digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++)
			value = value * 10 + (unsigned)(*text - '0');
		if (digits == 0 || value > 255 || *text != (i < 3 ? '.' : '\0'))
			return false;
		out[i] = (unsigned char)value;
		text++;
	}
	memcpy(address, out, 4);
	return true;
}

/* A struct sockaddr_in, which both systems lay out alike. */
static void put_address(unsigned char *at, uint32_t address)
{
	at[0] = ADDRESS_SIZE;
	at[1] = AF_INET;
	memcpy(at + 4, &address, 4);
}

size_t route_message(unsigned char *out, const struct network_abi *abi, uint32_t to, uint32_t mask,
		     uint32_t gateway, uint16_t interface)
{
	int flags = RTF_UP | RTF_STATIC, addresses = RTA_DST_GATEWAY_NETMASK, sequence = 1;
	unsigned char *at = out + abi->route_header;
	uint16_t size;

	if (!interface)
		flags |= RTF_GATEWAY;
	if (mask == UINT32_MAX)
		flags |= RTF_HOST;
	put_address(at, to);
	at += ADDRESS_SIZE;
	if (interface) {
		at[0] = (unsigned char)abi->link_size;
		at[1] = AF_LINK;
		memcpy(at + 2, &interface, 2);
		at += (abi->link_size + 7) & ~(size_t)7;
	} else {
		put_address(at, gateway);
		at += ADDRESS_SIZE;
	}
	put_address(at, mask);
	at += ADDRESS_SIZE;
	size = (uint16_t)(at - out);
	memcpy(out, &size, 2);
	out[2] = abi->route_version;
	out[3] = RTM_ADD;
	/* Up to here the two systems' struct rt_msghdr is the same. */
	memcpy(out + 8, &flags, 4);
	memcpy(out + 12, &addresses, 4);
	memcpy(out + 20, &sequence, 4);
	return size;
}

static bool add_route(uint32_t to, uint32_t mask, uint32_t gateway, uint16_t interface)
{
	unsigned char message[256] = {0};
	size_t size = route_message(message, &network_abi, to, mask, gateway, interface);
	int file = sys_socket(network_abi.route_family, SOCK_RAW, 0);
	bool done = file >= 0 && sys_write(file, message, size) == (long)size;

	if (file >= 0)
		sys_close(file);
	return done;
}

static bool raise(int file, const char *interface)
{
	unsigned char request[256] = {0};
	short flags;

	memcpy(request, interface, strlen(interface));
	if (sys_ioctl(file, network_abi.get_flags, request) != 0)
		return false;
	memcpy(&flags, request + NAME_SIZE, 2);
	flags |= IFF_UP;
	memcpy(request + NAME_SIZE, &flags, 2);
	return sys_ioctl(file, network_abi.set_flags, request) == 0;
}

static bool add_address(int file, const char *interface, uint32_t address, uint32_t mask)
{
	unsigned char request[256] = {0};

	memcpy(request, interface, strlen(interface));
	put_address(request + NAME_SIZE, address);
	put_address(request + NAME_SIZE + 2 * ADDRESS_SIZE, mask);
	if (address != 0x0100007f) /* loopback has no broadcast address */
		put_address(request + NAME_SIZE + ADDRESS_SIZE, address | ~mask);
	return sys_ioctl(file, network_abi.add_address, request) == 0;
}

static uint16_t index_of(int file, const char *interface)
{
	unsigned char request[256] = {0};
	uint16_t index;

	memcpy(request, interface, strlen(interface));
	if (sys_ioctl(file, network_abi.get_index, request) != 0)
		return 0;
	memcpy(&index, request + NAME_SIZE, 2);
	return index;
}

void network_up(const struct config *config, bool direct)
{
	const char *interface = network_abi.interface;
	int file = sys_socket(AF_INET, SOCK_DGRAM, 0);
	uint32_t address, mask = 0, gateway;
	uint16_t index;

	if (file < 0) {
		/* A kernel without a network: nothing to set up. */
		if (config->ip && *config->ip)
			say("the network's address ", config->ip, " is not used: this kernel has no network", NULL);
		return;
	}
	add_address(file, "lo0", 0x0100007f, 0x000000ff);
	raise(file, "lo0");
	if (!config->ip || !*config->ip) {
		sys_close(file);
		return;
	}
	if (!parse_address(config->ip, &address) ||
	    (config->netmask && *config->netmask && !parse_address(config->netmask, &mask))) {
		say("the network's address is none: ", config->ip, NULL);
		sys_close(file);
		return;
	}
	if (!mask)
		mask = UINT32_MAX;
	if (!add_address(file, interface, address, mask) || !raise(file, interface)) {
		/* Without it there is nowhere for a route to lead. */
		say("cannot set the address of ", interface, " to ", config->ip, NULL);
		sys_close(file);
		return;
	}
	index = index_of(file, interface);
	sys_close(file);
	if (config->gateway && parse_address(config->gateway, &gateway) && gateway != 0) {
		/* Some networks of Kubernetes have a gateway outside the pod's own subnet. */
		if ((gateway & mask) != (address & mask))
			add_route(gateway, UINT32_MAX, 0, index);
		if (!add_route(0, 0, gateway, 0))
			say("cannot set the default route to ", config->gateway, NULL);
	} else if (direct && !add_route(0, 0, 0, index)) {
		say("cannot set the default route to ", interface, NULL);
	}
}
