/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kconfig-find.h"

#include "base/fs.h"
#include "base/url.h"
#include "kernel/config-text.h"
#include "kernel/kconfig.h"
#include "kernel/setting.h"
#include "kernel/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAKEFILE_MAX (1u << 20)

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISDIR(st.st_mode);
}

/* ---- URLs ---- */

static bool has_scheme(const char *word, const char *scheme)
{
	return !strncasecmp(word, scheme, strlen(scheme));
}

bool kernel_kconfig_is_remote(const char *word)
{
	return has_scheme(word, "http://") || has_scheme(word, "https://");
}

/* The path of file:///PATH or file://localhost/PATH (RFC 8089); NULL: it is on
 * another machine.  The caller frees it. */
static char *path_of_url(const char *url)
{
	const char *at = url + strlen("file://");

	if (has_scheme(at, "localhost/"))
		at += strlen("localhost");
	return *at == '/' ? xstrdup(at) : NULL;
}

static int read_config_url(const struct kernel_request *r, const char *url,
			   char **out, struct err *err)
{
	char *path;
	int ret;

	for (size_t i = 0; r->fetched && i < r->fetched->url.n; i++) {
		if (strcmp(r->fetched->url.v[i], url) != 0)
			continue;
		*out = xstrdup(r->fetched->text.v[i]);
		return 0;
	}
	if (!has_scheme(url, "file://"))
		return err_set(err, EINVAL,
			       "nothing is fetched from there: only https, "
			       "http and file are");
	path = path_of_url(url);
	if (!path)
		return err_set(err, EINVAL,
			       "a file URL names no other machine: "
			       "file:///PATH");
	if (url_unescape(path))
		ret = kernel_config_text_read(path, out, err);
	else
		ret = err_set(err, EINVAL, "a %% that is no %%XX");
	free(path);
	return ret;
}

/* ---- names ---- */

/* The architecture's Makefile has rules like "ppc64le_defconfig:". */
static bool makefile_names(const struct kernel_kconfig_tree *t,
			   const char *name)
{
	char *path = xasprintf("%s/arch/%s/Makefile", t->dir, t->srcarch);
	struct buf text = { 0 };
	struct err ignored;
	bool yes = !fs_read(path, MAKEFILE_MAX, &text, &ignored) &&
		   strstr(buf_str(&text), name);

	buf_release(&text);
	free(path);
	return yes;
}

bool kernel_kconfig_is_target(const struct kernel_kconfig_tree *t,
			      const char *word)
{
	char *of_arch, *of_all;
	bool yes;

	if (str_list_has(KERNEL_CONFIG_TARGETS, ' ', word))
		return true;
	/* "x.config" merges a fragment into the .config that there is. */
	if (strchr(word, '/') || !str_ends(word, "config") ||
	    str_ends(word, ".config"))
		return false;
	of_arch = xasprintf("%s/arch/%s/configs/%s", t->dir, t->srcarch, word);
	of_all = xasprintf("%s/configs/%s", t->dir, word); /* U-Boot's */
	yes = is_file(of_arch) || is_file(of_all) || makefile_names(t, word);
	free(of_all);
	free(of_arch);
	return yes;
}

/* `word` as a path from here or from the tree; the caller frees it. */
static char *find_file(const struct kernel_kconfig_tree *t, const char *word)
{
	char *path;

	if (is_file(word))
		return xstrdup(word);
	path = xasprintf("%s/%s", t->dir, word);
	if (word[0] != '/' && strchr(word, '/') && is_file(path))
		return path;
	free(path);
	return NULL;
}

static char *find_fragment(const struct kernel_kconfig_tree *t,
			   const char *word)
{
	char *of_arch = xasprintf("arch/%s/configs", t->srcarch);
	char *path = find_file(t, word);

	for (int i = 0; !path && i < 4; i++) {
		path = xasprintf("%s/%s/%s%s", t->dir,
				 i < 2 ? "kernel/configs" : of_arch, word,
				 i % 2 ? ".config" : "");
		if (!is_file(path)) {
			free(path);
			path = NULL;
		}
	}
	free(of_arch);
	return path;
}

/*
 * What names neither a file nor a configuration.  Only what a revision may lack
 * is -ENOENT: git skips such a revision, and would skip all for a wrong path.
 */
static int refuse_odd_word(const struct kernel_kconfig_tree *t,
			   const char *word, struct err *err)
{
	size_t n = strlen(t->dir);
	bool of_tree = !strncmp(word, t->dir, n) && word[n] == '/';

	if (!*word)
		return err_set(err, EINVAL, "the name is empty");
	if (strchr(word, '/') && fs_is_dir(word))
		return err_set(err, EISDIR, "that is a directory");
	if (word[0] == '/' && !of_tree && !is_file(word))
		return err_set(err, EINVAL, "there is no such file");
	return 0;
}

static int refuse_base(const struct kernel_kconfig_tree *t,
		       const struct kernel_request *r, const char *word,
		       struct err *err)
{
	char *fragment = find_fragment(t, word), *question;
	int ret;

	if (fragment && *word) {
		ret = err_set(err, ENOENT,
			      "no such configuration; a fragment has that "
			      "name, which -K %s adds",
			      word);
	} else {
		question = kernel_suggest_config(t->dir, t->srcarch, r->configs,
						 word);
		ret = err_set(err, ENOENT,
			      "no such file, and no such configuration in "
			      "%s/arch/%s/configs%s%s",
			      t->dir, t->srcarch,
			      r->configs && r->configs->n ?
				      " or the configuration file" :
				      "",
			      question);
		free(question);
	}
	free(fragment);
	return ret;
}

/* NAME=VALUE without what stands in front of every symbol. */
static bool lacks_prefix(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return n && word[n] == '=';
}

static int refuse_fragment(const struct kernel_kconfig_tree *t,
			   const struct kernel_request *r, const char *word,
			   struct err *err)
{
	char *question;
	int ret;

	(void)r;
	if (lacks_prefix(word))
		return err_set(err, ENOENT,
			       "no such file; did you mean \"CONFIG_%s\"?",
			       word);
	question = kernel_suggest_fragment(t->dir, t->srcarch, word);
	ret = err_set(err, ENOENT,
		      "no such file, and no such fragment in kernel/configs or "
		      "arch/%s/configs of %s%s",
		      t->srcarch, t->dir, question);
	free(question);
	return ret;
}

/* The text that a word of -k or -K names, with what finds its file. */
static int asked_text(const struct kernel_kconfig_tree *t,
		      const struct kernel_request *r, const char *word,
		      char *(*find)(const struct kernel_kconfig_tree *t,
				    const char *word),
		      int (*refuse)(const struct kernel_kconfig_tree *t,
				    const struct kernel_request *r,
				    const char *word, struct err *err),
		      char **out, struct err *err)
{
	char *path;
	int ret;

	if (url_is(word))
		return read_config_url(r, word, out, err);
	ret = refuse_odd_word(t, word, err);
	if (ret)
		return ret;
	path = find(t, word);
	ret = path ? kernel_config_text_read(path, out, err) :
		     refuse(t, r, word, err);
	free(path);
	return ret;
}

int kernel_kconfig_base_text(const struct kernel_kconfig_tree *t,
			     const struct kernel_request *r, const char *word,
			     char **out, struct err *err)
{
	return asked_text(t, r, word, find_file, refuse_base, out, err);
}

int kernel_kconfig_fragment_text(const struct kernel_kconfig_tree *t,
				 const struct kernel_request *r,
				 const char *word, char **out, struct err *err)
{
	return asked_text(t, r, word, find_fragment, refuse_fragment, out, err);
}
