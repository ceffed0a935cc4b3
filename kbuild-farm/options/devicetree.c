/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/devicetree.h"

#include "base/depfile.h"

#include <string.h>

/*
 * Set the file of an option.  Return false if the file is already set or the
 * value is not usable.
 */
static bool set_file(const char **file, const char *value)
{
	if (*file || !value || *value == '-' || !depfile_is_unescaped(value))
		return false;
	*file = value;
	return true;
}

/* Return true for a numeric value of -b, -p, -a, -S and -R. */
static bool is_dtc_number(const char *s)
{
	return *s >= '0' && *s <= '9' &&
	       !s[strspn(s, "0123456789abcdefABCDEFx")];
}

/* Return true for an option that names no file and has no separate value. */
static bool is_dtc_switch(const char *word)
{
	if (!strcmp(word, "-@") || !strcmp(word, "-q"))
		return true;
	return (word[1] == 'W' || word[1] == 'E') && word[2];
}

/* Parse the option at words->v[at].  Return its number of words, 0 on error. */
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
		return set_file(&t->depfile, value) ? n : 0;
	case 'i': /* directory for /include/ and /incbin/ */
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

bool options_devicetree_parse(struct options_devicetree *t,
			      const struct strv *words, struct strv *rest)
{
	*t = (struct options_devicetree){ 0 };
	for (size_t i = 0, n; i < words->n; i += n) {
		const char *word = words->v[i];

		if (word[0] != '-' || !word[1])
			n = set_file(&t->source, word);
		else
			n = take_dtc_option(t, words, i, rest);
		if (!n)
			return false;
	}
	/* dtc derives the format of each file from its suffix. */
	return t->blob && t->depfile && t->source &&
	       strcmp(t->blob, t->depfile) != 0 &&
	       strcmp(t->blob, t->source) != 0 &&
	       strcmp(t->depfile, t->source) != 0 &&
	       (str_ends(t->blob, ".dtb") || str_ends(t->blob, ".dtbo")) &&
	       str_ends(t->source, ".tmp");
}

void options_devicetree_side_outputs(struct options_side_outputs *out,
				     const struct options_devicetree *t)
{
	*out = (struct options_side_outputs){ .n = 2 };
	out->path[OPTIONS_DEVICETREE_OUTPUT_SOURCE] = xstrdup(t->source);
	out->path[OPTIONS_DEVICETREE_OUTPUT_DEPFILE] = xstrdup(t->depfile);
}
