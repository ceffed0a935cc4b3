/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/place.h"

#include "base/digest.h"
#include "base/fs.h"
#include "kernel/environ.h"
#include "kernel/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 8 /* of the digest at the end of a directory's name */

/*
 * Where the user may have named the directory, and the variable by which make
 * is told (NULL: it sees the same environment).
 */
static const struct {
	const char *name;
	bool inherited;
	const char *variable;
} ways[] = {
	{ "O", false, "O" },
	{ "KBUILD_OUTPUT", false, "KBUILD_OUTPUT" },
	{ "KBUILD_OUTPUT", true, NULL },
	/* make reads O on its command line only. */
	{ "O", true, "O" },
};

/* Those of one command cannot share a directory. */
static char *part_of_dir(char *dir, const struct kernel_request *r)
{
	char *part;

	if (!dir || !r->part)
		return dir;
	part = xasprintf("%s/%s", dir, r->part);
	free(dir);
	return part;
}

char *kernel_place_asked(const struct kernel_request *r)
{
	return r->build_dir ? part_of_dir(fs_absolute(r->build_dir), r) : NULL;
}

/* As `make -C TREE O=DIR`: a relative one is relative to the tree. */
static char *given_dir(const struct kernel_plan *p, const char **variable)
{
	const char *dir = NULL;

	*variable = "O";
	if (p->request->build_dir)
		return kernel_place_asked(p->request);
	for (size_t i = 0; !dir && i < sizeof(ways) / sizeof(*ways); i++) {
		dir = kernel_environ_value(
			ways[i].inherited ? p->env :
					    strv_list(&p->request->variables),
			ways[i].name);
		*variable = ways[i].variable;
	}
	if (!dir)
		return NULL;
	/* make does not know which part of it is meant. */
	if (p->request->part && !*variable)
		*variable = "O";
	return part_of_dir(dir[0] == '/' ? xstrdup(dir) :
					   xasprintf("%s/%s", p->tree, dir),
			   p->request);
}

static bool tree_contains(const char *tree, const char *name)
{
	char *path = xasprintf("%s/%s", tree, name);
	bool yes = fs_exists(path);

	free(path);
	return yes;
}

/* What should not be in a directory's name becomes '_'. */
static void add_safe_word(struct buf *out, const char *word)
{
	for (size_t n = 0; n < 40 && word[n]; n++) {
		unsigned char c = (unsigned char)word[n];
		bool fine = isalnum(c) || strchr("+._-", c);

		buf_printf(out, "%c", fine && !(n == 0 && c == '.') ? c : '_');
	}
}

void kernel_place_add_name(struct buf *out, const char *path)
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

void kernel_place_add_config(struct buf *out, const struct kernel_request *r)
{
	kernel_place_add_name(out, r->kconfig ? r->kconfig : "defconfig");
	for (size_t i = 0; i < r->kconfig_add.n && i < 3; i++) {
		buf_add_str(out, "+");
		kernel_place_add_name(out, r->kconfig_add.v[i]);
	}
}

/* The digits tell apart what the shortened words do not. */
static char *chosen_dir(const struct kernel_plan *p)
{
	const struct kernel_request *r = p->request;
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
	for (size_t i = 0; i < r->kconfig_add.n; i++)
		buf_put_str(&key, r->kconfig_add.v[i]);
	digest_of(buf_bytes(&key), &d);
	digest_hex(&d, hex);

	add_safe_word(&name, str_base(p->tree));
	buf_printf(&name, "-%s-", p->arch.arch);
	kernel_place_add_config(&name, r);
	buf_add_str(&name, "-");
	add_safe_word(&name, compiler);
	dir = xasprintf("%s/build/%s-%.*s", cache, buf_str(&name), DIGITS, hex);
	buf_release(&name);
	buf_release(&key);
	free(compiler);
	free(cache);
	return dir;
}

/* The kernel's own rule, checked before anything is started. */
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
	return err_set(err, EINVAL,
		       "the source tree %s is not clean, so nothing can be "
		       "built outside of it: run `make ARCH=%s mrproper` there",
		       p->tree, p->arch.arch);
}

static int check_path_chars(const char *what, const char *path, struct err *err)
{
	if (!strpbrk(path, " \t\n:"))
		return 0;
	return err_set(err, EINVAL,
		       "%s %s: make cannot build where a path holds a space or "
		       "a colon",
		       what, path);
}

static void trim_slashes(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
}

int kernel_place_find(struct kernel_place *out, const struct kernel_plan *p,
		      struct err *err)
{
	char *dir = given_dir(p, &out->variable), *real = NULL;
	int ret;

	out->kind = KERNEL_GIVEN;
	if (dir) {
		trim_slashes(dir);
		real = realpath(dir, NULL);
		if (str_equal(real ? real : dir, p->tree))
			out->kind = KERNEL_IN_TREE;
		/* make builds here unless its environment says otherwise. */
		if (out->kind == KERNEL_IN_TREE &&
		    !kernel_environ_value(p->env, "KBUILD_OUTPUT"))
			out->variable = NULL;
	} else if (p->source.dir) {
		out->kind = KERNEL_CHOSEN;
		dir = xasprintf("%s/build", p->source.dir);
	} else if (!p->request->part && tree_contains(p->tree, ".config")) {
		out->kind = KERNEL_IN_TREE;
		out->variable = NULL;
		dir = xstrdup(p->tree);
	} else {
		out->kind = KERNEL_CHOSEN;
		dir = chosen_dir(p);
	}
	free(real);
	ret = check_path_chars("source tree", p->tree, err);
	if (!ret)
		ret = check_path_chars("build directory", dir, err);
	if (!ret && out->kind != KERNEL_IN_TREE)
		ret = check_clean(p, err);
	if (ret) {
		free(dir);
		dir = NULL;
	}
	out->dir = dir;
	return ret;
}
