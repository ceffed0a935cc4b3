/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/cmdline.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define MODE_ISO (CPP_MODE_STRICT | CPP_MODE_TRIGRAPHS)

bool cpp_cmdline_std_mode(const char *name, unsigned *mode)
{
	static const struct {
		const char *name;
		unsigned mode;
	} all[] = {
		{ "c11", MODE_ISO | CPP_MODE_STRING_PREFIXES },
		{ "c17", MODE_ISO | CPP_MODE_STRING_PREFIXES },
		{ "c18", MODE_ISO | CPP_MODE_STRING_PREFIXES },
		{ "c1x", MODE_ISO | CPP_MODE_STRING_PREFIXES },
		{ "c23", MODE_ISO | CPP_MODE_STRING_PREFIXES |
				 CPP_MODE_DIGIT_SEPARATORS },
		{ "c2x", MODE_ISO | CPP_MODE_STRING_PREFIXES |
				 CPP_MODE_DIGIT_SEPARATORS },
		{ "c2y", MODE_ISO | CPP_MODE_STRING_PREFIXES |
				 CPP_MODE_DIGIT_SEPARATORS },
		{ "c89", MODE_ISO | CPP_MODE_C90 },
		{ "c90", MODE_ISO | CPP_MODE_C90 },
		{ "c99", MODE_ISO },
		{ "c9x", MODE_ISO },
		{ "gnu11", CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES },
		{ "gnu17", CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES },
		{ "gnu18", CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES },
		{ "gnu1x", CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES },
		{ "gnu23", CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES |
				   CPP_MODE_DIGIT_SEPARATORS },
		{ "gnu2x", CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES |
				   CPP_MODE_DIGIT_SEPARATORS },
		{ "gnu2y", CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES |
				   CPP_MODE_DIGIT_SEPARATORS },
		{ "gnu89", 0 },
		{ "gnu90", 0 },
		{ "gnu99", CPP_MODE_RAW_STRINGS },
		{ "gnu9x", CPP_MODE_RAW_STRINGS },
		{ "iso9899:1990", MODE_ISO | CPP_MODE_C90 },
		{ "iso9899:1999", MODE_ISO },
		{ "iso9899:199x", MODE_ISO },
		{ "iso9899:2011", MODE_ISO | CPP_MODE_STRING_PREFIXES },
		{ "iso9899:2017", MODE_ISO | CPP_MODE_STRING_PREFIXES },
		{ "iso9899:2018", MODE_ISO | CPP_MODE_STRING_PREFIXES },
		{ "iso9899:2024", MODE_ISO | CPP_MODE_STRING_PREFIXES |
					  CPP_MODE_DIGIT_SEPARATORS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (!strcmp(name, all[i].name)) {
			*mode = all[i].mode;
			return true;
		}
	}
	return false;
}

static void set_not_scannable(struct cpp_cmdline *l, enum reason why,
			      const char *detail)
{
	if (l->reason)
		return;
	l->reason = why;
	l->detail = detail;
}

static void add_dir(struct cpp_cmdline *l, enum cpp_dir_kind where,
		    const char *path)
{
	if (!path || !*path || *path == '=' || !strcmp(path, "-") ||
	    !strncmp(path, "$SYSROOT", 8)) {
		set_not_scannable(l, REASON_SEARCH_DIRECTORY, path);
		return;
	}
	*VEC_ADD(l->dirs, l->n_dirs) = (struct cpp_cmdline_dir){ where, path };
}

/* Add the definition of -DX, -DX=1 or -DX(a)=a to `to`. */
static void add_define(struct cpp_cmdline *l, struct strv *to, const char *s)
{
	int name = (int)strcspn(s, "=");
	const char *is = s[name] ? s + name + 1 : "1";

	if (strpbrk(s, "\n\r")) {
		set_not_scannable(l, REASON_NEWLINE, NULL);
		return;
	}
	strv_addf(to, "#define %.*s %s", name, s, is);
}

static void set_std(struct cpp_cmdline *l, const char *std)
{
	if (!cpp_cmdline_std_mode(std, &l->mode))
		set_not_scannable(l, REASON_SOURCE_LANGUAGE, std);
}

/*
 * Return true if clang can search headers for `target` in an order other than
 * gcc's, such as that of MSVC.
 */
static bool has_foreign_search_order(const char *target)
{
	static const char *const names[] = { "windows", "win32", "msvc",
					     "uefi",    "apple", "darwin",
					     "macos",   "ios" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcasestr(target, names[i]))
			return true;
	}
	return false;
}

/*
 * Process one option in the list of -Wp.  wp_defines collects -Wp,-D and
 * -Wp,-U, because drivers pass them to the preprocessor after all plain -D and
 * -U.  Options for dependency files are ignored, because they do not affect the
 * closure.
 */
