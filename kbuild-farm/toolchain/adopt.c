/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/adopt.h"

#include "base/fs.h"
#include "base/which.h"
#include "compiler/manifest.h"
#include "toolchain/builtin.h"
#include "toolchain/install-dir.h"
#include "toolchain/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names of the tools of a gcc whose driver ("gcc-12") has no prefix. */
static const char *const unprefixed_tools[] = {
	"addr2line", "ar",      "as",      "c++filt", "cpp",     "elfedit",
	"gcc",       "gcc-ar",  "gcc-nm",  "gcov",    "gprof",   "gcc-ranlib",
	"ld",        "ld.bfd",  "ld.gold", "nm",      "objcopy", "objdump",
	"ranlib",    "readelf", "size",    "strings", "strip",   NULL,
};

static const char *const llvm_tools[] = {
	"clang", "clang++", "clang-cpp", "ld.lld", "lld", "llvm-", NULL,
};

/*
 * Return the length of a driver's prefix, such as "aarch64-linux-gnu-" in
 * "aarch64-linux-gnu-gcc-12", or 0.
 */
static size_t tool_prefix_len(const char *driver)
{
	const char *at = NULL, *next = driver;

	while ((next = strstr(next, "gcc")) != NULL) {
		if (next == driver || next[-1] == '-')
			at = next;
		next += 3;
	}
	return at ? (size_t)(at - driver) : 0;
}

static bool is_tool_of_compiler(const char *name, const char *driver,
				bool is_clang)
{
	size_t len = is_clang ? 0 : tool_prefix_len(driver);
	const char *const *tool = is_clang ? llvm_tools : unprefixed_tools;

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
	bool is = which_is_executable(path);

	free(path);
	return is;
}

int toolchain_adopt_list_tools(const char *bin, const char *driver,
			       bool is_clang, struct strv *out, struct err *err)
{
	struct strv names = { 0 };
	int ret = fs_list(bin, &names);

	if (ret)
		err_set(err, -ret, "%s: %s", bin, strerror(-ret));
	for (size_t i = 0; i < names.n; i++)
		if (is_tool_of_compiler(names.v[i], driver, is_clang) &&
		    is_program(bin, names.v[i]))
			strv_add(out, names.v[i]);
	strv_release(&names);
	return ret;
}

/* Find the only driver in DIR/bin or, if DIR/bin does not exist, in DIR. */
static int find_single_driver(const char *dir, char **out, struct err *err)
{
	struct strv names = { 0 }, drivers = { 0 };
	char *bin = xasprintf("%s/bin", dir), *list;
	const char *place = fs_is_dir(bin) ? bin : dir;
	int ret = 0;

	fs_list(place, &names);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];

		if ((str_equal(name, "gcc") || str_ends(name, "-gcc") ||
		     str_equal(name, "clang")) &&
		    is_program(place, name))
			strv_addf(&drivers, "%s/%s", place, name);
	}
	if (!drivers.n) {
		ret = err_set(err, ENOENT,
			      "%s: no compiler found in this directory or its "
			      "bin directory",
			      dir);
	} else if (drivers.n > 1) {
		list = strv_join(&drivers, ", ");
		ret = err_set(err, E2BIG,
			      "%s: several compilers found; specify one of %s",
			      dir, list);
		free(list);
	} else {
		*out = xstrdup(drivers.v[0]);
	}
	strv_release(&drivers);
	strv_release(&names);
	free(bin);
	return ret;
}

/* Set *out to the absolute path of the driver that `what` names. */
static int find_driver(const char *what, char *const *env, char **out,
		       struct err *err)
{
	char *name, *found;

	*out = NULL;
	if (fs_is_dir(what)) {
		name = fs_make_absolute(what);
		int ret = find_single_driver(name, out, err);

		free(name);
		return ret;
	}
	name = str_ends(what, "-") ? xasprintf("%sgcc", what) : xstrdup(what);
	found = which_compiler(name, str_find_env(env, "PATH"), NULL);
	if (found && !access(found, X_OK))
		*out = fs_make_absolute(found);
	else
		err_set(err, ENOENT, "%s: no such compiler", name);
	free(found);
	free(name);
	return *out ? 0 : -ENOENT;
}

