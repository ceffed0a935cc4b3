/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/compiler.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/spellcheck.h"
#include "base/vec.h"
#include "base/which.h"
#include "kernel/environ.h"
#include "toolchain/link.h"
#include "toolchain/tool-name.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Append the triplets of kernel.org's toolchains, then those of Debian. */
static void list_triplets(const struct kernel_arch *arch, struct strv *out)
{
	const struct toolchain_arch *k = arch->toolchain_arch;

	if (!k)
		return;
	strv_add_all(out, k->triplets.v);
	for (size_t i = 0; i < k->prefixes.n; i++) {
		const char *prefix = k->prefixes.v[i];
		char *triplet = xstrndup(prefix, strlen(prefix) - 1);

		if (!strv_has(out, triplet))
			strv_add(out, triplet);
		free(triplet);
	}
}

/* Check that a toolchain named by its id fits the build host and `arch`. */
static int check_named(const struct toolchain_installed *t,
		       const struct kernel_arch *arch, struct err *err)
{
	const struct toolchain_host *h = toolchain_builtin_local_host();
	struct strv triplets = { 0 };
	int ret = 0;

	list_triplets(arch, &triplets);
	if (t->host && (!h || strcmp(t->host, h->name)))
		ret = err_set(err, EINVAL,
			      "%s: runs on %s, not on this machine", t->id,
			      t->host);
	else if (t->triplet && arch->toolchain_arch && !arch->guessed &&
		 !strv_has(&triplets, t->triplet))
		ret = err_set(err, EINVAL, "%s: compiles for %s, not for %s",
			      t->id, t->triplet, arch->arch);
	strv_release(&triplets);
	return ret;
}

int kernel_toolchains_find(const struct kernel_toolchains *in,
			   const struct kernel_arch *arch, const char *word,
			   const struct toolchain_installed **out,
			   struct err *err)
{
	struct toolchain_release r;
	struct strv triplets = { 0 };
	struct err ignored;

	*out = NULL;
	if (toolchain_release_parse(word, &r, &ignored)) {
		for (size_t i = 0; !*out && i < in->list.n; i++) {
			if (!strcmp(in->list.v[i].id, word))
				*out = &in->list.v[i];
		}
		return *out ? check_named(*out, arch, err) : 0;
	}
	/*
	 * `word` is a release such as gcc-13, or the id of an installed clang,
	 * which looks like a release.
	 */
	list_triplets(arch, &triplets);
	if (r.is_clang)
		*out = toolchain_installed_find(&in->list, word, NULL, NULL);
	for (size_t i = 0; !r.is_clang && !*out && i < triplets.n; i++)
		*out = toolchain_installed_find(&in->list, word, triplets.v[i],
						NULL);
	strv_release(&triplets);
	return 0;
}

/*
 * Return the newest installed gcc for `arch` if `least` is a release of gcc, or
 * the newest clang if `least` is a release of clang.  Returns NULL if no such
 * toolchain is at least as new as `least`.
 */
static const struct toolchain_installed *find_newer_toolchain(
	const struct kernel_toolchains *in, const struct kernel_arch *arch,
	const struct toolchain_release *least)
{
	const struct toolchain_installed *t = NULL;
	struct toolchain_release r;
	struct err ignored;

	kernel_toolchains_find(in, arch, least->is_clang ? "clang" : "gcc", &t,
			       &ignored);
	if (t && !toolchain_release_parse(t->release, &r, &ignored) &&
	    toolchain_release_compare(&r, least) >= 0)
		return t;
	return NULL;
}

const struct toolchain_installed *kernel_toolchains_find_owner(
	const struct kernel_toolchains *in, const char *name, const char *path)
{
	const struct toolchain_installed *found = NULL;
	char *file = realpath(path, NULL);

	for (size_t i = 0; !found && i < in->list.n; i++) {
		const struct toolchain_installed *t = &in->list.v[i];
		char *home = realpath(t->dir, NULL);

		/*
		 * A toolchain that kfarm adopted instead of installing it has
		 * its files outside t->dir, so it is found by its link in
		 * DATA/bin.
		 */
		if ((file && home && str_skip_dir(file, home)) ||
		    (str_skip_dir(path, in->bin_dir) &&
		     toolchain_link_leads_into(in->bin_dir, name, t->bin)))
			found = t;
		free(home);
	}
	free(file);
	return found;
}

