/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/command.h - Parsed command line of a compiler, and its outputs.
 *
 * Depends only on libc because the wrapper uses it.  All strings of a struct
 * options_command point into argv, which must outlive it.
 *
 * A compile writes the object, the dependency list, and side outputs, which
 * options request.  Compilers derive the names of side outputs from the path
 * of the object, which is the path of -o or the base name of the source in the
 * working directory.  The compiler replaces the last suffix of this path by the
 * suffix of the side output:
 *
 *	.su			-fstack-usage; not with LTO
 *	.gcno			-ftest-coverage, --coverage
 *	.dwo			-gsplit-dwarf; clang: only with debug
 *				information and without LTO
 *	.ci			gcc's -fcallgraph-info; not with LTO
 *	.c.opt-record.json.gz	gcc's -fsave-optimization-record; ".c" is the
 *				source's suffix
 *	.opt.yaml		clang's -fsave-optimization-record
 *
 * The following options contain the path of their side output: clang's
 * -foptimization-record-file=FILE and -MJ FILE, and gcc's -fopt-info-WHAT=FILE.
 * If one of them occurs several times, clang uses the last FILE and gcc the
 * first.  An assembler source has only the .dwo and the file of -MJ.
 *
 * Sources: "Overall Options" and "Developer Options" in gcc 12's manual,
 * lang_dependent_init() in gcc/toplev.cc, ASM_FINAL_SPEC in gcc/gcc.cc;
 * clang/lib/Driver/ToolChains/Clang.cpp and CommonArgs.cpp (SplitDebugName) of
 * LLVM 14.  check_options_output.c compares the names with the compilers.
 */
#ifndef OPTIONS_COMMAND_H
#define OPTIONS_COMMAND_H

#include "base/buf.h"
#include "base/reason.h"
#include "base/str.h"
#include "options/table.h"

enum options_class {
	/*
	 * Not a unit: execute the real compiler at once (probes, -E, -S,
	 * links).
	 */
	OPTIONS_CLASS_PASSTHROUGH,
	/* A unit (-c, one source, one object) that must run locally. */
	OPTIONS_CLASS_LOCAL,
	/* A unit that a node can compile: one .c, .S or .s. */
	OPTIONS_CLASS_REMOTE,
};

enum options_lang {
	OPTIONS_LANG_C,
	OPTIONS_LANG_ASM_CPP, /* .S: preprocessed */
	OPTIONS_LANG_ASM, /* .s: read by the assembler without preprocessing */
};

/*
 * An option with its value, an input, or a word of a -Wp, or -Wa, list.  The
 * words of a list follow the item of the list.
 */
struct options_item {
	/* NULL for inputs and unknown options */
	const struct options_entry *entry;
	const char *text; /* the word, `len` bytes */
	/*
	 * The value of the option, `value_len` bytes, or NULL.  If a word of a
	 * comma-separated list such as -Wp,-MD,FILE takes a value, the value is
	 * the next word of the list, and the next word has no item of its own.
	 */
	const char *value;
	unsigned len, value_len;
	unsigned argv_index; /* index of its first word in argv */
	/* enum options_use of the option or of the word of a list */
	unsigned char use;
	bool separate; /* the value is the next word of argv */
	bool in_list;
};

struct options_command {
	char *const *argv;
	struct options_item *items;
	size_t n_items;
	enum options_class class;
	enum reason reason; /* reason for OPTIONS_CLASS_LOCAL */
	bool is_clang; /* according to the driver's name */
	enum options_lang lang;
	const char *source;
	bool from_stdin; /* the command reads standard input ("-") */
	bool preprocessed; /* -E instead of -c: the output is text */
	/* value of -o, or NULL for the source's base name + .o */
	const char *object;
	/*
	 * Name of the dependency file, `dep_len` bytes, or NULL.  Not
	 * NUL-terminated if it is in a -Wp, list.  Not set for
	 * OPTIONS_LANG_ASM, because compilers then write no dependency file.
	 */
	const char *dep;
	size_t dep_len;
	bool makes_dep; /* -MD or -MMD as a driver option */
	bool list_makes_dep; /* -MD or -MMD in a -Wp, list */
	bool omits_system_headers; /* -MMD in either form: no system headers */
	bool has_target; /* -MT or -MQ as a driver option */
	bool list_mt, list_mq; /* -MT or -MQ in a -Wp, list */
	bool has_other_wp_words; /* -MP, -D, -U or -I in a -Wp, list */
	/* clang's -MJ, which makes the order of all words significant */
	bool records_command;
};

