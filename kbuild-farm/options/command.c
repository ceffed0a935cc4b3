/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All words are parsed before the class is determined, because a word that
 * makes the command a passthrough may follow a word that makes the command
 * local.
 */
#include "options/command.h"

#include "options/table.h"

#include <stdlib.h>
#include <string.h>

/* Return the length of a path without the suffix of the file. */
static size_t stem_length(const char *file)
{
	const char *base = str_base(file);
	const char *dot = strrchr(base, '.');

	return dot ? (size_t)(dot - file) : strlen(file);
}

char *options_output_object_path(const struct options_command *c)
{
	const char *base;

	if (c->object)
		return xstrdup(c->object);
	base = str_base(c->source);
	return xasprintf("%.*s.o", (int)stem_length(base), base);
}

char *options_output_dep_path(const struct options_command *c)
{
	const char *file;

	if (c->dep)
		return xasprintf("%.*s", (int)c->dep_len, c->dep);
	if (!c->makes_dep)
		return NULL;
	/* -MD uses the name of -o, or of the source, with another suffix. */
	file = c->object ? c->object : str_base(c->source);
	return xasprintf("%.*s.d", (int)stem_length(file), file);
}

char *options_output_temp_path(const char *path, unsigned pid)
{
	const char *base = str_base(path);

	return xasprintf("%.*s.%s.kfarm.%u", (int)(base - path), path, base,
			 pid);
}

/* ---- side outputs ---- */

/*
 * The options that request side outputs, and other settings that decide which
 * of these files are written.
 */
struct requested_outputs {
	const struct options_item *options[OPTIONS_SIDE_N]; /* or NULL */
	bool lto;
	bool debug; /* clang: debug information is enabled */
};

static bool has_value(const struct options_item *i, const char *start)
{
	return i->value && str_starts(i->value, start);
}

static void track_side_option(struct requested_outputs *a,
			      const struct options_item *i)
{
	enum options_side_kind side = (enum options_side_kind)i->entry->side;

	if (!strcmp(i->entry->name, "-flto") ||
	    !strcmp(i->entry->name, "-flto="))
		a->lto = true;
	else if (!strcmp(i->entry->name, "-fno-lto"))
		a->lto = false;
	if (i->use == OPTIONS_USE_DEBUG) {
		if (has_value(i, "0") || has_value(i, "gdb0"))
			a->debug = false;
		else if (!i->value_len || has_value(i, "gdb") ||
			 has_value(i, "dwarf") ||
			 has_value(i, "line-tables-only") ||
			 has_value(i, "1") || has_value(i, "2") ||
			 has_value(i, "3"))
			a->debug = true;
	}
	/*
	 * -fopt-info without a file prints on stderr.  Of several options with
	 * a file, gcc uses the first.
	 */
	if (side == OPTIONS_SIDE_INFO &&
	    (a->options[side] || !strchr(i->value, '=')))
		return;
	a->options[side] = i;
}

/* Return true if the compile writes this side output. */
static bool is_side_output_made(const struct options_command *c,
				const struct requested_outputs *a,
				enum options_side_kind side)
{
	if (!a->options[side] || side == OPTIONS_SIDE_NONE ||
	    side == OPTIONS_SIDE_NAME)
		return false;
	if (side == OPTIONS_SIDE_DWO)
		return !c->is_clang || c->lang != OPTIONS_LANG_C ||
		       (a->debug && !a->lto);
	if (side == OPTIONS_SIDE_DATABASE)
		return true;
	if (side == OPTIONS_SIDE_SU || side == OPTIONS_SIDE_CI)
		return c->lang == OPTIONS_LANG_C && !a->lto;
	if (side == OPTIONS_SIDE_RECORD && a->options[OPTIONS_SIDE_RECORD_FILE])
		return false;
	return c->lang == OPTIONS_LANG_C;
}

static char *make_side_path(const struct options_command *c,
			    const struct options_item *i,
			    enum options_side_kind side)
{
	static const char *const suffix[OPTIONS_SIDE_N] = {
		[OPTIONS_SIDE_SU] = ".su",
		[OPTIONS_SIDE_GCNO] = ".gcno",
		[OPTIONS_SIDE_DWO] = ".dwo",
		[OPTIONS_SIDE_CI] = ".ci",
		[OPTIONS_SIDE_RECORD] = ".opt.yaml",
	};
	const char *from = c->object ? c->object : str_base(c->source);
	const char *end = c->source + stem_length(c->source);
	int len = (int)stem_length(from);

