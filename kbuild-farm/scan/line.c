/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/line.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define ISO (SCAN_STRICT | SCAN_TRIGRAPHS)

bool scan_line_std(const char *name, unsigned *mode)
{
	static const struct {
		const char *name;
		unsigned mode;
	} all[] = {
		{ "c11", ISO | SCAN_PREFIXES },
		{ "c17", ISO | SCAN_PREFIXES },
		{ "c18", ISO | SCAN_PREFIXES },
		{ "c1x", ISO | SCAN_PREFIXES },
		{ "c23", ISO | SCAN_PREFIXES | SCAN_SEPARATORS },
		{ "c2x", ISO | SCAN_PREFIXES | SCAN_SEPARATORS },
		{ "c2y", ISO | SCAN_PREFIXES | SCAN_SEPARATORS },
		{ "c89", ISO | SCAN_OLD },
		{ "c90", ISO | SCAN_OLD },
		{ "c99", ISO },
		{ "c9x", ISO },
		{ "gnu11", SCAN_RAW | SCAN_PREFIXES },
		{ "gnu17", SCAN_RAW | SCAN_PREFIXES },
		{ "gnu18", SCAN_RAW | SCAN_PREFIXES },
		{ "gnu1x", SCAN_RAW | SCAN_PREFIXES },
		{ "gnu23", SCAN_RAW | SCAN_PREFIXES | SCAN_SEPARATORS },
		{ "gnu2x", SCAN_RAW | SCAN_PREFIXES | SCAN_SEPARATORS },
		{ "gnu2y", SCAN_RAW | SCAN_PREFIXES | SCAN_SEPARATORS },
		{ "gnu89", 0 },
		{ "gnu90", 0 },
		{ "gnu99", SCAN_RAW },
		{ "gnu9x", SCAN_RAW },
		{ "iso9899:1990", ISO | SCAN_OLD },
		{ "iso9899:1999", ISO },
		{ "iso9899:199x", ISO },
		{ "iso9899:2011", ISO | SCAN_PREFIXES },
		{ "iso9899:2017", ISO | SCAN_PREFIXES },
		{ "iso9899:2018", ISO | SCAN_PREFIXES },
		{ "iso9899:2024", ISO | SCAN_PREFIXES | SCAN_SEPARATORS },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!strcmp(name, all[i].name)) {
			*mode = all[i].mode;
			return true;
		}
	}
	return false;
}

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
	if (!scan_line_std(std, &l->mode))
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
 * A word for the preprocessor: a definition, or about dependency files.  The
 * drivers put them behind their own -D and -U.
 */
static void take_wp(struct scan_line *l, const struct options_item *i)
{
	char *value;

	if (i->use == OPTIONS_USE_LOCAL ||
	    (i->use == OPTIONS_USE_CPP && i->text[1] == 'I')) {
		refuse(l, REASON_PREPROCESSOR, l->command->argv[i->at]);
	} else if (i->use == OPTIONS_USE_CPP) {
		value = xstrndup(i->text + 2, i->len - 2);
		if (i->text[1] == 'D')
			add_define(l, &l->wp_define, value);
		else
			strv_addf(&l->wp_define, "#undef %s", value);
		free(value);
	}
}

static bool word_is(const struct options_item *i, const char *s)
{
	return strlen(s) == i->len && !memcmp(s, i->text, i->len);
}

/* A word for the assembler: -I, or a file that it reads first. */
static void take_wa(struct scan_line *l, const struct options_item *i)
{
	if (!i->len)
		return;
	if (*i->text == '@' || word_is(i, "-o") || word_is(i, "-I") ||
	    word_is(i, "--MD"))
		refuse(l, REASON_ASSEMBLER, l->command->argv[i->at]);
	else if (*i->text != '-')
		strv_own(&l->assembler, xstrndup(i->text, i->len));
	else if (word_is(i, "--alternate"))
		l->alternate = true;
	else if (i->len > 2 && i->text[1] == 'I')
		strv_own(&l->asm_dirs, xstrndup(i->text + 2, i->len - 2));
}

