/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/diag.h"

#include "base/map.h"
#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *const diag_tool_words[] = {
	[DIAG_COMPILER] = "compiler", [DIAG_ASSEMBLER] = "assembler",
	[DIAG_LINKER] = "linker",     [DIAG_MODPOST] = "modpost",
	[DIAG_OBJTOOL] = "objtool",   [DIAG_DTC] = "dtc",
	[DIAG_KCONFIG] = "kconfig",   [DIAG_KERNEL_DOC] = "kernel-doc",
	[DIAG_MAKE] = "make",         [DIAG_SHELL] = "shell",
	[DIAG_OTHER] = "other",       [DIAG_TOOLS] = NULL,
};

const char *diag_tool_word(enum diag_tool tool)
{
	return diag_tool_words[tool];
}

const char *diag_severity_word(enum diag_severity severity)
{
	return severity == DIAG_ERROR ? "error" : "warning";
}

enum diag_tool diag_tool_of(const char *word)
{
	for (int i = 0; i < DIAG_TOOLS; i++) {
		if (!strcmp(diag_tool_words[i], word))
			return i;
	}
	return DIAG_OTHER;
}

void diag_release(struct diag *d)
{
	free(d->file);
	free(d->flag);
	free(d->text);
	free(d->object);
	*d = (struct diag){ 0 };
}

static char *copy_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

struct diag diag_copy(const struct diag *d)
{
	struct diag copy = *d;

	copy.file = copy_or_null(d->file);
	copy.flag = copy_or_null(d->flag);
	copy.text = xstrdup(d->text);
	copy.object = copy_or_null(d->object);
	return copy;
}

/* ------------------------------------------------------------- identity */

/* Behind these a digit belongs to a name: "x1", "i2c@1000", "v1.2". */
static bool is_of_name(char before)
{
	return isalnum((unsigned char)before) ||
	       (before && strchr("_@.$", before));
}

/* The length of a number that stands by itself, "12", "3.4", "0x1f"; or 0. */
static size_t lone_number(const char *at)
{
	size_t n;

	if (at[0] == '0' && at[1] == 'x' && isxdigit((unsigned char)at[2])) {
		n = 2 + strspn(at + 2, "0123456789abcdefABCDEF");
	} else {
		n = strspn(at, "0123456789");
		while (n && at[n] == '.' && isdigit((unsigned char)at[n + 1]))
			n += 1 + strspn(at + n + 1, "0123456789");
	}
	return isalpha((unsigned char)at[n]) || at[n] == '_' ? 0 : n;
}

static void put_without_numbers(struct buf *out, const char *text)
{
	const char *from = text, *at = text;

	while (*(at += strcspn(at, "0123456789"))) {
		size_t n = at > text && is_of_name(at[-1]) ? 0 :
							     lone_number(at);

		if (n) {
			buf_add(out, from, (size_t)(at - from));
			buf_add(out, "#", 1);
			from = at += n;
		} else {
			at += strspn(at, "0123456789");
		}
	}
	buf_add(out, from, (size_t)(at - from));
}

uint64_t diag_identity(const struct diag *d)
{
	struct buf text = { 0 };
	uint64_t hash;

	buf_put_u8(&text, (uint8_t)d->tool);
	buf_put_u8(&text, (uint8_t)d->severity);
	buf_put_str(&text, d->file ? d->file : "");
	buf_put_str(&text, d->flag ? d->flag : "");
	put_without_numbers(&text, d->text);
	hash = map_hash(buf_bytes(&text));
	buf_release(&text);
	return hash;
}

/* ----------------------------------------------------------- for people */

void diag_put(struct buf *out, const struct diag *d)
{
	const char *word = diag_severity_word(d->severity);

	if (d->file)
		buf_add_str(out, d->file);
	else
		buf_add_str(out, diag_tool_word(d->tool));
	if (d->line)
		buf_printf(out, ":%u", d->line);
	if (d->line && d->column)
		buf_printf(out, ":%u", d->column);
	buf_printf(out, ": %s: %s", word, d->text);
	if (d->flag)
		buf_printf(out, " [%s]", d->flag);
}