	if (side == OPTIONS_SIDE_INFO)
		return xstrdup(strchr(i->value, '=') + 1);
	if (side == OPTIONS_SIDE_RECORD_FILE || side == OPTIONS_SIDE_DATABASE)
		return xstrdup(i->value);
	if (side == OPTIONS_SIDE_RECORD && !c->is_clang)
		return xasprintf("%.*s%s.opt-record.json.gz", len, from, end);
	return xasprintf("%.*s%s", len, from, suffix[side]);
}

void options_output_side_outputs(struct options_side_outputs *out,
				 const struct options_command *c)
{
	struct requested_outputs a = { 0 };

	*out = (struct options_side_outputs){ 0 };
	for (size_t k = 0; k < c->n_items; k++) {
		if (c->items[k].entry && !c->items[k].in_list)
			track_side_option(&a, &c->items[k]);
	}
	for (enum options_side_kind side = 0; side < OPTIONS_SIDE_N; side++) {
		if (!is_side_output_made(c, &a, side) ||
		    out->n == OPTIONS_SIDE_OUTPUTS_MAX)
			continue;
		out->kind[out->n] = side;
		out->path[out->n++] = make_side_path(c, a.options[side], side);
	}
	out->name_in_object = out->n || (a.options[OPTIONS_SIDE_NAME] ||
					 a.options[OPTIONS_SIDE_GCNO]);
}

void options_side_outputs_release(struct options_side_outputs *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->path[i]);
	*s = (struct options_side_outputs){ 0 };
}

/* ---- conflicts ---- */

static bool is_special_path(const char *path)
{
	return !*str_base(path) || str_starts(path, "/dev/") ||
	       str_starts(path, "/proc/") || str_equal(path, "-");
}

static bool has_same_base(const char *a, const char *b)
{
	return !strcmp(str_base(a), str_base(b));
}

static bool have_side_conflict(const struct options_command *c,
			       const struct options_side_outputs *s,
			       const char *object, const char *dep)
{
	/* clang records -o in the file of -MJ, so -o must be given. */
	bool bare = !c->object || !stem_length(str_base(object));

	if (!s->name_in_object)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		const char *path = s->path[i];

		/* gcc uses "stdout" and "stderr" as names of the streams. */
		if (is_special_path(path) || str_equal(path, "stdout") ||
		    str_equal(path, "stderr") || has_same_base(path, object) ||
		    has_same_base(path, c->source) ||
		    (dep && has_same_base(path, dep)))
			return true;
		for (size_t k = 0; k < i; k++) {
			if (has_same_base(path, s->path[k]))
				return true;
		}
		if (s->kind[i] == OPTIONS_SIDE_DATABASE && bare)
			return true;
	}
	return !stem_length(str_base(object));
}

/*
 * Return true if the outputs conflict: an output is not a regular file, two
 * outputs have the same base name, or an output has the base name of the
 * source.  Also return true if the outputs cannot be determined.
 */
static bool has_output_conflict(const struct options_command *c)
{
	char *object = options_output_object_path(c);
	char *dep = options_output_dep_path(c);
	struct options_side_outputs sides;
	bool clash;

	options_output_side_outputs(&sides, c);
	clash = !*str_base(object) || has_same_base(object, c->source) ||
		(dep && (is_special_path(dep) || has_same_base(dep, object) ||
			 has_same_base(dep, c->source))) ||
		have_side_conflict(c, &sides, object, dep);
	options_side_outputs_release(&sides);
	free(object);
	free(dep);
	return clash;
}

struct command_parse {
	struct options_command *c;
	/*
	 * The first reason for a local compile.  REASON_CPLUSPLUS replaces any
	 * other reason, so that all C++ units are counted alike.
	 */
	enum reason reason;
	const char *lang; /* value of -x */
	bool passthrough; /* the command is not the compile of one source */
	bool has_mode; /* -c, or -E with `preprocess_only` */
	bool preprocess_only; /* the caller expects -E */
	bool output_to_file; /* the caller expects the text in the file of -o */
	bool from_stdin; /* the caller expects standard input */
	unsigned n_sources;
};

static struct options_item *add_word(struct options_command *c,
				     const struct options_item *list,
				     const struct options_comma_word *w)
{
	struct options_item *i = &c->items[c->n_items++];

	*i = (struct options_item){ .entry = list->entry,
				    .text = w->s,
				    .len = (unsigned)w->len,
				    .argv_index = list->argv_index,
				    .use = OPTIONS_USE_CODE,
				    .in_list = true };
	return i;
}

