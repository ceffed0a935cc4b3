/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/allowlist.h - Compiler options on the wire.
 *
 * The build host converts a command line to flags: names of the option table
 * with values.  The node rebuilds the command line from its own table and
 * rejects a flag that is not in this table.
 */
#ifndef OPTIONS_ALLOWLIST_H
#define OPTIONS_ALLOWLIST_H

#include "base/err.h"
#include "options/command.h"

/*
 * A name of the option table with its value or NULL.  A struct options_flags
 * owns both strings.
 */
struct options_flag {
	char *name;
	char *value;
};

struct options_flags {
	struct options_flag *flags;
	size_t n_flags;
};

void options_flags_release(struct options_flags *f);

/*
 * Collect the flags that a node needs for an OPTIONS_CLASS_REMOTE compile, in
 * order.  Of the dependency options, only the targets and -MP are sent.  Their
 * form ensures that the dependency list of options_allowlist_add_outputs() has
 * the same targets as the list of a local compile:
 *
 *	-MD, -MMD as driver options	-MQ OBJECT with make's spelling, unless
 *					the command has -MT or -MQ
 *	-Wp,-MMD,FILE			gcc: nothing; clang: the same as for
 *					driver options
 *	-MT X, -MQ X, -MP		unchanged, also from a -Wp, list
 *
 * -MQ OBJECT is necessary because the driver derives the target of -MD and -MMD
 * from -o.  For -Wp,-MMD,FILE, gcc's cc1 uses the base name of the source with
 * .o as the target instead, whereas clang treats the list as -MMD -MF FILE.
 *
 * Returns 0, or -ENOTSUP with `err` naming an option that cannot be sent; then
 * `out` is empty.
 */
int options_allowlist_make_flags(struct options_flags *out,
				 const struct options_command *c,
				 struct err *err);

/*
 * On the node, append the words of one flag to `argv`.  Returns 0, or -ENOTSUP
 * with `err` naming the option if the table does not allow `name` with `value`
 * on a node.
 */
int options_allowlist_add_flag(struct strv *argv, const char *name,
			       const char *value, struct err *err);

/* Output files of a compile on a node. */
struct options_node_outputs {
	const char *object;
	const char *dep; /* dependency list of -MD; without commas */
	/* Dependency list of the assembler, without commas; or NULL. */
	const char *as_dep;
	/*
	 * If not NULL, the names of side outputs are derived from this path,
	 * and the object is written to this path.  As an exception, gcc with
	 * -gsplit-dwarf writes the object to `object`.
	 */
	const char *named;
	/*
	 * gcc only: if not NULL, the names of side outputs are derived from
	 * this path, but the object is written to `object`.
	 */
	const char *side_base;
	bool is_clang;
	bool has_placeholders; /* the flags contained -c and -o */
	bool preprocess; /* only preprocess; write the text to stdout */
	bool text_to_object; /* with `preprocess`: write the text to `object` */
};

/*
 * Return true for -c and -o.  They are sent as flags, in their position and
 * without a value, only if the compiler records the command line (clang's -MJ).
 * The node itself inserts the value of -o.
 */
bool options_allowlist_is_placeholder(const char *name);

/*
 * Append the end of the node's command line to `argv`, which already has the
 * driver and the flags:
 *
 *	-Wp,-MD,<dep> [-Wa,--MD,<as>] [-dumpdir D -dumpbase B -dumpbase-ext E]
 *	[-c -o <object> | -E] -x LANGUAGE SOURCE
 *
 * gcc passes the -MD of a -Wp, list only to cc1, so -o adds no target.  clang
 * treats this list as -MD -MF <dep>.  The word is -MD even if make's command
 * has -MMD, because the node's dependency list must name all files that were
 * read; depfile_filter() reduces it to the list that -MMD would write.  -Wp,-MD
 * is omitted for OPTIONS_LANG_ASM, which has no dependency list.
 *
 * --MD is omitted in three cases: with -E; for clang, which assembles without a
 * list; and for C sources with gcc's -flto, because gcc then stores the
 * assembler's options in the object.  For clang and for C sources with -flto,
 * files read by .incbin or .include are therefore in no list.
 *
 * SOURCE has make's spelling, and the compile runs in make's directory, because
 * both appear in __FILE__, DW_AT_name and diagnostics.  -x fixes the language
 * independently of the name.  Except for SOURCE, none of these words
 * affects the object.
 *
 * Returns 0, or -ENOTSUP if the source would be read as an option.
 */
int options_allowlist_add_outputs(struct strv *argv, enum options_lang lang,
				  const char *source,
				  const struct options_node_outputs *out,
				  struct err *err);
/*
 * Return true if a command line of options_allowlist_add_outputs() lets the
 * assembler write a dependency list.
 */
bool options_allowlist_has_as_deps(const struct strv *argv);

#endif
