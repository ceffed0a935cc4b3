/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/builddir.h"

#include "base/digest.h"
#include "base/fs.h"
#include "kernel/environ.h"
#include "kernel/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 8 /* digits of the digest at the end of a directory name */

/*
 * Variables with which the user can name the build directory, in order of
 * precedence.  If `inherited` is set, the variable is read from the
 * environment, otherwise from make's command line.  `variable` is the variable
 * that passes the directory on make's command line; NULL means that make itself
 * reads the directory from the environment.
 */
static const struct {
	const char *name;
	bool inherited;
	const char *variable;
} dir_variables[] = {
	{ "O", false, "O" },
	{ "KBUILD_OUTPUT", false, "KBUILD_OUTPUT" },
	{ "KBUILD_OUTPUT", true, NULL },
	/* make reads O on its command line only. */
	{ "O", true, "O" },
};

/* The builds of one command cannot share a directory. */
static char *append_part_name(char *dir, const struct kconfig_request *r)
{
	char *part;

	if (!dir || !r->part_name)
		return dir;
	part = xasprintf("%s/%s", dir, r->part_name);
	free(dir);
	return part;
}

char *kernel_builddir_requested(const struct kconfig_request *r)
{
	return r->build_dir ?
		       append_part_name(fs_make_absolute(r->build_dir), r) :
		       NULL;
}

/*
 * Return the directory that the user names, or NULL.  A relative path in a
 * variable is relative to the tree, as for `make -C TREE O=DIR`.
 */
static char *given_dir(const struct kernel_plan *p, const char **variable)
{
	const char *dir = NULL;

	*variable = "O";
	if (p->request->build_dir)
		return kernel_builddir_requested(p->request);
	for (size_t i = 0;
	     !dir && i < sizeof(dir_variables) / sizeof(*dir_variables); i++) {
		dir = kernel_environ_value(
			dir_variables[i].inherited ?
				p->env :
				strv_list(&p->request->variables),
			dir_variables[i].name);
		*variable = dir_variables[i].variable;
	}
	if (!dir)
		return NULL;
	/*
	 * The environment names only the parent of this build's directory, so
	 * pass the directory as O=.
	 */
	if (p->request->part_name && !*variable)
		*variable = "O";
	return append_part_name(
		dir[0] == '/' ? xstrdup(dir) : xasprintf("%s/%s", p->tree, dir),
		p->request);
}

static bool tree_contains(const char *tree, const char *name)
{
	char *path = xasprintf("%s/%s", tree, name);
	bool yes = fs_exists(path);

	free(path);
	return yes;
}

/* Append up to 40 characters of `word`, unsuitable ones replaced by '_'. */
static void add_safe_word(struct buf *out, const char *word)
{
	for (size_t n = 0; n < 40 && word[n]; n++) {
		unsigned char c = (unsigned char)word[n];
		bool fine = isalnum(c) || strchr("+._-", c);

		buf_printf(out, "%c", fine && !(n == 0 && c == '.') ? c : '_');
	}
}

void kernel_builddir_add_name(struct buf *out, const char *path)
{
	const char *base = str_base(path);
	size_t n = strlen(base);
	char *word;

	if (n > 7 && str_ends(base, ".config"))
		n -= 7;
	word = xstrndup(base, n);
	add_safe_word(out, word);
	free(word);
}

void kernel_builddir_add_config(struct buf *out,
				const struct kconfig_request *r)
{
	kernel_builddir_add_name(out, r->kconfig ? r->kconfig : "defconfig");
	for (size_t i = 0; i < r->fragments.n && i < 3; i++) {
		buf_add_str(out, "+");
		kernel_builddir_add_name(out, r->fragments.v[i]);
	}
}

/*
 * The digits at the end of the name distinguish directories whose names are
 * equal otherwise.
 */
static char *default_dir_of(const struct kernel_plan *p)
{
	const struct kconfig_request *r = p->request;
	struct buf key = { 0 }, name = { 0 };
	char *cache = fs_cache_home(), *dir;
	char *compiler = xasprintf("%s-%s", str_base(p->compiler.name),
				   p->compiler.version);
	char hex[DIGEST_HEX];
	struct digest d;

	buf_put_str(&key, p->tree);
	buf_put_str(&key, p->arch.arch);
	buf_put_str(&key, compiler);
	buf_put_str(&key, r->kconfig ? r->kconfig : "");
	for (size_t i = 0; i < r->fragments.n; i++)
		buf_put_str(&key, r->fragments.v[i]);
	digest_bytes(buf_bytes(&key), &d);
	digest_format(&d, hex);

	add_safe_word(&name, str_base(p->tree));
	buf_printf(&name, "-%s-", p->arch.arch);
	kernel_builddir_add_config(&name, r);
	buf_add_str(&name, "-");
	add_safe_word(&name, compiler);
	dir = xasprintf("%s/build/%s-%.*s", cache, buf_str(&name), DIGITS, hex);
	buf_release(&name);
	buf_release(&key);
	free(compiler);
	free(cache);
	return dir;
}

/*
 * Before the build starts, reject a source tree that is not clean.  The tree's
 * Makefile would reject it later.
 */
static int check_clean(const struct kernel_plan *p, struct err *err)
{
	char *generated = xasprintf("arch/%s/include/generated",
				    p->arch.srcarch);
	bool unclean = tree_contains(p->tree, ".config") ||
		       tree_contains(p->tree, "include/config") ||
		       tree_contains(p->tree, generated);

	free(generated);
	if (!unclean)
		return 0;
	return err_set(
		err, EINVAL,
		"%s: source tree is not clean; run `make ARCH=%s mrproper` in "
		"it",
		p->tree, p->arch.arch);
}

static int check_path_chars(const char *what, const char *path, struct err *err)
{
	if (!strpbrk(path, " \t\n:"))
		return 0;
	return err_set(
		err, EINVAL,
		"%s %s: make does not support paths with spaces or colons",
		what, path);
}

int kernel_builddir_find(struct kernel_builddir *out,
			 const struct kernel_plan *p, struct err *err)
{
	char *dir = given_dir(p, &out->variable), *real = NULL;
	size_t n;
	int ret;

	out->kind = KERNEL_BUILDDIR_GIVEN;
	if (dir) {
		for (n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
			dir[n - 1] = '\0';
		real = realpath(dir, NULL);
		if (str_equal(real ? real : dir, p->tree))
			out->kind = KERNEL_BUILDDIR_IN_TREE;
		/* Without KBUILD_OUTPUT, make builds in the tree by default. */
		if (out->kind == KERNEL_BUILDDIR_IN_TREE &&
		    !kernel_environ_value(p->env, "KBUILD_OUTPUT"))
			out->variable = NULL;
	} else if (p->source.dir) {
		out->kind = KERNEL_BUILDDIR_DEFAULT;
		dir = xasprintf("%s/build", p->source.dir);
	} else if (!p->request->part_name &&
		   tree_contains(p->tree, ".config")) {
		out->kind = KERNEL_BUILDDIR_IN_TREE;
		out->variable = NULL;
		dir = xstrdup(p->tree);
	} else {
		out->kind = KERNEL_BUILDDIR_DEFAULT;
		dir = default_dir_of(p);
	}
	free(real);
	ret = check_path_chars("source tree", p->tree, err);
	if (!ret)
		ret = check_path_chars("build directory", dir, err);
	if (!ret && out->kind != KERNEL_BUILDDIR_IN_TREE)
		ret = check_clean(p, err);
	if (ret) {
		free(dir);
		dir = NULL;
	}
	out->dir = dir;
	return ret;
}
