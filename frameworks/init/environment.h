/*
 * The application's environment where no configuration came from the runtime.
 *
 * Then it is on the kernel's command line, as KEY=value words before "--". A person writes them, or a
 * urunc that hands no configuration to an init (0.6). That urunc quotes nothing: the kernel cuts each
 * value at its first blank, drops double quotes, and takes what follows the blank for an argument of
 * init. It keeps for itself what it has a meaning for (panic=1), and what has a dot in its name.
 * Portable C.
 */
#ifndef HUTCH_ENVIRONMENT_H
#define HUTCH_ENVIRONMENT_H

#include <stddef.h>

/*
 * The image's variables, and over them the kernel's. A value of the image's that stands on the command
 * line to its last byte is that one, whatever the kernel made of it. If one stands there, or HOSTNAME,
 * which engines add, urunc wrote the line: a value then goes on to the next word that is a variable.
 *
 * `image` may be NULL; `cmdline` too, and then the kernel's words are as they are. What is meant for
 * init itself is left out (URUNIT_*, HUTCH_*), and HOME and TERM where the kernel made them up. Returns
 * a NULL-terminated table with room for two more, and its length; NULL when memory runs out.
 */
char **environment_restore(char *const *image, char *const *kernel, const char *cmdline,
			   size_t *count);

/* The value of a variable, or NULL. */
char *find_env(char *const *env, const char *name);

#endif