static void cmdline_wp_word(struct cpp_cmdline *l, const struct options_item *i)
{
	char *value;

	if (i->use == OPTIONS_USE_LOCAL ||
	    (i->use == OPTIONS_USE_CPP && i->text[1] == 'I')) {
		set_not_scannable(l, REASON_PREPROCESSOR,
				  l->command->argv[i->argv_index]);
	} else if (i->use == OPTIONS_USE_CPP) {
		value = xstrndup(i->text + 2, i->len - 2);
		if (i->text[1] == 'D')
			add_define(l, &l->wp_defines, value);
		else
			strv_addf(&l->wp_defines, "#undef %s", value);
		free(value);
	}
}

static bool item_equals(const struct options_item *i, const char *s)
{
	return strlen(s) == i->len && !memcmp(s, i->text, i->len);
}

/* Process one word in the list of -Wa: an option, or a file for gas to read. */
static void cmdline_wa_word(struct cpp_cmdline *l, const struct options_item *i)
{
	if (!i->len)
		return;
	if (*i->text == '@' || item_equals(i, "-o") || item_equals(i, "-I") ||
	    item_equals(i, "--MD"))
		set_not_scannable(l, REASON_ASSEMBLER,
				  l->command->argv[i->argv_index]);
	else if (*i->text != '-')
		strv_own(&l->asm_files, xstrndup(i->text, i->len));
	else if (item_equals(i, "--alternate"))
		l->alternate = true;
	else if (i->len > 2 && i->text[1] == 'I')
		strv_own(&l->asm_dirs, xstrndup(i->text + 2, i->len - 2));
}

static void cmdline_lang(struct cpp_cmdline *l, const char *lang)
{
	if (l->source)
		set_not_scannable(l, REASON_LATE_LANGUAGE, lang);
	l->has_lang = true;
	l->unpreprocessed = !strcmp(lang, "assembler");
	l->assembly = l->unpreprocessed || !strcmp(lang, "assembler-with-cpp");
	if (!l->assembly && strcmp(lang, "c"))
		set_not_scannable(l, REASON_SOURCE_LANGUAGE, lang);
}

/*
 * -g affects only one predefined macro: __GCC_HAVE_DWARF2_CFI_ASM.  The driver
 * query therefore replaces all -g options by a plain -g, or by no option if the
 * last -g option sets level 0.  If the value of a -g option is not a known
 * level or format, all -g options are passed to the driver query unchanged.
 */
static void cmdline_debug(struct cpp_cmdline *l, const struct options_item *i)
{
	const char *level = str_starts(i->value, "gdb") ? i->value + 3 :
							  i->value;

	strv_add(&l->debug, i->text);
	if (i->entry->use != OPTIONS_USE_DEBUG ||
	    !options_table_is_debug_allowed(i->value))
		l->debug_unknown = true;
	else if (!*level || (strchr("0123", *level) && !level[1]) ||
		 str_starts(i->value, "dwarf") ||
		 !strcmp(i->value, "line-tables-only"))
		l->debug_on = *level != '0';
	l->debug_macros |= *level == '3' || l->debug_unknown;
}

static void add_query_flag(struct cpp_cmdline *l, const struct options_item *i)
{
	strv_add(&l->query_flags, i->text);
	if (i->separate)
		strv_add(&l->query_flags, i->value);
}

static void cmdline_option(struct cpp_cmdline *l, const struct options_item *i)
{
	const struct options_entry *e = i->entry;

	switch ((enum options_scan)e->scan) {
	case OPTIONS_SCAN_REFUSE:
		set_not_scannable(l, e->reason ? e->reason : REASON_OPTION,
				  i->text);
		break;
	case OPTIONS_SCAN_ASK:
		add_query_flag(l, i);
		break;
	case OPTIONS_SCAN_ASK_PATH:
		l->has_relative_flags |= *i->value != '/';
		add_query_flag(l, i);
		break;
	case OPTIONS_SCAN_UNASKED:
	case OPTIONS_SCAN_DROP:
		break;
	case OPTIONS_SCAN_DEBUG:
		cmdline_debug(l, i);
		break;
	case OPTIONS_SCAN_TARGET:
		if (has_foreign_search_order(i->value))
			set_not_scannable(l, REASON_TARGET, i->value);
		add_query_flag(l, i);
		break;
	case OPTIONS_SCAN_DEFINE:
		add_define(l, &l->defines, i->value);
		break;
	case OPTIONS_SCAN_UNDEFINE:
		strv_addf(&l->defines, "#undef %s", i->value);
		break;
	case OPTIONS_SCAN_DIR_QUOTE ... OPTIONS_SCAN_DIR_AFTER:
		add_dir(l, e->scan - OPTIONS_SCAN_DIR_QUOTE, i->value);
		break;
	case OPTIONS_SCAN_INCLUDE:
		strv_add(&l->includes, i->value);
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
			cmdline_wp_word(l, i);
		break;
	case OPTIONS_SCAN_WA:
		if (i->in_list)
			cmdline_wa_word(l, i);
		break;
	case OPTIONS_SCAN_SEED:
		if (!strncmp(i->value, "-file=", 6))
			strv_add(&l->inputs, i->value + 6);
		break;
	case OPTIONS_SCAN_INPUT:
		strv_add(&l->inputs, i->value);
		break;
	case OPTIONS_SCAN_LANG:
		cmdline_lang(l, i->value);
		break;
	case OPTIONS_SCAN_STD:
		set_std(l, i->value);
		l->std = true;
		add_query_flag(l, i);
		break;
	case OPTIONS_SCAN_ANSI:
		set_std(l, "c90");
		l->ansi = true;
		add_query_flag(l, i);
		break;
	case OPTIONS_SCAN_TRIGRAPHS:
		l->trigraphs = true;
		break;
	case OPTIONS_SCAN_FREESTANDING:
	case OPTIONS_SCAN_HOSTED:
		l->freestanding = e->scan == OPTIONS_SCAN_FREESTANDING;
		add_query_flag(l, i);
	}
}

