/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/probe.h"

#include "options/list.h"

#include <stdlib.h>
#include <string.h>

/* No language has so long an ending; mktemp(1) makes up one. */
#define RANDOM_MIN 5

struct parse {
	struct options_probe *p;
	unsigned options, inputs, modes, queries;
	bool objects, preprocesses; /* -c, -E */
	bool has_language, writes_null, prints;
};

/* Part of a name in whatever language, or of a directive. */
static const char *const readers[] = { "include", "incbin", "embed", "pragma" };
static const char *const clocks[] = { "__DATE__", "__TIME__", "__TIMESTAMP__" };

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool mentions(struct bytes text, const char *what)
{
	return bytes_find(text, bytes_str(what), 0);
}

/* What is written as "inc" "bin" is read as one word. */
static bool names_reader(struct bytes text)
{
	uint8_t letters[OPTIONS_PROBE_INPUT_MAX];
	struct bytes all = { letters, 0 };

	for (size_t i = 0; i < text.len; i++) {
		if (is_letter(text.data[i]))
			letters[all.len++] = text.data[i] | 0x20;
	}
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		if (mentions(all, readers[i]))
			return true;
	}
	return false;
}

bool options_probe_text_ok(struct bytes text)
{
	if (text.len > OPTIONS_PROBE_INPUT_MAX || names_reader(text))
		return false;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		if (mentions(text, clocks[i]))
			return false;
	}
	return true;
}

bool options_probe_refused(struct bytes text)
{
	return mentions(text, "unrecognized command-line option") ||
	       mentions(text, "unknown argument");
}

static bool begins_as(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (str_starts(word, *list))
			return true;
	}
	return false;
}

static bool is_word_of(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (!strcmp(word, *list))
			return true;
	}
	return false;
}

/* A file's name alone: where it would be is searched by the driver. */
static bool is_searched_name(const char *value)
{
	return *value && !strchr(value, '/') && strcmp(value, ".") &&
	       strcmp(value, "..");
}

static bool admit_query(struct parse *q, const char *word)
{
	static const char *const known[] = { "--version",    "-dumpfullversion",
					     "-dumpmachine", "-dumpversion",
					     "-v",           NULL };
	static const char *const searches[] = {
		"--print-file-name=",
		"-print-file-name=",
		NULL,
	};

	q->queries++;
	if (is_word_of(word, known))
		return true;
	for (const char *const *s = searches; *s; s++) {
		if (str_starts(word, *s))
			return is_searched_name(word + strlen(*s));
	}
	return false;
}

/* Names of the output tell the driver nothing. */
static bool is_usual_output(const char *path)
{
	static const char *const endings[] = { ".o", ".s", ".i", NULL };
	const char *base = str_base(path), *dot = strrchr(base, '.');

	return *base && strcmp(base, "-") && base[0] != '.' &&
	       (!dot || strlen(dot) > RANDOM_MIN || is_word_of(dot, endings));
}

static bool admit_output(struct parse *q, const struct options_item *i)
{
	if (!i->value || q->p->output || q->writes_null)
		return false;
	if (!strcmp(i->value, "/dev/null")) {
		q->writes_null = true;
		return true;
	}
	if (!strcmp(i->value, "-")) {
		q->prints = true;
		return true;
	}
	q->p->output = i->value;
	q->p->output_at = i->at + i->apart;
	return is_usual_output(i->value);
}

static bool admit_mode(struct parse *q, const char *word)
{
	static const char *const known[] = { "-c", "-S", "-E", NULL };

	q->modes++;
	q->objects |= !strcmp(word, "-c");
	q->preprocesses |= !strcmp(word, "-E");
	return is_word_of(word, known);
}

static bool admit_language(struct parse *q, const char *value)
{
	static const char *const known[] = { "c", "assembler",
					     "assembler-with-cpp", NULL };

	q->has_language = true;
	return value && !q->inputs && is_word_of(value, known);
}

static bool admit_cpp(const struct options_item *i)
{
	static const char *const known[] = { "-nostdinc", "-undef", "-pthread",
					     "-posix", NULL };
	const char *name = i->entry->name;

	if (!strcmp(name, "-D") || !strcmp(name, "-U"))
		return i->value && options_probe_text_ok(bytes_str(i->value));
	return is_word_of(name, known);
}

/* What a compiler that does not know it refuses, before it reads a file. */
static bool admit_refusable(struct parse *q, const char *word)
{
	q->p->to_be_refused = true;
	return word[0] == '-' && (word[1] == 'f' || word[1] == 'm') &&
	       options_charset_ok("a-z0-9=-", word, strlen(word));
}

