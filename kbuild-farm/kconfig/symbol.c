/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kconfig/symbol.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  (1u << 22)
#define DEPTH_MAX 32 /* nested source statements */
#define TAB_WIDTH 8
/* Maximum number of unknown symbols for which a similar name is searched. */
#define SIMILAR_MAX   100
#define TYPE_KEYWORDS "bool boolean tristate int hex string"

/* An open "menu", "if" or "choice" block. */
struct level {
	/* conditions including those of the enclosing levels; may be NULL */
	char *depends, *prompt_condition;
	size_t choice_number; /* number of the enclosing choice, or 0 */
};

struct symbol_by_name {
	struct map_entry entry;
	struct kconfig_symbol *symbol;
};

struct kconfig_reader {
	struct kconfig_symbols *out;
	struct map by_name; /* the symbols in `out` */
	struct strv names; /* symbols of all entries */
	const char *tree, *srcarch;
	char *file; /* name of the current file */
	struct level *levels;
	size_t n_levels;
	/*
	 * Attributes such as "depends on" belong to the current entry.  If
	 * there is no current entry and in_level is set, they belong to the
	 * innermost level.  Otherwise, they are ignored.
	 */
	char *entry_name; /* symbol of the current entry, or NULL */
	char *depends; /* dependencies of the current entry, or NULL */
	/* symbol of the current entry; NULL if it is not in `out` */
	struct kconfig_symbol *requested;
	bool in_level;
	/* symbols in `out` that the current entry selects */
	struct kconfig_symbol **selected;
	size_t n_selected;
	/*
	 * indentation of the current help text; 0 before its first line, -1
	 * outside a help text
	 */
	long help_indent;
	unsigned depth; /* nested source statements */
};

/* ---- conditions ---- */

/* Return "A && B".  Either may be NULL.  The caller frees the result. */
static char *join_conditions(const char *a, const char *b)
{
	if (!a || !b)
		return a || b ? xstrdup(a ? a : b) : NULL;
	return xasprintf("%s%s%s && %s%s%s", strstr(a, "||") ? "(" : "", a,
			 strstr(a, "||") ? ")" : "", strstr(b, "||") ? "(" : "",
			 b, strstr(b, "||") ? ")" : "");
}

static void add_condition(char **to, const char *more)
{
	char *all = join_conditions(*to, more);

	free(*to);
	*to = all;
}

static const struct level *innermost(const struct kconfig_reader *r)
{
	static const struct level none;

	return r->n_levels ? &r->levels[r->n_levels - 1] : &none;
}

/* ---- blocks ---- */

static void close_entry(struct kconfig_reader *r)
{
	/*
	 * The dependencies of the entry are complete only at its end.  Add them
	 * to the conditions of its selects.
	 */
	for (size_t i = 0; i < r->n_selected; i++) {
		struct kconfig_symbol *s = r->selected[i];

		for (size_t j = s->n_selects;
		     j-- > 0 && s->selects[j].incomplete;) {
			add_condition(&s->selects[j].condition, r->depends);
			s->selects[j].incomplete = false;
		}
	}
	free(r->entry_name);
	free(r->depends);
	r->entry_name = r->depends = NULL;
	r->requested = NULL;
	r->n_selected = 0;
	r->in_level = false;
}

static void open_level(struct kconfig_reader *r, const char *condition,
		       bool choice)
{
	struct level outer = *innermost(r);
	struct level *l;

	close_entry(r);
	l = VEC_ADD(r->levels, r->n_levels);
	*l = (struct level){
		.depends = join_conditions(outer.depends, condition),
		.prompt_condition = outer.prompt_condition ?
					    xstrdup(outer.prompt_condition) :
					    NULL,
		.choice_number = outer.choice_number,
	};
	r->in_level = !condition;
	if (choice) {
		(void)VEC_ADD(r->out->choice_members, r->out->n_choices);
		l->choice_number = r->out->n_choices;
	}
}

static void close_level(struct kconfig_reader *r)
{
	struct level *l;

	close_entry(r);
	if (!r->n_levels)
		return;
	l = &r->levels[--r->n_levels];
	free(l->depends);
	free(l->prompt_condition);
}

/* Return the symbol in `out` with this name, or NULL. */
static struct kconfig_symbol *find_requested(const struct kconfig_reader *r,
					     struct bytes name)
{
	struct map_entry *n = map_find(&r->by_name, map_hash(name));