int kernel_toolchains_prefix(const struct kernel_toolchains *in,
			     const struct toolchain_installed *t, char **out,
			     struct err *err)
{
	struct toolchain_release r;
	char *prefix, *name;
	int ret = toolchain_release_parse(t->release, &r, err);

	if (ret)
		return ret;
	prefix = toolchain_tool_name_cross_prefix(t->triplet, &r);
	name = t->is_clang ? xasprintf("clang%s", prefix) :
			     xasprintf("%sgcc", prefix);
	if (toolchain_link_leads_into(in->bin_dir, name, t->bin)) {
		*out = prefix;
		prefix = NULL;
	} else {
		ret = err_set(
			err, ENOENT,
			"%s/%s: not a link to %s; remove it, then install or "
			"adopt %s again",
			in->bin_dir, name, t->id, t->id);
	}
	free(name);
	free(prefix);
	return ret;
}

/*
 * Append the known problems of the toolchain's release, a line each.  Quirks
 * about missing libraries are left out, because the installation of the
 * toolchain has already handled them.
 */
static void add_quirks(const struct toolchain_installed *t, struct strv *out)
{
	const struct toolchain_quirk **list = NULL;
	struct toolchain_release r;
	struct err ignored;
	size_t n = 0;

	if (!toolchain_release_parse(t->release, &r, &ignored))
		n = toolchain_builtin_list_quirks(&r, t->host, t->triplet,
						  &list);
	for (size_t i = 0; i < n; i++) {
		char *instead = strv_join(&list[i]->unaffected, " or ");

		if (!list[i]->missing_library)
			strv_addf(out, "%s: %s%s%s%s", t->id, list[i]->note,
				  *instead ? " (" : "", instead,
				  *instead ? " is not affected)" : "");
		free(instead);
	}
	free(list);
}

bool kernel_toolchains_has_program(const struct kernel_toolchains *in,
				   const char *name)
{
	char *path = xasprintf("%s/%s", in->bin_dir, name);
	bool yes = !strchr(name, '/') && !access(path, X_OK) &&
		   !fs_is_dir(path);

	free(path);
	return yes;
}

/*
 * Return advice such as "run `kfarm toolchain install gcc-13 --arch arm64`", or
 * NULL if no server offers a compiler for `arch`.  The caller frees the result.
 */
static char *install_hint(const struct kernel_arch *arch,
			  const struct toolchain_release *r)
{
	char *release, *out;

	if (!r->is_clang &&
	    (!arch->toolchain_arch || !arch->toolchain_arch->triplets.n))
		return NULL;
	release = toolchain_release_format(r);
	out = r->is_clang ?
		      xasprintf("run `kfarm toolchain install %s`", release) :
		      xasprintf("run `kfarm toolchain install %s --arch %s`",
				release, arch->arch);
	free(release);
	return out;
}

/* State of kernel_compiler_choose(). */
struct compiler_choice {
	struct kernel_compiler *c;
	const struct kernel_arch *arch;
	const struct kernel_compiler_request *request;
	/* argument of -t, or the configured toolchain; may be NULL */
	const char *toolchain_word;
	/* values of CROSS_COMPILE, CC, HOSTCC and LLVM; NULL if not given */
	char *cross, *cc, *hostcc, *llvm;
	/* LLVM=0 is given: kfarm does not use LLVM, although kbuild would */
	bool no_llvm;
};

static void replace_string(char **where, char *with)
{
	free(*where);
	*where = with;
}

static void read_variable(const struct compiler_choice *w, const char *name,
			  bool inherited, char **where)
{
	const char *value = str_find_env(strv_list(w->request->variables),
					 name);

	if (!value && inherited)
		value = str_find_env(w->request->env, name);
	if (value && *value)
		*where = xstrdup(value);
}

static bool is_program_on_path(const struct compiler_choice *w,
			       const char *name)
{
	char *path = kernel_environ_path(&w->c->path_dirs, w->request->env);
	char *file = which(name, path);
	bool yes = file && which_is_executable(file);

	free(file);
	free(path);
	return yes;
}

