/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/compiler.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/vec.h"
#include "base/which.h"
#include "kernel/environ.h"
#include "kernel/minimum.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* A choice in progress; a name that was not given is NULL. */
struct choice {
	struct kernel_compiler *c;
	const struct kernel_arch *arch;
	const struct kernel_compiler_request *request;
	const char *word; /* of -t or the configuration; may be NULL */
	char *cross, *cc, *hostcc, *llvm;
	bool no_llvm; /* LLVM=0, which kbuild takes for clang */
};

static void set_string(char **where, char *with)
{
	free(*where);
	*where = with;
}

static void read_variable(const struct choice *w, const char *name,
			  bool inherited, char **where)
{
	const char *value = str_env(strv_list(w->request->variables), name);

	if (!value && inherited)
		value = str_env(w->request->env, name);
	if (value && *value)
		*where = xstrdup(value);
}

/* make ignores CC and HOSTCC of the environment: the Makefile sets them. */
static void read_variables(struct choice *w)
{
	read_variable(w, "CROSS_COMPILE", true, &w->cross);
	read_variable(w, "CC", false, &w->cc);
	read_variable(w, "HOSTCC", false, &w->hostcc);
	read_variable(w, "LLVM", true, &w->llvm);
	w->no_llvm = str_equal(w->llvm, "0");
	if (w->no_llvm)
		set_string(&w->llvm, NULL);
}

static bool on_path(const struct choice *w, const char *name)
{
	char *path = kernel_environ_path(&w->c->dirs, w->request->env);
	char *file = which(name, path);
	bool yes = file && which_is_program(file);

	free(file);
	free(path);
	return yes;
}

/* `word`: the release that was asked for, "gcc" for any; NULL: no release. */
static int compiler_missing(const struct choice *w, const char *name,
			    const char *prefix, const char *word,
			    struct err *err)
{
	struct toolchain_release r = { 0 };
	struct err ignored;
	bool released = word && !toolchain_release_parse(word, &r, &ignored);
	char *get = released ? kernel_installed_advice(w->arch, &r) : NULL;
	/* Debian's package has one version only. */
	char *package = prefix && !r.n ? kernel_arch_package(prefix) : NULL;

	err_set(err, ENOENT, "%s: not found in PATH%s; %s%s%s%s%s", name,
		released ? " nor installed" : "", get ? get : "",
		get ? "; or " : "",
		package  ? "install the package " :
		released ? "name" :
			   "install it, or name",
		package ? package : "",
		package ? ", or name another toolchain with -t" :
			  " another toolchain with -t");
	free(package);
	free(get);
	return -ENOENT;
}

/* "gcc-13", "clang-15.0.7": the tool, a dash, a number. */
static bool is_version_of(const char *word, const char *tool)
{
	size_t n = strlen(tool);

	return str_starts(word, tool) && word[n] == '-' &&
	       isdigit((unsigned char)word[n + 1]);
}

static void add_path_dir(struct kernel_compiler *c, const char *dir)
{
	if (!strv_has(&c->dirs, dir))
		strv_add(&c->dirs, dir);
}

/* Is `name`, as PATH has it, the program `file`? */
static bool is_on_path_as(const struct choice *w, const char *name,
			  const char *file)
{
	char *path = kernel_environ_path(&w->c->dirs, w->request->env);
	char *found = which_compiler(name, path, NULL);
	char *a = found ? realpath(found, NULL) : NULL;
	char *b = realpath(file, NULL);
	bool same = a && b && !strcmp(a, b);

	free(b);
	free(a);
	free(found);
	free(path);
	return same;
}

static bool is_own_arch(const struct kernel_arch *arch)
{
	char host[32];

	kernel_arch_host(host);
	return !strcmp(host, arch->srcarch);
}

/*
 * The prefix by which PATH has the very tools of an adopted one, or NULL.  By
 * that they are called where nobody has named them, so what was built with
 * them stays built when somebody does.
 */
