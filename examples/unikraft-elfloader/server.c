/* A web server of one page: the file that it is told of, and the variable GREETING. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	char page[4096], answer[6144], request[2048];
	const char *greeting = getenv("GREETING");

	if (argc != 2) {
		fprintf(stderr, "usage: server FILE\n");
		return 2;
	}
	FILE *file = fopen(argv[1], "r");
	if (!file)
		return fail(argv[1]);
	size_t size = fread(page, 1, sizeof(page) - 1, file);
	page[size] = '\0';
	fclose(file);

	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(80)};
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	if (listening < 0)
		return fail("socket");
	if (bind(listening, (struct sockaddr *)&any, sizeof(any)) || listen(listening, 8))
		return fail("listen");
	printf("listening on port 80\n");
	fflush(stdout);

	for (;;) {
		int client = accept(listening, NULL, NULL);
		if (client < 0)
			return fail("accept");
		if (read(client, request, sizeof(request)) > 0) {
			int length = snprintf(answer, sizeof(answer),
				"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
				"X-Greeting: %s\r\nConnection: close\r\n\r\n%s",
				greeting ? greeting : "none", page);
			if (write(client, answer, length) != length)
				perror("write");
		}
		close(client);
	}
}
