/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/compiler.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ASK_MS  20000
#define ASK_MAX 4096

/* The choice while it is being made; NULL: not given. */
struct choice {
	char *cross, *cc, *hostcc, *llvm;
};

static void choice_release(struct choice *w)
{
	free(w->cross);
	free(w->cc);
	free(w->hostcc);
	free(w->llvm);
}

static void replace(char **where, char *with)
{
	free(*where);
	*where = with;
}

/* make ignores CC and HOSTCC of the environment: the Makefile sets them. */
static void read_choice(struct choice *w,
			const struct build_compiler_wish *wish)
{
	const struct {
		const char *name;
		char **where;
		bool from_env;
	} all[] = {
		{ "CROSS_COMPILE", &w->cross, true },
		{ "CC", &w->cc, false },
		{ "HOSTCC", &w->hostcc, false },
		{ "LLVM", &w->llvm, true },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const char *value = NULL;

		if (wish->variables->v)
			value = str_env(wish->variables->v, all[i].name);
		if (!value && all[i].from_env)
			value = str_env(wish->env, all[i].name);
		if (value && *value)
			*all[i].where = xstrdup(value);
	}
	if (str_equal(w->llvm, "0"))
		replace(&w->llvm, NULL);
}

static bool on_path(const struct build_compiler *c, char *const *env,
		    const char *name)
{
	char *path = build_compiler_path(c, env);
	char *file = which(name, path);
	bool yes = file && !access(file, X_OK) && !fs_is_dir(file);

	free(file);
	free(path);
	return yes;
}

static int not_found(const char *name, const char *prefix, struct err *err)
{
	char *package = prefix ? build_arch_package(prefix) : NULL;
	int ret;

	if (package)
		ret = err_set(err, ENOENT,
			      "%s: not found in PATH; install the package %s, "
			      "or name another toolchain with -t",
			      name, package);
	else
		ret = err_set(err, ENOENT,
			      "%s: not found in PATH; install it, or name "
			      "another toolchain with -t",
			      name);
	free(package);
	return ret;
}

/* "gcc-13" of "gcc-13.3.0" is not the same: names are taken as they are. */
static bool is_version_of(const char *word, const char *tool)
{
	size_t n = strlen(tool);

	return str_starts(word, tool) && word[n] == '-' &&
	       isdigit((unsigned char)word[n + 1]);
}

static int read_toolchain(struct choice *w, const struct build_compiler *c,
			  const struct build_compiler_wish *wish,
			  struct err *err)
{
	const char *t = wish->toolchain;
	size_t n = strlen(t);

	if (!strcmp(t, "gcc"))
		return 0;
	if (!strcmp(t, "clang") || is_version_of(t, "clang")) {
		replace(&w->llvm, xstrdup(t[5] ? t + 5 : "1"));
		return 0;
	}
	if (is_version_of(t, "gcc")) {
		replace(&w->cc, xstrdup(t));
		return 0;
	}
	if (n && t[n - 1] != '-') {
		char *gcc = xasprintf("%s-gcc", t);
		bool found = on_path(c, wish->env, gcc);

		free(gcc);
		if (!found)
			return err_set(
				err, EINVAL,
				"-t %s: neither gcc, gcc-VERSION, clang, "
				"clang-VERSION nor the prefix of a gcc "
				"(which ends in -)",
				t);
		replace(&w->cross, xasprintf("%s-", t));
		return 0;
	}
	replace(&w->cross, xstrdup(t));
	return 0;
}

/* Take the directory off a name and remember it for PATH. */
static void take_directory(struct build_compiler *c, const char *variable,
			   char **value)
{
	const char *base = str_base(*value);
	char *dir, *absolute;

	if (base == *value || strpbrk(*value, " \t"))
		return;
	dir = str_dir(*value);
	absolute = fs_absolute(dir);
	strv_addf(&c->notes,
		  "%s=%s is used as %s with %s in PATH: a plain make that "
		  "names the directory sees changed commands",
		  variable, *value, *base ? base : "1", absolute);
	if (!strv_has(&c->dirs, absolute))
		strv_add(&c->dirs, absolute);
	replace(value, xstrdup(*base ? base : "1"));
	free(absolute);
	free(dir);
}

/* No prefix was named: one of Debian's for this architecture. */
static int default_prefix(struct choice *w, const struct build_compiler *c,
			  const struct build_arch *arch,
			  const struct build_compiler_wish *wish,
			  struct err *err)
{
	/* CC=gcc-13 is only half a name: which binutils, which prefix? */
	const char *suffix = w->cc && is_version_of(w->cc, "gcc") ? w->cc :
								    "gcc";
	char host[32], *name;
	int ret;