/* Use the next word of the list as the value of the item `i`. */
static void add_value(struct options_item *i, const char **rest)
{
	struct options_comma_word value;

	if (!options_comma_list_next(rest, &value))
		return;
	i->value = value.s;
	i->value_len = (unsigned)value.len;
}

static void add_wp(struct options_command *c, const struct options_item *list)
{
	const char *rest = list->value;
	struct options_comma_word w;

	while (options_comma_list_next(&rest, &w)) {
		struct options_item *i = add_word(c, list, &w);

		i->use = (unsigned char)options_comma_list_wp_use(&w);
		if (i->use == OPTIONS_USE_MAKE_DEPS ||
		    i->use == OPTIONS_USE_DEP_TARGET)
			add_value(i, &rest);
	}
}

/*
 * Add the words of a -Wa, list, or the single word of -Xassembler, which may
 * contain commas.
 */
static void add_wa(struct options_command *c, const struct options_item *list)
{
	const char *rest = list->separate ? NULL : list->value;
	struct options_comma_word w = { list->value, list->value_len };

	while (rest ? options_comma_list_next(&rest, &w) : !!w.s) {
		struct options_item *i = add_word(c, list, &w);

		if (options_comma_word_equals(&w, "--defsym") ||
		    options_comma_word_equals(&w, "-defsym") ||
		    options_comma_word_equals(&w, "-G"))
			add_value(i, &rest);
		w.s = NULL;
	}
}

/*
 * Add the option or input at argv[at] and, for -Wp, and -Wa, the words of its
 * list.  Returns the number of elements of argv that were used.
 */
static unsigned add_item(struct options_command *c, unsigned at)
{
	char *const *argv = c->argv + at;
	const struct options_entry *e = NULL;
	struct options_item *i = &c->items[c->n_items++];

	*i = (struct options_item){ .text = argv[0],
				    .len = (unsigned)strlen(argv[0]),
				    .argv_index = at };
	if (argv[0][0] == '-' && argv[0][1])
		i->entry = e = options_table_find_word(argv[0]);
	if (!e)
		return 1;
	i->use = e->use;
	if (e->form == OPTIONS_FORM_ALONE)
		return 1;
	i->value = argv[0] + strlen(e->name);
	i->separate = e->form != OPTIONS_FORM_JOINED && !*i->value;
	if (i->separate)
		i->value = argv[1];
	i->value_len = i->value ? (unsigned)strlen(i->value) : 0;
	if (i->value && i->use == OPTIONS_USE_WP)
		add_wp(c, i);
	else if (i->value && i->use == OPTIONS_USE_WA)
		add_wa(c, i);
	return i->separate && i->value ? 2 : 1;
}

static void set_local(struct command_parse *p, enum reason why)
{
	if (!p->reason)
		p->reason = why;
}

/* Return true for "-" and for paths in /dev and /proc. */
static bool is_device(const char *path)
{
	return str_equal(path, "-") || str_starts(path, "/dev/") ||
	       str_starts(path, "/proc/");
}

static void parse_lang(struct command_parse *p, const char *value)
{
	if (!value) {
		p->passthrough = true;
		return;
	}
	if (p->n_sources)
		set_local(p, REASON_LATE_LANGUAGE);
	p->lang = value;
	if (!strcmp(value, "c"))
		p->c->lang = OPTIONS_LANG_C;
	else if (!strcmp(value, "assembler-with-cpp"))
		p->c->lang = OPTIONS_LANG_ASM_CPP;
	else if (!strcmp(value, "assembler"))
		p->c->lang = OPTIONS_LANG_ASM;
	else if (str_starts(value, "c++"))
		p->reason = REASON_CPLUSPLUS;
	else
		set_local(p, REASON_OTHER_LANGUAGE);
}

/*
 * Set the language by the source's suffix, as gcc does.  Returns false for a
 * file that gcc passes to the linker.
 */
static bool set_lang_by_suffix(struct command_parse *p, const char *file)
{
	static const char cxx[] =
		"cc,cp,cxx,cpp,CPP,c++,C,ii,hh,hpp,H,hxx,mm,M";
	static const char other[] = "i,m,mi,f,for,F,f90,F90,f95,d,go,ads,adb,"
				    "mod,rs,mii";
	const char *dot = strrchr(str_base(file), '.');

	if (!dot)
		return false;
	if (!strcmp(dot, ".c"))
		p->c->lang = OPTIONS_LANG_C;
	else if (!strcmp(dot, ".S") || !strcmp(dot, ".sx"))
		p->c->lang = OPTIONS_LANG_ASM_CPP;
	else if (!strcmp(dot, ".s"))
		p->c->lang = OPTIONS_LANG_ASM;
	else if (!strcmp(dot, ".h"))
		set_local(p, REASON_PRECOMPILED);
	else if (str_list_has(cxx, ',', dot + 1))
		p->reason = REASON_CPLUSPLUS;
	else if (str_list_has(other, ',', dot + 1))
		set_local(p, REASON_OTHER_LANGUAGE);
	else
		return false;
	return true;
}

