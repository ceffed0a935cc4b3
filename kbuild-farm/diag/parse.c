/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/parse.h"

#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- paths */

/* "/a/c" of "/a/./b/../c", in place. */
static void collapse_path(char *path)
{
	char *out = path;

	for (const char *at = path; *at;) {
		size_t n = 1 + strcspn(at + 1, "/");

		if (n == 3 && !memcmp(at, "/..", 3)) {
			while (out > path && *--out != '/')
				;
		} else if (n > 1 && !(n == 2 && at[1] == '.')) {
			memmove(out, at, n);
			out += n;
		}
		at += n;
	}
	*out = '\0';
}

/* The build directory may be in the tree, and the tree in it. */
static const char *below_roots(const struct diag_roots *r, const char *path)
{
	const char *in_dir = r->dir ? str_below(path, r->dir) : NULL;
	const char *in_tree = r->tree ? str_below(path, r->tree) : NULL;

	if (in_dir && in_tree)
		return strlen(in_dir) < strlen(in_tree) ? in_dir : in_tree;
	return in_dir ? in_dir : in_tree;
}

char *diag_parse_path(const struct diag_roots *roots, const char *name,
		      size_t len)
{
	char *given = xstrndup(name, len), *whole;
	const char *below;
	bool up = str_starts(given, "../") || strstr(given, "/../");

	while (str_starts(given, "./"))
		memmove(given, given + 2, strlen(given + 2) + 1);
	if (given[0] != '/' && (!up || !roots->dir))
		return given;
	whole = str_seen_from(roots->dir ? roots->dir : "", given);
	collapse_path(whole);
	below = below_roots(roots, whole);
	if (below && *below) {
		free(given);
		given = xstrdup(below);
	}
	free(whole);
	return given;
}

/* Does a name begin here, and not within another? */
static bool begins_name(const char *text, const char *at)
{
	return at == text ||
	       !(isalnum((unsigned char)at[-1]) || strchr("_-./", at[-1]));
}

/* Append `text` without "DIR/" in front of names in it. */
static void put_without_dir(struct buf *out, const char *text, const char *dir)
{
	const char *at = text;
	size_t len = strlen(dir);

	while (len > 1 && (at = strstr(at, dir)) != NULL) {
		if (at[len] != '/' || !begins_name(text, at)) {
			at += len;
			continue;
		}
		buf_add(out, text, (size_t)(at - text));
		text = at += len + 1;
	}
	buf_add_str(out, text);
}

/* Names below the roots are cut within a text as well. */
static char *shorten_names(const struct diag_roots *roots, const char *text)
{
	struct buf one = { 0 }, two = { 0 };

	put_without_dir(&one, text, roots->dir ? roots->dir : "");
	put_without_dir(&two, buf_str(&one), roots->tree ? roots->tree : "");
	buf_release(&one);
	return buf_steal(&two);
}

/* At most DIAG_TEXT_MAX bytes, and no part of a character. */
static void cut_text(char *text)
{
	size_t len = strnlen(text, DIAG_TEXT_MAX);

	while (text[len] && len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	text[len] = '\0';
}

/* -------------------------------------------------------------- programs */

static const struct {
	const char *name;
	enum diag_tool tool;
} programs[] = {
	{ "ld", DIAG_LINKER },        { "ld.bfd", DIAG_LINKER },
	{ "ld.lld", DIAG_LINKER },    { "ld.gold", DIAG_LINKER },
	{ "lld", DIAG_LINKER },       { "collect2", DIAG_LINKER },
	{ "as", DIAG_ASSEMBLER },     { "gcc", DIAG_COMPILER },
	{ "g++", DIAG_COMPILER },     { "cc1", DIAG_COMPILER },
	{ "cc1plus", DIAG_COMPILER }, { "lto1", DIAG_COMPILER },
	{ "clang", DIAG_COMPILER },   { "clang++", DIAG_COMPILER },
	{ "cc", DIAG_COMPILER },      { "cpp", DIAG_COMPILER },
	{ "dtc", DIAG_DTC },          { "modpost", DIAG_MODPOST },
	{ "make", DIAG_MAKE },        { "objcopy", DIAG_OTHER },
	{ "objdump", DIAG_OTHER },    { "strip", DIAG_OTHER },
	{ "nm", DIAG_OTHER },         { "ar", DIAG_OTHER },
	{ "ranlib", DIAG_OTHER },     { "readelf", DIAG_OTHER },
};

/* "/usr/bin/aarch64-linux-gnu-ld.bfd", "clang-14"; DIAG_TOOLS: no program. */
static enum diag_tool tool_of_program(const char *name, size_t len)
{
	const char *slash = memrchr(name, '/', len);
	const char *base = slash ? slash + 1 : name;
	size_t n = len - (size_t)(base - name), version = n;

	while (version && strchr("0123456789.", base[version - 1]))
		version--;
	if (version && version < n && base[version - 1] == '-')
		n = version - 1;
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		size_t size = strlen(programs[i].name);

		if (size <= n &&
		    !memcmp(base + n - size, programs[i].name, size) &&
		    (size == n || base[n - size - 1] == '-'))
			return programs[i].tool;
	}
	return DIAG_TOOLS;
}

