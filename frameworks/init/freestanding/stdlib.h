/* The part of <stdlib.h> that the shared sources need, for programs without a C library. */
#ifndef HUTCH_STDLIB_H
#define HUTCH_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void free(void *block);

#endif
