/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/logline.h"

#include "base/printable.h"
#include "base/str.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Longer lines are commands of V=1, not diagnostics. */
#define POSITION_MAX 1024

struct phrase {
	const char *text;
	enum kernel_logline kind;
};

/* What follows "FILE:LINE:COLUMN: " and the like; gas has capitals. */
static const struct phrase severities[] = {
	{ "warning: ", KERNEL_LINE_WARNING },
	{ "Warning: ", KERNEL_LINE_WARNING },
	{ "warning:", KERNEL_LINE_WARNING },
	{ "Warning ", KERNEL_LINE_WARNING }, /* dtc: "Warning (reg_format): " */
	{ "error: ", KERNEL_LINE_ERROR },
	{ "Error: ", KERNEL_LINE_ERROR },
	{ "ERROR ", KERNEL_LINE_ERROR }, /* dtc */
	{ "fatal error: ", KERNEL_LINE_ERROR },
	{ "Fatal error: ", KERNEL_LINE_ERROR },
	{ "internal compiler error: ", KERNEL_LINE_ERROR },
	{ "sorry, unimplemented: ", KERNEL_LINE_ERROR },
	{ "undefined reference to ", KERNEL_LINE_ERROR },
	{ "multiple definition of ", KERNEL_LINE_ERROR },
	{ "syntax error", KERNEL_LINE_ERROR },
	{ "Sorry, this ", KERNEL_LINE_ERROR }, /* scripts/Kconfig.include */
	{ "*** ", KERNEL_LINE_ERROR }, /* make: "Makefile:12: *** " */
	{ "note: ", KERNEL_LINE_NOTE },
	{ "remark: ", KERNEL_LINE_NOTE },
	{ "Info: ", KERNEL_LINE_NOTE },
	{ "In function ", KERNEL_LINE_NOTE },
	{ "in function ", KERNEL_LINE_NOTE },
	{ "At top level:", KERNEL_LINE_NOTE },
	{ "Assembler messages:", KERNEL_LINE_NOTE },
	{ "all warnings being treated as errors", KERNEL_LINE_NOTE },
	{ "some warnings being treated as errors", KERNEL_LINE_NOTE },
};

/* What a whole line may start with. */
static const struct phrase starts[] = {
	{ "In file included from ", KERNEL_LINE_NOTE },
	{ "compilation terminated.", KERNEL_LINE_NOTE },
	{ "WARNING: ", KERNEL_LINE_WARNING }, /* modpost, Kconfig */
	{ "ERROR: ", KERNEL_LINE_ERROR },
	{ "FATAL ERROR: ", KERNEL_LINE_ERROR }, /* dtc */
	{ "FATAL: ", KERNEL_LINE_ERROR }, /* modpost */
	{ "Error: ", KERNEL_LINE_ERROR }, /* dtc */
	{ "error: ", KERNEL_LINE_ERROR },
	{ "warning: ", KERNEL_LINE_WARNING },
	{ "BTF: ", KERNEL_LINE_NOTE },
	{ "FAILED: ", KERNEL_LINE_ERROR },
	{ ">>> ", KERNEL_LINE_NOTE }, /* ld.lld */
	{ "collect2: error: ", KERNEL_LINE_NOTE }, /* ld said why */
	{ "clang: error: linker command failed", KERNEL_LINE_NOTE },
	{ "/bin/sh: ", KERNEL_LINE_ERROR },
	{ "sh: ", KERNEL_LINE_ERROR },
	{ "/bin/bash: ", KERNEL_LINE_ERROR },
	{ "bash: ", KERNEL_LINE_ERROR },
};

/*
 * What the kernel's Makefiles, scripts/kconfig and its scripts say behind
 * "*** ": an error has several such lines, of which one counts.  Whatever is
 * not here is a note, since make says by itself that a recipe failed.
 */
static const struct phrase starred[] = {
	{ "Default configuration is based on ", KERNEL_LINE_OTHER },
	{ "End of the configuration.", KERNEL_LINE_OTHER },
	{ "Execute 'make' to ", KERNEL_LINE_OTHER },
	{ "Configuration file ", KERNEL_LINE_ERROR }, /* "x" not found! */
	{ "Can't find default configuration ", KERNEL_LINE_ERROR },
	{ "Can't read seed configuration ", KERNEL_LINE_ERROR },
	{ "KCONFIG_ALLCONFIG set, but no ", KERNEL_LINE_ERROR },
	{ "The configuration requires explicit update.", KERNEL_LINE_ERROR },
	{ "Error while saving ", KERNEL_LINE_ERROR },
	{ "Error during ", KERNEL_LINE_ERROR }, /* writing, sync, update */
	{ "The source tree is not clean", KERNEL_LINE_ERROR },
	{ "The present kernel configuration has modules disabled.",
	  KERNEL_LINE_ERROR },
};