static void take_input(struct command_parse *p, const char *file)
{
	if (p->from_stdin && p->lang && str_equal(file, "-")) {
		p->n_sources++;
		p->c->source = file;
		p->c->from_stdin = true;
		return;
	}
	if (p->from_stdin || is_device(file) ||
	    (!p->lang && !set_lang_by_suffix(p, file))) {
		p->passthrough = true;
		return;
	}
	/* gcc has special output names for a source such as ".c". */
	if (str_base(file)[0] == '.' || !*str_base(file))
		set_local(p, REASON_DOT_SOURCE);
	p->n_sources++;
	p->c->source = file;
}

static void set_dep_file(struct command_parse *p, const char *file, size_t len)
{
	if (p->c->dep)
		set_local(p, REASON_SEVERAL_DEPS);
	p->c->dep = file;
	p->c->dep_len = len;
}

/* Parse -MD and similar options of the driver or of a -Wp, list. */
static void parse_dep_option(struct command_parse *p,
			     const struct options_item *i)
{
	struct options_command *c = p->c;

	switch ((enum options_use)i->use) {
	case OPTIONS_USE_MAKE_DEPS:
		c->omits_system_headers |= i->len == strlen("-MMD");
		if (!i->in_list)
			c->makes_dep = true;
		else if (i->value_len)
			set_dep_file(p, i->value, i->value_len);
		else
			set_local(p, REASON_UNSUPPORTED_DEPS);
		c->list_makes_dep |= i->in_list;
		break;
	case OPTIONS_USE_DEP_FILE:
		set_dep_file(p, i->value, i->value_len);
		break;
	case OPTIONS_USE_DEP_TARGET:
		if (!i->value)
			set_local(p, REASON_UNSUPPORTED_DEPS);
		if (!i->in_list)
			c->has_target = true;
		else if (!memcmp(i->text, "-MQ", 3))
			c->list_mq = true;
		else
			c->list_mt = true;
		break;
	default:
		c->has_other_wp_words |= i->in_list;
	}
}

static void parse_option(struct command_parse *p, const struct options_item *i)
{
	switch ((enum options_use)i->use) {
	case OPTIONS_USE_MODE:
		if (!strcmp(i->text, p->preprocess_only ? "-E" : "-c"))
			p->has_mode = true;
		else
			p->passthrough = true;
		break;
	case OPTIONS_USE_QUERY:
		p->passthrough = true;
		break;
	case OPTIONS_USE_OUTPUT:
		if (!i->value || !*i->value || is_device(i->value))
			p->passthrough = true;
		else if (p->c->object)
			set_local(p, REASON_SEVERAL_OUTPUTS);
		p->c->object = i->value;
		break;
	case OPTIONS_USE_LANG:
		parse_lang(p, i->value);
		break;
	case OPTIONS_USE_CODE:
		p->c->records_command |= i->entry->side ==
					 OPTIONS_SIDE_DATABASE;
		if (i->entry->form != OPTIONS_FORM_ALONE &&
		    (!i->value ||
		     !options_table_is_value_allowed(i->entry, i->value)))
			set_local(p, REASON_UNSUPPORTED_VALUE);
		break;
	case OPTIONS_USE_MAKE_DEPS:
	case OPTIONS_USE_DEP_FILE:
	case OPTIONS_USE_DEP_TARGET:
	case OPTIONS_USE_DEP_PHONY:
		if (i->entry->form != OPTIONS_FORM_ALONE && !i->value)
			p->passthrough = true;
		else
			parse_dep_option(p, i);
		break;
	case OPTIONS_USE_WP:
		break;
	case OPTIONS_USE_WA:
		if (!i->value)
			p->passthrough = true;
		else if (i->separate ?
				 !options_comma_list_is_as_allowed(
					 i->value, i->value_len) :
				 !options_comma_list_is_wa_allowed(i->value))
			set_local(p, REASON_ASSEMBLER);
		break;
	case OPTIONS_USE_DEBUG:
		if (i->value && !options_table_is_debug_allowed(i->value))
			set_local(p, REASON_UNKNOWN_DEBUG);
		break;
	case OPTIONS_USE_LOCAL:
		set_local(p, i->entry->reason);
		break;
	case OPTIONS_USE_CPP:
	case OPTIONS_USE_LINK:
		break;
	}
}

