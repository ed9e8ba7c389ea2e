/* Prints the files that are named, line by line with their names; or writes into "=file". */
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i] + (argv[i][0] == '='), argv[i][0] == '=' ? "w" : "r");
		char line[512];

		if (!file)
			perror(argv[i]);
		else if (argv[i][0] == '=')
			fputs("written by the guest\n", file);
		else
			while (fgets(line, sizeof(line), file))
				printf("%s: %s", argv[i], line);
		if (file)
			fclose(file);
	}
	return 0;
}