	for (; n; n = map_next_match(n)) {
		struct kconfig_symbol *s = ((struct symbol_by_name *)n)->symbol;

		if (bytes_equal(bytes_str(s->name), name))
			return s;
	}
	return NULL;
}

static void open_entry(struct kconfig_reader *r, const char *name)
{
	const struct level *around = innermost(r);
	struct kconfig_symbol_entry *e;

	close_entry(r);
	r->entry_name = xstrdup(name);
	r->depends = around->depends ? xstrdup(around->depends) : NULL;
	if (around->choice_number)
		strv_add(&r->out->choice_members[around->choice_number - 1],
			 name);
	strv_add(&r->names, name);
	r->out->incomplete |= strchr(name, '$') != NULL;
	r->requested = find_requested(r, bytes_str(name));
	if (!r->requested)
		return;
	e = VEC_ADD(r->requested->entries, r->requested->n_entries);
	*e = (struct kconfig_symbol_entry){
		.file = xstrdup(r->file),
		.depends = around->depends ? xstrdup(around->depends) : NULL,
		.choice_number = around->choice_number,
	};
}

static void set_type(struct kconfig_reader *r, const char *word)
{
	static const struct {
		const char *words;
		enum kconfig_symbol_type type;
	} types[] = {
		{ "bool boolean def_bool", KCONFIG_SYMBOL_BOOL },
		{ "tristate def_tristate", KCONFIG_SYMBOL_TRISTATE },
		{ "int", KCONFIG_SYMBOL_INT },
		{ "hex", KCONFIG_SYMBOL_HEX },
		{ "string", KCONFIG_SYMBOL_STRING },
	};

	for (size_t i = 0; r->requested && i < ARRAY_SIZE(types); i++) {
		if (str_list_has(types[i].words, ' ', word))
			r->requested->type = types[i].type;
	}
}

static void add_depends(struct kconfig_reader *r, const char *condition)
{
	struct kconfig_symbol *s = r->requested;

	if (r->entry_name)
		add_condition(&r->depends, condition);
	if (s)
		add_condition(&s->entries[s->n_entries - 1].depends, condition);
	else if (r->in_level && r->n_levels)
		add_condition(&r->levels[r->n_levels - 1].depends, condition);
}

/* Parse `"Prompt" if CONDITION`.  Do nothing if `text` has no prompt. */
static void add_prompt(struct kconfig_reader *r, const char *text)
{
	char quote = text[0];
	const char *end = quote == '"' || quote == '\'' ?
				  strchr(text + 1, quote) :
				  NULL;
	const char *condition = NULL;
	struct kconfig_symbol_entry *e;

	if (!end)
		return;
	end += 1 + strspn(end + 1, " \t");
	if (str_starts(end, "if ") || str_starts(end, "if("))
		condition = end + 2 + strspn(end + 2, " \t");
	/* The prompt condition of a choice applies to all its members. */
	if (r->in_level && r->n_levels && condition)
		add_condition(&r->levels[r->n_levels - 1].prompt_condition,
			      condition);
	if (!r->requested)
		return;
	e = &r->requested->entries[r->requested->n_entries - 1];
	e->has_prompt = true;
	add_condition(&e->prompt_condition, innermost(r)->prompt_condition);
	add_condition(&e->prompt_condition, condition);
}

/* Parse "NAME if CONDITION". */
static void add_select(struct kconfig_reader *r, const char *text, bool implies)
{
	size_t n = strcspn(text, " \t");
	const char *rest = text + n + strspn(text + n, " \t");
	struct kconfig_symbol *s = find_requested(r, bytes_of(text, n));
	struct kconfig_symbol_select *by;

	if (!r->entry_name || !s)
		return;
	by = VEC_ADD(s->selects, s->n_selects);
	by->selector = xstrdup(r->entry_name);
	by->weak = implies;
	by->incomplete = true;
	if (str_starts(rest, "if "))
		by->condition = xstrdup(rest + 3);
	*VEC_ADD(r->selected, r->n_selected) = s;
}

/* ---- files ---- */

static int read_kconfig_file(struct kconfig_reader *r, const char *name);

/*
 * Read the file that a source statement names.  `text` is its name, for example
 * "arch/$(SRCARCH)/Kconfig", with or without quotes.
 */