/*
 * Return "; did you mean \"PROGRAM\"?" with a cross compiler in PATH that is
 * similar to `name`, or "".  The caller frees the text.
 */
static char *suggest_cross_gcc(const struct compiler_choice *w,
			       const char *name)
{
	const struct toolchain_arch *known = w->arch->toolchain_arch;
	struct strv found = { 0 };
	struct spellcheck n;
	char *out;

	spellcheck_init(&n, name);
	for (size_t i = 0; known && i < known->prefixes.n; i++) {
		strv_addf(&found, "%sgcc", known->prefixes.v[i]);
		if (is_program_on_path(w, found.v[i]))
			spellcheck_add(&n, found.v[i]);
	}
	out = spellcheck_suggestion(&n, "", "");
	strv_release(&found);
	return out;
}

/*
 * Set the error for the missing program `name`.  `word` is the requested
 * release, "gcc" if any release of gcc fits, or NULL without a request.
 */
static int compiler_missing(const struct compiler_choice *w, const char *name,
			    const char *prefix, const char *word,
			    struct err *err)
{
	struct toolchain_release r = { 0 };
	struct err ignored;
	bool released = word && !toolchain_release_parse(word, &r, &ignored);
	char *get = released ? install_hint(w->arch, &r) : NULL;
	/*
	 * Debian's package has one fixed version, so name the package only if
	 * no version is requested.
	 */
	char *package = prefix && !r.n_parts ?
				kernel_arch_debian_package(prefix) :
				NULL;
	char *similar = released || package ? xstrdup("") :
					      suggest_cross_gcc(w, name);

	if (*similar)
		err_set(err, ENOENT, "%s: not found in PATH%s", name, similar);
	else
		err_set(err, ENOENT, "%s: not found in PATH%s; %s%s%s%s%s",
			name, released ? " and not installed" : "",
			get ? get : "", get ? ", or " : "",
			package  ? "install the package " :
			released ? "select" :
				   "install it, or select",
			package ? package : "",
			package ? ", or select another toolchain with -t" :
				  kernel_arch_toolchain_hint(w->arch));
	free(similar);
	free(package);
	free(get);
	return -ENOENT;
}

/* Return true if `word` is `tool`, a dash and a number: "gcc-13". */
static bool is_version_of(const char *word, const char *tool)
{
	size_t n = strlen(tool);

	return str_starts(word, tool) && word[n] == '-' &&
	       isdigit((unsigned char)word[n + 1]);
}

static void add_path_dir(struct kernel_compiler *c, const char *dir)
{
	if (!strv_has(&c->path_dirs, dir))
		strv_add(&c->path_dirs, dir);
}

