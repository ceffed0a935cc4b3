/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/probe.h"

#include "base/vec.h"
#include "options/table.h"

#include <stdlib.h>
#include <string.h>

/*
 * A suffix that is longer than this, including its dot, does not name a
 * language.  An example is a random suffix of mktemp(1).
 */
#define RANDOM_MIN 5

struct probe_parse {
	struct options_probe *p;
	unsigned n_options, n_inputs, n_modes, n_queries;
	bool compiles, preprocesses; /* -c, -E */
	bool has_language, writes_null, writes_stdout;
};

/* words of directives that read a file, in any language */
static const char *const file_reading_words[] = { "include", "incbin", "embed",
						  "pragma" };
static const char *const time_macros[] = { "__DATE__", "__TIME__",
					   "__TIMESTAMP__" };

static bool contains_text(struct bytes text, const char *what)
{
	return bytes_find(text, bytes_str(what), 0);
}

/* Compare only letters: the compiler joins strings such as "inc" "bin". */
static bool has_file_reading_word(struct bytes text)
{
	uint8_t letters[OPTIONS_PROBE_INPUT_MAX_BYTES];
	struct bytes all = { letters, 0 };

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i] | 0x20;

		if (c >= 'a' && c <= 'z')
			letters[all.len++] = c;
	}
	for (size_t i = 0; i < ARRAY_SIZE(file_reading_words); i++) {
		if (contains_text(all, file_reading_words[i]))
			return true;
	}
	return false;
}

bool options_probe_is_pure_text(struct bytes text)
{
	if (text.len > OPTIONS_PROBE_INPUT_MAX_BYTES ||
	    has_file_reading_word(text))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(time_macros); i++) {
		if (contains_text(text, time_macros[i]))
			return false;
	}
	return true;
}

bool options_probe_is_rejected(struct bytes text)
{
	return contains_text(text, "unrecognized command-line option") ||
	       contains_text(text, "unknown argument");
}

static bool admit_query(struct probe_parse *q, const char *word)
{
	static const char *const searches[] = {
		"--print-file-name=",
		"-print-file-name=",
		NULL,
	};

	q->n_queries++;
	if (str_list_has("--version,-dumpfullversion,-dumpmachine,"
			 "-dumpversion,-v",
			 ',', word))
		return true;
	for (const char *const *s = searches; *s; s++) {
		const char *name = word + strlen(*s);

		/* The driver searches for plain file names only. */
		if (str_starts(word, *s))
			return *name && !strchr(name, '/') &&
			       strcmp(name, ".") && strcmp(name, "..");
	}
	return false;
}

/* Return true if the name of the output does not influence the driver. */
static bool has_probe_output_name(const char *path)
{
	const char *base = str_base(path), *dot = strrchr(base, '.');

	return *base && strcmp(base, "-") && base[0] != '.' &&
	       (!dot || strlen(dot) > RANDOM_MIN ||
		str_list_has(".o,.s,.i", ',', dot));
}

static bool admit_output(struct probe_parse *q, const struct options_item *i)
{
	if (!i->value || q->p->output || q->writes_null)
		return false;
	if (!strcmp(i->value, "/dev/null")) {
		q->writes_null = true;
		return true;
	}
	if (!strcmp(i->value, "-")) {
		q->writes_stdout = true;
		return true;
	}
	q->p->output = i->value;
	q->p->output_index = i->argv_index + i->separate;
	return has_probe_output_name(i->value);
}

/*
 * Accept an option that is not in the table or may read a file.  The command is
 * a probe only if the compiler rejects the option, because it then reads no
 * file.
 */
static bool admit_unknown_option(struct probe_parse *q, const char *word)
{
	q->p->must_be_rejected = true;
	return word[0] == '-' && (word[1] == 'f' || word[1] == 'm') &&
	       options_table_is_in_charset("a-z0-9=-", word, strlen(word));
}

/* Accept options of clang's sanitizer passes. */
static bool is_sanitizer_pass(const struct options_item *i)
{
	static const char *const prefixes[] = { "-asan-", "-hwasan-", "-msan-",
						"-tsan-", NULL };

	if (!i->value ||
	    !options_table_is_in_charset("a-z0-9=-", i->value, i->value_len))
		return false;
	for (const char *const *prefix = prefixes; *prefix; prefix++) {
		if (str_starts(i->value, *prefix))
			return true;
	}
	return false;
}

