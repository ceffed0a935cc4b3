/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/suggest.h"

#include "base/fs.h"
#include "base/nearest.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAKEFILE_MAX (1u << 20)
#define LETTERS                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR" \
	"STUVWXYZ0123456789_.-"

char *kernel_suggest_unknown(const char *text)
{
	static const char says[] = "*** No rule to make target '";
	const char *at = text, *end;

	while ((at = strstr(at, says)) != NULL) {
		at += strlen(says);
		end = strchr(at, '\'');
		/* "'.  Stop." or "'."; not "', needed by 'x'." */
		if (end && end[1] == '.')
			return xstrndup(at, (size_t)(end - at));
	}
	return NULL;
}

/* All words of the first `len` letters of `line`. */
static void add_words(struct strv *out, const char *line, size_t len)
{
	const char *end = line + len;

	while (line < end) {
		size_t n = strspn(line, LETTERS);

		if (n > (size_t)(end - line))
			n = (size_t)(end - line);
		if (n)
			strv_own(out, xstrndup(line, n));
		line += n ? n : 1;
	}
}

/* The first word that a recipe of `help` prints: "@echo '* Image - ...'" */
static void add_help_target(struct strv *out, const char *line, size_t len)
{
	const char *echo = memmem(line, len, "echo", 4), *quote;
	size_t n;

	quote = echo ? memchr(echo, '\'', len - (size_t)(echo - line)) : NULL;
	if (!quote)
		return;
	quote += 1 + strspn(quote + 1, " *");
	n = strspn(quote, LETTERS);
	if (n > 1)
		strv_own(out, xstrndup(quote, n));
}

/* The targets that a line of a Makefile names. */
static void add_line_targets(struct strv *out, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	bool lists = memmem(line, len, "TARGETS", 7) ||
		     memmem(line, len, "PHONY", 5);

	if (line[0] == '\t')
		add_help_target(out, line, len);
	else if (line[0] == '#')
		return;
	else if (lists)
		add_words(out, line, len);
	else if (colon && !memchr(line, '=', len) && !memchr(line, '$', len))
		add_words(out, line, (size_t)(colon - line));
}

static void add_targets(struct strv *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n)
			add_line_targets(out, text, n);
		text += n + (text[n] == '\n');
	}
}

static void read_tree_makefile(struct strv *out, const char *tree,
			       const char *name)
{
	char *path = xasprintf("%s/%s", tree, name);
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(path, MAKEFILE_MAX, &text, &ignored))
		add_targets(out, buf_str(&text));
	buf_release(&text);
	free(path);
}

static void list_known_targets(struct strv *out, const struct kernel_plan *p)
{
	char *of_arch = xasprintf("arch/%s/Makefile", p->arch.srcarch);
	char *configs = xasprintf("%s/arch/%s/configs", p->tree,
				  p->arch.srcarch);

	strv_add(out, "kernel");
	strv_add(out, "vmlinux");
	add_targets(out, buf_str(&p->makefile));
	read_tree_makefile(out, p->tree, of_arch);
	read_tree_makefile(out, p->tree, "scripts/kconfig/Makefile");
	fs_list(configs, out);
	free(configs);
	free(of_arch);
}

/* "kernel/fork.o" of "kernel/frok.o", where there is a kernel/fork.c. */
static void list_objects(struct strv *out, const struct kernel_plan *p,
			 const char *target)
{
	char *within = str_dir(target);
	char *dir = xasprintf("%s/%s", p->tree, within);
	const char *suffix = strrchr(str_base(target), '.');
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *dot = strrchr(names.v[i], '.');

		if (suffix && dot && dot > names.v[i] &&
		    str_list_has(".c .S .s .rs .dts", ' ', dot))
			strv_addf(out, "%s/%.*s%s", within,
				  (int)(dot - names.v[i]), names.v[i], suffix);
	}
	strv_release(&names);
	free(dir);
	free(within);
}

/* What make refused is no candidate, though a text may name it. */
static char *question_of(const char *word, const struct strv *known,
			 const char *otherwise)
{
	struct nearest n;

	nearest_init(&n, word);
	for (size_t i = 0; i < known->n; i++) {
		if (strcmp(known->v[i], word))
			nearest_try(&n, known->v[i]);
	}
	return nearest_question(&n, "", otherwise);
}

void kernel_suggest_target(const struct kernel_plan *p, const char *target,
			   struct err *err)
{
	struct strv known = { 0 };
	char *question;

	if (strchr(target, '/'))
		list_objects(&known, p, target);
	else
		list_known_targets(&known, p);
	question = question_of(target, &known,
			       "; `kfarm build help` lists targets");
	err_set(err, EINVAL, "this tree has no target \"%s\" for %s%s", target,
		p->arch.arch, question);
	free(question);
	strv_release(&known);
}

static void list_configs(struct strv *out, const char *tree, const char *dir)
{
	char *path = xasprintf("%s/%s", tree, dir);

	fs_list(path, out);
	free(path);
}

char *kernel_suggest_config(const char *tree, const char *srcarch,
			    const struct strv *named, const char *name)
{
	char *of_arch = xasprintf("arch/%s/configs", srcarch), *question;
	struct strv known = { 0 };

	strv_split(&known, KERNEL_CONFIG_TARGETS, " ");
	if (named)
		strv_add_all(&known, strv_list(named));
	list_configs(&known, tree, of_arch);
	list_configs(&known, tree, "configs");
	question = question_of(name, &known, "");
	strv_release(&known);
	free(of_arch);
	return question;
}

char *kernel_suggest_fragment(const char *tree, const char *srcarch,
			      const char *name)
{
	char *of_arch = xasprintf("arch/%s/configs", srcarch), *question;
	struct strv found = { 0 }, known = { 0 };

	list_configs(&found, tree, "kernel/configs");
	list_configs(&found, tree, of_arch);
	for (size_t i = 0; i < found.n; i++) {
		if (str_ends(found.v[i], ".config"))
			strv_addf(&known, "%.*s",
				  (int)(strlen(found.v[i]) - strlen(".config")),
				  found.v[i]);
	}
	strv_add_all(&known, strv_list(&found));
	question = question_of(name, &known, "");
	strv_release(&known);
	strv_release(&found);
	free(of_arch);
	return question;
}