static void parse_item(struct command_parse *p, const struct options_item *i)
{
	/* gcc replaces @FILE by the contents of the file in any position. */
	if (options_item_is_response_file(i)) {
		set_local(p, REASON_AT_FILE);
		if (i->text[0] == '@')
			return;
	}
	if (!i->entry && i->text[0] == '-' && i->text[1])
		set_local(p, REASON_UNKNOWN_OPTION);
	else if (!i->entry)
		take_input(p, i->text);
	else if (!i->in_list)
		parse_option(p, i);
	else if (i->use == OPTIONS_USE_LOCAL)
		set_local(p, REASON_PREPROCESSOR);
	else if (i->entry->use == OPTIONS_USE_WP)
		parse_dep_option(p, i);
}

/*
 * Ignore the dependency options of a source that is not preprocessed, because
 * compilers write no dependency list for it.  clang warns about unused options,
 * so with clang these options make the compile local.
 */
static void drop_deps(struct command_parse *p)
{
	struct options_command *c = p->c;

	for (size_t i = 0; i < c->n_items && c->is_clang; i++) {
		const struct options_item *item = &c->items[i];

		if (item->entry && item->use >= OPTIONS_USE_MAKE_DEPS &&
		    item->use <= OPTIONS_USE_WP)
			set_local(p, REASON_UNSUPPORTED_DEPS);
	}
	c->dep = NULL;
	c->dep_len = 0;
	c->makes_dep = c->list_makes_dep = c->omits_system_headers = false;
	c->has_target = c->list_mt = c->list_mq = c->has_other_wp_words = false;
}

/*
 * Return true if the command has no outputs except the preprocessed text and a
 * dependency list, and the language and the destination of the text are those
 * that the caller expects.
 */
static bool has_single_text_output(const struct command_parse *p)
{
	const struct options_command *c = p->c;
	struct options_side_outputs sides;
	bool alone;

	options_output_side_outputs(&sides, c);
	alone = !sides.name_in_object &&
		(p->output_to_file ?
			 c->object && c->lang == OPTIONS_LANG_ASM_CPP :
			 !c->object && c->lang == OPTIONS_LANG_C);
	options_side_outputs_release(&sides);
	return alone;
}

/* Return true if options affect the targets of the dependency list. */
static bool has_dep_details(const struct options_command *c)
{
	for (size_t i = 0; i < c->n_items; i++) {
		if (c->items[i].entry &&
		    c->items[i].use == OPTIONS_USE_DEP_PHONY)
			return true;
	}
	return c->makes_dep || c->has_target || c->list_mt || c->list_mq;
}

static void parse_words(struct command_parse *p, char *const *argv)
{
	struct options_command *c = p->c;
	const char *driver;
	size_t n_words = 0;

	*c = (struct options_command){ .argv = argv };
	if (!argv[0])
		return;
	driver = str_base(argv[0]);
	c->is_clang = strstr(driver, "clang");
	if (strstr(driver, "g++") || strstr(driver, "c++"))
		p->reason = REASON_CPLUSPLUS;
	/* An upper bound of c->n_items: words of argv, and words of lists. */
	for (char *const *word = argv; *word; word++) {
		n_words++;
		for (const char *list = *word; (list = strchr(list, ','));
		     list++)
			n_words++;
	}
	c->items = xmalloc((n_words + 1) * sizeof(*c->items));
	for (unsigned at = 1; argv[at];)
		at += add_item(c, at);
	for (size_t i = 0; i < c->n_items; i++)
		parse_item(p, &c->items[i]);
	if (p->passthrough || !p->has_mode || p->n_sources != 1)
		return;
	if (p->preprocess_only && !has_single_text_output(p))
		return;
	c->preprocessed = p->preprocess_only;
	if (c->dep && !c->makes_dep && !c->list_makes_dep)
		set_local(p, REASON_UNSUPPORTED_DEPS);
	if (c->makes_dep && c->list_makes_dep)
		set_local(p, REASON_SEVERAL_DEPS);
	if (p->from_stdin && has_dep_details(c))
		set_local(p, REASON_UNSUPPORTED_DEPS);
	if (c->lang == OPTIONS_LANG_ASM && !p->reason)
		drop_deps(p);
	if (!p->reason && has_output_conflict(c))
		set_local(p, REASON_UNSUPPORTED_OUTPUT_NAME);
	c->reason = p->reason;
	c->class = p->reason ? OPTIONS_CLASS_LOCAL : OPTIONS_CLASS_REMOTE;
}

