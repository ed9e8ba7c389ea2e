/* Serves the files of a directory over HTTP/1.0, one connection after the other. */
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer(int client, const char *directory)
{
	char request[2048], path[4096], part[4096];
	char *name, *end;
	ssize_t got = read(client, request, sizeof(request) - 1);
	FILE *file = NULL;
	size_t size;

	if (got <= 0)
		return;
	request[got] = '\0';
	if (strncmp(request, "GET /", 5) == 0) {
		name = request + 5;
		end = name + strcspn(name, " ?\r\n");
		*end = '\0';
		if (strstr(name, "..") == NULL) {
			snprintf(path, sizeof(path), "%s/%s", directory, *name ? name : "index.html");
			file = fopen(path, "rb");
		}
	}
	dprintf(client, "HTTP/1.0 %s\r\nConnection: close\r\n\r\n",
		file ? "200 OK" : "404 Not Found");
	if (file == NULL)
		return;
	while ((size = fread(part, 1, sizeof(part), file)) > 0)
		if (write(client, part, size) != (ssize_t)size)
			break;
	fclose(file);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), client;

	if (argc != 2)
		errx(2, "usage: server DIRECTORY");
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, 16) != 0)
		err(1, "port 80");
	printf("serving %s on port 80\n", argv[1]);
	while ((client = accept(listener, NULL, NULL)) >= 0) {
		answer(client, argv[1]);
		close(client);
	}
	err(1, "accept");
}
