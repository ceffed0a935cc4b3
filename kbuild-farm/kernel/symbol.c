/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/symbol.h"

#include "base/fs.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  (1u << 22)
#define DEPTH_MAX 32 /* of files that name one another */
#define TAB       8
#define TYPES     "bool boolean tristate int hex string"

/* A menu, an if or a choice that is open. */
struct level {
	char *depends, *prompt_if; /* with those around it; may be NULL */
	size_t choice;
};

struct kconfig_reader {
	struct kernel_symbols *out;
	struct nearest *near; /* of each symbol */
	const char *tree, *srcarch;
	char *file; /* being read */
	struct level *level;
	size_t n_levels;
	/* The block that the next lines belong to: an entry (`wanted` where it
	   is asked for), or the innermost level, or neither. */
	char *entry; /* its symbol, */
	char *depends; /* and what it depends on */
	struct kernel_symbol *wanted;
	bool in_level;
	bool selects; /* the entry does, one that is asked for */
	long help; /* indentation of a help text, 0: its first line, -1: none */
	unsigned depth;
};

/* ---- conditions ---- */

/* Both; either may be NULL. */
static char *both(const char *a, const char *b)
{
	if (!a || !b)
		return a || b ? xstrdup(a ? a : b) : NULL;
	return xasprintf("%s%s%s && %s%s%s", strstr(a, "||") ? "(" : "", a,
			 strstr(a, "||") ? ")" : "", strstr(b, "||") ? "(" : "",
			 b, strstr(b, "||") ? ")" : "");
}

static void add_condition(char **to, const char *more)
{
	char *all = both(*to, more);

	free(*to);
	*to = all;
}

static const struct level *innermost(const struct kconfig_reader *r)
{
	static const struct level none;

	return r->n_levels ? &r->level[r->n_levels - 1] : &none;
}

/* ---- blocks ---- */

/* What an entry depends on is known at its end, and holds for its selects. */
static void finish_selects(struct kconfig_reader *r)
{
	for (size_t i = 0; r->selects && i < r->out->n; i++) {
		struct kernel_symbol *s = &r->out->v[i];

		for (size_t j = s->n_selects; j-- > 0 && s->select[j].open;) {
			add_condition(&s->select[j].condition, r->depends);
			s->select[j].open = false;
		}
	}
	r->selects = false;
}

static void close_entry(struct kconfig_reader *r)
{
	finish_selects(r);
	free(r->entry);
	free(r->depends);
	r->entry = r->depends = NULL;
	r->wanted = NULL;
	r->in_level = false;
}

static void open_level(struct kconfig_reader *r, const char *condition,
		       bool choice)
{
	struct level outer = *innermost(r);
	struct level *l;

	close_entry(r);
	l = VEC_ADD(r->level, r->n_levels);
	*l = (struct level){
		.depends = both(outer.depends, condition),
		.prompt_if = outer.prompt_if ? xstrdup(outer.prompt_if) : NULL,
		.choice = outer.choice,
	};
	r->in_level = !condition;
	if (choice) {
		(void)VEC_ADD(r->out->choice, r->out->n_choices);
		l->choice = r->out->n_choices;
	}
}

static void close_level(struct kconfig_reader *r)
{
	struct level *l;

	close_entry(r);
	if (!r->n_levels)
		return;
	l = &r->level[--r->n_levels];
	free(l->depends);
	free(l->prompt_if);
}

static void open_entry(struct kconfig_reader *r, const char *name)
{
	const struct level *around = innermost(r);
	struct kernel_symbol_entry *e;

	close_entry(r);
	r->entry = xstrdup(name);
	r->depends = around->depends ? xstrdup(around->depends) : NULL;
	if (around->choice)
		strv_add(&r->out->choice[around->choice - 1], name);
	for (size_t i = 0; i < r->out->n; i++) {
		struct kernel_symbol *s = &r->out->v[i];

		nearest_try(&r->near[i], name);
		if (r->near[i].best == name) {
			free(s->like);
			s->like = xstrdup(name);
			r->near[i].best = s->like;
		}
		if (!strcmp(s->name, name))
			r->wanted = s;
	}
	if (!r->wanted)
		return;
	e = VEC_ADD(r->wanted->entry, r->wanted->n_entries);
	*e = (struct kernel_symbol_entry){
		.file = xstrdup(r->file),
		.depends = around->depends ? xstrdup(around->depends) : NULL,
		.choice = around->choice,
	};
}

