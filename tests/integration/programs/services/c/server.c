#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

static void answer(FILE *client)
{
	char line[1024];
	struct utsname name;

	while (fgets(line, sizeof(line), client) && strcmp(line, "\r\n"))
		continue;
	uname(&name);
	fseek(client, 0, SEEK_CUR);
	fprintf(client, "HTTP/1.0 200 OK\r\n\r\nhello from C on %s/%s\n", name.sysname, name.machine);
}

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int server = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(server, (struct sockaddr *)&address, sizeof(address)) || listen(server, 128)) {
		perror("server");
		return 1;
	}
	for (;;) {
		int client = accept(server, NULL, NULL);
		FILE *stream = client < 0 ? NULL : fdopen(client, "r+");

		if (stream) {
			answer(stream);
			fclose(stream);
		}
	}
}
