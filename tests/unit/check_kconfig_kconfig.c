/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "../lib/test.h"
#include "base/vec.h"
#include "kconfig/kconfig.h"
#include "kernel-tree.h"

static struct kconfig_request r;
static struct kconfig_spec k;
static struct err err;

static void set_up(void)
{
	tree_set_up();
	r = (struct kconfig_request){ 0 };
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	kconfig_release(&k);
	strv_release(&r.fragments);
	tree_tear_down();
}

static int take(bool have)
{
	kconfig_release(&k);
	return kconfig_read(&k, &r, tree, "arm64", have, &err);
}

FIXTURE(set_up, tear_down);

TEST(the_default_base_is_defconfig)
{
	ck_assert_int_eq(take(false), 0);
	ck_assert_int_eq(k.base, KCONFIG_BASE_TARGET);
	ck_assert_str_eq(k.target, "defconfig");
	ck_assert(!kconfig_is_empty(&k));
}

TEST(an_existing_config_is_the_base)
{
	ck_assert_int_eq(take(true), 0);
	ck_assert_int_eq(k.base, KCONFIG_BASE_EXISTING);
	ck_assert(kconfig_is_empty(&k));
}

static const char *const targets[] = { "tinyconfig", "board_defconfig",
				       "allmodconfig" };

TEST_EACH(configuration_targets_of_make_are_recognized, targets)
{
	r.kconfig = *row;
	ck_assert_int_eq(take(true), 0);
	ck_assert_int_eq(k.base, KCONFIG_BASE_TARGET);
	ck_assert_str_eq(k.target, *row);
}

TEST(rules_of_the_architectures_makefile_are_targets)
{
	r.kconfig = "i386_defconfig";
	must(kconfig_read(&k, &r, tree, "x86", false, &err));
	ck_assert_str_eq(k.target, "i386_defconfig");
}

static const char *const not_targets[] = { "config", "merge_config",
					   "olddefconfig" };

/* As in arch/powerpc/Makefile. */
TEST_EACH(other_words_of_the_architectures_makefile_are_not_targets,
	  not_targets)
{
	put_file("linux/arch/arm64/Makefile",
		 "# A comment mentions config and merge_config.\n"
		 "define merge_into_defconfig\n"
		 "\t$(foreach config,$(2),$(config).config)\n"
		 "\t+$(Q)$(MAKE) -f $(srctree)/Makefile olddefconfig\n"
		 "endef\n"
		 "include $(srctree)/x.merge_config\n",
		 0644);
	r.kconfig = *row;
	ck_assert_int_lt(take(true), 0);
	text_has(err.text, "no such configuration");
}

/* U-Boot has all configurations in one directory. */
TEST(configurations_in_the_configs_directory_are_targets)
{
	put_file("linux/configs/rock_defconfig", "", 0644);
	r.kconfig = "rock_defconfig";
	ck_assert_msg(!take(true), "%s", err.text);
	ck_assert_int_eq(k.base, KCONFIG_BASE_TARGET);
	r.kconfig = "rok_defconfig";
	ck_assert_int_lt(take(true), 0);
	text_has(err.text, "\"rock_defconfig\"?");
}

/* As in arch/powerpc/configs/44x. */
TEST(a_configuration_in_a_subdirectory_is_a_target)
{
	put_file("linux/arch/arm64/configs/sub/b_defconfig", "", 0644);
	r.kconfig = "sub/b_defconfig";
	ck_assert_msg(!take(true), "%s", err.text);
	ck_assert_int_eq(k.base, KCONFIG_BASE_TARGET);
	ck_assert_str_eq(k.target, "sub/b_defconfig");
	/* A file in the current directory takes precedence. */
	put_file("sub/b_defconfig", "CONFIG_A=y\n", 0644);
	ck_assert_int_eq(chdir(top), 0);
	ck_assert_msg(!take(true), "%s", err.text);
	ck_assert_int_eq(k.base, KCONFIG_BASE_FILE);
	ck_assert_str_eq(k.base_text, "CONFIG_A=y\n");
	ck_assert_int_eq(chdir("/"), 0);
}

