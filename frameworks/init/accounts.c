#include "accounts.h"

#include <stdbool.h>
#include <string.h>

/* A field of a colon-separated line: where it begins and how long it is. */
struct field {
	const char *text;
	size_t length;
};

static const char *line_end(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end : line + strlen(line);
}

static struct field field_of(const char *line, size_t index)
{
	const char *end = line_end(line);

	for (const char *start = line;; index--) {
		const char *colon = memchr(start, ':', (size_t)(end - start));

		if (index == 0)
			return (struct field){start, (size_t)((colon ? colon : end) - start)};
		if (!colon)
			return (struct field){end, 0};
		start = colon + 1;
	}
}

static bool same(struct field field, const char *text, size_t length)
{
	return field.length == length && memcmp(field.text, text, length) == 0;
}

static bool number(struct field field, uint32_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < field.length; i++) {
		if (field.text[i] < '0' || field.text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(field.text[i] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)value;
	return field.length > 0;
}

static void keep(char *out, size_t size, struct field field)
{
	size_t length = field.length < size ? field.length : size - 1;

	memcpy(out, field.text, length);
	out[length] = '\0';
}

/* The line whose first field is `name`, or whose third is the number `id` when name is NULL. */
static const char *find(const char *text, const struct field *name, uint32_t id)
{
	for (const char *line = text; *line;) {
		const char *end = line_end(line);
		uint32_t value;

		if (name ? same(field_of(line, 0), name->text, name->length)
			 : number(field_of(line, 2), &value) && value == id)
			return line;
		line = *end ? end + 1 : end;
	}
	return NULL;
}

static bool member(struct field list, const char *name)
{
	size_t length = strlen(name);

	while (list.length > 0) {
		const char *comma = memchr(list.text, ',', list.length);
		size_t one = comma ? (size_t)(comma - list.text) : list.length;

		if (same((struct field){list.text, one}, name, length))
			return true;
		one += comma != NULL;
		list.text += one;
		list.length -= one;
	}
	return false;
}

static void add_group(struct account *out, uint32_t gid)
{
	for (size_t i = 0; i < out->group_count; i++)
		if (out->groups[i] == gid)
			return;
	if (out->group_count < ACCOUNT_GROUPS)
		out->groups[out->group_count++] = gid;
}

const char *account_find(struct account *out, const char *who, const char *passwd,
			 const char *group)
{
	const char *colon = strchr(who, ':');
	struct field user = {who, colon ? (size_t)(colon - who) : strlen(who)};
	const char *line;

	memset(out, 0, sizeof(*out));
	strcpy(out->home, "/");
	if (user.length > 0 && !number(user, &out->uid)) {
		line = find(passwd, &user, 0);
		if (!line || !number(field_of(line, 2), &out->uid))
			return "no such user in /etc/passwd";
	} else {
		line = find(passwd, NULL, out->uid);
	}
	if (line) {
		struct field home = field_of(line, 5);

		keep(out->name, sizeof(out->name), field_of(line, 0));
		if (home.length > 0)
			keep(out->home, sizeof(out->home), home);
		number(field_of(line, 3), &out->gid);
	}
	if (colon && colon[1]) {
		struct field name = {colon + 1, strlen(colon + 1)};

		if (!number(name, &out->gid)) {
			line = find(group, &name, 0);
			if (!line || !number(field_of(line, 2), &out->gid))
				return "no such group in /etc/group";
		}
	}
	add_group(out, out->gid);
	/* As container engines do: who names a group gets that one alone. */
	for (line = group; *line && *out->name && !(colon && colon[1]);) {
		const char *end = line_end(line);
		uint32_t gid;

		if (member(field_of(line, 3), out->name) && number(field_of(line, 2), &gid))
			add_group(out, gid);
		line = *end ? end + 1 : end;
	}
	return NULL;
}
