/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/line.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A line with a longer location is a command shown by V=1, not a diagnostic. */
#define POSITION_MAX 1024

struct phrase {
	const char *text;
	enum diag_line_kind kind;
	/* the only tool that prints the phrase, or DIAG_N_TOOLS */
	enum diag_tool tool;
	bool keeps; /* the phrase is part of the message */
};

#define ANY_TOOL DIAG_N_TOOLS

/* Phrases after a location such as "FILE:LINE:COLUMN: ". */
static const struct phrase severities[] = {
	{ "warning: ", DIAG_LINE_WARNING, ANY_TOOL, false },
	{ "Warning: ", DIAG_LINE_WARNING, DIAG_TOOL_ASSEMBLER, false },
	{ "warning:", DIAG_LINE_WARNING, ANY_TOOL, false },
	/* dtc: "Warning (reg_format): " */
	{ "Warning ", DIAG_LINE_WARNING, DIAG_TOOL_DTC, false },
	{ "error: ", DIAG_LINE_ERROR, ANY_TOOL, false },
	{ "Error: ", DIAG_LINE_ERROR, DIAG_TOOL_ASSEMBLER, false },
	{ "ERROR ", DIAG_LINE_ERROR, DIAG_TOOL_DTC, false },
	{ "fatal error: ", DIAG_LINE_ERROR, ANY_TOOL, false },
	{ "Fatal error: ", DIAG_LINE_ERROR, DIAG_TOOL_ASSEMBLER, false },
	{ "internal compiler error: ", DIAG_LINE_ERROR, DIAG_TOOL_COMPILER,
	  true },
	{ "sorry, unimplemented: ", DIAG_LINE_ERROR, DIAG_TOOL_COMPILER, true },
	{ "undefined reference to ", DIAG_LINE_ERROR, DIAG_TOOL_LINKER, true },
	{ "multiple definition of ", DIAG_LINE_ERROR, DIAG_TOOL_LINKER, true },
	{ "syntax error", DIAG_LINE_ERROR, ANY_TOOL, true },
	/* scripts/Kconfig.include */
	{ "Sorry, this ", DIAG_LINE_ERROR, DIAG_TOOL_KCONFIG, true },
	/* make: "Makefile:12: *** " */
	{ "*** ", DIAG_LINE_ERROR, DIAG_TOOL_MAKE, false },
	{ "note: ", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "remark: ", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "Info: ", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "In function ", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "in function ", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "At top level:", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "Assembler messages:", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "all warnings being treated as errors", DIAG_LINE_NOTE, ANY_TOOL,
	  false },
	{ "some warnings being treated as errors", DIAG_LINE_NOTE, ANY_TOOL,
	  false },
};

/* Phrases at the start of a line. */
static const struct phrase starts[] = {
	{ "In file included from ", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "compilation terminated.", DIAG_LINE_NOTE, ANY_TOOL, false },
	/* modpost, Kconfig, scripts */
	{ "WARNING: ", DIAG_LINE_WARNING, ANY_TOOL, false },
	{ "WARN: ", DIAG_LINE_WARNING, DIAG_TOOL_OTHER,
	  false }, /* resolve_btfids */
	{ "ERROR: ", DIAG_LINE_ERROR, ANY_TOOL, false },
	{ "FATAL ERROR: ", DIAG_LINE_ERROR, DIAG_TOOL_DTC, false },
	{ "FATAL: ", DIAG_LINE_ERROR, ANY_TOOL, false }, /* modpost */
	{ "Error: ", DIAG_LINE_ERROR, DIAG_TOOL_DTC, false },
	/* dtc before 1.4.2 */
	{ "Warning (", DIAG_LINE_WARNING, DIAG_TOOL_DTC, true },
	/* scripts/kernel-doc since Linux 6.15 */
	{ "Warning: ", DIAG_LINE_WARNING, DIAG_TOOL_KERNEL_DOC, false },
	{ "error: ", DIAG_LINE_ERROR, ANY_TOOL, false },
	{ "warning: ", DIAG_LINE_WARNING, ANY_TOOL, false },
	{ "BTF: ", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "FAILED: ", DIAG_LINE_ERROR, DIAG_TOOL_OTHER, false },
	{ ">>> ", DIAG_LINE_NOTE, ANY_TOOL, false }, /* ld.lld */
	/* only notes, because ld has already printed the error */
	{ "collect2: error: ", DIAG_LINE_NOTE, ANY_TOOL, false },
	{ "clang: error: linker command failed", DIAG_LINE_NOTE, ANY_TOOL,
	  false },
	{ "/bin/sh: ", DIAG_LINE_ERROR, DIAG_TOOL_SHELL, false },
	{ "sh: ", DIAG_LINE_ERROR, DIAG_TOOL_SHELL, false },
	{ "/bin/bash: ", DIAG_LINE_ERROR, DIAG_TOOL_SHELL, false },
	{ "bash: ", DIAG_LINE_ERROR, DIAG_TOOL_SHELL, false },
};

