/* Say who runs, with which arguments and which environment. The exit status is the argument count. */
#include "freebsd.h"

int run(int argc, char **argv, char **env)
{
	put(1, call(SYS_getuid, 0, 0, 0) == 0 ? "hello from root\n" : "hello from a user\n");
	for (int i = 0; i < argc; i++) {
		put(1, "argument: ");
		put(1, argv[i]);
		put(1, "\n");
	}
	for (; *env; env++) {
		put(1, "environment: ");
		put(1, *env);
		put(1, "\n");
	}
	return argc;
}