static void read_sourced(struct kconfig_reader *r, const char *text)
{
	static const char *const names[] = { "$(SRCARCH)", "$SRCARCH",
					     "$(HEADER_ARCH)" };
	char *path = xstrndup(text + (*text == '"'),
			      strcspn(text + (*text == '"'), "\""));
	char *outer = r->file;

	close_entry(r);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *at = strstr(path, names[i]), *with;

		if (!at)
			continue;
		with = xasprintf("%.*s%s%s", (int)(at - path), path, r->srcarch,
				 at + strlen(names[i]));
		free(path);
		path = with;
	}
	if (r->depth >= DEPTH_MAX || read_kconfig_file(r, path))
		r->out->incomplete = true;
	r->file = outer;
	free(path);
}

/*
 * Return true if the line is part of a help text.  A line with less indentation
 * ends the text.
 */
static bool is_help_text(struct kconfig_reader *r, long indent,
			 const char *line)
{
	if (r->help_indent < 0)
		return false;
	if (!*line)
		return true;
	if (!r->help_indent && indent) {
		r->help_indent = indent;
		return true;
	}
	if (r->help_indent && indent >= r->help_indent)
		return true;
	r->help_indent = -1;
	return false;
}

/* Return the length of the line without a comment. */
static size_t uncommented_length(const char *line)
{
	char quote = '\0';
	size_t n;

	for (n = 0; line[n]; n++) {
		if (!quote && line[n] == '#' &&
		    (!n || isblank((unsigned char)line[n - 1])))
			break;
		if (line[n] == quote)
			quote = '\0';
		else if (!quote && (line[n] == '"' || line[n] == '\''))
			quote = line[n];
	}
	return n;
}

static void trim_end(char *line, size_t n)
{
	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	line[n] = '\0';
}

static void read_kconfig_line(struct kconfig_reader *r, char *line)
{
	const char *rest;
	long indent = 0;
	size_t n;
	char *word;

	for (; *line == ' ' || *line == '\t'; line++)
		indent = *line == '\t' ? (indent / TAB_WIDTH + 1) * TAB_WIDTH :
					 indent + 1;
	trim_end(line, strlen(line));
	if (is_help_text(r, indent, line))
		return;
	trim_end(line, uncommented_length(line));
	if (!*line)
		return;
	n = strcspn(line, " \t");
	word = xstrndup(line, n);
	rest = line + n + strspn(line + n, " \t");
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
		add_condition(&r->levels[r->n_levels - 1].prompt_condition,
			      rest + 3);
	else if (str_list_has("select imply", ' ', word))
		add_select(r, rest, word[0] == 'i');
	else if (!strcmp(word, "range") && r->requested)
		strv_add(&r->requested->entries[r->requested->n_entries - 1]
				  .ranges,
			 rest);
	else if (str_list_has(TYPE_KEYWORDS " prompt def_bool def_tristate",
			      ' ', word)) {
		/*
		 * The line is, for example, `bool "Prompt"`, "def_bool y" or
		 * `prompt "Prompt" if CONDITION`.
		 */
		set_type(r, word);
		if (!str_starts(word, "def_"))
			add_prompt(r, rest);
	} else if (str_list_has("help ---help---", ' ', word))
		r->help_indent = 0;
	free(word);
}

static int read_kconfig_file(struct kconfig_reader *r, const char *name)
{
	char *path = xasprintf("%s/%s", r->tree, name);
	struct buf text = { 0 }, line = { 0 };
	struct err ignored;
	int ret = fs_read(path, FILE_MAX, &text, &ignored);

	strv_add(&r->out->files, name);
	r->depth++;
	r->file = (char *)name;
	r->help_indent = -1;
	for (const char *at = buf_str(&text); !ret && *at;) {
		size_t n = strcspn(at, "\n");
		bool more = n && at[n - 1] == '\\' && at[n];
		char *logical;

		/* A backslash at the end joins the line with the next line. */
		buf_add(&line, at, more ? n - 1 : n);
		at += n + (at[n] == '\n');
		if (more && *at)
			continue;
		logical = buf_steal(&line);
		read_kconfig_line(r, logical);
		free(logical);
	}
	r->help_indent = -1;
	close_entry(r);
	r->depth--;
	buf_release(&text);
	free(path);
	return ret;
}

/* ---- other architectures ---- */

/*
 * `path` is a Kconfig file of the architecture `arch`.  Find the requested
 * symbols that the current architecture does not define but this file does
 * ("config NAME" or "menuconfig NAME"), and add `arch` to their `other_archs`.
 */