static void line_lang(struct scan_line *l, const char *lang)
{
	if (l->source)
		refuse(l, REASON_LATE_LANGUAGE, lang);
	l->has_lang = true;
	l->plain = !strcmp(lang, "assembler");
	l->assembly = l->plain || !strcmp(lang, "assembler-with-cpp");
	if (!l->assembly && strcmp(lang, "c"))
		refuse(l, REASON_SOURCE_LANGUAGE, lang);
}

/* A level or a format, the last of which says whether there is any? */
static bool is_level(const char *value, bool *on)
{
	const char *level = str_starts(value, "gdb") ? value + 3 : value;

	*on = *level != '0';
	return !*level || (strchr("0123", *level) && !level[1]) ||
	       str_starts(value, "dwarf") || !strcmp(value, "line-tables-only");
}

/*
 * __GCC_HAVE_DWARF2_CFI_ASM is all that macros know of -g, so its many forms
 * are one question to the compiler; what is not among them is asked as it
 * stands.
 */
static void line_debug(struct scan_line *l, const struct options_item *i)
{
	bool on;

	strv_add(&l->debug, i->text);
	if (i->entry->use != OPTIONS_USE_DEBUG || !options_debug_ok(i->value))
		l->debug_others = true;
	else if (is_level(i->value, &on))
		l->debug_on = on;
}

static void keep_flag(struct scan_line *l, const struct options_item *i)
{
	strv_add(&l->flags, i->text);
	if (i->apart)
		strv_add(&l->flags, i->value);
}

static void take_path(struct scan_line *l, const struct options_item *i)
{
	l->flags_local |= *i->value != '/';
	keep_flag(l, i);
}

static void take_seed(struct scan_line *l, const struct options_item *i)
{
	if (!strncmp(i->value, "-file=", 6))
		strv_add(&l->input, i->value + 6);
}

/* The options that say which language, and how it is read. */
static void take_dialect(struct scan_line *l, const struct options_item *i)
{
	switch ((enum options_scan)i->entry->scan) {
	case OPTIONS_SCAN_LANG:
		line_lang(l, i->value);
		return;
	case OPTIONS_SCAN_STD:
		set_std(l, i->value);
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
		l->freestanding = i->entry->scan == OPTIONS_SCAN_FREESTANDING;
	}
	keep_flag(l, i);
}

/* The options that name directories, files and definitions. */
static void line_option(struct scan_line *l, const struct options_item *i)
{
	const struct options_entry *e = i->entry;

	switch ((enum options_scan)e->scan) {
	case OPTIONS_SCAN_REFUSE:
		refuse(l, e->why ? e->why : REASON_OPTION, i->text);
		break;
	case OPTIONS_SCAN_ASK:
		keep_flag(l, i);
		break;
	case OPTIONS_SCAN_ASK_PATH:
		take_path(l, i);
		break;
	case OPTIONS_SCAN_UNASKED:
	case OPTIONS_SCAN_DROP:
		break;
	case OPTIONS_SCAN_DEBUG:
		line_debug(l, i);
		break;
	case OPTIONS_SCAN_TARGET:
		if (search_differs(i->value))
			refuse(l, REASON_TARGET, i->value);
		keep_flag(l, i);
		break;
	case OPTIONS_SCAN_DEFINE:
		add_define(l, &l->define, i->value);
		break;
	case OPTIONS_SCAN_UNDEFINE:
		strv_addf(&l->define, "#undef %s", i->value);
		break;
	case OPTIONS_SCAN_DIR_QUOTE ... OPTIONS_SCAN_DIR_AFTER:
		add_dir(l, e->scan - OPTIONS_SCAN_DIR_QUOTE, i->value);
		break;
	case OPTIONS_SCAN_INCLUDE:
		strv_add(&l->include, i->value);
		break;
	case OPTIONS_SCAN_IMACROS:
		strv_add(&l->imacros, i->value);
		break;
	case OPTIONS_SCAN_NOSTDINC:
		l->nostdinc = true;
		break;
	case OPTIONS_SCAN_NO_CANONICAL:
		l->no_canonical = true;
		break;
	case OPTIONS_SCAN_WP:
		if (i->in_list)
			take_wp(l, i);
		break;
	case OPTIONS_SCAN_WA:
		if (i->in_list)
			take_wa(l, i);
		break;
	case OPTIONS_SCAN_SEED:
		take_seed(l, i);
		break;
	case OPTIONS_SCAN_INPUT:
		strv_add(&l->input, i->value);
		break;
	default:
		take_dialect(l, i);
	}
}

