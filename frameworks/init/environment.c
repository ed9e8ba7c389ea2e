#include "environment.h"

#include <stdlib.h>
#include <string.h>

#include "args.h"

static int blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A kernel command line up to its "--", and the variables whose text may stand in it. */
struct line {
	const char *text;
	size_t length;
	char *const *image;
};

/*
 * Where the last word begins that starts with word[0..size), and with `whole` ends with it; NULL for
 * none. The last is the one that counts for the kernel.
 */
static const char *find_word(const struct line *line, const char *word, size_t size, int whole)
{
	const char *text = line->text, *found = NULL;

	for (size_t i = 0; i + size <= line->length; i++)
		if ((i == 0 || blank(text[i - 1])) && memcmp(text + i, word, size) == 0 &&
		    (!whole || i + size == line->length || blank(text[i + size])))
			found = text + i;
	return found;
}

/* Is this a piece of the value of one of the image's variables? A blank may be a newline. */
static int is_inside(const struct line *line, const char *word)
{
	for (char *const *own = line->image; own && *own; own++) {
		size_t size = strlen(*own);
		const char *start = find_word(line, *own, size, 1);

		if (start && word > start && word < start + size)
			return 1;
	}
	return 0;
}

/* Does a variable begin here? */
static int is_variable(const char *at, const char *end)
{
	const char *c = at;

	while (c < end && (((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') || *c == '_' ||
			   (c > at && ((*c >= '0' && *c <= '9') || *c == '.' || *c == '-'))))
		c++;
	return c > at && c < end && *c == '=';
}

/* A copy of the variable that begins at `word`, up to the next one or `end`. NULL: no memory. */
static char *whole_value(const char *word, const char *end)
{
	const char *stop = word;
	char *out;

	do {
		while (stop < end && !blank(*stop))
			stop++;
		while (stop < end && blank(*stop))
			stop++;
	} while (stop < end && !is_variable(stop, end));
	while (stop > word && blank(stop[-1]))
		stop--;
	out = malloc((size_t)(stop - word) + 1);
	if (out) {
		memcpy(out, word, (size_t)(stop - word));
		out[stop - word] = '\0';
	}
	return out;
}

char *find_env(char *const *env, const char *name)
{
	size_t length = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, length) && (*env)[length] == '=')
			return *env + length + 1;
	return NULL;
}

/* Of init's own words and the kernel's inventions, nothing is the application's. */
static int is_ours(const char *variable, const char *word)
{
	return !strncmp(variable, "URUNIT_", 7) || !strncmp(variable, "HUTCH_", 6) ||
	       !strncmp(variable, "BOOT_IMAGE=", 11) || (!strncmp(variable, "HOME=", 5) && !word);
}

char **environment_restore(char *const *image, char *const *kernel, const char *cmdline,
			   size_t *count)
{
	struct line line = {cmdline ? cmdline : "", cmdline ? args_before(cmdline) : 0, image};
	int by_urunc = find_word(&line, "HOSTNAME=", 9, 0) != NULL;
	size_t own = 0, given = 0, n = 0;
	char **out;

	while (image && image[own])
		own++;
	while (kernel[given])
		given++;
	out = malloc((own + given + 3) * sizeof(*out)); /* two more, and the end */
	if (!out)
		return NULL;
	for (; n < own; n++) {
		out[n] = image[n];
		by_urunc |= find_word(&line, image[n], strlen(image[n]), 1) != NULL;
	}
	out[n] = NULL;
	for (; *kernel; kernel++) {
		char *equals = strchr(*kernel, '='), *value = *kernel;
		size_t name = equals ? (size_t)(equals - *kernel) + 1 : 0, i = 0;
		const char *word = find_word(&line, *kernel, name, 0);

		if (!equals || is_ours(*kernel, word) || (word && is_inside(&line, word)))
			continue;
		if (!strncmp(*kernel, "TERM=", 5) && !word && find_env(out, "TERM"))
			continue;
		while (i < n && strncmp(out[i], *kernel, name) != 0)
			i++;
		if (i < own && word && word == find_word(&line, image[i], strlen(image[i]), 1))
			continue;
		if (word && by_urunc)
			value = whole_value(word, line.text + line.length);
		out[i] = value ? value : *kernel;
		n += i == n;
		out[n] = NULL;
	}
	*count = n;
	return out;
}
