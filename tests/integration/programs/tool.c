#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char line[256] = "";
	if (!strcmp(argv[1], "count")) {
		FILE *file = fopen(argv[2], "r");
		int count = 0;
		if (file && fscanf(file, "%d", &count) == 1) {}
		if (file) fclose(file);
		printf("count: %d\n", ++count);
		file = fopen(argv[2], "w");
		if (!file) { perror(argv[2]); return 9; }
		fprintf(file, "%d", count);
		fclose(file);
		sync();
	} else if (!strcmp(argv[1], "cat")) {
		FILE *file = fopen(argv[2], "r");
		if (!file || !fgets(line, sizeof(line), file)) { perror(argv[2]); return 9; }
		printf("content: %s\n", line);
	} else if (!strcmp(argv[1], "ask")) {
		printf("name? ");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin)) return 9;
		printf("hello %s", line);
	} else if (!strcmp(argv[1], "serve")) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };
		int server = socket(AF_INET, SOCK_STREAM, 0);
		bind(server, (struct sockaddr *)&address, sizeof(address));
		listen(server, 1);
		puts("listening");
		fflush(stdout);
		dprintf(accept(server, NULL, NULL), "%s", getenv("GREETING"));
		pause();
	}
	return 0;
}
