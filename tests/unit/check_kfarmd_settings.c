/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/settings.h"

#include "base/log.h"

static char *dir, *logged;
static struct kfarmd_settings s;
static struct err err;

static void on_line(void *ctx, const char *line)
{
	(void)ctx;
	free(logged);
	logged = xstrdup(line);
}

static void setup(void)
{
	dir = xstrdup("/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	log_init("kfarmd", LOG_WARNING);
	log_set_sink(on_line, NULL);
}

static void teardown(void)
{
	kfarmd_settings_release(&s);
	free(logged);
	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(dir, &err));
	free(dir);
}

static void write_conf(const char *text)
{
	must(fs_write("node.conf", bytes_str(text), 0644, &err));
}

/* Parse the arguments, separated by blanks. */
static int read_args(const char *words)
{
	struct strv argv = { 0 };
	static struct strv borrowed;
	int ret;

	strv_release(&borrowed);
	strv_split(&argv, words, " ");
	kfarmd_settings_release(&s);
	s = (struct kfarmd_settings){ 0 };
	ret = kfarmd_settings_read(&s, strv_list(&argv), &err);
	/* The settings borrow the strings of the arguments. */
	borrowed = argv;
	return ret;
}

static void must_read_args(const char *words)
{
	ck_assert_msg(!read_args(words), "%s", err.text);
}

static const char full_conf[] = "# a node\n"
				"[node]\n"
				"\tlisten = 4000 ; here\n"
				"\tListen = \"[::1]:4001\"\n"
				"\tslots = 4\n"
				"\tstore = /mnt/a b\n"
				"\tstore-size = 20G\n"
				"\ttoolchains = /mnt/t\n"
				"\thost = arm\n"
				"\thost = i686\n"
				"[client \"laptop\"]\n"
				"\tweight = 300\n"
				"[client \"the cellar\"]\n"
				"\tWeight = 1\n";

FIXTURE(setup, teardown);

TEST(node_conf_sets_options_that_the_command_line_omits)
{
	write_conf(full_conf);
	must_read_args("--config .");
	ck_assert_uint_eq(s.listen.n, 2);
	ck_assert_str_eq(s.listen.v[0], "4000");
	ck_assert_str_eq(s.listen.v[1], "[::1]:4001");
	ck_assert_uint_eq(s.slots, 4);
	ck_assert_str_eq(s.store, "/mnt/a b");
	ck_assert_uint_eq(s.store_size, 20ull << 30);
	ck_assert_str_eq(s.toolchains, "/mnt/t");
	ck_assert_uint_eq(s.hosts.n, 2);
	ck_assert_str_eq(kfarmd_settings_dir(&s), ".");
	ck_assert_uint_eq(kfarmd_settings_weight(&s, "laptop"), 300);
	ck_assert_uint_eq(kfarmd_settings_weight(&s, "the cellar"), 1);
	ck_assert_uint_eq(kfarmd_settings_weight(&s, "desk"), 100);
	ck_assert_uint_eq(kfarmd_settings_weight(&s, NULL), 100);
	ck_assert_uint_eq(kfarmd_settings_weight(NULL, "laptop"), 100);
	ck_assert_ptr_null(logged);
}

TEST(command_line_options_override_node_conf)
{
	write_conf(full_conf);
	must_read_args("--config . --listen 5000 --slots 2 --store /s "
		       "--store-size 1G --toolchains /t --host arm64");
	ck_assert_uint_eq(s.listen.n, 1);
	ck_assert_str_eq(s.listen.v[0], "5000");
	ck_assert_uint_eq(s.slots, 2);
	ck_assert_str_eq(s.store, "/s");
	ck_assert_uint_eq(s.store_size, 1ull << 30);
	ck_assert_str_eq(s.toolchains, "/t");
	ck_assert_uint_eq(s.hosts.n, 1);
	ck_assert_str_eq(s.hosts.v[0], "arm64");
}

TEST(neighbors_can_be_disabled_in_the_file)
{
	must_read_args("--config .");
	ck_assert_int_eq(s.neighbors, KFARMD_SETTINGS_NEIGHBORS_DEFAULT);
	write_conf("[node]\n\tneighbors = no\n");
	must_read_args("--config .");
	ck_assert_int_eq(s.neighbors, KFARMD_SETTINGS_NEIGHBORS_NO);
	must_read_args("--config . --neighbors yes");
	ck_assert_int_eq(s.neighbors, KFARMD_SETTINGS_NEIGHBORS_YES);
	write_conf("[node]\n\tneighbors = yes\n");
	must_read_args("--config . --neighbors no");
	ck_assert_int_eq(s.neighbors, KFARMD_SETTINGS_NEIGHBORS_NO);
}

TEST(node_conf_may_be_missing_empty_or_partial)
{
	must_read_args("--config .");
	ck_assert_uint_eq(s.listen.n, 1);
	ck_assert_str_eq(s.listen.v[0], "3634");
	write_conf("");
	must_read_args("--config .");
	ck_assert_str_eq(s.listen.v[0], "3634");
	write_conf("[node]\n\tslots = 3\n");
	must_read_args("--config . --listen 7 --listen unix:/x");
	ck_assert_uint_eq(s.listen.n, 2);
	ck_assert_uint_eq(s.slots, 3);
}

