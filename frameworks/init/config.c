#include "config.h"

#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "URUNIT1"; /* its closing NUL is part of it */

struct reader {
	char **records;
	size_t count, next;
	const char *end;    /* of the data */
	char *const *known; /* in lines only, or NULL */
};

/* The rest of `record` after `key`, or NULL if it does not begin with it. */
static char *value_of(char *record, const char *key)
{
	size_t length = strlen(key);

	return strncmp(record, key, length) == 0 ? record + length : NULL;
}

static bool is(const char *record, const char *word)
{
	return strcmp(record, word) == 0;
}

static bool letter(char c)
{
	char lower = (char)(c | 0x20);

	return lower >= 'a' && lower <= 'z';
}

/* A number and nothing else: no sign, no blanks, no overflow. */
static bool number(const char *text, uint64_t limit, uint64_t *out)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static bool number32(const char *text, uint32_t *out)
{
	uint64_t value;

	if (!number(text, UINT32_MAX, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool is_base64(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!letter(text[i]) && !strchr("0123456789+/-_", text[i]))
			return false;
	return length > 0 && length % 4 == 0;
}

/*
 * Is it the last line of a base64 text, such as a key in PEM, and no variable with an empty value? Then
 * its length is a multiple of four, and the line above it is of the same text, or its head.
 */
static bool is_padding(const char *record, const char *above)
{
	size_t length = strlen(record), before = strlen(above);
	size_t padding = length - strcspn(record, "=");

	/* At most two, and nothing after them. */
	if (length % 4 != 0 || padding > 2 || record[length - 1] != '=')
		return false;
	if (padding == 2)
		return true;
	/* Such texts have lines of 64 or 76 bytes. */
	return (before >= 48 && before >= length && is_base64(above, before)) ||
	       (before > 5 && strcmp(above + before - 5, "-----") == 0);
}

/*
 * Does a variable begin here? In the line format, what does not belongs to the value before, whose last
 * line is `above`.
 */
static bool is_assignment(const char *record, const char *above)
{
	const char *c = record;

	if (!letter(*c) && *c != '_')
		return false;
	while (letter(*c) || (*c && strchr("0123456789_.-", *c)))
		c++;
	return *c == '=' && !is_padding(record, above);
}

/* Cut the data at its separators. NULL when memory runs out. */
static char **split(char *data, size_t size, char separator, size_t *count)
{
	size_t records = 1, n = 0;
	char **out;

	for (size_t i = 0; i < size; i++)
		records += data[i] == separator;
	out = malloc(records * sizeof(*out));
	if (!out)
		return NULL;
	data[size] = '\0';
	for (char *start = data; start < data + size;) {
		char *end = memchr(start, separator, (size_t)(data + size - start));

		if (!end)
			end = data + size;
		*end = '\0';
		out[n++] = start;
		start = end + 1;
	}
	*count = n;
	return out;
}

/*
 * How many records, from the next on, are the text of a variable that is known and has newlines in its
 * value? 0 for none. split() made NULs of those newlines.
 */
static size_t known_lines(const struct reader *in)
{
	const char *start = in->records[in->next];

	for (char *const *known = in->known; known && *known; known++) {
		const char *at = start;
		size_t lines = 1;

		for (const char *c = *known; *c && at; c++) {
			bool same = at < in->end && *at == (*c == '\n' ? '\0' : *c);

			lines += *c == '\n';
			at = same ? at + 1 : NULL;
		}
		if (at && lines > 1 && lines <= in->count - in->next && (at == in->end || !*at))
			return lines;
	}
	return 0;
}

static const char *read_env(struct reader *in, struct config *out, bool lines)
{
	const char *above = "";

	free(out->env);
	out->env_count = 0;
	out->env = malloc((in->count - in->next + 1) * sizeof(*out->env));
	if (!out->env)
		return "out of memory";
	for (out->env[0] = NULL; in->next < in->count; in->next++) {
		char *record = in->records[in->next];
		size_t whole = known_lines(in);

		if (whole > 0) {
			out->env[out->env_count++] = record;
			out->env[out->env_count] = NULL;
			for (size_t i = 1; i < whole; i++)
				in->records[in->next + i][-1] = '\n';
			in->next += whole - 1;
			above = in->records[in->next];
			continue;
		}
		/* Only the whole word ends the list: a variable may be called UEEFOO. */
		if (is(record, "UEE")) {
			in->next++;
			return NULL;
		}
		if (lines && out->env_count > 0 && !is_assignment(record, above)) {
			/* A value with a newline in it: put back what split() took. Only after
			 * the line is looked at, which until then ends at it. */
			record[-1] = '\n';
		} else {
			out->env[out->env_count++] = record;
			out->env[out->env_count] = NULL;
		}
		above = record;
	}
	return "the environment has no end (UEE)";
}

static const char *read_limit(char *text, struct config_limit *out)
{
	char *soft = strchr(text, ':');
	char *hard = soft ? strchr(soft + 1, ':') : NULL;

	if (!hard)
		return "a resource limit is not RLIMIT:type:soft:hard";
	*soft++ = '\0';
	*hard++ = '\0';
	out->name = text;
	if (!number(soft, UINT64_MAX, &out->soft) || !number(hard, UINT64_MAX, &out->hard))
		return "a resource limit is not a number";
	return NULL;
}

static const char *read_process(struct reader *in, struct config *out)
{
	size_t room = in->count - in->next + 1;
	const char *wrong = NULL;

	free(out->args);
	free(out->limits);
	free(out->ports);
	out->arg_count = out->limit_count = out->port_count = 0;
	out->args = malloc(room * sizeof(*out->args));
	out->limits = malloc(room * sizeof(*out->limits));
	out->ports = malloc(room * sizeof(*out->ports));
	if (!out->args || !out->limits || !out->ports)
		return "out of memory";
	out->args[0] = out->ports[0] = NULL;
	for (; in->next < in->count && !wrong; in->next++) {
		char *record = in->records[in->next], *value;

		if (is(record, "UCE")) {
			in->next++;
			return NULL;
		}
		if ((value = value_of(record, "UID:"))) {
			out->has_uid = number32(value, &out->uid);
			wrong = out->has_uid ? NULL : "UID is not a number";
		} else if ((value = value_of(record, "GID:"))) {
			out->has_gid = number32(value, &out->gid);
			wrong = out->has_gid ? NULL : "GID is not a number";
		} else if ((value = value_of(record, "WD:"))) {
			out->workdir = value;
		} else if ((value = value_of(record, "USR:"))) {
			out->user = value;
		} else if ((value = value_of(record, "HN:"))) {
			out->hostname = value;
		} else if ((value = value_of(record, "END:"))) {
			out->power_off = is(value, "poweroff");
		} else if ((value = value_of(record, "ARV:"))) {
			out->args[out->arg_count++] = value;
			out->args[out->arg_count] = NULL;
		} else if ((value = value_of(record, "PRT:"))) {
			out->ports[out->port_count++] = value;
			out->ports[out->port_count] = NULL;
		} else if ((value = value_of(record, "RLIMIT:"))) {
			wrong = read_limit(value, &out->limits[out->limit_count]);
			out->limit_count += !wrong;
		}
		/* ARC is the number of ARV records: they count themselves. Others are of the future. */
	}
	return wrong ? wrong : "the process section has no end (UCE)";
}

static const char *read_volumes(struct reader *in, struct config *out)
{
	const char *id = NULL;

	free(out->volumes);
	out->volume_count = 0;
	out->volumes = malloc((in->count - in->next + 1) * sizeof(*out->volumes));
	if (!out->volumes)
		return "out of memory";
	for (; in->next < in->count; in->next++) {
		char *record = in->records[in->next], *value;

		if (is(record, "UBE")) {
			in->next++;
			return id ? "a volume has no mount point" : NULL;
		}
		if ((value = value_of(record, "ID:"))) {
			if (id)
				return "a volume has no mount point";
			id = value;
		} else if ((value = value_of(record, "MP:"))) {
			if (!id)
				return "a mount point has no volume";
			if (*value != '/')
				return "a volume's mount point is not an absolute path";
			out->volumes[out->volume_count++] = (struct config_volume){id, value};
			id = NULL;
		}
	}
	return "the volumes have no end (UBE)";
}

static const char *read_network(struct reader *in, struct config *out)
{
	free(out->name_servers);
	out->name_server_count = 0;
	out->name_servers = malloc((in->count - in->next + 1) * sizeof(*out->name_servers));
	if (!out->name_servers)
		return "out of memory";
	out->name_servers[0] = NULL;
	for (; in->next < in->count; in->next++) {
		char *record = in->records[in->next], *value;

		if (is(record, "UNE")) {
			in->next++;
			return NULL;
		}
		if ((value = value_of(record, "IP:"))) {
			out->ip = value;
		} else if ((value = value_of(record, "GW:"))) {
			out->gateway = value;
		} else if ((value = value_of(record, "MSK:"))) {
			out->netmask = value;
		} else if ((value = value_of(record, "DNS:"))) {
			out->name_servers[out->name_server_count++] = value;
			out->name_servers[out->name_server_count] = NULL;
		}
	}
	return "the network section has no end (UNE)";
}

const char *config_parse(struct config *out, char *data, size_t size, char *const *known)
{
	bool lines = size < sizeof(MAGIC) || memcmp(data, MAGIC, sizeof(MAGIC)) != 0;
	struct reader in = {0};
	const char *wrong = NULL;

	memset(out, 0, sizeof(*out));
	if (!lines) {
		data += sizeof(MAGIC);
		size -= sizeof(MAGIC);
		/* A disk is larger than the text: as records, its NULs would take a table of megabytes. */
		while (size > 0 && data[size - 1] == '\0')
			size--;
	} else {
		/* A block device pads the text with NULs, which are no part of it. */
		size_t text = strnlen(data, size);

		for (size_t i = text; i < size; i++)
			if (data[i] != '\0')
				return "a NUL in the middle of the lines";
		size = text;
	}
	in.records = split(data, size, lines ? '\n' : '\0', &in.count);
	if (!in.records)
		return "out of memory";
	in.end = data + size;
	in.known = lines ? known : NULL;
	while (in.next < in.count && !wrong) {
		const char *record = in.records[in.next++];

		if (is(record, "UES"))
			wrong = read_env(&in, out, lines);
		else if (is(record, "UCS"))
			wrong = read_process(&in, out);
		else if (is(record, "UBS"))
			wrong = read_volumes(&in, out);
		else if (is(record, "UNS"))
			wrong = read_network(&in, out);
		else if (*record && !is(record, "PAD"))
			wrong = "something that is no section";
	}
	free(in.records);
	return wrong;
}

void config_free(struct config *config)
{
	free(config->env);
	free(config->args);
	free(config->volumes);
	free(config->limits);
	free(config->ports);
	free(config->name_servers);
	memset(config, 0, sizeof(*config));
}
