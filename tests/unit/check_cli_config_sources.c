/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* The [config] sections of the configuration file. */
#include "cli/config-sources.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static struct config_sources *c;
static struct kconfig_request r;
static struct err err;

static void set_up(void)
{
	char *path;

	tempdir_make(dir);
	path = xasprintf("%s/config", dir);
	setenv("KFARM_CONFIG", path, 1);
	setenv("HOME", dir, 1);
	c = config_sources_new();
	r = (struct kconfig_request){ 0 };
	err = (struct err){ 0 };
	free(path);
}

static void tear_down(void)
{
	config_sources_free(c);
	strv_release(&r.fragments);
	tempdir_remove(dir);
}

static void put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name), *above = str_dir(path);

	must(fs_mkdirs(above, 0755, &err));
	must(fs_write(path, bytes_str(text), 0644, &err));
	free(above);
	free(path);
}

static int find(const char *kconfig)
{
	r.kconfig = kconfig;
	return config_sources_resolve(c, &r, &err);
}

/* Compare the arguments of `add`, without the test's directory. */
static void expect_added(const char *want)
{
	struct strv short_names = { 0 };
	char *text;

	for (size_t i = 0; i < r.named_config->fragments.n; i++) {
		const char *below = str_skip_dir(r.named_config->fragments.v[i],
						 dir);

		strv_addf(&short_names, "%s%s", below ? "./" : "",
			  below ? below : r.named_config->fragments.v[i]);
	}
	ck_assert_uint_eq(r.named_config->fragments.n,
			  r.named_config->fragment_locations.n);
	text = strv_join(&short_names, "|");
	ck_assert_str_eq(text, want);
	free(text);
	strv_release(&short_names);
}

FIXTURE(set_up, tear_down);

TEST(a_section_has_a_base_and_additions_with_their_locations)
{
	char *where = xasprintf("%s/config:2", dir);
	char *third = xasprintf("%s/config:4", dir);

	put("config", "[config \"board\"]\n\tkconfig = defconfig\n"
		      "\tkconfig-add = CONFIG_A=y\n"
		      "\tkconfig-add = CONFIG_B=\"\\\"x\\\"\"\n");
	ck_assert_msg(!find("board"), "%s", err.text);
	ck_assert_str_eq(r.named_config->base, "defconfig");
	ck_assert_str_eq(r.named_config->location, where);
	expect_added("CONFIG_A=y|CONFIG_B=\"x\"");
	ck_assert_str_eq(r.named_config->fragment_locations.v[1], third);
	ck_assert(strv_has(r.config_names, "board"));
	free(third);
	free(where);
}

TEST(a_name_without_a_section_is_left_to_the_tree)
{
	put("config", "[config \"board\"]\n\tkconfig = defconfig\n");
	ck_assert_int_eq(find("tinyconfig"), 0);
	ck_assert_ptr_null(r.named_config);
	ck_assert_uint_eq(r.config_names->n, 1);
	ck_assert_int_eq(find(NULL), 0);
	ck_assert_ptr_null(r.named_config);
}

TEST(a_section_may_build_on_others)
{
	put("config", "[config \"debug\"]\n\tkconfig = board\n"
		      "\tkconfig-add = CONFIG_D=y\n"
		      "[config \"board\"]\n\tkconfig = base\n"
		      "\tkconfig-add = CONFIG_B=y\n"
		      "[config \"base\"]\n\tkconfig-add = CONFIG_A=y\n");
	ck_assert_msg(!find("debug"), "%s", err.text);
	ck_assert_ptr_null(r.named_config->base);
	ck_assert_ptr_nonnull(r.named_config->location);
	expect_added("CONFIG_A=y|CONFIG_B=y|CONFIG_D=y");
}

TEST(a_section_can_extend_a_configuration_of_its_own_name)
{
	put("config", "[config \"defconfig\"]\n\tkconfig = defconfig\n"
		      "\tkconfig-add = CONFIG_A=y\n");
	ck_assert_msg(!find("defconfig"), "%s", err.text);
	ck_assert_str_eq(r.named_config->base, "defconfig");
	expect_added("CONFIG_A=y");
}

TEST(a_circular_reference_of_sections_is_an_error)
{
	put("config", "[config \"a\"]\n\tkconfig = b\n"
		      "[config \"b\"]\n\tkconfig = c\n"
		      "[config \"c\"]\n\tkconfig = a\n");
	ck_assert_int_eq(find("a"), -ELOOP);
	ck_assert_msg(strstr(err.text, "/config:6: circular reference: "
				       "\"a\" -> \"b\" -> \"c\" -> "
				       "\"a\""),
		      "%s", err.text);
}

/* The paths of words in the file. */
static const char *const paths[][2] = {
	{ "~/frags/a", "./frags/a" },
	{ "frags/a", "./frags/a" },
	{ "./frags/a", "././frags/a" },
	{ "arch/arm64/configs/a.config", "arch/arm64/configs/a.config" },
	{ "tiny", "tiny" },
	{ "/etc/a", "/etc/a" },
	{ "CONFIG_X=a/b", "CONFIG_X=a/b" },
	{ "file:///frags/a", "file:///frags/a" },
};

TEST_EACH(existing_paths_are_relative_to_the_configuration_file, paths)
{
	char *text = xasprintf("[config \"x\"]\n\tkconfig-add = \"%s\"\n",
			       (*row)[0]);

	put("config", text);
	put("frags/a", "");
	ck_assert_msg(!find("x"), "%s", err.text);
	expect_added((*row)[1]);
	free(text);
}

TEST(an_error_of_a_url_names_its_line_or_option)
{
	put("config", "[config \"x\"]\n\tkconfig = http://127.0.0.1:1/x\n");
	unsetenv("http_proxy");
	setenv("XDG_CACHE_HOME", dir, 1);
	ck_assert_int_eq(find("x"), -EIO);
	ck_assert_msg(strstr(err.text, "/config:2: http://127.0.0.1:1/x: "),
		      "%s", err.text);
	strv_add(&r.fragments, "http://127.0.0.1:1/y");
	ck_assert_int_eq(find(NULL), -EIO);
	ck_assert_msg(str_starts(err.text, "-K: http://127.0.0.1:1/y: "), "%s",
		      err.text);
}
