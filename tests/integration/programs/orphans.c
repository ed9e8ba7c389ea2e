/* Leaves orphans, and processes that outlive it: one ends when it is asked to, one does not. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void asked(int number)
{
	static const char said[] = "a process was asked to end\n";

	(void)number;
	write(1, said, sizeof(said) - 1);
	_exit(0);
}
int main(void)
{
	int ends[2];
	pid_t orphan;
	char path[64];

	setvbuf(stdout, NULL, _IONBF, 0);
	pipe(ends);
	if (fork() == 0) {
		/* Its child is left to process 1, and ends. */
		pid_t child = fork();

		if (child == 0) {
			while (getppid() != 1)
				usleep(1000);
			_exit(0);
		}
		write(ends[1], &child, sizeof(child));
		_exit(0);
	}
	read(ends[0], &orphan, sizeof(orphan));
	snprintf(path, sizeof(path), "/proc/%d", orphan);
	for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
		usleep(10000);
	printf("the orphan is %s\n", access(path, F_OK) ? "gone" : "a zombie");
	/* These outlive the program. */
	if (fork() == 0) {
		signal(SIGTERM, asked);
		write(ends[1], "1", 1);
		for (;;)
			pause();
	}
	if (fork() == 0) {
		signal(SIGTERM, SIG_IGN);
		write(ends[1], "2", 1);
		for (;;)
			pause();
	}
	read(ends[0], path, 1);
	read(ends[0], path, 1);
	printf("the program ends\n");
	return 3;
}