void options_command_parse(struct options_command *c, char *const *argv)
{
	struct command_parse p = { .c = c };

	parse_words(&p, argv);
}

void options_command_parse_text(struct options_command *c, char *const *argv)
{
	struct command_parse p = { .c = c, .preprocess_only = true };

	parse_words(&p, argv);
}

void options_command_parse_asm_cpp(struct options_command *c, char *const *argv)
{
	struct command_parse p = { .c = c,
				   .preprocess_only = true,
				   .output_to_file = true };

	parse_words(&p, argv);
}

void options_command_parse_stdin(struct options_command *c, char *const *argv)
{
	struct command_parse p = { .c = c,
				   .preprocess_only = true,
				   .from_stdin = true };

	parse_words(&p, argv);
}

/* The part of a command to which a word belongs. */
enum part {
	PART_COMPILE,
	PART_LINK,
	PART_SOURCE,
	PART_NONE, /* the command cannot be divided */
};

static enum part find_part(const struct options_item *i)
{
	if (options_item_is_response_file(i))
		return PART_NONE;
	if (!i->entry) {
		if (str_ends(i->text, ".c") || str_ends(i->text, ".S"))
			return PART_SOURCE;
		return str_ends(i->text, ".o") || str_ends(i->text, ".a") ?
			       PART_LINK :
			       PART_NONE;
	}
	switch ((enum options_use)i->use) {
	case OPTIONS_USE_LINK:
		return PART_LINK;
	case OPTIONS_USE_OUTPUT:
	case OPTIONS_USE_CPP:
	case OPTIONS_USE_WP:
	case OPTIONS_USE_WA:
	case OPTIONS_USE_DEBUG:
		return PART_COMPILE;
	case OPTIONS_USE_CODE:
		return str_starts(i->entry->name, "-flto") ? PART_NONE :
							     PART_COMPILE;
	default:
		return PART_NONE;
	}
}

/*
 * Return true if a node can execute this gcc command, and the command has -o
 * and no side outputs.
 */
static bool makes_only_object(const struct options_command *c)
{
	struct options_side_outputs sides;
	bool alone;

	if (c->class != OPTIONS_CLASS_REMOTE || !c->object || c->is_clang)
		return false;
	options_output_side_outputs(&sides, c);
	alone = !sides.name_in_object;
	options_side_outputs_release(&sides);
	return alone;
}

char **options_command_divide(const struct options_command *c,
			      struct options_command *compile,
			      unsigned *source_at)
{
	char **argv = xmalloc((c->n_items * 2 + 3) * sizeof(*argv));
	unsigned n = 0, n_sources = 0;

	argv[n++] = c->argv[0];
	argv[n++] = (char *)"-c";
	for (size_t k = 0; k < c->n_items && n_sources < 2; k++) {
		const struct options_item *i = &c->items[k];
		enum part part;

		if (i->in_list)
			continue;
		part = find_part(i);
		if (part == PART_NONE)
			n_sources = 2;
		if (part == PART_SOURCE) {
			*source_at = i->argv_index;
			n_sources++;
		}
		if (part == PART_LINK)
			continue;
		argv[n++] = c->argv[i->argv_index];
		if (i->separate && i->value)
			argv[n++] = c->argv[i->argv_index + 1];
	}
	argv[n] = NULL;
	*compile = (struct options_command){ 0 };
	if (n_sources == 1)
		options_command_parse(compile, argv);
	if (makes_only_object(compile))
		return argv;
	options_command_release(compile);
	free(argv);
	return NULL;
}

void options_command_set_text(struct options_command *c, const char *path)
{
	for (size_t i = 0; i < c->n_items; i++) {
		struct options_item *item = &c->items[i];

		if (item->text != c->source)
			continue;
		item->text = path;
		item->len = (unsigned)strlen(path);
	}
	c->source = path;
}

void options_command_release(struct options_command *c)
{
	free(c->items);
	*c = (struct options_command){ 0 };
}

bool options_item_is_response_file(const struct options_item *i)
{
	return !i->in_list && (i->text[0] == '@' ||
			       (i->separate && i->value && *i->value == '@'));
}
