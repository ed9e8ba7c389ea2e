/* Numbers as text. It makes no system calls. */
#include "bsd.h"

char *decimal(char *buffer, long value)
{
	char digits[24];
	size_t count = 0;
	char *out = buffer;
	unsigned long rest = value < 0 ? 0UL - (unsigned long)value : (unsigned long)value;

	do
		digits[count++] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (value < 0)
		*out++ = '-';
	while (count > 0)
		*out++ = digits[--count];
	*out = '\0';
	return buffer;
}

int number_at(const char *text)
{
	int value = 0;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9' && value < 1000; text++)
		value = value * 10 + (*text - '0');
	return value;
}
