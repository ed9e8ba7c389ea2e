/* A web server of one page, on port 8080; it answers and never ends. */
#include "freebsd.h"

int run(int argc, char **argv, char **env)
{
	/* struct sockaddr_in: its length, AF_INET, the port in network order, any address. */
	unsigned char address[16] = {16, 2, 8080 >> 8, 8080 & 255};
	static char request[4096];
	/* SIGPIPE (13) ignored (1): a client may be gone before it has its answer. */
	struct { long handler; int flags; unsigned mask[4]; } ignore = {1, 0, {0}};
	int server = (int)call(SYS_socket, 2, 1, 0);

	(void)env;
	call(SYS_sigaction, 13, (long)&ignore, 0);
	if (server < 0 || call(SYS_bind, server, (long)address, 16) < 0 || call(SYS_listen, server, 16, 0) < 0) {
		put(2, "cannot listen on port 8080\n");
		return 1;
	}
	put(1, "listening on port 8080\n");
	for (;;) {
		int client = (int)call(SYS_accept, server, 0, 0);
		const char *word = argc > 1 ? argv[1] : "hello";

		if (client < 0)
			continue;
		call(SYS_read, client, (long)request, sizeof(request));
		put(client, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n");
		put(client, word);
		put(client, "\n");
		call(SYS_close, client, 0, 0);
	}
}
