/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/debug.h"

#include <string.h>

/* A level or a format, the last of which says whether there is any? */
static bool is_level(const char *value, bool *on)
{
	const char *level = str_starts(value, "gdb") ? value + 3 : value;

	*on = *level != '0';
	return !*level || (strchr("0123", *level) && !level[1]) ||
	       str_starts(value, "dwarf") || !strcmp(value, "line-tables-only");
}

void scan_debug_take(struct scan_debug *d, const struct options_item *i)
{
	bool on;

	strv_add(&d->words, i->text);
	if (i->entry->use != OPTIONS_USE_DEBUG || !options_debug_ok(i->value))
		d->others = true;
	else if (is_level(i->value, &on))
		d->on = on;
}

void scan_debug_flags(const struct scan_debug *d, struct strv *flags)
{
	if (d->others)
		strv_add_all(flags, d->words.v);
	else if (d->on)
		strv_add(flags, "-g");
}

void scan_debug_release(struct scan_debug *d)
{
	strv_release(&d->words);
}
