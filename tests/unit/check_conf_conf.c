/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: conf */
#include "conf/conf.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static char *file;

static void set_up(void)
{
	struct err err;
	char *parent;

	tempdir_make(dir);
	unsetenv("KFARM_CONFIG");
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("HOME", dir, 1);
	file = xasprintf("%s/kfarm/config", dir);
	parent = str_dir(file);
	must(fs_mkdirs(parent, 0755, &err));
	free(parent);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(file);
}

static void put(const char *text)
{
	struct err err;

	must(fs_write(file, bytes_str(text), 0644, &err));
	/* Ignore the machine's configuration in /etc. */
	setenv("KFARM_CONFIG", file, 1);
}

static struct conf *load(void)
{
	struct conf *c = NULL;
	struct err err = { 0 };

	if (conf_load(&c, NULL, &err))
		ck_abort_msg("%s", err.text);
	return c;
}

FIXTURE(set_up, tear_down);

TEST(load_of_an_empty_file_yields_no_settings)
{
	struct strv names = { 0 };
	struct conf *c;

	put("");
	c = load();
	ck_assert_ptr_null(conf_get(c, "farm", NULL, "require-remote"));
	ck_assert_int_eq(conf_get_number(c, "farm", NULL, "require-remote", 7),
			 7);
	conf_list_subsections(c, "node", &names);
	ck_assert_uint_eq(names.n, 0);
	ck_assert_ptr_null(conf_get_origin(c, "farm", NULL, "verify"));
	conf_free(c);
}

TEST(load_reads_keys_and_subsections_in_order)
{
	struct strv names = { 0 };
	struct conf *c;

	put("[farm]\nrequire-remote = 90\n"
	    "[node \"z.1\"]\naddress = unix:/z\n[node \"A\"] slots = 3\n"
	    "address = \"exec:a; b\"\n[node \"z.1\"]\ncodec = zstd\n");
	c = load();
	conf_list_subsections(c, "node", &names);
	ck_assert_uint_eq(names.n, 2);
	ck_assert_str_eq(names.v[0], "z.1");
	ck_assert_str_eq(names.v[1], "A");
	ck_assert_str_eq(conf_get(c, "node", "z.1", "address"), "unix:/z");
	ck_assert_str_eq(conf_get(c, "node", "A", "address"), "exec:a; b");
	ck_assert_int_eq(conf_get_number(c, "node", "A", "slots", 0), 3);
	ck_assert_int_eq(conf_get_number(c, "farm", NULL, "require-remote", 0),
			 90);
	ck_assert_ptr_null(conf_get(c, "node", "a", "address"));
	strv_release(&names);
	conf_free(c);
}

TEST(get_returns_the_last_value_and_get_all_returns_all)
{
	struct strv all = { 0 };
	struct conf *c;

	put("[nightly \"n\"]\ntarget = Image\ntarget = modules\n");
	c = load();
	conf_get_all(c, "nightly", "n", "target", &all);
	ck_assert_uint_eq(all.n, 2);
	ck_assert_str_eq(all.v[0], "Image");
	ck_assert_str_eq(conf_get(c, "nightly", "n", "target"), "modules");
	strv_release(&all);
	conf_free(c);
}

TEST(load_warns_of_an_unknown_key_with_file_and_line)
{
	struct strv warnings = { 0 };
	struct err err = { 0 };
	struct conf *c;
	char *first, *second;

	put("[farm]\n\trequire = 1\n[node \"a\"]\nverify = 3\n"
	    "[node]\nslots = 4\n");
	must(conf_load(&c, &warnings, &err));
	first = xasprintf("%s:2: unknown key farm.require", file);
	second = xasprintf("%s:6: unknown key node.slots; it belongs in "
			   "[node \"NAME\"]",
			   file);
	ck_assert_uint_eq(warnings.n, 3);
	ck_assert_str_eq(warnings.v[0], first);
	ck_assert_str_eq(warnings.v[2], second);
	free(first);
	free(second);
	strv_release(&warnings);
	conf_free(c);
}

