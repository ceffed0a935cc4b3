/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/line.h"

#include "base/vec.h"
#include "options/list.h"
#include "options/table.h"
#include "scan/std.h"

#include <stdlib.h>
#include <string.h>

static void refuse(struct scan_line *l, enum reason why, const char *detail)
{
	if (l->why)
		return;
	l->why = why;
	l->detail = detail;
}

static void add_dir(struct scan_line *l, enum scan_path where, const char *path)
{
	if (!path || !*path || *path == '=' || !strcmp(path, "-") ||
	    !strncmp(path, "$SYSROOT", 8)) {
		refuse(l, REASON_SEARCH_DIRECTORY, path);
		return;
	}
	*VEC_ADD(l->dir, l->n_dir) = (struct scan_line_dir){ where, path };
}

/* X, X=1, X(a)=a */
static void add_define(struct scan_line *l, struct strv *to, const char *s)
{
	int name = (int)strcspn(s, "=");
	const char *is = s[name] ? s + name + 1 : "1";

	if (strpbrk(s, "\n\r")) {
		refuse(l, REASON_NEWLINE, NULL);
		return;
	}
	strv_addf(to, "#define %.*s %s", name, s, is);
}

static void set_std(struct scan_line *l, const char *std)
{
	if (!scan_std_mode(std, &l->mode))
		refuse(l, REASON_SOURCE_LANGUAGE, std);
}

/* clang takes headers, and their order, from other systems' compilers. */
static bool search_differs(const char *target)
{
	static const char *const names[] = { "windows", "win32", "msvc",
					     "uefi",    "apple", "darwin",
					     "macos",   "ios" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasestr(target, names[i]))
			return true;
	}
	return false;
}

/*
 * Words for the preprocessor: definitions, directories, dependency files.
 * The drivers put them behind their own -D and -U.
 */
static void take_wp(struct scan_line *l, const char *list)
{
	const char *rest = list;
	struct options_item item;

	while (options_list_next(&rest, &item)) {
		char *value;

		switch (options_list_wp(&item)) {
		case OPTIONS_WP_FILE:
		case OPTIONS_WP_TARGET:
			options_list_next(&rest, &item);
			break;
		case OPTIONS_WP_PHONY:
			break;
		case OPTIONS_WP_CPP:
			if (item.len < 3 || item.s[1] == 'I') {
				refuse(l, REASON_PREPROCESSOR, list);
				break;
			}
			value = xstrndup(item.s + 2, item.len - 2);
			if (item.s[1] == 'D')
				add_define(l, &l->wp_define, value);
			else
				strv_addf(&l->wp_define, "#undef %s", value);
			free(value);
			break;
		case OPTIONS_WP_OTHER:
			refuse(l, REASON_PREPROCESSOR, list);
		}
	}
}

/* The assembler's options whose value is another word. */
static bool wa_has_value(const struct options_item *item)
{
	return options_item_is(item, "--defsym") ||
	       options_item_is(item, "-defsym") || options_item_is(item, "-G");
}

/* Words for the assembler: -I, and files that it reads first. */
static void take_wa(struct scan_line *l, const char *list)
{
	const char *rest = list;
	struct options_item item;

	while (options_list_next(&rest, &item)) {
		if (!item.len)
			continue;
		if (*item.s == '@' || options_item_is(&item, "-o") ||
		    options_item_is(&item, "-I") ||
		    options_item_is(&item, "--MD"))
			refuse(l, REASON_ASSEMBLER, list);
		else if (*item.s != '-')
			strv_own(&l->assembler, xstrndup(item.s, item.len));
		else if (item.len > 2 && item.s[1] == 'I')
			strv_own(&l->asm_dirs,
				 xstrndup(item.s + 2, item.len - 2));
		else if (wa_has_value(&item))
			options_list_next(&rest, &item);
	}
}

static void take_lang(struct scan_line *l, const char *lang)
{
	if (l->source)
		refuse(l, REASON_LATE_LANGUAGE, lang);
	l->assembly = !strcmp(lang, "assembler-with-cpp");
	if (!l->assembly && strcmp(lang, "c"))
		refuse(l, REASON_SOURCE_LANGUAGE, lang);
}

static void keep_flag(struct scan_line *l, const struct options_word *w)
{
	strv_add(&l->flags, w->text);
	if (w->apart)
		strv_add(&l->flags, w->value);
}

static void take_path(struct scan_line *l, const struct options_word *w)
{
	l->flags_local |= *w->value != '/';
	keep_flag(l, w);
}

static void take_seed(struct scan_line *l, const struct options_word *w)
{
	if (!strncmp(w->value, "-file=", 6))
		strv_add(&l->input, w->value + 6);
}

/* The options that say which language, and how it is read. */
static void take_dialect(struct scan_line *l, const struct options_word *w)
{
	switch ((enum options_scan)w->entry->scan) {
	case OPTIONS_SCAN_LANG:
		take_lang(l, w->value);
		return;
	case OPTIONS_SCAN_STD:
		set_std(l, w->value);
		l->std = true;
		break;
	case OPTIONS_SCAN_ANSI:
		set_std(l, "c90");
		l->ansi = true;
		break;
	case OPTIONS_SCAN_TRIGRAPHS:
		l->trigraphs = true;
		return;
	default:
		l->freestanding = w->entry->scan == OPTIONS_SCAN_FREESTANDING;
	}
	keep_flag(l, w);
}

