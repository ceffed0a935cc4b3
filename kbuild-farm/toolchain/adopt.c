/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/adopt.h"

#include "base/fs.h"
#include "base/which.h"
#include "compiler/manifest.h"
#include "toolchain/data.h"
#include "toolchain/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What kbuild calls by these names, where nothing stands before them. */
static const char *const plain_tools[] = {
	"addr2line", "ar",      "as",      "c++filt", "cpp",     "elfedit",
	"gcc",       "gcc-ar",  "gcc-nm",  "gcov",    "gprof",   "gcc-ranlib",
	"ld",        "ld.bfd",  "ld.gold", "nm",      "objcopy", "objdump",
	"ranlib",    "readelf", "size",    "strings", "strip",   NULL,
};

static const char *const llvm_tools[] = {
	"clang", "clang++", "clang-cpp", "ld.lld", "lld", "llvm-", NULL,
};

/* How much of a driver's name stands before "gcc": "aarch64-linux-gnu-". */
static size_t prefix_length(const char *driver)
{
	const char *at = NULL, *next = driver;

	while ((next = strstr(next, "gcc")) != NULL) {
		if (next == driver || next[-1] == '-')
			at = next;
		next += 3;
	}
	return at ? (size_t)(at - driver) : 0;
}

static bool is_tool(const char *name, const char *driver, bool is_clang)
{
	size_t len = is_clang ? 0 : prefix_length(driver);
	const char *const *tool = is_clang ? llvm_tools : plain_tools;

	if (len)
		return !strncmp(name, driver, len) && name[len];
	for (; *tool; tool++) {
		if (str_equal(name, *tool) ||
		    (str_ends(*tool, "-") && str_starts(name, *tool)))
			return true;
	}
	return str_equal(name, driver);
}

static bool is_program(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool is = which_is_program(path);

	free(path);
	return is;
}

int toolchain_adopt_tools(const char *bin, const char *driver, bool is_clang,
			  struct strv *out, struct err *err)
{
	struct strv names = { 0 };
	int ret = fs_list(bin, &names);

	if (ret)
		err_set(err, -ret, "%s: %s", bin, strerror(-ret));
	for (size_t i = 0; i < names.n; i++)
		if (is_tool(names.v[i], driver, is_clang) &&
		    is_program(bin, names.v[i]))
			strv_add(out, names.v[i]);
	strv_release(&names);
	return ret;
}

/* The compilers' drivers in a directory, without those that are the same
 * under a longer name. */
static void drivers_in(const char *dir, struct strv *out)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];

		if ((str_equal(name, "gcc") || str_ends(name, "-gcc") ||
		     str_equal(name, "clang")) &&
		    is_program(dir, name))
			strv_addf(out, "%s/%s", dir, name);
	}
	strv_release(&names);
}

static int driver_in(const char *dir, char **out, struct err *err)
{
	struct strv all = { 0 };
	char *bin = xasprintf("%s/bin", dir), *names;
	int ret = 0;

	drivers_in(fs_is_dir(bin) ? bin : dir, &all);
	free(bin);
	if (!all.n) {
		ret = err_set(err, ENOENT,
			      "%s: has no compiler in it, nor in its bin", dir);
	} else if (all.n > 1) {
		names = strv_join(&all, ", ");
		ret = err_set(err, E2BIG,
			      "%s: has several compilers, name one of %s", dir,
			      names);
		free(names);
	} else {
		*out = xstrdup(all.v[0]);
	}
	strv_release(&all);
	return ret;
}

/* The driver that `what` names, absolute. */
static int find_driver(const char *what, char *const *env, char **out,
		       struct err *err)
{
	char *name, *found;

	*out = NULL;
	if (fs_is_dir(what)) {
		name = fs_absolute(what);
		int ret = driver_in(name, out, err);

		free(name);
		return ret;
	}
	name = str_ends(what, "-") ? xasprintf("%sgcc", what) : xstrdup(what);
	found = which_compiler(name, str_env(env, "PATH"), NULL);
	if (found && !access(found, X_OK))
		*out = fs_absolute(found);
	else
		err_set(err, ENOENT, "%s: no such compiler", name);
	free(found);
	free(name);
	return *out ? 0 : -ENOENT;
}

/* What it is called for: "aarch64-linux-gnu". */
static char *triplet_of(const struct compiler_manifest *m)
{
	const char *name = str_base(m->driver);
	size_t len = prefix_length(name);

	if (m->is_clang)
		return NULL;
	return len > 1 ? xstrndup(name, len - 1) : xstrdup(m->machine);
}

