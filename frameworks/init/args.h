/*
 * The application's arguments as they were before the kernel command line took them apart.
 *
 * urunc puts arguments after " -- ", joined by single spaces, each that holds a space in '...'. It
 * escapes nothing, and the kernel splits at every blank and eats double quotes. Portable C.
 */
#ifndef HUTCH_ARGS_H
#define HUTCH_ARGS_H

#include <stddef.h>

/* Who wrote the command line: urunc, or somebody at a keyboard. */
enum args_style { ARGS_URUNC, ARGS_BY_HAND };

/*
 * Join the words that belong to one quoted argument. Returns a NULL-terminated table, its strings in
 * the same block of memory (one free), and its length in *joined; NULL when memory runs out.
 *
 * urunc: '...' around each argument that holds a space. An argument may itself hold quotes, so where
 * it ends is a guess, a good one: at the first word that ends in a quote and leaves the quotes in
 * between in pairs; apostrophes inside words ("it's") do not count. Without such a word it ends at the
 * first that ends in a quote; without that the quote was just a quote. A single word in quotes keeps
 * them: urunc never wraps a single word. An empty word is an empty argument.
 *
 * By hand: '...' and "..." as in a shell, around single words too, and blanks are just blanks.
 */
char **args_join(char *const *words, size_t count, enum args_style style, size_t *joined);

/*
 * The words after the first "--" of a kernel command line, split at single spaces, so that an empty
 * argument and two spaces in a quoted one survive. `text` is changed and holds the words. Returns a
 * NULL-terminated table (free it) and its length, or NULL when there is no "--" or no memory.
 */
char **args_of_cmdline(char *text, size_t *count);

/* The length of a kernel command line up to its first "--", all of it where there is none. */
size_t args_before(const char *cmdline);

/*
 * Whether argv is `words`, those after the "--", as args_same has it: is this command line really where
 * argv came from? In front of them the kernel puts words from before the "--" that it has no use for,
 * such as the rest of a value that it cut at a blank: they are none of the application's.
 */
int args_from(const char *cmdline, char *const *words, char *const *argv);

/*
 * Whether a kernel command line's arguments are what urunc writes for `args`: then they are known for
 * certain, whatever they hold.
 */
int args_match(char *const *args, const char *cmdline);

/*
 * Whether two lists of words are the same text but for blanks and double quotes, which is what the
 * kernel changes.
 */
int args_same(char *const *one, char *const *other);

#endif