/*
 * Phrases after "*** " in messages of the kernel's Makefiles, of
 * scripts/kconfig and of other scripts.  An error has several lines that begin
 * with "*** ", and exactly one of them must count as an error.  A line with
 * none of these phrases is a note, because make itself reports the failed
 * recipe.
 */
static const struct phrase starred[] = {
	{ "Default configuration is based on ", DIAG_LINE_OTHER, ANY_TOOL,
	  true },
	{ "End of the configuration.", DIAG_LINE_OTHER, ANY_TOOL, true },
	{ "Execute 'make' to ", DIAG_LINE_OTHER, ANY_TOOL, true },
	/* the line continues with the file's name and "not found!" */
	{ "Configuration file ", DIAG_LINE_ERROR, DIAG_TOOL_KCONFIG, true },
	{ "Can't find default configuration ", DIAG_LINE_ERROR,
	  DIAG_TOOL_KCONFIG, true },
	{ "Can't read seed configuration ", DIAG_LINE_ERROR, DIAG_TOOL_KCONFIG,
	  true },
	{ "KCONFIG_ALLCONFIG set, but no ", DIAG_LINE_ERROR, DIAG_TOOL_KCONFIG,
	  true },
	{ "The configuration requires explicit update.", DIAG_LINE_ERROR,
	  DIAG_TOOL_KCONFIG, true },
	{ "Error while saving ", DIAG_LINE_ERROR, DIAG_TOOL_KCONFIG, true },
	/* the line continues with "writing", "sync" or "update" */
	{ "Error during ", DIAG_LINE_ERROR, DIAG_TOOL_KCONFIG, true },
	{ "The source tree is not clean", DIAG_LINE_ERROR, DIAG_TOOL_MAKE,
	  true },
	{ "The present kernel configuration has modules disabled.",
	  DIAG_LINE_ERROR, DIAG_TOOL_MAKE, true },
};

/*
 * The first of three indented lines that `make M=DIR` prints for a kernel that
 * is not prepared.
 */
static const struct phrase not_prepared = {
	"  ERROR: Kernel configuration is invalid.", DIAG_LINE_ERROR,
	DIAG_TOOL_MAKE, true
};

static const struct diag_line other_line = { .tool = DIAG_N_TOOLS };

static struct diag_line line_of_kind(enum diag_line_kind kind)
{
	struct diag_line l = other_line;

	l.kind = kind;
	return l;
}