TEST(load_warns_of_keys_that_this_version_ignores)
{
	struct strv warnings = { 0 };
	struct err err = { 0 };
	struct conf *c;

	put("[farm]\nverify=1\n[node \"a\"]\nkey=SHA256:x\n[tree \"s\"] url=x\n"
	    "[node \"b\"]\nprofile=y\n[nightly \"o\"]\nrev=z\n"
	    "[include]\npath=nowhere\n");
	must(conf_load(&c, &warnings, &err));
	ck_assert_uint_eq(warnings.n, 1);
	text_is(warnings.v[0],
		"%s:2: farm.verify is ignored by this version of kfarm", file);
	strv_release(&warnings);
	conf_free(c);
}

/* The content of the file, and the message after its path. */
static const struct bad {
	const char *text, *why;
} bad[] = {
	{ "[farm]\n\nrequire-remote = 101\n",
	  ":3: farm.require-remote: \"101\" is not a number from 0 to 100" },
	{ "[node \"a\"] codec = gz\n",
	  ":1: node.a.codec: invalid value \"gz\": expected none, lzo or "
	  "zstd" },
	{ "[node \"a\"]\nslots=1\nslots\n", ":3: node.a.slots: missing value" },
	{ "[farm]\nverify = 1\nverify \\\n= 2\n",
	  ":3: expected \"=\" after the key" },
	{ "[node \"a\nslots=1\n",
	  ":1: unterminated quote in a section header" },
	{ "[farm]\nverify = \"1\n", ":2: unterminated quote in a value" },
};

TEST_EACH(load_refuses_a_bad_value_with_file_and_line, bad)
{
	struct conf *c = NULL;
	struct err err = { 0 };

	put(row->text);
	err_is(conf_load(&c, NULL, &err), -EINVAL, "%s%s", file, row->why);
	ck_assert_ptr_null(c);
}

TEST(load_reports_an_error_in_the_included_file)
{
	char *other = xasprintf("%s/kfarm/more", dir);
	struct conf *c;
	struct err err = { 0 };

	put("[include]\npath = more\n");
	must(fs_write(other, bytes_str("[farm]\nverify=x\n"), 0644, &err));
	err_is(conf_load(&c, NULL, &err), -EINVAL,
	       "%s:2: farm.verify: \"x\" is not a number from 0 to 100", other);
	free(other);
}

TEST(a_later_included_value_takes_precedence)
{
	char *other = xasprintf("%s/kfarm/more", dir);
	struct conf *c;
	struct err err;

	put("[farm]\nverify=1\n[include]\npath = more\n");
	must(fs_write(other, bytes_str("[farm]\nverify=2\n"), 0644, &err));
	c = load();
	ck_assert_int_eq(conf_get_number(c, "farm", NULL, "verify", 0), 2);
	conf_free(c);
	free(other);
}

TEST(load_reads_the_file_in_the_users_directory)
{
	struct conf *c;

	put("[tree \"check\"]\nurl=x\n");
	setenv("KFARM_CONFIG", "", 1);
	c = load();
	ck_assert_str_eq(conf_get(c, "tree", "check", "url"), "x");
	conf_free(c);
	ck_assert_int_eq(unlink(file), 0);
	c = load();
	ck_assert_ptr_null(conf_get(c, "tree", "check", "url"));
	conf_free(c);
}

TEST(load_reads_only_the_file_named_by_kfarm_config)
{
	char *other = xasprintf("%s/other", dir);
	struct conf *c = NULL;
	struct err err = { 0 };

	put("[farm]\nverify=1\n");
	setenv("KFARM_CONFIG", other, 1);
	err_is(conf_load(&c, NULL, &err), -ENOENT,
	       "%s: No such file or directory", other);
	must(fs_write(other, bytes_str("[farm]\nrequire-remote=5\n"), 0644,
		      &err));
	c = load();
	ck_assert_ptr_null(conf_get(c, "farm", NULL, "verify"));
	ck_assert_int_eq(conf_get_number(c, "farm", NULL, "require-remote", 0),
			 5);
	conf_free(c);
	free(other);
}

TEST(the_origin_of_a_key_is_its_last_setting)
{
	char *want = xasprintf("%s:4", file);
	struct conf *c;
	char *at;

	put("[node \"a\"]\naddress=unix:/x\naddress=unix:/y\naddress=unix:/x\n");
	c = load();
	at = conf_get_origin(c, "node", "a", "address");
	ck_assert_str_eq(at, want);
	free(at);
	free(want);
	conf_free(c);
}