static void set_type(struct kconfig_reader *r, const char *word)
{
	static const struct {
		const char *words;
		enum kernel_symbol_type type;
	} types[] = {
		{ "bool boolean def_bool", KERNEL_SYMBOL_BOOL },
		{ "tristate def_tristate", KERNEL_SYMBOL_TRISTATE },
		{ "int", KERNEL_SYMBOL_INT },
		{ "hex", KERNEL_SYMBOL_HEX },
		{ "string", KERNEL_SYMBOL_STRING },
	};

	for (size_t i = 0; r->wanted && i < sizeof(types) / sizeof(*types);
	     i++) {
		if (str_list_has(types[i].words, ' ', word))
			r->wanted->type = types[i].type;
	}
}

static void add_depends(struct kconfig_reader *r, const char *condition)
{
	struct kernel_symbol *s = r->wanted;

	if (r->entry)
		add_condition(&r->depends, condition);
	if (s)
		add_condition(&s->entry[s->n_entries - 1].depends, condition);
	else if (r->in_level && r->n_levels)
		add_condition(&r->level[r->n_levels - 1].depends, condition);
}

/* `"text" if CONDITION`, or nothing of it. */
static void add_prompt(struct kconfig_reader *r, const char *text)
{
	char quote = text[0];
	const char *end = quote == '"' || quote == '\'' ?
				  strchr(text + 1, quote) :
				  NULL;
	const char *condition = NULL;
	struct kernel_symbol_entry *e;

	if (!end)
		return;
	end += 1 + strspn(end + 1, " \t");
	if (str_starts(end, "if ") || str_starts(end, "if("))
		condition = end + 2 + strspn(end + 2, " \t");
	/* Of a choice it is that of all in it. */
	if (r->in_level && r->n_levels && condition)
		add_condition(&r->level[r->n_levels - 1].prompt_if, condition);
	if (!r->wanted)
		return;
	e = &r->wanted->entry[r->wanted->n_entries - 1];
	e->prompt = true;
	add_condition(&e->prompt_if, innermost(r)->prompt_if);
	add_condition(&e->prompt_if, condition);
}

/* "NAME if CONDITION" */
static void add_select(struct kconfig_reader *r, const char *text, bool implies)
{
	size_t n = strcspn(text, " \t");
	const char *rest = text + n + strspn(text + n, " \t");

	for (size_t i = 0; r->entry && i < r->out->n; i++) {
		struct kernel_symbol *s = &r->out->v[i];
		struct kernel_symbol_select *by;

		if (strlen(s->name) != n || memcmp(s->name, text, n) != 0)
			continue;
		by = VEC_ADD(s->select, s->n_selects);
		by->by = xstrdup(r->entry);
		by->implies = implies;
		by->open = r->selects = true;
		if (str_starts(rest, "if "))
			by->condition = xstrdup(rest + 3);
	}
}

/* ---- files ---- */

static int read_kconfig_file(struct kconfig_reader *r, const char *name);

/* "arch/$(SRCARCH)/Kconfig" in quotes */
static void read_sourced(struct kconfig_reader *r, const char *text)
{
	static const char *const names[] = { "$(SRCARCH)", "$SRCARCH",
					     "$(HEADER_ARCH)" };
	char *path = xstrndup(text + (*text == '"'),
			      strcspn(text + (*text == '"'), "\""));
	char *outer = r->file;

	close_entry(r);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *at = strstr(path, names[i]), *with;

		if (!at)
			continue;
		with = xasprintf("%.*s%s%s", (int)(at - path), path, r->srcarch,
				 at + strlen(names[i]));
		free(path);
		path = with;
	}
	if (r->depth < DEPTH_MAX)
		read_kconfig_file(r, path);
	r->file = outer;
	free(path);
}

