/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/unknown-target.h"

#include "base/fs.h"
#include "base/vec.h"
#include "kconfig/suggest.h"
#include "kernel/environ.h"
#include "kernel/goal.h"
#include "kernel/target-outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAKEFILE_MAX (1u << 20)
#define ARCH_DEPTH   3 /* reaches arch/mips/loongson64/Platform */
#define LISTED_MAX   8 /* maximum number of targets named in one error */

/* Characters of a file name, of a path, and of a file name without suffixes. */
#define NAME_LETTERS                                           \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789_-+."
#define PATH_LETTERS NAME_LETTERS "/"
#define STEM_LETTERS                                           \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789_-"

/* Makefiles that are searched for rules of targets. */
struct makefiles {
	const struct kernel_plan *plan;
	struct buf text;
	struct strv files; /* paths of the makefiles */
	/* these makefiles include a file whose name cannot be determined */
	bool incomplete;
};

/* ---- words and patterns ---- */

/*
 * Return true if `text` contains the whole word `word`.  Words consist of
 * `letters`.
 */
static bool text_has_word(const char *text, const char *word,
			  const char *letters)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
		if ((at == text || !strchr(letters, at[-1])) &&
		    (!at[n] || !strchr(letters, at[n])))
			return true;
	}
	return false;
}

/* Return the end of "$(...)" or "${...}", which may be nested. */
static const char *reference_end(const char *at)
{
	unsigned open = 0;

	for (at++; *at; at++) {
		open += *at == '(' || *at == '{';
		if ((*at == ')' || *at == '}') && !--open)
			return at + 1;
	}
	return at;
}

/*
 * A name that a makefile computes: letters, a part that can be anything, and
 * letters.
 */
struct pattern {
	const char *left, *right;
	size_t n_left, n_right;
};

/*
 * Find the letters around `at`, a '%' or a reference to a variable.  Letters
 * that are adjacent to another '%' or reference are ignored.
 */
static struct pattern read_pattern(const char *text, const char *at,
				   const char *letters)
{
	struct pattern p = { .left = at, .right = at + 1 };

	if (*at == '$')
		p.right = reference_end(at);
	while (p.left > text && strchr(letters, p.left[-1]))
		p.left--;
	p.n_left = (size_t)(at - p.left);
	if (p.left > text && strchr(")}%", p.left[-1]))
		p.n_left = 0;
	p.n_right = strspn(p.right, letters);
	if (p.right[p.n_right] && strchr("$%", p.right[p.n_right]))
		p.n_right = 0;
	return p;
}

/* A pattern with one letter, such as the "%s" of printf, is ignored. */
static bool pattern_fits(const struct pattern *p, const char *name)
{
	size_t n = strlen(name);

	return p->n_left + p->n_right > 1 && n >= p->n_left + p->n_right &&
	       !memcmp(name, p->left, p->n_left) &&
	       !memcmp(name + n - p->n_right, p->right, p->n_right);
}

/*
 * Return true if the reference to a variable at `at` is the whole stem of an
 * object's name, as in "obj-m := $(NAME).o".
 */
static bool is_object_reference(const char *text, const char *at)
{
	const char *end = reference_end(at);

	return (at == text || strchr(" \t=", at[-1])) &&
	       str_starts(end, ".o") && strchr(" \t\n", end[2]);
}

/*
 * Return true if `text` calls `function`, "addprefix" or "addsuffix", with an
 * argument that `name` starts or ends with, such as "help-" in "addprefix
 * help-,".
 */
static bool has_affix(const char *text, const char *function, const char *name)
{
	size_t n;

	for (const char *at = text; (at = strstr(at, function)) != NULL;) {
		struct pattern p = { 0 };

		at += strlen(function);
		at += strspn(at, " \t");
		n = strspn(at, NAME_LETTERS);
		if (at[n] != ',')
			continue;
		if (!strcmp(function, "addprefix"))
			p = (struct pattern){ .left = at, .n_left = n };
		else
			p = (struct pattern){ .right = at, .n_right = n };
		p.left = p.left ? p.left : at;
		p.right = p.right ? p.right : at;
		if (pattern_fits(&p, name))
			return true;
	}
	return false;
}