static bool only_of(const char *line, const char *set)
{
	return line[strspn(line, set)] == '\0';
}

/* "  CC [M]  fs/ext4/balloc.o": two blanks, a word in capitals, a gap. */
static bool is_kbuild(const char *line)
{
	size_t n;

	if (line[0] != ' ' || line[1] != ' ' ||
	    !isupper((unsigned char)line[2]))
		return false;
	n = 2 + strspn(line + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+");
	if (!strncmp(line + n, " [M]", 4))
		n += 4;
	return line[n] == ' ' && n >= 4;
}

static enum kernel_logline phrase_kind(const struct phrase *p, size_t n,
				       const char *text,
				       enum kernel_logline otherwise)
{
	for (; n--; p++) {
		if (str_starts(text, p->text))
			return p->kind;
	}
	return otherwise;
}

#define PHRASE_KIND(table, text, otherwise) \
	phrase_kind(table, sizeof(table) / sizeof(*(table)), text, otherwise)

/* "make[2]: *** [scripts/Makefile.build:250: a.o] Error 1" */
static enum kernel_logline make_kind(const char *line)
{
	const char *stars = strstr(line, ": *** ");

	if (!stars) {
		if (strstr(line, ": warning: "))
			return KERNEL_LINE_WARNING;
		return KERNEL_LINE_OTHER;
	}
	stars += 6;
	if (str_starts(stars, "Waiting for unfinished jobs") ||
	    str_starts(stars, "Deleting file"))
		return KERNEL_LINE_NOTE;
	if (str_ends(stars, "] Interrupt") || str_ends(stars, "] Terminated"))
		return KERNEL_LINE_NOTE;
	if (stars[0] == '[')
		return KERNEL_LINE_MAKE;
	return KERNEL_LINE_ERROR;
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
 * The severity behind one of the first colons: "a.c:3:4: error: ",
 * "cc1: error: ", "vmlinux.o: warning: objtool: ", "Kconfig:7:warning: ".
 * What stands before it must look like a file, a position or a program.
 */
static enum kernel_logline placed_kind(const char *line)
{
	const char *at = line;

	for (int colons = 0; colons < 8; colons++) {
		enum kernel_logline kind;

		at = strchr(at, ':');
		if (!at || at - line > POSITION_MAX)
			return KERNEL_LINE_OTHER;
		at++;
		kind = PHRASE_KIND(severities, at + (at[0] == ' '),
				   KERNEL_LINE_OTHER);
		if (kind != KERNEL_LINE_OTHER)
			return kind;
	}
	return KERNEL_LINE_OTHER;
}

/* "3 warnings and 1 error generated." */
static bool is_clang_total(const char *line)
{
	return isdigit((unsigned char)line[0]) &&
	       str_ends(line, " generated.") &&
	       (strstr(line, " warning") || strstr(line, " error"));
}

enum kernel_logline kernel_logline_kind(const char *line)
{
	enum kernel_logline kind;

	if (strchr(line, '^') && only_of(line, " \t^~"))
		return KERNEL_LINE_CARET;
	if (line[0] == ' ' || line[0] == '\t')
		return is_kbuild(line) ? KERNEL_LINE_OTHER :
					 KERNEL_LINE_INDENTED;
	if (is_make_line(line))
		return make_kind(line);
	if (str_starts(line, "*** "))
		return PHRASE_KIND(starred, line + 4, KERNEL_LINE_NOTE);
	if (!strcmp(line, "***"))
		return KERNEL_LINE_NOTE;
	kind = PHRASE_KIND(starts, line, KERNEL_LINE_OTHER);
	if (kind != KERNEL_LINE_OTHER)
		return kind;
	if (is_clang_total(line))
		return KERNEL_LINE_NOTE;
	return placed_kind(line);
}

/* The end of the escape sequence at `i` (ECMA-48: CSI, OSC, two letters). */
static size_t skip_escape(const char *text, size_t len, size_t i)
{
	char kind = ++i < len ? text[i++] : '\0';

	if (kind == '[') {
		while (i < len && (text[i] < '@' || text[i] > '~'))
			i++;
		return i + 1;
	}
	if (kind != ']')
		return i;
	while (i < len && text[i] != '\a' && text[i] != '\033')
		i++;
	return i + (i < len && text[i] == '\033' ? 2 : 1);
}

size_t kernel_logline_clean(char *text, size_t len)
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
	printable_clean(text, n, PRINTABLE_LAYOUT, '?');
	return n;
}
