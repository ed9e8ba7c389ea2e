/* Puts the portable parts of the init programs at the tests' disposal; see test_init.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "args.h"
#include "config.h"
#include "environment.h"
#include "fstype.h"
#include "volumes.h"

static char *input(size_t *size)
{
	size_t room = 1 << 12, used = 0, got;
	char *data = malloc(room + 1);

	while ((got = fread(data + used, 1, room - used, stdin)) > 0) {
		used += got;
		if (used == room)
			data = realloc(data, (room *= 2) + 1);
	}
	data[used] = '\0';
	/* Exactly as large as promised, so that the address sanitizer sees one byte too many. */
	data = realloc(data, used + 1);
	*size = used;
	return data;
}

/* Fields end in NUL, so a test can tell a newline in a value from the end of one. */
static void field(const char *name, const char *value)
{
	if (value)
		printf("%s=%s%c", name, value, 0);
}

static void dump(const struct config *c, const char *wrong)
{
	char number[64];

	field("wrong", wrong);
	for (size_t i = 0; i < c->env_count; i++)
		field("env", c->env[i]);
	if (c->env && c->env[c->env_count])
		abort();
	snprintf(number, sizeof(number), "%u", (unsigned)c->uid);
	field("uid", c->has_uid ? number : NULL);
	snprintf(number, sizeof(number), "%u", (unsigned)c->gid);
	field("gid", c->has_gid ? number : NULL);
	field("user", c->user);
	field("workdir", c->workdir);
	field("hostname", c->hostname);
	field("end", c->power_off ? "poweroff" : NULL);
	for (size_t i = 0; i < c->port_count; i++)
		field("port", c->ports[i]);
	if (c->ports && c->ports[c->port_count])
		abort();
	for (size_t i = 0; i < c->arg_count; i++)
		field("arg", c->args[i]);
	if (c->args && c->args[c->arg_count])
		abort();
	for (size_t i = 0; i < c->volume_count; i++) {
		field("id", c->volumes[i].id);
		field("mount", c->volumes[i].mount);
	}
	for (size_t i = 0; i < c->limit_count; i++) {
		field("limit", c->limits[i].name);
		snprintf(number, sizeof(number), "%llu:%llu", (unsigned long long)c->limits[i].soft,
			 (unsigned long long)c->limits[i].hard);
		field("values", number);
	}
	field("ip", c->ip);
	field("gateway", c->gateway);
	field("netmask", c->netmask);
	for (size_t i = 0; i < c->name_server_count; i++)
		field("server", c->name_servers[i]);
}

static void words_out(char **words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s%c", words[i], 0);
}

static char **words_of(char *data, size_t size, size_t *count)
{
	char **words = calloc(size + 1, sizeof(*words));

	*count = 0;
	for (size_t at = 0; at < size; at += strlen(data + at) + 1)
		words[(*count)++] = data + at;
	return words;
}

