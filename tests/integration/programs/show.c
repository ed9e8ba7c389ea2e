/* Prints what it was given; ends as its argument says: by a status, or by signal 9. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv)
{
	char dir[256];
	gid_t groups[32];
	struct utsname kernel;
	int count = getgroups(32, groups);

	uname(&kernel);
	printf("kernel: %s\n", kernel.release);
	for (int i = 0; i < argc; i++)
		printf("argument %d: [%s]\n", i, argv[i]);
	for (char **e = environ; *e; e++)
		printf("environment: [%s]\n", *e);
	printf("user: %d:%d\n", getuid(), getgid());
	for (int i = 0; i < count; i++)
		printf("group: %d\n", groups[i]);
	printf("directory: %s\n", getcwd(dir, sizeof(dir)));
	printf("stdout: %s\n", access("/dev/stdout", W_OK) ? "closed" : "open");
	printf("terminal: %s\n", tcgetpgrp(0) == getpgrp() ? "ours" : "another's");
	if (argc > 1 && argv[1][0] == '9')
		kill(getpid(), 9);
	return argc > 1 ? atoi(argv[1]) : 0;
}