TEST(node_conf_is_not_read_without_a_network_address)
{
	write_conf("[node]\n\tslots = none\n");
	must_read_args("--listen unix:/x");
	ck_assert_uint_eq(s.slots, 0);
	ck_assert_int_eq(read_args("--listen unix:/x --config ."), -EINVAL);
}

static const char *const with_missing_dir[] = {
	"--stdio --config ./none",
	"--listen unix:/x --config ./none",
	"--status --config ./none",
};

TEST_EACH(the_argument_of_config_must_exist, with_missing_dir)
{
	int in = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(dup2(in, STDIN_FILENO), STDIN_FILENO);
	err_is(read_args(*row), -ENOENT,
	       "--config ./none: no such directory; `kfarmd --init --config "
	       "./none` creates it");
	close(in);
}

TEST(with_stdio_the_listen_keys_of_node_conf_are_ignored)
{
	int in = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(dup2(in, STDIN_FILENO), STDIN_FILENO);
	write_conf(full_conf);
	must_read_args("--stdio --config .");
	ck_assert_uint_eq(s.listen.n, 0);
	ck_assert_uint_eq(s.slots, 4);
	close(in);
}

/* Invalid files, and the start of each error message. */
static const struct {
	const char *text, *error;
} invalid_files[] = {
	{ "[node]\n\tslots = 0\n", "./node.conf:2: --slots 0: must be" },
	{ "[node]\n\n\tslots\n", "./node.conf:3: slots: missing value" },
	{ "[node]\n\tstore =\n", "./node.conf:2: --store \"\": empty value" },
	{ "[node]\n\ttoolchains = \"\"\n",
	  "./node.conf:2: --toolchains \"\": empty value" },
	{ "[node]\n\tlisten = localhost:1\n", "./node.conf:2: --listen" },
	{ "[node]\n\tstore-size = 12\n", "./node.conf:2: --store-size" },
	{ "[node]\n\thost = ARM\n", "./node.conf:2: --host ARM" },
	{ "[node]\n\tneighbors = maybe\n", "./node.conf:2: --neighbors maybe" },
	{ "[client \"x\"]\n\tweight = 0\n",
	  "./node.conf:2: weight 0: must be a number from 1 to 1000" },
	{ "[client \"x\"]\n\tweight = 1001\n",
	  "./node.conf:2: weight 1001: must be a number from 1 to 1000" },
	{ "[client \"x\"]\n\tweight\n",
	  "./node.conf:2: weight: must be a number from 1 to 1000" },
	{ "slots = 1\n", "./node.conf:1: key before the first" },
	{ "[node\n", "./node.conf:1: " },
	{ "[node]\n\tstore = \"x\n", "./node.conf:2: " },
};

TEST_EACH(an_error_in_node_conf_names_the_file_and_the_line, invalid_files)
{
	write_conf(row->text);
	ck_assert_int_eq(read_args("--config ."), -EINVAL);
	ck_assert_msg(str_starts(err.text, row->error), "%s", err.text);
}

/* An empty name would be the current directory. */
static const char *const empty_directories[] = { "--store=", "--toolchains=",
						 "--config=" };

TEST_EACH(an_empty_directory_is_rejected, empty_directories)
{
	char *words = xasprintf("--listen unix:/x %s", *row);

	ck_assert_int_eq(read_args(words), -EINVAL);
	text_has(err.text, "empty value");
	free(words);
}

static const char *const unknown_settings[] = {
	"[node]\n\tslot = 4\n",    "[node]\n\tstdio = true\n",
	"[node]\n\tconfig = /x\n", "[node \"x\"]\n\tslots = 4\n",
	"[farm]\n\tslots = 4\n",   "[client]\n\tweight = 4\n",
};

TEST_EACH(an_unknown_setting_is_ignored_with_a_warning, unknown_settings)
{
	write_conf(*row);
	must_read_args("--config .");
	ck_assert_uint_eq(s.slots, 0);
	ck_assert(!s.stdio);
	ck_assert_ptr_nonnull(logged);
	text_has(logged, "./node.conf:2: ");
	text_has(logged, "unknown setting");
}

TEST(a_fifo_in_place_of_node_conf_is_an_error)
{
	ck_assert_int_eq(mkfifo("node.conf", 0600), 0);
	ck_assert_int_lt(read_args("--config ."), 0);
	text_has(err.text, "./node.conf");
}

TEST(a_host_without_known_toolchains_causes_a_warning)
{
	must_read_args("--listen unix:/x --host arm46");
	ck_assert_str_eq(s.hosts.v[0], "arm46");
	ck_assert_pstr_eq(
		logged,
		"kfarmd: warning: --host arm46: unknown architecture; did "
		"you mean \"arm64\"?");
	write_conf("[node]\n\thost = sparc\n\thost = vax780\n");
	must_read_args("--config .");
	ck_assert_uint_eq(s.hosts.n, 2);
	ck_assert_pstr_eq(
		logged,
		"kfarmd: warning: ./node.conf:3: host vax780: unknown "
		"architecture; known architectures: x86_64 i686 arm64 "
		"aarch64_be arm riscv64 riscv32 ppc64le ppc64 ppc s390x "
		"loongarch64 sparc64");
}
