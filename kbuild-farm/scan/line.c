/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/line.h"

#include "options/list.h"
#include "options/table.h"
#include "scan/std.h"

#include <stdlib.h>
#include <string.h>

/* What to do about an option; others follow from their use in the table. */
enum act {
	ASK, /* the compiler's own answers may depend on it */
	ASK_PATH, /* the same, and its value is a path */
	DROP,
	REFUSE,
	DEBUG,
	TARGET,
	DEFINE,
	UNDEFINE,
	DIR,
	INCLUDE,
	IMACROS,
	NOSTDINC,
	NO_CANONICAL,
	LANG,
	STD,
	ANSI,
	TRIGRAPHS,
	FREESTANDING,
	HOSTED,
	WP,
	WA,
	SEED,
	INPUT,
};

struct rule {
	const char *name;
	enum act act;
	enum scan_path where;
};

/* Sorted by name. */
static const struct rule rules[] = {
	{ "--ansi", ANSI, 0 },
	{ "--coverage", DROP, 0 },
	{ "--no-sysroot-suffix", ASK, 0 },
	{ "--pipe", DROP, 0 },
	{ "--prefix", ASK_PATH, 0 },
	{ "--prefix=", ASK_PATH, 0 },
	{ "--std", STD, 0 },
	{ "--std=", STD, 0 },
	{ "--sysroot", ASK_PATH, 0 },
	{ "--sysroot=", ASK_PATH, 0 },
	{ "--target", TARGET, 0 },
	{ "--target=", TARGET, 0 },
	{ "--trigraphs", TRIGRAPHS, 0 },
	{ "-B", ASK_PATH, 0 },
	{ "-C", DROP, 0 },
	{ "-CC", DROP, 0 },
	{ "-D", DEFINE, 0 },
	{ "-I", DIR, SCAN_PATH_BRACKET },
	{ "-I-", REFUSE, 0 },
	{ "-MG", REFUSE, 0 },
	{ "-ObjC", REFUSE, 0 },
	{ "-ObjC++", REFUSE, 0 },
	{ "-P", DROP, 0 },
	{ "-U", UNDEFINE, 0 },
	{ "-W", DROP, 0 },
	{ "-Wa,", WA, 0 },
	{ "-Wp,", WP, 0 },
	{ "-Xassembler", WA, 0 },
	{ "-Xclang", REFUSE, 0 },
	{ "-ansi", ANSI, 0 },
	{ "-coverage", DROP, 0 },
	{ "-fcanonical-system-headers", DROP, 0 },
	{ "-fcxx-modules", REFUSE, 0 },
	{ "-fdebug-prefix-map=", DROP, 0 },
	{ "-fdiagnostics-color", DROP, 0 },
	{ "-fdiagnostics-color=", DROP, 0 },
	{ "-fdigraphs", REFUSE, 0 },
	{ "-fdollars-in-identifiers", REFUSE, 0 },
	{ "-ffile-prefix-map=", DROP, 0 },
	{ "-ffreestanding", FREESTANDING, 0 },
	{ "-fhosted", HOSTED, 0 },
	{ "-fimplicit-module-maps", REFUSE, 0 },
	{ "-fmacro-prefix-map=", DROP, 0 },
	{ "-fms-compatibility", REFUSE, 0 },
	{ "-fms-compatibility-version=", REFUSE, 0 },
	{ "-fmsc-version=", REFUSE, 0 },
	{ "-fno-canonical-system-headers", NO_CANONICAL, 0 },
	{ "-fno-digraphs", REFUSE, 0 },
	{ "-fno-dollars-in-identifiers", REFUSE, 0 },
	{ "-fno-extended-identifiers", REFUSE, 0 },
	{ "-fno-freestanding", HOSTED, 0 },
	{ "-fno-hosted", FREESTANDING, 0 },
	{ "-fno-working-directory", DROP, 0 },
	{ "-fprofile-arcs", DROP, 0 },
	{ "-fprofile-sample-use=", INPUT, 0 },
	{ "-frandomize-layout-seed", SEED, 0 },
	{ "-fsanitize-blacklist=", INPUT, 0 },
	{ "-fsanitize-ignorelist=", INPUT, 0 },
	{ "-fsave-optimization-record", DEBUG, 0 },
	{ "-ftest-coverage", DROP, 0 },
	{ "-ftrigraphs", TRIGRAPHS, 0 },
	{ "-fworking-directory", DROP, 0 },
	{ "-gsplit-dwarf", DEBUG, 0 },
	{ "-gtoggle", DEBUG, 0 },
	{ "-ibuiltininc", REFUSE, 0 },
	{ "-idirafter", DIR, SCAN_PATH_AFTER },
	{ "-iframework", REFUSE, 0 },
	{ "-iframeworkwithsysroot", REFUSE, 0 },
	{ "-imacros", IMACROS, 0 },
	{ "-include", INCLUDE, 0 },
	{ "-index-header-map", REFUSE, 0 },
	{ "-iquote", DIR, SCAN_PATH_QUOTE },
	{ "-isysroot", ASK_PATH, 0 },
	{ "-isystem", DIR, SCAN_PATH_SYSTEM },
	{ "-isystem-after", REFUSE, 0 },
	{ "-ivfsoverlay", REFUSE, 0 },
	{ "-iwithsysroot", REFUSE, 0 },
	{ "-nostdinc", NOSTDINC, 0 },
	{ "-nostdinc++", DROP, 0 },
	{ "-pedantic", DROP, 0 },
	{ "-pedantic-errors", DROP, 0 },
	{ "-pipe", DROP, 0 },
	{ "-posix", ASK, 0 },
	{ "-pthread", ASK, 0 },
	{ "-std=", STD, 0 },
	{ "-trigraphs", TRIGRAPHS, 0 },
	{ "-undef", ASK, 0 },
	{ "-v", DROP, 0 },
	{ "-w", DROP, 0 },
	{ "-working-directory", REFUSE, 0 },
	{ "-x", LANG, 0 },
};

