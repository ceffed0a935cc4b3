/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include "options/table.h"

#include <stdlib.h>
#include <string.h>

/* Add a -Wp, list without its options for dependency files. */
static void add_list(struct strv *out, const char *word)
{
	const char *rest = word + strlen("-Wp,");
	struct options_comma_word item;
	struct buf kept = { 0 };

	while (options_comma_list_next(&rest, &item)) {
		switch (options_comma_list_wp_use(&item)) {
		case OPTIONS_USE_MAKE_DEPS:
		case OPTIONS_USE_DEP_TARGET:
			options_comma_list_next(&rest, &item);
			break;
		case OPTIONS_USE_DEP_PHONY:
			break;
		default:
			buf_printf(&kept, ",%.*s", (int)item.len, item.s);
		}
	}
	if (kept.len)
		strv_addf(out, "-Wp%s", buf_str(&kept));
	buf_release(&kept);
}

/* Return true for an option whose value is attached or the next word. */
static bool is_output(const char *word)
{
	static const char *const names[] = { "-MF", "-MT", "-MQ", "-o" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (str_starts(word, names[i]))
			return true;
	}
	return false;
}

static bool is_bare_output(const char *word)
{
	return str_equal(word, "-MF") || str_equal(word, "-MT") ||
	       str_equal(word, "-MQ") || str_equal(word, "-o");
}

static bool is_dropped(const char *word)
{
	return str_equal(word, "-c") || str_equal(word, "-S") ||
	       str_equal(word, "-E") || str_equal(word, "-MD") ||
	       str_equal(word, "-MMD") || str_equal(word, "-MP") ||
	       str_starts(word, "-save-temps");
}

void audit_rule_argv(struct strv *out, char *const *argv, const char *compiler,
		     const char *instead)
{
	strv_add(out, compiler);
	strv_add(out, instead);
	for (char *const *a = argv + 1; *a; a++) {
		if (is_bare_output(*a) && a[1])
			a++;
		else if (str_starts(*a, "-Wp,"))
			add_list(out, *a);
		else if (!is_output(*a) && !is_dropped(*a))
			strv_add(out, *a);
	}
}