/* As in arch/mips/Makefile. */
TEST(generated_combinations_of_fragments_are_targets)
{
	static const char *const names[] = { "32r6_defconfig",
					     "32r6el_defconfig" };

	put_file("linux/arch/mips/Makefile",
		 "$(eval $(call gen_generic_defconfigs,32,r6,eb el))\n", 0644);
	put_file("linux/arch/mips/configs/generic/32r6.config", "", 0644);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		kconfig_release(&k);
		r.kconfig = names[i];
		ck_assert_msg(!kconfig_read(&k, &r, tree, "mips", false, &err),
			      "%s", err.text);
		ck_assert_int_eq(k.base, KCONFIG_BASE_TARGET);
		ck_assert_str_eq(k.target, names[i]);
	}
	kconfig_release(&k);
	r.kconfig = "32r7el_defconfig";
	ck_assert_int_lt(kconfig_read(&k, &r, tree, "mips", false, &err), 0);
}

TEST(a_file_is_a_base)
{
	char *path = at("my.config");

	put_file("my.config", "CONFIG_A=y\n", 0644);
	r.kconfig = path;
	ck_assert_int_eq(take(false), 0);
	ck_assert_int_eq(k.base, KCONFIG_BASE_FILE);
	ck_assert_str_eq(k.base_text, "CONFIG_A=y\n");
	free(path);
}

static const char *const absent[] = { "nosuch_defconfig", "/no/such/file",
				      "https://example.org/config", "nosuch",
				      "" };

TEST_EACH(a_missing_base_is_named, absent)
{
	r.kconfig = *row;
	ck_assert_int_lt(take(false), 0);
	text_has(err.text, *row);
}

TEST_EACH(a_missing_fragment_is_named, absent)
{
	strv_add(&r.fragments, *row);
	ck_assert_int_lt(take(false), 0);
	text_has(err.text, *row);
}

TEST(only_files_missing_in_the_tree_yield_enoent)
{
	char *in_tree = xasprintf("%s/arch/arm64/configs/gone", tree);

	r.kconfig = "/no/such/file";
	ck_assert_int_eq(take(false), -EINVAL);
	r.kconfig = in_tree;
	ck_assert_int_eq(take(false), -ENOENT);
	r.kconfig = "gone_defconfig";
	ck_assert_int_eq(take(false), -ENOENT);
	free(in_tree);
}

TEST(a_directory_is_neither_a_base_nor_a_fragment)
{
	r.kconfig = "/tmp";
	ck_assert_int_eq(take(false), -EISDIR);
	r.kconfig = NULL;
	strv_add(&r.fragments, "/tmp");
	ck_assert_int_eq(take(false), -EISDIR);
}

TEST(fragments_are_files_fragments_of_the_tree_or_settings)
{
	char *path = at("frag");

	put_file("frag", "CONFIG_F=m", 0644);
	strv_add(&r.fragments, path);
	words(&r.fragments, "tiny.config tiny board "
			    "arch/arm64/configs/board.config CONFIG_X=\"y\"");
	strv_add(&r.fragments, "# CONFIG_Y is not set");
	ck_assert_int_eq(take(false), 0);
	ck_assert_uint_eq(k.n_fragments, 7);
	ck_assert_str_eq(k.fragments[0].text, "CONFIG_F=m\n");
	ck_assert_str_eq(k.fragments[1].text, "CONFIG_T=y\n");
	ck_assert_str_eq(k.fragments[2].text, "CONFIG_T=y\n");
	ck_assert_str_eq(k.fragments[3].text, "CONFIG_B=y\n");
	ck_assert_str_eq(k.fragments[4].text, "CONFIG_B=y\n");
	ck_assert_str_eq(k.fragments[5].text, "CONFIG_X=\"y\"\n");
	ck_assert_str_eq(k.fragments[6].text, "# CONFIG_Y is not set\n");
	free(path);
}

static void expect_wrong(const char *says)
{
	ck_assert_int_lt(take(false), 0);
	ck_assert_msg(strstr(err.text, says), "%s", err.text);
}