/* No macro and no operator knows of these (check_scan_line.c).  Sorted. */
static const char *const harmless[] = {
	"-Qn",
	"-fallow-store-data-races",
	"-fcode-hoisting",
	"-fcommon",
	"-fconserve-stack",
	"-fdata-sections",
	"-fdelete-null-pointer-checks",
	"-femit-struct-debug-detailed=",
	"-ffunction-sections",
	"-fgcse",
	"-fjump-tables",
	"-fno-allow-store-data-races",
	"-fno-code-hoisting",
	"-fno-common",
	"-fno-conserve-stack",
	"-fno-data-sections",
	"-fno-delete-null-pointer-checks",
	"-fno-function-sections",
	"-fno-gcse",
	"-fno-jump-tables",
	"-fno-omit-frame-pointer",
	"-fno-optimize-sibling-calls",
	"-fno-stack-clash-protection",
	"-fno-strict-aliasing",
	"-fomit-frame-pointer",
	"-foptimize-sibling-calls",
	"-fpatchable-function-entry=",
	"-fstack-clash-protection",
	"-fstrict-aliasing",
	"-ftrivial-auto-var-init=",
	"-fuse-linker-plugin",
};

/* Options that keep a compile local, and what that means here. */
static const struct {
	const char *why;
	enum act act;
} reasons[] = {
	{ "clang option", ASK },
	{ "tuned for this machine (native)", ASK },
	{ "compiler search path", ASK },
	{ "LTO (records the directory)", ASK },
	{ "compiler dumps", DROP },
	{ "compiler reports", DROP },
	{ "-save-temps", DROP },
	{ "link option", DROP },
	{ "recorded switches", DROP },
	{ "LTO cache", DROP },
};

static void refuse(struct scan_line *l, const char *why, const char *detail)
{
	if (l->why)
		return;
	l->why = why;
	l->detail = detail;
}

static int compare_rule(const void *name, const void *rule)
{
	return strcmp(name, ((const struct rule *)rule)->name);
}

static int compare_name(const void *name, const void *word)
{
	return strcmp(name, *(const char *const *)word);
}

static const struct rule *rule_of(const struct options_entry *e)
{
	static const struct rule drop = { "", DROP, 0 };

	if (bsearch(e->name, harmless, sizeof(harmless) / sizeof(harmless[0]),
		    sizeof(harmless[0]), compare_name))
		return &drop;
	return bsearch(e->name, rules, sizeof(rules) / sizeof(rules[0]),
		       sizeof(rules[0]), compare_rule);
}

const char *scan_line_harmless(size_t i)
{
	return i < sizeof(harmless) / sizeof(harmless[0]) ? harmless[i] : NULL;
}

static enum act act_of(const struct options_entry *e)
{
	switch ((enum options_use)e->use) {
	case OPTIONS_MODE:
	case OPTIONS_OUTPUT:
	case OPTIONS_DEPS:
	case OPTIONS_LINK:
		return DROP;
	case OPTIONS_DEBUG:
		return DEBUG;
	case OPTIONS_CODE:
		return ASK;
	case OPTIONS_LOCAL:
		for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]);
		     i++) {
			if (!strcmp(reasons[i].why, e->why))
				return reasons[i].act;
		}
		return REFUSE;
	case OPTIONS_LANG:
	case OPTIONS_CPP:
	case OPTIONS_LIST:
	case OPTIONS_QUERY:
		break;
	}
	return REFUSE;
}

static void add_dir(struct scan_line *l, enum scan_path where, const char *path)
{
	if (!path || !*path || *path == '=' || !strcmp(path, "-") ||
	    !strncmp(path, "$SYSROOT", 8)) {
		refuse(l, "odd search directory", path);
		return;
	}
	l->dir = xrealloc(l->dir, (l->n_dir + 1) * sizeof(*l->dir));
	l->dir[l->n_dir++] = (struct scan_line_dir){ where, path };
}

