/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/devicetree.h"

#include "base/depfile.h"

#include <string.h>

/* The file that an option names, once. */
static bool set_file(const char **file, const char *value)
{
	if (*file || !value || *value == '-' || !depfile_is_plain(value))
		return false;
	*file = value;
	return true;
}

/* -b, -p, -a, -S, -R: a number. */
static bool is_dtc_number(const char *s)
{
	return *s >= '0' && *s <= '9' &&
	       !s[strspn(s, "0123456789abcdefABCDEFx")];
}

/* An option without a file, alone or with its value joined. */
static bool is_dtc_switch(const char *word)
{
	if (!strcmp(word, "-@") || !strcmp(word, "-q"))
		return true;
	return (word[1] == 'W' || word[1] == 'E') && word[2];
}

/* One option at words->v[at]: how many words it is; 0: it is not known. */
static size_t take_dtc_option(struct options_devicetree *t,
			      const struct strv *words, size_t at,
			      struct strv *rest)
{
	const char *word = words->v[at];
	const char *value = word[2]           ? word + 2 :
			    at + 1 < words->n ? words->v[at + 1] :
						NULL;
	size_t n = word[2] ? 1 : 2;

	switch (word[1]) {
	case 'o':
		return set_file(&t->blob, value) ? n : 0;
	case 'd':
		return set_file(&t->list, value) ? n : 0;
	case 'i': /* for /include/ and /incbin/, of which it may have none */
		return value ? n : 0;
	case 'b':
	case 'p':
	case 'a':
	case 'S':
	case 'R':
		if (!value || !is_dtc_number(value))
			return 0;
		if (rest)
			strv_addf(rest, "-%c%s", word[1], value);
		return n;
	default:
		if (is_dtc_switch(word) && rest)
			strv_add(rest, word);
		return is_dtc_switch(word);
	}
}

static bool are_apart(const struct options_devicetree *t)
{
	return strcmp(t->blob, t->list) != 0 && strcmp(t->blob, t->text) != 0 &&
	       strcmp(t->list, t->text) != 0;
}

bool options_devicetree_parse(struct options_devicetree *t,
			      const struct strv *words, struct strv *rest)
{
	*t = (struct options_devicetree){ 0 };
	for (size_t i = 0, n; i < words->n; i += n) {
		const char *word = words->v[i];

		if (word[0] != '-' || !word[1])
			n = set_file(&t->text, word);
		else
			n = take_dtc_option(t, words, i, rest);
		if (!n)
			return false;
	}
	/* By their suffixes dtc tells what they are. */
	return t->blob && t->list && t->text && are_apart(t) &&
	       (str_ends(t->blob, ".dtb") || str_ends(t->blob, ".dtbo")) &&
	       str_ends(t->text, ".tmp");
}

void options_devicetree_sides(struct options_sides *out,
			      const struct options_devicetree *t)
{
	*out = (struct options_sides){ .n = 2 };
	out->path[OPTIONS_DEVICETREE_TEXT] = xstrdup(t->text);
	out->path[OPTIONS_DEVICETREE_LIST] = xstrdup(t->list);
}