TEST(a_url_yields_the_fetched_text_or_a_local_file)
{
	struct kconfig_fetched_urls fetched = { 0 };
	char *file = xasprintf("file://%s/my%%20config", top);
	char *local = xasprintf("FILE://localhost%s/my%%20config", top);

	put_file("my config", "CONFIG_L=y\n", 0644);
	strv_add(&fetched.urls, "https://me:secret@host/a.config");
	strv_add(&fetched.texts, "CONFIG_R=y\n");
	r.fetched = &fetched;
	r.kconfig = fetched.urls.v[0];
	strv_add(&r.fragments, file);
	strv_add(&r.fragments, local);
	strv_add(&r.fragments, fetched.urls.v[0]);
	ck_assert_msg(!take(false), "%s", err.text);
	ck_assert_int_eq(k.base, KCONFIG_BASE_FILE);
	ck_assert_str_eq(k.base_text, "CONFIG_R=y\n");
	ck_assert_str_eq(k.file_name, "https://host/a.config");
	ck_assert_str_eq(k.fragments[0].text, "CONFIG_L=y\n");
	ck_assert_str_eq(k.fragments[1].text, "CONFIG_L=y\n");
	ck_assert_str_eq(k.fragments[2].text, "CONFIG_R=y\n");
	strv_release(&r.fragments);
	r.kconfig = "file://host/a.config";
	expect_wrong("-k file://host/a.config: file URL with a remote host");
	r.kconfig = "ftp://host/a.config";
	expect_wrong("-k ftp://host/a.config: unsupported URL scheme");
	strv_release(&fetched.urls);
	strv_release(&fetched.texts);
	free(local);
	free(file);
}

TEST(a_named_configuration_overrides_a_target_of_the_tree)
{
	struct kconfig_named_config named = {
		.base = (char[]){ "board_defconfig" },
		.location = (char[]){ "/c:2" },
	};

	strv_add(&named.fragments, "CONFIG_A=y");
	strv_add(&named.fragment_locations, "/c:3");
	r.named_config = &named;
	r.kconfig = "tinyconfig";
	words(&r.fragments, "CONFIG_A=m");
	ck_assert_msg(!take(true), "%s", err.text);
	ck_assert_str_eq(k.target, "board_defconfig");
	ck_assert_str_eq(k.fragments[0].text, "CONFIG_A=y\n");
	ck_assert_str_eq(k.fragments[1].text, "CONFIG_A=m\n");
	ck_assert_uint_eq(k.notes.n, 2);
	ck_assert_str_eq(
		k.notes.v[0],
		"-k tinyconfig: using the configuration defined in /c:2 "
		"instead of the make target of this name");
	ck_assert_str_eq(k.notes.v[1], "CONFIG_A: m (-K) overrides y (/c:3)");
	named.base[0] = 'x';
	expect_wrong("/c:2 xoard_defconfig: no such file, and no such "
		     "configuration in");
	named.base = NULL;
	ck_assert_msg(!take(true), "%s", err.text);
	ck_assert_str_eq(k.target, "defconfig");
	free(named.fragments.v[0]);
	named.fragments.v[0] = xstrdup("nosuch");
	expect_wrong("/c:3 nosuch: no such file, and no such fragment");
	strv_release(&named.fragments);
	strv_release(&named.fragment_locations);
}

/* A word of -k or of -K, and the message. */
static const struct {
	const char *base, *add, *says;
} hints[] = {
	{ "bord_defconfig", NULL, "did you mean \"board_defconfig\"?" },
	{ "boardd", NULL, "did you mean \"board1\"?" },
	{ "board.config", NULL,
	  "but a fragment of that name exists; add it with -K "
	  "board.config" },
	{ "./board_defconfig", NULL,
	  "-k ./board_defconfig: no such file, and no such configuration in" },
	{ NULL, "tny", "; did you mean \"tiny\"?" },
	{ NULL, "FOO=y", "; did you mean \"CONFIG_FOO=y\"?" },
	{ NULL, "CONFIG_FOO", "-K CONFIG_FOO: missing value" },
	{ NULL, "# CONFIG_FOO", "expected CONFIG_NAME=VALUE or" },
};