/* Random inputs made of the format's own words: what holds is that nothing breaks. */
static void fuzz(unsigned seed, int rounds)
{
	static const char *const PIECES[] = {
		"UES", "UEE", "UCS", "UCE", "UBS", "UBE", "UNS", "UNE", "PAD", "UID:", "GID:", "WD:",
		"ARC:", "ARV:", "ID:", "MP:", "/a", "A=b", "=", "4294967296", "1", "RLIMIT:", ":", "USR:",
		"HN:", "PRT:", "'", "''", " ", "-- ", "--", "\"", "it's", "URUNIT1", "UEEX=1", "x",
	};

	srand(seed);
	for (int round = 0; round < rounds; round++) {
		char buffer[600];
		size_t size = 0, count = 0, limit = (size_t)rand() % 500;
		struct config config;
		char **words, *copy;

		if (rand() % 3 == 0) {
			memcpy(buffer, "URUNIT1", 8);
			size = 8;
		}
		while (size < limit) {
			const char *piece = PIECES[(size_t)rand() % (sizeof(PIECES) / sizeof(*PIECES))];
			size_t length = strlen(piece);

			memcpy(buffer + size, piece, length);
			size += length;
			if (rand() % 3)
				buffer[size++] = (char)(rand() % 2 ? '\n' : rand() % 2 ? '\0' : rand());
		}
		copy = malloc(size + 1);
		memcpy(copy, buffer, size);
		config_parse(&config, copy, size, NULL);
		for (size_t i = 0; i < config.volume_count; i++)
			if (config.volumes[i].mount[0] != '/')
				abort();
		config_free(&config);
		memcpy(copy, buffer, size);
		copy[size] = '\0';
		fstype_of((unsigned char *)copy, size);
		words = args_of_cmdline(copy, &count);
		if (words) {
			size_t joined;
			char **out = args_join(words, count, rand() % 2, &joined);

			if (joined > count || !args_same(words, words))
				abort();
			free(out);
		}
		free(words);
		free(copy);
	}
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	size_t size = 0, count;
	char *data;

	if (!strcmp(command, "fuzz")) {
		fuzz((unsigned)atoi(argv[2]), atoi(argv[3]));
		return 0;
	}
	data = input(&size);
	if (!strcmp(command, "config")) {
		struct config config;
		/* the arguments are the variables that are known */
		const char *wrong = config_parse(&config, data, size, argv + 2);

		dump(&config, wrong);
		config_free(&config);
	} else if (!strcmp(command, "join")) {
		enum args_style style = argc > 2 ? ARGS_BY_HAND : ARGS_URUNC;
		char **words = words_of(data, size, &count);
		char **joined = args_join(words, count, style, &count);

		words_out(joined, count);
		if (joined[count])
			abort();
		free(joined);
		free(words);
	} else if (!strcmp(command, "cmdline")) {
		char **words = args_of_cmdline(data, &count);

		if (!words) {
			free(data);
			return 3;
		}
		words_out(words, count);
		free(words);
	} else if (!strcmp(command, "same")) {
		/* two lists, with an empty word in between */
		char **words = words_of(data, size, &count);
		size_t half = 0;

		while (half < count && words[half][0])
			half++;
		words[half] = NULL;
		printf("%d", args_same(words, words + half + 1));
		free(words);
	} else if (!strcmp(command, "from")) {
		/* the command line, and then init's own arguments */
		char **words = words_of(data, size, &count);
		char **said = args_of_cmdline(words[0], &count);

		printf("%d", said && args_from(words[0], said, words + 1));
		free(said);
		free(words);
	} else if (!strcmp(command, "environment")) {
		/* the command line, the kernel's words, "/", the image's variables */
		char **words = words_of(data, size, &count);
		size_t slash = 1, found;
		char **env;

		while (strcmp(words[slash], "/"))
			slash++;
		words[slash] = NULL;
		env = environment_restore(words + slash + 1, words + 1, words[0], &found);
		words_out(env, found);
		if (env[found])
			abort();
		/* What was cut is put together anew: those are not of the input. */
		for (size_t i = 0; i < found; i++)
			if (env[i] < data || env[i] > data + size)
				free(env[i]);
		free(env);
		free(words);
	} else if (!strcmp(command, "match")) {
		/* the command line, and then the arguments */
		char **words = words_of(data, size, &count);

		printf("%d", args_match(words + 1, words[0]));
		free(words);
	} else if (!strcmp(command, "volumes")) {
		/* the first disk that is no root, the disks' serial numbers, "/", the volumes' IDs */
		char **words = words_of(data, size, &count);
		static char serials[16][VOLUMES_SERIAL + 1];
		struct config_volume volumes[16];
		size_t disks = 0, found[16], ids = 0;

		while (strcmp(words[disks], "/"))
			strcpy(serials[disks], words[disks]), disks++;
		while (disks + 1 + ids < count)
			volumes[ids] = (struct config_volume){words[disks + 1 + ids], "/"}, ids++;
		volumes_assign(found, volumes, ids, serials, disks, (size_t)atoi(argv[2]));
		for (size_t i = 0; i < ids; i++)
			printf("%d ", found[i] == VOLUMES_NONE ? -1 : (int)found[i]);
		free(words);
	} else if (!strcmp(command, "fstype")) {
		const char *type = fstype_of((unsigned char *)data, size);

		printf("%s", type ? type : "");
	} else if (!strcmp(command, "account")) {
		/* stdin: passwd, NUL, group */
		static struct account account;
		const char *wrong = account_find(&account, argv[2], data, data + strlen(data) + 1);

		if (wrong) {
			printf("%s", wrong);
		} else {
			printf("%u:%u %s %s", (unsigned)account.uid, (unsigned)account.gid, account.name,
			       account.home);
			for (size_t i = 0; i < account.group_count; i++)
				printf(" %u", (unsigned)account.groups[i]);
		}
	}
	free(data);
	return 0;
}
