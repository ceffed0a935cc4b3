/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/diag.h"

#include "base/map.h"
#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *const diag_tool_names[] = {
	[DIAG_TOOL_COMPILER] = "compiler",
	[DIAG_TOOL_ASSEMBLER] = "assembler",
	[DIAG_TOOL_LINKER] = "linker",
	[DIAG_TOOL_MODPOST] = "modpost",
	[DIAG_TOOL_OBJTOOL] = "objtool",
	[DIAG_TOOL_DTC] = "dtc",
	[DIAG_TOOL_KCONFIG] = "kconfig",
	[DIAG_TOOL_KERNEL_DOC] = "kernel-doc",
	[DIAG_TOOL_MAKE] = "make",
	[DIAG_TOOL_SHELL] = "shell",
	[DIAG_TOOL_OTHER] = "other",
	[DIAG_N_TOOLS] = NULL,
};

const char *diag_tool_name(enum diag_tool tool)
{
	return diag_tool_names[tool];
}

const char *diag_severity_name(enum diag_severity severity)
{
	return severity == DIAG_SEV_ERROR ? "error" : "warning";
}

enum diag_tool diag_tool_parse(const char *word)
{
	for (int i = 0; i < DIAG_N_TOOLS; i++) {
		if (!strcmp(diag_tool_names[i], word))
			return i;
	}
	return DIAG_TOOL_OTHER;
}

void diag_release(struct diag *d)
{
	free(d->file);
	free(d->flag);
	free(d->text);
	free(d->object);
	*d = (struct diag){ 0 };
}

/* ---- identity ---- */

/* Return true if a digit after `before` is part of a name: "x1", "i2c@1000". */
static bool is_word_char(char before)
{
	return isalnum((unsigned char)before) ||
	       (before && strchr("_@.$", before));
}

/*
 * Return the length of the number at `at`, such as "12", "3.4" or "0x1f"; 0 if
 * a letter or "_" follows the number.
 */
static size_t number_len(const char *at)
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

uint64_t diag_hash(const struct diag *d)
{
	const char *from = d->text, *at = d->text;
	struct buf text = { 0 };
	uint64_t hash;

	buf_put_u8(&text, (uint8_t)d->tool);
	buf_put_u8(&text, (uint8_t)d->severity);
	buf_put_str(&text, d->file ? d->file : "");
	buf_put_str(&text, d->flag ? d->flag : "");
	while (*(at += strcspn(at, "0123456789"))) {
		size_t n = at > d->text && is_word_char(at[-1]) ?
				   0 :
				   number_len(at);

		if (n) {
			buf_add(&text, from, (size_t)(at - from));
			buf_add(&text, "#", 1);
			from = at += n;
		} else {
			at += strspn(at, "0123456789");
		}
	}
	buf_add(&text, from, (size_t)(at - from));
	hash = map_hash(buf_bytes(&text));
	buf_release(&text);
	return hash;
}

void diag_format_place(struct buf *out, const struct diag *d)
{
	if (d->file)
		buf_add_str(out, d->file);
	else
		buf_add_str(out, diag_tool_name(d->tool));
	if (d->line)
		buf_printf(out, ":%u", d->line);
	if (d->line && d->column)
		buf_printf(out, ":%u", d->column);
	buf_printf(out, ": %s", diag_severity_name(d->severity));
}

void diag_format(struct buf *out, const struct diag *d)
{
	diag_format_place(out, d);
	buf_printf(out, ": %s", d->text);
	if (d->flag)
		buf_printf(out, " [%s]", d->flag);
}
