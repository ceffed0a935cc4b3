/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/diag.h - a diagnostic: what a tool of a build said of a file.
 */
#ifndef DIAG_DIAG_H
#define DIAG_DIAG_H

#include "base/buf.h"

/* Bytes of a text, a file's name, a flag; what is longer is cut. */
#define DIAG_TEXT_MAX 2048

enum diag_tool {
	DIAG_COMPILER, /* gcc, clang; sparse and the like speak as they do */
	DIAG_ASSEMBLER,
	DIAG_LINKER,
	DIAG_MODPOST,
	DIAG_OBJTOOL,
	DIAG_DTC,
	DIAG_KCONFIG,
	DIAG_KERNEL_DOC, /* scripts/kernel-doc, which W=1 starts */
	DIAG_MAKE,
	DIAG_SHELL,
	DIAG_OTHER, /* some other program or script */

	DIAG_TOOLS, /* how many; also: not known */
};

enum diag_severity {
	DIAG_WARNING,
	DIAG_ERROR,

	DIAG_SEVERITIES, /* how many */
};

/* Strings are owned, and NULL where there is nothing. */
struct diag {
	enum diag_tool tool;
	enum diag_severity severity;
	char *file; /* as seen from the tree, or from the build directory */
	unsigned line, column; /* from 1; 0: not known */
	char *flag; /* "-Wunused-variable"; dtc's: "reg_format" */
	char *text; /* never NULL */
	/* What was being made, as make names it: "fs/ext4/inode.o".  Where
	   several showed it these, with blanks between: DIAG_OBJECTS. */
	char *object;
};

void diag_release(struct diag *d);
struct diag diag_copy(const struct diag *d);

/* "compiler", "modpost" ...; "warning", "error" */
const char *diag_tool_word(enum diag_tool tool);
const char *diag_severity_word(enum diag_severity severity);
/* The tool of a word; DIAG_OTHER of one that is not known. */
enum diag_tool diag_tool_of(const char *word);
/* Words for people or NULL in `words[DIAG_TOOLS]`, for a table of them. */
extern const char *const diag_tool_words[DIAG_TOOLS + 1];

/*
 * A hash of what makes a diagnostic the same in another build: its tool,
 * severity, file, flag, and its text but for numbers that stand by themselves,
 * which change when lines are added elsewhere ("frame size of 1040 bytes",
 * "f()+0x1a3").  It is of this process alone, as map_hash()'s.
 */
uint64_t diag_identity(const struct diag *d);

/* Append "fs/a.c:12:3: warning: unused variable 'x' [-Wunused]". */
void diag_put(struct buf *out, const struct diag *d);

#endif
