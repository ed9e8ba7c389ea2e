/*
 * The first and only program of the guest: it says what it was given, and ends the machine.
 */
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(int argc, char **argv, char **environment)
{
	struct utsname kernel;

	uname(&kernel);
	printf("Hello from a virtual machine that was built like a container.\n");
	printf("kernel: %s %s (%s)\n", kernel.sysname, kernel.release, kernel.machine);
	printf("pid: %d\nuid: %d\n", getpid(), getuid());
	for (int i = 0; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	for (char **entry = environment; *entry; entry++)
		printf("environment: %s\n", *entry);
	fflush(stdout);
	/* Process 1 must not return: there would be nobody left, and the kernel would panic. */
	if (getpid() == 1) {
		sync();
		reboot(RB_AUTOBOOT);
	}
	return 0;
}
