/*
 * The guests' parsers under libFuzzer (`make fuzz-init`): what they read is written by whoever built the
 * image, by the runtime and by whoever starts the guest, and they read it as root.
 *
 * An input's first byte chooses what reads the rest; fields end with NUL. The seeds beside this file are
 * one input for each; with -DREPLAY the program reads one from standard input. Beside the sanitizers, it looks for what must hold of whatever is read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "args.h"
#include "bsd.h"
#include "config.h"
#include "environment.h"
#include "fstype.h"
#include "volumes.h"

/* The fields in data[0..size), which ends with NUL; a table that ends with NULL. */
static char **fields(char *data, size_t size, size_t *count)
{
	char **out = calloc(size + 2, sizeof(*out));

	*count = 0;
	for (size_t at = 0; at < size; at += strlen(data + at) + 1)
		out[(*count)++] = data + at;
	return out;
}

static void must(int holds)
{
	if (!holds)
		abort();
}

static void check_config(const struct config *config)
{
	must(!config->env || !config->env[config->env_count]);
	must(!config->args || !config->args[config->arg_count]);
	must(!config->ports || !config->ports[config->port_count]);
	must(!config->name_servers || !config->name_servers[config->name_server_count]);
	for (size_t i = 0; i < config->volume_count; i++)
		must(config->volumes[i].mount[0] == '/' && config->volumes[i].id);
	for (size_t i = 0; i < config->limit_count; i++)
		must(config->limits[i].name != NULL);
}

/* A configuration, and a second one that is read with the variables of the first. */
static void read_config(char *data, size_t size)
{
	char *half = memmem(data, size, "\0\0", 2);
	size_t first = half ? (size_t)(half - data) : size;
	struct config image, runtime;

	if (half) {
		char *copy = malloc(size - first - 1);

		memcpy(copy, half + 2, size - first - 2);
		config_parse(&image, data, first, NULL);
		config_parse(&runtime, copy, size - first - 2, image.env);
		check_config(&runtime);
		config_free(&runtime);
		free(copy);
	} else {
		config_parse(&image, data, size, NULL);
	}
	check_config(&image);
	config_free(&image);
}

/* A command line, and the image's arguments. */
static void read_cmdline(char **words, size_t count)
{
	size_t cut, joined;
	char **found, **out;

	if (count == 0)
		return;
	must(args_before(words[0]) <= strlen(words[0]));
	args_match(words + 1, words[0]);
	found = args_of_cmdline(words[0], &cut);
	if (!found)
		return;
	must(args_same(found, found));
	args_from(words[0], found, words + 1);
	for (int style = 0; style < 2; style++) {
		out = args_join(found, cut, style ? ARGS_BY_HAND : ARGS_URUNC, &joined);
		must(joined <= cut && !out[joined]);
		free(out);
	}
	free(found);
}

/* A command line, the kernel's words, "/", the image's variables. */
static void read_environment(char **words, size_t count, const char *data, size_t size)
{
	size_t slash = 1, found;
	char **out;

	while (slash < count && strcmp(words[slash], "/"))
		slash++;
	if (slash >= count)
		return;
	words[slash] = NULL;
	out = environment_restore(words + slash + 1, words + 1, words[0], &found);
	must(found < count && !out[found]);
	for (size_t i = 0; i < found; i++) {
		if (i < count - slash - 1)
			must(out[i] != NULL);
		if (out[i] < data || out[i] >= data + size)
			free(out[i]);
	}
	free(out);
}

/* Disks' serial numbers, "/", volumes. */
static void read_volumes(char **words, size_t count)
{
	static char serials[16][VOLUMES_SERIAL + 1];
	struct config_volume volumes[16];
	size_t disks = 0, wanted = 0, found[16], slash = 0;

	while (slash < count && strcmp(words[slash], "/"))
		slash++;
	for (; disks < slash && disks < 16; disks++) {
		strncpy(serials[disks], words[disks], VOLUMES_SERIAL);
		serials[disks][VOLUMES_SERIAL] = '\0';
	}
	for (size_t i = slash + 1; i < count && wanted < 16; i++)
		volumes[wanted++] = (struct config_volume){words[i], "/"};
	volumes_assign(found, volumes, wanted, serials, disks, disks > 0);
	for (size_t i = 0; i < wanted; i++)
		for (size_t j = 0; j <= i; j++)
			must(found[i] == VOLUMES_NONE || (found[i] < disks && found[i] >= (disks > 0) &&
							  (i == j || found[i] != found[j])));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length)
{
	static struct account account;
	size_t size = length > 0 ? length - 1 : 0, count;
	char *data, **words;
	uint32_t address;

	if (length == 0)
		return 0;
	/* As long as promised, and a byte that the parsers may write. */
	data = malloc(size + 1);
	memcpy(data, input + 1, size);
	data[size] = '\0';
	switch (input[0]) {
	case 'c':
		read_config(data, size);
		free(data);
		return 0;
	case 'f':
		fstype_of((unsigned char *)data, size);
		disk_type((unsigned char *)data, size);
		looks_like_config(data, size);
		free(data);
		return 0;
	}
	words = fields(data, size, &count);
	switch (input[0]) {
	case 'a':
		/* who, passwd, group */
		if (count > 2 && !account_find(&account, words[0], words[1], words[2]))
			must(account.group_count <= ACCOUNT_GROUPS);
		break;
	case 'l':
		read_cmdline(words, count);
		break;
	case 'e':
		read_environment(words, count, data, size);
		break;
	case 'n':
		parse_address(data, &address);
		break;
	case 'v':
		read_volumes(words, count);
		break;
	}
	free(words);
	free(data);
	return 0;
}

#ifdef REPLAY
#include <stdio.h>

int main(void)
{
	static uint8_t input[1 << 16];

	return LLVMFuzzerTestOneInput(input, fread(input, 1, sizeof(input), stdin));
}
#endif