/*
 * Return true if `text` computes a name that may equal `name`.  `letters` are
 * the letters of names.  If `stem` is set, `name` has no suffix, and the
 * suffixes of patterns are ignored.
 */
static bool has_pattern(const char *text, const char *name, const char *letters,
			bool stem)
{
	bool recipe = false;

	for (const char *at = text; *at; at++) {
		struct pattern p;
		size_t n;

		if (at == text || at[-1] == '\n')
			recipe = *at == '\t';
		if (recipe || (*at != '%' &&
			       (*at != '$' || !at[1] || !strchr("({", at[1]))))
			continue;
		if (stem && *at == '$' && is_object_reference(text, at))
			return true;
		p = read_pattern(text, at, letters);
		n = stem ? strcspn(p.right, ".") : p.n_right;
		p.n_right = n < p.n_right ? n : p.n_right;
		if (pattern_fits(&p, name))
			return true;
	}
	return has_affix(text, "addprefix", name) ||
	       has_affix(text, "addsuffix", name);
}

/*
 * Return true if a pattern rule of `text` makes files of any name from files of
 * fixed names, as "%.c: generate.sh" does.
 */
static bool has_generator(const char *text)
{
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		const char *wild = memchr(line, '%', n);
		const char *colon = wild ? memchr(wild, ':',
						  n - (size_t)(wild - line)) :
					   NULL;

		if (colon && *line != '\t' && *line != '#' && colon[1] != '=' &&
		    (wild == line || !strchr(NAME_LETTERS, wild[-1])) &&
		    !memchr(colon, '%', n - (size_t)(colon - line)))
			return true;
		line += n + (line[n] == '\n');
	}
	return false;
}

/* ---- reading ---- */

static void add_makefile(struct makefiles *m, const char *path)
{
	struct err ignored;

	if (strv_has(&m->files, path) || fs_is_dir(path) ||
	    fs_read(path, MAKEFILE_MAX, &m->text, &ignored))
		return;
	buf_add_str(&m->text, "\n");
	strv_add(&m->files, path);
}

static bool is_makefile_name(const char *name)
{
	return str_starts(name, "Makefile") || str_starts(name, "Kbuild") ||
	       !strcmp(name, "GNUmakefile") || !strcmp(name, "makefile") ||
	       !strcmp(name, "Platform") || str_ends(name, ".mk") ||
	       str_ends(name, ".include");
}

/* Add the makefiles in `dir` and, down to `depth`, in its subdirectories. */
static void add_makefiles(struct makefiles *m, const char *dir, unsigned depth)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (is_makefile_name(names.v[i]))
			add_makefile(m, path);
		else if (depth && !strchr(names.v[i], '.') && fs_is_dir(path))
			add_makefiles(m, path, depth - 1);
		free(path);
	}
	strv_release(&names);
}

/*
 * Return `word` with expanded references to kbuild's variables for directories
 * and for the architecture.  The caller frees the result.
 */
static char *expand_include(const struct kernel_plan *p, const char *word)
{
	const struct {
		const char *reference, *value;
	} known[] = {
		{ "$(srctree)", p->tree },
		{ "$(KBUILD_SRC)", p->tree },
		{ "$(objtree)", p->builddir.dir },
		{ "$(SRCARCH)", p->arch.srcarch },
		{ "$(ARCH)", p->arch.srcarch },
	};
	char *out = xstrdup(word);

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		char *at = strstr(out, known[i].reference), *next;

		if (!at)
			continue;
		next = xasprintf("%.*s%s%s", (int)(at - out), out,
				 known[i].value,
				 at + strlen(known[i].reference));
		free(out);
		out = next;
	}
	return out;
}

/*
 * Read the file that an include directive names.  Skip saved commands and
 * auto.conf: they contain no rules for targets.  Also skip the makefiles of
 * scripts/ and of platforms, because read_top() reads all of them.
 */