static void take_source(struct cpp_cmdline *l, const char *source)
{
	const char *dot = strrchr(str_base(source), '.');

	if (l->source || !strcmp(source, "-")) {
		set_not_scannable(l, REASON_NOT_ONE_SOURCE, source);
		return;
	}
	l->source = source;
	if (l->has_lang)
		return;
	if (dot && !strcmp(dot, ".s"))
		l->unpreprocessed = l->assembly = true;
	else if (dot && (!strcmp(dot, ".S") || !strcmp(dot, ".sx")))
		l->assembly = true;
	else if (!dot || strcmp(dot, ".c"))
		set_not_scannable(l, REASON_SOURCE_LANGUAGE, source);
}

static void check_environment(struct cpp_cmdline *l, char *const *env)
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

	for (size_t i = 0; env && i < ARRAY_SIZE(unfollowed); i++) {
		const char *value = str_find_env(env, unfollowed[i].name);

		if (value && *value)
			set_not_scannable(l, unfollowed[i].why,
					  unfollowed[i].name);
	}
}

void cpp_cmdline_parse(struct cpp_cmdline *l, const struct options_command *c,
		       char *const *env)
{
	*l = (struct cpp_cmdline){ .command = c,
				   .mode = CPP_MODE_RAW_STRINGS |
					   CPP_MODE_STRING_PREFIXES };
	check_environment(l, env);
	if (!c->argv[0]) {
		set_not_scannable(l, REASON_NO_COMMAND, NULL);
		return;
	}
	for (size_t i = 0; i < c->n_items; i++) {
		struct options_item item = c->items[i];

		if (options_item_is_response_file(&item)) {
			set_not_scannable(l, REASON_AT_FILE, item.text);
		} else if (!item.entry && item.text[0] == '-' && item.text[1]) {
			set_not_scannable(l, REASON_UNKNOWN_OPTION, item.text);
		} else if (!item.entry) {
			take_source(l, item.text);
		} else if (item.entry->form != OPTIONS_FORM_ALONE &&
			   !item.value && !item.in_list) {
			/* The rest of the line cannot be interpreted. */
			set_not_scannable(l, REASON_NO_VALUE, item.text);
			break;
		} else {
			item.value = item.value ? item.value : "";
			cmdline_option(l, &item);
		}
	}
	strv_add_all(&l->defines, l->wp_defines.v);
	if (l->debug_unknown)
		strv_add_all(&l->query_flags, l->debug.v);
	else if (l->debug_on)
		strv_add(&l->query_flags, "-g");
	if (l->trigraphs)
		l->mode |= CPP_MODE_TRIGRAPHS;
	if (l->assembly) {
		/*
		 * For assembler sources, gcc treats -ansi as -trigraphs.  gcc
		 * ignores -std unless -ansi is also given; this combination is
		 * not supported.  clang applies -ansi and -std.
		 */
		if (l->ansi && l->std)
			set_not_scannable(l, REASON_SOURCE_LANGUAGE,
					  "-ansi and -std");
		l->c90_assembly = l->mode & CPP_MODE_C90;
		l->mode = CPP_MODE_ASM | (l->mode & CPP_MODE_TRIGRAPHS);
	}
	if (!l->source)
		set_not_scannable(l, REASON_NOT_ONE_SOURCE, NULL);
}

void cpp_cmdline_release(struct cpp_cmdline *l)
{
	free(l->dirs);
	strv_release(&l->defines);
	strv_release(&l->wp_defines);
	strv_release(&l->debug);
	strv_release(&l->imacros);
	strv_release(&l->includes);
	strv_release(&l->query_flags);
	strv_release(&l->inputs);
	strv_release(&l->asm_files);
	strv_release(&l->asm_dirs);
}
