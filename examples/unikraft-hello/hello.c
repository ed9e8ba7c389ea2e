/* A program that is its own kernel: it prints its arguments, and the machine stops when it returns. */
#include <stdio.h>

int main(int argc, char **argv)
{
	printf("Hello from Unikraft");
	for (int at = 1; at < argc; at++)
		printf("%s%s", at == 1 ? ": " : " ", argv[at]);
	printf("\n");
	return 0;
}