static void read_include(struct makefiles *m, const char *word)
{
	static const char *const harmless[] = {
		"include-y", ".cmd",         "cmd_files",    "auto.conf",
		"/Platform", "$(ARCH_DIR)/", "$(HOST_DIR)/",
	};
	const char *const roots[] = { m->plan->tree, m->plan->builddir.dir };
	char *name, *path;

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
		if (strstr(word, harmless[i]))
			return;
	}
	name = expand_include(m->plan, word);
	if (strchr(name, '$')) {
		m->incomplete = true;
	} else if (name[0] == '/') {
		add_makefile(m, name);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
			path = xasprintf("%s/%s", roots[i], name);
			add_makefile(m, path);
			free(path);
		}
	}
	free(name);
}

/* Return the operands of an include directive, or NULL for another line. */
static const char *include_operands(const char *line)
{
	line += strspn(line, " ");
	line += *line == '-' || *line == 's';
	if (!str_starts(line, "include") || !strchr(" \t", line[7]))
		return NULL;
	return line + 7 + strspn(line + 7, " \t");
}

/* Read the files that the line of an include directive names. */
static void read_include_line(struct makefiles *m, const char *words)
{
	while (words && *words && *words != '#') {
		const char *from = words;
		char *word;

		/* A reference may contain blanks. */
		while (*words && !strchr(" \t", *words))
			words = words[0] == '$' && words[1] == '(' ?
					reference_end(words) :
					words + 1;
		word = xstrndup(from, (size_t)(words - from));
		/* The names on the continuation line are not read. */
		if (!strcmp(word, "\\"))
			m->incomplete = true;
		else
			read_include(m, word);
		free(word);
		words += strspn(words, " \t");
	}
}

/*
 * Read the makefiles that can have rules for goals of the top make: the top
 * Makefile and the files that it includes.  The names of some included files
 * are computed, so read all makefiles of their directories.
 */
static void read_top(struct makefiles *m)
{
	/* make reads only the first of these that exists. */
	static const char *const names[] = { "GNUmakefile", "makefile",
					     "Makefile" };
	const struct kernel_plan *p = m->plan;
	char *arch = xasprintf("%s/arch/%s", p->tree, p->arch.srcarch);
	char *scripts = xasprintf("%s/scripts", p->tree);
	/* User-mode Linux includes arch/x86/Makefile.um. */
	char *host = xasprintf("%s/arch/x86", p->tree);
	bool continued = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *path = xasprintf("%s/%s", p->tree, names[i]);

		add_makefile(m, path);
		free(path);
	}
	for (size_t at = 0; at < m->text.len;) {
		size_t n = strcspn(buf_str(&m->text) + at, "\n");
		char *line = xstrndup(buf_str(&m->text) + at, n);

		at += n + 1;
		/* On a continuation line, -include can be a compiler option. */
		if (!continued)
			read_include_line(m, include_operands(line));
		continued = str_ends(line, "\\");
		free(line);
	}
	add_makefiles(m, arch, ARCH_DEPTH);
	add_makefiles(m, scripts, 0);
	if (p->module.dir)
		add_makefiles(m, p->module.dir, 0);
	if (!strcmp(p->arch.srcarch, "um"))
		add_makefiles(m, host, 0);
	free(host);
	free(scripts);
	free(arch);
}

/* ---- single files and directories ---- */

/* Return true if `dir` has a file whose name starts with `stem` and a dot. */
static bool has_source(const char *dir, const char *stem)
{
	size_t n = strlen(stem);
	struct strv names = { 0 };
	bool found = false;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n && !found; i++)
		found = !strncmp(names.v[i], stem, n) && names.v[i][n] == '.';
	strv_release(&names);
	return found;
}

/*
 * Return true if a makefile in `dir`, relative to `root`, or in one of its
 * parents can have a rule for files whose names start with `stem`.
 */
static bool dir_has_rule(const struct kernel_plan *p, const char *root,
			 const char *dir, const char *stem)
{
	static const char *const names[] = { "Kbuild", "Makefile" };
	struct makefiles m = { .plan = p };
	char *at = xstrdup(dir), *up;
	bool own = true, top, found = false;

	do {
		struct strv lines = { 0 };

		top = !strcmp(at, ".");
		buf_reset(&m.text);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			char *path = xasprintf("%s/%s/%s", root, at, names[i]);

			/* The top Makefile has been searched already. */
			if (!top || i == 0 || strcmp(root, p->tree) != 0)
				add_makefile(&m, path);
			free(path);
		}
		strv_split(&lines, buf_str(&m.text), "\n");
		for (size_t i = 0; i < lines.n; i++)
			found |= include_operands(lines.v[i]) != NULL;
		strv_release(&lines);
		found |= text_has_word(buf_str(&m.text), stem, STEM_LETTERS) ||
			 has_pattern(buf_str(&m.text), stem, STEM_LETTERS,
				     true) ||
			 (own && has_generator(buf_str(&m.text)));
		own = false;
		up = str_dir(at);
		free(at);
		at = up;
	} while (!found && !top);
	free(at);
	strv_release(&m.files);
	buf_release(&m.text);
	return found;
}

