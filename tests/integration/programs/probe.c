/* Prints what it was given, and ends the machine where there is no init to do it. */
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv)
{
	char dir[256];
	gid_t groups[32];
	int count = getgroups(32, groups);

	for (int i = 0; i < argc; i++)
		printf("argument %d: [%s]\n", i, argv[i]);
	for (char **e = environ; *e; e++)
		printf("environment: [%s]\n", *e);
	printf("user: %d:%d\n", getuid(), getgid());
	for (int i = 0; i < count; i++)
		printf("group: %d\n", groups[i]);
	printf("directory: %s\n", getcwd(dir, sizeof(dir)));
	fflush(stdout);
	if (getpid() == 1) {
		sync();
		reboot(RB_AUTOBOOT);
	}
	return 0;
}
