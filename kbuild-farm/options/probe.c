/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/probe.h"

#include "base/vec.h"
#include "options/table.h"

#include <stdlib.h>
#include <string.h>

/*
 * In the name of an output, a suffix of more than this many bytes, including
 * the dot, does not name a language.  An example is a random suffix of
 * mktemp(1).
 */
#define RANDOM_MIN 5

struct probe_parse {
	struct options_probe *p;
	unsigned n_options, n_inputs, n_modes, n_queries;
	bool compiles, preprocesses; /* -c, -E */
	bool has_language, writes_null, writes_stdout;
	bool defines_pieces; /* see can_define_pieces() */
};

/*
 * words of directives that read a file, in any language, or that define a macro
 * of the assembler
 */
static const char *const file_reading_words[] = { "include", "import", "incbin",
						  "embed",   "pragma", "macro",
						  "irp" };
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

/*
 * Return true if the text may form a word from separate pieces.  Possible means
 * are ## (also written as a digraph or a trigraph), a continued line, a macro,
 * and an escape for a character by its number or name.  Predefined macros such
 * as __INT8_C(X) also count, because some of them expand to X.
 */
static bool can_form_words(struct bytes text)
{
	static const char *const ways[] = { "##",      "%:%:",    "?\?",
					    "INT8_C",  "INT16_C", "INT32_C",
					    "INT64_C", "INTMAX_C" };
	const char *p = (const char *)text.data;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (contains_text(text, ways[i]))
			return true;
	}
	for (size_t i = 0; i + 1 < text.len; i++) {
		/* Blanks may follow the backslash of a continued line. */
		if (p[i] == '\\' && p[i + 1] &&
		    strchr("xouUN01234567 \t\v\f\r\n", p[i + 1]))
			return true;
		/* #define, but not defined(MACRO) */
		if (text.len - i > strlen("define") &&
		    str_starts(p + i, "define") &&
		    p[i + strlen("define")] != 'd')
			return true;
	}
	return false;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Return true for a character that can be part of an identifier. */
static bool is_identifier_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

/*
 * Store the content of all string literals in `joined`: the pieces of a string
 * without a gap, and a newline after each string.  Returns false if the
 * delimiters of a string are uncertain, or if a comment, a macro or a directive
 * can stand between two pieces.
 */
static bool join_strings(char *joined, struct bytes text)
{
	const char *p = (const char *)text.data, *end = p + text.len;
	bool inside = false;

	for (; p < end; p++) {
		char next = p + 1 < end ? p[1] : '\0';

		if (!inside) {
			if (*p == '\'' ||
			    (*p == '/' && (next == '/' || next == '*')))
				return false;
			inside = *p == '"';
			/* A raw string, R"x(...)x", has other escapes. */
			if (inside && p > (const char *)text.data &&
			    is_identifier_char(p[-1]))
				return false;
		} else if (*p == '\n' || !*p || (*p == '\\' && !next)) {
			return false;
		} else if (*p == '\\') {
			*joined++ = strchr("abefnrtv", next) ? '\n' : next;
			p++;
		} else if (*p != '"') {
			*joined++ = *p;
		} else {
			inside = false;
			while (p + 1 < end && strchr(" \t\v\f\r\n", p[1]))
				p++;
			if (p + 1 < end && (is_identifier_char(p[1]) ||
					    p[1] == '#' || p[1] == '%'))
				return false;
			if (p + 1 == end || p[1] != '"')
				*joined++ = '\n';
		}
	}
	*joined = '\0';
	return !inside;
}

/*
 * Return true if a string of inline assembly may form a word from separate
 * pieces: by strings that join_strings() rejects, by alternatives for assembler
 * dialects ({att|intel}), or by an operand (%0, %c[name]) next to a letter.
 */
static bool can_asm_form_words(struct bytes text)
{
	char joined[OPTIONS_PROBE_INPUT_MAX_BYTES + 1];

	if (!contains_text(text, "\""))
		return false;
	if (!join_strings(joined, text))
		return true;
	for (const char *p = joined; *p; p++) {
		if (*p == '{')
			return true;
		if (*p != '%')
			continue;
		if (p[1] == '%') {
			p++;
			continue;
		}
		if (p > joined && is_letter(p[-1]))
			return true;
		while (is_letter(p[1]))
			p++;
		if (p[1] == '[')
			p += strcspn(p, "]");
		else
			p += strspn(p + 1, "0123456789");
		if (!*p)
			return false;
		if (is_letter(p[1]) || p[1] == '%')
			return true;
	}
	return false;
}

/*
 * Return true if the text may name another source file by #line or by a line
 * marker.  gcc's messages quote lines of that file, so the result of a probe
 * would depend on the file.
 */
static bool has_line_marker(struct bytes text)
{
	static const char blanks[] = " \t\v\f";
	const char *p = (const char *)text.data, *end = p + text.len;
	bool begins = true;

	for (; p < end; p++) {
		bool hash = begins && *p == '#';

		if (begins && *p == '%' && p + 1 < end && p[1] == ':') {
			hash = true;
			p++;
		}
		begins = *p == '\n' || (begins && *p && strchr(blanks, *p));
		if (!hash)
			continue;
		while (p + 1 < end && p[1] && strchr(blanks, p[1]))
			p++;
		if (p + 1 < end && ((p[1] >= '0' && p[1] <= '9') ||
				    (end - p > 4 && !memcmp(p + 1, "line", 4))))
			return true;
	}
	return false;
}

bool options_probe_is_pure_text(struct bytes text)
{
	if (text.len > OPTIONS_PROBE_INPUT_MAX_BYTES ||
	    has_file_reading_word(text) || can_form_words(text) ||
	    can_asm_form_words(text) || has_line_marker(text))
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
 * Accept an option that is not in the table or may read a file.  If the
 * compiler rejects the option, it reads no file and the command is a probe.
 * Otherwise the command is not a probe.
 */
static bool admit_unknown_option(struct probe_parse *q, const char *word)
{
	q->p->must_be_rejected = true;
	return word[0] == '-' && (word[1] == 'f' || word[1] == 'm') &&
	       options_table_is_in_charset("a-z0-9=-", word, strlen(word));
}

/*
 * Accept a few options that make a compile local but access no file.  Pass any
 * other option to admit_unknown_option().
 */
static bool admit_local(struct probe_parse *q, const struct options_item *i)
{
	if (!strcmp(i->text, "-v"))
		return admit_query(q, i->text);
	if (str_list_has("-P,-C,-CC,-dM,-dD,-dN,-dU,"
			 "-frandomize-layout-seed-file=/dev/null",
			 ',', i->text))
		return true;
	if (i->entry->form != OPTIONS_FORM_ALONE && i->separate)
		return false;
	return admit_unknown_option(q, i->text);
}

/*
 * Return true if -D with this value may define a macro that turns text into
 * strings or drops text, and so may form a word in the input.
 */
static bool can_define_pieces(const char *value)
{
	return strpbrk(value, "\"#%(");
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
		if (!strcmp(name, "-D") || !strcmp(name, "-U")) {
			if (!value)
				return false;
			q->defines_pieces |= can_define_pieces(value);
			return options_probe_is_pure_text(bytes_str(value));
		}
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
		return !value || options_table_is_debug_allowed(value);
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
	if (p->reads_stdin && q.defines_pieces)
		return false;
	return q.n_modes == 1 && q.n_inputs == 1 &&
	       (q.has_language || q.preprocesses) && has_output(&q);
}