/* "bool", `bool "Prompt" if CONDITION`, `prompt "Prompt"`, "def_bool y" */
static void read_type(struct kconfig_reader *r, const char *word,
		      const char *rest)
{
	set_type(r, word);
	if (!str_starts(word, "def_"))
		add_prompt(r, rest);
}

static void read_statement(struct kconfig_reader *r, const char *word,
			   const char *rest)
{
	if (str_list_has("config menuconfig", ' ', word))
		open_entry(r, rest);
	else if (str_list_has("choice menu", ' ', word))
		open_level(r, NULL, word[0] == 'c');
	else if (!strcmp(word, "if"))
		open_level(r, rest, false);
	else if (str_list_has("endchoice endmenu endif", ' ', word))
		close_level(r);
	else if (str_list_has("source osource", ' ', word))
		read_sourced(r, rest);
	else if (!strcmp(word, "comment"))
		close_entry(r);
	else if (!strcmp(word, "depends") && str_starts(rest, "on "))
		add_depends(r, rest + 3 + strspn(rest + 3, " \t"));
	else if (!strcmp(word, "visible") && r->in_level && r->n_levels &&
		 str_starts(rest, "if "))
		add_condition(&r->level[r->n_levels - 1].prompt_if, rest + 3);
	else if (str_list_has("select imply", ' ', word))
		add_select(r, rest, word[0] == 'i');
	else if (!strcmp(word, "range") && r->wanted)
		strv_add(&r->wanted->entry[r->wanted->n_entries - 1].range,
			 rest);
	else if (str_list_has(TYPES " prompt def_bool def_tristate", ' ', word))
		read_type(r, word, rest);
	else if (str_list_has("help ---help---", ' ', word))
		r->help = 0;
}

static long indentation(const char **line)
{
	long n = 0;

	for (; **line == ' ' || **line == '\t'; ++*line)
		n = **line == '\t' ? (n / TAB + 1) * TAB : n + 1;
	return n;
}

/* Is the line part of a help text?  One with less indentation ends it. */
static bool is_help(struct kconfig_reader *r, long indent, const char *line)
{
	if (r->help < 0)
		return false;
	if (!*line)
		return true;
	if (!r->help && indent) {
		r->help = indent;
		return true;
	}
	if (r->help && indent >= r->help)
		return true;
	r->help = -1;
	return false;
}

static void read_kconfig_line(struct kconfig_reader *r, char *text)
{
	const char *line = text;
	long indent = indentation(&line);
	size_t n = strlen(line);
	char *word;

	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	text[(size_t)(line - text) + n] = '\0';
	if (is_help(r, indent, line) || !*line || *line == '#')
		return;
	n = strcspn(line, " \t");
	word = xstrndup(line, n);
	read_statement(r, word, line + n + strspn(line + n, " \t"));
	free(word);
}

/* Lines that end in a backslash go on. */
static char *whole_line(const char **at)
{
	struct buf line = { 0 };

	for (;;) {
		size_t n = strcspn(*at, "\n");
		bool more = n && (*at)[n - 1] == '\\' && (*at)[n];

		buf_add(&line, *at, more ? n - 1 : n);
		*at += n + ((*at)[n] == '\n');
		if (!more)
			break;
	}
	buf_add(&line, "", 0);
	return buf_steal(&line);
}

static int read_kconfig_file(struct kconfig_reader *r, const char *name)
{
	char *path = xasprintf("%s/%s", r->tree, name);
	struct buf text = { 0 };
	struct err ignored;
	int ret = fs_read(path, FILE_MAX, &text, &ignored);

	strv_add(&r->out->files, name);
	r->depth++;
	r->file = (char *)name;
	r->help = -1;
	for (const char *at = buf_str(&text); !ret && *at;) {
		char *line = whole_line(&at);

		read_kconfig_line(r, line);
		free(line);
	}
	r->help = -1;
	close_entry(r);
	r->depth--;
	buf_release(&text);
	free(path);
	return ret;
}

