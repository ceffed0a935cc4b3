/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/compiler.h"

#include "base/fs.h"
#include "base/vec.h"
#include "base/which.h"
#include "kernel/minimum.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The choice while it is being made; NULL: not given. */
struct choice {
	char *cross, *cc, *hostcc, *llvm;
	bool no_llvm; /* LLVM=0, which kbuild takes for clang */
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
			const struct kernel_compiler_request *wish)
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
	if (str_equal(w->llvm, "0")) {
		replace(&w->llvm, NULL);
		w->no_llvm = true;
	}
}

static bool on_path(const struct kernel_compiler *c, char *const *env,
		    const char *name)
{
	char *path = kernel_compiler_path(c, env);
	char *file = which(name, path);
	bool yes = file && !access(file, X_OK) && !fs_is_dir(file);

	free(file);
	free(path);
	return yes;
}

/* `word`: the release that was asked for, "gcc" for any; NULL: no release. */
static int not_found(const char *name, const char *prefix,
		     const struct kernel_arch *arch, const char *word,
		     struct err *err)
{
	struct toolchain_release r = { 0 };
	struct err ignored;
	bool released = word && !toolchain_release_parse(word, &r, &ignored);
	char *get = released ? kernel_installed_advice(arch, &r) : NULL;
	/* Debian's is of one version only. */
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

/* "gcc-13" of "gcc-13.3.0" is not the same: names are taken as they are. */
static bool is_version_of(const char *word, const char *tool)
{
	size_t n = strlen(tool);

	return str_starts(word, tool) && word[n] == '-' &&
	       isdigit((unsigned char)word[n + 1]);
}

/* DATA/bin goes behind the links, with the names in it. */
static void use_bin(struct kernel_compiler *c)
{
	if (!strv_has(&c->dirs, c->installed.bin))
		strv_add(&c->dirs, c->installed.bin);
}

static int take_installed(struct choice *w, struct kernel_compiler *c,
			  const struct toolchain_installed *t, struct err *err)
{
	char *prefix;
	int ret = kernel_installed_prefix(&c->installed, t, &prefix, err);

	if (ret)
		return ret;
	if (t->is_clang) {
		replace(&w->llvm, prefix);
	} else {
		replace(&w->cross, prefix);
		replace(&w->cc, NULL);
	}
	use_bin(c);
	return 0;
}

/* A prefix that may lack its dash. */
static int read_prefix(struct choice *w, const struct kernel_compiler *c,
		       const char *t, char *const *env, struct err *err)
{
	size_t n = strlen(t);
	char *gcc;
	bool found;

	if (!n || t[n - 1] == '-') {
		replace(&w->cross, xstrdup(t));
		return 0;
	}
	gcc = xasprintf("%s-gcc", t);
	found = on_path(c, env, gcc) ||
		kernel_installed_has(&c->installed, gcc);
	free(gcc);
	if (!found)
		return err_set(err, EINVAL,
			       "-t %s: neither gcc, gcc-VERSION, clang, "
			       "clang-VERSION, the id of an installed "
			       "toolchain nor the prefix of a gcc (which ends "
			       "in -)",
			       t);
	replace(&w->cross, xasprintf("%s-", t));
	return 0;
}

static int read_toolchain(struct choice *w, struct kernel_compiler *c,
			  const struct kernel_arch *arch, const char *t,
			  char *const *env, struct err *err)
{
	const struct toolchain_installed *found;
	int ret = kernel_installed_find(&c->installed, arch, t, &found, err);

	if (ret) {
		err_wrap(err, "-t %s", t);
		return ret;
	}
	if (found)
		return take_installed(w, c, found, err);
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
	return read_prefix(w, c, t, env, err);
}

/* Take the directory off a name and remember it for PATH. */
static void take_directory(struct kernel_compiler *c, const char *variable,
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

/* One of Debian's that is on PATH; the caller frees it. */
static char *prefix_on_path(const struct kernel_compiler *c,
			    const struct kernel_arch *arch, const char *suffix,
			    char *const *env)
{
	for (size_t i = 0; arch->known && i < arch->known->prefixes.n; i++) {
		const char *prefix = arch->known->prefixes.v[i];
		char *name = xasprintf("%s%s", prefix, suffix);
		bool found = on_path(c, env, name);

		free(name);
		if (found)
			return xstrdup(prefix);
	}
	return NULL;
}

/* No prefix was named, and Debian's is not there. */
static int without_prefix(struct choice *w, struct kernel_compiler *c,
			  const struct kernel_arch *arch, const char *word,
			  struct err *err)
{
	const struct toolchain_installed *found = NULL;
	const char *suffix = w->cc ? w->cc : "gcc", *prefix;
	char *name;
	int ret;

	if (!w->cc) {
		ret = kernel_installed_find(&c->installed, arch, "gcc", &found,
					    err);
		if (ret || found)
			return ret ? ret : take_installed(w, c, found, err);
	}
	if (!arch->known || !arch->known->prefixes.n)
		return err_set(err, ENOENT,
			       "no cross compiler is known for %s; name its "
			       "prefix with -t",
			       arch->arch);
	prefix = arch->known->prefixes.v[0];
	name = xasprintf("%s%s", prefix, suffix);
	ret = not_found(name, prefix, arch, word ? word : "gcc", err);
	free(name);
	return ret;
}

static int default_prefix(struct choice *w, struct kernel_compiler *c,
			  const struct kernel_arch *arch, const char *word,
			  char *const *env, struct err *err)
{
	/* CC=gcc-13 is only half a name: which binutils, which prefix? */
	bool half = w->cc && is_version_of(w->cc, "gcc");
	char host[32];

	kernel_arch_host(host);
	if (!strcmp(host, arch->srcarch) || !strcmp(arch->srcarch, "um"))
		return 0;
	w->cross = prefix_on_path(c, arch, half ? w->cc : "gcc", env);
	if (w->cross || w->llvm || (w->cc && !half))
		return 0;
	return without_prefix(w, c, arch, word, err);
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
static void complete_cc(struct choice *w, const char *word)
{
	if (word && w->cross && w->cc && is_version_of(w->cc, "gcc"))
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
static int resolve(struct kernel_compiler *c, const struct kernel_arch *arch,
		   const char *variable, const char *name, char *const *env,
		   char **file, struct err *err)
{
	char *path, *why = NULL;

	*file = NULL;
	if (strpbrk(name, " \t")) {
		why = xasprintf("%s is several words (%s)", variable, name);
		*file = xstrdup("");
	} else {
		path = kernel_compiler_path(c, env);
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
	return *file ? 0 : not_found(name, NULL, arch, NULL, err);
}

bool kernel_compiler_older(const char *a, const char *b)
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

static void set_vars(struct kernel_compiler *c, const struct choice *w)
{
	if (w->cross)
		strv_addf(&c->vars, "CROSS_COMPILE=%s", w->cross);
	if (w->llvm)
		strv_addf(&c->vars, "LLVM=%s", w->llvm);
	else if (w->no_llvm)
		strv_add(&c->vars, "LLVM=");
	if (w->cc)
		strv_addf(&c->vars, "CC=%s", w->cc);
	if (w->hostcc)
		strv_addf(&c->vars, "HOSTCC=%s", w->hostcc);
}

/* [arch "X"] toolchain; x86 is x86_64 where that is the machine's own. */
static const char *standard(const struct kernel_arch *arch,
			    const struct kernel_compiler_request *wish)
{
	const struct toolchain_arch *own;
	const char *word;
	struct utsname u;

	if (!wish->standard || !wish->standard->v)
		return NULL;
	word = str_env(wish->standard->v, arch->arch);
	if (word || strcmp(arch->arch, arch->srcarch) != 0 || uname(&u))
		return word;
	own = toolchain_data_arch(u.machine);
	if (!own)
		own = toolchain_data_arch_called(u.machine);
	if (!own || strcmp(own->srcarch, arch->srcarch) != 0)
		return NULL;
	return str_env(wish->standard->v, own->arch);
}

/* The names of installed ones mean DATA/bin wherever they come from. */
static void find_bin(struct kernel_compiler *c, const struct choice *w)
{
	char *name = compiler_name(w);
	char *ld = xasprintf("%sld", w->cross ? w->cross : "");

	if (kernel_installed_has(&c->installed, name) ||
	    (w->cross && kernel_installed_has(&c->installed, ld)))
		use_bin(c);
	free(ld);
	free(name);
}

static int decide(struct kernel_compiler *c, struct choice *w,
		  const struct kernel_arch *arch, const char *word,
		  const struct kernel_compiler_request *wish, struct err *err)
{
	int ret = word ? read_toolchain(w, c, arch, word, wish->env, err) : 0;

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
		ret = default_prefix(w, c, arch, word, wish->env, err);
	if (ret)
		return ret;
	complete_cc(w, word);
	find_bin(c, w);
	return 0;
}

/* Look at what was chosen: the files, the version, the tree's minimum. */
static int examine(struct kernel_compiler *c, const struct choice *w,
		   const struct kernel_arch *arch, const char *word,
		   const struct kernel_compiler_request *wish, struct err *err)
{
	const char *hostcc = w->hostcc ? w->hostcc : w->llvm ? c->name : "gcc";
	char *host = NULL;
	int ret = resolve(c, arch, "CC", c->name, wish->env, &c->path, err);

	if (ret == -ENOENT)
		not_found(c->name, c->is_clang ? NULL : w->cross, arch, word,
			  err);
	if (!ret)
		ret = kernel_compiler_lease(c, c->name, c->path, err);
	if (!ret)
		ret = resolve(c, arch, "HOSTCC", hostcc, wish->env, &host, err);
	if (!ret)
		ret = kernel_minimum_version(c, wish->env, err);
	if (!ret)
		ret = kernel_minimum_check(c, arch, wish->tree, err);
	free(host);
	return ret;
}

int kernel_compiler_choose(struct kernel_compiler *c,
			   const struct kernel_arch *arch,
			   const struct kernel_compiler_request *wish,
			   struct err *err)
{
	const char *word = wish->toolchain;
	struct choice w = { 0 };
	int ret;

	*c = (struct kernel_compiler){ 0 };
	read_choice(&w, wish);
	if (!word && !w.cross && !w.cc && !w.llvm)
		word = standard(arch, wish);
	ret = kernel_installed_open(&c->installed, wish->data, err);
	for (size_t i = 0; i < c->installed.list.broken.n; i++)
		strv_addf(&c->notes, "not used: %s",
			  c->installed.list.broken.v[i]);
	if (!ret)
		ret = decide(c, &w, arch, word, wish, err);
	if (!ret) {
		set_vars(c, &w);
		c->name = compiler_name(&w);
		c->is_clang = strstr(str_base(c->name), "clang") != NULL;
		ret = examine(c, &w, arch, word, wish, err);
	}
	if (ret && word && word != wish->toolchain)
		err_wrap(err, "[arch \"%s\"] toolchain = %s", arch->arch, word);
	choice_release(&w);
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

char *kernel_compiler_path(const struct kernel_compiler *c, char *const *env)
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