static int describe_adopted(struct toolchain_installed *t, const char *what,
			    const struct compiler_manifest *m, struct err *err)
{
	const struct toolchain_host *host = toolchain_data_host_of(m->host);
	struct toolchain_release r;
	struct strv names = { 0 };
	char *id;
	int ret = toolchain_release_of(m->is_clang, m->version, &r, err);

	if (!ret && r.n != 3)
		ret = err_set(err, ENOTSUP, "says that it is version %s",
			      m->version);
	if (ret) {
		err_wrap(err, "%s", m->driver);
		return ret;
	}
	t->release = toolchain_release_text(&r);
	t->version = toolchain_release_version(&r);
	t->is_clang = m->is_clang;
	t->triplet = triplet_of(m);
	id = toolchain_release_id(&r, t->triplet, NULL);
	t->id = xasprintf("adopted-%s", id);
	free(id);
	t->host = xstrdup(host ? host->name : m->host);
	t->within = str_dir(m->driver);
	t->driver = xstrdup(str_base(m->driver));
	t->content = m->id;
	t->date = toolchain_installed_now();
	t->adopted = xstrdup(what);
	ret = toolchain_adopt_tools(t->within, t->driver, t->is_clang, &names,
				    err);
	for (size_t i = 0; i < names.n; i++)
		strv_addf(&t->tools, "%s/%s", t->within, names.v[i]);
	strv_release(&names);
	if (!ret && !toolchain_release_is_id(t->id))
		ret = err_set(err, EINVAL, "%s: no id can be made of that",
			      t->id);
	return ret;
}

static bool is_same(const struct toolchain_installed *a,
		    const struct toolchain_installed *b)
{
	return str_equal(a->within, b->within) &&
	       str_equal(a->driver, b->driver) &&
	       digest_equal(&a->content, &b->content);
}

static int publish_adopted(const char *data, struct toolchain_installed *t,
			   bool again, struct err *err)
{
	struct toolchain_place place = { 0 };
	char *dir = NULL;
	int ret = toolchain_place_open(&place, data, err);

	if (!ret) {
		dir = toolchain_place_private(&place, t->id, err);
		ret = dir ? fs_mkdirs(dir, 0755, err) : -EIO;
	}
	if (!ret) {
		toolchain_installed_place(t, dir);
		ret = toolchain_installed_write(t, err);
	}
	if (!ret)
		ret = toolchain_place_publish(&place, t->id, t->id, again, err);
	if (!ret) {
		free(dir);
		dir = xasprintf("%s/%s", place.path, t->id);
		toolchain_installed_place(t, dir);
	}
	free(dir);
	toolchain_place_close(&place);
	return ret;
}

int toolchain_adopt(const char *data, const char *what, bool again,
		    char *const *env, struct toolchain_installed *out,
		    struct err *err)
{
	struct toolchain_installed before = { 0 };
	struct compiler_manifest m = { 0 };
	struct err ignored;
	char *driver;
	bool known;
	int ret;

	*out = (struct toolchain_installed){ 0 };
	ret = find_driver(what, env, &driver, err);
	if (!ret)
		ret = compiler_manifest_make(&m, driver, env, err);
	if (!ret)
		ret = describe_adopted(out, what, &m, err);
	known = !ret &&
		!toolchain_installed_read(data, out->id, &before, &ignored);
	if (known && is_same(&before, out)) {
		toolchain_installed_release(out);
		*out = before;
		before = (struct toolchain_installed){ 0 };
	} else if (known && !again) {
		ret = err_set(err, EEXIST,
			      "%s is adopted already, as %s/%s was on %s",
			      out->id, before.within, before.driver,
			      before.date ? before.date : "some day");
	} else if (!ret) {
		ret = publish_adopted(data, out, again, err);
	}
	toolchain_installed_release(&before);
	compiler_manifest_release(&m);
	free(driver);
	if (ret) {
		toolchain_installed_release(out);
		err_wrap(err, "adopt %s", what);
	}
	return ret;
}

int toolchain_adopt_check(const struct toolchain_installed *t, char *const *env,
			  struct err *err)
{
	char *driver = toolchain_installed_driver(t);
	struct compiler_manifest m = { 0 };
	int ret = compiler_manifest_make(&m, driver, env, err);

	if (ret || !digest_equal(&m.id, &t->content)) {
		if (!ret)
			err_set(err, ESTALE, "%s has changed", driver);
		err_wrap(err,
			 "%s is not what was adopted; remove it, and "
			 "adopt it again",
			 t->id);
		ret = -ESTALE;
	}
	compiler_manifest_release(&m);
	free(driver);
	return ret;
}
