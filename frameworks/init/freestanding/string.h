/* The part of <string.h> that the shared sources need, for programs without a C library. */
#ifndef HUTCH_STRING_H
#define HUTCH_STRING_H

#include <stddef.h>

void *memchr(const void *data, int byte, size_t size);
int memcmp(const void *one, const void *other, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
char *strchr(const char *text, int byte);
int strcmp(const char *one, const char *other);
char *strcpy(char *to, const char *from);
size_t strcspn(const char *text, const char *reject);
size_t strlen(const char *text);
int strncmp(const char *one, const char *other, size_t size);
size_t strnlen(const char *text, size_t size);

#endif