bool diag_line_parse_kbuild(const char *line, const char **word,
			    const char **object)
{
	size_t n;

	if ((line[0] != ' ' && line[0] != '#') || line[1] != ' ')
		return false;
	/*
	 * "  CC [M]  fs/ext4/balloc.o": two blanks, a word in capitals, a gap.
	 * Makefiles of other projects print a tab as the gap.  With V=1, newer
	 * kernels such as Linux 6.4 print "# CC      x.o".
	 */
	if (isupper((unsigned char)line[2])) {
		n = 2 +
		    strspn(line + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+");
		*word = line + 2;
		if (!strncmp(line + n, " [M]", 4))
			n += 4;
		*object = line + n + strspn(line + n, " \t");
		if (line[0] == '#')
			return *object > line + n + 1;
		return (line[n] == ' ' || line[n] == '\t') && n >= 4;
	}
	if (line[0] == '#' ||
	    (line[2] != '/' && !islower((unsigned char)line[2])))
		return false;
	*word = "";
	*object = strstr(line, " -o ");
	if (!*object)
		return false;
	*object += 4;
	return true;
}

/* Return the phrase with which `text` begins, or NULL. */
static const struct phrase *find_phrase(const struct phrase *p, size_t n,
					const char *text)
{
	for (; n--; p++) {
		if (p->text[0] == text[0] && str_starts(text, p->text))
			return p;
	}
	return NULL;
}

#define FIND_PHRASE(table, text) find_phrase(table, ARRAY_SIZE(table), text)

/*
 * Classify a line that has the phrase `p` at offset `at`, after a location of
 * `place` bytes.
 */
static struct diag_line line_of_phrase(const struct phrase *p, const char *line,
				       size_t place, size_t at)
{
	struct diag_line l = {
		.kind = p->kind,
		.tool = p->tool,
		.location_len = place,
		.text_offset = at + (p->keeps ? 0 : strlen(p->text)),
	};

	l.text_offset += strspn(line + l.text_offset, " ");
	return l;
}

/* Classify "make[2]: *** [scripts/Makefile.build:250: a.o] Error 1". */
static struct diag_line classify_make(const char *line)
{
	const char *stars = strstr(line, ": *** "), *warning;
	struct diag_line l = { .tool = DIAG_TOOL_MAKE,
			       .kind = DIAG_LINE_ERROR };

	if (!stars) {
		warning = strstr(line, ": warning: ");
		if (!warning)
			return other_line;
		l.kind = DIAG_LINE_WARNING;
		l.text_offset = (size_t)(warning - line) +
				strlen(": warning: ");
		return l;
	}
	stars += 6;
	if (str_starts(stars, "Waiting for unfinished jobs") ||
	    str_starts(stars, "Deleting file"))
		return line_of_kind(DIAG_LINE_NOTE);
	if (str_ends(stars, "] Interrupt") || str_ends(stars, "] Terminated"))
		return line_of_kind(DIAG_LINE_NOTE);
	if (stars[0] == '[')
		l.kind = DIAG_LINE_MAKE;
	l.text_offset = (size_t)(stars - line);
	return l;
}

static bool is_make_line(const char *line)
{
	if (!str_starts(line, "make"))
		return false;
	line += 4;
	if (line[0] == '[')
		line += strspn(line, "[0123456789]");
	return line[0] == ':';
}

/*
 * Find a severity after one of the first colons, as in "cc1: error: ",
 * "a.c:3:4: error: ", "vmlinux.o: warning: objtool: " or "Kconfig:7:warning: ".
 * The text before the severity names a file, a position or a program.
 */
static struct diag_line classify_located(const char *line)
{
	const char *at = line;

	for (int colons = 0; colons < 8; colons++) {
		const struct phrase *p;
		size_t place;

		at = strchr(at, ':');
		if (!at || at - line > POSITION_MAX)
			return other_line;
		place = (size_t)(at++ - line);
		at += at[0] == ' ';
		p = FIND_PHRASE(severities, at);
		if (p)
			return line_of_phrase(p, line, place,
					      (size_t)(at - line));
	}
	return other_line;
}

/* Recognize lines such as "3 warnings and 1 error generated." */
static bool is_clang_summary(const char *line)
{
	return isdigit((unsigned char)line[0]) &&
	       str_ends(line, " generated.") &&
	       (strstr(line, " warning") || strstr(line, " error"));
}

struct diag_line diag_line_classify(const char *line)
{
	const char *word, *object;
	const struct phrase *p;

	if (diag_line_parse_kbuild(line, &word, &object))
		return line_of_kind(DIAG_LINE_KBUILD);
	if (line[0] && strchr(" \t^~", line[0])) {
		if (!line[strspn(line, " \t^~")] && strchr(line, '^'))
			return line_of_kind(DIAG_LINE_CARET);
		if (str_starts(line, not_prepared.text))
			return line_of_phrase(&not_prepared, line, 0, 2);
		if (line[0] == ' ' || line[0] == '\t')
			return line_of_kind(DIAG_LINE_INDENTED);
	}
	if (is_make_line(line))
		return classify_make(line);
	if (str_starts(line, "*** ")) {
		p = FIND_PHRASE(starred, line + 4);
		return p ? line_of_phrase(p, line, 0, 4) :
			   line_of_kind(DIAG_LINE_NOTE);
	}
	if (!strcmp(line, "***"))
		return line_of_kind(DIAG_LINE_NOTE);
	p = FIND_PHRASE(starts, line);
	if (p)
		return line_of_phrase(p, line, 0, 0);
	if (is_clang_summary(line))
		return line_of_kind(DIAG_LINE_NOTE);
	return classify_located(line);
}

bool diag_line_is_disk_full(const char *line)
{
	return strstr(line, "No space left on device") != NULL;
}

/* Return the end of the escape sequence at `i` (ECMA-48: CSI, OSC, others). */
static size_t skip_escape(const char *text, size_t len, size_t i)
{
	char kind = ++i < len ? text[i++] : '\0';

	if (kind == '[') {
		while (i < len && (text[i] < '@' || text[i] > '~'))
			i++;
		return i + 1;
	}
	if (kind == ']') {
		while (i < len && text[i] != '\a' && text[i] != '\033')
			i++;
		return i + (i < len && text[i] == '\033' ? 2 : 1);
	}
	/* "ESC ( B", which `tput sgr0` prints, has an intermediate byte. */
	while (kind >= ' ' && kind <= '/' && i < len)
		kind = text[i++];
	return i;
}

size_t diag_line_strip_controls(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\033') {
			i = skip_escape(text, len, i);
			continue;
		}
		if (c == '\t' || (c >= ' ' && c != 0x7f))
			text[n++] = text[i];
		i++;
	}
	printable_replace(text, n, PRINTABLE_WHITESPACE, '?');
	return n;
}