/*
 * Return true if `root`/`name`, a single file, can have a rule below `root` or
 * in the top makefiles `top`.
 */
static bool file_has_rule(const struct makefiles *top, const char *root,
			  const char *name)
{
	const struct kernel_plan *p = top->plan;
	char *dir = str_dir(name);
	char *stem = xstrndup(str_base(name), strcspn(str_base(name), "."));
	char *path = xasprintf(
		"%.*s", (int)(str_base(name) - name + (long)strlen(stem)),
		name);
	char *source = xasprintf("%s/%s", root, dir);
	char *made = kernel_plan_path(p, dir);
	bool yes = !*stem ||
		   text_has_word(buf_str(&top->text), name, PATH_LETTERS) ||
		   has_pattern(buf_str(&top->text), path, PATH_LETTERS, true);

	if (str_ends(stem, "-asn1"))
		stem[strlen(stem) - strlen("-asn1")] = '\0';
	if (!yes && fs_is_dir(source))
		yes = has_source(source, stem) || has_source(made, stem) ||
		      dir_has_rule(p, root, dir, stem);
	else if (!yes)
		yes = fs_is_dir(made);
	free(made);
	free(source);
	free(path);
	free(stem);
	free(dir);
	return yes;
}

/* ---- targets ---- */

/*
 * Return true if a build in the source tree has generated the file DIR/NAME,
 * that is, if the file has a saved command or a makefile in DIR names it.
 */
static bool is_made_by_kbuild(const struct kernel_plan *p, const char *dir,
			      const char *name)
{
	char *command = xasprintf("%s/.%s.cmd", dir, name);
	char *makefile = xasprintf("%s/Makefile", dir);
	char *kbuild = xasprintf("%s/Kbuild", dir);
	struct makefiles m = { .plan = p };
	bool yes;

	add_makefile(&m, makefile);
	add_makefile(&m, kbuild);
	yes = fs_exists(command) ||
	      text_has_word(buf_str(&m.text), name, NAME_LETTERS);
	strv_release(&m.files);
	buf_release(&m.text);
	free(kbuild);
	free(makefile);
	free(command);
	return yes;
}

/*
 * Return true if the target is a source file, a makefile or a Kconfig file of
 * the tree or of the module's directory.  For such a target, make only prints
 * "Nothing to be done".
 */
static bool is_source(const struct kernel_plan *p, const char *name)
{
	const char *base = str_base(name), *suffix = strrchr(base, '.');
	char *path = xasprintf("%s/%s", p->module.dir ? p->module.dir : p->tree,
			       name);
	char *dir = str_dir(path);
	bool yes = fs_exists(path);

	if (suffix && str_list_has(".c .h .S .rs .dts .dtsi", ' ', suffix))
		yes = yes && !is_made_by_kbuild(p, dir, base);
	else if (!str_starts(base, "Kconfig") && !is_makefile_name(base))
		yes = false;
	free(dir);
	free(path);
	return yes;
}

/* Return true if `name` is the path of a source file without its suffix. */
static bool is_object_stem(const struct kernel_plan *p, const char *name)
{
	char *c = xasprintf("%s/%s.c", p->tree, name);
	char *assembler = xasprintf("%s/%s.S", p->tree, name);
	bool yes = fs_exists(c) || fs_exists(assembler);

	free(assembler);
	free(c);
	return yes;
}

/* make accepts an existing file as a target, without a rule. */
static bool is_file_target(const struct kernel_plan *p, const char *name)
{
	char *made = kernel_plan_path(p, name);
	char *source = xasprintf("%s/%s", p->tree, name);
	bool yes = fs_exists(made) || fs_exists(source);

	free(source);
	free(made);
	return yes;
}

