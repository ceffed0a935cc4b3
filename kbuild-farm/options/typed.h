/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/typed.h - the options of a compile as the wire carries them, and
 * the node's gate: argv is rebuilt from its own table, or not at all.
 */
#ifndef OPTIONS_TYPED_H
#define OPTIONS_TYPED_H

#include "base/err.h"
#include "options/command.h"

/* A flag: the table's name and a value (NULL: none); both the list's own. */
struct options_flag {
	char *name;
	char *value;
};

struct options_flags {
	struct options_flag *v;
	size_t n;
};

void options_flags_release(struct options_flags *f);

/*
 * The flags of an OPTIONS_REMOTE compile that a node needs, in order.  Of the
 * dependency list's options it is the targets and -MP, in the form that gives
 * the list a node writes (options_typed_outputs()) the targets of the local
 * one:
 *
 *	-MD -MMD, the driver's own	-MQ OBJECT, as make spelled it, where
 *					the line has no -MT, -MQ: the driver
 *					would say it, from -o
 *	-Wp,-MMD,FILE			gcc: nothing (cc1 makes the source's
 *					base name with .o of it); clang makes
 *					-MMD -MF FILE of it: as above
 *	-MT X -MQ X -MP			as they are, also when they stand in
 *					a -Wp, list
 *
 * 0, or -ENOTSUP with `err` naming what no node is sent: then `out` is empty.
 */
int options_typed_from(struct options_flags *out,
		       const struct options_command *c, struct err *err);

/*
 * The node's side: append the words for one flag to `argv`, if the table
 * holds `name` as an option for nodes and `value` is what it may be.
 * Returns 0, or -ENOTSUP with `err` naming the option.
 */
int options_typed_allow(struct strv *argv, const char *name, const char *value,
			struct err *err);

/* Where a node's compile writes. */
struct options_places {
	const char *object;
	const char *dep; /* the list that -MD writes; no ',' in it */
	const char *as; /* what the assembler read, no ','; NULL: not told */
	/*
	 * gcc: names the files beside the object as if this were -o, which has
	 * to lie elsewhere.  NULL: `object` does.
	 */
	const char *named;
	bool placed; /* the flags had -c and -o at their places */
	bool preprocess; /* it writes `dep`, and the text to its stdout */
	bool text_to_object; /* with that, the text to `object` instead */
};

/*
 * Is this flag -c or -o, at its place among the others?  They are flags only
 * where the compiler writes down the line (clang's -MJ), and without a value:
 * the node puts its own one there.
 */
bool options_typed_is_place(const char *name);

/*
 * Append to DRIVER FLAGS... what ends a node's command line:
 *
 *	-Wp,-MD,<dep> [-Wa,--MD,<as>] [-dumpdir D -dumpbase B -dumpbase-ext E]
 *	[-c -o <object> | -E] -x LANGUAGE SOURCE
 *
 * With gcc -MD goes to cc1 alone, so that -o gives no target; with clang it is
 * -MD -MF <dep>.  The list is always the full one: it says what was read, and
 * depfile_cut() makes that of -MMD from it; of OPTIONS_PLAIN_ASM there is none,
 * and nothing that asks for it.  clang assembles by itself and
 * tells nothing, and gcc's -flto writes the options for the assembler into the
 * object: there is no --MD then, and what .incbin or .include read is in no
 * list.  SOURCE is spelled as make spelled it, and the compile runs in make's
 * directory: both stand in __FILE__, DW_AT_name and in diagnostics.  -x keeps
 * a name from choosing another language.  None of these words enters the
 * object.  0, or -ENOTSUP: such a source would be read as an option.
 */
int options_typed_outputs(struct strv *argv, enum options_lang lang,
			  const char *source, const struct options_places *out,
			  struct err *err);

#endif
