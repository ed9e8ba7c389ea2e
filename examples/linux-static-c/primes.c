/* Prints the prime numbers below its first argument, and how many there are. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	int limit = argc > 1 ? atoi(argv[1]) : 20, count = 0;

	for (int n = 2; n < limit; n++) {
		int divisor = 2;

		while (divisor * divisor <= n && n % divisor)
			divisor++;
		if (divisor * divisor > n) {
			printf("%d ", n);
			count++;
		}
	}
	printf("\n%d prime numbers below %d\n", count, limit);
	return 0;
}