TEST_EACH(errors_suggest_a_similar_name_or_the_syntax, hints)
{
	struct strv configs = { 0 };

	strv_add(&configs, "board1");
	r.config_names = &configs;
	r.kconfig = row->base;
	if (row->add)
		strv_add(&r.fragments, row->add);
	expect_wrong(row->says);
	strv_release(&configs);
}

TEST(ignored_and_overridden_settings_are_noted)
{
	char *path = at("frag"), *want;

	put_file("frag", "CONFIG_A=y\nB=y\n# CONFIG_A=m\n CONFIG_B=y\n", 0644);
	strv_add(&r.fragments, path);
	words(&r.fragments, "CONFIG_A=n CONFIG_A=n");
	ck_assert_msg(!take(true), "%s", err.text);
	ck_assert_uint_eq(k.notes.n, 3);
	want = xasprintf(
		"%s:2: Kconfig ignores \"B=y\", which is not a valid setting",
		path);
	ck_assert_str_eq(k.notes.v[0], want);
	free(want);
	want = xasprintf("CONFIG_A: n (-K) overrides y (%s:1)", path);
	ck_assert_str_eq(k.notes.v[2], want);
	free(want);
	free(path);
}

TEST(notes_beyond_the_limit_are_counted)
{
	char *path = at("frag");
	struct buf text = { 0 };

	for (int i = 0; i < 20; i++)
		buf_printf(&text, "X=%d\nCONFIG_A=%d\n", i, i);
	put_file("frag", buf_str(&text), 0644);
	strv_add(&r.fragments, path);
	ck_assert_msg(!take(true), "%s", err.text);
	ck_assert_uint_eq(k.notes.n, 12);
	ck_assert_str_eq(k.notes.v[10], "14 more settings override others");
	ck_assert_str_eq(k.notes.v[11], "Kconfig ignores 15 more lines");
	buf_release(&text);
	free(path);
}

/* The settings of a fragment move to the end. */
TEST(fragments_override_the_settings_of_the_base)
{
	char *path = at("frag"), *merged;

	put_file("frag", "# words\nCONFIG_B=m\r\nCONFIG_C=y\n", 0644);
	strv_add(&r.fragments, path);
	words(&r.fragments, "CONFIG_C=n CONFIG_D=text");
	ck_assert_msg(!take(true), "%s", err.text);
	merged = kconfig_merge(&k, "# Linux\n# CONFIG_B is not set\n"
				   "CONFIG_A=y\nCONFIG_C=m\n");
	ck_assert_str_eq(merged, "# Linux\nCONFIG_A=y\nCONFIG_B=m\n"
				 "CONFIG_C=n\nCONFIG_D=\"text\"\n");
	free(merged);
	free(path);
}

TEST(the_digest_depends_on_the_fragments)
{
	struct digest a, b;

	words(&r.fragments, "CONFIG_A=y");
	ck_assert_int_eq(take(false), 0);
	kconfig_digest(&k, &a);
	ck_assert_int_eq(take(false), 0);
	kconfig_digest(&k, &b);
	ck_assert(digest_equal(&a, &b));
	k.fragments[0].text[9] = 'n';
	kconfig_digest(&k, &b);
	ck_assert(!digest_equal(&a, &b));
}