static char *prefix_of_adopted(const struct choice *w,
			       const struct toolchain_installed *t)
{
	size_t n = t->driver ? strlen(t->driver) : 0;
	char *prefix, *gcc, *ld;

	if (!t->adopted || t->is_clang || n <= 4 ||
	    !str_ends(t->driver, "-gcc"))
		return NULL;
	prefix = xstrndup(t->driver, n - 3);
	gcc = xasprintf("%s/%s", t->bin, t->driver);
	ld = xasprintf("%s/%sld", t->bin, prefix);
	if (!is_on_path_as(w, t->driver, gcc) ||
	    !is_on_path_as(w, str_base(ld), ld)) {
		free(prefix);
		prefix = NULL;
	}
	free(ld);
	free(gcc);
	return prefix;
}

static int choose_installed(struct choice *w,
			    const struct toolchain_installed *t,
			    struct err *err)
{
	char *prefix = prefix_of_adopted(w, t);
	int ret;

	if (prefix) {
		set_string(&w->cross, *prefix ? xstrdup(prefix) : NULL);
		set_string(&w->cc, NULL);
		free(prefix);
		return 0;
	}
	ret = kernel_installed_prefix(&w->c->installed, t, &prefix, err);
	if (ret)
		return ret;
	if (t->is_clang) {
		set_string(&w->llvm, prefix);
	} else {
		set_string(&w->cross, prefix);
		set_string(&w->cc, NULL);
	}
	add_path_dir(w->c, w->c->installed.bin);
	return 0;
}

/* A prefix that may lack its dash. */
static int read_prefix(struct choice *w, struct err *err)
{
	bool whole = !*w->word || str_ends(w->word, "-"), found;
	char *prefix = xasprintf("%s%s", w->word, whole ? "" : "-");
	char *gcc = xasprintf("%sgcc", prefix);

	set_string(&w->cross, prefix);
	found = whole || on_path(w, gcc) ||
		kernel_installed_has(&w->c->installed, gcc);
	free(gcc);
	if (found)
		return 0;
	return err_set(err, EINVAL,
		       "-t %s: neither gcc, gcc-VERSION, clang, clang-VERSION, "
		       "the id of an installed toolchain nor the prefix of a "
		       "gcc (which ends in -)",
		       w->word);
}

static int read_toolchain(struct choice *w, struct err *err)
{
	const struct toolchain_installed *found;
	const char *t = w->word;
	int ret = kernel_installed_find(&w->c->installed, w->arch, t, &found,
					err);

	if (ret) {
		err_wrap(err, "-t %s", t);
		return ret;
	}
	if (found)
		return choose_installed(w, found, err);
	if (!strcmp(t, "gcc"))
		return 0;
	if (!strcmp(t, "clang") || is_version_of(t, "clang"))
		set_string(&w->llvm, xstrdup(t[5] ? t + 5 : "1"));
	else if (is_version_of(t, "gcc"))
		set_string(&w->cc, xstrdup(t));
	else
		return read_prefix(w, err);
	return 0;
}

/* Take the directory off a name and remember it for PATH. */
static void move_dir_to_path(struct kernel_compiler *c, const char *variable,
			     char **value)
{
	const char *base = *value ? str_base(*value) : NULL;
	char *dir, *absolute;

	if (base == *value || strpbrk(*value, " \t"))
		return;
	dir = str_dir(*value);
	absolute = fs_absolute(dir);
	strv_addf(&c->notes,
		  "%s=%s is used as %s with %s in PATH: a plain make that "
		  "names the directory sees changed commands",
		  variable, *value, *base ? base : "1", absolute);
	add_path_dir(c, absolute);
	set_string(value, xstrdup(*base ? base : "1"));
	free(absolute);
	free(dir);
}

/* The first of Debian's prefixes on PATH; the caller frees it. */
static char *prefix_on_path(const struct choice *w, const char *suffix)
{
	const struct toolchain_arch *known = w->arch->known;

	for (size_t i = 0; known && i < known->prefixes.n; i++) {
		const char *prefix = known->prefixes.v[i];
		char *name = xasprintf("%s%s", prefix, suffix);
		bool found = on_path(w, name);

		free(name);
		if (found)
			return xstrdup(prefix);
	}
	return NULL;
}

