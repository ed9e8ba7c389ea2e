#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

int main(void)
{
	struct utsname kernel;

	uname(&kernel);
	printf("%s from %s on %s\n", getenv("GREETING"), kernel.sysname, kernel.machine);
	return 0;
}
