/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kconfig/dotconfig.h"

#include "base/buf.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX       "CONFIG_"
#define UNSET_SUFFIX " is not set"
#define LETTERS                      \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz0123456789_"
#define DIGITS     "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"

/* ---- lines ---- */

/* Return the length of "CONFIG_X" at the start of the text, or 0. */
static size_t symbol_length(const char *text)
{
	size_t n = str_starts(text, PREFIX) ? strspn(text, LETTERS) : 0;

	return n > strlen(PREFIX) ? n : 0;
}

static bool ends_line(const char *at)
{
	at += strspn(at, " \t\r");
	return !*at || *at == '\n';
}

/*
 * Return the length of the part of a value that Kconfig reads: y, m or n ends
 * at a blank or "#", and a string at its closing quote.
 */
static size_t value_length(const char *value, size_t n)
{
	size_t end = 1;

	if (n > 1 && strchr("ymn", value[0]) && strchr(" \t#", value[1]))
		return 1;
	if (!n || value[0] != '"')
		return n;
	while (end < n && value[end] != '"')
		end += value[end] == '\\' ? 2 : 1;
	return end < n ? end + 1 : n;
}

bool kconfig_dotconfig_parse_line(struct kconfig_setting *out, const char *line)
{
	bool unset = str_starts(line, "# " PREFIX);
	const char *symbol = unset ? line + 2 : line, *rest;
	size_t n = symbol_length(symbol), len;

	*out = (struct kconfig_setting){ .line = line };
	rest = symbol + n;
	if (!n || (unset ? !str_starts(rest, UNSET_SUFFIX) ||
				   !ends_line(rest + strlen(UNSET_SUFFIX)) :
			   *rest != '='))
		return false;
	out->symbol = bytes_of(symbol, n);
	if (unset) {
		out->value = bytes_str("n");
		return true;
	}
	len = strcspn(++rest, "\n");
	while (len && strchr(" \t\r", rest[len - 1]))
		len--;
	out->value = bytes_of(rest, value_length(rest, len));
	return true;
}

const char *kconfig_dotconfig_next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

bool kconfig_dotconfig_is_comment(const char *line)
{
	struct kconfig_setting s;

	return ends_line(line) ||
	       (line[0] == '#' && !kconfig_dotconfig_parse_line(&s, line));
}

/* Parse a hexadecimal number; `bare` accepts a number without 0x. */
static bool hex_value(struct bytes b, bool bare, unsigned long long *out)
{
	char *text = bytes_dup(b), *end = NULL;
	bool prefixed = str_starts(text, "0x") || str_starts(text, "0X");
	bool yes = (prefixed || bare) && strlen(text) < 20;

	if (yes)
		*out = strtoull(text, &end, 16);
	yes = yes && end > text && !*end;
	free(text);
	return yes;
}

bool kconfig_dotconfig_value_equal(struct bytes asked, struct bytes is)
{
	unsigned long long a, b;

	/* Kconfig reads only the first letter of "yes" and "no". */
	if (bytes_equal(asked, is) ||
	    (is.len == 1 && asked.len && asked.data[0] == is.data[0] &&
	     (bytes_equal(asked, bytes_str("yes")) ||
	      bytes_equal(asked, bytes_str("no")))))
		return true;
	return hex_value(is, false, &a) && hex_value(asked, true, &b) && a == b;
}

/* ---- tables ---- */

static struct kconfig_setting *find_setting(const struct kconfig_settings *all,
					    struct bytes symbol)
{
	struct map_entry *n = map_find(&all->map, map_hash(symbol));

	while (n && !bytes_equal(((struct kconfig_setting *)n)->symbol, symbol))
		n = map_next_match(n);
	return (struct kconfig_setting *)n;
}

void kconfig_settings_set(struct kconfig_settings *all,
			  const struct kconfig_setting *s)
{
	struct kconfig_setting *old = find_setting(all, s->symbol);

	if (!old) {
		old = xcalloc(1, sizeof(*old));
		map_add(&all->map, &old->map_entry, map_hash(s->symbol));
	}
	old->line = s->line;
	old->symbol = s->symbol;
	old->value = s->value;
}

void kconfig_settings_add_text(struct kconfig_settings *all, const char *text)
{
	struct kconfig_setting s;

	for (const char *at = text; *at; at = kconfig_dotconfig_next_line(at)) {
		if (kconfig_dotconfig_parse_line(&s, at))
			kconfig_settings_set(all, &s);
	}
}

const struct kconfig_setting *kconfig_settings_find(
	const struct kconfig_settings *all, struct bytes symbol)
{
	return find_setting(all, symbol);
}

void kconfig_settings_release(struct kconfig_settings *all)
{
	map_release_entries(&all->map, NULL);
	*all = (struct kconfig_settings){ 0 };
}

struct bytes kconfig_dotconfig_find_value(const char *config,
					  const char *symbol)
{
	struct bytes wanted = bytes_str(symbol), found = { 0 };
	struct kconfig_setting s;

	for (const char *at = config; *at;
	     at = kconfig_dotconfig_next_line(at)) {
		if (kconfig_dotconfig_parse_line(&s, at) &&
		    bytes_equal(s.symbol, wanted))
			found = s.value;
	}
	return found;
}

/* ---- words of a command line ---- */

bool kconfig_dotconfig_is_assignment(const char *word)
{
	return str_starts(word, PREFIX) || str_starts(word, "# " PREFIX);
}

/* Return true for y, m, n and every word that can be a number. */
static bool is_unquoted_value(const char *value)
{
	const char *hex = value + 2, *number = value + (*value == '-');

	if (str_starts(value, "0x") || str_starts(value, "0X"))
		return *hex && !hex[strspn(hex, HEX_DIGITS)];
	if (*number && !number[strspn(number, DIGITS)])
		return true;
	return str_list_has("y m n", ' ', value) ||
	       (!value[strspn(value, HEX_DIGITS)] && strpbrk(value, DIGITS));
}

int kconfig_dotconfig_parse_word(const char *word, char **line, struct err *err)
{
	size_t n = symbol_length(word), len;
	const char *value = word + n + 1;
	struct kconfig_setting s;
	struct buf out = { 0 };

	if (n && !word[n])
		return err_set(err, EINVAL,
			       "missing value; use %s=y, %s=n or another value",
			       word, word);
	if (!kconfig_dotconfig_parse_line(&s, word))
		return err_set(err, EINVAL,
			       "expected CONFIG_NAME=VALUE or \"# CONFIG_NAME "
			       "is not set\"");
	/* Quote only a single-line string that has no quotes yet. */
	len = n ? strlen(value) : 0;
	if (!n || strchr(word, '\n') ||
	    (len >= 2 && value[0] == '"' && value[len - 1] == '"') ||
	    is_unquoted_value(value)) {
		*line = xasprintf("%s\n", word);
		return 0;
	}
	buf_add(&out, word, (size_t)(value - word));
	buf_add_str(&out, "\"");
	for (; *value; value++)
		buf_printf(&out, strchr("\"\\", *value) ? "\\%c" : "%c",
			   *value);
	buf_add_str(&out, "\"\n");
	*line = buf_steal(&out);
	return 0;
}
