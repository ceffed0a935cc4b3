/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/verb.h"

#include "base/buf.h"
#include "base/nearest.h"
#include "cli/cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct cmd_verb *cmd_verb_find(const struct cmd *c, const char *name)
{
	const struct cmd_verb *v;

	for (size_t i = 0; name && (v = c->verb(i)); i++) {
		if (!strcmp(v->name, name))
			return v;
	}
	return NULL;
}

/* "list, add or remove?" */
static char *all_names(const struct cmd *c)
{
	struct buf out = { 0 };
	const struct cmd_verb *v;

	for (size_t i = 0; (v = c->verb(i)); i++)
		buf_printf(&out, "%s%s",
			   !i             ? "" :
			   c->verb(i + 1) ? ", " :
					    " or ",
			   v->name);
	buf_add_str(&out, "?");
	return buf_steal(&out);
}

static void unknown_verb(const struct cmd *c, const char *name, struct err *err)
{
	char *names = all_names(c), *question;
	const struct cmd_verb *v;
	struct nearest n;

	if (!name) {
		err_set(err, EINVAL, "%s", names);
		free(names);
		return;
	}
	nearest_init(&n, name);
	for (size_t i = 0; (v = c->verb(i)); i++)
		nearest_try(&n, v->name);
	question = nearest_question(&n, "", "");
	err_set(err, EINVAL, "\"%s\" is unknown%s%s", name,
		*question ? question : "; ", *question ? "" : names);
	free(question);
	free(names);
}

/* The verb of that name, where it takes so many words and these options. */
static const struct cmd_verb *check_verb(const struct cmd *c, const char *name,
					 size_t n_words,
					 const struct strv *given,
					 struct err *err)
{
	const struct cmd_verb *v = cmd_verb_find(c, name);

	if (!v) {
		unknown_verb(c, name, err);
		return NULL;
	}
	for (size_t i = 0; i < given->n; i++) {
		if (str_list_has(v->takes, ' ', given->v[i]))
			continue;
		err_set(err, EINVAL, "--%s is not for %s", given->v[i],
			v->name);
		return NULL;
	}
	if (n_words < v->least || n_words > v->most) {
		err_set(err, EINVAL, "usage: kfarm %s %s%s", c->name, v->name,
			v->usage);
		return NULL;
	}
	return v;
}

const struct cmd_verb *cmd_verb_parse(const struct cmd *c, char *const *argv,
				      void *into, struct strv *words,
				      struct err *err)
{
	struct strv given = { 0 };
	const struct cmd_verb *verb = NULL;
	const char *name = NULL;
	struct args args;
	int got, ret = 0;

	args_init(&args, c->options, argv);
	while (!ret && (got = args_next(&args, err)) > 0) {
		if (got == ARGS_OPTION) {
			strv_add(&given, args.option->word);
			ret = args_store(&args, into, err);
		} else if (!name) {
			name = args.value;
		} else {
			strv_add(words, args.value);
		}
	}
	if (!ret && !got)
		verb = check_verb(c, name, words->n, &given, err);
	strv_release(&given);
	return verb;
}

char *cmd_verb_takers(const struct cmd *c, const char *option)
{
	struct strv names = { 0 };
	const struct cmd_verb *v;
	char *out;

	for (size_t i = 0; (v = c->verb(i)); i++) {
		if (str_list_has(v->takes, ' ', option))
			strv_add(&names, v->name);
	}
	out = strv_join(&names, ", ");
	strv_release(&names);
	return out;
}