/* ---------------------------------------------------------------- places */

/* Where it is, as the words in front of the severity say. */
struct place {
	const char *file;
	size_t len; /* of its name; 0: none */
	enum diag_tool program; /* in front of it; DIAG_TOOLS: none */
	unsigned line, column;
	bool dotted; /* "3.4-5.6", as dtc has it */
};

static unsigned number_at(const char *at, size_t len)
{
	uint64_t n = 0;

	for (; len && isdigit((unsigned char)*at) && n < UINT32_MAX;
	     at++, len--)
		n = n * 10 + (unsigned)(*at - '0');
	return n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
}

static bool all_of(const char *at, size_t len, const char *set)
{
	for (size_t i = 0; i < len; i++) {
		if (!strchr(set, at[i]))
			return false;
	}
	return len;
}

/* Take ":LINE", ":COLUMN", ":3.4-5.6" or ":(.text+0x5)" off the end. */
static bool cut_number(struct place *p, const char **last, size_t *last_len)
{
	const char *colon = memrchr(p->file, ':', p->len);
	size_t len = colon ? p->len - (size_t)(colon + 1 - p->file) : 0;

	if (!len || !(all_of(colon + 1, len, "0123456789.-") ||
		      (colon[1] == '(' && colon[len] == ')')))
		return false;
	*last = colon + 1;
	*last_len = len;
	p->len = (size_t)(colon - p->file);
	return true;
}

static void cut_numbers(struct place *p)
{
	const char *at, *second;
	size_t len, second_len;

	if (!cut_number(p, &at, &len))
		return;
	if (*at == '(')
		return;
	if (memchr(at, '.', len)) {
		const char *dot = memchr(at, '.', len);

		p->dotted = true;
		p->line = number_at(at, len);
		p->column = number_at(dot + 1, len - (size_t)(dot + 1 - at));
		return;
	}
	p->line = number_at(at, len);
	if (!cut_number(p, &second, &second_len) || *second == '(')
		return;
	p->column = p->line;
	p->line = number_at(second, second_len);
}

static struct place read_place(const char *text, size_t len)
{
	struct place p = { .file = text, .len = len, .program = DIAG_TOOLS };
	const char *gap = memmem(text, len, ": ", 2);
	size_t first = gap ? (size_t)(gap - text) : len;

	if (first)
		p.program = tool_of_program(text, first);
	if (p.program != DIAG_TOOLS) {
		p.file = text + first + (gap ? 2 : 0);
		p.len = len - (size_t)(p.file - text);
	}
	cut_numbers(&p);
	return p;
}

static bool file_ends(const struct place *p, const char *suffix)
{
	size_t n = strlen(suffix);

	return p->len >= n && !memcmp(p->file + p->len - n, suffix, n);
}

/* Does the last part of its name begin so? */
static bool base_starts(const struct place *p, const char *prefix)
{
	const char *slash = p->len ? memrchr(p->file, '/', p->len) : NULL;
	const char *base = slash ? slash + 1 : p->file;
	size_t n = strlen(prefix);

	return (size_t)(p->file + p->len - base) >= n &&
	       !memcmp(base, prefix, n);
}

/* What gcc hands its assembler, and so no name that anybody knows. */
static bool is_temporary_source(const struct place *p)
{
	return (file_ends(p, ".s") && p->file[0] == '/' &&
		(base_starts(p, "cc") || str_starts(p->file, "/tmp/"))) ||
	       (p->len == 16 && !memcmp(p->file, "{standard input}", 16));
}

/* ----------------------------------------------------------------- tools */