/* Return true if `name` in PATH is the program `file`. */
static bool is_on_path_as(const struct compiler_choice *w, const char *name,
			  const char *file)
{
	char *path = kernel_environ_path(&w->c->path_dirs, w->request->env);
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

/*
 * If PATH has the tools of `t`, an adopted toolchain (a toolchain that kfarm
 * did not install), under names such as PREFIXgcc, return PREFIX, else NULL.  A
 * build without -t calls the tools by these names.  If a build with -t uses the
 * same names, the saved commands do not change, so the objects stay up to date.
 */
static char *adopted_prefix(const struct compiler_choice *w,
			    const struct toolchain_installed *t)
{
	size_t n = t->driver ? strlen(t->driver) : 0;
	char *prefix, *gcc, *ld;

	if (!t->adopted_from || t->is_clang || n <= 4 ||
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

static int choose_installed(struct compiler_choice *w,
			    const struct toolchain_installed *t,
			    struct err *err)
{
	char *prefix = adopted_prefix(w, t);
	int ret;

	if (prefix) {
		replace_string(&w->cross, *prefix ? xstrdup(prefix) : NULL);
		replace_string(&w->cc, NULL);
		free(prefix);
		return 0;
	}
	ret = kernel_toolchains_prefix(&w->c->toolchains, t, &prefix, err);
	if (ret)
		return ret;
	if (t->is_clang) {
		replace_string(&w->llvm, prefix);
	} else {
		replace_string(&w->cross, prefix);
		replace_string(&w->cc, NULL);
	}
	add_path_dir(w->c, w->c->toolchains.bin_dir);
	return 0;
}

/* Use the argument of -t as a prefix, with or without the final dash. */
static int read_prefix(struct compiler_choice *w, struct err *err)
{
	bool whole = !*w->toolchain_word || str_ends(w->toolchain_word, "-"),
	     found;
	char *prefix = xasprintf("%s%s", w->toolchain_word, whole ? "" : "-");
	char *gcc = xasprintf("%sgcc", prefix);

	replace_string(&w->cross, prefix);
	found = whole || is_program_on_path(w, gcc) ||
		kernel_toolchains_has_program(&w->c->toolchains, gcc);
	free(gcc);
	if (found)
		return 0;
	return err_set(
		err, EINVAL,
		"-t %s: unknown toolchain; expected gcc, gcc-VERSION, clang, "
		"clang-VERSION, an installed toolchain, or a gcc prefix that "
		"ends in -",
		w->toolchain_word);
}

static int read_toolchain(struct compiler_choice *w, struct err *err)
{
	const struct toolchain_installed *found;
	const char *t = w->toolchain_word;
	int ret = kernel_toolchains_find(&w->c->toolchains, w->arch, t, &found,
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
		replace_string(&w->llvm, xstrdup(t[5] ? t + 5 : "1"));
	else if (is_version_of(t, "gcc"))
		replace_string(&w->cc, xstrdup(t));
	else
		return read_prefix(w, err);
	return 0;
}

/* Apply -t.  Reject a different compiler in the variables for make. */
static int read_option_t(struct compiler_choice *w, struct err *err)
{
	char *const *vars = strv_list(w->request->variables);
	const char *t = w->request->toolchain;
	const char *cross = kernel_environ_value(vars, "CROSS_COMPILE");
	const char *llvm = kernel_environ_value(vars, "LLVM");
	int ret;

	if (llvm)
		replace_string(&w->llvm, NULL);
	ret = read_toolchain(w, err);
	if (ret)
		return ret;
	if (cross && !str_equal(cross, w->cross))
		return err_set(err, EINVAL,
			       "-t %s conflicts with CROSS_COMPILE=%s", t,
			       cross);
	/* LLVM=1 selects any clang. */
	if (llvm && !str_equal(llvm, w->llvm) &&
	    strcmp(llvm, w->llvm ? "1" : "0") != 0)
		return err_set(err, EINVAL, "-t %s conflicts with LLVM=%s", t,
			       llvm);
	return 0;
}

/* Return true if the build host can run the programs of the architecture. */
static bool is_native(const struct compiler_choice *w)
{
	char host[32];

	kernel_arch_host(host);
	return !strcmp(host, w->arch->srcarch) ||
	       !strcmp(w->arch->srcarch, "um");
}

/*
 * If the program *value has a directory, add the directory to PATH and keep
 * only the last component.  If *value ends in a slash, `without_name` replaces
 * the last component.  If `without_name` is NULL, *value must not end in a
 * slash.
 */
static int move_dir_to_path(struct kernel_compiler *c, const char *variable,
			    char **value, const char *without_name,
			    struct err *err)
{
	const char *base = *value ? str_base(*value) : NULL;
	char *dir, *absolute;

	if (base == *value || strpbrk(*value, " \t"))
		return 0;
	if (!*base && !without_name)
		return err_set(err, EINVAL,
			       "%s=%s: a directory; specify a compiler",
			       variable, *value);
	base = *base ? base : without_name;
	dir = str_dir(*value);
	absolute = fs_make_absolute(dir);
	strv_addf(&c->notes,
		  "%s=%s: using %s with %s in PATH; a plain make with the full "
		  "path rebuilds everything, because the commands differ",
		  variable, *value, *base ? base : "gcc", absolute);
	add_path_dir(c, absolute);
	replace_string(value, xstrdup(base));
	free(absolute);
	free(dir);
	return 0;
}

/* Move the directories of programs that the user named to PATH. */
static int move_dirs_to_path(struct compiler_choice *w, struct err *err)
{
	struct kernel_compiler *c = w->c;
	int ret;

	if (w->cross && str_ends(w->cross, "/") && !is_native(w))
		return err_set(err, EINVAL,
			       "CROSS_COMPILE=%s: kfarm adds this directory to "
			       "PATH, where its gcc would replace the host "
			       "compiler; specify a prefix, as in "
			       "CROSS_COMPILE=%sPREFIX-",
			       w->cross, w->cross);
	ret = move_dir_to_path(c, "CROSS_COMPILE", &w->cross, "", err);
	if (!ret)
		ret = move_dir_to_path(c, "CC", &w->cc, NULL, err);
	if (!ret)
		ret = move_dir_to_path(c, "HOSTCC", &w->hostcc, NULL, err);
	if (!ret)
		ret = move_dir_to_path(c, "LLVM", &w->llvm, "1", err);
	return ret;
}

/*
 * Return the first of Debian's prefixes for which PATH has the program PREFIX
 * followed by `suffix`, or NULL.  The caller frees it.
 */
static char *prefix_on_path(const struct compiler_choice *w, const char *suffix)
{
	const struct toolchain_arch *known = w->arch->toolchain_arch;

	for (size_t i = 0; known && i < known->prefixes.n; i++) {
		const char *prefix = known->prefixes.v[i];
		char *name = xasprintf("%s%s", prefix, suffix);
		bool found = is_program_on_path(w, name);

		free(name);
		if (found)
			return xstrdup(prefix);
	}
	return NULL;
}

/* Choose the cross compiler if the user named no prefix. */
static int default_prefix(struct compiler_choice *w, struct err *err)
{
	const struct toolchain_arch *known = w->arch->toolchain_arch;
	const struct toolchain_installed *found = NULL;
	/* CC=gcc-13 names the version, but no prefix and no binutils. */
	bool half = w->cc && is_version_of(w->cc, "gcc");
	char *name;
	int ret;

	if (is_native(w))
		return 0;
	w->cross = prefix_on_path(w, half ? w->cc : "gcc");
	if (w->cross || w->llvm || (w->cc && !half))
		return 0;
	if (!w->cc) {
		ret = kernel_toolchains_find(&w->c->toolchains, w->arch, "gcc",
					     &found, err);
		if (ret || found)
			return ret ? ret : choose_installed(w, found, err);
	}
	if (!known || !known->prefixes.n)
		return err_set(
			err, ENOENT,
			"%s: no known cross compiler; specify the prefix of a "
			"cross compiler with -t",
			w->arch->arch);
	name = xasprintf("%s%s", known->prefixes.v[0], w->cc ? w->cc : "gcc");
	ret = compiler_missing(w, name, known->prefixes.v[0],
			       w->toolchain_word ? w->toolchain_word : "gcc",
			       err);
	free(name);
	return ret;
}

/*
 * Find the file of a compiler.  Set no_masquerade_reason if the masquerade
 * links, which lead from compiler names to kfarm-cc, cannot replace the
 * compiler.
 */
static int find_compiler_file(const struct compiler_choice *w,
			      const char *variable, const char *name,
			      char **file, struct err *err)
{
	char *path = kernel_environ_path(&w->c->path_dirs, w->request->env);
	char *why = NULL;

	if (strpbrk(name, " \t")) {
		why = xasprintf("%s consists of several words (%s)", variable,
				name);
		*file = xstrdup("");
	} else {
		*file = which_compiler(name, path, NULL);
		if (!*file && (*file = which(name, path)) != NULL)
			why = xasprintf("%s is a link to a compiler cache, and "
					"PATH has no compiler of this name",
					*file);
		else if (*file && !elf_has_magic(*file))
			why = xasprintf("%s is a script", *file);
	}
	if (!w->c->no_masquerade_reason)
		w->c->no_masquerade_reason = why;
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

/*
 * Return the toolchain that the section [arch "X"] of the configuration sets
 * for the architecture X, or NULL.  Without a section [arch "x86"], ARCH=x86 on
 * an x86_64 build host uses the section [arch "x86_64"].
 */
static const char *configured_toolchain(const struct compiler_choice *w)
{
	const struct kernel_arch *arch = w->arch;
	const struct toolchain_arch *own;
	char *const *list;
	const char *word;
	struct utsname u;

	if (!w->request->default_toolchains)
		return NULL;
	list = strv_list(w->request->default_toolchains);
	word = str_find_env(list, arch->arch);
	if (word || strcmp(arch->arch, arch->srcarch) != 0 || uname(&u))
		return word;
	own = toolchain_builtin_find_arch(u.machine);
	if (!own)
		own = toolchain_builtin_arch_by_alias(u.machine);
	if (!own || strcmp(own->srcarch, arch->srcarch) != 0)
		return NULL;
	return str_find_env(list, own->arch);
}

/*
 * Set *name to the compiler in a command such as "ccache gcc".  Returns -ENOENT
 * with `err` set if a launcher is not installed, because a plain make could not
 * run the command.
 */
static int skip_launchers(const struct compiler_choice *w, const char *command,
			  char **name, struct err *err)
{
	const char *compiler = which_skip_wrappers(command);
	char *head = xstrndup(command, (size_t)(compiler - command));
	struct strv launchers = { 0 };
	int ret = 0;

	strv_split(&launchers, head, " \t");
	for (size_t i = 0; i < launchers.n && !ret; i++) {
		if (!is_program_on_path(w, launchers.v[i]))
			ret = err_set(err, ENOENT,
				      "%s: not found in PATH; install it, or "
				      "build with %s alone",
				      launchers.v[i], compiler);
	}
	w->c->is_launched |= launchers.n > 0;
	*name = xstrdup(compiler);
	strv_release(&launchers);
	free(head);
	return ret;
}

/*
 * Return the compiler that LLVM= selects, or NULL without LLVM=.  The caller
 * frees it.
 */
static char *llvm_compiler(const struct compiler_choice *w)
{
	return w->llvm ?
		       xasprintf("clang%s", w->llvm[0] == '-' ? w->llvm : "") :
		       NULL;
}

static int decide_names(struct compiler_choice *w, struct err *err)
{
	struct kernel_compiler *c = w->c;
	int ret = w->request->toolchain ? read_option_t(w, err) :
		  w->toolchain_word     ? read_toolchain(w, err) :
					  0;
	char *command, *ld;

	if (!ret)
		ret = move_dirs_to_path(w, err);
	if (!ret && !w->cross)
		ret = default_prefix(w, err);
	if (ret)
		return ret;
	/* With -t gcc-13 and a prefix, CC must be the full PREFIXgcc-13. */
	if (w->toolchain_word && w->cross && w->cc &&
	    is_version_of(w->cc, "gcc"))
		replace_string(&w->cc, xasprintf("%s%s", w->cross, w->cc));
	if (w->cc)
		command = xstrdup(w->cc);
	else if (w->llvm)
		command = llvm_compiler(w);
	else
		command = xasprintf("%sgcc", w->cross ? w->cross : "");
	ret = skip_launchers(w, command, &c->name, err);
	free(command);
	if (ret)
		return ret;
	c->is_clang = strstr(str_base(c->name), "clang") != NULL;

	/*
	 * Programs with kfarm's normalized names, such as
	 * aarch64-gcc1330-linux-gcc, exist only in DATA/bin.  Add that
	 * directory to PATH even if the user named such a program by CC or
	 * CROSS_COMPILE.
	 */
	ld = xasprintf("%sld", w->cross ? w->cross : "");
	if (kernel_toolchains_has_program(&c->toolchains, c->name) ||
	    (w->cross && kernel_toolchains_has_program(&c->toolchains, ld)))
		add_path_dir(c, c->toolchains.bin_dir);
	free(ld);

	add_variable(c, "CROSS_COMPILE", w->cross);
	add_variable(c, "LLVM", !w->llvm && w->no_llvm ? "" : w->llvm);
	add_variable(c, "CC", w->cc);
	add_variable(c, "HOSTCC", w->hostcc);
	return 0;
}

/*
 * If the program `name` with the file `path` belongs to an installed toolchain,
 * lease that toolchain, so that it is not removed before `c` is released.
 */
static int lease_toolchain(struct kernel_compiler *c, const char *name,
			   const char *path, struct err *err)
{
	const struct toolchain_installed *t = kernel_toolchains_find_owner(
		&c->toolchains, name, path);
	int fd;

	if (!t)
		return 0;
	fd = toolchain_installed_lease(t->dir, err);
	if (fd < 0)
		return fd;
	*VEC_ADD(c->lease_fds, c->n_leases) = fd;
	add_quirks(t, &c->notes);
	return 0;
}

#define VERSION_TIMEOUT_MS 20000

/* Run the chosen compiler to fill c->version. */
static int read_compiler_version(struct kernel_compiler *c, char *const *env,
				 struct err *err)
{
	char *path = kernel_environ_path(&c->path_dirs, env), *line = NULL;
	struct strv argv = { 0 }, with = { 0 };
	int ret;

	/* getenv() finds the first PATH, so add `path` before `env`. */
	strv_addf(&with, "PATH=%s", path);
	strv_add_all(&with, env);
	/* c->path is empty if CC has several words, such as "gcc -m32". */
	if (*c->path)
		strv_add(&argv, c->path);
	else
		strv_split(&argv, c->name, " \t");
	if (!c->is_clang)
		strv_add(&argv, "-dumpfullversion");
	strv_add(&argv, "-dumpversion");
	ret = spawn_first_line(argv.v, with.v, VERSION_TIMEOUT_MS, &line, err);
	if (!ret && (!line || !isdigit((unsigned char)*line)))
		ret = err_set(
			err, ENOEXEC,
			"%s: cannot determine version: not a C compiler, or "
			"not executable on this machine",
			c->name);
	else if (!ret)
		c->version = xstrndup(line, strcspn(line, " "));
	free(line);
	strv_release(&argv);
	strv_release(&with);
	free(path);
	return ret;
}

/*
 * Return advice to append to the error message about a compiler that is older
 * than `least`.  The caller frees the advice.
 */
static char *format_version_advice(const struct kernel_compiler *c,
				   const struct kernel_arch *arch,
				   const char *least)
{
	const struct toolchain_installed *t;
	struct toolchain_release need = { 0 };
	struct err ignored;
	char *get, *out;

	if (toolchain_release_parse_version(c->is_clang, least, &need,
					    &ignored))
		return xstrdup("select a newer one with -t");
	t = find_newer_toolchain(&c->toolchains, arch, &need);
	/* Name only the major version: its newest release is new enough. */
	need.n_parts = 1;
	get = install_hint(arch, &need);
	out = xasprintf("%s%s%s%s%s",
			t ? "use -t " : "select a newer one with -t",
			t ? t->release : "", t ? ", which is installed" : "",
			get ? ", or " : "", get ? get : "");
	free(get);
	return out;
}

/* Return true if version `a` ("5.1.0") is older than `b` ("12.2.0"). */
static bool is_older_version(const char *a, const char *b)
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

/*
 * Compare the compiler's version with the minimum that the tree's
 * scripts/min-tool-version.sh prints.  Trees before 5.13 lack that script and
 * leave the check to make.  Returns 0, or -ENOTSUP with `err` naming an
 * installed compiler that is new enough and the command that installs one.
 */
static int check_compiler_version(const struct kernel_compiler *c,
				  const struct kernel_arch *arch,
				  const char *tree, struct err *err)
{
	char *script = xasprintf("%s/scripts/min-tool-version.sh",
				 tree ? tree : "");
	char *tool = xstrdup(c->is_clang ? "llvm" : "gcc"), *least = NULL;
	char *argv[] = { (char[]){ "/bin/sh" }, script, tool, NULL };
	struct strv env = { 0 };
	char *advice;
	int ret = 0;

	strv_addf(&env, "SRCARCH=%s", arch->srcarch);
	if (tree && fs_exists(script))
		spawn_first_line(argv, env.v, VERSION_TIMEOUT_MS, &least, err);
	if (least && is_older_version(c->version, least)) {
		advice = format_version_advice(c, arch, least);
		ret = err_set(
			err, ENOTSUP,
			"%s: version %s is too old: this tree requires %s %s "
			"or later; %s",
			c->name, c->version, tool, least, advice);
		free(advice);
	}
	free(least);
	strv_release(&env);
	free(tool);
	free(script);
	return ret;
}

/* Check the chosen files, the version, and the tree's minimum version. */
static int check_choice(const struct compiler_choice *w, struct err *err)
{
	struct kernel_compiler *c = w->c;
	char *host = NULL, *host_name = NULL, *clang = llvm_compiler(w);
	const char *hostcc = w->hostcc ? w->hostcc : clang ? clang : "gcc";
	int ret = find_compiler_file(w, "CC", c->name, &c->path, err);

	if (ret == -ENOENT)
		compiler_missing(w, c->name,
				 c->is_clang || w->cc ? NULL : w->cross,
				 w->toolchain_word, err);
	if (!ret)
		ret = lease_toolchain(c, c->name, c->path, err);
	if (!ret)
		ret = skip_launchers(w, hostcc, &host_name, err);
	if (!ret)
		ret = find_compiler_file(w, "HOSTCC", host_name, &host, err);
	free(host_name);
	free(host);
	free(clang);
	if (ret)
		return ret;
	ret = read_compiler_version(c, w->request->env, err);
	if (ret)
		return ret;
	return check_compiler_version(c, w->arch, w->request->tree, err);
}

int kernel_compiler_choose(struct kernel_compiler *c,
			   const struct kernel_arch *arch,
			   const struct kernel_compiler_request *request,
			   struct err *err)
{
	struct compiler_choice w = { .c = c,
				     .arch = arch,
				     .request = request,
				     .toolchain_word = request->toolchain };
	int ret;

	*c = (struct kernel_compiler){ 0 };
	/*
	 * Ignore CC and HOSTCC of the environment: the Makefile overrides them.
	 */
	read_variable(&w, "CROSS_COMPILE", true, &w.cross);
	read_variable(&w, "CC", false, &w.cc);
	read_variable(&w, "HOSTCC", false, &w.hostcc);
	read_variable(&w, "LLVM", true, &w.llvm);
	w.no_llvm = str_equal(w.llvm, "0");
	if (w.no_llvm)
		replace_string(&w.llvm, NULL);
	if (!w.toolchain_word && !w.cross && !w.cc && !w.llvm)
		w.toolchain_word = configured_toolchain(&w);
	c->toolchains.data_dir = request->data_dir ?
					 xstrdup(request->data_dir) :
					 fs_data_home();
	c->toolchains.bin_dir = toolchain_link_dir(c->toolchains.data_dir);
	ret = toolchain_installed_list(c->toolchains.data_dir,
				       &c->toolchains.list, err);
	for (size_t i = 0; i < c->toolchains.list.broken.n; i++)
		strv_addf(&c->notes, "ignoring toolchain: %s",
			  c->toolchains.list.broken.v[i]);
	if (!ret)
		ret = decide_names(&w, err);
	if (!ret)
		ret = check_choice(&w, err);
	if (ret && w.toolchain_word && w.toolchain_word != request->toolchain)
		err_wrap(err, "[arch \"%s\"] toolchain = %s", arch->arch,
			 w.toolchain_word);
	free(w.cross);
	free(w.cc);
	free(w.hostcc);
	free(w.llvm);
	return ret;
}

int kernel_compiler_use_installed(struct kernel_compiler *c, const char *name,
				  struct err *err)
{
	char *path = xasprintf("%s/%s", c->toolchains.bin_dir, name);
	int ret = lease_toolchain(c, name, path, err);

	add_path_dir(c, c->toolchains.bin_dir);
	free(path);
	return ret;
}

void kernel_compiler_release(struct kernel_compiler *c)
{
	free(c->name);
	free(c->path);
	free(c->version);
	free(c->no_masquerade_reason);
	strv_release(&c->vars);
	strv_release(&c->path_dirs);
	strv_release(&c->notes);
	for (size_t i = 0; i < c->n_leases; i++)
		close(c->lease_fds[i]);
	free(c->lease_fds);
	toolchain_installed_list_release(&c->toolchains.list);
	free(c->toolchains.bin_dir);
	free(c->toolchains.data_dir);
	*c = (struct kernel_compiler){ 0 };
}