/* No prefix was named, and Debian's is not there. */
static int without_prefix(struct choice *w, struct err *err)
{
	const struct toolchain_arch *known = w->arch->known;
	const struct toolchain_installed *found = NULL;
	char *name;
	int ret;

	if (!w->cc) {
		ret = kernel_installed_find(&w->c->installed, w->arch, "gcc",
					    &found, err);
		if (ret || found)
			return ret ? ret : choose_installed(w, found, err);
	}
	if (!known || !known->prefixes.n)
		return err_set(err, ENOENT,
			       "no cross compiler is known for %s; name its "
			       "prefix with -t",
			       w->arch->arch);
	name = xasprintf("%s%s", known->prefixes.v[0], w->cc ? w->cc : "gcc");
	ret = compiler_missing(w, name, known->prefixes.v[0],
			       w->word ? w->word : "gcc", err);
	free(name);
	return ret;
}

static int default_prefix(struct choice *w, struct err *err)
{
	/* CC=gcc-13 is only half a name: which binutils, which prefix? */
	bool half = w->cc && is_version_of(w->cc, "gcc");

	if (is_own_arch(w->arch) || !strcmp(w->arch->srcarch, "um"))
		return 0;
	w->cross = prefix_on_path(w, half ? w->cc : "gcc");
	if (w->cross || w->llvm || (w->cc && !half))
		return 0;
	return without_prefix(w, err);
}

static char *compiler_name(const struct choice *w)
{
	if (w->cc)
		return xstrdup(w->cc);
	if (w->llvm)
		return xasprintf("clang%s", w->llvm[0] == '-' ? w->llvm : "");
	return xasprintf("%sgcc", w->cross ? w->cross : "");
}

/* Find the file of a compiler, or say why it cannot be linked. */
static int find_compiler_file(const struct choice *w, const char *variable,
			      const char *name, char **file, struct err *err)
{
	char *path = kernel_environ_path(&w->c->dirs, w->request->env);
	char *why = NULL;

	if (strpbrk(name, " \t")) {
		why = xasprintf("%s is several words (%s)", variable, name);
		*file = xstrdup("");
	} else {
		*file = which_compiler(name, path, NULL);
		if (!*file && (*file = which(name, path)) != NULL)
			why = xasprintf("%s leads to a compiler cache alone",
					*file);
		else if (*file && !elf_is(*file))
			why = xasprintf("%s is a script", *file);
	}
	if (!w->c->unlinked)
		w->c->unlinked = why;
	else
		free(why);
	free(path);
	return *file ? 0 : compiler_missing(w, name, NULL, NULL, err);
}

static void add_variable(struct kernel_compiler *c, const char *name,
			 const char *value)
{
	if (value)
		strv_addf(&c->vars, "%s=%s", name, value);
}

static void set_vars(const struct choice *w)
{
	add_variable(w->c, "CROSS_COMPILE", w->cross);
	add_variable(w->c, "LLVM", !w->llvm && w->no_llvm ? "" : w->llvm);
	add_variable(w->c, "CC", w->cc);
	add_variable(w->c, "HOSTCC", w->hostcc);
}

/* [arch "X"] toolchain; x86 is x86_64 where this machine is one. */
static const char *configured_toolchain(const struct choice *w)
{
	const struct kernel_arch *arch = w->arch;
	const struct toolchain_arch *own;
	char *const *list;
	const char *word;
	struct utsname u;

	if (!w->request->standard)
		return NULL;
	list = strv_list(w->request->standard);
	word = str_env(list, arch->arch);
	if (word || strcmp(arch->arch, arch->srcarch) != 0 || uname(&u))
		return word;
	own = toolchain_data_arch(u.machine);
	if (!own)
		own = toolchain_data_arch_called(u.machine);
	if (!own || strcmp(own->srcarch, arch->srcarch) != 0)
		return NULL;
	return str_env(list, own->arch);
}

/* The names of installed ones mean DATA/bin wherever they come from. */
static void find_bin(const struct choice *w)
{
	const struct kernel_installed *in = &w->c->installed;
	char *ld = xasprintf("%sld", w->cross ? w->cross : "");

	if (kernel_installed_has(in, w->c->name) ||
	    (w->cross && kernel_installed_has(in, ld)))
		add_path_dir(w->c, in->bin);
	free(ld);
}