static const struct {
	const char *word;
	enum diag_tool tool;
} makers[] = {
	{ "MODPOST", DIAG_MODPOST }, { "LD", DIAG_LINKER },
	{ "HOSTLD", DIAG_LINKER },   { "LTO", DIAG_LINKER },
	{ "DTC", DIAG_DTC },         { "DTCO", DIAG_DTC },
	{ "OBJTOOL", DIAG_OBJTOOL }, { "CC", DIAG_COMPILER },
	{ "HOSTCC", DIAG_COMPILER }, { "AS", DIAG_COMPILER },
	{ "CPP", DIAG_COMPILER },    { "CHECK", DIAG_COMPILER },
};

static enum diag_tool tool_of_maker(const struct diag_maker *m)
{
	for (size_t i = 0; m->word && i < sizeof(makers) / sizeof(*makers);
	     i++) {
		if (!strcmp(makers[i].word, m->word))
			return makers[i].tool;
	}
	return DIAG_OTHER;
}

/* Those that their words tell. */
static enum diag_tool tool_of_text(const char *text)
{
	if (strstr(text, "ection mismatch in reference") ||
	    str_starts(text, "EXPORT symbol ") ||
	    (text[0] == '"' &&
	     (str_ends(text, "undefined!") || str_ends(text, "has no CRC!"))))
		return DIAG_MODPOST;
	if (str_starts(text, "unmet direct dependencies detected for ") ||
	    str_starts(text, "recursive dependency detected"))
		return DIAG_KCONFIG;
	return DIAG_TOOLS;
}

static enum diag_tool tool_of_file(const struct place *p, const char *flag)
{
	if (p->dotted)
		return DIAG_DTC;
	if (base_starts(p, "Kconfig") || base_starts(p, ".config") ||
	    file_ends(p, ".config") || file_ends(p, "defconfig"))
		return DIAG_KCONFIG;
	if (base_starts(p, "Makefile") || base_starts(p, "Kbuild") ||
	    file_ends(p, ".mk"))
		return DIAG_MAKE;
	if (base_starts(p, "<inline asm>") || base_starts(p, "<instantiation>"))
		return DIAG_ASSEMBLER;
	if (p->line && !p->column && !flag &&
	    (file_ends(p, ".c") || file_ends(p, ".h") || file_ends(p, ".rst")))
		return DIAG_KERNEL_DOC;
	if (p->line || file_ends(p, ".c") || file_ends(p, ".h"))
		return DIAG_COMPILER;
	if (file_ends(p, ".o") || file_ends(p, ".a"))
		return DIAG_LINKER;
	return DIAG_TOOLS;
}

static enum diag_tool choose_tool(const struct diag_line *at,
				  const struct place *p, const char *flag,
				  const char *text, const struct diag_maker *m)
{
	enum diag_tool tool = at->tool;

	if (tool == DIAG_TOOLS)
		tool = p->program;
	if (tool == DIAG_TOOLS)
		tool = tool_of_text(text);
	if (tool == DIAG_TOOLS && p->len)
		tool = tool_of_file(p, flag);
	return tool != DIAG_TOOLS ? tool : tool_of_maker(m);
}

/* ----------------------------------------------------------------- texts */

/* Cut " [-Wunused-variable]" off: "-Wunused-variable", or NULL. */
static char *cut_flag(char *text)
{
	size_t len = strlen(text);
	char *open = len && text[len - 1] == ']' ? strrchr(text, '[') : NULL;
	const char *name;

	if (!open || open == text || open[-1] != ' ' || open[1] != '-')
		return NULL;
	text[len - 1] = '\0';
	name = open + 1;
	/* gcc's "-Werror=unused", clang's "-Werror,-Wunused" */
	if (str_starts(name, "-Werror,-W"))
		name += strlen("-Werror,");
	open[-1] = '\0';
	return str_starts(name, "-Werror=") ?
		       xasprintf("-W%s", name + strlen("-Werror=")) :
		       xstrdup(name);
}

/* Cut "(reg_format): " off the front: "reg_format", or NULL. */
static char *take_check(char *text)
{
	size_t n = text[0] == '(' ? strcspn(text, ")") : 0;
	char *name;

	if (!n || text[n] != ')' || memchr(text, ' ', n))
		return NULL;
	name = xstrndup(text + 1, n - 1);
	n += 1 + strspn(text + n + 1, ": ");
	memmove(text, text + n, strlen(text + n) + 1);
	return name;
}

