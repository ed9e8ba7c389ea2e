/* Prints its arguments, what the environment says, the system, and how threads keep apart. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static __thread int mine;

static void *count(void *argument)
{
	for (int i = 0; i < 1000; i++)
		mine++;
	*(int *)argument = mine;
	return NULL;
}

int main(int argc, char **argv)
{
	const char *greeting = getenv("GREETING");
	struct utsname system;
	pthread_t threads[2];
	int counts[2];
	time_t now = time(NULL);

	if (uname(&system) == 0)
		printf("%s %s on %s\n", system.sysname, system.release, system.machine);
	for (int i = 0; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	printf("greeting: %s\n", greeting ? greeting : "none");
	for (int i = 0; i < 2; i++)
		if ((errno = pthread_create(&threads[i], NULL, count, &counts[i])) != 0) {
			perror("pthread_create");
			return 1;
		}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("threads: %d %d %d\n", counts[0], counts[1], mine);
	printf("year: %d\n", gmtime(&now)->tm_year + 1900);
	return argc > 1 && strcmp(argv[1], "fail") == 0 ? 3 : 0;
}
