/* A program that needs a C library's header, startup file and function, and no more. */
#include <stdio.h>

int main(void) {
	return puts("hello");
}