static void drop_front(char *text, size_t n)
{
	memmove(text, text + n, strlen(text + n) + 1);
}

/* "modpost: ", "objtool: " in front of the words. */
static bool cut_name(char *text, const char *name)
{
	if (!str_starts(text, name))
		return false;
	drop_front(text, strlen(name));
	return true;
}

/* A place at the front of the words, up to a blank: "a.dts:3.4-5 syntax". */
static void take_inner_place(struct place *p, const char *text, size_t *cut)
{
	size_t n = strcspn(text, " "), colon = n && text[n - 1] == ':';
	struct place inner = read_place(text, n - colon);

	if (!text[n] || !inner.line || inner.program != DIAG_TOOLS)
		return;
	*p = inner;
	*cut = n + 1;
}

/* modpost names the object within its words. */
static char *file_in_text(const char *text)
{
	const char *open = text[0] == '"' ? strstr(text, " [") : NULL;
	size_t n = strcspn(text, ":( ");

	if (open)
		return xstrndup(open + 2, strcspn(open + 2, "]"));
	if (n > 2 && (!strncmp(text + n - 2, ".o", 2) ||
		      (n > 3 && !strncmp(text + n - 3, ".ko", 3)) ||
		      (n == 7 && !strncmp(text, "vmlinux", 7))))
		return xstrndup(text, n);
	return NULL;
}

/* "[scripts/Makefile.build:250: a.o] Error 1": whose recipe, and where. */
static void parse_recipe(struct diag *out, const struct diag_roots *roots)
{
	char *end = strchr(out->text, ']');
	const char *gap = end ? memmem(out->text, (size_t)(end - out->text),
				       ": ", 2) :
				NULL;
	const char *target = gap ? gap + 2 : out->text + 1;
	struct place p;

	if (!end)
		return;
	free(out->object);
	out->object = diag_parse_path(roots, target, (size_t)(end - target));
	if (!gap)
		return;
	p = read_place(out->text + 1, (size_t)(gap - out->text) - 1);
	out->line = p.line;
	out->file = diag_parse_path(roots, p.file, p.len);
	/* Where the Makefile is changed, the line is another. */
	end = xasprintf("[%s", target);
	free(out->text);
	out->text = end;
}

/* Their words come whenever make runs, those of Kconfig when .config is made.
 */
static void correct_object(struct diag *out)
{
	if (out->tool != DIAG_MAKE && out->tool != DIAG_KCONFIG)
		return;
	free(out->object);
	out->object = out->tool == DIAG_KCONFIG ? xstrdup(DIAG_CONFIG) : NULL;
}

static void set_place(struct diag *out, const struct place *p,
		      const struct diag_roots *roots)
{
	out->line = p->line;
	out->column = p->column;
	if (is_temporary_source(p))
		out->file = xstrdup(out->object ? out->object :
						  "{standard input}");
	else if (p->len)
		out->file = diag_parse_path(
			roots, p->file,
			p->len < DIAG_TEXT_MAX ? p->len : DIAG_TEXT_MAX);
}

void diag_parse(struct diag *out, const char *line, const struct diag_line *at,
		const struct diag_roots *roots, const struct diag_maker *maker)
{
	struct place p = read_place(line, at->place);
	char *words = xstrndup(line + at->text, DIAG_TEXT_MAX + 4), *text;
	size_t cut = 0;

	*out = (struct diag){ 0 };
	out->severity = at->kind == DIAG_LINE_WARNING ? DIAG_WARNING :
							DIAG_ERROR;
	if (maker->object)
		out->object = xstrdup(maker->object);
	cut_text(words);
	text = words;
	if (!at->place && at->kind != DIAG_LINE_MAKE)
		take_inner_place(&p, text, &cut);
	text += cut;
	out->flag = at->tool == DIAG_DTC ? take_check(text) : cut_flag(text);
	if (cut_name(text, "objtool: "))
		out->tool = DIAG_OBJTOOL;
	else if (cut_name(text, "modpost: "))
		out->tool = DIAG_MODPOST;
	else
		out->tool = choose_tool(at, &p, out->flag, text, maker);
	correct_object(out);
	set_place(out, &p, roots);
	if (!out->file && out->tool == DIAG_MODPOST)
		out->file = file_in_text(text);
	out->text = shorten_names(roots, text);
	if (at->kind == DIAG_LINE_MAKE)
		parse_recipe(out, roots);
	free(words);
}
