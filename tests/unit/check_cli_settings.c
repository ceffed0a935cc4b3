/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
#include "../lib/test.h"

#include "cli/settings.h"

#include "base/bytes.h"

TEST(settings_are_loaded_from_the_configuration)
{
	static const char text[] = "[cache]\n\tenabled = true\n"
				   "\tremote = https://example.org\n"
				   "\tremote-key = ~/key\n"
				   "\ttrust = a\n\ttrust = b\n"
				   "[farm]\n\trequire-remote = 70\n"
				   "\tshell = kfarm\n"
				   "\tremember-probes = no\n"
				   "[node \"a\"]\n\taddress = unix:/none\n"
				   "[arch \"arm64\"]\n\ttoolchain = gcc-13\n"
				   "[arch \"arm\"]\n\ttoolchain = arm-x-\n";
	char path[] = "/tmp/check_cli_settings.XXXXXX";
	struct node_roster roster = { 0 }, empty = { 0 };
	struct strv standard = { 0 };
	int fd = mkstemp(path), percent = 0;
	struct settings_host local = { 0 };
	const struct cache_setup *cache;
	struct err err = { 0 };

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bytes_write(fd, bytes_str(text)), 0);
	close(fd);
	setenv("KFARM_CONFIG", path, 1);
	setenv("HOME", "/home/me", 1);
	unsetenv("CCACHE_DISABLE");
	must(settings_load(&roster, false, &percent, NULL, &local, &err));
	ck_assert_uint_eq(roster.n, 1);
	ck_assert_int_eq(percent, 70);
	ck_assert(local.use_shell && local.ignore_probe_cache);
	cache = settings_choose_cache(&local, SETTINGS_CACHE_CONFIGURED);
	ck_assert_ptr_nonnull(cache);
	ck_assert_str_eq(cache->remote.url, "https://example.org");
	ck_assert_str_eq(cache->remote.certificate_key, "/home/me/key");
	ck_assert(!cache->remote.certificate && !cache->remote.write);
	ck_assert_uint_eq(cache->remote.trust.n, 2);
	ck_assert_str_eq(cache->remote.trust.v[1], "b");
	settings_host_release(&local);
	/* The command line takes precedence. */
	percent = 20;
	node_roster_release(&roster);
	must(settings_load(&roster, false, &percent, NULL, NULL, &err));
	ck_assert_int_eq(percent, 20);
	percent = 0;
	must(settings_load(&empty, true, &percent, NULL, NULL, &err));
	ck_assert_uint_eq(empty.n, 0);
	ck_assert_int_eq(percent, 0);
	must(settings_load(&empty, true, &percent, &standard, NULL, &err));
	ck_assert_uint_eq(standard.n, 2);
	ck_assert_str_eq(standard.v[0], "arm64=gcc-13");
	ck_assert_str_eq(standard.v[1], "arm=arm-x-");
	strv_release(&standard);
	node_roster_release(&roster);
	unlink(path);
}

static const struct {
	const char *text, *variable;
	enum settings_cache_mode option;
	bool used;
} cache_choices[] = {
	{ "", NULL, SETTINGS_CACHE_CONFIGURED, true },
	{ "", "", SETTINGS_CACHE_CONFIGURED, false },
	{ "", "1", SETTINGS_CACHE_ON, true },
	{ "", "1", SETTINGS_CACHE_RENEW, true },
	{ "", NULL, SETTINGS_CACHE_OFF, false },
	{ "[cache]\n\tsize = 1G\n", NULL, SETTINGS_CACHE_CONFIGURED, true },
	{ "[cache]\n\tenabled = true\n", "1", SETTINGS_CACHE_CONFIGURED,
	  false },
	{ "[cache]\n\tenabled = false\n", NULL, SETTINGS_CACHE_CONFIGURED,
	  false },
	{ "[cache]\n\tenabled = false\n", NULL, SETTINGS_CACHE_ON, true },
};

TEST_EACH(builds_use_the_result_cache_unless_it_is_disabled, cache_choices)
{
	char path[] = "/tmp/check_cli_settings.XXXXXX";
	struct node_roster roster = { 0 };
	struct settings_host host = { 0 };
	const struct cache_setup *cache;
	int fd = mkstemp(path), percent = 0;
	struct err err = { 0 };

	ck_assert_int_ge(fd, 0);
	must(bytes_write(fd, bytes_str(row->text)));
	close(fd);
	setenv("KFARM_CONFIG", path, 1);
	if (row->variable)
		setenv("CCACHE_DISABLE", row->variable, 1);
	else
		unsetenv("CCACHE_DISABLE");
	must(settings_load(&roster, false, &percent, NULL, &host, &err));
	cache = settings_choose_cache(&host, row->option);
	ck_assert(!cache == !row->used);
	ck_assert(!cache ||
		  cache->write_only == (row->option == SETTINGS_CACHE_RENEW));
	settings_host_release(&host);
	node_roster_release(&roster);
	unlink(path);
}

static const int signals[] = { SIGINT, SIGTERM, SIGKILL, SIGSEGV };

TEST_RANGE(exit_by_signal_ends_the_process_with_that_signal, 0, 4)
{
	char text[16] = "";
	int status, out[2];
	pid_t pid;

	ck_assert(!pipe(out));
	fflush(stdout);
	signal(signals[_i], SIG_IGN);
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		printf("unflushed");
		settings_exit_by_signal(signals[_i]);
		_exit(0);
	}
	close(out[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), signals[_i]);
	ck_assert(!WCOREDUMP(status));
	ck_assert_int_ge(read(out[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "unflushed");
	close(out[0]);
}
