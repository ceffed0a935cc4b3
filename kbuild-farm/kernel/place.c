/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/place.h"

#include "base/digest.h"
#include "base/fs.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 8 /* of the digest at the end of a directory's name */

static const char *setting(const struct kernel_place_request *w,
			   const char *name)
{
	const struct strv *vars = &w->request->variables;
	const char *value = vars->v ? str_env(vars->v, name) : NULL;

	return value && *value ? value : NULL;
}

static const char *inherited(const struct kernel_place_request *w,
			     const char *name)
{
	const char *value = str_env(w->env, name);

	return value && *value ? value : NULL;
}

/*
 * As `make -C TREE O=DIR`: a relative one is relative to the tree.  *variable
 * is by what name make is told.  It hears O on its command line alone, and
 * what its environment says of KBUILD_OUTPUT by itself.
 */
static char *given_dir(const struct kernel_place_request *w,
		       const char **variable)
{
	const char *dir = setting(w, "O");

	*variable = "O";
	if (w->request->build_dir)
		return fs_absolute(w->request->build_dir);
	if (!dir) {
		dir = setting(w, "KBUILD_OUTPUT");
		*variable = "KBUILD_OUTPUT";
	}
	if (!dir) {
		dir = inherited(w, "KBUILD_OUTPUT");
		*variable = NULL;
	}
	if (!dir) {
		dir = inherited(w, "O");
		*variable = "O";
	}
	if (!dir || dir[0] == '/')
		return dir ? xstrdup(dir) : NULL;
	return xasprintf("%s/%s", w->tree, dir);
}

static bool has(const char *tree, const char *name)
{
	char *path = xasprintf("%s/%s", tree, name);
	bool yes = fs_exists(path);

	free(path);
	return yes;
}

/* What of it may be in a directory's name; the rest becomes '_'. */
static void add_word(struct buf *out, const char *word)
{
	for (size_t n = 0; n < 40 && word[n]; n++) {
		unsigned char c = (unsigned char)word[n];
		bool fine = isalnum(c) || strchr("+._-", c);

		buf_printf(out, "%c", fine && !(n == 0 && c == '.') ? c : '_');
	}
}

/* The last component, without ".config". */
static void add_base(struct buf *out, const char *path)
{
	const char *base = str_base(path);
	size_t n = strlen(base);
	char *word;

	if (n > 7 && str_ends(base, ".config"))
		n -= 7;
	word = xstrndup(base, n);
	add_word(out, word);
	free(word);
}

static void add_config(struct buf *out, const struct kernel_request *r)
{
	add_base(out, r->kconfig ? r->kconfig : "defconfig");
	for (size_t i = 0; i < r->kconfig_add.n && i < 3; i++) {
		buf_add_str(out, "+");
		add_base(out, r->kconfig_add.v[i]);
	}
}

/* The digits tell apart what the shortened words do not. */
static char *chosen_dir(const struct kernel_place_request *w)
{
	const struct kernel_request *r = w->request;
	struct buf key = { 0 }, name = { 0 };
	char *cache = fs_cache_home(), *dir;
	char hex[DIGEST_HEX];
	struct digest d;

	buf_put_str(&key, w->tree);
	buf_put_str(&key, w->arch);
	buf_put_str(&key, w->compiler);
	buf_put_str(&key, r->kconfig ? r->kconfig : "");
	for (size_t i = 0; i < r->kconfig_add.n; i++)
		buf_put_str(&key, r->kconfig_add.v[i]);
	digest_of(buf_bytes(&key), &d);
	digest_hex(&d, hex);

	add_word(&name, str_base(w->tree));
	buf_printf(&name, "-%s-", w->arch);
	add_config(&name, r);
	buf_add_str(&name, "-");
	add_word(&name, w->compiler);
	dir = xasprintf("%s/build/%s-%.*s", cache, buf_str(&name), DIGITS, hex);
	buf_release(&name);
	buf_release(&key);
	free(cache);
	return dir;
}

/* The kernel's own rule, told before anything was started. */
static int check_clean(const struct kernel_place_request *w, struct err *err)
{
	char *generated = xasprintf("arch/%s/include/generated", w->srcarch);
	bool unclean = has(w->tree, ".config") ||
		       has(w->tree, "include/config") ||
		       has(w->tree, generated);

	free(generated);
	if (!unclean)
		return 0;
	return err_set(err, EINVAL,
		       "the source tree %s is not clean, so nothing can be "
		       "built outside of it: run `make ARCH=%s mrproper` there",
		       w->tree, w->arch);
}

static int check_path(const char *what, const char *path, struct err *err)
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

int kernel_place_find(struct kernel_place *out,
		      const struct kernel_place_request *wish, struct err *err)
{
	char *dir = given_dir(wish, &out->variable), *real = NULL;
	int ret;

	out->kind = KERNEL_GIVEN;
	if (dir) {
		trim_slashes(dir);
		real = realpath(dir, NULL);
		if (str_equal(real ? real : dir, wish->tree))
			out->kind = KERNEL_IN_TREE;
		/* make builds here unless its environment says otherwise. */
		if (out->kind == KERNEL_IN_TREE &&
		    !inherited(wish, "KBUILD_OUTPUT"))
			out->variable = NULL;
	} else if (has(wish->tree, ".config")) {
		out->kind = KERNEL_IN_TREE;
		out->variable = NULL;
		dir = xstrdup(wish->tree);
	} else {
		out->kind = KERNEL_CHOSEN;
		dir = chosen_dir(wish);
	}
	free(real);
	ret = check_path("source tree", wish->tree, err);
	if (!ret)
		ret = check_path("build directory", dir, err);
	if (!ret && out->kind != KERNEL_IN_TREE)
		ret = check_clean(wish, err);
	if (ret) {
		free(dir);
		dir = NULL;
	}
	out->dir = dir;
	return ret;
}
