/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/command.h - a compiler's command line, parsed once for all who ask.
 *
 * libc only (the wrapper uses it).  All strings of a struct options_command
 * are argv's, which has to stay.
 */
#ifndef OPTIONS_COMMAND_H
#define OPTIONS_COMMAND_H

#include "base/buf.h"
#include "base/reason.h"
#include "base/str.h"
#include "options/table.h"

enum options_verdict {
	/* No job: exec the real compiler at once (probes, -E, -S, links). */
	OPTIONS_PASSTHROUGH,
	/* A job (-c, one source, one object), but for this machine. */
	OPTIONS_LOCAL,
	/* A job that a node may do: one .c, .S or .s. */
	OPTIONS_REMOTE,
};

enum options_lang {
	OPTIONS_C,
	OPTIONS_ASM, /* .S: preprocessed */
	OPTIONS_PLAIN_ASM, /* .s: the assembler reads it as it is */
};

/*
 * An option with its value, an input, or one word of a -Wp, or -Wa, list:
 * these follow the item that is the list.
 */
struct options_item {
	const struct options_entry *entry; /* NULL: an input, or unknown */
	const char *text; /* `len` bytes: the word itself */
	/*
	 * `value_len` bytes, NULL: takes none, or it is missing.  In a list it
	 * is the next word, which is no item of its own.
	 */
	const char *value;
	unsigned len, value_len;
	unsigned at; /* where it begins in argv */
	unsigned char
		use; /* enum options_use; as in the list, if it is in one */
	bool apart; /* the value is the next word of argv */
	bool in_list;
};

struct options_command {
	char *const *argv;
	struct options_item *item;
	size_t n;
	enum options_verdict verdict;
	enum reason why; /* OPTIONS_LOCAL: the reason */
	bool is_clang; /* by the driver's name */
	enum options_lang lang;
	const char *source;
	bool from_stdin; /* that is a text which came there */
	bool expands; /* -E: what it makes is not assembled */
	const char *object; /* the value of -o, or NULL: source's base + .o */
	/*
	 * The dependency file as it is named, NULL: it is not; nothing of it is
	 * said of OPTIONS_PLAIN_ASM, of which compilers write none.  Not NUL-
	 * terminated when it stands in a -Wp, list: `dep_len` bytes.
	 */
	const char *dep;
	size_t dep_len;
	bool makes_dep; /* -MD or -MMD, the driver's own */
	bool list_makes_dep; /* the same in a -Wp, list */
	bool leaves_out; /* -MMD in either: no system headers */
	bool has_target; /* -MT or -MQ, the driver's own */
	bool list_mt, list_mq; /* the same in a -Wp, list */
	bool list_more; /* other words than these in -Wp, lists */
	bool records_line; /* clang's -MJ: the order of all words counts */
};

/*
 * Read argv (argv[0] is the compiler's name).  Never fails: what it does not
 * understand is OPTIONS_PASSTHROUGH or OPTIONS_LOCAL.
 */
void options_command_parse(struct options_command *c, char *const *argv);
/*
 * The same of a C source that is preprocessed with -E, its text going to
 * standard output: it is read as the compile that has -c in that place, with
 * flags and a dependency list, but without an object: `object` is NULL, and
 * what options/output.h says of it is only a name.
 */
void options_command_parse_text(struct options_command *c, char *const *argv);
/*
 * The same of an assembler source, as -x calls it, that is preprocessed with -E
 * into the file of -o: that is `object`.
 */
void options_command_parse_expanded(struct options_command *c,
				    char *const *argv);
/*
 * The same of a text that comes from standard input: `source` is "-", whose
 * language is given in front of it.  Its dependency list has a target that is
 * "-" and lacks the source, so one with another target is OPTIONS_LOCAL.
 */
void options_command_parse_stdin(struct options_command *c, char *const *argv);
/* Its text lies in that file, which is read in the place of "-"; borrowed. */
void options_command_set_text(struct options_command *c, const char *path);
void options_command_release(struct options_command *c);

/* Does gcc take it, or its value, for the name of a file of words (@FILE)? */
bool options_item_is_file(const struct options_item *i);

#endif