static const struct {
	const char *asked, *config, *missed;
} effects[] = {
	{ "CONFIG_A=y\n", "CONFIG_A=y\n", "" },
	{ "CONFIG_A=y\n", "CONFIG_AB=y\n", "CONFIG_A: requested y, got n" },
	{ "CONFIG_A=y\n", "CONFIG_A=m\n", "CONFIG_A: requested y, got m" },
	{ "CONFIG_A=n\n", "# CONFIG_A is not set\n", "" },
	{ "CONFIG_A=n\n", "CONFIG_B=y\n", "" },
	{ "# CONFIG_A is not set\n", "CONFIG_A=y\n",
	  "CONFIG_A: requested n, got y" },
	{ "CONFIG_A=\"x y\"\n", "CONFIG_A=\"x y\"\n", "" },
	{ "CONFIG_A=0x10\n", "CONFIG_A=0x20\n",
	  "CONFIG_A: requested 0x10, got 0x20" },
	{ "CONFIG_A=y\nCONFIG_A=n\n", "# CONFIG_A is not set\n", "" },
	{ "CONFIG_A=y\r\n", "CONFIG_A=y\n", "" },
	{ "# a comment about CONFIG_A=y\n\nnonsense\nCONFIG_B=y\n",
	  "CONFIG_B=y\n", "" },
	{ "# CONFIG_A=y\nCONFIG_B=y\n", "CONFIG_A=y\nCONFIG_B=y\n", "" },
	{ "CONFIG_A=y", "# CONFIG_A is not set",
	  "CONFIG_A: requested y, got n" },
	{ "CONFIG_A=y\nCONFIG_B=m\n", "CONFIG_C=y\n",
	  "CONFIG_A: requested y, got n; CONFIG_B: requested m, got n" },
};

TEST_EACH(settings_without_effect_are_listed, effects)
{
	char *path = at("frag"), *text;
	struct kconfig_rejected *missed;
	struct strv lines = { 0 };
	size_t n;

	put_file("frag", row->asked, 0644);
	strv_add(&r.fragments, path);
	ck_assert_int_eq(take(false), 0);
	kconfig_find_rejected(&k, row->config, &missed, &n);
	for (size_t i = 0; i < n; i++)
		strv_addf(&lines, "%s: requested %s, got %s", missed[i].symbol,
			  missed[i].requested, missed[i].actual);
	text = strv_join(&lines, "; ");
	ck_assert_str_eq(text, row->missed);
	free(text);
	strv_release(&lines);
	kconfig_free_rejected(missed, n);
	free(path);
}

TEST(the_last_fragment_counts)
{
	struct kconfig_rejected *missed;
	size_t n;

	words(&r.fragments, "CONFIG_A=y CONFIG_A=m");
	ck_assert_int_eq(take(false), 0);
	kconfig_find_rejected(&k, "CONFIG_A=m\n", &missed, &n);
	ck_assert_uint_eq(n, 0);
	kconfig_free_rejected(missed, n);
	kconfig_find_rejected(&k, "CONFIG_A=y\n", &missed, &n);
	ck_assert_uint_eq(n, 1);
	kconfig_free_rejected(missed, n);
}

static const struct {
	const char *base, *config, *adds[3];
	bool yes;
} asks[] = {
	{ NULL, "CONFIG_V=y\n", { NULL }, true },
	{ NULL, "CONFIG_V=m\n", { NULL }, false },
	{ NULL, "CONFIG_VV=y\n# CONFIG_V is not set\n", { NULL }, false },
	{ NULL, "", { NULL }, false },
	{ NULL, "CONFIG_V=y\n", { "CONFIG_V=n", NULL }, false },
	{ NULL, "", { "CONFIG_V=y", "CONFIG_X=y", NULL }, true },
	{ NULL, "", { "CONFIG_V=y", "# CONFIG_V is not set", NULL }, false },
	{ "CONFIG_V=y\n", "# CONFIG_V is not set\n", { NULL }, true },
	{ "CONFIG_X=y\n", "CONFIG_V=y\n", { NULL }, false },
};

TEST_EACH(the_last_setting_of_a_symbol_counts, asks)
{
	char *path = at("base.config");

	if (row->base)
		put_file("base.config", row->base, 0644);
	r.kconfig = row->base ? path : NULL;
	for (int i = 0; row->adds[i]; i++)
		strv_add(&r.fragments, row->adds[i]);
	ck_assert_int_eq(take(true), 0);
	ck_assert_int_eq(kconfig_is_requested(&k, row->config, "CONFIG_V"),
			 row->yes);
	free(path);
}

TEST(a_target_requests_no_symbol)
{
	r.kconfig = "defconfig";
	ck_assert_int_eq(take(true), 0);
	ck_assert(!kconfig_is_requested(&k, "CONFIG_V=y\n", "CONFIG_V"));
}
