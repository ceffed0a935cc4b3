/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/setting.h"

#include "base/buf.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "CONFIG_"
#define UNSET  " is not set"
#define LETTERS                      \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz0123456789_"
#define DIGITS     "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"

/* ---- lines ---- */

/* The letters of "CONFIG_X" at the front of a text, 0: none. */
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
 * The letters of a value that Kconfig looks at: a text up to its second quote,
 * of y, m and n the first one.
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

bool kernel_setting_of(struct kernel_setting *out, const char *line)
{
	bool unset = str_starts(line, "# " PREFIX);
	const char *symbol = unset ? line + 2 : line, *rest;
	size_t n = symbol_length(symbol), len;

	*out = (struct kernel_setting){ .line = line };
	rest = symbol + n;
	if (!n || (unset ? !str_starts(rest, UNSET) ||
				   !ends_line(rest + strlen(UNSET)) :
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

const char *kernel_setting_next(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

bool kernel_setting_is_comment(const char *line)
{
	struct kernel_setting s;

	return ends_line(line) ||
	       (line[0] == '#' && !kernel_setting_of(&s, line));
}

/* The number behind 0x, or where `bare` without it; false: none. */
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

/* Of "yes" and "no" Kconfig takes the first letter. */
static bool is_long_for(struct bytes asked, struct bytes is)
{
	return is.len == 1 && asked.len && asked.data[0] == is.data[0] &&
	       (bytes_equal(asked, bytes_str("yes")) ||
		bytes_equal(asked, bytes_str("no")));
}

bool kernel_setting_same(struct bytes asked, struct bytes is)
{
	unsigned long long a, b;

	if (bytes_equal(asked, is) || is_long_for(asked, is))
		return true;
	return hex_value(is, false, &a) && hex_value(asked, true, &b) && a == b;
}

/* ---- tables ---- */

static struct kernel_setting *find_setting(const struct kernel_settings *all,
					   struct bytes symbol)
{
	struct map_node *n = map_find(&all->map, map_hash(symbol));

	while (n && !bytes_equal(((struct kernel_setting *)n)->symbol, symbol))
		n = map_again(n);
	return (struct kernel_setting *)n;
}

void kernel_settings_put(struct kernel_settings *all,
			 const struct kernel_setting *s)
{
	struct kernel_setting *old = find_setting(all, s->symbol);

	if (!old) {
		old = xcalloc(1, sizeof(*old));
		map_add(&all->map, &old->node, map_hash(s->symbol));
	}
	old->line = s->line;
	old->symbol = s->symbol;
	old->value = s->value;
}

void kernel_settings_add(struct kernel_settings *all, const char *text)
{
	struct kernel_setting s;

	for (const char *at = text; *at; at = kernel_setting_next(at)) {
		if (kernel_setting_of(&s, at))
			kernel_settings_put(all, &s);
	}
}

const struct kernel_setting *kernel_settings_find(
	const struct kernel_settings *all, struct bytes symbol)
{
	return find_setting(all, symbol);
}

void kernel_settings_release(struct kernel_settings *all)
{
	map_release_all(&all->map, NULL);
	*all = (struct kernel_settings){ 0 };
}

struct bytes kernel_setting_value(const char *config, const char *symbol)
{
	struct bytes wanted = bytes_str(symbol), found = { 0 };
	struct kernel_setting s;

	for (const char *at = config; *at; at = kernel_setting_next(at)) {
		if (kernel_setting_of(&s, at) && bytes_equal(s.symbol, wanted))
			found = s.value;
	}
	return found;
}

/* ---- words of a command line ---- */

bool kernel_setting_is_word(const char *word)
{
	return str_starts(word, PREFIX) || str_starts(word, "# " PREFIX);
}

/* Not surely a text: y, m, n, or what can be a number. */
static bool is_plain_value(const char *value)
{
	const char *hex = value + 2, *number = value + (*value == '-');

	if (str_starts(value, "0x") || str_starts(value, "0X"))
		return *hex && !hex[strspn(hex, HEX_DIGITS)];
	if (*number && !number[strspn(number, DIGITS)])
		return true;
	return str_list_has("y m n", ' ', value) ||
	       (!value[strspn(value, HEX_DIGITS)] && strpbrk(value, DIGITS));
}

static bool is_quoted(const char *value)
{
	size_t n = strlen(value);

	return n >= 2 && value[0] == '"' && value[n - 1] == '"';
}

static char *quoted_line(const char *word, const char *value)
{
	struct buf out = { 0 };

	buf_add(&out, word, (size_t)(value - word));
	buf_add_str(&out, "\"");
	for (; *value; value++)
		buf_printf(&out, strchr("\"\\", *value) ? "\\%c" : "%c",
			   *value);
	buf_add_str(&out, "\"\n");
	return buf_steal(&out);
}

int kernel_setting_from_word(const char *word, char **line, struct err *err)
{
	size_t n = symbol_length(word);
	const char *value = word + n + 1;
	struct kernel_setting s;

	if (n && !word[n])
		return err_set(err, EINVAL,
			       "say what it is to be: %s=y, %s=n, or another "
			       "value",
			       word, word);
	if (!kernel_setting_of(&s, word))
		return err_set(err, EINVAL,
			       "neither CONFIG_NAME=VALUE nor \"# CONFIG_NAME "
			       "is not set\"");
	/* Several lines are as they are. */
	if (!n || strchr(word, '\n') || is_quoted(value) ||
	    is_plain_value(value))
		*line = xasprintf("%s\n", word);
	else
		*line = quoted_line(word, value);
	return 0;
}
