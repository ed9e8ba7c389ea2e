#include "args.h"

#include <stdlib.h>
#include <string.h>

static int letter(char c)
{
	unsigned char lower = (unsigned char)c | 0x20;

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* The quotes in text[from..to), not counting apostrophes: those between two letters. */
static size_t quotes(const char *text, char quote, size_t from, size_t to)
{
	size_t found = 0;

	for (size_t i = from; i < to; i++)
		found += text[i] == quote &&
			 !(i > 0 && letter(text[i - 1]) && text[i + 1] && letter(text[i + 1]));
	return found;
}

/*
 * The index of the word that ends the argument which words[start] begins with a quote. *open is
 * whether those quotes are around the argument, and not of it.
 */
static size_t last_word(char *const *words, size_t start, size_t count, enum args_style style,
			int *open)
{
	char quote = words[start][0];
	size_t length = strlen(words[start]), pending, candidate = start;

	*open = 0;
	/* urunc trims what it wraps, so a lone quote opens nothing; and a word that closes its own
	 * quotes is one it did not wrap. */
	if (length == 1 && style == ARGS_URUNC)
		return start;
	if (length > 1 && words[start][length - 1] == quote &&
	    quotes(words[start], quote, 1, length - 1) % 2 == 0) {
		*open = style == ARGS_BY_HAND;
		return start;
	}
	pending = quotes(words[start], quote, 1, length);
	for (size_t i = start + 1; i < count; i++) {
		length = strlen(words[i]);
		if (length > 0 && words[i][length - 1] == quote) {
			*open = 1;
			if ((pending + quotes(words[i], quote, 0, length - 1)) % 2 == 0)
				return i;
			if (candidate == start)
				candidate = i;
		}
		pending += quotes(words[i], quote, 0, length);
	}
	return candidate;
}

char **args_join(char *const *words, size_t count, enum args_style style, size_t *joined)
{
	size_t bytes = (count + 1) * sizeof(char *), n = 0;
	char **out, *text;

	for (size_t i = 0; i < count; i++)
		bytes += strlen(words[i]) + 1;
	out = malloc(bytes);
	if (!out)
		return NULL;
	text = (char *)(out + count + 1);
	for (size_t i = 0; i < count; i++) {
		int open = 0;
		size_t last = i;

		if (words[i][0] == '\0' && style == ARGS_BY_HAND)
			continue;
		if (words[i][0] == '\'' || (words[i][0] == '"' && style == ARGS_BY_HAND))
			last = last_word(words, i, count, style, &open);
		out[n++] = text;
		for (size_t w = i; w <= last; w++) {
			size_t skip = w == i && open, length = strlen(words[w]) - skip;

			memcpy(text, words[w] + skip, length);
			text += length;
			*text++ = ' ';
		}
		/* Over the last blank, and over the closing quote where there is one. */
		text[-1] = '\0';
		if (open)
			text[-2] = '\0';
		i = last;
	}
	out[n] = NULL;
	*joined = n;
	return out;
}

/* The text after the first word that is just "--", outside double quotes; NULL if there is none. */
static const char *after_dashes(const char *text)
{
	int quoted = 0;

	for (const char *c = text; *c; c++) {
		quoted ^= *c == '"';
		if (!quoted && c[0] == '-' && c[1] == '-' && (c == text || c[-1] == ' ') &&
		    (c[2] == ' ' || c[2] == '\0' || c[2] == '\n'))
			return c + 2 + (c[2] == ' ');
	}
	return NULL;
}

char **args_of_cmdline(char *text, size_t *count)
{
	const char *found = after_dashes(text);
	char *start = found ? text + (found - text) : NULL, **out;
	size_t length, spaces = 0, n = 0;

	if (!start)
		return NULL;
	length = strlen(start);
	while (length > 0 && (start[length - 1] == ' ' || start[length - 1] == '\n'))
		start[--length] = '\0';
	for (size_t i = 0; i < length; i++)
		spaces += start[i] == ' ';
	out = malloc((spaces + 2) * sizeof(*out));
	if (!out)
		return NULL;
	while (length > 0 && start) {
		char *space = strchr(start, ' ');

		out[n++] = start;
		if (space)
			*space++ = '\0';
		start = space;
	}
	out[n] = NULL;
	*count = n;
	return out;
}

/* What Go's strings.TrimSpace takes away, of ASCII. */
static int blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Step over `piece` at *at; 0 if something else is there. */
static int step(const char **at, const char *piece, size_t length)
{
	if (strncmp(*at, piece, length) != 0)
		return 0;
	*at += length;
	return 1;
}

/* Is `at` what urunc makes of `args`? Newer ones trim every argument, older only what they wrap. */
static int matches(char *const *args, const char *at, int trim)
{
	for (size_t i = 0; args[i]; i++) {
		const char *arg = args[i];
		size_t length;
		int wrapped;

		while (blank(*arg))
			arg++;
		length = strlen(arg);
		while (length > 0 && blank(arg[length - 1]))
			length--;
		wrapped = memchr(arg, ' ', length) != NULL;
		if (!wrapped && !trim) {
			arg = args[i];
			length = strlen(arg);
		}
		if ((i > 0 && !step(&at, " ", 1)) || (wrapped && !step(&at, "'", 1)) ||
		    !step(&at, arg, length) || (wrapped && !step(&at, "'", 1)))
			/* A monitor may drop blanks at the end, and with them empty arguments. */
			return (*at == '\0' || *at == '\n') && args[i][0] == '\0' && !args[i + 1];
	}
	while (*at == ' ' || *at == '\n')
		at++;
	return *at == '\0';
}

int args_match(char *const *args, const char *cmdline)
{
	const char *at = after_dashes(cmdline);

	return at && (matches(args, at, 0) || matches(args, at, 1));
}

/* Step over blanks, double quotes and ends of words. */
static char next(char *const **words, const char **at)
{
	while (**words) {
		if (!*at)
			*at = **words;
		while (**at == '"' || **at == ' ' || **at == '\t' || **at == '\n')
			++*at;
		if (**at)
			return *(*at)++;
		*at = NULL;
		++*words;
	}
	return '\0';
}

int args_same(char *const *one, char *const *other)
{
	const char *a = NULL, *b = NULL;
	char c;

	do {
		c = next(&one, &a);
		if (c != next(&other, &b))
			return 0;
	} while (c);
	return 1;
}

size_t args_before(const char *cmdline)
{
	const char *end = after_dashes(cmdline);

	if (!end)
		return strlen(cmdline);
	end -= end[-1] == ' ';
	return (size_t)(end - 2 - cmdline);
}

/* Is `word` one of text[0..length), but for the double quotes in it? */
static int stands_before(const char *text, size_t length, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; size > 0 && i + size <= length; i++)
		if ((i == 0 || blank(text[i - 1]) || text[i - 1] == '"') &&
		    memcmp(text + i, word, size) == 0 &&
		    (i + size == length || blank(text[i + size]) || text[i + size] == '"'))
			return 1;
	return 0;
}

int args_from(const char *cmdline, char *const *words, char *const *argv)
{
	size_t length = args_before(cmdline);

	for (; !args_same(words, argv); argv++)
		if (!*argv || !stands_before(cmdline, length, *argv))
			return 0;
	return 1;
}