	build_arch_host(host);
	if (!strcmp(host, arch->srcarch) || !strcmp(arch->srcarch, "um"))
		return 0;
	for (int i = 0; i < BUILD_ARCH_PREFIXES && arch->prefix[i]; i++) {
		name = xasprintf("%s%s", arch->prefix[i], suffix);
		if (on_path(c, wish->env, name)) {
			w->cross = xstrdup(arch->prefix[i]);
			free(name);
			return 0;
		}
		free(name);
	}
	if (w->llvm || (w->cc && !is_version_of(w->cc, "gcc")))
		return 0;
	if (!arch->prefix[0])
		return err_set(err, ENOENT,
			       "no cross compiler is known for %s; name its "
			       "prefix with -t",
			       arch->arch);
	name = xasprintf("%s%s", arch->prefix[0], suffix);
	ret = not_found(name, arch->prefix[0], err);
	free(name);
	return ret;
}

static char *compiler_name(const struct choice *w)
{
	if (w->cc)
		return xstrdup(w->cc);
	if (w->llvm)
		return xasprintf("clang%s", w->llvm[0] == '-' ? w->llvm : "");
	return xasprintf("%sgcc", w->cross ? w->cross : "");
}

/* -t gcc-13 and a prefix: CC is the compiler's whole name. */
static void complete_cc(struct choice *w,
			const struct build_compiler_wish *wish)
{
	if (wish->toolchain && w->cross && w->cc && is_version_of(w->cc, "gcc"))
		replace(&w->cc, xasprintf("%s%s", w->cross, w->cc));
}

static bool is_elf(const char *path)
{
	char magic[4] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool yes = fd >= 0 && read(fd, magic, 4) == 4 &&
		   !memcmp(magic, "\177ELF", 4);

	if (fd >= 0)
		close(fd);
	return yes;
}

/* Find the file of a compiler, or say why it cannot be linked. */
static int resolve(struct build_compiler *c, const char *variable,
		   const char *name, char *const *env, char **file,
		   struct err *err)
{
	char *path, *why = NULL;

	*file = NULL;
	if (strpbrk(name, " \t")) {
		why = xasprintf("%s is several words (%s)", variable, name);
		*file = xstrdup("");
	} else {
		path = build_compiler_path(c, env);
		*file = which_compiler(name, path, NULL);
		if (!*file && (*file = which(name, path)) != NULL)
			why = xasprintf("%s leads to a compiler cache alone",
					*file);
		else if (*file && !is_elf(*file))
			why = xasprintf("%s is a script", *file);
		free(path);
	}
	if (why && !c->unlinked)
		c->unlinked = why;
	else
		free(why);
	return *file ? 0 : not_found(name, NULL, err);
}

static int ask_version(struct build_compiler *c, char *const *env,
		       struct err *err)
{
	char *words = xstrdup(*c->path ? c->path : c->name), *save = NULL;
	char *path = build_compiler_path(c, env);
	struct strv argv = { 0 }, with = { 0 };
	struct spawn ask = { .fd = { -1, -1, -1 } };
	struct buf out = { 0 };
	int status = 0, ret;

	/* A PATH of ours before the user's: the first one counts. */
	strv_addf(&with, "PATH=%s", path);
	strv_add_all(&with, env);
	for (char *w = strtok_r(words, " \t", &save); w;
	     w = strtok_r(NULL, " \t", &save))
		strv_add(&argv, w);
	if (!c->is_clang)
		strv_add(&argv, "-dumpfullversion");
	strv_add(&argv, "-dumpversion");
	ask.argv = argv.v;
	ask.env = with.v;
	ret = spawn_capture(&ask, ASK_MAX, ASK_MS, &out, &status, err);
	if (!ret && (status || !isdigit((unsigned char)*buf_str(&out))))
		ret = err_set(err, ENOEXEC,
			      "%s does not tell its version: it does not run "
			      "here, or is no C compiler",
			      c->name);
	if (!ret)
		c->version = xstrndup(buf_str(&out),
				      strcspn(buf_str(&out), "\n "));
	buf_release(&out);
	strv_release(&argv);
	strv_release(&with);
	free(path);
	free(words);
	return ret;
}

bool build_compiler_older(const char *a, const char *b)
{
	for (;;) {
		char *end_a, *end_b;
		unsigned long n = strtoul(a, &end_a, 10);
		unsigned long m = strtoul(b, &end_b, 10);

		if (n != m)
			return n < m;
		if (*end_a != '.' && *end_b != '.')
			return false;
		a = *end_a == '.' ? end_a + 1 : end_a;
		b = *end_b == '.' ? end_b + 1 : end_b;
	}
}