/*
 * Parse argv, whose first word is the compiler's name.  Never fails: words that
 * are not supported result in OPTIONS_CLASS_PASSTHROUGH or OPTIONS_CLASS_LOCAL.
 */
void options_command_parse(struct options_command *c, char *const *argv);
/*
 * Parse a command that preprocesses a C source with -E to standard output.
 *
 * The command is parsed like a compile with -c instead of -E.  It can have
 * flags and a dependency file but no object: `object` is NULL, and no file is
 * written at options_output_object_path().
 */
void options_command_parse_text(struct options_command *c, char *const *argv);
/*
 * Parse a command that preprocesses an assembler source (.S or -x
 * assembler-with-cpp) with -E to the file of -o, which becomes c->object.
 */
void options_command_parse_asm_cpp(struct options_command *c,
				   char *const *argv);
/*
 * Parse a command that preprocesses standard input with -E.  Such a command has
 * the source "-", preceded by -x.  The dependency list must have the target "-"
 * and no source.  A command with options that affect the targets, such as -MT,
 * is therefore OPTIONS_CLASS_LOCAL.
 */
void options_command_parse_stdin(struct options_command *c, char *const *argv);
/*
 * Divide a gcc command that compiles one .c or .S source and links the object,
 * with any other inputs, to the program of -o.  Returns the argv of the
 * compile, parsed into `compile`.  The compile writes the object, with the
 * content that gcc would pass to the linker, to the path of -o.  For the link,
 * the caller replaces the source, c->argv[*source_at], by the path of the
 * object.
 *
 * Returns NULL for any other command.  Also returns NULL for options with which
 * a separate compile and link could give another result: LTO, side outputs, and
 * dependency lists that the driver names.  `compile` is then empty.  The caller
 * releases `compile`, then frees the array, whose words are borrowed.  Source:
 * the specs of gcc 12's driver ("-dumpdir", "-MQ") in gcc/gcc.cc.
 */
char **options_command_divide(const struct options_command *c,
			      struct options_command *compile,
			      unsigned *source_at);
/* Set the borrowed path of the file that is read instead of "-". */
void options_command_set_text(struct options_command *c, const char *path);
void options_command_release(struct options_command *c);

/* Return true if gcc reads the word or its value as a response file (@FILE). */
bool options_item_is_response_file(const struct options_item *i);

/*
 * Return the path of the object: -o, or gcc's default.  The caller frees it.
 */
char *options_output_object_path(const struct options_command *c);
/* Return the path of the dependency list or NULL; the caller frees it. */
char *options_output_dep_path(const struct options_command *c);
/*
 * Return ".NAME.kfarm.PID" in the directory of the output `path`: the temporary
 * name under which wrapper PID creates the output.  The caller frees it.
 */
char *options_output_temp_path(const char *path, unsigned pid);

/* maximum number of side outputs of a compile */
#define OPTIONS_SIDE_OUTPUTS_MAX 6

struct options_side_outputs {
	/*
	 * An output, possibly the object (-fprofile-arcs), contains the name of
	 * the object, so a compile with another -o gives another result.  Also
	 * true if there is any side output.
	 */
	bool name_in_object;
	size_t n;
	enum options_side_kind kind[OPTIONS_SIDE_OUTPUTS_MAX];
	char *path[OPTIONS_SIDE_OUTPUTS_MAX]; /* as the compiler names them */
};

/* Determine the side outputs of an OPTIONS_CLASS_REMOTE compile. */
void options_output_side_outputs(struct options_side_outputs *out,
				 const struct options_command *c);
void options_side_outputs_release(struct options_side_outputs *s);

#endif