static int describe_adopted(struct toolchain_installed *t, const char *what,
			    const struct compiler_manifest *m, struct err *err)
{
	const struct toolchain_host *host = toolchain_builtin_host_by_machine(
		m->host);
	const char *name = str_base(m->driver);
	size_t prefix_len = tool_prefix_len(name);
	struct toolchain_release r;
	struct strv names = { 0 };
	char *id;
	int ret = toolchain_release_parse_version(m->is_clang, m->version, &r,
						  err);

	if (!ret && r.n_parts != 3)
		ret = err_set(err, ENOTSUP,
			      "unsupported version %s: expected three numbers",
			      m->version);
	if (ret) {
		err_wrap(err, "%s", m->driver);
		return ret;
	}
	t->release = toolchain_release_format(&r);
	t->version = toolchain_release_format_version(&r);
	t->is_clang = m->is_clang;
	if (!m->is_clang)
		t->triplet = prefix_len > 1 ? xstrndup(name, prefix_len - 1) :
					      xstrdup(m->machine);
	id = toolchain_release_id(&r, t->triplet, NULL);
	t->id = xasprintf("adopted-%s", id);
	free(id);
	t->host = xstrdup(host ? host->name : m->host);
	t->relative_prefix = str_dir(m->driver);
	t->driver = xstrdup(name);
	t->manifest_id = m->id;
	t->date = toolchain_installed_format_now();
	t->adopted_from = xstrdup(what);
	ret = toolchain_adopt_list_tools(t->relative_prefix, t->driver,
					 t->is_clang, &names, err);
	for (size_t i = 0; i < names.n; i++)
		strv_addf(&t->tools, "%s/%s", t->relative_prefix, names.v[i]);
	strv_release(&names);
	if (!ret && !toolchain_release_is_id(t->id))
		ret = err_set(err, EINVAL, "%s: invalid toolchain id", t->id);
	return ret;
}

static int publish_adopted(const char *data, struct toolchain_installed *t,
			   bool again, struct err *err)
{
	struct toolchain_install_dir place = { 0 };
	char *dir = NULL;
	int ret = toolchain_install_dir_open(&place, data, err);

	if (ret)
		goto out;
	dir = toolchain_install_dir_scratch_path(&place, t->id, err);
	ret = dir ? fs_mkdirs(dir, 0755, err) : -EIO;
	if (ret)
		goto out;
	toolchain_installed_set_dir(t, dir);
	ret = toolchain_installed_write(t, err);
	if (ret)
		goto out;
	ret = toolchain_install_dir_publish(&place, t->id, t->id, again, err);
	if (ret)
		goto out;
	free(dir);
	dir = xasprintf("%s/%s", place.path, t->id);
	toolchain_installed_set_dir(t, dir);
out:
	free(dir);
	toolchain_install_dir_close(&place);
	return ret;
}

int toolchain_adopt(const char *data, const char *location, bool replace,
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
	ret = find_driver(location, env, &driver, err);
	if (!ret)
		ret = compiler_manifest_make(&m, driver, env, err);
	if (!ret)
		ret = describe_adopted(out, location, &m, err);
	known = !ret &&
		!toolchain_installed_read(data, out->id, &before, &ignored);
	if (known && str_equal(before.relative_prefix, out->relative_prefix) &&
	    str_equal(before.driver, out->driver) &&
	    digest_equal(&before.manifest_id, &out->manifest_id)) {
		toolchain_installed_release(out);
		*out = before;
		before = (struct toolchain_installed){ 0 };
	} else if (known && !replace) {
		ret = err_set(
			err, EEXIST,
			"%s: a different compiler was already adopted under "
			"this id: %s/%s on %s; use --force to replace it",
			out->id, before.relative_prefix, before.driver,
			before.date ? before.date : "an unknown date");
	} else if (!ret) {
		/*
		 * Publishing replaces toolchain.json, which records the links
		 * to the tools of the earlier compiler.  Remove these links
		 * afterwards: `before` still lists them.
		 */
		ret = publish_adopted(data, out, replace, err);
		if (!ret && known)
			ret = toolchain_link_unpublish_recorded(&before, err);
	}
	toolchain_installed_release(&before);
	compiler_manifest_release(&m);
	free(driver);
	if (ret) {
		toolchain_installed_release(out);
		err_wrap(err, "adopt %s", location);
	}
	return ret ? ret : known;
}

int toolchain_adopt_verify(const struct toolchain_installed *t,
			   char *const *env, struct err *err)
{
	char *driver = toolchain_installed_driver_path(t);
	struct compiler_manifest m = { 0 };
	struct err why = { 0 };
	int ret = compiler_manifest_make(&m, driver, env, &why);

	if (ret || !digest_equal(&m.id, &t->manifest_id)) {
		if (!ret)
			err_set(&why, ESTALE, "%s has changed", driver);
		ret = err_set(
			err, ESTALE,
			"the compiler has changed since it was adopted: %s; "
			"adopt the compiler again with --force",
			why.text);
	}
	compiler_manifest_release(&m);
	free(driver);
	return ret;
}