static int decide_names(struct choice *w, struct err *err)
{
	int ret = w->word ? read_toolchain(w, err) : 0;

	if (ret)
		return ret;
	move_dir_to_path(w->c, "CROSS_COMPILE", &w->cross);
	move_dir_to_path(w->c, "CC", &w->cc);
	move_dir_to_path(w->c, "HOSTCC", &w->hostcc);
	move_dir_to_path(w->c, "LLVM", &w->llvm);
	if (!w->cross)
		ret = default_prefix(w, err);
	if (ret)
		return ret;
	/* -t gcc-13 and a prefix: CC is the compiler's whole name. */
	if (w->word && w->cross && w->cc && is_version_of(w->cc, "gcc"))
		set_string(&w->cc, xasprintf("%s%s", w->cross, w->cc));
	w->c->name = compiler_name(w);
	w->c->is_clang = strstr(str_base(w->c->name), "clang") != NULL;
	find_bin(w);
	set_vars(w);
	return 0;
}

/* Check what was chosen: the files, the version, the tree's minimum. */
static int check_choice(const struct choice *w, struct err *err)
{
	struct kernel_compiler *c = w->c;
	const char *hostcc = w->hostcc ? w->hostcc : w->llvm ? c->name : "gcc";
	char *host = NULL;
	int ret = find_compiler_file(w, "CC", c->name, &c->path, err);

	if (ret == -ENOENT)
		compiler_missing(w, c->name, c->is_clang ? NULL : w->cross,
				 w->word, err);
	if (!ret)
		ret = kernel_compiler_lease(c, c->name, c->path, err);
	if (!ret)
		ret = find_compiler_file(w, "HOSTCC", hostcc, &host, err);
	if (!ret)
		ret = kernel_minimum_version(c, w->request->env, err);
	if (!ret)
		ret = kernel_minimum_check(c, w->arch, w->request->tree, err);
	free(host);
	return ret;
}

int kernel_compiler_choose(struct kernel_compiler *c,
			   const struct kernel_arch *arch,
			   const struct kernel_compiler_request *request,
			   struct err *err)
{
	struct choice w = { .c = c,
			    .arch = arch,
			    .request = request,
			    .word = request->toolchain };
	int ret;

	*c = (struct kernel_compiler){ 0 };
	read_variables(&w);
	if (!w.word && !w.cross && !w.cc && !w.llvm)
		w.word = configured_toolchain(&w);
	ret = kernel_installed_open(&c->installed, request->data, err);
	for (size_t i = 0; i < c->installed.list.broken.n; i++)
		strv_addf(&c->notes, "not used: %s",
			  c->installed.list.broken.v[i]);
	if (!ret)
		ret = decide_names(&w, err);
	if (!ret)
		ret = check_choice(&w, err);
	if (ret && w.word && w.word != request->toolchain)
		err_wrap(err, "[arch \"%s\"] toolchain = %s", arch->arch,
			 w.word);
	free(w.cross);
	free(w.cc);
	free(w.hostcc);
	free(w.llvm);
	return ret;
}

int kernel_compiler_lease(struct kernel_compiler *c, const char *name,
			  const char *path, struct err *err)
{
	const struct toolchain_installed *t = kernel_installed_owner(
		&c->installed, name, path);
	int fd;

	if (!t)
		return 0;
	fd = toolchain_installed_lease(t->dir, err);
	if (fd < 0)
		return fd;
	*VEC_ADD(c->lease, c->n_leases) = fd;
	kernel_installed_quirks(t, &c->notes);
	return 0;
}

int kernel_compiler_use(struct kernel_compiler *c, const char *name,
			struct err *err)
{
	char *path = xasprintf("%s/%s", c->installed.bin, name);
	int ret = kernel_compiler_lease(c, name, path, err);

	add_path_dir(c, c->installed.bin);
	free(path);
	return ret;
}

void kernel_compiler_release(struct kernel_compiler *c)
{
	free(c->name);
	free(c->path);
	free(c->version);
	free(c->unlinked);
	strv_release(&c->vars);
	strv_release(&c->dirs);
	strv_release(&c->notes);
	for (size_t i = 0; i < c->n_leases; i++)
		close(c->lease[i]);
	free(c->lease);
	kernel_installed_release(&c->installed);
	*c = (struct kernel_compiler){ 0 };
}