/* ---- other architectures ---- */

/* Does the file have "config NAME" or "menuconfig NAME"? */
static bool file_has_symbol(const char *path, const char *name)
{
	struct buf text = { 0 };
	struct err ignored;
	size_t n = strlen(name);
	bool found = false;

	fs_read(path, FILE_MAX, &text, &ignored);
	for (const char *at = buf_str(&text); !found && *at;) {
		const char *word = str_starts(at, "menu") ? at + 4 : at;

		if (str_starts(word, "config")) {
			word += 6 + strspn(word + 6, " \t");
			found = !strncmp(word, name, n) &&
				strchr(" \t\r\n", word[n]);
		}
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	buf_release(&text);
	return found;
}

static bool dir_has_symbol(const char *dir, const char *name, unsigned depth)
{
	struct strv names = { 0 };
	bool found = false;

	fs_list(dir, &names);
	for (size_t i = 0; !found && i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (str_starts(names.v[i], "Kconfig"))
			found = file_has_symbol(path, name);
		else if (depth && !strchr(names.v[i], '.') && fs_is_dir(path))
			found = dir_has_symbol(path, name, depth - 1);
		free(path);
	}
	strv_release(&names);
	return found;
}

/* Which other architectures have it: "arm, x86"; the caller frees it. */
static char *find_elsewhere(const char *tree, const char *srcarch,
			    const char *name)
{
	char *dir = xasprintf("%s/arch", tree), *out = NULL;
	struct strv archs = { 0 }, found = { 0 };

	fs_list(dir, &archs);
	for (size_t i = 0; i < archs.n; i++) {
		char *path = xasprintf("%s/%s", dir, archs.v[i]);

		/* Further down are boards: arch/powerpc/platforms/ps3. */
		if (strcmp(archs.v[i], srcarch) != 0 &&
		    dir_has_symbol(path, name, 2))
			strv_add(&found, archs.v[i]);
		free(path);
	}
	if (found.n)
		out = strv_join(&found, ", ");
	strv_release(&found);
	strv_release(&archs);
	free(dir);
	return out;
}

int kernel_symbols_read(struct kernel_symbols *out, const char *tree,
			const char *srcarch, const struct strv *names)
{
	struct kconfig_reader r = { .out = out,
				    .tree = tree,
				    .srcarch = srcarch };
	int ret;

	*out = (struct kernel_symbols){ .srcarch = srcarch, .n = names->n };
	out->v = xcalloc(names->n + 1, sizeof(*out->v));
	r.near = xcalloc(names->n + 1, sizeof(*r.near));
	for (size_t i = 0; i < names->n; i++) {
		out->v[i].name = xstrdup(names->v[i]);
		nearest_init(&r.near[i], out->v[i].name);
	}
	ret = read_kconfig_file(&r, "Kconfig");
	while (r.n_levels)
		close_level(&r);
	for (size_t i = 0; !ret && i < out->n; i++) {
		if (!out->v[i].n_entries)
			out->v[i].elsewhere = find_elsewhere(tree, srcarch,
							     out->v[i].name);
	}
	free(r.level);
	free(r.near);
	return ret ? -ENOENT : 0;
}

static void release_symbol(struct kernel_symbol *s)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		free(s->entry[i].file);
		free(s->entry[i].depends);
		free(s->entry[i].prompt_if);
		strv_release(&s->entry[i].range);
	}
	for (size_t i = 0; i < s->n_selects; i++) {
		free(s->select[i].by);
		free(s->select[i].condition);
	}
	free(s->entry);
	free(s->select);
	free(s->like);
	free(s->elsewhere);
	free(s->name);
}

void kernel_symbols_release(struct kernel_symbols *s)
{
	for (size_t i = 0; i < s->n; i++)
		release_symbol(&s->v[i]);
	for (size_t i = 0; i < s->n_choices; i++)
		strv_release(&s->choice[i]);
	strv_release(&s->files);
	free(s->choice);
	free(s->v);
	*s = (struct kernel_symbols){ 0 };
}
