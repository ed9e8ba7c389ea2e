/* Where Solo5 enters: OCaml is started with the words of the command line as its arguments. */

#include <solo5.h>
#include <stdlib.h>
#include <string.h>

#define CAML_NAME_SPACE
#include <caml/callback.h>

#define WORDS 64

/* ocaml-solo5: nolibc/sysdeps_solo5.c */
void _nolibc_init(uintptr_t heap_start, size_t heap_size);

int solo5_app_main(const struct solo5_start_info *info)
{
	static char *arguments[WORDS + 2] = { "hello" };
	size_t size = strlen(info->cmdline) + 1;
	int count = 1;
	char *at;

	_nolibc_init(info->heap_start, info->heap_size);
	/* What a tender hands over may be read-only. */
	at = malloc(size);
	if (at == NULL)
		return 1;
	memcpy(at, info->cmdline, size);
	while (count <= WORDS) {
		while (*at == ' ')
			*at++ = '\0';
		if (*at == '\0')
			break;
		arguments[count++] = at;
		while (*at != '\0' && *at != ' ')
			at++;
	}
	caml_startup(arguments);
	return 0;
}
