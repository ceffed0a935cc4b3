/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kconfig/suggest.h"

#include "base/fs.h"
#include "base/spellcheck.h"
#include "kconfig/kconfig.h"

#include <stdlib.h>
#include <string.h>

#define MAKEFILE_MAX (1u << 20)
#define LETTERS                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR" \
	"STUVWXYZ0123456789_.-"

char *kconfig_suggest_parse_no_rule(const char *text)
{
	static const char says[] = "*** No rule to make target '";
	const char *at = text, *end;

	while ((at = strstr(at, says)) != NULL) {
		at += strlen(says);
		end = strchr(at, '\'');
		/*
		 * make prints a full stop after the closing quote of a target,
		 * but ", needed by 'x'" after the closing quote of a
		 * prerequisite.
		 */
		if (end && end[1] == '.')
			return xstrndup(at, (size_t)(end - at));
	}
	return NULL;
}

/* Add every word of the first `len` bytes of `line`. */
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

/*
 * Add the targets that are named in the lines of a Makefile.  In the help
 * target's recipe, "@echo '* Image - ...'" names the target Image.
 */
static void add_targets(struct strv *out, const char *text)
{
	const char *colon, *at;
	size_t len;

	for (; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (!len || text[0] == '#')
			continue;
		colon = memchr(text, ':', len);
		if (text[0] == '\t') {
			at = memmem(text, len, "echo", 4);
			at = at ? memchr(at, '\'', len - (size_t)(at - text)) :
				  NULL;
			if (!at)
				continue;
			at += 1 + strspn(at + 1, " *");
			if (strspn(at, LETTERS) > 1)
				strv_own(out,
					 xstrndup(at, strspn(at, LETTERS)));
		} else if (memmem(text, len, "TARGETS", 7) ||
			   memmem(text, len, "PHONY", 5)) {
			add_words(out, text, len);
		} else if (colon && !memchr(text, '=', len) &&
			   !memchr(text, '$', len)) {
			add_words(out, text, (size_t)(colon - text));
		}
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

/* Add the subdirectories of `dir` as "WITHIN/NAME/". */
static void list_subdirs(struct strv *out, const char *dir, const char *within)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (fs_is_dir(path) && !strcmp(within, "."))
			strv_addf(out, "%s/", names.v[i]);
		else if (fs_is_dir(path))
			strv_addf(out, "%s/%s/", within, names.v[i]);
		free(path);
	}
	strv_release(&names);
}

/*
 * Add the candidates for `target`, a file or directory below `root`.  If
 * kernel/fork.c exists, "kernel/fork.o" is a candidate for each of the targets
 * "kernel/frok.o", "kernel/fork.c" and "kernel/fork".  "drivers/net/" is a
 * candidate for "drivers/nett/".
 */
static void list_objects(struct strv *out, const char *root, const char *target)
{
	char *path = xstrndup(target, strlen(target) - str_ends(target, "/"));
	char *within = str_dir(path);
	char *dir = xasprintf("%s/%s", root, within);
	const char *suffix = strrchr(str_base(target), '.');
	struct strv names = { 0 };

	if (!suffix || str_list_has(".c .S .rs .dts", ' ', suffix))
		suffix = suffix && !strcmp(suffix, ".dts") ? ".dtb" : ".o";
	if (str_ends(target, "/"))
		list_subdirs(out, dir, within);
	else
		fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *dot = strrchr(names.v[i], '.');

		if (dot && dot > names.v[i] &&
		    str_list_has(".c .S .s .rs .dts", ' ', dot))
			strv_addf(out, "%s%s%.*s%s",
				  strcmp(within, ".") ? within : "",
				  strcmp(within, ".") ? "/" : "",
				  (int)(dot - names.v[i]), names.v[i], suffix);
	}
	strv_release(&names);
	free(dir);
	free(within);
	free(path);
}

/*
 * Return a suggestion with the candidate of `known` that is most similar to
 * `word`, or `otherwise` if no candidate is similar.  Skip a candidate that
 * equals `unknown`, the word that the user wrote: a Makefile can contain the
 * word although make has no rule for it.  The caller frees the result.
 */
static char *format_suggestion(const char *word, const char *unknown,
			       const struct strv *known, const char *otherwise)
{
	struct spellcheck n;

	spellcheck_init(&n, word);
	for (size_t i = 0; i < known->n; i++) {
		if (strcmp(known->v[i], unknown))
			spellcheck_add(&n, known->v[i]);
	}
	return spellcheck_suggestion(&n, "", otherwise);
}

char *kconfig_suggest_target(const char *tree, const char *srcarch,
			     const char *arch, const char *makefile,
			     const char *module_dir, const char *target)
{
	char *of_arch = xasprintf("arch/%s/Makefile", srcarch);
	char *configs = xasprintf("%s/arch/%s/configs", tree, srcarch);
	char *dts = xasprintf("%s/arch/%s/boot/dts", tree, srcarch);
	const char *device_trees = dts + strlen(tree) + 1, *wanted = target;
	struct strv known = { 0 };
	char *question, *out;

	if (str_ends(target, ".dtb") || str_ends(target, ".dtbo") ||
	    str_ends(target, ".dts")) {
		/* make expects the path below arch/ARCH/boot/dts. */
		if (str_starts(target, device_trees))
			wanted += strlen(device_trees) + 1;
		list_objects(&known, dts, wanted);
	}
	if (strchr(target, '/') || (module_dir && strchr(target, '.'))) {
		list_objects(&known, module_dir ? module_dir : tree, target);
	} else {
		strv_add(&known, "kernel");
		strv_add(&known, "vmlinux");
		add_targets(&known, makefile);
		read_tree_makefile(&known, tree, of_arch);
		read_tree_makefile(&known, tree, "scripts/kconfig/Makefile");
		fs_list(configs, &known);
	}
	question = format_suggestion(wanted, target, &known,
				     "; `kfarm build help` lists targets");
	out = xasprintf("%s has no target \"%s\" for %s%s",
			module_dir ? module_dir : "this tree", target, arch,
			question);
	free(question);
	strv_release(&known);
	free(dts);
	free(configs);
	free(of_arch);
	return out;
}

static void list_configs(struct strv *out, const char *tree, const char *dir)
{
	char *path = xasprintf("%s/%s", tree, dir);

	fs_list(path, out);
	free(path);
}

char *kconfig_suggest_config(const char *tree, const char *srcarch,
			     const struct strv *named, const char *name)
{
	char *of_arch = xasprintf("arch/%s/configs", srcarch), *question;
	struct strv known = { 0 };

	strv_split(&known, KCONFIG_MAKE_TARGETS, " ");
	if (named)
		strv_add_all(&known, strv_list(named));
	list_configs(&known, tree, of_arch);
	list_configs(&known, tree, "configs");
	question = format_suggestion(name, name, &known, "");
	strv_release(&known);
	free(of_arch);
	return question;
}

char *kconfig_suggest_fragment(const char *tree, const char *srcarch,
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
	question = format_suggestion(name, name, &known, "");
	strv_release(&known);
	strv_release(&found);
	free(of_arch);
	return question;
}
