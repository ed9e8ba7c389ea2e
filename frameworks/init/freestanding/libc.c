/* The few functions of a C library that the BSD init needs. */
#include <stdlib.h>
#include <string.h>

/* An init allocates a few tables once: memory that is never given back is enough, and bss that is
 * never touched costs nothing. */
static unsigned char arena[8 << 20] __attribute__((aligned(16)));
static size_t used;

void *malloc(size_t size)
{
	void *block = arena + used;

	/* Blocks are of whole sixteens, as the arena is: what fits rounds up to what is left at most. */
	if (size > sizeof(arena) - used)
		return NULL;
	used += (size + 15) & ~(size_t)15;
	return block;
}

void free(void *block)
{
	(void)block;
}

void *memchr(const void *data, int byte, size_t size)
{
	const unsigned char *at = data;

	for (; size > 0; size--, at++)
		if (*at == (unsigned char)byte)
			return (void *)at;
	return NULL;
}

int memcmp(const void *one, const void *other, size_t size)
{
	const unsigned char *a = one, *b = other;

	for (; size > 0; size--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

void *memcpy(void *to, const void *from, size_t size)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	while (size-- > 0)
		*out++ = *in++;
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	if (out < in)
		return memcpy(to, from, size);
	while (size-- > 0)
		out[size] = in[size];
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	unsigned char *out = to;

	while (size-- > 0)
		*out++ = (unsigned char)byte;
	return to;
}

char *strchr(const char *text, int byte)
{
	for (;; text++) {
		if (*text == (char)byte)
			return (char *)text;
		if (!*text)
			return NULL;
	}
}

int strcmp(const char *one, const char *other)
{
	for (; *one && *one == *other; one++, other++)
		;
	return (unsigned char)*one - (unsigned char)*other;
}

char *strcpy(char *to, const char *from)
{
	memcpy(to, from, strlen(from) + 1);
	return to;
}

size_t strcspn(const char *text, const char *reject)
{
	size_t length = 0;

	while (text[length] && !strchr(reject, text[length]))
		length++;
	return length;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

int strncmp(const char *one, const char *other, size_t size)
{
	for (; size > 0 && *one && *one == *other; one++, other++, size--)
		;
	return size > 0 ? (unsigned char)*one - (unsigned char)*other : 0;
}

size_t strnlen(const char *text, size_t size)
{
	size_t length = 0;

	while (length < size && text[length])
		length++;
	return length;
}
