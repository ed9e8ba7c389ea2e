/* The parts of the BSD init that are the same anywhere; see test_init.py. */
#include "bsd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char input[1 << 20];

static const char *text(const char *value) { return value ? value : "none"; }

int main(int argc, char **argv)
{
	size_t size = fread(input, 1, sizeof(input) - 1, stdin);

	if (argc > 2 && !strcmp(argv[1], "address")) {
		uint32_t address;

		if (!parse_address(argv[2], &address))
			return 3;
		fwrite(&address, 1, 4, stdout);
	} else if (argc > 8 && !strcmp(argv[1], "route")) {
		struct network_abi abi = {.route_version = (uint8_t)atoi(argv[2]),
					  .route_header = (size_t)atoi(argv[3]),
					  .link_size = (size_t)atoi(argv[4])};
		unsigned char out[256] = {0};
		uint32_t to, mask, gateway;

		if (!parse_address(argv[5], &to) || !parse_address(argv[6], &mask) ||
		    !parse_address(argv[7], &gateway))
			return 3;
		fwrite(out, 1, route_message(out, &abi, to, mask, gateway, (uint16_t)atoi(argv[8])), stdout);
	} else if (argc > 1 && !strcmp(argv[1], "config")) {
		puts(looks_like_config((const char *)input, size) ? "yes" : "no");
	} else if (argc > 1 && !strcmp(argv[1], "disk")) {
		puts(text(disk_type(input, size)));
	} else if (argc > 2 && !strcmp(argv[1], "complete")) {
		/* The runtime's configuration is the argument, the image's the input; in lines. */
		static struct config config, image;

		if (config_parse(&config, argv[2], strlen(argv[2]), NULL) ||
		    config_parse(&image, (char *)input, size, NULL))
			return 3;
		config_complete(&config, &image);
		for (size_t i = 0; i < config.env_count; i++)
			printf("env %s\n", config.env[i]);
		for (size_t i = 0; i < config.arg_count; i++)
			printf("arg %s\n", config.args[i]);
		printf("user %s uid %d\n", text(config.user), config.has_uid ? (int)config.uid : -1);
		printf("workdir %s\n", text(config.workdir));
		printf("ip %s gateway %s\n", text(config.ip), text(config.gateway));
	} else {
		return 2;
	}
	return 0;
}