static void search_file(const struct kconfig_reader *r, const char *path,
			const char *arch)
{
	struct buf text = { 0 };
	struct err ignored;

	fs_read(path, FILE_MAX, &text, &ignored);
	for (const char *at = buf_str(&text); *at;) {
		const char *word = str_starts(at, "menu") ? at + 4 : at;
		struct kconfig_symbol *s = NULL;

		if (str_starts(word, "config")) {
			word += 6 + strspn(word + 6, " \t");
			s = find_requested(
				r, bytes_of(word, strcspn(word, " \t\r\n")));
		}
		if (s && !s->n_entries && !strv_has(&s->other_archs, arch))
			strv_add(&s->other_archs, arch);
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	buf_release(&text);
}

static void search_dir(const struct kconfig_reader *r, const char *dir,
		       const char *arch, unsigned depth)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (str_starts(names.v[i], "Kconfig"))
			search_file(r, path, arch);
		else if (depth && !strchr(names.v[i], '.') && fs_is_dir(path))
			search_dir(r, path, arch, depth - 1);
		free(path);
	}
	strv_release(&names);
}

/* For each symbol without an entry, find other architectures that have it. */
static void search_other_archs(const struct kconfig_reader *r)
{
	char *dir = xasprintf("%s/arch", r->tree);
	struct strv archs = { 0 };

	fs_list(dir, &archs);
	for (size_t i = 0; i < archs.n; i++) {
		char *path = xasprintf("%s/%s", dir, archs.v[i]);

		/* Depth 2 reaches boards like arch/powerpc/platforms/ps3. */
		if (strcmp(archs.v[i], r->srcarch) != 0)
			search_dir(r, path, archs.v[i], 2);
		free(path);
	}
	strv_release(&archs);
	free(dir);
}

/* Find the most similar name of another symbol. */
static void find_similar(const struct kconfig_reader *r,
			 struct kconfig_symbol *s)
{
	struct spellcheck similar;

	spellcheck_init(&similar, s->name);
	for (size_t i = 0; i < r->names.n; i++)
		spellcheck_add(&similar, r->names.v[i]);
	if (similar.best)
		s->similar_name = xstrdup(similar.best);
}

int kconfig_symbols_read(struct kconfig_symbols *out, const char *tree,
			 const char *srcarch, const struct strv *names)
{
	struct kconfig_reader r = { .out = out,
				    .tree = tree,
				    .srcarch = srcarch };
	struct symbol_by_name *index = xcalloc(names->n + 1, sizeof(*index));
	size_t n_unknown = 0;
	int ret;

	*out = (struct kconfig_symbols){ .srcarch = srcarch, .n = names->n };
	out->v = xcalloc(names->n + 1, sizeof(*out->v));
	for (size_t i = 0; i < names->n; i++) {
		out->v[i].name = xstrdup(names->v[i]);
		index[i].symbol = &out->v[i];
		map_add(&r.by_name, &index[i].entry,
			map_hash(bytes_str(names->v[i])));
	}
	ret = read_kconfig_file(&r, "Kconfig");
	while (r.n_levels)
		close_level(&r);
	for (size_t i = 0; !ret && i < out->n; i++) {
		if (!out->v[i].n_entries && n_unknown++ < SIMILAR_MAX)
			find_similar(&r, &out->v[i]);
	}
	if (n_unknown)
		search_other_archs(&r);
	strv_release(&r.names);
	map_release(&r.by_name);
	free(index);
	free(r.selected);
	free(r.levels);
	return ret ? -ENOENT : 0;
}

void kconfig_symbols_release(struct kconfig_symbols *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct kconfig_symbol *s = &all->v[i];

		for (size_t j = 0; j < s->n_entries; j++) {
			free(s->entries[j].file);
			free(s->entries[j].depends);
			free(s->entries[j].prompt_condition);
			strv_release(&s->entries[j].ranges);
		}
		for (size_t j = 0; j < s->n_selects; j++) {
			free(s->selects[j].selector);
			free(s->selects[j].condition);
		}
		free(s->entries);
		free(s->selects);
		free(s->similar_name);
		strv_release(&s->other_archs);
		free(s->name);
	}
	for (size_t i = 0; i < all->n_choices; i++)
		strv_release(&all->choice_members[i]);
	strv_release(&all->files);
	free(all->choice_members);
	free(all->v);
	*all = (struct kconfig_symbols){ 0 };
}
