/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/diag.h - A diagnostic of a build tool.
 */
#ifndef DIAG_DIAG_H
#define DIAG_DIAG_H

#include "base/buf.h"

/* maximum length of a text, file name or flag; longer strings are cut */
#define DIAG_TEXT_MAX 2048

enum diag_tool {
	DIAG_TOOL_COMPILER, /* gcc, clang; sparse has the same format */
	DIAG_TOOL_ASSEMBLER,
	DIAG_TOOL_LINKER,
	DIAG_TOOL_MODPOST,
	DIAG_TOOL_OBJTOOL,
	DIAG_TOOL_DTC,
	DIAG_TOOL_KCONFIG,
	DIAG_TOOL_KERNEL_DOC, /* scripts/kernel-doc, which W=1 starts */
	DIAG_TOOL_MAKE,
	DIAG_TOOL_SHELL,
	DIAG_TOOL_OTHER, /* any other program or script */

	DIAG_N_TOOLS, /* the number of tools; also means "unknown" */
};

enum diag_severity {
	DIAG_SEV_WARNING,
	DIAG_SEV_ERROR,

	DIAG_N_SEVERITIES, /* the number of severities */
};

/* Strings are owned, or NULL if absent. */
struct diag {
	enum diag_tool tool;
	enum diag_severity severity;
	char *file; /* relative to the tree or the build directory */
	unsigned line, column; /* from 1; 0 if unknown */
	char *flag; /* "-Wunused-variable", or dtc's check "reg_format" */
	char *text; /* never NULL */
	/*
	 * Make target, such as "fs/ext4/inode.o".  If several targets have the
	 * diagnostic, this member lists up to DIAG_OBJECTS_MAX of them,
	 * separated by blanks.
	 */
	char *object;
};

/* Free the strings and zero *d. */
void diag_release(struct diag *d);

/* Return the name of a tool, such as "compiler" or "modpost". */
const char *diag_tool_name(enum diag_tool tool);
/* Return "warning" or "error". */
const char *diag_severity_name(enum diag_severity severity);
/* Return the tool whose name is `word`, or DIAG_TOOL_OTHER. */
enum diag_tool diag_tool_parse(const char *word);
/* Names in the order of enum diag_tool; NULL for DIAG_N_TOOLS. */
extern const char *const diag_tool_names[DIAG_N_TOOLS + 1];

/*
 * Return a hash of tool, severity, file, flag and text, which identifies a
 * diagnostic across builds.  The hash ignores numbers in the text that are not
 * part of a name, because they change with edits elsewhere ("frame size of 1040
 * bytes", "f()+0x1a3").  Do not store the hash: map_hash() uses a random seed,
 * which differs in each process.
 */
uint64_t diag_hash(const struct diag *d);

/* Append a text such as "fs/a.c:12:3: error". */
void diag_format_place(struct buf *out, const struct diag *d);
/*
 * Append a text such as "fs/a.c:12:3: warning: unused variable 'x' [-Wunused]".
 */
void diag_format(struct buf *out, const struct diag *d);

#endif