static void take_source(struct scan_line *l, const char *source)
{
	const char *dot = strrchr(str_base(source), '.');

	if (l->source || !strcmp(source, "-")) {
		refuse(l, REASON_NOT_ONE_SOURCE, source);
		return;
	}
	l->source = source;
	if (l->has_lang)
		return;
	if (dot && !strcmp(dot, ".s"))
		l->plain = l->assembly = true;
	else if (dot && (!strcmp(dot, ".S") || !strcmp(dot, ".sx")))
		l->assembly = true;
	else if (!dot || strcmp(dot, ".c"))
		refuse(l, REASON_SOURCE_LANGUAGE, source);
}

static void check_environment(struct scan_line *l, char *const *env)
{
	static const struct {
		const char *name;
		enum reason why;
	} unfollowed[] = {
		{ "CPATH", REASON_CPATH },
		{ "C_INCLUDE_PATH", REASON_CPATH },
		{ "GCC_EXEC_PREFIX", REASON_COMPILER_ENVIRONMENT },
		{ "COMPILER_PATH", REASON_COMPILER_ENVIRONMENT },
		{ "CCC_OVERRIDE_OPTIONS", REASON_COMPILER_ENVIRONMENT },
		{ "SDKROOT", REASON_COMPILER_ENVIRONMENT },
	};

	for (size_t i = 0;
	     env && i < sizeof(unfollowed) / sizeof(unfollowed[0]); i++) {
		const char *value = str_env(env, unfollowed[i].name);

		if (value && *value)
			refuse(l, unfollowed[i].why, unfollowed[i].name);
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

static void add_debug_flags(struct scan_line *l)
{
	if (l->debug_others)
		strv_add_all(&l->flags, l->debug.v);
	else if (l->debug_on)
		strv_add(&l->flags, "-g");
}

static void finish(struct scan_line *l)
{
	strv_add_all(&l->define, l->wp_define.v);
	add_debug_flags(l);
	finish_mode(l);
	if (!l->source)
		refuse(l, REASON_NOT_ONE_SOURCE, NULL);
}

/* False: nothing more can be told of the line. */
static bool line_item(struct scan_line *l, const struct options_item *i)
{
	struct options_item given = *i;

	if (options_item_is_file(i)) {
		refuse(l, REASON_AT_FILE, i->text);
	} else if (!i->entry && i->text[0] == '-' && i->text[1]) {
		refuse(l, REASON_UNKNOWN_OPTION, i->text);
	} else if (!i->entry) {
		take_source(l, i->text);
	} else if (i->entry->form != OPTIONS_ALONE && !i->value &&
		   !i->in_list) {
		refuse(l, REASON_NO_VALUE, i->text);
		return false;
	} else {
		given.value = i->value ? i->value : "";
		line_option(l, &given);
	}
	return true;
}

void scan_line_parse(struct scan_line *l, const struct options_command *c,
		     char *const *env)
{
	*l = (struct scan_line){ .command = c,
				 .mode = SCAN_RAW | SCAN_PREFIXES };
	check_environment(l, env);
	if (!c->argv[0]) {
		refuse(l, REASON_NO_COMMAND, NULL);
		return;
	}
	for (size_t i = 0; i < c->n && line_item(l, &c->item[i]); i++)
		;
	finish(l);
}

void scan_line_release(struct scan_line *l)
{
	free(l->dir);
	strv_release(&l->define);
	strv_release(&l->wp_define);
	strv_release(&l->debug);
	strv_release(&l->imacros);
	strv_release(&l->include);
	strv_release(&l->flags);
	strv_release(&l->input);
	strv_release(&l->assembler);
	strv_release(&l->asm_dirs);
}