/* Trees before 5.13 have no such script: then make has to find out. */
static int check_minimum(const struct build_compiler *c,
			 const struct build_arch *arch,
			 const struct build_compiler_wish *wish,
			 struct err *err)
{
	char *script = xasprintf("%s/scripts/min-tool-version.sh",
				 wish->tree ? wish->tree : "");
	char *tool = xstrdup(c->is_clang ? "llvm" : "gcc");
	char *argv[] = { (char[]){ "/bin/sh" }, script, tool, NULL };
	struct strv env = { 0 };
	struct spawn ask = { .argv = argv, .fd = { -1, -1, -1 } };
	struct buf out = { 0 };
	int status = 0, ret = 0;

	strv_addf(&env, "SRCARCH=%s", arch->srcarch);
	ask.env = env.v;
	if (wish->tree && fs_exists(script) &&
	    !spawn_capture(&ask, ASK_MAX, ASK_MS, &out, &status, err) &&
	    !status && build_compiler_older(c->version, buf_str(&out)))
		ret = err_set(err, ENOTSUP,
			      "%s is version %s, but this tree needs %s %.*s "
			      "or newer; name a newer one with -t",
			      c->name, c->version, tool,
			      (int)strcspn(buf_str(&out), "\n"), buf_str(&out));
	buf_release(&out);
	strv_release(&env);
	free(tool);
	free(script);
	return ret;
}

static void set_vars(struct build_compiler *c, const struct choice *w)
{
	if (w->cross)
		strv_addf(&c->vars, "CROSS_COMPILE=%s", w->cross);
	if (w->llvm)
		strv_addf(&c->vars, "LLVM=%s", w->llvm);
	if (w->cc)
		strv_addf(&c->vars, "CC=%s", w->cc);
	if (w->hostcc)
		strv_addf(&c->vars, "HOSTCC=%s", w->hostcc);
}

static int decide(struct build_compiler *c, struct choice *w,
		  const struct build_arch *arch,
		  const struct build_compiler_wish *wish, struct err *err)
{
	int ret = wish->toolchain ? read_toolchain(w, c, wish, err) : 0;

	if (ret)
		return ret;
	if (w->cross)
		take_directory(c, "CROSS_COMPILE", &w->cross);
	if (w->cc)
		take_directory(c, "CC", &w->cc);
	if (w->hostcc)
		take_directory(c, "HOSTCC", &w->hostcc);
	if (w->llvm)
		take_directory(c, "LLVM", &w->llvm);
	if (!w->cross)
		ret = default_prefix(w, c, arch, wish, err);
	if (!ret)
		complete_cc(w, wish);
	return ret;
}

int build_compiler_choose(struct build_compiler *c,
			  const struct build_arch *arch,
			  const struct build_compiler_wish *wish,
			  struct err *err)
{
	struct choice w = { 0 };
	char *host = NULL;
	int ret;

	*c = (struct build_compiler){ 0 };
	read_choice(&w, wish);
	ret = decide(c, &w, arch, wish, err);
	if (ret)
		goto out;
	set_vars(c, &w);
	c->name = compiler_name(&w);
	c->is_clang = strstr(str_base(c->name), "clang") != NULL;
	ret = resolve(c, "CC", c->name, wish->env, &c->path, err);
	if (ret == -ENOENT)
		not_found(c->name, c->is_clang ? NULL : w.cross, err);
	if (!ret)
		ret = resolve(c, "HOSTCC",
			      w.hostcc ? w.hostcc :
			      w.llvm   ? c->name :
					 "gcc",
			      wish->env, &host, err);
	if (!ret)
		ret = ask_version(c, wish->env, err);
	if (!ret)
		ret = check_minimum(c, arch, wish, err);
out:
	free(host);
	choice_release(&w);
	return ret;
}

char *build_compiler_path(const struct build_compiler *c, char *const *env)
{
	const char *path = str_env(env, "PATH");
	struct strv all = { 0 };
	char *out;

	strv_add_all(&all, c->dirs.v);
	strv_add(&all, path ? path : "/usr/local/bin:/usr/bin:/bin");
	out = strv_join(&all, ":");
	strv_release(&all);
	return out;
}

void build_compiler_release(struct build_compiler *c)
{
	free(c->name);
	free(c->path);
	free(c->version);
	free(c->unlinked);
	strv_release(&c->vars);
	strv_release(&c->dirs);
	strv_release(&c->notes);
	*c = (struct build_compiler){ 0 };
}