/* Accept the few options that make a compile local but access no file. */
static bool admit_local(struct probe_parse *q, const struct options_item *i)
{
	if (!strcmp(i->text, "-v"))
		return admit_query(q, i->text);
	if (str_list_has("-P,-C,-CC,-dM,-dD,-dN,-dU,"
			 "-frandomize-layout-seed-file=/dev/null",
			 ',', i->text))
		return true;
	if (!strcmp(i->entry->name, "-mllvm") && is_sanitizer_pass(i))
		return true;
	if (i->entry->form != OPTIONS_FORM_ALONE && i->separate)
		return false;
	return admit_unknown_option(q, i->text);
}

static bool admit_option(struct probe_parse *q, const struct options_item *i)
{
	const char *name = i->entry->name, *value = i->value;

	switch ((enum options_use)i->use) {
	case OPTIONS_USE_MODE:
		q->n_modes++;
		q->compiles |= !strcmp(i->text, "-c");
		q->preprocesses |= !strcmp(i->text, "-E");
		return str_list_has("-c,-S,-E", ',', i->text);
	case OPTIONS_USE_QUERY:
		return admit_query(q, i->text);
	case OPTIONS_USE_OUTPUT:
		return admit_output(q, i);
	case OPTIONS_USE_LANG:
		q->has_language = true;
		return value && !q->n_inputs &&
		       str_list_has("c,assembler,assembler-with-cpp", ',',
				    value);
	case OPTIONS_USE_CODE:
		if (i->entry->side != OPTIONS_SIDE_NONE)
			return false;
		return i->entry->form == OPTIONS_FORM_ALONE ||
		       (value &&
			options_table_is_value_allowed(i->entry, value));
	case OPTIONS_USE_CPP:
		if (!strcmp(name, "-D") || !strcmp(name, "-U"))
			return value &&
			       options_probe_is_pure_text(bytes_str(value));
		return str_list_has("-nostdinc,-undef,-pthread,-posix", ',',
				    name);
	case OPTIONS_USE_WA:
		if (!value)
			return false;
		if (i->separate)
			return options_comma_list_is_as_allowed(value,
								i->value_len);
		return options_comma_list_is_wa_allowed(value) ||
		       !strcmp(value, "--version");
	case OPTIONS_USE_DEBUG:
		/* -gz selects the compression of debug information. */
		return !value || options_table_is_debug_allowed(value) ||
		       str_list_has("z,z=none,z=zlib,z=zstd", ',', value);
	case OPTIONS_USE_LOCAL:
		return admit_local(q, i);
	default:
		return false;
	}
}

static bool admit_input(struct probe_parse *q, const char *file)
{
	if (q->n_inputs++)
		return false;
	if (!strcmp(file, "-"))
		q->p->reads_stdin = true;
	else if (!strcmp(file, "/dev/null"))
		q->p->reads_null = true;
	else
		return false;
	return true;
}

static bool admit_item(struct probe_parse *q, const struct options_item *i)
{
	if (i->in_list)
		return true; /* the whole list has been checked */
	if (options_item_is_response_file(i))
		return false;
	if (!i->entry && (i->text[0] != '-' || !i->text[1]))
		return admit_input(q, i->text);
	q->n_options++;
	if (!i->entry)
		return admit_unknown_option(q, i->text);
	return admit_option(q, i);
}

/*
 * Return false for -c or -S without -o, which would write a file with a default
 * name; for -c with "-o -"; and for "-o -" with another output.
 */
static bool has_output(const struct probe_parse *q)
{
	if (q->writes_stdout)
		return !q->compiles && !q->p->output && !q->writes_null;
	return q->preprocesses || q->p->output || q->writes_null;
}

bool options_probe_parse(struct options_probe *p,
			 const struct options_command *c)
{
	struct probe_parse q = { .p = p };

	*p = (struct options_probe){ 0 };
	if (c->class != OPTIONS_CLASS_PASSTHROUGH)
		return false;
	for (size_t i = 0; i < c->n_items; i++) {
		if (!admit_item(&q, &c->items[i]))
			return false;
	}
	p->query = q.n_queries;
	/*
	 * A query must be the only option, because other options may change the
	 * driver's search.
	 */
	if (p->query)
		return q.n_queries == 1 && q.n_options == 1 && !q.n_inputs;
	p->reads_null |= q.writes_null;
	return q.n_modes == 1 && q.n_inputs == 1 &&
	       (q.has_language || q.preprocesses) && has_output(&q);
}
