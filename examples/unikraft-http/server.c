/* A web server that is its own kernel: it answers each request with one page, which has its arguments. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	char page[1024] = "Hello from Unikraft", answer[2048], request[2048];
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(80)};
	int listening = socket(AF_INET, SOCK_STREAM, 0);

	for (int at = 1; at < argc; at++) {
		size_t size = strlen(page);
		snprintf(page + size, sizeof(page) - size, "%s%s", at == 1 ? ": " : " ", argv[at]);
	}
	if (listening < 0)
		return fail("socket");
	if (bind(listening, (struct sockaddr *)&any, sizeof(any)) || listen(listening, 8))
		return fail("listen");
	printf("listening on port 80\n");

	for (;;) {
		int client = accept(listening, NULL, NULL);
		if (client < 0)
			return fail("accept");
		if (read(client, request, sizeof(request)) > 0) {
			int length = snprintf(answer, sizeof(answer),
				"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
				"Connection: close\r\n\r\n%s\n", page);
			if (write(client, answer, length) != length)
				fail("write");
		}
		close(client);
	}
}