/* X, X=1, X(a)=a */
static void add_define(struct scan_line *l, struct strv *to, const char *s)
{
	int name = (int)strcspn(s, "=");
	const char *is = s[name] ? s + name + 1 : "1";

	if (strpbrk(s, "\n\r")) {
		refuse(l, "newline in a definition", NULL);
		return;
	}
	strv_addf(to, "#define %.*s %s", name, s, is);
}

static void set_std(struct scan_line *l, const char *std)
{
	if (!scan_std_mode(std, &l->mode))
		refuse(l, "language", std);
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
				refuse(l, "preprocessor option", list);
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
			refuse(l, "preprocessor option", list);
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
			refuse(l, "assembler option", list);
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
		refuse(l, "-x after the source", lang);
	l->assembly = !strcmp(lang, "assembler-with-cpp");
	if (!l->assembly && strcmp(lang, "c"))
		refuse(l, "language", lang);
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
static void take_dialect(struct scan_line *l, const struct options_word *w,
			 enum act act)
{
	switch (act) {
	case LANG:
		take_lang(l, w->value);
		return;
	case STD:
		set_std(l, w->value);
		l->std = true;
		break;
	case ANSI:
		set_std(l, "c90");
		l->ansi = true;
		break;
	case TRIGRAPHS:
		l->trigraphs = true;
		return;
	default:
		l->freestanding = act == FREESTANDING;
	}
	keep_flag(l, w);
}

/* The options that name directories, files and definitions. */
static void take_option(struct scan_line *l, const struct options_word *w,
			const struct rule *r)
{
	enum act act = r ? r->act : act_of(w->entry);

	switch (act) {
	case ASK:
		keep_flag(l, w);
		break;
	case ASK_PATH:
		take_path(l, w);
		break;
	case DROP:
		break;
	case DEBUG:
		scan_debug_take(&l->debug, w);
		break;
	case TARGET:
		if (search_differs(w->value))
			refuse(l, "target", w->value);
		keep_flag(l, w);
		break;
	case REFUSE:
		refuse(l, w->entry->why ? w->entry->why : "option", w->text);
		break;
	case DEFINE:
		add_define(l, &l->define, w->value);
		break;
	case UNDEFINE:
		strv_addf(&l->define, "#undef %s", w->value);
		break;
	case DIR:
		if (r)
			add_dir(l, r->where, w->value);
		break;
	case INCLUDE:
		strv_add(&l->include, w->value);
		break;
	case IMACROS:
		strv_add(&l->imacros, w->value);
		break;
	case NOSTDINC:
		l->nostdinc = true;
		break;
	case NO_CANONICAL:
		l->no_canonical = true;
		break;
	case WP:
		take_wp(l, w->value);
		break;
	case WA:
		take_wa(l, w->value);
		break;
	case SEED:
		take_seed(l, w);
		break;
	case INPUT:
		strv_add(&l->input, w->value);
		break;
	default:
		take_dialect(l, w, act);
	}
}

static void take_source(struct scan_line *l, const char *source, bool lang)
{
	const char *dot = strrchr(str_base(source), '.');

	if (l->source || !strcmp(source, "-")) {
		refuse(l, "not one source", source);
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
		refuse(l, "language", source);
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
			refuse(l, "environment of the compiler", names[i]);
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
		refuse(l, "language", "-ansi and -std");
	l->old_assembly = l->mode & SCAN_OLD;
	l->mode = SCAN_ASM | (l->mode & SCAN_TRIGRAPHS);
}

static void finish(struct scan_line *l)
{
	strv_add_all(&l->define, l->wp_define.v);
	scan_debug_flags(&l->debug, &l->flags);
	finish_mode(l);
	if (!l->source)
		refuse(l, "not one source", NULL);
}

void scan_line_parse(struct scan_line *l, char *const *argv, char *const *env)
{
	struct options_word w;
	bool lang = false;
	size_t n;

	*l = (struct scan_line){ .mode = SCAN_RAW };
	check_environment(l, env);
	if (!argv[0]) {
		refuse(l, "no command", NULL);
		return;
	}
	for (argv++; (n = options_word(&w, argv)); argv += n) {
		if (w.text[0] == '@' ||
		    (w.apart && w.value && w.value[0] == '@')) {
			refuse(l, "@file", w.text);
		} else if (w.entry) {
			lang |= w.entry->use == OPTIONS_LANG;
			if (!w.value && w.entry->form != OPTIONS_ALONE) {
				refuse(l, "option without its value", w.text);
				break;
			}
			w.value = w.value ? w.value : "";
			take_option(l, &w, rule_of(w.entry));
		} else if (w.text[0] == '-' && w.text[1]) {
			refuse(l, "unknown option", w.text);
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