/* The options that name directories, files and definitions. */
static void take_option(struct scan_line *l, const struct options_word *w)
{
	const struct options_entry *e = w->entry;

	switch ((enum options_scan)e->scan) {
	case OPTIONS_SCAN_REFUSE:
		refuse(l, e->why ? e->why : REASON_OPTION, w->text);
		break;
	case OPTIONS_SCAN_ASK:
		keep_flag(l, w);
		break;
	case OPTIONS_SCAN_ASK_PATH:
		take_path(l, w);
		break;
	case OPTIONS_SCAN_UNASKED:
	case OPTIONS_SCAN_DROP:
		break;
	case OPTIONS_SCAN_DEBUG:
		scan_debug_take(&l->debug, w);
		break;
	case OPTIONS_SCAN_TARGET:
		if (search_differs(w->value))
			refuse(l, REASON_TARGET, w->value);
		keep_flag(l, w);
		break;
	case OPTIONS_SCAN_DEFINE:
		add_define(l, &l->define, w->value);
		break;
	case OPTIONS_SCAN_UNDEFINE:
		strv_addf(&l->define, "#undef %s", w->value);
		break;
	case OPTIONS_SCAN_DIR_QUOTE ... OPTIONS_SCAN_DIR_AFTER:
		add_dir(l, e->scan - OPTIONS_SCAN_DIR_QUOTE, w->value);
		break;
	case OPTIONS_SCAN_INCLUDE:
		strv_add(&l->include, w->value);
		break;
	case OPTIONS_SCAN_IMACROS:
		strv_add(&l->imacros, w->value);
		break;
	case OPTIONS_SCAN_NOSTDINC:
		l->nostdinc = true;
		break;
	case OPTIONS_SCAN_NO_CANONICAL:
		l->no_canonical = true;
		break;
	case OPTIONS_SCAN_WP:
		take_wp(l, w->value);
		break;
	case OPTIONS_SCAN_WA:
		take_wa(l, w->value);
		break;
	case OPTIONS_SCAN_SEED:
		take_seed(l, w);
		break;
	case OPTIONS_SCAN_INPUT:
		strv_add(&l->input, w->value);
		break;
	default:
		take_dialect(l, w);
	}
}

static void take_source(struct scan_line *l, const char *source, bool lang)
{
	const char *dot = strrchr(str_base(source), '.');

	if (l->source || !strcmp(source, "-")) {
		refuse(l, REASON_NOT_ONE_SOURCE, source);
		return;
	}
	l->source = source;
	if (lang)
		return;
	if (dot && !strcmp(dot, ".s"))
		l->plain = true;
	else if (dot && (!strcmp(dot, ".S") || !strcmp(dot, ".sx")))
		l->assembly = true;
	else if (!dot || strcmp(dot, ".c"))
		refuse(l, REASON_SOURCE_LANGUAGE, source);
}

static void check_environment(struct scan_line *l, char *const *env)
{
	static const char *const names[] = {
		"CPATH",         "C_INCLUDE_PATH",       "GCC_EXEC_PREFIX",
		"COMPILER_PATH", "CCC_OVERRIDE_OPTIONS", "SDKROOT",
	};

	for (size_t i = 0; env && i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = str_env(env, names[i]);

		if (value && *value)
			refuse(l, REASON_COMPILER_ENVIRONMENT, names[i]);
	}
}

/*
 * In assembler sources -ansi is no more than -trigraphs for gcc, which takes
 * a standard into account beside -ansi alone; clang does what it says.
 */
static void finish_mode(struct scan_line *l)
{
	if (l->trigraphs)
		l->mode |= SCAN_TRIGRAPHS;
	if (!l->assembly)
		return;
	if (l->ansi && l->std)
		refuse(l, REASON_SOURCE_LANGUAGE, "-ansi and -std");
	l->old_assembly = l->mode & SCAN_OLD;
	l->mode = SCAN_ASM | (l->mode & SCAN_TRIGRAPHS);
}

static void finish(struct scan_line *l)
{
	strv_add_all(&l->define, l->wp_define.v);
	scan_debug_flags(&l->debug, &l->flags);
	finish_mode(l);
	if (!l->source)
		refuse(l, REASON_NOT_ONE_SOURCE, NULL);
}

void scan_line_parse(struct scan_line *l, char *const *argv, char *const *env)
{
	struct options_word w;
	bool lang = false;
	size_t n;

	*l = (struct scan_line){ .mode = SCAN_RAW };
	check_environment(l, env);
	if (!argv[0]) {
		refuse(l, REASON_NO_COMMAND, NULL);
		return;
	}
	for (argv++; (n = options_word(&w, argv)); argv += n) {
		if (w.text[0] == '@' ||
		    (w.apart && w.value && w.value[0] == '@')) {
			refuse(l, REASON_AT_FILE, w.text);
		} else if (w.entry) {
			lang |= w.entry->use == OPTIONS_LANG;
			if (!w.value && w.entry->form != OPTIONS_ALONE) {
				refuse(l, REASON_NO_VALUE, w.text);
				break;
			}
			w.value = w.value ? w.value : "";
			take_option(l, &w);
		} else if (w.text[0] == '-' && w.text[1]) {
			refuse(l, REASON_UNKNOWN_OPTION, w.text);
		} else {
			take_source(l, w.text, lang);
		}
	}
	finish(l);
}

void scan_line_release(struct scan_line *l)
{
	free(l->dir);
	strv_release(&l->define);
	strv_release(&l->wp_define);
	scan_debug_release(&l->debug);
	strv_release(&l->imacros);
	strv_release(&l->include);
	strv_release(&l->flags);
	strv_release(&l->input);
	strv_release(&l->assembler);
	strv_release(&l->asm_dirs);
}