/* Passes of clang that have to do with a sanitizer, and how they do it. */
static bool is_of_sanitizer(const struct options_item *i)
{
	static const char *const known[] = { "-asan-", "-hwasan-", "-msan-",
					     "-tsan-", NULL };

	return i->value &&
	       options_charset_ok("a-z0-9=-", i->value, i->value_len) &&
	       begins_as(i->value, known);
}

/* Of those that keep a compile here a few read and write nothing all the same.
 */
static bool admit_local(struct parse *q, const struct options_item *i)
{
	static const char *const known[] = {
		"-P",  "-C",  "-CC", "-dM",
		"-dD", "-dN", "-dU", "-frandomize-layout-seed-file=/dev/null",
		NULL
	};

	if (!strcmp(i->text, "-v"))
		return admit_query(q, i->text);
	if (is_word_of(i->text, known))
		return true;
	if (!strcmp(i->entry->name, "-mllvm") && is_of_sanitizer(i))
		return true;
	if (i->entry->form != OPTIONS_ALONE && i->apart)
		return false;
	return admit_refusable(q, i->text);
}

/* -gz says how what -g makes is packed. */
static bool admit_debug(const char *value)
{
	static const char *const packed[] = { "z", "z=none", "z=zlib", "z=zstd",
					      NULL };

	return !value || options_debug_ok(value) || is_word_of(value, packed);
}

static bool admit_code(const struct options_item *i)
{
	if (i->entry->side != OPTIONS_SIDE_NONE)
		return false;
	if (i->entry->form == OPTIONS_ALONE)
		return true;
	return i->value && options_value_ok(i->entry, i->value);
}

static bool admit_assembler(const struct options_item *i)
{
	if (!i->value)
		return false;
	if (i->apart)
		return options_list_assembler_ok(i->value, i->value_len);
	return options_list_wa_ok(i->value) || !strcmp(i->value, "--version");
}

static bool admit_option(struct parse *q, const struct options_item *i)
{
	switch ((enum options_use)i->use) {
	case OPTIONS_USE_MODE:
		return admit_mode(q, i->text);
	case OPTIONS_USE_QUERY:
		return admit_query(q, i->text);
	case OPTIONS_USE_OUTPUT:
		return admit_output(q, i);
	case OPTIONS_USE_LANG:
		return admit_language(q, i->value);
	case OPTIONS_USE_CODE:
		return admit_code(i);
	case OPTIONS_USE_CPP:
		return admit_cpp(i);
	case OPTIONS_USE_WA:
		return admit_assembler(i);
	case OPTIONS_USE_DEBUG:
		return admit_debug(i->value);
	case OPTIONS_USE_LOCAL:
		return admit_local(q, i);
	default:
		return false;
	}
}

static bool admit_input(struct parse *q, const char *file)
{
	if (q->inputs++)
		return false;
	if (!strcmp(file, "-"))
		q->p->reads_stdin = true;
	else if (!strcmp(file, "/dev/null"))
		q->p->reads_null = true;
	else
		return false;
	return true;
}

static bool admit_item(struct parse *q, const struct options_item *i)
{
	if (i->in_list)
		return true; /* the list itself was looked at */
	if (options_item_is_file(i))
		return false;
	if (!i->entry && (i->text[0] != '-' || !i->text[1]))
		return admit_input(q, i->text);
	q->options++;
	if (!i->entry)
		return admit_refusable(q, i->text);
	return admit_option(q, i);
}

/* Where it goes is known: -c and -S make up a name if there is none. */
static bool has_output(const struct parse *q)
{
	if (q->prints)
		return !q->objects && !q->p->output && !q->writes_null;
	return q->preprocesses || q->p->output || q->writes_null;
}

bool options_probe_parse(struct options_probe *p,
			 const struct options_command *c)
{
	struct parse q = { .p = p };

	*p = (struct options_probe){ 0 };
	if (c->verdict != OPTIONS_PASSTHROUGH)
		return false;
	for (size_t i = 0; i < c->n; i++) {
		if (!admit_item(&q, &c->item[i]))
			return false;
	}
	p->query = q.queries;
	/* What else is there may change where a driver looks. */
	if (p->query)
		return q.queries == 1 && q.options == 1 && !q.inputs;
	p->reads_null |= q.writes_null;
	return q.modes == 1 && q.inputs == 1 &&
	       (q.has_language || q.preprocesses) && has_output(&q);
}
