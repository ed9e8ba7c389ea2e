/*
 * What tests give urunc as its monitor where there is no KVM: QEMU, which emulates the processor.
 * First it prints its own arguments, each in hexadecimal, on one line that begins with "monitor:".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *out[argc + 2];
	int n = 0;

	printf("monitor:");
	for (int i = 0; i < argc; i++) {
		putchar(' ');
		for (const char *c = argv[i]; *c; c++)
			printf("%02x", (unsigned char)*c);
	}
	putchar('\n');
	printf("user: %d:%d\n", getuid(), getgid());
	fflush(stdout);
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-enable-kvm") == 0) {
			out[n++] = "-accel";
			out[n++] = "tcg";
		} else if (i > 0 && strcmp(argv[i - 1], "-cpu") == 0) {
			out[n++] = "max";
		} else {
			out[n++] = argv[i];
		}
	}
	out[n] = NULL;
	/* It looks for its modules beside where it was installed, and this is not there. */
	setenv("QEMU_MODULE_DIR", MODULES, 1);
	execv(QEMU, out);
	perror(QEMU);
	return 127;
}