/* Return true if make can have a rule for the target. */
static bool may_have_rule(const struct makefiles *top, const char *target)
{
	const struct kernel_plan *p = top->plan;
	const char *text = buf_str(&top->text);
	bool dtb = str_ends(target, ".dtb") || str_ends(target, ".dtbo");
	char *dts;
	bool yes;

	/* Some versions of Linux also make single files by absolute paths. */
	if (top->incomplete || target[0] == '/' || is_file_target(p, target))
		return true;
	if (p->module.dir && !kernel_target_is_single_file(target) &&
	    (dtb || strchr(target, '/')))
		return true;
	if (dtb) {
		dts = xasprintf("%s/arch/%s/boot/dts", p->tree,
				p->arch.srcarch);
		yes = !fs_is_dir(dts) || !strstr(text, "%.dtb") ||
		      file_has_rule(top, dts, target);
		free(dts);
		return yes;
	}
	if (kernel_target_is_single_file(target))
		return file_has_rule(
			top, p->module.dir ? p->module.dir : p->tree, target);
	if (strchr(target, '/'))
		return (!str_ends(target, "/") && !is_object_stem(p, target)) ||
		       text_has_word(text, target, PATH_LETTERS) ||
		       has_pattern(text, target, PATH_LETTERS, false);
	return text_has_word(text, target, NAME_LETTERS) ||
	       has_pattern(text, target, NAME_LETTERS, false);
}

/*
 * Return true if kfarm has a recipe for the target or the top Makefile names
 * the target.  Also return true for a target that only prints or asks the user:
 * for such a target, kfarm starts make at once, and make itself rejects an
 * unknown target.
 */
static bool is_obvious(const struct kernel_plan *p, const char *target)
{
	return !strcmp(target, "kernel") || kernel_goal_find_recipe(target) ||
	       kernel_target_kind(target) != KERNEL_TARGET_KIND_BUILD ||
	       (!strchr(target, '/') &&
		text_has_word(buf_str(&p->makefile_text), target,
			      NAME_LETTERS));
}

char *kernel_unknown_target_text(const struct kernel_plan *p,
				 const char *target)
{
	return kconfig_suggest_target(p->tree, p->arch.srcarch, p->arch.arch,
				      buf_str(&p->makefile_text), p->module.dir,
				      target);
}

static int set_unknown_error(const struct kernel_plan *p,
			     const struct strv *unknown, struct err *err)
{
	struct strv lines = { 0 };
	char *text;

	for (size_t i = 0; i < unknown->n && i < LISTED_MAX; i++)
		strv_own(&lines, kernel_unknown_target_text(p, unknown->v[i]));
	if (unknown->n > LISTED_MAX)
		strv_addf(&lines, "and %zu more unknown targets",
			  unknown->n - LISTED_MAX);
	text = strv_join(&lines, "\n  ");
	err_set(err, EINVAL, "%s%s", lines.n > 1 ? "unknown targets:\n  " : "",
		text);
	free(text);
	strv_release(&lines);
	return -EINVAL;
}

int kernel_unknown_target_check(const struct kernel_plan *p, struct err *err)
{
	const struct strv *targets = &p->request->targets;
	struct makefiles top = { .plan = p };
	struct strv unknown = { 0 };
	bool read = false;
	int ret = 0;

	/* make also reads the makefiles that this variable names. */
	if (kernel_environ_value(p->env, "MAKEFILES"))
		return 0;
	for (size_t i = 0; i < targets->n; i++) {
		bool source = is_source(p, targets->v[i]);

		if (!source && is_obvious(p, targets->v[i]))
			continue;
		if (!source && !read) {
			read_top(&top);
			read = true;
		}
		if ((source || !may_have_rule(&top, targets->v[i])) &&
		    !strv_has(&unknown, targets->v[i]))
			strv_add(&unknown, targets->v[i]);
	}
	if (unknown.n)
		ret = set_unknown_error(p, &unknown, err);
	strv_release(&unknown);
	strv_release(&top.files);
	buf_release(&top.text);
	return ret;
}
